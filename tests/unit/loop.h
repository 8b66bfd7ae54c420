/* What tests of things in an event loop share: to run it until something is
 * so, with a deadline and without sleeping; and a directory of their own.
 */
#pragma once

#include "base/macro.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <cmocka.h>

#ifndef LOOP_DEADLINE
#define LOOP_DEADLINE (20 * USEC_PER_SEC)
#endif

static inline usec_t clock_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / 1000;
}

/* Runs the loop until the condition holds; the test fails if it never does. */
#define LOOP_UNTIL(event, condition)                                                    \
        do {                                                                            \
                usec_t _end = clock_usec() + LOOP_DEADLINE;                             \
                while (!(condition)) {                                                  \
                        if (clock_usec() > _end)                                        \
                                fail_msg("waited in vain for: %s", #condition);         \
                        assert_true(sd_event_run((event), 100 * USEC_PER_MSEC) >= 0);   \
                }                                                                       \
        } while (0)

/* Runs the loop as long as there is something to do at this moment. */
static inline void loop_drain(sd_event *event) {
        while (sd_event_run(event, 0) > 0)
                ;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

/* A new directory; frees and removes with directory_remove(). */
static inline char *directory_make(void) {
        char *path = NULL;
        const char *base = getenv("TMPDIR");

        assert_true(asprintf(&path, "%s/mainstay-test-XXXXXX", base ? base : "/tmp") > 0);
        assert_non_null(mkdtemp(path));
        return path;
}

static inline void directory_remove(char *path) {
        (void) nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        free(path);
}

/* Writes `text` to dir/name, in place. */
static inline void file_put(const char *dir, const char *name, const char *text, mode_t mode) {
        _cleanup_free_ char *path = NULL;
        int fd;

        assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(close(fd), 0);
}
