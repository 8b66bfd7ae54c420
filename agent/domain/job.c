/* Jobs; see job.h. */
#include "domain/job.h"
#include "base/amount.h"
#include "base/table.h"
#include "base/utf8.h"

#include <stdarg.h>

static const char *const kind_names[] = {
        [JOB_RECOVER] = "recover",
        [JOB_REPOINT] = "repoint",
        [JOB_PROVISION] = "provision",
        [JOB_PROVISION_COMMIT] = "provision-commit",
        [JOB_PROVISION_ROLLBACK] = "provision-rollback",
        [JOB_REPLICATOR_OFFLINE] = "replicator-offline",
        [JOB_REPLICATOR_ONLINE] = "replicator-online",
        [JOB_REPLICATOR_REPLICA] = "replicator-replica",
        [JOB_ONLINE] = "online",
        [JOB_DRAIN] = "drain",
};
DEFINE_STRING_TABLE(job_kind, JobKind, kind_names)

static const char *const method_names[] = {
        [METHOD_NONE] = "",
        [METHOD_MARIADB_BACKUP] = "mariadb-backup",
        [METHOD_CLONE] = "clone",
        [METHOD_DUMP] = "dump",
};
DEFINE_STRING_TABLE(method, Method, method_names)

static const char *const state_names[] = {
        [JOB_RUNNING] = "running",
        [JOB_CANCELLING] = "cancelling",
        [JOB_DONE] = "done",
        [JOB_FAILED] = "failed",
        [JOB_CANCELLED] = "cancelled",
};
DEFINE_STRING_TABLE(job_state, JobState, state_names)

static const char *const step_names[] = {
        [STEP_BEGUN] = "begun",
        [STEP_DONE] = "done",
        [STEP_FAILED] = "failed",
        [STEP_UNDONE] = "undone",
};
DEFINE_STRING_TABLE(step_state, StepState, step_names)

/* Of a clock that is not set: 0 would say that it has not happened. */
static usec_t stamp(usec_t now) {
        return now == 0 ? 1 : now > INT64_MAX ? INT64_MAX : now;
}

static bool step_name_valid(const char *name) {
        return names_plain(name) && strlen(name) < sizeof(((JobStep *) NULL)->name);
}

int job_new(uint64_t id, JobKind kind, const char *node, const char *source, const char *by, const Names *force, usec_t now, Job **ret) {
        Job *job;

        if (id < 1 || id > JOB_ID_MAX || kind < 0 || kind >= _JOB_KIND_MAX || !name_valid(node) || (*source && !name_valid(source)))
                return -EINVAL;
        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        job->id = id;
        job->kind = kind;
        (void) snprintf(job->node, sizeof(job->node), "%s", node);
        (void) snprintf(job->source, sizeof(job->source), "%s", source);
        utf8_copy(job->by, sizeof(job->by), by);
        job->begun = stamp(now);
        if (force)
                job->force = *force;
        job->bytes_done = job->bytes_total = -1;
        *ret = job;
        return 0;
}

Job *job_free(Job *job) {
        free(job);
        return NULL;
}

