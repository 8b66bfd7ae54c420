/* What the probe's answers are read as, and how it is run. */
#include "adapter/probe.h"
#include "loop.h"

#define CLUSTER "c6a36f65-e6ab-11f1-bd3b-3eed78c4736e"
#define MEMBER "50a6ab5f-e6af-11f1-b68d-5a8bd6da5fc1"
#define STATUS                                                                                                               \
        "\"wsrep\":true,\"version\":\"10.11.19-MariaDB\",\"node_name\":\"db1\",\"desync\":false,\"local_uuid\":\"" CLUSTER   \
        "\",\"last_committed\":9007199254740993,\"cached_downto\":4,\"state\":4,\"state_comment\":\"Synced\","               \
        "\"member_uuid\":\"" MEMBER "\",\"conf_id\":2,\"cluster_size\":2,\"cluster_uuid\":\"" CLUSTER                         \
        "\",\"cluster_status\":\"Primary\",\"connected\":true,\"ready\":true"
#define VIEW(members) "{" STATUS ",\"view\":{\"uuid\":\"" CLUSTER "\",\"id\":2,\"seqno\":7,\"members\":[" members "]}}"

static void test_status(void **state) {
        char error[256] = "", buf[POSITION_TEXT_MAX];
        ServerStatus s;

        assert_int_equal(server_status_parse(VIEW("{\"uuid\":\"" MEMBER "\",\"name\":\"db1\"}"), &s, error), 0);
        assert_true(s.wsrep && s.connected && s.ready && !s.desync);
        assert_string_equal(s.version, "10.11.19-MariaDB");
        assert_string_equal(s.node_name, "db1");
        assert_string_equal(s.cluster_status, "Primary");
        assert_string_equal(s.state_comment, "Synced");
        assert_int_equal(s.state, 4);
        assert_int_equal(s.conf_id, 2);
        assert_int_equal(s.cluster_size, 2);
        assert_int_equal(s.cached_downto, 4);
        /* A double would make 9007199254740992 of it. */
        assert_string_equal(position_text(&s.position, buf), CLUSTER ":9007199254740993");
        assert_true(uuid_equal(&s.cluster_uuid, &s.position.uuid));
        assert_true(s.have_view);
        assert_true(uuid_equal(&s.view_uuid, &s.position.uuid));
        assert_int_equal(s.view_seqno, 7);
        assert_int_equal(s.n_members, 1);
        assert_string_equal(s.member[0].name, "db1");
        assert_true(uuid_equal(&s.member[0].uuid, &s.member_uuid));
}

static void test_absent(void **state) {
        char error[256] = "";
        ServerStatus s;

        assert_int_equal(server_status_parse("{\"wsrep\":false,\"version\":\"9.7.4\"}", &s, error), 0);
        assert_false(s.wsrep || s.have_view || s.ready);
        assert_string_equal(s.version, "9.7.4");
        assert_int_equal(s.position.seqno, SEQNO_UNDEFINED);
        assert_true(uuid_is_zero(&s.position.uuid));
        assert_int_equal(s.state, -1);
        assert_int_equal(s.cached_downto, -1);
        assert_null(s.replication);

        assert_int_equal(server_status_parse("{\"wsrep\":false,\"replication\":{\"answers\":true,\"flavour\":\"mysql\",\"server_id\":7}}", &s, error), 0);
        assert_int_equal(s.replication->server_id, 7);
        server_status_done(&s);
        assert_null(s.replication);
        assert_int_equal(server_status_parse("{\"wsrep\":false,\"replication\":{\"answers\":true}}", &s, error), -EBADMSG);
        assert_non_null(strstr(error, "flavour"));

        /* Less than nothing is nothing that a server says. */
        assert_int_equal(server_status_parse("{\"wsrep\":true,\"state\":-4,\"last_committed\":-9007199254740993,\"recv_queue\":-2}", &s, error), 0);
        assert_true(s.state == -1 && s.position.seqno == SEQNO_UNDEFINED && s.recv_queue == -1);

        assert_int_equal(server_status_parse("{" STATUS ",\"view_problem\":\"SELECT command denied\"}", &s, error), 0);
        assert_false(s.have_view);
        assert_string_equal(s.view_problem, "SELECT command denied");
        assert_int_equal(s.position.seqno, INT64_C(9007199254740993));
}

