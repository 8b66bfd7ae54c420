/* A connection to the server, for the small programs beside the agent. */
#pragma once

#include "base/macro.h"

#include <mysql.h>

typedef struct ClientAddress {
        const char *host; /* NULL: by the socket */
        unsigned port;
        const char *socket;
        const char *user; /* NULL: as who runs this, or as ~/.my.cnf says */
        const char *password; /* NULL: none. Only to servers that do not ask for it in clear */
        bool tls; /* refuse to do without; whose certificate it is does not matter */
        usec_t timeout;
        usec_t read_timeout; /* of an answer; 0: as the other */
} ClientAddress;

/* mysql_error() says why not. */
bool client_connect(MYSQL *mysql, const ClientAddress *to);

/* The rows of a statement; NULL on failure. */
MYSQL_RES *client_query(MYSQL *mysql, const char *statement);

/* The first value of a statement; NULL where there is none, or the server refuses: then
 * mysql_errno() is not 0. Free it. */
char *client_value(MYSQL *mysql, const char *statement);

/* The global variable of that name; NULL where there is none, or it has no value. Free it. */
char *client_variable(MYSQL *mysql, const char *variable);

/* A row by the names of its columns, which differ from server to server. */
typedef struct ClientTable {
        MYSQL_RES *result; /* mysql_free_result() */
        MYSQL_FIELD *field;
        unsigned n;
        MYSQL_ROW row;
} ClientTable;

/* False on failure. */
bool client_table(MYSQL *mysql, const char *statement, ClientTable *ret);
/* NULL where there is no such column, or no value in it. */
const char *client_column(const ClientTable *t, const char *name, const char *older);
