/* gvwstate.dat: read whole, or not at all. */
#include "domain/gvwstate.h"
#include "scratch.h"

#define A "7147ff56-e6a8-11f1-b7a5-1aec09909f65"
#define B "93d1e51e-e6a8-11f1-8559-12ff442522c1"
#define ZERO "00000000-0000-0000-0000-000000000000"
#define MY "my_uuid: " A "\n#vwbeg\n"
#define VIEW "view_id: 3 " A " 14\nbootstrap: 0\n"

static const struct {
        const char *name, *text;
        bool primary, bootstrap;
        int64_t seqno;
        size_t members;
} good[] = {
        { "as gcomm writes it", MY VIEW "member: " A " 0\nmember: " B " 0\n#vwend\n", true, false, 14, 2 },
        { "alone", MY VIEW "member: " A " 0\n#vwend\n", true, false, 14, 1 },
        { "not primary", MY "view_id: 2 " A " 0\nbootstrap: 0\nmember: " A " 0\n#vwend\n", false, false, 0, 1 },
        { "bootstrapped", MY "view_id: 3 " A " 4294967295\nbootstrap: 1\nmember: " A " 0\n#vwend\n", true, true, UINT32_MAX, 1 },
        { "segments", MY VIEW "member: " A " 255\nmember: " B " 1\n#vwend\n", true, false, 14, 2 },
        { "no final newline", MY VIEW "member: " A " 0\n#vwend", true, false, 14, 1 },
        { "blanks and empty lines", "my_uuid:   " A "  \n\n#vwbeg\nview_id: 3  " A "\t14\nbootstrap: 0\nmember: " A " 0 \n#vwend\n\n  ", true, false, 14, 1 },
};

static const struct {
        const char *name, *text, *says;
} bad[] = {
        { "empty", "", "empty" },
        { "nothing but blanks", "  \n", "no #vwbeg" },
        { "zero my_uuid", "my_uuid: " ZERO "\n#vwbeg\n" VIEW "member: " A " 0\n#vwend\n", "line 1: the node's own UUID is all zeros" },
        { "no my_uuid", "#vwbeg\n" VIEW "member: " A " 0\n#vwend\n", "my_uuid" },
        { "my_uuid twice", "my_uuid: " A "\n" MY VIEW "member: " A " 0\n#vwend\n", "second" },
        { "my_uuid within the view", "#vwbeg\nmy_uuid: " A "\n" VIEW "member: " A " 0\n#vwend\n", "line 2" },
        { "my_uuid cut off", "my_uuid: 7147ff56-e6", "not a UUID" },
        { "no #vwend", MY VIEW "member: " A " 0\n", "no #vwend" },
        { "cut off in the members", MY VIEW "member: " A " 0\nmember: 93d1", "line 6" },
        { "cut off in #vwend", MY VIEW "member: " A " 0\n#vwe", "line 6" },
        { "no #vwbeg", "my_uuid: " A "\n" VIEW "member: " A " 0\n#vwend\n", "line 2" },
        { "only my_uuid", "my_uuid: " A "\n", "no #vwbeg" },
        { "no members", MY VIEW "#vwend\n", "no members" },
        { "no view_id", MY "bootstrap: 0\nmember: " A " 0\n#vwend\n", "view_id" },
        { "no bootstrap", MY "view_id: 3 " A " 14\nmember: " A " 0\n#vwend\n", "bootstrap" },
        { "view_id twice", MY VIEW "view_id: 3 " A " 15\nmember: " A " 0\n#vwend\n", "second" },
        { "bootstrap twice", MY VIEW "bootstrap: 0\nmember: " A " 0\n#vwend\n", "second" },
        { "bootstrap: 2", MY "view_id: 3 " A " 14\nbootstrap: 2\nmember: " A " 0\n#vwend\n", "0 or 1" },
        { "a view of type 1", MY "view_id: 1 " A " 14\nbootstrap: 0\nmember: " A " 0\n#vwend\n", "type" },
        { "a view of type 4", MY "view_id: 4 " A " 14\nbootstrap: 0\nmember: " A " 0\n#vwend\n", "type" },
        { "a view of nobody", MY "view_id: 3 " ZERO " 14\nbootstrap: 0\nmember: " A " 0\n#vwend\n", "all zeros" },
        { "a number of 33 bits", MY "view_id: 3 " A " 4294967296\nbootstrap: 0\nmember: " A " 0\n#vwend\n", "32 bits" },
        { "a negative number", MY "view_id: 3 " A " -1\nbootstrap: 0\nmember: " A " 0\n#vwend\n", "32 bits" },
        { "view_id with a word too few", MY "view_id: 3 " A "\nbootstrap: 0\nmember: " A " 0\n#vwend\n", "line 3" },
        { "view_id with a word too many", MY "view_id: 3 " A " 14 15\nbootstrap: 0\nmember: " A " 0\n#vwend\n", "line 3" },
        { "a zero member", MY VIEW "member: " ZERO " 0\n#vwend\n", "all zeros" },
        { "a member without segment", MY VIEW "member: " A "\n#vwend\n", "line 5" },
        { "segment 256", MY VIEW "member: " A " 256\n#vwend\n", "segment" },
        { "segment -1", MY VIEW "member: " A " -1\n#vwend\n", "segment" },
        { "a member twice", MY VIEW "member: " A " 0\nmember: " A " 0\n#vwend\n", "twice" },
        { "something behind", MY VIEW "member: " A " 0\n#vwend\nmember: " B " 0\n", "after #vwend" },
        { "a second view", MY VIEW "member: " A " 0\n#vwend\n#vwbeg\n", "after #vwend" },
        { "an unknown word", MY VIEW "members: " A " 0\n#vwend\n", "line 5" },
        { "carriage returns", "my_uuid: " A "\r\n#vwbeg\r\n", "line 1" },
};

