/* Setup: can this node's agent reach those of the others? Asked in the agent's
 * own name, with its own key, the way it will go itself. */
#include "edge/ctl-bus.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-setup-undo.h"
#include "edge/ctl-ssh.h"

#include <ctype.h>
#include <time.h>

#define PEER_TIMEOUT (20 * USEC_PER_SEC)

bool address_is_bus(const char *address) {
        static const char *const transports[] = { "unix:", "unixexec:", "tcp:", "x-machine-unix:" };

        for (size_t i = 0; i < ELEMENTS(transports); i++)
                if (strncmp(address, transports[i], strlen(transports[i])) == 0)
                        return true;
        return false;
}

int address_from_argv(const char *const *argv, char **ret) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        fputs("unixexec:", f);
        for (size_t i = 0; argv[i]; i++) {
                if (i == 0)
                        fputs("path=", f);
                else
                        fprintf(f, ",argv%zu=", i);
                for (const char *p = argv[i]; *p; p++)
                        if (isalnum((unsigned char) *p) || strchr("-_/.*", *p))
                                fputc(*p, f);
                        else
                                fprintf(f, "%%%02x", (unsigned char) *p);
        }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return 0;
}

/* What ssh says besides its last line tells a key that has changed from one that
 * was never seen. */
const char *ssh_remedy(const char *complaint, int status) {
        char reason[SSH_REASON_SIZE];

        (void) ssh_reason(complaint, status, reason);
        if (strstr(reason, "denied"))
                return "Let this node's key in there: mainstayctl setup --peer-key 'ssh-ed25519 ...', which `mainstayctl setup --keys` prints here.\n"
                       "If it is in: do AllowUsers or AllowGroups in sshd_config there leave " PEER_USER " out?";
        if (strstr(reason, "resolve"))
                return "Give the node's address in [peers] of mainstay.conf, or mend DNS or /etc/hosts here.";
        if (strstr(complaint, "host key is known for"))
                return "Its host key is not known here yet. To take it as it comes over the network: mainstayctl setup\n"
                       "To give it: mainstayctl setup --peer-keys FILE, or --known-hosts FILE";
        if (strstr(reason, "verification") || strstr(reason, "identification"))
                return "Its host key is not the one that is known here. If that is right (a new installation):\n"
                       "ssh-keygen -R HOST -f " SSH_DIR "/known_hosts, and run this again.";
        if (status == 127 || strstr(reason, "not found"))
                return "systemd-stdio-bridge is not in the PATH there: is systemd complete?";
        return "Is the machine up, is sshd running there, does a firewall let this node in?";
}

/* ssh leads there at all: what the command says where it does not. */
static int ssh_works(Setup *s, const char *label, const char *const *argv) {
        _cleanup_free_ char *complaint = NULL;
        char reason[SSH_REASON_SIZE];
        int r;

        r = setup_run(argv, NULL, &complaint);
        if (r < 0)
                return r;
        /* 255 is ssh's own failure, 126 and 127 the shell's. The bridge, which has
         * nobody to talk to here, ends with 0 or 1. */
        if (r < 126)
                return 1;
        (void) ssh_reason(complaint, r, reason);
        setup_missing(s, ssh_remedy(complaint, r), "the way to %s: %s", label, reason);
        return 0;
}

static void explain(Setup *s, const char *label, const sd_bus_error *error, int r) {
        if (bus_error_absent(error))
                setup_missing(s, "There: mainstayctl setup", "the agent of %s does not run; the way to it is good", label);
        else if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED))
                setup_missing(s, "There: is org.mainstay1.conf of this version installed? systemctl reload dbus", "the bus of %s lets nobody ask its agent", label);
        else
                setup_missing(s, "There: systemctl status mainstayd", "the agent of %s does not answer: %s", label,
                              error->message ? error->message : strerror(-r));
}

static int64_t clock_now(void) {
        struct timespec t;

        return clock_gettime(CLOCK_REALTIME, &t) < 0 ? 0 : (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What a person compares between nodes, for `peers`: an object of label, node,
 * agent, about (text, as Describe says it; absent where it cannot) and the
 * microseconds of our clock when it was asked and answered. */
static void peer_describe(Setup *s, sd_bus *bus, const char *label, const json_t *report) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        const char *about = NULL;
        int64_t asked = clock_now();
        json_t *o;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, AGENT_NAME, AGENT_PATH, AGENT_PEER, "Describe");
        if (r >= 0)
                r = sd_bus_call(bus, m, PEER_TIMEOUT, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &about);
        o = json_pack("{s:s, s:O?, s:O?, s:s*, s:b, s:I, s:I}", "label", label, "node", json_object_get(report, "node"), "agent",
                      json_object_get(report, "agent"), "about", r >= 0 ? about : NULL, "cannot_say",
                      sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_METHOD), "asked", (json_int_t) asked, "answered", (json_int_t) clock_now());
        if (o)
                (void) json_array_append_new(s->peers, o);
        (void) sd_bus_message_unref(m);
        (void) sd_bus_message_unref(reply);
        sd_bus_error_free(&error);
}

