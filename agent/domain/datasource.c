/* Datasources; see datasource.h. */
#include "domain/datasource.h"
#include "base/reason.h"
#include "base/table.h"

#include <inttypes.h>
#include <stdarg.h>

/* The tables are written only; an older program has no use for reading them. */
static const char *const health_names[] = {
        [HEALTH_UNKNOWN] = "UNKNOWN", [HEALTH_ONLINE] = "ONLINE", [HEALTH_OFFLINE] = "OFFLINE", [HEALTH_FAILED] = "FAILED",
};
static const char *const role_names[] = {
        [ROLE_UNKNOWN] = "unknown", [ROLE_PRIMARY] = "primary", [ROLE_REPLICA] = "replica",
};
static const char *const state_names[] = {
        [DATASOURCE_UNKNOWN] = "UNKNOWN", [DATASOURCE_ONLINE] = "ONLINE", [DATASOURCE_OFFLINE] = "OFFLINE",
        [DATASOURCE_FAILED] = "FAILED", [DATASOURCE_SHUNNED] = "SHUNNED",
};
static const char *const verdict_names[] = {
        [PRIMARY_UNKNOWN] = "unknown", [PRIMARY_NONE] = "none", [PRIMARY_ONE] = "one", [PRIMARY_SEVERAL] = "several",
};

static const char *name_in(const char *const *names, size_t n, int value) {
        return value < 0 || (size_t) value >= n ? "invalid" : names[value];
}

const char *health_to_string(Health h) {
        return name_in(health_names, ELEMENTS(health_names), h);
}

const char *role_to_string(DatasourceRole r) {
        return name_in(role_names, ELEMENTS(role_names), r);
}

const char *datasource_state_to_string(DatasourceState s) {
        return name_in(state_names, ELEMENTS(state_names), s);
}

const char *primary_verdict_to_string(PrimaryVerdict v) {
        return name_in(verdict_names, ELEMENTS(verdict_names), v);
}

DatasourceFacts datasource_facts(const Voice *v) {
        const Report *r = voice_report(v);
        DatasourceFacts facts = {
                .name = v->name,
                .heard = r,
                .unheard = v->why,
                .runs = r && mysqld_is_live(r->mysqld),
                .wanted = r && r->wanted,
                .offline = r && r->offline,
                .replication = r ? r->replication : NULL,
        };

        if (r)
                (void) shun_text(&r->shun, facts.shunned);
        return facts;
}

_printf_(3, 4) static void component_is(Component *c, Health health, const char *format, ...) {
        va_list ap;

        c->health = health;
        va_start(ap, format);
        (void) vsnprintf(c->text, sizeof(c->text), format, ap);
        va_end(ap);
}

_printf_(3, 4) static void say(char *buf, size_t size, const char *format, ...) {
        size_t n = strlen(buf);
        va_list ap;

        va_start(ap, format);
        if (n + 1 < size)
                (void) vsnprintf(buf + n, size - n, format, ap);
        va_end(ap);
}

#define SAY(buf, ...) say((buf), sizeof(buf), __VA_ARGS__)

static const Replication *answer(const DatasourceFacts *f) {
        return f->heard && f->runs && f->replication && f->replication->answers ? f->replication : NULL;
}

/* "db1", or "db1.example.org". */
static bool is_host_of(const char *host, const char *name) {
        size_t n = strlen(name);

        return strncasecmp(host, name, n) == 0 && (host[n] == '\0' || host[n] == '.');
}

/* Which of the nodes a channel's source is: by what the source said of itself,
 * else by its name. `n` where it is none that is known. */
static size_t source_of(const DatasourceFacts *facts, size_t n, size_t self, const Channel *c) {
        for (size_t i = 0; i < n; i++) {
                const Replication *r = answer(&facts[i]);

                if (i == self || !r)
                        continue;
                if (!uuid_is_zero(&c->source_uuid) ? uuid_equal(&c->source_uuid, &r->server_uuid) : c->source_id > 0 && c->source_id == r->server_id)
                        return i;
        }
        for (size_t i = 0; i < n; i++)
                if (i != self && is_host_of(c->host, facts[i].name))
                        return i;
        return n;
}

/* Another node with the server_id of this one, which a source would take for
 * this one; NULL where there is none. */
static const char *same_id(const DatasourceFacts *facts, size_t n, size_t self) {
        const Replication *own = answer(&facts[self]);

        for (size_t i = 0; i < n; i++) {
                const Replication *r = answer(&facts[i]);

                if (i != self && r && own->server_id >= 0 && r->server_id == own->server_id)
                        return facts[i].name;
        }
        return NULL;
}

