/* Claims and grants; see claim.h. */
#include "domain/claim.h"
#include "domain/history.h"
#include "domain/json.h"

int claim_new(Claim **ret) {
        Claim *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->position.seqno = SEQNO_UNDEFINED;
        *ret = c;
        return 0;
}

Claim *claim_free(Claim *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->n_reports; i++)
                (void) report_free(c->report[i]);
        free(c);
        return NULL;
}

int claim_format(const Claim *c, char **ret) {
        char id[UUID_TEXT_MAX], at[UUID_TEXT_MAX];
        json_t *o, *reports = json_array();
        char *text;

        for (size_t i = 0; i < c->n_reports; i++) {
                json_t *r;
                int k = report_to_json(c->report[i], &r);

                if (k < 0) {
                        json_decref(reports);
                        return k;
                }
                if (json_array_append_new(reports, r) < 0) {
                        json_decref(reports);
                        return -ENOMEM;
                }
        }
        o = json_pack("{s:s, s:s, s:s, s:{s:s, s:I}, s:o, s:o, s:b, s:o}", "id", uuid_text(&c->id, id), "holder", c->holder,
                      "manner", manner_to_string(c->manner), "position", "uuid", uuid_text(&c->position.uuid, at), "seqno", (json_int_t) c->position.seqno,
                      "needed", names_to_json(&c->needed), "without", names_to_json(&c->without),
                      "new_cluster", c->new_cluster, "reports", reports);
        if (!o)
                return -ENOMEM;
        text = json_text(o, JSON_COMPACT);
        json_decref(o);
        if (!text)
                return -ENOMEM;
        if (strlen(text) > CLAIM_SIZE_MAX) {
                free(text);
                return -E2BIG;
        }
        *ret = text;
        return 0;
}

static int claim_read(const json_t *o, Claim *c, char error[static 256]) {
        const char *id, *holder, *uuid, *manner = "restart"; /* unsaid by older agents, which know no other */
        const json_t *reports, *needed, *without, *v;
        json_int_t seqno;
        int new_cluster;
        size_t i;

        (void) snprintf(error, 256, "it is not a claim");
        if (json_unpack((json_t *) o, "{s:s, s:s, s?s, s:{s:s, s:I}, s:o, s:o, s:b, s:o}", "id", &id, "holder", &holder, "manner", &manner,
                        "position", "uuid", &uuid, "seqno", &seqno, "needed", &needed, "without", &without,
                        "new_cluster", &new_cluster, "reports", &reports) < 0)
                return -EBADMSG;
        if (uuid_parse(id, strlen(id), &c->id) < 0 || uuid_parse(uuid, strlen(uuid), &c->position.uuid) < 0 ||
            !name_valid(holder) || seqno < SEQNO_UNDEFINED || names_from_json(needed, &c->needed) < 0 ||
            names_from_json(without, &c->without) < 0 || json_typeof(reports) != JSON_ARRAY || json_array_size(reports) > NAMES_MAX)
                return -EBADMSG;
        (void) snprintf(c->holder, sizeof(c->holder), "%s", holder);
        c->position.seqno = seqno;
        c->manner = manner_from_string(manner);
        if (c->manner < 0) {
                (void) snprintf(error, 256, "it is to form the cluster in a manner that this version does not know (%.60s)", manner);
                return -EPROTONOSUPPORT;
        }
        c->new_cluster = new_cluster;
        json_array_foreach((json_t *) reports, i, v) {
                int r = report_from_json(v, &c->report[i], error);

                if (r < 0)
                        return r;
                c->n_reports = i + 1;
        }
        return 0;
}

int claim_parse(const char *text, Claim **ret, char error[static 256]) {
        _cleanup_(claim_freep) Claim *c = NULL;
        json_t *o;
        int r;

        if (strlen(text) > CLAIM_SIZE_MAX) {
                (void) snprintf(error, 256, "it is larger than %zu bytes", CLAIM_SIZE_MAX);
                return -EBADMSG;
        }
        r = json_read(text, strlen(text), &o, error);
        if (r < 0)
                return r;
        r = claim_new(&c);
        if (r >= 0)
                r = claim_read(o, c, error);
        json_decref(o);
        if (r < 0)
                return r;
        *ret = TAKE(c);
        return 0;
}

Overrule claim_overrule(const Claim *c) {
        return (Overrule) {
                .without = c->without,
                .new_cluster = c->new_cluster,
                .leader = c->holder,
        };
}

