/* The result of mainstay-recover: written, read, and true for as long as the
 * data are the same. */
#include "adapter/recovery-store.h"
#include "memory.h"
#include "scratch.h"

#define U "220dcdcb-1629-11e4-add3-aec059ad3734"
#define BOOT "\"boot\": \"e1ce02d2-1427-4691-b57c-a6b9205b6e6f\""
#define REST "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {}, \"text\": \"x\"}"
#define P "{\"outcome\": \"position\", \"position\": \"" U ":5\", "

static Recovery example(void) {
        Recovery r = { .outcome = RECOVERY_POSITION, .section = 7, .time = UINT64_C(1795375593470451) };

        assert_int_equal(position_parse(U ":9007199254740993", strlen(U) + 17, &r.position), 0);
        assert_int_equal(uuid_parse("e1ce02d2-1427-4691-b57c-a6b9205b6e6f", 36, &r.boot), 0);
        r.stamp.file[0].present = r.stamp.file[1].present = true;
        r.stamp.file[0].ino = UINT64_MAX;
        r.stamp.file[0].mtime_nsec = INT64_C(1795374715083128149);
        r.stamp.file[1].ino = 5;
        r.stamp.file[1].size = INT64_C(12582912);
        (void) snprintf(r.text, sizeof(r.text), "Bravo \xc3\xbc \"x\".");
        return r;
}

static void what_is_written_is_read_again(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        Recovery r = example(), again;

        (void) state;
        assert_int_equal(recovery_read(s.fd, &again), -ENOENT);
        for (RecoveryOutcome o = 0; o < _RECOVERY_OUTCOME_MAX; o++) {
                r.outcome = o;
                assert_int_equal(recovery_write(s.fd, &r), 0);
                memset(&again, 0xff, sizeof(again));
                assert_int_equal(recovery_read(s.fd, &again), 0);
                assert_int_equal(again.outcome, o);
                if (o == RECOVERY_POSITION)
                        assert_true(position_equal(&again.position, &r.position));
                else
                        assert_false(position_defined(&again.position));
                assert_true(again.section == 7);
                assert_true(uuid_equal(&again.boot, &r.boot));
                assert_true(again.time == r.time);
                assert_true(stamp_equal(&again.stamp, &r.stamp));
                assert_false(again.stamp.file[2].present);
                assert_string_equal(again.text, r.text);
        }
        assert_int_equal(scratch_count(&s), 1);
}

static void what_cannot_be_true_is_not_written(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *text = NULL;
        Recovery r = example();

        (void) state;
        r.position.seqno = SEQNO_UNDEFINED;
        assert_int_equal(recovery_format(&r, &text), -EINVAL);
        r = example();
        r.outcome = _RECOVERY_OUTCOME_MAX;
        assert_int_equal(recovery_format(&r, &text), -EINVAL);
        r.outcome = _RECOVERY_OUTCOME_INVALID;
        assert_int_equal(recovery_format(&r, &text), -EINVAL);
        r = example();
        r.section = (uint64_t) INT64_MAX + 1;
        assert_int_equal(recovery_format(&r, &text), -EINVAL);
        r = example();
        r.time = (usec_t) INT64_MAX + 1;
        assert_int_equal(recovery_format(&r, &text), -EINVAL);
        assert_null(text);
        assert_int_equal(recovery_write(s.fd, &r), -EINVAL);
        assert_int_equal(scratch_count(&s), 0);
}

/* On its way out and back it is whole, or there is none. */
static void where_memory_is_short_nothing_is_left_out(void **state) {
        _cleanup_free_ char *text = NULL;
        Recovery r = example(), again;
        unsigned n = 0, failed = 0;
        bool refused;

        (void) state;
        /* In no text is a backslash: Jansson ends the process over one. */
        (void) snprintf(r.text, sizeof(r.text), "Bravo.");
        assert_int_equal(recovery_format(&r, &text), 0);
        do {
                _cleanup_free_ char *other = NULL;
                int k;

                memory_refuse(++n);
                k = recovery_format(&r, &other);
                refused = memory_refused();
                failed += k < 0;
                assert_true(k == 0 ? streq(other, text) : k == -ENOMEM && refused && !other);
        } while (refused);
        assert_true(failed > 10);
        n = 0;
        do {
                char error[256];
                int k;

                memory_refuse(++n);
                k = recovery_parse(text, strlen(text), &again, error);
                refused = memory_refused();
                assert_true(k == 0 ? position_equal(&again.position, &r.position) && stamp_equal(&again.stamp, &r.stamp) && streq(again.text, r.text) : refused);
        } while (refused);
        assert_true(n > 10);
}

