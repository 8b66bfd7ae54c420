/* A plan: what shall be done, by whom, and for which reasons. */
#pragma once

#include "domain/names.h"
#include "domain/position.h"

#include <jansson.h>

typedef enum Action {
        ACTION_WAIT,
        ACTION_JOIN,      /* a Primary component exists: `node` is in it */
        ACTION_BOOTSTRAP, /* `node` leads */
        ACTION_REFUSE,    /* waiting will not help: a person must decide */
        _ACTION_MAX,
        _ACTION_INVALID = -EINVAL,
} Action;

const char *action_to_string(Action a);
Action action_from_string(const char *s);

/* How whoever leads becomes Primary. */
typedef enum Manner {
        MANNER_RESTART,  /* its stopped mysqld is started as the bootstrap node */
        MANNER_IN_PLACE, /* its live, non-primary mysqld is told to (rule 8) */
        MANNER_RESUME,   /* all members start with the gvwstate.dat they share, and it is Galera that forms the cluster (rule 9) */
        _MANNER_MAX,
        _MANNER_INVALID = -EINVAL,
} Manner;

const char *manner_to_string(Manner m);
Manner manner_from_string(const char *s);

/* What is claimed, and granted: "the bootstrap", "the resume", ... */
const char *manner_claimed(Manner m);

typedef struct Reason {
        char node[NAME_SIZE]; /* whom it concerns, "" for the cluster */
        char *text;
} Reason;

typedef struct Plan {
        Action action;
        Manner manner; /* of a bootstrap */
        char node[NAME_SIZE]; /* "" where none */
        Position position;       /* of the candidate, where there is one */
        Names needed;            /* who must be heard */
        Names awaited;           /* of those, who was not */
        Names diverged;          /* who has commits that the others do not know of */
        Names stray;             /* of another cluster, and left out */
        Names held;              /* who may not join before more is known */
        Names tarry;             /* who would only have to be asked to start, and the members could resume together */
        Names stop;              /* whose live non-primary mysqld is stopped by its own agent first */
        size_t n_reasons;
        Reason *reason;
} Plan;

int plan_new(Plan **ret);
Plan *plan_free(Plan *p);
DEFINE_CLEANUP(Plan, plan_free)

/* Sets what the plan comes to; `node` may be NULL. */
void plan_settle(Plan *p, Action action, const char *node);

/* Adds a reason that concerns `node`, or the cluster where that is NULL. */
int plan_add(Plan *p, const char *node, const char *format, ...) _printf_(3, 4);

/* {"action", "node", "reasons": [{"node", "text"}], "needed", "awaited"}, and of a bootstrap
 * its "manner"; a new reference. */
int plan_to_json(const Plan *p, json_t **ret);

/* The first reason that concerns `node`, else the first of the cluster, else
 * the first of all; NULL where there is none. */
const char *plan_reason(const Plan *p, const char *node);
