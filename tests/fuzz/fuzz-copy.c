/* What programs leave in a copy, and dumps: whatever they say, a position that is taken from
 * it reads again, and cut differently they say the same. */
#include "domain/copy-position.h"
#include "domain/dump-scan.h"
#include "fuzz.h"

static DumpScan *scan(const char *data, size_t size, size_t piece) {
        DumpScan *d = calloc(1, sizeof(*d));

        MUST(d);
        for (size_t at = 0; at < size; at += piece)
                dump_scan(d, data + at, piece < size - at ? piece : size - at);
        return d;
}

static void check_dump(const char *data, size_t size) {
        DumpScan *a = scan(data, size, size + 1), *b = scan(data, size, 7);

        MUST(a->whole == b->whole && !a->position == !b->position);
        MUST(!a->position || streq(a->position, b->position));
        free(a->position);
        free(b->position);
        free(a);
        free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = strndup((const char *) data, size), error[256] = "";
        GtidList binlog = {0}, slave = {0};
        char *position, *history;
        int r;

        MUST(text);
        check_dump((const char *) data, size);
        r = copy_binlog_position(text, &binlog, error);
        if (r >= 0)
                r = copy_slave_position(text, &slave, error);
        MUST(r >= 0 || error[0]);
        if (r >= 0 && copy_gtids("0-1-5,0-2-7", &binlog, slave.n > 0 ? &slave : NULL, &position, &history, error) >= 0) {
                GtidList again;

                MUST(gtid_list_parse(position, strlen(position), GTID_POSITION, &again, error) == 0);
                gtid_list_done(&again);
                MUST(gtid_list_parse(history, strlen(history), GTID_STATE, &again, error) == 0);
                gtid_list_done(&again);
                free(position);
                free(history);
        }
        gtid_list_done(&binlog);
        gtid_list_done(&slave);
        free(text);
        return 0;
}
