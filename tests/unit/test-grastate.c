/* grastate.dat: every form that is about, and nothing that has to be guessed. */
#include "domain/grastate.h"
#include "scratch.h"

#define U "220dcdcb-1629-11e4-add3-aec059ad3734"
#define ZERO "00000000-0000-0000-0000-000000000000"
#define HEAD "# GALERA saved state\nversion: 2.1\n"

static const struct {
        const char *name, *text;
        int64_t seqno;
        GrastateSafe safe;
        bool zero;
} good[] = {
        { "libgalera, running or crashed", HEAD "uuid:    " U "\nseqno:   -1\nsafe_to_bootstrap: 0\n", -1, GRASTATE_SAFE_NO, false },
        { "libgalera, stopped last", HEAD "uuid:    " U "\nseqno:   48451\nsafe_to_bootstrap: 1\n", 48451, GRASTATE_SAFE_YES, false },
        { "libgalera, in a state transfer", HEAD "uuid:    " ZERO "\nseqno:   -1\nsafe_to_bootstrap: 0\n", -1, GRASTATE_SAFE_NO, true },
        { "libgalera, a state transfer cut off", HEAD "uuid:    " ZERO "\nseqno:   -1\nsafe_to_bootstrap: 1\n", -1, GRASTATE_SAFE_YES, true },
        { "blanks left from a longer version of itself", HEAD "uuid:    " U "\nseqno:   7\nsafe_to_bootstrap: 0\n                 ", 7, GRASTATE_SAFE_NO, false },
        { "the same, and a line added behind", HEAD "uuid:    " U "\nseqno:   7\n          safe_to_bootstrap: 1\n", 7, GRASTATE_SAFE_YES, false },
        { "single blanks, no comment", "version: 2.1\nuuid: " U "\nseqno: 7\nsafe_to_bootstrap: 0\n", 7, GRASTATE_SAFE_NO, false },
        { "sorted", "safe_to_bootstrap: 0\nseqno: 7\nuuid: " U "\nversion: 2.1\n", 7, GRASTATE_SAFE_NO, false },
        { "sorted, no final newline", "safe_to_bootstrap: 0\nseqno: 7\nuuid: " U "\nversion: 2.1", 7, GRASTATE_SAFE_NO, false },
        { "no final newline", "version: 2.1\nuuid: " U "\nseqno: 7\nsafe_to_bootstrap: 0", 7, GRASTATE_SAFE_NO, false },
        { "no blank after the colon", "version:2.1\nuuid:" U "\nseqno:7\nsafe_to_bootstrap:1\n", 7, GRASTATE_SAFE_YES, false },
        { "tabs, and blanks at the ends of lines", "version:\t2.1 \nuuid:\t" U "\t\nseqno:\t7  \nsafe_to_bootstrap:\t1 \n", 7, GRASTATE_SAFE_YES, false },
        { "before galera 3.19", HEAD "uuid:    " U "\nseqno:   7\n", 7, GRASTATE_SAFE_UNSAID, false },
        { "older still", HEAD "uuid:    " U "\nseqno:   7\ncert_index:\n", 7, GRASTATE_SAFE_UNSAID, false },
        { "older still, no final newline", HEAD "uuid:    " U "\nseqno:   7\ncert_index:", 7, GRASTATE_SAFE_UNSAID, false },
        { "an old version", "# GALERA saved state, version: 0.8\nversion: 1.0\nuuid:    " U "\nseqno:   7\n", 7, GRASTATE_SAFE_UNSAID, false },
        { "upper case", "version: 2.1\nuuid: 220DCDCB-1629-11E4-ADD3-AEC059AD3734\nseqno: 7\nsafe_to_bootstrap: 0\n", 7, GRASTATE_SAFE_NO, false },
        { "-1 printed unsigned", HEAD "uuid: " U "\nseqno: 18446744073709551615\nsafe_to_bootstrap: 0\n", -1, GRASTATE_SAFE_NO, false },
        { "the largest seqno", HEAD "uuid: " U "\nseqno: 9223372036854775807\nsafe_to_bootstrap: 0\n", INT64_MAX, GRASTATE_SAFE_NO, false },
        { "a seqno no double can hold", HEAD "uuid: " U "\nseqno: 9007199254740993\nsafe_to_bootstrap: 0\n", INT64_C(9007199254740993), GRASTATE_SAFE_NO, false },
        { "seqno 0", HEAD "uuid: " U "\nseqno: 0\nsafe_to_bootstrap: 1\n", 0, GRASTATE_SAFE_YES, false },
        { "empty lines and comments", "\n\n#a\nversion: 2.1\n  \nuuid: " U "\n  # b\nseqno: 7\n\nsafe_to_bootstrap: 0\n\n", 7, GRASTATE_SAFE_NO, false },
};

