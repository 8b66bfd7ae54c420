/* The pure parts of mainstayctl: what is typed, the table, and the plan. */
#include "edge/ctl-args.h"
#include "edge/ctl-doctor.h"
#include "edge/ctl-service.h"
#include "edge/ctl-ssh.h"
#include "edge/ctl-table.h"
#include "scratch.h"

#define WORDS_MAX 10

/* Arguments */

static const struct {
        const char *typed;
        Verb verb;
        size_t n_without;
} understood[] = {
        { "", VERB_STATUS, 0 },
        { "status --watch", VERB_STATUS, 0 },
        { "--json status", VERB_STATUS, 0 },
        { "-H root@db2 plan", VERB_PLAN, 0 },
        { "plan --without db3", VERB_PLAN, 1 },
        { "plan --without db3 db4", VERB_PLAN, 2 },
        { "plan --without db3,db4 --without db5", VERB_PLAN, 3 },
        { "plan --without db3 --without db3", VERB_PLAN, 1 },
        { "bootstrap --without db3 --no-wait", VERB_BOOTSTRAP, 1 },
        { "bootstrap --force=new-cluster", VERB_BOOTSTRAP, 0 },
        { "join --address unix:path=/x", VERB_JOIN, 0 },
        { "recover db3 --dry-run", VERB_RECOVER, 0 },
        { "recover --yes --force=space --no-wait", VERB_RECOVER, 0 },
        { "join --donor db2 --no-wait", VERB_JOIN, 0 },
        { "report", VERB_REPORT, 0 },
        { "policy", VERB_POLICY, 0 },
        { "-H db2 policy manual --json", VERB_POLICY, 0 },
        { "job", VERB_JOB, 0 },
        { "job list --json", VERB_JOB, 0 },
        { "-H db2 job show", VERB_JOB, 0 },
        { "job follow 12", VERB_JOB, 0 },
        { "job cancel 99999999", VERB_JOB, 0 },
        { "recover", VERB_RECOVER, 0 },
        { "shun db2 --reason fan --owner anna --for 2h", VERB_SHUN, 0 },
        { "online", VERB_ONLINE, 0 },
        { "offline db2 --dry-run", VERB_OFFLINE, 0 },
        { "drain db2 --no-wait", VERB_DRAIN, 0 },
        { "repoint db2", VERB_REPOINT, 0 },
        { "provision", VERB_PROVISION, 0 },
        { "provision db2 --source db3 --method mariadb-backup --force=space", VERB_PROVISION, 0 },
        { "provision commit", VERB_PROVISION, 0 },
        { "provision rollback db2", VERB_PROVISION, 0 },
        { "repoint db2 db1 --force=primary", VERB_REPOINT, 0 },
        { "replicator db2 offline", VERB_REPLICATOR, 0 },
        { "replicator db2 replica db1", VERB_REPLICATOR, 0 },
        { "setup --check", VERB_SETUP, 0 },
        { "setup db2 admin@db3.example.net 192.0.2.4", VERB_SETUP, 0 },
        { "setup --keys --json", VERB_SETUP, 0 },
        { "setup --key /k --peer-keys /all --wait 5m", VERB_SETUP, 0 },
        { "setup --undo --force=job --force=claim db2", VERB_SETUP, 0 },
        { "setup --check db2", VERB_SETUP, 0 },
        { "setup --replication-user replicator --replication-password-file -", VERB_SETUP, 0 },
        { "doctor --json", VERB_DOCTOR, 0 },
        { "--help", VERB_HELP, 0 },
        { "bootstrap --help", VERB_HELP, 0 },
        { "--version", VERB_VERSION, 0 },
        { "plan a.json b.json", VERB_PLAN, 0 },
        { "plan a.json b.json --expect db1,db2 --json", VERB_PLAN, 0 },
        { "plan a.json --without db3 db4 --json b.json", VERB_PLAN, 2 },
        { "plan --without db3 -- a.json", VERB_PLAN, 1 },
        { "inspect --datadir /x --grastate a --gvwstate b --recover-log c", VERB_INSPECT, 0 },
        { "help", VERB_HELP, 0 },
        { "help provision", VERB_HELP, 0 },
        { "shun --help", VERB_HELP, 0 },
        { "--version --json", VERB_VERSION, 0 },
        { "explain", VERB_EXPLAIN, 0 },
        { "-H db1 explain db2 --json", VERB_EXPLAIN, 0 },
};