static void test_quorum(void **state) {
        static const struct {
                const char *text, *quorum_off;
        } cases[] = {
                { "{" STATUS ",\"provider_options\":\"pc.ignore_quorum = false; pc.ignore_sb = true; \"}", "pc.ignore_sb" },
                { "{" STATUS ",\"provider_options\":\"pc.ignore_quorum = YES; pc.ignore_sb = false; \"}", "pc.ignore_quorum" },
                { "{" STATUS ",\"provider_options\":\"pc.ignore_quorum = false; pc.ignore_sb = false; \"}", "" },
                { "{" STATUS ",\"provider_options\":7}", "" },
                { "{" STATUS "}", "" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char error[256] = "";
                ServerStatus s;

                assert_int_equal(server_status_parse(cases[i].text, &s, error), 0);
                assert_string_equal(s.quorum_off, cases[i].quorum_off);
        }
}

/* A view that is not whole is none. */
static void test_bad_views(void **state) {
        static const char *const texts[] = {
                VIEW(""),
                VIEW("7"),
                VIEW("{\"uuid\":\"" MEMBER "\"}"),
                VIEW("{\"uuid\":\"x\",\"name\":\"db1\"}"),
                VIEW("{\"uuid\":\"" MEMBER "\",\"name\":\"db1\"},{}"),
                VIEW("{\"uuid\":\"" MEMBER "\",\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"}"),
                VIEW("{\"uuid\":\"" MEMBER "\",\"name\":\"db1\"},{\"uuid\":\"" CLUSTER "\",\"name\":\"db 2\"}"),
                "{" STATUS ",\"view\":{}}",
                "{" STATUS ",\"view\":[]}",
                "{" STATUS ",\"view\":{\"uuid\":\"" CLUSTER "\",\"seqno\":\"7\",\"members\":[{\"uuid\":\"" MEMBER "\",\"name\":\"db1\"}]}}",
                "{" STATUS ",\"view\":{\"uuid\":\"" CLUSTER "\",\"seqno\":-1,\"members\":[{\"uuid\":\"" MEMBER "\",\"name\":\"db1\"}]}}",
        };
        char many[16384] = "{" STATUS ",\"view\":{\"uuid\":\"" CLUSTER "\",\"seqno\":7,\"members\":[";
        char error[256] = "";
        ServerStatus s;

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                assert_int_equal(server_status_parse(texts[i], &s, error), 0);
                assert_false(s.have_view);
                assert_int_equal(s.n_members, 0);
                assert_string_equal(s.view_problem, "the stored view cannot be read");
                assert_string_equal(s.cluster_status, "Primary");
        }

        for (size_t i = 0; i <= NAMES_MAX; i++)
                (void) snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s{\"uuid\":\"" MEMBER "\",\"name\":\"db%zu\"}", i ? "," : "", i);
        (void) snprintf(many + strlen(many), sizeof(many) - strlen(many), "]}}");
        assert_int_equal(server_status_parse(many, &s, error), 0);
        assert_false(s.have_view);
}

static void test_nonsense(void **state) {
        static const struct {
                const char *text, *error;
        } cases[] = {
                { "", "the probe answers nonsense: " },
                { "nonsense", "the probe answers nonsense: " },
                { "[]", "the probe answers nonsense" },
                { "{}", "the probe answers nonsense" },
                { "{\"wsrep\":1}", "the probe answers nonsense" },
                { "{\"wsrep\":true,\"wsrep\":true}", "the probe answers nonsense: " },
                { "{\"wsrep\":true,\"state\":99999999999999999999}", "the probe answers nonsense: " },
                { "{\"error\":\"Can't connect\"}", "Can't connect" },
        };
        ServerStatus s;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char error[256] = "";
                assert_int_equal(server_status_parse(cases[i].text, &s, error), -EBADMSG);
                if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("%s: %s", cases[i].text, error);
        }
}

