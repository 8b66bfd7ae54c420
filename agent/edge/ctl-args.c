/* What was typed; see ctl-args.h. */
#include "edge/ctl-args.h"
#include "base/table.h"

#include <getopt.h>
#include <stdarg.h>

static const char *const verb_names[] = {
        [VERB_STATUS] = "status",
        [VERB_PLAN] = "plan",
        [VERB_BOOTSTRAP] = "bootstrap",
        [VERB_JOIN] = "join",
        [VERB_REPORT] = "report",
        [VERB_SETUP] = "setup",
        [VERB_HELP] = "help",
        [VERB_VERSION] = "version",
};
DEFINE_STRING_TABLE(verb, Verb, verb_names)

#define V(verb) (1U << VERB_##verb)
#define V_BUS (V(STATUS) | V(PLAN) | V(BOOTSTRAP) | V(JOIN) | V(REPORT))
#define V_ALL (V_BUS | V(SETUP) | V(HELP) | V(VERSION))

enum {
        OPT_JSON = 0x100,
        OPT_WATCH,
        OPT_WITHOUT,
        OPT_FORCE,
        OPT_NO_WAIT,
        OPT_CHECK,
        OPT_PEER_KEY,
        OPT_PEER_KEYS,
        OPT_KNOWN_HOSTS,
        OPT_ADDRESS,
        OPT_VERSION,
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
        { "check", no_argument, NULL, OPT_CHECK },
        { "peer-key", required_argument, NULL, OPT_PEER_KEY },
        { "peer-keys", required_argument, NULL, OPT_PEER_KEYS },
        { "known-hosts", required_argument, NULL, OPT_KNOWN_HOSTS },
        {},
};

/* Which verbs an option goes with. */
static unsigned option_verbs(int c) {
        switch (c) {
        case 'H':
        case OPT_ADDRESS:
                return V_BUS;
        case OPT_WATCH:
                return V(STATUS);
        case OPT_WITHOUT:
                return V(PLAN) | V(BOOTSTRAP);
        case OPT_FORCE:
                return V(BOOTSTRAP);
        case OPT_NO_WAIT:
                return V(BOOTSTRAP) | V(JOIN);
        case OPT_CHECK:
        case OPT_PEER_KEY:
        case OPT_PEER_KEYS:
        case OPT_KNOWN_HOSTS:
                return V(SETUP);
        default:
                return V_ALL;
        }
}


static _printf_(2, 3) int wrong(char error[static 256], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(error, 256, format, ap);
        va_end(ap);
        return -EINVAL;
}

/* "db2" or "db2,db3". */
static int add_without(Names *names, const char *list, char error[static 256]) {
        for (const char *p = list;; p++) {
                size_t n = strcspn(p, ",");
                char name[NAME_SIZE];
                int r;

                if (n == 0 || n >= sizeof(name))
                        return wrong(error, "--without wants the name of a node, not \"%s\".", list);
                memcpy(name, p, n);
                name[n] = 0;
                r = names_add(names, name);
                if (r == -E2BIG)
                        return wrong(error, "--without names more than %d nodes.", NAMES_MAX);
                if (r < 0)
                        return wrong(error, "--without wants the name of a node, not \"%s\".", name);
                p += n;
                if (*p == 0)
                        return 0;
        }
}

static int take(Args *a, int c, const char *arg, char error[static 256]) {
        switch (c) {
        case 'h':
                a->verb = VERB_HELP;
                return 0;
        case OPT_VERSION:
                a->verb = VERB_VERSION;
                return 0;
        case 'H':
                a->host = arg;
                return *arg ? 0 : wrong(error, "-H wants [USER@]HOST.");
        case OPT_ADDRESS:
                a->address = arg;
                return *arg ? 0 : wrong(error, "--address wants a D-Bus address.");
        case OPT_JSON:
                a->json = true;
                return 0;
        case OPT_WATCH:
                a->watch = true;
                return 0;
        case OPT_WITHOUT:
                return add_without(&a->without, arg, error);
        case OPT_FORCE:
                if (!streq(arg, "new-cluster"))
                        return wrong(error, "There is no check \"%s\" to force. It is new-cluster, and nothing else: "
                                            "to begin a cluster where no node has data of one.", arg);
                a->new_cluster = true;
                return 0;
        case OPT_NO_WAIT:
                a->no_wait = true;
                return 0;
        case OPT_CHECK:
                a->check = true;
                return 0;
        case OPT_PEER_KEY:
                if (a->n_peer_keys == ARGS_KEYS_MAX)
                        return wrong(error, "More than %d keys: put them into a file, for --peer-keys.", ARGS_KEYS_MAX);
                a->peer_key[a->n_peer_keys++] = arg;
                return 0;
        case OPT_PEER_KEYS:
                a->peer_keys_file = arg;
                return 0;
        case OPT_KNOWN_HOSTS:
                a->known_hosts_file = arg;
                return 0;
        default:
                return wrong(error, "No such option.");
        }
}

