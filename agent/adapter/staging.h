/* A copy of another node's data, beside this node's own, and the exchange of the
 * two. Three names: DATADIR, DATADIR.mainstay-new, where a copy is made, and
 * DATADIR.mainstay-old, where this node's own are kept until a person says
 * otherwise. Where DATADIR is a file system of its own, they lie within it, as
 * .mainstay-new and .mainstay-old (see staging-within.h). A whole copy carries a note in it, of which job it is, so at every
 * moment it can be told which is which.
 *
 * Every function may be cut off at any point and called again. 1: done, now or
 * before. 0: refused, with the reason in `text`; nothing was changed. Negative:
 * failed, and `text` says at what. -EBADMSG: a note is damaged, and with it what a job
 * could go by; what is asked for by no job (0, kept and commit) is done all the same, for
 * only a copy has one. `parentfd` and `name` are of datadir_open_parent(). */
#pragma once

#include "adapter/datadir.h"

#include <jansson.h>

#define STAGING_NEW ".mainstay-new"
#define STAGING_OLD ".mainstay-old"
#define STAGING_NOTE "MAINSTAY-COPY.json"

/* Do they lie within it? */
bool staging_within(int parentfd, const char *name);

/* Is there room, are the names free, is it the right place? `size` is what the
 * copy is going to take, in bytes; `force_space` lets it be too much. */
int staging_check(int parentfd, const char *name, uint64_t size, bool force_space, char text[static DATADIR_TEXT_MAX]);

/* An empty place for a copy; what was left of an earlier one is removed. */
int staging_begin(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]);

/* The place of the copy, as a descriptor; or negative. */
int staging_open(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]);

/* The copy is whole: all of it is on the disk, and after it the note, `o` with the
 * job in it. */
int staging_seal(int parentfd, const char *name, int64_t job, json_t *o, char text[static DATADIR_TEXT_MAX]);

/* What is in the directory `sub` of the copy goes one level up, in the place of that.
 * A server clones into a directory that it makes itself. */
int staging_hoist(int parentfd, const char *name, const char *sub, char text[static DATADIR_TEXT_MAX]);

/* What is this node's own, and MySQL does not clone: the variables that were set for
 * good (mysqld-auto.cnf), and certificates and keys (*.pem). What the copy has already
 * stays. Not the server's identity: a copy is another server. */
int staging_carry(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]);

/* The note of the copy that is in place, or, with `made`, of the whole one beside it;
 * NULL where there is none. A new reference. */
json_t *staging_note(int parentfd, const char *name, bool made);

/* The copy of this job goes in place, the own data out of it. */
int staging_swap(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]);

/* Are there data that staging_back() could put back? 1, or 0 and why not. */
int staging_kept(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]);

/* The own data go back, where a copy is in place: of this job, or, for 0, of any. */
int staging_back(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]);

/* The place of the copy is given up, and so is what is in it; refused while a copy of
 * this job (of any, for 0) is in place, for then the own data may be there. */
int staging_discard(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]);

/* The copy is good: the own data, set aside, are deleted. */
int staging_commit(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]);
