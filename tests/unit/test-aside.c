/* Setting a datadir aside: at no moment is there nothing in its place, and
 * whatever cuts it off, the data are whole, in one of two places. */
#include "adapter/aside.h"
#include "crash.h"
#include "disk.h"
#include "scratch.h"

#include <limits.h>
#include <signal.h>

#define STAMP "20261122T224846"
#define ASIDE "mysql.mainstay-" STAMP
#define FRESH ASIDE ".new"

static int put(int dirfd, const char *name, const char *text) {
        int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ssize_t n = write(fd, text, strlen(text));

        (void) close(fd);
        return n == (ssize_t) strlen(text) ? 0 : -EIO;
}

static void make_datadir(const Scratch *s) {
        _cleanup_close_ int fd = -1;

        assert_int_equal(mkdirat(s->fd, "mysql", 0750), 0);
        fd = openat(s->fd, "mysql", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(put(fd, "grastate.dat", "mine"), 0);
        assert_int_equal(put(fd, "ibdata1", "rows"), 0);
        assert_int_equal(mkdirat(fd, "lab", 0700), 0);
}

/* Whatever is there, emptied two levels deep. */
static void clear(const Scratch *s) {
        static const char *const dirs[] = { "mysql", ASIDE, FRESH };
        static const char *const files[] = { "grastate.dat", "ibdata1", ASIDE_NOTE_NAME };

        for (size_t i = 0; i < ELEMENTS(dirs); i++) {
                _cleanup_close_ int fd = openat(s->fd, dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                DIR *dir;
                struct dirent *e;

                if (fd < 0)
                        continue;
                for (size_t k = 0; k < ELEMENTS(files); k++)
                        (void) unlinkat(fd, files[k], 0);
                (void) unlinkat(fd, "lab", AT_REMOVEDIR);
                dir = fdopendir(dup(fd));
                while (dir && (e = readdir(dir)))
                        if (e->d_name[0] == '.' && e->d_name[1] && e->d_name[1] != '.')
                                (void) unlinkat(fd, e->d_name, 0); /* a temporary file of a write that was cut off */
                if (dir)
                        (void) closedir(dir);
        }
        scratch_clear(s);
}

/* The data, whole. */
static bool has_data(const Scratch *s, const char *name) {
        char path[128];
        bool whole = true;
        struct stat st;

        (void) snprintf(path, sizeof(path), "%s/grastate.dat", name);
        whole = whole && scratch_is(s, path, "mine");
        (void) snprintf(path, sizeof(path), "%s/ibdata1", name);
        whole = whole && scratch_is(s, path, "rows");
        (void) snprintf(path, sizeof(path), "%s/lab", name);
        return whole && fstatat(s->fd, path, &st, 0) >= 0 && S_ISDIR(st.st_mode);
}

static bool is_empty(const Scratch *s, const char *name) {
        DIR *dir = fdopendir(openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        struct dirent *e;
        bool empty = dir;

        while (dir && (e = readdir(dir)))
                empty = empty && e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.');
        if (dir)
                (void) closedir(dir);
        return empty;
}

static int move_it(int dirfd) {
        char text[ASIDE_TEXT_MAX] = "";
        int r = aside_move(dirfd, "mysql", STAMP, "why\n", false, text);

        return r == 0 ? -ECANCELED : r < 0 ? r : 0;
}

static void check_done(const Scratch *s) {
        struct stat st;

        assert_true(has_data(s, ASIDE));
        assert_true(scratch_is(s, ASIDE "/" ASIDE_NOTE_NAME, "why\n"));
        assert_true(is_empty(s, "mysql"));
        assert_int_equal(fstatat(s->fd, "mysql", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0750);
        assert_int_equal(scratch_count(s), 2);
}

static void it_is_renamed_and_an_empty_one_takes_its_place(void **state) {
        Scratch s = scratch_new();

        (void) state;
        make_datadir(&s);
        assert_int_equal(move_it(s.fd), 0);
        check_done(&s);
        /* Once more changes nothing, also when a server has written there since. */
        assert_int_equal(move_it(s.fd), 0);
        check_done(&s);
        scratch_puts(&s, "mysql/ibdata1", "a full copy");
        assert_int_equal(move_it(s.fd), 0);
        assert_true(scratch_is(&s, "mysql/ibdata1", "a full copy"));
        assert_true(has_data(&s, ASIDE));
        clear(&s);
        scratch_done(&s);
}

static void cut_off_anywhere_it_goes_on(void **state) {
        Scratch s = scratch_new();
        unsigned n = 0, in_between = 0;
        int r;

        (void) state;
        do {
                bool old;

                clear(&s);
                make_datadir(&s);
                r = crash_after(move_it, s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                old = has_data(&s, "mysql");
                /* The old one in place, or an empty one and the old one beside it. */
                if (!old) {
                        assert_true(is_empty(&s, "mysql"));
                        assert_true(has_data(&s, FRESH) != has_data(&s, ASIDE));
                        in_between += has_data(&s, FRESH);
                }
                assert_int_equal(move_it(s.fd), 0);
                check_done(&s);
        } while (r == 1);
        assert_true(n > 20);
        assert_true(in_between > 0);
        clear(&s);
        scratch_done(&s);
}

/* On a file system that cannot exchange names, it may be cut off between the two. */
static void without_an_exchange_it_goes_on_too(void **state) {
        Scratch s = scratch_new();

        (void) state;
        make_datadir(&s);
        scratch_puts(&s, "mysql/" ASIDE_NOTE_NAME, "why\n");
        assert_int_equal(mkdirat(s.fd, FRESH, 0750), 0);
        assert_int_equal(renameat(s.fd, "mysql", s.fd, ASIDE), 0);
        assert_int_equal(move_it(s.fd), 0);
        check_done(&s);
        clear(&s);
        scratch_done(&s);
}

/* What fails is no refusal, but for the rename itself: then it is as it was. */
static void whatever_call_fails_it_is_said_and_goes_on(void **state) {
        static const int errors[] = { EIO, ENOSPC, EINVAL };
        Scratch s = scratch_new();

        (void) state;
        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        char text[ASIDE_TEXT_MAX] = "";
                        int r;

                        make_datadir(&s);
                        disk_fail(++n, errors[e]);
                        r = aside_move(s.fd, "mysql", STAMP, "why\n", false, text);
                        failed = disk_failed();
                        CHECK(r == 1 || (failed && *text), str_or(failed, "nothing"));
                        CHECK(r != 0 || (streq(failed, "renameat2") && has_data(&s, "mysql") && scratch_count(&s) == 1), str_or(failed, "nothing"));
                        CHECK(has_data(&s, "mysql") || (is_empty(&s, "mysql") && has_data(&s, FRESH) != has_data(&s, ASIDE)), str_or(failed, "nothing"));
                        assert_int_equal(move_it(s.fd), 0);
                        check_done(&s);
                        clear(&s);
                } while (failed);
                assert_true(n > 20);
        }
        scratch_done(&s);
}

/* On one that cannot do what others can, with any other call of that failing. */
static void without_the_kernel_s_help_it_goes_on_too(void **state) {
        static const int errors[] = { EINVAL, ENOSYS, EOPNOTSUPP };
        Scratch s = scratch_new();

        (void) state;
        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        char text[ASIDE_TEXT_MAX] = "";
                        int r;

                        make_datadir(&s);
                        disk_fail_each("renameat2", errors[e]);
                        disk_fail(++n, EIO);
                        r = aside_move(s.fd, "mysql", STAMP, "why\n", false, text);
                        failed = disk_failed();
                        CHECK(r == 1 || (failed && *text), str_or(failed, "nothing"));
                        CHECK(has_data(&s, "mysql") || has_data(&s, ASIDE), str_or(failed, "nothing"));
                        /* Between the two names it goes on from there, whatever fails. */
                        if (faccessat(s.fd, "mysql", F_OK, 0) < 0)
                                for (unsigned k = 1; k <= 2; k++) {
                                        disk_fail(k, EIO);
                                        assert_int_equal(move_it(s.fd), -EIO);
                                        assert_non_null(disk_failed());
                                }
                        disk_fail_each("renameat2", errors[e]);
                        r = move_it(s.fd);
                        (void) disk_failed();
                        assert_int_equal(r, 0);
                        check_done(&s);
                        clear(&s);
                } while (failed);
                assert_true(n > 20);
        }
        scratch_done(&s);
}

static void room_is_looked_for(void **state) {
        char text[ASIDE_TEXT_MAX] = "";
        Scratch s = scratch_new();

        (void) state;
        make_datadir(&s);
        disk_fail_each("fstatvfs", DISK_NOTHING);
        assert_int_equal(aside_move(s.fd, "mysql", STAMP, "why\n", false, text), 0);
        assert_non_null(strstr(text, "--force=space"));
        assert_true(has_data(&s, "mysql") && scratch_count(&s) == 1);
        assert_int_equal(aside_move(s.fd, "mysql", STAMP, "why\n", true, text), 1);
        (void) disk_failed();
        check_done(&s);
        clear(&s);
        scratch_done(&s);
}

static void no_name_leads_elsewhere(void **state) {
        char text[ASIDE_TEXT_MAX] = "", name[NAME_MAX + 1];
        Scratch s = scratch_new();

        (void) state;
        make_datadir(&s);
        memset(name, 'x', sizeof(name));
        /* The name itself has no room, or only that of what takes its place has none. */
        for (size_t n = NAME_MAX; n >= NAME_MAX - sizeof(".mainstay-" STAMP) + 1 - 3; n -= sizeof(".mainstay-" STAMP) - 1 + 3) {
                name[n] = 0;
                assert_int_equal(aside_move(s.fd, name, STAMP, "why\n", true, text), 0);
                assert_non_null(strstr(text, "cannot be renamed to anything"));
        }
        assert_int_equal(aside_move(s.fd, ".", STAMP, "why\n", true, text), 0);
        assert_int_equal(aside_move(s.fd, "mysql/../mysql", STAMP, "why\n", true, text), 0);
        assert_true(has_data(&s, "mysql") && scratch_count(&s) == 1);
        clear(&s);
        scratch_done(&s);
}

static void refused(const Scratch *s, const char *what, const char *why) {
        char text[ASIDE_TEXT_MAX] = "";
        int r = aside_move(s->fd, "mysql", STAMP, "why\n", false, text);

        if (r > 0 || !strstr(text, why))
                fail_msg("%s: %d, %s", what, r, text);
        assert_false(faccessat(s->fd, ASIDE, F_OK, 0) >= 0 || faccessat(s->fd, FRESH, F_OK, 0) >= 0);
}

static void what_cannot_be_set_aside_stays_as_it_is(void **state) {
        Scratch s = scratch_new();
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int ready[2], status;
        char byte;
        pid_t pid;

        (void) state;
        refused(&s, "no datadir", "mysql cannot be opened");
        assert_int_equal(mkdirat(s.fd, "mysql", 0700), 0);
        refused(&s, "an empty one", "nothing in mysql that looks like");
        assert_int_equal(unlinkat(s.fd, "mysql", AT_REMOVEDIR), 0);
        assert_int_equal(symlinkat("/", s.fd, "mysql"), 0);
        refused(&s, "a symbolic link", "mysql cannot be opened");
        assert_int_equal(unlinkat(s.fd, "mysql", 0), 0);

        /* A server that runs there. */
        make_datadir(&s);
        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int fd = openat(s.fd, "mysql/ibdata1", O_RDWR | O_CLOEXEC);

                if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "x", 1) != 1)
                        _exit(1);
                (void) pause();
                _exit(0);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        refused(&s, "a server runs", "a server runs on these data");
        assert_true(has_data(&s, "mysql"));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void) close(ready[0]);
        (void) close(ready[1]);
        assert_int_equal(move_it(s.fd), 0);
        clear(&s);
        scratch_done(&s);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_renamed_and_an_empty_one_takes_its_place),
                cmocka_unit_test(cut_off_anywhere_it_goes_on),
                cmocka_unit_test(without_an_exchange_it_goes_on_too),
                cmocka_unit_test(whatever_call_fails_it_is_said_and_goes_on),
                cmocka_unit_test(without_the_kernel_s_help_it_goes_on_too),
                cmocka_unit_test(room_is_looked_for),
                cmocka_unit_test(no_name_leads_elsewhere),
                cmocka_unit_test(what_cannot_be_set_aside_stays_as_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
