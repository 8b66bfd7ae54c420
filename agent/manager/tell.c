/* What is told: to systemd, to the journal, to the bus. One state and one
 * sentence, drawn from the plan, so that all places say the same. */
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <inttypes.h>
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

static char *noted(const char *text, char *note) {
        _cleanup_free_ char *end = note;
        char *all;

        return !end || asprintf(&all, "%s%s", text, end) < 0 ? NULL : all;
}

/* The bootstrap is another node's part. */
static char *waiting_for_leader(Manager *m) {
        const Report *leader = NULL;
        bool busy, held = !policies_automatic(m);
        char *text;
        int k;

        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);

                if (o && streq(o->node, m->plan->node))
                        leader = o;
        }
        busy = leader && (leader->claim != CLAIM_NONE || leader->asked || mysqld_is_live(leader->mysqld));
        if (held && !busy) {
                _cleanup_free_ char *note = policies_note(m, "mainstay-bootstrap", m->plan->node);

                k = asprintf(&text, "Waiting for %s, which has the newest data.%s", m->plan->node, str_or(note, ""));
        } else if (leader && !leader->wanted)
                k = asprintf(&text, "Waiting for %s, which has the newest data and whose mysqld nobody has started: a person stopped it, or the machine is still booting. If it stays so, type on %s: systemctl start mainstay-bootstrap",
                             m->plan->node, m->plan->node);
        else if (m->plan->manner == MANNER_RESUME)
                k = asprintf(&text, "It starts together with all members of the last Primary view, as soon as %s has the word of each.", m->plan->node);
        else
                k = asprintf(&text, "Waiting for %s, which leads, to become Primary.", m->plan->node);
        return k < 0 ? NULL : text;
}

/* One line: what is waited for, and why. */
static const char *leading_text(Manner m) {
        switch (m) {
        case MANNER_IN_PLACE:
                return "This node leads, and mysqld is made Primary as it runs.";
        case MANNER_RESUME:
                return "All members of the last Primary view start, and resume it.";
        default:
                return "This node leads and is about to bootstrap.";
        }
}

static char *waiting_text(Manager *m) {
        const Report *r = m->report;
        const char *why;
        char *text;
        int k;

        if (m->job) {
                const JobStep *step = job_last_step(m->job);

                k = asprintf(&text, "The job %" PRIu64 " (%s) is at: %s.", m->job->id, job_kind_to_string(m->job->kind), step ? step->name : "its beginning");
                return k < 0 ? NULL : text;
        }
        if (r->mysqld == MYSQLD_PRIMARY || m->asynchronous)
                return strdup("");
        if (m->evidence.outside)
                return strdup(str_or(r->problem, "A mysqld runs outside of its unit."));
        if (m->needs_recovery && policies_watch_only(m) && !m->gate.call && !m->recovering)
                return noted("The position of the data is not known, and wsrep-recover is not run.", policies_note(m, NULL, NULL));
        if (recover_busy(m))
                return strdup(m->plan->action == ACTION_JOIN ? "The data of this node are being set aside (mainstayctl recover)."
                                                             : "The data of this node will be set aside (mainstayctl recover) as soon as there is a cluster to take a full copy from.");
        if (marks_keep_out(&m->store->marks))
                return strdup(manager_keep_out_text(m));
        if (m->needs_recovery)
                return strdup("The position of the data is being recovered (wsrep-recover).");
        if (unit_state(m->unit) && streq(unit_state(m->unit)->active, "deactivating"))
                return strdup("mysqld is stopping.");
        if ((r->mysqld == MYSQLD_JOINING || r->mysqld == MYSQLD_STARTING) && (text = joining_text_now(m)))
                return text;
        if (r->mysqld == MYSQLD_JOINING)
                return strdup(m->store->claim_state == CLAIM_CONSUMED ? "mysqld is forming the cluster." : "mysqld is receiving what it missed.");
        if (r->mysqld == MYSQLD_STARTING)
                return strdup("mysqld is starting.");
        if (m->store->claim_state == CLAIM_ASKING) {
                _cleanup_free_ char *who = names_text(&m->store->claim->needed);

                k = asprintf(&text, "This node leads; %s is being agreed upon by %s.", manner_claimed(m->store->claim->manner), str_or(who, "all"));
                return k < 0 ? NULL : text;
        }
        if (m->store->claim_state == CLAIM_GRANTED || m->store->claim_state == CLAIM_CONSUMED)
                return strdup(leading_text(m->store->claim->manner));
        if (m->plan->action == ACTION_WAIT && m->plan->awaited.n > 0) {
                _cleanup_free_ char *who = names_text(&m->plan->awaited);

                why = plan_reason(m->plan, m->plan->awaited.name[0]);
                _cleanup_free_ char *note = policies_note(m, NULL, NULL);

                k = asprintf(&text, "Waiting for %s. %s%s", str_or(who, "a node"), str_or(why, ""), str_or(note, ""));
                return k < 0 ? NULL : text;
        }
        if (m->plan->action == ACTION_BOOTSTRAP && !streq(m->plan->node, m->name))
                return waiting_for_leader(m);
        if (m->plan->action == ACTION_BOOTSTRAP && !policies_may_claim(m))
                return noted("This node has the newest data, and would lead.", policies_note(m, "mainstay-bootstrap", m->name));
        if (m->plan->action == ACTION_BOOTSTRAP && !m->store->wanted)
                return strdup("This node has the newest data, and nobody has started mysqld: a person stopped it, or the machine is still booting. If it stays so, type: systemctl start mainstay-bootstrap");
        if (m->plan->action == ACTION_JOIN && !manager_keeps_out(m) && r->wanted && (text = joining_resting_text(m)))
                return text;
        why = str_or(plan_reason(m->plan, m->plan->action == ACTION_JOIN ? m->name : m->plan->node), "");
        if (m->plan->action == ACTION_JOIN && (manager_keeps_out(m) || m->gate.call || !m->store->wanted || policies_may_start(m)))
                return strdup(why);
        if (m->plan->stop.n > 0 && policies_may_stop(m))
                return strdup(why);
        if (m->plan->stop.n > 0) {
                _cleanup_free_ char *who = names_text(&m->plan->stop), *note = policies_note(m, "mainstay-bootstrap", NULL);

                k = asprintf(&text, "mysqld runs on %s without a Primary component, and others wait to start. It would be stopped, so that all positions can be compared.%s",
                             str_or(who, "a node"), str_or(note, ""));
                return k < 0 ? NULL : text;
        }
        return noted(why, policies_note(m, m->plan->action == ACTION_JOIN ? "mainstay-join" : NULL, m->name));
}

