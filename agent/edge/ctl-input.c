/* Files that a person names; see ctl-input.h. */
#include "edge/ctl-input.h"

#include <fcntl.h>
#include <sys/stat.h>

static int complain(int r, char error[static 256]) {
        (void) snprintf(error, 256, "%s",
                        r == -ENOENT ? "there is no such file"
                        : r == -EACCES ? "it may not be read by this user: try as root, or as the server's user"
                        : r == -EISDIR ? "it is a directory, not a file"
                        : r == -ENOTSUP || r == -ENXIO ? "it is neither a file nor a pipe"
                                        : strerror(-r));
        return r;
}

int input_open(const char *path, char error[static 256]) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        /* Without waiting for somebody to open the other end of a pipe. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return complain(-errno, error);
        if (S_ISDIR(st.st_mode))
                return complain(-EISDIR, error);
        if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
                return complain(-ENOTSUP, error);
        /* But for those who have it open already. */
        if (fcntl(fd, F_SETFL, 0) < 0)
                return complain(-errno, error);
        r = fd;
        fd = -1;
        return r;
}

int input_read(const char *path, size_t max, char **ret, size_t *ret_size, char error[static 256]) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        fd = input_open(path, error);
        if (fd < 0)
                return fd;
        text = malloc(max + 2);
        if (!text)
                return complain(-ENOMEM, error);
        for (;;) {
                ssize_t n = read(fd, text + size, max + 1 - size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return complain(-errno, error);
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > max) {
                        (void) snprintf(error, 256, "it is larger than %zu bytes", max);
                        return -E2BIG;
                }
        }
        text[size] = '\0';
        *ret = TAKE(text);
        *ret_size = size;
        return 0;
}
