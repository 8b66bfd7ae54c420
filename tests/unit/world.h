/* Several agents on one machine: the real mainstayd, one a node, each with a bus,
 * a state and a datadir of its own, reaching the others over unix:path=. What is
 * played is systemd, the gate's call and wsrep-recover. */
#pragma once

#define LOOP_DEADLINE (10 * USEC_PER_SEC)

#include "adapter/record.h"
#include "adapter/recovery-store.h"
#include "base/uuid.h"
#include "domain/about.h"
#include "domain/claim.h"
#include "played-systemd.h"

#include <jansson.h>

#ifndef NODES
#define NODES 3
#define NODES_MAX NODES
#endif
#define CLUSTER "220dcdcb-1629-11e4-add3-aec059ad3734"
#define UUID_1 "0a000000-1111-11e4-0001-000000000001"
#define UUID_2 "0a000000-1111-11e4-0001-000000000002"
#define UUID_3 "0a000000-1111-11e4-0001-000000000003"
#define SERVER "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,db2,db3"
#define MEMBERS UUID_1 "/db1/192.0.2.1," UUID_2 "/db2/192.0.2.2," UUID_3 "/db3/192.0.2.3"

static const char *program;

/* One who waits for mysqld to start. */
typedef struct Entry {
        sd_bus_slot *call;
        bool answered;
        char verdict[16], text[512];
} Entry;

typedef struct Node {
        char name[8], *dir, *data, *state, *run, *server;
        int64_t seqno;
        PrivateBus daemon;
        Systemd systemd;
        sd_bus *bus;
        pid_t agent; /* 0: it does not run */
        const char *libexec; /* where its helpers are, NULL: as they are built */
        Entry entry;
} Node;

typedef struct World {
        char *dir;
        sd_event *event;
        Node node[NODES_MAX];
} World;

/* Files */

static inline char *make_dir(const char *in, const char *name) {
        char *path;

        assert_true(asprintf(&path, "%s/%s", in, name) > 0);
        assert_int_equal(mkdir(path, 0755), 0);
        return path;
}

/* NULL where there is none; free it. */
static inline char *file_get(const char *dir, const char *name) {
        _cleanup_free_ char *path = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        char *text = NULL;
        size_t size = 0;

        assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
        f = fopen(path, "re");
        if (!f || getdelim(&text, &size, 0, f) < 0) {
                free(text);
                return NULL;
        }
        return text;
}

static inline usec_t real_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / 1000;
}

static inline Position position_at(int64_t seqno) {
        Position p = { .seqno = seqno };

        assert_int_equal(uuid_parse(CLUSTER, strlen(CLUSTER), &p.uuid), 0);
        return p;
}

static inline void put_grastate(const Node *n) {
        _cleanup_free_ char *grastate = NULL;

        assert_true(asprintf(&grastate, "# GALERA saved state\nversion: 2.1\nuuid:    " CLUSTER "\nseqno:   %lld\nsafe_to_bootstrap: 0\n", (long long) n->seqno) > 0);
        file_put(n->data, "grastate.dat", grastate, 0644);
}

/* MEMBERS, of as many as there are; free it. */
static inline char *members_text(void) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        for (unsigned i = 1; i <= NODES; i++)
                assert_true(fprintf(f, "%s0a000000-1111-11e4-%04x-%012x/db%u/192.0.2.%u", i == 1 ? "" : ",", i, i, i, i) > 0);
        assert_int_equal(fclose(f), 0);
        return text;
}

/* What a graceful stop leaves, of a node that was in a view of all. */
static inline void put_data(const Node *n) {
        _cleanup_free_ char *start = NULL, *view = NULL, *end = NULL, *record = NULL, *members = members_text();
        Position opened = position_at(5);

        put_grastate(n);
        assert_true(viewlog_format_start(1, real_usec(), NULL, &opened, &start) >= 0);
        assert_true(viewlog_format_view(real_usec(), &opened.uuid, true, atoi(n->name + 2) - 1, members, &view) >= 0);
        assert_true(viewlog_format_status(real_usec(), "disconnected", &end) >= 0);
        assert_true(asprintf(&record, "%s%s%s", start, view, end) > 0);
        file_put(n->server, RECORD_NAME, record, 0644);
}

