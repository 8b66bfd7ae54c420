/* A connection to the server, for the small programs beside the agent. */
#pragma once

#include "base/macro.h"

#include <mysql.h>

typedef struct ClientAddress {
        const char *host; /* NULL: by the socket */
        unsigned port;
        const char *socket;
        const char *user; /* NULL: as who runs this, or as ~/.my.cnf says */
        usec_t timeout;
} ClientAddress;

/* mysql_error() says why not. */
bool client_connect(MYSQL *mysql, const ClientAddress *to);

/* The rows of a statement; NULL on failure. */
MYSQL_RES *client_query(MYSQL *mysql, const char *statement);
