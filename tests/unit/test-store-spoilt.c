/* What the agent keeps, where it is spoilt, or where the disk or the memory is short: it is
 * refused and left alone, and nothing of it goes missing. */
#include "disk.h"
#include "memory.h"
#include "stored.h"

#define A "41414141-4141-4141-4141-414141414141"

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
        { "a bootstrap of no cluster", "\"uuid\": \"" A "\",\n   \"seqno\": 77", "\"uuid\": \"4\",\n   \"seqno\": 77" },
        { "a bootstrap nowhere", "\"seqno\": 77,", "" },
        { "a bootstrap by a number", "\"leader\": \"db1\"", "\"leader\": 1" },
        { "a bootstrap by no node", "\"leader\": \"db1\"", "\"leader\": \"db 1\"" },
        { "one that is foreign by a text", "\"foreign\": false", "\"foreign\": \"no\"" },
        { "led that is an object", "\"led\": [", "\"led\": {}, \"x\": [" },
        { "led of no id", "\"id\": \"6c", "\"id\": \"z6c" },
        { "led by nobody", "\"leader\": \"db3\"", "\"x\": \"db3\"" },
        { "led by no node", "\"leader\": \"db3\"", "\"leader\": \"\"" },
        { "settled before all", "\"settled\": 3", "\"settled\": -3" },
        { "booted before all", "\"booted\": 4", "\"booted\": -4" },
        { "a boot that is none", "\"boot\": \"", "\"boot\": \"z" },
        { "settled by a number", "\"settled_start\": \"ff\"", "\"settled_start\": 255" },
        { "marks that are a list", "\"marks\": {", "\"marks\": [], \"x\": {" },
        { "a mark of a newer release", "\"diverged\": {", "\"bewitched\": {" },
        { "a mark in no section", "\"section\": 31,", "" },
        { "a mark in a negative section", "\"section\": 31", "\"section\": -31" },
        { "a mark before all time", "\"time\": 32", "\"time\": -32" },
        { "data aside by a text", "\"aside\": {", "\"aside\": \"yes\", \"x\": {" },
        { "data aside in an unknown state", "\"state\": \"moving\"", "\"state\": \"gone\"" },
        { "data aside in no state", "\"state\": \"moving\"", "\"state\": \"none\"" },
        { "data aside of too long a stamp", "\"stamp\": \"2", "\"stamp\": \"20" },
        { "without quorum by a text", "\"quorum_off\": {", "\"quorum_off\": \"pc.ignore_sb\", \"x\": {" },
        { "without quorum by nothing", "\"option\": \"pc.ignore_sb\"", "\"option\": \"\"" },
        { "without quorum by too much", "\"option\": \"pc.ignore_sb\"", "\"option\": \"pc.ignore_sb_and_more_than_that\"" },
        { "without quorum since before all", "\"from\": 41", "\"from\": -41" },
        { "without quorum until before it", "\"to\": 41", "\"to\": 40" },
        { "released that is a number", "\"released\": [", "\"released\": 5, \"x\": [" },
        { "released that holds a number", "\"released\": [", "\"released\": [5, " },
        { "wanted 1", "\"wanted\": true", "\"wanted\": 1" },
        { "without a blank", "\"db4\"", "\"db 4\"" },
        { "without that is a text", "\"without\": [", "\"without\": \"db4\", \"x\": [" },
        { "seqnos that are an object", "\"seqnos\": [", "\"seqnos\": {}, \"x\": [" },
        { "a seqno of two numbers", "7,\n   0,\n   5", "7,\n   5" },
        { "a negative section", "7,\n   0,\n   5", "-7,\n   0,\n   5" },
        { "a negative view", "7,\n   0,\n   5", "7,\n   -1,\n   5" },
        { "a view at a negative seqno", "7,\n   0,\n   5", "7,\n   0,\n   -5" },
        { "labels that are a list", "\"labels\": {", "\"labels\": [], \"x\": {" },
        { "a label without a name", "\"192.0.2.2\": \"db2\"", "\"192.0.2.2\": \"\"" },
        { "a label that is a number", "\"192.0.2.2\": \"db2\"", "\"192.0.2.2\": 2" },
        { "a claim that is a number", "\"claim\": {", "\"claim\": 1, \"x\": {" },
        { "a claim of an unknown state", "\"state\": \"consumed\"", "\"state\": \"won\"" },
        { "a claim of no state", "\"state\": \"consumed\"", "\"state\": \"none\"" },
        { "a claim that cannot be read", "\\\"holder\\\":\\\"db1\\\"", "\\\"holder\\\":\\\"\\\"" },
        { "a grant without a holder", "\"holder\": \"db9\"", "\"holder\": \"\"" },
        { "a grant that is a number", "\"grant\": {", "\"grant\": 1, \"x\": {" },
        { "a grant of no id", "\"id\": \"67", "\"id\": \"z67" },
        { "a grant to no agent", "\"manner\": \"restart\",\n  \"agent\": \"", "\"manner\": \"restart\",\n  \"agent\": \"z" },
        { "a grant in no manner", "\"manner\": \"restart\"", "\"manner\": \"by magic\"" },
        { "a grant in no cluster", "\"uuid\": \"" A "\",\n  \"seqno\": 55", "\"uuid\": \"4\",\n  \"seqno\": 55" },
        { "a grant at a negative seqno", "\"seqno\": 55", "\"seqno\": -55" },
        { "a grant of a negative serial", "\"serial\": 12", "\"serial\": -12" },
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
        { "owed 1", "\"owed\": true", "\"owed\": 1" },
        { "a replica by a text", "\"replica\": true", "\"replica\": \"yes\"" },
        { "held before by null", "\"held_before\": true", "\"held_before\": null" },
        { "down before by a list", "\"down_before\": true", "\"down_before\": []" },
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
                json_t *o = json_loads(text, 0, NULL);

                /* By what is in it, not for it could not be read. */
                CHECK(o || streq(damages[i].name, "something behind"), damages[i].name);
                json_decref(o);
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

