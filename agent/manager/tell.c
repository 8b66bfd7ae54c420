/* What is told: to systemd, to the journal, to the bus. One state and one
 * sentence, drawn from the plan, so that all places say the same. */
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <systemd/sd-daemon.h>

ManagerEvents manager_events;

static int set_text(char **field, char *text, bool *changed) {
        if (!text)
                return -ENOMEM;
        if (streq_null(*field, text)) {
                free(text);
                return 0;
        }
        free(*field);
        *field = text;
        *changed = true;
        return 0;
}

/* One line: what is waited for, and why. */
static char *waiting_text(Manager *m) {
        const Report *r = m->report;
        const char *why;
        char *text;
        int k;

        if (r->mysqld == MYSQLD_PRIMARY)
                return strdup("");
        if (m->needs_recovery)
                return strdup("The position of the data is being recovered (wsrep-recover).");
        if (unit_state(m->unit) && streq(unit_state(m->unit)->active, "deactivating"))
                return strdup("mysqld is stopping.");
        if (r->mysqld == MYSQLD_JOINING)
                return strdup(m->store->claim_state == CLAIM_CONSUMED ? "mysqld is forming the cluster." : "mysqld is receiving what it missed.");
        if (r->mysqld == MYSQLD_STARTING)
                return strdup("mysqld is starting.");
        if (m->store->claim_state == CLAIM_ASKING) {
                _cleanup_free_ char *who = names_text(&m->store->claim->needed);

                k = asprintf(&text, "This node leads; the bootstrap is being agreed upon by %s.", str_or(who, "all"));
                return k < 0 ? NULL : text;
        }
        if (m->store->claim_state == CLAIM_GRANTED || m->store->claim_state == CLAIM_CONSUMED)
                return strdup("This node leads and is about to bootstrap.");
        if (m->plan->action == ACTION_WAIT && m->plan->awaited.n > 0) {
                _cleanup_free_ char *who = names_text(&m->plan->awaited);

                why = plan_reason(m->plan, m->plan->awaited.name[0]);
                k = asprintf(&text, "Waiting for %s. %s", str_or(who, "a node"), str_or(why, ""));
                return k < 0 ? NULL : text;
        }
        if (m->plan->action == ACTION_BOOTSTRAP && !streq(m->plan->node, m->name)) {
                const Report *leader = NULL;

                for (size_t i = 0; i < m->n_peers; i++) {
                        const Report *o = peer_report(m->peer[i]);

                        if (o && streq(o->node, m->plan->node))
                                leader = o;
                }
                if (leader && !leader->wanted)
                        k = asprintf(&text, "Waiting for %s, which has the newest data and whose mysqld was stopped by a person. On %s, type: systemctl start mainstay-bootstrap",
                                     m->plan->node, m->plan->node);
                else
                        k = asprintf(&text, "Waiting for %s, which leads, to become Primary.", m->plan->node);
                return k < 0 ? NULL : text;
        }
        if (m->plan->action == ACTION_BOOTSTRAP && !m->store->wanted)
                return strdup("This node has the newest data; mysqld was stopped by a person. To go on, type: systemctl start mainstay-bootstrap");
        why = plan_reason(m->plan, m->plan->action == ACTION_JOIN ? m->name : m->plan->node);
        return strdup(str_or(why, ""));
}

static void derive_state(Manager *m, bool *changed) {
        const Report *r = m->report;
        const char *state, *why = "";

        if (manager_keeps_out(m)) {
                state = "SHUNNED";
                why = names_contain(&m->plan->diverged, m->name) ? "diverged" : "stray";
        } else if (r->mysqld == MYSQLD_PRIMARY)
                state = "ONLINE";
        else if (r->problem) {
                state = "FAILED";
                why = r->problem;
        } else {
                state = "OFFLINE";
                why = r->mysqld == MYSQLD_STOPPED && !r->wanted ? "stopped by a person" : str_or(m->waiting, "");
        }
        if (!m->state || !streq(m->state, state)) {
                if (m->state)
                        log_info("The node is %s now%s%s%s", state, *why ? ": " : "", why, *why && why[strlen(why) - 1] == '.' ? "" : ".");
                m->state = state;
                *changed = true;
        }
        (void) set_text(&m->state_reason, strdup(why), changed);
}

static void log_waiting(Manager *m) {
        _cleanup_free_ char *who = NULL;

        if (m->plan->action == ACTION_WAIT && m->plan->awaited.n > 0 && m->ready) {
                who = names_text(&m->plan->awaited);
                log_event(LOG_NOTICE, MESSAGE_CLUSTER_WAITS, m->waiting, "MAINSTAY_AWAITED", str_or(who, ""), "MAINSTAY_REASON", m->waiting, NULL);
        } else if (manager_keeps_out(m))
                log_event(LOG_WARNING, MESSAGE_NODE_DIVERGED, m->waiting, "MAINSTAY_DIVERGED", m->name, "MAINSTAY_REASON", m->waiting, NULL);
        else if (m->waiting[0])
                log_info("%s", m->waiting);
}

static void notify_systemd(Manager *m) {
        if (!m->ready && unit_state(m->unit) && !m->needs_recovery) {
                m->ready = true;
                (void) sd_notify(false, "READY=1");
        }
        (void) sd_notifyf(false, "STATUS=%s%s%s", str_or(m->state, "OFFLINE"), *str_or(m->waiting, "") ? ". " : "", str_or(m->waiting, ""));
}

int manager_publish(Manager *m, Report *fresh) {
        _cleanup_(report_freep) Report *r = fresh;
        bool told = false, readable = m->news;
        json_t *plan;
        char *text;
        int k;

        if (!m->report || !report_same(m->report, r)) {
                r->epoch = m->store->epoch;
                r->serial = m->report ? m->report->serial + 1 : 1;
                k = report_format(r, &text);
                if (k < 0)
                        return k;
                (void) report_free(m->report);
                m->report = TAKE(r);
                (void) set_text(&m->report_text, text, &told);
        }
        m->news = false;

        if (plan_to_json(m->plan, &plan) >= 0) {
                (void) set_text(&m->plan_text, json_dumps(plan, JSON_COMPACT), &readable);
                json_decref(plan);
        }
        if (told && manager_events.report)
                manager_events.report(m);
        if ((told || readable) && manager_events.properties)
                manager_events.properties(m);
        return 0;
}

void manager_tell(Manager *m) {
        bool changed = false, waiting = false;

        (void) set_text(&m->waiting, waiting_text(m), &waiting);
        derive_state(m, &changed);
        if (waiting)
                log_waiting(m);
        if ((changed || waiting) && manager_events.properties)
                manager_events.properties(m);
        if (changed || waiting || !m->ready)
                notify_systemd(m);
}
