/* The server's own configuration; see options.h. */
#include "domain/options.h"

#include <ctype.h>

void options_done(Options *o) {
        free(o->datadir);
        free(o->socket);
        free(o->node_name);
        free(o->node_address);
        free(o->cluster_address);
        free(o->cluster_name);
        free(o->provider_options);
        free(o->notify_cmd);
        free(o->user);
        free(o->port);
        *o = (Options) {0};
}

/* Option names are compared as the server does: '-' and '_' are the same, and
 * a "loose" prefix asks not to fail where it is unknown. */
static bool option_is(const char *s, size_t n, const char *name) {
        if (n > 6 && memcmp(s, "loose", 5) == 0 && (s[5] == '-' || s[5] == '_')) {
                s += 6;
                n -= 6;
        }
        if (strlen(name) != n)
                return false;
        for (size_t i = 0; i < n; i++)
                if ((s[i] == '-' ? '_' : s[i]) != name[i])
                        return false;
        return true;
}

static bool truth(const char *value, size_t n) {
        return n == 0 || (n == 1 && *value == '1') || (n == 2 && strncasecmp(value, "on", 2) == 0) ||
               (n == 4 && strncasecmp(value, "true", 4) == 0);
}

static int take_option(Options *o, const char *name, size_t n_name, const char *value, size_t n_value) {
        struct {
                const char *name;
                char **field;
        } texts[] = {
                { "datadir", &o->datadir },
                { "socket", &o->socket },
                { "wsrep_node_name", &o->node_name },
                { "wsrep_node_address", &o->node_address },
                { "wsrep_cluster_address", &o->cluster_address },
                { "wsrep_cluster_name", &o->cluster_name },
                { "wsrep_provider_options", &o->provider_options },
                { "wsrep_notify_cmd", &o->notify_cmd },
                { "user", &o->user },
                { "port", &o->port },
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                if (option_is(name, n_name, texts[i].name)) {
                        char *copy = strndup(value, n_value);

                        if (!copy)
                                return -ENOMEM;
                        free(*texts[i].field);
                        *texts[i].field = copy;
                        return 0;
                }
        if (option_is(name, n_name, "wsrep_on"))
                o->wsrep_on = truth(value, n_value);
        if (option_is(name, n_name, "wsrep_new_cluster"))
                o->new_cluster = truth(value, n_value);
        return 0;
}

int options_parse(const char *text, Options *ret) {
        Options o = {0};
        const char *p = strstr(text, "--");
        int r;

        /* The first line may be a sentence; options begin with the line that begins with "--". */
        while (p && p != text && p[-1] != '\n' && p[-1] != ' ')
                p = strstr(p + 2, "--");

        while (p) {
                const char *name = p + 2, *next = strstr(name, " --"), *end, *equals;

                end = next ? next : name + strcspn(name, "\n");
                while (end > name && isspace((unsigned char) end[-1]))
                        end--;
                equals = memchr(name, '=', (size_t) (end - name));
                r = take_option(&o, name, (size_t) ((equals ? equals : end) - name),
                                equals ? equals + 1 : "", equals ? (size_t) (end - equals - 1) : 0);
                if (r < 0) {
                        options_done(&o);
                        return r;
                }
                p = next ? next + 1 : NULL;
        }

        *ret = o;
        return 0;
}

int options_provider_get(const char *provider_options, const char *key, char **ret) {
        const char *p = provider_options;

        while (p && *p) {
                const char *end = p + strcspn(p, ";"), *equals;

                while (isspace((unsigned char) *p))
                        p++;
                equals = memchr(p, '=', end > p ? (size_t) (end - p) : 0);
                if (equals) {
                        const char *k = equals, *v = equals + 1, *w = end;

                        while (k > p && isspace((unsigned char) k[-1]))
                                k--;
                        while (v < w && isspace((unsigned char) *v))
                                v++;
                        while (w > v && isspace((unsigned char) w[-1]))
                                w--;
                        if (strlen(key) == (size_t) (k - p) && memcmp(p, key, strlen(key)) == 0) {
                                char *copy = strndup(v, (size_t) (w - v));

                                if (!copy)
                                        return -ENOMEM;
                                *ret = copy;
                                return 0;
                        }
                }
                p = *end ? end + 1 : end;
        }
        return -ENOENT;
}

int options_cluster_hosts(const char *address, int (*each)(const char *host, void *userdata), void *userdata) {
        const char *p, *end;

        if (strncmp(address, "gcomm://", 8) != 0)
                return -EINVAL;
        p = address + 8;
        end = p + strcspn(p, "?");

        while (p < end) {
                size_t n = strcspn(p, ",?"), m = n;
                const char *host = p, *colon, *bracket;
                char *copy;
                int r;

                while (m > 0 && isspace((unsigned char) *host)) {
                        host++;
                        m--;
                }
                colon = memchr(host, ':', m);
                if (m > 0 && *host == '[') {
                        bracket = memchr(host, ']', m);
                        if (!bracket)
                                return -EINVAL;
                        host++;
                        m = (size_t) (bracket - host);
                } else if (colon && !memchr(colon + 1, ':', m - (size_t) (colon + 1 - host)))
                        m = (size_t) (colon - host); /* with more than one it is IPv6 without brackets */
                while (m > 0 && isspace((unsigned char) host[m - 1]))
                        m--;
                if (m > 0) {
                        copy = strndup(host, m);
                        if (!copy)
                                return -ENOMEM;
                        r = each(copy, userdata);
                        free(copy);
                        if (r < 0)
                                return r;
                }
                p += n + (p[n] == ',' ? 1 : 0);
        }
        return 0;
}

static int count_host(const char *host, void *userdata) {
        size_t *n = userdata;

        (*n)++;
        return 0;
}

/* Galera knows several words for no; whatever is none of them may be a yes. */
static bool means_yes(const char *value) {
        static const char *const no[] = { "", "0", "no", "n", "off", "false", "f" };

        for (size_t i = 0; i < ELEMENTS(no); i++)
                if (strcasecmp(value, no[i]) == 0)
                        return false;
        return true;
}

/* Anywhere in it, for of two the last one counts, and the address repeats them
 * behind its question mark. */
static bool provider_bootstraps(const char *options) {
        for (const char *p = options; p; p = strchr(p, ';')) {
                _cleanup_free_ char *value = NULL;

                p += *p == ';';
                if (options_provider_get(p, "pc.bootstrap", &value) >= 0 && means_yes(value))
                        return true;
        }
        return false;
}

static bool address_bootstraps(const char *address) {
        const char *query = strchr(address, '?');
        _cleanup_free_ char *copy = NULL;
        size_t n = 0;

        if (options_cluster_hosts(address, count_host, &n) < 0)
                return false; /* none that Galera would take */
        if (n == 0)
                return true;
        copy = query ? strdup(query + 1) : NULL;
        for (char *p = copy; p && *p; p++)
                if (*p == '&')
                        *p = ';';
        return copy && provider_bootstraps(copy);
}

static const char *bootstraps(const Options *o) {
        if (o->new_cluster)
                return "wsrep_new_cluster";
        if (o->cluster_address && address_bootstraps(o->cluster_address))
                return "wsrep_cluster_address";
        if (o->provider_options && provider_bootstraps(o->provider_options))
                return "pc.bootstrap";
        return NULL;
}

const char *options_bootstraps(const Options *o, const char *mysqld_opts) {
        Options added = {0};
        const char *name;
        bool on, adds;

        /* Where there is no memory to read them, they are taken for the worse. */
        adds = mysqld_opts && (options_parse(mysqld_opts, &added) < 0 || bootstraps(&added));
        on = o->wsrep_on || added.wsrep_on;
        options_done(&added);
        name = bootstraps(o);
        return !on ? NULL : name ? name : adds ? "MYSQLD_OPTS" : NULL;
}
