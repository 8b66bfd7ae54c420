/* `mainstayctl inspect`: what the server's state files say, as Mainstay reads
 * them, and what Galera would make of them where that differs. Asks no agent
 * and writes nothing. */
#include "domain/grastate.h"
#include "domain/gvwstate.h"
#include "domain/json.h"
#include "domain/lenient.h"
#include "domain/recovered.h"
#include "edge/ctl-input.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-verbs.h"

#include <inttypes.h>
#include <stdarg.h>

/* A log is read in pieces of this size; a longer line is cut. */
#define LOG_PIECE ((size_t) 64 * 1024)

/* One file: what it says, as JSON, and lines for people. */
typedef struct Look {
        const char *path;
        bool valid;
        char error[256]; /* where it is not valid */
        json_t *says;
        FILE *lines;
        char *text;
        size_t text_size;
} Look;

static int look_begin(Look *l, const char *path) {
        *l = (Look) { .path = path, .says = json_object() };
        l->lines = open_memstream(&l->text, &l->text_size);
        return l->says && l->lines ? 0 : -ENOMEM;
}

static void look_done(Look *l) {
        if (l->lines)
                (void) fclose(l->lines);
        free(l->text);
        json_decref(l->says);
}

static void put(Look *l, const char *key, json_t *value) {
        (void) json_object_set_new(l->says, key, value);
}

static json_t *uuid_or_null(const Uuid *u, bool valid) {
        return valid ? uuid_json(u) : json_null();
}

static json_t *number_json(int64_t n, bool valid) {
        return valid ? json_integer(n) : json_null();
}

static void put_error(Look *l) {
        put(l, "error", l->valid ? json_null() : json_string(l->error));
}

/* A fact, and its name before it. */
static void _printf_(3, 4) fact(Look *l, const char *name, const char *format, ...) {
        va_list ap;

        fprintf(l->lines, "  %-18s ", name);
        va_start(ap, format);
        (void) vfprintf(l->lines, format, ap);
        va_end(ap);
        fputc('\n', l->lines);
}

/* Sentences begin without a blank: see look_print(). */
static void _printf_(2, 3) remark(Look *l, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vfprintf(l->lines, format, ap);
        va_end(ap);
        fputc('\n', l->lines);
}

/* grastate.dat */

static void grastate_remarks(Look *l, const Grastate *g) {
        if (position_defined(&g->position))
                remark(l, "That is how far the data were when the server last wrote this file, as a rule when it was stopped in good order.");
        else if (!uuid_is_zero(&g->position.uuid))
                remark(l, "The server runs, or did not stop in good order: how far its data are does not stand here. "
                          "Where it is stopped, mysqld --wsrep-recover tells it.");
        else
                remark(l, "No data that can be told to belong to a cluster: this node was never a member, or a full copy (SST) onto it was broken off.%s",
                       g->safe_to_bootstrap == GRASTATE_SAFE_YES ? " safe_to_bootstrap: 1 proves nothing here, and a bootstrap from this node would begin with nothing." : "");
}

/* What Galera would read, where it is something else. */
static void grastate_compare(Look *l, const Grastate *g, const char *text, size_t n) {
        Lenient galera = lenient_grastate(text, n);
        char at[POSITION_TEXT_MAX];

        if (!text) {
                remark(l, "Galera would take the missing file for an empty node that is safe to bootstrap.");
                return;
        }
        if (l->valid && position_equal(&g->position, &galera.position) &&
            (g->safe_to_bootstrap == GRASTATE_SAFE_YES) == galera.safe_to_bootstrap)
                return;
        if (l->valid && g->safe_to_bootstrap == GRASTATE_SAFE_UNSAID && position_equal(&g->position, &galera.position)) {
                remark(l, "Galera takes the missing line for safe_to_bootstrap: 1, and would not refuse a bootstrap from here.");
                return;
        }
        remark(l, "Galera itself would read %s and safe_to_bootstrap %s.%s%s Mend the file before the server is started.",
               position_text(&galera.position, at), galera.safe_to_bootstrap ? "1" : "0",
               n > 0 && text[n - 1] != '\n' ? " A last line without an end is nothing to it." : "",
               l->valid ? "" : " It skips what it does not know, takes 0 for what is no number, and 1 for a safe_to_bootstrap that is missing.");
}

