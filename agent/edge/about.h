/* Answers Describe: what a node says of itself beyond its report. The version
 * of the server is its binary's own word, asked for when somebody wants to
 * know, and again only when the binary is another. */
#pragma once

#include "manager/manager.h"

/* Replies to `call`, now or when the server's binary has answered. */
int about_reply(Manager *m, sd_bus_message *call);
