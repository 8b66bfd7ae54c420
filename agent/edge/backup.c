/* mainstay-backup: hands out a copy of this node's data, on the node it is taken from.
 *
 * It is mainstay-backup.socket's service: its stdin and stdout are the connection,
 * at whose other end another node's agent is, through mainstay-door and ssh. It is
 * told one word, `look`, `copy` or `dump`, and answers in frames (sys/stream.h): what
 * kind of server this is, how large, and by which methods it may be copied, then the
 * stream of the server's own backup program or the statements of its dump, and at the
 * end whether that program said that it is whole. It runs as the server's own account,
 * on a file system that is read-only to it.
 */
#include "adapter/datadir.h"
#include "base/number.h"
#include "domain/job.h"
#include "domain/replication-sql.h"
#include "edge/client.h"
#include "edge/tool.h"
#include "sys/orders.h"
#include "sys/stream.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#define TIMEOUT (20 * USEC_PER_SEC)
#define VERB_SIZE 16
#define PATIENCE 120 /* seconds */

static const char *const backups[] = { "mariadb-backup", "mariabackup", NULL };
static const char *const mariadb_dumps[] = { "mariadb-dump", "mysqldump", NULL }, *const mysql_dumps[] = { "mysqldump", NULL };

/* Who this runs as, and the account's name. */
static const char *account(void) {
        const struct passwd *p = getpwuid(geteuid());

        return p ? p->pw_name : "mysql";
}

static int send_json(StreamFrame frame, json_t *o) {
        _cleanup_free_ char *text = o ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

        json_decref(o);
        return text ? stream_write(STDOUT_FILENO, frame, text, strlen(text)) : -ENOMEM;
}

/* The end of it all; the exit status. */
static int finish(bool ok, const char *error) {
        int r;

        if (!ok)
                fprintf(stderr, "mainstay-backup: %s\n", error);
        r = send_json(STREAM_END, ok ? json_pack("{s:b}", "ok", true) : json_pack("{s:b, s:s}", "ok", false, "error", error));
        return ok && r >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int read_verb(char verb[static VERB_SIZE]) {
        size_t n = 0;

        for (;;) {
                ssize_t k = read(STDIN_FILENO, verb + n, 1);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0 || n + 1 == VERB_SIZE)
                        return -EBADMSG;
                if (verb[n] == '\n') {
                        verb[n] = 0;
                        return 0;
                }
                n++;
        }
}

typedef struct Means {
        json_t *methods;
        char lacks[300]; /* why it is not more of them: the end of a sentence */
} Means;

static void add_means(Means *to, Method method, bool can, const char *lacks) {
        size_t n = strlen(to->lacks);

        if (can)
                (void) json_array_append_new(to->methods, json_string(method_to_string(method)));
        else
                (void) snprintf(to->lacks + n, sizeof(to->lacks) - n, "%s%s", n > 0 ? "; " : "", lacks);
}

/* 1, 0, or -1 where it cannot be told. The statement has no row, or one with a value. */
static int has_rows(MYSQL *mysql, const char *statement) {
        _cleanup_free_ char *value = client_value(mysql, statement);

        return value ? 1 : mysql_errno(mysql) == 0 ? 0 : -1;
}

/* About what a dump of it takes, in bytes; -1 where it cannot be told. Rows are longer
 * written out, and the pages that hold them are not full. */
static int64_t dump_size(MYSQL *mysql) {
        _cleanup_free_ char *value = client_value(mysql, "SELECT CAST(SUM(DATA_LENGTH) AS UNSIGNED) FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('performance_schema', 'information_schema')");
        int64_t size;

        return value && number_parse(value, strlen(value), 0, INT64_MAX, &size) >= 0 ? size : -1;
}

