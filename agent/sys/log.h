/* The journal. Low layers do not log: whoever decides does, once. */
#pragma once

#include "base/macro.h"
#include "sys/log-fields.h"

#include <syslog.h>

/* A line for people. */
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
void log_line(int priority, const char *format, ...) _printf_(2, 3);

/* A message that an operator would act on: its id (message-ids.h), the line, and fields
 * (log-fields.h) as NAME, VALUE pairs that end with NULL. One without a value (NULL) is left
 * out. `text` NULL: memory is short, and the fields say it alone. */
void log_event(int priority, const char *message_id, const char *text, ...) __attribute__((sentinel));

/* A line for log_event(); free it. NULL: memory is short. */
char *log_text(const char *format, ...) _printf_(1, 2);

/* Whose messages these are from now on, and what that node is; NULL: it is not known. Copied. */
void log_set_node(const char *node);
void log_set_state(const char *state);
