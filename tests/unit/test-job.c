/* Jobs: what may follow what, and that nothing else can be read back.
 *
 * A row is a story, a word for each transition, of which the last is judged:
 *
 *   NAME   a step of this name is begun    u   the newest one is undone
 *   +  -   the step ends, well or not      c   its end is asked for
 *   p      a number of bytes               D F C   the job is done, failed, cancelled
 *
 * and then the job: its steps with b, +, - or u behind them, and its state. */
#include "domain/job.h"
#include "scratch.h"

static const struct {
        const char *name, *story;
        int want;
        const char *job;
} stories[] = {
        { "begins", "", 0, "running" },
        { "a step", "stop", 0, "stop:b running" },
        { "is done", "stop +", 0, "stop:+ running" },
        { "has failed", "stop -", 0, "stop:- running" },
        { "the next one", "stop + copy", 0, "stop:+ copy:b running" },
        { "not while one runs", "stop copy", -EBUSY, "stop:b running" },
        { "not after a failed one", "stop - copy", -EBUSY, "stop:- running" },
        { "after it is undone", "stop - u copy", 0, "stop:u copy:b running" },
        { "once more", "stop + copy u copy", 0, "stop:+ copy:u copy:b running" },
        { "a name of two words", "a/b", -EINVAL, "running" },
        { "a name that is an option", "-x", -EINVAL, "running" },
        { "a name that is too long", "abcdefghijklmnopqrstuvwxyzabcdef", -EINVAL, "running" },
        { "a name as long as may be", "abcdefghijklmnopqrstuvwxyzabcde", 0, "abcdefghijklmnopqrstuvwxyzabcde:b running" },
        { "nothing to end", "+", -ENOENT, "running" },
        { "what is done stays done", "stop + -", -ENOENT, "stop:+ running" },
        { "what failed stays so", "stop - +", -ENOENT, "stop:- running" },
        { "what is undone stays so", "stop u +", -ENOENT, "stop:u running" },
        { "undone in the opposite order", "a + b + e - u u", 0, "a:+ b:u e:u running" },
        { "all of it", "a + b + u u", 0, "a:u b:u running" },
        { "each once", "a + b + u u u", -ENOENT, "a:u b:u running" },
        { "what was tried before is undone", "a + b u b + u u", 0, "a:u b:u b:u running" },
        { "nothing to undo", "u", -ENOENT, "running" },
        { "progress", "copy p", 0, "copy:b running" },
        { "of nothing", "p", -ENOENT, "running" },
        { "of a step that has ended", "copy + p", -ENOENT, "copy:+ running" },

        { "done", "stop + D", 0, "stop:+ done" },
        { "done without a step", "D", 0, "done" },
        { "not done while a step runs", "stop D", -EBUSY, "stop:b running" },
        { "not done with a failed one", "stop - D", -EBUSY, "stop:- running" },
        { "done after it was undone", "stop - u D", 0, "stop:u done" },
        { "failed", "stop - F", 0, "stop:- failed" },
        { "not failed while a step runs", "stop F", -EBUSY, "stop:b running" },
        { "failed and undone", "a + b - u u F", 0, "a:u b:u failed" },

        { "its end is asked for", "copy c", 1, "copy:b cancelling" },
        { "twice", "copy c c", 0, "copy:b cancelling" },
        { "that ends nothing", "copy c +", 0, "copy:+ cancelling" },
        { "it may go on to where it can end", "copy c + tidy", 0, "copy:+ tidy:b cancelling" },
        { "cancelled", "copy c u C", 0, "copy:u cancelled" },
        { "cancelled after what was done", "copy + c C", 0, "copy:+ cancelled" },
        { "not while a step runs", "copy c C", -EBUSY, "copy:b cancelling" },
        { "not unasked", "copy + C", -EINVAL, "copy:+ running" },
        { "too late to cancel", "copy + c D", 0, "copy:+ done" },
        { "it fails meanwhile", "copy c - F", 0, "copy:- failed" },

        { "over: no step", "D stop", -EALREADY, "done" },
        { "over: no end of one", "a - F +", -EALREADY, "a:- failed" },
        { "over: nothing undone", "a + D u", -EALREADY, "a:+ done" },
        { "over: no progress", "a + D p", -EALREADY, "a:+ done" },
        { "over: not cancelled", "D c", -EALREADY, "done" },
        { "over: no other end", "F D", -EALREADY, "failed" },
        { "over: nor the same", "D D", -EALREADY, "done" },
};

