/* `mainstayctl setup`: the order of its steps, and what they share; see
 * ctl-setup.h. */
#include "edge/ctl-setup.h"
#include "edge/ctl-verbs.h"
#include "sys/file.h"
#include "sys/process.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <systemd/sd-event.h>

#define RUN_TIMEOUT (120 * USEC_PER_SEC)
#define FILE_MAX ((size_t) 1024 * 1024)

static void say(Setup *s, const char *state, Colour colour, const char *text, const char *remedy) {
        json_t *o;

        if (s->args->json) {
                o = json_pack("{s:s, s:s, s:s, s:s?}", "step", s->step, "state", state, "text", text, "remedy", *remedy ? remedy : NULL);
                if (o)
                        (void) json_array_append_new(s->steps, o);
                return;
        }
        printf("%s%-10s%s  ", style_begin(&s->style, colour), state, style_end(&s->style, colour));
        text_print(stdout, &s->style, 12, true, text);
        /* What is to be typed is to be copied: its lines stay as they are. */
        for (const char *p = remedy; *p;) {
                size_t n = strcspn(p, "\n");

                printf("%12s%.*s\n", "", (int) n, p);
                p += n + (p[n] == '\n');
        }
        (void) fflush(stdout);
}

#define DEFINE_SAY(name, state, colour)                                       \
        void name(Setup *s, const char *format, ...) {                        \
                _cleanup_free_ char *text = NULL;                             \
                va_list ap;                                                   \
                                                                              \
                va_start(ap, format);                                         \
                if (vasprintf(&text, format, ap) < 0)                         \
                        text = NULL;                                          \
                va_end(ap);                                                   \
                if (text)                                                     \
                        say(s, state, colour, text, "");                      \
        }

DEFINE_SAY(setup_already, "already so", COLOUR_DIM)
DEFINE_SAY(setup_done, "done", COLOUR_GREEN)
DEFINE_SAY(setup_note, "note", COLOUR_NONE)

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

void setup_missing(Setup *s, const char *remedy, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        s->missing++;
        if (!text)
                return;
        say(s, "missing", COLOUR_RED, text, remedy);
        (void) json_array_append_new(s->short_missing, json_stringn(text, short_length(text)));
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

int setup_read(const char *path, char **ret) {
        size_t size;

        return file_read(AT_FDCWD, path, FILE_MAX, ret, &size, NULL);
}

/* As `mkdir -p`. */
static int make_parents(const char *path) {
        char dir[PATH_MAX];

        if (strlen(path) >= sizeof(dir))
                return -ENAMETOOLONG;
        (void) strcpy(dir, path);
        for (char *p = dir + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                if (mkdir(dir, 0755) < 0 && errno != EEXIST)
                        return -errno;
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
} Step;

/* What one needs, an earlier one made. */
static const Step steps[] = {
        { "accounts", "the accounts", setup_users },
        { "groups", "the agent's groups", setup_groups },
        { "directories", "the directories", setup_directories },
        { "key", "this node's key", setup_key },
        { "peer-keys", "the other nodes' keys", setup_peer_keys },
        { "host-keys", "the other nodes' host keys", setup_known_hosts },
        { "unit", "mysqld's unit", setup_unit },
        { "options", "the server's options", setup_options },
        { "notify", "the server's configuration", setup_notify },
        { "pins", "the server's configuration", setup_pins },
        { "apparmor", "the server's confinement", setup_apparmor },
        { "replication", "the account that replicates", setup_replication },
        { "agent", "the agent", setup_agent },
        { "account", "the database account", setup_account },
        { "backup", "copies for other nodes", setup_backup },
        { "writers", "accounts that write through read_only", setup_writers },
        { "peers", "the way to the other nodes", setup_peers },
};

void setup_steps(Setup *s) {
        for (size_t i = 0; i < ELEMENTS(steps); i++) {
                size_t before = s->missing;
                int r;

                s->step = steps[i].name;
                r = steps[i].run(s);
                if (r < 0 && s->missing == before)
                        setup_missing(s, "", "cannot see to %s: %s", steps[i].what, strerror(-r));
        }
}

static int finish(Setup *s) {
        const json_t *missing;
        size_t i;

        if (s->args->json) {
                json_t *o = json_pack("{s:b, s:O, s:O}", "ready", s->missing == 0, "missing", s->short_missing, "steps", s->steps);
                if (o)
                        (void) json_dumpf(o, stdout, JSON_INDENT(2));
                json_decref(o);
                putchar('\n');
        } else if (s->missing == 0)
                printf("\n%sready%s\n", style_begin(&s->style, COLOUR_GREEN), style_end(&s->style, COLOUR_GREEN));
        else {
                printf("\n%sstill missing:%s", style_begin(&s->style, COLOUR_RED), style_end(&s->style, COLOUR_RED));
                json_array_foreach(s->short_missing, i, missing)
                        printf("%s %s", i > 0 ? ";" : "", json_string_value(missing));
                putchar('\n');
        }
        return s->missing == 0 ? CTL_OK : CTL_FAILED;
}

int verb_setup(const Args *a) {
        Setup s = { .args = a, .style = style_of(stdout), .steps = json_array(), .short_missing = json_array() };
        char error[512] = "";
        int r;

        if (geteuid() != 0) {
                fputs("mainstayctl: setup looks at, and makes, what only root may. Type: sudo mainstayctl setup\n", stderr);
                json_decref(s.steps);
                json_decref(s.short_missing);
                return CTL_FAILED;
        }
        /* What is made has the modes that are given, whatever the shell's habits. */
        (void) umask(0022);

        r = facts_gather(&s.facts, error);
        if (r < 0) {
                fprintf(stderr, "mainstayctl: %s\n  Nothing was changed. Mend that first, then run this again.\n", *error ? error : strerror(-r));
                facts_done(&s.facts);
                json_decref(s.steps);
                json_decref(s.short_missing);
                return CTL_FAILED;
        }

        setup_steps(&s);
        r = finish(&s);
        facts_done(&s.facts);
        json_decref(s.steps);
        json_decref(s.short_missing);
        return r;
}
