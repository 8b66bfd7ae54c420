/* This node's joining: when it may start, from which donor, what comes in, and
 * what comes of it. How and in which order is said in domain/joining.h. */
#include "adapter/sockets.h"
#include "base/number.h"
#include "domain/joining.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <inttypes.h>
#include <time.h>

#define ASK_PERIOD (5 * USEC_PER_SEC)
#define FOLLOW_PERIOD (1 * USEC_PER_SEC)
#define SST_PORT 4444
/* A donor is at work within a second or two, where there is one. */
#define STRANDED_TIME (30 * USEC_PER_SEC)

/* How long another one is let go first, at the longest, while nothing about it
 * changes. All but the last are there for what nobody has thought of: what ends
 * a turn is that the other one is Primary, or stopped, or not heard. */
#define UNTOLD_MAX (2 * USEC_PER_SEC)
#define ENTERING_MAX (3 * USEC_PER_SEC) /* its server may have much to do before it enters: then nothing is lost by going */
#define FADING_MAX (15 * USEC_PER_SEC) /* Galera's own evs.inactive_timeout */
#define FIRST_MAX (30 * USEC_PER_SEC)
#define UNDERWAY_MAX (600 * USEC_PER_SEC)

/* What a Primary node knows that joiners want to know */

static uint64_t mix(uint64_t h, const char *s) {
        for (; *s; s++)
                h = (h ^ (unsigned char) *s) * UINT64_C(1099511628211);
        return (h ^ 0xff) * UINT64_C(1099511628211);
}

/* Who is stopped, and where: other answers are wanted when that changes. */
static uint64_t stopped_ones(Manager *m) {
        uint64_t all = 0;

        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);
                char at[POSITION_TEXT_MAX];

                if (o && o->mysqld == MYSQLD_STOPPED && report_has_position(o))
                        all += mix(mix(mix(UINT64_C(14695981039346656037), o->node), position_text(&o->position, at)), o->wanted ? "w" : "");
        }
        return all;
}

void joining_ask(Manager *m, const Report *own) {
        uint64_t key = own->mysqld == MYSQLD_PRIMARY ? stopped_ones(m) : 0;

        if (key == m->asked_for)
                return;
        if (key == 0) {
                m->asked_for = 0;
                return;
        }
        /* The first answer is under way, or will not come. */
        if (!m->have_status)
                return;
        if (m->asked_at > 0 && manager_now(m) < m->asked_at + ASK_PERIOD) {
                manager_wake(m, m->asked_at + ASK_PERIOD);
                return;
        }
        m->asked_for = key;
        m->asked_at = manager_now(m);
        (void) probe_request(m->probe);
}

/* This node's part of the report */

static bool is_joining(const Manager *m, const Report *r) {
        return m->main_pid != 0 && (r->mysqld == MYSQLD_STARTING || r->mysqld == MYSQLD_JOINING) && m->store->claim_state != CLAIM_CONSUMED;
}

static const char *sender(Manager *m) {
        const Viewlog *log = &m->evidence.viewlog;
        const char *from = m->transfer.from;
        size_t n = strlen(from);

        for (size_t i = log->n_views; n > 0 && i-- > 0;)
                for (size_t k = 0; k < log->views[i].n_members; k++) {
                        const char *a = log->views[i].members[k].address;

                        a += *a == '[';
                        if (strncmp(a, from, n) == 0 && (a[n] == 0 || a[n] == ':' || a[n] == ']'))
                                return log->views[i].members[k].name;
                }
        return NULL;
}

static void report_incoming(Manager *m, Incoming *i) {
        const Transfer *t = &m->transfer;
        uint64_t now;

        if (sd_event_now(m->event, CLOCK_REALTIME, &now) < 0)
                return;
        *i = (Incoming) { .set = true, .full = transfer_is_full(t), .received = (int64_t) t->received, .rate = (int64_t) t->rate };
        /* To the second: two clocks read one after the other do not agree on more. */
        i->since = (now - (manager_now(m) - t->since) + USEC_PER_SEC / 2) / USEC_PER_SEC * USEC_PER_SEC;
        (void) snprintf(i->from, sizeof(i->from), "%s", str_or(sender(m), t->from));
}

