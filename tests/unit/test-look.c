/* A look at a node: what the agent tells whoever hands out work, how often it asks its
 * server for that, and that nothing else comes of it. */
#include "domain/readiness.h"
#include "world.h"

#define REST (500 * USEC_PER_MSEC)

typedef struct Seen {
        bool answered;
        Readiness readiness;
} Seen;

static int seen(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Seen *s = userdata;
        const char *text;
        json_t *j;

        assert_true(sd_bus_message_read(m, "s", &text) >= 0);
        j = json_loads(text, 0, NULL);
        assert_int_equal(readiness_from_json(j, &s->readiness), 0);
        json_decref(j);
        s->answered = true;
        return 0;
}

static int counted(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        unsigned *n = userdata;

        n[sd_bus_message_is_method_error(m, SD_BUS_ERROR_LIMITS_EXCEEDED)]++;
        return 0;
}

static void begin(Node *n, Seen *s) {
        *s = (Seen) {0};
        assert_true(sd_bus_call_method_async(n->bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Look", seen, s, NULL) >= 0);
}

static Readiness look(World *w, Node *n) {
        Seen s;

        LOOP_UNTIL(w->event, *property(n, "Report"));
        begin(n, &s);
        LOOP_UNTIL(w->event, s.answered);
        return s.readiness;
}

static void put_probe(Node *n, const char *script) {
        _cleanup_free_ char *text = NULL;

        assert_true(asprintf(&text, "#!/bin/sh\necho x >>%s/probed\n%s\n", n->dir, script) > 0);
        file_put(n->dir, "mainstay-probe.new", text, 0755);
        _cleanup_free_ char *from = NULL, *to = NULL;
        assert_true(asprintf(&from, "%s/mainstay-probe.new", n->dir) > 0 && asprintf(&to, "%s/mainstay-probe", n->dir) > 0);
        assert_int_equal(rename(from, to), 0);
        n->libexec = n->dir;
}

#define ANSWER(more) "echo '{\"wsrep\":true,\"cluster_status\":\"Primary\",\"state\":4,\"ready\":true,\"local_uuid\":\"" CLUSTER "\",\"last_committed\":31,\"sst_method\":\"rsync\",\"reject_queries\":\"NONE\"" more "}'"

/* How often the server was asked. */
static unsigned probed(const Node *n) {
        _cleanup_free_ char *text = file_get(n->dir, "probed");

        return text ? (unsigned) strlen(text) / 2 : 0;
}

static void a_server_that_does_not_run_is_not_asked(void **state) {
        World *w = *state;
        Node *n = &w->node[1];
        Readiness r;

        put_probe(n, ANSWER());
        agent_start(n);
        r = look(w, n);
        assert_string_equal(r.node, "db2");
        assert_true(r.mysqld == MYSQLD_STOPPED && r.looked == 0 && !r.primary && r.seqno == -1 && !r.asynchronous);
        assert_string_equal(r.state, "OFFLINE");
        LOOP_UNTIL(w->event, look(w, n).awaited == 2);
        assert_int_equal(look(w, n).peers_uncertain, 2);
        assert_int_equal(probed(n), 0);
}

static void what_no_event_tells_is_seen(void **state) {
        static const char *const together[] = { MEMBERS };
        World *w = *state;
        Node *n = &w->node[1];
        usec_t before;
        Readiness r;
        Seen s[3];

        put_probe(n, ANSWER());
        agent_start(n);
        serve(n, together, ELEMENTS(together));
        LOOP_UNTIL(w->event, streq(property(n, "State"), "ONLINE"));
        before = clock_usec();
        r = look(w, n);
        assert_true(r.mysqld == MYSQLD_PRIMARY && r.primary && r.wsrep_ready && r.wsrep_state == 4 && r.seqno == 31 && !r.read_only && !r.problem[0]);
        assert_string_equal(r.sst_method, "rsync");
        assert_string_equal(r.reject_queries, "NONE");
        assert_true(r.looked >= (int64_t) before && r.looked <= (int64_t) clock_usec());

        /* Within the rest it is told again, and is as old as it is. */
        unsigned asked = probed(n);
        put_probe(n, ANSWER(",\"read_only\":true,\"desync\":true"));
        if (clock_usec() - before < REST) {
                Readiness again = look(w, n);

                assert_true(again.looked == r.looked || again.looked >= (int64_t) before + (int64_t) REST);
        }
        loop_for(w->event, REST);

        /* All who ask meanwhile are served by one. */
        asked = probed(n);
        for (size_t i = 0; i < ELEMENTS(s); i++)
                begin(n, &s[i]);
        LOOP_UNTIL(w->event, s[0].answered && s[1].answered && s[2].answered);
        assert_int_equal(probed(n), asked + 1);
        assert_true(s[2].readiness.read_only && s[2].readiness.desync && s[2].readiness.looked == s[0].readiness.looked);
        assert_true(s[0].readiness.looked > r.looked);
}

static void nobody_waits_so_often_that_others_could_not(void **state) {
        static const char *const together[] = { MEMBERS };
        World *w = *state;
        Node *n = &w->node[1];
        unsigned answers[2] = {0}; /* looks, refusals */

        put_probe(n, "sleep 1; " ANSWER());
        agent_start(n);
        serve(n, together, ELEMENTS(together));
        LOOP_UNTIL(w->event, streq(property(n, "State"), "ONLINE"));
        for (size_t i = 0; i < 8; i++)
                assert_true(sd_bus_call_method_async(n->bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Look", counted, answers, NULL) >= 0);
        LOOP_UNTIL(w->event, answers[0] + answers[1] == 8);
        assert_int_equal(answers[0], 3);
}

/* So that the agent has nothing to ask its server for by itself. */
#define VIEW ",\"view\":{\"uuid\":\"" CLUSTER "\",\"seqno\":31,\"members\":[{\"uuid\":\"" UUID_1 "\",\"name\":\"db1\"},{\"uuid\":\"" UUID_2 "\",\"name\":\"db2\"},{\"uuid\":\"" UUID_3 "\",\"name\":\"db3\"}]}"

/* Whoever looks a hundred times has not made the others hear of it. */
static void the_report_is_not_touched(void **state) {
        static const char *const together[] = { MEMBERS };
        World *w = *state;
        Node *n = &w->node[1];
        char *report;

        put_probe(n, ANSWER(VIEW));
        agent_start(n);
        serve(n, together, ELEMENTS(together));
        LOOP_UNTIL(w->event, strstr(property(n, "Report"), "\"seqno\":31,\"members\""));
        loop_for(w->event, REST);
        report = strdup(property(n, "Report"));
        put_probe(n, "echo '{\"wsrep\":true,\"cluster_status\":\"Primary\",\"state\":4,\"ready\":true,\"local_uuid\":\"" CLUSTER "\",\"last_committed\":77}'");
        assert_int_equal(look(w, n).seqno, 77);
        loop_for(w->event, 200 * USEC_PER_MSEC);
        assert_string_equal(property(n, "Report"), report);
        free(report);
}

static void one_that_gives_no_answer(void **state) {
        static const char *const together[] = { MEMBERS };
        World *w = *state;
        Node *n = &w->node[1];
        Readiness r;

        put_probe(n, "echo '{\"error\":\"Too many connections\"}'; exit 1");
        agent_start(n);
        serve(n, together, ELEMENTS(together));
        LOOP_UNTIL(w->event, streq(property(n, "State"), "ONLINE"));
        r = look(w, n);
        assert_string_equal(r.problem, "Too many connections");
        assert_true(r.looked > 0 && !r.primary && r.seqno == -1);
}

/* What one process of the server said is not told of the next. */
static void another_server_is_asked_anew(void **state) {
        static const char *const together[] = { MEMBERS };
        World *w = *state;
        Node *n = &w->node[1];
        Readiness r;

        put_probe(n, ANSWER());
        agent_start(n);
        serve(n, together, ELEMENTS(together));
        LOOP_UNTIL(w->event, streq(property(n, "State"), "ONLINE"));
        r = look(w, n);
        assert_true(r.primary);
        systemd_says(&n->systemd, "active", "running", 4712);
        LOOP_UNTIL(w->event, look(w, n).looked > r.looked);
        systemd_says(&n->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, !look(w, n).primary);
        assert_int_equal(look(w, n).looked, 0);
}

static void a_primary_and_its_wrong_server(void **state) {
        World *w = *state;
        Node *n = &w->node[0];
        Readiness r;

        put_asynchronous(n);
        put_probe(n, "echo '{\"wsrep\":false,\"version\":\"10.11\",\"replication\":{\"answers\":true,\"flavour\":\"mariadb\",\"version\":\"10.11\",\"server_id\":1,\"read_only\":false,\"binlog\":true,\"replicas\":1,\"channels\":[]}}'");
        agent_start(n);
        systemd_says(&n->systemd, "active", "running", 4242);
        LOOP_UNTIL(w->event, streq(property(n, "State"), "ONLINE"));
        r = look(w, n);
        assert_true(r.asynchronous && r.role == ROLE_PRIMARY && r.writable && !r.read_only && r.looked > 0 && r.verdict == PRIMARY_UNKNOWN);
        assert_string_equal(r.state, "ONLINE");
        put_probe(n, ANSWER());
        loop_for(w->event, REST);
        assert_non_null(strstr(look(w, n).problem, "its configuration says otherwise"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                world_test(a_server_that_does_not_run_is_not_asked),
                world_test(what_no_event_tells_is_seen),
                world_test(nobody_waits_so_often_that_others_could_not),
                world_test(the_report_is_not_touched),
                world_test(one_that_gives_no_answer),
                world_test(another_server_is_asked_anew),
                world_test(a_primary_and_its_wrong_server),
        };

        return world_missing() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
