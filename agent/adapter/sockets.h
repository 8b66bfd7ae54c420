/* Who is connected to a TCP port of this machine, and how much has come in: as
 * the kernel tells it, whatever program it is that listens. Needs no rights. */
#pragma once

#include "base/macro.h"
#include "domain/transfer.h"

/* The connections that others made to `port`, at most `max`, and whether anyone
 * listens there. Returns their number; -EOPNOTSUPP or -ENOENT where the kernel
 * does not tell. */
int sockets_read(uint16_t port, Flow *ret, size_t max, bool *ret_listening);
