/* The peers: who they are, and what is known of each, as voices of the
 * decision. */
#include "domain/voices.h"
#include "manager/manager.h"
#include "sys/host.h"
#include "sys/log.h"

static Self self_of(const Manager *m) {
        return (Self) { .name = m->name, .agent = m->store->agent, .epoch = m->store->epoch, .serial = m->report ? m->report->serial : 0 };
}

size_t manager_voices(Manager *m, const Report *own, Voice *voices) {
        const Self self = self_of(m);
        Heard heard[PEERS_MAX];

        for (size_t i = 0; i < m->n_peers; i++) {
                const Peer *p = m->peer[i];

                heard[i] = (Heard) {
                        .label = peer_label(p),
                        .known_as = store_label(m->store, peer_label(p)),
                        .condition = peer_condition(p),
                        .report = peer_report(p),
                        .why = peer_why(p),
                };
        }
        return voices_merge(&self, own, heard, m->n_peers, voices);
}

bool manager_has_tried(Manager *m, const Names *names) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const char *label = peer_label(m->peer[i]), *name = str_or(peer_name(m->peer[i]), store_label(m->store, label));

                if ((names_contain(names, label) || (name && names_contain(names, name))) && !peer_tried(m->peer[i]))
                        return false;
        }
        return true;
}

void manager_node_names(Manager *m, Names *ret) {
        *ret = (Names) {0};
        (void) names_add(ret, m->name);
        for (size_t i = 0; i < m->n_peers; i++) {
                const char *label = peer_label(m->peer[i]), *name = str_or(peer_name(m->peer[i]), store_label(m->store, label));

                (void) names_add(ret, label);
                if (name)
                        (void) names_add(ret, name);
        }
}

/* Nothing is asked for it: what the resolver alone knows, it does not find. */
static bool is_self(const Manager *m, const char *host) {
        return streq(host, m->name) || host_is_own(host) || (m->options.node_address && host_same(host, m->options.node_address));
}

static void drop_peer(Manager *m, Peer *p) {
        for (size_t i = 0; i < m->n_peers; i++)
                if (m->peer[i] == p) {
                        m->peer[i] = m->peer[--m->n_peers];
                        (void) peer_free(p);
                        return;
                }
}

static void peer_moved(Peer *p, void *userdata) {
        Manager *m = userdata;
        const Report *r = peer_report(p);
        const Self self = self_of(m);

        m->news = true;
        /* The address of a peer is our own: nobody else is there. At boot it may
         * not have been, when the agent was started. */
        if (r ? voices_is_self(&self, r) : is_self(m, peer_label(p)))
                drop_peer(m, p);
        else if (r && !streq(r->node, m->name) && store_set_label(m->store, peer_label(p), peer_name(p)) > 0)
                (void) manager_save(m);
        manager_touch(m);
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
