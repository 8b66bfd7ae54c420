/* Setup: what lets other nodes take a copy of this one's data (`mainstayctl
 * provision`): the socket that hands it out, and the account of the backup program. */
#include "domain/account.h"
#include "domain/replication-sql.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-setup-undo.h"

#define SOCKET_UNIT "mainstay-backup.socket"

static bool socket_is(const char *verb) {
        const char *const argv[] = { "systemctl", verb, "--quiet", SOCKET_UNIT, NULL };

        return setup_run(argv, NULL, NULL) == 0;
}

static int look_socket(Setup *s) {
        static const char *const enable[] = { "systemctl", "enable", "--now", SOCKET_UNIT, NULL };

        if (socket_is("is-enabled") && socket_is("is-active"))
                setup_already(s, SOCKET_UNIT " hands out copies of the data to the other nodes");
        else if (s->args->check)
                setup_missing(s, "systemctl enable --now " SOCKET_UNIT, SOCKET_UNIT ", which hands out copies of the data to the other nodes, does not listen");
        else if (setup_must(s, enable) >= 0)
                setup_done(s, "enabled and started " SOCKET_UNIT ": it hands out copies of the data to the other nodes");
        return 0;
}

/* It replicates like the agent's. One that was there with fewer rights is somebody's, and
 * stays when this is undone. */
static int look_account(Setup *s) {
        _cleanup_free_ char *statements = NULL, *statement = NULL, *ask = NULL, *found = NULL, *there = NULL, *writable = NULL, *failed = NULL;
        const char *user = str_or(s->facts.user, "mysql");
        int r;

        if (!names_plain(user))
                return 0; /* told elsewhere */
        if (asprintf(&statement, "SELECT COUNT(*) FROM mysql.user WHERE User = '%s' AND Host = 'localhost' AND Select_priv = 'Y' AND Reload_priv = 'Y' AND Process_priv = 'Y'"
                     " AND Lock_tables_priv = 'Y' AND Show_view_priv = 'Y' AND Trigger_priv = 'Y' AND Event_priv = 'Y'", user) < 0) {
                statement = NULL;
                return -ENOMEM;
        }
        if (asprintf(&ask, "SELECT COUNT(*) FROM mysql.user WHERE User = '%s' AND Host = 'localhost'", user) < 0) {
                ask = NULL;
                return -ENOMEM;
        }
        if (setup_sql(s, statement, &found, NULL) != 0 || setup_sql(s, ask, &there, NULL) != 0)
                return 0; /* the server is down, or lets nobody in: told elsewhere */
        if (found[0] != '0') {
                setup_already(s, "the database account %s, by which copies are made", user);
                return 0;
        }
        r = account_backup_statements(setup_flavour(s), user, &statements);
        if (r < 0)
                return r;
        if (!s->args->check && setup_sql(s, "SELECT @@GLOBAL.read_only", &writable, NULL) == 0 && writable[0] == '0') {
                if (setup_sql(s, statements, NULL, &failed) == 0) {
                        if (there[0] == '0')
                                (void) setup_record("account %s", user);
                        setup_done(s, there[0] == '0' ? "made the database account %s, by which copies are made; it replicates to the other nodes"
                                                      : "gave the database account %s the rights by which copies are made; that replicates to the other nodes", user);
                        return 0;
                }
                setup_missing(s, statements, "the database account %s: %s Type it yourself:", user, str_or(failed, "the server refuses."));
                return 0;
        }
        setup_missing(s, statements, "the database account %s, by which copies of the data are made. On the primary, run this again or type what follows; it replicates to the others.", user);
        return 0;
}

/* For this server alone: nothing of it replicates. One that is super_read_only loads no
 * plugin; for that moment it is read_only alone, so no application can write. */
int setup_sql_local(Setup *s, const char *statement, char **ret_failed) {
        _cleanup_free_ char *was = NULL, *whole = NULL, *failed = NULL;
        int r;

        if (asprintf(&whole, "SET SESSION sql_log_bin = 0; %s", statement) < 0) {
                whole = NULL;
                return -ENOMEM;
        }
        if (setup_sql(s, "SELECT @@GLOBAL.super_read_only", &was, NULL) != 0)
                was = NULL;
        if (was && was[0] == '1')
                (void) setup_sql(s, "SET GLOBAL super_read_only = OFF", NULL, NULL);
        r = setup_sql(s, whole, NULL, ret_failed);
        if (was && was[0] == '1' && setup_sql(s, "SET GLOBAL super_read_only = ON", NULL, &failed) != 0)
                setup_missing(s, "SET GLOBAL super_read_only = ON", "super_read_only, which was on: %s", str_or(failed, "the server refuses."));
        return r;
}

/* What `ask` counts is to be there, and `make` makes it; `record`, where it is to be
 * known that we did, or NULL. */
static int look_local(Setup *s, const char *ask, const char *make, const char *what, const char *record) {
        _cleanup_free_ char *found = NULL, *failed = NULL;

        if (setup_sql(s, ask, &found, NULL) != 0)
                return 0; /* the server is down, or lets nobody in: told elsewhere */
        if (found[0] != '0')
                setup_already(s, "%s", what);
        else if (s->args->check)
                setup_missing(s, make, "%s", what);
        else if (setup_sql_local(s, make, &failed) == 0) {
                if (record)
                        (void) setup_record("%s", record);
                setup_done(s, "made, on this server alone: %s", what);
        }
        else
                setup_missing(s, make, "%s: %s", what, str_or(failed, "the server refuses."));
        return 0;
}

/* MySQL's own way, on both sides. The table of its progress comes with the plugin: a
 * GRANT on it that replicates would fail where that is not loaded (measured, 9.7). */
static int look_clone(Setup *s) {
        const char *account = names_plain(s->facts.config->account) ? s->facts.config->account : AGENT_USER;
        _cleanup_free_ char *ask = NULL, *grant = NULL;
        int r;

        r = look_local(s, replication_sql(REPLICATION_SQL_CLONES, FLAVOUR_MYSQL),
                       "INSTALL PLUGIN clone SONAME 'mysql_clone.so'", "the server's clone plugin, by which copies are made", "plugin clone");
        if (r < 0)
                return r;
        if (asprintf(&ask, "SELECT COUNT(*) FROM mysql.tables_priv WHERE Db = 'performance_schema' AND Table_name = 'clone_progress' AND User = '%s'", account) < 0) {
                ask = NULL;
                return -ENOMEM;
        }
        if (asprintf(&grant, "GRANT SELECT ON performance_schema.clone_progress TO '%s'@'localhost'", account) < 0) {
                grant = NULL;
                return -ENOMEM;
        }
        return look_local(s, ask, grant, "the agent's right to see how far a clone is", NULL);
}

int setup_backup(Setup *s) {
        int r;

        /* Galera has its own way. */
        if (!options_asynchronous(&s->facts.options))
                return 0;
        r = look_socket(s);
        if (r >= 0)
                r = look_account(s);
        return r >= 0 && setup_flavour(s) == FLAVOUR_MYSQL ? look_clone(s) : r;
}
