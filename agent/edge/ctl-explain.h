/* `mainstayctl explain NODE`: in what state a node is, why, what would change that, and
 * the evidence. It judges nothing: the state, the plan and its reasons are the agent's, and
 * here they are brought together with what was found. */
#pragma once

#include "edge/ctl-text.h"

#include <jansson.h>

/* {"node", "state", "reason" or null, "changes": [{"text", "command" or null}],
 * "evidence": [{"what", "text"}]}; a new reference. `picture` as in ctl-bus.h; `grounds` is
 * what the agent's Explain says, and `unit` what systemd says of mysqld's, {name, active,
 * sub, result, gated}; each may be NULL. -ENOENT where no such node is configured. */
int explain_make(const json_t *picture, const json_t *grounds, const json_t *unit, const char *name, usec_t now, json_t **ret);

void explain_print(FILE *f, const Style *style, const json_t *explained);

/* What the two parts of it go by; all is borrowed. */
typedef struct Explained {
        const json_t *picture, *grounds, *unit, *plan;
        const json_t *report;     /* NULL where it is not heard */
        const json_t *peer;       /* NULL of the node that is asked */
        const json_t *datasource; /* of a server that replicates: its part of the service; else NULL */
        const json_t *primary;    /* of the service */
        const char *name, *state;
        usec_t now;
} Explained;

/* ctl-explain-facts.c: what is found of the node, as {"what", "text"} each, into `list`. */
void explain_facts(const Explained *e, json_t *list);
