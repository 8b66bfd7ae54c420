/* GTIDs: MariaDB's lists and MySQL's sets. In the tables of MySQL's a letter
 * stands for a server's UUID: "A:1-5". */
#include "domain/gtid.h"
#include "scratch.h"

/* MariaDB */

static const struct {
        const char *text;
        GtidListKind kind;
        const char *canonical; /* NULL: refused */
        const char *says;
} lists[] = {
        { "", GTID_POSITION, "", NULL },
        { "  ", GTID_POSITION, "", NULL },
        { "0-1-5", GTID_POSITION, "0-1-5", NULL },
        { "1-2-3,0-1-5", GTID_POSITION, "0-1-5,1-2-3", NULL },
        { " 1-2-3 ,\n 0-1-5\n", GTID_POSITION, "0-1-5,1-2-3", NULL },
        { "4294967295-4294967295-18446744073709551615", GTID_POSITION, "4294967295-4294967295-18446744073709551615", NULL },
        { "0-1-9007199254740993", GTID_POSITION, "0-1-9007199254740993", NULL },
        /* The order within a domain says which came last, and no other does. */
        { "0-1-29,0-2-31", GTID_STATE, "0-1-29,0-2-31", NULL },
        { "0-2-31,0-1-29", GTID_STATE, "0-2-31,0-1-29", NULL },
        { "0-3-7,0-1-29,0-2-31", GTID_STATE, "0-1-29,0-3-7,0-2-31", NULL },
        { "1-9-1,0-3-7,0-1-29,1-8-2", GTID_STATE, "0-3-7,0-1-29,1-9-1,1-8-2", NULL },
        { "0-1-5,0-2-6", GTID_POSITION, NULL, "domain 0 is in it twice" },
        { "0-1-5,1-1-7,0-1-6", GTID_STATE, NULL, "domain 0 has server 1 twice" },
        { "0-1-5,", GTID_STATE, NULL, "\"\" is no GTID" },
        { ",0-1-5", GTID_STATE, NULL, "\"\" is no GTID" },
        { ",", GTID_STATE, NULL, "no GTID" },
        { "0-1-5,,0-2-6", GTID_STATE, NULL, "no GTID" },
        { "0-1", GTID_STATE, NULL, "\"0-1\" is no GTID of the form DOMAIN-SERVER-SEQ" },
        { "0-1-5-6", GTID_STATE, NULL, "no GTID" },
        { "0-1-", GTID_STATE, NULL, "no GTID" },
        { "--5", GTID_STATE, NULL, "no GTID" },
        { "0-1--5", GTID_STATE, NULL, "no GTID" },
        { "0 -1-5", GTID_STATE, NULL, "no GTID" },
        { "0-1-05", GTID_STATE, NULL, "no GTID" },
        { "0-1-+5", GTID_STATE, NULL, "no GTID" },
        { "0-1-5x", GTID_STATE, NULL, "no GTID" },
        { "4294967296-1-5", GTID_STATE, NULL, "no GTID" },
        { "0-4294967296-5", GTID_STATE, NULL, "no GTID" },
        { "0-1-18446744073709551616", GTID_STATE, NULL, "no GTID" },
        { "A:1-5", GTID_STATE, NULL, "no GTID" },
        { "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", GTID_STATE, NULL, "no GTID" },
};

static void lists_are_read_strictly(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(lists); i++) {
                _cleanup_gtid_list_ GtidList list = {0};
                _cleanup_free_ char *text = NULL;
                char error[256] = "";
                int r = gtid_list_parse(lists[i].text, strlen(lists[i].text), lists[i].kind, &list, error);

                if (!lists[i].canonical) {
                        CHECK(r == -EBADMSG, lists[i].text);
                        CHECK(strstr(error, lists[i].says), lists[i].text);
                        continue;
                }
                CHECK(r == 0, lists[i].text);
                assert_int_equal(gtid_list_format(&list, &text), 0);
                if (!streq(text, lists[i].canonical))
                        fail_msg("%s: \"%s\", not \"%s\"", lists[i].text, text, lists[i].canonical);
        }
}

static GtidList list_of(const char *text) {
        char error[256] = "";
        GtidList list;

        if (gtid_list_parse(text, strlen(text), GTID_STATE, &list, error) < 0)
                fail_msg("%s: %s", text, error);
        return list;
}

