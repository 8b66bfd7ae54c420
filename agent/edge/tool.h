/* A backup program of the server's makers, run as a child by root's and the backup
 * account's oneshots: its log goes on to ours, and the last line of it is kept,
 * for that says whether it ended well ("completed OK!", which mariadb-backup
 * writes, and nothing else proves). */
#pragma once

#include "base/macro.h"

#include <sys/types.h>

typedef struct Tool {
        pid_t pid; /* 0: none runs */
        int log;   /* its stderr, -1: passed on unread, or at its end */
        size_t n;  /* of the line that is not whole yet */
        char line[512], last[512];
        char complaint[512]; /* the first line that speaks of an error */
} Tool;

/* `in` and `out` become its stdin and stdout; -1: /dev/null. With `owner` above 0 it
 * runs as that user and `group`. With `read_log`, tool_read_log() has to be called
 * until the log ends. Wait for it by tool_wait(). */
int tool_start(const char *const *argv, int in, int out, uid_t owner, gid_t group, bool read_log, Tool *ret);

/* What there is of its log, waiting for it; 0 at its end. */
int tool_read_log(Tool *t);
bool tool_completed_ok(const Tool *t);

/* As a shell's $?. */
int tool_wait(Tool *t);
void tool_kill(Tool *t);

/* The first of these programs that is in the PATH, or NULL. */
const char *tool_find(const char *const *names, char path[static 512]);
