/* Jobs: long work on this node, a step after the other. What is about to be done
 * is on the disk before it is done; after a crash of the agent or the machine the
 * step that had begun is done again, for every step may be done twice.
 *
 * Here is what drives any job; what the steps of a replica's are, is in
 * replica-jobs.c. */
#include "manager/jobs.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <time.h>

#define SAVE_RETRY (5 * USEC_PER_SEC)
#define ANSWER_MAX ((size_t) 64 * 1024)
#define COMPLAINT_MAX ((size_t) 4096)

usec_t jobs_clock(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / 1000;
}

/* What is known to others is what is on the disk. */
static int save(Manager *m, const Job *job) {
        int r = job_store_save(m->jobs, job);

        if (r < 0) {
                log_error("What is done on this node cannot be written down (%s), so it is not gone on with until it can. Is the disk full, or read-only?", strerror(-r));
                manager_wake(m, manager_now(m) + SAVE_RETRY);
        }
        return r;
}

void jobs_worker_forget(Manager *m) {
        m->worker = process_free(m->worker);
        json_decref(m->step.answer);
        m->step.answer = NULL;
        m->step.answered = false;
}

static void step_reset(Manager *m) {
        jobs_worker_forget(m);
        free(m->step.position);
        m->step = (StepRun) { .since = manager_now(m) };
}

int jobs_open(Manager *m) {
        char error[256] = "";
        int r;

        r = job_store_open(m->paths.state, &m->jobs, error);
        if (r < 0) {
                log_error("%s/" JOB_STORE_NAME " cannot be used: %s", m->paths.state, error[0] ? error : strerror(-r));
                return r;
        }
        for (size_t i = 0; i < m->jobs->n_problems; i++)
                log_warning("%s", m->jobs->problem[i]);
        if (job_store_running(m->jobs)) {
                r = job_copy(job_store_running(m->jobs), &m->job);
                if (r < 0)
                        return r;
                log_notice("The job %" PRIu64 " (%s) is gone on with, where the agent left it.", m->job->id, job_kind_to_string(m->job->kind));
        }
        step_reset(m);
        return 0;
}

void jobs_close(Manager *m) {
        step_reset(m);
        m->job = job_free(m->job);
        m->jobs = job_store_free(m->jobs);
}

int jobs_begin(Manager *m, JobKind kind, const char *source, const char *by, const Names *force, uint64_t *ret_id) {
        _cleanup_(job_freep) Job *job = NULL;
        uint64_t id;
        int r;

        if (m->job)
                return -EBUSY;
        r = job_store_new_id(m->jobs, &id);
        if (r >= 0)
                r = job_new(id, kind, m->name, source, by, force, jobs_clock(), &job);
        if (r >= 0)
                r = save(m, job);
        if (r < 0)
                return r;
        log_notice("%s has this node %s%s%s: job %" PRIu64 ".", by, job_kind_to_string(kind), *source ? ", by " : "", source, id);
        m->job = TAKE(job);
        step_reset(m);
        *ret_id = id;
        manager_touch(m);
        return 0;
}

int jobs_cancel(Manager *m, uint64_t id) {
        _cleanup_(job_freep) Job *next = NULL;
        int r;

        if (!m->job || m->job->id != id)
                return job_store_find(m->jobs, id) ? -EALREADY : -ENOENT;
        r = job_copy(m->job, &next);
        if (r >= 0)
                r = job_ask_cancel(next);
        if (r > 0)
                r = save(m, next);
        if (r < 0)
                return r;
        (void) job_free(m->job);
        m->job = TAKE(next);
        manager_touch(m);
        return 0;
}

/* The worker */

static void worker_done(Process *process, const ProcessResult *result, void *userdata) {
        Manager *m = userdata;
        json_error_t e;

        m->step.answer = result->error < 0 ? NULL : json_loads(result->output, JSON_REJECT_DUPLICATES, &e);
        m->step.answered = true;
        (void) snprintf(m->step.error, sizeof(m->step.error), "%.500s",
                        result->error == -ETIME ? "the server gave no answer in time"
                        : result->error < 0     ? strerror(-result->error)
                        : m->step.answer        ? str_or(json_string_value(json_object_get(m->step.answer, "error")), "it does not say why")
                                                : str_or(result->complaint, "mainstay-replicator answers nonsense"));
        m->worker = process_free(m->worker);
        manager_touch(m);
}

