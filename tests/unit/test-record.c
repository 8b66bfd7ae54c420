/* The record of views on disk: the count of sections survives everything, and
 * what is in force survives a rotation. */
#include "adapter/record.h"
#include "crash.h"
#include "disk.h"
#include "scratch.h"

#define C "220dcdcb-1629-11e4-add3-aec059ad3734"
#define A "7147ff56-e6a8-11f1-b7a5-1aec09909f65"
#define INV "0123456789abcdef0123456789abcdef"
#define START(n) "start " #n " 90 - -\n"
#define VIEW "view 91 " C " primary 0 " A "/db1/\n"
#define OPENED(n) "start " #n " 100 - -\n"

static const struct {
        const char *name;
        const char *views, *old, *lost; /* NULL: no such file */
        uint64_t section;
        const char *after, *old_after;
} opens[] = {
        { "the first time", NULL, NULL, NULL, 1, OPENED(1), NULL },
        { "an empty record", "", NULL, NULL, 1, OPENED(1), NULL },
        { "another", START(1) VIEW, NULL, NULL, 2, START(1) VIEW OPENED(2), NULL },
        { "the highest counts", START(9) START(3), NULL, NULL, 10, START(9) START(3) OPENED(10), NULL },
        { "a torn line", START(4) "view 91 2", NULL, NULL, 5, START(4) "view 91 2\n" OPENED(5), NULL },
        { "a torn start whose number is whole", START(4) "start 5 9", NULL, NULL, 6, START(4) "start 5 9\n" OPENED(6), NULL },
        { "a torn start whose number may not be", START(4) "start 51", NULL, NULL, 5, START(4) "start 51\n" OPENED(5), NULL },
        { "corrupt", START(4) "rubbish\n", NULL, NULL, 5, OPENED(5), START(4) "rubbish\n" },
        { "corrupt, and something was set aside before", START(4) "rubbish\n", START(2), NULL, 5, OPENED(5), START(4) "rubbish\n" },
        { "corrupt, no number in it", "rubbish\n", NULL, NULL, 1, OPENED(1), "rubbish\n" },
        { "corrupt, a number set aside before", "rubbish\n", START(7), NULL, 8, OPENED(8), "rubbish\n" },
        { "corrupt, with lines that are too short", "rubbish\nx\nstart\n" START(6), NULL, NULL, 7, OPENED(7), "rubbish\nx\nstart\n" START(6) },
        { "corrupt, with a number that is none", START(6) "start 0 90 - -\nrubbish\n", NULL, NULL, 7, OPENED(7), START(6) "start 0 90 - -\nrubbish\n" },
        { "gone, a number set aside before", NULL, START(7), NULL, 8, OPENED(8), START(7) },
        { "lost", NULL, START(3), START(7), 8, OPENED(8), START(3) },
        { "lost, and views without a section since", VIEW, START(3), START(7), 8, VIEW OPENED(8), START(3) },
        { "the last number there is", "start 9223372036854775806 90 - -\n", NULL, NULL, INT64_MAX, "start 9223372036854775806 90 - -\nstart 9223372036854775807 100 - -\n", NULL },
};

static void sections_are_opened(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        for (size_t i = 0; i < ELEMENTS(opens); i++) {
                uint64_t section = 0, again = 0;

                scratch_clear(&s);
                if (opens[i].views)
                        scratch_puts(&s, RECORD_NAME, opens[i].views);
                if (opens[i].old)
                        scratch_puts(&s, RECORD_OLD_NAME, opens[i].old);
                if (opens[i].lost)
                        scratch_puts(&s, RECORD_LOST_NAME, opens[i].lost);
                CHECK(record_open_section(s.fd, 100, NULL, NULL, &section) == (opens[i].old_after && strstr(opens[i].views ? opens[i].views : "", "rubbish")), opens[i].name);
                CHECK(section == opens[i].section, opens[i].name);
                CHECK(scratch_is(&s, RECORD_NAME, opens[i].after), opens[i].name);
                CHECK(scratch_is(&s, RECORD_OLD_NAME, opens[i].old_after), opens[i].name);
                CHECK(scratch_is(&s, RECORD_LOST_NAME, opens[i].lost), opens[i].name);
                if (section < INT64_MAX) {
                        CHECK(record_section(s.fd, &again) == 0 && again == section, opens[i].name);
                }
        }
}

