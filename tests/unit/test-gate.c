/* The gate without an agent: the program itself, on real files, with a server
 * that says what it would be started with. What it must never let pass, it must
 * not let pass then. */
#include "domain/recovery.h"
#include "scratch.h"

#define GRASTATE "# GALERA saved state\nversion: 2.1\nuuid:    220dcdcb-1629-11e4-add3-aec059ad3734\nseqno:   20\nsafe_to_bootstrap: 0\n"
#define MEMBER "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,db2,db3"
#define LARGE 8192

static const char *program;

/* A node: its datadir, where mysqld's programs write, and its server. */
typedef struct Node {
        Scratch data, record, server;
} Node;

/* Where the gate runs as root it takes on the datadir's owner. */
static void give_away(const char *path) {
        if (geteuid() == 0)
                assert_int_equal(chown(path, 65534, 65534), 0);
}

static Node node_new(void) {
        Node n = { .data = scratch_new(), .record = scratch_new(), .server = scratch_new() };

        give_away(n.data.path);
        give_away(n.record.path);
        return n;
}

static void node_done(Node *n) {
        scratch_done(&n->data);
        scratch_done(&n->record);
        scratch_done(&n->server);
}

static void put(const Node *n, const char *name, const void *data, size_t size) {
        _cleanup_free_ char *path = NULL;

        scratch_put(&n->data, name, data, size);
        assert_true(asprintf(&path, "%s/%s", n->data.path, name) > 0);
        give_away(path);
}

/* `options` NULL: it fails. */
static void set_server(const Node *n, const char *options) {
        _cleanup_free_ char *text = NULL, *path = NULL;

        assert_true(asprintf(&text, "#!/bin/sh\n[ \"$*\" = \"${WANT:-}--print-defaults\" ] || exit 9\n%s '%s'\n",
                             options ? "echo 'mysqld would have been started with the following arguments:'; echo" : "exit 1; echo", str_or(options, "")) > 0);
        scratch_puts(&n->server, "mysqld", text);
        assert_true(asprintf(&path, "%s/mysqld", n->server.path) > 0);
        assert_int_equal(chmod(path, 0755), 0);
        (void) setenv("MAINSTAY_SERVER", path, 1);
}

/* Its status; what it said is in `ret`. */
static int run(const Node *n, char **ret) {
        const char *const argv[] = { program, NULL };
        int r;

        (void) setenv("MAINSTAY_DATADIR", n->data.path, 1);
        (void) setenv("MAINSTAY_SERVER_DIR", n->record.path, 1);
        r = program_run(&n->server, "said", argv);
        *ret = scratch_get(&n->server, "said");
        return r;
}