static void look_grastate(Look *l) {
        _cleanup_free_ char *text = NULL;
        Grastate g = { .position.seqno = SEQNO_UNDEFINED };
        size_t n = 0;
        int r;

        r = input_read(l->path, GRASTATE_SIZE_MAX, &text, &n, l->error);
        l->valid = r >= 0 && grastate_parse(text, n, &g, l->error) >= 0;

        put(l, "valid", json_boolean(l->valid));
        put(l, "uuid", uuid_or_null(&g.position.uuid, l->valid));
        put(l, "seqno", number_json(g.position.seqno, l->valid));
        put(l, "safe_to_bootstrap", l->valid && g.safe_to_bootstrap != GRASTATE_SAFE_UNSAID ? json_boolean(g.safe_to_bootstrap == GRASTATE_SAFE_YES) : json_null());
        put_error(l);

        if (l->valid) {
                char uuid[UUID_TEXT_MAX];

                fact(l, "uuid", "%s", uuid_text(&g.position.uuid, uuid));
                fact(l, "seqno", "%" PRId64, g.position.seqno);
                fact(l, "safe_to_bootstrap", "%s", g.safe_to_bootstrap == GRASTATE_SAFE_UNSAID ? "no such line" : g.safe_to_bootstrap == GRASTATE_SAFE_YES ? "1" : "0");
                grastate_remarks(l, &g);
        }
        if (r >= 0 || r == -ENOENT)
                grastate_compare(l, &g, text, n);
}

/* gvwstate.dat */

static void gvwstate_facts(Look *l, const Gvwstate *g) {
        char uuid[UUID_TEXT_MAX];
        bool member = false;

        fact(l, "my_uuid", "%s", uuid_text(&g->my_uuid, uuid));
        fact(l, "view", "%s:%" PRId64 ", %sprimary", uuid_text(&g->view_uuid, uuid), g->view_seqno, g->primary ? "" : "not ");
        for (size_t i = 0; i < g->n_members; i++) {
                bool self = uuid_same_member(&g->members[i].uuid, &g->my_uuid);

                member = member || self;
                fact(l, i == 0 ? "members" : "", "%s, segment %d%s", uuid_text(&g->members[i].uuid, uuid), g->members[i].segment, self ? ", this node" : "");
        }
        if (g->bootstrap)
                fact(l, "bootstrap", "1");

        if (!member)
                remark(l, "This node is not among the members: the file is not its own, or from before it was set up anew.");
        if (!g->primary)
                remark(l, "The view was not that of a Primary component.");
        else if (member && g->n_members == 1)
                remark(l, "Galera started with this file becomes Primary by itself and takes writes, whatever the other nodes hold and whatever safe_to_bootstrap says.");
        else
                remark(l, "Galera started with this file becomes Primary by itself as soon as exactly these members are back.");
}

static void look_gvwstate(Look *l) {
        _cleanup_free_ char *text = NULL;
        Gvwstate g = {0};
        json_t *members;
        size_t n = 0;
        int r;

        r = input_read(l->path, GVWSTATE_SIZE_MAX, &text, &n, l->error);
        l->valid = r >= 0 && gvwstate_parse(text, n, &g, l->error) >= 0;
        members = l->valid ? json_array() : json_null();
        for (size_t i = 0; l->valid && i < g.n_members; i++)
                (void) json_array_append_new(members, uuid_json(&g.members[i].uuid));

        put(l, "valid", json_boolean(l->valid));
        put(l, "my_uuid", uuid_or_null(&g.my_uuid, l->valid));
        put(l, "view_uuid", uuid_or_null(&g.view_uuid, l->valid));
        put(l, "view_seqno", number_json(g.view_seqno, l->valid));
        put(l, "primary", l->valid ? json_boolean(g.primary) : json_null());
        put(l, "members", members);
        put_error(l);

        if (l->valid)
                gvwstate_facts(l, &g);
        else if (r == -ENOENT)
                remark(l, "A server that leaves the cluster in good order removes this file: without it Galera forms no component by itself.");
        else if (r >= 0)
                remark(l, "Galera does not look at such a file as a whole: mysqld may die of it at every start, with --wsrep-new-cluster too. Move it aside, and keep it.");
}

