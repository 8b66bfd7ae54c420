/* MariaDB's GTID lists; see gtid.h. */
#include "base/number.h"
#include "domain/gtid.h"

#include <inttypes.h>

#define BLANKS " \t\r\n"

/* "0-1-5": exactly three whole numbers. */
static int gtid_parse(const char *s, size_t n, Gtid *ret) {
        const char *end = s + n, *first, *second;
        uint64_t domain, server, seq;

        first = memchr(s, '-', n);
        if (!first)
                return -EINVAL;
        second = memchr(first + 1, '-', (size_t) (end - first - 1));
        if (!second)
                return -EINVAL;
        if (number_parse_unsigned(s, (size_t) (first - s), UINT32_MAX, &domain) < 0 ||
            number_parse_unsigned(first + 1, (size_t) (second - first - 1), UINT32_MAX, &server) < 0 ||
            number_parse_unsigned(second + 1, (size_t) (end - second - 1), UINT64_MAX, &seq) < 0)
                return -EINVAL;
        *ret = (Gtid) { (uint32_t) domain, (uint32_t) server, seq };
        return 0;
}

static bool is_blank(char c) {
        return c != '\0' && strchr(BLANKS, c);
}

/* An entry with its place in the text, for which of a domain came last. */
typedef struct Placed {
        Gtid gtid;
        size_t place;
        bool newest;
} Placed;

static int by_domain_and_place(const void *a, const void *b) {
        const Placed *x = a, *y = b;

        if (x->gtid.domain != y->gtid.domain)
                return x->gtid.domain < y->gtid.domain ? -1 : 1;
        return x->place < y->place ? -1 : x->place > y->place;
}

static int by_rank(const void *a, const void *b) {
        const Placed *x = a, *y = b;

        if (x->gtid.domain != y->gtid.domain)
                return x->gtid.domain < y->gtid.domain ? -1 : 1;
        if (x->newest != y->newest)
                return x->newest ? 1 : -1;
        return x->gtid.server < y->gtid.server ? -1 : x->gtid.server > y->gtid.server;
}

static int by_server(const void *a, const void *b) {
        const Placed *x = a, *y = b;

        if (x->gtid.domain != y->gtid.domain)
                return x->gtid.domain < y->gtid.domain ? -1 : 1;
        return x->gtid.server < y->gtid.server ? -1 : x->gtid.server > y->gtid.server;
}

/* Into the one order; a domain's last by place is its newest. */
static void arrange(Placed *p, size_t n) {
        qsort(p, n, sizeof(*p), by_domain_and_place);
        for (size_t i = 0; i < n; i++)
                p[i].newest = i + 1 == n || p[i + 1].gtid.domain != p[i].gtid.domain;
        qsort(p, n, sizeof(*p), by_rank);
}

static int take(const Placed *p, size_t n, GtidList *ret) {
        Gtid *gtid = NULL;

        if (n > 0) {
                gtid = malloc(n * sizeof(*gtid));
                if (!gtid)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < n; i++)
                gtid[i] = p[i].gtid;
        *ret = (GtidList) { n, gtid };
        return 0;
}

static int parse_all(const char *text, size_t n, Placed *p, size_t room, size_t *ret_n, char error[static 256]) {
        const char *at = text, *end = text + n;
        size_t found = 0;

        for (;; at++) {
                const char *comma = memchr(at, ',', (size_t) (end - at)), *stop = comma ? comma : end;

                while (at < stop && is_blank(*at))
                        at++;
                while (stop > at && is_blank(stop[-1]))
                        stop--;
                /* Nothing at all is the empty list; nothing beside a comma is not. */
                if (at == stop && found == 0 && !comma)
                        break;
                if (found == room || gtid_parse(at, (size_t) (stop - at), &p[found].gtid) < 0) {
                        (void) snprintf(error, 256, "\"%.*s\" is no GTID of the form DOMAIN-SERVER-SEQ", stop - at > 80 ? 80 : (int) (stop - at), at);
                        return -EBADMSG;
                }
                p[found].place = found;
                found++;
                if (!comma)
                        break;
                at = comma;
        }
        *ret_n = found;
        return 0;
}

int gtid_list_parse(const char *text, size_t n, GtidListKind kind, GtidList *ret, char error[static 256]) {
        _cleanup_free_ Placed *p = NULL;
        size_t room = 1, found;
        int r;

        for (size_t i = 0; i < n && n <= GTID_TEXT_MAX; i++)
                room += text[i] == ',';
        if (n > GTID_TEXT_MAX || room > GTID_LIST_MAX) {
                (void) snprintf(error, 256, "the list is longer than any that is read (%d GTIDs)", GTID_LIST_MAX);
                return -E2BIG;
        }
        p = calloc(room, sizeof(*p));
        if (!p) {
                (void) snprintf(error, 256, "out of memory");
                return -ENOMEM;
        }
        r = parse_all(text, n, p, room, &found, error);
        if (r < 0)
                return r;

        qsort(p, found, sizeof(*p), by_server);
        for (size_t i = 1; i < found; i++)
                if (p[i].gtid.domain == p[i - 1].gtid.domain && (kind == GTID_POSITION || p[i].gtid.server == p[i - 1].gtid.server)) {
                        (void) snprintf(error, 256, kind == GTID_POSITION ? "domain %" PRIu32 " is in it twice" : "domain %" PRIu32 " has server %" PRIu32 " twice",
                                        p[i].gtid.domain, p[i].gtid.server);
                        return -EBADMSG;
                }
        arrange(p, found);
        return take(p, found, ret);
}

