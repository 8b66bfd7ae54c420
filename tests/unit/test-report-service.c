/* What a report says of the service of its node: whether somebody keeps it out,
 * and the job that runs there. */
#include "domain/report.h"
#include "scratch.h"

static Report *read_report(const char *text) {
        char error[256] = "";
        Report *r = NULL;

        if (report_parse(text, &r, error) < 0)
                fail_msg("%s: %s", text, error);
        return r;
}

static void check_round_trip(const Report *r, const char *name) {
        _cleanup_free_ char *text = NULL, *again = NULL;
        _cleanup_(report_freep) Report *back = NULL, *copy = NULL;
        char error[256] = "";

        CHECK(report_format(r, &text) == 0, name);
        if (report_parse(text, &back, error) < 0)
                fail_msg("%s: %s: %s", name, error, text);
        CHECK(report_format(back, &again) == 0, name);
        if (!streq(text, again))
                fail_msg("%s: %s became %s", name, text, again);
        CHECK(report_same(r, back), name);
        CHECK(report_copy(r, &copy) == 0, name);
        CHECK(report_same(r, copy), name);
        CHECK(!r->job || copy->job != r->job, name);
}

#define WITH(more) "{\"node\":\"db1\"," more "}"
#define JOB(more) WITH("\"job\":{\"id\":3,\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4" more "}")

static void they_survive_the_wire(void **state) {
        static const char *const texts[] = {
                WITH("\"offline\":true"),
                WITH("\"shun\":{\"reason\":\"disk\",\"owner\":\"anna\",\"since\":1,\"until\":9223372036854775807}"),
                WITH("\"shun\":{},\"offline\":true"),
                JOB(",\"state\":\"running\""),
                JOB(",\"state\":\"cancelling\",\"source\":\"db2\",\"by\":\"anna\",\"force\":[\"diverged\"],\"bytes_done\":5,\"bytes_total\":9223372036854775807,"
                    "\"steps\":[{\"name\":\"stop\",\"state\":\"done\",\"begun\":5,\"ended\":6,\"text\":\"It is stopped.\"},{\"name\":\"copy\",\"state\":\"begun\",\"begun\":7}]"),
                JOB(",\"state\":\"failed\",\"ended\":8,\"text\":\"It was not to be.\",\"steps\":[{\"name\":\"stop\",\"state\":\"failed\",\"begun\":5,\"ended\":6}]"),
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                _cleanup_(report_freep) Report *r = read_report(texts[i]);

                CHECK(r->job || r->shun.set || r->offline, texts[i]);
                check_round_trip(r, texts[i]);
        }
}

static void unsaid_there_is_none(void **state) {
        _cleanup_(report_freep) Report *r = read_report(WITH("\"job\":null,\"shun\":null"));

        (void) state;
        assert_null(r->job);
        assert_false(r->shun.set);
        assert_false(r->offline);
}

/* A node is heard by those of an older release whatever it works on. */
static void a_job_of_a_newer_release_is_left_out(void **state) {
        static const char *const texts[] = {
                WITH("\"offline\":true,\"job\":{\"id\":3,\"kind\":\"switch\",\"node\":\"db1\",\"begun\":4,\"state\":\"running\"}"),
                WITH("\"offline\":true,\"job\":{\"id\":3,\"kind\":\"recover\",\"node\":\"db1\",\"begun\":4,\"state\":\"resting\"}"),
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                _cleanup_(report_freep) Report *r = read_report(texts[i]);

                CHECK(!r->job, texts[i]);
                CHECK(r->offline, texts[i]);
        }
}

