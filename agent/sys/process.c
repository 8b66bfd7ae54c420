/* A child process with a deadline; see process.h.
 *
 * The end of a child is seen on its pidfd, not by SIGCHLD: so nobody else's
 * signal mask matters, and several owners of children do not get in each
 * other's way.
 */
#include "sys/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READS_MAX 16

extern char **environ;

/* One of the child's outputs. */
typedef struct Stream {
        Process *process;
        int fd;
        sd_event_source *source;
        char *text;
        size_t size, max;
        bool tail; /* keep the end rather than complain */
} Stream;

struct Process {
        pid_t pid;
        int pidfd;
        sd_event_source *exit, *deadline;
        Stream output, error;
        int failure;
        bool orphan; /* freed by its owner: nothing is left to do but reap */
        process_done_t done;
        void *userdata;
        ProcessResult result;
};

static void stream_close(Stream *s) {
        s->source = sd_event_source_disable_unref(s->source);
        closep(&s->fd);
        s->fd = -1;
}

static void stream_free(Stream *s) {
        stream_close(s);
        free(TAKE(s->text));
}

/* Takes what is there. 0 at the end, -EAGAIN when more may come. */
static int stream_read(Stream *s) {
        char buf[4096];

        for (size_t i = 0; i < READS_MAX; i++) {
                ssize_t n = read(s->fd, buf, sizeof(buf));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;

                size_t size = (size_t) n;
                const char *data = buf;
                if (s->tail && size > s->max) {
                        data += size - s->max;
                        size = s->max;
                }
                if (s->size + size > s->max) {
                        if (!s->tail)
                                return -E2BIG;
                        size_t keep = s->max - size;
                        memmove(s->text, s->text + s->size - keep, keep);
                        s->size = keep;
                }
                char *text = realloc(s->text, s->size + size + 1);
                if (!text)
                        return -ENOMEM;
                memcpy(text + s->size, data, size);
                s->text = text;
                s->size += size;
                s->text[s->size] = '\0';
        }
        return -EAGAIN;
}

static void process_kill(Process *p) {
        if (p->pid > 0)
                (void) kill(-p->pid, SIGKILL);
}

static void process_fail(Process *p, int r) {
        if (p->failure == 0)
                p->failure = r;
        process_kill(p);
}

static int stream_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Stream *s = userdata;

        int r = stream_read(s);
        if (r == -EAGAIN)
                return 0;
        stream_close(s);
        if (r < 0)
                process_fail(s->process, r);
        return 0;
}

/* Returns false while it still runs. */
static bool process_reap(Process *p, int *ret_status) {
        siginfo_t info = {};
        int status, r;

        do
                r = waitid(P_PID, (id_t) p->pid, &info, WEXITED | WNOHANG | WNOWAIT);
        while (r < 0 && errno == EINTR);
        if (r == 0 && info.si_pid == 0)
                return false;

        /* While it is a zombie its group's number cannot be another's. */
        process_kill(p);
        do
                r = waitpid(p->pid, &status, 0);
        while (r < 0 && errno == EINTR);
        p->pid = -1;

        /* Somebody else took the status, against the rules. */
        if (r < 0)
                *ret_status = 255;
        else
                *ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        return true;
}

static void process_destroy(void *userdata) {
        free(userdata);
}

static int process_exit_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Process *p = userdata;
        int status;

        if (!process_reap(p, &status))
                return 0;
        /* Out of the loop before it is closed: a sibling that is just being
         * spawned still holds a copy, and the loop would be told of a source
         * that is gone. */
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        closep(&p->pidfd);
        p->pidfd = -1;
        if (p->orphan) {
                (void) sd_event_source_unref(source); /* and with it `p` */
                return 0;
        }
        p->exit = sd_event_source_unref(p->exit);
        p->deadline = sd_event_source_disable_unref(p->deadline);

        /* All that it wrote is in the pipes; whoever else holds their other end is not waited for. */
        Stream *streams[] = { &p->output, &p->error };
        for (size_t i = 0; i < ELEMENTS(streams); i++) {
                if (streams[i]->fd < 0)
                        continue;
                int r = stream_read(streams[i]);
                if (r < 0 && r != -EAGAIN && p->failure == 0)
                        p->failure = r;
                stream_close(streams[i]);
        }

        p->result = (ProcessResult) {
                .error = p->failure,
                .status = status,
                .output = str_or(p->output.text, ""),
                .output_size = p->output.size,
                .complaint = str_or(p->error.text, ""),
        };
        p->done(p, &p->result, p->userdata);
        return 0;
}

static int process_deadline_event(sd_event_source *source, usec_t usec, void *userdata) {
        process_fail(userdata, -ETIME);
        return 0;
}

Process *process_free(Process *p) {
        if (!p)
                return NULL;

        p->deadline = sd_event_source_disable_unref(p->deadline);
        stream_free(&p->output);
        stream_free(&p->error);

        if (p->pid > 0) {
                process_kill(p);
                p->orphan = true;
                /* It may hang in the kernel: the loop keeps the remains until they can be reaped. */
                if (sd_event_source_set_destroy_callback(p->exit, process_destroy) >= 0 &&
                    sd_event_source_set_floating(p->exit, true) >= 0) {
                        (void) sd_event_source_unref(TAKE(p->exit));
                        return NULL;
                }
        }

        (void) sd_event_source_disable_unref(p->exit);
        closep(&p->pidfd);
        free(p);
        return NULL;
}

