/* Checks of the nodes between each other; see doctor.h. */
#include "base/number.h"
#include "domain/doctor.h"

#include <ctype.h>

#define CLOCK_MAX (5 * (int64_t) USEC_PER_SEC)
#define VOTERS_MAX (PATIENT_NODES_MAX + 32)
#define WEIGHT_MAX 255

/* What a node is called in a sentence. */
static const char *node_name(const PatientNode *n) {
        return str_or(n->name, n->label);
}

static const char *own_name(const Patient *p) {
        return str_or(p->name, "this node");
}

static int look_hosts(const Patient *p, Findings *f, const char *check) {
        int r = 0;

        if (p->n_hosts == 0)
                return 1;
        for (size_t i = 0; r >= 0 && i < p->n_hosts; i++) {
                const PatientHost *h = &p->host[i];

                if (!h->resolves)
                        r = findings_add(f, LEVEL_ERROR, check, "Who is looked for by that name is not found. A node that is not found is uncertain, never absent: the others wait for it.",
                                         "Mend /etc/hosts here, or DNS; or write the address itself.", "%s, in %s, does not resolve to an address", h->host, h->where);
                else if (h->loopback)
                        r = findings_add(f, LEVEL_ERROR, check, "That is this machine for everybody: other nodes reach themselves by it, not this one.",
                                         "Write an address by which the other nodes reach this machine. Debian puts the host's own name beside 127.0.1.1 in /etc/hosts: take it out there.",
                                         "%s, in %s, is an address of the loopback", h->host, h->where);
        }
        return r;
}

static int look_heard(const Patient *p, Findings *f, const char *check) {
        bool all = p->n_nodes > 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n_nodes; i++) {
                all = all && p->node[i].name;
                if (p->node[i].problem)
                        r = findings_add(f, LEVEL_ERROR, check,
                                         patient_asynchronous(p) ? "What is not heard is uncertain: it may be a primary, and nobody would know."
                                                                 : "What is not heard is uncertain: where that node is needed, nobody forms the cluster.",
                                         "As root, this says more: mainstayctl doctor",
                                         "%s is not heard: %s", p->node[i].label, p->node[i].problem);
        }
        return r < 0 ? r : !all;
}

static int look_names(const Patient *p, Findings *f, const char *check) {
        const char *own = patient_asynchronous(p) ? "A name of its own for each node: its host's, or name in [node] of mainstay.conf."
                                                  : "A wsrep_node_name of its own for each node, and no name in [node] of mainstay.conf.",
                   *once = patient_asynchronous(p) ? "A name of its own for each node, its host's or name in [node] of mainstay.conf; or, where both are one machine, one line for it in [peers]."
                                                   : "A wsrep_node_name of its own for each node; or, where both are one machine, one line for it in [peers].";
        bool heard = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n_nodes; i++) {
                const PatientNode *a = &p->node[i];

                if (!a->name)
                        continue;
                heard = true;
                if (a->agent && p->agent && streq(a->agent, p->agent)) {
                        r = findings_add(f, LEVEL_ERROR, check, "It counts itself as another node: a decision that needs both takes one answer for two.",
                                         "Take it out of [peers] in mainstay.conf. If it is another machine, a copy of this one's disk: give it a state of its own, with mainstayd stopped there, by moving /var/lib/mainstay/state.json away.",
                                         "%s is this node itself, under another name", a->label);
                        continue;
                }
                if (p->name && streq(a->name, p->name))
                        r = findings_add(f, LEVEL_ERROR, check, "Two nodes of one name are taken for one: what one of them says is believed of the other.",
                                         own, "%s calls itself %s, as this node does", a->label, a->name);
                for (size_t k = 0; r >= 0 && k < i; k++)
                        if (p->node[k].name && streq(p->node[k].name, a->name))
                                r = findings_add(f, LEVEL_ERROR, check, "Two nodes of one name are taken for one: what one of them says is believed of the other.",
                                                 once, "%s and %s both call themselves %s", p->node[k].label, a->label, a->name);
        }
        return r == 0 && !heard ? 1 : r;
}

/* The votes: the configured nodes, and whoever else is a member now. */
typedef struct Voters {
        size_t n;
        int64_t weight[VOTERS_MAX];
        const char *name[VOTERS_MAX];
        bool weighted; /* not all have the same */
        int64_t total;
} Voters;

static void voter_add(Voters *v, const char *name, int64_t weight) {
        if (v->n == VOTERS_MAX)
                return;
        v->name[v->n] = name;
        v->weight[v->n] = weight < 0 ? 1 : weight;
        v->weighted = v->weighted || v->weight[v->n] != v->weight[0];
        v->total += v->weight[v->n++];
}

