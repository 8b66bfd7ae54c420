/* Crashes to order: runs an operation in a child, and kills it after a given
 * number of its system calls, whichever those are. */
#pragma once

#include "base/macro.h"

typedef int (*crash_operation_t)(int dirfd);

/* 1 where the child was killed, 0 where it was done before that, -errno where
 * the operation failed (its own return) or nobody may trace here (-EPERM). */
int crash_after(crash_operation_t operation, int dirfd, unsigned n);

/* The numbers of the system calls it makes; returns how many of `max`. */
int crash_trace(crash_operation_t operation, int dirfd, long *calls, unsigned max);
