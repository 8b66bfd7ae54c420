/* Marks: which files prove one, and what alone takes it away again.
 *
 * A row is what lies in the datadir, and the record of views; and what of it
 * is then marked. */
#include "cases.h"
#include "domain/mark.h"
#include "memory.h"

#define ZERO "00000000-0000-0000-0000-000000000000"
#define A "f27cad95-e6c2-11f1-84a8-62178a875e97"
#define INV "0123456789abcdef0123456789abcdef"
#define START(n, at) "start " #n " 100 " INV " " at "\n"
#define VIEW(p) "view 200 " A " " p " 0 fd1ce4c2-e6c2-11f1-a2f0-9eae3be50b66/db3/10.77.3.3:0\n"
#define WAS(s) "status 300 " s "\n"
#define LEFT "disconnected 400\n"
#define MEMBER START(1, "-") VIEW("primary") WAS("joined") WAS("synced")
/* As measured with MariaDB 10.11, for a node that lost the vote. */
#define EVICTED MEMBER VIEW("non-primary") WAS("connected") LEFT

typedef struct Row {
        const char *name;
        const char *files;  /* "data", "sst", "zero" or "real" for grastate.dat */
        const char *record;
        Mysqld mysqld;
        const char *marks;  /* their names, sorted; '-' none */
} Row;

static const Row rows[] = {
        { "stopped in order", "data real", MEMBER LEFT, MYSQLD_STOPPED, "-" },
        { "cut", "data real", MEMBER, MYSQLD_STOPPED, "-" },
        { "a new node", "", "", MYSQLD_STOPPED, "-" },
        { "a new node whose start found nobody", "data zero", START(1, "-"), MYSQLD_STOPPED, "-" },

        { "evicted, and running on", "data zero", EVICTED, MYSQLD_STARTING, "inconsistent" },
        { "evicted, and stopped", "data zero", EVICTED, MYSQLD_STOPPED, "inconsistent" },
        { "evicted as a donor", "data zero", START(1, "-") VIEW("primary") WAS("donor") LEFT, MYSQLD_STOPPED, "inconsistent" },
        { "it left, with its position", "data real", EVICTED, MYSQLD_STOPPED, "-" },
        { "cut while the schema was changed", "data zero", MEMBER, MYSQLD_STOPPED, "-" },
        { "the same, running", "data zero", MEMBER, MYSQLD_PRIMARY, "-" },

        { "a transfer cut off", "data zero sst", MEMBER START(2, "-"), MYSQLD_STOPPED, "aborted-sst" },
        { "the first one of a new node", "data zero sst", START(1, "-"), MYSQLD_STOPPED, "aborted-sst" },
        { "cut when all was deleted", "sst zero", MEMBER START(2, "-"), MYSQLD_STOPPED, "aborted-sst" },
        { "even without grastate.dat", "sst", "", MYSQLD_STOPPED, "aborted-sst" },
        { "even with a position", "data real sst", MEMBER START(2, A ":5"), MYSQLD_STOPPED, "aborted-sst" },
        { "a transfer under way", "data zero sst", MEMBER START(2, "-"), MYSQLD_JOINING, "-" },
        { "or not yet told of", "data zero sst", MEMBER START(2, "-"), MYSQLD_STARTING, "-" },
        { "a failed one that cleaned up", "data zero", MEMBER START(2, A ":5"), MYSQLD_STOPPED, "aborted-sst" },
        { "cut while the schema was changed, and a start that came to nothing", "data zero", MEMBER START(2, "-"), MYSQLD_STOPPED, "-" },
        { "a failed one after it was told of", "data zero", MEMBER START(2, A ":5") VIEW("primary") WAS("joiner") LEFT, MYSQLD_STOPPED, "aborted-sst" },
        { "asked for once more in one start", "data zero", MEMBER WAS("joiner") LEFT, MYSQLD_STOPPED, "aborted-sst" },
};

