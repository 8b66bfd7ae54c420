/* Names of enum values: a table, read both ways. */
#pragma once

#include "base/macro.h"

/* Defines PREFIX_to_string() and PREFIX_from_string() over an array of `max`
 * names; a value outside it reads "invalid", an unknown name -EINVAL. */
#define DEFINE_STRING_TABLE(prefix, type, names)                              \
        const char *prefix##_to_string(type v) {                              \
                if ((int) v < 0 || (size_t) v >= ELEMENTS(names))             \
                        return "invalid";                                     \
                return names[v];                                              \
        }                                                                     \
        type prefix##_from_string(const char *s) {                            \
                for (size_t i = 0; s && i < ELEMENTS(names); i++)             \
                        if (streq(s, names[i]))                               \
                                return (type) i;                              \
                return (type) -EINVAL;                                        \
        }
