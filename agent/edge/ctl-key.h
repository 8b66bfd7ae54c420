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
