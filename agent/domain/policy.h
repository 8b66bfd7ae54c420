/* The policy of the cluster: how much the agents do by themselves. One for all
 * nodes; it travels in their reports, and whoever hears of a newer one takes it
 * over. Newer by a count that every change raises, never by a clock. */
#pragma once

#include "domain/names.h"

typedef enum Policy {
        POLICY_AUTOMATIC,   /* finds faults, fences, recovers */
        POLICY_MANUAL,      /* finds faults and fences; a person recovers */
        POLICY_MAINTENANCE, /* watches only */
        _POLICY_MAX,
        _POLICY_INVALID = -EINVAL,
} Policy;

const char *policy_to_string(Policy p);
Policy policy_from_string(const char *s);

/* "the agents ...": what that means, for people. */
const char *policy_means(Policy p);

/* All zeros: automatic, and nobody has said so. */
typedef struct Ruling {
        Policy policy;
        int64_t version;
        char node[NAME_SIZE]; /* where it was set, "" for version 0 */
} Ruling;

/* Does `a` prevail over `b`? Two nodes that set one at the same time have
 * counted to the same number: the name decides, and in the last resort the more
 * cautious policy, so that all nodes end with one and the same. */
bool ruling_newer(const Ruling *a, const Ruling *b);

/* Is it one that a node can have? */
bool ruling_valid(const Ruling *r);

/* The one that replaces `now`, set on `node`. -EOVERFLOW where there is none. */
int ruling_next(const Ruling *now, Policy policy, const char *node, Ruling *ret);