/* What the server would be started with, as it says itself. */
static inline void put_server(const Node *n, const char *options) {
        _cleanup_free_ char *server = NULL;

        assert_true(asprintf(&server,
                             "#!/bin/sh\n[ \"$1\" = --version ] && { echo x >>%s/asked; echo 'mysqld  Ver 10.11.19-MariaDB for x'; exit; }\necho would have been started with:\n"
                             "echo '%s --socket=%s/none.sock'\n", n->dir, options, n->dir) > 0);
        file_put(n->dir, "mysqld", server, 0755);
}

static inline void put_conf(const Node *n, const char *peers) {
        _cleanup_free_ char *text = NULL;

        assert_true(asprintf(&text,
                             "[node]\nname = %s\ndatadir = %s\nserver = %s/mysqld\nunit = " ID "\ndonor = db2\n"
                             "[agent]\nboot_wait = 0\n"
                             "[peers]\n%s", n->name, n->data, n->dir, peers) > 0);
        file_put(n->dir, "mainstay.conf", text, 0644);
}

static inline void put_config(const World *w, const Node *n) {
        _cleanup_free_ char *peers = NULL;
        size_t size;
        FILE *f = open_memstream(&peers, &size);

        put_server(n, SERVER);
        assert_non_null(f);
        for (size_t i = 0; i < NODES; i++)
                assert_true(fprintf(f, "db%zu = %s\n", i + 1, w->node[i].daemon.address) > 0);
        assert_int_equal(fclose(f), 0);
        put_conf(n, peers);
}

/* wsrep-recover finds the seqno of the data, whatever they have been through. */
static inline void recover(void *userdata) {
        Node *n = userdata;
        _cleanup_close_ int data = open(n->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC), server = open(n->server, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Recovery r = { .outcome = RECOVERY_POSITION, .position = position_at(n->seqno), .time = real_usec(), .text = "recovered" };

        assert_int_equal(uuid_random(&r.boot), 0);
        assert_int_equal(stamp_take(data, &r.stamp), 0);
        assert_true(record_section(server, &r.section) >= 0);
        assert_true(recovery_write(server, &r) >= 0);
        manager_signal(&n->systemd, "JobRemoved", "uoss", 9, OTHER_JOB_PATH, "mainstay-recover.service", "done");
}

/* The agent */

static inline void agent_start(Node *n) {
        _cleanup_free_ char *config = NULL, *log = NULL;
        char libexec[4096];

        assert_true(asprintf(&config, "%s/mainstay.conf", n->dir) > 0);
        assert_true(asprintf(&log, "%s/log", n->dir) > 0);
        assert_non_null(getcwd(libexec, sizeof(libexec)));
        n->agent = fork();
        assert_true(n->agent >= 0);
        if (n->agent == 0) {
                int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644), null = open("/dev/null", O_RDONLY);

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) dup2(null, STDIN_FILENO);
                (void) dup2(fd, STDOUT_FILENO);
                (void) dup2(fd, STDERR_FILENO);
                (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", n->daemon.address, 1);
                (void) setenv("STATE_DIRECTORY", n->state, 1);
                (void) setenv("RUNTIME_DIRECTORY", n->run, 1);
                (void) setenv("MAINSTAY_SERVER_DIR", n->server, 1);
                (void) setenv("MAINSTAY_LIBEXEC_DIR", str_or(n->libexec, libexec), 1);
                (void) unsetenv("JOURNAL_STREAM");
                (void) unsetenv("NOTIFY_SOCKET");
                (void) unsetenv("WATCHDOG_USEC");
                (void) execl(program, "mainstayd", "--config", config, NULL);
                _exit(127);
        }
}

/* As a power cut would. */
static inline void agent_kill(Node *n) {
        if (n->agent <= 0)
                return;
        (void) kill(n->agent, SIGKILL);
        (void) waitpid(n->agent, NULL, 0);
        n->agent = 0;
}

