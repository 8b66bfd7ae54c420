/* The decision; see decision.h. One function a rule, in the order in which
 * they are asked; the first that settles the matter ends it. */
#include "domain/decision.h"
#include "base/table.h"
#include "domain/history.h"

#include <inttypes.h>

#define VOICES_MAX NAMES_MAX

static const char *const condition_names[] = {
        [CONDITION_UNCERTAIN] = "uncertain",
        [CONDITION_ALIVE] = "alive",
        [CONDITION_KNOWN] = "known",
};
DEFINE_STRING_TABLE(condition, Condition, condition_names)

/* What is being decided: the voices by name, and what the rules found out. */
typedef struct Scene {
        size_t n;
        const Voice *voice[VOICES_MAX];
        const Overrule *overrule;
        Uuid uuid;             /* of the cluster, once it is settled */
        const Voice *candidate;
        Plan *plan;
} Scene;

static const Overrule no_overrule;

/* Voices */

static const Report *known(const Voice *v) {
        return v->condition == CONDITION_KNOWN ? v->report : NULL;
}

static const Voice *voice_find(const Scene *s, const char *name) {
        for (size_t i = 0; i < s->n; i++)
                if (streq(s->voice[i]->name, name))
                        return s->voice[i];
        return NULL;
}

/* Takes part in the comparison: answered, stopped or not, with a position of this cluster. */
static bool counts(const Scene *s, const Voice *v) {
        const Report *r = known(v);

        return r && report_has_position(r) && uuid_equal(&r->position.uuid, &s->uuid) &&
               !names_contain(&s->plan->stray, v->name) && !names_contain(&s->plan->diverged, v->name) &&
               !names_contain(&s->overrule->without, v->name);
}

/* A node of the needed set has been heard only where its data can be judged:
 * one that was reimaged, or whose files cannot be read, may have held anything. */
static bool heard(const Voice *v) {
        const Report *r = v ? known(v) : NULL;

        return r && report_has_position(r);
}

static int by_name(const void *a, const void *b) {
        return strcmp((*(const Voice *const *) a)->name, (*(const Voice *const *) b)->name);
}

/* Rule 1: a Primary component, or a live mysqld anywhere, is never bootstrapped over. */

