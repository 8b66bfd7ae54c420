/* The decision; see decision.h. One function a rule, in the order in which
 * they are asked; the first that settles the matter ends it. */
#include "domain/decision.h"
#include "base/table.h"
#include "domain/history.h"
#include "domain/scene.h"

#include <inttypes.h>

static const char *const condition_names[] = {
        [CONDITION_UNCERTAIN] = "uncertain",
        [CONDITION_ALIVE] = "alive",
        [CONDITION_KNOWN] = "known",
};
DEFINE_STRING_TABLE(condition, Condition, condition_names)

static const Overrule no_overrule;

/* Voices */

const Voice *scene_find(const Scene *s, const char *name) {
        for (size_t i = 0; i < s->n; i++)
                if (streq(s->voice[i]->name, name))
                        return s->voice[i];
        return NULL;
}

bool scene_counts(const Scene *s, const Voice *v) {
        const Report *r = known(v);

        return r && report_has_position(r) && uuid_equal(&r->position.uuid, &s->uuid) &&
               !names_contain(&s->plan->stray, v->name) && !names_contain(&s->plan->diverged, v->name);
}

bool scene_vouched(const Scene *s, const char *name, const HistoryEntry *e) {
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = known(s->voice[i]);

                if (!o || !o->have_view || !history_has(o->history, &e->id))
                        continue;
                for (size_t k = 0; k < o->n_views; k++)
                        if (o->view[k].seqno > e->position.seqno && uuid_equal(&o->view[k].uuid, &e->position.uuid) &&
                            names_contain(&o->view[k].members, name))
                                return true;
        }
        return false;
}

static int by_name(const void *a, const void *b) {
        return strcmp((*(const Voice *const *) a)->name, (*(const Voice *const *) b)->name);
}

/* Rule 1: a Primary component, or a live mysqld anywhere, is never bootstrapped over. */

/* Has it commits that those who are Primary do not know of? */
static bool parted_from_primary(const Scene *s, const Voice *v, int64_t *ret_limit) {
        const Report *o = v->report;

        for (size_t i = 0; i < s->n; i++) {
                const Report *p = known(s->voice[i]);
                const HistoryEntry *parting;
                Kinship kin;

                if (!p || p->mysqld != MYSQLD_PRIMARY)
                        continue;
                /* It goes on, and what it told of its position may be old: it counts
                 * as beyond every bootstrap that the other one was not part of. */
                kin = history_compare(o->history, &o->position, p->history, &(Position) { p->position.uuid, INT64_MAX }, ret_limit, &parting);
                /* Where both went on, it is the one that is not in service that stays out. */
                if (kin == KINSHIP_FORKED || (kin == KINSHIP_DIVERGED && !scene_vouched(s, v->name, parting)))
                        return true;
        }
        return false;
}