static const struct {
        const char *name, *views, *lost, *lost_after; /* NULL: no such file */
        int result;
} losses[] = {
        { "none", NULL, START(7), START(7), -ENOENT },
        { "the first", START(7) VIEW, NULL, START(7) VIEW, 0 },
        { "another", START(9), START(7), START(9), 0 },
        { "without a section, of one that was lost", VIEW, START(7), START(7), 0 },
        { "empty, of one that was lost", "", START(7) VIEW, START(7) VIEW, 0 },
        { "without a section, and none was lost", VIEW, NULL, VIEW, 0 },
        { "neither has a section", VIEW VIEW, VIEW, VIEW VIEW, 0 },
};

/* What is set aside twice still has its numbers. */
static void a_record_is_lost_and_its_numbers_are_not(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        for (size_t i = 0; i < ELEMENTS(losses); i++) {
                scratch_clear(&s);
                if (losses[i].views)
                        scratch_puts(&s, RECORD_NAME, losses[i].views);
                if (losses[i].lost)
                        scratch_puts(&s, RECORD_LOST_NAME, losses[i].lost);
                CHECK(record_lose(s.fd) == losses[i].result, losses[i].name);
                CHECK(scratch_is(&s, RECORD_NAME, NULL), losses[i].name);
                CHECK(scratch_is(&s, RECORD_LOST_NAME, losses[i].lost_after), losses[i].name);
        }
}

static void a_section_says_what_it_was_opened_with(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        Position p = { .seqno = 20 };
        uint64_t section;

        (void) state;
        assert_int_equal(uuid_parse(C, 36, &p.uuid), 0);
        assert_int_equal(record_open_section(s.fd, 100, INV, &p, &section), 0);
        assert_true(scratch_is(&s, RECORD_NAME, "start 1 100 " INV " " C ":20\n"));
        assert_int_equal(record_open_section(s.fd, 100, "not an id", &p, &section), -EINVAL);
        assert_true(scratch_is(&s, RECORD_NAME, "start 1 100 " INV " " C ":20\n"));
}

/* A file with `head`, enough of `filler`, and `tail`. */
static void put_large(const Scratch *s, const char *head, const char *filler, size_t size, const char *tail) {
        _cleanup_free_ char *text = malloc(size + strlen(head) + strlen(filler) + strlen(tail) + 1);
        size_t n = 0;

        n += (size_t) sprintf(text + n, "%s", head);
        while (n < size)
                n += (size_t) sprintf(text + n, "%s", filler);
        n += (size_t) sprintf(text + n, "%s", tail);
        scratch_put(s, RECORD_NAME, text, n);
}

static size_t size_of(const Scratch *s, const char *name) {
        struct stat st;

        return fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : (size_t) st.st_size;
}

static void a_large_record_is_begun_anew_with_what_is_in_force(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        uint64_t section;

        (void) state;
        put_large(&s, START(1), VIEW, RECORD_SIZE_KEPT, START(2) VIEW START(3));
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        assert_int_equal(section, 4);
        assert_true(scratch_is(&s, RECORD_NAME, START(2) VIEW START(3) OPENED(4)));
        assert_true(size_of(&s, RECORD_OLD_NAME) > RECORD_SIZE_KEPT);

        /* No view is in force. */
        put_large(&s, START(5), "status 91 joiner\n", RECORD_SIZE_KEPT, START(6));
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        assert_true(scratch_is(&s, RECORD_NAME, OPENED(7)));
}

static void a_large_section_in_force_stays_while_it_has_room(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        uint64_t section;

        (void) state;
        put_large(&s, START(5), VIEW, RECORD_SIZE_KEPT, "");
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 0);
        assert_int_equal(section, 6);
        assert_int_equal(size_of(&s, RECORD_OLD_NAME), 0);

        put_large(&s, START(5), VIEW, VIEWLOG_SIZE_MAX * 3 / 4, "");
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        assert_int_equal(section, 6);
        assert_true(scratch_is(&s, RECORD_NAME, OPENED(6)));
}

static void a_record_too_large_to_read_keeps_its_count(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        uint64_t section;

        (void) state;
        put_large(&s, START(1), VIEW, VIEWLOG_SIZE_MAX, START(41) VIEW);
        assert_int_equal(record_append(s.fd, VIEW, strlen(VIEW)), -EFBIG);
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        assert_int_equal(section, 42);
        put_large(&s, START(1), VIEW, 3 * VIEWLOG_SIZE_MAX, START(51) VIEW);
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        assert_int_equal(section, 52);
        assert_true(scratch_is(&s, RECORD_NAME, OPENED(52)));
}

