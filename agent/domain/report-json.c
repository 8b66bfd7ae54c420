/* Reports as JSON; see report.h. Reading it is in report-read.c. */
#include "domain/report.h"
#include "domain/json.h"

/* To JSON. One flag gathers the failures of a whole object: jansson fails for
 * want of memory and for text that is no UTF-8, and both spoil the report. */

static void put(json_t *o, const char *key, json_t *value, bool *failed) {
        if (json_object_set_new(o, key, value) < 0)
                *failed = true;
}

static json_t *view_json(const ReportView *v, bool *failed) {
        json_t *o = json_object();

        put(o, "uuid", uuid_json(&v->uuid), failed);
        if (v->seqno != SEQNO_UNDEFINED)
                put(o, "seqno", json_integer(v->seqno), failed);
        put(o, "members", names_to_json(&v->members), failed);
        if (v->after_gap)
                put(o, "after_gap", json_true(), failed);
        return o;
}

static void put_mark_texts(json_t *o, const Report *r, bool *failed) {
        json_t *texts = NULL;

        for (size_t i = 0; i < r->marks.n; i++) {
                if (!r->mark_text[i])
                        continue;
                if (!texts)
                        texts = json_object();
                put(texts, r->marks.name[i], text_json(r->mark_text[i], false), failed);
        }
        if (texts)
                put(o, "mark_evidence", texts, failed);
}

static json_t *incoming_json(const Incoming *i, bool *failed) {
        json_t *o = json_object();

        put(o, "full", json_boolean(i->full), failed);
        put(o, "received", json_integer(i->received), failed);
        put(o, "rate", json_integer(i->rate), failed);
        put(o, "since", json_integer((json_int_t) i->since), failed);
        if (i->from[0])
                put(o, "from", json_string(i->from), failed);
        return o;
}

