/* A unit followed on a bus of the test's own, where the test plays systemd. */
#include "adapter/unit.h"
#include "played-systemd.h"

/* The world */

typedef struct World {
        char *dir;
        PrivateBus daemon;
        sd_event *event;
        Systemd systemd;
        sd_bus *bus;
        Unit *unit;
        unsigned changes;

        unsigned jobs;
        int r;
        char result[64];
} World;

static void unit_moved(Unit *u, void *userdata) {
        World *w = userdata;

        w->changes++;
        assert_true(unit_state(u) == NULL || unit_error(u) == NULL);
}

static void job_ended(Unit *u, int r, const char *result, void *userdata) {
        World *w = userdata;

        w->jobs++;
        w->r = r;
        (void) snprintf(w->result, sizeof(w->result), "%s", result);
}

static int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->dir = directory_make();
        assert_true(sd_event_new(&w->event) >= 0);
        if (!private_bus_start(&w->daemon, w->dir))
                fail_msg("there is no dbus-daemon");
        w->systemd.unit = (UnitState) {
                .load = "loaded",
                .active = "inactive",
                .sub = "dead",
                .result = "success",
                .unit_file_state = "enabled",
        };
        systemd_come(&w->systemd, &w->daemon, w->event);
        w->bus = private_bus_open(&w->daemon, w->event);
        *state = w;
        return 0;
}

static int teardown(void **state) {
        World *w = *state;

        w->unit = unit_free(w->unit);
        w->bus = sd_bus_close_unref(w->bus);
        systemd_go(&w->systemd);
        loop_drain(w->event);
        private_bus_stop(&w->daemon);
        assert_null(sd_event_unref(w->event));
        directory_remove(w->dir);
        free(w);
        return 0;
}

static void unit_begin(World *w) {
        assert_int_equal(unit_new(w->bus, ID, unit_moved, w, &w->unit), 0);
        assert_null(unit_state(w->unit));
        LOOP_UNTIL(w->event, w->changes > 0);
}

static bool active_is(const World *w, const char *active) {
        const UnitState *s = unit_state(w->unit);

        return s && streq(s->active, active);
}

/* Everything that was sent so far has arrived. */
static void settle(World *w) {
        for (unsigned i = 0; i < 4; i++) {
                private_bus_round_trip(w->systemd.bus);
                private_bus_round_trip(w->bus);
                loop_drain(w->event);
        }
}

static void test_state(void **state) {
        World *w = *state;
        const UnitState *s;

        unit_begin(w);
        assert_string_equal(unit_name(w->unit), ID);
        s = unit_state(w->unit);
        assert_non_null(s);
        assert_string_equal(s->load, "loaded");
        assert_string_equal(s->active, "inactive");
        assert_string_equal(s->sub, "dead");
        assert_string_equal(s->result, "success");
        assert_string_equal(s->unit_file_state, "enabled");
        assert_string_equal(s->invocation, "");
        assert_int_equal(s->main_pid, 0);
        assert_true(w->systemd.subscribed);

        systemd_says(&w->systemd, "activating", "start-pre", 0);
        LOOP_UNTIL(w->event, active_is(w, "activating"));
        systemd_says(&w->systemd, "active", "running", 4711);
        LOOP_UNTIL(w->event, active_is(w, "active"));
        s = unit_state(w->unit);
        assert_int_equal(s->main_pid, 4711);
        assert_string_equal(s->invocation, "00112233445566778899aabbccddeeff");

        /* The same again is no change; and nothing was asked again. */
        unsigned changes = w->changes;
        systemd_says(&w->systemd, "active", "running", 4711);
        settle(w);
        assert_int_equal(w->changes, changes);
        assert_int_equal(w->systemd.gets, 1);
}

/* A shorter word leaves nothing of the longer one. */
static void test_words(void **state) {
        World *w = *state;

        unit_begin(w);
        static const char *const words[] = { "deactivating", "active", "deactivating", "failed" };
        for (size_t i = 0; i < ELEMENTS(words); i++) {
                unsigned changes = w->changes;
                systemd_says(&w->systemd, words[i], "x", 0);
                LOOP_UNTIL(w->event, active_is(w, words[i]));
                assert_int_equal(w->changes, changes + 1);
        }
}

