/* mainstay-replicator: does one thing to the replication of the local server,
 * and prints what came of it as one JSON object.
 *
 *   mainstay-replicator --socket PATH --user NAME [--credentials FILE] [--timeout MS] VERB [ARG...]
 *
 * A process of its own, because the client library blocks. The agent runs one
 * for each step of a job that it may have to repeat after a crash, so each verb
 * looks first, may be said twice, and is done when it says so. Exit status: 0
 * with {"ok":true, ...}; 1 with {"ok":false, "errno":N, "error":"..."}, where N
 * is the server's, the client library's, or, below 1000, the system's; 2 with
 * the same for wrong usage.
 *
 * Nothing here takes a transaction id, and no answer has a password in it. The
 * password is that of the account by which the server is to replicate; this
 * program itself comes through the socket, and has none.
 */
#include "edge/replicator.h"
#include "base/number.h"
#include "sys/file.h"

#include <fcntl.h>
#include <getopt.h>

#define TIMEOUT_MS 10000
#define TIMEOUT_MAX_MS 600000
#define WAIT_MAX_S 86400
/* As long as it takes: the server itself gives up where nothing comes any more. */
#define CLONE_MAX (30 * 86400 * USEC_PER_SEC)
#define TEXT_MAX 511
#define CREDENTIALS_FILE_MAX ((size_t) 16 * 1024)
#define EXIT_USAGE 2

static const char usage[] =
        "usage: mainstay-replicator --socket PATH --user NAME [--credentials FILE] [--timeout MS] "
        "stop | start | threads | read-only on|off | follow HOST PORT [demote] | forget | wait GTIDS SECONDS | preflight HOST PORT GTIDS | connections | layout | adopt GTIDS BINLOG_STATE | "
        "can-clone | stop-clone | clone HOST PORT DIRECTORY PROGRESS_FILE";