static void an_error_text_that_is_not_utf8_does_no_harm(void **state) {
        _cleanup_free_ char *text = NULL;
        Recovery r = example(), again;
        char error[256];

        (void) state;
        (void) snprintf(r.text, sizeof(r.text), "caf\xe9\n");
        assert_int_equal(recovery_format(&r, &text), 0);
        assert_int_equal(recovery_parse(text, strlen(text), &again, error), 0);
        assert_string_equal(again.text, "caf??");
}

static void damage_is_refused(void **state) {
        static const char *const bad[] = {
                "", "{", "[]", "5", "null", "\"x\"", "{}", P REST " ",
                "{\"outcome\": \"well\", " REST,
                "{" REST,
                "{\"outcome\": 5, " REST,
                "{\"outcome\": \"position\", " REST,
                "{\"outcome\": \"position\", \"position\": \"" U "\", " REST,
                "{\"outcome\": \"position\", \"position\": \"" U ":-1\", " REST,
                "{\"outcome\": \"position\", \"position\": 5, " REST,
                "{\"outcome\": \"nothing\", \"position\": \"" U ":5\", " REST,
                P BOOT ", \"time\": 5, \"stamp\": {}, \"text\": \"x\"}",
                P "\"section\": -1, " BOOT ", \"time\": 5, \"stamp\": {}, \"text\": \"x\"}",
                P "\"section\": 7.5, " BOOT ", \"time\": 5, \"stamp\": {}, \"text\": \"x\"}",
                P "\"section\": 7, \"boot\": \"x\", \"time\": 5, \"stamp\": {}, \"text\": \"x\"}",
                P "\"section\": 7, \"time\": 5, \"stamp\": {}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": \"5\", \"stamp\": {}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": [], \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {\"ibdata1\": [1, 2]}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {\"ibdata1\": [\"1\", 2, 3]}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {\"ibdata1\": [1, 2.5, 3]}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {}, \"text\": 5}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {\"ibdata1\": [1, 2, -3]}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {\"ibdata1\": [1, 2, 3, 4]}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {\"ibdata1\": null}, \"text\": \"x\"}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {}}",
                P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {}, \"text\": \"\\u0000\"}",
                P "\"section\": 7, " REST,
        };
        static const char huge[RECOVERY_SIZE_MAX + 1];
        char error[256], zeros[512] = { 0 };
        Recovery r;

        (void) state;
        assert_int_equal(recovery_parse(P REST, strlen(P REST), &r, error), 0);
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                /* The one good one is there to show that blanks do not matter. */
                int expected = streq(bad[i], P REST " ") ? 0 : -EBADMSG;

                error[0] = '\0';
                CHECK(recovery_parse(bad[i], strlen(bad[i]), &r, error) == expected, bad[i]);
                CHECK(expected == 0 || error[0], bad[i]);
        }
        assert_int_equal(recovery_parse(zeros, sizeof(zeros), &r, error), -EBADMSG);
        assert_int_equal(recovery_parse(huge, sizeof(huge), &r, error), -EBADMSG);
        assert_non_null(strstr(error, "larger"));
        /* A text that would be cut off is refused, for it would be another. */
        for (size_t more = 0; more < 2; more++) {
                _cleanup_free_ char *file = NULL, *text = calloc(1, sizeof(r.text) + 1);

                memset(text, 'x', sizeof(r.text) - 1 + more);
                assert_true(asprintf(&file, P "\"section\": 7, " BOOT ", \"time\": 5, \"stamp\": {}, \"text\": \"%s\"}", text) >= 0);
                assert_int_equal(recovery_parse(file, strlen(file), &r, error), more ? -EBADMSG : 0);
        }
}

