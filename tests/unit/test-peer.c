/* A peer against an agent that is played here, on a dbus-daemon of the test's
 * own: what it makes of good and bad answers, of silence, of ends and returns.
 */
#include "adapter/peer.h"
#include "private-bus.h"

#define SELF "db1"
#define AGENT_UUID "00000000-0000-4000-8000-000000000002"

/* The other side */

typedef enum Behaviour {
        BEHAVES_GOOD,
        BEHAVES_TEXT,     /* answers Agent.text */
        BEHAVES_NO_TEXT,  /* answers nothing where a report should be */
        BEHAVES_ERROR,
        BEHAVES_SILENT,
        BEHAVES_DIES,     /* leaves the bus when it is asked */
        BEHAVES_NO_CHECK, /* greets, but does not answer GetReport */
} Behaviour;

typedef struct Agent {
        sd_bus *bus;
        sd_bus_slot *slot;
        Behaviour behaviour;
        const char *text;
        unsigned hellos, reports, claims;
        char greeted_by[64];
        sd_bus_message *kept;
} Agent;

static char *report_text(const char *node, uint64_t serial) {
        _cleanup_(report_freep) Report *r = NULL;
        char *text = NULL;

        assert_int_equal(report_new(&r), 0);
        (void) snprintf(r->node, sizeof(r->node), "%s", node);
        assert_int_equal(uuid_parse(AGENT_UUID, 36, &r->agent), 0);
        r->epoch = 1;
        r->serial = serial;
        r->mysqld = MYSQLD_STOPPED;
        assert_true(report_format(r, &text) >= 0);
        return text;
}

static int agent_answer(Agent *a, sd_bus_message *m) {
        switch (a->behaviour) {
        case BEHAVES_GOOD:
        case BEHAVES_NO_CHECK: {
                _cleanup_free_ char *text = report_text("db2", a->hellos + a->reports);
                return sd_bus_reply_method_return(m, "s", text);
        }
        case BEHAVES_TEXT:
                return sd_bus_reply_method_return(m, "s", a->text);
        case BEHAVES_NO_TEXT:
                return sd_bus_reply_method_return(m, "u", 7);
        case BEHAVES_ERROR:
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "go\naway.");
        case BEHAVES_SILENT:
                a->kept = sd_bus_message_unref(a->kept);
                a->kept = sd_bus_message_ref(m);
                return 1;
        case BEHAVES_DIES:
                sd_bus_close(a->bus);
                return 1;
        }
        return -EINVAL;
}

static int agent_hello(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Agent *a = userdata;
        const char *name;

        a->hellos++;
        assert_true(sd_bus_message_read(m, "s", &name) >= 0);
        (void) snprintf(a->greeted_by, sizeof(a->greeted_by), "%s", name);
        return agent_answer(a, m);
}

static int agent_get_report(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Agent *a = userdata;

        a->reports++;
        if (a->behaviour == BEHAVES_NO_CHECK)
                return 1;
        return agent_answer(a, m);
}

static int agent_claim(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Agent *a = userdata;
        const char *claim;

        a->claims++;
        assert_true(sd_bus_message_read(m, "s", &claim) >= 0);
        if (a->behaviour != BEHAVES_GOOD)
                return agent_answer(a, m);
        return sd_bus_reply_method_return(m, "bs", streq(claim, "{\"good\":1}"), "because");
}

/* Not a vtable: sd-bus would see to it that answers have the right types. */
static int agent_called(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        if (sd_bus_message_is_method_call(m, "org.mainstay1.Peer", "Hello") > 0)
                return agent_hello(m, userdata, error);
        if (sd_bus_message_is_method_call(m, "org.mainstay1.Peer", "GetReport") > 0)
                return agent_get_report(m, userdata, error);
        if (sd_bus_message_is_method_call(m, "org.mainstay1.Peer", "Claim") > 0)
                return agent_claim(m, userdata, error);
        return 0;
}

static void agent_come(Agent *a, const PrivateBus *b, sd_event *event) {
        a->bus = private_bus_open(b, event);
        assert_true(sd_bus_add_object(a->bus, &a->slot, "/org/mainstay1", agent_called, a) >= 0);
        assert_true(sd_bus_request_name(a->bus, "org.mainstay1", 0) >= 0);
}

