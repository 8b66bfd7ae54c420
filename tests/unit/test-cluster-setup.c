/* Agents whose setup, server or peers change under them. */
#include "config.h"

#include "world.h"

static bool report_says(Node *n, const char *text) {
        return strstr(property(n, "Report"), text) != NULL;
}

/* Though its datadir is still that of a cluster of three, and nobody is heard. */
static void one_without_galera_waits_for_nobody(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *env = NULL;

        put_asynchronous(db1);
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "State"));
        assert_string_equal(property(db1, "State"), "OFFLINE");
        assert_true(report_says(db1, "\"replication\":{\"answers\":false}"));
        /* For a node of Galera's: not one without data, and none that has been heard. */
        assert_true(report_says(db1, "\"unjudged\":true"));
        assert_false(report_says(db1, "\"position\""));
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
        env = file_get(db1->run, "start.env");
        assert_non_null(strstr(env, "_WSREP_NEW_CLUSTER=\n"));
        assert_string_equal(promised(db1).claim_state, "");

        /* It has passed, is starting, runs, and does not answer. */
        systemd_says(&db1->systemd, "activating", "start", getpid());
        LOOP_UNTIL(w->event, report_says(db1, "\"mysqld\":\"starting\""));
        assert_string_equal(property(db1, "State"), "OFFLINE");
        systemd_says(&db1->systemd, "active", "running", getpid());
        LOOP_UNTIL(w->event, streq(property(db1, "State"), "FAILED"));
        assert_true(report_says(db1, "\"problem\""));

        assert_true(sd_bus_call_method(db1->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Bootstrap", &error, NULL, "asasb", 0, 0, false) < 0);
        assert_string_equal(error.name, "org.mainstay1.Error.Refused");
        assert_non_null(strstr(error.message, "no node of a Galera cluster"));
        sd_bus_error_free(&error);
}

/* db2 had the newest data of a cluster, and has lost its configuration: the
 * others must not go on without them. */
static void one_that_has_lost_its_galera_is_waited_for(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db3 = &w->node[2];

        put_asynchronous(&w->node[1]);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, strstr(property(db1, "Plan"), "db2") && strstr(property(db3, "Plan"), "db2"));
        enter(db3);
        enter(db1);
        for (int i = 0; i < 20; i++) {
                (void) sd_event_run(w->event, 100 * USEC_PER_MSEC);
                assert_false(strstr(property(db1, "Plan"), "\"bootstrap\"") || strstr(property(db3, "Plan"), "\"bootstrap\""));
                assert_false(db1->entry.answered || db3->entry.answered);
        }
}

static int by_text(const void *a, const void *b) {
        return strcmp(a, b);
}

/* The labels of the peers it has, in order, and how each is known. */
static const char *peers_of(Node *n) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *label, *name, *condition, *why, *report;
        char peer[NODES][128];
        static char text[1024];
        size_t found = 0;

        if (sd_bus_get_property(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Peers", NULL, &m, "a(sssss)") < 0)
                return "?";
        assert_true(sd_bus_message_enter_container(m, 'a', "(sssss)") >= 0);
        while (found < NODES && sd_bus_message_read(m, "(sssss)", &label, &name, &condition, &why, &report) > 0)
                (void) snprintf(peer[found++], sizeof(peer[0]), "%s:%s", label, condition);
        qsort(peer, found, sizeof(peer[0]), by_text);
        text[0] = '\0';
        for (size_t i = 0; i < found; i++)
                (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "", peer[i]);
        return text;
}

static Answer reload(World *w, Node *n) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;

        assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Reload", call_answered, &a, NULL) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

static void a_reload_takes_on_other_peers(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *one = NULL, *two = NULL, *other = NULL, *broken = NULL, *rest = NULL;

        assert_true(asprintf(&one, "db2 = %s\n", db2->daemon.address) > 0);
        assert_true(asprintf(&two, "db1 = %s\ndb2 = %s\ndb3 = %s\n", db1->daemon.address, db2->daemon.address, db3->daemon.address) > 0);
        assert_true(asprintf(&other, "db2 = unix:path=%s/nobody\n", db3->dir) > 0);
        assert_true(asprintf(&broken, "db2 = -no-address-\ndb3 = %s\n", db3->daemon.address) > 0);
        assert_true(asprintf(&rest, "db3 = %s\n[node]\nsocket = /other.sock\nweight = 7\n", db3->daemon.address) > 0);

        put_conf(db1, one);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, streq(peers_of(db1), "db2:known"));
        put_conf(db1, two);
        assert_string_equal(reload(w, db1).error, "");
        /* Who was there is not asked anew. */
        assert_int_equal(strncmp(peers_of(db1), "db2:known db3:", 14), 0);
        LOOP_UNTIL(w->event, streq(peers_of(db1), "db2:known db3:known"));
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db2:known db3:known");

        /* Nobody is lost by an address that is none, nor by a file that is wrong. */
        put_conf(db1, broken);
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db2:known db3:known");
        put_conf(db1, "db2 = a b\n");
        assert_string_equal(reload(w, db1).error, "org.mainstay1.Error.Configuration");
        assert_string_equal(peers_of(db1), "db2:known db3:known");

        put_conf(db1, rest);
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db3:known");
        LOOP_UNTIL(w->event, report_says(db1, "\"weight\":7"));
        assert_true(logged(db1, "The socket of this node is to be /other.sock, and stays"));
        assert_false(logged(db1, "The name of") || logged(db1, "The datadir of") || logged(db1, "The account of"));
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "not among the configured peers"));

        /* The same name at another place is another one, and nobody answers there. */
        put_conf(db1, two);
        assert_string_equal(reload(w, db1).error, "");
        LOOP_UNTIL(w->event, streq(peers_of(db1), "db2:known db3:known"));
        put_conf(db1, other);
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db2:uncertain");
}

