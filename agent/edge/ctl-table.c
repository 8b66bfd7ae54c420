/* The cluster as text; see ctl-table.h. */
#include "edge/ctl-table.h"
#include "domain/decision.h"
#include "domain/json.h"
#include "domain/policy.h"
#include "edge/ctl-args.h"
#include "edge/ctl-grid.h"
#include "edge/ctl-job.h"
#include "edge/ctl-node.h"
#include "sys/clock.h"

#include <inttypes.h>

enum { COL_NODE, COL_STATE, COL_MYSQLD, COL_POSITION, COL_NOTE, _COL_MAX };

static const char *const headings[] = { "NODE", "STATE", "MYSQLD", "POSITION", "REMARK" };

static const Grid grid = { .headings = headings, .n_columns = _COL_MAX, .coloured = COL_STATE };

static Action plan_action(const json_t *plan) {
        const char *s = json_string_value(json_object_get(plan, "action"));

        for (int i = 0; s && i < _ACTION_MAX; i++)
                if (streq(s, action_to_string((Action) i)))
                        return (Action) i;
        return _ACTION_INVALID;
}

/* "3f2c1a9b:1234"; the seqno is '?' where nobody knows. */
static char *position_cell(const json_t *p) {
        const char *uuid = text_of(p, "uuid");
        const json_t *seqno = json_object_get(p, "seqno");
        char *s;

        if (*uuid == 0 || strspn(uuid, "0-") == strlen(uuid) || streq(text_of(p, "source"), "none"))
                return strdup("-");
        if (!json_is_integer(seqno) || json_integer_value(seqno) < 0)
                return asprintf(&s, "%.8s:?", uuid) < 0 ? NULL : s;
        return asprintf(&s, "%.8s:%" PRId64, uuid, (int64_t) json_integer_value(seqno)) < 0 ? NULL : s;
}

/* Of the plan the first sentence is enough here; what a node itself waits for, and what
 * is wrong with it, is told whole. */
static char *remark_cell(const NodeSeen *n) {
        bool planned = n->peer && n->report && streq(n->state, "OFFLINE") && !json_object_get(n->report, "transfer") && !json_is_true(json_object_get(n->report, "offline"));

        return planned ? text_sentence(n->remark) : strdup(n->remark);
}

/* `peer` NULL: the node that is asked. */
static int row_fill(const json_t *picture, const json_t *peer, GridRow *row) {
        NodeSeen n;
        int r = node_see(picture, peer, &n);

        if (r < 0)
                return r;
        row->cell[COL_NODE] = strdup(node_name(picture, peer));
        row->cell[COL_STATE] = strdup(n.state);
        row->cell[COL_MYSQLD] = strdup(n.mysqld);
        row->cell[COL_POSITION] = !n.report && peer ? strdup("-") : position_cell(json_object_get(peer ? n.report : picture, "position"));
        row->cell[COL_NOTE] = remark_cell(&n);
        row->colour = node_colour(n.state);
        node_done(&n);
        return 0;
}

/* Who is Primary now, or about to be, sees who else has a vote. */
static void add_arbitrators(const json_t *report, Names *names) {
        Mysqld mysqld = mysqld_from_string(text_of(report, "mysqld"));
        const json_t *name;
        size_t i;

        if (!mysqld_in_primary(mysqld))
                return;
        json_array_foreach(json_object_get(report, "arbitrators"), i, name)
                if (json_is_string(name))
                        (void) names_add(names, json_string_value(name));
}

static void row_arbitrator(const char *name, GridRow *row) {
        row->cell[COL_NODE] = strdup(name);
        row->cell[COL_STATE] = strdup("ARBITRATOR");
        row->cell[COL_MYSQLD] = strdup("-");
        row->cell[COL_POSITION] = strdup("-");
        row->cell[COL_NOTE] = strdup("It has a vote, and no data (garbd).");
        row->colour = COLOUR_GREEN;
}

static int row_compare(const void *a, const void *b) {
        return strcmp(str_or(((const GridRow *) a)->cell[COL_NODE], ""), str_or(((const GridRow *) b)->cell[COL_NODE], ""));
}

/* The policy in a sentence: where it is the usual one there is nothing to say. */
static void policy_line(FILE *f, const Style *style, const json_t *policy) {
        const char *name = text_of(policy, "name");
        _cleanup_free_ char *text = NULL;

        if (!*name || streq(name, policy_to_string(POLICY_AUTOMATIC)))
                return;
        if (asprintf(&text, "The policy is %s, set on %s: %s.", name, text_of(policy, "node"), policy_means(policy_from_string(name))) < 0) {
                text = NULL;
                return;
        }
        text_print(f, style, 0, false, text);
}

