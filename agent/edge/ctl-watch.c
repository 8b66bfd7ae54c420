/* The picture as it changes; see ctl-watch.h. Nothing is drawn while nothing happens. */
#include "edge/ctl-watch.h"
#include "domain/json.h"
#include "edge/ctl-node.h"
#include "edge/ctl-service.h"
#include "edge/ctl-table.h"

#include <signal.h>
#include <sys/epoll.h>
#include <termios.h>
#include <time.h>

/* The other page, without a cursor and without lines that go on in the next one. */
#define SCREEN_ENTER "\033[?1049h\033[?7l\033[?25l"
#define SCREEN_LEAVE "\033[?25h\033[?7h\033[?1049l"

typedef struct Watch {
        const Args *args;
        sd_bus *bus;
        sd_event *event;
        sd_event_source *redraw; /* off until something changed: many changes, one picture */
        watch_print_t print;
        bool screen;  /* a terminal is drawn on */
        bool keys;    /* its keys are read as they are typed */
        struct termios before;
        json_t *told; /* off a terminal: of each node the line that was printed last */
        int exit;
} Watch;

static void screen_enter(Watch *w) {
        struct termios raw;

        if (!w->screen)
                return;
        if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &w->before) == 0) {
                raw = w->before;
                raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
                raw.c_cc[VMIN] = 1;
                raw.c_cc[VTIME] = 0;
                w->keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
        }
        fputs(SCREEN_ENTER, stdout);
        (void) fflush(stdout);
}

static void screen_leave(Watch *w) {
        if (!w->screen)
                return;
        fputs(SCREEN_LEAVE, stdout);
        (void) fflush(stdout);
        if (w->keys)
                (void) tcsetattr(STDIN_FILENO, TCSANOW, &w->before);
        w->keys = false;
}

/* Over what is there, line by line, so that nothing flickers; of what does not fit, how much. */
static void screen_draw(const Style *style, char *text) {
        size_t n = 0, lines = 0;

        for (const char *p = text; *p; p++)
                lines += *p == '\n';
        fputs("\033[H", stdout);
        for (char *p = text, *line; *p && (line = strsep(&p, "\n")) && p;) {
                if (lines > style->height && ++n >= style->height) {
                        printf("... and %zu lines more, for which there is no room\033[K", lines - n + 1);
                        break;
                }
                printf("%s\033[K%s", line, *p ? "\n" : "");
        }
        fputs("\033[J", stdout);
}

static char *now_text(char buf[static 32]) {
        time_t now = time(NULL);
        struct tm tm;

        buf[0] = 0;
        if (localtime_r(&now, &tm))
                (void) strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &tm);
        return buf;
}

/* `picture` NULL: there is no agent. */
static int show_screen(Watch *w, json_t *picture) {
        _cleanup_free_ char *text = NULL;
        Style style = style_of(stdout);
        char now[32];
        size_t size;
        int r = 0;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return -ENOMEM;
        fprintf(f, "%s%s   (q: quit)%s\n\n", style_begin(&style, COLOUR_DIM), now_text(now), style_end(&style, COLOUR_DIM));
        if (picture)
                r = w->print(f, &style, w->args, picture);
        else
                text_print(f, &style, 0, false, "The agent, mainstayd, does not run. Where somebody has stopped it, start it there: systemctl start mainstayd; else systemd does. This goes on when it is back.");
        if (fclose(f) != 0)
                return -ENOMEM;
        if (r >= 0)
                screen_draw(&style, text);
        return r;
}

/* Off a terminal */

static bool put_line(json_t *lines, const char *name, char *text) {
        _cleanup_free_ char *line = text;

        return line && json_object_set_new(lines, name, json_string(line)) == 0;
}

static int add_node(json_t *lines, const json_t *picture, const json_t *peer) {
        char *text;
        NodeSeen n;
        int r;

        r = node_see(picture, peer, &n);
        if (r < 0)
                return r;
        r = asprintf(&text, "%s, mysqld %s%s%s", n.state, n.mysqld, *n.remark ? ": " : "", n.remark) < 0 || !put_line(lines, node_name(picture, peer), text) ? -ENOMEM : 0;
        node_done(&n);
        return r;
}

/* Of each node a line, and under "" what is said of all. */
static int lines_of(const json_t *picture, json_t **ret) {
        json_t *lines = json_object(), *service = NULL, *o;
        const json_t *peer;
        char *text = NULL;
        size_t i;
        int r;

        if (service_is(picture)) {
                r = service_json(picture, &service);
                json_array_foreach(json_object_get(service, "nodes"), i, o) {
                        const char *reason = str_or(text_of(o, "reason"), text_of(o, "remark"));

                        if (r >= 0 && (asprintf(&text, "%s, %s%s%s", text_of(o, "state"), text_of(o, "role"), *reason ? ": " : "", reason) < 0 || !put_line(lines, text_of(o, "node"), text)))
                                r = -ENOMEM;
                }
                if (r >= 0)
                        r = put_line(lines, "", strdup(text_of(json_object_get(service, "primary"), "text"))) ? 0 : -ENOMEM;
        } else {
                r = add_node(lines, picture, NULL);
                json_array_foreach(json_object_get(picture, "peers"), i, peer)
                        if (r >= 0)
                                r = add_node(lines, picture, peer);
                if (r >= 0 && json_is_object(json_object_get(picture, "plan")))
                        r = table_headline(json_object_get(picture, "plan"), &text) < 0 || !put_line(lines, "", text) ? -ENOMEM : 0;
        }
        json_decref(service);
        if (r < 0)
                json_decref(lines);
        else
                *ret = lines;
        return r;
}