static const struct {
        const char *typed, *word; /* of the complaint */
} mistaken[] = {
        { "frobnicate", "frobnicate" },
        { "frobnicate --help", "no verb \"frobnicate\"" },
        { "help frobnicate", "no verb \"frobnicate\"" },
        { "help plan join", "one word too many" },
        { "help --watch", "does not go with" },
        { "stauts", "Did you mean: status?" },
        { "explian db2", "Did you mean: explain?" },
        { "boot", "\"boot\"." },
        { "explain db1 db2", "one word too many" },
        { "explain --watch", "does not go with" },
        { "shun", "shun wants the name of a node" },
        { "shun db2 --for ever", "--for wants a time" },
        { "shun db2 --for 0s", "--for wants a time" },
        { "shun db2 --for 9999999999d", "--for wants a time" },
        { "online --for 2h", "--for does not go with" },
        { "shun db2 db3", "one word too many" },
        { "shun a,b", "the name of a node" },
        { "repoint", "repoint wants the name of a node" },
        { "provision db2 db3", "one word too many" },
        { "provision db3 commit", "one word too many. Did you mean: provision commit db3?" },
        { "provision db3 rollback", "Did you mean: provision rollback db3?" },
        { "provision commit db3 commit", "\"commit\" is one word too many." },
        { "commit db3", "no verb \"commit\". Did you mean: provision commit NODE?" },
        { "rollback", "Did you mean: provision rollback NODE?" },
        { "cancel 12", "Did you mean: job cancel?" },
        { "manual", "Did you mean: policy manual?" },
        { "online db3 commit", "one word too many" },
        { "provision commit db2 --source db3", "takes no copy" },
        { "provision db2 --force=magic", "space, primary, or errant" },
        { "recover db2 --source db3", "does not go with" },
        { "repoint db2 db1 db3", "one word too many" },
        { "repoint db2 --force=space", "It is primary" },
        { "replicator db2", "offline, online or replica" },
        { "replicator db2 master", "offline, online or replica, not" },
        { "replicator db2 offline db1", "one word too many" },
        { "status extra", "extra" },
        { "--frobnicate", "--frobnicate" },
        { "plan --without", "--without" },
        { "plan --without a,,b", "a,,b" },
        { "plan --without a/b", "a/b" },
        { "status --without db3", "without" },
        { "join --watch", "it does with: status." },
        { "shun --source db1", "it does with: provision." },
        { "join --yes", "yes" },
        { "plan --dry-run", "dry-run" },
        { "recover --force=new-cluster", "space, diverged, stray or prepared" },
        { "recover --force=aborted-sst", "space, diverged, stray or prepared" },
        { "bootstrap --force=space", "new-cluster" },
        { "recover db2 db3", "one word too many" },
        { "join --force=new-cluster", "force" },
        { "bootstrap --force=all", "new-cluster" },
        { "plan --no-wait", "no-wait" },
        { "policy mild", "automatic, manual or maintenance" },
        { "policy manual maintenance", "maintenance" },
        { "policy Manual", "Manual" },
        { "policy manual --without db3", "without" },
        { "status manual", "manual" },
        { "bootstrap --donor db2", "donor" },
        { "job stop", "list, show, follow or cancel" },
        { "job 12", "list, show, follow or cancel" },
        { "job list 12", "12" },
        { "job show 12 13", "13" },
        { "job show 0", "not the ID" },
        { "job show -1", "-1" },
        { "job show twelve", "not the ID" },
        { "job follow 100000000", "not the ID" },
        { "job cancel", "wants the ID" },
        { "job --watch", "watch" },
        { "job cancel 12 --force=space", "force" },
        { "job show 12 --no-wait", "no-wait" },
        { "show 12", "show" },
        { "join --donor a;b", "--donor" },
        { "join --donor -x", "--donor" },
        { "setup -H db2", "host" },
        { "setup --replication-user replicator", "go together" },
        { "setup --replication-password-file /x", "go together" },
        { "setup --replication-user o'neill --replication-password-file -", "--replication-user" },
        { "setup --replication-user r --replication-password-file -  --replication-password-file -", "twice" },
        { "setup --check --replication-user r --replication-password-file -", "--check" },
        { "status --replication-user r --replication-password-file -", "replication-user" },
        { "doctor -H db2", "host" },
        { "doctor --check", "check" },
        { "doctor --watch", "watch" },
        { "-H db2 --address unix:path=/x", "-H" },
        { "setup --check --peer-key x", "--check" },
        { "setup -- -oProxyCommand=reboot", "HOST" },
        { "setup db2;reboot", "HOST" },
        { "setup --keys db2", "--keys" },
        { "setup --key /k db2", "--key is of this node alone" },
        { "setup --check --key /k", "--check" },
        { "setup --key /a --key /b", "twice" },
        { "setup --wait soon", "--wait wants a time" },
        { "setup --undo --peer-keys /all", "--undo" },
        { "setup --undo --check", "--undo" },
        { "setup --force=job", "--undo" },
        { "setup --undo --force=all", "There is no check" },
        { "setup --peer-keys - --replication-user r --replication-password-file -", "cannot both" },
        { "plan --expect db1", "--expect" },
        { "plan --expect db1 --without db2 db3", "--expect" },
        { "plan a --expect db1,", "--expect" },
        { "bootstrap a", "a" },
        { "bootstrap --expect db1", "expect" },
        { "plan -H db1 a", "-H" },
        { "inspect a", "a" },
        { "inspect -H db1", "host" },
        { "status --datadir x", "datadir" },
        { "inspect --gvwstate a --gvwstate b", "twice" },
};

