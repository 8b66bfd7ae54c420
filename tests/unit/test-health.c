/* mainstay-health as load balancers meet it: the real program behind real sockets, and an
 * agent that is played. */
#define LOOP_DEADLINE (10 * USEC_PER_SEC)

#include "domain/readiness.h"
#include "edge/health.h"
#include "private-bus.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static const char *program;

enum { HTTP, WRITE, READ, DOORS };

typedef struct World {
        char *dir;
        sd_event *event;
        PrivateBus daemon;
        sd_bus *agent; /* its connection; NULL: it does not run */
        pid_t pid;
        uint16_t port[DOORS];
        Readiness readiness;
        bool silent;    /* the agent does not answer */
        bool not_ready; /* or that it knows nothing yet */
        sd_bus_message *pending;
        unsigned looks;
} World;

/* The agent */

static void answer(World *w, sd_bus_message *call) {
        json_t *j = readiness_to_json(&w->readiness);
        _cleanup_free_ char *text = json_dumps(j, 0);

        json_decref(j);
        assert_true(sd_bus_reply_method_return(call, "s", text) >= 0);
}

static int agent_called(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        World *w = userdata;

        if (!sd_bus_message_is_method_call(m, "org.mainstay1.Node", "Look"))
                return 0;
        w->looks++;
        if (w->not_ready)
                return sd_bus_reply_method_errorf(m, "org.mainstay1.Error.NotReady", "It has just been started.");
        if (w->silent) {
                (void) sd_bus_message_unref(w->pending);
                w->pending = sd_bus_message_ref(m);
                return 1;
        }
        w->readiness.looked = (int64_t) clock_usec();
        answer(w, m);
        return 1;
}

/* The service has heard all that was said before: messages do not overtake each other. */
static void settle(World *w) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = private_bus_open(&w->daemon, w->event);
        const char *own, *agent = "";
        char **names = NULL;

        assert_true(sd_bus_get_unique_name(bus, &own) >= 0 && sd_bus_get_unique_name(w->agent, &agent) >= 0);
        assert_true(sd_bus_list_names(bus, &names, NULL) >= 0);
        for (char **name = names; *name; free(*name++))
                if (**name == ':' && !streq(*name, own) && !streq(*name, agent))
                        (void) sd_bus_call_method(bus, *name, "/", "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL);
        free(names);
        sd_bus_close(bus);
}

static void agent_come(World *w) {
        w->agent = private_bus_open(&w->daemon, w->event);
        assert_true(sd_bus_add_object(w->agent, NULL, "/org/mainstay1", agent_called, w) >= 0);
        assert_true(sd_bus_request_name(w->agent, "org.mainstay1", 0) >= 0);
        settle(w);
}

static void agent_go(World *w) {
        w->pending = sd_bus_message_unref(w->pending);
        w->agent = sd_bus_close_unref(w->agent);
}

static void agent_tells(World *w) {
        assert_true(sd_bus_emit_signal(w->agent, "/org/mainstay1", "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", "org.mainstay1.Node", 0, 0) >= 0);
        private_bus_round_trip(w->agent);
        settle(w);
}

/* The service */

static int listen_somewhere(uint16_t *ret_port) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        assert_true(fd >= 0 && bind(fd, (struct sockaddr *) &a, sizeof(a)) == 0 && listen(fd, 64) == 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &a, &size), 0);
        *ret_port = ntohs(a.sin_port);
        return fd;
}

/* As systemd does it: the sockets are the first descriptors behind the standard ones. */
static void service_start(World *w, const char *names) {
        int fd[DOORS];

        for (size_t i = 0; i < DOORS; i++)
                fd[i] = fcntl(listen_somewhere(&w->port[i]), F_DUPFD, 20);
        w->pid = fork();
        assert_true(w->pid >= 0);
        if (w->pid == 0) {
                char pid[32];

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (int i = 0; i < DOORS; i++)
                        (void) dup2(fd[i], 3 + i);
                (void) snprintf(pid, sizeof(pid), "%d", (int) getpid());
                (void) setenv("LISTEN_PID", pid, 1);
                (void) setenv("LISTEN_FDS", "3", 1);
                (void) setenv("LISTEN_FDNAMES", names, 1);
                (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", w->daemon.address, 1);
                (void) unsetenv("NOTIFY_SOCKET");
                (void) unsetenv("WATCHDOG_USEC");
                (void) unsetenv("JOURNAL_STREAM");
                (void) execl(program, "mainstay-health", NULL);
                _exit(127);
        }
        for (size_t i = 0; i < DOORS; i++)
                (void) close(fd[i]);
}

static int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        *state = w;
        w->dir = directory_make();
        assert_true(sd_event_new(&w->event) >= 0);
        if (!private_bus_start(&w->daemon, w->dir))
                fail_msg("there is no dbus-daemon");
        w->readiness = READINESS_NONE;
        (void) strcpy(w->readiness.node, "db1");
        (void) strcpy(w->readiness.version, "0.0");
        (void) strcpy(w->readiness.state, "ONLINE");
        (void) strcpy(w->readiness.sst_method, "mariabackup");
        w->readiness.mysqld = MYSQLD_PRIMARY;
        w->readiness.primary = w->readiness.wsrep_ready = true;
        w->readiness.wsrep_state = 4;
        w->readiness.seqno = 4711;
        w->readiness.peers_known = 2;
        service_start(w, "http:write:read");
        return 0;
}

