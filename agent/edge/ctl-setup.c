/* `mainstayctl setup`: the order of its steps, and what they share; see
 * ctl-setup.h. */
#include "domain/credentials.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-verbs.h"
#include "sys/file.h"
#include "sys/process.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <systemd/sd-event.h>
#include <time.h>

#define RUN_TIMEOUT (120 * USEC_PER_SEC)
#define FILE_MAX ((size_t) 1024 * 1024)

static void print_step(FILE *f, const Style *style, const char *state, Colour colour, const char *text, const char *remedy) {
        fprintf(f, "%s%-10s%s  ", style_begin(style, colour), state, style_end(style, colour));
        text_print(f, style, 12, true, text);
        /* What is to be typed is to be copied: its lines stay as they are. */
        for (const char *p = remedy; *p;) {
                size_t n = strcspn(p, "\n");

                fprintf(f, "%12s%.*s\n", "", (int) n, p);
                p += n + (p[n] == '\n');
        }
        (void) fflush(f);
}

#define STATE_MISSING "missing"
#define STATE_LATER "later"

static bool is_lack(const char *state) {
        return streq(state, STATE_MISSING) || streq(state, STATE_LATER);
}

static Colour colour_of(const char *state) {
        return streq(state, STATE_MISSING) ? COLOUR_RED : COLOUR_YELLOW;
}

static void say(Setup *s, const char *state, Colour colour, const char *text, const char *remedy) {
        bool lack = is_lack(state), news = lack || streq(state, "done");
        json_t *o;

        if ((s->pass > 0 || s->only_news) && !news)
                return; /* told the first time, or told yet */
        if (s->args->json || (s->waits && lack)) {
                o = json_pack("{s:s, s:s, s:s, s:s?}", "step", s->step, "state", state, "text", text, "remedy", *remedy ? remedy : NULL);
                if (o)
                        (void) json_array_append_new(s->steps, o);
        } else if (!s->quiet)
                print_step(stdout, &s->style, state, colour, text, remedy);
        if (s->quiet && lack && !s->args->json)
                fprintf(stderr, "mainstayctl: %s: %s%s%s\n", state, text, *remedy ? "\n  " : "", remedy);
}

#define DEFINE_SAY(name, state, colour, changes)                              \
        void name(Setup *s, const char *format, ...) {                        \
                _cleanup_free_ char *text = NULL;                             \
                va_list ap;                                                   \
                                                                              \
                va_start(ap, format);                                         \
                if (vasprintf(&text, format, ap) < 0)                         \
                        text = NULL;                                          \
                va_end(ap);                                                   \
                s->changed = s->changed || (changes);                         \
                if (text)                                                     \
                        say(s, state, colour, text, "");                      \
        }

DEFINE_SAY(setup_already, "already so", COLOUR_DIM, false)
DEFINE_SAY(setup_done, "done", COLOUR_GREEN, true)
DEFINE_SAY(setup_note, "note", COLOUR_NONE, false)

/* What is missing, without why. */
static size_t short_length(const char *text) {
        static const char *const ends[] = { ": ", ". ", ", " };
        size_t n = strlen(text);

        for (size_t i = 0; i < ELEMENTS(ends); i++) {
                const char *at = strstr(text, ends[i]);
                if (at && (size_t) (at - text) < n)
                        n = (size_t) (at - text);
        }
        return n;
}

static _printf_(5, 0) void say_lack(Setup *s, const char *state, json_t *list, const char *remedy, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                return;
        }
        say(s, state, colour_of(state), text, remedy);
        (void) json_array_append_new(list, json_stringn(text, short_length(text)));
}

void setup_missing(Setup *s, const char *remedy, const char *format, ...) {
        va_list ap;

        s->missing++;
        s->missing_of_others += s->of_others;
        va_start(ap, format);
        say_lack(s, STATE_MISSING, s->short_missing, remedy, format, ap);
        va_end(ap);
}

void setup_later(Setup *s, const char *remedy, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say_lack(s, STATE_LATER, s->short_later, remedy, format, ap);
        va_end(ap);
}

