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

bool manager_has_tried(const Manager *m) {
        for (size_t i = 0; i < m->n_peers; i++)
                if (!peer_tried(m->peer[i]))
                        return false;
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
        else {
                if (r && !streq(r->node, m->name) && store_set_label(m->store, peer_label(p), peer_name(p)) > 0)
                        m->new_label = true;
                chronicle_peer(m, p);
        }
        manager_touch(m);
}

static int open_peer(Manager *m, const ConfigPeer *c, Peer **ret) {
        PeerSetup setup = {0};
        _cleanup_free_ char *keys = NULL, *probe = NULL;
        uint16_t port = (uint16_t) atoi(str_or(m->options.port, "3306"));

        if (asprintf(&keys, "%s/ssh", m->paths.state) < 0 || asprintf(&probe, "%s/mainstay-probe", m->paths.libexec) < 0)
                return -ENOMEM;
        setup.key_dir = keys;
        setup.probe = probe;
        return peer_new(m->event, &setup, c->label, c->address, m->name, port, peer_moved, m, ret);
}

/* Takes it out of those that are there; NULL where it is none of them. Without
 * an address, wherever it is. */
static Peer *take_out(Manager *m, const char *label, const char *address) {
        for (size_t i = 0; i < m->n_peers; i++) {
                Peer *p = m->peer[i];

                if (!streq(peer_label(p), label) || (address && !streq(peer_address(p), address)))
                        continue;
                m->peer[i] = m->peer[--m->n_peers];
                return p;
        }
        return NULL;
}

/* What was asked of somebody who is no peer any more is never answered. */
static void peers_changed(Manager *m, bool gone) {
        Names names = {0}, heard = {0};
        _cleanup_free_ char *who = NULL;

        for (size_t i = 0; i < m->n_peers; i++) {
                const char *label = peer_label(m->peer[i]);

                (void) names_add(&names, label);
                if (names_contain(&m->heard, label))
                        (void) names_add(&heard, label);
        }
        m->heard = heard;
        who = names_text(&names);
        log_info("This node asks %s for their reports.", str_or(who, "its peers"));
        if (gone && m->store->claim_state == CLAIM_ASKING)
                election_release(m, "the peers of this node are other ones now");
        m->store->settled_start[0] = 0; /* "all" are other ones now */
        m->news = true;
        manager_touch(m);
}

static int replace_peers(Manager *m, const Config *c) {
        Peer *next[PEERS_MAX], *fresh[PEERS_MAX];
        size_t n = 0, n_fresh = 0;
        bool gone;
        int r = 0;

        for (size_t i = 0; i < c->n_peers && r >= 0; i++) {
                const ConfigPeer *peer = &c->peer[i];

                if (is_self(m, peer->label))
                        continue;
                next[n] = take_out(m, peer->label, peer->address);
                if (!next[n]) {
                        r = open_peer(m, peer, &next[n]);
                        if (r >= 0)
                                fresh[n_fresh++] = next[n];
                        else if (r == -EINVAL) {
                                log_error("The address of the peer %s is not understood: %s", peer->label, peer->address);
                                next[n] = take_out(m, peer->label, NULL); /* then it stays as it was */
                                r = 0;
                        } else
                                next[n] = NULL;
                }
                n += next[n] != NULL;
        }
        gone = m->n_peers > 0 && r >= 0;
        /* Where memory is short, nobody is dropped for it. */
        for (size_t i = m->n_peers; i-- > 0;)
                if (r >= 0 || n == PEERS_MAX)
                        (void) peer_free(m->peer[i]);
                else
                        next[n++] = m->peer[i];
        m->n_peers = n;
        memcpy(m->peer, next, n * sizeof(next[0]));
        for (size_t i = 0; i < n_fresh; i++)
                (void) peer_start(fresh[i]);
        if (gone || n_fresh > 0)
                peers_changed(m, gone);
        return r;
}

static int add_discovered(const char *host, void *userdata) {
        int r = config_add_peer(userdata, host, host);

        return r == -E2BIG ? 0 : r;
}

/* An address without others is how a cluster is begun by hand, and in the midst
 * of that nobody may be forgotten. */
static bool names_nobody(const Manager *m, const Config *c) {
        for (size_t i = 0; i < c->n_peers; i++)
                if (!is_self(m, c->peer[i].label))
                        return false;
        return true;
}

int manager_take_peers(Manager *m) {
        _cleanup_(config_freep) Config *found = NULL;
        const char *address = m->options.cluster_address;
        int r;

        if (m->config->n_peers > 0)
                return replace_peers(m, m->config);
        r = config_new(&found);
        if (r >= 0 && address)
                r = options_cluster_hosts(address, add_discovered, found);
        if (r == -EINVAL)
                log_warning("wsrep_cluster_address is \"%s\", which names no peers: name them in [peers] of %s.", address, m->paths.config);
        else if (r < 0)
                return r;
        if (m->n_peers > 0 && names_nobody(m, found)) {
                log_warning("There are no peers in [peers] of %s, and wsrep_cluster_address (%s) names none: those of before stay until mainstayd is started anew (systemctl restart mainstayd).",
                            m->paths.config, str_or(address, "which is not set"));
                return 0;
        }
        return replace_peers(m, found);
}
