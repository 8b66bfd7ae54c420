/* Jobs: the long work on one node that a person or a policy has asked for, step
 * by step. What is written down of one is what there is to resume or to roll
 * back by after a crash; what is shown of one is the same.
 *
 * The order of work is: a step is begun here, that is made durable
 * (adapter/job-store.h), it is done, and it is ended here. So after a crash what
 * is not among the steps was not begun, and what has only begun may be half done.
 *
 * Pure. All times are of the wall clock, in microseconds since 1970, and 0 where
 * there is none yet; a clock may have been put back between two of them. Texts
 * are cut where they are too long, and hold no control characters. */
#pragma once

#include "domain/names.h"

#include <jansson.h>

#define JOB_ID_MAX 99999999 /* what the name of its file has room for */
#define JOB_STEPS_MAX 32
#define JOB_STEPS_REPORTED 8 /* in what other nodes are told, the newest ones */

typedef enum JobKind {
        JOB_RECOVER,
        JOB_REPOINT,
        JOB_PROVISION,          /* its data replaced by a copy of another node's */
        JOB_PROVISION_COMMIT,   /* and those from before deleted */
        JOB_PROVISION_ROLLBACK, /* or put back */
        JOB_REPLICATOR_OFFLINE, /* its replication stopped, and to stay so */
        JOB_REPLICATOR_ONLINE,
        JOB_REPLICATOR_REPLICA, /* told whom to follow */
        JOB_ONLINE, /* back into service */
        JOB_DRAIN,
        _JOB_KIND_MAX,
        _JOB_KIND_INVALID = -EINVAL,
} JobKind;

const char *job_kind_to_string(JobKind k);
JobKind job_kind_from_string(const char *s);

/* By which a copy of another node's data is made. */
typedef enum Method {
        METHOD_NONE, /* no copy is */
        METHOD_MARIADB_BACKUP,
        METHOD_CLONE, /* MySQL's own: from server to server */
        METHOD_DUMP,  /* as statements; slow, and needs nothing special */
        _METHOD_MAX,
        _METHOD_INVALID = -EINVAL,
} Method;

const char *method_to_string(Method v);
Method method_from_string(const char *s);

typedef enum JobState {
        JOB_RUNNING,
        JOB_CANCELLING, /* somebody has asked for its end; it runs until it can end well */
        JOB_DONE,
        JOB_FAILED,
        JOB_CANCELLED,
        _JOB_STATE_MAX,
        _JOB_STATE_INVALID = -EINVAL,
} JobState;

const char *job_state_to_string(JobState s);
JobState job_state_from_string(const char *s);

typedef enum StepState {
        STEP_BEGUN,
        STEP_DONE,
        STEP_FAILED,
        STEP_UNDONE, /* it had begun or ended, and what it did was taken back */
        _STEP_STATE_MAX,
        _STEP_STATE_INVALID = -EINVAL,
} StepState;

const char *step_state_to_string(StepState s);
StepState step_state_from_string(const char *s);

typedef struct JobStep {
        char name[32]; /* letters, digits, dots, hyphens and underscores */
        StepState state;
        usec_t begun, ended;
        char text[512]; /* what it did, or why it failed: a sentence; "" while it runs */
} JobStep;

typedef struct Job {
        uint64_t id; /* of this node's, from 1 on */
        JobKind kind;
        char node[NAME_SIZE];   /* on which it is done */
        char source[NAME_SIZE]; /* whom from, "" where nobody */
        Method method;
        char by[128];           /* who asked, for people */
        usec_t begun, ended;
        JobState state;
        Names force; /* the checks that were forced */
        size_t n_steps;
        JobStep step[JOB_STEPS_MAX]; /* oldest first */
        size_t left_out; /* so many steps before these, of which others are not told */
        int64_t bytes_done, bytes_total; /* of the step begun last; -1 where unknown */
        char text[1024]; /* how it ended, or the error: a sentence; "" while it runs */
} Job;

/* A running one, without steps and method. `source` and `by` may be "", `force` NULL.
 * -EINVAL for an id, a kind or a name that is none. Free with job_free(). */
int job_new(uint64_t id, JobKind kind, const char *node, const char *source, const char *by, const Names *force, usec_t now, Job **ret);
Job *job_free(Job *job);
DEFINE_CLEANUP(Job, job_free)
/* Free `*ret` with job_free(). */
int job_copy(const Job *job, Job **ret);

/* The transitions. Each returns -EALREADY where the job is over: then nothing of
 * it changes any more. On failure it is as it was. */

/* Begins the next step. -EBUSY where the one before has not ended well: each is
 * done or undone before another is begun. -EINVAL where `name` is none, -ENOSPC
 * where there are too many. The progress begins anew. */
int job_begin_step(Job *job, const char *name, usec_t now);

/* Ends the step that was begun last. -ENOENT where none runs. */
int job_end_step(Job *job, bool ok, const char *text, usec_t now);

/* Says that the newest step that is not undone yet is now: so steps are undone
 * in the opposite order, and each once. `text` is said behind what it had to say
 * before. -ENOENT where there is none. A step of its name may be begun again. */
int job_undo_step(Job *job, const char *text, usec_t now);

/* -1 where unknown. -ENOENT where no step runs, -EINVAL for other negatives. */
int job_set_progress(Job *job, int64_t done, int64_t total);

/* Asks for its end. 1 where that is news, 0 where somebody has asked before. */
int job_ask_cancel(Job *job);

/* `state` is one that ends it, else -EINVAL. -EBUSY while a step runs, and for
 * JOB_DONE also where one has failed and is not undone; for JOB_CANCELLED
 * -EINVAL where nobody has asked for that. */
int job_end(Job *job, JobState state, const char *text, usec_t now);

static inline bool job_state_is_over(JobState s) {
        return s >= JOB_DONE;
}

static inline bool job_is_over(const Job *job) {
        return job_state_is_over(job->state);
}

/* The newest one of that name, or NULL; it is the job's. */
const JobStep *job_step(const Job *job, const char *name);
/* The newest one, of whatever name; NULL where there is none yet. */
const JobStep *job_last_step(const Job *job);

#define JOB_PROGRESS_SIZE 128 /* with the NUL */

/* "1.2 GiB of 4.0 GiB (30 %), about 40 s left", as far as that is known: "" where
 * nothing is, or no step runs. Returns `buf`. */
const char *job_progress_text(const Job *job, usec_t now, char buf[static JOB_PROGRESS_SIZE]);

/* Of its steps the newest `steps` at most. A new reference; -ENOMEM. */
int job_to_json(const Job *job, size_t steps, json_t **ret);

/* Free `*ret` with job_free(). -EBADMSG where it is no job, or one that cannot
 * have come about; -EPROTONOSUPPORT where a kind or a state is not known here, as
 * it may be of a newer release; `error` is then the end of a sentence. Unknown
 * keys are ignored. */
int job_from_json(const json_t *j, Job **ret, char error[static 256]);