json_t *answer_text(const char *text) {
        char buf[TEXT_MAX + 1];

        (void) snprintf(buf, sizeof(buf), "%s", text);
        for (char *c = buf; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = *c == '\n' || *c == '\t' ? ' ' : '?';
        return json_string(buf);
}

int answer_json(json_t *o) {
        int r = o ? json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) : -1;

        json_decref(o);
        return r < 0 || putchar('\n') == EOF || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int answer_error(unsigned number, const char *format, ...) {
        char text[2048];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        (void) answer_json(json_pack("{s:b, s:i, s:o}", "ok", false, "errno", (int) number, "error", answer_text(text)));
        return EXIT_FAILURE;
}

int answer_of_server(const Work *w) {
        return answer_error(mysql_errno(w->mysql), "%s", mysql_error(w->mysql));
}

int answer_no_memory(void) {
        return answer_error(ENOMEM, "out of memory");
}

int answer_ok(void) {
        return answer_json(json_pack("{s:b}", "ok", true));
}

bool work_say(const Work *w, const char *statement) {
        MYSQL_RES *result;

        if (mysql_query(w->mysql, statement) != 0)
                return false;
        result = mysql_store_result(w->mysql);
        if (result)
                mysql_free_result(result);
        return true;
}

char *work_escape(const Work *w, const char *text) {
        size_t n = strlen(text);
        char *to = malloc(2 * n + 1);

        if (to && mysql_real_escape_string(w->mysql, to, text, n) == (unsigned long) -1)
                to = credentials_forget(to);
        return to;
}

/* The channels */

static int64_t number_of(const char *text, int64_t max) {
        int64_t number = 0;

        if (text)
                (void) number_parse(text, strlen(text), 0, max, &number);
        return number;
}

static Worker worker(const ClientTable *t, const char *state, const char *older, const char *number, const char *text) {
        Worker w = {
                .state = thread_from_server(client_column(t, state, older)),
                .error = number_of(client_column(t, number, NULL), UINT32_MAX),
        };

        (void) snprintf(w.text, sizeof(w.text), "%s", str_or(client_column(t, text, NULL), ""));
        return w;
}

static int64_t told_number(const char *text) {
        return text ? number_of(text, UINT32_MAX) : -1;
}

static Channel channel(const ClientTable *t) {
        const char *mariadb = client_column(t, "Using_Gtid", NULL), *mysql = client_column(t, "Auto_Position", NULL);
        Channel c = {
                .port = number_of(client_column(t, "Source_Port", "Master_Port"), UINT16_MAX),
                /* Not by MariaDB's Current_Pos, which is another thing once this server has written. */
                .by_gtid = (mariadb && strcasecmp(mariadb, "Slave_Pos") == 0) || (mysql && streq(mysql, "1")),
                .receiver = worker(t, "Replica_IO_Running", "Slave_IO_Running", "Last_IO_Errno", "Last_IO_Error"),
                .applier = worker(t, "Replica_SQL_Running", "Slave_SQL_Running", "Last_SQL_Errno", "Last_SQL_Error"),
        };

        (void) snprintf(c.name, sizeof(c.name), "%s", str_or(client_column(t, "Connection_name", "Channel_Name"), ""));
        (void) snprintf(c.host, sizeof(c.host), "%s", str_or(client_column(t, "Source_Host", "Master_Host"), ""));
        return c;
}

int work_look(const Work *w, Channels *ret) {
        ClientTable t;

        ret->n = 0;
        if (!client_table(w->mysql, replication_sql(REPLICATION_SQL_STATUS, w->version.flavour), &t))
                return answer_of_server(w);
        while ((t.row = mysql_fetch_row(t.result))) {
                if (ret->n == CHANNELS_MAX) {
                        mysql_free_result(t.result);
                        return answer_error(E2BIG, "it replicates from more than %d sources", CHANNELS_MAX);
                }
                ret->channel[ret->n].is = channel(&t);
                (void) snprintf(ret->channel[ret->n].user, sizeof(ret->channel[0].user), "%s", str_or(client_column(&t, "Source_User", "Master_User"), ""));
                ret->channel[ret->n].retry = (ReplicationRetry) {
                        .seconds = told_number(client_column(&t, "Connect_Retry", NULL)),
                        .count = told_number(client_column(&t, "Source_Retry_Count", "Master_Retry_Count")),
                };
                ret->n++;
        }
        mysql_free_result(t.result);
        return 0;
}

bool channels_active(const Channels *all) {
        for (size_t i = 0; i < all->n; i++)
                if (all->channel[i].is.receiver.state != THREAD_STOPPED || all->channel[i].is.applier.state != THREAD_STOPPED)
                        return true;
        return false;
}

/* stop, start, forget */

static int verb_stop(Work *w) {
        Channels now;
        int r;

        if (!work_say(w, replication_sql(REPLICATION_SQL_STOP, w->version.flavour)))
                return answer_of_server(w);
        r = work_look(w, &now);
        if (r != 0)
                return r;
        return channels_active(&now) ? answer_error(EBUSY, "it was told to stop its replication, and does not yet say that it has") : answer_ok();
}

/* Of several channels the one that is worst off. */
static const Worker *worst(const Channels *all, bool receiver) {
        const Worker *found = NULL;

        for (size_t i = 0; i < all->n; i++) {
                const Worker *one = receiver ? &all->channel[i].is.receiver : &all->channel[i].is.applier;

                if (!found || one->state < found->state || (one->state == found->state && found->error == 0))
                        found = one;
        }
        return found;
}

static void put_worker(json_t *o, const char *key, const Worker *of) {
        char name[32];

        (void) json_object_set_new(o, key, json_string(thread_to_string(of->state)));
        if (of->error == 0)
                return;
        (void) snprintf(name, sizeof(name), "%s_errno", key);
        (void) json_object_set_new(o, name, json_integer(of->error));
        (void) snprintf(name, sizeof(name), "%s_error", key);
        (void) json_object_set_new(o, name, answer_text(of->text));
}

static int answer_threads(const Channels *now) {
        json_t *o = json_pack("{s:b}", "ok", true);

        put_worker(o, "receiver", worst(now, true));
        put_worker(o, "applier", worst(now, false));
        return answer_json(o);
}

static int verb_threads(Work *w) {
        Channels now;
        int r;

        r = work_look(w, &now);
        if (r != 0)
                return r;
        return now.n > 0 ? answer_threads(&now) : answer_error(ENOENT, "it has no source to replicate from");
}

static int verb_start(Work *w) {
        Channels now;
        int r;

        /* MariaDB starts all of none, and is content. */
        r = work_look(w, &now);
        if (r != 0)
                return r;
        if (now.n == 0)
                return answer_error(ENOENT, "it has no source to replicate from, so there is nothing to start");
        if (!work_say(w, replication_sql(REPLICATION_SQL_START, w->version.flavour)))
                return answer_of_server(w);
        r = work_look(w, &now);
        if (r != 0)
                return r;
        if (now.n == 0)
                return answer_error(ENOENT, "it has no source to replicate from any more");
        return answer_threads(&now);
}

static int verb_forget(Work *w) {
        Channels now;
        int r;

        r = work_look(w, &now);
        if (r != 0)
                return r;
        if (channels_active(&now))
                return answer_error(EBUSY, "its replication is not stopped: nothing was changed");
        for (size_t i = 0; i < now.n; i++) {
                char *name = work_escape(w, now.channel[i].is.name);
                _cleanup_free_ char *statement = NULL;

                r = name ? replication_sql_forget(w->version.flavour, name, &statement) : -ENOMEM;
                free(name);
                if (r < 0)
                        return answer_no_memory();
                if (!work_say(w, statement))
                        return answer_of_server(w);
                if (w->version.flavour == FLAVOUR_MYSQL)
                        break;
        }
        r = work_look(w, &now);
        if (r != 0)
                return r;
        return now.n > 0 ? answer_error(EIO, "it was told to forget its source, and still names one") : answer_ok();
}

/* read-only */

int work_look_fence(const Work *w, Fence *ret) {
        MYSQL_RES *result = client_query(w->mysql, replication_sql(REPLICATION_SQL_READ_ONLY, w->version.flavour));
        MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
        unsigned on = 0;

        if (!row || !row[0] || !row[1]) {
                if (result)
                        mysql_free_result(result);
                return row ? answer_error(EPROTO, "it does not say whether it is read_only") : answer_of_server(w);
        }
        for (size_t i = 0; i < 2; i++)
                on += !streq(row[i], "0") && strcasecmp(row[i], "OFF") != 0;
        mysql_free_result(result);
        *ret = on == 0 ? FENCE_OFF : on == 2 ? FENCE_ON : FENCE_HALF;
        return 0;
}

static int verb_read_only(Work *w) {
        bool on = streq(w->arg[0], "on");
        Fence fence;
        int r;

        if (!work_say(w, replication_sql(on ? REPLICATION_SQL_FENCE : REPLICATION_SQL_UNFENCE, w->version.flavour)))
                return answer_of_server(w);
        r = work_look_fence(w, &fence);
        if (r != 0)
                return r;
        if (fence != (on ? FENCE_ON : FENCE_OFF))
                return answer_error(EIO, "it was told to set read_only %s, and says that it is not", w->arg[0]);
        return answer_json(json_pack("{s:b, s:b}", "ok", true, "read_only", on));
}

/* wait, connections */

/* The one value of a statement; -ENODATA where it is NULL. Told failures are
 * positive. */
static int ask_number(const Work *w, const char *statement, int64_t *ret) {
        _cleanup_free_ char *value = client_value(w->mysql, statement);

        if (!value && mysql_errno(w->mysql) != 0)
                return answer_of_server(w);
        return value && number_parse(value, strlen(value), INT32_MIN, INT32_MAX, ret) >= 0 ? 0 : -ENODATA;
}

static int verb_wait(Work *w) {
        _cleanup_free_ char *statement = NULL;
        char error[256] = "";
        int64_t value;
        int r;

        r = replication_sql_wait(w->version.flavour, w->arg[0], (unsigned) number_of(w->arg[1], WAIT_MAX_S), &statement, error);
        if (r < 0)
                return r == -ENOMEM ? answer_no_memory() : answer_error(EINVAL, "these are no GTIDs of %s: %s", flavour_to_string(w->version.flavour), error);
        r = ask_number(w, statement, &value);
        if (r == -ENODATA)
                return answer_error(EPROTO, "it does not wait: its replication was changed, or it has no GTIDs");
        return r != 0 ? r : answer_json(json_pack("{s:b, s:b}", "ok", true, "reached", value == 0));
}

static int verb_connections(Work *w) {
        int64_t n;
        int r;

        r = ask_number(w, replication_sql(REPLICATION_SQL_CLIENTS, w->version.flavour), &n);
        if (r == -ENODATA)
                return answer_error(EPROTO, "it does not say who is connected: its performance_schema is off");
        /* Somebody may have left while it counted. */
        return r != 0 ? r : answer_json(json_pack("{s:b, s:I}", "ok", true, "clients", (json_int_t) (n > 0 ? n : 0)));
}

/* The command line */

static bool check_switch(const char *arg) {
        return streq(arg, "on") || streq(arg, "off");
}

static bool check_port(const char *arg) {
        int64_t port;

        return number_parse(arg, strlen(arg), 1, UINT16_MAX, &port) >= 0;
}

static bool check_demote(const char *arg) {
        return streq(arg, "demote");
}

/* Both kinds of server are asked for one kind of GTIDs; which, is known later. */
static bool check_gtids(const char *arg) {
        return strlen(arg) <= GTID_TEXT_MAX;
}

static bool check_seconds(const char *arg) {
        int64_t seconds;

        return number_parse(arg, strlen(arg), 0, WAIT_MAX_S, &seconds) >= 0;
}

/* Data of a server in several places: a copy would replace one of them. */
static int verb_layout(Work *w) {
        static const char *const paths[] = { "log_bin_basename", "relay_log_basename", "innodb_data_home_dir", "innodb_log_group_home_dir", "innodb_undo_directory" };
        _cleanup_free_ char *datadir = client_variable(w->mysql, "datadir");
        size_t n;

        if (!datadir)
                return answer_of_server(w);
        n = strlen(datadir);
        for (size_t i = 0; i < ELEMENTS(paths); i++) {
                _cleanup_free_ char *path = client_variable(w->mysql, paths[i]);

                /* datadir ends in a slash, whether what names it does or not. */
                if (path && path[0] == '/' && strncmp(path, datadir, n) != 0 && !(strlen(path) + 1 == n && strncmp(path, datadir, n - 1) == 0))
                        return answer_error(ENOTSUP, "%s lies in %s, outside of the datadir %s, and a copy would replace the datadir alone", paths[i], path, datadir);
        }
        return answer_ok();
}

/* For a server that begins with a copy: where it stands, and the history of its
 * binary log (MariaDB). Whom its source followed is forgotten. */
static int verb_adopt(Work *w) {
        const char *position = w->arg[0], *history = w->arg[1];
        _cleanup_free_ char *log_bin = NULL, *set = NULL, *state = NULL;
        Channels all;
        Fence fence;
        int r;

        r = work_look(w, &all);
        if (r == 0)
                r = work_look_fence(w, &fence);
        if (r != 0)
                return r;
        if (channels_active(&all))
                return answer_error(EBUSY, "it replicates");
        if (fence != FENCE_ON)
                return answer_error(EBUSY, "it is not read-only");
        if (all.n > 0 && !work_say(w, w->version.flavour == FLAVOUR_MYSQL ? "RESET REPLICA ALL" : "RESET SLAVE ALL"))
                return answer_of_server(w);
        if (w->version.flavour == FLAVOUR_MYSQL) { /* the GTIDs are in its tables */
                _cleanup_free_ char *executed = client_variable(w->mysql, "gtid_executed"), *own = client_variable(w->mysql, "server_uuid");

                if (executed && own && strstr(executed, own))
                        return answer_error(EBADMSG, "it has committed something of its own (%s), which its source does not have", own);
                return executed ? answer_json(json_pack("{s:b, s:o}", "ok", true, "position", answer_text(executed))) : answer_of_server(w);
        }
        log_bin = client_variable(w->mysql, "log_bin");
        /* Both are lists of digits, commas and hyphens: see check_gtid_list(). */
        if (asprintf(&set, "SET GLOBAL gtid_slave_pos = '%s'", position) < 0) {
                set = NULL;
                return answer_no_memory();
        }
        if (asprintf(&state, "SET GLOBAL gtid_binlog_state = '%s'", history) < 0) {
                state = NULL;
                return answer_no_memory();
        }
        if (log_bin && streq(log_bin, "1") && (!work_say(w, "RESET MASTER") || (*history && !work_say(w, state))))
                return answer_of_server(w);
        return work_say(w, set) ? answer_ok() : answer_of_server(w);
}

static bool check_path(const char *arg) {
        return arg[0] == '/' && strlen(arg) < 4096;
}

static bool check_gtid_list(const char *arg) {
        return strlen(arg) <= GTID_TEXT_MAX && strspn(arg, "0123456789,-") == strlen(arg);
}

#define ARGS_MAX 4

typedef struct ReplicatorVerb {
        const char *name;
        int (*run)(Work *w);
        size_t n_min; /* arguments that it must have, of those below */
        bool (*check[ARGS_MAX])(const char *arg);
} ReplicatorVerb;

static const ReplicatorVerb verbs[] = {
        { "stop", verb_stop, 0, {} },
        { "start", verb_start, 0, {} },
        { "threads", verb_threads, 0, {} },
        { "read-only", verb_read_only, 1, { check_switch } },
        { "follow", verb_follow, 2, { replication_host_valid, check_port, check_demote } },
        { "forget", verb_forget, 0, {} },
        { "wait", verb_wait, 2, { check_gtids, check_seconds } },
        { "preflight", verb_preflight, 3, { replication_host_valid, check_port, check_gtids } },
        { "connections", verb_connections, 0, {} },
        { "layout", verb_layout, 0, {} },
        { "adopt", verb_adopt, 2, { check_gtid_list, check_gtid_list } },
        { "can-clone", verb_can_clone, 0, {} },
        { "stop-clone", verb_stop_clone, 0, {} },
        { "clone", verb_clone, 4, { replication_host_valid, check_port, check_path, check_path } },
};

/* The verb and its arguments; NULL for what is none. */
static const ReplicatorVerb *verb_parse(int n, char *words[]) {
        for (size_t i = 0; n > 0 && i < ELEMENTS(verbs); i++) {
                const ReplicatorVerb *v = &verbs[i];

                if (!streq(words[0], v->name))
                        continue;
                if ((size_t) n - 1 < v->n_min || n - 1 > ARGS_MAX)
                        return NULL;
                for (int k = 1; k < n; k++)
                        if (!v->check[k - 1] || !v->check[k - 1](words[k]))
                                return NULL;
                return v;
        }
        return NULL;
}

/* Returns 0, or -EINVAL for what is no such command line. The words of the verb
 * end in NULL, as argv does. */
static int options_parse(int argc, char *argv[], Work *w, const ReplicatorVerb **ret_verb) {
        static const struct option table[] = {
                { "socket", required_argument, NULL, 's' },
                { "user", required_argument, NULL, 'u' },
                { "credentials", required_argument, NULL, 'c' },
                { "timeout", required_argument, NULL, 'T' },
                {},
        };
        int64_t number = TIMEOUT_MS;
        int c;

        opterr = 0;
        while ((c = getopt_long(argc, argv, "+", table, NULL)) >= 0)
                switch (c) {
                case 's':
                        w->socket = optarg;
                        break;
                case 'u':
                        w->user = optarg;
                        break;
                case 'c':
                        w->credentials_file = optarg;
                        break;
                case 'T':
                        if (number_parse(optarg, strlen(optarg), 1, TIMEOUT_MAX_MS, &number) < 0)
                                return -EINVAL;
                        break;
                default:
                        return -EINVAL;
                }
        *ret_verb = verb_parse(argc - optind, argv + optind);
        if (!w->socket || !w->user || !*ret_verb)
                return -EINVAL;
        w->timeout = (usec_t) number * USEC_PER_MSEC;
        w->arg = argv + optind + 1;
        return 0;
}

/* systemd lets a service read its credential by an ACL, whose mask shows as the
 * rights of the group: so those say nothing. */
static int read_credentials(Work *w) {
        const char *path = w->credentials_file;
        char *text, error[256] = "";
        struct stat st;
        size_t size;
        int r;

        r = file_read(AT_FDCWD, path, CREDENTIALS_FILE_MAX, &text, &size, &st);
        if (r < 0)
                return answer_error((unsigned) -r, "%s cannot be read: %s", path, strerror(-r));
        if (st.st_mode & (S_IRWXO | S_IWGRP))
                r = answer_error(EACCES, "%s holds a password, and others than its owner can read or change it: chmod 0600 %s", path, path);
        else {
                r = credentials_parse(text, size, &w->credentials, error);
                if (r < 0)
                        r = answer_error((unsigned) -r, "%s: %s", path, r == -ENOMEM ? strerror(ENOMEM) : error);
        }
        explicit_bzero(text, size);
        free(text);
        w->have_credentials = r == 0;
        return r;
}

static int run(Work *w, const ReplicatorVerb *verb) {
        const ClientAddress to = {
                .socket = w->socket,
                .user = w->user,
                .timeout = w->timeout,
                .read_timeout = verb->run == verb_clone  ? CLONE_MAX
                                : verb->run == verb_wait ? w->timeout + (usec_t) number_of(w->arg[1], WAIT_MAX_S) * USEC_PER_SEC
                                                         : w->timeout,
        };
        char statement[96];
        int r = 0;

        if (w->credentials_file)
                r = read_credentials(w);
        if (r != 0)
                return r;
        if (!client_connect(w->mysql, &to))
                return answer_of_server(w);
        if (server_version_parse(mysql_get_server_info(w->mysql), &w->version) < 0)
                return answer_error(EPROTO, "its version is \"%s\", which is neither MariaDB's nor MySQL's", mysql_get_server_info(w->mysql));
        if (w->version.number < (w->version.flavour == FLAVOUR_MARIADB ? MARIADB_OLDEST : MYSQL_OLDEST))
                return answer_error(ENOTSUP, "it is of version %s; this needs MariaDB 10.5 or MySQL 8.0.23 at least", mysql_get_server_info(w->mysql));

        /* Nothing that follows is for the binary log. It takes a privilege, and is not needed. */
        (void) work_say(w, "SET SESSION sql_log_bin = 0");
        /* The server is to give up before we do, or it would go on by itself. */
        (void) snprintf(statement, sizeof(statement), "SET SESSION lock_wait_timeout = %u, sql_mode = ''",
                        w->timeout > 2 * USEC_PER_SEC ? (unsigned) (w->timeout / USEC_PER_SEC) - 1 : 1);
        if (!work_say(w, statement))
                return answer_of_server(w);
        return verb->run(w);
}

int main(int argc, char *argv[]) {
        const ReplicatorVerb *verb;
        Work w = {0};
        int r;

        if (options_parse(argc, argv, &w, &verb) < 0) {
                (void) answer_error(EINVAL, "%s", usage);
                return EXIT_USAGE;
        }
        w.mysql = mysql_init(NULL);
        if (!w.mysql)
                return answer_no_memory();
        r = run(&w, verb);
        credentials_done(&w.credentials);
        mysql_close(w.mysql);
        mysql_library_end();
        return r;
}
