/* The journal; see log.h. Where stderr is not the journal (by hand, in tests),
 * the lines go there instead. */
#define SD_JOURNAL_SUPPRESS_LOCATION /* of the caller it would have to be, not of this file */
#include "sys/log.h"

#include <stdarg.h>
#include <systemd/sd-journal.h>

#define FIELDS_MAX 128 /* a message may be about many nodes */

static char the_node[256], the_state[32];

typedef struct Entry {
        int n;
        struct iovec iov[FIELDS_MAX];
} Entry;

static bool to_journal(void) {
        static int answer = -1;

        if (answer < 0)
                answer = getenv("JOURNAL_STREAM") != NULL;
        return answer;
}

void log_set_node(const char *node) {
        (void) snprintf(the_node, sizeof(the_node), "%s", str_or(node, ""));
}

void log_set_state(const char *state) {
        (void) snprintf(the_state, sizeof(the_state), "%s", str_or(state, ""));
}

static void add(Entry *e, const char *name, const char *value, size_t n) {
        char *field;

        if (e->n < FIELDS_MAX && asprintf(&field, "%s=%.*s", name, (int) n, value) >= 0)
                e->iov[e->n++] = (struct iovec) { field, strlen(field) };
}

static void add_each(Entry *e, const char *name, const char *values) {
        for (const char *p = values; *p;) {
                size_t n = strcspn(p, " ");

                if (n > 0)
                        add(e, name, p, n);
                p += n + (p[n] == ' ');
        }
}

static void add_field(Entry *e, const char *name, const char *value) {
        if (value && streq(name, FIELD_PEER))
                add_each(e, name, value);
        else if (value)
                add(e, name, value, strlen(value));
}

static void begin(Entry *e, int priority, const char *text) {
        char level[2] = { (char) ('0' + priority), 0 };

        add_field(e, "MESSAGE", text);
        add_field(e, "PRIORITY", level);
        add_field(e, FIELD_NODE, the_node[0] ? the_node : NULL);
        add_field(e, FIELD_STATE, the_state[0] ? the_state : NULL);
}

static void send(Entry *e) {
        (void) sd_journal_sendv(e->iov, e->n);
        for (int i = 0; i < e->n; i++)
                free(e->iov[i].iov_base);
}

void log_line(int priority, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        Entry e = {0};
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (!to_journal()) {
                (void) fprintf(stderr, "%s\n", str_or(text, format));
                return;
        }
        begin(&e, priority, str_or(text, format));
        send(&e);
}

char *log_text(const char *format, ...) {
        char *text;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        return r < 0 ? NULL : text;
}

void log_event(int priority, const char *message_id, const char *text, ...) {
        const char *name;
        Entry e = {0};
        va_list ap;

        if (!to_journal()) {
                (void) fprintf(stderr, "%s\n", str_or(text, message_id));
                return;
        }
        begin(&e, priority, str_or(text, "(memory is short: see the fields)"));
        add_field(&e, "MESSAGE_ID", message_id);
        va_start(ap, text);
        while ((name = va_arg(ap, const char *)))
                add_field(&e, name, va_arg(ap, const char *));
        va_end(ap);
        send(&e);
}
