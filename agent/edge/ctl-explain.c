/* `mainstayctl explain`; see ctl-explain.h. */
#include "edge/ctl-explain.h"
#include "domain/decision.h"
#include "domain/json.h"
#include "domain/mark.h"
#include "domain/policy.h"
#include "domain/report.h"
#include "edge/ctl-bus.h"
#include "edge/ctl-dropin.h"
#include "edge/ctl-node.h"
#include "edge/ctl-service.h"
#include "edge/ctl-systemd.h"
#include "edge/ctl-table.h"
#include "edge/ctl-verbs.h"
#include "sys/clock.h"

#include <stdarg.h>


/* What would change it */

/* `command` may be NULL: then nothing is typed for it. */
static void _printf_(3, 4) change(json_t *list, const char *text, const char *command, ...) {
        _cleanup_free_ char *typed = NULL;
        va_list ap;
        int n = 0;

        if (command) {
                va_start(ap, command);
                n = vasprintf(&typed, command, ap);
                va_end(ap);
        }
        if (n < 0)
                typed = NULL;
        (void) json_array_append_new(list, json_pack("{s:s, s:s?}", "text", text, "command", typed));
}

static void _printf_(2, 3) passes(json_t *list, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0)
                text = NULL;
        else
                change(list, text, NULL);
}

#define GIVEN_UP                                                                                                                               \
        "Or give it up, by name, where its disks are gone: what only it has committed is lost to the cluster then, and it may, when it is back," \
        " count as diverged for a configuration change alone. First see what would come of it:"

/* One who is not heard. */
static void change_unheard(json_t *list, bool alive) {
        if (alive) {
                change(list, "Its server answers, and its agent does not. There, see why, and start it:", "systemctl status mainstayd; systemctl start mainstayd");
                return;
        }
        change(list, "If the machine is down, start it. If it is up, see there whether its agent runs:", "systemctl status mainstayd");
        change(list, "Whether the way to it is open, says here, as root:", "mainstayctl setup --check");
}

static void change_awaited(const Explained *e, json_t *list) {
        const json_t *awaited = json_object_get(e->plan, "awaited"), *item;
        size_t i;

        json_array_foreach((json_t *) awaited, i, item) {
                const char *name = str_or(json_string_value(item), "?");

                if (streq(name, e->name))
                        continue;
                passes(list, "It goes on by itself when %s is heard.", name);
                change(list, "Why that is not so, and what would change it:", "mainstayctl explain %s", name);
                change(list, GIVEN_UP, "mainstayctl plan --without %s", name);
        }
}

/* The policy keeps an agent from what it would do. */
static bool is_held(const Explained *e) {
        const char *policy = text_of(e->plan, "policy");

        return streq(policy, policy_to_string(POLICY_MANUAL)) || streq(policy, policy_to_string(POLICY_MAINTENANCE));
}

static void change_by_plan(const Explained *e, json_t *list) {
        const char *node = text_of(e->plan, "node"), *action = text_of(e->plan, "action");
        bool wanted = json_is_true(json_object_get(e->report, "wanted")), leads = streq(node, e->name);

        if (is_held(e) && streq(text_of(e->plan, "policy"), policy_to_string(POLICY_MAINTENANCE)))
                change(list, "The policy is maintenance, and nothing is started. For a person to start it, first:", "mainstayctl policy manual");
        if (streq(action, action_to_string(ACTION_BOOTSTRAP))) {
                if (leads && (is_held(e) || !wanted))
                        change(list, "It has the newest data, and waits for a person. There:", "systemctl start mainstay-bootstrap");
                else if (leads)
                        passes(list, "Nothing has to be typed: it leads, and is about to form the cluster. To see it: mainstayctl status --watch");
                else {
                        passes(list, "It joins when %s has formed the cluster.", node);
                        change(list, "Why that has not done so yet:", "mainstayctl explain %s", node);
                }
        } else if (streq(action, action_to_string(ACTION_JOIN))) {
                if (!wanted || is_held(e))
                        change(list, "The cluster is up, and it joins when a person says so. There:", "systemctl start mainstay-join");
                else if (json_is_true(json_object_get(e->report, "resting")))
                        change(list, "It tries again by itself. To have it try at once, there:", "mainstayctl join");
                else
                        passes(list, "Nothing has to be typed: it joins by itself. To see it: mainstayctl status --watch");
        } else if (streq(action, action_to_string(ACTION_WAIT)))
                change_awaited(e, list);
        else if (streq(action, action_to_string(ACTION_REFUSE)))
                change(list, "A person must decide how the cluster goes on. The reasons, node by node:", "mainstayctl plan");
}

