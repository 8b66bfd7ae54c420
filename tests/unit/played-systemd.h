/* systemd, played by the test on a bus of its own: one unit that it follows, and
 * others that are only there to be started. */
#pragma once

#include "adapter/unit.h"
#include "private-bus.h"

#define ID "mariadb.service"
#define UNIT_PATH "/org/freedesktop/systemd1/unit/mariadb_2eservice"
#define ROOT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define JOB_PATH "/org/freedesktop/systemd1/job/7"
#define OTHER_PATH "/org/freedesktop/systemd1/unit/other_2eservice"
#define OTHER_JOB_PATH "/org/freedesktop/systemd1/job/9"

typedef struct Systemd {
        sd_bus *bus;
        sd_bus_slot *slot;
        UnitState unit;
        bool subscribed, loaded;
        bool collects; /* a unit that is only looked at is dropped again */
        bool refuses;
        bool mute; /* answers no GetAll */
        unsigned loads, gets, starts, stops;
        char mode[16];
        const char *state; /* of the system; NULL: it is up */
        const char *dropin; /* of the unit; NULL: there is none */
        /* Another unit was asked for: what comes of that is the test's. */
        void (*other_started)(void *userdata);
        void *userdata;
} Systemd;

static inline void manager_signal(Systemd *s, const char *member, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        va_list ap;

        assert_true(sd_bus_message_new_signal(s->bus, &m, ROOT, MANAGER, member) >= 0);
        va_start(ap, types);
        assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
        va_end(ap);
        assert_true(sd_bus_send(s->bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(s->bus) >= 0);
}

/* As systemd: whoever looks at a unit that is not loaded has it loaded, and nobody else needs it. */
static inline void systemd_look(Systemd *s) {
        if (s->loaded)
                return;
        manager_signal(s, "UnitNew", "so", ID, UNIT_PATH);
        if (s->collects)
                manager_signal(s, "UnitRemoved", "so", ID, UNIT_PATH);
        else
                s->loaded = true;
}

static inline void append_properties(const UnitState *u, sd_bus_message *m) {
        uint8_t id[16];

        for (size_t i = 0; i < sizeof(id); i++)
                if (!u->invocation[0])
                        id[i] = (uint8_t) (i * 17);
                else
                        assert_int_equal(sscanf(u->invocation + 2 * i, "%2hhx", &id[i]), 1);
        assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
        assert_true(sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "Id", "s", ID, "LoadState", "s", u->load, "ActiveState", "s",
                                          u->active, "SubState", "s", u->sub, "UnitFileState", "s", u->unit_file_state,
                                          "Requires", "as", 1, "sysinit.target") >= 0);
        assert_true(sd_bus_message_append(m, "{sv}{sv}", "Result", "s", u->result, "MainPID", "u", (uint32_t) u->main_pid) >= 0);
        /* A name of ours with another type is passed over. */
        assert_true(sd_bus_message_append(m, "{sv}", "Result", "u", 7) >= 0);
        assert_true(sd_bus_message_open_container(m, 'e', "sv") >= 0);
        assert_true(sd_bus_message_append(m, "s", "InvocationID") >= 0);
        assert_true(sd_bus_message_open_container(m, 'v', "ay") >= 0);
        assert_true(sd_bus_message_append_array(m, 'y', id, u->main_pid ? sizeof(id) : 0) >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
}

static inline int systemd_called(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Systemd *s = userdata;
        const char *member = sd_bus_message_get_member(m), *name;

        if (streq(member, "Subscribe")) {
                s->subscribed = true;
                return sd_bus_reply_method_return(m, NULL);
        }
        if (streq(member, "LoadUnit")) {
                assert_true(sd_bus_message_read(m, "s", &name) >= 0);
                if (!streq(name, ID))
                        return sd_bus_reply_method_return(m, "o", OTHER_PATH);
                s->loads++;
                if (s->refuses)
                        return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.Refused", "no such thing");
                systemd_look(s);
                return sd_bus_reply_method_return(m, "o", UNIT_PATH);
        }
        if (streq(member, "GetUnit")) {
                assert_true(sd_bus_message_read(m, "s", &name) >= 0);
                if (!streq(name, ID))
                        return sd_bus_reply_method_return(m, "o", OTHER_PATH);
                if (!s->loaded)
                        return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.NoSuchUnit", "not loaded");
                return sd_bus_reply_method_return(m, "o", UNIT_PATH);
        }
        if (streq(member, "GetAll")) {
                static const UnitState other = { .load = "loaded", .active = "inactive", .sub = "dead", .result = "success" };
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
                bool is_other = streq(sd_bus_message_get_path(m), OTHER_PATH);

                s->gets += !is_other;
                if (s->mute)
                        return 1;
                if (!is_other)
                        systemd_look(s);
                assert_true(sd_bus_message_new_method_return(m, &reply) >= 0);
                append_properties(is_other ? &other : &s->unit, reply);
                return sd_bus_send(NULL, reply, NULL);
        }
        if (streq(member, "Get")) {
                const char *interface, *property;

                assert_true(sd_bus_message_read(m, "ss", &interface, &property) >= 0);
                if (streq(property, "DropInPaths"))
                        return sd_bus_reply_method_return(m, "v", "as", s->dropin ? 1 : 0, s->dropin);
                return sd_bus_reply_method_return(m, "v", "s", streq(property, "ActiveState") ? s->unit.active : streq(property, "SubState") ? s->unit.sub
                                                             : streq(property, "Result") ? s->unit.result : s->state ? s->state : "degraded");
        }
        if (streq(member, "StartUnit") || streq(member, "StopUnit")) {
                const char *mode;

                assert_true(sd_bus_message_read(m, "ss", &name, &mode) >= 0);
                if (!streq(name, ID)) {
                        assert_true(sd_bus_reply_method_return(m, "o", OTHER_JOB_PATH) >= 0);
                        if (s->other_started)
                                s->other_started(s->userdata);
                        return 1;
                }
                if (streq(member, "StartUnit"))
                        s->starts++;
                else
                        s->stops++;
                (void) snprintf(s->mode, sizeof(s->mode), "%s", mode);
                if (s->refuses)
                        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "not you");
                return sd_bus_reply_method_return(m, "o", JOB_PATH);
        }
        return 0;
}

