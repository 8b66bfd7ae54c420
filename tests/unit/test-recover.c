/* mainstay-recover, with shell scripts for a server: what comes of each way in
 * which one can end. */
#include "adapter/record.h"
#include "adapter/recovery-store.h"
#include "scratch.h"

#include <signal.h>
#include <time.h>

#define U "220dcdcb-1629-11e4-add3-aec059ad3734"
#define SAYS(line) "echo '" line "' >&2\n"
#define RECOVERED SAYS("2023-06-04  8:24:23 0 [Note] WSREP: Recovered position: " U ":5")

static const char *program;

static const struct {
        const char *name, *script;
        RecoveryOutcome outcome;
        const char *text; /* part of it */
} table[] = {
        { "a position", RECOVERED, RECOVERY_POSITION, "recovered" },
        { "on stdout", "echo '[Note] WSREP: Recovered position: " U ":5'", RECOVERY_POSITION, "recovered" },
        { "without a final newline", "printf '%s' '[Note] WSREP: Recovered position: " U ":5' >&2", RECOVERY_POSITION, "recovered" },
        { "after a very long line", "head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2\n" RECOVERED, RECOVERY_POSITION, "recovered" },
        { "none", SAYS("WSREP: Recovered position: 00000000-0000-0000-0000-000000000000:-1"), RECOVERY_NOTHING, "no position" },
        { "skipped", SAYS("[Note] WSREP: disabled, skipping position recovery"), RECOVERY_SKIPPED, "wsrep_on" },
        { "prepared", SAYS("[ERROR] Found 2 prepared transactions! x") "exit 1", RECOVERY_PREPARED, "tc-heuristic-recover" },
        { "old redo", SAYS("[ERROR] InnoDB: Upgrade after a crash is not supported.") "exit 1", RECOVERY_OLD_REDO, "older" },
        { "locked", SAYS("[ERROR] InnoDB: Unable to lock ./ibdata1 error: 11") "exit 1", RECOVERY_LOCKED, "Another process" },
        { "silent", SAYS("[Note] hello"), RECOVERY_SILENT, "without naming" },
        { "failed", SAYS("[ERROR] Aborting") "exit 7", RECOVERY_FAILED, "exit status 7" },
        { "failed after a position", RECOVERED "exit 1", RECOVERY_FAILED, "exit status 1" },
        { "killed", RECOVERED "kill -9 $$", RECOVERY_FAILED, "signal 9" },
        { "killed in the middle of the line", "printf '%s' '[Note] WSREP: Recovered position: " U ":5' >&2; kill -9 $$", RECOVERY_FAILED, "signal 9" },
        { "no program at all", NULL, RECOVERY_FAILED, "could not be started" },
        /* What it is given: a place of its own, no network, and nothing of systemd's. */
        { "its arguments",
          "[ \"$1\" = --first ] && shift || exit 11\n"
          "[ -z \"$NOTIFY_SOCKET$_WSREP_NEW_CLUSTER\" ] || exit 12\n"
          "for a; do case $a in --datadir=*/data) d=1;; --socket=/*/mainstay-recover.*/sock) s=1; : >\"${a#*=}\";; --pid-file=/*/mainstay-recover.*/pid) p=1;;"
          " --skip-networking) n=1;; --disable-log-error) l=1;; --wsrep-recover) w=1;; *) exit 13;; esac; done\n"
          "[ \"$d$s$p$n$l$w\" = 111111 ] || exit 14\n" RECOVERED, RECOVERY_POSITION, "recovered" },
        { "its files change", "echo x >\"$MAINSTAY_TEST/data/ibdata1\"\n" RECOVERED, RECOVERY_POSITION, "recovered" },
};

typedef struct Place {
        Scratch s, data, run;
        char server[128], dir[128];
} Place;

