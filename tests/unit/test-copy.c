/* Where a copy stands: what the programs that make one leave behind, and what becomes of it. */
#include "domain/copy-position.h"
#include "domain/dump-scan.h"
#include "scratch.h"

static void positions_are_read_as_they_were_written(void **state) {
        static const struct {
                const char *text, *binlog, *slave; /* NULL: refused */
        } cases[] = {
                { "binlog.000003\t2584\t0-1-22\n", "0-1-22", "" },
                { "binlog.000003\t2584\t0-1-22,5-2-7", "0-1-22,5-2-7", "" },
                { "binlog.000003\t2584\n", "", "" }, /* it has no GTIDs */
                { "binlog.000003\t2584\t\n", "", "" },
                { "binlog.000003\t2584\tnonsense\n", NULL, "" },
                { "", "", "" },
                { "SET GLOBAL gtid_slave_pos = '0-1-23'; CHANGE MASTER TO master_use_gtid = slave_pos", "", "0-1-23" },
                { "SET GLOBAL gtid_slave_pos = ''; CHANGE MASTER TO", "", "" },
                { "SET GLOBAL gtid_slave_pos = '0-1-", "", "" }, /* cut off */
                { "SET GLOBAL gtid_slave_pos = '0-1-x'", "", NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                for (unsigned slave = 0; slave < 2; slave++) {
                        _cleanup_gtid_list_ GtidList list = {0};
                        _cleanup_free_ char *text = NULL;
                        char error[256];
                        const char *expected = slave ? cases[i].slave : cases[i].binlog;
                        int r = slave ? copy_slave_position(cases[i].text, &list, error) : copy_binlog_position(cases[i].text, &list, error);

                        if (!expected) {
                                assert_int_equal(r, -EBADMSG);
                                continue;
                        }
                        assert_int_equal(r, 0);
                        assert_int_equal(gtid_list_format(&list, &text), 0);
                        assert_string_equal(text, expected);
                }
        }
}

static void a_copy_stands_where_its_data_are(void **state) {
        static const struct {
                const char *name, *before, *binlog, *slave, *position, *history;
        } cases[] = {
                { "a backup of a primary", "0-1-5", "0-1-9", "", "0-1-9", "0-1-9" },
                { "which had another server_id once", "0-1-5,0-7-8", "", "", "0-7-8", "0-1-5,0-7-8" },
                { "of a replica", "0-1-5", "0-1-5", "0-1-9", "0-1-9", "0-1-9" },
                { "of a replica that was a primary", "0-1-5,0-2-6", "0-2-6", "0-1-9", "0-1-9", "0-2-6,0-1-9" },
                { "of a replica, whose own binary log is ahead in another domain", "0-1-5,3-2-4", "3-2-4", "0-1-9", "0-1-9,3-2-4", "0-1-9,3-2-4" },
                { "a dump", "0-1-5", "0-1-9", NULL, "0-1-9", "0-1-9" },
                { "a dump, while one more is in the binary log and in no snapshot", "0-1-6", "0-1-5", NULL, "0-1-5", "0-1-5" },
                { "a dump, and what another server wrote before", "0-2-3,0-1-6", "0-1-5", NULL, "0-1-5", "0-2-3,0-1-5" },
                { "a dump without a position", "0-1-5", "", NULL, NULL, NULL },
                { "nothing at all", "", "", "", NULL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_gtid_list_ GtidList binlog = {0}, slave = {0};
                _cleanup_free_ char *position = NULL, *history = NULL;
                const char *by_replication = cases[i].slave;
                char error[256];
                int r;

                assert_int_equal(gtid_list_parse(cases[i].binlog, strlen(cases[i].binlog), GTID_POSITION, &binlog, error), 0);
                if (by_replication)
                        assert_int_equal(gtid_list_parse(by_replication, strlen(by_replication), GTID_POSITION, &slave, error), 0);
                r = copy_gtids(cases[i].before, &binlog, by_replication ? &slave : NULL, &position, &history, error);
                if (!cases[i].position) {
                        CHECK(r == -ENODATA, cases[i].name);
                        continue;
                }
                CHECK(r == 0, cases[i].name);
                if (!streq(position, cases[i].position) || !streq(history, cases[i].history))
                        fail_msg("%s: at %s, with %s", cases[i].name, position, history);
        }
}

static void a_dump_says_where_it_stands_however_it_is_cut(void **state) {
        static const char dump[] =
                "-- CHANGE MASTER TO MASTER_USE_GTID=slave_pos;\n"
                "CREATE PROCEDURE p() SELECT 1;\n"
                "-- SET GLOBAL gtid_slave_pos='9-9-9';\n" /* in somebody's routine */
                "INSERT INTO t VALUES ('\\n-- SET GLOBAL gtid_slave_pos=\\'8-8-8\\';\\n-- Dump completed');\n"
                "\n"
                "-- SET GLOBAL gtid_slave_pos='0-1-5,2-3-4';\n"
                "-- Dump completed on 2026-11-28  6:54:56\n";

        (void) state;
        for (size_t piece = 1; piece <= sizeof(dump); piece++) {
                DumpScan *d = calloc(1, sizeof(*d));

                assert_non_null(d);
                for (size_t at = 0; at < sizeof(dump) - 1; at += piece)
                        dump_scan(d, dump + at, piece < sizeof(dump) - 1 - at ? piece : sizeof(dump) - 1 - at);
                assert_true(d->whole);
                assert_string_equal(d->position, "0-1-5,2-3-4");
                free(d->position);
                free(d);
        }
}

static void half_a_dump_is_none(void **state) {
        static const char *const halves[] = {
                "", "CREATE TABLE t (n int);\n", "-- Dump completed on 2026-11-28\nCREATE TABLE t (n int);\n", "-- Dump complet", "x -- Dump completed\n",
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(halves); i++) {
                DumpScan *d = calloc(1, sizeof(*d));

                assert_non_null(d);
                dump_scan(d, halves[i], strlen(halves[i]));
                CHECK(!d->whole && !d->position, halves[i]);
                free(d);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(positions_are_read_as_they_were_written),
                cmocka_unit_test(a_copy_stands_where_its_data_are),
                cmocka_unit_test(a_dump_says_where_it_stands_however_it_is_cut),
                cmocka_unit_test(half_a_dump_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
