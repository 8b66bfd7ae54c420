/* Jobs on disk, as the tests of them put them there. */
#pragma once

#include "adapter/job-store.h"
#include "scratch.h"

#include <fcntl.h>

/* A StateDirectory, and within it where the jobs are. */
typedef struct Place {
        Scratch state;
        Scratch jobs;
} Place;

static inline Place place_new(void) {
        Place p = { .state = scratch_new() };

        (void) snprintf(p.jobs.path, sizeof(p.jobs.path), "%.48s/" JOB_STORE_NAME, p.state.path);
        assert_int_equal(mkdir(p.jobs.path, 0755), 0);
        p.jobs.fd = open(p.jobs.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(p.jobs.fd >= 0);
        return p;
}

static inline void place_done(Place *p) {
        scratch_clear(&p->jobs);
        (void) close(p->jobs.fd);
        scratch_done(&p->state);
}
#define _cleanup_place_ _cleanup_(place_done)

static inline JobStore *open_store(const Place *p) {
        char error[256] = "";
        JobStore *s = NULL;

        if (job_store_open(p->state.path, &s, error) != 0)
                fail_msg("not opened: %s", error);
        return s;
}

static inline Job *new_job(uint64_t id) {
        Job *job = NULL;

        assert_int_equal(job_new(id, JOB_RECOVER, "db2", "db1", "anna", NULL, id * 10, &job), 0);
        return job;
}

/* As text, so that it can be put there by hand. */
static inline void put_job(const Place *p, const Job *job) {
        _cleanup_free_ char *text = NULL;
        char name[32];
        json_t *o;

        assert_int_equal(job_to_json(job, JOB_STEPS_MAX, &o), 0);
        text = json_dumps(o, 0);
        json_decref(o);
        (void) snprintf(name, sizeof(name), "%08llu.json", (unsigned long long) job->id);
        scratch_puts(&p->jobs, name, text);
}

/* Ids from `first` on, all of them done. */
static inline void put_ended(const Place *p, uint64_t first, size_t n) {
        for (uint64_t id = first; id < first + n; id++) {
                _cleanup_(job_freep) Job *job = new_job(id);

                assert_int_equal(job_end(job, JOB_DONE, "It was done.", id * 10 + 1), 0);
                put_job(p, job);
        }
}

static inline bool exists(const Place *p, uint64_t id) {
        char name[32];

        (void) snprintf(name, sizeof(name), "%08llu.json", (unsigned long long) id);
        return faccessat(p->jobs.fd, name, F_OK, 0) == 0;
}

static inline char *text_of(const Job *job) {
        json_t *o = NULL;
        char *text;

        assert_int_equal(job_to_json(job, JOB_STEPS_MAX, &o), 0);
        text = json_dumps(o, JSON_SORT_KEYS);
        json_decref(o);
        assert_non_null(text);
        return text;
}
