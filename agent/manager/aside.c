/* `mainstayctl recover`: a node whose data must not, or cannot, go into the
 * cluster as they are gets a full copy, and its own data are set aside first. And
 * `mainstayctl provision` of a Galera node: the same, whatever is with its data.
 *
 * Each step is in the store before it is done, and may be done twice: after a
 * crash of the agent or the machine it goes on from there. What is irrevocable
 * is one rename (adapter/aside.c), of which nothing is lost. */
#include "manager/manager.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

bool recover_busy(Manager *m) {
        return m->store->aside.state == ASIDE_STOPPING || m->store->aside.state == ASIDE_MOVING;
}

static int refuse(sd_bus_message *call, const char *text) {
        return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "%s", text);
}

/* The end: whoever waits is told. */
static void finish(Manager *m, bool ok, const char *text) {
        Aside before = m->store->aside;

        m->store->aside = (Aside) {0};
        if (manager_save(m) < 0) {
                /* Whoever reads the disk after a crash would go on with it. */
                m->store->aside = before;
                manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
                return;
        }
        if (ok)
                log_notice("%s", text);
        else
                log_warning("%s", text);
        if (m->recovering_call)
                (void) (ok ? sd_bus_reply_method_return(m->recovering_call, "s", text) : refuse(m->recovering_call, text));
        m->recovering_call = sd_bus_message_unref(m->recovering_call);
        manager_touch(m);
}

/* A part of the data that a rename of the datadir would leave behind, for the
 * state transfer to overwrite; NULL where there is none. */
const char *local_data_elsewhere(const Manager *m) {
        size_t n = strlen(m->config->datadir);

        for (size_t i = 0; i < ELEMENTS(m->options.data_dir); i++) {
                const char *dir = m->options.data_dir[i];

                if (dir && dir[0] == '/' && !(strncmp(dir, m->config->datadir, n) == 0 && (dir[n] == 0 || dir[n] == '/')))
                        return dir;
        }
        return NULL;
}

static bool primary_known(const Manager *m) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);

                if (o && o->mysqld == MYSQLD_PRIMARY)
                        return true;
        }
        return false;
}

/* Why it cannot be done now; NULL where it can. `afresh`: though nothing is wrong. */
static char *why_not(Manager *m, bool afresh) {
        const char *elsewhere = local_data_elsewhere(m);
        char *text = NULL;
        int r = 0;

        if (afresh && m->report->donating)
                r = asprintf(&text, "It serves a copy to another node just now: wait for its end.");
        else if (!afresh && mysqld_in_primary(m->report->mysqld))
                r = asprintf(&text, "Its mysqld is in the Primary component (%s): there is nothing to recover.", mysqld_to_string(m->report->mysqld));
        else if (!afresh && m->report->marks.n == 0 && !m->report->problem && !manager_keeps_out(m) && !names_contain(&m->plan->held, m->name))
                r = asprintf(&text, "This node is neither failed nor kept out (%s%s%s): there is nothing to recover. To bring it into the cluster: mainstayctl join", str_or(m->state, "OFFLINE"),
                             *str_or(m->state_reason, "") ? ": " : "", str_or(m->state_reason, ""));
        else if (m->plan->action != ACTION_JOIN || !primary_known(m))
                r = asprintf(&text, "There is no Primary component to take a copy from, so its data are left where they are. See: mainstayctl plan");
        else if (m->store->claim_state != CLAIM_NONE)
                r = asprintf(&text, "A bootstrap by this node is under way: wait for its end.");
        else if (m->evidence.outside)
                r = asprintf(&text, "A mysqld runs on this datadir outside of %s: stop it first.", m->config->unit);
        else if (m->evidence.datadir_missing)
                r = asprintf(&text, "The datadir %s cannot be opened, so there is nothing to set aside: %s", m->config->datadir, str_or(m->evidence.grastate_error, "it is not there"));
        else if (!m->evidence.have_data && !m->evidence.have_grastate)
                r = asprintf(&text, "There are no data in %s to set aside. To bring it into the cluster: mainstayctl join", m->config->datadir);
        else if (elsewhere)
                r = asprintf(&text, "Part of the data lies in %s, outside of %s: the state transfer would overwrite it there. Move all of it away by hand, and then: mainstayctl join", elsewhere, m->config->datadir);
        return r < 0 ? strdup("It cannot be told whether that is safe: memory is short.") : text;
}

