/* Rule 1: where a server lives, on any node. What it serves is joined; what it
 * does not is awaited, or stopped by its own agent; who may not join it, and
 * why, is said here. */
#include "base/reason.h"
#include "domain/history.h"
#include "domain/joining.h"
#include "domain/lineage.h"
#include "domain/scene.h"

#include <inttypes.h>

/* What a component's history says of a node that would join it. */
typedef enum Entry {
        ENTRY_FREE,
        ENTRY_PARTED, /* it has commits which those who are Primary do not know of */
        ENTRY_DOUBT,  /* whether it has cannot be told */
} Entry;

/* One that is written down, or one that was agreed upon and may have taken place
 * without being written down yet by anybody who is heard. */
static bool any_bootstrap(const Scene *s) {
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (o && ((o->history && o->history->n > 0) || o->have_grant || o->led.n > 0 || o->claim >= CLAIM_GRANTED))
                        return true;
        }
        return false;
}

/* Is there a bootstrap, `parting` or after it, that `v` went past without being
 * part of it? `ret_limit` is where that began. */
static bool went_past(const Scene *s, const Voice *v, const History *h, const HistoryEntry *parting, int64_t *ret_limit) {
        const Position *at = &v->report->position;

        for (const HistoryEntry *e = parting; e < h->entry + h->n; e++)
                if (at->seqno > e->position.seqno && uuid_equal(&e->position.uuid, &at->uuid) && !scene_vouched(s, v->name, e)) {
                        *ret_limit = e->position.seqno;
                        return true;
                }
        return false;
}

/* What those who are Primary tell, which is the same for all who would join them. */
typedef struct Told {
        bool learnt;
        const History *history[VOICES_MAX]; /* of each who is Primary; NULL where it cannot be told, */
        Lineage doubt;                      /* and this is why */
} Told;

static int learn(const Scene *s, Told *t) {
        for (size_t i = 0; i < s->n && !t->learnt; i++) {
                const Report *p = voice_report(s->voice[i]);
                Lineage l;
                int r;

                if (!p || p->mysqld != MYSQLD_PRIMARY)
                        continue;
                r = lineage_of(s->all, s->n, s->voice[i], &l);
                if (r < 0)
                        return r;
                t->history[i] = l.history;
                if (!l.history)
                        t->doubt = l;
        }
        t->learnt = true;
        return 0;
}

/* `ret_limit` for one that is parted; where there is doubt, `t` tells of it. */
static int judge_entry(const Scene *s, const Voice *v, Told *t, int64_t *ret_limit) {
        const Report *o = v->report;
        bool told = false;
        int r;

        r = learn(s, t);
        if (r < 0)
                return r;
        for (size_t i = 0; i < s->n; i++) {
                const Report *p = voice_report(s->voice[i]);
                const History *h = t->history[i];
                const HistoryEntry *parting;
                Kinship kin;

                if (!h)
                        continue;
                told = true;
                /* It goes on, and what it told of its position may be old: it counts
                 * as beyond every bootstrap that the other one was not part of. */
                kin = history_compare(o->history, &o->position, h, &(Position) { p->position.uuid, INT64_MAX }, ret_limit, &parting);
                /* Where both went on, it is the one that is not in service that stays out. */
                if (kin == KINSHIP_FORKED)
                        return ENTRY_PARTED;
                /* It went on after a bootstrap that those in service were no part of. */
                if (kin == KINSHIP_AHEAD && o->position.seqno > *ret_limit && !scene_vouched(s, p->node, parting))
                        return ENTRY_PARTED;
                if (kin == KINSHIP_DIVERGED && went_past(s, v, h, parting, ret_limit))
                        return ENTRY_PARTED;
        }
        /* Where there never was a bootstrap that agents agreed on, nothing parts. */
        return told || !any_bootstrap(s) ? ENTRY_FREE : ENTRY_DOUBT;
}

static int hold(Scene *s, const Voice *v, const char *primary, const Lineage *doubt) {
        _cleanup_free_ char *unheard = NULL;
        int r;

        r = names_add(&s->plan->held, v->name);
        if (r < 0)
                return r;
        if (doubt->forked)
                return plan_add(s->plan, v->name, "It waits: those who are Primary tell of different bootstraps, so whether its data are a part of theirs cannot be told. "
                                "To give up what only it may have, type there: mainstayctl recover, which sets its data aside and takes a full copy.");
        unheard = names_text(&doubt->unheard);
        if (!unheard)
                return -ENOMEM;
        for (size_t i = 0; i < doubt->unheard.n; i++) {
                const char *name = doubt->unheard.name[i];
                const Voice *other = scene_find(s, name);

                if (names_contain(&s->plan->awaited, name))
                        continue;
                r = names_add(&s->plan->awaited, name);
                if (r >= 0)
                        r = other && voice_report(other) ? plan_add(s->plan, name, "Its agent has yet to learn what mysqld did there. Where that was started past the gate, restart it once: systemctl restart mariadb")
                                                  : plan_add(s->plan, name, "Its agent is not heard (%s), and would tell of which bootstraps the live data come.", need_why(other));
                if (r < 0)
                        return r;
        }
        return plan_add(s->plan, v->name, "It waits: mysqld serves on %s, but the agents of %s have yet to tell of which bootstraps its data come, and until then it cannot be told whether those of %s are a part of them. "
                        "See there: systemctl status mainstayd", primary, unheard, v->name);
}