static void worker_failed(Component *c, const char *what, const Worker *w) {
        component_is(c, HEALTH_FAILED, "its %s has failed: %.*s (error %" PRId64 ")", what, reason_length(w->text), w->text, w->error);
}

static void judge_channel(const Channel *c, const Replication *r, const char *twin, Component *ret) {
        if (twin)
                component_is(ret, HEALTH_FAILED, "%s has the same server_id (%" PRId64 "), and a source serves only one of them: give one another", twin, r->server_id);
        else if (c->source_id > 0 && c->source_id == r->server_id)
                component_is(ret, HEALTH_FAILED, "its source has the same server_id (%" PRId64 "): give one of them another", r->server_id);
        else if (c->applier.error != 0)
                worker_failed(ret, "applier", &c->applier);
        else if (c->receiver.error != 0)
                worker_failed(ret, "receiver", &c->receiver);
        else if (c->receiver.state == THREAD_UNKNOWN || c->applier.state == THREAD_UNKNOWN)
                component_is(ret, HEALTH_UNKNOWN, "the state of its replication is not understood");
        else if (c->receiver.state == THREAD_STOPPED && c->applier.state == THREAD_STOPPED)
                component_is(ret, HEALTH_OFFLINE, "replication is stopped");
        else if (c->applier.state != THREAD_RUNNING)
                component_is(ret, HEALTH_OFFLINE, "its applier is stopped");
        else if (c->receiver.state == THREAD_STOPPED)
                component_is(ret, HEALTH_OFFLINE, "its receiver is stopped");
        else if (c->receiver.state == THREAD_CONNECTING)
                component_is(ret, HEALTH_OFFLINE, "it has no connection to %.128s:%" PRId64 " yet", c->host, c->port);
        else
                component_is(ret, HEALTH_ONLINE, "%s", "");
}

/* The worst of a server's channels speaks for all. */
static int badness(Health h) {
        static const int rank[] = { [HEALTH_ONLINE] = 0, [HEALTH_UNKNOWN] = 1, [HEALTH_OFFLINE] = 2, [HEALTH_FAILED] = 3 };

        return rank[h];
}

static void judge_replica(const DatasourceFacts *facts, size_t n, size_t self, Datasource *d) {
        const Replication *r = answer(&facts[self]);
        const char *twin = same_id(facts, n, self);

        d->role = ROLE_REPLICA;
        for (size_t i = 0; i < r->n_channels; i++) {
                size_t source = source_of(facts, n, self, &r->channel[i]);
                Component c = {0};

                judge_channel(&r->channel[i], r, twin, &c);
                if (i > 0 && badness(c.health) <= badness(d->replicator.health))
                        continue;
                d->replicator = c;
                d->source_known = source < n;
                (void) snprintf(d->source, sizeof(d->source), "%s", source < n ? facts[source].name : r->channel[i].host);
        }
        d->lag = -1;
        for (size_t i = 0; d->replicator.health == HEALTH_ONLINE && i < r->n_channels; i++)
                if (r->channel[i].lag > d->lag)
                        d->lag = r->channel[i].lag;
        if (d->writable)
                SAY(d->remark, "It takes writes (read_only is off), which no other node would get.");
        for (size_t i = 0; i < r->n_channels; i++)
                if (!r->channel[i].by_gtid) {
                        SAY(d->remark, "%sIt does not ask its source by GTID, so it cannot be pointed at another.", d->remark[0] ? " " : "");
                        break;
                }
}

static void judge_source(const Replication *r, Datasource *d) {
        d->role = d->writable || r->replicas > 0 ? ROLE_PRIMARY : ROLE_UNKNOWN;
        if (d->role == ROLE_UNKNOWN)
                component_is(&d->replicator, HEALTH_OFFLINE, "it is told to replicate from nobody, takes no writes, and nobody replicates from it");
        else if (!r->binlog)
                component_is(&d->replicator, HEALTH_FAILED, "its binary log is off, so nobody can replicate from it");
        else
                component_is(&d->replicator, HEALTH_ONLINE, "%s", "");
}