static void agent_go(Agent *a) {
        a->kept = sd_bus_message_unref(a->kept);
        a->slot = sd_bus_slot_unref(a->slot);
        a->bus = sd_bus_close_unref(a->bus);
}

static void agent_says(Agent *a, const char *text) {
        assert_true(sd_bus_emit_signal(a->bus, "/org/mainstay1", "org.mainstay1.Peer", "Changed", "s", text) >= 0);
        assert_true(sd_bus_flush(a->bus) >= 0);
}

/* This side */

typedef struct World {
        char *dir;
        PrivateBus daemon;
        sd_event *event;
        Agent agent;
        Peer *peer;
        PeerSetup setup;
        unsigned changes;

        bool replied, granted;
        int r;
        char text[256];
} World;

static void peer_moved(Peer *p, void *userdata) {
        World *w = userdata;

        assert_ptr_equal(p, w->peer);
        w->changes++;
        /* A reason goes with just those that are not known. */
        assert_true((peer_why(p) == NULL) == (peer_condition(p) == CONDITION_KNOWN));
        assert_true((peer_report(p) != NULL) == (peer_condition(p) == CONDITION_KNOWN));
}

static void claim_reply(Peer *p, int r, bool granted, const char *text, void *userdata) {
        World *w = userdata;

        assert_false(w->replied);
        w->replied = true;
        w->r = r;
        w->granted = granted;
        (void) snprintf(w->text, sizeof(w->text), "%s", text);
}

static int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->dir = directory_make();
        assert_true(sd_event_new(&w->event) >= 0);
        w->setup = (PeerSetup) {
                .key_dir = w->dir,
                .deadline = 2 * USEC_PER_SEC,
                .retry_min = 20 * USEC_PER_MSEC,
                .retry_max = 160 * USEC_PER_MSEC,
        };
        if (!private_bus_start(&w->daemon, w->dir))
                fail_msg("there is no dbus-daemon");
        *state = w;
        return 0;
}

static int teardown(void **state) {
        World *w = *state;

        w->peer = peer_free(w->peer);
        agent_go(&w->agent);
        loop_drain(w->event);
        private_bus_stop(&w->daemon);
        assert_null(sd_event_unref(w->event));
        directory_remove(w->dir);
        free(w);
        return 0;
}

static void peer_begin(World *w, const char *address, uint16_t sql_port) {
        assert_int_equal(peer_new(w->event, &w->setup, "two", address, SELF, sql_port, peer_moved, w, &w->peer), 0);
        assert_int_equal(peer_condition(w->peer), CONDITION_UNCERTAIN);
        assert_null(peer_name(w->peer));
        assert_int_equal(peer_start(w->peer), 0);
}

static void peer_known(World *w) {
        agent_come(&w->agent, &w->daemon, w->event);
        peer_begin(w, w->daemon.address, 0);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN && w->changes > 0);
}

static bool why_is(const World *w, const char *why) {
        return streq_null(peer_why(w->peer), why);
}

static bool why_begins(const World *w, const char *why) {
        return peer_why(w->peer) && strncmp(peer_why(w->peer), why, strlen(why)) == 0;
}

/* A program of the test's own, to stand for ssh or the probe. Returns its path. */
static char *script_put(World *w, const char *name, const char *text) {
        char *path = NULL;

        file_put(w->dir, name, text, 0755);
        assert_true(asprintf(&path, "%s/%s", w->dir, name) > 0);
        return path;
}

static void test_hello(void **state) {
        World *w = *state;
        Uuid agent;

        peer_known(w);
        assert_int_equal(w->agent.hellos, 1);
        assert_string_equal(w->agent.greeted_by, SELF);
        assert_string_equal(peer_label(w->peer), "two");
        assert_string_equal(peer_name(w->peer), "db2");
        assert_string_equal(peer_report(w->peer)->node, "db2");
        assert_int_equal(uuid_parse(AGENT_UUID, 36, &agent), 0);
        assert_true(uuid_equal(&peer_report(w->peer)->agent, &agent));

        /* And then there is silence. */
        loop_drain(w->event);
        assert_int_equal(w->changes, 1);
}

