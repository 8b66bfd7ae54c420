/* The traps: each by what it looks like, and by its opposite. */
#include "domain/doctor.h"
#include "scratch.h"

#define HEALTHY                                                                                                                              \
        "would have been started with:\n--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,db2,db3 --wsrep_cluster_name=lab "                 \
        "--wsrep_node_name=db1 --wsrep_provider_options=gcache.size=64M --wsrep_sst_method=mariabackup --wsrep_sst_auth=mysql: "             \
        "--innodb_flush_log_at_trx_commit=1 --datadir=/var/lib/mysql "
#define ASYNCHRONOUS                                                                                                                         \
        "would have been started with:\n--server_id=1 --log_bin --sync_binlog=1 --innodb_flush_log_at_trx_commit=1 --datadir=/var/lib/mysql "
#define TRIO "db2; db3"
#define LIVE "{}"

typedef struct Case {
        const char *name;
        const char *options; /* behind those of a healthy node: the last one counts */
        const char *live;    /* NULL: the server is down */
        const char *nodes;   /* the others: "db2 weight=2 server=11.8.3; db3 unheard" */
        void (*set)(Patient *p);
        const char *check;
        Level level;         /* the worst of what that check finds */
        const char *word;    /* of what it says */
        const char *also;    /* another check that finds something, too */
} Case;

static void missing_script(Patient *p) { p->sst_script = false; }
static void missing_tool(Patient *p) { p->tool[1].there = false; }
static void account_elsewhere(Patient *p) { p->sst_account = true; }
static void method_rsync(Patient *p) { p->sst_method = "rsync"; }
static void method_mysqldump(Patient *p) { p->sst_method = "mysqldump"; }
static void method_skip(Patient *p) { p->sst_method = "skip"; }
static void is_mysql(Patient *p) { p->server = "8.0.42"; p->sst_method = "xtrabackup-v2"; }
static void is_zfs(Patient *p) { p->atomic_pages = true; }
static void new_cluster(Patient *p) { p->new_cluster = "--wsrep-new-cluster"; }
static void new_cluster_empty(Patient *p) { p->new_cluster = ""; }
static void opts_trap(Patient *p) { p->mysqld_opts = "--general-log --wsrep-new-cluster"; }
static void opts_fine(Patient *p) { p->mysqld_opts = "--general-log"; }
static void timeout_short(Patient *p) { p->start_timeout = 90 * USEC_PER_SEC; }
static void timeout_usual(Patient *p) { p->start_timeout = 900 * USEC_PER_SEC; }
static void timeout_none(Patient *p) { p->start_timeout = USEC_NEVER; }
static void disk_full(Patient *p) { p->space_free = 1 << 20; }
static void disk_near(Patient *p) { p->space_data = (uint64_t) 100 << 30; p->space_free = (uint64_t) 9 << 30; }
static void disk_tight(Patient *p) { p->space_data = (uint64_t) 100 << 30; p->space_free = (uint64_t) 11 << 30; }
static void other_datadir(Patient *p) { p->server_datadir = "/srv/mysql"; }
static void other_base_dir(Patient *p) { p->server_base_dir = "/srv/views"; }
static void base_dir_apart(Patient *p) { p->base_dir = "/srv/views"; p->gvwstate_in_base_dir = true; }
static void base_dir_and_old(Patient *p) { p->base_dir = "/srv/views"; p->gvwstate_in_datadir = true; }
static void view_in_datadir(Patient *p) { p->gvwstate_in_datadir = p->gvwstate_in_base_dir = true; }
static void other_name(Patient *p) { p->name = "db9"; }
static void host_unknown(Patient *p) { p->host[1].resolves = false; }
static void host_loopback(Patient *p) { p->host[0].loopback = true; }
static void old_agent(Patient *p) { p->agent_runs = "0.0.9"; }
static void no_agent(Patient *p) { p->agent_runs = NULL; p->agent = NULL; }

