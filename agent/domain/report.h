/* A report: all that one node says of itself, and all that others go by.
 *
 * It is the one thing that agents exchange, that `mainstayctl report` saves
 * and that a claim rests on; as text it is a JSON object. What is absent from
 * it is unknown. Unknown keys are ignored, so that an older agent understands
 * a newer one; a report of an unknown major version is refused.
 */
#pragma once

#include "domain/job.h"
#include "domain/names.h"
#include "domain/policy.h"
#include "domain/position.h"
#include "domain/replication.h"
#include "domain/shun.h"

#include <jansson.h>

#define REPORT_VERSION 1
#define REPORT_SIZE_MAX ((size_t) 1024 * 1024)
#define REPORT_VIEWS_MAX 32
#define HISTORY_MAX 256
#define RELEASED_MAX 64

typedef enum Mysqld {
        MYSQLD_UNKNOWN,
        MYSQLD_STOPPED,
        MYSQLD_STARTING, /* running, and nothing heard from it yet */
        MYSQLD_JOINING,  /* member of a Primary component, not yet synced */
        MYSQLD_NON_PRIMARY,
        MYSQLD_PRIMARY,
        _MYSQLD_MAX,
        _MYSQLD_INVALID = -EINVAL,
} Mysqld;

const char *mysqld_to_string(Mysqld m);
Mysqld mysqld_from_string(const char *s);

/* Running at all, in whatever condition. */
static inline bool mysqld_is_live(Mysqld m) {
        return m >= MYSQLD_STARTING;
}

/* Part of a Primary component. */
static inline bool mysqld_in_primary(Mysqld m) {
        return m == MYSQLD_PRIMARY || m == MYSQLD_JOINING;
}

typedef enum PositionSource {
        SOURCE_NONE, /* there is no position */
        SOURCE_LIVE,
        SOURCE_GRASTATE,
        SOURCE_RECOVERED,
        _SOURCE_MAX,
        _SOURCE_INVALID = -EINVAL,
} PositionSource;

const char *source_to_string(PositionSource s);
PositionSource source_from_string(const char *s);

/* A Primary view. */
typedef struct ReportView {
        Uuid uuid;     /* the cluster's */
        int64_t seqno; /* S: of the configuration change; SEQNO_UNDEFINED where unknown */
        Names members; /* those with data: no arbitrators */
        bool after_gap; /* this node was in no Primary view right before */
} ReportView;

/* One bootstrap. */
typedef struct HistoryEntry {
        Uuid id;           /* random, the claim's */
        Position position; /* of the node that led */
        char leader[NAME_SIZE]; /* "" where it is not known */
        bool foreign; /* nobody agreed to it: it proves nothing about those who were not part of it */
} HistoryEntry;

typedef struct History {
        size_t n;
        HistoryEntry entry[HISTORY_MAX]; /* oldest first */
} History;

typedef enum ClaimState {
        CLAIM_NONE,
        CLAIM_ASKING,   /* not all grants are in */
        CLAIM_GRANTED,  /* all are in, mysqld not yet let go */
        CLAIM_CONSUMED, /* the gate was answered: good for no other start */
        _CLAIM_MAX,
        _CLAIM_INVALID = -EINVAL,
} ClaimState;

const char *claim_state_to_string(ClaimState s);
ClaimState claim_state_from_string(const char *s);

/* What comes in, where mysqld is on its way into the cluster. */
typedef struct Incoming {
        bool set;
        bool full; /* a full copy (SST); else what it missed, or nothing yet */
        int64_t received, rate; /* bytes at least, and a second */
        usec_t since; /* by the clock on the wall */
        char from[NAME_SIZE]; /* a node, or its address; "" where it is not known */
} Incoming;

