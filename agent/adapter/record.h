/* The record of views on disk, in the server directory.
 *
 * mysqld's user owns and writes that directory (the gate, the notify command
 * and mainstay-recover run as that user), and the agent reads it. It is not the
 * data directory, for that one an SST empties. This file is part of the notify
 * command: it needs nothing but the C library.
 */
#pragma once

#include "domain/viewlog.h"

#define RECORD_NAME "views"
/* Kept: what stood in the record before it was begun anew. */
#define RECORD_OLD_NAME "views.old"
/* And the last one that lacked something, and so was set aside. */
#define RECORD_LOST_NAME "views.lost"

/* A larger record is begun anew where that loses no view still in force. */
#define RECORD_SIZE_KEPT ((size_t) 64 * 1024)

/* Opens a section for a start of mysqld, durably, and returns its number, which
 * is one above the highest that can be found. A record that is too large or
 * cannot be understood is set aside and begun anew; from one that is only
 * large, the section whose views are in force is taken over. `invocation` may
 * be NULL or "". Returns 1 where the record was begun anew, else 0. */
int record_open_section(int dirfd, usec_t now, const char *invocation, const Position *position /* or NULL */, uint64_t *ret_section);

/* The highest number of a section, 0 where there is none; an error where it cannot
 * be read just now. */
int record_section(int dirfd, uint64_t *ret);

/* Sets the record aside, durably, as one that lacks something. The numbers stay: one
 * without any, where another was lost before that has them, is removed instead. -ENOENT
 * where there is none. */
int record_lose(int dirfd);

/* Appends whole lines, durably. A torn last line stays one of its own, for
 * everybody to see. Without an allocation. -EFBIG for a record that is too
 * large to be read, and so to be trusted. */
int record_append(int dirfd, const char *lines, size_t n);

/* -ENOENT where there is none, other errors of file_read(), and those of
 * viewlog_parse(), which alone write `error`. */
int record_read(int dirfd, Viewlog *ret, char error[static 256]);
