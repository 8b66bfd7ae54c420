/* ssh's public keys, as people paste them and files have them. */
#include "edge/ctl-key.h"
#include "scratch.h"

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIK0nrscpHkysUl3d0lNW5QYsnAvppHnZkFIzqX62rolD"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIOther0therOther0therOther0therOther0therOth0"
#define LINE "command=\"" PKGLIBEXECDIR "/mainstay-door\",restrict ssh-ed25519 " BLOB

static void test_keys(void **state) {
        static const char *const refused[] = {
                "", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss " BLOB, LINE, "no-pty ssh-ed25519 " BLOB, "ssh-ed25519 BBBB" BLOB,
                "ssh-ed25519 " BLOB "\"", "-----BEGIN OPENSSH PRIVATE KEY-----",
        };
        char line[KEY_LINE_MAX], error[256];

        assert_int_equal(key_line("ssh-ed25519 " BLOB " mainstay@db2\n", line, error), 0);
        assert_string_equal(line, LINE " mainstay@db2");
        assert_int_equal(key_line("  ssh-ed25519 " BLOB, line, error), 0);
        assert_string_equal(line, LINE);
        assert_int_equal(key_line("ssh-ed25519 " BLOB " a\"b\nssh-rsa", line, error), 0);
        assert_string_equal(line, LINE " a_b");
        for (size_t i = 0; i < ELEMENTS(refused); i++)
                CHECK(key_line(refused[i], line, error) == -EINVAL, refused[i]);

        assert_int_equal(key_find("", LINE), 0);
        assert_int_equal(key_find("# " LINE "\n", LINE), 0);
        assert_int_equal(key_find("ssh-rsa AAAAB3\n" LINE " someone\n", LINE " mainstay@db2"), 1);
        assert_int_equal(key_find(LINE, LINE), 1);
        assert_int_equal(key_find("ssh-ed25519 " BLOB "\n", LINE), 2);
        assert_int_equal(key_find("ssh-ed25519 " BLOB "\n" LINE "\n", LINE), 2);
        assert_int_equal(key_find(LINE "x\n", LINE), 0);
}

static void test_key_file(void **state) {
        static const struct {
                const char *line;
                KeyKind kind;
        } kinds[] = {
                { "", KEY_NOTHING }, { "  ", KEY_NOTHING }, { "# ssh-ed25519 " BLOB, KEY_NOTHING },
                { "ssh-ed25519 " BLOB " mainstay@db2", KEY_AGENT }, { "ssh-ed25519 cut", KEY_AGENT },
                { "db2 ssh-ed25519 " BLOB, KEY_HOST }, { "db2,192.0.2.2,[db2]:2222 ssh-ed25519 " BLOB " root@db2", KEY_HOST },
                { "db2 ssh-ed25519", KEY_UNKNOWN }, { "db2", KEY_UNKNOWN }, { "@cert-authority * ssh-ed25519 " BLOB, KEY_UNKNOWN },
                { "no-pty ssh-ed25519 " BLOB, KEY_HOST }, /* of a machine of that name */
        };
        static const char line[] = "db2,DB2.example.net,*.example.org,192.0.2.2 ssh-ed25519 " BLOB " root@db2";
        char host[KEY_LINE_MAX];

        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                CHECK(key_kind(kinds[i].line) == kinds[i].kind, kinds[i].line);
        assert_true(key_host_is(line, "db2") && key_host_is(line, "db2.example.net") && key_host_is(line, "192.0.2.2"));
        assert_false(key_host_is(line, "db") || key_host_is(line, "db22") || key_host_is(line, "x.example.org") || key_host_is(line, "*.example.org"));
        assert_false(key_host_is(line, "") || key_host_is(line, "root@db2") || key_host_is(line, "db2,DB2.example.net"));
        key_host_line(line, "[db2]:2222", host);
        assert_string_equal(host, "[db2]:2222 ssh-ed25519 " BLOB);
}