static const struct {
        const char *a, *b, *a_less_b, *both;
        uint64_t b_ahead; /* of a */
} list_pairs[] = {
        { "", "", "", "", 0 },
        { "0-1-5", "", "0-1-5", "0-1-5", 0 },
        { "", "0-1-5", "", "0-1-5", 5 },
        { "0-1-5", "0-1-5", "", "0-1-5", 0 },
        { "0-1-5", "0-1-6", "", "0-1-6", 1 },
        { "0-1-6", "0-1-5", "0-1-6", "0-1-6", 0 },
        /* The seqno of the domain alone would say that a is contained. */
        { "0-2-6", "0-1-7", "0-2-6", "0-2-6,0-1-7", 1 },
        { "0-1-5,0-2-6", "0-1-7", "0-2-6", "0-2-6,0-1-7", 1 },
        { "0-1-5,0-2-6", "0-2-6,0-1-7", "", "0-2-6,0-1-7", 1 },
        { "1-1-5", "0-1-5", "1-1-5", "0-1-5,1-1-5", 5 },
        { "0-1-5,1-1-9", "0-1-7,1-1-3", "1-1-9", "0-1-7,1-1-9", 2 },
        { "0-1-9007199254740993", "0-1-9007199254740992", "0-1-9007199254740993", "0-1-9007199254740993", 0 },
        { "", "0-1-18446744073709551615,1-1-1", "", "0-1-18446744073709551615,1-1-1", UINT64_MAX },
};

static void lists_compare_by_domain_and_server(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(list_pairs); i++) {
                _cleanup_gtid_list_ GtidList a = list_of(list_pairs[i].a), b = list_of(list_pairs[i].b), rest = {0}, both = {0}, other = {0};
                _cleanup_free_ char *rest_text = NULL, *both_text = NULL, *other_text = NULL;

                assert_int_equal(gtid_list_subtract(&a, &b, &rest), 0);
                assert_int_equal(gtid_list_union(&a, &b, &both), 0);
                assert_int_equal(gtid_list_union(&b, &a, &other), 0);
                assert_int_equal(gtid_list_format(&rest, &rest_text), 0);
                assert_int_equal(gtid_list_format(&both, &both_text), 0);
                assert_int_equal(gtid_list_format(&other, &other_text), 0);
                if (!streq(rest_text, list_pairs[i].a_less_b) || !streq(both_text, list_pairs[i].both) || !streq(other_text, both_text))
                        fail_msg("%s, %s: less \"%s\", both \"%s\" or \"%s\"", list_pairs[i].a, list_pairs[i].b, rest_text, both_text, other_text);
                CHECK(gtid_list_contains_all(&b, &a) == (rest.n == 0), list_pairs[i].a);
                CHECK(gtid_list_contains_all(&both, &a) && gtid_list_contains_all(&both, &b), list_pairs[i].a);
                CHECK(gtid_list_distance(&a, &b) == list_pairs[i].b_ahead, list_pairs[i].a);
        }
}

static void newest_and_highest_need_not_be_one(void **state) {
        _cleanup_gtid_list_ GtidList list = list_of("0-1-31,0-2-29,3-1-1");

        (void) state;
        assert_int_equal(gtid_list_newest(&list, 0)->server, 2);
        assert_int_equal(gtid_list_highest(&list, 0)->server, 1);
        assert_int_equal(gtid_list_find(&list, 0, 1)->seq, 31);
        assert_null(gtid_list_newest(&list, 1));
        assert_null(gtid_list_highest(&list, 1));
        assert_null(gtid_list_find(&list, 3, 2));
}

/* MySQL. "A" for its UUID, in the text to read and in what is compared. */

static char *spelled(const char *text) {
        char *s = NULL;
        size_t size;
        FILE *f = open_memstream(&s, &size);

        assert_non_null(f);
        for (const char *p = text; *p; p++)
                if (*p >= 'A' && *p <= 'F')
                        fprintf(f, "%c%c%c%c%c%c%c%c-0000-0000-0000-000000000000", *p, *p, *p, *p, *p, *p, *p, *p);
                else
                        fputc(*p, f);
        assert_int_equal(fclose(f), 0);
        return s;
}

