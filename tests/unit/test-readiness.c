/* Readiness: what stands in the way of which work, and that it survives the wire. */
#include "domain/readiness.h"
#include "scratch.h"

/* A node of Galera's with nothing wrong, and a primary and a replica likewise. */
static const Readiness galera = {
        .node = "db1", .state = "ONLINE", .mysqld = MYSQLD_PRIMARY, .looked = 5, .primary = true, .wsrep_ready = true, .wsrep_state = 4,
        .reject_queries = "NONE", .sst_method = "mariabackup", .lag = -1,
};
static const Readiness primary = {
        .node = "db1", .state = "ONLINE", .asynchronous = true, .mysqld = MYSQLD_STARTING, .looked = 5, .role = ROLE_PRIMARY, .writable = true,
        .replicator = HEALTH_ONLINE, .verdict = PRIMARY_ONE, .is_primary = true, .primary_text = "db1 is the primary.", .lag = -1,
};
static const Readiness replica = {
        .node = "db2", .state = "ONLINE", .asynchronous = true, .mysqld = MYSQLD_STARTING, .looked = 5, .role = ROLE_REPLICA, .read_only = true,
        .replicator = HEALTH_ONLINE, .verdict = PRIMARY_ONE, .lag = 3,
};

#define SET(name, value) static void name(Readiness *r, Contentment *w) { value; }
SET(as_it_is, (void) 0)
SET(shunned, (void) strcpy(r->state, "SHUNNED"); (void) strcpy(r->reason, "a new disk, by anna"))
SET(draining, r->offline = r->draining = true)
SET(offline, r->offline = true; (void) strcpy(r->state, "OFFLINE"))
SET(shunned_and_stopped, (void) strcpy(r->state, "SHUNNED"); r->mysqld = MYSQLD_STOPPED)
SET(stopped, r->mysqld = MYSQLD_STOPPED)
SET(starting, r->mysqld = MYSQLD_STARTING; r->looked = 0)
SET(joining, r->mysqld = MYSQLD_JOINING)
SET(joined, r->wsrep_state = 3)
SET(non_primary, r->mysqld = MYSQLD_NON_PRIMARY)
SET(non_primary_by_the_server, r->primary = false)
SET(unknown, r->mysqld = MYSQLD_UNKNOWN)
SET(silent, (void) strcpy(r->problem, "the server gave no answer for 8 s"))
SET(not_asked, r->looked = 0)
SET(donor, r->donating = true; r->wsrep_state = 2)
SET(donor_before_it_is_seen, r->donating = true)
SET(donor_is_welcome, donor(r, w); w->donor = true)
SET(donor_by_rsync, donor(r, w); w->donor = true; (void) strcpy(r->sst_method, "rsync"))
SET(donor_by_what_is_not_known, donor(r, w); w->donor = true; r->sst_method[0] = '\0')
SET(donor_is_no_desynced, donor(r, w); w->desynced = true)
SET(desynced, r->desync = true; r->wsrep_state = 2)
SET(desynced_is_welcome, desynced(r, w); w->desynced = true)
SET(desynced_is_no_donor, desynced(r, w); w->donor = true)
SET(not_ready, r->wsrep_ready = false)
SET(rejecting, (void) strcpy(r->reject_queries, "ALL"))
SET(nothing_said_of_rejecting, r->reject_queries[0] = '\0')
SET(read_only, r->read_only = true)
SET(failed, (void) strcpy(r->state, "FAILED"); (void) strcpy(r->reason, "its disk"))
SET(two_primaries, r->verdict = PRIMARY_SEVERAL)
SET(two_primaries_unsure, r->verdict = PRIMARY_SEVERAL; w->unsure = true)
SET(perhaps_the_primary, r->verdict = PRIMARY_UNKNOWN; r->is_primary = false)
SET(perhaps_will_do, perhaps_the_primary(r, w); w->unsure = true)
SET(another_is, r->is_primary = false)
SET(not_writable, r->writable = false; r->is_primary = false; r->verdict = PRIMARY_NONE)
SET(stopped_replication, r->replicator = HEALTH_OFFLINE; (void) strcpy(r->state, "OFFLINE"); (void) strcpy(r->replicator_text, "replication is stopped"))
SET(late, r->lag = 31)
SET(late_for_whom_asks, w->max_lag = 2)
SET(late_is_welcome, r->lag = 4000; w->max_lag = -1)
SET(lag_unknown, r->lag = -1)
SET(lag_unknown_is_welcome, r->lag = -1; w->max_lag = -1)

