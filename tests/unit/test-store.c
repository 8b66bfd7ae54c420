/* What the agent keeps: whole after a restart. */
#include "disk.h"
#include "stored.h"

static void a_new_installation_gets_an_identity(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        Store *a, *b;
        Uuid agent;

        (void) state;
        a = open_store(&s);
        assert_false(uuid_is_zero(&a->agent));
        assert_false(uuid_is_zero(&a->boot));
        assert_true(a->new_boot);
        assert_int_equal(a->epoch, 1);
        assert_int_equal(a->claim_state, CLAIM_NONE);
        assert_false(a->have_grant);
        assert_int_equal(store_save(a), 0);
        agent = a->agent;
        a = store_free(a);

        a = open_store(&s);
        assert_true(uuid_equal(&a->agent, &agent));
        assert_int_equal(a->epoch, 2);
        assert_false(a->new_boot);
        assert_int_equal(store_save(a), 0);

        /* Another one's is another one. */
        scratch_clear(&s);
        b = open_store(&s);
        assert_false(uuid_equal(&b->agent, &agent));
        a = store_free(a);
        b = store_free(b);
}

/* All that can be kept, and as much of it. */
static void fill(Store *a) {
        for (size_t i = 0; i < HISTORY_MAX; i++) {
                HistoryEntry e = { .position = { case_id('A'), INT64_MAX - (int64_t) i }, .foreign = i == 5 };

                if (!e.foreign)
                        (void) snprintf(e.leader, sizeof(e.leader), "db%zu", i % 3);
                memcpy(e.id.b, &i, sizeof(i));
                e.id.b[15] = 1;
                history_add(&a->history, &e);
        }
        for (int id = 1; id <= RELEASED_MAX; id++)
                store_release(a, &(Uuid) { .b = { (uint8_t) id } });
        for (uint64_t i = 0; i < REPORT_VIEWS_MAX; i++)
                store_set_seqno(a, 7, i, i ? INT64_MAX - (int64_t) i : SEQNO_UNDEFINED);
        assert_int_equal(store_set_label(a, "192.0.2.2", "db2"), 1);
        assert_int_equal(store_set_label(a, "ssh:x@[2001:db8::1]:22 \"quoted\"", "d\xc3\xbc"), 1);
        a->claim_state = CLAIM_CONSUMED;
        a->claim = full_claim();
        a->have_grant = true;
        a->grant = (Grant) { .id = case_id('g'), .holder = "db2", .position = { case_id('A'), INT64_C(9007199254740993) }, .manner = MANNER_RESUME, .group = { case_id('V'), 7 }, .epoch = INT64_MAX, .serial = 12 };
        a->wanted = true;
        store_add_led(a, &(Uuid) { .b = { 1 } }, "db3");
        a->settled = 7;
        (void) snprintf(a->settled_start, sizeof(a->settled_start), "ffeeddccbbaa99887766554433221100");
        a->resuming = 8;
        a->owed = true;
        assert_true(store_set_quorum_off(a, 9, 8, "pc.ignore_quorum"));
        (void) snprintf(a->stopping, sizeof(a->stopping), "00112233445566778899aabbccddeeff");
        a->ruling = (Ruling) { POLICY_MANUAL, INT64_C(9007199254740993), "db3" };
        a->without = case_names("34");
        assert_int_equal(marks_set(&a->marks, MARK_DIVERGED, 7, 11, "Its seqnos 5 to 9."), 1);
        assert_int_equal(marks_set(&a->marks, MARK_ABORTED_SST, 8, 12, "cut within a letter \xc3"), 1);
        a->aside = (Aside) { .state = ASIDE_MOVING, .stamp = "20261122T224846", .note = "Why:\nbecause", .force_space = true, .donor = "db3" };
        assert_int_equal(shun_new("disk \"sdb\"", "anna", 11, INT64_MAX, &a->shun), 0);
        a->offline = a->replica = a->held = a->held_before = a->down_before = true;
        a->consumed = 6;
        a->join_failures = 9;
        (void) snprintf(a->copy_place, sizeof(a->copy_place), "within");
}

