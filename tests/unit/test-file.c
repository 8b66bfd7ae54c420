/* Files: reads are bounded, writes are whole or not there, whenever the power
 * goes. */
#include "sys/file.h"
#include "crash.h"
#include "disk.h"
#include "scratch.h"

#include <limits.h>
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
        char longest[NAME_MAX - 12];

        (void) state;
        scratch_puts(&s, "f", OLD);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                CHECK(file_write(s.fd, names[i], NEW, 4, 0644) == -EINVAL, names[i]);
                CHECK(file_append(s.fd, names[i], NEW, 4, 0644) == -EINVAL, names[i]);
                CHECK(file_rename(s.fd, "f", names[i], false) == -EINVAL, names[i]);
                CHECK(file_rename(s.fd, names[i], "f", false) == -EINVAL, names[i]);
        }
        /* Nor one beside which there is no room for a temporary one. */
        memset(longest, 'x', sizeof(longest));
        longest[sizeof(longest) - 1] = 0;
        assert_int_equal(file_write(s.fd, longest, NEW, 4, 0644), -ENAMETOOLONG);
        longest[sizeof(longest) - 2] = 0;
        assert_int_equal(file_write(s.fd, longest, NEW, 4, 0644), 0);
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
        assert_int_equal(scratch_count(&s), 1);
        if (geteuid() != 0)
                return;
        assert_int_equal(st.st_uid, 65534);
        assert_int_equal(fchownat(s.fd, "f", 0, 65533, 0), 0); /* the group alone */
        assert_int_equal(file_write(s.fd, "f", OLD, strlen(OLD), 0600), 0);
        assert_int_equal(fstatat(s.fd, "f", &st, 0), 0);
        assert_int_equal(st.st_uid, 0);
        assert_int_equal(st.st_gid, 65533);
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
        assert_int_equal(symlinkat("f", s.fd, ".f.00000000.tmp"), 0); /* not ours */
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
        assert_int_equal(scratch_count(&s), ELEMENTS(others) + 2);
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

/* And after a failure of any, where success is said of what was done, and nothing else. */
static void whole_when_any_call_fails(void **state) {
        static const int errors[] = { EIO, ENOSPC, EINTR };
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        for (size_t i = 0; i < ELEMENTS(crashes); i++)
                for (size_t e = 0; e < ELEMENTS(errors); e++) {
                        const char *failed;
                        unsigned n = 0;
                        int r;

                        do {
                                char what[128];

                                scratch_clear(&s);
                                if (crashes[i].existed)
                                        scratch_puts(&s, "f", OLD);
                                if (crashes[i].other)
                                        scratch_puts(&s, "g", crashes[i].other);
                                if (crashes[i].existed && geteuid() == 0)
                                        assert_int_equal(fchownat(s.fd, "f", 65534, 65534, 0), 0);
                                disk_fail(++n, errors[e]);
                                r = crashes[i].operation(s.fd);
                                failed = disk_failed();
                                (void) snprintf(what, sizeof(what), "%s: %s fails with %s: %d", crashes[i].name, str_or(failed, "nothing"), strerror(errors[e]), r);
                                CHECK(r == 0 || (failed && (r == -errors[e] || r == -EIO)), what);
                                CHECK(crashes[i].whole(&s, crashes[i].existed), what);
                                CHECK(r < 0 || scratch_is(&s, crashes[i].file, crashes[i].after), what);
                                CHECK(strays_are_temporary(&s), what);
                                if (crashes[i].operation != op_write)
                                        continue;
                                /* The next one removes what is left. */
                                CHECK(op_write(s.fd) == 0 && scratch_is(&s, "f", NEW) && scratch_count(&s) == 1, what);
                        } while (failed);
                        CHECK(n > 3, crashes[i].name);
                }
}

/* Races: what another does between two calls. */

static const Scratch *scene;
static unsigned times;

static void a_write_goes_on_until_all_is_written(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        disk_fail_each("write", DISK_SHORT);
        assert_int_equal(op_write(s.fd), 0);
        (void) disk_failed();
        assert_true(scratch_is(&s, "f", NEW));
        disk_fail_each("write", DISK_NOTHING);
        assert_int_equal(op_write(s.fd), -EIO);
        (void) disk_failed();
        assert_int_equal(scratch_count(&s), 1);
}

