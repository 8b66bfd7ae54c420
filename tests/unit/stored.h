/* What the agent keeps, as the tests of it take it. */
#pragma once

#include "adapter/store.h"
#include "cases.h"

static inline Store *open_store(const Scratch *s) {
        char error[256] = "";
        Store *store = NULL;
        int r = store_open(s->path, &store, error);

        if (r < 0)
                fail_msg("store_open: %s: %s", strerror(-r), error);
        return store;
}

static inline Claim *full_claim(void) {
        char words[] = "stopped 9007199254740993 view 100:12 history a@3";
        Claim *c;

        assert_int_equal(claim_new(&c), 0);
        c->id = case_id('c');
        (void) snprintf(c->holder, sizeof(c->holder), "db1");
        c->position = (Position) { case_id('A'), INT64_MAX };
        c->needed = case_names("12");
        c->without = case_names("3");
        c->new_cluster = true;
        c->report[c->n_reports++] = case_report("db1", words);
        return c;
}

static inline char *replace(const char *text, const char *from, const char *to) {
        const char *at = strstr(text, from);
        char *r = NULL;

        assert_non_null(at);
        assert_true(asprintf(&r, "%.*s%s%s", (int) (at - text), text, to, at + strlen(from)) >= 0);
        return r;
}

/* With a bit of everything. */
static inline Store *good_store(const Scratch *s) {
        HistoryEntry e = { .id = case_id('h'), .position = { case_id('A'), 77 }, .leader = "db1" };
        Uuid led = case_id('l');
        Store *a = open_store(s);

        history_add(&a->history, &e);
        store_release(a, &e.id);
        store_set_seqno(a, 7, 0, 5);
        assert_int_equal(store_set_label(a, "192.0.2.2", "db2"), 1);
        a->claim_state = CLAIM_CONSUMED;
        a->claim = full_claim();
        a->have_grant = true;
        a->grant = (Grant) { .id = case_id('g'), .holder = "db9", .position = { case_id('A'), 55 }, .group = { case_id('V'), 66 }, .epoch = 33, .serial = 12 };
        a->wanted = true;
        a->ruling = (Ruling) { POLICY_MANUAL, 44, "db7" };
        a->without = case_names("4");
        assert_int_equal(shun_new("", "", 1, 99, &a->shun), 0);
        a->offline = a->owed = a->replica = a->held = a->held_before = a->down_before = true;
        store_add_led(a, &led, "db3");
        assert_int_equal(marks_set(&a->marks, MARK_DIVERGED, 31, 32, "Its seqnos 5 to 9."), 1);
        a->aside = (Aside) { .state = ASIDE_MOVING, .stamp = "20261122T224846", .note = "why", .donor = "db3" };
        assert_true(store_set_quorum_off(a, 41, 40, "pc.ignore_sb"));
        (void) snprintf(a->settled_start, sizeof(a->settled_start), "ff");
        a->settled = 3;
        a->booted = 4;
        a->consumed = 6;
        a->resuming = 8;
        a->join_failures = 9;
        (void) snprintf(a->stopping, sizeof(a->stopping), "0123456789abcdef0123456789abcdef");
        (void) snprintf(a->copy_place, sizeof(a->copy_place), "beside");
        return a;
}

static inline char *good_text(const Scratch *s) {
        Store *a = good_store(s);
        char *text;

        assert_int_equal(store_save(a), 0);
        a = store_free(a);
        text = scratch_get(s, STORE_NAME);
        assert_non_null(text);
        return text;
}
