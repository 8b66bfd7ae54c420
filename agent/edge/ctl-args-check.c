/* What was typed: what goes together, and which checks may be forced; see ctl-args.h. */
#include "edge/ctl-args.h"

#define V(verb) (1U << VERB_##verb)

const char *const *args_checks(Verb v, const char **ret_why) {
        static const struct {
                unsigned verbs;
                const char *check[8];
                const char *why; /* all of them, as the end of a sentence */
        } table[] = {
                { V(BOOTSTRAP), { "new-cluster" }, "It is new-cluster, and nothing else: to begin a cluster where no node has data of one." },
                { V(RECOVER), { "space", "diverged", "stray", "prepared" }, "It is space, diverged, stray or prepared." },
                { V(PROVISION), { "space", "primary", "errant" }, "It is space, primary, or errant." },
                { V(SETUP), { "claim", "job", "start", "old-data", "kept-out", "replica" }, "It is claim, job, start, old-data, kept-out or replica, of --undo." },
                { V(REPOINT) | V(REPLICATOR), { "primary" }, "It is primary: to follow a node that is not the one primary." },
        };
        static const char *const none[] = { NULL };

        for (size_t i = 0; i < ELEMENTS(table); i++)
                if (v >= 0 && ((table[i].verbs >> v) & 1)) {
                        if (ret_why)
                                *ret_why = table[i].why;
                        return table[i].check;
                }
        return none;
}

int args_check_force(Args *a, char error[static 256]) {
        const char *why = "";
        const char *const *checks = args_checks(a->verb, &why);

        for (size_t i = 0; i < a->force.n; i++) {
                size_t k = 0;

                while (checks[k] && !streq(checks[k], a->force.name[i]))
                        k++;
                if (!checks[k])
                        return args_wrong(error, "There is no check \"%s\" to force. %s", a->force.name[i], why);
        }
        a->new_cluster = a->verb == VERB_BOOTSTRAP && a->force.n > 0;
        return 0;
}

int args_check_setup(const Args *a, char error[static 256]) {
        bool gives = a->n_peer_keys > 0 || a->peer_keys_file || a->known_hosts_file || a->key_file;

        if (a->check && gives)
                return args_wrong(error, "--check changes nothing, so it takes no keys.");
        if (!a->replication_user != !a->replication_password_file)
                return args_wrong(error, "--replication-user and --replication-password-file go together; the file - is what is typed or piped.");
        if (a->check && a->replication_user)
                return args_wrong(error, "--check changes nothing, so it takes no account.");
        if (a->peer_keys_file && a->replication_password_file && streq(a->peer_keys_file, "-") && streq(a->replication_password_file, "-"))
                return args_wrong(error, "Keys and a password cannot both be what is typed or piped: put one of them into a file.");
        if (a->undo && (gives || a->replication_user || a->check || a->keys || a->wait > 0))
                return args_wrong(error, "--undo takes back what setup did; nothing is given to it but --force=CHECK, and hosts.");
        if (a->keys && (a->check || a->n_peer_keys > 0 || a->peer_keys_file || a->known_hosts_file || a->wait > 0 || a->n_hosts > 0))
                return args_wrong(error, "--keys prints this node's keys, and goes with --key alone, or with an account that replicates.");
        if (a->force.n > 0 && !a->undo)
                return args_wrong(error, "--force goes with setup --undo alone.");
        if (a->n_hosts > 0 && a->key_file)
                return args_wrong(error, "--key is of this node alone: each of the others has its own.");
        return 0;
}
