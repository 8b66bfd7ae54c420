/* Who holds a file locked: real locks of real processes. */
#include "scratch.h"
#include "sys/locks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* A process that holds a lock of this type until it is ended. */
static pid_t holder(const char *path, short type) {
        int ready[2];
        char c;
        pid_t pid;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
                int fd = open(path, O_RDWR | O_CLOEXEC);

                if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        (void) pause();
        }
        (void) close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        (void) close(ready[0]);
        return pid;
}

static void end(pid_t pid) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_lock_is_seen_while_it_is_held(void **state) {
        _cleanup_(scratch_done) Scratch s = scratch_new();
        _cleanup_free_ char *path = NULL, *other = NULL, *none = NULL;
        pid_t pid;

        (void) state;
        scratch_puts(&s, "lock", "");
        scratch_puts(&s, "other", "");
        assert_true(asprintf(&path, "%s/lock", s.path) > 0 && asprintf(&other, "%s/other", s.path) > 0 && asprintf(&none, "%s/none", s.path) > 0);

        assert_false(locks_held(path));
        pid = holder(path, F_WRLCK);
        assert_true(locks_held(path));
        assert_false(locks_held(other));
        assert_false(locks_held(none));
        end(pid);
        assert_false(locks_held(path));

        /* Who only asks what is installed holds nobody up. */
        pid = holder(path, F_RDLCK);
        assert_false(locks_held(path));
        end(pid);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_lock_is_seen_while_it_is_held),
        };

        if (access("/proc/locks", R_OK) < 0) {
                puts("there is no /proc/locks here");
                return 77;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