typedef struct Run {
        sd_event *event;
        int status;
        char *output, *complaint;
} Run;

static void on_done(Process *p, const ProcessResult *result, void *userdata) {
        Run *run = userdata;

        run->status = result->error < 0 ? result->error : result->status;
        run->output = strdup(result->output ? result->output : "");
        run->complaint = strdup(result->complaint ? result->complaint : "");
        if (!run->output || !run->complaint)
                run->status = -ENOMEM;
        (void) sd_event_exit(run->event, 0);
}

int setup_run(const char *const *argv, char **ret_output, char **ret_complaint) {
        ProcessSpec spec = { .argv = argv, .timeout = RUN_TIMEOUT, .output_max = FILE_MAX, .error_max = 4096 };
        Process *process = NULL;
        Run run = {};
        int r;

        r = sd_event_new(&run.event);
        if (r >= 0)
                r = process_new(run.event, &spec, on_done, &run, &process);
        if (r >= 0)
                r = sd_event_loop(run.event);
        process = process_free(process);
        (void) sd_event_unref(run.event);

        if (ret_output)
                *ret_output = run.output ? TAKE(run.output) : strdup("");
        if (ret_complaint)
                *ret_complaint = run.complaint ? TAKE(run.complaint) : strdup("");
        free(run.output);
        free(run.complaint);
        return r < 0 ? r : run.status;
}

int setup_must(Setup *s, const char *const *argv) {
        _cleanup_free_ char *complaint = NULL, *command = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;
        int r;

        r = setup_run(argv, NULL, &complaint);
        if (r == 0)
                return 0;
        f = open_memstream(&command, &size);
        if (!f)
                return -ENOMEM;
        for (size_t i = 0; argv[i]; i++)
                fprintf(f, "%s%s", i > 0 ? " " : "", argv[i]);
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        setup_missing(s, "", "`%s` failed: %s", command, r < 0 ? strerror(-r) : str_or(complaint, "it did not say why"));
        return r < 0 ? r : -EIO;
}

int setup_stdin(size_t max, char **ret) {
        char *text = calloc(1, max + 2);
        size_t n;

        if (!text)
                return -ENOMEM;
        n = fread(text, 1, max + 1, stdin);
        if (ferror(stdin) || n > max || strlen(text) != n) {
                explicit_bzero(text, max + 1);
                free(text);
                return n > max ? -E2BIG : -EIO;
        }
        *ret = text;
        return 0;
}

bool setup_program(const char *name) {
        static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
        char path[PATH_MAX];

        for (size_t i = 0; i < ELEMENTS(dirs); i++) {
                (void) snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
                if (access(path, X_OK) == 0)
                        return true;
        }
        return false;
}

int setup_read(const char *path, char **ret) {
        size_t size;

        return file_read(AT_FDCWD, path, FILE_MAX, ret, &size, NULL);
}

int setup_sync(const char *path) {
        _cleanup_free_ char *dir = strdup(path);
        _cleanup_close_ int fd = -1;
        char *slash;

        if (!dir)
                return -ENOMEM;
        slash = strrchr(dir, '/');
        slash[slash == dir] = 0;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : directory_sync(fd);
}

/* As `mkdir -p`, durably. */
static int make_parents(const char *path) {
        char dir[PATH_MAX];

        if (strlen(path) >= sizeof(dir))
                return -ENAMETOOLONG;
        (void) strcpy(dir, path);
        for (char *p = dir + 1; (p = strchr(p, '/')); p++) {
                int r;

                *p = 0;
                if (mkdir(dir, 0755) < 0 && errno != EEXIST)
                        return -errno;
                r = setup_sync(dir);
                /* Above there may be what even root cannot sync. */
                if (r < 0 && r != -EINVAL && r != -EACCES)
                        return r;
                *p = '/';
        }
        return 0;
}

