/* What drives the jobs of this node, and what its steps find there. Private to
 * the manager. */
#pragma once

#include "manager/manager.h"

#include <inttypes.h>

/* A step. Called again and again while it is under way, whenever anything may
 * have changed: 0 where it is, 1 where it is done, negative where it has failed.
 * `text` is what it did, or why it failed: a sentence for people. It may have been
 * done before, in an earlier life of the agent. */
typedef struct Step {
        const char *name;
        int (*drive)(Manager *m, char text[static 512]);
} Step;

/* Of a kind of job, ended by one without a name. */
const Step *replica_job_steps(JobKind kind);
void replica_job_ended(Manager *m, const Job *job);

/* By the clock on the wall. */
usec_t jobs_clock(void);

/* mainstay-replicator, with `words`: 0 while it runs, 1 where it said that all is
 * well, with its answer in m->step.answer, and negative where not, with
 * m->step.error. Asked again it says the same, until the next phase. */
int jobs_work(Manager *m, usec_t timeout, const char *const *words);
void jobs_next_phase(Manager *m);
void jobs_worker_forget(Manager *m);

/* Begins one, durably. -EBUSY while another one runs. */
int jobs_begin(Manager *m, JobKind kind, const char *source, const char *by, const Names *force, uint64_t *ret_id);
