/* Reports, and their form as JSON; see report.h. */
#include "domain/report.h"
#include "base/table.h"

#include <stdarg.h>

static const char *const mysqld_names[] = {
        [MYSQLD_UNKNOWN] = "unknown",         [MYSQLD_STOPPED] = "stopped",
        [MYSQLD_STARTING] = "starting",       [MYSQLD_JOINING] = "joining",
        [MYSQLD_NON_PRIMARY] = "non-primary", [MYSQLD_PRIMARY] = "primary",
};
DEFINE_STRING_TABLE(mysqld, Mysqld, mysqld_names)

static const char *const source_names[] = {
        [SOURCE_NONE] = "none",
        [SOURCE_LIVE] = "live",
        [SOURCE_GRASTATE] = "grastate",
        [SOURCE_RECOVERED] = "recovered",
};
DEFINE_STRING_TABLE(source, PositionSource, source_names)

static const char *const claim_names[] = {
        [CLAIM_NONE] = "none",
        [CLAIM_ASKING] = "asking",
        [CLAIM_GRANTED] = "granted",
        [CLAIM_CONSUMED] = "consumed",
};
DEFINE_STRING_TABLE(claim_state, ClaimState, claim_names)

int report_new(Report **ret) {
        Report *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->position.seqno = SEQNO_UNDEFINED;
        r->safe_to_bootstrap = -1;
        r->weight = 1;
        *ret = r;
        return 0;
}

Report *report_free(Report *r) {
        if (!r)
                return NULL;
        free(r->view);
        free(r->view_problem);
        free(r->history);
        free(r->problem);
        free(r);
        return NULL;
}

int report_copy(const Report *r, Report **ret) {
        _cleanup_(report_freep) Report *c = NULL;
        int k;

        k = report_new(&c);
        if (k < 0)
                return k;
        *c = *r;
        c->view = NULL;
        c->history = NULL;
        c->view_problem = c->problem = NULL;

        if (r->n_views > 0) {
                c->view = calloc(r->n_views, sizeof(*c->view));
                if (!c->view)
                        return -ENOMEM;
                memcpy(c->view, r->view, r->n_views * sizeof(*c->view));
        }
        if (r->history) {
                c->history = malloc(sizeof(*c->history));
                if (!c->history)
                        return -ENOMEM;
                *c->history = *r->history;
        }
        if (r->view_problem && !(c->view_problem = strdup(r->view_problem)))
                return -ENOMEM;
        if (r->problem && !(c->problem = strdup(r->problem)))
                return -ENOMEM;

        *ret = TAKE(c);
        return 0;
}

/* To JSON. One flag gathers the failures of a whole object: jansson fails for
 * want of memory and for text that is no UTF-8, and both spoil the report. */

static void put(json_t *o, const char *key, json_t *value, bool *failed) {
        if (json_object_set_new(o, key, value) < 0)
                *failed = true;
}

static json_t *uuid_json(const Uuid *u) {
        char text[UUID_TEXT_MAX];

        return json_string(uuid_text(u, text));
}

/* A sentence for people: what the server wrote, or a message cut at a length,
 * need not be UTF-8, and must not cost the report. */
static json_t *text_json(const char *s) {
        json_t *v = json_string(s);
        char *ascii;

        if (v)
                return v;
        ascii = strdup(s);
        if (!ascii)
                return NULL;
        for (char *p = ascii; *p; p++)
                if ((unsigned char) *p < ' ' || (unsigned char) *p >= 127)
                        *p = '?';
        v = json_string(ascii);
        free(ascii);
        return v;
}

static json_t *names_json(const Names *names, bool *failed) {
        json_t *a = json_array();

        for (size_t i = 0; i < names->n; i++)
                if (json_array_append_new(a, json_string(names->name[i])) < 0)
                        *failed = true;
        return a;
}