static int peer_ask(Setup *s, const char *label, const char *address) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        const char *text = NULL, *node;
        json_t *report = NULL;
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, AGENT_NAME, AGENT_PATH, AGENT_PEER, "GetReport");
        if (r >= 0)
                r = sd_bus_call(bus, m, PEER_TIMEOUT, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);

        if (r < 0)
                explain(s, label, &error, r);
        else {
                report = json_loads(text, 0, NULL);
                node = json_string_value(json_object_get(report, "node"));
                if (!node)
                        setup_missing(s, "Install the same version of Mainstay on both nodes.", "the agent of %s says nothing that makes sense here", label);
                else if (!s->facts.peers_found && !streq(node, label))
                        setup_missing(s, "Both must be the same: the name in [node] there or its wsrep_node_name, and the one in [peers] here.",
                                      "%s calls itself %s", label, node);
                else
                        setup_already(s, "the agent of %s answers%s%s", label, streq(node, label) ? "" : ": it is ", streq(node, label) ? "" : node);
                if (node && s->peers)
                        peer_describe(s, bus, label, report);
                json_decref(report);
        }

        (void) sd_bus_message_unref(m);
        (void) sd_bus_message_unref(reply);
        (void) sd_bus_flush_close_unref(bus);
        sd_bus_error_free(&error);
        return 0;
}

/* The command in the agent's own name; room for 8 more than it has. */
static void agent_argv(const SshCommand *command, const char **argv) {
        size_t n = setup_as_agent(argv);

        for (size_t k = 0; command->argv[k]; k++)
                argv[n++] = command->argv[k];
        argv[n] = NULL;
}

/* Does ssh lead into that peer's bus? 1, or 0 where the key is denied there; -EHOSTUNREACH
 * where nobody says either. */
static int peer_lets_in(const char *address) {
        _cleanup_free_ char *complaint = NULL;
        const char *argv[SSH_ARGV_MAX + 8];
        char reason[SSH_REASON_SIZE];
        SshCommand command;
        SshTarget target;
        int r;

        if (address_is_bus(address) || ssh_target_parse(address, &target) < 0 || ssh_command(&target, "ssh", SSH_DIR, &command) < 0)
                return -EHOSTUNREACH;
        agent_argv(&command, argv);
        r = setup_run(argv, NULL, &complaint);
        if (r >= 0 && r < 126)
                return 1;
        return r == 255 && strstr(ssh_reason(complaint, r, reason), "denied") ? 0 : -EHOSTUNREACH;
}

void peers_look(Setup *s) {
        const Config *c = s->facts.config;

        for (size_t i = 0; i < c->n_peers && access(SSH_KEY, F_OK) == 0; i++)
                s->let_in[i] = peer_lets_in(c->peer[i].address) > 0;
}

static bool is_undone(const Setup *s, const ConfigPeer *peer) {
        SshTarget target;

        return s->others_undone && ssh_target_parse(peer->address, &target) >= 0 && (setup_is_host(s->args, peer->label) || setup_is_host(s->args, target.host));
}

/* One that denies this node's key may never have known it, and have an agent; and an
 * agent that does not run may be started. */
bool peers_are_gone(Setup *s) {
        const Config *c = s->facts.config;

        /* Without a key nobody lets it in, whoever is there. */
        if (!s->others_undone || c->n_peers == 0 || access(SSH_KEY, F_OK) < 0)
                return false;
        for (size_t i = 0; i < c->n_peers; i++)
                if ((!s->let_in[i] && !is_undone(s, &c->peer[i])) || peer_lets_in(c->peer[i].address) != 0)
                        return false;
        return true;
}

int setup_peers(Setup *s) {
        const Config *c = s->facts.config;

        if (c->n_peers == 0)
                setup_missing(s, options_asynchronous(&s->facts.options) ? "Name them in [peers] of mainstay.conf."
                                                                        : "Set wsrep_cluster_address=gcomm://... with all nodes in the server's configuration, or name them in\n"
                                 "[peers] of mainstay.conf", "the other nodes: none are named anywhere");

        for (size_t i = 0; i < c->n_peers; i++) {
                _cleanup_free_ char *address = NULL;
                const char *argv[SSH_ARGV_MAX + 8];
                SshCommand command;
                SshTarget target;
                int r;

                if (address_is_bus(c->peer[i].address)) {
                        (void) peer_ask(s, c->peer[i].label, c->peer[i].address);
                        continue;
                }
                if (ssh_target_parse(c->peer[i].address, &target) < 0)
                        continue; /* told already */
                r = ssh_command(&target, "ssh", SSH_DIR, &command);
                if (r < 0)
                        return r;
                agent_argv(&command, argv);
                r = ssh_works(s, c->peer[i].label, argv);
                if (r > 0) {
                        r = address_from_argv(argv, &address);
                        if (r >= 0)
                                r = peer_ask(s, c->peer[i].label, address);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}
