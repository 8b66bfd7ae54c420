/* Help; see ctl-help.h. */
#include "edge/ctl-help.h"
#include "base/table.h"
#include "edge/ctl-text.h"

#include <getopt.h>
#include <jansson.h>

#define WIDTH 79
#define USAGES_MAX 5

typedef struct VerbHelp {
        const char *summary; /* in the overview; NULL: it is told with the verb before */
        const char *usage[USAGES_MAX]; /* behind "mainstayctl" */
        const char *text;
        const char *ends; /* what its exit status says beyond 0, 1 and 2; may be NULL */
        const char *example[2]; /* behind "mainstayctl" */
} VerbHelp;

/* In the order of the verbs, which is that of the overview. */
static const VerbHelp verbs[_VERB_MAX] = {
        [VERB_STATUS] = {
                "The cluster at a glance; what no verb means",
                { "[status] [--watch]" },
                "A line a node: its state, what its server does, its position, and what it waits for; below, the policy and the plan. "
                "Of servers that replicate without Galera: role, state, position, how far behind, and the components. "
                "ONLINE serves; OFFLINE does not; FAILED: something is wrong there; SHUNNED is kept out. A node that is uncertain is not heard, and may be anything.",
                NULL,
                { "status --watch" },
        },
        [VERB_EXPLAIN] = {
                "Why a node is not ONLINE, and what would change that",
                { "explain [NODE]" },
                "What state the node is in, why, what would change that, with the commands to type, and the evidence: position, marks, claims, views, jobs, "
                "what other nodes say of it. NODE is this node where it is not said; it may be any that is configured, also one that is not heard.",
                NULL,
                { "explain", "explain db3" },
        },
        [VERB_PLAN] = {
                "What would happen now, and why, node by node",
                { "plan [--without NODE...]", "plan FILE... [--expect NODE,...] [--without NODE...]" },
                "Nothing is changed. With --without: what would happen if those nodes were given up. With files, each of them the report of a node: "
                "the same from these, decided by the same rules, without an agent.",
                "3 where the cluster waits for somebody, 4 where a person must decide",
                { "plan --without db3", "plan db1.json db2.json --expect db1,db2,db3" },
        },
        [VERB_BOOTSTRAP] = {
                "Form the cluster from this node, if that is safe",
                { "bootstrap [--without NODE...] [--force=new-cluster] [--no-wait]" },
                "Done only where this node has the newest data of all that must be heard; otherwise it says which node should lead, or who is missing. "
                "It waits until the server is Primary; Ctrl-C ends the waiting, not the work. The same, into the journal: systemctl start mainstay-bootstrap",
                "130 where Ctrl-C has ended the waiting",
                { "bootstrap", "bootstrap --without db3" },
        },
        [VERB_JOIN] = {
                "Join the cluster, waiting for it where it must",
                { "join [--donor NODE] [--no-wait]" },
                "Starts the server as a member of the cluster, never as more. A node that rests after having failed tries at once. Ctrl-C ends the waiting, not the work. "
                "The same, into the journal: systemctl start mainstay-join",
                "130 where Ctrl-C has ended the waiting",
                { "join --donor db2" },
        },
        [VERB_RECOVER] = {
                "Bring a node back that failed or is kept out",
                { "recover [NODE] [--dry-run] [--yes] [--force=CHECK] [--no-wait]" },
                "Of Galera's: this node, whose data are set aside, never deleted, and which takes a full copy; it says what it does, and asks. "
                "Of those that replicate: NODE, said anywhere, or all that are FAILED or SHUNNED, where their data can go on from the primary.",
                "130 where Ctrl-C has ended the following",
                { "recover --dry-run", "recover db2" },
        },
        [VERB_SHUN] = {
                "Keep a node out of service",
                { "shun NODE [--reason=TEXT] [--owner=NAME] [--for=TIME] [--dry-run]" },
                "At once, and until online, recover, or the time is over. It outlives restarts, and every node shows it. Replication goes on. "
                "A shunned node is never taken for the primary.",
                NULL,
                { "shun db2 --reason 'new disk' --for 2h", "online db2" },
        },
        [VERB_ONLINE] = {
                "Into service, out of it, and out of it when empty",
                { "online [NODE] [--dry-run] [--no-wait]" },
                "Back into service. A replica is made read-only first, which is verified, and started where it is stopped; it is ONLINE when both of its threads run. "
                "NODE is this node where it is not said.",
                "130 where Ctrl-C has ended the following",
                { "online db2" },
        },
        [VERB_OFFLINE] = {
                NULL,
                { "offline [NODE] [--dry-run] [--no-wait]" },
                "Out of service, until online. Replication goes on. NODE is this node where it is not said.",
                NULL,
                { "offline db2", "online db2" },
        },
        [VERB_DRAIN] = {
                NULL,
                { "drain [NODE] [--dry-run] [--no-wait]" },
                "Out of service as by offline, and then it waits until no client is connected any more: a job. NODE is this node where it is not said.",
                "130 where Ctrl-C has ended the following",
                { "drain db2", "job follow" },
        },
        [VERB_REPOINT] = {
                "Whom a node replicates from; the steps of that",
                { "repoint NODE [PRIMARY] [--force=primary] [--dry-run] [--no-wait]" },
                "Have NODE replicate from the primary, whatever it was before. PRIMARY is the one active primary where it is not said. "
                "A primary that takes writes has to be shunned first, and another one has to be there.",
                "130 where Ctrl-C has ended the following",
                { "repoint db3", "repoint db3 db1 --force primary" },
        },
        [VERB_REPLICATOR] = {
                NULL,
                { "replicator NODE offline|online|replica [PRIMARY] [--force=primary]" },
                "The single steps of repoint: offline stops replication, and keeps it stopped; online starts it, and sees that it runs; "
                "replica judges, makes NODE read-only, and tells it whom to follow, without starting it.",
                "130 where Ctrl-C has ended the following",
                { "replicator db2 offline", "replicator db2 replica db1" },
        },
        [VERB_PROVISION] = {
                "Replace a node's data by a copy of another's",
                { "provision [NODE] [--source NODE] [--method METHOD] [--force=CHECK]", "provision commit [NODE]", "provision rollback [NODE]" },
                "Where a replica's data cannot go on. The copy is put beside them and catches up before it takes their place; the old ones are kept until commit deletes them, "
                "or rollback puts them back. It does not ask: --dry-run first.",
                "130 where Ctrl-C has ended the following",
                { "provision db2 --source db3", "provision commit db2" },
        },
        [VERB_REPORT] = {
                "What this node says of itself to the others",
                { "report" },
                "One JSON object, with --json or without. Saved to a file it is what plan FILE... reads.",
                NULL,
                { "-H db2 report" },
        },
        [VERB_POLICY] = {
                "How much the agents do by themselves",
                { "policy [automatic|manual|maintenance]" },
                "Shown, or set on all nodes: automatic, they bring the cluster back where that is safe; manual, they make the plan and a person starts it; "
                "maintenance, they only watch. A node that is not heard learns of it when it is.",
                NULL,
                { "policy", "policy manual" },
        },
        [VERB_JOB] = {
                "What a node works on, and has worked on",
                { "job [list]", "job show [ID]", "job follow [ID]", "job cancel ID" },
                "Long work is a job of the node on which it is done. show tells its steps; follow does so until it ends, and Ctrl-C ends the following only; "
                "cancel asks for the end of it. Without ID: the one that runs, or has run last.",
                "1 where the job that was followed has failed or was cancelled, 130 where Ctrl-C has ended the following",
                { "job follow", "-H db2 job show 12" },
        },
        [VERB_HISTORY] = {
                "What was decided, when, and on what evidence",
                { "history [NODE] [--since TIME] [-n N] [--verbose]" },
                "Read from this machine's journal, newest last: no agent is asked, and none has to run. With NODE: what is about that one. "
                "Another machine's: -H HOST",
                "1 also where the journal may not be read",
                { "history --since 2h", "history db3 --verbose" },
        },
        [VERB_SETUP] = {
                "Make this node ready, and say what is missing",
                { "setup [HOST...] [OPTION...]" },
                "As root, as often as one likes; a server that runs is not disturbed. With HOSTs those too, through root's ssh, and all get to know each other. "
                "The last line is: ready, or what is missing.",
                "1 also where something is missing",
                { "setup db2 db3", "setup --check" },
        },
        [VERB_INSPECT] = {
                "What the server's state files say",
                { "inspect [--datadir DIR] [--grastate FILE] [--gvwstate FILE] [--recover-log FILE]" },
                "It asks no agent and changes nothing. Without options: the files of this node's server.",
                "1 also where a file is not valid",
                { "inspect", "inspect --recover-log /var/log/recovery.log" },
        },
        [VERB_DOCTOR] = {
                "Find what would hurt after a power cut, and mend it",
                { "doctor" },
                "Looks at the configuration and the running server, and changes nothing: each finding says what is the case, what may come of it, and how to mend it. "
                "It works without the agent and without the server, on what it then can see.",
                "1 where there is a warning or an error",
                { "doctor" },
        },
        [VERB_HELP] = {
                "",
                { "help [VERB]", "[VERB] --help" },
                "What there is, or what a verb does, with its options.",
                NULL,
                { "help provision" },
        },
        [VERB_VERSION] = {
                "",
                { "version" },
                "The version of this command. That of the agent: mainstayctl status --json",
                NULL,
                { "version" },
        },
};

