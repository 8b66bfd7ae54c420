/* Checks of the server's own configuration, and of what runs it; see doctor.h. */
#include "domain/doctor.h"

#include <stdarg.h>

#define START_USUAL (900 * USEC_PER_SEC) /* what MariaDB's own unit gives */
#define MIB ((uint64_t) 1024 * 1024)

const char *const doctor_live[] = {
        "version", "log_bin", "innodb_flush_log_at_trx_commit", "sync_binlog", "innodb_doublewrite", "wsrep_on",
        "wsrep_provider_options", "wsrep_cluster_size", "wsrep_cluster_status", NULL,
};

/* Of the running server; NULL: not asked, or it does not have it. */
static const char *live(const Patient *p, const char *name) {
        return json_string_value(json_object_get(p->live, name));
}

static bool is_off(const char *v) {
        return streq(v, "0") || strcasecmp(v, "off") == 0 || strcasecmp(v, "false") == 0;
}

static bool is_mysql(const Patient *p) {
        const char *version = str_or(p->server, live(p, "version"));

        return version && !strcasestr(version, "mariadb");
}

/* A finding about what stands in the server's files. The server takes '-' for
 * '_', and `name` may be of a provider's option. */
static _printf_(7, 8) int add_written(Findings *f, Level level, const char *check, const char *name, const char *harm, const char *remedy,
                                      const char *format, ...) {
        _cleanup_free_ char *text = NULL, *full = NULL, *pattern = strdup(name);
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0)
                text = NULL;
        for (char *c = pattern; c && *c; c++)
                if (*c == '_' || *c == '-')
                        *c = '.';
        if (pattern && asprintf(&full, "%s\nThe file: grep -rn '%s' /etc/mysql /etc/my.cnf*", remedy, pattern) < 0)
                full = NULL;
        return text && full ? findings_add(f, level, check, harm, full, "%s", text) : -ENOMEM;
}

static int look_on(const Patient *p, Findings *f, const char *check) {
        _cleanup_free_ char *value = NULL;
        bool on;

        if (!p->options)
                return 1;
        /* What somebody ought to read who took it for a node of a cluster. */
        if (patient_asynchronous(p))
                return findings_add(f, LEVEL_NOTE, check, "", "", "this server replicates without Galera: wsrep_on is not on, and wsrep_cluster_address is not set");
        /* MySQL's forks have it on where they have a provider. */
        on = options_get(p->options, "wsrep_on", &value) >= 0 ? p->options->wsrep_on : is_mysql(p);
        if (!on)
                return add_written(f, LEVEL_ERROR, check, "wsrep_on", "The server starts alone, outside of the cluster, and takes writes that no other node gets.",
                                   "wsrep_on=ON in the server's configuration.", "wsrep_on is not on in the server's configuration");
        if (live(p, "wsrep_on") && is_off(live(p, "wsrep_on")))
                return findings_add(f, LEVEL_ERROR, check, "What is written here now does not reach the cluster: the nodes' data drift apart.", "SET GLOBAL wsrep_on=ON;",
                                    "wsrep_on is off in the running server, though not in its configuration");
        return 0;
}

#define FORMS "Every start would form a new cluster of its own beside the one there is: two clusters that both take writes. The gate refuses such a start."

static int look_address(const Patient *p, Findings *f, const char *check) {
        const char *address = p->options ? p->options->cluster_address : NULL;
        Options only = { .wsrep_on = true, .cluster_address = (char *) address };

        if (!p->options)
                return 1;
        if (!address || !*address)
                return add_written(f, LEVEL_ERROR, check, "wsrep_cluster_address", "The server does not look for its cluster.", "wsrep_cluster_address=gcomm://HOST,HOST,HOST with all nodes.",
                                   "wsrep_cluster_address is not set in the server's configuration");
        if (options_bootstraps(&only, NULL))
                return add_written(f, LEVEL_ERROR, check, "wsrep_cluster_address", FORMS,
                                   "wsrep_cluster_address=gcomm://HOST,HOST,HOST with all nodes. To form the cluster, when that is what is wanted: mainstayctl bootstrap",
                                   "wsrep_cluster_address is \"%s\": it forms a new cluster", address);
        return 0;
}

