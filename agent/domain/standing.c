/* How a replica stands to its source; see standing.h. */
#include "domain/standing.h"
#include "base/table.h"

#include <inttypes.h>
#include <stdarg.h>

/* ER_MASTER_FATAL_ERROR_READING_BINLOG */
#define ERROR_READING_BINLOG 1236

static const char *const standing_names[] = {
        [STANDING_UNKNOWN] = "unknown",         [STANDING_IDENTICAL] = "identical",
        [STANDING_RECOVERABLE] = "recoverable", [STANDING_PURGED] = "purged",
        [STANDING_DIVERGED] = "diverged",
};
DEFINE_STRING_TABLE(standing, Standing, standing_names)

/* The words of MariaDB's sql_repl.cc, 10.11 (measured). The third begins as the
 * second does, so it is looked for first. */
Preflight preflight_read(unsigned error, const char *text) {
        if (error == 0)
                return PREFLIGHT_ACCEPTED;
        if (error != ERROR_READING_BINLOG)
                return PREFLIGHT_FAILED;
        if (strcasestr(text, "extra erroneous transactions"))
                return PREFLIGHT_AMBIGUOUS;
        if (strcasestr(text, "could not find GTID state requested by slave in any binlog files"))
                return PREFLIGHT_PURGED;
        if (strcasestr(text, "which is not in the master's binlog"))
                return PREFLIGHT_NOT_FOUND;
        return PREFLIGHT_FAILED;
}

void judgement_done(Judgement *j) {
        free(j->text);
        free(j->errant);
        *j = (Judgement) {0};
}

_printf_(3, 4) static int judge(Judgement *j, Standing standing, const char *format, ...) {
        va_list ap;
        char *text;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        free(j->text);
        j->text = text;
        j->standing = standing;
        return 0;
}

/* Why the two cannot be compared at all; NULL where they can. */
static const char *incomparable(const StandingCase *c, char buf[static 1024]) {
        const Replication *r = c->replica, *s = c->source;

        if (!r || !s)
                (void) snprintf(buf, 1024, "What %s has is not known: its server or its agent does not answer.", !r ? c->replica_name : c->source_name);
        else if (!r->have_gtids || !s->have_gtids)
                (void) snprintf(buf, 1024, "Which transactions %s has is not known%s%s.", !r->have_gtids ? c->replica_name : c->source_name,
                                (!r->have_gtids ? r : s)->gtid_problem[0] ? ": " : "", (!r->have_gtids ? r : s)->gtid_problem);
        else if (r->flavour != s->flavour)
                (void) snprintf(buf, 1024, "%s is of %s and %s of %s, and their transaction ids have nothing to do with each other.", c->replica_name,
                                flavour_to_string(r->flavour), c->source_name, flavour_to_string(s->flavour));
        else if (r->server_id >= 0 && r->server_id == s->server_id)
                (void) snprintf(buf, 1024, "%s and %s have the same server_id (%" PRId64 "), so neither can replicate from the other, and whose a transaction is cannot be told. Give one of them another.",
                                c->replica_name, c->source_name, r->server_id);
        else if (!uuid_is_zero(&r->server_uuid) && uuid_equal(&r->server_uuid, &s->server_uuid))
                (void) snprintf(buf, 1024, "%s and %s have the same server UUID, as after a copied datadir, so whose a transaction is cannot be told. Remove auto.cnf of the copy and restart it.",
                                c->replica_name, c->source_name);
        else
                return NULL;
        return buf;
}

static int judge_empty(const StandingCase *c, Judgement *j, bool replica_empty) {
        if (replica_empty)
                return judge(j, STANDING_UNKNOWN, "%s has data, and no record of the transactions they are from (its binary log or GTID position was reset): where it is to go on cannot be known, and starting it from nothing would apply everything twice.", c->replica_name);
        return judge(j, STANDING_UNKNOWN, "%s has no record of any transaction, and %s has: its binary log was reset, or it is not the source. Nothing can be concluded from it.", c->source_name, c->replica_name);
}

/* What has been received, and neither been applied nor come from this source: a
 * relay log may be its only copy, and is thrown away by a change of source. */
