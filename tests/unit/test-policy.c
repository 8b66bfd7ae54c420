/* Which policy prevails. */
#include "domain/policy.h"
#include "cases.h"

static void names_are_read_both_ways(void **state) {
        static const char *const names[] = { "automatic", "manual", "maintenance" };

        (void) state;
        assert_int_equal(ELEMENTS(names), _POLICY_MAX);
        for (int i = 0; i < _POLICY_MAX; i++) {
                assert_string_equal(policy_to_string((Policy) i), names[i]);
                assert_int_equal(policy_from_string(names[i]), i);
        }
        assert_int_equal(policy_from_string("Manual"), -EINVAL);
        assert_int_equal(policy_from_string(""), -EINVAL);
        assert_int_equal(policy_from_string(NULL), -EINVAL);
}

/* Each prevails over all before it, and over none after it. */
static void whatever_is_heard_first_the_same_prevails(void **state) {
        static const Ruling order[] = {
                { 0 },
                { POLICY_MAINTENANCE, 1, "db1" },
                { POLICY_AUTOMATIC, 1, "db2" },
                { POLICY_MANUAL, 1, "db2" }, /* a node whose memory was lost between: the more cautious */
                { POLICY_MAINTENANCE, 1, "db2" },
                { POLICY_AUTOMATIC, 2, "db1" },
                { POLICY_MANUAL, INT64_MAX, "db1" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(order); i++)
                for (size_t k = 0; k < ELEMENTS(order); k++)
                        assert_int_equal(ruling_newer(&order[i], &order[k]), i > k);
        for (size_t i = 0; i < ELEMENTS(order); i++)
                assert_true(ruling_valid(&order[i]));
}

static void what_is_set_prevails_over_what_was(void **state) {
        static const Ruling spoilt[] = {
                { POLICY_MANUAL, 0, "" }, { POLICY_AUTOMATIC, 0, "db1" }, { POLICY_MANUAL, 1, "" },
                { POLICY_MANUAL, -1, "db1" }, { (Policy) 3, 1, "db1" }, { (Policy) -EINVAL, 1, "db1" },
        };
        Ruling now = { 0 }, next;

        (void) state;
        for (int i = 0; i < 3; i++) {
                assert_int_equal(ruling_next(&now, (Policy) (i % _POLICY_MAX), "db1", &next), 0);
                assert_true(ruling_newer(&next, &now));
                assert_true(ruling_valid(&next));
                assert_int_equal(next.version, i + 1);
                assert_string_equal(next.node, "db1");
                now = next;
        }
        now.version = INT64_MAX;
        assert_int_equal(ruling_next(&now, POLICY_MANUAL, "db1", &next), -EOVERFLOW);
        for (size_t i = 0; i < ELEMENTS(spoilt); i++)
                assert_false(ruling_valid(&spoilt[i]));
}

static void each_says_what_it_means(void **state) {
        (void) state;
        assert_non_null(strstr(policy_means(POLICY_AUTOMATIC), "by themselves"));
        assert_non_null(strstr(policy_means(POLICY_MANUAL), "a person starts it"));
        assert_non_null(strstr(policy_means(POLICY_MAINTENANCE), "only watch"));
        assert_non_null(strstr(policy_means(_POLICY_MAX), "nobody knows"));
        assert_non_null(strstr(policy_means(_POLICY_INVALID), "nobody knows"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_read_both_ways),
                cmocka_unit_test(whatever_is_heard_first_the_same_prevails),
                cmocka_unit_test(each_says_what_it_means),
                cmocka_unit_test(what_is_set_prevails_over_what_was),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
