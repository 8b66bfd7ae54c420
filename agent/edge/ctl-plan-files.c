/* `mainstayctl plan FILE...`: the decision from saved reports, by the function
 * that the agents use, for people whose agents do not run. What is wrong with
 * a file is said on stderr, and then there is no plan. */
#include "domain/decision.h"
#include "domain/mark.h"
#include "edge/ctl-input.h"
#include "edge/ctl-table.h"
#include "edge/ctl-verbs.h"

#include <stdarg.h>

typedef struct Saved {
        const char *path;
        Report *report;
} Saved;

typedef struct Case {
        const Args *args;
        size_t n_saved;
        Saved saved[ARGS_FILES_MAX];
        Names expected;
        size_t n_voices;
        Voice voice[NAMES_MAX];
} Case;

static int _printf_(2, 3) wrong(const char *path, const char *format, ...) {
        _cleanup_free_ char *text = NULL, *all = NULL;
        Style style = style_of(stderr);
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0 || asprintf(&all, "mainstayctl: %s: %s.", path, text) < 0)
                return -ENOMEM;
        text_print(stderr, &style, 0, false, all);
        return CTL_FAILED;
}

static int saved_read(const char *path, Saved *ret) {
        _cleanup_free_ char *text = NULL;
        char error[256] = "";
        size_t n;
        int r;

        r = input_read(path, REPORT_SIZE_MAX, &text, &n, error);
        if (r < 0)
                return wrong(path, "%s", error);
        if (n == 0)
                return wrong(path, "it is empty, and no report of a node");
        if (memchr(text, '\0', n))
                return wrong(path, "it holds NUL bytes, and is no report of a node");
        r = report_parse(text, &ret->report, error);
        if (r == -EBADMSG || r == -EPROTONOSUPPORT)
                return wrong(path, "it is no report of a node that can be read: %s", error);
        if (r < 0)
                return r;
        ret->path = path;
        if (ret->report->mysqld == MYSQLD_STOPPED && ret->report->source == SOURCE_LIVE)
                return wrong(path, "its mysqld is stopped, and its position is said to be live: one of the two is of another moment");
        marks_void(ret->report);
        /* The zeros of a grastate.dat without data. An agent says so in its own
         * way; a person who copies the file does not. What it knows of views it
         * knows all the same. */
        if (ret->report->source != SOURCE_NONE && uuid_is_zero(&ret->report->position.uuid) && ret->report->n_views == 0 &&
            !mysqld_is_live(ret->report->mysqld))
                ret->report->blank = true;
        return 0;
}

/* Two files that cannot both be true. */
static int saved_compare(const Saved *a, const Saved *b) {
        if (streq(a->report->node, b->report->node))
                return wrong(b->path, "it is a report of %s, and so is %s: give one of each node, the newest", b->report->node, a->path);
        if (!uuid_is_zero(&a->report->agent) && uuid_equal(&a->report->agent, &b->report->agent))
                return wrong(b->path, "it says that it comes from the agent that wrote %s, under another name: one of the two has been changed, or a node was renamed", a->path);
        return 0;
}

static int views_check(const Saved *s) {
        for (size_t i = 0; i < s->report->n_views; i++)
                if (uuid_is_zero(&s->report->view[i].uuid))
                        return wrong(s->path, "the \"uuid\" of a view is all zeros, and so of no cluster");
        return 0;
}

static const Saved *saved_of(const Case *c, const char *node) {
        for (size_t i = 0; i < c->n_saved; i++)
                if (streq(c->saved[i].report->node, node))
                        return &c->saved[i];
        return NULL;
}

static int by_node(const void *a, const void *b) {
        return strcmp(((const Saved *) a)->report->node, ((const Saved *) b)->report->node);
}