static int teardown(void **state) {
        World *w = *state;
        int status;

        assert_int_equal(kill(w->pid, SIGTERM), 0);
        assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        agent_go(w);
        loop_drain(w->event);
        private_bus_stop(&w->daemon);
        (void) sd_event_unref(w->event);
        directory_remove(w->dir);
        free(w);
        return 0;
}

/* Those who ask */

static int call_at(const World *w, int door, const char *what) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(w->port[door]) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        assert_true(fd >= 0 && connect(fd, (struct sockaddr *) &a, sizeof(a)) == 0);
        assert_int_equal(send(fd, what, strlen(what), 0), strlen(what));
        return fd;
}

/* Until the other side ends it, while the agent is played. */
static const char *hear(World *w, int fd) {
        static char buf[64 * 1024];
        usec_t end = clock_usec() + LOOP_DEADLINE;
        size_t n = 0;

        for (;;) {
                ssize_t k = recv(fd, buf + n, sizeof(buf) - 1 - n, MSG_DONTWAIT);

                if (k == 0)
                        break;
                if (k > 0)
                        n += (size_t) k;
                else if (errno != EAGAIN)
                        fail_msg("cut off: %s", strerror(errno));
                else if (clock_usec() > end)
                        fail_msg("no end of it: %.*s", (int) n, buf);
                else
                        assert_true(sd_event_run(w->event, 2 * USEC_PER_MSEC) >= 0);
        }
        (void) close(fd);
        buf[n] = '\0';
        return buf;
}

static int ask(const World *w, const char *method, const char *target) {
        char head[512];

        (void) snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: db1\r\nConnection: close\r\n\r\n", method, target);
        return call_at(w, HTTP, head);
}

static const char *fetch(World *w, const char *method, const char *target) {
        return hear(w, ask(w, method, target));
}

static void expect(World *w, const char *target, const char *status, const char *obstacle) {
        const char *said = fetch(w, "GET", target);
        char line[64], header[64];

        (void) snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
        (void) snprintf(header, sizeof(header), "\r\nX-Mainstay-Obstacle: %s\r\n", obstacle);
        if (strncmp(said, line, strlen(line)) != 0 || !strstr(said, header))
                fail_msg("%s is to be %s, %s:\n%s", target, status, obstacle, said);
}

static void expect_line(World *w, int door, const char *what, const char *line) {
        const char *said = hear(w, call_at(w, door, what));

        if (strncmp(said, line, strlen(line)) != 0 || strcspn(said, "\n") + 1 != strlen(said))
                fail_msg("not \"%s\" but \"%s\"", line, said);
}

/* What is to be seen */

static void a_node_that_is_ready(void **state) {
        World *w = *state;

        agent_come(w);
        expect(w, "/write", "200", "none");
        expect(w, "/read", "200", "none");
        expect(w, "/", "200", "none");
        assert_non_null(strstr(fetch(w, "GET", "/write"), "X-Mainstay-State: ONLINE\r\n"));
        assert_non_null(strstr(fetch(w, "GET", "/write"), "X-Mainstay-Age: 0."));
        assert_non_null(strstr(fetch(w, "GET", "/write"), "\r\n\r\ndb1 is ready for writes.\n"));
        expect_line(w, WRITE, "", "up ready 100%\n");
        expect_line(w, READ, "", "up ready 100%\n");
        expect_line(w, WRITE, "what agent-send sends\n", "up ready 100%\n");
}