/* Of each option, for a verb of its own or for any that it goes with, what is said of
 * it. The first that fits counts. */
static const struct {
        const char *name;
        Verb verb; /* _VERB_MAX: any */
        const char *argument, *text;
} options[] = {
        { "watch", _VERB_MAX, NULL, "Show it whenever something changes; q or Ctrl-C ends it" },
        { "without", _VERB_MAX, "NODE...", "Give NODE up, and what only it has" },
        { "force", VERB_BOOTSTRAP, "new-cluster", "Begin a cluster where no node has data of one" },
        { "force", VERB_RECOVER, "CHECK", "space: try with little room; diverged, stray, prepared:\nlift this mark, and leave the data as they are" },
        { "force", VERB_PROVISION, "CHECK", "space: try with little room; primary: though it is not\nknown who that is; errant: without saving what only NODE has" },
        { "force", VERB_SETUP, "CHECK", "undo: claim, job, start, old-data,\nkept-out or replica" },
        { "force", _VERB_MAX, "primary", "Follow another node than the one active primary" },
        { "no-wait", _VERB_MAX, NULL, "Begin it, and do not wait for the end" },
        { "dry-run", _VERB_MAX, NULL, "Only say what would be done" },
        { "yes", _VERB_MAX, NULL, "Do not ask" },
        { "reason", _VERB_MAX, "TEXT", "Why" },
        { "owner", _VERB_MAX, "NAME", "Who says so; else whoever types it" },
        { "for", _VERB_MAX, "TIME", "For so long: 90s, 30m, 2h, 3d" },
        { "source", _VERB_MAX, "NODE", "Take the copy of that node" },
        { "method", _VERB_MAX, "METHOD", "mariadb-backup, clone (MySQL), dump, or sst (Galera)" },
        { "since", _VERB_MAX, "TIME", "From then on: 2h, 03:00, 2026-11-28" },
        { "lines", _VERB_MAX, "N", "-n: the newest N; 0 is all" },
        { "verbose", _VERB_MAX, NULL, "With the evidence" },
        { "donor", _VERB_MAX, "NODE", "Take what is missing from that node" },
        { "check", _VERB_MAX, NULL, "Change nothing, only say what is missing" },
        { "peer-key", _VERB_MAX, "KEY", "Let in the agent with this public key" },
        { "peer-keys", _VERB_MAX, "FILE", "The same of all nodes, with their host keys" },
        { "keys", _VERB_MAX, NULL, "Print this node's lines for such a file" },
        { "key", _VERB_MAX, "FILE", "This node's private key, made elsewhere" },
        { "wait", _VERB_MAX, "TIME", "So long for the other nodes: 90s, 5m" },
        { "undo", _VERB_MAX, NULL, "Take back what setup did" },
        { "known-hosts", _VERB_MAX, "FILE", "The host keys of the other nodes" },
        { "replication-user", _VERB_MAX, "NAME", "The account by which this server replicates," },
        { "replication-password-file", _VERB_MAX, "FILE", "and its password; - is the input" },
        { "expect", _VERB_MAX, "NODE,...", "These are all nodes of the cluster" },
        { "datadir", _VERB_MAX, "DIR", "grastate.dat and gvwstate.dat in DIR" },
        { "grastate", _VERB_MAX, "FILE", "This file" },
        { "gvwstate", _VERB_MAX, "FILE", "This file" },
        { "recover-log", _VERB_MAX, "FILE", "What mysqld --wsrep-recover wrote" },
        /* Of any verb: said in one line at the end. */
        { "host", _VERB_MAX, "[USER@]HOST", "The agent of that host, through ssh" },
        { "address", _VERB_MAX, "ADDRESS", "Another bus than the system's" },
        { "json", _VERB_MAX, NULL, "For programs" },
        { "help", _VERB_MAX, NULL, "This" },
        { "version", _VERB_MAX, NULL, "The version" },
};

