/* Frames: one that was cut off anywhere is never taken for a whole stream. */
#include "scratch.h"
#include "sys/file.h"
#include "sys/stream.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frames_arrive_as_they_were),
                cmocka_unit_test(what_is_cut_off_is_told),
                cmocka_unit_test(nonsense_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
