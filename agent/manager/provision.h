/* The steps of a provisioning, as Step has them, and what they share: provision.c lists
 * them, and exchanges the data; provision-copy.c makes the copy. Private to these. */
#pragma once

#include "manager/jobs.h"

/* An agent that has just begun has yet to hear the others. */
#define NEWS_TIME (15 * USEC_PER_SEC)

/* A unit's step, by jobs_unit(), with `failed` as the sentence around why. */
int provision_unit(Manager *m, const char *step, const char *failed, char text[static 512]);

/* provision-copy.c */
int copy_look(Manager *m, char text[static 512]);
int copy_begin(Manager *m, char text[static 512]);    /* an empty place, which others fill */
int copy_backup(Manager *m, char text[static 512]);   /* by mariadb-backup */
int copy_clone(Manager *m, char text[static 512]);
int copy_load(Manager *m, char text[static 512]);     /* a dump */
int copy_prepare(Manager *m, char text[static 512]);
int copy_discard(Manager *m, char text[static 512]);  /* what is left of it */
int copy_shadow(Manager *m, char text[static 512]);   /* a server on it */
int copy_end_shadow(Manager *m, char text[static 512]);
int copy_position(Manager *m, char text[static 512]); /* that server is told where it stands */
int copy_follow(Manager *m, char text[static 512]);
int copy_catch_up(Manager *m, char text[static 512]);
