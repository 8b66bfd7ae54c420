/* Whole numbers, read strictly. */
#pragma once

#include "base/macro.h"

/* Decimal digits with at most a leading '-', nothing else, `n` bytes, no
 * leading zeros beyond "0" itself. -EINVAL where it is no such number, -ERANGE
 * where it lies outside min..max. */
int number_parse(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret);

/* The same without a sign, up to all 64 bits. */
int number_parse_unsigned(const char *s, size_t n, uint64_t max, uint64_t *ret);
