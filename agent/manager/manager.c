/* The manager: reads the facts, decides, acts, tells; see manager.h. */
#include "base/reason.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

/* mysqld that fails to start is tried again, ever more rarely. */
#define START_RETRY_MIN (1 * USEC_PER_SEC)
#define START_RETRY_MAX (60 * USEC_PER_SEC)
#define STUCK_TIME (5 * USEC_PER_SEC)
#define LEFT_TIME (30 * USEC_PER_SEC)
#define ASK_PAUSE (5 * USEC_PER_SEC)
#define STOP_RETRY (10 * USEC_PER_SEC)
#define STOP_TIME (5 * USEC_PER_SEC)

usec_t manager_now(Manager *m) {
        uint64_t now;

        if (sd_event_now(m->event, CLOCK_MONOTONIC, &now) < 0)
                return 0;
        return now;
}

void manager_touch(Manager *m) {
        if (m->due)
                (void) sd_event_source_set_enabled(m->due, SD_EVENT_ONESHOT);
}

void manager_wake(Manager *m, usec_t at) {
        if (at >= m->wake_at)
                return;
        m->wake_at = at;
        if (sd_event_source_set_time(m->timer, at) >= 0)
                (void) sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
}

int manager_save(Manager *m) {
        int r = store_save(m->store);

        if (r < 0) {
                _cleanup_free_ char *text = log_text("%s/%s cannot be written (%s): nothing is promised or bootstrapped until it can. Is the disk full, or read-only?",
                                                     m->paths.state, STORE_NAME, strerror(-r));

                log_event(LOG_ERR, MESSAGE_STATE_UNREADABLE, text, FIELD_PATH, m->paths.state, FIELD_REASON, strerror(-r), NULL);
        }
        return r;
}

static int decide(Manager *m, const Report *own, Plan **ret) {
        Voice voices[NAMES_MAX];
        Overrule overrule = {
                .without = m->store->without,
                .new_cluster = m->request.call && m->request.new_cluster,
                .leader = m->name,
        };

        if (m->store->claim_state != CLAIM_NONE && m->store->claim->new_cluster)
                overrule.new_cluster = true;
        return decision_make(voices, manager_voices(m, own, voices), &overrule, ret);
}

bool manager_mysqld_runs(Manager *m) {
        return mysqld_is_live(m->evidence.mysqld) || m->evidence.outside;
}

/* mysqld's unit */

int manager_stop(Manager *m, unit_job_t replied) {
        Store *s = m->store;
        int r;

        (void) snprintf(s->stopping, sizeof(s->stopping), "%s", unit_state(m->unit)->invocation);
        r = manager_save(m);
        if (r < 0) {
                s->stopping[0] = 0;
                return r;
        }
        m->stopping = true;
        r = unit_stop(m->unit, "replace", replied, m);
        if (r < 0)
                replied(m->unit, r, NULL, m);
        return 0;
}

void manager_stop_ended(Manager *m) {
        m->stopping = false;
        if (!m->store->stopping[0])
                return;
        m->store->stopping[0] = 0;
        (void) manager_save(m); /* what stays there is of a start that has ended */
}

/* By this agent, or by the one before it. */
static bool stopped_by_us(const Manager *m) {
        return m->stopping || m->store->stopping[0];
}

static void unit_moved(Unit *unit, void *userdata) {
        Manager *m = userdata;
        const UnitState *u = unit_state(m->unit);
        bool ended, idle;

        if (!u)
                return; /* systemd is being reloaded: what was known holds until it tells again */
        ended = m->main_pid != 0 && u->main_pid == 0;
        idle = streq(u->active, "inactive") || streq(u->active, "failed");
        m->main_pid = u->main_pid;
        if (ended || idle)
                m->passed = false;
        if (m->store->stopping[0] && u->invocation[0] && !streq(u->invocation, m->store->stopping))
                manager_stop_ended(m); /* another start */
        if (ended || (idle && streq(u->active, "failed")))
                joining_ended(m);
        if (idle)
                m->attempt = m->automatic = false;
        else if (streq(u->sub, "auto-restart"))
                m->automatic = true;
        if (m->main_pid != 0 || idle)
                local_remove_start_env(m); /* read by now, or never to be */
        if (m->main_pid != 0 && !m->stopping && !m->store->wanted) {
                m->store->wanted = true;
                (void) manager_save(m);
        }
        if (m->main_pid != 0) {
                m->start_failures = 0;
                m->have_status = ended ? false : m->have_status;
        }
        if (idle) {
                m->starting = unit_starting(m->unit);
                m->consumed_over = true;
                gatekeeper_leave(m);
                /* Stopped by a person, who wants it stopped. Not so a crash, a
                 * start that failed, what this agent stopped, or what it has just asked
                 * systemd to start: a person's stop ends that job first. */
                if (streq(u->active, "inactive") && streq(u->result, "success") && !unit_starting(m->unit) && !stopped_by_us(m) && m->store->wanted && m->ready) {
                        m->store->wanted = m->store->owed = false;
                        (void) manager_save(m);
                }
                manager_stop_ended(m);
        }
        if (ended || (idle && streq(u->active, "failed"))) {
                m->have_status = false;
                m->recover_tries = 0;
                in_place_forget(m);
        }
        manager_touch(m);
}

