/* Several agents on one machine: the real mainstayd, one a node, each with a bus,
 * a state and a datadir of its own, reaching the others over unix:path=. What is
 * played is systemd, the gate's call and wsrep-recover. */
#define LOOP_DEADLINE (10 * USEC_PER_SEC)
#include "config.h"

#include "adapter/record.h"
#include "adapter/recovery-store.h"
#include "base/uuid.h"
#include "domain/about.h"
#include "domain/claim.h"
#include "played-systemd.h"

#include <jansson.h>

#define NODES 3
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
        Node node[NODES];
} World;

/* Files */

static char *make_dir(const char *in, const char *name) {
        char *path;

        assert_true(asprintf(&path, "%s/%s", in, name) > 0);
        assert_int_equal(mkdir(path, 0755), 0);
        return path;
}

/* NULL where there is none; free it. */
static char *file_get(const char *dir, const char *name) {
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

static usec_t real_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (usec_t) t.tv_sec * USEC_PER_SEC + (usec_t) t.tv_nsec / 1000;
}

static Position position_at(int64_t seqno) {
        Position p = { .seqno = seqno };

        assert_int_equal(uuid_parse(CLUSTER, strlen(CLUSTER), &p.uuid), 0);
        return p;
}

static void put_grastate(const Node *n) {
        _cleanup_free_ char *grastate = NULL;

        assert_true(asprintf(&grastate, "# GALERA saved state\nversion: 2.1\nuuid:    " CLUSTER "\nseqno:   %lld\nsafe_to_bootstrap: 0\n", (long long) n->seqno) > 0);
        file_put(n->data, "grastate.dat", grastate, 0644);
}

/* What a graceful stop leaves, of a node that was in a view of all three. */
static void put_data(const Node *n) {
        _cleanup_free_ char *start = NULL, *view = NULL, *end = NULL, *record = NULL;
        Position opened = position_at(5);

        put_grastate(n);
        assert_true(viewlog_format_start(1, real_usec(), NULL, &opened, &start) >= 0);
        assert_true(viewlog_format_view(real_usec(), &opened.uuid, true, n->name[2] - '1', MEMBERS, &view) >= 0);
        assert_true(viewlog_format_status(real_usec(), "disconnected", &end) >= 0);
        assert_true(asprintf(&record, "%s%s%s", start, view, end) > 0);
        file_put(n->server, RECORD_NAME, record, 0644);
}

/* What the server would be started with, as it says itself. */
static void put_server(const Node *n, const char *options) {
        _cleanup_free_ char *server = NULL;

        assert_true(asprintf(&server,
                             "#!/bin/sh\n[ \"$1\" = --version ] && { echo x >>%s/asked; echo 'mysqld  Ver 10.11.19-MariaDB for x'; exit; }\necho would have been started with:\n"
                             "echo '%s --socket=%s/none.sock'\n", n->dir, options, n->dir) > 0);
        file_put(n->dir, "mysqld", server, 0755);
}

static void put_conf(const Node *n, const char *peers) {
        _cleanup_free_ char *text = NULL;

        assert_true(asprintf(&text,
                             "[node]\nname = %s\ndatadir = %s\nserver = %s/mysqld\nunit = " ID "\ndonor = db2\n"
                             "[agent]\nboot_wait = 0\n"
                             "[peers]\n%s", n->name, n->data, n->dir, peers) > 0);
        file_put(n->dir, "mainstay.conf", text, 0644);
}

static void put_config(const World *w, const Node *n) {
        _cleanup_free_ char *peers = NULL;

        put_server(n, SERVER);
        assert_true(asprintf(&peers, "db1 = %s\ndb2 = %s\ndb3 = %s\n", w->node[0].daemon.address, w->node[1].daemon.address, w->node[2].daemon.address) > 0);
        put_conf(n, peers);
}

