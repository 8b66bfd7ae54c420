/* The configuration: what is set, and file and line of what is not understood. */
#include "domain/config.h"
#include "scratch.h"

#define HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
        const char *name, *text, *says; /* after "x.conf:" */
} bad[] = {
        { "an unknown key", "[node]\nnaem = db1\n", "2: there is no key \"naem\" in section [node]" },
        { "a key in the wrong section", "[agent]\n\nname = db1\n", "3: there is no key \"name\" in section [agent]" },
        { "an unknown section", "[nodes]\nname = db1\n", "2: there is no key \"name\" in section [nodes]" },
        { "no section", "name = db1\n", "1: there is no key \"name\" in section []" },
        { "keys are lower case", "[node]\nName = db1\n", "2: there is no key \"Name\"" },
        { "no value at all", "[node]\nname\n", "2: this is neither a [section] nor KEY = VALUE" },
        { "an empty value", "[node]\nname =\n", "2: name is \"\", and should be a name" },
        { "a section that does not end", "# hello\n[node\nname = db1\n", "2: this is neither a [section]" },
        { "of two mistakes the first", "[node]\nrubbish\nweight = 900\n", "2: this is neither a [section]" },
        { "also this way round", "[node]\nweight = 900\nrubbish\n", "2: weight is \"900\"" },
        { "a name with a blank", "[node]\nname = db 1\n", "2: name is \"db 1\", and should be a name of at most 63 characters" },
        { "a name with a comma", "[node]\nname = db1,db2\n", "2: name is" },
        { "a name of 64 characters", "[node]\nname = 0123456789012345678901234567890123456789012345678901234567890123\n", "2: name is" },
        { "a relative path", "[node]\ndatadir = var/lib/mysql\n", "2: datadir is \"var/lib/mysql\", and should be an absolute path" },
        { "a unit of another type", "[node]\nunit = mariadb.socket\n", "2: unit is \"mariadb.socket\", and should be the name of a .service unit" },
        { "a unit without type", "[node]\nunit = mariadb\n", "2: unit is" },
        { "nothing but a type", "[node]\nunit = .service\n", "2: unit is" },
        { "a unit with a path", "[node]\nunit = /etc/mariadb.service\n", "2: unit is" },
        { "a weight that is a word", "[node]\nweight = heavy\n", "2: weight is \"heavy\", and should be a whole number from 0 to 255" },
        { "a weight too great", "[node]\nweight = 256\n", "2: weight is \"256\"" },
        { "a weight below 0", "[node]\nweight = -1\n", "2: weight is \"-1\"" },
        { "a weight with a fraction", "[node]\nweight = 1.5\n", "2: weight is \"1.5\"" },
        { "a weight in hexadecimal", "[node]\nweight = 0x10\n", "2: weight is" },
        { "a weight with a leading zero", "[node]\nweight = 010\n", "2: weight is" },
        { "a weight of 65 bits", "[node]\nweight = 36893488147419103233\n", "2: weight is" },
        { "a wait of more than a day", "[agent]\nboot_wait = 86401\n", "2: boot_wait is \"86401\", and should be a whole number from 0 to 86400" },
        { "a donor that a shell would read", "[node]\ndonor = db2;reboot\n", "2: donor is \"db2;reboot\"" },
        { "a donor that is an option", "[node]\ndonor = -x\n", "2: donor is \"-x\"" },
        { "no patience with a state transfer", "[agent]\nsst_stall = 4\n", "2: sst_stall is \"4\"" },
        { "a wait with a unit", "[agent]\nboot_wait = 60s\n", "2: boot_wait is \"60s\"" },
        { "a peer whose name is none", "[peers]\ndb 2 = 192.0.2.2\n", "2: \"db 2\" is no name of a node" },
        { "a peer without address", "[peers]\ndb2 =\n", "2: the address of db2 is \"\"" },
        { "two addresses", "[peers]\ndb2 = 192.0.2.2 192.0.2.3\n", "2: the address of db2 is \"192.0.2.2 192.0.2.3\"" },
        { "a peer twice", "[peers]\ndb2 = 192.0.2.2\ndb2 = 192.0.2.3\n", "3: db2 is set a second time in this file" },
        { "a key twice", "[node]\nweight = 2\n[agent]\n[node]\nweight = 2\n", "5: weight is set a second time in this file" },
        { "a line too long", "[peers]\n# 2\ndb2 = unix:path=/" HUNDRED HUNDRED "\n", "3: the line is longer than" },
        { "a line too long, that would be two good ones", "[peers]\ndb2 = " HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890db3 = x\n", "2: the line is longer than" },
        { "a mistake after a line of comment too long", "#" HUNDRED HUNDRED "\n[node]\nx = 1\n", "1: the line is longer than" },
        { "no newline at the end", "[node]\nweight = x", "2: weight is" },
        { "carriage returns", "[node]\r\nweight = x\r\n", "2: weight is \"x\"" },
};

static void mistakes_are_named_with_file_and_line(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                _cleanup_(config_freep) Config *c = NULL;
                char error[512] = "";

                assert_int_equal(config_new(&c), 0);
                CHECK(config_parse(c, "x.conf", bad[i].text, error) == -EBADMSG, bad[i].name);
                CHECK(strncmp(error, "x.conf:", 7) == 0, bad[i].name);
                if (strncmp(error + 7, bad[i].says, strlen(bad[i].says)) != 0)
                        fail_msg("%s: \"%s\" does not begin with \"x.conf:%s\"", bad[i].name, error, bad[i].says);
        }
}

