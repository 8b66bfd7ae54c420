/* Stamps: whether the files of a data directory are still the ones that were
 * looked at. What a server found out about its data is true as long as nobody
 * has written to them. */
#pragma once

#include "base/macro.h"

/* grastate.dat, ibdata1, ib_logfile0: Galera's own word, and what InnoDB cannot
 * commit a transaction without changing. */
#define STAMP_FILES 3
extern const char *const stamp_names[STAMP_FILES];

typedef struct Stamp {
        struct {
                bool present;
                uint64_t ino;
                int64_t mtime_nsec; /* nanoseconds since the epoch */
                int64_t size;
        } file[STAMP_FILES];
} Stamp;

/* Of the files in `dirfd`; absent ones are not present. -errno where one of
 * them cannot be looked at. */
int stamp_take(int dirfd, Stamp *ret);

bool stamp_equal(const Stamp *a, const Stamp *b);

/* Is there any file in it? One without says nothing. */
bool stamp_any(const Stamp *s);