/* wsrep-recover finds the seqno of the data, whatever they have been through. */
static void recover(void *userdata) {
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

static void agent_start(Node *n) {
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
static void agent_kill(Node *n) {
        if (n->agent <= 0)
                return;
        (void) kill(n->agent, SIGKILL);
        (void) waitpid(n->agent, NULL, 0);
        n->agent = 0;
}

/* A property that is a text; "" where there is no agent. */
static const char *property(Node *n, const char *name) {
        static char text[64 * 1024];
        char *value = NULL;

        text[0] = 0;
        if (n->agent > 0 && sd_bus_get_property_string(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", name, NULL, &value) >= 0)
                (void) snprintf(text, sizeof(text), "%s", value);
        free(value);
        return text;
}

static bool plan_is(Node *n, const char *action, const char *key, const char *want) {
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

static Promise promised(const Node *n) {
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

static bool granted(const Node *n, const char *id) {
        return streq(promised(n).grant, id);
}

/* The gate */

static int entry_answered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
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
static void enter_with(Node *n, const char *flag) {
        systemd_says(&n->systemd, "activating", "start-pre", 0);
        n->entry.call = sd_bus_slot_unref(n->entry.call);
        n->entry = (Entry) {0};
        assert_true(sd_bus_call_method_async(n->bus, &n->entry.call, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Gate", "Enter",
                                             entry_answered, &n->entry, "sas", "00112233445566778899aabbccddeeff", flag ? 1 : 0, flag) >= 0);
}

static void enter(Node *n) {
        enter_with(n, NULL);
}

/* What the gate does before it leaves. */
static void pass(Node *n) {
        _cleanup_close_ int fd = open(n->server, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Position at = position_at(n->seqno);
        uint64_t section;

        assert_true(record_open_section(fd, real_usec(), "00112233445566778899aabbccddeeff", &at, &section) >= 0);
}

/* polkit, played: whoever runs the tests may do everything. */
static int polkit_called(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        if (!streq(sd_bus_message_get_member(m), "CheckAuthorization"))
                return 0;
        return sd_bus_reply_method_return(m, "(bba{ss})", true, false, 0);
}

static void polkit_come(sd_bus *bus) {
        assert_true(sd_bus_add_object(bus, NULL, "/org/freedesktop/PolicyKit1/Authority", polkit_called, NULL) >= 0);
        assert_true(sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0) >= 0);
}

/* Every signal wakes the loop: there is something to look at anew. */
static int woken(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return 0;
}

static void node_start(World *w, Node *n) {
        static const char *const names[NODES] = { "db1", "db2", "db3" };
        static const int64_t seqnos[NODES] = { 20, 30, 25 };
        size_t i = (size_t) (n - w->node);

        (void) snprintf(n->name, sizeof(n->name), "%s", names[i]);
        n->seqno = seqnos[i];
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

static int setup(void **state) {
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

static int teardown(void **state) {
        World *w = *state;

        for (size_t i = 0; i < NODES; i++) {
                Node *n = &w->node[i];
                _cleanup_free_ char *log = NULL;

                agent_kill(n);
                log = file_get(n->dir, "log");
                printf("--- %s\n%s", n->name, str_or(log, "")); /* whole, for whoever looks into a failure */
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
        loop_drain(w->event);
        (void) sd_event_unref(w->event);
        directory_remove(w->dir);
        free(w);
        return 0;
}

static bool all_plan(World *w, const char *action, const char *key, const char *want) {
        for (size_t i = 0; i < NODES; i++)
                if (w->node[i].agent > 0 && !plan_is(&w->node[i], action, key, want))
                        return false;
        return true;
}

/* From its way to the gate to its being let through. */
static void bootstrap(World *w, Node *n) {
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

static void the_highest_leads_and_no_other(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        assert_string_equal(property(db2, "State"), "OFFLINE");

        /* Who is not the one waits, and says for whom. */
        enter(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "db2"));
        assert_false(db1->entry.answered);
        assert_string_equal(promised(db1).claim_state, "");

        enter(db2);
        bootstrap(w, db2);
        assert_true(granted(db1, promised(db2).claim));
        assert_true(granted(db3, promised(db2).claim));
        enter(db3);
        LOOP_UNTIL(w->event, *property(db3, "Waiting"));
        assert_false(db1->entry.answered);
        assert_false(db3->entry.answered);
}

static void a_promise_outlives_the_agent(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        char id[64];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db2);
        bootstrap(w, db2);
        (void) snprintf(id, sizeof(id), "%s", promised(db2).claim);
        pass(db2);

        /* While mysqld may start under it, it stands; but no second start gets the flag. */
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "starting"));
        assert_string_equal(promised(db2).claim_state, "consumed");
        assert_string_equal(promised(db2).claim, id);
        _cleanup_free_ char *env = file_get(db2->run, "start.env");
        assert_null(env);
        enter(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "db2"));
        assert_true(granted(db1, id) && granted(db3, id));
        assert_false(db1->entry.answered);

        /* Who granted may die, too. */
        agent_kill(db3);
        agent_start(db3);
        LOOP_UNTIL(w->event, *property(db3, "Plan"));
        assert_true(granted(db3, id));

        /* It ended before it was Primary: the next start is agreed upon anew. */
        systemd_says(&db2->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, !streq(promised(db2).claim, id));
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        enter(db2);
        bootstrap(w, db2);
        assert_string_not_equal(promised(db2).claim, id);
        (void) snprintf(id, sizeof(id), "%s", promised(db2).claim);
        assert_true(granted(db1, id) && granted(db3, id));
        assert_false(db1->entry.answered);
}

static void one_who_is_absent_may_hold_more(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        enter(db1);
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "db3"));
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "db3"));
        assert_false(db1->entry.answered);
        assert_false(db2->entry.answered);
        assert_string_equal(promised(db1).claim_state, "");
        assert_string_equal(promised(db2).claim_state, "");
        assert_true(granted(db1, "") && granted(db2, ""));

        /* That was all that was lacking. */
        agent_start(db3);
        bootstrap(w, db2);
        assert_false(db1->entry.answered);
}

/* It comes to the gate, and is let through under another claim. */
static void promised_over_again(World *w, Node *n, const char *before) {
        enter(n);
        LOOP_UNTIL(w->event, n->entry.answered);
        assert_string_equal(n->entry.verdict, "bootstrap");
        assert_string_not_equal(promised(n).claim, before);
}

/* db2 is wanted, has all grants, and is being started: it comes to the gate next. */
static void be_granted(World *w, Node *n, char id[static 64]) {
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

static void a_grant_is_for_the_data_as_they_were(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *env = NULL;
        char id[64];

        be_granted(w, db2, id);
        db2->seqno = 31;
        put_data(db2);
        promised_over_again(w, db2, id);
        assert_true(granted(db1, promised(db2).claim) && granted(db3, promised(db2).claim));
        env = file_get(db2->run, "start.env");
        assert_non_null(strstr(str_or(env, ""), CLUSTER ":31"));
}

static bool logged(const Node *n, const char *text) {
        _cleanup_free_ char *log = file_get(n->dir, "log");

        return log && strstr(log, text);
}

/* From now on the agent cannot write its state; until it can again. */
static void disk_spoil(const Node *n) {
        _cleanup_free_ char *file = NULL, *aside = NULL;

        assert_true(asprintf(&file, "%s/state.json", n->state) > 0 && asprintf(&aside, "%s/aside", n->state) > 0);
        assert_int_equal(rename(file, aside), 0);
        assert_int_equal(mkdir(file, 0700), 0); /* which nothing replaces */
}

static void disk_mend(const Node *n) {
        _cleanup_free_ char *file = NULL, *aside = NULL;

        assert_true(asprintf(&file, "%s/state.json", n->state) > 0 && asprintf(&aside, "%s/aside", n->state) > 0);
        assert_int_equal(rmdir(file), 0);
        assert_int_equal(rename(aside, file), 0);
}

static void nobody_hears_of_what_is_not_on_the_disk(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        char id[64];

        be_granted(w, db2, id);
        disk_spoil(db2);

        /* It does not lead any more, and cannot give up its claim. */
        db3->seqno = 40;
        put_data(db3);
        LOOP_UNTIL(w->event, plan_is(db2, "bootstrap", "node", "db3"));
        LOOP_UNTIL(w->event, logged(db2, "cannot be written"));
        LOOP_UNTIL(w->event, strstr(property(db1, "Report"), id));
        assert_non_null(strstr(property(db2, "Report"), id));
        assert_true(granted(db1, id) && granted(db3, id));
        assert_false(logged(db1, "has ended"));

        disk_mend(db2);
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        assert_string_equal(promised(db2).claim_state, "");
}

/* galera_new_cluster was ended before it took its flag out of systemd's environment. */
static void a_flag_left_behind_bars_nobody_who_was_granted(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        char id[64];

        be_granted(w, db2, id);
        enter_with(db2, "new-cluster");
        bootstrap(w, db2);
        assert_string_equal(promised(db2).claim, id);

        enter_with(db1, "new-cluster");
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "refuse");
        assert_non_null(strstr(db1->entry.text, "systemctl unset-environment _WSREP_NEW_CLUSTER"));
}

/* The gate was answered, and did not let mysqld start: nobody has led. */
static void a_bootstrap_that_never_began_is_no_history(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        char id[64];

        be_granted(w, db2, id);
        enter(db2);
        bootstrap(w, db2);
        systemd_says(&db2->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, logged(db2, "was not let start under it after all"));
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        assert_false(logged(db2, "has formed the cluster"));
}

/* What the holder knew is gone with its disk: what was granted to it can be used by
 * nobody any more, and bars nobody. */
static void a_grant_ends_with_the_memory_of_its_holder(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *file = NULL;
        char id[64];

        /* Its epoch is beyond that of an agent that begins anew. */
        agent_start(db2);
        LOOP_UNTIL(w->event, *property(db2, "Plan"));
        agent_kill(db2);
        be_granted(w, db2, id);
        enter(db2);
        bootstrap(w, db2);
        agent_kill(db2);
        assert_true(asprintf(&file, "%s/state.json", db2->state) > 0);
        assert_int_equal(unlink(file), 0);
        systemd_says(&db2->systemd, "failed", "failed", 0);
        agent_start(db2);
        LOOP_UNTIL(w->event, !granted(db1, id) && !granted(db3, id));
        enter(db2);
        LOOP_UNTIL(w->event, db2->entry.answered);
        assert_string_equal(db2->entry.verdict, "bootstrap");
        assert_string_not_equal(promised(db2).claim, id);
}

/* Long enough for what must not happen. */
static void loop_for(sd_event *event, usec_t time) {
        usec_t end = clock_usec() + time;

        while (clock_usec() < end)
                assert_true(sd_event_run(event, 50 * USEC_PER_MSEC) >= 0);
}

/* An error it would take for a dead agent, and start as a joiner. */
static void who_cannot_write_refuses_the_gate(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        disk_spoil(db2);
        enter(db2);
        LOOP_UNTIL(w->event, db2->entry.answered);
        assert_string_equal(db2->entry.verdict, "refuse");
        assert_non_null(strstr(db2->entry.text, "Is the disk full, or read-only?"));
        systemd_says(&db2->systemd, "failed", "failed", 0);

        /* Nobody waits any more: that start is not answered a second time. */
        disk_mend(db2);
        loop_for(w->event, 500 * USEC_PER_MSEC);
        assert_string_equal(promised(db2).claim_state, "");
        enter(db2);
        bootstrap(w, db2);
}

/* mysqld is Primary: its notify command has told of `views`, one after the other. */
static void serve(Node *n, const char *const *views, size_t n_views) {
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

static json_t *history_on_disk(const Node *n) {
        _cleanup_free_ char *text = file_get(n->state, "state.json");
        json_t *o = text ? json_loads(text, 0, NULL) : NULL, *history = json_incref(json_object_get(o, "history"));

        json_decref(o);
        return history;
}

static size_t bootstraps_of(const Node *n) {
        json_t *history = history_on_disk(n);
        size_t size = json_array_size(history);

        json_decref(history);
        return size;
}

/* mysqld was started past the gate, alone. Who is with it learns of it; who went
 * on without it is kept out. */
static void a_bootstrap_past_the_gate_is_written_down(void **state) {
        static const char *const alone[] = { UUID_2 "/db2/192.0.2.2" };
        static const char *const two[] = { UUID_2 "/db2/192.0.2.2", UUID_2 "/db2/192.0.2.2," UUID_3 "/db3/192.0.2.3" };
        static const char *const joined[] = { UUID_2 "/db2/192.0.2.2," UUID_3 "/db3/192.0.2.3" };
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        db1->seqno = 31; /* one more than db2 began with */
        put_data(db1);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        serve(db2, alone, ELEMENTS(alone));
        LOOP_UNTIL(w->event, bootstraps_of(db2) == 1);
        LOOP_UNTIL(w->event, logged(db2, "a bootstrap that Mainstay was not asked for"));
        assert_int_equal(bootstraps_of(db3), 0);

        LOOP_UNTIL(w->event, streq(property(db1, "State"), "SHUNNED"));
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "refuse");
        assert_non_null(strstr(db1->entry.text, "was bootstrapped without it from seqno 30"));

        serve(db2, two, ELEMENTS(two));
        serve(db3, joined, ELEMENTS(joined));
        LOOP_UNTIL(w->event, bootstraps_of(db3) == 1);
        assert_int_equal(bootstraps_of(db2), 1);
        json_t *here = history_on_disk(db2), *there = history_on_disk(db3);
        assert_true(json_equal(here, there));
        json_decref(here);
        json_decref(there);
}

/* The same, while its agent did not run; it has stopped since. */
static void one_that_nobody_saw_is_written_down_later(void **state) {
        static const char *const views[] = { UUID_2 "/db2/192.0.2.2," UUID_3 "/db3/192.0.2.3", UUID_2 "/db2/192.0.2.2" };
        World *w = *state;
        Node *db2 = &w->node[1];
        json_t *history;

        serve(db2, views + 1, 1);
        db2->seqno = 35;
        file_put(db2->data, "grastate.dat", "version: 2.1\nuuid: " CLUSTER "\nseqno: -1\nsafe_to_bootstrap: 0\n", 0644);
        systemd_says(&db2->systemd, "failed", "failed", 0);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, bootstraps_of(db2) == 1);
        history = history_on_disk(db2);
        assert_true(json_is_true(json_object_get(json_array_get(history, 0), "foreign")));
        assert_int_equal(json_integer_value(json_object_get(json_array_get(history, 0), "seqno")), 30); /* where that start began */
        json_decref(history);
}

