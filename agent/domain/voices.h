/* From what was heard at each address to one voice a node, as the decision wants
 * it. Several addresses may lead to one node, and two nodes may call themselves
 * by one name, or carry one identity: whoever cannot be told from another is
 * not heard. */
#pragma once

#include "domain/decision.h"

/* Who this node is. */
typedef struct Self {
        const char *name;
        Uuid agent;
        uint64_t epoch, serial; /* the newest report that it has given out */
} Self;

/* What is known of one configured address. Borrowed pointers. */
typedef struct Heard {
        const char *label;    /* how the configuration calls it */
        const char *known_as; /* the name once heard there, or NULL */
        Condition condition;
        const Report *report; /* where known */
        const char *why;      /* where not */
} Heard;

/* Is it this node's own report, come back to it through an address of its own?
 * One that has the name or the identity alone is another machine's. */
bool voices_is_self(const Self *self, const Report *r);

/* Fills `voices`, which has room for NAMES_MAX, with this node's `own` report
 * first. Returns their number. */
size_t voices_merge(const Self *self, const Report *own, const Heard *heard, size_t n, Voice *voices);
