/* `mainstayctl job`: what is printed, and how following one ends. The agent is
 * played here, on a dbus-daemon of the test's own. */
#include "edge/ctl-job.h"
#include "edge/ctl-verbs.h"
#include "private-bus.h"
#include "scratch.h"

#define SEC USEC_PER_SEC
#define BEGUN (1000 * SEC) /* 1970-01-01 00:16:40 */

static Job *new_job(uint64_t id, JobKind kind, const char *source) {
        Job *job = NULL;

        assert_int_equal(job_new(id, kind, "db2", source, "anna", NULL, BEGUN, &job), 0);
        return job;
}

/* Text */

typedef struct Page {
        FILE *f;
        char *text;
        size_t size;
} Page;

static void page_open(Page *p) {
        *p = (Page) {0};
        p->f = open_memstream(&p->text, &p->size);
        assert_non_null(p->f);
}

static void page_is(Page *p, const char *want) {
        assert_int_equal(fclose(p->f), 0);
        if (!streq(p->text, want))
                fail_msg("not\n%s\nbut\n%s", want, p->text);
        free(p->text);
}

static void each_step_is_told_once(void **state) {
        _cleanup_(job_freep) Job *job = new_job(12, JOB_PROVISION, "db1");
        Style plain = {0};
        JobShown shown = {0};
        Page p;

        (void) state;
        page_open(&p);
        job_print_steps(p.f, &plain, job, BEGUN, &shown);
        assert_int_equal(job_begin_step(job, "preflight", BEGUN), 0);
        job_print_steps(p.f, &plain, job, BEGUN, &shown);
        job_print_steps(p.f, &plain, job, BEGUN + SEC, &shown);
        assert_int_equal(job_end_step(job, true, "db1 has room for one more.", BEGUN + 2 * SEC), 0);
        job_print_steps(p.f, &plain, job, BEGUN + 2 * SEC, &shown);
        /* One that had ended when it was first looked at is told as it is. */
        assert_int_equal(job_begin_step(job, "stop", BEGUN + 2 * SEC), 0);
        assert_int_equal(job_end_step(job, true, "", BEGUN + 3 * SEC), 0);
        assert_int_equal(job_begin_step(job, "copy", BEGUN + 3 * SEC), 0);
        assert_int_equal(job_set_progress(job, 1 << 20, 4 << 20), 0);
        job_print_steps(p.f, &plain, job, BEGUN + 13 * SEC, &shown);
        assert_int_equal(job_end_step(job, false, "The source\033 went away.", BEGUN + 70 * SEC), 0);
        job_print_steps(p.f, &plain, job, BEGUN + 70 * SEC, &shown);
        assert_int_equal(job_undo_step(job, "What had come is deleted.", BEGUN + 71 * SEC), 0);
        assert_int_equal(job_undo_step(job, "The server runs again.", BEGUN + 72 * SEC), 0);
        job_print_steps(p.f, &plain, job, BEGUN + 72 * SEC, &shown);
        assert_int_equal(job_end(job, JOB_FAILED, "db2 is not provisioned. Its old data are as they were.", BEGUN + 73 * SEC), 0);
        job_print_end(p.f, &plain, job);
        page_is(&p, "  preflight ...\n"
                    "  preflight done after 2 s\n"
                    "    db1 has room for one more.\n"
                    "  stop done after 1 s\n"
                    "  copy ...\n"
                    "  copy failed after 1 min 7 s\n"
                    "    The source  went away.\n"
                    "  stop undone after 1 min 10 s\n"
                    "    The server runs again.\n"
                    "  copy undone after 1 min 8 s\n"
                    "    The source  went away. What had come is deleted.\n"
                    "The provision of db2 from db1 has failed after 1 min 13 s.\n"
                    "db2 is not provisioned. Its old data are as they were.\n");
}

