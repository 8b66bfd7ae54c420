/* Backup programs; see tool.h. */
#include "edge/tool.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void run(const char *const *argv, int in, int out, int log, uid_t owner, gid_t group) {
        int null = open("/dev/null", O_RDWR);

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) signal(SIGPIPE, SIG_DFL);
        if (null < 0 || dup2(in >= 0 ? in : null, STDIN_FILENO) < 0 || dup2(out >= 0 ? out : null, STDOUT_FILENO) < 0 ||
            (log >= 0 && dup2(log, STDERR_FILENO) < 0))
                _exit(126);
        if (owner > 0 && (setgroups(1, &group) < 0 || setgid(group) < 0 || setuid(owner) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0))
                _exit(126);
        (void) execvp(argv[0], (char *const *) argv);
        fprintf(stderr, "%s cannot be run: %s\n", argv[0], strerror(errno));
        _exit(127);
}

int tool_start(const char *const *argv, int in, int out, uid_t owner, gid_t group, bool read_log, Tool *ret) {
        int fds[2] = { -1, -1 };
        Tool t = { .log = -1 };

        if (read_log && pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        t.pid = fork();
        if (t.pid == 0)
                run(argv, in, out, fds[1], owner, group);
        if (t.pid < 0) {
                int r = -errno;

                closep(&fds[0]);
                closep(&fds[1]);
                return r;
        }
        closep(&fds[1]);
        t.log = fds[0];
        *ret = t;
        return 0;
}

static void take_line(Tool *t) {
        t->line[t->n] = 0;
        if (t->n > 0)
                memcpy(t->last, t->line, t->n + 1);
        if (!t->complaint[0] && (strcasestr(t->line, "error") || strcasestr(t->line, "failed")))
                memcpy(t->complaint, t->line, t->n + 1);
        t->n = 0;
}

int tool_read_log(Tool *t) {
        char buf[4096];
        ssize_t n;

        if (t->log < 0)
                return 0;
        n = read(t->log, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
                return 1;
        if (n <= 0) {
                take_line(t);
                closep(&t->log);
                t->log = -1;
                return n < 0 ? -errno : 0;
        }
        (void) fwrite(buf, 1, (size_t) n, stderr);
        for (ssize_t i = 0; i < n; i++)
                if (buf[i] == '\n')
                        take_line(t);
                else if (t->n + 1 < sizeof(t->line))
                        t->line[t->n++] = buf[i];
        return 1;
}

bool tool_completed_ok(const Tool *t) {
        static const char end[] = "completed OK!";
        size_t n = strlen(t->last);

        return n >= strlen(end) && streq(t->last + n - strlen(end), end);
}

int tool_wait(Tool *t) {
        int status;

        if (t->pid <= 0)
                return 0;
        while (waitpid(t->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return 127;
        t->pid = 0;
        closep(&t->log);
        t->log = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void tool_kill(Tool *t) {
        if (t->pid > 0)
                (void) kill(t->pid, SIGKILL);
        (void) tool_wait(t);
}

const char *tool_find(const char *const *names, char path[static 512]) {
        const char *const dirs[] = { "/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/mariadb/bin" };

        for (; *names; names++)
                for (size_t i = 0; i < ELEMENTS(dirs); i++)
                        if (snprintf(path, 512, "%s/%s", dirs[i], *names) < 512 && access(path, X_OK) >= 0)
                                return path;
        return NULL;
}
