/* The manager: the one that knows all parts and alone decides what is done.
 *
 * Everything that happens (a file changes, a unit, a peer, a timer, a call)
 * does no more than mark the manager as due; once the event loop has taken in
 * what there is, manager_evaluate() reads the facts anew, decides, acts, and
 * tells: always the whole of it, always in this order.
 */
#pragma once

#include "adapter/peer.h"
#include "adapter/probe.h"
#include "adapter/store.h"
#include "adapter/unit.h"
#include "adapter/watch.h"
#include "domain/config.h"
#include "domain/evidence.h"
#include "domain/options.h"
#include "domain/plan.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define PEERS_MAX CONFIG_PEERS_MAX

/* Where things are; each can be given by the environment, for tests. */
typedef struct Paths {
        const char *state;   /* StateDirectory */
        const char *runtime; /* RuntimeDirectory */
        const char *server;  /* what runs as mysqld's user writes here */
        const char *libexec;
        const char *config;
} Paths;

/* An operator's call that is answered when what it asks for has come about. */
typedef struct Request {
        sd_bus_message *call; /* NULL: there is none */
        bool bootstrap;       /* else join */
        bool new_cluster;     /* an operator begins a cluster with this node */
        bool wait;
        usec_t settle;        /* until then, what is not known yet may become known */
} Request;

/* mysqld at the gate. */
typedef struct Gate {
        sd_bus_message *call; /* NULL: nobody waits */
        char invocation[33];
        bool new_cluster;     /* the environment asks for a bootstrap */
        usec_t deadline;      /* until when it may hold up the boot */
        sd_bus_slot *booting; /* systemd is being asked whether this is the boot */
} Gate;

typedef struct Manager {
        sd_event *event;
        sd_bus *bus;
        Paths paths;
        Config *config;
        Options options;
        Store *store;
        Unit *unit, *recovery;
        Watch *watch;
        Probe *probe;
        size_t n_peers;
        Peer *peer[PEERS_MAX];

        sd_event_source *due, *timer;
        usec_t wake_at; /* the earliest of what the last evaluation asked for */

        char name[NAME_SIZE];
        Evidence evidence;
        ServerStatus status; /* what the server said last; valid where have_status */
        bool have_status;
        bool needs_recovery;
        Report *report;
        char *report_text;
        Plan *plan;
        char *plan_text;
        char *waiting;
        const char *state;
        char *state_reason;
        bool ready; /* told systemd */
        bool news;  /* a peer has changed: readers are to be told */

        Gate gate;
        Request request;

        /* Own claim, asking: who has answered. */
        Names asked, granted;
        usec_t claim_after; /* not before */
        unsigned claim_failures;
        char giving_up[256]; /* why the claim is to be given up, as soon as that can be written; "" */
        bool consumed_over; /* the start that the claim was consumed for has ended */

        pid_t main_pid; /* as last seen */
        bool passed;       /* the start under way is past the gate, or may be: it began before the agent */
        bool stopping;     /* mysqld is being stopped by us */
        usec_t stop_at;    /* when it will be, 0: it need not be */
        bool starting;     /* a start job of ours is under way */
        usec_t start_after;
        unsigned start_failures;

        bool recovering;
        usec_t recover_after;
        unsigned recover_tries;

        usec_t probe_after;
        unsigned probe_tries;
} Manager;

int manager_new(sd_event *event, sd_bus *bus, const Paths *paths, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager, manager_free)

/* Reads what is there and begins to follow it. */
int manager_start(Manager *m);

/* Reads the configuration anew; on failure what was in force stays. */
int manager_reload(Manager *m);

/* Something may have changed. */
void manager_touch(Manager *m);

/* Evaluate again at this time of CLOCK_MONOTONIC, at the latest. */
void manager_wake(Manager *m, usec_t at);
usec_t manager_now(Manager *m);

/* Writes the store; a failure is logged, and returned, for a promise that is
 * not on disk must not be given. */
int manager_save(Manager *m);

/* peers.c. All that is known of all nodes: a voice each. `voices` has room for
 * NAMES_MAX. Returns their number. */
size_t manager_voices(Manager *m, const Report *own, Voice *voices);

/* The peers of the configuration, else those of wsrep_cluster_address. */
int manager_add_peers(Manager *m);

/* tell.c. Takes `fresh` as the report where it says anything new, and fails
 * where it cannot be told: what was told before is then not so any more. Then
 * the state and the sentence that systemd, the journal and the bus are told. */
int manager_publish(Manager *m, Report *fresh);
void manager_tell(Manager *m);

/* Has mysqld's unit a process, or is it about to have one? */
bool manager_mysqld_runs(Manager *m);
bool manager_keeps_out(Manager *m); /* this node must not join: diverged or stray */

/* local.c: this node's own part. */
int local_setup(Manager *m); /* configuration, the server's options, the name */
int local_watch(Manager *m, watch_changed_t changed);
int local_read(Manager *m, Report **ret);
int local_write_start_env(Manager *m, bool bootstrap);
void local_remove_start_env(Manager *m);
int local_write_server_env(Manager *m);
void local_recover(Manager *m);

/* election.c: claims and grants. */
void election_settle(Manager *m, const Report *own); /* what has come of them */
void election_drive(Manager *m);                     /* what to do about them */
int election_judge(Manager *m, const char *text, char **ret_why);
int election_consume(Manager *m);
void election_release(Manager *m, const char *why);

/* gatekeeper.c: who waits for mysqld to start, and how it is answered. */
int gatekeeper_enter(Manager *m, sd_bus_message *call, const char *invocation, bool new_cluster);
void gatekeeper_answer(Manager *m);
void gatekeeper_leave(Manager *m); /* the waiting gate is gone, or answered */
int request_begin(Manager *m, sd_bus_message *call, bool bootstrap, bool wait, const Names *without, bool new_cluster);
void request_answer(Manager *m);

/* In edge/bus.c, given to the manager so that no include points upwards. */
typedef struct ManagerEvents {
        void (*report)(Manager *m);                       /* a new report_text */
        void (*properties)(Manager *m);                   /* something readable changed */
} ManagerEvents;
extern ManagerEvents manager_events;
