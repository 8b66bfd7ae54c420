/* Who waits for mysqld to start, and how it is answered: the gate before
 * mysqld, and the operators who asked for a bootstrap or to join. */
#include "adapter/packages.h"
#include "domain/joining.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

/* What is not known when an operator asks (peers are being tried, a position
 * is being recovered) gets so long to become known. */
#define SETTLE_MAX (15 * USEC_PER_SEC)
/* A live server that was in the way takes so long to end, and to be judged. */
#define STOP_MAX (120 * USEC_PER_SEC)

#define WATCHES_ONLY                                                                                            \
        "The policy is maintenance: Mainstay only watches, and nothing was changed. To have a person's commands " \
        "carried out, type: mainstayctl policy manual"

void gatekeeper_leave(Manager *m) {
        m->gate.call = sd_bus_message_unref(m->gate.call);
        m->gate.booting = sd_bus_slot_unref(m->gate.booting);
}

static void reply_gate(Manager *m, const char *verdict, const char *text) {
        char at[POSITION_TEXT_MAX] = "";
        int r;

        if (m->report && report_has_position(m->report))
                (void) position_text(&m->report->position, at);
        r = sd_bus_reply_method_return(m->gate.call, "sss", verdict, text, at);
        if (r < 0)
                log_error("The gate cannot be answered: %s", strerror(-r));
        m->passed = !streq(verdict, "refuse");
        if (m->passed)
                policies_owe(m, false);
        gatekeeper_leave(m);
}

static void gate_refuse(Manager *m, const char *text) {
        _cleanup_free_ char *grounds = chronicle_grounds(m);

        log_event(LOG_WARNING, MESSAGE_START_REFUSED, text, FIELD_REASON, text, FIELD_EVIDENCE, grounds, NULL);
        reply_gate(m, "refuse", text);
}

/* `galera_new_cluster` leaves its flag in systemd's environment where it is ended
 * before it has taken it out again. */
#define LEFT_BEHIND " If nobody has typed that now, its flag was left behind: systemctl unset-environment _WSREP_NEW_CLUSTER"

/* `galera_new_cluster`, typed by hand. */
static void refuse_by_hand(Manager *m) {
        const char *why = plan_reason(m->plan, m->plan->node[0] ? m->plan->node : m->name);
        _cleanup_free_ char *text = NULL, *grounds = NULL;
        int r;

        if (m->plan->action == ACTION_BOOTSTRAP)
                r = asprintf(&text, "A bootstrap by hand (galera_new_cluster) is refused, for it asks nobody. The node that should lead is %s: %s On %s, type: systemctl start mainstay-bootstrap." LEFT_BEHIND,
                             m->plan->node, str_or(why, ""), m->plan->node);
        else if (m->plan->action == ACTION_JOIN)
                r = asprintf(&text, "A bootstrap by hand (galera_new_cluster) is refused: %s serves the cluster already. Type: systemctl start mainstay-join." LEFT_BEHIND, m->plan->node);
        else
                r = asprintf(&text, "A bootstrap by hand (galera_new_cluster) is refused, for it asks nobody. %s Type: mainstayctl plan, and then: systemctl start mainstay-bootstrap." LEFT_BEHIND, str_or(why, ""));
        why = r < 0 ? "A bootstrap by hand (galera_new_cluster) is refused. Type: systemctl start mainstay-bootstrap." LEFT_BEHIND : text;
        grounds = chronicle_grounds(m);
        log_event(LOG_WARNING, MESSAGE_GATE_REFUSED, why, FIELD_LEADER, str_or(m->plan->node, NULL), FIELD_PEER, streq(m->plan->node, m->name) ? NULL : m->plan->node,
                  FIELD_REASON, why, FIELD_EVIDENCE, grounds, NULL);
        reply_gate(m, "refuse", why);
}

/* Hours at the gate would hold up the boot, or whoever installs packages: there,
 * its patience is bounded. */
static void bound_patience(Manager *m, const char *who) {
        m->gate.deadline = manager_now(m) + (usec_t) m->config->boot_wait * USEC_PER_SEC;
        m->gate.holds_up = who;
        manager_touch(m);
}

