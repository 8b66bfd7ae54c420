/* mainstay-replicator in its parts: see replicator.c. */
#pragma once

#include "domain/credentials.h"
#include "domain/replication-sql.h"
#include "edge/client.h"

#include <jansson.h>

/* What it was called for, and the server it is connected to. */
typedef struct Work {
        const char *socket, *user, *credentials_file;
        usec_t timeout;
        char *const *arg; /* of the verb, as many as it takes; one that may be left out is NULL */

        bool have_credentials;
        Credentials credentials;
        MYSQL *mysql;
        ServerVersion version;
} Work;

/* The one answer that is printed; the program's exit status. */
int answer(json_t *o);
/* `number` is the server's, or, below 1000, an errno of the system. */
_printf_(2, 3) int failure(unsigned number, const char *format, ...);
int failure_of_server(const Work *w);

/* A text that a server said as JSON: ASCII, bounded. NULL where memory is short. */
json_t *said(const char *text);

int verb_preflight(Work *w);
