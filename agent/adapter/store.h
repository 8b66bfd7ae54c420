/* What the agent keeps over its own death and the machine's: one file,
 * replaced atomically, in its StateDirectory. Kept in one, for what is changed
 * together must be true together. */
#pragma once

#include "domain/claim.h"
#include "domain/history.h"
#include "domain/mark.h"

#define STORE_NAME "state.json"

/* The S of a Primary view, which mysqld's notify command cannot know. */
typedef struct StoreSeqno {
        uint64_t section; /* of the record of views */
        uint64_t view;    /* the how manieth Primary view of the section, from 0 */
        int64_t seqno;
} StoreSeqno;

#define STORE_OPTION_SIZE 24 /* with the NUL */

/* An operator's `recover`: the data of this node are set aside, and a full copy
 * takes their place. What is on the disk here is what is to be done next. */
typedef enum AsideState {
        ASIDE_NONE,
        ASIDE_STOPPING, /* mysqld is to be stopped */
        ASIDE_MOVING,   /* the datadir is to be renamed */
        ASIDE_JOINING,  /* it has been; mysqld is to be started and to become Synced */
        _ASIDE_MAX,
        _ASIDE_INVALID = -EINVAL,
} AsideState;

const char *aside_state_to_string(AsideState s);
AsideState aside_state_from_string(const char *s);

#define ASIDE_STAMP_SIZE sizeof("YYYYmmddTHHMMSS")
#define ASIDE_NOTE_MAX 2048 /* with the NUL */

typedef struct Aside {
        AsideState state;
        char stamp[ASIDE_STAMP_SIZE]; /* what tells the directory from others */
        char note[ASIDE_NOTE_MAX];    /* what it was, and why: for whoever finds it */
        bool force_space;
        char donor[NAME_SIZE]; /* of whom the copy is to be taken then, "": of anybody */
} Aside;

typedef struct Store {
        int dirfd; /* owned */
        Uuid agent;
        uint64_t epoch;
        Uuid boot;     /* of the machine, when it was last written */
        usec_t booted; /* when its systemd was started, 0 where that is not known */
        bool new_boot; /* it has booted since */
        History history;
        ClaimState claim_state;
        Claim *claim; /* own, where claim_state is not CLAIM_NONE */
        uint64_t consumed; /* the section of the record when the claim was consumed, 0 where there was none */
        size_t n_released;
        Uuid released[RELEASED_MAX]; /* newest last */
        bool have_grant;
        Grant grant;
        size_t n_led; /* bootstraps by a grant of this node, which are not in its history yet */
        struct {
                Uuid id;
                char leader[NAME_SIZE];
        } led[NAMES_MAX]; /* newest last */
        uint64_t resuming; /* the section of a start that was let resume, 0 for none */
        uint64_t settled; /* the section of the record in which `history` became that of the data */
        char settled_start[33]; /* or the invocation of a start that has none, "" for none */
        bool wanted; /* mysqld was to run, and was not stopped by a person */
        char stopping[33]; /* the invocation of its unit that is being stopped by us, "" for none */
        bool owed;   /* a person or the boot has asked for mysqld, and it has not been let start yet */
        Ruling ruling; /* the policy that this node goes by */
        int64_t join_failures; /* in a row */
        Names without; /* an operator's, until the bootstrap it was said for is over */
        Marks marks;
        Aside aside;
        Shun shun;
        bool offline; /* set so, by a person or at the end of a recovery, until `online` */
        bool replica; /* made one by a job: it starts read-only, whatever its configuration says */
        bool held;    /* its replication is kept stopped, also by its next start */
        bool held_before; /* it was, before a job stopped the server */
        bool down_before; /* and the server was stopped already */
        char copy_place[8]; /* where the copy of a job lies: "beside" the data or "within" them */
        size_t n_seqnos;
        StoreSeqno seqno[REPORT_VIEWS_MAX];
        char quorum_off[STORE_OPTION_SIZE]; /* the server's option by which it went on without quorum, "" for never, */
        uint64_t quorum_off_from, quorum_off_to; /* in these sections of the record */
        size_t n_labels; /* node names by the address they were found under */
        struct {
                char label[256];
                char name[NAME_SIZE];
        } label[NAMES_MAX];
} Store;

/* Opens `dir` and reads the file in it; absent, it is a new installation and
 * gets an identity. Takes a new epoch and writes it. On -EBADMSG `error` says
 * what is wrong with the file: it is left as it is. Free with store_free(). */
int store_open(const char *dir, Store **ret, char error[static 256]);
Store *store_free(Store *s);
DEFINE_CLEANUP(Store, store_free)

/* Writes it, durably. On failure what is on disk is as it was. */
int store_save(Store *s);

/* Why mysqld must not be started, for a gate that finds no agent; NULL: it may.
 * A file of its own, which everybody may read. */
#define STORE_KEPT_OUT "kept-out"
int store_keep_out(Store *s, const char *why);

/* Remembers a claim as given up; the oldest is forgotten. */
void store_release(Store *s, const Uuid *id);

/* Remembers whom a bootstrap was granted to that took place. */
void store_add_led(Store *s, const Uuid *id, const char *leader);

int64_t store_seqno(const Store *s, uint64_t section, uint64_t view);
void store_set_seqno(Store *s, uint64_t section, uint64_t view, int64_t seqno);

/* The option by which the server of that section could go on without quorum;
 * NULL where it could not. */
const char *store_quorum_off(const Store *s, uint64_t section);
/* `option` NULL: it could not. `in_force` is the section whose views are in force
 * when this one begins: they stay what they are. True where that is news. */
bool store_set_quorum_off(Store *s, uint64_t section, uint64_t in_force, const char *option);

/* The node's name last heard at a label, NULL where never. */
const char *store_label(const Store *s, const char *label);
/* 1 where that is news; negative where it cannot be kept. */
int store_set_label(Store *s, const char *label, const char *name);
