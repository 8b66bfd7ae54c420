/* For the unit tests: temporary directories, files in them, and tables whose
 * failures name the row. */
#pragma once

#include "base/macro.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

/* In a loop over a table: `what` tells which row it was. */
#define CHECK(condition, what)                                                          \
        do {                                                                            \
                if (!(condition))                                                       \
                        fail_msg("%s: not so: %s", (what), #condition);                 \
        } while (0)

typedef struct Scratch {
        char path[64];
        int fd;
} Scratch;

static inline Scratch scratch_new(void) {
        Scratch s = { .path = "/tmp/mainstay-test.XXXXXX" };

        assert_non_null(mkdtemp(s.path));
        s.fd = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(s.fd >= 0);
        return s;
}

/* Empties it; subdirectories have to be empty. */
static inline void scratch_clear(const Scratch *s) {
        DIR *dir = opendir(s->path);
        struct dirent *e;

        assert_non_null(dir);
        while ((e = readdir(dir)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        if (unlinkat(s->fd, e->d_name, 0) < 0)
                                assert_int_equal(unlinkat(s->fd, e->d_name, AT_REMOVEDIR), 0);
        (void) closedir(dir);
}

static inline void scratch_done(Scratch *s) {
        scratch_clear(s);
        assert_int_equal(rmdir(s->path), 0);
        (void) close(s->fd);
}

#define _cleanup_scratch_ _cleanup_(scratch_done)

static inline void scratch_put(const Scratch *s, const char *name, const void *data, size_t size) {
        int fd = openat(s->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), (ssize_t) size);
        (void) close(fd);
}

static inline void scratch_puts(const Scratch *s, const char *name, const char *text) {
        scratch_put(s, name, text, strlen(text));
}

/* NULL where there is no such file; free the result. */
static inline char *scratch_get(const Scratch *s, const char *name) {
        int fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct stat st;
        char *data;

        if (fd < 0)
                return NULL;
        assert_int_equal(fstat(fd, &st), 0);
        data = calloc(1, (size_t) st.st_size + 1);
        assert_non_null(data);
        assert_int_equal(read(fd, data, (size_t) st.st_size), st.st_size);
        (void) close(fd);
        return data;
}

static inline bool scratch_is(const Scratch *s, const char *name, const char *text) {
        _cleanup_free_ char *data = scratch_get(s, name);

        return streq_null(data, text);
}

/* How many entries it has. */
static inline size_t scratch_count(const Scratch *s) {
        DIR *dir = opendir(s->path);
        size_t n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        (void) closedir(dir);
        return n - 2;
}

/* One of this package's programs, where `make` leaves it or where the variable
 * says; NULL where it is not built. */
static inline const char *program_find(const char *variable, const char *fallback) {
        const char *path = str_or(getenv(variable), fallback);

        return access(path, X_OK) < 0 ? NULL : path;
}

/* Its exit status, or minus the signal that ended it. stderr goes into the file
 * `errors` of `s`. */
static inline int program_run(const Scratch *s, const char *errors, const char *const *argv) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                int fd = openat(s->fd, errors, O_WRONLY | O_CREAT | O_TRUNC, 0644);

                (void) dup2(fd, STDERR_FILENO);
                (void) execv(argv[0], (char *const *) argv);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
