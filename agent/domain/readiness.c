/* Readiness; see readiness.h. */
#include "domain/readiness.h"
#include "base/reason.h"
#include "base/table.h"
#include "domain/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>

/* wsrep_local_state */
#define STATE_DONOR 2
#define STATE_SYNCED 4

static const char *const work_names[] = { [WORK_READ] = "read", [WORK_WRITE] = "write" };
static const char *const obstacle_names[] = {
        [OBSTACLE_NONE] = "none", [OBSTACLE_SHUNNED] = "shunned", [OBSTACLE_DRAINING] = "draining", [OBSTACLE_OFFLINE] = "offline",
        [OBSTACLE_STOPPED] = "stopped", [OBSTACLE_STARTING] = "starting", [OBSTACLE_JOINING] = "joining", [OBSTACLE_NON_PRIMARY] = "non-primary",
        [OBSTACLE_SILENT] = "silent", [OBSTACLE_DONOR] = "donor", [OBSTACLE_DESYNCED] = "desynced", [OBSTACLE_NOT_READY] = "not-ready",
        [OBSTACLE_REJECTING] = "rejecting", [OBSTACLE_READ_ONLY] = "read-only", [OBSTACLE_REPLICA] = "replica", [OBSTACLE_PRIMARIES] = "primaries",
        [OBSTACLE_UNSURE] = "unsure", [OBSTACLE_REPLICATION] = "replication", [OBSTACLE_LAG] = "lag", [OBSTACLE_FAILED] = "failed",
        [OBSTACLE_AGENT] = "agent", [OBSTACLE_UNKNOWN] = "unknown",
};

const char *work_to_string(Work w) {
        return w < 0 || w >= _WORK_MAX ? "invalid" : work_names[w];
}

const char *obstacle_to_string(Obstacle o) {
        return o < 0 || o >= _OBSTACLE_MAX ? "invalid" : obstacle_names[o];
}

/* JSON: a table, read both ways. */

typedef enum Kind {
        TEXT,
        FLAG,
        NUMBER,
        WORD, /* an enum, by the name of its value */
} Kind;

static const struct {
        const char *key;
        Kind kind;
        size_t offset, size;
        const char *(*to_string)(int value);
        int max;
} fields[] = {
#define TEXT(name) { #name, TEXT, offsetof(Readiness, name), sizeof(((Readiness *) NULL)->name), NULL, 0 }
#define FLAG(name) { #name, FLAG, offsetof(Readiness, name), sizeof(bool), NULL, 0 }
#define NUMBER(name) { #name, NUMBER, offsetof(Readiness, name), sizeof(int64_t), NULL, 0 }
#define WORD(name, to_string, max) { #name, WORD, offsetof(Readiness, name), sizeof(int), to_string, max }
        TEXT(node), TEXT(version), TEXT(state), TEXT(reason),
        FLAG(asynchronous), FLAG(offline), FLAG(draining),
        WORD(mysqld, mysqld_to_string, _MYSQLD_MAX),
        NUMBER(looked), TEXT(problem),
        FLAG(read_only), NUMBER(seqno),
        FLAG(primary), FLAG(wsrep_ready), NUMBER(wsrep_state), FLAG(desync), FLAG(donating), TEXT(reject_queries), TEXT(sst_method),
        NUMBER(cluster_size), NUMBER(recv_queue),
        WORD(role, role_to_string, _ROLE_MAX), WORD(replicator, health_to_string, _HEALTH_MAX), TEXT(replicator_text), NUMBER(lag), FLAG(writable),
        WORD(verdict, primary_verdict_to_string, _PRIMARY_MAX), FLAG(is_primary), TEXT(primary_text),
        NUMBER(peers_known), NUMBER(peers_alive), NUMBER(peers_uncertain), NUMBER(awaited), NUMBER(marks),
        WORD(policy, policy_to_string, _POLICY_MAX),
        FLAG(job_runs), WORD(job_kind, job_kind_to_string, _JOB_KIND_MAX), NUMBER(job_begun), NUMBER(job_bytes_done), NUMBER(job_bytes_total),
};

