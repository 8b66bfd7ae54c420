/* Joining: by IST or by a full copy, in which order, and from whom. */
#include "cases.h"
#include "domain/joining.h"

static const struct {
        const char *name, *voices; /* db1 joins */
        Way way;
        int64_t lacks;
        const char *donor, *says;
} forecasts[] = {
        { "just in reach", "db1 stopped 99; db2 primary 120 cached 100", WAY_IST, 21, "db2", "by IST: it lacks 21 transactions, and db2 keeps them (from seqno 100 on)" },
        { "just out of reach", "db1 stopped 98; db2 primary 120 cached 100", WAY_SST, 22, "db2", "its data end at seqno 98, and no node keeps all that came after (db2 from seqno 100 on)" },
        { "one transaction", "db1 stopped 119; db2 primary 120 cached 1", WAY_IST, 1, "db2", "lacks 1 transaction," },
        { "nothing", "db1 stopped 120; db2 primary 120 cached 1", WAY_IST, 0, "db2", "lacks nothing" },
        { "all that was ever committed", "db1 stopped 0; db2 primary 120 cached 1", WAY_IST, 120, "db2", "lacks 120" },
        { "the first transaction too many", "db1 stopped 0; db2 primary 120 cached 2", WAY_SST, 120, "db2", "(SST)" },
        { "who keeps most counts", "db1 stopped 50; db2 primary 120 cached 100; db3 primary 120 cached 51", WAY_IST, 70, "db3", "db3 keeps them" },
        { "on equal caches the name", "db1 stopped 50; db3 primary 120 cached 51; db2 primary 120 cached 51", WAY_IST, 70, "db2", "db2 keeps them" },
        { "one who reaches is enough", "db1 stopped 50; db2 primary 120 cached 51; db3 primary 120", WAY_IST, 70, "db2", "by IST" },
        { "one who has not told may reach", "db1 stopped 50; db2 primary 120 cached 60; db3 primary 120", WAY_UNKNOWN, 70, "db2", "not known: db3 has not told" },
        { "nobody has told", "db1 stopped 50; db2 primary 120", WAY_UNKNOWN, -1, NULL, "not known: db2 has not told" },
        { "no agent there", "db1 stopped 50; db2 alive", WAY_UNKNOWN, -1, NULL, "is not known." },
        { "who is not Primary is no donor", "db1 stopped 50; db2 primary 120 cached 60; db3 stopped 120 cached 1", WAY_SST, 70, "db2", "(SST)" },
        { "nor is one that is joining", "db1 stopped 50; db2 primary 120 cached 60; db3 joining cached 1", WAY_SST, 70, "db2", "(SST)" },
        { "nor one that is not heard", "db1 stopped 50; db2 primary 120 cached 60; db3 uncertain", WAY_SST, 70, "db2", "(SST)" },
        { "nor one of another cluster", "db1 stopped 50; db2 primary 120 cached 60; db3 primary B500 cached 1", WAY_SST, 70, "db2", "(SST)" },
        { "a blank node", "db1 stopped blank; db2 primary 120 cached 1", WAY_SST, -1, "db2", "no data of the cluster and joins by a full state transfer (SST)" },
        { "a position that cannot be proved", "db1 stopped problem; db2 primary 120 cached 1", WAY_SST, -1, "db2", "no position that could be proved" },
        { "what was told of the position is old", "db1 stopped 130; db2 primary 120 cached 100", WAY_IST, -1, "db2", "by IST: db2 keeps what came after seqno 130" },
        { "64 bits", "db1 stopped 9007199254740992; db2 primary 9223372036854775807 cached 9007199254740994", WAY_SST, INT64_C(9214364837600034815), "db2", "9007199254740992" },
};

static void way_is_what_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(forecasts); i++) {
                _cleanup_cast_ Cast cast = cast_parse(forecasts[i].voices);
                Voice *voices = cast_voices(&cast);
                _cleanup_free_ char *text = NULL;
                Forecast f;

                joining_forecast(voices, cast.n, cast.report[0], &f);
                CHECK(f.way == forecasts[i].way, forecasts[i].name);
                CHECK(f.lacks == forecasts[i].lacks, forecasts[i].name);
                CHECK(streq_null(f.donor ? f.donor->name : NULL, forecasts[i].donor) || (!f.donor && !forecasts[i].donor), forecasts[i].name);
                assert_int_equal(joining_text(&f, cast.report[0], "db9", &text), 0);
                if (!strstr(text, forecasts[i].says))
                        fail_msg("%s: \"%s\" does not say \"%s\"", forecasts[i].name, text, forecasts[i].says);
        }
}

