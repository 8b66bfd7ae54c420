/* Reports: whole over the wire, and nonsense refused with a reason. */
#include "cases.h"

static void check_round_trip(const Report *r, const char *name) {
        _cleanup_free_ char *text = NULL, *again = NULL;
        _cleanup_(report_freep) Report *back = NULL, *copy = NULL;
        char error[256] = "";
        json_t *o;

        CHECK(report_format(r, &text) == 0, name);
        if (report_parse(text, &back, error) < 0)
                fail_msg("%s: %s: %s", name, error, text);
        CHECK(report_format(back, &again) == 0, name);
        if (!streq(text, again))
                fail_msg("%s: %s became %s", name, text, again);
        CHECK(report_same(r, back), name);
        CHECK(back->epoch == r->epoch && back->serial == r->serial, name);

        CHECK(report_copy(r, &copy) == 0, name);
        CHECK(report_same(r, copy), name);
        CHECK(!r->view || copy->view != r->view, name);
        CHECK(report_to_json(r, &o) == 0, name);
        json_decref(o);
}

static const char *const whole[] = {
        "stopped 114 view 20:12,?:123,10:1 history a@3,b@100 safe weight 9 at 7.12 released xyz grant g:2 consumed c without 34",
        "stopped blank",
        "stopped problem unwanted",
        "primary 0 weight 0 at 1.0",
        "non-primary B-1 unsafe view B20:123456789",
        "joining",
        "starting asking c",
        "unknown history -",
        "stopped 9223372036854775807 view 9223372036854775807:1 history a@9223372036854775807",
        "stopped 9007199254740993 view 9007199254740993:1 history a@9007199254740993 at 9007199254740993.9007199254740995",
        "stopped 1 mark diverged mark evicted granted c",
        "primary 120 cached 5 donating",
        "stopped 120 resting failed 3",
        "starting stranded",
};

static void reports_survive_the_wire(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(whole); i++) {
                _cleanup_free_ char *words = strdup(whole[i]);
                _cleanup_(report_freep) Report *r = case_report("db1", words);

                check_round_trip(r, whole[i]);
        }
}

#define SERVER "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define WITH(replication) "{\"node\":\"db1\",\"replication\":" replication "}"
#define MARIADB "\"answers\":true,\"flavour\":\"mariadb\""
#define LISTS(pos, state) MARIADB ",\"gtid_slave_pos\":\"" pos "\",\"gtid_binlog_pos\":\"" pos "\",\"gtid_binlog_state\":\"" state "\""

static Report *read_report(const char *text) {
        char error[256] = "";
        Report *r;

        if (report_parse(text, &r, error) < 0)
                fail_msg("%s: %s", text, error);
        return r;
}

static void replication_survives_the_wire(void **state) {
        static const char *const texts[] = {
                WITH("{\"answers\":false}"),
                WITH("{\"answers\":false,\"problem\":\"Access denied\"}"),
                WITH("{" MARIADB "}"),
                WITH("{" LISTS("0-1-18446744073709551615", "0-2-7,0-1-18446744073709551615") ",\"version\":\"11.8\",\"server_id\":4294967295,\"read_only\":true,\"binlog\":true,\"replicas\":2}"),
                WITH("{" LISTS("", "") ",\"channels\":[{\"name\":\"a\",\"host\":\"db2\",\"port\":3306,\"source_id\":2,\"by_gtid\":true,\"lag\":7,\"received\":\"0-1-9\","
                     "\"receiver\":{\"state\":\"connecting\",\"errno\":2003,\"error\":\"no\"},\"applier\":{\"state\":\"running\"}},{\"host\":\"db3\",\"port\":1}]}"),
                WITH("{\"answers\":true,\"flavour\":\"mysql\",\"server_uuid\":\"" SERVER "\",\"super_read_only\":true,\"gtid_executed\":\"" SERVER ":1-9007199254740993:x:7\",\"gtid_purged\":\"" SERVER ":1-5\","
                     "\"channels\":[{\"host\":\"db2\",\"source_uuid\":\"" SERVER "\",\"received\":\"" SERVER ":8-9\"}]}"),
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                _cleanup_(report_freep) Report *r = read_report(texts[i]);

                assert_non_null(r->replication);
                check_round_trip(r, texts[i]);
        }
}

