/* The decision: from what was heard of every node to what shall be done, with
 * reasons. A pure function, the same for the agent, for those who grant its
 * claims, for `mainstayctl plan` and for the tests. Its rules are those of the
 * manual page mainstay-rules(7), by their numbers.
 */
#pragma once

#include "domain/plan.h"
#include "domain/report.h"

typedef enum Condition {
        CONDITION_UNCERTAIN, /* anything that is not one of the others; never read as absent */
        CONDITION_ALIVE,     /* no agent answers, but a mysqld does */
        CONDITION_KNOWN,     /* it answered, and this is its report */
        _CONDITION_MAX,
        _CONDITION_INVALID = -EINVAL,
} Condition;

const char *condition_to_string(Condition c);
Condition condition_from_string(const char *s);

/* What is known of one node. Borrowed pointers. */
typedef struct Voice {
        const char *name; /* the node's, or how the configuration calls it while it was never heard */
        Condition condition;
        const Report *report; /* where known */
        const char *why;      /* where not known: what was tried, NULL or a sentence's end */
} Voice;

/* Its report, NULL where it is not known. */
static inline const Report *voice_report(const Voice *v) {
        return v->condition == CONDITION_KNOWN ? v->report : NULL;
}

/* What a person said. */
typedef struct Overrule {
        Names without;     /* given up: need not be heard */
        bool new_cluster;  /* all nodes are blank: `leader` begins a cluster */
        const char *leader; /* only with new_cluster */
        bool all_named;     /* the voices are all nodes there are, though it be one alone */
} Overrule;

/* `voices` in any order, one a node; `overrule` may be NULL. The result does
 * not depend on the order. -EINVAL where two voices have one name. Free
 * `*ret`. */
int decision_make(const Voice *voices, size_t n, const Overrule *overrule, Plan **ret);
