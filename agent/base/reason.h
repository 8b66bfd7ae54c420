/* Reasons: the ends of other sentences, which bring their own full stop. What a
 * server, ssh or systemd says may be a whole sentence. */
#pragma once

#include "base/macro.h"

/* Without the full stops and blanks at its end; for "%.*s", therefore an int. */
static inline int reason_length(const char *s) {
        size_t n = strlen(s);

        while (n > 0 && strchr(". \t\n", s[n - 1]))
                n--;
        return (int) n;
}

/* Takes them off, in place. */
static inline char *reason_trim(char *s) {
        s[reason_length(s)] = '\0';
        return s;
}