/* What belongs together is told at once. */
static void test_two_signals(void **state) {
        World *w = *state;

        unit_begin(w);
        unsigned changes = w->changes;
        systemd_says_of(&w->systemd, "org.freedesktop.systemd1.Service", "inactive", "dead", 4711);
        settle(w);
        assert_int_equal(w->changes, changes);
        assert_int_equal(unit_state(w->unit)->main_pid, 0);
        systemd_says(&w->systemd, "active", "running", 4711);
        LOOP_UNTIL(w->event, active_is(w, "active"));
        assert_int_equal(w->changes, changes + 1);
        assert_int_equal(unit_state(w->unit)->main_pid, 4711);
}

static void test_reload(void **state) {
        World *w = *state;

        (void) snprintf(w->systemd.unit.load, UNIT_WORD_SIZE, "not-found");
        unit_begin(w);
        assert_string_equal(unit_state(w->unit)->load, "not-found");

        /* systemd drops everything and brings it again: in between nothing counts. */
        systemd_says(&w->systemd, "active", "running", 4711);
        LOOP_UNTIL(w->event, active_is(w, "active"));
        unsigned changes = w->changes;
        manager_signal(&w->systemd, "Reloading", "b", 1);
        manager_signal(&w->systemd, "UnitRemoved", "so", ID, UNIT_PATH);
        manager_signal(&w->systemd, "UnitNew", "so", ID, UNIT_PATH);
        settle(w);
        assert_int_equal(w->changes, changes);
        (void) snprintf(w->systemd.unit.load, UNIT_WORD_SIZE, "loaded");
        manager_signal(&w->systemd, "Reloading", "b", 0);
        LOOP_UNTIL(w->event, w->changes > changes);
        assert_string_equal(unit_state(w->unit)->load, "loaded");
        assert_true(active_is(w, "active"));

        (void) snprintf(w->systemd.unit.unit_file_state, UNIT_WORD_SIZE, "disabled");
        manager_signal(&w->systemd, "UnitFilesChanged", "");
        LOOP_UNTIL(w->event, streq(unit_state(w->unit)->unit_file_state, "disabled"));
}

/* A unit that nobody needs comes and goes at every look: we do not look again for that. */
static void test_no_loop(void **state) {
        World *w = *state;

        w->systemd.collects = true;
        unit_begin(w);
        settle(w);
        assert_int_equal(w->systemd.loads, 1);
        assert_int_equal(w->systemd.gets, 1);
        assert_true(active_is(w, "inactive"));

        /* Then it is started, and systemd announces it only when it runs already. */
        w->systemd.loaded = true;
        (void) snprintf(w->systemd.unit.active, UNIT_WORD_SIZE, "activating");
        manager_signal(&w->systemd, "UnitNew", "so", ID, UNIT_PATH);
        LOOP_UNTIL(w->event, active_is(w, "activating"));

        /* It ends and goes, and its last signal was one of an earlier state. */
        w->systemd.loaded = false;
        manager_signal(&w->systemd, "UnitRemoved", "so", ID, UNIT_PATH);
        LOOP_UNTIL(w->event, active_is(w, "inactive"));
        assert_string_equal(unit_state(w->unit)->sub, "dead");
}

static void test_systemd_restarts(void **state) {
        World *w = *state;

        unit_begin(w);
        systemd_go(&w->systemd);
        LOOP_UNTIL(w->event, !unit_state(w->unit));
        assert_string_equal(unit_error(w->unit), "systemd left the bus");
        assert_int_equal(unit_start(w->unit, "replace", job_ended, w), -ENOTCONN);

        w->systemd.subscribed = false;
        (void) snprintf(w->systemd.unit.active, UNIT_WORD_SIZE, "active");
        systemd_come(&w->systemd, &w->daemon, w->event);
        LOOP_UNTIL(w->event, active_is(w, "active"));
        assert_true(w->systemd.subscribed);

        systemd_says(&w->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, active_is(w, "failed"));
}

