/* Galera's UUIDs: cluster identities and the group identities of members. */
#pragma once

#include "base/macro.h"

typedef struct Uuid {
        uint8_t b[16];
} Uuid;

#define UUID_TEXT_MAX 37 /* 36 characters and a NUL */

/* Exactly 36 characters, 8-4-4-4-12, hexadecimal of either case; `s` is `n`
 * bytes long and need not end in NUL. -EINVAL for anything else. */
int uuid_parse(const char *s, size_t n, Uuid *ret);

/* Lower case, as Galera writes it. Returns `buf`. */
const char *uuid_text(const Uuid *u, char buf[static UUID_TEXT_MAX]);

bool uuid_is_zero(const Uuid *u);
bool uuid_equal(const Uuid *a, const Uuid *b);

/* Are these two group identities the same member, whatever its incarnation?
 * gcomm keeps a member's UUID over a restart and counts its incarnations in
 * bytes 8 and 9 (libgalera, gcomm::UUID::increment_incarnation). */
bool uuid_same_member(const Uuid *a, const Uuid *b);

/* A random (version 4) UUID from the kernel. -errno when it gives none. */
int uuid_random(Uuid *ret);
