/* MySQL's GTID sets; see gtid.h. */
#include "base/number.h"
#include "domain/gtid.h"

#include <inttypes.h>
#include <stdarg.h>

/* The server's GNO_END is INT64_MAX itself, and none of its numbers. */
#define NUMBER_MAX (INT64_MAX - 1)
#define UUID_LENGTH 36

static int compare_source(const GtidRange *a, const GtidRange *b) {
        int order = memcmp(a->uuid.b, b->uuid.b, sizeof(a->uuid.b));

        return order != 0 ? order : strcmp(a->tag, b->tag);
}

static int by_range(const void *a, const void *b) {
        const GtidRange *x = a, *y = b;
        int order = compare_source(x, y);

        if (order != 0)
                return order;
        return x->first < y->first ? -1 : x->first > y->first;
}

/* A set that grows; its end is where the merging looks. */
typedef struct Builder {
        GtidSet set;
        size_t room;
} Builder;

static int add(Builder *b, const GtidRange *range) {
        if (b->set.n == b->room) {
                size_t room = b->room > 0 ? b->room * 2 : 8;
                GtidRange *bigger = realloc(b->set.range, room * sizeof(*bigger));

                if (!bigger)
                        return -ENOMEM;
                b->set.range = bigger;
                b->room = room;
        }
        b->set.range[b->set.n++] = *range;
        return 0;
}

/* Sorts, and makes one of those that overlap or touch. */
static void normalise(GtidSet *set) {
        size_t n = 0;

        if (set->n > 1)
                qsort(set->range, set->n, sizeof(*set->range), by_range);
        for (size_t i = 0; i < set->n; i++) {
                GtidRange *last = n > 0 ? &set->range[n - 1] : NULL;
                const GtidRange *r = &set->range[i];

                if (last && compare_source(last, r) == 0 && r->first <= last->last + 1) {
                        if (r->last > last->last)
                                last->last = r->last;
                } else
                        set->range[n++] = *r;
        }
        set->n = n;
}

/* The words of a set: everything between colons and commas, blanks around it
 * taken off. */
typedef struct Reader {
        const char *at, *end;
        const char *word;
        size_t length;
        char separator; /* that follows it: ':' or ',', '\0' at the end */
} Reader;

static bool is_blank(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static void next(Reader *r) {
        const char *stop = r->at;

        while (stop < r->end && *stop != ':' && *stop != ',')
                stop++;
        r->separator = stop < r->end ? *stop : '\0';
        r->word = r->at;
        r->at = stop < r->end ? stop + 1 : stop;
        while (r->word < stop && is_blank(*r->word))
                r->word++;
        while (stop > r->word && is_blank(stop[-1]))
                stop--;
        r->length = (size_t) (stop - r->word);
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_tag(const char *s, size_t n) {
        if (n == 0 || n >= GTID_TAG_SIZE || !is_letter(s[0]))
                return false;
        for (size_t i = 1; i < n; i++)
                if (!is_letter(s[i]) && (s[i] < '0' || s[i] > '9'))
                        return false;
        return true;
}

static void set_tag(GtidRange *range, const char *s, size_t n) {
        memset(range->tag, 0, sizeof(range->tag));
        for (size_t i = 0; i < n; i++)
                range->tag[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char) (s[i] - 'A' + 'a') : s[i];
}

/* "5" or "5-9". The server takes "9-5" for nothing at all; who writes it meant
 * something. */
static bool parse_interval(const char *s, size_t n, GtidRange *range) {
        const char *dash = memchr(s, '-', n), *end = s + n;
        size_t length = dash ? (size_t) (dash - s) : n;

        while (length > 0 && is_blank(s[length - 1]))
                length--;
        if (number_parse(s, length, 1, NUMBER_MAX, &range->first) < 0)
                return false;
        range->last = range->first;
        if (!dash)
                return true;
        for (dash++; dash < end && is_blank(*dash);)
                dash++;
        return number_parse(dash, (size_t) (end - dash), range->first, NUMBER_MAX, &range->last) == 0;
}

_printf_(3, 4) static int wrong(char error[static 256], const Reader *r, const char *format, ...) {
        char what[128];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(what, sizeof(what), format, ap);
        va_end(ap);
        (void) snprintf(error, 256, "\"%.*s\" stands where %s", r->length > 80 ? 80 : (int) r->length, r->word, what);
        return -EBADMSG;
}

/* What follows one UUID: intervals, and tags that hold for those after them. */
static int parse_source(Reader *r, GtidRange *range, Builder *b, char error[static 256]) {
        bool wants_interval = true; /* nothing has been said yet, or only a tag */
        int k;

        while (r->separator == ':') {
                next(r);
                if (is_tag(r->word, r->length)) {
                        if (wants_interval && range->tag[0])
                                return wrong(error, r, "an interval should, after a tag");
                        set_tag(range, r->word, r->length);
                        wants_interval = true;
                        continue;
                }
                if (!parse_interval(r->word, r->length, range))
                        return wrong(error, r, "an interval or a tag should");
                if (b->set.n == GTID_RANGES_MAX) {
                        (void) snprintf(error, 256, "the set has more intervals than are read (%d)", GTID_RANGES_MAX);
                        return -E2BIG;
                }
                k = add(b, range);
                if (k < 0) {
                        (void) snprintf(error, 256, "out of memory");
                        return k;
                }
                wants_interval = false;
        }
        return wants_interval ? wrong(error, r, "intervals should follow") : 0;
}

static bool is_all_blank(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!is_blank(text[i]))
                        return false;
        return true;
}

int gtid_set_parse(const char *text, size_t n, GtidSet *ret, char error[static 256]) {
        Reader r = { .at = text, .end = text + n, .separator = ',' };
        Builder b = {0};
        int k = 0;

        if (n > GTID_TEXT_MAX) {
                (void) snprintf(error, 256, "the set is longer than any that is read (%zu bytes)", GTID_TEXT_MAX);
                return -E2BIG;
        }
        if (is_all_blank(text, n)) {
                *ret = (GtidSet) {0};
                return 0;
        }
        while (k >= 0 && r.separator == ',') {
                GtidRange range = {0};

                next(&r);
                if (r.length != UUID_LENGTH || uuid_parse(r.word, r.length, &range.uuid) < 0)
                        k = wrong(error, &r, "a server's UUID should");
                else
                        k = parse_source(&r, &range, &b, error);
        }
        if (k < 0) {
                gtid_set_done(&b.set);
                return k;
        }
        normalise(&b.set);
        *ret = b.set;
        return 0;
}

int gtid_set_format(const GtidSet *set, char **ret) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        char uuid[UUID_TEXT_MAX];
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < set->n; i++) {
                const GtidRange *r = &set->range[i], *before = i > 0 ? &set->range[i - 1] : NULL;
                bool same = before && uuid_equal(&before->uuid, &r->uuid);

                if (!same)
                        fprintf(f, "%s%s", before ? "," : "", uuid_text(&r->uuid, uuid));
                if (r->tag[0] && !(same && streq(before->tag, r->tag)))
                        fprintf(f, ":%s", r->tag);
                fprintf(f, ":%" PRId64, r->first);
                if (r->last > r->first)
                        fprintf(f, "-%" PRId64, r->last);
        }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return 0;
}

