/* Agents that are asked by a person: a bootstrap, a policy, a datasource. */
#include "config.h"

#include "world.h"

/* Policies */

static Answer set_policy(World *w, Node *n, const char *policy) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;

        LOOP_UNTIL(w->event, *property(n, "Report"));
        assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "SetPolicy", call_answered, &a, "s", policy) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

static Answer ask_bootstrap(World *w, Node *n, const char *method) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;
        bool join = streq(method, "Join");

        /* Without waiting for the end. */
        if (join)
                assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, &a, "sb", "", false) >= 0);
        else
                assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, &a, "asasb", 0, 0, false) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

/* A person asks, on a connection of its own, and waits. */
static sd_bus *ask_and_wait(World *w, Node *n, const char *method, const char *without, Answer *ret) {
        sd_bus *bus = private_bus_open(&n->daemon, w->event);

        LOOP_UNTIL(w->event, *property(n, "Report"));
        if (streq(method, "Join"))
                assert_true(sd_bus_call_method_async(bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, ret, "sb", "", true) >= 0);
        else
                assert_true(sd_bus_call_method_async(bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, ret, "asasb", without ? 1 : 0, without, 0, true) >= 0);
        return bus;
}

/* Whoever runs anyway, and has the newest data, leads. */
static void asked_to_join_it_leads_all_the_same(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        Answer a = {0}, b = {0};
        sd_bus *person, *other;

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "db3"));
        person = ask_and_wait(w, db2, "Join", NULL, &a);
        other = ask_and_wait(w, db1, "Join", NULL, &b); /* where nobody wanted mysqld before */
        agent_start(&w->node[2]);
        bootstrap(w, db2);
        assert_false(a.answered || b.answered);

        /* Who does not wait any more is in nobody's way. */
        other = sd_bus_close_unref(other);
        do {
                b = (Answer) {0};
                other = ask_and_wait(w, db1, "Bootstrap", "db9", &b);
                LOOP_UNTIL(w->event, b.answered);
                other = sd_bus_close_unref(other);
        } while (streq(b.error, "org.mainstay1.Error.Busy"));
        assert_non_null(strstr(b.text, "There is no node of this name"));
        person = sd_bus_close_unref(person);
}

/* Whom an operator gave up, was given up for that bootstrap alone. */
static void an_overrule_ends_with_what_it_was_said_for(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        sd_bus *person;
        Answer a = {0};
        char id[64];

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        person = ask_and_wait(w, db2, "Bootstrap", "db3", &a);
        LOOP_UNTIL(w->event, db2->systemd.starts == 1);
        assert_string_equal(promised(db2).claim_state, "granted");
        (void) snprintf(id, sizeof(id), "%s", promised(db2).claim);

        /* The person goes, and what was agreed upon comes to nothing. */
        agent_kill(db2);
        person = sd_bus_close_unref(person);
        agent_start(db2);
        LOOP_UNTIL(w->event, *property(db2, "Plan"));
        db2->seqno = 31;
        put_data(db2);
        enter(db2);
        LOOP_UNTIL(w->event, !streq(promised(db2).claim, id));
        LOOP_UNTIL(w->event, plan_is(db2, "wait", "awaited", "db3"));
        LOOP_UNTIL(w->event, logged(db2, "is not given up any more"));
        assert_false(db2->entry.answered);
        assert_string_equal(promised(db2).claim_state, "");
}

/* Systemd tells of the job that it was given before the unit moves: that is no stop. One that
 * takes the job back is. */
static void who_is_about_to_be_started_was_not_stopped(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        sd_bus *person;
        Answer a = {0};

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        person = ask_and_wait(w, db2, "Bootstrap", "db3", &a);
        LOOP_UNTIL(w->event, db2->systemd.starts == 1);
        systemd_says(&db2->systemd, "failed", "failed", 0);
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        loop_for(w->event, 500 * USEC_PER_MSEC);
        assert_non_null(strstr(property(db2, "Report"), "\"wanted\":true"));

        person = sd_bus_close_unref(person);
        manager_signal(&db2->systemd, "JobRemoved", "uoss", (uint32_t) 7, JOB_PATH, ID, "canceled");
        systemd_says(&db2->systemd, "activating", "start-pre", 0);
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, strstr(property(db2, "Report"), "\"wanted\":false"));
}

