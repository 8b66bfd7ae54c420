/* `mainstayctl setup HOST...`: the same on those hosts, through root's own ssh, with the
 * keys of all in everybody's hands.
 *
 * What goes from here to there goes through that ssh, which knows whom it talks to, and
 * on standard input; so no key is taken on trust, and none of it is seen by `ps`. ssh is
 * not to ask anything: there may be nobody, and several of them run at a time. */
#include "adapter/ssh.h"
#include "domain/credentials.h"
#include "edge/ctl-key.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-setup-undo.h"
#include "edge/ctl-ssh.h"
#include "sys/process.h"

#include <fcntl.h>
#include <sys/mman.h>

#define TIMEOUT (600 * USEC_PER_SEC)
#define OUTPUT_MAX ((size_t) 1024 * 1024)
#define WAIT 30 /* seconds, where nothing is said: all of them are set up at once */
#define NOT_THERE 127

typedef struct Remote {
        const char *host;
        Process *process;
        bool done;
        int status; /* the exit status, or a negative errno */
        char *output, *complaint;
} Remote;

static void remote_done(Process *p, const ProcessResult *result, void *userdata) {
        Remote *r = userdata;

        r->done = true;
        r->status = result->error < 0 ? result->error : result->status;
        free(r->output);
        free(r->complaint);
        r->output = strdup(result->output);
        r->complaint = strdup(result->complaint);
        if (!r->output || !r->complaint)
                r->status = -ENOMEM;
}

/* A file without a name that holds `text`, from its beginning. */
static int text_fd(const char *text) {
        _cleanup_close_ int fd = memfd_create("input", MFD_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        for (size_t n = strlen(text), at = 0; at < n;) {
                ssize_t w = write(fd, text + at, n - at);

                if (w < 0)
                        return -errno;
                at += (size_t) w;
        }
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        r = fd;
        fd = -1;
        return r;
}

/* `words` are plain: no shell finds anything in them. */
static int remote_start(Remote *remote, sd_event *event, const char *words, const char *input) {
        _cleanup_free_ char *command = NULL;
        _cleanup_close_ int fd = -1;
        const char *const argv[] = { "ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", remote->host, NULL, NULL };
        const char *full[ELEMENTS(argv)];
        ProcessSpec spec = { .argv = full, .timeout = TIMEOUT, .output_max = OUTPUT_MAX, .error_max = 4096 };

        /* Whoever comes in there as another than root has sudo. */
        if (asprintf(&command, "sh -c 's=; [ $(id -u) = 0 ] || s=\"sudo -n\"; command -v mainstayctl > /dev/null || exit %d; exec $s mainstayctl setup %s'",
                     NOT_THERE, words) < 0) {
                command = NULL;
                return -ENOMEM;
        }
        memcpy(full, argv, sizeof(argv));
        full[ELEMENTS(argv) - 2] = command;
        if (input) {
                fd = text_fd(input);
                if (fd < 0)
                        return fd;
                spec.input = fd;
        }
        remote->done = false;
        return process_new(event, &spec, remote_done, remote, &remote->process);
}

static int remotes_start(Remote *remotes, size_t n, sd_event *event, const char *words, const char *input) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = remote_start(&remotes[i], event, words, input);
        return r;
}

static int remotes_wait(Remote *remotes, size_t n, sd_event *event) {
        for (size_t i = 0; i < n; i++) {
                while (!remotes[i].done) {
                        int r = sd_event_run(event, UINT64_MAX);

                        if (r < 0)
                                return r;
                }
                remotes[i].process = process_free(remotes[i].process);
        }
        return 0;
}

/* 0 where Mainstay ran there, whatever it had to say; else it says why not. */
static int remote_failed(const Remote *r) {
        char reason[SSH_REASON_SIZE];

        if (r->status == NOT_THERE)
                fprintf(stderr, "mainstayctl: %s: Mainstay is not installed there.\n  Install it, then run this again.\n", r->host);
        else if (r->status == -ENOENT)
                fprintf(stderr, "mainstayctl: %s: there is no ssh on this machine.\n  Install it (openssh-client), or carry the keys by hand: mainstayctl setup --keys\n", r->host);
        else if (r->status == 255)
                fprintf(stderr, "mainstayctl: %s: %s.\n  This has to work without a question: ssh %s true\n"
                                "  Where it cannot, carry the keys by hand: mainstayctl setup --keys\n",
                        r->host, ssh_reason(str_or(r->complaint, ""), r->status, reason), r->host);
        else if (r->status < 0)
                fprintf(stderr, "mainstayctl: %s: %s\n", r->host, strerror(-r->status));
        else
                return 0;
        return -EIO;
}

