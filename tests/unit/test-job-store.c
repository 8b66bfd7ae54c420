/* The jobs on disk: what was saved is found again whenever the power goes, and
 * a file that is none is nobody's end. */
#include "crash.h"
#include "stored-jobs.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static void a_new_directory_is_made(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_(job_store_freep) JobStore *store = NULL;
        char error[256] = "";
        struct stat st;
        uint64_t id = 0;

        (void) state;
        assert_int_equal(job_store_open(s.path, &store, error), 0);
        assert_int_equal(fstatat(s.fd, JOB_STORE_NAME, &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0750);
        assert_int_equal(store->n, 0);
        assert_int_equal(store->n_problems, 0);
        assert_null(job_store_running(store));
        assert_null(job_store_current(store));
        assert_int_equal(job_store_new_id(store, &id), 0);
        assert_int_equal(id, 1);
}

static void no_directory_is_said(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        JobStore *store = NULL;
        char error[256] = "";

        (void) state;
        assert_int_equal(job_store_open("/nonexistent", &store, error), -ENOENT);
        assert_string_equal(error, "No such file or directory");
        scratch_puts(&s, JOB_STORE_NAME, "");
        assert_int_equal(job_store_open(s.path, &store, error), -ENOTDIR);
        assert_int_equal(unlinkat(s.fd, JOB_STORE_NAME, 0), 0);
        assert_int_equal(symlinkat("/tmp", s.fd, JOB_STORE_NAME), 0);
        assert_true(job_store_open(s.path, &store, error) < 0);
        assert_null(store);
}

static void a_job_is_found_as_it_was_left(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_freep) Job *job = new_job(1);
        _cleanup_free_ char *before = NULL, *after = NULL;
        JobStore *s = open_store(&p);
        uint64_t id;

        (void) state;
        assert_int_equal(job_store_save(s, job), 0);
        assert_int_equal(job_begin_step(job, "stop", 20), 0);
        /* What is done to it is not the store's until it is saved. */
        assert_int_equal(job_store_running(s)->n_steps, 0);
        assert_int_equal(job_store_save(s, job), 0);
        assert_int_equal(job_store_running(s)->n_steps, 1);
        s = job_store_free(s);

        s = open_store(&p);
        assert_int_equal(s->n_problems, 0);
        assert_non_null(job_store_running(s));
        assert_ptr_equal(job_store_running(s), job_store_current(s));
        assert_ptr_equal(job_store_running(s), job_store_find(s, 1));
        assert_null(job_store_find(s, 2));
        before = text_of(job);
        after = text_of(job_store_running(s));
        assert_string_equal(before, after);
        /* Whoever asks for the job is told; the one that was saved is another copy. */
        assert_int_equal(job_store_set_progress(s, 3, 4), 0);
        assert_int_equal(job_store_current(s)->bytes_done, 3);
        assert_int_equal(job_store_current(s)->bytes_total, 4);
        assert_int_equal(job->bytes_done, -1);

        assert_int_equal(job_end_step(job, true, "It is stopped.", 30), 0);
        assert_int_equal(job_end(job, JOB_DONE, "It was done.", 40), 0);
        assert_int_equal(job_store_save(s, job), 0);
        assert_null(job_store_running(s));
        assert_int_equal(job_store_set_progress(s, 3, 4), -ENOENT);
        assert_int_equal(job_store_current(s)->id, 1);
        assert_int_equal(job_store_new_id(s, &id), 0);
        assert_int_equal(id, 2);
        s = job_store_free(s);
}

static void one_at_a_time(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = open_store(&p);
        _cleanup_(job_freep) Job *first = new_job(1), *second = new_job(2);

        (void) state;
        assert_int_equal(job_store_save(s, first), 0);
        assert_int_equal(job_store_save(s, second), -EBUSY);
        assert_false(exists(&p, 2));
        assert_int_equal(job_end(first, JOB_FAILED, "It was not to be.", 1), 0);
        assert_int_equal(job_store_save(s, first), 0);
        assert_int_equal(job_store_save(s, first), -EALREADY);
        assert_int_equal(job_store_save(s, second), 0);
        assert_ptr_equal(job_store_current(s), s->job[0]);
        assert_int_equal(s->job[0]->id, 2);
        assert_int_equal(s->job[1]->id, 1);
}