/* On a terminal how far it has come is a line that is written over. */
static void progress_is_written_over(void **state) {
        _cleanup_(job_freep) Job *job = new_job(12, JOB_PROVISION, "db1");
        Style terminal = { .width = 40, .moves = true };
        JobShown shown = {0};
        Page p;

        (void) state;
        assert_int_equal(job_begin_step(job, "copy", BEGUN), 0);
        page_open(&p);
        job_print_steps(p.f, &terminal, job, BEGUN, &shown);
        assert_int_equal(job_set_progress(job, 1 << 20, -1), 0);
        job_print_steps(p.f, &terminal, job, BEGUN, &shown);
        assert_int_equal(job_set_progress(job, 1 << 20, 4 << 20), 0);
        job_print_steps(p.f, &terminal, job, BEGUN + 10 * SEC, &shown);
        assert_int_equal(job_end_step(job, true, "", BEGUN + 20 * SEC), 0);
        job_print_steps(p.f, &terminal, job, BEGUN + 20 * SEC, &shown);
        page_is(&p, "  copy ...\n"
                    "\r\033[K    1.0 MiB"
                    "\r\033[K    1.0 MiB of 4.0 MiB (25 %), about 30"
                    "\r\033[K"
                    "  copy done after 20 s\n");
}

/* As another node is told of it: the newest alone, and more of them each time. */
static void of_a_report_each_step_is_shown_once(void **state) {
        _cleanup_(job_freep) Job *job = new_job(12, JOB_PROVISION, "db1");
        Style plain = {0};
        JobShown shown = {0};
        char name[16];
        Page p;

        (void) state;
        page_open(&p);
        for (unsigned i = 0; i < 9; i++) {
                _cleanup_(job_freep) Job *told = NULL;
                char error[256];
                json_t *o;

                (void) snprintf(name, sizeof(name), "step%u", i);
                assert_int_equal(job_begin_step(job, name, BEGUN), 0);
                assert_int_equal(job_end_step(job, true, "", BEGUN), 0);
                if (i < 5 || i == 6) /* not all is heard */
                        continue;
                assert_int_equal(job_to_json(job, 3, &o), 0);
                assert_int_equal(job_from_json(o, &told, error), 0);
                json_decref(o);
                job_print_steps(p.f, &plain, told, BEGUN, &shown);
        }
        page_is(&p, "  step3 done after 0 s\n  step4 done after 0 s\n  step5 done after 0 s\n  step6 done after 0 s\n  step7 done after 0 s\n"
                    "  step8 done after 0 s\n");
}

static void a_job_is_shown(void **state) {
        _cleanup_(job_freep) Job *job = new_job(12, JOB_REPOINT, "db1");
        Style plain = {0};
        Page p;

        (void) state;
        assert_int_equal(names_add(&job->force, "errant"), 0);
        page_open(&p);
        job_print(p.f, &plain, job, BEGUN + SEC);
        page_is(&p, "Job 12, repoint of db2 to follow db1, was begun at 1970-01-01 00:16:40 by anna. Passed over by force: errant.\n"
                    "It has been running for 1 s.\n");
        assert_int_equal(job_begin_step(job, "copy", BEGUN), 0);
        assert_int_equal(job_set_progress(job, 1 << 20, 4 << 20), 0);
        assert_int_equal(job_ask_cancel(job), 1);
        page_open(&p);
        job_print(p.f, &(Style) { .width = 200 }, job, BEGUN + 10 * SEC);
        page_is(&p, "Job 12, repoint of db2 to follow db1, was begun at 1970-01-01 00:16:40 by anna. Passed over by force: errant.\n"
                    "  copy ...\n"
                    "It has been running for 10 s; 1.0 MiB of 4.0 MiB (25 %), about 30 s left. Somebody has asked for its end: it comes where it can be left in good order.\n");
        assert_int_equal(job_end_step(job, true, "", BEGUN + 11 * SEC), 0);
        assert_int_equal(job_end(job, JOB_CANCELLED, "db2 is as it was.", BEGUN + 12 * SEC), 0);
        page_open(&p);
        job_print(p.f, &plain, job, BEGUN + 99 * SEC);
        page_is(&p, "Job 12, repoint of db2 to follow db1, was begun at 1970-01-01 00:16:40 by anna. Passed over by force: errant.\n"
                    "  copy done after 11 s\n"
                    "The repoint of db2 to follow db1 is cancelled after 12 s.\n"
                    "db2 is as it was.\n");
        assert_int_equal(job_exit(job), CTL_FAILED);
}

