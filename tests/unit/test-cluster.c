/* Agents that agree on who leads: claims, promises, grants, and what is written down. */
#include "config.h"

#include "world.h"

static void the_highest_leads_and_no_other(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        assert_string_equal(property(db2, "State"), "OFFLINE");

        /* Who is not the one waits, and says for whom. */
        enter(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "db2"));
        assert_false(db1->entry.answered);
        assert_string_equal(promised(db1).claim_state, "");

        enter(db2);
        bootstrap(w, db2);
        assert_true(granted(db1, promised(db2).claim));
        assert_true(granted(db3, promised(db2).claim));
        enter(db3);
        LOOP_UNTIL(w->event, *property(db3, "Waiting"));
        assert_false(db1->entry.answered);
        assert_false(db3->entry.answered);
}

static void a_promise_outlives_the_agent(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        char id[64];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db2);
        bootstrap(w, db2);
        (void) snprintf(id, sizeof(id), "%s", promised(db2).claim);
        pass(db2);

        /* While mysqld may start under it, it stands; but no second start gets the flag. */
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "starting"));
        assert_string_equal(promised(db2).claim_state, "consumed");
        assert_string_equal(promised(db2).claim, id);
        _cleanup_free_ char *env = file_get(db2->run, "start.env");
        assert_null(env);
        enter(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "db2"));
        assert_true(granted(db1, id) && granted(db3, id));
        assert_false(db1->entry.answered);

        /* Who granted may die, too. */
        agent_kill(db3);
        agent_start(db3);
        LOOP_UNTIL(w->event, *property(db3, "Plan"));
        assert_true(granted(db3, id));

        /* It ended before it was Primary: the next start is agreed upon anew. */
        systemd_says(&db2->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, !streq(promised(db2).claim, id));
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        enter(db2);
        bootstrap(w, db2);
        assert_string_not_equal(promised(db2).claim, id);
        (void) snprintf(id, sizeof(id), "%s", promised(db2).claim);
        assert_true(granted(db1, id) && granted(db3, id));
        assert_false(db1->entry.answered);
}

static void one_who_is_absent_may_hold_more(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        enter(db1);
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "db3"));
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "db3"));
        assert_false(db1->entry.answered);
        assert_false(db2->entry.answered);
        assert_string_equal(promised(db1).claim_state, "");
        assert_string_equal(promised(db2).claim_state, "");
        assert_true(granted(db1, "") && granted(db2, ""));

        /* That was all that was lacking. */
        agent_start(db3);
        bootstrap(w, db2);
        assert_false(db1->entry.answered);
}

/* It comes to the gate, and is let through under another claim. */
static void promised_over_again(World *w, Node *n, const char *before) {
        enter(n);
        LOOP_UNTIL(w->event, n->entry.answered);
        assert_string_equal(n->entry.verdict, "bootstrap");
        assert_string_not_equal(promised(n).claim, before);
}

static void a_grant_is_for_the_data_as_they_were(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *env = NULL;
        char id[64];

        be_granted(w, db2, id);
        db2->seqno = 31;
        put_data(db2);
        promised_over_again(w, db2, id);
        assert_true(granted(db1, promised(db2).claim) && granted(db3, promised(db2).claim));
        env = file_get(db2->run, "start.env");
        assert_non_null(strstr(str_or(env, ""), CLUSTER ":31"));
}

/* From now on the agent cannot write its state; until it can again. */
static void disk_spoil(const Node *n) {
        _cleanup_free_ char *file = NULL, *aside = NULL;

        assert_true(asprintf(&file, "%s/state.json", n->state) > 0 && asprintf(&aside, "%s/aside", n->state) > 0);
        assert_int_equal(rename(file, aside), 0);
        assert_int_equal(mkdir(file, 0700), 0); /* which nothing replaces */
}

static void disk_mend(const Node *n) {
        _cleanup_free_ char *file = NULL, *aside = NULL;

        assert_true(asprintf(&file, "%s/state.json", n->state) > 0 && asprintf(&aside, "%s/aside", n->state) > 0);
        assert_int_equal(rmdir(file), 0);
        assert_int_equal(rename(aside, file), 0);
}

static void nobody_hears_of_what_is_not_on_the_disk(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        char id[64];

        be_granted(w, db2, id);
        disk_spoil(db2);

        /* It does not lead any more, and cannot give up its claim. */
        db3->seqno = 40;
        put_data(db3);
        LOOP_UNTIL(w->event, plan_is(db2, "bootstrap", "node", "db3"));
        LOOP_UNTIL(w->event, logged(db2, "cannot be written"));
        LOOP_UNTIL(w->event, strstr(property(db1, "Report"), id));
        assert_non_null(strstr(property(db2, "Report"), id));
        assert_true(granted(db1, id) && granted(db3, id));
        assert_false(logged(db1, "has ended"));

        disk_mend(db2);
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        assert_string_equal(promised(db2).claim_state, "");
}

