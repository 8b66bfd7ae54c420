/* mainstay-generator, as systemd calls it: what setup has made for a unit is a drop-in of
 * that unit, and nothing else is. */
#include "scratch.h"

#define TEXT "[Service]\nNotifyAccess=exec\n"

static const char *program;

static int run(const char *from, const char *to) {
        const char *const argv[] = { program, to, to, to, NULL };
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                (void) setenv("MAINSTAY_UNITS", from, 1);
                (void) execv(program, (char *const *) argv);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Is `name` there the drop-in of a unit? Takes it away. */
static bool is_linked(const Scratch *to, const Scratch *from, const char *name, const char *unit) {
        char path[128], target[128], expected[128];
        ssize_t n;

        (void) snprintf(path, sizeof(path), "%s.d/50-mainstay.conf", unit);
        (void) snprintf(expected, sizeof(expected), "%s/%s", from->path, name);
        n = readlinkat(to->fd, path, target, sizeof(target) - 1);
        target[n < 0 ? 0 : n] = 0;
        return streq(target, expected) && unlinkat(to->fd, path, 0) == 0;
}

static size_t entries(const Scratch *s) {
        DIR *dir = opendir(s->path);
        struct dirent *e;
        size_t n = 0;

        while ((e = readdir(dir)))
                n += e->d_name[0] != '.';
        (void) closedir(dir);
        return n;
}

static void a_drop_in_for_each_unit(void **state) {
        static const char *const others[] = { ".mariadb.service.conf.0badcafe.tmp", "mariadb.service", "README" };
        _cleanup_scratch_ Scratch from = scratch_new(), to = scratch_new();

        scratch_put(&from, "mariadb.service.conf", TEXT, strlen(TEXT));
        scratch_put(&from, "mysql@bootstrap.service.conf", TEXT, strlen(TEXT));
        for (size_t i = 0; i < ELEMENTS(others); i++)
                scratch_put(&from, others[i], TEXT, strlen(TEXT));

        assert_int_equal(run(from.path, to.path), 0);
        assert_int_equal(entries(&to), 2);
        assert_true(is_linked(&to, &from, "mariadb.service.conf", "mariadb.service"));
        assert_true(is_linked(&to, &from, "mysql@bootstrap.service.conf", "mysql@bootstrap.service"));
}

static void where_nothing_is_set_up_nothing_is_done(void **state) {
        _cleanup_scratch_ Scratch to = scratch_new();

        assert_int_equal(run("/nonexistent/units", to.path), 0);
        assert_int_equal(entries(&to), 0);
}

static void one_that_fails_is_told_and_keeps_no_other_out(void **state) {
        _cleanup_scratch_ Scratch from = scratch_new(), to = scratch_new();

        scratch_put(&from, "a.service.conf", TEXT, strlen(TEXT));
        scratch_put(&from, "b.service.conf", TEXT, strlen(TEXT));
        scratch_put(&from, "c.service.conf", TEXT, strlen(TEXT));
        scratch_put(&to, "b.service.d", "", 0); /* no directory */

        assert_int_equal(run(from.path, to.path), 1);
        assert_true(is_linked(&to, &from, "a.service.conf", "a.service"));
        assert_true(is_linked(&to, &from, "c.service.conf", "c.service"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_drop_in_for_each_unit),
                cmocka_unit_test(where_nothing_is_set_up_nothing_is_done),
                cmocka_unit_test(one_that_fails_is_told_and_keeps_no_other_out),
        };

        program = program_find("MAINSTAY_GENERATOR", "./mainstay-generator");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
