/* Lineages; see lineage.h. */
#include "domain/lineage.h"
#include "domain/history.h"

static const Report *report_of(const Voice *voices, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (streq(voices[i].name, name))
                        return voice_report(&voices[i]);
        return NULL;
}

/* Is `o` of the component that `member` is in? Two members may have been told
 * of its last change one after the other. */
static bool in_component(const Report *o, const Report *member) {
        const ReportView *view = &member->view[0];

        return o && mysqld_in_primary(o->mysqld) &&
               (uuid_is_zero(&o->position.uuid) || uuid_equal(&o->position.uuid, &view->uuid)) &&
               (names_contain(&view->members, o->node) ||
                (o->have_view && uuid_equal(&o->view[0].uuid, &view->uuid) && names_contain(&o->view[0].members, member->node)));
}

/* Does `a` hold all of `b`, as far back as both remember? Only one that is full has
 * lost its oldest entries. */
static bool extends(const History *a, const History *b) {
        size_t i = 0, k = b->n;

        if (b->n == 0)
                return true;
        while (i < a->n && !uuid_equal(&a->entry[i].id, &b->entry[b->n - 1].id))
                i++;
        if (i == a->n)
                return false;
        for (i++; i > 0 && k > 0; i--, k--)
                if (!uuid_equal(&a->entry[i - 1].id, &b->entry[k - 1].id))
                        return false;
        return i == 0 && (k == 0 || a->n == HISTORY_MAX);
}

/* The one of the two that goes further, NULL where they part. */
static const History *longer(const History *a, const History *b) {
        return extends(a, b) ? a : extends(b, a) ? b : NULL;
}

/* Has it said all that it can know? One without data has forgotten; one whose
 * agent has yet to see what its mysqld did does not know yet. */
static bool has_told(const Report *o) {
        return o && o->history && !o->blank && o->claim != CLAIM_CONSUMED;
}

/* Settled members differ only while one of them has yet to hear the news. */
static int by_settled(const Voice *voices, size_t n, const Report *member, Lineage *ret) {
        for (size_t i = 0; i < n; i++) {
                const Report *o = voice_report(&voices[i]);

                if (!in_component(o, member) || o->mysqld != MYSQLD_PRIMARY || !o->settled || !has_told(o))
                        continue;
                ret->history = ret->history ? longer(ret->history, o->history) : o->history;
                if (!ret->history) {
                        ret->forked = true;
                        return 1;
                }
        }
        return ret->history ? 1 : 0;
}

static bool has_leader(const History *h, const char *name) {
        for (size_t i = 0; i < h->n; i++)
                if (streq(h->entry[i].leader, name))
                        return true;
        return false;
}

static int by_all(const Voice *voices, size_t n, Lineage *ret) {
        const History *longest = NULL;
        Names all = {0};
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                const Report *o = voice_report(&voices[i]);

                r = names_add(&all, voices[i].name);
                if (r >= 0 && o && o->have_view)
                        r = names_add_all(&all, &o->view[0].members);
        }
        for (size_t i = 0; i < all.n && r >= 0; i++)
                if (!has_told(report_of(voices, n, all.name[i])))
                        r = names_add(&ret->unheard, all.name[i]);
        if (r < 0 || ret->unheard.n > 0)
                return r;

        for (size_t i = 0; i < n; i++) {
                const History *h = voices[i].report->history;

                longest = longest ? longer(longest, h) : h;
                ret->forked = !longest;
                if (!longest)
                        return 0;
        }
        /* Of whom somebody remembers that it led, and who does not any more. */
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < voices[i].report->led.n; k++)
                        ret->forked = ret->forked || !has_leader(longest, voices[i].report->led.name[k]);
        ret->history = ret->forked ? NULL : longest;
        return 0;
}

int lineage_of(const Voice *voices, size_t n, const Voice *member, Lineage *ret) {
        const Report *o = member->report;
        Lineage l = {0};
        int r = 0;

        /* Of a server that was started past the gate nobody knows who is with it. */
        if (!o->have_view && o->settled)
                l.history = o->history;
        else if (!o->have_view)
                r = names_add(&l.unheard, member->name);
        else {
                r = by_settled(voices, n, o, &l);
                if (r == 0)
                        r = by_all(voices, n, &l);
        }
        if (r < 0)
                return r;
        *ret = l;
        return 0;
}

int lineage_of_all(const Voice *voices, size_t n, const Names *members, Lineage *ret) {
        Lineage l = {0};
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                const Report *o = voice_report(&voices[i]), *first = voice_report(&voices[0]);

                if (!o || !first || o->mysqld != MYSQLD_PRIMARY || o->claim != CLAIM_NONE || o->have_grant || !names_contain(members, o->node) ||
                    (o->have_view && !names_equal(&o->view[0].members, members)) || uuid_is_zero(&o->position.uuid) || !uuid_equal(&o->position.uuid, &first->position.uuid))
                        r = names_add(&l.unheard, voices[i].name);
        }
        for (size_t i = 0; i < members->n && r >= 0; i++)
                if (!report_of(voices, n, members->name[i]))
                        r = names_add(&l.unheard, members->name[i]);
        if (r >= 0 && l.unheard.n == 0)
                r = by_all(voices, n, &l);
        if (r < 0)
                return r;
        *ret = l;
        return 0;
}

bool lineage_apart(const Report *a, const Report *b) {
        if (a->mysqld != MYSQLD_PRIMARY || b->mysqld != MYSQLD_PRIMARY || !uuid_equal(&a->position.uuid, &b->position.uuid))
                return false;
        if (a->settled && b->settled && a->history && b->history && !longer(a->history, b->history))
                return true;
        return a->have_view && b->have_view && !in_component(a, b) && !in_component(b, a);
}