static int join_reasons(Scene *s, const Voice *primary) {
        const Report *p = primary->report;
        /* It goes on, and what it told of its position may be old: it counts as
         * beyond every bootstrap that the other one was not part of. */
        const Position at = { p->position.uuid, INT64_MAX };
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = known(v);
                const HistoryEntry *parting;
                Kinship kin;
                int64_t limit;

                if (!o || v == primary)
                        continue;
                if (mysqld_in_primary(o->mysqld)) {
                        r = plan_add(s->plan, v->name, "It is in the Primary component too.");
                        if (r < 0)
                                return r;
                        continue;
                }
                if (mysqld_is_live(o->mysqld)) {
                        r = plan_add(s->plan, v->name, "Its mysqld is on its way into the Primary component of %s.", primary->name);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (!report_has_position(o)) {
                        r = plan_add(s->plan, v->name, "It has no data of the cluster and joins by a full state transfer (SST) from the Primary component of %s.",
                                       primary->name);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (!uuid_equal(&o->position.uuid, &p->position.uuid) && !uuid_is_zero(&p->position.uuid)) {
                        r = names_add(&s->plan->stray, v->name);
                        if (r >= 0)
                                r = plan_add(s->plan, v->name, "Its data belong to another cluster than those of %s. It is kept out, for joining would overwrite them. "
                                               "If they can go: move its datadir aside and start it again.", primary->name);
                        if (r < 0)
                                return r;
                        continue;
                }
                kin = history_compare(o->history, &o->position, p->history, &at, &limit, &parting);
                /* Where both went on, it is the one that is not in service that stays out. */
                if (kin == KINSHIP_DIVERGED || kin == KINSHIP_FORKED) {
                        r = names_add(&s->plan->diverged, v->name);
                        if (r >= 0)
                                r = plan_add(s->plan, v->name, "It has diverged: it committed up to seqno %" PRId64 ", and the cluster was bootstrapped without it from seqno %" PRId64
                                               ". It is kept out, with its data untouched. To give up what only it has: move its datadir aside and start it again.",
                                               o->position.seqno, limit);
                        if (r < 0)
                                return r;
                        continue;
                }
                r = plan_add(s->plan, v->name, "It joins the Primary component of %s.", primary->name);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* 1 where this settled the plan. */
static int rule_live(Scene *s) {
        const Voice *primary = NULL, *alive = NULL, *joining = NULL, *unknown = NULL;
        int r;

        for (size_t i = s->n; i-- > 0;) {
                const Voice *v = s->voice[i];
                const Report *o = known(v);

                if (v->condition == CONDITION_ALIVE)
                        alive = v;
                if (o && o->mysqld == MYSQLD_PRIMARY)
                        primary = v;
                if (o && o->mysqld == MYSQLD_JOINING)
                        joining = v;
                if (o && o->mysqld == MYSQLD_UNKNOWN && !names_contain(&s->overrule->without, v->name))
                        unknown = v;
        }

        for (size_t i = 0; primary && i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                if (o && o->mysqld == MYSQLD_PRIMARY && !uuid_is_zero(&o->position.uuid) &&
                    !uuid_is_zero(&primary->report->position.uuid) &&
                    !uuid_equal(&o->position.uuid, &primary->report->position.uuid)) {
                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                        r = plan_add(s->plan, NULL, "%s and %s are both Primary, in two different clusters. Mainstay joins neither: stop mysqld on the one that shall not serve.",
                                       primary->name, s->voice[i]->name);
                        return r < 0 ? r : 1;
                }
        }

        if (primary) {
                plan_settle(s->plan, ACTION_JOIN, primary->name);
                r = plan_add(s->plan, primary->name, "It is Primary: the others join it.");
                if (r >= 0)
                        r = join_reasons(s, primary);
                return r < 0 ? r : 1;
        }
        if (alive) {
                plan_settle(s->plan, ACTION_JOIN, alive->name);
                r = plan_add(s->plan, alive->name, "No agent answers there (%s), but its mysqld does, and a live server is never bootstrapped over: the others try to join it.",
                               str_or(alive->why, "not tried yet"));
                return r < 0 ? r : 1;
        }
        if (joining) {
                plan_settle(s->plan, ACTION_WAIT, NULL);
                r = plan_add(s->plan, joining->name, "mysqld on %s is receiving the cluster's data; nobody bootstraps meanwhile. If its donor is gone for good, stop that mysqld, and it is judged like the others.", joining->name);
                return r < 0 ? r : 1;
        }
        if (unknown) {
                plan_settle(s->plan, ACTION_WAIT, NULL);
                r = plan_add(s->plan, unknown->name, "%s does not say whether its mysqld runs, so nobody bootstraps. If it will not: mainstayctl bootstrap --without %s, which gives up what only it has.",
                               unknown->name, unknown->name);
                return r < 0 ? r : 1;
        }
        return 0;
}

/* Rule 3: one cluster. */

static bool in_views(const Scene *s, const Uuid *uuid, const char *name) {
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                for (size_t k = 0; o && o->have_view && k < o->n_views; k++)
                        if (uuid_equal(&o->view[k].uuid, uuid) && names_contain(&o->view[k].members, name))
                                return true;
        }
        return false;
}

static int rule_one_cluster(Scene *s) {
        size_t best = 0, total = 0;
        const Report *leader = NULL;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);
                size_t same = 0;

                if (!o || !report_has_position(o) || names_contain(&s->overrule->without, s->voice[i]->name))
                        continue;
                total++;
                for (size_t k = 0; k < s->n; k++) {
                        const Report *other = known(s->voice[k]);

                        if (other && report_has_position(other) && uuid_equal(&other->position.uuid, &o->position.uuid) &&
                            !names_contain(&s->overrule->without, s->voice[k]->name))
                                same++;
                }
                if (same > best) {
                        best = same;
                        leader = o;
                }
        }
        if (!leader)
                return 0;
        s->uuid = leader->position.uuid;

        for (size_t i = 0; i < s->n && best < total; i++) {
                const Voice *v = s->voice[i];
                const Report *o = known(v);
                char mine[UUID_TEXT_MAX], theirs[UUID_TEXT_MAX];

                if (!o || !report_has_position(o) || uuid_equal(&o->position.uuid, &s->uuid) ||
                    names_contain(&s->overrule->without, v->name))
                        continue;
                /* A stray one is left out where most nodes are of one cluster which never knew it. */
                if (best * 2 > s->n && !in_views(s, &s->uuid, v->name)) {
                        r = names_add(&s->plan->stray, v->name);
                        if (r >= 0)
                                r = plan_add(s->plan, v->name, "Its data belong to cluster %s, those of the others to %s, which never had it as a member. It is left out.",
                                               uuid_text(&o->position.uuid, mine), uuid_text(&s->uuid, theirs));
                        if (r < 0)
                                return r;
                        continue;
                }
                plan_settle(s->plan, ACTION_REFUSE, NULL);
                r = plan_add(s->plan, v->name, "Its data belong to cluster %s, those of %s to %s: their positions cannot be compared. "
                               "Decide whose data count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.",
                               uuid_text(&o->position.uuid, mine), leader->node, uuid_text(&s->uuid, theirs));
                return r < 0 ? r : 1;
        }
        return 0;
}