static void a_reload_takes_on_another_cluster_address(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0];

        put_conf(db1, "");
        put_server(db1, "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,127.0.0.1,a.example.invalid");
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Plan"));
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain");
        put_server(db1, "--wsrep_on=ON --wsrep_cluster_address=gcomm://b.example.invalid,a.example.invalid");
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain b.example.invalid:uncertain");

        /* How a bootstrap is prepared by hand; and a server that cannot tell. */
        put_server(db1, "--wsrep_on=ON --wsrep_cluster_address=gcomm://");
        assert_string_equal(reload(w, db1).error, "");
        assert_true(logged(db1, "those of before stay"));
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain b.example.invalid:uncertain");
        file_put(db1->dir, "mysqld", "#!/bin/sh\nexit 1\n", 0755);
        assert_string_equal(reload(w, db1).error, "");
        assert_true(logged(db1, "what it was before stands"));
        assert_false(logged(db1, "The datadir of"));
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain b.example.invalid:uncertain");
}

/* It would wait for that answer for ever, and nobody else could lead. */
static void a_claim_on_one_that_is_no_peer_any_more_is_given_up(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *peers = NULL;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        assert_int_equal(kill(db3->agent, SIGSTOP), 0);
        enter(db2);
        LOOP_UNTIL(w->event, streq(promised(db2).claim_state, "asking"));
        assert_true(asprintf(&peers, "db1 = %s\n", db1->daemon.address) > 0);
        put_conf(db2, peers);
        assert_string_equal(reload(w, db2).error, "");
        LOOP_UNTIL(w->event, streq(promised(db2).claim_state, ""));
        LOOP_UNTIL(w->event, logged(db2, "the peers of this node are other ones now"));
        LOOP_UNTIL(w->event, granted(db1, ""));
        assert_false(db2->entry.answered);
        assert_int_equal(kill(db3->agent, SIGCONT), 0);
}

#define OF_A_START "its last views are of a start with pc.ignore_quorum"

/* A person stops and starts mysqld, which has gone on a little. */
static void begin_again(World *w, Node *n) {
        n->seqno++;
        put_grastate(n);
        systemd_says(&n->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, streq(property(n, "Mysqld"), "stopped"));
        enter(n);
        LOOP_UNTIL(w->event, n->entry.answered);
        assert_string_equal(n->entry.verdict, "bootstrap");
        pass(n);
        be_primary(n);
        LOOP_UNTIL(w->event, streq(property(n, "Mysqld"), "primary"));
}

/* What is put into the server's configuration counts from its next start on, and
 * for what was recorded under it for ever. */