static bool goes_by(Node *n, const char *policy, int64_t version, const char *node) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *name, *where;
        int64_t at;

        if (n->agent == 0 || sd_bus_get_property(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Policy", NULL, &m, "(sxs)") < 0 ||
            sd_bus_message_read(m, "(sxs)", &name, &at, &where) < 0)
                return false;
        return streq(name, policy) && at == version && streq(where, node);
}

static bool all_go_by(World *w, const char *policy, int64_t version, const char *node) {
        for (size_t i = 0; i < NODES; i++)
                if (!goes_by(&w->node[i], policy, version, node))
                        return false;
        return true;
}

static void in_manual_a_person_starts_it(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        Answer a;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_go_by(w, "automatic", 0, ""));
        a = set_policy(w, db1, "mild");
        assert_non_null(strstr(a.text, "automatic, manual or maintenance"));
        a = set_policy(w, db1, "manual");
        assert_string_equal(a.error, "");
        assert_true(a.changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db1"));
        assert_true(logged(db3, "The policy is manual now, set on db1"));
        a = set_policy(w, db3, "manual"); /* as it is already */
        assert_false(a.changed);

        /* It outlives the agents. */
        for (size_t i = 0; i < NODES; i++)
                agent_kill(&w->node[i]);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db1"));

        /* Who is started waits; the plan is made; nobody claims. */
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db1);
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "The policy is manual: a person starts it, on db2, with: systemctl start mainstay-bootstrap"));
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "The policy is manual: a person starts it, with: systemctl start mainstay-bootstrap"));
        assert_true(plan_is(db3, "bootstrap", "policy", "manual"));
        /* To join is not to lead. */
        a = ask_bootstrap(w, db2, "Join");
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, *property(db2, "Waiting"));
        a = ask_bootstrap(w, db1, "Bootstrap");
        assert_non_null(strstr(a.text, "db2 should lead"));
        assert_string_equal(promised(db2).claim_state, "");
        assert_false(logged(db2, "claims the bootstrap"));
        assert_false(db1->entry.answered || db2->entry.answered);

        /* The person need not stay: once it is begun, it is brought to its end. */
        a = ask_bootstrap(w, db2, "Bootstrap");
        assert_string_equal(a.error, "");
        bootstrap(w, db2);
        assert_true(granted(db1, promised(db2).claim));
        assert_false(db1->entry.answered);
}

static void in_manual_what_was_asked_for_is_brought_to_its_end(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        Answer a;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        assert_true(set_policy(w, db2, "manual").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db2"));

        /* A start that came to nothing, and one which the boot could not wait for. */
        enter(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "policy is manual"));
        systemd_says(&db1->systemd, "failed", "failed", 0);
        db3->systemd.state = "starting";
        enter(db3);
        LOOP_UNTIL(w->event, db3->entry.answered);
        assert_string_equal(db3->entry.verdict, "refuse");
        assert_non_null(strstr(db3->entry.text, "Mainstay starts mysqld when there is a cluster to join"));
        systemd_says(&db3->systemd, "failed", "failed", 0);
        agent_kill(db3); /* nor does it forget */
        agent_start(db3);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db2") && all_plan(w, "bootstrap", "node", "db2"));

        a = ask_bootstrap(w, db2, "Bootstrap");
        assert_string_equal(a.error, "");
        enter(db2);
        bootstrap(w, db2);
        pass(db2);
        be_primary(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "primary"));
        LOOP_UNTIL(w->event, plan_is(db1, "join", "node", "db2") && db3->systemd.starts == 1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "a person starts it, with: systemctl start mainstay-join"));
        assert_int_equal(db1->systemd.starts, 0);

        a = ask_bootstrap(w, db1, "Join");
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, db1->systemd.starts == 1);
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
}