static bool exists(const Scratch *s, const char *name) {
        return faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void a_joiner_passes(void **state) {
        _cleanup_(node_done) Node n = node_new();
        _cleanup_free_ char *said = NULL;

        (void) state;
        set_server(&n, MEMBER);
        put(&n, "grastate.dat", GRASTATE, strlen(GRASTATE));
        put(&n, "gvwstate.dat", "x", 1);
        assert_int_equal(run(&n, &said), 0);
        assert_true(scratch_is(&n.data, "grastate.dat", GRASTATE));
        assert_false(exists(&n.data, "gvwstate.dat"));
        assert_true(scratch_is(&n.data, "gvwstate.dat.mainstay", "x"));
        assert_true(exists(&n.record, "views"));
}

/* What the agent has left to be held to, beside the directory of the record. */
static void who_is_kept_out_is_not_started(void **state) {
        _cleanup_(node_done) Node n = node_new();
        _cleanup_free_ char *said = NULL, *server = NULL;
        const char *const argv[] = { program, NULL };

        (void) state;
        assert_true(asprintf(&server, "%s/server", n.record.path) > 0);
        assert_int_equal(mkdir(server, 0755), 0);
        give_away(server);
        set_server(&n, MEMBER);
        put(&n, "grastate.dat", GRASTATE, strlen(GRASTATE));
        (void) setenv("MAINSTAY_DATADIR", n.data.path, 1);
        (void) setenv("MAINSTAY_SERVER_DIR", server, 1);
        scratch_puts(&n.record, "kept-out", "It has diverged: seqno 9.");
        assert_int_not_equal(program_run(&n.server, "said", argv), 0);
        said = scratch_get(&n.server, "said");
        assert_non_null(strstr(said, "kept out of the cluster. It has diverged: seqno 9."));
        assert_true(scratch_is(&n.data, "grastate.dat", GRASTATE));

        assert_int_equal(unlinkat(n.record.fd, "kept-out", 0), 0);
        assert_int_equal(program_run(&n.server, "said", argv), 0);
        assert_int_equal(unlinkat(n.record.fd, "server/views", 0), 0);
}

static void a_new_node_passes(void **state) {
        _cleanup_(node_done) Node n = node_new();
        _cleanup_free_ char *said = NULL;

        (void) state;
        set_server(&n, MEMBER);
        assert_int_equal(run(&n, &said), 0);
}

static const struct {
        const char *options, *mysqld_opts, *says;
} configurations[] = {
        { MEMBER " --wsrep_new_cluster", NULL, "wsrep_new_cluster in its configuration" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://", NULL, "gcomm://db1,db2,db3" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://?pc.wait_prim=no", NULL, "wsrep_cluster_address" },
        { MEMBER " --wsrep_provider_options=gcache.size=1G;pc.bootstrap=yes", NULL, "pc.bootstrap in its configuration" },
        { MEMBER, "--wsrep-new-cluster", "MYSQLD_OPTS in its environment (--wsrep-new-cluster)" },
        { MEMBER, "--general-log", NULL },
        { "--wsrep_new_cluster --wsrep_cluster_address=gcomm://", NULL, NULL }, /* wsrep is off */
        { MEMBER " --datadir=/elsewhere", NULL, "the datadir is /elsewhere, and Mainstay was set up for" },
        { MEMBER " --wsrep_provider_options=base_dir=/elsewhere;gcache.size=1G", NULL, "base_dir of wsrep_provider_options is /elsewhere" },
        { NULL, NULL, NULL },                                                  /* it says nothing */
};

static void a_bootstrap_that_is_written_down_is_refused(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(configurations); i++) {
                _cleanup_(node_done) Node n = node_new();
                _cleanup_free_ char *said = NULL;
                const char *what = str_or(configurations[i].options, "none"), *says = configurations[i].says;

                set_server(&n, configurations[i].options);
                put(&n, "grastate.dat", GRASTATE, strlen(GRASTATE));
                put(&n, "gvwstate.dat", "x", 1);
                if (configurations[i].mysqld_opts)
                        (void) setenv("MYSQLD_OPTS", configurations[i].mysqld_opts, 1);
                CHECK(run(&n, &said) == (says ? 1 : 0), what);
                (void) unsetenv("MYSQLD_OPTS");
                CHECK(!says || strstr(said, says), said);
                CHECK(!says || strstr(said, strstr(says, "elsewhere") ? "mainstayctl setup" : "systemctl start mainstay-bootstrap"), said);
                CHECK(exists(&n.data, "gvwstate.dat") == (says != NULL), what);
                CHECK(exists(&n.record, "views") == !says, what);
                CHECK(configurations[i].options || strstr(said, "--print-defaults failed"), said);
        }
}

/* The server may have a file of its own. */
static void the_defaults_file_is_handed_on(void **state) {
        _cleanup_(node_done) Node n = node_new();
        _cleanup_free_ char *said = NULL;

        (void) state;
        set_server(&n, MEMBER " --wsrep_new_cluster");
        (void) setenv("MAINSTAY_OPTIONS", "--defaults-file=/srv/my.cnf", 1);
        (void) setenv("WANT", "--defaults-file=/srv/my.cnf ", 1);
        assert_int_equal(run(&n, &said), 1);
        (void) unsetenv("MAINSTAY_OPTIONS");
        (void) unsetenv("WANT");
        assert_non_null(strstr(said, "grep -rn wsrep.new.cluster /srv/my.cnf"));
}

/* What a first state transfer leaves that has failed: the next one may come. */
static void an_empty_file_beside_no_data_is_none(void **state) {
        for (int half = 0; half < 2; half++) {
                _cleanup_(node_done) Node n = node_new();
                _cleanup_free_ char *said = NULL;

                set_server(&n, MEMBER);
                put(&n, "grastate.dat", "", 0);
                if (half) {
                        put(&n, "ibdata1", "x", 1);
                        put(&n, "sst_in_progress", "", 0);
                }
                if (run(&n, &said) != 0)
                        fail_msg("%s", said);
        }
        (void) state;
}

static const struct {
        const char *what, *text;
        size_t size;
} damaged[] = {
        { "empty", "", 0 },
        { "NUL-filled", "\0\0\0\0\0\0\0\0", 8 },
        { "cut off", GRASTATE, 60 },
        { "a seqno that is none", "version: 2.1\nuuid: 220dcdcb-1629-11e4-add3-aec059ad3734\nseqno: foo\nsafe_to_bootstrap: 0\n", 0 },
        { "something else", "rubbish\n", 0 },
        { "too large", NULL, LARGE },
};

static void a_file_that_cannot_be_judged_stays_as_it_is(void **state) {
        static char large[LARGE];

        (void) state;
        memset(large, ' ', sizeof(large));
        for (size_t i = 0; i < ELEMENTS(damaged); i++) {
                _cleanup_(node_done) Node n = node_new();
                _cleanup_free_ char *said = NULL, *now = NULL;
                const char *text = damaged[i].text ? damaged[i].text : large;
                size_t size = damaged[i].size || !*text ? damaged[i].size : strlen(text);

                set_server(&n, MEMBER);
                put(&n, "grastate.dat", text, size);
                put(&n, "gvwstate.dat", "x", 1);
                put(&n, "ibdata1", "x", 1);
                CHECK(run(&n, &said) == 1, damaged[i].what);
                CHECK(strstr(said, "Nothing was touched") && strstr(said, "grastate.dat.bad"), said);
                now = scratch_get(&n.data, "grastate.dat");
                CHECK(now && memcmp(now, text, size) == 0, damaged[i].what);
                CHECK(exists(&n.data, "gvwstate.dat") && !exists(&n.data, "gvwstate.dat.mainstay"), damaged[i].what);
                CHECK(scratch_count(&n.data) == 3 && scratch_count(&n.record) == 0, damaged[i].what);
        }
}

#define U "220dcdcb-1629-11e4-add3-aec059ad3734"
#define CRASHED "version: 2.1\nuuid: " U "\nseqno: -1\nsafe_to_bootstrap: 0\n"
#define ZEROS "version: 2.1\nuuid: 00000000-0000-0000-0000-000000000000\nseqno: -1\nsafe_to_bootstrap: 0\n"

/* The agent's part where there is no agent: the position is found, and written
 * where Galera reads it. */
static const struct {
        const char *what, *options, *grastate;
        RecoveryOutcome outcome;
        const char *position; /* what the data say */
        const char *seqno;    /* then in grastate.dat; NULL: the file is as it was */
        bool asked;           /* the data are looked into */
        int status;
        const char *says;
} recoveries[] = {
        { "after a crash", MEMBER, CRASHED, RECOVERY_POSITION, U ":114", "seqno:   114", true, 0, U ":114" },
        { "nothing missing in the file", MEMBER, GRASTATE, RECOVERY_POSITION, U ":20", NULL, true, 0, NULL },
        { "the file is behind the data", MEMBER, GRASTATE, RECOVERY_POSITION, U ":21", "seqno:   21", true, 0, U ":21" },
        { "the file is ahead of the data", MEMBER, GRASTATE, RECOVERY_POSITION, U ":19", NULL, true, 0, NULL },
        { "data of another cluster", MEMBER, CRASHED, RECOVERY_POSITION, "330dcdcb-1629-11e4-add3-aec059ad3734:114", NULL, true, 0, "another cluster" },
        { "none was found", MEMBER, CRASHED, RECOVERY_PREPARED, NULL, NULL, true, 0, "(SST)" },
        { "the data are in use", MEMBER, CRASHED, RECOVERY_LOCKED, NULL, NULL, true, 1, "outside of its unit" },
        { "it cannot be run", MEMBER, CRASHED, _RECOVERY_OUTCOME_MAX, NULL, NULL, false, 0, "(SST)" },
        { "an SST is due all the same", MEMBER, ZEROS, RECOVERY_POSITION, U ":114", NULL, false, 0, NULL },
        { "a new node", MEMBER, NULL, RECOVERY_POSITION, U ":114", NULL, false, 0, NULL },
        { "no cluster node at all", "--wsrep_on=OFF", CRASHED, RECOVERY_POSITION, U ":114", NULL, false, 0, NULL },
        { "its options are not known", NULL, CRASHED, RECOVERY_POSITION, U ":114", "seqno:   114", true, 0, U ":114" },
};

/* Instead of mainstay-recover: leaves the result where it is told to. */
static void set_recovery(const Node *n, RecoveryOutcome outcome, const char *position) {
        _cleanup_free_ char *text = NULL, *script = NULL, *path = NULL, *result = NULL;
        Recovery r = { .outcome = outcome, .text = "so it came out" };

        if (position)
                assert_int_equal(position_parse(position, strlen(position), &r.position), 0);
        assert_true(asprintf(&path, "%s/recover", n->server.path) > 0);
        (void) setenv("MAINSTAY_RECOVER", path, 1);
        if (outcome == _RECOVERY_OUTCOME_MAX)
                return;
        assert_int_equal(recovery_format(&r, &text), 0);
        scratch_puts(&n->server, "result", text);
        assert_true(asprintf(&script, "#!/bin/sh\n[ \"$1 $3 $4 $5\" = \"--server --datadir %s --output\" ] && exec cp %s/result \"$6\"/recovered\n",
                             n->data.path, n->server.path) > 0);
        scratch_puts(&n->server, "recover", script);
        assert_int_equal(chmod(path, 0755), 0);
        assert_true(asprintf(&result, "%s/result", n->server.path) > 0);
        assert_int_equal(chmod(result, 0644), 0);
        assert_int_equal(chmod(n->server.path, 0755), 0); /* mysqld's user reads it */
}

static void without_an_agent_the_position_is_found(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(recoveries); i++) {
                _cleanup_(node_done) Node n = node_new();
                _cleanup_free_ char *said = NULL, *now = NULL, *views = NULL;
                const char *what = recoveries[i].what;

                set_server(&n, recoveries[i].options);
                set_recovery(&n, recoveries[i].outcome, recoveries[i].position);
                if (recoveries[i].grastate)
                        put(&n, "grastate.dat", recoveries[i].grastate, strlen(recoveries[i].grastate));
                if (run(&n, &said) != recoveries[i].status)
                        fail_msg("%s: %s", what, said);
                (void) setenv("MAINSTAY_RECOVER", "/nonexistent/recover", 1);
                CHECK(!recoveries[i].says || strstr(said, recoveries[i].says), said);
                CHECK(exists(&n.record, "recovered") == recoveries[i].asked, what);
                if (recoveries[i].grastate) {
                        now = scratch_get(&n.data, "grastate.dat");
                        CHECK(recoveries[i].seqno ? strstr(now, recoveries[i].seqno) != NULL : streq(now, recoveries[i].grastate), now);
                        /* Never a bootstrap. */
                        CHECK(!strstr(now, "safe_to_bootstrap: 1"), now);
                }
                /* The section begins where the data are. */
                if (recoveries[i].status == 0 && recoveries[i].seqno) {
                        views = scratch_get(&n.record, "views");
                        CHECK(strstr(views, recoveries[i].position), views);
                }
        }
}

