/* grastate.dat; see grastate.h.
 *
 * Who writes it: libgalera (in place, so that blanks of a longer version of
 * itself may follow the text), operators' editors, and the tools that wrap
 * Galera. All those forms are read. What is not read is anything that
 * libgalera itself would have to guess at, for its guesses (a missing line
 * means that it is safe to bootstrap, `foo` means 0) have cost people data.
 */
#include "domain/grastate.h"
#include "base/number.h"

#include <stdarg.h>

/* How libgalera prints -1 where it took it for unsigned. */
#define SEQNO_UNDEFINED_UNSIGNED "18446744073709551615"

typedef enum Key {
        KEY_VERSION,
        KEY_UUID,
        KEY_SEQNO,
        KEY_SAFE,
        KEY_CERT_INDEX,
        _KEY_MAX,
} Key;

static const char *const key_names[_KEY_MAX] = {
        [KEY_VERSION] = "version",
        [KEY_UUID] = "uuid",
        [KEY_SEQNO] = "seqno",
        [KEY_SAFE] = "safe_to_bootstrap",
        [KEY_CERT_INDEX] = "cert_index",
};

typedef struct Parser {
        Grastate state;
        unsigned line_of[_KEY_MAX]; /* where the key was found; 0: not yet */
        unsigned line;
        char *error;
} Parser;

static int _printf_(2, 3) refuse(char *error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(error, 256, format, ap);
        va_end(ap);
        return -EBADMSG;
}

static bool blank(char c) {
        return c == ' ' || c == '\t';
}

/* A word of the file for use in a message: whatever is not plain ASCII would
 * end up in somebody's terminal. */
static const char *printable(const char *s, size_t n, char buf[static 41]) {
        size_t i;

        for (i = 0; i < n && i < 40; i++)
                buf[i] = s[i] > ' ' && s[i] < 0x7f ? s[i] : '?';
        buf[i] = '\0';
        return buf;
}

static bool word_is(const char *s, size_t n, const char *word) {
        return n == strlen(word) && memcmp(s, word, n) == 0;
}

/* "2.1" and its older brothers. A major version that is not known may mean
 * something else by the same words. */
static int version_check(Parser *p, const char *value, size_t n) {
        const char *dot = memchr(value, '.', n);
        char shown[41];
        int64_t major, minor;

        if (!dot ||
            number_parse(value, (size_t) (dot - value), 0, INT32_MAX, &major) < 0 ||
            number_parse(dot + 1, n - (size_t) (dot - value) - 1, 0, INT32_MAX, &minor) < 0)
                return refuse(p->error, "line %u: \"%s\" is not a version such as 2.1", p->line, printable(value, n, shown));
        if (major > 2)
                return refuse(p->error, "line %u: the file is of version %s, and only versions up to 2 are known", p->line, printable(value, n, shown));
        return 0;
}

static int value_parse(Parser *p, Key key, const char *value, size_t n) {
        char shown[41];

        if (n == 0 && key != KEY_CERT_INDEX)
                return refuse(p->error, "line %u: nothing follows \"%s:\"", p->line, key_names[key]);

        switch (key) {
        case KEY_VERSION:
                return version_check(p, value, n);

        case KEY_UUID:
                if (uuid_parse(value, n, &p->state.position.uuid) < 0)
                        return refuse(p->error, "line %u: \"%s\" is not a UUID", p->line, printable(value, n, shown));
                return 0;

        case KEY_SEQNO:
                if (word_is(value, n, SEQNO_UNDEFINED_UNSIGNED))
                        p->state.position.seqno = SEQNO_UNDEFINED;
                else if (number_parse(value, n, SEQNO_UNDEFINED, INT64_MAX, &p->state.position.seqno) < 0)
                        return refuse(p->error, "line %u: \"%s\" is not a seqno, which is a whole number from -1 to %lld",
                                      p->line, printable(value, n, shown), (long long) INT64_MAX);
                return 0;

        case KEY_SAFE:
                if (n != 1 || (*value != '0' && *value != '1'))
                        return refuse(p->error, "line %u: safe_to_bootstrap is \"%s\", and can only be 0 or 1", p->line, printable(value, n, shown));
                p->state.safe_to_bootstrap = *value == '1' ? GRASTATE_SAFE_YES : GRASTATE_SAFE_NO;
                return 0;

        case KEY_CERT_INDEX:
        default:
                /* The oldest versions end with this word and nothing after it. */
                if (n > 0)
                        return refuse(p->error, "line %u: something follows \"cert_index:\"", p->line);
                return 0;
        }
}