/* A property that is a text; "" where there is no agent. */
static inline const char *property(Node *n, const char *name) {
        static char text[64 * 1024];
        char *value = NULL;

        text[0] = 0;
        if (n->agent > 0 && sd_bus_get_property_string(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", name, NULL, &value) >= 0)
                (void) snprintf(text, sizeof(text), "%s", value);
        free(value);
        return text;
}

static inline bool plan_is(Node *n, const char *action, const char *key, const char *want) {
        json_t *plan = json_loads(property(n, "Plan"), 0, NULL), *value;
        const char *is;
        bool same;

        is = json_string_value(json_object_get(plan, "action"));
        same = is && streq(is, action);
        value = json_object_get(plan, key);
        if (json_is_array(value))
                same = same && json_array_size(value) == 1 && streq(json_string_value(json_array_get(value, 0)), want);
        else
                same = same && json_is_string(value) && streq(json_string_value(value), want);
        json_decref(plan);
        return same;
}

/* What an agent has on its disk, "" for what it has not. */
typedef struct Promise {
        char grant[64], claim[64], claim_state[16]; /* ids */
} Promise;

static inline Promise promised(const Node *n) {
        _cleanup_free_ char *text = file_get(n->state, "state.json");
        json_t *o = text ? json_loads(text, 0, NULL) : NULL, *claim, *c;
        const char *nested;
        Promise p = {0};

        assert_non_null(o); /* whole at any moment */
        claim = json_object_get(o, "claim");
        nested = json_string_value(json_object_get(claim, "claim"));
        c = nested ? json_loads(nested, 0, NULL) : NULL;
        assert_true(!claim || c);
        (void) snprintf(p.claim, sizeof(p.claim), "%s", str_or(json_string_value(json_object_get(c, "id")), ""));
        (void) snprintf(p.claim_state, sizeof(p.claim_state), "%s", str_or(json_string_value(json_object_get(claim, "state")), ""));
        (void) snprintf(p.grant, sizeof(p.grant), "%s", str_or(json_string_value(json_object_get(json_object_get(o, "grant"), "id")), ""));
        json_decref(c);
        json_decref(o);
        return p;
}

static inline bool granted(const Node *n, const char *id) {
        return streq(promised(n).grant, id);
}

/* The gate */

static inline int entry_answered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Entry *e = userdata;
        const sd_bus_error *failure = sd_bus_message_get_error(m);
        const char *verdict = "error", *text = failure ? failure->name : "", *at;

        if (!failure)
                assert_true(sd_bus_message_read(m, "sss", &verdict, &text, &at) >= 0);
        (void) snprintf(e->verdict, sizeof(e->verdict), "%s", verdict);
        (void) snprintf(e->text, sizeof(e->text), "%s", text);
        e->answered = true;
        return 0;
}

/* mysqld's unit is being started, and has come to the gate; `flag` NULL, or what
 * its environment asks for. */
static inline void enter_with(Node *n, const char *flag) {
        systemd_says(&n->systemd, "activating", "start-pre", 0);
        n->entry.call = sd_bus_slot_unref(n->entry.call);
        n->entry = (Entry) {0};
        assert_true(sd_bus_call_method_async(n->bus, &n->entry.call, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Gate", "Enter",
                                             entry_answered, &n->entry, "sas", "00112233445566778899aabbccddeeff", flag ? 1 : 0, flag) >= 0);
}

static inline void enter(Node *n) {
        enter_with(n, NULL);
}

/* What the gate does before it leaves. */
static inline void pass(Node *n) {
        _cleanup_close_ int fd = open(n->server, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Position at = position_at(n->seqno);
        uint64_t section;

        assert_true(record_open_section(fd, real_usec(), "00112233445566778899aabbccddeeff", &at, &section) >= 0);
}

/* polkit, played: whoever runs the tests may do everything. */
static inline int polkit_called(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        if (!streq(sd_bus_message_get_member(m), "CheckAuthorization"))
                return 0;
        return sd_bus_reply_method_return(m, "(bba{ss})", true, false, 0);
}

static inline void polkit_come(sd_bus *bus) {
        assert_true(sd_bus_add_object(bus, NULL, "/org/freedesktop/PolicyKit1/Authority", polkit_called, NULL) >= 0);
        assert_true(sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0) >= 0);
}

/* Every signal wakes the loop: there is something to look at anew. */
static inline int woken(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return 0;
}

static inline void node_start(World *w, Node *n) {
        static const int64_t seqnos[] = { 20, 30, 25 };
        size_t i = (size_t) (n - w->node);

        (void) snprintf(n->name, sizeof(n->name), "db%zu", i + 1);
        n->seqno = i < ELEMENTS(seqnos) ? seqnos[i] : 20;
        n->dir = make_dir(w->dir, n->name);
        n->data = make_dir(n->dir, "data");
        n->state = make_dir(n->dir, "state");
        n->run = make_dir(n->dir, "run");
        n->server = make_dir(n->dir, "server");
        if (!private_bus_start(&n->daemon, n->dir))
                fail_msg("there is no dbus-daemon");
        n->systemd = (Systemd) {
                .unit = { .load = "loaded", .active = "inactive", .sub = "dead", .result = "success", .unit_file_state = "enabled" },
                .loaded = true,
                .other_started = recover,
                .userdata = n,
        };
        systemd_come(&n->systemd, &n->daemon, w->event);
        polkit_come(n->systemd.bus);
        n->bus = private_bus_open(&n->daemon, w->event);
        assert_true(sd_bus_match_signal(n->bus, NULL, NULL, NULL, NULL, NULL, woken, NULL) >= 0);
        put_data(n);
}

static inline void node_end(Node *n) {
        agent_kill(n);
        n->entry.call = sd_bus_slot_unref(n->entry.call);
        n->bus = sd_bus_close_unref(n->bus);
        systemd_go(&n->systemd);
        private_bus_stop(&n->daemon);
        free(n->dir);
        free(n->data);
        free(n->state);
        free(n->run);
        free(n->server);
}

static inline int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        *state = w;
        w->dir = directory_make();
        assert_true(sd_event_new(&w->event) >= 0);
        for (size_t i = 0; i < NODES; i++)
                node_start(w, &w->node[i]);
        for (size_t i = 0; i < NODES; i++)
                put_config(w, &w->node[i]);
        return 0;
}

