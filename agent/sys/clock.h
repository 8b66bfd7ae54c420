/* The time of a clock in microseconds; 0 where it cannot be read. */
#pragma once

#include "base/macro.h"

#include <time.h>

static inline usec_t clock_usec(clockid_t clock) {
        struct timespec t;

        return clock_gettime(clock, &t) < 0 ? 0 : (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / 1000;
}