static void what_was_begun_by_itself_is_given_up_under_another_policy(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        _cleanup_free_ char *file = NULL;
        json_error_t error;
        char id[64];
        json_t *o;

        be_granted(w, db2, id);
        agent_kill(db2);
        assert_true(asprintf(&file, "%s/state.json", db2->state) > 0);
        o = json_load_file(file, 0, &error);
        assert_non_null(o);
        assert_int_equal(json_object_set_new(o, "policy", json_pack("{s:s, s:i, s:s}", "name", "manual", "version", 9, "node", "db9")), 0);
        assert_int_equal(json_dump_file(o, file, 0), 0);
        json_decref(o);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 9, "db9"));
        LOOP_UNTIL(w->event, streq(promised(db2).claim_state, ""));
        LOOP_UNTIL(w->event, !granted(&w->node[0], id) && !granted(&w->node[2], id));
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "policy is manual"));
        assert_false(db2->entry.answered);
}

static void who_was_away_learns_the_policy(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        /* Alone: the first change, as is the others'. */
        agent_start(db3);
        assert_true(set_policy(w, db3, "maintenance").changed);
        agent_kill(db3);
        agent_start(db1);
        agent_start(db2);
        assert_true(set_policy(w, db1, "manual").changed);
        LOOP_UNTIL(w->event, goes_by(db2, "manual", 1, "db1"));
        assert_true(set_policy(w, db2, "automatic").changed);
        LOOP_UNTIL(w->event, goes_by(db1, "automatic", 2, "db2"));
        agent_start(db3);
        LOOP_UNTIL(w->event, all_go_by(w, "automatic", 2, "db2"));
        /* And goes on counting from there. */
        assert_true(set_policy(w, db3, "manual").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 3, "db3"));
}

static void two_policies_at_once_become_one(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db3 = &w->node[2];

        agent_start(db1);
        assert_true(set_policy(w, db1, "manual").changed);
        agent_kill(db1);
        agent_start(db3);
        assert_true(set_policy(w, db3, "maintenance").changed);
        agent_kill(db3);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_go_by(w, "maintenance", 1, "db3"));
}

static void a_policy_is_not_changed_under_a_bootstrap(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db2);
        bootstrap(w, db2);
        assert_true(granted(db1, promised(db2).claim));
        for (size_t i = 0; i < NODES; i++) {
                Answer a;

                /* Each has been asked for its grant, and so has heard of the claim. */
                a = set_policy(w, &w->node[i], "manual");
                assert_string_equal(a.error, "org.mainstay1.Error.Busy");
                assert_non_null(strstr(a.text, "A bootstrap is under way on db2"));
        }
        assert_true(all_go_by(w, "automatic", 0, ""));
        assert_string_equal(promised(db2).claim_state, "consumed");
}

static void in_maintenance_nothing_is_begun(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        Answer a;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        assert_true(set_policy(w, db1, "maintenance").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "maintenance", 1, "db1"));
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "The policy is maintenance"));
        a = ask_bootstrap(w, db2, "Bootstrap");
        assert_string_equal(a.error, "org.mainstay1.Error.Refused");
        assert_non_null(strstr(a.text, "mainstayctl policy manual"));
        a = ask_bootstrap(w, db1, "Join");
        assert_string_equal(a.error, "org.mainstay1.Error.Refused");
        assert_string_equal(promised(db2).claim_state, "");
        assert_false(db2->entry.answered);

        /* As soon as it is over, all goes on. */
        assert_true(set_policy(w, db1, "automatic").changed);
        bootstrap(w, db2);
}

/* It says nothing of what it goes by, or what it has heard since. */
static Claim *claim_of(World *w, Node *n, bool heard) {
        Claim *c;

        assert_int_equal(claim_new(&c), 0);
        assert_int_equal(uuid_random(&c->id), 0);
        (void) snprintf(c->holder, sizeof(c->holder), "%s", n->name);
        c->position = position_at(n->seqno);
        for (size_t i = 0; i < NODES; i++) {
                char error[256];

                assert_int_equal(names_add(&c->needed, w->node[i].name), 0);
                assert_int_equal(report_parse(property(&w->node[i], "Report"), &c->report[i], error), 0);
                if (!heard)
                        c->report[i]->ruling = (Ruling) {0};
                c->n_reports++;
        }
        return c;
}