/* By which methods a copy can be made of it now. */
static void find_means(MYSQL *mysql, Flavour flavour, Means *ret) {
        /* A clone leaves tables of other engines empty; in a dump they are of another moment than
         * the rest, and of MariaDB's versioned tables it leaves out the past (measured). */
        static const char others[] = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')"
                                     " AND (TABLE_TYPE = 'SYSTEM VERSIONED' OR (TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB')) LIMIT 1";
        static const char foreign[] = "it has tables that are not InnoDB's, or are versioned, which neither a clone nor a dump has as they are";
        _cleanup_free_ char *updates = client_variable(mysql, "log_slave_updates"), *position = client_variable(mysql, "gtid_slave_pos");
        bool partly = has_rows(mysql, others) != 0;
        char path[512];

        *ret = (Means) { .methods = json_array() };
        if (flavour == FLAVOUR_MARIADB) {
                /* A dump says what its binary log has. */
                bool untold = position && *position && !(updates && (streq(updates, "1") || streq(updates, "ON")));

                add_means(ret, METHOD_MARIADB_BACKUP, tool_find(backups, path) != NULL, "its mariadb-backup is not installed");
                add_means(ret, METHOD_DUMP, !partly && !untold && tool_find(mariadb_dumps, path) != NULL,
                          partly   ? foreign
                          : untold ? "it is a replica with log_slave_updates off, of which a dump does not tell where it stands"
                                   : "its mariadb-dump is not installed");
        } else {
                _cleanup_free_ char *clones = client_value(mysql, replication_sql(REPLICATION_SQL_CLONES, flavour));

                add_means(ret, METHOD_CLONE, !partly && streq(str_or(clones, ""), "1"), partly ? foreign : "its server has no clone plugin, which mainstayctl setup there loads");
                add_means(ret, METHOD_DUMP, !partly && tool_find(mysql_dumps, path) != NULL, partly ? "nor can it be dumped" : "its mysqldump is not installed");
        }
}

/* What this server is, and how far its binary log has come before the copy begins:
 * a history that the copy goes on with. NULL with a sentence in `error`. */
