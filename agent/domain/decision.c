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

static int by_name(const void *a, const void *b) {
        return strcmp((*(const Voice *const *) a)->name, (*(const Voice *const *) b)->name);
}

const Voice *scene_find(const Scene *s, const char *name) {
        const Voice sought = { .name = name }, *key = &sought;
        const Voice *const *found = bsearch(&key, s->voice, s->n, sizeof(s->voice[0]), by_name);

        return found ? *found : NULL;
}

bool scene_counts(const Scene *s, const Voice *v) {
        const Report *r = voice_report(v);

        return r && report_has_position(r) && uuid_equal(&r->position.uuid, &s->uuid) && !names_contain(&s->plan->diverged, v->name);
}

bool scene_vouched(const Scene *s, const char *name, const HistoryEntry *e) {
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (o && history_vouches(o, name, e))
                        return true;
        }
        return false;
}

/* Rule 3: one cluster. */

static bool in_views(const Scene *s, const Uuid *uuid, const char *name) {
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                for (size_t k = 0; o && o->have_view && k < o->n_views; k++)
                        if (uuid_equal(&o->view[k].uuid, uuid) && names_contain(&o->view[k].members, name))
                                return true;
        }
        return false;
}

/* Does every node of the cluster tell who was in it? Only then "never had it as
 * a member" is more than a guess; else every node must be heard, that one too. */
static bool views_known(const Scene *s, const Uuid *uuid) {
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (o && report_has_position(o) && uuid_equal(&o->position.uuid, uuid) &&
                    !(o->have_view && uuid_equal(&o->view[0].uuid, uuid)))
                        return false;
        }
        return true;
}

