/* A copy beside the data, and the exchange of the two: whatever cuts it off, this
 * node's own data are whole under one of three names, and can be put back. */
#include "crash.h"
#include "staged.h"

#include <linux/fs.h>

/* Something that tells one from the other. */
static void make(const Scratch *s, const char *name, const char *whose) {
        char path[128];

        assert_int_equal(mkdirat(s->fd, name, 0750), 0);
        (void) snprintf(path, sizeof(path), "%s/ibdata1", name);
        scratch_put(s, path, whose, strlen(whose));
        (void) snprintf(path, sizeof(path), "%s/lab", name);
        assert_int_equal(mkdirat(s->fd, path, 0700), 0);
        (void) snprintf(path, sizeof(path), "%s/lab/t.ibd", name);
        scratch_put(s, path, whose, strlen(whose));
}

static bool is(const Scratch *s, const char *name, const char *whose) {
        char path[128], deep[128];

        (void) snprintf(path, sizeof(path), "%s/ibdata1", name);
        (void) snprintf(deep, sizeof(deep), "%s/lab/t.ibd", name);
        return scratch_is(s, path, whose) && scratch_is(s, deep, whose);
}

static bool is_gone(const Scratch *s, const char *name) {
        return faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

static void prepare(const Scratch *s) {
        make(s, "mysql", "own");
        make(s, "mysql" STAGING_NEW, "copy");
        seal(s, JOB);
}

static void clear(const Scratch *s) {
        assert_int_equal(datadir_remove(s->fd, "mysql"), 0);
        assert_int_equal(datadir_remove(s->fd, "mysql" STAGING_NEW), 0);
        assert_int_equal(datadir_remove(s->fd, "mysql" STAGING_OLD), 0);
}

/* There is always a whole set of data in place, and the own ones are kept. */
static void check_between(const Scratch *s) {
        bool own = is(s, "mysql", "own"), copy = is(s, "mysql", "copy");

        assert_true(own != copy);
        assert_true(own || is(s, "mysql" STAGING_NEW, "own") || is(s, "mysql" STAGING_OLD, "own"));
}

/* Kills `operation` after each of its system calls; then goes on by `then`. */
static void cut_off(crash_operation_t before, crash_operation_t operation, crash_operation_t then, void (*check)(const Scratch *)) {
        Scratch s = scratch_new();
        unsigned n = 0;
        int r;

        do {
                prepare(&s);
                if (before)
                        assert_int_equal(before(s.fd), 0);
                r = crash_after(operation, s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                check_between(&s);
                assert_int_equal(then(s.fd), 0);
                check(&s);
                clear(&s);
        } while (r == 1);
        assert_true(n > 10);
        scratch_done(&s);
}

static void check_swapped(const Scratch *s) {
        assert_true(is(s, "mysql", "copy"));
        assert_true(is(s, "mysql" STAGING_OLD, "own"));
        assert_true(is_gone(s, "mysql" STAGING_NEW));
}

static void check_back(const Scratch *s) {
        assert_true(is(s, "mysql", "own"));
        assert_true(is_gone(s, "mysql" STAGING_OLD));
        assert_int_equal(do_discard(s->fd), 0);
        assert_true(is(s, "mysql", "own"));
        assert_true(is_gone(s, "mysql" STAGING_NEW));
}

static void a_swap_that_is_cut_off_goes_on(void **state) {
        cut_off(NULL, do_swap, do_swap, check_swapped);
}

static void a_swap_that_is_cut_off_is_taken_back(void **state) {
        cut_off(NULL, do_swap, do_back, check_back);
}

/* Once it has begun, nothing half deleted is put back. */
static void check_committed(const Scratch *s) {
        assert_true(is(s, "mysql", "copy"));
        assert_true(is_gone(s, "mysql" STAGING_OLD));
        assert_true(is_gone(s, "mysql" STAGING_NEW));
}

static void a_commit_that_is_cut_off_goes_on(void **state) {
        Scratch s = scratch_new();
        unsigned n = 0;
        int r;

        do {
                prepare(&s);
                assert_int_equal(do_swap(s.fd), 0);
                r = crash_after(do_commit, s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                assert_true(is(&s, "mysql", "copy"));
                assert_int_equal(do_commit_again(s.fd), 0);
                check_committed(&s);
                clear(&s);
        } while (r == 1);
        assert_true(n > 10);
        scratch_done(&s);
}

static void what_is_taken_back_goes_on_being_so(void **state) {
        cut_off(do_swap, do_back, do_back, check_back);
}

/* Between the two names a discard could take the own data. */
static void a_discard_never_takes_the_own_data(void **state) {
        _cleanup_free_ char *note = NULL;
        Scratch s = scratch_new();

        prepare(&s);
        assert_int_equal(renameat2(s.fd, "mysql", s.fd, "mysql" STAGING_NEW, RENAME_EXCHANGE), 0);
        assert_int_equal(do_discard(s.fd), -ECANCELED);
        assert_true(is(&s, "mysql" STAGING_NEW, "own"));
        /* A note that cannot be read is not one that is not there. */
        note = scratch_get(&s, "mysql/" STAGING_NOTE);
        scratch_puts(&s, "mysql/" STAGING_NOTE, "");
        assert_int_equal(do_discard(s.fd), -EBADMSG);
        assert_int_equal(do_back(s.fd), -EBADMSG);
        assert_true(is(&s, "mysql" STAGING_NEW, "own"));
        scratch_puts(&s, "mysql/" STAGING_NOTE, note);
        assert_int_equal(do_back(s.fd), 0);
        check_back(&s);
        clear(&s);
        scratch_done(&s);
}

static void tear(const Scratch *s, const char *in) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/" STAGING_NOTE, in);
        scratch_puts(s, path, "{ \"job\": ");
}

/* No job goes by it, and each says what a person can do; that is done. */
static void a_torn_note_is_ended_by_a_person(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        Scratch s = scratch_new();

        /* A copy in place: back. */
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        tear(&s, "mysql");
        assert_int_equal(staging_back(s.fd, "mysql", JOB, text), -EBADMSG);
        assert_non_null(strstr(text, STAGING_NOTE " in mysql is damaged"));
        assert_non_null(strstr(text, "in mysql" STAGING_OLD ": mainstayctl provision rollback puts them back, provision commit deletes"));
        assert_int_equal(do_swap(s.fd), -EBADMSG);
        assert_int_equal(do_discard(s.fd), -EBADMSG);
        assert_true(is(&s, "mysql", "copy") && is(&s, "mysql" STAGING_OLD, "own"));
        assert_int_equal(staging_kept(s.fd, "mysql", text), 1);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 1);
        assert_int_equal(staging_discard(s.fd, "mysql", 0, text), 1);
        assert_true(is(&s, "mysql", "own") && is_gone(&s, "mysql" STAGING_NEW) && is_gone(&s, "mysql" STAGING_OLD));
        clear(&s);

        /* Or kept. */
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        tear(&s, "mysql");
        assert_int_equal(do_commit(s.fd), 0);
        assert_true(is(&s, "mysql", "copy") && is_gone(&s, "mysql" STAGING_OLD) && is_gone(&s, "mysql/" STAGING_NOTE));
        clear(&s);

        /* A swap that was cut off: the own data are where a copy is made. */
        prepare(&s);
        assert_int_equal(renameat2(s.fd, "mysql", s.fd, "mysql" STAGING_NEW, RENAME_EXCHANGE), 0);
        tear(&s, "mysql");
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), -EBADMSG);
        assert_non_null(strstr(text, "in mysql" STAGING_NEW ": mainstayctl provision rollback"));
        assert_int_equal(staging_discard(s.fd, "mysql", 0, text), 0);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 1);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 1);
        assert_true(is(&s, "mysql", "own"));
        clear(&s);

        /* Beside the own data: there is nothing to put back. */
        prepare(&s);
        tear(&s, "mysql" STAGING_NEW);
        assert_int_equal(staging_swap(s.fd, "mysql", JOB, text), -EBADMSG);
        assert_non_null(strstr(text, STAGING_NOTE " in mysql" STAGING_NEW " is damaged"));
        assert_non_null(strstr(text, "mainstayctl provision commit leaves what is in mysql, and"));
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0);
        assert_int_equal(do_commit(s.fd), 0);
        assert_true(is(&s, "mysql", "own") && is_gone(&s, "mysql" STAGING_NEW));
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 1);
        clear(&s);

        /* One that is left over. */
        make(&s, "mysql", "own");
        tear(&s, "mysql");
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), -EBADMSG);
        assert_non_null(strstr(text, "provision commit leaves"));
        assert_int_equal(do_commit(s.fd), 0);
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 1);
        assert_true(is(&s, "mysql", "own"));
        clear(&s);
        scratch_done(&s);
}