static bool claim_vouches(const Claim *c, const HistoryEntry *e) {
        for (size_t i = 0; i < c->n_reports; i++)
                if (history_vouches(c->report[i], c->holder, e))
                        return true;
        return false;
}

/* What `other` has right after the end of `h`, NULL where nothing, or where the
 * two have parted. */
static const HistoryEntry *entry_after(const History *h, const History *other) {
        size_t i = 0;

        if (!other)
                return NULL;
        while (h->n > 0 && i < other->n && !uuid_equal(&other->entry[i].id, &h->entry[h->n - 1].id))
                i++;
        if (h->n > 0)
                i++;
        return i < other->n ? &other->entry[i] : NULL;
}

void claim_base(const Claim *c, History *h) {
        bool more;

        do {
                more = false;
                for (size_t i = 0; i < c->n_reports && !more; i++) {
                        const HistoryEntry *e = entry_after(h, c->report[i]->history);

                        more = e && !history_has(h, &e->id) && claim_vouches(c, e);
                        if (more)
                                history_add(h, e);
                }
        } while (more);
}

static const Report *claim_report(const Claim *c, const char *name) {
        const Report *found = NULL;

        for (size_t i = 0; i < c->n_reports; i++)
                if (streq(c->report[i]->node, name) && (!found || report_newer(c->report[i], found)))
                        found = c->report[i];
        return found;
}

/* Is `a` younger than `b`? What an earlier installation of the node said is
 * never younger than what is heard of it now. */
static bool younger(const Report *a, const Report *b) {
        return uuid_equal(&a->agent, &b->agent) && report_newer(a, b);
}

/* Of itself the grantor knows best; a live mysqld that it sees beats a report. */
size_t claim_union(const Claim *c, const char *grantor, const Voice *voices, size_t n, Voice *merged) {
        size_t m = 0;

        for (size_t i = 0; i < n; i++) {
                const Report *theirs = claim_report(c, voices[i].name);
                Voice v = voices[i];

                if (theirs && !streq(v.name, grantor) && v.condition != CONDITION_ALIVE &&
                    (v.condition != CONDITION_KNOWN || younger(theirs, v.report))) {
                        v.condition = CONDITION_KNOWN;
                        v.report = theirs;
                }
                merged[m++] = v;
        }
        for (size_t i = 0; i < c->n_reports; i++) {
                const char *name = c->report[i]->node;
                bool there = false;

                for (size_t k = 0; k < m; k++)
                        there = there || streq(merged[k].name, name);
                if (!there && m < NAMES_MAX)
                        merged[m++] = (Voice) {
                                .name = name,
                                .condition = CONDITION_KNOWN,
                                .report = claim_report(c, name),
                        };
        }
        return m;
}

/* Does the claim know the grantor as it is? A claim may come in long after it
 * was made, and what others have promised since is not in it. Who was granted
 * what, and whether mysqld is wanted, does not matter here. */
static bool knows(const Report *said, const Report *own) {
        if (!said || !own || !uuid_equal(&said->agent, &own->agent) || said->mysqld != own->mysqld || said->source != own->source ||
            !position_equal(&said->position, &own->position) || said->blank != own->blank ||
            said->have_view != own->have_view || !names_equal(&said->led, &own->led))
                return false;
        if (own->have_view && (said->view[0].seqno != own->view[0].seqno || !names_equal(&said->view[0].members, &own->view[0].members)))
                return false;
        if (!said->history || !own->history)
                return said->history == own->history;
        return said->history->n == own->history->n &&
               (own->history->n == 0 || uuid_equal(&said->history->entry[own->history->n - 1].id, &own->history->entry[own->history->n - 1].id));
}

static int refuse(char **ret_text, char *text) {
        if (!text)
                return -ENOMEM;
        *ret_text = text;
        return 0;
}

