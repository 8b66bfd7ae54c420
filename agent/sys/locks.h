/* Locks that other processes hold on files. The kernel lists them for everyone,
 * so this needs no rights on the file but to see it. */
#pragma once

#include "base/macro.h"

/* Does some process hold the file locked for writing? Where that cannot be
 * seen, no. */
bool locks_held(const char *path);
