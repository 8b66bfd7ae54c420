/* Authorisation; see polkit.h. */
#include "edge/polkit.h"
#include "sys/log.h"

/* A person may have to type a password first. */
#define POLKIT_TIMEOUT (120 * USEC_PER_SEC)

typedef struct Question {
        sd_bus_message *call;
        int (*run)(sd_bus_message *call, Manager *m);
        Manager *manager;
} Question;

static void question_free(void *p) {
        Question *q = p;

        (void) sd_bus_message_unref(q->call);
        free(q);
}

static int run_call(sd_bus_message *call, int (*run)(sd_bus_message *call, Manager *m), Manager *m) {
        int r;

        r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = run(call, m);
        if (r < 0)
                (void) sd_bus_reply_method_errno(call, r, NULL);
        return 1;
}

static int polkit_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Question *q = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        int yes = false, challenge = false;

        if (e)
                return sd_bus_reply_method_errorf(q->call, SD_BUS_ERROR_ACCESS_DENIED, "polkit did not answer (%s), so only root may do this.", str_or(e->message, e->name));
        if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 || sd_bus_message_read(reply, "bb", &yes, &challenge) < 0)
                yes = false;
        if (!yes)
                return sd_bus_reply_method_errorf(q->call, challenge ? SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED : SD_BUS_ERROR_ACCESS_DENIED,
                                                  "You are not allowed to do this: be root, or see the actions org.mainstay1.* of polkit.");
        return run_call(q->call, q->run, q->manager);
}

int polkit_authorise(sd_bus_message *call, const char *action, int (*run)(sd_bus_message *call, Manager *m), Manager *m) {
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        sd_bus_slot *slot;
        Question *q;
        uid_t uid;
        int r;

        if (sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds) >= 0 && sd_bus_creds_get_euid(creds, &uid) >= 0 && uid == 0)
                return run_call(call, run, m);

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = (Question) { sd_bus_message_ref(call), run, m };
        {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *ask = NULL;
                int interactive = sd_bus_message_get_allow_interactive_authorization(call);

                r = sd_bus_message_new_method_call(m->bus, &ask, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                                                   "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
                if (r >= 0)
                        r = sd_bus_message_append(ask, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", sd_bus_message_get_sender(call),
                                                  action, 0, (uint32_t) (interactive > 0), "");
                if (r >= 0)
                        r = sd_bus_call_async(m->bus, &slot, ask, polkit_answered, q, POLKIT_TIMEOUT);
        }
        if (r < 0) {
                question_free(q);
                return r;
        }
        (void) sd_bus_slot_set_destroy_callback(slot, question_free);
        (void) sd_bus_slot_set_floating(slot, true);
        (void) sd_bus_slot_unref(slot);
        return 1;
}
