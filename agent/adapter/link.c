/* A link; see link.h.
 *
 * It goes through the states below, and one timer serves all of them.
 */
#include "adapter/link.h"
#include "adapter/ssh.h"
#include "sys/process.h"

#include <sys/random.h>
#include <sys/socket.h>

#define BUS_NAME "org.mainstay1"
#define BUS_PATH "/org/mainstay1"
#define BUS_INTERFACE "org.mainstay1.Peer"

#define COMPLAINT_MAX ((size_t) 4096)
#define LAST_WORDS (1 * USEC_PER_SEC)  /* for ssh to say why it ended */
#define KICK_ANSWER (2 * USEC_PER_SEC) /* for a connection to prove that it is none of the dead */
#define KICK_LOGIN (3 * USEC_PER_SEC)  /* for an attempt under way to succeed, when the other side is known to be there */

static const char why_ended[] = "the connection ended", why_absent[] = "its agent is not running";

typedef enum State {
        STATE_IDLE,       /* not started */
        STATE_CONNECTING, /* until something answers our first question; the timer is the deadline */
        STATE_UP,         /* connected to the bus there; the timer runs only while an answer is due or no good report stands */
        STATE_ENDING,     /* the connection is gone; ssh may yet say why */
        STATE_WAITING,    /* for the next attempt */
} State;

struct Link {
        sd_event *event;
        LinkSetup setup;
        const LinkOwner *owner;
        void *userdata;
        char *address, *self_name;
        bool through_ssh;
        SshTarget target;

        State state;
        sd_event_source *timer;
        usec_t began;      /* this attempt */
        bool hurried;      /* this attempt was kicked, and has got its last deadline */
        usec_t good_since; /* 0: no good report on this connection */
        usec_t retry;      /* the next delay */
        usec_t patience;   /* how long the question under way may take */

        sd_bus *bus;
        Process *tunnel;
        sd_bus_slot *disconnected, *changed, *owner_changed, *ask;
        char *unique; /* who owns the name there: only its signals count */
        bool good;    /* a report stands, and the owner is content with it */
        bool absent;  /* nobody owns the name there */
};

static void link_connect(Link *l);
static int link_ask(Link *l, const char *method, usec_t patience);

static usec_t link_now(const Link *l) {
        uint64_t now;

        return sd_event_now(l->event, CLOCK_MONOTONIC, &now) < 0 ? 0 : now;
}

static void link_arm(Link *l, usec_t delay) {
        if (delay == USEC_NEVER) {
                (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time_relative(l->timer, delay);
        (void) sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

static void link_lost(Link *l, const char *why) {
        l->good = false;
        l->owner->lost(why, l->userdata);
}

static void link_report(Link *l, const char *text) {
        l->good = l->owner->report(text, l->userdata);
        if (l->good && l->good_since == 0)
                l->good_since = link_now(l);
}

/* After any answer, and any sign that there will be none for now. */
static void link_rest(Link *l) {
        l->state = STATE_UP;
        /* Where the name has no owner the bus will tell of the next one. Only
         * what is behind ssh is looked at again: its mysqld may live. */
        if (l->good || (l->absent && !l->through_ssh))
                link_arm(l, USEC_NEVER);
        else
                link_arm(l, l->setup.retry_max);
}

static void link_close(Link *l) {
        l->disconnected = sd_bus_slot_unref(l->disconnected);
        l->changed = sd_bus_slot_unref(l->changed);
        l->owner_changed = sd_bus_slot_unref(l->owner_changed);
        l->ask = sd_bus_slot_unref(l->ask);
        l->bus = sd_bus_close_unref(l->bus);
        free(TAKE(l->unique));
        l->absent = false;
}

static void link_retry(Link *l) {
        uint32_t random = 0;
        usec_t delay;

        /* One that comes and goes is no reason to hurry. */
        if (l->good_since > 0 && link_now(l) - l->good_since >= l->setup.retry_max)
                l->retry = l->setup.retry_min;
        l->good_since = 0;

        /* Where all nodes return at once they do not knock in step. */
        (void) getrandom(&random, sizeof(random), GRND_NONBLOCK);
        delay = l->retry + random % (l->retry / 4 + 1);
        l->retry = l->retry * 2 < l->setup.retry_max ? l->retry * 2 : l->setup.retry_max;

        l->state = STATE_WAITING;
        link_arm(l, delay);
}

static void link_fail(Link *l, const char *why) {
        link_close(l);
        l->tunnel = process_free(l->tunnel);
        link_lost(l, why);
        link_retry(l);
}

static int link_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *l = userdata;

        if (!l->tunnel) {
                link_fail(l, why_ended);
                return 0;
        }

        link_close(l);
        if (l->good)
                link_lost(l, why_ended);
        l->state = STATE_ENDING;
        link_arm(l, LAST_WORDS);
        return 0;
}

static void link_tunnel_done(Process *process, const ProcessResult *result, void *userdata) {
        Link *l = userdata;
        char why[SSH_REASON_SIZE];

        link_fail(l, ssh_reason(result->complaint, result->status, why));
}

static int link_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *l = userdata;
        const char *sender = sd_bus_message_get_sender(m), *text;

        /* Anybody there could send us this; the rule of the match holds only for what is broadcast. */
        if (!sender || !streq_null(sender, l->unique))
                return 0;

        link_report(l, sd_bus_message_read(m, "s", &text) < 0 ? "" : text);
        if (!l->ask)
                link_rest(l);
        return 0;
}

static int link_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *l = userdata;
        const char *sender = sd_bus_message_get_sender(m), *name, *old, *new;

        if (!sender || !streq(sender, "org.freedesktop.DBus") || sd_bus_message_read(m, "sss", &name, &old, &new) < 0 ||
            !streq(name, BUS_NAME))
                return 0;

        free(TAKE(l->unique));
        l->absent = *new == '\0';
        if (!l->absent) {
                /* What was said belongs to the one before. */
                link_lost(l, "its agent has just started");
                if (link_ask(l, "Hello", l->setup.deadline) < 0)
                        link_fail(l, why_ended);
                return 0;
        }
        l->ask = sd_bus_slot_unref(l->ask);
        link_lost(l, why_absent);
        link_rest(l);
        return 0;
}

