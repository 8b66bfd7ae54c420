/* The record of views on disk; see record.h. */
#include "adapter/record.h"
#include "base/number.h"
#include "sys/file.h"

#include <fcntl.h>

/* As much of the end of a record as is searched for the number of a section.
 * The notify command stops a little above VIEWLOG_SIZE_MAX. */
#define SEARCH_MAX (2 * VIEWLOG_SIZE_MAX)

/* The agent, another user, reads what lies here. */
#define RECORD_MODE 0644

/* The end of a file, however large or broken it is. */
static int tail_read(int dirfd, const char *name, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *data = NULL;
        size_t size = 0, want;
        struct stat st;

        fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ENOTSUP;
        want = (uint64_t) st.st_size > SEARCH_MAX ? SEARCH_MAX : (size_t) st.st_size;
        data = malloc(want + 1);
        if (!data)
                return -ENOMEM;

        while (size < want) {
                ssize_t n = pread(fd, data + size, want - size, st.st_size - (off_t) (want - size));

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                size += (size_t) n;
        }
        *ret = TAKE(data);
        *ret_size = size;
        return 0;
}

/* The number on a start line, 0 where the line is no such one. */
static uint64_t start_number(const char *line, size_t n) {
        static const char word[] = "start ";
        const char *s, *end;
        int64_t number;

        if (n <= sizeof(word) - 1 || memcmp(line, word, sizeof(word) - 1) != 0)
                return 0;
        s = line + sizeof(word) - 1;
        end = memchr(s, ' ', n - (sizeof(word) - 1));
        if (!end || number_parse(s, (size_t) (end - s), 1, INT64_MAX - 1, &number) < 0)
                return 0;
        return (uint64_t) number;
}

/* The highest number on any start line. With `*offset`: where the last start
 * line of section `of` begins. */
static uint64_t starts_search(const char *text, size_t n, uint64_t of, size_t *offset) {
        uint64_t highest = 0;
        size_t at = 0;

        while (at < n) {
                const char *s = text + at, *end = memchr(s, '\n', n - at);
                size_t length = end ? (size_t) (end - s) : n - at;
                uint64_t number = start_number(s, length);

                if (number > highest)
                        highest = number;
                if (offset && number == of)
                        *offset = at;
                at += length + 1;
        }
        return highest;
}

/* 0 where there is none, and where it is none that could be read. */
static int highest_in(int dirfd, const char *name, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        int r;

        r = tail_read(dirfd, name, &text, &n);
        *ret = r < 0 ? 0 : starts_search(text, n, 0, NULL);
        return r == -ENOENT || r == -ELOOP || r == -ENXIO || r == -ENOTSUP || r == -EACCES ? 0 : r;
}

int record_section(int dirfd, uint64_t *ret) {
        static const char *const others[] = { RECORD_LOST_NAME, RECORD_OLD_NAME };
        uint64_t highest;
        int r;

        r = highest_in(dirfd, RECORD_NAME, &highest);
        /* A record that went astray must not take the count with it: a result
         * of long ago would then hold again. */
        for (size_t i = 0; r >= 0 && highest == 0 && i < ELEMENTS(others); i++)
                r = highest_in(dirfd, others[i], &highest);
        if (r < 0)
                return r;
        *ret = highest;
        return 0;
}

int record_lose(int dirfd) {
        uint64_t here, lost;

        if (highest_in(dirfd, RECORD_NAME, &here) < 0 || here > 0 || highest_in(dirfd, RECORD_LOST_NAME, &lost) < 0 || lost == 0)
                return file_rename(dirfd, RECORD_NAME, RECORD_LOST_NAME, false);
        if (unlinkat(dirfd, RECORD_NAME, 0) < 0)
                return -errno;
        return fsync(dirfd) < 0 ? -errno : 0;
}

/* What a new record takes over from the present one: nothing, from one that
 * cannot be understood; else from the section on whose views are in force. */
static int kept_find(const char *text, size_t n, size_t *ret) {
        char error[256];
        Viewlog log;
        size_t offset = n;
        int r;

        r = viewlog_parse(text, n, &log, error);
        if (r < 0)
                return r;
        if (log.n_views > 0 && !log.torn)
                (void) starts_search(text, n, log.views_section, &offset);
        viewlog_done(&log);
        *ret = offset;
        return 0;
}

