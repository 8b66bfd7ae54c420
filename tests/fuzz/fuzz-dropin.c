/* Units of mysqld and their drop-ins, as vendors and operators write them: what is made of
 * one is a drop-in in which nobody asks InnoDB for the position, and the same again. */
#include "edge/ctl-dropin.h"
#include "fuzz.h"

static const char template_text[] = "[Service]\nEnvironment=\"D={{datadir}}\" \"O={{options}}\"\n{{start_pre}}\nExecStartPre=GATE\n{{start}}\n";

static int make(const char *unit, const char *more, Dropin *ret) {
        const DropinNode node = { .unit = "m.service", .datadir = "/d%", .base_dir = "/b\"", .server = "/s", .options = "--f=a%b" };
        const DropinSource sources[] = { { "/lib/systemd/system/m.service", unit }, { "/etc/systemd/system/m.service.d/x.conf", more } };
        char error[256] = "";
        int r = dropin_make(sources, 2, &node, template_text, ret, error);

        MUST(r == 0 || (r == -EBADMSG && error[0] && strlen(error) < sizeof(error)));
        return r;
}

/* A unit, and, behind a form feed, a drop-in of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = input_text(data, size), *more = strchr(text, '\f'), *value;
        Dropin d = {0}, again = {0};

        if (more)
                *more++ = '\0';
        if (make(text, str_or(more, ""), &d) == 0) {
                MUST(d.text && strstr(d.text, "\nExecStartPre=GATE\n") && d.n_left_out <= DROPIN_LINES_MAX);
                MUST(!strstr(d.text, "galera_recovery") && !strstr(d.text, "galera-recovery"));
                MUST(make(text, str_or(more, ""), &again) == 0 && streq(d.text, again.text));
                dropin_done(&again);
                dropin_done(&d);
        }
        if (dropin_setting(text, "User", &value) >= 0) {
                MUST(!strchr(value, '\n'));
                free(value);
        }
        free(text);
        return 0;
}
