/* The gate's look at what the server will be started with: whether a bootstrap
 * stands there, and whether its files lie where Mainstay guards them. */
#pragma once

#include "domain/options.h"

/* `options` is the server's --defaults-file=, or NULL; `command` the words of its
 * unit's ExecStart=, or NULL; `authorised`: the agent has said that this start is
 * a bootstrap. What is wrong is logged, and told to systemd: -EPERM. Where the
 * server does not tell its options it starts all the same, and the last two are
 * as they were: is it a node of Galera's, is it known to be none. */
int config_check(const char *server, const char *options, char *const *command, const char *datadir, const char *basedir, bool authorised,
                 bool *ret_wsrep, bool *ret_asynchronous);