static void nonsense_is_refused_and_named(void **state) {
        static const struct {
                const char *text, *says;
        } table[] = {
                { WITH("\"offline\":1"), "\"offline\" is neither true nor false" },
                { WITH("\"shun\":true"), "a shun is a JSON object" },
                { WITH("\"shun\":{\"until\":\"monday\"}"), "\"until\" of a shun" },
                { WITH("\"job\":[]"), "a job is a JSON object" },
                { WITH("\"job\":{}"), "no id" },
                { JOB(",\"state\":\"done\""), "does not say when" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char error[256] = "";
                Report *r = NULL;

                CHECK(report_parse(table[i].text, &r, error) == -EBADMSG, table[i].text);
                CHECK(!r, table[i].text);
                if (!strstr(error, table[i].says))
                        fail_msg("%s: \"%s\" does not say \"%s\"", table[i].text, error, table[i].says);
        }
}

static void each_of_them_is_news(void **state) {
        _cleanup_(report_freep) Report *r = read_report("{\"node\":\"db1\"}"), *c = NULL;

        (void) state;
        assert_int_equal(report_copy(r, &c), 0);
        c->offline = true;
        assert_false(report_same(r, c));
        r->offline = true;
        assert_int_equal(shun_new("", "", 1, 0, &c->shun), 0);
        assert_false(report_same(r, c));
        r->shun = c->shun;
        assert_int_equal(shun_new("", "", 1, 2, &c->shun), 0);
        assert_false(report_same(r, c));
        r->shun = c->shun;
        assert_true(report_same(r, c));
        assert_int_equal(job_new(1, JOB_DRAIN, "db1", "", "", NULL, 1, &c->job), 0);
        assert_false(report_same(r, c));
        assert_int_equal(job_copy(c->job, &r->job), 0);
        assert_true(report_same(r, c));
        assert_int_equal(job_begin_step(c->job, "drain", 2), 0);
        assert_false(report_same(r, c));
        assert_int_equal(job_begin_step(r->job, "drain", 2), 0);
        assert_int_equal(job_set_progress(c->job, 7, -1), 0);
        assert_false(report_same(r, c));
}

/* All steps, and each text as long as it may be and of what JSON doubles. */
static Job *largest_job(void) {
        char text[2000];
        Names force = {0};
        Job *job = NULL;

        memset(text, '"', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        for (size_t i = 0; i < NAMES_MAX; i++) {
                char name[NAME_SIZE];

                (void) snprintf(name, sizeof(name), "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"%020zu", i);
                assert_int_equal(names_add(&force, name), 0);
        }
        assert_int_equal(job_new(JOB_ID_MAX, JOB_REPLICATOR_REPLICA, "db1", "db2", text, &force, INT64_MAX, &job), 0);
        for (size_t i = 0; i < JOB_STEPS_MAX; i++) {
                char name[32];

                (void) snprintf(name, sizeof(name), "step-of-thirty-one-characters%02zu", i);
                assert_int_equal(job_begin_step(job, name, INT64_MAX), 0);
                assert_int_equal(job_set_progress(job, INT64_MAX, INT64_MAX), 0);
                assert_int_equal(job_end_step(job, true, text, INT64_MAX), 0);
        }
        assert_int_equal(job_end(job, JOB_DONE, text, INT64_MAX), 0);
        return job;
}

static void the_newest_steps_are_told(void **state) {
        _cleanup_(report_freep) Report *r = read_report("{\"node\":\"db1\"}"), *back = NULL;
        _cleanup_free_ char *text = NULL;

        (void) state;
        r->job = largest_job();
        check_round_trip(r, "the largest job");
        assert_int_equal(report_format(r, &text), 0);
        assert_true(strlen(text) < REPORT_SIZE_MAX / 8);
        back = read_report(text);
        assert_int_equal(back->job->n_steps, JOB_STEPS_REPORTED);
        assert_string_equal(back->job->step[JOB_STEPS_REPORTED - 1].name, "step-of-thirty-one-characters31");
        assert_string_equal(back->job->text, r->job->text);
}

/* A report that would be too large is told without the steps of the job: that a
 * node is heard weighs more. */
static void a_job_does_not_cost_the_report(void **state) {
        _cleanup_(report_freep) Report *r = read_report("{\"node\":\"db1\"}"), *back = NULL;
        _cleanup_free_ char *text = NULL;

        (void) state;
        r->job = largest_job();
        r->problem = calloc(1, REPORT_SIZE_MAX);
        assert_non_null(r->problem);
        memset(r->problem, 'x', REPORT_SIZE_MAX - 16 * 1024);
        assert_int_equal(report_format(r, &text), 0);
        back = read_report(text);
        assert_non_null(back->job);
        assert_int_equal(back->job->id, JOB_ID_MAX);
        assert_int_equal(back->job->n_steps, 0);
        check_round_trip(r, "almost too large");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(they_survive_the_wire),
                cmocka_unit_test(unsaid_there_is_none),
                cmocka_unit_test(a_job_of_a_newer_release_is_left_out),
                cmocka_unit_test(nonsense_is_refused_and_named),
                cmocka_unit_test(each_of_them_is_news),
                cmocka_unit_test(the_newest_steps_are_told),
                cmocka_unit_test(a_job_does_not_cost_the_report),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
