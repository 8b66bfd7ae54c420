/* The history of this node's data: what was agreed on is added by the election;
 * here is what was done without asking anyone, and what others tell. */
#include "domain/grounds.h"
#include "domain/lineage.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

static bool is_alone(const ReportView *v, const char *name) {
        return v->members.n == 1 && streq(v->members.name[0], name);
}

static bool names_within(const Names *a, const Names *b) {
        for (size_t i = 0; i < a->n; i++)
                if (!names_contain(b, a->name[i]))
                        return false;
        return true;
}

/* One of those in the view writes it down, and the others learn it from there:
 * two would give it two names. */
static bool is_first(const ReportView *v, const char *name) {
        for (size_t i = 0; i < v->members.n; i++)
                if (strcmp(v->members.name[i], name) < 0)
                        return false;
        return true;
}

/* Did none of the others come from a Primary component either? */
static bool all_after_gap(Manager *m, const Report *own, const ReportView *v) {
        Voice voices[NAMES_MAX];
        size_t n = manager_voices(m, own, voices), found = 1;

        for (size_t i = 0; i < n; i++) {
                const Report *o = voice_report(&voices[i]);

                if (!o || streq(o->node, m->name) || !names_contain(&v->members, o->node))
                        continue;
                if (!o->have_view || o->view[0].seqno != v->seqno || !o->view[0].after_gap)
                        return false;
                found++;
        }
        return found == v->members.n;
}

static ReportView view_of(Manager *m, size_t i) {
        const View *v = &m->evidence.viewlog.views[i];
        ReportView view = { .uuid = v->uuid, .seqno = m->evidence.view_seqno[i], .after_gap = v->after_gap };

        for (size_t k = 0; k < v->n_members; k++)
                if (!evidence_is_arbitrator(&m->evidence, v, k))
                        (void) names_add(&view.members, v->members[k].name);
        return view;
}

/* The first view of a start. As a joiner it finds a donor, so it is not alone. */
static bool began_alone(Manager *m, const ReportView *v, Position *ret) {
        const Viewlog *log = &m->evidence.viewlog;

        if (m->store->settled == log->section || m->store->resuming == log->section || !is_alone(v, m->name))
                return false;
        if (!log->have_position)
                *ret = (Position) { v->uuid, v->seqno == SEQNO_UNDEFINED ? v->seqno : v->seqno - 1 };
        else
                *ret = (Position) { v->uuid, uuid_equal(&log->position.uuid, &v->uuid) ? log->position.seqno : 0 };
        return log->have_position || v->seqno != SEQNO_UNDEFINED;
}

/* Was one of its members granted the bootstrap by this node? That one has it in
 * its history, or will. */
static bool was_granted(Manager *m, const ReportView *v) {
        const Store *s = m->store;

        if (s->have_grant && s->grant.manner == MANNER_IN_PLACE && names_contain(&v->members, s->grant.holder))
                return true;
        for (size_t i = 0; i < s->n_led; i++)
                if (names_contain(&v->members, s->led[i].leader))
                        return true;
        return false;
}

/* What the data had come to, at least, when the view `i` of this start began. */
static Position known_before(Manager *m, size_t i, const Uuid *uuid) {
        const Viewlog *log = &m->evidence.viewlog;
        Position p = { *uuid, 0 };

        if (log->have_position && uuid_equal(&log->position.uuid, uuid) && log->position.seqno > 0)
                p.seqno = log->position.seqno;
        for (size_t k = 0; k < i; k++)
                if (m->evidence.view_seqno[k] > p.seqno && uuid_equal(&log->views[k].uuid, uuid))
                        p.seqno = m->evidence.view_seqno[k];
        return p;
}

/* A later one, after a time without a Primary component. The servers find their
 * way back by themselves only where all of the last view are there again. */
