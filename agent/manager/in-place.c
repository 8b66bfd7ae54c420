/* In place (rule 8): a survivor without quorum becomes Primary as it runs.
 *
 * The claim is agreed upon as ever (election.c). With it mainstay-primary.service
 * is started: it looks at the server, asks here for the permission, which is
 * good for one time, and tells the server. Whether that was done is not always
 * known, for the agent may die meanwhile, or the server hang; but it has no way
 * of being done later than by a server that runs. So where a permitted one has
 * not become Primary, it is stopped, and its data say what came of it. */
#include "domain/in-place.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

/* After so many failures it is restarted like any other. */
#define FAILURES_MAX 2
#define UNIT_RETRY (1 * USEC_PER_SEC)

void in_place_report(Manager *m, Report *r) {
        const Viewlog *log = &m->evidence.viewlog;
        const ServerStatus *s = &m->status;

        if (r->mysqld != MYSQLD_NON_PRIMARY)
                return;
        if (evidence_followed(&m->evidence) && log->have_last && !log->closed && !log->last_primary) {
                r->component = log->last_members;
                r->component_size = (int64_t) log->last_n_members;
        }
        if (m->place_failures >= FAILURES_MAX)
                r->in_place_problem = strdup("it was tried, and failed (journalctl -u mainstay-primary)");
        else if (m->stopping)
                r->in_place_problem = strdup("it is being stopped");
        else if (m->have_status && s->wsrep && !streq(s->cluster_status, "Primary") && r->source == SOURCE_LIVE && position_defined(&r->position))
                r->in_place = in_place_problem(s->version, s->recv_queue, s->desync_count, &r->in_place_problem) == 0;
}

/* Another server runs, or none. */
void in_place_forget(Manager *m) {
        m->place_failures = 0;
}

/* Has an operator, here or there, said that some will not return? */
static bool is_overruled(const Manager *m) {
        bool spoken = m->store->without.n > 0;

        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);

                spoken = spoken || (o && o->without.n > 0);
        }
        return spoken;
}

bool manager_may_heal(const Manager *m) {
        if (is_overruled(m))
                return false;
        if (m->report->arbitrators.n > 0)
                return true; /* it may be back in a moment, and nobody hears it */
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *o = peer_condition(m->peer[i]) == CONDITION_KNOWN ? peer_report(m->peer[i]) : NULL;

                if (!o || o->mysqld != MYSQLD_STOPPED)
                        return true;
        }
        return false;
}

bool in_place_is_time(Manager *m) {
        if (!election_leads(m, MANNER_IN_PLACE) || !manager_may_heal(m) || (m->request.call && m->request.bootstrap))
                return true;
        if (m->place_at == 0)
                m->place_at = manager_now(m) + HEAL_TIME;
        if (manager_now(m) >= m->place_at)
                return true;
        manager_wake(m, m->place_at);
        return false;
}

/* Whether the holder has it in its component, the decision says. */
bool in_place_may_grant(Manager *m, const Claim *c) {
        return c->manner == MANNER_IN_PLACE && m->report->mysqld == MYSQLD_NON_PRIMARY;
}

/* Is nobody about to tell the server any more? */
static bool is_over(const Manager *m) {
        const UnitState *u = unit_state(m->primary_unit);

        return !m->placing && u && (streq(u->active, "inactive") || streq(u->active, "failed"));
}

static bool is_permitted(const Manager *m) {
        return m->store->claim_state == CLAIM_CONSUMED && m->store->claim->manner == MANNER_IN_PLACE;
}

bool in_place_is_stuck(const Manager *m) {
        return is_permitted(m) && is_over(m) && m->report->mysqld == MYSQLD_NON_PRIMARY;
}

void in_place_settle(Manager *m, const Report *own) {
        const Claim *c = m->store->claim;

        if (own->mysqld == MYSQLD_PRIMARY) {
                election_confirm(m, own);
                return;
        }
        if (own->mysqld != MYSQLD_STOPPED || !is_over(m) || m->needs_recovery || !report_has_position(own))
                return;
        /* Every Primary view takes a seqno: who is where it was, and knows of no
         * view from there on, has led nobody. */
        if (position_equal(&own->position, &c->position) && own->have_view && own->view[0].seqno != SEQNO_UNDEFINED &&
            own->view[0].seqno <= c->position.seqno)
                election_release(m, "mysqld ended before it became Primary");
        else
                election_confirm(m, own);
}

static void placed(Unit *unit, int r, const char *job, void *userdata) {
        Manager *m = userdata;

        m->placing = false;
        if (r < 0 || !streq_null(job, "done")) {
                _cleanup_free_ char *text = log_text("mysqld could not be made Primary in place (%s): journalctl -u mainstay-primary says why.", str_or(job, strerror(-r)));

                m->place_failures++;
                log_event(LOG_WARNING, MESSAGE_IN_PLACE_FAILED, text, FIELD_REASON, str_or(job, strerror(-r)), NULL);
        }
        /* It never asked: nothing was done. What the server says may be old. */
        if (m->store->claim_state == CLAIM_GRANTED) {
                m->have_status = false;
                election_release(m, "mainstay-primary.service did not use it");
        }
        manager_touch(m);
}

void in_place_drive(Manager *m) {
        Store *s = m->store;
        int r;

        if (!election_leads(m, MANNER_IN_PLACE)) {
                m->place_at = 0;
                return;
        }
        if (s->claim_state != CLAIM_GRANTED || s->claim->manner != MANNER_IN_PLACE || m->giving_up[0] || m->placing)
                return;
        if (!position_equal(&m->report->position, &s->claim->position)) {
                election_release(m, "the data are not where they were when it was granted");
                return;
        }
        r = unit_start(m->primary_unit, "replace", placed, m);
        if (r == -ENOTCONN || r == -EBUSY) { /* systemd has yet to tell of the unit */
                manager_wake(m, manager_now(m) + UNIT_RETRY);
                return;
        }
        m->placing = true;
        if (r < 0)
                placed(m->primary_unit, r, NULL, m);
}

static int refuse(sd_bus_message *call, const char *text) {
        return sd_bus_reply_method_return(call, "bss", false, text, "");
}

int in_place_permit(Manager *m, sd_bus_message *call) {
        _cleanup_free_ char *text = NULL, *grounds = NULL;
        char at[POSITION_TEXT_MAX], id[UUID_TEXT_MAX];
        Store *s = m->store;
        int r;

        if (s->claim_state != CLAIM_GRANTED || s->claim->manner != MANNER_IN_PLACE)
                return refuse(call, "no bootstrap in place has been agreed upon; to ask for one, type: systemctl start mainstay-bootstrap");
        if (m->giving_up[0] || !election_leads(m, MANNER_IN_PLACE) || m->report->mysqld != MYSQLD_NON_PRIMARY ||
            !position_equal(&m->report->position, &s->claim->position))
                return refuse(call, "what was agreed upon is not so any more");
        /* On the disk as used before it can be used. */
        r = election_consume(m);
        if (r < 0)
                return refuse(call, "it cannot be written to the disk");
        text = log_text("mysqld is made Primary in place, at %s.", position_text(&s->claim->position, at));
        grounds = chronicle_grounds(m);
        log_event(LOG_INFO, MESSAGE_IN_PLACE_ALLOWED, text, FIELD_POSITION, at, FIELD_CLAIM, uuid_text(&s->claim->id, id), FIELD_EVIDENCE, grounds, NULL);
        manager_touch(m);
        return sd_bus_reply_method_return(call, "bss", true, "it may be made Primary, this one time", at);
}