static json_t *view_json(const ReportView *v, bool *failed) {
        json_t *o = json_object();

        put(o, "uuid", uuid_json(&v->uuid), failed);
        if (v->seqno != SEQNO_UNDEFINED)
                put(o, "seqno", json_integer(v->seqno), failed);
        put(o, "members", names_json(&v->members, failed), failed);
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
        if (r->blank)
                put(o, "blank", json_true(), &failed);
        if (r->safe_to_bootstrap >= 0)
                put(o, "safe_to_bootstrap", json_boolean(r->safe_to_bootstrap), &failed);
        put(o, "weight", json_integer(r->weight), &failed);

        if (r->have_view && r->n_views > 0) {
                json_t *older = json_array();

                put(o, "view", view_json(&r->view[0], &failed), &failed);
                for (size_t i = 1; i < r->n_views; i++)
                        if (json_array_append_new(older, view_json(&r->view[i], &failed)) < 0)
                                failed = true;
                put(o, "older_views", older, &failed);
        }
        if (r->view_problem)
                put(o, "view_problem", text_json(r->view_problem), &failed);

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
                        if (json_array_append_new(a, h) < 0)
                                failed = true;
                }
                put(o, "history", a, &failed);
        }
        if (r->settled)
                put(o, "history_settled", json_true(), &failed);
        if (r->led.n > 0)
                put(o, "led", names_json(&r->led, &failed), &failed);
        put(o, "marks", names_json(&r->marks, &failed), &failed);

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
        if (r->without.n > 0)
                put(o, "without", names_json(&r->without, &failed), &failed);
        if (r->problem)
                put(o, "problem", text_json(r->problem), &failed);

        if (failed) {
                json_decref(o);
                return -ENOMEM;
        }
        *ret = o;
        return 0;
}

/* From JSON. The first complaint wins, and ends the reading. */

typedef struct Reader {
        char *error;
        bool failed;
} Reader;

static void _printf_(2, 3) complain(Reader *rd, const char *format, ...) {
        va_list ap;

        if (rd->failed)
                return;
        rd->failed = true;
        va_start(ap, format);
        (void) vsnprintf(rd->error, 256, format, ap);
        va_end(ap);
}

/* A member that is absent or null is NULL: unknown. */
static const json_t *get(const json_t *o, const char *key) {
        const json_t *v = json_object_get(o, key);

        return json_is_null(v) ? NULL : v;
}

static void read_uuid(Reader *rd, const json_t *o, const char *key, bool required, Uuid *ret) {
        const json_t *v = get(o, key);

        if (!v && !required)
                return;
        if (!json_is_string(v) || uuid_parse(json_string_value(v), json_string_length(v), ret) < 0)
                complain(rd, "\"%s\" is not a UUID", key);
}

static void read_int(Reader *rd, const json_t *o, const char *key, bool required, int64_t min, int64_t max, int64_t *ret) {
        const json_t *v = get(o, key);

        if (!v && !required)
                return;
        if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max) {
                complain(rd, "\"%s\" is not a whole number from %lld to %lld", key, (long long) min, (long long) max);
                return;
        }
        *ret = json_integer_value(v);
}

static bool read_bool(Reader *rd, const json_t *o, const char *key, bool fallback) {
        const json_t *v = get(o, key);

        if (!v)
                return fallback;
        if (!json_is_boolean(v))
                complain(rd, "\"%s\" is neither true nor false", key);
        return json_is_true(v);
}

static const char *read_text(Reader *rd, const json_t *o, const char *key) {
        const json_t *v = get(o, key);

        if (!v)
                return NULL;
        if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v)) {
                complain(rd, "\"%s\" is not a text", key);
                return NULL;
        }
        return json_string_value(v);
}

static void read_name(Reader *rd, const json_t *o, const char *key, char ret[static NAME_SIZE]) {
        const char *s = read_text(rd, o, key);

        if (rd->failed)
                return;
        if (!s || !name_valid(s)) {
                complain(rd, "\"%s\" is not the name of a node", key);
                return;
        }
        memset(ret, 0, NAME_SIZE);
        memcpy(ret, s, strlen(s));
}

static void read_names(Reader *rd, const json_t *o, const char *key, bool required, Names *ret) {
        const json_t *a = get(o, key), *v;
        size_t i;

        if (!a && !required)
                return;
        if (!json_is_array(a)) {
                complain(rd, "\"%s\" is not a list of names", key);
                return;
        }
        json_array_foreach((json_t *) a, i, v)
                if (!json_is_string(v) || names_add(ret, json_string_value(v)) < 0)
                        complain(rd, "\"%s\" holds something that is no name, or too many", key);
}