static void change_marked(const Explained *e, json_t *list) {
        const char *mark = str_or(json_string_value(json_array_get(json_object_get(e->report, "marks"), 0)), "");
        MarkKind k = mark_from_string(mark);

        if (k >= 0)
                change(list, mark_clears(k), NULL);
        change(list, "What that would do, there, with nothing done yet:", "mainstayctl recover --dry-run");
}

static void change_galera(const Explained *e, json_t *list) {
        const char *mysqld = text_of(e->report, "mysqld");

        if (json_array_size(json_object_get(e->report, "marks")) > 0)
                change_marked(e, list);
        else if (json_object_get(e->report, "shun"))
                change(list, "A person keeps it out of service. To bring it back:", "mainstayctl online %s", e->name);
        else if (json_is_true(json_object_get(e->report, "offline")))
                change(list, "A person has set it offline. To bring it back:", "mainstayctl online %s", e->name);
        else if (streq(e->state, "SHUNNED"))
                change(list, "It is kept out because of its data. What bringing it back would do, there, with nothing done yet:", "mainstayctl recover --dry-run");
        else if (*text_of(e->report, "problem")) {
                /* A full copy mends it, where there is one to take. */
                if (streq(text_of(e->plan, "action"), action_to_string(ACTION_JOIN)))
                        change_by_plan(e, list);
                change(list, "Something is wrong there, see the evidence. To look for what else, and how to mend it, there:", "mainstayctl doctor");
        } else if (streq(mysqld, mysqld_to_string(MYSQLD_JOINING)) || streq(mysqld, mysqld_to_string(MYSQLD_STARTING)))
                passes(list, "Nothing has to be typed: it is on its way into the cluster. To see it: mainstayctl status --watch");
        else
                change_by_plan(e, list);
}

static void change_service(const Explained *e, json_t *list) {
        const json_t *components = json_object_get(e->datasource, "components");
        bool runs = streq(text_of(json_object_get(components, "server"), "state"), "ONLINE"), primary = streq(text_of(e->datasource, "role"), "primary");

        if (!runs)
                change(list, "Its server has to run. There:", "systemctl start %s", str_or(text_of(e->unit, "name"), "mariadb (or mysql)"));
        else if (streq(e->state, "SHUNNED") && primary)
                change(list, "It has been a primary. To have it replicate from the one there is:", "mainstayctl recover %s", e->name);
        else if (streq(e->state, "SHUNNED")) {
                change(list, "To bring it back as it is:", "mainstayctl online %s", e->name);
                change(list, "Or judged, and pointed to the primary:", "mainstayctl recover %s", e->name);
        } else if (streq(e->state, "OFFLINE"))
                change(list, "To bring it back:", "mainstayctl online %s", e->name);
        else if (streq(e->state, "FAILED") && !primary) {
                change(list, "To bring it back, where its data can go on:", "mainstayctl recover %s", e->name);
                change(list, "Where they cannot, says that, and then it takes a copy of another node's:", "mainstayctl provision %s --dry-run", e->name);
        } else if (streq(e->state, "FAILED"))
                change(list, "What is wrong, and how to mend it, there:", "mainstayctl doctor");
        if (!streq(text_of(e->primary, "verdict"), "one"))
                change(list, "And there has to be exactly one primary, see the evidence. One that is the wrong one:", "mainstayctl shun NODE");
}

static bool is_awaited(const Explained *e) {
        const json_t *item;
        size_t i;

        json_array_foreach(json_object_get(e->plan, "awaited"), i, item)
                if (streq(str_or(json_string_value(item), ""), e->name))
                        return true;
        return false;
}

