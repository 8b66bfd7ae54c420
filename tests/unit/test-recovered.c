/* The log of wsrep-recover, in the words of every server there is. */
#include "domain/recovered.h"
#include "scratch.h"

#define U "37bb872a-ad73-11e5-8ebb-18a9055a02d1"
#define V "93d1e51e-e6a8-11f1-8559-12ff442522c1"
#define ZERO "00000000-0000-0000-0000-000000000000"
#define NOTE "2023-06-04  8:24:23 0 [Note] WSREP: "

static const struct {
        const char *name, *text;
        RecoveredOutcome outcome;
        const char *position;
} table[] = {
        /* The forms of a position. */
        { "MariaDB 10.0", "150604 08:24:23 [Note] WSREP: Recovered position: " U ":48451\n", RECOVERED_POSITION, U ":48451" },
        { "MariaDB, an hour of one digit", NOTE "Recovered position: " U ":48451\n", RECOVERED_POSITION, U ":48451" },
        { "MariaDB 10.11", "2026-11-22 19:26:33 0 [Note] WSREP: Recovered position: " U ":8\n", RECOVERED_POSITION, U ":8" },
        { "with a GTID", NOTE "Recovered position: " U ":48451,201-2001-48431\n", RECOVERED_POSITION, U ":48451" },
        { "with the largest GTID", NOTE "Recovered position: " U ":48451,4294967295-4294967295-9223372036854775807\n", RECOVERED_POSITION, U ":48451" },
        { "PXC 8", "2025-09-30T19:42:19.215975Z 0 [Note] [MY-000000] [WSREP] Recovered position: " U ":48451\n", RECOVERED_POSITION, U ":48451" },
        { "seqno 0", NOTE "Recovered position: " U ":0\n", RECOVERED_POSITION, U ":0" },
        { "beyond what a double holds", NOTE "Recovered position: " U ":9007199254740993\n", RECOVERED_POSITION, U ":9007199254740993" },
        { "the largest", NOTE "Recovered position: " U ":9223372036854775807\n", RECOVERED_POSITION, U ":9223372036854775807" },
        { "no final newline", NOTE "Recovered position: " U ":5", RECOVERED_POSITION, U ":5" },
        { "a carriage return", NOTE "Recovered position: " U ":5\r\n", RECOVERED_POSITION, U ":5" },
        { "tabs", NOTE "Recovered position:\t" U ":5\t \n", RECOVERED_POSITION, U ":5" },
        { "with a log around it", "a\n\nb WSREP: c\n" NOTE "Recovered position: " U ":5\nInnoDB: Starting shutdown...\n", RECOVERED_POSITION, U ":5" },

        /* The last one counts. */
        { "two", NOTE "Recovered position: " U ":9\n" NOTE "Recovered position: " U ":5\n", RECOVERED_POSITION, U ":5" },
        { "two of two clusters", NOTE "Recovered position: " U ":9\n" NOTE "Recovered position: " V ":5\n", RECOVERED_POSITION, V ":5" },
        { "one, then none", NOTE "Recovered position: " U ":9\n" NOTE "Recovered position: " ZERO ":-1\n", RECOVERED_NOTHING, NULL },
        { "one, then a broken one", NOTE "Recovered position: " U ":9\n" NOTE "Recovered position: " U ":x\n", RECOVERED_SILENT, NULL },
        { "a broken one, then one", NOTE "Recovered position: " U ":x\n" NOTE "Recovered position: " U ":9\n", RECOVERED_POSITION, U ":9" },

        /* No position. */
        { "none", NOTE "Recovered position: " ZERO ":-1\n", RECOVERED_NOTHING, NULL },
        { "none, with a GTID", NOTE "Recovered position: " ZERO ":-1,0-0-0\n", RECOVERED_NOTHING, NULL },
        { "a cluster without a seqno", NOTE "Recovered position: " U ":-1\n", RECOVERED_NOTHING, NULL },
        { "-1 printed unsigned", NOTE "Recovered position: " ZERO ":18446744073709551615\n", RECOVERED_NOTHING, NULL },
        { "given at startup", NOTE "Position " U ":-2 given at startup, skipping position recovery\n", RECOVERED_SKIPPED, NULL },
        { "not switched on", "2026-11-22 19:11:55 0 [Note] WSREP: disabled, skipping position recovery\n", RECOVERED_SKIPPED, NULL },
        { "nothing", "", RECOVERED_SILENT, NULL },
        { "only newlines", "\n\n\n", RECOVERED_SILENT, NULL },
        { "another log", "2026-11-22 19:11:26 0 [ERROR] Aborting\n", RECOVERED_SILENT, NULL },

        /* What only looks like one. */
        { "the words of mysqld_safe", "230604 08:24:23 mysqld_safe WSREP: Recovered position " U ":5\n", RECOVERED_SILENT, NULL },
        { "from storage", NOTE "Recovered position from storage: " U ":5\n", RECOVERED_SILENT, NULL },
        { "not from wsrep", "2023-06-04  8:24:23 0 [Note] InnoDB: Recovered position: " U ":5\n", RECOVERED_SILENT, NULL },

        /* Broken ones. */
        { "-2", NOTE "Recovered position: " U ":-2\n", RECOVERED_SILENT, NULL },
        { "no seqno", NOTE "Recovered position: " U ":\n", RECOVERED_SILENT, NULL },
        { "no position", NOTE "Recovered position:\n", RECOVERED_SILENT, NULL },
        { "only blanks", NOTE "Recovered position: \t \n", RECOVERED_SILENT, NULL },
        { "not -1 printed unsigned", NOTE "Recovered position: " ZERO ":18446744073709551614\n", RECOVERED_SILENT, NULL },
        { "cut off", NOTE "Recovered position: 37bb872a-ad73-11e5-8ebb", RECOVERED_SILENT, NULL },
        { "beyond 64 bits", NOTE "Recovered position: " U ":9223372036854775808\n", RECOVERED_SILENT, NULL },
        { "a GTID of two numbers", NOTE "Recovered position: " U ":5,1-2\n", RECOVERED_SILENT, NULL },
        { "an empty GTID", NOTE "Recovered position: " U ":5,\n", RECOVERED_SILENT, NULL },
        { "a GTID with letters", NOTE "Recovered position: " U ":5,a-b-c\n", RECOVERED_SILENT, NULL },
        { "two GTIDs", NOTE "Recovered position: " U ":5,1-2-3,4-5-6\n", RECOVERED_SILENT, NULL },
        { "a domain of 33 bits", NOTE "Recovered position: " U ":5,4294967296-2-3\n", RECOVERED_SILENT, NULL },
        { "a word behind", NOTE "Recovered position: " U ":5 or so\n", RECOVERED_SILENT, NULL },
        { "a seqno without a cluster", NOTE "Recovered position: " ZERO ":5\n", RECOVERED_SILENT, NULL },

        /* Trouble. */
        { "prepared transactions", "2023-06-04  8:24:23 0 [ERROR] Found 3 prepared transactions! It means that server was not shut down properly last time\n[ERROR] Aborting\n", RECOVERED_PREPARED, NULL },
        { "the same, 5.7", "2023-06-04T08:24:23.1Z 0 [ERROR] Found 12 prepared transactions! It means that mysqld was not shut down properly\n", RECOVERED_PREPARED, NULL },
        { "the notice only", "[Note] Found 1 prepared transaction(s) in InnoDB\n" NOTE "Recovered position: " U ":5\n", RECOVERED_POSITION, U ":5" },
        { "a number of something", "Found  prepared transactions!\nFound x prepared transactions!\nFound 3 of Found 4 prepared transaction\n", RECOVERED_SILENT, NULL },
        { "a number and nothing", "Found 3", RECOVERED_SILENT, NULL },
        { "found twice in a line", "Found 3 of which Found 4 prepared transactions!\n", RECOVERED_PREPARED, NULL },
        { "redo of an older version", "2023-06-04  8:24:23 0 [ERROR] InnoDB: Upgrade after a crash is not supported. The redo log was created with MariaDB 10.4.2\n", RECOVERED_OLD_REDO, NULL },
        { "data in use, Aria", "2026-11-22 19:10:56 0 [ERROR] mariadbd: Can't lock aria control file '/var/lib/mysql/aria_log_control' for exclusive use, error: 11. Will retry for 30 seconds\n", RECOVERED_LOCKED, NULL },
        { "data in use, InnoDB", "2026-11-22 19:11:26 0 [ERROR] InnoDB: Unable to lock ./ibdata1 error: 11\n", RECOVERED_LOCKED, NULL },
        { "data in use, MySQL 8", "2025-09-30T19:42:19.2Z 1 [ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1 error: 11\n", RECOVERED_LOCKED, NULL },
        { "a lock that was waited for", "Can't lock aria control file '/x' for exclusive use, error: 11. Will retry for 30 seconds\n" NOTE "Recovered position: " U ":5\n", RECOVERED_POSITION, U ":5" },
        { "a position, then trouble", NOTE "Recovered position: " U ":5\n[ERROR] Found 3 prepared transactions! x\n", RECOVERED_PREPARED, NULL },
        { "two troubles", "InnoDB: Unable to lock ./ibdata1 error: 11\nWSREP: disabled, skipping position recovery\n", RECOVERED_SKIPPED, NULL },
};

