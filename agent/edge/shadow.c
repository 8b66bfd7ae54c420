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

static int place(char text[static DATADIR_TEXT_MAX], struct stat *ret_owner, bool *ret_empty) {
        const char *datadir = str_or(getenv("MAINSTAY_DATADIR"), "");
        _cleanup_close_ int parentfd = -1, fd = -1;
        char name[NAME_MAX + 1], copy[PATH_MAX], from[64];
        int r;

        /* Not even where a drop-in has taken the unit's own namespace away. */
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return datadir_fail(-errno, text, "it cannot be kept from the data that are in use: %s", strerror(errno));
        parentfd = datadir_open_parent(datadir, name, text);
        if (parentfd < 0)
                return parentfd;
        if (snprintf(copy, sizeof(copy), "%s" STAGING_NEW, name) >= (int) sizeof(copy))
                return datadir_fail(-ENAMETOOLONG, text, "%.200s is too long a name", name);
        fd = openat(parentfd, copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, ret_owner) < 0)
                return datadir_fail(-errno, text, "there is no copy: %.200s: %s", copy, strerror(errno));
        if (ret_owner->st_uid == 0)
                return datadir_fail(-EPERM, text, "%.200s is root's, and no server runs as root", copy);
        (void) snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
        if (mount(from, datadir, NULL, MS_BIND, NULL) < 0 || mount(NULL, datadir, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL) < 0)
                return datadir_fail(-errno, text, "%.100s cannot stand in for %.100s: %s", copy, datadir, strerror(errno));
        /* Opened anew, for the mount that the first one is of is read-only. */
        closep(&fd);
        fd = open(datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return datadir_fail(-errno, text, "%.200s cannot be opened: %s", datadir, strerror(errno));
        *ret_empty = !datadir_has(fd, "ibdata1") && !datadir_has(fd, "mysql") && !datadir_has(fd, "mysql.ibd");
        r = datadir_check_unused(fd, text);
        return r > 0 ? 0 : r < 0 ? r : -EBUSY;
}

static int become(const struct stat *owner) {
        const struct group *agent = getgrnam("mainstay");
        gid_t group = owner->st_gid;

        if (!agent)
                return -ENOENT;
        return chown(SHADOW_DIR, owner->st_uid, agent->gr_gid) < 0 || setgroups(1, &group) < 0 || setgid(group) < 0 || setuid(owner->st_uid) < 0 ? -errno : 0;
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

static int run(char text[static DATADIR_TEXT_MAX]) {
        char datadir[PATH_MAX + 16], id[32];
        const char *argv[40], *options, *server;
        struct stat owner;
        uint32_t number;
        bool empty = false;
        size_t n = 0;
        int r;

        r = orders_load(str_or(getenv("MAINSTAY_RUNTIME"), "/run/mainstay"), "server.env");
        if (r < 0)
                return datadir_fail(r, text, "where the data are is not known: %s", strerror(-r));
        server = str_or(getenv("MAINSTAY_SERVER"), "");
        options = str_or(getenv("MAINSTAY_OPTIONS"), "");
        if (server[0] != '/')
                return datadir_fail(-ENOENT, text, "the server's program is not known");
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return datadir_fail(-EIO, text, "no random number is to be had");
        r = place(text, &owner, &empty);
        if (r >= 0) {
                r = become(&owner);
                if (r < 0)
                        (void) datadir_fail(r, text, "it cannot be run as the owner of the data: %s", strerror(-r));
        }
        if (r < 0)
                return r;
        (void) snprintf(datadir, sizeof(datadir), "--datadir=%s", getenv("MAINSTAY_DATADIR"));
        if (empty)
                r = make_empty(server, options, datadir, text);
        if (r < 0)
                return r;
        (void) snprintf(id, sizeof(id), "--server-id=%" PRIu32, number | ID_MIN);
        /* The first place is for --defaults-file; of the others the last one counts. */
        argv[n++] = server;
        if (*options)
                argv[n++] = options;
        argv[n++] = datadir;
        argv[n++] = id;
        argv[n++] = "--socket=" SHADOW_SOCKET;
        argv[n++] = "--pid-file=" SHADOW_DIR "/mysqld.pid";
        argv[n++] = "--skip-networking";
        argv[n++] = "--loose-mysqlx=OFF";
        argv[n++] = "--disable-log-error"; /* to stderr, in both */
        argv[n++] = "--general-log=0";
        argv[n++] = "--slow-query-log=0";
        argv[n++] = "--read-only=ON";
        argv[n++] = "--loose-super-read-only=ON";
        argv[n++] = "--loose-skip-slave-start";
        argv[n++] = "--loose-skip-replica-start";
        argv[n++] = "--loose-rpl-semi-sync-slave-enabled=OFF";
        argv[n++] = "--loose-rpl-semi-sync-replica-enabled=OFF";
        argv[n++] = "--loose-wsrep-on=OFF";
        argv[n++] = "--loose-wsrep-provider=none";
        argv[n++] = "--event-scheduler=OFF";
        argv[n++] = "--innodb-buffer-pool-size=128M";
        argv[n++] = "--innodb-buffer-pool-load-at-startup=OFF";
        argv[n++] = "--innodb-buffer-pool-dump-at-shutdown=OFF";
        argv[n] = NULL;
        (void) execv(server, (char *const *) argv);
        return datadir_fail(-errno, text, "%.200s cannot be run: %s", server, strerror(errno));
}

int main(void) {
        char text[DATADIR_TEXT_MAX] = "";
        int r = run(text);

        fprintf(stderr, "mainstay-shadow: %s\n", text[0] ? text : strerror(-r));
        return EXIT_FAILURE;
}