static void what_comes_in_survives_the_wire(void **state) {
        _cleanup_(report_freep) Report *r = read_report("{\"node\":\"db2\",\"mysqld\":\"starting\",\"transfer\":{\"full\":true,\"received\":9007199254740993,\"rate\":7,\"since\":1000000,\"from\":\"db1\"}}"),
                                       *bare = read_report("{\"node\":\"db2\",\"transfer\":{}}"), *newer = read_report("{\"node\":\"db2\",\"transfer\":\"soon\"}");

        (void) state;
        check_round_trip(r, "a full copy");
        assert_true(r->incoming.set && r->incoming.full && r->incoming.received == INT64_C(9007199254740993) && r->incoming.since == 1000000);
        assert_string_equal(r->incoming.from, "db1");
        check_round_trip(bare, "nothing yet");
        assert_true(bare->incoming.set && !bare->incoming.full);
        assert_false(newer->incoming.set);
}

static void what_is_not_said_of_replication_is_unknown(void **state) {
        _cleanup_(report_freep) Report *none = read_report("{\"node\":\"db1\"}"), *mute = read_report(WITH("{\"answers\":false,\"flavour\":\"mariadb\",\"gtid_slave_pos\":\"0-1-5\"}")),
                                       *little = read_report(WITH("{" MARIADB ",\"newer\":[1],\"channels\":[{\"receiver\":{\"state\":\"napping\"}}]}")),
                                       *half = read_report(WITH("{" MARIADB ",\"gtid_slave_pos\":\"0-1-5\",\"gtid_binlog_pos\":\"0-1-5\"}"));

        (void) state;
        assert_null(none->replication);
        assert_int_equal(mute->replication->flavour, FLAVOUR_UNKNOWN);
        assert_int_equal(mute->replication->slave_pos.n, 0);
        assert_int_equal(little->replication->server_id, -1);
        assert_int_equal(little->replication->replicas, -1);
        assert_false(little->replication->have_gtids || little->replication->read_only);
        assert_int_equal(little->replication->channel[0].receiver.state, THREAD_UNKNOWN);
        assert_int_equal(little->replication->channel[0].lag, -1);
        /* Some of its lists would pass for all that it has. */
        assert_false(half->replication->have_gtids);
        assert_int_equal(half->replication->slave_pos.n, 0);
}

