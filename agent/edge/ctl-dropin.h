/* The drop-in that puts the gate before every start of mysqld, made from the
 * text of mysqld's own unit. Pure.
 *
 * A vendor's unit asks InnoDB for the position on every start (galera_recovery,
 * in an ExecStartPre line or within ExecStart itself). Mainstay has the
 * position already, and two servers must never open one datadir: those lines
 * are left out, all others stay as they are and where they are.
 */
#pragma once

#include "base/macro.h"

/* Where make installs; given on the compiler's command line. */
#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

/* UNIT.conf there is a drop-in of UNIT, under this name, while Mainstay is installed: see
 * generator.c. */
#define DROPIN_DIR SYSCONFDIR "/mainstay/units"
#define DROPIN_NAME "50-mainstay.conf"
#define DROPIN_LINES_MAX 32

typedef struct DropinSource {
        const char *path;
        const char *text;
} DropinSource;

/* What the text says of this node. */
typedef struct DropinNode {
        const char *unit, *datadir, *base_dir;
        const char *server;  /* "" where it is not known */
        const char *options; /* its --defaults-file=, "" where it has its own */
        bool asynchronous;   /* no node of a Galera cluster */
} DropinNode;

typedef struct Dropin {
        char *text;      /* the file to install */
        size_t n_left_out;
        char *left_out[DROPIN_LINES_MAX]; /* the unit's lines that are not in it, for people */
        bool start_changed;               /* it has an ExecStart of its own */
} Dropin;

/* `sources`: the unit's file and its drop-ins in the order in which systemd
 * reads them, without the one called DROPIN_NAME. `template_text`: gate.conf.
 * -EBADMSG where no drop-in can be made: why is then in `error`. */
int dropin_make(const DropinSource *sources, size_t n, const DropinNode *node, const char *template_text,
                Dropin *ret, char error[static 256]);
void dropin_done(Dropin *d);

/* The first `key` that a text sets in its [Service] section; free `*ret`.
 * -ENOENT. */
int dropin_setting(const char *text, const char *key, char **ret);
