/* The server's own configuration, as --print-defaults tells it. */
#include "domain/options.h"
#include "scratch.h"

#define HEAD "/usr/sbin/mariadbd would have been started with the following arguments:\n"

typedef struct Case {
        const char *name, *text;
        Options options;
} Case;

static const Case table[] = {
        { "a Galera node of Debian",
          HEAD "--socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid --basedir=/usr --bind-address=127.0.0.1 --expire_logs_days=10 "
               "--character-set-server=utf8mb4 --wsrep_on=ON --wsrep_cluster_name=lab --wsrep_cluster_address=gcomm://db1,db2,db3 --wsrep_node_name=db1 "
               "--wsrep_node_address=192.0.2.1 --wsrep_provider=/usr/lib/galera/libgalera_smm.so --wsrep_notify_cmd=/usr/libexec/mainstay/mainstay-notify "
               "--datadir=/srv/mysql --user=mysql --port=3307 \n",
          { .datadir = "/srv/mysql", .socket = "/run/mysqld/mysqld.sock", .node_name = "db1", .node_address = "192.0.2.1", .cluster_address = "gcomm://db1,db2,db3",
            .cluster_name = "lab", .notify_cmd = "/usr/libexec/mainstay/mainstay-notify", .user = "mysql", .port = "3307", .wsrep_on = true } },
        { "blanks in values", HEAD "--wsrep_provider_options=gcache.size = 1G; pc.weight=2; base_dir=/srv/my data --wsrep_cluster_name=my cluster --wsrep_on=1\n",
          { .provider_options = "gcache.size = 1G; pc.weight=2; base_dir=/srv/my data", .cluster_name = "my cluster", .wsrep_on = true } },
        { "a dash within a value", HEAD "--datadir=/srv/a - b --user=x\n", { .datadir = "/srv/a - b", .user = "x" } },
        { "two dashes within a word", HEAD "--datadir=/srv/a--b --user=x\n", { .datadir = "/srv/a--b", .user = "x" } },
        { "dashes and underscores are the same", HEAD "--wsrep-node-name=db1 --wsrep-cluster_address=gcomm://a --wsrep-on=on\n",
          { .node_name = "db1", .cluster_address = "gcomm://a", .wsrep_on = true } },
        { "loose ones", HEAD "--loose-wsrep_node_name=db1 --loose_wsrep_on=TRUE\n", { .node_name = "db1", .wsrep_on = true } },
        { "of two the last one counts", HEAD "--datadir=/a --datadir=/b --wsrep_on=ON --wsrep_on=OFF\n", { .datadir = "/b" } },
        { "an empty value", HEAD "--wsrep_cluster_address= --user=x\n", { .cluster_address = "", .user = "x" } },
        { "a value with an equals sign", HEAD "--wsrep_provider_options=a=b\n", { .provider_options = "a=b" } },
        { "on by its mere name", HEAD "--wsrep_on\n", { .wsrep_on = true } },
        { "off", HEAD "--wsrep_on=0 --wsrep_new_cluster=0\n", {0} },
        { "a word that is not true", HEAD "--wsrep_on=yes\n", {0} },
        { "the trap", HEAD "--wsrep-new-cluster\n", { .new_cluster = true } },
        { "the trap with a value", HEAD "--wsrep_new_cluster=ON\n", { .new_cluster = true } },
        { "names that only begin alike", HEAD "--datadir2=/x --wsrep_node_names=y --datadi=/z --wsrep_new_clusters\n", {0} },
        { "no options", HEAD "\n", {0} },
        { "no first line", "--datadir=/a --user=b", { .datadir = "/a", .user = "b" } },
        { "a dash in the first line", "/opt/my--server would have been started with the following arguments:\n--datadir=/a\n", { .datadir = "/a" } },
        { "empty", "", {0} },
        { "something else", "mariadbd: unknown option\n", {0} },
        { "a case that differs", HEAD "--DATADIR=/a\n", {0} },
};