static void test_changed(void **state) {
        World *w = *state;
        _cleanup_free_ char *text = report_text("db2", 77);
        usec_t known_since;

        peer_known(w);
        agent_says(&w->agent, text);
        LOOP_UNTIL(w->event, w->changes == 2);
        assert_int_equal(peer_report(w->peer)->serial, 77);
        assert_int_equal(w->agent.hellos, 1);

        known_since = peer_since(w->peer);
        /* One bad report, and it is not known; the next good one is enough. */
        agent_says(&w->agent, "{");
        LOOP_UNTIL(w->event, why_begins(w, "it answers nonsense: "));
        assert_string_equal(peer_name(w->peer), "db2");
        /* What it said before, and since when it is so, is kept for people. */
        assert_null(peer_report(w->peer));
        assert_int_equal(peer_last_report(w->peer)->serial, 77);
        assert_true(peer_since(w->peer) >= known_since && known_since > 0);
        agent_says(&w->agent, text);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
        known_since = peer_since(w->peer);
        agent_says(&w->agent, text);
        loop_drain(w->event);
        assert_int_equal(peer_since(w->peer), known_since); /* it was known before */
}

/* Only the agent's own signals count, however they are sent. */
static void test_forged(void **state) {
        World *w = *state;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *forged = report_text("forged", 77), *good = report_text("db2", 78);
        char name[16];

        peer_known(w);
        sd_bus *stranger = private_bus_open(&w->daemon, w->event);
        assert_true(sd_bus_emit_signal(stranger, "/org/mainstay1", "org.mainstay1.Peer", "Changed", "s", forged) >= 0);
        /* The peer's connection is one of the first few: send to all of them. */
        for (unsigned i = 0; i < 8; i++) {
                (void) snprintf(name, sizeof(name), ":1.%u", i);
                assert_true(sd_bus_message_new_signal(stranger, &m, "/org/mainstay1", "org.mainstay1.Peer", "Changed") >= 0);
                assert_true(sd_bus_message_append(m, "s", forged) >= 0);
                assert_true(sd_bus_send_to(stranger, m, name, NULL) >= 0);
                m = sd_bus_message_unref(m);
                assert_true(sd_bus_message_new_signal(stranger, &m, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged") >= 0);
                assert_true(sd_bus_message_append(m, "sss", "org.mainstay1", ":1.1", "") >= 0);
                (void) sd_bus_send_to(stranger, m, name, NULL);
                m = sd_bus_message_unref(m);
        }
        private_bus_round_trip(stranger); /* so the agent comes later */
        agent_says(&w->agent, good);
        LOOP_UNTIL(w->event, w->changes > 1);
        assert_int_equal(peer_report(w->peer)->serial, 78);
        assert_string_equal(peer_name(w->peer), "db2");
        stranger = sd_bus_close_unref(stranger);
}

static void test_bad_answers(void **state) {
        _cleanup_free_ char *huge = malloc(REPORT_SIZE_MAX + 2), *enormous = malloc(2 * 1024 * 1024 + 1);

        assert_true(huge && enormous);
        memset(huge, ' ', REPORT_SIZE_MAX + 1);
        huge[REPORT_SIZE_MAX + 1] = '\0';
        memset(enormous, '[', 2 * 1024 * 1024);
        enormous[2 * 1024 * 1024] = '\0';

        const struct {
                Behaviour behaviour;
                const char *text, *why;
        } cases[] = {
                { BEHAVES_TEXT, "", "it answers nonsense: " },
                { BEHAVES_TEXT, "nonsense", "it answers nonsense: " },
                { BEHAVES_TEXT, "{}", "it answers nonsense: " },
                { BEHAVES_TEXT, "[]", "it answers nonsense: " },
                { BEHAVES_TEXT, "\"\xc3\xa4", "it answers nonsense: " },
                { BEHAVES_TEXT, huge, "it answers nonsense: " },
                { BEHAVES_TEXT, enormous, "it answers nonsense: " },
                { BEHAVES_TEXT, "{\"version\":99}", "" },
                { BEHAVES_NO_TEXT, NULL, "it answers nonsense: " },
                { BEHAVES_ERROR, NULL, "it refuses: go?away" },
                { BEHAVES_DIES, NULL, "its agent " },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_int_equal(setup(state), 0);
                World *w = *state;
                w->agent.behaviour = cases[i].behaviour;
                w->agent.text = cases[i].text;
                agent_come(&w->agent, &w->daemon, w->event);
                peer_begin(w, w->daemon.address, 0);
                LOOP_UNTIL(w->event, w->changes > 0);
                assert_int_equal(peer_condition(w->peer), CONDITION_UNCERTAIN);
                if (!why_begins(w, cases[i].why))
                        fail_msg("case %zu: %s", i, peer_why(w->peer));
                for (const char *c = peer_why(w->peer); *c; c++)
                        assert_true(*c >= ' ' && *c <= '~' && (*c != '.' || c[1]));
                assert_int_equal(peer_claim(w->peer, "{}", USEC_PER_SEC, claim_reply, w), -ENOTCONN);

                /* It comes to its senses, and is asked again. */
                if (cases[i].behaviour != BEHAVES_DIES) {
                        w->agent.behaviour = BEHAVES_GOOD;
                        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
                }
                assert_int_equal(teardown(state), 0);
        }
}

/* It has just been started, and cannot answer yet: it will tell when it can, and
 * nobody has to ask again. */
static void test_refuses_then_tells(void **state) {
        World *w = *state;
        _cleanup_free_ char *text = report_text("db2", 1);

        w->setup.retry_max = 600 * USEC_PER_SEC;
        w->agent.behaviour = BEHAVES_ERROR;
        agent_come(&w->agent, &w->daemon, w->event);
        peer_begin(w, w->daemon.address, 0);
        LOOP_UNTIL(w->event, why_begins(w, "it refuses: "));
        agent_says(&w->agent, text);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
        assert_int_equal(w->agent.hellos + w->agent.reports, 1);
}

static void test_silence(void **state) {
        World *w = *state;

        w->setup.deadline = 150 * USEC_PER_MSEC;
        w->agent.behaviour = BEHAVES_SILENT;
        agent_come(&w->agent, &w->daemon, w->event);
        peer_begin(w, w->daemon.address, 0);
        LOOP_UNTIL(w->event, why_is(w, "no answer for 0.15 s"));

        /* It tries again, on a new connection. */
        LOOP_UNTIL(w->event, w->agent.hellos == 3);
        w->agent.behaviour = BEHAVES_GOOD;
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
}

static void test_agent_restarts(void **state) {
        World *w = *state;

        peer_known(w);
        agent_go(&w->agent);
        LOOP_UNTIL(w->event, why_is(w, "its agent is not running"));
        assert_int_equal(peer_condition(w->peer), CONDITION_UNCERTAIN);
        assert_string_equal(peer_name(w->peer), "db2");
        assert_int_equal(peer_set_self_name(w->peer, "db1-new"), 0);

        agent_come(&w->agent, &w->daemon, w->event);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
        assert_int_equal(w->agent.hellos, 2);
        assert_string_equal(w->agent.greeted_by, "db1-new");
}

static void test_no_agent_yet(void **state) {
        World *w = *state;

        peer_begin(w, w->daemon.address, 0);
        LOOP_UNTIL(w->event, why_is(w, "its agent is not running"));
        agent_come(&w->agent, &w->daemon, w->event);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
}

static void test_bus_goes_and_returns(void **state) {
        World *w = *state;

        peer_known(w);
        agent_go(&w->agent);
        private_bus_stop(&w->daemon);
        LOOP_UNTIL(w->event, why_is(w, "its bus: Connection refused"));
        assert_int_equal(unlink(w->daemon.address + strlen("unix:path=")), 0);
        LOOP_UNTIL(w->event, why_is(w, "its bus: No such file or directory"));

        assert_true(private_bus_start(&w->daemon, w->dir));
        agent_come(&w->agent, &w->daemon, w->event);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
}

/* Nobody listens: it is tried ever more rarely, and told once. */
static void test_refusal_is_no_loop(void **state) {
        World *w = *state;
        _cleanup_free_ char *path = NULL;

        assert_true(asprintf(&path, "unix:path=%s/nothing", w->dir) > 0);
        usec_t begin = clock_usec();
        peer_begin(w, path, 0);
        unsigned rounds = 0;
        while (clock_usec() - begin < 500 * USEC_PER_MSEC)
                rounds += sd_event_run(w->event, 50 * USEC_PER_MSEC) > 0;
        assert_int_equal(w->changes, 1);
        assert_true(rounds < 12); /* after 20, 40, 80, 160, 160 ms and jitter */
        assert_true(why_is(w, "its bus: No such file or directory"));
}

static void test_claim(void **state) {
        World *w = *state;
        _cleanup_free_ char *huge = calloc(1, CLAIM_SIZE_MAX + 2);

        peer_known(w);
        assert_int_equal(peer_claim(w->peer, "{\"good\":1}", USEC_PER_SEC, claim_reply, w), 0);
        assert_int_equal(peer_claim(w->peer, "{\"good\":1}", USEC_PER_SEC, claim_reply, w), -EBUSY);
        LOOP_UNTIL(w->event, w->replied);
        assert_int_equal(w->r, 0);
        assert_true(w->granted);

        w->replied = false;
        assert_int_equal(peer_claim(w->peer, "{}", USEC_PER_SEC, claim_reply, w), 0);
        LOOP_UNTIL(w->event, w->replied);
        assert_int_equal(w->r, 0);
        assert_false(w->granted);
        assert_string_equal(w->text, "because");

        memset(huge, 'x', CLAIM_SIZE_MAX + 1);
        assert_int_equal(peer_claim(w->peer, huge, USEC_PER_SEC, claim_reply, w), -EMSGSIZE);
}

/* The ways in which a claim gets no proper answer; each ends in one reply. */
static void test_claim_fails(void **state) {
        static const struct {
                const char *what;
                Behaviour behaviour;
                bool bus_dies;
                int r; /* 0: any error */
        } cases[] = {
                { "an error", BEHAVES_ERROR, false, -EACCES },
                { "another answer", BEHAVES_TEXT, false, -EBADMSG },
                { "no answer", BEHAVES_SILENT, false, -ETIMEDOUT },
                { "death while asked", BEHAVES_DIES, false, 0 },
                { "the end of the connection while asked", BEHAVES_SILENT, true, 0 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_int_equal(setup(state), 0);
                World *w = *state;
                peer_known(w);
                w->agent.behaviour = cases[i].behaviour;
                w->agent.text = "x";
                assert_int_equal(peer_claim(w->peer, "{}", cases[i].bus_dies ? LOOP_DEADLINE : 200 * USEC_PER_MSEC, claim_reply, w), 0);
                LOOP_UNTIL(w->event, w->agent.claims == 1);
                if (cases[i].bus_dies)
                        private_bus_stop(&w->daemon);
                LOOP_UNTIL(w->event, w->replied);
                if (w->r >= 0 || w->granted || (cases[i].r < 0 && w->r != cases[i].r))
                        fail_msg("%s: %d", cases[i].what, w->r);
                assert_true(*w->text != '\0');
                assert_int_equal(teardown(state), 0);
        }
}

/* Freed with a claim under way: nothing is heard of it. */
static void test_free_with_claim(void **state) {
        World *w = *state;

        peer_known(w);
        assert_int_equal(peer_claim(w->peer, "{}", USEC_PER_SEC, claim_reply, w), 0);
        w->peer = peer_free(w->peer);
        LOOP_UNTIL(w->event, w->agent.claims == 1);
        loop_drain(w->event);
        assert_false(w->replied);
}

static void peer_free_in_callback(Peer *p, void *userdata) {
        World *w = userdata;

        w->changes++;
        w->peer = peer_free(p);
}

static void test_free_in_callback(void **state) {
        World *w = *state;

        agent_come(&w->agent, &w->daemon, w->event);
        assert_int_equal(peer_new(w->event, &w->setup, "two", w->daemon.address, SELF, 0, peer_free_in_callback, w, &w->peer), 0);
        assert_int_equal(peer_start(w->peer), 0);
        LOOP_UNTIL(w->event, w->changes > 0);
        loop_drain(w->event);
        assert_int_equal(w->changes, 1);
}

static void test_kick(void **state) {
        World *w = *state;
        _cleanup_free_ char *path = NULL;

        /* One that waits goes at once. */
        w->setup.retry_min = w->setup.retry_max = 3600 * USEC_PER_SEC;
        assert_true(asprintf(&path, "unix:path=%s/late", w->dir) > 0);
        peer_begin(w, path, 0);
        LOOP_UNTIL(w->event, w->changes == 1);
        w->peer = peer_free(w->peer);

        w->setup.retry_min = 1;
        peer_known(w);
        assert_int_equal(w->agent.hellos, 1);

        /* One that is known is asked anew, without a greeting. */
        peer_kick(w->peer);
        peer_kick(w->peer);
        LOOP_UNTIL(w->event, w->changes == 3);
        assert_int_equal(w->agent.hellos, 1);
        assert_int_equal(w->agent.reports, 1);
        assert_int_equal(peer_condition(w->peer), CONDITION_KNOWN);

        /* And if nothing comes back, the connection was a dead one. */
        w->agent.behaviour = BEHAVES_NO_CHECK;
        peer_kick(w->peer);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_UNCERTAIN);
        assert_string_equal(peer_why(w->peer), "no answer for 2 s");
        peer_kick(w->peer);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
        assert_int_equal(w->agent.hellos, 2);
}

static void test_kick_while_waiting(void **state) {
        World *w = *state;

        w->setup.retry_max = 3600 * USEC_PER_SEC;
        private_bus_stop(&w->daemon);
        peer_begin(w, w->daemon.address, 0);
        LOOP_UNTIL(w->event, w->changes > 0);
        assert_int_equal(unlink(w->daemon.address + strlen("unix:path=")), 0);
        assert_true(private_bus_start(&w->daemon, w->dir));
        agent_come(&w->agent, &w->daemon, w->event);
        for (unsigned i = 0; i < 100; i++)
                peer_kick(w->peer);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
        assert_int_equal(w->agent.hellos, 1);
}

/* Through ssh: the program is one of ours */

static void test_ssh_reasons(void **state) {
        static const struct {
                const char *script, *why;
        } cases[] = {
                { "echo 'ssh: connect to host db2 port 22: Connection refused' >&2; exit 255", "ssh: Connection refused" },
                { "echo 'ssh: Could not resolve hostname db2: Name or service not known' >&2; exit 255", "name does not resolve" },
                { "echo 'Host key verification failed.' >&2; exit 255", "ssh: Host key verification failed" },
                { "exit 255", "ssh ended with status 255" },
                { "exec >&- <&-; sleep 0.05; echo 'Timeout, server db2 not responding.' >&2; exit 255",
                  "ssh: Timeout, server db2 not responding" },
                { "printf 'This is no D-Bus\\r\\nat\\r\\nall\\r\\n'; cat >/dev/null", "ssh ended with status 0" },
                { "exec sleep 1000", "no answer for 0.5 s" },
                { "exec >&- <&-; exec sleep 1000", "the connection ended" },
                { "printf '\\001\\377 what\\n' >&2; exit 1", "ssh: ?? what" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_int_equal(setup(state), 0);
                World *w = *state;
                _cleanup_free_ char *text = NULL, *ssh = NULL;
                assert_true(asprintf(&text, "#!/bin/sh\n%s\n", cases[i].script) > 0);
                ssh = script_put(w, "ssh", text);
                w->setup.ssh = ssh;
                w->setup.deadline = 500 * USEC_PER_MSEC;
                peer_begin(w, "db2", 3306);
                usec_t end = clock_usec() + LOOP_DEADLINE;
                while (!why_is(w, cases[i].why)) {
                        if (clock_usec() > end)
                                fail_msg("%s: %s", cases[i].script, peer_why(w->peer));
                        assert_true(sd_event_run(w->event, 100 * USEC_PER_MSEC) >= 0);
                }
                assert_int_equal(peer_condition(w->peer), CONDITION_UNCERTAIN);
                assert_int_equal(teardown(state), 0);
        }
}

static void test_ssh_missing(void **state) {
        World *w = *state;

        w->setup.ssh = "/nonexistent/ssh";
        peer_begin(w, "db2", 3306);
        LOOP_UNTIL(w->event, why_is(w, "there is no ssh on this machine: its client is to be installed"));
}

static void test_ssh_bridge(void **state) {
        World *w = *state;
        _cleanup_free_ char *text = NULL, *ssh = NULL, *pid = NULL;
        char buf[32] = "";

        if (system("command -v systemd-stdio-bridge >/dev/null") != 0)
                skip();
        assert_true(asprintf(&text, "#!/bin/sh\necho $$ >%s/pid\nexec systemd-stdio-bridge --bus-path=%s\n", w->dir, w->daemon.address) > 0);
        ssh = script_put(w, "ssh", text);
        w->setup.ssh = ssh;
        agent_come(&w->agent, &w->daemon, w->event);
        peer_begin(w, "ssh:me@db2:2222", 0);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
        assert_string_equal(w->agent.greeted_by, SELF);

        /* ssh dies: told at once, and connected again. */
        unsigned changes = w->changes;
        assert_true(asprintf(&pid, "%s/pid", w->dir) > 0);
        int fd = open(pid, O_RDONLY | O_CLOEXEC);
        assert_true(read(fd, buf, sizeof(buf) - 1) > 0);
        (void) close(fd);
        assert_int_equal(kill((pid_t) atoi(buf), SIGKILL), 0);
        LOOP_UNTIL(w->event, w->changes > changes && peer_condition(w->peer) == CONDITION_UNCERTAIN);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_KNOWN);
        assert_int_equal(w->agent.hellos, 2);
}

static unsigned attempts(const World *w) {
        char path[256], text[64] = "";

        (void) snprintf(path, sizeof(path), "%s/attempts", w->dir);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        ssize_t n = read(fd, text, sizeof(text));
        (void) close(fd);
        return n < 0 ? 0 : (unsigned) n; /* a byte each */
}

/* The other side greets us while we log in there. A login that takes its time
 * is not begun anew; one that leads nowhere is, however often we are greeted,
 * and long before its own deadline. */
static void test_kick_while_connecting(void **state) {
        static const struct {
                const char *first;
                unsigned attempts;
        } cases[] = {
                { "sleep 1", 1 },
                { "exec sleep 1000", 2 },
        };

        if (system("command -v systemd-stdio-bridge >/dev/null") != 0)
                skip();
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_int_equal(setup(state), 0);
                World *w = *state;
                _cleanup_free_ char *text = NULL, *ssh = NULL;

                assert_true(asprintf(&text, "#!/bin/sh\nprintf x >>%s/attempts\ntest $(wc -c <%s/attempts) -gt 1 || %s\nexec systemd-stdio-bridge --bus-path=%s\n",
                                     w->dir, w->dir, cases[i].first, w->daemon.address) > 0);
                ssh = script_put(w, "ssh", text);
                w->setup.ssh = ssh;
                w->setup.deadline = w->setup.retry_max = 3600 * USEC_PER_SEC;
                agent_come(&w->agent, &w->daemon, w->event);
                peer_begin(w, "db2", 0);
                usec_t begin = clock_usec();
                while (peer_condition(w->peer) != CONDITION_KNOWN) {
                        assert_true(clock_usec() - begin < LOOP_DEADLINE);
                        assert_true(sd_event_run(w->event, 50 * USEC_PER_MSEC) >= 0);
                        if (attempts(w) == 1)
                                peer_kick(w->peer);
                }
                assert_int_equal(attempts(w), cases[i].attempts);
                assert_int_equal(w->agent.hellos, 1);
                assert_int_equal(teardown(state), 0);
        }
}

/* The agent does not answer; does mysqld? */
static void test_alive(void **state) {
        World *w = *state;
        _cleanup_free_ char *ssh = script_put(w, "ssh", "#!/bin/sh\nexit 255\n"), *text = NULL, *probe = NULL, *arguments = NULL;

        /* Whole at any time: it is asked again and again. */
        assert_true(asprintf(&text, "#!/bin/sh\ncd %s && echo \"$@\" >arguments.new && mv arguments.new arguments\ntest -e mysqld\n", w->dir) > 0);
        probe = script_put(w, "probe", text);
        w->setup.ssh = ssh;
        w->setup.probe = probe;
        w->setup.alive_for = 1;
        peer_begin(w, "me@db2", 3307);
        LOOP_UNTIL(w->event, why_is(w, "ssh ended with status 255"));
        assert_int_equal(peer_condition(w->peer), CONDITION_UNCERTAIN);

        file_put(w->dir, "mysqld", "", 0644);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_ALIVE);
        /* Now and then it has ended before it was written to. */
        LOOP_UNTIL(w->event, why_is(w, "ssh ended with status 255"));
        assert_null(peer_report(w->peer));

        assert_true(asprintf(&arguments, "grep -qx -e '--tcp db2 3307 --timeout 3000' %s/arguments", w->dir) > 0);
        assert_int_equal(system(arguments), 0);

        char *mysqld = NULL;
        assert_true(asprintf(&mysqld, "%s/mysqld", w->dir) > 0);
        assert_int_equal(unlink(mysqld), 0);
        free(mysqld);
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_UNCERTAIN);
}

