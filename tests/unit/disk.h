/* A disk that fails to order: of the calls by which the library asks for files one fails,
 * or each of a name, or something comes between two of them. For tests that are linked
 * with $(wrap_disk). */
#pragma once

#include "base/macro.h"

/* Instead of an error: only a byte is read or written, or none; and there is none free. */
#define DISK_SHORT (-1)
#define DISK_NOTHING (-2)

/* The `n`th call from now on fails, from 1. */
void disk_fail(unsigned n, int error);

/* Each call of that name does. */
void disk_fail_each(const char *call, int error);

/* Before the next call of that name, `f` is called. */
void disk_before(const char *call, void (*f)(void));

/* From now on all of that is over. The name of the `n`th call, if it came to that, or NULL. */
const char *disk_failed(void);
