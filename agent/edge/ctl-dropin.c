/* The drop-in with the gate; see ctl-dropin.h. */
#include "edge/ctl-dropin.h"

#include <ctype.h>
#include <stdarg.h>

#define START_POSITION "$_WSREP_START_POSITION"
#define NEW_CLUSTER "$_WSREP_NEW_CLUSTER"

typedef struct Lines {
        size_t n;
        char *line[DROPIN_LINES_MAX];
} Lines;

static void lines_clear(Lines *l) {
        while (l->n > 0)
                free(l->line[--l->n]);
}

/* Takes `line`. */
static int lines_add(Lines *l, char *line) {
        if (!line)
                return -ENOMEM;
        if (l->n == DROPIN_LINES_MAX) {
                free(line);
                return -E2BIG;
        }
        l->line[l->n++] = line;
        return 0;
}

static _printf_(2, 3) int wrong(char error[static 256], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(error, 256, format, ap);
        va_end(ap);
        return -EBADMSG;
}

static char *stripped(const char *s, size_t n) {
        while (n > 0 && isspace((unsigned char) *s)) {
                s++;
                n--;
        }
        while (n > 0 && isspace((unsigned char) s[n - 1]))
                n--;
        return strndup(s, n);
}

/* The next line of a unit file as systemd reads it: what a backslash continues
 * is one line, with a blank in between, and comments within it are not there.
 * 0 at the end of the text. */
static int next_line(const char **text, char **ret) {
        _cleanup_free_ char *joined = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        bool continued = false;
        size_t size;

        if (**text == 0)
                return 0;
        f = open_memstream(&joined, &size);
        if (!f)
                return -ENOMEM;

        while (**text) {
                size_t n = strcspn(*text, "\n"), blanks = strspn(*text, " \t");
                const char *line = *text;
                bool comment = line[blanks] == '#' || line[blanks] == ';';

                *text += n + (line[n] == '\n');
                if (comment && continued)
                        continue;
                continued = !comment && n > 0 && line[n - 1] == '\\';
                (void) fwrite(line, 1, continued ? n - 1 : n, f);
                if (!continued)
                        break;
                (void) fputc(' ', f);
        }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = stripped(joined, strlen(joined));
        return *ret ? 1 : -ENOMEM;
}

/* Calls `each` for every setting of [Service]; stops at the first negative or
 * positive return, which is passed on. */
static int settings(const char *text, int (*each)(const char *key, const char *value, size_t line, void *userdata), void *userdata) {
        const char *counted = text;
        bool service = false;
        size_t number = 1;
        int r;

        for (;;) {
                _cleanup_free_ char *line = NULL, *key = NULL, *value = NULL;
                char *equals;

                for (; counted < text; counted++)
                        number += *counted == '\n';
                r = next_line(&text, &line);
                if (r <= 0)
                        return r;
                if (*line == 0 || *line == '#' || *line == ';')
                        continue;
                if (*line == '[') {
                        service = streq(line, "[Service]");
                        continue;
                }
                equals = strchr(line, '=');
                if (!service || !equals)
                        continue;
                key = stripped(line, (size_t) (equals - line));
                value = stripped(equals + 1, strlen(equals + 1));
                if (!key || !value)
                        return -ENOMEM;
                r = each(key, value, number, userdata);
                if (r != 0)
                        return r;
        }
}

typedef struct Wanted {
        const char *key;
        char *value;
} Wanted;

static int is_wanted(const char *key, const char *value, size_t line, void *userdata) {
        Wanted *w = userdata;

        if (!streq(key, w->key))
                return 0;
        w->value = strdup(value);
        return w->value ? 1 : -ENOMEM;
}

int dropin_setting(const char *text, const char *key, char **ret) {
        Wanted w = { .key = key };
        int r;

        r = settings(text, is_wanted, &w);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENOENT;
        *ret = w.value;
        return 0;
}

typedef struct Unit {
        Lines start, start_pre;
} Unit;

/* Lists grow, and an empty value begins them anew. */
static int collect(const char *key, const char *value, size_t line, void *userdata) {
        Unit *u = userdata;
        Lines *l = streq(key, "ExecStart") ? &u->start : streq(key, "ExecStartPre") ? &u->start_pre : NULL;

        if (!l)
                return 0;
        if (*value == 0) {
                lines_clear(l);
                return 0;
        }
        return lines_add(l, strdup(value));
}

typedef struct Conflict {
        const char *what;
        size_t line;
} Conflict;