int job_copy(const Job *job, Job **ret) {
        Job *copy = malloc(sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        *copy = *job;
        *ret = copy;
        return 0;
}

/* Transitions */

static JobStep *last_step(Job *job) {
        return job->n_steps > 0 ? &job->step[job->n_steps - 1] : NULL;
}

int job_begin_step(Job *job, const char *name, usec_t now) {
        JobStep *last = last_step(job);

        if (job_is_over(job))
                return -EALREADY;
        if (last && (last->state == STEP_BEGUN || last->state == STEP_FAILED))
                return -EBUSY;
        if (!step_name_valid(name))
                return -EINVAL;
        if (job->n_steps == JOB_STEPS_MAX)
                return -ENOSPC;
        last = &job->step[job->n_steps++];
        *last = (JobStep) { .state = STEP_BEGUN, .begun = stamp(now) };
        (void) snprintf(last->name, sizeof(last->name), "%s", name);
        job->bytes_done = job->bytes_total = -1;
        return 0;
}

int job_end_step(Job *job, bool ok, const char *text, usec_t now) {
        JobStep *last = last_step(job);

        if (job_is_over(job))
                return -EALREADY;
        if (!last || last->state != STEP_BEGUN)
                return -ENOENT;
        last->state = ok ? STEP_DONE : STEP_FAILED;
        last->ended = stamp(now);
        utf8_copy(last->text, sizeof(last->text), text);
        return 0;
}

int job_undo_step(Job *job, const char *text, usec_t now) {
        size_t i = job->n_steps, n;

        if (job_is_over(job))
                return -EALREADY;
        while (i > 0 && job->step[i - 1].state == STEP_UNDONE)
                i--;
        if (i == 0)
                return -ENOENT;
        i--;
        job->step[i].state = STEP_UNDONE;
        job->step[i].ended = stamp(now);
        n = strlen(job->step[i].text);
        if (n > 0 && *text && n + 1 < sizeof(job->step[i].text))
                job->step[i].text[n++] = ' ';
        utf8_copy(job->step[i].text + n, sizeof(job->step[i].text) - n, text);
        return 0;
}

int job_set_progress(Job *job, int64_t done, int64_t total) {
        const JobStep *last = last_step(job);

        if (job_is_over(job))
                return -EALREADY;
        if (!last || last->state != STEP_BEGUN)
                return -ENOENT;
        if (done < -1 || total < -1)
                return -EINVAL;
        job->bytes_done = done;
        job->bytes_total = total;
        return 0;
}

int job_ask_cancel(Job *job) {
        if (job_is_over(job))
                return -EALREADY;
        if (job->state == JOB_CANCELLING)
                return 0;
        job->state = JOB_CANCELLING;
        return 1;
}

int job_end(Job *job, JobState state, const char *text, usec_t now) {
        const JobStep *last = last_step(job);

        if (job_is_over(job))
                return -EALREADY;
        if (!job_state_is_over(state) || state >= _JOB_STATE_MAX || (state == JOB_CANCELLED && job->state != JOB_CANCELLING))
                return -EINVAL;
        if (last && (last->state == STEP_BEGUN || (last->state == STEP_FAILED && state == JOB_DONE)))
                return -EBUSY;
        job->state = state;
        job->ended = stamp(now);
        utf8_copy(job->text, sizeof(job->text), text);
        return 0;
}

const JobStep *job_step(const Job *job, const char *name) {
        for (size_t i = job->n_steps; i > 0; i--)
                if (streq(job->step[i - 1].name, name))
                        return &job->step[i - 1];
        return NULL;
}

const JobStep *job_last_step(const Job *job) {
        return job->n_steps > 0 ? &job->step[job->n_steps - 1] : NULL;
}

/* Before that much of a step is over, its rate tells nothing. */
#define RATE_AFTER (2 * USEC_PER_SEC)

const char *job_progress_text(const Job *job, usec_t now, char buf[static JOB_PROGRESS_SIZE]) {
        const JobStep *last = job_last_step(job);
        char done[AMOUNT_SIZE], total[AMOUNT_SIZE], left[AMOUNT_SIZE];
        double fraction, took;
        size_t n;

        buf[0] = '\0';
        if (!last || last->state != STEP_BEGUN || job->bytes_done < 0)
                return buf;
        if (job->bytes_total <= 0 || job->bytes_done > job->bytes_total) {
                (void) snprintf(buf, JOB_PROGRESS_SIZE, "%s", amount_bytes((uint64_t) job->bytes_done, done));
                return buf;
        }
        fraction = (double) job->bytes_done / (double) job->bytes_total;
        (void) snprintf(buf, JOB_PROGRESS_SIZE, "%s of %s (%d %%)", amount_bytes((uint64_t) job->bytes_done, done),
                        amount_bytes((uint64_t) job->bytes_total, total), (int) (fraction * 100));
        if (fraction <= 0 || fraction >= 1 || now < last->begun + RATE_AFTER)
                return buf;
        took = (double) (now - last->begun);
        n = strlen(buf);
        if (took / fraction < (double) INT64_MAX)
                (void) snprintf(buf + n, JOB_PROGRESS_SIZE - n, ", about %s left", amount_time((usec_t) (took / fraction - took), left));
        return buf;
}

/* To JSON */

static void put(json_t *o, const char *key, json_t *value, bool *failed) {
        if (json_object_set_new(o, key, value) < 0)
                *failed = true;
}

static void put_text(json_t *o, const char *key, const char *text, bool *failed) {
        if (*text)
                put(o, key, json_string(text), failed);
}

static void put_number(json_t *o, const char *key, int64_t value, int64_t unknown, bool *failed) {
        if (value != unknown)
                put(o, key, json_integer(value), failed);
}

static json_t *step_json(const JobStep *step, bool *failed) {
        json_t *o = json_object();

        put(o, "name", json_string(step->name), failed);
        put(o, "state", json_string(step_state_to_string(step->state)), failed);
        put_number(o, "begun", (int64_t) step->begun, 0, failed);
        put_number(o, "ended", (int64_t) step->ended, 0, failed);
        put_text(o, "text", step->text, failed);
        return o;
}

int job_to_json(const Job *job, size_t steps, json_t **ret) {
        json_t *o = json_object(), *a = json_array();
        size_t first = job->n_steps > steps ? job->n_steps - steps : 0;
        bool failed = !o || !a;

        put(o, "id", json_integer((json_int_t) job->id), &failed);
        put(o, "kind", json_string(job_kind_to_string(job->kind)), &failed);
        put(o, "node", json_string(job->node), &failed);
        put_text(o, "source", job->source, &failed);
        put_text(o, "method", method_to_string(job->method), &failed);
        put_text(o, "by", job->by, &failed);
        put_number(o, "begun", (int64_t) job->begun, 0, &failed);
        put_number(o, "ended", (int64_t) job->ended, 0, &failed);
        put(o, "state", json_string(job_state_to_string(job->state)), &failed);
        if (job->force.n > 0)
                put(o, "force", names_to_json(&job->force), &failed);
        put_number(o, "left_out", (int64_t) (job->left_out + first), 0, &failed);
        for (size_t i = first; i < job->n_steps; i++)
                if (json_array_append_new(a, step_json(&job->step[i], &failed)) < 0)
                        failed = true;
        put(o, "steps", a, &failed);
        put_number(o, "bytes_done", job->bytes_done, -1, &failed);
        put_number(o, "bytes_total", job->bytes_total, -1, &failed);
        put_text(o, "text", job->text, &failed);
        if (failed) {
                json_decref(o);
                return -ENOMEM;
        }
        *ret = o;
        return 0;
}

/* From JSON. The first complaint wins. */

typedef struct Reader {
        char *error;
        int failed; /* negative errno */
} Reader;

static void _printf_(3, 4) complain(Reader *rd, int r, const char *format, ...) {
        va_list ap;

        if (rd->failed < 0)
                return;
        rd->failed = r;
        va_start(ap, format);
        (void) vsnprintf(rd->error, 256, format, ap);
        va_end(ap);
}

static const char *read_text(Reader *rd, const json_t *o, const char *key, bool required, size_t size) {
        const json_t *v = json_object_get(o, key);

        if (!v && !required)
                return "";
        if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v) || json_string_length(v) >= size) {
                complain(rd, -EBADMSG, "\"%s\" of a job is not a text of less than %zu bytes", key, size);
                return "";
        }
        return json_string_value(v);
}