/* How it gets what it missed, and whom it lets go first. */
static int way_in(Scene *s, const Queue *q, const Voice *v, const Voice *primary) {
        _cleanup_free_ char *text = NULL;
        Forecast f;
        Turn t;
        int r;

        joining_forecast(s->all, s->n, v->report, &f);
        r = joining_text(&f, v->report, primary->name, &text);
        if (r < 0)
                return r;
        joining_turn(q, v->name, &t);
        if (!v->report->wanted)
                return plan_add(s->plan, v->name, "%s Its mysqld was stopped by a person: systemctl start mainstay-join", text);
        if (t.now || t.untold)
                return plan_add(s->plan, v->name, "%s", text);
        if (t.fading)
                return plan_add(s->plan, v->name, "%s It waits for the servers on %s to notice who is gone: they are too few then to stay Primary.", text, t.after->name);
        if (t.entering)
                return plan_add(s->plan, v->name, "%s %s enters the group first, and it follows at once: two that enter together keep each other waiting.", text, t.after->name);
        return plan_add(s->plan, v->name, "%s %s %s.", text, t.after->name, t.underway ? "is on its way in, and a donor serves one at a time: it goes next" : "goes first");
}

/* Of which cluster is it? Where its agent can neither read the datadir nor ask the
 * server, its record tells; all zeros where nothing does. */
static const Uuid *cluster_of(const Report *o) {
        return uuid_is_zero(&o->position.uuid) && o->have_view ? &o->view[0].uuid : &o->position.uuid;
}

static int join_reasons(Scene *s, const Voice *primary) {
        const Uuid cluster = *cluster_of(primary->report);
        const Voice *free_ones[VOICES_MAX];
        size_t n_free = 0;
        Told told = {0};
        Queue queue;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = voice_report(v);
                int64_t limit;

                if (!o || v == primary)
                        continue;
                if (o->marks.n > 0 && !mysqld_in_primary(o->mysqld)) {
                        /* Whether it is let in says its own agent, which set the mark. */
                        r = plan_add(s->plan, v->name, "It is marked (%s). %s", o->marks.name[0], str_or(report_mark_text(o), ""));
                        if (r < 0)
                                return r;
                        if (o->mysqld == MYSQLD_NON_PRIMARY)
                                continue;
                }
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
                if (o->unjudged && o->marks.n == 0 && o->mysqld == MYSQLD_STOPPED) {
                        r = names_add(&s->plan->held, v->name);
                        if (r >= 0)
                                r = plan_add(s->plan, v->name, "It waits, for a full copy would overwrite data that could not be judged: %.*s. Mend that, or type there: mainstayctl recover, which sets its data aside first.",
                                               reason_length(str_or(o->problem, "why is not said")), str_or(o->problem, "why is not said"));
                        if (r < 0)
                                return r;
                        continue;
                }
                if (!report_has_position(o)) {
                        free_ones[n_free++] = v;
                        continue;
                }
                if (!uuid_is_zero(&cluster) && !uuid_equal(&o->position.uuid, &cluster)) {
                        r = names_add(&s->plan->stray, v->name);
                        if (r >= 0)
                                r = plan_add(s->plan, v->name, "Its data belong to another cluster than those of %s. It is kept out, for joining would overwrite them. "
                                               "If they can go, type there: mainstayctl recover, which sets them aside and takes a full copy.", primary->name);
                        if (r < 0)
                                return r;
                        continue;
                }
                r = judge_entry(s, v, &told, &limit);
                if (r < 0)
                        return r;
                if (r == ENTRY_DOUBT) {
                        r = hold(s, v, primary->name, &told.doubt);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (r == ENTRY_PARTED) {
                        r = names_add(&s->plan->diverged, v->name);
                        if (r >= 0)
                                r = plan_add(s->plan, v->name, "It has diverged: it committed up to seqno %" PRId64 ", and the cluster was bootstrapped without it from seqno %" PRId64
                                               ". It is kept out, with its data untouched. To give up what only it has, type there: mainstayctl recover, which sets its data aside and takes a full copy.",
                                               o->position.seqno, limit);
                        if (r < 0)
                                return r;
                        continue;
                }
                free_ones[n_free++] = v;
        }
        /* Who is kept out is known by now: nobody waits for those. */
        if (n_free > 0)
                joining_queue(s->all, s->n, s->plan, &queue);
        for (size_t i = 0; i < n_free; i++) {
                r = way_in(s, &queue, free_ones[i], primary);
                if (r < 0)
                        return r;
        }
        return 0;
}
/* Rule 1 again, where only ports answer: whose data are of another cluster or
 * history is kept out of that component too. */
