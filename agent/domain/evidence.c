/* Evidence, weighed; see evidence.h. */
#include "domain/evidence.h"
#include "base/reason.h"

#include <stdarg.h>

/* How long after `disconnected` a server may still write its grastate.dat: the
 * notification comes before the provider is closed. */
#define CLOSING_MAX (120 * USEC_PER_SEC)

static int _printf_(2, 3) say(char **ret, const char *format, ...) {
        va_list ap;
        char *text;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                return -ENOMEM;
        free(*ret);
        *ret = reason_trim(text);
        return 0;
}

Mysqld evidence_live_state(const Viewlog *log) {
        if (!log->have_section || log->closed || !log->have_last)
                return MYSQLD_STARTING;
        if (!log->last_primary)
                return MYSQLD_NON_PRIMARY;
        return strcasecmp(log->status, "synced") == 0 || strcasecmp(log->status, "donor") == 0 ? MYSQLD_PRIMARY : MYSQLD_JOINING;
}

bool evidence_is_newest_seqno(const Evidence *e, int64_t seqno) {
        if (seqno < 0 || e->viewlog.n_views == 0)
                return false;
        for (size_t i = 0; i + 1 < e->viewlog.n_views; i++)
                if (seqno <= e->view_seqno[i])
                        return false;
        return true;
}

static bool was_member(const Evidence *e) {
        return e->have_viewlog && e->viewlog.n_views > 0;
}

bool evidence_followed(const Evidence *e) {
        return e->have_viewlog && e->viewlog.have_section &&
               (!e->unit_invocation[0] || streq(e->unit_invocation, e->viewlog.invocation));
}

/* It names no cluster, in a datadir that is not empty. */
static bool holds_no_cluster(const Evidence *e) {
        return e->have_grastate && e->have_data && uuid_is_zero(&e->grastate.position.uuid);
}

bool evidence_evicted(const Evidence *e) {
        const Viewlog *log = &e->viewlog;

        return holds_no_cluster(e) && evidence_followed(e) && !log->torn && log->n_views > 0 &&
               log->views_section == log->section && log->was_synced && log->closed;
}

bool evidence_transfer_failed(const Evidence *e) {
        const Viewlog *log = &e->viewlog;

        /* A start that came into no Primary component, and began with zeros already, was
         * sent nothing. */
        return holds_no_cluster(e) && !mysqld_is_live(e->mysqld) && was_member(e) && log->have_section && !log->was_synced &&
               (log->views_section == log->section || log->have_position);
}

/* Did the last start end gracefully, and has nothing touched the file since?
 * Then its seqno is as good as a recovered one. */
static bool ended_gracefully(const Evidence *e) {
        return e->have_viewlog && e->viewlog.have_section && e->viewlog.closed && !e->viewlog.torn &&
               e->grastate_mtime <= e->viewlog.closed_time + CLOSING_MAX;
}

/* No data of any cluster are here. That alone does not make it a node that
 * never had any: whether it had says the record, where it can be read. */
static int weigh_nothing(const Evidence *e, Report *r, const char *was_member_text) {
        if (e->viewlog_error[0])
                return say(&r->problem, "there are no data of a cluster here, and whether there were is not known, for the record of views cannot be read (%s); "
                           "where there never were any, or they are given up, move /var/lib/mainstay/server/views aside", e->viewlog_error);
        if (was_member(e))
                return say(&r->problem, "%s", was_member_text);
        r->blank = true;
        return 0;
}

static int weigh_recovery(const Evidence *e, const Uuid *cluster, Report *r) {
        char recovered[UUID_TEXT_MAX], file[UUID_TEXT_MAX];

        if (!e->have_recovery)
                return 1;
        r->unjudged = true;
        if (!e->recovery_has_position)
                return say(&r->problem, "%s", e->recovery_text);
        if (cluster && !uuid_equal(&e->recovery_position.uuid, cluster))
                return say(&r->problem, "grastate.dat names the cluster %s, and the data are of %s: one of them was copied from elsewhere",
                           uuid_text(cluster, file), uuid_text(&e->recovery_position.uuid, recovered));
        r->unjudged = false;
        r->position = e->recovery_position;
        r->source = SOURCE_RECOVERED;
        return 0;
}

/* While a change of the schema is applied, Galera has zeros in grastate.dat on
 * the node that a client sent it to (measured with MariaDB 10.11): what it has
 * done of it, no seqno tells. After a crash in the middle of it Galera gives
 * such a node a full copy and nothing else. */
