/* What a person has done to a datasource: taken out of service, put back,
 * recovered, told whom to follow. It may be said on any node, and is done by the
 * agent of the node that it concerns: the others hand it on (forward.c). And what the
 * policy does of that by itself. */
#include "domain/joining.h"
#include "domain/json.h"
#include "manager/jobs.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#define MEND_FIRST (15 * USEC_PER_SEC)
#define MEND_MAX (600 * USEC_PER_SEC)
#define REFUSAL_SIZE 768

/* Refused, with a sentence: nothing was changed. */
static _printf_(2, 3) int refuse(char why[static REFUSAL_SIZE], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(why, REFUSAL_SIZE, format, ap);
        va_end(ap);
        return -EPERM;
}

static int take_names(const json_t *args, const char *key, Names *ret) {
        const json_t *list = json_object_get(args, key);

        *ret = (Names) {0};
        return list ? names_from_json(list, ret) : 0;
}

/* Who is who */

typedef struct Service {
        size_t n;
        Voice voice[NAMES_MAX];
        Datasource ds[NAMES_MAX];
        Primary primary;
} Service;

/* Own is the first. Free it. */
static Service *service_now(Manager *m) {
        Service *s = calloc(1, sizeof(*s));
        DatasourceFacts *facts = calloc(NAMES_MAX, sizeof(*facts));

        if (!s || !facts) {
                free(s);
                free(facts);
                return NULL;
        }
        s->n = manager_voices(m, m->report, s->voice);
        for (size_t i = 0; i < s->n; i++)
                facts[i] = datasource_facts(&s->voice[i]);
        datasources_judge(facts, s->n, s->ds, &s->primary);
        free(facts);
        return s;
}

/* From whom it is to replicate: the one primary, or who is named. */
static int find_source(Manager *m, const char *named, const Names *force, char ret[static NAME_SIZE], char why[static REFUSAL_SIZE]) {
        _cleanup_free_ Service *s = service_now(m);
        const char *source;

        if (!s)
                return -ENOMEM;
        if (s->primary.verdict != PRIMARY_ONE && !(*named && names_contain(force, "primary")))
                return refuse(why, "%s is not changed, for there has to be exactly one active primary. %s%s", m->name, s->primary.text,
                              *named ? " If you know that it is the one, say: --force=primary" : "");
        source = *named ? named : s->primary.who.name[0];
        if (streq(source, m->name))
                return *named ? refuse(why, "%s cannot replicate from itself.", m->name) : refuse(why, "%s is the primary: it has nobody to replicate from.", m->name);
        if (s->primary.verdict == PRIMARY_ONE && !names_contain(&s->primary.who, source) && !names_contain(force, "primary"))
                return refuse(why, "%s is not the primary, which is %s. To have %s follow it all the same, say: --force=primary", source, s->primary.who.name[0], m->name);
        for (size_t i = 0; i < s->n; i++) {
                if (!streq(s->voice[i].name, source))
                        continue;
                if (!voice_report(&s->voice[i]))
                        return refuse(why, "The agent of %s is not heard (%s), so whether %s can go on from there cannot be told.", source, str_or(s->voice[i].why, "not tried yet"), m->name);
                if (s->ds[i].server.health != HEALTH_ONLINE)
                        return refuse(why, "%s is no source to replicate from: %s.", source, s->ds[i].server.text);
                (void) snprintf(ret, NAME_SIZE, "%s", source);
                return 0;
        }
        return refuse(why, "There is no node %.64s.", source);
}

/* Verbs */

/* What is said, and what comes of it. */
typedef struct Op {
        const json_t *args;
        const char *by;
        bool dry;       /* only looked at */
        Method method;  /* of a copy that is to be made */
        char text[512]; /* what was done: a sentence */
        uint64_t job;   /* that was begun for it, 0 for none */
        char why[REFUSAL_SIZE]; /* it was refused */
} Op;