static void an_option_that_comes_later_is_seen(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        assert_false(report_says(db2, "view_problem"));
        put_server(db2, SERVER " --wsrep_provider_options=pc.ignore_quorum=1");
        enter(db2);
        bootstrap(w, db2);
        assert_true(report_says(db2, "pc.ignore_quorum in wsrep_provider_options lets any part"));
        pass(db2);
        be_primary(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "primary"));

        /* It is taken out again: that does not change who went on without whom. */
        put_server(db2, SERVER);
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, report_says(db2, OF_A_START));
        begin_again(w, db2);
        LOOP_UNTIL(w->event, !report_says(db2, "view_problem"));

        /* Where the server cannot tell, what it said before stands. */
        put_server(db2, SERVER " --wsrep_provider_options=pc.ignore_quorum=1");
        assert_string_equal(reload(w, db2).error, "");
        LOOP_UNTIL(w->event, report_says(db2, "lets any part"));
        file_put(db2->dir, "mysqld", "#!/bin/sh\nexit 1\n", 0755);
        begin_again(w, db2);
        assert_true(logged(db2, "what it was before stands"));
        assert_true(report_says(db2, "lets any part"));
}

/* Nor is it let start by what its options were before: db2 has its grants, and
 * comes to the gate. */
static void the_gate_waits_for_the_options(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        _cleanup_free_ char *script = NULL;
        char id[64];

        be_granted(w, db2, id);
        assert_true(asprintf(&script, "#!/bin/sh\nwhile [ ! -e %s/go ]; do sleep 0.05; done\necho '" SERVER " --wsrep_provider_options=pc.ignore_sb=1'\n", db2->dir) > 0);
        file_put(db2->dir, "mysqld", script, 0755);
        enter(db2);
        loop_for(w->event, 500 * USEC_PER_MSEC);
        assert_false(db2->entry.answered);
        assert_false(report_says(db2, "pc.ignore_sb")); /* and nothing else waits for it */
        file_put(db2->dir, "go", "", 0644);
        LOOP_UNTIL(w->event, db2->entry.answered);
        assert_true(report_says(db2, "pc.ignore_sb"));
}

/* A server that was told as it runs. */
static void put_probe(Node *n, const char *provider_options) {
        _cleanup_free_ char *script = NULL;

        assert_true(asprintf(&script, "#!/bin/sh\ncat <<END\n{\"wsrep\":true,\"cluster_status\":\"Primary\",\"state\":4,\"local_uuid\":\"" CLUSTER "\",\"last_committed\":%lld,\"provider_options\":\"%s\"}\nEND\n",
                             (long long) n->seqno, provider_options) > 0);
        file_put(n->dir, "mainstay-probe", script, 0755);
        n->libexec = n->dir;
}

static void what_the_running_server_says_counts(void **state) {
        static const char *const together[] = { MEMBERS };
        World *w = *state;
        Node *db2 = &w->node[1];

        put_probe(db2, "pc.ignore_quorum = false; pc.ignore_sb = false; ");
        agent_start(db2);
        serve(db2, together, ELEMENTS(together));
        LOOP_UNTIL(w->event, report_says(db2, "\"source\":\"live\"") && report_says(db2, "\"seqno\":30"));
        assert_false(report_says(db2, "view_problem"));
        agent_kill(db2);

        put_probe(db2, "pc.ignore_quorum = true; pc.ignore_sb = false; ");
        agent_start(db2);
        LOOP_UNTIL(w->event, report_says(db2, OF_A_START));
        assert_true(logged(db2, "The running server has pc.ignore_quorum set"));
        /* It outlives the server, and the agent. */
        put_grastate(db2);
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        agent_kill(db2);
        put_probe(db2, "pc.ignore_quorum = false; pc.ignore_sb = false; ");
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "stopped"));
        LOOP_UNTIL(w->event, report_says(db2, OF_A_START));
}

/* mysqld runs, and has lost the others. */
static void be_non_primary(Node *n) {
        static const char invocation[] = "00112233445566778899aabbccddeeff";
        _cleanup_free_ char *start = NULL, *view = NULL, *lost = NULL, *record = NULL;
        Position opened = position_at(n->seqno);
        int index = n->name[2] - '1';

        assert_true(viewlog_format_start(2, real_usec(), invocation, &opened, &start) >= 0);
        assert_true(viewlog_format_view(real_usec(), &opened.uuid, true, index, MEMBERS, &view) >= 0);
        assert_true(viewlog_format_view(real_usec(), &opened.uuid, false, 0, index == 0 ? UUID_1 "/db1/192.0.2.1" : UUID_2 "/db2/192.0.2.2", &lost) >= 0);
        assert_true(asprintf(&record, "%s%s%s", start, view, lost) > 0);
        file_put(n->server, RECORD_NAME, record, 0644);
        systemd_says(&n->systemd, "active", "running", 4711);
}

