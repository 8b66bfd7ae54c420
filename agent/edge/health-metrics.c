/* Metrics, in the text format of Prometheus. What is not known is left out: a number
 * that is old, or stands for nothing, would be drawn as if it were one. */
#include "edge/health.h"

#include <inttypes.h>

static void family(FILE *f, const char *name, const char *type, const char *help) {
        fprintf(f, "# HELP mainstay_%s %s\n# TYPE mainstay_%s %s\n", name, help, name, type);
}

static void gauge(FILE *f, const char *name, const char *help, int64_t value) {
        if (value < 0)
                return;
        family(f, name, "gauge", help);
        fprintf(f, "mainstay_%s %" PRId64 "\n", name, value);
}

static void seconds(FILE *f, const char *name, const char *help, double value) {
        family(f, name, "gauge", help);
        fprintf(f, "mainstay_%s %.6f\n", name, value);
}

/* A label's value: of what Mainstay lets be a name, but a name is anybody's. */
static void label(FILE *f, const char *key, const char *value) {
        fprintf(f, "%s=\"", key);
        for (; *value; value++)
                if (*value == '\n')
                        fputs("\\n", f);
                else
                        fprintf(f, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
        fputc('"', f);
}

/* One series for each value that there is: 1 for the one that holds. */
static void one_of(FILE *f, const char *name, const char *key, const char *help, int is, int max, const char *(*to_string)(int value)) {
        family(f, name, "gauge", help);
        for (int i = 0; i < max; i++)
                fprintf(f, "mainstay_%s{%s=\"%s\"} %d\n", name, key, to_string(i), i == is);
}

static void node_metrics(FILE *f, Outlook *o, const Readiness *r) {
        static const char *const states[] = { "ONLINE", "OFFLINE", "FAILED", "SHUNNED", "UNKNOWN" };
        bool answered = r->looked > 0 && !r->problem[0];

        family(f, "node_info", "gauge", "What this node is; always 1.");
        fputs("mainstay_node_info{", f);
        label(f, "node", r->node);
        fputc(',', f);
        label(f, "version", r->version);
        fprintf(f, ",kind=\"%s\"} 1\n", r->asynchronous ? "replication" : "galera");
        family(f, "node_state", "gauge", "The state that the agent derives: 1 for the one that holds.");
        for (size_t i = 0; i < ELEMENTS(states); i++)
                fprintf(f, "mainstay_node_state{state=\"%s\"} %d\n", states[i], streq(r->state, states[i]));
        if (!r->asynchronous)
                one_of(f, "server_state", "state", "What the node's mysqld is doing: 1 for the one that holds.", r->mysqld, _MYSQLD_MAX, mysqld_to_string);
        gauge(f, "server_up", "Whether the server answered the agent when it was asked last.", answered);
        seconds(f, "look_age_seconds", "How old is what is told of the server.", (double) outlook_age(o) / (double) USEC_PER_SEC);
        if (answered) {
                gauge(f, "server_read_only", "Whether read_only is on.", r->read_only);
                gauge(f, "seqno", "Seqno of what the server of a Galera node committed last.", r->asynchronous ? -1 : r->seqno);
                gauge(f, "cluster_size", "Members of this node's component, as its server has it.", r->cluster_size);
                gauge(f, "receive_queue_writesets", "Write sets that are received and not yet applied.", r->recv_queue);
        }
        if (r->asynchronous) {
                one_of(f, "replication_role", "role", "What the node is in its service: 1 for what holds.", r->role, _ROLE_MAX, role_to_string);
                gauge(f, "replication_lag_seconds", "How far a replica is behind its source, as its server estimates.", r->lag);
                one_of(f, "primary_verdict", "verdict", "Who takes writes, by all evidence: 1 for what holds.", r->verdict, _PRIMARY_MAX, primary_verdict_to_string);
        }
        family(f, "peers", "gauge", "Other nodes, by what their agents' silence or answer makes of them.");
        fprintf(f, "mainstay_peers{condition=\"known\"} %" PRId64 "\nmainstay_peers{condition=\"alive\"} %" PRId64 "\nmainstay_peers{condition=\"uncertain\"} %" PRId64 "\n",
                r->peers_known, r->peers_alive, r->peers_uncertain);
        gauge(f, "awaited_nodes", "Nodes without which the cluster cannot be formed again.", r->awaited);
        gauge(f, "marks", "What is wrong with the data of this node.", r->marks);
        one_of(f, "policy", "policy", "The policy in force: 1 for the one that is.", r->policy, _POLICY_MAX, policy_to_string);
        one_of(f, "job_running", "kind", "Whether a job of that kind runs on this node.", r->job_runs ? r->job_kind : -1, _JOB_KIND_MAX, job_kind_to_string);
        if (r->job_runs) {
                seconds(f, "job_start_time_seconds", "When the job that runs began, in seconds since 1970.", (double) r->job_begun / (double) USEC_PER_SEC);
                gauge(f, "job_copied_bytes", "What the step of the job has copied so far.", r->job_bytes_done);
                gauge(f, "job_expected_bytes", "What that step has to copy in all.", r->job_bytes_total);
        }
}

static void readiness_metrics(FILE *f, Outlook *o) {
        const Contentment with = CONTENTMENT_DEFAULT;
        Verdict verdict[_WORK_MAX];

        family(f, "node_ready", "gauge", "Whether the node may be given that work.");
        for (Work w = 0; w < _WORK_MAX; w++) {
                outlook_judge(o, w, &with, &verdict[w]);
                fprintf(f, "mainstay_node_ready{work=\"%s\"} %d\n", work_to_string(w), verdict[w].obstacle == OBSTACLE_NONE);
        }
        family(f, "node_obstacle", "gauge", "What stands in the way of that work: 1 for what does.");
        for (Work w = 0; w < _WORK_MAX; w++)
                for (Obstacle k = OBSTACLE_NONE + 1; k < _OBSTACLE_MAX; k++)
                        fprintf(f, "mainstay_node_obstacle{work=\"%s\",obstacle=\"%s\"} %d\n", work_to_string(w), obstacle_to_string(k), verdict[w].obstacle == k);
}

int metrics_text(Outlook *o, char **ret) {
        const Readiness *r = outlook_readiness(o);
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return -ENOMEM;
        gauge(f, "up", "Whether the agent of this node runs, and says how the node is.", r != NULL);
        readiness_metrics(f, o);
        if (r)
                node_metrics(f, o, r);
        family(f, "health_checks_total", "counter", "Checks that were answered, by what was asked and the answer.");
        for (Work w = 0; w < _WORK_MAX; w++)
                for (int yes = 0; yes < 2; yes++)
                        fprintf(f, "mainstay_health_checks_total{work=\"%s\",ready=\"%s\"} %" PRIu64 "\n", work_to_string(w), yes ? "yes" : "no", health_checks[w][yes]);
        family(f, "health_looks_total", "counter", "How often the agent was asked for all of that.");
        fprintf(f, "mainstay_health_looks_total %" PRIu64 "\n", outlook_looks(o));
        if (fclose(f) != 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}
