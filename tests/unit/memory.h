/* Memory that is short to order: of what the library asks for, one request is
 * refused. The same of room in a set of names. For tests that are linked with
 * $(wrap_memory). */
#pragma once

#include "base/macro.h"

/* The `n`th request from now on is refused, from 1. */
void memory_refuse(unsigned n);

/* From now on none is. Was one? */
bool memory_refused(void);

/* The `n`th name that is added from now on, or set of names, does not fit: -E2BIG. */
void names_refuse(unsigned n);
bool names_refused(void);
