/* Text for people; see ctl-text.h. */
#include "edge/ctl-text.h"

#include <ctype.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/param.h>

#define WIDTH_MIN 40
#define BAR_MIN 10
#define BAR_MAX ((size_t) 50)
#define BAR_MARK "<=>"
#define BAR_STRIDE ((int64_t) 4 << 20) /* bytes for a column that the mark moves on */

Style style_of(FILE *f) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
        struct winsize w;
        Style s = {};

        if (!isatty(fileno(f)))
                return s;
        s.moves = term && *term && !streq(term, "dumb");
        s.colour = s.moves && !(no_color && *no_color);
        s.unicode = streq(nl_langinfo(CODESET), "UTF-8");
        s.width = 80;
        s.height = 24;
        if (ioctl(fileno(f), TIOCGWINSZ, &w) == 0) {
                s.width = w.ws_col > 0 ? w.ws_col : s.width;
                s.height = w.ws_row > 0 ? w.ws_row : s.height;
        }
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

/* One for each character that the terminal has no sign for. */
static void make_ascii(char *s) {
        char *to = s;

        for (; *s; s++)
                if (((unsigned char) *s & 0xc0) != 0x80)
                        *to++ = (unsigned char) *s < 128 ? *s : '?';
        *to = 0;
}

/* By eighths of a column where there are signs for these. */
static void bar_fill(FILE *f, const Style *style, uint64_t eighths, size_t columns) {
        static const char *const part[] = { "", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589" };
        size_t full = (size_t) (eighths / 8), rest = style->unicode ? eighths % 8 : 0;

        for (size_t i = 0; i < full; i++)
                fputs(style->unicode ? "\u2588" : "#", f);
        fputs(part[rest], f);
        for (size_t i = full + (rest > 0); i < columns; i++)
                fputs(style->unicode ? " " : "-", f);
}

char *text_bar(const Style *style, int64_t done, int64_t total, size_t width) {
        size_t columns = width > BAR_MIN ? width - 2 : BAR_MIN - 2, size, room = columns - strlen(BAR_MARK);
        char *text = NULL;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        done = done > 0 ? done : 0;
        fputc('[', f);
        if (total > 0)
                bar_fill(f, style, (uint64_t) ((double) MIN(done, total) / (double) total * (double) columns * 8), columns);
        else {
                size_t at = (size_t) (done / BAR_STRIDE) % (2 * room);

                at = at > room ? 2 * room - at : at;
                fprintf(f, "%*s%s%*s", (int) at, "", BAR_MARK, (int) (room - at), "");
        }
        fputc(']', f);
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

void text_print_bar(FILE *f, const Style *style, size_t indent, int64_t done, int64_t total) {
        _cleanup_free_ char *bar = NULL;

        if (style->width == 0 || done < 0 || (done == 0 && total <= 0))
                return;
        bar = text_bar(style, done, total, MIN(style->width - indent - 1, BAR_MAX));
        if (bar)
                fprintf(f, "%*s%s%s%s\n", (int) indent, "", style_begin(style, COLOUR_GREEN), bar, style_end(style, COLOUR_GREEN));
}

/* Behind an amount that begins here, a word of its own: "17", "1.2 GiB", "3 min 2 s". NULL
 * where there is none: the number of a node, a job or an address is no amount. */
static const char *behind_amount(const char *p) {
        static const char *const units[] = { " bytes", " KiB", " MiB", " GiB", " TiB", " s", " min", " h", " d" };
        const char *end = p;

        while (isdigit((unsigned char) *end))
                end++;
        if (end > p && *end == '.' && isdigit((unsigned char) end[1]))
                for (end++; isdigit((unsigned char) *end);)
                        end++;
        if (end == p || isalnum((unsigned char) *end) || *end == ':' || (*end == '.' && isdigit((unsigned char) end[1])))
                return NULL;
        for (size_t i = 0; i < ELEMENTS(units); i++) {
                size_t n = strlen(units[i]);

                if (strncmp(end, units[i], n) == 0 && !isalnum((unsigned char) end[n])) {
                        const char *more = end[n] == ' ' ? behind_amount(end + n + 1) : NULL;

                        return more ? more : end + n;
                }
        }
        return end;
}

bool text_same_but_numbers(const char *a, const char *b) {
        bool begins = true; /* a word does */

        for (;;) {
                const char *behind_a = begins ? behind_amount(a) : NULL, *behind_b = begins ? behind_amount(b) : NULL;

                if (behind_a && behind_b) {
                        a = behind_a;
                        b = behind_b;
                }
                if (*a != *b)
                        return false;
                if (*a == 0)
                        return true;
                begins = *a == ' ' || *a == '(';
                a++;
                b++;
        }
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

        if (clean && style->width > 0 && !style->unicode)
                make_ascii(clean);
        text = clean ? text_wrap(clean, style->width > indent + 20 ? style->width - indent : 0) : NULL;
        for (char *p = text, *line; p && (line = strsep(&p, "\n"));) {
                fprintf(f, "%*s%s\n", hanging ? 0 : (int) indent, "", line);
                hanging = false;
        }
}
