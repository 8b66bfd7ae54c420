/* Jobs as a person sees them, once or as they go on: for `mainstayctl job`, and
 * for the verbs that begin one. */
#pragma once

#include "domain/job.h"
#include "edge/ctl-bus.h"
#include "edge/ctl-text.h"

/* What has been printed of the steps of one job; zeros at first. */
typedef struct JobShown {
        size_t n;
        StepState state[JOB_STEPS_MAX];
        bool progress; /* the last line is of how far it has come, and is written over */
} JobShown;

/* What is new of the steps, each told when it begins, ends and is undone, and on
 * a terminal how far the one under way has come. `job` may be a
 * report's, which has the newest steps alone. `now` as in job.h. */
void job_print_steps(FILE *f, const Style *style, const Job *job, usec_t now, JobShown *shown);

/* What it is, since when, and who asked for it. */
void job_print_begin(FILE *f, const Style *style, const Job *job);

/* "job 4: provision, by db3, at copy: 1.2 GiB of 4.0 GiB (30 %), about 40 s left"; free it,
 * NULL: out of memory. */
char *job_line(const Job *job, usec_t now);

/* On a terminal how far it has come, as a bar: nothing where no amount is known. */
void job_print_bar(FILE *f, const Style *style, size_t indent, const Job *job);

/* How it ended. */
void job_print_end(FILE *f, const Style *style, const Job *job);

/* All that is known of it. */
void job_print(FILE *f, const Style *style, const Job *job, usec_t now);

/* A line for each of `jobs`, a list as job_to_json() makes them. */
int job_print_list(FILE *f, const Style *style, const json_t *jobs, usec_t now);

/* What a command ends with whose job has come to this end. */
int job_exit(const Job *job);

/* Tells the steps of a job of `node` (NULL: of the one that `bus` leads to; another
 * one's is followed by what that one has heard of it) until it ends, and returns how the command ends:
 * job_exit(), 128 and the signal where the person has detached, CTL_FAILED where
 * the connection was lost. `id` 0: the one that runs, or has run last. `bus` is
 * attached to no event loop before, and closed after. What went wrong is explained. */
int job_follow(const Args *a, sd_bus *bus, const char *node, uint64_t id);
