/* How a replica stands to its source. In MySQL's table a letter stands for a
 * server's UUID ("A:1-5"); in MariaDB's a server is "STATE" or "STATE / POS":
 * gtid_binlog_state, and gtid_slave_pos where there is one. */
#include "domain/standing.h"
#include "scratch.h"

static GtidList list_of(const char *text, size_t n, GtidListKind kind) {
        char error[256] = "";
        GtidList list;

        if (gtid_list_parse(text, n, kind, &list, error) < 0)
                fail_msg("%s: %s", text, error);
        return list;
}

static GtidSet set_of(const char *text) {
        _cleanup_free_ char *s = calloc(1, strlen(text) * 40 + 1);
        char error[256] = "", *to = s;
        GtidSet set;

        assert_non_null(s);
        for (const char *p = text; *p; p++)
                to += *p >= 'A' && *p <= 'F' ? sprintf(to, "%c%c%c%c%c%c%c%c-0000-0000-0000-000000000000", *p, *p, *p, *p, *p, *p, *p, *p) : sprintf(to, "%c", *p);
        if (gtid_set_parse(s, strlen(s), &set, error) < 0)
                fail_msg("%s: %s", text, error);
        return set;
}

/* NULL: not known. */
static Replication *mariadb(const char *text, int64_t id) {
        const char *slash = text ? strstr(text, " / ") : NULL;
        Replication *r = calloc(1, sizeof(*r));
        size_t n = slash ? (size_t) (slash - text) : text ? strlen(text) : 0, k = 0;

        assert_non_null(r);
        r->flavour = FLAVOUR_MARIADB;
        r->server_id = id;
        if (!text)
                return r;
        r->have_gtids = true;
        r->binlog_state = list_of(text, n, GTID_STATE);
        r->slave_pos = slash ? list_of(slash + 3, strlen(slash + 3), GTID_POSITION) : (GtidList) {0};
        assert_int_equal(gtid_list_copy(&r->binlog_state, &r->binlog_pos), 0);
        for (size_t i = 0; i < r->binlog_state.n; i++)
                if (i + 1 == r->binlog_state.n || r->binlog_state.gtid[i + 1].domain != r->binlog_state.gtid[i].domain)
                        r->binlog_pos.gtid[k++] = r->binlog_state.gtid[i];
        r->binlog_pos.n = k;
        return r;
}

static Replication *mysql(const char *executed, const char *purged, int64_t id) {
        Replication *r = calloc(1, sizeof(*r));

        assert_non_null(r);
        *r = (Replication) { .flavour = FLAVOUR_MYSQL, .server_id = id, .have_gtids = executed };
        if (executed) {
                r->executed = set_of(executed);
                r->purged = set_of(str_or(purged, ""));
        }
        return r;
}

/* What was replicated and is not in its own log counts in MariaDB alone. */
static void where_a_server_stands_is_in_its_own_words(void **state) {
        _cleanup_(replication_freep) Replication *a = mariadb("0-1-7,0-2-5,1-1-3 / 0-2-9", 1), *b = mysql("A:1-5,B:7", "A:1", 2);
        _cleanup_free_ char *list = NULL, *set = NULL, *executed = NULL;

        (void) state;
        assert_int_equal(replication_position_text(a, &list), 0);
        assert_string_equal(list, "0-2-9,1-1-3");
        assert_int_equal(replication_position_text(b, &set), 0);
        assert_int_equal(gtid_set_format(&b->executed, &executed), 0);
        assert_string_equal(set, executed);
}

static void check(const char *name, const StandingCase *c, Standing expected, const char *errant, const char *says) {
        _cleanup_judgement_ Judgement j = {0};

        assert_int_equal(standing_judge(c, &j), 0);
        if (j.standing != expected || (says && !strstr(j.text, says)))
                fail_msg("%s: %s: %s", name, standing_to_string(j.standing), j.text);
        if (!streq_null(j.errant, errant))
                fail_msg("%s: errant are \"%s\"", name, str_or(j.errant, "none"));
        CHECK((j.standing == STANDING_DIVERGED) == (j.errant != NULL), name);
        CHECK(!strstr(j.text, "(null)"), name);
}

#define UNKNOWN STANDING_UNKNOWN
#define IDENTICAL STANDING_IDENTICAL
#define RECOVERABLE STANDING_RECOVERABLE
#define PURGED STANDING_PURGED
#define DIVERGED STANDING_DIVERGED