static void start_replied(Unit *unit, int r, const char *text, void *userdata) {
        Manager *m = userdata;

        m->starting = false;
        if (r < 0 || !streq(text, "done")) {
                usec_t pause = START_RETRY_MIN << (m->start_failures < 6 ? m->start_failures : 6);

                m->start_failures++;
                pause = manager_now(m) + (pause < START_RETRY_MAX ? pause : START_RETRY_MAX);
                if (m->start_after < pause)
                        m->start_after = pause;
                chronicle_start_failed(m, str_or(text, strerror(-r)));
        }
        manager_touch(m);
}

static void stop_replied(Unit *unit, int r, const char *text, void *userdata) {
        Manager *m = userdata;

        if (r < 0 || !streq(text, "done")) {
                manager_stop_ended(m);
                m->stop_at = manager_now(m) + STOP_RETRY;
                log_warning("mysqld's unit could not be stopped: %.*s. It is tried again.", reason_length(str_or(text, strerror(-r))), str_or(text, strerror(-r)));
        }
        manager_touch(m);
}

/* Starts mysqld where somebody wants it and its time has come. The gate asks
 * on its own what it may start as: there is one path. */
static void start_mysqld(Manager *m) {
        const UnitState *u = unit_state(m->unit);
        bool leads = election_leads(m, MANNER_RESTART) || election_leads(m, MANNER_RESUME), resumes = election_may_resume(m);
        int r;

        if (recover_busy(m) || !m->store->wanted || m->starting || m->stopping || m->gate.call || m->needs_recovery || manager_mysqld_runs(m))
                return;
        if (!streq(u->active, "inactive") && !streq(u->active, "failed"))
                return;
        if (!(m->plan->action == ACTION_JOIN && !manager_keeps_out(m) && !names_contain(&m->plan->held, m->name)) && !(leads && m->store->claim_state == CLAIM_GRANTED) &&
            !(resumes && !manager_keeps_out(m)))
                return;
        if (!policies_may_start(m))
                return;
        if (manager_now(m) < m->start_after) {
                manager_wake(m, m->start_after);
                return;
        }
        if (!leads && !resumes && !joining_may_start(m))
                return;
        log_info("mysqld is started: %s.", resumes || m->plan->manner == MANNER_RESUME ? "it resumes together with the other members" : leads ? "it bootstraps the cluster" : "it joins the cluster");
        r = unit_start(m->unit, "replace", start_replied, m);
        if (r < 0)
                start_replied(m->unit, r, NULL, m);
        else
                m->starting = true;
}

/* A server that has left the cluster and goes on living joins nobody again:
 * Galera does that to one whose IST broke off. (Where it found its data
 * inconsistent, grastate.dat names no cluster any more: that is no case for a
 * plain restart.) */
static bool has_left(const Manager *m) {
        const Evidence *e = &m->evidence;

        return streq(unit_state(m->unit)->active, "active") && e->have_viewlog && e->viewlog.have_section && e->viewlog.closed &&
               streq(e->unit_invocation, e->viewlog.invocation) && e->have_grastate && !uuid_is_zero(&e->grastate.position.uuid);
}

/* Has it answered since it could be stopped? Whoever is shut down does not any
 * more. */
static bool answers(Manager *m) {
        if (m->answered >= m->stop_at)
                return true;
        if (manager_now(m) >= m->ask_after) {
                m->ask_after = manager_now(m) + ASK_PAUSE;
                (void) probe_request(m->probe);
        }
        manager_wake(m, m->ask_after);
        return false;
}

