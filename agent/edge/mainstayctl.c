/* The operators' command. It decides nothing: it asks the agent, and says what
 * came of it. Where no agent runs, `inspect` reads the server's files, and
 * `plan FILE...` leaves the decision to the agents' own function. */
#include "config.h"

#include "edge/ctl-args.h"
#include "edge/ctl-complete.h"
#include "edge/ctl-help.h"
#include "edge/ctl-verbs.h"

#include <locale.h>

static int verb_help(const Args *a) {
        if (a->json)
                return help_json(stdout, a->topic);
        if (a->topic < 0)
                help_overview(stdout);
        else
                help_verb(stdout, a->topic);
        return CTL_OK;
}

static int verb_version(const Args *a) {
        if (a->json)
                puts("{\"version\": \"" PACKAGE_VERSION "\"}");
        else
                puts(PACKAGE_STRING);
        return CTL_OK;
}

/* What is wrong with the command line, and where it is told how it goes. */
static void complain(int argc, char *argv[], const char *error) {
        Verb v = _VERB_INVALID;

        for (int i = 1; i < argc && v < 0; i++)
                v = verb_from_string(argv[i]);
        fprintf(stderr, "mainstayctl: %s\nSee: mainstayctl %s%s--help\n", error, v < 0 ? "" : verb_to_string(v), v < 0 ? "" : " ");
}

int main(int argc, char *argv[]) {
        static int (*const verbs[_VERB_MAX])(const Args *) = {
                [VERB_STATUS] = verb_status,
                [VERB_EXPLAIN] = verb_explain,
                [VERB_PLAN] = verb_plan,
                [VERB_BOOTSTRAP] = verb_bootstrap,
                [VERB_JOIN] = verb_join,
                [VERB_RECOVER] = verb_recover,
                [VERB_SHUN] = verb_operate,
                [VERB_ONLINE] = verb_operate,
                [VERB_OFFLINE] = verb_operate,
                [VERB_DRAIN] = verb_operate,
                [VERB_REPOINT] = verb_operate,
                [VERB_REPLICATOR] = verb_operate,
                [VERB_PROVISION] = verb_operate,
                [VERB_REPORT] = verb_report,
                [VERB_POLICY] = verb_policy,
                [VERB_JOB] = verb_job,
                [VERB_HISTORY] = verb_history,
                [VERB_SETUP] = verb_setup,
                [VERB_INSPECT] = verb_inspect,
                [VERB_DOCTOR] = verb_doctor,
                [VERB_HELP] = verb_help,
                [VERB_VERSION] = verb_version,
        };
        char error[256];
        Args args;
        int r;

        (void) setlocale(LC_CTYPE, "");

        /* Between the shells' files (conf/completion) and this; no option of a person. */
        if (argc > 1 && streq(argv[1], "--complete")) {
                Known known;

                complete_known(&known);
                complete(argc - 2, argv + 2, &known, stdout);
                return CTL_OK;
        }
        r = args_parse(argc, argv, &args, error);
        if (r < 0) {
                complain(argc, argv, error);
                return CTL_USAGE;
        }
        r = verbs[args.verb](&args);
        if (r < 0) {
                fprintf(stderr, "mainstayctl: %s: %s. What the agent does meanwhile: journalctl -u mainstayd\n", verb_to_string(args.verb), strerror(-r));
                return CTL_FAILED;
        }
        if (fflush(stdout) != 0) {
                fprintf(stderr, "mainstayctl: what it says cannot be written: %s.\n", strerror(errno));
                return CTL_FAILED;
        }
        return r;
}
