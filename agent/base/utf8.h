/* UTF-8: what is not, spoils a whole JSON object, and so does what was cut in
 * the middle of a character. */
#pragma once

#include "base/macro.h"

/* The bytes of the character at `s`, 0 where there is none. */
size_t utf8_character(const char *s);

/* Copies a line of text: whole characters, as many as fit in `size` bytes with
 * the NUL; a blank for each control character, '?' for what is no UTF-8. `s` may
 * lie in `buf`. */
void utf8_copy(char *buf, size_t size, const char *s);
