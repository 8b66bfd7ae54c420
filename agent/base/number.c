/* Whole numbers, read strictly; see number.h. */
#include "base/number.h"

int number_parse(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret) {
        bool negative = n > 0 && s[0] == '-';
        int64_t value = 0;

        if (negative) {
                s++;
                n--;
        }
        if (n == 0 || (s[0] == '0' && (n > 1 || negative)))
                return -EINVAL;

        for (size_t i = 0; i < n; i++) {
                int digit = s[i] - '0';

                if (digit < 0 || digit > 9)
                        return -EINVAL;
                /* Counted downwards, for INT64_MIN has no positive twin. */
                if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit, &value))
                        return -ERANGE;
        }
        if (!negative) {
                if (value == INT64_MIN)
                        return -ERANGE;
                value = -value;
        }
        if (value < min || value > max)
                return -ERANGE;

        *ret = value;
        return 0;
}

int number_parse_unsigned(const char *s, size_t n, uint64_t max, uint64_t *ret) {
        uint64_t value = 0;

        if (n == 0 || (s[0] == '0' && n > 1))
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (s[i] < '0' || s[i] > '9')
                        return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t) (s[i] - '0'), &value))
                        return -ERANGE;
        if (value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}