static void what_is_no_file_is_not_followed(void **state) {
        _cleanup_(node_done) Node n = node_new();
        _cleanup_free_ char *said = NULL, *directory = NULL;

        (void) state;
        set_server(&n, MEMBER);
        put(&n, "elsewhere", GRASTATE, strlen(GRASTATE));
        assert_int_equal(symlinkat("elsewhere", n.data.fd, "grastate.dat"), 0);
        assert_int_equal(run(&n, &said), 1);
        assert_non_null(strstr(said, "it is no regular file"));

        assert_int_equal(unlinkat(n.data.fd, "grastate.dat", 0), 0);
        assert_int_equal(mkdirat(n.data.fd, "grastate.dat", 0700), 0);
        assert_int_equal(run(&n, &directory), 1);
        assert_non_null(strstr(directory, "Nothing was touched"));
}

/* Galera's rules are not for a server without it, whatever it once left. One
 * that has its cluster's nodes named has only lost a line. */
static void no_node_of_galeras_starts_as_it_is(void **state) {
        static const struct {
                const char *options;
                bool starts;
        } table[] = {
                { "--server_id=2", true },
                { "--wsrep_on=OFF", true },
                { "--wsrep_on=OFF --wsrep_provider=/usr/lib/galera/libgalera_smm.so", true },
                { "--wsrep_provider=none --wsrep_new_cluster", true },
                { "--wsrep_cluster_address=gcomm://db1,db2,db3", false },
                { "--wsrep_on=OFF --wsrep_cluster_address=gcomm://db1,db2,db3", false },
                { MEMBER, false },
                { NULL, false }, /* not known */
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                _cleanup_(node_done) Node n = node_new();
                _cleanup_free_ char *said = NULL, *now = NULL;
                const char *what = str_or(table[i].options, "no options");

                set_server(&n, table[i].options);
                put(&n, "grastate.dat", "nonsense", 8);
                put(&n, "gvwstate.dat", "x", 1);
                CHECK((run(&n, &said) == 0) == table[i].starts, what);
                now = scratch_get(&n.data, "grastate.dat");
                assert_string_equal(now, "nonsense");
                /* That one would make it Primary, if it were. */
                CHECK(exists(&n.data, "gvwstate.dat.mainstay") == table[i].starts, what);
                CHECK(scratch_count(&n.record) == 0, what);
        }
}