static const Case table[] = {
        /* Galera at all */
        { "wsrep off", "--wsrep_on=OFF", LIVE, TRIO, NULL, "wsrep-on", LEVEL_ERROR, "wsrep_on", NULL },
        { "wsrep off where MySQL has it on by itself", "", LIVE, TRIO, is_mysql, "wsrep-on", LEVEL_OK, NULL, NULL },
        { "wsrep off in the running server", "", "{\"wsrep_on\":\"OFF\"}", TRIO, NULL, "wsrep-on", LEVEL_ERROR, "running", NULL },
        { "wsrep on", "", "{\"wsrep_on\":\"ON\"}", TRIO, NULL, "wsrep-on", LEVEL_OK, NULL, NULL },

        /* What forms a new cluster at every start */
        { "a bare address", "--wsrep_cluster_address=gcomm://", LIVE, TRIO, NULL, "cluster-address", LEVEL_ERROR, "gcomm://", NULL },
        { "a bare address with options", "--wsrep_cluster_address=gcomm://?pc.wait_prim=no", LIVE, TRIO, NULL, "cluster-address", LEVEL_ERROR, "gcomm://?", NULL },
        { "pc.bootstrap behind the address", "--wsrep_cluster_address=gcomm://db1,db2?pc.bootstrap=yes", LIVE, TRIO, NULL, "cluster-address", LEVEL_ERROR, "pc.bootstrap", NULL },
        { "no address", "--wsrep_cluster_address=", LIVE, TRIO, NULL, "cluster-address", LEVEL_ERROR, "not set", NULL },
        { "an address with harmless options", "--wsrep_cluster_address=gcomm://db1,db2?gmcast.segment=1", LIVE, TRIO, NULL, "cluster-address", LEVEL_OK, NULL, NULL },
        { "new-cluster in a file", "--wsrep-new-cluster", LIVE, TRIO, NULL, "new-cluster", LEVEL_ERROR, "wsrep_new_cluster", NULL },
        { "pc.bootstrap in a file", "--wsrep_provider_options=gcache.size=1G;pc.bootstrap=1", LIVE, TRIO, NULL, "new-cluster", LEVEL_ERROR, "pc.bootstrap", NULL },
        { "pc.bootstrap=no", "--wsrep_provider_options=pc.bootstrap=no", LIVE, TRIO, NULL, "new-cluster", LEVEL_OK, NULL, NULL },
        { "galera_new_cluster's leftover", "", LIVE, TRIO, new_cluster, "environment", LEVEL_ERROR, "_WSREP_NEW_CLUSTER", NULL },
        { "an empty one", "", LIVE, TRIO, new_cluster_empty, "environment", LEVEL_OK, NULL, NULL },
        { "MYSQLD_OPTS forms one", "", LIVE, TRIO, opts_trap, "environment", LEVEL_ERROR, "MYSQLD_OPTS", NULL },
        { "MYSQLD_OPTS does not", "", LIVE, TRIO, opts_fine, "environment", LEVEL_OK, NULL, NULL },
        { "only what the file says is told of the file", "--wsrep-new-cluster", LIVE, TRIO, opts_fine, "environment", LEVEL_OK, NULL, "new-cluster" },

        /* Options for one start */
        { "start position", "--wsrep-start-position=x:1", LIVE, TRIO, NULL, "leftovers", LEVEL_ERROR, "wsrep_start_position", NULL },
        { "wsrep-recover", "--wsrep-recover", LIVE, TRIO, NULL, "leftovers", LEVEL_ERROR, "wsrep_recover", NULL },
        { "heuristic", "--tc-heuristic-recover=ROLLBACK", LIVE, TRIO, NULL, "leftovers", LEVEL_ERROR, "tc_heuristic_recover", NULL },
        { "heuristic off", "--tc-heuristic-recover=OFF", LIVE, TRIO, NULL, "leftovers", LEVEL_OK, NULL, NULL },
        { "force recovery", "--innodb_force_recovery=1", LIVE, TRIO, NULL, "leftovers", LEVEL_ERROR, "innodb_force_recovery", NULL },
        { "no force recovery", "--innodb_force_recovery=0", LIVE, TRIO, NULL, "leftovers", LEVEL_OK, NULL, NULL },

        /* Quorum given away */
        { "ignore_sb", "--wsrep_provider_options=pc.ignore_sb = yes", LIVE, TRIO, NULL, "provider-options", LEVEL_ERROR, "pc.ignore_sb", NULL },
        { "ignore_sb no", "--wsrep_provider_options=pc.ignore_sb = no", LIVE, TRIO, NULL, "provider-options", LEVEL_OK, NULL, NULL },
        { "ignore_sb, of two the second", "--wsrep_provider_options=pc.ignore_sb=no;pc.ignore_sb=1", LIVE, TRIO, NULL, "provider-options", LEVEL_ERROR, "pc.ignore_sb", NULL },
        { "ignore_quorum behind the address", "--wsrep_cluster_address=gcomm://db1,db2?x=1&pc.ignore_quorum=true", LIVE, TRIO, NULL, "provider-options", LEVEL_ERROR, "pc.ignore_quorum", NULL },
        { "ignore_sb as newer MariaDB has it", "--wsrep_provider_pc_ignore_sb=ON", LIVE, TRIO, NULL, "provider-options", LEVEL_ERROR, "pc.ignore_sb", NULL },
        { "ignore_sb at run time", "", "{\"wsrep_provider_options\":\"base_dir = /var/lib/mysql/; pc.ignore_sb = true; pc.weight = 1\"}", TRIO, NULL, "provider-options", LEVEL_ERROR, "running", NULL },
        { "a running server that does not", "", "{\"wsrep_provider_options\":\"base_dir = /var/lib/mysql/; pc.ignore_sb = false; pc.recovery = true; pc.weight = 1\"}", TRIO, NULL, "provider-options", LEVEL_OK, NULL, NULL },
        { "pc.recovery off", "--wsrep_provider_options=pc.recovery=false", LIVE, TRIO, NULL, "provider-options", LEVEL_NOTE, "pc.recovery", NULL },
        { "pc.recovery on", "--wsrep_provider_options=pc.recovery=true", LIVE, TRIO, NULL, "provider-options", LEVEL_OK, NULL, NULL },

        /* What a crash leaves */
        { "flush 2", "--innodb-flush-log-at-trx-commit=2", LIVE, TRIO, NULL, "innodb-flush", LEVEL_WARNING, "2", NULL },
        { "flush 0", "--innodb_flush_log_at_trx_commit=0", LIVE, TRIO, NULL, "innodb-flush", LEVEL_WARNING, "0", NULL },
        { "flush 2 by hand", "", "{\"innodb_flush_log_at_trx_commit\":\"2\"}", TRIO, NULL, "innodb-flush", LEVEL_WARNING, "running", NULL },
        { "flush 1", "", "{\"innodb_flush_log_at_trx_commit\":\"1\"}", TRIO, NULL, "innodb-flush", LEVEL_OK, NULL, NULL },
        { "a binary log that is not flushed", "--log-bin", LIVE, TRIO, NULL, "binlog-flush", LEVEL_WARNING, "default", NULL },
        { "one that is", "--log-bin --sync_binlog=1", LIVE, TRIO, NULL, "binlog-flush", LEVEL_OK, NULL, NULL },
        { "one that is seldom", "--log-bin=x --sync_binlog=100", LIVE, TRIO, NULL, "binlog-flush", LEVEL_WARNING, "100", NULL },
        { "no binary log", "--log-bin --skip-log-bin --sync_binlog=0", LIVE, TRIO, NULL, "binlog-flush", LEVEL_OK, NULL, NULL },
        { "one from the next start on", "--log-bin", "{\"log_bin\":\"OFF\",\"sync_binlog\":\"0\"}", TRIO, NULL, "binlog-flush", LEVEL_WARNING, "sync_binlog", NULL },
        { "none in the file, one that runs", "", "{\"log_bin\":\"ON\"}", TRIO, NULL, "binlog-flush", LEVEL_WARNING, "sync_binlog", NULL },
        { "MySQL flushes by itself", "", LIVE, TRIO, is_mysql, "binlog-flush", LEVEL_OK, NULL, NULL },
        { "MySQL told not to", "--sync_binlog=0", LIVE, TRIO, is_mysql, "binlog-flush", LEVEL_WARNING, "0", NULL },
        { "no doublewrite", "--innodb_doublewrite=0", LIVE, TRIO, NULL, "innodb-doublewrite", LEVEL_WARNING, "innodb_doublewrite", NULL },
        { "skip-doublewrite", "--skip-innodb-doublewrite", LIVE, TRIO, NULL, "innodb-doublewrite", LEVEL_WARNING, "innodb_doublewrite", NULL },
        { "a doublewrite that only looks", "--innodb_doublewrite=DETECT_ONLY", LIVE, TRIO, is_mysql, "innodb-doublewrite", LEVEL_WARNING, "DETECT_ONLY", NULL },
        { "no doublewrite on ZFS", "--innodb_doublewrite=OFF", LIVE, TRIO, is_zfs, "innodb-doublewrite", LEVEL_NOTE, "innodb_doublewrite", NULL },
        { "doublewrite", "--innodb_doublewrite", LIVE, TRIO, NULL, "innodb-doublewrite", LEVEL_OK, NULL, NULL },
        { "statements", "--binlog_format=STATEMENT", LIVE, TRIO, NULL, "binlog-format", LEVEL_WARNING, "STATEMENT", NULL },
        { "rows", "--binlog-format=row", LIVE, TRIO, NULL, "binlog-format", LEVEL_OK, NULL, NULL },

        /* State transfers */
        { "no script", "", LIVE, TRIO, missing_script, "sst", LEVEL_ERROR, "wsrep_sst_mariabackup", NULL },
        { "no tool", "", LIVE, TRIO, missing_tool, "sst", LEVEL_ERROR, "mbstream", NULL },
        { "no account", "--wsrep_sst_auth=", LIVE, TRIO, NULL, "sst", LEVEL_WARNING, "wsrep_sst_auth", NULL },
        { "an account elsewhere", "--wsrep_sst_auth=", LIVE, TRIO, account_elsewhere, "sst", LEVEL_OK, NULL, NULL },
        { "rsync wants no account", "--wsrep_sst_auth=", LIVE, TRIO, method_rsync, "sst", LEVEL_OK, NULL, "alike" },
        { "mysqldump does", "--wsrep_sst_auth=", LIVE, TRIO, method_mysqldump, "sst", LEVEL_ERROR, "wsrep_sst_auth", "alike" },
        { "MySQL makes its own", "--wsrep_sst_auth=", LIVE, "db2 server=8.0.42 sst=xtrabackup-v2", is_mysql, "sst", LEVEL_OK, NULL, "quorum" },
        { "skip", "", LIVE, TRIO, method_skip, "sst", LEVEL_ERROR, "skip", "alike" },
        { "a short start", "", LIVE, TRIO, timeout_short, "start-timeout", LEVEL_WARNING, "90 s", NULL },
        { "the usual start", "", LIVE, TRIO, timeout_usual, "start-timeout", LEVEL_OK, NULL, NULL },
        { "an endless start", "", LIVE, TRIO, timeout_none, "start-timeout", LEVEL_OK, NULL, NULL },
        { "a full disk", "", LIVE, TRIO, disk_full, "disk-space", LEVEL_WARNING, "1 MiB are free", NULL },
        { "less than a tenth", "", LIVE, TRIO, disk_near, "disk-space", LEVEL_WARNING, "free", NULL },
        { "less than the data", "", LIVE, TRIO, disk_tight, "disk-space", LEVEL_NOTE, "free", NULL },

        /* Mainstay and the server */
        { "another datadir", "", LIVE, TRIO, other_datadir, "directories", LEVEL_ERROR, "/srv/mysql", NULL },
        { "another base_dir", "", LIVE, TRIO, other_base_dir, "directories", LEVEL_ERROR, "/srv/views", NULL },
        { "base_dir outside", "", LIVE, TRIO, base_dir_apart, "directories", LEVEL_NOTE, "there is one now", NULL },
        { "base_dir outside, and one left behind", "", LIVE, TRIO, base_dir_and_old, "directories", LEVEL_WARNING, "old gvwstate.dat", NULL },
        { "base_dir outside from the next start on", "", "{\"wsrep_provider_options\":\"base_dir = /var/lib/mysql/\"}", TRIO, base_dir_and_old, "directories", LEVEL_NOTE, "outside", NULL },
        { "a view where it belongs", "", LIVE, TRIO, view_in_datadir, "directories", LEVEL_OK, NULL, NULL },
        { "another name", "", LIVE, TRIO, other_name, "own-name", LEVEL_ERROR, "db9", NULL },

        /* Names */
        { "a name that does not resolve", "", LIVE, TRIO, host_unknown, "host-names", LEVEL_ERROR, "db2.example", NULL },
        { "an address of the loopback", "", LIVE, TRIO, host_loopback, "host-names", LEVEL_ERROR, "loopback", NULL },
        { "two of one name", "", LIVE, "db2; db3 name=db2", NULL, "node-names", LEVEL_ERROR, "db2 and db3", NULL },
        { "one of our name", "", LIVE, "db2; db3 name=db1", NULL, "node-names", LEVEL_ERROR, "as this node does", NULL },
        { "this node itself", "", LIVE, "db2; db3; alias name=db1 agent=own", NULL, "node-names", LEVEL_ERROR, "itself", NULL },
        { "heard under another label", "", LIVE, "db2; 192.0.2.3 name=db3", NULL, "node-names", LEVEL_OK, NULL, NULL },
        { "not heard", "", LIVE, "db2; db3 problem", NULL, "heard", LEVEL_ERROR, "db3 is not heard: no route", NULL },

        /* Quorum */
        { "two nodes", "", LIVE, "db2", NULL, "quorum", LEVEL_WARNING, "even number of nodes: 2", NULL },
        { "four nodes", "", LIVE, "db2; db3; db4", NULL, "quorum", LEVEL_WARNING, "even number of nodes: 4", NULL },
        { "five nodes", "", LIVE, "db2; db3; db4; db5", NULL, "quorum", LEVEL_OK, NULL, NULL },
        { "two and an arbitrator", "", "{\"wsrep_cluster_size\":\"3\",\"wsrep_cluster_status\":\"Primary\"}", "db2", NULL, "quorum", LEVEL_OK, NULL, NULL },
        { "three and an arbitrator", "", "{\"wsrep_cluster_size\":\"4\",\"wsrep_cluster_status\":\"Primary\"}", TRIO, NULL, "quorum", LEVEL_WARNING, "4", NULL },
        { "a size that is no cluster's", "", "{\"wsrep_cluster_size\":\"3\",\"wsrep_cluster_status\":\"non-Primary\"}", "db2", NULL, "quorum", LEVEL_WARNING, "2", NULL },
        { "part of the cluster is away", "", "{\"wsrep_cluster_size\":\"2\",\"wsrep_cluster_status\":\"Primary\"}", TRIO, NULL, "quorum", LEVEL_OK, NULL, NULL },
        { "weights that tie, odd nodes", "--wsrep_provider_options=pc.weight=2", LIVE, TRIO, NULL, "quorum", LEVEL_WARNING, "db1 against db2 and db3, 2 to 2", NULL },
        { "weights that tie, of another", "", LIVE, "db2 weight=3; db3; db4", NULL, "quorum", LEVEL_WARNING, "3 to 3", NULL },
        { "weights that part four nodes", "--wsrep_provider_options=pc.weight=2", LIVE, "db2; db3; db4", NULL, "quorum", LEVEL_OK, NULL, NULL },
        { "an even sum without a half", "--wsrep_provider_options=pc.weight=4", LIVE, "db2 weight=4; db3 weight=4; db4 weight=2", NULL, "quorum", LEVEL_OK, NULL, NULL },
        { "one alone has the majority", "--wsrep_provider_options=pc.weight=3", LIVE, TRIO, NULL, "quorum", LEVEL_NOTE, "db1 alone", NULL },
        { "a weight set at run time", "", "{\"wsrep_provider_options\":\"pc.weight = 2\"}", TRIO, NULL, "quorum", LEVEL_WARNING, "tie", NULL },
        { "a node of no weight", "", LIVE, "db2; db3 weight=0", NULL, "quorum", LEVEL_WARNING, "1 to 1", NULL },
        { "a label of ours is no vote", "", LIVE, "db2; db3; alias name=db1 agent=own", NULL, "quorum", LEVEL_OK, NULL, "node-names" },

        /* Versions */
        { "another Mainstay", "", LIVE, "db2; db3 mainstay=0.2", NULL, "versions", LEVEL_WARNING, "0.2 on db3", NULL },
        { "one that cannot say", "", LIVE, "db2; db3 dumb", NULL, "versions", LEVEL_WARNING, "db3", NULL },
        { "an agent that was not restarted", "", LIVE, TRIO, old_agent, "versions", LEVEL_WARNING, "0.0.9", NULL },
        { "no agent", "", LIVE, TRIO, no_agent, "versions", LEVEL_OK, NULL, NULL },
        { "another series", "", LIVE, "db2; db3 server=10.6.21-MariaDB", NULL, "versions", LEVEL_WARNING, "10.6.21", NULL },
        { "a series that begins alike", "", LIVE, "db2; db3 server=10.1.48-MariaDB", NULL, "versions", LEVEL_WARNING, "10.1.48", NULL },
        { "another release of the series", "", LIVE, "db2; db3 server=10.11.9-MariaDB", NULL, "versions", LEVEL_NOTE, "10.11.9", NULL },
        { "not known", "", LIVE, "db2; db3 server=", NULL, "versions", LEVEL_OK, NULL, NULL },
        { "another cluster's name", "", LIVE, "db2; db3 cluster=other", NULL, "alike", LEVEL_ERROR, "other on db3", NULL },
        { "another method", "", LIVE, "db2; db3 sst=rsync", NULL, "alike", LEVEL_NOTE, "rsync on db3", NULL },

        /* Clocks, in seconds */
        { "ahead", "", LIVE, "db2; db3 clock=60", NULL, "clocks", LEVEL_WARNING, "60 s ahead", NULL },
        { "behind", "", LIVE, "db2; db3 clock=-60", NULL, "clocks", LEVEL_WARNING, "60 s behind", NULL },
        { "a little", "", LIVE, "db2; db3 clock=3", NULL, "clocks", LEVEL_OK, NULL, NULL },
        { "within the time of asking", "", LIVE, "db2; db3 clock=12 slow=10", NULL, "clocks", LEVEL_OK, NULL, NULL },
};

