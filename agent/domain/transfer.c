/* A state transfer as it is received; see transfer.h. */
#include "domain/transfer.h"
#include "base/amount.h"

#define RATE_PERIOD (8 * USEC_PER_SEC)
/* rsync announces an IST in a few hundred bytes. */
#define FULL_MIN ((uint64_t) 64 * 1024)

static uint64_t before(const Transfer *t, const Flow *f) {
        for (size_t i = 0; i < t->n; i++)
                if (t->last[i].id == f->id)
                        return t->last[i].received <= f->received ? t->last[i].received : f->received;
        return 0;
}

void transfer_take(Transfer *t, usec_t now, const Flow *flows, size_t n, bool listening) {
        bool open = false, awaited = listening;
        uint64_t more = 0;

        if (t->since == 0)
                *t = (Transfer) { .since = now, .moved = now, .mark_time = now };
        for (size_t i = 0; i < n; i++) {
                more += flows[i].received - before(t, &flows[i]);
                open = open || flows[i].open;
                (void) snprintf(t->from, sizeof(t->from), "%s", flows[i].from);
        }
        /* What is unpacked, or recovered, after the last byte came does not stand still. */
        if (more > 0 || open != t->open || awaited != t->awaited) {
                t->moved = now;
                t->stalled = false;
        }
        t->received += more;
        t->open = open;
        t->awaited = awaited;
        if (now >= t->mark_time + RATE_PERIOD) {
                t->rate = (t->received - t->mark_received) * USEC_PER_SEC / (now - t->mark_time);
                t->mark_received = t->received;
                t->mark_time = now;
        } else if (t->mark_received == 0 && now > t->mark_time)
                t->rate = t->received * USEC_PER_SEC / (now - t->mark_time);
        t->n = n < TRANSFER_FLOWS_MAX ? n : TRANSFER_FLOWS_MAX;
        memcpy(t->last, flows, t->n * sizeof(*flows));
}

usec_t transfer_stands(const Transfer *t, usec_t now) {
        if (t->since == 0 || (!t->open && !t->awaited))
                return 0;
        return now - t->moved;
}

bool transfer_is_full(const Transfer *t) {
        return t->received > FULL_MIN;
}

int transfer_text(const Transfer *t, usec_t now, usec_t limit, const char *from, char **ret) {
        char size[32], rate[32], lasts[32], stands[32];
        const char *who = from ? from : t->from;
        char *text;
        int n;

        (void) amount_time(now - t->since, lasts);
        (void) amount_time(now - t->moved, stands);
        (void) amount_bytes(t->received, size);
        (void) amount_bytes(t->rate, rate);
        if (!transfer_is_full(t) && transfer_stands(t, now) >= limit)
                n = asprintf(&text, "mysqld waits for a state transfer: for %s nothing has come%s%s. Nothing is stopped for that. On the donor: journalctl -u mariadb", stands, *who ? " from " : "", who);
        else if (!transfer_is_full(t))
                n = asprintf(&text, "mysqld is receiving what it missed.");
        else if (transfer_stands(t, now) >= limit)
                n = asprintf(&text, "mysqld is receiving a full copy (SST)%s%s, which stands still: after %s nothing more has come for %s. It is not stopped for that. On both nodes: journalctl -u mariadb",
                             *who ? " from " : "", who, size, stands);
        else if (!t->open)
                n = asprintf(&text, "mysqld has received a full copy (SST)%s%s, at least %s, and works on it, for %s in all.", *who ? " from " : "", who, size, lasts);
        else
                n = asprintf(&text, "mysqld is receiving a full copy (SST)%s%s: at least %s so far, %s a second, for %s.", *who ? " from " : "", who, size, rate, lasts);
        if (n < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}
