/* `mainstayctl status` and `report`: what the agent knows, once or whenever it
 * changes. */
#include "edge/ctl-bus.h"
#include "edge/ctl-service.h"
#include "edge/ctl-table.h"
#include "edge/ctl-verbs.h"
#include "edge/ctl-watch.h"

static int picture_print(FILE *f, const Style *style, const Args *a, json_t *picture) {
        bool service = service_is(picture);

        if (a->json) {
                json_t *o;

                if (service && service_json(picture, &o) >= 0)
                        (void) json_object_set_new(picture, "service", o);
                if (json_dumpf(picture, f, a->watch ? JSON_COMPACT : JSON_INDENT(2)) < 0)
                        return -EIO;
                fputc('\n', f);
                return 0;
        }
        return service ? service_print(f, style, picture) : table_status(f, style, picture);
}

int verb_status(const Args *a) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Style style = style_of(stdout);
        json_t *picture = NULL;
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;

        if (a->watch)
                r = watch_run(a, bus, picture_print);
        else {
                r = bus_picture(bus, &error, &picture);
                if (r < 0)
                        r = bus_explain(a, "The state of the cluster cannot be read", &error, r);
                else
                        r = picture_print(stdout, &style, a, picture);
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
