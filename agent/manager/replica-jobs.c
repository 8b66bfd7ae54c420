/* What the jobs of a node that replicates are made of. Before anything is
 * touched, it is judged whether the data can go on from the source at all; what
 * is doubtful ends the job there. */
#include "domain/standing.h"
#include "manager/jobs.h"
#include "sys/log.h"

#define WORK_TIME (30 * USEC_PER_SEC)
/* A server that is asked anew answers within that, or does not. */
#define ANSWER_TIME (15 * USEC_PER_SEC)
/* The source's agent asks its server every ten seconds. */
#define NEWS_TIME (12 * USEC_PER_SEC)
#define VERIFY_TIME (30 * USEC_PER_SEC)
#define VERIFY_PAUSE (1 * USEC_PER_SEC)
#define DRAIN_PAUSE (1 * USEC_PER_SEC)

/* Facts */

/* Has the server answered since this phase was begun? Negative: it will not. */
int replica_step_answers(Manager *m, char text[static 512]) {
        if (m->step.asked == 0) {
                m->step.asked = manager_now(m);
                m->probe_after = 0;
                m->probe_tries = 0;
        }
        if (m->answered > m->step.asked && m->replication && m->replication->answers)
                return 1;
        if (manager_now(m) > m->step.asked + ANSWER_TIME) {
                SAY(text, "The server of %s does not answer: %.400s.", m->name, str_or(m->server_problem, "it is not running"));
                return -EIO;
        }
        if (!probe_busy(m->probe) && m->probe_after > manager_now(m) + VERIFY_PAUSE)
                m->probe_after = manager_now(m) + VERIFY_PAUSE;
        manager_wake(m, manager_now(m) + VERIFY_PAUSE);
        return 0;
}

const Report *replica_report_of(Manager *m, const char *name) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && streq(r->node, name))
                        return r;
        }
        return NULL;
}

/* Where the source is to be reached: as this server was told before, else where
 * its agent is. */
void replica_source_address(Manager *m, const char *name, char host[static 256], char port[static 8]) {
        (void) snprintf(host, 256, "%s", name);
        (void) snprintf(port, 8, "%s", str_or(m->options.port, "3306"));
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && streq(r->node, name) && peer_host(m->peer[i]))
                        (void) snprintf(host, 256, "%s", peer_host(m->peer[i]));
        }
        for (size_t i = 0; m->replication && i < m->replication->n_channels; i++) {
                const Channel *c = &m->replication->channel[i];
                const Report *r = replica_report_of(m, name);

                if (streq(c->host, name) || streq(c->host, host) || (r && r->replication && c->source_id > 0 && c->source_id == r->replication->server_id)) {
                        (void) snprintf(host, 256, "%s", c->host);
                        (void) snprintf(port, 8, "%" PRId64, c->port > 0 && c->port <= UINT16_MAX ? c->port : 3306);
                }
        }
}

/* Steps */

static int work(Manager *m, char text[static 512], const char *what, const char *const *words) {
        int r = jobs_work(m, WORK_TIME, words);

        if (r < 0)
                SAY(text, "%s: %.400s.", what, m->step.error);
        return r;
}

static int connect_server(Manager *m, char text[static 512]) {
        int r = replica_step_answers(m, text);

        if (r > 0)
                SAY(text, "The server of %s answers.", m->name);
        return r;
}

static int preflight(Manager *m, char text[static 512], Preflight *ret) {
        char host[256], port[8];
        int r;

        *ret = PREFLIGHT_NONE;
        if (m->replication->flavour != FLAVOUR_MARIADB || !m->replication->have_gtids)
                return 1;
        if (!m->step.position) {
                r = replication_position_text(m->replication, &m->step.position);
                if (r < 0)
                        return r;
        }
        replica_source_address(m, m->job->source, host, port);
        r = jobs_work(m, WORK_TIME, (const char *const []) { "preflight", host, port, m->step.position, NULL });
        if (r == 0)
                return 0;
        if (r < 0) {
                *ret = PREFLIGHT_FAILED;
                SAY(text, "%.400s", m->step.error);
                return 1;
        }
        if (json_is_false(json_object_get(m->step.answer, "asked")))
                return 1;
        *ret = preflight_read((unsigned) json_integer_value(json_object_get(m->step.answer, "errno")), str_or(json_string_value(json_object_get(m->step.answer, "error")), ""));
        return 1;
}

static int judge_now(Manager *m, Preflight asked, Judgement *ret) {
        StandingPeer peers[PEERS_MAX];
        StandingCase c = { .replica_name = m->name, .source_name = m->job->source, .replica = m->replication, .peer = peers, .preflight = asked };
        const Report *source = replica_report_of(m, m->job->source);

        c.source = source ? source->replication : NULL;
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && !streq(r->node, m->job->source))
                        peers[c.n_peers++] = (StandingPeer) { .name = r->node, .replication = r->replication };
        }
        return standing_judge(&c, ret);
}

