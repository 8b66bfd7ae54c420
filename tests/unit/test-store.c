/* What the agent keeps: whole after a restart, and untouched where it is spoilt. */
#include "adapter/store.h"
#include "cases.h"

static Store *open_store(const Scratch *s) {
        char error[256] = "";
        Store *store = NULL;
        int r = store_open(s->path, &store, error);

        if (r < 0)
                fail_msg("store_open: %s: %s", strerror(-r), error);
        return store;
}

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

static Claim *full_claim(void) {
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

static void everything_survives(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *first = NULL, *second = NULL;
        Store *a;

        (void) state;
        a = open_store(&s);
        for (size_t i = 0; i < HISTORY_MAX; i++) {
                HistoryEntry e = { .position = { case_id('A'), INT64_MAX - (int64_t) i } };

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
        a->offline = true;
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
        assert_true(a->offline);

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
        assert_int_equal(store_save(a), 0);
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
        a = store_free(a);
}

static char *replace(const char *text, const char *from, const char *to) {
        const char *at = strstr(text, from);
        char *r = NULL;

        assert_non_null(at);
        assert_true(asprintf(&r, "%.*s%s%s", (int) (at - text), text, to, at + strlen(from)) >= 0);
        return r;
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

/* What is changed in a good file, and makes it a spoilt one. */
static const struct {
        const char *name, *from, *to;
} damages[] = {
        { "another version", "\"version\": 1", "\"version\": 2" },
        { "no version", "\"version\": 1,", "" },
        { "an agent that is none", "\"agent\": \"", "\"agent\": \"z" },
        { "an agent twice", "\"version\": 1,", "\"version\": 1, \"agent\": \"61616161-6161-6161-6161-616161616161\"," },
        { "a negative epoch", "\"epoch\": 1", "\"epoch\": -1" },
        { "an epoch that is a text", "\"epoch\": 1", "\"epoch\": \"1\"" },
        { "a history that is an object", "\"history\": [", "\"history\": {}, \"x\": [" },
        { "a history that is null", "\"history\": [", "\"history\": null, \"x\": [" },
        { "a bootstrap without id", "\"id\": \"68", "\"no\": \"68" },
        { "a bootstrap at a fraction", "\"seqno\": 77", "\"seqno\": 77.5" },
        { "a bootstrap below -1", "\"seqno\": 77", "\"seqno\": -77" },
        { "released that is a number", "\"released\": [", "\"released\": 5, \"x\": [" },
        { "released that holds a number", "\"released\": [", "\"released\": [5, " },
        { "wanted 1", "\"wanted\": true", "\"wanted\": 1" },
        { "without a blank", "\"db4\"", "\"db 4\"" },
        { "without that is a text", "\"without\": [", "\"without\": \"db4\", \"x\": [" },
        { "seqnos that are an object", "\"seqnos\": [", "\"seqnos\": {}, \"x\": [" },
        { "a negative section", "7,", "-7," },
        { "labels that are a list", "\"labels\": {", "\"labels\": [], \"x\": {" },
        { "a label without a name", "\"192.0.2.2\": \"db2\"", "\"192.0.2.2\": \"\"" },
        { "a claim of an unknown state", "\"state\": \"consumed\"", "\"state\": \"won\"" },
        { "a claim of no state", "\"state\": \"consumed\"", "\"state\": \"none\"" },
        { "a claim that cannot be read", "\\\"holder\\\":\\\"db1\\\"", "\\\"holder\\\":\\\"\\\"" },
        { "a grant without a holder", "\"holder\": \"db9\"", "\"holder\": \"\"" },
        { "a grant of a negative epoch", "\"epoch\": 33", "\"epoch\": -33" },
        { "a grant at a fraction", "\"seqno\": 55", "\"seqno\": 5.5" },
        { "a grant to resume nothing", ":66\"", ":x\"" },
        { "a policy that is none", "\"name\": \"manual\"", "\"name\": \"mild\"" },
        { "a policy that is a text", "\"policy\": {", "\"policy\": \"manual\", \"x\": {" },
        { "a policy of version 0", "\"version\": 44", "\"version\": 0" },
        { "a policy of nowhere", "\"node\": \"db7\"", "\"node\": \"\"" },
        { "a shun that is a text", "\"shun\": {", "\"shun\": \"yes\", \"x\": {" },
        { "a shun until a text", "\"until\": 99", "\"until\": \"monday\"" },
        { "offline 1", "\"offline\": true", "\"offline\": 1" },
        { "held by a text", "\"held\": true", "\"held\": \"yes\"" },
        { "a claim consumed before all", "\"consumed\": 6", "\"consumed\": -6" },
        { "a resumption at a fraction", "\"resuming\": 8", "\"resuming\": 8.5" },
        { "failures that are a text", "\"join_failures\": 9", "\"join_failures\": \"9\"" },
        { "a stop of nothing", "\"stopping\": \"", "\"stopping\": 5, \"x\": \"" },
        { "a stop of too much", "\"stopping\": \"0", "\"stopping\": \"00" },
        { "a copy that is nowhere", "\"copy_place\": \"beside", "\"copy_place\": \"besides it" },
        { "something behind", "\n}", "\n}}" },
};

static const struct {
        const char *name, *text;
        size_t size;
} wrecks[] = {
        { "empty", "", 0 },
        { "NULs", "\0\0\0\0\0\0\0\0", 8 },
        { "an object with nothing in it", "{}", 2 },
        { "a list", "[]", 2 },
        { "blanks", "  \n", 3 },
        { "no UTF-8", "\xff\xfe", 2 },
};

static char *good_text(const Scratch *s) {
        HistoryEntry e = { .id = case_id('h'), .position = { case_id('A'), 77 }, .leader = "db1" };
        Store *a = open_store(s);
        char *text;

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
        a->offline = a->held = true;
        a->consumed = 6;
        a->resuming = 8;
        a->join_failures = 9;
        (void) snprintf(a->stopping, sizeof(a->stopping), "0123456789abcdef0123456789abcdef");
        (void) snprintf(a->copy_place, sizeof(a->copy_place), "beside");
        assert_int_equal(store_save(a), 0);
        a = store_free(a);
        text = scratch_get(s, STORE_NAME);
        assert_non_null(text);
        return text;
}

static void check_refused(const Scratch *s, const char *data, size_t size, const char *name) {
        _cleanup_free_ char *after = NULL;
        char error[256] = "";
        Store *a = NULL;

        scratch_put(s, STORE_NAME, data, size);
        CHECK(store_open(s->path, &a, error) == -EBADMSG, name);
        CHECK(!a, name);
        CHECK(error[0], name);
        after = scratch_get(s, STORE_NAME);
        CHECK(after && memcmp(after, data, size) == 0, name);
        CHECK(scratch_count(s) == 1, name);
}

static void a_spoilt_file_is_refused_and_left_alone(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *good = good_text(&s);
        size_t size = strlen(good);

        (void) state;
        for (size_t i = 0; i < ELEMENTS(damages); i++) {
                _cleanup_free_ char *text = replace(good, damages[i].from, damages[i].to);

                check_refused(&s, text, strlen(text), damages[i].name);
        }
        for (size_t i = 0; i < ELEMENTS(wrecks); i++)
                check_refused(&s, wrecks[i].text, wrecks[i].size, wrecks[i].name);
        /* Cut off anywhere. */
        for (size_t n = 0; n + 1 < size; n++)
                check_refused(&s, good, n, "cut off");
        /* As it was, it is good. */
        scratch_put(&s, STORE_NAME, good, size);
        (void) store_free(open_store(&s));
}

static void what_cannot_be_read_is_not_replaced(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        char error[256] = "";
        Store *a = NULL;

        (void) state;
        assert_int_equal(mkdirat(s.fd, STORE_NAME, 0755), 0);
        assert_int_equal(store_open(s.path, &a, error), -ENOTSUP);
        assert_int_equal(unlinkat(s.fd, STORE_NAME, AT_REMOVEDIR), 0);

        assert_int_equal(symlinkat("elsewhere", s.fd, STORE_NAME), 0);
        assert_int_equal(store_open(s.path, &a, error), -ELOOP);
        assert_null(a);
        assert_int_equal(store_open("/nonexistent", &a, error), -ENOENT);
        assert_string_equal(error, "No such file or directory");
        assert_null(a);
}

/* A disk that takes no more: what is there stays, and so does the file. */
static void a_write_that_fails_leaves_the_old_file(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *good = good_text(&s);
        Store *a = open_store(&s);
        int dirfd = a->dirfd;

        (void) state;
        a->dirfd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(store_save(a) < 0);
        (void) close(a->dirfd);
        a->dirfd = dirfd;
        assert_true(scratch_is(&s, STORE_NAME, good));
        a = store_free(a);
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
                cmocka_unit_test(a_spoilt_file_is_refused_and_left_alone),
                cmocka_unit_test(what_cannot_be_read_is_not_replaced),
                cmocka_unit_test(a_write_that_fails_leaves_the_old_file),
                cmocka_unit_test(of_released_claims_the_oldest_is_forgotten),
                cmocka_unit_test(seqnos_are_of_one_section),
                cmocka_unit_test(who_went_on_without_quorum_is_remembered),
                cmocka_unit_test(labels_are_bounded),
                cmocka_unit_test(the_largest_claim_is_read_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