static void only_a_whole_copy_of_the_job_is_swapped_in(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* there is none */
        make(&s, "mysql" STAGING_NEW, "copy");
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* it is not sealed */
        seal(&s, JOB + 1);
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* of another one */
        assert_true(is(&s, "mysql", "own"));
        seal(&s, JOB);
        make(&s, "mysql" STAGING_OLD, "older");
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* somebody's data have the name */
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 0);
        assert_non_null(strstr(text, "commit"));
        assert_true(is(&s, "mysql", "own") && is(&s, "mysql" STAGING_OLD, "older"));
        clear(&s);
        scratch_done(&s);
}

/* Own data are deleted by no other way than a commit of a copy. */
static void a_commit_deletes_only_what_a_copy_has_replaced(void **state) {
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(do_commit(s.fd), -ECANCELED); /* nothing was replaced */
        make(&s, "mysql" STAGING_OLD, "older");
        assert_int_equal(do_commit(s.fd), -ECANCELED); /* by no copy */
        assert_true(is(&s, "mysql" STAGING_OLD, "older"));
        clear(&s);
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        assert_int_equal(do_commit(s.fd), 0);
        assert_true(is(&s, "mysql", "copy") && is_gone(&s, "mysql" STAGING_OLD));
        assert_true(is_gone(&s, "mysql" STAGING_NEW));
        /* From then on it is the own one. */
        assert_null(staging_note(s.fd, "mysql", false));
        assert_int_equal(do_back(s.fd), 0);
        assert_true(is(&s, "mysql", "copy"));
        clear(&s);
        scratch_done(&s);
}