/* The replica's facts are read first, then the source is asked for that very
 * position, then what the source says is waited for: what it has committed in
 * between would otherwise seem to be lacking there. */
static int judge(Manager *m, char text[static 512]) {
        _cleanup_judgement_ Judgement j = {0};
        Preflight asked;
        char why[512] = "";
        int r;

        if (m->step.phase == 0) {
                r = replica_step_answers(m, text);
                if (r > 0) {
                        jobs_next_phase(m);
                        m->step.judged = manager_now(m);
                }
                if (r <= 0)
                        return r;
        }
        r = preflight(m, why, &asked);
        if (r <= 0)
                return r;
        r = judge_now(m, asked, &j);
        if (r < 0)
                return r;
        if (j.standing == STANDING_IDENTICAL || j.standing == STANDING_RECOVERABLE) {
                SAY(text, "%.500s", j.text);
                return 1;
        }
        if (manager_now(m) < m->step.judged + NEWS_TIME) {
                manager_wake(m, m->step.judged + NEWS_TIME);
                return 0;
        }
        SAY(text, "%.250s%s%.60s%s%.64s", j.text, why[0] ? " It was asked: " : "", why,
            j.standing == STANDING_PURGED     ? " A new copy of the data: mainstayctl provision "
            : j.standing == STANDING_DIVERGED ? " Nothing was changed. What only it has is saved, and a new copy of the data takes its place, by: mainstayctl provision "
                                              : " Nothing was changed.",
            j.standing == STANDING_PURGED || j.standing == STANDING_DIVERGED ? m->name : "");
        return -EBADMSG;
}

static int fence(Manager *m, char text[static 512]) {
        int r = work(m, text, "It cannot be made read-only", (const char *const []) { "read-only", "on", NULL });

        if (r <= 0)
                return r;
        r = replica_pin(m, true, m->store->held);
        if (r < 0) {
                SAY(text, "That it is read-only cannot be written down for its next start: %s.", strerror(-r));
                return r;
        }
        SAY(text, "Its server is read-only (read_only=ON), also after a restart.");
        return 1;
}

static int stop(Manager *m, char text[static 512]) {
        int r = work(m, text, "Its replication cannot be stopped", (const char *const []) { "stop", NULL, NULL });

        if (r > 0)
                SAY(text, "Its replication is stopped.");
        return r;
}

/* Where a person wants that: it is not started by the server itself either. */
static int hold(Manager *m, char text[static 512]) {
        int r = stop(m, text);

        if (r <= 0)
                return r;
        r = replica_pin(m, m->store->replica, true);
        if (r < 0) {
                SAY(text, "That its replication stays stopped cannot be written down for its next start: %s.", strerror(-r));
                return r;
        }
        SAY(text, "Its replication is stopped, and stays so after a restart, until: mainstayctl replicator %s online", m->name);
        return 1;
}

static int follow(Manager *m, char text[static 512]) {
        bool demote = m->replication && m->replication->n_channels == 0;
        char host[256], port[8];
        int r;

        replica_source_address(m, m->job->source, host, port);
        r = work(m, text, "It cannot be told to follow its primary", (const char *const []) { "follow", host, port, demote ? "demote" : NULL, NULL });
        if (r > 0)
                SAY(text, "%s replicates from %s now (%s:%s, by GTID).", m->name, m->job->source, host, port);
        return r;
}

int replica_step_start(Manager *m, char text[static 512]) {
        int r;

        if (m->store->held) {
                r = replica_pin(m, m->store->replica, false);
                if (r < 0)
                        return r;
        }
        r = work(m, text, "Its replication cannot be started", (const char *const []) { "start", NULL, NULL });
        if (r > 0)
                SAY(text, "Its replication is started.");
        return r;
}

/* What comes does not go with what is there. Of a copy that is only just made another one says no more. */
static bool cannot_apply(const Manager *m) {
        for (size_t i = 0; m->replication && m->job->kind != JOB_PROVISION && i < m->replication->n_channels; i++)
                if (m->replication->channel[i].applier.error != 0)
                        return true;
        return false;
}

int replica_step_verify(Manager *m, char text[static 512]) {
        Datasource own;
        int r;

        if (m->step.asked == 0 && manager_now(m) < m->step.looked + VERIFY_PAUSE) {
                manager_wake(m, m->step.looked + VERIFY_PAUSE);
                return 0;
        }
        r = replica_step_answers(m, text);
        if (r <= 0)
                return r;
        replica_judge(m, &own);
        if (own.role == ROLE_REPLICA && own.replicator.health == HEALTH_ONLINE) {
                SAY(text, "It replicates from %.128s, and both of its threads run.", own.source);
                return 1;
        }
        if (own.replicator.health == HEALTH_FAILED || manager_now(m) >= m->step.since + VERIFY_TIME) {
                SAY(text, "It does not replicate: %.300s.%s%.64s", str_or(own.replicator.text, "it is told to replicate from nobody"),
                    cannot_apply(m) ? " Where that is so time and again, its data are not those of its primary. A new copy of them: mainstayctl provision " : "", cannot_apply(m) ? m->name : "");
                return -EIO;
        }
        m->step.asked = 0; /* again, in a while */
        m->step.looked = manager_now(m);
        manager_wake(m, m->step.looked + VERIFY_PAUSE);
        return 0;
}

