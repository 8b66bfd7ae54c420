/* How a replica stands to the source it is to replicate from: by the
 * transactions that each has, whether it can go on from there, has to be
 * provisioned anew, or has gone its own way.
 *
 * A pure function. It answers PURGED or DIVERGED, after which somebody may
 * replace data, only where that is proved; whatever is doubtful is UNKNOWN, with
 * the reason. Sets are compared as the servers do; see the manual page
 * mainstay-rules(7) for what is asked of whom. */
#pragma once

#include "domain/replication.h"

/* The replica's facts must have been read before the source's: what the source
 * has committed since then it would otherwise seem to lack. */
typedef enum Standing {
        STANDING_UNKNOWN,     /* it cannot be told: nothing follows from it */
        STANDING_IDENTICAL,   /* both have the same */
        STANDING_RECOVERABLE, /* it lacks some, and the source still keeps them */
        STANDING_PURGED,      /* it lacks some that the source keeps no more */
        STANDING_DIVERGED,    /* it has some that the source does not have */
        _STANDING_MAX,
        _STANDING_INVALID = -EINVAL,
} Standing;

const char *standing_to_string(Standing s);
Standing standing_from_string(const char *s);

/* What a MariaDB source answered when the very position was asked for, without
 * touching the replica. */
typedef enum Preflight {
        PREFLIGHT_NONE,      /* it was not asked */
        PREFLIGHT_ACCEPTED,
        PREFLIGHT_PURGED,    /* it keeps no binary log so old */
        PREFLIGHT_NOT_FOUND, /* not in its binary log: the replica is ahead, or the log was reset */
        PREFLIGHT_AMBIGUOUS, /* the same, or extra transactions: the server cannot tell, nor can we */
        PREFLIGHT_FAILED,    /* it was asked, and that was no answer */
        _PREFLIGHT_MAX,
        _PREFLIGHT_INVALID = -EINVAL,
} Preflight;

/* By the error number and text of the source; 0: none. */
Preflight preflight_read(unsigned error, const char *text);

/* Another node than these two. */
typedef struct StandingPeer {
        const char *name;
        const Replication *replication; /* NULL: not heard, or not known */
} StandingPeer;

typedef struct StandingCase {
        const char *replica_name, *source_name;
        const Replication *replica, *source; /* NULL: not known */
        bool blank; /* the replica is known to hold no data of anybody */
        size_t n_peers;
        const StandingPeer *peer;
        Preflight preflight; /* of replication_position(replica) at the source; MariaDB */
} StandingCase;

typedef struct Judgement {
        Standing standing;
        char *text;   /* the evidence, in sentences */
        char *errant; /* DIVERGED: the transactions that the source does not have; else NULL */
} Judgement;

/* Free what is in it with judgement_done(). -ENOMEM. */
int standing_judge(const StandingCase *c, Judgement *ret);
void judgement_done(Judgement *j);

#define _cleanup_judgement_ _cleanup_(judgement_done)
