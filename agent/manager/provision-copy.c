/* The copy that takes the place of a replica's data: where it is from, how it is made,
 * by each method, and the server on it, which proves that it is good, replicates, and
 * catches up. Until it has, nothing that is this node's own is touched. */
#include "manager/provision.h"
#include "base/amount.h"
#include "base/paths.h"

#include <sys/statvfs.h>

#define WORK_TIME (30 * USEC_PER_SEC)
/* A copy that catches up is looked at so often, and may be without its source so long. */
#define CATCH_UP_WAIT "5" /* seconds */
#define LONELY_TIME (60 * USEC_PER_SEC)
#define SOURCE_TIME (600 * USEC_PER_SEC)
/* With less room, for so long, the disk is full. */
#define FULL (UINT64_C(1) << 20)
#define FULL_TIME (15 * USEC_PER_SEC)

/* How ssh finds the node that the copy is taken of; NULL where it does not. */
static const char *address_of(Manager *m, const char *name) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && streq(r->node, name) && peer_host(m->peer[i]))
                        return peer_address(m->peer[i]);
        }
        return NULL;
}

/* 0: it may yet be heard. */
static int await_source(Manager *m, const char *what, char text[static 512]) {
        usec_t limit;

        if (what)
                return 1;
        /* A server that recovers takes its time; its agent is heard meanwhile. */
        limit = m->step.since + (replica_report_of(m, m->job->source) ? SOURCE_TIME : NEWS_TIME);
        if (manager_now(m) < limit) {
                manager_wake(m, limit);
                return 0;
        }
        SAY(text, "The agent of %.128s is not heard, not through ssh, or says that its server does not answer.", m->job->source);
        return -EHOSTUNREACH;
}

/* Whom a server that does not answer follows, and how far it has come, nobody knows:
 * what its agent reports is then no news of it. NULL until it answers. */
static const char *answering(const Report *source) {
        return source && source->replication && source->replication->have_gtids ? source->node : NULL;
}

static bool clones(const Manager *m) {
        return m->job->method == METHOD_CLONE;
}