static const struct {
        const char *name, *replica, *source, *purged, *received;
        bool blank;
        Standing standing;
        const char *errant, *says;
} mysqls[] = {
        { "the same", "A:1-9", "A:1-9", "", NULL, false, IDENTICAL, NULL, "same transactions" },
        { "the same, purged behind both", "A:1-9", "A:1-9", "A:1-9", NULL, false, IDENTICAL, NULL, NULL },
        { "one behind", "A:1-8", "A:1-9", "", NULL, false, RECOVERABLE, NULL, "lacks 1 transaction" },
        { "behind, purged just up to it", "A:1-8", "A:1-9", "A:1-8", NULL, false, RECOVERABLE, NULL, NULL },
        { "behind, purged one further", "A:1-7", "A:1-9", "A:1-8", NULL, false, PURGED, NULL, "provisioned anew" },
        { "a hole that is kept", "A:1-3:5-9", "A:1-9", "A:1-3", NULL, false, RECOVERABLE, NULL, "lacks 1" },
        { "a hole that is purged", "A:1-3:5-9", "A:1-9", "A:1-4", NULL, false, PURGED, NULL, "lacks 1" },
        { "one of its own", "A:1-9,B:1", "A:1-9", "", NULL, false, DIVERGED, "bbbbbbbb-0000-0000-0000-000000000000:1", "has 1 transaction" },
        { "an ex-primary's last ones", "A:1-12", "A:1-9,B:1-5", "", NULL, false, DIVERGED, "aaaaaaaa-0000-0000-0000-000000000000:10-12", "has 3" },
        { "ahead, with nothing else wrong", "A:1-10", "A:1-9", "", NULL, false, DIVERGED, "aaaaaaaa-0000-0000-0000-000000000000:10", NULL },
        { "one of its own under a tag", "A:1-9:x:1", "A:1-9", "", NULL, false, DIVERGED, "aaaaaaaa-0000-0000-0000-000000000000:x:1", NULL },
        { "diverged comes before purged", "A:1-3,B:1", "A:1-9", "A:1-8", NULL, false, DIVERGED, "bbbbbbbb-0000-0000-0000-000000000000:1", NULL },
        { "the 64th bit is not lost", "A:1-9007199254740993", "A:1-9007199254740992", "", NULL, false, DIVERGED, "aaaaaaaa-0000-0000-0000-000000000000:9007199254740993", NULL },
        { "empty, with data", "", "A:1-9", "", NULL, false, UNKNOWN, NULL, "apply everything twice" },
        { "empty, with data, and purged", "", "A:1-9", "A:1-5", NULL, false, UNKNOWN, NULL, NULL },
        { "both empty, with data", "", "", "", NULL, false, UNKNOWN, NULL, NULL },
        { "empty and blank", "", "A:1-9", "", NULL, true, RECOVERABLE, NULL, NULL },
        { "empty and blank, and purged", "", "A:1-9", "A:1-5", NULL, true, PURGED, NULL, NULL },
        { "the source was reset", "A:1-9", "", "", NULL, false, UNKNOWN, NULL, "its binary log was reset" },
        { "the source contradicts itself", "A:1-8", "A:1-9", "A:1-10", NULL, false, UNKNOWN, NULL, "never had" },
        { "sets that are not known", NULL, "A:1-9", "", NULL, false, UNKNOWN, NULL, "db2 has is not known" },
        { "nor the source's", "A:1-9", NULL, "", NULL, false, UNKNOWN, NULL, "db1 has is not known" },
        { "received, applied and from here", "A:1-9", "A:1-9", "", "A:5-9", false, IDENTICAL, NULL, NULL },
        { "received and not applied, from here", "A:1-7", "A:1-9", "", "A:5-9", false, RECOVERABLE, NULL, NULL },
        { "received, and nobody else has it", "A:1-9", "A:1-9,B:1", "", "A:5-11", false, UNKNOWN, NULL, "aaaaaaaa-0000-0000-0000-000000000000:10-11. They may exist nowhere else" },
        { "received alone, and purged", "A:1-3", "A:1-9", "A:1-8", "C:7", false, UNKNOWN, NULL, NULL },
        { "received alone, and diverged", "A:1-9,B:1", "A:1-9", "", "C:7", false, DIVERGED, "bbbbbbbb-0000-0000-0000-000000000000:1", "not applied yet: cccccccc" },
};