static int remotes_failed(const Remote *remotes, size_t n) {
        int r = 0;

        for (size_t i = 0; i < n; i++)
                if (remote_failed(&remotes[i]) < 0)
                        r = -EIO;
        return r;
}

/* What is said of keys, and by whom. */
typedef struct Source {
        const char *host, *text;
        bool given; /* by a person, who need not have said all */
} Source;

static const char *name_of(const char *host) {
        const char *at = strrchr(host, '@');

        return at ? at + 1 : host;
}

bool setup_is_host(const Args *a, const char *name) {
        for (size_t i = 0; i < a->n_hosts; i++)
                if (strcasecmp(name_of(a->setup_host[i]), name) == 0)
                        return true;
        return false;
}

/* Who else goes by that name, with other keys than `line` has; NULL where nobody does. */
static const char *rival(const Source *sources, size_t n, size_t i, const char *name, const char *line) {
        for (size_t j = 0; j < n; j++) {
                int said = j == i ? 1 : key_host_said(sources[j].text, name, line);

                if (sources[i].given || sources[j].given ? said == 2 || said < 0
                                                         : said != 1 && (said != 0 || strcasecmp(name_of(sources[j].host), name) == 0))
                        return sources[j].host;
        }
        return NULL;
}

/* Is it known here as the name of a node? */
static bool is_node(const Setup *s, const char *name) {
        const Config *c = s->facts.config;
        SshTarget target;

        if (setup_is_host(s->args, name))
                return true;
        for (size_t i = 0; i < c->n_peers; i++)
                if (strcasecmp(c->peer[i].label, name) == 0 || (ssh_target_parse(c->peer[i].address, &target) >= 0 && strcasecmp(target.host, name) == 0))
                        return true;
        return strcasecmp(str_or(c->name, str_or(s->facts.options.node_name, "")), name) == 0;
}

/* What one host says, for all; but none says what the key of another one is. A name that
 * several have, and no node is known by, is left out: such as the address of a bridge
 * that each machine has for its containers. */
static int add_keys(const Setup *s, const Source *sources, size_t n, size_t i, FILE *f) {
        _cleanup_free_ char *text = strdup(sources[i].text);

        if (!text)
                return -ENOMEM;
        for (char *p = text, *line; (line = strsep(&p, "\n"));) {
                _cleanup_free_ char *entries = NULL;
                const char *key;
                size_t kept = 0;

                line += strspn(line, " \t");
                key = line + strcspn(line, " \t");
                if (key_kind(line) != KEY_HOST) {
                        fprintf(f, "%s\n", line);
                        continue;
                }
                entries = strndup(line, (size_t) (key - line));
                if (!entries)
                        return -ENOMEM;
                for (char *q = entries, *entry; (entry = strsep(&q, ","));) {
                        char name[KEY_NAME_MAX];
                        const char *other;

                        key_host_machine(entry, name);
                        other = rival(sources, n, i, name, line);
                        if (!other)
                                fprintf(f, "%s%s", kept++ > 0 ? "," : "", entry);
                        else if (is_node(s, name)) {
                                fprintf(stderr, "mainstayctl: %s and %s have different host keys for one name, %s.\n"
                                                "  No key was carried anywhere. Compare what `mainstayctl setup --keys` prints on each: one has a name or an\n"
                                                "  address that is not its own, or a key that is no more. Mend that, then run this again.\n", sources[i].host, other, name);
                                return -EIO;
                        }
                }
                if (kept > 0)
                        fprintf(f, "%s\n", key);
        }
        return 0;
}

/* The keys of all, this node's among them, into s->keys. With the account that
 * replicates, for which standard input is free now. */
static int gather(Setup *s, Remote *remotes, size_t n, sd_event *event) {
        _cleanup_free_ char *words = NULL, *own = NULL, *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        const char *user = s->args->replication_user;
        Source sources[ARGS_FILES_MAX + 2];
        size_t size;
        int r;

        s->only_news = true;
        setup_steps_for_keys(s);
        s->only_news = false;
        r = setup_own_keys(s, &own);
        if (r < 0) {
                fprintf(stderr, "mainstayctl: This node has no key: %s.\n", strerror(-r));
                return -EIO;
        }
        setup_forget_lacks(s);

        if (user ? asprintf(&words, "--keys --replication-user %s --replication-password-file -", user) < 0 : !(words = strdup("--keys")))
                return -ENOMEM;
        r = remotes_start(remotes, n, event, words, s->password);
        if (r >= 0)
                r = remotes_wait(remotes, n, event);
        if (r < 0)
                return r;
        r = remotes_failed(remotes, n);

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        sources[n] = (Source) { "this node", own, false };
        sources[n + 1] = (Source) { "the file of keys", str_or(s->keys, ""), true };
        for (size_t i = 0; i < n; i++) {
                if (r >= 0 && remotes[i].status != 0) {
                        fprintf(stderr, "%s\nmainstayctl: %s has no key yet.\n", str_or(remotes[i].complaint, ""), remotes[i].host);
                        r = -EIO;
                }
                sources[i] = (Source) { remotes[i].host, str_or(remotes[i].output, ""), false };
        }
        for (size_t i = 0; r >= 0 && i < n + 2; i++)
                r = add_keys(s, sources, n + 2, i, f);
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        free(s->keys);
        s->keys = TAKE(text);
        return r;
}

