/* `mainstayctl provision`: the data of a replica that cannot go on are replaced by a
 * copy of another node's. The copy is made beside them while the old server runs; a
 * second server, in its shadow, proves that the copy is good, replicates, and catches up.
 * Only then the two exchange their names, and until a person says `provision commit` the
 * old data are kept, for `provision rollback` and for whatever fails here: then every
 * step is taken back, the newest first.
 *
 * What needs root is done by mainstay-provision@STEP.service and
 * mainstay-shadow.service. */
#include "base/amount.h"
#include "base/paths.h"
#include "manager/jobs.h"

#define WORK_TIME (30 * USEC_PER_SEC)
/* An agent that has just begun has yet to hear the others. */
#define NEWS_TIME (15 * USEC_PER_SEC)
/* A copy that catches up is looked at so often, and may be without its source so long. */
#define CATCH_UP_WAIT "5" /* seconds */
#define LONELY_TIME (60 * USEC_PER_SEC)
#define SAY(text, ...) ((void) snprintf((text), 512, __VA_ARGS__))

/* How ssh finds the node that the copy is taken of; NULL where it does not. */
static const char *address_of(Manager *m, const char *name) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && streq(r->node, name) && peer_host(m->peer[i]))
                        return peer_address(m->peer[i]);
        }
        return NULL;
}

/* A unit's step with a sentence around it. */
static int unit_step(Manager *m, const char *step, const char *failed, char text[static 512]) {
        char why[512] = "";
        int r = jobs_unit(m, step, "", why);

        if (r < 0)
                SAY(text, "%s: %.400s.", failed, why);
        return r;
}

/* 0: it may yet be heard. */
static int await_source(Manager *m, const char *what, char text[static 512]) {
        if (what)
                return 1;
        if (manager_now(m) < m->step.since + NEWS_TIME) {
                manager_wake(m, m->step.since + NEWS_TIME);
                return 0;
        }
        SAY(text, "The agent of %.128s is not heard, or not through ssh.", m->job->source);
        return -EHOSTUNREACH;
}

static bool clones(const Manager *m) {
        return m->job->method == METHOD_CLONE;
}

/* Does the server of this node agree, in whose place the copy goes? */
static int ask_own(Manager *m, char text[static 512]) {
        int r;

        if (m->main_pid == 0)
                return 1;
        if (m->step.phase == 0) {
                r = jobs_work(m, WORK_TIME, (const char *const []) { "layout", NULL });
                if (r > 0)
                        jobs_next_phase(m);
        }
        if (m->step.phase == 1) {
                r = clones(m) ? jobs_work(m, WORK_TIME, (const char *const []) { "can-clone", NULL }) : 1;
                if (r > 0)
                        jobs_next_phase(m);
        }
        if (m->step.phase > 1)
                return 1;
        if (r < 0)
                SAY(text, "%s is not changed: %.400s.", m->name, m->step.error);
        return r;
}

static int look(Manager *m, char text[static 512]) {
        const char *from = address_of(m, m->job->source);
        char why[512] = "";
        int r;

        if (local_data_elsewhere(m)) {
                SAY(text, "%s is not changed: a part of its data lies in %.120s, outside of %.120s, and a copy would replace that alone.", m->name, local_data_elsewhere(m), m->config->datadir);
                return -ENOTSUP;
        }
        r = ask_own(m, text);
        if (r <= 0)
                return r;
        r = m->step.asked_unit || m->step.answered ? 1 : await_source(m, from, text);
        if (r <= 0)
                return r;
        r = jobs_unit(m, "look", str_or(from, ""), why);
        if (r < 0)
                SAY(text, "%s is not changed: %.400s.", m->name, why);
        if (r <= 0)
                return r;
        /* As it is to be again where this comes to nothing. */
        m->store->held_before = m->store->held;
        r = manager_save(m);
        if (r < 0) {
                SAY(text, "It cannot be written down: %s.", strerror(-r));
                return r;
        }
        SAY(text, "%s hands out a copy of its data, and there is room for it.", m->job->source);
        return 1;
}

