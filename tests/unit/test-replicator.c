/* mainstay-replicator, as far as it goes without a server: what it is called
 * with, and the file that holds a password. */
#include "scratch.h"
#include "sys/process.h"

#include <jansson.h>

#define ARGS_MAX 16
#define SECRET "tr0ub4dor"

typedef struct World {
        Scratch scratch;
        const char *program;
} World;

static int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->scratch = scratch_new();
        w->program = program_find("MAINSTAY_REPLICATOR", "./mainstay-replicator");
        *state = w;
        return 0;
}

static int teardown(void **state) {
        World *w = *state;

        scratch_done(&w->scratch);
        free(w);
        return 0;
}

/* Runs it, from the words of a line; its answer must be one object. A word
 * "CREDENTIALS" is the path of that file, "\"\"" an empty one. */
static json_t *run(World *w, const char *line, int *ret_status) {
        char words[512], credentials[128], *save = NULL;
        const char *argv[ARGS_MAX + 1] = { w->program };
        _cleanup_free_ char *output = NULL;
        json_error_t error;
        size_t n = 1;
        json_t *o;

        (void) snprintf(words, sizeof(words), "%s", line);
        (void) snprintf(credentials, sizeof(credentials), "%s/replication.cnf", w->scratch.path);
        for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                assert_true(n < ARGS_MAX);
                argv[n++] = streq(word, "CREDENTIALS") ? credentials : streq(word, "\"\"") ? "" : word;
        }
        *ret_status = process_run(argv, 30 * USEC_PER_SEC, 65536, &output);
        o = json_loads(output, JSON_REJECT_DUPLICATES, &error);
        if (!o)
                fail_msg("%s: %s", line, output);
        return o;
}

#define SERVER "--socket /nonexistent/socket --user mainstay "

static const struct {
        const char *line;
        bool understood;
} lines[] = {
        { SERVER "stop", true },
        { SERVER "--timeout 1 start", true },
        { SERVER "--timeout 600000 forget", true },
        { SERVER "read-only on", true },
        { SERVER "read-only off", true },
        { SERVER "follow db1 3306", true },
        { SERVER "follow 2001:db8::1 65535 demote", true },
        { SERVER "wait 0-1-5 0", true },
        { SERVER "wait \"\" 86400", true },
        { SERVER "preflight db1 3306 \"\"", true },
        { SERVER "connections", true },
        { "", false },
        { "stop", false },
        { "--socket /nonexistent/socket stop", false },
        { "--user mainstay stop", false },
        { SERVER, false },
        { SERVER "stopp", false },
        { SERVER "stop now", false },
        { SERVER "stop --timeout 5", false },
        { SERVER "--timeout 0 stop", false },
        { SERVER "--timeout 600001 stop", false },
        { SERVER "--timeout 1s stop", false },
        { SERVER "--password x stop", false },
        { SERVER "--credentials", false },
        { SERVER "read-only", false },
        { SERVER "read-only maybe", false },
        { SERVER "read-only on off", false },
        { SERVER "follow", false },
        { SERVER "follow db1", false },
        { SERVER "follow db1 0", false },
        { SERVER "follow db1 65536", false },
        { SERVER "follow db1 03306", false },
        { SERVER "follow db1';x 3306", false },
        { SERVER "follow \"\" 3306", false },
        { SERVER "follow db1 3306 promote", false },
        { SERVER "follow db1 3306 demote demote", false },
        { SERVER "wait 0-1-5", false },
        { SERVER "wait 0-1-5 -1", false },
        { SERVER "wait 0-1-5 86401", false },
        { SERVER "preflight db1 3306", false },
        { SERVER "preflight db1 3306 0-1-5 x", false },
        { SERVER "connections all", false },
};

/* What is understood goes to the server, and finds none. */
static void a_command_line_is_understood_or_refused(void **state) {
        World *w = *state;

        if (!w->program)
                skip();
        for (size_t i = 0; i < ELEMENTS(lines); i++) {
                int status;
                json_t *o = run(w, lines[i].line, &status);
                int64_t number = json_integer_value(json_object_get(o, "errno"));
                const char *text = json_string_value(json_object_get(o, "error"));

                CHECK(json_is_false(json_object_get(o, "ok")), lines[i].line);
                CHECK(status == (lines[i].understood ? 1 : 2), lines[i].line);
                CHECK(lines[i].understood ? number == 2002 : number == EINVAL, lines[i].line);
                CHECK(text && (strncmp(text, "usage: mainstay-replicator", 26) == 0) == !lines[i].understood, lines[i].line);
                json_decref(o);
        }
}

static void a_file_with_a_password_is_nobody_elses(void **state) {
        static const char good[] = "[client]\nuser = r\npassword = " SECRET "\n";
        static const struct {
                const char *text; /* NULL: there is none */
                mode_t mode;
                int64_t number; /* 2002: it is taken, and there is no server */
                const char *says;
        } cases[] = {
                { good, 0600, 2002, "" },
                { good, 0400, 2002, "" },
                { good, 0440, 2002, "" }, /* as systemd's look */
                { good, 0644, EACCES, "chmod 0600" },
                { good, 0604, EACCES, "chmod 0600" },
                { good, 0602, EACCES, "chmod 0600" },
                { good, 0620, EACCES, "chmod 0600" },
                { NULL, 0, ENOENT, "cannot be read: No such file" },
                { "", 0600, EBADMSG, "there is no user" },
                { "[client]\nuser = r\n", 0600, EBADMSG, "there is no password" },
                { "[client]\nuser = r\npassword = \"" SECRET "\n", 0600, EBADMSG, "the quotes" },
                { "[client]\nuser = r\n" SECRET "\n", 0600, EBADMSG, "line 3 is neither" },
        };
        World *w = *state;

        if (!w->program)
                skip();
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *text;
                int status;
                json_t *o;

                scratch_clear(&w->scratch);
                if (cases[i].text) {
                        scratch_puts(&w->scratch, "replication.cnf", cases[i].text);
                        assert_int_equal(fchmodat(w->scratch.fd, "replication.cnf", cases[i].mode, 0), 0);
                }
                o = run(w, SERVER "--credentials CREDENTIALS follow db1 3306", &status);
                text = json_string_value(json_object_get(o, "error"));
                CHECK(status == 1, cases[i].says);
                CHECK(json_integer_value(json_object_get(o, "errno")) == cases[i].number, text);
                CHECK(strstr(text, cases[i].says), text);
                CHECK(!strstr(text, SECRET), text);
                json_decref(o);
        }
        scratch_clear(&w->scratch);
        assert_int_equal(symlinkat("/dev/null", w->scratch.fd, "replication.cnf"), 0);
        {
                int status;
                json_t *o = run(w, SERVER "--credentials CREDENTIALS stop", &status);

                assert_int_equal(json_integer_value(json_object_get(o, "errno")), ELOOP);
                json_decref(o);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_command_line_is_understood_or_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(a_file_with_a_password_is_nobody_elses, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