/* Of every key that takes a text: one that it takes, and what it does not. */
static const struct {
        const char *name, *good, *bad[8];
} texts[] = {
        { "name", "db1", { "", "db 1", "db1,db2", "a/b", "\t" } },
        { "datadir", "/srv/mysql", { "", "srv/mysql", "./mysql", "~/mysql", "12" } },
        { "server", "/usr/sbin/mysqld", { "", "mysqld", "true" } },
        { "unit", "mysqld.service", { "", "mysqld", "mysqld.socket", ".service", "a/b.service", "7" } },
        { "defaults_file", "/etc/my.cnf", { "", "my.cnf", "etc/my.cnf" } },
        { "base_dir", "/srv/gcache", { "", "gcache" } },
        { "socket", "/run/x.sock", { "", "x.sock", "localhost:3306" } },
        { "user", "mysql", { "", "my sql", "my/sql" } },
        { "account", "watcher", { "", "watch er", "watch,er" } },
        { "donor", "db2", { "", "-x", "a b", "db2;reboot", "$(reboot)", "db2|db3" } },
};

static void rejects(const ConfigKey *k, const char *section, const char *value, const char *twice, const char *says) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_free_ char *text = NULL, *expected = NULL;
        char error[512] = "";

        assert_true(asprintf(&text, "# a comment\n[%s]\n%s = %s\n%s%s%s%s", section, k->name, value, twice ? k->name : "", twice ? " = " : "", twice ? twice : "", twice ? "\n" : "") > 0);
        assert_true(asprintf(&expected, "x.conf:%d: %s", twice ? 4 : 3, says) > 0);
        assert_int_equal(config_new(&c), 0);
        if (config_parse(c, "x.conf", text, error) != -EBADMSG || strncmp(error, expected, strlen(expected)) != 0)
                fail_msg("%s\"%s\" does not begin with \"%s\"", text, error, expected);
}

/* The table is the code's own: a key that is new there is missed here. */
static void every_key_is_refused_what_it_cannot_be(void **state) {
        ConfigKey k;
        size_t n = 0, n_texts = 0;

        (void) state;
        for (; config_key(n, &k); n++) {
                static const char *const no_numbers[] = { "", "many", "1.5", "0x10", "010", "1e1", "+1", " ", "1 2", "-", "on", "36893488147419103233", "60s" };
                const char *good = NULL;
                char number[3][24], says[128];

                (void) snprintf(says, sizeof(says), "%s is \"", k.name);
                for (size_t i = 0; i < ELEMENTS(texts) && !k.number; i++)
                        if (streq(texts[i].name, k.name)) {
                                good = texts[i].good;
                                n_texts++;
                                for (size_t b = 0; b < ELEMENTS(texts[i].bad) && texts[i].bad[b]; b++)
                                        rejects(&k, k.section, texts[i].bad[b], NULL, says);
                        }
                if (k.number) {
                        (void) snprintf(number[0], sizeof(number[0]), "%lld", (long long) k.min);
                        (void) snprintf(number[1], sizeof(number[1]), "%lld", (long long) k.min - 1);
                        (void) snprintf(number[2], sizeof(number[2]), "%lld", (long long) k.max + 1);
                        good = number[0];
                        assert_true(k.min < k.max);
                        for (size_t b = 0; b < ELEMENTS(no_numbers); b++)
                                rejects(&k, k.section, no_numbers[b], NULL, says);
                        rejects(&k, k.section, number[1], NULL, says);
                        rejects(&k, k.section, number[2], NULL, says);
                }
                if (!good)
                        fail_msg("[%s] %s is not tested: add what it takes and what not", k.section, k.name);
                (void) snprintf(says, sizeof(says), "%s is set a second time in this file", k.name);
                rejects(&k, k.section, good, good, says);
                (void) snprintf(says, sizeof(says), "there is no key \"%s\" in section [", k.name);
                rejects(&k, streq(k.section, "node") ? "agent" : "node", good, NULL, says);
                rejects(&k, "nodes", good, NULL, says);
        }
        assert_true(n > 10);
        assert_int_equal(n_texts, ELEMENTS(texts));
}