static void everything_survives(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *first = NULL, *second = NULL;
        Store *a;

        (void) state;
        a = open_store(&s);
        fill(a);
        assert_int_equal(store_save(a), 0);
        first = scratch_get(&s, STORE_NAME);
        a = store_free(a);

        a = open_store(&s);
        assert_int_equal(a->history.n, HISTORY_MAX);
        assert_int_equal(a->history.entry[255].position.seqno, INT64_MAX - 255);
        assert_int_equal(a->n_released, RELEASED_MAX);
        assert_int_equal(a->released[0].b[0], 1);
        assert_int_equal(store_seqno(a, 7, 0), SEQNO_UNDEFINED);
        assert_int_equal(store_seqno(a, 7, 31), INT64_MAX - 31);
        assert_string_equal(store_label(a, "192.0.2.2"), "db2");
        assert_string_equal(store_label(a, "ssh:x@[2001:db8::1]:22 \"quoted\""), "d\xc3\xbc");
        assert_int_equal(a->claim_state, CLAIM_CONSUMED);
        assert_true(a->claim->new_cluster);
        assert_int_equal(a->claim->position.seqno, INT64_MAX);
        assert_int_equal(a->claim->report[0]->position.seqno, INT64_C(9007199254740993));
        assert_true(names_contain(&a->claim->needed, "db2"));
        assert_true(names_contain(&a->claim->without, "db3"));
        assert_true(a->have_grant);
        assert_string_equal(a->grant.holder, "db2");
        assert_int_equal(a->grant.position.seqno, INT64_C(9007199254740993));
        assert_int_equal(a->grant.manner, MANNER_RESUME);
        assert_int_equal(a->grant.group.seqno, 7);
        assert_int_equal(a->grant.epoch, INT64_MAX);
        assert_int_equal(a->grant.serial, 12);
        assert_true(a->wanted);
        assert_true(a->owed);
        assert_string_equal(store_quorum_off(a, 9), "pc.ignore_quorum");
        assert_null(store_quorum_off(a, 8));
        assert_string_equal(a->stopping, "00112233445566778899aabbccddeeff");
        assert_int_equal(a->resuming, 8);
        assert_string_equal(a->settled_start, "ffeeddccbbaa99887766554433221100");
        assert_int_equal(a->ruling.policy, POLICY_MANUAL);
        assert_int_equal(a->ruling.version, INT64_C(9007199254740993));
        assert_string_equal(a->ruling.node, "db3");
        assert_int_equal(a->without.n, 2);

        assert_true(a->marks.mark[MARK_DIVERGED].set && a->marks.mark[MARK_ABORTED_SST].set);
        assert_false(a->marks.mark[MARK_STRAY].set || a->marks.mark[MARK_INCONSISTENT].set);
        assert_string_equal(a->marks.mark[MARK_DIVERGED].evidence, "Its seqnos 5 to 9.");
        assert_int_equal(a->marks.mark[MARK_DIVERGED].section, 7);
        assert_int_equal(a->marks.mark[MARK_DIVERGED].time, 11);
        assert_int_equal(a->aside.state, ASIDE_MOVING);
        assert_string_equal(a->aside.stamp, "20261122T224846");
        assert_string_equal(a->aside.note, "Why:\nbecause");
        assert_true(a->aside.force_space);
        assert_string_equal(a->aside.donor, "db3");
        assert_true(a->shun.set);
        assert_string_equal(a->shun.reason, "disk \"sdb\"");
        assert_string_equal(a->shun.owner, "anna");
        assert_int_equal(a->shun.since, 11);
        assert_int_equal(a->shun.until, INT64_MAX);
        assert_true(a->offline && a->replica && a->held && a->held_before && a->down_before);
        assert_int_equal(a->consumed, 6);
        assert_int_equal(a->join_failures, 9);
        assert_string_equal(a->copy_place, "within");
        assert_true(a->history.entry[5].foreign && !a->history.entry[6].foreign);

        /* But for the epoch it is written as it was. */
        a->epoch--;
        assert_int_equal(store_save(a), 0);
        second = scratch_get(&s, STORE_NAME);
        assert_string_equal(first, second);
        a = store_free(a);
        assert_int_equal(scratch_count(&s), 1);
}

static void what_is_given_up_is_gone(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        Store *a;

        (void) state;
        a = open_store(&s);
        a->claim_state = CLAIM_ASKING;
        a->claim = full_claim();
        a->have_grant = true;
        (void) snprintf(a->grant.holder, sizeof(a->grant.holder), "db2");
        assert_int_equal(shun_new("", "", 1, 0, &a->shun), 0);
        a->offline = true;
        a->aside = (Aside) { .state = ASIDE_JOINING, .stamp = "20261122T224846", .donor = "db3" };
        assert_int_equal(store_save(a), 0);
        a->aside.donor[0] = 0;
        a->claim = claim_free(a->claim);
        a->claim_state = CLAIM_NONE;
        a->have_grant = false;
        a->shun = (Shun) {0};
        a->offline = false;
        assert_int_equal(store_save(a), 0);
        a = store_free(a);
        a = open_store(&s);
        assert_int_equal(a->claim_state, CLAIM_NONE);
        assert_null(a->claim);
        assert_false(a->have_grant);
        assert_false(a->shun.set || a->offline);
        assert_int_equal(a->aside.state, ASIDE_JOINING);
        assert_string_equal(a->aside.donor, "");
        a = store_free(a);
}