static Job *new_job(void) {
        Names force = {0};
        Job *job = NULL;

        assert_int_equal(names_add(&force, "diverged"), 0);
        assert_int_equal(job_new(7, JOB_PROVISION, "db2", "db1", "anna on db2", &force, 100, &job), 0);
        return job;
}

static int tell(Job *job, const char *word, usec_t now) {
        if (streq(word, "+") || streq(word, "-"))
                return job_end_step(job, *word == '+', "It went so.", now);
        if (streq(word, "u"))
                return job_undo_step(job, "It was taken back.", now);
        if (streq(word, "p"))
                return job_set_progress(job, 5, 10);
        if (streq(word, "c"))
                return job_ask_cancel(job);
        if (streq(word, "D") || streq(word, "F") || streq(word, "C"))
                return job_end(job, *word == 'D' ? JOB_DONE : *word == 'F' ? JOB_FAILED : JOB_CANCELLED, "So it ended.", now);
        return job_begin_step(job, word, now);
}

static char *told(const Job *job) {
        static const char marks[] = "b+-u";
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        for (size_t i = 0; i < job->n_steps; i++)
                fprintf(f, "%s:%c ", job->step[i].name, marks[job->step[i].state]);
        fprintf(f, "%s", job_state_to_string(job->state));
        assert_int_equal(fclose(f), 0);
        return text;
}

static char *json_of(const Job *job) {
        json_t *o = NULL;
        char *text;

        assert_int_equal(job_to_json(job, JOB_STEPS_MAX, &o), 0);
        text = json_dumps(o, JSON_SORT_KEYS);
        assert_non_null(text);
        json_decref(o);
        return text;
}

static void check_same(const Job *a, const Job *b, const char *name) {
        _cleanup_free_ char *x = json_of(a), *y = json_of(b);

        CHECK(streq(x, y), name);
}

static void check_survives(const Job *job, const char *name) {
        _cleanup_(job_freep) Job *again = NULL;
        char error[256] = "";
        json_t *o = NULL;

        assert_int_equal(job_to_json(job, JOB_STEPS_MAX, &o), 0);
        if (job_from_json(o, &again, error) != 0)
                fail_msg("%s: not read back: %s", name, error);
        json_decref(o);
        check_same(job, again, name);
}

static void a_story_goes_so_far(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(stories); i++) {
                _cleanup_(job_freep) Job *job = new_job(), *before = NULL;
                _cleanup_free_ char *story = strdup(stories[i].story), *text = NULL;
                usec_t now = 1000;
                int r = 0;

                assert_non_null(story);
                for (char *p = story, *word; (word = strsep(&p, " "));) {
                        if (!*word)
                                continue;
                        CHECK(r >= 0, stories[i].name);
                        before = job_free(before);
                        assert_int_equal(job_copy(job, &before), 0);
                        r = tell(job, word, now++);
                }
                CHECK(r == stories[i].want, stories[i].name);
                if (r < 0) /* then nothing of it has changed */
                        check_same(job, before, stories[i].name);
                text = told(job);
                CHECK(streq(text, stories[i].job), stories[i].name);
                CHECK(job_is_over(job) == (job->ended > 0), stories[i].name);
                check_survives(job, stories[i].name);
        }
}

static void a_job_is_what_was_asked_for(void **state) {
        static const struct {
                const char *name;
                uint64_t id;
                JobKind kind;
                const char *node, *source;
        } wrong[] = {
                { "no id", 0, JOB_RECOVER, "db1", "" },
                { "an id beyond what a file can be called", JOB_ID_MAX + 1ULL, JOB_RECOVER, "db1", "" },
                { "no kind", 1, _JOB_KIND_INVALID, "db1", "" },
                { "a kind too many", 1, _JOB_KIND_MAX, "db1", "" },
                { "no node", 1, JOB_RECOVER, "", "" },
                { "a node that is none", 1, JOB_RECOVER, "db 1", "" },
                { "a source that is none", 1, JOB_RECOVER, "db1", "a/b" },
        };
        _cleanup_(job_freep) Job *job = new_job();
        Job *none = NULL;

        (void) state;
        assert_int_equal(job->id, 7);
        assert_int_equal(job->kind, JOB_PROVISION);
        assert_string_equal(job->node, "db2");
        assert_string_equal(job->source, "db1");
        assert_string_equal(job->by, "anna on db2");
        assert_int_equal(job->state, JOB_RUNNING);
        assert_int_equal(job->begun, 100);
        assert_int_equal(job->bytes_done, -1);
        assert_int_equal(job->bytes_total, -1);
        assert_true(names_contain(&job->force, "diverged"));
        assert_null(job_last_step(job));
        for (size_t i = 0; i < ELEMENTS(wrong); i++) {
                CHECK(job_new(wrong[i].id, wrong[i].kind, wrong[i].node, wrong[i].source, "", NULL, 1, &none) == -EINVAL, wrong[i].name);
                CHECK(!none, wrong[i].name);
        }
        job = job_free(job);
        assert_int_equal(job_new(JOB_ID_MAX, JOB_DRAIN, "db1", "", "", NULL, 0, &job), 0);
        assert_true(job->begun > 0); /* a clock that is not set is no reason not to have begun */
        check_survives(job, "a bare one");
}

