/* The drop-in with the gate, made from the forms in which units start mysqld. */
#include "edge/ctl-dropin.h"
#include "scratch.h"

static const char template_text[] =
        "# {{unit}}\n[Service]\nEnvironment=\"D={{datadir}}\" \"B={{base_dir}}\" \"S={{server}}\" \"O={{options}}\"\n{{start_pre}}\nExecStartPre=GATE\n{{start}}\n";

#define HEAD "# m.service\n[Service]\nEnvironment=\"D=/d%%\" \"B=/b\\\"\" \"S=/s\" \"O=--f=a%%b\"\n"
#define SERVER "/usr/sbin/mariadbd $MYSQLD_OPTS $_WSREP_NEW_CLUSTER $_WSREP_START_POSITION"

/* The forms in which units start mysqld, as directives. NULL: none can be made. */
static const struct {
        const char *what, *unit, *dropin;
        size_t n_left_out;
} vendors[] = {
        { "position asked for within ExecStart (MariaDB 10.11.19)",
          "[Unit]\nAfter=network.target\n[Service]\nUser=mysql\nEnvironmentFile=-/run/mariadb-wsrep-new-cluster\n"
          "ExecStart=/bin/sh -c \"set -f; [ ! -e /usr/bin/galera_recovery ] && VAR= || \\\n VAR=`/usr/bin/galera_recovery`; [ $? -eq 0 ] || exit 1; \\\n"
          " exec /usr/sbin/mariadbd $MYSQLD_OPTS $_WSREP_NEW_CLUSTER $VAR\"\nExecStartPost=!/etc/mysql/debian-start\n",
          HEAD "ExecStartPre=GATE\nExecStart=\nExecStart=" SERVER "\n", 1 },
        { "position asked for before, into a file (MariaDB 11.8)",
          "[Service]\nExecStartPre=/bin/sh -c \"VAR=`/usr/bin/galera_recovery`; [ $? -eq 0 ] \\\n"
          "# in between\n && echo _WSREP_START_POSITION=$VAR > /run/mysqld/wsrep-start-position || exit 1\"\nExecStart=" SERVER "\n",
          HEAD "ExecStartPre=\nExecStartPre=GATE\n", 1 },
        { "position asked for before, into systemd (older)",
          "[Service]\nPermissionsStartOnly=true\n ExecStartPre = /usr/bin/install -m 755 -o mysql -g root -d /var/run/mysqld\n"
          "ExecStartPre=/bin/sh -c \"systemctl unset-environment _WSREP_START_POSITION\"\n"
          "ExecStartPre=/bin/sh -c \"VAR=`galera_recovery` && systemctl set-environment _WSREP_START_POSITION=$VAR\"\nExecStart=" SERVER "\n",
          HEAD "ExecStartPre=\nExecStartPre=/usr/bin/install -m 755 -o mysql -g root -d /var/run/mysqld\nExecStartPre=GATE\n", 2 },
        { "by a wrapper's verb (Percona)",
          "[Service]\nExecStartPre=/usr/bin/mysql-systemd start-pre\n"
          "ExecStartPre=/bin/sh -c \"VAR=`bash /usr/bin/mysql-systemd galera-recovery`; systemctl set-environment _WSREP_START_POSITION=$VAR\"\n"
          "ExecStart=/usr/sbin/mysqld $EXTRA_ARGS $_WSREP_START_POSITION\n",
          HEAD "ExecStartPre=\nExecStartPre=/usr/bin/mysql-systemd start-pre\nExecStartPre=GATE\n"
          "ExecStart=\nExecStart=/usr/sbin/mysqld $EXTRA_ARGS $_WSREP_START_POSITION $_WSREP_NEW_CLUSTER\n", 2 },
        { "nothing of Galera in it",
          "[Service]\nExecStartPre=+/usr/share/mysql/pre\nExecStart=/usr/sbin/mysqld\n",
          HEAD "ExecStartPre=GATE\nExecStart=\nExecStart=/usr/sbin/mysqld $_WSREP_NEW_CLUSTER $_WSREP_START_POSITION\n", 1 },
        { "$(...) in place of backquotes",
          "[Service]\nExecStart=/bin/sh -c 'P=$(galera_recovery) && exec /usr/sbin/mariadbd $_WSREP_NEW_CLUSTER $P'\n",
          HEAD "ExecStartPre=GATE\nExecStart=\nExecStart=/usr/sbin/mariadbd $_WSREP_NEW_CLUSTER $_WSREP_START_POSITION\n", 1 },
        { "a list begun anew", "[Service]\nExecStart=/bin/false\nExecStart=\nExecStart=" SERVER "\n", HEAD "ExecStartPre=GATE\n", 0 },
        { "another section's key", "[Foo]\nExecStart=/bin/false\n[Service]\nExecStart=" SERVER "\n", HEAD "ExecStartPre=GATE\n", 0 },
        { "no ExecStart", "[Service]\nUser=mysql\n", NULL, 0 },
        { "two of them", "[Service]\nExecStart=/bin/true\nExecStart=/bin/false\n", NULL, 0 },
        { "a script too clever", "[Service]\nExecStart=/bin/sh -c \"V=`galera_recovery`; exec /usr/sbin/mysqld $V | tee log\"\n", NULL, 0 },
        { "a script whose command asks by itself", "[Service]\nExecStart=/bin/sh -c \"V=`galera_recovery`; exec /usr/bin/galera_recovery_start $V\"\n", NULL, 0 },
        { "a script that does not pass it on", "[Service]\nExecStart=/bin/sh -c \"exec /usr/sbin/mysqld\"\n", NULL, 0 },
        { "an empty file", "", NULL, 0 },
};

