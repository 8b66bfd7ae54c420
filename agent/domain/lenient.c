/* What libgalera makes of a grastate.dat; see lenient.h.
 *
 * It reads line by line with the stream operators of C++: a word that names
 * the value, a blank, the value. What it does not know it skips; what it
 * cannot read leaves zeros; and it begins with "safe to bootstrap". A last
 * line without an end is not read at all.
 */
#include "domain/lenient.h"

static bool blank(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_blanks(const char *s, const char *end) {
        while (s < end && blank(*s))
                s++;
        return s;
}

/* As `stream >> number`: nothing there leaves the number as it was, no digits
 * make it 0, too many the largest there is, and whatever follows is ignored. */
static void number_extract(const char *s, const char *end, int64_t *ret) {
        bool negative = false;
        int64_t n = 0;

        s = skip_blanks(s, end);
        if (s == end)
                return;
        if (*s == '-' || *s == '+')
                negative = *s++ == '-';
        for (; s < end && *s >= '0' && *s <= '9'; s++) {
                int digit = *s - '0';

                if (negative ? n < (INT64_MIN + digit) / 10 : n > (INT64_MAX - digit) / 10) {
                        n = negative ? INT64_MIN : INT64_MAX;
                        break;
                }
                n = n * 10 + (negative ? -digit : digit);
        }
        *ret = n;
}

static void line_read(const char *s, const char *end, Lenient *l) {
        const char *word, *value;
        int64_t number;
        size_t n;

        word = s = skip_blanks(s, end);
        while (s < end && !blank(*s))
                s++;
        n = (size_t) (s - word);

        if (n == strlen("uuid:") && memcmp(word, "uuid:", n) == 0) {
                value = s = skip_blanks(s, end);
                while (s < end && !blank(*s))
                        s++;
                n = (size_t) (s - value);
                if (uuid_parse(value, n < UUID_TEXT_MAX ? n : UUID_TEXT_MAX - 1, &l->position.uuid) < 0)
                        l->position.uuid = (Uuid) {0};
        } else if (n == strlen("seqno:") && memcmp(word, "seqno:", n) == 0)
                number_extract(s, end, &l->position.seqno);
        else if (n == strlen("safe_to_bootstrap:") && memcmp(word, "safe_to_bootstrap:", n) == 0) {
                number = l->safe_to_bootstrap;
                number_extract(s, end, &number);
                l->safe_to_bootstrap = number != 0;
        }
}

Lenient lenient_grastate(const char *text, size_t n) {
        Lenient l = { .position.seqno = SEQNO_UNDEFINED, .safe_to_bootstrap = true };
        const char *end, *newline;

        if (!text)
                return l;
        end = text + n;
        for (const char *s = text; (newline = memchr(s, '\n', (size_t) (end - s))); s = newline + 1)
                line_read(s, newline, &l);
        return l;
}