static const Exit exits[] = {
        { CTL_OK, "All is well" },
        { CTL_FAILED, "It failed, or was refused" },
        { CTL_USAGE, "The command line was not understood" },
        { CTL_PLAN_WAIT, "plan: the cluster waits for somebody" },
        { CTL_PLAN_REFUSE, "plan: a person must decide" },
        { CTL_INTERRUPTED, "Ctrl-C has ended the waiting, not the work" },
        { CTL_TERMINATED, "systemctl stop has, or a kill" },
};

const Exit *help_exits(size_t *ret_n) {
        *ret_n = ELEMENTS(exits);
        return exits;
}

static size_t find(const char *name, Verb v) {
        size_t i = 0;

        while (i < ELEMENTS(options) && !(streq(options[i].name, name) && (options[i].verb == v || options[i].verb == _VERB_MAX)))
                i++;
        return i;
}

static bool is_of_any(const char *name) {
        static const char *const any[] = { "host", "address", "json", "help", "version" };

        for (size_t i = 0; i < ELEMENTS(any); i++)
                if (streq(any[i], name))
                        return true;
        return false;
}

/* "shun", "online, offline, drain": those of a line of the overview. Returns the next. */
static Verb label(Verb v, char buf[static 64]) {
        int n = snprintf(buf, 64, "%s", verb_to_string(v));

        for (v++; v < _VERB_MAX && !verbs[v].summary; v++)
                if (n < 64)
                        n += snprintf(buf + n, 64 - (size_t) n, ", %s", verb_to_string(v));
        return v;
}

