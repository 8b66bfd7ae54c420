/* The manager: the one that knows all parts and alone decides what is done.
 *
 * Everything that happens (a file changes, a unit, a peer, a timer, a call)
 * does no more than mark the manager as due; once the event loop has taken in
 * what there is, manager_evaluate() reads the facts anew, decides, acts, and
 * tells: always the whole of it, always in this order.
 */
#pragma once

#include "adapter/job-store.h"
#include "adapter/peer.h"
#include "adapter/probe.h"
#include "adapter/store.h"
#include "adapter/unit.h"
#include "adapter/watch.h"
#include "domain/config.h"
#include "domain/datasource.h"
#include "domain/evidence.h"
#include "domain/options.h"
#include "domain/plan.h"
#include "domain/transfer.h"
#include "sys/process.h"

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
        sd_bus_track *caller; /* who waits for the answer */
        bool gone;            /* nobody does any more */
        bool bootstrap;       /* else join */
        bool only_join;       /* it is why mysqld is wanted, and nobody said that it shall lead */
        bool new_cluster;     /* an operator begins a cluster with this node */
        bool wait;
        bool stops;           /* a live server stood in the way, and is being stopped */
        usec_t settle;        /* until then, what is not known yet may become known */
} Request;

/* mysqld at the gate. */
typedef struct Gate {
        sd_bus_message *call; /* NULL: nobody waits */
        char invocation[33];
        bool new_cluster;     /* the environment asks for a bootstrap */
        usec_t deadline;      /* until when it may hold up others */
        const char *holds_up; /* whom: for people */
        sd_bus_slot *booting; /* systemd is being asked whether this is the boot */
} Gate;

/* The step of a job that is under way, in this life of the agent. */
typedef struct StepRun {
        usec_t since;        /* it was begun here */
        unsigned phase;
        usec_t asked;        /* the server, 0: it was not */
        usec_t judged, looked;
        char *position;      /* that the source is asked for */
        char *history;       /* of the binary log of a copy */
        Unit *unit;          /* of root's, that does the step */
        bool asked_unit;     /* it was started; or, of mysqld's, started or stopped */
        bool ended_unit;
        bool undoing;        /* the step is being taken back */
        bool answered;       /* mainstay-replicator, or the unit, has ended */
        json_t *answer;
        char error[512];
        bool reached;        /* what the source had */
        usec_t full_since;   /* the disk, 0: there is room */
        bool full;           /* and was so for long: it is ended for that */
} StepRun;

/* What the server says when somebody wants to know how this node is now. */
/* More than one user of the bus can have waiting: that has 256 connections. */
#define LOOK_CALLS_MAX 1024
#define LOOK_CALLS_OF_ONE 3
typedef struct Look {
        Probe *probe;
        pid_t pid;      /* of the server that is asked */
        pid_t asked;    /* of the one that the look under way began with */
        usec_t begun;   /* the look whose answer this is; 0: there is none */
        usec_t beginning; /* the one that is under way */
        ServerStatus status; /* where `problem` is "" */
        char problem[256];
        size_t n_calls;
        sd_bus_message *call[LOOK_CALLS_MAX]; /* that wait for the one under way */
} Look;

