/* What was typed; see ctl-args.h. */
#include "edge/ctl-args.h"
#include "base/number.h"
#include "base/table.h"
#include "domain/job.h"
#include "edge/ctl-time.h"
#include "sys/clock.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <sys/param.h>

static const char *const verb_names[] = {
        [VERB_STATUS] = "status",
        [VERB_EXPLAIN] = "explain",
        [VERB_PLAN] = "plan",
        [VERB_BOOTSTRAP] = "bootstrap",
        [VERB_JOIN] = "join",
        [VERB_RECOVER] = "recover",
        [VERB_SHUN] = "shun",
        [VERB_ONLINE] = "online",
        [VERB_OFFLINE] = "offline",
        [VERB_DRAIN] = "drain",
        [VERB_REPOINT] = "repoint",
        [VERB_REPLICATOR] = "replicator",
        [VERB_PROVISION] = "provision",
        [VERB_REPORT] = "report",
        [VERB_POLICY] = "policy",
        [VERB_JOB] = "job",
        [VERB_HISTORY] = "history",
        [VERB_SETUP] = "setup",
        [VERB_INSPECT] = "inspect",
        [VERB_DOCTOR] = "doctor",
        [VERB_HELP] = "help",
        [VERB_VERSION] = "version",
};
DEFINE_STRING_TABLE(verb, Verb, verb_names)

static const char *const job_verb_names[] = {
        [JOB_VERB_LIST] = "list",
        [JOB_VERB_SHOW] = "show",
        [JOB_VERB_FOLLOW] = "follow",
        [JOB_VERB_CANCEL] = "cancel",
};
DEFINE_STRING_TABLE(job_verb, JobVerb, job_verb_names)

#define WORD_MAX 16
#define PLACES_MAX 8
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:@"

#define V(verb) (1U << VERB_##verb)
/* What is done to the datasource of one node, said on any. */
#define V_NODE (V(RECOVER) | V(SHUN) | V(ONLINE) | V(OFFLINE) | V(DRAIN) | V(REPOINT) | V(REPLICATOR) | V(PROVISION))
#define V_BUS (V_NODE | V(STATUS) | V(EXPLAIN) | V(PLAN) | V(BOOTSTRAP) | V(JOIN) | V(RECOVER) | V(REPORT) | V(POLICY) | V(JOB))
#define V_ALL (V_BUS | V(HISTORY) | V(SETUP) | V(INSPECT) | V(DOCTOR) | V(HELP) | V(VERSION))

enum {
        OPT_JSON = 0x100,
        OPT_WATCH,
        OPT_WITHOUT,
        OPT_FORCE,
        OPT_NO_WAIT,
        OPT_DONOR,
        OPT_CHECK,
        OPT_PEER_KEY,
        OPT_PEER_KEYS,
        OPT_KEYS,
        OPT_KEY,
        OPT_WAIT,
        OPT_UNDO,
        OPT_KNOWN_HOSTS,
        OPT_REPLICATION_USER,
        OPT_REPLICATION_PASSWORD_FILE,
        OPT_ADDRESS,
        OPT_EXPECT,
        OPT_DATADIR,
        OPT_GRASTATE,
        OPT_GVWSTATE,
        OPT_RECOVER_LOG,
        OPT_VERSION,
        OPT_DRY_RUN,
        OPT_YES,
        OPT_REASON,
        OPT_OWNER,
        OPT_FOR,
        OPT_SOURCE,
        OPT_METHOD,
        OPT_SINCE,
        OPT_VERBOSE,
};