static void sweep(void) {
        file_sweep(scene->fd, "f");
}

/* Between the making of a temporary file and its lock it is anybody's. */
static void a_temporary_file_that_was_swept_is_made_again(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        scene = &s;
        scratch_puts(&s, "f", OLD);
        disk_before("fcntl", sweep);
        assert_int_equal(op_write(s.fd), 0);
        (void) disk_failed();
        assert_true(scratch_is(&s, "f", NEW));
        assert_int_equal(scratch_count(&s), 1);
        /* Who sweeps has it locked, again and again; or each name is taken. */
        disk_fail_each("fcntl", EAGAIN);
        assert_int_equal(op_write(s.fd), -EEXIST);
        disk_fail_each("openat", EEXIST);
        assert_int_equal(op_write(s.fd), -EEXIST);
        /* Nobody has locks here. */
        disk_fail_each("fcntl", ENOLCK);
        assert_int_equal(file_write(s.fd, "f", OLD, strlen(OLD), 0644), 0);
        (void) disk_failed();
        assert_true(scratch_is(&s, "f", OLD));
        assert_int_equal(op_write(s.fd), 0);
        assert_int_equal(scratch_count(&s), 1);
}

static void grow(void) {
        _cleanup_free_ char *more = calloc(1, 20001);

        memset(more, 'x', 20000);
        assert_int_equal(file_append(scene->fd, "f", more, 20000, 0644), 0);
}

static void a_file_that_grows_is_read_to_its_end(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *data = NULL;
        size_t n;

        (void) state;
        scene = &s;
        scratch_puts(&s, "f", OLD);
        disk_before("read", grow);
        assert_int_equal(file_read(s.fd, "f", 65536, &data, &n, NULL), 0);
        assert_int_equal(n, strlen(OLD) + 20000);
        assert_int_equal(data[n - 1], 'x');
        disk_before("read", grow);
        assert_int_equal(file_read(s.fd, "f", n, &data, &n, NULL), -E2BIG);
        (void) disk_failed();
}

static void a_read_tells_of_any_call_that_fails(void **state) {
        static const int errors[] = { EIO, EINTR };
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        scratch_puts(&s, "f", OLD);
        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        _cleanup_free_ char *data = NULL;
                        size_t size = 0;
                        int r;

                        disk_fail(++n, errors[e]);
                        r = file_read(s.fd, "f", 100, &data, &size, NULL);
                        failed = disk_failed();
                        /* Only a read that was interrupted goes on. */
                        if (!failed || (errors[e] == EINTR && streq(failed, "read")))
                                CHECK(r == 0 && streq(data, OLD) && size == strlen(OLD), str_or(failed, "nothing"));
                        else
                                CHECK(r == -errors[e] && !data && size == 0, failed);
                } while (failed);
                assert_true(n > 3);
        }
}

static void another_appends(void) {
        scratch_puts(scene, "f", OLD "NX");
}

/* A line in part is taken back, as long as it is the last. */
static void a_short_append_is_undone_where_it_can_be(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        const char *failed;
        unsigned n = 0, undone = 0;
        int r;

        (void) state;
        scene = &s;
        do {
                scratch_puts(&s, "f", OLD);
                disk_fail_each("write", DISK_SHORT);
                disk_fail(++n, ENOSPC);
                r = op_append(s.fd);
                failed = disk_failed();
                assert_int_equal(r, n < 3 ? -ENOSPC : -EIO);
                undone += scratch_is(&s, "f", OLD);
                assert_true(scratch_is(&s, "f", OLD) || (failed && scratch_is(&s, "f", OLD "t")));
        } while (failed);
        assert_int_equal(undone, n - 3); /* not where the place, the size, or the cut failed */

        scratch_puts(&s, "f", OLD);
        disk_fail_each("write", DISK_SHORT);
        disk_before("lseek", another_appends);
        assert_int_equal(op_append(s.fd), -EIO);
        (void) disk_failed();
        assert_true(scratch_is(&s, "f", OLD "NX"));
}

