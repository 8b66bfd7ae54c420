/* The marks of this node: set once, with the evidence, durably, and told; what
 * they are is said in domain/mark.h. */
#include "domain/history.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <inttypes.h>
#include <time.h>

static usec_t wall_clock(void) {
        struct timespec ts;

        return clock_gettime(CLOCK_REALTIME, &ts) < 0 ? 0 : (usec_t) ts.tv_sec * USEC_PER_SEC;
}

static void tell_set(Manager *m, MarkKind k) {
        const Mark *mark = &m->store->marks.mark[k];
        _cleanup_free_ char *text = log_text("This node is marked %s. %s %s", mark_to_string(k), mark->evidence, mark_clears(k));

        log_event(LOG_WARNING, MESSAGE_NODE_MARKED, text, FIELD_MARK, mark_to_string(k), FIELD_REASON, mark->evidence, FIELD_CLEARS, mark_clears(k), NULL);
}

static void tell_cleared(Manager *m, MarkKind k, const char *why) {
        _cleanup_free_ char *text = log_text("This node is no longer marked %s: %s.", mark_to_string(k), why);

        log_event(LOG_NOTICE, MESSAGE_MARK_CLEARED, text, FIELD_MARK, mark_to_string(k), FIELD_REASON, why, NULL);
}

void marks_follow(Manager *m) {
        unsigned changed = marks_judge(&m->store->marks, &m->evidence, wall_clock());

        if (changed == 0)
                return;
        (void) manager_save(m);
        for (MarkKind k = 0; k < _MARK_MAX; k++) {
                if (!(changed & (1U << k)))
                        continue;
                if (m->store->marks.mark[k].set)
                        tell_set(m, k);
                else
                        tell_cleared(m, k, mysqld_is_live(m->evidence.mysqld) ? "its data are a complete copy of the cluster's now" : "the data that it was about are no longer in the datadir");
        }
}

/* Whom the plan names as Primary, where that one's own word is known, and its
 * history is that of its data. */
static const Report *firm_primary(const Manager *m) {
        if (m->plan->action != ACTION_JOIN)
                return NULL;
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);

                if (o && streq(o->node, m->plan->node) &&
                    o->mysqld == MYSQLD_PRIMARY && o->settled && o->history && !uuid_is_zero(&o->position.uuid))
                        return o;
        }
        return NULL;
}

static void mark_diverged(const Manager *m, const Report *p, char text[static MARK_TEXT_MAX]) {
        const Report *own = m->report;
        const HistoryEntry *parting = NULL;
        int64_t limit = SEQNO_UNDEFINED;

        (void) history_compare(own->history, &own->position, p->history, &(Position) { p->position.uuid, INT64_MAX }, &limit, &parting);
        if (parting && limit >= 0 && limit < own->position.seqno)
                (void) snprintf(text, MARK_TEXT_MAX, "It has diverged: its seqnos %" PRId64 " to %" PRId64 " (%" PRId64 " of them, commits and changes of the configuration) are in no other node's history: the cluster, with %s in it, was bootstrapped without it from seqno %" PRId64 ".",
                                limit + 1, own->position.seqno, own->position.seqno - limit, p->node, limit);
        else
                (void) snprintf(text, MARK_TEXT_MAX, "It has diverged: it stands at seqno %" PRId64 " of a history which the cluster, with %s in it, does not share.", own->position.seqno, p->node);
}

void marks_from_plan(Manager *m) {
        const Report *p = firm_primary(m), *own = m->report;
        char text[MARK_TEXT_MAX], mine[UUID_TEXT_MAX], theirs[UUID_TEXT_MAX];
        MarkKind k;

        if (!p || own->mysqld != MYSQLD_STOPPED || !report_has_position(own) || !own->history)
                return;
        if (names_contain(&m->plan->diverged, m->name)) {
                k = MARK_DIVERGED;
                mark_diverged(m, p, text);
        } else if (names_contain(&m->plan->stray, m->name)) {
                k = MARK_STRAY;
                (void) snprintf(text, sizeof(text), "Its data, at seqno %" PRId64 ", belong to the cluster %s; those of %s and the cluster it is in to %s.", own->position.seqno,
                                uuid_text(&own->position.uuid, mine), p->node, uuid_text(&p->position.uuid, theirs));
        } else
                return;
        if (marks_set(&m->store->marks, k, m->evidence.viewlog.section, wall_clock(), text) <= 0)
                return;
        (void) manager_save(m);
        tell_set(m, k);
        manager_touch(m); /* the report is to say so */
}

int marks_lift(Manager *m, MarkKind k) {
        Mark before = m->store->marks.mark[k];
        int r;

        m->store->marks.mark[k] = (Mark) {0};
        r = manager_save(m);
        if (r < 0) {
                m->store->marks.mark[k] = before;
                return r;
        }
        tell_cleared(m, k, "an operator said that its data count");
        manager_touch(m);
        return 0;
}

bool manager_keeps_out(Manager *m) {
        if (marks_keep_out(&m->store->marks))
                return true;
        return m->plan && (names_contain(&m->plan->diverged, m->name) || names_contain(&m->plan->stray, m->name)) &&
               m->plan->action == ACTION_JOIN;
}

const char *manager_keep_out_text(Manager *m) {
        MarkKind k = marks_first(&m->store->marks);
        const char *text = NULL;

        for (size_t i = 0; k >= 0 && mark_keeps_out(k) && i < m->report->marks.n; i++)
                if (streq(m->report->marks.name[i], mark_to_string(k)))
                        text = m->report->mark_text[i];
        return str_or(text, str_or(plan_reason(m->plan, m->name), "This node is kept out of the cluster."));
}

/* The gate holds to it where the agent is not there to be asked. */
void marks_tell_gate(Manager *m) {
        const char *why = marks_keep_out(&m->store->marks) ? manager_keep_out_text(m) : NULL;
        int r;

        if (m->gate_told && streq_null(m->kept_out, why))
                return;
        r = store_keep_out(m->store, why);
        if (r < 0) {
                log_warning("%s/%s cannot be written (%s): with the agent dead, the gate would not know.", m->paths.state, STORE_KEPT_OUT, strerror(-r));
                manager_wake(m, manager_now(m) + 60 * USEC_PER_SEC);
                return;
        }
        free(m->kept_out);
        m->kept_out = why ? strdup(why) : NULL;
        m->gate_told = !why || m->kept_out;
}
