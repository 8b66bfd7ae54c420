/* This node's own part: its files, its server, and the wsrep-recover that tells
 * what the files do not. */
#include "adapter/record.h"
#include "adapter/recovery-store.h"
#include "manager/manager.h"
#include "sys/file.h"
#include "sys/locks.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <fcntl.h>

#define RECOVER_TRIES 3
#define RECOVER_PAUSE (2 * USEC_PER_SEC)
#define PROBE_TRIES 10
#define PROBE_PAUSE (200 * USEC_PER_MSEC)
#define UNFOLLOWED_PERIOD (10 * USEC_PER_SEC)

/* wsrep_local_state */
#define STATE_DONOR 2
#define STATE_SYNCED 4

int local_watch(Manager *m, watch_changed_t changed) {
        static const char *const data[] = { "grastate.dat", "gvwstate.dat", "sst_in_progress", NULL };
        static const char *const server[] = { RECORD_NAME, RECOVERY_NAME, NULL };
        int r;

        r = watch_new(m->event, changed, m, &m->watch);
        if (r >= 0)
                r = watch_add(m->watch, m->config->datadir, data);
        if (r >= 0 && !streq(m->config->base_dir, m->config->datadir))
                r = watch_add(m->watch, m->config->base_dir, data);
        if (r >= 0)
                r = watch_add(m->watch, m->paths.server, server);
        return r;
}

/* Evidence */

static void read_grastate(Evidence *e, int dirfd) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t size;
        int r;

        r = file_read(dirfd, "grastate.dat", GRASTATE_SIZE_MAX, &text, &size, &st);
        if (r == -ENOENT)
                return;
        e->grastate_empty = r >= 0 && size == 0;
        if (r >= 0)
                r = grastate_parse(text, size, &e->grastate, e->grastate_error);
        else
                (void) snprintf(e->grastate_error, sizeof(e->grastate_error), "%s", r == -E2BIG ? "it is too large to be one" : strerror(-r));
        if (r < 0)
                return;
        e->have_grastate = true;
        e->grastate_mtime = (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t) st.st_mtim.tv_nsec / 1000;
}

static bool read_gvwstate(int dirfd, const char *name, Gvwstate *ret, char error[static 256]) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = file_read(dirfd, name, GVWSTATE_SIZE_MAX, &text, &size, NULL);
        if (r == -ENOENT)
                return false;
        if (r < 0) {
                (void) snprintf(error, 256, "%s", strerror(-r));
                return false;
        }
        return gvwstate_parse(text, size, ret, error) >= 0;
}