static json_t *changes_of(const Explained *e) {
        const json_t *o = json_object_get(e->report, "job");
        json_t *list = json_array();

        if (streq(e->state, "ONLINE"))
                return list;
        if (streq(text_of(o, "state"), "running") || streq(text_of(o, "state"), "cancelling"))
                change(list, "A job is at work on it. To follow it:", "mainstayctl%s%s job follow", e->peer ? " -H " : "", e->peer ? e->name : "");
        else if (!e->report)
                change_unheard(list, streq(text_of(e->peer, "condition"), condition_to_string(CONDITION_ALIVE)));
        else if (e->datasource)
                change_service(e, list);
        else
                change_galera(e, list);
        if (!e->report && !e->datasource && is_awaited(e))
                change(list, GIVEN_UP, "mainstayctl plan --without %s", e->name);
        return list;
}

/* The whole */

static const json_t *datasource_of(const json_t *service, const char *name) {
        const json_t *o;
        size_t i;

        json_array_foreach(json_object_get(service, "nodes"), i, o)
                if (streq(text_of(o, "node"), name))
                        return o;
        return NULL;
}

int explain_make(const json_t *picture, const json_t *grounds, const json_t *unit, const char *name, usec_t now, json_t **ret) {
        Explained e = { .picture = picture, .grounds = grounds, .unit = unit, .plan = json_object_get(picture, "plan"), .now = now };
        _cleanup_free_ char *reasons = NULL;
        json_t *service = NULL, *evidence, *o;
        const char *why;
        NodeSeen n;
        int r;

        r = node_find(picture, name, &n);
        if (r < 0)
                return r;
        e.peer = n.peer;
        e.report = n.report;
        e.name = node_name(picture, n.peer);
        e.state = n.state;
        why = n.remark;
        if (service_is(picture) && service_json(picture, &service) >= 0) {
                e.datasource = datasource_of(service, e.name);
                e.primary = json_object_get(service, "primary");
                e.state = str_or(text_of(e.datasource, "state"), e.state);
                why = str_or(text_of(e.datasource, "reason"), text_of(e.datasource, "remark"));
        } else if (!n.report && streq(n.state, condition_to_string(CONDITION_UNCERTAIN))) {
                /* What the plan makes of that is why it matters. */
                reasons = node_reasons(picture, e.name);
                why = str_or(reasons, n.remark);
        }
        evidence = json_array();
        explain_facts(&e, evidence);
        o = json_pack("{s:s, s:s, s:s?, s:o, s:o}", "node", e.name, "state", e.state, "reason", *why ? why : NULL, "changes", changes_of(&e), "evidence", evidence);
        node_done(&n);
        json_decref(service);
        if (!o)
                return -ENOMEM;
        *ret = o;
        return 0;
}

static void facts_print(FILE *f, const Style *style, const json_t *evidence) {
        const char *before = "";
        size_t widest = 0, i;
        const json_t *o;

        json_array_foreach((json_t *) evidence, i, o)
                if (text_width(text_of(o, "what")) > widest)
                        widest = text_width(text_of(o, "what"));
        json_array_foreach((json_t *) evidence, i, o) {
                const char *what = text_of(o, "what");

                fprintf(f, "  %s%-*s%s  ", style_begin(style, COLOUR_DIM), (int) widest, streq(what, before) ? "" : what, style_end(style, COLOUR_DIM));
                text_print(f, style, widest + 4, true, text_of(o, "text"));
                before = what;
        }
}

void explain_print(FILE *f, const Style *style, const json_t *explained) {
        _cleanup_free_ char *node = text_clean(text_of(explained, "node")), *clean = text_clean(text_of(explained, "state"));
        const char *state = str_or(clean, "?"), *reason = text_of(explained, "reason");
        const json_t *changes = json_object_get(explained, "changes"), *o;
        Colour colour = node_colour(state);
        size_t i;

        fprintf(f, "%s is %s%s%s%s\n", str_or(node, "?"), style_begin(style, colour), state, style_end(style, colour), *reason ? ":" : streq(state, "ONLINE") ? ": it serves." : ".");
        if (*reason)
                text_print(f, style, 2, false, reason);
        if (json_array_size(changes) > 0) {
                fprintf(f, "\n%sWhat would change that%s\n", style_begin(style, COLOUR_BOLD), style_end(style, COLOUR_BOLD));
                json_array_foreach((json_t *) changes, i, o) {
                        _cleanup_free_ char *command = text_clean(text_of(o, "command"));

                        text_print(f, style, 2, false, text_of(o, "text"));
                        if (command && *command)
                                fprintf(f, "      %s%s%s\n", style_begin(style, COLOUR_BOLD), command, style_end(style, COLOUR_BOLD));
                }
        }
        fprintf(f, "\n%sWhat is known of it%s\n", style_begin(style, COLOUR_BOLD), style_end(style, COLOUR_BOLD));
        facts_print(f, style, json_object_get(explained, "evidence"));
}

