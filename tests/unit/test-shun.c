/* Shuns: who keeps a node out, why, and until when. */
#include "domain/shun.h"
#include "scratch.h"

#define HOUR (3600 * USEC_PER_SEC)

static const struct {
        const char *name, *reason, *owner;
        usec_t until;
        const char *text;
} shuns[] = {
        { "all of it", "a new disk", "anna", HOUR, "a new disk, by anna, until 1970-01-01 01:00:00 UTC" },
        { "for ever", "a new disk", "anna", 0, "a new disk, by anna" },
        { "nobody says who", "a new disk", "", 0, "a new disk" },
        { "nor why", "", "", 0, "MANUALLY-SHUNNED" },
        { "who, and not why", "", "anna", 0, "MANUALLY-SHUNNED, by anna" },
        { "only until when", "", "", 2 * HOUR, "MANUALLY-SHUNNED, until 1970-01-01 02:00:00 UTC" },
        { "a line too many", "a\nb", "anna\033[2J", 0, "a b, by anna [2J" },
        { "until no year that anybody writes", "", "", INT64_MAX, "MANUALLY-SHUNNED, until 294247-01-10 04:00:54 UTC" },
};

static void check_survives(const Shun *s, const char *name) {
        char error[256] = "", a[SHUN_TEXT_MAX], b[SHUN_TEXT_MAX];
        json_t *o = shun_to_json(s);
        Shun again = {0};

        CHECK(o, name);
        if (shun_from_json(o, &again, error) != 0)
                fail_msg("%s: %s", name, error);
        json_decref(o);
        CHECK(again.set && again.since == s->since && again.until == s->until, name);
        CHECK(streq(again.reason, s->reason) && streq(again.owner, s->owner), name);
        CHECK(streq(shun_text(s, a), shun_text(&again, b)), name);
}

static void people_are_told(void **state) {
        char buf[SHUN_TEXT_MAX];
        Shun none = {0};

        (void) state;
        assert_string_equal(shun_text(&none, buf), "");
        for (size_t i = 0; i < ELEMENTS(shuns); i++) {
                Shun s;

                CHECK(shun_new(shuns[i].reason, shuns[i].owner, 5, shuns[i].until, &s) == 0, shuns[i].name);
                if (!streq(shun_text(&s, buf), shuns[i].text))
                        fail_msg("%s: %s", shuns[i].name, buf);
                check_survives(&s, shuns[i].name);
        }
}

static void the_longest_one_fits(void **state) {
        char endless[500], buf[SHUN_TEXT_MAX];
        Shun s;

        (void) state;
        memset(endless, 'x', sizeof(endless) - 1);
        endless[sizeof(endless) - 1] = '\0';
        assert_int_equal(shun_new(endless, endless, 5, INT64_MAX, &s), 0);
        assert_int_equal(strlen(s.reason), sizeof(s.reason) - 1);
        assert_non_null(strstr(shun_text(&s, buf), "UTC"));
        check_survives(&s, "the longest");
}

static const struct {
        const char *name;
        bool set;
        usec_t until, now;
        bool over;
} ends[] = {
        { "there is none", false, 0, 5, true },
        { "for ever", true, 0, UINT64_MAX, false },
        { "not yet", true, 100, 99, false },
        { "now", true, 100, 100, true },
        { "a clock put back", true, 100, 1, false },
        { "long ago", true, 100, UINT64_MAX, true },
};

static void it_ends_when_it_was_given_an_end(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(ends); i++) {
                Shun s = { .set = ends[i].set, .until = ends[i].until };

                CHECK(shun_is_over(&s, ends[i].now) == ends[i].over, ends[i].name);
        }
}

static void an_end_before_the_beginning_is_none(void **state) {
        Shun s = {0};

        (void) state;
        assert_int_equal(shun_new("", "", 5, 5, &s), -EINVAL);
        assert_int_equal(shun_new("", "", 5, 4, &s), -EINVAL);
        assert_int_equal(shun_new("", "", 5, UINT64_MAX, &s), -EINVAL);
        assert_int_equal(shun_new("", "", UINT64_MAX, 0, &s), -EINVAL);
        assert_false(s.set);
        assert_int_equal(shun_new("", "", 5, 6, &s), 0);
        assert_true(s.set);
}

#define LONG "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" /* 64 */

static const struct {
        const char *text;
        int want;
} texts[] = {
        { "{}", 0 },
        { "{\"since\":1,\"until\":0,\"colour\":7}", 0 },
        { "[]", -EBADMSG },
        { "{\"reason\":7}", -EBADMSG },
        { "{\"reason\":null}", -EBADMSG },
        { "{\"reason\":\"a\\u0000b\"}", -EBADMSG },
        { "{\"reason\":\"" LONG LONG "\"}", -EBADMSG },
        { "{\"owner\":\"" LONG "\"}", -EBADMSG },
        { "{\"since\":\"monday\"}", -EBADMSG },
        { "{\"until\":-1}", -EBADMSG },
        { "{\"until\":1.5}", -EBADMSG },
};

static void nothing_else_is_a_shun(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                json_t *o = json_loads(texts[i].text, JSON_ALLOW_NUL, NULL);
                char error[256] = "";
                Shun s = {0};

                CHECK(o, texts[i].text);
                CHECK(shun_from_json(o, &s, error) == texts[i].want, texts[i].text);
                CHECK(s.set == (texts[i].want == 0), texts[i].text);
                CHECK(!error[0] == (texts[i].want == 0), texts[i].text);
                json_decref(o);
        }
        assert_int_equal(shun_from_json(NULL, &(Shun) {0}, (char[256]) {0}), -EBADMSG);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(people_are_told),
                cmocka_unit_test(the_longest_one_fits),
                cmocka_unit_test(it_ends_when_it_was_given_an_end),
                cmocka_unit_test(an_end_before_the_beginning_is_none),
                cmocka_unit_test(nothing_else_is_a_shun),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
