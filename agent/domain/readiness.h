/* Readiness: may this node be given work now, reads or writes? The agent draws what is
 * known of it (manager/look.c); whoever hands out the work judges that by what he is
 * content with. Each thing that can stand in the way is told apart from the others.
 *
 * As JSON it is what the method Look answers. Absent is unknown, unknown keys are
 * ignored. Pure. */
#pragma once

#include "domain/datasource.h"

#include <jansson.h>

typedef struct Readiness {
        char node[NAME_SIZE];
        char version[32];  /* the agent's */
        char state[16];    /* as the agent has it: ONLINE, OFFLINE, FAILED, SHUNNED */
        char reason[1024];
        bool asynchronous; /* its server is no node of a Galera cluster */
        bool offline;      /* somebody took it out of service, until `online` */
        bool draining;     /* and who is connected is waited for */
        Mysqld mysqld;
        int64_t looked;    /* CLOCK_MONOTONIC: when the server began to be asked for what follows; 0: it was not */
        char problem[256]; /* it gave no answer: why; "" where it did */

        bool read_only;
        int64_t seqno;       /* committed last; -1 where unknown, as of all numbers here */
        /* Of a node of Galera's. */
        bool primary;        /* it says that its component is */
        bool wsrep_ready;
        int64_t wsrep_state; /* 2 a donor or desynced, 3 joined, 4 synced */
        bool desync;         /* wsrep_desync is on */
        bool donating;       /* it serves a joiner: by its notify command, at once */
        char reject_queries[24]; /* "NONE", or what wsrep_reject_queries is set to */
        char sst_method[64];
        int64_t cluster_size, recv_queue;
        /* Of a server that replicates without. */
        DatasourceRole role;
        Health replicator;
        char replicator_text[512];
        int64_t lag; /* seconds */
        bool writable;
        PrimaryVerdict verdict;
        bool is_primary; /* the verdict names this node, alone or among several */
        char primary_text[512];

        /* Of the cluster and of the work under way, for those who watch. */
        int64_t peers_known, peers_alive, peers_uncertain;
        int64_t awaited; /* nodes without which nothing goes on */
        int64_t marks;
        Policy policy;
        bool job_runs;
        JobKind job_kind;
        int64_t job_begun; /* of the wall clock, in microseconds */
        int64_t job_bytes_done, job_bytes_total;
} Readiness;

#define READINESS_NONE (Readiness) { .seqno = -1, .wsrep_state = -1, .cluster_size = -1, .recv_queue = -1, .lag = -1, .job_bytes_done = -1, .job_bytes_total = -1 }

/* A new reference; NULL when out of memory. -EBADMSG for what is none. */
json_t *readiness_to_json(const Readiness *r);
int readiness_from_json(const json_t *j, Readiness *ret);

typedef enum Work {
        WORK_READ,
        WORK_WRITE,
        _WORK_MAX,
        _WORK_INVALID = -EINVAL,
} Work;

const char *work_to_string(Work w);

/* What stands in the way. */
typedef enum Obstacle {
        OBSTACLE_NONE,
        OBSTACLE_SHUNNED,
        OBSTACLE_DRAINING,
        OBSTACLE_OFFLINE,     /* by a person */
        OBSTACLE_STOPPED,     /* the server does not run */
        OBSTACLE_STARTING,
        OBSTACLE_JOINING,     /* it receives or applies what it missed */
        OBSTACLE_NON_PRIMARY,
        OBSTACLE_SILENT,      /* it runs, and gives no answer */
        OBSTACLE_DONOR,
        OBSTACLE_DESYNCED,
        OBSTACLE_NOT_READY,   /* wsrep_ready is off */
        OBSTACLE_REJECTING,   /* wsrep_reject_queries is set */
        OBSTACLE_READ_ONLY,
        OBSTACLE_REPLICA,     /* writes are the primary's */
        OBSTACLE_PRIMARIES,   /* several take writes */
        OBSTACLE_UNSURE,      /* who is the primary is not known */
        OBSTACLE_REPLICATION, /* stopped, or failed */
        OBSTACLE_LAG,
        OBSTACLE_FAILED,      /* says the agent, for another reason */
        OBSTACLE_AGENT,       /* it does not run: nothing is known */
        OBSTACLE_UNKNOWN,     /* it has not said in time how the node is */
        _OBSTACLE_MAX,
        _OBSTACLE_INVALID = -EINVAL,
} Obstacle;

const char *obstacle_to_string(Obstacle o); /* one word, for programs */

/* What whoever asks is content with. */
typedef struct Contentment {
        bool donor;    /* with a donor whose method of transfer does not block it */
        bool desynced;
        bool unsure;   /* with a server that takes writes, while nobody knows whether it alone does */
        int64_t max_lag; /* seconds behind its source; -1: any */
} Contentment;

#define CONTENTMENT_DEFAULT (Contentment) { .max_lag = 30 }

typedef struct Verdict {
        Obstacle obstacle; /* NONE: it may be given that work */
        char text[1280];   /* a sentence */
} Verdict;

void readiness_judge(const Readiness *r, Work work, const Contentment *with, Verdict *ret);
