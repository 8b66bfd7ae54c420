/* `mainstayctl status` and `report`: what the agent knows, once or whenever it
 * changes. */
#include "edge/ctl-bus.h"
#include "edge/ctl-service.h"
#include "edge/ctl-table.h"
#include "edge/ctl-verbs.h"

#include <time.h>

static int picture_print(const Args *a, json_t *picture) {
        Style style = style_of(stdout);
        bool service = service_is(picture);

        if (a->json) {
                json_t *o;

                if (service && service_json(picture, &o) >= 0)
                        (void) json_object_set_new(picture, "service", o);
                if (json_dumpf(picture, stdout, a->watch ? JSON_COMPACT : JSON_INDENT(2)) < 0)
                        return -EIO;
                putchar('\n');
                return 0;
        }
        return service ? service_print(stdout, &style, picture) : table_status(stdout, &style, picture);
}

typedef struct Watch {
        const Args *args;
        sd_bus *bus;
        sd_event *event;
        sd_event_source *redraw; /* off until something changed: many changes, one picture */
        int exit;
} Watch;

/* A screen anew on a terminal, else one picture below the other. */
static void watch_begin(const Watch *w) {
        time_t now = time(NULL);
        struct tm tm;
        char text[32] = "";

        if (w->args->json)
                return;
        if (localtime_r(&now, &tm))
                (void) strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
        fputs(isatty(STDOUT_FILENO) ? "\033[H\033[2J\033[3J" : "\n", stdout);
        printf("%s\n\n", text);
}

static int on_redraw(sd_event_source *s, void *userdata) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        json_t *picture = NULL;
        Watch *w = userdata;
        int r;

        r = bus_picture(w->bus, &error, &picture);
        if (r >= 0) {
                watch_begin(w);
                r = picture_print(w->args, picture);
                json_decref(picture);
        } else if (bus_error_absent(&error)) {
                watch_begin(w);
                if (w->args->json)
                        puts("null");
                else
                        puts("The agent, mainstayd, does not run. Where somebody has stopped it, start it there: systemctl start mainstayd; else systemd does. This goes on when it is back.");
                r = 0;
        } else {
                w->exit = bus_explain(w->args, "The state of the cluster cannot be read", &error, r);
                r = sd_event_exit(w->event, w->exit);
        }
        sd_bus_error_free(&error);
        (void) fflush(stdout);
        return r;
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Watch *w = userdata;

        return sd_event_source_set_enabled(w->redraw, SD_EVENT_ONESHOT);
}

static int on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        Watch *w = userdata;

        w->exit = bus_explain(w->args, "The connection to the agent is lost", &e, -ECONNRESET);
        return sd_event_exit(w->event, w->exit);
}

static int watch(const Args *a, sd_bus *bus) {
        Watch w = { .args = a, .bus = bus };
        int r;

        r = sd_event_new(&w.event);
        if (r >= 0)
                r = sd_bus_attach_event(bus, w.event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_event_add_defer(w.event, &w.redraw, on_redraw, &w);
        if (r >= 0)
                r = sd_event_source_set_priority(w.redraw, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, AGENT_MATCH_PROPERTIES, on_change, &w);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, AGENT_MATCH_OWNER, on_change, &w);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_gone, &w);
        if (r >= 0)
                r = sd_event_loop(w.event);
        (void) sd_bus_detach_event(bus);
        (void) sd_event_source_unref(w.redraw);
        (void) sd_event_unref(w.event);
        return r < 0 ? r : w.exit;
}

int verb_status(const Args *a) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        json_t *picture = NULL;
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;

        if (a->watch)
                r = watch(a, bus);
        else {
                r = bus_picture(bus, &error, &picture);
                if (r < 0)
                        r = bus_explain(a, "The state of the cluster cannot be read", &error, r);
                else
                        r = picture_print(a, picture);
        }

        json_decref(picture);
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
        return r;
}

int verb_report(const Args *a) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *report = NULL;
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;
        r = bus_text(bus, "Report", &error, &report);
        if (r < 0)
                r = bus_explain(a, "The report of this node cannot be read", &error, r);
        else {
                puts(report);
                r = CTL_OK;
        }
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
        return r;
}
