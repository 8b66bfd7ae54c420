/* An asynchronous service; see ctl-service.h. */
#include "domain/json.h"
#include "edge/ctl-job.h"
#include "edge/ctl-service.h"
#include "domain/datasource.h"
#include "sys/clock.h"

#include <inttypes.h>

#define POSITION_WIDTH 40

typedef struct Service {
        size_t n;
        Report *report[NAMES_MAX]; /* NULL where not heard */
        char *name[NAMES_MAX];
        DatasourceFacts facts[NAMES_MAX];
        Datasource ds[NAMES_MAX];
        Primary primary;
} Service;

bool service_is(const json_t *picture) {
        return json_is_object(json_object_get(json_object_get(picture, "report"), "replication"));
}

static Service *service_free(Service *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++) {
                (void) report_free(s->report[i]);
                free(s->name[i]);
        }
        free(s);
        return NULL;
}
DEFINE_CLEANUP(Service, service_free)

static int add(Service *s, const char *name, const json_t *report, const char *why) {
        Voice v = { .condition = CONDITION_UNCERTAIN, .why = *why ? why : NULL };
        char error[256];
        size_t i = s->n;

        if (i == NAMES_MAX)
                return -E2BIG;
        s->name[i] = text_clean(name);
        if (!s->name[i])
                return -ENOMEM;
        s->n++;
        v.name = s->name[i];
        if (json_is_object(report)) {
                if (report_from_json(report, &s->report[i], error) >= 0) {
                        v.condition = CONDITION_KNOWN;
                        v.report = s->report[i];
                } else
                        v.why = "its report is not understood: bring all nodes to the same release";
        }
        s->facts[i] = datasource_facts(&v);
        return 0;
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const DatasourceFacts *) a)->name, ((const DatasourceFacts *) b)->name);
}

static int service_of(const json_t *picture, Service **ret) {
        _cleanup_(service_freep) Service *s = calloc(1, sizeof(*s));
        const json_t *peer;
        size_t i;
        int r;

        if (!s)
                return -ENOMEM;
        r = add(s, str_or(text_of(picture, "name"), "?"), json_object_get(picture, "report"), "");
        json_array_foreach(json_object_get(picture, "peers"), i, peer)
                if (r >= 0)
                        r = add(s, str_or(text_of(peer, "node"), text_of(peer, "label")),
                                streq(text_of(peer, "condition"), condition_to_string(CONDITION_KNOWN)) ? json_object_get(peer, "report") : NULL, text_of(peer, "why"));
        if (r < 0)
                return r;
        qsort(s->facts, s->n, sizeof(s->facts[0]), by_name);
        datasources_judge(s->facts, s->n, s->ds, &s->primary);
        *ret = TAKE(s);
        return 0;
}

int service_recoverable(const json_t *picture, Names *ret, char **ret_why) {
        _cleanup_(service_freep) Service *s = NULL;
        Names found = {0};
        int r;

        r = service_of(picture, &s);
        for (size_t i = 0; r >= 0 && i < s->n; i++)
                if ((s->ds[i].state == DATASOURCE_FAILED || s->ds[i].state == DATASOURCE_SHUNNED) && !names_contain(&s->primary.who, s->facts[i].name))
                        r = names_add(&found, s->facts[i].name);
        if (r >= 0 && s->primary.verdict != PRIMARY_ONE)
                r = asprintf(ret_why, "There has to be exactly one active primary. %s", s->primary.text) < 0 ? -ENOMEM : 0;
        if (r < 0)
                return r;
        *ret = found;
        return 0;
}

/* All of it; "" where it is not known. Free `*ret`. */
static int position_full(const DatasourceFacts *f, char **ret) {
        const Replication *r = f->replication;

        if (!r || !r->have_gtids) {
                *ret = strdup("");
                return *ret ? 0 : -ENOMEM;
        }
        return replication_position_text(r, ret);
}

/* For a column: of a UUID its beginning, and of many the first ones. */
static char *position_cell(const DatasourceFacts *f) {
        _cleanup_free_ char *text = NULL;
        char *to;

        if (position_full(f, &text) < 0)
                return NULL;
        if (!*text)
                return strdup("-");
        to = text;
        for (const char *p = text; *p; p++) {
                Uuid u;

                *to++ = *p;
                if ((p == text || p[-1] == ',') && strlen(p) > 36 && uuid_parse(p, 36, &u) == 0) {
                        memmove(to, p + 1, 7);
                        to += 7;
                        p += 35;
                }
        }
        *to = '\0';
        if (to - text > POSITION_WIDTH)
                (void) snprintf(text + POSITION_WIDTH - 3, 4, "...");
        return TAKE(text);
}