static int look_leftover_bootstrap(const Patient *p, Findings *f, const char *check) {
        Options only = { .wsrep_on = true, .provider_options = p->options ? p->options->provider_options : NULL };
        int r = 0;

        if (!p->options)
                return 1;
        if (p->options->new_cluster)
                r = add_written(f, LEVEL_ERROR, check, "wsrep_new_cluster", FORMS, "Take it out. To form the cluster: mainstayctl bootstrap",
                                "wsrep_new_cluster stands in the server's configuration");
        if (r >= 0 && options_bootstraps(&only, NULL))
                r = add_written(f, LEVEL_ERROR, check, "pc.bootstrap", FORMS, "Take it out of wsrep_provider_options. To form the cluster: mainstayctl bootstrap",
                                "pc.bootstrap stands in wsrep_provider_options");
        return r;
}

static int look_environment(const Patient *p, Findings *f, const char *check) {
        const Options on = { .wsrep_on = true }, off = {};
        bool asynchronous = patient_asynchronous(p);
        const char *harm = asynchronous ? "The gate refuses a start that would form a cluster: the server does not come up." : FORMS;
        int r = 0;

        if (p->new_cluster && *p->new_cluster)
                r = findings_add(f, LEVEL_ERROR, check, harm, "systemctl unset-environment _WSREP_NEW_CLUSTER\nor, where the unit or a drop-in sets it: systemctl edit --full",
                                 "_WSREP_NEW_CLUSTER=%s is left in the environment of mysqld's unit, as galera_new_cluster leaves it when it is cut short", p->new_cluster);
        if (r >= 0 && options_bootstraps(asynchronous ? &off : &on, p->mysqld_opts))
                r = findings_add(f, LEVEL_ERROR, check, harm, "systemctl unset-environment MYSQLD_OPTS\nor take it out of the drop-in or the file that sets it.",
                                 "MYSQLD_OPTS in the environment of mysqld's unit forms a new cluster: %s", p->mysqld_opts);
        return r;
}

/* Options for one start, by hand, which somebody forgot. */
static const struct {
        const char *name, *harm;
} leftovers[] = {
        { "wsrep_start_position", "The server takes this position for its own, whatever its data are: it may miss transactions, or apply them twice." },
        { "wsrep_recover", "The server looks for its position and ends: it never serves." },
        { "tc_heuristic_recover", "The server decides blindly on prepared transactions, and then ends. What it decides, the other nodes do not." },
        { "innodb_force_recovery", "InnoDB leaves out parts of its recovery, and refuses writes from 4 on: this node's data are not to be trusted." },
};

static int look_leftovers(const Patient *p, Findings *f, const char *check) {
        int r = 0;

        if (!p->options)
                return 1;
        for (size_t i = 0; r >= 0 && i < ELEMENTS(leftovers); i++) {
                _cleanup_free_ char *value = NULL;

                if (options_get(p->options, leftovers[i].name, &value) >= 0 && !is_off(value))
                        r = add_written(f, LEVEL_ERROR, check, leftovers[i].name, leftovers[i].harm, "Take it out. It is for one start by hand, not for a file.",
                                        "%s stands in the server's configuration%s%s", leftovers[i].name, *value ? ": " : "", value);
        }
        return r;
}

/* Any of the values of `key` in "a=1;b=2" means this. */
static bool provider_says(const char *options, const char *key, bool yes) {
        for (const char *o = options; o; o = strchr(o, ';')) {
                _cleanup_free_ char *value = NULL;

                o += *o == ';';
                if (options_provider_get(o, key, &value) >= 0 && options_mean_yes(value) == yes)
                        return true;
        }
        return false;
}

/* In wsrep_provider_options, behind the question mark of the address, or as an
 * option of its own, as newer MariaDB has it. */