int setup_write(const char *path, const char *text, mode_t mode) {
        _cleanup_free_ char *have = NULL, *dir = NULL;
        _cleanup_close_ int fd = -1;
        char *slash;
        int r;

        r = setup_read(path, &have);
        if (r >= 0 && streq(have, text))
                return 0;
        if (r < 0 && r != -ENOENT)
                return r;

        r = make_parents(path);
        if (r < 0)
                return r;
        dir = strdup(path);
        if (!dir)
                return -ENOMEM;
        slash = strrchr(dir, '/');
        *slash = 0;
        fd = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = file_write(fd, slash + 1, text, strlen(text), mode);
        return r < 0 ? r : 1;
}

size_t setup_as_agent(const char **argv) {
        static const char *const begin[] = { "setpriv", "--reuid=" AGENT_USER, "--regid=" AGENT_USER, "--init-groups", "--reset-env" };

        for (size_t i = 0; i < ELEMENTS(begin); i++)
                argv[i] = begin[i];
        return ELEMENTS(begin);
}

typedef struct Step {
        const char *name; /* for programs */
        const char *what; /* goes on "cannot see to ..." */
        int (*run)(Setup *s);
        bool of_others; /* what it lacks may come from another node yet */
} Step;

/* What one needs, an earlier one made. */
static const Step steps[] = {
        { "accounts", "the accounts", setup_users, false },
        { "groups", "the agent's groups", setup_groups, false },
        { "directories", "the directories", setup_directories, false },
        { "ssh", "ssh", setup_ssh, false },
        { "key", "this node's key", setup_key, false },
        { "peer-keys", "the other nodes' keys", setup_peer_keys, false },
        { "host-keys", "the other nodes' host keys", setup_known_hosts, true },
        { "unit", "mysqld's unit", setup_unit, false },
        { "polkit", "the agent's rights", setup_polkit, false },
        { "options", "the server's options", setup_options, false },
        { "notify", "the server's configuration", setup_notify, false },
        { "pins", "the server's configuration", setup_pins, false },
        { "apparmor", "the server's confinement", setup_apparmor, false },
        { "replication", "the account that replicates", setup_replication, false },
        { "agent", "the agent", setup_agent, false },
        { "account", "the database account", setup_account, true },
        { "backup", "copies for other nodes", setup_backup, true },
        { "writers", "accounts that write through read_only", setup_writers, false },
        { "peers", "the way to the other nodes", setup_peers, true },
};

const char *setup_step_name(size_t i) {
        return i < ELEMENTS(steps) ? steps[i].name : NULL;
}

static void run_steps(Setup *s, const Step *list, size_t n) {
        for (size_t i = 0; i < n; i++) {
                size_t before = s->missing;
                int r;

                s->step = list[i].name;
                s->of_others = list[i].of_others;
                r = list[i].run(s);
                if (r < 0 && s->missing == before)
                        setup_missing(s, "", "cannot see to %s: %s", list[i].what, strerror(-r));
        }
}

void setup_steps(Setup *s) {
        run_steps(s, steps, ELEMENTS(steps));
}

void setup_steps_for_keys(Setup *s) {
        static const Step few[] = {
                { "accounts", "the accounts", setup_users, false },
                { "directories", "the directories", setup_directories, false },
                { "ssh", "ssh", setup_ssh, false },
                { "key", "this node's key", setup_key, false },
                { "replication", "the account that replicates", setup_replication, false },
        };

        /* What the account lacks is seen to when all the rest is there. */
        run_steps(s, few, ELEMENTS(few) - !s->args->replication_user);
}

void setup_forget_lacks(Setup *s) {
        size_t i = 0;

        while (i < json_array_size(s->steps))
                if (is_lack(json_string_value(json_object_get(json_array_get(s->steps, i), "state"))))
                        (void) json_array_remove(s->steps, i);
                else
                        i++;
        (void) json_array_clear(s->short_missing);
        (void) json_array_clear(s->short_later);
        s->missing = s->missing_of_others = 0;
}

