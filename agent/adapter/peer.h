/* A peer: the agent of another node, over D-Bus.
 *
 * One connection is kept open, over ssh or to any address that sd-bus knows.
 * What the other side says arrives as signals; while it is connected and has
 * nothing to say, nothing runs here. A peer is known while its agent's report
 * stands; once the agent cannot be reached it is alive where its mysqld still
 * answers, and uncertain in every other case.
 */
#pragma once

#include "domain/claim.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct Peer Peer;

/* What all peers have in common. Copied; NULL and 0 mean the default. */
typedef struct PeerSetup {
        const char *key_dir; /* holds id_ed25519 and known_hosts */
        const char *ssh;     /* the program */
        const char *probe;   /* mainstay-probe; NULL: nobody is ever found alive */
        usec_t deadline;     /* from the first attempt to connect to the first report */
        usec_t retry_min, retry_max;
        usec_t alive_for; /* how long a mysqld that answered counts as alive */
} PeerSetup;

/* The condition, the reason or the report are other ones now. Called from the
 * event loop alone, never from within a function of this file, and once for
 * any number of changes. It may free the peer. */
typedef void (*peer_changed_t)(Peer *p, void *userdata);

/* `r` is 0 where the peer answered: then `granted` and, where it is not, the
 * reason in `text`. Else what went wrong, in `text` too. Called from the event
 * loop alone, and not at all after peer_free(). It may free the peer. */
typedef void (*peer_claim_t)(Peer *p, int r, bool granted, const char *text, void *userdata);

/* `label` is how the configuration calls it. `address` is an address of D-Bus
 * (unix:path=/run/x), or ssh:[USER@]HOST[:PORT], or just [USER@]HOST[:PORT]; an
 * IPv6 address with a port stands in brackets. -EINVAL for anything else.
 * `sql_port` 0: no mysqld is ever looked for. */
int peer_new(sd_event *event, const PeerSetup *setup, const char *label, const char *address, const char *self_name,
             uint16_t sql_port, peer_changed_t changed, void *userdata, Peer **ret);
Peer *peer_free(Peer *p);
DEFINE_CLEANUP(Peer, peer_free)

/* Connects, and from then on keeps trying. Returns 0 at once. */
int peer_start(Peer *p);

/* The other side gave a sign of life: do not wait any longer. Where it is
 * known already it is asked anew, for the connection may be a dead one. */
void peer_kick(Peer *p);

/* The name by which we greet, from the next greeting on. */
int peer_set_self_name(Peer *p, const char *name);

const char *peer_label(const Peer *p);
const char *peer_address(const Peer *p);
/* The name in the last report, or NULL while there never was one. */
const char *peer_name(const Peer *p);
Condition peer_condition(const Peer *p);
/* Where it is uncertain: has an attempt to reach it come to its end since it was
 * known last, and one to find its mysqld? Before that, nobody has looked. */
bool peer_tried(const Peer *p);
/* NULL where it is known; printable ASCII. */
const char *peer_why(const Peer *p);
/* NULL where it is not known. Valid until the next run of the event loop. */
const Report *peer_report(const Peer *p);

/* For people, as nothing can be decided by it: since when it is known, or is not; 0
 * before it has been looked; and what it said last, be that as it may by now. */
usec_t peer_since(const Peer *p);
const Report *peer_last_report(const Peer *p);

/* Its bus, to call other methods there; NULL while it is not connected. Of a call
 * that is under way when the connection ends nothing more is heard. */
sd_bus *peer_bus(const Peer *p);
/* The host that ssh goes to, or NULL where the address is one of D-Bus. */
const char *peer_host(const Peer *p);

/* Asks for a grant. -ENOTCONN where it is not known, -EBUSY while it has not
 * answered the last one, -EMSGSIZE. Otherwise `reply` is called, at the latest
 * after `timeout`. */
int peer_claim(Peer *p, const char *claim, usec_t timeout, peer_claim_t reply, void *userdata);
