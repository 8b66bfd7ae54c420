/* `mainstayctl bootstrap`, `join` and `recover`: one call, which may take hours. What the
 * agent waits for is told line by line meanwhile, so that the journal of
 * mainstay-bootstrap.service reads as a story. Whoever stops waiting stops
 * nothing but the waiting. */
#include "edge/ctl-bus.h"
#include "edge/ctl-service.h"
#include "edge/ctl-text.h"
#include "edge/ctl-verbs.h"

#include <signal.h>

typedef struct Call {
        const Args *args;
        sd_bus *bus;
        sd_event *event;
        char *waiting; /* told last */
        bool progress; /* the last line is of numbers alone, and is written over */
        int exit;
} Call;

static const char *what_failed(const Args *a) {
        if (a->verb == VERB_RECOVER)
                return "This node is not recovered";
        return a->verb == VERB_JOIN ? "This node does not join the cluster" : "This node does not form the cluster";
}

static void forget_progress(Call *c) {
        if (c->progress)
                fputs("\r\033[K", stdout);
        c->progress = false;
}

/* Of what differs in numbers alone a terminal shows the last, and a log the first. */
static void tell(Call *c, const char *waiting) {
        static const Style plain = {};
        Style style = style_of(stdout);

        if (*waiting == 0 || streq_null(c->waiting, waiting))
                return;
        if (c->waiting && text_same_but_numbers(c->waiting, waiting)) {
                _cleanup_free_ char *clean = style.moves && !c->args->json ? text_clean(waiting) : NULL;

                if (!clean)
                        return;
                printf("\r\033[K%.*s", (int) style.width - 1, clean);
                c->progress = true;
        } else {
                free(c->waiting);
                c->waiting = strdup(waiting);
                forget_progress(c);
                /* JSON has stdout for itself, and only the end of it. */
                text_print(c->args->json ? stderr : stdout, &plain, 0, false, waiting);
        }
        (void) fflush(stdout);
}

static int on_waiting(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *text = NULL;
        Call *c = userdata;

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "v", "s", &text) >= 0)
                tell(c, text);
        return 0;
}

static int ask_waiting(Call *c) {
        return sd_bus_call_method_async(c->bus, NULL, AGENT_NAME, AGENT_PATH, "org.freedesktop.DBus.Properties", "Get",
                                        on_waiting, c, "ss", AGENT_NODE, "Waiting");
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Call *c = userdata;

        return ask_waiting(c);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *text = "";
        Call *c = userdata;

        forget_progress(c);
        if (sd_bus_message_is_method_error(m, NULL)) {
                c->exit = bus_explain(c->args, what_failed(c->args), sd_bus_message_get_error(m), -sd_bus_message_get_errno(m));
                if (!c->args->json)
                        fputs("  Why, node by node: mainstayctl plan\n", stderr);
                return sd_event_exit(c->event, c->exit);
        }

        (void) sd_bus_message_read(m, "s", &text);
        if (c->args->json) {
                json_t *o = json_pack("{s:b, s:s}", "ok", 1, "result", text);
                (void) json_dumpf(o, stdout, JSON_INDENT(2));
                json_decref(o);
                putchar('\n');
        } else {
                Style style = {};
                text_print(stdout, &style, 0, false, *text ? text : "Done.");
        }
        c->exit = CTL_OK;
        return sd_event_exit(c->event, CTL_OK);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Call *c = userdata;

        fprintf(stderr, "%sDetached. Mainstay goes on with it. To follow it: mainstayctl status --watch\n",
                si->ssi_signo == SIGINT && isatty(STDERR_FILENO) ? "\n" : "");
        c->exit = 128 + (int) si->ssi_signo;
        return sd_event_exit(c->event, c->exit);
}

static int on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        Call *c = userdata;

        c->exit = bus_explain(c->args, "The connection to the agent is lost", &e, -ECONNRESET);
        return sd_event_exit(c->event, c->exit);
}