#define ALONE "{\"wsrep_on\":\"OFF\",\"wsrep_cluster_status\":\"Disconnected\"}"

/* Without Galera. */
static const Case asynchronous[] = {
        { "Galera is not missed", "", ALONE, TRIO, NULL, "wsrep-on", LEVEL_NOTE, "without Galera", NULL },
        { "nor is it where the server is down", "", NULL, TRIO, NULL, "wsrep-on", LEVEL_NOTE, "without Galera", NULL },
        { "Galera runs, and its lines are gone", "--wsrep_cluster_name=lab --wsrep_sst_auth=mysql:", "{\"wsrep_on\":\"ON\",\"wsrep_cluster_status\":\"Primary\",\"wsrep_cluster_size\":\"3\"}", TRIO, NULL, "wsrep-on", LEVEL_ERROR, "wsrep_on is not on", "cluster-address" },
        { "an address, and Galera is off", "--wsrep_on=OFF --wsrep_cluster_address=gcomm://db1,db2,db3 --wsrep_cluster_name=lab --wsrep_sst_auth=mysql:", ALONE, TRIO, NULL, "wsrep-on", LEVEL_ERROR, "wsrep_on is not on", NULL },
        { "a leftover at which the gate refuses", "", ALONE, TRIO, new_cluster, "environment", LEVEL_ERROR, "_WSREP_NEW_CLUSTER", "wsrep-on" },
        { "MYSQLD_OPTS that mean nothing without Galera", "", ALONE, TRIO, opts_trap, "environment", LEVEL_OK, NULL, "wsrep-on" },
        { "force recovery", "--innodb_force_recovery=1", ALONE, TRIO, NULL, "leftovers", LEVEL_ERROR, "innodb_force_recovery", "wsrep-on" },
        { "flush 2", "--innodb_flush_log_at_trx_commit=2", ALONE, TRIO, NULL, "innodb-flush", LEVEL_WARNING, "2", "wsrep-on" },
        { "flush 2 by hand", "", "{\"innodb_flush_log_at_trx_commit\":\"2\"}", TRIO, NULL, "innodb-flush", LEVEL_WARNING, "running", "wsrep-on" },
        { "a binary log that is not flushed", "--sync_binlog=0", ALONE, TRIO, NULL, "binlog-flush", LEVEL_WARNING, "0", "wsrep-on" },
        { "no doublewrite", "--innodb_doublewrite=0", ALONE, TRIO, NULL, "innodb-doublewrite", LEVEL_WARNING, "innodb_doublewrite", "wsrep-on" },
        { "statements", "--binlog_format=STATEMENT", ALONE, TRIO, NULL, "binlog-format", LEVEL_WARNING, "STATEMENT", "wsrep-on" },
        { "rows where they must be", "--binlog_format=mixed", ALONE, TRIO, NULL, "binlog-format", LEVEL_OK, NULL, "wsrep-on" },
        { "a full disk", "", ALONE, TRIO, disk_full, "disk-space", LEVEL_WARNING, "free", "wsrep-on" },
        { "less than the data", "", ALONE, TRIO, disk_tight, "disk-space", LEVEL_NOTE, "free", "wsrep-on" },
        { "another datadir", "", ALONE, TRIO, other_datadir, "directories", LEVEL_ERROR, "/srv/mysql", "wsrep-on" },
        { "base_dir outside", "", ALONE, TRIO, base_dir_and_old, "directories", LEVEL_OK, NULL, "wsrep-on" },
        { "a name that does not resolve", "", ALONE, TRIO, host_unknown, "host-names", LEVEL_ERROR, "db2.example", "wsrep-on" },
        { "not heard", "", ALONE, "db2; db3 problem", NULL, "heard", LEVEL_ERROR, "db3 is not heard", "wsrep-on" },
        { "one of our name", "", ALONE, "db2; db3 name=db1", NULL, "node-names", LEVEL_ERROR, "as this node does", "wsrep-on" },
        { "two of one name", "", ALONE, "db2; db3 name=db2", NULL, "node-names", LEVEL_ERROR, "db2 and db3", "wsrep-on" },
        { "an old agent", "", ALONE, TRIO, old_agent, "versions", LEVEL_WARNING, "0.0.9", "wsrep-on" },
        { "another series", "", ALONE, "db2; db3 server=10.6.21-MariaDB", NULL, "versions", LEVEL_WARNING, "10.6.21", "wsrep-on" },
        { "a clock ahead", "", ALONE, "db2; db3 clock=60", NULL, "clocks", LEVEL_WARNING, "60 s ahead", "wsrep-on" },
};