static void the_list_is_newest_first(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = NULL;
        json_t *a = NULL;

        (void) state;
        put_ended(&p, 1, 12);
        s = open_store(&p);
        assert_int_equal(s->n, 12);
        for (size_t i = 0; i < s->n; i++)
                assert_int_equal(s->job[i]->id, 12 - i);
        assert_int_equal(job_store_to_json(s, &a), 0);
        assert_int_equal(json_array_size(a), 12);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(a, 0), "id")), 12);
        json_decref(a);
}

static void the_oldest_go(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = NULL;
        _cleanup_(job_freep) Job *job = new_job(JOBS_MAX + 1);

        (void) state;
        put_ended(&p, 1, JOBS_MAX);
        s = open_store(&p);
        assert_int_equal(job_store_save(s, job), 0);
        assert_int_equal(s->n, JOBS_MAX + 1);
        assert_true(exists(&p, 1)); /* nothing newer has ended yet */
        assert_int_equal(job_end(job, JOB_DONE, "It was done.", 5), 0);
        assert_int_equal(job_store_save(s, job), 0);
        assert_int_equal(s->n, JOBS_MAX);
        assert_false(exists(&p, 1));
        assert_true(exists(&p, 2));
        assert_true(exists(&p, JOBS_MAX + 1));
        assert_null(job_store_find(s, 1));
}

/* Of a crash between the one and the other. */
static void what_should_have_gone_goes_on_opening(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = NULL;
        _cleanup_(job_freep) Job *running = new_job(1);

        (void) state;
        put_job(&p, running);
        put_ended(&p, 2, JOBS_MAX + 3);
        scratch_puts(&p.jobs, ".00000009.json.0badcafe.tmp", "{");
        scratch_puts(&p.jobs, "notes.txt", "mine");
        scratch_puts(&p.jobs, ".notes.tmp", "mine");
        s = open_store(&p);
        assert_int_equal(s->n, JOBS_MAX + 1);
        assert_int_equal(s->n_problems, 0);
        assert_int_equal(job_store_running(s)->id, 1); /* however old */
        assert_true(exists(&p, 1));
        assert_false(exists(&p, 4));
        assert_true(exists(&p, 5));
        assert_true(scratch_is(&p.jobs, ".00000009.json.0badcafe.tmp", NULL));
        assert_true(scratch_is(&p.jobs, "notes.txt", "mine"));
        assert_true(scratch_is(&p.jobs, ".notes.tmp", "mine"));
}

static const struct {
        const char *name, *text, *says;
} spoilt[] = {
        { "empty", "", "line 1" },
        { "cut off", "{\"id\":7,\"kind\":\"rec", "line 1" },
        { "a list", "[]", "a JSON object" },
        { "another's", "{\"id\":6,\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", "of job 6" },
        { "of a newer release", "{\"id\":7,\"kind\":\"switch\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", "newer release" },
        { "twice the same key", "{\"id\":7,\"id\":7,\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", "line 1" },
        { "no job", "{\"id\":7}", "a job" },
};

static void a_spoilt_file_is_told_and_left_alone(void **state) {
        _cleanup_place_ Place p = place_new();

        (void) state;
        put_ended(&p, 1, 3);
        for (size_t i = 0; i < ELEMENTS(spoilt); i++) {
                _cleanup_(job_store_freep) JobStore *s = NULL;
                _cleanup_(job_freep) Job *seven = new_job(7), *eight = new_job(8);
                uint64_t id = 0;

                scratch_puts(&p.jobs, "00000007.json", spoilt[i].text);
                s = open_store(&p);
                CHECK(s->n == 3, spoilt[i].name);
                CHECK(s->n_problems == 1, spoilt[i].name);
                CHECK(strstr(s->problem[0], JOB_STORE_NAME "/00000007.json"), spoilt[i].name);
                CHECK(strstr(s->problem[0], spoilt[i].says), spoilt[i].name);
                CHECK(!job_store_running(s), spoilt[i].name);
                /* Its id is not given again, nor taken. */
                CHECK(job_store_new_id(s, &id) == 0 && id == 8, spoilt[i].name);
                CHECK(job_store_save(s, seven) == -EEXIST, spoilt[i].name);
                CHECK(job_store_save(s, eight) == 0, spoilt[i].name);
                CHECK(scratch_is(&p.jobs, "00000007.json", spoilt[i].text), spoilt[i].name);
                assert_int_equal(unlinkat(p.jobs.fd, "00000008.json", 0), 0);
        }
}