static void a_new_boot_is_seen(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *text = NULL, *other = NULL;
        char boot[UUID_TEXT_MAX];
        Store *a;

        (void) state;
        a = open_store(&s);
        assert_int_equal(store_save(a), 0);
        (void) uuid_text(&a->boot, boot);
        a = store_free(a);
        text = scratch_get(&s, STORE_NAME);
        other = replace(text, boot, "11111111-2222-3333-4444-555555555555");
        scratch_puts(&s, STORE_NAME, other);

        a = open_store(&s);
        assert_true(a->new_boot);
        assert_int_equal(store_save(a), 0);
        a = store_free(a);
        a = open_store(&s);
        assert_false(a->new_boot);
        a = store_free(a);
}

/* What a gate goes by that finds no agent. */
static void who_is_kept_out_is_let_in_again(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        Store *a = open_store(&s);
        const char *call;
        unsigned n = 0;

        (void) state;
        assert_int_equal(store_keep_out(a, NULL), 0); /* there was nothing */
        assert_int_equal(store_keep_out(a, "its data are diverged"), 0);
        assert_true(scratch_is(&s, STORE_KEPT_OUT, "its data are diverged"));
        assert_int_equal(store_keep_out(a, "its data are strange"), 0);
        assert_true(scratch_is(&s, STORE_KEPT_OUT, "its data are strange"));
        do {
                int r;

                assert_int_equal(store_keep_out(a, "why"), 0);
                disk_fail(++n, EIO);
                r = store_keep_out(a, NULL);
                call = disk_failed();
                assert_int_equal(r, call ? -EIO : 0);
                assert_true(scratch_is(&s, STORE_KEPT_OUT, NULL) || (call && streq(call, "unlinkat")));
        } while (call);
        a = store_free(a);
        assert_null(store_free(a));
}

static void who_led_by_a_grant_is_remembered_once(void **state) {
        static Store s;
        char leader[NAME_SIZE];

        (void) state;
        for (uint8_t i = 1; i <= NAMES_MAX + 2; i++) {
                (void) snprintf(leader, sizeof(leader), "db%u", i);
                store_add_led(&s, &(Uuid) { .b = { i } }, leader);
                store_add_led(&s, &(Uuid) { .b = { i } }, "db0");
        }
        assert_int_equal(s.n_led, NAMES_MAX);
        assert_int_equal(s.led[0].id.b[0], 3);
        assert_string_equal(s.led[0].leader, "db3");
        assert_int_equal(s.led[NAMES_MAX - 1].id.b[0], NAMES_MAX + 2);
}

static void of_released_claims_the_oldest_is_forgotten(void **state) {
        static Store s; /* large */

        (void) state;
        for (uint8_t i = 1; i <= RELEASED_MAX + 2; i++)
                store_release(&s, &(Uuid) { .b = { i } });
        assert_int_equal(s.n_released, RELEASED_MAX);
        assert_int_equal(s.released[0].b[0], 3);
        assert_int_equal(s.released[RELEASED_MAX - 1].b[0], RELEASED_MAX + 2);
}

static void seqnos_are_of_one_section(void **state) {
        static Store s;

        (void) state;
        assert_int_equal(store_seqno(&s, 7, 0), SEQNO_UNDEFINED);
        store_set_seqno(&s, 7, 0, 50);
        store_set_seqno(&s, 7, 3, 90);
        assert_int_equal(store_seqno(&s, 7, 0), 50);
        assert_int_equal(store_seqno(&s, 7, 1), SEQNO_UNDEFINED);
        assert_int_equal(store_seqno(&s, 7, 3), 90);
        assert_int_equal(store_seqno(&s, 8, 3), SEQNO_UNDEFINED);
        for (uint64_t i = 4; i < 4 + REPORT_VIEWS_MAX; i++)
                store_set_seqno(&s, 7, i, (int64_t) (100 + i));
        assert_int_equal(s.n_seqnos, REPORT_VIEWS_MAX);
        assert_int_equal(store_seqno(&s, 7, 3), SEQNO_UNDEFINED);
        assert_int_equal(store_seqno(&s, 7, 4), 104);
        store_set_seqno(&s, 8, 0, 500);
        assert_int_equal(s.n_seqnos, 1);
        assert_int_equal(store_seqno(&s, 7, 4), SEQNO_UNDEFINED);
        assert_int_equal(store_seqno(&s, 8, 0), 500);
}

