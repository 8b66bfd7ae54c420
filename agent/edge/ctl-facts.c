/* What is the case on this node; see ctl-setup.h. */
#include "adapter/discovery.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-systemd.h"
#include "sys/host.h"

#include <dirent.h>
#include <netdb.h>


/* Where packages put the unit; the first that exists. */
static const char *const units[] = { "mariadb.service", "mysql.service", "mysqld.service" };

static int is_conf(const struct dirent *d) {
        size_t n = strlen(d->d_name);

        return d->d_name[0] != '.' && n > 5 && streq(d->d_name + n - 5, ".conf");
}

static int config_file(Config *c, const char *path, char error[static 512]) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = setup_read(path, &text);
        if (r == -ENOENT)
                return 0;
        if (r < 0) {
                (void) snprintf(error, 512, "%.200s cannot be read: %s", path, strerror(-r));
                return r;
        }
        return config_parse(c, path, text, error);
}

static int config_all(Config *c, char error[static 512]) {
        struct dirent **list = NULL;
        int r, n;

        r = config_file(c, SYSCONFDIR "/mainstay/mainstay.conf", error);
        n = scandir(SYSCONFDIR "/mainstay/conf.d", &list, is_conf, alphasort);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL;

                if (r >= 0)
                        r = asprintf(&path, SYSCONFDIR "/mainstay/conf.d/%s", list[i]->d_name) < 0 ? -ENOMEM : config_file(c, path, error);
                free(list[i]);
        }
        free(list);
        return r;
}

static int fallback(char **field, const char *value) {
        if (*field || !value)
                return 0;
        *field = strdup(value);
        return *field ? 0 : -ENOMEM;
}

static int unit_text(Facts *f, const char *path, const char *interface, const char *property, char **ret) {
        return sd_bus_get_property_string(f->bus, SYSTEMD, path, interface, property, NULL, ret);
}

static void unit_dropins(Facts *f, const char *path) {
        char **list = NULL;

        if (sd_bus_get_property_strv(f->bus, SYSTEMD, path, SYSTEMD ".Unit", "DropInPaths", NULL, &list) < 0)
                return;
        for (size_t i = 0; list && list[i]; i++) {
                if (f->n_dropins < DROPINS_MAX)
                        f->dropin[f->n_dropins++] = list[i];
                else
                        free(list[i]);
        }
        free(list);
}

/* 1 where there is such a unit. */
static int unit_load(Facts *f, const char *name) {
        _cleanup_free_ char *load = NULL, *path = NULL;
        uint32_t umask_value;
        int r;

        r = systemd_unit(f->bus, name, &path);
        if (r >= 0)
                r = unit_text(f, path, SYSTEMD ".Unit", "LoadState", &load);
        if (r >= 0 && streq(load, "loaded")) {
                r = unit_text(f, path, SYSTEMD ".Unit", "Id", &f->unit);
                if (r >= 0)
                        r = unit_text(f, path, SYSTEMD ".Unit", "ActiveState", &f->unit_active);
                if (r >= 0)
                        r = unit_text(f, path, SYSTEMD ".Unit", "FragmentPath", &f->unit_fragment);
                if (r >= 0)
                        r = unit_text(f, path, SYSTEMD ".Service", "User", &f->unit_user);
                if (r >= 0 && sd_bus_get_property_trivial(f->bus, SYSTEMD, path, SYSTEMD ".Service", "UMask", NULL, 'u', &umask_value) >= 0 &&
                    asprintf(&f->unit_umask, "%04o", umask_value) < 0)
                        f->unit_umask = NULL;
                unit_dropins(f, path);
                if (r >= 0)
                        r = 1;
        } else if (r >= 0)
                r = 0;
        return r;
}

static void find_unit(Facts *f) {
        if (sd_bus_open_system(&f->bus) < 0) {
                f->bus = NULL;
                return;
        }
        if (f->config->unit) {
                (void) unit_load(f, f->config->unit);
                return;
        }
        for (size_t i = 0; i < ELEMENTS(units); i++)
                if (unit_load(f, units[i]) > 0)
                        return;
}

/* Is it an address of this machine? Here there is time to ask the resolver. */
bool facts_is_own(const char *host) {
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
        bool own = false;

        if (host_is_own(host))
                return true;
        if (getaddrinfo(host, NULL, &hints, &found) != 0)
                return false;
        for (const struct addrinfo *a = found; a && !own; a = a->ai_next)
                own = host_is_own_address(a->ai_addr);
        freeaddrinfo(found);
        return own;
}

static int found_host(const char *host, void *userdata) {
        Config *c = userdata;

        return facts_is_own(host) ? 0 : config_add_peer(c, host, host);
}

int facts_paths(Facts *ret, char error[static 512]) {
        _cleanup_free_ char *base = NULL;
        Facts *f = ret;
        Config *c;
        int r;

        *f = (Facts) {};
        r = config_new(&f->config);
        if (r < 0)
                return r;
        c = f->config;
        r = config_all(c, error);
        if (r < 0)
                return r;

        r = fallback(&c->server, discovery_server());
        if (r < 0)
                return r;
        f->have_options = c->server && discovery_options(c->server, c->defaults_file, &f->options) == 0;

        r = fallback(&c->datadir, str_or(f->options.datadir, "/var/lib/mysql"));
        if (r >= 0 && f->options.provider_options && options_provider_get(f->options.provider_options, "base_dir", &base) < 0)
                base = NULL;
        if (r >= 0)
                r = fallback(&c->base_dir, str_or(base, c->datadir));
        return r;
}

int facts_gather(Facts *ret, char error[static 512]) {
        Facts *f = ret;
        Config *c;
        int r;

        r = facts_paths(f, error);
        if (r < 0)
                return r;
        c = f->config;
        find_unit(f);

        r = fallback(&c->socket, str_or(f->options.socket, "/run/mysqld/mysqld.sock"));
        if (r >= 0)
                r = fallback(&c->account, AGENT_USER);
        if (r >= 0)
                r = fallback(&f->user, str_or(c->user, str_or(f->unit_user, str_or(f->options.user, "mysql"))));
        if (r >= 0 && c->n_peers == 0 && f->options.cluster_address) {
                f->peers_found = true;
                (void) options_cluster_hosts(f->options.cluster_address, found_host, c);
        }
        f->have_datadir = r >= 0 && stat(c->datadir, &f->datadir) == 0 && S_ISDIR(f->datadir.st_mode);
        return r;
}

void facts_done(Facts *f) {
        f->config = config_free(f->config);
        options_done(&f->options);
        f->bus = sd_bus_flush_close_unref(f->bus);
        free(f->unit);
        free(f->unit_active);
        free(f->unit_fragment);
        free(f->unit_user);
        free(f->unit_umask);
        for (size_t i = 0; i < f->n_dropins; i++)
                free(f->dropin[i]);
        free(f->user);
        *f = (Facts) {};
}
