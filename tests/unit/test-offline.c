/* Help without an agent: `mainstayctl inspect` and `mainstayctl plan FILE...`,
 * the program as it is built, on real files. */
#include "cases.h"

#define ARGS_MAX 24

static const char *program;

typedef struct Run {
        int status;
        char *out, *err;
} Run;

static void run_done(Run *r) {
        free(r->out);
        free(r->err);
}
#define _cleanup_run_ _cleanup_(run_done)

/* In the directory `s`; the words of `args` are separated by blanks. */
static Run run(const Scratch *s, const char *args) {
        _cleanup_free_ char *copy = strdup(args), *path = realpath(program, NULL);
        const char *argv[ARGS_MAX + 2] = { path };
        char *save = NULL;
        size_t n = 1;
        int status;
        pid_t pid;
        Run r;

        assert_non_null(copy);
        for (char *word = strtok_r(copy, " ", &save); word && n <= ARGS_MAX; word = strtok_r(NULL, " ", &save))
                argv[n++] = streq(word, "''") ? "" : word;
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int out = openat(s->fd, ".out", O_WRONLY | O_CREAT | O_TRUNC, 0644), err = openat(s->fd, ".err", O_WRONLY | O_CREAT | O_TRUNC, 0644);

                (void) dup2(out, STDOUT_FILENO);
                (void) dup2(err, STDERR_FILENO);
                if (fchdir(s->fd) == 0)
                        (void) execv(argv[0], (char *const *) argv);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        r.status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
        r.out = scratch_get(s, ".out");
        r.err = scratch_get(s, ".err");
        assert_true(r.out && r.err);
        return r;
}

/* inspect */

#define U "220dcdcb-1629-11e4-add3-aec059ad3734"
#define V "11111111-2222-11e4-8000-aec059ad3734"
#define ZERO "00000000-0000-0000-0000-000000000000"
#define GRASTATE(uuid, seqno, rest) "# GALERA saved state\nversion: 2.1\nuuid:    " uuid "\nseqno:   " seqno "\n" rest
#define GRASTATE_IS(uuid, seqno, safe) "{\"grastate\":{\"valid\":true,\"uuid\":\"" uuid "\",\"seqno\":" seqno ",\"safe_to_bootstrap\":" safe ",\"error\":null}}"
#define GRASTATE_BAD(error) "{\"grastate\":{\"valid\":false,\"uuid\":null,\"seqno\":null,\"safe_to_bootstrap\":null,\"error\":\"" error "\"}}"
#define GVW_BAD(error) "{\"gvwstate\":{\"valid\":false,\"my_uuid\":null,\"view_uuid\":null,\"view_seqno\":null,\"primary\":null,\"members\":null,\"error\":\"" error "\"}}"
#define LOG_IS(uuid, seqno) "{\"recovered\":{\"valid\":true,\"uuid\":\"" uuid "\",\"seqno\":" seqno ",\"error\":null}}"
#define LOG_BAD(error) "{\"recovered\":{\"valid\":false,\"uuid\":null,\"seqno\":null,\"error\":\"" error "\"}}"
#define RECOVERED "2023-06-04  8:24:23 0 [Note] WSREP: Recovered position: "

