/* `mainstayctl explain`: of what an agent has heard, in what state a node is, what would
 * change that, and the evidence; a table of situations, and the commands that are named. */
#include "domain/json.h"
#include "edge/ctl-explain.h"
#include "scratch.h"

#define NOW (1000000 * USEC_PER_SEC)

#define UUID "3f2c1a9b-1111-11ee-8000-0123456789ab"
#define REPORT(node, mysqld, more) "{\"node\":\"" node "\",\"mysqld\":\"" mysqld "\",\"wanted\":true,\"position\":{\"uuid\":\"" UUID "\",\"seqno\":20,\"source\":\"recovered\"}" more "}"
#define KNOWN(node, mysqld, more) "{\"label\":\"" node "\",\"node\":\"" node "\",\"condition\":\"known\",\"why\":\"\",\"report\":" REPORT(node, mysqld, more) "}"
#define PEER(node, condition, why) "{\"label\":\"" node "\",\"node\":\"" node "\",\"condition\":\"" condition "\",\"why\":\"" why "\",\"report\":null}"
#define SELF(state, waiting, mysqld, more) "\"name\":\"db1\",\"state\":\"" state "\",\"reason\":\"\",\"waiting\":\"" waiting "\",\"mysqld\":\"" mysqld "\",\"report\":" REPORT("db1", mysqld, more)
#define POLICY(name) "\"policy\":{\"name\":\"" name "\",\"version\":1,\"node\":\"db2\"}"
#define PLAN(action, node, awaited, policy, reasons) "\"plan\":{\"action\":\"" action "\",\"node\":" node ",\"awaited\":[" awaited "],\"policy\":\"" policy "\",\"reasons\":[" reasons "]}"

/* Of servers that replicate. */
#define MASTER "{\"node\":\"db1\",\"mysqld\":\"starting\",\"wanted\":true,\"replication\":{\"answers\":true,\"flavour\":\"mariadb\",\"server_id\":1,\"binlog\":true,\"replicas\":1,\"gtid_slave_pos\":\"\",\"gtid_binlog_pos\":\"0-1-22\",\"gtid_binlog_state\":\"0-1-22\"}}"
#define REPLICA(more, threads) "{\"node\":\"db2\",\"mysqld\":\"starting\",\"wanted\":true" more ",\"replication\":{\"answers\":true,\"flavour\":\"mariadb\",\"server_id\":2,\"read_only\":true,\"replicas\":0," \
        "\"gtid_slave_pos\":\"0-1-20\",\"gtid_binlog_pos\":\"\",\"gtid_binlog_state\":\"\",\"channels\":[{\"host\":\"db1\",\"port\":3306,\"source_id\":1,\"by_gtid\":true," threads "}]}}"
#define SERVICE(replica) "{\"name\":\"db1\",\"state\":\"ONLINE\",\"waiting\":\"\",\"mysqld\":\"starting\",\"report\":" MASTER ",\"peers\":[{\"label\":\"db2\",\"node\":\"db2\",\"condition\":\"known\",\"why\":\"\",\"report\":" replica "}]}"
#define BOTH "\"receiver\":{\"state\":\"running\"},\"applier\":{\"state\":\"running\"}"