/* The verb */

static bool has_dropin(sd_bus *bus, const char *path) {
        bool found = false;
        char **list = NULL;

        if (sd_bus_get_property_strv(bus, SYSTEMD, path, SYSTEMD ".Unit", "DropInPaths", NULL, &list) < 0)
                return false;
        for (size_t i = 0; list && list[i]; i++) {
                const char *base = strrchr(list[i], '/');

                found = found || streq(base ? base + 1 : list[i], DROPIN_NAME);
                free(list[i]);
        }
        free(list);
        return found;
}

static json_t *unit_word(sd_bus *bus, const char *path, const char *interface, const char *property) {
        _cleanup_free_ char *word = NULL;

        return json_string(sd_bus_get_property_string(bus, SYSTEMD, path, interface, property, NULL, &word) < 0 ? "" : word);
}

/* What systemd says of mysqld's unit, on the machine whose bus it is; NULL where nothing. */
static json_t *ask_unit(sd_bus *bus, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (!*name || systemd_unit(bus, name, &path) < 0)
                return NULL;
        return json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", name, "active", unit_word(bus, path, SYSTEMD ".Unit", "ActiveState"), "sub", unit_word(bus, path, SYSTEMD ".Unit", "SubState"),
                         "result", unit_word(bus, path, SYSTEMD ".Service", "Result"), "gated", has_dropin(bus, path));
}

/* An agent of an older release does not know of it: then there is less to tell. */
static json_t *ask_grounds(sd_bus *bus) {
        sd_bus_message *reply = NULL;
        const char *text;
        json_t *o = NULL;

        if (sd_bus_call_method(bus, AGENT_NAME, AGENT_PATH, AGENT_NODE, "Explain", NULL, &reply, NULL) >= 0 && sd_bus_message_read(reply, "s", &text) >= 0)
                o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        (void) sd_bus_message_unref(reply);
        return o;
}

static int no_such_node(const Args *a, const json_t *picture) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *all = NULL;
        Names names = {};
        const json_t *peer;
        size_t i;

        (void) names_add(&names, node_name(picture, NULL));
        json_array_foreach(json_object_get(picture, "peers"), i, peer)
                (void) names_add(&names, node_name(picture, peer));
        all = names_text(&names);
        (void) sd_bus_error_setf(&error, SD_BUS_ERROR_FAILED, "There is no node %s here. There are %s; who is missing is named in [peers] of mainstay.conf. See: mainstayctl status", a->node, str_or(all, "others"));
        return bus_explain(a, "Nothing is known of that node", &error, -ENOENT);
}

static int explain(const Args *a, sd_bus *bus, const json_t *picture) {
        json_t *grounds = ask_grounds(bus), *unit = ask_unit(bus, text_of(grounds, "unit")), *o = NULL;
        Style style = style_of(stdout);
        int r;

        r = explain_make(picture, grounds, unit, str_or(a->node, node_name(picture, NULL)), clock_usec(CLOCK_REALTIME), &o);
        if (r == -ENOENT)
                r = no_such_node(a, picture);
        else if (r >= 0 && a->json) {
                r = json_dumpf(o, stdout, JSON_INDENT(2)) < 0 ? -EIO : CTL_OK;
                putchar('\n');
        } else if (r >= 0)
                explain_print(stdout, &style, o);
        json_decref(o);
        json_decref(unit);
        json_decref(grounds);
        return r;
}

int verb_explain(const Args *a) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        json_t *picture = NULL;
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;
        r = bus_picture(bus, &error, &picture);
        r = r < 0 ? bus_explain(a, "The node cannot be explained", &error, r) : explain(a, bus, picture);
        json_decref(picture);
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
        return r;
}
