/* systemd, as mainstayctl asks it about units. */
#pragma once

#include "base/macro.h"

#include <systemd/sd-bus.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"

/* The object of the unit of that name, which systemd loads for it where it has not. Free
 * `*ret_path`. A unit that is not there has one, too: its LoadState says so. */
int systemd_unit(sd_bus *bus, const char *name, char **ret_path);
