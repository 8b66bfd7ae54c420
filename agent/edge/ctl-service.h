/* An asynchronous service: its nodes with their components, and who is the
 * primary, as text and for programs. Pure: from JSON to a stream. */
#pragma once

#include "domain/names.h"
#include "edge/ctl-text.h"

#include <jansson.h>

/* Is the node of `picture` (as in ctl-bus.h) part of one? */
bool service_is(const json_t *picture);

/* Its replicas that are SHUNNED or FAILED; or, in `*ret_why`, why none of them can be
 * recovered now: free it. */
int service_recoverable(const json_t *picture, Names *ret, char **ret_why);

int service_print(FILE *f, const Style *style, const json_t *picture);

/* {"policy", "primary": {"verdict", "nodes", "text"}, "nodes": [...]}; a new
 * reference. */
int service_json(const json_t *picture, json_t **ret);
