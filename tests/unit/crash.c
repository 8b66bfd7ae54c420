/* Crashes to order; see crash.h.
 *
 * By ptrace(), not by wrapping functions: so no call can be forgotten, and what
 * is tested is what is shipped. */
#include "crash.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int step(pid_t pid, int *ret_status) {
        if (ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0 || waitpid(pid, ret_status, 0) != pid)
                return -errno;
        return 0;
}

static void kill_it(pid_t pid) {
        int status;

        (void) kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) == pid && !WIFEXITED(status) && !WIFSIGNALED(status))
                ;
}

static pid_t start(crash_operation_t operation, int dirfd) {
        pid_t pid;
        int status;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                int r;

                if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
                        _exit(EPERM);
                (void) raise(SIGSTOP);
                r = operation(dirfd);
                _exit(r < 0 ? -r : 0);
        }
        if (waitpid(pid, &status, 0) != pid)
                return -errno;
        if (!WIFSTOPPED(status))
                return -EPERM;
        if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0) {
                kill_it(pid);
                return -EPERM;
        }
        return pid;
}

/* Each call stops twice, before and after; `calls` may be NULL. */
static int run(crash_operation_t operation, int dirfd, unsigned limit, long *calls, unsigned max, unsigned *ret_n) {
        bool within = false;
        unsigned n = 0;
        pid_t pid;
        int r, status;

        pid = start(operation, dirfd);
        if (pid < 0)
                return pid;
        for (;;) {
                r = step(pid, &status);
                if (r < 0) {
                        kill_it(pid);
                        return r;
                }
                if (WIFSIGNALED(status))
                        return -ECHILD;
                if (WIFEXITED(status))
                        break;
                if (WSTOPSIG(status) != (SIGTRAP | 0x80))
                        continue;
                if (!within && calls && n < max) {
                        struct __ptrace_syscall_info info;

                        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0)
                                calls[n] = (long) info.entry.nr;
                }
                within = !within;
                if (within)
                        continue;
                n++;
                if (n == limit) {
                        kill_it(pid);
                        return 1;
                }
        }
        if (ret_n)
                *ret_n = n;
        return -WEXITSTATUS(status);
}

int crash_after(crash_operation_t operation, int dirfd, unsigned n) {
        return run(operation, dirfd, n, NULL, 0, NULL);
}

int crash_trace(crash_operation_t operation, int dirfd, long *calls, unsigned max) {
        unsigned n = 0;
        int r;

        memset(calls, 0xff, max * sizeof(*calls));
        r = run(operation, dirfd, 0, calls, max, &n);
        return r < 0 ? r : (int) (n < max ? n : max);
}
