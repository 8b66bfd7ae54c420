/* The record of Primary views; see viewlog.h.
 *
 * Reading is one pass. What it finds wrong before a later section's first
 * Primary view is forgotten at that view: it concerned views that nobody asks
 * for any more.
 */
#include "domain/viewlog.h"
#include "base/number.h"
#include "domain/names.h"

#include <stdarg.h>

/* `view` has six words; one more shows that there are too many. */
#define WORDS_MAX 7

typedef struct Word {
        const char *s;
        size_t n;
} Word;

typedef struct Parser {
        Viewlog log;
        View last; /* of any kind, in this section; repetitions are held against it */
        size_t sections;       /* start lines so far */
        size_t views_sections; /* the same when the first of the views kept was found */
        size_t line;
        size_t bad_line, bad_sections; /* the first line not understood; the section of the last one */
        size_t lost_sections;          /* the section of the last view lost */
        char bad[160];
} Parser;

static int refuse(Parser *p, const char *why) {
        if (p->bad_line == 0) {
                p->bad_line = p->line;
                (void) snprintf(p->bad, sizeof(p->bad), "%s", why);
        }
        p->bad_sections = p->sections;
        return 0;
}

static bool word_is(const Word *w, const char *text) {
        return w->n == strlen(text) && memcmp(w->s, text, w->n) == 0;
}

/* Words between single blanks; an empty one is a word too, which nothing
 * accepts. */
static size_t words_split(const char *s, size_t n, Word words[static WORDS_MAX]) {
        size_t count = 0, begin = 0;

        for (size_t i = 0; i <= n && count < WORDS_MAX; i++)
                if (i == n || s[i] == ' ') {
                        words[count++] = (Word) { s + begin, i - begin };
                        begin = i + 1;
                }
        return count;
}

static bool time_read(const Word *w, usec_t *ret) {
        int64_t value;

        if (number_parse(w->s, w->n, 0, INT64_MAX, &value) < 0)
                return false;
        *ret = (usec_t) value;
        return true;
}

static bool invocation_valid(const char *s, size_t n) {
        if (n == 0 || n > 32)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f'))
                        return false;
        return true;
}

/* Galera's words, the capitalised ones of old versions, and "Error(5)". */
static bool status_valid(const char *s, size_t n) {
        if (n == 0 || n >= sizeof(((Viewlog *) NULL)->status))
                return false;
        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] >= 0x7f)
                        return false;
        return true;
}

/* One of a list of members. `ret` may be NULL. */
static bool member_read(const char *s, size_t n, ViewMember *ret) {
        ViewMember m = { 0 };
        const char *name, *address, *end = s + n;
        size_t k;

        name = memchr(s, '/', n);
        if (!name)
                return false;
        if (name > s && uuid_parse(s, (size_t) (name - s), &m.uuid) < 0)
                return false;
        name++;

        address = memchr(name, '/', (size_t) (end - name));
        if (!address)
                return false;
        k = (size_t) (address - name);
        if (k >= sizeof(m.name))
                return false;
        memcpy(m.name, name, k);
        if (strlen(m.name) != k || !name_valid(m.name))
                return false;
        address++;

        k = (size_t) (end - address);
        if (k >= sizeof(m.address))
                return false;
        for (size_t i = 0; i < k; i++)
                if ((unsigned char) address[i] <= ' ' || address[i] == 0x7f || address[i] == '/')
                        return false;
        memcpy(m.address, address, k);

        if (ret)
                *ret = m;
        return true;
}

/* Reads a list into `ret`, which has room for VIEW_MEMBERS_MAX, or, where that
 * is NULL, checks it. */
static int members_read(const char *s, size_t n, ViewMember *ret) {
        const char *end = s + n;
        int count = 0;

        for (;;) {
                const char *comma = memchr(s, ',', (size_t) (end - s));
                const char *to = comma ? comma : end;

                if (count == VIEW_MEMBERS_MAX || !member_read(s, (size_t) (to - s), ret ? &ret[count] : NULL))
                        return -EBADMSG;
                count++;
                if (!comma)
                        return count;
                s = comma + 1;
        }
}

static int members_parse(const char *s, size_t n, ViewMember **ret) {
        _cleanup_free_ ViewMember *members = NULL;
        int count;

        count = members_read(s, n, NULL);
        if (count < 0)
                return count;
        members = calloc((size_t) count, sizeof(*members));
        if (!members)
                return -ENOMEM;
        (void) members_read(s, n, members);
        *ret = TAKE(members);
        return count;
}

