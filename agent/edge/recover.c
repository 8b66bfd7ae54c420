/* mainstay-recover: asks the stopped server's own data for their position.
 *
 * It runs as mysqld's user, from mainstay-recover.service, and owns what it
 * starts: one `mysqld --wsrep-recover` with the server's real configuration,
 * for encryption keys, paths and plug-ins are in there, but with a socket and a
 * pid file in a directory of its own and without a network, so that nobody
 * takes it for the server. Each line of the server's log goes on to stderr,
 * which is the journal: that is the evidence. What came of it is written as
 * `recovered` to the output directory; trouble is a result as well.
 *
 * Measured with MariaDB 10.11 and 11.8: --disable-log-error sends the log to
 * stderr even where the configuration names a file (an empty --log-error= makes
 * a file named after the pid file, and /dev/stderr becomes /dev/stderr.err);
 * a server without data creates some, so it is not even started then; one
 * whose data are in use gives up after 30 s; and the socket stays behind.
 */
#include "adapter/record.h"
#include "adapter/recovery-store.h"
#include "base/number.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/orders.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

/* Redo of a large buffer pool may take hours on a slow disk, and a time-out
 * throws all of that away: it is for servers that hang. */
#define TIMEOUT_DEFAULT 86400
#define TIMEOUT_MAX (30 * 86400)
/* From SIGTERM to SIGKILL. */
#define GRACE (60 * USEC_PER_SEC)
/* How long a log is waited for whose server has ended: somebody else may hold
 * the pipe open. */
#define LINGER (1 * USEC_PER_SEC)
/* Of a longer line the beginning is looked at; all of it is passed on. */
#define LINE_MAX_SCANNED 4096
#define EXTRA_MAX 64

extern char **environ;

typedef struct Options {
        const char *server;
        const char *datadir;
        const char *output;
        int64_t timeout; /* seconds, 0: none */
        char **extra;
        int n_extra;
} Options;

/* One run of the server. */
typedef struct Run {
        pid_t pid; /* 0 once it has been waited for */
        int log;   /* the reading end of its stdout and stderr, -1 at their end */
        int status;
        bool terminated, timed_out, told_to_stop;
        RecoveredScan scan;
        char line[LINE_MAX_SCANNED];
        size_t length; /* of what is in `line`, which is not yet a whole one */
} Run;

static void _printf_(1, 2) say(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) fprintf(stderr, "mainstay-recover: ");
        (void) vfprintf(stderr, format, ap);
        (void) fputc('\n', stderr);
        va_end(ap);
}

static int usage(void) {
        say("usage: mainstay-recover --server PROGRAM --datadir DIR | --orders DIR, --output DIR [--timeout SECONDS] [-- SERVER OPTION...]");
        return -EINVAL;
}

static int options_read(int argc, char *argv[], Options *ret) {
        static const struct option known[] = {
                { "server", required_argument, NULL, 's' },
                { "datadir", required_argument, NULL, 'd' },
                { "output", required_argument, NULL, 'o' },
                { "orders", required_argument, NULL, 'O' },
                { "timeout", required_argument, NULL, 't' },
                { NULL, 0, NULL, 0 },
        };
        static char *option[1]; /* of the server, as the orders have it */
        Options o = { .timeout = TIMEOUT_DEFAULT };
        int c, r;

        while ((c = getopt_long(argc, argv, "+", known, NULL)) >= 0)
                switch (c) {
                case 's':
                        o.server = optarg;
                        break;
                case 'd':
                        o.datadir = optarg;
                        break;
                case 'o':
                        o.output = optarg;
                        break;
                case 'O':
                        r = orders_load(optarg, "server.env");
                        if (r < 0) {
                                say("what to do is not known: %s", strerror(-r));
                                return r;
                        }
                        o.server = getenv("MAINSTAY_SERVER");
                        o.datadir = getenv("MAINSTAY_DATADIR");
                        option[0] = getenv("MAINSTAY_OPTIONS");
                        break;
                case 't':
                        if (number_parse(optarg, strlen(optarg), 0, TIMEOUT_MAX, &o.timeout) < 0) {
                                say("--timeout is a whole number of seconds from 0 (none) to %d", TIMEOUT_MAX);
                                return -EINVAL;
                        }
                        break;
                default:
                        return usage();
                }
        o.extra = argv + optind;
        o.n_extra = argc - optind;
        if (!o.server || !o.datadir || !o.output || (o.n_extra > 0 && !streq(argv[optind - 1], "--")))
                return usage();
        if (o.n_extra == 0 && option[0] && *option[0]) {
                o.extra = option;
                o.n_extra = 1;
        }
        if (o.n_extra > EXTRA_MAX) {
                say("there are more than %d server options", EXTRA_MAX);
                return -EINVAL;
        }
        *ret = o;
        return 0;
}