static void a_rollback_without_the_old_data_is_refused(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        Scratch s = scratch_new();

        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        assert_int_equal(datadir_remove(s.fd, "mysql" STAGING_OLD), 0);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 0);
        assert_true(is(&s, "mysql", "copy"));
        clear(&s);
        scratch_done(&s);
}

/* Before a server is stopped for a rollback. */
static void what_is_kept_is_told(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0);
        clear(&s);
        prepare(&s);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0); /* a copy beside it is none */
        assert_int_equal(do_swap(s.fd), 0);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 1);
        assert_int_equal(do_commit(s.fd), 0);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0);
        clear(&s);
        scratch_done(&s);
}

static void room_is_looked_for(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(staging_check(s.fd, "mysql", UINT64_C(1) << 60, false, text), 0);
        assert_non_null(strstr(text, "--force=space"));
        assert_int_equal(staging_check(s.fd, "mysql", UINT64_C(1) << 60, true, text), 1);
        clear(&s);
        scratch_done(&s);
}

static void data_elsewhere_are_found(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 1);
        scratch_put(&s, "mysql/lab/t.isl", "/srv/t.ibd", 10);
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 0);
        assert_non_null(strstr(text, "t.isl"));
        assert_int_equal(unlinkat(s.fd, "mysql/lab/t.isl", 0), 0);
        assert_int_equal(symlinkat("/srv", s.fd, "mysql/shop"), 0);
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 0);
        assert_non_null(strstr(text, "shop"));
        clear(&s);
        scratch_done(&s);
}

static void a_begin_removes_what_was_left(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        prepare(&s);
        assert_int_equal(staging_begin(s.fd, "mysql", JOB, text), 1);
        assert_false(is(&s, "mysql" STAGING_NEW, "copy"));
        assert_false(is_gone(&s, "mysql" STAGING_NEW));
        assert_null(staging_note(s.fd, "mysql", true));
        clear(&s);
        scratch_done(&s);
}

