/* Who waits for mysqld to start, and how it is answered: the gate before
 * mysqld, and the operators who asked for a bootstrap or to join. */
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

/* What is not known when an operator asks (peers are being tried, a position
 * is being recovered) gets so long to become known. */
#define SETTLE_MAX (15 * USEC_PER_SEC)

void gatekeeper_leave(Manager *m) {
        m->gate.call = sd_bus_message_unref(m->gate.call);
        m->gate.booting = sd_bus_slot_unref(m->gate.booting);
}

static void reply_gate(Manager *m, const char *verdict, const char *text) {
        char at[POSITION_TEXT_MAX] = "";
        int r;

        if (report_has_position(m->report))
                (void) position_text(&m->report->position, at);
        r = sd_bus_reply_method_return(m->gate.call, "sss", verdict, text, at);
        if (r < 0)
                log_error("The gate cannot be answered: %s", strerror(-r));
        m->passed = !streq(verdict, "refuse");
        gatekeeper_leave(m);
}

static void gate_refuse(Manager *m, const char *text) {
        log_event(LOG_WARNING, MESSAGE_GATE_REFUSED, text, "MAINSTAY_REASON", text, NULL);
        reply_gate(m, "refuse", text);
}

/* `galera_new_cluster`, typed by hand. */
static void refuse_by_hand(Manager *m) {
        const char *why = plan_reason(m->plan, m->plan->node[0] ? m->plan->node : m->name);
        _cleanup_free_ char *text = NULL;
        int r;

        if (m->plan->action == ACTION_BOOTSTRAP)
                r = asprintf(&text, "A bootstrap by hand (galera_new_cluster) is refused, for it asks nobody. The node that should lead is %s: %s On %s, type: systemctl start mainstay-bootstrap",
                             m->plan->node, str_or(why, ""), m->plan->node);
        else if (m->plan->action == ACTION_JOIN)
                r = asprintf(&text, "A bootstrap by hand (galera_new_cluster) is refused: %s serves the cluster already. Type: systemctl start mainstay-join", m->plan->node);
        else
                r = asprintf(&text, "A bootstrap by hand (galera_new_cluster) is refused, for it asks nobody. %s Type: mainstayctl plan, and then: systemctl start mainstay-bootstrap", str_or(why, ""));
        gate_refuse(m, r < 0 ? "A bootstrap by hand (galera_new_cluster) is refused. Type: systemctl start mainstay-bootstrap" : text);
}

/* Hours at the gate would hold up the boot: there, its patience is bounded. */
static void boot_told(int r, const char *state, void *userdata) {
        Manager *m = userdata;

        if (r >= 0 && (streq(state, "initializing") || streq(state, "starting"))) {
                m->gate.deadline = manager_now(m) + (usec_t) m->config->boot_wait * USEC_PER_SEC;
                manager_touch(m);
        }
}

int gatekeeper_enter(Manager *m, sd_bus_message *call, const char *invocation, bool new_cluster) {
        int r;

        gatekeeper_leave(m);
        local_remove_start_env(m);
        m->gate.call = sd_bus_message_ref(call);
        m->gate.new_cluster = new_cluster;
        m->gate.deadline = USEC_NEVER;
        (void) snprintf(m->gate.invocation, sizeof(m->gate.invocation), "%s", invocation);
        m->starting = m->passed = false;
        /* A new start: the one that a claim was consumed for is over. */
        m->consumed_over = true;

        if (!new_cluster && !m->store->wanted) {
                m->store->wanted = true;
                r = manager_save(m);
                if (r < 0)
                        return r;
        }
        (void) unit_system_state(m->bus, boot_told, m, &m->gate.booting);
        manager_touch(m);
        return 1;
}

static void let_join(Manager *m) {
        Store *s = m->store;
        _cleanup_free_ char *text = NULL;
        int r;

        if (s->claim_state == CLAIM_CONSUMED || s->claim_state == CLAIM_GRANTED)
                return; /* settled first */
        r = local_write_start_env(m, false);
        if (r < 0) {
                log_error("start.env cannot be written, so mysqld is not let start: %s", strerror(-r));
                return;
        }
        if (asprintf(&text, "joins the Primary component of %s", m->plan->node) < 0)
                text = NULL;
        log_info("mysqld may start: it %s.", str_or(text, "joins"));
        reply_gate(m, "join", str_or(text, "joins"));
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
        /* On the disk as used before the gate can use it. */
        r = local_write_start_env(m, true);
        if (r >= 0)
                r = election_consume(m);
        if (r < 0) {
                local_remove_start_env(m);
                log_error("mysqld cannot be let bootstrap (%s): it is tried again.", strerror(-r));
                manager_wake(m, manager_now(m) + USEC_PER_SEC);
                return;
        }
        log_info("mysqld may start: it bootstraps the cluster.");
        reply_gate(m, "bootstrap", "bootstraps the cluster");
}