static void what_is_no_file_is_set_aside(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        uint64_t section;
        struct stat st;

        (void) state;
        scratch_puts(&s, "target", START(7));
        assert_int_equal(symlinkat("target", s.fd, RECORD_NAME), 0);
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        assert_true(scratch_is(&s, RECORD_NAME, OPENED(1)));
        assert_true(scratch_is(&s, "target", START(7)));
        assert_int_equal(fstatat(s.fd, RECORD_OLD_NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISLNK(st.st_mode));

        scratch_clear(&s);
        assert_int_equal(mkdirat(s.fd, RECORD_NAME, 0755), 0);
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        assert_true(scratch_is(&s, RECORD_NAME, OPENED(1)));
}

static void appending_shows_a_torn_line(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        char error[256];
        Viewlog log;

        (void) state;
        assert_int_equal(record_append(s.fd, START(1), strlen(START(1))), 0);
        assert_int_equal(record_append(s.fd, VIEW, strlen(VIEW)), 0);
        assert_int_equal(record_read(s.fd, &log, error), 0);
        assert_int_equal(log.n_views, 1);
        viewlog_done(&log);
        scratch_puts(&s, RECORD_NAME, START(1) VIEW "view 92 220d");
        assert_int_equal(record_append(s.fd, VIEW, strlen(VIEW)), 0);
        assert_true(scratch_is(&s, RECORD_NAME, START(1) VIEW "view 92 220d\n" VIEW));
        assert_int_equal(record_read(s.fd, &log, error), -EBADMSG);
        assert_non_null(strstr(error, "line 3"));
}

static void what_cannot_be_appended_to_is_told(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        char error[256], longest[VIEWLOG_LINE_MAX + 65];
        uint64_t section;
        Viewlog log;

        (void) state;
        assert_int_equal(record_read(s.fd, &log, error), -ENOENT);
        scratch_puts(&s, RECORD_NAME, "");
        assert_int_equal(record_append(s.fd, START(1), strlen(START(1))), 0);
        assert_true(scratch_is(&s, RECORD_NAME, START(1)));
        /* Behind a torn line there is only so much room. */
        scratch_puts(&s, RECORD_NAME, START(1) "view");
        memset(longest, 'x', sizeof(longest));
        assert_int_equal(record_append(s.fd, longest, sizeof(longest)), -EINVAL);
        assert_true(scratch_is(&s, RECORD_NAME, START(1) "view"));
        assert_int_equal(unlinkat(s.fd, RECORD_NAME, 0), 0);
        assert_int_equal(mkfifoat(s.fd, RECORD_NAME, 0600), 0);
        assert_int_equal(record_append(s.fd, VIEW, strlen(VIEW)), -ENOTSUP);
        assert_int_equal(record_section(s.fd, &section), 0);
        assert_int_equal(section, 0);
}

/* What cannot be read just now is not one without a number. What nobody may read is. */
static void a_count_is_not_guessed(void **state) {
        static const int errors[] = { EIO, EINTR, EACCES, ENXIO };
        _cleanup_scratch_ Scratch s = scratch_new();
        uint64_t section;

        (void) state;
        scratch_puts(&s, RECORD_NAME, "rubbish\n");
        scratch_puts(&s, RECORD_LOST_NAME, START(7));
        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        int r;

                        disk_fail(++n, errors[e]);
                        r = record_section(s.fd, &section);
                        failed = disk_failed();
                        CHECK(r == 0 || (failed && r == -errors[e]), str_or(failed, "nothing"));
                        CHECK(r < 0 || section == 7 || errors[e] == EACCES || errors[e] == ENXIO, str_or(failed, "nothing"));
                        CHECK(errors[e] != EIO || !failed || r < 0, str_or(failed, "nothing"));
                } while (failed);
                assert_true(n > 6);
        }
        disk_fail_each("pread", DISK_SHORT);
        assert_int_equal(record_section(s.fd, &section), 0);
        assert_int_equal(section, 7);
        /* Emptied meanwhile. */
        disk_fail_each("pread", DISK_NOTHING);
        assert_int_equal(record_section(s.fd, &section), 0);
        assert_int_equal(section, 0);
        (void) disk_failed();
}

