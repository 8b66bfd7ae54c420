/* Jobs: long work on this node, a step after the other. What is about to be done
 * is on the disk before it is done; after a crash of the agent or the machine the
 * step that had begun is done again, for every step may be done twice.
 *
 * Here is what drives any job; what the steps of a replica's are, is in
 * replica-jobs.c. */
#include "manager/jobs.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <fcntl.h>

#define SAVE_RETRY (5 * USEC_PER_SEC)
#define UNIT_RETRY (1 * USEC_PER_SEC)
#define PROGRESS_PAUSE (1 * USEC_PER_SEC)
/* What cannot be taken back is tried again so often. */
#define UNDO_RETRY (5 * USEC_PER_SEC)
#define UNDO_TRIES 12
#define ANSWER_MAX ((size_t) 64 * 1024)
#define COMPLAINT_MAX ((size_t) 4096)

/* What is known to others, and worked on, is what is on the disk. */
static int save(Manager *m, const Job *job) {
        int r = job_store_save(m->jobs, job);

        m->job = job_store_running(m->jobs);
        if (r < 0) {
                log_error("What is done on this node cannot be written down (%s), so it is not gone on with until it can. Is the disk full, or read-only?", strerror(-r));
                manager_wake(m, manager_now(m) + SAVE_RETRY);
        }
        return r;
}

/* What happens to a job, to the journal. */
static void tell(Manager *m, const Job *job, int priority, const char *message_id, const char *text) {
        _cleanup_free_ char *grounds = chronicle_grounds(m);
        char id[32];

        (void) snprintf(id, sizeof(id), "%" PRIu64, job->id);
        log_event(priority, message_id, text, FIELD_JOB, id, FIELD_JOB_KIND, job_kind_to_string(job->kind), FIELD_PEER, job->source, FIELD_CALLER, job->by, FIELD_EVIDENCE, grounds, NULL);
}

void jobs_worker_forget(Manager *m) {
        m->worker = process_free(m->worker);
        m->step.unit = unit_free(m->step.unit);
        m->step.asked_unit = m->step.ended_unit = false;
        json_decref(m->step.answer);
        m->step.answer = NULL;
        m->step.answered = false;
}

static void step_reset(Manager *m) {
        jobs_worker_forget(m);
        free(m->step.position);
        free(m->step.history);
        m->step = (StepRun) { .since = manager_now(m) };
}

int jobs_open(Manager *m) {
        char error[256] = "";
        int r;

        r = job_store_open(m->paths.state, &m->jobs, error);
        if (r < 0) {
                _cleanup_free_ char *text = log_text("%s/" JOB_STORE_NAME " cannot be used: %s. The agent does not run without it, for it would not know what was begun on this node. "
                                                     "It has to be a directory of the agent's own (mainstayctl setup --check) on a disk that is neither full nor read-only.",
                                                     m->paths.state, error[0] ? error : strerror(-r));

                log_event(LOG_ERR, MESSAGE_STATE_UNREADABLE, text, FIELD_PATH, m->paths.state, FIELD_REASON, error[0] ? error : strerror(-r), NULL);
                return r;
        }
        for (size_t i = 0; i < m->jobs->n_problems; i++)
                log_warning("%s", m->jobs->problem[i]);
        m->job = job_store_running(m->jobs);
        step_reset(m);
        return 0;
}

void jobs_resume(Manager *m) {
        _cleanup_free_ char *text = NULL;

        if (!m->job)
                return;
        text = log_text("The job %" PRIu64 " (%s) is gone on with, where the agent left it.", m->job->id, job_kind_to_string(m->job->kind));
        tell(m, m->job, LOG_NOTICE, MESSAGE_JOB_RESUMED, text);
}

void jobs_close(Manager *m) {
        step_reset(m);
        m->job = NULL;
        m->jobs = job_store_free(m->jobs);
}

int jobs_begin(Manager *m, JobKind kind, const char *source, Method method, const char *by, const Names *force, uint64_t *ret_id) {
        _cleanup_(job_freep) Job *job = NULL;
        _cleanup_free_ char *text = NULL;
        uint64_t id;
        int r;

        if (m->job)
                return -EBUSY;
        r = job_store_new_id(m->jobs, &id);
        if (r >= 0)
                r = job_new(id, kind, m->name, source, by, force, clock_usec(CLOCK_REALTIME), &job);
        if (r >= 0) {
                job->method = method;
                r = save(m, job);
        }
        if (r < 0)
                return r;
        text = log_text("%s has this node %s%s%s: job %" PRIu64 ".", by, job_kind_to_string(kind), *source ? ", by " : "", source, id);
        tell(m, m->job, LOG_NOTICE, MESSAGE_JOB_BEGUN, text);
        m->undo_failures = 0;
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
        return jobs_work_at(m, m->config->socket, timeout, words);
}

