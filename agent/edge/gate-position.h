/* The gate without an agent: how far the data have come, which after a crash
 * InnoDB alone can tell, and without which Galera asks for a full copy (SST)
 * where the last few writes would do (IST). */
#pragma once

#include "domain/recovery.h"

/* What it says while it waits; called from within position_find(). */
typedef void (*position_wait_t)(const char *text);

/* Runs mainstay-recover with this server's own identity and configuration, and
 * waits for it: `options` is the server's --defaults-file=, or NULL. What came
 * of it is also in `serverdir`. -ECANCELED where this process is told to end. */
int position_find(const char *server, const char *datadir, const char *options, int serverdirfd, const char *serverdir,
                  position_wait_t wait, Recovery *ret);

/* Writes the position into grastate.dat, in place of the -1 that a crash left,
 * or of less than the data have come to. It is what Galera goes by: a position
 * given on the command line counts only beside a -1. Returns 1 where it was
 * written, 0 where the file says so already, -ESTALE where it is of another
 * cluster. */
int position_write(int dirfd, const Position *position);

/* The same where the file says more than the data have come to, for whoever knows
 * that the server did not end gracefully. */
int position_lower(int dirfd, const Position *position);

/* Is there a cluster in grastate.dat whose position could be looked for? */
bool position_wanted(int dirfd);