static void stamp_now(char stamp[static ASIDE_STAMP_SIZE]) {
        time_t now = time(NULL);
        struct tm tm;

        if (!gmtime_r(&now, &tm) || strftime(stamp, ASIDE_STAMP_SIZE, "%Y%m%dT%H%M%S", &tm) == 0)
                (void) snprintf(stamp, ASIDE_STAMP_SIZE, "00000000T000000");
}

static const char *why_set_aside(Manager *m) {
        MarkKind k = marks_first(&m->store->marks);

        return k >= 0 ? m->store->marks.mark[k].evidence : str_or(m->report->problem, str_or(plan_reason(m->plan, m->name), "A person said so."));
}

static void describe(Manager *m, Aside *a) {
        char at[POSITION_TEXT_MAX] = "not known";

        stamp_now(a->stamp);
        if (report_has_position(m->report))
                (void) position_text(&m->report->position, at);
        (void) snprintf(a->note, sizeof(a->note),
                        "These were the data of %s in %.200s, until Mainstay set them aside (%s UTC), because a\nperson said so.\n\nTheir position: %s\nWhy: %.*s\n\n"
                        "Nothing uses them. To look into them, start a server on a copy, with wsrep_on=OFF\nand skip_networking. When nobody needs them any more, remove this directory.\n",
                        m->name, m->config->datadir, a->stamp, at, MARK_TEXT_MAX - 1, why_set_aside(m));
}

static char *steps_text(Manager *m, const Aside *a) {
        char *text;
        int r;

        r = asprintf(&text, "%s\n1. %s\n2. %s is renamed to %s.mainstay-%s, with all that is in it, and an empty one takes its place. Nothing is deleted. It is refused where there is no room for two copies.\n"
                            "3. mysqld is started and takes a full copy (SST) of the data of the cluster, which is served by %s.",
                     why_set_aside(m), m->main_pid != 0 ? "mysqld, which runs without the cluster, is stopped." : "mysqld is stopped already.", m->config->datadir,
                     m->config->datadir, a->stamp, m->plan->node);
        return r < 0 ? NULL : text;
}

/* --force=MARK: the data are kept, and are judged anew. */
static int lift(Manager *m, sd_bus_message *call, MarkKind k, bool dry_run) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (!m->store->marks.mark[k].set)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "This node is not marked %s.", mark_to_string(k));
        if (!mark_can_be_lifted(k))
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "The mark %s stands for data that are not whole, and nobody can say that they are. %s", mark_to_string(k), mark_clears(k));
        if (asprintf(&text, "The mark %s is lifted: the data stay in place and are judged anew. While what it stands for is still to be seen, it is set again at once.", mark_to_string(k)) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        r = dry_run ? 0 : marks_lift(m, k);
        return r < 0 ? r : sd_bus_reply_method_return(call, "s", text);
}

/* From here on it is gone on with, whatever dies meanwhile. */
static int write_down(Manager *m, const Aside *a) {
        int r;

        m->store->aside = *a;
        r = manager_save(m);
        if (r < 0)
                m->store->aside = (Aside) {0};
        return r;
}

