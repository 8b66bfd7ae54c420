/* The verbs of mainstayctl. Each returns how the program ends (ctl-args.h),
 * or a negative errno that nobody has explained yet. */
#pragma once

#include "edge/ctl-args.h"

#include <jansson.h>

int verb_status(const Args *a);
int verb_explain(const Args *a);
int verb_report(const Args *a);
int verb_plan(const Args *a);
int verb_bootstrap(const Args *a);
int verb_join(const Args *a);
int verb_policy(const Args *a);
int verb_job(const Args *a);
int verb_history(const Args *a);
int verb_recover(const Args *a);
int recover_datasources(const Args *a, const json_t *picture); /* `recover` of what replicates */
int verb_operate(const Args *a); /* shun, online, offline, drain, repoint, replicator */
int verb_setup(const Args *a);
int verb_inspect(const Args *a);
int verb_plan_files(const Args *a); /* `plan FILE...` */
int verb_doctor(const Args *a);
