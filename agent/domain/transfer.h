/* A state transfer as it is received: how much, how fast, from whom, and
 * whether it stands still. Fed with what the kernel tells of the connections. */
#pragma once

#include "base/macro.h"

#define TRANSFER_FLOWS_MAX 32

/* One connection. */
typedef struct Flow {
        uint64_t id;
        uint64_t received; /* bytes, since it began */
        bool open;         /* the other side has not ended it */
        char from[46];     /* its address */
} Flow;

typedef struct Transfer {
        usec_t since;      /* it is followed from then on; 0: it is not */
        usec_t moved;      /* when something came last, or who sends it did, or who waits for it */
        uint64_t received; /* at least: what came between the last look and a connection's end is not seen */
        bool awaited;      /* somebody waits for it to come, */
        bool open;         /* or it is coming */
        bool stalled;      /* and that was told */
        char from[46];     /* "" where nobody has sent anything yet */
        uint64_t mark_received; /* at mark_time, for the rate */
        usec_t mark_time;
        uint64_t rate;     /* bytes a second, lately */
        size_t n;
        Flow last[TRANSFER_FLOWS_MAX];
} Transfer;

/* What was seen `now`. */
void transfer_take(Transfer *t, usec_t now, const Flow *flows, size_t n, bool listening);

/* For how long nothing has come, where something should; else 0. */
usec_t transfer_stands(const Transfer *t, usec_t now);

/* More than the greeting that precedes an IST: a full copy. */
bool transfer_is_full(const Transfer *t);

/* A sentence; `from` is the node's name, or NULL. Free `*ret`. */
int transfer_text(const Transfer *t, usec_t now, usec_t limit, const char *from, char **ret);