static void judge_server(const DatasourceFacts *f, Component *ret) {
        if (!f->runs && f->wanted)
                component_is(ret, HEALTH_FAILED, "its server does not run, though it should");
        else if (!f->runs)
                component_is(ret, HEALTH_OFFLINE, "its server is stopped");
        else if (!answer(f) && f->replication && !f->replication->problem[0])
                component_is(ret, HEALTH_OFFLINE, "its server is starting");
        else if (!answer(f))
                component_is(ret, HEALTH_FAILED, "its server does not answer the agent%s%s", f->replication && f->replication->problem[0] ? ": " : "", f->replication ? f->replication->problem : "");
        else
                component_is(ret, HEALTH_ONLINE, "%s", "");
}

/* From the components alone, so that none of them can be worse than the whole. */
static void derive_state(const DatasourceFacts *f, Datasource *d) {
        const Component *worst = badness(d->server.health) > 0 ? &d->server : &d->replicator;

        if (d->agent.health != HEALTH_ONLINE) {
                d->state = DATASOURCE_UNKNOWN;
                SAY(d->reason, "%s", d->agent.text);
        } else if (f->shunned[0]) {
                d->state = DATASOURCE_SHUNNED;
                SAY(d->reason, "%s", f->shunned);
        } else if (worst->health == HEALTH_FAILED) {
                d->state = DATASOURCE_FAILED;
                SAY(d->reason, "%s", worst->text);
        } else if (f->offline) {
                d->state = DATASOURCE_OFFLINE;
                SAY(d->reason, "set offline; to bring it back: mainstayctl online %s", f->name);
                if (worst->health != HEALTH_ONLINE)
                        SAY(d->reason, ". Besides, %s", worst->text);
        } else if (worst->health != HEALTH_ONLINE) {
                d->state = DATASOURCE_OFFLINE;
                SAY(d->reason, "%s", worst->text);
        } else if (d->role == ROLE_PRIMARY && !d->writable) {
                d->state = DATASOURCE_OFFLINE;
                SAY(d->reason, "it is replicated from, and takes no writes (read_only is on)");
        } else
                d->state = DATASOURCE_ONLINE;
}

static void judge_node(const DatasourceFacts *facts, size_t n, size_t self, Datasource *d) {
        const DatasourceFacts *f = &facts[self];
        const Replication *r = answer(f);

        *d = (Datasource) { .lag = -1, .connections = -1 };
        if (!f->heard) {
                component_is(&d->agent, HEALTH_UNKNOWN, "its agent is not heard: %.*s", reason_length(str_or(f->unheard, "not tried yet")), str_or(f->unheard, "not tried yet"));
                derive_state(f, d);
                return;
        }
        component_is(&d->agent, HEALTH_ONLINE, "%s", "");
        judge_server(f, &d->server);
        if (r) {
                d->writable = !r->read_only && !r->super_read_only;
                d->connections = r->replicas;
                if (r->n_channels > 0)
                        judge_replica(facts, n, self, d);
                else
                        judge_source(r, d);
        }
        derive_state(f, d);
}

/* Who is the primary */

/* Has `a` all that `b` has? False, too, where that is not known. */
static bool has_all(const Replication *a, const Replication *b) {
        _cleanup_gtid_list_ GtidList x = {0}, y = {0};

        if (!a->have_gtids || !b->have_gtids || a->flavour != b->flavour)
                return false;
        if (a->flavour == FLAVOUR_MYSQL)
                return gtid_set_contains_all(&a->executed, &b->executed);
        return replication_holdings(a, &x) >= 0 && replication_holdings(b, &y) >= 0 && gtid_list_contains_all(&x, &y);
}

/* Takes writes on its own account: nobody's replica, and not put aside. */
static bool is_candidate(const DatasourceFacts *f, const Datasource *d) {
        return d->role == ROLE_PRIMARY && d->writable && !f->shunned[0];
}

static void count_followers(const DatasourceFacts *facts, size_t n, Datasource *ds) {
        for (size_t i = 0; i < n; i++) {
                const Replication *r = answer(&facts[i]);

                for (size_t c = 0; r && c < r->n_channels; c++) {
                        size_t source = source_of(facts, n, i, &r->channel[c]);

                        if (source < n && r->channel[c].receiver.state == THREAD_RUNNING)
                                ds[source].followers++;
                }
        }
}

