/* The settings: mainstay.conf, and the options of the server, which say what is
 * not said there. */
#include "adapter/discovery.h"
#include "manager/manager.h"
#include "sys/file.h"
#include "sys/log.h"

#include <dirent.h>
#include <fcntl.h>

/* Where packages put the unit; the first that exists. */
static const char *const units[] = { "mariadb.service", "mysql.service", "mysqld.service" };
static const char *const unit_dirs[] = { "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system" };

static const char *find_unit(void) {
        char path[256];

        for (size_t i = 0; i < ELEMENTS(units); i++)
                for (size_t k = 0; k < ELEMENTS(unit_dirs); k++) {
                        (void) snprintf(path, sizeof(path), "%s/%s", unit_dirs[k], units[i]);
                        if (access(path, F_OK) == 0)
                                return units[i];
                }
        return units[0];
}

static int read_config(const char *path, Config *c, char error[static 512]) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = file_read(AT_FDCWD, path, 1024 * 1024, &text, &size, NULL);
        if (r == -ENOENT)
                return 0;
        if (r < 0) {
                (void) snprintf(error, 512, "%.200s: %s", path, strerror(-r));
                return r;
        }
        if (strlen(text) != size) {
                (void) snprintf(error, 512, "%.200s: there are NUL bytes in it", path);
                return -EBADMSG;
        }
        return config_parse(c, path, text, error);
}

static int is_conf(const struct dirent *d) {
        size_t n = strlen(d->d_name);

        return d->d_name[0] != '.' && n > 5 && streq(d->d_name + n - 5, ".conf");
}

static int read_config_all(const char *path, Config **ret, char error[static 512]) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_free_ char *dir = NULL;
        struct dirent **list = NULL;
        int r, n;

        r = config_new(&c);
        if (r < 0)
                return r;
        r = read_config(path, c, error);
        if (r < 0)
                return r;

        const char *slash = strrchr(path, '/');
        if (asprintf(&dir, "%.*s/conf.d", slash ? (int) (slash - path) : 1, slash ? path : ".") < 0)
                return -ENOMEM;
        n = scandir(dir, &list, is_conf, alphasort);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *file = NULL;

                if (r >= 0)
                        r = asprintf(&file, "%s/%s", dir, list[i]->d_name) < 0 ? -ENOMEM : read_config(file, c, error);
                free(list[i]);
        }
        free(list);
        if (r < 0)
                return r;
        *ret = TAKE(c);
        return 0;
}

static void log_untold(const Config *c, const Options *before, int r) {
        log_warning("%s --print-defaults failed (%s): its configuration is not known, and %s.", c->server,
                    r < 0 ? strerror(-r) : "it ended with an error", before->text ? "what it was before stands" : "the defaults are assumed");
}

/* Empty where the server cannot tell. */
static int read_options(const Config *c, const Options *before, Options *ret) {
        int r = discovery_options(c->server, c->defaults_file, ret);

        if (r == -ENOMEM)
                return r;
        if (r != 0) {
                log_untold(c, before, r);
                *ret = (Options) {0};
        }
        return 0;
}

static int fallback(char **field, const char *value) {
        if (*field || !value)
                return 0;
        *field = strdup(value);
        return *field ? 0 : -ENOMEM;
}

/* Where the server is, which says the rest. */
static int find_server(Config *c) {
        return fallback(&c->server, str_or(discovery_server(), DISCOVERY_SERVER_DEFAULT));
}

static int complete(Config *c, const Options *o) {
        _cleanup_free_ char *base = NULL;
        char hostname[256] = "localhost";
        int r;

        r = fallback(&c->unit, find_unit());
        if (r >= 0)
                r = fallback(&c->datadir, str_or(o->datadir, "/var/lib/mysql"));
        if (r >= 0)
                r = fallback(&c->socket, str_or(o->socket, "/run/mysqld/mysqld.sock"));
        if (r >= 0)
                r = fallback(&c->account, "mainstay");
        if (r < 0)
                return r;
        (void) gethostname(hostname, sizeof(hostname) - 1);
        r = fallback(&c->name, str_or(o->node_name, hostname));
        if (r < 0)
                return r;
        if (o->provider_options && options_provider_get(o->provider_options, "base_dir", &base) < 0)
                base = NULL;
        return fallback(&c->base_dir, str_or(base, c->datadir));
}