static void link_refused(Link *l, const sd_bus_error *error) {
        char why[256];

        l->absent = streq(error->name, SD_BUS_ERROR_SERVICE_UNKNOWN) || streq(error->name, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
        if (l->absent) {
                link_lost(l, why_absent);
                return;
        }
        if (streq(error->name, SD_BUS_ERROR_NO_REPLY)) {
                link_lost(l, "its agent went away");
                return;
        }
        (void) snprintf(why, sizeof(why), "it refuses: %.200s", str_or(error->message, error->name));
        link_lost(l, why);
}

static int link_answered(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Link *l = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *sender = sd_bus_message_get_sender(m), *text;

        if (sd_bus_is_open(l->bus) <= 0)
                return 0; /* link_disconnected() follows */
        l->ask = sd_bus_slot_unref(l->ask);

        /* Also one that refuses, for it has just been started, will tell when it can. */
        if (sender && !streq(sender, "org.freedesktop.DBus") && !streq_null(sender, l->unique)) {
                free(l->unique);
                l->unique = strdup(sender);
        }
        if (error) {
                link_refused(l, error);
                link_rest(l);
                return 0;
        }
        l->absent = false;
        link_report(l, sd_bus_message_read(m, "s", &text) < 0 ? "" : text);
        link_rest(l);
        return 0;
}

/* Asks for the report; `Hello` tells the other side also who we are. */
static int link_ask(Link *l, const char *method, usec_t patience) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        l->ask = sd_bus_slot_unref(l->ask);
        r = sd_bus_message_new_method_call(l->bus, &m, BUS_NAME, BUS_PATH, BUS_INTERFACE, method);
        if (r < 0)
                return r;
        r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return r;
        if (streq(method, "Hello")) {
                r = sd_bus_message_append(m, "s", l->self_name);
                if (r < 0)
                        return r;
        }
        /* The time is ours to keep: it covers the way to the bus as well. */
        r = sd_bus_call_async(l->bus, &l->ask, m, link_answered, l, UINT64_MAX);
        if (r < 0)
                return r;
        l->patience = patience;
        link_arm(l, patience);
        return 0;
}

static int link_open_tunnel(Link *l) {
        _cleanup_close_ int ours = -1, theirs = -1;
        SshCommand command;
        int fds[2], r;

        r = ssh_command(&l->target, l->setup.ssh, l->setup.key_dir, &command);
        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];

        const ProcessSpec spec = { .argv = command.argv, .timeout = USEC_NEVER, .stdio = theirs, .error_max = COMPLAINT_MAX };
        r = process_new(l->event, &spec, link_tunnel_done, l, &l->tunnel);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(l->bus, ours, ours);
        if (r < 0)
                return r;
        ours = -1; /* the bus closes it */
        return 0;
}

