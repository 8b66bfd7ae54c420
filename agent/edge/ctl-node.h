/* One node of a Galera cluster, as the agent that is asked has heard of it: for the
 * table, for `explain`, and for whoever follows them. A node tells what it knows, not
 * what state it is in: that is judged here. */
#pragma once

#include "edge/ctl-text.h"

#include <jansson.h>

typedef struct NodeSeen {
        const char *state;     /* ONLINE, OFFLINE, FAILED or SHUNNED; else its condition: uncertain, alive */
        const char *mysqld;    /* borrowed */
        const json_t *report;  /* NULL where it is not heard; borrowed */
        const json_t *peer;    /* NULL of the node that is asked; borrowed */
        char *remark;          /* why, as a sentence or more; "" where there is nothing to say */
} NodeSeen;

/* -ENOENT where no such node is configured. `picture` as in ctl-bus.h; `name` is its
 * own name, or as the configuration calls it. Free with node_done(). */
int node_find(const json_t *picture, const char *name, NodeSeen *ret);
/* The same of one of `peers`; with NULL the node that is asked. */
int node_see(const json_t *picture, const json_t *peer, NodeSeen *ret);
void node_done(NodeSeen *n);

const char *node_name(const json_t *picture, const json_t *peer);
Colour node_colour(const char *state);

/* What comes in there, as the end of a sentence; NULL where nothing does, or out of memory. */
char *node_transfer(const json_t *report, usec_t now);

/* All that the plan says of it; "" where that is nothing. Free it. */
char *node_reasons(const json_t *picture, const char *name);