/* Something of a server, of whatever kind and in whatever state. */
static void read_signs(Evidence *e, int dirfd) {
        static const char *const signs[] = { "ibdata1", "mysql", "mysql.ibd", "aria_log_control" };
        struct stat st;

        for (size_t i = 0; i < ELEMENTS(signs) && !e->have_data; i++)
                e->have_data = faccessat(dirfd, signs[i], F_OK, AT_SYMLINK_NOFOLLOW) >= 0 || errno != ENOENT;
        if (fstatat(dirfd, "sst_in_progress", &st, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        e->have_data = e->sst_cut = true;
        e->sst_time = (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC;
}

static void read_datadir(Manager *m, Evidence *e) {
        _cleanup_close_ int dirfd = -1, basefd = -1;
        char ignored[256];

        dirfd = open(m->config->datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0) {
                e->datadir_missing = true;
                (void) snprintf(e->grastate_error, sizeof(e->grastate_error), "the datadir %.150s cannot be opened: %s%s", m->config->datadir, strerror(errno),
                                errno == EACCES ? " (mainstayctl setup mends it)" : "");
                return;
        }
        read_grastate(e, dirfd);
        read_signs(e, dirfd);
        basefd = streq(m->config->base_dir, m->config->datadir) ? dup(dirfd) : open(m->config->base_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (basefd < 0)
                return;
        e->have_gvwstate = read_gvwstate(basefd, "gvwstate.dat", &e->gvwstate, e->gvwstate_error);
        e->have_aside = read_gvwstate(basefd, "gvwstate.dat.mainstay", &e->aside, ignored);
}

static void read_server_dir(Manager *m, Evidence *e) {
        _cleanup_close_ int dirfd = -1, datafd = -1;
        Recovery recovery;
        uint64_t section;
        Stamp now;
        int r;

        dirfd = open(m->paths.server, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0) {
                if (errno != ENOENT) /* else there is no record either */
                        (void) snprintf(e->viewlog_error, sizeof(e->viewlog_error), "%.150s: %s", m->paths.server, strerror(errno));
                return;
        }
        r = record_read(dirfd, &e->viewlog, e->viewlog_error);
        if (r >= 0) {
                e->have_viewlog = true;
                for (size_t i = 0; i < e->viewlog.n_views; i++)
                        e->view_seqno[i] = store_seqno(m->store, e->viewlog.views_section,
                                                       e->viewlog.n_primary_seen - e->viewlog.n_views + i);
        } else if (r != -ENOENT && !e->viewlog_error[0])
                (void) snprintf(e->viewlog_error, sizeof(e->viewlog_error), "it cannot be read: %s", strerror(-r));

        datafd = open(m->config->datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (datafd < 0 || recovery_read(dirfd, &recovery) < 0 || stamp_take(datafd, &now) < 0)
                return;
        if (record_section(dirfd, &section) < 0 || !recovery_holds(&recovery, &now, section))
                return;
        if (!recovery_lasting(recovery.outcome) && m->recover_tries < RECOVER_TRIES)
                return;
        e->have_recovery = true;
        e->recovery_has_position = recovery.outcome == RECOVERY_POSITION;
        e->recovery_prepared = recovery.outcome == RECOVERY_PREPARED;
        e->recovery_position = recovery.position;
        (void) snprintf(e->recovery_text, sizeof(e->recovery_text), "%.250s", recovery.text);
}

static void forget(Evidence *e) {
        viewlog_done(&e->viewlog);
        *e = (Evidence) {0};
}

static Mysqld state_by_status(const Manager *m) {
        if (!m->have_status || !m->status.wsrep)
                return MYSQLD_STARTING;
        if (!streq(m->status.cluster_status, "Primary"))
                return MYSQLD_NON_PRIMARY;
        return m->status.state == STATE_SYNCED || m->status.state == STATE_DONOR ? MYSQLD_PRIMARY : MYSQLD_JOINING;
}

/* Is what the server said last of another condition than it is in? Where it
 * lost the Primary component it stays, and people ask how far it came. */
static bool is_outdated(const Manager *m) {
        if (!m->have_status)
                return true;
        return m->evidence.mysqld == MYSQLD_PRIMARY ? !position_defined(&m->status.position) : streq(m->status.cluster_status, "Primary") || m->status.recv_queue != 0;
}

/* Asks the server where that tells something new: its position, and S of the
 * newest view, which its notify command cannot know. One that is not followed
 * is asked time and again, until it is restarted. */
static void ask_server(Manager *m, bool followed) {
        const Viewlog *log = &m->evidence.viewlog;
        bool primary = m->evidence.mysqld == MYSQLD_PRIMARY;
        bool lacks = primary && log->n_views > 0 && log->views_section == log->section &&
                     m->evidence.view_seqno[log->n_views - 1] == SEQNO_UNDEFINED;
        bool asks = primary || m->evidence.mysqld == MYSQLD_NON_PRIMARY;
        usec_t pause;

        if (m->main_pid == 0 || (followed && !(asks && (lacks || is_outdated(m))))) {
                m->probe_tries = 0;
                return;
        }
        if ((followed && m->probe_tries >= PROBE_TRIES) || probe_busy(m->probe))
                return;
        if (manager_now(m) < m->probe_after) {
                manager_wake(m, m->probe_after);
                return;
        }
        pause = PROBE_PAUSE << m->probe_tries;
        if (!followed && (m->have_status || pause > UNFOLLOWED_PERIOD))
                pause = UNFOLLOWED_PERIOD;
        m->probe_after = manager_now(m) + pause;
        if (m->probe_tries < PROBE_TRIES)
                m->probe_tries++;
        if (probe_request(m->probe) < 0)
                m->have_status = false;
        else if (!followed)
                manager_wake(m, m->probe_after);
}

/* No process yet, but nothing stands before it any more: it has passed the
 * gate. (Or the agent was restarted, and the gate will ask anew at once.) One
 * that has yet to come to the gate is no more than stopped. */
static bool let_go(const Manager *m, const UnitState *u) {
        return streq(u->active, "activating") && !streq(u->sub, "auto-restart") && m->passed && !m->gate.call;
}

/* A server of which systemd knows nothing, started by hand or by a script: its
 * data are locked. What locks them within a start of the unit, or while the
 * position is looked for, is our own doing. */
static bool runs_outside(const Manager *m, const UnitState *u) {
        static const char *const files[] = { "ibdata1", "aria_log_control" };
        const UnitState *recovery = unit_state(m->recovery);
        bool idle = streq(u->active, "inactive") || streq(u->active, "failed") || m->gate.call;

        if (u->main_pid != 0 || !idle || m->recovering || !recovery || streq(recovery->active, "activating"))
                return false;
        for (size_t i = 0; i < ELEMENTS(files); i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", m->config->datadir, files[i]) < 0) {
                        path = NULL;
                        return false;
                }
                if (locks_held(path))
                        return true;
        }
        return false;
}

int local_read(Manager *m, Report **ret) {
        _cleanup_(report_freep) Report *r = NULL;
        const UnitState *u = unit_state(m->unit);
        Evidence *e = &m->evidence;
        bool followed;
        int k;

        forget(e);
        read_datadir(m, e);
        read_server_dir(m, e);
        (void) snprintf(e->unit_invocation, sizeof(e->unit_invocation), "%s", u->main_pid ? u->invocation : "");
        manager_node_names(m, &e->nodes);
        e->quorum_off = options_quorum_off(&m->options);
        if (!e->quorum_off) {
                e->quorum_off = store_quorum_off(m->store, e->viewlog.views_section);
                e->quorum_was_off = e->quorum_off != NULL;
        }
        e->recovery_off = options_recovery_off(&m->options);
        followed = evidence_followed(e);
        e->mysqld = u->main_pid == 0 ? (let_go(m, u) ? MYSQLD_STARTING : MYSQLD_STOPPED) : followed ? evidence_live_state(&e->viewlog) : state_by_status(m);
        if (e->mysqld == MYSQLD_STARTING && u->main_pid != 0 && evidence_evicted(e))
                e->mysqld = MYSQLD_NON_PRIMARY; /* it runs on, and joins nobody by itself */
        if (runs_outside(m, u)) {
                e->outside = m->config->unit;
                e->mysqld = MYSQLD_UNKNOWN;
                manager_wake(m, manager_now(m) + UNFOLLOWED_PERIOD); /* no event tells when it ends */
        }
        e->have_live = m->have_status && mysqld_is_live(e->mysqld) && !uuid_is_zero(&m->status.position.uuid);
        if (e->have_live)
                e->live = m->status.position;

        k = report_new(&r);
        if (k < 0)
                return k;
        (void) snprintf(r->node, sizeof(r->node), "%s", m->name);
        r->mysqld = e->mysqld;
        k = evidence_weigh(e, r);
        if (k < 0)
                return k;
        m->needs_recovery = k > 0 && m->recover_tries <= RECOVER_TRIES && e->mysqld == MYSQLD_STOPPED;
        if (k > 0 && !m->needs_recovery && e->mysqld == MYSQLD_STOPPED && !r->problem) {
                r->problem = strdup(m->recover_denied ? "its position is not known, for systemd, or polkit, does not let the agent ask for it; as root, type there: systemctl start mainstay-recover"
                                                      : "its position is not known: wsrep-recover gave no result (journalctl -u mainstay-recover)");
                r->unjudged = true;
        }
        ask_server(m, followed);
        *ret = TAKE(r);
        return 0;
}

/* Is the server's own stored view the newest one of the record? */
static bool same_view(const ServerStatus *s, const View *v) {
        Names recorded = {0}, stored = {0};

        for (size_t i = 0; i < v->n_members; i++)
                (void) names_add(&recorded, v->members[i].name);
        for (size_t i = 0; i < s->n_members; i++)
                (void) names_add(&stored, s->member[i].name);
        return uuid_equal(&v->uuid, &s->view_uuid) && names_equal(&recorded, &stored);
}

/* Whatever stands in its configuration: it may have been set as it runs, or be
 * taken out since. What its views prove is the same for ever. */
static void note_quorum(Manager *m, const ServerStatus *s) {
        const Viewlog *log = &m->evidence.viewlog;

        if (!s->quorum_off[0] || !evidence_followed(&m->evidence) || !store_set_quorum_off(m->store, log->section, log->views_section, s->quorum_off))
                return;
        _cleanup_free_ char *text = log_text("The running server has %s set, by which parts of a split cluster each go on. Who was in the cluster with it proves nothing any more: before a bootstrap every configured node must be heard.", s->quorum_off);
        log_event(LOG_WARNING, MESSAGE_QUORUM_OFF, text, FIELD_REASON, s->quorum_off, NULL);
        (void) manager_save(m);
}

static void probed(Probe *p, int r, ServerStatus *status, const char *error, void *userdata) {
        Manager *m = userdata;
        const Viewlog *log = &m->evidence.viewlog;
        uint64_t newest = log->n_primary_seen - 1;

        if (m->asynchronous) {
                replica_probed(m, r < 0 ? NULL : status, r < 0 ? str_or(error, strerror(-r)) : NULL);
                return;
        }
        m->have_status = r >= 0 && m->main_pid != 0;
        if (!m->have_status) {
                if (r < 0 && m->probe_tries == PROBE_TRIES) {
                        _cleanup_free_ char *text = log_text("The server does not answer the agent (%s), so the position of its view is not known, and every configured node must be heard before a bootstrap. What is missing: mainstayctl setup --check", str_or(error, strerror(-r)));

                        log_event(LOG_WARNING, MESSAGE_SERVER_SILENT, text, FIELD_REASON, str_or(error, strerror(-r)), NULL);
                }
                manager_touch(m);
                return;
        }
        m->answered = manager_now(m);
        note_quorum(m, status);
        m->status = *status;
        m->status.replication = NULL; /* the probe's */
        if (status->have_view && log->n_views > 0 && log->views_section == log->section &&
            same_view(status, &log->views[log->n_views - 1]) &&
            store_seqno(m->store, log->section, newest) == SEQNO_UNDEFINED &&
            evidence_is_newest_seqno(&m->evidence, status->view_seqno)) {
                store_set_seqno(m->store, log->section, newest, status->view_seqno);
                (void) manager_save(m);
        }
        manager_touch(m); /* asks again where S is still lacking */
}

/* Recovery */

static void recover_replied(Unit *unit, int r, const char *text, void *userdata) {
        Manager *m = userdata;

        m->recovering = false;
        m->recover_denied = r == -EACCES;
        m->recover_after = manager_now(m) + RECOVER_PAUSE;
        if (r < 0 || !streq(text, "done")) {
                _cleanup_free_ char *line = log_text("wsrep-recover did not run (%s): the position of this node is not known.", str_or(text, strerror(-r)));

                log_event(LOG_WARNING, MESSAGE_RECOVERY_FAILED, line, FIELD_REASON, str_or(text, strerror(-r)), NULL);
        }
        manager_touch(m);
}

void local_recover(Manager *m) {
        int r;

        if (!m->needs_recovery || m->recovering)
                return;
        /* It opens the data. Where Mainstay only watches, somebody may be at work on
         * them; who starts mysqld there wants to know. */
        if (policies_watch_only(m) && !m->gate.call)
                return;
        if (m->recover_tries > 0 && manager_now(m) < m->recover_after) {
                manager_wake(m, m->recover_after);
                return;
        }
        if (m->recover_tries++ >= RECOVER_TRIES) {
                manager_touch(m);
                return;
        }
        m->recovering = m->recovery_awaited = true;
        r = unit_start(m->recovery, "replace", recover_replied, m);
        if (r < 0)
                recover_replied(m->recovery, r, NULL, m);
}

/* Files for one start */

static int write_runtime(Manager *m, const char *name, const char *text) {
        _cleanup_close_ int dirfd = open(m->paths.runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return dirfd < 0 ? -errno : file_write(dirfd, name, text, strlen(text), 0644);
}

/* Written when the gate is answered, for this one start, and gone as soon as
 * mysqld has read it: until then the gate sees in its environment what somebody
 * else asks for. Defines the bootstrap flag in any case, so that no other
 * definition counts, and passes the position, so that the unit need not recover
 * it again. */
int local_write_start_env(Manager *m, bool bootstrap) {
        _cleanup_free_ char *text = NULL;
        char at[POSITION_TEXT_MAX];
        bool known = m->report && report_has_position(m->report) && m->report->source != SOURCE_LIVE;

        const char *donor = bootstrap ? NULL : joining_donor(m);

        /* The comma: where that donor cannot, any other may. */
        if (asprintf(&text, "_WSREP_NEW_CLUSTER=%s\n_WSREP_START_POSITION=%s%s%s%s%s\n", bootstrap ? "--wsrep-new-cluster" : "",
                     known ? "--wsrep_start_position=" : "", known ? position_text(&m->report->position, at) : "",
                     donor ? known ? " --wsrep-sst-donor=" : "--wsrep-sst-donor=" : "", str_or(donor, ""), donor ? "," : "") < 0)
                return -ENOMEM;
        return write_runtime(m, "start.env", text);
}

void local_remove_start_env(Manager *m) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/start.env", m->paths.runtime) >= 0)
                (void) unlink(path);
}

int local_write_server_env(Manager *m) {
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "MAINSTAY_SERVER=%s\nMAINSTAY_DATADIR=%s\nMAINSTAY_SOCKET=%s\nMAINSTAY_OPTIONS=%s%s\n", m->config->server, m->config->datadir, m->config->socket,
                     m->config->defaults_file ? "--defaults-file=" : "", str_or(m->config->defaults_file, "")) < 0)
                return -ENOMEM;
        return write_runtime(m, "server.env", text);
}

int local_setup(Manager *m) {
        int r = settings_load(m);

        if (r < 0)
                return r;
        if (!name_valid(m->config->name)) {
                log_error("\"%s\" cannot be the name of a node: set wsrep_node_name, or name in [node] of %s.", m->config->name, m->paths.config);
                return -EINVAL;
        }
        (void) snprintf(m->name, sizeof(m->name), "%s", m->config->name);
        log_set_node(m->name);
        m->asynchronous = options_asynchronous(&m->options);
        _cleanup_free_ char *program = NULL;
        if (asprintf(&program, "%s/mainstay-probe", m->paths.libexec) < 0)
                return -ENOMEM;
        r = probe_new(m->event, program, m->config->socket, m->config->account, probed, m, &m->probe);
        return r < 0 ? r : look_setup(m, program);
}
