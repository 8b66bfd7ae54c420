/* `mainstayctl shun`, `online`, `offline`, `drain`, `repoint`, `replicator`,
 * `provision`, and `recover` of servers that replicate: what is done to the datasource of a node,
 * by its own agent, said on any node. Where that is a job it is followed to its
 * end; whoever stops following stops nothing but that. */
#include "edge/ctl-job.h"
#include "edge/ctl-service.h"
#include "edge/ctl-verbs.h"

#include <inttypes.h>

#define AUTHORISE_TIMEOUT (150 * USEC_PER_SEC)

static json_t *arguments_of(const Args *a) {
        json_t *o = json_object();

        if (a->reason)
                (void) json_object_set_new(o, "reason", json_string(a->reason));
        if (a->owner)
                (void) json_object_set_new(o, "owner", json_string(a->owner));
        if (a->seconds > 0)
                (void) json_object_set_new(o, "for", json_integer(a->seconds));
        if (a->what)
                (void) json_object_set_new(o, "what", json_string(a->what));
        if (a->source)
                (void) json_object_set_new(o, "source", json_string(a->source));
        if (a->method)
                (void) json_object_set_new(o, "method", json_string(a->method));
        if (a->primary)
                (void) json_object_set_new(o, "primary", json_string(a->primary));
        if (a->force.n > 0)
                (void) json_object_set_new(o, "force", names_to_json(&a->force));
        if (a->dry_run)
                (void) json_object_set_new(o, "dry_run", json_true());
        return o;
}

/* `*ret` is the answer, a new reference. */
static int call(const Args *a, sd_bus *bus, const char *node, sd_bus_error *error, json_t **ret) {
        _cleanup_free_ char *arguments = NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        json_t *args = arguments_of(a);
        const char *text;
        int r;

        arguments = json_dumps(args, JSON_COMPACT);
        json_decref(args);
        if (!arguments)
                return -ENOMEM;
        r = sd_bus_message_new_method_call(bus, &m, AGENT_NAME, AGENT_PATH, AGENT_NODE, "Operate");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", node, verb_to_string(a->verb), arguments);
        if (r >= 0)
                r = sd_bus_call(bus, m, AUTHORISE_TIMEOUT, error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r >= 0) {
                *ret = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
                if (!json_is_object(*ret)) {
                        json_decref(*ret);
                        (void) sd_bus_error_setf(error, SD_BUS_ERROR_FAILED, "Its answer makes no sense: it is of another version than this command.");
                        r = -EBADMSG;
                }
        }
        (void) sd_bus_message_unref(reply);
        (void) sd_bus_message_unref(m);
        return r;
}

static void say(const Args *a, const json_t *answer) {
        Style style = style_of(stdout);

        if (a->json) {
                (void) json_dumpf(answer, stdout, JSON_COMPACT);
                putchar('\n');
        } else
                text_print(stdout, &style, 0, false, str_or(json_string_value(json_object_get(answer, "text")), "Done."));
        (void) fflush(stdout);
}

/* Returns how the command ends. Who has followed a job has no connection any more. */
static int operate_by(const Args *a, sd_bus *bus, const char *node) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *name = NULL;
        json_t *answer = NULL;
        json_int_t job;
        int r;

        r = bus_text(bus, "Name", &error, &name);
        if (r >= 0)
                r = call(a, bus, node, &error, &answer);
        if (r < 0) {
                r = bus_explain(a, "Nothing was done", &error, r);
                sd_bus_error_free(&error);
                return r;
        }
        job = json_integer_value(json_object_get(answer, "job"));
        if (job == 0 || a->no_wait)
                say(a, answer);
        json_decref(answer);
        if (job == 0 || a->no_wait)
                return CTL_OK;
        return job_follow(a, bus, *node && !streq(node, name) ? node : NULL, (uint64_t) job);
}

static int operate_on(const Args *a, const char *node) {
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;
        r = operate_by(a, bus, node);
        (void) sd_bus_flush_close_unref(bus);
        return r;
}

int verb_operate(const Args *a) {
        return operate_on(a, str_or(a->node, ""));
}

/* `recover`, of one node or of all that are SHUNNED or FAILED. */
static int recover_all(const Args *a, const json_t *picture) {
        _cleanup_free_ char *why = NULL;
        Names found;
        size_t done = 0;
        int r, end = CTL_OK;

        r = service_recoverable(picture, &found, &why);
        if (r < 0)
                return r;
        if (why)
                return ctl_fail(a, "Nothing is recovered", NULL, why, "Who is what, and why, shows: mainstayctl status");
        if (found.n == 0) {
                puts(a->json ? "{\"text\":\"No replica is FAILED or SHUNNED: there is nothing to recover.\"}" : "No replica is FAILED or SHUNNED: there is nothing to recover.");
                return CTL_OK;
        }
        for (size_t i = 0; i < found.n; i++) {
                if (!a->json)
                        printf("Found the datasource '%s' to recover.\n", found.name[i]);
                r = operate_on(a, found.name[i]);
                if (r == CTL_OK)
                        done++;
                else
                        end = r;
                if (r > 128) /* the person does not follow any more */
                        break;
        }
        if (!a->json && !a->dry_run)
                printf("Recovered %zu of %zu data sources.\n", done, found.n);
        return end;
}

int recover_datasources(const Args *a, const json_t *picture) {
        return a->node ? operate_on(a, a->node) : recover_all(a, picture);
}
