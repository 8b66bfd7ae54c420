/* mainstay-shadow: a server on a copy of another node's data, while this node's own
 * server runs on. There the copy proves that it is good, is told where it stands, and
 * catches up, before it takes the place of the data.
 *
 * It runs as root, from mainstay-shadow.service, and becomes the server, as who owns the
 * data. To that server the copy is in the place of the datadir (a bind mount in a
 * namespace of its own), so no path of its configuration leads to the data that are in
 * use; and it cannot write anywhere else, for the unit's file system is read-only.
 * Nobody reaches it but through a socket of its own.
 *
 * Where there is nothing yet, for a dump is to be loaded, the datadir of an empty server
 * is made first.
 *
 * What it must not do beside the other: be taken for it by the source (hence the
 * server_id), take its memory, run its events, answer for what it may yet lose
 * (semi-synchronous replication).
 */
#include "adapter/staging.h"
#include "base/paths.h"
#include "edge/tool.h"
#include "sys/file.h"
#include "sys/orders.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>

#define ID_MIN UINT32_C(0x80000000) /* people count from 1 */
#define INIT_FILE SHADOW_DIR "/init.sql"
#define PERSISTED_MAX ((size_t) 1024 * 1024)
#define WORDS_MAX 512

typedef struct Place {
        struct stat owner;
        bool empty;             /* a server has to be made there first */
        char path[2 * PATH_MAX]; /* of the datadir, where the copy is now */
        json_t *persisted;      /* MySQL: what was set for good on this node */
} Place;

/* The copy over the datadir. All by descriptors: who could exchange a directory on the
 * path meanwhile is not to choose what lies over what. */
static int place(Place *ret, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int parentfd = -1, fd = -1, own = -1, now = -1;
        _cleanup_free_ char *auto_cnf = NULL;
        char name[NAME_MAX + 1], from[64], to[64];
        struct stat st;
        size_t size;
        int r;

        /* Not even where a drop-in has taken the unit's own namespace away. */
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return datadir_fail(-errno, text, "it cannot be kept from the data that are in use: %s", strerror(errno));
        parentfd = datadir_open_parent(str_or(getenv("MAINSTAY_DATADIR"), ""), name, text);
        if (parentfd < 0)
                return parentfd;
        fd = staging_open(parentfd, name, text);
        if (fd < 0)
                return fd;
        if (fstat(fd, &ret->owner) < 0)
                return datadir_fail(-errno, text, "the copy cannot be looked at: %s", strerror(errno));
        own = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (own < 0 || fstat(own, &st) < 0)
                return datadir_fail(-errno, text, "%.200s cannot be opened: %s", name, strerror(errno));
        if (ret->owner.st_uid == 0 || st.st_uid == 0)
                return datadir_fail(-EPERM, text, "%.200s%s is root's, and no server runs as root", name, st.st_uid == 0 ? "" : STAGING_NEW);
        if (file_read(own, "mysqld-auto.cnf", PERSISTED_MAX, &auto_cnf, &size, NULL) >= 0)
                ret->persisted = json_loads(auto_cnf, 0, NULL);
        r = datadir_path(parentfd, name, ret->path, text);
        if (r < 0)
                return r;
        (void) snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
        (void) snprintf(to, sizeof(to), "/proc/self/fd/%d", own);
        if (mount(from, to, NULL, MS_BIND, NULL) < 0)
                return datadir_fail(-errno, text, "the copy cannot stand in for %.100s: %s", name, strerror(errno));
        /* Opened anew, for now that leads to the copy. */
        now = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        (void) snprintf(to, sizeof(to), "/proc/self/fd/%d", now);
        if (now < 0 || mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL) < 0)
                return datadir_fail(-errno, text, "the copy cannot be made writable in the place of %.100s: %s", name, strerror(errno));
        if (fstat(now, &st) < 0 || st.st_ino != ret->owner.st_ino || st.st_dev != ret->owner.st_dev)
                return datadir_fail(-EIO, text, "the copy does not stand in for %.100s", name);
        ret->empty = !datadir_has(now, STAGING_NOTE) && !datadir_has(now, "ibdata1") && !datadir_has(now, "mysql") && !datadir_has(now, "mysql.ibd");
        r = datadir_check_unused(now, text);
        return r > 0 ? 0 : r < 0 ? r : -EBUSY;
}