static void add(json_t *list, const Job *job) {
        json_t *o = NULL;

        assert_int_equal(job_to_json(job, JOB_STEPS_MAX, &o), 0);
        assert_int_equal(json_array_append_new(list, o), 0);
}

static void jobs_are_listed(void **state) {
        _cleanup_(job_freep) Job *running = new_job(12, JOB_PROVISION, "db1"), *done = new_job(9, JOB_RECOVER, ""), *failed = new_job(8, JOB_DRAIN, "");
        json_t *list = json_array();
        Style plain = {0};
        Page p;

        (void) state;
        page_open(&p);
        assert_int_equal(job_print_list(p.f, &plain, list, BEGUN), 0);
        page_is(&p, "No job has been begun on this node yet.\n");

        assert_int_equal(job_begin_step(running, "copy", BEGUN), 0);
        assert_int_equal(job_set_progress(running, 1 << 20, 4 << 20), 0);
        add(list, running);
        assert_int_equal(json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:i, s:s}", "id", 10, "kind", "switch", "node", "db2", "begun", 5, "state", "running")), 0);
        assert_int_equal(job_end(done, JOB_DONE, "db2 is recovered. It is OFFLINE.", BEGUN + 3700 * SEC), 0);
        add(list, done);
        assert_int_equal(job_begin_step(failed, "wait", BEGUN), 0);
        assert_int_equal(job_end_step(failed, false, "", BEGUN), 0);
        assert_int_equal(job_end(failed, JOB_FAILED, "Sessions stay.", BEGUN - 5), 0);
        add(list, failed);
        page_open(&p);
        assert_int_equal(job_print_list(p.f, &plain, list, BEGUN + 10 * SEC), 0);
        page_is(&p, "ID  KIND       NODE  SOURCE  STATE    BEGUN                TOOK       REMARK\n"
                    "12  provision  db2   db1     running  1970-01-01 00:16:40  10 s       copy: 1.0 MiB of 4.0 MiB (25 %), about 30 s left\n"
                    "10  ?          ?     ?       ?        ?                    ?          this Mainstay knows no job with the kind \"switch\": it may be of a newer release\n"
                    "9   recover    db2   -       done     1970-01-01 00:16:40  1 h 1 min  db2 is recovered.\n"
                    "8   drain      db2   -       failed   1970-01-01 00:16:40  0 s        Sessions stay.\n");
        json_decref(list);
}

/* The verb */

typedef struct Agent {
        char *dir;
        PrivateBus daemon;
        sd_event *event;
        sd_bus *bus;
        Job *job;      /* the property */
        json_t *older; /* further ones, of the list */
        unsigned looks; /* how often the property was read */
        uint64_t cancelled;
        pid_t pid; /* of the command */
        int status; /* -1 while it runs */
} Agent;

static int get_job(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL;
        Agent *a = userdata;
        json_t *o = NULL;

        if (sd_bus_get_current_message(bus)) /* else it is read for a signal */
                a->looks++;
        if (a->job && job_to_json(a->job, JOB_STEPS_MAX, &o) >= 0)
                text = json_dumps(o, JSON_COMPACT);
        json_decref(o);
        return sd_bus_message_append(reply, "s", str_or(text, ""));
}

static int list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL;
        Agent *a = userdata;
        json_t *list = json_array(), *o = NULL;

        if (a->job && job_to_json(a->job, JOB_STEPS_MAX, &o) >= 0)
                (void) json_array_append_new(list, o);
        (void) json_array_extend(list, a->older);
        text = json_dumps(list, JSON_COMPACT);
        json_decref(list);
        return sd_bus_reply_method_return(m, "s", text);
}

static int cancel_job(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Agent *a = userdata;
        uint64_t id;

        assert_true(sd_bus_message_read(m, "t", &id) >= 0);
        if (!a->job || a->job->id != id || job_ask_cancel(a->job) < 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_FAILED, "Job %d does not run.", (int) id);
        a->cancelled = id;
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Job", "s", get_job, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", jobs), list_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CancelJob", SD_BUS_ARGS("t", id), SD_BUS_NO_RESULT, cancel_job, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void agent_up(Agent *a) {
        a->bus = private_bus_open(&a->daemon, a->event);
        assert_true(sd_bus_add_object_vtable(a->bus, NULL, AGENT_PATH, AGENT_NODE, vtable, a) >= 0);
        assert_true(sd_bus_request_name(a->bus, AGENT_NAME, 0) >= 0);
}

