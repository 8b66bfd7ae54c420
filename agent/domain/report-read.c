/* Reports from JSON; see report.h. */
#include "domain/report.h"
#include "domain/json.h"
#include "domain/viewlog.h"
#include "base/reason.h"
#include "base/utf8.h"

#include <stdarg.h>

/* The first complaint wins, and ends the reading. */

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

/* Also as grastate.dat has it. */
static void read_safe(Reader *rd, const json_t *o, Report *r) {
        const json_t *v = get(o, "safe_to_bootstrap");

        if (json_is_integer(v) && (json_integer_value(v) == 0 || json_integer_value(v) == 1))
                r->safe_to_bootstrap = (int) json_integer_value(v);
        else if (v)
                r->safe_to_bootstrap = read_bool(rd, o, "safe_to_bootstrap", false);
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
        ret->after_gap = read_bool(rd, o, "after_gap", false);
        if (!rd->failed && ret->members.n == 0)
                complain(rd, "a view has no members");
}

_Static_assert(VIEW_MEMBERS_MAX == NAMES_MAX, "whoever is in a view has room in a report");

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
        r->history = malloc(sizeof(*r->history));
        if (!r->history)
                return -ENOMEM;
        r->history->n = json_array_size(a);
        json_array_foreach((json_t *) a, i, h) {
                HistoryEntry *e = &r->history->entry[i];

                *e = (HistoryEntry) {0};
                read_uuid(rd, h, "id", true, &e->id);
                read_uuid(rd, h, "uuid", true, &e->position.uuid);
                read_int(rd, h, "seqno", true, SEQNO_UNDEFINED, INT64_MAX, &e->position.seqno);
                if (get(h, "leader"))
                        read_name(rd, h, "leader", e->leader);
                e->foreign = read_bool(rd, h, "foreign", false);
        }
        r->have_history = true;
        return 0;
}

