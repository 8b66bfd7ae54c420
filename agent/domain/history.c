/* Histories; see history.h. */
#include "domain/history.h"

/* Where to begin with `h`: one that is full has lost its oldest entries, and
 * the other of two may still have them. */
static size_t history_begin(const History *h, const History *other) {
        for (size_t i = 0; other->n == HISTORY_MAX && i < h->n; i++)
                if (uuid_equal(&h->entry[i].id, &other->entry[0].id))
                        return i;
        return 0;
}

/* The entry at `*at` or after it; those of another cluster tell nothing of
 * these data, and are passed over. */
static const HistoryEntry *history_next(const History *h, size_t *at, const Uuid *uuid) {
        while (*at < h->n && !uuid_is_zero(uuid) && !uuid_equal(&h->entry[*at].position.uuid, uuid))
                (*at)++;
        return *at < h->n ? &h->entry[*at] : NULL;
}

Kinship history_compare(const History *a, const Position *at_a, const History *b, const Position *at_b,
                        int64_t *ret_limit, const HistoryEntry **ret_parting) {
        const Uuid *uuid = uuid_is_zero(&at_a->uuid) ? &at_b->uuid : &at_a->uuid;
        const HistoryEntry *next_a = NULL, *next_b = NULL, *parting = NULL;
        int64_t limit = INT64_MAX;
        bool beyond_a, beyond_b;
        size_t i, k;

        if (a && b) {
                i = history_begin(a, b);
                k = history_begin(b, a);
                while ((next_a = history_next(a, &i, uuid)) && (next_b = history_next(b, &k, uuid)) &&
                       uuid_equal(&next_a->id, &next_b->id)) {
                        i++;
                        k++;
                }
                next_b = history_next(b, &k, uuid);
                parting = !next_a ? next_b
                        : !next_b ? next_a
                        : next_a->position.seqno < next_b->position.seqno ? next_a : next_b;
                if (parting)
                        limit = parting->position.seqno;
        }

        if (ret_limit)
                *ret_limit = limit;
        if (ret_parting)
                *ret_parting = parting;
        if (!parting)
                return KINSHIP_SAME;

        beyond_a = at_a->seqno > limit;
        beyond_b = at_b->seqno > limit;
        if (next_a && next_b)
                /* Where only one went on, the other's entry came to nothing: it is merely behind. */
                return beyond_a && beyond_b ? KINSHIP_FORKED : KINSHIP_SAME;
        /* Whoever lacks the entry that parts them, and went on all the same. */
        if (next_b && beyond_a)
                return KINSHIP_DIVERGED;
        if (next_a && beyond_b)
                return KINSHIP_AHEAD;
        return KINSHIP_SAME;
}

void history_copy(History *to, const History *from) {
        to->n = from->n;
        memcpy(to->entry, from->entry, from->n * sizeof(from->entry[0]));
}

bool history_equal(const History *a, const History *b) {
        if (!a || !b || a->n != b->n)
                return a == b;
        for (size_t i = 0; i < a->n; i++)
                if (!uuid_equal(&a->entry[i].id, &b->entry[i].id) || !uuid_equal(&a->entry[i].position.uuid, &b->entry[i].position.uuid))
                        return false;
        return true;
}

bool history_has(const History *h, const Uuid *id) {
        for (size_t i = 0; h && i < h->n; i++)
                if (uuid_equal(&h->entry[i].id, id))
                        return true;
        return false;
}

bool history_vouches(const Report *o, const char *name, const HistoryEntry *e) {
        if (!o->have_view || !history_has(o->history, &e->id))
                return false;
        for (size_t k = 0; k < o->n_views; k++)
                if (o->view[k].seqno > e->position.seqno && uuid_equal(&o->view[k].uuid, &e->position.uuid) &&
                    names_contain(&o->view[k].members, name))
                        return true;
        return false;
}

void history_add(History *h, const HistoryEntry *e) {
        if (history_has(h, &e->id))
                return;
        if (h->n == HISTORY_MAX) {
                memmove(h->entry, h->entry + 1, (HISTORY_MAX - 1) * sizeof(h->entry[0]));
                h->n--;
        }
        h->entry[h->n++] = *e;
}