static char *latency_cell(const Datasource *d) {
        char *s;

        if (d->role != ROLE_REPLICA || d->replicator.health != HEALTH_ONLINE)
                return strdup("-");
        if (d->lag < 0)
                return strdup("?");
        return asprintf(&s, "%" PRId64 " s", d->lag) < 0 ? NULL : s;
}

/* "agent ONLINE, data server ONLINE (10.11.19-MariaDB, read-only), ..." */
static char *components_line(const DatasourceFacts *f, const Datasource *d) {
        const Replication *r = d->server.health == HEALTH_ONLINE ? f->replication : NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *to = NULL;
        size_t size;

        to = open_memstream(&text, &size);
        if (!to)
                return NULL;
        fprintf(to, "agent %s, data server %s", health_to_string(d->agent.health), health_to_string(d->server.health));
        if (r)
                fprintf(to, " (%s%s%s)", r->version, r->version[0] ? ", " : "", d->writable ? "takes writes" : "read-only");
        fprintf(to, ", replicator %s", health_to_string(d->replicator.health));
        if (d->role == ROLE_REPLICA)
                fprintf(to, " (replica of %s)", d->source);
        else if (d->role == ROLE_PRIMARY)
                fprintf(to, " (primary)");
        if (d->connections >= 0)
                fprintf(to, ", connections %" PRId64 " replica%s", d->connections, d->connections == 1 ? "" : "s");
        if (fclose(TAKE(to)) != 0)
                return NULL;
        return TAKE(text);
}

enum { COL_NODE, COL_ROLE, COL_STATE, COL_POSITION, COL_LATENCY, _COL_MAX };

static const char *const headings[] = { "NODE", "ROLE", "STATE", "POSITION", "LATENCY" };

typedef struct Row {
        char *cell[_COL_MAX];
} Row;

static int row_fill(const DatasourceFacts *f, const Datasource *d, Row *row) {
        row->cell[COL_NODE] = strdup(f->name);
        row->cell[COL_ROLE] = strdup(role_to_string(d->role));
        row->cell[COL_STATE] = strdup(datasource_state_to_string(d->state));
        row->cell[COL_POSITION] = position_cell(f);
        row->cell[COL_LATENCY] = latency_cell(d);
        for (size_t c = 0; c < _COL_MAX; c++)
                if (!row->cell[c])
                        return -ENOMEM;
        return 0;
}

static Colour colour_of(DatasourceState s) {
        return s == DATASOURCE_ONLINE ? COLOUR_GREEN : s == DATASOURCE_OFFLINE || s == DATASOURCE_UNKNOWN ? COLOUR_YELLOW : COLOUR_RED;
}

static void row_print(FILE *f, const Style *style, const char *const *cell, const size_t *width, Colour state) {
        for (size_t c = 0; c < _COL_MAX; c++) {
                size_t pad = c + 1 < _COL_MAX ? width[c] - text_width(cell[c]) + 2 : 0;

                fprintf(f, "%s%s%s%*s", c == COL_STATE ? style_begin(style, state) : "", cell[c], c == COL_STATE ? style_end(style, state) : "", (int) pad, "");
        }
        fputc('\n', f);
}

static int line_print(FILE *f, const Style *style, size_t indent, const char *text) {
        _cleanup_free_ char *clean = text_clean(text);

        if (!clean)
                return -ENOMEM;
        text_print(f, style, indent, false, clean);
        return 0;
}

/* That runs on a node; NULL where none does. */
static const Job *job_of(const Service *s, const DatasourceFacts *f) {
        for (size_t i = 0; i < s->n; i++)
                if (f->name == s->name[i] && s->report[i] && s->report[i]->job && !job_is_over(s->report[i]->job))
                        return s->report[i]->job;
        return NULL;
}

static int nodes_print(FILE *f, const Style *style, const Service *s, const Row *rows) {
        size_t width[_COL_MAX] = {0};
        int r = 0;

        for (size_t c = 0; c < _COL_MAX; c++) {
                width[c] = strlen(headings[c]);
                for (size_t i = 0; i < s->n; i++)
                        if (text_width(rows[i].cell[c]) > width[c])
                                width[c] = text_width(rows[i].cell[c]);
        }
        row_print(f, style, headings, width, COLOUR_NONE);
        for (size_t i = 0; r >= 0 && i < s->n; i++) {
                _cleanup_free_ char *components = components_line(&s->facts[i], &s->ds[i]);

                if (!components)
                        return -ENOMEM;
                row_print(f, style, (const char *const *) rows[i].cell, width, colour_of(s->ds[i].state));
                if (s->ds[i].reason[0])
                        r = line_print(f, style, width[COL_NODE] + 2, s->ds[i].reason);
                if (r >= 0 && s->ds[i].remark[0])
                        r = line_print(f, style, width[COL_NODE] + 2, s->ds[i].remark);
                if (r >= 0 && job_of(s, &s->facts[i])) {
                        const Job *job = job_of(s, &s->facts[i]);
                        _cleanup_free_ char *line = job_line(job, clock_usec(CLOCK_REALTIME));

                        r = line ? line_print(f, style, width[COL_NODE] + 2, line) : -ENOMEM;
                        job_print_bar(f, style, width[COL_NODE] + 2, job);
                }
                if (r >= 0)
                        r = line_print(f, style, width[COL_NODE] + 2, components);
        }
        return r;
}