static void every_form_is_read(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                char error[256], text[UUID_TEXT_MAX];
                Gvwstate g;

                CHECK(gvwstate_parse(good[i].text, strlen(good[i].text), &g, error) == 0, good[i].name);
                CHECK(g.primary == good[i].primary, good[i].name);
                CHECK(g.bootstrap == good[i].bootstrap, good[i].name);
                CHECK(g.view_seqno == good[i].seqno, good[i].name);
                CHECK(g.n_members == good[i].members, good[i].name);
                CHECK(streq(uuid_text(&g.my_uuid, text), A), good[i].name);
                CHECK(streq(uuid_text(&g.members[0].uuid, text), A), good[i].name);
        }
}

static void segments_are_read(void **state) {
        char error[256];
        Gvwstate g;

        (void) state;
        assert_int_equal(gvwstate_parse(good[4].text, strlen(good[4].text), &g, error), 0);
        assert_int_equal(g.members[0].segment, 255);
        assert_int_equal(g.members[1].segment, 1);
}

static void damage_is_refused_with_a_reason(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                char error[256] = "";
                Gvwstate g;

                CHECK(gvwstate_parse(bad[i].text, strlen(bad[i].text), &g, error) == -EBADMSG, bad[i].name);
                if (!strstr(error, bad[i].says))
                        fail_msg("%s: says \"%s\"", bad[i].name, error);
        }
}

static void no_beginning_of_a_file_is_read(void **state) {
        const char *text = good[0].text;
        char error[256];
        Gvwstate g;

        (void) state;
        for (size_t n = 0; n < strlen(text) - 1; n++)
                assert_int_equal(gvwstate_parse(text, n, &g, error), -EBADMSG);
}

static void zeros_are_refused(void **state) {
        char zeros[300] = { 0 }, error[256];
        Gvwstate g;

        (void) state;
        assert_int_equal(gvwstate_parse(zeros, sizeof(zeros), &g, error), -EBADMSG);
        assert_non_null(strstr(error, "NUL"));
}

static void members_and_size_are_bounded(void **state) {
        _cleanup_free_ char *text = malloc(GVWSTATE_SIZE_MAX + 1);
        char error[256];
        size_t n, before = 0;
        Gvwstate g;

        (void) state;
        n = (size_t) sprintf(text, "%s", MY VIEW);
        for (unsigned i = 0; i <= GVWSTATE_MEMBERS_MAX; i++) {
                before = n;
                n += (size_t) sprintf(text + n, "member: 7147ff56-e6a8-11f1-b7a5-%012x 0\n", i + 1);
        }
        (void) strcpy(text + n, "#vwend\n");
        assert_int_equal(gvwstate_parse(text, strlen(text), &g, error), -EBADMSG);
        assert_non_null(strstr(error, "more than 128"));
        (void) strcpy(text + before, "#vwend\n");
        assert_int_equal(gvwstate_parse(text, strlen(text), &g, error), 0);
        assert_int_equal(g.n_members, GVWSTATE_MEMBERS_MAX);

        memset(text, '\n', GVWSTATE_SIZE_MAX + 1);
        assert_int_equal(gvwstate_parse(text, GVWSTATE_SIZE_MAX + 1, &g, error), -EBADMSG);
        assert_non_null(strstr(error, "larger"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_form_is_read),
                cmocka_unit_test(segments_are_read),
                cmocka_unit_test(damage_is_refused_with_a_reason),
                cmocka_unit_test(no_beginning_of_a_file_is_read),
                cmocka_unit_test(zeros_are_refused),
                cmocka_unit_test(members_and_size_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