static Place place_new(void) {
        Place p = { .s = scratch_new() };

        (void) snprintf(p.data.path, sizeof(p.data.path), "%.48s/data", p.s.path);
        assert_int_equal(mkdir(p.data.path, 0755), 0);
        p.data.fd = open(p.data.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void) snprintf(p.run.path, sizeof(p.run.path), "%.48s/run", p.s.path);
        assert_int_equal(mkdir(p.run.path, 0755), 0);
        p.run.fd = open(p.run.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void) snprintf(p.server, sizeof(p.server), "%s/server", p.s.path);
        (void) setenv("RUNTIME_DIRECTORY", p.run.path, 1);
        (void) setenv("MAINSTAY_TEST", p.s.path, 1);
        (void) setenv("NOTIFY_SOCKET", "/nonexistent", 1);
        (void) setenv("_WSREP_NEW_CLUSTER", "--wsrep-new-cluster", 1);
        scratch_puts(&p.data, "ibdata1", "");
        return p;
}

static void place_done(Place *p) {
        scratch_clear(&p->data);
        (void) close(p->data.fd);
        (void) close(p->run.fd);
        scratch_done(&p->s);
}

#define _cleanup_place_ _cleanup_(place_done)

static void server_put(const Place *p, const char *script) {
        char text[4096];

        (void) unlinkat(p->s.fd, "server", 0);
        if (!script)
                return;
        (void) snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
        scratch_puts(&p->s, "server", text);
        assert_int_equal(fchmodat(p->s.fd, "server", 0755, 0), 0);
}

static int run(const Place *p, const char *timeout) {
        const char *argv[] = { program, "--server", p->server, "--datadir", p->data.path, "--output", p->s.path,
                               "--timeout", timeout, "--", "--first", NULL };

        return program_run(&p->s, "errors", argv);
}

static void every_end_has_its_outcome(void **state) {
        _cleanup_place_ Place p = place_new();

        (void) state;
        if (!program)
                skip();
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char position[POSITION_TEXT_MAX];
                Recovery r;
                Stamp now;

                server_put(&p, table[i].script);
                (void) unlinkat(p.s.fd, RECOVERY_NAME, 0);
                CHECK(run(&p, "60") == 0, table[i].name);
                CHECK(recovery_read(p.s.fd, &r) == 0, table[i].name);
                if (r.outcome != table[i].outcome)
                        fail_msg("%s: %s: %s", table[i].name, recovery_outcome_to_string(r.outcome), r.text);
                CHECK(strstr(r.text, table[i].text), table[i].name);
                if (r.outcome == RECOVERY_POSITION)
                        CHECK(streq(position_text(&r.position, position), U ":5"), table[i].name);
                CHECK(stamp_take(p.data.fd, &now) == 0 && recovery_holds(&r, &now, 0), table[i].name);
                /* Of the private directory nothing is left. */
                CHECK(scratch_count(&p.run) == 0, table[i].name);
        }
}

/* As its unit calls it: what the agent has written down is read, and no environment taken. */
static void the_orders_say_what_to_do(void **state) {
        _cleanup_place_ Place p = place_new();
        char orders[512];
        Recovery r;

        (void) state;
        if (!program)
                skip();
        const char *argv[] = { program, "--orders", p.run.path, "--output", p.s.path, NULL };

        server_put(&p, "[ \"$1\" = --defaults-file=/x ] || exit 11\n[ -z \"$EVIL\" ] || exit 12\n" RECOVERED);
        (void) snprintf(orders, sizeof(orders), "MAINSTAY_SERVER=%s\nMAINSTAY_DATADIR=%s\nMAINSTAY_OPTIONS=--defaults-file=/x\nEVIL=1\n", p.server, p.data.path);
        scratch_puts(&p.run, "server.env", orders);
        assert_int_equal(program_run(&p.s, "errors", argv), 0);
        assert_int_equal(recovery_read(p.s.fd, &r), 0);
        if (r.outcome != RECOVERY_POSITION)
                fail_msg("%s: %s", recovery_outcome_to_string(r.outcome), r.text);
        assert_int_equal(unlinkat(p.run.fd, "server.env", 0), 0);
        assert_int_not_equal(program_run(&p.s, "errors", argv), 0);
}

static void the_log_is_passed_on(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_free_ char *errors = NULL;

        (void) state;
        if (!program)
                skip();
        server_put(&p, SAYS("line one") SAYS("") "echo line two\n" RECOVERED);
        assert_int_equal(run(&p, "60"), 0);
        errors = scratch_get(&p.s, "errors");
        assert_non_null(strstr(errors, "line one\n\nline two\n2023-06-04"));
        assert_non_null(strstr(errors, "mainstay-recover: position " U ":5"));
}

