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
        free(o->provider);
        free(o->provider_options);
        free(o->notify_cmd);
        free(o->sst_receive_address);
        free(o->user);
        free(o->port);
        free(o->text);
        for (size_t i = 0; i < ELEMENTS(o->data_dir); i++)
                free(o->data_dir[i]);
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
                { "wsrep_provider", &o->provider },
                { "wsrep_provider_options", &o->provider_options },
                { "wsrep_notify_cmd", &o->notify_cmd },
                { "wsrep_sst_receive_address", &o->sst_receive_address },
                { "user", &o->user },
                { "port", &o->port },
                { "innodb_data_home_dir", &o->data_dir[0] },
                { "innodb_log_group_home_dir", &o->data_dir[1] },
                { "innodb_undo_directory", &o->data_dir[2] },
                { "aria_log_dir_path", &o->data_dir[3] },
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
                o->wsrep_off = !(o->wsrep_on = truth(value, n_value));
        if (option_is(name, n_name, "wsrep_new_cluster"))
                o->new_cluster = truth(value, n_value);
        return 0;
}

/* An option as it stands: its name, and its value, which is NULL without "=". */
typedef struct Word {
        const char *name, *value;
        size_t n_name, n_value;
} Word;

/* The next one at or after `*p`, which moves on; false at the end. */
static bool next_word(const char **p, Word *ret) {
        const char *name, *next, *end, *equals;

        if (!*p)
                return false;
        name = *p + 2;
        next = strstr(name, " --");
        end = next ? next : name + strcspn(name, "\n");
        while (end > name && isspace((unsigned char) end[-1]))
                end--;
        equals = memchr(name, '=', (size_t) (end - name));
        *ret = (Word) {
                .name = name, .n_name = (size_t) ((equals ? equals : end) - name),
                .value = equals ? equals + 1 : NULL, .n_value = equals ? (size_t) (end - equals - 1) : 0,
        };
        *p = next ? next + 1 : NULL;
        return true;
}

/* The first line may be a sentence; options begin with the line that begins with "--". */
static const char *first_word(const char *text) {
        const char *p = strstr(text, "--");

        while (p && p != text && p[-1] != '\n' && p[-1] != ' ')
                p = strstr(p + 2, "--");
        return p;
}

int options_parse(const char *text, Options *ret) {
        Options o = {0};
        const char *p = first_word(text);
        Word w;
        int r = 0;

        while (r >= 0 && next_word(&p, &w))
                r = take_option(&o, w.name, w.n_name, w.value ? w.value : "", w.n_value);
        if (r >= 0 && !(o.text = strdup(text)))
                r = -ENOMEM;
        if (r < 0) {
                options_done(&o);
                return r;
        }
        *ret = o;
        return 0;
}

/* "skip-NAME" and "disable-NAME" switch off, "enable-NAME" switches on; as a
 * value, or NULL where it is no such word. */
static const char *switches(const Word *w, const char *name) {
        static const struct {
                const char *prefix, *value;
        } kinds[] = { { "skip", "0" }, { "disable", "0" }, { "enable", "1" } };

        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                size_t n = strlen(kinds[i].prefix);

                if (w->n_name > n + 1 && memcmp(w->name, kinds[i].prefix, n) == 0 && (w->name[n] == '-' || w->name[n] == '_') &&
                    option_is(w->name + n + 1, w->n_name - n - 1, name))
                        return kinds[i].value;
        }
        return NULL;
}

