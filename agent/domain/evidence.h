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
        char unit_invocation[33]; /* of the unit's running start, "" where none */

        /* grastate.dat: `grastate_error` where it could not be read or understood. */
        bool datadir_missing;
        bool have_grastate;
        Grastate grastate;
        usec_t grastate_mtime;
        char grastate_error[256];

        /* gvwstate.dat, or what the gate set aside of it for the last start. */
        bool have_gvwstate, have_aside;
        Gvwstate gvwstate, aside;
        char gvwstate_error[256];

        /* The record of views. */
        bool have_viewlog;
        Viewlog viewlog;
        char viewlog_error[256];
        int64_t view_seqno[VIEWLOG_VIEWS_MAX]; /* S of viewlog.views, SEQNO_UNDEFINED where unknown */

        /* The last wsrep-recover, where it holds for the files as they are. */
        bool have_recovery;
        bool recovery_has_position;
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

/* What mysqld is doing, by what its notify command recorded; for a unit whose
 * main process runs. */
Mysqld evidence_live_state(const Viewlog *log);