int rule_one_cluster(Scene *s) {
        size_t best = 0, total = 0;
        const Report *leader = NULL;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);
                size_t same = 0;

                if (!o || !report_has_position(o) || names_contain(&s->overrule->without, s->voice[i]->name))
                        continue;
                total++;
                if (leader && uuid_equal(&o->position.uuid, &leader->position.uuid))
                        continue; /* counted already */
                for (size_t k = 0; k < s->n; k++) {
                        const Report *other = voice_report(s->voice[k]);

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
                const Report *o = voice_report(v);
                char mine[UUID_TEXT_MAX], theirs[UUID_TEXT_MAX];

                if (!o || !report_has_position(o) || uuid_equal(&o->position.uuid, &s->uuid) ||
                    names_contain(&s->overrule->without, v->name))
                        continue;
                /* A stray one is left out where most nodes are of one cluster which, by its record of views, never knew it. */
                if (best * 2 > s->n && views_known(s, &s->uuid) && !in_views(s, &s->uuid, v->name)) {
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

/* Was `a` in a view of `b`'s of which it is not known when it began? */
static bool may_have_been_with(const Voice *a, const Voice *b) {
        const Report *o = b->report;

        for (size_t k = 0; o->have_view && k < o->n_views; k++)
                if (o->view[k].seqno == SEQNO_UNDEFINED && names_contain(&o->view[k].members, a->name))
                        return true;
        return false;
}

/* Has `b` been through a bootstrap that nobody agreed to, and `a` gone on without
 * it? Which of the two the cluster is, that does not tell; nor does it where `b`
 * itself took no more: others who did may not be heard. */
static bool is_forced(const Scene *s, const Voice *a, const HistoryEntry *parting) {
        return parting->foreign && !scene_vouched(s, a->name, parting);
}

/* Did `o` commit what a view took that it was not in, and was it in no later one?
 * Then it did so in another component: who is not in a view has committed less
 * than its S. */
static bool went_on_apart(const Report *o, const ReportView *v) {
        return o->have_view && o->view[0].seqno != SEQNO_UNDEFINED && uuid_equal(&o->view[0].uuid, &v->uuid) &&
               v->seqno != SEQNO_UNDEFINED && o->view[0].seqno < v->seqno && !names_contain(&v->members, o->node) &&
               uuid_equal(&o->position.uuid, &v->uuid) && o->position.seqno >= v->seqno;
}

/* Forks that no history tells of, for nobody was there to write them down: the
 * records of views contradict each other. Views of a branch that a bootstrap
 * left behind are judged by that. */
static int rule_views_agree(Scene *s) {
        const HistoryEntry *last = scene_last_bootstrap(s);
        bool tells[VOICES_MAX];
        int r;

        for (size_t k = 0; k < s->n; k++)
                tells[k] = scene_counts(s, s->voice[k]) && s->voice[k]->report->have_view && scene_is_current(s, s->voice[k], last);
        for (size_t i = 0; i < s->n; i++)
                for (size_t k = 0; k < s->n; k++) {
                        const Voice *a = s->voice[i], *b = s->voice[k];
                        const Report *o = b->report;

                        if (i == k || !tells[k] || !scene_counts(s, a) || !scene_counts(s, b))
                                continue;
                        for (size_t v = 0; v < o->n_views; v++) {
                                if (!went_on_apart(a->report, &o->view[v]))
                                        continue;
                                if (names_contain(&s->overrule->without, a->name) || names_contain(&s->overrule->without, b->name)) {
                                        r = diverge(s, names_contain(&s->overrule->without, a->name) ? a : b, o->view[v].seqno - 1);
                                        if (r < 0)
                                                return r;
                                        break;
                                }
                                plan_settle(s->plan, ACTION_REFUSE, NULL);
                                r = plan_add(s->plan, NULL, "%s has come to seqno %" PRId64 ", and %s was in a Primary component without it from seqno %" PRId64 " on, which it was not in later either: each went on without the other, and their data have parted. "
                                               "Decide whose commits count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.",
                                               a->name, a->report->position.seqno, b->name, o->view[v].seqno);
                                return r < 0 ? r : 1;
                        }
                }
        return 0;
}

static const History *known_history(const Voice *v) {
        const Report *o = voice_report(v);

        return o ? o->history : NULL;
}

/* Of most nodes the histories are one: those with the same number are not compared with
 * each other. */
static void sort_histories(const Scene *s, size_t kind[static VOICES_MAX]) {
        for (size_t i = 0; i < s->n; i++) {
                size_t k = 0;

                while (k < i && !(kind[k] == k && history_equal(known_history(s->voice[i]), known_history(s->voice[k]))))
                        k++;
                kind[i] = k;
        }
}

int rule_one_history(Scene *s) {
        size_t kind[VOICES_MAX];
        int r;

        sort_histories(s, kind);

        /* Forks first, of all pairs, so that who diverges does not depend on names. */
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < s->n; i++)
                        for (size_t k = 0; k < s->n; k++) {
                                const Voice *a = s->voice[i], *b = s->voice[k];
                                const HistoryEntry *parting;
                                int64_t limit;
                                Kinship kin;

                                if (kind[i] == kind[k] || !scene_counts(s, a) || !scene_counts(s, b))
                                        continue;
                                kin = history_compare(a->report->history, &a->report->position,
                                                      b->report->history, &b->report->position, &limit, &parting);
                                if (pass == 0 && (kin == KINSHIP_FORKED || (kin == KINSHIP_DIVERGED && is_forced(s, a, parting)))) {
                                        /* An operator has said whose commits do not count. */
                                        if (names_contain(&s->overrule->without, a->name) || names_contain(&s->overrule->without, b->name)) {
                                                r = diverge(s, names_contain(&s->overrule->without, a->name) ? a : b, limit);
                                                if (r < 0)
                                                        return r;
                                                continue;
                                        }
                                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                                        if (kin == KINSHIP_FORKED || b->report->position.seqno > limit)
                                                r = plan_add(s->plan, NULL, "%s and %s went on without each other and both took commits after seqno %" PRId64 ": their data have parted. "
                                                               "Decide whose commits count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.",
                                                               a->name, b->name, limit);
                                        else
                                                r = plan_add(s->plan, NULL, "A bootstrap that nobody agreed to took place from seqno %" PRId64 ", as %s knows, and %s went on without it to seqno %" PRId64 ": which of the two is the cluster cannot be told. "
                                                               "Decide whose commits count, and start with: mainstayctl bootstrap --without NODE, naming whom you give up.",
                                                               limit, b->name, a->name, a->report->position.seqno);
                                        return r < 0 ? r : 1;
                                }
                                if (pass == 0 || kin != KINSHIP_DIVERGED || !is_beyond(s, a, b->report->history, parting))
                                        continue;
                                /* Where its data come from is not known: they may have been through that bootstrap. */
                                if ((!a->report->settled || may_have_been_with(a, b)) && !names_contain(&s->overrule->without, a->name)) {
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
        return rule_views_agree(s);
}

/* Rule 4: the highest position; then safe_to_bootstrap, the weight, the name. */

bool scene_leads(const Report *a, const Report *b) {
        if (a->position.seqno != b->position.seqno)
                return a->position.seqno > b->position.seqno;
        if ((a->safe_to_bootstrap == 1) != (b->safe_to_bootstrap == 1))
                return a->safe_to_bootstrap == 1;
        if (a->weight != b->weight)
                return a->weight > b->weight;
        return strcmp(a->node, b->node) < 0;
}

/* Was each that has data cut off in the middle of a schema change? Whoever joins
 * then takes a full copy, so that it makes no difference how much of the change
 * is done on which. */
static bool all_schema_cut(const Scene *s) {
        for (size_t i = 0; i < s->n; i++)
                if (scene_counts(s, s->voice[i]) && !s->voice[i]->report->schema_cut)
                        return false;
        return true;
}

static void find_candidate(Scene *s) {
        bool cut = all_schema_cut(s);

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];

                if (!scene_counts(s, v) || v->report->marks.n > 0 || (v->report->schema_cut && !cut) || v->report->mysqld != MYSQLD_STOPPED)
                        continue;
                if (!s->candidate || scene_leads(v->report, s->candidate->report))
                        s->candidate = v;
        }
        if (s->candidate)
                s->plan->position = s->candidate->report->position;
}

/* Rule 7: who was cut in the middle of a schema change does not lead, but must not
 * be left behind for that either: 1 where it is ahead of the candidate. Its seqno
 * may be that of the change already, which is undone by the server's recovery
 * (measured with MariaDB 10.11), or that of a transaction which others lack. */
static int rule_schema(Scene *s) {
        const Voice *ahead = NULL;
        int64_t seqno, more;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];

                if (scene_counts(s, v) && v->report->schema_cut && v->report->marks.n == 0 && !names_contain(&s->overrule->without, v->name) &&
                    v->report->position.seqno > s->candidate->report->position.seqno &&
                    (!ahead || scene_leads(v->report, ahead->report)))
                        ahead = v;
        }
        if (!ahead)
                return 0;
        plan_settle(s->plan, ACTION_REFUSE, NULL);
        seqno = ahead->report->position.seqno;
        more = seqno - s->candidate->report->position.seqno;
        if (more == 1)
                r = plan_add(s->plan, ahead->name, "It was cut off in the middle of a change of the schema, at seqno %" PRId64 ", one beyond %s. That one may be the change itself, which nobody was told is done, "
                               "or a transaction before it: no file tells. To go on without it: mainstayctl bootstrap --without %s, after which this node takes a full copy.",
                               seqno, s->candidate->name, ahead->name);
        else
                r = plan_add(s->plan, ahead->name, "It was cut off in the middle of a change of the schema, at seqno %" PRId64 ", and no other node has what came after %" PRId64 ". "
                               "It cannot lead, for its schema may be another than that of the others. To go on without these %" PRId64 " transactions: mainstayctl bootstrap --without %s; "
                               "this node then takes a full copy. Copy its datadir first.",
                               seqno, seqno - more, more, ahead->name);
        return r < 0 ? r : 1;
}