typedef struct World {
        Patient patient;
        Options options;
        json_t *live;
        About about[PATIENT_NODES_MAX];
        char *words;
} World;

static void put_text(char **field, const char *value) {
        free(*field);
        *field = *value ? strdup(value) : NULL;
}

static void node_parse(World *w, char *text) {
        PatientNode *n = &w->patient.node[w->patient.n_nodes];
        About *a = &w->about[w->patient.n_nodes++];
        char *save = NULL, *word = strtok_r(text, " ", &save);

        assert_non_null(word);
        *n = (PatientNode) { .label = word, .name = word, .agent = word, .about = a };
        a->weight = 1;
        a->time = 1;
        put_text(&a->mainstay, "0.1.0");
        put_text(&a->server, str_or(w->patient.server, ""));
        put_text(&a->cluster_name, "lab");
        put_text(&a->sst_method, "mariabackup");
        while ((word = strtok_r(NULL, " ", &save))) {
                char *value = strchr(word, '=');

                if (value)
                        *value++ = 0;
                if (streq(word, "problem")) {
                        n->problem = "no route";
                        n->name = NULL;
                        n->about = NULL;
                } else if (streq(word, "dumb")) {
                        n->cannot_say = true;
                        n->about = NULL;
                } else if (streq(word, "name"))
                        n->name = value;
                else if (streq(word, "agent"))
                        n->agent = value;
                else if (streq(word, "weight"))
                        a->weight = atoi(value);
                else if (streq(word, "mainstay"))
                        put_text(&a->mainstay, value);
                else if (streq(word, "server"))
                        put_text(&a->server, value);
                else if (streq(word, "cluster"))
                        put_text(&a->cluster_name, value);
                else if (streq(word, "sst"))
                        put_text(&a->sst_method, value);
                else if (streq(word, "clock"))
                        n->clock_ahead = atoi(value) * (int64_t) USEC_PER_SEC;
                else if (streq(word, "slow"))
                        n->clock_error = (usec_t) atoi(value) * USEC_PER_SEC;
                else
                        fail_msg("not understood: %s", word);
        }
}

