/* Setting a datadir aside: the old one under another name beside it, a fresh
 * empty one in its place. Nothing is deleted, and nothing is copied: where it
 * cannot be done by renaming, it is refused. */
#pragma once

#include "adapter/datadir.h"

/* In the directory set aside: what it is. */
#define ASIDE_NOTE_NAME "MAINSTAY-ASIDE.txt"
#define ASIDE_TEXT_MAX DATADIR_TEXT_MAX

/* `name` in `parentfd` becomes NAME.mainstay-STAMP; `note` is left in it. May be
 * cut off at any point and called again with the same stamp: until the names
 * are exchanged the old data are in place, from then on they are not, and both
 * directories are there at every moment (on file systems that cannot exchange
 * names, but for one moment in between, after which this goes on as well).
 *
 * 1: done, now or before. 0: refused, with the old data in place; why is in
 * `text`. -errno: failed, and `text` says at what. */
int aside_move(int parentfd, const char *name, const char *stamp, const char *note, bool force_space, char text[static ASIDE_TEXT_MAX]);
