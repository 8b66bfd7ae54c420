/* Histories; see history.h. */
#include "domain/history.h"

Kinship history_compare(const History *a, const Position *at_a, const History *b, const Position *at_b,
                        int64_t *ret_limit, const HistoryEntry **ret_parting) {
        const HistoryEntry *next_a, *next_b, *parting = NULL;
        int64_t limit = INT64_MAX;
        bool beyond_a, beyond_b;
        size_t k = 0;

        if (a && b) {
                while (k < a->n && k < b->n && uuid_equal(&a->entry[k].id, &b->entry[k].id))
                        k++;
                next_a = k < a->n ? &a->entry[k] : NULL;
                next_b = k < b->n ? &b->entry[k] : NULL;
                parting = !next_a ? next_b
                        : !next_b ? next_a
                        : next_a->position.seqno < next_b->position.seqno ? next_a : next_b;
                if (parting)
                        limit = parting->position.seqno;
        } else
                next_a = next_b = NULL;

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

bool history_has(const History *h, const Uuid *id) {
        for (size_t i = 0; h && i < h->n; i++)
                if (uuid_equal(&h->entry[i].id, id))
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