static int judge_received(const StandingCase *c, Judgement *j, const char *received) {
        _cleanup_free_ char *before = TAKE(j->text);

        if (j->standing == STANDING_DIVERGED)
                return judge(j, STANDING_DIVERGED, "%s Its relay log holds more that %s does not have, not applied yet: %s.", before, c->source_name, received);
        return judge(j, STANDING_UNKNOWN, "The relay log of %s holds transactions that it has not applied and %s does not have: %s. They may exist nowhere else, and are lost when its source is changed. Let it apply them first (START SLAVE SQL_THREAD).",
                     c->replica_name, c->source_name, received);
}

/* MySQL: sets say exactly what is where. */

static int received_mysql(const StandingCase *c, Judgement *j) {
        for (size_t i = 0; i < c->replica->n_channels; i++) {
                _cleanup_gtid_set_ GtidSet unapplied = {0}, alone = {0};
                _cleanup_free_ char *text = NULL;

                if (gtid_set_subtract(&c->replica->channel[i].received_set, &c->replica->executed, &unapplied) < 0 ||
                    gtid_set_subtract(&unapplied, &c->source->executed, &alone) < 0)
                        return -ENOMEM;
                if (alone.n > 0)
                        return gtid_set_format(&alone, &text) < 0 ? -ENOMEM : judge_received(c, j, text);
        }
        return 0;
}

static int judge_mysql(const StandingCase *c, Judgement *j) {
        const GtidSet *replica = &c->replica->executed, *source = &c->source->executed;
        _cleanup_gtid_set_ GtidSet errant = {0}, missing = {0}, purged = {0};
        _cleanup_free_ char *errant_text = NULL, *missing_text = NULL, *purged_text = NULL;
        int r;

        if (replica->n == 0 && !c->blank)
                return judge_empty(c, j, true);
        if (source->n == 0 && replica->n > 0)
                return judge_empty(c, j, false);
        if (!gtid_set_contains_all(source, &c->source->purged))
                return judge(j, STANDING_UNKNOWN, "%s says that it has purged transactions which it never had: that contradicts itself.", c->source_name);
        if (gtid_set_subtract(replica, source, &errant) < 0 || gtid_set_subtract(source, replica, &missing) < 0 ||
            gtid_set_subtract(&c->source->purged, replica, &purged) < 0 || gtid_set_format(&errant, &errant_text) < 0 ||
            gtid_set_format(&missing, &missing_text) < 0 || gtid_set_format(&purged, &purged_text) < 0)
                return -ENOMEM;

        if (errant.n > 0) {
                r = judge(j, STANDING_DIVERGED, "%s has %" PRIu64 " transaction(s) that %s does not have: %s.", c->replica_name, gtid_set_count(&errant), c->source_name, errant_text);
                j->errant = TAKE(errant_text);
        } else if (purged.n > 0)
                r = judge(j, STANDING_PURGED, "%s lacks %" PRIu64 " transaction(s) that %s keeps no more: %s. It can only be provisioned anew.", c->replica_name, gtid_set_count(&purged), c->source_name, purged_text);
        else if (missing.n > 0)
                r = judge(j, STANDING_RECOVERABLE, "%s lacks %" PRIu64 " transaction(s), and %s keeps all of them: %s.", c->replica_name, gtid_set_count(&missing), c->source_name, missing_text);
        else
                r = judge(j, STANDING_IDENTICAL, "%s and %s have the same transactions.", c->replica_name, c->source_name);
        return r < 0 ? r : received_mysql(c, j);
}

/* MariaDB: by domain and server, with what other nodes know. */

typedef struct Holders {
        const char *name; /* of one who has it; NULL: nobody who is heard */
        const char *unheard; /* one who is not, or NULL */
} Holders;

static int find_holder(const StandingCase *c, const Gtid *gtid, Holders *ret) {
        Holders h = {0};

        for (size_t i = 0; i < c->n_peers; i++) {
                const StandingPeer *p = &c->peer[i];
                _cleanup_gtid_list_ GtidList has = {0};

                if (!p->replication || p->replication->flavour != FLAVOUR_MARIADB || !p->replication->have_gtids) {
                        h.unheard = h.unheard ? h.unheard : p->name;
                        continue;
                }
                if (replication_holdings(p->replication, &has) < 0)
                        return -ENOMEM;
                if (!h.name && gtid_list_contains(&has, gtid))
                        h.name = p->name;
        }
        *ret = h;
        return 0;
}

/* Notes of single GTIDs, as parts of a sentence. */
typedef struct Notes {
        char *text;
        size_t n;
} Notes;