static void options_are_read(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                const Options *want = &table[i].options;
                Options o;

                CHECK(options_parse(table[i].text, &o) == 0, table[i].name);
                CHECK(streq_null(o.datadir, want->datadir), table[i].name);
                CHECK(streq_null(o.socket, want->socket), table[i].name);
                CHECK(streq_null(o.node_name, want->node_name), table[i].name);
                CHECK(streq_null(o.node_address, want->node_address), table[i].name);
                CHECK(streq_null(o.cluster_address, want->cluster_address), table[i].name);
                CHECK(streq_null(o.cluster_name, want->cluster_name), table[i].name);
                CHECK(streq_null(o.provider_options, want->provider_options), table[i].name);
                CHECK(streq_null(o.notify_cmd, want->notify_cmd), table[i].name);
                CHECK(streq_null(o.user, want->user), table[i].name);
                CHECK(streq_null(o.port, want->port), table[i].name);
                CHECK(o.wsrep_on == want->wsrep_on, table[i].name);
                CHECK(o.new_cluster == want->new_cluster, table[i].name);
                options_done(&o);
                options_done(&o);
        }
}

static const struct {
        const char *options, *name, *value; /* NULL: it is not there */
} any[] = {
        { "--sync_binlog=0", "sync_binlog", "0" },
        { "--sync-binlog=0 --sync_binlog=1", "sync_binlog", "1" },
        { "--log-bin", "log_bin", "" },
        { "--log_bin=x --skip-log-bin", "log_bin", "0" },
        { "--skip_log_bin --log-bin=x", "log_bin", "x" },
        { "--disable-log-bin", "log_bin", "0" },
        { "--skip-log-bin --enable-log-bin", "log_bin", "1" },
        { "--loose-skip-x --loose-log_bin=y", "log_bin", "y" },
        { "--skip-log-bin-trust-function-creators", "log_bin", NULL },
        { "--log_bin_index=x", "log_bin", NULL },
        { "--wsrep_sst_auth=a:b c", "wsrep_sst_auth", "a:b c" },
        { "", "log_bin", NULL },
};

static void any_option_is_found(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(any); i++) {
                _cleanup_free_ char *value = NULL, *text = NULL;
                Options o;

                assert_true(asprintf(&text, HEAD "%s\n", any[i].options) > 0);
                assert_int_equal(options_parse(text, &o), 0);
                CHECK(options_get(&o, any[i].name, &value) == (any[i].value ? 0 : -ENOENT), any[i].options);
                CHECK(streq_null(value, any[i].value), any[i].options);
                options_done(&o);
        }
        assert_int_equal(options_get(&(Options) {0}, "datadir", &(char *) { NULL }), -ENOENT);
}

static const struct {
        const char *options, *key, *value; /* NULL: it is not there */
} provider[] = {
        { "base_dir=/srv/x", "base_dir", "/srv/x" },
        { "gcache.size = 1G; base_dir = /srv/my data ;pc.weight=2", "base_dir", "/srv/my data" },
        { "gcache.size = 1G; base_dir = /srv/x ;pc.weight=2", "pc.weight", "2" },
        { "gcache.size = 1G; base_dir = /srv/x ;pc.weight=2;", "gcache.size", "1G" },
        { ";; ; base_dir=/x", "base_dir", "/x" },
        { "base_dir=", "base_dir", "" },
        { "base_dir = ", "base_dir", "" },
        { "base_dir", "base_dir", NULL },
        { "base_dir; x=1", "base_dir", NULL },
        { "xbase_dir=/x", "base_dir", NULL },
        { "base_dirs=/x", "base_dir", NULL },
        { "base=base_dir=/x", "base_dir", NULL },
        { "socket.ssl_key=a=b", "socket.ssl_key", "a=b" },
        { "", "base_dir", NULL },
        { "   ", "base_dir", NULL },
        { "=", "base_dir", NULL },
        { "pc.ignore_sb=yes", "pc.ignore_sb", "yes" },
};

