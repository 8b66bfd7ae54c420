/* Files: reads are bounded, writes are whole or not there, whenever the power
 * goes. */
#include "sys/file.h"
#include "crash.h"
#include "scratch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define OLD "the old content, a little longer\n"
#define NEW "the new content\n"

static void reads_a_file(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *data = NULL;
        struct stat st;
        size_t n;

        (void) state;
        scratch_put(&s, "f", "ab\0c", 4);
        assert_int_equal(file_read(s.fd, "f", 4, &data, &n, &st), 0);
        assert_int_equal(n, 4);
        assert_memory_equal(data, "ab\0c", 5);
        assert_int_equal(st.st_size, 4);
}

static void reads_an_empty_file(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *data = NULL;
        size_t n;

        (void) state;
        scratch_puts(&s, "f", "");
        assert_int_equal(file_read(s.fd, "f", 0, &data, &n, NULL), 0);
        assert_int_equal(n, 0);
        assert_string_equal(data, "");
}

static void reads_a_file_without_a_size(void **state) {
        _cleanup_free_ char *data = NULL;
        size_t n;

        (void) state;
        assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 65536, &data, &n, NULL), 0);
        assert_true(n > 100);
        assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 100, &data, &n, NULL), -E2BIG);
}

static void reads_grow_with_the_file(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *data = NULL, *big = calloc(1, 100001);
        size_t n;

        (void) state;
        memset(big, 'x', 100000);
        scratch_put(&s, "f", big, 100000);
        assert_int_equal(file_read(s.fd, "f", 99999, &data, &n, NULL), -E2BIG);
        assert_int_equal(file_read(s.fd, "f", 100000, &data, &n, NULL), 0);
        assert_int_equal(n, 100000);
        assert_string_equal(data, big);
}

/* Nothing of this may hang, follow or be taken for a file. */
static void refuses_what_is_no_regular_file(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        char *data = NULL;
        size_t n = 7;
        int fd;

        (void) state;
        assert_int_equal(mkdirat(s.fd, "dir", 0755), 0);
        assert_int_equal(mkfifoat(s.fd, "fifo", 0644), 0);
        assert_int_equal(symlinkat("target", s.fd, "link"), 0);
        scratch_puts(&s, "target", OLD);
        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/socket", s.path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &sa, sizeof(sa)), 0);
        (void) close(fd);

        assert_int_equal(file_read(s.fd, "absent", 10, &data, &n, NULL), -ENOENT);
        assert_int_equal(file_read(s.fd, "dir", 10, &data, &n, NULL), -ENOTSUP);
        assert_int_equal(file_read(s.fd, "fifo", 10, &data, &n, NULL), -ENOTSUP);
        assert_int_equal(file_read(s.fd, "socket", 10, &data, &n, NULL), -ENOTSUP);
        assert_int_equal(file_read(s.fd, "link", 100, &data, &n, NULL), -ELOOP);
        assert_null(data);
        assert_int_equal(n, 7);

        assert_int_equal(file_write(s.fd, "dir", NEW, 4, 0644), -ENOTSUP);
        assert_int_equal(file_write(s.fd, "fifo", NEW, 4, 0644), -ENOTSUP);
        assert_int_equal(file_write(s.fd, "link", NEW, 4, 0644), -ENOTSUP);
        assert_int_equal(file_append(s.fd, "dir", NEW, 4, 0644), -ENOTSUP);
        assert_int_equal(file_append(s.fd, "fifo", NEW, 4, 0644), -ENOTSUP);
        assert_int_equal(file_append(s.fd, "socket", NEW, 4, 0644), -ENOTSUP);
        assert_int_equal(file_append(s.fd, "link", NEW, 4, 0644), -ELOOP);
        assert_true(scratch_is(&s, "target", OLD));
        assert_int_equal(scratch_count(&s), 5);
}

static void refuses_names_with_a_slash(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        static const char *const names[] = { "", ".", "..", "a/b", "/tmp/x" };

        (void) state;
        scratch_puts(&s, "f", OLD);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                CHECK(file_write(s.fd, names[i], NEW, 4, 0644) == -EINVAL, names[i]);
                CHECK(file_append(s.fd, names[i], NEW, 4, 0644) == -EINVAL, names[i]);
                CHECK(file_rename(s.fd, "f", names[i], false) == -EINVAL, names[i]);
                CHECK(file_rename(s.fd, names[i], "f", false) == -EINVAL, names[i]);
        }
}