/* What is under way on a node: its job, and on a terminal how much has come in. */
static void work_print(FILE *f, const Style *style, const char *name, const json_t *report) {
        const json_t *transfer = json_object_get(report, "transfer"), *o = json_object_get(report, "job");
        _cleanup_(job_freep) Job *job = NULL;
        _cleanup_free_ char *line = NULL, *text = NULL;
        char ignored[256];

        if (json_is_object(o) && job_from_json(o, &job, ignored) >= 0 && !job_is_over(job)) {
                line = job_line(job, clock_usec(CLOCK_REALTIME));
                if (!line || asprintf(&text, "%s: %s", name, line) < 0)
                        return;
                text_print(f, style, 0, false, text);
                job_print_bar(f, style, 2, job);
        } else if (style->width > 0 && json_is_true(json_object_get(transfer, "full"))) {
                fprintf(f, "%s: ", name);
                text_print_bar(f, style, 0, (int64_t) json_integer_value(json_object_get(transfer, "received")), -1);
        }
}

int table_status(FILE *f, const Style *style, const json_t *picture) {
        const json_t *peers = json_object_get(picture, "peers"), *peer, *plan = json_object_get(picture, "plan");
        size_t n_nodes = json_array_size(peers) + 1, n, i;
        Names arbitrators = {0};
        GridRow *rows;
        int r;

        add_arbitrators(json_object_get(picture, "report"), &arbitrators);
        json_array_foreach((json_t *) peers, i, peer)
                add_arbitrators(json_object_get(peer, "report"), &arbitrators);
        n = n_nodes + arbitrators.n;
        rows = calloc(n, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        for (i = 0; i < arbitrators.n; i++)
                row_arbitrator(arbitrators.name[i], &rows[n_nodes + i]);
        r = row_fill(picture, NULL, &rows[0]);
        json_array_foreach((json_t *) peers, i, peer)
                if (r >= 0)
                        r = row_fill(picture, peer, &rows[i + 1]);
        if (r >= 0) {
                qsort(rows, n, sizeof(*rows), row_compare);
                r = grid_print(f, style, &grid, rows, n);
        }
        grid_free(rows, n);
        if (r < 0)
                return r;
        work_print(f, style, node_name(picture, NULL), json_object_get(picture, "report"));
        json_array_foreach((json_t *) peers, i, peer)
                if (streq(text_of(peer, "condition"), condition_to_string(CONDITION_KNOWN)))
                        work_print(f, style, node_name(picture, peer), json_object_get(peer, "report"));

        fputc('\n', f);
        policy_line(f, style, json_object_get(picture, "policy"));
        if (json_is_object(plan)) {
                _cleanup_free_ char *headline = NULL;

                r = table_headline(plan, &headline);
                if (r < 0)
                        return r;
                text_print(f, style, 0, false, headline);
        } else
                fputs("The agent has no plan yet.\n", f);
        return 0;
}

int table_headline(const json_t *plan, char **ret) {
        const char *node = text_of(plan, "node"), *policy = text_of(plan, "policy");
        const char *joins = streq(policy, policy_to_string(POLICY_MANUAL)) || streq(policy, policy_to_string(POLICY_MAINTENANCE))
                          ? "joins when a person starts it" : "joins";
        _cleanup_free_ char *awaited = names_of(json_object_get(plan, "awaited"));
        bool some = json_array_size(json_object_get(plan, "awaited")) > 0;
        char *s;
        int n;

        if (!awaited)
                return -ENOMEM;
        switch (plan_action(plan)) {
        case ACTION_BOOTSTRAP:
                if (streq(policy, policy_to_string(POLICY_MANUAL)))
                        n = asprintf(&s, "%s leads. The policy is manual: a person starts it, on %s, with: mainstayctl bootstrap", str_or(node, "A node"), str_or(node, "that node"));
                else if (streq(policy, policy_to_string(POLICY_MAINTENANCE)))
                        n = asprintf(&s, "%s would lead. The policy is maintenance, so nothing is started; for a person to start it, first type: mainstayctl policy manual", str_or(node, "A node"));
                else if (streq(text_of(plan, "manner"), manner_to_string(MANNER_RESUME)))
                        n = asprintf(&s, "All members of the last Primary view start together, and resume it.");
                else
                        n = asprintf(&s, "%s forms the cluster, and the others join it.", str_or(node, "A node"));
                break;
        case ACTION_JOIN:
                n = *node ? asprintf(&s, "The cluster is up, with %s in it; who is not in it %s.", node, joins)
                          : asprintf(&s, "The cluster is up; who is not in it %s.", joins);
                break;
        case ACTION_WAIT:
                n = some ? asprintf(&s, "Nobody forms the cluster yet: %s must be heard first. See: mainstayctl plan", awaited)
                         : asprintf(&s, "Nobody forms the cluster yet. See why: mainstayctl plan");
                break;
        case ACTION_REFUSE:
                n = asprintf(&s, "A person must decide how it goes on. See why: mainstayctl plan");
                break;
        default:
                n = asprintf(&s, "The plan cannot be read: its agent is of another version.");
        }
        if (n < 0)
                return -ENOMEM;
        *ret = s;
        return 0;
}

/* Policies */

json_t *table_policy(const json_t *picture) {
        const json_t *own = json_object_get(picture, "policy"), *peer;
        const char *name = json_string_value(json_object_get(own, "name"));
        json_t *o, *agree, *differ, *unheard;
        size_t i;

        if (!name)
                return NULL;
        agree = json_array();
        differ = json_array();
        unheard = json_array();
        json_array_foreach(json_object_get(picture, "peers"), i, peer) {
                const json_t *report = json_object_get(peer, "report"), *its = json_object_get(report, "policy");
                const char *node = text_of(peer, "node"), *goes_by = str_or(json_string_value(json_object_get(its, "name")), policy_to_string(POLICY_AUTOMATIC));

                if (!*node)
                        node = text_of(peer, "label");
                if (!json_is_object(report) || !streq(text_of(peer, "condition"), condition_to_string(CONDITION_KNOWN)))
                        (void) json_array_append_new(unheard, json_pack("{s:s, s:s}", "node", node, "why", text_of(peer, "why")));
                else if (streq(goes_by, name))
                        (void) json_array_append_new(agree, json_string(node));
                else
                        (void) json_array_append_new(differ, json_pack("{s:s, s:s}", "node", node, "policy", goes_by));
        }
        o = json_pack("{s:s, s:I, s:s?, s:o, s:o, s:o}", "policy", name, "version", json_integer_value(json_object_get(own, "version")),
                      "node", *text_of(own, "node") ? text_of(own, "node") : NULL, "agree", agree, "differ", differ, "unheard", unheard);
        return o;
}

static void line_print(FILE *f, const Style *style, char *text) {
        _cleanup_free_ char *line = text;

        if (line)
                text_print(f, style, 0, false, line);
}

void table_policy_print(FILE *f, const Style *style, const json_t *policy) {
        const json_t *agree = json_object_get(policy, "agree"), *other;
        const char *name = text_of(policy, "policy"), *node = text_of(policy, "node");
        _cleanup_free_ char *same = names_of(agree);
        char *text;
        size_t i;

        text = NULL;
        if (asprintf(&text, "The policy is %s%s%s: %s.", name, *node ? ", set on " : "", node, policy_means(policy_from_string(name))) < 0)
                text = NULL;
        line_print(f, style, text);
        if (json_array_size(agree) > 0) {
                if (asprintf(&text, "%s %s by it too.", str_or(same, "Others"), json_array_size(agree) > 1 ? "go" : "goes") < 0)
                        text = NULL;
                line_print(f, style, text);
        }
        json_array_foreach(json_object_get(policy, "differ"), i, other) {
                if (asprintf(&text, "%s is heard, and still goes by %s. If that stays so, install the same version of Mainstay there.",
                             text_of(other, "node"), text_of(other, "policy")) < 0)
                        text = NULL;
                line_print(f, style, text);
        }
        json_array_foreach(json_object_get(policy, "unheard"), i, other) {
                if (asprintf(&text, "%s is not heard (%s), and learns of it when it is.", text_of(other, "node"), *text_of(other, "why") ? text_of(other, "why") : "not tried yet") < 0)
                        text = NULL;
                line_print(f, style, text);
        }
}

static void reasons_print(FILE *f, const Style *style, const json_t *reasons) {
        const json_t *reason;
        size_t i, widest = 0;

        json_array_foreach((json_t *) reasons, i, reason)
                if (text_width(text_of(reason, "node")) > widest)
                        widest = text_width(text_of(reason, "node"));

        json_array_foreach((json_t *) reasons, i, reason) {
                _cleanup_free_ char *node = text_clean(text_of(reason, "node"));

                if (!node)
                        return;
                fprintf(f, "  %s%s%s%*s  ", style_begin(style, COLOUR_BOLD), node, style_end(style, COLOUR_BOLD),
                        (int) (widest - text_width(node)), "");
                text_print(f, style, widest + 4, true, text_of(reason, "text"));
        }
}

int table_plan(FILE *f, const Style *style, const json_t *plan, const char *without) {
        _cleanup_free_ char *headline = NULL;
        Action action = plan_action(plan);
        const json_t *reasons = json_object_get(plan, "reasons");
        char *see;
        int r;

        r = table_headline(plan, &headline);
        if (r < 0)
                return r;
        /* It is `plan` that says so. */
        see = strstr(headline, " See");
        if (see)
                *see = 0;
        if (*without) {
                _cleanup_free_ char *all = NULL;
                if (asprintf(&all, "With %s given up: %s", without, headline) < 0) {
                        all = NULL;
                        return -ENOMEM;
                }
                text_print(f, style, 0, false, all);
        } else
                text_print(f, style, 0, false, headline);

        if (json_array_size(reasons) > 0) {
                fputc('\n', f);
                reasons_print(f, style, reasons);
        }
        return action < 0 ? -EBADMSG : 0;
}

int table_plan_exit(const json_t *plan) {
        switch (plan_action(plan)) {
        case ACTION_BOOTSTRAP:
        case ACTION_JOIN:
                return CTL_OK;
        case ACTION_WAIT:
                return CTL_PLAN_WAIT;
        case ACTION_REFUSE:
                return CTL_PLAN_REFUSE;
        default:
                return CTL_FAILED;
        }
}
