/* Amounts as people read them. */
#pragma once

#include "base/macro.h"

#define AMOUNT_SIZE 32 /* with the NUL */

/* "1.2 GiB". Returns `buf`. */
const char *amount_bytes(uint64_t bytes, char buf[static AMOUNT_SIZE]);

/* "40 s", "3 min 5 s", "2 h 7 min". Returns `buf`. */
const char *amount_time(usec_t t, char buf[static AMOUNT_SIZE]);
