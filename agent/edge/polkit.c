/* Authorisation; see polkit.h. */
#include "edge/polkit.h"
#include "base/reason.h"
#include "sys/log.h"

/* A person may have to type a password first. */
#define POLKIT_TIMEOUT (120 * USEC_PER_SEC)

static const char *const actions[_INTENT_MAX] = {
        [INTENT_VIEW] = "org.mainstay1.view",
        [INTENT_OPERATE] = "org.mainstay1.operate",
        [INTENT_BOOTSTRAP] = "org.mainstay1.bootstrap",
        [INTENT_PROVISION] = "org.mainstay1.provision",
};

/* The bus lets the agent have some 128 questions open, its own to systemd among them. */
#define QUESTIONS_MAX 64
#define QUESTIONS_OF_ONE 4

typedef struct Question {
        struct Question *next;
        sd_bus_message *call;
        Intent intent;
        int (*run)(sd_bus_message *call, Manager *m);
        Manager *manager;
} Question;

/* Those that are open, of the one bus that this process has. They may outlive the manager. */
static Question *questions;

static void question_free(void *p) {
        Question *q = p, **at = &questions;

        while (*at && *at != q)
                at = &(*at)->next;
        if (*at)
                *at = q->next;
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
                return sd_bus_reply_method_errorf(q->call, SD_BUS_ERROR_ACCESS_DENIED, "polkit, which knows who else may do this (%s), does not answer: %.*s. So only root may.",
                                                  actions[q->intent], reason_length(str_or(e->message, e->name)), str_or(e->message, e->name));
        if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 || sd_bus_message_read(reply, "bb", &yes, &challenge) < 0)
                yes = false;
        if (!yes && challenge)
                return sd_bus_reply_method_errorf(q->call, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "polkit wants a password for this (%s), and finds nobody whom it could ask for it.", actions[q->intent]);
        if (!yes)
                return sd_bus_reply_method_errorf(q->call, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not allow you to do this (%s).", actions[q->intent]);
        return run_call(q->call, q->run, q->manager);
}

static bool asks_enough(sd_bus_message *call) {
        const char *sender = str_or(sd_bus_message_get_sender(call), "");
        size_t n = 0, own = 0;

        for (const Question *q = questions; q; q = q->next) {
                own += streq(str_or(sd_bus_message_get_sender(q->call), ""), sender);
                n++;
        }
        return own >= QUESTIONS_OF_ONE || n >= QUESTIONS_MAX;
}

int polkit_authorise(sd_bus_message *call, Intent intent, int (*run)(sd_bus_message *call, Manager *m), Manager *m) {
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        sd_bus_slot *slot;
        Question *q;
        uid_t uid;
        int r;

        if (sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds) >= 0 && sd_bus_creds_get_euid(creds, &uid) >= 0 && uid == 0)
                return run_call(call, run, m);
        if (asks_enough(call))
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED, "polkit is being asked about too many calls already. Try again in a moment.");

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = (Question) { .call = sd_bus_message_ref(call), .intent = intent, .run = run, .manager = m, .next = questions };
        questions = q;
        {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *ask = NULL;
                int interactive = sd_bus_message_get_allow_interactive_authorization(call);

                r = sd_bus_message_new_method_call(m->bus, &ask, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                                                   "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
                if (r >= 0)
                        r = sd_bus_message_append(ask, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", sd_bus_message_get_sender(call),
                                                  actions[intent], 0, (uint32_t) (interactive > 0), "");
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
