/* The jobs on disk, where a call fails or memory is short: what was not kept is told, and
 * nobody goes on with what was not begun. */
#include "disk.h"
#include "memory.h"
#include "stored-jobs.h"

static const int errors[] = { EIO, ENOSPC, EDQUOT };

static JobStore *try_open(const Place *p, int *ret) {
        char error[256] = "";
        JobStore *s = NULL;

        *ret = job_store_open(p->state.path, &s, error);
        assert_true(*ret < 0 ? !s && error[0] : s != NULL);
        return s;
}

/* Two that run, of which one cannot be gone on with, and one that is over. */
static void prepare_two(const Place *p) {
        _cleanup_(job_freep) Job *old = new_job(3), *older = new_job(2), *new = new_job(5);

        scratch_clear(&p->jobs);
        put_ended(p, 1, 1);
        assert_int_equal(job_begin_step(old, "copy", 20), 0);
        assert_int_equal(job_end_step(old, true, "It is done.", 21), 0);
        put_job(p, older);
        put_job(p, old);
        put_job(p, new);
        scratch_puts(&p->jobs, ".00000005.json.0123abcd.tmp", "{");
        scratch_puts(&p->jobs, ".00000005.json.bak", "{");
}

static void what_cannot_be_read_is_told(void **state) {
        _cleanup_place_ Place p = place_new();

        (void) state;
        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        JobStore *s;
                        int r;

                        prepare_two(&p);
                        disk_fail(++n, errors[e]);
                        s = try_open(&p, &r);
                        failed = disk_failed();
                        assert_true(r == 0 || (failed && r == -errors[e]));
                        /* Each is there, or what became of it is said. */
                        if (s && s->n < 4)
                                assert_true(failed && s->n_problems > 0);
                        s = job_store_free(s);
                        s = open_store(&p);
                        assert_int_equal(job_store_running(s)->id, 5);
                        assert_int_equal(job_store_find(s, 3)->state, JOB_FAILED);
                        assert_int_equal(job_store_find(s, 2)->state, JOB_FAILED);
                        assert_int_equal(job_store_find(s, 3)->step[0].state, STEP_DONE);
                        assert_int_equal(s->n, 4);
                        s = job_store_free(s);
                        assert_int_equal(faccessat(p.jobs.fd, ".00000005.json.0123abcd.tmp", F_OK, 0), -1);
                        assert_int_equal(faccessat(p.jobs.fd, ".00000005.json.bak", F_OK, 0), 0);
                } while (failed);
                assert_true(n > 20);
        }
        assert_null(job_store_free(NULL));
}

static void where_memory_is_short_it_is_said(void **state) {
        _cleanup_place_ Place p = place_new();
        unsigned n = 0;
        bool refused;

        (void) state;
        do {
                JobStore *s;
                int r;

                prepare_two(&p);
                memory_refuse(++n);
                s = try_open(&p, &r);
                refused = memory_refused();
                assert_true(r == 0 || (refused && r == -ENOMEM));
                if (s && s->n < 4)
                        assert_true(refused && s->n_problems > 0);
                s = job_store_free(s);
                s = open_store(&p);
                assert_int_equal(s->n, 4);
                s = job_store_free(s);
        } while (refused);
        assert_true(n > 20);
}

