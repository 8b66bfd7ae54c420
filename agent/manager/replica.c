/* A node whose server replicates, and is none of Galera's. It is asked how it is
 * time and again, for no event tells when replication breaks; its report says
 * what it has, and the gate lets it start. */
#include "adapter/staging.h"
#include "manager/jobs.h"
#include "sys/file.h"
#include "sys/log.h"

#include <fcntl.h>

#define PERIOD (10 * USEC_PER_SEC)
/* A server that has just been started answers soon. */
#define PAUSE_MIN (500 * USEC_PER_MSEC)

#define STARTS "It is no node of a Galera cluster (wsrep_on is off), so nothing has to be waited for."

static bool runs(const Manager *m) {
        return m->main_pid != 0;
}

/* Not yet told by systemd to be up: it may be mending its data after a crash. One
 * that systemd will only start anew has failed. */
static bool starts(const Manager *m) {
        const UnitState *u = unit_state(m->unit);

        return streq(u->active, "activating") && !streq(u->sub, "auto-restart");
}

static int draw_replication(const Manager *m, Replication **ret) {
        int r;

        if (runs(m) && m->replication)
                return replication_copy(m->replication, ret);
        r = replication_new(ret);
        if (r >= 0 && runs(m) && !starts(m))
                (void) snprintf((*ret)->problem, sizeof((*ret)->problem), "%s", m->server_problem);
        return r;
}

static int draw_report(Manager *m, Report **ret) {
        _cleanup_(report_freep) Report *r = NULL;
        int k;

        k = report_new(&r);
        if (k < 0)
                return k;
        (void) snprintf(r->node, sizeof(r->node), "%s", m->name);
        r->mysqld = runs(m) || starts(m) ? MYSQLD_STARTING : MYSQLD_STOPPED;
        /* For a node of Galera's that hears this: here are data, and what is in
         * them no bootstrap may take for heard. */
        r->unjudged = true;
        r->agent = m->store->agent;
        r->wanted = m->store->wanted;
        r->weight = m->config->weight;
        r->ruling = m->store->ruling;
        k = service_report(m, r);
        if (k >= 0)
                k = draw_replication(m, &r->replication);
        if (k < 0)
                return k;
        *ret = TAKE(r);
        return 0;
}

int service_report(const Manager *m, Report *r) {
        const Job *job = job_store_current(m->jobs);

        r->shun = m->store->shun;
        r->offline = m->store->offline;
        return job ? job_copy(job, &r->job) : 0;
}

/* Those who ask for a plan are told that there is none. */
static int settle_plan(Manager *m) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        int r;

        if (m->plan)
                return 0;
        r = plan_new(&plan);
        if (r < 0)
                return r;
        plan_settle(plan, ACTION_WAIT, NULL);
        r = plan_add(plan, NULL, "The server of %s is no node of a Galera cluster (wsrep_on is off): there is no cluster to form or to join. Who replicates from whom: mainstayctl status", m->name);
        if (r < 0)
                return r;
        m->plan = TAKE(plan);
        return 0;
}

static void ask(Manager *m) {
        if (!runs(m) || starts(m)) {
                m->replication = replication_free(m->replication);
                m->server_problem[0] = '\0';
                m->probe_after = 0;
                m->probe_tries = 0;
                return;
        }
        if (probe_busy(m->probe))
                return;
        if (manager_now(m) >= m->probe_after) {
                usec_t pause = PAUSE_MIN << m->probe_tries;

                m->probe_after = manager_now(m) + (m->replication || pause > PERIOD ? PERIOD : pause);
                if (pause < PERIOD)
                        m->probe_tries++;
                if (probe_request(m->probe) < 0)
                        m->replication = replication_free(m->replication);
        }
        manager_wake(m, m->probe_after);
}

void replica_probed(Manager *m, ServerStatus *status, const char *error) {
        m->answered = manager_now(m);
        m->replication = replication_free(m->replication);
        if (status && status->replication)
                m->replication = TAKE(status->replication);
        else
                (void) snprintf(m->server_problem, sizeof(m->server_problem), "%.250s",
                                status ? "it runs as a node of a Galera cluster, and its configuration says that it is none" : error);
        manager_touch(m);
}