static inline void systemd_come(Systemd *s, const PrivateBus *b, sd_event *event) {
        s->bus = private_bus_open(b, event);
        assert_true(sd_bus_add_fallback(s->bus, &s->slot, ROOT, systemd_called, s) >= 0);
        assert_true(sd_bus_request_name(s->bus, "org.freedesktop.systemd1", 0) >= 0);
}

static inline void systemd_go(Systemd *s) {
        s->slot = sd_bus_slot_unref(s->slot);
        s->bus = sd_bus_close_unref(s->bus);
}

static inline void systemd_says_of(Systemd *s, const char *interface, const char *active, const char *sub, pid_t pid) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        (void) snprintf(s->unit.active, UNIT_WORD_SIZE, "%s", active);
        (void) snprintf(s->unit.sub, UNIT_WORD_SIZE, "%s", sub);
        s->unit.main_pid = pid;
        assert_true(sd_bus_message_new_signal(s->bus, &m, UNIT_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged") >= 0);
        assert_true(sd_bus_message_append(m, "s", interface) >= 0);
        append_properties(&s->unit, m);
        assert_true(sd_bus_message_append(m, "as", 0) >= 0);
        assert_true(sd_bus_send(s->bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(s->bus) >= 0);
}

static inline void systemd_says(Systemd *s, const char *active, const char *sub, pid_t pid) {
        systemd_says_of(s, "org.freedesktop.systemd1.Unit", active, sub, pid);
}
