/* Setup: the account by which this node's server replicates, so that Mainstay
 * can point it at another source, or ask one whether it may begin there.
 *
 * It is root's file. systemd hands it to the agent as a credential, by a drop-in
 * that is there only together with it: a unit whose credential is missing does
 * not start. */
#include "domain/account.h"
#include "domain/credentials.h"
#include "edge/ctl-setup.h"
#include "sys/file.h"

#include <fcntl.h>

#define FILE_PATH REPLICATION_FILE
#define DROPIN_PATH REPLICATION_DROPIN
#define PASSWORD_FILE_MAX ((size_t) 4096)
#define TELL_IT "mainstayctl setup --replication-user NAME --replication-password-file FILE"

static const char dropin[] =
        "# Made by `mainstayctl setup`: the account by which this node's server replicates.\n"
        "# Without that file the agent would not start; it goes where this one goes.\n"
        "[Service]\n"
        "LoadCredential=replication.cnf:" FILE_PATH "\n";

/* Its first line, which is to be all of it. */
static int read_password(const char *path, char **ret) {
        char *text = NULL;
        size_t size = 0, n;
        int r;

        r = streq(path, "-") ? setup_stdin(PASSWORD_FILE_MAX, &text) : file_read(AT_FDCWD, path, PASSWORD_FILE_MAX, &text, &size, NULL);
        if (r < 0)
                return r;
        n = strcspn(text, "\n");
        if (text[n] == '\n' && text[n + 1] == '\0')
                text[n] = '\0';
        *ret = text;
        return 0;
}

/* Whatever was there before, nobody else can read what is written now: a file that is
 * replaced keeps its owner and mode. */
static int write_file(const char *text) {
        struct stat st;

        if (lstat(FILE_PATH, &st) == 0 && S_ISREG(st.st_mode) && (st.st_uid != 0 || (st.st_mode & 07777) != 0600))
                if (lchown(FILE_PATH, 0, 0) < 0 || chmod(FILE_PATH, 0600) < 0)
                        return -errno;
        return setup_write(FILE_PATH, text, 0600);
}

int setup_password(Setup *s) {
        return s->password ? 0 : read_password(s->args->replication_password_file, &s->password);
}

/* What was given on the command line. 1 where it was taken. */
static int take(Setup *s) {
        char *text = NULL, error[256] = "";
        int r;

        r = setup_password(s);
        if (r < 0) {
                setup_missing(s, "", "the password of the account that replicates: %s cannot be read: %s", s->args->replication_password_file, strerror(-r));
                return 0;
        }
        r = credentials_format(s->args->replication_user, s->password, &text, error);
        if (r == -EINVAL) {
                setup_missing(s, "", "an account that replicates: %s", error);
                return 0;
        }
        if (r >= 0)
                r = write_file(text);
        text = credentials_forget(text);
        if (r < 0)
                return r;
        if (r == 0)
                setup_already(s, FILE_PATH " has this account");
        else {
                setup_done(s, "wrote " FILE_PATH ": the account by which this node's server replicates");
                s->restart_agent = true;
        }
        return 1;
}

/* The account as the file has it. 0 where there is none that is good, and that is told. */
static int read_file(Setup *s, Credentials *ret) {
        char *text = NULL, error[256] = "";
        struct stat st;
        size_t size;
        int r;

        r = file_read(AT_FDCWD, FILE_PATH, 16384, &text, &size, &st);
        if (r == -ENOENT) {
                setup_missing(s, TELL_IT, "the account by which servers replicate here: without it a node that was the primary cannot return as a replica, "
                                          "nor can a source be asked whether it still has what a replica lacks.");
                return 0;
        }
        if (r < 0) {
                setup_missing(s, TELL_IT, FILE_PATH ": %s", strerror(-r));
                return 0;
        }
        r = credentials_parse(text, size, ret, error);
        text = credentials_forget(text);
        if (r == -EBADMSG) {
                setup_missing(s, TELL_IT, FILE_PATH ": %s", error);
                return 0;
        }
        if (r < 0)
                return r;
        if (st.st_uid == 0 && (st.st_mode & 07777 & ~0600) == 0)
                return 1;
        if (s->args->check)
                setup_missing(s, "chown root: " FILE_PATH "; chmod 0600 " FILE_PATH, FILE_PATH " is not root's alone, and holds a password");
        else if (chown(FILE_PATH, 0, 0) < 0 || chmod(FILE_PATH, 0600) < 0)
                return -errno;
        else
                setup_done(s, "made " FILE_PATH " root's alone, for it holds a password");
        return 1;
}

/* A drop-in without its file would keep the agent from starting. 1 where it was
 * removed. */
static int remove_dropin(Setup *s) {
        int r;

        if (access(DROPIN_PATH, F_OK) < 0)
                return 0;
        if (s->args->check) {
                setup_missing(s, "rm " DROPIN_PATH "; systemctl daemon-reload", DROPIN_PATH " names a file that is not there: the agent will not start");
                return 0;
        }
        if (unlink(DROPIN_PATH) < 0)
                return -errno;
        r = setup_sync(DROPIN_PATH);
        if (r < 0)
                return r;
        setup_done(s, "removed " DROPIN_PATH ", for the file that it names is not there");
        return 1;
}

