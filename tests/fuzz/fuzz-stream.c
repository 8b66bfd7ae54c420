/* What another node's mainstay-backup sends: frames, some compressed, a header and a
 * verdict in JSON. Whatever comes, it is read to an end, and cut differently it says the
 * same. */
#include "edge/copy-source.h"
#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>

/* What is sent, as a file: the reader does not ask what it reads from. */
static int sent(const uint8_t *data, size_t size) {
        int fd = memfd_create("stream", MFD_CLOEXEC);

        MUST(fd >= 0 && write(fd, data, size) == (ssize_t) size && lseek(fd, 0, SEEK_SET) == 0);
        return fd;
}

/* All frames; how many bytes of data there were, and how it ended. */
static int read_all(int fd, int to, size_t *ret_data) {
        static char buf[STREAM_FRAME_MAX + 1];
        StreamFrame frame;
        size_t n, data = 0;
        int r;

        while ((r = to < 0 ? stream_read(fd, &frame, buf, &n) : stream_read_to(fd, to, &frame, buf, &n)) > 0) {
                MUST(frame == STREAM_HEADER || frame == STREAM_DATA || frame == STREAM_END);
                MUST(n <= STREAM_FRAME_MAX);
                MUST((to >= 0 && frame == STREAM_DATA) || buf[n] == '\0');
                if (frame == STREAM_DATA)
                        data += n;
        }
        MUST(r == 0 || r == -EBADMSG);
        *ret_data = data;
        return r;
}

static void check_source(const uint8_t *data, size_t size) {
        CopySource s = { .fd = sent(data, size), .buf = malloc(STREAM_FRAME_MAX + 1) };
        char text[DATADIR_TEXT_MAX] = "";
        StreamFrame frame = STREAM_DATA;
        json_t *header;
        size_t n;
        int r;

        MUST(s.buf);
        r = copy_source_header(&s, &header, text);
        MUST(r > 0 || text[0]);
        if (r > 0) {
                MUST(json_is_object(header));
                json_decref(header);
                while (frame != STREAM_END && copy_source_read(&s, -1, &frame, &n, text) > 0)
                        ;
                if (frame == STREAM_END) {
                        text[0] = '\0';
                        MUST(copy_source_verdict(&s, text) > 0 || text[0]);
                }
        }
        (void) close(s.fd);
        free(s.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t kept, passed;
        int fd = sent(data, size), to = memfd_create("to", MFD_CLOEXEC), a, b;

        MUST(to >= 0);
        a = read_all(fd, -1, &kept);
        MUST(lseek(fd, 0, SEEK_SET) == 0);
        b = read_all(fd, to, &passed);
        MUST(a == b && kept == passed && (b < 0 || lseek(to, 0, SEEK_END) == (off_t) passed));
        (void) close(fd);
        (void) close(to);
        check_source(data, size);
        return 0;
}
