/* The result of a run of mainstay-recover, as it lies in the server directory.
 *
 * A run costs a start of InnoDB and may take long, so its result is kept for
 * as long as it is true: until the gate opens another section, or one of the
 * files it is about is no longer the same.
 */
#pragma once

#include "domain/recovered.h"
#include "sys/stamp.h"

#define RECOVERY_NAME "recovered"
#define RECOVERY_SIZE_MAX ((size_t) 16 * 1024)
#define RECOVERY_TEXT_MAX 512 /* with the NUL */

/* RecoveredOutcome, and what a log cannot tell. */
typedef enum RecoveryOutcome {
        RECOVERY_POSITION = RECOVERED_POSITION,
        RECOVERY_NOTHING = RECOVERED_NOTHING,
        RECOVERY_SKIPPED = RECOVERED_SKIPPED,
        RECOVERY_PREPARED = RECOVERED_PREPARED,
        RECOVERY_OLD_REDO = RECOVERED_OLD_REDO,
        RECOVERY_LOCKED = RECOVERED_LOCKED,
        RECOVERY_SILENT = RECOVERED_SILENT,
        RECOVERY_FAILED = _RECOVERED_OUTCOME_MAX, /* it could not be run, or was killed, or failed */
        RECOVERY_TIMED_OUT,                       /* killed for taking too long */
        _RECOVERY_OUTCOME_MAX,
        _RECOVERY_OUTCOME_INVALID = -EINVAL,
} RecoveryOutcome;

typedef struct Recovery {
        RecoveryOutcome outcome;
        Position position; /* for RECOVERY_POSITION */
        uint64_t section;  /* the last of the record of views at that time, 0 where none */
        Uuid boot;         /* the kernel's boot id */
        usec_t time;
        Stamp stamp;       /* of the data directory's files, after the run */
        char text[RECOVERY_TEXT_MAX]; /* for people */
} Recovery;

const char *recovery_outcome_to_string(RecoveryOutcome o);
RecoveryOutcome recovery_outcome_from_string(const char *s);

/* JSON with a final newline; free `*ret`. -EINVAL for what cannot be true. */
int recovery_format(const Recovery *r, char **ret);

/* -EBADMSG and a sentence in `error` for anything but a whole result. */
int recovery_parse(const char *text, size_t n, Recovery *ret, char error[static 256]);

/* Is it about the data as they are now? `section` is the last one that the
 * gate opened. It says nothing of what came out: see recovery_lasting(). */
bool recovery_holds(const Recovery *r, const Stamp *now, uint64_t section);

/* Does the outcome lie in the data, so that another run on the same data would
 * find the same? Others (locked, failed, timed out) were true of a moment. */
bool recovery_lasting(RecoveryOutcome o);