static void voters_gather(const Patient *p, Voters *v) {
        const char *size = json_string_value(json_object_get(p->live, "wsrep_cluster_size")),
                   *options = json_string_value(json_object_get(p->live, "wsrep_provider_options")),
                   *status = json_string_value(json_object_get(p->live, "wsrep_cluster_status"));
        Options now = { .provider_options = (char *) options };
        int64_t members = 0;

        voter_add(v, own_name(p), options ? about_weight(&now) : p->options ? about_weight(p->options) : 1);
        for (size_t i = 0; i < p->n_nodes; i++)
                if (!(p->node[i].agent && p->agent && streq(p->node[i].agent, p->agent)))
                        voter_add(v, node_name(&p->node[i]), p->node[i].about ? p->node[i].about->weight : 1);
        /* An arbitrator need not stand in any address. */
        if (size && status && streq(status, "Primary") && number_parse(size, strlen(size), 0, VOTERS_MAX, &members) >= 0)
                while (members > (int64_t) v->n)
                        voter_add(v, "an arbitrator", 1);
}

/* Can they fall into two parts of equal weight? Then one of the parts. */
static bool voters_tie(const Voters *v, bool ret_part[static VOTERS_MAX]) {
        /* By whom a sum came about first; 0: not yet. */
        static unsigned char by[VOTERS_MAX * WEIGHT_MAX / 2 + 1];
        int64_t half = v->total / 2;

        if (v->n < 2 || v->total == 0 || v->total % 2 != 0 || half >= (int64_t) ELEMENTS(by))
                return false;
        memset(by, 0, sizeof(by));
        for (size_t i = 0; i < v->n; i++)
                for (int64_t s = half; v->weight[i] > 0 && s >= v->weight[i]; s--)
                        if (!by[s] && (s == v->weight[i] || by[s - v->weight[i]]))
                                by[s] = (unsigned char) (i + 1);
        if (!by[half])
                return false;
        memset(ret_part, 0, VOTERS_MAX * sizeof(*ret_part));
        for (int64_t s = half; s > 0; s -= v->weight[by[s] - 1])
                ret_part[by[s] - 1] = true;
        return true;
}

