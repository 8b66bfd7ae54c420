/* Files that a person names on the command line: they may be symbolic links,
 * or pipes (as `<(ssh db1 mainstayctl report)` makes them), and what is wrong
 * with them is said in a sentence. */
#pragma once

#include "base/macro.h"

/* A descriptor for reading, or a negative errno and its sentence. */
int input_open(const char *path, char error[static 256]);

/* At most `max` bytes, NUL-terminated beyond `*ret_size`; free `*ret`. */
int input_read(const char *path, size_t max, char **ret, size_t *ret_size, char error[static 256]);