typedef struct Verb {
        const char *name;
        int (*run)(Manager *m, Op *op); /* 0, or refused */
        bool galera; /* it is for nodes of Galera's too */
        bool data;   /* of the node are replaced by it, or those from before deleted */
} Verb;

static int begin(Manager *m, Op *op, JobKind kind, const char *source, const Names *force) {
        int r;

        if (m->job)
                return refuse(op->why, "A job runs on %s already (%s, number %" PRIu64 "). To follow it: mainstayctl job follow; to end it: mainstayctl job cancel %" PRIu64, m->name, job_kind_to_string(m->job->kind),
                              m->job->id, m->job->id);
        if (op->dry) {
                size_t n = (size_t) snprintf(op->text, sizeof(op->text), "Nothing was done. The steps on %s%s%s would be:", m->name, *source ? ", by " : "", source);

                const Job job = { .kind = kind, .method = op->method };
                const Step *first = replica_job_steps(&job);

                for (const Step *s = first; s->name && n < sizeof(op->text); s++)
                        n += (size_t) snprintf(op->text + n, sizeof(op->text) - n, "%s %s", s == first ? "" : ",", s->name);
                return 0;
        }
        r = jobs_begin(m, kind, source, op->method, op->by, force, &op->job);
        if (r < 0)
                return refuse(op->why, "The job cannot be written down (%s), so it is not begun. Is the disk of %s full, or read-only?", strerror(-r), m->name);
        (void) snprintf(op->text, sizeof(op->text), "The job %" PRIu64 " is begun on %s.", op->job, m->name);
        return 0;
}

static int save_service(Manager *m, Op *op, const Shun *shun, bool offline) {
        Shun before = m->store->shun;
        bool was = m->store->offline;
        int r;

        if (op->dry)
                return 0;
        m->store->shun = *shun;
        m->store->offline = offline;
        r = manager_save(m);
        if (r < 0) {
                m->store->shun = before;
                m->store->offline = was;
                return refuse(op->why, "It cannot be written down (%s), so nothing is changed. Is the disk of %s full, or read-only?", strerror(-r), m->name);
        }
        manager_touch(m);
        return 0;
}

_printf_(3, 4) static int done(Manager *m, Op *op, const char *format, ...) {
        size_t n = op->dry ? (size_t) snprintf(op->text, sizeof(op->text), "Nothing was done. It would be: ") : 0;
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(op->text + n, sizeof(op->text) - n, format, ap);
        va_end(ap);
        if (!op->dry)
                log_event(LOG_NOTICE, MESSAGE_OPERATED, op->text, FIELD_CALLER, op->by, NULL);
        return 0;
}

static int do_shun(Manager *m, Op *op) {
        int64_t seconds = json_integer_value(json_object_get(op->args, "for"));
        char words[SHUN_TEXT_MAX];
        usec_t now = clock_usec(CLOCK_REALTIME);
        Shun shun;
        int r;

        if (seconds < 0 || seconds > (int64_t) 10 * 366 * 86400)
                return refuse(op->why, "A shun lasts a number of seconds, ten years at most, or for ever.");
        if (m->job)
                return refuse(op->why, "A job runs on %s (%s). To end it: mainstayctl job cancel %" PRIu64, m->name, job_kind_to_string(m->job->kind), m->job->id);
        r = shun_new(text_of(op->args, "reason"), str_or(text_of(op->args, "owner"), op->by), now, seconds > 0 ? now + (usec_t) seconds * USEC_PER_SEC : 0, &shun);
        if (r < 0)
                return refuse(op->why, "That is no shun: %s.", strerror(-r));
        r = save_service(m, op, &shun, m->store->offline);
        return r < 0 ? r : done(m, op, "%s is SHUNNED now: %s.", m->name, shun_text(&shun, words));
}

static int do_offline(Manager *m, Op *op) {
        int r;

        if (m->store->shun.set)
                return refuse(op->why, "%s is SHUNNED already, which is more than OFFLINE.", m->name);
        r = save_service(m, op, &m->store->shun, true);
        return r < 0 ? r : done(m, op, "%s is OFFLINE now.", m->name);
}

