/* What the agent has written down for root's oneshots, in files of its runtime
 * directory. They read it themselves: given to them as an environment by systemd, a
 * line of it could be LD_PRELOAD, and the agent is not root. */
#pragma once

#include "base/macro.h"

/* The agent's runtime directory; tests have another. */
const char *orders_runtime(void);

/* Sets the variables MAINSTAY_... of "KEY=VALUE" lines; others are left out. 0 also
 * where there is no such file. */
int orders_load(const char *runtime, const char *name);