/* As many of each as there can be, and one more. */
static void more_than_can_be_is_refused(void **state) {
        static const struct {
                const char *key;
                size_t max;
        } lists[] = { { "history", HISTORY_MAX }, { "released", RELEASED_MAX }, { "seqnos", REPORT_VIEWS_MAX }, { "led", NAMES_MAX }, { "labels", NAMES_MAX } };
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *good = good_text(&s);

        (void) state;
        for (size_t i = 0; i < ELEMENTS(lists); i++) {
                json_t *o = json_loads(good, 0, NULL), *list = json_object_get(o, lists[i].key);
                _cleanup_free_ char *full = NULL, *more = NULL;
                size_t n = json_is_array(list) ? json_array_size(list) : json_object_size(list);

                for (; n <= lists[i].max; n++) {
                        char label[16];

                        if (n == lists[i].max)
                                full = json_dumps(o, 0);
                        (void) snprintf(label, sizeof(label), "label%zu", n);
                        assert_int_equal(json_is_array(list) ? json_array_append(list, json_array_get(list, 0)) :
                                         json_object_set_new(list, label, json_string("db5")), 0);
                }
                more = json_dumps(o, 0);
                json_decref(o);
                check_refused(&s, more, strlen(more), lists[i].key);
                scratch_puts(&s, STORE_NAME, full);
                (void) store_free(open_store(&s));
        }
}

/* Texts that would be cut off are refused, for they would be others. */
static void longer_than_can_be_is_refused(void **state) {
        static const struct {
                const char *in, *key;
                size_t max; /* without the NUL */
        } texts[] = {
                { "aside", "note", ASIDE_NOTE_MAX - 1 },
                { "aside", "donor", NAME_SIZE - 1 },
                { "policy", "node", NAME_SIZE - 1 },
                { NULL, "settled_start", 32 },
                { NULL, "stopping", 32 },
        };
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *good = good_text(&s);

        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++)
                for (size_t more = 0; more < 2; more++) {
                        json_t *o = json_loads(good, 0, NULL), *in = texts[i].in ? json_object_get(o, texts[i].in) : o;
                        _cleanup_free_ char *text = calloc(1, texts[i].max + 2), *file = NULL;

                        memset(text, 'x', texts[i].max + more);
                        assert_int_equal(json_object_set_new(in, texts[i].key, json_string(text)), 0);
                        file = json_dumps(o, 0);
                        json_decref(o);
                        if (more)
                                check_refused(&s, file, strlen(file), texts[i].key);
                        else {
                                scratch_puts(&s, STORE_NAME, file);
                                (void) store_free(open_store(&s));
                        }
                }
        /* The key is the text. */
        for (size_t n = 255; n <= 256; n++) {
                _cleanup_free_ char *text = NULL;
                char label[300] = "\"";

                memset(label + 1, 'x', n);
                (void) snprintf(label + 1 + n, 16, "\": \"db2\"");
                text = replace(good, "\"192.0.2.2\": \"db2\"", label);
                if (n == 256)
                        check_refused(&s, text, strlen(text), "label");
                else {
                        scratch_puts(&s, STORE_NAME, text);
                        (void) store_free(open_store(&s));
                }
        }
}

