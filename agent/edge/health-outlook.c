/* The outlook: how this node is, as its agent tells. A check is answered from what is
 * known; the agent is asked anew once a second, and only while somebody checks, however
 * often that is. What the agent learns by itself it tells at once, and then what is known
 * here is out of date: the next check has it asked. */
#include "edge/health.h"
#include "base/reason.h"
#include "sys/clock.h"

#define AGENT "org.mainstay1"
#define PATH "/org/mainstay1"
#define NODE "org.mainstay1.Node"

/* The agent itself gives the server some seconds. */
#define LOOK_TIMEOUT (15 * USEC_PER_SEC)
#define FAILURE_REST (500 * USEC_PER_MSEC)

struct Outlook {
        sd_bus *bus;
        sd_bus_slot *owner, *changes, *look;
        sd_event_source *timer;
        Waiter *waiting;
        bool owned;     /* the agent is on the bus */
        bool outdated;  /* it has told of a change since */
        bool have;
        Readiness readiness;
        usec_t seen;    /* when that was asked for */
        usec_t asked;   /* when the look that is under way was; 0: none is */
        usec_t failed;  /* when the last one came to nothing */
        char why[256];
        uint64_t looks;
};

static usec_t now(void) {
        return clock_usec(CLOCK_MONOTONIC);
}

/* Whoever is told may wait anew. */
static void tell_all(Outlook *o) {
        Waiter *w = TAKE(o->waiting);

        while (w) {
                Waiter *next = w->next;

                w->told(w);
                w = next;
        }
}

static int looked(sd_bus_message *reply, void *userdata, sd_bus_error *ignored) {
        Outlook *o = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const char *text = "";
        json_t *j;

        o->look = sd_bus_slot_unref(o->look);
        if (!error && sd_bus_message_read(reply, "s", &text) >= 0 && (j = json_loads(text, 0, NULL))) {
                o->have = readiness_from_json(j, &o->readiness) >= 0;
                json_decref(j);
        } else if (o->have && error && sd_bus_error_has_name(error, SD_BUS_ERROR_LIMITS_EXCEEDED)) {
                /* Somebody floods it. What is known holds for as long as it is fresh. */
                o->failed = now();
                o->asked = 0;
                (void) sd_event_source_set_enabled(o->timer, SD_EVENT_OFF);
                tell_all(o);
                return 0;
        } else
                o->have = false;
        if (!o->have)
                (void) snprintf(o->why, sizeof(o->why), "%s", error ? str_or(error->message, error->name) : "it speaks another language: are mainstayd and mainstay-health of one version?");
        o->failed = o->have ? 0 : now();
        o->seen = o->asked;
        o->asked = 0;
        o->outdated = false;
        (void) sd_event_source_set_enabled(o->timer, SD_EVENT_OFF);
        tell_all(o);
        return 0;
}

static void ask(Outlook *o) {
        sd_bus_message *call = NULL;
        int r;

        if (o->asked > 0 || (o->failed > 0 && now() < o->failed + FAILURE_REST))
                return;
        r = sd_bus_message_new_method_call(o->bus, &call, AGENT, PATH, NODE, "Look");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_call_async(o->bus, &o->look, call, looked, o, LOOK_TIMEOUT);
        (void) sd_bus_message_unref(call);
        if (r < 0) {
                o->have = false;
                o->failed = now();
                (void) snprintf(o->why, sizeof(o->why), "it cannot be asked: %s", strerror(-r));
                return;
        }
        o->looks++;
        o->asked = now();
        if (sd_event_source_set_time(o->timer, o->asked + OUTLOOK_PATIENCE) >= 0)
                (void) sd_event_source_set_enabled(o->timer, SD_EVENT_ONESHOT);
}

static int patience_over(sd_event_source *source, uint64_t usec, void *userdata) {
        tell_all(userdata);
        return 0;
}

static void set_owned(Outlook *o, bool owned) {
        o->owned = owned;
        o->have = false;
        o->failed = 0;
        o->asked = 0;
        o->look = sd_bus_slot_unref(o->look);
        tell_all(o);
}