/* Does the server of this node agree, in whose place the copy goes? */
static int ask_own(Manager *m, char text[static 512]) {
        int r = 0;

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

int copy_look(Manager *m, char text[static 512]) {
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
        m->store->down_before = m->main_pid == 0;
        (void) snprintf(m->store->copy_place, sizeof(m->store->copy_place), "%s", str_or(json_string_value(json_object_get(m->step.answer, "place")), ""));
        r = manager_save(m);
        if (r < 0) {
                SAY(text, "It cannot be written down: %s.", strerror(-r));
                return r;
        }
        SAY(text, "%s hands out a copy of its data, and there is room for it.", m->job->source);
        return 1;
}

/* A server whose disk is full waits for somebody who makes room, and says so in its log
 * alone (seen with MariaDB 10.11). */
static bool out_of_room(Manager *m) {
        struct statvfs fs;
        usec_t now = manager_now(m);

        if (statvfs(m->config->datadir, &fs) < 0 || (uint64_t) fs.f_bavail * fs.f_frsize > FULL)
                m->step.full_since = 0;
        else if (m->step.full_since == 0)
                m->step.full_since = now;
        m->step.full = m->step.full || (m->step.full_since > 0 && now >= m->step.full_since + FULL_TIME);
        return m->step.full;
}

/* How much of what others say, without the end of a sentence that it may have. */
static int sentence(const char *s) {
        size_t n = strnlen(s, 350);

        while (n > 0 && (s[n - 1] == '.' || s[n - 1] == ' '))
                n--;
        return (int) n;
}

/* How a transfer has ended, or 0. */
static int transferred(Manager *m, int r, const char *why, char text[static 512]) {
        char size[AMOUNT_SIZE];

        if (r < 0 && m->job->state == JOB_CANCELLING)
                SAY(text, "It was cancelled.");
        else if (r < 0)
                SAY(text, "The copy of %.128s did not succeed: %.*s.", m->job->source, sentence(why), why);
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
        (void) out_of_room(m); /* then the unit is ended */
        r = jobs_unit(m, step, str_or(from, ""), why);
        return transferred(m, r, m->step.full ? "the disk is full" : why, text);
}

int copy_backup(Manager *m, char text[static 512]) {
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

int copy_begin(Manager *m, char text[static 512]) {
        int r = provision_unit(m, "begin", "There is no place for a copy", text);

        if (r > 0)
                SAY(text, "There is a place for a copy, beside the data.");
        return r;
}

/* The server of this node fetches the data of the other one itself. */
int copy_clone(Manager *m, char text[static 512]) {
        _cleanup_free_ char *progress = NULL;
        char host[256], port[8];
        int r;

        if (m->step.phase == 0) {
                r = stop_clone(m, text);
                if (r <= 0)
                        return r;
        }
        if (m->step.phase == 1) {
                r = copy_begin(m, text);
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
int copy_discard(Manager *m, char text[static 512]) {
        int r;

        if (clones(m) && m->step.phase == 0 && m->main_pid != 0) {
                r = stop_clone(m, text);
                if (r <= 0)
                        return r;
        }
        r = provision_unit(m, "discard", "The copy cannot be removed", text);
        if (r > 0)
                SAY(text, "What there was of the copy is removed; the old data are untouched.");
        return r;
}

int copy_prepare(Manager *m, char text[static 512]) {
        int r = provision_unit(m, "prepare", "The copy is no good", text);

        if (r > 0 && clones(m))
                SAY(text, "The copy is whole, and has what is this node's own.");
        else if (r > 0)
                SAY(text, "The copy is whole and consistent, at %.300s.", str_or(json_string_value(json_object_get(m->step.answer, "position")), "?"));
        return r;
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

int copy_shadow(Manager *m, char text[static 512]) {
        int r = jobs_shadow(m, true, text);

        if (r > 0)
                SAY(text, "A server runs on the copy, beside the old one.");
        return r;
}

int copy_end_shadow(Manager *m, char text[static 512]) {
        int r = jobs_shadow(m, false, text);

        if (r > 0)
                SAY(text, "The server on the copy is stopped.");
        return r;
}

/* The statements of a dump, into an empty server. */
int copy_load(Manager *m, char text[static 512]) {
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
int copy_position(Manager *m, char text[static 512]) {
        int r = in_shadow(m, text);

        if (r <= 0)
                return r;
        if (m->step.phase == 1) {
                r = provision_unit(m, "where", "Where the copy stands is not known", text);
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
int copy_follow(Manager *m, char text[static 512]) {
        const Report *source = replica_report_of(m, m->job->source);
        char host[256], port[8];
        int r;

        r = in_shadow(m, text);
        if (r > 0)
                r = await_source(m, answering(source), text);
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
        r = await_source(m, answering(source), text);
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
        /* A source that does not let it in does not do so later either. */
        if (streq(answered(m, "receiver"), "stopped") || (lonely && strstr(why, "Access denied")) || streq(answered(m, "applier"), "stopped") || (lonely && manager_now(m) > m->step.judged + LONELY_TIME)) {
                SAY(text, "The copy does not replicate: %.400s.", str_or(why, "its source is not reached"));
                return -EIO;
        }
        return 1;
}

int copy_catch_up(Manager *m, char text[static 512]) {
        int r;

        if (m->job->state == JOB_CANCELLING) {
                SAY(text, "It was cancelled.");
                return -ECANCELED;
        }
        r = in_shadow(m, text);
        if (r <= 0)
                return r;
        if (out_of_room(m)) {
                SAY(text, "The disk is full, so the copy cannot catch up.");
                return -ENOSPC;
        }
        switch (m->step.phase) {
        case 1:
                r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "start", NULL });
                break;
        case 2:
                r = choose_goal(m, text);
                if (r <= 0)
                        return r;
                r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "wait", m->step.position, CATCH_UP_WAIT, NULL });
                m->step.reached = r > 0 && json_is_true(json_object_get(m->step.answer, "reached"));
                break;
        default:
                if (manager_now(m) < m->step.looked) {
                        manager_wake(m, m->step.looked);
                        return 0;
                }
                r = jobs_work_at(m, SHADOW_SOCKET, WORK_TIME, (const char *const []) { "threads", NULL });
                if (r > 0)
                        r = look_at_threads(m, text);
                if (r > 0 && m->step.reached && streq(answered(m, "receiver"), "running")) {
                        SAY(text, "The copy has caught up with %.128s, and replicates.", m->job->source);
                        return 1;
                }
                if (r > 0)
                        m->step.looked = manager_now(m) + USEC_PER_SEC;
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