static int become(const struct stat *owner, gid_t agent) {
        const struct passwd *p = getpwuid(owner->st_uid);

        if (!p)
                return -ENOENT;
        return chown(SHADOW_DIR, owner->st_uid, agent) < 0 || initgroups(p->pw_name, owner->st_gid) < 0 || setgid(owner->st_gid) < 0 || setuid(owner->st_uid) < 0 ? -errno : 0;
}

typedef struct Words {
        size_t n;
        const char *word[WORDS_MAX + 1]; /* ends in NULL */
} Words;

static void add(Words *w, const char *word) {
        if (w->n < WORDS_MAX)
                w->word[w->n++] = word;
}

/* What was set for good MySQL reads behind its command line, where ours would not count.
 * So it is not to, and is given the same here, before ours. Words are never freed. */
static void add_persisted(Words *w, const json_t *o) {
        const json_t *v;
        const char *key;
        char *word;

        json_object_foreach((json_t *) o, key, v) {
                const char *value = json_string_value(json_object_get(v, "Value"));

                if (value && asprintf(&word, "--loose-%s=%s", key, value) > 0)
                        add(w, word);
                else if (!value && json_is_object(v))
                        add_persisted(w, v);
        }
}

/* MariaDB names its logs after the pid file, where they have no names of their own: so
 * that keeps the name which the configuration gives it. NULL: it gives none. */
static const char *pid_file(const char *server, const char *options) {
        const char *const argv[] = { server, *options ? options : "--print-defaults", *options ? "--print-defaults" : NULL, NULL };
        static char path[PATH_MAX], text[64 * 1024];
        const char *at = text, *found = NULL;
        size_t n = 0;
        int fds[2];
        ssize_t k;
        Tool t;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return NULL;
        k = tool_start(argv, -1, fds[1], 0, 0, false, &t);
        (void) close(fds[1]);
        if (k >= 0) {
                while (n + 1 < sizeof(text) && (k = read(fds[0], text + n, sizeof(text) - 1 - n)) > 0)
                        n += (size_t) k;
                (void) tool_wait(&t);
        }
        (void) close(fds[0]);
        text[n] = 0;
        while ((at = strstr(at, "--pid"))) {
                at += strlen("--pid");
                if (strncmp(at + 1, "file=", 5) == 0)
                        found = at + 6; /* the last one counts */
        }
        if (!found)
                return NULL;
        text[(size_t) (found - text) + strcspn(found, " \n")] = 0;
        (void) snprintf(path, sizeof(path), "--pid-file=" SHADOW_DIR "/%.200s", strrchr(found, '/') ? strrchr(found, '/') + 1 : found);
        return path;
}

/* MariaDB's program of that name is a link to mariadbd on many systems. */
static bool is_mariadb(const char *server) {
        _cleanup_free_ char *path = realpath(server, NULL);

        return strstr(str_or(path, server), "maria") != NULL;
}

/* `user` is a database account that the owner of the data gets in by, without a
 * password; MySQL makes but root. Nobody else reaches the socket. */
static int make_empty(const char *server, const char *options, const char *datadir, char text[static DATADIR_TEXT_MAX]) {
        static const char *const makers[] = { "mariadb-install-db", "mysql_install_db", NULL };
        const struct passwd *p = getpwuid(geteuid());
        char maker[512], user[128];
        const char *argv[16];
        size_t n = 0;
        int r, status;
        Tool t;

        if (is_mariadb(server) && !tool_find(makers, maker))
                return datadir_fail(-ENOENT, text, "mariadb-install-db is not installed here");
        (void) snprintf(user, sizeof(user), "--auth-root-socket-user=%s", p ? p->pw_name : "mysql");
        argv[n++] = is_mariadb(server) ? maker : server;
        if (*options)
                argv[n++] = options;
        argv[n++] = datadir;
        if (is_mariadb(server)) {
                argv[n++] = "--auth-root-authentication-method=socket";
                argv[n++] = user;
                argv[n++] = "--skip-test-db";
                argv[n++] = "--skip-name-resolve";
                argv[n++] = "--force"; /* or it wants to look up this machine's name */
        } else
                argv[n++] = "--initialize-insecure";
        argv[n++] = "--disable-log-error";
        argv[n] = NULL;
        r = tool_start(argv, -1, STDERR_FILENO, 0, 0, false, &t);
        if (r < 0)
                return datadir_fail(r, text, "%.200s cannot be run: %s", argv[0], strerror(-r));
        status = tool_wait(&t);
        return status == 0 ? 0 : datadir_fail(-EIO, text, "an empty server could not be made: %.200s ended with status %d", argv[0], status);
}