/* A drop-in that is read after ours must not take back what ours says. */
static int takes_back(const char *key, const char *value, size_t line, void *userdata) {
        static const char *const ours[] = { "ExecStart", "ExecStartPre", "EnvironmentFile", "NotifyAccess", "UnsetEnvironment" };
        Conflict *c = userdata;

        for (size_t i = 0; i < ELEMENTS(ours); i++)
                if (streq(key, ours[i])) {
                        *c = (Conflict) { ours[i], line };
                        return 1;
                }
        return 0;
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool asks_position(const char *line) {
        static const char *const marks[] = { "galera_recovery", "galera-recovery", "_WSREP_START_POSITION", "wsrep-start-position" };

        for (size_t i = 0; i < ELEMENTS(marks); i++)
                if (strstr(line, marks[i]))
                        return true;
        return false;
}

static bool names_recovery(const char *line) {
        return strstr(line, "galera_recovery") || strstr(line, "galera-recovery");
}

/* `exec COMMAND"` at the end of a shell's script: the command. */
static char *exec_tail(const char *line) {
        const char *at = NULL;
        char *tail;
        size_t n;

        for (const char *p = line; (p = strstr(p, "exec ")); p++)
                if (p > line && !isalnum((unsigned char) p[-1]) && p[-1] != '_')
                        at = p;
        if (!at)
                return NULL;
        at += strlen("exec ");
        n = strlen(at);
        if (n > 0 && (at[n - 1] == '"' || at[n - 1] == '\''))
                n--;
        tail = stripped(at, n);
        /* Anything that only a shell understands, and it is not that simple; nor is what asks
         * for the position itself. */
        if (tail && (*tail != '/' || strpbrk(tail, ";|&<>`()'\"\\*?") || names_recovery(tail))) {
                free(tail);
                return NULL;
        }
        return tail;
}

/* Does the script assign a command's output to the variable `name`? */
static bool script_assigns(const char *script, const char *name, size_t n) {
        for (const char *p = script; (p = strstr(p, name)); p++)
                if ((p == script || (!isalnum((unsigned char) p[-1]) && p[-1] != '_' && p[-1] != '$')) && p[n] == '=' &&
                    (p[n + 1] == '`' || (p[n + 1] == '$' && p[n + 2] == '(')))
                        return true;
        return false;
}

/* `/bin/sh -c "... VAR=`galera_recovery` ... exec mysqld $VAR"` becomes
 * `mysqld $_WSREP_START_POSITION`. */
static int start_from_script(const char *script, char **ret) {
        _cleanup_free_ char *tail = exec_tail(script), *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        if (!tail)
                return -EBADMSG;
        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;

        for (char *p = tail, *word; (word = strsep(&p, " "));) {
                char name[64];
                size_t n;

                if (*word == 0)
                        continue;
                n = *word == '$' ? strlen(word + 1) : 0;
                if (n > 0 && n < sizeof(name)) {
                        memcpy(name, word + 1, n + 1);
                        if (script_assigns(script, name, n))
                                word = (char *) START_POSITION;
                }
                fprintf(f, "%s%s", ftell(f) > 0 ? " " : "", word);
        }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return 0;
}

/* ExecStart with both variables in it. */
static int make_start(const Unit *u, Dropin *d, char **ret, char error[static 256]) {
        _cleanup_free_ char *start = NULL;
        const char *vendor;
        char *all;
        int r;

        if (u->start.n != 1)
                return wrong(error, "The unit has %zu ExecStart lines; Mainstay understands one.", u->start.n);
        vendor = u->start.line[0];

        if (names_recovery(vendor)) {
                r = start_from_script(vendor, &start);
                if (r == -EBADMSG)
                        return wrong(error, "The unit's ExecStart asks for the position in a script that Mainstay does not understand.");
                if (r < 0)
                        return r;
                d->start_changed = true;
        } else {
                start = strdup(vendor);
                if (!start)
                        return -ENOMEM;
        }

        if (!strstr(start, NEW_CLUSTER) || !strstr(start, START_POSITION)) {
                if (strstr(start, " -c "))
                        return wrong(error, "The unit's ExecStart is a script that does not pass %s on.",
                                     strstr(start, NEW_CLUSTER) ? START_POSITION : NEW_CLUSTER);
                if (asprintf(&all, "%s%s%s", start, strstr(start, NEW_CLUSTER) ? "" : " " NEW_CLUSTER,
                             strstr(start, START_POSITION) ? "" : " " START_POSITION) < 0)
                        return -ENOMEM;
                free(start);
                start = all;
                d->start_changed = true;
        }

        if (d->start_changed) {
                char *line;

                if (asprintf(&line, "ExecStart=%s", vendor) < 0)
                        return -ENOMEM;
                d->left_out[d->n_left_out++] = line;
        }
        *ret = TAKE(start);
        return 0;
}

static bool is_slot(const char *at, const char *slot) {
        return strncmp(at, slot, strlen(slot)) == 0;
}

/* Within double quotes, and systemd has percent signs for itself. */
static void put_value(FILE *f, const char *value) {
        for (const char *p = value; *p; p++)
                fprintf(f, "%s%c", *p == '%' ? "%" : *p == '"' || *p == '\\' ? "\\" : "", *p);
}

static int make_text(const Unit *u, const DropinNode *node, const char *start, const char *template_text, Dropin *d) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        const char *p = template_text;
        bool pre_changed = false;
        size_t size;

        for (size_t i = 0; i < u->start_pre.n; i++)
                pre_changed = pre_changed || node->asynchronous || asks_position(u->start_pre.line[i]);

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;

        while (*p) {
                const char *open = strstr(p, "{{"), *close = open ? strstr(open, "}}") : NULL;

                if (!close) {
                        fputs(p, f);
                        break;
                }
                (void) fwrite(p, 1, (size_t) (open - p), f);
                if (is_slot(open, "{{unit}}"))
                        fputs(node->unit, f);
                else if (is_slot(open, "{{datadir}}"))
                        put_value(f, node->datadir);
                else if (is_slot(open, "{{base_dir}}"))
                        put_value(f, node->base_dir);
                else if (is_slot(open, "{{server}}"))
                        put_value(f, node->server);
                else if (is_slot(open, "{{options}}"))
                        put_value(f, node->options);
                else if (is_slot(open, "{{start_pre}}")) {
                        /* Where every line stays, the unit's own list does. */
                        if (pre_changed)
                                fputs("ExecStartPre=\n", f);
                        /* MySQL's own scripts make a database where they find none. */
                        if (pre_changed && node->asynchronous)
                                fputs("ExecStartPre=" PKGLIBEXECDIR "/mainstay-gate --whole\n", f);
                        for (size_t i = 0; pre_changed && i < u->start_pre.n; i++)
                                if (!asks_position(u->start_pre.line[i]))
                                        fprintf(f, "ExecStartPre=%s\n", u->start_pre.line[i]);
                        /* Each stands on a line of its own, which ends here. */
                        close += close[2] == '\n';
                } else if (is_slot(open, "{{start}}")) {
                        if (d->start_changed)
                                fprintf(f, "ExecStart=\nExecStart=%s\n", start);
                        close += close[2] == '\n';
                }
                p = close + 2;
        }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        d->text = TAKE(text);
        return 0;
}