/* All nodes there are, as far as anybody says: one voice each. */
static int voices_gather(Case *c) {
        int r = names_add_all(&c->expected, &c->args->expect);

        for (size_t i = 0; i < c->n_saved && r >= 0; i++) {
                const Report *o = c->saved[i].report;

                r = names_add(&c->expected, o->node);
                for (size_t k = 0; c->args->expect.n == 0 && k < o->n_views && r >= 0; k++)
                        r = names_add_all(&c->expected, &o->view[k].members);
        }
        if (r < 0)
                return r;
        for (size_t i = 0; i < c->expected.n; i++) {
                const Saved *s = saved_of(c, c->expected.name[i]);

                c->voice[c->n_voices++] = s ? (Voice) { .name = s->report->node, .condition = CONDITION_KNOWN, .report = s->report }
                                            : (Voice) { .name = c->expected.name[i], .condition = CONDITION_UNCERTAIN, .why = "no report of it was given" };
        }
        return 0;
}

/* What can be done about it here, where no agent will. */
static int advise(const Case *c, Plan *plan) {
        int r = 0;

        for (size_t i = 0; i < c->n_saved && r >= 0; i++) {
                const char *path = c->saved[i].path;
                const Report *o = c->saved[i].report;

                if (c->args->expect.n > 0 && !names_contain(&c->args->expect, o->node))
                        r = plan_add(plan, o->node, "It is not among the nodes of --expect. Its report counts all the same.");
                if (plan->action == ACTION_WAIT && o->mysqld == MYSQLD_UNKNOWN && r >= 0)
                        r = plan_add(plan, o->node, "%s does not say what its mysqld does. If it does not run, write \"mysqld\": \"stopped\" into the file.", path);
                if (names_contain(&plan->awaited, o->node) && !report_has_position(o) && !o->blank && r >= 0)
                        r = plan_add(plan, o->node, "%s tells no position. On a stopped server mysqld --wsrep-recover tells it: write its uuid and seqno as \"position\" into the file.", path);
                if (names_contain(&plan->stop, o->node) && r >= 0)
                        r = plan_add(plan, o->node, "Where no agent runs: stop its mysqld, and save its report anew.");
        }
        if (r >= 0 && c->n_voices == 1 && c->args->expect.n == 0 && plan->action == ACTION_WAIT)
                r = plan_add(plan, NULL, "Give the reports of the other nodes too, or name all nodes there are: --expect NODE,...");
        return r;
}

static int plan_show(const Case *c, const Plan *plan) {
        _cleanup_free_ char *names = NULL;
        Style style = style_of(stdout);
        json_t *o;
        int r;

        r = plan_to_json(plan, &o);
        if (r < 0)
                return r;
        if (c->args->json) {
                r = json_dumpf(o, stdout, JSON_INDENT(2)) < 0 ? -EIO : 0;
                putchar('\n');
        } else {
                names = c->args->without.n > 0 ? names_text(&c->args->without) : strdup("");
                r = names ? table_plan(stdout, &style, o, names) : -ENOMEM;
                if (r >= 0) {
                        putchar('\n');
                        text_print(stdout, &style, 0, false, "This is decided from saved reports, and true only as long as no server has been started or stopped since.");
                }
        }
        if (r >= 0)
                r = table_plan_exit(o);
        json_decref(o);
        return r;
}

static int case_decide(Case *c) {
        Overrule overrule = { .without = c->args->without, .all_named = c->args->expect.n > 0 };
        _cleanup_(plan_freep) Plan *plan = NULL;
        int r;

        for (size_t i = 0; i < c->args->n_files; i++) {
                r = saved_read(c->args->file[i], &c->saved[i]);
                if (r != 0)
                        return r;
                c->n_saved++;
                r = views_check(&c->saved[i]);
                for (size_t k = 0; k < i && r == 0; k++)
                        r = saved_compare(&c->saved[k], &c->saved[i]);
                if (r != 0)
                        return r;
        }
        /* So that the order in which they are given makes no difference. */
        qsort(c->saved, c->n_saved, sizeof(c->saved[0]), by_node);
        r = voices_gather(c);
        if (r == -E2BIG)
                return wrong("plan", "with the members of the views there are more than %d nodes", NAMES_MAX);
        if (r >= 0)
                r = decision_make(c->voice, c->n_voices, &overrule, &plan);
        if (r >= 0)
                r = advise(c, plan);
        return r < 0 ? r : plan_show(c, plan);
}

int verb_plan_files(const Args *a) {
        Case *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->args = a;
        r = case_decide(c);
        for (size_t i = 0; i < a->n_files; i++)
                (void) report_free(c->saved[i].report);
        free(c);
        return r;
}