/* Describe */

static int described(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        About *a = userdata;
        const char *text;

        if (sd_bus_message_is_method_error(m, NULL))
                fail_msg("%s", sd_bus_message_get_error(m)->message);
        assert_true(sd_bus_message_read(m, "s", &text) >= 0);
        assert_int_equal(about_parse(text, a), 0);
        return 0;
}

#define MANY 24

static void what_a_person_compares_is_told(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0];
        About about[MANY] = {};
        size_t with_version;

        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Report"));
        assert_null(file_get(db1->dir, "asked")); /* nobody wanted to know */
        for (size_t round = 0; round < 2; round++) {
                _cleanup_free_ char *asked = NULL;

                /* All at once: everybody is answered, and the binary is asked once. */
                for (size_t i = 0; i < MANY; i++)
                        assert_true(sd_bus_call_method_async(db1->bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Peer", "Describe", described, &about[i], NULL) >= 0);
                for (size_t i = 0; i < MANY; i++)
                        LOOP_UNTIL(w->event, about[i].time > 0);
                with_version = 0;
                for (size_t i = 0; i < MANY; i++) {
                        assert_string_equal(about[i].node, "db1");
                        assert_string_equal(about[i].mainstay, PACKAGE_VERSION);
                        assert_int_equal(about[i].weight, 1);
                        assert_true(about[i].time <= real_usec() && about[i].time > real_usec() - LOOP_DEADLINE);
                        with_version += streq_null(about[i].server, "10.11.19-MariaDB");
                        about_done(&about[i]);
                }
                assert_true(with_version >= (round == 0 ? 16 : MANY));
                asked = file_get(db1->dir, "asked");
                assert_non_null(asked);
                assert_string_equal(asked, "x\n");
        }
}

/* Policies */

/* An operator's call, and what came of it. */
typedef struct Answer {
        bool answered, changed;
        char error[64], text[512];
} Answer;

static int call_answered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
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

static Answer set_policy(World *w, Node *n, const char *policy) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;

        LOOP_UNTIL(w->event, *property(n, "Report"));
        assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "SetPolicy", call_answered, &a, "s", policy) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

static Answer ask_bootstrap(World *w, Node *n, const char *method) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;
        bool join = streq(method, "Join");

        /* Without waiting for the end. */
        if (join)
                assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, &a, "sb", "", false) >= 0);
        else
                assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, &a, "asasb", 0, 0, false) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

/* A person asks, on a connection of its own, and waits. */
static sd_bus *ask_and_wait(World *w, Node *n, const char *method, const char *without, Answer *ret) {
        sd_bus *bus = private_bus_open(&n->daemon, w->event);

        LOOP_UNTIL(w->event, *property(n, "Report"));
        if (streq(method, "Join"))
                assert_true(sd_bus_call_method_async(bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, ret, "sb", "", true) >= 0);
        else
                assert_true(sd_bus_call_method_async(bus, NULL, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", method, call_answered, ret, "asasb", without ? 1 : 0, without, 0, true) >= 0);
        return bus;
}

/* Whoever runs anyway, and has the newest data, leads. */
static void asked_to_join_it_leads_all_the_same(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        Answer a = {0}, b = {0};
        sd_bus *person, *other;

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "db3"));
        person = ask_and_wait(w, db2, "Join", NULL, &a);
        other = ask_and_wait(w, db1, "Join", NULL, &b); /* where nobody wanted mysqld before */
        agent_start(&w->node[2]);
        bootstrap(w, db2);
        assert_false(a.answered || b.answered);

        /* Who does not wait any more is in nobody's way. */
        other = sd_bus_close_unref(other);
        do {
                b = (Answer) {0};
                other = ask_and_wait(w, db1, "Bootstrap", "db9", &b);
                LOOP_UNTIL(w->event, b.answered);
                other = sd_bus_close_unref(other);
        } while (streq(b.error, "org.mainstay1.Error.Busy"));
        assert_non_null(strstr(b.text, "There is no node of this name"));
        person = sd_bus_close_unref(person);
}