static void read_view(Reader *rd, const json_t *o, ReportView *ret) {
        *ret = (ReportView) { .seqno = SEQNO_UNDEFINED };
        if (!json_is_object(o)) {
                complain(rd, "a view is not an object");
                return;
        }
        read_uuid(rd, o, "uuid", true, &ret->uuid);
        read_int(rd, o, "seqno", false, SEQNO_UNDEFINED, INT64_MAX, &ret->seqno);
        read_names(rd, o, "members", true, &ret->members);
        if (!rd->failed && ret->members.n == 0)
                complain(rd, "a view has no members");
}

static int read_views(Reader *rd, const json_t *o, Report *r) {
        const json_t *view = get(o, "view"), *older = get(o, "older_views"), *v;
        size_t i;

        if (!view)
                return 0;
        if (older && !json_is_array(older)) {
                complain(rd, "\"older_views\" is not a list");
                return 0;
        }
        if (json_array_size(older) >= REPORT_VIEWS_MAX) {
                complain(rd, "there are more than %d views", REPORT_VIEWS_MAX);
                return 0;
        }
        r->view = calloc(1 + json_array_size(older), sizeof(*r->view));
        if (!r->view)
                return -ENOMEM;
        read_view(rd, view, &r->view[0]);
        json_array_foreach((json_t *) older, i, v)
                read_view(rd, v, &r->view[i + 1]);
        r->n_views = 1 + json_array_size(older);
        r->have_view = true;
        return 0;
}

static int read_history(Reader *rd, const json_t *o, Report *r) {
        const json_t *a = get(o, "history"), *h;
        size_t i;

        if (!a)
                return 0;
        if (!json_is_array(a) || json_array_size(a) > HISTORY_MAX) {
                complain(rd, "\"history\" is not a list of at most %d bootstraps", HISTORY_MAX);
                return 0;
        }
        r->history = calloc(1, sizeof(*r->history));
        if (!r->history)
                return -ENOMEM;
        json_array_foreach((json_t *) a, i, h) {
                HistoryEntry *e = &r->history->entry[i];

                read_uuid(rd, h, "id", true, &e->id);
                read_uuid(rd, h, "uuid", true, &e->position.uuid);
                read_int(rd, h, "seqno", true, SEQNO_UNDEFINED, INT64_MAX, &e->position.seqno);
                if (get(h, "leader"))
                        read_name(rd, h, "leader", e->leader);
        }
        r->history->n = json_array_size(a);
        r->have_history = true;
        return 0;
}

static void read_position(Reader *rd, const json_t *o, Report *r) {
        const json_t *p = get(o, "position");
        const char *source;

        if (!p)
                return;
        if (!json_is_object(p)) {
                complain(rd, "\"position\" is not an object");
                return;
        }
        read_uuid(rd, p, "uuid", true, &r->position.uuid);
        read_int(rd, p, "seqno", true, SEQNO_UNDEFINED, INT64_MAX, &r->position.seqno);
        source = read_text(rd, p, "source");
        r->source = source ? source_from_string(source) : SOURCE_GRASTATE;
        if (r->source < 0)
                complain(rd, "\"source\" of the position is none of live, grastate and recovered");
}

static void read_claims(Reader *rd, const json_t *o, Report *r) {
        const json_t *c = get(o, "claim"), *g = get(o, "grant"), *a = get(o, "released"), *v;
        size_t i;

        if (c) {
                const char *state = read_text(rd, c, "state");

                read_uuid(rd, c, "id", true, &r->claim_id);
                r->claim = claim_state_from_string(state);
                if (r->claim < 0)
                        complain(rd, "\"state\" of the claim is none of asking, granted and consumed");
        }
        if (g) {
                read_uuid(rd, g, "id", true, &r->grant_id);
                read_name(rd, g, "holder", r->grant_holder);
                r->have_grant = true;
        }
        if (!a)
                return;
        if (!json_is_array(a) || json_array_size(a) > RELEASED_MAX) {
                complain(rd, "\"released\" is not a list of at most %d claims", RELEASED_MAX);
                return;
        }
        json_array_foreach((json_t *) a, i, v)
                if (!json_is_string(v) ||
                    uuid_parse(json_string_value(v), json_string_length(v), &r->released[i]) < 0)
                        complain(rd, "\"released\" holds something that is no UUID");
        r->n_released = json_array_size(a);
}

