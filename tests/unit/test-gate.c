/* The gate without an agent: the program itself, on real files, with a server
 * that says what it would be started with. What it must never let pass, it must
 * not let pass then. */
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
                CHECK(!says || strstr(said, "systemctl start mainstay-bootstrap"), said);
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
                CHECK(run(&n, &said) == 1, damaged[i].what);
                CHECK(strstr(said, "Nothing was touched") && strstr(said, "grastate.dat.bad"), said);
                now = scratch_get(&n.data, "grastate.dat");
                CHECK(now && memcmp(now, text, size) == 0, damaged[i].what);
                CHECK(exists(&n.data, "gvwstate.dat") && !exists(&n.data, "gvwstate.dat.mainstay"), damaged[i].what);
                CHECK(scratch_count(&n.data) == 2 && scratch_count(&n.record) == 0, damaged[i].what);
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
                cmocka_unit_test(a_new_node_passes),
                cmocka_unit_test(a_bootstrap_that_is_written_down_is_refused),
                cmocka_unit_test(the_defaults_file_is_handed_on),
                cmocka_unit_test(a_file_that_cannot_be_judged_stays_as_it_is),
                cmocka_unit_test(what_is_no_file_is_not_followed),
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
        (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
        if (geteuid() == 0)
                /* Who gives up root cannot be looked into by its own child. */
                (void) setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