static int weigh_schema_cut(const Evidence *e, Report *r) {
        int k;

        r->schema_cut = true;
        k = weigh_recovery(e, NULL, r);
        return k != 0 || r->problem ? k
             : say(&r->problem, "it was cut off in the middle of a change of the schema, and how much of that is done, cannot be told; it does not lead, and takes a full SST");
}

static int weigh_position(const Evidence *e, Report *r) {
        if (e->datadir_missing)
                return say(&r->problem, "%s", str_or(e->grastate_error, "its datadir does not exist"));
        if (e->outside)
                return say(&r->problem, "a mysqld runs on this datadir outside of %s, and what it does is not known; stop it (look for it with: ps -C mariadbd,mysqld), or start it through the unit", e->outside);
        if (mysqld_is_live(e->mysqld)) {
                if (e->have_live) {
                        r->position = e->live;
                        r->source = SOURCE_LIVE;
                } else if (e->have_grastate) {
                        r->position = (Position) { e->grastate.position.uuid, SEQNO_UNDEFINED };
                        r->source = SOURCE_LIVE;
                }
                return 0;
        }
        if (e->sst_cut) { /* never asked for its position: it is half of one copy and half of another */
                if (e->have_grastate && e->grastate.safe_to_bootstrap != GRASTATE_SAFE_UNSAID)
                        r->safe_to_bootstrap = e->grastate.safe_to_bootstrap == GRASTATE_SAFE_YES;
                return say(&r->problem, "a state transfer (SST) was cut off, so its data are not whole; it needs a full SST");
        }
        if (e->grastate_empty && !e->have_data)
                return weigh_nothing(e, r, "it was a member of the cluster, and its grastate.dat is empty");
        r->unjudged = e->grastate_error[0];
        if (e->grastate_error[0])
                return say(&r->problem, "grastate.dat: %s", e->grastate_error);
        /* To remove it is how a person asks for a full copy. */
        if (!e->have_grastate)
                return weigh_nothing(e, r, "it was a member of the cluster, and its grastate.dat is gone");
        if (e->grastate.safe_to_bootstrap != GRASTATE_SAFE_UNSAID)
                r->safe_to_bootstrap = e->grastate.safe_to_bootstrap == GRASTATE_SAFE_YES;
        if (evidence_evicted(e))
                return say(&r->problem, "the server found its data inconsistent with those of the cluster and left it; it needs a full SST");
        /* Starts that came to nothing since then have left it as it was. */
        if (holds_no_cluster(e) && was_member(e) && e->viewlog.views_synced && !e->viewlog.views_closed && !evidence_transfer_failed(e))
                return weigh_schema_cut(e, r);
        if (uuid_is_zero(&e->grastate.position.uuid))
                return weigh_nothing(e, r, "grastate.dat holds no cluster any more: a state transfer (SST) was cut off, or the server found its data inconsistent; it needs a full SST");

        /* A recovered position is what the data say themselves: it counts wherever there is one. */
        if (e->have_recovery || e->grastate.position.seqno < 0 || !ended_gracefully(e))
                return weigh_recovery(e, &e->grastate.position.uuid, r);
        r->position = e->grastate.position;
        r->source = SOURCE_GRASTATE;
        return 0;
}

/* A gvwstate.dat names members by group identity alone. */
static bool same_members(const Gvwstate *g, const View *v) {
        if (g->n_members != v->n_members)
                return false;
        for (size_t i = 0; i < g->n_members; i++) {
                bool found = false;

                for (size_t k = 0; k < v->n_members; k++)
                        found = found || uuid_same_member(&g->members[i].uuid, &v->members[k].uuid);
                if (!found)
                        return false;
        }
        return true;
}

