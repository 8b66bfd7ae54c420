/* A peer; see peer.h.
 *
 * What the owner is told goes through one deferred event: so the owner may
 * free the peer in a callback, and is called once for what changes together.
 */
#include "adapter/peer.h"
#include "adapter/link.h"
#include "base/reason.h"
#include "sys/process.h"

#define COMPLAINT_MAX ((size_t) 4096)
#define CHECK_DEADLINE (4 * USEC_PER_SEC)
/* An agent that has not answered by then may well not do so at all: its mysqld is looked
 * for meanwhile, for both take seconds where the machine is off. */
#define SILENCE_MAX (1500 * USEC_PER_MSEC)
/* So old may its answer be when the agent is given up: the network may have come up since. */
#define ANSWER_AGE_MAX (1 * USEC_PER_SEC)

struct Peer {
        sd_event *event;
        char *key_dir, *ssh, *probe, *label, *address;
        uint16_t sql_port;
        Link *link;

        bool known; /* `report` is what it says now */
        Report *report; /* kept, for people, when it is not known any more */
        char why[256];
        usec_t since; /* it is known, or not, by the clock on the wall */

        bool failed, checked, answers; /* since it was known last: the agent was not reached; its mysqld was looked for, and answered */
        usec_t checked_at;
        bool tried; /* both */
        bool alive; /* its mysqld answered, and that is good until `alive_until` */
        usec_t alive_for, alive_until;
        Process *check;
        sd_event_source *silence;

        sd_event_source *tell;
        bool tell_changed, tell_claim;
        peer_changed_t changed;
        void *userdata;

        sd_bus_slot *claim;
        peer_claim_t claim_reply;
        void *claim_userdata;
        int claim_result;
        bool claim_granted;
        char *claim_text;
};

static usec_t peer_now(const Peer *p) {
        uint64_t now;

        return sd_event_now(p->event, CLOCK_MONOTONIC, &now) < 0 ? 0 : now;
}

static usec_t peer_clock(const Peer *p) {
        uint64_t now;

        return sd_event_now(p->event, CLOCK_REALTIME, &now) < 0 ? 0 : now;
}

/* What comes from over there ends in properties and journals: let it be ASCII. */
static void text_clean(char *s) {
        for (; *s; s++)
                if (*s < ' ' || *s > '~')
                        *s = '?';
}

static void peer_tell_changed(Peer *p) {
        p->tell_changed = true;
        (void) sd_event_source_set_enabled(p->tell, SD_EVENT_ONESHOT);
}

static void peer_tell_claim(Peer *p, int r, bool granted, const char *text) {
        p->claim = sd_bus_slot_unref(p->claim);
        p->claim_result = r;
        p->claim_granted = granted;
        free(p->claim_text);
        p->claim_text = strndup(text, 1024);
        if (p->claim_text)
                text_clean(reason_trim(p->claim_text));
        p->tell_claim = true;
        (void) sd_event_source_set_enabled(p->tell, SD_EVENT_ONESHOT);
}

static int peer_tell(sd_event_source *source, void *userdata) {
        Peer *p = userdata;

        /* One call a round: after it `p` may be gone. */
        if (p->tell_changed) {
                p->tell_changed = false;
                if (p->tell_claim)
                        (void) sd_event_source_set_enabled(p->tell, SD_EVENT_ONESHOT);
                p->changed(p, p->userdata);
        } else if (p->tell_claim) {
                _cleanup_free_ char *text = TAKE(p->claim_text);
                p->tell_claim = false;
                p->claim_reply(p, p->claim_result, p->claim_granted, str_or(text, ""), p->claim_userdata);
        }
        return 0;
}

static void peer_set_alive(Peer *p, bool alive) {
        p->alive_until = peer_now(p) + p->alive_for;
        if (alive == p->alive)
                return;
        p->alive = alive;
        peer_tell_changed(p);
}

static void peer_set_tried(Peer *p) {
        if (p->tried)
                return;
        p->tried = true;
        peer_tell_changed(p);
}

