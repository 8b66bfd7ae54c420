/* Setup: the server's configuration, and the agent's account in the database.
 *
 * Both are asked for and made with the server's own client, as a person would
 * do it, so that whatever lets root in (unix_socket, ~/.my.cnf) works here. */
#include "domain/account.h"
#include "edge/ctl-setup.h"

#include <sys/stat.h>

#define ACCOUNT_MAX 80

static const char *client(void) {
        return access("/usr/bin/mariadb", X_OK) == 0 ? "mariadb" : "mysql";
}

/* The client repeats the statement before it says what is wrong with it. */
static void last_line(char *text) {
        size_t end = strlen(text);
        char *line;

        while (end > 0 && text[end - 1] == '\n')
                text[--end] = 0;
        line = strrchr(text, '\n');
        if (line)
                memmove(text, line + 1, strlen(line));
}

int setup_sql(Setup *s, const char *statement, char **ret_output, char **ret_complaint) {
        _cleanup_free_ char *socket = NULL;
        const char *argv[] = { client(), "--batch", "--skip-column-names", "--connect-timeout=5", NULL, "--execute", statement, NULL };
        int r;

        if (asprintf(&socket, "--socket=%s", s->facts.config->socket) < 0) {
                socket = NULL;
                return -ENOMEM;
        }
        argv[4] = socket;
        r = setup_run(argv, ret_output, ret_complaint);
        if (ret_complaint && *ret_complaint)
                last_line(*ret_complaint);
        return r;
}

/* One value; "" where the server does not have it. */
static char *sql_value(Setup *s, const char *statement) {
        char *output = NULL;

        if (setup_sql(s, statement, &output, NULL) != 0 || !output) {
                free(output);
                return strdup("");
        }
        output[strcspn(output, "\n")] = 0;
        return output;
}

static bool is_on(const char *value) {
        return streq(value, "1") || strcasecmp(value, "ON") == 0;
}

typedef enum Server {
        SERVER_DOWN,
        SERVER_REFUSES,  /* it is up, and does not let root in */
        SERVER_READ_ONLY, /* up, and nothing can be written, or it is not in the cluster */
        SERVER_WRITABLE,
} Server;

