/* The policy of the cluster: how it is set here, how it is taken over from
 * others, and what it holds back. What a person asks for on this node overrules
 * `manual`, for that one time; `maintenance` is overruled by nothing. */
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#define SAVE_RETRY (5 * USEC_PER_SEC)

static void take(Manager *m, const Ruling *r, const char *caller) {
        _cleanup_free_ char *text = log_text("The policy is %s now, set on %s: %s.", policy_to_string(r->policy), r->node, policy_means(r->policy));

        log_event(LOG_NOTICE, MESSAGE_POLICY_CHANGED, text, FIELD_POLICY, policy_to_string(r->policy), FIELD_ORIGIN, r->node,
                  FIELD_PEER, streq(r->node, m->name) ? NULL : r->node, FIELD_CALLER, caller, NULL);
        if (manager_events.properties)
                manager_events.properties(m);
        manager_touch(m);
}

static int put(Manager *m, const Ruling *r) {
        Ruling before = m->store->ruling;
        int k;

        m->store->ruling = *r;
        k = manager_save(m);
        if (k < 0)
                m->store->ruling = before;
        return k;
}

void policies_adopt(Manager *m) {
        const Ruling *best = &m->store->ruling;

        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && ruling_newer(&r->ruling, best))
                        best = &r->ruling;
        }
        if (best == &m->store->ruling)
                return;
        if (put(m, best) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return;
        }
        take(m, &m->store->ruling, NULL);
}

/* Whose bootstrap is under way, as far as is heard; NULL for nobody. */
static const char *who_bootstraps(Manager *m) {
        if (m->store->claim_state != CLAIM_NONE)
                return m->name;
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);
                const Grant *g = &m->store->grant;

                if (!r)
                        continue;
                if (r->claim != CLAIM_NONE)
                        return r->node;
                /* It was granted a moment ago, and has said nothing since it asked. */
                if (m->store->have_grant && streq(g->holder, r->node) && r->epoch == g->epoch && r->serial <= g->serial)
                        return r->node;
        }
        return NULL;
}

int policies_set(Manager *m, sd_bus_message *call, Policy policy) {
        const Ruling *now = &m->store->ruling;
        const char *leader;
        char by[CALLER_SIZE];
        Ruling next;
        int r;

        if (policy == now->policy)
                return sd_bus_reply_method_return(call, "b", false);
        leader = who_bootstraps(m);
        if (leader)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Busy",
                                                  "A bootstrap is under way on %s, and the policy is not changed under it: it stays %s. When %s is ONLINE, or has given up (mainstayctl status --watch), say it again.",
                                                  leader, policy_to_string(now->policy), leader);
        r = ruling_next(now, policy, m->name, &next);
        if (r >= 0)
                r = put(m, &next);
        if (r < 0)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "The policy cannot be written down (%s), so it stays %s: journalctl -u mainstayd says why.",
                                                  strerror(-r), policy_to_string(now->policy));
        chronicle_caller(m, call, by);
        take(m, now, by);
        return sd_bus_reply_method_return(call, "b", true);
}

bool policies_automatic(const Manager *m) {
        return m->store->ruling.policy == POLICY_AUTOMATIC;
}

bool policies_watch_only(const Manager *m) {
        return m->store->ruling.policy == POLICY_MAINTENANCE;
}

static bool by_request(const Manager *m, bool bootstrap) {
        return m->store->ruling.policy == POLICY_MANUAL && m->request.call && m->request.bootstrap == bootstrap;
}

bool policies_may_claim(const Manager *m) {
        return policies_automatic(m) || by_request(m, true);
}

bool policies_may_go_on(const Manager *m) {
        return policies_automatic(m) || (!policies_watch_only(m) && (m->claimed_by_hand || by_request(m, true)));
}

/* A start as the one that leads has its claim, which was judged already. */
bool policies_may_start(const Manager *m) {
        if (policies_watch_only(m))
                return false;
        return policies_automatic(m) || m->store->claim_state == CLAIM_GRANTED || m->store->owed || by_request(m, false);
}

/* Here or elsewhere: what a person began on one node may need this one's
 * mysqld out of the way. */
bool policies_may_stop(const Manager *m) {
        if (policies_automatic(m) || by_request(m, true))
                return true;
        for (size_t i = 0; i < m->n_peers && !policies_watch_only(m); i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && r->asked)
                        return true;
        }
        return false;
}

void policies_owe(Manager *m, bool owed) {
        if (m->store->owed == owed)
                return;
        m->store->owed = owed;
        (void) manager_save(m);
}

int policies_judge(Manager *m, const Claim *c, char **ret_why) {
        const Ruling *own = &m->store->ruling;

        if (policies_automatic(m))
                return 1;
        for (size_t i = 0; i < c->n_reports; i++)
                if (streq(c->report[i]->node, c->holder) && !ruling_newer(own, &c->report[i]->ruling))
                        return 1;
        if (asprintf(ret_why, "the policy is %s, set on %s, and %s had not heard of that", policy_to_string(own->policy), own->node, c->holder) < 0)
                return -ENOMEM;
        return 0;
}

char *policies_note(Manager *m, const char *does, const char *where) {
        const char *on = where && !streq(where, m->name) ? where : NULL;
        char *text;
        int r;

        if (policies_automatic(m))
                return strdup("");
        if (policies_watch_only(m))
                r = asprintf(&text, " The policy is maintenance: Mainstay only watches, and starts nothing. To go on, type: mainstayctl policy manual (a person starts it then) or: mainstayctl policy automatic");
        else if (does)
                r = asprintf(&text, " The policy is manual: a person starts it%s%s, with: systemctl start %s", on ? ", on " : "", on ? on : "", does);
        else
                r = asprintf(&text, " The policy is manual: Mainstay starts nothing by itself when that has changed.");
        return r < 0 ? NULL : text;
}