static bool claim_on(Node *n, const Claim *c, char ret_text[static 512]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *text = NULL;
        const char *why;
        int yes;

        assert_true(claim_format(c, &text) >= 0);
        assert_true(sd_bus_call_method(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Peer", "Claim", NULL, &m, "s", text) >= 0);
        assert_true(sd_bus_message_read(m, "bs", &yes, &why) >= 0);
        (void) snprintf(ret_text, 512, "%s", why);
        return yes;
}

static void a_claim_that_had_not_heard_of_the_policy_is_not_granted(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        _cleanup_(claim_freep) Claim *before = NULL, *after = NULL;
        char why[512];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        assert_true(set_policy(w, db1, "manual").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db1"));
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        before = claim_of(w, db2, false);
        assert_false(claim_on(db1, before, why));
        assert_non_null(strstr(why, "the policy is manual, set on db1, and db2 had not heard of that"));
        assert_true(granted(db1, ""));
        after = claim_of(w, db2, true); /* a person's, then */
        assert_true(claim_on(db1, after, why));
}

/* What is said of a datasource is done by its own agent, and outlives that. */
static void what_a_person_does_to_a_datasource_stays(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        Answer a;

        put_asynchronous(db1);
        put_asynchronous(db2);
        agent_start(db1);
        agent_start(db2);
        do {
                a = tell(w, db1, "db2", "shun", "{\"reason\":\"a broken fan\",\"owner\":\"anna\"}");
        } while (streq(a.error, "org.mainstay1.Error.Unheard") || streq(a.error, "org.mainstay1.Error.NotReady"));
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, streq(property(db2, "State"), "SHUNNED"));
        assert_non_null(strstr(property(db2, "Reason"), "a broken fan"));
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "State"), "SHUNNED"));
        assert_non_null(strstr(property(db2, "Reason"), "anna"));

        /* Only said, not done; refused; not there. */
        a = tell(w, db2, "", "shun", "{\"dry_run\":true,\"for\":5}");
        assert_string_equal(a.error, "");
        assert_non_null(strstr(property(db2, "Reason"), "a broken fan"));
        a = tell(w, db2, "", "offline", "{}");
        assert_non_null(strstr(a.text, "SHUNNED already"));
        a = tell(w, db2, "", "recover", "{}");
        assert_non_null(strstr(a.text, "there has to be exactly one active primary"));
        a = tell(w, db2, "", "frobnicate", "{}");
        assert_non_null(strstr(a.text, "There is no verb"));
        a = tell(w, db2, "", "shun", "[]");
        assert_non_null(strstr(a.text, "no JSON object"));
        a = tell(w, db2, "db9", "shun", "{}");
        assert_non_null(strstr(a.text, "There is no node db9"));
        assert_string_equal(property(db2, "Job"), "");

        /* For a while: it ends by itself. */
        a = tell(w, db2, "db2", "shun", "{\"for\":1}");
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, streq(property(db2, "State"), "OFFLINE"));
        a = tell(w, db2, "", "recover", "{}");
        assert_non_null(strstr(a.text, "The datasource 'db2' is not FAILED or SHUNNED and cannot be recovered. It is OFFLINE"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                world_test(asked_to_join_it_leads_all_the_same),
                world_test(an_overrule_ends_with_what_it_was_said_for),
                world_test(who_is_about_to_be_started_was_not_stopped),
                world_test(in_manual_a_person_starts_it),
                world_test(in_manual_what_was_asked_for_is_brought_to_its_end),
                world_test(what_was_begun_by_itself_is_given_up_under_another_policy),
                world_test(who_was_away_learns_the_policy),
                world_test(two_policies_at_once_become_one),
                world_test(a_policy_is_not_changed_under_a_bootstrap),
                world_test(in_maintenance_nothing_is_begun),
                world_test(a_claim_that_had_not_heard_of_the_policy_is_not_granted),
                world_test(what_a_person_does_to_a_datasource_stays),
        };

        return world_missing() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
