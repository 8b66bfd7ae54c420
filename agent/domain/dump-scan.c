/* Dumps; see dump-scan.h. */
#include "domain/dump-scan.h"

static const char dump_position[] = "-- SET GLOBAL gtid_slave_pos='", dump_end[] = "-- Dump completed";

static bool begins(const DumpScan *d, const char *with) {
        size_t n = strlen(with);

        return strncmp(d->line, with, d->n < n ? d->n : n) == 0;
}

static void dump_line(DumpScan *d) {
        size_t n = strlen(dump_position), end;

        if (d->n > 0 || d->skip)
                d->whole = !d->skip && d->n >= strlen(dump_end) && begins(d, dump_end);
        d->line[d->n] = 0;
        if (!d->skip && d->n > n && begins(d, dump_position)) {
                end = strcspn(d->line + n, "'");
                free(d->position);
                d->position = strndup(d->line + n, end);
        }
        d->n = 0;
        d->skip = false;
}

void dump_scan(DumpScan *d, const char *data, size_t size) {
        for (size_t i = 0; i < size; i++) {
                if (data[i] == '\n') {
                        dump_line(d);
                        continue;
                }
                if (d->skip) { /* on to the end of the line */
                        const char *end = memchr(data + i, '\n', size - i);

                        i = end ? (size_t) (end - data) - 1 : size - 1;
                        continue;
                }
                if (d->n + 1 < sizeof(d->line))
                        d->line[d->n++] = data[i];
                d->skip = d->n + 1 == sizeof(d->line) || !(begins(d, dump_position) || begins(d, dump_end));
        }
}