static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPT_VERSION },
        { "host", required_argument, NULL, 'H' },
        { "address", required_argument, NULL, OPT_ADDRESS },
        { "json", no_argument, NULL, OPT_JSON },
        { "watch", no_argument, NULL, OPT_WATCH },
        { "without", required_argument, NULL, OPT_WITHOUT },
        { "force", required_argument, NULL, OPT_FORCE },
        { "no-wait", no_argument, NULL, OPT_NO_WAIT },
        { "dry-run", no_argument, NULL, OPT_DRY_RUN },
        { "yes", no_argument, NULL, OPT_YES },
        { "reason", required_argument, NULL, OPT_REASON },
        { "owner", required_argument, NULL, OPT_OWNER },
        { "for", required_argument, NULL, OPT_FOR },
        { "source", required_argument, NULL, OPT_SOURCE },
        { "method", required_argument, NULL, OPT_METHOD },
        { "donor", required_argument, NULL, OPT_DONOR },
        { "check", no_argument, NULL, OPT_CHECK },
        { "peer-key", required_argument, NULL, OPT_PEER_KEY },
        { "peer-keys", required_argument, NULL, OPT_PEER_KEYS },
        { "keys", no_argument, NULL, OPT_KEYS },
        { "key", required_argument, NULL, OPT_KEY },
        { "wait", required_argument, NULL, OPT_WAIT },
        { "undo", no_argument, NULL, OPT_UNDO },
        { "known-hosts", required_argument, NULL, OPT_KNOWN_HOSTS },
        { "replication-user", required_argument, NULL, OPT_REPLICATION_USER },
        { "replication-password-file", required_argument, NULL, OPT_REPLICATION_PASSWORD_FILE },
        { "since", required_argument, NULL, OPT_SINCE },
        { "lines", required_argument, NULL, 'n' },
        { "verbose", no_argument, NULL, OPT_VERBOSE },
        { "expect", required_argument, NULL, OPT_EXPECT },
        { "datadir", required_argument, NULL, OPT_DATADIR },
        { "grastate", required_argument, NULL, OPT_GRASTATE },
        { "gvwstate", required_argument, NULL, OPT_GVWSTATE },
        { "recover-log", required_argument, NULL, OPT_RECOVER_LOG },
        {},
};

/* Which verbs an option goes with. */
static unsigned option_verbs(int c) {
        switch (c) {
        case 'H':
                return V_BUS | V(HISTORY);
        case OPT_ADDRESS:
                return V_BUS;
        case 'n':
        case OPT_SINCE:
        case OPT_VERBOSE:
                return V(HISTORY);
        case OPT_WATCH:
                return V(STATUS);
        case OPT_WITHOUT:
                return V(PLAN) | V(BOOTSTRAP);
        case OPT_FORCE:
                return V(BOOTSTRAP) | V(RECOVER) | V(REPOINT) | V(REPLICATOR) | V(PROVISION) | V(SETUP);
        case OPT_SOURCE:
        case OPT_METHOD:
                return V(PROVISION);
        case OPT_DRY_RUN:
                return V_NODE;
        case OPT_YES:
                return V(RECOVER);
        case OPT_REASON:
        case OPT_OWNER:
        case OPT_FOR:
                return V(SHUN);
        case OPT_NO_WAIT:
                return V(BOOTSTRAP) | V(JOIN) | V_NODE;
        case OPT_DONOR:
                return V(JOIN);
        case OPT_CHECK:
        case OPT_PEER_KEY:
        case OPT_PEER_KEYS:
        case OPT_KEYS:
        case OPT_KEY:
        case OPT_WAIT:
        case OPT_UNDO:
        case OPT_KNOWN_HOSTS:
        case OPT_REPLICATION_USER:
        case OPT_REPLICATION_PASSWORD_FILE:
                return V(SETUP);
        case OPT_EXPECT:
                return V(PLAN);
        case OPT_DATADIR:
        case OPT_GRASTATE:
        case OPT_GVWSTATE:
        case OPT_RECOVER_LOG:
                return V(INSPECT);
        default:
                return V_ALL;
        }
}

const struct option *args_options(void) {
        return options;
}

bool args_goes_with(const struct option *o, Verb v) {
        return v < 0 || ((option_verbs(o->val) >> v) & 1);
}

bool args_is_of_a_node(Verb v) {
        return v >= 0 && (((V_NODE | V(EXPLAIN) | V(HISTORY)) >> v) & 1);
}

int args_wrong(char error[static 256], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(error, 256, format, ap);
        va_end(ap);
        return -EINVAL;
}

