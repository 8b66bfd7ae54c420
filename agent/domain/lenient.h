/* What libgalera itself makes of a grastate.dat: for people who look at one.
 * Nothing is decided by it. Where it differs from what stands there, that has
 * cost somebody data, which is why Mainstay reads the same file strictly. */
#pragma once

#include "domain/position.h"

typedef struct Lenient {
        Position position;
        bool safe_to_bootstrap;
} Lenient;

/* `text` is `n` bytes long, or NULL where there is no file that can be read. */
Lenient lenient_grastate(const char *text, size_t n);
