/* A child process with a deadline, inside an event loop.
 *
 * Whatever may block (a name that does not resolve, a server that does not
 * answer, a recovery that takes minutes) runs as a child: it has a deadline,
 * what it says is bounded, and it does not outlive its Process. The child
 * leads a process group of its own, and the group dies with it. It begins with
 * no signal blocked or ignored, and without the variables by which systemd
 * speaks to us alone (NOTIFY_SOCKET and its like). The caller's descriptors 0
 * to 2 must be open.
 */
#pragma once

#include "base/macro.h"

#include <systemd/sd-event.h>

typedef struct Process Process;

typedef struct ProcessSpec {
        const char *const *argv; /* ends in NULL; argv[0] is searched in PATH */
        usec_t timeout;          /* USEC_NEVER: no deadline */
        int stdio;               /* a socket that becomes its stdin and stdout; 0: stdin is /dev/null */
        int input;               /* what becomes its stdin where `stdio` does not; 0: likewise */
        size_t output_max;       /* keep so much of stdout; more is an error. 0: to /dev/null */
        size_t error_max;        /* keep the last so many bytes of stderr. 0: stderr is ours */
} ProcessSpec;

typedef struct ProcessResult {
        int error;          /* 0: it ended by itself. Else killed: -ETIME at the deadline, -E2BIG for too much output */
        int status;         /* as a shell's $?: 128 and the signal's number, where one ended it */
        const char *output; /* NUL-terminated beyond its size */
        size_t output_size;
        const char *complaint; /* stderr, where kept, else "" */
} ProcessResult;

/* Called once, when the child has been reaped. It may free `p`; the result
 * lives as long as `p`. */
typedef void (*process_done_t)(Process *p, const ProcessResult *result, void *userdata);

/* -ENOENT or -EACCES when the program cannot be run. `spec` is not kept, and
 * the caller closes its own `stdio` and `input`. */
int process_new(sd_event *event, const ProcessSpec *spec, process_done_t done, void *userdata, Process **ret);

/* Kills what still runs, without waiting for it: the event loop reaps it. */
Process *process_free(Process *p);
DEFINE_CLEANUP(Process, process_free)

/* The same for those who have no event loop yet: waits. Returns the status as
 * above, or -ETIME, -E2BIG, -ENOENT... stderr is ours; free `*ret_output`,
 * which is set for every status. */
int process_run(const char *const *argv, usec_t timeout, size_t max, char **ret_output);
