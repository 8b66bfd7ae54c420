/* The directory of a server's data, and what lies beside it, as root's oneshots
 * handle them. Checks return 1, or 0 with the reason in `text`, which ends no
 * sentence; failures are negative, with `text` too where there is one. */
#pragma once

#include "base/macro.h"

#include <limits.h>

#define DATADIR_TEXT_MAX 512 /* with the NUL */

/* Returns `r`, with what is to be said of it in `text`. */
_printf_(3, 4) int datadir_fail(int r, char text[static DATADIR_TEXT_MAX], const char *format, ...);

/* Is there anything of that name? A link itself, wherever it leads. */
bool datadir_has(int dirfd, const char *name);

/* Opens the directory above `datadir`, which must be an absolute path, belong to
 * somebody else than root, and may be a symbolic link or absent; `name` is what it
 * is called there. Returns the descriptor. */
int datadir_open_parent(const char *datadir, char name[static NAME_MAX + 1], char text[static DATADIR_TEXT_MAX]);

/* Is it a file system of its own, or mounted by itself, so that nothing can be renamed from
 * it to a name beside it? 1, 0, or -errno. */
int datadir_is_mount(int parentfd, int fd);

/* Do these look like the data of a server? */
int datadir_check_data(int fd, const char *name, char text[static DATADIR_TEXT_MAX]);
/* And can they be renamed beside where they are? */
int datadir_check_place(int parentfd, int oldfd, const char *name, char text[static DATADIR_TEXT_MAX]);
/* Does no server run on them? */
int datadir_check_unused(int oldfd, char text[static DATADIR_TEXT_MAX]);

/* Are they all within it? Not so where it holds a link to a directory or a tablespace
 * elsewhere (.isl), or another file system is mounted in it. */
int datadir_check_whole(int oldfd, char text[static DATADIR_TEXT_MAX]);

/* Calls `each` for the entries of a directory, until one returns 0 or less; returns that,
 * or 1. `text` says why the directory cannot be read. */
int datadir_each(int dirfd, int (*each)(int dirfd, const char *entry, void *userdata, char *text), void *userdata, char text[static DATADIR_TEXT_MAX]);

/* Where the directory that `parentfd` is open on lies, and `name` in it. */
int datadir_path(int parentfd, const char *name, char path[static 2 * PATH_MAX], char text[static DATADIR_TEXT_MAX]);

/* What they take on the disk, in bytes. */
int datadir_size(int dirfd, uint64_t *ret);

/* An empty one, with the owner, mode and label of the old one; it may be there. */
int datadir_make(int parentfd, int oldfd, const char *fresh, char text[static DATADIR_TEXT_MAX]);
/* All of it; 0 where there is none. May be cut off and called again. */
int datadir_remove(int parentfd, const char *name);