static void what_is_no_file_is_told(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = NULL;

        (void) state;
        assert_int_equal(mkdirat(p.jobs.fd, "00000001.json", 0755), 0);
        assert_int_equal(symlinkat("elsewhere", p.jobs.fd, "00000002.json"), 0);
        assert_int_equal(mkfifoat(p.jobs.fd, "00000003.json", 0644), 0);
        scratch_puts(&p.jobs, "1.json", "{}");           /* no name of a job */
        scratch_puts(&p.jobs, "000000004.json", "{}");
        scratch_puts(&p.jobs, "00000000.json", "{}");
        scratch_puts(&p.jobs, "00000005.json.old", "{}");
        s = open_store(&p);
        assert_int_equal(s->n, 0);
        assert_int_equal(s->n_problems, 3);
        assert_int_equal(s->last_id, 3);
        assert_int_equal(scratch_count(&p.jobs), 7);
}

static void there_is_an_end_to_problems(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = NULL;
        char name[32];

        (void) state;
        for (int i = 1; i <= 300; i++) {
                (void) snprintf(name, sizeof(name), "%08d.json", i);
                scratch_puts(&p.jobs, name, "?");
        }
        s = open_store(&p);
        assert_int_equal(s->n_problems, JOB_PROBLEMS_MAX);
        assert_int_equal(s->last_id, 300);
        assert_int_equal(scratch_count(&p.jobs), 300);
}

static void of_two_that_run_the_newer_is_gone_on_with(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_freep) Job *old = new_job(3), *new = new_job(5);
        JobStore *s;

        (void) state;
        assert_int_equal(job_begin_step(old, "copy", 20), 0);
        put_job(&p, old);
        put_job(&p, new);
        for (int round = 0; round < 2; round++) {
                s = open_store(&p);
                assert_int_equal(job_store_running(s)->id, 5);
                assert_int_equal(job_store_find(s, 3)->state, JOB_FAILED);
                assert_int_equal(job_store_find(s, 3)->step[0].state, STEP_FAILED);
                /* It is said once: what has been decided is on disk. */
                assert_int_equal(s->n_problems, round == 0);
                if (round == 0) {
                        assert_non_null(strstr(s->problem[0], "3 (recover) and 5 (recover)"));
                        assert_non_null(strstr(s->problem[0], "the newer one"));
                }
                s = job_store_free(s);
        }
}

static void ids_come_to_an_end(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = NULL;
        uint64_t id = 0;

        (void) state;
        put_ended(&p, JOB_ID_MAX, 1);
        s = open_store(&p);
        assert_int_equal(s->n, 1);
        assert_int_equal(job_store_new_id(s, &id), -EOVERFLOW);
        assert_int_equal(id, 0);
}

/* A disk that takes no more. */
static void a_save_that_fails_changes_nothing(void **state) {
        _cleanup_place_ Place p = place_new();
        _cleanup_(job_store_freep) JobStore *s = open_store(&p);
        _cleanup_(job_freep) Job *job = new_job(1);
        int dirfd = s->dirfd;
        uint64_t id = 0;

        (void) state;
        s->dirfd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(job_store_save(s, job) < 0);
        assert_null(job_store_current(s));
        assert_int_equal(job_store_new_id(s, &id), 0);
        assert_int_equal(id, 1);
        (void) close(s->dirfd);
        s->dirfd = dirfd;
        assert_int_equal(job_store_save(s, job), 0);
}

/* What it does, or another does meanwhile, has filled the disk: it comes to its end all the
 * same. */