/* Ours, without what is meant for us alone. The strings are borrowed. */
static char **environment_new(void) {
        static const char *const private[] = {
                "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=",
        };
        size_t n = 0, at = 0;

        while (environ[n])
                n++;
        char **env = calloc(n + 1, sizeof(*env));
        if (!env)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                bool keep = true;
                for (size_t k = 0; k < ELEMENTS(private); k++)
                        if (strncmp(environ[i], private[k], strlen(private[k])) == 0)
                                keep = false;
                if (keep)
                        env[at++] = environ[i];
        }
        return env;
}

/* The descriptors given are the child's 0, 1 and 2; -1: /dev/null, -2: ours. */
static int spawn(const char *const *argv, const int fds[static 3], pid_t *ret) {
        _cleanup_free_ char **env = environment_new();
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attr;
        sigset_t all, none;
        pid_t pid;
        int r;

        if (!env)
                return -ENOMEM;
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attr);
        if (r != 0) {
                (void) posix_spawn_file_actions_destroy(&actions);
                return -r;
        }

        (void) sigfillset(&all);
        (void) sigemptyset(&none);
        (void) posix_spawnattr_setsigdefault(&attr, &all);
        (void) posix_spawnattr_setsigmask(&attr, &none);
        (void) posix_spawnattr_setpgroup(&attr, 0);
        (void) posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

        for (int i = 0; i < 3 && r == 0; i++) {
                if (fds[i] == -1)
                        r = posix_spawn_file_actions_addopen(&actions, i, "/dev/null", i == 0 ? O_RDONLY : O_WRONLY, 0);
                else if (fds[i] >= 0)
                        r = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
        }
        if (r == 0)
                r = posix_spawnp(&pid, argv[0], &actions, &attr, (char *const *) argv, env);
        (void) posix_spawn_file_actions_destroy(&actions);
        (void) posix_spawnattr_destroy(&attr);
        if (r != 0)
                return -r;

        *ret = pid;
        return 0;
}

static int stream_open(Stream *s, sd_event *event, int *ret_child) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        s->fd = fds[0];
        *ret_child = fds[1];
        /* Ours alone: the child is to find a pipe as any other. */
        if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        return sd_event_add_io(event, &s->source, s->fd, EPOLLIN, stream_event, s);
}

int process_new(sd_event *event, const ProcessSpec *spec, process_done_t done, void *userdata, Process **ret) {
        _cleanup_(process_freep) Process *p = NULL;
        _cleanup_close_ int output = -1, error = -1;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        *p = (Process) {
                .pid = -1,
                .pidfd = -1,
                .output = { .process = p, .fd = -1, .max = spec->output_max },
                .error = { .process = p, .fd = -1, .max = spec->error_max, .tail = true },
                .done = done,
                .userdata = userdata,
        };

        if (spec->stdio <= 0 && spec->output_max > 0) {
                r = stream_open(&p->output, event, &output);
                if (r < 0)
                        return r;
        }
        if (spec->error_max > 0) {
                r = stream_open(&p->error, event, &error);
                if (r < 0)
                        return r;
        }
        if (spec->timeout != USEC_NEVER) {
                r = sd_event_add_time_relative(event, &p->deadline, CLOCK_MONOTONIC, spec->timeout, 10 * USEC_PER_MSEC,
                                               process_deadline_event, p);
                if (r < 0)
                        return r;
        }

        const int fds[3] = {
                spec->stdio > 0 ? spec->stdio : spec->input > 0 ? spec->input : -1,
                spec->stdio > 0 ? spec->stdio : output,
                spec->error_max > 0 ? error : -2,
        };
        r = spawn(spec->argv, fds, &p->pid);
        if (r < 0)
                return r;

        p->pidfd = (int) syscall(SYS_pidfd_open, p->pid, 0);
        if (p->pidfd < 0)
                r = -errno;
        else
                r = sd_event_add_io(event, &p->exit, p->pidfd, EPOLLIN, process_exit_event, p);
        if (r < 0) {
                /* Nobody would reap it. It has hardly begun, so this does not last. */
                process_kill(p);
                (void) waitpid(p->pid, NULL, 0);
                p->pid = -1;
                return r;
        }

        *ret = TAKE(p);
        return 0;
}

typedef struct Run {
        bool done;
        int result;
        char *output;
} Run;

static void run_done(Process *p, const ProcessResult *result, void *userdata) {
        Run *run = userdata;

        run->done = true;
        run->result = result->error;
        if (result->error < 0)
                return;
        run->output = strdup(result->output);
        run->result = run->output ? result->status : -ENOMEM;
}

int process_run(const char *const *argv, usec_t timeout, size_t max, char **ret_output) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(process_freep) Process *p = NULL;
        const ProcessSpec spec = { .argv = argv, .timeout = timeout, .output_max = max };
        Run run = {};
        int r;

        r = sd_event_new(&event);
        if (r < 0)
                return r;
        r = process_new(event, &spec, run_done, &run, &p);
        if (r < 0)
                return r;
        while (!run.done) {
                r = sd_event_run(event, UINT64_MAX);
                if (r < 0)
                        return r;
        }
        if (run.result < 0)
                return run.result;

        *ret_output = run.output;
        return run.result;
}