static void test_refused(void **state) {
        World *w = *state;

        w->systemd.refuses = true;
        unit_begin(w);
        assert_null(unit_state(w->unit));
        assert_string_equal(unit_error(w->unit), "no such thing");

        w->systemd.refuses = false;
        manager_signal(&w->systemd, "Reloading", "b", 0);
        settle(w);
        /* It never told of itself, so its word does not count yet; a new start does. */
        systemd_go(&w->systemd);
        systemd_come(&w->systemd, &w->daemon, w->event);
        LOOP_UNTIL(w->event, unit_state(w->unit));
        assert_null(unit_error(w->unit));
}

static void test_no_systemd(void **state) {
        World *w = *state;

        systemd_go(&w->systemd);
        unit_begin(w);
        assert_null(unit_state(w->unit));
        assert_non_null(unit_error(w->unit));
        systemd_come(&w->systemd, &w->daemon, w->event);
        LOOP_UNTIL(w->event, active_is(w, "inactive"));
}

/* Anybody may send us signals. */
static void test_forged(void **state) {
        World *w = *state;
        Systemd stranger = { .unit = w->systemd.unit };
        char name[16];

        unit_begin(w);
        unsigned changes = w->changes;
        stranger.bus = private_bus_open(&w->daemon, w->event);
        for (unsigned i = 0; i < 8; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *n = NULL, *o = NULL;
                (void) snprintf(name, sizeof(name), ":1.%u", i);
                (void) snprintf(stranger.unit.active, UNIT_WORD_SIZE, "active");
                assert_true(sd_bus_message_new_signal(stranger.bus, &m, UNIT_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged") >= 0);
                assert_true(sd_bus_message_append(m, "s", "org.freedesktop.systemd1.Unit") >= 0);
                append_properties(&stranger.unit, m);
                assert_true(sd_bus_message_append(m, "as", 0) >= 0);
                assert_true(sd_bus_send_to(stranger.bus, m, name, NULL) >= 0);
                assert_true(sd_bus_message_new_signal(stranger.bus, &n, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged") >= 0);
                assert_true(sd_bus_message_append(n, "sss", "org.freedesktop.systemd1", ":1.0", "") >= 0);
                (void) sd_bus_send_to(stranger.bus, n, name, NULL);
                assert_true(sd_bus_message_new_signal(stranger.bus, &o, ROOT, MANAGER, "UnitFilesChanged") >= 0);
                assert_true(sd_bus_send_to(stranger.bus, o, name, NULL) >= 0);
        }
        assert_true(sd_bus_flush(stranger.bus) >= 0);
        private_bus_round_trip(stranger.bus);
        settle(w);
        assert_int_equal(w->changes, changes);
        assert_int_equal(w->systemd.loads, 1);
        systemd_go(&stranger);
}

static void test_jobs(void **state) {
        static const char *const results[] = { "done", "failed", "canceled", "timeout", "dependency" };
        World *w = *state;

        assert_int_equal(unit_new(w->bus, ID, unit_moved, w, &w->unit), 0);
        assert_int_equal(unit_start(w->unit, "replace", job_ended, w), -ENOTCONN);
        LOOP_UNTIL(w->event, w->changes > 0);

        for (size_t i = 0; i < ELEMENTS(results); i++) {
                w->jobs = 0;
                assert_int_equal(unit_start(w->unit, "replace", job_ended, w), 0);
                assert_int_equal(unit_start(w->unit, "replace", job_ended, w), -EBUSY);
                LOOP_UNTIL(w->event, w->systemd.starts == i + 1);
                assert_string_equal(w->systemd.mode, "replace");
                settle(w);
                manager_signal(&w->systemd, "JobRemoved", "uoss", 8, "/org/freedesktop/systemd1/job/8", ID, "done");
                settle(w);
                assert_int_equal(w->jobs, 0);
                manager_signal(&w->systemd, "JobRemoved", "uoss", 7, JOB_PATH, ID, results[i]);
                LOOP_UNTIL(w->event, w->jobs == 1);
                assert_int_equal(w->r, 0);
                assert_string_equal(w->result, results[i]);
        }

        /* The same for stop; and it may be refused. */
        w->jobs = 0;
        w->systemd.refuses = true;
        assert_int_equal(unit_stop(w->unit, "fail", job_ended, w), 0);
        LOOP_UNTIL(w->event, w->jobs == 1);
        assert_int_equal(w->systemd.stops, 1);
        assert_string_equal(w->systemd.mode, "fail");
        assert_int_equal(w->r, -EACCES);
        assert_non_null(strstr(w->result, "polkit"));

        /* A job that systemd takes with it. */
        w->systemd.refuses = false;
        w->jobs = 0;
        assert_int_equal(unit_start(w->unit, "replace", job_ended, w), 0);
        LOOP_UNTIL(w->event, w->systemd.starts == ELEMENTS(results) + 1);
        settle(w);
        systemd_go(&w->systemd);
        systemd_come(&w->systemd, &w->daemon, w->event);
        LOOP_UNTIL(w->event, w->jobs == 1);
        assert_int_equal(w->r, -ECONNRESET);
}

/* One whose answer is still to come. */
static void test_free_early(void **state) {
        World *w = *state;

        w->systemd.mute = true;
        assert_int_equal(unit_new(w->bus, ID, unit_moved, w, &w->unit), 0);
        LOOP_UNTIL(w->event, w->systemd.gets == 1);
        w->unit = unit_free(w->unit);
        loop_drain(w->event);
        assert_int_equal(w->changes, 0);
}

/* Else a boot on a busy machine could leave an agent that never learns of its server. */
static void test_late(void **state) {
        World *w = *state;

        assert_true(sd_bus_set_method_call_timeout(w->bus, 100 * USEC_PER_MSEC) >= 0);
        w->systemd.mute = true;
        assert_int_equal(unit_new(w->bus, ID, unit_moved, w, &w->unit), 0);
        LOOP_UNTIL(w->event, w->changes == 1);
        assert_null(unit_state(w->unit));
        w->systemd.mute = false;
        LOOP_UNTIL(w->event, unit_state(w->unit));
}

static void system_state_told(int r, const char *state, void *userdata) {
        World *w = userdata;

        w->jobs++;
        w->r = r;
        (void) snprintf(w->result, sizeof(w->result), "%s", state ? state : "-");
}

static void test_system_state(void **state) {
        World *w = *state;
        sd_bus_slot *slot = NULL;

        assert_int_equal(unit_system_state(w->bus, system_state_told, w, &slot), 0);
        LOOP_UNTIL(w->event, w->jobs == 1);
        assert_int_equal(w->r, 0);
        assert_string_equal(w->result, "degraded");
        slot = sd_bus_slot_unref(slot);

        systemd_go(&w->systemd);
        assert_int_equal(unit_system_state(w->bus, system_state_told, w, &slot), 0);
        LOOP_UNTIL(w->event, w->jobs == 2);
        assert_true(w->r < 0);
        assert_string_equal(w->result, "-");
        slot = sd_bus_slot_unref(slot);

        assert_int_equal(unit_system_state(w->bus, system_state_told, w, &slot), 0);
        slot = sd_bus_slot_unref(slot);
        loop_drain(w->event);
        assert_int_equal(w->jobs, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_state, setup, teardown),
                cmocka_unit_test_setup_teardown(test_words, setup, teardown),
                cmocka_unit_test_setup_teardown(test_two_signals, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_loop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_systemd_restarts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_systemd, setup, teardown),
                cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
                cmocka_unit_test_setup_teardown(test_jobs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_late, setup, teardown),
                cmocka_unit_test_setup_teardown(test_free_early, setup, teardown),
                cmocka_unit_test_setup_teardown(test_system_state, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