static void provider_options_are_read(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(provider); i++) {
                _cleanup_free_ char *value = NULL;
                int r = options_provider_get(provider[i].options, provider[i].key, &value);

                CHECK(r == (provider[i].value ? 0 : -ENOENT), provider[i].options);
                CHECK(streq_null(value, provider[i].value), provider[i].options);
        }
}

static const struct {
        const char *address, *hosts; /* NULL: it is none */
} addresses[] = {
        { "gcomm://", "" },
        { "gcomm://db1", "db1 " },
        { "gcomm://db1,db2,db3", "db1 db2 db3 " },
        { "gcomm://192.0.2.1:4567,192.0.2.2:5567", "192.0.2.1 192.0.2.2 " },
        { "gcomm://[2001:db8::1]:4567,[2001:db8::2]", "2001:db8::1 2001:db8::2 " },
        { "gcomm://[::1]", "::1 " },
        { "gcomm://db1,[::1]:4567,db3:4567", "db1 ::1 db3 " },
        { "gcomm://2001:db8::1,db2", "2001:db8::1 db2 " },
        { "gcomm://db1,db2?pc.wait_prim=no&gmcast.segment=1", "db1 db2 " },
        { "gcomm://db1:4567?gmcast.listen_addr=tcp://0.0.0.0:4567,x", "db1 " },
        { "gcomm://?pc.wait_prim=no", "" },
        { "gcomm://db1, db2 ,\tdb3 ", "db1 db2 db3 " },
        { "gcomm://db1, [::1]:4567", "db1 ::1 " },
        { "gcomm://db1,,db2,", "db1 db2 " },
        { "gcomm://,", "" },
        { "gcomm://[::1", NULL },
        { "gcomm://[]", "" },
        { "gcomm:/db1", NULL },
        { "db1,db2", NULL },
        { "", NULL },
        { "dummy://", NULL },
        { "GCOMM://db1", NULL },
};