static void nonsense_of_replication_is_refused(void **state) {
        static const struct {
                const char *text, *says;
        } table[] = {
                { WITH("7"), "should be an object" },
                { WITH("{\"answers\":true}"), "flavour should be" },
                { WITH("{\"answers\":true,\"flavour\":\"unknown\"}"), "flavour should be" },
                { WITH("{\"answers\":1}"), "answers should be true or false" },
                { WITH("{" LISTS("0-1-5", "0-1") "}"), "gtid_binlog_state should be \"0-1\" is no GTID" },
                { WITH("{" LISTS("0-1-5,0-2-6", "") "}"), "domain 0 is in it twice" },
                { WITH("{" MARIADB ",\"server_id\":4294967296}"), "server_id" },
                { WITH("{" MARIADB ",\"server_uuid\":\"x\"}"), "server_uuid should be a UUID" },
                { WITH("{" MARIADB ",\"channels\":{}}"), "channels" },
                { WITH("{" MARIADB ",\"channels\":[7]}"), "channels" },
                { WITH("{" MARIADB ",\"channels\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"), "channels" },
                { WITH("{" MARIADB ",\"channels\":[{\"port\":65536}]}"), "port" },
                { WITH("{" MARIADB ",\"channels\":[{\"received\":\"x\"}]}"), "received" },
                { WITH("{" MARIADB ",\"channels\":[{\"receiver\":{\"errno\":-1}}]}"), "errno" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char error[256] = "";
                Report *r;

                CHECK(report_parse(table[i].text, &r, error) == -EBADMSG, table[i].text);
                if (!strstr(error, table[i].says))
                        fail_msg("%s: \"%s\" does not say \"%s\"", table[i].text, error, table[i].says);
        }
}

static void every_bit_of_a_seqno_survives(void **state) {
        (void) state;
        for (unsigned bit = 0; bit < 63; bit++)
                for (int64_t add = -1; add <= 1; add++) {
                        char words[64], name[32];
                        _cleanup_(report_freep) Report *r = NULL, *back = NULL;
                        _cleanup_free_ char *text = NULL;
                        char error[256];

                        (void) snprintf(words, sizeof(words), "stopped %lld", (long long) ((INT64_C(1) << bit) + add));
                        (void) snprintf(name, sizeof(name), "bit %u", bit);
                        r = case_report("db1", words);
                        CHECK(report_format(r, &text) == 0 && report_parse(text, &back, error) == 0, name);
                        CHECK(back->position.seqno == (INT64_C(1) << bit) + add, name);
                }
}

static void a_report_as_large_as_can_be_fits(void **state) {
        char words[] = "stopped 1";
        _cleanup_(report_freep) Report *r = case_report("db1", words);

        (void) state;
        r->view = calloc(REPORT_VIEWS_MAX, sizeof(*r->view));
        assert_non_null(r->view);
        r->n_views = REPORT_VIEWS_MAX;
        r->have_view = true;
        for (size_t i = 0; i < REPORT_VIEWS_MAX; i++) {
                r->view[i] = (ReportView) { .uuid = case_id('A'), .seqno = INT64_MAX - (int64_t) i };
                for (size_t k = 0; k < NAMES_MAX; k++) {
                        char name[NAME_SIZE];

                        memset(name, '"', sizeof(name)); /* each takes two bytes */
                        (void) snprintf(name + NAME_SIZE - 4, 4, "%03zu", k);
                        assert_int_equal(strlen(name), NAME_SIZE - 1);
                        assert_int_equal(names_add(&r->view[i].members, name), 0);
                }
        }
        for (size_t i = 0; i < HISTORY_MAX; i++) {
                HistoryEntry e = { .position = { case_id('A'), INT64_MAX } };

                memcpy(e.id.b, &i, sizeof(i));
                memcpy(e.leader, r->view[0].members.name[0], NAME_SIZE);
                history_add(r->history, &e);
        }
        r->marks = r->without = r->led = r->arbitrators = r->view[0].members;
        r->n_released = RELEASED_MAX;
        r->asked = true;
        r->ruling = (Ruling) { .policy = POLICY_MAINTENANCE, .version = INT64_MAX };
        memset(r->ruling.node, 'n', NAME_SIZE - 1);
        check_round_trip(r, "the largest one");
}

static void what_no_report_can_hold_is_an_error(void **state) {
        char words[] = "stopped 1";
        _cleanup_(report_freep) Report *r = case_report("db1", words);
        char *text = NULL;

        (void) state;
        r->problem = calloc(1, REPORT_SIZE_MAX + 1);
        assert_non_null(r->problem);
        memset(r->problem, 'x', REPORT_SIZE_MAX);
        assert_int_equal(report_format(r, &text), -E2BIG);
        assert_null(text);
}

static void arbitrators_are_told(void **state) {
        char words[] = "primary 5 view 2:12";
        _cleanup_(report_freep) Report *r = case_report("db1", words), *back = NULL;
        _cleanup_free_ char *text = NULL;
        char error[256];

        (void) state;
        assert_int_equal(names_add(&r->arbitrators, "garb"), 0);
        check_round_trip(r, "an arbitrator");
        assert_int_equal(report_format(r, &text), 0);
        assert_int_equal(report_parse(text, &back, error), 0);
        assert_true(names_contain(&back->arbitrators, "garb") && !names_contain(&back->view[0].members, "garb"));
        assert_int_equal(report_parse("{\"node\": \"db1\", \"arbitrators\": [1]}", &back, error), -EBADMSG);
}

/* What a server wrote, cut at a length, must not cost the report. */
static void sentences_need_not_be_utf8(void **state) {
        char words[] = "stopped 1", error[256];
        _cleanup_(report_freep) Report *r = case_report("db1", words), *back = NULL;
        _cleanup_free_ char *text = NULL;

        (void) state;
        r->problem = strdup("Tablespace \xc3\xa4 fehlt \xc3");
        free(r->view_problem);
        r->view_problem = strdup("\xff");
        assert_int_equal(report_format(r, &text), 0);
        assert_int_equal(report_parse(text, &back, error), 0);
        assert_string_equal(back->problem, "Tablespace ?? fehlt ?");
        assert_string_equal(back->view_problem, "?");
        /* It goes on where it is told: "... is not heard: WHY. When it returns ..." */
        back = report_free(back);
        assert_int_equal(report_parse("{\"node\": \"db1\", \"problem\": \"It is so. Look there.\"}", &back, error), 0);
        assert_string_equal(back->problem, "It is so. Look there");
}

static const struct {
        const char *name;
        bool valid;
} names[] = {
        { "db1", true }, { "a", true }, { "db-1.example.org", true }, { "d\xc3\xbc", true }, { "\xe6\x97\xa5\xf0\x9f\x90\x98", true }, { "a:b", true },
        { "0123456789012345678901234567890123456789012345678901234567890ab", true },
        { "0123456789012345678901234567890123456789012345678901234567890abc", false },
        { "", false }, { "a b", false }, { "a,b", false }, { "a/b", false }, { "a\tb", false }, { "a\n", false }, { "\x7f", false },
        { "\xc3", false }, { "\xc3z", false }, { "\xc0\x80", false }, { "\xe0\x80\x80", false }, { "\xed\xa0\x80", false },
        { "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false }, { "\x80", false }, { "\xff", false }, { "d\xfc", false },
};

/* A name that is valid can be reported, whatever it is. */
static void names_are_what_a_report_can_hold(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                char words[] = "stopped 1";
                Report *r;

                CHECK(name_valid(names[i].name) == names[i].valid, names[i].name);
                if (!names[i].valid)
                        continue;
                r = case_report(names[i].name, words);
                check_round_trip(r, names[i].name);
                (void) report_free(r);
        }
}

#define N "\"node\":\"db1\""
#define U "61616161-6161-6161-6161-616161616161"
#define VIEW(n) "{\"uuid\":\"" U "\",\"seqno\":" #n ",\"members\":[\"db1\"]}"

static const struct {
        const char *name, *text, *says;
} bad[] = {
        { "empty", "", "line 1" },
        { "no JSON", "report", "line 1" },
        { "a number", "5", "line 1" },
        { "a list", "[]", "JSON object" },
        { "cut off", "{" N ",\"mysqld\":", "line 1" },
        { "cut off in a text", "{\"node\":\"db", "line 1" },
        { "something behind", "{" N "} {}", "line 1" },
        { "a key twice", "{" N "," N "}", "duplicate" },
        { "a key twice, deep inside", "{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":1,\"seqno\":2}}", "duplicate" },
        { "no name", "{}", "\"node\"" },
        { "a null name", "{\"node\":null}", "\"node\"" },
        { "a name that is a number", "{\"node\":1}", "\"node\"" },
        { "an empty name", "{\"node\":\"\"}", "\"node\"" },
        { "a name of 64 bytes", "{\"node\":\"0123456789012345678901234567890123456789012345678901234567890abc\"}", "\"node\"" },
        { "a name with a blank", "{\"node\":\"db 1\"}", "\"node\"" },
        { "a NUL in a name", "{\"node\":\"db1\\u0000\"}", "line 1" },
        { "no UTF-8", "{\"node\":\"db\xff\"}", "decode" },
        { "a version that is a text", "{" N ",\"version\":\"1\"}", "\"version\"" },
        { "an agent that is none", "{" N ",\"agent\":\"me\"}", "\"agent\"" },
        { "a negative epoch", "{" N ",\"epoch\":-1}", "\"epoch\"" },
        { "an epoch beyond 63 bits", "{" N ",\"epoch\":9223372036854775808}", "line 1" },
        { "a serial with a fraction", "{" N ",\"serial\":1.5}", "\"serial\"" },
        { "a serial in exponents", "{" N ",\"serial\":1e3}", "\"serial\"" },
        { "mysqld asleep", "{" N ",\"mysqld\":\"asleep\"}", "\"mysqld\"" },
        { "mysqld of the wrong case", "{" N ",\"mysqld\":\"Stopped\"}", "\"mysqld\"" },
        { "mysqld a number", "{" N ",\"mysqld\":1}", "\"mysqld\"" },
        { "wanted 1", "{" N ",\"wanted\":1}", "\"wanted\"" },
        { "a position that is a text", "{" N ",\"position\":\"" U ":5\"}", "\"position\"" },
        { "a position without uuid", "{" N ",\"position\":{\"seqno\":5}}", "\"uuid\"" },
        { "a position without seqno", "{" N ",\"position\":{\"uuid\":\"" U "\"}}", "\"seqno\"" },
        { "a seqno of -2", "{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":-2}}", "\"seqno\"" },
        { "a seqno as text", "{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":\"5\"}}", "\"seqno\"" },
        { "a seqno of 64 bits", "{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":18446744073709551615}}", "line 1" },
        { "a seqno with a fraction", "{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":5.0}}", "\"seqno\"" },
        { "a position from a guess", "{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":5,\"source\":\"guess\"}}", "\"source\"" },
        { "a uuid a digit short", "{" N ",\"position\":{\"uuid\":\"61616161-6161-6161-6161-61616161616\",\"seqno\":5}}", "\"uuid\"" },
        { "blank perhaps", "{" N ",\"blank\":\"yes\"}", "\"blank\"" },
        { "safe_to_bootstrap 10", "{" N ",\"safe_to_bootstrap\":10}", "\"safe_to_bootstrap\"" },
        { "a weight of 256", "{" N ",\"weight\":256}", "\"weight\"" },
        { "a view that is a list", "{" N ",\"view\":[]}", "view" },
        { "a view without members", "{" N ",\"view\":{\"uuid\":\"" U "\"}}", "\"members\"" },
        { "a view of nobody", "{" N ",\"view\":{\"uuid\":\"" U "\",\"members\":[]}}", "no members" },
        { "a view of numbers", "{" N ",\"view\":{\"uuid\":\"" U "\",\"members\":[1]}}", "\"members\"" },
        { "a view without uuid", "{" N ",\"view\":{\"members\":[\"db1\"]}}", "\"uuid\"" },
        { "a view with a bad seqno", "{" N ",\"view\":{\"uuid\":\"" U "\",\"seqno\":-3,\"members\":[\"db1\"]}}", "\"seqno\"" },
        { "older views that are none", "{" N ",\"view\":" VIEW(1) ",\"older_views\":5}", "\"older_views\"" },
        { "an older view that is none", "{" N ",\"view\":" VIEW(2) ",\"older_views\":[" VIEW(1) ",null]}", "view" },
        { "history that is an object", "{" N ",\"history\":{}}", "\"history\"" },
        { "history of numbers", "{" N ",\"history\":[1]}", "\"id\"" },
        { "history without a seqno", "{" N ",\"history\":[{\"id\":\"" U "\",\"uuid\":\"" U "\"}]}", "\"seqno\"" },
        { "marks that are a text", "{" N ",\"marks\":\"evicted\"}", "\"marks\"" },
        { "evidence that is a list", "{" N ",\"marks\":[\"stray\"],\"mark_evidence\":[]}", "\"mark_evidence\"" },
        { "evidence that is a number", "{" N ",\"marks\":[\"stray\"],\"mark_evidence\":{\"stray\":1}}", "\"mark_evidence\"" },
        { "a claim without an id", "{" N ",\"claim\":{\"state\":\"asking\"}}", "\"id\"" },
        { "a claim without a state", "{" N ",\"claim\":{\"id\":\"" U "\"}}", "\"state\"" },
        { "a claim of another state", "{" N ",\"claim\":{\"id\":\"" U "\",\"state\":\"won\"}}", "\"state\"" },
        { "a claim that is a text", "{" N ",\"claim\":\"x\"}", "\"id\"" },
        { "a grant to nobody", "{" N ",\"grant\":{\"id\":\"" U "\"}}", "\"holder\"" },
        { "a grant without id", "{" N ",\"grant\":{\"holder\":\"db1\"}}", "\"id\"" },
        { "released that are none", "{" N ",\"released\":[5]}", "\"released\"" },
        { "released that is a text", "{" N ",\"released\":\"" U "\"}", "\"released\"" },
        { "17 released", "{" N ",\"released\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}", "\"released\"" },
        { "a policy that is a text", "{" N ",\"policy\":\"manual\"}", "\"policy\"" },
        { "a policy without a name", "{" N ",\"policy\":{\"version\":1,\"node\":\"db1\"}}", "\"name\"" },
        { "an unknown policy", "{" N ",\"policy\":{\"name\":\"mild\",\"version\":1,\"node\":\"db1\"}}", "\"name\"" },
        { "a policy without a version", "{" N ",\"policy\":{\"name\":\"manual\",\"node\":\"db1\"}}", "\"version\"" },
        { "a policy of version 0", "{" N ",\"policy\":{\"name\":\"manual\",\"version\":0,\"node\":\"db1\"}}", "\"version\"" },
        { "a policy without a node", "{" N ",\"policy\":{\"name\":\"manual\",\"version\":1}}", "\"node\"" },
        { "asked a number", "{" N ",\"asked\":1}", "\"asked\"" },
        { "without a number", "{" N ",\"without\":[3]}", "\"without\"" },
        { "a problem that is a number", "{" N ",\"problem\":3}", "\"problem\"" },
};

