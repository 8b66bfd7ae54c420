/* The agent, as mainstayctl reaches it; see ctl-bus.h. */
#include "edge/ctl-bus.h"
#include "edge/ctl-text.h"

#include <ctype.h>

static int open_address(const char *address, sd_bus **ret) {
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                (void) sd_bus_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

int bus_open(const Args *a, sd_bus **ret) {
        char what[256];
        int r;

        r = a->address ? open_address(a->address, ret)
          : a->host    ? sd_bus_open_system_remote(ret, a->host)
                       : sd_bus_open_system(ret);
        if (r >= 0)
                return 0;

        (void) snprintf(what, sizeof(what), "There is no way to %.200s", a->address ? a->address : a->host ? a->host : "the system's bus");
        (void) ctl_fail(a, what, NULL, strerror(-r),
                        a->host      ? "It wants ssh to that host, and systemd-stdio-bridge there, as `systemctl -H` does. What fails, shows: ssh HOST systemd-stdio-bridge < /dev/null"
                        : a->address ? "Is it the address of a bus, as in unix:path=/run/dbus/system_bus_socket? Without --address it is the system's."
                                     : "Mainstay goes on without it where it can. Is D-Bus up? systemctl status dbus.socket");
        return r;
}

/* One value of a message, as JSON; a variant as what it holds. */
static int value_read(sd_bus_message *m, json_t **ret) {
        const char *contents;
        json_t *v = NULL;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;

        switch (type) {
        case 's':
        case 'o':
        case 'g': {
                const char *s;
                r = sd_bus_message_read_basic(m, type, &s);
                if (r >= 0)
                        v = json_string(s);
                break;
        }
        case 'b': {
                int b;
                r = sd_bus_message_read_basic(m, type, &b);
                if (r >= 0)
                        v = json_boolean(b);
                break;
        }
        case 'i': {
                int32_t i;
                r = sd_bus_message_read_basic(m, type, &i);
                if (r >= 0)
                        v = json_integer(i);
                break;
        }
        case 'u': {
                uint32_t u;
                r = sd_bus_message_read_basic(m, type, &u);
                if (r >= 0)
                        v = json_integer(u);
                break;
        }
        case 'x':
        case 't': {
                int64_t x;
                r = sd_bus_message_read_basic(m, type, &x);
                if (r >= 0)
                        v = json_integer(x);
                break;
        }
        case 'v':
                r = sd_bus_message_enter_container(m, 'v', contents);
                if (r >= 0)
                        r = value_read(m, &v);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                break;
        case 'a':
        case 'r':
                r = sd_bus_message_enter_container(m, type, contents);
                v = json_array();
                while (r >= 0 && v) {
                        json_t *item;

                        r = sd_bus_message_at_end(m, false);
                        if (r != 0)
                                break;
                        r = value_read(m, &item);
                        if (r >= 0 && json_array_append_new(v, item) < 0)
                                r = -ENOMEM;
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                break;
        default:
                r = sd_bus_message_skip(m, NULL);
                v = json_null();
        }

        if (r < 0) {
                json_decref(v);
                return r;
        }
        if (!v)
                return -ENOMEM;
        *ret = v;
        return 0;
}

/* "SafeToBootstrap" to "safe_to_bootstrap". */
static void key_name(const char *property, char *buf, size_t size) {
        size_t n = 0;

        for (const char *p = property; *p && n + 2 < size; p++) {
                if (isupper((unsigned char) *p) && p > property)
                        buf[n++] = '_';
                buf[n++] = (char) tolower((unsigned char) *p);
        }
        buf[n] = 0;
}

/* A struct, which arrived as an array, as an object with these keys. */
static json_t *with_keys(const json_t *array, const char *const *keys) {
        json_t *o = json_object();

        for (size_t i = 0; keys[i]; i++) {
                json_t *v = json_array_get(array, i);
                (void) json_object_set_new(o, keys[i], v ? json_incref(v) : json_null());
        }
        return o;
}

static json_t *each_with_keys(const json_t *array, const char *const *keys) {
        json_t *a = json_array(), *item;
        size_t i;

        json_array_foreach((json_t *) array, i, item)
                (void) json_array_append_new(a, with_keys(item, keys));
        return a;
}

/* JSON within a text. */
static json_t *parsed(const json_t *text) {
        const char *s = json_string_value(text);
        json_t *v = s && *s ? json_loads(s, 0, NULL) : NULL;

        return v ? v : json_null();
}

static void picture_shape(json_t *o) {
        static const char *const position[] = { "uuid", "seqno", "source", NULL };
        static const char *const view[] = { "uuid", "seqno", "members", NULL };
        static const char *const entry[] = { "id", "uuid", "seqno", NULL };
        static const char *const policy[] = { "name", "version", "node", NULL };
        static const char *const peer[] = { "label", "node", "condition", "why", "report", NULL };
        json_t *peers, *p;
        json_int_t safe;
        size_t i;

        (void) json_object_set_new(o, "position", with_keys(json_object_get(o, "position"), position));
        (void) json_object_set_new(o, "view", with_keys(json_object_get(o, "view"), view));
        if (json_object_get(o, "policy"))
                (void) json_object_set_new(o, "policy", with_keys(json_object_get(o, "policy"), policy));
        (void) json_object_set_new(o, "history", each_with_keys(json_object_get(o, "history"), entry));
        (void) json_object_set_new(o, "report", parsed(json_object_get(o, "report")));
        (void) json_object_set_new(o, "plan", parsed(json_object_get(o, "plan")));
        if (json_object_get(o, "job"))
                (void) json_object_set_new(o, "job", parsed(json_object_get(o, "job")));

        safe = json_integer_value(json_object_get(o, "safe_to_bootstrap"));
        (void) json_object_set_new(o, "safe_to_bootstrap", safe < 0 ? json_null() : json_boolean(safe > 0));

        peers = each_with_keys(json_object_get(o, "peers"), peer);
        json_array_foreach(peers, i, p)
                (void) json_object_set_new(p, "report", parsed(json_object_get(p, "report")));
        (void) json_object_set_new(o, "peers", peers);
}

int bus_picture(sd_bus *bus, sd_bus_error *error, json_t **ret) {
        sd_bus_message *m = NULL;
        json_t *o = NULL;
        int r;

        r = sd_bus_call_method(bus, AGENT_NAME, AGENT_PATH, "org.freedesktop.DBus.Properties", "GetAll", error, &m, "s",
                               AGENT_NODE);
        if (r < 0)
                return r;

        o = json_object();
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *property;
                char key[64];
                json_t *v;

                r = sd_bus_message_read_basic(m, 's', &property);
                if (r < 0)
                        break;
                key_name(property, key, sizeof(key));
                r = value_read(m, &v);
                if (r < 0)
                        break;
                if (json_object_set_new(o, key, v) < 0) {
                        r = -ENOMEM;
                        break;
                }
                r = sd_bus_message_exit_container(m);
        }
        (void) sd_bus_message_unref(m);
        if (r < 0) {
                json_decref(o);
                return r;
        }

        picture_shape(o);
        *ret = o;
        return 0;
}

int bus_text(sd_bus *bus, const char *property, sd_bus_error *error, char **ret) {
        return sd_bus_get_property_string(bus, AGENT_NAME, AGENT_PATH, AGENT_NODE, property, error, ret);
}

bool bus_error_absent(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                      "org.freedesktop.systemd1.NoSuchUnit");
}

