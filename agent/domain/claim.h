/* Claims and grants (rule 5): how the agents agree that one node bootstraps.
 *
 * Who would lead asks every node that must be heard. Each decides for itself,
 * on what it knows and what the claim rests on, and grants, durably, one claim
 * at a time, only where it comes to the same candidate. What is pure of that
 * is here; persisting and sending belong to the manager. */
#pragma once

#include "domain/decision.h"

/* As text. On 100 nodes with names of a dozen letters, each with as many views of all of them
 * and as many bootstraps as it can tell of, it is 9 MiB; a bus carries 32. */
#define CLAIM_SIZE_MAX ((size_t) 16 * 1024 * 1024)

typedef struct Claim {
        Uuid id;
        char holder[NAME_SIZE];
        Position position; /* the holder's */
        Manner manner;
        Names needed;
        Names without;     /* given up by an operator */
        bool new_cluster;
        size_t n_reports;
        Report *report[NAMES_MAX]; /* what it rests on; owned */
} Claim;

int claim_new(Claim **ret);
Claim *claim_free(Claim *c);
DEFINE_CLEANUP(Claim, claim_free)

/* As text, JSON; free `*ret`. -E2BIG where nobody would read it. */
int claim_format(const Claim *c, char **ret);
int claim_parse(const char *text, Claim **ret, char error[static 256]);

/* The overrule that a claim was made under; borrows from it. */
Overrule claim_overrule(const Claim *c);

/* The history which a bootstrap under this claim goes on from: to `h`, the
 * holder's own, is added what the reports vouch that its data have been through
 * too, without its agent having seen it. */
void claim_base(const Claim *c, History *h);

/* What a grantor judges by: the newest per node of what it knows itself and what the claim
 * rests on. `merged` has room for NAMES_MAX and borrows from both. Returns their number. */
size_t claim_union(const Claim *c, const char *grantor, const Voice *voices, size_t n, Voice *merged);

/* What a grantor keeps. */
typedef struct Grant {
        Uuid id;
        char holder[NAME_SIZE];
        Position position; /* the holder's, when it was given */
        Manner manner;
        Position group;    /* of a resume: the view that the grantor would resume, for no other is meant */
        Uuid agent;        /* of the holder, zero where that was not kept */
        uint64_t epoch;    /* of the holder's report it was given on */
        uint64_t serial;
} Grant;

/* Would the grantor, who knows `voices` (its own among them), grant this?
 * 1: yes. 0: no, and `*ret_text` says why; free it. `standing` is the grant
 * that it has given before, or NULL; `own` its own claim's state. */
int claim_judge(const Claim *c, const char *grantor, const Voice *voices, size_t n, const Grant *standing,
                ClaimState own, char **ret_text);

typedef enum GrantFate {
        GRANT_STANDS,
        GRANT_CONFIRMED, /* the holder is or was Primary under it */
        GRANT_WITHDRAWN, /* the holder gave it up */
        GRANT_VOID,      /* the holder is where it was, and has no such claim any more */
        GRANT_FORGOTTEN, /* it has no such claim any more, and may have led by it: it must be heard */
} GrantFate;

const char *grant_fate_to_string(GrantFate f);

/* What the holder's report makes of a grant. */
GrantFate grant_fate(const Grant *g, const Report *holder);
