/* Frames: one that was cut off anywhere is never taken for a whole stream. */
#include "scratch.h"
#include "sys/file.h"
#include "sys/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static int through(const char *bytes, size_t n) {
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write_all(fds[1], bytes, n), 0);
        assert_int_equal(close(fds[1]), 0);
        return fds[0];
}

static void frames_arrive_as_they_were(void **state) {
        char buf[STREAM_FRAME_MAX + 1];
        StreamFrame frame;
        int fds[2];
        size_t n;

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(stream_write(fds[1], STREAM_HEADER, "{}", 2), 0);
        assert_int_equal(stream_write(fds[1], STREAM_DATA, "a\0b", 3), 0);
        assert_int_equal(stream_write(fds[1], STREAM_END, "", 0), 0);
        assert_int_equal(stream_write(fds[1], STREAM_DATA, buf, STREAM_FRAME_MAX + 1), -E2BIG);
        (void) close(fds[1]);
        assert_int_equal(stream_read(fds[0], &frame, buf, &n), 1);
        assert_true(frame == STREAM_HEADER && n == 2 && streq(buf, "{}"));
        assert_int_equal(stream_read(fds[0], &frame, buf, &n), 1);
        assert_true(frame == STREAM_DATA && n == 3 && memcmp(buf, "a\0b", 4) == 0);
        assert_int_equal(stream_read(fds[0], &frame, buf, &n), 1);
        assert_true(frame == STREAM_END && n == 0 && buf[0] == 0);
        assert_int_equal(stream_read(fds[0], &frame, buf, &n), 0);
        (void) close(fds[0]);
}

static void what_is_cut_off_is_told(void **state) {
        static const char whole[] = "D\0\0\0\3abcE\0\0\0\2ok";
        char buf[STREAM_FRAME_MAX + 1];

        for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
                int fd = through(whole, cut), r;
                StreamFrame frame = STREAM_DATA;
                bool ended = false;
                size_t n;

                while ((r = stream_read(fd, &frame, buf, &n)) > 0)
                        ended = ended || frame == STREAM_END;
                assert_false(ended);
                assert_int_equal(r, cut == 0 || cut == 8 ? 0 : -EBADMSG);
                (void) close(fd);
        }
}

static void nonsense_is_refused(void **state) {
        static const struct {
                const char *bytes;
                size_t n;
        } bad[] = { { "X\0\0\0\1a", 6 }, { "\0\0\0\0\1a", 6 }, { "D\377\377\377\377", 5 }, { "Welcome to db2", 14 } };
        char buf[STREAM_FRAME_MAX + 1];

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                int fd = through(bad[i].bytes, bad[i].n);
                StreamFrame frame;
                size_t n;

                CHECK(stream_read(fd, &frame, buf, &n) == -EBADMSG, bad[i].bytes);
                (void) close(fd);
        }
}

/* From pipe to pipe, as a copy goes; and cut off anywhere it is not whole either. */
static void data_are_passed_on_without_a_buffer(void **state) {
        char buf[STREAM_FRAME_MAX + 1], got[64] = "";
        _cleanup_stream_packer_ StreamPacker packer = {0};
        int from, fds[2], out[2];
        StreamFrame frame;
        size_t n;

        from = through("all of it", 9);
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(pipe(out), 0);
        assert_int_equal(stream_write_from(fds[1], from, &packer), 1);
        assert_int_equal(stream_write_from(fds[1], from, &packer), 0);
        assert_int_equal(stream_write(fds[1], STREAM_END, "ok", 2), 0);
        (void) close(fds[1]);
        assert_int_equal(stream_read_to(fds[0], out[1], &frame, buf, &n), 1);
        assert_true(frame == STREAM_DATA && n == 9);
        assert_int_equal(read(out[0], got, sizeof(got)), 9);
        assert_string_equal(got, "all of it");
        assert_int_equal(stream_read_to(fds[0], out[1], &frame, buf, &n), 1);
        assert_true(frame == STREAM_END && streq(buf, "ok"));
        assert_int_equal(stream_read_to(fds[0], out[1], &frame, buf, &n), 0);
        (void) close(fds[0]);
        for (size_t cut = 1; cut < 8; cut++) {
                int fd = through("D\0\0\0\3abc", cut);

                assert_int_equal(stream_read_to(fd, out[1], &frame, buf, &n), -EBADMSG);
                (void) close(fd);
        }
        (void) close(from);
        (void) close(out[0]);
        (void) close(out[1]);
}

/* As much as a pipe holds, of which its reader has taken nothing: then it is full. */
static void fill(int fd) {
        char buf[4096] = {0};

        assert_int_equal(fcntl(fd, F_SETPIPE_SZ, 4096), 4096);
        assert_int_equal(stream_write(fd, STREAM_DATA, buf, 4096 - 5), 0);
}

