/* What only this node has committed, out of its binary logs: decoded for people, and
 * with the events that say it to a server. */
#pragma once

#include "adapter/datadir.h"

#include <jansson.h>
#include <sys/stat.h>

#define ERRANT_DIR "/var/lib/mainstay-errant"

/* Looks through the binary logs in the datadir `fd`, of which no server may be running,
 * for what is not among the GTIDs `have`, as servers write them, and writes that to
 * ERRANT_DIR/job-N.sql, root's alone. The server's own program reads the logs, as
 * `owner`. `*ret` is their number; where that is 0 there is no file. 1, or 0 or negative
 * with the reason in `text`. */
int errant_save(int fd, const struct stat *owner, const char *have, int64_t job, json_int_t *ret, char path[static 128], char text[static DATADIR_TEXT_MAX]);