static int refuse_server(Manager *m, Op *op, const Datasource *own) {
        return refuse(op->why, "The server of %s cannot be connected to: %s.%s%s", m->name, own->server.text, m->main_pid == 0 ? " To start it: systemctl start " : "", m->main_pid == 0 ? m->config->unit : "");
}

static int do_online(Manager *m, Op *op) {
        Datasource own;
        int r;

        if (!m->asynchronous) {
                r = save_service(m, op, &(Shun) {0}, false);
                return r < 0 ? r : done(m, op, "Nothing keeps %s out of service any more.", m->name);
        }
        replica_judge(m, &own);
        if (own.state == DATASOURCE_ONLINE)
                return refuse(op->why, "%s is ONLINE already.", m->name);
        if (own.role == ROLE_PRIMARY && own.writable) {
                r = save_service(m, op, &(Shun) {0}, false);
                return r < 0 ? r : done(m, op, "%s is ONLINE now, as the primary.", m->name);
        }
        if (own.server.health != HEALTH_ONLINE)
                return refuse_server(m, op, &own);
        if (own.role != ROLE_REPLICA)
                return refuse(op->why, "%s is no replica of anybody: %s. To make it one: mainstayctl repoint %s", m->name, str_or(own.replicator.text, "it is told to replicate from nobody"), m->name);
        return begin(m, op, JOB_ONLINE, "", NULL);
}

static int do_drain(Manager *m, Op *op) {
        return begin(m, op, JOB_DRAIN, "", NULL);
}

static int force_of(const Op *op, Names *ret) {
        return take_names(op->args, "force", ret) < 0 ? refuse((char *) op->why, "These are no names of checks.") : 0;
}

static int begin_from(Manager *m, Op *op, JobKind kind, const char *named) {
        char source[NAME_SIZE];
        Datasource own;
        Names force;
        int r;

        r = force_of(op, &force);
        if (r >= 0)
                r = find_source(m, named, &force, source, op->why);
        if (r < 0)
                return r;
        replica_judge(m, &own);
        if (own.server.health != HEALTH_ONLINE)
                return refuse_server(m, op, &own);
        return begin(m, op, kind, source, &force);
}

static int do_recover(Manager *m, Op *op) {
        Datasource own;

        if (!m->asynchronous) {
                if (!m->store->shun.set && !m->store->offline)
                        return refuse(op->why, "The datasource '%s' is not FAILED or SHUNNED and cannot be recovered.", m->name);
                return do_online(m, op);
        }
        replica_judge(m, &own);
        if (own.state != DATASOURCE_FAILED && own.state != DATASOURCE_SHUNNED)
                return refuse(op->why, "The datasource '%s' is not FAILED or SHUNNED and cannot be recovered. It is %s%s%s%s%s.", m->name, datasource_state_to_string(own.state), own.reason[0] ? ": " : "", own.reason,
                              own.state != DATASOURCE_OFFLINE || m->store->offline ? "" : m->main_pid == 0 ? "; to start it: systemctl start " : "; to bring it back: mainstayctl online ",
                              own.state != DATASOURCE_OFFLINE || m->store->offline ? "" : m->main_pid == 0 ? m->config->unit : m->name);
        return begin_from(m, op, JOB_RECOVER, "");
}

static int do_repoint(Manager *m, Op *op) {
        return begin_from(m, op, JOB_REPOINT, text_of(op->args, "primary"));
}

static int do_replicator(Manager *m, Op *op) {
        const char *what = text_of(op->args, "what");

        if (streq(what, "offline"))
                return begin(m, op, JOB_REPLICATOR_OFFLINE, "", NULL);
        if (streq(what, "online"))
                return begin(m, op, JOB_REPLICATOR_ONLINE, "", NULL);
        if (!streq(what, "replica"))
                return refuse(op->why, "A replicator is set offline, online or replica.");
        return begin_from(m, op, JOB_REPLICATOR_REPLICA, text_of(op->args, "primary"));
}