typedef struct Report {
        char node[NAME_SIZE];
        Uuid agent;     /* of this installation: tells one node under two addresses from two under one name */
        uint64_t epoch; /* starts of the agent */
        uint64_t serial; /* within the epoch; (epoch, serial) orders one node's reports */

        Mysqld mysqld;
        bool wanted; /* somebody or something wants mysqld to run */
        Position position;
        PositionSource source;
        bool unjudged; /* there are data, and which, cannot be told */
        bool schema_cut; /* they may end in half of a schema change: they count, and do not lead */
        bool blank; /* no data of any cluster here: no grastate.dat, or only zeros, and no marks */
        int safe_to_bootstrap; /* 0, 1, or -1: unsaid */
        int64_t weight; /* among equal positions the greater one leads */

        Uuid component;         /* non-primary: the same for all who are in one component; zero: unknown */
        int64_t component_size; /* how many those are, arbitrators among them; 0: unknown */
        bool in_place;          /* non-primary: it can be made Primary as it runs, and has applied all that it received */
        char *in_place_problem; /* why not, for people */

        int64_t cached_from; /* Primary: the first transaction that its cache keeps; 0: unsaid */
        bool donating;       /* Primary: it serves a joiner, or is desynchronised */
        bool resting;        /* stopped: it failed to start or to join, and tries again later */
        bool stranded;       /* starting: it waits for a state transfer, of which nothing has come for a while */
        int64_t join_failures; /* attempts to join in a row that failed */
        Incoming incoming;     /* for people: nothing is decided by it */

        bool have_view; /* `view[0]` is the newest Primary view this node knows of, and can be trusted */
        size_t n_views; /* consecutive views, newest first */
        ReportView *view;
        Names arbitrators; /* in the newest of them */
        bool have_group;
        Position group; /* stopped: the group's own name of the newest of them, by a gvwstate.dat with which this node could resume it */
        char *view_problem; /* why there is none, where there should be */

        bool have_history;
        History *history;
        bool settled;  /* its data have been through that history, and no other */
        Names led;     /* who bootstrapped by a grant of this node, which has not been with them since */
        Names marks;   /* what keeps it from leading */
        char *mark_text[NAMES_MAX]; /* of each the evidence, and what clears it; NULL where unsaid */

        ClaimState claim;
        Uuid claim_id;       /* own, where claim is not CLAIM_NONE */
        size_t n_released;   /* own claims given up */
        Uuid released[RELEASED_MAX];
        bool have_grant;
        Uuid grant_id;
        char grant_holder[NAME_SIZE];

        Ruling ruling; /* the policy this node goes by */
        bool asked;    /* a person asks for a bootstrap here */
        Names without; /* nodes which an operator gave up for the bootstrap under way here */
        char *problem; /* what is wrong with this node's files or run, for people */
        Replication *replication; /* of a server that is no node of a Galera cluster; NULL of one that is */
        Shun shun;    /* somebody keeps this node out of service */
        bool offline; /* it was set offline, by a person or at the end of a recovery, until `online` */
        Job *job;     /* the one that runs, else the last one; of what was read the newest steps. NULL: there never was one */
} Report;

int report_new(Report **ret);
Report *report_free(Report *r);
DEFINE_CLEANUP(Report, report_free)
int report_copy(const Report *r, Report **ret);

/* New references. `report_from_json` leaves a sentence in `error` and returns
 * -EBADMSG for nonsense, -EPROTONOSUPPORT for another version. */
int report_to_json(const Report *r, json_t **ret);
int report_from_json(const json_t *j, Report **ret, char error[static 256]);

/* The same as text, of at most REPORT_SIZE_MAX bytes; free `*ret`. Where it would
 * be more, the steps of the job are left out: nothing is decided by them. */
int report_format(const Report *r, char **ret);
int report_parse(const char *text, Report **ret, char error[static 256]);

/* Is `a` younger than `b`? Both are of one node. */
bool report_newer(const Report *a, const Report *b);
/* Do they say the same, serial and epoch aside? */
bool report_same(const Report *a, const Report *b);

/* Adds a mark with its text, or replaces the text. */
int report_mark(Report *r, const char *mark, const char *text);
/* What is said of the first mark; NULL where there is none, or nothing said. */
const char *report_mark_text(const Report *r);

/* The uuid of the position, also where the seqno is undefined. */
static inline bool report_has_position(const Report *r) {
        return r->source != SOURCE_NONE && position_defined(&r->position);
}