static int parse(const char *typed, Args *ret, char error[static 256]) {
        static char words[256];
        char *argv[WORDS_MAX + 2] = { (char *) "mainstayctl" }, *p = words, *word;
        int argc = 1;

        (void) snprintf(words, sizeof(words), "%s", typed);
        while ((word = strsep(&p, " ")) && argc <= WORDS_MAX)
                if (*word)
                        argv[argc++] = word;
        return args_parse(argc, argv, ret, error);
}

static void test_arguments(void **state) {
        char error[256];
        Args a;

        for (size_t i = 0; i < ELEMENTS(understood); i++) {
                CHECK(parse(understood[i].typed, &a, error) == 0, understood[i].typed);
                CHECK(a.verb == understood[i].verb, understood[i].typed);
                CHECK(a.without.n == understood[i].n_without, understood[i].typed);
        }
        for (size_t i = 0; i < ELEMENTS(mistaken); i++) {
                CHECK(parse(mistaken[i].typed, &a, error) == -EINVAL, mistaken[i].typed);
                CHECK(strstr(error, mistaken[i].word), mistaken[i].typed);
        }

        assert_int_equal(parse("bootstrap --no-wait --force=new-cluster --json", &a, error), 0);
        assert_true(a.no_wait && a.new_cluster && a.json);
        assert_int_equal(parse("plan a.json --without db3 db4 --json b.json --expect db1,db2", &a, error), 0);
        assert_int_equal(a.n_files, 2);
        assert_string_equal(a.file[1], "b.json");
        assert_int_equal(a.expect.n, 2);
        assert_int_equal(parse("policy", &a, error), 0);
        assert_false(a.set_policy);
        assert_int_equal(parse("policy maintenance", &a, error), 0);
        assert_true(a.set_policy && a.policy == POLICY_MAINTENANCE);
        assert_int_equal(parse("job", &a, error), 0);
        assert_int_equal(a.job_verb, JOB_VERB_LIST);
        assert_int_equal(parse("job show", &a, error), 0);
        assert_true(a.job_verb == JOB_VERB_SHOW && a.job_id == 0);
        assert_int_equal(parse("job follow 12", &a, error), 0);
        assert_true(a.job_verb == JOB_VERB_FOLLOW && a.job_id == 12);
        assert_int_equal(parse("job cancel 13", &a, error), 0);
        assert_true(a.job_verb == JOB_VERB_CANCEL && a.job_id == 13);
        assert_int_equal(parse("bootstrap --without db3 --help", &a, error), 0);
        assert_true(a.verb == VERB_HELP && a.topic == VERB_BOOTSTRAP);
        assert_int_equal(parse("help job", &a, error), 0);
        assert_int_equal(a.topic, VERB_JOB);
        assert_int_equal(parse("--help", &a, error), 0);
        assert_int_equal(a.topic, _VERB_INVALID);
        assert_int_equal(parse("-H root@db2", &a, error), 0);
        assert_string_equal(a.host, "root@db2");
}

