/* Text for people: wrapped, cleaned, and as a terminal can show it. */
#include "edge/ctl-text.h"
#include "scratch.h"

static const struct {
        const char *text;
        size_t width;
        const char *wrapped;
} wraps[] = {
        { "one two three", 0, "one two three" },
        { "one two three", 7, "one two\nthree" },
        { "one two three", 8, "one two\nthree" },
        { "one two three", 3, "one\ntwo\nthree" },
        { "a_long_word_indeed b", 4, "a_long_word_indeed\nb" },
        { "", 4, "" },
        { "\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4", 5, "\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4" },
};

static const struct {
        int64_t done, total;
        bool unicode;
        const char *bar;
} bars[] = {
        { 0, 100, false, "[----------]" },
        { 50, 100, false, "[#####-----]" },
        { 99, 100, false, "[#########-]" }, /* not before it is */
        { 100, 100, false, "[##########]" },
        { 200, 100, false, "[##########]" },
        { INT64_MAX / 2, INT64_MAX, false, "[#####-----]" },
        { 25, 200, true, "[\u2588\u258e        ]" },
        { 100, 100, true, "[\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588]" },
        { 0, -1, false, "[<=>       ]" },
        { 12 << 20, -1, false, "[   <=>    ]" },
        { 40 << 20, 0, true, "[    <=>   ]" }, /* and back */
        { -1, -1, false, "[<=>       ]" },
};

static void test_same_but_numbers(void **state) {
        static const struct {
                const char *a, *b;
                bool same;
        } pairs[] = {
                { "", "", true },
                { "at least 1024 KiB so far, 1.8 MiB a second, for 9 s.", "at least 31.7 GiB so far, 0 bytes a second, for 3 min 2 s.", true },
                { "It lacks 17 (30 %)", "It lacks 4711 (100 %)", true },
                { "for 9 s", "for 9 s in all", false },
                { "Waiting for db2.", "Waiting for db3.", false },
                { "from 10.0.0.2", "from 10.0.0.3", false },
                { "job 4: drain", "job 5: drain", false },
                { "ONLINE", "OFFLINE", false },
                { "for 9 s", "for ever", false },
        };

        for (size_t i = 0; i < ELEMENTS(pairs); i++)
                CHECK(text_same_but_numbers(pairs[i].a, pairs[i].b) == pairs[i].same, pairs[i].a);
}

static void test_bars(void **state) {
        for (size_t i = 0; i < ELEMENTS(bars); i++) {
                const Style style = { .width = 80, .unicode = bars[i].unicode };
                _cleanup_free_ char *bar = text_bar(&style, bars[i].done, bars[i].total, 12);

                if (!streq(bar, bars[i].bar))
                        fail_msg("%lld of %lld: %s", (long long) bars[i].done, (long long) bars[i].total, bar);
        }
}

/* What a terminal has no sign for is a mark; what is no terminal gets all of it. */
static void test_ascii(void **state) {
        static const struct {
                Style style;
                const char *text;
        } styles[] = {
                { { .width = 80 }, "a? ?b\n" },
                { { .width = 80, .unicode = true }, "a\u00e4 \u20acb\n" },
                { {}, "a\u00e4 \u20acb\n" },
        };

        for (size_t i = 0; i < ELEMENTS(styles); i++) {
                _cleanup_free_ char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                text_print(f, &styles[i].style, 0, false, "a\u00e4 \u20acb");
                assert_int_equal(fclose(f), 0);
                assert_string_equal(text, styles[i].text);
        }
}

static void test_text(void **state) {
        for (size_t i = 0; i < ELEMENTS(wraps); i++) {
                _cleanup_free_ char *text = text_wrap(wraps[i].text, wraps[i].width);

                CHECK(streq(text, wraps[i].wrapped), wraps[i].text);
        }

        _cleanup_free_ char *clean = text_clean("a\033[31mb\nc\td\x7f\xc2\x9b" "31m\xc3\xa4"), *first = text_sentence("It is 10.0.0.3. And more."),
                            *only = text_sentence("no stop");
        assert_string_equal(clean, "a?[31mb c d???31m\xc3\xa4");
        assert_string_equal(first, "It is 10.0.0.3.");
        assert_string_equal(only, "no stop");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_bars),
                cmocka_unit_test(test_same_but_numbers),
                cmocka_unit_test(test_ascii),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