static const struct {
        const char *name, *option, *text; /* NULL: no such file */
        const char *json;                 /* what is said */
        const char *galera;               /* part of what is said to people; NULL: nothing of Galera */
} inspections[] = {
        { "stopped", "--grastate", GRASTATE(U, "9", "safe_to_bootstrap: 0\n"), GRASTATE_IS(U, "9", "false"), NULL },
        { "stopped last", "--grastate", GRASTATE(U, "9", "safe_to_bootstrap: 1\n"), GRASTATE_IS(U, "9", "true"), NULL },
        { "of a version without the line", "--grastate", GRASTATE(U, "9", ""), GRASTATE_IS(U, "9", "null"), "takes the missing line for safe_to_bootstrap: 1" },
        { "beyond a double", "--grastate", GRASTATE(U, "9007199254740993", "safe_to_bootstrap: 0\n"), GRASTATE_IS(U, "9007199254740993", "false"), NULL },
        { "the greatest", "--grastate", GRASTATE(U, "9223372036854775807", "safe_to_bootstrap: 0\n"), GRASTATE_IS(U, "9223372036854775807", "false"), NULL },
        { "runs or crashed", "--grastate", GRASTATE(U, "-1", "safe_to_bootstrap: 0\n"), GRASTATE_IS(U, "-1", "false"), NULL },
        { "in SST", "--grastate", GRASTATE(ZERO, "-1", "safe_to_bootstrap: 1\n"), GRASTATE_IS(ZERO, "-1", "true"), NULL },
        { "-1 as an unsigned number", "--grastate", GRASTATE(U, "18446744073709551615", "safe_to_bootstrap: 0\n"), GRASTATE_IS(U, "-1", "false"), "Galera itself would read " U ":9223372036854775807" },
        { "no end of the last line", "--grastate", GRASTATE(U, "9", "safe_to_bootstrap: 0"), GRASTATE_IS(U, "9", "false"), "A last line without an end is nothing to it" },
        { "seqno: foo", "--grastate", GRASTATE(U, "foo", "safe_to_bootstrap: 0\n"),
          GRASTATE_BAD("line 4: \\\"foo\\\" is not a seqno, which is a whole number from -1 to 9223372036854775807"), "would read " U ":0 and safe_to_bootstrap 0" },
        { "empty", "--grastate", "", GRASTATE_BAD("the file is empty"), "would read " ZERO ":-1 and safe_to_bootstrap 1" },
        { "missing", "--grastate", NULL, GRASTATE_BAD("there is no such file"), "safe to bootstrap" },

        { "alone", "--gvwstate", "my_uuid: " V "\n#vwbeg\nview_id: 3 " V " 4\nbootstrap: 0\nmember: " V " 0\n#vwend\n",
          "{\"gvwstate\":{\"valid\":true,\"my_uuid\":\"" V "\",\"view_uuid\":\"" V "\",\"view_seqno\":4,\"primary\":true,\"members\":[\"" V "\"],\"error\":null}}",
          "becomes Primary by itself and takes writes" },
        { "two, not primary", "--gvwstate", "my_uuid: " V "\n#vwbeg\nview_id: 2 " U " 4294967295\nbootstrap: 0\nmember: " U " 0\nmember: " V " 1\n#vwend\n",
          "{\"gvwstate\":{\"valid\":true,\"my_uuid\":\"" V "\",\"view_uuid\":\"" U "\",\"view_seqno\":4294967295,\"primary\":false,\"members\":[\"" U "\",\"" V "\"],\"error\":null}}",
          NULL },
        { "empty after a power cut", "--gvwstate", "", GVW_BAD("the file is empty; mysqld would die of it"), "Move it aside" },
        { "no gvwstate", "--gvwstate", NULL, GVW_BAD("there is no such file"), "in good order removes this file" },

        { "recovered", "--recover-log", "x\n" RECOVERED U ":48451\n", LOG_IS(U, "48451"), NULL },
        { "without a newline at the end", "--recover-log", RECOVERED U ":48451", LOG_IS(U, "48451"), NULL },
        { "with a GTID", "--recover-log", RECOVERED U ":48451,201-2001-48431\n", LOG_IS(U, "48451"), NULL },
        { "the last one counts", "--recover-log", RECOVERED U ":1\n" RECOVERED U ":9007199254740993\n", LOG_IS(U, "9007199254740993"), NULL },
        { "a broken one later", "--recover-log", RECOVERED U ":1\nx\n" RECOVERED "banana\n", LOG_BAD("line 3: what follows \\\"Recovered position:\\\" is no UUID with a seqno"), NULL },
        { "no log", "--recover-log", NULL, LOG_BAD("there is no such file"), NULL },
        { "an empty log", "--recover-log", "", LOG_BAD("the file is empty"), NULL },
};

