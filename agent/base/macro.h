/* Cleanup attributes and the few macros that every file needs.
 *
 * Errors, everywhere in this tree: a negative return is a failure, an errno
 * value, passed on unchanged by whoever cannot mend it. Zero and positive
 * returns are outcomes, and the header that declares the function documents
 * them. Outputs are the last parameters, are called ret_..., and are written
 * only on success. An x_free() accepts NULL and half-built objects and returns
 * NULL, so that `p = x_free(p)` leaves nothing dangling.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t usec_t;
#define USEC_PER_MSEC ((usec_t) 1000)
#define USEC_PER_SEC ((usec_t) 1000000)
#define USEC_NEVER UINT64_MAX

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

#define DEFINE_CLEANUP(type, func)                 \
        static inline void func##p(type **p) {     \
                if (*p)                            \
                        *p = func(*p);             \
        }

static inline void freep(void *p) {
        free(*(void **) p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

static inline void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* Equal, where NULL equals only NULL. */
static inline bool streq_null(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static inline const char *str_or(const char *s, const char *fallback) {
        return s && *s ? s : fallback;
}

#define TAKE(p)                                    \
        ({                                         \
                __typeof__(p) *_pp = &(p);         \
                __typeof__(p) _taken = *_pp;       \
                *_pp = NULL;                       \
                _taken;                            \
        })