void help_overview(FILE *f) {
        static const Style narrow = { .width = WIDTH };
        Verb v = 0;

        fputs("mainstayctl [OPTION...] [VERB]: shows and leads the recovery of a cluster\n\n", f);
        while (v < _VERB_MAX) {
                const char *summary = verbs[v].summary;
                char text[64];

                v = label(v, text);
                if (*summary)
                        fprintf(f, "  %-24s%s\n", text, summary);
        }
        fputc('\n', f);
        text_print(f, &narrow, 0, false, "-H, --host [USER@]HOST asks another node's agent; --json is for programs. And: mainstayctl help VERB, with its options; mainstayctl version");
        text_print(f, &narrow, 0, false, "It ends with 0 when all is well, 1 when it failed or was refused, 2 when it did not understand. See mainstayctl(1), and mainstay-rules(7) for who may lead.");
}

static void option_print(FILE *f, const struct option *o, Verb v, size_t width) {
        size_t i = find(o->name, v);
        char head[64];

        if (i == ELEMENTS(options))
                return;
        (void) snprintf(head, sizeof(head), "--%s%s%s", o->name, options[i].argument ? " " : "", str_or(options[i].argument, ""));
        fprintf(f, "  %-*s  ", (int) width, head);
        for (const char *p = options[i].text; *p; p++)
                if (*p == '\n')
                        fprintf(f, "\n%*s", (int) width + 4, "");
                else
                        fputc(*p, f);
        fputc('\n', f);
}

