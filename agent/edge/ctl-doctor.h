/* `mainstayctl doctor`: what is the case on this node, for the checks of
 * domain/doctor.h, and what holds it. */
#pragma once

#include "domain/doctor.h"
#include "edge/ctl-setup.h"

/* All that a Patient borrows. */
typedef struct Ward {
        Patient patient;
        json_t *live, *picture;
        char *server, *name, *sst_method, *opts, *new_cluster;
        size_t n_texts;
        char *text[PATIENT_HOSTS_MAX * 2];
        About about[PATIENT_NODES_MAX];
} Ward;

/* Finds out what can be found out. `s` has its facts; where its steps have been
 * run, its `peers` has what the other nodes said. */
int ward_admit(Ward *w, Setup *s);
void ward_done(Ward *w);

/* What may come of it where a step of setup finds something missing, and how bad that
 * is. NULL, with the level untouched, where that is not known. */
const char *doctor_harm(const char *step, bool asynchronous, Level *ret_level);