/* The log of mysqld --wsrep-recover */

typedef struct LogScan {
        RecoveredScan scan;
        size_t line, bytes;
        size_t malformed_line;
} LogScan;

static void scan_line(LogScan *s, const char *line, size_t n) {
        bool before = s->scan.malformed;

        s->line++;
        recovered_scan_line(&s->scan, line, n);
        if (s->scan.malformed && !before)
                s->malformed_line = s->line;
}

static int scan_log(int fd, LogScan *s) {
        _cleanup_free_ char *piece = malloc(LOG_PIECE);
        bool cut = false; /* the rest of a line that was too long */
        size_t have = 0;

        if (!piece)
                return -ENOMEM;
        for (;;) {
                ssize_t n = read(fd, piece + have, LOG_PIECE - have);
                char *at = piece, *end;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                have += (size_t) n;
                s->bytes += (size_t) n;
                while ((end = memchr(at, '\n', have - (size_t) (at - piece)))) {
                        if (!cut)
                                scan_line(s, at, (size_t) (end - at));
                        cut = false;
                        at = end + 1;
                }
                have -= (size_t) (at - piece);
                memmove(piece, at, have);
                if (have > 0 && (n == 0 || have == LOG_PIECE)) {
                        if (!cut)
                                scan_line(s, piece, have);
                        cut = true;
                        have = 0;
                }
                if (n == 0)
                        return 0;
        }
}

static void look_recovered(Look *l) {
        Position p = { .seqno = SEQNO_UNDEFINED };
        _cleanup_close_ int fd = -1;
        LogScan s = {0};
        char uuid[UUID_TEXT_MAX];
        int r = 0;

        fd = input_open(l->path, l->error);
        if (fd >= 0) {
                r = scan_log(fd, &s);
                if (r < 0)
                        (void) snprintf(l->error, sizeof(l->error), "%s", strerror(-r));
        }
        if (fd >= 0 && r >= 0) {
                RecoveredOutcome o = recovered_scan_end(&s.scan, &p);

                l->valid = o == RECOVERED_POSITION;
                if (s.bytes == 0)
                        (void) snprintf(l->error, sizeof(l->error), "the file is empty");
                else if (s.scan.malformed)
                        (void) snprintf(l->error, sizeof(l->error), "line %zu: what follows \"Recovered position:\" is no UUID with a seqno", s.malformed_line);
                else if (o == RECOVERED_SILENT)
                        (void) snprintf(l->error, sizeof(l->error), "no line of it says \"WSREP: Recovered position:\"; the server's own complaint stands in its last lines");
                else if (!l->valid)
                        (void) snprintf(l->error, sizeof(l->error), "%.255s", recovered_outcome_text(o));
        }

        put(l, "valid", json_boolean(l->valid));
        put(l, "uuid", uuid_or_null(&p.uuid, l->valid));
        put(l, "seqno", number_json(p.seqno, l->valid));
        put_error(l);
        if (!l->valid)
                return;
        fact(l, "uuid", "%s", uuid_text(&p.uuid, uuid));
        fact(l, "seqno", "%" PRId64, p.seqno);
        remark(l, "That is how far the data are, if the server has not run on them since.");
}

/* All of them */

static void look_print(Look *l, const Style *style, const char *title) {
        _cleanup_free_ char *path = text_clean(l->path);
        char *p;

        if (fclose(TAKE(l->lines)) != 0 || !path)
                return;
        printf("%s%s%s  %s\n", style_begin(style, COLOUR_BOLD), title, style_end(style, COLOUR_BOLD), path);
        if (!l->valid) {
                _cleanup_free_ char *line = NULL;

                if (asprintf(&line, "Not valid: %s%s", l->error, l->error[0] && l->error[strlen(l->error) - 1] == '.' ? "" : ".") < 0)
                        line = NULL;
                printf("%s", style_begin(style, COLOUR_RED));
                text_print(stdout, style, 2, false, line ?: l->error);
                printf("%s", style_end(style, COLOUR_RED));
        }
        p = l->text;
        for (char *line; (line = strsep(&p, "\n")) && *line;)
                if (*line == ' ')
                        puts(line);
                else
                        text_print(stdout, style, 2, false, line);
}