static int set_service(Manager *m, bool offline, char text[static 512]) {
        Shun shun = m->store->shun;
        bool before = m->store->offline;
        int r;

        m->store->shun = (Shun) {0};
        m->store->offline = offline;
        r = manager_save(m);
        if (r < 0) {
                m->store->shun = shun;
                m->store->offline = before;
                SAY(text, "It cannot be written down: %s.", strerror(-r));
                return r;
        }
        SAY(text, "%s is %s now.%s%s", m->name, offline ? "OFFLINE" : "ONLINE", offline ? " To bring it into service: mainstayctl online " : "", offline ? m->name : "");
        return 1;
}

int replica_step_release(Manager *m, char text[static 512]) {
        return set_service(m, !policies_automatic(m), text);
}

static int into_service(Manager *m, char text[static 512]) {
        return set_service(m, false, text);
}

static int out_of_service(Manager *m, char text[static 512]) {
        bool before = m->store->offline;
        int r;

        m->store->offline = true;
        r = manager_save(m);
        if (r < 0) {
                m->store->offline = before;
                SAY(text, "It cannot be written down: %s.", strerror(-r));
                return r;
        }
        SAY(text, "%s is OFFLINE now.", m->name);
        return 1;
}

static int drain(Manager *m, char text[static 512]) {
        int64_t clients;
        int r;

        if (manager_now(m) < m->step.looked + DRAIN_PAUSE && !m->worker && !m->step.answered) {
                manager_wake(m, m->step.looked + DRAIN_PAUSE);
                return 0;
        }
        r = work(m, text, "Its connections cannot be counted", (const char *const []) { "connections", NULL, NULL });
        if (r <= 0)
                return r;
        clients = json_integer_value(json_object_get(m->step.answer, "clients"));
        jobs_worker_forget(m);
        m->step.looked = manager_now(m);
        if (clients == 0) {
                SAY(text, "Nobody is connected to %s any more.", m->name);
                return 1;
        }
        if (m->job->state == JOB_CANCELLING) {
                SAY(text, "It was cancelled, with %" PRId64 " client%s connected to %s still.", clients, clients == 1 ? "" : "s", m->name);
                return -ECANCELED;
        }
        manager_wake(m, m->step.looked + DRAIN_PAUSE);
        return 0;
}

static const Step recover_steps[] = {
        { "connect", connect_server, NULL }, { "judge", judge, NULL }, { "fence", fence, NULL }, { "stop", stop, NULL }, { "follow", follow, NULL },
        { "start", replica_step_start, NULL }, { "verify", replica_step_verify, NULL }, { "release", replica_step_release, NULL }, {0},
};
static const Step online_steps[] = { { "fence", fence, NULL }, { "start", replica_step_start, NULL }, { "verify", replica_step_verify, NULL }, { "release", into_service, NULL }, {0} };
static const Step drain_steps[] = { { "offline", out_of_service, NULL }, { "drain", drain, NULL }, {0} };
static const Step hold_steps[] = { { "stop", hold, NULL }, {0} };
static const Step resume_steps[] = { { "start", replica_step_start, NULL }, { "verify", replica_step_verify, NULL }, {0} };
static const Step replica_steps[] = { { "judge", judge, NULL }, { "fence", fence, NULL }, { "stop", stop, NULL }, { "follow", follow, NULL }, {0} };
static const Step unknown_steps[] = { {0} };

const Step *replica_job_steps(const Job *job) {
        const Step *steps = provision_job_steps(job);

        if (steps)
                return steps;
        switch (job->kind) {
        case JOB_RECOVER:
        case JOB_REPOINT:
                return recover_steps;
        case JOB_ONLINE:
                return online_steps;
        case JOB_DRAIN:
                return drain_steps;
        case JOB_REPLICATOR_OFFLINE:
                return hold_steps;
        case JOB_REPLICATOR_ONLINE:
                return resume_steps;
        case JOB_REPLICATOR_REPLICA:
                return replica_steps;
        default:
                return unknown_steps;
        }
}

void replica_job_ended(Manager *m, const Job *job) {
        m->probe_after = 0; /* what came of it is to be seen at once */
        if (job->state == JOB_DONE)
                m->mend_failures = 0;
}