typedef struct Manager {
        sd_event *event;
        sd_bus *bus;
        Paths paths;
        Config *config;
        Options options;
        Process *asking; /* the server, for them, NULL: nobody does */
        Store *store;
        Unit *unit, *recovery;
        Watch *watch;
        Probe *probe;
        size_t n_peers;
        Peer *peer[PEERS_MAX];
        Names heard; /* of them, by their labels: whose agents the journal says are heard */

        sd_event_source *due, *timer;
        usec_t wake_at; /* the earliest of what the last evaluation asked for */

        char name[NAME_SIZE];
        Evidence evidence;
        ServerStatus status; /* what the server said last; valid where have_status */
        bool have_status;
        usec_t answered; /* when it said so */
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
        bool new_label; /* who is found at an address is news, and to be written down before anything is decided by it */

        Gate gate;
        Request request;

        /* Own claim, asking: who has granted it. */
        Names granted;
        usec_t claim_after; /* not before */
        unsigned claim_failures;
        char giving_up[256]; /* why the claim is to be given up, as soon as that can be written; "" */
        bool claimed_by_hand; /* a person asked for what the claim is for */
        bool consumed_over; /* the start that the claim was consumed for has ended */

        bool gate_told; /* for when the agent is dead, */
        char *kept_out; /* why it must not start mysqld, NULL: it may */

        pid_t main_pid; /* as last seen */
        bool passed;       /* the start under way is past the gate, or may be: it began before the agent */
        bool stopping;     /* mysqld is being stopped by us, in this life of the agent */
        usec_t tarry_until; /* for members that have yet to be asked to start, 0: for nobody */
        usec_t kill_at; /* when one that does not hear of its stop is killed, 0 for none */
        usec_t stop_at;    /* when it will be, 0: it need not be */
        bool heals;        /* until then Galera is given time to heal itself */
        usec_t ask_after; /* whether a server that has left the cluster still answers */
        bool starting;     /* a start job of ours is under way */
        usec_t start_after;
        unsigned start_failures;

        /* Joining. */
        bool attempt;     /* mysqld was let join, and has not been Primary since */
        bool automatic;   /* systemd starts it anew by itself */
        usec_t retry_at;  /* `start_after` by the clock on the wall, after a failure to join */
        char donor[NAME_SIZE]; /* which a person named, "" where none */
        uint64_t turn_of; /* who goes first, as a hash, and since when */
        usec_t turn_since;
        uint64_t asked_for; /* who was stopped when the server was asked last */
        usec_t asked_at;
        int64_t cached_from;
        Transfer transfer;
        usec_t follow_at;
        bool no_sockets;
        unsigned told_transfer;

        bool recovering;
        bool recovery_awaited; /* the journal is to be told what came of it */
        usec_t recover_after;
        unsigned recover_tries;
        bool recover_denied; /* systemd did not let the agent start it */

        /* In place. */
        Unit *primary_unit;
        bool placing;         /* it runs for us */
        usec_t place_at;      /* when it is time for it, 0: it is not to be */
        unsigned place_failures; /* of the server that runs */

        Unit *aside_unit;
        bool setting_aside;         /* it runs for us */
        sd_bus_message *recovering_call; /* the operator who waits for it, or NULL */

        usec_t probe_after;
        unsigned probe_tries;

        /* Of a server that is no node of a Galera cluster. */
        bool asynchronous;        /* it is one: settled when the agent starts */
        Replication *replication; /* what it said last; NULL where it gave no answer */
        char server_problem[256]; /* why it gave none */

        Look look;

        JobStore *jobs;
        const Job *job; /* that runs, NULL where none does; the store's, and good until it is saved */
        Process *worker;
        unsigned undo_failures; /* of the step that is being taken back */
        StepRun step;
        unsigned mend_failures; /* of the recoveries that the policy began, in a row */
        usec_t mend_after;
} Manager;

int manager_new(sd_event *event, sd_bus *bus, const Paths *paths, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager, manager_free)

/* Reads what is there and begins to follow it. */
int manager_start(Manager *m);

/* settings.c. Reads the configuration anew; on failure what was in force stays. */
int manager_reload(Manager *m);
int settings_load(Manager *m); /* when the agent starts */
void settings_ask(Manager *m); /* the server, for its options of now: while `asking` */

/* Something may have changed. */
void manager_touch(Manager *m);

/* Evaluate again at this time of CLOCK_MONOTONIC, at the latest. */
void manager_wake(Manager *m, usec_t at);

/* So long Galera is given to heal itself, where it may: not where an operator has
 * spoken, nor where all other servers are known to be stopped, for a server finds only
 * those again that run. */
#define HEAL_TIME (15 * USEC_PER_SEC)
bool manager_may_heal(const Manager *m);
usec_t manager_now(Manager *m);

/* Writes the store; a failure is logged, and returned, for a promise that is
 * not on disk must not be given. */
int manager_save(Manager *m);

/* peers.c. All that is known of all nodes: a voice each. `voices` has room for
 * NAMES_MAX. Returns their number. */
size_t manager_voices(Manager *m, const Report *own, Voice *voices);

/* Has it been looked whether the other nodes, or their servers, answer? */
bool manager_has_tried(const Manager *m);

/* The names of all who run mysqld, as far as they are known: this node, the
 * peers as they are configured, and as they once called themselves. */
void manager_node_names(Manager *m, Names *ret);

/* The peers of the configuration, else those of wsrep_cluster_address, from now
 * on: those that are the same keep their connection. */
int manager_take_peers(Manager *m);

/* tell.c. Takes `fresh` as the report where it says anything new, and fails
 * where it cannot be told: what was told before is then not so any more. Then
 * the state and the sentence that systemd, the journal and the bus are told. */
int manager_publish(Manager *m, Report *fresh);
void manager_tell(Manager *m);