/* Another's key for a name, under whichever port and of whichever type. */
static void test_key_said(void **state) {
        static const struct {
                const char *text, *machine;
                int said;
        } cases[] = {
                { "", "db2", 0 },
                { "db2 ssh-ed25519 " BLOB "\n", "db2", 1 },
                { "DB2,192.0.2.2 ssh-ed25519 " BLOB " root@db2", "db2", 1 },
                { "[db2]:2222 ssh-ed25519 " BLOB, "db2", 1 },
                { "db3 ssh-ed25519 " BLOB, "db2", 0 },
                { "# db2 ssh-ed25519 " BLOB, "db2", 0 },
                { "ssh-ed25519 " BLOB " db2\n", "db2", 0 },
                { "db2 ssh-ed25519 " OTHER, "db2", 2 },
                { "db1,[db2]:22 ssh-ed25519 " OTHER, "db2", 2 },
                { "db2 ssh-rsa " BLOB "\n", "db2", 3 },
                { "db2 ssh-ed25519 " OTHER "\ndb2 ssh-rsa " OTHER "\n", "db2", 2 },
                { "db2 ssh-rsa " OTHER "\ndb2 ssh-ed25519 " BLOB "\n", "db2", 1 },
        };
        char name[KEY_NAME_MAX], endless[KEY_LINE_MAX + 64];

        (void) snprintf(endless, sizeof(endless), "db2 ssh-ed25519 %0*d", KEY_LINE_MAX, 0);
        assert_int_equal(key_host_said("db2 ssh-ed25519 " BLOB, "db2", endless), 2);
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                CHECK(key_host_said(cases[i].text, cases[i].machine, "db2 ssh-ed25519 " BLOB " root@db2") == cases[i].said, cases[i].text);
        key_host_machine("[db2]:2222", name);
        assert_string_equal(name, "db2");
        key_host_machine("2001:db8::2", name);
        assert_string_equal(name, "2001:db8::2");
}

static const struct {
        const char *name, *have, *then;
        int returns;
} merges[] = {
        { "nothing is there", "", "db2 ssh-ed25519 " BLOB "\n", 1 },
        { "it is there", "db2 ssh-ed25519 " BLOB "\n", "db2 ssh-ed25519 " BLOB "\n", 0 },
        { "it is there, with other names and a comment", "db1,db2 ssh-ed25519 " BLOB " x\n", "db1,db2 ssh-ed25519 " BLOB " x\n", 0 },
        { "of another machine", "db1 ssh-ed25519 " OTHER "\n", "db1 ssh-ed25519 " OTHER "\ndb2 ssh-ed25519 " BLOB "\n", 1 },
        { "another key of the machine", "# x\ndb2 ssh-ed25519 " OTHER "\n", "# x\ndb2 ssh-ed25519 " BLOB "\n", 2 },
        { "both", "db2 ssh-ed25519 " OTHER "\ndb2 ssh-ed25519 " BLOB "\n", "db2 ssh-ed25519 " BLOB "\n", 2 },
        { "one that begins alike", "db2 ssh-ed25519 " BLOB "AA\n", "db2 ssh-ed25519 " BLOB "\n", 2 },
        { "one of another type", "db2 ssh-rsa " OTHER "\n", "db2 ssh-rsa " OTHER "\ndb2 ssh-ed25519 " BLOB "\n", 1 },
        { "no newline at the end", "db1 ssh-ed25519 " OTHER, "db1 ssh-ed25519 " OTHER "\ndb2 ssh-ed25519 " BLOB "\n", 1 },
};

static void test_key_merge(void **state) {
        for (size_t i = 0; i < ELEMENTS(merges); i++) {
                _cleanup_free_ char *text = NULL;

                CHECK(key_host_merge(merges[i].have, "db2 ssh-ed25519 " BLOB, &text) == merges[i].returns, merges[i].name);
                if (!streq(text, merges[i].then))
                        fail_msg("%s: \"%s\"", merges[i].name, text);
        }
}

static void test_keys_taken_back(void **state) {
        _cleanup_free_ char *text = NULL;
        size_t n;

        assert_int_equal(key_without_ours("# mine\n" LINE " mainstay@db2\nssh-ed25519 " BLOB " me\n" LINE, &text, &n), 0);
        assert_string_equal(text, "# mine\nssh-ed25519 " BLOB " me\n");
        assert_int_equal(n, 2);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_key_file),
                cmocka_unit_test(test_key_said),
                cmocka_unit_test(test_key_merge),
                cmocka_unit_test(test_keys_taken_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
