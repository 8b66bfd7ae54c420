/* What libgalera makes of a grastate.dat. The values are those that the stream
 * operators of libstdc++ give for the same text. */
#include "domain/lenient.h"
#include "scratch.h"

#define U "220dcdcb-1629-11e4-add3-aec059ad3734"
#define ZERO "00000000-0000-0000-0000-000000000000"

static const struct {
        const char *name, *text, *uuid;
        int64_t seqno;
        bool safe;
} table[] = {
        { "no file", NULL, ZERO, -1, true },
        { "an empty file", "", ZERO, -1, true },
        { "as it writes it itself", "# GALERA saved state\nversion: 2.1\nuuid:    " U "\nseqno:   9\nsafe_to_bootstrap: 0\n", U, 9, false },
        { "without the last line", "version: 2.1\nuuid: " U "\nseqno: 9\n", U, 9, true },
        { "the last line has no end", "uuid: " U "\nseqno: 9\nsafe_to_bootstrap: 0", U, 9, true },
        { "no end after the seqno", "uuid: " U "\nsafe_to_bootstrap: 0\nseqno: 9", U, -1, false },
        { "seqno: foo", "uuid: " U "\nseqno: foo\n", U, 0, true },
        { "no seqno at all", "uuid: " U "\nseqno:\n", U, -1, true },
        { "no blank after the colon", "uuid:" U "\nseqno:9\nsafe_to_bootstrap:0\n", ZERO, -1, true },
        { "digits, then others", "seqno: 12abc\n", ZERO, 12, true },
        { "a fraction", "seqno: 5.7\n", ZERO, 5, true },
        { "a sign", "seqno: +7\n", ZERO, 7, true },
        { "a lone sign", "seqno: - 1\n", ZERO, 0, true },
        { "hexadecimal", "seqno: 0x10\n", ZERO, 0, true },
        { "the greatest", "seqno: 9223372036854775807\n", ZERO, INT64_MAX, true },
        { "one more", "seqno: 9223372036854775808\n", ZERO, INT64_MAX, true },
        { "-1 as others print it", "seqno: 18446744073709551615\n", ZERO, INT64_MAX, true },
        { "the least", "seqno: -9223372036854775808\n", ZERO, INT64_MIN, true },
        { "one less", "seqno: -9223372036854775809\n", ZERO, INT64_MIN, true },
        { "safe_to_bootstrap: 10", "safe_to_bootstrap: 10\n", ZERO, -1, true },
        { "safe_to_bootstrap: -1", "safe_to_bootstrap: -1\n", ZERO, -1, true },
        { "safe_to_bootstrap: 00", "safe_to_bootstrap: 00\n", ZERO, -1, false },
        { "safe_to_bootstrap: yes", "safe_to_bootstrap: yes\n", ZERO, -1, false },
        { "safe_to_bootstrap without a value", "safe_to_bootstrap: \n", ZERO, -1, true },
        { "misspelt", "safe_to_bootstap: 0\n", ZERO, -1, true },
        { "in capitals", "SEQNO: 9\n", ZERO, -1, true },
        { "twice: the last one", "seqno: 9\nseqno: 8\n", ZERO, 8, true },
        { "indented", "  seqno:\t9  \n", ZERO, 9, true },
        { "carriage returns", "uuid: " U "\r\nseqno: 9\r\n", U, 9, true },
        { "no UUID", "uuid: " U "\nuuid: foo\n", ZERO, -1, true },
        { "a UUID cut short", "uuid: 220dcdcb-1629-11e4\n", ZERO, -1, true },
        { "something behind the UUID", "uuid: " U "xyz\n", U, -1, true },
        { "a comment", "#seqno: 9\n# seqno: 9\n", ZERO, -1, true },
};

static void what_galera_would_read(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                const char *text = table[i].text;
                Lenient l = lenient_grastate(text, text ? strlen(text) : 0);
                char uuid[UUID_TEXT_MAX];

                CHECK(streq(uuid_text(&l.position.uuid, uuid), table[i].uuid), table[i].name);
                CHECK(l.position.seqno == table[i].seqno, table[i].name);
                CHECK(l.safe_to_bootstrap == table[i].safe, table[i].name);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = { cmocka_unit_test(what_galera_would_read) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
