/* One voice a node; see voices.h. */
#include "domain/voices.h"

static const char why_cloned[] = "it carries this node's identity: its /var/lib/mainstay/state.json was copied; stop mainstayd there, remove that file and start it again";
static const char why_our_name[] = "it calls itself by this node's name: give each its own wsrep_node_name";
static const char why_one_name[] = "two nodes call themselves by this name: give each its own wsrep_node_name";

typedef struct Choir {
        const Self *self;
        size_t n_heard;
        const Heard *heard;
        size_t n;
        Voice *voice;
} Choir;

bool voices_is_self(const Self *self, const Report *r) {
        return uuid_equal(&r->agent, &self->agent) && streq(r->node, self->name) &&
               (r->epoch != self->epoch ? r->epoch < self->epoch : r->serial <= self->serial);
}

static const Report *report_of(const Heard *h) {
        return h->condition == CONDITION_KNOWN ? h->report : NULL;
}

/* NULL where there is none. */
static Voice *find(const Choir *c, const char *name) {
        for (size_t i = 0; i < c->n; i++)
                if (streq(c->voice[i].name, name))
                        return &c->voice[i];
        return NULL;
}

static void put(Choir *c, const char *name, Condition condition, const Report *r, const char *why) {
        if (!find(c, name) && c->n < NAMES_MAX)
                c->voice[c->n++] = (Voice) { .name = name, .condition = condition, .report = r, .why = why };
}

/* Why it cannot be told whose report this is; NULL where it can. */
static const char *unclear(const Choir *c, const Report *r) {
        if (uuid_equal(&r->agent, &c->self->agent))
                return why_cloned;
        if (streq(r->node, c->self->name))
                return why_our_name;
        for (size_t i = 0; i < c->n_heard; i++) {
                const Report *o = report_of(&c->heard[i]);

                if (o && streq(o->node, r->node) && !uuid_equal(&o->agent, &r->agent))
                        return why_one_name;
        }
        return NULL;
}

static void add_clear(Choir *c, const Heard *h) {
        const Report *r = report_of(h);
        Voice *v;

        if (!r || voices_is_self(c->self, r) || unclear(c, r))
                return;
        v = find(c, r->node);
        if (!v)
                put(c, r->node, CONDITION_KNOWN, r, NULL);
        else if (report_newer(r, v->report)) /* one node under two addresses */
                v->report = r;
}

/* Not heard: under its name, where that is not our own, and under its label
 * where others have that name. */
static void add_unclear(Choir *c, const Heard *h) {
        const Report *r = report_of(h);
        const char *why;

        if (!r || voices_is_self(c->self, r))
                return;
        why = unclear(c, r);
        if (!why)
                return;
        put(c, r->node, CONDITION_UNCERTAIN, NULL, why);
        if (why == why_one_name || streq(r->node, c->self->name))
                put(c, h->label, CONDITION_UNCERTAIN, NULL, why);
}

static void add_silent(Choir *c, const Heard *h) {
        const char *name = str_or(h->known_as, h->label);

        if (!report_of(h))
                put(c, streq(name, c->self->name) ? h->label : name, h->condition, NULL, h->why);
}

size_t voices_merge(const Self *self, const Report *own, const Heard *heard, size_t n, Voice *voices) {
        Choir c = { .self = self, .n_heard = n, .heard = heard, .voice = voices };

        put(&c, own->node, CONDITION_KNOWN, own, NULL);
        for (size_t i = 0; i < n; i++)
                add_clear(&c, &heard[i]);
        for (size_t i = 0; i < n; i++)
                add_unclear(&c, &heard[i]);
        for (size_t i = 0; i < n; i++)
                add_silent(&c, &heard[i]);
        return c.n;
}