/* Rule 6: one history. */

static int rule_one_history(Scene *s) {
        int r;

        for (size_t i = 0; i < s->n; i++)
                for (size_t k = 0; k < s->n; k++) {
                        const Voice *a = s->voice[i], *b = s->voice[k];
                        int64_t limit;
                        Kinship kin;

                        if (i == k || !counts(s, a) || !counts(s, b))
                                continue;
                        kin = history_compare(a->report->history, &a->report->position,
                                              b->report->history, &b->report->position, &limit, NULL);
                        if (kin == KINSHIP_FORKED) {
                                plan_settle(s->plan, ACTION_REFUSE, NULL);
                                r = plan_add(s->plan, NULL, "%s and %s were each bootstrapped without the other and both took commits after seqno %" PRId64 ": their data have parted. "
                                               "Decide whose commits count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.",
                                               a->name, b->name, limit);
                                return r < 0 ? r : 1;
                        }
                        if (kin == KINSHIP_DIVERGED) {
                                r = names_add(&s->plan->diverged, a->name);
                                if (r >= 0)
                                        r = plan_add(s->plan, a->name, "It has diverged: it committed up to seqno %" PRId64 ", and the cluster was bootstrapped without it from seqno %" PRId64 ". It is left out.",
                                                       a->report->position.seqno, limit);
                                if (r < 0)
                                        return r;
                        }
                }
        return 0;
}

/* Rule 4: the highest position; then safe_to_bootstrap, the weight, the name. */

static bool leads(const Report *a, const Report *b) {
        if (a->position.seqno != b->position.seqno)
                return a->position.seqno > b->position.seqno;
        if ((a->safe_to_bootstrap == 1) != (b->safe_to_bootstrap == 1))
                return a->safe_to_bootstrap == 1;
        if (a->weight != b->weight)
                return a->weight > b->weight;
        return strcmp(a->node, b->node) < 0;
}

static void find_candidate(Scene *s) {
        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];

                if (!counts(s, v) || v->report->marks.n > 0 || v->report->mysqld != MYSQLD_STOPPED)
                        continue;
                if (!s->candidate || leads(v->report, s->candidate->report))
                        s->candidate = v;
        }
        if (s->candidate)
                s->plan->position = s->candidate->report->position;
}

/* Rule 2: who must be heard. */

static int need_all(Scene *s, const char *node, const char *why) {
        int r;

        for (size_t i = 0; i < s->n; i++)
                if (!names_contain(&s->plan->stray, s->voice[i]->name)) {
                        r = names_add(&s->plan->needed, s->voice[i]->name);
                        if (r < 0)
                                return r;
                }
        /* Members which nobody configured are needed no less. */
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                for (size_t k = 0; o && counts(s, s->voice[i]) && o->have_view && k < o->n_views; k++) {
                        r = names_add_all(&s->plan->needed, &o->view[k].members);
                        if (r < 0)
                                return r;
                }
        }
        return plan_add(s->plan, node, "%s, so every configured node must be heard.", why);
}

/* The seqno of the newest view that any node which counts reports; SEQNO_UNDEFINED where one is unknown. */
static int64_t newest_view(const Scene *s) {
        int64_t newest = INT64_MIN;

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                if (!counts(s, s->voice[i]))
                        continue;
                if (o->view[0].seqno == SEQNO_UNDEFINED)
                        return SEQNO_UNDEFINED;
                if (o->view[0].seqno > newest)
                        newest = o->view[0].seqno;
        }
        return newest;
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
                if (v->seqno == SEQNO_UNDEFINED)
                        return 0;
                if (s->candidate->report->position.seqno >= v->seqno - 1) {
                        r = names_add_all(&s->plan->needed, &chain);
                        return r < 0 ? r : 1;
                }
        }
        return 0;
}

static int rule_needed(Scene *s) {
        int64_t newest;
        int r;

        /* Grants stand: whom they were given may have gone on since. */
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                if (o && o->have_grant) {
                        r = names_add(&s->plan->needed, o->grant_holder);
                        if (r < 0)
                                return r;
                }
        }

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                if (!counts(s, s->voice[i]))
                        continue;
                if (!o->have_view || o->n_views == 0)
                        return need_all(s, s->voice[i]->name, "Its record of who was in the cluster cannot be relied on");
                if (!uuid_equal(&o->view[0].uuid, &s->uuid))
                        return need_all(s, s->voice[i]->name, "Its record of who was in the cluster is of another cluster");
        }

        newest = newest_view(s);
        if (newest == SEQNO_UNDEFINED)
                return need_all(s, NULL, "At which position the last Primary view began is not known");

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                if (!counts(s, s->voice[i]) || o->view[0].seqno != newest)
                        continue;
                r = need_chain(s, o);
                if (r < 0)
                        return r;
                if (r == 0)
                        return need_all(s, s->voice[i]->name, "Its record of who was in the cluster does not reach back to the position of the newest data");
        }
        return 0;
}

