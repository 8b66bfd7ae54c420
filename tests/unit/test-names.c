/* Sets of names: sorted, each once, and never more than there is room for. */
#include "domain/names.h"
#include "scratch.h"

static Names names_of(const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        char *save = NULL;
        Names names = {0};

        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
                assert_int_equal(names_add(&names, word), 0);
        return names;
}

static void assert_names(const Names *names, const char *text) {
        _cleanup_free_ char *words = names_words(names);

        assert_non_null(words);
        assert_string_equal(words, text);
}

static const struct {
        const char *one, *other, *both;
} unions[] = {
        { "", "", "" },
        { "", "b a", "a b" },
        { "a b", "", "a b" },
        { "a b c", "a b c", "a b c" },
        { "b d", "a c e", "a b c d e" },
        { "c", "a b", "a b c" },
        { "a", "b c", "a b c" },
        { "a c", "b", "a b c" },
        { "db1 db10 db2", "db11 db10 db3", "db1 db10 db11 db2 db3" },
};

static void a_union_has_each_once(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(unions); i++) {
                Names one = names_of(unions[i].one), other = names_of(unions[i].other), back = other;

                assert_int_equal(names_add_all(&one, &other), 0);
                assert_names(&one, unions[i].both);
                one = names_of(unions[i].one);
                assert_int_equal(names_add_all(&back, &one), 0);
                assert_names(&back, unions[i].both);
        }
}

static void the_order_does_not_tell_how_they_came(void **state) {
        Names names = names_of("d b e a c b");

        (void) state;
        assert_names(&names, "a b c d e");
        for (const char *p = "abcde"; *p; p++)
                assert_true(names_contain(&names, (const char[]) { *p, '\0' }));
        assert_false(names_contain(&names, "aa") || names_contain(&names, "f") || names_contain(&names, ""));
        names_remove(&names, "cc");
        names_remove(&names, "c");
        names_remove(&names, "e");
        names_remove(&names, "a");
        assert_names(&names, "b d");
        assert_int_equal(names_add(&names, "a b"), -EINVAL);
        assert_names(&names, "b d");
}

static void one_more_than_there_is_room_for_is_refused(void **state) {
        Names names = {0}, more = names_of("node000 other");
        char name[NAME_SIZE];

        (void) state;
        for (size_t i = NAMES_MAX; i-- > 0;) {
                (void) snprintf(name, sizeof(name), "node%03zu", i);
                assert_int_equal(names_add(&names, name), 0);
        }
        assert_int_equal(names.n, NAMES_MAX);
        assert_int_equal(names_add(&names, "other"), -E2BIG);
        assert_int_equal(names_add(&names, "node000"), 0);
        assert_int_equal(names_add_all(&names, &more), -E2BIG);
        assert_int_equal(names.n, NAMES_MAX);
        for (size_t i = 0; i < NAMES_MAX; i++) {
                (void) snprintf(name, sizeof(name), "node%03zu", i);
                assert_true(names_contain(&names, name));
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_union_has_each_once),
                cmocka_unit_test(the_order_does_not_tell_how_they_came),
                cmocka_unit_test(one_more_than_there_is_room_for_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