/* The table and the plan */

#define UUID "3f2c1a9b-1111-11ee-8000-0123456789ab"

static const char picture[] =
        "{\"name\": \"db2\", \"state\": \"OFFLINE\", \"reason\": \"stopped\", \"waiting\": \"Waiting for db3\", \"mysqld\": \"stopped\","
        " \"position\": {\"uuid\": \"" UUID "\", \"seqno\": 9223372036854775807, \"source\": \"recovered\"},"
        " \"plan\": {\"action\": \"wait\", \"node\": null, \"needed\": [\"db2\", \"db3\"], \"awaited\": [\"db3\"],"
        "  \"reasons\": [{\"node\": \"db1\", \"text\": \"It is behind. It joins.\"}]},"
        " \"peers\": ["
        "  {\"label\": \"10.0.0.3\", \"node\": \"db3\", \"condition\": \"uncertain\", \"why\": \"ssh: No route\\u001b to host\", \"report\": null},"
        "  {\"label\": \"db4\", \"node\": \"\", \"condition\": \"alive\", \"why\": \"\", \"report\": null},"
        "  {\"label\": \"db1\", \"node\": \"db1\", \"condition\": \"known\", \"why\": \"\","
        "   \"report\": {\"mysqld\": \"stopped\", \"arbitrators\": [\"gone\"], \"position\": {\"uuid\": \"" UUID "\", \"seqno\": -1, \"source\": \"grastate\"}}},"
        "  {\"label\": \"db5\", \"node\": \"db5\", \"condition\": \"known\", \"why\": \"\","
        "   \"report\": {\"mysqld\": \"primary\", \"position\": {\"uuid\": \"00000000-0000-0000-0000-000000000000\", \"seqno\": -1, \"source\": \"none\"},"
        "    \"marks\": [\"diverged\"], \"arbitrators\": [\"garb\"]}},"
        "  {\"label\": \"db6\", \"node\": \"db6\", \"condition\": \"known\", \"why\": \"\","
        "   \"report\": {\"mysqld\": \"primary\", \"shun\": {\"reason\": \"a fan\", \"owner\": \"anna\", \"since\": 5}}},"
        "  {\"label\": \"db7\", \"node\": \"db7\", \"condition\": \"known\", \"why\": \"\","
        "   \"report\": {\"mysqld\": \"primary\", \"offline\": true}}"
        "]}";

static const char table[] =
        "NODE  STATE       MYSQLD   POSITION                      REMARK\n"
        "db1   OFFLINE     stopped  3f2c1a9b:?                    It is behind.\n"
        "db2   OFFLINE     stopped  3f2c1a9b:9223372036854775807  Waiting for db3\n"
        "db3   uncertain   ?        -                             Not heard: ssh: No route? to host\n"
        "db4   alive       running  -                             No agent answers there: not tried yet\n"
        "db5   SHUNNED     primary  -                             marked: diverged\n"
        "db6   SHUNNED     primary  -                             a fan, by anna\n"
        "db7   OFFLINE     primary  -                             It was set offline. To bring it back: mainstayctl online db7\n"
        "garb  ARBITRATOR  -        -                             It has a vote, and no data (garbd).\n"
        "\n"
        "Nobody forms the cluster yet: db3 must be heard first. See: mainstayctl plan\n";

static void test_table(void **state) {
        json_t *p = json_loads(picture, 0, NULL), *nonsense = json_loads("{\"peers\": [1, {}], \"plan\": {\"action\": 7}}", 0, NULL);
        _cleanup_free_ char *text = NULL, *other = NULL;
        Style plain = {};
        size_t size;
        FILE *f;

        assert_non_null(p);
        f = open_memstream(&text, &size);
        assert_int_equal(table_status(f, &plain, p), 0);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(text, table);

        /* Whatever an agent says, there is a table. */
        f = open_memstream(&other, &size);
        assert_int_equal(table_status(f, &plain, nonsense), 0);
        assert_int_equal(fclose(f), 0);
        json_decref(nonsense);
        json_decref(p);
}

