/* What systemd says of a state: a unit's properties, and its own; see unit-state.h. */
#include "adapter/unit-state.h"

static void word_copy(char *to, const char *from) {
        (void) snprintf(to, UNIT_WORD_SIZE, "%s", from);
}

bool unit_state_equal(const UnitState *a, const UnitState *b) {
        return streq(a->load, b->load) && streq(a->active, b->active) && streq(a->sub, b->sub) && streq(a->result, b->result) &&
               streq(a->unit_file_state, b->unit_file_state) && streq(a->invocation, b->invocation) && a->main_pid == b->main_pid;
}

static int property_word(sd_bus_message *m, void *to) {
        const char *s;
        int r;

        r = sd_bus_message_read(m, "s", &s);
        if (r < 0)
                return r;
        word_copy(to, s);
        return 0;
}

static int property_pid(sd_bus_message *m, void *to) {
        uint32_t pid;
        int r;

        r = sd_bus_message_read(m, "u", &pid);
        if (r < 0)
                return r;
        *(pid_t *) to = (pid_t) pid;
        return 0;
}

static int property_invocation(sd_bus_message *m, void *to) {
        const void *id;
        size_t n;
        char *text = to;
        int r;

        r = sd_bus_message_read_array(m, 'y', &id, &n);
        if (r < 0)
                return r;
        text[0] = '\0';
        for (size_t i = 0; i < n && n == 16; i++)
                (void) snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *) id)[i]);
        return 0;
}

/* The signature goes with the name: a property of that name and another type is not
 * ours. */
int unit_state_read(sd_bus_message *m, UnitState *state) {
        static const struct {
                const char *name, *contents;
                size_t offset;
                int (*read)(sd_bus_message *m, void *to);
        } table[] = {
                { "LoadState", "s", offsetof(UnitState, load), property_word },
                { "ActiveState", "s", offsetof(UnitState, active), property_word },
                { "SubState", "s", offsetof(UnitState, sub), property_word },
                { "Result", "s", offsetof(UnitState, result), property_word },
                { "UnitFileState", "s", offsetof(UnitState, unit_file_state), property_word },
                { "InvocationID", "ay", offsetof(UnitState, invocation), property_invocation },
                { "MainPID", "u", offsetof(UnitState, main_pid), property_pid },
        };
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *name, *contents;
                size_t i = 0;
                char type;

                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                r = sd_bus_message_peek_type(m, &type, &contents);
                if (r < 0)
                        return r;
                while (i < ELEMENTS(table) && !(streq(name, table[i].name) && streq(contents, table[i].contents)))
                        i++;
                if (i == ELEMENTS(table)) {
                        r = sd_bus_message_skip(m, "v");
                } else {
                        r = sd_bus_message_enter_container(m, 'v', contents);
                        if (r >= 0)
                                r = table[i].read(m, (char *) state + table[i].offset);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(m);
                }
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(m);
}

void unit_state_end(UnitState *state) {
        if (!streq(state->active, "failed")) {
                word_copy(state->active, "inactive");
                word_copy(state->sub, "dead");
        }
        state->main_pid = 0;
}

/* The system's state */

typedef struct SystemStateCall {
        unit_system_state_t done;
        void *userdata;
} SystemStateCall;

static int system_state_got(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        SystemStateCall call = *(SystemStateCall *) userdata; /* it may go with its slot */
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *state = NULL;
        int r;

        if (error) {
                r = -sd_bus_error_get_errno(error);
                call.done(r < 0 ? r : -EIO, NULL, call.userdata);
                return 0;
        }
        r = sd_bus_message_read(m, "v", "s", &state);
        call.done(r < 0 ? r : 0, r < 0 ? NULL : state, call.userdata);
        return 0;
}

int unit_system_state(sd_bus *bus, unit_system_state_t done, void *userdata, sd_bus_slot **ret) {
        SystemStateCall *call;
        sd_bus_slot *slot;
        int r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (SystemStateCall) { done, userdata };
        r = sd_bus_call_method_async(bus, &slot, SYSTEMD, SYSTEMD_PATH, PROPERTIES, "Get", system_state_got, call, "ss", MANAGER,
                                     "SystemState");
        if (r >= 0)
                r = sd_bus_slot_set_destroy_callback(slot, free);
        if (r < 0) {
                free(call);
                return r;
        }

        *ret = slot;
        return 0;
}