static int rule_alive(Scene *s) {
        const Voice *alive = NULL;
        Lineage unheard = {0};
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
        if (r >= 0)
                r = names_add(&unheard.unheard, alive->name);
        /* Of which bootstraps its data come, only its agent can tell. */
        for (size_t i = 0; i < s->n && r >= 0 && any_bootstrap(s); i++)
                if (scene_counts(s, s->voice[i]) && !mysqld_is_live(voice_report(s->voice[i])->mysqld))
                        r = hold(s, s->voice[i], alive->name, &unheard);
        return r < 0 ? r : 1;
}

/* Two Primary components of one cluster, made by force: which of them shall
 * serve is not for an agent to say. */
static int rule_split(Scene *s) {
        int r;

        for (size_t i = 0; i < s->n; i++)
                for (size_t k = i + 1; k < s->n; k++) {
                        const Report *a = voice_report(s->voice[i]), *b = voice_report(s->voice[k]);

                        if (!a || !b || !lineage_apart(a, b))
                                continue;
                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                        r = plan_add(s->plan, NULL, "%s and %s are both Primary, in two components that know nothing of each other: their data part with every commit, and Mainstay joins neither. "
                                       "Decide whose commits count, and on each node of the other component type: systemctl stop mariadb. It is then kept out, with its data untouched.",
                                       a->node, b->node);
                        return r < 0 ? r : 1;
                }
        return 0;
}

/* 1 where this settled the plan. */
int rule_live(Scene *s) {
        const Voice *primary = NULL, *joining = NULL, *unknown = NULL, *told = NULL;
        int r;

        for (size_t i = s->n; i-- > 0;) {
                const Voice *v = s->voice[i];
                const Report *o = voice_report(v);

                if (o && o->mysqld == MYSQLD_PRIMARY)
                        primary = v;
                if (o && o->mysqld == MYSQLD_JOINING)
                        joining = v;
                if (o && o->mysqld == MYSQLD_UNKNOWN && !names_contain(&s->overrule->without, v->name))
                        unknown = v;
        }

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (!o || o->mysqld != MYSQLD_PRIMARY || uuid_is_zero(cluster_of(o)))
                        continue;
                if (!told)
                        told = s->voice[i];
                if (!uuid_equal(cluster_of(o), cluster_of(told->report))) {
                        plan_settle(s->plan, ACTION_REFUSE, NULL);
                        r = plan_add(s->plan, NULL, "%s and %s are both Primary, in two different clusters. Mainstay joins neither: stop mysqld on the one that shall not serve.",
                                       told->name, s->voice[i]->name);
                        return r < 0 ? r : 1;
                }
        }

        r = rule_split(s);
        if (r != 0)
                return r;
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
                if (unknown->report->problem)
                        r = plan_add(s->plan, unknown->name, "%s may be serving a cluster, so nobody bootstraps: %.*s.",
                                     unknown->name, reason_length(unknown->report->problem), unknown->report->problem);
                else
                        r = plan_add(s->plan, unknown->name, "%s does not say whether its mysqld runs, so nobody bootstraps. If it will not: mainstayctl bootstrap --without %s, which gives up what only it has.",
                                     unknown->name, unknown->name);
                return r < 0 ? r : 1;
        }
        return 0;
}

/* An operator speaks to one node, and means all that share its lot. */
int scene_without(const Scene *s, Names *ret) {
        Names without = s->overrule->without;
        int r = 0;

        for (size_t i = 0; i < s->n && r >= 0; i++) {
                const Names *given_up = need_given_up(s, s->voice[i]);

                if (given_up)
                        r = names_add_all(&without, given_up);
        }
        if (r < 0)
                return r;
        *ret = without;
        return 0;
}

