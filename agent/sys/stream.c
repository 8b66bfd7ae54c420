/* Frames; see stream.h. */
#include "sys/stream.h"
#include "sys/file.h"

#include <arpa/inet.h>

int stream_write(int fd, StreamFrame frame, const void *data, size_t n) {
        char head[5] = { (char) frame };
        uint32_t length = htonl((uint32_t) n);
        int r;

        if (n > STREAM_FRAME_MAX)
                return -E2BIG;
        memcpy(head + 1, &length, sizeof(length));
        r = write_all(fd, head, sizeof(head));
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

int stream_read(int fd, StreamFrame *ret_frame, char *buf, size_t *ret_n) {
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
        r = length > 0 ? read_all(fd, buf, length) : 1;
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        buf[length] = 0;
        *ret_frame = (StreamFrame) head[0];
        *ret_n = length;
        return 1;
}