int view_members_parse(const char *text, ViewMember **ret) {
        return members_parse(text, strlen(text), ret);
}

bool view_is_arbitrator(const View *v, size_t member) {
        return v->own_index >= 0 && v->members[v->own_index].address[0] && !v->members[member].address[0];
}

static void view_done(View *v) {
        free(v->members);
        *v = (View) { 0 };
}

static bool view_repeats(const View *a, const View *b) {
        if (a->n_members != b->n_members || a->primary != b->primary || a->own_index != b->own_index || !uuid_equal(&a->uuid, &b->uuid))
                return false;
        for (size_t i = 0; i < a->n_members; i++)
                if (!uuid_equal(&a->members[i].uuid, &b->members[i].uuid) ||
                    !streq(a->members[i].name, b->members[i].name) ||
                    !streq(a->members[i].address, b->members[i].address))
                        return false;
        return true;
}

static void views_clear(Viewlog *log) {
        for (size_t i = 0; i < log->n_views; i++)
                view_done(&log->views[i]);
        log->n_views = log->n_primary_seen = 0;
}

/* Takes a primary view's members over. */
static int view_keep(Parser *p, View *v) {
        Viewlog *log = &p->log;
        ViewMember *members;

        if (log->n_views == 0 || p->views_sections != p->sections) {
                views_clear(log);
                p->views_sections = p->sections;
                log->views_section = log->section;
                if (p->bad_line > 0 && p->bad_sections < p->sections)
                        p->bad_line = 0;
                if (log->torn && p->lost_sections < p->sections)
                        log->torn = false;
        }
        members = calloc(v->n_members, sizeof(*members));
        if (!members)
                return -ENOMEM;
        memcpy(members, v->members, v->n_members * sizeof(*members));
        v->after_gap = !p->last.primary;

        if (log->n_views == VIEWLOG_VIEWS_MAX) {
                view_done(&log->views[0]);
                memmove(&log->views[0], &log->views[1], (VIEWLOG_VIEWS_MAX - 1) * sizeof(log->views[0]));
                log->n_views--;
        }
        log->views[log->n_views] = *v;
        log->views[log->n_views].members = members;
        log->n_views++;
        log->n_primary_seen++;
        return 0;
}

static int start_read(Parser *p, const Word w[static 5]) {
        Viewlog *log = &p->log;
        int64_t section;
        usec_t time;
        Position position = { 0 };
        bool have_position = !word_is(&w[4], "-"), have_invocation = !word_is(&w[3], "-");

        if (number_parse(w[1].s, w[1].n, 1, INT64_MAX, &section) < 0)
                return refuse(p, "the number of the section is not a whole number from 1 on");
        if (!time_read(&w[2], &time))
                return refuse(p, "the time is not a whole number");
        if (have_invocation && !invocation_valid(w[3].s, w[3].n))
                return refuse(p, "the invocation id is not one of systemd's");
        if (have_position && position_parse(w[4].s, w[4].n, &position) < 0)
                return refuse(p, "the position is not UUID:SEQNO");

        /* The first one since the views. */
        if (log->n_views > 0 && p->views_sections == p->sections) {
                log->have_since = have_position;
                log->since = position;
        }
        p->sections++;
        log->have_section = true;
        log->section = (uint64_t) section;
        log->section_time = time;
        memset(log->invocation, 0, sizeof(log->invocation));
        if (have_invocation)
                memcpy(log->invocation, w[3].s, w[3].n);
        log->have_position = have_position;
        log->position = position;
        log->closed = log->have_last = log->last_primary = log->was_synced = false;
        log->last_members = (Uuid) {0};
        log->last_n_members = 0;
        log->closed_time = 0;
        memset(log->status, 0, sizeof(log->status));
        view_done(&p->last);
        return 0;
}

/* FNV-1a, from any beginning. */
static uint64_t uuid_hash(const Uuid *u, uint64_t h) {
        for (size_t i = 0; i < sizeof(u->b); i++)
                h = (h ^ u->b[i]) * UINT64_C(1099511628211);
        return h;
}

/* One value for a set of members, in whatever order it is told. A member's uuid
 * is another one at each of its starts. */
