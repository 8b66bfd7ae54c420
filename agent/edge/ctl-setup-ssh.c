/* Setup: the other nodes' keys, by which they come in, and their host keys, by which
 * this node knows them. */
#include "adapter/ssh.h"
#include "edge/ctl-key.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-ssh.h"

#include <limits.h>

/* One key that shall come in; `own` is this node's, and `where` what it is of. */
static int wanted_key(Setup *s, const char *where, const char *text, const char *have, const char *own, FILE *f, size_t *added) {
        char line[KEY_LINE_MAX], error[256];
        const char *comment;
        int r;

        text += strspn(text, " \t");
        r = key_line(text, line, error);
        if (r < 0) {
                setup_missing(s, "", "%s cannot be used: %s", where, error);
                return 0;
        }
        comment = strrchr(line, ' ') + 1;
        /* One file with the keys of all serves all. */
        if (key_find(own, line) != 0)
                return 0;
        r = key_find(have, line);
        if (r == 2)
                setup_missing(s, "", "the key %s stands in " AUTHORIZED " with other rights than this one gives: it must say %.*s. Mend that line by hand.",
                              comment, (int) (strstr(line, "restrict") + 8 - line), line);
        else if (r == 1)
                setup_already(s, "the key %s may come in", comment);
        else {
                fprintf(f, "%s\n", line);
                (*added)++;
                setup_done(s, "let the key %s in, to the bus and nowhere else", comment);
        }
        return 0;
}

static size_t count_keys(const char *have) {
        size_t n = 0;

        for (const char *p = have; *p;) {
                size_t length = strcspn(p, "\n");

                if (length > 0 && *p != '#')
                        n++;
                p += length + (p[length] == '\n');
        }
        return n;
}

int setup_peer_keys(Setup *s) {
        _cleanup_free_ char *have = NULL, *given = s->keys ? strdup(s->keys) : NULL, *text = NULL, *own = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t added = 0, size, n, number = 0;
        int r;

        r = setup_read(AUTHORIZED, &have);
        if (r < 0 && r != -ENOENT)
                return r;
        if (!have && !(have = strdup("")))
                return -ENOMEM;
        if (s->keys && !given)
                return -ENOMEM;
        (void) setup_agent_read(SSH_KEY ".pub", &own);

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        fprintf(f, "%s%s", have, *have && have[strlen(have) - 1] != '\n' ? "\n" : "");
        for (size_t i = 0; i < s->args->n_peer_keys; i++)
                (void) wanted_key(s, "a key that was given", s->args->peer_key[i], have, str_or(own, ""), f, &added);
        for (char *p = given, *line; p && (line = strsep(&p, "\n"));) {
                KeyKind kind = key_kind(line);
                char where[PATH_MAX + 32];

                number++;
                if (kind == KEY_NOTHING || kind == KEY_HOST)
                        continue; /* that is for setup_known_hosts() */
                (void) snprintf(where, sizeof(where), "%s:%zu", s->args->peer_keys_file && !streq(s->args->peer_keys_file, "-") ? s->args->peer_keys_file : "the input", number);
                (void) wanted_key(s, where, line, have, str_or(own, ""), f, &added);
        }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;

        if (added > 0) {
                r = setup_write(AUTHORIZED, text, 0644);
                if (r < 0)
                        return r;
        }
        n = count_keys(have) + added;
        if (n < s->facts.config->n_peers)
                setup_missing(s, "mainstayctl setup HOST...: of the other nodes, where root's ssh leads there. Otherwise\n"
                              "mainstayctl setup --peer-keys FILE: what `mainstayctl setup --keys` prints on each of them.",
                              "the keys of other nodes: %zu may come in here, and there are %zu other nodes", n, s->facts.config->n_peers);
        else if (n > 0 && added == 0 && s->args->n_peer_keys == 0 && !given)
                setup_already(s, "%zu %s of other nodes may come in", n, n == 1 ? "key" : "keys");
        return 0;
}

/* As known_hosts calls it. */
static char *host_entry(const SshTarget *t) {
        char *s;

        if (t->port == 0 || t->port == 22)
                return strdup(t->host);
        return asprintf(&s, "[%s]:%u", t->host, (unsigned) t->port) < 0 ? NULL : s;
}

static bool host_known(const char *entry) {
        const char *argv[] = { "ssh-keygen", "-F", entry, "-f", KNOWN_HOSTS, NULL };

        return setup_run(argv, NULL, NULL) == 0;
}

static int hosts_append(const char *more) {
        _cleanup_free_ char *have = NULL, *text = NULL;
        int r;

        r = setup_agent_read(KNOWN_HOSTS, &have);
        if (r < 0 && r != -ENOENT)
                return r;
        if (asprintf(&text, "%s%s%s", str_or(have, ""), have && *have && have[strlen(have) - 1] != '\n' ? "\n" : "", more) < 0)
                return -ENOMEM;
        return setup_agent_write(KNOWN_HOSTS, text, 0644);
}