static void what_stands_in_the_way_is_said(void **state) {
        World *w = *state;
        Readiness *r = &w->readiness;

        agent_come(w);
        expect(w, "/write", "200", "none");
        r->read_only = true;
        agent_tells(w);
        expect(w, "/write", "503", "read-only");
        expect(w, "/read", "200", "none");
        expect_line(w, WRITE, "", "ready down #db1 takes no writes");
        expect_line(w, READ, "", "up ready 100%\n");

        r->read_only = false;
        r->donating = true;
        r->wsrep_state = 2;
        agent_tells(w);
        expect(w, "/write", "503", "donor");
        expect(w, "/write?donor=ok", "200", "none");
        expect(w, "/write?desynced=ok", "503", "donor");
        r->donating = false;
        agent_tells(w);
        expect(w, "/write", "503", "desynced");
        expect(w, "/write?desynced=ok&max_lag=any", "200", "none");

        r->wsrep_state = 4;
        r->draining = r->offline = true;
        agent_tells(w);
        expect(w, "/read", "503", "draining");
        expect_line(w, WRITE, "", "up drain\n");
        r->draining = false;
        agent_tells(w);
        expect(w, "/read", "503", "offline");
        expect_line(w, WRITE, "", "maint down #db1 was set offline");
        r->offline = false;
        (void) strcpy(r->state, "SHUNNED");
        (void) strcpy(r->reason, "a new disk\nand a line\xc3\xa4");
        agent_tells(w);
        expect(w, "/read", "503", "shunned");
        expect_line(w, READ, "", "maint down #db1 is shunned: a new disk");
}

static void a_replica_is_for_reads(void **state) {
        World *w = *state;

        w->readiness.asynchronous = true;
        w->readiness.role = ROLE_REPLICA;
        w->readiness.replicator = HEALTH_ONLINE;
        w->readiness.lag = 20;
        agent_come(w);
        expect(w, "/write", "503", "replica");
        expect(w, "/read", "200", "none");
        expect(w, "/read?max_lag=20s", "200", "none");
        expect(w, "/read?max_lag=19s", "503", "lag");
        expect(w, "/read?max_lag=19", "503", "lag");
}

static void what_cannot_be_asked_is_refused(void **state) {
        static const struct {
                const char *method, *target, *status;
        } table[] = {
                { "POST", "/write", "405" },   { "DELETE", "/", "405" },          { "GET", "/else", "404" },           { "GET", "/write/", "404" },
                { "GET", "/write?donor", "400" }, { "GET", "/write?donor=yes", "400" }, { "GET", "/write?doner=ok", "400" }, { "GET", "/read?max_lag=", "400" },
                { "GET", "/read?max_lag=-1", "400" }, { "GET", "/read?max_lag=10m", "400" }, { "GET", "/read?max_lag=99999999999", "400" }, { "GET", "/read?max_lag=s", "400" },
        };
        World *w = *state;

        agent_come(w);
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                const char *said = fetch(w, table[i].method, table[i].target);

                if (strncmp(said + strlen("HTTP/1.1 "), table[i].status, 3) != 0)
                        fail_msg("%s %s: %s", table[i].method, table[i].target, said);
        }
}

/* As HAProxy asks: OPTIONS by itself, or HEAD. */
static void without_a_body(void **state) {
        World *w = *state;
        const char *said;

        agent_come(w);
        said = fetch(w, "HEAD", "/write");
        assert_true(strncmp(said, "HTTP/1.1 200 ", 13) == 0 && strcmp(strstr(said, "\r\n\r\n"), "\r\n\r\n") == 0);
        assert_int_equal(strncmp(fetch(w, "OPTIONS", "/"), "HTTP/1.1 200 ", 13), 0);
        assert_non_null(strstr(hear(w, call_at(w, HTTP, "OPTIONS / HTTP/1.0\r\n\r\n")), " 200 OK\r\n"));
        w->readiness.primary = false;
        agent_tells(w);
        assert_int_equal(strncmp(fetch(w, "HEAD", "/read"), "HTTP/1.1 503 ", 13), 0);
        assert_int_equal(strncmp(fetch(w, "OPTIONS", "/"), "HTTP/1.1 503 ", 13), 0);
}

static void without_an_agent_nothing_is_known(void **state) {
        World *w = *state;

        expect(w, "/read", "503", "agent");
        expect_line(w, WRITE, "", "ready down #Nothing is known of this node");
        agent_come(w);
        expect(w, "/read", "200", "none");
        agent_go(w);
        /* The bus says so by itself; from then on, what was known is not said any more. */
        LOOP_UNTIL(w->event, strstr(fetch(w, "GET", "/read"), "503"));
        expect(w, "/read", "503", "agent");
        assert_non_null(strstr(fetch(w, "GET", "/metrics"), "\nmainstay_up 0\n"));
        assert_null(strstr(fetch(w, "GET", "/metrics"), "mainstay_seqno"));
        assert_int_equal(strncmp(fetch(w, "GET", "/status"), "HTTP/1.1 503 ", 13), 0);
        assert_int_equal(strncmp(fetch(w, "GET", "/live"), "HTTP/1.1 200 ", 13), 0);
        agent_come(w);
        expect(w, "/read", "200", "none");
}