static int link_open(Link *l) {
        int r;

        r = sd_bus_new(&l->bus);
        if (r < 0)
                return r;
        r = sd_bus_set_bus_client(l->bus, true);
        if (r < 0)
                return r;
        r = sd_bus_negotiate_fds(l->bus, false);
        if (r < 0)
                return r;
        r = l->through_ssh ? link_open_tunnel(l) : sd_bus_set_address(l->bus, l->address);
        if (r < 0)
                return r;
        r = sd_bus_start(l->bus);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(l->bus, l->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;

        r = sd_bus_match_signal(l->bus, &l->disconnected, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                "Disconnected", link_disconnected, l);
        if (r < 0)
                return r;
        /* All of this waits in the queue until there is a bus; and first the ears, then the question. */
        r = sd_bus_add_match_async(l->bus, &l->owner_changed,
                                   "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                   "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'",
                                   link_owner_changed, NULL, l);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(l->bus, &l->changed, BUS_NAME, BUS_PATH, BUS_INTERFACE, "Changed", link_changed, NULL, l);
        if (r < 0)
                return r;
        return link_ask(l, "Hello", l->setup.deadline);
}

static void link_connect(Link *l) {
        char why[128];
        int r;

        l->state = STATE_CONNECTING;
        l->hurried = false;
        l->began = link_now(l);
        r = link_open(l);
        if (r >= 0)
                return;
        if (l->through_ssh && r == -ENOENT)
                (void) snprintf(why, sizeof(why), "there is no ssh on this machine: its client is to be installed");
        else
                (void) snprintf(why, sizeof(why), "%s: %s", l->through_ssh ? "ssh" : "its bus", strerror(-r));
        link_fail(l, why);
}

static void link_overdue(Link *l) {
        char why[64];

        (void) snprintf(why, sizeof(why), "no answer for %g s", (double) l->patience / (double) USEC_PER_SEC);
        link_fail(l, why);
}

static int link_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Link *l = userdata;

        switch (l->state) {
        case STATE_IDLE:
                break;
        case STATE_CONNECTING:
                link_overdue(l);
                break;
        case STATE_UP:
                if (l->ask) {
                        link_overdue(l);
                } else if (l->absent) {
                        link_lost(l, why_absent);
                        link_rest(l);
                } else if (link_ask(l, "Hello", l->setup.deadline) < 0) {
                        link_fail(l, why_ended);
                }
                break;
        case STATE_ENDING:
                link_fail(l, why_ended);
                break;
        case STATE_WAITING:
                link_connect(l);
                break;
        }
        return 0;
}

void link_kick(Link *l) {
        usec_t age = link_now(l) - l->began;

        l->retry = l->setup.retry_min;
        switch (l->state) {
        case STATE_IDLE:
                return;
        case STATE_CONNECTING:
                /* Its network may have been away when we began, and ssh waits
                 * for what will never come. But where all nodes boot at once a
                 * login takes its time, and the greeting comes from one that
                 * was just let in: to begin again would cost each side one
                 * login more, at the moment when it can least afford it. So
                 * it is given a while, and that only once. */
                if (l->hurried || age + KICK_LOGIN >= l->setup.deadline)
                        return;
                l->hurried = true;
                l->patience = age + KICK_LOGIN;
                link_arm(l, KICK_LOGIN);
                return;
        case STATE_UP:
                /* It may be back from a power cut, and our connection leads
                 * nowhere. Not Hello, for that would be answered by a kick. */
                if (l->ask || link_ask(l, "GetReport", KICK_ANSWER) >= 0)
                        return;
                break;
        case STATE_ENDING:
        case STATE_WAITING:
                if (age >= l->setup.retry_min)
                        break;
                l->tunnel = process_free(l->tunnel);
                l->state = STATE_WAITING;
                link_arm(l, l->setup.retry_min);
                return;
        }

        link_close(l);
        l->tunnel = process_free(l->tunnel);
        if (l->good)
                link_lost(l, why_ended);
        link_connect(l);
}

int link_new(sd_event *event, const LinkSetup *setup, const char *address, const char *self_name, const LinkOwner *owner,
             void *userdata, Link **ret) {
        _cleanup_(link_freep) Link *l = NULL;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (Link) {
                .event = sd_event_ref(event),
                .setup = *setup,
                .owner = owner,
                .userdata = userdata,
                .address = strdup(address),
                .self_name = strdup(self_name),
                .retry = setup->retry_min,
        };
        if (!l->address || !l->self_name)
                return -ENOMEM;

        /* No other kind: sd-bus would wait for a program that it runs itself
         * (unixexec:) when the connection ends, and the loop with it. */
        if (strncmp(address, "unix:", 5) != 0 && strncmp(address, "tcp:", 4) != 0) {
                r = ssh_target_parse(address, &l->target);
                if (r < 0)
                        return r;
                l->through_ssh = true;
        }

        r = sd_event_add_time_relative(event, &l->timer, CLOCK_MONOTONIC, 0, 10 * USEC_PER_MSEC, link_timer, l);
        if (r < 0)
                return r;
        link_arm(l, USEC_NEVER);

        *ret = TAKE(l);
        return 0;
}

Link *link_free(Link *l) {
        if (!l)
                return NULL;

        link_close(l);
        (void) process_free(l->tunnel);
        (void) sd_event_source_disable_unref(l->timer);
        free(l->address);
        free(l->self_name);
        (void) sd_event_unref(l->event);
        free(l);
        return NULL;
}

void link_start(Link *l) {
        if (l->state == STATE_IDLE)
                link_connect(l);
}

int link_set_self_name(Link *l, const char *name) {
        char *copy = strdup(name);

        if (!copy)
                return -ENOMEM;
        free(l->self_name);
        l->self_name = copy;
        return 0;
}

sd_bus *link_bus(const Link *l) {
        return l->bus;
}

const char *link_host(const Link *l) {
        return l->through_ssh ? l->target.host : NULL;
}