/* Keeps the record as views.old: by a second name, so that there is no moment
 * without a record. */
static int record_set_aside(int dirfd) {
        static const char temporary[] = "." RECORD_OLD_NAME ".tmp";
        struct stat st;
        int r;

        if (fstatat(dirfd, RECORD_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISREG(st.st_mode))
                return file_rename(dirfd, RECORD_NAME, RECORD_OLD_NAME, false);

        (void) unlinkat(dirfd, temporary, 0);
        if (linkat(dirfd, RECORD_NAME, dirfd, temporary, 0) < 0)
                return -errno;
        r = file_rename(dirfd, temporary, RECORD_OLD_NAME, false);
        /* rename() does nothing where both are one file already, which they
         * are after a crash between this and what follows it. */
        (void) unlinkat(dirfd, temporary, 0);
        return r;
}

int record_open_section(int dirfd, usec_t now, const char *invocation, const Position *position, uint64_t *ret_section) {
        _cleanup_free_ char *text = NULL, *fresh = NULL;
        size_t n = 0, kept = 0, size;
        uint64_t section;
        char line[256];
        bool anew, readable = true;
        int r, k;

        r = record_section(dirfd, &section);
        if (r < 0)
                return r;
        section++;
        k = viewlog_print_start(line, sizeof(line), section, now, invocation, position);
        if (k < 0)
                return k;

        r = file_read(dirfd, RECORD_NAME, VIEWLOG_SIZE_MAX, &text, &n, NULL);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOENT)
                n = 0;
        else if (r < 0)
                readable = false;
        if (readable) {
                r = kept_find(text ? text : "", n, &kept);
                if (r == -ENOMEM)
                        return r;
                readable = r >= 0;
        }
        /* Where everything in it is still needed it may grow to half of what
         * can be read: a section has to have room. */
        anew = !readable || (n > RECORD_SIZE_KEPT && (kept > 0 || n > VIEWLOG_SIZE_MAX / 2));

        if (!anew) {
                r = record_append(dirfd, line, (size_t) k);
                if (r < 0)
                        return r;
                *ret_section = section;
                return 0;
        }

        if (!readable || n - kept > VIEWLOG_SIZE_MAX / 2)
                kept = n = 0;
        size = n - kept;
        fresh = malloc(size + (size_t) k);
        if (!fresh)
                return -ENOMEM;
        if (size > 0)
                memcpy(fresh, text + kept, size);
        memcpy(fresh + size, line, (size_t) k);

        r = record_set_aside(dirfd);
        if (r < 0)
                return r;
        r = file_write(dirfd, RECORD_NAME, fresh, size + (size_t) k, RECORD_MODE);
        if (r < 0)
                return r;
        *ret_section = section;
        return 1;
}

/* Does the record end within a line? A file that cannot be looked at is left
 * to the append, which says why. */
static int record_torn(int dirfd) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        char last;

        fd = openat(dirfd, RECORD_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        if (st.st_size > 0 && (uint64_t) st.st_size > VIEWLOG_SIZE_MAX)
                return -EFBIG;
        if (st.st_size == 0 || pread(fd, &last, 1, st.st_size - 1) != 1)
                return 0;
        return last != '\n';
}

int record_append(int dirfd, const char *lines, size_t n) {
        char buf[VIEWLOG_LINE_MAX + 64];
        int r;

        r = record_torn(dirfd);
        if (r < 0)
                return r;
        if (r == 0)
                return file_append(dirfd, RECORD_NAME, lines, n, RECORD_MODE);
        if (n > sizeof(buf) - 1)
                return -EINVAL;
        buf[0] = '\n';
        memcpy(buf + 1, lines, n);
        return file_append(dirfd, RECORD_NAME, buf, n + 1, RECORD_MODE);
}

int record_read(int dirfd, Viewlog *ret, char error[static 256]) {
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        r = file_read(dirfd, RECORD_NAME, VIEWLOG_SIZE_MAX, &text, &n, NULL);
        if (r < 0)
                return r;
        return viewlog_parse(text, n, ret, error);
}
