/* The journal; see log.h. Where stderr is not the journal (by hand, in tests),
 * the lines go there instead. */
#include "sys/log.h"

#include <stdarg.h>
#include <systemd/sd-journal.h>

#define FIELDS_MAX 16

static bool to_journal(void) {
        static int answer = -1;

        if (answer < 0)
                answer = getenv("JOURNAL_STREAM") != NULL;
        return answer;
}

void log_line(int priority, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (to_journal())
                (void) sd_journal_printv(priority, format, ap);
        else {
                (void) vfprintf(stderr, format, ap);
                (void) fputc('\n', stderr);
        }
        va_end(ap);
}

void log_event(int priority, const char *message_id, const char *text, ...) {
        struct iovec iov[FIELDS_MAX];
        const char *name, *value;
        char *field;
        int n = 0;
        va_list ap;

        if (!to_journal()) {
                (void) fprintf(stderr, "%s\n", text);
                return;
        }

        if (asprintf(&field, "MESSAGE=%s", text) >= 0)
                iov[n++] = (struct iovec) { field, strlen(field) };
        if (asprintf(&field, "MESSAGE_ID=%s", message_id) >= 0)
                iov[n++] = (struct iovec) { field, strlen(field) };
        if (asprintf(&field, "PRIORITY=%d", priority) >= 0)
                iov[n++] = (struct iovec) { field, strlen(field) };
        va_start(ap, text);
        while (n < FIELDS_MAX && (name = va_arg(ap, const char *))) {
                value = va_arg(ap, const char *);
                if (asprintf(&field, "%s=%s", name, value ? value : "") >= 0)
                        iov[n++] = (struct iovec) { field, strlen(field) };
        }
        va_end(ap);
        (void) sd_journal_sendv(iov, n);
        for (int i = 0; i < n; i++)
                free(iov[i].iov_base);
}
