/* What is being decided: the voices by name, and what the rules have found out
 * so far. Private to decision.c and need.c. */
#pragma once

#include "domain/decision.h"

#define VOICES_MAX NAMES_MAX

typedef struct Scene {
        size_t n;
        const Voice *voice[VOICES_MAX]; /* by name */
        const Overrule *overrule;
        Uuid uuid;             /* of the cluster, once it is settled */
        const Voice *candidate;
        Plan *plan;
} Scene;

static inline const Report *known(const Voice *v) {
        return v->condition == CONDITION_KNOWN ? v->report : NULL;
}

const Voice *scene_find(const Scene *s, const char *name);

/* Takes part in the comparison: answered, and its data are of this cluster and
 * of one history. */
bool scene_counts(const Scene *s, const Voice *v);

/* Was this node in a Primary component after the bootstrap `e`? So says the
 * record of a node which has that bootstrap in its history. Then it has it too,
 * though its own agent may not have been there to write it down. */
bool scene_vouched(const Scene *s, const char *name, const HistoryEntry *e);

/* Rule 2: fills the plan's `needed`. Wants the candidate. 1 where no proof can
 * come of hearing them: then nobody bootstraps, and where a person must decide
 * the plan is settled. */
int need_find(Scene *s);

/* Those of the needed who were not heard, with what is known of each. */
int need_await(Scene *s);

/* Why a node's word is missing: the end of a sentence. `v` may be NULL. */
const char *need_why(const Voice *v);
