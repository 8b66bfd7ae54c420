/* Help: the overview, and of each verb what fits a screen of 24 lines by 80
 * columns. The table of ctl-help.c is all there is of it; that each verb and each
 * option of ctl-args.c is in it, and fits, is held by tests/unit/test-help.c. */
#pragma once

#include "edge/ctl-args.h"

/* What `--help` and `help` print. */
void help_overview(FILE *f);
void help_verb(FILE *f, Verb v);

/* The same for programs; with a verb, of that one alone. -ENOMEM. */
int help_json(FILE *f, Verb v);

/* How the program ends, as mainstayctl(1) has it: `*ret_n` of them. */
typedef struct Exit {
        int status;
        const char *means;
} Exit;
const Exit *help_exits(size_t *ret_n);
