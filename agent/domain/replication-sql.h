/* What is said to a server that is to replicate, or to end it: the statements,
 * which differ from server to server. Pure texts; edge/replicator.c says them.
 *
 * None of them takes a transaction id. */
#pragma once

#include "domain/replication.h"

/* The oldest that know all of the following. */
#define MARIADB_OLDEST 100500
#define MYSQL_OLDEST 80023

typedef struct ServerVersion {
        Flavour flavour;
        unsigned number; /* 101119 for 10.11.19 */
} ServerVersion;

/* As the server greets. -EBADMSG for what is no version. */
int server_version_parse(const char *text, ServerVersion *ret);

typedef enum ReplicationSql {
        REPLICATION_SQL_STATUS,      /* all channels */
        REPLICATION_SQL_STOP,        /* all of them */
        REPLICATION_SQL_START,
        REPLICATION_SQL_READ_ONLY,   /* one row of two values: on is both, off is neither */
        REPLICATION_SQL_FENCE,       /* read_only on */
        REPLICATION_SQL_UNFENCE,
        REPLICATION_SQL_CLIENTS,     /* one number, or NULL where it is not told */
        REPLICATION_SQL_CLONES,      /* one number: 0 where it has no clone plugin at work */
        _REPLICATION_SQL_MAX,
        _REPLICATION_SQL_INVALID = -EINVAL,
} ReplicationSql;

const char *replication_sql(ReplicationSql which, Flavour flavour);

/* A name or an address that may stand in a statement. */
bool replication_host_valid(const char *host);

/* How a source that is away is tried again, as the server has it: every so many seconds,
 * so many times; -1 for what it does not say. */
typedef struct ReplicationRetry {
        int64_t seconds, count;
} ReplicationRetry;

/* To follow a source by GTID, which is tried again soon and, where the server can be told
 * so, for ever. What a person has set of that stays: `retry` is as it is now, and what is
 * the vendor's is nobody's choice; NULL: it follows nobody. `user` and `password` are escaped for a place
 * between quotes, by whoever knows the connection; NULL: as they are. -EINVAL for
 * a host that is none, -ENOMEM. It may hold a password: credentials_forget() it. */
int replication_sql_follow(Flavour flavour, const char *host, unsigned port, const char *user, const char *password, const ReplicationRetry *retry, char **ret);

/* To forget a channel; `name` is escaped, "" is the usual one. MySQL forgets all
 * of them by one statement, whatever the name. */
int replication_sql_forget(Flavour flavour, const char *name, char **ret);

/* One value, 0 where all of these are there; at once, where `seconds` is 0.
 * -EBADMSG with the reason in `error` for what are no GTIDs of such a server. */
int replication_sql_wait(Flavour flavour, const char *gtids, unsigned seconds, char **ret, char error[static 256]);

/* MariaDB: to begin after these as a replica. */
int replication_sql_position(const GtidList *list, char **ret);

/* MariaDB: what a replica says before it asks a source for its binary log from
 * there on. -EBADMSG as above. */
int replication_sql_ask(const char *gtids, char **ret, char error[static 256]);
