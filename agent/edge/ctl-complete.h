/* What could be typed next, for the shells. */
#pragma once

#include "edge/ctl-args.h"

#define KNOWN_JOBS_MAX 64

/* What the agent has names for. */
typedef struct Known {
        Names nodes;
        size_t n_jobs;
        int64_t job[KNOWN_JOBS_MAX]; /* newest first */
} Known;

/* The words behind the program's name, of which the last is the one that is being typed,
 * and may be "". Writes what could stand in its place, one a line; nothing where that is
 * the name of a file, or free text. A value may be typed as --option=value, also where
 * the shell takes that for three words. */
void complete(int n, char *words[], const Known *known, FILE *to);

/* Asks the agent, but not for long. */
void complete_known(Known *ret);