static bool was_made(Manager *m, const Report *own, size_t i, const ReportView *v, Position *ret) {
        const ReportView last = view_of(m, i - 1);
        bool newest = i + 1 == m->evidence.viewlog.n_views;

        if (!v->after_gap || names_within(&last.members, &v->members) || was_granted(m, v))
                return false;
        if (!is_alone(v, m->name) && !(newest && v->seqno != SEQNO_UNDEFINED && is_first(v, m->name) && all_after_gap(m, own, v)))
                return false;
        if (v->seqno != SEQNO_UNDEFINED)
                *ret = (Position) { v->uuid, v->seqno - 1 };
        /* While the server lives, S is asked for. After that nobody can tell it; it was
         * not below what is known, and who went on from there is not let in. */
        else if (own->mysqld == MYSQLD_STOPPED)
                *ret = known_before(m, i, &v->uuid);
        else
                return false;
        return true;
}

/* Is there a view of the start under way that nobody comes to without a
 * bootstrap? `ret` is where that began. */
static bool unexplained(Manager *m, const Report *own, Position *ret) {
        const Viewlog *log = &m->evidence.viewlog;

        if (log->views_section != log->section)
                return false;
        for (size_t i = log->n_views; i-- > 0;) {
                const ReportView v = view_of(m, i);

                if (i > 0 ? was_made(m, own, i, &v, ret) : log->n_primary_seen == log->n_views && began_alone(m, &v, ret))
                        return true;
        }
        return false;
}

void manager_note_foreign(Manager *m, const Report *own) {
        Store *s = m->store;
        HistoryEntry e = {0};
        char at[POSITION_TEXT_MAX];
        _cleanup_free_ char *text = NULL, *grounds = NULL;
        Voice voices[NAMES_MAX];

        /* It may have come and gone while this agent did not run. */
        if ((own->mysqld != MYSQLD_PRIMARY && own->mysqld != MYSQLD_STOPPED) || !own->have_view || s->claim_state != CLAIM_NONE || !unexplained(m, own, &e.position))
                return;
        for (size_t i = 0; i < s->history.n; i++)
                if (uuid_equal(&s->history.entry[i].position.uuid, &e.position.uuid) && s->history.entry[i].position.seqno >= e.position.seqno)
                        return; /* written down already */
        if (uuid_random(&e.id) < 0)
                return;
        e.foreign = true;
        (void) snprintf(e.leader, sizeof(e.leader), "%s", m->name);
        /* It may not know all that its data have been through before, but nobody
         * else in the component can know more. */
        History before = s->history;
        uint64_t settled = s->settled;
        history_add(&s->history, &e);
        s->settled = m->evidence.viewlog.section;
        if (manager_save(m) < 0) {
                s->history = before;
                s->settled = settled;
                return;
        }
        text = log_text("mysqld here became Primary from %s by a bootstrap that Mainstay was not asked for. It is recorded: a node that went on without it will be kept out.",
                        position_text(&e.position, at));
        (void) grounds_format(voices, manager_voices(m, own, voices), NULL, &grounds);
        log_event(LOG_WARNING, MESSAGE_FOREIGN_BOOTSTRAP, text, FIELD_POSITION, at, FIELD_EVIDENCE, grounds, NULL);
        manager_touch(m);
}

/* Of a record that is whole, but proves nothing (where quorum is switched off, or
 * two members have one name): who is in the component with this node it tells. */
static const History *told_by_member(Manager *m) {
        const Viewlog *log = &m->evidence.viewlog;
        const View *now = log->n_views > 0 && log->views_section == log->section ? &log->views[log->n_views - 1] : NULL;

        for (size_t i = 0; now && evidence_followed(&m->evidence) && i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);

                if (!o || o->mysqld != MYSQLD_PRIMARY || !o->settled || !o->history || !uuid_equal(&o->position.uuid, &now->uuid))
                        continue;
                for (size_t k = 0; k < now->n_members; k++)
                        if (streq(now->members[k].name, o->node))
                                return o->history;
        }
        return NULL;
}