static char *lowered(const char *text) {
        char *s = spelled(text);

        for (char *p = s; *p; p++)
                if (*p >= 'A' && *p <= 'F')
                        *p = (char) (*p - 'A' + 'a');
        return s;
}

static const struct {
        const char *text, *canonical, *says;
} sets[] = {
        { "", "", NULL },
        { " \n\t", "", NULL },
        { "A:1", "A:1", NULL },
        { "A:1-1", "A:1", NULL },
        { "A:1-5", "A:1-5", NULL },
        { "A:1-5:7", "A:1-5:7", NULL },
        { "A:1-5:6", "A:1-6", NULL },
        { "A:7:1-5", "A:1-5:7", NULL },
        { "A:1-5:3-9:2", "A:1-9", NULL },
        { "B:1,A:2", "A:2,B:1", NULL },
        { "A:1,A:3,A:2", "A:1-3", NULL },
        { "A:1-5,\nB:1-2", "A:1-5,B:1-2", NULL },
        { " A : 1 - 5 : 7 ,\r\n B:1 \n", "A:1-5:7,B:1", NULL },
        { "A:9223372036854775806", "A:9223372036854775806", NULL },
        { "A:1-9223372036854775806", "A:1-9223372036854775806", NULL },
        { "A:9007199254740993:9007199254740995", "A:9007199254740993:9007199254740995", NULL },
        /* Tags hold for what follows them. */
        { "A:tag:1-3", "A:tag:1-3", NULL },
        { "A:1-2:tag:1-3", "A:1-2:tag:1-3", NULL },
        { "A:x:1:w:1:2", "A:w:1-2:x:1", NULL },
        { "A:x:5,A:1", "A:1:x:5", NULL },
        { "A:x:5,A:x:6,B:x:1", "A:x:5-6,B:x:1", NULL },
        { "A:x:5,A:x:7,A:y:6", "A:x:5:7:y:6", NULL },
        { "A:_2:1", "A:_2:1", NULL },
        { "A:xYz:1", "A:xyz:1", NULL },
        { "A:abcdefghijklmnopqrstuvwxyz_12345:1", "A:abcdefghijklmnopqrstuvwxyz_12345:1", NULL },
        { "A:abcdefghijklmnopqrstuvwxyz_123456:1", NULL, "an interval or a tag" },
        { "A:x:y:1", NULL, "\"y\" stands where an interval should, after a tag" },
        { "A:x", NULL, "intervals should follow" },
        { "A:1:x", NULL, "intervals should follow" },
        { "A:x,B:1", NULL, "intervals should follow" },
        { "A", NULL, "intervals should follow" },
        { "A:", NULL, "\"\" stands where an interval or a tag" },
        { "A::1", NULL, "interval or a tag" },
        { "A:1:", NULL, "interval or a tag" },
        { "A:1,", NULL, "a server's UUID" },
        { ",A:1", NULL, "a server's UUID" },
        { "A:1,,B:1", NULL, "a server's UUID" },
        { "A:0", NULL, "interval or a tag" },
        { "A:0-5", NULL, "interval or a tag" },
        { "A:5-4", NULL, "interval or a tag" },
        { "A:1-", NULL, "interval or a tag" },
        { "A:-1", NULL, "interval or a tag" },
        { "A:1--2", NULL, "interval or a tag" },
        { "A:1-2-3", NULL, "interval or a tag" },
        { "A:01", NULL, "interval or a tag" },
        { "A:1 2", NULL, "interval or a tag" },
        { "A:1x", NULL, "interval or a tag" },
        { "A:9223372036854775807", NULL, "interval or a tag" },
        { "A:18446744073709551617", NULL, "interval or a tag" },
        { "0-1-5", NULL, "\"0-1-5\" stands where a server's UUID should" },
        { "ANONYMOUS", NULL, "a server's UUID" },
};

static GtidSet set_of(const char *text) {
        _cleanup_free_ char *s = spelled(text);
        char error[256] = "";
        GtidSet set;

        if (gtid_set_parse(s, strlen(s), &set, error) < 0)
                fail_msg("%s: %s", text, error);
        return set;
}

