/* Rule 9: all members of the last Primary view resume it together.
 *
 * A server whose gvwstate.dat lies in its place at the start makes that view
 * Primary again as soon as all of its members are there, and no sooner
 * (pc.recovery of Galera). Nobody then has anything to fetch, which a bootstrap
 * and a joiner each time after it take many seconds for. Where data differ, it
 * would be the wrong way: so nothing may be in doubt.
 */
#include "domain/history.h"
#include "domain/scene.h"

/* Does this member stand where the candidate stands, in everything? */
static bool stands_with(const Scene *s, const Voice *v, const Report *candidate) {
        const Report *o = v ? voice_report(v) : NULL;

        if (!o)
                return false;
        if (o->mysqld != MYSQLD_STOPPED) /* not reached: one that lives has settled the plan, or is given up */
                return false;
        return scene_counts(s, v) && !o->schema_cut && !o->resting && o->marks.n == 0 &&
               o->have_group && position_equal(&o->group, &candidate->group) &&
               position_equal(&o->position, &candidate->position) &&
               o->have_view && o->view[0].seqno == candidate->view[0].seqno &&
               names_equal(&o->view[0].members, &candidate->view[0].members) &&
               o->settled && o->history && history_equal(o->history, candidate->history);
}

int rule_resume(Scene *s) {
        const Report *c = s->candidate->report;
        const ReportView *v;
        int r;

        /* Who is given up cannot be part of it. */
        if (s->overrule->without.n > 0 || !c->have_view || !c->have_group)
                return 0;
        v = &c->view[0];
        /* Alone it would be a bootstrap, of which no history tells. */
        if (v->members.n < 2 || !uuid_equal(&v->uuid, &s->uuid) || v->seqno == SEQNO_UNDEFINED || c->position.seqno < v->seqno - 1)
                return 0;
        for (size_t i = 0; i < s->plan->needed.n; i++)
                if (!names_contain(&v->members, s->plan->needed.name[i]))
                        return 0;
        for (size_t i = 0; i < v->members.n; i++)
                if (!stands_with(s, scene_find(s, v->members.name[i]), c))
                        return 0;

        /* Whose mysqld nobody has asked for is not started by this; it may be that the
         * machine has only just booted. */
        for (size_t i = 0; i < v->members.n; i++)
                if (!voice_report(scene_find(s, v->members.name[i]))->wanted) {
                        r = names_add(&s->plan->tarry, v->members.name[i]);
                        if (r < 0)
                                return r;
                }
        return s->plan->tarry.n == 0;
}