/* Who may start now, and for the others whom they wait for. */
static const struct {
        const char *name, *voices, *turns;
} turns[] = {
        { "alone", "db1 primary 120 cached 1; db2 stopped 90", "2" },
        { "alone, and a blank node: there is nothing to learn", "db1 primary 120; db2 stopped blank", "2" },
        { "by IST one enters after the other, who lacks least first", "db1 primary 120 cached 1; db2 stopped 90; db3 stopped 100; db4 stopped 1", "2=3 3 4=2" },
        { "it has passed the gate, and is not in the group yet", "db1 primary 120 view 10:1 cached 1; db2 stopped 90; db3 starting 100; db4 stopped 1", "2=3 4=3" },
        { "it is in the group: it is no hindrance that it has yet to be served", "db1 primary 120 view 20:13,10:1 cached 1; db2 stopped 90; db3 starting 100; db4 stopped 1", "2 4=2" },
        { "by the word of one that is Primary", "db1 primary 120 view 10:15 cached 1; db5 primary 120 view 20:135,10:15 cached 1; db2 stopped 90; db3 starting 100", "2" },
        { "it was in it before, and is not yet again", "db1 primary 120 view 20:1,10:123 cached 1; db2 stopped 90; db3 starting 100", "2=3" },
        { "nobody tells who is in the group", "db1 primary 120 cached 1; db2 stopped 90; db3 starting 100", "2" },
        { "though the donor serves another", "db1 primary 120 cached 1 donating; db2 stopped 90; db3 joining", "2" },
        { "one donor, two full copies: the nearer first", "db1 primary 120 cached 110; db2 stopped 90; db3 stopped 100", "2<3 3" },
        { "equally near: by name", "db1 primary 120 cached 110; db2 stopped 90; db3 stopped 90", "2 3<2" },
        { "a blank node comes last", "db1 primary 120 cached 110; db2 stopped blank; db3 stopped 90", "2<3 3" },
        { "IST before SST, though it lacks more", "db1 primary 120 cached 51; db4 primary 120 cached 100 donating; db2 stopped blank; db3 stopped 50", "2<3 3" },
        { "two donors, two full copies", "db1 primary 120 cached 110; db4 primary 120 cached 110; db2 stopped 90; db3 stopped 100", "2=3 3" },
        { "and the first of them is in the group", "db1 primary 120 view 20:134,10:14 cached 110; db4 primary 120 cached 110; db2 stopped 90; db3 starting 100", "2" },
        { "two donors, three full copies", "db1 primary 120 cached 110; db4 primary 120 cached 110; db2 stopped 90; db3 stopped 100; db5 stopped 80", "2=3 3 5<2" },
        { "while one is on its way in", "db1 primary 120 cached 110; db2 stopped 90; db3 starting 100", "2!3" },
        { "and receives", "db1 primary 120 cached 110 donating; db2 stopped 90; db3 joining", "2!3" },
        { "two have yet to be let in", "db1 primary 120 view 10:1 cached 1; db2 stopped 90; db3 starting 95; db5 starting 96", "2=3" },
        { "two wait for it", "db1 primary 120 cached 110 donating; db2 stopped 90; db3 joining; db4 stopped 80", "2!3 4!3" },
        { "the first joiner has become a donor", "db1 primary 120 cached 1; db2 stopped 90; db3 primary 120 cached 100", "2" },
        { "one donor serves, the other is free", "db1 primary 120 cached 1 donating; db4 primary 120 cached 1; db2 stopped 90; db3 joining", "2" },
        { "two on their way, one served", "db1 primary 120 cached 110 donating; db4 primary 120 cached 110; db2 stopped 90; db3 joining; db5 starting", "2!3" },
        { "a backup is no reason to wait", "db1 primary 120 cached 1 donating; db2 stopped 90", "2" },
        { "nobody waits for whom a person stopped", "db1 primary 120 cached 110; db2 stopped 90; db3 stopped 100 unwanted", "2 3" },
        { "nor for who is not heard", "db1 primary 120 cached 1; db2 stopped 90; db3 uncertain", "2" },
        { "nor for who failed and rests", "db1 primary 120 cached 110; db2 stopped 90; db3 stopped 100 resting", "2" },
        { "who failed before goes last", "db1 primary 120 cached 1; db2 stopped 90; db3 stopped 100 failed 2", "2 3<2" },
        { "nor for who has diverged", "db1 primary 120 settled history a@90 cached 110; db2 stopped 90; db3 stopped 100", "2" },
        { "nor for who is of another cluster", "db1 primary 120 cached 110; db2 stopped 90; db3 stopped B119", "2" },
        { "nor for who is marked, and kept out by that", "db1 primary 120 cached 110; db2 stopped 90; db3 stopped 100 mark inconsistent", "2 3" },
        { "whose mark does not keep it out is in line", "db1 primary 120 cached 110; db2 stopped problem mark aborted-sst; db3 stopped blank", "2 3<2" },
        { "nor for who must wait until more is known", "db1 primary 200 history a@100 view 190:12 cached 195; db2 uncertain; db3 stopped 150; db4 stopped blank", "3 4" },
        { "what it keeps is of no use while it does not say of which cluster", "db1 primary cached 1; db2 stopped 90", "2?" },
        { "nothing told: one moment more", "db1 primary 120; db2 stopped 90; db3 stopped 100", "2? 3?" },
        { "two of three are gone, and it has yet to notice", "db1 primary 120 view 10:123 cached 1; db2 stopped 90; db3 stopped 100", "2~1 3~1" },
        { "one of two is", "db1 primary 120 view 10:12 cached 1; db2 stopped 90", "2~1" },
        { "one of three is: the others stay Primary", "db1 primary 120 view 10:123 cached 1; db2 stopped 90; db3 primary 120 view 10:123 cached 1", "2" },
        { "it has noticed, and is Primary", "db1 primary 120 view 10:1,5:123 cached 1; db2 stopped 90; db3 stopped 100", "2=3 3" },
        { "one of them has", "db1 primary 120 view 10:1234 cached 1; db4 primary 120 view 20:14,10:1234 cached 1; db2 stopped 90; db3 stopped 100", "2=3 3" },
        { "two of four are, and neither of the two that are left has", "db1 primary 120 view 10:1234 cached 1; db4 primary 120 view 10:1234 cached 1; db2 stopped 90; db3 stopped 100", "2~1 3~1" },
        { "three of four are", "db1 primary 120 view 10:1234 cached 1; db2 stopped 90; db3 stopped 100; db4 stopped 100", "2~1 3~1 4~1" },
        { "those who were never with it do not count", "db1 primary 120 view 10:14 cached 1; db4 primary 120 view 10:14 cached 1; db2 stopped 90; db3 stopped 100", "2=3 3" },
        { "nor those who run", "db1 primary 120 view 10:123 cached 1; db2 stopped 90; db3 starting 100", "2" },
        { "nor those who are not heard", "db1 primary 120 view 10:123 cached 1; db2 stopped 90; db3 uncertain", "2" },
        { "no agent where it is Primary: all go", "db1 alive; db2 stopped 90; db3 stopped 100", "2 3" },
};