int report_to_json(const Report *r, json_t **ret) {
        json_t *o = json_object();
        bool failed = !o;

        put(o, "version", json_integer(REPORT_VERSION), &failed);
        put(o, "node", json_string(r->node), &failed);
        if (!uuid_is_zero(&r->agent))
                put(o, "agent", uuid_json(&r->agent), &failed);
        put(o, "epoch", json_integer((json_int_t) r->epoch), &failed);
        put(o, "serial", json_integer((json_int_t) r->serial), &failed);

        if (r->mysqld != MYSQLD_UNKNOWN)
                put(o, "mysqld", json_string(mysqld_to_string(r->mysqld)), &failed);
        put(o, "wanted", json_boolean(r->wanted), &failed);
        if (r->source != SOURCE_NONE) {
                json_t *p = json_object();

                put(p, "uuid", uuid_json(&r->position.uuid), &failed);
                put(p, "seqno", json_integer(r->position.seqno), &failed);
                put(p, "source", json_string(source_to_string(r->source)), &failed);
                put(o, "position", p, &failed);
        }
        if (r->unjudged)
                put(o, "unjudged", json_true(), &failed);
        if (r->schema_cut)
                put(o, "schema_cut", json_true(), &failed);
        if (r->blank)
                put(o, "blank", json_true(), &failed);
        if (r->safe_to_bootstrap >= 0)
                put(o, "safe_to_bootstrap", json_boolean(r->safe_to_bootstrap), &failed);
        put(o, "weight", json_integer(r->weight), &failed);
        if (!uuid_is_zero(&r->component))
                put(o, "component", uuid_json(&r->component), &failed);
        if (r->component_size > 0)
                put(o, "component_size", json_integer(r->component_size), &failed);
        if (r->in_place)
                put(o, "in_place", json_true(), &failed);
        if (r->in_place_problem)
                put(o, "in_place_problem", text_json(r->in_place_problem, false), &failed);
        if (r->cached_from > 0)
                put(o, "cached_from", json_integer(r->cached_from), &failed);
        if (r->donating)
                put(o, "donating", json_true(), &failed);
        if (r->stranded)
                put(o, "stranded", json_true(), &failed);
        if (r->resting)
                put(o, "resting", json_true(), &failed);
        if (r->join_failures > 0)
                put(o, "join_failures", json_integer(r->join_failures), &failed);

        if (r->incoming.set)
                put(o, "transfer", incoming_json(&r->incoming, &failed), &failed);

        if (r->have_view && r->n_views > 0) {
                json_t *older = json_array();

                put(o, "view", view_json(&r->view[0], &failed), &failed);
                for (size_t i = 1; i < r->n_views; i++)
                        if (json_array_append_new(older, view_json(&r->view[i], &failed)) < 0)
                                failed = true;
                put(o, "older_views", older, &failed);
                if (r->arbitrators.n > 0)
                        put(o, "arbitrators", names_to_json(&r->arbitrators), &failed);
                if (r->have_group) {
                        json_t *g = json_object();

                        put(g, "uuid", uuid_json(&r->group.uuid), &failed);
                        put(g, "seqno", json_integer(r->group.seqno), &failed);
                        put(o, "group", g, &failed);
                }
        }
        if (r->view_problem)
                put(o, "view_problem", text_json(r->view_problem, false), &failed);

        if (r->have_history && r->history) {
                json_t *a = json_array();

                for (size_t i = 0; i < r->history->n; i++) {
                        const HistoryEntry *e = &r->history->entry[i];
                        json_t *h = json_object();

                        put(h, "id", uuid_json(&e->id), &failed);
                        put(h, "uuid", uuid_json(&e->position.uuid), &failed);
                        put(h, "seqno", json_integer(e->position.seqno), &failed);
                        if (e->leader[0])
                                put(h, "leader", json_string(e->leader), &failed);
                        if (e->foreign)
                                put(h, "foreign", json_true(), &failed);
                        if (json_array_append_new(a, h) < 0)
                                failed = true;
                }
                put(o, "history", a, &failed);
        }
        if (r->settled)
                put(o, "history_settled", json_true(), &failed);
        if (r->led.n > 0)
                put(o, "led", names_to_json(&r->led), &failed);
        put(o, "marks", names_to_json(&r->marks), &failed);
        put_mark_texts(o, r, &failed);

        if (r->claim != CLAIM_NONE) {
                json_t *c = json_object();

                put(c, "id", uuid_json(&r->claim_id), &failed);
                put(c, "state", json_string(claim_state_to_string(r->claim)), &failed);
                put(o, "claim", c, &failed);
        }
        if (r->n_released > 0) {
                json_t *a = json_array();

                for (size_t i = 0; i < r->n_released; i++)
                        if (json_array_append_new(a, uuid_json(&r->released[i])) < 0)
                                failed = true;
                put(o, "released", a, &failed);
        }
        if (r->have_grant) {
                json_t *g = json_object();

                put(g, "id", uuid_json(&r->grant_id), &failed);
                put(g, "holder", json_string(r->grant_holder), &failed);
                put(o, "grant", g, &failed);
        }
        if (r->ruling.version > 0) {
                json_t *p = json_object();

                put(p, "name", json_string(policy_to_string(r->ruling.policy)), &failed);
                put(p, "version", json_integer(r->ruling.version), &failed);
                put(p, "node", json_string(r->ruling.node), &failed);
                put(o, "policy", p, &failed);
        }
        if (r->asked)
                put(o, "asked", json_true(), &failed);
        if (r->without.n > 0)
                put(o, "without", names_to_json(&r->without), &failed);
        if (r->problem)
                put(o, "problem", text_json(r->problem, false), &failed);
        if (r->replication) {
                json_t *p = NULL;

                if (replication_to_json(r->replication, &p) < 0)
                        failed = true;
                else
                        put(o, "replication", p, &failed);
        }
        if (r->shun.set)
                put(o, "shun", shun_to_json(&r->shun), &failed);
        if (r->offline)
                put(o, "offline", json_true(), &failed);
        if (r->job) {
                json_t *j = NULL;

                if (job_to_json(r->job, JOB_STEPS_REPORTED, &j) < 0)
                        failed = true;
                else
                        put(o, "job", j, &failed);
        }

        if (failed) {
                json_decref(o);
                return -ENOMEM;
        }
        *ret = o;
        return 0;
}

int report_format(const Report *r, char **ret) {
        json_t *o;
        char *text;
        int k;

        k = report_to_json(r, &o);
        if (k < 0)
                return k;
        text = json_dumps(o, JSON_COMPACT);
        if (text && strlen(text) > REPORT_SIZE_MAX && r->job) {
                free(text);
                (void) json_array_clear(json_object_get(json_object_get(o, "job"), "steps"));
                text = json_dumps(o, JSON_COMPACT);
        }
        json_decref(o);
        if (!text)
                return -ENOMEM;
        if (strlen(text) > REPORT_SIZE_MAX) {
                free(text);
                return -E2BIG;
        }
        *ret = text;
        return 0;
}