static void everything_can_be_set(void **state) {
        static const char text[] =
                "# a comment\n"
                "; another\n"
                "\n"
                "[node]\n"
                "name = db1\n"
                "datadir=/srv/my data\n"
                "server : /usr/sbin/mariadbd\n"
                "  unit = mariadb@1.service  \n"
                "defaults_file = /etc/my.cnf ; the one that counts\n"
                "base_dir = /srv/gcache\n"
                "socket = /run/x.sock\n"
                "user = mysql\n"
                "account = watcher\n"
                "weight = 255\r\n"
                "[peers]\n"
                "db2 = 192.0.2.2\n"
                "\tdb3 = ssh:mainstay-peer@db3.example.org:2222\n"
                "192.0.2.4 = unixexec:path=/bin/sh,argv1=-c;unix:path=/run/x\n"
                "[agent]\n"
                "boot_wait = 0";
        _cleanup_(config_freep) Config *c = NULL;
        char error[512] = "";

        (void) state;
        assert_int_equal(config_new(&c), 0);
        if (config_parse(c, "x.conf", text, error) < 0)
                fail_msg("%s", error);
        assert_string_equal(c->name, "db1");
        assert_string_equal(c->datadir, "/srv/my data");
        assert_string_equal(c->server, "/usr/sbin/mariadbd");
        assert_string_equal(c->unit, "mariadb@1.service");
        assert_string_equal(c->defaults_file, "/etc/my.cnf");
        assert_string_equal(c->base_dir, "/srv/gcache");
        assert_string_equal(c->socket, "/run/x.sock");
        assert_string_equal(c->user, "mysql");
        assert_string_equal(c->account, "watcher");
        assert_int_equal(c->weight, 255);
        assert_int_equal(c->boot_wait, 0);
        assert_int_equal(c->n_peers, 3);
        assert_string_equal(c->peer[0].label, "db2");
        assert_string_equal(c->peer[1].address, "ssh:mainstay-peer@db3.example.org:2222");
        assert_string_equal(c->peer[2].label, "192.0.2.4");
        assert_string_equal(c->peer[2].address, "unixexec:path=/bin/sh,argv1=-c;unix:path=/run/x");
}

static void nothing_need_be_set(void **state) {
        static const char *const empty[] = { "", "\n\n", "# x\n", "[node]\n[peers]\n", "\xef\xbb\xbf[node]\nweight = 1\n" };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(empty); i++) {
                _cleanup_(config_freep) Config *c = NULL;
                char error[512] = "";

                assert_int_equal(config_new(&c), 0);
                CHECK(config_parse(c, "x.conf", empty[i], error) == 0, empty[i]);
                CHECK(!c->name && !c->datadir && c->n_peers == 0, empty[i]);
                CHECK(c->weight == 1 && c->boot_wait == 60, empty[i]);
        }
}

static void a_later_file_overrides_key_by_key(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        char error[512];

        (void) state;
        assert_int_equal(config_new(&c), 0);
        assert_int_equal(config_parse(c, "a", "[node]\nname = db1\nweight = 2\n[peers]\ndb2 = 192.0.2.2\ndb3 = 192.0.2.3\n", error), 0);
        assert_int_equal(config_parse(c, "b", "[node]\nweight = 3\n[peers]\ndb3 = 198.51.100.3\n", error), 0);
        assert_string_equal(c->name, "db1");
        assert_int_equal(c->weight, 3);
        assert_int_equal(c->n_peers, 2);
        assert_string_equal(c->peer[0].address, "192.0.2.2");
        assert_string_equal(c->peer[1].address, "198.51.100.3");
}

static void no_more_peers_than_fit(void **state) {
        for (int n = CONFIG_PEERS_MAX; n <= CONFIG_PEERS_MAX + 2; n++) {
                _cleanup_(config_freep) Config *c = NULL;
                _cleanup_free_ char *text = NULL;
                char error[512] = "", says[64];
                size_t size;
                FILE *f = open_memstream(&text, &size);

                (void) state;
                assert_non_null(f);
                fputs("[peers]\n", f);
                for (int i = 0; i < n; i++)
                        fprintf(f, "db%d = 192.0.2.%d\n", i, i);
                assert_int_equal(fclose(f), 0);
                assert_int_equal(config_new(&c), 0);
                assert_int_equal(config_parse(c, "x.conf", text, error), n == CONFIG_PEERS_MAX ? 0 : -EBADMSG);
                (void) snprintf(says, sizeof(says), "x.conf:%d: there are more than %d peers", CONFIG_PEERS_MAX + 2, CONFIG_PEERS_MAX);
                if (n > CONFIG_PEERS_MAX)
                        assert_string_equal(error, says);
        }
}

static void a_long_path_leaves_room_for_the_reason(void **state) {
        _cleanup_(config_freep) Config *c = NULL;
        char error[512] = "";

        (void) state;
        assert_int_equal(config_new(&c), 0);
        assert_int_equal(config_parse(c, "/" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED, "[node]\nweight = x\n", error), -EBADMSG);
        assert_non_null(strstr(error, ":2: weight is"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(mistakes_are_named_with_file_and_line),
                cmocka_unit_test(every_key_is_refused_what_it_cannot_be),
                cmocka_unit_test(everything_can_be_set),
                cmocka_unit_test(nothing_need_be_set),
                cmocka_unit_test(a_later_file_overrides_key_by_key),
                cmocka_unit_test(no_more_peers_than_fit),
                cmocka_unit_test(a_long_path_leaves_room_for_the_reason),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