static void agent_down(Agent *a) {
        a->bus = sd_bus_flush_close_unref(a->bus);
}

static int setup(void **state) {
        Agent *a = calloc(1, sizeof(*a));

        assert_non_null(a);
        a->dir = directory_make();
        a->older = json_array();
        a->status = -1;
        assert_true(sd_event_new(&a->event) >= 0);
        if (!private_bus_start(&a->daemon, a->dir)) {
                *state = a;
                return 0;
        }
        agent_up(a);
        *state = a;
        return 0;
}

static int teardown(void **state) {
        Agent *a = *state;

        if (a->pid > 0 && a->status < 0) {
                (void) kill(a->pid, SIGKILL);
                (void) waitpid(a->pid, NULL, 0);
        }
        agent_down(a);
        private_bus_stop(&a->daemon);
        (void) sd_event_unref(a->event);
        a->job = job_free(a->job);
        json_decref(a->older);
        directory_remove(a->dir);
        free(a);
        return 0;
}

/* Runs `mainstayctl job ...` beside the loop; what it prints goes into files. */
static void begin(Agent *a, JobVerb verb, uint64_t id, bool json) {
        Args args = { .verb = VERB_JOB, .address = a->daemon.address, .job_verb = verb, .job_id = id, .json = json };

        if (a->daemon.pid <= 0)
                skip();
        a->pid = fork();
        assert_true(a->pid >= 0);
        if (a->pid == 0) {
                _cleanup_free_ char *out = NULL, *err = NULL;
                int r;

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                /* Or the agent's connection lived on here when it is closed there. */
                closefrom(STDERR_FILENO + 1);
                if (asprintf(&out, "%s/out", a->dir) < 0 || asprintf(&err, "%s/err", a->dir) < 0 || !freopen(out, "w", stdout) || !freopen(err, "w", stderr))
                        _exit(99);
                r = verb_job(&args);
                (void) fflush(stdout);
                (void) fflush(stderr);
                _exit(r < 0 ? 98 : r);
        }
}

static bool ended(Agent *a) {
        int status;

        if (a->status >= 0)
                return true;
        if (waitpid(a->pid, &status, WNOHANG) != a->pid)
                return false;
        a->status = WIFEXITED(status) ? WEXITSTATUS(status) : 97;
        return true;
}

static char *output(const Agent *a, const char *name) {
        Scratch s = { .fd = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
        char *text = scratch_get(&s, name);

        (void) close(s.fd);
        return text;
}

static bool has_printed(const Agent *a, const char *what) {
        _cleanup_free_ char *out = output(a, "out");

        return out && strstr(out, what);
}

static void prints(const Agent *a, const char *name, const char *want) {
        _cleanup_free_ char *text = output(a, name);

        assert_non_null(text);
        if (!strstr(text, want))
                fail_msg("\"%s\" is not in\n%s", want, text);
}

/* The job has changed, and whoever follows it has looked. */
static void changed(Agent *a) {
        unsigned looks = a->looks;

        assert_true(sd_bus_emit_properties_changed(a->bus, AGENT_PATH, AGENT_NODE, "Job", NULL) >= 0);
        LOOP_UNTIL(a->event, a->looks > looks || ended(a));
}

static void follows_until_it_is_done(void **state) {
        Agent *a = *state;

        a->job = new_job(12, JOB_RECOVER, "");
        begin(a, JOB_VERB_FOLLOW, 0, false);
        LOOP_UNTIL(a->event, a->looks > 0);
        assert_int_equal(job_begin_step(a->job, "join", BEGUN), 0);
        changed(a);
        assert_int_equal(job_end_step(a->job, true, "It is Synced.", BEGUN + SEC), 0);
        changed(a);
        assert_false(ended(a));
        assert_int_equal(job_end(a->job, JOB_DONE, "db2 is recovered.", BEGUN + 2 * SEC), 0);
        changed(a);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, CTL_OK);
        prints(a, "out", "Job 12, recover of db2, was begun at 1970-01-01 00:16:40 by anna.\n"
                         "  join ...\n"
                         "  join done after 1 s\n"
                         "    It is Synced.\n"
                         "The recover of db2 is done after 2 s.\n"
                         "db2 is recovered.\n");
}