/* What is under way is told below the table, and drawn where there is a terminal. */
static void test_work(void **state) {
        json_t *p = json_loads("{\"name\": \"db1\", \"state\": \"ONLINE\", \"mysqld\": \"primary\", \"report\": {\"job\": {\"id\": 4, \"kind\": \"recover\", \"node\": \"db1\", \"begun\": 1000000,"
                               " \"state\": \"running\", \"steps\": [{\"name\": \"copy\", \"state\": \"begun\", \"begun\": 2000000}], \"bytes_done\": 536870912, \"bytes_total\": 1073741824}}, \"peers\": ["
                               "{\"label\": \"db2\", \"node\": \"db2\", \"condition\": \"known\", \"report\": {\"mysqld\": \"joining\", \"transfer\": {\"full\": true, \"received\": 8388608, \"rate\": 1, \"since\": 5}}},"
                               "{\"label\": \"db3\", \"node\": \"db3\", \"condition\": \"known\", \"report\": {\"mysqld\": \"joining\", \"transfer\": {\"full\": false, \"received\": 0, \"rate\": 0, \"since\": 5}}}]}", 0, NULL);
        static const char bar[] = "  [########################------------------------]\n";
        const Style styles[] = { {}, { .width = 200 } };

        assert_non_null(p);
        for (size_t i = 0; i < ELEMENTS(styles); i++) {
                _cleanup_free_ char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                assert_int_equal(table_status(f, &styles[i], p), 0);
                assert_int_equal(fclose(f), 0);
                assert_non_null(strstr(text, "mysqld is receiving a full copy (SST): at least 8.0 MiB so far"));
                assert_non_null(strstr(text, "mysqld is receiving what it missed, for "));
                assert_non_null(strstr(text, "db1: job 4: recover, at copy: 512 MiB of 1.0 GiB (50 %)"));
                assert_int_equal(!!strstr(text, bar), i);
                assert_int_equal(!!strstr(text, "\ndb2: [  <=>"), i);
                assert_null(strstr(text, "db3: "));
        }
        json_decref(p);
}

/* An asynchronous service. */

#define PRIMARY_REPORT                                                                                                                  \
        "{\"node\": \"db1\", \"mysqld\": \"starting\", \"replication\": {\"answers\": true, \"flavour\": \"mariadb\", \"version\": \"10.11.19-MariaDB\"," \
        " \"server_id\": 1, \"binlog\": true, \"replicas\": 1, \"gtid_slave_pos\": \"\", \"gtid_binlog_pos\": \"0-1-22\", \"gtid_binlog_state\": \"0-1-22\"}}"
#define REPLICA_REPORT(node, id, threads)                                                                                               \
        "{\"node\": \"" node "\", \"mysqld\": \"starting\", \"replication\": {\"answers\": true, \"flavour\": \"mariadb\", \"server_id\": " id ","  \
        " \"read_only\": true, \"replicas\": 0, \"gtid_slave_pos\": \"0-1-20\", \"gtid_binlog_pos\": \"\", \"gtid_binlog_state\": \"\","  \
        " \"channels\": [{\"host\": \"db1\", \"port\": 3306, \"source_id\": 1, \"by_gtid\": true, " threads "}]}}"

static const char service[] =
        "{\"name\": \"db2\", \"policy\": {\"name\": \"automatic\"}, \"report\": "
        REPLICA_REPORT("db2", "2", "\"receiver\": {\"state\": \"running\"}, \"applier\": {\"state\": \"stopped\", \"errno\": 1062, \"error\": \"Duplicate\\u001b entry\"}")
        ", \"peers\": ["
        " {\"label\": \"db4\", \"node\": \"\", \"condition\": \"uncertain\", \"why\": \"ssh: No route to host\", \"report\": null},"
        " {\"label\": \"db1\", \"node\": \"db1\", \"condition\": \"known\", \"why\": \"\", \"report\": " PRIMARY_REPORT "},"
        " {\"label\": \"db3\", \"node\": \"db3\", \"condition\": \"known\", \"why\": \"\", \"report\": "
        REPLICA_REPORT("db3", "3", "\"receiver\": {\"state\": \"running\"}, \"applier\": {\"state\": \"running\"}, \"lag\": 7") "}]}";