static Evidence evidence_of(const char *files, const char *record, Mysqld mysqld) {
        Evidence e = { .mysqld = mysqld };
        char error[256] = "";

        e.have_data = strstr(files, "data") || strstr(files, "sst");
        e.sst_cut = strstr(files, "sst");
        e.have_grastate = strstr(files, "zero") || strstr(files, "real");
        e.grastate.position.seqno = SEQNO_UNDEFINED;
        if (strstr(files, "real"))
                assert_int_equal(uuid_parse(A, strlen(A), &e.grastate.position.uuid), 0);
        if (mysqld_is_live(mysqld))
                (void) snprintf(e.unit_invocation, sizeof(e.unit_invocation), "%s", INV);
        e.have_viewlog = *record;
        if (*record && viewlog_parse(record, strlen(record), &e.viewlog, error) < 0)
                fail_msg("%s: %s", record, error);
        return e;
}

static void told(const Marks *m, char ret[static 128]) {
        Report *r;

        assert_int_equal(report_new(&r), 0);
        assert_int_equal(marks_tell(m, r), 0);
        *ret = 0;
        for (size_t i = 0; i < r->marks.n; i++) {
                (void) snprintf(ret + strlen(ret), 128 - strlen(ret), "%s%s", i ? " " : "", r->marks.name[i]);
                /* The evidence, and what clears it. */
                assert_non_null(r->mark_text[i]);
                assert_non_null(strstr(r->mark_text[i], mark_clears(mark_from_string(r->marks.name[i]))));
        }
        if (!*ret)
                (void) snprintf(ret, 128, "-");
        r = report_free(r);
}

static void files_prove_marks(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                Evidence e = evidence_of(rows[i].files, rows[i].record, rows[i].mysqld);
                Marks m = {0};
                char text[128];

                (void) marks_judge(&m, &e, 1);
                told(&m, text);
                if (!streq(text, rows[i].marks))
                        fail_msg("%s: %s", rows[i].name, text);
                /* The same once more is no news. */
                assert_int_equal(marks_judge(&m, &e, 2), 0);
                viewlog_done(&e.viewlog);
        }
}

/* Marked data give no position, and nobody asks a server for one of half a copy. */
static void marked_data_have_no_position(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                Evidence e = evidence_of(rows[i].files, rows[i].record, rows[i].mysqld);
                Report *r;

                assert_int_equal(report_new(&r), 0);
                if (!streq(rows[i].marks, "-")) {
                        CHECK(evidence_weigh(&e, r) == 0, rows[i].name);
                        CHECK(!report_has_position(r), rows[i].name);
                        CHECK(!r->blank, rows[i].name);
                        CHECK(r->problem || mysqld_is_live(rows[i].mysqld), rows[i].name);
                }
                r = report_free(r);
                viewlog_done(&e.viewlog);
        }
}

static const struct {
        const char *name;
        MarkKind kind;
        const char *files, *record;
        Mysqld mysqld;
        bool stays;
} later[] = {
        /* Set in section 1. */
        { "synced by a new start", MARK_INCONSISTENT, "data real", MEMBER START(2, "-") VIEW("primary") WAS("synced"), MYSQLD_PRIMARY, false },
        { "synced by a new start", MARK_ABORTED_SST, "data real", MEMBER START(2, "-") VIEW("primary") WAS("synced"), MYSQLD_PRIMARY, false },
        { "not yet", MARK_ABORTED_SST, "data real", MEMBER START(2, "-") VIEW("primary") WAS("joiner"), MYSQLD_JOINING, true },
        { "a new start without the cluster", MARK_INCONSISTENT, "data zero", EVICTED START(2, "-"), MYSQLD_STOPPED, true },
        { "the evidence is overwritten", MARK_INCONSISTENT, "data real", MEMBER LEFT, MYSQLD_STOPPED, true },
        { "Galera lets those in by IST", MARK_DIVERGED, "data real", MEMBER START(2, A ":5") VIEW("primary") WAS("synced"), MYSQLD_PRIMARY, true },
        { "and those, should they get there", MARK_STRAY, "data real", MEMBER START(2, "-") VIEW("primary") WAS("synced"), MYSQLD_PRIMARY, true },
        { "the datadir is empty", MARK_DIVERGED, "", MEMBER LEFT, MYSQLD_STOPPED, false },
        { "the datadir is empty", MARK_STRAY, "", MEMBER LEFT, MYSQLD_STOPPED, false },
        { "the datadir is empty", MARK_INCONSISTENT, "", EVICTED, MYSQLD_STOPPED, false },
        { "synced still, in the same start", MARK_INCONSISTENT, "data real", MEMBER, MYSQLD_PRIMARY, true },
        { "synced by a start past the gate", MARK_INCONSISTENT, "data real", MEMBER "start 2 100 - -\n" VIEW("primary") WAS("synced"), MYSQLD_PRIMARY, true },
        { "a server runs, whatever its datadir seems to hold", MARK_DIVERGED, "", MEMBER START(2, "-"), MYSQLD_STARTING, true },
        { "only grastate.dat was deleted", MARK_DIVERGED, "data", MEMBER LEFT, MYSQLD_STOPPED, true },
        { "only grastate.dat is left", MARK_DIVERGED, "real", MEMBER LEFT, MYSQLD_STOPPED, true },
};