/* What it was before, or what it is to be: told by the return. */
static void check_save(const Place *p, JobKind kind, bool begun, unsigned n, int error, const char **ret_failed, bool *ret_refused) {
        _cleanup_(job_freep) Job *job = NULL;
        JobStore *s;
        int r;

        scratch_clear(&p->jobs);
        s = open_store(p);
        assert_int_equal(job_new(1, kind, "db2", "db1", "anna", NULL, 10, &job), 0);
        if (begun) {
                assert_int_equal(job_store_save(s, job), 0);
                assert_int_equal(job_begin_step(job, "copy", 20), 0);
        }
        if (error > 0)
                disk_fail(n, error);
        else
                memory_refuse(n);
        r = job_store_save(s, job);
        *ret_failed = disk_failed();
        *ret_refused = memory_refused();
        assert_true(r == 0 || (error > 0 ? *ret_failed != NULL : *ret_refused && r == -ENOMEM));
        if (r == 0)
                assert_int_equal(job_store_running(s)->n_steps, begun);
        else if (begun)
                assert_int_equal(job_store_running(s)->n_steps, 0);
        else
                assert_null(job_store_running(s));
        s = job_store_free(s);

        s = open_store(p);
        assert_int_equal(s->n_problems, 0);
        /* A failed sync of a step may come out either way; of a beginning it does not. */
        if (r == 0 || begun)
                assert_true(job_store_running(s)->n_steps == (size_t) begun || (r < 0 && job_store_running(s)->n_steps == 0));
        else
                assert_int_equal(s->n, 0);
        s = job_store_free(s);
        assert_int_equal(faccessat(p->jobs.fd, ".00000001.json.tmp", F_OK, 0), -1);
}

static void what_was_not_kept_is_not_begun(void **state) {
        static const JobKind kinds[] = { JOB_RECOVER, JOB_PROVISION };
        _cleanup_place_ Place p = place_new();

        (void) state;
        for (size_t i = 0; i < 4; i++) {
                const char *failed;
                bool refused;
                unsigned n;

                for (size_t e = 0; e < ELEMENTS(errors); e++) {
                        n = 0;
                        do
                                check_save(&p, kinds[i % 2], i / 2, ++n, errors[e], &failed, &refused);
                        while (failed);
                        assert_true(n > 8);
                }
                n = 0;
                do
                        check_save(&p, kinds[i % 2], i / 2, ++n, 0, &failed, &refused);
                while (refused);
                assert_true(n > 8);
        }
}

/* What fills the disk is not begun where nothing can be kept free for its end. */
static void without_a_reserve_no_copy_is_begun(void **state) {
        static const JobKind kinds[] = { JOB_PROVISION, JOB_RECOVER };
        _cleanup_place_ Place p = place_new();

        (void) state;
        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                _cleanup_(job_freep) Job *job = NULL;
                JobStore *s = open_store(&p);

                if (i == 0)
                        assert_int_equal(mkdirat(p.jobs.fd, JOB_RESERVE_NAME, 0700), 0);
                assert_int_equal(job_new(1, kinds[i], "db2", "db1", "anna", NULL, 10, &job), 0);
                assert_int_equal(job_store_save(s, job), kinds[i] == JOB_PROVISION ? -EISDIR : 0);
                assert_int_equal(job_store_running(s) != NULL, kinds[i] != JOB_PROVISION);
                assert_int_equal(exists(&p, 1), kinds[i] != JOB_PROVISION);
                s = job_store_free(s);
        }
}

/* What is kept free goes first, and once. */
static void a_disk_that_stays_full_is_told(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_freep) Job *job = new_job(1);
        JobStore *s = open_store(&p);

        (void) state;
        assert_int_equal(job_store_save(s, job), 0);
        assert_int_equal(job_begin_step(job, "copy", 20), 0);
        for (unsigned i = 0; i < 2; i++) {
                disk_fail_each("write", i == 0 ? ENOSPC : EDQUOT);
                assert_int_equal(job_store_save(s, job), i == 0 ? -ENOSPC : -EDQUOT);
                (void) disk_failed();
                assert_int_equal(faccessat(p.jobs.fd, JOB_RESERVE_NAME, F_OK, 0), -1);
                assert_int_equal(job_store_running(s)->n_steps, 0);
        }
        assert_int_equal(job_store_save(s, job), 0);
        s = job_store_free(s);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_cannot_be_read_is_told),
                cmocka_unit_test(where_memory_is_short_it_is_said),
                cmocka_unit_test(what_was_not_kept_is_not_begun),
                cmocka_unit_test(without_a_reserve_no_copy_is_begun),
                cmocka_unit_test(a_disk_that_stays_full_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