static void print_line(const char *name, const char *text) {
        _cleanup_free_ char *clean = text_clean(text);
        char now[32];

        printf("%s  %s%s%s\n", now_text(now), name, *name ? ": " : "", str_or(clean, ""));
}

static int show_lines(Watch *w, const json_t *picture) {
        const char *name;
        json_t *lines, *line;
        int r;

        r = lines_of(picture, &lines);
        if (r < 0)
                return r;
        json_object_foreach(lines, name, line) {
                const char *before = json_string_value(json_object_get(w->told, name));

                if (!before || !text_same_but_numbers(before, json_string_value(line)))
                        print_line(name, json_string_value(line));
        }
        json_decref(w->told);
        w->told = lines;
        return 0;
}

static int show(Watch *w, json_t *picture) {
        static const Style plain = {};

        if (w->screen)
                return show_screen(w, picture);
        if (picture)
                return w->args->json ? w->print(stdout, &plain, w->args, picture) : show_lines(w, picture);
        if (w->args->json)
                puts("null");
        else
                print_line("", "The agent, mainstayd, does not run. Where somebody has stopped it, start it there: systemctl start mainstayd; else systemd does. This goes on when it is back.");
        return 0;
}

/* What happens */

static int end(Watch *w, int how) {
        w->exit = how;
        return sd_event_exit(w->event, how);
}

static int on_redraw(sd_event_source *s, void *userdata) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        json_t *picture = NULL;
        Watch *w = userdata;
        int r;

        r = bus_picture(w->bus, &error, &picture);
        if (r >= 0 || bus_error_absent(&error))
                r = show(w, picture);
        else {
                screen_leave(w);
                w->screen = false;
                r = end(w, bus_explain(w->args, "The state of the cluster cannot be read", &error, r));
        }
        json_decref(picture);
        sd_bus_error_free(&error);
        (void) fflush(stdout);
        return r;
}

static int again(Watch *w) {
        return sd_event_source_set_enabled(w->redraw, SD_EVENT_ONESHOT);
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return again(userdata);
}

static int on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        Watch *w = userdata;

        screen_leave(w);
        w->screen = false;
        return end(w, bus_explain(w->args, "The connection to the agent is lost", &e, -ECONNRESET));
}

static int on_key(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        char keys[64];
        ssize_t n = read(fd, keys, sizeof(keys));

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0 || (events & EPOLLHUP)) /* nobody can type any more */
                return end(userdata, CTL_OK);
        return memchr(keys, 'q', (size_t) n) || memchr(keys, 'Q', (size_t) n) ? end(userdata, CTL_OK) : 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Watch *w = userdata;

        switch (si->ssi_signo) {
        case SIGWINCH:
                return again(w);
        case SIGTSTP:
                /* What is below comes back, and this when somebody wants it again. */
                screen_leave(w);
                (void) raise(SIGSTOP);
                screen_enter(w);
                return again(w);
        case SIGINT: /* it is how a person ends it, as by q */
                return end(w, CTL_OK);
        default:
                return end(w, 128 + (int) si->ssi_signo);
        }
}

static int follow_terminal(Watch *w) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };
        sigset_t mask;
        int r = 0;

        (void) sigemptyset(&mask);
        for (size_t i = 0; i < ELEMENTS(signals); i++)
                (void) sigaddset(&mask, signals[i]);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTS(signals) && r >= 0; i++)
                r = sd_event_add_signal(w->event, NULL, signals[i], on_signal, w);
        if (r >= 0 && isatty(STDIN_FILENO))
                r = sd_event_add_io(w->event, NULL, STDIN_FILENO, EPOLLIN, on_key, w);
        return r;
}

static int run(Watch *w) {
        int r;

        r = sd_event_new(&w->event);
        if (r >= 0 && w->screen)
                r = follow_terminal(w);
        if (r >= 0)
                r = sd_bus_attach_event(w->bus, w->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_event_add_defer(w->event, &w->redraw, on_redraw, w);
        if (r >= 0)
                r = sd_event_source_set_priority(w->redraw, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_bus_add_match(w->bus, NULL, AGENT_MATCH_PROPERTIES, on_change, w);
        if (r >= 0)
                r = sd_bus_add_match(w->bus, NULL, AGENT_MATCH_OWNER, on_change, w);
        if (r >= 0)
                r = sd_bus_match_signal(w->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_gone, w);
        return r < 0 ? r : sd_event_loop(w->event);
}

int watch_run(const Args *a, sd_bus *bus, watch_print_t print) {
        Watch w = { .args = a, .bus = bus, .print = print, .screen = style_of(stdout).moves && !a->json };
        int r;

        screen_enter(&w);
        r = run(&w);
        screen_leave(&w);
        (void) sd_bus_detach_event(bus);
        (void) sd_event_source_unref(w.redraw);
        (void) sd_event_unref(w.event);
        json_decref(w.told);
        return r < 0 ? r : w.exit;
}