/* How a transfer has ended, or 0. */
static int transferred(Manager *m, int r, const char *why, char text[static 512]) {
        char size[AMOUNT_SIZE];

        if (r < 0 && m->job->state == JOB_CANCELLING)
                SAY(text, "It was cancelled.");
        else if (r < 0)
                SAY(text, "The copy of %.128s did not succeed: %.350s.", m->job->source, why);
        if (r > 0)
                SAY(text, "A copy of the data of %.128s is there (%s).", m->job->source, amount_bytes((uint64_t) json_integer_value(json_object_get(m->step.answer, "copied")), size));
        return r;
}

/* Root's step, which fetches from the source. */
static int fetch(Manager *m, const char *step, char text[static 512]) {
        const char *from = address_of(m, m->job->source);
        char why[512] = "";
        int r;

        r = m->step.asked_unit || m->step.answered ? 1 : await_source(m, from, text);
        if (r <= 0)
                return r;
        r = jobs_unit(m, step, str_or(from, ""), why);
        return transferred(m, r, why, text);
}

static int copy(Manager *m, char text[static 512]) {
        return fetch(m, "copy", text);
}

/* Of a clone whose agent has died, the server may still be at work. One that cannot be
 * connected to clones nothing. */
static int stop_clone(Manager *m, char text[static 512]) {
        static const json_int_t away[] = { 2002, 2003, 2006, 2013 };
        int r = jobs_work(m, WORK_TIME, (const char *const []) { "stop-clone", NULL });

        for (size_t i = 0; r < 0 && i < ELEMENTS(away); i++)
                if (json_integer_value(json_object_get(m->step.answer, "errno")) == away[i])
                        r = 1;
        if (r < 0)
                SAY(text, "A clone that was begun before cannot be ended: %.400s.", m->step.error);
        if (r > 0)
                jobs_next_phase(m);
        return r;
}

static int make_place(Manager *m, char text[static 512]) {
        int r = unit_step(m, "begin", "There is no place for a copy", text);

        if (r > 0)
                SAY(text, "There is a place for a copy, beside the data.");
        return r;
}

/* The server of this node fetches the data of the other one itself. */
static int clone_data(Manager *m, char text[static 512]) {
        _cleanup_free_ char *progress = NULL;
        char host[256], port[8];
        int r;

        if (m->step.phase == 0) {
                r = stop_clone(m, text);
                if (r <= 0)
                        return r;
        }
        if (m->step.phase == 1) {
                r = make_place(m, text);
                if (r <= 0)
                        return r;
                m->step.position = strdup(str_or(json_string_value(json_object_get(m->step.answer, "directory")), ""));
                if (!m->step.position)
                        return -ENOMEM;
                jobs_next_phase(m);
        }
        if (m->job->state == JOB_CANCELLING) {
                jobs_worker_forget(m);
                return transferred(m, -ECANCELED, "", text);
        }
        if (asprintf(&progress, "%s/" JOBS_PROGRESS, m->paths.runtime) < 0) {
                progress = NULL;
                return -ENOMEM;
        }
        replica_source_address(m, m->job->source, host, port);
        r = jobs_work(m, USEC_NEVER, (const char *const []) { "clone", host, port, m->step.position, progress, NULL });
        if (r == 0)
                jobs_read_progress(m);
        return transferred(m, r, m->step.error, text);
}

/* What is left of a copy. */
static int discard(Manager *m, char text[static 512]) {
        int r;

        if (clones(m) && m->step.phase == 0 && m->main_pid != 0) {
                r = stop_clone(m, text);
                if (r <= 0)
                        return r;
        }
        r = unit_step(m, "discard", "The copy cannot be removed", text);
        if (r > 0)
                SAY(text, "What there was of the copy is removed; the old data are untouched.");
        return r;
}

