/* Rule 8: who may become Primary without a restart.
 *
 * A survivor that lost its majority has, where nobody is ahead of it, all that
 * a restart would only bring back. It is judged like a stopped candidate: by
 * the same rules of who must be heard, of one cluster and of one history. Those
 * rules are asked with a plan of their own here, for where they come to nothing
 * the survivor is stopped, and they are asked again. */
#include "domain/in-place.h"
#include "domain/scene.h"

#include <ctype.h>
#include <inttypes.h>

/* MariaDB of 11.2 and later refuses it at run time; of others it was not seen. */
static bool version_takes(const char *version) {
        unsigned major, minor;

        return strcasestr(version, "mariadb") && sscanf(version, "%u.%u", &major, &minor) == 2 &&
               (major == 10 || (major == 11 && minor < 2));
}

/* The view in which it lost the Primary component comes after all that it has
 * received, so a server that knows of it has no more to take up than this. Where
 * a backup or FLUSH TABLES WITH READ LOCK holds it, neither is empty (measured
 * with MariaDB 10.11: one write set is held that no queue tells of). */
int in_place_problem(const char *version, int64_t queued, int64_t desynced, char **ret_text) {
        int r;

        if (!version_takes(version))
                r = asprintf(ret_text, "of its version (%s) it is not known to take pc.bootstrap while it runs, as MariaDB before 11.2 does", *version ? version : "not said");
        else if (desynced != 0)
                r = asprintf(ret_text, "it is desynchronised, by a backup or FLUSH TABLES WITH READ LOCK, and may have more to apply");
        else if (queued != 0)
                r = asprintf(ret_text, "it has yet to apply what it received");
        else
                return 0;
        return r < 0 ? -ENOMEM : 1;
}

/* Does its server run, without a Primary component? */
static const Report *survives(const Voice *v) {
        const Report *o = voice_report(v);

        return o && o->mysqld == MYSQLD_NON_PRIMARY ? o : NULL;
}

static bool together(const Report *a, const Report *b) {
        return !uuid_is_zero(&a->component) && uuid_equal(&a->component, &b->component);
}

/* What has no agent has no data either where all nodes are heard: an arbitrator.
 * One that has outlived a bootstrap may still hold by the older component, and
 * when a survivor is made Primary beside it Galera believes the arbitrator:
 * every server then finds that it has more than the group, and leaves it with
 * its state file emptied (seen with 26.4.23, "Reversing history"). */
bool in_place_among_strangers(const Scene *s, const Report *o) {
        int64_t heard = 0;

        if (uuid_is_zero(&o->component))
                return true;
        for (size_t i = 0; i < s->n; i++) {
                const Report *other = survives(s->voice[i]);

                heard += other && together(other, o);
        }
        return heard != o->component_size;
}

/* The highest position there is, if a survivor has it that can be told to. */
static void find_survivor(Scene *s) {
        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = survives(v);

                if (o && o->in_place && o->marks.n == 0 && scene_counts(s, v) && !in_place_among_strangers(s, o) &&
                    (!s->candidate || scene_leads(o, s->candidate->report)))
                        s->candidate = v;
        }
        for (size_t i = 0; s->candidate && i < s->n; i++)
                if (scene_counts(s, s->voice[i]) && s->voice[i]->report->position.seqno > s->candidate->report->position.seqno)
                        s->candidate = NULL;
}

/* Those in its component, itself among them; 1 where others live elsewhere. Who
 * is in it comes along, so it must be fit to. */
static int find_companions(Scene *s) {
        bool apart = false;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Voice *v = s->voice[i];
                const Report *o = survives(v);

                if (!o)
                        continue;
                if (v != s->candidate && !(together(o, s->candidate->report) && scene_counts(s, v) && o->marks.n == 0)) {
                        apart = true;
                        continue;
                }
                r = names_add(&s->spared, v->name);
                if (r < 0)
                        return r;
        }
        return apart;
}

static bool needs_marked(const Scene *s) {
        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (o && o->marks.n > 0 && names_contain(&s->plan->needed, s->voice[i]->name) &&
                    !names_contain(&s->overrule->without, s->voice[i]->name))
                        return true;
        }
        return false;
}