/* A healthy node, and what the case makes of it. */
static void world_make(World *w, const Case *c, const char *options) {
        _cleanup_free_ char *text = NULL;
        Patient *p = &w->patient;
        char *save = NULL;

        *w = (World) {};
        assert_true(asprintf(&text, "%s%s\n", options, c->options) > 0);
        assert_int_equal(options_parse(text, &w->options), 0);
        if (c->live) {
                w->live = json_loads(c->live, 0, NULL);
                assert_non_null(w->live);
        }
        *p = (Patient) {
                .options = &w->options, .live = w->live, .server = "10.11.19-MariaDB", .mainstay = "0.1.0", .agent_runs = "0.1.0", .agent = "own", .name = "db1",
                .datadir = "/var/lib/mysql", .base_dir = "/var/lib/mysql", .have_space = true, .space_free = (uint64_t) 10 << 30, .space_data = 1 << 30,
                .have_start_timeout = true, .start_timeout = 900 * USEC_PER_SEC, .unit = "mariadb.service", .sst_method = "mariabackup", .sst_script = true,
                .n_tools = 2, .tool = { { "mariadb-backup", true }, { "mbstream", true } },
                .n_hosts = 2, .host = { { "192.0.2.1", "wsrep_node_address", true, false }, { "db2.example", "wsrep_cluster_address", true, false } },
        };
        if (c->set)
                c->set(p);
        w->words = strdup(c->nodes);
        assert_non_null(w->words);
        for (char *one = strtok_r(w->words, ";", &save); one; one = strtok_r(NULL, ";", &save))
                node_parse(w, one);
        /* What is left to the same on all. */
        if (c->set == is_mysql)
                for (size_t i = 0; i < p->n_nodes; i++)
                        put_text(&w->about[i].sst_method, str_or(p->sst_method, ""));
}

