/* Which hosts are this machine. */
#include "scratch.h"
#include "sys/host.h"

#include <ifaddrs.h>
#include <netdb.h>

#define HOSTS                                                          \
        "127.0.0.1 localhost\n"                                        \
        "127.0.1.1\tdb1.example.net db1\n"                             \
        "# 127.0.0.1 db7 db1\n"                                        \
        "127.0.0.1 db6.example.net db6 # as on the machine it was copied from: db1\n" \
        "::1 ip6-localhost DB1\n"                                      \
        "203.0.113.2 db2.example.net db2\n"                              \
        "not-an-address db9 db1\n"                                     \
        "203.0.113.3"

static const struct {
        const char *host, *name;
        bool own;
} table[] = {
        { "127.0.0.1", "db1", true },
        { "127.0.0.1:4567", "db1", true },
        { "127.8.9.1", "db1", true },
        { "::1", "db1", true },
        { "[::1]", "db1", true },
        { "[::1]:4567", "db1", true },
        { "0:0:0:0:0:0:0:1", "db1", true },
        { "203.0.113.2", "db1", false },
        { "2001:db8::1", "db1", false },
        { "[2001:db8::1]:4567", "db1", false },
        { "db1", "db1", true },
        { "DB1:4567", "db1", true },
        { "db1.", "db1", true },
        { "localhost", "db1", true },
        { "db2", "db1", false },
        { "db2.example.net", "db1", false },
        { "", "db1", false },
        { "[", "db1", false },
        { ":4567", "db1", false },
        /* By the machine's own name with its domain. */
        { "db1.example.com", "db1.example.com", true },
        { "db1", "db1.example.com", true },
        { "db1.example.org", "db1.example.com", false },
        { "db", "db1.example.com", false },
        { "db1.example", "db1.example.com", false },
        /* By /etc/hosts. */
        { "db1.example.net", "db1", true },
        { "DB1.example.net.", "db1", true },
        { "db1.example.net", "db1.example.com", true },
        { "db1.example.net", "db5", false },
        { "ip6-localhost", "db1", true },
        { "db1.example.org", "db1", false },
        { "db6", "db1", false },
        { "db7", "db1", false },
        { "db9", "db1", false },
        { "db1.example.net", "", false },
};

static void it_is_told_without_asking_anybody(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++)
                CHECK(host_is_own_by(table[i].host, table[i].name, HOSTS) == table[i].own, table[i].host);
}

/* On whatever interface. */
static void every_address_of_the_machine_is_its_own(void **state) {
        struct ifaddrs *list = NULL;
        size_t n = 0;

        (void) state;
        assert_int_equal(getifaddrs(&list), 0);
        for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
                _cleanup_free_ char *with_port = NULL, *hosts = NULL;
                bool six = i->ifa_addr && i->ifa_addr->sa_family == AF_INET6;
                char text[128];

                if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && !six))
                        continue;
                assert_int_equal(getnameinfo(i->ifa_addr, six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), text, sizeof(text), NULL, 0, NI_NUMERICHOST), 0);
                assert_true(asprintf(&with_port, six ? "[%s]:4567" : "%s:4567", text) > 0);
                CHECK(host_is_own_address(i->ifa_addr), text);
                CHECK(host_is_own(text), text);
                CHECK(host_is_own(with_port), with_port);
                n++;
                /* A name that /etc/hosts gives it, other than on a loopback. */
                text[strcspn(text, "%")] = '\0';
                assert_true(asprintf(&hosts, "%s galera-a\n", text) > 0);
                CHECK(host_is_own_by("galera-a", "db1", hosts) == !(streq(text, "::1") || strncmp(text, "127.", 4) == 0), text);
                CHECK(!host_is_own_by("galera-b", "db1", hosts), text);
        }
        freeifaddrs(list);
        assert_true(n > 0);
}

static void its_own_name_is_its_own(void **state) {
        char name[256] = "";

        (void) state;
        assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
        CHECK(host_is_own(name), name);
        assert_false(host_is_own("db2.example.invalid"));
}

static void two_that_say_the_same(void **state) {
        static const struct {
                const char *a, *b;
                bool same;
        } pairs[] = {
                { "203.0.113.1", "203.0.113.1:4567", true },
                { "203.0.113.1", "203.0.113.10", false },
                { "[2001:db8::1]:4567", "2001:DB8:0::1", true },
                { "2001:db8::1", "2001:db8::2", false },
                { "db1.example.net", "DB1.example.net.", true },
                { "db1", "db1.example.net", false },
                { "db1", "203.0.113.1", false },
                { "", "", false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(pairs); i++)
                CHECK(host_same(pairs[i].a, pairs[i].b) == pairs[i].same && host_same(pairs[i].b, pairs[i].a) == pairs[i].same, pairs[i].a);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_told_without_asking_anybody),
                cmocka_unit_test(every_address_of_the_machine_is_its_own),
                cmocka_unit_test(its_own_name_is_its_own),
                cmocka_unit_test(two_that_say_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
