/* Files: bounded reads, and writes that are either whole or not there.
 *
 * Names that are written are plain names within `dirfd`, without a slash: what
 * is made durable is an entry of that directory. -EINVAL for others.
 */
#pragma once

#include "base/macro.h"

#include <sys/stat.h>

/* Reads a regular file of at most `max` bytes. -E2BIG beyond that, -ENOTSUP
 * for what is no regular file. `*ret` is NUL-terminated beyond its size; free
 * it. `ret_stat` may be NULL. Opens without following a last symbolic link:
 * -ELOOP. */
int file_read(int dirfd, const char *name, size_t max, char **ret, size_t *ret_size, struct stat *ret_stat);

/* All `size` bytes, to a file, a pipe or a socket. */
int write_all(int fd, const void *data, size_t size);

/* Replaces `name` in `dirfd` by `size` bytes: temporary file, fsync, rename,
 * fsync of the directory. The mode and owner of a file that is replaced are
 * kept; a new one gets `mode`. On failure the old file is as it was, unless it
 * was the last of these steps that failed: then the new one is in its place,
 * whole, and a power cut may bring the old one back. What is no regular file
 * is not replaced: -ENOTSUP. A crash can leave ".NAME.XXXXXXXX.tmp" behind,
 * which the next write of that name removes. */
int file_write(int dirfd, const char *name, const void *data, size_t size, mode_t mode);

/* Removes that, for who may not write the name again; not what another process
 * is writing now. */
void file_sweep(int dirfd, const char *name);

/* Makes the entries of a directory durable. */
int directory_sync(int dirfd);

/* Renames within a directory and makes that durable. With `keep` the target
 * must not exist (-EEXIST). */
int file_rename(int dirfd, const char *from, const char *to, bool keep);

/* Appends one record with one write, then fsync. A short write is an error
 * (-EIO) after which the file is cut back to where it was, unless another has
 * appended since. Creates the file with `mode` where it is absent and makes its
 * name durable. */
int file_append(int dirfd, const char *name, const void *data, size_t size, mode_t mode);