static int check(const Args *a, const bool *seen, char error[static 256]) {
        for (const struct option *o = options; o->name; o++)
                if (seen[o - options] && !(option_verbs(o->val) & (1U << a->verb)))
                        return wrong(error, "--%s does not go with \"%s\".", o->name, verb_to_string(a->verb));
        if (a->host && a->address)
                return wrong(error, "-H and --address are two ways to say the same: give one.");
        if (a->check && (a->n_peer_keys > 0 || a->peer_keys_file || a->known_hosts_file))
                return wrong(error, "--check changes nothing, so it takes no keys.");
        return 0;
}

int args_parse(int argc, char *argv[], Args *ret, char error[static 256]) {
        bool seen[ELEMENTS(options)] = {};
        Args a = { .verb = _VERB_INVALID };
        int c, r;

        /* 0, not 1: this may not be the first time in this process. */
        optind = 0;
        opterr = 0;
        while ((c = getopt_long(argc, argv, ":hH:", options, NULL)) >= 0) {
                if (c == ':')
                        return wrong(error, "%s wants a value.", argv[optind - 1]);
                if (c == '?')
                        return wrong(error, "There is no option %s.", argv[optind - 1]);
                for (const struct option *o = options; o->name; o++)
                        if (o->val == c)
                                seen[o - options] = true;
                r = take(&a, c, optarg, error);
                if (r < 0)
                        return r;
        }

        if (a.verb == VERB_HELP || a.verb == VERB_VERSION) {
                *ret = a;
                return 0;
        }
        if (optind == argc)
                a.verb = VERB_STATUS;
        else {
                a.verb = verb_from_string(argv[optind]);
                if (a.verb < 0)
                        return wrong(error, "There is no verb \"%s\".", argv[optind]);
                optind++;
        }
        /* What follows --without, up to the next option, are nodes too. */
        for (; optind < argc; optind++) {
                if (a.without.n == 0)
                        return wrong(error, "\"%s\" is one word too many.", argv[optind]);
                r = add_without(&a.without, argv[optind], error);
                if (r < 0)
                        return r;
        }
        r = check(&a, seen, error);
        if (r < 0)
                return r;

        *ret = a;
        return 0;
}

void args_help(FILE *f) {
        fputs("mainstayctl [OPTION...] [VERB]\n"
              "\n"
              "Shows and leads the recovery of a Galera cluster.\n"
              "\n"
              "Verbs:\n"
              "  status              The cluster at a glance; this is what no verb means\n"
              "  plan                What would happen now, and why, node by node\n"
              "  bootstrap           Form the cluster from this node, if that is safe\n"
              "  join                Join the cluster, waiting for it where it must\n"
              "  report              What this node says of itself to the others, as JSON\n"
              "  setup               Make this node ready, and say what is still missing\n"
              "\n"
              "Options:\n"
              "  -H, --host [USER@]HOST  The agent of that host, through ssh\n"
              "      --json              For programs\n"
              "      --watch             status: show it again whenever something changes\n"
              "      --without NODE      plan, bootstrap: give NODE up, and what only it has\n"
              "      --force new-cluster bootstrap: begin a cluster where there is none\n"
              "      --no-wait           bootstrap, join: begin it, and do not wait for the end\n"
              "      --check             setup: change nothing, only say what is missing\n"
              "      --peer-key KEY      setup: let in the agent with this public key\n"
              "      --peer-keys FILE    setup: the same, one key a line\n"
              "      --known-hosts FILE  setup: the host keys of the other nodes\n"
              "      --address ADDRESS   Another bus than the system's\n"
              "  -h, --help              This\n"
              "      --version           The version\n"
              "\n"
              "It ends with 0 when all is well, 1 when it failed or was refused, 2 when it did\n"
              "not understand; plan with 3 where the cluster waits, 4 where a person must decide.\n"
              "\n"
              "See mainstayctl(1), and mainstay-rules(7) for who may lead.\n",
              f);
}
