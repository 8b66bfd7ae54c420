/* What is said here and concerns another node is handed on to the agent of that one,
 * which answers as if it had been said there. */
#include "manager/manager.h"

#define FORWARD_TIMEOUT (20 * USEC_PER_SEC)
#define FORWARD_PAUSE (200 * USEC_PER_MSEC)
#define FORWARD_RETRY (15 * USEC_PER_SEC)

typedef struct Forward {
        Manager *manager;
        sd_bus_message *call;
        char node[NAME_SIZE], *verb, *arguments, *by;
        usec_t until;
        sd_event_source *again;
        bool over; /* it was answered */
} Forward;

static Forward *forward_free(Forward *f) {
        if (!f)
                return NULL;
        (void) sd_event_source_disable_unref(f->again);
        (void) sd_bus_message_unref(f->call);
        free(f->verb);
        free(f->arguments);
        free(f->by);
        free(f);
        return NULL;
}
DEFINE_CLEANUP(Forward, forward_free)

static Peer *peer_named(Manager *m, const char *node) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const char *label = peer_label(m->peer[i]), *name = str_or(peer_name(m->peer[i]), store_label(m->store, label));

                if (streq_null(name, node) || streq(label, node))
                        return m->peer[i];
        }
        return NULL;
}

static int forward_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Forward *f = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        const char *text;

        /* The connection was a dead one: the other node has begun anew, say. */
        if (e && sd_bus_error_has_names(e, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED))
                return 0;
        if (e)
                (void) sd_bus_reply_method_errorf(f->call, e->name, "%s", str_or(e->message, "It does not say why."));
        else if (sd_bus_message_read(reply, "s", &text) < 0)
                (void) sd_bus_reply_method_errorf(f->call, "org.mainstay1.Error.Unheard", "The agent of %s answers nonsense: bring all nodes to the same release.", f->node);
        else
                (void) sd_bus_reply_method_return(f->call, "s", text);
        f->over = true;
        return 0;
}

/* The call is over, or its connection is. Each verb may be said twice. */
static void forward_ended(void *userdata) {
        Forward *f = userdata;

        if (f->over || sd_event_source_set_time_relative(f->again, FORWARD_PAUSE) < 0 || sd_event_source_set_enabled(f->again, SD_EVENT_ONESHOT) < 0)
                (void) forward_free(f);
}

static int forward_send(Forward *f, Peer *p) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_message_new_method_call(peer_bus(p), &m, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Peer", "Operate");
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", f->verb, f->arguments, f->by);
        if (r >= 0)
                r = sd_bus_call_async(peer_bus(p), &slot, m, forward_answered, f, FORWARD_TIMEOUT);
        if (r < 0)
                return r;
        (void) sd_bus_slot_set_destroy_callback(slot, forward_ended);
        (void) sd_bus_slot_set_floating(slot, true);
        (void) sd_bus_slot_unref(slot);
        return 0;
}

static int forward_again(sd_event_source *source, uint64_t usec, void *userdata) {
        Forward *f = userdata;
        Peer *p = peer_named(f->manager, f->node);

        if (p && peer_condition(p) == CONDITION_KNOWN && peer_bus(p) && forward_send(f, p) >= 0)
                return 0;
        if (usec < f->until) {
                (void) sd_event_source_set_time_relative(source, FORWARD_PAUSE);
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        }
        (void) sd_bus_reply_method_errorf(f->call, "org.mainstay1.Error.Unheard", "The connection to the agent of %s ended before it answered. Look what came of it (mainstayctl status), and say it again.", f->node);
        (void) forward_free(f);
        return 0;
}

static int forward_begin(Manager *m, Peer *p, sd_bus_message *call, const char *node, const char *verb, const char *arguments, const char *by) {
        _cleanup_(forward_freep) Forward *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        *f = (Forward) { .manager = m, .call = sd_bus_message_ref(call), .verb = strdup(verb), .arguments = strdup(arguments), .by = strdup(by), .until = manager_now(m) + FORWARD_RETRY };
        (void) snprintf(f->node, sizeof(f->node), "%s", node);
        if (!f->verb || !f->arguments || !f->by)
                return -ENOMEM;
        r = sd_event_add_time(m->event, &f->again, CLOCK_MONOTONIC, USEC_NEVER, 10 * USEC_PER_MSEC, forward_again, f);
        if (r >= 0)
                r = sd_event_source_set_enabled(f->again, SD_EVENT_OFF);
        if (r >= 0)
                r = forward_send(f, p);
        if (r < 0)
                return r;
        (void) TAKE(f); /* its own from now on */
        return 1;
}

static int refuse_unknown(Manager *m, sd_bus_message *call, const char *node) {
        _cleanup_free_ char *others = NULL;
        Names names = {0};

        for (size_t i = 0; i < m->n_peers; i++)
                (void) names_add(&names, peer_report(m->peer[i]) ? peer_report(m->peer[i])->node : peer_label(m->peer[i]));
        others = names.n > 0 ? names_text(&names) : NULL;
        return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "There is no node %.64s. Nothing was changed. Beside %s, %s.", node, m->name,
                                          str_or(others, "none is known here: name the others in [peers] of mainstay.conf, then systemctl reload mainstayd"));
}

int forward_verb(Manager *m, sd_bus_message *call, const char *node, const char *verb, const char *arguments, const char *by) {
        Peer *p = peer_named(m, node);

        if (p && (peer_condition(p) != CONDITION_KNOWN || !peer_bus(p)))
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Unheard", "The agent of %s is not heard (%s), and nobody else can do that. Nothing was changed.", node,
                                                  str_or(peer_why(p), "not tried yet"));
        if (p)
                return forward_begin(m, p, call, node, verb, arguments, by);
        return refuse_unknown(m, call, node);
}