static const struct {
        const Readiness *base;
        const char *name;
        void (*set)(Readiness *r, Contentment *with);
        Obstacle read, write;
} table[] = {
#define ROW(base, set, read, write) { &base, #base ": " #set, set, OBSTACLE_##read, OBSTACLE_##write }
        ROW(galera, as_it_is, NONE, NONE),
        ROW(galera, shunned, SHUNNED, SHUNNED),
        ROW(galera, draining, DRAINING, DRAINING),
        ROW(galera, offline, OFFLINE, OFFLINE),
        ROW(galera, shunned_and_stopped, SHUNNED, SHUNNED),
        ROW(galera, stopped, STOPPED, STOPPED),
        ROW(galera, starting, STARTING, STARTING),
        ROW(galera, joining, JOINING, JOINING),
        ROW(galera, joined, JOINING, JOINING),
        ROW(galera, non_primary, NON_PRIMARY, NON_PRIMARY),
        ROW(galera, non_primary_by_the_server, NON_PRIMARY, NON_PRIMARY),
        ROW(galera, unknown, FAILED, FAILED),
        ROW(galera, silent, SILENT, SILENT),
        ROW(galera, not_asked, SILENT, SILENT),
        ROW(galera, donor, DONOR, DONOR),
        ROW(galera, donor_before_it_is_seen, DONOR, DONOR),
        ROW(galera, donor_is_welcome, NONE, NONE),
        ROW(galera, donor_by_rsync, DONOR, DONOR),
        ROW(galera, donor_by_what_is_not_known, DONOR, DONOR),
        ROW(galera, donor_is_no_desynced, DONOR, DONOR),
        ROW(galera, desynced, DESYNCED, DESYNCED),
        ROW(galera, desynced_is_welcome, NONE, NONE),
        ROW(galera, desynced_is_no_donor, DESYNCED, DESYNCED),
        ROW(galera, not_ready, NOT_READY, NOT_READY),
        ROW(galera, rejecting, REJECTING, REJECTING),
        ROW(galera, nothing_said_of_rejecting, NONE, NONE),
        ROW(galera, read_only, NONE, READ_ONLY),
        ROW(galera, failed, FAILED, FAILED),
        ROW(primary, as_it_is, NONE, NONE),
        ROW(primary, shunned, SHUNNED, SHUNNED),
        ROW(primary, starting, STARTING, STARTING),
        ROW(primary, stopped, STOPPED, STOPPED),
        ROW(primary, silent, SILENT, SILENT),
        ROW(primary, two_primaries, NONE, PRIMARIES),
        ROW(primary, two_primaries_unsure, NONE, PRIMARIES),
        ROW(primary, perhaps_the_primary, NONE, UNSURE),
        ROW(primary, perhaps_will_do, NONE, NONE),
        ROW(primary, another_is, NONE, UNSURE),
        ROW(primary, not_writable, NONE, READ_ONLY),
        ROW(primary, failed, FAILED, FAILED),
        ROW(replica, as_it_is, NONE, REPLICA),
        ROW(replica, draining, DRAINING, DRAINING),
        ROW(replica, stopped_replication, REPLICATION, REPLICA),
        ROW(replica, late, LAG, REPLICA),
        ROW(replica, late_for_whom_asks, LAG, REPLICA),
        ROW(replica, late_is_welcome, NONE, REPLICA),
        ROW(replica, lag_unknown, LAG, REPLICA),
        ROW(replica, lag_unknown_is_welcome, NONE, REPLICA),
};

static void each_obstacle_is_told_apart(void **state) {
        for (size_t i = 0; i < ELEMENTS(table); i++)
                for (Work w = 0; w < _WORK_MAX; w++) {
                        Obstacle expected = w == WORK_READ ? table[i].read : table[i].write;
                        Contentment with = CONTENTMENT_DEFAULT;
                        Readiness r = *table[i].base;
                        Verdict v;

                        table[i].set(&r, &with);
                        readiness_judge(&r, w, &with, &v);
                        if (v.obstacle != expected)
                                fail_msg("%s, for a %s: %s (%s)", table[i].name, work_to_string(w), obstacle_to_string(v.obstacle), v.text);
                        CHECK(strstr(v.text, r.node), table[i].name);
                }
}

static void it_survives_the_wire(void **state) {
        Readiness r = galera, again;
        json_t *j;

        (void) strcpy(r.reason, "\"a\" \xff b");
        r.draining = r.job_runs = true;
        r.job_kind = JOB_DRAIN;
        r.policy = POLICY_MAINTENANCE;
        r.seqno = INT64_MAX;
        r.verdict = PRIMARY_SEVERAL;
        j = readiness_to_json(&r);
        assert_non_null(j);
        assert_int_equal(readiness_from_json(j, &again), 0);
        assert_string_equal(again.reason, "\"a\" ? b");
        (void) strcpy(r.reason, again.reason);
        assert_memory_equal(&again.node, &r.node, sizeof(r.node));
        assert_true(again.draining && again.job_kind == JOB_DRAIN && again.policy == POLICY_MAINTENANCE && again.seqno == INT64_MAX && again.verdict == PRIMARY_SEVERAL);
        assert_true(again.mysqld == MYSQLD_PRIMARY && again.wsrep_state == 4 && again.looked == 5 && again.primary && !again.read_only);
        json_decref(j);
}

static void what_is_absent_is_unknown(void **state) {
        json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:s}", "node", "db1", "state", "ONLINE", "mysqld", "of a version to come", "primary", 1, "seqno", "7");
        Readiness r;

        assert_int_equal(readiness_from_json(j, &r), 0);
        assert_true(r.mysqld == MYSQLD_UNKNOWN && !r.primary && r.seqno == -1 && r.lag == -1);
        (void) json_object_del(j, "state");
        assert_int_equal(readiness_from_json(j, &r), -EBADMSG);
        assert_int_equal(readiness_from_json(NULL, &r), -EBADMSG);
        json_decref(j);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_obstacle_is_told_apart),
                cmocka_unit_test(it_survives_the_wire),
                cmocka_unit_test(what_is_absent_is_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