/* "db2" or "db2,db3". */
static int add_names(Names *names, const char *option, const char *list, char error[static 256]) {
        for (const char *p = list;; p++) {
                size_t n = strcspn(p, ",");
                char name[NAME_SIZE];
                int r;

                if (n == 0 || n >= sizeof(name))
                        return args_wrong(error, "%s wants the name of a node, not \"%.100s\".", option, list);
                memcpy(name, p, n);
                name[n] = 0;
                r = names_add(names, name);
                if (r == -E2BIG)
                        return args_wrong(error, "%s names more than %d nodes.", option, NAMES_MAX);
                if (r < 0)
                        return args_wrong(error, "%s wants the name of a node, not \"%s\".", option, name);
                p += n;
                if (*p == 0)
                        return 0;
        }
}

static int take_path(const char **field, const char *option, const char *path, char error[static 256]) {
        if (*field)
                return args_wrong(error, "%s is given twice.", option);
        *field = path;
        return *path ? 0 : args_wrong(error, "%s wants a file.", option);
}

/* "show 12" */
static int take_job_word(Args *a, const char *word, char error[static 256]) {
        int64_t id;

        if (!a->set_job_verb) {
                a->job_verb = job_verb_from_string(word);
                a->set_job_verb = true;
                return a->job_verb < 0 ? args_wrong(error, "There is no \"job %.100s\": it is list, show, follow or cancel.", word) : 0;
        }
        if (a->job_verb == JOB_VERB_LIST || a->job_id > 0)
                return args_wrong(error, "\"%.100s\" is one word too many.", word);
        if (number_parse(word, strlen(word), 1, JOB_ID_MAX, &id) < 0)
                return args_wrong(error, "\"%.100s\" is not the ID of a job: that is a number, see: mainstayctl job list", word);
        a->job_id = (uint64_t) id;
        return 0;
}

static bool ends_a_provision(const char *word) {
        return streq(word, "commit") || streq(word, "rollback");
}

/* "db2", "db2 db1" for repoint, "db2 replica db1" for replicator, "commit db2" for provision. */
static int take_node_word(Args *a, const char *word, char error[static 256]) {
        bool follows = a->verb == VERB_REPOINT || (a->verb == VERB_REPLICATOR && a->what && streq(a->what, "replica"));

        if (a->verb == VERB_PROVISION && !a->node && !a->what && ends_a_provision(word)) {
                a->what = word;
                return 0;
        }
        if (!a->node || (follows && !a->primary && (a->verb != VERB_REPLICATOR || a->what))) {
                if (!name_valid(word))
                        return args_wrong(error, "%s wants the name of a node, not \"%.100s\"; those there are, shows: mainstayctl status", verb_to_string(a->verb), word);
                *(a->node ? &a->primary : &a->node) = word;
                return 0;
        }
        if (a->verb == VERB_PROVISION && !a->what && ends_a_provision(word))
                return args_wrong(error, "\"%s\" is one word too many. Did you mean: provision %s %.100s?", word, word, a->node);
        if (a->verb != VERB_REPLICATOR || a->what)
                return args_wrong(error, "\"%.100s\" is one word too many.", word);
        if (!streq(word, "offline") && !streq(word, "online") && !streq(word, "replica"))
                return args_wrong(error, "A replicator is set offline, online or replica, not \"%.100s\".", word);
        a->what = word;
        return 0;
}

/* How many letters are to be put in, left out or changed to come from one to the other;
 * words that are longer than any verb are far from all. */
static size_t distance(const char *a, const char *b) {
        size_t row[WORD_MAX + 1], n = strlen(b);

        if (strlen(a) > WORD_MAX || n > WORD_MAX)
                return WORD_MAX;
        for (size_t k = 0; k <= n; k++)
                row[k] = k;
        for (size_t i = 0; a[i]; i++) {
                size_t diagonal = row[0];

                row[0] = i + 1;
                for (size_t k = 0; k < n; k++) {
                        size_t change = diagonal + (a[i] != b[k]);

                        diagonal = row[k + 1];
                        row[k + 1] = MIN(MIN(row[k + 1], row[k]) + 1, change);
                }
        }
        return row[n];
}

static Verb nearest(const char *word) {
        Verb best = _VERB_INVALID;
        size_t least = 3;

        for (Verb v = 0; v < _VERB_MAX; v++)
                if (distance(word, verb_to_string(v)) < MIN(least, strlen(word))) {
                        least = distance(word, verb_to_string(v));
                        best = v;
                }
        return best;
}

