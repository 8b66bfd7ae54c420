/* Which bootstraps the data of a component have been through. What follows from that
 * for who may join is in the tables of test-decision.c. */
#include "cases.h"
#include "domain/lineage.h"
#include "memory.h"

/* The newest bootstrap of what is told, 0 where it cannot be. */
static char last_of(const Lineage *l) {
        return l->history && l->history->n > 0 ? (char) l->history->entry[l->history->n - 1].id.b[0] : 0;
}

/* Of the component of db1. */
static const struct {
        const char *name, *voices, *unheard;
        char last;
        bool forked;
} members[] = {
        { "one settled member tells", "db1 primary 200 view 190:12; db2 primary 200 settled history a@100 view 190:12; db3 uncertain", "", 'a', false },
        { "of two the one that has heard the news", "db1 primary 200 view 190:12; db2 primary 200 settled history a@100 view 190:12; db3 primary 200 settled history a@100,b@150 view 191:123", "", 'b', false },
        { "and the other way about", "db1 primary 200 view 190:12; db2 primary 200 settled history a@100,b@150 view 190:12; db3 primary 200 settled history a@100 view 191:123", "", 'b', false },
        { "two that contradict each other", "db1 primary 200 view 190:12; db2 primary 200 settled history a@100 view 190:12; db3 primary 200 settled history b@100 view 191:123", "", 0, true },
        { "also further back", "db1 primary 200 view 190:12; db2 primary 200 settled history a@10,b@90 view 190:12; db3 primary 200 settled history c@10,b@90 view 191:123", "", 0, true },
        { "one that is short, and has not forgotten for that", "db1 primary 200 view 190:12; db2 primary 200 settled history a@90,b@100 view 190:12; db3 primary 200 settled history x@10,a@90 view 191:123", "", 0, true },
        { "and the other way about", "db1 primary 200 view 190:12; db2 primary 200 settled history x@10,a@90 view 190:12; db3 primary 200 settled history a@90,b@100 view 191:123", "", 0, true },
        { "it knows more of before", "db1 primary 200 view 190:12; db2 primary 200 settled history x@10,a@90 view 190:12; db3 primary 200 settled history a@90 view 191:123", "", 0, true },
        { "not one of another component", "db1 primary 200 history a@100 view 190:12; db2 uncertain; db3 primary 200 settled history b@150 view 150:3", "2", 0, false },
        { "nor one whose record is of another cluster, though the names are the same", "db1 primary 200 view 190:12; db2 uncertain; db3 primary settled history b@150 view B190:13", "2", 0, false },
        { "nor one that tells of no view, and is not in this one's", "db1 primary 200 view 190:12; db2 uncertain; db3 primary 200 settled history b@150", "2", 0, false },
        { "but one that tells no position, and was with it", "db1 primary 200 view 190:12; db2 uncertain; db3 primary settled history b@150 view 191:13", "", 'b', false },
        { "nor one that is on its way in", "db1 primary 200 view 190:12; db2 uncertain; db3 joining 90 settled history b@150 view 191:123", "2", 0, false },
        { "started past the gate, and settled before", "db1 primary 200 settled history a@100; db2 uncertain", "", 'a', false },
        { "started past the gate", "db1 primary 200 history a@100; db2 uncertain", "1", 0, false },
        { "of whom it is known that they led, two have forgotten", "db1 primary 200 view 190:12 led 23; db2 primary 200 history a@100/4 view 190:12; db3 stopped 200; db4 stopped 200", "", 0, true },
        { "one has", "db1 primary 200 view 190:12 led 23; db2 primary 200 history a@90/2,b@100/4 view 190:12; db3 stopped 200; db4 stopped 200", "", 0, true },
        { "or the other", "db1 primary 200 view 190:12 led 23; db2 primary 200 history a@90/3,b@100/4 view 190:12; db3 stopped 200; db4 stopped 200", "", 0, true },
        { "none has", "db1 primary 200 view 190:12 led 24; db2 primary 200 history a@90/2,b@100/4 view 190:12; db3 stopped 200; db4 stopped 200", "", 'b', false },
};

static void a_component_is_what_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(members); i++) {
                _cleanup_cast_ Cast cast = cast_parse(members[i].voices);
                Voice *voices = cast_voices(&cast);
                const Names unheard = case_names(members[i].unheard);
                Lineage l;

                assert_int_equal(lineage_of(voices, cast.n, &voices[0], &l), 0);
                CHECK(names_equal(&l.unheard, &unheard), members[i].name);
                CHECK(last_of(&l) == members[i].last && l.forked == members[i].forked && !(l.history && l.forked), members[i].name);
        }
}

