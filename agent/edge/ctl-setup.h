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
        char *keys;       /* of all nodes, as they were given; NULL: none were */
        char *password;   /* of the account that replicates, where it was read already */
        bool quiet;       /* only what is missing is told, on stderr */
        bool only_news;   /* what is so already is told later */
        bool waits;       /* for other nodes: what is missing is told at the end */
        size_t pass;      /* so many times all steps were run already */
        const char *step; /* the name of the one under way */
        bool of_others;   /* what it lacks may come from another node yet */
        bool let_in[CONFIG_PEERS_MAX]; /* which peers did, before the others were undone */
        bool others_undone; /* all that were named */
        json_t *peers;    /* what the others said of themselves: see peer_ask(); may be NULL */
        json_t *steps;
        size_t missing;
        size_t missing_of_others; /* of them */
        json_t *short_missing; /* their names, for the last line */
        json_t *short_later;   /* of what comes with the server's next start */
        bool changed;
        bool restart_agent; /* it has new rights, which it gets when it starts */
        bool reload_systemd;
} Setup;

/* What a step has to say: in its own words, and only one of these. */
_printf_(2, 3) void setup_already(Setup *s, const char *format, ...);
_printf_(2, 3) void setup_done(Setup *s, const char *format, ...);
/* `remedy` is what a person does about it; may be "". */
_printf_(3, 4) void setup_missing(Setup *s, const char *remedy, const char *format, ...);
/* The same of what is there when the server is started next: nothing is wrong. */
_printf_(3, 4) void setup_later(Setup *s, const char *remedy, const char *format, ...);
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

/* All of stdin; -E2BIG. Free `*ret`, of which nothing stays in memory where this fails. */
int setup_stdin(size_t max, char **ret);

/* The text of a file of at most 1 MiB; -ENOENT. */
int setup_read(const char *path, char **ret);
/* Writes a file with its directory. 0 where it was so already, 1 where it was
 * written. */
int setup_write(const char *path, const char *text, mode_t mode);
/* The name `path`, or its absence, is on the disk. */
int setup_sync(const char *path);

/* The same in the agent's own name and groups: for what lies in its own directory, where a
 * link of its may lead elsewhere. Without the agent's account -ENOENT, and -ENXIO. */
int setup_agent_read(const char *path, char **ret);
int setup_agent_write(const char *path, const char *text, mode_t mode);

/* A key of the agent's, or, with `private` NULL, what is public of it: that comes last, and
 * says which key there is. Where it was cut off before, the next setup makes it of the first. */
struct passwd;
int setup_put_key(const struct passwd *agent, const char *path, const char *private, const char *public);

/* Gives a file or directory of the server's own account, and no link but the datadir itself,
 * a mode: -EPERM for another's. */
int setup_server_mode(const Setup *s, const char *path, mode_t mode);

/* One of our files, by its whole path: 1 where it was written, 0 where it was as it
 * should be, or only `--check` was asked for. */
int setup_file(Setup *s, const char *path, const char *text, const char *why);

/* A command line that runs `argv` as the agent's user. Needs room for 5 more. */
size_t setup_as_agent(const char **argv);

/* Is there a program of that name, where root's are? */
bool setup_program(const char *name);

/* Names and addresses of this machine are told from others'; the resolver is asked. */
bool facts_is_own(const char *host);

/* All steps. What they say is in `steps`, by the name of the step, where JSON
 * is wanted. */
void setup_steps(Setup *s);
/* Their names, in their order; NULL beyond the last. */
const char *setup_step_name(size_t i);
/* Those that make this node's key, and know the account that replicates. */
void setup_steps_for_keys(Setup *s);
/* Forgets what was missing, for it is looked for anew. */
void setup_forget_lacks(Setup *s);
/* Reads the password that was given into `password`, once. */
int setup_password(Setup *s);
/* Runs them until nothing is missing that may come from others, or the time is over, and
 * says how it ended; how the program ends. */
int setup_all(Setup *s);
/* Says how it ended; where there are other hosts, whose words go with it, not as JSON. */
int setup_finish(Setup *s);
/* The same for programs: a new reference. */
json_t *setup_to_json(const Setup *s);

/* What setup changed that does not tell by itself who did it: a line for each, such as
 * "mode 0700 /var/lib/mysql". What root does by it, nobody else may write: so it does not
 * lie with the agent's state. */
#define RECORD_PATH "/etc/mainstay/setup.record"
_printf_(1, 2) int setup_record(const char *format, ...);
/* Calls `each` with the rest of every line that begins with `kind`, the newest first. */
int setup_recorded(const char *kind, int (*each)(Setup *s, const char *what), Setup *s);
/* Is that line there? */
bool setup_has_record(const char *line);

/* This node's lines of the file of keys, as ctl-key.h has it; free `*ret`. */
int setup_own_keys(Setup *s, char **ret);
/* --keys: prints them. */
int setup_print_keys(Setup *s);

/* The same on other hosts, through ssh, and then here. Returns how the program ends. */
int setup_hosts(Setup *s);

/* Is that one of HOST..., whoever comes in there? */
bool setup_is_host(const Args *a, const char *name);

/* --undo: here. */
int setup_undo(Setup *s);

/* Where this system keeps pieces of the server's configuration; NULL: nowhere. */
const char *setup_conf_dir(void);

#define NOTIFY PKGLIBEXECDIR "/mainstay-notify"
#define SSH_KEY SSH_DIR "/id_ed25519"
#define KNOWN_HOSTS SSH_DIR "/known_hosts"
#define AUTHORIZED PEER_HOME "/.ssh/authorized_keys"
#define REPLICATION_FILE "/etc/mainstay/replication.cnf"
#define REPLICATION_DROPIN "/etc/systemd/system/" AGENT_UNIT ".d/50-replication.conf"
#define PINS_NAME "zz-zz-zz-mainstay.cnf"
#define NOTIFY_NAME "90-mainstay.cnf"

/* The steps. Negative: nobody has explained it yet. */
int setup_users(Setup *s);
int setup_groups(Setup *s);
int setup_directories(Setup *s);
int setup_ssh(Setup *s);
int setup_key(Setup *s);
int setup_peer_keys(Setup *s);
int setup_known_hosts(Setup *s);
int setup_unit(Setup *s);
int setup_polkit(Setup *s);
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