static bool written_says(const Options *o, const char *key, bool yes) {
        _cleanup_free_ char *query = NULL, *name = NULL, *value = NULL;
        const char *mark = o->cluster_address ? strchr(o->cluster_address, '?') : NULL;

        if (provider_says(o->provider_options, key, yes))
                return true;
        query = mark ? strdup(mark + 1) : NULL;
        for (char *c = query; c && *c; c++)
                if (*c == '&')
                        *c = ';';
        if (provider_says(query, key, yes))
                return true;
        if (asprintf(&name, "wsrep_provider_%s", key) < 0) {
                name = NULL;
                return false;
        }
        for (char *c = name; *c; c++)
                if (*c == '.')
                        *c = '_';
        return options_get(o, name, &value) >= 0 && (*value ? options_mean_yes(value) : true) == yes;
}

static const struct {
        const char *key;
        bool bad; /* yes or no */
        Level level;
        const char *harm;
} providers[] = {
        { "pc.ignore_sb", true, LEVEL_ERROR,
          "Both halves of a split cluster go on and take writes: their data diverge. Mainstay trusts no record of views of such a node, and waits for every node instead." },
        { "pc.ignore_quorum", true, LEVEL_ERROR,
          "A node that has lost all others goes on and takes writes: the data diverge. Mainstay trusts no record of views of such a node, and waits for every node instead." },
        { "pc.recovery", false, LEVEL_NOTE,
          "After a crash of all nodes the cluster comes back the slower way, by a bootstrap and transfers to the others." },
};

static int look_provider(const Patient *p, Findings *f, const char *check) {
        int r = 0;

        if (!p->options)
                return 1;
        for (size_t i = 0; r >= 0 && i < ELEMENTS(providers); i++) {
                const char *key = providers[i].key, *value = providers[i].bad ? "yes" : "no", *good = providers[i].bad ? "no" : "yes";
                _cleanup_free_ char *remedy = NULL;

                if (written_says(p->options, key, providers[i].bad))
                        r = add_written(f, providers[i].level, check, strchr(key, '.') + 1, providers[i].harm,
                                        "Take it out; the default is the right value.", "%s is %s in the server's configuration", key, value);
                else if (provider_says(live(p, "wsrep_provider_options"), key, providers[i].bad)) {
                        if (asprintf(&remedy, "SET GLOBAL wsrep_provider_options='%s=%s';", key, good) < 0) {
                                remedy = NULL;
                                return -ENOMEM;
                        }
                        r = findings_add(f, providers[i].level, check, providers[i].harm, remedy, "%s is %s in the running server, though not in its configuration", key, value);
                }
        }
        return r;
}

/* What a crash leaves of what was acknowledged. */
typedef struct Setting {
        const char *check, *name;
        const char *mariadb, *mysql; /* the defaults */
        const char *good;
        const char *harm;
        const char *harm_asynchronous; /* NULL: the same */
} Setting;

static const Setting flush = {
        "innodb-flush", "innodb_flush_log_at_trx_commit", "1", "1", "1",
        "A power cut takes the last second of commits that were acknowledged. While another node lives, it gives them back; when all lose power, they are gone. "
        "And a position found by wsrep-recover is then lower than what the node has confirmed to its clients.",
        "A power cut takes the last second of commits that were acknowledged. Of a primary, its replicas may have them: then they have what it has not, and do not follow it any more.",
};
static const Setting binlog_flush = {
        "binlog-flush", "sync_binlog", "0", "1", "1",
        "With the binary log on, a power cut rolls back what InnoDB has prepared and the log does not hold, though innodb_flush_log_at_trx_commit is 1: acknowledged commits are lost, "
        "and replicas of this node may have what it has not.",
        NULL,
};
static const Setting doublewrite = {
        "innodb-doublewrite", "innodb_doublewrite", "1", "ON", "ON",
        "A power cut may leave a page half written, which InnoDB cannot mend: the node must then get all of its data anew.",
        NULL,
};

static bool is_good(const Setting *s, const char *value) {
        if (!streq(s->good, "ON"))
                return streq(value, s->good);
        /* DETECT_ONLY detects, and mends nothing. */
        return !is_off(value) && strcasecmp(value, "detect_only") != 0;
}

