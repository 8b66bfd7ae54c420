/* Setup: what this node shows to the others: its agent's key, and the host keys of its
 * machine. Of the private ones none leaves it. */
#include "edge/ctl-key.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-ssh.h"

#include <arpa/inet.h>
#include <glob.h>
#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>

#define HOST_KEYS "/etc/ssh/ssh_host_*_key.pub"

static bool all_by_bus(const Config *c) {
        for (size_t i = 0; i < c->n_peers; i++)
                if (!address_is_bus(c->peer[i].address))
                        return false;
        return c->n_peers > 0;
}

/* Under whichever name the system has it. */
static bool server_runs(void) {
        static const char *const units[] = { "ssh.service", "sshd.service", "ssh.socket", "sshd.socket" };

        for (size_t i = 0; i < ELEMENTS(units); i++) {
                const char *const argv[] = { "systemctl", "--quiet", "is-active", units[i], NULL };

                if (setup_run(argv, NULL, NULL) == 0)
                        return true;
        }
        return false;
}

int setup_ssh(Setup *s) {
        static const char *const client[] = { "ssh", "ssh-keygen", "ssh-keyscan" };
        bool there = true;

        if (all_by_bus(s->facts.config))
                return 0;
        for (size_t i = 0; i < ELEMENTS(client); i++)
                if (!setup_program(client[i])) {
                        setup_missing(s, "apt-get install openssh-client, or what this system calls it", "%s: by ssh this node's agent reaches the others", client[i]);
                        there = false;
                }
        if (!setup_program("sshd"))
                setup_missing(s, "apt-get install openssh-server, or what this system calls it", "sshd: through it the other nodes' agents come in here");
        else if (!server_runs())
                setup_missing(s, "systemctl enable --now ssh; where it is called so: sshd", "an sshd that runs: through it the other nodes' agents come in here");
        else if (there)
                setup_already(s, "ssh, and an sshd that runs");
        return 0;
}

static const char *own_name(const Facts *f, char host[static 256]) {
        (void) gethostname(host, 255);
        host[255] = '\0';
        return str_or(f->config->name, str_or(f->options.node_name, host));
}

/* The directory is the agent's own, and what lies there may lead elsewhere. */
typedef struct AgentFile {
        const char *path, *text; /* NULL: to be read, or, without `ret`, removed */
        mode_t mode;
        char **ret;
} AgentFile;

static int file_remove(const char *path) {
        if (unlink(path) < 0)
                return errno == ENOENT ? 0 : -errno;
        return setup_sync(path);
}

static int file_as(const struct passwd *agent, const AgentFile *f) {
        gid_t groups[NGROUPS_MAX];
        int n = getgroups(NGROUPS_MAX, groups), r;

        r = n < 0 || setgroups(1, &agent->pw_gid) < 0 || setegid(agent->pw_gid) < 0 || seteuid(agent->pw_uid) < 0 ? -errno : 0;
        if (r >= 0)
                r = f->text ? setup_write(f->path, f->text, f->mode) : f->ret ? setup_read(f->path, f->ret) : file_remove(f->path);
        if (n >= 0 && (seteuid(0) < 0 || setegid(0) < 0 || setgroups((size_t) n, groups) < 0))
                return -errno;
        return r;
}

int setup_agent_read(const char *path, char **ret) {
        const struct passwd *agent = getpwnam(AGENT_USER);

        return agent ? file_as(agent, &(AgentFile) { .path = path, .ret = ret }) : -ENOENT;
}

int setup_agent_write(const char *path, const char *text, mode_t mode) {
        const struct passwd *agent = getpwnam(AGENT_USER);

        return agent ? file_as(agent, &(AgentFile) { .path = path, .text = text, .mode = mode }) : -ENXIO;
}

int setup_put_key(const struct passwd *agent, const char *path, const char *private, const char *public) {
        _cleanup_free_ char *beside = NULL;
        int r;

        if (asprintf(&beside, "%s.pub", path) < 0) {
                beside = NULL;
                return -ENOMEM;
        }
        /* At no moment another key's. */
        r = private ? file_as(agent, &(AgentFile) { .path = beside }) : 0;
        if (r >= 0 && private)
                r = file_as(agent, &(AgentFile) { .path = path, .text = private, .mode = 0600 });
        return r < 0 ? r : file_as(agent, &(AgentFile) { .path = beside, .text = public, .mode = 0644 });
}

static int put_key(const char *private, const char *public) {
        const struct passwd *agent = getpwnam(AGENT_USER);

        return agent ? setup_put_key(agent, SSH_KEY, private, public) : -ENXIO;
}

/* The public key of a private one, as ssh-keygen says it: with a comment only where the
 * private one has it. */