int jobs_work(Manager *m, usec_t timeout, const char *const *words) {
        _cleanup_free_ char *program = NULL, *credentials = NULL;
        const char *dir = getenv("CREDENTIALS_DIRECTORY");
        const char *argv[16] = {0};
        size_t n = 0;
        int r;

        if (m->worker)
                return 0;
        if (m->step.answered)
                return json_is_true(json_object_get(m->step.answer, "ok")) ? 1 : -EIO;
        if (asprintf(&program, "%s/mainstay-replicator", m->paths.libexec) < 0) {
                program = NULL;
                return -ENOMEM;
        }
        if (dir && asprintf(&credentials, "%s/replication.cnf", dir) < 0) {
                credentials = NULL;
                return -ENOMEM;
        }
        argv[n++] = program;
        argv[n++] = "--socket";
        argv[n++] = m->config->socket;
        argv[n++] = "--user";
        argv[n++] = m->config->account;
        if (credentials && access(credentials, F_OK) >= 0) {
                argv[n++] = "--credentials";
                argv[n++] = credentials;
        }
        for (size_t i = 0; words[i] && n + 1 < ELEMENTS(argv); i++)
                argv[n++] = words[i];
        r = process_new(m->event, &(ProcessSpec) { .argv = argv, .timeout = timeout, .output_max = ANSWER_MAX, .error_max = COMPLAINT_MAX }, worker_done, m, &m->worker);
        if (r < 0) {
                (void) snprintf(m->step.error, sizeof(m->step.error), "mainstay-replicator cannot be run: %s", strerror(-r));
                return r;
        }
        return 0;
}

void jobs_next_phase(Manager *m) {
        jobs_worker_forget(m);
        m->step.phase++;
}

/* The steps */

static void end(Manager *m, JobState state, const char *text) {
        _cleanup_(job_freep) Job *next = NULL;

        if (job_copy(m->job, &next) < 0 || job_end(next, state, text, jobs_clock()) < 0 || save(m, next) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return;
        }
        if (state == JOB_DONE)
                log_notice("The job %" PRIu64 " (%s) is done: %s", next->id, job_kind_to_string(next->kind), text);
        else
                log_event(LOG_WARNING, MESSAGE_JOB_FAILED, text, "MAINSTAY_JOB", job_kind_to_string(next->kind), "MAINSTAY_NODE", m->name, NULL);
        m->job = job_free(m->job);
        step_reset(m);
        replica_job_ended(m, next);
        manager_touch(m);
}

static bool begin_step(Manager *m, const char *name) {
        _cleanup_(job_freep) Job *next = NULL;

        if (job_copy(m->job, &next) < 0 || job_begin_step(next, name, jobs_clock()) < 0 || save(m, next) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return false;
        }
        (void) job_free(m->job);
        m->job = TAKE(next);
        step_reset(m);
        manager_touch(m);
        return true;
}

static void end_step(Manager *m, bool ok, const char *text) {
        _cleanup_(job_freep) Job *next = NULL;

        if (job_copy(m->job, &next) < 0 || job_end_step(next, ok, text, jobs_clock()) < 0 || save(m, next) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return;
        }
        (void) job_free(m->job);
        m->job = TAKE(next);
        if (ok && *text) /* else the end of the job says it */
                log_info("%s", text);
        manager_touch(m);
}

void jobs_drive(Manager *m) {
        const JobStep *last;
        const Step *steps;
        size_t n = 0;

        if (!m->job)
                return;
        steps = replica_job_steps(m->job->kind);
        last = job_last_step(m->job);
        if (last && last->state == STEP_FAILED) {
                end(m, JOB_FAILED, last->text);
                return;
        }
        if (last && last->state == STEP_BEGUN) {
                char text[512] = "";
                int r = 0;

                for (const Step *s = steps; s->name; s++)
                        if (streq(s->name, last->name)) {
                                r = s->drive(m, text);
                                if (r != 0)
                                        end_step(m, r > 0, text);
                                return;
                        }
                end_step(m, false, "This release does not know that step, which another one had begun.");
                return;
        }
        if (m->job->state == JOB_CANCELLING) {
                end(m, JOB_CANCELLED, "It was cancelled. What had been done stays done; see its steps.");
                return;
        }
        while (steps[n].name && job_step(m->job, steps[n].name))
                n++;
        if (steps[n].name)
                (void) begin_step(m, steps[n].name);
        else
                end(m, JOB_DONE, last ? last->text : "There was nothing to do.");
}