/* Nobody has a position. */
static int no_candidate(Scene *s) {
        bool all_blank = true;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = known(v);

                if (names_contain(&s->overrule->without, v->name))
                        continue;
                if (!o || !o->blank)
                        all_blank = false;
                r = !o ? plan_add(s->plan, v->name, "It is not heard: %s.", str_or(v->why, "not tried yet"))
                  : o->marks.n > 0 ? plan_add(s->plan, v->name, "It is marked (%s) and cannot lead.", o->marks.name[0])
                  : o->problem ? plan_add(s->plan, v->name, "Its position is not known: %s", o->problem)
                  : o->blank ? plan_add(s->plan, v->name, "It has no data of any cluster.")
                  : mysqld_is_live(o->mysqld) ? plan_add(s->plan, v->name, "Its mysqld runs (%s).", mysqld_to_string(o->mysqld))
                  : plan_add(s->plan, v->name, "Its position is not known yet.");
                if (r < 0)
                        return r;
        }

        if (all_blank && s->overrule->new_cluster) {
                plan_settle(s->plan, ACTION_BOOTSTRAP, s->overrule->leader);
                return plan_add(s->plan, s->overrule->leader, "No node has data of a cluster, and an operator begins one here.");
        }
        plan_settle(s->plan, ACTION_WAIT, NULL);
        if (all_blank)
                return plan_add(s->plan, NULL, "There is no cluster yet: no node has data of one. On the node whose data shall be the cluster's: mainstayctl bootstrap --force=new-cluster");
        return plan_add(s->plan, NULL, "No node that answers can lead.");
}

/* Rule 10: who may be given up. */
static int rule_overrule(Scene *s) {
        int r;

        for (size_t i = 0; i < s->overrule->without.n; i++) {
                const char *name = s->overrule->without.name[i];
                const Voice *v = voice_find(s, name);
                const Report *o = v ? known(v) : NULL;
                bool member = false;

                for (size_t k = 0; k < s->n; k++) {
                        const Report *other = known(s->voice[k]);

                        for (size_t m = 0; other && other->have_view && m < other->n_views; m++)
                                member = member || names_contain(&other->view[m].members, name);
                }
                if (!v && !member) {
                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                        r = plan_add(s->plan, name, "There is no node of this name, so it cannot be given up.");
                        return r < 0 ? r : 1;
                }
                if (v && (v->condition == CONDITION_ALIVE || (o && mysqld_is_live(o->mysqld)))) {
                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                        r = plan_add(s->plan, name, "Its mysqld is alive, so it cannot be given up. Stop it first, or let the others join it.");
                        return r < 0 ? r : 1;
                }
        }
        return 0;
}

