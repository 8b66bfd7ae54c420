/* A look at this node as it is now, for those who hand out work: its server is asked,
 * for no event tells that somebody has made it read-only. Nobody asks, and nothing is
 * done; many ask, and one look serves them all. What is seen changes nothing here: the
 * agent's own picture has its own occasions. */
#include "domain/readiness.h"
#include "manager/manager.h"

#include "config.h"

/* However many ask: the server is left alone for so long. */
#define REST (500 * USEC_PER_MSEC)

static void count_peers(const Manager *m, Readiness *r) {
        for (size_t i = 0; i < m->n_peers; i++)
                switch (peer_condition(m->peer[i])) {
                case CONDITION_KNOWN:
                        r->peers_known++;
                        break;
                case CONDITION_ALIVE:
                        r->peers_alive++;
                        break;
                default:
                        r->peers_uncertain++;
                }
}

static void draw_server(const Manager *m, Readiness *r) {
        const ServerStatus *s = &m->look.status;

        r->read_only = s->read_only;
        r->seqno = s->position.seqno;
        r->primary = streq(s->cluster_status, "Primary");
        r->wsrep_ready = s->ready;
        r->wsrep_state = s->state;
        r->desync = s->desync;
        r->cluster_size = s->cluster_size;
        r->recv_queue = s->recv_queue;
        (void) snprintf(r->reject_queries, sizeof(r->reject_queries), "%s", s->reject_queries);
        (void) snprintf(r->sst_method, sizeof(r->sst_method), "%s", s->sst_method);
}

/* This node among the others, as it is now, and they as they were heard last. */
static void draw_service(Manager *m, Readiness *r) {
        const Replication *own = r->looked > 0 && !r->problem[0] ? m->look.status.replication : NULL;
        Datasource ds;
        Primary primary;

        replica_judge_by(m, own, &ds, &primary);
        (void) snprintf(r->state, sizeof(r->state), "%s", datasource_state_to_string(ds.state));
        (void) snprintf(r->reason, sizeof(r->reason), "%s", ds.reason);
        r->read_only = own && own->read_only;
        r->role = ds.role;
        r->replicator = ds.replicator.health;
        (void) snprintf(r->replicator_text, sizeof(r->replicator_text), "%.500s", ds.replicator.text);
        r->lag = ds.role == ROLE_REPLICA ? ds.lag : -1;
        r->writable = ds.writable;
        r->verdict = primary.verdict;
        r->is_primary = names_contain(&primary.who, m->name);
        (void) snprintf(r->primary_text, sizeof(r->primary_text), "%.500s", primary.text);
}

static void draw(Manager *m, Readiness *ret) {
        Readiness r = READINESS_NONE;
        bool seen = m->main_pid != 0 && m->look.pid == m->main_pid && m->look.begun > 0;

        (void) snprintf(r.node, sizeof(r.node), "%s", m->name);
        (void) snprintf(r.version, sizeof(r.version), "%s", PACKAGE_VERSION);
        (void) snprintf(r.state, sizeof(r.state), "%s", str_or(m->state, "OFFLINE"));
        (void) snprintf(r.reason, sizeof(r.reason), "%s", str_or(m->state_reason, ""));
        r.asynchronous = m->asynchronous;
        r.offline = m->store->offline;
        r.draining = m->job && m->job->kind == JOB_DRAIN;
        r.mysqld = m->report->mysqld;
        r.donating = m->report->donating;
        r.looked = seen ? (int64_t) m->look.begun : 0;
        (void) snprintf(r.problem, sizeof(r.problem), "%s", m->look.problem);
        if (seen && !m->look.problem[0])
                draw_server(m, &r);
        if (m->asynchronous)
                draw_service(m, &r);
        count_peers(m, &r);
        r.awaited = m->plan ? (int64_t) m->plan->awaited.n : 0;
        r.marks = (int64_t) m->report->marks.n;
        r.policy = m->store->ruling.policy;
        if (m->job) {
                r.job_runs = true;
                r.job_kind = m->job->kind;
                r.job_begun = (int64_t) m->job->begun;
                r.job_bytes_done = m->job->bytes_done;
                r.job_bytes_total = m->job->bytes_total;
        }
        *ret = r;
}

static int answer(Manager *m, sd_bus_message *call) {
        _cleanup_free_ char *text = NULL;
        Readiness r;
        json_t *o;

        draw(m, &r);
        o = readiness_to_json(&r);
        text = o ? json_dumps(o, JSON_COMPACT) : NULL;
        json_decref(o);
        return text ? sd_bus_reply_method_return(call, "s", text) : -ENOMEM;
}

static void looked(Probe *p, int r, ServerStatus *status, const char *error, void *userdata) {
        Manager *m = userdata;
        Look *l = &m->look;

        server_status_done(&l->status);
        l->status = (ServerStatus) {0};
        l->problem[0] = '\0';
        l->begun = l->beginning;
        if (l->asked != l->pid)
                (void) snprintf(l->problem, sizeof(l->problem), "%s", "it has been started anew in the meantime");
        else if (r < 0)
                (void) snprintf(l->problem, sizeof(l->problem), "%s", str_or(error, strerror(-r)));
        else if (status->wsrep == m->asynchronous)
                (void) snprintf(l->problem, sizeof(l->problem), "it runs %s a node of a Galera cluster, and its configuration says otherwise", status->wsrep ? "as" : "without being");
        else {
                l->status = *status;
                status->replication = NULL;
        }
        for (size_t i = 0; i < l->n_calls; i++) {
                (void) answer(m, l->call[i]); /* who is gone hears nothing */
                l->call[i] = sd_bus_message_unref(l->call[i]);
        }
        l->n_calls = 0;
}

/* Nobody keeps the others out by waiting many times. */
static bool waits_enough(const Look *l, const sd_bus_message *call) {
        const char *sender = sd_bus_message_get_sender((sd_bus_message *) call);
        size_t n = 0;

        for (size_t i = 0; i < l->n_calls; i++)
                n += sender && streq(str_or(sd_bus_message_get_sender(l->call[i]), ""), sender);
        return n >= LOOK_CALLS_OF_ONE || l->n_calls >= LOOK_CALLS_MAX;
}

int look_begin(Manager *m, sd_bus_message *call) {
        Look *l = &m->look;
        int r;

        if (m->main_pid != l->pid)
                l->begun = 0; /* another one said that */
        l->pid = m->main_pid;
        if (m->main_pid == 0 || (l->begun > 0 && manager_now(m) < l->begun + REST))
                return answer(m, call);
        if (waits_enough(l, call))
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED, "%zu wait for the server's answer already.", l->n_calls);
        if (!probe_busy(l->probe)) {
                l->beginning = manager_now(m);
                l->asked = m->main_pid;
                r = probe_request(l->probe);
                if (r < 0)
                        return r;
        }
        l->call[l->n_calls++] = sd_bus_message_ref(call);
        return 1;
}

int look_setup(Manager *m, const char *program) {
        return probe_new(m->event, program, m->config->socket, m->config->account, looked, m, &m->look.probe);
}

void look_done(Manager *m) {
        for (size_t i = 0; i < m->look.n_calls; i++)
                (void) sd_bus_message_unref(m->look.call[i]);
        (void) probe_free(m->look.probe);
        server_status_done(&m->look.status);
}