static int read_free_text(Reader *rd, const json_t *o, const char *key, char **ret) {
        const char *s = read_text(rd, o, key);

        if (!s)
                return 0;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

int report_from_json(const json_t *o, Report **ret, char error[static 256]) {
        _cleanup_(report_freep) Report *r = NULL;
        Reader rd = { .error = error };
        int64_t version = REPORT_VERSION, epoch = 0, serial = 0;
        const char *mysqld;
        int k;

        if (!json_is_object(o)) {
                complain(&rd, "a report is a JSON object, and this is none");
                return -EBADMSG;
        }
        read_int(&rd, o, "version", false, 0, INT64_MAX, &version);
        if (!rd.failed && version != REPORT_VERSION) {
                complain(&rd, "it is of version %lld, and this Mainstay reads version %d: bring both nodes to the same release",
                         (long long) version, REPORT_VERSION);
                return -EPROTONOSUPPORT;
        }

        k = report_new(&r);
        if (k < 0)
                return k;
        read_name(&rd, o, "node", r->node);
        read_uuid(&rd, o, "agent", false, &r->agent);
        read_int(&rd, o, "epoch", false, 0, INT64_MAX, &epoch);
        read_int(&rd, o, "serial", false, 0, INT64_MAX, &serial);
        r->epoch = (uint64_t) epoch;
        r->serial = (uint64_t) serial;

        mysqld = read_text(&rd, o, "mysqld");
        r->mysqld = mysqld ? mysqld_from_string(mysqld) : MYSQLD_UNKNOWN;
        if (r->mysqld < 0)
                complain(&rd, "\"mysqld\" is none of stopped, starting, joining, non-primary and primary");
        r->wanted = read_bool(&rd, o, "wanted", true);
        read_position(&rd, o, r);
        r->blank = read_bool(&rd, o, "blank", false);
        if (get(o, "safe_to_bootstrap"))
                r->safe_to_bootstrap = read_bool(&rd, o, "safe_to_bootstrap", false);
        read_int(&rd, o, "weight", false, 0, 255, &r->weight);
        k = read_views(&rd, o, r);
        if (k >= 0)
                k = read_free_text(&rd, o, "view_problem", &r->view_problem);
        if (k >= 0)
                k = read_history(&rd, o, r);
        if (k >= 0)
                k = read_free_text(&rd, o, "problem", &r->problem);
        if (k < 0)
                return k;
        r->settled = read_bool(&rd, o, "history_settled", false);
        read_names(&rd, o, "led", false, &r->led);
        read_names(&rd, o, "marks", false, &r->marks);
        read_claims(&rd, o, r);
        read_names(&rd, o, "without", false, &r->without);

        if (rd.failed)
                return -EBADMSG;
        *ret = TAKE(r);
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

int report_parse(const char *text, Report **ret, char error[static 256]) {
        json_error_t e;
        json_t *o;
        int k;

        if (strlen(text) > REPORT_SIZE_MAX) {
                (void) snprintf(error, 256, "it is larger than %zu bytes", REPORT_SIZE_MAX);
                return -EBADMSG;
        }
        o = json_loads(text, JSON_REJECT_DUPLICATES, &e);
        if (!o) {
                (void) snprintf(error, 256, "line %d, column %d: %.160s", e.line, e.column, e.text);
                return -EBADMSG;
        }
        k = report_from_json(o, ret, error);
        json_decref(o);
        return k;
}

bool report_newer(const Report *a, const Report *b) {
        return a->epoch != b->epoch ? a->epoch > b->epoch : a->serial > b->serial;
}

bool report_same(const Report *a, const Report *b) {
        Report x = *a, y = *b;
        char *s = NULL, *t = NULL;
        bool same;

        x.epoch = x.serial = y.epoch = y.serial = 0;
        same = report_format(&x, &s) >= 0 && report_format(&y, &t) >= 0 && streq(s, t);
        free(s);
        free(t);
        return same;
}
