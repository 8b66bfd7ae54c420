/* What the agent knows beyond its report and its plan, for `mainstayctl explain`. */
#pragma once

#include "manager/manager.h"

/* Answers the call with a JSON object: unit, recovery, files, claim, retry_at, peers. */
int explain_reply(Manager *m, sd_bus_message *call);
