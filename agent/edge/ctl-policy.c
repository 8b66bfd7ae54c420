/* `mainstayctl policy`: how much the agents do by themselves, who goes by it,
 * and who has yet to hear of it. */
#include "edge/ctl-bus.h"
#include "edge/ctl-table.h"
#include "edge/ctl-verbs.h"
#include "sys/clock.h"


/* Whoever is heard takes it over at once; this long is waited to see it. */
#define TOLD_MAX (3 * USEC_PER_SEC)

static int set(sd_bus *bus, Policy policy, sd_bus_error *error, bool *ret_changed) {
        sd_bus_message *m = NULL, *reply = NULL;
        int r, changed = false;

        r = sd_bus_message_new_method_call(bus, &m, AGENT_NAME, AGENT_PATH, AGENT_NODE, "SetPolicy");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", policy_to_string(policy));
        /* A person may have to type a password first. */
        if (r >= 0)
                r = sd_bus_call(bus, m, 150 * USEC_PER_SEC, error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &changed);
        if (r >= 0)
                *ret_changed = changed;
        (void) sd_bus_message_unref(reply);
        (void) sd_bus_message_unref(m);
        return r;
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        bool *changed = userdata;

        *changed = true;
        return 0;
}

/* The picture, once all who are heard go by the same, or have had their time. */
static int settled_picture(sd_bus *bus, bool *changed, sd_bus_error *error, json_t **ret) {
        usec_t end = clock_usec(CLOCK_MONOTONIC) + TOLD_MAX, t;

        for (;;) {
                json_t *picture, *table;
                bool agreed;
                int r;

                *changed = false;
                r = bus_picture(bus, error, &picture);
                if (r < 0)
                        return r;
                table = table_policy(picture);
                agreed = table && json_array_size(json_object_get(table, "differ")) == 0;
                json_decref(table);
                t = clock_usec(CLOCK_MONOTONIC);
                if (agreed || t >= end) {
                        *ret = picture;
                        return 0;
                }
                json_decref(picture);
                while (!*changed && t < end) {
                        r = sd_bus_process(bus, NULL);
                        if (r == 0)
                                r = sd_bus_wait(bus, end - t);
                        if (r < 0)
                                return r;
                        t = clock_usec(CLOCK_MONOTONIC);
                }
        }
}

int verb_policy(const Args *a) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        json_t *picture = NULL, *table = NULL;
        Style style = style_of(stdout);
        bool changed = false, moved = false;
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;
        if (a->set_policy) {
                r = sd_bus_add_match(bus, NULL, AGENT_MATCH_PROPERTIES, on_change, &moved);
                if (r >= 0)
                        r = set(bus, a->policy, &error, &changed);
                if (r < 0) {
                        r = bus_explain(a, "The policy is not changed", &error, r);
                        goto finish;
                }
                r = settled_picture(bus, &moved, &error, &picture);
        } else
                r = bus_picture(bus, &error, &picture);
        if (r < 0) {
                r = bus_explain(a, a->set_policy ? "The policy is set; who has heard of it cannot be read" : "The policy cannot be read", &error, r);
                goto finish;
        }
        table = table_policy(picture);
        if (!table) {
                r = ctl_fail(a, "The policy cannot be read", NULL, "The agent knows no policies: it is of another version than this command.", "Install the same on both sides.");
                goto finish;
        }
        if (a->json) {
                if (a->set_policy)
                        (void) json_object_set_new(table, "changed", json_boolean(changed));
                (void) json_dumpf(table, stdout, JSON_INDENT(2));
                putchar('\n');
        } else
                table_policy_print(stdout, &style, table);
        r = CTL_OK;

finish:
        json_decref(table);
        json_decref(picture);
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
        return r;
}
