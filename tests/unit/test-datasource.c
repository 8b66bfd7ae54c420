/* Datasources, and who is the primary, in a notation that can be checked by eye:
 *
 *   "1 writes log; 2 reads follows 1; 3 unheard"
 *
 * is three nodes, db1 to db3. After its digit, which is its server_id unless
 * `id N` says another, in any order:
 *
 *   writes, reads    read_only is off, or on
 *   log              it has a binary log; `has 0-1-5` a gtid_binlog_state
 *   followed N       replicas connected to it
 *   follows N        it replicates from dbN, and both threads run; `lag N`;
 *                    `follows host` from a host that is none of them
 *   io, sql WORD     a thread's state instead; ioerr, sqlerr N its error
 *   noid             the source has not said who it is
 *   nogtid           it does not ask by GTID
 *   mute, starting   it runs, and does not answer; or not yet
 *   down, stopped    it does not run, and should; or not
 *   unheard          its agent is not heard
 *   shunned WHY      offline: it was set so
 */
#include "domain/datasource.h"
#include "scratch.h"

#define CAST 6

typedef struct Nodes {
        size_t n;
        char name[CAST][8];
        Replication *r[CAST];
        DatasourceFacts facts[CAST];
        Datasource ds[CAST];
        Primary primary;
} Nodes;

static void nodes_done(Nodes *nodes) {
        for (size_t i = 0; i < nodes->n; i++)
                (void) replication_free(nodes->r[i]);
}

static void channel_to(Channel *c, const char *whom) {
        *c = (Channel) { .port = 3306, .by_gtid = true, .receiver.state = THREAD_RUNNING, .applier.state = THREAD_RUNNING, .lag = 0 };
        if (strlen(whom) == 1) {
                c->source_id = atoi(whom);
                (void) snprintf(c->host, sizeof(c->host), "db%s", whom);
        } else
                (void) snprintf(c->host, sizeof(c->host), "%s", whom);
}

static void fail_worker(Worker *w, const char *number, const char *text) {
        w->error = atoi(number);
        w->state = THREAD_STOPPED;
        (void) snprintf(w->text, sizeof(w->text), "%s.", text);
}

static void parse_node(Nodes *nodes, char *text) {
        size_t i = nodes->n++;
        DatasourceFacts *f = &nodes->facts[i];
        char *save = NULL, *word = strtok_r(text, " ", &save);
        Channel *c = NULL;
        Replication *r;

        assert_int_equal(replication_new(&nodes->r[i]), 0);
        r = nodes->r[i];
        *r = (Replication) { .answers = true, .flavour = FLAVOUR_MARIADB, .server_id = atoi(word), .have_gtids = true, .replicas = 0 };
        (void) snprintf(nodes->name[i], sizeof(nodes->name[i]), "db%s", word);
        *f = (DatasourceFacts) { .name = nodes->name[i], .heard = true, .runs = true, .wanted = true, .replication = r };
#define NEXT strtok_r(NULL, " ", &save)
        while ((word = NEXT)) {
                if (streq(word, "writes") || streq(word, "reads"))
                        r->read_only = streq(word, "reads");
                else if (streq(word, "log"))
                        r->binlog = true;
                else if (streq(word, "has")) {
                        char error[256];

                        word = NEXT;
                        assert_int_equal(gtid_list_parse(word, strlen(word), GTID_STATE, &r->binlog_state, error), 0);
                } else if (streq(word, "followed"))
                        r->replicas = atoi(NEXT);
                else if (streq(word, "follows"))
                        channel_to(c = &r->channel[r->n_channels++], NEXT);
                else if (streq(word, "lag"))
                        c->lag = atoi(NEXT);
                else if (streq(word, "io"))
                        c->receiver.state = thread_from_string(NEXT);
                else if (streq(word, "sql"))
                        c->applier.state = thread_from_string(NEXT);
                else if (streq(word, "ioerr"))
                        fail_worker(&c->receiver, NEXT, "Access denied");
                else if (streq(word, "sqlerr"))
                        fail_worker(&c->applier, NEXT, "Duplicate entry");
                else if (streq(word, "noid"))
                        c->source_id = 0;
                else if (streq(word, "nogtid"))
                        c->by_gtid = false;
                else if (streq(word, "id"))
                        r->server_id = atoi(NEXT);
                else if (streq(word, "mute")) {
                        r->answers = false;
                        (void) snprintf(r->problem, sizeof(r->problem), "it hangs");
                } else if (streq(word, "starting"))
                        r->answers = false;
                else if (streq(word, "down") || streq(word, "stopped")) {
                        f->runs = false;
                        f->wanted = streq(word, "down");
                } else if (streq(word, "unheard")) {
                        f->heard = false;
                        f->unheard = "ssh: timed out.";
                } else if (streq(word, "shunned"))
                        (void) snprintf(f->shunned, sizeof(f->shunned), "%s", NEXT);
                else if (streq(word, "offline"))
                        f->offline = true;
                else
                        fail_msg("no such word: %s", word);
        }
#undef NEXT
}

