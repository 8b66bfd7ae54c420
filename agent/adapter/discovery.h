/* Where the server is, and what it would be started with, by its own word. The
 * agent, the gate and the operators' command go by the same answers. */
#pragma once

#include "domain/options.h"
#include "sys/process.h"

#define DISCOVERY_SERVER_DEFAULT "/usr/sbin/mariadbd"

/* Where packages put it; the first that exists, NULL where none does. */
const char *discovery_server(void);

/* Asks `server`, for ten seconds at most; `defaults_file` may be NULL. Returns
 * 0, or what went wrong, or the server's exit status, which is positive; only
 * with 0 there is something in `ret` to free with options_done(). */
int discovery_options(const char *server, const char *defaults_file, Options *ret);

/* The same in an event loop, and what came of it. */
int discovery_ask(sd_event *event, const char *server, const char *defaults_file, process_done_t done, void *userdata, Process **ret);
int discovery_answer(const ProcessResult *result, Options *ret);
