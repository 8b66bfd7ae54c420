/* The file of a job, which the agent goes on with after it, or the machine, has died: what
 * cannot be read is told, and never written over; what is read is a job that can have come
 * about, the same when it is written and read again, and can be shown. */
#include "adapter/job-store.h"
#include "edge/ctl-job.h"
#include "place.h"

#define NAME JOB_STORE_NAME "/00000001.json"
#define NOW (1000000 * USEC_PER_SEC)

static void check_job(const Job *job) {
        char *text, *again;
        char error[256] = "";
        json_t *o;
        Job *back;

        MUST(job->id == 1 && job->n_steps <= JOB_STEPS_MAX && name_valid(job->node) && (!job->source[0] || name_valid(job->source)));
        MUST(job->kind >= 0 && job->kind < _JOB_KIND_MAX && job->state >= 0 && job->state < _JOB_STATE_MAX);
        MUST(job->method >= 0 && job->method < _METHOD_MAX && job->bytes_done >= -1 && job->bytes_total >= -1);
        for (size_t i = 0; i < job->n_steps; i++)
                MUST(job->step[i].name[0] && job->step[i].state >= 0 && job->step[i].state < _STEP_STATE_MAX);

        MUST(job_to_json(job, JOB_STEPS_MAX, &o) == 0);
        text = json_dumps(o, 0);
        MUST(text && job_from_json(o, &back, error) == 0);
        json_decref(o);
        MUST(job_to_json(back, JOB_STEPS_MAX, &o) == 0);
        again = json_dumps(o, 0);
        MUST(again && streq(text, again));
        json_decref(o);
        (void) job_free(back);
        free(text);
        free(again);
}

static void check_shown(const Job *job) {
        const Style style = { .colour = true, .moves = true, .unicode = true, .width = 60, .height = 20 };
        char *shown = NULL, *line = job_line(job, NOW);
        size_t size;
        FILE *f = open_memstream(&shown, &size);

        MUST(f && line);
        job_print(f, &style, job, NOW);
        (void) fclose(f);
        MUST(size > 0);
        free(shown);
        free(line);
}

/* Every end that a running one may come to is one that can be written. */
static void check_end(JobStore *s) {
        Job *job;
        int r;

        MUST(job_copy(job_store_running(s), &job) == 0);
        r = job_end_step(job, false, "It was cut off.", NOW);
        MUST(r == 0 || r == -ENOENT);
        r = job_end(job, JOB_FAILED, "It failed.", NOW);
        MUST(r == 0 && job_store_save(s, job) == 0);
        MUST(!job_store_running(s) && job_store_current(s)->id == 1);
        (void) job_free(job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *after = NULL;
        Place p = place_make();
        char error[256] = "";
        JobStore *s;
        size_t n;

        MUST(mkdirat(p.fd, JOB_STORE_NAME, 0700) == 0);
        place_put(&p, NAME, data, size);
        MUST(job_store_open(p.path, &s, error) == 0);
        MUST(s->n + s->n_problems == 1 && s->last_id == 1);
        if (s->n > 0) {
                check_job(s->job[0]);
                check_shown(s->job[0]);
        } else
                MUST(s->problem[0][0] && strlen(s->problem[0]) < sizeof(s->problem[0]));
        after = place_get(&p, NAME, &n);
        MUST(after && n == size && memcmp(after, data, size) == 0);
        if (job_store_running(s))
                check_end(s);
        (void) job_store_free(s);
        place_done(&p);
        return 0;
}
