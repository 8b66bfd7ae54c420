/* Help and completion: every verb is told on one screen, and its options are those that
 * are accepted, told, completed, and written down in mainstayctl(1). */
#include "edge/ctl-complete.h"
#include "edge/ctl-help.h"
#include "scratch.h"

#include <ctype.h>
#include <getopt.h>
#include <jansson.h>

#define LINES 24
#define COLUMNS 80
#define MANUAL_MAX ((size_t) 256 * 1024)

static char *help_of(Verb v) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        if (v < 0)
                help_overview(f);
        else
                help_verb(f, v);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void fits_a_screen(const char *what, const char *text) {
        size_t lines = 0;

        for (const char *p = text; *p; p += strcspn(p, "\n") + 1) {
                lines++;
                if (strcspn(p, "\n") > COLUMNS)
                        fail_msg("%s has a line of more than %d columns:\n%.*s", what, COLUMNS, (int) strcspn(p, "\n"), p);
        }
        if (lines > LINES)
                fail_msg("%s has %zu lines, and a screen %d:\n%s", what, lines, LINES, text);
        CHECK(lines > 3, what);
}

/* Is the word there, and not only as the beginning of another? */
static bool has_word(const char *text, const char *word) {
        for (const char *p = text; (p = strstr(p, word)); p++) {
                char next = p[strlen(word)];

                if ((p == text || !(isalnum((unsigned char) p[-1]) || p[-1] == '-')) && !(isalnum((unsigned char) next) || next == '-'))
                        return true;
        }
        return false;
}

static void every_verb_is_told_on_one_screen(void **state) {
        _cleanup_free_ char *overview = help_of(_VERB_INVALID);

        (void) state;
        fits_a_screen("the overview", overview);
        for (Verb v = 0; v < _VERB_MAX; v++) {
                _cleanup_free_ char *text = help_of(v);

                fits_a_screen(verb_to_string(v), text);
                CHECK(strstr(text, "\nExample: mainstayctl "), verb_to_string(v));
                CHECK(has_word(overview, verb_to_string(v)), verb_to_string(v));
        }
}

/* What is shown as an example is understood, and is of that verb or another that is there. */
static void an_example_can_be_typed(void **state) {
        (void) state;
        for (Verb v = 0; v < _VERB_MAX; v++) {
                _cleanup_free_ char *text = help_of(v);
                char *rest = strstr(text, "\nExample: "), *line;

                assert_non_null(rest);
                rest++;
                while ((line = strsep(&rest, "\n")) && *line) {
                        char *argv[16] = { (char *) "mainstayctl" }, *p = strstr(line, "mainstayctl ") + strlen("mainstayctl "), error[256];
                        int argc = 1;
                        Args a;

                        while (*p) {
                                char end = *p == '\'' ? *p++ : ' ';

                                argv[argc++] = p;
                                p += strcspn(p, end == ' ' ? " " : "'");
                                if (*p)
                                        *p++ = 0;
                                p += strspn(p, " ");
                        }
                        if (args_parse(argc, argv, &a, error) < 0)
                                fail_msg("%s: %s", verb_to_string(v), error);
                }
        }
}

/* Whether the parser takes it with the verb: it may miss something else. */
static bool is_accepted(Verb v, const struct option *o) {
        char name[64], error[256] = "", *argv[] = { (char *) "mainstayctl", (char *) verb_to_string(v), name, (char *) "1", NULL };
        Args a;

        (void) snprintf(name, sizeof(name), "--%s", o->name);
        return args_parse(o->has_arg == required_argument ? 4 : 3, argv, &a, error) >= 0 || !strstr(error, "does not go with");
}

static bool is_completed(Verb v, const struct option *o) {
        char *words[] = { (char *) verb_to_string(v), (char *) "--" }, want[64];
        _cleanup_free_ char *text = NULL;
        const Known nobody = {};
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        complete(2, words, &nobody, f);
        assert_int_equal(fclose(f), 0);
        (void) snprintf(want, sizeof(want), "--%s", o->name);
        return has_word(text, want);
}

static void options_are_accepted_told_and_completed_alike(void **state) {
        (void) state;
        for (Verb v = 0; v < _VERB_MAX; v++) {
                _cleanup_free_ char *text = help_of(v);

                for (const char *const *check = args_checks(v, NULL); *check; check++)
                        CHECK(has_word(text, *check), *check);
                for (const struct option *o = args_options(); o->name; o++) {
                        char name[64], what[128];
                        bool accepted = is_accepted(v, o);

                        (void) snprintf(name, sizeof(name), "--%s", o->name);
                        (void) snprintf(what, sizeof(what), "%s %s", verb_to_string(v), name);
                        CHECK(accepted == has_word(text, name), what);
                        CHECK(accepted == is_completed(v, o), what);
                }
        }
}

static char *manual(void) {
        _cleanup_free_ char *path = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        char *text = calloc(1, MANUAL_MAX);

        assert_true(asprintf(&path, "%s/agent/mainstayctl.1.scd", str_or(getenv("srcdir"), ".")) > 0);
        f = fopen(path, "re");
        assert_true(f && text);
        assert_true(fread(text, 1, MANUAL_MAX - 1, f) > 0);
        return text;
}

/* "*130*, *143*" */
static void take_numbers(const char *line, size_t length, bool *seen, size_t n) {
        for (const char *p = line; p < line + length; p++) {
                char *end;
                unsigned long status = *p == '*' ? strtoul(p + 1, &end, 10) : 0;

                if (*p == '*' && end > p + 1 && *end == '*' && status < n)
                        seen[status] = true;
        }
}