static void derive_state(Manager *m, bool *changed) {
        const Report *r = m->report;
        const char *state, *why = "";
        char shun[SHUN_TEXT_MAX];
        Datasource own;

        if (m->asynchronous) {
                replica_judge(m, &own);
                state = datasource_state_to_string(own.state);
                why = own.reason;
        } else if (manager_keeps_out(m)) {
                state = "SHUNNED";
                MarkKind k = marks_first(&m->store->marks);

                why = k >= 0 && mark_keeps_out(k) ? mark_to_string(k) : names_contain(&m->plan->diverged, m->name) ? "diverged" : "stray";
        } else if (r->shun.set) {
                state = "SHUNNED";
                why = shun_text(&r->shun, shun);
        } else if (r->mysqld == MYSQLD_PRIMARY && r->offline) {
                state = "OFFLINE";
                (void) snprintf(shun, sizeof(shun), "set offline; to bring it back: mainstayctl online %s", m->name);
                why = shun;
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
                _cleanup_free_ char *text = log_text("The node is %s now%s%s%s", state, *why ? ": " : "", why, *why && why[strlen(why) - 1] == '.' ? "" : ".");

                log_set_state(state);
                if (m->state)
                        log_event(LOG_INFO, MESSAGE_STATE_CHANGED, text, FIELD_REASON, *why ? why : NULL, NULL);
                m->state = state;
                *changed = true;
        }
        (void) set_text(&m->state_reason, strdup(why), changed);
}

/* Will nothing go on by itself, though the cluster does not serve? */
static bool awaits_person(Manager *m) {
        const Plan *p = m->plan;

        if (m->job || m->needs_recovery || recover_busy(m) || marks_keep_out(&m->store->marks) || m->store->claim_state != CLAIM_NONE ||
            (m->report->mysqld != MYSQLD_STOPPED && m->report->mysqld != MYSQLD_NON_PRIMARY))
                return false;
        if (p->action != ACTION_BOOTSTRAP)
                return p->action == ACTION_REFUSE;
        return streq(p->node, m->name) ? !m->store->wanted || !policies_may_claim(m) : !policies_automatic(m);
}

static void log_waiting(Manager *m) {
        _cleanup_free_ char *who = NULL, *peers = NULL, *grounds = NULL;

        if (m->plan->action == ACTION_WAIT && m->plan->awaited.n > 0 && m->ready) {
                who = names_text(&m->plan->awaited);
                peers = chronicle_peers(m, &m->plan->awaited);
                grounds = chronicle_grounds(m);
                log_event(LOG_NOTICE, MESSAGE_CLUSTER_WAITS, m->waiting, FIELD_AWAITED, str_or(who, "a node"), FIELD_PEER, peers,
                          FIELD_REASON, plan_reason(m->plan, m->plan->awaited.name[0]), FIELD_EVIDENCE, grounds, NULL);
        } else if (manager_keeps_out(m) && !marks_keep_out(&m->store->marks)) { /* a mark is told where it is set */
                grounds = chronicle_grounds(m);
                log_event(LOG_WARNING, MESSAGE_NODE_DIVERGED, m->waiting, FIELD_REASON, plan_reason(m->plan, m->name), FIELD_EVIDENCE, grounds, NULL);
        } else if (m->waiting[0] && !m->asynchronous && m->ready && awaits_person(m)) {
                grounds = chronicle_grounds(m);
                log_event(LOG_NOTICE, MESSAGE_PERSON_AWAITED, m->waiting, FIELD_LEADER, m->plan->node[0] ? m->plan->node : NULL,
                          FIELD_PEER, streq(m->plan->node, m->name) ? NULL : m->plan->node, FIELD_REASON, plan_reason(m->plan, m->plan->node), FIELD_EVIDENCE, grounds, NULL);
        } else if (m->waiting[0])
                log_info("%s", m->waiting);
}

static void notify_systemd(Manager *m) {
        if (!m->ready && unit_state(m->unit) && (!m->needs_recovery || policies_watch_only(m))) {
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
                (void) json_object_set_new(plan, "policy", json_string(policy_to_string(m->store->ruling.policy)));
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
        if (waiting && !joining_is_quiet(m))
                log_waiting(m);
        if ((changed || waiting) && manager_events.properties)
                manager_events.properties(m);
        if (changed || waiting || !m->ready)
                notify_systemd(m);
}
