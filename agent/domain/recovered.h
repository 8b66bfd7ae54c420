/* What `mysqld --wsrep-recover` said. */
#pragma once

#include "domain/position.h"

typedef enum RecoveredOutcome {
        RECOVERED_POSITION,     /* a position was printed */
        RECOVERED_NOTHING,      /* the server says that there is none: zero uuid and -1 */
        RECOVERED_SKIPPED,      /* "skipping position recovery" */
        RECOVERED_PREPARED,     /* "Found N prepared transactions!" */
        RECOVERED_OLD_REDO,     /* "Upgrade after a crash is not supported" */
        RECOVERED_LOCKED,       /* another server holds the data files */
        RECOVERED_SILENT,       /* the log ends without a position */
        _RECOVERED_OUTCOME_MAX,
        _RECOVERED_OUTCOME_INVALID = -EINVAL,
} RecoveredOutcome;

/* Reads a log line by line; the last position in it counts. Start from {0}. */
typedef struct RecoveredScan {
        bool have_position;
        Position position;
        RecoveredOutcome trouble; /* the last that was seen; 0 where none */
        bool malformed;           /* a "Recovered position" line that could not be read; such a
                                   * line later than the last good one voids it */
} RecoveredScan;

/* `line` without its newline. */
void recovered_scan_line(RecoveredScan *scan, const char *line, size_t n);

/* The outcome of the whole log; `ret` is written for RECOVERED_POSITION only. */
RecoveredOutcome recovered_scan_end(const RecoveredScan *scan, Position *ret);

/* A whole log at once. */
RecoveredOutcome recovered_parse(const char *text, size_t n, Position *ret);

/* For people: what happened and what they can do. Static storage. */
const char *recovered_outcome_text(RecoveredOutcome o);