static int prepare(Manager *m, char text[static 512]) {
        int r = unit_step(m, "prepare", "The copy is no good", text);

        if (r > 0 && clones(m))
                SAY(text, "The copy is whole, and has what is this node's own.");
        else if (r > 0)
                SAY(text, "The copy is whole and consistent, at %.300s.", str_or(json_string_value(json_object_get(m->step.answer, "position")), "?"));
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
        r = jobs_server(m, true, text);
        if (r > 0)
                SAY(text, "The server runs again, on its old data.");
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
        return unit_step(m, step, failed, text);
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
        r = unit_step(m, "discard", "The old data are back in place, but the copy cannot be removed", text);
        if (r > 0)
                SAY(text, "The old data are back in place, untouched.");
        return r < 0 ? 1 : r; /* what is left of the copy keeps nobody from starting */
}

/* The server on the copy. Whatever has ended it meanwhile, it is started again. */
static int in_shadow(Manager *m, char text[static 512]) {
        int r;

        if (m->step.phase > 0)
                return 1;
        r = jobs_shadow(m, true, text);
        if (r > 0)
                jobs_next_phase(m);
        return r;
}

static int shadow(Manager *m, char text[static 512]) {
        int r = jobs_shadow(m, true, text);

        if (r > 0)
                SAY(text, "A server runs on the copy, beside the old one.");
        return r;
}

static int end_shadow(Manager *m, char text[static 512]) {
        int r = jobs_shadow(m, false, text);

        if (r > 0)
                SAY(text, "The server on the copy is stopped.");
        return r;
}

/* The statements of a dump, into an empty server. */
static int load(Manager *m, char text[static 512]) {
        int r = in_shadow(m, text);

        if (r <= 0)
                return r;
        if (m->step.phase == 1) {
                r = fetch(m, "load", text);
                if (r <= 0)
                        return r;
                jobs_next_phase(m);
        }
        /* What plugins it has, it learns when it starts anew. */
        r = jobs_shadow(m, false, text);
        if (r > 0)
                SAY(text, "What %.128s has is loaded.", m->job->source);
        return r;
}

/* The table in which a copy has its position is older than the copy, and its binary
 * log is empty: what it stands at, and the history that led there, it is told. */
static int position(Manager *m, char text[static 512]) {
        int r = in_shadow(m, text);

        if (r <= 0)
                return r;
        if (m->step.phase == 1) {
                r = unit_step(m, "where", "Where the copy stands is not known", text);
                if (r <= 0)
                        return r;
                m->step.position = strdup(str_or(json_string_value(json_object_get(m->step.answer, "position")), ""));
                m->step.history = strdup(str_or(json_string_value(json_object_get(m->step.answer, "binlog_state")), ""));
                if (!m->step.position || !m->step.history)
                        return -ENOMEM;
                jobs_next_phase(m);
        }
        r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "adopt", m->step.position, m->step.history, NULL });
        if (r < 0)
                SAY(text, "The copy cannot be told where it stands: %.400s.", m->step.error);
        if (r > 0) /* of MySQL the server tells it */
                SAY(text, "It stands at %.300s.", str_or(json_string_value(json_object_get(m->step.answer, "position")), m->step.position));
        return r;
}

/* The source itself, or whom that one follows. */
static int follow(Manager *m, char text[static 512]) {
        const Report *source = replica_report_of(m, m->job->source);
        char host[256], port[8];
        int r;

        r = in_shadow(m, text);
        if (r > 0)
                r = await_source(m, source && source->replication ? source->node : NULL, text);
        if (r <= 0)
                return r;
        replica_source_address(m, m->job->source, host, port);
        if (source->replication->n_channels > 0) {
                (void) snprintf(host, sizeof(host), "%s", source->replication->channel[0].host);
                (void) snprintf(port, sizeof(port), "%" PRId64, source->replication->channel[0].port);
        }
        r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "follow", host, port, NULL });
        if (r < 0)
                SAY(text, "The copy cannot be told to follow %.128s: %.300s.", host, m->step.error);
        if (r > 0)
                SAY(text, "The copy is to replicate from %.128s:%s, by GTID.", host, port);
        return r;
}

