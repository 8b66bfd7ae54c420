/* `mainstayctl plan`: what would happen now, and why. */
#include "edge/ctl-bus.h"
#include "edge/ctl-table.h"
#include "edge/ctl-verbs.h"

static int plan_without(sd_bus *bus, const Names *without, sd_bus_error *error, char **ret) {
        sd_bus_message *m = NULL, *reply = NULL;
        const char *text;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, AGENT_NAME, AGENT_PATH, AGENT_NODE, "PlanWithout");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && i < without->n; i++)
                r = sd_bus_message_append(m, "s", without->name[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r >= 0) {
                *ret = strdup(text);
                r = *ret ? 0 : -ENOMEM;
        }
        (void) sd_bus_message_unref(reply);
        (void) sd_bus_message_unref(m);
        return r;
}

/* What to type, where the plan with somebody given up leads on. */
static void advise(const Style *style, const Args *a, const json_t *plan) {
        const char *node = str_or(json_string_value(json_object_get(plan, "node")), "that node");
        _cleanup_free_ char *text = NULL;
        FILE *f;
        size_t size;

        if (a->without.n == 0 || !streq(str_or(json_string_value(json_object_get(plan, "action")), ""), "bootstrap"))
                return;
        f = open_memstream(&text, &size);
        if (!f)
                return;
        fprintf(f, "To do so, on %s: mainstayctl bootstrap", node);
        for (size_t i = 0; i < a->without.n; i++)
                fprintf(f, " --without %s", a->without.name[i]);
        if (fclose(f) != 0)
                return;
        putchar('\n');
        text_print(stdout, style, 0, false, text);
}

int verb_plan(const Args *a) {
        _cleanup_free_ char *text = NULL, *names = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Style style = style_of(stdout);
        json_t *plan = NULL;
        sd_bus *bus;
        int r;

        if (a->n_files > 0)
                return verb_plan_files(a);
        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;

        r = a->without.n > 0 ? plan_without(bus, &a->without, &error, &text) : bus_text(bus, "Plan", &error, &text);
        if (r < 0) {
                r = bus_explain(a, "There is no plan to show", &error, r);
                goto finish;
        }
        plan = json_loads(text, 0, NULL);
        if (!plan) {
                r = ctl_fail(a, "There is no plan to show", NULL, "The agent has none yet, or one that makes no sense.", "What it knows, shows: mainstayctl status");
                goto finish;
        }

        if (a->json) {
                (void) json_dumpf(plan, stdout, JSON_INDENT(2));
                putchar('\n');
        } else {
                names = a->without.n > 0 ? names_text(&a->without) : strdup("");
                if (!names) {
                        r = -ENOMEM;
                        goto finish;
                }
                (void) table_plan(stdout, &style, plan, names);
                advise(&style, a, plan);
        }
        r = table_plan_exit(plan);

finish:
        json_decref(plan);
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
        return r;
}