/* db1 asks for a bootstrap for which db2 has to be stopped, and db3 is given up. */
static void stand_in_the_way(World *w, Answer *a, sd_bus_slot **slot) {
        Node *db1 = &w->node[0], *db2 = &w->node[1];

        agent_start(db1);
        agent_start(db2);
        be_non_primary(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "non-primary"));
        LOOP_UNTIL(w->event, *property(db1, "Report"));
        assert_true(sd_bus_call_method_async(db1->bus, slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Bootstrap", call_answered, a, "asasb", 1, "db3", 0, true) >= 0);
        LOOP_UNTIL(w->event, db2->systemd.stops == 1);
}

/* The end of what the agent itself stops is no person's wish, whichever life of
 * the agent sees it. */
static void what_it_stops_is_still_wanted(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        sd_bus_slot *slot = NULL;
        Answer a = {0};

        stand_in_the_way(w, &a, &slot);
        systemd_says(&db2->systemd, "deactivating", "stop-sigterm", 4711);
        agent_kill(&w->node[0]); /* nobody is there to have it stopped a second time */
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Waiting"), "mysqld is stopping."));
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, report_says(db2, "\"mysqld\":\"stopped\""));
        assert_true(report_says(db2, "\"wanted\":true"));
        assert_false(strstr(property(db2, "Reason"), "stopped by a person"));
        (void) sd_bus_slot_unref(slot);
}

/* But what ends after it was to be stopped, and was not, a person has stopped. */
static void what_a_person_stops_is_not_wanted(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        sd_bus_slot *slot = NULL;
        Answer a = {0};

        stand_in_the_way(w, &a, &slot);
        agent_kill(&w->node[0]);
        agent_kill(db2);
        (void) snprintf(db2->systemd.unit.invocation, sizeof(db2->systemd.unit.invocation), "ffeeddccbbaa99887766554433221100");
        systemd_says(&db2->systemd, "active", "running", 4712);
        agent_start(db2);
        LOOP_UNTIL(w->event, *property(db2, "Waiting"));
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, report_says(db2, "\"mysqld\":\"stopped\""));
        LOOP_UNTIL(w->event, report_says(db2, "\"wanted\":false"));
        (void) sd_bus_slot_unref(slot);
}

/* A server finds only those again that run: where none does, it is not given the 15 s. */
static void who_has_nobody_left_to_find_is_stopped_at_once(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        usec_t began;

        agent_start(db1);
        agent_start(db2);
        agent_start(db3);
        be_non_primary(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "non-primary"));
        began = clock_usec();
        enter(db1); /* it waits to start */
        LOOP_UNTIL(w->event, db2->systemd.stops == 1);
        assert_true(clock_usec() < began + 10 * USEC_PER_SEC);
}

static void who_may_find_another_is_given_time(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        agent_start(db1);
        agent_start(db2);
        agent_start(db3);
        be_non_primary(db2);
        be_non_primary(db3);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "non-primary") && streq(property(db3, "Mysqld"), "non-primary"));
        enter(db1);
        LOOP_UNTIL(w->event, strstr(property(db2, "Plan"), "others wait to start"));
        loop_for(w->event, USEC_PER_SEC);
        assert_int_equal(db2->systemd.stops + db3->systemd.stops, 0);
}

/* It would wait for that one for ever. */
static void an_address_of_its_own_is_no_peer(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        _cleanup_free_ char *options = NULL, *peers = NULL;
        char host[256] = "";

        assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
        assert_true(asprintf(&options, "--wsrep_on=ON --wsrep_cluster_address=gcomm://127.0.0.1,[::1]:4567,%s:4567", host) > 0);
        put_server(db1, options);
        put_conf(db1, "");
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Plan"));
        assert_string_equal(peers_of(db1), "");

        /* Under another name: it is told by what is heard there. */
        assert_true(asprintf(&peers, "db1 = %s\nother = %s\n", db1->daemon.address, db2->daemon.address) > 0);
        put_conf(db2, peers);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(peers_of(db2), "db1:known"));
}

static bool has_ended(Node *n, int *ret_status) {
        return waitpid(n->agent, ret_status, WNOHANG) == n->agent;
}