/* As a person may write it who has it from that file or program. */
static PositionSource read_source(const char *source) {
        if (!source || streq(source, "grastate.dat"))
                return SOURCE_GRASTATE;
        if (streq(source, "wsrep-recover"))
                return SOURCE_RECOVERED;
        return source_from_string(source);
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
        r->source = read_source(source);
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

/* Absent, it is what it is before anybody has set it. */
static void read_policy(Reader *rd, const json_t *o, Report *r) {
        const json_t *p = get(o, "policy");

        if (!p)
                return;
        if (!json_is_object(p)) {
                complain(rd, "\"policy\" is not an object");
                return;
        }
        r->ruling.policy = policy_from_string(read_text(rd, p, "name"));
        if (r->ruling.policy < 0)
                complain(rd, "\"name\" of the policy is none of automatic, manual and maintenance");
        read_int(rd, p, "version", true, 1, INT64_MAX, &r->ruling.version);
        read_name(rd, p, "node", r->ruling.node);
}

static int read_free_text(Reader *rd, const json_t *o, const char *key, char **ret) {
        const char *s = read_text(rd, o, key);

        if (!s)
                return 0;
        *ret = strndup(s, (size_t) reason_length(s)); /* other releases may end it */
        return *ret ? 0 : -ENOMEM;
}

static void read_group(Reader *rd, const json_t *o, Report *r) {
        const json_t *g = get(o, "group");

        if (!g)
                return;
        read_uuid(rd, g, "uuid", true, &r->group.uuid);
        read_int(rd, g, "seqno", true, 0, INT64_MAX, &r->group.seqno);
        r->have_group = true;
}

static int read_mark_texts(Reader *rd, const json_t *o, Report *r) {
        const json_t *texts = get(o, "mark_evidence"), *v;
        const char *mark;

        if (texts && !json_is_object(texts)) {
                complain(rd, "\"mark_evidence\" is no object");
                return 0;
        }
        json_object_foreach((json_t *) texts, mark, v) {
                /* What is said of a mark that is not set is nobody's. */
                if (!name_valid(mark) || !names_contain(&r->marks, mark))
                        continue;
                if (!json_is_string(v)) {
                        complain(rd, "\"mark_evidence\" holds something that is no text");
                        return 0;
                }
                if (report_mark(r, mark, json_string_value(v)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_replication(Reader *rd, const json_t *o, Report *r) {
        const json_t *p = get(o, "replication");
        char error[256];
        int k;

        if (!p)
                return 0;
        k = replication_from_json(p, &r->replication, error);
        if (k == -EBADMSG)
                complain(rd, "%s", error);
        return k == -EBADMSG ? 0 : k;
}

static void read_shun(Reader *rd, const json_t *o, Report *r) {
        const json_t *s = get(o, "shun");
        char error[256];

        if (s && shun_from_json(s, &r->shun, error) < 0)
                complain(rd, "%s", error);
}

/* What is of a newer release is left out: a report is not refused for a job that
 * this node need not understand. */
static int read_job(Reader *rd, const json_t *o, Report *r) {
        const json_t *j = get(o, "job");
        char error[256];
        int k;

        if (!j)
                return 0;
        k = job_from_json(j, &r->job, error);
        if (k == -EBADMSG)
                complain(rd, "%s", error);
        return k == -EBADMSG || k == -EPROTONOSUPPORT ? 0 : k;
}

/* For people alone: what is of another kind in a newer release is left out. */
static void read_incoming(Reader *rd, const json_t *o, Report *r) {
        const json_t *t = get(o, "transfer");
        Incoming *i = &r->incoming;
        const char *from;
        int64_t since = 0;

        if (!json_is_object(t))
                return;
        i->set = true;
        i->full = read_bool(rd, t, "full", false);
        read_int(rd, t, "received", false, 0, INT64_MAX, &i->received);
        read_int(rd, t, "rate", false, 0, INT64_MAX, &i->rate);
        read_int(rd, t, "since", false, 0, INT64_MAX, &since);
        i->since = (usec_t) since;
        from = read_text(rd, t, "from");
        utf8_copy(i->from, sizeof(i->from), str_or(from, ""));
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
        r->unjudged = read_bool(&rd, o, "unjudged", false);
        r->schema_cut = read_bool(&rd, o, "schema_cut", false);
        r->blank = read_bool(&rd, o, "blank", false);
        read_safe(&rd, o, r);
        read_int(&rd, o, "weight", false, 0, 255, &r->weight);
        read_uuid(&rd, o, "component", false, &r->component);
        read_int(&rd, o, "component_size", false, 0, VIEW_MEMBERS_MAX, &r->component_size);
        r->in_place = read_bool(&rd, o, "in_place", false);
        read_int(&rd, o, "cached_from", false, 0, INT64_MAX, &r->cached_from);
        r->donating = read_bool(&rd, o, "donating", false);
        r->stranded = read_bool(&rd, o, "stranded", false);
        r->resting = read_bool(&rd, o, "resting", false);
        read_int(&rd, o, "join_failures", false, 0, INT64_MAX, &r->join_failures);
        read_incoming(&rd, o, r);
        k = read_views(&rd, o, r);
        if (k >= 0)
                k = read_free_text(&rd, o, "view_problem", &r->view_problem);
        if (k >= 0)
                k = read_history(&rd, o, r);
        if (k >= 0)
                k = read_free_text(&rd, o, "in_place_problem", &r->in_place_problem);
        if (k >= 0)
                k = read_free_text(&rd, o, "problem", &r->problem);
        read_names(&rd, o, "marks", false, &r->marks);
        if (k >= 0)
                k = read_mark_texts(&rd, o, r);
        if (k >= 0)
                k = read_replication(&rd, o, r);
        if (k >= 0)
                k = read_job(&rd, o, r);
        if (k < 0)
                return k;
        r->settled = read_bool(&rd, o, "history_settled", false);
        read_names(&rd, o, "arbitrators", false, &r->arbitrators);
        read_group(&rd, o, r);
        read_names(&rd, o, "led", false, &r->led);
        read_claims(&rd, o, r);
        read_policy(&rd, o, r);
        read_shun(&rd, o, r);
        r->offline = read_bool(&rd, o, "offline", false);
        r->asked = read_bool(&rd, o, "asked", false);
        read_names(&rd, o, "without", false, &r->without);

        if (rd.failed)
                return -EBADMSG;
        *ret = TAKE(r);
        return 0;
}

int report_parse(const char *text, Report **ret, char error[static 256]) {
        json_t *o;
        int k;

        if (strlen(text) > REPORT_SIZE_MAX) {
                (void) snprintf(error, 256, "it is larger than %zu bytes", REPORT_SIZE_MAX);
                return -EBADMSG;
        }
        k = json_read(text, strlen(text), &o, error);
        if (k < 0)
                return k;
        k = report_from_json(o, ret, error);
        json_decref(o);
        return k;
}
