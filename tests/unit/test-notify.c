/* mainstay-notify, as mysqld calls it: it records what can be recorded, says in
 * the record what cannot, and exits 0. */
#include "adapter/record.h"
#include "scratch.h"

#include <sys/resource.h>

#define C "220dcdcb-1629-11e4-add3-aec059ad3734"
#define A "7147ff56-e6a8-11f1-b7a5-1aec09909f65"
#define MA A "/db1/192.0.2.1:0"
#define ARGS_MAX 16

static const char *program;

/* The record with every time as "T". */
static char *record_get(const Scratch *s) {
        char *text = scratch_get(s, RECORD_NAME), *to = text;

        for (char *p = text; p && *p; to++) {
                size_t digits = strspn(p, "0123456789");

                if (digits > 10) {
                        *to = 'T';
                        p += digits;
                } else
                        *to = *p++;
        }
        if (to)
                *to = '\0';
        return text;
}

static const struct {
        const char *name;
        const char *argv[ARGS_MAX];
        const char *record; /* NULL: none is made */
} table[] = {
        { "nothing", { NULL }, NULL },
        { "a status", { "--status", "joiner", NULL }, "status T joiner\n" },
        { "a status of old servers", { "--status", "Error(5)", NULL }, "status T Error(5)\n" },
        { "a status that is no word", { "--status", "a b\n" "cdefghijklmnopqrstuvwxyz", NULL }, "status T a?b?cdefghijklmnopqrstu\n" },
        { "an empty status", { "--status", "", NULL }, NULL },
        { "a view", { "--status", "synced", "--uuid", C, "--primary", "yes", "--index", "0", "--members", MA, NULL },
          "view T " C " primary 0 " MA "\nstatus T synced\n" },
        { "in another order", { "--members", MA, "--index", "0", "--primary", "no", "--uuid", C, "--status", "connected", NULL },
          "view T " C " non-primary 0 " MA "\nstatus T connected\n" },
        { "with equal signs", { "--status=synced", "--uuid=" C, "--primary=yes", "--index=0", "--members=" MA, NULL },
          "view T " C " primary 0 " MA "\nstatus T synced\n" },
        { "no status, no index", { "--uuid", C, "--primary", "yes", "--members", MA, NULL }, "view T " C " primary -1 " MA "\n" },
        { "an arbitrator and a node", { "--uuid", C, "--primary", "yes", "--index", "0", "--members", MA "," C "/garb/", NULL },
          "view T " C " primary 0 " MA "," C "/garb/\n" },
        { "the end", { "--status", "disconnected", "--uuid", C, "--primary", "no", "--index", "-1", NULL }, "disconnected T\n" },
        { "arguments of a version to come", { "--view", "7", "--status", "synced", "--new", "--members-total", "5", NULL }, "status T synced\n" },
        { "an argument without its value", { "--uuid", "--status", "synced", "--primary", NULL }, "status T synced\n" },

        /* What the shell made of names with blanks, and other losses. */
        { "a name with a blank", { "--uuid", C, "--primary", "yes", "--index", "0", "--members", A "/db", "1/192.0.2.1", NULL }, "lost T\n" },
        { "a blank where the list looks whole", { "--uuid", C, "--primary", "yes", "--index", "0", "--members", MA "," A "/d/", "b/192.0.2.1", NULL }, "lost T\n" },
        { "a list cut before this node", { "--uuid", C, "--primary", "yes", "--index", "1", "--members", MA, NULL }, "lost T\n" },
        { "a list that is none", { "--status", "synced", "--uuid", C, "--primary", "yes", "--members", "x", NULL }, "lost T\nstatus T synced\n" },
        { "primary or not?", { "--uuid", C, "--members", MA, NULL }, "lost T\n" },
        { "primary maybe", { "--uuid", C, "--primary", "maybe", "--members", MA, NULL }, "lost T\n" },
        { "no cluster", { "--primary", "yes", "--members", MA, NULL }, "lost T\n" },
        { "a cluster that is none", { "--uuid", "x", "--primary", "yes", "--members", MA, NULL }, "lost T\n" },
        { "an index that is none", { "--uuid", C, "--primary", "yes", "--index", "x", "--members", MA, NULL }, "lost T\n" },
};

