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
        char *provider_options; /* wsrep_provider_options */
        char *notify_cmd;       /* wsrep_notify_cmd */
        char *user;
        char *port;
        bool wsrep_on;
        bool new_cluster; /* wsrep_new_cluster stands in a file: a trap */
} Options;

/* `text` is the output of --print-defaults: one line of options that begin
 * with "--", separated by blanks. A value may hold blanks, so an option ends
 * where the next " --" begins. Free with options_done(). */
int options_parse(const char *text, Options *ret);
void options_done(Options *o);

/* A value of wsrep_provider_options ("a = 1; b=2"); free `*ret`. -ENOENT. */
int options_provider_get(const char *provider_options, const char *key, char **ret);

/* With these options every start would form a new cluster: the name of the one
 * that does it, else NULL. `mysqld_opts` is what MYSQLD_OPTS in the environment
 * adds to them, or NULL; where it is the one, "MYSQLD_OPTS". Without wsrep_on
 * nothing does. */
const char *options_bootstraps(const Options *o, const char *mysqld_opts);

/* The hosts of "gcomm://a,b:4567,[::1]:4567?x=y", without ports, one call a
 * host; stops at the first negative return. -EINVAL for what is no gcomm
 * address. */
int options_cluster_hosts(const char *address, int (*each)(const char *host, void *userdata), void *userdata);