/* Of whose data a copy is taken: who is named, else a replica in service, which costs
 * the primary nothing, else the primary. */
static int find_copy(Manager *m, const char *named, const Names *force, char ret[static NAME_SIZE], char why[static REFUSAL_SIZE]) {
        _cleanup_free_ Service *s = service_now(m);
        const char *problem = NULL;
        size_t best = 0;

        if (!s)
                return -ENOMEM;
        if (streq(named, m->name))
                return refuse(why, "%s cannot be a copy of itself.", m->name);
        if (s->primary.verdict != PRIMARY_ONE && !(*named && names_contain(force, "primary")))
                return refuse(why, "%s is not changed, for there has to be exactly one active primary. %s%s", m->name, s->primary.text,
                              *named ? " If you know that the data of that node are the right ones, say: --force=primary" : "");
        /* One that was the primary, and that a person has shunned since, is none. */
        if ((s->ds[0].role == ROLE_PRIMARY && s->ds[0].state != DATASOURCE_SHUNNED) || names_contain(&s->primary.who, m->name))
                return refuse(why, "%s is the primary: its data are not replaced. If it only was, shun it first: mainstayctl shun %s", m->name, m->name);
        for (size_t i = 1; i < s->n; i++) {
                const Report *r = voice_report(&s->voice[i]);
                bool good = r && r->replication && s->ds[i].state == DATASOURCE_ONLINE;

                if (*named ? !streq(s->voice[i].name, named) : !good)
                        continue;
                if (best == 0 || (s->ds[best].role == ROLE_PRIMARY && s->ds[i].role == ROLE_REPLICA))
                        best = i;
                problem = !r || !r->replication ? "its agent is not heard" : s->ds[i].state != DATASOURCE_ONLINE ? "it is not ONLINE" : NULL;
        }
        if (best == 0)
                return *named ? refuse(why, "There is no node %.64s.", named) : refuse(why, "No node is ONLINE that a copy could be taken of. See: mainstayctl status");
        if (*named && problem)
                return refuse(why, "No copy is taken of %.64s, for %s. See: mainstayctl status", named, problem);
        if (voice_report(&s->voice[best])->replication->n_channels > 1 || (m->replication && m->replication->n_channels > 1))
                return refuse(why, "%.64s or %s replicates from more than one source, and a copy would follow only one of them.", s->voice[best].name, m->name);
        if (m->replication) {
                const Replication *other = voice_report(&s->voice[best])->replication;
                bool same = other->flavour == m->replication->flavour && strspn(other->version, "0123456789") > 0;
                size_t n = strcspn(other->version, ".");

                n += other->version[n] == '.' ? 1 + strcspn(other->version + n + 1, ".") : 0;
                if (!same || strncmp(other->version, m->replication->version, n) != 0)
                        return refuse(why, "A copy of the data of %.64s is no good here: its server is %.64s, and that of %s is %.64s.", s->voice[best].name, other->version, m->name, m->replication->version);
        }
        (void) snprintf(ret, NAME_SIZE, "%s", s->voice[best].name);
        return 0;
}

/* As the person said, else as the makers of the servers mean it to be. */
static int choose_method(Manager *m, const char *named, const char *source, Method *ret, char why[static REFUSAL_SIZE]) {
        const Report *r = replica_report_of(m, source);
        bool mysql = r && r->replication && r->replication->flavour == FLAVOUR_MYSQL;

        *ret = *named ? method_from_string(named) : mysql ? METHOD_CLONE : METHOD_MARIADB_BACKUP;
        if (*ret == METHOD_CLONE && !mysql)
                return refuse(why, "MariaDB cannot clone: the method is mariadb-backup, or dump.");
        if (*ret == METHOD_MARIADB_BACKUP && mysql)
                return refuse(why, "mariadb-backup is for MariaDB: the method is clone, or dump.");
        /* The server copies the other's data itself. */
        if (*ret == METHOD_CLONE && (m->main_pid == 0 || !m->replication || !m->replication->answers))
                return refuse(why, "The server of %s does not answer, and a clone is made by it. Start it, or say: --method=dump", m->name);
        return 0;
}