static int line_parse(Parser *p, const char *s, size_t n, bool terminated) {
        const char *colon;
        char shown[41];
        size_t k;

        while (n > 0 && blank(s[n - 1]))
                n--;
        while (n > 0 && blank(*s)) {
                s++;
                n--;
        }
        if (n == 0 || *s == '#')
                return 0;

        colon = memchr(s, ':', n);
        k = colon ? (size_t) (colon - s) : n;
        for (Key key = 0; colon && key < _KEY_MAX; key++) {
                const char *value = colon + 1;
                size_t m = n - k - 1;

                if (!word_is(s, k, key_names[key]))
                        continue;
                if (p->line_of[key] > 0)
                        return refuse(p->error, "line %u: \"%s\" stood in line %u already", p->line, key_names[key], p->line_of[key]);
                p->line_of[key] = p->line;

                /* A number is the one value that, cut short, is still a value. */
                if (key == KEY_SEQNO && !terminated)
                        return refuse(p->error, "line %u: the file ends within the seqno, which may have been cut short; end the line if it is whole", p->line);
                while (m > 0 && blank(*value)) {
                        value++;
                        m--;
                }
                return value_parse(p, key, value, m);
        }

        /* Not skipped, as libgalera would: a misspelt safe_to_bootstrap means
         * "yes" to it. */
        return refuse(p->error, "line %u: \"%s\" is nothing that belongs in a grastate.dat", p->line, printable(s, k, shown));
}

int grastate_parse(const char *text, size_t n, Grastate *ret, char error[static 256]) {
        Parser p = { .error = error };
        size_t at = 0;
        int r;

        if (n == 0)
                return refuse(error, "the file is empty");
        if (n > GRASTATE_SIZE_MAX)
                return refuse(error, "the file is larger than %zu bytes", GRASTATE_SIZE_MAX);
        if (memchr(text, '\0', n))
                return refuse(error, "the file holds NUL bytes: it was not completely written when the power failed");

        while (at < n) {
                const char *s = text + at, *end = memchr(s, '\n', n - at);
                size_t length = end ? (size_t) (end - s) : n - at;

                p.line++;
                r = line_parse(&p, s, length, end);
                if (r < 0)
                        return r;
                at += length + 1;
        }

        for (Key key = KEY_VERSION; key <= KEY_SEQNO; key++)
                if (p.line_of[key] == 0)
                        return refuse(error, "after line %u: there is no line \"%s:\"", p.line, key_names[key]);
        if (uuid_is_zero(&p.state.position.uuid) && p.state.position.seqno != SEQNO_UNDEFINED)
                return refuse(error, "line %u: the seqno is %lld, and the uuid of line %u is all zeros",
                              p.line_of[KEY_SEQNO], (long long) p.state.position.seqno, p.line_of[KEY_UUID]);

        *ret = p.state;
        return 0;
}

/* Where safe_to_bootstrap was not said it is written as 0, for libgalera takes
 * a missing line for 1. */
size_t grastate_format(const Grastate *g, char buf[static 512]) {
        char uuid[UUID_TEXT_MAX];
        int n;

        n = snprintf(buf, 512,
                     "# GALERA saved state\n"
                     "version: 2.1\n"
                     "uuid:    %s\n"
                     "seqno:   %lld\n"
                     "safe_to_bootstrap: %d\n",
                     uuid_text(&g->position.uuid, uuid),
                     (long long) g->position.seqno,
                     g->safe_to_bootstrap == GRASTATE_SAFE_YES);
        return (size_t) n;
}
