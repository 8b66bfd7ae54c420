/* What is said to servers that replicate, statement by statement. */
#include "domain/replication-sql.h"
#include "scratch.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"

static void versions_tell_the_servers_apart(void **state) {
        static const struct {
                const char *text;
                Flavour flavour; /* FLAVOUR_UNKNOWN: refused */
                unsigned number;
        } cases[] = {
                { "10.11.19-MariaDB-0+deb12u1-log", FLAVOUR_MARIADB, 101119 },
                { "11.8.3-MariaDB-0+deb13u1 from Debian", FLAVOUR_MARIADB, 110803 },
                { "5.5.5-10.11.6-MariaDB", FLAVOUR_MARIADB, 101106 },
                { "5.5.5-m4", FLAVOUR_MYSQL, 50505 },
                { "8.0.23", FLAVOUR_MYSQL, 80023 },
                { "8.0.22-commercial", FLAVOUR_MYSQL, 80022 },
                { "9.7.0-1", FLAVOUR_MYSQL, 90700 },
                { "", FLAVOUR_UNKNOWN, 0 },
                { "8.0", FLAVOUR_UNKNOWN, 0 },
                { "MariaDB", FLAVOUR_UNKNOWN, 0 },
                { "8.0.x", FLAVOUR_UNKNOWN, 0 },
                { "8.-1.2", FLAVOUR_UNKNOWN, 0 },
                { "8.100.2", FLAVOUR_UNKNOWN, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                ServerVersion v = {0};
                int r = server_version_parse(cases[i].text, &v);

                CHECK(r == (cases[i].flavour == FLAVOUR_UNKNOWN ? -EBADMSG : 0), cases[i].text);
                CHECK(v.flavour == cases[i].flavour && v.number == cases[i].number, cases[i].text);
        }
}

/* Another row of the same kind would be the wrong one for one of the two. */
static void each_server_is_told_in_its_own_words(void **state) {
        static const struct {
                ReplicationSql which;
                const char *mariadb, *mysql;
        } cases[] = {
                { REPLICATION_SQL_STATUS, "SHOW ALL SLAVES STATUS", "SHOW REPLICA STATUS" },
                { REPLICATION_SQL_STOP, "STOP ALL SLAVES", "STOP REPLICA" },
                { REPLICATION_SQL_START, "START ALL SLAVES", "START REPLICA" },
                { REPLICATION_SQL_READ_ONLY, "SELECT @@GLOBAL.read_only, @@GLOBAL.read_only", "SELECT @@GLOBAL.read_only, @@GLOBAL.super_read_only" },
                { REPLICATION_SQL_FENCE, "SET GLOBAL read_only = ON", "SET GLOBAL super_read_only = ON" },
                { REPLICATION_SQL_UNFENCE, "SET GLOBAL read_only = OFF", "SET GLOBAL read_only = OFF" },
                { REPLICATION_SQL_CLONES, "SELECT 0", "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'clone' AND PLUGIN_STATUS = 'ACTIVE'" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_string_equal(replication_sql(cases[i].which, FLAVOUR_MARIADB), cases[i].mariadb);
                assert_string_equal(replication_sql(cases[i].which, FLAVOUR_MYSQL), cases[i].mysql);
        }
        for (int which = 0; which < _REPLICATION_SQL_MAX; which++)
                for (int flavour = FLAVOUR_MARIADB; flavour <= FLAVOUR_MYSQL; flavour++)
                        assert_non_null(replication_sql((ReplicationSql) which, (Flavour) flavour));
}

static void a_source_is_followed_by_gtid(void **state) {
        static const struct {
                Flavour flavour;
                const char *host;
                unsigned port;
                const char *user, *password, *text; /* NULL: refused */
        } cases[] = {
                { FLAVOUR_MARIADB, "db1", 3306, "r", "o\\'x", "CHANGE MASTER TO MASTER_HOST = 'db1', MASTER_PORT = 3306, MASTER_USER = 'r', MASTER_PASSWORD = 'o\\'x', MASTER_CONNECT_RETRY = 5, MASTER_USE_GTID = slave_pos" },
                { FLAVOUR_MARIADB, "2001:db8::1", 1, NULL, NULL, "CHANGE MASTER TO MASTER_HOST = '2001:db8::1', MASTER_PORT = 1, MASTER_CONNECT_RETRY = 5, MASTER_USE_GTID = slave_pos" },
                { FLAVOUR_MYSQL, "db1.example.com", 65535, "r", "x",
                  "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'db1.example.com', SOURCE_PORT = 65535, SOURCE_USER = 'r', SOURCE_PASSWORD = 'x', SOURCE_CONNECT_RETRY = 5, SOURCE_RETRY_COUNT = 4294967295, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1" },
                { FLAVOUR_MYSQL, "10.0.0.1", 3306, NULL, NULL, "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.0.0.1', SOURCE_PORT = 3306, SOURCE_CONNECT_RETRY = 5, SOURCE_RETRY_COUNT = 4294967295, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1" },
                { FLAVOUR_MYSQL, "db1'", 3306, NULL, NULL, NULL },
                { FLAVOUR_MARIADB, "db 1", 3306, NULL, NULL, NULL },
                { FLAVOUR_MARIADB, "db1\\", 3306, NULL, NULL, NULL },
                { FLAVOUR_MARIADB, "-h", 3306, NULL, NULL, NULL },
                { FLAVOUR_MARIADB, "", 3306, NULL, NULL, NULL },
                { FLAVOUR_MARIADB, "db1", 0, NULL, NULL, NULL },
                { FLAVOUR_MARIADB, "db1", 65536, NULL, NULL, NULL },
                { FLAVOUR_MARIADB, "db1", 3306, "r", NULL, NULL },
                { FLAVOUR_MARIADB, "db1", 3306, NULL, "x", NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_free_ char *text = NULL;
                int r = replication_sql_follow(cases[i].flavour, cases[i].host, cases[i].port, cases[i].user, cases[i].password, NULL, &text);

                CHECK(r == (cases[i].text ? 0 : -EINVAL), cases[i].host);
                CHECK(streq_null(text, cases[i].text), cases[i].host);
        }
}

/* A minute and ten times are the vendors'; a person has said anything else. */
static void a_source_that_is_away_is_tried_again_soon(void **state) {
        static const struct {
                const char *what;
                Flavour flavour;
                ReplicationRetry now;
                const char *seconds, *count; /* what is said of each, NULL: nothing */
        } cases[] = {
                { "MariaDB's own", FLAVOUR_MARIADB, { 60, -1 }, "MASTER_CONNECT_RETRY = 5", NULL },
                { "another", FLAVOUR_MARIADB, { 10, -1 }, NULL, NULL },
                { "one that does not say", FLAVOUR_MARIADB, { -1, -1 }, "MASTER_CONNECT_RETRY = 5", NULL },
                { "a count, which MariaDB cannot be told", FLAVOUR_MARIADB, { 10, 10 }, NULL, NULL },
                { "MySQL's own", FLAVOUR_MYSQL, { 60, 10 }, "SOURCE_CONNECT_RETRY = 5", "SOURCE_RETRY_COUNT = 4294967295" },
                { "that of old", FLAVOUR_MYSQL, { 60, 86400 }, "SOURCE_CONNECT_RETRY = 5", "SOURCE_RETRY_COUNT = 4294967295" },
                { "another time", FLAVOUR_MYSQL, { 1, 10 }, NULL, "SOURCE_RETRY_COUNT = 4294967295" },
                { "another count", FLAVOUR_MYSQL, { 60, 3 }, "SOURCE_CONNECT_RETRY = 5", NULL },
                { "none of the count", FLAVOUR_MYSQL, { 1, 0 }, NULL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(replication_sql_follow(cases[i].flavour, "db1", 3306, NULL, NULL, &cases[i].now, &text), 0);
                CHECK(cases[i].seconds ? strstr(text, cases[i].seconds) != NULL : !strstr(text, "CONNECT_RETRY"), cases[i].what);
                CHECK(cases[i].count ? strstr(text, cases[i].count) != NULL : !strstr(text, "RETRY_COUNT"), cases[i].what);
        }
}

static void a_channel_is_forgotten(void **state) {
        static const struct {
                Flavour flavour;
                const char *name, *text;
        } cases[] = {
                { FLAVOUR_MARIADB, "", "RESET SLAVE '' ALL" },
                { FLAVOUR_MARIADB, "a\\'b", "RESET SLAVE 'a\\'b' ALL" },
                { FLAVOUR_MYSQL, "a", "RESET REPLICA ALL" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(replication_sql_forget(cases[i].flavour, cases[i].name, &text), 0);
                assert_string_equal(text, cases[i].text);
        }
}

static void gtids_are_waited_for_in_the_servers_own_form(void **state) {
        static const struct {
                Flavour flavour;
                const char *gtids;
                unsigned seconds;
                const char *text; /* NULL: refused */
        } cases[] = {
                { FLAVOUR_MARIADB, "0-1-5,1-2-7", 10, "SELECT MASTER_GTID_WAIT('0-1-5,1-2-7', 10)" },
                { FLAVOUR_MARIADB, "0-1-5", 0, "SELECT MASTER_GTID_WAIT('0-1-5', 0)" },
                { FLAVOUR_MARIADB, "", 1, "SELECT MASTER_GTID_WAIT('', 1)" },
                { FLAVOUR_MYSQL, A ":1-5,\n" A ":7", 10, "SELECT WAIT_FOR_EXECUTED_GTID_SET('" A ":1-5:7', 10)" },
                /* To MySQL a wait of 0 s is one without end. */
                { FLAVOUR_MYSQL, A ":1-5", 0, "SELECT NOT GTID_SUBSET('" A ":1-5', @@GLOBAL.gtid_executed)" },
                { FLAVOUR_MARIADB, "0-1-5', 0); DROP TABLE x; --", 1, NULL },
                { FLAVOUR_MARIADB, A ":1-5", 1, NULL },
                { FLAVOUR_MARIADB, "0-1-5,0-2-6", 1, NULL },
                { FLAVOUR_MYSQL, "0-1-5", 1, NULL },
                { FLAVOUR_MYSQL, A ":1-5')", 1, NULL },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_free_ char *text = NULL;
                char error[256] = "";
                int r = replication_sql_wait(cases[i].flavour, cases[i].gtids, cases[i].seconds, &text, error);

                CHECK(r == (cases[i].text ? 0 : -EBADMSG), cases[i].gtids);
                CHECK(streq_null(text, cases[i].text), cases[i].gtids);
                CHECK((r == 0) == (error[0] == '\0'), cases[i].gtids);
        }
}

static void a_position_is_set_and_asked_for(void **state) {
        _cleanup_free_ char *set = NULL, *ask = NULL, *none = NULL;
        Gtid gtid[] = { { 0, 1, 5 }, { 7, 2, UINT64_MAX } };
        const GtidList list = { ELEMENTS(gtid), gtid };
        char error[256] = "";

        (void) state;
        assert_int_equal(replication_sql_position(&list, &set), 0);
        assert_string_equal(set, "SET GLOBAL gtid_slave_pos = '0-1-5,7-2-18446744073709551615'");
        assert_int_equal(replication_sql_ask("0-1-5", &ask, error), 0);
        assert_string_equal(ask, "SET @mariadb_slave_capability = 4, @master_binlog_checksum = 'CRC32', @slave_connect_state = '0-1-5',"
                                 " @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0");
        assert_int_equal(replication_sql_ask("0-1-5'", &none, error), -EBADMSG);
        assert_null(none);
        assert_true(error[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(versions_tell_the_servers_apart),
                cmocka_unit_test(each_server_is_told_in_its_own_words),
                cmocka_unit_test(a_source_is_followed_by_gtid),
                cmocka_unit_test(a_source_that_is_away_is_tried_again_soon),
                cmocka_unit_test(a_channel_is_forgotten),
                cmocka_unit_test(gtids_are_waited_for_in_the_servers_own_form),
                cmocka_unit_test(a_position_is_set_and_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