static void a_new_file_has_its_mode_whatever_the_umask(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        struct stat st;
        mode_t before = umask(0077);

        (void) state;
        assert_int_equal(file_write(s.fd, "w", NEW, strlen(NEW), 0644), 0);
        assert_int_equal(file_append(s.fd, "a", NEW, strlen(NEW), 0640), 0);
        (void) umask(before);
        assert_int_equal(fstatat(s.fd, "w", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(fstatat(s.fd, "a", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_true(scratch_is(&s, "w", NEW));
        assert_true(scratch_is(&s, "a", NEW));
}

static void a_replaced_file_keeps_mode_and_owner(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        struct stat st;

        (void) state;
        scratch_puts(&s, "f", OLD);
        assert_int_equal(fchmodat(s.fd, "f", 0660, 0), 0);
        if (geteuid() == 0)
                assert_int_equal(fchownat(s.fd, "f", 65534, 65534, 0), 0);
        assert_int_equal(file_write(s.fd, "f", NEW, strlen(NEW), 0600), 0);
        assert_true(scratch_is(&s, "f", NEW));
        assert_int_equal(fstatat(s.fd, "f", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0660);
        if (geteuid() == 0)
                assert_int_equal(st.st_uid, 65534);
        assert_int_equal(scratch_count(&s), 1);
}

static void a_rename_keeps_its_target_when_asked_to(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        scratch_puts(&s, "a", NEW);
        scratch_puts(&s, "b", OLD);
        assert_int_equal(file_rename(s.fd, "a", "b", true), -EEXIST);
        assert_true(scratch_is(&s, "a", NEW));
        assert_true(scratch_is(&s, "b", OLD));
        assert_int_equal(file_rename(s.fd, "a", "c", true), 0);
        assert_true(scratch_is(&s, "c", NEW));
        assert_int_equal(file_rename(s.fd, "c", "b", false), 0);
        assert_true(scratch_is(&s, "b", NEW));
        assert_int_equal(file_rename(s.fd, "a", "b", false), -ENOENT);
        assert_int_equal(scratch_count(&s), 1);
}

static void appends_add_to_the_end(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        assert_int_equal(file_append(s.fd, "f", OLD, strlen(OLD), 0644), 0);
        assert_int_equal(file_append(s.fd, "f", NEW, strlen(NEW), 0644), 0);
        assert_true(scratch_is(&s, "f", OLD NEW));
}

/* What a crash has left goes with the next write of that name, and nothing else. */
static void a_write_removes_what_a_crash_has_left(void **state) {
        static const char *const others[] = { ".f.0123abc.tmp", ".f.0123abcg.tmp", ".f.0123abcd.tmp2", ".g.0123abcd.tmp", ".f.0123abcd", "f.0123abcd.tmp", ".ff.0123abcd.tmp" };
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        _cleanup_scratch_ Scratch s = scratch_new();
        int fd;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(others); i++)
                scratch_puts(&s, others[i], OLD);
        scratch_puts(&s, ".f.0123abcd.tmp", "the new c");
        scratch_puts(&s, ".f.deadbeef.tmp", "the n");
        /* Somebody else is at it. */
        fd = openat(s.fd, ".f.deadbeef.tmp", O_WRONLY | O_CLOEXEC);
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);

        assert_int_equal(file_write(s.fd, "f", NEW, strlen(NEW), 0644), 0);
        assert_true(scratch_is(&s, "f", NEW));
        assert_true(scratch_is(&s, ".f.0123abcd.tmp", NULL));
        assert_true(scratch_is(&s, ".f.deadbeef.tmp", "the n"));
        for (size_t i = 0; i < ELEMENTS(others); i++)
                CHECK(scratch_is(&s, others[i], OLD), others[i]);
        (void) close(fd);
        file_sweep(s.fd, "f");
        assert_true(scratch_is(&s, ".f.deadbeef.tmp", NULL));
        assert_int_equal(scratch_count(&s), ELEMENTS(others) + 1);
}

/* A file-size limit stands for a disk that fills up in the middle of a write. */
static void a_short_append_is_undone(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        pid_t pid;
        int status;

        (void) state;
        scratch_puts(&s, "f", OLD);
        pid = fork();
        if (pid == 0) {
                const struct rlimit limit = { strlen(OLD) + 3, strlen(OLD) + 3 };

                (void) signal(SIGXFSZ, SIG_IGN);
                if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
                        _exit(99);
                _exit(file_append(s.fd, "f", NEW, strlen(NEW), 0644) == -EIO ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(scratch_is(&s, "f", OLD));
}

/* Crashes. */

static int op_write(int dirfd) {
        return file_write(dirfd, "f", NEW, strlen(NEW), 0644);
}

static int op_append(int dirfd) {
        return file_append(dirfd, "f", NEW, strlen(NEW), 0644);
}

static int op_rename(int dirfd) {
        return file_rename(dirfd, "f", "g", false);
}

static int op_rename_keep(int dirfd) {
        return file_rename(dirfd, "f", "g", true);
}

/* Only half-written files of file_write() may lie about. */
static bool strays_are_temporary(const Scratch *s) {
        DIR *dir = opendir(s->path);
        struct dirent *e;
        bool ok = true;

        while ((e = readdir(dir)))
                if (!streq(e->d_name, "f") && !streq(e->d_name, "g") && !streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        ok = ok && strncmp(e->d_name, ".f.", 3) == 0;
        (void) closedir(dir);
        return ok;
}

static bool write_is_whole(const Scratch *s, bool existed) {
        return scratch_is(s, "f", existed ? OLD : NULL) || scratch_is(s, "f", NEW);
}

static bool append_is_whole(const Scratch *s, bool existed) {
        if (existed)
                return scratch_is(s, "f", OLD) || scratch_is(s, "f", OLD NEW);
        return scratch_is(s, "f", NULL) || scratch_is(s, "f", "") || scratch_is(s, "f", NEW);
}

static bool rename_is_whole(const Scratch *s, bool existed) {
        (void) existed;
        return (scratch_is(s, "f", OLD) && scratch_is(s, "g", "what stood there\n")) ||
               (scratch_is(s, "f", NULL) && scratch_is(s, "g", OLD));
}

static bool rename_keep_is_whole(const Scratch *s, bool existed) {
        (void) existed;
        return (scratch_is(s, "f", OLD) && scratch_is(s, "g", NULL)) || (scratch_is(s, "f", NULL) && scratch_is(s, "g", OLD));
}

static const struct {
        const char *name;
        crash_operation_t operation;
        bool existed;
        const char *other;
        bool (*whole)(const Scratch *s, bool existed);
        const char *file, *after; /* what it comes to when nothing happens */
} crashes[] = {
        { "replacing", op_write, true, NULL, write_is_whole, "f", NEW },
        { "writing a new file", op_write, false, NULL, write_is_whole, "f", NEW },
        { "appending", op_append, true, NULL, append_is_whole, "f", OLD NEW },
        { "appending to a new file", op_append, false, NULL, append_is_whole, "f", NEW },
        { "renaming over a file", op_rename, true, "what stood there\n", rename_is_whole, "g", OLD },
        { "renaming, keeping", op_rename_keep, true, NULL, rename_keep_is_whole, "g", OLD },
};

static void whole_after_a_crash_at_any_call(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        for (size_t i = 0; i < ELEMENTS(crashes); i++) {
                unsigned n = 0;
                int r;

                do {
                        scratch_clear(&s);
                        if (crashes[i].existed)
                                scratch_puts(&s, "f", OLD);
                        if (crashes[i].other)
                                scratch_puts(&s, "g", crashes[i].other);
                        r = crash_after(crashes[i].operation, s.fd, ++n);
                        if (r == -EPERM)
                                skip();
                        CHECK(r >= 0, crashes[i].name);
                        CHECK(crashes[i].whole(&s, crashes[i].existed), crashes[i].name);
                        CHECK(strays_are_temporary(&s), crashes[i].name);
                } while (r == 1);
                /* It has been interrupted, and then it came to its end. */
                CHECK(n > 4, crashes[i].name);
                CHECK(scratch_is(&s, crashes[i].file, crashes[i].after), crashes[i].name);
        }
}

static bool is_rename(long nr) {
#ifdef SYS_renameat
        if (nr == SYS_renameat)
                return true;
#endif
#ifdef SYS_rename
        if (nr == SYS_rename)
                return true;
#endif
        return nr == SYS_renameat2;
}

/* What a killed process cannot show, since the kernel lives on: that the data
 * reach the disk before the name does, and the name before the return. */
static void synced_in_the_right_order(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        long calls[1024];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(crashes); i++) {
                int n, write_at = -1, rename_at = -1, first_sync = -1, last_sync = -1;

                scratch_clear(&s);
                if (crashes[i].existed)
                        scratch_puts(&s, "f", OLD);
                n = crash_trace(crashes[i].operation, s.fd, calls, ELEMENTS(calls));
                if (n == -EPERM)
                        skip();
                CHECK(n >= 0 && n < (int) ELEMENTS(calls), crashes[i].name);
                for (int k = 0; k < n; k++) {
                        if (calls[k] == SYS_write)
                                write_at = k;
                        if (is_rename(calls[k]))
                                rename_at = k;
                        if (calls[k] == SYS_fsync) {
                                if (first_sync < 0)
                                        first_sync = k;
                                last_sync = k;
                        }
                }
                CHECK(last_sync >= 0, crashes[i].name);
                CHECK(write_at < first_sync, crashes[i].name);
                CHECK(rename_at < last_sync, crashes[i].name);
                if (write_at >= 0 && rename_at >= 0)
                        CHECK(first_sync < rename_at, crashes[i].name);
                if (!crashes[i].existed)
                        CHECK(first_sync < last_sync, crashes[i].name);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_a_file),
                cmocka_unit_test(reads_an_empty_file),
                cmocka_unit_test(reads_a_file_without_a_size),
                cmocka_unit_test(reads_grow_with_the_file),
                cmocka_unit_test(refuses_what_is_no_regular_file),
                cmocka_unit_test(refuses_names_with_a_slash),
                cmocka_unit_test(a_new_file_has_its_mode_whatever_the_umask),
                cmocka_unit_test(a_replaced_file_keeps_mode_and_owner),
                cmocka_unit_test(a_rename_keeps_its_target_when_asked_to),
                cmocka_unit_test(appends_add_to_the_end),
                cmocka_unit_test(a_write_removes_what_a_crash_has_left),
                cmocka_unit_test(a_short_append_is_undone),
                cmocka_unit_test(whole_after_a_crash_at_any_call),
                cmocka_unit_test(synced_in_the_right_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