static int look_setting(const Patient *p, Findings *f, const Setting *s, Level level) {
        const char *now = live(p, s->name), *fallback = is_mysql(p) ? s->mysql : s->mariadb,
                   *harm = s->harm_asynchronous && patient_asynchronous(p) ? s->harm_asynchronous : s->harm;
        _cleanup_free_ char *value = NULL, *remedy = NULL;
        bool set;

        if (!p->options)
                return 1;
        set = options_get(p->options, s->name, &value) >= 0;
        if (!is_good(s, set ? value : fallback)) {
                if (asprintf(&remedy, "%s=%s in the server's configuration.", s->name, s->good) < 0) {
                        remedy = NULL;
                        return -ENOMEM;
                }
                return add_written(f, level, s->check, s->name, harm, remedy, "%s is %s%s", s->name, set ? value : fallback,
                                   set ? " in the server's configuration" : ", its default, for the server's configuration does not say");
        }
        if (now && !is_good(s, now)) {
                if (asprintf(&remedy, "SET GLOBAL %s=%s;", s->name, s->good) < 0) {
                        remedy = NULL;
                        return -ENOMEM;
                }
                return findings_add(f, level, s->check, harm, remedy, "%s is %s in the running server, though not in its configuration", s->name, now);
        }
        return 0;
}

static int look_flush(const Patient *p, Findings *f, const char *check) {
        return look_setting(p, f, &flush, LEVEL_WARNING);
}

static int look_binlog_flush(const Patient *p, Findings *f, const char *check) {
        _cleanup_free_ char *value = NULL;
        bool on = is_mysql(p);

        if (!p->options)
                return 1;
        if (options_get(p->options, "log_bin", &value) >= 0)
                on = !is_off(value);
        if (live(p, "log_bin"))
                on = on || !is_off(live(p, "log_bin"));
        return on ? look_setting(p, f, &binlog_flush, LEVEL_WARNING) : 0;
}

static int look_doublewrite(const Patient *p, Findings *f, const char *check) {
        return look_setting(p, f, &doublewrite, p->atomic_pages ? LEVEL_NOTE : LEVEL_WARNING);
}

static int look_binlog_format(const Patient *p, Findings *f, const char *check) {
        _cleanup_free_ char *value = NULL;
        bool asynchronous = patient_asynchronous(p);

        if (!p->options)
                return 1;
        /* MariaDB's own default is MIXED, which does for what is written on one node. */
        if (options_get(p->options, "binlog_format", &value) < 0 || strcasecmp(value, "ROW") == 0 || (asynchronous && strcasecmp(value, "MIXED") == 0))
                return 0;
        return add_written(f, LEVEL_WARNING, check, "binlog_format",
                           asynchronous ? "A statement may come to another result on a replica: the data drift apart, and nobody is told."
                                        : "Galera replicates rows. Statements come to other results on other nodes, which are then thrown out as inconsistent.",
                           "binlog_format=ROW in the server's configuration.", "binlog_format is %s in the server's configuration", value);
}

static const char *const tools_rsync[] = { "rsync", "ss|lsof|sockstat", NULL };
static const char *const tools_mariabackup[] = { "mariadb-backup|mariabackup", "mbstream", "socat|nc", NULL };
static const char *const tools_xtrabackup[] = { "xtrabackup", "xbstream", "socat|nc", NULL };
static const char *const tools_mysqldump[] = { "mariadb-dump|mysqldump", NULL };
static const char *const tools_clone[] = { "mysql|mariadb", NULL };

static const struct {
        const char *method;
        const char *const *tools;
        bool account; /* it wants one in the donor's database */
} methods[] = {
        { "rsync", tools_rsync, false },
        { "rsync_wan", tools_rsync, false },
        { "mariabackup", tools_mariabackup, true },
        { "xtrabackup-v2", tools_xtrabackup, true },
        { "mysqldump", tools_mysqldump, true },
        { "clone", tools_clone, false },
};

const char *const *doctor_tools(const char *sst_method) {
        for (size_t i = 0; i < ELEMENTS(methods); i++)
                if (streq(methods[i].method, sst_method))
                        return methods[i].tools;
        return NULL;
}

char *doctor_sst_method(const Options *o, const char *server) {
        char *value = NULL;

        if (options_get(o, "wsrep_sst_method", &value) >= 0)
                return value;
        return server && strcasestr(server, "mariadb") ? strdup("rsync") : NULL;
}

#define NO_SST "When this node has been away for too long it cannot come back: it needs all data from another one, and that transfer fails. Nor can it give its own to others."