static const Scratch *scene;

static void vanish(void) {
        assert_int_equal(unlinkat(scene->fd, RECORD_NAME, 0), 0);
}

static void a_record_that_vanishes_is_begun_anew(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        uint64_t section;

        (void) state;
        scene = &s;
        scratch_puts(&s, RECORD_NAME, START(4) "rubbish\n");
        disk_before("fstatat", vanish);
        assert_int_equal(record_open_section(s.fd, 100, NULL, NULL, &section), 1);
        (void) disk_failed();
        assert_true(scratch_is(&s, RECORD_NAME, OPENED(5)));
        assert_int_equal(scratch_count(&s), 1);
}

/* Crashes, and failures, at any system call: the record is the old one or the new one, the
 * old one is kept before it is replaced, and the next start goes on counting. */

static int op_open(int dirfd) {
        uint64_t section;

        return record_open_section(dirfd, 100, NULL, NULL, &section);
}

static void whole_after_a_crash_at_any_call(void **state) {
        static const struct {
                const char *name, *before, *after, *old;
        } table[] = {
                { "first", NULL, OPENED(1), NULL },
                { "appending", START(1) VIEW, START(1) VIEW OPENED(2), NULL },
                { "anew", START(1) VIEW "rubbish\n", OPENED(2), START(1) VIEW "rubbish\n" },
        };
        static const int errors[] = { 0, EIO, ENOSPC, EINTR }; /* 0: killed */
        _cleanup_scratch_ Scratch s = scratch_new();

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table) * ELEMENTS(errors); i++) {
                size_t e = i / ELEMENTS(table), k = i % ELEMENTS(table);
                unsigned n = 0;
                int r;

                do {
                        const char *failed;
                        bool done, anew = false;
                        uint64_t section;

                        scratch_clear(&s);
                        if (table[k].before)
                                scratch_puts(&s, RECORD_NAME, table[k].before);
                        if (table[k].old)
                                scratch_puts(&s, RECORD_OLD_NAME, START(1));
                        if (errors[e] == 0) {
                                r = crash_after(op_open, s.fd, ++n);
                                if (r == -EPERM)
                                        skip();
                                CHECK(r >= 0, table[k].name);
                        } else {
                                disk_fail(++n, errors[e]);
                                r = op_open(s.fd);
                                failed = disk_failed();
                                /* One that could not be read is kept, and begun anew. */
                                anew = table[k].before && scratch_is(&s, RECORD_NAME, OPENED(2)) && scratch_is(&s, RECORD_OLD_NAME, table[k].before);
                                CHECK(r >= 0 ? anew || scratch_is(&s, RECORD_NAME, table[k].after) : failed && (r == -errors[e] || r == -EIO), table[k].name);
                                r = failed != NULL;
                        }
                        done = anew || scratch_is(&s, RECORD_NAME, table[k].after);
                        CHECK(done || scratch_is(&s, RECORD_NAME, table[k].before) ||
                              (!table[k].before && scratch_is(&s, RECORD_NAME, "")), table[k].name);
                        if (table[k].old)
                                CHECK(scratch_is(&s, RECORD_OLD_NAME, table[k].old) || (!done && scratch_is(&s, RECORD_OLD_NAME, START(1))), table[k].name);

                        CHECK(record_open_section(s.fd, 100, NULL, NULL, &section) >= 0, table[k].name);
                        CHECK(section == (table[k].before ? 2u : 1u) + done, table[k].name);
                } while (r == 1);
                CHECK(n > 4, table[k].name);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(sections_are_opened),
                cmocka_unit_test(a_record_is_lost_and_its_numbers_are_not),
                cmocka_unit_test(a_section_says_what_it_was_opened_with),
                cmocka_unit_test(a_large_record_is_begun_anew_with_what_is_in_force),
                cmocka_unit_test(a_large_section_in_force_stays_while_it_has_room),
                cmocka_unit_test(a_record_too_large_to_read_keeps_its_count),
                cmocka_unit_test(what_is_no_file_is_set_aside),
                cmocka_unit_test(appending_shows_a_torn_line),
                cmocka_unit_test(what_cannot_be_appended_to_is_told),
                cmocka_unit_test(a_count_is_not_guessed),
                cmocka_unit_test(a_record_that_vanishes_is_begun_anew),
                cmocka_unit_test(whole_after_a_crash_at_any_call),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
