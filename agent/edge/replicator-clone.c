/* mainstay-replicator: a clone. MySQL copies another server's data by itself, from
 * server to server, to a directory of its own account's; here it is told to.
 *
 * Measured with MySQL 9.7: the directory must not be there, the one above it must be
 * writable for the server; it works under super_read_only; and a clone outlives the
 * connection that has asked for it, so what an earlier life of ours has begun is ended
 * first (stop-clone). */
#include "base/number.h"
#include "edge/replicator.h"
#include "sys/file.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define STOP_TRIES 25
#define PAUSE_US (USEC_PER_SEC - 1) /* as long as usleep() takes */

static const char running[] =
        "SELECT PROCESSLIST_ID FROM performance_schema.threads WHERE PROCESSLIST_USER = SUBSTRING_INDEX(USER(), '@', 1)"
        " AND PROCESSLIST_ID <> CONNECTION_ID() AND PROCESSLIST_INFO LIKE 'CLONE INSTANCE%'";

int verb_stop_clone(Work *w) {
        char statement[64];

        if (w->version.flavour != FLAVOUR_MYSQL)
                return answer_ok();
        for (unsigned i = 0; i < STOP_TRIES; i++) {
                _cleanup_free_ char *id = client_value(w->mysql, running);

                if (!id)
                        return mysql_errno(w->mysql) == 0 ? answer_ok() : answer_of_server(w);
                /* One's own one may always end. */
                (void) snprintf(statement, sizeof(statement), "KILL %.32s", id);
                (void) work_say(w, statement);
                (void) usleep(PAUSE_US);
        }
        return answer_error(EBUSY, "it does not end the clone that was begun before");
}

int verb_can_clone(Work *w) {
        _cleanup_free_ char *active = client_value(w->mysql, replication_sql(REPLICATION_SQL_CLONES, w->version.flavour));

        if (w->version.flavour != FLAVOUR_MYSQL)
                return answer_error(ENOTSUP, "its server is MariaDB, which cannot clone");
        if (!active || !streq(active, "1"))
                return answer_error(ENOTSUP, "its server has no clone plugin: mainstayctl setup loads it");
        return w->have_credentials ? answer_ok() : answer_error(ENOKEY, "no account is known by which it could clone another server: mainstayctl setup --replication-user NAME --replication-password-file FILE tells it");
}

/* Beside the statement, by a connection of its own. */
static void __attribute__((noreturn)) tell_progress(const Work *w, const char *path) {
        static const char progress[] = "SELECT CONCAT(COALESCE(SUM(DATA), 0), ' ', COALESCE(SUM(ESTIMATE), 0), '\n') FROM performance_schema.clone_progress";
        const ClientAddress to = { .socket = w->socket, .user = w->user, .timeout = w->timeout };
        char dir[PATH_MAX], name[PATH_MAX];
        MYSQL *mysql = mysql_init(NULL);
        int dirfd;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) snprintf(dir, sizeof(dir), "%s", path);
        (void) snprintf(name, sizeof(name), "%s", path);
        dirfd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0 || !mysql || !client_connect(mysql, &to))
                _exit(EXIT_FAILURE);
        for (;;) {
                _cleanup_free_ char *line = NULL;

                (void) usleep(PAUSE_US);
                line = client_value(mysql, progress);
                if (!line)
                        _exit(EXIT_FAILURE);
                (void) file_write(dirfd, basename(name), line, strlen(line), 0644);
        }
}

static int answer_cloned(const Work *w) {
        _cleanup_free_ char *text = client_value(w->mysql, "SELECT COALESCE(SUM(DATA), 0) FROM performance_schema.clone_progress");
        int64_t done = 0;

        if (text)
                (void) number_parse(text, strlen(text), 0, INT64_MAX, &done);
        return answer_json(json_pack("{s:b, s:I}", "ok", true, "copied", (json_int_t) done));
}

static int answer_not_cloned(const Work *w, const char *password) {
        const char *error = mysql_error(w->mysql);

        if (credentials_told(error, w->credentials.password) || credentials_told(error, password))
                return answer_error(mysql_errno(w->mysql), "the server refuses to clone; its words are not repeated, for they quote the password");
        return answer_of_server(w);
}

int verb_clone(Work *w) {
        const char *host = w->arg[0], *port = w->arg[1], *progress = w->arg[3];
        char *user = NULL, *password = NULL, *directory = NULL, *statement = NULL;
        _cleanup_free_ char *allow = NULL;
        int r;
        pid_t child;

        if (!w->have_credentials || w->version.flavour != FLAVOUR_MYSQL)
                return verb_can_clone(w);
        if (asprintf(&allow, "SET GLOBAL clone_valid_donor_list = '%s:%s'", host, port) < 0) {
                allow = NULL;
                return answer_no_memory();
        }
        if (!work_say(w, allow))
                return answer_of_server(w);
        user = work_escape(w, w->credentials.user);
        password = work_escape(w, w->credentials.password);
        directory = work_escape(w, w->arg[2]);
        if (!user || !password || !directory ||
            asprintf(&statement, "CLONE INSTANCE FROM '%s'@'%s':%s IDENTIFIED BY '%s' DATA DIRECTORY = '%s'", user, host, port, password, directory) < 0) {
                statement = NULL;
                r = answer_no_memory();
        } else {
                child = fork();
                if (child == 0)
                        tell_progress(w, progress);
                r = work_say(w, statement) ? answer_cloned(w) : answer_not_cloned(w, password);
                if (child > 0) {
                        (void) kill(child, SIGKILL);
                        (void) waitpid(child, NULL, 0);
                }
        }
        credentials_forget(user);
        credentials_forget(password);
        credentials_forget(statement);
        free(directory);
        return r;
}