static void steps_keep_their_words_and_times(void **state) {
        _cleanup_(job_freep) Job *job = new_job();
        const JobStep *step;

        (void) state;
        assert_null(job_step(job, "copy"));
        assert_int_equal(job_begin_step(job, "copy", 10), 0);
        assert_int_equal(job_set_progress(job, 5, 10), 0);
        assert_int_equal(job_set_progress(job, -2, 10), -EINVAL);
        assert_int_equal(job_set_progress(job, 5, -1), 0);
        assert_int_equal(job_end_step(job, false, "The source went away.", 20), 0);
        assert_int_equal(job->bytes_done, 5);
        assert_int_equal(job_undo_step(job, "What had come is deleted.", 30), 0);
        step = job_step(job, "copy");
        assert_non_null(step);
        assert_string_equal(step->text, "The source went away. What had come is deleted.");
        assert_int_equal(step->begun, 10);
        assert_int_equal(step->ended, 30);
        assert_int_equal(job_begin_step(job, "copy", 40), 0);
        assert_int_equal(job->bytes_done, -1);
        assert_ptr_equal(job_step(job, "copy"), &job->step[1]);
        assert_ptr_equal(job_last_step(job), &job->step[1]);
}

#define GIB (INT64_C(1) << 30)

static const struct {
        const char *name;
        int64_t done, total;
        usec_t now; /* after the step was begun */
        const char *text;
} progresses[] = {
        { "unknown", -1, -1, 10 * USEC_PER_SEC, "" },
        { "how much there is, alone", -1, GIB, 10 * USEC_PER_SEC, "" },
        { "no end in sight", 3 * GIB / 2, -1, 10 * USEC_PER_SEC, "1.5 GiB" },
        { "nothing yet", 0, GIB, 10 * USEC_PER_SEC, "0 bytes of 1.0 GiB (0 %)" },
        { "a quarter", GIB, 4 * GIB, 10 * USEC_PER_SEC, "1.0 GiB of 4.0 GiB (25 %), about 30 s left" },
        { "too early to tell", GIB, 4 * GIB, USEC_PER_SEC, "1.0 GiB of 4.0 GiB (25 %)" },
        { "almost", GIB * 4 - 1, 4 * GIB, 10 * USEC_PER_SEC, "4.0 GiB of 4.0 GiB (99 %), about 0 s left" },
        { "all", GIB, GIB, 10 * USEC_PER_SEC, "1.0 GiB of 1.0 GiB (100 %)" },
        { "more than there was to be", 2 * GIB, GIB, 10 * USEC_PER_SEC, "2.0 GiB" },
        { "of nothing", 0, 0, 10 * USEC_PER_SEC, "0 bytes" },
        { "slower than anybody waits", 1, INT64_MAX, 10 * USEC_PER_SEC, "1 bytes of 8192 PiB (0 %)" },
        { "a clock put back", GIB, 4 * GIB, 0, "1.0 GiB of 4.0 GiB (25 %)" },
};

static void progress_is_told_as_far_as_it_is_known(void **state) {
        char buf[JOB_PROGRESS_SIZE];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(progresses); i++) {
                _cleanup_(job_freep) Job *job = new_job();
                usec_t begun = progresses[i].now ? 1000 : 5000 * USEC_PER_SEC;

                CHECK(streq(job_progress_text(job, 0, buf), ""), progresses[i].name);
                assert_int_equal(job_begin_step(job, "copy", begun), 0);
                assert_int_equal(job_set_progress(job, progresses[i].done, progresses[i].total), 0);
                if (!streq(job_progress_text(job, progresses[i].now ? begun + progresses[i].now : 1, buf), progresses[i].text))
                        fail_msg("%s: %s", progresses[i].name, buf);
                assert_int_equal(job_end_step(job, true, "", begun), 0);
                CHECK(streq(job_progress_text(job, begun, buf), ""), progresses[i].name);
        }
}