/* Its exit status tells systemd whether to start it anew at once (mainstayd.timer). */
static void one_that_cannot_begin_is_told_from_one_that_died(void **state) {
        static const struct {
                const char *what, *in, *name, *text; /* what is wrong, and where */
                int status;
        } cases[] = {
                { "a state that is damaged", "state", "state.json", "{ \"version\": 1", 78 },
                { "jobs that are no directory", "state", "jobs", "", 78 },
                { "a configuration that is not valid", "", "mainstay.conf", "[node]\nweight = heavy\n", 78 },
                { "a bus that is not there", "", "", "", EXIT_FAILURE },
        };
        World *w = *state;
        Node *db1 = &w->node[0];

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *dir = *cases[i].in ? db1->state : db1->dir;
                _cleanup_free_ char *said = NULL;
                int status = 0;

                if (*cases[i].name)
                        file_put(dir, cases[i].name, cases[i].text, 0644);
                else
                        (void) snprintf(db1->daemon.address, sizeof(db1->daemon.address), "unix:path=%s/nobody", db1->dir);
                file_put(db1->dir, "log", "", 0644);
                agent_start(db1);
                LOOP_UNTIL(w->event, has_ended(db1, &status));
                db1->agent = 0;
                said = file_get(db1->dir, "log");
                if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].status || !said || !*said)
                        fail_msg("%s: it ended with %#x, and said: %s", cases[i].what, (unsigned) status, str_or(said, "nothing"));
                if (*cases[i].name) {
                        _cleanup_free_ char *path = NULL;

                        assert_true(asprintf(&path, "%s/%s", dir, cases[i].name) > 0);
                        assert_int_equal(unlink(path), 0);
                }
                if (streq(cases[i].name, "mainstay.conf"))
                        put_config(w, db1);
        }
}

/* After it has been heard once it is known by its name, also while it is silent. */
static void who_is_found_at_an_address_is_written_down(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        _cleanup_free_ char *peers = NULL;

        assert_true(asprintf(&peers, "other = %s\n", db2->daemon.address) > 0);
        put_conf(db1, peers);
        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(peers_of(db1), "other:known"));
        LOOP_UNTIL(w->event, strstr(property(db1, "Plan"), "db2"));
        agent_kill(db1);
        agent_kill(db2);
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Plan"));
        assert_string_equal(peers_of(db1), "other:uncertain");
        assert_non_null(strstr(property(db1, "Waiting"), "db2"));
        assert_null(strstr(property(db1, "Waiting"), "other"));
}

typedef struct Told {
        bool plan, peers, whole;
} Told;

static int told_of(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Told *t = userdata;
        const char *name;

        assert_true(sd_bus_message_skip(m, "s") >= 0 && sd_bus_message_enter_container(m, 'a', "{sv}") >= 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(m, "s", &name) >= 0 && sd_bus_message_skip(m, "v") >= 0 && sd_bus_message_exit_container(m) >= 0);
                t->plan = t->plan || streq(name, "Plan");
                t->whole = t->whole || streq(name, "Peers");
        }
        assert_true(sd_bus_message_exit_container(m) >= 0 && sd_bus_message_enter_container(m, 'a', "s") >= 0);
        while (sd_bus_message_read(m, "s", &name) > 0)
                t->peers = t->peers || streq(name, "Peers");
        return 0;
}

/* They have a report each, of which each has all members: too much for every change. */
static void of_the_peers_it_is_told_that_they_changed(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0];
        Told t = {0};

        assert_true(sd_bus_match_signal(db1->bus, NULL, NULL, "/org/mainstay1", "org.freedesktop.DBus.Properties", "PropertiesChanged", told_of, &t) >= 0);
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Plan"));
        t = (Told) {0};
        agent_start(&w->node[1]);
        LOOP_UNTIL(w->event, t.plan && t.peers);
        assert_false(t.whole);
        LOOP_UNTIL(w->event, strstr(peers_of(db1), "db2:known"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                world_test(one_without_galera_waits_for_nobody),
                world_test(one_that_has_lost_its_galera_is_waited_for),
                world_test(a_reload_takes_on_other_peers),
                world_test(a_reload_takes_on_another_cluster_address),
                world_test(a_claim_on_one_that_is_no_peer_any_more_is_given_up),
                world_test(an_option_that_comes_later_is_seen),
                world_test(the_gate_waits_for_the_options),
                world_test(what_the_running_server_says_counts),
                world_test(what_it_stops_is_still_wanted),
                world_test(what_a_person_stops_is_not_wanted),
                world_test(who_has_nobody_left_to_find_is_stopped_at_once),
                world_test(who_may_find_another_is_given_time),
                world_test(an_address_of_its_own_is_no_peer),
                world_test(one_that_cannot_begin_is_told_from_one_that_died),
                world_test(who_is_found_at_an_address_is_written_down),
                world_test(of_the_peers_it_is_told_that_they_changed),
        };

        return world_missing() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