static const char *absent_why(const Voice *v) {
        const Report *o = v ? known(v) : NULL;

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

static int await(Scene *s) {
        int r;

        for (size_t i = 0; i < s->plan->needed.n; i++) {
                const char *name = s->plan->needed.name[i];
                const Voice *v = voice_find(s, name);

                if (names_contain(&s->overrule->without, name) || heard(v))
                        continue;
                r = names_add(&s->plan->awaited, name);
                if (r >= 0)
                        r = plan_add(s->plan, name, "%s may hold commits that nobody else has, and is not heard: %s. When it returns, the cluster starts by itself. "
                                       "If it will not: mainstayctl bootstrap --without %s, which gives up what only it has.", name, absent_why(v), name);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Live servers without a Primary component. Galera may make one again by itself
 * where all that were in the last one still run; those that were started since
 * wait at the gate. Once all are heard, the live ones stand in their way: their
 * own agents stop them, so that all positions can be compared. */
static int rule_non_primary(Scene *s) {
        Names live = {0}, starting = {0};
        _cleanup_free_ char *text = NULL;
        bool stopped = false;
        int r = 0;

        for (size_t i = 0; i < s->n && r >= 0; i++) {
                const Report *o = known(s->voice[i]);

                if (!o)
                        continue;
                if (o->mysqld == MYSQLD_NON_PRIMARY)
                        r = names_add(&live, s->voice[i]->name);
                else if (mysqld_is_live(o->mysqld))
                        r = names_add(&starting, s->voice[i]->name);
                else
                        stopped = stopped || o->wanted;
        }
        if (r < 0)
                return r;
        if (live.n + starting.n == 0)
                return 0;

        plan_settle(s->plan, ACTION_WAIT, NULL);
        text = names_text(starting.n > 0 ? &starting : &live);
        if (!text)
                return -ENOMEM;
        if (starting.n > 0) {
                r = plan_add(s->plan, starting.name[0], "mysqld is starting on %s: what comes of it is awaited.", text);
                return r < 0 ? r : 1;
        }

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];

                if (names_contain(&s->overrule->without, v->name) || known(v))
                        continue;
                r = names_add(&s->plan->awaited, v->name);
                if (r >= 0)
                        r = plan_add(s->plan, v->name, "%s is not heard (%s), and mysqld on %s has lost the Primary component. When %s returns, it comes back by itself. "
                                       "If it will not: mainstayctl bootstrap --without %s, which gives up what only it has.", v->name, absent_why(v), text, v->name, v->name);
                if (r < 0)
                        return r;
        }
        if (s->plan->awaited.n > 0 || (!stopped && s->overrule->without.n == 0)) {
                r = plan_add(s->plan, NULL, "mysqld runs on %s without a Primary component.", text);
                return r < 0 ? r : 1;
        }
        s->plan->stop = live;
        r = plan_add(s->plan, NULL, "mysqld runs on %s without a Primary component, and others wait to start. Its agent stops it, so that all positions can be compared.", text);
        return r < 0 ? r : 1;
}

static int bootstrap_reasons(Scene *s) {
        char at[POSITION_TEXT_MAX];
        int r;

        r = plan_add(s->plan, s->candidate->name, "Its data are the newest of all that must be heard (%s, from %s): it leads.",
                       position_text(&s->plan->position, at), source_to_string(s->candidate->report->source));
        for (size_t i = 0; i < s->n && r >= 0; i++) {
                const Voice *v = s->voice[i];
                const Report *o = known(v);

                if (v == s->candidate || names_contain(&s->plan->stray, v->name) || names_contain(&s->plan->diverged, v->name))
                        continue;
                if (names_contain(&s->overrule->without, v->name))
                        r = plan_add(s->plan, v->name, "It is given up by an operator: what only it has committed is lost to the cluster.");
                else if (counts(s, v))
                        r = plan_add(s->plan, v->name, "It is at seqno %" PRId64 ", %" PRId64 " behind: it joins when %s is Primary.",
                                       o->position.seqno, s->plan->position.seqno - o->position.seqno, s->candidate->name);
                else if (o)
                        r = plan_add(s->plan, v->name, "It has no position to compare, and joins when %s is Primary.", s->candidate->name);
                else
                        r = plan_add(s->plan, v->name, "It is not heard (%s), and need not be: it was not in the last Primary view, so %s has all that it can have committed.",
                                       str_or(v->why, "not tried yet"), s->candidate->name);
        }
        return r;
}

static int decide(Scene *s) {
        int r;

        r = rule_overrule(s);
        if (r == 0)
                r = rule_live(s);
        if (r == 0)
                r = rule_non_primary(s);
        if (r == 0)
                r = rule_one_cluster(s);
        if (r == 0)
                r = rule_one_history(s);
        if (r != 0)
                return r < 0 ? r : 0;

        find_candidate(s);
        if (!s->candidate)
                return no_candidate(s);

        r = rule_needed(s);
        if (r >= 0)
                r = await(s);
        if (r < 0)
                return r;
        if (s->plan->awaited.n > 0) {
                plan_settle(s->plan, ACTION_WAIT, NULL);
                return 0;
        }
        plan_settle(s->plan, ACTION_BOOTSTRAP, s->candidate->name);
        return bootstrap_reasons(s);
}

int decision_make(const Voice *voices, size_t n, const Overrule *overrule, Plan **ret) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        Scene s = { .n = n, .overrule = overrule ?: &no_overrule };
        int r;

        if (n > VOICES_MAX)
                return -E2BIG;
        r = plan_new(&plan);
        if (r < 0)
                return r;
        s.plan = plan;

        for (size_t i = 0; i < n; i++)
                s.voice[i] = &voices[i];
        qsort(s.voice, n, sizeof(s.voice[0]), by_name);
        for (size_t i = 1; i < n; i++)
                if (streq(s.voice[i - 1]->name, s.voice[i]->name))
                        return -EINVAL;

        r = decide(&s);
        if (r < 0)
                return r;
        *ret = TAKE(plan);
        return 0;
}