/* By that account MySQL lets itself be cloned, too: 0 where it has no right to that, and
 * 1 where it has, or the server does not tell. */
static int may_clone(Setup *s, const char *hex) {
        _cleanup_free_ char *statement = NULL, *found = NULL;

        if (asprintf(&statement, "SELECT COUNT(*) FROM mysql.global_grants WHERE USER = X'%s' AND PRIV = 'BACKUP_ADMIN'", hex) < 0) {
                statement = NULL;
                return -ENOMEM;
        }
        return setup_sql(s, statement, &found, NULL) != 0 || found[0] != '0';
}

/* Accounts replicate like everything else: this server's are the primary's, or
 * soon will be. */
static int look_account(Setup *s, const char *user) {
        _cleanup_free_ char *statements = NULL, *statement = NULL, *found = NULL;
        char hex[2 * CREDENTIALS_USER_MAX + 1];
        int may;

        for (size_t i = 0; user[i]; i++)
                (void) snprintf(hex + 2 * i, 3, "%02x", (unsigned char) user[i]);
        if (asprintf(&statement, "SELECT IF(COUNT(*) = 0, 'none', IF(MAX(Repl_slave_priv) = 'Y', 'good', 'weak')) FROM mysql.user WHERE User = X'%s'", hex) < 0) {
                statement = NULL;
                return -ENOMEM;
        }
        if (setup_sql(s, statement, &found, NULL) != 0)
                return 0; /* the server is down, or lets nobody in: told elsewhere */
        found[strcspn(found, "\n")] = '\0';
        may = streq(found, "good");
        if (may && setup_flavour(s) == FLAVOUR_MYSQL)
                may = may_clone(s, hex);
        if (may < 0)
                return may;
        if (may) {
                setup_already(s, "the database account %s, by which servers replicate", user);
                return 0;
        }
        if (names_plain(user) && account_replication_statements(setup_flavour(s), user, &statements) < 0)
                return -ENOMEM;
        setup_missing(s, str_or(statements, ""), "the database account %s, by which servers are to replicate: %s On the primary, with its password in place of the dots:", user,
                      streq(found, "none") ? "it is not there." : "it may not.");
        return 0;
}

/* MariaDB has no super_read_only: who has this privilege writes on a replica, too. */
int setup_writers(Setup *s) {
        const char *account = names_plain(s->facts.config->account) ? s->facts.config->account : AGENT_USER;
        _cleanup_free_ char *statement = NULL, *found = NULL;

        if (!options_asynchronous(&s->facts.options) || setup_flavour(s) != FLAVOUR_MARIADB)
                return 0;
        if (asprintf(&statement,
                     "SELECT GROUP_CONCAT(DISTINCT GRANTEE ORDER BY GRANTEE SEPARATOR ', ') FROM information_schema.USER_PRIVILEGES "
                     "WHERE PRIVILEGE_TYPE IN (\"READ_ONLY ADMIN\", \"READ ONLY ADMIN\") "
                     "AND GRANTEE NOT IN (\"'root'@'localhost'\", \"'mysql'@'localhost'\", \"'mariadb.sys'@'localhost'\", \"'%s'@'localhost'\")", account) < 0) {
                statement = NULL;
                return -ENOMEM;
        }
        if (setup_sql(s, statement, &found, NULL) != 0)
                return 0; /* the server is down, or lets nobody in: told elsewhere */
        found[strcspn(found, "\n")] = '\0';
        if (found[0] == '\0' || streq(found, "NULL"))
                setup_already(s, "no account of an application writes where the server is read-only");
        else
                setup_note(s, "These accounts write although the server is read-only, on a replica too: %s. Where an application uses one, on the primary: REVOKE READ_ONLY ADMIN ON *.* FROM ...", found);
        return 0;
}

int setup_replication(Setup *s) {
        static const char *const reload[] = { "systemctl", "daemon-reload", NULL };
        _cleanup_credentials_ Credentials c = {0};
        int r;

        if (!options_asynchronous(&s->facts.options)) {
                if (s->args->replication_user)
                        setup_missing(s, "", "a server that replicates by an account: this one is a node of a Galera cluster");
                return 0;
        }
        if (s->args->replication_user && s->pass == 0) {
                r = take(s);
                if (r <= 0)
                        return r;
        }
        r = read_file(s, &c);
        if (r < 0)
                return r;
        if (r == 0 && access(FILE_PATH, F_OK) == 0)
                return 0; /* it is no good, and a person has to see to it */
        r = r > 0 ? setup_file(s, DROPIN_PATH, dropin, "the agent is given that account") : remove_dropin(s);
        if (r < 0)
                return r;
        if (r > 0) {
                s->restart_agent = true;
                (void) setup_must(s, reload);
        }
        return c.user && !s->args->keys ? look_account(s, c.user) : 0;
}