static void mysql_stands_as_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(mysqls); i++) {
                _cleanup_(replication_freep) Replication *replica = mysql(mysqls[i].replica, NULL, 2), *source = mysql(mysqls[i].source, mysqls[i].purged, 1);
                const StandingCase c = { .replica_name = "db2", .source_name = "db1", .replica = replica, .source = source, .blank = mysqls[i].blank };

                if (mysqls[i].received) {
                        replica->n_channels = 1;
                        replica->channel[0].received_set = set_of(mysqls[i].received);
                }
                check(mysqls[i].name, &c, mysqls[i].standing, mysqls[i].errant, mysqls[i].says);
        }
}

#define ASKED_NOT PREFLIGHT_NONE
#define ACCEPTED PREFLIGHT_ACCEPTED

static const struct {
        const char *name, *replica, *source;
        const char *peer; /* "?": there is one who is not heard; NULL: there is none */
        Preflight preflight;
        bool blank;
        const char *received;
        Standing standing;
        const char *errant, *says;
} mariadbs[] = {
        { "the same", "0-1-9 / 0-1-9", "0-1-9", NULL, ASKED_NOT, false, NULL, IDENTICAL, NULL, "up to 0-1-9" },
        { "the same, without log_slave_updates", " / 0-1-9", "0-1-9", NULL, ASKED_NOT, false, NULL, IDENTICAL, NULL, NULL },
        { "the same, and nobody reached the source", "0-1-9", "0-1-9", NULL, PREFLIGHT_FAILED, false, NULL, IDENTICAL, NULL, NULL },
        { "the same, in another order of the past", "0-2-5,0-1-9", "0-1-9 / 0-2-5", NULL, ASKED_NOT, false, NULL, IDENTICAL, NULL, NULL },
        { "the same, but the source says purged", "0-1-9", "0-1-9", NULL, PREFLIGHT_PURGED, false, NULL, UNKNOWN, NULL, "contradicts itself" },
        { "the same, but the source does not find it", "0-1-9", "0-1-9", NULL, PREFLIGHT_NOT_FOUND, false, NULL, UNKNOWN, NULL, "reset" },

        { "behind, and kept", "0-1-7 / 0-1-7", "0-1-9", NULL, ACCEPTED, false, NULL, RECOVERABLE, NULL, "lacks 2 transaction(s) after \"0-1-7\"" },
        { "behind, and purged", "0-1-7 / 0-1-7", "0-1-9", NULL, PREFLIGHT_PURGED, false, NULL, PURGED, NULL, "provisioned anew" },
        { "behind, not asked", "0-1-7 / 0-1-7", "0-1-9", NULL, ASKED_NOT, false, NULL, UNKNOWN, NULL, "has not been asked" },
        { "behind, could not be asked", "0-1-7 / 0-1-7", "0-1-9", NULL, PREFLIGHT_FAILED, false, NULL, UNKNOWN, NULL, "could not be asked" },
        { "behind, not found", "0-1-7 / 0-1-7", "0-1-9", NULL, PREFLIGHT_NOT_FOUND, false, NULL, UNKNOWN, NULL, "reset" },
        { "behind, an ambiguous answer", "0-1-7 / 0-1-7", "0-1-9", NULL, PREFLIGHT_AMBIGUOUS, false, NULL, UNKNOWN, NULL, "Nothing is rebuilt" },
        { "behind in a domain it never had", "0-1-9", "0-1-9,1-1-3", NULL, ACCEPTED, false, NULL, RECOVERABLE, NULL, "lacks 3" },

        { "an ex-primary's last ones", "0-1-12", "0-1-9,0-2-15 / 0-1-9", NULL, ASKED_NOT, false, NULL, DIVERGED, "0-1-12", "only up to 0-1-9" },
        { "and whatever is answered", "0-1-12", "0-1-9,0-2-15 / 0-1-9", NULL, ACCEPTED, false, NULL, DIVERGED, "0-1-12", NULL },
        { "ahead", "0-1-10", "0-1-9", NULL, ASKED_NOT, false, NULL, DIVERGED, "0-1-10", NULL },
        { "ahead in one domain of two", "0-1-9,1-1-4", "0-1-9,1-1-3", NULL, ASKED_NOT, false, NULL, DIVERGED, "1-1-4", NULL },
        { "by all 64 bits", "0-1-9007199254740993", "0-1-9007199254740992", NULL, ASKED_NOT, false, NULL, DIVERGED, "0-1-9007199254740993", NULL },
        { "one of its own, beyond all of the domain", "0-1-9,0-2-10", "0-1-9", NULL, ASKED_NOT, false, NULL, DIVERGED, "0-2-10", "nothing of this domain beyond 0-1-9" },
        { "that another has, too: the source lacks it", "0-1-9,0-2-10", "0-1-9", "0-1-9,0-2-10", ASKED_NOT, false, NULL, UNKNOWN, NULL, "rather db1 lacks it" },
        { "that one might know who is not heard", "0-1-9,0-2-10", "0-1-9", "?", ASKED_NOT, false, NULL, UNKNOWN, NULL, "db3 might know" },

        /* By the domain's seqnos alone 0-2-6 would pass. */
        { "of a server the source has nothing of", "0-1-5,0-2-6", "0-1-7", NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, "0-2-6, of a server that db1 has nothing of" },
        { "that another has: a trace that was lost", "0-2-6,0-1-7", "0-1-9", "0-2-6,0-1-9", ACCEPTED, false, NULL, RECOVERABLE, NULL, NULL },
        { "and the source keeps no more", "0-2-6,0-1-7", "0-1-9", "0-2-6,0-1-9", PREFLIGHT_PURGED, false, NULL, PURGED, NULL, NULL },
        { "that another has not as far", "0-2-6,0-1-7", "0-1-9", "0-2-5,0-1-9", ACCEPTED, false, NULL, UNKNOWN, NULL, NULL },
        { "that another has, by its position", "0-2-6,0-1-7", "0-1-9", " / 0-2-6", ACCEPTED, false, NULL, RECOVERABLE, NULL, NULL },
        { "of a domain the source has nothing of", "0-1-9,7-3-1", "0-1-9", NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, NULL },
        { "which another has", "0-1-9,7-3-1", "0-1-9", "7-3-1", ACCEPTED, false, NULL, UNKNOWN, NULL, "rather db1 lacks it" },

        /* Positions alone: they show what is there, not what is missing. */
        { "the source has it by its position", "0-1-9", "0-2-12 / 0-1-9", NULL, ACCEPTED, false, NULL, RECOVERABLE, NULL, "lacks 3" },
        { "an old position proves no lack", "0-1-11", "0-2-12 / 0-1-9", NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, "tells nothing" },
        { "nor where there is no binary log", "0-1-11", " / 0-1-9", NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, NULL },
        { "but beyond the domain's end it is proved", "0-1-13", "0-2-12 / 0-1-9", NULL, ACCEPTED, false, NULL, DIVERGED, "0-1-13", NULL },

        { "what is proved counts, beside what is not", "0-1-12,5-5-5", "0-1-9", NULL, ASKED_NOT, false, NULL, DIVERGED, "0-1-12", "Not known is 5-5-5" },

        { "empty, with data", "", "0-1-9", NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, "apply everything twice" },
        { "empty, with data, and purged", "", "0-1-9", NULL, PREFLIGHT_PURGED, false, NULL, UNKNOWN, NULL, NULL },
        { "both empty, with data", "", "", NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, NULL },
        { "empty and blank", "", "0-1-9", NULL, ACCEPTED, true, NULL, RECOVERABLE, NULL, NULL },
        { "empty and blank, and purged", "", "0-1-9", NULL, PREFLIGHT_PURGED, true, NULL, PURGED, NULL, NULL },
        { "the source was reset", "0-1-9", "", NULL, ASKED_NOT, false, NULL, UNKNOWN, NULL, "its binary log was reset" },
        { "not known", NULL, "0-1-9", NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, "Which transactions db2 has" },
        { "nor the source's", "0-1-9", NULL, NULL, ACCEPTED, false, NULL, UNKNOWN, NULL, "Which transactions db1 has" },

        { "received, and from here", "0-1-7 / 0-1-7", "0-1-9", NULL, ACCEPTED, false, "0-1-9", RECOVERABLE, NULL, NULL },
        { "received, and nobody else has it", "0-1-7 / 0-1-7", "0-1-9", NULL, ACCEPTED, false, "0-1-11", UNKNOWN, NULL, "does not have: 0-1-11. They may exist nowhere else" },
        { "received alone, and purged", "0-1-7 / 0-1-7", "0-1-9", NULL, PREFLIGHT_PURGED, false, "0-1-11", UNKNOWN, NULL, NULL },
};

