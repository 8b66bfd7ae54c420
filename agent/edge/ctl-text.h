/* Text for people: clean, wrapped, and coloured only where that helps. */
#pragma once

#include "base/macro.h"

/* How a stream wants it. */
typedef struct Style {
        bool colour;
        bool moves;    /* the cursor can be moved, and lines written over */
        bool unicode;  /* what is not ASCII can be shown */
        size_t width;  /* of the terminal; 0: endless lines, and no terminal */
        size_t height; /* of it; 0: no end */
} Style;

/* All of it only for a terminal: no colours with NO_COLOR set, no colours and no motion
 * on one that is dumb, no characters beyond ASCII where the locale (setlocale() before)
 * is not of UTF-8. */
Style style_of(FILE *f);

/* The sequences, or "" without colours. */
typedef enum Colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW } Colour;
const char *style_begin(const Style *s, Colour c);
const char *style_end(const Style *s, Colour c);

/* What other nodes say reaches the terminal: blanks for line breaks and tabs,
 * '?' for other control characters. Free the result; NULL: out of memory. */
char *text_clean(const char *s);

/* Columns that `s` takes: characters, for UTF-8. */
size_t text_width(const char *s);

/* How much of it is done, in `width` columns: "[#####-----]". Where the whole is not
 * known (`total` 0 or less) a mark that moves as there is more: "[  <=>    ]". Free the
 * result; NULL: out of memory. */
char *text_bar(const Style *style, int64_t done, int64_t total, size_t width);

/* A line of it on a terminal, else nothing; nothing where nothing is `done` yet, or known (-1). */
void text_print_bar(FILE *f, const Style *style, size_t indent, int64_t done, int64_t total);

/* Do they differ in amounts alone, of bytes, time and the like? A log need not have each of
 * those. */
bool text_same_but_numbers(const char *a, const char *b);

/* Up to and with the first full stop that ends a sentence. Free the result. */
char *text_sentence(const char *s);

/* Line breaks between words, so that no line is wider than `width`, where a
 * word is not. 0: none. Free the result. */
char *text_wrap(const char *s, size_t width);

/* Prints `s` wrapped to the style's width, every line after `indent` blanks;
 * the first one is expected to be there already where `hanging`. */
void text_print(FILE *f, const Style *style, size_t indent, bool hanging, const char *s);