int options_get(const Options *o, const char *name, char **ret) {
        const char *p = o->text ? first_word(o->text) : NULL, *value = NULL;
        size_t n = 0;
        Word w;

        while (next_word(&p, &w)) {
                const char *on_off = switches(&w, name);

                if (on_off) {
                        value = on_off;
                        n = 1;
                } else if (option_is(w.name, w.n_name, name)) {
                        value = w.value ? w.value : "";
                        n = w.n_value;
                }
        }
        if (!value)
                return -ENOENT;
        *ret = strndup(value, n);
        return *ret ? 0 : -ENOMEM;
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

bool options_mean_yes(const char *value) {
        static const char *const no[] = { "", "0", "no", "n", "off", "false", "f" };

        for (size_t i = 0; i < ELEMENTS(no); i++)
                if (strcasecmp(value, no[i]) == 0)
                        return false;
        return true;
}

/* Anywhere in it, for of two the last one counts, and the address repeats them
 * behind its question mark. */
static bool provider_says(const char *options, const char *key, bool what) {
        for (const char *p = options; p; p = strchr(p, ';')) {
                _cleanup_free_ char *value = NULL;

                p += *p == ';';
                if (options_provider_get(p, key, &value) >= 0 && options_mean_yes(value) == what)
                        return true;
        }
        return false;
}

/* The same behind the question mark of the address. */
static bool address_says(const char *address, const char *key, bool what) {
        const char *query = strchr(address, '?');
        _cleanup_free_ char *copy = query ? strdup(query + 1) : NULL;

        for (char *p = copy; p && *p; p++)
                if (*p == '&')
                        *p = ';';
        return copy && provider_says(copy, key, what);
}

static bool address_bootstraps(const char *address) {
        size_t n = 0;

        if (options_cluster_hosts(address, count_host, &n) < 0)
                return false; /* none that Galera would take */
        return n == 0 || address_says(address, "pc.bootstrap", true);
}

static const char *bootstraps(const Options *o) {
        if (o->new_cluster)
                return "wsrep_new_cluster";
        if (o->cluster_address && address_bootstraps(o->cluster_address))
                return "wsrep_cluster_address";
        if (o->provider_options && provider_says(o->provider_options, "pc.bootstrap", true))
                return "pc.bootstrap";
        return NULL;
}

bool options_wsrep(const Options *o) {
        return o->wsrep_on || (!o->wsrep_off && o->provider && *o->provider && strcasecmp(o->provider, "none") != 0);
}

bool options_asynchronous(const Options *o) {
        return o->text && !options_wsrep(o) && !o->cluster_address;
}

static bool option_is_set(const Options *o, const char *key, bool what) {
        return (o->provider_options && provider_says(o->provider_options, key, what)) ||
               (o->cluster_address && address_says(o->cluster_address, key, what));
}

static const char *const quorum_keys[] = { "pc.ignore_sb", "pc.ignore_quorum" };

const char *options_quorum_off(const Options *o) {
        for (size_t i = 0; i < ELEMENTS(quorum_keys); i++)
                if (option_is_set(o, quorum_keys[i], true))
                        return quorum_keys[i];
        return NULL;
}

const char *options_provider_quorum_off(const char *provider_options) {
        for (size_t i = 0; i < ELEMENTS(quorum_keys); i++)
                if (provider_says(provider_options, quorum_keys[i], true))
                        return quorum_keys[i];
        return NULL;
}

bool options_recovery_off(const Options *o) {
        return option_is_set(o, "pc.recovery", false);
}

static bool option_bootstraps(const char *text) {
        Options o = {0};
        bool yes = options_parse(text, &o) < 0 || bootstraps(&o);

        options_done(&o);
        return yes;
}

bool options_word_bootstraps(const Options *o, const char *word) {
        _cleanup_free_ char *copy = strdup(word);
        char *save = NULL;

        if (!options_wsrep(o))
                return false;
        if (!copy || (strncmp(word, "--", 2) == 0 && option_bootstraps(word)))
                return true;
        /* A script: its own words, whatever quotes them. */
        for (char *p = strtok_r(copy, " \t\n\"';`", &save); p; p = strtok_r(NULL, " \t\n\"';`", &save))
                if (strncmp(p, "--", 2) == 0 && option_bootstraps(p))
                        return true;
        return false;
}

const char *options_bootstraps(const Options *o, const char *mysqld_opts) {
        Options added = {0};
        const char *name;
        bool on, adds;

        /* Where there is no memory to read them, they are taken for the worse. */
        adds = mysqld_opts && (options_parse(mysqld_opts, &added) < 0 || bootstraps(&added));
        on = options_wsrep(o) || options_wsrep(&added);
        options_done(&added);
        name = bootstraps(o);
        return !on ? NULL : name ? name : adds ? "MYSQLD_OPTS" : NULL;
}