/* What is not said in a file of an older release is as it was then. */
static void a_file_of_an_older_release_is_read(void **state) {
        static const char *const keys[] = { "claim", "settled_start", "join_failures", "owed", "offline", "replica", "held", "held_before", "down_before", "copy_place",
                                            "consumed", "stopping", "resuming", "policy", "quorum_off", "marks", "aside", "shun" };
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *good = good_text(&s), *old = NULL;
        json_t *o = json_loads(good, 0, NULL);
        Store *a;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(keys); i++)
                assert_int_equal(json_object_del(o, keys[i]), 0);
        assert_int_equal(json_object_del(json_object_get(o, "grant"), "manner"), 0);
        assert_int_equal(json_object_del(json_object_get(o, "grant"), "agent"), 0);
        assert_int_equal(json_object_del(json_object_get(o, "grant"), "group"), 0);
        assert_int_equal(json_object_del(json_array_get(json_object_get(o, "history"), 0), "foreign"), 0);
        old = json_dumps(o, 0);
        json_decref(o);
        scratch_puts(&s, STORE_NAME, old);
        a = open_store(&s);
        assert_int_equal(a->claim_state, CLAIM_NONE);
        assert_false(a->owed || a->offline || a->replica || a->held || a->held_before || a->down_before || a->shun.set || a->marks.mark[MARK_DIVERGED].set);
        assert_int_equal(a->aside.state, ASIDE_NONE);
        assert_int_equal(a->ruling.version, 0);
        assert_int_equal(a->consumed + a->resuming + (uint64_t) a->join_failures, 0);
        assert_false(a->settled_start[0] || a->stopping[0] || a->copy_place[0] || a->quorum_off[0]);
        assert_true(a->have_grant);
        assert_int_equal(a->grant.manner, MANNER_RESTART);
        assert_true(uuid_is_zero(&a->grant.agent));
        assert_false(position_defined(&a->grant.group));
        assert_false(a->history.entry[0].foreign);
        a = store_free(a);
}

/* A promise that could not be made into JSON must not be missing in what is written. */
static void where_memory_is_short_nothing_is_left_out(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *whole = good_text(&s);
        unsigned n = 0, failed = 0;
        Store *a = open_store(&s);
        bool refused;

        (void) state;
        a->epoch--; /* as it was */
        do {
                int r;

                scratch_puts(&s, STORE_NAME, "before");
                memory_refuse(++n);
                r = store_save(a);
                refused = memory_refused();
                failed += r < 0;
                assert_true(r == 0 || (r == -ENOMEM && refused));
                assert_true(scratch_is(&s, STORE_NAME, r == 0 ? whole : "before"));
        } while (refused);
        assert_true(failed > 100);

        /* And on its way back. Without the claim: at a quoted quote for which it had no room
         * Jansson itself ends the process, which leaves all as it is. */
        a->claim = claim_free(a->claim);
        a->claim_state = CLAIM_NONE;
        assert_int_equal(store_save(a), 0);
        a = store_free(a);
        free(whole);
        whole = scratch_get(&s, STORE_NAME);
        n = failed = 0;
        do {
                char error[256];
                int r;

                scratch_puts(&s, STORE_NAME, whole);
                memory_refuse(++n);
                r = store_open(s.path, &a, error);
                refused = memory_refused();
                failed += r < 0;
                assert_true(r == 0 || (refused && !a));
                assert_true(scratch_is(&s, STORE_NAME, whole));
                if (r < 0)
                        continue;
                a->epoch--;
                assert_int_equal(store_save(a), 0);
                assert_true(scratch_is(&s, STORE_NAME, whole));
                a = store_free(a);
        } while (refused);
        assert_true(failed > 100);
}

/* A new epoch must be above each that was used: who cannot know begins none. */
static void where_a_call_fails_nothing_is_opened_or_it_is_whole(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_free_ char *good = good_text(&s);
        const char *call;
        unsigned n = 0, failed = 0;

        (void) state;
        do {
                char error[256] = "";
                Store *a = NULL;
                int r;

                disk_fail(++n, EIO);
                r = store_open(s.path, &a, error);
                call = disk_failed();
                failed += r < 0;
                CHECK(r < 0 ? call && !a : a->epoch == 2 && a->have_grant && !uuid_is_zero(&a->boot), str_or(call, "nothing"));
                assert_true(scratch_is(&s, STORE_NAME, good));
                a = store_free(a);
        } while (call);
        assert_true(failed > 4);
        /* The machine's boot, told in part. */
        for (int error = DISK_NOTHING; error <= DISK_SHORT; error++) {
                char text[256];
                Store *a = NULL;

                scratch_clear(&s);
                disk_fail_each("read", error);
                assert_int_equal(store_open(s.path, &a, text), -EIO);
                (void) disk_failed();
                assert_null(a);
        }
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

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_spoilt_file_is_refused_and_left_alone),
                cmocka_unit_test(more_than_can_be_is_refused),
                cmocka_unit_test(longer_than_can_be_is_refused),
                cmocka_unit_test(a_file_of_an_older_release_is_read),
                cmocka_unit_test(where_memory_is_short_nothing_is_left_out),
                cmocka_unit_test(where_a_call_fails_nothing_is_opened_or_it_is_whole),
                cmocka_unit_test(what_cannot_be_read_is_not_replaced),
                cmocka_unit_test(a_write_that_fails_leaves_the_old_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