static void boot_told(int r, const char *state, void *userdata) {
        Manager *m = userdata;

        if (r >= 0 && (streq(state, "initializing") || streq(state, "starting")))
                bound_patience(m, "The boot");
}

/* An error, or no answer at all, the gate would take for the death of the agent,
 * and let mysqld join without its word. */
static void refuse_unwritten(Manager *m, int error) {
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "Mainstay cannot write to %s (%s), and so cannot hold to what it tells the other nodes. Is the disk full, or read-only? When that is mended, start mysqld again.",
                     m->paths.state, strerror(-error)) < 0)
                text = NULL;
        gate_refuse(m, str_or(text, "Mainstay cannot write to its disk."));
}

int gatekeeper_enter(Manager *m, sd_bus_message *call, const char *invocation, bool new_cluster) {
        int r;

        gatekeeper_leave(m);
        local_remove_start_env(m);
        m->gate.call = sd_bus_message_ref(call);
        m->gate.new_cluster = new_cluster;
        m->gate.deadline = USEC_NEVER;
        (void) snprintf(m->gate.invocation, sizeof(m->gate.invocation), "%s", invocation);
        /* A person who starts it is not made to wait for what failed before. */
        if (!m->starting && !m->automatic)
                m->start_after = 0;
        m->starting = m->automatic = m->passed = false;
        /* A new start: the one that a claim was consumed for is over. */
        m->consumed_over = true;

        if (!new_cluster && !m->store->wanted) {
                m->store->wanted = true;
                r = manager_save(m);
                if (r < 0) {
                        m->store->wanted = false;
                        refuse_unwritten(m, r);
                        return 1;
                }
        }
        settings_ask(m);
        /* Whoever starts it so is not told: it may be the package's own script. */
        if (packages_busy())
                bound_patience(m, "The installation of packages");
        (void) unit_system_state(m->bus, boot_told, m, &m->gate.booting);
        manager_touch(m);
        return 1;
}

/* What the views of this start will prove is on the disk before there are any:
 * by then its options may be other ones. */
static int note_quorum(Manager *m) {
        const Viewlog *log = &m->evidence.viewlog;
        Store before = *m->store;
        int r;

        if (!store_set_quorum_off(m->store, log->section + 1, log->views_section, options_quorum_off(&m->options)))
                return 0;
        r = manager_save(m);
        if (r < 0)
                *m->store = before;
        return r;
}

static void let_join(Manager *m) {
        Store *s = m->store;
        _cleanup_free_ char *text = NULL;
        int r;

        if (s->claim_state == CLAIM_CONSUMED || s->claim_state == CLAIM_GRANTED)
                return; /* settled first */
        r = note_quorum(m);
        if (r < 0) {
                refuse_unwritten(m, r);
                return;
        }
        r = local_write_start_env(m, false);
        if (r < 0) {
                log_error("start.env cannot be written (%s), so mysqld is not let start. Is the disk full, or read-only? It is tried again.", strerror(-r));
                manager_wake(m, manager_now(m) + USEC_PER_SEC);
                return;
        }
        m->attempt = true;
        text = strdup(str_or(plan_reason(m->plan, m->name), "It joins."));
        chronicle_start(m, "join", NULL, str_or(text, "It joins."));
        reply_gate(m, "join", str_or(text, "It joins."));
}

/* With its gvwstate.dat in place, the server waits for the other members. What
 * becomes of it is judged by the section that this start opens in the record. */
static void let_resume(Manager *m) {
        Store *s = m->store;
        uint64_t before = s->resuming;
        int r;

        s->resuming = m->evidence.viewlog.section + 1;
        r = note_quorum(m);
        if (r >= 0)
                r = local_write_start_env(m, false);
        if (r >= 0)
                r = s->claim_state == CLAIM_GRANTED ? election_consume(m) : manager_save(m);
        if (r < 0) {
                s->resuming = before;
                local_remove_start_env(m);
                log_error("mysqld cannot be let start together with the others (%s): it is tried again.", strerror(-r));
                manager_wake(m, manager_now(m) + USEC_PER_SEC);
                return;
        }
        chronicle_start(m, "resume", s->claim_state == CLAIM_CONSUMED ? s->claim : NULL, "All members of the last Primary view resume it together.");
        reply_gate(m, "resume", "It starts together with all members of the last Primary view, which they resume.");
}