static void marks_stay_until_the_data_are_others(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(later); i++) {
                Evidence e = evidence_of(later[i].files, later[i].record, later[i].mysqld);
                Marks m = {0};

                assert_int_equal(marks_set(&m, later[i].kind, 1, 1, "first"), 1);
                assert_int_equal(marks_set(&m, later[i].kind, 2, 2, "second"), 0);
                assert_string_equal(m.mark[later[i].kind].evidence, "first");
                (void) marks_judge(&m, &e, 3);
                CHECK(m.mark[later[i].kind].set == later[i].stays, later[i].name);
                viewlog_done(&e.viewlog);
        }
}

/* What cannot be read has not gone. */
static void a_datadir_out_of_reach_clears_nothing(void **state) {
        Evidence e = evidence_of("", "", MYSQLD_STOPPED);
        Marks m = {0};

        (void) state;
        assert_int_equal(marks_set(&m, MARK_DIVERGED, 1, 1, "x"), 1);
        e.datadir_missing = true;
        assert_int_equal(marks_judge(&m, &e, 1), 0);
        e.datadir_missing = false;
        (void) snprintf(e.grastate_error, sizeof(e.grastate_error), "Permission denied");
        assert_int_equal(marks_judge(&m, &e, 1), 0);
        assert_true(marks_keep_out(&m));
}

/* The mark outlives the answer that it was set for: somebody decides by hand,
 * and from then on the server names a position. */
static void what_was_decided_by_hand_proves_no_position(void **state) {
        Evidence e = evidence_of("data real", MEMBER, MYSQLD_STOPPED);
        Marks m = {0};
        Report *r;

        (void) state;
        e.have_recovery = e.recovery_prepared = true;
        (void) snprintf(e.recovery_text, sizeof(e.recovery_text), "There are prepared transactions.");
        e.mysqld = MYSQLD_PRIMARY; /* which has come past them: that was an earlier crash */
        assert_int_equal(marks_judge(&m, &e, 1), 0);
        e.mysqld = MYSQLD_STOPPED;
        assert_int_equal(marks_judge(&m, &e, 1), 1U << MARK_PREPARED);
        assert_int_equal(marks_judge(&m, &e, 2), 0);

        e.recovery_prepared = false;
        e.recovery_has_position = true;
        e.recovery_position = (Position) { e.grastate.position.uuid, 50 };
        assert_int_equal(marks_judge(&m, &e, 2), 0);
        assert_true(marks_keep_out(&m));
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_true(report_has_position(r));
        assert_int_equal(marks_tell(&m, r), 0);
        assert_false(report_has_position(r));
        assert_true(r->unjudged);
        r = report_free(r);

        /* What a live server says is its own. */
        assert_int_equal(report_new(&r), 0);
        r->position = e.recovery_position;
        r->source = SOURCE_LIVE;
        assert_int_equal(marks_tell(&m, r), 0);
        assert_true(report_has_position(r));
        assert_false(r->unjudged);
        r = report_free(r);

        /* Other marks void none: how far diverged data have come must be known. */
        m.mark[MARK_PREPARED].set = false;
        assert_int_equal(marks_set(&m, MARK_DIVERGED, 1, 1, "x"), 1);
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_int_equal(marks_tell(&m, r), 0);
        assert_true(report_has_position(r));
        r = report_free(r);
        viewlog_done(&e.viewlog);
}

