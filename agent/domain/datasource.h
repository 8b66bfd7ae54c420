/* Datasources: what the nodes of an asynchronous service are for their users,
 * derived from their components, so that none can be ONLINE while a part of it
 * has failed; and who of them is the primary, by evidence.
 *
 * All nodes are judged together, for what one of them follows says something of
 * the other. Pure, and the same on every node that has heard the same. */
#pragma once

#include "domain/decision.h"

typedef enum Health {
        HEALTH_UNKNOWN,
        HEALTH_ONLINE,
        HEALTH_OFFLINE, /* stopped, and nothing wrong with it */
        HEALTH_FAILED,
        _HEALTH_MAX,
        _HEALTH_INVALID = -EINVAL,
} Health;

const char *health_to_string(Health h);

typedef struct Component {
        Health health;
        char text[1024]; /* why it is not ONLINE; "" where it is */
} Component;

typedef enum DatasourceRole {
        ROLE_UNKNOWN, /* not heard; or it neither replicates, nor takes writes, nor is replicated from */
        ROLE_PRIMARY,
        ROLE_REPLICA,
        _ROLE_MAX,
        _ROLE_INVALID = -EINVAL,
} DatasourceRole;

const char *role_to_string(DatasourceRole r);

typedef enum DatasourceState {
        DATASOURCE_UNKNOWN, /* its agent is not heard: it may be anything */
        DATASOURCE_ONLINE,
        DATASOURCE_OFFLINE,
        DATASOURCE_FAILED,
        DATASOURCE_SHUNNED,
        _DATASOURCE_MAX,
        _DATASOURCE_INVALID = -EINVAL,
} DatasourceState;

const char *datasource_state_to_string(DatasourceState s);

/* What is known of a node. */
typedef struct DatasourceFacts {
        const char *name;
        bool heard;         /* its agent answers, and the following is what it says */
        const char *unheard; /* else why not, or NULL */
        bool runs;          /* the server's unit has a process */
        bool wanted;        /* somebody wants it to */
        char shunned[SHUN_TEXT_MAX]; /* why, by whom and until when; "": it is not */
        bool offline; /* it was set so, until `online` */
        const Replication *replication; /* NULL: not known */
} DatasourceFacts;

typedef struct Datasource {
        DatasourceState state;
        char reason[1024]; /* of a state that is not ONLINE */
        char remark[512]; /* what should be mended all the same, or "" */
        DatasourceRole role;
        Component agent, server, replicator;
        char source[NAME_SIZE + 256]; /* a replica's: the node's name, else the host it is told to follow */
        bool source_known; /* it is one of the nodes */
        bool writable;     /* it takes writes of ordinary accounts now */
        size_t followers;  /* nodes that replicate from it now */
        int64_t lag;       /* of a replica that runs, in seconds; -1 where unknown */
        int64_t connections; /* replicas connected to it; -1 where unknown */
} Datasource;

typedef enum PrimaryVerdict {
        PRIMARY_UNKNOWN, /* somebody is not heard who may be it */
        PRIMARY_NONE,
        PRIMARY_ONE,
        PRIMARY_SEVERAL, /* which must not be: each takes writes */
        _PRIMARY_MAX,
        _PRIMARY_INVALID = -EINVAL,
} PrimaryVerdict;

const char *primary_verdict_to_string(PrimaryVerdict v);

typedef struct Primary {
        PrimaryVerdict verdict;
        Names who;
        char text[1024]; /* the evidence, in sentences */
} Primary;

/* Of a node as it is heard. What it points to is the voice's. */
DatasourceFacts datasource_facts(const Voice *v);

/* `ret` has room for the `n` of them, in the same order. */
void datasources_judge(const DatasourceFacts *facts, size_t n, Datasource *ret, Primary *ret_primary);