static void policy_line(FILE *f, const Style *style, const json_t *policy) {
        const char *name = text_of(policy, "name");
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "The policy is %s: %s.", str_or(name, "not known"), policy_means(policy_from_string(name))) < 0) {
                text = NULL;
                return;
        }
        text_print(f, style, 0, false, text);
}

static size_t heard(const Service *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++)
                n += s->ds[i].agent.health == HEALTH_ONLINE;
        return n;
}

/* Other managers have one, and people look for it. */
static void coordinator_line(FILE *f, const Style *style, const Service *s) {
        char text[160];

        (void) snprintf(text, sizeof(text), "There is no coordinator that could be lost: each agent acts for its own node, and all judge alike. %zu of %zu are heard here.", heard(s), s->n);
        text_print(f, style, 0, false, text);
}

int service_print(FILE *f, const Style *style, const json_t *picture) {
        _cleanup_(service_freep) Service *s = NULL;
        Row *rows;
        int r;

        r = service_of(picture, &s);
        if (r < 0)
                return r;
        rows = calloc(s->n, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < s->n; i++)
                r = row_fill(&s->facts[i], &s->ds[i], &rows[i]);
        if (r >= 0)
                r = nodes_print(f, style, s, rows);
        for (size_t i = 0; i < s->n; i++)
                for (size_t c = 0; c < _COL_MAX; c++)
                        free(rows[i].cell[c]);
        free(rows);
        if (r < 0)
                return r;
        fputc('\n', f);
        policy_line(f, style, json_object_get(picture, "policy"));
        coordinator_line(f, style, s);
        return line_print(f, style, 0, s->primary.text);
}

static json_t *component_json(const Component *c) {
        return json_pack("{s:s, s:s*}", "state", health_to_string(c->health), "reason", c->text[0] ? c->text : NULL);
}

static json_t *node_json(const DatasourceFacts *f, const Datasource *d, const Job *job) {
        _cleanup_free_ char *position = NULL;
        json_t *o, *replicator = component_json(&d->replicator), *components;

        if (position_full(f, &position) < 0) {
                json_decref(replicator);
                return NULL;
        }
        if (replicator && d->role != ROLE_UNKNOWN)
                (void) json_object_set_new(replicator, "role", json_string(role_to_string(d->role)));
        if (replicator && d->role == ROLE_REPLICA)
                (void) json_object_set_new(replicator, "source", json_string(d->source));
        components = json_pack("{s:o, s:o, s:o}", "agent", component_json(&d->agent), "server", component_json(&d->server), "replicator", replicator);
        o = json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:b, s:s, s:o}", "node", f->name, "role", role_to_string(d->role), "state", datasource_state_to_string(d->state),
                      "reason", d->reason[0] ? d->reason : NULL, "remark", d->remark[0] ? d->remark : NULL, "writable", d->writable, "position", position, "components", components);
        if (o && job) {
                json_t *j;

                if (job_to_json(job, 1, &j) < 0 || json_object_set_new(o, "job", j) < 0) {
                        json_decref(o);
                        return NULL;
                }
        }
        if (o && d->lag >= 0)
                (void) json_object_set_new(o, "lag", json_integer(d->lag));
        if (o && d->connections >= 0)
                (void) json_object_set_new(o, "connections", json_integer(d->connections));
        return o;
}

int service_json(const json_t *picture, json_t **ret) {
        _cleanup_(service_freep) Service *s = NULL;
        json_t *o, *nodes;
        int r;

        r = service_of(picture, &s);
        if (r < 0)
                return r;
        nodes = json_array();
        for (size_t i = 0; i < s->n; i++)
                if (json_array_append_new(nodes, node_json(&s->facts[i], &s->ds[i], job_of(s, &s->facts[i]))) < 0) {
                        json_decref(nodes);
                        return -ENOMEM;
                }
        o = json_pack("{s:s*, s:n, s:I, s:{s:s, s:o, s:s}, s:o}", "policy", json_string_value(json_object_get(json_object_get(picture, "policy"), "name")), "coordinator", "agents_heard", (json_int_t) heard(s), "primary", "verdict",
                      primary_verdict_to_string(s->primary.verdict), "nodes", names_to_json(&s->primary.who), "text", s->primary.text, "nodes", nodes);
        if (!o)
                return -ENOMEM;
        *ret = o;
        return 0;
}