/* Live servers without a Primary component. Galera may make one again by itself
 * where all that were in the last one still run; those that were started since
 * wait at the gate. Once all are heard, the live ones stand in their way: their
 * own agents stop them, so that all positions can be compared. So they do where
 * an arbitrator keeps them from agreeing: Galera would have done so by now.
 *
 * One that was let start as a joiner, and lost the Primary component before it was
 * served, asks for a donor for ever (measured with MariaDB 11.8), tells nobody of its
 * views, and hears no SIGTERM. Ended by force it leaves a grastate.dat that names no
 * cluster, whatever its data are: so that is for a person to do. */
int rule_non_primary(Scene *s) {
        Names live = {0}, starting = {0}, stranded = {0}, without;
        _cleanup_free_ char *text = NULL, *advice = NULL;
        bool stopped = false, strangers = false, others = false;
        int r = 0;

        for (size_t i = 0; i < s->n && r >= 0; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (!o)
                        continue;
                stopped = stopped || o->asked; /* a person wants it settled */
                others = others || (!o->stranded && report_has_position(o));
                if (o->mysqld == MYSQLD_NON_PRIMARY) {
                        strangers = strangers || (!uuid_is_zero(&o->component) && in_place_among_strangers(s, o));
                        r = names_add(&live, s->voice[i]->name);
                }
                else if (o->stranded)
                        r = names_add(&stranded, s->voice[i]->name);
                else if (mysqld_is_live(o->mysqld))
                        r = names_add(&starting, s->voice[i]->name);
                else
                        stopped = stopped || o->wanted;
        }
        if (r < 0)
                return r;
        if (live.n + starting.n + stranded.n == 0)
                return 0;

        plan_settle(s->plan, ACTION_WAIT, NULL);
        text = names_text(starting.n > 0 ? &starting : stranded.n > 0 ? &stranded : &live);
        if (!text)
                return -ENOMEM;
        if (starting.n > 0) {
                r = plan_add(s->plan, starting.name[0], "mysqld is starting on %s: what comes of it is awaited.", text);
                return r < 0 ? r : 1;
        }

        r = scene_without(s, &without);
        for (size_t i = 0; i < s->n && r >= 0; i++)
                if (!voice_report(s->voice[i]) && !names_contain(&without, s->voice[i]->name))
                        r = names_add(&s->plan->awaited, s->voice[i]->name);
        if (r < 0)
                return r;
        advice = need_advice(&s->plan->awaited, "it comes back");
        if (!advice)
                return -ENOMEM;
        for (size_t i = 0; i < s->plan->awaited.n; i++) {
                const char *name = s->plan->awaited.name[i];

                r = plan_add(s->plan, name, "%s is not heard (%s), and mysqld on %s has lost the Primary component. %s", name, need_why(scene_find(s, name)), text, advice);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; s->plan->awaited.n == 0 && i < stranded.n; i++) {
                r = plan_add(s->plan, stranded.name[i], "mysqld on %s waits for a state transfer, and no node is Primary that could send one: nobody goes on meanwhile, and it does not stop when it is told to. "
                               "Where it stays so, end it there: systemctl kill --signal=KILL mariadb. It leaves a grastate.dat that names no cluster, so it takes a full copy then, and what only it has is given up%s.",
                               stranded.name[i], others ? "" : ". But no other node has data that could be sent: keep a copy of its datadir first, for it may be the last");
                if (r < 0)
                        return r;
        }
        if (s->plan->awaited.n == 0 && stranded.n > 0)
                return 1;
        if (s->plan->awaited.n > 0 || (!stopped && !strangers && without.n == 0)) {
                r = plan_add(s->plan, NULL, "mysqld runs on %s without a Primary component.", text);
                return r < 0 ? r : 1;
        }
        for (size_t i = 0; i < live.n && r >= 0; i++)
                if (!names_contain(&s->spared, live.name[i]))
                        r = names_add(&s->plan->stop, live.name[i]);
        free(text);
        text = names_text(&s->plan->stop);
        if (r < 0 || !text)
                return r < 0 ? r : -ENOMEM;
        r = plan_add(s->plan, NULL, "mysqld runs on %s without a Primary component%s. Its agent stops it, so that all positions can be compared.", text,
                     stopped ? ", and others wait to start" : "");
        for (size_t i = 0; i < live.n && r >= 0; i++) {
                const Report *o = scene_find(s, live.name[i])->report;

                if (!names_contain(&s->plan->stop, live.name[i]))
                        continue;
                if (in_place_among_strangers(s, o))
                        r = plan_add(s->plan, live.name[i], "It is not made Primary as it runs: its component has, or may have, a member for whom no agent speaks, as an arbitrator (garbd) is.");
                else if (o->in_place_problem)
                        r = plan_add(s->plan, live.name[i], "It cannot be made Primary as it runs: %.*s.", reason_length(o->in_place_problem), o->in_place_problem);
        }
        return r < 0 ? r : 1;
}