static void there_is_an_end_to_steps(void **state) {
        _cleanup_(job_freep) Job *job = new_job();
        _cleanup_(job_freep) Job *cut = NULL;
        char name[32], error[256] = "";
        json_t *o = NULL;

        (void) state;
        for (size_t i = 0; i < JOB_STEPS_MAX; i++) {
                (void) snprintf(name, sizeof(name), "step%zu", i);
                assert_int_equal(job_begin_step(job, name, 10), 0);
                assert_int_equal(job_end_step(job, true, "", 20), 0);
        }
        assert_int_equal(job_begin_step(job, "more", 10), -ENOSPC);
        check_survives(job, "all steps");

        assert_int_equal(job_to_json(job, JOB_STEPS_REPORTED, &o), 0);
        assert_int_equal(job_from_json(o, &cut, error), 0);
        json_decref(o);
        assert_int_equal(cut->n_steps, JOB_STEPS_REPORTED);
        assert_string_equal(cut->step[0].name, "step24");
        assert_int_equal(cut->left_out, 24);
        assert_string_equal(cut->step[JOB_STEPS_REPORTED - 1].name, "step31");
}

static void texts_are_cut_whole(void **state) {
        char endless[4000];
        _cleanup_(job_freep) Job *job = NULL;

        (void) state;
        for (size_t i = 0; i + 1 < sizeof(endless); i += 3)
                memcpy(endless + i, "\xe2\x82\xac", 3);
        endless[sizeof(endless) - 1] = '\0';
        assert_int_equal(job_new(1, JOB_RECOVER, "db1", "", endless, NULL, 1, &job), 0);
        assert_int_equal(job_begin_step(job, "a", 1), 0);
        assert_int_equal(job_end_step(job, false, endless, 2), 0);
        assert_int_equal(strlen(job->step[0].text), 510); /* 170 of them */
        assert_int_equal(job_undo_step(job, "gone", 3), 0);
        assert_int_equal(strlen(job->step[0].text), 511);
        assert_int_equal(job_begin_step(job, "b", 1), 0);
        assert_int_equal(job_end_step(job, true, "a line\nand \033[2J \xff", 2), 0);
        assert_string_equal(job->step[1].text, "a line and  [2J ?");
        assert_int_equal(job_end(job, JOB_FAILED, endless, 4), 0);
        check_survives(job, "long texts");
}

#define STEP(more) "{\"name\":\"a\",\"begun\":5," more "}"
#define JOB(more) "{\"id\":3,\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4," more "}"
#define LONG "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" /* 64 */

