/* Frames; see stream.h. */
#include "sys/stream.h"
#include "sys/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

static int write_head(int fd, StreamFrame frame, size_t n) {
        char head[5] = { (char) frame };
        uint32_t length = htonl((uint32_t) n);

        memcpy(head + 1, &length, sizeof(length));
        return write_all(fd, head, sizeof(head));
}

int stream_write(int fd, StreamFrame frame, const void *data, size_t n) {
        int r;

        if (n > STREAM_FRAME_MAX)
                return -E2BIG;
        r = write_head(fd, frame, n);
        return r < 0 ? r : write_all(fd, data, n);
}

/* 1, or 0 where it ends before the first byte. */
static int read_all(int fd, char *buf, size_t n) {
        size_t at = 0;

        while (at < n) {
                ssize_t k = read(fd, buf + at, n - at);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        return at == 0 ? 0 : -EBADMSG;
                at += (size_t) k;
        }
        return 1;
}

/* As above, by way of a buffer. */
static int copy(int from, int to, size_t n, bool any) {
        char buf[16384];

        while (n > 0) {
                size_t k = n < sizeof(buf) ? n : sizeof(buf);
                int r = read_all(from, buf, k);

                if (r <= 0)
                        return r == 0 && any ? -EBADMSG : r;
                r = write_all(to, buf, k);
                if (r < 0)
                        return r;
                any = true;
                n -= k;
        }
        return 1;
}

int stream_pass(int from, int to, size_t n) {
        for (size_t at = 0; at < n;) {
                ssize_t k = splice(from, NULL, to, NULL, n - at, SPLICE_F_MOVE | SPLICE_F_MORE);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0 && errno == EINVAL)
                        return copy(from, to, n - at, at > 0);
                if (k < 0)
                        return -errno;
                if (k == 0)
                        return at == 0 ? 0 : -EBADMSG;
                at += (size_t) k;
        }
        return 1;
}

void stream_widen(int pipe) {
        (void) fcntl(pipe, F_SETPIPE_SZ, 1024 * 1024);
}

int stream_write_from(int fd, int pipe) {
        struct pollfd p = { .fd = pipe, .events = POLLIN };
        int n = 0, r;

        while (poll(&p, 1, -1) < 0)
                if (errno != EINTR)
                        return -errno;
        if (ioctl(pipe, FIONREAD, &n) < 0)
                return -errno;
        if (n <= 0)
                return 0; /* it has ended */
        if ((size_t) n > STREAM_FRAME_MAX)
                n = (int) STREAM_FRAME_MAX;
        r = write_head(fd, STREAM_DATA, (size_t) n);
        return r < 0 ? r : stream_pass(pipe, fd, (size_t) n);
}

int stream_read(int fd, StreamFrame *ret_frame, char *buf, size_t *ret_n) {
        return stream_read_to(fd, -1, ret_frame, buf, ret_n);
}

int stream_read_to(int fd, int to, StreamFrame *ret_frame, char *buf, size_t *ret_n) {
        uint32_t length;
        char head[5];
        int r;

        r = read_all(fd, head, sizeof(head));
        if (r <= 0)
                return r;
        memcpy(&length, head + 1, sizeof(length));
        length = ntohl(length);
        if (!strchr("HDE", head[0]) || head[0] == 0 || length > STREAM_FRAME_MAX)
                return -EBADMSG;
        if (head[0] == STREAM_DATA && to >= 0)
                r = length > 0 ? stream_pass(fd, to, length) : 1;
        else {
                r = length > 0 ? read_all(fd, buf, length) : 1;
                buf[r > 0 ? length : 0] = 0;
        }
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        *ret_frame = (StreamFrame) head[0];
        *ret_n = length;
        return 1;
}