void joining_report(Manager *m, Report *r) {
        Store *s = m->store;

        if (is_joining(m, r))
                m->attempt = true;
        if (r->mysqld == MYSQLD_PRIMARY) {
                m->attempt = false;
                m->donor[0] = 0;
                if (s->join_failures > 0) {
                        s->join_failures = 0;
                        m->start_after = 0;
                        (void) manager_save(m);
                }
                /* A later look that failed does not make it untrue. */
                if (m->have_status && m->status.cached_downto > 0)
                        m->cached_from = m->status.cached_downto;
                r->cached_from = m->cached_from;
                r->donating = strcasecmp(m->evidence.viewlog.status, "donor") == 0;
        } else
                m->cached_from = 0;
        r->join_failures = s->join_failures;
        /* Before its first view, and before something has come, it may as well be starting still. */
        if (is_joining(m, r) && m->transfer.since > 0 && (r->mysqld == MYSQLD_JOINING || transfer_is_full(&m->transfer)))
                report_incoming(m, &r->incoming);
        r->stranded = r->mysqld == MYSQLD_STARTING && is_joining(m, r) && !transfer_is_full(&m->transfer) &&
                      transfer_stands(&m->transfer, manager_now(m)) >= STRANDED_TIME;
        r->resting = r->mysqld == MYSQLD_STOPPED && manager_now(m) < m->start_after;
        if (r->resting)
                manager_wake(m, m->start_after);
}

/* What comes of an attempt */

void joining_ended(Manager *m) {
        Store *s = m->store;
        const UnitState *u = unit_state(m->unit);
        _cleanup_free_ char *text = NULL;
        char count[32];
        uint64_t now;
        usec_t pause;

        if (!m->attempt || m->stopping || streq(u->result, "success"))
                return; /* somebody stops it, or it has yet to be told why it ended */
        m->attempt = false;
        s->join_failures++;
        (void) manager_save(m);
        pause = joining_pause(s->join_failures);
        if (m->start_after < manager_now(m) + pause)
                m->start_after = manager_now(m) + pause;
        if (sd_event_now(m->event, CLOCK_REALTIME, &now) < 0)
                now = 0;
        m->retry_at = now + (m->start_after - manager_now(m));
        (void) snprintf(count, sizeof(count), "%" PRId64, s->join_failures);
        text = log_text("mysqld ended before it had joined the cluster%s%s%s. It is tried again in %" PRIu64 " s. Why, says: journalctl -u %s (of a state transfer, the lines with WSREP_SST)",
                        s->join_failures > 1 ? ", " : "", s->join_failures > 1 ? count : "", s->join_failures > 1 ? " times in a row" : "", (uint64_t) (pause / USEC_PER_SEC), m->config->unit);
        log_event(LOG_WARNING, MESSAGE_JOIN_FAILED, text, FIELD_FAILURES, count, FIELD_UNIT, m->config->unit, NULL);
}

void joining_forgive(Manager *m) {
        m->start_after = 0;
        m->start_failures = 0;
        if (m->store->join_failures == 0)
                return;
        m->store->join_failures = 0;
        (void) manager_save(m);
}

char *joining_resting_text(Manager *m) {
        time_t at = (time_t) (m->retry_at / USEC_PER_SEC);
        char when[32] = "soon";
        struct tm tm;
        char *text;

        if (m->store->join_failures == 0 || manager_now(m) >= m->start_after)
                return NULL;
        if (localtime_r(&at, &tm))
                (void) strftime(when, sizeof(when), "at %H:%M:%S", &tm);
        if (asprintf(&text, "mysqld has failed to join %" PRId64 " time%s in a row; it tries again %s. Why it failed, says: journalctl -u %s (of a state transfer, the lines with WSREP_SST). To try at once: mainstayctl join%s%s",
                     m->store->join_failures, m->store->join_failures == 1 ? "" : "s", when, m->config->unit, m->report->problem ? ". What is wrong by now: " : "", str_or(m->report->problem, "")) < 0)
                return NULL;
        return text;
}

/* When */