#define CLONE "mainstay-clone"

static int do_hoist(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_hoist(dirfd, "mysql", CLONE, text));
}

/* Wherever it was cut off, and never without a clone. */
static void a_clone_goes_one_level_up(void **state) {
        Scratch s = scratch_new();
        unsigned n = 0;
        int r;

        do {
                assert_int_equal(mkdirat(s.fd, "mysql" STAGING_NEW, 0750), 0);
                assert_int_equal(do_hoist(s.fd), -ENOENT);
                make(&s, "mysql" STAGING_NEW "/" CLONE, "clone");
                scratch_puts(&s, "mysql" STAGING_NEW "/" CLONE "/mysql.ibd", "");
                r = crash_after(do_hoist, s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                assert_int_equal(do_hoist(s.fd), 0);
                assert_true(is(&s, "mysql" STAGING_NEW, "clone"));
                assert_true(is_gone(&s, "mysql" STAGING_NEW "/" CLONE));
                assert_int_equal(do_hoist(s.fd), 0);
                assert_int_equal(datadir_remove(s.fd, "mysql" STAGING_NEW), 0);
        } while (r == 1);
        scratch_done(&s);
}

static void half_a_clone_is_none(void **state) {
        Scratch s = scratch_new();

        assert_int_equal(mkdirat(s.fd, "mysql" STAGING_NEW, 0750), 0);
        make(&s, "mysql" STAGING_NEW "/" CLONE, "clone");
        assert_int_equal(do_hoist(s.fd), -ENOENT); /* it has no dictionary */
        clear(&s);
        scratch_done(&s);
}

static void what_is_this_node_s_own_is_carried_over(void **state) {
        Scratch s = scratch_new();
        char text[DATADIR_TEXT_MAX] = "";
        struct stat st;

        make(&s, "mysql", "own");
        make(&s, "mysql" STAGING_NEW, "copy");
        scratch_puts(&s, "mysql/mysqld-auto.cnf", "{}");
        scratch_puts(&s, "mysql/server-key.pem", "key");
        scratch_puts(&s, "mysql/ca.pem", "ours");
        scratch_puts(&s, "mysql/auto.cnf", "identity");
        scratch_puts(&s, "mysql" STAGING_NEW "/ca.pem", "theirs");
        assert_int_equal(fchmodat(s.fd, "mysql/server-key.pem", 0600, 0), 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(staging_carry(s.fd, "mysql", text), 1);
                assert_true(scratch_is(&s, "mysql" STAGING_NEW "/mysqld-auto.cnf", "{}"));
                assert_true(scratch_is(&s, "mysql" STAGING_NEW "/server-key.pem", "key"));
                assert_true(scratch_is(&s, "mysql" STAGING_NEW "/ca.pem", "theirs"));
                assert_true(is_gone(&s, "mysql" STAGING_NEW "/auto.cnf"));
        }
        assert_int_equal(fstatat(s.fd, "mysql" STAGING_NEW "/server-key.pem", &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        clear(&s);
        scratch_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_clone_goes_one_level_up),
                cmocka_unit_test(half_a_clone_is_none),
                cmocka_unit_test(what_is_this_node_s_own_is_carried_over),
                cmocka_unit_test(a_swap_that_is_cut_off_goes_on),
                cmocka_unit_test(a_swap_that_is_cut_off_is_taken_back),
                cmocka_unit_test(what_is_taken_back_goes_on_being_so),
                cmocka_unit_test(a_commit_that_is_cut_off_goes_on),
                cmocka_unit_test(a_discard_never_takes_the_own_data),
                cmocka_unit_test(a_torn_note_is_ended_by_a_person),
                cmocka_unit_test(only_a_whole_copy_of_the_job_is_swapped_in),
                cmocka_unit_test(a_commit_deletes_only_what_a_copy_has_replaced),
                cmocka_unit_test(a_rollback_without_the_old_data_is_refused),
                cmocka_unit_test(what_is_kept_is_told),
                cmocka_unit_test(room_is_looked_for),
                cmocka_unit_test(data_elsewhere_are_found),
                cmocka_unit_test(a_begin_removes_what_was_left),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