static void stop_mysqld(Manager *m) {
        bool left = m->main_pid != 0 && has_left(m), stuck = in_place_is_stuck(m);

        if ((!names_contain(&m->plan->stop, m->name) && !left && !stuck) || m->stopping || m->main_pid == 0 ||
            !(stuck ? policies_may_go_on(m) : policies_may_stop(m))) {
                m->stop_at = 0;
                return;
        }
        /* Galera is given time to heal itself, where it may; and a server that is being
         * shut down, to end. */
        if (m->stop_at == 0) {
                m->stop_at = manager_now(m) + (left ? LEFT_TIME : stuck ? STUCK_TIME : HEAL_TIME);
                m->heals = !left && !stuck;
        }
        if (m->heals && !manager_may_heal(m)) {
                m->stop_at = manager_now(m);
                m->heals = false;
        }
        if (manager_now(m) < m->stop_at) {
                manager_wake(m, m->stop_at);
                return;
        }
        /* One that a person is shutting down ends, however long that takes. */
        if (left && !answers(m))
                return;
        chronicle_stop(m, left, stuck);
        m->store->wanted = m->store->owed = true; /* it is to come back */
        (void) manager_stop(m, stop_replied);
}

/* One that this agent, or the one before it, was about to stop has found its way
 * back: if it ends now, that is somebody else's doing. */
static void spare_mysqld(Manager *m) {
        if (mysqld_in_primary(m->report->mysqld) && streq(unit_state(m->unit)->active, "active") && !m->stopping)
                manager_stop_ended(m);
}

/* A server that waits for the other members of a view that it resumes does not
 * hear that it shall stop (measured with MariaDB 10.11: SIGTERM, and nothing for
 * minutes). It has been Primary for no moment since its start, so nothing that
 * it was told to keep is lost with it. */
static void kill_mysqld(Manager *m) {
        const Viewlog *log = &m->evidence.viewlog;
        bool stops = m->stopping || streq(unit_state(m->unit)->active, "deactivating");

        if (!stops || m->main_pid == 0 || m->store->resuming == 0 || m->store->resuming != log->section || log->views_section == log->section) {
                m->kill_at = 0;
                return;
        }
        if (m->kill_at == 0)
                m->kill_at = manager_now(m) + STOP_TIME;
        if (manager_now(m) < m->kill_at) {
                manager_wake(m, m->kill_at);
                return;
        }
        if (!stopped_by_us(m) && m->store->wanted) { /* a person stops it */
                m->store->wanted = m->store->owed = false;
                if (manager_save(m) < 0)
                        return;
        }
        m->kill_at = manager_now(m) + STOP_TIME;
        log_event(LOG_WARNING, MESSAGE_SERVER_STOPPED, "mysqld is killed: it waits for the other members of the last Primary view, and does not hear that it shall stop. Nothing was committed since its start.",
                  FIELD_UNIT, m->config->unit, FIELD_REASON, "it waits for the other members of the last Primary view, and does not hear that it shall stop", NULL);
        if (unit_kill(m->unit) < 0)
                manager_wake(m, m->kill_at);
}

/* The report of now: this node's own part, and its claims. */
static int draw_report(Manager *m, Report **ret) {
        _cleanup_(report_freep) Report *r = NULL;
        Store *s = m->store;
        int k;

        k = local_read(m, &r);
        if (k < 0)
                return k;
        marks_follow(m);
        k = marks_tell(&m->store->marks, r);
        if (k < 0)
                return k;
        if (r->marks.n > 0)
                r->blank = false;
        election_settle(m, r);
        manager_note_foreign(m, r);

        joining_report(m, r);
        joining_ask(m, r);
        in_place_report(m, r);

        r->agent = s->agent;
        r->wanted = s->wanted;
        r->weight = m->config->weight;
        r->history = malloc(sizeof(*r->history));
        if (!r->history)
                return -ENOMEM;
        history_copy(r->history, &s->history);
        r->have_history = true;
        manager_unsettle(m, r);
        /* What the record says of a start is not said of one that was let past the gate. */
        r->settled = (s->settled != 0 && s->settled == m->evidence.viewlog.views_section && evidence_followed(&m->evidence)) || (!r->have_view && manager_is_settled_untold(m));
        for (size_t i = 0; i < s->n_led; i++)
                (void) names_add(&r->led, s->led[i].leader);
        r->claim = s->claim_state;
        if (s->claim_state != CLAIM_NONE)
                r->claim_id = s->claim->id;
        r->n_released = s->n_released;
        memcpy(r->released, s->released, sizeof(r->released));
        r->have_grant = s->have_grant;
        if (s->have_grant) {
                r->grant_id = s->grant.id;
                (void) snprintf(r->grant_holder, sizeof(r->grant_holder), "%s", s->grant.holder);
        }
        r->ruling = s->ruling;
        k = service_report(m, r);
        if (k < 0)
                return k;
        r->asked = m->request.call && m->request.bootstrap;
        r->without = s->without;
        *ret = TAKE(r);
        return 0;
}