int dropin_make(const DropinSource *sources, size_t n, const DropinNode *node, const char *template_text,
                Dropin *ret, char error[static 256]) {
        _cleanup_free_ char *start = NULL;
        Dropin d = {};
        Unit u = {};
        int r = 0;

        *error = 0;
        for (size_t i = 0; r >= 0 && i < n; i++) {
                Conflict c = {};

                if (i > 0 && strcmp(base_name(sources[i].path), DROPIN_NAME) > 0) {
                        r = settings(sources[i].text, takes_back, &c);
                        if (r > 0)
                                r = wrong(error, "%s:%zu: %s is set after Mainstay's drop-in has set it. Give this file a name that sorts before %s.",
                                          sources[i].path, c.line, c.what, DROPIN_NAME);
                        continue;
                }
                r = settings(sources[i].text, collect, &u);
                if (r == -E2BIG)
                        r = wrong(error, "%s has more than %d lines of a kind.", sources[i].path, DROPIN_LINES_MAX);
        }
        for (size_t i = 0; r >= 0 && i < u.start_pre.n; i++)
                if (asks_position(u.start_pre.line[i]) && d.n_left_out + 1 < DROPIN_LINES_MAX) {
                        r = asprintf(&d.left_out[d.n_left_out], "ExecStartPre=%s", u.start_pre.line[i]);
                        if (r < 0)
                                r = -ENOMEM;
                        else
                                d.n_left_out++;
                }
        if (r >= 0)
                r = make_start(&u, &d, &start, error);
        if (r >= 0)
                r = make_text(&u, node, start, template_text, &d);

        lines_clear(&u.start);
        lines_clear(&u.start_pre);
        if (r < 0) {
                dropin_done(&d);
                return r;
        }
        *ret = d;
        return 0;
}

void dropin_done(Dropin *d) {
        free(d->text);
        while (d->n_left_out > 0)
                free(d->left_out[--d->n_left_out]);
        *d = (Dropin) {};
}
