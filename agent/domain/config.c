/* The configuration: a table of keys with their bounds; see config.h. */
#include "domain/config.h"
#include "base/number.h"

#include <ini.h>
#include <stdarg.h>

int config_new(Config **ret) {
        Config *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->weight = 1;
        c->boot_wait = 60;
        c->sst_stall = 120;
        *ret = c;
        return 0;
}

Config *config_free(Config *c) {
        if (!c)
                return NULL;
        free(c->name);
        free(c->datadir);
        free(c->server);
        free(c->unit);
        free(c->defaults_file);
        free(c->base_dir);
        free(c->socket);
        free(c->user);
        free(c->account);
        free(c->donor);
        for (size_t i = 0; i < c->n_peers; i++) {
                free(c->peer[i].label);
                free(c->peer[i].address);
        }
        free(c);
        return NULL;
}

int config_add_peer(Config *c, const char *label, const char *address) {
        _cleanup_free_ char *l = NULL, *a = NULL;

        a = strdup(address);
        if (!a)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_peers; i++)
                if (streq(c->peer[i].label, label)) {
                        free(c->peer[i].address);
                        c->peer[i].address = TAKE(a);
                        return 0;
                }
        if (c->n_peers == CONFIG_PEERS_MAX)
                return -E2BIG;
        l = strdup(label);
        if (!l)
                return -ENOMEM;
        c->peer[c->n_peers++] = (ConfigPeer) { TAKE(l), TAKE(a) };
        return 0;
}

/* Checks: NULL, or what the value should be. */

static const char *check_path(const char *v) {
        return v[0] == '/' && strlen(v) < 4096 ? NULL : "an absolute path";
}

static const char *check_name(const char *v) {
        return name_valid(v) ? NULL : "a name of at most 63 characters, without blanks, commas and slashes";
}

/* It becomes a word of mysqld's command line, and goes through a shell there. */
static const char *check_donor(const char *v) {
        return names_plain(v) ? NULL : "the name of a node: letters, digits, dots, hyphens and underscores";
}

static const char *check_unit(const char *v) {
        size_t n = strlen(v);

        return name_valid(v) && n > 8 && streq(v + n - 8, ".service") ? NULL : "the name of a .service unit";
}

typedef struct Key {
        const char *section, *name;
        size_t offset;
        const char *(*check)(const char *value); /* of a text; NULL for a number */
        int64_t min, max;                        /* of a number */
} Key;

static const Key keys[] = {
        { "node", "name", offsetof(Config, name), check_name, 0, 0 },
        { "node", "datadir", offsetof(Config, datadir), check_path, 0, 0 },
        { "node", "server", offsetof(Config, server), check_path, 0, 0 },
        { "node", "unit", offsetof(Config, unit), check_unit, 0, 0 },
        { "node", "defaults_file", offsetof(Config, defaults_file), check_path, 0, 0 },
        { "node", "base_dir", offsetof(Config, base_dir), check_path, 0, 0 },
        { "node", "socket", offsetof(Config, socket), check_path, 0, 0 },
        { "node", "user", offsetof(Config, user), check_name, 0, 0 },
        { "node", "account", offsetof(Config, account), check_name, 0, 0 },
        { "node", "donor", offsetof(Config, donor), check_donor, 0, 0 },
        { "node", "weight", offsetof(Config, weight), NULL, 0, 255 },
        { "agent", "boot_wait", offsetof(Config, boot_wait), NULL, 0, 86400 },
        { "agent", "sst_stall", offsetof(Config, sst_stall), NULL, 5, 86400 },
};

bool config_key(size_t i, ConfigKey *ret) {
        if (i >= ELEMENTS(keys))
                return false;
        *ret = (ConfigKey) { keys[i].section, keys[i].name, !keys[i].check, keys[i].min, keys[i].max };
        return true;
}

