/* Frames; see stream.h. */
#include "sys/stream.h"
#include "sys/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <zstd.h>

/* The fastest of the usual ones. */
#define LEVEL 1
/* After a frame that is not worth it, so many go as they are. */
#define PAUSE 31

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

void stream_packer_done(StreamPacker *p) {
        (void) ZSTD_freeCCtx(p->context);
        free(p->buf);
        *p = (StreamPacker) {0};
}

/* Does whoever reads lag behind? */
static bool lags(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLOUT };

        return poll(&p, 1, 0) == 0;
}

/* Both buffers in one: what has come, and what is made of it. */
static bool packer_ready(StreamPacker *p) {
        if (!p->context)
                p->context = ZSTD_createCCtx();
        if (!p->buf)
                p->buf = malloc(2 * STREAM_FRAME_MAX);
        return p->context && p->buf;
}

static int write_packed(int fd, int pipe, size_t n, StreamPacker *p) {
        char *packed = p->buf + STREAM_FRAME_MAX;
        int r = read_all(pipe, p->buf, n);
        size_t k;

        if (r <= 0)
                return r;
        /* A quarter less, or it is not worth it; where it does not fit, it is an error. */
        k = ZSTD_compressCCtx(p->context, packed, n - n / 4, p->buf, n, LEVEL);
        if (!ZSTD_isError(k))
                r = stream_write(fd, STREAM_PACKED, packed, k);
        else {
                p->pause = PAUSE;
                r = stream_write(fd, STREAM_DATA, p->buf, n);
        }
        return r < 0 ? r : 1;
}

int stream_write_from(int fd, int pipe, StreamPacker *packer) {
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
        if (packer->pause > 0)
                packer->pause--;
        else if (lags(fd) && packer_ready(packer))
                return write_packed(fd, pipe, (size_t) n, packer);
        r = write_head(fd, STREAM_DATA, (size_t) n);
        return r < 0 ? r : stream_pass(pipe, fd, (size_t) n);
}

int stream_read(int fd, StreamFrame *ret_frame, char *buf, size_t *ret_n) {
        return stream_read_to(fd, -1, ret_frame, buf, ret_n);
}

/* 1 with what it was, in `buf`. */
static int read_packed(int fd, size_t length, char *buf, size_t *ret_n) {
        _cleanup_free_ char *packed = malloc(length + 1);
        size_t n;
        int r;

        if (!packed)
                return -ENOMEM;
        r = read_all(fd, packed, length);
        if (r <= 0)
                return r;
        n = ZSTD_decompress(buf, STREAM_FRAME_MAX, packed, length);
        if (ZSTD_isError(n))
                return -EBADMSG;
        *ret_n = n;
        return 1;
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
        if (!strchr("HDEZ", head[0]) || head[0] == 0 || length > STREAM_FRAME_MAX)
                return -EBADMSG;
        *ret_n = length;
        if (head[0] == STREAM_PACKED) {
                head[0] = STREAM_DATA;
                r = read_packed(fd, length, buf, ret_n);
                if (r > 0 && to >= 0) {
                        r = write_all(to, buf, *ret_n);
                        r = r < 0 ? r : 1;
                }
        } else if (head[0] == STREAM_DATA && to >= 0)
                r = length > 0 ? stream_pass(fd, to, length) : 1;
        else
                r = length > 0 ? read_all(fd, buf, length) : 1;
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        if (head[0] != STREAM_DATA || to < 0)
                buf[*ret_n] = 0;
        *ret_frame = (StreamFrame) head[0];
        return 1;
}