static Uuid members_digest(const View *v) {
        uint64_t sum[2] = {0};
        Uuid all;

        for (size_t i = 0; i < v->n_members; i++) {
                if (uuid_is_zero(&v->members[i].uuid))
                        return (Uuid) {0};
                sum[0] += uuid_hash(&v->members[i].uuid, UINT64_C(14695981039346656037));
                sum[1] += uuid_hash(&v->members[i].uuid, UINT64_C(1099511628211));
        }
        for (size_t i = 0; i < sizeof(all.b); i++)
                all.b[i] = (uint8_t) (sum[i / 8] >> 8 * (i % 8));
        return all;
}

static int view_read(Parser *p, const Word w[static 6]) {
        View v = { .primary = word_is(&w[3], "primary") };
        int64_t own_index;
        int count, r = 0;

        if (!time_read(&w[1], &v.time))
                return refuse(p, "the time is not a whole number");
        if (uuid_parse(w[2].s, w[2].n, &v.uuid) < 0)
                return refuse(p, "the cluster is not a UUID");
        if (!v.primary && !word_is(&w[3], "non-primary"))
                return refuse(p, "the view is neither primary nor non-primary");
        if (v.primary && uuid_is_zero(&v.uuid))
                return refuse(p, "the view is primary, and its cluster is all zeros");

        count = members_parse(w[5].s, w[5].n, &v.members);
        if (count == -ENOMEM)
                return count;
        if (count < 0)
                return refuse(p, "the members are not a list of UUID/NAME/ADDRESS");
        v.n_members = (size_t) count;
        if (number_parse(w[4].s, w[4].n, -1, count - 1, &own_index) < 0) {
                view_done(&v);
                return refuse(p, "the node's own place is not one in the list of members");
        }
        v.own_index = (int) own_index;

        /* Views that no start precedes are those of a server that went past the
         * gate, or the rest of a record that got lost. */
        if (p->sections == 0)
                p->log.torn = true;
        p->log.closed = false;
        p->log.have_last = true;
        p->log.last_primary = v.primary;
        p->log.last_members = members_digest(&v);
        p->log.last_n_members = v.n_members;
        if (!view_repeats(&p->last, &v) && v.primary)
                r = view_keep(p, &v);
        view_done(&p->last);
        p->last = v;
        return r;
}

static int status_read(Parser *p, const Word *time, const Word *status) {
        usec_t ignored;

        if (!time_read(time, &ignored))
                return refuse(p, "the time is not a whole number");
        if (!status_valid(status->s, status->n))
                return refuse(p, "the status is not a word");
        p->log.closed = false;
        memset(p->log.status, 0, sizeof(p->log.status));
        memcpy(p->log.status, status->s, status->n);
        if (strcasecmp(p->log.status, "synced") == 0 || strcasecmp(p->log.status, "donor") == 0)
                p->log.was_synced = true;
        else if (strcasecmp(p->log.status, "joiner") == 0 || strcasecmp(p->log.status, "initializing") == 0)
                p->log.was_synced = false;
        return 0;
}

static int line_read(Parser *p, const char *s, size_t n) {
        Word w[WORDS_MAX];
        size_t count = words_split(s, n, w);
        usec_t time;

        if (count == 5 && word_is(&w[0], "start"))
                return start_read(p, w);
        if (count == 6 && word_is(&w[0], "view"))
                return view_read(p, w);
        if (count == 3 && word_is(&w[0], "status"))
                return status_read(p, &w[1], &w[2]);
        if (count == 2 && (word_is(&w[0], "disconnected") || word_is(&w[0], "lost"))) {
                if (!time_read(&w[1], &time))
                        return refuse(p, "the time is not a whole number");
                if (word_is(&w[0], "lost")) {
                        p->log.torn = true;
                        p->lost_sections = p->sections;
                        p->log.closed = false;
                        return 0;
                }
                p->log.closed = true;
                p->log.closed_time = time;
                (void) snprintf(p->log.status, sizeof(p->log.status), "disconnected");
                view_done(&p->last);
                return 0;
        }
        return refuse(p, "it begins with none of the words start, view, status, disconnected and lost, or has too few or too many words");
}

