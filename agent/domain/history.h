/* Histories: which bootstraps a node's data have been through (rule 6). */
#pragma once

#include "domain/report.h"

/* How two nodes' data relate. */
typedef enum Kinship {
        KINSHIP_SAME,     /* no bootstrap parts them: seqnos compare */
        KINSHIP_DIVERGED, /* the first has commits which the second's history does not hold */
        KINSHIP_AHEAD,    /* the second has commits which the first's history does not hold */
        KINSHIP_FORKED,   /* both went on, each without the other */
} Kinship;

/* NULL for a history that is not known: nothing is concluded from it.
 * `ret_limit` is the seqno up to which the data of both are common, INT64_MAX
 * where nothing parts them; `ret_parting` the bootstrap that does, a pointer
 * into one of the two, else NULL. Both may be NULL. */
Kinship history_compare(const History *a, const Position *at_a, const History *b, const Position *at_b,
                        int64_t *ret_limit, const HistoryEntry **ret_parting);

/* Most are short, and there is one for each node: of `to` no more is touched than is used. */
void history_copy(History *to, const History *from);

/* The same bootstraps of the same clusters: nothing parts the data of the two. */
bool history_equal(const History *a, const History *b);

bool history_has(const History *h, const Uuid *id);

/* Was the node `name` in a Primary component after the bootstrap `e`? So says
 * the record of `o` where it has that bootstrap in its own history. */
bool history_vouches(const Report *o, const char *name, const HistoryEntry *e);

/* Appends; the oldest entry goes when it is full. An id already in it stays. */
void history_add(History *h, const HistoryEntry *e);
