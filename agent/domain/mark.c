/* Marks; see mark.h. */
#include "domain/mark.h"
#include "base/table.h"

#include <time.h>

static const char *const mark_names[] = {
        [MARK_ABORTED_SST] = "aborted-sst",
        [MARK_INCONSISTENT] = "inconsistent",
        [MARK_DIVERGED] = "diverged",
        [MARK_STRAY] = "stray",
        [MARK_PREPARED] = "prepared",
};
DEFINE_STRING_TABLE(mark, MarkKind, mark_names)

bool mark_keeps_out(MarkKind k) {
        return k != MARK_ABORTED_SST; /* there is nothing to save of half a copy */
}

/* Whether they were committed or rolled back, the position may tell of more or
 * of less than the data hold. */
bool mark_voids_position(MarkKind k) {
        return k == MARK_PREPARED;
}

bool mark_can_be_lifted(MarkKind k) {
        return k == MARK_DIVERGED || k == MARK_STRAY || k == MARK_PREPARED;
}

const char *mark_clears(MarkKind k) {
        switch (k) {
        case MARK_ABORTED_SST:
                return "A complete state transfer (SST) clears it: the next start takes one by itself where the cluster is up.";
        case MARK_INCONSISTENT:
                return "A complete state transfer (SST) clears it. Mainstay does not let one overwrite the data unasked: mainstayctl recover sets them aside first.";
        default:
                return "It is cleared when the data are no longer in the datadir: mainstayctl recover sets them aside and takes a full copy (SST).";
        }
}

MarkKind marks_first(const Marks *m) {
        MarkKind first = _MARK_INVALID;

        for (MarkKind k = 0; k < _MARK_MAX; k++) {
                if (!m->mark[k].set)
                        continue;
                if (mark_keeps_out(k))
                        return k;
                first = k; /* there is one such */
        }
        return first;
}

bool marks_keep_out(const Marks *m) {
        MarkKind k = marks_first(m);

        return k >= 0 && mark_keeps_out(k);
}

int marks_set(Marks *m, MarkKind k, uint64_t section, usec_t now, const char *evidence) {
        Mark *mark = &m->mark[k];

        if (mark->set)
                return 0;
        *mark = (Mark) { .set = true, .section = section, .time = now };
        (void) snprintf(mark->evidence, sizeof(mark->evidence), "%s", evidence);
        return 1;
}

static const char *time_text(usec_t at, char buf[static 32]) {
        time_t seconds = (time_t) (at / USEC_PER_SEC);
        struct tm tm;

        /* not reached: every usec_t has a year that fits */
        if (!gmtime_r(&seconds, &tm) || strftime(buf, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                (void) snprintf(buf, 32, "an unknown time");
        return buf;
}

static unsigned judge_sst(Marks *m, const Evidence *e, usec_t now) {
        char text[MARK_TEXT_MAX], at[32];

        if (mysqld_is_live(e->mysqld)) /* one that runs is no aborted one */
                return 0;
        if (e->sst_cut)
                (void) snprintf(text, sizeof(text), "The server left sst_in_progress in the datadir at %s: a state transfer (SST) began and did not end, so the data are neither the old copy nor the new one.",
                                time_text(e->sst_time, at));
        else if (evidence_transfer_failed(e))
                (void) snprintf(text, sizeof(text), "grastate.dat holds no cluster any more, although this node was a member of one, and the server that was started at %s never became Synced: a state transfer (SST) did not end.",
                                time_text(e->viewlog.section_time, at));
        else
                return 0;
        return marks_set(m, MARK_ABORTED_SST, e->viewlog.section, now, text) > 0 ? 1U << MARK_ABORTED_SST : 0;
}

static unsigned judge_eviction(Marks *m, const Evidence *e, usec_t now) {
        char text[MARK_TEXT_MAX], at[32];

        if (!evidence_evicted(e))
                return 0;
        (void) snprintf(text, sizeof(text), "The server was Synced and left the cluster by itself at %s, with a grastate.dat that holds no cluster any more: that is what it does when it finds its data inconsistent with those of the others. Why it did: \"Inconsistency detected\" in the journal of its unit, and GRA_*.log in the datadir.",
                        time_text(e->viewlog.closed_time, at));
        return marks_set(m, MARK_INCONSISTENT, e->viewlog.section, now, text) > 0 ? 1U << MARK_INCONSISTENT : 0;
}

static unsigned judge_prepared(Marks *m, const Evidence *e, usec_t now) {
        if (!e->have_recovery || !e->recovery_prepared || mysqld_is_live(e->mysqld))
                return 0;
        return marks_set(m, MARK_PREPARED, e->viewlog.section, now,
                         "After a crash the server found prepared transactions of which its binary log does not tell whether they were committed. "
                         "Whatever is decided about them by hand (mysqld --tc-heuristic-recover), the other nodes may have decided otherwise.") > 0 ? 1U << MARK_PREPARED : 0;
}

/* Was this data's copy made after the mark? Galera refuses an IST where
 * grastate.dat holds no cluster, which both of these marks go with. */
static bool transferred_since(const Evidence *e, MarkKind k, const Mark *mark) {
        return (k == MARK_ABORTED_SST || k == MARK_INCONSISTENT) && e->mysqld == MYSQLD_PRIMARY &&
               evidence_followed(e) && e->viewlog.section > mark->section;
}

static bool data_gone(const Evidence *e) {
        return !e->datadir_missing && !e->have_data && !e->have_grastate && !e->grastate_error[0] && !mysqld_is_live(e->mysqld);
}

unsigned marks_judge(Marks *m, const Evidence *e, usec_t now) {
        unsigned changed = 0;

        for (MarkKind k = 0; k < _MARK_MAX; k++)
                if (m->mark[k].set && (data_gone(e) || transferred_since(e, k, &m->mark[k]))) {
                        m->mark[k] = (Mark) {0};
                        changed |= 1U << k;
                }
        changed |= judge_eviction(m, e, now);
        changed |= judge_prepared(m, e, now);
        /* A start since then found the same file, and proves nothing else. */
        if (!m->mark[MARK_INCONSISTENT].set || e->sst_cut)
                changed |= judge_sst(m, e, now);
        return changed;
}

void marks_void(Report *r) {
        for (MarkKind k = 0; k < _MARK_MAX; k++)
                if (mark_voids_position(k) && names_contain(&r->marks, mark_to_string(k)) && r->source > SOURCE_LIVE) {
                        r->position = (Position) { .seqno = SEQNO_UNDEFINED };
                        r->source = SOURCE_NONE;
                        r->unjudged = true;
                }
}

int marks_tell(const Marks *m, Report *r) {
        for (MarkKind k = 0; k < _MARK_MAX; k++) {
                _cleanup_free_ char *text = NULL;
                int n;

                if (!m->mark[k].set)
                        continue;
                if (asprintf(&text, "%s %s", m->mark[k].evidence, mark_clears(k)) < 0) {
                        text = NULL;
                        return -ENOMEM;
                }
                n = report_mark(r, mark_to_string(k), text);
                if (n < 0)
                        return n;
        }
        marks_void(r);
        return 0;
}
