/* A shun: somebody keeps a node out of service, with a reason and perhaps an
 * end. It outlives restarts of everything, and nothing but its own end or
 * `online` takes it away. */
#pragma once

#include "base/macro.h"

#include <jansson.h>

typedef struct Shun {
        bool set; /* else all of it is zeros */
        char reason[128]; /* "" where none was given */
        char owner[64];   /* who did it, for people; "" where unknown */
        usec_t since, until; /* of the wall clock; `until` 0: for ever */
} Shun;

#define SHUN_TEXT_MAX 384 /* with the NUL */

/* Cuts what is too long. -EINVAL where it would be over before it begins. */
int shun_new(const char *reason, const char *owner, usec_t since, usec_t until, Shun *ret);

/* Is there one no longer, at `now`? That of one without an end never. */
bool shun_is_over(const Shun *s, usec_t now);

/* Why, by whom and until when: what SHUNNED(...) holds; "" where it is not set.
 * Returns `buf`. */
const char *shun_text(const Shun *s, char buf[static SHUN_TEXT_MAX]);

/* As JSON; a new reference, NULL when out of memory. -EBADMSG for what is none,
 * with the end of a sentence in `error`. Unknown keys are ignored. */
json_t *shun_to_json(const Shun *s);
int shun_from_json(const json_t *j, Shun *ret, char error[static 256]);
