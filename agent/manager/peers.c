/* The peers: who they are, and what is known of each, as voices of the
 * decision. */
#include "manager/manager.h"
#include "sys/log.h"

static bool name_taken(const Voice *voices, size_t n, const char *name, size_t *ret_at) {
        for (size_t i = 0; i < n; i++)
                if (streq(voices[i].name, name)) {
                        *ret_at = i;
                        return true;
                }
        return false;
}

static void add_voice(Manager *m, Voice *voices, size_t *n, Peer *p) {
        const char *known_as = store_label(m->store, peer_label(p));
        const Report *r = peer_condition(p) == CONDITION_KNOWN ? peer_report(p) : NULL;
        Voice v = {
                .name = r ? r->node : str_or(known_as, peer_label(p)),
                .condition = peer_condition(p),
                .report = r,
                .why = peer_why(p),
        };
        size_t at;

        if (!name_taken(voices, *n, v.name, &at)) {
                voices[(*n)++] = v;
                return;
        }
        if (!r || (voices[at].report && uuid_equal(&voices[at].report->agent, &r->agent))) {
                /* One node under two addresses: what answers is taken, and the newer of two. */
                if (r && report_newer(r, voices[at].report))
                        voices[at] = v;
                return;
        }
        if (voices[at].condition != CONDITION_KNOWN && at > 0) {
                voices[at] = v;
                return;
        }
        /* Two nodes of one name: neither can be told from the other. */
        v.name = peer_label(p);
        v.condition = CONDITION_UNCERTAIN;
        v.report = NULL;
        v.why = "it calls itself by the name of another node: give each its own wsrep_node_name";
        if (!name_taken(voices, *n, v.name, &at))
                voices[(*n)++] = v;
        else if (at > 0)
                voices[at] = v;
}

size_t manager_voices(Manager *m, const Report *own, Voice *voices) {
        size_t n = 0;

        voices[n++] = (Voice) { .name = own->node, .condition = CONDITION_KNOWN, .report = own };
        for (size_t i = 0; i < m->n_peers && n < NAMES_MAX; i++)
                add_voice(m, voices, &n, m->peer[i]);
        return n;
}

static void peer_moved(Peer *p, void *userdata) {
        Manager *m = userdata;

        m->news = true;
        if (peer_is(p, &m->store->agent)) {
                /* The address of a peer is our own: nobody else is there. */
                for (size_t i = 0; i < m->n_peers; i++)
                        if (m->peer[i] == p) {
                                m->peer[i] = m->peer[--m->n_peers];
                                (void) peer_free(p);
                                break;
                        }
        } else if (peer_condition(p) == CONDITION_KNOWN && store_set_label(m->store, peer_label(p), peer_name(p)) > 0)
                (void) manager_save(m);
        manager_touch(m);
}

static bool is_self(Manager *m, const char *host) {
        char hostname[256] = "";

        (void) gethostname(hostname, sizeof(hostname) - 1);
        return streq(host, m->name) || streq(host, hostname) || streq_null(host, m->options.node_address);
}

static int add_peer(Manager *m, const char *label, const char *address) {
        PeerSetup setup = {0};
        _cleanup_free_ char *keys = NULL, *probe = NULL;
        uint16_t port = (uint16_t) atoi(str_or(m->options.port, "3306"));
        int r;

        if (is_self(m, label) || m->n_peers == PEERS_MAX)
                return 0;
        if (asprintf(&keys, "%s/ssh", m->paths.state) < 0 || asprintf(&probe, "%s/mainstay-probe", m->paths.libexec) < 0)
                return -ENOMEM;
        setup.key_dir = keys;
        setup.probe = probe;
        r = peer_new(m->event, &setup, label, address, m->name, port, peer_moved, m, &m->peer[m->n_peers]);
        if (r == -EINVAL) {
                log_error("The address of the peer %s is not understood: %s", label, address);
                return 0;
        }
        if (r < 0)
                return r;
        m->n_peers++;
        peer_start(m->peer[m->n_peers - 1]);
        return 0;
}

static int add_discovered(const char *host, void *userdata) {
        return add_peer(userdata, host, host);
}

int manager_add_peers(Manager *m) {
        int r = 0;

        for (size_t i = 0; i < m->config->n_peers && r >= 0; i++)
                r = add_peer(m, m->config->peer[i].label, m->config->peer[i].address);
        if (r >= 0 && m->config->n_peers == 0 && m->options.cluster_address) {
                r = options_cluster_hosts(m->options.cluster_address, add_discovered, m);
                if (r == -EINVAL) {
                        log_warning("wsrep_cluster_address is \"%s\", which names no peers: name them in [peers] of %s.",
                                    m->options.cluster_address, m->paths.config);
                        r = 0;
                }
        }
        return r;
}