static json_t *describe(const char *datadir, ServerVersion *ret_version, char error[static 512]) {
        _cleanup_free_ char *state = NULL, *id = NULL;
        _cleanup_close_ int fd = open(datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        MYSQL *mysql = mysql_init(NULL);
        ServerVersion version;
        json_t *o = NULL;
        uint64_t size;

        if (fd < 0 || datadir_size(fd, &size) < 0)
                (void) snprintf(error, 512, "its data in %.200s cannot be read (%s)", datadir, strerror(errno));
        else if (!mysql || !client_connect(mysql, &(ClientAddress) { .socket = getenv("MAINSTAY_SOCKET"), .user = account(), .timeout = TIMEOUT }))
                (void) snprintf(error, 512, "its server does not let the account %s in (%.300s): mainstayctl setup there makes it", account(), mysql ? mysql_error(mysql) : "memory is short");
        else if (server_version_parse(mysql_get_server_info(mysql), &version) < 0)
                (void) snprintf(error, 512, "its server is %.100s, which is neither MariaDB's nor MySQL's", mysql_get_server_info(mysql));
        else {
                Means means;

                state = client_variable(mysql, "gtid_binlog_state");
                id = client_variable(mysql, "server_id");
                find_means(mysql, version.flavour, &means);
                *ret_version = version;
                o = json_pack("{s:s, s:I, s:I, s:s, s:s, s:o, s:s}", "version", mysql_get_server_info(mysql), "bytes", (json_int_t) size, "dump_bytes", (json_int_t) dump_size(mysql), "binlog_state", str_or(state, ""), "server_id", str_or(id, ""),
                              "methods", means.methods, "lacks", means.lacks);
        }
        if (mysql)
                mysql_close(mysql);
        return o;
}

/* Both of its outputs, until both have ended. */
static int pass_on(Tool *t, int data) {
        _cleanup_stream_packer_ StreamPacker packer = {0};
        bool open = true;
        int r = 0;

        while (r >= 0 && (open || t->log >= 0)) {
                struct pollfd fds[] = { { .fd = open ? data : -1, .events = POLLIN }, { .fd = t->log, .events = POLLIN } };

                if (poll(fds, ELEMENTS(fds), -1) < 0) {
                        r = errno == EINTR ? 0 : -errno;
                        continue;
                }
                if (fds[1].revents)
                        r = tool_read_log(t);
                if (r >= 0 && fds[0].revents) {
                        r = stream_write_from(STDOUT_FILENO, data, &packer);
                        open = r > 0;
                }
        }
        return r < 0 ? r : 0;
}

/* Runs it, and passes on what it has to say. Of a backup nothing but its last line proves
 * that it is whole; a dump that has gone wrong ends with another status than 0. */
static int run(const char *const *argv, bool is_backup) {
        _cleanup_close_ int from = -1, to = -1;
        int fds[2], r, status;
        char text[600];
        bool whole;
        Tool t;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return finish(false, "memory is short there");
        from = fds[0];
        to = fds[1];
        stream_widen(from);
        r = tool_start(argv, -1, to, 0, 0, true, &t);
        if (r < 0)
                return finish(false, strerror(-r));
        closep(&to);
        to = -1;
        r = pass_on(&t, from);
        if (r < 0) {
                tool_kill(&t);
                fprintf(stderr, "mainstay-backup: the copy was not taken to its end: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        whole = !is_backup || tool_completed_ok(&t);
        status = tool_wait(&t);
        if (status == 0 && whole)
                return finish(true, "");
        (void) snprintf(text, sizeof(text), "its %.100s ended with status %d: %.400s", strrchr(argv[0], '/') + 1, status, t.complaint[0] ? t.complaint : t.last);
        return finish(false, text);
}

static int hand_out(const char *datadir, const ServerVersion *version, bool dump) {
        Flavour flavour = version->flavour;
        _cleanup_free_ char *socket = NULL, *data = NULL, *user = NULL;
        char path[512];

        if (!tool_find(!dump ? backups : flavour == FLAVOUR_MARIADB ? mariadb_dumps : mysql_dumps, path))
                return finish(false, "the program that would make the copy is not installed there");
        if (asprintf(&socket, "--socket=%s", str_or(getenv("MAINSTAY_SOCKET"), "")) < 0)
                socket = NULL;
        if (asprintf(&data, "--datadir=%s", datadir) < 0)
                data = NULL;
        if (asprintf(&user, "--user=%s", account()) < 0)
                user = NULL;
        if (!socket || !data || !user)
                return finish(false, "memory is short there");
        if (!dump)
                return run((const char *const []) { path, "--backup", "--stream=xbstream", "--slave-info", user, socket, data, "--target-dir=/tmp", NULL }, true);
        /* Measured with MariaDB 10.11: with --gtid the position is a comment behind all data.
         * MySQL's reads its GTIDs at the moment of the snapshot only where it is to tell the
         * position in the binary log, too; without that it may claim what it does not have
         * (bug 33630199), and flushes into the binary log (bug 115022). */
        return run((const char *const []) { path, "--no-defaults", user, socket, "--all-databases", "--single-transaction", "--quick", "--hex-blob", "--routines", "--events", "--triggers",
                                            version->number >= 80026 && flavour == FLAVOUR_MYSQL ? "--source-data=2" : "--master-data=2", flavour == FLAVOUR_MARIADB ? "--gtid" : "--set-gtid-purged=ON", NULL }, false);
}

int main(void) {
        const struct timeval patience = { .tv_sec = PATIENCE };
        ServerVersion version = {0};
        const char *datadir;
        char verb[VERB_SIZE], error[512] = "";
        json_t *o;

        (void) signal(SIGPIPE, SIG_IGN);
        /* Whoever does not read any more is not to hold the server's locks. */
        (void) setsockopt(STDOUT_FILENO, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        (void) setsockopt(STDIN_FILENO, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void) orders_load(orders_runtime(), "server.env");
        datadir = str_or(getenv("MAINSTAY_DATADIR"), "");
        if (read_verb(verb) < 0 || !(streq(verb, "look") || streq(verb, "copy") || streq(verb, "dump")))
                return finish(false, "it is asked for what it does not know: bring all nodes to the same release");
        o = *datadir ? describe(datadir, &version, error) : NULL;
        if (!o)
                return finish(false, *error ? error : "its agent does not run, which says where the data are");
        if (send_json(STREAM_HEADER, o) < 0)
                return EXIT_FAILURE;
        return streq(verb, "look") ? finish(true, "") : hand_out(datadir, &version, streq(verb, "dump"));
}