/* A text stays with its mark, in whatever order they come. */
static void marks_bring_their_evidence(void **state) {
        _cleanup_(report_freep) Report *r = NULL, *copy = NULL, *read = NULL;
        _cleanup_free_ char *text = NULL;
        char error[256] = "";

        (void) state;
        assert_int_equal(report_new(&r), 0);
        (void) snprintf(r->node, sizeof(r->node), "db1");
        assert_null(report_mark_text(r));
        assert_int_equal(report_mark(r, "stray", "s"), 0);
        assert_int_equal(report_mark(r, "aborted-sst", "a"), 0);
        assert_int_equal(report_mark(r, "diverged", "d"), 0);
        assert_int_equal(report_mark(r, "stray", "S\xff"), 0);
        assert_int_equal(report_copy(r, &copy), 0);
        assert_true(report_same(r, copy));
        assert_int_equal(report_format(copy, &text), 0);
        assert_int_equal(report_parse(text, &read, error), 0);
        assert_int_equal(read->marks.n, 3);
        assert_string_equal(report_mark_text(read), "a");
        assert_string_equal(read->mark_text[1], "d");
        assert_string_equal(read->mark_text[2], "S?");
        assert_int_equal(report_mark(copy, "diverged", "else"), 0);
        assert_false(report_same(r, copy));

        /* An older node says the names alone; what is said of no mark is nothing. */
        read = report_free(read);
        assert_int_equal(report_parse("{\"node\":\"db1\",\"marks\":[\"stray\"],\"mark_evidence\":{\"gone\":\"x\"}}", &read, error), 0);
        assert_int_equal(read->marks.n, 1);
        assert_null(report_mark_text(read));
}

