/* The record of Primary views, which mysqld's own notify command appends to.
 *
 * It answers one question: who was in the cluster last? That decides who must
 * be heard before a bootstrap, so it is trusted only where it is provably
 * whole. One record is one line of words separated by single blanks:
 *
 *   start N TIME INVOCATION POSITION        the gate let mysqld start (section N)
 *   view TIME UUID primary|non-primary INDEX MEMBER[,MEMBER...]
 *   status TIME WORD                        joiner, joined, synced, donor, ...
 *   disconnected TIME                       a graceful end
 *   lost TIME                               a view that could not be recorded
 *
 * TIME is microseconds since the epoch, INVOCATION systemd's invocation id or
 * "-", POSITION is UUID:SEQNO or "-", UUID is the cluster's, INDEX is this
 * node's own place in the list, MEMBER is GROUPUUID/NAME/ADDRESS as mysqld
 * passes it. A last line without newline is a write that a power cut tore: it
 * is ignored, but makes the record untrustworthy (`torn`), and so does a view
 * that was lost, or that no start precedes.
 *
 * A start that saw no Primary view leaves the views before it in force, so
 * views are read of the last section that has any (`views_section`), and from
 * there on every line must be understood. mysqld tells one view several times,
 * with each change of its own status: such repetitions are one view.
 */
#pragma once

#include "domain/position.h"

#define VIEWLOG_SIZE_MAX ((size_t) 2 * 1024 * 1024)
#define VIEW_MEMBERS_MAX 100 /* as many as NAMES_MAX */
#define VIEW_NAME_MAX 64 /* with the NUL */
/* How many views of a section are kept, the newest ones. */
#define VIEWLOG_VIEWS_MAX 32
/* A longer line is never written. */
#define VIEWLOG_LINE_MAX ((size_t) 24 * 1024)

typedef struct ViewMember {
        Uuid uuid; /* the group's; zero where the server did not pass one */
        char name[VIEW_NAME_MAX];
        char address[128]; /* incoming address, "" where unknown */
} ViewMember;

typedef struct View {
        Uuid uuid; /* the cluster's */
        bool primary;
        bool after_gap; /* it was not in a Primary view right before: there may have been others in between */
        int own_index; /* -1 where this node is none of them */
        usec_t time;
        size_t n_members;
        ViewMember *members;
} View;

typedef struct Viewlog {
        bool have_section; /* a start line was found */
        uint64_t section;
        usec_t section_time;
        char invocation[33]; /* "" where none */
        bool have_position;
        Position position; /* at which the section was opened */
        bool closed;       /* the last record of the section is `disconnected` */
        usec_t closed_time;
        bool torn; /* since views_section, a view may be missing */
        uint64_t views_section; /* of which the views are; `section` where there are none */
        bool views_closed;      /* that section ended with `disconnected` */
        bool views_synced;      /* and it was `was_synced` then */
        bool have_since;        /* where a section was opened since then, */
        Position since;         /* the first one's position */
        size_t n_primary_seen;  /* its primary views in all, kept or not */
        size_t n_views;         /* primary views kept, oldest first */
        View views[VIEWLOG_VIEWS_MAX];
        bool have_last;     /* the last view of any kind in this section */
        bool last_primary;
        size_t last_n_members; /* with arbitrators; in a non-primary view Galera names only those known before */
        Uuid last_members;  /* of their group uuids: the same for all who are in that view; zero where one is not known */
        char status[24];    /* the last status word, "" where none */
        bool was_synced;    /* in this section, and asked for no state transfer since */
} Viewlog;

/* Reads a record. -EBADMSG and a sentence in `error` for a line that is none
 * of the above, -ENOMEM; free `ret` with viewlog_done(). An empty text is a
 * record without a section. */
int viewlog_parse(const char *text, size_t n, Viewlog *ret, char error[static 256]);
void viewlog_done(Viewlog *log);

/* An arbitrator (garbd) is a member like any other, but takes no clients: it
 * has no incoming address. A server that found none for itself has none either,
 * so where this node's own is missing that tells nothing. */
bool view_is_arbitrator(const View *v, size_t member);

/* The members as wsrep_notify_cmd passes them: UUID/NAME/ADDRESS, separated by
 * commas. Returns their number, or -EBADMSG; free `*ret`. */
int view_members_parse(const char *text, ViewMember **ret);

/* One line with its newline, ready to append, and a NUL. Returns its length;
 * -EINVAL for what the record has no words for, -ENOBUFS where `size` is too
 * small. Without an allocation, for the notify command must not fail. */
int viewlog_print_start(char *buf, size_t size, uint64_t section, usec_t time, const char *invocation, const Position *position /* or NULL */);
int viewlog_print_view(char *buf, size_t size, usec_t time, const Uuid *uuid, bool primary, int own_index, const char *members);
int viewlog_print_status(char *buf, size_t size, usec_t time, const char *status); /* "disconnected" gives that record */
int viewlog_print_lost(char *buf, size_t size, usec_t time);

/* The same; free `*ret`. */
int viewlog_format_start(uint64_t section, usec_t time, const char *invocation, const Position *position /* or NULL */, char **ret);
int viewlog_format_view(usec_t time, const Uuid *uuid, bool primary, int own_index, const char *members, char **ret);
int viewlog_format_status(usec_t time, const char *status, char **ret);
