/* Times as a person types them. */
#pragma once

#include "base/macro.h"

/* "90", "90s", "30m", "2h", "3d": in seconds. -EINVAL for anything else, and for more than
 * ten years. */
int time_parse_span(const char *text, int64_t *ret);

/* A moment that has been, in microseconds since 1970: such a span before `now`; "03:00",
 * "2026-11-28", "2026-11-28 03:00", with or without seconds, by the local clock; "@1764298800".
 * -EINVAL for anything else. */
int time_parse_since(const char *text, usec_t now, usec_t *ret);