/* A bootstrap that is asked for by hand the gate refuses by itself. */
static void answer_gate(Manager *m) {
        int r;

        if (!m->gate.call || provision_keeps_down(m))
                return;
        r = local_write_start_env(m, false);
        if (r < 0) {
                log_error("start.env cannot be written (%s), so mysqld is not let start. Is the disk full, or read-only? It is tried again.", strerror(-r));
                manager_wake(m, manager_now(m) + USEC_PER_SEC);
                return;
        }
        chronicle_start(m, "start", NULL, STARTS);
        r = sd_bus_reply_method_return(m->gate.call, "sss", "join", STARTS, "");
        if (r < 0)
                log_error("The gate cannot be answered: %s", strerror(-r));
        m->passed = true;
        gatekeeper_leave(m);
}

void replica_judge(Manager *m, Datasource *ret) {
        Primary ignored;

        replica_judge_by(m, m->report->replication, ret, &ignored);
}

void replica_judge_by(Manager *m, const Replication *own, Datasource *ret, Primary *ret_primary) {
        DatasourceFacts facts[NAMES_MAX];
        Datasource ds[NAMES_MAX];
        Voice voices[NAMES_MAX];
        size_t n = manager_voices(m, m->report, voices);

        for (size_t i = 0; i < n; i++)
                facts[i] = datasource_facts(&voices[i]);
        facts[0].replication = own; /* this node's own voice is the first */
        datasources_judge(facts, n, ds, ret_primary);
        *ret = ds[0];
}

/* What the server is to begin with. mysqld's configuration includes the file. */
static int write_pins(Manager *m) {
        _cleanup_close_ int dirfd = open(m->paths.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;

        if (dirfd < 0)
                return -errno;
        if (asprintf(&text,
                     "# Written by mainstayd, and read by the server when it starts: what was made a\n"
                     "# replica stays one. It is taken back where this node becomes the primary.\n"
                     "[mysqld]\n%s%s"
                     "# Where copies of a provision lie in the datadir, they are no databases.\n"
                     "[mariadb]\nignore-db-dirs=" STAGING_NEW "\nignore-db-dirs=" STAGING_OLD "\n",
                     m->store->replica ? "loose-super-read-only=ON\nread-only=ON\n" : "", m->store->held ? "loose-skip-slave-start\nloose-skip-replica-start\n" : "") < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return file_write(dirfd, PINS_NAME, text, strlen(text), 0644);
}

/* The server looks for it from its next start on. */
void replica_start(Manager *m) {
        int r = m->asynchronous ? write_pins(m) : 0;

        if (r < 0)
                log_warning("%s/" PINS_NAME " cannot be written (%s), so the server does not learn there what this node was made. Is the disk full, or read-only?", m->paths.state, strerror(-r));
}

int replica_pin(Manager *m, bool replica, bool held) {
        bool was = m->store->replica, kept = m->store->held;
        int r;

        m->store->replica = replica;
        m->store->held = held;
        r = manager_save(m);
        if (r >= 0)
                r = write_pins(m);
        if (r < 0) {
                m->store->replica = was;
                m->store->held = kept;
        }
        return r;
}

/* A person has made this node the primary: it is not to come back read-only. */
static void unpin(Manager *m) {
        Datasource own;

        if (!m->store->replica || m->job || !m->report)
                return;
        replica_judge(m, &own);
        if (own.role == ROLE_PRIMARY && own.writable && own.replicator.health == HEALTH_ONLINE && replica_pin(m, false, false) >= 0)
                log_notice("This node takes writes and replicates from nobody: that it is read-only at its next start is taken back.");
}

void replica_evaluate(Manager *m) {
        Report *fresh = NULL;
        int r;

        policies_adopt(m);
        ask(m);
        r = settle_plan(m);
        if (r >= 0)
                r = draw_report(m, &fresh);
        if (r >= 0)
                r = manager_publish(m, fresh);
        if (r < 0) {
                log_error("The report of this node cannot be written down (%s), so the other nodes do not know its state. Is memory short? It is tried again every five seconds.", strerror(-r));
                manager_wake(m, manager_now(m) + 5 * USEC_PER_SEC);
        }
        /* Nobody's report is needed to let it start. */
        answer_gate(m);
        if (!m->report)
                return;
        unpin(m);
        operators_drive(m);
        jobs_drive(m);
        manager_tell(m);
}
