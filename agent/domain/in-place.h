/* A server without quorum, made Primary as it runs (rule 8). */
#pragma once

#include "base/macro.h"

/* What stands against it, by what the server says of itself: its version, how
 * much it has received and not applied, and how often it was desynchronised;
 * -1 where it does not say. 1 and `*ret_text`, to be freed; 0 where nothing. */
int in_place_problem(const char *version, int64_t queued, int64_t desynced, char **ret_text);
