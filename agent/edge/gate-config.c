/* The server's own configuration, before a start; see gate-config.h. */
#include "edge/gate-config.h"
#include "edge/gate-say.h"
#include "adapter/discovery.h"
#include "sys/log.h"

#include <sys/stat.h>
#include <systemd/sd-daemon.h>

/* What to look for: the server takes '-' and '_' for the same. */
static const char *pattern(const char *option, char buf[static 64]) {
        (void) snprintf(buf, 64, "%s", option);
        for (char *p = buf; *p; p++)
                if (*p == '_')
                        *p = '.';
        return buf;
}

static bool same_place(const char *a, const char *b) {
        struct stat x, y;

        if (stat(a, &x) >= 0 && stat(b, &y) >= 0)
                return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
        return streq(a, b);
}

/* Whoever guards another directory than the one that mysqld will use leaves the
 * gvwstate.dat there where it is. */
static int check_place(const char *what, const char *used, const char *guarded) {
        if (!used || used[0] != '/' || same_place(used, guarded))
                return 0;
        say_refused("by its configuration %s is %s, and Mainstay was set up for %s. Nothing was touched. To set it up anew, type: mainstayctl setup; then: systemctl restart mainstayd; and start mysqld again.",
                  what, used, guarded);
        (void) sd_notifyf(false, "STATUS=Mainstay: not started. %s is %s in the server's configuration, and Mainstay was set up for %s: mainstayctl setup", what, used, guarded);
        return -EPERM;
}

static int check_places(const Options *o, const char *datadir, const char *basedir) {
        _cleanup_free_ char *base = NULL;
        int r;

        r = check_place("the datadir", o->datadir, datadir);
        if (r < 0)
                return r;
        if (o->provider_options && options_provider_get(o->provider_options, "base_dir", &base) < 0)
                base = NULL;
        return check_place("base_dir of wsrep_provider_options", base, basedir);
}

/* The first of them that would make it bootstrap: by what stands there, or by a
 * variable of the unit's environment, other than the one that start.env settles. */
static const char *command_bootstraps(const Options *o, char *const *words) {
        for (char *const *w = words; w && *w; w++) {
                const char *name = **w == '$' ? *w + 1 : "";
                char variable[128] = "";
                const char *value = NULL;

                name += *name == '{';
                (void) snprintf(variable, sizeof(variable), "%.*s", (int) strcspn(name, "}"), name);
                if (variable[0] && !streq(variable, "_WSREP_NEW_CLUSTER"))
                        value = getenv(variable);
                if (options_word_bootstraps(o, *w) || (value && options_word_bootstraps(o, value)))
                        return *w;
        }
        return NULL;
}

/* A bootstrap that stands there would be one at every start. */
static int check_bootstraps(const Options *o, const char *file, char *const *command) {
        const char *option, *word;
        char name[64];

        option = options_bootstraps(o, getenv("MYSQLD_OPTS"));
        word = option ? NULL : command_bootstraps(o, command);

        if (word) {
                say_unauthorised("\"%s\" in ExecStart= of its unit would make every start form a new cluster, and nobody has authorised that. "
                          "Take it out (systemctl cat shows where it stands; then systemctl daemon-reload), and start mysqld again. "
                          "To form the cluster from this node, type: systemctl start mainstay-bootstrap", word);
                (void) sd_notifyf(false, "STATUS=Mainstay: not started. A bootstrap stands in ExecStart= of the unit: %s", word);
                return -EPERM;
        }
        if (!option)
                return 0;
        if (streq(option, "MYSQLD_OPTS"))
                say_unauthorised("MYSQLD_OPTS in its environment (%s) would make it form a new cluster of its own, and nobody has authorised that. "
                          "Take it out (systemctl unset-environment MYSQLD_OPTS, or look for it with systemctl cat), then start mysqld again. "
                          "To form the cluster from this node, type: systemctl start mainstay-bootstrap", str_or(getenv("MYSQLD_OPTS"), ""));
        else
                say_unauthorised("%s in its configuration would make every start form a new cluster, and nobody has authorised that. "
                          "Look for it (my_print_defaults --mysqld, or grep -rn %s %s), %s, then start mysqld again. "
                          "To form the cluster from this node, type: systemctl start mainstay-bootstrap",
                          option, pattern(option, name), file ? file : "/etc/mysql /etc/my.cnf*",
                          streq(option, "wsrep_cluster_address") ? "name the nodes in it (gcomm://db1,db2,db3)" : "remove it");
        (void) sd_notifyf(false, "STATUS=Mainstay: not started. A bootstrap stands in the server's configuration: %s", option);
        return -EPERM;
}

int config_check(const char *server, const char *options, char *const *command, const char *datadir, const char *basedir, bool authorised,
                               bool *ret_wsrep, bool *ret_asynchronous) {
        static const char defaults[] = "--defaults-file=";
        const char *file = options && strncmp(options, defaults, strlen(defaults)) == 0 ? options + strlen(defaults) : NULL;
        Options o = {0};
        int r;

        r = discovery_options(server, file, &o);
        if (r != 0) {
                log_warning("%s --print-defaults failed (%s): whether a bootstrap stands in the server's configuration is not known, and mysqld starts all the same.",
                            server, r < 0 ? strerror(-r) : "it ended with an error");
                return 0;
        }
        *ret_wsrep = options_wsrep(&o);
        *ret_asynchronous = options_asynchronous(&o);
        r = *ret_wsrep ? check_places(&o, datadir, basedir) : 0;
        if (r >= 0 && !authorised)
                r = check_bootstraps(&o, file, command);
        options_done(&o);
        return r;
}