bool joining_may_start(Manager *m) {
        Voice voices[NAMES_MAX];
        uint64_t key;
        usec_t limit;
        Queue queue;
        Turn t;

        if (manager_now(m) < m->start_after) {
                manager_wake(m, m->start_after);
                return false;
        }
        joining_queue(voices, manager_voices(m, m->report, voices), m->plan, &queue);
        joining_turn(&queue, m->name, &t);
        if (t.now) {
                m->turn_of = 0;
                return true;
        }
        key = mix(mix(mix(UINT64_C(14695981039346656037), t.after ? t.after->name : ""), t.untold ? "untold" : t.entering ? "entering" : t.fading ? "fading" : t.underway ? "underway" : "first"), t.donor_free && !t.entering ? "free" : "");
        if (key != m->turn_of) {
                m->turn_of = key;
                m->turn_since = manager_now(m);
        }
        limit = t.untold ? UNTOLD_MAX : t.entering ? ENTERING_MAX : t.fading ? FADING_MAX : !t.underway ? FIRST_MAX : t.donor_free ? UNDERWAY_MAX : USEC_NEVER;
        if (limit == USEC_NEVER)
                return false;
        if (manager_now(m) < m->turn_since + limit) {
                manager_wake(m, m->turn_since + limit);
                return false;
        }
        if (t.fading)
                log_notice("%s is Primary still, though most of its component are gone: this node joins it.", t.after->name);
        else if (!t.untold && !t.entering)
                log_notice("%s was to join first, and nothing has changed there for %" PRIu64 " s: this node does not wait any longer.", t.after->name, (uint64_t) (limit / USEC_PER_SEC));
        return true;
}

/* From whom */

const char *joining_donor(Manager *m) {
        const char *name = m->donor[0] ? m->donor : m->config->donor;
        Voice voices[NAMES_MAX];
        char why[256];

        if (!name)
                return NULL;
        if (!joining_refuses_donor(voices, manager_voices(m, m->report, voices), m->name, name, why))
                return name;
        log_warning("The donor is left to the cluster: %s", why);
        return NULL;
}

/* What comes in */

static uint16_t sst_port(const Manager *m) {
        const char *address = str_or(m->options.sst_receive_address, ""), *colon = strrchr(address, ':');
        int64_t port;

        if (!colon || strchr(colon, ']') || (address[0] != '[' && strchr(address, ':') != colon) ||
            number_parse(colon + 1, strlen(colon + 1), 1, 65535, &port) < 0)
                return SST_PORT;
        return (uint16_t) port;
}

void joining_follow(Manager *m) {
        usec_t now = manager_now(m), limit = (usec_t) m->config->sst_stall * USEC_PER_SEC;
        Transfer *t = &m->transfer;
        Flow flows[TRANSFER_FLOWS_MAX];
        bool listening;
        int n;

        if (!is_joining(m, m->report) || m->no_sockets) {
                t->since = 0;
                return;
        }
        if (t->since > 0 && now < m->follow_at) {
                manager_wake(m, m->follow_at);
                return;
        }
        n = sockets_read(sst_port(m), flows, ELEMENTS(flows), &listening);
        if (n < 0) {
                log_info("The kernel does not tell what comes in (%s): how a state transfer goes on is not shown.", strerror(-n));
                m->no_sockets = true;
                return;
        }
        transfer_take(t, now, flows, (size_t) n, listening);
        m->follow_at = now + FOLLOW_PERIOD;
        manager_wake(m, m->follow_at);

        if (!t->stalled && transfer_stands(t, now) >= limit) {
                _cleanup_free_ char *text = NULL;

                t->stalled = true;
                if (transfer_text(t, now, limit, sender(m), &text) >= 0)
                        log_event(LOG_WARNING, MESSAGE_TRANSFER_STALLED, text, FIELD_DONOR, str_or(sender(m), str_or(t->from, "not known")), FIELD_PEER, sender(m), FIELD_UNIT, m->config->unit, NULL);
        }
}

char *joining_text_now(Manager *m) {
        usec_t limit = (usec_t) m->config->sst_stall * USEC_PER_SEC;
        char *text;

        if (m->transfer.since == 0)
                return NULL;
        /* mysqld tells of its first view only when the state transfer is over: until
         * something comes, it may as well be starting still. */
        if (m->report->mysqld == MYSQLD_STARTING && !transfer_is_full(&m->transfer) && transfer_stands(&m->transfer, manager_now(m)) < limit)
                return NULL;
        if (transfer_text(&m->transfer, manager_now(m), limit, sender(m), &text) < 0)
                return NULL;
        return text;
}

/* Only numbers have changed: the journal need not have each of them. */
bool joining_is_quiet(Manager *m) {
        const Transfer *t = &m->transfer;
        unsigned now = t->since == 0 ? 0 : 1U | (unsigned) transfer_is_full(t) << 1 | (unsigned) t->stalled << 2 | (unsigned) t->open << 3;
        bool quiet = now != 0 && now == m->told_transfer;

        m->told_transfer = now;
        return quiet || (now != 0 && t->stalled);
}
