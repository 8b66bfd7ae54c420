/* The one place that decides who may use an operator's verb. */
#pragma once

#include "manager/manager.h"

/* Asks polkit, without blocking, whether the sender of `call` may do `action`,
 * and then hands the call to `run`, as if it had just arrived; or answers it
 * with a refusal. Root needs no polkit. */
int polkit_authorise(sd_bus_message *call, const char *action, int (*run)(sd_bus_message *call, Manager *m), Manager *m);