static void the_manual_has_each_verb_option_and_status(void **state) {
        _cleanup_free_ char *text = manual();
        const char *line;
        bool seen[256] = {};
        const Exit *exits;
        size_t n, k = 0;

        (void) state;
        for (Verb v = 0; v < _VERB_MAX; v++) {
                char bold[64];

                (void) snprintf(bold, sizeof(bold), "*%s*", verb_to_string(v));
                CHECK(strstr(text, bold), bold);
        }
        for (const struct option *o = args_options(); o->name; o++) {
                char bold[64];

                (void) snprintf(bold, sizeof(bold), "*--%s", o->name);
                CHECK(strstr(text, bold), bold);
        }

        line = strstr(text, "\n# EXIT STATUS\n");
        assert_non_null(line);
        for (line += strlen("\n# EXIT STATUS\n"); *line && *line != '#'; line += strcspn(line, "\n") + 1)
                if (*line == '*')
                        take_numbers(line, strcspn(line, "\n"), seen, ELEMENTS(seen));
        exits = help_exits(&n);
        for (size_t i = 0; i < n; i++) {
                CHECK(seen[exits[i].status], exits[i].means);
                seen[exits[i].status] = false;
        }
        while (k < ELEMENTS(seen) && !seen[k])
                k++;
        if (k < ELEMENTS(seen))
                fail_msg("mainstayctl(1) has a status %zu, which the program does not know of", k);
}

static void for_programs_it_is_json(void **state) {
        _cleanup_free_ char *text = NULL;
        const json_t *verb, *option;
        json_t *o;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        (void) state;
        assert_int_equal(help_json(f, _VERB_INVALID), 0);
        assert_int_equal(fclose(f), 0);
        o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_array_size(json_object_get(o, "verbs")), _VERB_MAX);
        verb = json_array_get(json_object_get(o, "verbs"), VERB_SHUN);
        assert_string_equal(json_string_value(json_object_get(verb, "verb")), "shun");
        option = json_array_get(json_object_get(verb, "options"), 0);
        assert_true(json_object_get(option, "option") && json_object_get(option, "argument") && json_object_get(option, "text"));
        assert_true(json_object_get(verb, "usage") && json_object_get(verb, "examples") && json_object_get(verb, "text"));
        json_decref(o);
}

/* Completion */

/* The words as the shell has them, the last of which is being typed. */
static void check_complete(const char *typed, const char *expected) {
        _cleanup_free_ char *copy = strdup(typed), *text = NULL;
        Known known = { .n_jobs = 2, .job = { 12, 11 } };
        char *words[8], *rest = copy;
        size_t size;
        int n = 0;
        FILE *f;

        assert_int_equal(names_add(&known.nodes, "db1"), 0);
        assert_int_equal(names_add(&known.nodes, "db2"), 0);
        while (rest && n < 8)
                words[n++] = strsep(&rest, " ");
        f = open_memstream(&text, &size);
        complete(n, words, &known, f);
        assert_int_equal(fclose(f), 0);
        CHECK(expected ? streq(text, expected) : text[0] == 0, typed);
}

static void what_is_typed_is_completed(void **state) {
        (void) state;
        check_complete("policy ", "automatic\nmanual\nmaintenance\n");
        check_complete("policy manual ", NULL);
        check_complete("history ", "db1\ndb2\n");
        check_complete("history db1 ", NULL);
        check_complete("shun d", "db1\ndb2\n");
        check_complete("shun db1 ", NULL);
        check_complete("repoint db1 ", "db1\ndb2\n");
        check_complete("replicator db1 ", "offline\nonline\nreplica\n");
        check_complete("replicator db1 replica ", "db1\ndb2\n");
        check_complete("replicator db1 offline ", NULL);
        check_complete("provision ", "db1\ndb2\ncommit\nrollback\n");
        check_complete("provision commit ", "db1\ndb2\n");
        check_complete("provision db1 --method ", "mariadb-backup\nclone\ndump\nsst\n");
        check_complete("provision --source ", "db1\ndb2\n");
        check_complete("--host db9 recover --force ", "space\ndiverged\nstray\nprepared\n");
        check_complete("-H db9 job ", "list\nshow\nfollow\ncancel\n");
        check_complete("policy --", "--help\n--version\n--host\n--address\n--json\n");
        check_complete("job show ", "12\n11\n");
        check_complete("job cancel ", "12\n11\n");
        check_complete("job list ", NULL);
        check_complete("explain ", "db1\ndb2\n");
        check_complete("repoint db1 --force=", "--force=primary\n");
        check_complete("bootstrap --force = ", "new-cluster\n"); /* as bash has it */
        check_complete("bootstrap --force =", "new-cluster\n");
        check_complete("plan --without=d", "--without=db1\n--without=db2\n");
        check_complete("shun --reason=x", NULL);
        check_complete("plan ", NULL); /* files */
        check_complete("shun db1 --reason ", NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_verb_is_told_on_one_screen),
                cmocka_unit_test(an_example_can_be_typed),
                cmocka_unit_test(options_are_accepted_told_and_completed_alike),
                cmocka_unit_test(the_manual_has_each_verb_option_and_status),
                cmocka_unit_test(for_programs_it_is_json),
                cmocka_unit_test(what_is_typed_is_completed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