/* By Galera's own way: its data are set aside, and it takes a full copy (SST). */
static int provision_galera(Manager *m, Op *op) {
        const char *what = text_of(op->args, "what"), *method = text_of(op->args, "method"), *donor = text_of(op->args, "source");
        Voice voices[NAMES_MAX];
        char why[512] = "";
        Names force;
        int r;

        if (*what)
                return refuse(op->why, "%s is a node of a Galera cluster, of which nothing is to be committed or rolled back: its data from before are in %s.mainstay-DATE, until somebody removes them.", m->name, m->config->datadir);
        if (*method && !streq(method, "sst"))
                return refuse(op->why, "%s is a node of a Galera cluster: its method is sst.", m->name);
        r = force_of(op, &force);
        if (r < 0)
                return r;
        if (*donor && joining_refuses_donor(voices, manager_voices(m, m->report, voices), m->name, donor, why))
                return refuse(op->why, "%s", why);
        r = recover_afresh(m, donor, names_contain(&force, "space"), op->dry, why);
        if (r < 0)
                return refuse(op->why, "%s", why);
        return done(m, op, "The data of %s are set aside; then it takes a full copy (SST)%s%s. To follow it: mainstayctl status --watch", m->name, *donor ? " of " : "", donor);
}

static int do_provision(Manager *m, Op *op) {
        const char *what = text_of(op->args, "what"), *method = text_of(op->args, "method");
        char source[NAME_SIZE];
        Datasource own;
        Names force;
        int r;

        if (!m->asynchronous)
                return provision_galera(m, op);
        if (streq(what, "commit"))
                return begin(m, op, JOB_PROVISION_COMMIT, "", NULL);
        if (streq(what, "rollback")) {
                r = force_of(op, &force);
                if (r < 0)
                        return r;
                replica_judge(m, &own);
                if (own.server.health != HEALTH_ONLINE && !names_contain(&force, "primary"))
                        return refuse(op->why, "The server of %s does not answer (%s), so whether it was made the primary since cannot be told: then what was committed here would be lost. If it was not, say: --force=primary", m->name, own.server.text);
                if (own.role == ROLE_PRIMARY && own.writable)
                        return refuse(op->why, "%s is the primary: what was committed here since would be lost. It is not rolled back.", m->name);
                return begin(m, op, JOB_PROVISION_ROLLBACK, "", NULL);
        }
        if (streq(method, "sst"))
                return refuse(op->why, "An SST is for nodes of a Galera cluster, and %s is none. The methods are mariadb-backup, clone and dump.", m->name);
        if (*method && method_from_string(method) <= METHOD_NONE)
                return refuse(op->why, "There is no method \"%.64s\": they are mariadb-backup (MariaDB), clone (MySQL) and dump.", method);
        r = force_of(op, &force);
        if (r >= 0)
                r = find_copy(m, text_of(op->args, "source"), &force, source, op->why);
        if (r >= 0)
                r = choose_method(m, method, source, &op->method, op->why);
        return r < 0 ? r : begin(m, op, JOB_PROVISION, source, &force);
}

static const Verb verbs[] = {
        { "shun", do_shun, true, false },       { "online", do_online, true, false },    { "offline", do_offline, true, false },
        { "drain", do_drain, true, false },     { "recover", do_recover, true, false },  { "repoint", do_repoint, false, false },
        { "replicator", do_replicator, false, false }, { "provision", do_provision, true, true },
};

