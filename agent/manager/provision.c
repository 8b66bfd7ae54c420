/* `mainstayctl provision`: the data of a replica that cannot go on are replaced by a
 * copy of another node's. The copy is made beside them while the old server runs; a
 * second server, in its shadow, proves that the copy is good, replicates, and catches up.
 * Only then the two exchange their names, and until a person says `provision commit` the
 * old data are kept, for `provision rollback` and for whatever fails here: then every
 * step is taken back, the newest first.
 *
 * Here are the steps in their order, and the exchange; how the copy comes about is in
 * provision-copy.c. What needs root is done by mainstay-provision@STEP.service and
 * mainstay-shadow.service. */
#include "manager/provision.h"

int provision_unit(Manager *m, const char *step, const char *failed, char text[static 512]) {
        char why[512] = "";
        int r = jobs_unit(m, step, "", why);

        if (r < 0)
                SAY(text, "%s: %.400s.", failed, why);
        return r;
}

/* How the server is to begin, from its next start on. */
static int pin(Manager *m, bool held, char text[static 512]) {
        int r = replica_pin(m, true, held);

        if (r < 0)
                SAY(text, "How the server is to begin cannot be written down: %s.", strerror(-r));
        return r;
}

/* Neither its replication nor a write is to come before it is known where it stands. */
static int stop_server(Manager *m, char text[static 512]) {
        Datasource own;
        int r;

        /* A copy takes long, and somebody may have made this one the primary meanwhile. */
        replica_judge(m, &own);
        if (m->step.phase == 0 && m->main_pid != 0 && own.role == ROLE_PRIMARY && own.writable && own.state != DATASOURCE_SHUNNED) {
                SAY(text, "%s is the primary now: its data are not replaced.", m->name);
                return -EPERM;
        }
        if (m->step.phase == 0) {
                if (m->job->kind == JOB_PROVISION_ROLLBACK)
                        m->store->down_before = false; /* that was of the job that is rolled back */
                r = pin(m, true, text);
                if (r < 0)
                        return r;
                jobs_next_phase(m);
        }
        r = jobs_server(m, false, text);
        if (r > 0)
                SAY(text, "The server of %s is stopped.", m->name);
        return r;
}

static int start_server(Manager *m, char text[static 512]) {
        int r;

        if (m->step.phase == 0) {
                r = jobs_server(m, true, text);
                if (r <= 0)
                        return r;
                jobs_next_phase(m);
        }
        r = replica_step_answers(m, text);
        if (r > 0)
                SAY(text, "The server of %s is started, and answers.", m->name);
        return r;
}

/* With the old data, which go on where they were. */
static int restart_server(Manager *m, char text[static 512]) {
        int r;

        if (m->store->held != m->store->held_before) {
                r = pin(m, m->store->held_before, text);
                if (r < 0)
                        return r;
        }
        if (m->store->down_before) {
                SAY(text, "The server is left stopped, as it was.");
                return 1;
        }
        r = jobs_server(m, true, text);
        if (r > 0)
                SAY(text, "The server runs again, on %s.", m->job->kind == JOB_PROVISION_ROLLBACK ? "the data that are in place" : "its old data");
        return r;
}

/* After a rollback: what a person wanted with the old data is for that one to say. */
static int start_again(Manager *m, char text[static 512]) {
        int r = start_server(m, text);

        if (r > 0)
                SAY(text, "The server of %s runs on its old data. Its replication is kept stopped, until: mainstayctl online %s", m->name, m->name);
        return r;
}

static int halt_server(Manager *m, char text[static 512]) {
        int r = jobs_server(m, false, text);

        if (r > 0)
                SAY(text, "The server is stopped.");
        return r;
}

/* A boot in the middle of it starts the server. */
static int while_down(Manager *m, const char *step, const char *failed, char text[static 512]) {
        if (m->step.phase == 0) {
                int r = jobs_server(m, false, text);

                if (r <= 0)
                        return r;
                jobs_next_phase(m);
        }
        return provision_unit(m, step, failed, text);
}

/* All that any other node has said that it has. Free `*ret`. */
static int others_have(Manager *m, char **ret) {
        _cleanup_gtid_list_ GtidList list = {0};
        _cleanup_gtid_set_ GtidSet set = {0};
        bool mysql = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < m->n_peers; i++) {
                const Report *o = peer_report(m->peer[i]);
                _cleanup_gtid_list_ GtidList its = {0};
                GtidList more = {0};
                GtidSet all = {0};

                if (!o || !o->replication || !o->replication->have_gtids)
                        continue;
                mysql = o->replication->flavour == FLAVOUR_MYSQL;
                if (mysql) {
                        r = gtid_set_union(&set, &o->replication->executed, &all);
                        if (r >= 0) {
                                gtid_set_done(&set);
                                set = all;
                        }
                        continue;
                }
                r = replication_holdings(o->replication, &its);
                if (r >= 0)
                        r = gtid_list_union(&list, &its, &more);
                if (r >= 0) {
                        gtid_list_done(&list);
                        list = more;
                }
        }
        return r < 0 ? r : mysql ? gtid_set_format(&set, ret) : gtid_list_format(&list, ret);
}

/* 1: the unit may be asked; 0: it was asked before with nothing else to compare with. */
static int tell_have(Manager *m, char text[static 512]) {
        _cleanup_free_ char *have = NULL;
        int r = others_have(m, &have);

        if (r >= 0 && m->step.looked > manager_now(m) && streq(have, str_or(m->step.history, ""))) {
                manager_wake(m, m->step.looked);
                return 0;
        }
        if (r >= 0)
                r = jobs_tell(m, "provision.have", have);
        if (r < 0) {
                SAY(text, "What the other nodes have cannot be written down: %s.", strerror(-r));
                return r;
        }
        free(m->step.history);
        m->step.history = TAKE(have);
        return 1;
}

