/* Does dpkg or rpm work on this system's packages just now? What they start
 * holds them up for as long as it takes, and with them every other
 * installation. */
#pragma once

#include "base/macro.h"

/* Where that cannot be seen, no. */
bool packages_busy(void);
