/* A unit of systemd: what it is doing, as it happens, and its start and stop.
 *
 * Nothing is polled. The state is read once, then followed by signals, and
 * read again after whatever makes those insufficient: a reload or a new start
 * of systemd, or changed unit files. Care is taken where a unit comes and
 * goes: to read one that nobody needs loads it, and systemd drops it again.
 */
#pragma once

#include "base/macro.h"

#include <sys/types.h>
#include <systemd/sd-bus.h>

#define UNIT_WORD_SIZE 64

/* As systemd has it at one moment. While it starts a service, a main_pid may
 * stand beside "inactive" for some milliseconds: it runs. */
typedef struct UnitState {
        char load[UNIT_WORD_SIZE];      /* loaded, not-found, masked... */
        char active[UNIT_WORD_SIZE];    /* active, activating, inactive... */
        char sub[UNIT_WORD_SIZE];       /* running, start-pre, dead... */
        char result[UNIT_WORD_SIZE];    /* of its last run: success, exit-code, timeout... */
        char unit_file_state[UNIT_WORD_SIZE]; /* enabled, disabled... */
        char invocation[33];            /* hexadecimal, "" where it never ran */
        pid_t main_pid;                 /* 0: none */
} UnitState;

typedef struct Unit Unit;

/* The state is known now, is another one, or is not known any more. Called
 * from the event loop alone. It must not free the unit. */
typedef void (*unit_changed_t)(Unit *u, void *userdata);

/* A job has ended: `r` is 0 and `result` one of done, failed, canceled,
 * timeout, dependency, skipped... Or it could not even be queued: `r` is the
 * errno and `result` the message; -ECONNRESET where systemd has started anew, and does
 * not tell what became of it. It must not free the unit. */
typedef void (*unit_job_t)(Unit *u, int r, const char *result, void *userdata);

/* `bus` is attached to an event loop; when it ends, so does the unit's use. */
int unit_new(sd_bus *bus, const char *name, unit_changed_t changed, void *userdata, Unit **ret);
/* Jobs under way go on; their callbacks are not called any more. */
Unit *unit_free(Unit *u);
DEFINE_CLEANUP(Unit, unit_free)

const char *unit_name(const Unit *u);
/* NULL while it is not known; `unit_error` may say why. */
const UnitState *unit_state(const Unit *u);
/* The message of the last attempt to read the state that failed, or NULL. */
const char *unit_error(const Unit *u);

/* `mode` is systemd's: "replace", "fail"... -EBUSY while an earlier start (or
 * stop) of ours has not ended, -ENOTCONN while systemd is away or has not yet
 * told of the unit. `done` may be NULL. */
int unit_start(Unit *u, const char *mode, unit_job_t done, void *userdata);
/* That start has not ended. */
bool unit_starting(const Unit *u);
int unit_stop(Unit *u, const char *mode, unit_job_t done, void *userdata);

/* SIGKILL to all of its processes. Nothing is heard of it but the end of the
 * unit. */
int unit_kill(Unit *u);

/* systemd's own state: initializing, starting, running, degraded, stopping...
 * or `r` an errno and `state` NULL. Unreference `*ret` to hear nothing more. */
typedef void (*unit_system_state_t)(int r, const char *state, void *userdata);
int unit_system_state(sd_bus *bus, unit_system_state_t done, void *userdata, sd_bus_slot **ret);
