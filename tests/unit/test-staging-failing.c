/* A copy beside the data, on a disk of which a call fails, or that cannot do what others
 * can: what was not done is said, this node's own data are whole, and it goes on. */
#include "disk.h"
#include "staged-beside.h"

#include <linux/fs.h>

typedef int (*operation_t)(int dirfd);

/* Lets each call of `operation` fail once; then goes on by `then`. What fails is no refusal. */
static void fail_each(operation_t before, operation_t operation, operation_t then, void (*check)(const Scratch *)) {
        static const int errors[] = { EIO, ENOSPC };
        Scratch s = scratch_new();

        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        int r;

                        prepare(&s);
                        if (before)
                                assert_int_equal(before(s.fd), 0);
                        disk_fail(++n, errors[e]);
                        r = operation(s.fd);
                        failed = disk_failed();
                        CHECK(r == 0 || (failed && (r == -errors[e] || r == -EIO)), str_or(failed, "nothing"));
                        if (operation != do_discard && operation != do_commit)
                                check_between(&s);
                        if (r == 0 && operation == then)
                                check(&s);
                        assert_int_equal(then(s.fd), 0);
                        check(&s);
                        clear(&s);
                } while (failed);
                assert_true(n > 10);
        }
        scratch_done(&s);
}

static void check_discarded(const Scratch *s) {
        assert_true(is(s, "mysql", "own"));
        assert_true(is_gone(s, "mysql" STAGING_NEW) && is_gone(s, "mysql" STAGING_OLD));
}

static void check_begun(const Scratch *s) {
        assert_true(is(s, "mysql", "own") && is_gone(s, "mysql" STAGING_OLD));
        assert_false(is_gone(s, "mysql" STAGING_NEW) || is_gone(s, "mysql"));
        assert_true(is_gone(s, "mysql" STAGING_NEW "/ibdata1"));
}

static void check_sealed(const Scratch *s) {
        json_t *o = staging_note(s->fd, "mysql", true);

        assert_int_equal(json_integer_value(json_object_get(o, "job")), JOB);
        json_decref(o);
        check_unchanged(s);
}

static int do_swap_and_begin(int dirfd) {
        int r = do_swap(dirfd);

        if (r >= 0 && (mkdirat(dirfd, "mysql" STAGING_NEW, 0700) < 0 || mkdirat(dirfd, "mysql" STAGING_NEW "/lab", 0700) < 0))
                r = -errno;
        return r;
}

static void whatever_call_fails_it_is_said_and_goes_on(void **state) {
        fail_each(NULL, do_swap, do_swap, check_swapped);
        fail_each(NULL, do_swap, do_back, check_back);
        fail_each(do_swap, do_back, do_back, check_back);
        fail_each(do_swap_and_begin, do_back, do_back, check_back);
        fail_each(do_swap, do_commit, do_commit_again, check_committed);
        fail_each(NULL, do_discard, do_discard, check_discarded);
        fail_each(NULL, do_begin, do_begin, check_begun);
        fail_each(NULL, do_check, do_check, check_unchanged);
        fail_each(do_forget, do_seal, do_seal, check_sealed);
        fail_each(do_swap, do_kept, do_kept, check_swapped);
}

/* Where the file system knows no exchange of names, nor how not to replace one. */
static void without_an_exchange_it_goes_by_one_name_after_the_other(void **state) {
        static const int errors[] = { EINVAL, ENOSYS };
        Scratch s = scratch_new();

        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        int r;

                        prepare(&s);
                        disk_fail_each("renameat2", errors[e]);
                        disk_fail(++n, EIO);
                        r = do_swap(s.fd);
                        failed = disk_failed();
                        CHECK(r == (failed ? -EIO : 0) || r == 0, str_or(failed, "nothing"));
                        assert_true(is(&s, "mysql", "own") || is(&s, "mysql" STAGING_OLD, "own"));
                        /* Forwards and back. */
                        assert_int_equal(do_swap(s.fd), 0);
                        check_swapped(&s);
                        disk_fail_each("renameat2", errors[e]);
                        r = do_back(s.fd);
                        (void) disk_failed();
                        assert_int_equal(r, 0);
                        check_back(&s);
                        clear(&s);
                } while (failed);
                assert_true(n > 10);
        }
        /* Where it was cut off between the two names, one is put back into the empty place. */
        prepare(&s);
        assert_int_equal(renameat(s.fd, "mysql", s.fd, "mysql" STAGING_OLD), 0);
        assert_int_equal(do_kept(s.fd), 0);
        assert_int_equal(do_back(s.fd), 0);
        check_back(&s);
        clear(&s);
        prepare(&s);
        assert_int_equal(renameat(s.fd, "mysql", s.fd, "mysql" STAGING_OLD), 0);
        assert_int_equal(do_swap(s.fd), 0);
        check_swapped(&s);
        clear(&s);
        /* Begun where it knew one, and it does not any more: nothing is lost. */
        prepare(&s);
        assert_int_equal(renameat2(s.fd, "mysql", s.fd, "mysql" STAGING_NEW, RENAME_EXCHANGE), 0);
        disk_fail_each("renameat2", EINVAL);
        assert_int_equal(do_back(s.fd), -ENOTSUP);
        (void) disk_failed();
        check_between(&s);
        clear(&s);
        scratch_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(whatever_call_fails_it_is_said_and_goes_on),
                cmocka_unit_test(without_an_exchange_it_goes_by_one_name_after_the_other),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