/* Nobody has a position. */
static int no_candidate(Scene *s) {
        bool all_blank = true;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = voice_report(v);

                if (names_contain(&s->overrule->without, v->name))
                        continue;
                if (!o || !o->blank)
                        all_blank = false;
                r = !o ? plan_add(s->plan, v->name, "It is not heard: %s.", str_or(v->why, "not tried yet"))
                  : o->marks.n > 0 ? plan_add(s->plan, v->name, "It is marked (%s) and cannot lead. %s", o->marks.name[0], str_or(report_mark_text(o), ""))
                  : o->problem ? plan_add(s->plan, v->name, "It cannot lead: %s", o->problem)
                  : o->blank ? plan_add(s->plan, v->name, "It has no data of any cluster.")
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
                const Report *o = v ? voice_report(v) : NULL;
                bool member = false;

                for (size_t k = 0; k < s->n; k++) {
                        const Report *other = voice_report(s->voice[k]);

                        for (size_t m = 0; other && other->have_view && m < other->n_views; m++)
                                member = member || names_contain(&other->view[m].members, name);
                }
                if (!v && !member) {
                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                        r = plan_add(s->plan, name, "There is no node of this name, so it cannot be given up.");
                        return r < 0 ? r : 1;
                }
                /* An agent does not say what mysqld does only where that runs past it. */
                if (v && (v->condition == CONDITION_ALIVE || (o && (mysqld_is_live(o->mysqld) || (o->mysqld == MYSQLD_UNKNOWN && !uuid_is_zero(&o->agent)))))) {
                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                        r = plan_add(s->plan, name, "Its mysqld is alive, so it cannot be given up. Stop it first, or let the others join it.");
                        return r < 0 ? r : 1;
                }
        }
        return 0;
}