static void nonsense_is_refused_and_named(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                char error[256] = "";
                Report *r = NULL;

                CHECK(report_parse(bad[i].text, &r, error) == -EBADMSG, bad[i].name);
                CHECK(!r, bad[i].name);
                if (!strstr(error, bad[i].says))
                        fail_msg("%s: \"%s\" does not say %s", bad[i].name, error, bad[i].says);
        }
}

/* A text of a list of `n` times `one` within a report. Free it. */
static char *many(const char *before, const char *one, size_t n, const char *after) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fputs(before, f);
        for (size_t i = 0; i < n; i++)
                fprintf(f, "%s%s", i > 0 ? "," : "", one);
        fputs(after, f);
        assert_int_equal(fclose(f), 0);
        return text;
}

static const struct {
        const char *name, *before, *one, *after;
        size_t most;
} limits[] = {
        { "views", "{" N ",\"view\":" VIEW(9) ",\"older_views\":[", VIEW(8), "]}", REPORT_VIEWS_MAX - 1 },
        { "bootstraps", "{" N ",\"history\":[", "{\"id\":\"" U "\",\"uuid\":\"" U "\",\"seqno\":1}", "]}", HISTORY_MAX },
        { "released claims", "{" N ",\"released\":[", "\"" U "\"", "]}", RELEASED_MAX },
        { "bytes", "{" N ",\"problem\":\"", "", "\"}", REPORT_SIZE_MAX - sizeof("{" N ",\"problem\":\"\"}") + 2 },
};