/* Whom an operator gave up, was given up for that bootstrap alone. */
static void an_overrule_ends_with_what_it_was_said_for(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        sd_bus *person;
        Answer a = {0};
        char id[64];

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        person = ask_and_wait(w, db2, "Bootstrap", "db3", &a);
        LOOP_UNTIL(w->event, db2->systemd.starts == 1);
        assert_string_equal(promised(db2).claim_state, "granted");
        (void) snprintf(id, sizeof(id), "%s", promised(db2).claim);

        /* The person goes, and what was agreed upon comes to nothing. */
        agent_kill(db2);
        person = sd_bus_close_unref(person);
        agent_start(db2);
        LOOP_UNTIL(w->event, *property(db2, "Plan"));
        db2->seqno = 31;
        put_data(db2);
        enter(db2);
        LOOP_UNTIL(w->event, !streq(promised(db2).claim, id));
        LOOP_UNTIL(w->event, plan_is(db2, "wait", "awaited", "db3"));
        LOOP_UNTIL(w->event, logged(db2, "is not given up any more"));
        assert_false(db2->entry.answered);
        assert_string_equal(promised(db2).claim_state, "");
}

static bool goes_by(Node *n, const char *policy, int64_t version, const char *node) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *name, *where;
        int64_t at;

        if (n->agent == 0 || sd_bus_get_property(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Policy", NULL, &m, "(sxs)") < 0 ||
            sd_bus_message_read(m, "(sxs)", &name, &at, &where) < 0)
                return false;
        return streq(name, policy) && at == version && streq(where, node);
}

static bool all_go_by(World *w, const char *policy, int64_t version, const char *node) {
        for (size_t i = 0; i < NODES; i++)
                if (!goes_by(&w->node[i], policy, version, node))
                        return false;
        return true;
}

static void in_manual_a_person_starts_it(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        Answer a;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_go_by(w, "automatic", 0, ""));
        a = set_policy(w, db1, "mild");
        assert_non_null(strstr(a.text, "automatic, manual or maintenance"));
        a = set_policy(w, db1, "manual");
        assert_string_equal(a.error, "");
        assert_true(a.changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db1"));
        assert_true(logged(db3, "The policy is manual now, set on db1"));
        a = set_policy(w, db3, "manual"); /* as it is already */
        assert_false(a.changed);

        /* It outlives the agents. */
        for (size_t i = 0; i < NODES; i++)
                agent_kill(&w->node[i]);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db1"));

        /* Who is started waits; the plan is made; nobody claims. */
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db1);
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "The policy is manual: a person starts it, on db2, with: systemctl start mainstay-bootstrap"));
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "The policy is manual: a person starts it, with: systemctl start mainstay-bootstrap"));
        assert_true(plan_is(db3, "bootstrap", "policy", "manual"));
        /* To join is not to lead. */
        a = ask_bootstrap(w, db2, "Join");
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, *property(db2, "Waiting"));
        a = ask_bootstrap(w, db1, "Bootstrap");
        assert_non_null(strstr(a.text, "db2 should lead"));
        assert_string_equal(promised(db2).claim_state, "");
        assert_false(logged(db2, "claims the bootstrap"));
        assert_false(db1->entry.answered || db2->entry.answered);

        /* The person need not stay: once it is begun, it is brought to its end. */
        a = ask_bootstrap(w, db2, "Bootstrap");
        assert_string_equal(a.error, "");
        bootstrap(w, db2);
        assert_true(granted(db1, promised(db2).claim));
        assert_false(db1->entry.answered);
}

/* mysqld has started after pass(), and is Primary with all data of its own. */
static void be_primary(Node *n) {
        _cleanup_free_ char *before = file_get(n->server, RECORD_NAME), *view = NULL, *status = NULL, *record = NULL;
        Position at = position_at(n->seqno);

        assert_true(viewlog_format_view(real_usec(), &at.uuid, true, 0, UUID_2 "/db2/192.0.2.2", &view) >= 0);
        assert_true(viewlog_format_status(real_usec(), "synced", &status) >= 0);
        assert_true(asprintf(&record, "%s%s%s", str_or(before, ""), view, status) > 0);
        file_put(n->server, RECORD_NAME, record, 0644);
        systemd_says(&n->systemd, "active", "running", 4242);
}

static void in_manual_what_was_asked_for_is_brought_to_its_end(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        Answer a;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        assert_true(set_policy(w, db2, "manual").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db2"));

        /* A start that came to nothing, and one which the boot could not wait for. */
        enter(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "policy is manual"));
        systemd_says(&db1->systemd, "failed", "failed", 0);
        db3->systemd.state = "starting";
        enter(db3);
        LOOP_UNTIL(w->event, db3->entry.answered);
        assert_string_equal(db3->entry.verdict, "refuse");
        assert_non_null(strstr(db3->entry.text, "Mainstay starts mysqld when there is a cluster to join"));
        systemd_says(&db3->systemd, "failed", "failed", 0);
        agent_kill(db3); /* nor does it forget */
        agent_start(db3);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db2") && all_plan(w, "bootstrap", "node", "db2"));

        a = ask_bootstrap(w, db2, "Bootstrap");
        assert_string_equal(a.error, "");
        enter(db2);
        bootstrap(w, db2);
        pass(db2);
        be_primary(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "primary"));
        LOOP_UNTIL(w->event, plan_is(db1, "join", "node", "db2") && db3->systemd.starts == 1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "a person starts it, with: systemctl start mainstay-join"));
        assert_int_equal(db1->systemd.starts, 0);

        a = ask_bootstrap(w, db1, "Join");
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, db1->systemd.starts == 1);
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
}

static void what_was_begun_by_itself_is_given_up_under_another_policy(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        _cleanup_free_ char *file = NULL;
        json_error_t error;
        char id[64];
        json_t *o;

        be_granted(w, db2, id);
        agent_kill(db2);
        assert_true(asprintf(&file, "%s/state.json", db2->state) > 0);
        o = json_load_file(file, 0, &error);
        assert_non_null(o);
        assert_int_equal(json_object_set_new(o, "policy", json_pack("{s:s, s:i, s:s}", "name", "manual", "version", 9, "node", "db9")), 0);
        assert_int_equal(json_dump_file(o, file, 0), 0);
        json_decref(o);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 9, "db9"));
        LOOP_UNTIL(w->event, streq(promised(db2).claim_state, ""));
        LOOP_UNTIL(w->event, !granted(&w->node[0], id) && !granted(&w->node[2], id));
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "policy is manual"));
        assert_false(db2->entry.answered);
}