static void test_dropin(void **state) {
        const DropinNode node = { .unit = "m.service", .datadir = "/d%", .base_dir = "/b\"", .server = "/s", .options = "--f=a%b" };

        for (size_t i = 0; i < ELEMENTS(vendors); i++) {
                const DropinSource source = { .path = "/lib/systemd/system/m.service", .text = vendors[i].unit };
                char error[256];
                Dropin d = {};
                int r = dropin_make(&source, 1, &node, template_text, &d, error);

                if (!vendors[i].dropin) {
                        CHECK(r == -EBADMSG && *error, vendors[i].what);
                        continue;
                }
                CHECK(r == 0, vendors[i].what);
                if (!streq(d.text, vendors[i].dropin))
                        fail_msg("%s:\n%s", vendors[i].what, d.text);
                CHECK(d.n_left_out == vendors[i].n_left_out, vendors[i].what);
                dropin_done(&d);
        }
}

#define AFTER "/etc/systemd/system/m.service.d/override.conf:"

/* What `systemctl edit` makes is read after ours. */
static const struct {
        const char *text, *says; /* after the file's name; NULL: it is none of our business */
} conflicts[] = {
        { "[Service]\nEnvironmentFile=-/etc/default/mysql\n", "2: EnvironmentFile " },
        { "# why\n\n[Service]\nLimitNOFILE=\\\n 9\nExecStartPre=\n", "6: ExecStartPre " },
        { "[Service]\nType=simple\nExecStart=\nExecStart=/usr/sbin/mysqld\n", "3: ExecStart " },
        { "[Service]\nNotifyAccess=main\n", "2: NotifyAccess " },
        { "[Service]\nUnsetEnvironment=_WSREP_NEW_CLUSTER\n", "2: UnsetEnvironment " },
        { "[Service]\nType=exec\nLimitNOFILE=9\nExecStartPost=/bin/true\nEnvironment=A=b\n", NULL },
        { "[Unit]\nExecStart=/bin/false\n", NULL },
        { "#[Service]\n#ExecStart=\n", NULL },
        { "", NULL },
};

/* Who comes before it is taken into account; who comes after it must not take
 * back what it says. */
static void test_dropin_others(void **state) {
        DropinSource sources[] = {
                { .path = "/lib/systemd/system/m.service", .text = "[Service]\nExecStart=" SERVER "\n" },
                { .path = "/etc/systemd/system/m.service.d/10-first.conf", .text = "[Service]\nExecStartPre=/bin/galera_recovery\nExecStartPre=/bin/first\n" },
                { .path = "/etc/systemd/system/m.service.d/override.conf", .text = "[Service]\nLimitNOFILE=9\n" },
        };
        const DropinNode node = { .unit = "m.service", .datadir = "/d%", .base_dir = "/b\"", .server = "/s", .options = "--f=a%b" };
        char error[256];
        Dropin d = {};

        assert_int_equal(dropin_make(sources, ELEMENTS(sources), &node, template_text, &d, error), 0);
        assert_string_equal(d.text, HEAD "ExecStartPre=\nExecStartPre=/bin/first\nExecStartPre=GATE\n");
        dropin_done(&d);

        for (size_t i = 0; i < ELEMENTS(conflicts); i++) {
                int r;

                sources[2].text = conflicts[i].text;
                r = dropin_make(sources, ELEMENTS(sources), &node, template_text, &d, error);
                if (!conflicts[i].says) {
                        CHECK(r == 0, conflicts[i].text);
                        dropin_done(&d);
                } else if (r != -EBADMSG || strncmp(error, AFTER, strlen(AFTER)) != 0 || strncmp(error + strlen(AFTER), conflicts[i].says, strlen(conflicts[i].says)) != 0)
                        fail_msg("%s: %d, \"%s\"", conflicts[i].text, r, error);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dropin),
                cmocka_unit_test(test_dropin_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
