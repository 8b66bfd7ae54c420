/* Galera's UUIDs; see uuid.h. */
#include "base/uuid.h"

#include <sys/random.h>

static int hex(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EINVAL;
}

int uuid_parse(const char *s, size_t n, Uuid *ret) {
        Uuid u;
        size_t at = 0;

        if (n != 36)
                return -EINVAL;

        for (size_t i = 0; i < sizeof(u.b); i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        if (s[at++] != '-')
                                return -EINVAL;
                int high = hex(s[at]), low = high < 0 ? high : hex(s[at + 1]);
                if (low < 0)
                        return -EINVAL;
                u.b[i] = (uint8_t) (high << 4 | low);
                at += 2;
        }

        *ret = u;
        return 0;
}

const char *uuid_text(const Uuid *u, char buf[static UUID_TEXT_MAX]) {
        char *p = buf;

        for (size_t i = 0; i < sizeof(u->b); i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *p++ = '-';
                p += snprintf(p, 3, "%02x", u->b[i]);
        }

        return buf;
}

bool uuid_is_zero(const Uuid *u) {
        static const Uuid zero;

        return uuid_equal(u, &zero);
}

bool uuid_equal(const Uuid *a, const Uuid *b) {
        return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool uuid_same_member(const Uuid *a, const Uuid *b) {
        return memcmp(a->b, b->b, 8) == 0 && memcmp(a->b + 10, b->b + 10, 6) == 0;
}

int uuid_random(Uuid *ret) {
        Uuid u;
        ssize_t n;

        do
                n = getrandom(u.b, sizeof(u.b), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n != (ssize_t) sizeof(u.b))
                return -EIO;

        u.b[6] = (uint8_t) ((u.b[6] & 0x0f) | 0x40);
        u.b[8] = (uint8_t) ((u.b[8] & 0x3f) | 0x80);
        *ret = u;
        return 0;
}