static void half_a_copy_may_be_overwritten_and_nothing_else(void **state) {
        Marks m = {0};

        (void) state;
        assert_int_equal(marks_first(&m), _MARK_INVALID);
        assert_false(marks_keep_out(&m));
        assert_int_equal(marks_set(&m, MARK_ABORTED_SST, 1, 1, "x"), 1);
        assert_false(marks_keep_out(&m));
        assert_int_equal(marks_set(&m, MARK_STRAY, 1, 1, "x"), 1);
        assert_int_equal(marks_first(&m), MARK_STRAY);
        assert_true(marks_keep_out(&m));
        for (MarkKind k = 0; k < _MARK_MAX; k++) {
                assert_int_equal(mark_keeps_out(k), k != MARK_ABORTED_SST);
                assert_int_equal(mark_from_string(mark_to_string(k)), k);
        }
        assert_true(mark_can_be_lifted(MARK_PREPARED) && mark_can_be_lifted(MARK_DIVERGED) && mark_can_be_lifted(MARK_STRAY));
        assert_false(mark_can_be_lifted(MARK_ABORTED_SST) || mark_can_be_lifted(MARK_INCONSISTENT));
}

/* One that was found inconsistent, and began a transfer: if that is cut off, it is both.
 * A later start that finds the same zeros proves no transfer. */
static void an_evicted_node_may_be_half_a_copy_besides(void **state) {
        (void) state;
        for (int cut = 0; cut < 2; cut++) {
                Evidence e = evidence_of(cut ? "data zero sst" : "data zero", EVICTED START(2, A ":5"), MYSQLD_STOPPED);
                Marks m = {0};

                assert_int_equal(marks_set(&m, MARK_INCONSISTENT, 1, 1, "x"), 1);
                assert_int_equal(marks_judge(&m, &e, 2), cut ? 1U << MARK_ABORTED_SST : 0);
                assert_true(m.mark[MARK_INCONSISTENT].set);
                viewlog_done(&e.viewlog);
        }
}

/* A mark that is not told would let data lead that must not. */
static void short_of_memory_no_mark_gets_lost(void **state) {
        Marks m = {0};
        bool refused;
        unsigned n;

        (void) state;
        for (MarkKind k = 0; k < _MARK_MAX; k++)
                assert_int_equal(marks_set(&m, k, 1, 1, "x"), 1);
        for (int names = 0; names < 2; names++) {
                n = 0;
                do {
                        _cleanup_(report_freep) Report *r = NULL;
                        int k;

                        assert_int_equal(report_new(&r), 0);
                        names ? names_refuse(++n) : memory_refuse(++n);
                        k = marks_tell(&m, r);
                        refused = names ? names_refused() : memory_refused();
                        assert_int_equal(k, !refused ? 0 : names ? -E2BIG : -ENOMEM);
                        assert_true(refused || r->marks.n == _MARK_MAX);
                } while (refused);
                assert_true(n > _MARK_MAX);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_prove_marks),
                cmocka_unit_test(marked_data_have_no_position),
                cmocka_unit_test(marks_stay_until_the_data_are_others),
                cmocka_unit_test(a_datadir_out_of_reach_clears_nothing),
                cmocka_unit_test(what_was_decided_by_hand_proves_no_position),
                cmocka_unit_test(half_a_copy_may_be_overwritten_and_nothing_else),
                cmocka_unit_test(an_evicted_node_may_be_half_a_copy_besides),
                cmocka_unit_test(short_of_memory_no_mark_gets_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