static void a_full_disk_leaves_room_for_the_end(void **state) {
        bool apart = unshare(CLONE_NEWNS) >= 0 && mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) >= 0;
        Scratch s = scratch_new();
        _cleanup_(job_store_freep) JobStore *store = NULL;
        _cleanup_(job_freep) Job *job = new_job(1);
        _cleanup_close_ int fd = -1;
        char error[256], buf[4096] = {0};

        if (!apart || mount("tmpfs", s.path, "tmpfs", 0, "size=4m") < 0) {
                scratch_done(&s);
                skip(); /* only root may mount */
        }
        assert_int_equal(job_store_open(s.path, &store, error), 0);
        assert_int_equal(job_store_save(store, job), 0);
        fd = openat(store->dirfd, "../filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        while (write(fd, buf, sizeof(buf)) > 0)
                continue;
        assert_int_equal(errno, ENOSPC);
        assert_int_equal(job_begin_step(job, "stop", 11), 0);
        assert_int_equal(job_store_save(store, job), 0);
        assert_int_equal(job_end_step(job, false, "The disk is full.", 12), 0);
        assert_int_equal(job_store_save(store, job), 0);
        assert_int_equal(job_end(job, JOB_FAILED, "The disk is full.", 13), 0);
        assert_int_equal(job_store_save(store, job), 0);
        assert_true(faccessat(store->dirfd, JOB_RESERVE_NAME, F_OK, 0) < 0);
        store = job_store_free(store);
        assert_int_equal(umount2(s.path, MNT_DETACH), 0);
        (void) close(s.fd);
        assert_int_equal(rmdir(s.path), 0);
}

/* Crashes. What is saved, into a store that is open already; what was before. */

static JobStore *the_store;
static Job *the_job;
static const char *the_path;

static int op_save(int dirfd) {
        (void) dirfd;
        return job_store_save(the_store, the_job);
}

static int op_open(int dirfd) {
        char error[256];
        JobStore *s = NULL;
        int r = job_store_open(the_path, &s, error);

        (void) dirfd;
        (void) job_store_free(s);
        return r;
}

typedef enum Change { BEGIN_JOB, BEGIN_STEP, END_JOB } Change;

/* In `ret` the store, and what is to be saved; returns how the job was. */
static char *prepare(const Place *p, size_t ended, Change change, JobStore **ret, Job **ret_job) {
        Job *job = new_job(ended + 1);
        char *before = change == BEGIN_JOB ? NULL : text_of(job);

        scratch_clear(&p->jobs);
        put_ended(p, 1, ended);
        if (before)
                put_job(p, job);
        *ret = open_store(p);
        assert_int_equal((*ret)->n_problems, 0);
        if (change == BEGIN_STEP)
                assert_int_equal(job_begin_step(job, "stop", 99), 0);
        else if (change == END_JOB)
                assert_int_equal(job_end(job, JOB_DONE, "It was done.", 99), 0);
        *ret_job = job;
        return before;
}

static const struct {
        const char *name;
        size_t ended;
        Change change;
} crashes[] = {
        { "the first job", 0, BEGIN_JOB },
        { "a job", 2, BEGIN_JOB },
        { "a step", 2, BEGIN_STEP },
        { "an end", 2, END_JOB },
        { "a job, where there are as many as are kept", JOBS_MAX, BEGIN_JOB },
        { "an end, with which the oldest goes", JOBS_MAX, END_JOB },
};

static void the_old_or_the_new_after_a_crash_at_any_call(void **state) {
        _cleanup_place_ Place p = place_new();

        (void) state;
        for (size_t i = 0; i < ELEMENTS(crashes); i++) {
                unsigned n = 0, old = 0, new = 0;
                int r;

                do {
                        _cleanup_free_ char *before = prepare(&p, crashes[i].ended, crashes[i].change, &the_store, &the_job);
                        _cleanup_free_ char *after = text_of(the_job), *found = NULL;
                        bool oldest, is_new, reserve;
                        const Job *job;
                        JobStore *s;

                        r = crash_after(op_save, -1, ++n);
                        the_store = job_store_free(the_store);
                        if (r == -EPERM) {
                                the_job = job_free(the_job);
                                skip();
                        }
                        CHECK(r >= 0, crashes[i].name);
                        oldest = exists(&p, 1);
                        s = open_store(&p);
                        CHECK(s->n_problems == 0, crashes[i].name);
                        job = job_store_find(s, crashes[i].ended + 1);
                        found = job ? text_of(job) : NULL;
                        is_new = found && streq(found, after);
                        CHECK(is_new || streq_null(found, before), crashes[i].name);
                        CHECK(r == 1 || is_new, crashes[i].name);
                        /* Nothing goes before a newer one has ended on disk. */
                        if (crashes[i].ended > 0 && !(is_new && job_is_over(job)))
                                CHECK(oldest, crashes[i].name);
                        CHECK(s->n == (crashes[i].ended < JOBS_MAX || !(is_new && job_is_over(job)) ? crashes[i].ended + (found ? 1 : 0) : JOBS_MAX), crashes[i].name);
                        /* No temporary file is left, and no reserve that nobody needs. */
                        reserve = faccessat(p.jobs.fd, JOB_RESERVE_NAME, F_OK, 0) >= 0;
                        CHECK(scratch_count(&p.jobs) == s->n + reserve, crashes[i].name);
                        CHECK(!reserve || job_store_running(s), crashes[i].name);
                        old += !is_new;
                        new += is_new;
                        s = job_store_free(s);
                        the_job = job_free(the_job);
                } while (r == 1);
                CHECK(old > 2 && new > 1, crashes[i].name);
        }
}