/* At every other look the file is there. */
static void flicker(void) {
        times++;
        if (times % 2 == 0)
                scratch_puts(scene, "f", OLD);
        else if (times > 1)
                assert_int_equal(unlinkat(scene->fd, "f", 0), 0);
        disk_before("openat", flicker);
}

static void appear(void) {
        if (++times < 2)
                disk_before("openat", appear);
        else
                scratch_puts(scene, "f", OLD);
}

static void an_append_finds_the_file_that_another_makes(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        scene = &s;
        times = 0;
        disk_before("openat", appear);
        assert_int_equal(op_append(s.fd), 0);
        (void) disk_failed();
        assert_true(scratch_is(&s, "f", OLD NEW));
        assert_int_equal(unlinkat(s.fd, "f", 0), 0);
        times = 0;
        disk_before("openat", flicker);
        assert_int_equal(op_append(s.fd), -EBUSY);
        (void) disk_failed();
}

/* A file system that cannot refuse to replace: NFS, for one. */
static void a_rename_keeps_its_target_without_the_kernel_s_help(void **state) {
        static const int errors[] = { EINVAL, ENOSYS };
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                scratch_clear(&s);
                scratch_puts(&s, "f", OLD);
                scratch_puts(&s, "g", NEW);
                disk_fail_each("renameat2", errors[e]);
                assert_int_equal(op_rename_keep(s.fd), -EEXIST);
                assert_true(scratch_is(&s, "f", OLD) && scratch_is(&s, "g", NEW));
                assert_int_equal(unlinkat(s.fd, "g", 0), 0);
                assert_int_equal(op_rename_keep(s.fd), 0);
                assert_true(scratch_is(&s, "f", NULL) && scratch_is(&s, "g", OLD));
                /* Nor does it know links: then it is looked before. */
                scratch_puts(&s, "f", NEW);
                for (unsigned i = 0; i < 2; i++) {
                        disk_fail(1, EPERM);
                        assert_int_equal(op_rename_keep(s.fd), i == 0 ? -EEXIST : 0);
                        assert_string_equal(disk_failed(), "linkat");
                        assert_true(scratch_is(&s, "g", i == 0 ? OLD : NEW));
                        assert_true(scratch_is(&s, "f", i == 0 ? NEW : NULL));
                        (void) unlinkat(s.fd, i == 0 ? "g" : "f", 0);
                        disk_fail_each("renameat2", errors[e]);
                }
                /* A directory has no links. */
                scratch_clear(&s);
                assert_int_equal(mkdirat(s.fd, "f", 0755), 0);
                disk_fail(2, EIO);
                assert_int_equal(op_rename_keep(s.fd), -EIO);
                assert_string_equal(disk_failed(), "renameat");
                disk_fail_each("renameat2", errors[e]);
                assert_int_equal(op_rename_keep(s.fd), 0);
                assert_int_equal(faccessat(s.fd, "g", F_OK, 0), 0);
                assert_int_equal(mkdirat(s.fd, "f", 0755), 0);
                assert_int_equal(op_rename_keep(s.fd), -EEXIST);
                for (unsigned n = 1; n <= 2; n++) {
                        (void) disk_failed();
                        scratch_clear(&s);
                        scratch_puts(&s, "f", OLD);
                        disk_fail_each("renameat2", errors[e]);
                        disk_fail(n, EIO);
                        assert_int_equal(op_rename_keep(s.fd), -EIO);
                        assert_non_null(disk_failed());
                        /* By one name or by two. */
                        assert_true(scratch_is(&s, "f", OLD));
                        assert_true(scratch_is(&s, "g", n == 1 ? NULL : OLD));
                }
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
                cmocka_unit_test(whole_when_any_call_fails),
                cmocka_unit_test(a_write_goes_on_until_all_is_written),
                cmocka_unit_test(a_temporary_file_that_was_swept_is_made_again),
                cmocka_unit_test(a_file_that_grows_is_read_to_its_end),
                cmocka_unit_test(a_read_tells_of_any_call_that_fails),
                cmocka_unit_test(a_short_append_is_undone_where_it_can_be),
                cmocka_unit_test(an_append_finds_the_file_that_another_makes),
                cmocka_unit_test(a_rename_keeps_its_target_without_the_kernel_s_help),
                cmocka_unit_test(synced_in_the_right_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
