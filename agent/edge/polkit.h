/* The one place that decides who may use an operator's verb. */
#pragma once

#include "manager/manager.h"

/* What somebody is about to do: for each an action of polkit, org.mainstay1.*, which an
 * administrator may delegate. */
typedef enum Intent {
        INTENT_VIEW,      /* be told more than the properties tell */
        INTENT_OPERATE,   /* start, stop, take out of service, bring back: no data are given up */
        INTENT_BOOTSTRAP, /* form the cluster, and give up what absent nodes have */
        INTENT_PROVISION, /* replace the data of a node */
        _INTENT_MAX,
} Intent;

/* Asks polkit, without blocking, whether the sender of `call` may do this, and then
 * hands the call to `run`, as if it had just arrived; or answers it with a refusal.
 * Root needs no polkit. */
int polkit_authorise(sd_bus_message *call, Intent intent, int (*run)(sd_bus_message *call, Manager *m), Manager *m);