static int look_sst(const Patient *p, Findings *f, const char *check) {
        _cleanup_free_ char *auth = NULL;
        const char *method = p->sst_method;
        bool account = false;
        int r = 0;

        if (!p->options || !method)
                return 1;
        if (streq(method, "skip"))
                return add_written(f, LEVEL_ERROR, check, "wsrep_sst_method", "A node that needs all data gets none, and takes itself for whole: its data are another's no more.",
                                   "wsrep_sst_method=mariabackup, or rsync.", "wsrep_sst_method is skip");
        if (!p->sst_script)
                r = add_written(f, LEVEL_ERROR, check, "wsrep_sst_method", NO_SST, "Is it spelt right, and is the package that brings it installed?",
                                "wsrep_sst_method is %s, and there is no program wsrep_sst_%s", method, method);
        for (size_t i = 0; r >= 0 && i < p->n_tools; i++)
                if (!p->tool[i].there)
                        r = findings_add(f, LEVEL_ERROR, check, NO_SST, strstr(p->tool[i].name, "mbstream") || strstr(p->tool[i].name, "mariabackup") ? "apt install mariadb-backup, or dnf install mariadb-backup"
                                                                               : "Install the package that brings it, on every node.",
                                         "wsrep_sst_method=%s runs %s, which is not installed", method, p->tool[i].name);

        for (size_t i = 0; i < ELEMENTS(methods); i++)
                account = account || (methods[i].account && streq(methods[i].method, method));
        /* MySQL 8 makes an account for it by itself. */
        if (r >= 0 && account && !p->sst_account && !is_mysql(p) && (options_get(p->options, "wsrep_sst_auth", &auth) < 0 || !*auth))
                r = findings_add(f, streq(method, "mariabackup") ? LEVEL_WARNING : LEVEL_ERROR, check,
                                 "A donor logs into its own server to make the copy. Without a name it tries that of the system's user, which the database may not let in.",
                                 "wsrep_sst_auth=USER:PASSWORD in the server's configuration, on every node; on Debian, where mysql comes in without: wsrep_sst_auth=mysql:",
                                 "wsrep_sst_auth is not set, and wsrep_sst_method=%s wants an account", method);
        return r;
}

static int look_start_timeout(const Patient *p, Findings *f, const char *check) {
        if (!p->have_start_timeout)
                return 1;
        if (p->start_timeout >= START_USUAL)
                return 0;
        return findings_add(f, LEVEL_WARNING, check,
                            "A state transfer is part of the start. One that takes longer is killed, begins anew, and is killed again. "
                            "MariaDB asks systemd for more time while data flow, but not in every phase; MySQL does not.",
                            "In a drop-in (systemctl edit), under [Service]: TimeoutStartSec=infinity", "%s gives a start only %llu s (TimeoutStartSec)", str_or(p->unit, "mysqld's unit"),
                            (unsigned long long) (p->start_timeout / USEC_PER_SEC));
}

static int look_space(const Patient *p, Findings *f, const char *check) {
        unsigned long long free_mib = p->space_free / MIB, data_mib = p->space_data / MIB;
        bool asynchronous = patient_asynchronous(p);

        if (!p->have_space)
                return 1;
        if (p->space_free < 64 * MIB || p->space_free < p->space_data / 10)
                return findings_add(f, LEVEL_WARNING, check,
                                    asynchronous ? "The server stops when the disk is full: a primary in the middle of its writes, a replica in the middle of what it follows."
                                                 : "The server stops when the disk is full, and a state transfer that fills it fails half way, with the old data gone.",
                                    "Give the file system more room.", "%llu MiB are free below %s, which holds %llu MiB", free_mib, p->datadir, data_mib);
        if (p->space_free < p->space_data)
                return findings_add(f, LEVEL_NOTE, check,
                                    asynchronous ? "The data cannot be kept beside a copy of another node's: there would be no room to provision this node."
                                                 : "The old data cannot be kept beside new ones: setting data aside before a state transfer would fail.", "",
                                    "%llu MiB are free below %s, which holds %llu MiB", free_mib, p->datadir, data_mib);
        return 0;
}