static void a_failed_one_is_a_failure(void **state) {
        Agent *a = *state;

        a->job = new_job(12, JOB_RECOVER, "");
        begin(a, JOB_VERB_FOLLOW, 12, false);
        LOOP_UNTIL(a->event, a->looks > 0);
        assert_int_equal(job_end(a->job, JOB_FAILED, "It was not to be.", BEGUN + SEC), 0);
        changed(a);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, CTL_FAILED);
        prints(a, "out", "has failed after 1 s.\nIt was not to be.\n");
}

/* A newer one has been begun before this command has looked again. */
static void the_end_of_an_overtaken_one_is_found(void **state) {
        Agent *a = *state;
        Job *job;

        a->job = job = new_job(12, JOB_RECOVER, "");
        begin(a, JOB_VERB_FOLLOW, 12, false);
        LOOP_UNTIL(a->event, a->looks > 0);
        assert_int_equal(job_end(job, JOB_DONE, "It is over.", BEGUN + SEC), 0);
        add(a->older, job);
        a->job = new_job(13, JOB_DRAIN, "");
        changed(a);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, CTL_OK);
        prints(a, "out", "It is over.");
        (void) job_free(job);
}

static void ctrl_c_detaches(void **state) {
        Agent *a = *state;

        a->job = new_job(12, JOB_RECOVER, "");
        begin(a, JOB_VERB_FOLLOW, 0, false);
        LOOP_UNTIL(a->event, a->looks > 0);
        assert_int_equal(job_begin_step(a->job, "join", BEGUN), 0);
        changed(a);
        /* It has told the first look, before it could ask again. */
        assert_int_equal(kill(a->pid, SIGINT), 0);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, 128 + SIGINT);
        assert_int_equal(a->cancelled, 0);
        assert_false(job_is_over(a->job));
        prints(a, "err", "Detached. Mainstay goes on with job 12. To follow it again: mainstayctl job follow 12; to end it: mainstayctl job cancel 12\n");
}

static void an_agent_that_died_is_waited_for(void **state) {
        Agent *a = *state;
        unsigned looks;

        a->job = new_job(12, JOB_RECOVER, "");
        begin(a, JOB_VERB_FOLLOW, 0, false);
        LOOP_UNTIL(a->event, a->looks > 0);
        changed(a);
        agent_down(a);
        LOOP_UNTIL(a->event, has_printed(a, "does not run") || ended(a));
        assert_false(ended(a));
        assert_int_equal(job_end(a->job, JOB_DONE, "db2 is recovered.", BEGUN + SEC), 0);
        looks = a->looks;
        agent_up(a);
        LOOP_UNTIL(a->event, a->looks > looks);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, CTL_OK);
        prints(a, "out", "db2 is recovered.");
}

static void json_is_a_line_for_each_change(void **state) {
        _cleanup_free_ char *out = NULL;
        Agent *a = *state;
        size_t lines = 0;
        json_t *o;

        a->job = new_job(12, JOB_RECOVER, "");
        begin(a, JOB_VERB_FOLLOW, 0, true);
        LOOP_UNTIL(a->event, a->looks > 0);
        changed(a); /* which is none */
        assert_int_equal(job_end(a->job, JOB_DONE, "", BEGUN + SEC), 0);
        changed(a);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, CTL_OK);
        out = output(a, "out");
        for (char *p = out, *line; (line = strsep(&p, "\n")) && *line; lines++) {
                o = json_loads(line, 0, NULL);
                assert_non_null(o);
                assert_string_equal(json_string_value(json_object_get(o, "state")), lines == 0 ? "running" : "done");
                json_decref(o);
        }
        assert_int_equal(lines, 2);
}

