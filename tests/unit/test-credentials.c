/* The account that replicates: its file read, written, and never repeated. */
#include "domain/credentials.h"
#include "scratch.h"

#define HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
#define TEN "\\\\\\\\\\\\\\\\\\\\" /* backslashes */
#define SECRET "tr0ub4dor"

static const struct {
        const char *name, *text, *user, *password;
} good[] = {
        { "as the manual shows it", "[client]\nuser = replicator\npassword = secret\n", "replicator", "secret" },
        { "without blanks and the last newline", "[client]\npassword=secret\nuser=r", "r", "secret" },
        { "in quotes", "[client]\nuser = \"r\"\npassword = 'a b # c'\n", "r", "a b # c" },
        { "a quote within", "[client]\nuser = r\npassword = \"a\"b'c\"\n", "r", "a\"b'c" },
        { "a quote alone within", "[client]\nuser = r\npassword = a\"b\n", "r", "a\"b" },
        { "a backslash, and what it says", "[client]\nuser = r\npassword = \"a\\\\b\\sc\\td\\qe\\\\\"\n", "r", "a\\b c\td\\qe\\" },
        { "an equals sign, a colon, a bracket", "[client]\nuser = r\npassword = a=b:c]d[\n", "r", "a=b:c]d[" },
        { "a semicolon without a blank", "[client]\nuser = r\npassword = a;b\n", "r", "a;b" },
        { "UTF-8", "[client]\nuser = r\npassword = gehe\xc3\xafm\n", "r", "gehe\xc3\xafm" },
        { "an indented line", "[client]\n  user = r\n\tpassword = secret\n", "r", "secret" },
        { "comments, and what is others'", "# ours\n[mysqld]\npassword = other\n[client]\nhost = db1\nuser = r\n; so\npassword = secret\n[mysql]\nuser = x\n", "r", "secret" },
};

static const struct {
        const char *name, *text, *says;
} bad[] = {
        { "nothing", "", "there is no user in its section [client]" },
        { "no password", "[client]\nuser = r\n", "there is no password in its section [client]" },
        { "no user", "[client]\npassword = " SECRET "\n", "there is no user in its section [client]" },
        { "another section", "[mysqld]\nuser = r\npassword = " SECRET "\n", "there is no user" },
        { "no section", "user = r\npassword = " SECRET "\n", "there is no user" },
        { "an empty password", "[client]\nuser = r\npassword =\n", "the password is empty" },
        { "an empty one in quotes", "[client]\nuser = r\npassword = \"\"\n", "the password is empty" },
        { "a password twice", "[client]\nuser = r\npassword = " SECRET "\npassword = " SECRET "2\n", "the password is there twice" },
        { "a user twice", "[client]\nuser = r\n[client]\nuser = r\npassword = x\n", "the user is there twice" },
        { "a line that is none", "[client]\nuser = r\n" SECRET "\n", "line 3 is neither" },
        { "quotes that do not end", "[client]\nuser = r\npassword = \"" SECRET "\n", "the quotes around the password do not end" },
        { "quotes that a comment cuts", "[client]\nuser = r\npassword = \"" SECRET " ;x\"\n", "the quotes around the password do not end" },
        { "one quote", "[client]\nuser = r\npassword = \"\n", "the quotes around the password do not end" },
        { "what may be a comment", "[client]\nuser = r\npassword = " SECRET "#x\n", "the password has a #: put it in quotes" },
        { "a password too long", "[client]\nuser = r\npassword = " HUNDRED "\n", "the password is longer than servers take" },
        { "a user too long", "[client]\nuser = " HUNDRED "\npassword = x\n", "the user is longer than servers take" },
        { "a line that would be two", "[client]\nuser = r\npassword = " HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
          "password = x\n", "a line is longer than 198 characters" },
};

static void a_file_is_read_as_the_servers_clients_read_it(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                _cleanup_credentials_ Credentials c = {0};
                char error[256] = "";

                CHECK(credentials_parse(good[i].text, strlen(good[i].text), &c, error) == 0, good[i].name);
                CHECK(streq(c.user, good[i].user), good[i].name);
                CHECK(streq(c.password, good[i].password), good[i].name);
        }
}

static void what_is_wrong_is_said_without_the_secret(void **state) {
        char error[256] = "";
        Credentials c = {0};

        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                error[0] = '\0';
                CHECK(credentials_parse(bad[i].text, strlen(bad[i].text), &c, error) == -EBADMSG, bad[i].name);
                CHECK(strncmp(error, bad[i].says, strlen(bad[i].says)) == 0, bad[i].name);
                CHECK(!credentials_told(error, SECRET), bad[i].name);
                CHECK(!c.user && !c.password, bad[i].name);
        }
        assert_int_equal(credentials_parse("[client]\nuser = r\0\npassword = x\n", 31, &c, error), -EBADMSG);
        assert_string_equal(error, "it is no text");
}

static void what_is_written_is_read_again(void **state) {
        static const char *const passwords[] = { "secret", "a b", " ;a ; b ", "#\"'\\", "\\s\\", "\"", "''", "=[x]", "gehe\xc3\xafm", HUNDRED };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(passwords); i++) {
                _cleanup_credentials_ Credentials c = {0};
                char error[256] = "", *text = NULL;
                bool fits = strlen(passwords[i]) <= CREDENTIALS_PASSWORD_MAX;

                CHECK(credentials_format("replica \\tor", passwords[i], &text, error) == (fits ? 0 : -EINVAL), passwords[i]);
                if (!fits)
                        continue;
                CHECK(credentials_parse(text, strlen(text), &c, error) == 0, text);
                CHECK(streq(c.user, "replica \\tor") && streq(c.password, passwords[i]), text);
                text = credentials_forget(text);
        }
}

static void what_cannot_be_written_is_refused(void **state) {
        static const struct {
                const char *user, *password, *says;
        } cases[] = {
                { "", "x", "the user is empty" },
                { "r", "", "the password is empty" },
                { "r", "a\nb", "the password has a control character" },
                { "r\n[mysqld]", "x", "the user has a control character" },
                { HUNDRED, "x", "the user is longer than 80 characters" },
                { "r", TEN TEN TEN TEN TEN TEN TEN TEN TEN "\\\\\\\\\\", "the password is too long, with that many blanks" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char error[256] = "", *text = NULL;

                CHECK(credentials_format(cases[i].user, cases[i].password, &text, error) == -EINVAL, cases[i].says);
                CHECK(strncmp(error, cases[i].says, strlen(cases[i].says)) == 0, error);
                CHECK(!text, cases[i].says);
        }
}

/* What MariaDB 10.11 says to a password that is too long repeats its first 70 characters. */
static void a_part_of_the_secret_is_one_too(void **state) {
        static const struct {
                const char *text, *secret;
                bool told;
        } cases[] = {
                { "String 'correct horse...' is too long for MASTER_PASSWORD", "correct horse battery staple", true },
                { "right syntax to use near 'tery staple' at line 1", "correct horse battery staple", true },
                { "You have an error in your SQL syntax", "correct horse battery staple", false },
                { "near 'ab' at line 1", "ab", true },
                { "Access denied", "ab", false },
                { "Access denied", "", false },
                { "", "ab", false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                CHECK(credentials_told(cases[i].text, cases[i].secret) == cases[i].told, cases[i].text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_is_read_as_the_servers_clients_read_it),
                cmocka_unit_test(what_is_wrong_is_said_without_the_secret),
                cmocka_unit_test(what_is_written_is_read_again),
                cmocka_unit_test(what_cannot_be_written_is_refused),
                cmocka_unit_test(a_part_of_the_secret_is_one_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
