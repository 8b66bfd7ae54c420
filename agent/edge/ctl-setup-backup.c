/* Setup: what lets other nodes take a copy of this one's data (`mainstayctl
 * provision`): the socket that hands it out, and the account of the backup program. */
#include "domain/account.h"
#include "edge/ctl-setup.h"

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

/* It replicates like the agent's. */
static int look_account(Setup *s) {
        _cleanup_free_ char *statements = NULL, *statement = NULL, *found = NULL, *writable = NULL, *failed = NULL;
        const char *user = str_or(s->facts.user, "mysql");
        int r;

        if (!names_plain(user))
                return 0; /* told elsewhere */
        if (asprintf(&statement, "SELECT COUNT(*) FROM mysql.user WHERE User = '%s'", user) < 0) {
                statement = NULL;
                return -ENOMEM;
        }
        if (setup_sql(s, statement, &found, NULL) != 0)
                return 0; /* the server is down, or lets nobody in: told elsewhere */
        if (found[0] != '0') {
                setup_already(s, "the database account %s, by which copies are made", user);
                return 0;
        }
        r = account_backup_statements(user, &statements);
        if (r < 0)
                return r;
        if (!s->args->check && setup_sql(s, "SELECT @@GLOBAL.read_only", &writable, NULL) == 0 && writable[0] == '0') {
                if (setup_sql(s, statements, NULL, &failed) == 0) {
                        setup_done(s, "made the database account %s, by which copies are made; it replicates to the other nodes", user);
                        return 0;
                }
                setup_missing(s, statements, "the database account %s: %s Type it yourself:", user, str_or(failed, "the server refuses."));
                return 0;
        }
        setup_missing(s, statements, "the database account %s, by which copies of the data are made. On the primary, run this again or type what follows; it replicates to the others.", user);
        return 0;
}

int setup_backup(Setup *s) {
        int r;

        /* Galera has its own way. Of MySQL no copies are made yet. */
        if (!options_asynchronous(&s->facts.options) || setup_flavour(s) != FLAVOUR_MARIADB)
                return 0;
        r = look_socket(s);
        return r < 0 ? r : look_account(s);
}
