/* gvwstate.dat: the last view in which gcomm saw a Primary component. */
#pragma once

#include "base/uuid.h"

#define GVWSTATE_SIZE_MAX ((size_t) 64 * 1024)
#define GVWSTATE_MEMBERS_MAX 128

typedef struct GvwMember {
        Uuid uuid; /* with its incarnation, see uuid_same_member() */
        int segment;
} GvwMember;

typedef struct Gvwstate {
        Uuid my_uuid;
        bool primary; /* view_id 3: primary; 2: not */
        Uuid view_uuid;
        int64_t view_seqno; /* gcomm's own count, not the cluster's seqno */
        bool bootstrap;
        size_t n_members;
        GvwMember members[GVWSTATE_MEMBERS_MAX];
} Gvwstate;

/* As grastate_parse(). A zero my_uuid, no members, or a file without #vwend is
 * an error: mysqld would die of it. */
int gvwstate_parse(const char *text, size_t n, Gvwstate *ret, char error[static 256]);
