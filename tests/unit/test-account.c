/* The agent's account: what makes it, and what it is found to lack. */
#include "domain/account.h"
#include "scratch.h"

static void an_account_is_made_with_the_least(void **state) {
        static const struct {
                Flavour flavour;
                const char *name, *text;
        } cases[] = {
                { FLAVOUR_MARIADB, "mainstay",
                  "CREATE USER IF NOT EXISTS 'mainstay'@'localhost' IDENTIFIED VIA unix_socket;\n"
                  "GRANT BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, READ_ONLY ADMIN, RELOAD ON *.* TO 'mainstay'@'localhost';" },
                { FLAVOUR_MARIADB, "agent",
                  "CREATE USER IF NOT EXISTS 'agent'@'localhost' IDENTIFIED VIA unix_socket AS 'mainstay';\n"
                  "GRANT BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, READ_ONLY ADMIN, RELOAD ON *.* TO 'agent'@'localhost';" },
                { FLAVOUR_MYSQL, "agent",
                  "CREATE USER IF NOT EXISTS 'agent'@'localhost' IDENTIFIED WITH auth_socket AS 'mainstay';\n"
                  "GRANT REPLICATION CLIENT, REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, RELOAD, CLONE_ADMIN, BACKUP_ADMIN ON *.* TO 'agent'@'localhost';\n"
                  "GRANT SELECT ON performance_schema.threads TO 'agent'@'localhost';" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(account_statements(cases[i].flavour, cases[i].name, "mainstay", &text), 0);
                assert_string_equal(text, cases[i].text);
        }
}

#define TO " TO `mainstay`@`localhost`"
#define MARIADB_ALL "GRANT RELOAD, BINLOG MONITOR, READ_ONLY ADMIN, REPLICATION MASTER ADMIN, REPLICATION SLAVE ADMIN, SLAVE MONITOR ON *.*" TO " IDENTIFIED VIA unix_socket\n"
#define THREADS "GRANT SELECT ON `performance_schema`.`threads`" TO "\n"
#define MYSQL_ALL "GRANT BACKUP_ADMIN,CLONE_ADMIN,REPLICATION_SLAVE_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.*" TO "\n"

/* As the servers wrote them. */
static void what_it_lacks_is_told(void **state) {
        static const struct {
                const char *name, *grants, *lacks;
                Flavour flavour;
        } cases[] = {
                { "MariaDB, all", "Grants for mainstay@localhost\n" MARIADB_ALL, "", FLAVOUR_MARIADB },
                { "MariaDB, everything", "GRANT ALL PRIVILEGES ON *.*" TO " WITH GRANT OPTION", "", FLAVOUR_MARIADB },
                { "MariaDB, of an earlier release", "GRANT BINLOG MONITOR, SLAVE MONITOR ON *.*" TO " IDENTIFIED VIA unix_socket\n",
                  "REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, READ_ONLY ADMIN, RELOAD", FLAVOUR_MARIADB },
                { "MariaDB, what only begins alike", "GRANT RELOAD, REPLICATION SLAVE, BINLOG MONITOR, READ_ONLY ADMIN, SLAVE MONITOR ON *.*" TO "\n", "REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN", FLAVOUR_MARIADB },
                { "MariaDB, only on one database", "GRANT USAGE ON *.*" TO "\nGRANT ALL PRIVILEGES ON `lab`.*" TO "\n",
                  "BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, READ_ONLY ADMIN, RELOAD", FLAVOUR_MARIADB },
                { "MySQL, all", "GRANT RELOAD, REPLICATION CLIENT ON *.*" TO "\n" MYSQL_ALL THREADS, "", FLAVOUR_MYSQL },
                { "MySQL, without the table", "GRANT RELOAD, REPLICATION CLIENT ON *.*" TO "\n" MYSQL_ALL,
                  "SELECT on performance_schema.threads", FLAVOUR_MYSQL },
                { "MySQL, more than the table", "GRANT SELECT, RELOAD, REPLICATION CLIENT ON *.*" TO "\n" MYSQL_ALL, "", FLAVOUR_MYSQL },
                { "MySQL, of an earlier release", "GRANT RELOAD, REPLICATION CLIENT ON *.*" TO "\nGRANT REPLICATION_SLAVE_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.*" TO "\n" THREADS,
                  "CLONE_ADMIN, BACKUP_ADMIN", FLAVOUR_MYSQL },
                { "nothing", "", "REPLICATION CLIENT, REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, RELOAD, CLONE_ADMIN, BACKUP_ADMIN, SELECT on performance_schema.threads", FLAVOUR_MYSQL },
                { "nonsense", "GRANT \n ON *.* \nGRANT ON *.* \nGRANT , ON *.* ", "BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, READ_ONLY ADMIN, RELOAD", FLAVOUR_MARIADB },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_free_ char *lacks = NULL;

                CHECK(account_lacks(cases[i].flavour, cases[i].grants, &lacks) == 0, cases[i].name);
                if (!streq(lacks, cases[i].lacks))
                        fail_msg("%s: \"%s\"", cases[i].name, lacks);
        }
}

static void a_primary_is_told_of_the_one_that_replicates(void **state) {
        _cleanup_free_ char *text = NULL, *clones = NULL;

        (void) state;
        assert_int_equal(account_replication_statements(FLAVOUR_MARIADB, "replicator", &text), 0);
        assert_string_equal(text, "CREATE USER IF NOT EXISTS 'replicator'@'%' IDENTIFIED BY '...';\n"
                                  "GRANT REPLICATION SLAVE ON *.* TO 'replicator'@'%';");
        assert_int_equal(account_replication_statements(FLAVOUR_MYSQL, "replicator", &clones), 0);
        assert_non_null(strstr(clones, "GRANT REPLICATION SLAVE, BACKUP_ADMIN ON *.*"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_account_is_made_with_the_least),
                cmocka_unit_test(what_it_lacks_is_told),
                cmocka_unit_test(a_primary_is_told_of_the_one_that_replicates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