static void who_was_away_learns_the_policy(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];

        /* Alone: the first change, as is the others'. */
        agent_start(db3);
        assert_true(set_policy(w, db3, "maintenance").changed);
        agent_kill(db3);
        agent_start(db1);
        agent_start(db2);
        assert_true(set_policy(w, db1, "manual").changed);
        LOOP_UNTIL(w->event, goes_by(db2, "manual", 1, "db1"));
        assert_true(set_policy(w, db2, "automatic").changed);
        LOOP_UNTIL(w->event, goes_by(db1, "automatic", 2, "db2"));
        agent_start(db3);
        LOOP_UNTIL(w->event, all_go_by(w, "automatic", 2, "db2"));
        /* And goes on counting from there. */
        assert_true(set_policy(w, db3, "manual").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 3, "db3"));
}

static void two_policies_at_once_become_one(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db3 = &w->node[2];

        agent_start(db1);
        assert_true(set_policy(w, db1, "manual").changed);
        agent_kill(db1);
        agent_start(db3);
        assert_true(set_policy(w, db3, "maintenance").changed);
        agent_kill(db3);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_go_by(w, "maintenance", 1, "db3"));
}

static void a_policy_is_not_changed_under_a_bootstrap(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db2);
        bootstrap(w, db2);
        assert_true(granted(db1, promised(db2).claim));
        for (size_t i = 0; i < NODES; i++) {
                Answer a;

                /* Each has been asked for its grant, and so has heard of the claim. */
                a = set_policy(w, &w->node[i], "manual");
                assert_string_equal(a.error, "org.mainstay1.Error.Busy");
                assert_non_null(strstr(a.text, "A bootstrap is under way on db2"));
        }
        assert_true(all_go_by(w, "automatic", 0, ""));
        assert_string_equal(promised(db2).claim_state, "consumed");
}

static void in_maintenance_nothing_is_begun(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        Answer a;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        assert_true(set_policy(w, db1, "maintenance").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "maintenance", 1, "db1"));
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        enter(db2);
        LOOP_UNTIL(w->event, strstr(property(db2, "Waiting"), "The policy is maintenance"));
        a = ask_bootstrap(w, db2, "Bootstrap");
        assert_string_equal(a.error, "org.mainstay1.Error.Refused");
        assert_non_null(strstr(a.text, "mainstayctl policy manual"));
        a = ask_bootstrap(w, db1, "Join");
        assert_string_equal(a.error, "org.mainstay1.Error.Refused");
        assert_string_equal(promised(db2).claim_state, "");
        assert_false(db2->entry.answered);

        /* As soon as it is over, all goes on. */
        assert_true(set_policy(w, db1, "automatic").changed);
        bootstrap(w, db2);
}

/* It says nothing of what it goes by, or what it has heard since. */
static Claim *claim_of(World *w, Node *n, bool heard) {
        Claim *c;

        assert_int_equal(claim_new(&c), 0);
        assert_int_equal(uuid_random(&c->id), 0);
        (void) snprintf(c->holder, sizeof(c->holder), "%s", n->name);
        c->position = position_at(n->seqno);
        for (size_t i = 0; i < NODES; i++) {
                char error[256];

                assert_int_equal(names_add(&c->needed, w->node[i].name), 0);
                assert_int_equal(report_parse(property(&w->node[i], "Report"), &c->report[i], error), 0);
                if (!heard)
                        c->report[i]->ruling = (Ruling) {0};
                c->n_reports++;
        }
        return c;
}

static bool claim_on(Node *n, const Claim *c, char ret_text[static 512]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *text = NULL;
        const char *why;
        int yes;

        assert_true(claim_format(c, &text) >= 0);
        assert_true(sd_bus_call_method(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Peer", "Claim", NULL, &m, "s", text) >= 0);
        assert_true(sd_bus_message_read(m, "bs", &yes, &why) >= 0);
        (void) snprintf(ret_text, 512, "%s", why);
        return yes;
}

static void a_claim_that_had_not_heard_of_the_policy_is_not_granted(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        _cleanup_(claim_freep) Claim *before = NULL, *after = NULL;
        char why[512];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        assert_true(set_policy(w, db1, "manual").changed);
        LOOP_UNTIL(w->event, all_go_by(w, "manual", 1, "db1"));
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        before = claim_of(w, db2, false);
        assert_false(claim_on(db1, before, why));
        assert_non_null(strstr(why, "the policy is manual, set on db1, and db2 had not heard of that"));
        assert_true(granted(db1, ""));
        after = claim_of(w, db2, true); /* a person's, then */
        assert_true(claim_on(db1, after, why));
}

/* mysqld is let join, and ends before it has: it is tried again later, which
 * outlives the agent, and is over as soon as it has joined. */
static void who_fails_to_join_rests(void **state) {
        static const char *const alone[] = { UUID_2 "/db2/192.0.2.2" };
        static const char *const joined[] = { UUID_1 "/db1/192.0.2.1," UUID_2 "/db2/192.0.2.2" };
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        _cleanup_free_ char *env = NULL;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        serve(db2, alone, ELEMENTS(alone));
        LOOP_UNTIL(w->event, all_plan(w, "join", "node", "db2"));
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
        env = file_get(db1->run, "start.env");
        assert_non_null(strstr(str_or(env, ""), CLUSTER ":20 --wsrep-sst-donor=db2,\n"));
        /* No server answers the agent there, so nobody knows what it keeps. */
        assert_non_null(strstr(db1->entry.text, "is not known: db2 has not told"));
        pass(db1);
        systemd_says(&db1->systemd, "activating", "start", 4711);
        LOOP_UNTIL(w->event, streq(property(db1, "Mysqld"), "starting"));

        (void) snprintf(db1->systemd.unit.result, sizeof(db1->systemd.unit.result), "exit-code");
        systemd_says(&db1->systemd, "failed", "failed", 0);
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "failed to join 1 time in a row"));
        assert_int_equal(db1->systemd.starts, 0);

        agent_kill(db1);
        agent_start(db1);
        LOOP_UNTIL(w->event, strstr(property(db1, "Report"), "\"join_failures\":1"));
        /* A person need not wait. */
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
        (void) snprintf(db1->systemd.unit.result, sizeof(db1->systemd.unit.result), "success");
        serve(db1, joined, ELEMENTS(joined));
        LOOP_UNTIL(w->event, streq(property(db1, "Mysqld"), "primary"));
        LOOP_UNTIL(w->event, !strstr(property(db1, "Report"), "join_failures"));
}

/* The server of a node without wsrep. */
static void put_asynchronous(Node *n) {
        put_server(n, "--server_id=7 --log_bin=binlog");
}

static bool report_says(Node *n, const char *text) {
        return strstr(property(n, "Report"), text) != NULL;
}