static void read_name(Reader *rd, const json_t *o, const char *key, bool required, char ret[static NAME_SIZE]) {
        const char *s = read_text(rd, o, key, required, NAME_SIZE);

        if (*s ? !name_valid(s) : required)
                complain(rd, -EBADMSG, "\"%s\" of a job is not the name of a node", key);
        else
                (void) snprintf(ret, NAME_SIZE, "%s", s);
}

static int64_t read_number(Reader *rd, const json_t *o, const char *key, int64_t min, int64_t max, int64_t unknown) {
        const json_t *v = json_object_get(o, key);

        if (!v)
                return unknown;
        if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max) {
                complain(rd, -EBADMSG, "\"%s\" of a job is not a whole number from %lld to %lld", key, (long long) min, (long long) max);
                return unknown;
        }
        return json_integer_value(v);
}

/* One of the names in a table that may be longer in a newer release. */
static int read_choice(Reader *rd, const json_t *o, const char *key, const char *const *names, size_t n) {
        const char *s = read_text(rd, o, key, true, SIZE_MAX);

        for (size_t i = 0; i < n; i++)
                if (streq(s, names[i]))
                        return (int) i;
        complain(rd, -EPROTONOSUPPORT, "this Mainstay knows no job with the %s \"%.60s\": it may be of a newer release", key, s);
        return 0;
}

static void read_times(Reader *rd, const json_t *o, bool over, usec_t *ret_begun, usec_t *ret_ended) {
        int64_t begun = read_number(rd, o, "begun", 1, INT64_MAX, 0), ended = read_number(rd, o, "ended", 1, INT64_MAX, 0);

        if (begun == 0)
                complain(rd, -EBADMSG, "a job, or a step of one, has no beginning");
        if ((ended > 0) != over)
                complain(rd, -EBADMSG, "a job, or a step of one, %s", over ? "has ended, and does not say when" : "has an end, and has not ended");
        *ret_begun = (usec_t) begun;
        *ret_ended = (usec_t) ended;
}

