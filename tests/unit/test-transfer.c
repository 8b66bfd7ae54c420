/* A state transfer, as it is followed: what has come, and when it stands still. */
#include "cases.h"
#include "domain/transfer.h"

#define S USEC_PER_SEC
#define LIMIT (120 * S)
#define MB ((uint64_t) 1024 * 1024)

static Flow flow(uint64_t id, uint64_t received, bool open) {
        return (Flow) { .id = id, .received = received, .open = open, .from = "10.0.0.1" };
}

static void says(const Transfer *t, usec_t now, const char *what) {
        _cleanup_free_ char *text = NULL;

        assert_int_equal(transfer_text(t, now, LIMIT, "db2", &text), 0);
        if (!strstr(text, what))
                fail_msg("\"%s\" does not say \"%s\"", text, what);
}

static void what_comes_over_many_connections_adds_up(void **state) {
        Transfer t = {0};
        Flow f[2] = { flow(1, 10 * MB, true) };

        (void) state;
        transfer_take(&t, 100 * S, f, 1, true);
        assert_int_equal(t.received, 10 * MB);
        f[0].received = 30 * MB;
        f[1] = flow(2, 5 * MB, true);
        transfer_take(&t, 102 * S, f, 2, true);
        assert_int_equal(t.received, 35 * MB);
        /* The first is over, and a third has its place in the list. */
        f[0] = flow(3, 1 * MB, true);
        transfer_take(&t, 104 * S, f, 2, true);
        assert_int_equal(t.received, 36 * MB);
        says(&t, 104 * S, "full copy (SST) from db2: at least 36.0 MiB so far, 9.0 MiB a second, for 4 s");
}

static void the_rate_is_that_of_late(void **state) {
        Transfer t = {0};
        usec_t now = 100 * S;

        (void) state;
        for (uint64_t i = 0; i <= 30; i++, now += 2 * S) {
                const Flow f = flow(1, i < 15 ? i * 100 * MB : 1400 * MB + (i - 14) * 2 * MB, true);

                transfer_take(&t, now, &f, 1, true);
        }
        assert_int_equal(t.rate, 1 * MB);
}

static void an_ist_is_no_full_copy(void **state) {
        const Flow f = flow(1, 900, true);
        Transfer t = {0};

        (void) state;
        transfer_take(&t, 100 * S, &f, 1, true);
        assert_false(transfer_is_full(&t));
        says(&t, 101 * S, "receiving what it missed");
}

static const struct {
        const char *name;
        bool listening, open;
        uint64_t received; /* on the open connection, or before it ended */
        bool stands;
        const char *says;
} stills[] = {
        { "somebody waits, nobody sends", true, false, 0, true, "nothing has come from db2" },
        { "it began, and then stood still", true, true, 5 * MB, true, "stands still: after 5.0 MiB nothing more has come for 2 min" },
        { "it waits for no more while it stands", false, true, 5 * MB, true, "stands still" },
        { "all has come, and is worked on", false, false, 5 * MB, false, "works on it" },
        { "nothing was to come", false, false, 0, false, "receiving what it missed" },
};

static void it_stands_still_only_where_something_should_come(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(stills); i++) {
                const Flow f = flow(1, stills[i].received, stills[i].open);
                Transfer t = {0};

                transfer_take(&t, 100 * S, &f, 1, true);
                transfer_take(&t, 102 * S, &f, stills[i].open || stills[i].received == 0 ? (size_t) stills[i].open : 0, stills[i].listening);
                for (usec_t now = 104 * S; now <= 222 * S; now += 2 * S)
                        transfer_take(&t, now, &f, stills[i].open, stills[i].listening);
                CHECK((transfer_stands(&t, 222 * S) >= LIMIT) == stills[i].stands, stills[i].name);
                says(&t, 222 * S, stills[i].says);
                /* Nor a moment too early. */
                CHECK(transfer_stands(&t, 219 * S) < LIMIT, stills[i].name);
        }
}

static void one_byte_ends_the_standstill(void **state) {
        Flow f = flow(1, 5 * MB, true);
        Transfer t = {0};

        (void) state;
        transfer_take(&t, 100 * S, &f, 1, true);
        transfer_take(&t, 300 * S, &f, 1, true);
        assert_true(transfer_stands(&t, 300 * S) >= LIMIT);
        t.stalled = true;
        f.received++;
        transfer_take(&t, 302 * S, &f, 1, true);
        assert_int_equal(transfer_stands(&t, 302 * S), 0);
        assert_false(t.stalled);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_comes_over_many_connections_adds_up),
                cmocka_unit_test(the_rate_is_that_of_late),
                cmocka_unit_test(an_ist_is_no_full_copy),
                cmocka_unit_test(it_stands_still_only_where_something_should_come),
                cmocka_unit_test(one_byte_ends_the_standstill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