static Nodes judged(const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        char *save = NULL;
        Nodes nodes = {0};

        assert_non_null(copy);
        for (char *one = strtok_r(copy, ";", &save); one; one = strtok_r(NULL, ";", &save))
                parse_node(&nodes, one);
        datasources_judge(nodes.facts, nodes.n, nodes.ds, &nodes.primary);
        return nodes;
}

/* Of db1 alone; the others are there for it. */
static const struct {
        const char *nodes, *is; /* "ROLE STATE" */
        const char *says, *remarks;
} nodes_table[] = {
        { "1 writes log; 2 reads follows 1", "primary ONLINE", "", "" },
        { "1 writes log", "primary ONLINE", "", "" },
        { "1 writes", "primary FAILED", "its binary log is off", "" },
        { "1 reads log followed 1", "primary OFFLINE", "takes no writes", "" },
        { "1 reads log", "unknown OFFLINE", "told to replicate from nobody", "" },

        { "1 reads follows 2; 2 writes log", "replica ONLINE", "", "" },
        { "1 reads follows 2 lag 500; 2 writes log", "replica ONLINE", "", "" },
        { "1 writes follows 2; 2 writes log", "replica ONLINE", "", "It takes writes" },
        { "1 reads follows 2 nogtid; 2 writes log", "replica ONLINE", "", "by GTID" },
        { "1 reads follows 3; 2 writes log followed 1; 3 reads follows 2", "replica ONLINE", "", "It follows db3, which is not the primary." },

        /* None of these was ever ONLINE. */
        { "1 reads follows 2 sqlerr 1062; 2 writes log", "replica FAILED", "its applier has failed: Duplicate entry (error 1062)", "" },
        { "1 reads follows 2 sqlerr 1062 sql running; 2 writes log", "replica FAILED", "applier", "" },
        { "1 reads follows 2 ioerr 1045; 2 writes log", "replica FAILED", "its receiver has failed: Access denied (error 1045)", "" },
        { "1 reads follows 2 ioerr 2003 io connecting; 2 writes log", "replica FAILED", "2003", "" },
        { "1 reads follows 2 io connecting; 2 writes log", "replica OFFLINE", "no connection to db2:3306 yet", "" },
        { "1 reads follows 2 io stopped; 2 writes log", "replica OFFLINE", "its receiver is stopped", "" },
        { "1 reads follows 2 sql stopped; 2 writes log", "replica OFFLINE", "its applier is stopped", "" },
        { "1 reads follows 2 io connecting sql stopped; 2 writes log", "replica OFFLINE", "applier", "" },
        { "1 reads follows 2 io stopped sql stopped; 2 writes log", "replica OFFLINE", "replication is stopped", "" },
        { "1 reads follows 2 io unknown; 2 writes log", "replica OFFLINE", "not understood", "" },
        { "1 reads follows 2 follows 3 sqlerr 1062; 2 writes log; 3 writes log", "replica FAILED", "applier", "" },
        { "1 reads follows 2 sqlerr 1062 follows 3; 2 writes log; 3 writes log", "replica FAILED", "applier", "" },
        { "1 reads follows 2 io stopped follows 3 ioerr 9; 2 writes log; 3 writes log", "replica FAILED", "receiver", "" },
        /* The server shows `Connecting` and no error. */
        { "1 reads id 7 follows 2 io connecting noid; 2 writes log; 3 reads id 7 follows 2", "replica FAILED", "db3 has the same server_id (7)", "" },
        { "1 reads id 2 follows 9 io connecting; 2 unheard", "replica OFFLINE", "no connection", "" },
        { "1 reads id 5 follows 5; 2 unheard", "replica FAILED", "its source has the same server_id (5)", "" },

        { "1 mute", "unknown FAILED", "does not answer the agent: it hangs", "" },
        { "1 starting", "unknown OFFLINE", "is starting", "" },
        { "1 down", "unknown FAILED", "does not run, though it should", "" },
        { "1 stopped", "unknown OFFLINE", "stopped", "" },
        { "1 unheard", "unknown UNKNOWN", "its agent is not heard: ssh: timed out", "" },
        { "1 unheard shunned X", "unknown UNKNOWN", "not heard", "" },
        { "1 reads follows 2 shunned MANUALLY-SHUNNED; 2 writes log", "replica SHUNNED", "MANUALLY-SHUNNED", "" },
        { "1 reads follows 2 sqlerr 1 shunned X; 2 writes log", "replica SHUNNED", "X", "" },
        { "1 down shunned X", "unknown SHUNNED", "X", "" },

        { "1 reads follows 2 offline; 2 writes log", "replica OFFLINE", "set offline; to bring it back: mainstayctl online db1", "" },
        { "1 writes log offline", "primary OFFLINE", "set offline", "" },
        { "1 reads follows 2 sql stopped offline; 2 writes log", "replica OFFLINE", "mainstayctl online db1. Besides, its applier is stopped", "" },
        { "1 stopped offline", "unknown OFFLINE", "mainstayctl online db1. Besides, its server is stopped", "" },
        { "1 reads follows 2 sqlerr 1062 offline; 2 writes log", "replica FAILED", "applier", "" },
        { "1 down offline", "unknown FAILED", "does not run", "" },
        { "1 reads follows 2 offline shunned X; 2 writes log", "replica SHUNNED", "X", "" },
        { "1 unheard offline", "unknown UNKNOWN", "not heard", "" },
};

