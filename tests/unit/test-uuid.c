/* The words all state files consist of: UUIDs, whole numbers, positions. */
#include "base/number.h"
#include "domain/position.h"
#include "scratch.h"

#define U "220dcdcb-1629-11e4-add3-aec059ad3734"
#define ZERO "00000000-0000-0000-0000-000000000000"

static void uuids_are_read_strictly(void **state) {
        static const char *const good[] = { U, ZERO, "220DCDCB-1629-11E4-ADD3-AEC059AD3734", "ffffffff-ffff-ffff-ffff-ffffffffffff" };
        static const char *const bad[] = {
                "", "220dcdcb", "220dcdcb-1629-11e4-add3-aec059ad373", "220dcdcb-1629-11e4-add3-aec059ad37345",
                "220dcdcb1629-11e4-add3-aec059ad37345-", "220dcdcb-1629-11e4-add3-aec059ad373g", "220dcdcb-1629-11e4-add3_aec059ad3734",
                " 20dcdcb-1629-11e4-add3-aec059ad3734", "220dcdcb-1629-11e4-add3-aec059ad373 ", "{20dcdcb-1629-11e4-add3-aec059ad373}",
                "220dcdcb-1629-11e4-add3-aec059ad37\xc3\xa9",
        };
        char text[UUID_TEXT_MAX];
        Uuid u;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                CHECK(uuid_parse(good[i], strlen(good[i]), &u) == 0, good[i]);
                CHECK(strcasecmp(uuid_text(&u, text), good[i]) == 0, good[i]);
        }
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                CHECK(uuid_parse(bad[i], strlen(bad[i]), &u) == -EINVAL, bad[i]);
        assert_int_equal(uuid_parse("220dcdcb-1629\0-1e4-add3-aec059ad3734", 36, &u), -EINVAL);
}

static void uuids_compare(void **state) {
        Uuid a, b, c, zero;

        (void) state;
        assert_int_equal(uuid_parse("7147ff56-e6a8-11f1-b7a5-1aec09909f65", 36, &a), 0);
        assert_int_equal(uuid_parse("7147ff56-e6a8-11f1-b7a6-1aec09909f65", 36, &b), 0);
        assert_int_equal(uuid_parse("7147ff56-e6a8-11f1-b7a5-1aec09909f66", 36, &c), 0);
        assert_int_equal(uuid_parse(ZERO, 36, &zero), 0);
        assert_true(uuid_equal(&a, &a));
        assert_false(uuid_equal(&a, &b));
        assert_true(uuid_is_zero(&zero));
        assert_false(uuid_is_zero(&a));
        /* The incarnation alone differs; and more than that. */
        assert_true(uuid_same_member(&a, &b));
        assert_false(uuid_same_member(&a, &c));
}

static void random_uuids_are_random_and_marked(void **state) {
        Uuid a, b;

        (void) state;
        assert_int_equal(uuid_random(&a), 0);
        assert_int_equal(uuid_random(&b), 0);
        assert_false(uuid_equal(&a, &b));
        assert_int_equal(a.b[6] >> 4, 4);
        assert_int_equal(a.b[8] >> 6, 2);
}

