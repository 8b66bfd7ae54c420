/* What a server says of asynchronous replication: who it is, which
 * transactions it has, whom it replicates from and how that goes, and who
 * replicates from it. Facts alone; what follows from them is in standing.h and
 * datasource.h.
 *
 * As JSON it is what mainstay-probe prints and what a report carries. Absent is
 * unknown, and unknown keys are ignored. */
#pragma once

#include "domain/gtid.h"

#include <jansson.h>

#define CHANNELS_MAX 16
/* More than that is left out, as unknown: all of it has to fit in a report. */
#define REPLICATION_GTIDS_MAX ((size_t) 24 * 1024)
#define REPLICATION_RECEIVED_MAX ((size_t) 4 * 1024) /* of one channel */

typedef enum Flavour {
        FLAVOUR_UNKNOWN,
        FLAVOUR_MARIADB,
        FLAVOUR_MYSQL,
        _FLAVOUR_MAX,
        _FLAVOUR_INVALID = -EINVAL,
} Flavour;

const char *flavour_to_string(Flavour f);
Flavour flavour_from_string(const char *s);

typedef enum Thread {
        THREAD_UNKNOWN,
        THREAD_STOPPED,
        THREAD_CONNECTING, /* a receiver that has no connection */
        THREAD_RUNNING,
        _THREAD_MAX,
        _THREAD_INVALID = -EINVAL,
} Thread;

const char *thread_to_string(Thread t);
Thread thread_from_string(const char *s);
/* As a server's status tells it; NULL: it does not. */
Thread thread_from_server(const char *running);

/* One of the two threads of a channel. */
typedef struct Worker {
        Thread state;
        int64_t error; /* 0: none */
        char text[512]; /* of the error */
} Worker;

/* One source that the server is told to replicate from. */
typedef struct Channel {
        char name[257]; /* "" for the usual one */
        char host[256];
        int64_t port;
        int64_t source_id; /* the source's server_id; 0 where it has not said so yet */
        Uuid source_uuid;  /* MySQL; zero where unknown */
        bool by_gtid;      /* it asks its source by GTID */
        Worker receiver, applier;
        int64_t lag; /* seconds, as the server estimates; -1 where it does not know */
        GtidList received_list; /* MariaDB: up to where it has received */
        GtidSet received_set;   /* MySQL: what it has received since its relay log began */
} Channel;

typedef struct Replication {
        bool answers; /* else the server does not, and nothing of the following is known */
        char problem[512]; /* then why; "" while it starts */
        Flavour flavour;
        char version[128];
        int64_t server_id; /* -1 where unknown */
        Uuid server_uuid;  /* MySQL; zero where unknown */
        bool read_only, super_read_only; /* unknown reads as writable: nobody is to rely on it */
        bool binlog;
        int64_t replicas; /* connected to it now; -1 where unknown */

        bool have_gtids; /* the following are all known; MySQL: gtid_mode is on, too */
        char gtid_problem[512]; /* else why not, "" where unsaid */
        GtidList slave_pos, binlog_pos, binlog_state; /* MariaDB */
        GtidSet executed, purged;                     /* MySQL */

        size_t n_channels;
        Channel channel[CHANNELS_MAX];
} Replication;

/* Of which nothing is known. */
int replication_new(Replication **ret);
Replication *replication_free(Replication *r);
DEFINE_CLEANUP(Replication, replication_free)
int replication_copy(const Replication *r, Replication **ret);

/* A new reference. */
int replication_to_json(const Replication *r, json_t **ret);
/* -EBADMSG with a sentence in `error`. */
int replication_from_json(const json_t *j, Replication **ret, char error[static 256]);

/* MariaDB: all that the server has, in its binary log or by replication. */
int replication_holdings(const Replication *r, GtidList *ret);
/* MariaDB: one GTID a domain, from which it would go on as a replica: the higher
 * one of its own binary log and of what it replicated. */
int replication_position(const Replication *r, GtidList *ret);
/* Where it stands, as its server writes it: that, or MySQL's set of all that it has
 * executed. Of one that tells its GTIDs. Free `*ret`; -ENOMEM. */
int replication_position_text(const Replication *r, char **ret);