/* What only a marked node has does not lead; nobody must think that it will come
 * by itself. */
static int explain_marked(Scene *s, const Voice *v) {
        const Report *o = v->report;
        int64_t more = scene_counts(s, v) ? o->position.seqno - s->plan->position.seqno : 0;
        const char *text = str_or(report_mark_text(o), "");

        if (more > 0)
                return plan_add(s->plan, v->name, "It is marked (%s) and does not lead, though its seqno is %" PRId64 ", %" PRId64 " beyond that of %s: these transactions are not in the cluster that is formed. %s",
                                o->marks.name[0], o->position.seqno, more, s->candidate->name, text);
        return plan_add(s->plan, v->name, "It is marked (%s) and does not lead. %s", o->marks.name[0], text);
}

/* Data that were in the cluster when its last view began, and are nowhere now:
 * servers that do not write each commit to the disk, or files put back from a
 * backup. Waiting would bring nothing back. */
static int explain_lost(Scene *s) {
        const HistoryEntry *last = scene_last_bootstrap(s);
        int64_t newest = SEQNO_UNDEFINED;

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (scene_counts(s, s->voice[i]) && o->have_view && uuid_equal(&o->view[0].uuid, &s->uuid) &&
                    scene_is_current(s, s->voice[i], last) && o->view[0].seqno > newest)
                        newest = o->view[0].seqno;
        }
        if (newest - 1 <= s->plan->position.seqno)
                return 0;
        return plan_add(s->plan, NULL, "The cluster had come to seqno %" PRId64 " when its last view began, and nobody who was heard has what came after %" PRId64 " any more: servers that do not write each commit to the disk at once lose the last ones in a power cut, "
                        "and data put back from a backup are older. If a copy of later data exists, put it in place before: mainstayctl policy manual holds everything back.",
                        newest - 1, s->plan->position.seqno);
}