static void an_agent_that_knows_nothing_yet(void **state) {
        World *w = *state;

        w->not_ready = true;
        agent_come(w);
        expect(w, "/read", "503", "unknown");
        assert_non_null(strstr(fetch(w, "GET", "/read"), "It has just been started."));
        w->not_ready = false;
        LOOP_UNTIL(w->event, strstr(fetch(w, "GET", "/read"), " 200 "));
}

/* Before somebody's patience ends he is told, and what was known before is not. */
static void an_agent_that_hangs(void **state) {
        World *w = *state;
        usec_t begun;

        agent_come(w);
        expect(w, "/read", "200", "none");
        w->silent = true;
        agent_tells(w);
        begun = clock_usec();
        expect(w, "/read", "503", "unknown");
        assert_true(clock_usec() - begun >= OUTLOOK_PATIENCE - 100 * USEC_PER_MSEC && clock_usec() - begun < 2 * USEC_PER_SEC);
        begun = clock_usec();
        expect(w, "/write", "503", "unknown"); /* who comes later does not wait anew */
        expect_line(w, READ, "", "ready down #How this node is now is not known");
        assert_true(clock_usec() - begun < OUTLOOK_PATIENCE);
        assert_non_null(strstr(fetch(w, "GET", "/metrics"), "\nmainstay_up 0\n"));
        assert_int_equal(w->looks, 2);
        w->silent = false;
        w->readiness.looked = (int64_t) clock_usec();
        answer(w, w->pending);
        LOOP_UNTIL(w->event, strstr(fetch(w, "GET", "/read"), " 200 "));
}

/* Who waits is answered as soon as it is known, all by one look. */
static void one_look_serves_all_who_wait(void **state) {
        World *w = *state;
        int fd[20];

        w->silent = true;
        agent_come(w);
        for (size_t i = 0; i < ELEMENTS(fd); i++)
                fd[i] = i % 2 ? call_at(w, WRITE, "") : ask(w, "GET", "/write");
        LOOP_UNTIL(w->event, w->pending);
        assert_int_equal(w->looks, 1);
        w->silent = false;
        w->readiness.looked = (int64_t) clock_usec();
        answer(w, w->pending);
        for (size_t i = 0; i < ELEMENTS(fd); i++)
                assert_non_null(strstr(hear(w, fd[i]), i % 2 ? "up ready" : " 200 "));
        assert_int_equal(w->looks, 1);
}

/* However often it is asked here, the agent is asked once a second; and where nobody asks,
 * it is left alone. */
static void checks_cost_the_agent_nothing(void **state) {
        World *w = *state;
        usec_t end;
        unsigned asked = 0;

        agent_come(w);
        expect(w, "/write", "200", "none");
        w->looks = 0;
        for (end = clock_usec() + 3 * USEC_PER_SEC; clock_usec() < end; asked++)
                expect(w, "/write", "200", "none");
        assert_true(asked > 100 && w->looks >= 2 && w->looks <= 4);
        for (end = clock_usec() + 200 * USEC_PER_MSEC; clock_usec() < end;) /* the last one may be under way */
                assert_true(sd_event_run(w->event, 50 * USEC_PER_MSEC) >= 0);
        w->looks = 0;
        for (end = clock_usec() + 2500 * USEC_PER_MSEC; clock_usec() < end;)
                assert_true(sd_event_run(w->event, 50 * USEC_PER_MSEC) >= 0);
        assert_int_equal(w->looks, 0);
        /* What is known by then is too old to be told. */
        w->readiness.read_only = true;
        expect(w, "/write", "503", "read-only");
        assert_int_equal(w->looks, 1);
}

/* A server's answer that is old when it comes is not made younger. */
static void an_old_look_is_not_told(void **state) {
        World *w = *state;

        w->silent = true;
        agent_come(w);
        int fd = ask(w, "GET", "/write");
        LOOP_UNTIL(w->event, w->pending);
        w->readiness.looked = (int64_t) (clock_usec() - OUTLOOK_STALE);
        answer(w, w->pending);
        const char *said = hear(w, fd);
        assert_true(strstr(said, "X-Mainstay-Obstacle: unknown") && strstr(said, "took so long to answer"));
}

