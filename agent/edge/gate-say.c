/* What the gate says in the journal; see gate-say.h. */
#include "edge/gate-say.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#include <stdarg.h>

__attribute__((format(printf, 1, 0))) static char *text_of_all(const char *format, va_list ap) {
        char *text;

        return vasprintf(&text, format, ap) < 0 ? NULL : text;
}

void say_refused(const char *format, ...) {
        _cleanup_free_ char *why = NULL, *text = NULL;
        va_list ap;

        va_start(ap, format);
        why = text_of_all(format, ap);
        va_end(ap);
        text = log_text("mysqld is not started: %s", str_or(why, "memory is short."));
        log_event(LOG_ERR, MESSAGE_START_REFUSED, text, FIELD_REASON, why, NULL);
}

void say_unauthorised(const char *format, ...) {
        _cleanup_free_ char *why = NULL, *text = NULL;
        va_list ap;

        va_start(ap, format);
        why = text_of_all(format, ap);
        va_end(ap);
        text = log_text("mysqld is not started: %s", str_or(why, "a bootstrap was asked for, and nobody has authorised it."));
        log_event(LOG_ERR, MESSAGE_GATE_REFUSED, text, FIELD_REASON, why, NULL);
}

void say_alone(const char *why, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = text_of_all(format, ap);
        va_end(ap);
        log_event(LOG_WARNING, MESSAGE_AGENT_SILENT, text, FIELD_REASON, why, NULL);
}
