/* A program at a terminal of the test's own: what it writes is kept, and what a person
 * would type is written to it, all beside the loop of the test. */
#pragma once

#include "loop.h"

#include <pty.h>
#include <utmp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <termios.h>

#define TERMINAL_MAX ((size_t) 1 << 20)

typedef struct Terminal {
        int fd; /* the keyboard and the screen */
        int line; /* the program's end, which is held open: so its settings can be looked at after */
        pid_t pid;
        int status; /* -1 while it runs */
        sd_event_source *source;
        size_t n;
        char *text; /* all that came, as it came */
} Terminal;

static inline int terminal_read(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Terminal *t = userdata;
        ssize_t n = read(fd, t->text + t->n, TERMINAL_MAX - t->n - 1);

        (void) events;
        if (n <= 0)
                return sd_event_source_set_enabled(s, SD_EVENT_OFF);
        t->n += (size_t) n;
        t->text[t->n] = 0;
        return 0;
}

/* `environment` is NAME=VALUE, or NAME= to have none; ends with NULL, as `argv`. */
static inline Terminal *terminal_open(sd_event *event, unsigned short columns, unsigned short rows, const char *const *environment, const char *const *argv) {
        struct winsize size = { .ws_col = columns, .ws_row = rows };
        Terminal *t = calloc(1, sizeof(*t));

        assert_non_null(t);
        t->text = calloc(1, TERMINAL_MAX);
        assert_non_null(t->text);
        t->status = -1;
        if (openpty(&t->fd, &t->line, NULL, NULL, &size) < 0) { /* as where there is no /dev/pts */
                free(t->text);
                free(t);
                skip();
        }
        t->pid = fork();
        assert_true(t->pid >= 0);
        if (t->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (login_tty(t->line) < 0)
                        _exit(126);
                closefrom(STDERR_FILENO + 1);
                for (; *environment; environment++) {
                        const char *sign = strchr(*environment, '=');

                        if (sign && sign[1])
                                (void) putenv((char *) *environment);
                        else if (sign) {
                                char name[64];

                                (void) snprintf(name, sizeof(name), "%.*s", (int) (sign - *environment), *environment);
                                (void) unsetenv(name);
                        }
                }
                (void) execvp(argv[0], (char *const *) argv);
                _exit(127);
        }
        assert_true(sd_event_add_io(event, &t->source, t->fd, EPOLLIN, terminal_read, t) >= 0);
        return t;
}

static inline void terminal_type(Terminal *t, const char *keys) {
        assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

/* What is there, and whoever reads it, forget it. */
static inline void terminal_forget(Terminal *t) {
        t->n = 0;
        t->text[0] = 0;
}

static inline bool terminal_ended(Terminal *t) {
        int status;

        if (t->status < 0 && waitpid(t->pid, &status, WNOHANG) == t->pid)
                t->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return t->status >= 0;
}

static inline Terminal *terminal_close(Terminal *t) {
        if (t->status < 0) {
                (void) kill(t->pid, SIGKILL);
                (void) waitpid(t->pid, NULL, 0);
        }
        (void) sd_event_source_unref(t->source);
        (void) close(t->fd);
        (void) close(t->line);
        free(t->text);
        free(t);
        return NULL;
}

/* The test fails with what was on the screen. */
#define TERMINAL_UNTIL(t, event, condition)                                             \
        do {                                                                            \
                usec_t _end = clock_usec() + LOOP_DEADLINE;                             \
                while (!(condition)) {                                                  \
                        if (clock_usec() > _end)                                        \
                                fail_msg("waited in vain for: %s; there is:\n%s", #condition, (t)->text); \
                        assert_true(sd_event_run((event), 100 * USEC_PER_MSEC) >= 0);   \
                }                                                                       \
        } while (0)

#define TERMINAL_SAYS(t, event, what) TERMINAL_UNTIL(t, event, strstr((t)->text, (what)))