/* Though its datadir is still that of a cluster of three, and nobody is heard. */
static void one_without_galera_waits_for_nobody(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *env = NULL;

        put_asynchronous(db1);
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "State"));
        assert_string_equal(property(db1, "State"), "OFFLINE");
        assert_true(report_says(db1, "\"replication\":{\"answers\":false}"));
        /* For a node of Galera's: not one without data, and none that has been heard. */
        assert_true(report_says(db1, "\"unjudged\":true"));
        assert_false(report_says(db1, "\"position\""));
        enter(db1);
        LOOP_UNTIL(w->event, db1->entry.answered);
        assert_string_equal(db1->entry.verdict, "join");
        env = file_get(db1->run, "start.env");
        assert_non_null(strstr(env, "_WSREP_NEW_CLUSTER=\n"));
        assert_string_equal(promised(db1).claim_state, "");

        /* It has passed, is starting, runs, and does not answer. */
        systemd_says(&db1->systemd, "activating", "start", getpid());
        LOOP_UNTIL(w->event, report_says(db1, "\"mysqld\":\"starting\""));
        assert_string_equal(property(db1, "State"), "OFFLINE");
        systemd_says(&db1->systemd, "active", "running", getpid());
        LOOP_UNTIL(w->event, streq(property(db1, "State"), "FAILED"));
        assert_true(report_says(db1, "\"problem\""));

        assert_true(sd_bus_call_method(db1->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Bootstrap", &error, NULL, "asasb", 0, 0, false) < 0);
        assert_string_equal(error.name, "org.mainstay1.Error.Refused");
        assert_non_null(strstr(error.message, "no node of a Galera cluster"));
        sd_bus_error_free(&error);
}

static Answer tell(World *w, Node *n, const char *node, const char *verb, const char *arguments) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;

        LOOP_UNTIL(w->event, *property(n, "Report"));
        assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Operate", call_answered, &a, "sss", node, verb, arguments) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

/* What is said of a datasource is done by its own agent, and outlives that. */
static void what_a_person_does_to_a_datasource_stays(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        Answer a;

        put_asynchronous(db1);
        put_asynchronous(db2);
        agent_start(db1);
        agent_start(db2);
        do {
                a = tell(w, db1, "db2", "shun", "{\"reason\":\"a broken fan\",\"owner\":\"anna\"}");
        } while (streq(a.error, "org.mainstay1.Error.Unheard") || streq(a.error, "org.mainstay1.Error.NotReady"));
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, streq(property(db2, "State"), "SHUNNED"));
        assert_non_null(strstr(property(db2, "Reason"), "a broken fan"));
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "State"), "SHUNNED"));
        assert_non_null(strstr(property(db2, "Reason"), "anna"));

        /* Only said, not done; refused; not there. */
        a = tell(w, db2, "", "shun", "{\"dry_run\":true,\"for\":5}");
        assert_string_equal(a.error, "");
        assert_non_null(strstr(property(db2, "Reason"), "a broken fan"));
        a = tell(w, db2, "", "offline", "{}");
        assert_non_null(strstr(a.text, "SHUNNED already"));
        a = tell(w, db2, "", "recover", "{}");
        assert_non_null(strstr(a.text, "there has to be exactly one active primary"));
        a = tell(w, db2, "", "frobnicate", "{}");
        assert_non_null(strstr(a.text, "There is no verb"));
        a = tell(w, db2, "", "shun", "[]");
        assert_non_null(strstr(a.text, "no JSON object"));
        a = tell(w, db2, "db9", "shun", "{}");
        assert_non_null(strstr(a.text, "There is no node db9"));
        assert_string_equal(property(db2, "Job"), "");

        /* For a while: it ends by itself. */
        a = tell(w, db2, "db2", "shun", "{\"for\":1}");
        assert_string_equal(a.error, "");
        LOOP_UNTIL(w->event, streq(property(db2, "State"), "OFFLINE"));
        a = tell(w, db2, "", "recover", "{}");
        assert_non_null(strstr(a.text, "The datasource 'db2' is not FAILED or SHUNNED and cannot be recovered. It is OFFLINE"));
}

/* db2 had the newest data of a cluster, and has lost its configuration: the
 * others must not go on without them. */
static void one_that_has_lost_its_galera_is_waited_for(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db3 = &w->node[2];

        put_asynchronous(&w->node[1]);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, strstr(property(db1, "Plan"), "db2") && strstr(property(db3, "Plan"), "db2"));
        enter(db3);
        enter(db1);
        for (int i = 0; i < 20; i++) {
                (void) sd_event_run(w->event, 100 * USEC_PER_MSEC);
                assert_false(strstr(property(db1, "Plan"), "\"bootstrap\"") || strstr(property(db3, "Plan"), "\"bootstrap\""));
                assert_false(db1->entry.answered || db3->entry.answered);
        }
}

static int by_text(const void *a, const void *b) {
        return strcmp(a, b);
}

/* The labels of the peers it has, in order, and how each is known. */
static const char *peers_of(Node *n) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *label, *name, *condition, *why, *report;
        char peer[NODES][128];
        static char text[1024];
        size_t found = 0;

        if (sd_bus_get_property(n->bus, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Peers", NULL, &m, "a(sssss)") < 0)
                return "?";
        assert_true(sd_bus_message_enter_container(m, 'a', "(sssss)") >= 0);
        while (found < NODES && sd_bus_message_read(m, "(sssss)", &label, &name, &condition, &why, &report) > 0)
                (void) snprintf(peer[found++], sizeof(peer[0]), "%s:%s", label, condition);
        qsort(peer, found, sizeof(peer[0]), by_text);
        text[0] = '\0';
        for (size_t i = 0; i < found; i++)
                (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "", peer[i]);
        return text;
}

static Answer reload(World *w, Node *n) {
        Answer a = {0};
        sd_bus_slot *slot = NULL;

        assert_true(sd_bus_call_method_async(n->bus, &slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Reload", call_answered, &a, NULL) >= 0);
        LOOP_UNTIL(w->event, a.answered);
        (void) sd_bus_slot_unref(slot);
        return a;
}

static void a_reload_takes_on_other_peers(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *one = NULL, *two = NULL, *other = NULL, *broken = NULL, *rest = NULL;

        assert_true(asprintf(&one, "db2 = %s\n", db2->daemon.address) > 0);
        assert_true(asprintf(&two, "db1 = %s\ndb2 = %s\ndb3 = %s\n", db1->daemon.address, db2->daemon.address, db3->daemon.address) > 0);
        assert_true(asprintf(&other, "db2 = %s\n", db3->daemon.address) > 0);
        assert_true(asprintf(&broken, "db2 = -no-address-\ndb3 = %s\n", db3->daemon.address) > 0);
        assert_true(asprintf(&rest, "db3 = %s\n[node]\nsocket = /other.sock\nweight = 7\n", db3->daemon.address) > 0);

        put_conf(db1, one);
        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, streq(peers_of(db1), "db2:known"));
        put_conf(db1, two);
        assert_string_equal(reload(w, db1).error, "");
        /* Who was there is not asked anew. */
        assert_int_equal(strncmp(peers_of(db1), "db2:known db3:", 14), 0);
        LOOP_UNTIL(w->event, streq(peers_of(db1), "db2:known db3:known"));
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db2:known db3:known");

        /* Nobody is lost by an address that is none, nor by a file that is wrong. */
        put_conf(db1, broken);
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db2:known db3:known");
        put_conf(db1, "db2 = a b\n");
        assert_string_equal(reload(w, db1).error, "org.mainstay1.Error.Configuration");
        assert_string_equal(peers_of(db1), "db2:known db3:known");

        put_conf(db1, rest);
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db3:known");
        LOOP_UNTIL(w->event, report_says(db1, "\"weight\":7"));
        assert_true(logged(db1, "The socket of this node is to be /other.sock, and stays"));
        assert_false(logged(db1, "The name of") || logged(db1, "The datadir of") || logged(db1, "The account of"));
        LOOP_UNTIL(w->event, strstr(property(db1, "Waiting"), "not among the configured peers"));

        /* The same name at another place is another one. */
        put_conf(db1, other);
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "db2:uncertain");
}

static void a_reload_takes_on_another_cluster_address(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0];

        put_conf(db1, "");
        put_server(db1, "--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,127.0.0.1,a.example.invalid");
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Plan"));
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain");
        put_server(db1, "--wsrep_on=ON --wsrep_cluster_address=gcomm://b.example.invalid,a.example.invalid");
        assert_string_equal(reload(w, db1).error, "");
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain b.example.invalid:uncertain");

        /* How a bootstrap is prepared by hand; and a server that cannot tell. */
        put_server(db1, "--wsrep_on=ON --wsrep_cluster_address=gcomm://");
        assert_string_equal(reload(w, db1).error, "");
        assert_true(logged(db1, "those of before stay"));
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain b.example.invalid:uncertain");
        file_put(db1->dir, "mysqld", "#!/bin/sh\nexit 1\n", 0755);
        assert_string_equal(reload(w, db1).error, "");
        assert_true(logged(db1, "what it was before stands"));
        assert_false(logged(db1, "The datadir of"));
        assert_string_equal(peers_of(db1), "a.example.invalid:uncertain b.example.invalid:uncertain");
}

