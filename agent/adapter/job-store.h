/* The jobs of this node on disk: a directory with a file for each, replaced as a
 * whole. What job_store_save() has returned from is what is gone on with after
 * the agent, or the machine, has died.
 *
 * While a job runs, some room is kept for what is yet to be written of it: a job that
 * has filled the disk is taken back step by step, and could not be otherwise. */
#pragma once

#include "domain/job.h"

#define JOB_STORE_NAME "jobs"
#define JOBS_MAX 100 /* that have ended; older ones are removed */
#define JOB_PROBLEMS_MAX 16
#define JOB_RESERVE_NAME "reserve"

typedef struct JobStore {
        int dirfd; /* owned */
        uint64_t last_id; /* the highest that was ever seen here, 0 for none */
        size_t n;
        Job *job[JOBS_MAX + 2]; /* owned, newest first, as they are on disk; room for one that runs, and for one more than is kept */
        size_t n_problems;
        char problem[JOB_PROBLEMS_MAX][512]; /* found on opening: sentences, for people */
} JobStore;

/* Opens JOB_STORE_NAME in `dir`, the StateDirectory, or makes it, and reads the
 * jobs in it. A file that cannot be read is told in `problem`, left as it is, and
 * never written over; so is a job that had not ended though a newer one had been
 * begun, which is ended here as failed. -errno, and the end of a sentence in
 * `error`, only where the directory itself cannot be had. Free with
 * job_store_free(). */
int job_store_open(const char *dir, JobStore **ret, char error[static 256]);
JobStore *job_store_free(JobStore *s);
DEFINE_CLEANUP(JobStore, job_store_free)

/* The id for the next job: taken when that is saved. -EOVERFLOW where there is
 * none any more. */
int job_store_new_id(const JobStore *s, uint64_t *ret);

/* Writes the job, durably, and keeps a copy; then the oldest of the ended ones
 * beyond JOBS_MAX are removed. On failure nothing is changed here, and what is on
 * disk is the old or the new one, whole.
 * -EBUSY for a second one that has not ended. -EALREADY for one that had ended.
 * -EEXIST for a new one whose id is not higher than all before: a file that
 * could not be read may have it. */
int job_store_save(JobStore *s, const Job *job);

/* How far the running one is, which is not written down. -ENOENT where none runs, or no
 * step of it. */
int job_store_set_progress(JobStore *s, int64_t done, int64_t total);

/* The one that has not ended, NULL where all have. It is the store's, and good
 * until the next job_store_save(). */
const Job *job_store_running(const JobStore *s);
/* The running one, else the one begun last; NULL where there never was one. */
const Job *job_store_current(const JobStore *s);
/* NULL where there is none of that id. */
const Job *job_store_find(const JobStore *s, uint64_t id);

/* All of them, newest first, with all their steps. A new reference; -ENOMEM. */
int job_store_to_json(const JobStore *s, json_t **ret);