static int join_reasons(Scene *s, const Voice *primary) {
        const Report *p = primary->report;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = known(v);
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
                if (parted_from_primary(s, v, &limit)) {
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

static int diverge(Scene *s, const Voice *v, int64_t limit) {
        int r;

        if (names_contain(&s->plan->diverged, v->name))
                return 0;
        r = names_add(&s->plan->diverged, v->name);
        if (r < 0)
                return r;
        return plan_add(s->plan, v->name, "It has diverged: it committed up to seqno %" PRId64 ", and the cluster was bootstrapped without it from seqno %" PRId64 ". It is left out, with its data untouched.",
                        v->report->position.seqno, limit);
}

/* Is there a bootstrap, `parting` or after it, that it went past without being part of it? */
static bool is_beyond(const Scene *s, const Voice *v, const History *h, const HistoryEntry *parting) {
        for (const HistoryEntry *e = parting; e < h->entry + h->n; e++)
                if (v->report->position.seqno > e->position.seqno && uuid_equal(&e->position.uuid, &s->uuid) && !scene_vouched(s, v->name, e))
                        return true;
        return false;
}

static int rule_one_history(Scene *s) {
        int r;

        /* Forks first, of all pairs, so that who diverges does not depend on names. */
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < s->n; i++)
                        for (size_t k = 0; k < s->n; k++) {
                                const Voice *a = s->voice[i], *b = s->voice[k];
                                const HistoryEntry *parting;
                                int64_t limit;
                                Kinship kin;

                                if (i == k || !scene_counts(s, a) || !scene_counts(s, b))
                                        continue;
                                kin = history_compare(a->report->history, &a->report->position,
                                                      b->report->history, &b->report->position, &limit, &parting);
                                if (pass == 0 && kin == KINSHIP_FORKED) {
                                        /* An operator has said whose commits do not count. */
                                        if (names_contain(&s->overrule->without, a->name) || names_contain(&s->overrule->without, b->name)) {
                                                r = diverge(s, names_contain(&s->overrule->without, a->name) ? a : b, limit);
                                                if (r < 0)
                                                        return r;
                                                continue;
                                        }
                                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                                        r = plan_add(s->plan, NULL, "%s and %s were each bootstrapped without the other and both took commits after seqno %" PRId64 ": their data have parted. "
                                                       "Decide whose commits count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.",
                                                       a->name, b->name, limit);
                                        return r < 0 ? r : 1;
                                }
                                if (pass == 0 || kin != KINSHIP_DIVERGED || !is_beyond(s, a, b->report->history, parting))
                                        continue;
                                /* Where its data come from is not known: they may have been through that bootstrap. */
                                if (!a->report->settled && !names_contain(&s->overrule->without, a->name)) {
                                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                                        r = plan_add(s->plan, a->name, "It went on to seqno %" PRId64 " in a Primary component whose history its agent did not learn: whether it is ahead of %s or has diverged from it cannot be told. "
                                                       "Decide whose commits count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.",
                                                       a->report->position.seqno, b->name);
                                        return r < 0 ? r : 1;
                                }
                                r = diverge(s, a, limit);
                                if (r < 0)
                                        return r;
                        }
        return 0;
}

/* Rule 1 again, where only ports answer: whose data are of another cluster or
 * history is kept out of that component too. */
static int rule_alive(Scene *s) {
        const Voice *alive = NULL;
        int r;

        for (size_t i = s->n; i-- > 0;)
                if (s->voice[i]->condition == CONDITION_ALIVE)
                        alive = s->voice[i];
        if (!alive)
                return 0;
        r = rule_one_cluster(s);
        if (r == 0)
                r = rule_one_history(s);
        if (r != 0)
                return r;
        plan_settle(s->plan, ACTION_JOIN, alive->name);
        r = plan_add(s->plan, alive->name, "No agent answers there (%s), but its mysqld does, and a live server is never bootstrapped over: the others try to join it.",
                     str_or(alive->why, "not tried yet"));
        return r < 0 ? r : 1;
}

/* 1 where this settled the plan. */
static int rule_live(Scene *s) {
        const Voice *primary = NULL, *joining = NULL, *unknown = NULL;
        int r;

        for (size_t i = s->n; i-- > 0;) {
                const Voice *v = s->voice[i];
                const Report *o = known(v);

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
        r = rule_alive(s);
        if (r != 0)
                return r;
        if (joining) {
                plan_settle(s->plan, ACTION_WAIT, NULL);
                if (joining->report->claim == CLAIM_CONSUMED)
                        r = plan_add(s->plan, joining->name, "mysqld on %s is forming the cluster.", joining->name);
                else
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

                if (!scene_counts(s, v) || v->report->marks.n > 0 || v->report->mysqld != MYSQLD_STOPPED)
                        continue;
                if (!s->candidate || leads(v->report, s->candidate->report))
                        s->candidate = v;
        }
        if (s->candidate)
                s->plan->position = s->candidate->report->position;
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
                const Voice *v = scene_find(s, name);
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
                                       "If it will not: mainstayctl bootstrap --without %s, which gives up what only it has.", v->name, need_why(v), text, v->name, v->name);
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
                if (names_contain(&s->overrule->without, v->name) && !scene_counts(s, v))
                        r = plan_add(s->plan, v->name, "It is given up by an operator: what only it has committed is lost to the cluster.");
                else if (scene_counts(s, v))
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
        bool alone;
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

        r = need_find(s);
        if (r < 0)
                return r;
        if (s->plan->action == ACTION_REFUSE)
                return 0;
        alone = r > 0;
        r = need_await(s);
        if (r < 0)
                return r;
        if (s->plan->awaited.n > 0 || alone) {
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
