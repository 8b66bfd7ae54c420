/* A unit's state as it comes over the bus: what unit.c follows is read here. Private to
 * these two. */
#pragma once

#include "adapter/unit.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

/* Reads an a{sv} of properties into `*state`; what is not in it stays as it was. After a
 * failure some of it may be of the one, and some of the other. */
int unit_state_read(sd_bus_message *m, UnitState *state);

/* It has ended; one that has failed stays so. */
void unit_state_end(UnitState *state);

bool unit_state_equal(const UnitState *a, const UnitState *b);