static void limits_are_exact(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(limits); i++)
                for (size_t more = 0; more <= 1; more++) {
                        _cleanup_free_ char *text = many(limits[i].before, limits[i].one, limits[i].most + more, limits[i].after);
                        char error[256];
                        Report *r = NULL;

                        CHECK(report_parse(text, &r, error) == (more ? -EBADMSG : 0), limits[i].name);
                        (void) report_free(r);
                }
        for (size_t n = NAMES_MAX; n <= NAMES_MAX + 1; n++) {
                char *text = NULL, error[256];
                Report *r = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                assert_non_null(f);
                fputs("{" N ",\"marks\":[", f);
                for (size_t k = 0; k < n; k++)
                        fprintf(f, "%s\"m%zu\"", k > 0 ? "," : "", k);
                fputs("]}", f);
                assert_int_equal(fclose(f), 0);
                assert_int_equal(report_parse(text, &r, error), n == NAMES_MAX ? 0 : -EBADMSG);
                (void) report_free(r);
                free(text);
        }
}

static void what_is_absent_is_unknown(void **state) {
        char error[256];
        Report *r = NULL;

        (void) state;
        assert_int_equal(report_parse("{" N "}", &r, error), 0);
        assert_int_equal(r->mysqld, MYSQLD_UNKNOWN);
        assert_int_equal(r->source, SOURCE_NONE);
        assert_false(report_has_position(r));
        assert_int_equal(r->safe_to_bootstrap, -1);
        assert_false(r->blank);
        assert_false(r->have_view);
        assert_false(r->have_history);
        assert_null(r->history);
        assert_int_equal(r->claim, CLAIM_NONE);
        assert_false(r->have_grant);
        assert_true(r->wanted);
        assert_int_equal(r->weight, 1);
        assert_int_equal(r->epoch, 0);
        assert_false(r->asked);
        assert_int_equal(r->ruling.policy, POLICY_AUTOMATIC);
        assert_int_equal(r->ruling.version, 0);
        r = report_free(r);

        assert_int_equal(report_parse("{" N ",\"position\":null,\"view\":null,\"history\":null,\"claim\":null,\"grant\":null,\"released\":null,\"mysqld\":null,\"problem\":null}", &r, error), 0);
        assert_int_equal(r->source, SOURCE_NONE);
        r = report_free(r);

        /* A history without entries is known; so is one that is said to be empty. */
        assert_int_equal(report_parse("{" N ",\"history\":[]}", &r, error), 0);
        assert_true(r->have_history);
        r = report_free(r);

        /* Neither of these is a position. */
        assert_int_equal(report_parse("{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":-1}}", &r, error), 0);
        assert_false(report_has_position(r));
        r = report_free(r);
        assert_int_equal(report_parse("{" N ",\"position\":{\"uuid\":\"00000000-0000-0000-0000-000000000000\",\"seqno\":5}}", &r, error), 0);
        assert_false(report_has_position(r));
        r = report_free(r);
}

