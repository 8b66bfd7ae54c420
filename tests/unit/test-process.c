/* Children: what they say, how they end, and that none stays behind. */
#include "loop.h"
#include "sys/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

typedef struct Seen {
        bool done;
        ProcessResult result;
        char output[4096], complaint[4096];
} Seen;

static void seen_done(Process *p, const ProcessResult *result, void *userdata) {
        Seen *s = userdata;

        assert_false(s->done);
        s->done = true;
        s->result = *result;
        (void) snprintf(s->output, sizeof(s->output), "%s", result->output);
        (void) snprintf(s->complaint, sizeof(s->complaint), "%s", result->complaint);
}

static Seen run_script(const char *script, usec_t timeout, size_t output_max, size_t error_max) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(process_freep) Process *p = NULL;
        const char *const argv[] = { "sh", "-c", script, NULL };
        const ProcessSpec spec = { .argv = argv, .timeout = timeout, .output_max = output_max, .error_max = error_max };
        Seen seen = {};

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(process_new(event, &spec, seen_done, &seen, &p), 0);
        LOOP_UNTIL(event, seen.done);
        return seen;
}

static const struct {
        const char *what, *script;
        usec_t timeout;
        size_t output_max, error_max;
        int error, status;
        const char *output, *complaint; /* NULL: whatever */
} cases[] = {
        { "output and status", "echo a; echo b; exit 3", USEC_NEVER, 100, 0, 0, 3, "a\nb\n", "" },
        { "no output", "true", USEC_NEVER, 100, 100, 0, 0, "", "" },
        { "output that nobody wants", "echo a", USEC_NEVER, 0, 0, 0, 0, "", "" },
        { "output of just the limit", "printf abcd", USEC_NEVER, 4, 0, 0, 0, "abcd", "" },
        { "output beyond the limit", "printf abcde; sleep 1000", USEC_NEVER, 4, 0, -E2BIG, 128 + SIGKILL, NULL, "" },
        { "output beyond the limit, and gone already", "printf abcde", USEC_NEVER, 4, 0, -E2BIG, -1, NULL, "" },
        { "endless output", "yes", USEC_NEVER, 4096, 0, -E2BIG, 128 + SIGKILL, NULL, "" },
        { "stderr apart from stdout", "echo out; echo err >&2", USEC_NEVER, 100, 100, 0, 0, "out\n", "err\n" },
        { "the end of a long stderr", "printf 0123456789 >&2; printf abc >&2", USEC_NEVER, 0, 5, 0, 0, "", "89abc" },
        { "the end of an endless stderr", "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done >&2", USEC_NEVER, 0, 10, 0, 0, "",
          "2998\n2999\n" },
        { "a signal", "kill -TERM $$", USEC_NEVER, 0, 0, 0, 128 + SIGTERM, "", "" },
        { "the deadline", "echo begun; sleep 1000", 100 * USEC_PER_MSEC, 100, 0, -ETIME, 128 + SIGKILL, "begun\n", "" },
        { "the deadline of one that does not listen", "trap '' TERM INT HUP; sleep 1000; sleep 1000", 100 * USEC_PER_MSEC, 0, 0, -ETIME,
          128 + SIGKILL, "", "" },
        { "a grandchild that holds the pipes", "echo a; sleep 1000 & echo b", USEC_NEVER, 100, 100, 0, 0, "a\nb\n", "" },
        { "stdin is empty", "cat; echo end", USEC_NEVER, 100, 0, 0, 0, "end\n", "" },
        { "what systemd tells us alone is not passed on", "echo \"$NOTIFY_SOCKET$WATCHDOG_USEC$LISTEN_FDS<$KEPT>\"", USEC_NEVER, 100, 0, 0,
          0, "<kept>\n", "" },
        { "signals are as in a fresh process",
          "kill -PIPE $$; echo alive", USEC_NEVER, 100, 0, 0, 128 + SIGPIPE, "", "" },
};

static void test_cases(void **state) {
        sigset_t blocked;

        (void) setenv("NOTIFY_SOCKET", "/nowhere", 1);
        (void) setenv("WATCHDOG_USEC", "1", 1);
        (void) setenv("LISTEN_FDS", "1", 1);
        (void) setenv("KEPT", "kept", 1);
        (void) signal(SIGPIPE, SIG_IGN);
        (void) sigemptyset(&blocked);
        (void) sigaddset(&blocked, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &blocked, NULL);

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                Seen s = run_script(cases[i].script, cases[i].timeout, cases[i].output_max, cases[i].error_max);

                if (s.result.error != cases[i].error || (cases[i].status >= 0 && s.result.status != cases[i].status))
                        fail_msg("%s: %d, %d", cases[i].what, s.result.error, s.result.status);
                if (cases[i].output && !streq(s.output, cases[i].output))
                        fail_msg("%s: output \"%s\"", cases[i].what, s.output);
                if (cases[i].complaint && !streq(s.complaint, cases[i].complaint))
                        fail_msg("%s: complaint \"%s\"", cases[i].what, s.complaint);
        }
}