/* What a source does by itself its replica does not: replicated, events come so. The
 * server reads it when it starts, and asks nobody whether it may. */
static int write_init(const char *server) {
        static const char text[] = "SET SESSION sql_log_bin = 0;\nUPDATE mysql.event SET status = 'SLAVESIDE_DISABLED' WHERE status = 'ENABLED';\n", none[] = "SELECT 1;\n";
        _cleanup_close_ int fd = open(INIT_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        const char *what = is_mariadb(server) ? text : none;

        return fd < 0 ? -errno : write_all(fd, what, strlen(what));
}

static int run(char text[static DATADIR_TEXT_MAX]) {
        static char datadir[2 * PATH_MAX + 16], id[32];
        static Words argv;
        static Place p;
        const char *options, *server, *pid;
        const struct group *agent;
        uint32_t number;
        int r;

        r = orders_load(orders_runtime(), "server.env");
        if (r < 0)
                return datadir_fail(r, text, "where the data are is not known: %s", strerror(-r));
        server = str_or(getenv("MAINSTAY_SERVER"), "");
        options = str_or(getenv("MAINSTAY_OPTIONS"), "");
        agent = getgrnam("mainstay");
        if (server[0] != '/' || !agent)
                return datadir_fail(-ENOENT, text, agent ? "the server's program is not known" : "there is no group mainstay");
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return datadir_fail(-EIO, text, "no random number is to be had");
        r = place(&p, text);
        if (r < 0)
                return r;
        r = become(&p.owner, agent->gr_gid);
        if (r < 0)
                return datadir_fail(r, text, "it cannot be run as the owner of the data: %s", strerror(-r));
        (void) snprintf(datadir, sizeof(datadir), "--datadir=%s", p.path);
        if (p.empty)
                r = make_empty(server, options, datadir, text);
        if (r < 0)
                return r;
        r = write_init(server);
        if (r < 0)
                return datadir_fail(r, text, INIT_FILE " cannot be written: %s", strerror(-r));
        (void) snprintf(id, sizeof(id), "--server-id=%" PRIu32, number | ID_MIN);
        pid = pid_file(server, options);
        /* The first place is for --defaults-file; of the others the last one counts. */
        add(&argv, server);
        if (*options)
                add(&argv, options);
        add_persisted(&argv, p.persisted);
        if (p.persisted)
                add(&argv, "--persisted-globals-load=OFF");
        add(&argv, datadir);
        add(&argv, id);
        add(&argv, "--socket=" SHADOW_SOCKET);
        if (pid)
                add(&argv, pid);
        add(&argv, "--init-file=" INIT_FILE);
        add(&argv, "--tmpdir=/tmp");
        add(&argv, "--skip-networking");
        add(&argv, "--loose-mysqlx=OFF");
        add(&argv, "--disable-log-error"); /* to stderr, in both */
        add(&argv, "--general-log=0");
        add(&argv, "--slow-query-log=0");
        add(&argv, "--read-only=ON");
        add(&argv, "--loose-super-read-only=ON");
        add(&argv, "--loose-skip-slave-start");
        add(&argv, "--loose-skip-replica-start");
        add(&argv, "--loose-rpl-semi-sync-slave-enabled=OFF");
        add(&argv, "--loose-rpl-semi-sync-replica-enabled=OFF");
        add(&argv, "--loose-wsrep-on=OFF");
        add(&argv, "--loose-wsrep-provider=none");
        add(&argv, "--event-scheduler=OFF");
        add(&argv, "--innodb-buffer-pool-size=128M");
        add(&argv, "--innodb-buffer-pool-load-at-startup=OFF");
        add(&argv, "--innodb-buffer-pool-dump-at-shutdown=OFF");
        if (argv.n == WORDS_MAX)
                return datadir_fail(-E2BIG, text, "too much was set for good on this server");
        (void) execv(server, (char *const *) argv.word);
        return datadir_fail(-errno, text, "%.200s cannot be run: %s", server, strerror(errno));
}

int main(void) {
        char text[DATADIR_TEXT_MAX] = "";
        int r = run(text);

        fprintf(stderr, "mainstay-shadow: %s\n", text[0] ? text : strerror(-r));
        return EXIT_FAILURE;
}
