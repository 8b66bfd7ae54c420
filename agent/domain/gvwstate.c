/* gvwstate.dat; see gvwstate.h.
 *
 * gcomm is its only writer, so the form is fixed: my_uuid, then a view between
 * #vwbeg and #vwend. Anything else is damage, and damage here kills mysqld at
 * its start or, worse, makes it form a component that nobody decided on.
 */
#include "domain/gvwstate.h"
#include "base/number.h"

#include <stdarg.h>

/* gcomm's V_NON_PRIM and V_PRIM, as they stand in a view_id. */
#define VIEW_TYPE_NON_PRIMARY 2
#define VIEW_TYPE_PRIMARY 3

/* The longest line has four words; one more shows that there are too many. */
#define WORDS_MAX 5

typedef struct Word {
        const char *s;
        size_t n;
} Word;

typedef enum Place {
        PLACE_BEFORE, /* #vwbeg has yet to come */
        PLACE_WITHIN,
        PLACE_AFTER,  /* #vwend has been */
} Place;

typedef struct Parser {
        Place place;
        bool have_my_uuid, have_view_id, have_bootstrap;
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

static size_t words_split(const char *s, size_t n, Word words[static WORDS_MAX]) {
        size_t count = 0;

        for (size_t i = 0; i < n && count < WORDS_MAX;) {
                size_t begin;

                while (i < n && (s[i] == ' ' || s[i] == '\t'))
                        i++;
                begin = i;
                while (i < n && s[i] != ' ' && s[i] != '\t')
                        i++;
                if (i > begin)
                        words[count++] = (Word) { s + begin, i - begin };
        }
        return count;
}

static bool word_is(const Word *w, const char *text) {
        return w->n == strlen(text) && memcmp(w->s, text, w->n) == 0;
}

static int once(Parser *p, bool *have, const char *what) {
        if (*have)
                return refuse(p->error, "line %u: there is a second \"%s:\"", p->line, what);
        *have = true;
        return 0;
}

static int uuid_read(Parser *p, const Word *w, const char *what, Uuid *ret) {
        if (uuid_parse(w->s, w->n, ret) < 0)
                return refuse(p->error, "line %u: the %s is not a UUID", p->line, what);
        if (uuid_is_zero(ret))
                return refuse(p->error, "line %u: the %s is all zeros; mysqld would die of it", p->line, what);
        return 0;
}

static int view_id_read(Parser *p, const Word w[static 4], Gvwstate *g) {
        int64_t type;
        int r;

        r = once(p, &p->have_view_id, "view_id");
        if (r < 0)
                return r;
        if (number_parse(w[1].s, w[1].n, VIEW_TYPE_NON_PRIMARY, VIEW_TYPE_PRIMARY, &type) < 0)
                return refuse(p->error, "line %u: the view is neither of type 3 (primary) nor 2 (not primary)", p->line);
        g->primary = type == VIEW_TYPE_PRIMARY;
        r = uuid_read(p, &w[2], "UUID of the view", &g->view_uuid);
        if (r < 0)
                return r;
        if (number_parse(w[3].s, w[3].n, 0, UINT32_MAX, &g->view_seqno) < 0)
                return refuse(p->error, "line %u: the view's number is not a whole number of 32 bits", p->line);
        return 0;
}

static int member_read(Parser *p, const Word w[static 3], Gvwstate *g) {
        GvwMember *m = &g->members[g->n_members];
        int64_t segment;
        int r;

        if (g->n_members == GVWSTATE_MEMBERS_MAX)
                return refuse(p->error, "line %u: there are more than %d members", p->line, GVWSTATE_MEMBERS_MAX);
        r = uuid_read(p, &w[1], "member", &m->uuid);
        if (r < 0)
                return r;
        if (number_parse(w[2].s, w[2].n, 0, UINT8_MAX, &segment) < 0)
                return refuse(p->error, "line %u: the segment is not a whole number from 0 to 255", p->line);
        for (size_t i = 0; i < g->n_members; i++)
                if (uuid_equal(&g->members[i].uuid, &m->uuid))
                        return refuse(p->error, "line %u: the same member stands there twice", p->line);
        m->segment = (int) segment;
        g->n_members++;
        return 0;
}

static int line_parse(Parser *p, const char *s, size_t n, Gvwstate *g) {
        Word w[WORDS_MAX];
        size_t count = words_split(s, n, w);

        if (count == 0)
                return 0;

        if (p->place == PLACE_BEFORE && count == 2 && word_is(&w[0], "my_uuid:")) {
                int r = once(p, &p->have_my_uuid, "my_uuid");

                return r < 0 ? r : uuid_read(p, &w[1], "node's own UUID", &g->my_uuid);
        }
        if (p->place == PLACE_BEFORE && count == 1 && word_is(&w[0], "#vwbeg")) {
                p->place = PLACE_WITHIN;
                return 0;
        }
        if (p->place == PLACE_WITHIN) {
                if (count == 4 && word_is(&w[0], "view_id:"))
                        return view_id_read(p, w, g);
                if (count == 2 && word_is(&w[0], "bootstrap:")) {
                        int r = once(p, &p->have_bootstrap, "bootstrap");

                        if (r < 0)
                                return r;
                        if (!word_is(&w[1], "0") && !word_is(&w[1], "1"))
                                return refuse(p->error, "line %u: bootstrap can only be 0 or 1", p->line);
                        g->bootstrap = word_is(&w[1], "1");
                        return 0;
                }
                if (count == 3 && word_is(&w[0], "member:"))
                        return member_read(p, w, g);
                if (count == 1 && word_is(&w[0], "#vwend")) {
                        p->place = PLACE_AFTER;
                        return 0;
                }
        }
        return refuse(p->error, "line %u is nothing that belongs %s in a gvwstate.dat", p->line,
                      p->place == PLACE_BEFORE ? "before #vwbeg" : p->place == PLACE_WITHIN ? "between #vwbeg and #vwend" : "after #vwend");
}

int gvwstate_parse(const char *text, size_t n, Gvwstate *ret, char error[static 256]) {
        Parser p = { .error = error };
        Gvwstate g = { 0 };
        size_t at = 0;
        int r;

        if (n == 0)
                return refuse(error, "the file is empty; mysqld would die of it");
        if (n > GVWSTATE_SIZE_MAX)
                return refuse(error, "the file is larger than %zu bytes", GVWSTATE_SIZE_MAX);
        if (memchr(text, '\0', n))
                return refuse(error, "the file holds NUL bytes: it was not completely written when the power failed");

        while (at < n) {
                const char *s = text + at, *end = memchr(s, '\n', n - at);
                size_t length = end ? (size_t) (end - s) : n - at;

                p.line++;
                r = line_parse(&p, s, length, &g);
                if (r < 0)
                        return r;
                at += length + 1;
        }

        if (p.place != PLACE_AFTER)
                return refuse(error, "after line %u: there is no %s, the file is not whole", p.line, p.place == PLACE_BEFORE ? "#vwbeg" : "#vwend");
        if (!p.have_my_uuid)
                return refuse(error, "after line %u: there is no line \"my_uuid:\"; mysqld would die of it", p.line);
        if (!p.have_view_id)
                return refuse(error, "after line %u: there is no line \"view_id:\"", p.line);
        if (!p.have_bootstrap)
                return refuse(error, "after line %u: there is no line \"bootstrap:\"", p.line);
        if (g.n_members == 0)
                return refuse(error, "after line %u: the view has no members", p.line);

        *ret = g;
        return 0;
}
