/* Rule 2: who must be heard before a bootstrap.
 *
 * Having received a transaction is not having applied it, so it is not enough
 * to ask the last ones in the cluster who was ahead. What can be proved is who
 * cannot be ahead: a node which was not in a Primary view with the seqno S has
 * committed at most S - 1, and need not be heard by a candidate that has that.
 */
#include "domain/history.h"
#include "domain/mark.h"
#include "domain/scene.h"

/* A node of the needed set has been heard only where its data can be judged:
 * one that was reimaged, or whose files cannot be read, may have held anything,
 * and one that does not say what its mysqld does may be Primary. */
static bool heard(const Voice *v) {
        const Report *r = v ? voice_report(v) : NULL;

        if (!r)
                return false;
        if (r->mysqld == MYSQLD_UNKNOWN) /* not reached: nobody leads while one is, by rule 1 */
                return false;
        return report_has_position(r);
}

/* Half of a copy: what it had before it was judged when the copy began, and since
 * then it has taken no client's commit. Where the candidate has all from before
 * the last view, it can hold nothing that the others of that view lack. */
static bool holds_nothing(const Scene *s, const Voice *v) {
        const Report *r = v ? voice_report(v) : NULL;

        if (!r)
                return false;
        if (r->mysqld != MYSQLD_STOPPED) /* not reached: rules 1 and 8 have no live one be awaited that is marked */
                return false;
        return names_contain(&r->marks, mark_to_string(MARK_ABORTED_SST)) &&
               s->newest != SEQNO_UNDEFINED && s->candidate->report->position.seqno >= s->newest - 1;
}

/* Has a word on who was in the cluster: also one that is given up, or whose
 * position is not known. Not one without data, of another cluster or history. */
static const Report *speaks(const Scene *s, const Voice *v) {
        const Report *r = voice_report(v);

        if (!r || r->blank || names_contain(&s->plan->stray, v->name) || names_contain(&s->plan->diverged, v->name))
                return NULL;
        if (report_has_position(r) && !uuid_equal(&r->position.uuid, &s->uuid))
                return NULL;
        return r;
}

static int need_all(Scene *s, const char *node, const char *why) {
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = speaks(s, v);

                if (names_contain(&s->plan->stray, v->name) || names_contain(&s->plan->diverged, v->name))
                        continue;
                r = names_add(&s->plan->needed, v->name);
                /* Members which nobody configured are needed no less. */
                for (size_t k = 0; r >= 0 && o && o->have_view && k < o->n_views; k++)
                        r = names_add_all(&s->plan->needed, &o->view[k].members);
                if (r < 0)
                        return r;
        }
        r = plan_add(s->plan, NULL, "%s: %s, so every configured node must be heard.", node, why);
        if (r < 0 || s->n > 1 || s->overrule->without.n > 0 || s->overrule->all_named)
                return r;

        /* "Every configured node" is a poor proof where none is configured. */
        r = plan_add(s->plan, NULL, "No other node is known here, so nobody can be heard. Name the others: in wsrep_cluster_address of the server, or in [peers] of mainstay.conf.");
        return r < 0 ? r : 1;
}

/* Those of this cluster: data may have been of another one before. */
static size_t count_bootstraps(const Scene *s, const History *h) {
        size_t n = 0;

        for (size_t i = 0; h && i < h->n; i++)
                n += uuid_equal(&h->entry[i].position.uuid, &s->uuid);
        return n;
}

/* The longest history of those that count; NULL where none knows of a bootstrap. */
static const History *longest_history(const Scene *s) {
        const History *longest = NULL;

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (scene_counts(s, s->voice[i]) && count_bootstraps(s, o->history) > count_bootstraps(s, longest))
                        longest = o->history;
        }
        return longest;
}

const HistoryEntry *scene_last_bootstrap(const Scene *s) {
        const History *h = longest_history(s);

        for (size_t i = h ? h->n : 0; i > 0; i--)
                if (uuid_equal(&h->entry[i - 1].position.uuid, &s->uuid))
                        return &h->entry[i - 1];
        return NULL;
}