/* Why the record of views cannot be relied on; NULL where it can. */
static const char *distrust(const Evidence *e, const Report *r) {
        const Viewlog *log = &e->viewlog;
        const View *newest;

        if (e->quorum_off && e->quorum_was_off)
                return streq(e->quorum_off, "pc.ignore_sb")
                             ? "its last views are of a start with pc.ignore_sb in wsrep_provider_options, by which both halves of a split cluster went on"
                             : "its last views are of a start with pc.ignore_quorum in wsrep_provider_options, by which any part of a split cluster went on";
        if (e->quorum_off)
                return streq(e->quorum_off, "pc.ignore_sb")
                             ? "pc.ignore_sb in wsrep_provider_options lets both halves of a split cluster go on"
                             : "pc.ignore_quorum in wsrep_provider_options lets any part of a split cluster go on";
        if (e->outside)
                return "mysqld runs outside of its unit";
        if (e->viewlog_error[0])
                return e->viewlog_error;
        if (!e->have_viewlog || !log->have_section)
                return "it is empty";
        if (log->torn)
                return "a view could not be recorded, or its last line was cut off";
        if (mysqld_is_live(e->mysqld) && e->unit_invocation[0] && !streq(e->unit_invocation, log->invocation))
                return "mysqld was started past the gate";
        if (log->n_views == 0)
                return "it holds no Primary view";
        newest = &log->views[log->n_views - 1];

        if (!mysqld_is_live(e->mysqld)) {
                if (e->gvwstate_error[0])
                        return "gvwstate.dat cannot be read";
                if (e->have_gvwstate && !same_members(&e->gvwstate, newest))
                        return "gvwstate.dat names other members than its last view";
                /* Set aside for a start that saw no Primary view: it still speaks of the views before. */
                if (!e->have_gvwstate && e->have_aside && log->views_section != log->section && !log->views_closed &&
                    !same_members(&e->aside, newest))
                        return "the gvwstate.dat set aside names other members than its last view";
                if (log->closed && e->have_grastate && e->grastate.position.seqno < 0 && log->views_section == log->section)
                        return "mysqld ran again after its last graceful end";
        }
        if (log->have_position && report_has_position(r) && uuid_equal(&log->position.uuid, &r->position.uuid) &&
            r->position.seqno < log->position.seqno)
                return "the data are older than at the last start";
        /* Starts since then saw no Primary view, and without one nothing is committed. */
        if (!mysqld_is_live(e->mysqld) && log->views_section != log->section && report_has_position(r) &&
            !(log->have_since && uuid_equal(&log->since.uuid, &r->position.uuid) && r->position.seqno <= log->since.seqno))
                return "the data went on at a start whose views it does not hold";
        return NULL;
}

/* Arbitrators have a vote and no data. In doubt a member has data, and is
 * waited for. */
bool evidence_is_arbitrator(const Evidence *e, const View *v, size_t member) {
        return view_is_arbitrator(v, member) && !names_contain(&e->nodes, v->members[member].name);
}

static int weigh_views(const Evidence *e, Report *r) {
        const Viewlog *log = &e->viewlog;
        const char *why = distrust(e, r);
        size_t n = 0;

        if (why)
                return r->blank ? 0 : say(&r->view_problem, "%s", why);

        r->view = calloc(log->n_views, sizeof(*r->view));
        if (!r->view)
                return -ENOMEM;
        for (size_t i = 0; i < log->n_views; i++) {
                const View *v = &log->views[log->n_views - 1 - i];
                ReportView *o = &r->view[i];
                size_t arbitrators = 0;

                o->uuid = v->uuid;
                o->after_gap = v->after_gap;
                o->seqno = e->view_seqno[log->n_views - 1 - i];
                for (size_t k = 0; k < v->n_members; k++) {
                        const bool arbitrator = evidence_is_arbitrator(e, v, k);

                        arbitrators += arbitrator;
                        if ((!arbitrator || i == 0) && names_add(arbitrator ? &r->arbitrators : &o->members, v->members[k].name) < 0)
                                return say(&r->view_problem, "it names more members than Mainstay counts, or one without a name");
                }
                /* Whoever hears one of them would take it for both. */
                if (o->members.n + arbitrators != v->n_members)
                        return say(&r->view_problem, "two members of the cluster have one name: give each its own wsrep_node_name");
                n = i + 1;
                /* What was before, with this node away, others may know. */
                if (v->after_gap)
                        break;
        }
        r->n_views = n;
        r->have_view = true;
        return 0;
}

/* Could this node resume its newest view together with the others of it? Only
 * as the first start since then: at a later one the file may be what a start
 * that came to nothing has written anew. */
static bool can_resume(const Evidence *e, const Report *r) {
        const Viewlog *log = &e->viewlog;
        const View *newest;

        if (e->recovery_off || r->schema_cut || mysqld_is_live(e->mysqld) || !r->have_view || r->arbitrators.n > 0 || !e->have_gvwstate ||
            !e->gvwstate.primary || e->gvwstate.bootstrap || e->gvwstate.view_seqno < 0 || log->closed || log->views_section != log->section)
                return false;
        newest = &log->views[log->n_views - 1];
        return newest->own_index >= 0 &&
               uuid_same_member(&e->gvwstate.my_uuid, &newest->members[newest->own_index].uuid);
}

int evidence_weigh(const Evidence *e, Report *r) {
        int needs_recovery, k;

        needs_recovery = weigh_position(e, r);
        if (needs_recovery < 0)
                return needs_recovery;
        k = weigh_views(e, r);
        if (k < 0)
                return k;
        r->have_group = can_resume(e, r);
        if (r->have_group)
                r->group = (Position) { e->gvwstate.view_uuid, e->gvwstate.view_seqno };
        return needs_recovery;
}