/* How far the source has come, as it said last. */
static int choose_goal(Manager *m, char text[static 512]) {
        const Report *source = replica_report_of(m, m->job->source);
        int r;

        if (m->step.position)
                return 1;
        r = await_source(m, source && source->replication && source->replication->have_gtids ? source->node : NULL, text);
        if (r <= 0)
                return r;
        r = replication_position_text(source->replication, &m->step.position);
        return r < 0 ? r : 1;
}

static const char *answered(const Manager *m, const char *key) {
        return str_or(json_string_value(json_object_get(m->step.answer, key)), "");
}

/* 1: its threads are at work, or may yet be. */
static int look_at_threads(Manager *m, char text[static 512]) {
        bool lonely = !streq(answered(m, "receiver"), "running");
        const char *why = str_or(json_string_value(json_object_get(m->step.answer, "receiver_error")), answered(m, "applier_error"));

        if (!lonely)
                m->step.judged = 0;
        else if (m->step.judged == 0)
                m->step.judged = manager_now(m);
        if (streq(answered(m, "receiver"), "stopped") || streq(answered(m, "applier"), "stopped") || (lonely && manager_now(m) > m->step.judged + LONELY_TIME)) {
                SAY(text, "The copy does not replicate: %.400s.", str_or(why, "its source is not reached"));
                return -EIO;
        }
        return 1;
}

static int catch_up(Manager *m, char text[static 512]) {
        int r;

        if (m->job->state == JOB_CANCELLING) {
                SAY(text, "It was cancelled.");
                return -ECANCELED;
        }
        r = in_shadow(m, text);
        if (r <= 0)
                return r;
        switch (m->step.phase) {
        case 1:
                r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "start", NULL });
                break;
        case 2:
                r = choose_goal(m, text);
                if (r <= 0)
                        return r;
                r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "wait", m->step.position, CATCH_UP_WAIT, NULL });
                if (r > 0 && json_is_true(json_object_get(m->step.answer, "reached"))) {
                        SAY(text, "The copy has caught up with %.128s.", m->job->source);
                        return 1;
                }
                break;
        default:
                r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "threads", NULL });
                if (r > 0)
                        r = look_at_threads(m, text);
        }
        if (r < 0 && !text[0])
                SAY(text, "The copy cannot replicate: %.400s.", m->step.error);
        if (r <= 0)
                return r;
        if (m->step.phase == 3)
                m->step.phase = 1; /* and wait again */
        jobs_next_phase(m);
        manager_touch(m);
        return 0;
}

static int commit(Manager *m, char text[static 512]) {
        int r = unit_step(m, "commit", "Nothing is committed", text);

        if (r > 0)
                SAY(text, "The data from before are deleted.");
        return r;
}

/* From the server on the copy onwards, however that was made. */
#define TAKE_OVER                                                             \
        { "position", position, NULL }, { "follow", follow, NULL },           \
        { "catchup", catch_up, NULL }, { "settle", end_shadow, NULL },        \
        { "stop", stop_server, restart_server }, { "save", save, NULL },      \
        { "swap", swap, put_back }, { "start", start_server, halt_server },   \
        { "replicate", replica_step_start, NULL },                            \
        { "verify", replica_step_verify, NULL },                              \
        { "release", replica_step_release, NULL }, {0}

static const Step backup_steps[] = {
        { "look", look, NULL }, { "copy", copy, discard }, { "prepare", prepare, NULL }, { "shadow", shadow, end_shadow }, TAKE_OVER,
};
static const Step clone_steps[] = {
        { "look", look, NULL }, { "copy", clone_data, discard }, { "prepare", prepare, NULL }, { "shadow", shadow, end_shadow }, TAKE_OVER,
};
static const Step dump_steps[] = {
        { "look", look, NULL }, { "begin", make_place, discard }, { "shadow", shadow, end_shadow }, { "load", load, NULL }, TAKE_OVER,
};
static const Step commit_steps[] = { { "commit", commit, NULL }, {0} };
static const Step rollback_steps[] = {
        { "stop", stop_server, restart_server },
        { "back", back, NULL },
        { "discard", discard, NULL },
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
        return last->state == STEP_BEGUN && (streq(last->name, "save") || streq(last->name, "swap") || streq(last->name, "back"));
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