#define ELSEWHERE "Mainstay judges by files that the server does not use."

/* The running server may still have the one it was started with. */
static bool base_dir_in_use(const Patient *p) {
        _cleanup_free_ char *now = NULL;
        const char *options = live(p, "wsrep_provider_options");
        size_t n;

        if (!options || options_provider_get(options, "base_dir", &now) < 0)
                return true;
        n = strlen(now);
        while (n > 1 && now[n - 1] == '/')
                now[--n] = 0;
        return streq(now, p->base_dir);
}

static int look_directories(const Patient *p, Findings *f, const char *check) {
        int r = 0;

        if (!p->options)
                return 1;
        if (p->server_datadir)
                r = findings_add(f, LEVEL_ERROR, check, ELSEWHERE, "Take datadir out of mainstay.conf, then: mainstayctl setup", "Mainstay's datadir is %s, the server's %s", p->datadir, p->server_datadir);
        /* Views are of Galera. */
        if (patient_asynchronous(p))
                return r;
        if (r >= 0 && p->server_base_dir)
                r = findings_add(f, LEVEL_ERROR, check, ELSEWHERE " A gvwstate.dat which the gate does not see is a bootstrap in disguise: the server may go on alone with old data.",
                                 "Take base_dir out of mainstay.conf, then: mainstayctl setup", "Mainstay's base_dir is %s, that of wsrep_provider_options %s", p->base_dir, p->server_base_dir);
        else if (r >= 0 && !streq(p->base_dir, p->datadir)) {
                r = findings_add(f, LEVEL_NOTE, check, "Who empties or exchanges the datadir leaves the record of the last view where it was. The gate looks there, too.", "",
                                 "gvwstate.dat lies in %s (base_dir in wsrep_provider_options), outside of the datadir%s", p->base_dir, p->gvwstate_in_base_dir ? "; there is one now" : "");
                if (r >= 0 && p->gvwstate_in_datadir && base_dir_in_use(p))
                        r = findings_add(f, LEVEL_WARNING, check, "It is of an earlier time. If base_dir is ever taken out of the configuration, the server believes it, and may go on alone with old data.",
                                         "Move it away, once nobody needs it as evidence.", "an old gvwstate.dat lies in %s, which is not base_dir", p->datadir);
        }
        return r;
}

static int look_own_name(const Patient *p, Findings *f, const char *check) {
        const char *theirs = p->options ? p->options->node_name : NULL;

        if (!theirs || !p->name)
                return 1;
        if (streq(theirs, p->name))
                return 0;
        return findings_add(f, LEVEL_ERROR, check, "The server's views name this node by the one, the agents by the other: it is waited for under a name that nobody has.",
                            "The same for both: name in [node] of mainstay.conf, or wsrep_node_name; or take the first one out.", "Mainstay calls this node %s, and its wsrep_node_name is %s", p->name, theirs);
}

const Check doctor_server_checks[] = {
        { "wsrep-on", look_on, "Galera is switched on", false },
        { "cluster-address", look_address, "wsrep_cluster_address names a cluster to join", true },
        { "new-cluster", look_leftover_bootstrap, "no option in the server's configuration forms a new cluster", true },
        { "environment", look_environment, "nothing in the environment of mysqld's unit forms a new cluster", false },
        { "leftovers", look_leftovers, "no option for a single start is left in the server's configuration", false },
        { "provider-options", look_provider, "the provider keeps to its quorum", true },
        { "innodb-flush", look_flush, "InnoDB has a commit on the disk before it is acknowledged", false },
        { "binlog-flush", look_binlog_flush, "the binary log is off, or on the disk before a commit is acknowledged", false },
        { "innodb-doublewrite", look_doublewrite, "InnoDB can mend a page that was half written", false },
        { "binlog-format", look_binlog_format, "rows are replicated", false },
        { "sst", look_sst, "the programs of a state transfer are there", true },
        { "start-timeout", look_start_timeout, "a start has the time that a state transfer takes", true },
        { "disk-space", look_space, "there is room for another node's data", false },
        { "directories", look_directories, "Mainstay and the server mean the same directories", false },
        { "own-name", look_own_name, "Mainstay and the server call this node the same", true },
        {},
};
