/* The agent, as mainstayctl reaches it, and its properties as one JSON object:
 *
 *   version, name, state, reason, waiting, mysqld    text
 *   position      {uuid, seqno, source}
 *   safe_to_bootstrap   true, false, or null where unsaid
 *   view          {uuid, seqno, members}
 *   history       [{id, uuid, seqno}]
 *   marks         [text]
 *   policy        {name, version, node}
 *   report, plan, job   as the agent says them, or null
 *   peers         [{label, node, condition, why, report}]
 *
 * That is what `mainstayctl --json status` prints, and what the tables are
 * made of.
 */
#pragma once

#include "edge/ctl-args.h"

#include <jansson.h>
#include <systemd/sd-bus.h>

#define AGENT_NAME "org.mainstay1"
#define AGENT_PATH "/org/mainstay1"
#define AGENT_NODE "org.mainstay1.Node"
#define AGENT_PEER "org.mainstay1.Peer"
#define AGENT_MATCH_PROPERTIES                                                            \
        "type='signal',sender='" AGENT_NAME "',path='" AGENT_PATH "',"                    \
        "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"         \
        "arg0='" AGENT_NODE "'"
#define AGENT_MATCH_OWNER                                                                 \
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"       \
        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" AGENT_NAME "'"

/* Connects as `a` says, and explains on stderr where it cannot. */
int bus_open(const Args *a, sd_bus **ret);

/* All properties of the node. What went wrong is in `error`. */
int bus_picture(sd_bus *bus, sd_bus_error *error, json_t **ret);
int bus_text(sd_bus *bus, const char *property, sd_bus_error *error, char **ret);

/* No agent there, as against one that refuses. */
bool bus_error_absent(const sd_bus_error *error);

/* What is wrong, what Mainstay does about it, what a person can do: on
 * stderr, or as JSON on stdout. `what` is what did not come about. Returns
 * CTL_FAILED. */
int bus_explain(const Args *a, const char *what, const sd_bus_error *error, int r);
/* The same of what went wrong elsewhere: `error` is a name for programs, or NULL, and so
 * may be `help`, what a person can do. */
int ctl_fail(const Args *a, const char *what, const char *error, const char *text, const char *help);
