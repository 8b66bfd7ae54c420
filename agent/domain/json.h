/* Values that are written as JSON in more than one place. New references; NULL where
 * memory is short. */
#pragma once

#include "base/uuid.h"

#include <jansson.h>

json_t *uuid_json(const Uuid *u);

/* A text for people, of one line or of `lines`. jansson refuses what is not UTF-8, as the
 * words of a server may be, or a message that was cut at a length; what it stands in must
 * not be lost by it. Of such a one the rest counts, with '?' for what is not ASCII, or is a
 * control character. */
json_t *text_json(const char *s, bool lines);

/* From text, and to text: all of it, or nothing. Where memory is short Jansson itself may
 * go on without a byte for which it had no room, and not tell. */

/* -EBADMSG, and `error` says what is wrong with it; -ENOMEM. A new reference. */
int json_read(const char *text, size_t size, json_t **ret, char error[static 256]);
/* NULL where memory is short. The caller's. */
char *json_text(const json_t *o, size_t flags);

/* What `o` has there, "" where that is no string. Borrowed. */
const char *text_of(const json_t *o, const char *key);

/* "db2 and db3": the strings of an array. The caller's. */
char *names_of(const json_t *array);