/* What no other node has is lost with the old data. What others have said is a moment
 * old, so where there seems to be something, it is compared again with what they say
 * next. */
static int save(Manager *m, char text[static 512]) {
        json_int_t n;
        int r;

        r = m->step.asked_unit || m->step.answered ? 1 : tell_have(m, text);
        if (r == 0)
                return 0;
        if (r > 0)
                r = while_down(m, "save", "What only this node has cannot be saved", text);
        if (r < 0 && names_contain(&m->job->force, "errant")) {
                SAY(text, "What only this node has, if anything, was not saved, for it was forced so.");
                return 1;
        }
        if (r <= 0)
                return r;
        n = json_integer_value(json_object_get(m->step.answer, "errant"));
        if (n > 0 && m->step.looked == 0)
                m->step.looked = manager_now(m) + NEWS_TIME;
        if (n > 0 && manager_now(m) < m->step.looked) {
                jobs_worker_forget(m);
                manager_wake(m, m->step.looked);
                return 0;
        }
        if (n > 0)
                SAY(text, "%lld transaction(s) that no other node has are saved, decoded, in %.200s.", (long long) n, str_or(json_string_value(json_object_get(m->step.answer, "file")), "?"));
        else
                SAY(text, "The data have nothing that no other node has.");
        return 1;
}

static int swap(Manager *m, char text[static 512]) {
        int r = while_down(m, "swap", "The copy cannot take the place of the data", text);

        if (r > 0)
                SAY(text, "The copy is in place; the old data are kept beside it, until: mainstayctl provision commit %s", m->name);
        return r;
}

static int back(Manager *m, char text[static 512]) {
        int r = while_down(m, "back", "The old data cannot be put back", text);

        if (r > 0)
                SAY(text, "The old data are back in place.");
        return r;
}

/* And the copy away, before the server starts: on a full disk it could not. */
static int put_back(Manager *m, char text[static 512]) {
        int r;

        if (m->step.phase < 2) {
                r = back(m, text);
                if (r <= 0)
                        return r;
                jobs_next_phase(m);
        }
        r = provision_unit(m, "discard", "The old data are back in place, but the copy cannot be removed", text);
        if (r > 0)
                SAY(text, "The old data are back in place, untouched.");
        return r < 0 ? 1 : r; /* what is left of the copy keeps nobody from starting */
}

static int commit(Manager *m, char text[static 512]) {
        int r = provision_unit(m, "commit", "Nothing is committed", text);

        if (r > 0)
                SAY(text, "The data from before are deleted.");
        return r;
}

/* From the server on the copy onwards, however that was made. */
#define TAKE_OVER                                                                \
        { "position", copy_position, NULL }, { "follow", copy_follow, NULL },    \
        { "catchup", copy_catch_up, NULL }, { "settle", copy_end_shadow, NULL }, \
        { "stop", stop_server, restart_server }, { "save", save, NULL },         \
        { "swap", swap, put_back }, { "start", start_server, halt_server },      \
        { "replicate", replica_step_start, NULL },                               \
        { "verify", replica_step_verify, NULL },                                 \
        { "release", replica_step_release, NULL }, {0}

static const Step backup_steps[] = {
        { "look", copy_look, NULL }, { "copy", copy_backup, copy_discard }, { "prepare", copy_prepare, NULL }, { "shadow", copy_shadow, copy_end_shadow }, TAKE_OVER,
};
static const Step clone_steps[] = {
        { "look", copy_look, NULL }, { "copy", copy_clone, copy_discard }, { "prepare", copy_prepare, NULL }, { "shadow", copy_shadow, copy_end_shadow }, TAKE_OVER,
};
static const Step dump_steps[] = {
        { "look", copy_look, NULL }, { "begin", copy_begin, copy_discard }, { "shadow", copy_shadow, copy_end_shadow }, { "load", copy_load, NULL }, TAKE_OVER,
};
static const Step commit_steps[] = { { "commit", commit, NULL }, {0} };
/* Before a server is stopped for nothing. */
static int look_kept(Manager *m, char text[static 512]) {
        int r = provision_unit(m, "kept", "Nothing is rolled back", text);

        if (r > 0)
                SAY(text, "The data from before are kept.");
        return r;
}

static const Step rollback_steps[] = {
        { "look", look_kept, NULL },
        { "stop", stop_server, restart_server },
        { "back", back, NULL },
        { "discard", copy_discard, NULL },
        { "start", start_again, NULL },
        {0},
};

/* Is the datadir being exchanged, so that no server may start? */
bool provision_keeps_down(const Manager *m) {
        const JobStep *last = m->job ? job_last_step(m->job) : NULL;

        if (!last || (m->job->kind != JOB_PROVISION && m->job->kind != JOB_PROVISION_ROLLBACK))
                return false;
        if (m->step.undoing)
                for (size_t i = m->job->n_steps; i > 0; i--)
                        if (m->job->step[i - 1].state != STEP_UNDONE)
                                return streq(m->job->step[i - 1].name, "swap") || streq(m->job->step[i - 1].name, "save");
        return (last->state == STEP_BEGUN || last->state == STEP_FAILED) && (streq(last->name, "save") || streq(last->name, "swap") || streq(last->name, "back"));
}

const Step *provision_job_steps(const Job *job) {
        switch (job->kind) {
        case JOB_PROVISION:
                return job->method == METHOD_CLONE ? clone_steps : job->method == METHOD_DUMP ? dump_steps : backup_steps;
        case JOB_PROVISION_COMMIT:
                return commit_steps;
        case JOB_PROVISION_ROLLBACK:
                return rollback_steps;
        default:
                return NULL;
        }
}