static const struct {
        const char *what, *picture, *node;
        const char *state, *reason; /* the beginning of it; NULL: there is none */
        const char *commands[4];    /* that are named, in order */
        const char *evidence[4];    /* parts of it */
} cases[] = {
        { "it serves", "{" SELF("ONLINE", "", "primary", "") "}", "db1", "ONLINE", NULL, { NULL }, { "It is this node", "It is primary." } },
        { "it waits for one who is silent",
          "{" SELF("OFFLINE", "Waiting for db3.", "stopped", "") "," PLAN("wait", "null", "\"db3\"", "automatic", "{\"node\":\"db3\",\"text\":\"db3 may hold commits.\"}") ",\"peers\":[" PEER("db3", "uncertain", "no route") "]}",
          "db1", "OFFLINE", "Waiting for db3.", { "mainstayctl explain db3", "mainstayctl plan --without db3" }, { "It is stopped, and is to run.", UUID ":20, found by wsrep-recover" } },
        { "who is silent, and waited for",
          "{" SELF("OFFLINE", "Waiting for db3.", "stopped", ",\"view\":{\"uuid\":\"" UUID "\",\"seqno\":19,\"members\":[\"db1\",\"db3\"]}") ","
          PLAN("wait", "null", "\"db3\"", "automatic", "{\"node\":\"db3\",\"text\":\"db3 may hold commits.\"}") ",\"peers\":[" PEER("db3", "uncertain", "no route") "]}",
          "db3", "uncertain", "db3 may hold commits.", { "systemctl status mainstayd", "mainstayctl setup --check", "mainstayctl plan --without db3" },
          { "Its agent does not answer db1 (no route)", "It has not been heard since the agent of db1", "db1 had it in the last Primary view" } },
        { "who is silent, and not waited for",
          "{" SELF("ONLINE", "", "primary", "") "," PLAN("join", "\"db1\"", "", "automatic", "") ",\"peers\":[" PEER("db3", "uncertain", "no route") "]}",
          "db3", "uncertain", "Not heard: no route", { "systemctl status mainstayd", "mainstayctl setup --check" }, { "no route" } },
        { "its server answers alone",
          "{" SELF("ONLINE", "", "primary", "") ",\"peers\":[" PEER("db3", "alive", "refused") "]}",
          "db3", "alive", "No agent answers there: refused", { "systemctl status mainstayd; systemctl start mainstayd" }, { "refused" } },
        { "it is diverged",
          "{" SELF("ONLINE", "", "primary", "") "," PLAN("join", "\"db1\"", "", "automatic", "") ",\"peers\":[" KNOWN("db2", "stopped", ",\"marks\":[\"diverged\"],\"mark_evidence\":{\"diverged\":\"It committed 3 alone.\"}") "]}",
          "db2", "SHUNNED", "marked: diverged. It committed 3 alone.", { "mainstayctl recover --dry-run" }, { "diverged. It committed 3 alone." } },
        { "a person keeps it out",
          "{" SELF("ONLINE", "", "primary", "") ",\"peers\":[" KNOWN("db2", "primary", ",\"shun\":{\"reason\":\"a fan\",\"owner\":\"anna\",\"since\":5}") "]}",
          "db2", "SHUNNED", "a fan, by anna", { "mainstayctl online db2" }, { "a fan, by anna" } },
        { "a person has set it offline",
          "{" SELF("ONLINE", "", "primary", "") ",\"peers\":[" KNOWN("db2", "primary", ",\"offline\":true") "]}",
          "db2", "OFFLINE", "It was set offline.", { "mainstayctl online db2" }, { "until: mainstayctl online db2" } },
        { "a person has stopped it",
          "{" SELF("ONLINE", "", "primary", "") "," PLAN("join", "\"db1\"", "", "automatic", "") ",\"peers\":[" KNOWN("db2", "stopped", ",\"wanted\":false") "]}",
          "db2", "OFFLINE", NULL, { "systemctl start mainstay-join" }, { "a person has stopped it" } },
        { "it leads under manual",
          "{" SELF("OFFLINE", "This node has the newest data.", "stopped", "") "," POLICY("manual") "," PLAN("bootstrap", "\"db1\"", "", "manual", "") "}",
          "db1", "OFFLINE", "This node has the newest data.", { "systemctl start mainstay-bootstrap" }, { "manual, set on db2: " } },
        { "under maintenance",
          "{" SELF("OFFLINE", "x", "stopped", "") "," POLICY("maintenance") "," PLAN("join", "\"db2\"", "", "maintenance", "") "}",
          "db1", "OFFLINE", "x", { "mainstayctl policy manual", "systemctl start mainstay-join" }, { "maintenance" } },
        { "another one leads",
          "{" SELF("OFFLINE", "Waiting for db2.", "stopped", "") "," PLAN("bootstrap", "\"db2\"", "", "automatic", "") "}",
          "db1", "OFFLINE", "Waiting for db2.", { "mainstayctl explain db2" }, { NULL } },
        { "a person must decide",
          "{" SELF("OFFLINE", "x", "stopped", "") "," PLAN("refuse", "null", "", "automatic", "{\"node\":null,\"text\":\"Their data have parted.\"}") "}",
          "db1", "OFFLINE", "x", { "mainstayctl plan" }, { "Their data have parted." } },
        { "a full copy comes in",
          "{" SELF("ONLINE", "", "primary", "") ",\"peers\":[" KNOWN("db2", "starting", ",\"transfer\":{\"full\":true,\"received\":1073741824,\"rate\":1048576,\"since\":999990000000,\"from\":\"db1\"}") "]}",
          "db2", "OFFLINE", "mysqld is receiving a full copy (SST) from db1: at least 1.0 GiB", { NULL }, { "1.0 MiB a second, for 10 s" } },
        { "its files are spoilt",
          "{" SELF("ONLINE", "", "primary", "") ",\"peers\":[" KNOWN("db2", "stopped", ",\"problem\":\"grastate.dat is empty\"") "]}",
          "db2", "FAILED", "grastate.dat is empty", { "mainstayctl doctor" }, { "grastate.dat is empty" } },
        { "its files are spoilt, and a copy mends that",
          "{" SELF("ONLINE", "", "primary", "") "," PLAN("join", "\"db1\"", "", "automatic", "") ",\"peers\":[" KNOWN("db2", "stopped", ",\"problem\":\"grastate.dat is empty\",\"wanted\":false") "]}",
          "db2", "FAILED", "grastate.dat is empty", { "systemctl start mainstay-join", "mainstayctl doctor" }, { "grastate.dat is empty" } },
        { "it rests",
          "{" SELF("ONLINE", "", "primary", "") "," PLAN("join", "\"db1\"", "", "automatic", "") ",\"peers\":[" KNOWN("db2", "stopped", ",\"resting\":true,\"join_failures\":2") "]}",
          "db2", "OFFLINE", NULL, { "mainstayctl join" }, { "It has failed to join 2 times in a row, and rests" } },
        { "it has granted another one",
          "{" SELF("OFFLINE", "x", "stopped", ",\"grant\":{\"id\":\"" UUID "\",\"holder\":\"db2\"}") "," PLAN("bootstrap", "\"db2\"", "", "automatic", "") ",\"peers\":[" KNOWN("db2", "stopped", ",\"claim\":{\"id\":\"" UUID "\",\"state\":\"asking\"}") "]}",
          "db2", "OFFLINE", NULL, { NULL }, { "It claims to lead; the claim is asking.", "db1 has granted it to lead." } },
        { "a replica in service", SERVICE(REPLICA("", BOTH)), "db2", "ONLINE", NULL, { NULL }, { "replica of db1", "db1 is the primary" } },
        { "a replica whose applier failed", SERVICE(REPLICA("", "\"receiver\":{\"state\":\"running\"},\"applier\":{\"state\":\"stopped\",\"errno\":1062,\"error\":\"Duplicate\"}")),
          "db2", "FAILED", "its applier has failed: Duplicate", { "mainstayctl recover db2", "mainstayctl provision db2 --dry-run" }, { "0-1-20" } },
        { "a replica that is shunned", SERVICE(REPLICA(",\"shun\":{\"reason\":\"a fan\",\"owner\":\"anna\",\"since\":5}", BOTH)), "db2", "SHUNNED", "a fan, by anna", { "mainstayctl online db2", "mainstayctl recover db2" }, { "a fan, by anna" } },
        { "a replica that is set offline", SERVICE(REPLICA(",\"offline\":true", BOTH)), "db2", "OFFLINE", "", { "mainstayctl online db2" }, { "It was set so" } },
        { "one that replicates is silent, and its server answers", "{\"name\":\"db1\",\"state\":\"ONLINE\",\"waiting\":\"\",\"mysqld\":\"starting\",\"report\":" MASTER ",\"peers\":[" PEER("db2", "alive", "refused") "]}",
          "db2", "UNKNOWN", "its agent is not heard: refused", { "systemctl status mainstayd; systemctl start mainstayd" }, { "Its agent does not answer db1 (refused)" } },
        { "a job is at work",
          SERVICE(REPLICA(",\"job\":{\"id\":4,\"kind\":\"provision\",\"node\":\"db2\",\"source\":\"db1\",\"by\":\"anna\",\"begun\":1000000,\"state\":\"running\",\"steps\":[]}", "\"receiver\":{\"state\":\"stopped\"},\"applier\":{\"state\":\"stopped\"}")),
          "db2", "OFFLINE", "", { "mainstayctl -H db2 job follow" }, { "job 4: provision, by db1" } },
};