/* A run of sections: a start that saw no view leaves those before it in force. */
static void who_went_on_without_quorum_is_remembered(void **state) {
        static Store s;

        (void) state;
        assert_null(store_quorum_off(&s, 0));
        assert_false(store_set_quorum_off(&s, 5, 4, NULL));
        assert_true(store_set_quorum_off(&s, 5, 4, "pc.ignore_sb"));
        assert_false(store_set_quorum_off(&s, 5, 4, "pc.ignore_sb"));
        assert_string_equal(store_quorum_off(&s, 5), "pc.ignore_sb");
        assert_null(store_quorum_off(&s, 4));
        assert_null(store_quorum_off(&s, 6));

        /* The next one is like it, while the views of this one are in force; it does
         * not take place, and is done over without. */
        assert_true(store_set_quorum_off(&s, 6, 5, "pc.ignore_quorum"));
        assert_string_equal(store_quorum_off(&s, 5), "pc.ignore_quorum");
        assert_non_null(store_quorum_off(&s, 6));
        assert_true(store_set_quorum_off(&s, 6, 5, NULL));
        assert_non_null(store_quorum_off(&s, 5));
        assert_null(store_quorum_off(&s, 6));

        /* The one after it, too: what is not known for sure counts as known. */
        assert_false(store_set_quorum_off(&s, 7, 5, NULL));
        assert_true(store_set_quorum_off(&s, 8, 5, "pc.ignore_sb"));
        assert_non_null(store_quorum_off(&s, 5));
        assert_non_null(store_quorum_off(&s, 8));
        /* But not what nobody relies on any more. */
        assert_true(store_set_quorum_off(&s, 11, 10, "pc.ignore_sb"));
        assert_null(store_quorum_off(&s, 8));
        assert_null(store_quorum_off(&s, 10));
        assert_non_null(store_quorum_off(&s, 11));
        assert_true(store_set_quorum_off(&s, 11, 10, NULL));
        assert_null(store_quorum_off(&s, 11));
        /* A record that begins anew. */
        assert_true(store_set_quorum_off(&s, 9, 9, "pc.ignore_sb"));
        assert_true(store_set_quorum_off(&s, 1, 0, NULL));
        assert_null(store_quorum_off(&s, 9));
}

static void labels_are_bounded(void **state) {
        static Store s;
        char label[300];

        (void) state;
        assert_null(store_label(&s, "a"));
        assert_int_equal(store_set_label(&s, "a", "db1"), 1);
        assert_int_equal(store_set_label(&s, "a", "db1"), 0);
        assert_int_equal(store_set_label(&s, "a", "db2"), 1);
        assert_string_equal(store_label(&s, "a"), "db2");
        memset(label, 'x', sizeof(label));
        label[256] = '\0';
        assert_int_equal(store_set_label(&s, label, "db1"), -ENAMETOOLONG);
        assert_int_equal(store_set_label(&s, "caf\xe9", "db1"), -EILSEQ);
        assert_null(store_label(&s, "caf\xe9"));
        label[255] = '\0';
        assert_int_equal(store_set_label(&s, label, "db1"), 1);
        while (s.n_labels < NAMES_MAX) {
                (void) snprintf(label, sizeof(label), "label%zu", s.n_labels);
                assert_int_equal(store_set_label(&s, label, "db3"), 1);
        }
        assert_int_equal(store_set_label(&s, "one more", "db3"), -E2BIG);
        assert_int_equal(store_set_label(&s, "a", "db3"), 1);
}

/* Else the agent could not be started any more. */
static void the_largest_claim_is_read_again(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *text = NULL, *back = NULL, *whole = NULL;
        Store *a = open_store(&s);
        Report *r;
        size_t room;

        (void) state;
        a->claim_state = CLAIM_ASKING;
        a->claim = full_claim();
        r = a->claim->report[0];
        r->problem = strdup("");
        assert_non_null(r->problem);
        assert_int_equal(claim_format(a->claim, &text), 0);
        room = (CLAIM_SIZE_MAX - strlen(text)) / 2; /* what is quoted takes two bytes, and quoted again four */
        free(r->problem);
        r->problem = calloc(1, room + 1);
        assert_non_null(r->problem);
        memset(r->problem, '"', room);
        assert_int_equal(claim_format(a->claim, &whole), 0);
        assert_true(strlen(whole) >= CLAIM_SIZE_MAX - 1);
        assert_int_equal(store_save(a), 0);
        a = store_free(a);
        a = open_store(&s);
        assert_int_equal(claim_format(a->claim, &back), 0);
        assert_string_equal(back, whole);
        a = store_free(a);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_new_installation_gets_an_identity),
                cmocka_unit_test(everything_survives),
                cmocka_unit_test(what_is_given_up_is_gone),
                cmocka_unit_test(a_new_boot_is_seen),
                cmocka_unit_test(who_is_kept_out_is_let_in_again),
                cmocka_unit_test(who_led_by_a_grant_is_remembered_once),
                cmocka_unit_test(of_released_claims_the_oldest_is_forgotten),
                cmocka_unit_test(seqnos_are_of_one_section),
                cmocka_unit_test(who_went_on_without_quorum_is_remembered),
                cmocka_unit_test(labels_are_bounded),
                cmocka_unit_test(the_largest_claim_is_read_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