static int owner_moved(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *before, *after;

        if (sd_bus_message_read(m, "sss", &name, &before, &after) >= 0)
                set_owned(userdata, *after);
        return 0;
}

static int properties_moved(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Outlook *o = userdata;

        o->outdated = true;
        return 0;
}

/* Asked when the matches are in force, so that no change is missed, and before anybody is
 * answered. */
static int find_owner(Outlook *o) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(o->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner", &error, NULL, "s", AGENT);

        if (r < 0 && !sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return r;
        o->owned = r >= 0;
        return 0;
}

int outlook_new(sd_event *event, sd_bus *bus, Outlook **ret) {
        _cleanup_(outlook_freep) Outlook *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->bus = sd_bus_ref(bus);
        r = sd_event_add_time(event, &o->timer, CLOCK_MONOTONIC, USEC_NEVER, USEC_PER_MSEC, patience_over, o);
        if (r >= 0)
                r = sd_event_source_set_enabled(o->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_bus_add_match(bus, &o->owner, "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" AGENT "'", owner_moved, o);
        if (r >= 0)
                r = sd_bus_match_signal(bus, &o->changes, AGENT, PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", properties_moved, o);
        if (r >= 0)
                r = find_owner(o);
        if (r < 0)
                return r;
        *ret = TAKE(o);
        return 0;
}

Outlook *outlook_free(Outlook *o) {
        if (!o)
                return NULL;
        o->owned = false;
        tell_all(o);
        (void) sd_bus_slot_unref(o->owner);
        (void) sd_bus_slot_unref(o->changes);
        (void) sd_bus_slot_unref(o->look);
        (void) sd_event_source_disable_unref(o->timer);
        (void) sd_bus_unref(o->bus);
        free(o);
        return NULL;
}

/* The server was asked then; of one that does not run, the agent. */
static usec_t rests_on(const Outlook *o) {
        return o->readiness.looked > 0 ? (usec_t) o->readiness.looked : o->seen;
}

usec_t outlook_age(const Outlook *o) {
        usec_t at = now();

        return o->have && at > rests_on(o) ? at - rests_on(o) : 0;
}

static bool is_fresh(const Outlook *o) {
        return o->owned && o->have && !o->outdated && outlook_age(o) < OUTLOOK_STALE;
}

bool outlook_is_ready(Outlook *o) {
        if (!o->owned)
                return true;
        if (!is_fresh(o) || outlook_age(o) >= OUTLOOK_RENEW)
                ask(o);
        return is_fresh(o) || o->asked == 0 || now() >= o->asked + OUTLOOK_PATIENCE;
}

void outlook_wait(Outlook *o, Waiter *w) {
        w->next = o->waiting;
        o->waiting = w;
}

bool outlook_is_outdated(const Outlook *o) {
        return o->owned && o->outdated;
}

const Readiness *outlook_readiness(Outlook *o) {
        return is_fresh(o) ? &o->readiness : NULL;
}

bool outlook_has_agent(const Outlook *o) {
        return o->owned;
}

uint64_t outlook_looks(const Outlook *o) {
        return o->looks;
}

void outlook_judge(Outlook *o, Work work, const Contentment *with, Verdict *ret) {
        if (is_fresh(o))
                readiness_judge(&o->readiness, work, with, ret);
        else if (!o->owned)
                *ret = (Verdict) { OBSTACLE_AGENT, "Nothing is known of this node, for its agent does not run: systemctl start mainstayd" };
        else {
                ret->obstacle = OBSTACLE_UNKNOWN;
                if (o->asked > 0)
                        (void) snprintf(ret->text, sizeof(ret->text), "How this node is now is not known: neither its server nor its agent has answered for %.1f s.", (double) (now() - o->asked) / (double) USEC_PER_SEC);
                else if (o->have)
                        (void) snprintf(ret->text, sizeof(ret->text), "How this node is now is not known: its server took so long to answer that what it says is %.1f s old.", (double) outlook_age(o) / (double) USEC_PER_SEC);
                else
                        (void) snprintf(ret->text, sizeof(ret->text), "How this node is now is not known. Its agent says: %.*s.", reason_length(str_or(o->why, "nothing")), str_or(o->why, "nothing"));
        }
}