static void a_node_is_what_its_components_are(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(nodes_table); i++) {
                _cleanup_(nodes_done) Nodes nodes = judged(nodes_table[i].nodes);
                const Datasource *d = &nodes.ds[0];
                char is[64];

                (void) snprintf(is, sizeof(is), "%s %s", role_to_string(d->role), datasource_state_to_string(d->state));
                if (!streq(is, nodes_table[i].is) || !strstr(d->reason, nodes_table[i].says) || !strstr(d->remark, nodes_table[i].remarks))
                        fail_msg("%s: %s, %s, %s", nodes_table[i].nodes, is, d->reason, d->remark);
                CHECK((d->state == DATASOURCE_ONLINE) == (d->reason[0] == '\0'), nodes_table[i].nodes);
                CHECK(nodes_table[i].remarks[0] || !d->remark[0], nodes_table[i].nodes);
                CHECK(d->state != DATASOURCE_ONLINE || (d->agent.health == HEALTH_ONLINE && d->server.health == HEALTH_ONLINE && d->replicator.health == HEALTH_ONLINE),
                      nodes_table[i].nodes);
        }
}

/* However the threads stand: ONLINE only where both run and neither has failed. */
static void no_replica_is_online_that_does_not_replicate(void **state) {
        static const char *const io[] = { "io running", "io connecting", "io stopped", "io unknown" };
        static const char *const sql[] = { "sql running", "sql connecting", "sql stopped", "sql unknown" };
        static const char *const errors[] = { "", "ioerr 1", "sqlerr 1", "ioerr 1 io running", "sqlerr 1 sql running" };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(io) * ELEMENTS(sql) * ELEMENTS(errors) * 2; i++) {
                size_t a = i % 4, b = i / 4 % 4, e = i / 16 % 5;
                bool writes = i / 80;
                char text[128];

                (void) snprintf(text, sizeof(text), "1 %s follows 2 %s %s %s; 2 writes log", writes ? "writes" : "reads", io[a], sql[b], errors[e]);
                _cleanup_(nodes_done) Nodes nodes = judged(text);
                CHECK((nodes.ds[0].state == DATASOURCE_ONLINE) == (a == 0 && b == 0 && e == 0), text);
                CHECK((nodes.ds[0].state == DATASOURCE_FAILED) == (e > 0), text);
        }
}