/* What a killed process cannot show: that it is on the disk when job_store_save()
 * returns, and before anything is removed. */
static void durable_before_anything_goes(void **state) {
        _cleanup_place_ Place p = place_new();
        int n, sync_at = -1, syncs = 0, rename_at = -1, unlink_at = -1;
        char *before = prepare(&p, JOBS_MAX, END_JOB, &the_store, &the_job);
        long calls[256];

        (void) state;
        free(before);
        n = crash_trace(op_save, -1, calls, ELEMENTS(calls));
        the_store = job_store_free(the_store);
        the_job = job_free(the_job);
        if (n == -EPERM)
                skip();
        assert_true(n > 0 && n < (int) ELEMENTS(calls));
        for (int k = 0; k < n; k++) {
                if (calls[k] == SYS_fsync) {
                        sync_at = k;
                        syncs++;
                }
#ifdef SYS_renameat
                if (calls[k] == SYS_renameat)
                        rename_at = k;
#endif
#ifdef SYS_rename
                if (calls[k] == SYS_rename)
                        rename_at = k;
#endif
                if (calls[k] == SYS_renameat2)
                        rename_at = k;
                if (calls[k] == SYS_unlinkat)
                        unlink_at = k;
        }
        assert_int_equal(syncs, 2);
        assert_true(rename_at >= 0 && rename_at < sync_at && sync_at < unlink_at);
        assert_false(exists(&p, 1));
}

static void opening_can_be_cut_off_anywhere(void **state) {
        _cleanup_place_ Place p = place_new();
        unsigned n = 0;
        int r;

        (void) state;
        the_path = p.state.path;
        do {
                _cleanup_(job_freep) Job *old = new_job(3), *new = new_job(5);
                _cleanup_(job_store_freep) JobStore *s = NULL;

                scratch_clear(&p.jobs);
                put_ended(&p, 1, 2);
                put_job(&p, old);
                put_job(&p, new);
                scratch_puts(&p.jobs, ".00000005.json.0badcafe.tmp", "{");
                r = crash_after(op_open, -1, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                s = open_store(&p);
                assert_int_equal(s->n, 4);
                assert_int_equal(job_store_running(s)->id, 5);
                assert_int_equal(job_store_find(s, 3)->state, JOB_FAILED);
                assert_int_equal(scratch_count(&p.jobs), 4);
        } while (r == 1);
        assert_true(n > 20);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_new_directory_is_made),
                cmocka_unit_test(no_directory_is_said),
                cmocka_unit_test(a_job_is_found_as_it_was_left),
                cmocka_unit_test(one_at_a_time),
                cmocka_unit_test(the_list_is_newest_first),
                cmocka_unit_test(the_oldest_go),
                cmocka_unit_test(what_should_have_gone_goes_on_opening),
                cmocka_unit_test(a_spoilt_file_is_told_and_left_alone),
                cmocka_unit_test(what_is_no_file_is_told),
                cmocka_unit_test(there_is_an_end_to_problems),
                cmocka_unit_test(of_two_that_run_the_newer_is_gone_on_with),
                cmocka_unit_test(ids_come_to_an_end),
                cmocka_unit_test(a_save_that_fails_changes_nothing),
                cmocka_unit_test(a_full_disk_leaves_room_for_the_end),
                cmocka_unit_test(the_old_or_the_new_after_a_crash_at_any_call),
                cmocka_unit_test(durable_before_anything_goes),
                cmocka_unit_test(opening_can_be_cut_off_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
