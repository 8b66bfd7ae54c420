/* What the gate says in the journal; see gate-say.h. */
#include "edge/gate-say.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <stdarg.h>

__attribute__((format(printf, 1, 0))) static char *text_of_all(const char *format, va_list ap) {
        char *text;

        return vasprintf(&text, format, ap) < 0 ? NULL : text;
}

/* `otherwise`: where memory is short for why. */
__attribute__((format(printf, 3, 0))) static void say_not_started(const char *id, const char *otherwise, const char *format, va_list ap) {
        _cleanup_free_ char *why = text_of_all(format, ap), *text = log_text("mysqld is not started: %s", str_or(why, otherwise));

        log_event(LOG_ERR, id, text, FIELD_REASON, why, NULL);
}

void say_refused(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say_not_started(MESSAGE_START_REFUSED, "memory is short.", format, ap);
        va_end(ap);
}

void say_unauthorised(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say_not_started(MESSAGE_GATE_REFUSED, "a bootstrap was asked for, and nobody has authorised it.", format, ap);
        va_end(ap);
}

void say_alone(const char *why, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = text_of_all(format, ap);
        va_end(ap);
        log_event(LOG_WARNING, MESSAGE_AGENT_SILENT, text, FIELD_REASON, why, NULL);
}