/* Machines that are off answer neither ssh nor a login, and both take seconds to give up:
 * they are waited for at once. What a port says does not count before the agent is lost. */
static void test_silent(void **state) {
        World *w = *state;
        _cleanup_free_ char *ssh = script_put(w, "ssh", "#!/bin/sh\nsleep 3.4\nexit 255\n"), *probe = script_put(w, "probe", "#!/bin/sh\nsleep 1.5\n");
        usec_t began;

        w->setup.ssh = ssh;
        w->setup.probe = probe;
        w->setup.deadline = 3600 * USEC_PER_SEC;
        peer_begin(w, "db2", 3307);
        while (!why_is(w, "ssh ended with status 255")) {
                assert_false(peer_tried(w->peer));
                assert_int_equal(peer_condition(w->peer), CONDITION_UNCERTAIN);
                assert_true(sd_event_run(w->event, 50 * USEC_PER_MSEC) >= 0);
        }
        began = clock_usec();
        LOOP_UNTIL(w->event, peer_condition(w->peer) == CONDITION_ALIVE);
        assert_true(clock_usec() < began + USEC_PER_SEC);
}

/* What was so seconds ago is not so any more where the network has come up since. */
static void test_silent_stale(void **state) {
        World *w = *state;
        _cleanup_free_ char *ssh = script_put(w, "ssh", "#!/bin/sh\nsleep 4\nexit 255\n"), *text = NULL, *probe = NULL;

        assert_true(asprintf(&text, "#!/bin/sh\ntest $(printf x >>%s/attempts; wc -c <%s/attempts) -gt 1\n", w->dir, w->dir) > 0);
        probe = script_put(w, "probe", text);
        w->setup.ssh = ssh;
        w->setup.probe = probe;
        w->setup.deadline = 3600 * USEC_PER_SEC;
        peer_begin(w, "db2", 3307);
        LOOP_UNTIL(w->event, peer_tried(w->peer));
        assert_int_equal(peer_condition(w->peer), CONDITION_ALIVE);
        assert_int_equal(attempts(w), 2);
}

