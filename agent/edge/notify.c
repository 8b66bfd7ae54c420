/* mainstay-notify: mysqld's wsrep_notify_cmd.
 *
 * It owns nothing; it adds to the record of views (domain/viewlog.h) in the
 * server directory. mysqld runs it, as its own user, at every change of the
 * cluster's membership and of its own status, before it commits anything in
 * the new view, and commits nothing while it runs. Therefore:
 *
 * - it appends, syncs and ends. It reads nothing but the record's last byte,
 *   allocates nothing, asks nobody, and does not wait for the agent;
 * - it ends within DEADLINE seconds, whatever the disk does;
 * - it exits 0, always: whether the record is whole is for its readers to see.
 *
 * What they see when it fails: a view that cannot be put in the record's words
 * leaves a `lost` line; where even that cannot be written the record is renamed,
 * which needs no space. A record that silently lacks its newest view would let
 * the wrong node form the cluster; none at all only makes everybody wait for
 * everybody.
 *
 * mysqld goes through a shell, so a node's name with a blank in it arrives as
 * several words. The list of members then ends early, and must not be taken
 * for all of them.
 */
#include "adapter/record.h"
#include "base/number.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <time.h>

#ifndef SERVER_DIR
#define SERVER_DIR "/var/lib/mainstay/server"
#endif

#define DEADLINE 5       /* seconds for everything */
#define DEADLINE_LAST 1  /* and then for setting the record aside */

typedef struct Notice {
        const char *status;
        const char *uuid;
        const char *primary;
        const char *members;
        const char *index;
        bool cut; /* something stood behind the members that belongs to them */
} Notice;

static int serverfd = -1;
static volatile sig_atomic_t view_pending, late;

static void complain(const char *what, int error) {
        (void) fprintf(stderr, "mainstay-notify: %s: %s\n", what, strerror(-error));
}

/* Durably: what was appended before is on the disk already, and a power cut must not
 * bring it back without the newest view. */
static void set_aside(void) {
        if (renameat(serverfd, RECORD_NAME, serverfd, RECORD_LOST_NAME) >= 0 && !late)
                (void) fsync(serverfd); /* where the disk answers */
}

/* Where the directory cannot be opened: too many files are open, for one. */
static void set_aside_in(const char *dir) {
        char from[PATH_MAX], to[PATH_MAX];

        if (snprintf(from, sizeof(from), "%s/" RECORD_NAME, dir) < (int) sizeof(from) &&
            snprintf(to, sizeof(to), "%s/" RECORD_LOST_NAME, dir) < (int) sizeof(to))
                (void) rename(from, to);
}

/* The disk does not answer. Nothing here but what a signal handler may call. */
static void on_alarm(int signal) {
        static const char text[] = "mainstay-notify: the disk takes too long, the view is not recorded\n";

        (void) signal;
        if (!late) {
                late = 1;
                (void) !write(STDERR_FILENO, text, sizeof(text) - 1);
                (void) alarm(DEADLINE_LAST);
                if (view_pending && serverfd >= 0)
                        set_aside();
        }
        _exit(0);
}

/* mysqld's threads block signals, and its child may inherit that. */
static void deadline_start(void) {
        struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_NODEFER };
        sigset_t set;

        (void) sigemptyset(&sa.sa_mask);
        (void) sigaction(SIGALRM, &sa, NULL);
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGALRM);
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void) alarm(DEADLINE);

        /* Its log's pipe may have lost its reader. */
        (void) signal(SIGPIPE, SIG_IGN);
        /* A file-size limit of mysqld's is an error here, not an end. */
        (void) signal(SIGXFSZ, SIG_IGN);
}

/* With one of 0 to 2 closed the record would get that number, and an error
 * message would go into it. */
static void standard_fds_open(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd > STDERR_FILENO)
                (void) close(fd);
}

/* Every server version passes a subset of these, in any order; what is not
 * known is for a later version of this program. */
static void arguments_read(int argc, char *const argv[], Notice *n) {
        const struct {
                const char *name;
                const char **value;
        } options[] = {
                { "--status", &n->status },
                { "--uuid", &n->uuid },
                { "--primary", &n->primary },
                { "--members", &n->members },
                { "--index", &n->index },
        };

        for (int i = 1; i < argc; i++)
                for (size_t k = 0; k < ELEMENTS(options); k++) {
                        size_t length = strlen(options[k].name);

                        if (strncmp(argv[i], options[k].name, length) != 0)
                                continue;
                        if (argv[i][length] == '=')
                                *options[k].value = argv[i] + length + 1;
                        else if (argv[i][length] == '\0' && i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
                                *options[k].value = argv[++i];
                        else
                                continue;
                        if (options[k].value == &n->members && i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
                                n->cut = true;
                        break;
                }
}

static int view_print(const Notice *n, usec_t now, char *buf, size_t size) {
        int64_t own_index = -1;
        Uuid uuid = { 0 };
        bool primary;

        if (n->cut || !n->primary)
                return -EINVAL;
        primary = streq(n->primary, "yes");
        if (!primary && !streq(n->primary, "no"))
                return -EINVAL;
        if (n->uuid && uuid_parse(n->uuid, strlen(n->uuid), &uuid) < 0)
                return -EINVAL;
        if (n->index && number_parse(n->index, strlen(n->index), -1, INT_MAX, &own_index) < 0)
                return -EINVAL;
        return viewlog_print_view(buf, size, now, &uuid, primary, (int) own_index, n->members);
}

/* The status in a word that fits, whatever came. */
static int status_print(const char *status, usec_t now, char *buf, size_t size) {
        char word[sizeof(((Viewlog *) NULL)->status)];
        size_t i;

        for (i = 0; status[i] && i < sizeof(word) - 1; i++)
                word[i] = status[i] > ' ' && status[i] < 0x7f ? status[i] : '?';
        word[i] = '\0';
        return viewlog_print_status(buf, size, now, word);
}

static void notice_record(const Notice *n) {
        static char lines[VIEWLOG_LINE_MAX];
        struct timespec ts;
        size_t size = 0;
        usec_t now;
        int r;

        if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
                ts = (struct timespec) { 0 };
        now = (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;

        if (n->members) {
                /* Room is left for the status behind it. */
                r = view_print(n, now, lines, sizeof(lines) - 128);
                if (r < 0) {
                        complain("the view cannot be recorded, and is noted as lost", r);
                        r = viewlog_print_lost(lines, sizeof(lines), now);
                }
                if (r > 0)
                        size = (size_t) r;
        }
        if (n->status) {
                r = status_print(n->status, now, lines + size, sizeof(lines) - size);
                if (r > 0)
                        size += (size_t) r;
        }
        if (size == 0)
                return;

        view_pending = !!n->members;
        r = record_append(serverfd, lines, size);
        view_pending = false;
        if (r >= 0)
                return;
        complain("cannot add to the record of views", r);
        /* Too large is untrustworthy already. */
        if (n->members && r != -EFBIG)
                set_aside();
}

int main(int argc, char *argv[]) {
        Notice notice = { 0 };
        const char *dir;

        standard_fds_open();
        deadline_start();
        arguments_read(argc, argv, &notice);

        dir = str_or(getenv("MAINSTAY_SERVER_DIR"), SERVER_DIR);
        serverfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (serverfd < 0) {
                complain(dir, -errno);
                if (notice.members)
                        set_aside_in(dir);
                return 0;
        }
        notice_record(&notice);
        return 0;
}