/* The bootstraps `first` to `last` by number, of which the newest are kept. */
static void remember(History *h, unsigned first, unsigned last) {
        h->n = 0;
        for (unsigned i = first; i <= last; i++)
                history_add(h, &(HistoryEntry) { .id.b = { 1, (uint8_t) (i >> 8), (uint8_t) i }, .position = { case_id('A'), 10 * i } });
}

/* A history that is full has lost its oldest entries: that parts nobody. */
static void a_full_history_has_not_parted(void **state) {
        static const struct {
                const char *name;
                unsigned first_a, last_a, first_b, last_b;
                unsigned newest; /* 0: they have parted */
        } table[] = {
                { "both full, and the same", 1, HISTORY_MAX, 1, HISTORY_MAX, HISTORY_MAX },
                { "both full, and one has the news", 1, HISTORY_MAX, 1, HISTORY_MAX + 1, HISTORY_MAX + 1 },
                { "one full, the other a new one", 1, HISTORY_MAX + 1, 1, 2, HISTORY_MAX + 1 },
                { "one full, the other about to be", 1, HISTORY_MAX - 1, 1, HISTORY_MAX + 1, HISTORY_MAX + 1 },
                { "one full, the other knows only the last", 1, HISTORY_MAX, HISTORY_MAX, HISTORY_MAX, 0 },
                { "both full, and nothing in common", 1, HISTORY_MAX, 1001, 1000 + HISTORY_MAX, 0 },
        };

        (void) state;
        for (size_t i = 0; i < 2 * ELEMENTS(table); i++) {
                const size_t k = i / 2, other = i % 2;
                _cleanup_cast_ Cast cast = cast_parse("db1 primary 9000 settled view 190:12; db2 primary 9000 settled view 190:12");
                Voice *voices = cast_voices(&cast);
                unsigned newest;
                Lineage l;

                remember(cast.report[other]->history, table[k].first_a, table[k].last_a);
                remember(cast.report[!other]->history, table[k].first_b, table[k].last_b);
                assert_int_equal(lineage_of(voices, cast.n, &voices[0], &l), 0);
                newest = l.history ? l.history->entry[l.history->n - 1].id.b[1] * 256U + l.history->entry[l.history->n - 1].id.b[2] : 0;
                CHECK(newest == table[k].newest, table[k].name);
                CHECK(lineage_apart(cast.report[0], cast.report[1]) == !table[k].newest, table[k].name);
        }
}

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
        { "the one that tells is not heard itself", "db1 uncertain; db2 primary 120 history a@100", "12", "12", 0 },
        { "one is on its way in", "db1 primary 120 history a@100; db2 joining 90 history a@100", "12", "2", 0 },
};

/* Then nothing is told, for whose word is missing could not be. */
static void check_names_that_do_not_fit(const Voice *voices, size_t n, const Names *all, const char *name) {
        bool refused;
        unsigned at = 0;

        do {
                Lineage l = { .forked = true };
                int r;

                names_refuse(++at);
                r = lineage_of_all(voices, n, all, &l);
                refused = names_refused();
                CHECK(r == (refused ? -E2BIG : 0), name);
                CHECK(!refused || (l.forked && !l.history && l.unheard.n == 0), name);
        } while (refused);
        CHECK(at > 1, name);
}

static void a_component_of_all_is_what_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(wholes); i++) {
                _cleanup_cast_ Cast cast = cast_parse(wholes[i].voices);
                Voice *voices = cast_voices(&cast);
                const Names all = case_names(wholes[i].members), unheard = case_names(wholes[i].unheard);
                Lineage l;

                assert_int_equal(lineage_of_all(voices, cast.n, &all, &l), 0);
                CHECK(names_equal(&l.unheard, &unheard), wholes[i].name);
                CHECK(!l.history == !wholes[i].last, wholes[i].name);
                CHECK(last_of(&l) == wholes[i].last, wholes[i].name);
                check_names_that_do_not_fit(voices, cast.n, &all, wholes[i].name);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_component_is_what_the_table_says),
                cmocka_unit_test(a_full_history_has_not_parted),
                cmocka_unit_test(a_component_of_all_is_what_the_table_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