static int append_force(sd_bus_message *m, const Names *force) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (size_t i = 0; r >= 0 && i < force->n; i++)
                r = sd_bus_message_append(m, "s", force->name[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int call_new(const Args *a, sd_bus *bus, bool dry_run, sd_bus_message **ret) {
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, AGENT_NAME, AGENT_PATH, AGENT_NODE,
                                           a->verb == VERB_JOIN ? "Join" : a->verb == VERB_RECOVER ? "Recover" : "Bootstrap");
        if (r < 0)
                return r;
        r = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (r >= 0 && a->verb == VERB_BOOTSTRAP) {
                r = sd_bus_message_open_container(m, 'a', "s");
                for (size_t i = 0; r >= 0 && i < a->without.n; i++)
                        r = sd_bus_message_append(m, "s", a->without.name[i]);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
                if (r >= 0)
                        r = a->new_cluster ? sd_bus_message_append(m, "as", 1, "new-cluster") : sd_bus_message_append(m, "as", 0);
        }
        if (r >= 0 && a->verb == VERB_RECOVER) {
                r = append_force(m, &a->force);
                if (r >= 0)
                        r = sd_bus_message_append(m, "b", (int) dry_run);
        }
        if (r >= 0 && a->verb == VERB_JOIN)
                r = sd_bus_message_append(m, "s", str_or(a->donor, ""));
        if (r >= 0)
                r = sd_bus_message_append(m, "b", (int) !a->no_wait);
        if (r < 0) {
                (void) sd_bus_message_unref(m);
                return r;
        }
        *ret = m;
        return 0;
}

static int call_run(Call *c) {
        sd_bus_message *m = NULL;
        sigset_t mask;
        int r;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGINT);
        (void) sigaddset(&mask, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        r = sd_event_add_signal(c->event, NULL, SIGINT, on_signal, c);
        if (r >= 0)
                r = sd_event_add_signal(c->event, NULL, SIGTERM, on_signal, c);
        if (r >= 0)
                r = sd_bus_attach_event(c->bus, c->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal(c->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_gone, c);
        /* Before the call, so that nothing is missed between the two. */
        if (r >= 0)
                r = sd_bus_add_match(c->bus, NULL, AGENT_MATCH_PROPERTIES, on_changed, c);
        if (r >= 0)
                r = call_new(c->args, c->bus, false, &m);
        if (r >= 0)
                r = sd_bus_call_async(c->bus, NULL, m, on_reply, c, UINT64_MAX);
        if (r >= 0 && !c->args->no_wait)
                r = ask_waiting(c);
        (void) sd_bus_message_unref(m);
        if (r < 0)
                return r;
        return sd_event_loop(c->event);
}

static int verb_call(const Args *a) {
        Call c = { .args = a };
        int r;

        r = bus_open(a, &c.bus);
        if (r < 0)
                return CTL_FAILED;
        r = sd_event_new(&c.event);
        if (r >= 0)
                r = call_run(&c);
        if (r >= 0)
                r = c.exit;
        else {
                sd_bus_error error = SD_BUS_ERROR_NULL;
                r = bus_explain(a, what_failed(a), &error, r);
        }
        (void) sd_bus_flush_close_unref(c.bus);
        (void) sd_event_unref(c.event);
        free(c.waiting);
        return r;
}

int verb_bootstrap(const Args *a) {
        return verb_call(a);
}

int verb_join(const Args *a) {
        return verb_call(a);
}

/* Only a person at a terminal can be asked. */
static int consent(const Args *a) {
        char answer[16] = "";

        if (a->yes)
                return 1;
        if (a->json || !isatty(STDIN_FILENO)) {
                (void) ctl_fail(a, "Nothing was done", NULL, "That wants a person's consent.", "To give it: mainstayctl recover --yes");
                return 0;
        }
        fputs("Go on? [y/N] ", stderr);
        if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y')) {
                fputs("Nothing was done.\n", stderr);
                return 0;
        }
        return 1;
}

/* What would be done is said first, always. */
static int recover_preview(const Args *a, sd_bus *bus) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_free_ char *name = NULL;
        const char *text;
        int r, end = CTL_OK;

        r = bus_text(bus, "Name", &error, &name);
        if (r >= 0 && a->node && !streq(a->node, name)) {
                char why[256];

                (void) snprintf(why, sizeof(why), "This is %.60s, and %.60s is recovered by its own agent. On %.60s: mainstayctl recover", name, a->node, a->node);
                return ctl_fail(a, "Nothing was done", NULL, why, NULL);
        }
        if (r >= 0)
                r = call_new(a, bus, true, &m);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                end = bus_explain(a, what_failed(a), &error, r);
        else if (a->json && a->dry_run) {
                json_t *o = json_pack("{s:b, s:s}", "ok", 1, "steps", text);

                (void) json_dumpf(o, stdout, JSON_INDENT(2));
                json_decref(o);
                putchar('\n');
        } else {
                FILE *f = a->json ? stderr : stdout;
                Style style = style_of(f);

                for (const char *p = text; *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n')) {
                        _cleanup_free_ char *line = strndup(p, strcspn(p, "\n"));

                        if (line)
                                text_print(f, &style, 0, false, line);
                }
                (void) fflush(f);
        }
        sd_bus_error_free(&error);
        (void) sd_bus_message_unref(reply);
        (void) sd_bus_message_unref(m);
        return end;
}

/* Servers that replicate, and nodes of Galera's that are only shunned. */
static bool is_datasource(const json_t *picture) {
        const json_t *report = json_object_get(picture, "report");

        return service_is(picture) || json_is_object(json_object_get(report, "shun")) || json_is_true(json_object_get(report, "offline"));
}

int verb_recover(const Args *a) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        json_t *picture = NULL;
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;
        r = bus_picture(bus, &error, &picture);
        if (r < 0) {
                r = bus_explain(a, what_failed(a), &error, r);
                sd_bus_error_free(&error);
                (void) sd_bus_flush_close_unref(bus);
                return r;
        }
        if (is_datasource(picture)) {
                Args here = *a;

                /* Of a cluster's nodes each is another matter: this one, where none is named. */
                if (!service_is(picture))
                        here.node = str_or(a->node, "");
                r = recover_datasources(&here, picture);
                json_decref(picture);
                (void) sd_bus_flush_close_unref(bus);
                return r;
        }
        json_decref(picture);
        r = recover_preview(a, bus);
        (void) sd_bus_flush_close_unref(bus);
        if (r != CTL_OK || a->dry_run)
                return r;
        return consent(a) ? verb_call(a) : CTL_FAILED;
}
