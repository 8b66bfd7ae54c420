/* From what is the case on a node to what is wrong with it: the traps of a
 * configuration, each with what may come of it and how it is mended. Pure; who
 * found the facts is the operators' command.
 *
 * A trap is looked for by a check. A check that finds nothing wrong says so in
 * one finding of LEVEL_OK; one that lacks the facts says nothing.
 */
#pragma once

#include "domain/about.h"
#include "domain/options.h"

#include <jansson.h>

typedef enum Level {
        LEVEL_OK,
        LEVEL_NOTE,    /* good to know, nothing to mend */
        LEVEL_WARNING, /* it may cost something, some day */
        LEVEL_ERROR,   /* the node, or the cluster, does not come back as it should */
        _LEVEL_MAX,
        _LEVEL_INVALID = -EINVAL,
} Level;

const char *level_to_string(Level l);
Level level_from_string(const char *s);

typedef struct Finding {
        Level level;
        char *check;  /* its short name */
        char *text;   /* what is the case */
        char *harm;   /* what may come of it; may be "" */
        char *remedy; /* how to mend it; may be "", may be of several lines to be typed */
} Finding;

#define FINDINGS_MAX 256

typedef struct Findings {
        size_t n;
        Finding finding[FINDINGS_MAX];
} Findings;

/* -E2BIG when full. */
_printf_(6, 7) int findings_add(Findings *f, Level level, const char *check, const char *harm, const char *remedy, const char *format, ...);
void findings_done(Findings *f);
Level findings_worst(const Findings *f);
/* A new reference: [{level, check, text, harm, remedy}]; the last two are null
 * where there is nothing to say. */
int findings_to_json(const Findings *f, json_t **ret);

/* A name that somebody must be able to look up. */
typedef struct PatientHost {
        const char *host;
        const char *where; /* it stands: "wsrep_cluster_address" */
        bool resolves;
        bool loopback;
} PatientHost;

/* Another node, as far as it answered. */
typedef struct PatientNode {
        const char *label;      /* what it is called here */
        const char *name;       /* what it calls itself, NULL: not heard */
        const char *agent;      /* the id of its installation; may be NULL */
        const char *problem;    /* why it was not heard, where nobody else says so; may be NULL */
        const About *about;     /* NULL: it does not say */
        bool cannot_say;        /* its agent does not know the question */
        int64_t clock_ahead;    /* microseconds by which its clock is ahead of ours */
        usec_t clock_error;     /* ... and how wrong that may be */
} PatientNode;

/* A program that a state transfer wants. */
typedef struct PatientTool {
        const char *name;
        bool there;
} PatientTool;

#define PATIENT_HOSTS_MAX 128
#define PATIENT_NODES_MAX 64
#define PATIENT_TOOLS_MAX 16

/* What is the case. NULL, 0 and false: not known, unless said otherwise. All
 * of it is borrowed. */
typedef struct Patient {
        const Options *options;   /* the server's own */
        const json_t *live;       /* of the running server: an object of variables and of status, NULL: not asked */
        const char *mysqld_opts;  /* MYSQLD_OPTS in the environment of its unit */
        const char *new_cluster;  /* _WSREP_NEW_CLUSTER there */
        const char *server;       /* the version that is installed */
        const char *mainstay;     /* the version of this command */
        const char *agent_runs;   /* the version of the agent that runs */
        const char *agent;        /* the id of this installation */

        const char *name;         /* this node's, as Mainstay has it */
        const char *datadir, *base_dir; /* as Mainstay has them, never NULL */
        const char *server_datadir, *server_base_dir; /* as the server has them, where that is elsewhere */
        bool gvwstate_in_datadir, gvwstate_in_base_dir;
        bool atomic_pages;        /* the datadir's file system never tears a page */

        bool have_space;
        uint64_t space_free, space_data; /* bytes: free there, and taken by the datadir */

        bool have_start_timeout;
        usec_t start_timeout;     /* of mysqld's unit; USEC_NEVER */
        const char *unit;

        const char *sst_method;   /* see doctor_sst_method() */
        bool sst_script;          /* wsrep_sst_METHOD is there */
        bool sst_account;         /* a [sst] or [mariabackup] group of the configuration names a user */
        size_t n_tools;
        PatientTool tool[PATIENT_TOOLS_MAX];

        size_t n_hosts;
        PatientHost host[PATIENT_HOSTS_MAX];
        size_t n_nodes;           /* the others */
        PatientNode node[PATIENT_NODES_MAX];
} Patient;

/* What the server would use for a state transfer, its own default included;
 * free the result. NULL: not known. */
char *doctor_sst_method(const Options *o, const char *server);

/* The programs which this wsrep_sst_method runs, ending in NULL; of those
 * joined by '|' one is enough. NULL for a method that is not known here. */
const char *const *doctor_tools(const char *sst_method);

/* The variables and the status that `live` wants, as the server calls them;
 * ending in NULL. */
extern const char *const doctor_live[];

/* All checks. -ENOMEM, -E2BIG. */
int doctor_examine(const Patient *p, Findings *f);

/* Within: a check, and its table. `look` adds what it finds; 1 where it could
 * not look. */
typedef struct Check {
        const char *name;
        int (*look)(const Patient *p, Findings *f, const char *check);
        const char *fine;
        bool galera; /* there is nothing to look at where the server replicates without */
} Check;

/* Within: the server replicates without Galera, as its configuration has it, and
 * does not run with it now. */
bool patient_asynchronous(const Patient *p);

extern const Check doctor_server_checks[], doctor_node_checks[]; /* both end in {} */