static const char service_text[] =
        "NODE  ROLE     STATE    POSITION  LATENCY\n"
        "db1   primary  ONLINE   0-1-22    -\n"
        "      agent ONLINE, data server ONLINE (10.11.19-MariaDB, takes writes), replicator ONLINE (primary), connections 1 replica\n"
        "db2   replica  FAILED   0-1-20    -\n"
        "      its applier has failed: Duplicate? entry (error 1062)\n"
        "      agent ONLINE, data server ONLINE (read-only), replicator FAILED (replica of db1), connections 0 replicas\n"
        "db3   replica  ONLINE   0-1-20    7 s\n"
        "      agent ONLINE, data server ONLINE (read-only), replicator ONLINE (replica of db1), connections 0 replicas\n"
        "db4   unknown  UNKNOWN  -         -\n"
        "      its agent is not heard: ssh: No route to host\n"
        "      agent UNKNOWN, data server UNKNOWN, replicator UNKNOWN\n"
        "\n"
        "The policy is automatic: the agents bring the cluster back by themselves where that is safe.\n"
        "There is no coordinator that could be lost: each agent acts for its own node, and all judge alike. 3 of 4 are heard here.\n"
        "db1 is the primary: it alone takes writes and replicates from nobody, and 2 nodes follow it.\n";

static void test_service(void **state) {
        json_t *p = json_loads(service, 0, NULL), *galera = json_loads(picture, 0, NULL), *o, *node, *replicator;
        _cleanup_free_ char *text = NULL;
        Style plain = {};
        size_t size;
        FILE *f;

        assert_non_null(p);
        assert_true(service_is(p));
        assert_false(service_is(galera));
        f = open_memstream(&text, &size);
        assert_int_equal(service_print(f, &plain, p), 0);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(text, service_text);
        free(TAKE(text));

        /* And what it works on. */
        o = json_loads("{\"id\": 4, \"kind\": \"provision\", \"node\": \"db2\", \"source\": \"db3\", \"by\": \"anna\", \"begun\": 1000000, \"state\": \"running\","
                       " \"steps\": [{\"name\": \"copy\", \"state\": \"begun\", \"begun\": 2000000}], \"bytes_done\": 0, \"bytes_total\": 1073741824}", 0, NULL);
        assert_non_null(o);
        assert_int_equal(json_object_set_new(json_object_get(p, "report"), "job", o), 0);
        f = open_memstream(&text, &size);
        assert_int_equal(service_print(f, &plain, p), 0);
        assert_int_equal(fclose(f), 0);
        assert_non_null(strstr(text, "\n      job 4: provision, by db3, at copy: 0 bytes of 1.0 GiB (0 %)\n      agent ONLINE"));

        assert_int_equal(service_json(p, &o), 0);
        assert_string_equal(json_string_value(json_object_get(json_object_get(o, "primary"), "verdict")), "one");
        node = json_array_get(json_object_get(o, "nodes"), 1);
        replicator = json_object_get(json_object_get(node, "components"), "replicator");
        assert_string_equal(json_string_value(json_object_get(node, "state")), "FAILED");
        assert_string_equal(json_string_value(json_object_get(node, "position")), "0-1-20");
        assert_string_equal(json_string_value(json_object_get(replicator, "state")), "FAILED");
        assert_string_equal(json_string_value(json_object_get(replicator, "source")), "db1");
        json_decref(o);
        json_decref(galera);
        json_decref(p);
}