void gatekeeper_answer(Manager *m) {
        bool leads = m->plan->action == ACTION_BOOTSTRAP && streq(m->plan->node, m->name);

        if (!m->gate.call || m->needs_recovery)
                return;
        if (m->gate.new_cluster)
                refuse_by_hand(m);
        else if (manager_keeps_out(m))
                gate_refuse(m, str_or(plan_reason(m->plan, m->name), "This node is kept out of the cluster."));
        else if (m->plan->action == ACTION_JOIN)
                let_join(m);
        else if (leads && m->store->claim_state == CLAIM_GRANTED)
                let_bootstrap(m);
        else if (m->gate.deadline != USEC_NEVER) {
                _cleanup_free_ char *text = NULL;

                if (manager_now(m) < m->gate.deadline) {
                        manager_wake(m, m->gate.deadline);
                        return;
                }
                if (asprintf(&text, "The boot is not held up any longer; Mainstay starts mysqld when its time has come. %s", str_or(m->waiting, "")) < 0)
                        text = NULL;
                log_notice("%s", str_or(text, "The boot is not held up any longer."));
                reply_gate(m, "refuse", str_or(text, "The boot is not held up any longer."));
        }
}

/* Operators */

static void request_end(Manager *m) {
        m->request.call = sd_bus_message_unref(m->request.call);
        m->request.new_cluster = false;
}

static void request_done(Manager *m, const char *text) {
        (void) sd_bus_reply_method_return(m->request.call, "s", text);
        request_end(m);
}

static void request_refuse(Manager *m, const char *leader, const char *text) {
        log_event(LOG_NOTICE, MESSAGE_BOOTSTRAP_REFUSED, text, "MAINSTAY_LEADER", str_or(leader, ""), "MAINSTAY_REASON", text, NULL);
        (void) sd_bus_reply_method_errorf(m->request.call, "org.mainstay1.Error.Refused", "%s", text);
        if (m->request.bootstrap && m->store->without.n > 0 && m->store->claim_state == CLAIM_NONE) {
                m->store->without = (Names) {0};
                (void) manager_save(m);
        }
        request_end(m);
}

int request_begin(Manager *m, sd_bus_message *call, bool bootstrap, bool wait, const Names *without, bool new_cluster) {
        Store *s = m->store;
        int r;

        if (m->request.call)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Busy",
                                                  "This node is being asked to %s already: wait for that to end, or stop it (systemctl stop mainstay-bootstrap mainstay-join).",
                                                  m->request.bootstrap ? "bootstrap" : "join");
        if (bootstrap && !names_equal(&s->without, without)) {
                Names before = s->without;

                s->without = *without;
                r = manager_save(m);
                if (r < 0) {
                        s->without = before;
                        return r;
                }
                if (without->n > 0) {
                        _cleanup_free_ char *names = names_text(without), *text = NULL;

                        if (names && asprintf(&text, "An operator gives up %s for the next bootstrap: what only they have committed is lost to the cluster.", names) >= 0)
                                log_event(LOG_WARNING, MESSAGE_OVERRULED, text, "MAINSTAY_WITHOUT", names, "MAINSTAY_CALLER", str_or(sd_bus_message_get_sender(call), ""), NULL);
                }
        }
        m->request = (Request) {
                .call = sd_bus_message_ref(call),
                .bootstrap = bootstrap,
                .wait = wait,
                .new_cluster = new_cluster,
                .settle = manager_now(m) + SETTLE_MAX,
        };
        m->start_after = m->claim_after = 0;
        m->start_failures = 0;
        manager_touch(m);
        return 1;
}

static bool peers_settled(Manager *m) {
        for (size_t i = 0; i < m->n_peers; i++)
                if (peer_condition(m->peer[i]) != CONDITION_KNOWN)
                        return false;
        return !m->needs_recovery;
}

static void want(Manager *m) {
        if (m->store->wanted)
                return;
        m->store->wanted = true;
        (void) manager_save(m);
        manager_touch(m);
}

static void answer_bootstrap(Manager *m) {
        _cleanup_free_ char *text = NULL;
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
                if (asprintf(&text, "%s should lead, not this node: %s On %s, type: systemctl start mainstay-bootstrap", m->plan->node, str_or(why, ""), m->plan->node) < 0)
                        text = NULL;
                break;
        case ACTION_JOIN:
                if (asprintf(&text, "The cluster is Primary already, on %s; a second one is never formed. To join it, type: systemctl start mainstay-join", m->plan->node) < 0)
                        text = NULL;
                break;
        default:
                if (m->plan->stop.n > 0)
                        return; /* a live server is being stopped for it */
                if (!peers_settled(m) && manager_now(m) < m->request.settle && m->store->without.n == 0) {
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
                        request_done(m, "This node has formed the cluster and is Primary.");
                else if (m->request.bootstrap && m->store->claim_state == CLAIM_NONE)
                        request_refuse(m, m->name, "This node is Primary already: there is nothing to bootstrap.");
                else if (!m->request.bootstrap)
                        request_done(m, "This node is a member of the Primary component.");
                return;
        }
        if (!m->request.bootstrap) {
                if (manager_keeps_out(m)) {
                        request_refuse(m, m->plan->node, str_or(plan_reason(m->plan, m->name), "This node is kept out of the cluster."));
                        return;
                }
                want(m);
                if (!m->request.wait)
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
