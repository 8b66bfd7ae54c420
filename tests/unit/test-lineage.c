/* Which bootstraps the data of a component have been through, where its server alone
 * tells who is in it. The rest of lineages is in the tables of test-decision.c. */
#include "cases.h"
#include "domain/lineage.h"

static const struct {
        const char *name, *voices, *members, *unheard;
        char last; /* the newest bootstrap, 0 where it cannot be told */
} wholes[] = {
        { "all are in it, and tell the same", "db1 primary 120 history a@100; db2 primary 119 history a@100; db3 primary 120 history a@100", "123", "", 'a' },
        { "who led knows most", "db1 primary 120 history a@100; db2 primary 120 history a@100,b@110; db3 primary 120 history a@100", "123", "", 'b' },
        { "they tell of different bootstraps", "db1 primary 120 history a@100; db2 primary 120 history b@100; db3 primary 120", "123", "", 0 },
        { "somebody remembers a leader who has forgotten", "db1 primary 120 history a@100/1 led 2; db2 primary 120 history a@100/1; db3 primary 120 history a@100/1", "123", "", 0 },
        { "one is stopped: what it has others may not", "db1 primary 120 history a@100; db2 primary 120 history a@100; db3 stopped 120 history a@100", "123", "3", 0 },
        { "one is not heard", "db1 primary 120 history a@100; db2 primary 120 history a@100; db3 uncertain", "123", "3", 0 },
        { "one is Primary elsewhere", "db1 primary 120 history a@100; db2 primary 120 history a@100; db3 primary 120 history a@100", "12", "3", 0 },
        { "one is told otherwise by its own server", "db1 primary 120 history a@100; db2 primary 120 history a@100 view 120:2", "12", "2", 0 },
        { "one is told the same by its own server", "db1 primary 120 history a@100; db2 primary 120 history a@100 view 120:12", "12", "", 'a' },
        { "one serves another cluster", "db1 primary 120 history a@100; db2 primary B120 history a@100", "12", "2", 0 },
        { "one does not say which", "db1 primary 120 history a@100; db2 primary history a@100", "12", "2", 0 },
        { "one is in it of which nobody knows", "db1 primary 120 history a@100; db2 primary 120 history a@100", "123", "3", 0 },
        { "something is being agreed upon", "db1 primary 120 history a@100; db2 primary 120 history a@100 granted x", "12", "2", 0 },
        { "something was granted", "db1 primary 120 history a@100; db2 primary 120 history a@100 grant x:1", "12", "2", 0 },
        { "one is on its way in", "db1 primary 120 history a@100; db2 joining 90 history a@100", "12", "2", 0 },
};

static void a_component_of_all_is_what_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(wholes); i++) {
                _cleanup_cast_ Cast cast = cast_parse(wholes[i].voices);
                Voice *voices = cast_voices(&cast);
                const Names members = case_names(wholes[i].members), unheard = case_names(wholes[i].unheard);
                Lineage l;

                assert_int_equal(lineage_of_all(voices, cast.n, &members, &l), 0);
                CHECK(names_equal(&l.unheard, &unheard), wholes[i].name);
                CHECK(!l.history == !wholes[i].last, wholes[i].name);
                if (l.history)
                        CHECK(l.history->entry[l.history->n - 1].id.b[0] == (unsigned char) wholes[i].last, wholes[i].name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_component_of_all_is_what_the_table_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
