/* `mainstayctl history`: how the decisions of the past are shown, and what of them is asked
 * for. That they are read from a journal, the lab shows. */
#include "edge/ctl-args.h"
#include "edge/ctl-history.h"
#include "edge/ctl-time.h"
#include "scratch.h"
#include "sys/message-ids.h"

#define BEGUN 1000 /* 1970-01-01 00:16:40 */

typedef struct Page {
        FILE *f;
        char *text;
        size_t size;
} Page;

static void page_is(const json_t *list, const Style *style, bool verbose, const char *want) {
        Page p = {0};

        p.f = open_memstream(&p.text, &p.size);
        assert_non_null(p.f);
        assert_int_equal(history_print(p.f, style, list, verbose), 0);
        assert_int_equal(fclose(p.f), 0);
        if (!streq(p.text, want))
                fail_msg("not\n%s\nbut\n%s", want, p.text);
        free(p.text);
}

static json_t *entry(int after, const char *boot, const char *message_id, const char *text) {
        json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:n, s:[]}", "time", (json_int_t) (BEGUN + after) * (json_int_t) USEC_PER_SEC, "boot", boot, "node", "db1", "what",
                              history_word(message_id, NULL), "message_id", message_id, "text", text, "evidence", "peers");

        assert_non_null(o);
        return o;
}

static json_t *story(void) {
        json_t *list = json_array(), *claim;
        json_t *evidence = json_loads("{\"action\":\"bootstrap\",\"node\":\"db1\",\"manner\":\"restart\",\"needed\":[\"db1\",\"db2\",\"db3\"],\"awaited\":[],\"nodes\":["
                                      "{\"node\":\"db1\",\"condition\":\"known\",\"mysqld\":\"stopped\",\"position\":\"8d0c6e1e-0000-0000-0000-000000000001:4711\",\"source\":\"recovered\","
                                      "\"safe_to_bootstrap\":true,\"view\":{\"seqno\":4690,\"members\":[\"db1\",\"db2\",\"db3\"]}},"
                                      "{\"node\":\"db2\",\"condition\":\"known\",\"mysqld\":\"stopped\",\"view_problem\":\"it is empty.\",\"marks\":[\"aborted-sst\"],\"granted_to\":\"db3\"},"
                                      "{\"node\":\"db3\",\"condition\":\"uncertain\",\"why\":\"ssh: No route\\u001b to host\"},"
                                      "{\"node\":\"db4\",\"condition\":\"alive\"}]}",
                                      0, NULL);

        assert_non_null(evidence);
        assert_int_equal(json_array_append_new(list, entry(0, "a", MESSAGE_PEER_LOST, "The agent of db2 is not heard any more: its agent is not running.")), 0);
        claim = entry(60, "b", MESSAGE_CLAIM_MADE, "This node has the newest data\nand claims the bootstrap.");
        assert_int_equal(json_object_set_new(claim, "evidence", evidence), 0);
        assert_int_equal(json_object_set_new(claim, "claim", json_string("1234")), 0);
        assert_int_equal(json_array_append_new(list, claim), 0);
        assert_int_equal(json_array_append_new(list, entry(61, "b", MESSAGE_BOOTSTRAPPED, "This node has formed the cluster.")), 0);
        return list;
}

static void each_is_a_line_and_a_boot_one_between(void **state) {
        const Style plain = {0};
        json_t *list = story();

        (void) state;
        page_is(list, &plain, false,
                "TIME                 NODE  WHAT          HOW AND WHY\n"
                "1970-01-01 00:16:40  db1   lost          The agent of db2 is not heard any more: its agent is not running.\n"
                "                                         (the machine has booted)\n"
                "1970-01-01 00:17:40  db1   claims        This node has the newest data and claims the bootstrap.\n"
                "1970-01-01 00:17:41  db1   bootstrapped  This node has formed the cluster.\n");
        json_decref(list);
}

static void with_the_evidence_each_is_a_paragraph(void **state) {
        const Style plain = {0};
        json_t *list = story();

        (void) state;
        page_is(list, &plain, true,
                "1970-01-01 00:16:40  db1  lost\n"
                "    The agent of db2 is not heard any more: its agent is not running.\n"
                "\n"
                "(the machine has booted)\n"
                "\n"
                "1970-01-01 00:17:40  db1  claims\n"
                "    This node has the newest data and claims the bootstrap.\n"
                "    claim: 1234\n"
                "    What it rests on:\n"
                "      db1: stopped at 8d0c6e1e:4711 (recovered); last Primary view at 4690: db1, db2 and db3; safe_to_bootstrap\n"
                "      db2: stopped, of no known position; no record of views that can be trusted: it is empty; marked aborted-sst; has promised db3 the lead\n"
                "      db3: not heard: ssh: No route? to host\n"
                "      db4: its agent is not heard, and its server answers\n"
                "      So: bootstrap db1 (restart); needed: db1, db2 and db3\n"
                "\n"
                "1970-01-01 00:17:41  db1  bootstrapped\n"
                "    This node has formed the cluster.\n");
        json_decref(list);
}