/* A directory for socket and pid file; short, for a socket's path has 107
 * bytes at most. */
static int private_dir_make(char ret[static PATH_MAX]) {
        const char *base = str_or(getenv("RUNTIME_DIRECTORY"), "/tmp");
        size_t length = strcspn(base, ":"); /* systemd lists several so */

        if (length > 64) {
                base = "/tmp";
                length = strlen(base);
        }
        (void) snprintf(ret, PATH_MAX, "%.*s/mainstay-recover.XXXXXX", (int) length, base);
        if (!mkdtemp(ret))
                return -errno;
        return 0;
}

static void private_dir_remove(const char *path) {
        DIR *dir = opendir(path);
        struct dirent *e;

        if (dir) {
                while ((e = readdir(dir)))
                        if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                                (void) unlinkat(dirfd(dir), e->d_name, 0);
                (void) closedir(dir);
        }
        (void) rmdir(path);
}

/* What systemd says to this process is not for the server: it would report the
 * unit as ready, or take a socket for its own. */
static void environment_clean(void) {
        static const char *const names[] = {
                "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
                "_WSREP_NEW_CLUSTER", "_WSREP_START_POSITION",
        };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                (void) unsetenv(names[i]);
}

/* The server's command line: the given options first, for --defaults-file is
 * taken in the first place only; ours last, for the last of two counts. */
