/* UTF-8: what is copied is whole, whatever it was and wherever it was cut. */
#include "base/utf8.h"
#include "scratch.h"

static const struct {
        const char *name, *text;
        size_t size;
        const char *want;
} cases[] = {
        { "nothing", "", 8, "" },
        { "as it is", "abc", 8, "abc" },
        { "fits", "abc", 4, "abc" },
        { "is cut", "abcd", 4, "abc" },
        { "no room at all", "abc", 1, "" },
        { "two bytes", "d\xc3\xa9j\xc3\xa0", 8, "d\xc3\xa9j\xc3\xa0" },
        { "not half of two", "d\xc3\xa9", 3, "d" },
        { "all of two", "d\xc3\xa9", 4, "d\xc3\xa9" },
        { "not three quarters", "\xf0\x9f\x90\xac", 4, "" },
        { "four bytes", "\xf0\x9f\x90\xac", 5, "\xf0\x9f\x90\xac" },
        { "cut before it came", "a\xe2\x82", 8, "a??" },
        { "a byte of nothing", "a\xff" "b", 8, "a?b" },
        { "overlong", "\xc0\xaf", 8, "??" },
        { "a surrogate", "\xed\xa0\x80", 8, "???" },
        { "beyond the last plane", "\xf4\x90\x80\x80", 8, "????" },
        { "lines and tabs", "a\nb\tc\x7f", 8, "a b c " },
        { "an escape", "\033[2J", 8, " [2J" },
        { "of the upper half", "a\xc2\x9b" "b", 8, "a b" },
        { "a blank that does not break", "a\xc2\xa0" "b", 8, "a\xc2\xa0" "b" },
};

static void a_copy_is_whole(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char buf[16];

                memset(buf, 'x', sizeof(buf));
                utf8_copy(buf, cases[i].size, cases[i].text);
                CHECK(streq(buf, cases[i].want), cases[i].name);
                CHECK(buf[cases[i].size] == 'x', cases[i].name);
                /* Of itself. */
                (void) snprintf(buf, sizeof(buf), "%s", cases[i].text);
                utf8_copy(buf, cases[i].size, buf);
                CHECK(streq(buf, cases[i].want), cases[i].name);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_copy_is_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