/* Whom an operator gives up is given up for the bootstrap that is being asked for,
 * and for no later one: by then it may be back, and have gone on without us. */
static void forget_overrule(Manager *m, bool over) {
        Store *s = m->store;

        if (s->without.n == 0 || s->claim_state != CLAIM_NONE || (m->request.call && m->request.bootstrap && !over))
                return;
        s->without = (Names) {0};
        (void) manager_save(m); /* what stays on the disk is forgotten at the next start */
        if (!over)
                log_event(LOG_NOTICE, MESSAGE_OVERRULE_ENDED, "What an operator gave up is not given up any more: the bootstrap that it was said for did not come about. To go on with it, say it again.", NULL);
}

static int evaluate(sd_event_source *source, void *userdata) {
        Manager *m = userdata;
        _cleanup_(report_freep) Report *fresh = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        int r;

        m->wake_at = USEC_NEVER;
        (void) sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
        if (m->new_label)
                (void) manager_save(m);
        m->new_label = false;
        if (!unit_state(m->unit))
                return 0;

        if (m->asynchronous) {
                replica_evaluate(m);
                return 0;
        }
        policies_adopt(m);
        forget_overrule(m, false);
        r = draw_report(m, &fresh);
        if (r >= 0)
                r = decide(m, fresh, &plan);
        if (r < 0) {
                log_error("The state of this node cannot be judged: %s", strerror(-r));
                manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
                return 0;
        }
        (void) plan_free(m->plan);
        m->plan = TAKE(plan);
        r = manager_publish(m, TAKE(fresh));
        if (r < 0) {
                log_error("The report of this node cannot be written down (%s), so the other nodes do not know its state, and nothing is decided here until they can. Is memory short? It is tried again every five seconds.", strerror(-r));
                manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
                return 0;
        }

        if (m->plan->action == ACTION_JOIN)
                forget_overrule(m, true);
        manager_adopt_history(m);
        if (mysqld_in_primary(m->report->mysqld))
                policies_owe(m, false);
        marks_from_plan(m);
        joining_follow(m);
        chronicle_recovery(m);
        local_recover(m);
        recover_drive(m);
        stop_mysqld(m);
        spare_mysqld(m);
        kill_mysqld(m);
        election_drive(m);
        in_place_drive(m);
        gatekeeper_answer(m);
        start_mysqld(m);
        operators_drive(m);
        jobs_drive(m);
        marks_tell_gate(m);
        manager_tell(m);
        request_answer(m);
        return 0;
}

static int timer_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        manager_touch(userdata);
        return 0;
}

static void watch_moved(Watch *w, int r, void *userdata) {
        if (r < 0)
                log_warning("The node's files are not followed any more (%s); they are read when something else happens.", strerror(-r));
        manager_touch(userdata);
}

static void recovery_moved(Unit *u, void *userdata) {
        manager_touch(userdata);
}