/* A writer in a child, into a pipe that is full: what it writes comes out as it was, and
 * whether it was compressed is told by how many bytes that took. */
static size_t passed(const char *data, size_t size) {
        char *buf = malloc(STREAM_FRAME_MAX + 1), *got = malloc(STREAM_FRAME_MAX);
        size_t n, at = 0, raw = 0;
        int from[2], fds[2], left = 0;
        StreamFrame frame;
        pid_t pid;
        int r;

        assert_true(buf && got);
        assert_int_equal(pipe(from), 0);
        assert_int_equal(pipe(fds), 0);
        assert_true(fcntl(from[1], F_SETPIPE_SZ, (int) STREAM_FRAME_MAX) > 0);
        assert_int_equal(write_all(from[1], data, size), 0);
        (void) close(from[1]);
        fill(fds[1]);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                StreamPacker packer = {0};

                (void) close(fds[0]);
                while ((r = stream_write_from(fds[1], from[0], &packer)) > 0)
                        continue;
                _exit(r == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        (void) close(fds[1]);
        /* It has seen that its reader lags when it has taken the first frame to compress it. */
        for (unsigned i = 0; i < 500 && ioctl(from[0], FIONREAD, &left) == 0 && left > 0; i++)
                (void) usleep(10000);
        (void) close(from[0]);
        assert_int_equal(stream_read(fds[0], &frame, buf, &n), 1); /* what had filled it */
        /* From here on the head of each frame is looked at first. */
        for (;;) {
                char head[5];
                uint32_t length;
                int pair[2];

                if (read(fds[0], head, sizeof(head)) != sizeof(head))
                        break;
                memcpy(&length, head + 1, sizeof(length));
                length = ntohl(length);
                raw += length;
                assert_int_equal(pipe(pair), 0);
                assert_true(fcntl(pair[1], F_SETPIPE_SZ, 2 * (int) STREAM_FRAME_MAX) > 0);
                assert_int_equal(write_all(pair[1], head, sizeof(head)), 0);
                assert_int_equal(stream_pass(fds[0], pair[1], length), 1);
                assert_int_equal(stream_read(pair[0], &frame, buf, &n), 1);
                assert_int_equal(frame, STREAM_DATA);
                assert_true(at + n <= size);
                memcpy(got + at, buf, n);
                at += n;
                (void) close(pair[0]);
                (void) close(pair[1]);
        }
        assert_int_equal(waitpid(pid, &r, 0), pid);
        assert_int_equal(r, 0);
        assert_int_equal(at, size);
        assert_memory_equal(got, data, size);
        (void) close(fds[0]);
        free(buf);
        free(got);
        return raw;
}

static void where_the_reader_lags_it_is_compressed(void **state) {
        size_t size = STREAM_FRAME_MAX;
        char *data = malloc(size);

        assert_non_null(data);
        for (size_t i = 0; i < size; i++)
                data[i] = "a row, and another row, "[i % 24];
        assert_true(passed(data, size) < size / 10);
        /* What cannot be made smaller stays as it is. */
        for (size_t i = 0, x = 1; i < size; i++) {
                x = x * 6364136223846793005U + 1442695040888963407U;
                data[i] = (char) (x >> 56);
        }
        assert_int_equal(passed(data, size), size);
        free(data);
}

/* Nor is a frame that says it is compressed believed. */
static void what_does_not_unpack_is_refused(void **state) {
        static const char bad[] = "Z\0\0\0\4abcd";
        char *buf = malloc(STREAM_FRAME_MAX + 1);
        int fd = through(bad, sizeof(bad) - 1);
        StreamFrame frame;
        size_t n;

        assert_non_null(buf);
        assert_int_equal(stream_read(fd, &frame, buf, &n), -EBADMSG);
        (void) close(fd);
        free(buf);
}

/* Where the kernel does not splice: from a file to a file. */
static void what_is_no_pipe_is_copied(void **state) {
        _cleanup_fclose_ FILE *a = tmpfile(), *b = tmpfile();
        char got[16] = "";

        assert_int_equal(write_all(fileno(a), "0123456789", 10), 0);
        assert_int_equal(lseek(fileno(a), 0, SEEK_SET), 0);
        assert_int_equal(stream_pass(fileno(a), fileno(b), 10), 1);
        assert_int_equal(pread(fileno(b), got, sizeof(got), 0), 10);
        assert_string_equal(got, "0123456789");
        assert_int_equal(stream_pass(fileno(a), fileno(b), 1), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frames_arrive_as_they_were),
                cmocka_unit_test(what_is_cut_off_is_told),
                cmocka_unit_test(data_are_passed_on_without_a_buffer),
                cmocka_unit_test(what_is_no_pipe_is_copied),
                cmocka_unit_test(where_the_reader_lags_it_is_compressed),
                cmocka_unit_test(what_does_not_unpack_is_refused),
                cmocka_unit_test(nonsense_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
