/* Answers Explain; see explain.h. Nothing is decided or judged here: it is what was
 * found, for a person who asks why. */
#include "edge/explain.h"
#include "domain/json.h"

static json_t *position_json(const Position *p) {
        char text[POSITION_TEXT_MAX];

        return json_string(position_text(p, text));
}

/* The run of wsrep-recover that holds for the files as they are. */
static json_t *recovery_json(const Evidence *e) {
        if (!e->have_recovery)
                return json_null();
        return json_pack("{s:o*, s:o, s:b}", "position", e->recovery_has_position ? position_json(&e->recovery_position) : NULL,
                         "text", text_json(e->recovery_text, false), "prepared", e->recovery_prepared);
}

/* Of each file what is wrong with it. */
static json_t *files_json(const Evidence *e) {
        json_t *o = json_object();

        if (e->datadir_missing)
                (void) json_object_set_new(o, "datadir", json_string("there is none"));
        if (e->grastate_error[0])
                (void) json_object_set_new(o, "grastate", text_json(e->grastate_error, false));
        else if (e->have_grastate)
                (void) json_object_set_new(o, "grastate", position_json(&e->grastate.position));
        if (e->gvwstate_error[0])
                (void) json_object_set_new(o, "gvwstate", text_json(e->gvwstate_error, false));
        if (e->viewlog_error[0])
                (void) json_object_set_new(o, "views", text_json(e->viewlog_error, false));
        if (e->sst_cut)
                (void) json_object_set_new(o, "sst_in_progress", json_string("a state transfer did not come to its end"));
        return o;
}

static json_t *claim_json(const Manager *m) {
        const Claim *c = m->store->claim;

        if (m->store->claim_state == CLAIM_NONE || !c)
                return json_null();
        return json_pack("{s:s, s:s, s:o, s:o}", "state", claim_state_to_string(m->store->claim_state), "manner", manner_to_string(c->manner),
                         "needed", names_to_json(&c->needed), "granted", names_to_json(&m->granted));
}

/* What it said when it was heard last. */
static json_t *last_json(const Report *r) {
        return json_pack("{s:s, s:s*, s:o*}", "mysqld", mysqld_to_string(r->mysqld), "mark", r->marks.n > 0 ? r->marks.name[0] : NULL,
                         "position", report_has_position(r) ? position_json(&r->position) : NULL);
}

static json_t *peer_json(const Peer *p) {
        bool known = peer_condition(p) == CONDITION_KNOWN;
        const Report *last = known ? NULL : peer_last_report(p);
        json_t *o = json_pack("{s:s, s:s, s:b, s:o*}", "label", peer_label(p), "address", peer_address(p), "known", known, "last", last ? last_json(last) : NULL);

        if (o && peer_since(p) > 0)
                (void) json_object_set_new(o, "since", json_integer((json_int_t) peer_since(p)));
        return o;
}

int explain_reply(Manager *m, sd_bus_message *call) {
        _cleanup_free_ char *text = NULL;
        json_t *peers = json_array(), *o;

        for (size_t i = 0; i < m->n_peers; i++)
                (void) json_array_append_new(peers, peer_json(m->peer[i]));
        o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "node", m->name, "unit", m->config->unit, "recovery", recovery_json(&m->evidence),
                      "files", files_json(&m->evidence), "claim", claim_json(m), "gate_waits", m->gate.call != NULL, "peers", peers);
        if (o && m->start_after > manager_now(m) && m->retry_at > 0)
                (void) json_object_set_new(o, "retry_at", json_integer((json_int_t) m->retry_at));
        text = o ? json_dumps(o, JSON_COMPACT) : NULL;
        json_decref(o);
        return text ? sd_bus_reply_method_return(call, "s", text) : -ENOMEM;
}
