/* The cluster as text: the table of its nodes, and the plan in words. Pure:
 * from JSON to a stream. */
#pragma once

#include "edge/ctl-text.h"

#include <jansson.h>

/* `picture` as in ctl-bus.h. */
int table_status(FILE *f, const Style *style, const json_t *picture);

/* Who goes by which policy: {policy, version, node, agree: [name], differ:
 * [{node, policy}], unheard: [{node, why}]}; a new reference. NULL where the
 * agent says nothing of policies. */
json_t *table_policy(const json_t *picture);
void table_policy_print(FILE *f, const Style *style, const json_t *policy);

/* `plan` as plan_to_json() makes it; `without` is what it supposes, or "". A
 * plan that makes no sense is told so, and -EBADMSG. */
int table_plan(FILE *f, const Style *style, const json_t *plan, const char *without);

/* One sentence. Free `*ret`. */
int table_headline(const json_t *plan, char **ret);

/* What `mainstayctl plan` ends with. */
int table_plan_exit(const json_t *plan);