bool scene_is_current(const Scene *s, const Voice *v, const HistoryEntry *last) {
        return !last || history_has(v->report->history, &last->id) || scene_vouched(s, v->name, last);
}

/* Of one whose views do not count: has it not merely been left behind? Where each
 * of two histories has a bootstrap that the other lacks, one of these came to
 * nothing as far as is heard, and who is not heard may have gone on from it. One
 * that is not known may hold any. */
static bool is_of_another_line(const Scene *s, const Report *o) {
        const Position endless = { s->uuid, INT64_MAX };

        return !o->history || history_compare(o->history, &endless, longest_history(s), &endless, NULL, NULL) == KINSHIP_FORKED;
}

/* The members of the views of one node's record, newest first, down to one that
 * began when the candidate had all that was committed before. 1 where there is
 * such a view; 0 where the record does not reach back so far. */
static int need_chain(Scene *s, const Report *o) {
        Names chain = {0};
        int r;

        for (size_t k = 0; k < o->n_views; k++) {
                const ReportView *v = &o->view[k];

                r = names_add_all(&chain, &v->members);
                if (r < 0)
                        return r;
                if (v->seqno == SEQNO_UNDEFINED || !uuid_equal(&v->uuid, &s->uuid))
                        return 0;
                if (s->candidate->report->position.seqno >= v->seqno - 1) {
                        r = names_add_all(&s->plan->needed, &chain);
                        return r < 0 ? r : 1;
                }
        }
        return 0;
}

/* Whom somebody's promise or history names: they may have gone on since. One
 * of them that has diverged contradicts what is told of it. */
static int need_leader(Scene *s, const char *name) {
        int r;

        r = names_add(&s->plan->needed, name);
        if (r < 0 || names_contain(&s->overrule->without, name) ||
            !(names_contain(&s->plan->diverged, name) || names_contain(&s->plan->stray, name)))
                return r;
        plan_settle(s->plan, ACTION_REFUSE, NULL);
        r = plan_add(s->plan, name, "%s was granted the bootstrap and may have led, but its data are not those of the others: what they tell contradicts itself. "
                     "Decide whose data count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.", name);
        return r < 0 ? r : 1;
}

static int need_leaders(Scene *s) {
        int r = 0;

        for (size_t i = 0; i < s->n && r == 0; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (o && o->have_grant)
                        r = need_leader(s, o->grant_holder);
                for (size_t k = 0; o && k < o->led.n && r == 0; k++)
                        r = need_leader(s, o->led.name[k]);
        }
        return r;
}