int recover_begin(Manager *m, sd_bus_message *call, const Names *force, bool dry_run, bool wait) {
        _cleanup_free_ char *why = NULL, *steps = NULL, *text = NULL;
        Aside a = { .state = ASIDE_STOPPING };
        char by[CALLER_SIZE];
        int r;

        for (size_t i = 0; i < force->n; i++) {
                MarkKind k = mark_from_string(force->name[i]);

                if (k >= 0)
                        return lift(m, call, k, dry_run);
                if (!streq(force->name[i], "space"))
                        return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "There is no check \"%s\" to force: recover knows space, diverged, stray and prepared.", force->name[i]);
                a.force_space = true;
        }
        if (m->recovering_call)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Busy", "This node is being recovered already. To follow it: mainstayctl status --watch");
        if (m->store->aside.state != ASIDE_NONE && !dry_run) {
                if (!wait)
                        return sd_bus_reply_method_return(call, "s", "It is under way already.");
                m->recovering_call = sd_bus_message_ref(call);
                return 1;
        }
        why = why_not(m, false);
        if (why)
                return refuse(call, why);
        describe(m, &a);
        if (dry_run) {
                steps = steps_text(m, &a);
                return steps ? sd_bus_reply_method_return(call, "s", steps) : -ENOMEM;
        }

        r = write_down(m, &a);
        if (r < 0)
                return r;
        chronicle_caller(m, call, by);
        text = log_text("An operator has this node recovered: its data are set aside, and it takes a full copy. %s", why_set_aside(m));
        log_event(LOG_NOTICE, MESSAGE_OPERATED, text, FIELD_CALLER, by, FIELD_REASON, why_set_aside(m), NULL);
        if (wait)
                m->recovering_call = sd_bus_message_ref(call);
        manager_touch(m);
        return wait ? 1 : sd_bus_reply_method_return(call, "s", "The data of this node are being set aside; then it takes a full copy.");
}

int recover_afresh(Manager *m, const char *donor, bool force_space, bool dry_run, char why[static 512]) {
        Aside a = { .state = ASIDE_STOPPING, .force_space = force_space };
        _cleanup_free_ char *not = why_not(m, true);
        int r;

        if (not || m->store->aside.state != ASIDE_NONE) {
                (void) snprintf(why, 512, "%.500s", str_or(not, "This node is being recovered already. To follow it: mainstayctl status --watch"));
                return -EPERM;
        }
        if (dry_run)
                return 0;
        describe(m, &a);
        (void) snprintf(a.donor, sizeof(a.donor), "%s", donor);
        r = write_down(m, &a);
        if (r < 0) {
                (void) snprintf(why, 512, "It cannot be written down (%s), so nothing is done.", strerror(-r));
                return -EPERM;
        }
        manager_touch(m);
        return 0;
}

/* The unit: what it is told, and what it answers. */