int viewlog_parse(const char *text, size_t n, Viewlog *ret, char error[static 256]) {
        Parser p = { 0 };
        size_t at = 0;
        int r = 0;

        if (n > VIEWLOG_SIZE_MAX) {
                (void) snprintf(error, 256, "the record of views is larger than %zu bytes", VIEWLOG_SIZE_MAX);
                return -EBADMSG;
        }

        while (at < n && r >= 0) {
                const char *s = text + at, *end = memchr(s, '\n', n - at);
                bool closed = p.log.closed, synced = p.log.was_synced;
                size_t sections = p.sections;

                p.line++;
                if (!end) {
                        p.log.torn = true;
                        break;
                }
                r = line_read(&p, s, (size_t) (end - s));
                /* The section that ends here is the one with the views: was it
                 * closed when it ended? */
                if (p.sections != sections && p.log.n_views > 0 && p.views_sections == sections) {
                        p.log.views_closed = closed;
                        p.log.views_synced = synced;
                }
                at = (size_t) (end - text) + 1;
        }
        view_done(&p.last);
        if (p.log.n_views == 0)
                p.log.views_section = p.log.section;
        if (p.log.n_views == 0 || p.views_sections == p.sections) {
                p.log.views_closed = p.log.closed;
                p.log.views_synced = p.log.was_synced;
        }

        if (r >= 0 && p.bad_line > 0) {
                (void) snprintf(error, 256, "line %zu of the record of views: %s", p.bad_line, p.bad);
                r = -EBADMSG;
        }
        if (r < 0) {
                viewlog_done(&p.log);
                return r;
        }
        *ret = p.log;
        return 0;
}

void viewlog_done(Viewlog *log) {
        views_clear(log);
        *log = (Viewlog) { 0 };
}

static int _printf_(3, 4) print(char *buf, size_t size, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(buf, size, format, ap);
        va_end(ap);
        return (size_t) n >= size ? -ENOBUFS : n; /* a failure is a great number here */
}

int viewlog_print_start(char *buf, size_t size, uint64_t section, usec_t time, const char *invocation, const Position *position) {
        char text[POSITION_TEXT_MAX];

        if (section == 0 || section > INT64_MAX || time > INT64_MAX)
                return -EINVAL;
        if (invocation && *invocation && !invocation_valid(invocation, strlen(invocation)))
                return -EINVAL;
        return print(buf, size, "start %llu %llu %s %s\n", (unsigned long long) section, (unsigned long long) time,
                     str_or(invocation, "-"), position ? position_text(position, text) : "-");
}

int viewlog_print_view(char *buf, size_t size, usec_t time, const Uuid *uuid, bool primary, int own_index, const char *members) {
        char text[UUID_TEXT_MAX];
        int count;

        if (time > INT64_MAX || (primary && uuid_is_zero(uuid)))
                return -EINVAL;
        count = members_read(members, strlen(members), NULL);
        if (count < 0 || own_index < -1 || own_index >= count)
                return -EINVAL;
        return print(buf, size, "view %llu %s %s %d %s\n", (unsigned long long) time, uuid_text(uuid, text),
                     primary ? "primary" : "non-primary", own_index, members);
}

int viewlog_print_status(char *buf, size_t size, usec_t time, const char *status) {
        if (time > INT64_MAX || !status_valid(status, strlen(status)))
                return -EINVAL;
        if (streq(status, "disconnected"))
                return print(buf, size, "disconnected %llu\n", (unsigned long long) time);
        return print(buf, size, "status %llu %s\n", (unsigned long long) time, status);
}

int viewlog_print_lost(char *buf, size_t size, usec_t time) {
        if (time > INT64_MAX)
                return -EINVAL;
        return print(buf, size, "lost %llu\n", (unsigned long long) time);
}

/* What was printed, or why not, as a string of its own. */
static int printed(const char *buf, int r, char **ret) {
        char *s;

        if (r < 0)
                return r;
        s = strdup(buf);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

int viewlog_format_start(uint64_t section, usec_t time, const char *invocation, const Position *position, char **ret) {
        char buf[256];

        return printed(buf, viewlog_print_start(buf, sizeof(buf), section, time, invocation, position), ret);
}

int viewlog_format_view(usec_t time, const Uuid *uuid, bool primary, int own_index, const char *members, char **ret) {
        char buf[VIEWLOG_LINE_MAX];

        return printed(buf, viewlog_print_view(buf, sizeof(buf), time, uuid, primary, own_index, members), ret);
}

int viewlog_format_status(usec_t time, const char *status, char **ret) {
        char buf[64];

        return printed(buf, viewlog_print_status(buf, sizeof(buf), time, status), ret);
}