static void numbers_are_read_strictly(void **state) {
        static const struct {
                const char *text;
                int64_t min, max;
                int result;
                int64_t value;
        } table[] = {
                { "0", -1, 10, 0, 0 },
                { "-1", -1, 10, 0, -1 },
                { "10", -1, 10, 0, 10 },
                { "11", -1, 10, -ERANGE, 0 },
                { "-2", -1, 10, -ERANGE, 0 },
                { "9223372036854775807", -1, INT64_MAX, 0, INT64_MAX },
                { "9223372036854775808", -1, INT64_MAX, -ERANGE, 0 },
                { "-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN },
                { "-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0 },
                { "18446744073709551615", INT64_MIN, INT64_MAX, -ERANGE, 0 },
                { "99999999999999999999999999", INT64_MIN, INT64_MAX, -ERANGE, 0 },
                /* Beyond what a double can tell apart. */
                { "9007199254740993", 0, INT64_MAX, 0, INT64_C(9007199254740993) },
                { "", 0, 10, -EINVAL, 0 },
                { "-", -1, 10, -EINVAL, 0 },
                { "--1", -1, 10, -EINVAL, 0 },
                { "+1", -1, 10, -EINVAL, 0 },
                { "-0", -1, 10, -EINVAL, 0 },
                { "00", -1, 10, -EINVAL, 0 },
                { "07", -1, 10, -EINVAL, 0 },
                { " 7", -1, 10, -EINVAL, 0 },
                { "7 ", -1, 10, -EINVAL, 0 },
                { "7\n", -1, 10, -EINVAL, 0 },
                { "0x7", -1, 10, -EINVAL, 0 },
                { "7.0", -1, 10, -EINVAL, 0 },
                { "1e1", -1, 10, -EINVAL, 0 },
                { "foo", -1, 10, -EINVAL, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                int64_t value = 4711;

                CHECK(number_parse(table[i].text, strlen(table[i].text), table[i].min, table[i].max, &value) == table[i].result, table[i].text);
                CHECK(value == (table[i].result < 0 ? 4711 : table[i].value), table[i].text);
        }
}

static void unsigned_numbers_have_all_64_bits(void **state) {
        static const struct {
                const char *text;
                uint64_t max;
                int result;
                uint64_t value;
        } table[] = {
                { "0", 10, 0, 0 },
                { "10", 10, 0, 10 },
                { "11", 10, -ERANGE, 0 },
                { "9223372036854775808", UINT64_MAX, 0, UINT64_C(9223372036854775808) },
                { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
                { "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
                { "99999999999999999999999999", UINT64_MAX, -ERANGE, 0 },
                { "99999999999999999999999999x", UINT64_MAX, -EINVAL, 0 },
                { "", 10, -EINVAL, 0 },
                { "-0", 10, -EINVAL, 0 },
                { "-1", 10, -EINVAL, 0 },
                { "+1", 10, -EINVAL, 0 },
                { "07", 10, -EINVAL, 0 },
                { "7 ", 10, -EINVAL, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                uint64_t value = 4711;

                CHECK(number_parse_unsigned(table[i].text, strlen(table[i].text), table[i].max, &value) == table[i].result, table[i].text);
                CHECK(value == (table[i].result < 0 ? 4711 : table[i].value), table[i].text);
        }
}

static void positions_are_read_strictly(void **state) {
        static const struct {
                const char *text;
                bool good, defined;
                int64_t seqno;
        } table[] = {
                { U ":0", true, true, 0 },
                { U ":48451", true, true, 48451 },
                { U ":9223372036854775807", true, true, INT64_MAX },
                { U ":-1", true, false, -1 },
                { ZERO ":-1", true, false, -1 },
                { ZERO ":5", true, false, 5 },
                { U ":-2", false, false, 0 },
                { U ":9223372036854775808", false, false, 0 },
                { U ":18446744073709551615", false, false, 0 },
                { U ":", false, false, 0 },
                { U, false, false, 0 },
                { U " 5", false, false, 0 },
                { U ": 5", false, false, 0 },
                { U ":5 ", false, false, 0 },
                { U ":5,1-2-3", false, false, 0 },
                { U ":05", false, false, 0 },
                { ":5", false, false, 0 },
                { "", false, false, 0 },
                { "220dcdcb-1629-11e4-add3-aec059ad373x:5", false, false, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char text[POSITION_TEXT_MAX];
                Position p;
                bool good = position_parse(table[i].text, strlen(table[i].text), &p) >= 0;

                CHECK(good == table[i].good, table[i].text);
                if (!good)
                        continue;
                CHECK(p.seqno == table[i].seqno, table[i].text);
                CHECK(position_defined(&p) == table[i].defined, table[i].text);
                CHECK(streq(position_text(&p, text), table[i].text), table[i].text);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(uuids_are_read_strictly),
                cmocka_unit_test(uuids_compare),
                cmocka_unit_test(random_uuids_are_random_and_marked),
                cmocka_unit_test(numbers_are_read_strictly),
                cmocka_unit_test(unsigned_numbers_have_all_64_bits),
                cmocka_unit_test(positions_are_read_strictly),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