static const struct {
        const char *name;
        JobVerb verb;
        uint64_t id;
        bool json;
        int exit;
        const char *out, *err;
} calls[] = {
        { "a list", JOB_VERB_LIST, 0, false, CTL_OK, "12  recover", "" },
        { "with the older ones", JOB_VERB_LIST, 0, false, CTL_OK, "\n7 ", "" },
        { "as JSON", JOB_VERB_LIST, 0, true, CTL_OK, "\"id\": 12", "" },
        { "the one that runs", JOB_VERB_SHOW, 0, false, CTL_OK, "Job 12, recover of db2,", "" },
        { "an older one", JOB_VERB_SHOW, 7, false, CTL_OK, "Job 7, drain of db2,", "" },
        { "an older one as JSON", JOB_VERB_SHOW, 7, true, CTL_OK, "\"kind\": \"drain\"", "" },
        { "one that is over is followed to its end", JOB_VERB_FOLLOW, 7, false, CTL_FAILED, "Sessions stay.", "" },
        { "none of that number", JOB_VERB_SHOW, 99, false, CTL_FAILED, "", "There is no job 99 on this node" },
        { "none to follow", JOB_VERB_FOLLOW, 99, false, CTL_FAILED, "", "There is no job 99 on this node" },
        { "none of that number as JSON", JOB_VERB_SHOW, 99, true, CTL_FAILED, "\"ok\": false", "" },
        { "an end that is too late", JOB_VERB_CANCEL, 7, false, CTL_FAILED, "", "The job is not cancelled" },
        { "an end", JOB_VERB_CANCEL, 12, false, CTL_OK, "Job 12 is asked to end.", "" },
        { "an end as JSON", JOB_VERB_CANCEL, 12, true, CTL_OK, "\"ok\": true", "" },
};

static void words_are_answered(void **state) {
        _cleanup_(job_freep) Job *seven = new_job(7, JOB_DRAIN, "");
        Agent *a = *state;

        a->job = new_job(12, JOB_RECOVER, "");
        assert_int_equal(job_end(seven, JOB_FAILED, "Sessions stay.", BEGUN + SEC), 0);
        add(a->older, seven);
        for (size_t i = 0; i < ELEMENTS(calls); i++) {
                _cleanup_free_ char *out = NULL, *err = NULL;

                a->status = -1;
                a->cancelled = 0;
                begin(a, calls[i].verb, calls[i].id, calls[i].json);
                LOOP_UNTIL(a->event, ended(a));
                out = output(a, "out");
                err = output(a, "err");
                if (a->status != calls[i].exit || !strstr(out, calls[i].out) || !strstr(err, calls[i].err) || (!*calls[i].err && *err))
                        fail_msg("%s: %d\n%s\n%s", calls[i].name, a->status, out, err);
                CHECK(a->cancelled == (calls[i].verb == JOB_VERB_CANCEL && calls[i].exit == CTL_OK ? calls[i].id : 0), calls[i].name);
        }
}

static void before_there_was_any(void **state) {
        Agent *a = *state;

        begin(a, JOB_VERB_SHOW, 0, false);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, CTL_FAILED);
        prints(a, "err", "No job has been begun on this node yet.");
}

static void without_an_agent_it_is_said(void **state) {
        Agent *a = *state;

        if (a->daemon.pid > 0)
                agent_down(a);
        begin(a, JOB_VERB_FOLLOW, 12, false);
        LOOP_UNTIL(a->event, ended(a));
        assert_int_equal(a->status, CTL_FAILED);
        prints(a, "err", "does not run");
        prints(a, "err", "systemctl start mainstayd");
}

#define PLAYED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_step_is_told_once),
                cmocka_unit_test(progress_is_written_over),
                cmocka_unit_test(of_a_report_each_step_is_shown_once),
                cmocka_unit_test(a_job_is_shown),
                cmocka_unit_test(jobs_are_listed),
                PLAYED(follows_until_it_is_done),
                PLAYED(a_failed_one_is_a_failure),
                PLAYED(the_end_of_an_overtaken_one_is_found),
                PLAYED(ctrl_c_detaches),
                PLAYED(an_agent_that_died_is_waited_for),
                PLAYED(json_is_a_line_for_each_change),
                PLAYED(words_are_answered),
                PLAYED(before_there_was_any),
                PLAYED(without_an_agent_it_is_said),
        };

        (void) setenv("TZ", "UTC", true);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