static inline int teardown(void **state) {
        World *w = *state;

        for (size_t i = 0; i < NODES; i++) {
                Node *n = &w->node[i];
                _cleanup_free_ char *log = NULL;

                agent_kill(n);
                log = file_get(n->dir, "log");
                printf("--- %s\n%s", n->name, str_or(log, "")); /* whole, for whoever looks into a failure */
                node_end(n);
        }
        loop_drain(w->event);
        (void) sd_event_unref(w->event);
        directory_remove(w->dir);
        free(w);
        return 0;
}

static inline bool all_plan(World *w, const char *action, const char *key, const char *want) {
        for (size_t i = 0; i < NODES; i++)
                if (w->node[i].agent > 0 && !plan_is(&w->node[i], action, key, want))
                        return false;
        return true;
}

/* From its way to the gate to its being let through. */
static inline void bootstrap(World *w, Node *n) {
        _cleanup_free_ char *env = NULL;

        LOOP_UNTIL(w->event, n->entry.answered);
        if (!streq(n->entry.verdict, "bootstrap"))
                fail_msg("%s was answered %s: %s", n->name, n->entry.verdict, n->entry.text);
        /* Before the answer: what is used, is used up; and the flag is there for this start. */
        assert_string_equal(promised(n).claim_state, "consumed");
        assert_true(granted(n, promised(n).claim) && !granted(n, ""));
        env = file_get(n->run, "start.env");
        assert_non_null(env);
        assert_non_null(strstr(env, "_WSREP_NEW_CLUSTER=--wsrep-new-cluster\n"));
        assert_non_null(strstr(env, CLUSTER ":30"));
}