/* Returns what a person can do about it. */
static const char *remedy(const Args *a, const sd_bus_error *error, int r) {
        if (bus_error_absent(error))
                return "The agent, mainstayd, does not run. Where it ended by itself, systemd starts it again; where somebody has stopped it, start it there: systemctl start mainstayd. "
                       "Meanwhile mysqld goes on, and starts as a joiner only. "
                       "See `systemctl status mainstayd`; on a new node: mainstayctl setup";
        if (sd_bus_error_has_names(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, SD_BUS_ERROR_ACCESS_DENIED))
                return "Nothing was changed. Type the same behind sudo; how others may be allowed to is in mainstayd(8).";
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_METHOD) || sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_INTERFACE) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_PROPERTY))
                return "The agent is of another version than this command. Install the same on both sides.";
        if (a->host && (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE || r == -ECONNREFUSED))
                return "ssh to that host did not lead to its bus. It wants a login there, and systemd-stdio-bridge, as `systemctl -H` does. What fails, shows: ssh HOST systemd-stdio-bridge < /dev/null";
        if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE || sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                return "The bus, or the agent, went away meanwhile. What was decided before still holds: mainstayctl status";
        if (r == -ENOENT || r == -ECONNREFUSED)
                return "There is no bus. Is D-Bus up? systemctl status dbus.socket";
        if (r == -ETIMEDOUT)
                return "It may be busy, or stuck; systemd restarts it when it does not move for five minutes. Try again, or see `journalctl -u mainstayd`.";
        /* Whoever has words of its own says in them what to do. */
        return error->message ? NULL : "What the agent is doing, shows: systemctl status mainstayd";
}

int bus_explain(const Args *a, const char *what, const sd_bus_error *error, int r) {
        return ctl_fail(a, what, error->name, error->message ? error->message : strerror(r < 0 ? -r : EIO), remedy(a, error, r));
}

int ctl_fail(const Args *a, const char *what, const char *error, const char *text, const char *help) {
        Style style = style_of(stderr);

        if (a->json) {
                json_t *o = json_pack("{s:b, s:s, s:s?, s:s, s:s?}", "ok", 0, "failed", what, "error", error, "text",
                                      text, "remedy", help);
                if (o)
                        (void) json_dumpf(o, stdout, JSON_INDENT(2));
                json_decref(o);
                putchar('\n');
                return CTL_FAILED;
        }

        fprintf(stderr, "%smainstayctl: %s.%s\n", style_begin(&style, COLOUR_RED), what, style_end(&style, COLOUR_RED));
        text_print(stderr, &style, 2, false, text);
        if (help)
                text_print(stderr, &style, 2, false, help);
        return CTL_FAILED;
}