/* It would wait for that answer for ever, and nobody else could lead. */
static void a_claim_on_one_that_is_no_peer_any_more_is_given_up(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1], *db3 = &w->node[2];
        _cleanup_free_ char *peers = NULL;

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        assert_int_equal(kill(db3->agent, SIGSTOP), 0);
        enter(db2);
        LOOP_UNTIL(w->event, streq(promised(db2).claim_state, "asking"));
        assert_true(asprintf(&peers, "db1 = %s\n", db1->daemon.address) > 0);
        put_conf(db2, peers);
        assert_string_equal(reload(w, db2).error, "");
        LOOP_UNTIL(w->event, streq(promised(db2).claim_state, ""));
        LOOP_UNTIL(w->event, logged(db2, "the peers of this node are other ones now"));
        LOOP_UNTIL(w->event, granted(db1, ""));
        assert_false(db2->entry.answered);
        assert_int_equal(kill(db3->agent, SIGCONT), 0);
}

#define OF_A_START "its last views are of a start with pc.ignore_quorum"

/* A person stops and starts mysqld, which has gone on a little. */
static void begin_again(World *w, Node *n) {
        n->seqno++;
        put_grastate(n);
        systemd_says(&n->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, streq(property(n, "Mysqld"), "stopped"));
        enter(n);
        LOOP_UNTIL(w->event, n->entry.answered);
        assert_string_equal(n->entry.verdict, "bootstrap");
        pass(n);
        be_primary(n);
        LOOP_UNTIL(w->event, streq(property(n, "Mysqld"), "primary"));
}

/* What is put into the server's configuration counts from its next start on, and
 * for what was recorded under it for ever. */
static void an_option_that_comes_later_is_seen(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];

        for (size_t i = 0; i < NODES; i++)
                agent_start(&w->node[i]);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        assert_false(report_says(db2, "view_problem"));
        put_server(db2, SERVER " --wsrep_provider_options=pc.ignore_quorum=1");
        enter(db2);
        bootstrap(w, db2);
        assert_true(report_says(db2, "pc.ignore_quorum in wsrep_provider_options lets any part"));
        pass(db2);
        be_primary(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "primary"));

        /* It is taken out again: that does not change who went on without whom. */
        put_server(db2, SERVER);
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, report_says(db2, OF_A_START));
        begin_again(w, db2);
        LOOP_UNTIL(w->event, !report_says(db2, "view_problem"));

        /* Where the server cannot tell, what it said before stands. */
        put_server(db2, SERVER " --wsrep_provider_options=pc.ignore_quorum=1");
        assert_string_equal(reload(w, db2).error, "");
        LOOP_UNTIL(w->event, report_says(db2, "lets any part"));
        file_put(db2->dir, "mysqld", "#!/bin/sh\nexit 1\n", 0755);
        begin_again(w, db2);
        assert_true(logged(db2, "what it was before stands"));
        assert_true(report_says(db2, "lets any part"));
}

/* Nor is it let start by what its options were before: db2 has its grants, and
 * comes to the gate. */
static void the_gate_waits_for_the_options(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        _cleanup_free_ char *script = NULL;
        char id[64];

        be_granted(w, db2, id);
        assert_true(asprintf(&script, "#!/bin/sh\nwhile [ ! -e %s/go ]; do sleep 0.05; done\necho '" SERVER " --wsrep_provider_options=pc.ignore_sb=1'\n", db2->dir) > 0);
        file_put(db2->dir, "mysqld", script, 0755);
        enter(db2);
        loop_for(w->event, 500 * USEC_PER_MSEC);
        assert_false(db2->entry.answered);
        assert_false(report_says(db2, "pc.ignore_sb")); /* and nothing else waits for it */
        file_put(db2->dir, "go", "", 0644);
        LOOP_UNTIL(w->event, db2->entry.answered);
        assert_true(report_says(db2, "pc.ignore_sb"));
}

/* A server that was told as it runs. */
static void put_probe(Node *n, const char *provider_options) {
        _cleanup_free_ char *script = NULL;

        assert_true(asprintf(&script, "#!/bin/sh\ncat <<END\n{\"wsrep\":true,\"cluster_status\":\"Primary\",\"state\":4,\"local_uuid\":\"" CLUSTER "\",\"last_committed\":%lld,\"provider_options\":\"%s\"}\nEND\n",
                             (long long) n->seqno, provider_options) > 0);
        file_put(n->dir, "mainstay-probe", script, 0755);
        n->libexec = n->dir;
}

static void what_the_running_server_says_counts(void **state) {
        static const char *const together[] = { MEMBERS };
        World *w = *state;
        Node *db2 = &w->node[1];

        put_probe(db2, "pc.ignore_quorum = false; pc.ignore_sb = false; ");
        agent_start(db2);
        serve(db2, together, ELEMENTS(together));
        LOOP_UNTIL(w->event, report_says(db2, "\"source\":\"live\"") && report_says(db2, "\"seqno\":30"));
        assert_false(report_says(db2, "view_problem"));
        agent_kill(db2);

        put_probe(db2, "pc.ignore_quorum = true; pc.ignore_sb = false; ");
        agent_start(db2);
        LOOP_UNTIL(w->event, report_says(db2, OF_A_START));
        assert_true(logged(db2, "The running server has pc.ignore_quorum set"));
        /* It outlives the server, and the agent. */
        put_grastate(db2);
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        agent_kill(db2);
        put_probe(db2, "pc.ignore_quorum = false; pc.ignore_sb = false; ");
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "stopped"));
        LOOP_UNTIL(w->event, report_says(db2, OF_A_START));
}

/* mysqld runs, and has lost the others. */
static void be_non_primary(Node *n) {
        static const char invocation[] = "00112233445566778899aabbccddeeff";
        _cleanup_free_ char *start = NULL, *view = NULL, *lost = NULL, *record = NULL;
        Position opened = position_at(n->seqno);
        int index = n->name[2] - '1';

        assert_true(viewlog_format_start(2, real_usec(), invocation, &opened, &start) >= 0);
        assert_true(viewlog_format_view(real_usec(), &opened.uuid, true, index, MEMBERS, &view) >= 0);
        assert_true(viewlog_format_view(real_usec(), &opened.uuid, false, 0, index == 0 ? UUID_1 "/db1/192.0.2.1" : UUID_2 "/db2/192.0.2.2", &lost) >= 0);
        assert_true(asprintf(&record, "%s%s%s", start, view, lost) > 0);
        file_put(n->server, RECORD_NAME, record, 0644);
        systemd_says(&n->systemd, "active", "running", 4711);
}

