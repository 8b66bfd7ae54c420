/* Setup: where AppArmor confines mysqld, as Debian's MySQL is, it has to be let do what
 * Mainstay asks of it. Into the file that a distribution keeps for the administrator's
 * own rules (local/), between two marks; the profile itself stays as it is. The gate
 * needs nothing: a profile goes with the program that it names, mysqld, and systemd
 * starts the gate itself. */
#include "edge/ctl-setup.h"
#include "edge/ctl-setup-undo.h"

#include <limits.h>

#define DIR "/etc/apparmor.d"
#define BEGIN "# Mainstay: begin. Written by mainstayctl setup.\n"
#define END "# Mainstay: end.\n"

/* After the program: /usr/sbin/mysqld is usr.sbin.mysqld. Room for PATH_MAX. */
static void profile_name(const char *server, char *name) {
        (void) snprintf(name, PATH_MAX, "%s", server + strspn(server, "/"));
        for (char *c = name; *c; c++)
                if (*c == '/')
                        *c = '.';
}

/* Debian's of MariaDB says in a comment alone that there is none. */
static bool confines(const char *profile) {
        bool comment = false;

        for (const char *c = profile; *c; c++) {
                comment = *c == '\n' ? false : comment || *c == '#';
                if (*c == '{' && !comment)
                        return true;
        }
        return false;
}

static char *rules(const Setup *s) {
        bool galera = !s->facts.have_options || !options_asynchronous(&s->facts.options);
        const char *datadir = s->facts.config->datadir;
        char *text;

        if (asprintf(&text,
                     BEGIN "# How it is to begin, told by the agent:\n"
                           "  " STATE_DIR "/replica.cnf r,\n"
                           "# A copy of another node's data, and a server on it:\n"
                           "  %s.mainstay-new/ rw,\n"
                           "  %s.mainstay-new/** rwk,\n"
                           "  " SHADOW_DIR "/ r,\n"
                           "  " SHADOW_DIR "/** rwk,\n"
                           "%s" END,
                     datadir, datadir,
                     galera ? "# What Galera tells of its views:\n"
                              "  " PKGLIBEXECDIR "/mainstay-notify Uxr,\n"
                              "# The position is asked for by a socket and a pid file of its own:\n"
                              "  " RECOVER_DIR "/ r,\n"
                              "  " RECOVER_DIR "/** rwk,\n"
                            : "") < 0)
                return NULL;
        return text;
}

/* What is in the file, with our part of it as it should be. */
static char *merged(const char *have, const char *ours) {
        const char *begin = strstr(have, BEGIN), *end = begin ? strstr(begin, END) : NULL;
        int head = begin && end ? (int) (begin - have) : (int) strlen(have);
        char *text;

        if (asprintf(&text, "%.*s%s%s%s", head, have, head > 0 && have[head - 1] != '\n' ? "\n" : "", ours, end ? end + strlen(END) : "") < 0)
                return NULL;
        return text;
}

static bool in_force(void) {
        _cleanup_free_ char *enabled = NULL;

        return setup_read("/sys/module/apparmor/parameters/enabled", &enabled) >= 0 && enabled[0] == 'Y';
}

int setup_apparmor(Setup *s) {
        _cleanup_free_ char *profile = NULL, *have = NULL, *ours = NULL, *text = NULL;
        char name[PATH_MAX], path[PATH_MAX + sizeof(DIR "/local/")], include[PATH_MAX + sizeof("local/")];
        int r;

        if (!s->facts.config->server)
                return 0;
        profile_name(s->facts.config->server, name);
        (void) snprintf(path, sizeof(path), DIR "/%s", name);
        if (setup_read(path, &profile) < 0 || !confines(profile))
                return 0;
        ours = rules(s);
        if (!ours)
                return -ENOMEM;
        (void) snprintf(include, sizeof(include), "local/%s", name);
        if (!strstr(profile, include)) {
                setup_missing(s, ours, "%s confines mysqld, and includes no file for rules of yours. In it:", path);
                return 0;
        }
        (void) snprintf(path, sizeof(path), DIR "/local/%s", name);
        r = setup_read(path, &have);
        if (r < 0 && r != -ENOENT)
                return r;
        if (have && strstr(have, ours)) {
                setup_already(s, "AppArmor lets mysqld do what Mainstay asks of it (%s)", path);
                return 0;
        }
        if (s->args->check) {
                setup_missing(s, "", "%s, by which AppArmor lets mysqld do what Mainstay asks of it", path);
                return 0;
        }
        if (!have)
                (void) setup_record("file %s", path);
        text = merged(str_or(have, ""), ours);
        r = text ? setup_write(path, text, 0644) : -ENOMEM;
        if (r < 0)
                return r;
        setup_done(s, "wrote %s: AppArmor lets mysqld do what Mainstay asks of it", path);
        (void) snprintf(path, sizeof(path), DIR "/%s", name);
        return in_force() ? setup_must(s, (const char *const []) { "apparmor_parser", "--replace", path, NULL }) : 0;
}

int undo_apparmor(Setup *s) {
        _cleanup_free_ char *have = NULL, *text = NULL, *made = NULL;
        char name[PATH_MAX], path[PATH_MAX + sizeof(DIR "/local/")];
        int r;

        if (!s->facts.config->server)
                return 0;
        profile_name(s->facts.config->server, name);
        (void) snprintf(path, sizeof(path), DIR "/local/%s", name);
        r = setup_read(path, &have);
        if (r < 0 || !strstr(have, BEGIN))
                return r == -ENOENT ? 0 : r < 0 ? r : 0;
        text = merged(have, "");
        if (!text || asprintf(&made, "file %s", path) < 0) {
                made = NULL;
                return -ENOMEM;
        }
        /* A profile may want the file to be there. */
        r = !*text && setup_has_record(made) ? (unlink(path) < 0 ? -errno : 0) : setup_write(path, text, 0644);
        if (r < 0)
                return r;
        setup_done(s, "took the rules for Mainstay out of %s", path);
        (void) snprintf(path, sizeof(path), DIR "/%s", name);
        return in_force() ? setup_must(s, (const char *const []) { "apparmor_parser", "--replace", path, NULL }) : 0;
}