static void mariadb_stands_as_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(mariadbs); i++) {
                _cleanup_(replication_freep) Replication *replica = mariadb(mariadbs[i].replica, 2), *source = mariadb(mariadbs[i].source, 1),
                                                         *third = mariadb(mariadbs[i].peer && !streq(mariadbs[i].peer, "?") ? mariadbs[i].peer : NULL, 3);
                const StandingPeer peer = { .name = "db3", .replication = streq(str_or(mariadbs[i].peer, ""), "?") ? NULL : third };
                const StandingCase c = {
                        .replica_name = "db2", .source_name = "db1", .replica = replica, .source = source, .blank = mariadbs[i].blank,
                        .peer = &peer, .n_peers = mariadbs[i].peer ? 1 : 0, .preflight = mariadbs[i].preflight,
                };

                if (mariadbs[i].received) {
                        replica->n_channels = 1;
                        replica->channel[0].received_list = list_of(mariadbs[i].received, strlen(mariadbs[i].received), GTID_POSITION);
                }
                check(mariadbs[i].name, &c, mariadbs[i].standing, mariadbs[i].errant, mariadbs[i].says);
        }
}

/* Whatever is wrong with who they are, nothing is concluded: the lists below
 * would be DIVERGED, and the sets, too. */
static void identities_must_differ(void **state) {
        _cleanup_(replication_freep) Replication *a = mariadb("0-1-12", 2), *b = mariadb("0-1-9", 1), *c = mysql("A:1-12", NULL, 2), *d = mysql("A:1-9", "", 1);
        StandingCase lists = { .replica_name = "db2", .source_name = "db1", .replica = a, .source = b };
        StandingCase sets = { .replica_name = "db2", .source_name = "db1", .replica = c, .source = d };

        (void) state;
        check("as they are", &lists, DIVERGED, "0-1-12", NULL);
        check("as they are", &sets, DIVERGED, "aaaaaaaa-0000-0000-0000-000000000000:10-12", NULL);
        a->server_id = 1;
        check("one server_id", &lists, UNKNOWN, NULL, "same server_id (1)");
        memset(c->server_uuid.b, 7, sizeof(c->server_uuid.b));
        check("one has no UUID", &sets, DIVERGED, "aaaaaaaa-0000-0000-0000-000000000000:10-12", NULL);
        d->server_uuid = c->server_uuid;
        check("one UUID", &sets, UNKNOWN, NULL, "same server UUID");
        lists.source = d;
        check("two flavours", &lists, UNKNOWN, NULL, "nothing to do with each other");
        lists.source = NULL;
        check("no source", &lists, UNKNOWN, NULL, "What db1 has is not known");
        lists.replica = NULL;
        check("no replica", &lists, UNKNOWN, NULL, "What db2 has is not known");
}