static const struct {
        const char *options, *mysqld_opts, *name;
} bootstrapping[] = {
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,db2", NULL, NULL },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,db2", "", NULL },
        { "--wsrep_on=ON", NULL, NULL },
        { "", NULL, NULL },
        { "--wsrep_on=ON --wsrep_new_cluster", NULL, "wsrep_new_cluster" },
        { "--wsrep_on=ON --wsrep-new-cluster=1", NULL, "wsrep_new_cluster" },
        { "--wsrep_on=ON --wsrep-new-cluster=0", NULL, NULL },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://", NULL, "wsrep_cluster_address" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm:// --user=x", NULL, "wsrep_cluster_address" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://?pc.wait_prim=no", NULL, "wsrep_cluster_address" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://,", NULL, "wsrep_cluster_address" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1?pc.bootstrap=true", NULL, "wsrep_cluster_address" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1?pc.weight=2&pc.bootstrap=1", NULL, "wsrep_cluster_address" },
        { "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1?pc.bootstrap=no&pc.weight=2", NULL, NULL },
        { "--wsrep_on=ON --wsrep_cluster_address=", NULL, NULL }, /* Galera stays alone, and never Primary */
        { "--wsrep_on=ON --wsrep_cluster_address=dummy://", NULL, NULL },
        { "--wsrep_on=ON --wsrep_provider_options=pc.bootstrap=true", NULL, "pc.bootstrap" },
        { "--wsrep_on=ON --wsrep_provider_options=gcache.size=1G; pc.bootstrap = YES", NULL, "pc.bootstrap" },
        { "--wsrep_on=ON --wsrep_provider_options=gcache.size=1G; pc.bootstrap=1;", NULL, "pc.bootstrap" },
        { "--wsrep_on=ON --wsrep_provider_options=pc.bootstrap=no; pc.bootstrap=yes", NULL, "pc.bootstrap" },
        { "--wsrep_on=ON --wsrep_provider_options=pc.bootstrap=perhaps", NULL, "pc.bootstrap" },
        { "--wsrep_on=ON --wsrep_provider_options=pc.bootstrap=no", NULL, NULL },
        { "--wsrep_on=ON --wsrep_provider_options=pc.bootstrap=0; pc.weight=1", NULL, NULL },
        { "--wsrep_on=ON --wsrep_provider_options=pc.bootstrap=FALSE", NULL, NULL },
        { "--wsrep_on=ON --wsrep_provider_options=xpc.bootstrap=1", NULL, NULL },
        { "--wsrep_on=ON", "--wsrep-new-cluster", "MYSQLD_OPTS" },
        { "--wsrep_on=ON", "--user=x --wsrep_new_cluster", "MYSQLD_OPTS" },
        { "--wsrep_on=ON", "--wsrep_cluster_address=gcomm://", "MYSQLD_OPTS" },
        { "--wsrep_on=ON", "--user=x --general-log", NULL },
        { "", "--wsrep-on=1 --wsrep-new-cluster", "MYSQLD_OPTS" },
        { "--wsrep_on=ON --wsrep_new_cluster", "--wsrep-new-cluster", "wsrep_new_cluster" },
        /* PXC has no wsrep_on in its files: it is on. */
        { "--wsrep_provider=/usr/lib/galera4/libgalera_smm.so --wsrep_new_cluster", NULL, "wsrep_new_cluster" },
        { "--wsrep_provider=/usr/lib/galera4/libgalera_smm.so --wsrep_cluster_address=gcomm://", NULL, "wsrep_cluster_address" },
        { "--wsrep_provider=/usr/lib/galera4/libgalera_smm.so", "--wsrep-new-cluster", "MYSQLD_OPTS" },
        { "--wsrep_provider=/usr/lib/galera4/libgalera_smm.so --wsrep_on=OFF --wsrep_new_cluster", NULL, NULL },
        { "--wsrep_provider=none --wsrep_new_cluster", NULL, NULL },
        { "--wsrep_provider= --wsrep_new_cluster", NULL, NULL },
        /* Without wsrep nothing forms a cluster. */
        { "--wsrep_new_cluster --wsrep_cluster_address=gcomm:// --wsrep_provider_options=pc.bootstrap=1", "--wsrep-new-cluster", NULL },
        { "--wsrep_on=OFF --wsrep_new_cluster", NULL, NULL },
};

static void a_bootstrap_is_found(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bootstrapping); i++) {
                _cleanup_free_ char *text = NULL;
                Options o;

                assert_true(asprintf(&text, HEAD "%s\n", bootstrapping[i].options) > 0);
                assert_int_equal(options_parse(text, &o), 0);
                CHECK(streq_null(options_bootstraps(&o, bootstrapping[i].mysqld_opts), bootstrapping[i].name), bootstrapping[i].options);
                options_done(&o);
        }
}

static const struct {
        const char *word;
        bool bootstraps;
} words[] = {
        { "--wsrep-new-cluster", true },
        { "--wsrep_new_cluster=ON", true },
        { "--wsrep-cluster-address=gcomm://", true },
        { "--wsrep_provider_options=gcache.size=1G; pc.bootstrap = yes", true },
        { "exec /usr/sbin/mariadbd --user=mysql --wsrep-new-cluster", true },
        { "exec mysqld '--wsrep-new-cluster'; true", true },
        { "exec mysqld \"--wsrep-cluster-address=gcomm://\"", true },
        { "/usr/sbin/mariadbd", false },
        { "--wsrep-cluster-address=gcomm://db1,db2", false },
        { "--wsrep-new-cluster=0", false },
        { "$MYSQLD_OPTS", false },
        { "$_WSREP_NEW_CLUSTER", false },
        { "exec mysqld $_WSREP_NEW_CLUSTER --user=mysql", false },
        { "", false },
};

