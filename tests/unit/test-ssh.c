/* Addresses of ssh, its command line, and what is made of its words. */
#include "adapter/ssh.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
        const char *address, *user, *host;
        unsigned port;
} targets[] = {
        { "db2", SSH_USER, "db2", 0 },
        { "db2.example.org", SSH_USER, "db2.example.org", 0 },
        { "ssh:db2", SSH_USER, "db2", 0 },
        { "db2:2222", SSH_USER, "db2", 2222 },
        { "ssh:root@db2:22", "root", "db2", 22 },
        { "me@10.0.0.2", "me", "10.0.0.2", 0 },
        { "fd00::2", SSH_USER, "fd00::2", 0 },
        { "::1", SSH_USER, "::1", 0 },
        { "[fd00::2]", SSH_USER, "fd00::2", 0 },
        { "ssh:me@[::1]:2222", "me", "::1", 2222 },
};

static const char *const no_targets[] = {
        "", "ssh:", "@db2", "me@", "-oProxyCommand=true", "-l@db2", "me@-oProxyCommand=true", "db2:", "db2:0", "db2:65536", "db2:+22",
        "db2:22x", "db2 ", "db 2", "db2;true", "db2\n", "[::1", "[]", "[db2]:x", "[::1]22", "fd00::g", "me@you@db2", "ssh:ssh:db2",
        "unixexec:path=true", "\xc3\xa4", "$(true)",
};

static void test_targets(void **state) {
        char overlong[SSH_HOST_SIZE + 1];
        SshTarget t;

        for (size_t i = 0; i < ELEMENTS(targets); i++) {
                int r = ssh_target_parse(targets[i].address, &t);
                if (r < 0 || !streq(t.user, targets[i].user) || !streq(t.host, targets[i].host) || t.port != targets[i].port)
                        fail_msg("%s: %d", targets[i].address, r);
        }
        for (size_t i = 0; i < ELEMENTS(no_targets); i++)
                if (ssh_target_parse(no_targets[i], &t) != -EINVAL)
                        fail_msg("%s is taken for an address", no_targets[i]);

        memset(overlong, 'a', sizeof(overlong) - 1);
        overlong[sizeof(overlong) - 1] = '\0';
        assert_int_equal(ssh_target_parse(overlong, &t), -EINVAL);
        overlong[sizeof(overlong) - 2] = '\0';
        assert_int_equal(ssh_target_parse(overlong, &t), 0);
}

static bool has(const SshCommand *c, const char *word) {
        for (size_t i = 0; c->argv[i]; i++)
                if (streq(c->argv[i], word))
                        return true;
        return false;
}

static void test_command(void **state) {
        _cleanup_free_ char *overlong = calloc(1, PATH_MAX + 1);
        SshCommand c;
        SshTarget t;
        size_t n = 0;

        assert_int_equal(ssh_target_parse("me@db2:2222", &t), 0);
        assert_int_equal(ssh_command(&t, "ssh", "/keys", &c), 0);
        while (c.argv[n])
                n++;
        assert_string_equal(c.argv[0], "ssh");
        assert_string_equal(c.argv[n - 3], "--");
        assert_string_equal(c.argv[n - 2], "db2");
        assert_string_equal(c.argv[n - 1], "systemd-stdio-bridge");
        assert_true(has(&c, "/keys/id_ed25519"));
        assert_true(has(&c, "UserKnownHostsFile=/keys/known_hosts"));
        assert_true(has(&c, "StrictHostKeyChecking=yes"));
        assert_true(has(&c, "BatchMode=yes"));
        assert_true(has(&c, "2222"));

        memset(overlong, 'a', PATH_MAX);
        assert_int_equal(ssh_command(&t, "ssh", overlong, &c), -ENAMETOOLONG);
}

static const struct {
        const char *complaint;
        int status;
        const char *reason;
} reasons[] = {
        { "ssh: connect to host db2 port 22: Connection refused\r\n", 255, "ssh: Connection refused" },
        { "ssh: connect to host fd00::2 port 22: No route to host\r\n", 255, "ssh: No route to host" },
        { "ssh: Could not resolve hostname db2: Name or service not known\r\n", 255, "name does not resolve" },
        { "ssh: Could not resolve hostname db2: Temporary failure in name resolution\r\n", 255, "name does not resolve" },
        { "No ED25519 host key is known for db2 and you have requested strict checking.\r\nHost key verification failed.\r\n", 255,
          "ssh: Host key verification failed" },
        { "mainstay-peer@db2: Permission denied (publickey).\r\n", 255, "ssh: mainstay-peer@db2: Permission denied (publickey)" },
        { "Timeout, server db2 not responding.\r\n", 255, "ssh: Timeout, server db2 not responding" },
        { "sh: 1: systemd-stdio-bridge: not found\n", 127, "ssh: sh: 1: systemd-stdio-bridge: not found" },
        { "ssh: something else\n", 255, "ssh: something else" },
        { "", 255, "ssh ended with status 255" },
        { "\r\n \n", 0, "ssh ended with status 0" },
        { "...", 137, "ssh ended with status 137" },
        { "ssh: connect to host ", 255, "ssh: connect to host" },
};

static void test_reasons(void **state) {
        char buf[SSH_REASON_SIZE], overlong[4096];

        for (size_t i = 0; i < ELEMENTS(reasons); i++)
                assert_string_equal(ssh_reason(reasons[i].complaint, reasons[i].status, buf), reasons[i].reason);

        memset(overlong, 'x', sizeof(overlong) - 1);
        overlong[sizeof(overlong) - 1] = '\0';
        assert_int_equal(strlen(ssh_reason(overlong, 255, buf)), sizeof(buf) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_targets),
                cmocka_unit_test(test_command),
                cmocka_unit_test(test_reasons),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
