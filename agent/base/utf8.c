/* UTF-8; see utf8.h. */
#include "base/utf8.h"

size_t utf8_character(const char *text) {
        const unsigned char *s = (const unsigned char *) text;
        size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

        for (size_t i = 1; i < n; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        /* Overlong, surrogates, beyond the last plane. */
        if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
            (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
                return 0;
        return n;
}

/* Of ASCII, and of the upper half. */
static bool is_control(const char *s) {
        const unsigned char *u = (const unsigned char *) s;

        return u[0] < ' ' || u[0] == 127 || (u[0] == 0xc2 && u[1] < 0xa0);
}

void utf8_copy(char *buf, size_t size, const char *s) {
        size_t at = 0;

        while (*s && at + 1 < size) {
                size_t n = utf8_character(s);

                if (at + n >= size) /* half of one is none */
                        break;
                if (n == 0 || is_control(s)) {
                        buf[at++] = n == 0 ? '?' : ' ';
                        s += n == 0 ? 1 : n;
                        continue;
                }
                memmove(buf + at, s, n);
                at += n;
                s += n;
        }
        buf[at] = '\0';
}