static usec_t now(void) {
        struct timespec t;

        return clock_gettime(CLOCK_MONOTONIC, &t) < 0 ? 0 : (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / 1000;
}

static void print_held(const Setup *s) {
        const json_t *o;
        size_t i;

        json_array_foreach(s->steps, i, o) {
                const char *state = json_string_value(json_object_get(o, "state"));

                print_step(stdout, &s->style, state, colour_of(state), json_string_value(json_object_get(o, "text")), str_or(json_string_value(json_object_get(o, "remedy")), ""));
        }
}

static void print_list(const char *what, const Style *style, Colour colour, const json_t *list) {
        const json_t *one;
        size_t i;

        printf("%s%s%s", style_begin(style, colour), what, style_end(style, colour));
        json_array_foreach(list, i, one)
                printf("%s %s", i > 0 ? ";" : "", json_string_value(one));
        putchar('\n');
}

json_t *setup_to_json(const Setup *s) {
        return json_pack("{s:b, s:b, s:O, s:O, s:O}", "ready", s->missing == 0, "changed", s->changed, "missing", s->short_missing, "later", s->short_later, "steps", s->steps);
}

int setup_finish(Setup *s) {
        bool ready = s->missing == 0;

        if (s->args->json) {
                json_t *o = s->args->n_hosts == 0 ? setup_to_json(s) : NULL;

                if (o) {
                        (void) json_dumpf(o, stdout, JSON_INDENT(2));
                        putchar('\n');
                }
                json_decref(o);
                return ready ? CTL_OK : CTL_FAILED;
        }
        print_held(s);
        putchar('\n');
        if (!ready)
                print_list(s->args->undo ? "not undone, for it lacks:" : "still missing:", &s->style, COLOUR_RED, s->short_missing);
        else
                printf("%s%s%s%s\n", style_begin(&s->style, COLOUR_GREEN), s->args->undo ? "undone" : "ready", style_end(&s->style, COLOUR_GREEN),
                       s->changed || s->args->check ? "" : "; nothing had to be changed");
        if (json_array_size(s->short_later) > 0)
                print_list("with its server's next start:", &s->style, COLOUR_YELLOW, s->short_later);
        return ready ? CTL_OK : CTL_FAILED;
}

/* The other nodes may be set up at this very moment. */
int setup_all(Setup *s) {
        usec_t until = now() + (usec_t) s->args->wait * USEC_PER_SEC;

        s->waits = s->args->wait > 0;
        setup_steps(s);
        while (s->missing_of_others > 0 && now() < until) {
                (void) poll(NULL, 0, 1000);
                setup_forget_lacks(s);
                s->pass++;
                setup_steps(s);
        }
        return setup_finish(s);
}

/* What is given is read once, and before anything is done. */
static int read_keys(Setup *s, char error[static 512]) {
        const char *path = s->args->peer_keys_file;
        int r;

        if (!path)
                return 0;
        r = streq(path, "-") ? setup_stdin(FILE_MAX, &s->keys) : setup_read(path, &s->keys);
        if (r < 0)
                (void) snprintf(error, 512, "%.200s cannot be read: %s.", path, strerror(-r));
        return r;
}

static int run(Setup *s) {
        if (s->args->n_hosts > 0)
                return setup_hosts(s);
        if (s->args->keys)
                return setup_print_keys(s);
        if (s->args->undo)
                return setup_undo(s);
        return setup_all(s);
}

int verb_setup(const Args *a) {
        Setup s = { .args = a, .style = style_of(stdout), .steps = json_array(), .short_missing = json_array(), .short_later = json_array() };
        char error[512] = "";
        int r;

        if (geteuid() != 0) {
                fputs("mainstayctl: setup looks at, and makes, what only root may. Type: sudo mainstayctl setup\n", stderr);
                r = CTL_FAILED;
                goto finish;
        }
        /* What is made has the modes that are given, whatever the shell's habits. */
        (void) umask(0022);

        r = read_keys(&s, error);
        if (r >= 0)
                r = facts_gather(&s.facts, error);
        if (r < 0) {
                fprintf(stderr, "mainstayctl: %s\n  Nothing was changed. Mend that first, then run this again.\n", *error ? error : strerror(-r));
                r = CTL_FAILED;
        } else
                r = run(&s);

finish:
        facts_done(&s.facts);
        free(s.keys);
        s.password = credentials_forget(s.password);
        json_decref(s.steps);
        json_decref(s.short_missing);
        json_decref(s.short_later);
        return r;
}