/* Its mysqld counts only where its agent cannot be reached. */
static void peer_judge(Peer *p) {
        if (!p->failed || !p->checked)
                return;
        p->checked = false;
        if (peer_now(p) > p->checked_at + ANSWER_AGE_MAX)
                return; /* it is looked for anew */
        peer_set_tried(p);
        peer_set_alive(p, p->answers);
}

static void peer_check_done(Process *process, const ProcessResult *result, void *userdata) {
        Peer *p = userdata;
        bool alive = result->error == 0 && result->status == 0;

        p->check = process_free(p->check);
        p->checked = true;
        p->checked_at = peer_now(p);
        p->answers = alive;
        peer_judge(p);
}

/* Does its mysqld answer? The probe logs in, though it will be refused: mysqld
 * shuts out a host from which too many connections end before that. As each
 * refusal may leave a line in its log, one answer is good for a while. */
static void peer_check(Peer *p) {
        char port[6];

        if (!p->probe || p->sql_port == 0 || !link_host(p->link)) {
                if (p->failed)
                        peer_set_tried(p); /* its mysqld is not to be found by ports */
                return;
        }
        if (p->check || (p->alive && peer_now(p) < p->alive_until))
                return;

        (void) snprintf(port, sizeof(port), "%u", (unsigned) p->sql_port);
        const char *const argv[] = { p->probe, "--tcp", link_host(p->link), port, "--timeout", "3000", NULL };
        const ProcessSpec spec = { .argv = argv, .timeout = CHECK_DEADLINE, .error_max = COMPLAINT_MAX };
        if (process_new(p->event, &spec, peer_check_done, p, &p->check) < 0)
                peer_set_alive(p, false); /* and it was not tried */
}

static void peer_lost(const char *text, void *userdata) {
        Peer *p = userdata;
        char why[sizeof(p->why)];

        (void) snprintf(why, sizeof(why), "%s", text);
        text_clean(reason_trim(why));
        if (p->known || p->since == 0)
                p->since = peer_clock(p);
        if (p->known || !streq(why, p->why)) {
                p->known = false;
                memcpy(p->why, why, sizeof(why));
                peer_tell_changed(p);
        }
        if (p->claim && !link_bus(p->link))
                peer_tell_claim(p, -ECONNRESET, false, why);
        p->failed = true;
        peer_judge(p);
        peer_check(p);
}

static bool peer_take_report(const char *text, void *userdata) {
        Peer *p = userdata;
        char error[256] = "", why[512];
        Report *report;
        int r;

        r = report_parse(text, &report, error);
        if (r < 0) {
                (void) snprintf(why, sizeof(why), "%s%s", r == -EPROTONOSUPPORT ? "" : "it answers nonsense: ",
                                str_or(error, strerror(-r)));
                peer_lost(why, p);
                return false;
        }

        (void) report_free(p->report);
        p->report = report;
        if (!p->known)
                p->since = peer_clock(p);
        p->known = true;
        p->alive = p->tried = p->failed = p->checked = false;
        (void) sd_event_source_set_enabled(p->silence, SD_EVENT_OFF);
        p->check = process_free(p->check);
        p->why[0] = '\0';
        peer_tell_changed(p);
        return true;
}

static const LinkOwner link_owner = {
        .report = peer_take_report,
        .lost = peer_lost,
};

static int peer_claim_answered(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Peer *p = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *text;
        int granted, r;

        if (error) {
                r = -sd_bus_error_get_errno(error);
                peer_tell_claim(p, r < 0 ? r : -EIO, false, str_or(error->message, error->name));
                return 0;
        }
        r = sd_bus_message_read(m, "bs", &granted, &text);
        if (r < 0)
                peer_tell_claim(p, -EBADMSG, false, "it answers nonsense");
        else
                peer_tell_claim(p, 0, granted, text);
        return 0;
}

