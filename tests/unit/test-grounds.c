/* What a decision rests on, as it is written into the journal. */
#include "cases.h"
#include "domain/grounds.h"
#include "domain/json.h"
#include "memory.h"

static const struct {
        const char *what, *voices, *expected;
} cases[] = {
        { "who must be heard, and is not", "db1 stopped 114 view 10:123 safe; db2 uncertain",
          "{\"action\":\"wait\",\"needed\":[\"db1\",\"db2\",\"db3\"],\"awaited\":[\"db2\",\"db3\"],\"nodes\":["
          "{\"node\":\"db1\",\"condition\":\"known\",\"mysqld\":\"stopped\",\"position\":\"A:114\",\"source\":\"recovered\",\"safe_to_bootstrap\":true,"
          "\"view\":{\"seqno\":10,\"members\":[\"db1\",\"db2\",\"db3\"]},\"bootstraps\":0},"
          "{\"node\":\"db2\",\"condition\":\"uncertain\"}]}" },
        { "no record, a mark, a promise", "db1 stopped 114 view 10:1 history a@50; db2 stopped 90 mark aborted-sst grant x:1 history a@50 unsafe",
          "{\"action\":\"bootstrap\",\"node\":\"db1\",\"manner\":\"restart\",\"needed\":[\"db1\",\"db2\"],\"awaited\":[],\"nodes\":["
          "{\"node\":\"db1\",\"condition\":\"known\",\"mysqld\":\"stopped\",\"position\":\"A:114\",\"source\":\"recovered\","
          "\"view\":{\"seqno\":10,\"members\":[\"db1\"]},\"bootstraps\":1},"
          "{\"node\":\"db2\",\"condition\":\"known\",\"mysqld\":\"stopped\",\"position\":\"A:90\",\"source\":\"recovered\",\"safe_to_bootstrap\":false,"
          "\"view_problem\":\"it is empty\",\"bootstraps\":1,\"marks\":[\"aborted-sst\"],\"granted_to\":\"db1\"}]}" },
        { "of a view without a seqno that is not said", "db1 stopped view ?:1 asking x problem",
          "{\"nodes\":[{\"node\":\"db1\",\"condition\":\"known\",\"mysqld\":\"stopped\",\"view\":{\"members\":[\"db1\"]},\"bootstraps\":0,"
          "\"claim\":\"asking\",\"problem\":\"its files are spoilt\"}]}" },
        { "of bootstraps that are not known", "db1 stopped 114 view 10:1 history -",
          "{\"nodes\":[{\"node\":\"db1\",\"condition\":\"known\",\"mysqld\":\"stopped\",\"position\":\"A:114\",\"source\":\"recovered\","
          "\"view\":{\"seqno\":10,\"members\":[\"db1\"]}}]}" },
};

/* "A" for the cluster's uuid. */
static char *shortened(const char *text) {
        char long_form[UUID_TEXT_MAX], *copy = strdup(text), *at;
        const Uuid a = case_id('A');

        assert_non_null(copy);
        (void) uuid_text(&a, long_form);
        while ((at = strstr(copy, long_form))) {
                *at = 'A';
                memmove(at + 1, at + strlen(long_form), strlen(at + strlen(long_form)) + 1);
        }
        return copy;
}

static void each_node_is_told_as_it_was_known(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_cast_ Cast c = cast_parse(cases[i].voices);
                _cleanup_(plan_freep) Plan *plan = NULL;
                _cleanup_free_ char *text = NULL, *brief = NULL;
                bool with_plan = strstr(cases[i].expected, "\"action\"");

                assert_int_equal(decision_make(cast_voices(&c), c.n, NULL, &plan), 0);
                assert_int_equal(grounds_format(cast_voices(&c), c.n, with_plan ? plan : NULL, &text), 0);
                brief = shortened(text);
                if (!streq(brief, cases[i].expected))
                        fail_msg("%s: not\n%s\nbut\n%s", cases[i].what, cases[i].expected, brief);

                /* All of it, or nothing. */
                for (unsigned n = 1, refused = 1; refused; n++) {
                        _cleanup_free_ char *again = NULL;
                        int r;

                        memory_refuse(n);
                        r = grounds_format(cast_voices(&c), c.n, with_plan ? plan : NULL, &again);
                        refused = memory_refused();
                        CHECK(r == 0 ? streq(again, text) : r == -ENOMEM && refused && !again, cases[i].what);
                }
        }
}

