/* ssh's public keys, as people paste them. Pure. */
#pragma once

#include "base/macro.h"

#define KEY_LINE_MAX 4096

/* The line of authorized_keys by which an agent comes in: its key, good for
 * the bridge to the bus and for nothing else. `text` is one public key with or
 * without a comment. -EINVAL for anything else, with the reason in `error`:
 * above all for options of its own. */
int key_line(const char *text, char ret[static KEY_LINE_MAX], char error[static 256]);

/* Does a line of `file` let this key in, `line` being of key_line()? 1 where it
 * is that very line, 2 where it is another one with the same key. */
int key_find(const char *file, const char *line);

/* A file of keys is the same for all nodes. Of each it has what `mainstayctl setup
 * --keys` prints there: its agent's public key, and the host keys of its machine, a
 * line for each, as known_hosts has them, with all names of the node in front. */
typedef enum KeyKind {
        KEY_NOTHING, /* blank, or a comment */
        KEY_AGENT,
        KEY_HOST,
        KEY_UNKNOWN,
} KeyKind;

KeyKind key_kind(const char *line);

/* Of a KEY_HOST line: is it said to be the key of `name`? Only of one that stands there
 * as it is: no pattern, no hash. */
bool key_host_is(const char *line, const char *name);

/* The machine that an entry of known_hosts is of: without a port, and cut where that is
 * longer than names are. */
#define KEY_NAME_MAX 256
void key_host_machine(const char *entry, char ret[static KEY_NAME_MAX]);

/* What `text` says of that machine: 1 where it gives it the key of `line`, a KEY_HOST one;
 * 2 where it gives it another one of that type, 3 where only of other types, 0 where none. */
int key_host_said(const char *text, const char *machine, const char *line);

/* The line of known_hosts for `entry` with the key of a KEY_HOST line; "" where that
 * is longer than keys are. */
void key_host_line(const char *line, const char *entry, char ret[static KEY_LINE_MAX]);

/* What is in `have`, a text of known_hosts, but for other keys than that of `line`
 * (of key_host_line()) of its type for its entry; then `line`, where it is not there yet.
 * 1 where the text is another one then, and 2 where another key gave way. Free `*ret`. */
int key_host_merge(const char *have, const char *line, char **ret);

/* A text of authorized_keys without the lines that key_line() makes; how many those
 * were. Free `*ret`. */
int key_without_ours(const char *have, char **ret, size_t *ret_n);
