/* The verbs of mainstayctl. Each returns how the program ends (ctl-args.h),
 * or a negative errno that nobody has explained yet. */
#pragma once

#include "edge/ctl-args.h"

int verb_status(const Args *a);
int verb_report(const Args *a);
int verb_plan(const Args *a);
int verb_bootstrap(const Args *a);
int verb_join(const Args *a);
int verb_policy(const Args *a);
int verb_job(const Args *a);
int verb_recover(const Args *a);
int verb_setup(const Args *a);
int verb_inspect(const Args *a);
int verb_plan_files(const Args *a); /* `plan FILE...` */
int verb_doctor(const Args *a);