/* Those lines of the file that are not there yet. */
static int hosts_from_file(Setup *s, const char *path) {
        _cleanup_free_ char *given = NULL, *have = NULL, *more = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t n = 0, size;
        int r;

        r = setup_read(path, &given);
        if (r < 0) {
                setup_missing(s, "", "%s cannot be read: %s", path, strerror(-r));
                return 0;
        }
        r = setup_agent_read(KNOWN_HOSTS, &have);
        if (r < 0 && r != -ENOENT)
                return r;
        f = open_memstream(&more, &size);
        if (!f)
                return -ENOMEM;
        for (char *p = given, *line; (line = strsep(&p, "\n"));)
                if (*line && *line != '#' && !(have && strstr(have, line))) {
                        fprintf(f, "%s\n", line);
                        n++;
                }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        if (n == 0) {
                setup_already(s, "the host keys of %s are known", path);
                return 0;
        }
        r = hosts_append(more);
        if (r >= 0)
                setup_done(s, "took %zu host keys from %s", n, path);
        return r;
}

/* What the file of keys says of one node: by the name that it gives itself, or by that
 * under which it is reached. */
static int host_from_keys(Setup *s, const ConfigPeer *peer, const SshTarget *t, const char *entry) {
        _cleanup_free_ char *given = s->keys ? strdup(s->keys) : NULL, *text = NULL;
        bool gave_way = false, news = false;
        int r;

        r = setup_agent_read(KNOWN_HOSTS, &text);
        if (r == -ENOENT)
                r = (text = strdup("")) ? 0 : -ENOMEM;
        if (r < 0)
                return r;
        for (char *p = given, *line; p && (line = strsep(&p, "\n"));) {
                char ours[KEY_LINE_MAX], *merged;

                if (key_kind(line) != KEY_HOST || !(key_host_is(line, entry) || key_host_is(line, t->host) || key_host_is(line, peer->label)))
                        continue;
                key_host_line(line, entry, ours);
                r = key_host_merge(text, ours, &merged);
                if (r < 0)
                        return r;
                news = news || r > 0;
                gave_way = gave_way || r == 2;
                free(text);
                text = merged;
        }
        r = news ? setup_agent_write(KNOWN_HOSTS, text, 0644) : 0;
        if (r >= 0 && news)
                setup_done(s, gave_way ? "took the host key of %s from the file of keys, in place of another one" : "took the host key of %s from the file of keys", entry);
        return r;
}

static int host_scan(Setup *s, const SshTarget *t, const char *entry) {
        _cleanup_free_ char *keys = NULL;
        char port[8];
        const char *argv[] = { "ssh-keyscan", "-T", "5", "-p", port, "--", t->host, NULL };
        int r;

        (void) snprintf(port, sizeof(port), "%u", t->port ? (unsigned) t->port : 22U);
        r = setup_run(argv, &keys, NULL);
        if (r < 0)
                return r;
        if (!*keys) {
                setup_missing(s, "Is the machine up, is sshd running there, does a firewall let this node in? Then run this again,\n"
                                 "or give the keys: mainstayctl setup --known-hosts FILE",
                              "the host key of %s: no sshd answers there", entry);
                return 0;
        }
        r = hosts_append(keys);
        if (r >= 0)
                setup_done(s, "took the host key of %s on trust, as it came over the network. To be sure, compare: `ssh-keygen -l -F %s -f " KNOWN_HOSTS
                              "` here, and `ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub` there", entry, entry);
        return r;
}

int setup_known_hosts(Setup *s) {
        const Config *c = s->facts.config;
        int r = 0;

        if (s->args->known_hosts_file && s->pass == 0)
                r = hosts_from_file(s, s->args->known_hosts_file);
        for (size_t i = 0; r >= 0 && i < c->n_peers; i++) {
                _cleanup_free_ char *entry = NULL;
                SshTarget t;

                if (address_is_bus(c->peer[i].address))
                        continue;
                if (ssh_target_parse(c->peer[i].address, &t) < 0) {
                        setup_missing(s, "It is HOST, ssh:USER@HOST:PORT, or an address of D-Bus.", "the address of %s cannot be understood: %s",
                                      c->peer[i].label, c->peer[i].address);
                        continue;
                }
                entry = host_entry(&t);
                if (!entry)
                        return -ENOMEM;
                r = s->keys ? host_from_keys(s, &c->peer[i], &t, entry) : 0;
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                if (host_known(entry))
                        setup_already(s, "the host key of %s is known", entry);
                else if (s->args->check)
                        setup_missing(s, "", "the host key of %s, in " KNOWN_HOSTS, entry);
                else
                        r = host_scan(s, &t, entry);
        }
        return r;
}