static int words_for(const Args *a, char **ret) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        if (a->check || a->undo)
                fputs(a->check ? "--check" : "--undo", f);
        else
                fprintf(f, "--peer-keys - --wait %lld", (long long) (a->wait > 0 ? a->wait : WAIT));
        for (size_t i = 0; i < a->force.n; i++)
                fprintf(f, " --force %s", a->force.name[i]);
        if (a->json)
                fputs(" --json", f);
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return 0;
}

static int here(Setup *s) {
        return s->args->undo ? setup_undo(s) : setup_all(s);
}

static int finish(Setup *s, Remote *remotes, size_t n, int own) {
        json_t *nodes = s->args->json ? json_array() : NULL;
        bool ok = own == CTL_OK && remotes_failed(remotes, n) >= 0, changed = s->changed;

        for (size_t i = 0; i < n; i++) {
                const char *output = str_or(remotes[i].output, "");
                json_t *said = nodes ? json_loads(output, 0, NULL) : NULL;

                ok = ok && remotes[i].status == 0;
                changed = changed || json_is_true(json_object_get(said, "changed"));
                if (nodes)
                        (void) json_array_append_new(nodes, json_pack("{s:s, s:o?}", "host", remotes[i].host, "setup", said));
                else {
                        printf("\n%s%s:%s\n%s", style_begin(&s->style, COLOUR_BOLD), remotes[i].host, style_end(&s->style, COLOUR_BOLD), output);
                        (void) fflush(stdout);
                        if (remotes[i].complaint && remotes[i].status != 255)
                                fputs(remotes[i].complaint, stderr);
                }
        }
        if (nodes) {
                json_t *o = json_pack("{s:b, s:b, s:o, s:o}", "ready", ok, "changed", changed, "here", setup_to_json(s), "others", nodes);

                (void) json_dumpf(o, stdout, JSON_INDENT(2));
                json_decref(o);
                putchar('\n');
        }
        return ok ? CTL_OK : CTL_FAILED;
}

static int run(Setup *s, Remote *remotes, size_t n, sd_event *event) {
        _cleanup_free_ char *words = NULL;
        Args all = *s->args;
        int r, own;

        r = words_for(s->args, &words);
        if (r < 0)
                return r;
        if (s->args->check || s->args->undo) {
                /* This node's is undone last: it is the one that sees whether anybody is left. */
                if (s->args->undo)
                        peers_look(s);
                r = remotes_start(remotes, n, event, words, NULL);
                if (r >= 0)
                        r = remotes_wait(remotes, n, event);
                if (r < 0)
                        return r;
                s->others_undone = s->args->undo;
                for (size_t i = 0; i < n; i++)
                        s->others_undone = s->others_undone && remotes[i].status == 0;
                own = here(s);
                return finish(s, remotes, n, own);
        }
        r = gather(s, remotes, n, event);
        if (r < 0)
                return r;
        if (all.wait == 0)
                all.wait = WAIT;
        s->args = &all;
        r = remotes_start(remotes, n, event, words, s->keys);
        if (r < 0)
                return r;
        own = here(s);
        r = remotes_wait(remotes, n, event);
        return r < 0 ? r : finish(s, remotes, n, own);
}

int setup_hosts(Setup *s) {
        Remote remotes[ARGS_FILES_MAX] = {};
        sd_event *event = NULL;
        const Args *args = s->args;
        size_t n = args->n_hosts;
        int r;

        for (size_t i = 0; i < n; i++)
                remotes[i].host = args->setup_host[i];
        r = args->replication_user ? setup_password(s) : 0;
        if (r >= 0)
                r = sd_event_new(&event);
        if (r >= 0)
                r = run(s, remotes, n, event);
        s->args = args;
        if (r == -ENOENT)
                (void) remote_failed(&(Remote) { .host = remotes[0].host, .status = r });
        else if (r < 0 && r != -EIO)
                fprintf(stderr, "mainstayctl: %s\n", strerror(-r));
        for (size_t i = 0; i < n; i++) {
                remotes[i].process = process_free(remotes[i].process);
                free(remotes[i].output);
                free(remotes[i].complaint);
        }
        (void) sd_event_unref(event);
        return r < 0 ? CTL_FAILED : r;
}