static bool set_is(const GtidSet *set, const char *text) {
        _cleanup_free_ char *s = NULL, *expected = lowered(text);

        assert_int_equal(gtid_set_format(set, &s), 0);
        if (!streq(s, expected))
                print_error("%s, not %s\n", s, expected);
        return streq(s, expected);
}

static void sets_are_read_strictly(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(sets); i++) {
                _cleanup_free_ char *text = spelled(sets[i].text);
                _cleanup_gtid_set_ GtidSet set = {0};
                char error[256] = "";
                int r = gtid_set_parse(text, strlen(text), &set, error);

                if (!sets[i].canonical) {
                        CHECK(r == -EBADMSG && set.n == 0, sets[i].text);
                        if (!strstr(error, sets[i].says))
                                fail_msg("%s: \"%s\" does not say \"%s\"", sets[i].text, error, sets[i].says);
                        continue;
                }
                CHECK(r == 0, sets[i].text);
                CHECK(set_is(&set, sets[i].canonical), sets[i].text);
        }
}

static const struct {
        const char *a, *b, *a_less_b, *both;
        uint64_t count; /* of a less b */
} set_pairs[] = {
        { "", "", "", "", 0 },
        { "A:1-5", "", "A:1-5", "A:1-5", 5 },
        { "", "A:1-5", "", "A:1-5", 0 },
        { "A:1-5", "A:1-5", "", "A:1-5", 0 },
        { "A:1-5", "B:1-5", "A:1-5", "A:1-5,B:1-5", 5 },
        { "A:1-5", "A:1-4", "A:5", "A:1-5", 1 },
        { "A:1-5", "A:2-5", "A:1", "A:1-5", 1 },
        { "A:1-5", "A:2-4", "A:1:5", "A:1-5", 2 },
        { "A:1-5", "A:2:4", "A:1:3:5", "A:1-5", 3 },
        { "A:1-5", "A:6-9", "A:1-5", "A:1-9", 5 },
        { "A:1-5:8-9", "A:4-8", "A:1-3:9", "A:1-9", 4 },
        { "A:1-3:5-7:9", "A:2-9", "A:1", "A:1-9", 1 },
        { "A:1-9", "A:1-3:5-7:9", "A:4:8", "A:1-9", 2 },
        { "A:1-9,C:1", "A:1-9,B:1-7,C:2", "C:1", "A:1-9,B:1-7,C:1-2", 1 },
        { "A:1:x:1", "A:1", "A:x:1", "A:1:x:1", 1 },
        { "A:x:1-5", "A:1-5:w:1-5", "A:x:1-5", "A:1-5:w:1-5:x:1-5", 5 },
        { "A:1-9007199254740993", "A:1-9007199254740992", "A:9007199254740993", "A:1-9007199254740993", 1 },
        { "A:1-9223372036854775806", "A:2-9223372036854775805", "A:1:9223372036854775806", "A:1-9223372036854775806", 2 },
        { "A:1-9223372036854775806,B:1-9223372036854775806,C:1-3", "", "A:1-9223372036854775806,B:1-9223372036854775806,C:1-3",
          "A:1-9223372036854775806,B:1-9223372036854775806,C:1-3", UINT64_MAX },
        { "A:1-9223372036854775806,B:1-9223372036854775806", "", "A:1-9223372036854775806,B:1-9223372036854775806",
          "A:1-9223372036854775806,B:1-9223372036854775806", UINT64_MAX - 3 },
};

static void sets_are_exact(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(set_pairs); i++) {
                _cleanup_gtid_set_ GtidSet a = set_of(set_pairs[i].a), b = set_of(set_pairs[i].b), rest = {0}, both = {0}, other = {0};

                assert_int_equal(gtid_set_subtract(&a, &b, &rest), 0);
                assert_int_equal(gtid_set_union(&a, &b, &both), 0);
                assert_int_equal(gtid_set_union(&b, &a, &other), 0);
                CHECK(set_is(&rest, set_pairs[i].a_less_b), set_pairs[i].a);
                CHECK(set_is(&both, set_pairs[i].both), set_pairs[i].a);
                CHECK(gtid_set_equal(&both, &other), set_pairs[i].a);
                CHECK(gtid_set_contains_all(&b, &a) == (rest.n == 0), set_pairs[i].a);
                CHECK(gtid_set_contains_all(&both, &a) && gtid_set_contains_all(&both, &b), set_pairs[i].a);
                CHECK(gtid_set_count(&rest) == set_pairs[i].count, set_pairs[i].a);
        }
}