static void turn_of(const Voice *voices, size_t n, const Plan *plan, const char *name, Turn *ret) {
        Queue queue;

        joining_queue(voices, n, plan, &queue);
        joining_turn(&queue, name, ret);
}

static char *turns_of(const Voice *voices, size_t n, const Plan *plan) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        bool first = true;
        Queue queue;

        assert_non_null(f);
        joining_queue(voices, n, plan, &queue);
        for (size_t i = 0; i < n; i++) {
                const Report *o = voices[i].report;
                Turn t;

                if (!o || o->mysqld != MYSQLD_STOPPED || o->resting || names_contain(&plan->diverged, voices[i].name) || names_contain(&plan->stray, voices[i].name))
                        continue;
                joining_turn(&queue, voices[i].name, &t);
                fprintf(f, "%s%s", first ? "" : " ", voices[i].name + 2);
                first = false;
                if (!t.now)
                        fprintf(f, "%c%s", t.untold ? '?' : t.entering ? '=' : t.fading ? '~' : t.underway ? '!' : '<', t.after ? t.after->name + 2 : "");
        }
        assert_int_equal(fclose(f), 0);
        return text;
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const Voice *) a)->name, ((const Voice *) b)->name);
}

static int backwards(const void *a, const void *b) {
        return -by_name(a, b);
}