typedef enum Trial {
        TRIAL_NOTHING, /* it is a case for a restart */
        TRIAL_APART,   /* it would be in place, if those who are not spared were stopped */
        TRIAL_SETTLED, /* in place, or somebody who must be heard is awaited */
} Trial;

/* On a scene of its own, which borrows all but the plan. */
static int try(Scene *t) {
        int apart, r;

        r = rule_one_cluster(t);
        if (r == 0)
                r = rule_one_history(t);
        if (r != 0)
                return r < 0 ? r : TRIAL_NOTHING;
        find_survivor(t);
        if (!t->candidate)
                return TRIAL_NOTHING;
        t->plan->position = t->candidate->report->position;
        apart = find_companions(t);
        if (apart < 0)
                return apart;
        r = need_find(t);
        if (r < 0)
                return r;
        if (r > 0 || needs_marked(t))
                return TRIAL_NOTHING;
        /* Who comes along goes through that bootstrap, and is to know of it. */
        r = names_add_all(&t->plan->needed, &t->spared);
        if (r < 0)
                return r;
        r = need_await(t);
        if (r < 0)
                return r;
        if (t->plan->awaited.n > 0) {
                plan_settle(t->plan, ACTION_WAIT, NULL);
                return TRIAL_SETTLED;
        }
        if (apart)
                return TRIAL_APART;
        plan_settle(t->plan, ACTION_BOOTSTRAP, t->candidate->name);
        t->plan->manner = MANNER_IN_PLACE;
        r = scene_explain(t);
        return r < 0 ? r : TRIAL_SETTLED;
}

/* `ret` has a plan of its own, to be freed. */
static int begin_trial(const Scene *s, const Overrule *overrule, Scene *ret) {
        *ret = *s;
        ret->plan = NULL;
        ret->overrule = overrule;
        return plan_new(&ret->plan);
}

/* Who waits for another node's operator does nothing by that one's word. */
static int wait_for(Scene *s, const Scene *t) {
        _cleanup_free_ char *without = names_text(&t->overrule->without);
        int r;

        if (!without)
                return -ENOMEM;
        plan_settle(s->plan, ACTION_WAIT, NULL);
        r = plan_add(s->plan, NULL, "An operator has given up %s on another node. mysqld on %s has lost the Primary component, and is to be made Primary in place.", without, t->candidate->name);
        return r < 0 ? r : 1;
}

static int take_plan(Scene *s, Plan *p) {
        Plan before = *s->plan;

        *s->plan = *p;
        *p = before;
        return 1;
}

int rule_in_place(Scene *s) {
        _cleanup_(plan_freep) Plan *own = NULL, *told = NULL;
        Overrule overrule = *s->overrule;
        bool any = false;
        Scene t, u;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const Report *o = voice_report(s->voice[i]);

                if (o && mysqld_is_live(o->mysqld) && o->mysqld != MYSQLD_NON_PRIMARY)
                        return 0; /* what comes of it is awaited */
                any = any || survives(s->voice[i]);
        }
        if (!any)
                return 0;

        r = begin_trial(s, s->overrule, &t);
        own = t.plan;
        if (r >= 0)
                r = try(&t);
        if (r < 0 || r == TRIAL_NOTHING)
                return r;
        s->spared = t.spared;
        if (r == TRIAL_APART)
                return 0;
        if (own->action == ACTION_BOOTSTRAP)
                return take_plan(s, own);

        /* Somebody is awaited. Has an operator said elsewhere that they are not? */
        r = scene_without(s, &overrule.without);
        if (r < 0)
                return r;
        if (overrule.without.n == s->overrule->without.n)
                return take_plan(s, own);
        r = begin_trial(s, &overrule, &u);
        told = u.plan;
        if (r >= 0)
                r = try(&u);
        if (r < 0)
                return r;
        if (r == TRIAL_SETTLED)
                return told->action == ACTION_BOOTSTRAP ? wait_for(s, &u) : take_plan(s, own);
        s->spared = r == TRIAL_APART ? u.spared : (Names) {0};
        return 0;
}
