/* The result of the last wsrep-recover on disk, in the server directory: see
 * record.h for whose that is. */
#pragma once

#include "domain/recovery.h"

/* -ENOENT where there is none, -EBADMSG where it cannot be understood. */
int recovery_read(int dirfd, Recovery *ret);

/* Replaces it, durably. */
int recovery_write(int dirfd, const Recovery *r);
