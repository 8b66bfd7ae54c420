/* grastate.dat: what Galera says of its own data. Read strictly: where
 * libgalera guesses, this reports an error. */
#pragma once

#include "domain/position.h"

typedef enum GrastateSafe {
        GRASTATE_SAFE_UNSAID, /* no such line: before galera 3.19 */
        GRASTATE_SAFE_NO,
        GRASTATE_SAFE_YES,
} GrastateSafe;

typedef struct Grastate {
        Position position; /* a running or crashed server: its uuid and -1 */
        GrastateSafe safe_to_bootstrap;
} Grastate;

/* More than this is not a grastate.dat. */
#define GRASTATE_SIZE_MAX ((size_t) 4096)

/* Parse `n` bytes of text. On failure -EBADMSG, and a sentence with the line
 * number that a person can act upon is written to `error`. */
int grastate_parse(const char *text, size_t n, Grastate *ret, char error[static 256]);

/* What a file that Mainstay writes consists of, final newline included.
 * Returns the number of bytes, without the NUL. */
size_t grastate_format(const Grastate *g, char buf[static 512]);
