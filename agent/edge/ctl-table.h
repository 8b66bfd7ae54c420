/* The cluster as text: the table of its nodes, and the plan in words. Pure:
 * from JSON to a stream. */
#pragma once

#include "edge/ctl-text.h"

#include <jansson.h>

/* `picture` as in ctl-bus.h. */
int table_status(FILE *f, const Style *style, const json_t *picture);

/* `plan` as plan_to_json() makes it; `without` is what it supposes, or "". A
 * plan that makes no sense is told so, and -EBADMSG. */
int table_plan(FILE *f, const Style *style, const json_t *plan, const char *without);

/* One sentence. Free `*ret`. */
int table_headline(const json_t *plan, char **ret);

/* What `mainstayctl plan` ends with. */
int table_plan_exit(const json_t *plan);