/* `now` is what is in force, NULL when the agent starts: it is that server which
 * is asked. Where it cannot tell, `before` is what it said. */
static int load(const char *path, const Config *now, const Options *before, Config **ret_config, Options *ret_options) {
        _cleanup_(config_freep) Config *c = NULL;
        char error[512] = "";
        Options o = {0};
        int r;

        r = read_config_all(path, &c, error);
        if (r < 0) {
                log_error("%s", error[0] ? error : strerror(-r));
                return r;
        }
        r = find_server(c);
        if (r >= 0)
                r = read_options(now ? now : c, before, &o);
        if (r >= 0)
                r = complete(c, o.text ? &o : before);
        if (r < 0) {
                options_done(&o);
                return r;
        }
        *ret_config = TAKE(c);
        *ret_options = o;
        return 0;
}

static void warn_of_bootstrap(const Options *o, const Options *before) {
        const char *name = options_bootstraps(o, NULL);

        if (name && !streq_null(name, options_bootstraps(before, NULL)))
                log_warning("%s in the server's configuration would make every start a bootstrap, so the gate refuses every start but one that Mainstay authorised. Remove it; my_print_defaults --mysqld shows it.", name);
}

int settings_load(Manager *m) {
        static const Options none;
        int r;

        r = load(m->paths.config, NULL, &none, &m->config, &m->options);
        if (r >= 0)
                warn_of_bootstrap(&m->options, &none);
        return r;
}

/* What was opened, watched or told to others by these goes on as it was. */
static const struct {
        const char *name;
        size_t offset;
} fixed[] = {
        { "name", offsetof(Config, name) },
        { "datadir", offsetof(Config, datadir) },
        { "server", offsetof(Config, server) },
        { "unit", offsetof(Config, unit) },
        { "defaults_file", offsetof(Config, defaults_file) },
        { "base_dir", offsetof(Config, base_dir) },
        { "socket", offsetof(Config, socket) },
        { "account", offsetof(Config, account) },
};

static void keep_fixed(Config *now, Config *next) {
        for (size_t i = 0; i < ELEMENTS(fixed); i++) {
                char **a = (char **) ((char *) now + fixed[i].offset), **b = (char **) ((char *) next + fixed[i].offset), *kept = *a;

                if (!streq_null(*a, *b))
                        log_warning("The %s of this node is to be %s, and stays %s until mainstayd is started anew: systemctl restart mainstayd",
                                    fixed[i].name, str_or(*b, "the default"), str_or(*a, "the default"));
                *a = *b;
                *b = kept;
        }
}

static void take_options(Manager *m, Options *o) {
        if (options_asynchronous(o) != m->asynchronous)
                log_warning("The server's configuration makes it %s now. Mainstay goes by that when mainstayd is started anew: systemctl restart mainstayd",
                            m->asynchronous ? "a node of a Galera cluster" : "no node of a Galera cluster any more");
        warn_of_bootstrap(o, &m->options);
        options_done(&m->options);
        m->options = *o;
}

int manager_reload(Manager *m) {
        _cleanup_(config_freep) Config *c = NULL;
        Options o = {0};
        int r;

        r = load(m->paths.config, m->config, &m->options, &c, &o);
        if (r < 0)
                return r;
        keep_fixed(m->config, c);
        (void) config_free(m->config);
        m->config = TAKE(c);
        if (o.text)
                take_options(m, &o);
        manager_touch(m);
        return manager_take_peers(m);
}

/* Peers are not changed by it: who edits the address may be about to begin a
 * cluster by hand. */
static void options_told(Process *p, const ProcessResult *result, void *userdata) {
        Manager *m = userdata;
        Options o = {0};
        int r;

        r = discovery_answer(result, &o);
        m->asking = process_free(m->asking);
        if (r == 0) {
                if (m->config->n_peers == 0 && !streq_null(o.cluster_address, m->options.cluster_address))
                        log_warning("wsrep_cluster_address is \"%s\" now. To take its nodes for the peers of this one, type: systemctl reload mainstayd", str_or(o.cluster_address, ""));
                take_options(m, &o);
        } else
                log_untold(m->config, &m->options, r);
        manager_touch(m);
}

void settings_ask(Manager *m) {
        int r;

        m->asking = process_free(m->asking);
        r = discovery_ask(m->event, m->config->server, m->config->defaults_file, options_told, m, &m->asking);
        if (r < 0)
                log_untold(m->config, &m->options, r);
}