static void those_of_a_claim_are_its_reports(void **state) {
        _cleanup_cast_ Cast c = cast_parse("db1 stopped 114; db2 stopped 90");
        _cleanup_(claim_freep) Claim *claim = NULL;
        _cleanup_free_ char *of_claim = NULL, *of_voices = NULL;

        (void) state;
        assert_int_equal(claim_new(&claim), 0);
        for (size_t i = 0; i < c.n; i++)
                assert_int_equal(report_copy(c.report[i], &claim->report[claim->n_reports++]), 0);
        assert_int_equal(grounds_of_claim(claim, &of_claim), 0);
        assert_int_equal(grounds_format(cast_voices(&c), c.n, NULL, &of_voices), 0);
        assert_string_equal(of_claim, of_voices);
}

/* What a server says of itself may be no UTF-8; the rest must not be lost by it. */
static void words_of_others_do_no_harm(void **state) {
        _cleanup_cast_ Cast c = cast_parse("db1 stopped 114 problem");
        _cleanup_free_ char *text = NULL;
        json_t *o;

        (void) state;
        free(c.report[0]->problem);
        c.report[0]->problem = strdup("bad \xff\n words");
        assert_int_equal(grounds_format(cast_voices(&c), c.n, NULL, &text), 0);
        assert_null(strchr(text, '\n'));
        o = json_loads(text, 0, NULL);
        assert_non_null(o);
        json_decref(o);
}

/* Of servers that replicate it is told what they are, and not what Galera would ask. */
static void a_service_is_told_as_it_was_judged(void **state) {
        _cleanup_cast_ Cast c = cast_parse("db1 stopped unwanted; db2 uncertain");
        _cleanup_free_ char *text = NULL;
        const json_t *nodes, *db1, *db2;
        json_t *o;

        (void) state;
        assert_int_equal(shun_new("new disk", "anna", 1, 0, &c.report[0]->shun), 0);
        cast_voices(&c)[1].why = "ssh: No route to host";
        assert_int_equal(grounds_of_service(cast_voices(&c), c.n, &text), 0);
        o = json_loads(text, 0, NULL);
        assert_non_null(o);
        assert_true(*text_of(o, "primary"));
        nodes = json_object_get(o, "nodes");
        assert_int_equal(json_array_size(nodes), 2);
        db1 = json_array_get(nodes, 0);
        db2 = json_array_get(nodes, 1);
        assert_string_equal(text_of(db1, "state"), "SHUNNED");
        assert_non_null(strstr(text_of(db1, "reason"), "new disk"));
        assert_null(json_object_get(db1, "safe_to_bootstrap"));
        assert_null(json_object_get(db1, "view_problem"));
        assert_string_equal(text_of(db2, "condition"), "uncertain");
        assert_string_equal(text_of(db2, "why"), "ssh: No route to host");
        assert_null(json_object_get(db2, "state"));
        json_decref(o);
}

/* Whom it replicates from, and how far it is behind. */
static void a_replica_is_told_with_its_source(void **state) {
        _cleanup_cast_ Cast c = cast_parse("db1 starting; db2 starting");
        _cleanup_free_ char *text = NULL;
        Channel *channel;
        const json_t *db2;
        json_t *o;

        (void) state;
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(replication_new(&c.report[i]->replication), 0);
                c.report[i]->replication->answers = true;
                c.report[i]->replication->server_id = (int64_t) i + 1;
                c.report[i]->replication->flavour = FLAVOUR_MARIADB;
                c.report[i]->replication->binlog = true;
        }
        c.report[1]->replication->read_only = true;
        channel = &c.report[1]->replication->channel[c.report[1]->replication->n_channels++];
        *channel = (Channel) { .host = "db1", .port = 3306, .source_id = 1, .by_gtid = true, .receiver.state = THREAD_RUNNING, .applier.state = THREAD_RUNNING, .lag = 7 };
        assert_int_equal(grounds_of_service(cast_voices(&c), c.n, &text), 0);
        o = json_loads(text, 0, NULL);
        db2 = json_array_get(json_object_get(o, "nodes"), 1);
        assert_string_equal(text_of(db2, "role"), "replica");
        assert_string_equal(text_of(db2, "source"), "db1");
        assert_int_equal(json_integer_value(json_object_get(db2, "lag")), 7);
        json_decref(o);
        for (unsigned n = 1, refused = 1; refused; n++) {
                _cleanup_free_ char *again = NULL;
                int r;

                memory_refuse(n);
                r = grounds_of_service(cast_voices(&c), c.n, &again);
                refused = memory_refused();
                assert_true(r == 0 ? streq(again, text) : r == -ENOMEM && refused && !again);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_node_is_told_as_it_was_known),
                cmocka_unit_test(those_of_a_claim_are_its_reports),
                cmocka_unit_test(a_service_is_told_as_it_was_judged),
                cmocka_unit_test(a_replica_is_told_with_its_source),
                cmocka_unit_test(words_of_others_do_no_harm),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