/* galera_new_cluster was ended before it took its flag out of systemd's environment. */
static void a_flag_left_behind_bars_nobody_who_was_granted(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        char id[64];

        be_granted(w, db2, id);
        enter_with(db2, "new-cluster");
        bootstrap(w, db2);
        assert_string_equal(promised(db2).claim, id);

        enter_with(db1, "new-cluster");
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "refuse");
        assert_non_null(strstr(db1->entry.text, "systemctl unset-environment _WSREP_NEW_CLUSTER"));
}

/* The gate was answered, and did not let mysqld start: nobody has led. */
static void a_bootstrap_that_never_began_is_no_history(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        char id[64];

        be_granted(w, db2, id);
        enter(db2);
        bootstrap(w, db2);
        systemd_says(&db2->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, logged(db2, "was not let start under it after all"));
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        assert_false(logged(db2, "has formed the cluster"));
}

/* What the holder knew is gone with its disk: what was granted to it can be used by
 * nobody any more, and bars nobody. */
static void a_grant_ends_with_the_memory_of_its_holder(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *file = NULL;
        char id[64];

        /* Its epoch is beyond that of an agent that begins anew. */
        agent_start(db2);
        LOOP_UNTIL(w->event, *property(db2, "Plan"));
        agent_kill(db2);
        be_granted(w, db2, id);
        enter(db2);
        bootstrap(w, db2);
        agent_kill(db2);
        assert_true(asprintf(&file, "%s/state.json", db2->state) > 0);
        assert_int_equal(unlink(file), 0);
        systemd_says(&db2->systemd, "failed", "failed", 0);
        agent_start(db2);
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        enter(db2);
        LOOP_UNTIL(w->event, db2->entry.answered);
        assert_string_equal(db2->entry.verdict, "bootstrap");
        assert_string_not_equal(promised(db2).claim, id);
}

/* An error it would take for a dead agent, and start as a joiner. */
static void who_cannot_write_refuses_the_gate(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        disk_spoil(db2);
        enter(db2);
        LOOP_UNTIL(w->event, db2->entry.answered);
        assert_string_equal(db2->entry.verdict, "refuse");
        assert_non_null(strstr(db2->entry.text, "Is the disk full, or read-only?"));
        systemd_says(&db2->systemd, "failed", "failed", 0);

        /* Nobody waits any more: that start is not answered a second time. */
        disk_mend(db2);
        loop_for(w->event, 500 * USEC_PER_MSEC);
        assert_string_equal(promised(db2).claim_state, "");
        enter(db2);
        bootstrap(w, db2);
}

static json_t *history_on_disk(const Node *n) {
        _cleanup_free_ char *text = file_get(n->state, "state.json");
        json_t *o = text ? json_loads(text, 0, NULL) : NULL, *history = json_incref(json_object_get(o, "history"));

        json_decref(o);
        return history;
}

static size_t bootstraps_of(const Node *n) {
        json_t *history = history_on_disk(n);
        size_t size = json_array_size(history);

        json_decref(history);
        return size;
}

/* mysqld was started past the gate, alone. Who is with it learns of it; who went
 * on without it is kept out. */
static void a_bootstrap_past_the_gate_is_written_down(void **state) {
        static const char *const alone[] = { UUID_2 "/db2/192.0.2.2" };
        static const char *const two[] = { UUID_2 "/db2/192.0.2.2", UUID_2 "/db2/192.0.2.2," UUID_3 "/db3/192.0.2.3" };
        static const char *const joined[] = { UUID_2 "/db2/192.0.2.2," UUID_3 "/db3/192.0.2.3" };
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        db1->seqno = 31; /* one more than db2 began with */
        put_data(db1);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        serve(db2, alone, ELEMENTS(alone));
        LOOP_UNTIL(w->event, bootstraps_of(db2) == 1);
        LOOP_UNTIL(w->event, logged(db2, "a bootstrap that Mainstay was not asked for"));
        assert_int_equal(bootstraps_of(db3), 0);

        LOOP_UNTIL(w->event, streq(property(db1, "State"), "SHUNNED"));
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "refuse");
        assert_non_null(strstr(db1->entry.text, "was bootstrapped without it from seqno 30"));

        serve(db2, two, ELEMENTS(two));
        serve(db3, joined, ELEMENTS(joined));
        LOOP_UNTIL(w->event, bootstraps_of(db3) == 1);
        assert_int_equal(bootstraps_of(db2), 1);
        json_t *here = history_on_disk(db2), *there = history_on_disk(db3);
        assert_true(json_equal(here, there));
        json_decref(here);
        json_decref(there);
}

