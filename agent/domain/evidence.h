/* Evidence: what the files and the server of this node say, weighed into the
 * part of its report that concerns data. Pure, so that every judgement on
 * which somebody's data hang can be tested from a table. */
#pragma once

#include "domain/grastate.h"
#include "domain/gvwstate.h"
#include "domain/report.h"
#include "domain/viewlog.h"

typedef struct Evidence {
        Mysqld mysqld;
        const char *outside;      /* a server runs on the datadir, and not by this unit of its; else NULL */
        char unit_invocation[33]; /* of the unit's running start, "" where none */

        /* grastate.dat: `grastate_error` where it could not be read or understood. */
        bool datadir_missing;
        bool have_grastate;
        Grastate grastate;
        usec_t grastate_mtime;
        char grastate_error[256];
        bool grastate_empty; /* there is nothing in it: libgalera leaves it so where a first state transfer fails (measured with MariaDB 10.11) */
        bool have_data; /* there is something of a server in the datadir */
        bool sst_cut;   /* a state transfer's own mark lies there: sst_in_progress */
        usec_t sst_time;

        /* gvwstate.dat, or what the gate set aside of it for the last start. */
        bool have_gvwstate, have_aside;
        Gvwstate gvwstate, aside;
        char gvwstate_error[256];

        /* The record of views. */
        bool have_viewlog;
        Viewlog viewlog;
        char viewlog_error[256];
        int64_t view_seqno[VIEWLOG_VIEWS_MAX]; /* S of viewlog.views, SEQNO_UNDEFINED where unknown */
        Names nodes;            /* configured, or heard some time: none of them is an arbitrator */
        const char *quorum_off; /* the server's option that lets it go on without quorum, or NULL */
        bool quorum_was_off;    /* not now, but when the views were recorded */
        bool recovery_off;      /* the server's options keep it from resuming */

        /* The last wsrep-recover, where it holds for the files as they are. */
        bool have_recovery;
        bool recovery_has_position;
        bool recovery_prepared; /* it ended at prepared transactions */
        Position recovery_position;
        char recovery_text[256];

        /* What the live server said last. */
        bool have_live;
        Position live;
} Evidence;

/* Fills the report's position, source, blank, safe_to_bootstrap, views and
 * problem; those must be empty before. Returns 1 where a wsrep-recover is
 * needed to know more, else 0. */
int evidence_weigh(const Evidence *e, Report *r);

/* Can `seqno` be the S of the newest recorded view? Each has one above all that
 * came before: an answer that is late, about an earlier view of the same
 * members, has not. */
bool evidence_is_newest_seqno(const Evidence *e, int64_t seqno);

/* Is the start that runs now the one that the record tells of? Not where mysqld
 * was started before Mainstay was set up, or past the gate. */
bool evidence_followed(const Evidence *e);

/* Did the server find its data inconsistent, and leave the cluster? It was
 * Synced, its grastate.dat holds no cluster any more, and it closed its
 * connection, all in one start; it may run on for ever after (measured with
 * MariaDB 10.11). A file like this alone proves nothing: it is so while a
 * change of the schema is applied, too. */
bool evidence_evicted(const Evidence *e);

/* Did a start since it was a member come to a state transfer that did not end?
 * Where the transfer's own mark was removed, this is what is left to see. */
bool evidence_transfer_failed(const Evidence *e);

/* Is the member of the view an arbitrator, and no node that is known? */
bool evidence_is_arbitrator(const Evidence *e, const View *v, size_t member);

/* What mysqld is doing, by what its notify command recorded; for a unit whose
 * main process runs. */
Mysqld evidence_live_state(const Viewlog *log);
