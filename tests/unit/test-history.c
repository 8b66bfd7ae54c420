/* Histories: what parts two nodes' data, and whose commits the other lacks. */
#include "cases.h"

#define SAME KINSHIP_SAME
#define DIVERGED KINSHIP_DIVERGED
#define AHEAD KINSHIP_AHEAD
#define FORKED KINSHIP_FORKED
#define FREE INT64_MAX /* nothing parts them */

static const struct {
        const char *name, *a, *b; /* history and position */
        Kinship kinship;
        int64_t limit;
} table[] = {
        { "nothing ever happened", "50", "70", SAME, FREE },
        { "the same bootstraps", "history a@10,b@20 50", "history a@10,b@20 70", SAME, FREE },
        { "one slept through a bootstrap that had all it has", "20", "history a@20 70", SAME, 20 },
        { "one is behind a bootstrap it slept through", "19", "history a@20 70", SAME, 20 },
        { "one has a commit that a bootstrap did not have", "21", "history a@20 70", DIVERGED, 20 },
        { "seen from the other side", "history a@20 70", "21", AHEAD, 20 },
        { "also where it is the one that is ahead", "90", "history a@20 70", DIVERGED, 20 },
        { "and where the other had nothing to add", "21", "history a@20 20", DIVERGED, 20 },
        { "a later bootstrap was missed", "history a@10 31", "history a@10,b@30 70", DIVERGED, 30 },
        { "of several missed the first one counts", "history a@10 31", "history a@10,b@30,c@60 70", DIVERGED, 30 },
        { "up to the second, but beyond the first", "history a@10 50", "history a@10,b@30,c@60 70", DIVERGED, 30 },
        { "both were bootstrapped, and both went on", "history a@10,b@30 40", "history a@10,c@35 50", FORKED, 30 },
        { "the smaller of the two counts", "history b@30 40", "history c@25 50", FORKED, 25 },
        { "both were bootstrapped, one came to nothing", "history a@10,b@30 30", "history a@10,c@35 50", SAME, 30 },
        { "both were, and neither went on", "history b@30 30", "history c@30 30", SAME, 30 },
        { "a bootstrap at 0", "1", "history a@0 5", DIVERGED, 0 },
        { "a position that is not known diverges from nothing", "-1", "history a@0 5", SAME, 0 },
        { "the same place, other ids", "history a@10,b@20 25", "history a@10,c@20 25", FORKED, 20 },
        { "order counts", "history b@20,a@10 25", "history a@10,b@20 25", FORKED, 10 },
        { "64 bits", "9223372036854775807", "history a@9223372036854775806 9223372036854775806", DIVERGED, INT64_MAX - 1 },
        { "53 bits are not enough", "9007199254740993", "history a@9007199254740992 9007199254740999", DIVERGED, INT64_C(9007199254740992) },
        { "a history that is not known: nothing is concluded", "history - 90", "history a@20 70", SAME, FREE },
        { "nor the other way round", "history a@20 70", "history - 90", SAME, FREE },
        { "a bootstrap of other data than these is void", "history z@B5 50", "70", SAME, FREE },
        { "void, and passed over in the middle", "history a@10,z@B5,b@20 50", "history a@10,b@20 70", SAME, FREE },
        { "void, and what is left still parts them", "history z@B5 50", "history a@20 70", DIVERGED, 20 },
};

static void kinship_is_what_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char text[2][256];
                Report *r[2];
                const HistoryEntry *parting = NULL;
                int64_t limit = 0;

                (void) snprintf(text[0], sizeof(text[0]), "stopped %s", table[i].a);
                (void) snprintf(text[1], sizeof(text[1]), "stopped %s", table[i].b);
                r[0] = case_report("db1", text[0]);
                r[1] = case_report("db2", text[1]);
                CHECK(history_compare(r[0]->history, &r[0]->position, r[1]->history, &r[1]->position, &limit, &parting) == table[i].kinship, table[i].name);
                CHECK(limit == table[i].limit, table[i].name);
                CHECK(!!parting == (limit != FREE), table[i].name);
                CHECK(!parting || parting->position.seqno == limit, table[i].name);
                CHECK(history_compare(r[0]->history, &r[0]->position, r[1]->history, &r[1]->position, NULL, NULL) == table[i].kinship, table[i].name);
                if (history_equal(r[0]->history, r[1]->history))
                        CHECK(table[i].kinship == SAME && limit == FREE, table[i].name);
                (void) report_free(r[0]);
                (void) report_free(r[1]);
        }
}

