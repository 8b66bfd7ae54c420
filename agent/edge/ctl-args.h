/* What was typed: a verb and its options, checked but not yet acted upon. */
#pragma once

#include "domain/names.h"
#include "domain/policy.h"

/* How mainstayctl ends. */
enum {
        CTL_OK = 0,
        CTL_FAILED = 1, /* or refused */
        CTL_USAGE = 2,
        CTL_PLAN_WAIT = 3,
        CTL_PLAN_REFUSE = 4,
        CTL_INTERRUPTED = 128 + 2, /* detached, by Ctrl-C */
        CTL_TERMINATED = 128 + 15,
};

typedef enum Verb {
        VERB_STATUS,
        VERB_EXPLAIN,
        VERB_PLAN,
        VERB_BOOTSTRAP,
        VERB_JOIN,
        VERB_RECOVER,
        VERB_SHUN,
        VERB_ONLINE,
        VERB_OFFLINE,
        VERB_DRAIN,
        VERB_REPOINT,
        VERB_REPLICATOR,
        VERB_PROVISION,
        VERB_REPORT,
        VERB_POLICY,
        VERB_JOB,
        VERB_HISTORY,
        VERB_SETUP,
        VERB_INSPECT,
        VERB_DOCTOR,
        VERB_HELP,
        VERB_VERSION,
        _VERB_MAX,
        _VERB_INVALID = -EINVAL,
} Verb;

const char *verb_to_string(Verb v);
Verb verb_from_string(const char *s);

/* What is done with a job. */
typedef enum JobVerb {
        JOB_VERB_LIST,
        JOB_VERB_SHOW,
        JOB_VERB_FOLLOW,
        JOB_VERB_CANCEL,
        _JOB_VERB_MAX,
        _JOB_VERB_INVALID = -EINVAL,
} JobVerb;

const char *job_verb_to_string(JobVerb v);
JobVerb job_verb_from_string(const char *s);

#define ARGS_KEYS_MAX NAMES_MAX
#define ARGS_FILES_MAX NAMES_MAX
#define ARGS_LINES 50

/* Strings are borrowed from argv. */
typedef struct Args {
        Verb verb;
        Verb topic;          /* help: of which verb; _VERB_INVALID: of all */
        const char *host;    /* -H: [USER@]HOST */
        const char *address; /* an sd-bus address in place of the system bus */
        bool json;
        bool watch;
        bool no_wait;
        Names without;
        bool new_cluster;
        bool set_policy; /* to `policy`; else it is shown */
        Policy policy;
        JobVerb job_verb;
        bool set_job_verb; /* else it is what no word means: a list */
        uint64_t job_id; /* 0: the one that runs, or has run last */
        Names force;
        const char *node; /* of the verbs that are of one node: whom; NULL: this one */
        const char *what;    /* replicator: offline, online or replica */
        const char *source, *method; /* provision; NULL: not said */
        const char *primary; /* repoint, replicator: whom to follow; NULL: the one there is */
        const char *reason, *owner; /* shun */
        int64_t seconds;     /* shun: for so long, 0 for ever */
        usec_t since;        /* history: microseconds since 1970, 0: from the beginning */
        int64_t lines;       /* history: the newest so many; 0: all */
        bool verbose;
        bool dry_run;
        bool yes;
        const char *donor;
        bool check;
        size_t n_peer_keys;
        const char *peer_key[ARGS_KEYS_MAX];
        const char *peer_keys_file; /* "-": stdin */
        const char *known_hosts_file;
        bool keys, undo;
        const char *key_file;
        int64_t wait; /* seconds, 0: not at all */
        size_t n_hosts; /* setup: of these, too; as ssh takes them */
        const char *setup_host[ARGS_FILES_MAX];
        const char *replication_user; /* both or neither */
        const char *replication_password_file; /* "-": stdin */

        size_t n_files; /* plan: saved reports, which need no agent */
        const char *file[ARGS_FILES_MAX];
        Names expect; /* plan: all nodes there are; empty: those of the reports */

        const char *datadir; /* inspect */
        const char *grastate;
        const char *gvwstate;
        const char *recover_log;
} Args;

/* -EINVAL for a mistake; what is wrong with it is then in `error`. Without a
 * verb it is VERB_STATUS. */
int args_parse(int argc, char *argv[], Args *ret, char error[static 256]);

/* For completion: all options, up to one without a name; whether one goes with a verb (any
 * does with none); what may be forced there, up to NULL, and as the end of a sentence in
 * `*ret_why`, which may be NULL; whether it takes the name of a node. */
struct option;
const struct option *args_options(void);
bool args_goes_with(const struct option *o, Verb v);
const char *const *args_checks(Verb v, const char **ret_why);
bool args_is_of_a_node(Verb v);

/* Within: -EINVAL where what was typed does not go together for `setup`, or where a check
 * cannot be forced. */
int args_check_setup(const Args *a, char error[static 256]);
int args_check_force(Args *a, char error[static 256]);
int args_wrong(char error[static 256], const char *format, ...) _printf_(2, 3); /* says what: -EINVAL */