int claim_judge(const Claim *c, const char *grantor, const Voice *voices, size_t n, const Grant *standing,
                ClaimState own, char **ret_text) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        Voice merged[NAMES_MAX];
        Overrule overrule = claim_overrule(c);
        const char *why;
        char *text = NULL;
        int r;

        /* An operator who gives the holder up ends what was promised to it. */
        if (standing && !uuid_equal(&standing->id, &c->id) && !names_contain(&c->without, standing->holder)) {
                if (asprintf(&text, "%s has granted %s to %s, and that grant stands", grantor, manner_claimed(standing->manner), standing->holder) < 0)
                        text = NULL;
                return refuse(ret_text, text);
        }
        if (own != CLAIM_NONE) {
                if (asprintf(&text, "%s makes a claim of its own", grantor) < 0)
                        text = NULL;
                return refuse(ret_text, text);
        }
        if (n > NAMES_MAX)
                return -E2BIG;
        r = decision_make(merged, claim_union(c, grantor, voices, n, merged), &overrule, &plan);
        if (r < 0)
                return r;
        if (plan->action == ACTION_BOOTSTRAP && streq(plan->node, c->holder) && plan->manner == c->manner &&
            (c->new_cluster || position_equal(&plan->position, &c->position))) {
                /* Whom this node finds needed must have been asked. */
                for (size_t i = 0; i < plan->needed.n; i++)
                        if (!names_contain(&c->needed, plan->needed.name[i]) && !names_contain(&c->without, plan->needed.name[i])) {
                                if (asprintf(&text, "%s finds that %s must grant it too", grantor, plan->needed.name[i]) < 0)
                                        text = NULL;
                                return refuse(ret_text, text);
                        }
                for (size_t i = 0; i < n; i++)
                        if (streq(voices[i].name, grantor) && !knows(claim_report(c, grantor), voices[i].report)) {
                                if (asprintf(&text, "what it rests on is not so any more: %s has changed since", grantor) < 0)
                                        text = NULL;
                                return refuse(ret_text, text);
                        }
                return 1;
        }

        if (plan->action == ACTION_BOOTSTRAP && streq(plan->node, c->holder) && plan->manner != c->manner) {
                if (asprintf(&text, "%s comes to bootstrap %s too, but in another manner (%s)", grantor, c->holder, manner_to_string(plan->manner)) < 0)
                        text = NULL;
                return refuse(ret_text, text);
        }
        why = plan_reason(plan, plan->action == ACTION_WAIT && plan->awaited.n > 0 ? plan->awaited.name[0] : plan->node);
        if (asprintf(&text, "%s comes to %s%s%s: %s", grantor, action_to_string(plan->action),
                     plan->node[0] ? " " : "", plan->node, str_or(why, "no reason is known")) < 0)
                text = NULL;
        return refuse(ret_text, text);
}

const char *grant_fate_to_string(GrantFate f) {
        switch (f) {
        case GRANT_STANDS:
                return "stands";
        case GRANT_CONFIRMED:
                return "confirmed";
        case GRANT_WITHDRAWN:
                return "withdrawn";
        case GRANT_VOID:
                return "void";
        case GRANT_FORGOTTEN:
                return "its holder knows nothing of it any more, and may have led by it";
        }
        return "invalid";
}

/* Did it say so after the report on which the grant was given? An agent that has
 * lost its memory counts anew. */
static bool younger_than(const Report *holder, const Grant *g) {
        if (!uuid_is_zero(&g->agent) && !uuid_equal(&holder->agent, &g->agent))
                return true;
        return holder->epoch > g->epoch || (holder->epoch == g->epoch && holder->serial > g->serial);
}

GrantFate grant_fate(const Grant *g, const Report *holder) {
        bool same_claim = holder->claim != CLAIM_NONE && uuid_equal(&holder->claim_id, &g->id);

        /* A live one may have found the others again before it used the claim. */
        if (history_has(holder->history, &g->id) ||
            (same_claim && holder->mysqld == MYSQLD_PRIMARY && (g->manner != MANNER_IN_PLACE || holder->claim == CLAIM_CONSUMED)))
                return GRANT_CONFIRMED;
        for (size_t i = 0; i < holder->n_released; i++)
                if (uuid_equal(&holder->released[i], &g->id))
                        return GRANT_WITHDRAWN;
        if (same_claim || !younger_than(holder, g))
                return GRANT_STANDS;

        /* A resume is no part of any history. */
        if (g->manner == MANNER_RESUME)
                return GRANT_CONFIRMED;
        /* Each Primary view takes a seqno: who is where it was, never led. */
        if (holder->mysqld == MYSQLD_STOPPED && report_has_position(holder) &&
            holder->source != SOURCE_LIVE && position_equal(&holder->position, &g->position))
                return GRANT_VOID;
        /* The claim can be used by nobody any more; whether it was, is not known. */
        return holder->have_history ? GRANT_FORGOTTEN : GRANT_STANDS;
}
