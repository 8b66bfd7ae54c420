/* What is being decided: the voices by name, and what the rules have found out
 * so far. Private to decision.c, live.c and need.c. */
#pragma once

#include "domain/decision.h"

#define VOICES_MAX NAMES_MAX

typedef struct Scene {
        size_t n;
        const Voice *all;               /* as they were given */
        const Voice *voice[VOICES_MAX]; /* by name */
        const Overrule *overrule;
        Uuid uuid;             /* of the cluster, once it is settled */
        const Voice *candidate;
        int64_t newest;        /* S of the newest view, once it is settled who must be heard; SEQNO_UNDEFINED where that is everybody */
        Names spared;          /* live non-primary servers that are in nobody's way (rule 8) */
        Plan *plan;
} Scene;

const Voice *scene_find(const Scene *s, const char *name);

/* Takes part in the comparison: answered, and its data are of this cluster and
 * of one history. */
bool scene_counts(const Scene *s, const Voice *v);

/* Was this node in a Primary component after the bootstrap `e`? So says the
 * record of a node which has that bootstrap in its history. Then it has it too,
 * though its own agent may not have been there to write it down. */
bool scene_vouched(const Scene *s, const char *name, const HistoryEntry *e);

/* The last bootstrap that any node which counts has been through; NULL where
 * there is none of this cluster. */
const HistoryEntry *scene_last_bootstrap(const Scene *s);

/* Do this node's views count? Those of before the last bootstrap are void,
 * whatever their S: a node that was left behind may have gone on to higher ones
 * than the cluster had. */
bool scene_is_current(const Scene *s, const Voice *v, const HistoryEntry *last);

/* Rules 3, 6 and 1, each 1 where it settled the plan; of the last one the
 * servers that have lost the Primary component apart. */
int rule_one_cluster(Scene *s);
int rule_one_history(Scene *s);
int rule_live(Scene *s);
int rule_non_primary(Scene *s);

/* Rule 8, in in-place.c: 1 where it settled the plan; else it has said in
 * `spared` who need not be stopped for it. */
int rule_in_place(Scene *s);

/* Of a live non-primary server: may somebody be in its component who is not heard? */
bool in_place_among_strangers(const Scene *s, const Report *o);

/* Rule 4: does `a` lead before `b`? */
bool scene_leads(const Report *a, const Report *b);

/* Of a bootstrap: why this one leads, and what becomes of the others. */
int scene_explain(Scene *s);

/* What an operator said, here or to another node of those that are heard. */
int scene_without(const Scene *s, Names *ret);

/* Rule 2: fills the plan's `needed`. Wants the candidate. 1 where no proof can
 * come of hearing them: then nobody bootstraps, and where a person must decide
 * the plan is settled. */
int need_find(Scene *s);

/* Rule 9: 1 where all members of the last view can resume it together. 0 where
 * not, with those in `tarry` for whom alone it cannot be. Wants the candidate,
 * and all that are needed heard. */
int rule_resume(Scene *s);

/* Those of the needed who were not heard, with what is known of each. */
int need_await(Scene *s);

/* What an operator on another node gave up for a bootstrap there, where nothing
 * that is seen here speaks against it; NULL where nothing. */
const Names *need_given_up(const Scene *s, const Voice *v);

/* What happens when the nodes awaited return, and how a person gives all of them
 * up: whole sentences. NULL when out of memory. */
char *need_advice(const Names *awaited, const char *then);

/* Why a node's word is missing: the end of a sentence. `v` may be NULL. */
const char *need_why(const Voice *v);
