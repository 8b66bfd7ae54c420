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
        /* Takes it back, whether it was done, failed, or was begun; NULL: there is nothing
         * to take back. Like `drive`, but that a failure is tried again. */
        int (*undo)(Manager *m, char text[static 512]);
} Step;

#define SAY(text, ...) ((void) snprintf((text), 512, __VA_ARGS__))

/* Of a kind of job, ended by one without a name. Where any of them can be taken
 * back, they are when one fails or the job is cancelled, the newest first. */
const Step *replica_job_steps(const Job *job);
const Step *provision_job_steps(const Job *job); /* NULL: another kind */
bool provision_keeps_down(const Manager *m);
void replica_job_ended(Manager *m, const Job *job);

/* mainstay-replicator, with `words`: 0 while it runs, 1 where it said that all is
 * well, with its answer in m->step.answer, and negative where not, with
 * m->step.error. Asked again it says the same, until the next phase. */
int jobs_work(Manager *m, usec_t timeout, const char *const *words);
int jobs_work_at(Manager *m, const char *socket, usec_t timeout, const char *const *words); /* another server */
void jobs_next_phase(Manager *m);

/* mainstay-provision@STEP.service, in the same way. `from` is the address of the
 * node that a copy is taken of, "" for none. */
int jobs_unit(Manager *m, const char *step, const char *from, char text[static 512]);

/* For root's units: a file in the agent's directory. */
int jobs_tell(Manager *m, const char *name, const char *text);

/* How far a copy is, as whoever makes it writes down in the agent's directory. */
#define JOBS_PROGRESS "provision.progress"
void jobs_read_progress(Manager *m);

/* mainstay-shadow.service, the server on a copy, at SHADOW_SOCKET: up, and answering
 * clients, or down. 0 while it is on its way. */
int jobs_shadow(Manager *m, bool up, char text[static 512]);

/* mysqld's unit, up or down: 0 while it is on its way. */
int jobs_server(Manager *m, bool up, char text[static 512]);

/* Steps that several kinds of job have: replica-jobs.c. */
int replica_step_answers(Manager *m, char text[static 512]); /* the server, asked anew */
int replica_step_start(Manager *m, char text[static 512]);
int replica_step_verify(Manager *m, char text[static 512]);
int replica_step_release(Manager *m, char text[static 512]);
const Report *replica_report_of(Manager *m, const char *name);
void replica_source_address(Manager *m, const char *name, char host[static 256], char port[static 8]);
void jobs_worker_forget(Manager *m);

/* Begins one, durably. -EBUSY while another one runs. */
int jobs_begin(Manager *m, JobKind kind, const char *source, Method method, const char *by, const Names *force, uint64_t *ret_id);
