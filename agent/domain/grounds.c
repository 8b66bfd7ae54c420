/* What a decision rests on; see grounds.h. */
#include "domain/grounds.h"
#include "domain/datasource.h"
#include "domain/json.h"

/* A value that is NULL is left out. 0, or -ENOMEM. */
static int put(json_t *o, const char *key, json_t *value) {
        return json_object_set_new(o, key, value) < 0 ? -ENOMEM : 0;
}

static int put_text(json_t *o, const char *key, const char *text) {
        return text ? put(o, key, text_json(text, false)) : 0;
}

/* Most views have the same members: their list is made once for all in a row that do. */
typedef struct Listed {
        const Names *names;
        json_t *list;
} Listed;

static json_t *members_json(Listed *l, const Names *names) {
        if (!l->names || !names_equal(l->names, names)) {
                json_decref(l->list);
                *l = (Listed) { names, names_to_json(names) };
        }
        return json_incref(l->list);
}

static int put_view(json_t *o, const Report *r, Listed *listed) {
        json_t *view;
        int k;

        if (!r->have_view)
                return put_text(o, "view_problem", r->view_problem);
        view = json_object();
        if (!view)
                return -ENOMEM;
        k = r->view[0].seqno == SEQNO_UNDEFINED ? 0 : put(view, "seqno", json_integer(r->view[0].seqno));
        if (k >= 0)
                k = put(view, "members", members_json(listed, &r->view[0].members));
        if (k < 0) {
                json_decref(view);
                return k;
        }
        return put(o, "view", view);
}

static int put_report(json_t *o, const Report *r, Listed *listed) {
        char at[POSITION_TEXT_MAX];
        int k;

        k = put_text(o, "mysqld", mysqld_to_string(r->mysqld));
        if (k >= 0 && r->source != SOURCE_NONE)
                k = put_text(o, "position", position_text(&r->position, at));
        if (k >= 0 && r->source != SOURCE_NONE)
                k = put_text(o, "source", source_to_string(r->source));
        if (k >= 0 && r->safe_to_bootstrap >= 0)
                k = put(o, "safe_to_bootstrap", json_boolean(r->safe_to_bootstrap > 0));
        if (k >= 0)
                k = put_view(o, r, listed);
        if (k >= 0 && r->history)
                k = put(o, "bootstraps", json_integer((json_int_t) r->history->n));
        if (k >= 0 && r->marks.n > 0)
                k = put(o, "marks", names_to_json(&r->marks));
        if (k >= 0 && r->claim != CLAIM_NONE)
                k = put_text(o, "claim", claim_state_to_string(r->claim));
        if (k >= 0 && r->have_grant)
                k = put_text(o, "granted_to", r->grant_holder);
        return k < 0 ? k : put_text(o, "problem", r->problem);
}

/* With what it reports of itself as a node of Galera's; where `listed` is NULL, without. */
static int node_json(const Voice *v, Listed *listed, json_t **ret) {
        const Report *r = voice_report(v);
        json_t *o = json_object();
        int k;

        if (!o)
                return -ENOMEM;
        k = put_text(o, "node", v->name);
        if (k >= 0)
                k = put_text(o, "condition", condition_to_string(v->condition));
        if (k >= 0 && !r)
                k = put_text(o, "why", v->why);
        if (k >= 0 && r && listed)
                k = put_report(o, r, listed);
        if (k < 0) {
                json_decref(o);
                return k;
        }
        *ret = o;
        return 0;
}

static int plan_part(const Plan *p, json_t *o) {
        int k;

        k = put_text(o, "action", action_to_string(p->action));
        if (k >= 0 && p->node[0])
                k = put_text(o, "node", p->node);
        if (k >= 0 && p->action == ACTION_BOOTSTRAP)
                k = put_text(o, "manner", manner_to_string(p->manner));
        if (k >= 0)
                k = put(o, "needed", names_to_json(&p->needed));
        return k < 0 ? k : put(o, "awaited", names_to_json(&p->awaited));
}

/* Takes over both. */
static int finish(json_t *o, json_t *nodes, int r, char **ret) {
        char *text = NULL;

        if (r >= 0)
                r = put(o, "nodes", json_incref(nodes));
        if (r >= 0) {
                text = json_text(o, JSON_COMPACT);
                r = text ? 0 : -ENOMEM;
        }
        json_decref(nodes);
        json_decref(o);
        if (r >= 0)
                *ret = text;
        return r;
}

int grounds_format(const Voice *voices, size_t n, const Plan *plan, char **ret) {
        json_t *o = json_object(), *nodes = json_array(), *node;
        int r = o && nodes ? 0 : -ENOMEM;
        Listed listed = {0};

        if (r >= 0 && plan)
                r = plan_part(plan, o);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                r = node_json(&voices[i], &listed, &node);
                if (r >= 0 && json_array_append_new(nodes, node) < 0)
                        r = -ENOMEM;
        }
        json_decref(listed.list);
        return finish(o, nodes, r, ret);
}

static int datasource_part(const Datasource *ds, json_t *o) {
        int k;

        k = put_text(o, "role", role_to_string(ds->role));
        if (k >= 0)
                k = put_text(o, "state", datasource_state_to_string(ds->state));
        if (k >= 0 && ds->reason[0])
                k = put_text(o, "reason", ds->reason);
        if (k >= 0 && ds->source[0])
                k = put_text(o, "source", ds->source);
        return k < 0 || ds->lag < 0 ? k : put(o, "lag", json_integer(ds->lag));
}

int grounds_of_service(const Voice *voices, size_t n, char **ret) {
        _cleanup_free_ DatasourceFacts *facts = calloc(n + 1, sizeof(*facts));
        _cleanup_free_ Datasource *ds = calloc(n + 1, sizeof(*ds));
        json_t *o = json_object(), *nodes = json_array(), *node;
        Primary primary;
        int r = facts && ds && o && nodes ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < n; i++)
                facts[i] = datasource_facts(&voices[i]);
        if (r >= 0) {
                datasources_judge(facts, n, ds, &primary);
                r = put_text(o, "primary", primary.text);
        }
        for (size_t i = 0; r >= 0 && i < n; i++) {
                r = node_json(&voices[i], NULL, &node);
                if (r < 0)
                        break;
                if (voice_report(&voices[i]))
                        r = datasource_part(&ds[i], node);
                if (json_array_append_new(nodes, node) < 0)
                        r = -ENOMEM;
        }
        return finish(o, nodes, r, ret);
}

int grounds_of_claim(const Claim *c, char **ret) {
        Voice voices[NAMES_MAX];

        for (size_t i = 0; i < c->n_reports; i++)
                voices[i] = (Voice) { .name = c->report[i]->node, .condition = CONDITION_KNOWN, .report = c->report[i] };
        return grounds_format(voices, c->n_reports, NULL, ret);
}