static void every_log_is_understood(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                Position p = { .seqno = 4711 };
                char text[POSITION_TEXT_MAX];

                CHECK(recovered_parse(table[i].text, strlen(table[i].text), &p) == table[i].outcome, table[i].name);
                if (table[i].position)
                        CHECK(streq(position_text(&p, text), table[i].position), table[i].name);
                else
                        CHECK(p.seqno == 4711, table[i].name);
        }
}

static void bytes_that_are_no_text_do_no_harm(void **state) {
        static const char text[] = "\0\0\0\xff\n\0" NOTE "Recovered position: " U ":5\n\0\0";
        static const char within[] = NOTE "Recovered position: " U ":5\0 6\n";
        Position p;

        (void) state;
        assert_int_equal(recovered_parse(text, sizeof(text) - 1, &p), RECOVERED_POSITION);
        assert_int_equal(p.seqno, 5);
        assert_int_equal(recovered_parse(within, sizeof(within) - 1, &p), RECOVERED_SILENT);
}

static void every_outcome_has_a_text(void **state) {
        (void) state;
        for (RecoveredOutcome o = 0; o < _RECOVERED_OUTCOME_MAX; o++) {
                assert_true(strlen(recovered_outcome_text(o)) > 30);
                assert_null(strstr(recovered_outcome_text(o), "not known"));
        }
        assert_non_null(strstr(recovered_outcome_text(_RECOVERED_OUTCOME_MAX), "not known"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_log_is_understood),
                cmocka_unit_test(bytes_that_are_no_text_do_no_harm),
                cmocka_unit_test(every_outcome_has_a_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