int scene_explain(Scene *s) {
        bool in_place = s->plan->manner == MANNER_IN_PLACE;
        char at[POSITION_TEXT_MAX];
        int r;

        if (in_place)
                r = plan_add(s->plan, s->candidate->name, "Its mysqld has lost the Primary component, and nobody that must be heard has newer data (%s): it is made Primary in place, without a restart.",
                               position_text(&s->plan->position, at));
        else if (s->candidate->report->schema_cut)
                r = plan_add(s->plan, s->candidate->name, "All nodes were cut off in the middle of a change of the schema, which nobody was told is done. It has come furthest (%s): it leads, and all others take a full copy of its data. "
                               "Look whether the change has to be made again.", position_text(&s->plan->position, at));
        else
                r = plan_add(s->plan, s->candidate->name, "Its data are the newest of all that must be heard (%s, from %s): it leads.",
                               position_text(&s->plan->position, at), source_to_string(s->candidate->report->source));
        if (r >= 0)
                r = explain_lost(s);
        for (size_t i = 0; i < s->n && r >= 0; i++) {
                const Voice *v = s->voice[i];
                const Report *o = voice_report(v);

                if (v == s->candidate || names_contain(&s->plan->stray, v->name) || names_contain(&s->plan->diverged, v->name))
                        continue;
                if (names_contain(&s->overrule->without, v->name) && !scene_counts(s, v))
                        r = plan_add(s->plan, v->name, "It is given up by an operator: what only it has committed is lost to the cluster.");
                else if (in_place && o && o->mysqld == MYSQLD_NON_PRIMARY)
                        r = plan_add(s->plan, v->name, "Its mysqld is in the same component as that of %s, and becomes Primary with it.", s->candidate->name);
                else if (o && o->marks.n > 0)
                        r = explain_marked(s, v);
                else if (scene_counts(s, v) && o->schema_cut)
                        r = plan_add(s->plan, v->name, "It was cut off in the middle of a change of the schema, and has nothing that %s lacks: it joins by a full state transfer (SST) when that is Primary.", s->candidate->name);
                else if (scene_counts(s, v))
                        r = plan_add(s->plan, v->name, "It is at seqno %" PRId64 ", %" PRId64 " behind: it joins when %s is Primary, which then tells whether its cache holds what is missing (IST) or not (SST).",
                                       o->position.seqno, s->plan->position.seqno - o->position.seqno, s->candidate->name);
                else if (o && o->blank)
                        r = plan_add(s->plan, v->name, "It has no data of the cluster: it joins by a full state transfer (SST) when %s is Primary.", s->candidate->name);
                else if (o)
                        r = plan_add(s->plan, v->name, "It has no position to compare, and joins when %s is Primary.", s->candidate->name);
                else
                        r = plan_add(s->plan, v->name, "It is not heard (%s), and need not be: it was not in the last Primary view, so %s has all that it can have committed.",
                                       str_or(v->why, "not tried yet"), s->candidate->name);
        }
        return r;
}

static int resume_reasons(Scene *s) {
        const Names *members = &s->candidate->report->view[0].members;
        char at[POSITION_TEXT_MAX];
        int r = 0;

        for (size_t i = 0; i < s->n && r >= 0; i++) {
                const Voice *v = s->voice[i];

                if (names_contain(&s->plan->stray, v->name) || names_contain(&s->plan->diverged, v->name))
                        continue;
                if (names_contain(members, v->name))
                        r = plan_add(s->plan, v->name, "It stands where all members of the last Primary view stand (%s): they start together, and are in service together, with nothing to fetch.",
                                       position_text(&s->plan->position, at));
                else
                        r = plan_add(s->plan, v->name, "It was not in the last Primary view, and joins when its members are in service.");
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
                r = rule_in_place(s);
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
        r = rule_schema(s);
        if (r != 0)
                return r < 0 ? r : 0;
        plan_settle(s->plan, ACTION_BOOTSTRAP, s->candidate->name);
        r = rule_resume(s);
        if (r < 0)
                return r;
        if (r > 0) {
                s->plan->manner = MANNER_RESUME;
                /* Each of them must agree to it. */
                r = names_add_all(&s->plan->needed, &s->candidate->report->view[0].members);
                return r < 0 ? r : resume_reasons(s);
        }
        return scene_explain(s);
}

int decision_make(const Voice *voices, size_t n, const Overrule *overrule, Plan **ret) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        Scene s = { .n = n, .all = voices, .overrule = overrule ?: &no_overrule };
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
