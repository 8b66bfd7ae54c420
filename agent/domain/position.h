/* A position: how far a node's data have come in a cluster's history. */
#pragma once

#include "base/uuid.h"

/* Galera's WSREP_SEQNO_UNDEFINED. */
#define SEQNO_UNDEFINED INT64_C(-1)

typedef struct Position {
        Uuid uuid;     /* the cluster's */
        int64_t seqno; /* SEQNO_UNDEFINED where it is not known */
} Position;

/* A room for "UUID:SEQNO". */
#define POSITION_TEXT_MAX (UUID_TEXT_MAX + 21)

/* Does it say where the data are: a uuid that is not zero, and a seqno of 0 or more? */
static inline bool position_defined(const Position *p) {
        return p->seqno >= 0 && !uuid_is_zero(&p->uuid);
}

static inline bool position_equal(const Position *a, const Position *b) {
        return a->seqno == b->seqno && uuid_equal(&a->uuid, &b->uuid);
}

/* Exactly "UUID:SEQNO", SEQNO from -1 to INT64_MAX; `s` is `n` bytes long. */
int position_parse(const char *s, size_t n, Position *ret);
const char *position_text(const Position *p, char buf[static POSITION_TEXT_MAX]);