static void files_say_what_they_say(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(inspections); i++) {
                const char *name = inspections[i].name;
                _cleanup_scratch_ Scratch s = scratch_new();
                _cleanup_run_ Run json = {}, text = {};
                json_t *is, *should;
                char args[128];

                if (inspections[i].text)
                        scratch_puts(&s, "file", inspections[i].text);
                (void) snprintf(args, sizeof(args), "inspect %s file --json", inspections[i].option);
                json = run(&s, args);
                should = json_loads(inspections[i].json, 0, NULL);
                CHECK(should, name);
                is = json_loads(json.out, 0, NULL);
                CHECK(is, name);
                if (!json_equal(is, should))
                        fail_msg("%s: expected %s, got %s", name, inspections[i].json, json.out);
                CHECK(json.status == (strstr(inspections[i].json, "\"valid\":true") ? 0 : 1), name);
                CHECK(*json.err == 0, name);
                json_decref(is);
                json_decref(should);

                (void) snprintf(args, sizeof(args), "inspect %s file", inspections[i].option);
                text = run(&s, args);
                CHECK(text.status == json.status, name);
                if (inspections[i].galera ? !strstr(text.out, inspections[i].galera) : !!strstr(text.out, "Galera"))
                        fail_msg("%s: people are told %s", name, text.out);
        }
}

static bool has(const char *text, const char *key) {
        json_t *o = json_loads(text, 0, NULL);
        bool found = json_object_get(o, key);

        json_decref(o);
        return found;
}

static void a_key_only_for_what_was_asked(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        _cleanup_run_ Run dir = {}, both = {}, none = {}, stopped = {};

        (void) state;
        scratch_puts(&s, "grastate.dat", GRASTATE(U, "9", "safe_to_bootstrap: 0\n"));
        scratch_puts(&s, "gvwstate.dat", "my_uuid: " V "\n#vwbeg\nview_id: 3 " V " 4\nbootstrap: 0\nmember: " V " 0\n#vwend\n");
        scratch_puts(&s, "other", "nothing of the kind");
        dir = run(&s, "inspect --datadir . --json");
        assert_int_equal(dir.status, 0);
        assert_true(has(dir.out, "grastate") && has(dir.out, "gvwstate") && !has(dir.out, "recovered"));

        /* One that is named stands in for that of the directory. */
        both = run(&s, "inspect --datadir . --grastate other --recover-log other --json");
        assert_int_equal(both.status, 1);
        assert_true(has(both.out, "grastate") && has(both.out, "gvwstate") && has(both.out, "recovered"));

        none = run(&s, "inspect --datadir nowhere --json");
        assert_int_equal(none.status, 1);
        assert_true(has(none.out, "grastate") && !has(none.out, "gvwstate"));

        /* As a graceful stop leaves it. */
        assert_int_equal(unlinkat(s.fd, "gvwstate.dat", 0), 0);
        stopped = run(&s, "inspect --datadir . --json");
        assert_int_equal(stopped.status, 0);
        assert_true(has(stopped.out, "grastate") && !has(stopped.out, "gvwstate"));
        assert_int_equal(scratch_count(&s), 4); /* nothing written but what this test catches */
}

/* What is no file, or too much of one; and a link is followed. */
static void other_than_files(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        static char big[2 * 1024 * 1024];
        _cleanup_run_ Run directory = {}, pipe = {}, huge = {}, log = {}, link = {};

        (void) state;
        assert_int_equal(mkdirat(s.fd, "dir", 0755), 0);
        assert_int_equal(mkfifoat(s.fd, "pipe", 0600), 0);
        memset(big, 'x', sizeof(big));
        memcpy(big + sizeof(big) - sizeof("\n" RECOVERED U ":7"), "\n" RECOVERED U ":7", sizeof("\n" RECOVERED U ":7"));
        scratch_put(&s, "big", big, sizeof(big) - 1);
        scratch_puts(&s, "real", GRASTATE(U, "9", "safe_to_bootstrap: 0\n"));
        assert_int_equal(symlinkat("real", s.fd, "link"), 0);

        directory = run(&s, "inspect --grastate dir --gvwstate dir --recover-log dir");
        assert_int_equal(directory.status, 1);
        assert_non_null(strstr(directory.out, "is a directory"));
        pipe = run(&s, "inspect --recover-log pipe"); /* nobody writes: it must not hang */
        assert_int_equal(pipe.status, 1);
        huge = run(&s, "inspect --grastate big --gvwstate big");
        assert_int_equal(huge.status, 1);
        assert_non_null(strstr(huge.out, "larger than 4096 bytes"));
        /* A log is as long as it is, and so are its lines. */
        log = run(&s, "inspect --recover-log big --json");
        assert_int_equal(log.status, 0);
        assert_non_null(strstr(log.out, "\"seqno\": 7"));
        link = run(&s, "inspect --grastate link");
        assert_int_equal(link.status, 0);
}

