/* What a fuzz target defines, for libFuzzer or for driver.c. */
#pragma once

#include "base/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that does not hold is a crash, also under NDEBUG. */
#define MUST(condition)                    \
        do {                               \
                if (!(condition))          \
                        abort();           \
        } while (0)