typedef struct World {
        char *dir;
        sd_event *event;
        Probe *probe;
        unsigned answers;
        int r;
        ServerStatus status;
        char error[256];
} World;

static void answered(Probe *p, int r, ServerStatus *status, const char *error, void *userdata) {
        World *w = userdata;

        assert_true((r == 0) == (status != NULL) && (r < 0) == (error != NULL));
        w->answers++;
        w->r = r;
        if (status)
                w->status = *status;
        (void) snprintf(w->error, sizeof(w->error), "%s", error ? error : "");
}

static int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->dir = directory_make();
        assert_true(sd_event_new(&w->event) >= 0);
        *state = w;
        return 0;
}

static int teardown(void **state) {
        World *w = *state;

        w->probe = probe_free(w->probe);
        loop_drain(w->event);
        assert_null(sd_event_unref(w->event));
        directory_remove(w->dir);
        free(w);
        return 0;
}

/* A program that does `script` in place of mainstay-probe. */
static void probe_make(World *w, const char *script) {
        _cleanup_free_ char *text = NULL, *path = NULL;

        assert_true(asprintf(&text, "#!/bin/sh\ncd %s\n%s\n", w->dir, script) > 0);
        assert_true(asprintf(&path, "%s/probe", w->dir) > 0);
        file_put(w->dir, "probe", text, 0755);
        w->probe = probe_free(w->probe);
        assert_int_equal(probe_new(w->event, path, "/run/socket", "mainstay", answered, w, &w->probe), 0);
}

static void test_runs(void **state) {
        World *w = *state;
        static const struct {
                const char *script;
                int r;
                const char *error;
        } cases[] = {
                { "test \"$*\" = '--socket /run/socket --user mainstay' && echo '{\"wsrep\":false}'", 0, "" },
                { "echo '{\"error\":\"Access denied\"}'; exit 1", -EBADMSG, "Access denied" },
                { "echo '{\"wsrep\":false}'; exit 1", -EIO, "the probe ended with status 1" },
                { "kill -SEGV $$", -EIO, "the probe was ended by signal 11" },
                { "exit 0", -EBADMSG, "the probe answers nonsense: " },
                { "yes", -E2BIG, "the probe: " },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                w->answers = 0;
                probe_make(w, cases[i].script);
                assert_false(probe_busy(w->probe));
                assert_int_equal(probe_request(w->probe), 0);
                assert_true(probe_busy(w->probe));
                LOOP_UNTIL(w->event, w->answers == 1);
                if (w->r != cases[i].r || strncmp(w->error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("%s: %d, %s", cases[i].script, w->r, w->error);
                assert_false(probe_busy(w->probe));
        }
}

/* Requests that come while one is under way make one more, and only one. */
static void test_coalesced(void **state) {
        World *w = *state;

        probe_make(w, "echo x >>runs; echo \"{\\\"wsrep\\\":true,\\\"state\\\":$(wc -l <runs)}\"");
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(probe_request(w->probe), 0);
        LOOP_UNTIL(w->event, w->answers == 2);
        assert_int_equal(w->status.state, 2);
        loop_drain(w->event);
        assert_false(probe_busy(w->probe));
        assert_int_equal(w->answers, 2);
}

static void test_missing(void **state) {
        World *w = *state;

        assert_int_equal(probe_new(w->event, "/nonexistent/probe", "/run/socket", "mainstay", answered, w, &w->probe), 0);
        assert_int_equal(probe_request(w->probe), -ENOENT);
        assert_false(probe_busy(w->probe));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_quorum),
                cmocka_unit_test(test_bad_views),
                cmocka_unit_test(test_nonsense),
                cmocka_unit_test_setup_teardown(test_runs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_coalesced, setup, teardown),
                cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