static int server_start(const Options *o, const char *dir, Run *run) {
        char datadir[PATH_MAX + 16], sock[PATH_MAX + 16], pid_file[PATH_MAX + 16];
        const char *argv[EXTRA_MAX + 16];
        _cleanup_close_ int reading = -1, writing = -1;
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attr;
        sigset_t none, all;
        int n = 0, fds[2], r;

        (void) snprintf(datadir, sizeof(datadir), "--datadir=%s", o->datadir);
        (void) snprintf(sock, sizeof(sock), "--socket=%s/sock", dir);
        (void) snprintf(pid_file, sizeof(pid_file), "--pid-file=%s/pid", dir);
        argv[n++] = o->server;
        for (int i = 0; i < o->n_extra; i++)
                argv[n++] = o->extra[i];
        argv[n++] = datadir;
        argv[n++] = sock;
        argv[n++] = pid_file;
        argv[n++] = "--skip-networking";
        argv[n++] = "--disable-log-error";
        argv[n++] = "--wsrep-recover";
        argv[n] = NULL;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        reading = fds[0];
        writing = fds[1];
        if (fcntl(reading, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        (void) sigemptyset(&none);
        (void) sigfillset(&all);
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attr);
        if (r != 0) {
                (void) posix_spawn_file_actions_destroy(&actions);
                return -r;
        }
        (void) posix_spawnattr_setsigmask(&attr, &none);
        (void) posix_spawnattr_setsigdefault(&attr, &all);
        (void) posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, writing, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, writing, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn(&run->pid, o->server, &actions, &attr, (char *const *) argv, environ);
        (void) posix_spawnattr_destroy(&attr);
        (void) posix_spawn_file_actions_destroy(&actions);
        if (r != 0) {
                run->pid = 0;
                return -r;
        }
        run->log = reading;
        reading = -1;
        return 0;
}

static void server_terminate(Run *run, int signal) {
        if (run->pid > 0)
                (void) kill(run->pid, signal);
        run->terminated = true;
}

/* Passes on and looks at what is there; closes the log at its end. */
static void log_drain(Run *run) {
        char buf[16384];
        ssize_t n;

        for (;;) {
                n = read(run->log, buf, sizeof(buf));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                (void) fwrite(buf, 1, (size_t) n, stderr);
                for (ssize_t i = 0; i < n; i++) {
                        if (buf[i] != '\n') {
                                if (run->length < sizeof(run->line))
                                        run->line[run->length++] = buf[i];
                                continue;
                        }
                        recovered_scan_line(&run->scan, run->line, run->length);
                        run->length = 0;
                }
        }
        if (n == 0 || errno != EAGAIN) {
                (void) close(run->log);
                run->log = -1;
        }
}

/* -1: wait for ever. */
static int poll_timeout(usec_t now, usec_t deadline) {
        usec_t msec;

        if (deadline == USEC_NEVER)
                return -1;
        if (deadline <= now)
                return 0;
        msec = (deadline - now) / USEC_PER_MSEC + 1;
        return msec > INT_MAX ? INT_MAX : (int) msec;
}

/* Until the server is gone and its log has been read. */
static int server_wait(Run *run, int signals, usec_t timeout) {
        usec_t deadline = timeout == 0 ? USEC_NEVER : clock_usec(CLOCK_MONOTONIC) + timeout;

        while (run->pid > 0 || run->log >= 0) {
                struct pollfd fds[] = {
                        { .fd = signals, .events = POLLIN },
                        { .fd = run->log, .events = POLLIN },
                };
                usec_t now = clock_usec(CLOCK_MONOTONIC);
                int r;

                r = poll(fds, ELEMENTS(fds), poll_timeout(now, deadline));
                if (r < 0 && errno != EINTR)
                        return -errno;
                now = clock_usec(CLOCK_MONOTONIC);

                if (run->log >= 0)
                        log_drain(run);
                if (r > 0 && fds[0].revents) {
                        struct signalfd_siginfo si;

                        if (read(signals, &si, sizeof(si)) == (ssize_t) sizeof(si) && si.ssi_signo != SIGCHLD && run->pid > 0) {
                                run->told_to_stop = true;
                                server_terminate(run, SIGTERM);
                                deadline = now + GRACE;
                        }
                        if (run->pid > 0 && waitpid(run->pid, &run->status, WNOHANG) == run->pid) {
                                run->pid = 0;
                                deadline = now + LINGER;
                        }
                        continue;
                }
                if (deadline > now)
                        continue;
                if (run->pid == 0)
                        break;
                if (!run->terminated) {
                        say("the server has not ended within %llu s and is stopped", (unsigned long long) (timeout / USEC_PER_SEC));
                        run->timed_out = true;
                        server_terminate(run, SIGTERM);
                        deadline = now + GRACE;
                } else {
                        server_terminate(run, SIGKILL);
                        deadline = now + GRACE;
                }
        }
        /* A last line without newline has been cut off where the server was
         * killed; where it ended by itself it is whole. */
        if (run->length > 0 && WIFEXITED(run->status))
                recovered_scan_line(&run->scan, run->line, run->length);
        return 0;
}

static void _printf_(3, 4) outcome_set(Recovery *r, RecoveryOutcome outcome, const char *format, ...) {
        va_list ap;

        r->outcome = outcome;
        va_start(ap, format);
        (void) vsnprintf(r->text, sizeof(r->text), format, ap);
        va_end(ap);
}

/* What the run comes to. What the server said of its data outranks how it
 * ended, for it ends with an error after each of those sentences; but a
 * position from a server that then failed is not one to decide on. */
static void outcome_judge(const Run *run, usec_t timeout, Recovery *ret) {
        RecoveredOutcome o = recovered_scan_end(&run->scan, &ret->position);

        if (run->timed_out) {
                outcome_set(ret, RECOVERY_TIMED_OUT,
                            "The server was stopped after %llu s, for it had not ended by then. If it was still applying its redo log, a longer time-out helps; its log is in the journal of mainstay-recover.service.",
                            (unsigned long long) (timeout / USEC_PER_SEC));
                return;
        }
        if (run->told_to_stop) {
                outcome_set(ret, RECOVERY_FAILED, "The recovery was stopped from outside before it was done.");
                return;
        }
        if (o != RECOVERED_POSITION && o != RECOVERED_NOTHING && o != RECOVERED_SILENT) {
                outcome_set(ret, (RecoveryOutcome) o, "%s", recovered_outcome_text(o));
                return;
        }
        if (WIFSIGNALED(run->status)) {
                outcome_set(ret, RECOVERY_FAILED, "The server was ended by signal %d (%s). Its log is in the journal of mainstay-recover.service.",
                            WTERMSIG(run->status), strsignal(WTERMSIG(run->status)));
                return;
        }
        if (WEXITSTATUS(run->status) != 0) {
                outcome_set(ret, RECOVERY_FAILED, "The server failed with exit status %d. Its log, in the journal of mainstay-recover.service, says why.",
                            WEXITSTATUS(run->status));
                return;
        }
        outcome_set(ret, (RecoveryOutcome) o, "%s", recovered_outcome_text(o));
}

/* Has a server ever been here? Where that cannot be seen it is for the server
 * to say. */
static bool datadir_installed(int datadirfd) {
        static const char *const signs[] = { "mysql", "mysql.ibd", "ibdata1" };

        for (size_t i = 0; i < ELEMENTS(signs); i++)
                if (faccessat(datadirfd, signs[i], F_OK, 0) >= 0 || errno != ENOENT)
                        return true;
        return false;
}

static void recover(const Options *o, int signals, Recovery *ret) {
        char dir[PATH_MAX];
        Run run = { .log = -1 };
        int r;

        r = private_dir_make(dir);
        if (r < 0) {
                outcome_set(ret, RECOVERY_FAILED, "No directory for the server's socket could be made: %s.", strerror(-r));
                return;
        }
        r = server_start(o, dir, &run);
        if (r < 0)
                outcome_set(ret, RECOVERY_FAILED, "%.300s could not be started: %s.", o->server, strerror(-r));
        else {
                r = server_wait(&run, signals, (usec_t) o->timeout * USEC_PER_SEC);
                if (r < 0) {
                        server_terminate(&run, SIGKILL);
                        outcome_set(ret, RECOVERY_FAILED, "The server could not be watched: %s.", strerror(-r));
                } else
                        outcome_judge(&run, (usec_t) o->timeout * USEC_PER_SEC, ret);
        }
        if (run.log >= 0)
                (void) close(run.log);
        private_dir_remove(dir);
}

static int boot_id(Uuid *ret) {
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        r = file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &n, NULL);
        if (r < 0)
                return r;
        return uuid_parse(text, n > 0 && text[n - 1] == '\n' ? n - 1 : n, ret);
}

