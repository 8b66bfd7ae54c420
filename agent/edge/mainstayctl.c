/* The operators' command. It decides nothing: it asks the agent, and says what
 * came of it. Where no agent runs, `inspect` reads the server's files, and
 * `plan FILE...` leaves the decision to the agents' own function. */
#include "config.h"

#include "edge/ctl-args.h"
#include "edge/ctl-complete.h"
#include "edge/ctl-verbs.h"

#include <locale.h>

int main(int argc, char *argv[]) {
        static int (*const verbs[_VERB_MAX])(const Args *) = {
                [VERB_STATUS] = verb_status,
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
        };
        char error[256];
        Args args;
        int r;

        (void) setlocale(LC_CTYPE, "");

        /* Between the shells' files (conf/completion) and this; no option of a person. */
        if (argc > 1 && streq(argv[1], "--complete")) {
                Names nodes;

                complete_nodes(&nodes);
                complete(argc - 2, argv + 2, &nodes, stdout);
                return CTL_OK;
        }
        r = args_parse(argc, argv, &args, error);
        if (r < 0) {
                fprintf(stderr, "mainstayctl: %s\nSee: mainstayctl --help\n", error);
                return CTL_USAGE;
        }
        if (args.verb == VERB_HELP)
                args_help(stdout);
        else if (args.verb == VERB_VERSION)
                puts(PACKAGE_STRING);
        else {
                r = verbs[args.verb](&args);
                if (r < 0) {
                        fprintf(stderr, "mainstayctl: %s: %s.\n", verb_to_string(args.verb), strerror(-r));
                        return CTL_FAILED;
                }
        }
        if (fflush(stdout) != 0) {
                fprintf(stderr, "mainstayctl: what it says cannot be written: %s.\n", strerror(errno));
                return CTL_FAILED;
        }
        return r;
}