static Server server_state(Setup *s, char **ret_complaint) {
        _cleanup_free_ char *on = NULL, *ready = NULL, *read_only = NULL, *tab = NULL;

        *ret_complaint = NULL;
        if (setup_sql(s, "SELECT 1", NULL, ret_complaint) != 0) {
                bool down = *ret_complaint && (strstr(*ret_complaint, "2002") || strstr(*ret_complaint, "2003"));

                return down ? SERVER_DOWN : SERVER_REFUSES;
        }
        on = sql_value(s, "SELECT @@GLOBAL.wsrep_on");
        ready = sql_value(s, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'");
        read_only = sql_value(s, "SELECT @@GLOBAL.read_only");
        if (!on || !ready || !read_only)
                return SERVER_READ_ONLY;
        tab = strchr(ready, '\t') ? strdup(strchr(ready, '\t') + 1) : strdup("");
        if ((is_on(on) && tab && !is_on(tab)) || is_on(read_only))
                return SERVER_READ_ONLY;
        return SERVER_WRITABLE;
}

/* Where this system keeps pieces of the server's configuration. */
const char *setup_conf_dir(void) {
        static const char *const dirs[] = { "/etc/mysql/mariadb.conf.d", "/etc/mysql/mysql.conf.d", "/etc/my.cnf.d", "/etc/mysql/conf.d" };
        struct stat st;

        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                if (stat(dirs[i], &st) == 0 && S_ISDIR(st.st_mode))
                        return dirs[i];
        return NULL;
}

/* What a node was made by Mainstay, it is to be after the next start of its server,
 * too. */
int setup_pins(Setup *s) {
        static const char text[] = "# Made by `mainstayctl setup`. What Mainstay has made of this node (read-only, or\n"
                                   "# with its replication stopped) it stays when its server is started anew.\n"
                                   "!include " STATE_DIR "/replica.cnf\n";
        const char *dir = setup_conf_dir();
        _cleanup_free_ char *path = NULL;
        int r;

        if (!s->facts.have_options || !options_asynchronous(&s->facts.options))
                return 0;
        if (!dir) {
                setup_missing(s, "!include " STATE_DIR "/replica.cnf", "in the server's configuration, which has no directory for pieces of it, this line at its end:");
                return 0;
        }
        if (asprintf(&path, "%s/" PINS_NAME, dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (access(path, F_OK) >= 0) {
                setup_already(s, "what Mainstay makes of this node outlives a restart of its server (%s)", path);
                return 0;
        }
        if (s->args->check) {
                setup_missing(s, "", "%s, by which what Mainstay makes of this node outlives a restart of its server", path);
                return 0;
        }
        r = setup_write(path, text, 0644);
        if (r < 0)
                return r;
        setup_done(s, "wrote %s: what Mainstay makes of this node outlives a restart of its server", path);
        return 0;
}

static int notify_file(Setup *s) {
        const char *dir = setup_conf_dir();
        _cleanup_free_ char *path = NULL;
        int r;

        if (!dir) {
                setup_missing(s, "[mysqld]\nwsrep_notify_cmd=" NOTIFY, "in the server's configuration, which has no directory for pieces of it, these two lines:");
                return 0;
        }
        if (asprintf(&path, "%s/" NOTIFY_NAME, dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = setup_write(path,
                        "# Made by `mainstayctl setup`. The server tells Mainstay who is in the cluster,\n"
                        "# before it commits anything there: a record that outlives a power cut.\n"
                        "[mysqld]\n"
                        "wsrep_notify_cmd=" NOTIFY "\n", 0644);
        if (r < 0)
                return r;
        setup_done(s, "wrote %s: the server tells Mainstay who is in the cluster", path);
        return 1;
}

/* The server that runs already: the setting can be made while it does. */
static int notify_live(Setup *s) {
        _cleanup_free_ char *complaint = NULL, *live = NULL, *fixed = NULL;
        Server state = server_state(s, &complaint);

        if (state == SERVER_DOWN)
                return 0; /* it will read its files when it starts */
        if (state == SERVER_REFUSES) {
                setup_missing(s, "SET GLOBAL wsrep_notify_cmd='" NOTIFY "';", "the running server does not let root in to be told: %s", str_or(complaint, "?"));
                return 0;
        }
        live = sql_value(s, "SELECT @@GLOBAL.wsrep_notify_cmd");
        if (live && strstr(live, "mainstay-notify")) {
                setup_already(s, "the running server tells Mainstay who is in the cluster");
                return 0;
        }
        /* Newer releases, MariaDB 10.11.19 and 11.8 among them, take it from their files only. */
        fixed = sql_value(s, "SELECT READ_ONLY FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME = 'WSREP_NOTIFY_CMD'");
        if ((fixed && streq(fixed, "YES")) || (!s->args->check && setup_sql(s, "SET GLOBAL wsrep_notify_cmd='" NOTIFY "'", NULL, NULL) != 0)) {
                setup_later(s, "Restart it when that suits you, one node after another.",
                            "the record of who is in the cluster: this server takes wsrep_notify_cmd when it starts. Until then every configured node must be heard after a power cut");
                return 0;
        }
        if (s->args->check) {
                setup_missing(s, "", "the running server does not tell Mainstay yet who is in the cluster");
                return 0;
        }
        setup_done(s, "told the running server to tell Mainstay who is in the cluster");
        return 0;
}

int setup_options(Setup *s) {
        const char *option = options_bootstraps(&s->facts.options, NULL);

        if (option)
                setup_missing(s, "mainstayctl doctor says more.", "a configuration that does not form a new cluster at every start: %s does", option);
        return 0;
}

int setup_notify(Setup *s) {
        const char *cmd = s->facts.options.notify_cmd;
        int r = 0;

        if (!s->facts.have_options) {
                setup_missing(s, "Where it is elsewhere: server in [node] of mainstay.conf", "the server's own word on its configuration: `%s --print-defaults` gives none",
                              str_or(s->facts.config->server, "mariadbd"));
                return 0;
        }
        if (options_asynchronous(&s->facts.options))
                return 0; /* there are no views to tell of */
        if (cmd && *cmd && !strstr(cmd, "mainstay-notify")) {
                setup_missing(s, "Let that program end with: exec " NOTIFY " \"$@\"\nand name it mainstay-notify-something, or take the setting out and run this again.",
                              "wsrep_notify_cmd: the server's configuration has another one, %s, which is left alone", cmd);
                return 0;
        }
        if (cmd && *cmd)
                setup_already(s, "the server's configuration has wsrep_notify_cmd=%s", cmd);
        else if (s->args->check) {
                setup_missing(s, "", "wsrep_notify_cmd=" NOTIFY " in the server's configuration");
                return 0;
        } else {
                r = notify_file(s);
                if (r <= 0)
                        return r;
        }
        return notify_live(s);
}

/* What the account is answered: asked as the agent asks. `ret_output` may be NULL. */
static bool account_works(Setup *s, const char *statement, char **ret_output) {
        _cleanup_free_ char *socket = NULL, *user = NULL;
        const char *argv[16];
        size_t n;

        if (asprintf(&socket, "--socket=%s", s->facts.config->socket) < 0) {
                socket = NULL;
                return false;
        }
        if (asprintf(&user, "--user=%s", s->facts.config->account) < 0) {
                user = NULL;
                return false;
        }
        n = setup_as_agent(argv);
        argv[n++] = client();
        argv[n++] = "--no-defaults";
        argv[n++] = socket;
        argv[n++] = user;
        argv[n++] = "--connect-timeout=5";
        argv[n++] = "--execute";
        argv[n++] = statement;
        argv[n] = NULL;
        return setup_run(argv, ret_output, NULL) == 0;
}

Flavour setup_flavour(Setup *s) {
        _cleanup_free_ char *version = sql_value(s, "SELECT VERSION()"), *other = NULL;

        const char *told;

        if (version && *version == '\0')
                (void) account_works(s, "SELECT VERSION()", &other);
        told = str_or(version, str_or(other, "MariaDB"));
        return strcasestr(told, "mariadb") ? FLAVOUR_MARIADB : FLAVOUR_MYSQL;
}

/* What makes the account. One statement a line, to be typed by people too. */
static int account_sql(Setup *s, char **ret) {
        const char *account = s->facts.config->account;
        Flavour of = setup_flavour(s);

        if (options_asynchronous(&s->facts.options))
                return account_statements(of, account, AGENT_USER, ret);
        return asprintf(ret,
                        "CREATE USER IF NOT EXISTS '%s'@'localhost' IDENTIFIED %s%s;\n"
                        "GRANT SELECT ON mysql.wsrep_cluster TO '%s'@'localhost';\n"
                        "GRANT SELECT ON mysql.wsrep_cluster_members TO '%s'@'localhost';",
                        account, of == FLAVOUR_MYSQL ? "WITH auth_socket" : "VIA unix_socket", streq(account, AGENT_USER) ? "" : " AS '" AGENT_USER "'", account, account) < 0
                       ? -ENOMEM
                       : 0;
}

/* Does the account serve what it is there for? Where it does not, and can be used
 * at all, `*ret_lacks` says what it lacks; else it is NULL. */
static bool account_serves(Setup *s, char **ret_lacks) {
        _cleanup_free_ char *grants = NULL, *lacks = NULL;

        *ret_lacks = NULL;
        if (!options_asynchronous(&s->facts.options))
                return account_works(s, "SELECT COUNT(*) FROM mysql.wsrep_cluster; SELECT COUNT(*) FROM mysql.wsrep_cluster_members", NULL);
        if (!account_works(s, "SHOW GRANTS", &grants) || account_lacks(setup_flavour(s), grants, &lacks) < 0)
                return false;
        if (*lacks == '\0')
                return true;
        *ret_lacks = TAKE(lacks);
        return false;
}

int setup_account(Setup *s) {
        _cleanup_free_ char *statements = NULL, *complaint = NULL, *failed = NULL, *lacks = NULL, *still = NULL;
        const char *account = s->facts.config->account;
        bool asynchronous = options_asynchronous(&s->facts.options);
        Server state;
        int r;

        if (strlen(account) > ACCOUNT_MAX || strpbrk(account, "'\\\n")) {
                setup_missing(s, "", "the database account cannot be called \"%s\"", account);
                return 0;
        }
        if (account_serves(s, &lacks)) {
                setup_already(s, "the database account %s", account);
                return 0;
        }
        state = server_state(s, &complaint);
        r = account_sql(s, &statements);
        if (r < 0)
                return r;

        if (!asynchronous && state == SERVER_READ_ONLY && account_works(s, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'", NULL)) {
                setup_already(s, "the database account %s (what it may read cannot be looked at before the node is in the cluster)", account);
                return 0;
        }
        if (state == SERVER_DOWN || state == SERVER_REFUSES)
                s->of_others = false; /* nobody else can mend that */
        if (state != SERVER_WRITABLE || s->args->check) {
                const char *why = state == SERVER_DOWN       ? "it cannot be looked for while the server is down."
                                  : state == SERVER_REFUSES  ? str_or(complaint, "the server does not let root in.")
                                  : state == SERVER_WRITABLE ? "it is not there."
                                                             : "the server takes no writes now.";

                setup_missing(s, statements, "the database account %s: %s%s%s On %s, run this again or type what follows; "
                                             "it replicates to the others.",
                              account, lacks ? "it lacks " : "", lacks ? lacks : why, lacks ? "." : "",
                              asynchronous ? "the primary" : "one node, once the cluster is up");
                return 0;
        }

        if (setup_sql(s, statements, NULL, &failed) != 0) {
                setup_missing(s, statements, "the database account %s: %s Type it yourself:", account, str_or(failed, "the server refuses."));
                return 0;
        }
        if (asynchronous ? !account_serves(s, &still) : !account_works(s, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'", NULL)) {
                if (still)
                        setup_missing(s, statements, "the database account %s: it was given what it needs, and still lacks %s", account, still);
                else
                        setup_missing(s, statements, "the database account %s is there, but " AGENT_USER " cannot use it. Is there one of that name with a password?", account);
                return 0;
        }
        setup_done(s,
                   lacks ? "gave the database account %s what it lacked; that replicates to the other nodes"
                         : "made the database account %s; it replicates to the other nodes",
                   account);
        return 0;
}