_printf_(2, 3) static int note(Notes *notes, const char *format, ...) {
        _cleanup_free_ char *part = NULL;
        va_list ap;
        char *text;
        int n;

        va_start(ap, format);
        n = vasprintf(&part, format, ap);
        va_end(ap);
        if (n < 0) {
                part = NULL;
                return -ENOMEM;
        }
        if (asprintf(&text, "%s%s%s", str_or(notes->text, ""), notes->n > 0 ? "; " : "", part) < 0)
                return -ENOMEM;
        free(notes->text);
        notes->text = text;
        notes->n++;
        return 0;
}

static void notes_done(Notes *notes) {
        free(notes->text);
}

#define GTID_FORMAT "%" PRIu32 "-%" PRIu32 "-%" PRIu64
#define GTID_ARGS(g) (g)->domain, (g)->server, (g)->seq

typedef struct Sides {
        GtidList replica, source; /* all that each has */
        GtidList errant;          /* room for all of the replica's */
        Notes proofs, doubts;
} Sides;

static void sides_done(Sides *s) {
        gtid_list_done(&s->replica);
        gtid_list_done(&s->source);
        gtid_list_done(&s->errant);
        notes_done(&s->proofs);
        notes_done(&s->doubts);
}

static int proved(Sides *s, const Gtid *g) {
        s->errant.gtid[s->errant.n++] = *g;
        return 0;
}

/* One of the replica's that the source does not contain. Only its binary log
 * proves what a source lacks: gtid_slave_pos can be old, as a restored backup
 * leaves it. What it has it has by either. */
static int weigh(const StandingCase *c, Sides *s, const Gtid *g) {
        const GtidList *log = &c->source->binlog_state;
        const Gtid *same = gtid_list_find(log, g->domain, g->server), *highest = gtid_list_highest(&s->source, g->domain);
        bool known = gtid_list_find(&s->source, g->domain, g->server), beyond = highest && g->seq > highest->seq;
        Holders h;

        if (same)
                return note(&s->proofs, GTID_FORMAT " (%s has of this server only up to " GTID_FORMAT ")", GTID_ARGS(g), c->source_name, GTID_ARGS(same)) < 0 ? -ENOMEM : proved(s, g);
        if (find_holder(c, g, &h) < 0)
                return -ENOMEM;
        /* Somebody else has it, and the source has come past it in this domain: it
         * is part of what all have, and only its trace is missing there. */
        if (h.name && !known && highest && !beyond)
                return 0;
        if (h.name)
                return note(&s->doubts, GTID_FORMAT ", which %s has, too, so that rather %s lacks it", GTID_ARGS(g), h.name, c->source_name);
        if (h.unheard)
                return note(&s->doubts, GTID_FORMAT ", of which %s might know, but is not heard", GTID_ARGS(g), h.unheard);
        if (beyond && gtid_list_highest(log, g->domain))
                return note(&s->proofs, GTID_FORMAT " (%s has nothing of this domain beyond " GTID_FORMAT ")", GTID_ARGS(g), c->source_name, GTID_ARGS(highest)) < 0 ? -ENOMEM : proved(s, g);
        if (known)
                return note(&s->doubts, GTID_FORMAT ", of whose server the binary log of %s tells nothing", GTID_ARGS(g), c->source_name);
        return note(&s->doubts, GTID_FORMAT ", of a server that %s has nothing of, nor has another node this one", GTID_ARGS(g), c->source_name);
}

static int received_mariadb(const StandingCase *c, const Sides *s, Judgement *j) {
        for (size_t i = 0; i < c->replica->n_channels; i++) {
                _cleanup_gtid_list_ GtidList unapplied = {0}, alone = {0};
                _cleanup_free_ char *text = NULL;

                if (gtid_list_subtract(&c->replica->channel[i].received_list, &s->replica, &unapplied) < 0 ||
                    gtid_list_subtract(&unapplied, &s->source, &alone) < 0)
                        return -ENOMEM;
                if (alone.n > 0)
                        return gtid_list_format(&alone, &text) < 0 ? -ENOMEM : judge_received(c, j, text);
        }
        return 0;
}