static void read_step(Reader *rd, const json_t *o, JobStep *ret) {
        const char *name = read_text(rd, o, "name", true, sizeof(ret->name));

        if (!step_name_valid(name)) {
                complain(rd, -EBADMSG, "a step of a job has no name");
                return;
        }
        (void) snprintf(ret->name, sizeof(ret->name), "%s", name);
        ret->state = (StepState) read_choice(rd, o, "state", step_names, ELEMENTS(step_names));
        read_times(rd, o, ret->state != STEP_BEGUN, &ret->begun, &ret->ended);
        utf8_copy(ret->text, sizeof(ret->text), read_text(rd, o, "text", false, sizeof(ret->text)));
}

/* What the transitions cannot lead to is a spoilt file, or a lie. */
static void check_steps(Reader *rd, const Job *job) {
        for (size_t i = 0; i < job->n_steps; i++) {
                StepState s = job->step[i].state;

                if (i + 1 < job->n_steps && (s == STEP_BEGUN || s == STEP_FAILED))
                        complain(rd, -EBADMSG, "step \"%s\" of a job has not ended well, and another is behind it", job->step[i].name);
                if ((s == STEP_BEGUN && job_is_over(job)) || (s == STEP_FAILED && job->state == JOB_DONE))
                        complain(rd, -EBADMSG, "a job is %s, and its step \"%s\" %s", job_state_to_string(job->state), job->step[i].name,
                                 s == STEP_BEGUN ? "still runs" : "has failed");
        }
}

static void read_steps(Reader *rd, const json_t *o, Job *job) {
        const json_t *a = json_object_get(o, "steps"), *v;
        size_t i;

        if (!a)
                return;
        if (!json_is_array(a) || json_array_size(a) > JOB_STEPS_MAX) {
                complain(rd, -EBADMSG, "\"steps\" of a job is not a list of at most %d", JOB_STEPS_MAX);
                return;
        }
        json_array_foreach((json_t *) a, i, v) {
                read_step(rd, v, &job->step[i]);
                job->n_steps = i + 1;
        }
        check_steps(rd, job);
}

int job_from_json(const json_t *j, Job **ret, char error[static 256]) {
        _cleanup_(job_freep) Job *job = calloc(1, sizeof(*job));
        Reader rd = { .error = error };
        const json_t *force;

        if (!job)
                return -ENOMEM;
        if (!json_is_object(j)) {
                complain(&rd, -EBADMSG, "a job is a JSON object, and this is none");
                return rd.failed;
        }
        job->id = (uint64_t) read_number(&rd, j, "id", 1, JOB_ID_MAX, 0);
        if (job->id == 0)
                complain(&rd, -EBADMSG, "a job has no id");
        job->kind = (JobKind) read_choice(&rd, j, "kind", kind_names, ELEMENTS(kind_names));
        read_name(&rd, j, "node", true, job->node);
        read_name(&rd, j, "source", false, job->source);
        if (json_object_get(j, "method"))
                job->method = (Method) read_choice(&rd, j, "method", method_names, ELEMENTS(method_names));
        utf8_copy(job->by, sizeof(job->by), read_text(&rd, j, "by", false, sizeof(job->by)));
        job->state = (JobState) read_choice(&rd, j, "state", state_names, ELEMENTS(state_names));
        read_times(&rd, j, job_is_over(job), &job->begun, &job->ended);
        force = json_object_get(j, "force");
        if (force && names_from_json(force, &job->force) < 0)
                complain(&rd, -EBADMSG, "\"force\" of a job is not a list of checks");
        read_steps(&rd, j, job);
        job->left_out = (size_t) read_number(&rd, j, "left_out", 0, JOB_STEPS_MAX - (int64_t) job->n_steps, 0);
        job->bytes_done = read_number(&rd, j, "bytes_done", 0, INT64_MAX, -1);
        job->bytes_total = read_number(&rd, j, "bytes_total", 0, INT64_MAX, -1);
        utf8_copy(job->text, sizeof(job->text), read_text(&rd, j, "text", false, sizeof(job->text)));

        if (rd.failed < 0)
                return rd.failed;
        *ret = TAKE(job);
        return 0;
}