int jobs_work_at(Manager *m, const char *socket, usec_t timeout, const char *const *words) {
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
        argv[n++] = socket;
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

/* The units */

static int write_orders(Manager *m, const char *from) {
        _cleanup_close_ int dirfd = open(m->paths.runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *env = NULL;
        bool begun = m->job->kind == JOB_PROVISION && m->job->n_steps > 1; /* not at its first, which looks */
        uint64_t job = m->job->kind == JOB_PROVISION ? m->job->id : 0; /* of any, else */

        if (dirfd < 0)
                return -errno;
        if (asprintf(&env, "MAINSTAY_COPY_JOB=%" PRIu64 "\nMAINSTAY_COPY_FROM=%s\nMAINSTAY_COPY_METHOD=%s\nMAINSTAY_COPY_FORCE=%s\nMAINSTAY_COPY_PLACE=%s\n", job, from, method_to_string(m->job->method),
                     names_contain(&m->job->force, "space") ? "space" : "", begun ? m->store->copy_place : "") < 0) {
                env = NULL;
                return -ENOMEM;
        }
        (void) unlinkat(dirfd, "provision.result", 0);
        (void) unlinkat(dirfd, JOBS_PROGRESS, 0);
        return file_write(dirfd, "provision.env", env, strlen(env), 0644);
}

int jobs_tell(Manager *m, const char *name, const char *text) {
        _cleanup_close_ int dirfd = open(m->paths.runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return dirfd < 0 ? -errno : file_write(dirfd, name, text, strlen(text), 0640);
}

static void unit_moved(Unit *unit, void *userdata) {
        manager_touch(userdata);
}

/* systemd has started anew, and does not tell what became of what it was asked for: it is
 * asked again. What runs goes on, and what has ended may be done twice. */
static bool is_lost(Manager *m, int r) {
        if (r != -ECONNRESET)
                return false;
        m->step.asked_unit = false;
        manager_wake(m, manager_now(m) + UNIT_RETRY);
        return true;
}

static void unit_ended(Unit *unit, int r, const char *result, void *userdata) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        Manager *m = userdata;
        json_error_t e;
        size_t size;

        if (is_lost(m, r))
                return;
        if (asprintf(&path, "%s/provision.result", m->paths.runtime) < 0)
                path = NULL;
        if (path && file_read(AT_FDCWD, path, ANSWER_MAX, &text, &size, NULL) >= 0)
                m->step.answer = json_loads(text, JSON_REJECT_DUPLICATES, &e);
        m->step.answered = true;
        (void) snprintf(m->step.error, sizeof(m->step.error), "%.500s",
                        m->step.answer ? str_or(json_string_value(json_object_get(m->step.answer, "error")), "it does not say why")
                        : r < 0        ? str_or(result, strerror(-r))
                                       : "it ended without an answer: journalctl -u 'mainstay-provision@*'");
        manager_touch(m);
}

void jobs_read_progress(Manager *m) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        long long done, total;
        size_t size;

        manager_wake(m, manager_now(m) + PROGRESS_PAUSE);
        if (asprintf(&path, "%s/" JOBS_PROGRESS, m->paths.runtime) < 0) {
                path = NULL;
                return;
        }
        if (file_read(AT_FDCWD, path, 256, &text, &size, NULL) < 0 || sscanf(text, "%lld %lld", &done, &total) != 2 || done < 0 || m->job->bytes_done == done)
                return;
        /* A stream is about as large as the files, and no promise of it. */
        total = total >= done ? total : done;
        if (job_store_set_progress(m->jobs, done, total) >= 0) {
                m->news = true;
                manager_touch(m);
        }
}

int jobs_unit(Manager *m, const char *step, const char *from, char text[static 512]) {
        char name[64];
        int r = 0;

        if (m->step.answered) {
                if (json_is_true(json_object_get(m->step.answer, "ok")))
                        return 1;
                (void) snprintf(text, 512, "%.500s", m->step.error);
                return -EIO;
        }
        if (m->step.asked_unit) {
                jobs_read_progress(m);
                /* What is half renamed or half deleted is brought to its end. */
                if ((m->job->state == JOB_CANCELLING || m->step.full) && (streq(step, "copy") || streq(step, "prepare") || streq(step, "load")) && !m->step.ended_unit) {
                        m->step.ended_unit = true;
                        (void) unit_stop(m->step.unit, "replace", NULL, NULL);
                }
                return 0;
        }
        if (!m->step.unit) {
                (void) snprintf(name, sizeof(name), "mainstay-provision@%.16s.service", step);
                r = unit_new(m->bus, name, unit_moved, m, &m->step.unit);
                if (r >= 0)
                        r = write_orders(m, from);
        }
        if (r >= 0)
                r = unit_start(m->step.unit, "replace", unit_ended, m);
        if (r == -ENOTCONN || r == -EBUSY) { /* systemd has yet to tell of the unit */
                manager_wake(m, manager_now(m) + UNIT_RETRY);
                return 0;
        }
        if (r < 0) {
                (void) snprintf(text, 512, "mainstay-provision@%.16s.service cannot be started: %s", step, strerror(-r));
                return r;
        }
        m->step.asked_unit = true;
        return 0;
}

static void shadow_moved(Unit *unit, int r, const char *result, void *userdata) {
        Manager *m = userdata;

        if (is_lost(m, r))
                return;
        m->step.ended_unit = true;
        m->step.answered = r >= 0 && streq_null(result, "done");
        manager_touch(m);
}

/* It is told to, whatever it does: systemd is content with what is so already. */
int jobs_shadow(Manager *m, bool up, char text[static 512]) {
        int r = 0;

        if (up && m->job->state == JOB_CANCELLING && !m->step.undoing) {
                if (m->step.unit)
                        (void) unit_stop(m->step.unit, "replace", NULL, NULL);
                (void) snprintf(text, 512, "It was cancelled.");
                return -ECANCELED;
        }
        if (m->step.ended_unit && m->step.answered)
                return 1;
        if (m->step.ended_unit) {
                (void) snprintf(text, 512, "The server on the copy could not be %s: journalctl -u mainstay-shadow", up ? "started" : "stopped");
                return -EIO;
        }
        if (m->step.asked_unit)
                return 0;
        if (!m->step.unit)
                r = unit_new(m->bus, "mainstay-shadow.service", unit_moved, m, &m->step.unit);
        if (r >= 0)
                r = up ? unit_start(m->step.unit, "replace", shadow_moved, m) : unit_stop(m->step.unit, "replace", shadow_moved, m);
        if (r == -ENOTCONN || r == -EBUSY) {
                manager_wake(m, manager_now(m) + UNIT_RETRY);
                return 0;
        }
        if (r < 0) {
                (void) snprintf(text, 512, "The server on the copy cannot be %s: %s", up ? "started" : "stopped", strerror(-r));
                return r;
        }
        m->step.asked_unit = true;
        return 0;
}

static void server_moved(Unit *unit, int r, const char *result, void *userdata) {
        Manager *m = userdata;

        if (!is_lost(m, r)) {
                m->step.ended_unit = true;
                m->step.answered = r >= 0 && streq_null(result, "done");
        }
        if (m->stopping || m->store->stopping[0])
                manager_stop_ended(m);
        manager_touch(m);
}

int jobs_server(Manager *m, bool up, char text[static 512]) {
        const UnitState *u = unit_state(m->unit);
        bool is_up, is_down;
        int r;

        if (!u)
                return 0;
        is_up = streq(u->active, "active") && m->main_pid != 0;
        is_down = (streq(u->active, "inactive") || streq(u->active, "failed")) && m->main_pid == 0;
        if (up ? is_up : is_down)
                return m->step.asked_unit && !m->step.ended_unit ? 0 : 1;
        if (m->step.ended_unit && m->step.answered) { /* its state is on its way to us */
                manager_wake(m, manager_now(m) + UNIT_RETRY);
                return 0;
        }
        if (m->step.ended_unit) {
                m->step.asked_unit = m->step.ended_unit = false; /* where it is taken back, once more */
                (void) snprintf(text, 512, "The server could not be %s: systemctl status %s", up ? "started" : "stopped", m->config->unit);
                return -EIO;
        }
        /* A server that is told to end while it starts may not hear it, and hang until
         * systemd kills it (seen with MariaDB 10.11). */
        if (m->step.asked_unit || (!up && streq(u->active, "activating") && !streq(u->sub, "auto-restart") && !(m->gate.call && provision_keeps_down(m))))
                return 0;
        m->step.asked_unit = true;
        r = up ? unit_start(m->unit, "replace", server_moved, m) : manager_stop(m, server_moved);
        if (r == -ENOTCONN || r == -EBUSY) {
                m->step.asked_unit = false;
                manager_wake(m, manager_now(m) + UNIT_RETRY);
                return 0;
        }
        if (r < 0) {
                m->step.asked_unit = m->step.ended_unit = false;
                (void) snprintf(text, 512, "The server cannot be %s: %s", up ? "started" : "stopped", strerror(-r));
                return r;
        }
        return 0;
}

/* The steps */

static void end(Manager *m, JobState state, const char *text) {
        _cleanup_(job_freep) Job *next = NULL;
        _cleanup_free_ char *line = NULL;

        if (job_copy(m->job, &next) < 0 || job_end(next, state, text, clock_usec(CLOCK_REALTIME)) < 0 || save(m, next) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return;
        }
        /* `text` may have been the job's. */
        line = log_text("The job %" PRIu64 " (%s) %s: %s", next->id, job_kind_to_string(next->kind),
                        state == JOB_DONE ? "is done" : state == JOB_CANCELLED ? "was cancelled" : "has failed", next->text);
        if (state == JOB_DONE)
                tell(m, next, LOG_NOTICE, MESSAGE_JOB_DONE, line);
        else
                tell(m, next, LOG_WARNING, MESSAGE_JOB_FAILED, line);
        step_reset(m);
        replica_job_ended(m, next);
        manager_touch(m);
}

static bool begin_step(Manager *m, const char *name) {
        _cleanup_(job_freep) Job *next = NULL;

        if (job_copy(m->job, &next) < 0 || job_begin_step(next, name, clock_usec(CLOCK_REALTIME)) < 0 || save(m, next) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return false;
        }
        step_reset(m);
        manager_touch(m);
        return true;
}

static void end_step(Manager *m, bool ok, const char *text) {
        _cleanup_(job_freep) Job *next = NULL;

        if (job_copy(m->job, &next) < 0 || job_end_step(next, ok, text, clock_usec(CLOCK_REALTIME)) < 0 || save(m, next) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return;
        }
        if (ok && *text) /* else the end of the job says it */
                log_info("%s", text);
        manager_touch(m);
}

/* Taking back */

static bool can_undo(const Step *steps) {
        for (; steps->name; steps++)
                if (steps->undo)
                        return true;
        return false;
}

/* The newest one that still stands. */
static const JobStep *standing_step(const Job *job) {
        for (size_t i = job->n_steps; i > 0; i--)
                if (job->step[i - 1].state != STEP_UNDONE)
                        return &job->step[i - 1];
        return NULL;
}

static void undo_step(Manager *m, const char *step, const char *text) {
        _cleanup_(job_freep) Job *next = NULL;
        _cleanup_free_ char *line = NULL;

        /* The step's name is the job's of now. */
        line = log_text("The step %s of the job %" PRIu64 " is taken back.%s%s", step, m->job->id, *text ? " " : "", text);
        if (job_copy(m->job, &next) < 0 || job_undo_step(next, text, clock_usec(CLOCK_REALTIME)) < 0 || save(m, next) < 0) {
                manager_wake(m, manager_now(m) + SAVE_RETRY);
                return;
        }
        tell(m, next, LOG_NOTICE, MESSAGE_JOB_UNDONE, line);
        m->undo_failures = 0;
        step_reset(m);
        manager_touch(m);
}

static void undo(Manager *m, const Step *steps) {
        const JobStep *s = standing_step(m->job), *last = job_last_step(m->job);
        char text[512] = "", all[1024];
        int r = 1;

        if (!s) {
                end(m, m->job->state == JOB_CANCELLING ? JOB_CANCELLED : JOB_FAILED, last->text);
                return;
        }
        if (!m->step.undoing) {
                step_reset(m);
                m->step.undoing = true;
        }
        if (manager_now(m) < m->step.looked) {
                manager_wake(m, m->step.looked);
                return;
        }
        for (; steps->name; steps++)
                if (streq(steps->name, s->name) && steps->undo)
                        r = steps->undo(m, text);
        if (r > 0)
                undo_step(m, s->name, text);
        if (r >= 0)
                return;
        if (++m->undo_failures < UNDO_TRIES) {
                log_warning("The step %s of the job %" PRIu64 " cannot be taken back yet: %s", s->name, m->job->id, text);
                step_reset(m);
                m->step.undoing = true;
                m->step.looked = manager_now(m) + UNDO_RETRY;
                manager_wake(m, m->step.looked);
                return;
        }
        (void) snprintf(all, sizeof(all), "%.450s What was done so far could not be taken back either: %.450s", last->text, text);
        if (s->state == STEP_BEGUN)
                end_step(m, false, all);
        end(m, JOB_FAILED, all);
}

static bool is_undone(const Job *job) {
        for (size_t i = 0; i < job->n_steps; i++)
                if (job->step[i].state == STEP_UNDONE)
                        return true;
        return false;
}

void jobs_drive(Manager *m) {
        const JobStep *last;
        const Step *steps;
        size_t n = 0;

        if (!m->job)
                return;
        steps = replica_job_steps(m->job);
        last = job_last_step(m->job);
        if (last && can_undo(steps) &&
            (last->state == STEP_FAILED || is_undone(m->job) || (m->job->state == JOB_CANCELLING && last->state == STEP_DONE))) {
                undo(m, steps);
                return;
        }
        if (last && last->state == STEP_FAILED) {
                end(m, m->job->state == JOB_CANCELLING ? JOB_CANCELLED : JOB_FAILED, last->text);
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