/* db1 asks for a bootstrap for which db2 has to be stopped, and db3 is given up. */
static void stand_in_the_way(World *w, Answer *a, sd_bus_slot **slot) {
        Node *db1 = &w->node[0], *db2 = &w->node[1];

        agent_start(db1);
        agent_start(db2);
        be_non_primary(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Mysqld"), "non-primary"));
        LOOP_UNTIL(w->event, *property(db1, "Report"));
        assert_true(sd_bus_call_method_async(db1->bus, slot, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Node", "Bootstrap", call_answered, a, "asasb", 1, "db3", 0, true) >= 0);
        LOOP_UNTIL(w->event, db2->systemd.stops == 1);
}

/* The end of what the agent itself stops is no person's wish, whichever life of
 * the agent sees it. */
static void what_it_stops_is_still_wanted(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        sd_bus_slot *slot = NULL;
        Answer a = {0};

        stand_in_the_way(w, &a, &slot);
        systemd_says(&db2->systemd, "deactivating", "stop-sigterm", 4711);
        agent_kill(&w->node[0]); /* nobody is there to have it stopped a second time */
        agent_kill(db2);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(property(db2, "Waiting"), "mysqld is stopping."));
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, report_says(db2, "\"mysqld\":\"stopped\""));
        assert_true(report_says(db2, "\"wanted\":true"));
        assert_false(strstr(property(db2, "Reason"), "stopped by a person"));
        (void) sd_bus_slot_unref(slot);
}

/* But what ends after it was to be stopped, and was not, a person has stopped. */
static void what_a_person_stops_is_not_wanted(void **state) {
        World *w = *state;
        Node *db2 = &w->node[1];
        sd_bus_slot *slot = NULL;
        Answer a = {0};

        stand_in_the_way(w, &a, &slot);
        agent_kill(&w->node[0]);
        agent_kill(db2);
        (void) snprintf(db2->systemd.unit.invocation, sizeof(db2->systemd.unit.invocation), "ffeeddccbbaa99887766554433221100");
        systemd_says(&db2->systemd, "active", "running", 4712);
        agent_start(db2);
        LOOP_UNTIL(w->event, *property(db2, "Waiting"));
        systemd_says(&db2->systemd, "inactive", "dead", 0);
        LOOP_UNTIL(w->event, report_says(db2, "\"mysqld\":\"stopped\""));
        LOOP_UNTIL(w->event, report_says(db2, "\"wanted\":false"));
        (void) sd_bus_slot_unref(slot);
}

/* It would wait for that one for ever. */
static void an_address_of_its_own_is_no_peer(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        _cleanup_free_ char *options = NULL, *peers = NULL;
        char host[256] = "";

        assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
        assert_true(asprintf(&options, "--wsrep_on=ON --wsrep_cluster_address=gcomm://127.0.0.1,[::1]:4567,%s:4567", host) > 0);
        put_server(db1, options);
        put_conf(db1, "");
        agent_start(db1);
        LOOP_UNTIL(w->event, *property(db1, "Plan"));
        assert_string_equal(peers_of(db1), "");

        /* Under another name: it is told by what is heard there. */
        assert_true(asprintf(&peers, "db1 = %s\nother = %s\n", db1->daemon.address, db2->daemon.address) > 0);
        put_conf(db2, peers);
        agent_start(db2);
        LOOP_UNTIL(w->event, streq(peers_of(db2), "db1:known"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_highest_leads_and_no_other, setup, teardown),
                cmocka_unit_test_setup_teardown(a_promise_outlives_the_agent, setup, teardown),
                cmocka_unit_test_setup_teardown(one_who_is_absent_may_hold_more, setup, teardown),
                cmocka_unit_test_setup_teardown(a_grant_is_for_the_data_as_they_were, setup, teardown),
                cmocka_unit_test_setup_teardown(a_bootstrap_past_the_gate_is_written_down, setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_nobody_saw_is_written_down_later, setup, teardown),
                cmocka_unit_test_setup_teardown(a_flag_left_behind_bars_nobody_who_was_granted, setup, teardown),
                cmocka_unit_test_setup_teardown(a_bootstrap_that_never_began_is_no_history, setup, teardown),
                cmocka_unit_test_setup_teardown(a_grant_ends_with_the_memory_of_its_holder, setup, teardown),
                cmocka_unit_test_setup_teardown(asked_to_join_it_leads_all_the_same, setup, teardown),
                cmocka_unit_test_setup_teardown(an_overrule_ends_with_what_it_was_said_for, setup, teardown),
                cmocka_unit_test_setup_teardown(who_fails_to_join_rests, setup, teardown),
                cmocka_unit_test_setup_teardown(one_without_galera_waits_for_nobody, setup, teardown),
                cmocka_unit_test_setup_teardown(what_a_person_does_to_a_datasource_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_has_lost_its_galera_is_waited_for, setup, teardown),
                cmocka_unit_test_setup_teardown(nobody_hears_of_what_is_not_on_the_disk, setup, teardown),
                cmocka_unit_test_setup_teardown(who_cannot_write_refuses_the_gate, setup, teardown),
                cmocka_unit_test_setup_teardown(what_a_person_compares_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(in_manual_a_person_starts_it, setup, teardown),
                cmocka_unit_test_setup_teardown(in_manual_what_was_asked_for_is_brought_to_its_end, setup, teardown),
                cmocka_unit_test_setup_teardown(what_was_begun_by_itself_is_given_up_under_another_policy, setup, teardown),
                cmocka_unit_test_setup_teardown(who_was_away_learns_the_policy, setup, teardown),
                cmocka_unit_test_setup_teardown(two_policies_at_once_become_one, setup, teardown),
                cmocka_unit_test_setup_teardown(a_policy_is_not_changed_under_a_bootstrap, setup, teardown),
                cmocka_unit_test_setup_teardown(in_maintenance_nothing_is_begun, setup, teardown),
                cmocka_unit_test_setup_teardown(a_claim_that_had_not_heard_of_the_policy_is_not_granted, setup, teardown),
                cmocka_unit_test_setup_teardown(what_it_stops_is_still_wanted, setup, teardown),
                cmocka_unit_test_setup_teardown(what_a_person_stops_is_not_wanted, setup, teardown),
                cmocka_unit_test_setup_teardown(an_option_that_comes_later_is_seen, setup, teardown),
                cmocka_unit_test_setup_teardown(the_gate_waits_for_the_options, setup, teardown),
                cmocka_unit_test_setup_teardown(what_the_running_server_says_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(an_address_of_its_own_is_no_peer, setup, teardown),
                cmocka_unit_test_setup_teardown(a_reload_takes_on_other_peers, setup, teardown),
                cmocka_unit_test_setup_teardown(a_reload_takes_on_another_cluster_address, setup, teardown),
                cmocka_unit_test_setup_teardown(a_claim_on_one_that_is_no_peer_any_more_is_given_up, setup, teardown),
        };

        program = str_or(getenv("MAINSTAY_DAEMON"), "./mainstayd");
        if (access(program, X_OK) < 0) {
                puts("mainstayd is not built");
                return 77;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