static int public_line(Setup *s, char *public, char **ret) {
        char host[256];

        public[strcspn(public, "\n")] = 0;
        if (asprintf(ret, strchr(public, ' ') && strchr(strchr(public, ' ') + 1, ' ') ? "%s\n" : "%s " AGENT_USER "@%s\n", public, own_name(&s->facts, host)) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

/* A key that is made elsewhere, as where a machine is made from a template. */
static int take_key(Setup *s, const char *have) {
        const char *const argv[] = { "ssh-keygen", "-y", "-P", "", "-f", s->args->key_file, NULL };
        _cleanup_free_ char *public = NULL, *private = NULL, *complaint = NULL, *line = NULL;
        int r;

        if (setup_run(argv, &public, &complaint) != 0) {
                setup_missing(s, "It is a private key of ssh without a passphrase, which nobody but root may read:\n"
                                 "ssh-keygen -t ed25519 -N '' -C mainstay@NODE -f FILE", "a key that can be used, in %s: %s", s->args->key_file, str_or(complaint, "ssh-keygen does not say why"));
                return 0;
        }
        r = public_line(s, public, &line);
        if (r < 0)
                return r;
        if (have && strncmp(have, public, strlen(public)) == 0) {
                setup_already(s, "this node has the key of %s", s->args->key_file);
                return 1;
        }
        r = setup_read(s->args->key_file, &private);
        if (r < 0)
                return r;
        r = put_key(private, line);
        explicit_bzero(private, strlen(private));
        if (r < 0)
                return r;
        s->restart_agent = true;
        setup_done(s, have ? "took this node's key from %s, in place of the one that it had" : "took this node's key from %s", s->args->key_file);
        return 1;
}

/* A private key without its public one, as a setup that was cut off leaves it: the other
 * nodes may know that one, so no other is made. Its directory is the agent's. */
static int complete_key(Setup *s) {
        const char *argv[16];
        _cleanup_free_ char *public = NULL, *line = NULL;
        size_t n = setup_as_agent(argv);
        int r;

        memcpy(argv + n, (const char *const []) { "ssh-keygen", "-y", "-P", "", "-f", SSH_KEY, NULL }, 7 * sizeof(argv[0]));
        if (setup_run(argv, &public, NULL) != 0 || !strchr(public, ' ')) {
                setup_missing(s, "Make it of the private one, which is there: ssh-keygen -y -f " SSH_KEY " > " SSH_KEY ".pub\n"
                                 "Or, where that is no key, remove it, and run this again.", SSH_KEY ".pub");
                return 0;
        }
        r = public_line(s, public, &line);
        if (r >= 0)
                r = put_key(NULL, line);
        if (r >= 0)
                setup_done(s, "made " SSH_KEY ".pub of the private key, which was there");
        return r;
}

/* Where ssh-keygen makes a key: in memory, and root's alone. */
#define MAKING "/run/mainstay-key"
#define MADE "/run/mainstay-key/id_ed25519"

/* ssh-keygen brings nothing to the disk, and writes the private key first. Cut off, it
 * would leave half a key, over which it does not write again, or an empty one, which
 * would be taken for good. So both are made elsewhere, and then put in place whole. */
static int make_key(Setup *s) {
        const char *const argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", NULL, "-f", MADE, NULL };
        _cleanup_free_ char *comment = NULL, *private = NULL, *public = NULL;
        const char *words[ELEMENTS(argv)];
        char host[256];
        int r;

        if (asprintf(&comment, AGENT_USER "@%s", own_name(&s->facts, host)) < 0) {
                comment = NULL;
                return -ENOMEM;
        }
        memcpy(words, argv, sizeof(argv));
        words[7] = comment;
        if (mkdir(MAKING, 0700) < 0 && errno != EEXIST)
                return -errno;
        (void) unlink(MADE); /* of one that was cut off */
        if (setup_must(s, words) >= 0) {
                r = setup_read(MADE, &private);
                if (r >= 0)
                        r = setup_read(MADE ".pub", &public);
                if (r >= 0)
                        r = put_key(private, public);
                if (private)
                        explicit_bzero(private, strlen(private));
                if (r >= 0)
                        setup_done(s, "made this node's key, " SSH_KEY);
        } else
                r = 0; /* and that is told */
        (void) unlink(MADE);
        (void) unlink(MADE ".pub");
        (void) rmdir(MAKING);
        return r;
}

int setup_key(Setup *s) {
        _cleanup_free_ char *public = NULL, *private = NULL;
        int r;

        if (!setup_program("ssh-keygen"))
                return 0; /* told already */
        r = setup_agent_read(SSH_KEY ".pub", &public);
        if (r < 0 && r != -ENOENT)
                return r;
        if (s->args->key_file) {
                r = take_key(s, public);
                return r < 0 ? r : 0;
        }
        if (r == -ENOENT && s->args->check)
                setup_missing(s, "", "this node's key, " SSH_KEY);
        else if (r == -ENOENT) {
                r = setup_agent_read(SSH_KEY, &private);
                if (private)
                        explicit_bzero(private, strlen(private));
                if (r == -ENOENT)
                        return make_key(s);
                return r < 0 ? r : complete_key(s);
        } else
                setup_already(s, "this node has a key");
        return 0;
}

/* Names of this node, as others may have them: a list with commas, each once. */
typedef struct Nicknames {
        FILE *f;
        size_t n;
        char *seen[64];
} Nicknames;

static int nickname(const char *name, void *userdata) {
        Nicknames *k = userdata;

        for (size_t i = 0; i < k->n; i++)
                if (strcasecmp(k->seen[i], name) == 0)
                        return 0;
        /* What known_hosts takes for something else. */
        if (!*name || strpbrk(name, ", \t*?!|@#\n") || streq(name, "localhost") || k->n == ELEMENTS(k->seen) || !(k->seen[k->n] = strdup(name)))
                return 0;
        fprintf(k->f, "%s%s", k->n++ > 0 ? "," : "", name);
        return 0;
}

/* In the server's configuration stand all nodes. */
static int own_nickname(const char *host, void *userdata) {
        return facts_is_own(host) ? nickname(host, userdata) : 0;
}

static void nickname_addresses(Nicknames *k) {
        struct ifaddrs *list = NULL;

        if (getifaddrs(&list) < 0)
                return;
        for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
                char text[INET6_ADDRSTRLEN] = "";

                if (!i->ifa_addr || (i->ifa_flags & IFF_LOOPBACK))
                        continue;
                if (i->ifa_addr->sa_family == AF_INET)
                        (void) inet_ntop(AF_INET, &((const struct sockaddr_in *) (const void *) i->ifa_addr)->sin_addr, text, sizeof(text));
                else if (i->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *) (const void *) i->ifa_addr)->sin6_addr))
                        (void) inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) (const void *) i->ifa_addr)->sin6_addr, text, sizeof(text));
                (void) nickname(text, k);
        }
        freeifaddrs(list);
}