static int take_span(int64_t *ret, const char *option, const char *text, char error[static 256]) {
        return time_parse_span(text, ret) < 0 ? args_wrong(error, "%s wants a time, as in 90s, 30m, 2h or 3d, not \"%.100s\".", option, text) : 0;
}

/* "db2" or "admin@db2", as ssh takes it; it must not take it for an option. */
static int take_host(Args *a, const char *word, char error[static 256]) {
        if (!isalnum((unsigned char) *word) || strspn(word, HOST_CHARACTERS) != strlen(word))
                return args_wrong(error, "setup wants [USER@]HOST of other nodes, not \"%.100s\".", word);
        if (a->n_hosts == ARGS_FILES_MAX)
                return args_wrong(error, "setup takes at most %d hosts.", ARGS_FILES_MAX);
        a->setup_host[a->n_hosts++] = word;
        return 0;
}

/* What is no verb may be what follows one. */
static int no_verb(const char *word, char error[static 256]) {
        Verb near;

        if (ends_a_provision(word))
                return args_wrong(error, "There is no verb \"%s\". Did you mean: provision %s NODE?", word, word);
        if (job_verb_from_string(word) >= 0)
                return args_wrong(error, "There is no verb \"%s\". Did you mean: job %s?", word, word);
        if (policy_from_string(word) >= 0)
                return args_wrong(error, "There is no verb \"%s\". Did you mean: policy %s?", word, word);
        near = nearest(word);
        return near < 0 ? args_wrong(error, "There is no verb \"%.100s\".", word)
                        : args_wrong(error, "There is no verb \"%.100s\". Did you mean: %s?", word, verb_to_string(near));
}

static int take_topic(Args *a, const char *word, char error[static 256]) {
        if (a->topic >= 0)
                return args_wrong(error, "\"%.100s\" is one word too many: help is of one verb.", word);
        a->topic = verb_from_string(word);
        return a->topic < 0 ? no_verb(word, error) : 0;
}

/* The verb; then nodes that are given up, and for `plan` files. */
static int take_word(Args *a, const char *word, bool follows_without, char error[static 256]) {
        if (a->verb == _VERB_INVALID) {
                a->verb = verb_from_string(word);
                return a->verb < 0 ? no_verb(word, error) : 0;
        }
        if (follows_without)
                return add_names(&a->without, "--without", word, error);
        if (args_is_of_a_node(a->verb))
                return take_node_word(a, word, error);
        if (a->verb == VERB_POLICY && !a->set_policy) {
                a->policy = policy_from_string(word);
                a->set_policy = true;
                return a->policy < 0 ? args_wrong(error, "There is no policy \"%.100s\": it is automatic, manual or maintenance.", word) : 0;
        }
        if (a->verb == VERB_HELP)
                return take_topic(a, word, error);
        if (a->verb == VERB_JOB)
                return take_job_word(a, word, error);
        if (a->verb == VERB_SETUP)
                return take_host(a, word, error);
        if (a->verb != VERB_PLAN)
                return args_wrong(error, "\"%.100s\" is one word too many.", word);
        if (*word == 0)
                return args_wrong(error, "plan wants the name of a file, not \"\".");
        if (a->n_files == ARGS_FILES_MAX)
                return args_wrong(error, "plan takes at most %d files.", ARGS_FILES_MAX);
        a->file[a->n_files++] = word;
        return 0;
}