static const struct {
        const char *plan, *without, *text;
        int exit;
} plans[] = {
        { "{\"action\": \"bootstrap\", \"node\": \"db1\", \"reasons\": [{\"node\": \"db1\", \"text\": \"It leads.\"}, {\"node\": null, \"text\": \"So it is.\"}]}",
          "", "db1 forms the cluster, and the others join it.\n\n  db1  It leads.\n       So it is.\n", CTL_OK },
        { "{\"action\": \"bootstrap\", \"node\": \"db1\", \"reasons\": []}",
          "db2 and db3", "With db2 and db3 given up: db1 forms the cluster, and the others join it.\n", CTL_OK },
        { "{\"action\": \"join\", \"node\": \"db1\"}", "", "The cluster is up, with db1 in it; who is not in it joins.\n", CTL_OK },
        { "{\"action\": \"wait\", \"node\": null, \"awaited\": [\"db3\", \"db2\"]}", "",
          "Nobody forms the cluster yet: db2 and db3 must be heard first.\n", CTL_PLAN_WAIT },
        { "{\"action\": \"wait\"}", "", "Nobody forms the cluster yet.\n", CTL_PLAN_WAIT },
        { "{\"action\": \"refuse\"}", "", "A person must decide how it goes on.\n", CTL_PLAN_REFUSE },
        { "{\"action\": \"bootstrap\", \"node\": \"db1\", \"policy\": \"automatic\"}", "", "db1 forms the cluster, and the others join it.\n", CTL_OK },
        { "{\"action\": \"bootstrap\", \"node\": \"db1\", \"policy\": \"manual\"}", "",
          "db1 leads. The policy is manual: a person starts it, on db1, with: mainstayctl bootstrap\n", CTL_OK },
        { "{\"action\": \"bootstrap\", \"node\": \"db1\", \"policy\": \"maintenance\"}", "",
          "db1 would lead. The policy is maintenance, so nothing is started; for a person to start it, first type: mainstayctl policy manual\n", CTL_OK },
        { "{\"action\": \"join\", \"node\": \"db1\", \"policy\": \"manual\"}", "",
          "The cluster is up, with db1 in it; who is not in it joins when a person starts it.\n", CTL_OK },
        { "{\"action\": \"dance\"}", "", "The plan cannot be read: its agent is of another version.\n", CTL_FAILED },
        { "[]", "", "The plan cannot be read: its agent is of another version.\n", CTL_FAILED },
};

static const struct {
        const char *picture, *text;
} policies[] = {
        { "{\"policy\": {\"name\": \"automatic\", \"version\": 0, \"node\": \"\"}, \"peers\": []}",
          "The policy is automatic: the agents bring the cluster back by themselves where that is safe.\n" },
        { "{\"policy\": {\"name\": \"manual\", \"version\": 2, \"node\": \"db1\"}, \"peers\": ["
          "{\"label\": \"192.0.2.2\", \"node\": \"db2\", \"condition\": \"known\", \"report\": {\"policy\": {\"name\": \"manual\", \"version\": 2}}},"
          "{\"label\": \"db3\", \"node\": \"\", \"condition\": \"uncertain\", \"why\": \"ssh: No route to host\", \"report\": null},"
          "{\"label\": \"db4\", \"node\": \"db4\", \"condition\": \"known\", \"report\": {\"node\": \"db4\"}},"
          /* What it said before it was lost proves nothing. */
          "{\"label\": \"db5\", \"node\": \"db5\", \"condition\": \"alive\", \"why\": \"\", \"report\": {\"policy\": {\"name\": \"manual\"}}}]}",
          "The policy is manual, set on db1: the agents find what is wrong and make the plan; a person starts it.\n"
          "db2 goes by it too.\n"
          "db4 is heard, and still goes by automatic. If that stays so, install the same version of Mainstay there.\n"
          "db3 is not heard (ssh: No route to host), and learns of it when it is.\n"
          "db5 is not heard (not tried yet), and learns of it when it is.\n" },
};

static void test_policy(void **state) {
        Style plain = {};

        for (size_t i = 0; i < ELEMENTS(policies); i++) {
                json_t *p = json_loads(policies[i].picture, 0, NULL), *t = table_policy(p);
                _cleanup_free_ char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                CHECK(p && t && f, policies[i].picture);
                table_policy_print(f, &plain, t);
                assert_int_equal(fclose(f), 0);
                CHECK(streq(text, policies[i].text), text);
                json_decref(t);
                json_decref(p);
        }
        assert_null(table_policy(NULL)); /* an agent that knows of none */
}

static void test_plan(void **state) {
        Style plain = {};

        for (size_t i = 0; i < ELEMENTS(plans); i++) {
                json_t *plan = json_loads(plans[i].plan, 0, NULL);
                _cleanup_free_ char *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                CHECK(plan && f, plans[i].plan);
                (void) table_plan(f, &plain, plan, plans[i].without);
                assert_int_equal(fclose(f), 0);
                CHECK(streq(text, plans[i].text), plans[i].plan);
                CHECK(table_plan_exit(plan) == plans[i].exit, plans[i].plan);
                json_decref(plan);
        }
}