/* Stops mysqld's unit. That it is our doing is on the disk before it is asked
 * for: an agent that was started since must not take it for a person's. Where
 * that cannot be written nothing is done. `replied` is told of what went wrong
 * with the unit itself, maybe at once. */
int manager_stop(Manager *m, unit_job_t replied);
void manager_stop_ended(Manager *m); /* or came to nothing */

/* Has mysqld's unit a process, or is it about to have one? */
bool manager_mysqld_runs(Manager *m);
bool manager_keeps_out(Manager *m); /* this node must not join: marked, diverged or stray */

/* chronicle.c: what was decided, to the journal, with what it rests on. */
#define CALLER_SIZE 128
char *chronicle_grounds(Manager *m);
char *chronicle_peers(const Manager *m, const Names *names);
void chronicle_caller(const Manager *m, sd_bus_message *call, char ret[static CALLER_SIZE]); /* who asks, for people */
void chronicle_peer(Manager *m, Peer *p); /* heard, or not any more */
void chronicle_start(Manager *m, const char *as, const Claim *claim, const char *why);
void chronicle_start_failed(const Manager *m, const char *why);
void chronicle_stop(Manager *m, bool left, bool stuck);
void chronicle_recovery(Manager *m);

/* local.c: this node's own part. */
int local_setup(Manager *m); /* the settings, the name, the probe */
int local_watch(Manager *m, watch_changed_t changed);
int local_read(Manager *m, Report **ret);
int local_write_start_env(Manager *m, bool bootstrap);
void local_remove_start_env(Manager *m);
int local_write_server_env(Manager *m);
const char *local_data_elsewhere(const Manager *m); /* in aside.c: outside of the datadir; NULL: none is known */
void local_recover(Manager *m);

/* marks.c: what is wrong with the data here, as far as it lasts. */
void marks_follow(Manager *m);                 /* by the evidence just read */
void marks_from_plan(Manager *m);              /* by what was decided */
int marks_lift(Manager *m, MarkKind k);        /* by an operator */
void marks_tell_gate(Manager *m);
const char *manager_keep_out_text(Manager *m); /* why the node is kept out, and what changes that */

/* aside.c: `recover`: the data are set aside, and a full copy is taken. */
int recover_begin(Manager *m, sd_bus_message *call, const Names *force, bool dry_run, bool wait);
/* Though nothing is wrong with the data: `provision` of a node of Galera's. `donor` may be
 * "". -EPERM with the reason in `why`. */
int recover_afresh(Manager *m, const char *donor, bool force_space, bool dry_run, char why[static 512]);
void recover_drive(Manager *m);
bool recover_busy(Manager *m); /* mysqld must not start now */

/* replica.c: a node whose server replicates, and is none of Galera's. None of
 * Galera's rules is applied to it. */
void replica_evaluate(Manager *m);
void replica_probed(Manager *m, ServerStatus *status, const char *error); /* NULL: it gave no answer */
void replica_judge(Manager *m, Datasource *ret); /* this node, as the others know of it, too */
/* As it is if its server says that (NULL: nothing), and who is the primary then. */
void replica_judge_by(Manager *m, const Replication *own, Datasource *ret, Primary *ret_primary);

void replica_start(Manager *m);
int service_report(const Manager *m, Report *r); /* its part of what a report says of any kind of node */
#define PINS_NAME "replica.cnf"
/* Kept for the server's next start, in a file that its configuration includes. */
int replica_pin(Manager *m, bool replica, bool held);

/* look.c: how this node is now, for those who hand out work. Answers the call,
 * when the server has been asked. */
int look_setup(Manager *m, const char *program);
int look_begin(Manager *m, sd_bus_message *call);
void look_done(Manager *m);

/* jobs.c: long work, a step after the other. */
int jobs_open(Manager *m);
void jobs_resume(Manager *m); /* says so, where one was left begun: once the name of the node is known */
void jobs_close(Manager *m);
void jobs_drive(Manager *m);
int jobs_cancel(Manager *m, uint64_t id); /* -ENOENT, -EALREADY where it is over */

/* operators.c: what a person has done to a datasource, on whichever node it is
 * said. Answers the call, at once or when the other node has. `node` "": this
 * one. */
int operate(Manager *m, sd_bus_message *call, const char *node, const char *verb, const char *arguments, const char *by);
bool operate_replaces_data(const char *verb); /* a right of its own is wanted for that */
void operators_drive(Manager *m); /* what ends or begins by itself */