static int judge_preflight(const StandingCase *c, Judgement *j, bool identical) {
        _cleanup_gtid_list_ GtidList from = {0}, to = {0};
        _cleanup_free_ char *position = NULL;

        if (replication_position(c->replica, &from) < 0 || replication_position(c->source, &to) < 0 || gtid_list_format(&from, &position) < 0)
                return -ENOMEM;
        switch (c->preflight) {
        case PREFLIGHT_NOT_FOUND:
                return judge(j, STANDING_UNKNOWN, "%s says that %s is not in its binary log, though by its lists it has it: its binary log may have been reset.", c->source_name, position);
        case PREFLIGHT_AMBIGUOUS:
                return judge(j, STANDING_UNKNOWN, "%s refuses %s as not in its binary log, or diverged: it cannot tell which, and by its lists it has it. Nothing is rebuilt on such an answer.", c->source_name, position);
        case PREFLIGHT_PURGED:
                if (identical)
                        return judge(j, STANDING_UNKNOWN, "%s says that it keeps no binary log from %s on, and by its lists it has nothing beyond: that contradicts itself.", c->source_name, position);
                return judge(j, STANDING_PURGED, "%s lacks %" PRIu64 " transaction(s) after \"%s\", and %s keeps its binary log only from later on. It can only be provisioned anew.",
                             c->replica_name, gtid_list_distance(&from, &to), position, c->source_name);
        case PREFLIGHT_ACCEPTED:
                if (!identical)
                        return judge(j, STANDING_RECOVERABLE, "%s lacks %" PRIu64 " transaction(s) after \"%s\", and %s keeps all of them.", c->replica_name,
                                     gtid_list_distance(&from, &to), position, c->source_name);
                break;
        default:
                if (!identical)
                        return judge(j, STANDING_UNKNOWN, "%s lacks %" PRIu64 " transaction(s) after \"%s\". Whether %s still keeps them %s.", c->replica_name,
                                     gtid_list_distance(&from, &to), position, c->source_name, c->preflight == PREFLIGHT_NONE ? "has not been asked yet" : "could not be asked");
        }
        return judge(j, STANDING_IDENTICAL, "%s and %s have the same transactions, up to %s.", c->replica_name, c->source_name, position);
}

static int judge_mariadb(const StandingCase *c, Judgement *j) {
        _cleanup_gtid_list_ GtidList newest = {0};
        _cleanup_(sides_done) Sides s = {0};
        int r = 0;

        if (replication_holdings(c->replica, &s.replica) < 0 || replication_holdings(c->source, &s.source) < 0 ||
            replication_position(c->source, &newest) < 0 || gtid_list_copy(&s.replica, &s.errant) < 0)
                return -ENOMEM;
        s.errant.n = 0;
        if (s.replica.n == 0 && !c->blank)
                return judge_empty(c, j, true);
        if (s.source.n == 0 && s.replica.n > 0)
                return judge_empty(c, j, false);
        for (size_t i = 0; r >= 0 && i < s.replica.n; i++)
                if (!gtid_list_contains(&s.source, &s.replica.gtid[i]))
                        r = weigh(c, &s, &s.replica.gtid[i]);
        if (r < 0)
                return r;

        if (s.errant.n > 0) {
                r = judge(j, STANDING_DIVERGED, "%s has transactions that %s does not have: %s.%s%s%s", c->replica_name, c->source_name, s.proofs.text,
                          s.doubts.n > 0 ? " Not known is " : "", str_or(s.doubts.text, ""), s.doubts.n > 0 ? "." : "");
                if (r >= 0)
                        r = gtid_list_format(&s.errant, &j->errant);
        } else if (s.doubts.n > 0)
                r = judge(j, STANDING_UNKNOWN, "Whether %s may replicate from %s is not known: it has %s.", c->replica_name, c->source_name, s.doubts.text);
        else
                r = judge_preflight(c, j, gtid_list_contains_all(&s.replica, &newest));
        return r < 0 ? r : received_mariadb(c, &s, j);
}

int standing_judge(const StandingCase *c, Judgement *ret) {
        _cleanup_judgement_ Judgement j = {0};
        char buf[1024];
        const char *why = incomparable(c, buf);
        int r;

        if (why)
                r = judge(&j, STANDING_UNKNOWN, "%s", why);
        else
                r = c->source->flavour == FLAVOUR_MYSQL ? judge_mysql(c, &j) : judge_mariadb(c, &j);
        if (r < 0)
                return r;
        *ret = j;
        j = (Judgement) {0};
        return 0;
}