static void metrics_are_told(void **state) {
        static const char *const lines[] = {
                "# TYPE mainstay_up gauge", "mainstay_up 1", "mainstay_node_state{state=\"ONLINE\"} 1", "mainstay_node_state{state=\"SHUNNED\"} 0",
                "mainstay_node_info{node=\"db1\",version=\"0.0\",kind=\"galera\"} 1", "mainstay_seqno 4711", "mainstay_server_state{state=\"primary\"} 1",
                "mainstay_peers{condition=\"known\"} 2", "mainstay_node_ready{work=\"write\"} 0", "mainstay_node_ready{work=\"read\"} 1",
                "mainstay_node_obstacle{work=\"write\",obstacle=\"read-only\"} 1", "mainstay_server_read_only 1", "mainstay_job_running{kind=\"provision\"} 1",
                "mainstay_job_copied_bytes 100", "mainstay_health_checks_total{work=\"write\",ready=\"no\"} 1", "mainstay_policy{policy=\"automatic\"} 1",
        };
        World *w = *state;
        const char *said;
        FILE *f;

        w->readiness.read_only = w->readiness.job_runs = true;
        w->readiness.job_kind = JOB_PROVISION;
        w->readiness.job_bytes_done = 100;
        w->readiness.policy = POLICY_AUTOMATIC;
        agent_come(w);
        expect(w, "/write", "503", "read-only");
        said = fetch(w, "GET", "/metrics");
        assert_non_null(strstr(said, "Content-Type: text/plain; version=0.0.4"));
        for (size_t i = 0; i < ELEMENTS(lines); i++) {
                char line[256];

                (void) snprintf(line, sizeof(line), "\n%s\n", lines[i]);
                if (!strstr(said, line))
                        fail_msg("it lacks %s:\n%s", lines[i], said);
        }
        assert_null(strstr(said, "lag_seconds"));
        if (system("command -v promtool > /dev/null") != 0)
                return;
        f = popen("promtool check metrics", "w");
        assert_non_null(f);
        fputs(strstr(said, "\r\n\r\n") + 4, f);
        assert_int_equal(pclose(f), 0);
}

static void a_connection_is_kept(void **state) {
        World *w = *state;
        const char *said;

        agent_come(w);
        said = hear(w, call_at(w, HTTP, "GET /read HTTP/1.1\r\nHost: a\r\n\r\nGET /write HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        assert_non_null(strstr(said, "db1 is ready for reads.\n"));
        assert_non_null(strstr(said, "db1 is ready for writes.\n"));
}

/* Nothing is known then, and nothing can become known: systemd starts it anew. */
static void a_bus_that_ends(void **state) {
        World w = {0};
        int status;

        w.dir = directory_make();
        assert_true(sd_event_new(&w.event) >= 0 && private_bus_start(&w.daemon, w.dir));
        service_start(&w, "http:write:read");
        assert_non_null(strstr(fetch(&w, "GET", "/live"), " 200 "));
        private_bus_stop(&w.daemon);
        assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        (void) sd_event_unref(w.event);
        directory_remove(w.dir);
}

/* Started as it must not be. */
static void a_socket_of_another_name(void **state) {
        World w = { .pid = 0 };
        int status;

        w.dir = directory_make();
        assert_true(private_bus_start(&w.daemon, w.dir));
        service_start(&w, "http:write:ftp");
        assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        private_bus_stop(&w.daemon);
        directory_remove(w.dir);
}

#define health_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                health_test(a_node_that_is_ready),
                health_test(what_stands_in_the_way_is_said),
                health_test(a_replica_is_for_reads),
                health_test(what_cannot_be_asked_is_refused),
                health_test(without_a_body),
                health_test(without_an_agent_nothing_is_known),
                health_test(an_agent_that_knows_nothing_yet),
                health_test(an_agent_that_hangs),
                health_test(one_look_serves_all_who_wait),
                health_test(checks_cost_the_agent_nothing),
                health_test(an_old_look_is_not_told),
                health_test(metrics_are_told),
                health_test(a_connection_is_kept),
                cmocka_unit_test(a_bus_that_ends),
                cmocka_unit_test(a_socket_of_another_name),
        };

        program = str_or(getenv("MAINSTAY_HEALTH"), "./mainstay-health");
        if (access(program, X_OK) < 0) {
                puts("mainstay-health is not built");
                return 77;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