static void tell_several(const DatasourceFacts *facts, size_t n, const Datasource *ds, Primary *p) {
        _cleanup_free_ char *who = names_text(&p->who);

        SAY(p->text, "%s take writes, each for itself, and their data part with every one.", str_or(who, "Several nodes"));
        for (size_t i = 0; i < n; i++)
                if (names_contain(&p->who, facts[i].name))
                        SAY(p->text, " %s is followed by %zu node%s.", facts[i].name, ds[i].followers, ds[i].followers == 1 ? "" : "s");
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < n; k++)
                        if (i != k && names_contain(&p->who, facts[i].name) && names_contain(&p->who, facts[k].name) && has_all(facts[i].replication, facts[k].replication))
                                SAY(p->text, " %s has all that %s has.", facts[i].name, facts[k].name);
        SAY(p->text, " A person must decide which of them is the primary, and keep the others out: mainstayctl shun NODE");
}

/* Is one of those that are not heard followed by somebody, or might it be the
 * primary as well as the one that is found? */
static const char *rival(const DatasourceFacts *facts, size_t n, const Datasource *ds, const Datasource *found) {
        const char *unheard = NULL;

        for (size_t i = 0; i < n; i++) {
                if (answer(&facts[i]) || (facts[i].heard && !facts[i].runs))
                        continue;
                if (ds[i].followers > 0)
                        return facts[i].name;
                unheard = unheard ? unheard : facts[i].name;
        }
        return found && found->followers > 0 ? NULL : unheard;
}

/* Who is told to follow another node than the only one that takes writes, while
 * nobody follows that: the other may be stopped, and the primary all the same. */
static size_t astray(const DatasourceFacts *facts, size_t n, const Datasource *ds, const Primary *p, const Datasource *found) {
        size_t i = 0;

        if (!found || found->followers > 0)
                return n;
        while (i < n && !(ds[i].role == ROLE_REPLICA && ds[i].source_known && !facts[i].shunned[0] && !names_contain(&p->who, ds[i].source)))
                i++;
        return i;
}

static void agree(const DatasourceFacts *facts, size_t n, const Datasource *ds, Primary *p) {
        const Datasource *found = NULL;
        const char *other;
        size_t lost;

        *p = (Primary) {0};
        for (size_t i = 0; i < n; i++)
                if (is_candidate(&facts[i], &ds[i])) {
                        (void) names_add(&p->who, facts[i].name);
                        found = &ds[i];
                }
        if (p->who.n > 1) {
                p->verdict = PRIMARY_SEVERAL;
                tell_several(facts, n, ds, p);
                return;
        }
        other = rival(facts, n, ds, found);
        lost = astray(facts, n, ds, p, found);
        if (!other && lost < n) {
                p->verdict = PRIMARY_UNKNOWN;
                SAY(p->text, "Who is the primary is not known: %s takes writes, and nobody follows it, while %s is told to follow %s.", p->who.name[0], facts[lost].name, ds[lost].source);
                p->who = (Names) {0};
        } else if (found && !other) {
                p->verdict = PRIMARY_ONE;
                SAY(p->text, "%s is the primary: it alone takes writes and replicates from nobody, and %zu node%s it.", p->who.name[0], found->followers, found->followers == 1 ? " follows" : "s follow");
        } else if (other) {
                p->verdict = PRIMARY_UNKNOWN;
                SAY(p->text, "Who is the primary is not known: %s does not tell what it does%s%s%s.", other, found ? ", and " : "", found ? p->who.name[0] : "",
                    found ? " takes writes, which nobody follows" : "");
                p->who = (Names) {0};
        } else {
                p->verdict = PRIMARY_NONE;
                SAY(p->text, "There is no primary: no node takes writes on its own account.");
                for (size_t i = 0; i < n; i++)
                        if (ds[i].role == ROLE_PRIMARY && !facts[i].shunned[0])
                                SAY(p->text, " %s is replicated from, and is read-only.", facts[i].name);
        }
        for (size_t i = 0; i < n; i++)
                if (facts[i].shunned[0] && ds[i].role == ROLE_PRIMARY && ds[i].writable)
                        SAY(p->text, " %s is shunned, and takes writes all the same.", facts[i].name);
}

void datasources_judge(const DatasourceFacts *facts, size_t n, Datasource *ret, Primary *ret_primary) {
        for (size_t i = 0; i < n; i++)
                judge_node(facts, n, i, &ret[i]);
        count_followers(facts, n, ret);
        agree(facts, n, ret, ret_primary);
        for (size_t i = 0; i < n; i++)
                if (ret[i].role == ROLE_REPLICA && ret_primary->verdict == PRIMARY_ONE && ret[i].source_known && !names_contain(&ret_primary->who, ret[i].source))
                        SAY(ret[i].remark, "%sIt follows %s, which is not the primary.", ret[i].remark[0] ? " " : "", ret[i].source);
}
