/* `status --watch`: the picture again whenever something changes. On a terminal it is
 * drawn over the one before, on the screen's other page; off it a line tells of each node
 * that has changed; with --json it is an object a line. */
#pragma once

#include "edge/ctl-bus.h"
#include "edge/ctl-text.h"

typedef int (*watch_print_t)(FILE *f, const Style *style, const Args *a, json_t *picture);

/* Until q, Ctrl-C, or the end of the connection. Returns how the command ends. */
int watch_run(const Args *a, sd_bus *bus, watch_print_t print);