static void answers_of_sources_are_told_apart(void **state) {
        static const struct {
                unsigned error;
                const char *text;
                Preflight preflight;
        } table[] = {
                { 0, "", ACCEPTED },
                { 1236, "Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and required binlog files have been purged.", PREFLIGHT_PURGED },
                { 1236, "Error: connecting slave requested to start from GTID 0-1-5, which is not in the master's binlog", PREFLIGHT_NOT_FOUND },
                { 1236, "Error: connecting slave requested to start from GTID 0-1-5, which is not in the master's binlog. Since the master's binlog contains GTIDs with higher sequence numbers, it probably means that the slave has diverged due to executing extra erroneous transactions", PREFLIGHT_AMBIGUOUS },
                { 1236, "Misconfigured master - server_id was not set", PREFLIGHT_FAILED },
                { 1236, "", PREFLIGHT_FAILED },
                { 1045, "Access denied, which is not in the master's binlog", PREFLIGHT_FAILED },
                { 2013, "Lost connection: could not find GTID state requested by slave in any binlog files", PREFLIGHT_FAILED },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++)
                CHECK(preflight_read(table[i].error, table[i].text) == table[i].preflight, table[i].text);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(mysql_stands_as_the_table_says),
                cmocka_unit_test(mariadb_stands_as_the_table_says),
                cmocka_unit_test(identities_must_differ),
                cmocka_unit_test(where_a_server_stands_is_in_its_own_words),
                cmocka_unit_test(answers_of_sources_are_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