static void let_bootstrap(Manager *m) {
        const Claim *c = m->store->claim;
        int r;

        if (m->giving_up[0])
                return;
        /* It was granted for these data. Whatever has written to them since, others
         * have agreed to something else. */
        if (!c->new_cluster && !(report_has_position(m->report) && position_equal(&m->report->position, &c->position))) {
                election_release(m, "the data are not where they were when it was granted");
                return;
        }
        if (c->manner == MANNER_RESUME) {
                let_resume(m);
                return;
        }
        /* On the disk as used before the gate can use it. */
        r = note_quorum(m);
        if (r >= 0)
                r = local_write_start_env(m, true);
        if (r >= 0)
                r = election_consume(m);
        if (r < 0) {
                local_remove_start_env(m);
                log_error("mysqld cannot be let bootstrap (%s): it is tried again.", strerror(-r));
                manager_wake(m, manager_now(m) + USEC_PER_SEC);
                return;
        }
        chronicle_start(m, "bootstrap", c, "It bootstraps the cluster.");
        reply_gate(m, "bootstrap", "bootstraps the cluster");
}

void gatekeeper_answer(Manager *m) {
        bool leads = election_leads(m, MANNER_RESTART) || election_leads(m, MANNER_RESUME);

        if (!m->gate.call || m->asking || m->needs_recovery || recover_busy(m))
                return;
        if (m->evidence.outside)
                gate_refuse(m, str_or(m->report->problem, "Another mysqld runs on this datadir."));
        else if (m->gate.new_cluster && !(election_leads(m, MANNER_RESTART) && m->store->claim_state == CLAIM_GRANTED))
                refuse_by_hand(m);
        else if (manager_keeps_out(m))
                gate_refuse(m, manager_keep_out_text(m));
        else if (m->plan->action == ACTION_JOIN && !names_contain(&m->plan->held, m->name) && joining_may_start(m))
                let_join(m);
        else if (leads && m->store->claim_state == CLAIM_GRANTED)
                let_bootstrap(m);
        else if (election_may_resume(m))
                let_resume(m);
        else if (m->gate.deadline != USEC_NEVER) {
                _cleanup_free_ char *text = NULL;
                int r;

                if (manager_now(m) < m->gate.deadline) {
                        manager_wake(m, m->gate.deadline);
                        return;
                }
                if (policies_automatic(m))
                        r = asprintf(&text, "%s is not held up any longer; Mainstay starts mysqld when its time has come. %s", m->gate.holds_up, str_or(m->waiting, ""));
                else
                        r = asprintf(&text, "%s is not held up any longer; %s. %s", m->gate.holds_up,
                                     policies_watch_only(m) ? "while the policy is maintenance, a person starts mysqld" : "Mainstay starts mysqld when there is a cluster to join", str_or(m->waiting, ""));
                if (r < 0)
                        text = NULL;
                policies_owe(m, true);
                log_event(LOG_NOTICE, MESSAGE_START_PUT_OFF, text, FIELD_REASON, m->waiting, NULL);
                reply_gate(m, "refuse", str_or(text, "Mainstay starts mysqld when its time has come."));
        }
}

/* Operators */

static void request_end(Manager *m) {
        m->request.call = sd_bus_message_unref(m->request.call);
        m->request.caller = sd_bus_track_unref(m->request.caller);
        m->request.new_cluster = false;
        manager_touch(m); /* the others are told that nobody asks any more */
}

static void request_done(Manager *m, const char *text) {
        (void) sd_bus_reply_method_return(m->request.call, "s", text);
        request_end(m);
}

static void request_refuse(Manager *m, const char *leader, const char *text) {
        _cleanup_free_ char *grounds = chronicle_grounds(m);

        log_event(LOG_NOTICE, MESSAGE_BOOTSTRAP_REFUSED, text, FIELD_LEADER, str_or(leader, NULL), FIELD_PEER, leader && !streq(leader, m->name) ? leader : NULL,
                  FIELD_REASON, text, FIELD_EVIDENCE, grounds, NULL);
        (void) sd_bus_reply_method_errorf(m->request.call, "org.mainstay1.Error.Refused", "%s", text);
        if (m->request.bootstrap && m->store->without.n > 0 && m->store->claim_state == CLAIM_NONE) {
                m->store->without = (Names) {0};
                (void) manager_save(m);
        }
        request_end(m);
}

