/* One voice a node, whatever the addresses lead to. This node is db1, of agent
 * s, and has given out its report 3.7. */
#include "domain/voices.h"
#include "cases.h"

#define ONE_NAME "two nodes call themselves by this name"
#define CLONED "it carries this node's identity: its /var/lib/mainstay/state.json was copied"

/* What is heard, in order, at the labels; `known_as` are the names once heard
 * there, "-" for none. What it comes to does not depend on the order. */
static const struct {
        const char *what, *heard, *labels, *known_as, *voices;
} table[] = {
        { "each is another one", "db2 stopped 5 agent b at 1.1; db3 stopped 6 agent c at 1.1", "x y", "- -", "db1 known; db2 known; db3 known" },
        { "a silent one is called by its label", "? uncertain; db3 stopped 6 agent c at 1.1", "x y", "- -", "db1 known; db3 known; x uncertain" },
        { "or by the name once heard there", "? uncertain; ? alive", "x y", "db2 db3", "db1 known; db2 uncertain; db3 alive" },
        { "one node at two addresses, one silent", "? uncertain; db2 stopped 5 agent b at 1.1", "x y", "db2 db2", "db1 known; db2 known" },
        { "one node at two addresses, both answer", "db2 stopped 5 agent b at 1.1; db2 stopped 9 agent b at 1.2", "x y", "- -", "db1 known; db2 known 9" },
        { "an address of our own", "db1 stopped 4 agent s at 3.7; db2 stopped 5 agent b at 1.1", "x y", "- -", "db1 known; db2 known" },
        { "our own, of before", "db1 stopped 4 agent s at 2.99", "x", "-", "db1 known" },
        { "two nodes of one name", "db2 stopped 5 agent b at 1.1; db2 stopped 9 agent c at 1.1", "x x", "- -",
          "db1 known; db2 uncertain " ONE_NAME "; x uncertain " ONE_NAME },
        { "three of them", "db2 stopped 5 agent b at 1.1; db2 stopped 9 agent c at 1.1; db2 stopped 9 agent d at 1.1", "x x x", "- - -",
          "db1 known; db2 uncertain " ONE_NAME "; x uncertain " ONE_NAME },
        { "one of them under the label of a third", "db2 stopped 5 agent b at 1.1; db2 stopped 9 agent c at 1.1; db3 stopped 9 agent d at 1.1", "db3 y x", "- - -",
          "db1 known; db2 uncertain " ONE_NAME "; db3 known; y uncertain " ONE_NAME },
        { "another with our name", "db1 stopped 4 agent b at 1.1", "x", "-", "db1 known; x uncertain it calls itself by this node's name" },
        { "and silent again", "? uncertain", "x", "db1", "db1 known; x uncertain" },
        { "a clone with a name of its own", "db2 stopped 4 agent s at 3.2", "x", "-", "db1 known; db2 uncertain " CLONED },
        { "a clone with our name, that was started since", "db1 stopped 4 agent s at 4.1", "x", "-", "db1 known; x uncertain " CLONED },
        { "a clone with our name, that has said more than we have", "db1 stopped 4 agent s at 3.8", "x", "-", "db1 known; x uncertain " CLONED },
        { "a clone that has the name of a peer", "db2 stopped 4 agent s at 3.2; db2 stopped 4 agent b at 1.1", "x x", "- -",
          "db1 known; db2 uncertain ; x uncertain " ONE_NAME },
        { "alike at first, then told apart", "? uncertain; db3 stopped 9 agent d at 1.1", "db3 x", "- -", "db1 known; db3 known" },
};

static int by_name(const void *a, const void *b) {
        return strcmp(((const Voice *) a)->name, ((const Voice *) b)->name);
}

/* Is `part` how the voice reads? Its reason may go on. */
static bool voice_is(const Voice *v, const char *part) {
        char name[64] = "", condition[16] = "";
        int n = 0;

        if (sscanf(part, " %63s %15s%n", name, condition, &n) < 2 || !streq(v->name, name) || !streq(condition_to_string(v->condition), condition))
                return false;
        part += n;
        part += strspn(part, " ");
        if (v->condition == CONDITION_KNOWN)
                return v->report && (!*part || v->report->position.seqno == case_number(part));
        return !v->report && strncmp(str_or(v->why, ""), part, strlen(part)) == 0;
}

static size_t words(const char *text, char word[CAST_MAX][64]) {
        size_t n = 0;
        int used;

        for (; sscanf(text, " %63s%n", word[n], &used) == 1; n++)
                text += used;
        return n;
}

static void check(const char *what, const Heard *heard, size_t n, const char *want) {
        const Self self = { .name = "db1", .agent = case_id('s'), .epoch = 3, .serial = 7 };
        _cleanup_cast_ Cast own = cast_parse("db1 stopped 4 agent s at 0.0");
        _cleanup_free_ char *parts = strdup(want);
        Voice voices[NAMES_MAX];
        char *save = NULL;
        size_t found, i = 0;

        assert_non_null(parts);
        found = voices_merge(&self, own.report[0], heard, n, voices);
        CHECK(streq(voices[0].name, "db1") && voices[0].report == own.report[0], what);
        qsort(voices, found, sizeof(*voices), by_name);
        for (char *part = strtok_r(parts, ";", &save); part; part = strtok_r(NULL, ";", &save), i++)
                if (i >= found || !voice_is(&voices[i], part))
                        fail_msg("%s: not \"%s\", but %s %s %s", what, part, i < found ? voices[i].name : "none", i < found ? condition_to_string(voices[i].condition) : "", i < found ? str_or(voices[i].why, "") : "");
        CHECK(i == found, what);
}

static void every_node_has_one_voice(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                _cleanup_cast_ Cast c = cast_parse(table[i].heard);
                char label[CAST_MAX][64], known_as[CAST_MAX][64];
                Heard heard[CAST_MAX] = {0}, turned[CAST_MAX] = {0};

                assert_int_equal(words(table[i].labels, label), c.n);
                assert_int_equal(words(table[i].known_as, known_as), c.n);
                for (size_t k = 0; k < c.n; k++) {
                        heard[k] = (Heard) {
                                .label = label[k],
                                .known_as = streq(known_as[k], "-") ? NULL : known_as[k],
                                .condition = c.voice[k].condition,
                                .report = c.report[k],
                        };
                        turned[c.n - 1 - k] = heard[k];
                }
                check(table[i].what, heard, c.n, table[i].voices);
                check(table[i].what, turned, c.n, table[i].voices);
        }
}

static void nothing_beyond_the_room_there_is(void **state) {
        const Self self = { .name = "db1", .agent = case_id('s') };
        _cleanup_cast_ Cast own = cast_parse("db1 stopped 4 agent s at 0.0");
        Heard heard[NAMES_MAX + 8] = {0};
        char label[NAMES_MAX + 8][8];
        Voice voices[NAMES_MAX];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(heard); i++) {
                (void) snprintf(label[i], sizeof(label[i]), "x%zu", i);
                heard[i].label = label[i];
        }
        assert_int_equal(voices_merge(&self, own.report[0], heard, ELEMENTS(heard), voices), NAMES_MAX);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_node_has_one_voice),
                cmocka_unit_test(nothing_beyond_the_room_there_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