/* plan */

/* A report with only the keys that a person would write. */
static char *by_hand(const Report *r) {
        json_t *all, *some = json_object(), *view = NULL;
        static const char *const keys[] = { "node", "mysqld", "position", "safe_to_bootstrap", "marks" };
        char *text;

        assert_int_equal(report_to_json(r, &all), 0);
        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (json_object_get(all, keys[i]))
                        (void) json_object_set(some, keys[i], json_object_get(all, keys[i]));
        view = json_object_get(all, "view");
        if (view)
                (void) json_object_set(some, "view", view);
        text = json_dumps(some, JSON_INDENT(4));
        assert_non_null(text);
        json_decref(all);
        json_decref(some);
        return text;
}

#define L " view 10:123"

/* db1 is in the file db1, and so on; only with neither weights nor histories,
 * so that both forms of a report come to the same. */
static const struct {
        const char *name, *reports, *args, *plan;
        int status;
        const char *about, *says; /* a node, and part of what is said of it */
} plans[] = {
        { "the highest leads", "db1 stopped 9" L "; db2 stopped 10" L "; db3 stopped 8 safe" L, "", "bootstrap db2", 0, "db1", "1 behind" },
        { "beyond a double", "db1 stopped 9007199254740992" L "; db2 stopped 9007199254740993" L "; db3 stopped 9007199254740991" L, "", "bootstrap db2", 0, NULL, NULL },
        { "equal: safe_to_bootstrap", "db1 stopped 9 unsafe" L "; db2 stopped 9 unsafe" L "; db3 stopped 9 safe" L, "", "bootstrap db3", 0, NULL, NULL },
        { "equal: the name", "db1 stopped 9" L "; db2 stopped 9" L "; db3 stopped 9" L, "", "bootstrap db1", 0, NULL, NULL },
        { "no views, all are heard", "db1 stopped 9; db2 stopped 10; db3 stopped 8", "", "bootstrap db2", 0, NULL, NULL },
        { "safe, zeros and -1 never leads", "db1 stopped Z-1 safe; db2 stopped 9 unsafe view 10:23; db3 stopped 8 view 10:23", "", "bootstrap db2", 0, NULL, NULL },
        { "marked or not", "db1 stopped Z-1 safe mark aborted-sst; db2 stopped 9 unsafe view 10:23; db3 stopped 8 view 10:23", "", "bootstrap db2", 0, NULL, NULL },
        { "nor is it heard, where it must be", "db1 stopped Z-1 safe; db2 stopped 9" L "; db3 stopped 8" L, "", "wait", 3, "db1", "has no data" },
        { "nor is one that crashed, and was not recovered", "db1 stopped -1 safe" L "; db2 stopped 9" L "; db3 stopped 8" L, "", "wait", 3, "db1", "tells no position" },
        { "which may know of a later view", "db1 stopped -1 safe; db2 stopped 9 view 10:23; db3 stopped 8 view 10:23", "", "wait", 3, "db1", "tells no position" },
        { "all of them zeros", "db1 stopped Z-1 safe; db2 stopped Z-1 safe", "", "wait", 3, NULL, NULL },
        { "two clusters", "db1 stopped 9" L "; db2 stopped B10 view B10:123; db3 stopped 9" L, "", "refuse", 4, "db2", "cannot be compared" },
        { "two clusters, and no views", "db1 stopped 9; db2 stopped B10; db3 stopped 9", "", "refuse", 4, NULL, NULL },
        { "a stray one, by the views", "db1 stopped 9 view 5:13; db2 stopped B10 view B5:2; db3 stopped 9 view 5:13", "", "bootstrap db1", 0, "db2", "left out" },
        { "one of the view is missing", "db1 stopped 9" L "; db2 stopped 10" L, "", "wait", 3, "db3", "no report of it was given" },
        { "also with all named", "db1 stopped 9" L "; db2 stopped 10" L, "--expect db1,db2,db3", "wait", 3, "db3", "no report of it was given" },
        { "missing, and not ahead", "db1 stopped 9 view 10:12; db2 stopped 10 view 10:12", "--expect db1,db2,db3", "bootstrap db2", 0, "db3", "need not be" },
        { "exactly S - 1", "db1 stopped 8 view 10:12; db2 stopped 9 view 10:12", "--expect db1,db2,db3", "bootstrap db2", 0, NULL, NULL },
        { "S - 2: it may be ahead", "db1 stopped 8 view 10:12; db2 stopped 8 view 10:12", "--expect db1,db2,db3", "wait", 3, "db3", "may hold commits" },
        { "missing, and S is not known", "db1 stopped 9 view ?:12; db2 stopped 10 view ?:12", "--expect db1,db2,db3", "wait", 3, "db3", "may hold commits" },
        { "missing, and nobody knows the view", "db1 stopped 9; db2 stopped 10", "--expect db1,db2,db3", "wait", 3, "db3", "may hold commits" },
        { "missing, and given up", "db1 stopped 9" L "; db2 stopped 10" L, "--without db3", "bootstrap db2", 0, "db3", "given up" },
        { "a Primary is joined", "db1 primary 20; db2 stopped 10" L "; db3 stopped 8" L, "", "join db1", 0, "db2", "joins" },
        { "though others are missing", "db1 primary 20; db2 stopped 10" L, "--expect db1,db2,db3", "join db1", 0, NULL, NULL },
        { "non-primary, all of them", "db1 non-primary 9" L "; db2 non-primary 9" L, "--expect db1,db2", "wait", 3, NULL, NULL },
        { "non-primary, in the way", "db1 non-primary 9" L "; db2 stopped 10" L "; db3 stopped 10" L, "", "wait", 3, "db1", "stop its mysqld" },
        { "starting", "db1 starting 9" L "; db2 stopped 10" L "; db3 stopped 10" L, "", "wait", 3, "db1", "starting" },
        { "joining", "db1 joining 9" L "; db2 stopped 10" L "; db3 stopped 10" L, "", "wait", 3, "db1", "receiving" },
        { "mysqld is not told", "db1 unknown 9" L "; db2 stopped 10" L "; db3 stopped 10" L, "", "wait", 3, "db1", "write \"mysqld\": \"stopped\"" },
        { "a marked one never leads", "db1 stopped 9 mark inconsistent" L "; db2 stopped 9" L "; db3 stopped 8" L, "", "bootstrap db2", 0, NULL, NULL },
        { "nor alone", "db1 stopped 9 mark aborted-sst view 5:1", "", "wait", 3, "db1", "marked (aborted-sst)" },
        { "alone, and its view says so", "db1 stopped 9 view 5:1", "", "bootstrap db1", 0, NULL, NULL },
        { "alone, and nothing says so", "db1 stopped 9", "", "wait", 3, NULL, NULL },
        { "alone, and the operator says so", "db1 stopped 9", "--expect db1", "bootstrap db1", 0, NULL, NULL },
        { "one that is not expected counts all the same", "db1 stopped 9; db2 stopped 10", "--expect db1", "bootstrap db2", 0, "db2", "not among the nodes of --expect" },
        { "a member whom nobody expects is needed no less", "db1 stopped 9 view 5:14", "--expect db1", "wait", 3, "db4", "may hold commits" },
};

