/* The operations of adapter/staging.h on "mysql", as what crash_after() runs. */
#pragma once

#include "adapter/staging.h"
#include "scratch.h"

#define JOB 7

static inline void seal(const Scratch *s, int64_t job) {
        char text[DATADIR_TEXT_MAX] = "";
        json_t *o = json_pack("{s:s}", "position", "0-1-5");

        assert_int_equal(staging_seal(s->fd, "mysql", job, o, text), 1);
        json_decref(o);
}

static inline int told(int r) {
        return r == 0 ? -ECANCELED : r < 0 ? r : 0;
}

static inline int do_swap(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_swap(dirfd, "mysql", JOB, text));
}

static inline int do_back(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_back(dirfd, "mysql", JOB, text));
}

static inline int do_commit(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_commit(dirfd, "mysql", text));
}

static inline int do_discard(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_discard(dirfd, "mysql", JOB, text));
}

static inline int do_commit_again(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";
        int r = staging_commit(dirfd, "mysql", text);

        return r == 0 ? 0 : told(r); /* it may have been over */
}