static void world_done(World *w) {
        options_done(&w->options);
        json_decref(w->live);
        for (size_t i = 0; i < w->patient.n_nodes; i++)
                about_done(&w->about[i]);
        free(w->words);
}

static size_t count_checks(void) {
        size_t n = 0;

        for (const Check *c = doctor_server_checks; c->name; c++)
                n++;
        for (const Check *c = doctor_node_checks; c->name; c++)
                n++;
        return n;
}

static void the_healthy_have_nothing(void **state) {
        static const Case healthy = { .name = "healthy", .options = "", .live = LIVE, .nodes = TRIO };
        _cleanup_(findings_done) Findings f = {};
        World w;

        (void) state;
        world_make(&w, &healthy, HEALTHY);
        assert_int_equal(doctor_examine(&w.patient, &f), 0);
        for (size_t i = 0; i < f.n; i++)
                if (f.finding[i].level != LEVEL_OK)
                        fail_msg("%s: %s", f.finding[i].check, f.finding[i].text);
        assert_int_equal(f.n, count_checks());
        world_done(&w);
}

static void look_at_each(const Case *cases, size_t n_cases, const char *options) {
        for (size_t i = 0; i < n_cases; i++) {
                const Case *c = &cases[i];
                _cleanup_(findings_done) Findings f = {};
                Level worst = LEVEL_OK;
                bool said = !c->word, any = false;
                size_t n = 0;
                World w;

                world_make(&w, c, options);
                assert_int_equal(doctor_examine(&w.patient, &f), 0);
                for (size_t k = 0; k < f.n; k++) {
                        const Finding *one = &f.finding[k];

                        if (streq(one->check, c->check)) {
                                any = true;
                                n++;
                                worst = one->level > worst ? one->level : worst;
                                said = said || (one->level == c->level && strstr(one->text, c->word));
                        } else if (one->level != LEVEL_OK && !(c->also && streq(one->check, c->also)))
                                fail_msg("%s: %s finds, too: %s", c->name, one->check, one->text);
                        /* Whatever is wrong has its price and its cure. */
                        if (one->level >= LEVEL_WARNING && (!*one->harm || !*one->remedy))
                                fail_msg("%s: nothing to mend it by: %s", c->name, one->text);
                }
                CHECK(any, c->name);
                /* One thing is said once. Where gvwstate.dat lies is said besides. */
                CHECK(n == 1 || c->set == base_dir_and_old, c->name);
                if (worst != c->level || !said)
                        fail_msg("%s: it came to %s, and should be %s with \"%s\"", c->name, level_to_string(worst), level_to_string(c->level), str_or(c->word, ""));
                world_done(&w);
        }
}