int gtid_list_format(const GtidList *list, char **ret) {
        size_t size = 1, at = 0;
        char *text;

        /* Each of 10, 10 and 20 digits at most. */
        size += list->n * 43;
        text = malloc(size);
        if (!text)
                return -ENOMEM;
        text[0] = '\0';
        for (size_t i = 0; i < list->n; i++)
                at += (size_t) snprintf(text + at, size - at, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64, i > 0 ? "," : "",
                                        list->gtid[i].domain, list->gtid[i].server, list->gtid[i].seq);
        *ret = text;
        return 0;
}

int gtid_list_copy(const GtidList *list, GtidList *ret) {
        Gtid *gtid = NULL;

        if (list->n > 0) {
                gtid = malloc(list->n * sizeof(*gtid));
                if (!gtid)
                        return -ENOMEM;
                memcpy(gtid, list->gtid, list->n * sizeof(*gtid));
        }
        *ret = (GtidList) { list->n, gtid };
        return 0;
}

void gtid_list_done(GtidList *list) {
        free(list->gtid);
        *list = (GtidList) {0};
}

const Gtid *gtid_list_find(const GtidList *list, uint32_t domain, uint32_t server) {
        for (size_t i = 0; i < list->n; i++)
                if (list->gtid[i].domain == domain && list->gtid[i].server == server)
                        return &list->gtid[i];
        return NULL;
}

const Gtid *gtid_list_newest(const GtidList *list, uint32_t domain) {
        const Gtid *newest = NULL;

        for (size_t i = 0; i < list->n; i++)
                if (list->gtid[i].domain == domain)
                        newest = &list->gtid[i];
        return newest;
}

const Gtid *gtid_list_highest(const GtidList *list, uint32_t domain) {
        const Gtid *highest = NULL;

        for (size_t i = 0; i < list->n; i++)
                if (list->gtid[i].domain == domain && (!highest || list->gtid[i].seq > highest->seq))
                        highest = &list->gtid[i];
        return highest;
}

bool gtid_list_contains(const GtidList *list, const Gtid *gtid) {
        const Gtid *own = gtid_list_find(list, gtid->domain, gtid->server);

        return own && own->seq >= gtid->seq;
}

bool gtid_list_contains_all(const GtidList *list, const GtidList *other) {
        for (size_t i = 0; i < other->n; i++)
                if (!gtid_list_contains(list, &other->gtid[i]))
                        return false;
        return true;
}

int gtid_list_subtract(const GtidList *a, const GtidList *b, GtidList *ret) {
        GtidList list;
        int r = gtid_list_copy(a, &list);

        if (r < 0)
                return r;
        list.n = 0;
        for (size_t i = 0; i < a->n; i++)
                if (!gtid_list_contains(b, &a->gtid[i]))
                        list.gtid[list.n++] = a->gtid[i];
        *ret = list;
        return 0;
}

/* In the order of their seqs, so that a domain's highest comes last. */
static int by_seq(const void *a, const void *b) {
        const Placed *x = a, *y = b;

        return x->gtid.seq < y->gtid.seq ? -1 : x->gtid.seq > y->gtid.seq;
}

int gtid_list_union(const GtidList *a, const GtidList *b, GtidList *ret) {
        _cleanup_free_ Placed *p = calloc(a->n + b->n + 1, sizeof(*p));
        size_t n = 0;

        if (!p)
                return -ENOMEM;
        for (size_t i = 0; i < a->n; i++) {
                const Gtid *other = gtid_list_find(b, a->gtid[i].domain, a->gtid[i].server);

                p[n++].gtid = other && other->seq > a->gtid[i].seq ? *other : a->gtid[i];
        }
        for (size_t i = 0; i < b->n; i++)
                if (!gtid_list_find(a, b->gtid[i].domain, b->gtid[i].server))
                        p[n++].gtid = b->gtid[i];
        qsort(p, n, sizeof(*p), by_seq);
        for (size_t i = 0; i < n; i++)
                p[i].place = i;
        arrange(p, n);
        return take(p, n, ret);
}

uint64_t gtid_list_distance(const GtidList *behind, const GtidList *ahead) {
        uint64_t distance = 0;

        for (size_t i = 0; i < ahead->n; i++) {
                const Gtid *there, *here;

                if (i > 0 && ahead->gtid[i].domain == ahead->gtid[i - 1].domain)
                        continue;
                there = gtid_list_highest(ahead, ahead->gtid[i].domain);
                here = gtid_list_highest(behind, ahead->gtid[i].domain);
                if (here && here->seq >= there->seq)
                        continue;
                if (__builtin_add_overflow(distance, there->seq - (here ? here->seq : 0), &distance))
                        return UINT64_MAX;
        }
        return distance;
}