static void the_section_is_noted(void **state) {
        _cleanup_place_ Place p = place_new();
        Recovery r;

        (void) state;
        if (!program)
                skip();
        server_put(&p, RECOVERED);
        scratch_puts(&p.s, RECORD_NAME, "start 7 90 - -\n");
        assert_int_equal(run(&p, "60"), 0);
        assert_int_equal(recovery_read(p.s.fd, &r), 0);
        assert_int_equal(r.section, 7);
}

static void a_server_that_hangs_is_stopped(void **state) {
        _cleanup_place_ Place p = place_new();
        Recovery r;

        (void) state;
        if (!program)
                skip();
        server_put(&p, RECOVERED "exec sleep 1000");
        assert_int_equal(run(&p, "1"), 0);
        assert_int_equal(recovery_read(p.s.fd, &r), 0);
        assert_int_equal(r.outcome, RECOVERY_TIMED_OUT);
        assert_int_equal(scratch_count(&p.run), 0);
}

static void a_log_held_open_by_another_is_not_waited_for(void **state) {
        _cleanup_place_ Place p = place_new();
        Recovery r;

        (void) state;
        if (!program)
                skip();
        server_put(&p, RECOVERED "sleep 30 &\necho $! >\"$MAINSTAY_TEST/pid\"");
        assert_int_equal(run(&p, "60"), 0);
        assert_int_equal(recovery_read(p.s.fd, &r), 0);
        assert_int_equal(r.outcome, RECOVERY_POSITION);
        {
                _cleanup_free_ char *pid = scratch_get(&p.s, "pid");

                (void) kill(atoi(pid), SIGKILL);
        }
}

/* A data directory that is not there, or is none, is nobody's result; an empty
 * one is, and the server, which would fill it, is left alone. */
static void the_data_directory_is_looked_at_first(void **state) {
        _cleanup_place_ Place p = place_new();
        Recovery r;
        _cleanup_free_ char *errors = NULL;
        const char *missing[] = { program, "--server", p.server, "--datadir", "/nonexistent/mainstay", "--output", p.s.path, NULL };
        const char *no_directory[] = { program, "--server", p.server, "--datadir", p.server, "--output", p.s.path, NULL };
        const char *no_output[] = { program, "--server", p.server, "--datadir", p.data.path, "--output", "/nonexistent/mainstay", NULL };
        const char *no_arguments[] = { program, NULL };

        (void) state;
        if (!program)
                skip();
        server_put(&p, "echo x >\"$MAINSTAY_TEST/started\"\n" RECOVERED);
        assert_int_equal(program_run(&p.s, "errors", missing), 1);
        errors = scratch_get(&p.s, "errors");
        assert_non_null(strstr(errors, "/nonexistent/mainstay"));
        assert_int_equal(program_run(&p.s, "errors", no_directory), 1);
        assert_int_equal(program_run(&p.s, "errors", no_output), 1);
        assert_int_equal(program_run(&p.s, "errors", no_arguments), 1);
        assert_int_equal(recovery_read(p.s.fd, &r), -ENOENT);

        scratch_clear(&p.data);
        assert_int_equal(run(&p, "60"), 0);
        assert_int_equal(recovery_read(p.s.fd, &r), 0);
        assert_int_equal(r.outcome, RECOVERY_NOTHING);
        assert_true(scratch_is(&p.s, "started", NULL));
        assert_int_equal(scratch_count(&p.data), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_end_has_its_outcome),
                cmocka_unit_test(the_orders_say_what_to_do),
                cmocka_unit_test(the_log_is_passed_on),
                cmocka_unit_test(the_section_is_noted),
                cmocka_unit_test(a_server_that_hangs_is_stopped),
                cmocka_unit_test(a_log_held_open_by_another_is_not_waited_for),
                cmocka_unit_test(the_data_directory_is_looked_at_first),
        };

        program = program_find("MAINSTAY_RECOVER", "./mainstay-recover");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