static void traps_are_found_and_nothing_else(void **state) {
        (void) state;
        look_at_each(table, ELEMENTS(table), HEALTHY);
}

/* What is Galera's is nothing to a server that replicates without, however it
 * looks; and what is wrong with that one is said in words of its own. */
static void without_galera_nothing_is_said_of_it(void **state) {
        static const char *const of_galera[] = { "cluster-address", "new-cluster", "provider-options", "sst", "start-timeout", "own-name", "quorum", "alike" };
        static const Case bare = { .name = "bare", .options = "", .live = ALONE, .nodes = "db2; db3 cluster=other sst=rsync; db4" };
        _cleanup_(findings_done) Findings f = {};
        size_t n = 0;
        World w;

        (void) state;
        world_make(&w, &bare, ASYNCHRONOUS);
        w.patient.server_base_dir = "/srv/views";
        w.patient.sst_script = false;
        w.patient.tool[0].there = false;
        w.patient.start_timeout = 90 * USEC_PER_SEC;
        assert_int_equal(doctor_examine(&w.patient, &f), 0);
        for (const Check *c = doctor_server_checks; c->name; c++)
                n += !c->galera;
        for (const Check *c = doctor_node_checks; c->name; c++)
                n += !c->galera;
        assert_int_equal(f.n, n);
        for (size_t i = 0; i < f.n; i++) {
                for (size_t k = 0; k < ELEMENTS(of_galera); k++)
                        assert_string_not_equal(f.finding[i].check, of_galera[k]);
                if (f.finding[i].level == LEVEL_OK)
                        continue;
                assert_string_equal(f.finding[i].check, "wsrep-on");
                assert_int_equal(f.finding[i].level, LEVEL_NOTE);
                assert_non_null(strstr(f.finding[i].text, "without Galera"));
        }
        world_done(&w);

        look_at_each(asynchronous, ELEMENTS(asynchronous), ASYNCHRONOUS);
}

/* Nobody who has no Galera is told to set what is Galera's. */
static void without_galera_no_remedy_is_of_it(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(asynchronous); i++) {
                _cleanup_(findings_done) Findings f = {};
                World w;

                world_make(&w, &asynchronous[i], ASYNCHRONOUS);
                if (patient_asynchronous(&w.patient)) {
                        assert_int_equal(doctor_examine(&w.patient, &f), 0);
                        for (size_t k = 0; k < f.n; k++)
                                if (strstr(f.finding[k].remedy, "wsrep_") || strstr(f.finding[k].harm, "wsrep-") || strstr(f.finding[k].harm, "state transfer") ||
                                    strstr(f.finding[k].harm, "Galera"))
                                        fail_msg("%s: %s %s", asynchronous[i].name, f.finding[k].harm, f.finding[k].remedy);
                }
                world_done(&w);
        }
}

/* Without facts nothing is said of them: neither that they are wrong nor that
 * they are well. */
static void nothing_is_said_of_what_is_not_known(void **state) {
        const Patient p = { .datadir = "/var/lib/mysql", .base_dir = "/var/lib/mysql" };
        _cleanup_(findings_done) Findings f = {};

        (void) state;
        assert_int_equal(doctor_examine(&p, &f), 0);
        for (size_t i = 0; i < f.n; i++)
                if (!streq(f.finding[i].check, "environment"))
                        fail_msg("%s: %s", f.finding[i].check, f.finding[i].text);
}

static void an_unheard_node_is_not_called_heard(void **state) {
        static const Case unheard = { .name = "unheard", .options = "", .live = LIVE, .nodes = "db2; db3 problem" };
        _cleanup_(findings_done) Findings f = {};
        World w;

        (void) state;
        world_make(&w, &unheard, HEALTHY);
        w.patient.node[1].problem = NULL; /* a step of the setup has told why */
        assert_int_equal(doctor_examine(&w.patient, &f), 0);
        for (size_t i = 0; i < f.n; i++)
                assert_string_not_equal(f.finding[i].check, "heard");
        world_done(&w);
}

