/* Joining: how a stopped node will get what it missed, and when it is its turn.
 * Pure functions over what was heard of all nodes, so that the plan, the gate
 * and the tests say the same.
 *
 * A donor serves one joiner at a time. Around an IST that is a third of the time
 * that joining takes, the rest being each joiner's own (measured: 15 s of 46 on
 * a busy machine): so those who join by IST do not wait for each other's, and
 * whoever finds no donor free asks again a second later. A full copy takes a donor
 * for as long as it takes. So it goes after them; and of these there go as many at
 * once as there are donors free, for each that is done is one donor more.
 *
 * But they enter one by one. Two servers that knock at the same moment keep each
 * other out of the group: the second was let in 6 s after the first, and 0.8 s
 * after its start where it started once the first was in (measured, MariaDB 10.11).
 * An entry is a second's matter, and the view of a Primary node tells of it.
 *
 * Servers that are killed are members for some seconds more, until the others
 * notice. Where those are too few then to stay Primary, nobody joins them
 * meanwhile: who does is neither let in nor sent away, and Galera gives up only
 * after half a minute, in which nobody else can form the cluster either. */
#pragma once

#include "domain/decision.h"

typedef enum Way {
        WAY_UNKNOWN,
        WAY_IST, /* what it missed, from a donor's cache */
        WAY_SST, /* a full copy */
} Way;

typedef struct Forecast {
        Way way;
        bool positioned;      /* it has data of the cluster to go on from */
        int64_t lacks;        /* transactions; negative where that is not known */
        const Voice *donor;   /* of those who are Primary, who keeps most; NULL where none has told */
        const Voice *silent;  /* one who may keep more, and has not told; NULL where all have */
} Forecast;

/* For `o`, stopped, of the cluster of those who are Primary. */
void joining_forecast(const Voice *voices, size_t n, const Report *o, Forecast *ret);

/* A sentence; `primary` is whom it joins. Free `*ret`. */
int joining_text(const Forecast *f, const Report *o, const char *primary, char **ret);

typedef struct Turn {
        bool now;
        const Voice *after; /* else: who goes first, or is on its way in already */
        bool underway;      /* it is on its way in */
        bool donor_free;    /* there is a donor that serves nobody: it need not be so for long */
        bool untold;        /* nobody has told yet what it keeps, so the order is not known */
        bool entering;      /* `after` has yet to be let into the group, and this one follows at once */
        bool fading;        /* the component of `after` has yet to notice who is gone, and will not be Primary then */
} Turn;

/* What is the same for all who would join, and is looked at once for all of them. Borrows
 * from the voices. */
typedef struct Queue {
        size_t n, n_primary, n_donating;
        bool heard_cache;     /* somebody has told from which seqno on it keeps transactions */
        const Voice *fading;  /* NULL where a component lasts, or there is none */
        const Voice *voices;
        bool waits[NAMES_MAX];   /* stopped, and to be started as soon as it may */
        bool entered[NAMES_MAX]; /* live, and in the group */
        Forecast forecast[NAMES_MAX];
} Queue;

/* `n` is at most NAMES_MAX. */
void joining_queue(const Voice *voices, size_t n, const Plan *plan, Queue *ret);

/* For the node `name`, which would join by that plan. */
void joining_turn(const Queue *q, const char *name, Turn *ret);

/* May `name` be the donor? NULL, or why not, in `buf`. */
const char *joining_refuses_donor(const Voice *voices, size_t n, const char *self, const char *name, char buf[static 256]);

/* How long a node that fails to join waits before it tries again. */
usec_t joining_pause(int64_t failures);
