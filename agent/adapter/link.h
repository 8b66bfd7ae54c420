/* A link: the connection to the bus on which another agent lives.
 *
 * It connects, asks for the report, listens, and when the connection ends it
 * says so and begins again after a while that grows. What the report means is
 * its owner's business. While the owner is content with the last report, no
 * timer runs.
 */
#pragma once

#include "base/macro.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct Link Link;

/* Called from the event loop, and `lost` also from link_start() and
 * link_kick(). Neither may free the link. */
typedef struct LinkOwner {
        /* A report has come. False where it is of no use: then it is asked for again, later. */
        bool (*report)(const char *text, void *userdata);
        /* There is none for now, and why. Repeated with every attempt that fails. */
        void (*lost)(const char *why, void *userdata);
} LinkOwner;

typedef struct LinkSetup {
        const char *key_dir; /* holds id_ed25519 and known_hosts */
        const char *ssh;     /* the program */
        usec_t deadline;     /* from the first attempt to connect to the first answer */
        usec_t retry_min, retry_max;
} LinkSetup;

/* `address`: see peer_new(). `setup` is copied, its strings are borrowed.
 * -EINVAL for an address that is none. */
int link_new(sd_event *event, const LinkSetup *setup, const char *address, const char *self_name, const LinkOwner *owner,
             void *userdata, Link **ret);
Link *link_free(Link *l);
DEFINE_CLEANUP(Link, link_free)

void link_start(Link *l);

/* Do not wait any longer. Where a report stands, it is asked for anew, for the
 * connection may be a dead one. */
void link_kick(Link *l);

/* The name by which we greet, from the next greeting on. */
int link_set_self_name(Link *l, const char *name);

/* Borrowed; NULL while there is no connection. Of calls on it that are under
 * way when it ends nothing more is heard: `lost` is called, and this is NULL. */
sd_bus *link_bus(const Link *l);

/* The host that ssh goes to, or NULL where the address is one of D-Bus. */
const char *link_host(const Link *l);