static const struct {
        const char *name, *text;
        int want;
} texts[] = {
        { "the least", JOB("\"state\":\"running\""), 0 },
        { "what nobody knows yet", JOB("\"state\":\"running\",\"colour\":[1]"), 0 },
        { "a step", JOB("\"state\":\"running\",\"steps\":[" STEP("\"state\":\"begun\"") "]"), 0 },
        { "a list", "[]", -EBADMSG },
        { "nothing", "{}", -EBADMSG },
        { "no id", "{\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", -EBADMSG },
        { "id 0", "{\"id\":0,\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", -EBADMSG },
        { "an id too high", "{\"id\":100000000,\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", -EBADMSG },
        { "an id that is a text", "{\"id\":\"3\",\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", -EBADMSG },
        { "no kind", "{\"id\":3,\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", -EBADMSG },
        { "a kind of later", "{\"id\":3,\"kind\":\"switch\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}", -EPROTONOSUPPORT },
        { "no node", "{\"id\":3,\"kind\":\"recover\",\"begun\":4,\"state\":\"running\"}", -EBADMSG },
        { "a node of two words", "{\"id\":3,\"kind\":\"recover\",\"node\":\"a b\",\"begun\":4,\"state\":\"running\"}", -EBADMSG },
        { "no beginning", "{\"id\":3,\"kind\":\"recover\",\"node\":\"db1\",\"state\":\"running\"}", -EBADMSG },
        { "no state", JOB("\"x\":1"), -EBADMSG },
        { "a state of later", JOB("\"state\":\"resting\""), -EPROTONOSUPPORT },
        { "a state that is a number", JOB("\"state\":1"), -EBADMSG },
        { "a source of two words", JOB("\"state\":\"running\",\"source\":\"a b\""), -EBADMSG },
        { "an end, and runs", JOB("\"state\":\"running\",\"ended\":9"), -EBADMSG },
        { "over, and no end", JOB("\"state\":\"done\""), -EBADMSG },
        { "an end before its beginning: clocks are put back", JOB("\"state\":\"done\",\"ended\":1"), 0 },
        { "a negative end", JOB("\"state\":\"done\",\"ended\":-1"), -EBADMSG },
        { "force that is a text", JOB("\"state\":\"running\",\"force\":\"all\""), -EBADMSG },
        { "bytes below none", JOB("\"state\":\"running\",\"bytes_done\":-1"), -EBADMSG },
        { "bytes in part", JOB("\"state\":\"running\",\"bytes_total\":1.5"), -EBADMSG },
        { "by too many", JOB("\"state\":\"running\",\"by\":\"" LONG LONG "\""), -EBADMSG },
        { "a text that is null", JOB("\"state\":\"running\",\"text\":null"), -EBADMSG },
        { "steps that are an object", JOB("\"state\":\"running\",\"steps\":{}"), -EBADMSG },
        { "a step that is a text", JOB("\"state\":\"running\",\"steps\":[\"a\"]"), -EBADMSG },
        { "a step without a name", JOB("\"state\":\"running\",\"steps\":[{\"state\":\"begun\",\"begun\":5}]"), -EBADMSG },
        { "a step with a name too long", JOB("\"state\":\"running\",\"steps\":[{\"name\":\"" LONG "\",\"state\":\"begun\",\"begun\":5}]"), -EBADMSG },
        { "a step of a state of later", JOB("\"state\":\"running\",\"steps\":[" STEP("\"state\":\"paused\"") "]"), -EPROTONOSUPPORT },
        { "a step without a beginning", JOB("\"state\":\"running\",\"steps\":[{\"name\":\"a\",\"state\":\"begun\"}]"), -EBADMSG },
        { "a step done, and no end", JOB("\"state\":\"running\",\"steps\":[" STEP("\"state\":\"done\"") "]"), -EBADMSG },
        { "a step that runs, and ended", JOB("\"state\":\"running\",\"steps\":[" STEP("\"state\":\"begun\",\"ended\":6") "]"), -EBADMSG },
        { "two steps at once", JOB("\"state\":\"running\",\"steps\":[" STEP("\"state\":\"begun\"") "," STEP("\"state\":\"begun\"") "]"), -EBADMSG },
        { "a step after a failed one", JOB("\"state\":\"running\",\"steps\":[" STEP("\"state\":\"failed\",\"ended\":6") "," STEP("\"state\":\"begun\"") "]"), -EBADMSG },
        { "over, and a step runs", JOB("\"state\":\"failed\",\"ended\":9,\"steps\":[" STEP("\"state\":\"begun\"") "]"), -EBADMSG },
        { "done, and a step failed", JOB("\"state\":\"done\",\"ended\":9,\"steps\":[" STEP("\"state\":\"failed\",\"ended\":6") "]"), -EBADMSG },
        { "failed, as its step did", JOB("\"state\":\"failed\",\"ended\":9,\"steps\":[" STEP("\"state\":\"failed\",\"ended\":6") "]"), 0 },
};

static void nothing_else_is_a_job(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                _cleanup_(job_freep) Job *job = NULL;
                json_t *o = json_loads(texts[i].text, 0, NULL);
                char error[256] = "";

                CHECK(o, texts[i].name);
                CHECK(job_from_json(o, &job, error) == texts[i].want, texts[i].name);
                CHECK(!job == (texts[i].want < 0), texts[i].name);
                CHECK(!error[0] == (texts[i].want == 0), texts[i].name);
                json_decref(o);
        }
}

static void too_many_steps_are_none(void **state) {
        _cleanup_(job_freep) Job *job = new_job();
        char error[256] = "";
        json_t *o = NULL, *steps;
        Job *none = NULL;

        (void) state;
        assert_int_equal(job_begin_step(job, "a", 1), 0);
        assert_int_equal(job_end_step(job, true, "", 2), 0);
        assert_int_equal(job_to_json(job, JOB_STEPS_MAX, &o), 0);
        steps = json_object_get(o, "steps");
        while (json_array_size(steps) <= JOB_STEPS_MAX)
                assert_int_equal(json_array_append(steps, json_array_get(steps, 0)), 0);
        assert_int_equal(job_from_json(o, &none, error), -EBADMSG);
        assert_null(none);
        json_decref(o);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_story_goes_so_far),
                cmocka_unit_test(a_job_is_what_was_asked_for),
                cmocka_unit_test(steps_keep_their_words_and_times),
                cmocka_unit_test(progress_is_told_as_far_as_it_is_known),
                cmocka_unit_test(there_is_an_end_to_steps),
                cmocka_unit_test(texts_are_cut_whole),
                cmocka_unit_test(nothing_else_is_a_job),
                cmocka_unit_test(too_many_steps_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