typedef struct Parser {
        Config *config;
        const char *at; /* the text from the line to be read next */
        int line;       /* the one being read */
        bool seen[ELEMENTS(keys)];
        Names seen_peers;
        bool failed;
        int failed_line;
        char what[384];
} Parser;

/* Returns 0, which inih takes for "this line is wrong". */
static int _printf_(2, 3) wrong(Parser *p, const char *format, ...) {
        va_list ap;

        if (p->failed)
                return 0;
        p->failed = true;
        p->failed_line = p->line;
        va_start(ap, format);
        (void) vsnprintf(p->what, sizeof(p->what), format, ap);
        va_end(ap);
        return 0;
}

static int handle_key(Parser *p, const Key *k, const char *value) {
        void *field = (char *) p->config + k->offset;
        const char *should;
        char *copy;

        if (!k->check) {
                int64_t number;

                if (number_parse(value, strlen(value), k->min, k->max, &number) < 0)
                        return wrong(p, "%s is \"%.80s\", and should be a whole number from %lld to %lld", k->name, value,
                                     (long long) k->min, (long long) k->max);
                *(int64_t *) field = number;
                return 1;
        }

        should = k->check(value);
        if (should)
                return wrong(p, "%s is \"%.80s\", and should be %s", k->name, value, should);
        copy = strdup(value);
        if (!copy)
                return wrong(p, "out of memory");
        free(*(char **) field);
        *(char **) field = copy;
        return 1;
}

static int handle(void *userdata, const char *section, const char *name, const char *value) {
        Parser *p = userdata;

        if (streq(section, "peers")) {
                if (!name_valid(name))
                        return wrong(p, "\"%.80s\" is no name of a node", name);
                if (names_contain(&p->seen_peers, name))
                        return wrong(p, "%s is set a second time in this file", name);
                if (names_add(&p->seen_peers, name) < 0)
                        return wrong(p, "there are more than %d peers", CONFIG_PEERS_MAX);
                if (value[0] == 0 || strpbrk(value, " \t"))
                        return wrong(p, "the address of %s is \"%.80s\", and should be a host, ssh:USER@HOST:PORT or a D-Bus address", name, value);
                if (config_add_peer(p->config, name, value) < 0)
                        return wrong(p, "there are more than %d peers", CONFIG_PEERS_MAX);
                return 1;
        }
        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (streq(section, keys[i].section) && streq(name, keys[i].name)) {
                        if (p->seen[i])
                                return wrong(p, "%s is set a second time in this file", name);
                        p->seen[i] = true;
                        return handle_key(p, &keys[i], value);
                }
        return wrong(p, "there is no key \"%.80s\" in section [%.80s]", name, section);
}

/* One line for inih, which would take an indented line for more of the one
 * before, and cut a long one in two. */
static char *read_line(char *buf, int size, void *stream) {
        Parser *p = stream;
        size_t n;

        if (*p->at == '\0')
                return NULL;
        p->line++;
        p->at += strspn(p->at, " \t");
        n = strcspn(p->at, "\n");
        if (n < (size_t) size) {
                memcpy(buf, p->at, n);
                buf[n] = '\0';
        } else {
                (void) wrong(p, "the line is longer than %d characters", size - 1);
                buf[0] = '\0';
        }
        p->at += n + (p->at[n] == '\n');
        return buf;
}

int config_parse(Config *c, const char *path, const char *text, char error[static 512]) {
        Parser p = { .config = c, .at = text };
        int line;

        line = ini_parse_stream(read_line, &p, handle, &p);
        if (line == 0 && !p.failed)
                return 0;
        /* inih knows its own complaints, and those of `handle` but not what they were. */
        if (p.failed && (line <= 0 || p.failed_line <= line))
                (void) snprintf(error, 512, "%.100s:%d: %s", path, p.failed_line, p.what);
        else
                (void) snprintf(error, 512, "%.100s:%d: %s", path, line > 0 ? line : 0,
                                line > 0 ? "this is neither a [section] nor KEY = VALUE" : "out of memory");
        return -EBADMSG;
}
