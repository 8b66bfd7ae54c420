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

/* The one answer that is printed. They return the program's exit status, which is
 * what the functions below return for a failure that they have told. */
int answer_json(json_t *o);
int answer_ok(void);
/* `number` is the server's, or, below 1000, an errno of the system. */
_printf_(2, 3) int answer_error(unsigned number, const char *format, ...);
int answer_of_server(const Work *w);
int answer_no_memory(void);
/* What a server said as JSON: ASCII, bounded. NULL where memory is short. */
json_t *answer_text(const char *text);

/* Says a statement that has no rows; false where the server refuses. */
bool work_say(const Work *w, const char *statement);
/* For a place between quotes. Free it by credentials_forget(). */
char *work_escape(const Work *w, const char *text);

typedef struct Channels {
        size_t n;
        struct {
                Channel is; /* names, source and threads; nothing else */
                char user[256];
                ReplicationRetry retry;
        } channel[CHANNELS_MAX];
} Channels;

int work_look(const Work *w, Channels *ret);
/* Does a thread of any channel run? */
bool channels_active(const Channels *all);

typedef enum Fence {
        FENCE_OFF,
        FENCE_HALF, /* MySQL: read_only, but not for everybody */
        FENCE_ON,
} Fence;

int work_look_fence(const Work *w, Fence *ret);

int verb_follow(Work *w);
int verb_preflight(Work *w);
int verb_can_clone(Work *w);
int verb_stop_clone(Work *w);
int verb_clone(Work *w);