static int take(Args *a, int c, const char *arg, char error[static 256]) {
        switch (c) {
        case 'h': /* whatever else is typed: args_parse() */
        case OPT_VERSION:
                return 0;
        case 'H':
                a->host = arg;
                return *arg ? 0 : args_wrong(error, "-H wants [USER@]HOST.");
        case OPT_ADDRESS:
                a->address = arg;
                return *arg ? 0 : args_wrong(error, "--address wants a D-Bus address.");
        case OPT_JSON:
                a->json = true;
                return 0;
        case OPT_WATCH:
                a->watch = true;
                return 0;
        case OPT_WITHOUT:
                return add_names(&a->without, "--without", arg, error);
        case OPT_FORCE:
                if (names_add(&a->force, arg) < 0)
                        return args_wrong(error, "There is no check \"%s\" to force.", arg);
                return 0;
        case OPT_DRY_RUN:
                a->dry_run = true;
                return 0;
        case OPT_YES:
                a->yes = true;
                return 0;
        case OPT_REASON:
                a->reason = arg;
                return *arg ? 0 : args_wrong(error, "--reason wants a few words.");
        case OPT_OWNER:
                a->owner = arg;
                return *arg ? 0 : args_wrong(error, "--owner wants a name.");
        case OPT_FOR:
                return take_span(&a->seconds, "--for", arg, error);
        case OPT_SINCE:
                if (time_parse_since(arg, clock_usec(CLOCK_REALTIME), &a->since) < 0)
                        return args_wrong(error, "--since wants a time, as in 2h, 03:00 or \"2026-11-28 03:00\", not \"%.100s\".", arg);
                return 0;
        case 'n':
                return number_parse(arg, strlen(arg), 0, INT32_MAX, &a->lines) < 0 ? args_wrong(error, "-n wants a number of lines, 0 for all, not \"%.100s\".", arg) : 0;
        case OPT_VERBOSE:
                a->verbose = true;
                return 0;
        case OPT_SOURCE:
                a->source = arg;
                return name_valid(arg) ? 0 : args_wrong(error, "--source wants the name of a node, not \"%.100s\".", arg);
        case OPT_METHOD:
                a->method = arg;
                return 0;
        case OPT_NO_WAIT:
                a->no_wait = true;
                return 0;
        case OPT_DONOR:
                a->donor = arg;
                return names_plain(arg) ? 0 : args_wrong(error, "--donor wants the name of a node, of letters, digits, dots, hyphens and underscores.");
        case OPT_CHECK:
                a->check = true;
                return 0;
        case OPT_PEER_KEY:
                if (a->n_peer_keys == ARGS_KEYS_MAX)
                        return args_wrong(error, "More than %d keys: put them into a file, for --peer-keys.", ARGS_KEYS_MAX);
                a->peer_key[a->n_peer_keys++] = arg;
                return 0;
        case OPT_PEER_KEYS:
                a->peer_keys_file = arg;
                return 0;
        case OPT_KEYS:
                a->keys = true;
                return 0;
        case OPT_KEY:
                return take_path(&a->key_file, "--key", arg, error);
        case OPT_WAIT:
                return take_span(&a->wait, "--wait", arg, error);
        case OPT_UNDO:
                a->undo = true;
                return 0;
        case OPT_KNOWN_HOSTS:
                a->known_hosts_file = arg;
                return 0;
        case OPT_REPLICATION_USER:
                a->replication_user = arg;
                return names_plain(arg) ? 0 : args_wrong(error, "--replication-user wants the name of an account, of letters, digits, dots, hyphens and underscores.");
        case OPT_REPLICATION_PASSWORD_FILE:
                return take_path(&a->replication_password_file, "--replication-password-file", arg, error);
        case OPT_EXPECT:
                return add_names(&a->expect, "--expect", arg, error);
        case OPT_DATADIR:
                return take_path(&a->datadir, "--datadir", arg, error);
        case OPT_GRASTATE:
                return take_path(&a->grastate, "--grastate", arg, error);
        case OPT_GVWSTATE:
                return take_path(&a->gvwstate, "--gvwstate", arg, error);
        case OPT_RECOVER_LOG:
                return take_path(&a->recover_log, "--recover-log", arg, error);
        default:
                return args_wrong(error, "No such option.");
        }
}

/* And where its place is, unless that is almost anywhere. */
static int wrong_place(const struct option *o, Verb verb, char error[static 256]) {
        char list[128] = "";
        size_t n = 0, size = 0;

        for (Verb v = 0; v < _VERB_MAX; v++)
                if (args_goes_with(o, v) && size < sizeof(list))
                        size += (size_t) snprintf(list + size, sizeof(list) - size, "%s%s", n++ > 0 ? ", " : "", verb_to_string(v));
        return args_wrong(error, "--%s does not go with \"%s\"%s%s.", o->name, verb_to_string(verb), n <= PLACES_MAX ? "; it does with: " : "", n <= PLACES_MAX ? list : "");
}

