/* The log of `mysqld --wsrep-recover`; see recovered.h.
 *
 * The log is what it is: of four flavours of server, in a dozen versions. Only
 * the words that no version has changed are looked at, and of what stands
 * behind them everything must be understood.
 */
#include "domain/recovered.h"
#include "base/number.h"

/* With the colon: "Recovered position from storage: ..." is what a server says
 * that starts in earnest. */
static const char *const position_markers[] = {
        "WSREP: Recovered position:",
        "[WSREP] Recovered position:",
};

static const struct {
        const char *words;
        RecoveredOutcome outcome;
} troubles[] = {
        { "skipping position recovery", RECOVERED_SKIPPED },
        { "Upgrade after a crash is not supported", RECOVERED_OLD_REDO },
        { "Can't lock aria control file", RECOVERED_LOCKED },
        { "InnoDB: Unable to lock ", RECOVERED_LOCKED },
        { "[InnoDB] Unable to lock ", RECOVERED_LOCKED },
        { "Could not get an exclusive lock; file is probably in use by another process", RECOVERED_LOCKED },
};

/* What stands behind `words`, NULL where they are not in it. */
static const char *behind(const char *line, size_t n, const char *words) {
        size_t k = strlen(words);
        const char *found = memmem(line, n, words, k);

        return found ? found + k : NULL;
}

/* "Found 2 prepared transactions!", which ends the server. The notice "Found 2
 * prepared transaction(s) in InnoDB" does not. */
static bool line_is_prepared(const char *line, size_t n) {
        const char *s, *end = line + n;
        static const char tail[] = " prepared transactions!";

        for (s = behind(line, n, "Found "); s; s = behind(s, (size_t) (end - s), "Found ")) {
                const char *digits = s;

                while (s < end && *s >= '0' && *s <= '9')
                        s++;
                if (s > digits && (size_t) (end - s) >= sizeof(tail) - 1 && memcmp(s, tail, sizeof(tail) - 1) == 0)
                        return true;
        }
        return false;
}

/* One number of a GTID, up to `stop` or, where that is 0, the end. */
static bool gtid_part(const char **s, const char *end, char stop, int64_t max) {
        const char *to = stop ? memchr(*s, stop, (size_t) (end - *s)) : end;
        int64_t value;

        if (!to)
                return false;
        /* A GTID's own sequence number has all 64 bits; nobody here counts
         * with it, so the upper half needs no more than to be digits. */
        if (number_parse(*s, (size_t) (to - *s), 0, max, &value) < 0)
                return false;
        *s = stop ? to + 1 : to;
        return true;
}

/* "UUID:SEQNO" or, with wsrep_gtid_mode, "UUID:SEQNO,DOMAIN-SERVER-NUMBER". The
 * GTID is checked and dropped: it says nothing about the cluster's history. */
static int recovered_position(const char *s, size_t n, Position *ret) {
        static const char unsigned_undefined[] = ":18446744073709551615";
        const char *comma;
        Position p;
        int r;

        comma = memchr(s, ',', n);
        if (comma) {
                const char *gtid = comma + 1, *end = s + n;

                if (!gtid_part(&gtid, end, '-', UINT32_MAX) ||
                    !gtid_part(&gtid, end, '-', UINT32_MAX) ||
                    !gtid_part(&gtid, end, 0, INT64_MAX))
                        return -EBADMSG;
                n = (size_t) (comma - s);
        }

        if (n == UUID_TEXT_MAX - 1 + sizeof(unsigned_undefined) - 1 &&
            memcmp(s + UUID_TEXT_MAX - 1, unsigned_undefined, sizeof(unsigned_undefined) - 1) == 0) {
                r = uuid_parse(s, UUID_TEXT_MAX - 1, &p.uuid);
                p.seqno = SEQNO_UNDEFINED;
        } else
                r = position_parse(s, n, &p);
        if (r < 0)
                return r;
        if (uuid_is_zero(&p.uuid) && p.seqno != SEQNO_UNDEFINED)
                return -EBADMSG;

        *ret = p;
        return 0;
}

void recovered_scan_line(RecoveredScan *scan, const char *line, size_t n) {
        for (size_t i = 0; i < ELEMENTS(position_markers); i++) {
                const char *s = behind(line, n, position_markers[i]), *end = line + n;

                if (!s)
                        continue;
                while (s < end && (*s == ' ' || *s == '\t'))
                        s++;
                while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
                        end--;

                scan->have_position = recovered_position(s, (size_t) (end - s), &scan->position) >= 0;
                scan->malformed = !scan->have_position;
                /* A lock that was waited for, say, is forgotten once the server
                 * got so far. */
                scan->trouble = 0;
                return;
        }

        for (size_t i = 0; i < ELEMENTS(troubles); i++)
                if (behind(line, n, troubles[i].words)) {
                        *scan = (RecoveredScan) { .trouble = troubles[i].outcome };
                        return;
                }
        if (line_is_prepared(line, n))
                *scan = (RecoveredScan) { .trouble = RECOVERED_PREPARED };
}

RecoveredOutcome recovered_scan_end(const RecoveredScan *scan, Position *ret) {
        if (scan->trouble != 0)
                return scan->trouble;
        if (!scan->have_position)
                return RECOVERED_SILENT;
        if (!position_defined(&scan->position))
                return RECOVERED_NOTHING;

        *ret = scan->position;
        return RECOVERED_POSITION;
}

RecoveredOutcome recovered_parse(const char *text, size_t n, Position *ret) {
        RecoveredScan scan = { 0 };
        size_t at = 0;

        while (at < n) {
                const char *s = text + at, *end = memchr(s, '\n', n - at);
                size_t length = end ? (size_t) (end - s) : n - at;

                recovered_scan_line(&scan, s, length);
                at += length + 1;
        }
        return recovered_scan_end(&scan, ret);
}

const char *recovered_outcome_text(RecoveredOutcome o) {
        switch (o) {
        case RECOVERED_POSITION:
                return "The server recovered the position of its data.";
        case RECOVERED_NOTHING:
                return "The data have no position in any cluster's history: this node has not been a member yet, or its last state transfer was broken off. It can only join.";
        case RECOVERED_SKIPPED:
                return "The server skipped the recovery of the position: either wsrep is not switched on in its configuration, or a start position was given to it. Look at wsrep_on, wsrep_provider and wsrep_start_position.";
        case RECOVERED_PREPARED:
                return "There are prepared transactions whose fate the binary log no longer tells. Only mysqld --tc-heuristic-recover=COMMIT or =ROLLBACK gets past them; a node treated so may differ from the others and is not fit for a bootstrap.";
        case RECOVERED_OLD_REDO:
                return "The redo log was left by a crash of an older server version, which this one does not read. Start the older version once and stop it cleanly, or give this node up and let it join by a full state transfer.";
        case RECOVERED_LOCKED:
                return "Another process holds the data files: a server, a backup or a state transfer is running on this data directory.";
        case RECOVERED_SILENT:
                return "The server ended without naming a position. Its log, in the journal of mainstay-recover.service, says why.";
        default:
                return "The outcome is not known.";
        }
}
