/* mainstay-backup: hands out a copy of this node's data, on the node it is taken from.
 *
 * It is mainstay-backup.socket's service: its stdin and stdout are the connection,
 * at whose other end another node's agent is, through mainstay-door and ssh. It is
 * told one word, `look` or `copy`, and answers in frames (sys/stream.h): what kind of
 * server this is and how large, for `copy` the stream of the server's own backup
 * program, and at the end whether that said that it is whole. It runs as the
 * server's own account, on a file system that is read-only to it.
 */
#include "adapter/datadir.h"
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

static const char *const programs[] = { "mariadb-backup", "mariabackup", NULL };

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

/* What this server is, and how far its binary log has come before the copy begins:
 * a history that the copy goes on with. NULL with a sentence in `error`. */
static json_t *describe(const char *datadir, char error[static 512]) {
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
        else if (server_version_parse(mysql_get_server_info(mysql), &version) < 0 || version.flavour != FLAVOUR_MARIADB)
                (void) snprintf(error, 512, "its server is %.100s, of which no copies are made yet", mysql_get_server_info(mysql));
        else {
                state = client_variable(mysql, "gtid_binlog_state");
                id = client_variable(mysql, "server_id");
                o = json_pack("{s:s, s:I, s:s, s:s}", "version", mysql_get_server_info(mysql), "bytes", (json_int_t) size, "binlog_state", str_or(state, ""), "server_id", str_or(id, ""));
        }
        if (mysql)
                mysql_close(mysql);
        return o;
}

/* Both of its outputs, until both have ended. */
static int pass_on(Tool *t, int data) {
        _cleanup_free_ char *buf = malloc(STREAM_FRAME_MAX);
        bool open = true;
        int r = buf ? 0 : -ENOMEM;

        while (r >= 0 && (open || t->log >= 0)) {
                struct pollfd fds[] = { { .fd = open ? data : -1, .events = POLLIN }, { .fd = t->log, .events = POLLIN } };

                if (poll(fds, ELEMENTS(fds), -1) < 0) {
                        r = errno == EINTR ? 0 : -errno;
                        continue;
                }
                if (fds[1].revents)
                        r = tool_read_log(t);
                if (r >= 0 && fds[0].revents) {
                        ssize_t n = read(data, buf, STREAM_FRAME_MAX);

                        if (n < 0)
                                r = errno == EINTR ? 0 : -errno;
                        else if (n == 0)
                                open = false;
                        else
                                r = stream_write(STDOUT_FILENO, STREAM_DATA, buf, (size_t) n);
                }
        }
        return r < 0 ? r : 0;
}

static int copy(const char *datadir) {
        _cleanup_free_ char *socket = NULL, *data = NULL, *user = NULL;
        _cleanup_close_ int from = -1, to = -1;
        char path[512], text[600];
        const char *program = tool_find(programs, path);
        int fds[2], r, status;
        bool whole;
        Tool t;

        if (!program)
                return finish(false, "its mariadb-backup is not installed");
        if (asprintf(&socket, "--socket=%s", str_or(getenv("MAINSTAY_SOCKET"), "")) < 0)
                socket = NULL;
        if (asprintf(&data, "--datadir=%s", datadir) < 0)
                data = NULL;
        if (asprintf(&user, "--user=%s", account()) < 0)
                user = NULL;
        if (!socket || !data || !user || pipe2(fds, O_CLOEXEC) < 0)
                return finish(false, "memory is short there");
        from = fds[0];
        to = fds[1];
        r = tool_start((const char *const []) { program, "--backup", "--stream=xbstream", "--slave-info", user, socket, data, "--target-dir=/tmp", NULL }, -1, to, 0, 0, true, &t);
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
        whole = tool_completed_ok(&t);
        status = tool_wait(&t);
        if (status == 0 && whole)
                return finish(true, "");
        (void) snprintf(text, sizeof(text), "its mariadb-backup ended with status %d: %.400s", status, t.complaint[0] ? t.complaint : t.last);
        return finish(false, text);
}

int main(void) {
        const struct timeval patience = { .tv_sec = PATIENCE };
        const char *datadir;
        char verb[VERB_SIZE], error[512] = "";
        bool whole;
        json_t *o;

        (void) signal(SIGPIPE, SIG_IGN);
        /* Whoever does not read any more is not to hold the server's locks. */
        (void) setsockopt(STDOUT_FILENO, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        (void) setsockopt(STDIN_FILENO, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void) orders_load(str_or(getenv("MAINSTAY_RUNTIME"), "/run/mainstay"), "server.env");
        datadir = str_or(getenv("MAINSTAY_DATADIR"), "");
        if (read_verb(verb) < 0 || !(streq(verb, "look") || streq(verb, "copy")))
                return finish(false, "it is asked for what it does not know: bring all nodes to the same release");
        whole = streq(verb, "copy");
        o = *datadir ? describe(datadir, error) : NULL;
        if (!o)
                return finish(false, *error ? error : "its agent does not run, which says where the data are");
        if (send_json(STREAM_HEADER, o) < 0)
                return EXIT_FAILURE;
        return whole ? copy(datadir) : finish(true, "");
}