static int run(const Scratch *s, const char *const *argv) {
        const char *all[ARGS_MAX + 1] = { program };

        for (size_t i = 0; argv[i]; i++)
                all[i + 1] = argv[i];
        return program_run(s, "errors", all);
}

static void what_mysqld_tells_is_recorded(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        if (!program)
                skip();
        (void) setenv("MAINSTAY_SERVER_DIR", s.path, 1);
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                _cleanup_free_ char *record = NULL, *errors = NULL;

                scratch_clear(&s);
                CHECK(run(&s, table[i].argv) == 0, table[i].name);
                record = record_get(&s);
                if (!streq_null(record, table[i].record))
                        fail_msg("%s: \"%s\"", table[i].name, str_or(record, "(none)"));
                errors = scratch_get(&s, "errors");
                CHECK(!*errors == !(record && strstr(record, "lost")), table[i].name);
        }
}

static const char *const view[] = { "--uuid", C, "--primary", "yes", "--index", "0", "--members", MA, NULL };

static void it_appends(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *record = NULL;
        struct stat st;

        (void) state;
        if (!program)
                skip();
        (void) setenv("MAINSTAY_SERVER_DIR", s.path, 1);
        scratch_puts(&s, RECORD_NAME, "start 1 90 - -\nview 9");
        assert_int_equal(run(&s, view), 0);
        record = record_get(&s);
        assert_string_equal(record, "start 1 90 - -\nview 9\nview T " C " primary 0 " MA "\n");
        assert_int_equal(fstatat(s.fd, RECORD_NAME, &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
}

/* No room for the view: a record without it must not look whole. */
static void a_record_that_cannot_be_written_is_set_aside(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        struct rlimit before, small;

        (void) state;
        if (!program)
                skip();
        (void) setenv("MAINSTAY_SERVER_DIR", s.path, 1);
        scratch_puts(&s, RECORD_NAME, "start 1 90 - -\n");
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        small = before;
        small.rlim_cur = 20;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        assert_int_equal(run(&s, view), 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_true(scratch_is(&s, RECORD_NAME, NULL));
        assert_true(scratch_is(&s, RECORD_LOST_NAME, "start 1 90 - -\n"));
}

static void without_a_directory_it_still_exits_0(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *errors = NULL;

        (void) state;
        if (!program)
                skip();
        (void) setenv("MAINSTAY_SERVER_DIR", "/nonexistent/mainstay", 1);
        assert_int_equal(run(&s, view), 0);
        errors = scratch_get(&s, "errors");
        assert_non_null(strstr(errors, "/nonexistent/mainstay"));
}

/* As a server without standard descriptors starts it: the complaint about the
 * list must not end up in the record. */
static void closed_descriptors_do_no_harm(void **state) {
        static const char *const cut[] = { "--primary", "yes", "--members", "x", NULL };
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *record = NULL;
        pid_t pid;
        int status;

        (void) state;
        if (!program)
                skip();
        (void) setenv("MAINSTAY_SERVER_DIR", s.path, 1);
        pid = fork();
        if (pid == 0) {
                const char *argv[] = { program, cut[0], cut[1], cut[2], cut[3], NULL };

                for (int fd = 0; fd < 3; fd++)
                        (void) close(fd);
                (void) execv(argv[0], (char *const *) argv);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        record = record_get(&s);
        assert_string_equal(record, "lost T\n");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_mysqld_tells_is_recorded),
                cmocka_unit_test(it_appends),
                cmocka_unit_test(a_record_that_cannot_be_written_is_set_aside),
                cmocka_unit_test(without_a_directory_it_still_exits_0),
                cmocka_unit_test(closed_descriptors_do_no_harm),
        };

        program = program_find("MAINSTAY_NOTIFY", "./mainstay-notify");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
