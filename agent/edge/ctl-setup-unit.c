/* Setup: the gate before mysqld, what follows from mysqld's unit and user, and
 * the agent's own unit. */
#include "edge/ctl-bus.h"
#include "edge/ctl-dropin.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-setup-undo.h"
#include "edge/ctl-systemd.h"

#include <limits.h>

#define UNIT_DIR "/etc/systemd/system"
#define TEMPLATE PKGDATADIR "/gate.conf"

int setup_file(Setup *s, const char *path, const char *text, const char *why) {
        _cleanup_free_ char *have = NULL;
        int r;

        r = setup_read(path, &have);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r >= 0 && streq(have, text)) {
                setup_already(s, "%s", path);
                return 0;
        }
        if (s->args->check) {
                setup_missing(s, "", "%s%s: %s", path, have ? " is not what it should be by now" : "", why);
                return 0;
        }
        r = setup_write(path, text, 0644);
        if (r < 0)
                return r;
        s->reload_systemd = true;
        setup_done(s, "wrote %s: %s", path, why);
        return 1;
}

static void sources_free(DropinSource *sources, size_t n) {
        for (size_t i = 0; i < n; i++)
                free((char *) sources[i].text);
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static int gate_step(Setup *s) {
        const Facts *f = &s->facts;
        _cleanup_free_ char *template_text = NULL, *path = NULL, *options = NULL;
        DropinSource sources[DROPINS_MAX + 1] = {};
        DropinNode node = { .unit = f->unit, .datadir = f->config->datadir, .base_dir = f->config->base_dir,
                            .server = str_or(f->config->server, ""), .options = "",
                            .asynchronous = f->have_options && options_asynchronous(&f->options) };
        char error[256] = "";
        size_t n = 0;
        Dropin d;
        int r;

        if (f->config->defaults_file) {
                if (asprintf(&options, "--defaults-file=%s", f->config->defaults_file) < 0)
                        return -ENOMEM;
                node.options = options;
        }
        r = setup_read(TEMPLATE, &template_text);
        if (r < 0) {
                setup_missing(s, "It comes with Mainstay: install that anew.", TEMPLATE ": %s", strerror(-r));
                return 0;
        }
        for (size_t i = 0; r >= 0 && i <= f->n_dropins; i++) {
                char *text;
                const char *from = i == 0 ? f->unit_fragment : f->dropin[i - 1];

                if (i > 0 && streq(base_name(from), DROPIN_NAME))
                        continue;
                r = setup_read(from, &text);
                if (r < 0)
                        setup_missing(s, "", "%s cannot be read: %s", from, strerror(-r));
                else
                        sources[n++] = (DropinSource) { .path = from, .text = text };
        }
        if (r >= 0)
                r = dropin_make(sources, n, &node, template_text, &d, error);
        sources_free(sources, n);
        if (r == -EBADMSG) {
                setup_missing(s, "Until then mysqld starts as before, past Mainstay.", "the gate before %s: %s", f->unit, error);
                return 0;
        }
        if (r < 0)
                return s->missing > 0 ? 0 : r;

        if (asprintf(&path, DROPIN_DIR "/%s.conf", f->unit) < 0)
                r = -ENOMEM;
        else
                r = setup_file(s, path, d.text, "every start of mysqld passes the gate");
        for (size_t i = 0; r > 0 && i < d.n_left_out; i++)
                setup_note(s, "Not in it, for Mainstay passes the position itself: %s", d.left_out[i]);
        dropin_done(&d);
        return r < 0 ? r : 0;
}

/* Percona XtraDB Cluster has a second unit for the same server, which forms a
 * new cluster and asks nobody: mysql@.service, started as mysql@bootstrap, with
 * the option in $EXTRA_ARGS. Of MariaDB's and Oracle's units of such a name each
 * instance is a server of its own. */
static int bootstrap_unit_step(Setup *s) {
        static const char text[] =
                "# Made by `mainstayctl setup`. This unit would form a new cluster from this\n"
                "# node's data, whatever the other nodes have. So its start ends at the gate,\n"
                "# which says who should lead, and what to type.\n"
                "\n"
                "[Service]\n"
                "Environment=_WSREP_NEW_CLUSTER=--wsrep-new-cluster\n"
                "ExecStartPre=\n"
                "ExecStartPre=" PKGLIBEXECDIR "/mainstay-gate\n";
        const Facts *f = &s->facts;
        const char *fragment = str_or(f->unit_fragment, ""), *name = base_name(fragment), *suffix = strrchr(name, '.');
        _cleanup_free_ char *template_path = NULL, *template_text = NULL, *path = NULL;
        int r;

        if (!suffix)
                return 0;
        if (asprintf(&template_path, "%.*s@%s", (int) (suffix - fragment), fragment, suffix) < 0 ||
            asprintf(&path, DROPIN_DIR "/%.*s@bootstrap%s.conf", (int) (suffix - name), name, suffix) < 0)
                return -ENOMEM;
        r = setup_read(template_path, &template_text);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        if (!strstr(template_text, "$EXTRA_ARGS"))
                return 0;
        r = setup_file(s, path, text, "a cluster is not formed past the others, by this unit either");
        return r < 0 ? r : 0;
}

/* Where mysqld does not run as mysql, others must know. */
static int user_step(Setup *s) {
        _cleanup_free_ char *unit = NULL, *policy = NULL;
        const char *user = s->facts.user;
        int r;

        if (streq(user, "mysql"))
                return 0;
        if (strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(user)) {
                setup_missing(s, "", "mysqld's user cannot be \"%s\"", user);
                return 0;
        }
        if (asprintf(&unit, "[Service]\nUser=%s\n", user) < 0) {
                unit = NULL;
                return -ENOMEM;
        }
        if (asprintf(&policy,
                     "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"
                     " \"https://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                     "<busconfig>\n"
                     "  <policy user=\"%s\">\n"
                     "    <allow send_destination=\"org.mainstay1\" send_type=\"method_call\" send_path=\"/org/mainstay1\" send_interface=\"org.mainstay1.Gate\" send_member=\"Enter\"/>\n"
                     "  </policy>\n"
                     "</busconfig>\n", user) < 0) {
                policy = NULL;
                return -ENOMEM;
        }
        r = setup_file(s, UNIT_DIR "/" RECOVER_UNIT ".d/" DROPIN_NAME, unit, "the position is looked for as mysqld's user");
        if (r >= 0)
                r = setup_file(s, UNIT_DIR "/mainstay-backup@.service.d/" DROPIN_NAME, unit, "copies of the data are made as mysqld's user");
        if (r >= 0)
                r = setup_file(s, BUS_POLICY, policy, "mysqld's user may ask at the gate");
        return r < 0 ? r : 0;
}

/* The shipped rule names the usual units. */
static int polkit_step(Setup *s) {
        static const char *const usual[] = { "mariadb.service", "mysql.service", "mysqld.service" };
        _cleanup_free_ char *rule = NULL;
        const char *unit = s->facts.unit;
        int r;

        for (size_t i = 0; i < ELEMENTS(usual); i++)
                if (streq(unit, usual[i]))
                        return 0;
        if (strpbrk(unit, "\"\\\n"))
                return -EINVAL;
        if (asprintf(&rule,
                     "polkit.addRule(function(action, subject) {\n"
                     "    if (action.id === \"org.freedesktop.systemd1.manage-units\" &&\n"
                     "        subject.user === \"" AGENT_USER "\" &&\n"
                     "        action.lookup(\"unit\") === \"%s\" &&\n"
                     "        [\"start\", \"stop\", \"kill\"].indexOf(action.lookup(\"verb\")) >= 0)\n"
                     "        return polkit.Result.YES;\n"
                     "    return polkit.Result.NOT_HANDLED;\n"
                     "});\n", unit) < 0) {
                rule = NULL;
                return -ENOMEM;
        }
        r = setup_file(s, POLKIT_RULE, rule, "the agent may start and stop mysqld");
        return r < 0 ? r : 0;
}

/* Does it run a server of ours? By its process, for a unit may have it behind a script. */
static bool runs_server(sd_bus *bus, const char *path) {
        char exe[64], program[PATH_MAX];
        uint32_t pid = 0;
        ssize_t n;

        if (sd_bus_get_property_trivial(bus, SYSTEMD, path, SYSTEMD ".Service", "MainPID", NULL, 'u', &pid) < 0 || pid == 0)
                return false;
        (void) snprintf(exe, sizeof(exe), "/proc/%u/exe", pid);
        n = readlink(exe, program, sizeof(program) - 1);
        if (n < 0)
                return false;
        program[n] = '\0';
        program[strcspn(program, " ")] = '\0'; /* one that was replaced is "(deleted)" */
        return streq(base_name(program), "mariadbd") || streq(base_name(program), "mysqld");
}

/* The units that run a server here, but for mysqld's own, in one line; "" for none. */
static int other_servers(const Facts *f, char **ret) {
        static const char *const patterns[] = { "mariadb*.service", "mysql*.service" };
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *out = NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        const char *name, *path;
        size_t size, n = 0;
        int r;

        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        r = sd_bus_message_new_method_call(f->bus, &m, SYSTEMD, SYSTEMD_PATH, SYSTEMD ".Manager", "ListUnitsByPatterns");
        if (r >= 0)
                r = sd_bus_message_append(m, "asas", 1, "active", ELEMENTS(patterns), patterns[0], patterns[1]);
        if (r >= 0)
                r = sd_bus_call(f->bus, m, 0, NULL, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, NULL, NULL, NULL, &path, NULL, NULL, NULL)) > 0)
                if (!(f->unit && streq(name, f->unit)) && runs_server(f->bus, path))
                        fprintf(out, "%s%s", n++ > 0 ? ", " : "", name);
        (void) sd_bus_message_unref(m);
        (void) sd_bus_message_unref(reply);
        if (fclose(TAKE(out)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return 0;
}

#define INSTANCE "an instance of a template has options of its own, which Mainstay does not know. It runs on, and Mainstay leaves it as it is"

/* Which unit is it, and is it one of which Mainstay can look after the server? */
static bool unit_fits(Setup *s) {
        _cleanup_free_ char *others = NULL, *remedy = NULL;
        const Facts *f = &s->facts;

        if (other_servers(f, &others) < 0)
                others = NULL;
        if (!f->unit) {
                bool instance = others && strchr(others, '@');

                if (others && *others && !instance && asprintf(&remedy, "In mainstay.conf: [node]\nunit = %.*s", (int) strcspn(others, ","), others) < 0)
                        remedy = NULL;
                setup_missing(s, str_or(remedy, "Where it has another name: unit in [node] of mainstay.conf"), "a unit of mysqld: %s%s%s%s%s",
                              f->config->unit ? f->config->unit : "", f->config->unit ? ", which [node] of mainstay.conf names, is not there" : "neither mariadb.service nor mysql.service nor mysqld.service is there",
                              others && *others ? ". A server is run by " : "", str_or(others, ""), instance ? ": " INSTANCE : "");
                return false;
        }
        if (strchr(f->unit, '@')) {
                setup_missing(s, "Where another unit runs the server: unit in [node] of mainstay.conf", "a unit of its own for mysqld: of %s, " INSTANCE, f->unit);
                return false;
        }
        if (others && *others)
                setup_note(s, "Another server runs on this machine, by %s. Mainstay looks after that of %s alone. What setup and Mainstay write for this one into a [mysqld] group, "
                              "the other one reads too where they share their files: give it files of its own.", others, f->unit);
        return true;
}

/* Is the gate before the next start of mysqld, by what systemd knows of its unit now?
 * -ENOENT: not so; -EEXIST: another file of that name is, and `*ret_other` which;
 * -ESTALE: systemd has not read it since it was written. */
static int gate_in_force(const Facts *f, char **ret_other) {
        _cleanup_free_ char *path = NULL, *own = NULL;
        int r, stale = false;
        char **dropins = NULL;

        if (asprintf(&own, DROPIN_DIR "/%s.conf", f->unit) < 0)
                return -ENOMEM;
        r = systemd_unit(f->bus, f->unit, &path);
        if (r >= 0)
                r = sd_bus_get_property_strv(f->bus, SYSTEMD, path, SYSTEMD ".Unit", "DropInPaths", NULL, &dropins);
        if (r >= 0)
                r = sd_bus_get_property_trivial(f->bus, SYSTEMD, path, SYSTEMD ".Unit", "NeedDaemonReload", NULL, 'b', &stale);
        if (r >= 0)
                r = -ENOENT;
        for (char **d = dropins; d && *d; d++) {
                _cleanup_free_ char *real = NULL;

                if (streq(base_name(*d), DROPIN_NAME)) {
                        real = realpath(*d, NULL);
                        if (real && streq(real, own))
                                r = 0;
                        else if (r == -ENOENT && (*ret_other = strdup(*d)))
                                r = -EEXIST;
                }
        }
        for (char **d = dropins; d && *d; d++)
                free(*d);
        free(dropins);
        return r == 0 && stale ? -ESTALE : r;
}

/* What lies on the disk keeps nobody from anything: systemd has to know it. */
static int force_step(Setup *s) {
        static const char *const reload[] = { "systemctl", "daemon-reload", NULL };
        _cleanup_free_ char *other = NULL;
        int r = s->reload_systemd ? -ESTALE : gate_in_force(&s->facts, &other);

        if ((r == -ENOENT || r == -ESTALE) && !s->args->check) {
                if (setup_must(s, reload) < 0)
                        return 0;
                r = gate_in_force(&s->facts, &other);
        }
        if (r == -EEXIST)
                setup_missing(s, "Remove it, and: systemctl daemon-reload", "the gate in force: %s is not ours, and in its place", str_or(other, "another file"));
        else if (r < 0)
                setup_missing(s, "systemctl daemon-reload; where that does not help, its words: journalctl -b -t systemd -t mainstay-generator",
                              "the gate in force: systemd does not have it before %s (%s), which starts past it", s->facts.unit,
                              r == -ENOENT ? "mainstay-generator has not put it there" : r == -ESTALE ? "it has not read it yet" : strerror(-r));
        return 0;
}

int setup_unit(Setup *s) {
        size_t missing = s->missing;
        int r;

        if (!s->facts.bus) {
                setup_missing(s, "", "systemd: its bus cannot be reached");
                return 0;
        }
        if (!unit_fits(s))
                return 0;

        r = gate_step(s);
        if (r >= 0)
                r = bootstrap_unit_step(s);
        if (r >= 0)
                r = user_step(s);
        if (r >= 0)
                r = polkit_step(s);
        /* Where there is none to be had, that is told. */
        if (r >= 0 && s->missing == missing)
                r = force_step(s);
        return r;
}

/* systemd asks it whether the agent may start and stop mysqld. */
int setup_polkit(Setup *s) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *version = NULL;
        int r;

        if (!s->facts.bus)
                return 0; /* told already */
        r = sd_bus_get_property_string(s->facts.bus, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority", "BackendVersion", &error, &version);
        if (r >= 0)
                setup_already(s, "polkit %s lets the agent start and stop mysqld", version);
        else
                setup_missing(s, "Install it (on Debian: polkitd), or: systemctl start polkit. Until then mysqld is started by hand,\n"
                              "through the gate, and only root may use the verbs of mainstayctl.",
                              "polkit, which lets the agent start and stop mysqld: %s", str_or(error.message, strerror(-r)));
        sd_bus_error_free(&error);
        return 0;
}

static bool unit_is(const char *question) {
        const char *argv[] = { "systemctl", "--quiet", question, AGENT_UNIT, NULL };

        return setup_run(argv, NULL, NULL) == 0;
}

/* What the agent finds wrong with this node, it says in its report. */
static void agent_problem(Setup *s) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *text = NULL;
        const char *problem;
        json_t *report;

        if (bus_text(s->facts.bus, "Report", &error, &text) < 0) {
                setup_missing(s, "systemctl status mainstayd", "the agent's answer: %s", str_or(error.message, "there is none"));
                sd_bus_error_free(&error);
                return;
        }
        report = json_loads(text, 0, NULL);
        problem = json_string_value(json_object_get(report, "problem"));
        if (problem && *problem)
                setup_missing(s, "", "the agent says of this node: %s", problem);
        json_decref(report);
}

int setup_agent(Setup *s) {
        static const char *const enable[] = { "systemctl", "enable", "--now", AGENT_UNIT, NULL };
        static const char *const restart[] = { "systemctl", "restart", AGENT_UNIT, NULL };
        bool enabled, active;

        if (!s->facts.bus)
                return 0; /* told already */
        enabled = unit_is("is-enabled");
        active = unit_is("is-active");

        if (enabled && active && !s->restart_agent)
                setup_already(s, AGENT_UNIT " is enabled and runs");
        else if (s->args->check) {
                setup_missing(s, enabled ? "systemctl start mainstayd" : "systemctl enable --now mainstayd", AGENT_UNIT "%s%s%s", enabled ? "" : " is not enabled", !enabled && !active ? " and" : "", active ? "" : " does not run");
                return 0;
        } else {
                if (!(enabled && active) && setup_must(s, enable) < 0)
                        return 0;
                if (active && s->restart_agent && setup_must(s, restart) < 0)
                        return 0;
                setup_done(s, "%s " AGENT_UNIT, enabled && active ? "restarted" : "enabled and started");
        }
        agent_problem(s);
        return 0;
}