/* forward.c: a verb that concerns another node, to that one's agent, as operate() has it.
 * Answers the call: at once where there is no such node, or it is not heard. */
int forward_verb(Manager *m, sd_bus_message *call, const char *node, const char *verb, const char *arguments, const char *by);

/* election.c: claims and grants. */
void election_settle(Manager *m, const Report *own); /* what has come of them */
void election_drive(Manager *m);                     /* what to do about them */
int election_judge(Manager *m, const char *text, char **ret_why);
int election_consume(Manager *m);
bool election_may_resume(Manager *m); /* as a member, under a claim that all have granted */
void election_release(Manager *m, const char *why);
void election_confirm(Manager *m, const Report *own); /* it has led */
/* Is this node to lead, in this manner? */
bool election_leads(const Manager *m, Manner manner);

/* in-place.c: a survivor without quorum becomes Primary as it runs. */
void in_place_report(Manager *m, Report *r);
bool in_place_is_time(Manager *m);  /* to claim it */
bool in_place_may_grant(Manager *m, const Claim *c); /* though mysqld runs here */
bool in_place_is_stuck(const Manager *m); /* it was permitted, and mysqld has not become Primary */
void in_place_settle(Manager *m, const Report *own); /* what came of the claim */
void in_place_drive(Manager *m);
int in_place_permit(Manager *m, sd_bus_message *call); /* for mainstay-primary, which asks */
void in_place_forget(Manager *m);   /* another server runs, or none */

/* lineage.c: the history of this node's data. */
void manager_note_foreign(Manager *m, const Report *own); /* a bootstrap that nobody here agreed on */
bool manager_is_settled(const Manager *m); /* the running start's data have been through the history of the store, and no other */
bool manager_is_settled_untold(const Manager *m); /* and that start tells nothing to the record */
void manager_unsettle(Manager *m, const Report *own); /* where that does not hold any more */
void manager_adopt_history(Manager *m);

/* joining.c: how this node comes into a Primary component. */
void joining_ask(Manager *m, const Report *own); /* the server, for what joiners want to know */
void joining_report(Manager *m, Report *r);
void joining_follow(Manager *m);     /* what comes in */
void joining_ended(Manager *m);      /* mysqld did, or its start */
void joining_forgive(Manager *m);    /* a person wants it tried now */
bool joining_may_start(Manager *m);  /* others go first, or it failed just now */
const char *joining_donor(Manager *m); /* NULL: the cluster's choice */
char *joining_text_now(Manager *m);    /* NULL: nothing comes in */
char *joining_resting_text(Manager *m); /* NULL: it does not rest */
bool joining_is_quiet(Manager *m);

/* gatekeeper.c: who waits for mysqld to start, and how it is answered. */
int gatekeeper_enter(Manager *m, sd_bus_message *call, const char *invocation, bool new_cluster);
void gatekeeper_answer(Manager *m);
void gatekeeper_leave(Manager *m); /* the waiting gate is gone, or answered */
int request_begin(Manager *m, sd_bus_message *call, bool bootstrap, bool wait, const Names *without, bool new_cluster);
int request_join(Manager *m, sd_bus_message *call, const char *donor, bool wait);
void request_answer(Manager *m);

/* policies.c: what the policy of the cluster holds back. */
void policies_adopt(Manager *m); /* the newest that is heard of */
int policies_set(Manager *m, sd_bus_message *call, Policy policy);
bool policies_automatic(const Manager *m);
bool policies_watch_only(const Manager *m);
bool policies_may_claim(const Manager *m);
bool policies_may_go_on(const Manager *m); /* with the claim that stands */
bool policies_may_start(const Manager *m); /* mysqld, without anybody at the gate */
bool policies_may_stop(const Manager *m);  /* mysqld that stands in the way */
/* A start of mysqld as a joiner was asked for, and put off; or it is over. */
void policies_owe(Manager *m, bool owed);
/* 0 where a claim comes of not having heard of the policy: `*ret_why` says so. */
int policies_judge(Manager *m, const Claim *c, char **ret_why);
/* The end of what is told of something put off: "" where the policy does not put
 * it off. `does`: the unit that a person starts for it, `where`: on this node;
 * both may be NULL. NULL when out of memory. */
char *policies_note(Manager *m, const char *does, const char *where);

/* In edge/bus.c, given to the manager so that no include points upwards. */
typedef struct ManagerEvents {
        void (*report)(Manager *m);                       /* a new report_text */
        void (*properties)(Manager *m);                   /* something readable changed */
} ManagerEvents;
extern ManagerEvents manager_events;