static bool has(const json_t *list, const char *key, const char *what) {
        const json_t *o;
        size_t i;

        json_array_foreach((json_t *) list, i, o)
                if (strstr(text_of(o, key), what))
                        return true;
        return false;
}

static void each_situation_is_explained(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                json_t *picture = json_loads(cases[i].picture, 0, NULL) /* a key that is given again prevails */, *o = NULL, *changes;
                size_t n = 0;

                CHECK(picture, cases[i].what);
                CHECK(explain_make(picture, NULL, NULL, cases[i].node, NOW, &o) == 0, cases[i].what);
                if (!streq(text_of(o, "state"), cases[i].state))
                        fail_msg("%s: it is %s", cases[i].what, text_of(o, "state"));
                if (cases[i].reason ? strncmp(text_of(o, "reason"), cases[i].reason, strlen(cases[i].reason)) != 0 : *text_of(o, "reason") != 0)
                        fail_msg("%s: the reason is %s", cases[i].what, text_of(o, "reason"));
                changes = json_object_get(o, "changes");
                for (size_t k = 0; k < json_array_size(changes); k++) {
                        const char *command = text_of(json_array_get(changes, k), "command");

                        if (!*command) /* nothing is typed for it */
                                continue;
                        if (n == ELEMENTS(cases[i].commands) || !streq(command, str_or(cases[i].commands[n], "")))
                                fail_msg("%s: what is typed is \"%s\", for: %s", cases[i].what, command, text_of(json_array_get(changes, k), "text"));
                        n++;
                }
                CHECK(n == ELEMENTS(cases[i].commands) || !cases[i].commands[n], cases[i].what);
                CHECK((json_array_size(changes) > 0) == !streq(cases[i].state, "ONLINE"), cases[i].what);
                for (size_t k = 0; k < ELEMENTS(cases[i].evidence) && cases[i].evidence[k]; k++)
                        if (!has(json_object_get(o, "evidence"), "text", cases[i].evidence[k])) {
                                _cleanup_free_ char *text = json_dumps(json_object_get(o, "evidence"), JSON_INDENT(1));

                                fail_msg("%s: \"%s\" is not in %s", cases[i].what, cases[i].evidence[k], text);
                        }
                json_decref(o);
                json_decref(picture);
        }
}

