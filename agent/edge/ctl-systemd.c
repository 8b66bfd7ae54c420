/* systemd; see ctl-systemd.h. */
#include "edge/ctl-systemd.h"

int systemd_unit(sd_bus *bus, const char *name, char **ret_path) {
        sd_bus_message *reply = NULL;
        const char *path;
        char *copy = NULL;
        int r;

        r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD ".Manager", "LoadUnit", NULL, &reply, "s", name);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0 && !(copy = strdup(path)))
                r = -ENOMEM;
        (void) sd_bus_message_unref(reply);
        if (r < 0)
                return r;
        *ret_path = copy;
        return 0;
}