static void it_is_told_as_json(void **state) {
        _cleanup_(findings_done) Findings f = {};
        json_t *a;

        (void) state;
        assert_int_equal(findings_worst(&f), LEVEL_OK);
        assert_int_equal(findings_add(&f, LEVEL_WARNING, "one", "harm", "remedy", "%d is %s", 1, "one"), 0);
        assert_int_equal(findings_add(&f, LEVEL_OK, "two", "", "", "good"), 0);
        assert_int_equal(findings_worst(&f), LEVEL_WARNING);
        assert_int_equal(findings_to_json(&f, &a), 0);
        assert_int_equal(json_array_size(a), 2);
        assert_string_equal(json_string_value(json_object_get(json_array_get(a, 0), "level")), "warning");
        assert_string_equal(json_string_value(json_object_get(json_array_get(a, 0), "text")), "1 is one");
        assert_string_equal(json_string_value(json_object_get(json_array_get(a, 0), "harm")), "harm");
        assert_true(json_is_null(json_object_get(json_array_get(a, 1), "remedy")));
        json_decref(a);
        for (size_t i = f.n; i < FINDINGS_MAX; i++)
                assert_int_equal(findings_add(&f, LEVEL_OK, "x", "", "", "x"), 0);
        assert_int_equal(findings_add(&f, LEVEL_OK, "x", "", "", "x"), -E2BIG);
}

/* What a node says of itself */

static const struct {
        const char *text;
        int r;
} abouts[] = {
        { "{}", 0 },
        { "{\"node\":\"db1\",\"weight\":2,\"time\":1795386936004064,\"new\":[]}", 0 },
        { "[]", -EBADMSG },
        { "", -EBADMSG },
        { "{\"node\":1}", -EBADMSG },
        { "{\"weight\":\"1\"}", -EBADMSG },
        { "{\"weight\":-1}", -EBADMSG },
        { "{\"weight\":1.5}", -EBADMSG },
        { "{\"time\":-1}", -EBADMSG },
        { "{\"node\":\"a\",\"node\":\"b\"}", -EBADMSG },
};

static void what_a_node_says_is_read(void **state) {
        About a = { .node = (char *) "db1", .mainstay = (char *) "0.1.0", .server = NULL, .cluster_name = (char *) "x", .weight = 0, .time = 1795386936004064 }, b;
        _cleanup_free_ char *text = NULL;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(abouts); i++) {
                CHECK(about_parse(abouts[i].text, &b) == abouts[i].r, abouts[i].text);
                if (abouts[i].r == 0)
                        about_done(&b);
        }
        assert_int_equal(about_format(&a, &text), 0);
        assert_int_equal(about_parse(text, &b), 0);
        assert_string_equal(b.node, "db1");
        assert_string_equal(b.mainstay, "0.1.0");
        assert_null(b.server);
        assert_null(b.sst_method);
        assert_string_equal(b.cluster_name, "x");
        assert_int_equal(b.weight, 0);
        assert_true(b.time == a.time);
        about_done(&b);
        assert_int_equal(about_parse("{}", &b), 0);
        assert_int_equal(b.weight, -1);
        about_done(&b);
}

static const struct {
        const char *output, *version;
} versions[] = {
        { "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)\n", "10.11.19-MariaDB-0+deb12u1" },
        { "mysqld  Ver 10.11.19-MariaDB-0+deb12u1-log for debian-linux-gnu on x86_64 (Debian 12)\n", "10.11.19-MariaDB-0+deb12u1" },
        { "/usr/sbin/mysqld  Ver 8.0.42-33.1 for Linux on x86_64 (Percona XtraDB Cluster (GPL))\n", "8.0.42-33.1" },
        { "mysqld  Ver 8.0", "8.0" },
        { "mysqld  Ver ", NULL },
        { "Version x", NULL },
        { "Ver none for x", NULL },
        { "", NULL },
};

static void versions_are_read(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(versions); i++) {
                _cleanup_free_ char *version = NULL;

                CHECK(about_version(versions[i].output, &version) == (versions[i].version ? 0 : -ENOENT), versions[i].output);
                CHECK(streq_null(version, versions[i].version), versions[i].output);
        }
}

static const struct {
        const char *options, *server, *method;
} methods[] = {
        { "--wsrep_sst_method=mariabackup", "10.11.19-MariaDB", "mariabackup" },
        { "", "10.11.19-MariaDB", "rsync" },
        { "", "8.0.42", NULL },
        { "", NULL, NULL },
};

static void methods_are_known(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(methods); i++) {
                _cleanup_free_ char *method = NULL;
                Options o;

                assert_int_equal(options_parse(methods[i].options, &o), 0);
                method = doctor_sst_method(&o, methods[i].server);
                assert_true(streq_null(method, methods[i].method));
                options_done(&o);
        }
        assert_non_null(doctor_tools("mariabackup"));
        assert_null(doctor_tools("pigeon"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_healthy_have_nothing),
                cmocka_unit_test(traps_are_found_and_nothing_else),
                cmocka_unit_test(without_galera_nothing_is_said_of_it),
                cmocka_unit_test(without_galera_no_remedy_is_of_it),
                cmocka_unit_test(nothing_is_said_of_what_is_not_known),
                cmocka_unit_test(an_unheard_node_is_not_called_heard),
                cmocka_unit_test(it_is_told_as_json),
                cmocka_unit_test(what_a_node_says_is_read),
                cmocka_unit_test(versions_are_read),
                cmocka_unit_test(methods_are_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