static void test_no_such_program(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_free_ char *output = NULL;
        const char *const argv[] = { "/nonexistent/program", NULL }, *const directory[] = { "/etc", NULL };
        const ProcessSpec spec = { .argv = argv, .timeout = USEC_NEVER, .output_max = 10, .error_max = 10 };
        Seen seen = {};
        Process *p;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(process_new(event, &spec, seen_done, &seen, &p), -ENOENT);
        assert_int_equal(process_run(argv, USEC_NEVER, 10, &output), -ENOENT);
        assert_int_equal(process_run(directory, USEC_NEVER, 10, &output), -EACCES);
        assert_null(output);
}

static void test_run(void **state) {
        _cleanup_free_ char *output = NULL;
        const char *const good[] = { "sh", "-c", "echo hello; exit 7", NULL };
        const char *const slow[] = { "sleep", "1000", NULL };
        const char *const much[] = { "yes", NULL };

        assert_int_equal(process_run(good, USEC_PER_SEC, 100, &output), 7);
        assert_string_equal(output, "hello\n");
        free(TAKE(output));
        assert_int_equal(process_run(slow, 50 * USEC_PER_MSEC, 100, &output), -ETIME);
        assert_int_equal(process_run(much, USEC_PER_SEC, 100, &output), -E2BIG);
        assert_null(output);
}

/* A child's standard input and output are one socket. */
static void test_stdio(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(process_freep) Process *p = NULL;
        const char *const argv[] = { "sh", "-c", "read line; echo \"<$line>\"; echo err >&2", NULL };
        char buf[64] = "";
        Seen seen = {};
        int fds[2];

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        const ProcessSpec spec = { .argv = argv, .timeout = USEC_NEVER, .stdio = fds[1], .output_max = 10, .error_max = 100 };
        assert_int_equal(process_new(event, &spec, seen_done, &seen, &p), 0);
        (void) close(fds[1]);
        assert_int_equal(write(fds[0], "ping\n", 5), 5);
        LOOP_UNTIL(event, seen.done);
        assert_int_equal(read(fds[0], buf, sizeof(buf)), 7);
        assert_string_equal(buf, "<ping>\n");
        assert_int_equal(read(fds[0], buf, sizeof(buf)), 0);
        assert_string_equal(seen.complaint, "err\n");
        (void) close(fds[0]);
}

/* A child reads what it is given, and its output is apart from that. */
static void test_input(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(process_freep) Process *p = NULL;
        const char *const argv[] = { "cat", NULL };
        Seen seen = {};
        int fds[2];

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        const ProcessSpec spec = { .argv = argv, .timeout = USEC_NEVER, .input = fds[0], .output_max = 10 };
        assert_int_equal(process_new(event, &spec, seen_done, &seen, &p), 0);
        (void) close(fds[0]);
        assert_int_equal(write(fds[1], "ping\n", 5), 5);
        (void) close(fds[1]);
        LOOP_UNTIL(event, seen.done);
        assert_int_equal(seen.result.status, 0);
        assert_string_equal(seen.output, "ping\n");
}

/* A child that was let go is killed, with all that it started, and reaped by the loop. */
static void test_free_kills(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        const char *const argv[] = { "sh", "-c", "trap '' TERM; sleep 1000 & echo $$; wait", NULL };
        int fds[2];
        char buf[32] = "";
        Seen seen = {};
        Process *p;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        const ProcessSpec spec = { .argv = argv, .timeout = USEC_NEVER, .stdio = fds[1] };
        assert_int_equal(process_new(event, &spec, seen_done, &seen, &p), 0);
        (void) close(fds[1]);
        assert_true(read(fds[0], buf, sizeof(buf) - 1) > 0);
        p = process_free(p);
        assert_null(p);

        /* The end of the socket is the end of all that held it. */
        assert_int_equal(read(fds[0], buf + 16, 1), 0);
        LOOP_UNTIL(event, kill((pid_t) atoi(buf), 0) < 0 && errno == ESRCH);
        assert_false(seen.done);
        (void) close(fds[0]);
}

static void free_in_callback(Process *p, const ProcessResult *result, void *userdata) {
        *(bool *) userdata = true;
        (void) process_free(p);
}

static void test_free_in_callback(void **state) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        const char *const argv[] = { "true", NULL };
        const ProcessSpec spec = { .argv = argv, .timeout = USEC_PER_SEC, .output_max = 10, .error_max = 10 };
        bool done = false;
        Process *p;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(process_new(event, &spec, free_in_callback, &done, &p), 0);
        LOOP_UNTIL(event, done);
}

/* The loop may go first. */
static void test_loop_ends(void **state) {
        const char *const argv[] = { "sleep", "1000", NULL };
        const ProcessSpec spec = { .argv = argv, .timeout = USEC_PER_SEC, .output_max = 10, .error_max = 10 };
        sd_event *event;
        Seen seen = {};
        Process *p;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(process_new(event, &spec, seen_done, &seen, &p), 0);
        (void) process_free(p);
        assert_null(sd_event_unref(event));
        assert_false(seen.done);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),     cmocka_unit_test(test_no_such_program), cmocka_unit_test(test_run),
                cmocka_unit_test(test_stdio),     cmocka_unit_test(test_input),           cmocka_unit_test(test_free_kills),      cmocka_unit_test(test_free_in_callback),
                cmocka_unit_test(test_loop_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