static int check(const Args *a, const bool *seen, char error[static 256]) {
        for (const struct option *o = options; o->name; o++)
                if (seen[o - options] && !(option_verbs(o->val) & (1U << a->verb)))
                        return wrong_place(o, a->verb, error);
        if (a->host && a->address)
                return args_wrong(error, "-H and --address are two ways to say the same: give one.");
        if (a->expect.n > 0 && a->n_files == 0)
                return args_wrong(error, "--expect goes with the files of saved reports: plan FILE... --expect NODE,...");
        if (a->n_files > 0 && (a->host || a->address))
                return args_wrong(error, "plan asks an agent or reads files: -H and --address do not go with \"%.100s\".", a->file[0]);
        if (!a->node && (a->verb == VERB_SHUN || a->verb == VERB_REPOINT || a->verb == VERB_REPLICATOR))
                return args_wrong(error, "%s wants the name of a node; those there are, shows: mainstayctl status", verb_to_string(a->verb));
        if (a->verb == VERB_REPLICATOR && !a->what)
                return args_wrong(error, "replicator wants what it is to be: offline, online or replica.");
        if (a->what && a->verb == VERB_PROVISION && (a->source || a->method))
                return args_wrong(error, "provision %s takes no copy, so nothing is said of one.", a->what);
        if (a->verb == VERB_JOB && a->job_verb == JOB_VERB_CANCEL && a->job_id == 0)
                return args_wrong(error, "job cancel wants the ID of a job, see: mainstayctl job list");
        return a->verb == VERB_SETUP ? args_check_setup(a, error) : 0;
}

static bool is_seen(const bool *seen, int c) {
        for (const struct option *o = options; o->name; o++)
                if (seen[o - options] && o->val == c)
                        return true;
        return false;
}

typedef struct Word {
        const char *text;
        bool follows_without;
} Word;

int args_parse(int argc, char *argv[], Args *ret, char error[static 256]) {
        _cleanup_free_ Word *word = calloc((size_t) argc + 1, sizeof(*word));
        bool seen[ELEMENTS(options)] = {};
        Args a = { .verb = _VERB_INVALID, .topic = _VERB_INVALID, .lines = ARGS_LINES };
        size_t n_words = 0;
        int c, last = 0, r = 0;

        if (!word)
                return args_wrong(error, "%s.", strerror(ENOMEM));
        /* 0, not 1: this may not be the first time in this process. Words are
         * taken where they stand ("-"), because what follows --without, up to
         * the next option, are nodes too. */
        optind = 0;
        opterr = 0;
        while ((c = getopt_long(argc, argv, "-:hH:n:", options, NULL)) >= 0) {
                if (c == 1) {
                        word[n_words++] = (Word) { optarg, last == OPT_WITHOUT };
                        continue;
                }
                if (c == ':')
                        return args_wrong(error, "%s wants a value.", argv[optind - 1]);
                if (c == '?')
                        return args_wrong(error, "There is no option %s.", argv[optind - 1]);
                last = c;
                for (const struct option *o = options; o->name; o++)
                        if (o->val == c)
                                seen[o - options] = true;
                r = take(&a, c, optarg, error);
                if (r < 0)
                        return r;
        }
        for (; optind < argc; optind++)
                word[n_words++] = (Word) { argv[optind], false };

        if (is_seen(seen, OPT_VERSION)) {
                *ret = (Args) { .verb = VERB_VERSION, .topic = _VERB_INVALID, .json = a.json };
                return 0;
        }
        if (is_seen(seen, 'h')) {
                *ret = (Args) { .verb = VERB_HELP, .topic = _VERB_INVALID, .json = a.json };
                return n_words > 0 ? take_topic(ret, word[0].text, error) : 0;
        }
        for (size_t i = 0; i < n_words && r >= 0; i++)
                r = take_word(&a, word[i].text, word[i].follows_without, error);
        if (r < 0)
                return r;
        if (a.verb == _VERB_INVALID)
                a.verb = VERB_STATUS;
        r = check(&a, seen, error);
        if (r >= 0)
                r = args_check_force(&a, error);
        if (r < 0)
                return r;

        *ret = a;
        return 0;
}