/* All orders of up to four files by how often each pair is turned: forwards,
 * backwards, and by one. */
static void order_files(const Cast *c, unsigned order, char args[static 256]) {
        size_t at = 0;

        args[0] = '\0';
        for (size_t i = 0; i < c->n; i++) {
                size_t k = order == 0 ? i : order == 1 ? c->n - 1 - i : (i + 1) % c->n;

                at += (size_t) snprintf(args + at, 256 - at, " %s", c->name[k]);
        }
}

static void check_plan(size_t i, const char *out) {
        const char *name = plans[i].name, *node;
        json_t *plan = json_loads(out, 0, NULL), *reasons, *reason, *whom;
        char text[NAME_SIZE + 16];
        bool said = !plans[i].says;
        size_t k;

        CHECK(json_is_object(plan), name);
        whom = json_object_get(plan, "node");
        CHECK(json_is_string(whom) || json_is_null(whom), name);
        node = json_string_value(whom);
        (void) snprintf(text, sizeof(text), "%s%s%s", json_string_value(json_object_get(plan, "action")), node ? " " : "", node ? node : "");
        if (!streq(text, plans[i].plan))
                fail_msg("%s: expected %s, came to %s", name, plans[i].plan, out);
        reasons = json_object_get(plan, "reasons");
        CHECK(json_array_size(reasons) > 0, name);
        json_array_foreach(reasons, k, reason) {
                const char *about = json_string_value(json_object_get(reason, "node")), *says = json_string_value(json_object_get(reason, "text"));

                CHECK(says && json_object_get(reason, "node"), name);
                said = said || (about && streq(about, plans[i].about) && strstr(says, plans[i].says));
        }
        if (!said)
                fail_msg("%s: nothing says \"%s\" of %s: %s", name, plans[i].says, plans[i].about, out);
        json_decref(plan);
}