/* "db1, db2 and an arbitrator" */
static char *part_text(const Voters *v, const bool *part, bool in) {
        char *text = NULL;
        size_t size, left = 0, n = 0;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        for (size_t i = 0; i < v->n; i++)
                left += part[i] == in;
        for (size_t i = 0; i < v->n; i++)
                if (part[i] == in)
                        fprintf(f, "%s%s", n++ == 0 ? "" : n == left ? " and " : ", ", v->name[i]);
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

#define ARBITRATOR "An arbitrator, garbd, on a third machine: a vote without data. On Debian: apt install galera-arbitrator-4"

static int look_quorum(const Patient *p, Findings *f, const char *check) {
        bool part[VOTERS_MAX];
        Voters v = {};
        int r = 0;

        if (p->n_nodes == 0)
                return 1;
        voters_gather(p, &v);
        if (voters_tie(&v, part)) {
                _cleanup_free_ char *one = part_text(&v, part, true), *other = part_text(&v, part, false);

                if (!one || !other)
                        return -ENOMEM;
                r = v.weighted ? findings_add(f, LEVEL_WARNING, check, "When the network parts them so, neither half has the majority, and nobody serves until a person decides.",
                                              "Other weights (pc.weight in wsrep_provider_options), of which no half is the sum of some; or, best, an odd number of nodes and no weights.",
                                              "the weights can tie: %s against %s, %lld to %lld", one, other, (long long) (v.total / 2), (long long) (v.total / 2))
                               : findings_add(f, LEVEL_WARNING, check,
                                              v.n == 2 ? "When one of them disappears, or the link between them, neither has the majority, and nobody serves until a person decides."
                                                       : "When the network parts them into halves, neither has the majority, and nobody serves until a person decides.",
                                              ARBITRATOR, "the cluster has an even number of nodes: %zu", v.n);
        }
        for (size_t i = 0; r >= 0 && v.n > 1 && i < v.n; i++)
                if (2 * v.weight[i] > v.total)
                        r = findings_add(f, LEVEL_NOTE, check, "Without it nobody else has the majority: when it disappears, the others stop serving until a person decides.",
                                         "", "%s alone has the majority, by its pc.weight: %lld of %lld", v.name[i], (long long) v.weight[i], (long long) v.total);
        return r;
}

/* "10.11.19-MariaDB" -> "10.11"; the length of it. */
static size_t series_length(const char *version) {
        size_t n = 0, dots = 0;

        while (isdigit((unsigned char) version[n]) || (version[n] == '.' && ++dots < 2))
                n++;
        return n;
}

static int compare_servers(const Patient *p, const PatientNode *n, Findings *f, const char *check) {
        const char *own = p->server, *other = n->about->server;
        size_t a, b;

        if (!own || !other || streq(own, other))
                return 0;
        a = series_length(own);
        b = series_length(other);
        if (a == b && memcmp(own, other, a) == 0)
                return findings_add(f, LEVEL_NOTE, check, "Within one series that is meant to work.", "", "the server's version is %s here and %s on %s", own, other, node_name(n));
        if (patient_asynchronous(p))
                return findings_add(f, LEVEL_WARNING, check,
                                    "It works for the time of an upgrade, and no longer: a replica that is older than its primary may not understand what that sends.",
                                    "Finish the upgrade: the replicas first, the primary last.", "the server's version is %s here and %s on %s", own, other, node_name(n));
        return findings_add(f, LEVEL_WARNING, check,
                            "It works for the time of an upgrade, one node after another, and no longer: a state transfer from the newer to the older fails, and after a crash the older data are not read by the newer server.",
                            "Finish the upgrade. Until then, let no node fall far behind.", "the server's version is %s here and %s on %s", own, other, node_name(n));
}

static int look_versions(const Patient *p, Findings *f, const char *check) {
        static const char same[] = "Install the same version of Mainstay on all nodes. Restarting mainstayd does not disturb the server.";
        bool looked = false;
        int r = 0;

        if (p->agent_runs && p->mainstay) {
                looked = true;
                if (!streq(p->agent_runs, p->mainstay))
                        r = findings_add(f, LEVEL_WARNING, check, "The old one goes on until it is restarted.", "systemctl restart mainstayd",
                                         "Mainstay %s is installed here, and the agent that runs is %s", p->mainstay, p->agent_runs);
        }
        for (size_t i = 0; r >= 0 && i < p->n_nodes; i++) {
                const PatientNode *n = &p->node[i];

                if (n->cannot_say) {
                        looked = true;
                        r = findings_add(f, LEVEL_WARNING, check, "Agents of two versions understand each other's reports, but one may know rules that the other does not.", same,
                                         "the agent of %s is older than this one: it cannot say its version", node_name(n));
                }
                if (!n->about)
                        continue;
                looked = true;
                if (r >= 0 && n->about->mainstay && p->mainstay && !streq(n->about->mainstay, p->mainstay))
                        r = findings_add(f, LEVEL_WARNING, check, "Agents of two versions understand each other's reports, but one may know rules that the other does not.", same,
                                         "Mainstay is %s here and %s on %s", p->mainstay, n->about->mainstay, node_name(n));
                if (r >= 0)
                        r = compare_servers(p, n, f, check);
        }
        return r == 0 && !looked ? 1 : r;
}

/* What must be the same on all nodes. */
static int look_alike(const Patient *p, Findings *f, const char *check) {
        const char *own = p->options ? str_or(p->options->cluster_name, NULL) : NULL;
        bool looked = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n_nodes; i++) {
                const PatientNode *n = &p->node[i];

                if (!n->about || !p->options)
                        continue;
                looked = true;
                if (!streq_null(own, str_or(n->about->cluster_name, NULL)))
                        r = findings_add(f, LEVEL_ERROR, check, "A node of another cluster's name is not let in.", "The same wsrep_cluster_name on all nodes.",
                                         "wsrep_cluster_name is %s here and %s on %s", str_or(own, "not set"), str_or(n->about->cluster_name, "not set"), node_name(n));
                if (r >= 0 && p->sst_method && n->about->sst_method && !streq(p->sst_method, n->about->sst_method))
                        r = findings_add(f, LEVEL_NOTE, check, "The joiner's counts, and the donor must have its programs.", "", "wsrep_sst_method is %s here and %s on %s", p->sst_method,
                                         n->about->sst_method, node_name(n));
        }
        return r == 0 && !looked ? 1 : r;
}

static int look_clocks(const Patient *p, Findings *f, const char *check) {
        bool looked = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n_nodes; i++) {
                const PatientNode *n = &p->node[i];
                int64_t apart = n->clock_ahead < 0 ? -n->clock_ahead : n->clock_ahead;

                if (!n->about || n->about->time == 0)
                        continue;
                looked = true;
                if (apart - (int64_t) n->clock_error > CLOCK_MAX)
                        r = findings_add(f, LEVEL_WARNING, check, "Mainstay decides nothing by clocks, but the journals of the nodes cannot be read side by side, and functions such as NOW() differ from node to node.",
                                         "timedatectl set-ntp true, on all nodes; or chrony.", "the clock of %s is %lld s %s this node's", node_name(n), (long long) (apart / (int64_t) USEC_PER_SEC),
                                         n->clock_ahead > 0 ? "ahead of" : "behind");
        }
        return r == 0 && !looked ? 1 : r;
}

const Check doctor_node_checks[] = {
        { "host-names", look_hosts, "all names of nodes resolve", false },
        { "heard", look_heard, "the other nodes are heard", false },
        { "node-names", look_names, "every node has a name of its own", false },
        { "quorum", look_quorum, "no two halves of the cluster have equal weight", true },
        { "versions", look_versions, "the versions are the same on all nodes that answer", false },
        { "alike", look_alike, "what must be the same on all nodes is", true },
        { "clocks", look_clocks, "the nodes' clocks agree", false },
        {},
};