json_t *readiness_to_json(const Readiness *r) {
        json_t *o = json_object();

        for (size_t i = 0; o && i < ELEMENTS(fields); i++) {
                const char *at = (const char *) r + fields[i].offset;
                json_t *v = fields[i].kind == TEXT   ? text_json(at, false)
                          : fields[i].kind == FLAG   ? json_boolean(*(const bool *) at)
                          : fields[i].kind == NUMBER ? json_integer(*(const int64_t *) at)
                                                     : json_string(fields[i].to_string(*(const int *) at));

                if (json_object_set_new(o, fields[i].key, v) < 0) {
                        json_decref(o);
                        return NULL;
                }
        }
        return o;
}

int readiness_from_json(const json_t *j, Readiness *ret) {
        Readiness r = READINESS_NONE;

        if (!*text_of(j, "node") || !*text_of(j, "state"))
                return -EBADMSG;
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                const json_t *v = json_object_get(j, fields[i].key);
                char *at = (char *) &r + fields[i].offset;

                switch (fields[i].kind) {
                case TEXT:
                        (void) snprintf(at, fields[i].size, "%s", text_of(j, fields[i].key));
                        break;
                case FLAG:
                        *(bool *) at = json_is_true(v);
                        break;
                case NUMBER:
                        if (json_is_integer(v))
                                *(int64_t *) at = json_integer_value(v);
                        break;
                case WORD:
                        for (int k = 0; k < fields[i].max; k++)
                                if (streq(text_of(j, fields[i].key), fields[i].to_string(k)))
                                        *(int *) at = k;
                }
        }
        *ret = r;
        return 0;
}

/* The judgement */

_printf_(3, 4) static bool stands(Verdict *v, Obstacle o, const char *format, ...) {
        va_list ap;

        v->obstacle = o;
        va_start(ap, format);
        (void) vsnprintf(v->text, sizeof(v->text), format, ap);
        va_end(ap);
        return true;
}

/* By somebody's will, whatever the server is able to do. */
static bool put_aside(const Readiness *r, Verdict *v) {
        if (streq(r->state, "SHUNNED"))
                return stands(v, OBSTACLE_SHUNNED, "%s is shunned: %.*s.", r->node, reason_length(r->reason), r->reason);
        if (r->draining)
                return stands(v, OBSTACLE_DRAINING, "%s is being drained: it gets no new connections, and those that are there may end.", r->node);
        if (r->offline)
                return stands(v, OBSTACLE_OFFLINE, "%s was set offline. To bring it back: mainstayctl online %s", r->node, r->node);
        return false;
}

static bool server_away(const Readiness *r, Verdict *v) {
        switch (r->mysqld) {
        case MYSQLD_STOPPED:
                return stands(v, OBSTACLE_STOPPED, "The server of %s does not run%s%.*s.", r->node, *r->reason ? ": " : "", reason_length(r->reason), r->reason);
        case MYSQLD_JOINING:
                return stands(v, OBSTACLE_JOINING, "The server of %s joins the cluster, and has not all of its data yet.", r->node);
        case MYSQLD_NON_PRIMARY:
                return stands(v, OBSTACLE_NON_PRIMARY, "%s is in no Primary component: what is read there may be old, and what is written would be refused.", r->node);
        case MYSQLD_STARTING:
                if (r->asynchronous && r->looked > 0)
                        break; /* as a server without Galera is called while it runs */
                return stands(v, OBSTACLE_STARTING, "The server of %s starts.", r->node);
        case MYSQLD_UNKNOWN:
                return stands(v, OBSTACLE_FAILED, "What the server of %s does is not known: %.*s.", r->node, reason_length(str_or(r->reason, "its agent does not say why")), str_or(r->reason, "its agent does not say why"));
        default:
                break;
        }
        if (r->looked == 0 || r->problem[0])
                return stands(v, OBSTACLE_SILENT, "The server of %s runs, and gives its agent no answer: %.*s.", r->node, reason_length(str_or(r->problem, "it was not asked yet")), str_or(r->problem, "it was not asked yet"));
        return false;
}