int gtid_set_copy(const GtidSet *set, GtidSet *ret) {
        GtidRange *range = NULL;

        if (set->n > 0) {
                range = malloc(set->n * sizeof(*range));
                if (!range)
                        return -ENOMEM;
                memcpy(range, set->range, set->n * sizeof(*range));
        }
        *ret = (GtidSet) { set->n, range };
        return 0;
}

void gtid_set_done(GtidSet *set) {
        free(set->range);
        *set = (GtidSet) {0};
}

bool gtid_set_equal(const GtidSet *a, const GtidSet *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (compare_source(&a->range[i], &b->range[i]) != 0 || a->range[i].first != b->range[i].first || a->range[i].last != b->range[i].last)
                        return false;
        return true;
}

/* Both are sorted: walked side by side. */
int gtid_set_subtract(const GtidSet *a, const GtidSet *b, GtidSet *ret) {
        Builder rest = {0};
        size_t k = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < a->n; i++) {
                GtidRange left = a->range[i];
                bool gone = false;

                while (k < b->n && (compare_source(&b->range[k], &left) < 0 || (compare_source(&b->range[k], &left) == 0 && b->range[k].last < left.first)))
                        k++;
                for (size_t j = k; r >= 0 && !gone && j < b->n && compare_source(&b->range[j], &left) == 0 && b->range[j].first <= left.last; j++) {
                        if (b->range[j].first > left.first) {
                                GtidRange before = left;

                                before.last = b->range[j].first - 1;
                                r = add(&rest, &before);
                        }
                        gone = b->range[j].last >= left.last;
                        left.first = b->range[j].last + 1;
                }
                if (r >= 0 && !gone)
                        r = add(&rest, &left);
        }
        if (r < 0) {
                gtid_set_done(&rest.set);
                return r;
        }
        *ret = rest.set;
        return 0;
}

bool gtid_set_contains_all(const GtidSet *set, const GtidSet *other) {
        size_t k = 0;

        for (size_t i = 0; i < other->n; i++) {
                const GtidRange *o = &other->range[i];

                while (k < set->n && (compare_source(&set->range[k], o) < 0 || (compare_source(&set->range[k], o) == 0 && set->range[k].last < o->first)))
                        k++;
                /* No range of a set touches another, so one alone has to cover it. */
                if (k == set->n || compare_source(&set->range[k], o) != 0 || set->range[k].first > o->first || set->range[k].last < o->last)
                        return false;
        }
        return true;
}

int gtid_set_union(const GtidSet *a, const GtidSet *b, GtidSet *ret) {
        Builder all = {0};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < a->n; i++)
                r = add(&all, &a->range[i]);
        for (size_t i = 0; r >= 0 && i < b->n; i++)
                r = add(&all, &b->range[i]);
        if (r < 0) {
                gtid_set_done(&all.set);
                return r;
        }
        normalise(&all.set);
        *ret = all.set;
        return 0;
}

uint64_t gtid_set_count(const GtidSet *set) {
        uint64_t count = 0;

        for (size_t i = 0; i < set->n; i++)
                if (__builtin_add_overflow(count, (uint64_t) (set->range[i].last - set->range[i].first) + 1, &count))
                        return UINT64_MAX;
        return count;
}