static int nicknames(const Facts *f, char **ret) {
        _cleanup_free_ char *text = NULL;
        Nicknames k = {};
        char host[256];
        size_t size;
        int r;

        k.f = open_memstream(&text, &size);
        if (!k.f)
                return -ENOMEM;
        (void) nickname(own_name(f, host), &k);
        (void) gethostname(host, sizeof(host) - 1);
        (void) nickname(host, &k);
        if (f->options.cluster_address)
                (void) options_cluster_hosts(f->options.cluster_address, own_nickname, &k);
        nickname_addresses(&k);
        for (size_t i = 0; i < k.n; i++)
                free(k.seen[i]);
        r = fclose(k.f) == 0 ? 0 : -ENOMEM;
        if (r >= 0)
                *ret = TAKE(text);
        return r;
}

int setup_own_keys(Setup *s, char **ret) {
        _cleanup_free_ char *text = NULL, *names = NULL, *public = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        glob_t found = {};
        size_t size;
        int r;

        r = setup_agent_read(SSH_KEY ".pub", &public);
        if (r >= 0)
                r = nicknames(&s->facts, &names);
        if (r < 0)
                return r;
        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        public[strcspn(public, "\n")] = 0;
        fprintf(f, "%s\n", public);
        if (glob(HOST_KEYS, 0, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc; i++) {
                        _cleanup_free_ char *key = NULL;
                        char line[KEY_LINE_MAX];

                        if (setup_read(found.gl_pathv[i], &key) < 0 || key_kind(key) != KEY_AGENT)
                                continue;
                        /* As a line of the same shape: a name before the key. */
                        char *whole;
                        if (asprintf(&whole, "- %s", key) < 0)
                                continue;
                        key_host_line(whole, names, line);
                        free(whole);
                        fprintf(f, "%s\n", line);
                }
        globfree(&found);
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return 0;
}

int setup_print_keys(Setup *s) {
        static const char *const restart[] = { "systemctl", "try-restart", AGENT_UNIT, NULL };
        _cleanup_free_ char *keys = NULL;
        int r;

        s->quiet = true;
        setup_steps_for_keys(s);
        /* Another key or account than it began with; later nobody knows that any more. */
        if (s->restart_agent)
                (void) setup_must(s, restart);
        r = setup_own_keys(s, &keys);
        if (r < 0) {
                if (s->missing == 0 || s->args->json)
                        fprintf(stderr, "mainstayctl: This node has no key: %s.\n", strerror(-r));
                return CTL_FAILED;
        }
        if (s->args->json) {
                json_t *o = json_pack("{s:b, s:[]}", "changed", s->changed, "keys"), *list = json_object_get(o, "keys");

                for (char *p = keys, *line; (line = strsep(&p, "\n"));)
                        if (*line)
                                (void) json_array_append_new(list, json_string(line));
                (void) json_dumpf(o, stdout, JSON_INDENT(2));
                json_decref(o);
                putchar('\n');
        } else
                fputs(keys, stdout);
        return CTL_OK;
}