/* Who stops waiting stops nothing but the waiting. */
static int caller_gone(sd_bus_track *track, void *userdata) {
        Manager *m = userdata;

        m->request.gone = true;
        manager_touch(m);
        return 1; /* 0 would have it called again at once */
}

static int follow_caller(Manager *m, sd_bus_message *call) {
        int r;

        m->request.caller = sd_bus_track_unref(m->request.caller);
        r = sd_bus_track_new(sd_bus_message_get_bus(call), &m->request.caller, caller_gone, m);
        return r < 0 ? r : sd_bus_track_add_sender(m->request.caller, call);
}

int request_begin(Manager *m, sd_bus_message *call, bool bootstrap, bool wait, const Names *without, bool new_cluster) {
        Store *s = m->store;
        int r;

        if (m->request.call && m->request.gone && m->store->claim_state == CLAIM_NONE)
                request_end(m); /* its answer would reach nobody */
        if (m->request.call)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Busy",
                                                  "This node is being asked to %s already: wait for that to end, or stop it (systemctl stop mainstay-bootstrap mainstay-join).",
                                                  m->request.bootstrap ? "bootstrap" : "join");
        if (policies_watch_only(m))
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", WATCHES_ONLY);
        if (bootstrap && !names_equal(&s->without, without)) {
                Names before = s->without;

                s->without = *without;
                r = manager_save(m);
                if (r < 0) {
                        s->without = before;
                        return r;
                }
                if (without->n > 0) {
                        _cleanup_free_ char *names = names_text(without), *peers = chronicle_peers(m, without), *grounds = chronicle_grounds(m);
                        _cleanup_free_ char *text = log_text("An operator gives up %s for the next bootstrap: what only they have committed is lost to the cluster.", str_or(names, "some"));
                        char by[CALLER_SIZE];

                        chronicle_caller(m, call, by);
                        log_event(LOG_WARNING, MESSAGE_OVERRULED, text, FIELD_WITHOUT, str_or(names, "some"), FIELD_PEER, peers, FIELD_CALLER, by, FIELD_EVIDENCE, grounds, NULL);
                }
        }
        m->request = (Request) {
                .call = sd_bus_message_ref(call),
                .bootstrap = bootstrap,
                .only_join = !bootstrap && !s->wanted,
                .wait = wait,
                .new_cluster = new_cluster,
                .settle = manager_now(m) + SETTLE_MAX,
        };
        r = follow_caller(m, call);
        if (r < 0) {
                request_end(m);
                return r;
        }
        m->start_after = m->claim_after = 0;
        m->start_failures = 0;
        manager_touch(m);
        return 1;
}

int request_join(Manager *m, sd_bus_message *call, const char *donor, bool wait) {
        const Names none = {0};
        Voice voices[NAMES_MAX];
        char why[256];

        if (*donor && joining_refuses_donor(voices, manager_voices(m, m->report, voices), m->name, donor, why))
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "%s", why);
        if (!m->request.call) {
                (void) snprintf(m->donor, sizeof(m->donor), "%s", donor);
                joining_forgive(m);
        }
        return request_begin(m, call, false, wait, &none, false);
}

static bool peers_settled(Manager *m) {
        for (size_t i = 0; i < m->n_peers; i++)
                if (peer_condition(m->peer[i]) != CONDITION_KNOWN)
                        return false;
        return !m->needs_recovery;
}

/* A server that is starting, or has left the cluster and not yet ended. */
static bool in_transit(Manager *m) {
        if (m->report->mysqld == MYSQLD_STARTING)
                return true;
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);

                if (o && o->mysqld == MYSQLD_STARTING)
                        return true;
        }
        return false;
}