/* Against sets of the plainest kind: a bit for each transaction. */
static void sets_agree_with_bits(void **state) {
        char text[2][512];

        (void) state;
        for (unsigned seed = 1; seed < 3000; seed++) {
                unsigned bits[2] = { seed * 2654435761u >> 20, (seed ^ 0x5bd1e995u) * 2246822519u >> 20 };
                GtidSet set[2], rest;
                uint64_t expected = 0;

                for (int k = 0; k < 2; k++) {
                        size_t n = (size_t) snprintf(text[k], sizeof(text[k]), bits[k] ? "A" : "");

                        for (unsigned i = 0; i < 12; i++)
                                if (bits[k] & 1u << i)
                                        n += (size_t) snprintf(text[k] + n, sizeof(text[k]) - n, ":%u", i + 1);
                        set[k] = set_of(text[k]);
                        CHECK(gtid_set_count(&set[k]) == (uint64_t) __builtin_popcount(bits[k]), text[k]);
                }
                assert_int_equal(gtid_set_subtract(&set[0], &set[1], &rest), 0);
                for (size_t i = 0; i < rest.n; i++)
                        for (int64_t t = rest.range[i].first; t <= rest.range[i].last; t++)
                                expected |= 1u << (t - 1);
                CHECK(expected == (bits[0] & ~bits[1]), text[0]);
                CHECK(gtid_set_contains_all(&set[1], &set[0]) == ((bits[0] & ~bits[1]) == 0), text[0]);
                gtid_set_done(&set[0]);
                gtid_set_done(&set[1]);
                gtid_set_done(&rest);
        }
}

static void nonsense_is_bounded(void **state) {
        size_t size = GTID_TEXT_MAX + 1, n = 0;
        char *text = malloc(size), error[256];
        GtidList list;
        GtidSet set;

        (void) state;
        assert_non_null(text);
        memset(text, ' ', size);
        assert_int_equal(gtid_set_parse(text, size, &set, error), -E2BIG);
        assert_int_equal(gtid_list_parse(text, size, GTID_STATE, &list, error), -E2BIG);
        assert_int_equal(gtid_set_parse(text, size - 1, &set, error), 0);
        memset(text, ',', size);
        assert_int_equal(gtid_list_parse(text, size - 1, GTID_STATE, &list, error), -E2BIG);

        /* One more than the bound, and just the bound. */
        n = (size_t) snprintf(text, size, "aaaaaaaa-0000-0000-0000-000000000000");
        for (int i = 0; i <= GTID_RANGES_MAX; i++)
                n += (size_t) snprintf(text + n, size - n, ":%d", 2 * i + 1);
        assert_int_equal(gtid_set_parse(text, n, &set, error), -E2BIG);
        assert_non_null(strstr(error, "more intervals"));
        n = (size_t) (strrchr(text, ':') - text);
        assert_int_equal(gtid_set_parse(text, n, &set, error), 0);
        assert_int_equal(set.n, GTID_RANGES_MAX);
        gtid_set_done(&set);
        free(text);
}

static void a_nul_ends_nothing(void **state) {
        char error[256];
        GtidList list;
        GtidSet set;

        (void) state;
        assert_int_equal(gtid_list_parse("0-1-5\0,0-2-6", 12, GTID_STATE, &list, error), -EBADMSG);
        assert_int_equal(gtid_list_parse("\0", 1, GTID_STATE, &list, error), -EBADMSG);
        assert_int_equal(gtid_set_parse("\0", 1, &set, error), -EBADMSG);
        assert_int_equal(gtid_set_parse("aaaaaaaa-0000-0000-0000-000000000000:1\0:2", 41, &set, error), -EBADMSG);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_are_read_strictly),
                cmocka_unit_test(lists_compare_by_domain_and_server),
                cmocka_unit_test(newest_and_highest_need_not_be_one),
                cmocka_unit_test(sets_are_read_strictly),
                cmocka_unit_test(sets_are_exact),
                cmocka_unit_test(sets_agree_with_bits),
                cmocka_unit_test(nonsense_is_bounded),
                cmocka_unit_test(a_nul_ends_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