static const struct {
        const char *nodes, *verdict, *who, *says;
} primaries[] = {
        { "1 writes log; 2 reads follows 1; 3 reads follows 1", "one", "db1", "2 nodes follow it" },
        { "1 writes log", "one", "db1", "0 nodes follow" },
        { "1 writes log; 2 reads follows db1.example.org; 3 reads log", "one", "db1", "1 node follows it" },
        { "1 writes log; 2 writes follows 1", "one", "db1", NULL },
        { "1 writes log; 2 stopped; 3 down", "one", "db1", NULL },
        /* Two of them, as they are. */
        { "1 writes log; 2 writes log; 3 reads follows 1", "several", "db1 and db2", "db1 is followed by 1 node. db2 is followed by 0 nodes." },
        { "1 writes log has 0-1-9; 2 writes log has 0-1-7; 3 reads follows 2", "several", "db1 and db2", "db1 has all that db2 has. A person" },
        { "1 writes log has 0-1-9; 2 writes log has 0-1-7,0-2-8", "several", "db1 and db2", "0 nodes. A person" },
        { "1 writes log; 2 writes log; 3 writes log", "several", "db1, db2 and db3", NULL },
        { "1 writes log; 2 writes log; 3 unheard", "several", "db1 and db2", NULL },
        /* A replica that takes writes is wrong, and no primary. */
        { "1 reads log followed 1; 2 writes follows 1", "none", "nobody", "db1 is replicated from, and is read-only" },
        { "1 reads follows 2; 2 reads follows 1", "none", "nobody", NULL },
        { "1 stopped; 2 reads follows 1 io connecting", "none", "nobody", NULL },
        { "1 writes log shunned X; 2 reads follows 1", "none", "nobody", "db1 is shunned, and takes writes all the same" },
        { "1 writes log offline; 2 reads follows 1", "one", "db1", "it alone takes writes" },
        { "1 writes log shunned X; 2 writes log; 3 reads follows 2", "one", "db2", "db1 is shunned, and takes writes" },
        /* What takes writes need not be what others follow. */
        { "1 stopped; 2 reads follows 1 io connecting; 3 writes log", "unknown", "nobody", "db3 takes writes, and nobody follows it, while db2 is told to follow db1" },
        { "1 stopped; 2 reads follows 1 io connecting; 3 writes log; 4 reads follows 3", "one", "db3", NULL },
        { "1 stopped; 2 reads follows 1 io connecting shunned X; 3 writes log", "one", "db3", NULL },
        { "1 stopped; 2 reads follows 3 io stopped; 3 writes log", "one", "db3", "0 nodes follow" },
        /* Who is not heard may be anything. */
        { "1 starting; 2 writes log", "unknown", "nobody", "db1 does not tell" },
        { "1 unheard; 2 reads follows 1 io connecting", "unknown", "nobody", "db1 does not tell" },
        { "1 mute; 2 reads follows 1 io connecting", "unknown", "nobody", "db1 does not tell" },
        { "1 unheard; 2 writes log", "unknown", "nobody", "db2 takes writes, which nobody follows" },
        { "1 unheard; 2 writes log; 3 reads follows 1", "unknown", "nobody", "db1 does not tell" },
        { "1 unheard; 2 writes log; 3 reads follows 2", "one", "db2", NULL },
        { "1 unheard; 2 writes log; 3 reads follows 2; 4 reads follows 1", "unknown", "nobody", "db1 does not tell" },
};