static void equal_are_the_same_bootstraps_of_the_same_clusters(void **state) {
        static const struct {
                const char *a, *b;
                bool equal;
        } rows[] = {
                { "50", "70", true },
                { "history a@10,b@20 50", "history a@10,b@20 70", true },
                { "history a@10,b@20 50", "history a@10,b@21 50", true }, /* told otherwise, it is the same one */
                { "history a@10,b@20 50", "history a@10 50", false },
                { "history a@10 50", "history a@10,b@20 50", false },
                { "history a@10,b@20 50", "history b@20,a@10 50", false },
                { "history a@10,b@20 50", "history a@10,c@20 50", false },
                { "history a@10 50", "history a@B10 50", false },
                { "history - 50", "history - 50", true },
                { "history - 50", "50", false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                char text[2][256];
                Report *a, *b;

                (void) snprintf(text[0], sizeof(text[0]), "stopped %s", rows[i].a);
                (void) snprintf(text[1], sizeof(text[1]), "stopped %s", rows[i].b);
                a = case_report("db1", text[0]);
                b = case_report("db2", text[1]);
                CHECK(history_equal(a->history, b->history) == rows[i].equal && history_equal(b->history, a->history) == rows[i].equal, rows[i].a);
                (void) report_free(a);
                (void) report_free(b);
        }
}

/* What one side calls diverged is ahead for the other, and nothing else turns. */
static void both_sides_agree(void **state) {
        static const Kinship turned[] = { [SAME] = SAME, [DIVERGED] = AHEAD, [AHEAD] = DIVERGED, [FORKED] = FORKED };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char text[2][256];
                Report *a, *b;

                (void) snprintf(text[0], sizeof(text[0]), "stopped %s", table[i].a);
                (void) snprintf(text[1], sizeof(text[1]), "stopped %s", table[i].b);
                a = case_report("db1", text[0]);
                b = case_report("db2", text[1]);
                CHECK(history_compare(b->history, &b->position, a->history, &a->position, NULL, NULL) == turned[table[i].kinship], table[i].name);
                (void) report_free(a);
                (void) report_free(b);
        }
}

static HistoryEntry numbered(size_t n) {
        HistoryEntry e = { .position = { case_id('A'), (int64_t) n } };

        memcpy(e.id.b, &n, sizeof(n));
        return e;
}

static void adding_keeps_the_order_and_the_ids_unique(void **state) {
        History h = {0};
        HistoryEntry e = numbered(1), again = numbered(1);

        (void) state;
        assert_false(history_has(&h, &e.id));
        assert_false(history_has(NULL, &e.id));
        history_add(&h, &e);
        again.position.seqno = 99;
        history_add(&h, &again);
        assert_int_equal(h.n, 1);
        assert_int_equal(h.entry[0].position.seqno, 1);
        e = numbered(2);
        history_add(&h, &e);
        assert_int_equal(h.n, 2);
        assert_true(uuid_equal(&h.entry[1].id, &e.id));
        assert_true(history_has(&h, &e.id));
}

static void the_oldest_goes_when_it_is_full(void **state) {
        static History h, less; /* large */
        Position at = { case_id('A'), HISTORY_MAX + 500 };
        HistoryEntry first = numbered(1);
        int64_t limit;

        (void) state;
        for (size_t n = 1; n <= HISTORY_MAX; n++) {
                HistoryEntry e = numbered(n);

                history_add(&h, &e);
        }
        less = h;
        assert_true(history_has(&h, &first.id));
        for (size_t n = HISTORY_MAX + 1; n <= HISTORY_MAX + 3; n++) {
                HistoryEntry e = numbered(n);

                history_add(&h, &e);
        }
        assert_int_equal(h.n, HISTORY_MAX);
        assert_false(history_has(&h, &first.id));

        /* It lacks the three newest, and the other the three oldest. */
        assert_int_equal(history_compare(&less, &at, &h, &at, &limit, NULL), DIVERGED);
        assert_int_equal(limit, HISTORY_MAX + 1);
        assert_int_equal(history_compare(&h, &at, &less, &at, &limit, NULL), AHEAD);
        at.seqno = HISTORY_MAX;
        assert_int_equal(history_compare(&less, &at, &h, &at, NULL, NULL), SAME);
        assert_int_equal(history_compare(&h, &at, &h, &at, &limit, NULL), SAME);
        assert_int_equal(limit, FREE);
}

/* Of a node without a position the other's cluster counts; where neither has one, all
 * entries do. */
static void a_position_of_no_cluster_parts_nothing(void **state) {
        Position none = { .seqno = SEQNO_UNDEFINED }, at = { case_id('A'), 1 };
        static History h, longer;
        HistoryEntry e = numbered(1);

        (void) state;
        history_add(&h, &e);
        longer = h;
        e = numbered(2);
        history_add(&longer, &e);
        assert_int_equal(history_compare(&h, &none, &longer, &at, NULL, NULL), SAME);
        assert_int_equal(history_compare(&longer, &at, &h, &none, NULL, NULL), SAME);
        assert_int_equal(history_compare(&h, &none, &longer, &none, NULL, NULL), SAME);
}

/* Who was in a view after a bootstrap, by the record of one who knows it. */
static void only_a_view_of_the_same_data_vouches(void **state) {
        HistoryEntry e = { .id = case_id('b'), .position = { case_id('A'), 20 } };
        char text[] = "stopped history b@20 30 view 21:12";
        Report *r = case_report("db1", text);

        (void) state;
        assert_true(history_vouches(r, "db2", &e));
        assert_false(history_vouches(r, "db3", &e));
        r->view[0].uuid = case_id('B');
        assert_false(history_vouches(r, "db2", &e));
        (void) report_free(r);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinship_is_what_the_table_says),
                cmocka_unit_test(equal_are_the_same_bootstraps_of_the_same_clusters),
                cmocka_unit_test(both_sides_agree),
                cmocka_unit_test(adding_keeps_the_order_and_the_ids_unique),
                cmocka_unit_test(a_position_of_no_cluster_parts_nothing),
                cmocka_unit_test(only_a_view_of_the_same_data_vouches),
                cmocka_unit_test(the_oldest_goes_when_it_is_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
