/* Is it this machine that is meant? As far as that can be told without asking
 * anybody: by the addresses of its interfaces, by its name, and by /etc/hosts.
 * Nothing here waits for a resolver. */
#pragma once

#include "base/macro.h"

#include <sys/socket.h>

/* An address of one of its interfaces, or one that never leaves it. */
bool host_is_own_address(const struct sockaddr *a);

/* A name or an address, as it stands in a server's configuration: with or
 * without a port, IPv6 with or without brackets. False where it cannot be told. */
bool host_is_own(const char *host);

/* The same, on a machine that is called `name`, and whose /etc/hosts is `hosts`. */
bool host_is_own_by(const char *host, const char *name, const char *hosts);

/* Do the two say the same, but for ports, brackets and case? */
bool host_same(const char *a, const char *b);