/* Zeros are what an SST that was cut off leaves: it is clear what that means. */
static void one_without_a_cluster_passes(void **state) {
        static const char zeros[] = "version: 2.1\nuuid: 00000000-0000-0000-0000-000000000000\nseqno: -1\nsafe_to_bootstrap: 0\n";
        _cleanup_(node_done) Node n = node_new();
        _cleanup_free_ char *said = NULL;

        (void) state;
        set_server(&n, MEMBER);
        put(&n, "grastate.dat", zeros, strlen(zeros));
        assert_int_equal(run(&n, &said), 0);
}

static void the_environment_is_refused(void **state) {
        _cleanup_(node_done) Node n = node_new();
        _cleanup_free_ char *said = NULL;

        (void) state;
        set_server(&n, MEMBER);
        (void) setenv("_WSREP_NEW_CLUSTER", "--wsrep-new-cluster", 1);
        assert_int_equal(run(&n, &said), 1);
        (void) unsetenv("_WSREP_NEW_CLUSTER");
        assert_non_null(strstr(said, "systemctl start mainstay-bootstrap"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_joiner_passes),
                cmocka_unit_test(who_is_kept_out_is_not_started),
                cmocka_unit_test(a_new_node_passes),
                cmocka_unit_test(a_bootstrap_that_is_written_down_is_refused),
                cmocka_unit_test(the_defaults_file_is_handed_on),
                cmocka_unit_test(an_empty_file_beside_no_data_is_none),
                cmocka_unit_test(a_file_that_cannot_be_judged_stays_as_it_is),
                cmocka_unit_test(without_an_agent_the_position_is_found),
                cmocka_unit_test(what_is_no_file_is_not_followed),
                cmocka_unit_test(no_node_of_galeras_starts_as_it_is),
                cmocka_unit_test(one_without_a_cluster_passes),
                cmocka_unit_test(the_environment_is_refused),
        };
        static const char *const unset[] = { "MAINSTAY_BASE_DIR", "MAINSTAY_OPTIONS", "MYSQLD_OPTS", "_WSREP_NEW_CLUSTER", "JOURNAL_STREAM", "NOTIFY_SOCKET" };

        program = program_find("MAINSTAY_GATE", "./mainstay-gate");
        if (!program) {
                puts("mainstay-gate is not built");
                return 77;
        }
        for (size_t i = 0; i < ELEMENTS(unset); i++)
                (void) unsetenv(unset[i]);
        /* Nobody is there. */
        (void) setenv("MAINSTAY_RECOVER", "/nonexistent/recover", 1);
        (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
        if (geteuid() == 0)
                /* Who gives up root cannot be looked into by its own child. */
                (void) setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