static void turn_is_what_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(turns); i++) {
                _cleanup_cast_ Cast cast = cast_parse(turns[i].voices);
                Voice *voices = cast_voices(&cast);
                _cleanup_(plan_freep) Plan *plan = NULL;
                _cleanup_free_ char *text = NULL;

                assert_int_equal(decision_make(voices, cast.n, NULL, &plan), 0);
                qsort(voices, cast.n, sizeof(*voices), by_name);
                text = turns_of(voices, cast.n, plan);
                if (!streq(text, turns[i].turns))
                        fail_msg("%s: \"%s\", not \"%s\"", turns[i].name, text, turns[i].turns);

                /* In whatever order they are told. */
                for (size_t k = 0; k < cast.n; k++) {
                        Voice other[CAST_MAX];
                        Turn t, again;

                        memcpy(other, voices, sizeof(other));
                        qsort(other, cast.n, sizeof(*other), backwards);
                        turn_of(voices, cast.n, plan, voices[k].name, &t);
                        turn_of(other, cast.n, plan, voices[k].name, &again);
                        CHECK(t.now == again.now && t.underway == again.underway && t.untold == again.untold && t.fading == again.fading && t.entering == again.entering, turns[i].name);
                        CHECK(!t.after == !again.after && (!t.after || streq(t.after->name, again.after->name)), turns[i].name);
                }
        }
}

/* Who is on its way in waits for nobody but those before it, and whom nobody knows, or
 * who is in already, waits for none. */
static void who_is_on_its_way_does_not_wait_for_itself(void **state) {
        _cleanup_cast_ Cast cast = cast_parse("db1 primary 120 cached 110; db2 starting 90");
        static const Plan nobody_kept_out;
        Turn t;

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                turn_of(cast_voices(&cast), cast.n, &nobody_kept_out, i < 2 ? cast.name[i] : "db3", &t);
                CHECK(t.now && !t.underway && !t.after, i < 2 ? cast.name[i] : "db3");
        }
}

/* One whose gate asks is in line like those that are yet to be started. */
static void whose_gate_asks_is_in_line(void **state) {
        _cleanup_cast_ Cast cast = cast_parse("db1 primary 120 cached 110; db2 starting 90; db3 stopped 100");
        static const Plan nobody_kept_out;
        Turn t;

        (void) state;
        turn_of(cast_voices(&cast), cast.n, &nobody_kept_out, "db2", &t);
        assert_false(t.now || t.underway);
        assert_string_equal(t.after->name, "db3");
        assert_true(t.donor_free);
        cast.report[0]->donating = true;
        turn_of(cast_voices(&cast), cast.n, &nobody_kept_out, "db2", &t);
        assert_false(t.donor_free);
}

/* It has a vote, and no data: with it one of two is a majority. */
static void an_arbitrator_keeps_a_component_going(void **state) {
        _cleanup_cast_ Cast cast = cast_parse("db1 primary 120 view 10:12 cached 1; db2 stopped 90");
        static const Plan nobody_kept_out;
        Turn t;

        (void) state;
        turn_of(cast_voices(&cast), cast.n, &nobody_kept_out, "db2", &t);
        assert_true(t.fading);
        assert_int_equal(names_add(&cast.report[0]->arbitrators, "garb"), 0);
        turn_of(cast_voices(&cast), cast.n, &nobody_kept_out, "db2", &t);
        assert_true(t.now && !t.fading);
}

/* However they stand: as long as a Primary node is heard and nobody is on its
 * way in, somebody of those in line may go. And with each that comes in the
 * line gets shorter, until all are. */
