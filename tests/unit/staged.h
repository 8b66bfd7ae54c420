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

/* Where nothing was done, it is said why. */
static inline int told(int r, const char *text) {
        return r > 0 ? 0 : !*text ? -ENOMSG : r == 0 ? -ECANCELED : r;
}

static inline int do_swap(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_swap(dirfd, "mysql", JOB, text), text);
}

static inline int do_back(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_back(dirfd, "mysql", JOB, text), text);
}

static inline int do_commit(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_commit(dirfd, "mysql", text), text);
}

static inline int do_discard(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_discard(dirfd, "mysql", JOB, text), text);
}

static inline int do_begin(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_begin(dirfd, "mysql", JOB, text), text);
}

static inline int do_check(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_check(dirfd, "mysql", 0, true, text), text);
}

static inline int do_kept(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_kept(dirfd, "mysql", text), text);
}

static inline int do_seal(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";
        json_t *o = json_pack("{s:s}", "position", "0-1-5");
        int r = told(staging_seal(dirfd, "mysql", JOB, o, text), text);

        json_decref(o);
        return r;
}

static inline int do_commit_again(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";
        int r = staging_commit(dirfd, "mysql", text);

        return r == 0 ? 0 : told(r, text); /* it may have been over */
}