static const char grounds_text[] =
        "{\"unit\":\"mariadb.service\",\"gate_waits\":true,\"recovery\":{\"position\":\"" UUID ":20\",\"text\":\"found.\",\"prepared\":false},"
        " \"files\":{\"grastate\":\"line 3 is no uuid\"},\"claim\":{\"state\":\"asking\",\"manner\":\"restart\",\"needed\":[\"db1\",\"db3\"],\"granted\":[\"db1\"]},"
        " \"peers\":[{\"label\":\"db3\",\"known\":false,\"since\":999000000000,\"last\":{\"mysqld\":\"primary\",\"position\":\"" UUID ":25\"}}]}";

static void what_only_the_agent_and_systemd_know_is_told(void **state) {
        json_t *picture = json_loads("{" SELF("OFFLINE", "x", "stopped", "") ",\"peers\":[" PEER("db3", "uncertain", "no route") "]}", 0, NULL), *grounds = json_loads(grounds_text, 0, NULL), *o = NULL;
        json_t *unit = json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", "mariadb.service", "active", "failed", "sub", "failed", "result", "exit-code", "gated", 0);
        _cleanup_free_ char *text = NULL;
        const json_t *evidence;
        Style plain = {};
        size_t size;
        FILE *f;

        (void) state;
        assert_int_equal(explain_make(picture, grounds, unit, "db1", NOW, &o), 0);
        evidence = json_object_get(o, "evidence");
        assert_true(has(evidence, "text", "mariadb.service is failed (failed); its last run ended with: exit-code."));
        assert_true(has(evidence, "text", "There is no drop-in of Mainstay's in mariadb.service: its starts are not guarded."));
        assert_true(has(evidence, "text", UUID ":20. found."));
        assert_true(has(evidence, "text", "line 3 is no uuid"));
        assert_true(has(evidence, "text", "db1 and db3 must grant it; granted by db1."));
        json_decref(o);

        (void) json_object_set_new(unit, "gated", json_true());
        assert_int_equal(explain_make(picture, grounds, unit, "db1", NOW, &o), 0);
        assert_false(has(json_object_get(o, "evidence"), "text", "not guarded"));
        assert_true(has(json_object_get(o, "evidence"), "text", "A start of mysqld waits at the gate."));
        json_decref(o);

        assert_int_equal(explain_make(picture, grounds, unit, "db3", NOW, &o), 0);
        assert_true(has(json_object_get(o, "evidence"), "text", "16 min 40 s ago"));
        assert_true(has(json_object_get(o, "evidence"), "text", "Until then its mysqld was primary, at " UUID ":25."));
        assert_false(has(json_object_get(o, "evidence"), "text", "mariadb.service")); /* that is of another machine */
        f = open_memstream(&text, &size);
        explain_print(f, &plain, o);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(strncmp(text, "db3 is uncertain:\n  Not heard: no route\n\nWhat would change that\n", 62), 0);
        json_decref(o);

        assert_int_equal(explain_make(picture, grounds, unit, "db9", NOW, &o), -ENOENT);
        json_decref(unit);
        json_decref(grounds);
        json_decref(picture);
}

/* They are of another machine. */
static void no_control_character_reaches_the_terminal(void **state) {
        json_t *picture = json_loads("{" SELF("ONLINE", "", "primary", "") ",\"peers\":[" PEER("db3\\u001b[2J", "gone\\r\\u009b", "no\\u0007 route") "]}", 0, NULL), *o = NULL;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        const Style plain = {0};

        (void) state;
        assert_non_null(picture);
        assert_int_equal(explain_make(picture, NULL, NULL, "db3\x1b[2J", NOW, &o), 0);
        explain_print(f, &plain, o);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(strncmp(text, "db3?[2J is gone ??:\n", 20), 0);
        assert_null(strpbrk(text, "\r\x1b\x07"));
        json_decref(o);
        json_decref(picture);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_situation_is_explained),
                cmocka_unit_test(what_only_the_agent_and_systemd_know_is_told),
                cmocka_unit_test(no_control_character_reaches_the_terminal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
