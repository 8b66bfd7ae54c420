/* Files that matter: says when to look at them again.
 *
 * It reports that something may have changed, not what: whoever is told reads
 * the files again and compares. A directory is watched by its path, wherever
 * that leads now or later, whether it exists or not; in it only some names
 * matter. Writes are watched on those files themselves, never on all of the
 * directory: mysqld writes to its datadir all day, and that must not wake the
 * agent.
 */
#pragma once

#include "base/macro.h"

#include <systemd/sd-event.h>

#define WATCH_DIRS_MAX 32
#define WATCH_NAMES_MAX 16

typedef struct Watch Watch;

/* Called once for any number of events, after the watches have been renewed:
 * what is read then is not older than what is watched. `r` is 0, or an errno
 * if from now on something is not watched any more. It may free the watch. */
typedef void (*watch_changed_t)(Watch *w, int r, void *userdata);

int watch_new(sd_event *event, watch_changed_t changed, void *userdata, Watch **ret);
Watch *watch_free(Watch *w);
DEFINE_CLEANUP(Watch, watch_free)

/* `dir` is absolute; `names`, copied, ends in NULL, and NULL itself means every
 * name (but writes into files are then not seen, only that they come, go, are
 * replaced or closed after writing). Returns 0, or 1 where the directory is not
 * there or may not be read: then it is noticed when it comes. -E2BIG beyond the
 * bounds, -EEXIST for a directory that is watched already. */
int watch_add(Watch *w, const char *dir, const char *const *names);