static void test_address(void **state) {
        const char *const argv[] = { "ssh", "-o", "A=b,c", "::1", NULL };
        _cleanup_free_ char *address = NULL;

        assert_int_equal(address_from_argv(argv, &address), 0);
        assert_string_equal(address, "unixexec:path=ssh,argv1=-o,argv2=A%3db%2cc,argv3=%3a%3a1");
        assert_true(address_is_bus("unix:path=/x"));
        assert_false(address_is_bus("ssh:db2"));
        assert_false(address_is_bus("db2"));
}

static const struct {
        const char *complaint;
        int status;
        const char *says, *not; /* not: may be NULL */
} remedies[] = {
        { "No ED25519 host key is known for db2 and you have requested strict checking.\r\nHost key verification failed.\r\n", 255, "mainstayctl setup\n", "ssh-keygen -R" },
        { "No RSA host key is known for [db2]:2222 and you have requested strict checking.\r\nHost key verification failed.\r\n", 255, "not known here yet", "ssh-keygen -R" },
        { "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key for db2 has changed and you have requested strict checking.\r\n"
          "Host key verification failed.\r\n", 255, "ssh-keygen -R", "not known here yet" },
        { "mainstay-peer@db2: Permission denied (publickey).\r\n", 255, "--peer-key", NULL },
        { "ssh: Could not resolve hostname db2: Name or service not known\r\n", 255, "DNS", NULL },
        { "sh: 1: systemd-stdio-bridge: not found\n", 127, "systemd-stdio-bridge", NULL },
        { "ssh: connect to host db2 port 22: Connection refused\r\n", 255, "firewall", NULL },
        { "", 255, "firewall", NULL },
};

static void test_remedies(void **state) {
        for (size_t i = 0; i < ELEMENTS(remedies); i++) {
                const char *remedy = ssh_remedy(remedies[i].complaint, remedies[i].status);

                CHECK(strstr(remedy, remedies[i].says), remedies[i].complaint);
                CHECK(!remedies[i].not || !strstr(remedy, remedies[i].not), remedies[i].complaint);
        }
}

/* Of each step the doctor knows what comes of it; of the server's options it has checks
 * of its own. */
static void test_harms(void **state) {
        const char *name;

        for (size_t i = 0; (name = setup_step_name(i)); i++) {
                Level level = _LEVEL_INVALID;

                if (streq(name, "options"))
                        continue;
                CHECK(doctor_harm(name, false, &level) && doctor_harm(name, true, &level), name);
                CHECK(level > LEVEL_NOTE, name);
        }
}

/* Every message has its entry in the catalog, and the catalog no other. */
static void test_catalog(void **state) {
        const char *top = str_or(getenv("srcdir"), ".");
        _cleanup_free_ char *ids = calloc(1, 65536), *catalog = calloc(1, 262144);
        size_t n_ids = 0, n_entries = 0;
        char path[PATH_MAX];

        for (int i = 0; i < 2; i++) {
                _cleanup_fclose_ FILE *f = NULL;

                (void) snprintf(path, sizeof(path), "%s/%s", top, i == 0 ? "agent/sys/message-ids.h" : "conf/mainstay.catalog");
                f = fopen(path, "re");
                assert_non_null(f);
                assert_true(fread(i == 0 ? ids : catalog, 1, i == 0 ? 65535 : 262143, f) > 0);
        }
        for (const char *p = ids; (p = strstr(p, "#define MESSAGE_")); p++) {
                const char *quote = strchr(p, '"');
                char entry[64];

                assert_non_null(quote);
                (void) snprintf(entry, sizeof(entry), "\n-- %.32s\n", quote + 1);
                CHECK(strstr(catalog, entry), entry);
                n_ids++;
        }
        for (const char *p = catalog; (p = strstr(p, "\n-- ")); p++)
                n_entries++;
        assert_true(n_ids > 0);
        assert_int_equal(n_ids, n_entries);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arguments),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_work),
                cmocka_unit_test(test_service),
                cmocka_unit_test(test_plan),
                cmocka_unit_test(test_policy),
                cmocka_unit_test(test_address),
                cmocka_unit_test(test_remedies),
                cmocka_unit_test(test_harms),
                cmocka_unit_test(test_catalog),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