static int write_orders(Manager *m) {
        _cleanup_close_ int dirfd = open(m->paths.runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const Aside *a = &m->store->aside;
        _cleanup_free_ char *env = NULL;
        int r;

        if (dirfd < 0)
                return -errno;
        if (asprintf(&env, "MAINSTAY_ASIDE_STAMP=%s\nMAINSTAY_ASIDE_FORCE=%s\n", a->stamp, a->force_space ? "space" : "") < 0) {
                env = NULL;
                return -ENOMEM;
        }
        (void) unlinkat(dirfd, "aside.result", 0);
        r = file_write(dirfd, "aside.note", a->note, strlen(a->note), 0644);
        return r < 0 ? r : file_write(dirfd, "aside.env", env, strlen(env), 0644);
}

static void remove_orders(Manager *m) {
        _cleanup_close_ int dirfd = open(m->paths.runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (dirfd < 0)
                return;
        (void) unlinkat(dirfd, "aside.env", 0);
        (void) unlinkat(dirfd, "aside.note", 0);
}

static void set_aside(Manager *m) {
        Aside *a = &m->store->aside;
        _cleanup_free_ char *path = NULL, *text = NULL;

        a->state = ASIDE_JOINING;
        m->store->wanted = m->store->owed = true;
        if (manager_save(m) < 0) {
                a->state = ASIDE_MOVING; /* to be found done next time */
                manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
                return;
        }
        remove_orders(m);
        /* Not before: a donor is chosen for one joining, and forgotten by a member. */
        if (a->donor[0]) {
                (void) snprintf(m->donor, sizeof(m->donor), "%s", a->donor);
                joining_forgive(m);
        }
        m->start_after = 0;
        m->start_failures = 0;
        path = log_text("%s.mainstay-%s", m->config->datadir, a->stamp);
        text = log_text("The data of this node are set aside in %s; it takes a full copy of the cluster's now.", str_or(path, "a directory beside them"));
        log_event(LOG_NOTICE, MESSAGE_SET_ASIDE, text, FIELD_PATH, str_or(path, m->config->datadir), FIELD_REASON, a->note, NULL);
        manager_touch(m);
}

static void aside_replied(Unit *unit, int r, const char *job, void *userdata) {
        _cleanup_free_ char *answer = NULL, *text = NULL, *path = NULL;
        Manager *m = userdata;
        size_t size = 0;

        m->setting_aside = false;
        if (m->store->aside.state != ASIDE_MOVING)
                return;
        if (asprintf(&path, "%s/aside.result", m->paths.runtime) < 0)
                path = NULL;
        if (path && file_read(AT_FDCWD, path, 4096, &answer, &size, NULL) >= 0 && strncmp(answer, "done", 4) == 0) {
                set_aside(m);
                return;
        }
        if (answer)
                answer[strcspn(answer, "\n")] = 0;
        remove_orders(m);
        if (asprintf(&text, "The data of this node were not set aside: %s. Nothing else is done.",
                     answer && strchr(answer, ' ') ? strchr(answer, ' ') + 1 : r < 0 ? str_or(job, strerror(-r)) : "mainstay-aside.service did not answer; see its journal") < 0)
                text = NULL;
        finish(m, false, str_or(text, "The data of this node were not set aside."));
}

static void stopped(Unit *unit, int r, const char *job, void *userdata) {
        Manager *m = userdata;

        if (r < 0 || !streq_null(job, "done")) {
                manager_stop_ended(m);
                if (m->store->aside.state == ASIDE_STOPPING)
                        finish(m, false, "mysqld's unit could not be stopped, so the data of this node were not set aside.");
        }
        manager_touch(m);
}

static void stop_first(Manager *m) {
        const UnitState *u = unit_state(m->unit);
        bool idle = m->main_pid == 0 && (streq(u->active, "inactive") || streq(u->active, "failed"));

        if (idle && m->evidence.mysqld == MYSQLD_STOPPED) {
                m->store->aside.state = ASIDE_MOVING;
                if (manager_save(m) < 0) {
                        m->store->aside.state = ASIDE_STOPPING;
                        manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
                }
                return;
        }
        if (idle || m->stopping)
                return;
        if (manager_stop(m, stopped) < 0)
                manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
}

/* Nothing has been renamed yet, neither now nor in an earlier life of the agent. */
static bool is_in_place(const Manager *m) {
        _cleanup_free_ char *path = NULL;

        if (m->setting_aside || asprintf(&path, "%s.mainstay-%s", m->config->datadir, m->store->aside.stamp) < 0) {
                path = NULL;
                return false;
        }
        return access(path, F_OK) < 0 && errno == ENOENT;
}

void recover_drive(Manager *m) {
        Aside *a = &m->store->aside;
        int r;

        /* What was to be copied serves no more, and these data may be what the others
         * wait for. */
        if (recover_busy(m) && m->plan->action == ACTION_BOOTSTRAP && is_in_place(m)) {
                finish(m, false, "No node serves the cluster any more, so there is nothing to copy: the data of this node stay where they are, and are judged like those of the others. When the cluster serves again, say it again: mainstayctl recover");
                return;
        }

        /* Before there is a cluster to take a copy from, nothing is moved. */
        if (recover_busy(m) && (m->plan->action != ACTION_JOIN || !primary_known(m)))
                return;
        if (a->state == ASIDE_STOPPING)
                stop_first(m);
        /* wsrep-recover has the files open. */
        if (a->state == ASIDE_MOVING && !m->setting_aside && !m->recovering) {
                r = write_orders(m);
                if (r >= 0)
                        r = unit_start(m->aside_unit, "replace", aside_replied, m);
                if (r == -ENOTCONN || r == -EBUSY) { /* systemd has yet to tell of the unit */
                        manager_wake(m, manager_now(m) + USEC_PER_SEC);
                        return;
                }
                m->setting_aside = r >= 0;
                if (r < 0)
                        aside_replied(m->aside_unit, r, NULL, m);
        }
        if (a->state == ASIDE_JOINING && m->report->mysqld == MYSQLD_PRIMARY) {
                _cleanup_free_ char *text = NULL;

                if (asprintf(&text, "This node is back in the cluster, with a full copy of its data. Its own are in %s.mainstay-%s.", m->config->datadir, a->stamp) < 0)
                        text = NULL;
                finish(m, true, str_or(text, "This node is back in the cluster."));
        }
}
