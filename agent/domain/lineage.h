/* Lineage: which bootstraps the data of a running Primary component have been
 * through, by what the nodes tell (rule 6).
 *
 * A member that has just joined tells of what its data were before, so its word
 * counts where it is settled. Where no member is, every node must be heard:
 * whoever led has written that down, so where all tell of one line, the longest
 * of them is complete. All members are not enough: who led may have left. */
#pragma once

#include "domain/decision.h"

typedef struct Lineage {
        const History *history; /* borrowed; NULL where it cannot be told */
        bool forked;            /* it cannot, for they contradict each other */
        Names unheard;          /* else: whose word would tell */
} Lineage;

/* Of the component that `member` is in, a Primary voice among `voices`. Negative
 * errno where names do not fit. */
int lineage_of(const Voice *voices, size_t n, const Voice *member, Lineage *ret);

/* Of a component whose members the server of `voices[0]` alone tells, for its agent has no record
 * of this start: no past follows from that. But where they are all nodes, and all are in service,
 * all have the same data now, and what nobody wrote down has happened to all of them alike. */
int lineage_of_all(const Voice *voices, size_t n, const Names *members, Lineage *ret);

/* Are two Primary members of two components of one cluster? Either neither was
 * ever told of the other, or their data have been through different bootstraps. */
bool lineage_apart(const Report *a, const Report *b);