/* Those of the verb's own, then the names of the others. */
static void options_print(FILE *f, Verb v) {
        static const Style narrow = { .width = WIDTH };
        char others[256] = "Of any verb, see mainstayctl help:";
        size_t width = 0, n_own = 0;

        for (const struct option *o = args_options(); o->name; o++) {
                size_t i = find(o->name, v), n;

                if (!args_goes_with(o, v) || i == ELEMENTS(options))
                        continue;
                if (is_of_any(o->name)) {
                        size_t at = strlen(others);

                        (void) snprintf(others + at, sizeof(others) - at, " --%s", o->name);
                        continue;
                }
                n = strlen(o->name) + 2 + (options[i].argument ? strlen(options[i].argument) + 1 : 0);
                if (n > width)
                        width = n;
                n_own++;
        }
        if (n_own > 0)
                fputc('\n', f);
        for (const struct option *o = args_options(); o->name; o++)
                if (args_goes_with(o, v) && !is_of_any(o->name))
                        option_print(f, o, v, width);
        fputc('\n', f);
        text_print(f, &narrow, 0, false, others);
}

void help_verb(FILE *f, Verb v) {
        static const Style narrow = { .width = WIDTH };
        const VerbHelp *h = &verbs[v];

        for (size_t i = 0; i < USAGES_MAX && h->usage[i]; i++) {
                fputs("mainstayctl ", f);
                text_print(f, &narrow, strlen("mainstayctl "), true, h->usage[i]);
        }
        fputc('\n', f);
        text_print(f, &narrow, 0, false, h->text);
        options_print(f, v);
        if (h->ends) {
                char text[256];

                (void) snprintf(text, sizeof(text), "It ends with %s.", h->ends);
                text_print(f, &narrow, 0, false, text);
        }
        fputc('\n', f);
        for (size_t i = 0; i < ELEMENTS(h->example) && h->example[i]; i++)
                fprintf(f, "%s mainstayctl %s\n", i == 0 ? "Example:" : "        ", h->example[i]);
}

/* For programs */

static json_t *texts(const char *const *list, size_t n) {
        json_t *a = json_array();

        for (size_t i = 0; i < n && list[i]; i++)
                (void) json_array_append_new(a, json_string(list[i]));
        return a;
}

static json_t *verb_json(Verb v) {
        const VerbHelp *h = &verbs[v];
        json_t *list = json_array();

        for (const struct option *o = args_options(); o->name; o++) {
                size_t i = find(o->name, v);

                if (args_goes_with(o, v) && i < ELEMENTS(options))
                        (void) json_array_append_new(list, json_pack("{s:s, s:s?, s:s}", "option", o->name, "argument", options[i].argument, "text", options[i].text));
        }
        return json_pack("{s:s, s:o, s:s, s:o, s:o}", "verb", verb_to_string(v), "usage", texts(h->usage, USAGES_MAX), "text", h->text,
                         "options", list, "examples", texts(h->example, ELEMENTS(h->example)));
}

int help_json(FILE *f, Verb v) {
        json_t *list = json_array(), *codes = json_array(), *o;
        int r;

        for (Verb i = 0; i < _VERB_MAX; i++)
                if (v < 0 || v == i)
                        (void) json_array_append_new(list, verb_json(i));
        for (size_t i = 0; i < ELEMENTS(exits); i++)
                (void) json_array_append_new(codes, json_pack("{s:i, s:s}", "status", exits[i].status, "text", exits[i].means));
        o = json_pack("{s:o, s:o}", "verbs", list, "exits", codes);
        r = !o ? -ENOMEM : json_dumpf(o, f, JSON_INDENT(2)) < 0 ? -EIO : 0;
        json_decref(o);
        fputc('\n', f);
        return r;
}