/* db2 is wanted, has all grants, and is being started: it comes to the gate next. */
static inline void be_granted(World *w, Node *n, char id[static 64]) {
        agent_start(n);
        LOOP_UNTIL(w->event, *property(n, "Plan"));
        enter(n);
        LOOP_UNTIL(w->event, strstr(property(n, "Waiting"), "db1"));
        systemd_says(&n->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, n->entry.answered || streq(property(n, "Mysqld"), "stopped"));
        for (size_t i = 0; i < NODES; i++)
                if (&w->node[i] != n)
                        agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, n->systemd.starts == 1);
        assert_string_equal(promised(n).claim_state, "granted");
        (void) snprintf(id, 64, "%s", promised(n).claim);
}

static inline bool logged(const Node *n, const char *text) {
        _cleanup_free_ char *log = file_get(n->dir, "log");

        return log && strstr(log, text);
}

/* Long enough for what must not happen. */
static inline void loop_for(sd_event *event, usec_t time) {
        usec_t end = clock_usec() + time;

        while (clock_usec() < end)
                assert_true(sd_event_run(event, 50 * USEC_PER_MSEC) >= 0);
}

/* mysqld is Primary: its notify command has told of `views`, one after the other. */
static inline void serve(Node *n, const char *const *views, size_t n_views) {
        static const char invocation[] = "00112233445566778899aabbccddeeff";
        Position opened = position_at(n->seqno);
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        for (size_t i = 0; i <= n_views + 1; i++) {
                _cleanup_free_ char *line = NULL;

                if (i == 0)
                        assert_true(viewlog_format_start(2, real_usec(), invocation, &opened, &line) >= 0);
                else if (i <= n_views)
                        assert_true(viewlog_format_view(real_usec(), &opened.uuid, true, 0, views[i - 1], &line) >= 0);
                else
                        assert_true(viewlog_format_status(real_usec(), "synced", &line) >= 0);
                fputs(line, f);
        }
        assert_int_equal(fclose(f), 0);
        file_put(n->server, RECORD_NAME, text, 0644);
        systemd_says(&n->systemd, "active", "running", 4711);
}

/* An operator's call, and what came of it. */
typedef struct Answer {
        bool answered, changed;
        char error[64], text[512];
} Answer;

static inline int call_answered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *failure = sd_bus_message_get_error(m);
        Answer *a = userdata;
        int changed = false;

        if (failure) {
                (void) snprintf(a->error, sizeof(a->error), "%s", failure->name);
                (void) snprintf(a->text, sizeof(a->text), "%s", str_or(failure->message, ""));
        } else if (streq(sd_bus_message_get_signature(m, true), "b"))
                assert_true(sd_bus_message_read(m, "b", &changed) >= 0);
        a->changed = changed;
        a->answered = true;
        return 0;
}

/* mysqld has started after pass(), and is Primary with all data of its own. */
static inline void be_primary(Node *n) {
        _cleanup_free_ char *before = file_get(n->server, RECORD_NAME), *view = NULL, *status = NULL, *record = NULL;
        Position at = position_at(n->seqno);

        assert_true(viewlog_format_view(real_usec(), &at.uuid, true, 0, UUID_2 "/db2/192.0.2.2", &view) >= 0);
        assert_true(viewlog_format_status(real_usec(), "synced", &status) >= 0);
        assert_true(asprintf(&record, "%s%s%s", str_or(before, ""), view, status) > 0);
        file_put(n->server, RECORD_NAME, record, 0644);
        systemd_says(&n->systemd, "active", "running", 4242);
}

/* The server of a node without wsrep. */
static inline void put_asynchronous(Node *n) {
        put_server(n, "--server_id=7 --log_bin=binlog");
}

static inline Answer tell(World *w, Node *n, const char *node, const char *verb, const char *arguments) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;

        LOOP_UNTIL(w->event, *property(n, "Report"));
        assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Operate", call_answered, &a, "sss", node, verb, arguments) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

/* To run a test in a world of its own. */
#define world_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* Whether there is no agent to run; says so. */
static inline bool world_missing(void) {
        program = str_or(getenv("MAINSTAY_DAEMON"), "./mainstayd");
        if (access(program, X_OK) >= 0)
                return false;
        puts("mainstayd is not built");
        return true;
}
