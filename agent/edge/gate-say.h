/* What the gate says in the journal where it decides by itself. What the agent decided, the
 * agent has said. */
#pragma once

#include "base/macro.h"

/* mysqld is not started. `format` is the end of a sentence, and what else is to be said. */
void say_refused(const char *format, ...) _printf_(1, 2);
/* For it would bootstrap. */
void say_unauthorised(const char *format, ...) _printf_(1, 2);

/* It starts without the agent's word. */
void say_alone(const char *why, const char *format, ...) _printf_(2, 3);