/* The same, while its agent did not run; it has stopped since. */
static void one_that_nobody_saw_is_written_down_later(void **state) {
        static const char *const views[] = { UUID_2 "/db2/192.0.2.2," UUID_3 "/db3/192.0.2.3", UUID_2 "/db2/192.0.2.2" };
        World *w = *state;
        Node *db2 = &w->node[1];
        json_t *history;

        serve(db2, views + 1, 1);
        db2->seqno = 35;
        file_put(db2->data, "grastate.dat", "version: 2.1\nuuid: " CLUSTER "\nseqno: -1\nsafe_to_bootstrap: 0\n", 0644);
        systemd_says(&db2->systemd, "failed", "failed", 0);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, bootstraps_of(db2) == 1);
        history = history_on_disk(db2);
        assert_true(json_is_true(json_object_get(json_array_get(history, 0), "foreign")));
        assert_int_equal(json_integer_value(json_object_get(json_array_get(history, 0), "seqno")), 30); /* where that start began */
        json_decref(history);
}

/* Describe */

static int described(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        About *a = userdata;
        const char *text;

        if (sd_bus_message_is_method_error(m, NULL))
                fail_msg("%s", sd_bus_message_get_error(m)->message);
        assert_true(sd_bus_message_read(m, "s", &text) >= 0);
        assert_int_equal(about_parse(text, a), 0);
        return 0;
}

#define MANY 24

static void what_a_person_compares_is_told(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0];
        About about[MANY] = {};
        size_t with_version;

        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Report"));
        assert_null(file_get(db1->dir, "asked")); /* nobody wanted to know */
        for (size_t round = 0; round < 2; round++) {
                _cleanup_free_ char *asked = NULL;

                /* All at once: everybody is answered, and the binary is asked once. */
                for (size_t i = 0; i < MANY; i++)
                        assert_true(sd_bus_call_method_async(db1->bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Peer", "Describe", described, &about[i], NULL) >= 0);
                for (size_t i = 0; i < MANY; i++)
                        LOOP_UNTIL(w->event, about[i].time > 0);
                with_version = 0;
                for (size_t i = 0; i < MANY; i++) {
                        assert_string_equal(about[i].node, "db1");
                        assert_string_equal(about[i].mainstay, PACKAGE_VERSION);
                        assert_int_equal(about[i].weight, 1);
                        assert_true(about[i].time <= real_usec() && about[i].time > real_usec() - LOOP_DEADLINE);
                        with_version += streq_null(about[i].server, "10.11.19-MariaDB");
                        about_done(&about[i]);
                }
                assert_true(with_version >= (round == 0 ? 16 : MANY));
                asked = file_get(db1->dir, "asked");
                assert_non_null(asked);
                assert_string_equal(asked, "x\n");
        }
}

/* mysqld is let join, and ends before it has: it is tried again later, which
 * outlives the agent, and is over as soon as it has joined. */
static void who_fails_to_join_rests(void **state) {
        static const char *const alone[] = { UUID_2 "/db2/192.0.2.2" };
        static const char *const joined[] = { UUID_1 "/db1/192.0.2.1," UUID_2 "/db2/192.0.2.2" };
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        _cleanup_free_ char *env = NULL;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        serve(db2, alone, ELEMENTS(alone));
        LOOP_UNTIL(w->event, all_plan(w, "join", "node", "db2"));
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
        env = file_get(db1->run, "start.env");
        assert_non_null(strstr(str_or(env, ""), CLUSTER ":20 --wsrep-sst-donor=db2,\n"));
        /* No server answers the agent there, so nobody knows what it keeps. */
        assert_non_null(strstr(db1->entry.text, "is not known: db2 has not told"));
        pass(db1);
        systemd_says(&db1->systemd, "activating", "start", 4711);
        LOOP_UNTIL(w->event, streq(property(db1, "Mysqld"), "starting"));

        (void) snprintf(db1->systemd.unit.result, sizeof(db1->systemd.unit.result), "exit-code");
        systemd_says(&db1->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "failed to join 1 time in a row"));
        assert_int_equal(db1->systemd.starts, 0);

        agent_kill(db1);
        agent_start(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Report"), "\"join_failures\":1"));
        /* A person need not wait. */
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
        (void) snprintf(db1->systemd.unit.result, sizeof(db1->systemd.unit.result), "success");
        serve(db1, joined, ELEMENTS(joined));
        LOOP_UNTIL(w->event, streq(property(db1, "Mysqld"), "primary"));
        LOOP_UNTIL(w->event, !strstr(property(db1, "Report"), "join_failures"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                world_test(the_highest_leads_and_no_other),
                world_test(a_promise_outlives_the_agent),
                world_test(one_who_is_absent_may_hold_more),
                world_test(a_grant_is_for_the_data_as_they_were),
                world_test(nobody_hears_of_what_is_not_on_the_disk),
                world_test(a_flag_left_behind_bars_nobody_who_was_granted),
                world_test(a_bootstrap_that_never_began_is_no_history),
                world_test(a_grant_ends_with_the_memory_of_its_holder),
                world_test(who_cannot_write_refuses_the_gate),
                world_test(a_bootstrap_past_the_gate_is_written_down),
                world_test(one_that_nobody_saw_is_written_down_later),
                world_test(what_a_person_compares_is_told),
                world_test(who_fails_to_join_rests),
        };

        return world_missing() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