typedef struct Files {
        char *grastate, *gvwstate;
        bool no_gvwstate; /* there is none in the directory */
} Files;

static int path_in(const char *dir, const char *name, char **ret) {
        const char *slash = dir[strlen(dir) - 1] == '/' ? "" : "/";

        return asprintf(ret, "%s%s%s", dir, slash, name) < 0 ? -ENOMEM : 0;
}

/* Those named, and where none is, the server's own. CTL_FAILED where it was
 * said why that is not known. */
static int files_find(const Args *a, Files *f) {
        const char *grastate_dir = a->datadir, *gvwstate_dir = a->datadir;
        bool own = !a->datadir && !a->grastate && !a->gvwstate && !a->recover_log;
        char error[512] = "";
        Facts facts = {};
        int r = 0;

        if (own) {
                r = facts_paths(&facts, error);
                if (r < 0 && *error) {
                        fprintf(stderr, "mainstayctl: %s\nName the files: mainstayctl inspect --datadir DIR\n", error);
                        facts_done(&facts);
                        return CTL_FAILED;
                }
                if (r >= 0) {
                        grastate_dir = facts.config->datadir;
                        gvwstate_dir = facts.config->base_dir;
                }
        }
        if (r >= 0 && a->grastate)
                r = (f->grastate = strdup(a->grastate)) ? 0 : -ENOMEM;
        else if (r >= 0 && grastate_dir)
                r = path_in(grastate_dir, "grastate.dat", &f->grastate);
        if (r >= 0 && a->gvwstate)
                r = (f->gvwstate = strdup(a->gvwstate)) ? 0 : -ENOMEM;
        else if (r >= 0 && gvwstate_dir)
                r = path_in(gvwstate_dir, "gvwstate.dat", &f->gvwstate);
        /* Nobody named it: a server that left in good order has none. */
        if (r >= 0 && f->gvwstate && !a->gvwstate && access(f->gvwstate, F_OK) < 0 && errno == ENOENT) {
                free(TAKE(f->gvwstate));
                f->no_gvwstate = true;
        }
        facts_done(&facts);
        return r;
}

int verb_inspect(const Args *a) {
        Files files = {0};
        Style style = style_of(stdout);
        json_t *all = json_object();
        int r, status = CTL_OK;
        bool first = true;

        r = files_find(a, &files);
        const struct {
                const char *key, *title, *path;
                void (*look)(Look *l);
        } what[] = {
                { "grastate", "grastate.dat", files.grastate, look_grastate },
                { "gvwstate", "gvwstate.dat", files.gvwstate, look_gvwstate },
                { "recovered", "recovered position", a->recover_log, look_recovered },
        };

        for (size_t i = 0; i < ELEMENTS(what) && r == 0; i++) {
                Look l;

                if (!what[i].path)
                        continue;
                r = look_begin(&l, what[i].path);
                if (r == 0) {
                        what[i].look(&l);
                        if (!l.valid)
                                status = CTL_FAILED;
                        if (json_object_set(all, what[i].key, l.says) < 0)
                                r = -ENOMEM;
                        if (!a->json) {
                                if (!first)
                                        putchar('\n');
                                look_print(&l, &style, what[i].title);
                                first = false;
                        }
                }
                look_done(&l);
        }
        if (r == 0 && files.no_gvwstate && !a->json)
                puts("\nThere is no gvwstate.dat: a server that leaves the cluster in good order removes it.");
        if (r == 0 && a->json) {
                r = json_dumpf(all, stdout, JSON_INDENT(2)) < 0 ? -EIO : 0;
                putchar('\n');
        }
        json_decref(all);
        free(files.grastate);
        free(files.gvwstate);
        return r != 0 ? r : status;
}
