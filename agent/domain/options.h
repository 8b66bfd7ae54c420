/* The server's own configuration, as far as Mainstay needs it: the options
 * that `mysqld --print-defaults` says it would be started with. */
#pragma once

#include "base/macro.h"

typedef struct Options {
        char *datadir;
        char *socket;
        char *node_name;        /* wsrep_node_name */
        char *node_address;     /* wsrep_node_address */
        char *cluster_address;  /* wsrep_cluster_address */
        char *cluster_name;     /* wsrep_cluster_name */
        char *provider;         /* wsrep_provider */
        char *provider_options; /* wsrep_provider_options */
        char *notify_cmd;       /* wsrep_notify_cmd */
        char *sst_receive_address; /* wsrep_sst_receive_address */
        char *user;
        char *port;
        bool wsrep_on, wsrep_off; /* neither where wsrep_on is not there */
        char *data_dir[4]; /* where else data may lie: innodb_data_home_dir, innodb_log_group_home_dir, innodb_undo_directory, aria_log_dir_path */
        bool new_cluster; /* wsrep_new_cluster stands in a file: a trap */
        char *text;       /* all of them, as they were told */
} Options;

/* `text` is the output of --print-defaults: one line of options that begin
 * with "--", separated by blanks. A value may hold blanks, so an option ends
 * where the next " --" begins. Free with options_done(). */
int options_parse(const char *text, Options *ret);
void options_done(Options *o);

/* Any option by its name, with underscores; free `*ret`. "" where it stands
 * without a value, "0" for skip-NAME. -ENOENT. */
int options_get(const Options *o, const char *name, char **ret);

/* Galera knows several words for no; whatever is none of them may be a yes. */
bool options_mean_yes(const char *value);

/* A value of wsrep_provider_options ("a = 1; b=2"); free `*ret`. -ENOENT. */
int options_provider_get(const char *provider_options, const char *key, char **ret);

/* Is it a node of a cluster, as far as its options go? wsrep_on is off unless
 * said in MariaDB, and on in Percona's and Codership's servers, where a provider
 * is what makes the difference. */
bool options_wsrep(const Options *o);

/* Is it known to be no node of a Galera cluster at all? Not where there are no
 * options to tell, nor where the cluster's nodes are named and only wsrep_on is
 * missing: that one has rather lost a line of its configuration. */
bool options_asynchronous(const Options *o);

/* With these options every start would form a new cluster: the name of the one
 * that does it, else NULL. `mysqld_opts` is what MYSQLD_OPTS in the environment
 * adds to them, or NULL; where it is the one, "MYSQLD_OPTS". Without wsrep
 * nothing does. */
const char *options_bootstraps(const Options *o, const char *mysqld_opts);

/* The same for one word of the server's command line, which counts for more than
 * any file: may be a whole script, too. What the unit itself passes on from its
 * environment is not in it. False where wsrep is off in `o`. */
bool options_word_bootstraps(const Options *o, const char *word);

/* Is the server kept from forming its last component again by itself, when all
 * members are back (pc.recovery, which is on by default)? */
bool options_recovery_off(const Options *o);

/* "pc.ignore_sb" or "pc.ignore_quorum" where that is set: then who was Primary
 * last says nothing of who was not. Else NULL. */
const char *options_quorum_off(const Options *o);

/* The same of the options of the provider alone, as a running server tells them. */
const char *options_provider_quorum_off(const char *provider_options);

/* The hosts of "gcomm://a,b:4567,[::1]:4567?x=y", without ports, one call a
 * host; stops at the first negative return. -EINVAL for what is no gcomm
 * address. */
int options_cluster_hosts(const char *address, int (*each)(const char *host, void *userdata), void *userdata);