int peer_claim(Peer *p, const char *claim, usec_t timeout, peer_claim_t reply, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (!p->known || !link_bus(p->link))
                return -ENOTCONN;
        if (p->claim || p->tell_claim)
                return -EBUSY;
        if (strlen(claim) > CLAIM_SIZE_MAX)
                return -EMSGSIZE;

        r = sd_bus_message_new_method_call(link_bus(p->link), &m, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Peer", "Claim");
        if (r < 0)
                return r;
        r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", claim);
        if (r < 0)
                return r;
        r = sd_bus_call_async(link_bus(p->link), &p->claim, m, peer_claim_answered, p, timeout);
        if (r < 0)
                return r;
        p->claim_reply = reply;
        p->claim_userdata = userdata;
        return 0;
}

int peer_new(sd_event *event, const PeerSetup *setup, const char *label, const char *address, const char *self_name,
             uint16_t sql_port, peer_changed_t changed, void *userdata, Peer **ret) {
        _cleanup_(peer_freep) Peer *p = NULL;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        *p = (Peer) {
                .event = sd_event_ref(event),
                .key_dir = strdup(str_or(setup->key_dir, "/var/lib/mainstay/ssh")),
                .ssh = strdup(str_or(setup->ssh, "ssh")),
                .probe = setup->probe ? strdup(setup->probe) : NULL,
                .label = strdup(label),
                .address = strdup(address),
                .sql_port = sql_port,
                .why = "not yet asked",
                .alive_for = setup->alive_for > 0 ? setup->alive_for : 30 * USEC_PER_SEC,
                .changed = changed,
                .userdata = userdata,
        };
        if (!p->key_dir || !p->ssh || (setup->probe && !p->probe) || !p->label || !p->address)
                return -ENOMEM;

        const LinkSetup link = {
                .key_dir = p->key_dir,
                .ssh = p->ssh,
                .deadline = setup->deadline > 0 ? setup->deadline : 10 * USEC_PER_SEC,
                .retry_min = setup->retry_min > 0 ? setup->retry_min : 100 * USEC_PER_MSEC,
                .retry_max = setup->retry_max > 0 ? setup->retry_max : 5 * USEC_PER_SEC,
        };
        r = link_new(event, &link, address, self_name, &link_owner, p, &p->link);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &p->tell, peer_tell, p);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(p->tell, SD_EVENT_OFF);

        *ret = TAKE(p);
        return 0;
}

Peer *peer_free(Peer *p) {
        if (!p)
                return NULL;

        (void) sd_bus_slot_unref(p->claim);
        (void) link_free(p->link);
        (void) process_free(p->check);
        (void) sd_event_source_disable_unref(p->silence);
        (void) sd_event_source_disable_unref(p->tell);
        (void) report_free(p->report);
        free(p->claim_text);
        free(p->key_dir);
        free(p->ssh);
        free(p->probe);
        free(p->label);
        free(p->address);
        (void) sd_event_unref(p->event);
        free(p);
        return NULL;
}

static int peer_silent(sd_event_source *source, uint64_t usec, void *userdata) {
        Peer *p = userdata;

        (void) sd_event_source_set_enabled(p->silence, SD_EVENT_OFF);
        peer_check(p);
        return 0;
}

int peer_start(Peer *p) {
        int r;

        r = sd_event_add_time_relative(p->event, &p->silence, CLOCK_MONOTONIC, SILENCE_MAX, 0, peer_silent, p);
        link_start(p->link);
        return r < 0 ? r : 0;
}

void peer_kick(Peer *p) {
        link_kick(p->link);
}

int peer_set_self_name(Peer *p, const char *name) {
        return link_set_self_name(p->link, name);
}

const char *peer_label(const Peer *p) {
        return p->label;
}

const char *peer_address(const Peer *p) {
        return p->address;
}

const char *peer_name(const Peer *p) {
        return p->report ? p->report->node : NULL;
}

Condition peer_condition(const Peer *p) {
        return p->known ? CONDITION_KNOWN : p->alive ? CONDITION_ALIVE : CONDITION_UNCERTAIN;
}

sd_bus *peer_bus(const Peer *p) {
        return link_bus(p->link);
}

const char *peer_host(const Peer *p) {
        return link_host(p->link);
}

bool peer_tried(const Peer *p) {
        return p->known || p->alive || p->tried;
}

usec_t peer_since(const Peer *p) {
        return p->since;
}

const Report *peer_last_report(const Peer *p) {
        return p->report;
}

const char *peer_why(const Peer *p) {
        return p->known ? NULL : p->why;
}

const Report *peer_report(const Peer *p) {
        return p->known ? p->report : NULL;
}