static int signals_open(void) {
        sigset_t set;
        int fd;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCHLD);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        /* A journal that restarts must not end a recovery. */
        (void) signal(SIGPIPE, SIG_IGN);
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

static int directory_open(const char *path, const char *what) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = -errno;

        if (fd >= 0)
                return fd;
        say("the %s %s %s: %s", what, path, r == -ENOTDIR ? "is no directory" : "cannot be opened", strerror(-r));
        return r;
}

static int run(int argc, char *argv[]) {
        _cleanup_close_ int datadirfd = -1, outputfd = -1, signals = -1;
        char position[POSITION_TEXT_MAX];
        Recovery result = { 0 };
        Options o;
        int r;

        r = options_read(argc, argv, &o);
        if (r < 0)
                return r;
        datadirfd = directory_open(o.datadir, "data directory");
        if (datadirfd < 0)
                return datadirfd;
        outputfd = directory_open(o.output, "output directory");
        if (outputfd < 0)
                return outputfd;
        signals = signals_open();
        if (signals < 0)
                return signals;
        environment_clean();

        if (datadir_installed(datadirfd))
                recover(&o, signals, &result);
        else
                outcome_set(&result, RECOVERY_NOTHING,
                            "There are no data in %.300s, and so no position. The server was not started, for it would create some.", o.datadir);

        /* After the run: the server itself has written to its files. */
        r = stamp_take(datadirfd, &result.stamp);
        if (r < 0) {
                say("the files in %s cannot be looked at: %s", o.datadir, strerror(-r));
                return r;
        }
        r = boot_id(&result.boot);
        if (r < 0) {
                say("the kernel does not tell its boot id: %s", strerror(-r));
                return r;
        }
        (void) record_section(outputfd, &result.section);
        result.time = clock_usec(CLOCK_REALTIME);

        r = recovery_write(outputfd, &result);
        if (r < 0) {
                say("the result cannot be written to %s: %s", o.output, strerror(-r));
                return r;
        }
        say("%s%s%s: %s", recovery_outcome_to_string(result.outcome), result.outcome == RECOVERY_POSITION ? " " : "",
            result.outcome == RECOVERY_POSITION ? position_text(&result.position, position) : "", result.text);
        return 0;
}

int main(int argc, char *argv[]) {
        return run(argc, argv) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