static void primary_is_who_the_evidence_names(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(primaries); i++) {
                _cleanup_(nodes_done) Nodes nodes = judged(primaries[i].nodes);
                _cleanup_free_ char *who = names_text(&nodes.primary.who);

                if (!streq(primary_verdict_to_string(nodes.primary.verdict), primaries[i].verdict) || !streq(who, primaries[i].who) ||
                    (primaries[i].says && !strstr(nodes.primary.text, primaries[i].says)))
                        fail_msg("%s: %s, %s: %s", primaries[i].nodes, primary_verdict_to_string(nodes.primary.verdict), who, nodes.primary.text);
        }
}

static void sources_are_found_by_what_they_say_of_themselves(void **state) {
        _cleanup_(nodes_done) Nodes byname = judged("1 reads follows db2.lan noid; 2 writes log");
        _cleanup_(nodes_done) Nodes byid = judged("1 reads follows 2; 2 writes log id 5; 3 writes log id 2");
        _cleanup_(nodes_done) Nodes stranger = judged("1 reads follows elsewhere; 2 writes log");
        _cleanup_(nodes_done) Nodes prefix = judged("1 reads follows db22; 2 writes log");

        (void) state;
        assert_string_equal(byname.ds[0].source, "db2");
        assert_string_equal(byid.ds[0].source, "db3");
        assert_int_equal(byid.ds[2].followers, 1);
        assert_string_equal(stranger.ds[0].source, "elsewhere");
        assert_false(stranger.ds[0].source_known);
        assert_false(prefix.ds[0].source_known);
        /* MySQL's UUIDs count for more than ids. */
        memset(byid.r[0]->channel[0].source_uuid.b, 7, 16);
        memset(byid.r[1]->server_uuid.b, 7, 16);
        datasources_judge(byid.facts, byid.n, byid.ds, &byid.primary);
        assert_string_equal(byid.ds[0].source, "db2");
}

/* As its own agent tells it: whoever hears that sees the same. */
static void a_report_says_who_keeps_it_out(void **state) {
        _cleanup_(report_freep) Report *r = NULL;
        Voice voice = { .name = "db1", .condition = CONDITION_KNOWN };
        DatasourceFacts facts;
        Datasource d;
        Primary primary;

        (void) state;
        assert_int_equal(report_new(&r), 0);
        voice.report = r;
        facts = datasource_facts(&voice);
        assert_string_equal(facts.shunned, "");
        assert_false(facts.offline);

        r->offline = true;
        assert_int_equal(shun_new("a new disk", "anna", 1, 0, &r->shun), 0);
        facts = datasource_facts(&voice);
        assert_true(facts.offline);
        datasources_judge(&facts, 1, &d, &primary);
        assert_int_equal(d.state, DATASOURCE_SHUNNED);
        assert_string_equal(d.reason, "a new disk, by anna");

        voice.condition = CONDITION_UNCERTAIN;
        facts = datasource_facts(&voice);
        assert_string_equal(facts.shunned, "");
        assert_false(facts.offline);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_node_is_what_its_components_are),
                cmocka_unit_test(no_replica_is_online_that_does_not_replicate),
                cmocka_unit_test(primary_is_who_the_evidence_names),
                cmocka_unit_test(a_report_says_who_keeps_it_out),
                cmocka_unit_test(sources_are_found_by_what_they_say_of_themselves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
