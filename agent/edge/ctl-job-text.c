/* Jobs as text; see ctl-job.h. */
#include "base/amount.h"
#include "edge/ctl-grid.h"
#include "edge/ctl-job.h"

#include <inttypes.h>
#include <time.h>

#define TITLE_SIZE 256
#define TIME_SIZE 32
#define BAR_WIDTH 24

/* "provision of db2 from db1" */
static const char *title(const Job *job, char buf[static TITLE_SIZE]) {
        (void) snprintf(buf, TITLE_SIZE, "%s of %s%s%s", job_kind_to_string(job->kind), job->node,
                        !job->source[0] ? "" : job->kind == JOB_PROVISION ? " from " : " to follow ", job->source);
        return buf;
}

static const char *time_text(usec_t at, char buf[static TIME_SIZE]) {
        time_t seconds = (time_t) (at / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(buf, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                (void) snprintf(buf, TIME_SIZE, "an unknown time");
        return buf;
}

/* Of something that began and ended, or goes on; clocks may have been put back. */
static const char *took(usec_t begun, usec_t ended, usec_t now, char buf[static AMOUNT_SIZE]) {
        usec_t end = ended > 0 ? ended : now;

        return amount_time(end > begun ? end - begun : 0, buf);
}

static Colour colour_of_job(JobState s) {
        return s == JOB_DONE ? COLOUR_GREEN : s == JOB_FAILED ? COLOUR_RED : COLOUR_YELLOW;
}

static Colour colour_of_step(StepState s) {
        return s == STEP_DONE ? COLOUR_GREEN : s == STEP_FAILED ? COLOUR_RED : COLOUR_YELLOW;
}

static void forget_progress(FILE *f, JobShown *shown) {
        if (shown->progress)
                fputs("\r\033[K", f);
        shown->progress = false;
}

static void print_step(FILE *f, const Style *style, const JobStep *step) {
        Colour colour = colour_of_step(step->state);
        char time[AMOUNT_SIZE];

        if (step->state == STEP_BEGUN) {
                fprintf(f, "  %s ...\n", step->name);
                return;
        }
        fprintf(f, "  %s %s%s%s after %s\n", step->name, style_begin(style, colour), step_state_to_string(step->state), style_end(style, colour),
                took(step->begun, step->ended, 0, time));
        if (step->text[0])
                text_print(f, style, 4, false, step->text);
}

static void print_news(FILE *f, const Style *style, const Job *job, JobShown *shown) {
        for (size_t i = 0; i < job->n_steps; i++) {
                size_t at = job->left_out + i; /* other nodes are told the newest ones alone */

                if (at < shown->n && shown->state[at] == job->step[i].state)
                        continue;
                forget_progress(f, shown);
                print_step(f, style, &job->step[i]);
                shown->state[at] = job->step[i].state;
        }
        if (shown->n < job->left_out + job->n_steps)
                shown->n = job->left_out + job->n_steps;
}

void job_print_steps(FILE *f, const Style *style, const Job *job, usec_t now, JobShown *shown) {
        _cleanup_free_ char *bar = NULL;
        char progress[JOB_PROGRESS_SIZE];

        print_news(f, style, job, shown);
        if (!style->moves || !*job_progress_text(job, now, progress))
                return;
        if (job->bytes_total > 0 && style->width >= strlen(progress) + BAR_WIDTH + 8)
                bar = text_bar(style, job->bytes_done, job->bytes_total, BAR_WIDTH);
        fprintf(f, "\r\033[K    %s%s%.*s", str_or(bar, ""), bar ? " " : "", (int) style->width - 5, progress);
        shown->progress = true;
}

void job_print_end(FILE *f, const Style *style, const Job *job) {
        Colour colour = colour_of_job(job->state);
        char buf[TITLE_SIZE], time[AMOUNT_SIZE];

        fprintf(f, "%sThe %s %s%s after %s.%s\n", style_begin(style, colour), title(job, buf), job->state == JOB_FAILED ? "has " : "is ",
                job_state_to_string(job->state), took(job->begun, job->ended, 0, time), style_end(style, colour));
        if (job->text[0])
                text_print(f, style, 0, false, job->text);
}

char *job_line(const Job *job, usec_t now) {
        const JobStep *last = job_last_step(job);
        char progress[JOB_PROGRESS_SIZE], *text;

        (void) job_progress_text(job, now, progress);
        if (asprintf(&text, "job %" PRIu64 ": %s%s%s%s%s%s%s", job->id, job_kind_to_string(job->kind), job->source[0] ? ", by " : "", job->source, last ? ", at " : "", last ? last->name : "",
                     progress[0] ? ": " : "", progress) < 0)
                return NULL;
        return text;
}

void job_print_bar(FILE *f, const Style *style, size_t indent, const Job *job) {
        text_print_bar(f, style, indent, job->bytes_done, job->bytes_total);
}

static void print_line(FILE *f, const Style *style, char *text) {
        _cleanup_free_ char *line = text;

        if (line)
                text_print(f, style, 0, false, line);
}

void job_print_begin(FILE *f, const Style *style, const Job *job) {
        _cleanup_free_ char *force = job->force.n > 0 ? names_text(&job->force) : NULL;
        char buf[TITLE_SIZE], begun[TIME_SIZE], *text;

        if (asprintf(&text, "Job %" PRIu64 ", %s, was begun at %s%s%s.%s%s%s", job->id, title(job, buf), time_text(job->begun, begun), job->by[0] ? " by " : "", job->by,
                     force ? " Passed over by force: " : "", str_or(force, ""), force ? "." : "") < 0)
                text = NULL;
        print_line(f, style, text);
}

void job_print(FILE *f, const Style *style, const Job *job, usec_t now) {
        char time[AMOUNT_SIZE], progress[JOB_PROGRESS_SIZE], *text;
        JobShown shown = {0};

        job_print_begin(f, style, job);
        print_news(f, style, job, &shown);
        if (job_is_over(job)) {
                job_print_end(f, style, job);
                return;
        }
        (void) job_progress_text(job, now, progress);
        if (asprintf(&text, "It has been running for %s%s%s.%s", took(job->begun, 0, now, time), *progress ? "; " : "", progress,
                     job->state == JOB_CANCELLING ? " Somebody has asked for its end: it comes where it can be left in good order." : "") < 0)
                text = NULL;
        print_line(f, style, text);
}

enum { COL_ID, COL_KIND, COL_NODE, COL_SOURCE, COL_STATE, COL_BEGUN, COL_TOOK, COL_NOTE, _COL_MAX };

static const char *const headings[] = { "ID", "KIND", "NODE", "SOURCE", "STATE", "BEGUN", "TOOK", "REMARK" };

static const Grid grid = { .headings = headings, .n_columns = _COL_MAX, .coloured = COL_STATE };

/* What it is at, or how it ended. */
static char *note(const Job *job, usec_t now) {
        const JobStep *last = job_last_step(job);
        char progress[JOB_PROGRESS_SIZE], *s;

        if (job_is_over(job))
                return text_sentence(job->text);
        if (!last)
                return strdup("");
        (void) job_progress_text(job, now, progress);
        return asprintf(&s, "%s%s%s%s", last->name, last->state == STEP_BEGUN ? "" : " ", last->state == STEP_BEGUN ? (*progress ? ": " : "") : step_state_to_string(last->state), progress) < 0 ? NULL : s;
}

/* One of a newer release is a line too: it is there. */
static int fill(const json_t *o, usec_t now, GridRow *row) {
        _cleanup_(job_freep) Job *job = NULL;
        char error[256] = "", begun[TIME_SIZE], time[AMOUNT_SIZE];
        int r;

        r = job_from_json(o, &job, error);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                if (asprintf(&row->cell[COL_ID], "%lld", (long long) json_integer_value(json_object_get(o, "id"))) < 0)
                        row->cell[COL_ID] = NULL;
                for (size_t c = COL_KIND; c < COL_NOTE; c++)
                        row->cell[c] = strdup("?");
                row->cell[COL_NOTE] = strdup(error);
                row->colour = COLOUR_YELLOW;
                return 0;
        }
        if (asprintf(&row->cell[COL_ID], "%" PRIu64, job->id) < 0)
                row->cell[COL_ID] = NULL;
        row->cell[COL_KIND] = strdup(job_kind_to_string(job->kind));
        row->cell[COL_NODE] = strdup(job->node);
        row->cell[COL_SOURCE] = strdup(str_or(job->source, "-"));
        row->cell[COL_STATE] = strdup(job_state_to_string(job->state));
        row->cell[COL_BEGUN] = strdup(time_text(job->begun, begun));
        row->cell[COL_TOOK] = strdup(took(job->begun, job->ended, now, time));
        row->cell[COL_NOTE] = note(job, now);
        row->colour = colour_of_job(job->state);
        return 0;
}

int job_print_list(FILE *f, const Style *style, const json_t *jobs, usec_t now) {
        size_t n = json_array_size(jobs), i;
        const json_t *o;
        GridRow *rows;
        int r = 0;

        if (n == 0) {
                fputs("No job has been begun on this node yet.\n", f);
                return 0;
        }
        rows = calloc(n, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        json_array_foreach((json_t *) jobs, i, o)
                if (r >= 0)
                        r = fill(o, now, &rows[i]);
        if (r >= 0)
                r = grid_print(f, style, &grid, rows, n);
        grid_free(rows, n);
        return r;
}

int job_exit(const Job *job) {
        return job->state == JOB_DONE ? CTL_OK : CTL_FAILED;
}
