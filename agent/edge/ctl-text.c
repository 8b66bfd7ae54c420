/* Text for people; see ctl-text.h. */
#include "edge/ctl-text.h"

#include <sys/ioctl.h>

#define WIDTH_MIN 40

Style style_of(FILE *f) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
        struct winsize w;
        Style s = {};

        if (!isatty(fileno(f)))
                return s;
        s.colour = !(no_color && *no_color) && term && !streq(term, "dumb");
        s.width = ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
        if (s.width < WIDTH_MIN)
                s.width = WIDTH_MIN;
        return s;
}

const char *style_begin(const Style *s, Colour c) {
        static const char *const sequence[] = {
                [COLOUR_NONE] = "",
                [COLOUR_BOLD] = "\033[1m",
                [COLOUR_DIM] = "\033[2m",
                [COLOUR_RED] = "\033[31m",
                [COLOUR_GREEN] = "\033[32m",
                [COLOUR_YELLOW] = "\033[33m",
        };

        return s->colour ? sequence[c] : "";
}

const char *style_end(const Style *s, Colour c) {
        return s->colour && c != COLOUR_NONE ? "\033[0m" : "";
}

char *text_clean(const char *s) {
        char *text = strdup(s);

        if (!text)
                return NULL;
        for (unsigned char *p = (unsigned char *) text; *p; p++) {
                if (*p == '\n' || *p == '\t' || *p == '\r')
                        *p = ' ';
                else if (*p < ' ' || *p == 127)
                        *p = '?';
                else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
                        /* The control characters of the upper half. */
                        *p++ = '?';
                        *p = '?';
                }
        }
        return text;
}

size_t text_width(const char *s) {
        size_t n = 0;

        for (; *s; s++)
                if (((unsigned char) *s & 0xc0) != 0x80)
                        n++;
        return n;
}

char *text_sentence(const char *s) {
        for (const char *p = s; (p = strchr(p, '.')); p++)
                if (p[1] == 0 || p[1] == ' ')
                        return strndup(s, (size_t) (p - s) + 1);
        return strdup(s);
}

char *text_wrap(const char *s, size_t width) {
        char *text = strdup(s), *blank = NULL;
        size_t at = 0;

        if (!text || width == 0)
                return text;

        for (char *p = text; *p; p++) {
                if (*p == '\n') {
                        at = 0;
                        blank = NULL;
                        continue;
                }
                if (((unsigned char) *p & 0xc0) != 0x80)
                        at++;
                if (*p == ' ')
                        blank = p;
                if (at > width && blank) {
                        *blank = '\n';
                        at = 0;
                        for (const char *q = blank + 1; q <= p; q++)
                                if (((unsigned char) *q & 0xc0) != 0x80)
                                        at++;
                        blank = NULL;
                }
        }
        return text;
}

void text_print(FILE *f, const Style *style, size_t indent, bool hanging, const char *s) {
        _cleanup_free_ char *clean = text_clean(s), *text = NULL;

        text = clean ? text_wrap(clean, style->width > indent + 20 ? style->width - indent : 0) : NULL;
        for (char *p = text, *line; p && (line = strsep(&p, "\n"));) {
                fprintf(f, "%*s%s\n", hanging ? 0 : (int) indent, "", line);
                hanging = false;
        }
}