static int run(Manager *m, const char *verb, Op *op, char **ret) {
        int r = refuse(op->why, "There is no verb \"%.64s\".", verb);
        json_t *o;

        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (streq(verbs[i].name, verb))
                        r = verbs[i].galera || m->asynchronous ? verbs[i].run(m, op) : refuse(op->why, "%s is a node of a Galera cluster, and \"%s\" is for servers that replicate without it.", m->name, verb);
        if (r < 0)
                return r;
        o = json_pack("{s:s, s:s}", "node", m->name, "text", op->text);
        if (o && op->job > 0)
                (void) json_object_set_new(o, "job", json_integer((json_int_t) op->job));
        *ret = o ? json_dumps(o, JSON_COMPACT) : NULL;
        json_decref(o);
        return *ret ? 0 : -ENOMEM;
}

static int run_here(Manager *m, sd_bus_message *call, const char *verb, const char *arguments, const char *by) {
        json_error_t e;
        json_t *args = json_loads(*arguments ? arguments : "{}", JSON_REJECT_DUPLICATES, &e);
        Op op = { .args = args, .by = by, .dry = json_is_true(json_object_get(args, "dry_run")) };
        _cleanup_free_ char *result = NULL;
        int r;

        r = json_is_object(args) ? run(m, verb, &op, &result) : refuse(op.why, "What is said of it is no JSON object.");
        json_decref(args);
        if (r == -EPERM)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "%s", op.why);
        return r < 0 ? r : sd_bus_reply_method_return(call, "s", result);
}

bool operate_replaces_data(const char *verb) {
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (streq(verbs[i].name, verb))
                        return verbs[i].data;
        return false;
}

int operate(Manager *m, sd_bus_message *call, const char *node, const char *verb, const char *arguments, const char *by) {
        if (!*node || streq(node, m->name))
                return run_here(m, call, verb, arguments, by);
        return forward_verb(m, call, node, verb, arguments, by);
}

/* By itself */

static void end_shun(Manager *m) {
        usec_t now = clock_usec(CLOCK_REALTIME);
        Op op = {0};

        if (!m->store->shun.set || m->store->shun.until == 0)
                return;
        if (!shun_is_over(&m->store->shun, now)) {
                /* By the clock on the wall, which may be put forward. */
                usec_t left = m->store->shun.until - now;

                manager_wake(m, manager_now(m) + (left < 60 * USEC_PER_SEC ? left : 60 * USEC_PER_SEC));
                return;
        }
        if (save_service(m, &op, &(Shun) {0}, m->store->offline) >= 0)
                log_event(LOG_NOTICE, MESSAGE_SHUN_ENDED, "The time for which this node was shunned is over.", NULL);
}

/* Under the policy automatic a replica that has failed is recovered, where that
 * is safe: the same job as a person's, which ends before it has touched anything
 * where it is not. */
static void mend(Manager *m) {
        const Names none = {0};
        char source[NAME_SIZE], why[REFUSAL_SIZE];
        Datasource own;
        uint64_t id;
        usec_t pause;

        if (!policies_automatic(m) || m->job || m->store->shun.set || m->store->offline || !m->report) {
                m->mend_after = 0;
                return;
        }
        replica_judge(m, &own);
        if (own.state != DATASOURCE_FAILED || own.role != ROLE_REPLICA || own.server.health != HEALTH_ONLINE) {
                m->mend_after = 0;
                if (own.state == DATASOURCE_ONLINE)
                        m->mend_failures = 0;
                return;
        }
        if (m->mend_after == 0) {
                pause = MEND_FIRST << (m->mend_failures < 6 ? m->mend_failures : 6);
                m->mend_after = manager_now(m) + (pause < MEND_MAX ? pause : MEND_MAX);
        }
        if (manager_now(m) < m->mend_after) {
                manager_wake(m, m->mend_after);
                return;
        }
        m->mend_after = 0;
        m->mend_failures++;
        if (find_source(m, "", &none, source, why) >= 0)
                (void) jobs_begin(m, JOB_RECOVER, source, METHOD_NONE, "the policy", NULL, &id);
}

void operators_drive(Manager *m) {
        end_shun(m);
        if (m->asynchronous)
                mend(m);
}
