/* Within setup: what undoing takes from its steps. */
#pragma once

#include "edge/ctl-dropin.h"
#include "edge/ctl-setup.h"

#include "adapter/record.h"

#define BUS_POLICY "/etc/dbus-1/system.d/mainstay-server.conf"
#define POLKIT_RULE "/etc/polkit-1/rules.d/50-mainstay-unit.rules"

/* Before other nodes are undone: which of them let this one in. */
void peers_look(Setup *s);
/* Does no other node use Mainstay with this one any more? True where this very command undid
 * them all, and each denies this node's key. Silence says nothing. */
bool peers_are_gone(Setup *s);

/* For this server alone: nothing of it replicates, and read-only is no obstacle. The exit
 * status of the client, or a negative errno. */
int setup_sql_local(Setup *s, const char *statement, char **ret_failed);

int undo_apparmor(Setup *s);