static const struct {
        const char *name, *text;
        const char *says; /* in the sentence for people */
} bad[] = {
        { "empty", "", "empty" },
        { "nothing but blanks", "      \n  ", "version" },
        { "nothing but the comment", "# GALERA saved state\n", "no line \"version:\"" },
        { "no version", "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: 0\n", "no line \"version:\"" },
        { "no uuid", HEAD "seqno: 7\nsafe_to_bootstrap: 0\n", "no line \"uuid:\"" },
        { "no seqno", HEAD "uuid: " U "\nsafe_to_bootstrap: 0\n", "no line \"seqno:\"" },
        { "cut off after the uuid", HEAD "uuid:    " U "\n", "seqno" },
        { "cut off in the uuid", HEAD "uuid:    220dcdcb-1629", "line 3: \"220dcdcb-1629\" is not a UUID" },
        { "cut off in the seqno", HEAD "uuid: " U "\nseqno: 48", "line 4: the file ends within the seqno" },
        { "cut off in a key", HEAD "uuid: " U "\nseqno: 48\nsafe_to_boo", "line 5" },
        { "cut off after a key", HEAD "uuid: " U "\nseqno: 48\nsafe_to_bootstrap:", "nothing follows" },
        { "seqno: foo", HEAD "uuid: " U "\nseqno: foo\nsafe_to_bootstrap: 0\n", "line 4: \"foo\" is not a seqno" },
        { "no value", HEAD "uuid: " U "\nseqno:\nsafe_to_bootstrap: 0\n", "line 4: nothing follows \"seqno:\"" },
        { "below -1", HEAD "uuid: " U "\nseqno: -2\nsafe_to_bootstrap: 0\n", "not a seqno" },
        { "beyond 64 bits", HEAD "uuid: " U "\nseqno: 9223372036854775808\nsafe_to_bootstrap: 0\n", "not a seqno" },
        { "one below unsigned -1", HEAD "uuid: " U "\nseqno: 18446744073709551614\nsafe_to_bootstrap: 0\n", "not a seqno" },
        { "a fraction", HEAD "uuid: " U "\nseqno: 7.0\nsafe_to_bootstrap: 0\n", "not a seqno" },
        { "two numbers", HEAD "uuid: " U "\nseqno: 7 8\nsafe_to_bootstrap: 0\n", "not a seqno" },
        { "leading zeros", HEAD "uuid: " U "\nseqno: 007\nsafe_to_bootstrap: 0\n", "not a seqno" },
        { "a gtid", HEAD "uuid: " U "\nseqno: 7,1-2-3\nsafe_to_bootstrap: 0\n", "not a seqno" },
        { "safe_to_bootstrap: 10", HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: 10\n", "can only be 0 or 1" },
        { "safe_to_bootstrap: yes", HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: yes\n", "can only be 0 or 1" },
        { "safe_to_bootstrap: -1", HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: -1\n", "can only be 0 or 1" },
        { "safe_to_bootstrap, no colon", HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap 0\n", "nothing that belongs" },
        { "a key misspelt", HEAD "uuid: " U "\nseqno: 7\nsafe_to_boostrap: 0\n", "nothing that belongs" },
        { "a key in upper case", HEAD "UUID: " U "\nseqno: 7\nsafe_to_bootstrap: 0\n", "nothing that belongs" },
        { "a key doubled, the same", HEAD "uuid: " U "\nseqno: 7\nseqno: 7\nsafe_to_bootstrap: 0\n", "line 5: \"seqno\" stood in line 4" },
        { "a key doubled, another", HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: 0\nsafe_to_bootstrap: 1\n", "line 6: \"safe_to_bootstrap\" stood in line 5" },
        { "safe_to_bootstrap: 2", HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: 2\n", "can only be 0 or 1" },
        { "safe_to_bootstrap: /", HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: /\n", "can only be 0 or 1" },
        { "a uuid one short", HEAD "uuid: 220dcdcb-1629-11e4-add3-aec059ad373\nseqno: 7\n", "is not a UUID" },
        { "a uuid one long", HEAD "uuid: " U "0\nseqno: 7\n", "is not a UUID" },
        { "a uuid with a letter too many", HEAD "uuid: 220dcdcb-1629-11e4-add3-aec059ad373g\nseqno: 7\n", "is not a UUID" },
        { "a seqno without a cluster", HEAD "uuid: " ZERO "\nseqno: 7\nsafe_to_bootstrap: 0\n", "all zeros" },
        { "carriage returns", "version: 2.1\r\nuuid: " U "\r\nseqno: 7\r\n", "line 1" },
        { "a version to come", "version: 3.0\nuuid: " U "\nseqno: 7\n", "is of version 3.0" },
        { "a version that is none", "version: two\nuuid: " U "\nseqno: 7\n", "not a version" },
        { "a version of letters before the dot", "version: two.1\nuuid: " U "\nseqno: 7\n", "not a version" },
        { "and behind it", "version: 2.one\nuuid: " U "\nseqno: 7\n", "not a version" },
        { "cert_index with something", HEAD "uuid: " U "\nseqno: 7\ncert_index: 5\n", "cert_index" },
        { "a conflict marker", "<<<<<<< HEAD\n" HEAD "uuid: " U "\nseqno: 7\n", "line 1" },
        { "more than is shown", HEAD "uuid: 0123456789012345678901234567890123456789x\nseqno: 7\n", "\"0123456789012345678901234567890123456789\" is" },
        { "a deleted character", HEAD "uuid: \x7f\nseqno: 7\n", "\"?\" is not a UUID" },
        { "escape sequences", HEAD "uuid: \x1b[2J\nseqno: 7\n", "\"?[2J\" is not a UUID" },
};

static void every_form_is_read(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                char error[256] = "", uuid[UUID_TEXT_MAX];
                Grastate g;

                CHECK(grastate_parse(good[i].text, strlen(good[i].text), &g, error) == 0, good[i].name);
                CHECK(g.position.seqno == good[i].seqno, good[i].name);
                CHECK(g.safe_to_bootstrap == good[i].safe, good[i].name);
                CHECK(streq(uuid_text(&g.position.uuid, uuid), good[i].zero ? ZERO : U), good[i].name);
        }
}

static void guesses_are_refused_with_a_reason(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                Grastate g = { .position.seqno = 4711 };
                char error[256] = "";

                CHECK(grastate_parse(bad[i].text, strlen(bad[i].text), &g, error) == -EBADMSG, bad[i].name);
                if (!strstr(error, bad[i].says))
                        fail_msg("%s: says \"%s\"", bad[i].name, error);
                CHECK(g.position.seqno == 4711, bad[i].name);
        }
}

/* What a power cut leaves: blocks of zeros, or zeros behind the text. */
static void zeros_are_refused(void **state) {
        static const char text[] = HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: 0\n\0\0\0";
        char zeros[113] = { 0 }, error[256];
        Grastate g;

        (void) state;
        assert_int_equal(grastate_parse(zeros, sizeof(zeros), &g, error), -EBADMSG);
        assert_non_null(strstr(error, "NUL"));
        assert_int_equal(grastate_parse(text, sizeof(text) - 1, &g, error), -EBADMSG);
}

static void size_is_bounded(void **state) {
        char text[GRASTATE_SIZE_MAX + 1], error[256];
        int n = snprintf(text, sizeof(text), HEAD "uuid: " U "\nseqno: 7\nsafe_to_bootstrap: 0\n");
        Grastate g;

        (void) state;
        memset(text + n, ' ', sizeof(text) - (size_t) n);
        assert_int_equal(grastate_parse(text, sizeof(text) - 1, &g, error), 0);
        assert_int_equal(grastate_parse(text, sizeof(text), &g, error), -EBADMSG);
        assert_non_null(strstr(error, "larger"));
}

/* Of every beginning of a file either nothing is read, or what the whole says. */
static void a_truncated_file_is_never_misread(void **state) {
        static const char text[] = HEAD "uuid:    " U "\nseqno:   48451\nsafe_to_bootstrap: 0\n";

        (void) state;
        for (size_t n = 0; n < strlen(text); n++) {
                char error[256];
                Grastate g;

                if (grastate_parse(text, n, &g, error) < 0)
                        continue;
                assert_int_equal(g.position.seqno, 48451);
                assert_int_not_equal(g.safe_to_bootstrap, GRASTATE_SAFE_YES);
        }
}

static void what_is_written_is_what_galera_writes(void **state) {
        Grastate g = { .position.seqno = 48451, .safe_to_bootstrap = GRASTATE_SAFE_YES };
        char text[512];
        size_t n;

        (void) state;
        assert_int_equal(uuid_parse(U, 36, &g.position.uuid), 0);
        n = grastate_format(&g, text);
        assert_int_equal(n, strlen(text));
        assert_string_equal(text, "# GALERA saved state\nversion: 2.1\nuuid:    " U "\nseqno:   48451\nsafe_to_bootstrap: 1\n");
        /* Unsaid would be yes to libgalera. */
        g.safe_to_bootstrap = GRASTATE_SAFE_UNSAID;
        (void) grastate_format(&g, text);
        assert_non_null(strstr(text, "safe_to_bootstrap: 0\n"));
}

static void what_is_written_is_read_again(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                char text[512], error[256];
                Grastate g, again;
                size_t n;

                CHECK(grastate_parse(good[i].text, strlen(good[i].text), &g, error) == 0, good[i].name);
                n = grastate_format(&g, text);
                CHECK(grastate_parse(text, n, &again, error) == 0, good[i].name);
                CHECK(position_equal(&g.position, &again.position), good[i].name);
                CHECK((again.safe_to_bootstrap == GRASTATE_SAFE_YES) == (good[i].safe == GRASTATE_SAFE_YES), good[i].name);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_form_is_read),
                cmocka_unit_test(guesses_are_refused_with_a_reason),
                cmocka_unit_test(zeros_are_refused),
                cmocka_unit_test(size_is_bounded),
                cmocka_unit_test(a_truncated_file_is_never_misread),
                cmocka_unit_test(what_is_written_is_what_galera_writes),
                cmocka_unit_test(what_is_written_is_read_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