static void test_addresses(void **state) {
        World *w = *state;
        static const char *const bad[] = { "", "unixexec:path=/bin/sh", "x-machine-unix:machine=a", "-oProxyCommand=x", "db2:x", "a b" };

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                assert_int_equal(peer_new(w->event, &w->setup, "two", bad[i], SELF, 0, peer_moved, w, &w->peer), -EINVAL);

        /* One of the right kind that leads nowhere is tried, and says so. */
        peer_begin(w, "unix:nonsense", 0);
        LOOP_UNTIL(w->event, why_begins(w, "its bus: "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_hello, setup, teardown),
                cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
                cmocka_unit_test(test_bad_answers),
                cmocka_unit_test_setup_teardown(test_refuses_then_tells, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
                cmocka_unit_test_setup_teardown(test_agent_restarts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_agent_yet, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bus_goes_and_returns, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refusal_is_no_loop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_claim, setup, teardown),
                cmocka_unit_test(test_claim_fails),
                cmocka_unit_test_setup_teardown(test_free_with_claim, setup, teardown),
                cmocka_unit_test_setup_teardown(test_free_in_callback, setup, teardown),
                cmocka_unit_test_setup_teardown(test_kick, setup, teardown),
                cmocka_unit_test_setup_teardown(test_kick_while_waiting, setup, teardown),
                cmocka_unit_test(test_ssh_reasons),
                cmocka_unit_test_setup_teardown(test_ssh_missing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ssh_bridge, setup, teardown),
                cmocka_unit_test(test_kick_while_connecting),
                cmocka_unit_test_setup_teardown(test_alive, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silent_stale, setup, teardown),
                cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