static void all_come_in(void **state) {
        static const char *const positions[] = { "blank", "50", "90", "120", "problem", "90 failed 2" };
        static const char *const caches[] = { "", "cached 1", "cached 80", "cached 1 donating" };
        static const Plan nobody_kept_out;

        (void) state;
        for (unsigned seed = 0; seed < 6 * 6 * 6 * 4; seed++) {
                char text[512];
                _cleanup_cast_ Cast cast = {0};
                Voice *voices;

                (void) snprintf(text, sizeof(text), "db1 primary 120 %s; db2 stopped %s; db3 stopped %s; db4 stopped %s", caches[seed % 4],
                                positions[seed / 4 % 6], positions[seed / 24 % 6], positions[seed / 144]);
                cast = cast_parse(text);
                voices = cast_voices(&cast);
                for (size_t left = 3, rounds = 0; left > 0; rounds++) {
                        size_t came = 0;

                        CHECK(rounds < 4, text);

                        for (size_t i = 0; i < cast.n; i++) {
                                Turn t;

                                if (cast.report[i]->mysqld != MYSQLD_STOPPED)
                                        continue;
                                turn_of(voices, cast.n, &nobody_kept_out, cast.name[i], &t);
                                CHECK(t.now || t.untold || t.after, text);
                                if (t.now) {
                                        cast.report[i]->mysqld = MYSQLD_STARTING;
                                        came++;
                                } else if (t.untold) {
                                        /* That ends by itself. */
                                        cast.report[0]->cached_from = 1;
                                }
                        }
                        /* Those that went are in; and a donor has nobody left to serve. */
                        cast.report[0]->donating = false;
                        for (size_t i = 0; i < cast.n; i++)
                                if (cast.report[i]->mysqld == MYSQLD_STARTING)
                                        cast.report[i]->mysqld = MYSQLD_PRIMARY;
                        CHECK(came > 0 || cast.report[0]->cached_from == 1, text);
                        left -= came;
                }
        }
}

static const struct {
        const char *name, *voices, *donor, *says; /* NULL: it may be */
} donors[] = {
        { "who is Primary", "db1 stopped 5; db2 primary 9", "db2", NULL },
        { "not itself", "db1 stopped 5; db2 primary 9", "db1", "is this node" },
        { "not who is stopped", "db1 stopped 5; db2 stopped 9", "db2", "not in the Primary component and synced (stopped)" },
        { "not who is behind itself", "db1 stopped 5; db2 joining", "db2", "(joining)" },
        { "not who is not heard", "db1 stopped 5; db2 uncertain", "db2", "is not known" },
        { "not who is not there", "db1 stopped 5; db2 primary 9", "db3", "no node db3" },
        { "no option", "db1 stopped 5", "-x", "no name" },
        { "nothing for a shell", "db1 stopped 5", "a$b", "no name" },
        { "no second word", "db1 stopped 5", "db2 --wsrep-new-cluster", "no name" },
        { "no second donor", "db1 stopped 5", "db2,db3", "no name" },
        { "not nothing", "db1 stopped 5", "", "no name" },
};

static void donor_must_be_able_to(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(donors); i++) {
                _cleanup_cast_ Cast cast = cast_parse(donors[i].voices);
                char buf[256];
                const char *why = joining_refuses_donor(cast_voices(&cast), cast.n, "db1", donors[i].donor, buf);

                if (!why != !donors[i].says || (why && !strstr(why, donors[i].says)))
                        fail_msg("%s: \"%s\"", donors[i].name, why ? why : "(it may be)");
        }
}

static void pauses_grow_and_end_growing(void **state) {
        (void) state;
        assert_int_equal(joining_pause(1), 5 * USEC_PER_SEC);
        assert_int_equal(joining_pause(2), 10 * USEC_PER_SEC);
        assert_int_equal(joining_pause(7), 320 * USEC_PER_SEC);
        assert_int_equal(joining_pause(8), 600 * USEC_PER_SEC);
        assert_int_equal(joining_pause(INT64_MAX), 600 * USEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(way_is_what_the_table_says),
                cmocka_unit_test(turn_is_what_the_table_says),
                cmocka_unit_test(who_is_on_its_way_does_not_wait_for_itself),
                cmocka_unit_test(whose_gate_asks_is_in_line),
                cmocka_unit_test(an_arbitrator_keeps_a_component_going),
                cmocka_unit_test(all_come_in),
                cmocka_unit_test(donor_must_be_able_to),
                cmocka_unit_test(pauses_grow_and_end_growing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