static void saved_reports_are_decided_like_heard_ones(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(plans); i++) {
                _cleanup_free_ char *first = NULL;

                for (unsigned form = 0; form < 2; form++) {
                        _cleanup_scratch_ Scratch s = scratch_new();
                        _cleanup_cast_ Cast cast = cast_parse(plans[i].reports);
                        _cleanup_run_ Run people = {};
                        char files[256], args[512];

                        for (size_t k = 0; k < cast.n; k++) {
                                _cleanup_free_ char *text = NULL;

                                if (form == 0)
                                        text = by_hand(cast.report[k]);
                                else
                                        assert_int_equal(report_format(cast.report[k], &text), 0);
                                scratch_puts(&s, cast.name[k], text);
                        }
                        for (unsigned order = 0; order < 3; order++) {
                                _cleanup_run_ Run r = {};

                                order_files(&cast, order, files);
                                (void) snprintf(args, sizeof(args), "plan%s --json %s", files, plans[i].args);
                                r = run(&s, args);
                                CHECK(r.status == plans[i].status, plans[i].name);
                                CHECK(*r.err == 0, plans[i].name);
                                check_plan(i, r.out);
                                if (!first)
                                        first = strdup(r.out);
                                if (!streq(first, r.out))
                                        fail_msg("%s: order %u, form %u: %s became %s", plans[i].name, order, form, first, r.out);
                        }
                        (void) snprintf(args, sizeof(args), "plan%s %s", files, plans[i].args);
                        people = run(&s, args);
                        CHECK(people.status == plans[i].status, plans[i].name);
                        CHECK(!plans[i].says || strstr(people.out, plans[i].says), plans[i].name);
                        CHECK(strstr(people.out, "saved reports"), plans[i].name);
                }
        }
}

#define R(more) "{\"node\":\"db1\",\"mysqld\":\"stopped\",\"position\":{\"uuid\":\"" U "\",\"seqno\":9}" more "}"