static void of_a_service_it_is_told_what_each_was(void **state) {
        const Style plain = {0};
        json_t *list = json_array(), *job = entry(0, "a", MESSAGE_JOB_BEGUN, "The policy has this node recover, by db1: job 3.");
        json_t *evidence = json_loads("{\"primary\":\"db1 is the primary.\",\"nodes\":["
                                      "{\"node\":\"db2\",\"condition\":\"known\",\"role\":\"replica\",\"source\":\"db1\",\"state\":\"FAILED\",\"reason\":\"its replicator has failed.\"},"
                                      "{\"node\":\"db1\",\"condition\":\"known\",\"role\":\"primary\",\"state\":\"ONLINE\"},"
                                      "{\"node\":\"db3\",\"condition\":\"known\",\"role\":\"replica\",\"source\":\"db1\",\"state\":\"ONLINE\",\"lag\":2}]}",
                                      0, NULL);

        (void) state;
        assert_non_null(evidence);
        assert_int_equal(json_object_set_new(job, "evidence", evidence), 0);
        assert_int_equal(json_object_set_new(job, "caller", json_string("the policy")), 0);
        assert_int_equal(json_array_append_new(list, job), 0);
        page_is(list, &plain, true,
                "1970-01-01 00:16:40  db1  job-begun\n"
                "    The policy has this node recover, by db1: job 3.\n"
                "    caller: the policy\n"
                "    What it rests on:\n"
                "      db2: replica of db1, FAILED: its replicator has failed\n"
                "      db1: primary, ONLINE\n"
                "      db3: replica of db1, ONLINE; 2 s behind\n"
                "      db1 is the primary.\n");
        json_decref(list);
}

static void colours_are_for_terminals(void **state) {
        const Style terminal = { .colour = true };
        json_t *list = json_array();

        (void) state;
        assert_int_equal(json_array_append_new(list, entry(0, "a", MESSAGE_JOB_FAILED, "It failed.")), 0);
        page_is(list, &terminal, true, "1970-01-01 00:16:40  db1  \033[31mjob-failed\033[0m\n    It failed.\n");
        json_decref(list);
}

/* A word is one message's alone, or nobody could look for it. */
static void words_are_unique(void **state) {
        const char *id, *other;

        (void) state;
        for (size_t i = 0; (id = history_id(i)); i++)
                for (size_t k = 0; (other = history_id(k)); k++)
                        if (i != k) {
                                assert_string_not_equal(id, other);
                                assert_string_not_equal(history_word(id, NULL), history_word(other, NULL));
                        }
        assert_null(history_word("0123456789abcdef0123456789abcdef", NULL));
}

/* 2026-11-28 03:30:00 UTC */
#define NOW ((usec_t) 1795836600)

static void times_are_as_people_type_them(void **state) {
        static const struct {
                const char *text;
                int64_t back; /* seconds before NOW, -1: none */
        } cases[] = {
                { "90", 90 }, { "90s", 90 }, { "30m", 1800 }, { "2h", 7200 }, { "3d", 259200 },
                { "03:00", 1800 }, { "03:29:59", 1 }, { "2026-11-28", 12600 }, { "2026-11-28 03:00", 1800 },
                { "2026-11-27 03:30:00", 86400 }, { "@1795836599", 1 }, { "@0", (int64_t) NOW }, { "03:30", 0 },
                { "03:30:01", -1 }, { "2026-11-29", -1 }, { "9999-01-01", -1 }, { "@1795836601", -1 }, /* yet to come */
                { "", -1 }, { "2x", -1 }, { "-2h", -1 }, { "0", -1 }, { "yesterday", -1 }, { "2026-13-01", -1 }, { "03:00 ", -1 }, { "@", -1 }, { "@-1", -1 }, { "@1x", -1 }, { "99999999999d", -1 },
        };
        usec_t at;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                int r = time_parse_since(cases[i].text, NOW * USEC_PER_SEC, &at);

                if (cases[i].back < 0 ? r != -EINVAL : r < 0 || at != (NOW - (usec_t) cases[i].back) * USEC_PER_SEC)
                        fail_msg("\"%s\" gives %d, %llu", cases[i].text, r, (unsigned long long) at);
        }
}

static void what_is_typed_is_checked(void **state) {
        static const struct {
                const char *words[6], *complaint;
        } cases[] = {
                { { "history" }, NULL },
                { { "history", "db2", "-n", "0", "--verbose" }, NULL },
                { { "-H", "root@db2", "history", "--since=2h" }, NULL },
                { { "history", "-n", "-1" }, "-n" },
                { { "history", "--since", "soon" }, "--since" },
                { { "history", "db/2" }, "name of a node" },
                { { "history", "db1", "db2" }, "one word too many" },
                { { "history", "--address=unix:path=/x" }, "does not go with" },
                { { "status", "--since=2h" }, "does not go with" },
        };
        char error[256];
        Args a;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char *argv[8] = { (char *) "mainstayctl" };
                int n = 1, r;

                for (size_t k = 0; k < ELEMENTS(cases[i].words) && cases[i].words[k]; k++)
                        argv[n++] = (char *) cases[i].words[k];
                r = args_parse(n, argv, &a, error);
                if (cases[i].complaint ? r != -EINVAL || !strstr(error, cases[i].complaint) : r < 0 || a.verb != VERB_HISTORY)
                        fail_msg("case %zu: %d, %s", i, r, error);
        }
        char *argv[] = { (char *) "mainstayctl", (char *) "history", NULL };
        assert_int_equal(args_parse(2, argv, &a, error), 0);
        assert_int_equal(a.lines, ARGS_LINES);
        assert_true(!a.verbose && a.since == 0 && !a.node);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_is_a_line_and_a_boot_one_between),
                cmocka_unit_test(with_the_evidence_each_is_a_paragraph),
                cmocka_unit_test(of_a_service_it_is_told_what_each_was),
                cmocka_unit_test(colours_are_for_terminals),
                cmocka_unit_test(words_are_unique),
                cmocka_unit_test(times_are_as_people_type_them),
                cmocka_unit_test(what_is_typed_is_checked),
        };

        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