/* As people write it who have it from the files themselves. */
static void words_of_the_files_are_understood(void **state) {
        static const struct {
                const char *text;
                PositionSource source;
                int safe;
        } table[] = {
                { "\"source\":\"grastate\"}", SOURCE_GRASTATE, -1 },
                { "\"source\":\"grastate.dat\"},\"safe_to_bootstrap\":1", SOURCE_GRASTATE, 1 },
                { "\"source\":\"wsrep-recover\"},\"safe_to_bootstrap\":0", SOURCE_RECOVERED, 0 },
                { "\"source\":\"recovered\"},\"safe_to_bootstrap\":true", SOURCE_RECOVERED, 1 },
                { "\"source\":null},\"safe_to_bootstrap\":null", SOURCE_GRASTATE, -1 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                _cleanup_(report_freep) Report *r = NULL;
                char text[512], error[256];

                (void) snprintf(text, sizeof(text), "{" N ",\"position\":{\"uuid\":\"" U "\",\"seqno\":5,%s}", table[i].text);
                CHECK(report_parse(text, &r, error) == 0, table[i].text);
                CHECK(r->source == table[i].source && r->safe_to_bootstrap == table[i].safe, table[i].text);
        }
}

static void other_versions(void **state) {
        char error[256];
        Report *r = NULL;

        (void) state;
        /* A newer one of the same version may say more. */
        assert_int_equal(report_parse("{" N ",\"version\":1,\"mysqld\":\"stopped\",\"mood\":{\"good\":[1,2.5,null]},\"position\":{\"uuid\":\"" U "\",\"seqno\":7,\"since\":\"today\"}}", &r, error), 0);
        assert_int_equal(r->position.seqno, 7);
        r = report_free(r);

        static const char *const refused[] = { "{" N ",\"version\":0}", "{" N ",\"version\":2}", "{\"version\":9223372036854775807}",
                                               "{" N ",\"version\":2,\"mysqld\":[\"in\",\"words\",\"not\",\"known\"]}" };

        for (size_t i = 0; i < ELEMENTS(refused); i++) {
                error[0] = '\0';
                CHECK(report_parse(refused[i], &r, error) == -EPROTONOSUPPORT, refused[i]);
                CHECK(!r, refused[i]);
                CHECK(strstr(error, "version") && strstr(error, "same release"), refused[i]);
        }
}

static void epochs_count_before_serials(void **state) {
        static const struct {
                uint64_t a[2], b[2];
                bool newer;
        } table[] = {
                { { 1, 2 }, { 1, 1 }, true },  { { 1, 1 }, { 1, 1 }, false }, { { 1, 1 }, { 1, 2 }, false },
                { { 2, 1 }, { 1, 9 }, true },  { { 1, 9 }, { 2, 1 }, false }, { { INT64_MAX, 0 }, { 1, 1 }, true },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                Report a = { .epoch = table[i].a[0], .serial = table[i].a[1] }, b = { .epoch = table[i].b[0], .serial = table[i].b[1] };

                assert_int_equal(report_newer(&a, &b), table[i].newer);
        }
}

/* Serial and epoch aside, each difference shows. */
static void whatever_differs_is_not_the_same(void **state) {
        static const char *const different[] = {
                "stopped 5", "stopped 6", "stopped B5", "starting 5", "stopped 5 safe", "stopped 5 unsafe", "stopped 5 weight 2",
                "stopped 5 unwanted", "stopped 5 problem", "stopped 5 mark evicted", "stopped 5 view 3:1", "stopped 5 view 4:1",
                "stopped 5 view 3:12", "stopped 5 view 3:1,2:1", "stopped 5 history a@3", "stopped 5 history a@4", "stopped 5 history -",
                "stopped 5 asking x", "stopped 5 granted x", "stopped 5 asking y", "stopped 5 grant x:1", "stopped 5 grant x:2",
                "stopped 5 grant y:1", "stopped 5 released x", "stopped 5 without 2", "stopped 5 agent z", "stopped blank",
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(different); i++)
                for (size_t k = 0; k < ELEMENTS(different); k++) {
                        _cleanup_free_ char *a = strdup(different[i]), *b = strdup(different[k]);
                        _cleanup_(report_freep) Report *x = case_report("db1", a), *y = case_report("db1", b);

                        y->epoch = 99;
                        CHECK(report_same(x, y) == (i == k), different[i]);
                }
}

static void a_change_of_policy_is_news(void **state) {
        char words[] = "stopped 5";
        _cleanup_(report_freep) Report *r = case_report("db1", words), *c = NULL;

        (void) state;
        assert_int_equal(report_copy(r, &c), 0);
        assert_true(report_same(r, c));
        c->ruling = (Ruling) { POLICY_AUTOMATIC, 1, "db1" };
        assert_false(report_same(r, c));
        r->ruling = (Ruling) { POLICY_MANUAL, 1, "db1" };
        assert_false(report_same(r, c));
        c->ruling = (Ruling) { POLICY_MANUAL, 1, "db2" };
        assert_false(report_same(r, c));
        r->ruling = c->ruling;
        assert_true(report_same(r, c));
        c->asked = true;
        assert_false(report_same(r, c));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(reports_survive_the_wire),
                cmocka_unit_test(a_change_of_policy_is_news),
                cmocka_unit_test(replication_survives_the_wire),
                cmocka_unit_test(what_comes_in_survives_the_wire),
                cmocka_unit_test(what_is_not_said_of_replication_is_unknown),
                cmocka_unit_test(nonsense_of_replication_is_refused),
                cmocka_unit_test(every_bit_of_a_seqno_survives),
                cmocka_unit_test(a_report_as_large_as_can_be_fits),
                cmocka_unit_test(arbitrators_are_told),
                cmocka_unit_test(what_no_report_can_hold_is_an_error),
                cmocka_unit_test(sentences_need_not_be_utf8),
                cmocka_unit_test(names_are_what_a_report_can_hold),
                cmocka_unit_test(nonsense_is_refused_and_named),
                cmocka_unit_test(limits_are_exact),
                cmocka_unit_test(marks_bring_their_evidence),
                cmocka_unit_test(what_is_absent_is_unknown),
                cmocka_unit_test(words_of_the_files_are_understood),
                cmocka_unit_test(other_versions),
                cmocka_unit_test(epochs_count_before_serials),
                cmocka_unit_test(whatever_differs_is_not_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
