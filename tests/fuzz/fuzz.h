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

/* As a text that ends where its size says, or before. The caller's. */
static inline char *input_text(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);

        MUST(text);
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        return text;
}