int manager_new(sd_event *event, sd_bus *bus, const Paths *paths, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = NULL;
        char error[256] = "";
        int r;

        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->event = sd_event_ref(event);
        m->bus = sd_bus_ref(bus);
        m->paths = *paths;
        m->wake_at = USEC_NEVER;
        m->consumed_over = m->passed = true;

        r = store_open(paths->state, &m->store, error);
        if (r < 0) {
                const char *dir = paths->state;
                _cleanup_free_ char *text = log_text("%s/%s cannot be used: %s. It is left as it is. If it is damaged beyond repair, move it aside: mv %s/%s %s/%s.damaged; systemctl restart mainstayd. "
                                                     "What this node promised, and that somebody keeps it out of service, is forgotten then: in a Galera cluster, do it only while a Primary component exists.",
                                                     dir, STORE_NAME, str_or(error, strerror(-r)), dir, STORE_NAME, dir, STORE_NAME);

                log_event(LOG_ERR, MESSAGE_STATE_UNREADABLE, text, FIELD_PATH, paths->state, FIELD_REASON, str_or(error, strerror(-r)), NULL);
                return r;
        }
        r = jobs_open(m);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &m->due, evaluate, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->due, SD_EVENT_OFF);
        /* After everything that has something to tell: many changes, one evaluation. */
        if (r >= 0)
                r = sd_event_source_set_priority(m->due, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_add_time(event, &m->timer, CLOCK_MONOTONIC, USEC_NEVER, 10 * USEC_PER_MSEC, timer_fired, m);
        if (r < 0)
                return r;
        *ret = TAKE(m);
        return 0;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;
        for (size_t i = 0; i < m->n_peers; i++)
                (void) peer_free(m->peer[i]);
        gatekeeper_leave(m);
        (void) sd_bus_message_unref(m->request.call);
        (void) sd_bus_track_unref(m->request.caller);
        (void) unit_free(m->unit);
        (void) unit_free(m->recovery);
        (void) unit_free(m->aside_unit);
        (void) unit_free(m->primary_unit);
        (void) sd_bus_message_unref(m->recovering_call);
        (void) process_free(m->asking);
        (void) watch_free(m->watch);
        (void) probe_free(m->probe);
        look_done(m);
        (void) sd_event_source_disable_unref(m->due);
        (void) sd_event_source_disable_unref(m->timer);
        viewlog_done(&m->evidence.viewlog);
        (void) replication_free(m->replication);
        jobs_close(m);
        (void) report_free(m->report);
        (void) plan_free(m->plan);
        free(m->report_text);
        free(m->plan_text);
        free(m->waiting);
        free(m->kept_out);
        free(m->state_reason);
        (void) config_free(m->config);
        options_done(&m->options);
        (void) store_free(m->store);
        (void) sd_bus_unref(m->bus);
        (void) sd_event_unref(m->event);
        free(m);
        return NULL;
}

/* The boot id of the kernel tells a boot, but not that of a container, and not
 * from within every sandbox; the start of systemd tells both. */
static void learn_boot(Manager *m) {
        uint64_t booted;

        if (sd_bus_get_property_trivial(m->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                        "UserspaceTimestamp", NULL, 't', &booted) < 0)
                return;
        if (booted != m->store->booted)
                m->store->new_boot = true;
        m->store->booted = booted;
}

/* What the last life of the agent left begun. */
static int resume_claim(Manager *m) {
        Store *s = m->store;

        learn_boot(m);
        m->consumed_over = true;
        if (s->claim_state == CLAIM_ASKING || (s->claim_state == CLAIM_GRANTED && s->new_boot))
                /* Nothing can have been started under it. */
                election_release(m, "the agent was started anew before it was used");
        s->settled_start[0] = 0; /* what its server did meanwhile is in no record */
        if (s->new_boot)
                s->stopping[0] = 0;
        if (s->new_boot)
                s->wanted = s->owed = s->aside.state == ASIDE_JOINING; /* what the boot starts asks at the gate */
        if (s->aside.state == ASIDE_JOINING)
                (void) snprintf(m->donor, sizeof(m->donor), "%s", s->aside.donor);
        return manager_save(m);
}

int manager_start(Manager *m) {
        int r;

        r = local_setup(m);
        if (r >= 0)
                r = resume_claim(m);
        jobs_resume(m);
        local_remove_start_env(m);
        if (r >= 0)
                replica_start(m);
        if (r >= 0)
                r = local_write_server_env(m);
        if (r >= 0)
                r = local_watch(m, watch_moved);
        if (r >= 0)
                r = unit_new(m->bus, m->config->unit, unit_moved, m, &m->unit);
        if (r >= 0)
                r = unit_new(m->bus, "mainstay-recover.service", recovery_moved, m, &m->recovery);
        if (r >= 0)
                r = unit_new(m->bus, "mainstay-aside.service", recovery_moved, m, &m->aside_unit);
        if (r >= 0)
                r = unit_new(m->bus, "mainstay-primary.service", recovery_moved, m, &m->primary_unit);
        if (r >= 0)
                r = manager_take_peers(m);
        if (r < 0)
                return r;
        manager_touch(m);
        return 0;
}
