/* A copy beside the data, as the tests of it make and judge it. */
#pragma once

#include "staged.h"

/* Something that tells one from the other. */
static inline void make(const Scratch *s, const char *name, const char *whose) {
        char path[128];

        assert_int_equal(mkdirat(s->fd, name, 0750), 0);
        (void) snprintf(path, sizeof(path), "%s/ibdata1", name);
        scratch_put(s, path, whose, strlen(whose));
        (void) snprintf(path, sizeof(path), "%s/lab", name);
        assert_int_equal(mkdirat(s->fd, path, 0700), 0);
        (void) snprintf(path, sizeof(path), "%s/lab/t.ibd", name);
        scratch_put(s, path, whose, strlen(whose));
}

static inline bool is(const Scratch *s, const char *name, const char *whose) {
        char path[128], deep[128];

        (void) snprintf(path, sizeof(path), "%s/ibdata1", name);
        (void) snprintf(deep, sizeof(deep), "%s/lab/t.ibd", name);
        return scratch_is(s, path, whose) && scratch_is(s, deep, whose);
}

static inline bool is_gone(const Scratch *s, const char *name) {
        return faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

static inline void prepare(const Scratch *s) {
        make(s, "mysql", "own");
        make(s, "mysql" STAGING_NEW, "copy");
        seal(s, JOB);
}

static inline void clear(const Scratch *s) {
        assert_int_equal(datadir_remove(s->fd, "mysql"), 0);
        assert_int_equal(datadir_remove(s->fd, "mysql" STAGING_NEW), 0);
        assert_int_equal(datadir_remove(s->fd, "mysql" STAGING_OLD), 0);
}

/* There is always a whole set of data in place, and the own ones are kept. */
static inline void check_between(const Scratch *s) {
        bool own = is(s, "mysql", "own"), copy = is(s, "mysql", "copy");

        assert_true(own != copy);
        assert_true(own || is(s, "mysql" STAGING_NEW, "own") || is(s, "mysql" STAGING_OLD, "own"));
}

static inline void check_swapped(const Scratch *s) {
        assert_true(is(s, "mysql", "copy"));
        assert_true(is(s, "mysql" STAGING_OLD, "own"));
        assert_true(is_gone(s, "mysql" STAGING_NEW));
}

static inline void check_back(const Scratch *s) {
        assert_true(is(s, "mysql", "own"));
        assert_true(is_gone(s, "mysql" STAGING_OLD));
        assert_int_equal(do_discard(s->fd), 0);
        assert_true(is(s, "mysql", "own"));
        assert_true(is_gone(s, "mysql" STAGING_NEW));
}

/* Once it has begun, nothing half deleted is put back. */
static inline void check_committed(const Scratch *s) {
        assert_true(is(s, "mysql", "copy"));
        assert_true(is_gone(s, "mysql" STAGING_OLD));
        assert_true(is_gone(s, "mysql" STAGING_NEW));
}

static inline void check_unchanged(const Scratch *s) {
        assert_true(is(s, "mysql", "own") && is(s, "mysql" STAGING_NEW, "copy") && is_gone(s, "mysql" STAGING_OLD));
}

/* The copy is not sealed any more. */
static inline int do_forget(int dirfd) {
        return unlinkat(dirfd, "mysql" STAGING_NEW "/" STAGING_NOTE, 0) < 0 ? -errno : 0;
}