/* A server that tells nothing to the record has said itself who is with it. */
static int told_by_server(Manager *m, const Voice *voices, size_t n, Lineage *ret) {
        const ServerStatus *s = &m->status;
        Names members = {0};
        int r = 0;

        *ret = (Lineage) {0};
        if (evidence_followed(&m->evidence) || m->main_pid == 0 || m->n_peers == 0 || m->evidence.quorum_off || !m->have_status || s->quorum_off[0] ||
            !s->have_view || !uuid_equal(&s->view_uuid, &s->position.uuid) || s->cluster_size != (int64_t) s->n_members)
                return 0;
        for (size_t i = 0; i < s->n_members && r >= 0; i++)
                r = names_add(&members, s->member[i].name);
        return r < 0 ? r : lineage_of_all(voices, n, &members, ret);
}

bool manager_is_settled_untold(const Manager *m) {
        return m->main_pid != 0 && !evidence_followed(&m->evidence) && m->store->settled_start[0] &&
               streq(m->store->settled_start, m->evidence.unit_invocation);
}

/* Nothing is recorded of a bootstrap there, so what may come before one ends it: a time
 * without a Primary component, which is asked for too rarely to be seen each time, or most
 * of the others gone. Where there are two, one is gone whenever it is restarted. */
static void unsettle_untold(Manager *m, const Report *own) {
        size_t all = m->n_peers + 1;

        if (!manager_is_settled_untold(m))
                return;
        if (own->mysqld != MYSQLD_NON_PRIMARY && own->mysqld != MYSQLD_JOINING && !m->evidence.quorum_off &&
            !(m->have_status && (m->status.quorum_off[0] || (all > 2 && 2 * m->status.cluster_size <= (int64_t) all))))
                return;
        m->store->settled_start[0] = 0;
        (void) manager_save(m);
}

bool manager_is_settled(const Manager *m) {
        return (m->store->settled != 0 && m->store->settled == m->evidence.viewlog.section) || manager_is_settled_untold(m);
}

/* Who came along when another was made Primary in place has yet to learn of it, and
 * must not have forgotten that when its own mysqld ends before it has. */
void manager_unsettle(Manager *m, const Report *own) {
        Store *s = m->store;

        unsettle_untold(m, own);
        if (!manager_is_settled(m) || !mysqld_in_primary(own->mysqld) ||
            !(s->n_led > 0 || (s->have_grant && s->grant.manner == MANNER_IN_PLACE && !streq(s->grant.holder, m->name))))
                return;
        s->settled = 0;
        s->settled_start[0] = 0;
        if (manager_save(m) < 0)
                manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
}

/* Whose data have come through a Primary component have its history, and no
 * other, from the moment at which they are synced: until then they may yet be
 * what they were before. */
void manager_adopt_history(Manager *m) {
        const Viewlog *log = &m->evidence.viewlog;
        Voice voices[NAMES_MAX];
        Store *s = m->store;
        Lineage l;
        bool untold;
        size_t n;

        if (m->report->mysqld != MYSQLD_PRIMARY || s->claim_state != CLAIM_NONE)
                return;
        n = manager_voices(m, m->report, voices);
        /* The first voice is this node's. */
        if (lineage_of(voices, n, &voices[0], &l) < 0)
                return;
        if (!l.history && !m->report->have_view)
                l.history = told_by_member(m);
        untold = !m->report->have_view && (!l.history || manager_is_settled_untold(m));
        if (untold && told_by_server(m, voices, n, &l) < 0)
                return;
        if (!l.history)
                return;
        if ((untold ? manager_is_settled_untold(m) : s->settled == log->section) && l.history->n <= s->history.n)
                return;

        Store before = *s;
        history_copy(&s->history, l.history);
        if (untold)
                memcpy(s->settled_start, m->evidence.unit_invocation, sizeof(s->settled_start));
        else
                s->settled = log->section;
        s->n_led = 0;
        if (manager_save(m) < 0) {
                *s = before;
                return;
        }
        manager_touch(m);
}