static void a_bootstrap_on_the_command_line_is_found(void **state) {
        const Options on = { .wsrep_on = true }, off = {0};

        (void) state;
        for (size_t i = 0; i < ELEMENTS(words); i++) {
                CHECK(options_word_bootstraps(&on, words[i].word) == words[i].bootstraps, words[i].word);
                CHECK(!options_word_bootstraps(&off, words[i].word), words[i].word);
        }
}

static const struct {
        const char *options, *name;
} quorumless[] = {
        { "--wsrep_provider_options=pc.ignore_sb=true", "pc.ignore_sb" },
        { "--wsrep_provider_options=gcache.size=1G; pc.ignore_sb = yes;", "pc.ignore_sb" },
        { "--wsrep_provider_options=pc.ignore_quorum=1", "pc.ignore_quorum" },
        { "--wsrep_provider_options=pc.ignore_quorum=no; pc.ignore_quorum=on", "pc.ignore_quorum" },
        { "--wsrep_cluster_address=gcomm://a,b?pc.ignore_sb=1&pc.weight=2", "pc.ignore_sb" },
        { "--wsrep_provider_options=pc.ignore_sb=false; pc.ignore_quorum=0", NULL },
        { "--wsrep_provider_options=xpc.ignore_sb=1", NULL },
        { "--wsrep_provider_options=gcache.size=1G --wsrep_cluster_address=gcomm://a,b", NULL },
        { "", NULL },
};

static void an_option_that_does_without_quorum_is_found(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(quorumless); i++) {
                _cleanup_free_ char *text = NULL;
                Options o;

                assert_true(asprintf(&text, HEAD "%s\n", quorumless[i].options) > 0);
                assert_int_equal(options_parse(text, &o), 0);
                CHECK(streq_null(options_quorum_off(&o), quorumless[i].name), quorumless[i].options);
                options_done(&o);
        }
        /* As a running server tells them. */
        assert_null(options_provider_quorum_off("gcache.size = 128M; pc.ignore_quorum = false; pc.ignore_sb = false; pc.linger = PT20S; "));
        assert_string_equal(options_provider_quorum_off("gcache.size = 128M; pc.ignore_quorum = true; pc.ignore_sb = false; "), "pc.ignore_quorum");
        assert_string_equal(options_provider_quorum_off("pc.ignore_quorum = false; pc.ignore_sb = true"), "pc.ignore_sb");
        assert_null(options_provider_quorum_off(""));
}

static int collect(const char *host, void *userdata) {
        char *text = userdata;

        assert_true(strlen(text) + strlen(host) + 2 < 256);
        strcat(text, host);
        strcat(text, " ");
        return 0;
}

static void hosts_are_found(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(addresses); i++) {
                char text[256] = "";

                CHECK(options_cluster_hosts(addresses[i].address, collect, text) == (addresses[i].hosts ? 0 : -EINVAL), addresses[i].address);
                if (addresses[i].hosts && !streq(text, addresses[i].hosts))
                        fail_msg("%s: came to \"%s\"", addresses[i].address, text);
        }
}

static int stop_at_second(const char *host, void *userdata) {
        unsigned *n = userdata;

        return ++*n == 2 ? -E2BIG : 0;
}

static void the_first_failure_ends_it(void **state) {
        unsigned n = 0;

        (void) state;
        assert_int_equal(options_cluster_hosts("gcomm://a,b,c", stop_at_second, &n), -E2BIG);
        assert_int_equal(n, 2);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(options_are_read),
                cmocka_unit_test(any_option_is_found),
                cmocka_unit_test(provider_options_are_read),
                cmocka_unit_test(a_bootstrap_is_found),
                cmocka_unit_test(a_bootstrap_on_the_command_line_is_found),
                cmocka_unit_test(an_option_that_does_without_quorum_is_found),
                cmocka_unit_test(hosts_are_found),
                cmocka_unit_test(the_first_failure_ends_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