int need_find(Scene *s) {
        const HistoryEntry *last = scene_last_bootstrap(s);
        int64_t newest = INT64_MIN;
        int r;

        s->newest = SEQNO_UNDEFINED;
        r = need_leaders(s);
        if (r != 0)
                return r;
        /* It has less than its seqno says, and who has none of the change must not get
         * what came after it. */
        if (s->candidate->report->schema_cut)
                return need_all(s, s->candidate->name, "it was cut off in the middle of a change of the schema");

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = speaks(s, v);

                if (!o)
                        continue;
                /* Half of a copy, and no record: it tells as little as one that is not heard. */
                if (!o->have_view && !report_has_position(o) && names_contain(&o->marks, mark_to_string(MARK_ABORTED_SST)))
                        continue;
                if (!o->have_view)
                        return need_all(s, v->name, "its record of who was in the cluster cannot be relied on");
                if (!uuid_equal(&o->view[0].uuid, &s->uuid))
                        return need_all(s, v->name, "its record of who was in the cluster is of another cluster");
                if (!scene_is_current(s, v, last)) {
                        if (is_of_another_line(s, o))
                                return need_all(s, v->name, "it may have been through a bootstrap that the others do not know of, and gone on with somebody since");
                        continue;
                }
                if (o->view[0].seqno == SEQNO_UNDEFINED)
                        return need_all(s, v->name, "at which position the last Primary view it saw began is not known");
                if (o->view[0].seqno > newest)
                        newest = o->view[0].seqno;
        }

        /* The first view after a bootstrap is that of its leader alone, seen or not. */
        if (last && !last->leader[0] && newest <= last->position.seqno)
                return need_all(s, s->candidate->name, "who led the last bootstrap, and went on from it, is not known");
        if (last && last->leader[0] && newest <= last->position.seqno + 1) {
                r = need_leader(s, last->leader);
                if (r != 0)
                        return r;
                if (s->candidate->report->position.seqno < last->position.seqno)
                        return need_all(s, last->leader, "the newest data that are heard are older than its bootstrap");
        }

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = speaks(s, v);

                if (!o || !o->have_view || !scene_is_current(s, v, last) || o->view[0].seqno != newest)
                        continue;
                r = need_chain(s, o);
                if (r < 0)
                        return r;
                if (r == 0)
                        return need_all(s, v->name, "its record of who was in the cluster does not reach back to the position of the newest data");
        }

        /* Who is given up unheard may have been in later views, with anyone. */
        for (size_t i = 0; i < s->overrule->without.n; i++) {
                const char *name = s->overrule->without.name[i];
                const Voice *v = scene_find(s, name);

                if (names_contain(&s->plan->needed, name) && !(v && voice_report(v)))
                        return need_all(s, name, "it is given up unheard, and may have been in the cluster with anyone since");
        }
        s->newest = newest;
        return 0;
}

const char *need_why(const Voice *v) {
        const Report *o = v ? voice_report(v) : NULL;

        if (!v)
                return "it is not among the configured peers";
        if (!o)
                return str_or(v->why, "not tried yet");
        if (o->problem)
                return o->problem;
        if (o->blank)
                return "it answers, but has no data of any cluster any more";
        return "it answers, but its position is not known yet";
}

const Names *need_given_up(const Scene *s, const Voice *v) {
        const Report *o = voice_report(v);

        if (!o || o->without.n == 0)
                return NULL;
        for (size_t i = 0; i < o->without.n; i++) {
                const Voice *other = scene_find(s, o->without.name[i]);

                if (!other)
                        continue;
                if (other->condition == CONDITION_ALIVE) /* not reached: by rule 1 it is joined */
                        return NULL;
                if (voice_report(other) && mysqld_is_live(voice_report(other)->mysqld))
                        return NULL;
        }
        return &o->without;
}

char *need_advice(const Names *awaited, const char *then) {
        _cleanup_free_ char *options = names_without(awaited);
        char *text;

        if (!options)
                return NULL;
        if (asprintf(&text, awaited->n == 1 ? "When it returns, %s by itself. If it will not: mainstayctl bootstrap%s, which gives up what only it has."
                                            : "When all that are awaited return, %s by itself. If they will not: mainstayctl bootstrap%s, which gives up what only they have.",
                     then, options) < 0)
                return NULL;
        return text;
}

int need_await(Scene *s) {
        _cleanup_free_ char *advice = NULL;
        int r;

        for (size_t i = 0; i < s->plan->needed.n; i++) {
                const char *name = s->plan->needed.name[i];

                if (names_contain(&s->overrule->without, name) || heard(scene_find(s, name)) || holds_nothing(s, scene_find(s, name)))
                        continue;
                r = names_add(&s->plan->awaited, name);
                if (r < 0)
                        return r;
        }
        advice = need_advice(&s->plan->awaited, "the cluster starts");
        if (!advice)
                return -ENOMEM;
        for (size_t i = 0; i < s->plan->awaited.n; i++) {
                const char *name = s->plan->awaited.name[i];

                r = plan_add(s->plan, name, "%s may hold commits that nobody else has, and is not heard: %s. %s", name, need_why(scene_find(s, name)), advice);
                if (r < 0)
                        return r;
        }
        return 0;
}