static void no_beginning_of_a_result_is_read(void **state) {
        _cleanup_free_ char *text = NULL;
        Recovery r = example(), again;
        char error[256];

        (void) state;
        assert_int_equal(recovery_format(&r, &text), 0);
        for (size_t n = 0; n < strlen(text) - 1; n++)
                assert_int_equal(recovery_parse(text, n, &again, error), -EBADMSG);
}

static void a_result_holds_until_a_file_changes(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        Recovery r = example();
        Stamp now;

        (void) state;
        assert_int_equal(stamp_take(s.fd, &r.stamp), 0);
        /* Nothing is there that could have changed: nothing can be said. */
        assert_false(recovery_holds(&r, &r.stamp, 7));

        scratch_puts(&s, "grastate.dat", "x");
        scratch_puts(&s, "ibdata1", "x");
        scratch_puts(&s, "ib_logfile0", "x");
        scratch_puts(&s, "other", "x");
        assert_int_equal(stamp_take(s.fd, &r.stamp), 0);
        assert_int_equal(stamp_take(s.fd, &now), 0);
        assert_true(recovery_holds(&r, &now, 7));
        assert_false(recovery_holds(&r, &now, 8));
        assert_false(recovery_holds(&r, &now, 6));

        scratch_puts(&s, "other", "xy");
        assert_int_equal(stamp_take(s.fd, &now), 0);
        assert_true(recovery_holds(&r, &now, 7));

        for (size_t i = 0; i < STAMP_FILES; i++) {
                struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000, .tv_nsec = 5 } };

                /* Another size. */
                scratch_puts(&s, stamp_names[i], "xy");
                assert_int_equal(stamp_take(s.fd, &now), 0);
                CHECK(!recovery_holds(&r, &now, 7), stamp_names[i]);
                r.stamp = now;

                /* Another time, by a nanosecond. */
                assert_int_equal(utimensat(s.fd, stamp_names[i], times, 0), 0);
                assert_int_equal(stamp_take(s.fd, &r.stamp), 0);
                times[1].tv_nsec++;
                assert_int_equal(utimensat(s.fd, stamp_names[i], times, 0), 0);
                assert_int_equal(stamp_take(s.fd, &now), 0);
                CHECK(!recovery_holds(&r, &now, 7), stamp_names[i]);

                /* Another file, of the same size and time. */
                assert_int_equal(renameat(s.fd, stamp_names[i], s.fd, "aside"), 0);
                assert_int_equal(stamp_take(s.fd, &now), 0);
                CHECK(!recovery_holds(&r, &now, 7), stamp_names[i]);
                scratch_puts(&s, stamp_names[i], "xy");
                assert_int_equal(utimensat(s.fd, stamp_names[i], times, 0), 0);
                r.stamp.file[i].mtime_nsec++;
                assert_int_equal(stamp_take(s.fd, &now), 0);
                CHECK(!recovery_holds(&r, &now, 7), stamp_names[i]);
                assert_int_equal(stamp_take(s.fd, &r.stamp), 0);
        }
}

static void only_what_lies_in_the_data_lasts(void **state) {
        (void) state;
        for (RecoveryOutcome o = 0; o < _RECOVERY_OUTCOME_MAX; o++)
                assert_int_equal(recovery_lasting(o),
                                 o == RECOVERY_POSITION || o == RECOVERY_NOTHING || o == RECOVERY_PREPARED || o == RECOVERY_OLD_REDO);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_is_read_again),
                cmocka_unit_test(what_cannot_be_true_is_not_written),
                cmocka_unit_test(where_memory_is_short_nothing_is_left_out),
                cmocka_unit_test(an_error_text_that_is_not_utf8_does_no_harm),
                cmocka_unit_test(damage_is_refused),
                cmocka_unit_test(no_beginning_of_a_result_is_read),
                cmocka_unit_test(a_result_holds_until_a_file_changes),
                cmocka_unit_test(only_what_lies_in_the_data_lasts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