/* Refused for a name that is nobody's, and no time will make it one. */
static bool names_nobody(Manager *m) {
        const Names *without = &m->store->without;
        Voice voices[NAMES_MAX];
        size_t n = manager_voices(m, m->report, voices);

        for (size_t i = 0; i < without->n && m->plan->action == ACTION_REFUSE; i++) {
                bool known = false;

                for (size_t k = 0; k < n; k++)
                        known = known || streq(voices[k].name, without->name[i]);
                if (!known)
                        return true;
        }
        return false;
}

static void want(Manager *m) {
        if (m->store->wanted)
                return;
        m->store->wanted = true;
        (void) manager_save(m);
        manager_touch(m);
}

static void answer_bootstrap(Manager *m) {
        _cleanup_free_ char *text = NULL, *options = NULL;
        const char *why;

        if (m->store->claim_state != CLAIM_NONE) {
                manager_wake(m, USEC_NEVER); /* under way: what comes of it is an event */
                return;
        }
        why = plan_reason(m->plan, m->plan->awaited.n > 0 ? m->plan->awaited.name[0] : m->plan->node[0] ? m->plan->node : m->name);
        switch (m->plan->action) {
        case ACTION_BOOTSTRAP:
                if (streq(m->plan->node, m->name)) {
                        want(m);
                        return;
                }
                options = names_without(&m->store->without);
                if (asprintf(&text, "%s should lead, not this node: %s On %s, type: %s%s", m->plan->node, str_or(why, ""), m->plan->node,
                             m->store->without.n > 0 ? "mainstayctl bootstrap" : "systemctl start mainstay-bootstrap", str_or(options, "")) < 0)
                        text = NULL;
                break;
        case ACTION_JOIN:
                if (asprintf(&text, "The cluster is Primary already, on %s; a second one is never formed. To join it, type: systemctl start mainstay-join", m->plan->node) < 0)
                        text = NULL;
                break;
        default:
                if (m->plan->stop.n > 0) { /* a live server is being stopped for it */
                        m->request.stops = true;
                        m->request.settle = manager_now(m) + STOP_MAX;
                        return;
                }
                if (m->stopping)
                        return;
                if (!names_nobody(m) && (m->request.stops || in_transit(m) || (!peers_settled(m) && m->store->without.n == 0)) && manager_now(m) < m->request.settle) {
                        manager_wake(m, m->request.settle);
                        return;
                }
                if (asprintf(&text, "No bootstrap now.%s%s%s %s", m->plan->awaited.n > 0 ? " Awaited: " : "",
                             m->plan->awaited.n > 0 ? m->plan->awaited.name[0] : "", m->plan->awaited.n > 0 ? "." : "", str_or(why, "")) < 0)
                        text = NULL;
        }
        request_refuse(m, m->plan->node, str_or(text, "No bootstrap now."));
}

void request_answer(Manager *m) {
        if (!m->request.call)
                return;
        if (m->report->mysqld == MYSQLD_PRIMARY) {
                if (m->request.bootstrap && !m->starting && m->store->claim_state == CLAIM_NONE && m->request.settle == 0)
                        request_done(m, "The cluster is formed, and this node is Primary.");
                else if (m->request.bootstrap && m->store->claim_state == CLAIM_NONE)
                        request_refuse(m, m->name, "This node is Primary already: there is nothing to bootstrap.");
                else if (!m->request.bootstrap)
                        request_done(m, "This node is a member of the Primary component.");
                return;
        }
        /* The policy has changed since it was asked for. */
        if (policies_watch_only(m) && m->store->claim_state == CLAIM_NONE) {
                request_refuse(m, "", WATCHES_ONLY);
                return;
        }
        if (!m->request.bootstrap) {
                if (manager_keeps_out(m)) {
                        request_refuse(m, m->plan->node, manager_keep_out_text(m));
                        return;
                }
                want(m);
                policies_owe(m, true);
                if (!m->request.wait || m->request.gone)
                        request_done(m, "mysqld will be started as a joiner when there is a Primary component.");
                return;
        }
        if (m->store->claim_state != CLAIM_NONE)
                m->request.settle = 0; /* from here on it is being done */
        if (m->store->claim_state != CLAIM_NONE && !m->request.wait) {
                request_done(m, "The bootstrap is under way.");
                return;
        }
        answer_bootstrap(m);
}