/* Those that let the donor go on while they copy. rsync and mysqldump stop its writes. */
static bool lets_donor_go_on(const char *method) {
        static const char *const names[] = { "mariabackup", "xtrabackup", "xtrabackup-v2", "clone" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (streq(method, names[i]))
                        return true;
        return false;
}

static bool galera_bars(const Readiness *r, const Contentment *with, Verdict *v) {
        bool apart = r->donating || r->wsrep_state == STATE_DONOR;

        if (!r->primary)
                return stands(v, OBSTACLE_NON_PRIMARY, "%s is in no Primary component: what is read there may be old, and what is written would be refused.", r->node);
        if (r->donating && !(with->donor && lets_donor_go_on(r->sst_method)))
                return stands(v, OBSTACLE_DONOR, "%s gives its data to a node that joins, by %s, and may fall behind%s.", r->node, str_or(r->sst_method, "an unknown method"),
                              with->donor ? "; that method may stop its writes meanwhile" : "");
        if (apart && !r->donating && !with->desynced)
                return stands(v, OBSTACLE_DESYNCED, "%s is desynchronised (%s), and may fall behind.", r->node, r->desync ? "wsrep_desync is ON" : "by a backup, or by a change of a table");
        if (!apart && r->wsrep_state != STATE_SYNCED)
                return stands(v, OBSTACLE_JOINING, "%s applies what it missed (wsrep_local_state is %" PRId64 ").", r->node, r->wsrep_state);
        if (!r->wsrep_ready)
                return stands(v, OBSTACLE_NOT_READY, "%s refuses statements: wsrep_ready is OFF.", r->node);
        if (*r->reject_queries && !streq(r->reject_queries, "NONE"))
                return stands(v, OBSTACLE_REJECTING, "%s refuses statements: wsrep_reject_queries is %s.", r->node, r->reject_queries);
        return false;
}

static bool replica_may_not_read(const Readiness *r, const Contentment *with, Verdict *v) {
        if (r->role != ROLE_REPLICA)
                return false;
        if (r->replicator != HEALTH_ONLINE)
                return stands(v, OBSTACLE_REPLICATION, "%s replicates no more, and what is read there grows old: %.*s.", r->node, reason_length(r->replicator_text), r->replicator_text);
        if (with->max_lag >= 0 && r->lag < 0)
                return stands(v, OBSTACLE_LAG, "How far %s is behind its source is not known.", r->node);
        if (with->max_lag >= 0 && r->lag > with->max_lag)
                return stands(v, OBSTACLE_LAG, "%s is %" PRId64 " s behind its source; %" PRId64 " s are allowed.", r->node, r->lag, with->max_lag);
        return false;
}

static bool not_the_primary(const Readiness *r, const Contentment *with, Verdict *v) {
        if (r->role == ROLE_REPLICA)
                return stands(v, OBSTACLE_REPLICA, "%s is a replica: writes are for the primary.", r->node);
        if (r->verdict == PRIMARY_SEVERAL && r->is_primary)
                return stands(v, OBSTACLE_PRIMARIES, "%s", r->primary_text);
        if (!r->writable)
                return stands(v, OBSTACLE_READ_ONLY, "%s takes no writes: read_only is ON.", r->node);
        if (!(r->verdict == PRIMARY_ONE && r->is_primary) && !(with->unsure && r->verdict == PRIMARY_UNKNOWN))
                return stands(v, OBSTACLE_UNSURE, "%s", r->primary_text);
        return false;
}

void readiness_judge(const Readiness *r, Work work, const Contentment *with, Verdict *ret) {
        Verdict v = {0};

        if (put_aside(r, &v) || server_away(r, &v))
                ;
        else if (r->asynchronous ? work == WORK_READ && replica_may_not_read(r, with, &v) : galera_bars(r, with, &v))
                ;
        else if (work == WORK_WRITE && r->asynchronous && not_the_primary(r, with, &v))
                ;
        else if (work == WORK_WRITE && !r->asynchronous && r->read_only)
                (void) stands(&v, OBSTACLE_READ_ONLY, "%s takes no writes: read_only is ON.", r->node);
        else if (!streq(r->state, "ONLINE"))
                (void) stands(&v, OBSTACLE_FAILED, "%s is %s: %.*s.", r->node, r->state, reason_length(r->reason), r->reason);
        else
                (void) snprintf(v.text, sizeof(v.text), "%s is ready for %ss.", r->node, work_to_string(work));
        *ret = v;
}
