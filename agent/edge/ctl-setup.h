/* `mainstayctl setup`: the steps that make a node ready, each of which looks
 * first, acts only where something is missing, and says what it did. */
#pragma once

#include "base/paths.h"
#include "domain/config.h"
#include "domain/options.h"
#include "domain/replication.h"
#include "edge/ctl-args.h"
#include "edge/ctl-text.h"

#include <jansson.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

/* Where make installs; given on the compiler's command line. */
#ifndef PKGLIBEXECDIR
#define PKGLIBEXECDIR "/usr/libexec/mainstay"
#endif
#ifndef PKGDATADIR
#define PKGDATADIR "/usr/share/mainstay"
#endif
#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define SSH_DIR STATE_DIR "/ssh"
#define PEER_HOME "/var/lib/mainstay-peer"
#define AGENT_USER "mainstay"
#define PEER_USER "mainstay-peer"
#define AGENT_UNIT "mainstayd.service"
#define RECOVER_UNIT "mainstay-recover.service"

#define DROPINS_MAX 64

/* What is the case on this node, found out before anything is done. */
typedef struct Facts {
        Config *config;  /* complete, as far as it can be */
        Options options; /* the server's own */
        bool have_options;
        bool peers_found; /* in the server's configuration, not in ours */

        sd_bus *bus; /* NULL: no systemd to talk to */
        char *unit;  /* mysqld's: its real name */
        char *unit_active;
        char *unit_fragment;
        char *unit_user;
        char *unit_umask;
        size_t n_dropins;
        char *dropin[DROPINS_MAX];

        char *user; /* mysqld's system user */
        bool have_datadir;
        struct stat datadir;
} Facts;

/* Leaves a sentence in `error` where the configuration is wrong. */
int facts_gather(Facts *ret, char error[static 512]);
/* No more than what files and the server's binary say: where its data are. */
int facts_paths(Facts *ret, char error[static 512]);
void facts_done(Facts *f);

typedef struct Setup {
        const Args *args;
        Facts facts;
        Style style;
        const char *step; /* the name of the one under way */
        json_t *peers;    /* what the others said of themselves: see peer_ask(); may be NULL */
        json_t *steps;
        size_t missing;
        json_t *short_missing; /* their names, for the last line */
        bool restart_agent; /* it has new rights, which it gets when it starts */
        bool reload_systemd;
} Setup;

/* What a step has to say: in its own words, and only one of these. */
_printf_(2, 3) void setup_already(Setup *s, const char *format, ...);
_printf_(2, 3) void setup_done(Setup *s, const char *format, ...);
/* `remedy` is what a person does about it; may be "". */
_printf_(3, 4) void setup_missing(Setup *s, const char *remedy, const char *format, ...);
/* As root is told, or else the agent; of one that tells neither, the more usual. */
Flavour setup_flavour(Setup *s);
/* Something to read, neither good nor bad. */
_printf_(2, 3) void setup_note(Setup *s, const char *format, ...);

/* Runs a program; its exit status, or a negative errno. What it says on stdout
 * and stderr is in `*ret_output` and `*ret_complaint` (either may be NULL),
 * set for every status; free them. */
int setup_run(const char *const *argv, char **ret_output, char **ret_complaint);
/* The same for programs of which only success matters: says what went wrong. */
int setup_must(Setup *s, const char *const *argv);

/* Root's client of the database: the exit status, or a negative errno.
 * `*ret_complaint` is one line. */
int setup_sql(Setup *s, const char *statement, char **ret_output, char **ret_complaint);

/* The text of a file of at most 1 MiB; -ENOENT. */
int setup_read(const char *path, char **ret);
/* Writes a file with its directory. 0 where it was so already, 1 where it was
 * written. */
int setup_write(const char *path, const char *text, mode_t mode);

/* One of our files, by its whole path: 1 where it was written, 0 where it was as it
 * should be, or only `--check` was asked for. */
int setup_file(Setup *s, const char *path, const char *text, const char *why);

/* A command line that runs `argv` as the agent's user. Needs room for 5 more. */
size_t setup_as_agent(const char **argv);

/* All steps. What they say is in `steps`, by the name of the step, where JSON
 * is wanted. */
void setup_steps(Setup *s);

/* The steps. Negative: nobody has explained it yet. */
int setup_users(Setup *s);
int setup_groups(Setup *s);
int setup_directories(Setup *s);
int setup_key(Setup *s);
int setup_peer_keys(Setup *s);
int setup_known_hosts(Setup *s);
int setup_unit(Setup *s);
int setup_options(Setup *s);
int setup_pins(Setup *s);
int setup_apparmor(Setup *s);
int setup_notify(Setup *s);
int setup_replication(Setup *s);
int setup_account(Setup *s);
int setup_backup(Setup *s);
int setup_writers(Setup *s);
int setup_agent(Setup *s);
int setup_peers(Setup *s);