static const struct {
        const char *name, *a, *b, *args;
        int status;
        const char *says[2];
} mistakes[] = {
        { "no JSON", "x", R(""), "plan b a", 1, { "a:", "line 1" } },
        { "JSON that ends too early", "{\n\"node\":\n", R(""), "plan b a", 1, { "a:", "line 3" } },
        { "an empty file", "", R(""), "plan b a", 1, { "a:", "empty" } },
        { "no report", "{\"seqno\":5}", R(""), "plan b a", 1, { "a:", "\"node\"" } },
        { "a list of reports", "[" R("") "]", "", "plan a", 1, { "a:", "JSON object" } },
        { "a seqno with a fraction", "{\"node\":\"db2\",\"position\":{\"uuid\":\"" U "\",\"seqno\":9.5}}", R(""), "plan b a", 1, { "a:", "\"seqno\"" } },
        { "a seqno as a text", "{\"node\":\"db2\",\"position\":{\"uuid\":\"" U "\",\"seqno\":\"9\"}}", R(""), "plan b a", 1, { "a:", "\"seqno\"" } },
        { "a seqno of 64 bits", "{\"node\":\"db2\",\"position\":{\"uuid\":\"" U "\",\"seqno\":18446744073709551615}}", R(""), "plan b a", 1, { "a:", "line 1" } },
        { "no UUID", "{\"node\":\"db2\",\"position\":{\"uuid\":\"me\",\"seqno\":9}}", R(""), "plan b a", 1, { "a:", "\"uuid\"" } },
        { "a key twice", "{\"node\":\"db2\",\"node\":\"db3\"}", R(""), "plan b a", 1, { "a:", "duplicate" } },
        { "mysqld asleep", "{\"node\":\"db2\",\"mysqld\":\"asleep\"}", R(""), "plan b a", 1, { "a:", "\"mysqld\"" } },
        { "members that are none", "{\"node\":\"db2\",\"view\":{\"uuid\":\"" U "\",\"seqno\":1,\"members\":[1]}}", R(""), "plan b a", 1, { "a:", "\"members\"" } },
        { "a view of no cluster", "{\"node\":\"db2\",\"view\":{\"uuid\":\"" ZERO "\",\"seqno\":1,\"members\":[\"db2\"]}}", R(""), "plan b a", 1, { "a:", "zeros" } },
        { "of another version", "{\"node\":\"db2\",\"version\":9}", R(""), "plan b a", 1, { "a:", "version 9" } },
        { "one node twice", R(""), R(""), "plan a b", 1, { "b:", "so is a" } },
        { "one node with two reports", R(""), R(",\"safe_to_bootstrap\":true"), "plan b a", 1, { "a:", "so is b" } },
        { "one file twice", R(""), "", "plan a a", 1, { "a:", "db1" } },
        { "one agent under two names", R(",\"agent\":\"" U "\""), "{\"node\":\"db2\",\"agent\":\"" U "\"}", "plan a b", 1, { "b:", "another name" } },
        { "no such file", R(""), "", "plan a nowhere", 1, { "nowhere:", "no such file" } },
        { "a directory", R(""), "", "plan a .", 1, { ".:", "directory" } },
        { "nobody expected", R(""), "", "plan a --expect ''", 2, { "--expect", "\"\"" } },
        { "an empty name expected", R(""), "", "plan a --expect db1,,db2", 2, { "--expect", "db1,,db2" } },
        { "no name expected", R(""), "", "plan a --expect db/1", 2, { "--expect", "db/1" } },
        { "expected of whom", R(""), "", "plan --expect db1", 2, { "--expect", "FILE" } },
        { "an agent and files", R(""), "", "plan a -H db1", 2, { "-H", "a" } },
        { "files for others", R(""), "", "status a", 2, { "a", "too many" } },
        { "a word to inspect", R(""), "", "inspect a", 2, { "a", "too many" } },
        { "no name of a file", R(""), "", "inspect --grastate ''", 2, { "--grastate", "file" } },
        { "two files", R(""), "", "inspect --grastate a --grastate b", 2, { "--grastate", "twice" } },
        { "another verb's option", R(""), "", "plan a --grastate a", 2, { "--grastate", "plan" } },
        { "given up, and not there", R(",\"view\":{\"uuid\":\"" U "\",\"seqno\":5,\"members\":[\"db1\"]}"), "", "plan a --without db9", 4, { NULL } },
};

static void mistakes_are_told_and_nothing_is_planned(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(mistakes); i++)
                for (unsigned json = 0; json < 2; json++) {
                        _cleanup_scratch_ Scratch s = scratch_new();
                        _cleanup_run_ Run r = {};
                        char args[128];

                        scratch_puts(&s, "a", mistakes[i].a);
                        scratch_puts(&s, "b", mistakes[i].b);
                        (void) snprintf(args, sizeof(args), "%s%s", json ? "--json " : "", mistakes[i].args);
                        r = run(&s, args);
                        CHECK(r.status == mistakes[i].status, mistakes[i].name);
                        if (r.status > 2)
                                continue;
                        CHECK(*r.out == 0, mistakes[i].name);
                        for (size_t k = 0; k < 2; k++)
                                if (!strstr(r.err, mistakes[i].says[k]))
                                        fail_msg("%s: \"%s\" does not say \"%s\"", mistakes[i].name, r.err, mistakes[i].says[k]);
                }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_say_what_they_say),
                cmocka_unit_test(a_key_only_for_what_was_asked),
                cmocka_unit_test(other_than_files),
                cmocka_unit_test(saved_reports_are_decided_like_heard_ones),
                cmocka_unit_test(mistakes_are_told_and_nothing_is_planned),
        };

        program = program_find("MAINSTAY_CTL", "./mainstayctl");
        if (!program) {
                puts("mainstayctl is not built");
                return 77;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
