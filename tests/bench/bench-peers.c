/* What peers cost: so many agents on one machine, each with a bus of its own, and with
 * systemd played. All but one are there and wait for that one, whose report is the last
 * that the decision needs: it comes, and goes again, several times. Then it comes once
 * more under strace, and what it sends and receives is counted.
 *
 *   bench-peers NODES [ROUNDS]
 *
 * Prints a line for tests/bench/peers. */
#include "config.h"

#include "domain/config.h"

#define NODES_MAX CONFIG_PEERS_MAX /* as many as one file may name for all of them */
#define NODES nodes
#include <stddef.h>

static size_t nodes;

#include "../unit/world.h"

#include <inttypes.h>
#include <sys/resource.h>

#define ROUNDS_MAX 64
#define PATIENCE (180 * USEC_PER_SEC)
#define QUIET (500 * USEC_PER_MSEC)

/* Of each agent, since it was reset: when it first said that the last one's report is in,
 * and whether it says so. */
typedef struct Seen {
        usec_t decided, told;
} Seen;

static Seen seen[NODES_MAX];
static size_t n_decided;

/* A change of the properties: is there a plan to bootstrap among them? */
static int properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Seen *s = userdata;
        const char *key, *text;

        if (sd_bus_message_skip(m, "s") < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) < 0)
                        return 0;
                if (!streq(key, "Plan"))
                        (void) sd_bus_message_skip(m, "v");
                else if (sd_bus_message_read(m, "v", "s", &text) >= 0 && !s->decided && strstr(text, "\"action\":\"bootstrap\"")) {
                        s->decided = clock_usec();
                        n_decided++;
                }
                (void) sd_bus_message_exit_container(m);
        }
        return 0;
}

static int report_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Seen *s = userdata;

        if (!s->told)
                s->told = clock_usec();
        return 0;
}

static void forget(void) {
        memset(seen, 0, sizeof(seen));
        n_decided = 0;
}

#define WAIT_UNTIL(w, condition)                                                                        \
        do {                                                                                            \
                usec_t _end = clock_usec() + PATIENCE;                                                  \
                while (!(condition)) {                                                                  \
                        if (clock_usec() > _end) {                                                      \
                                fprintf(stderr, "bench-peers: waited in vain for: %s\n", #condition);   \
                                exit(1);                                                                \
                        }                                                                               \
                        assert_true(sd_event_run((w)->event, 100 * USEC_PER_MSEC) >= 0);                \
                }                                                                                       \
        } while (0)

/* Numbers of the kernel */

/* Seconds of the CPU, of one process. It has one thread. */
static double cpu_of(pid_t pid) {
        unsigned long long ran;
        char path[64];
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/schedstat", (int) pid);
        f = fopen(path, "re");
        assert_non_null(f);
        assert_int_equal(fscanf(f, "%llu", &ran), 1);
        (void) fclose(f);
        return (double) ran / 1e9;
}

/* Private memory in KiB. */
static long private_of(pid_t pid) {
        char path[64], line[256];
        long sum = 0, kb;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int) pid);
        f = fopen(path, "re");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "Private_%*[a-zA-Z]: %ld", &kb) == 1)
                        sum += kb;
        (void) fclose(f);
        return sum;
}

static double cpu_of_all(const World *w) {
        double sum = 0;

        for (size_t i = 0; i < nodes; i++)
                if (w->node[i].agent > 0)
                        sum += cpu_of(w->node[i].agent);
        return sum;
}

/* What strace wrote down. A message is sent by one call, and received by two, of which the
 * first takes its header. */
typedef struct Traffic {
        unsigned long sent, received, bytes_sent, bytes_received;
} Traffic;

static Traffic traffic_read(const char *path, const char *own_bus) {
        static char line[64 * 1024];
        bool peer[4096] = { false };
        Traffic t = {0};
        FILE *f = fopen(path, "re");

        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                const char *equal = strrchr(line, '='), *path_at = strstr(line, "sun_path=\"");
                unsigned fd;
                long n;

                if (!equal || sscanf(equal, "= %ld", &n) != 1 || n < 0)
                        continue;
                if (sscanf(line, "connect(%u,", &fd) == 1 && fd < ELEMENTS(peer))
                        peer[fd] = path_at && strstr(path_at, "/bus\"") && !strstr(path_at, own_bus);
                else if (sscanf(line, "sendmsg(%u,", &fd) == 1 && fd < ELEMENTS(peer) && peer[fd]) {
                        t.sent++;
                        t.bytes_sent += (unsigned long) n;
                } else if (sscanf(line, "recvmsg(%u,", &fd) == 1 && fd < ELEMENTS(peer) && peer[fd]) {
                        t.received++;
                        t.bytes_received += (unsigned long) n;
                }
        }
        (void) fclose(f);
        t.received /= 2;
        return t;
}

/* The world */

static void world_begin(World *w) {
        *w = (World) { .dir = directory_make() };
        assert_true(sd_event_new(&w->event) >= 0);
        for (size_t i = 0; i < nodes; i++) {
                Node *n = &w->node[i];

                node_start(w, n);
                assert_true(sd_bus_match_signal(n->bus, NULL, NULL, "/org/mainstay1", "org.freedesktop.DBus.Properties", "PropertiesChanged", properties_changed, &seen[i]) >= 0);
                assert_true(sd_bus_match_signal(n->bus, NULL, NULL, "/org/mainstay1", "org.mainstay1.Peer", "Changed", report_changed, &seen[i]) >= 0);
        }
        for (size_t i = 0; i < nodes; i++)
                put_config(w, &w->node[i]);
}

static void world_end(World *w) {
        for (size_t i = 0; i < nodes; i++)
                node_end(&w->node[i]);
        loop_drain(w->event);
        (void) sd_event_unref(w->event);
        directory_remove(w->dir);
}

/* Each knows of each whether it is there: nothing is said any more. */
static void settle(World *w, size_t there) {
        for (size_t i = 0; i < there; i++)
                WAIT_UNTIL(w, seen[i].told);
        while (sd_event_run(w->event, QUIET) > 0)
                ;
}

static int by_size(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), by_size);
        return values[n / 2];
}

/* Milliseconds from the last report to the decision of the one who leads, and of all; and of
 * all agents the CPU meanwhile, in milliseconds each. */
static void measure(World *w, unsigned rounds, double *ret_leader, double *ret_all, double *ret_cpu) {
        Node *last = &w->node[nodes - 1];
        double leader[ROUNDS_MAX], all[ROUNDS_MAX], cpu[ROUNDS_MAX];

        for (unsigned k = 0; k < rounds; k++) {
                usec_t latest = 0;
                double before;

                forget();
                before = cpu_of_all(w);
                agent_start(last);
                WAIT_UNTIL(w, n_decided == nodes);
                for (size_t i = 0; i < nodes; i++)
                        latest = seen[i].decided > latest ? seen[i].decided : latest;
                leader[k] = ((double) seen[1].decided - (double) seen[nodes - 1].told) / USEC_PER_MSEC;
                all[k] = ((double) latest - (double) seen[nodes - 1].told) / USEC_PER_MSEC;
                settle(w, 0);
                cpu[k] = 1000 * (cpu_of_all(w) - cpu_of(last->agent) - before) / (double) (nodes - 1);
                if (k + 1 < rounds) {
                        agent_kill(last);
                        settle(w, 0);
                }
        }
        *ret_leader = median(leader, rounds);
        *ret_all = median(all, rounds);
        *ret_cpu = median(cpu, rounds);
}

int main(int argc, char *argv[]) {
        unsigned rounds = argc > 2 ? (unsigned) atoi(argv[2]) : 5;
        struct rlimit files;
        static World w;
        _cleanup_free_ char *trace = NULL, *wrapper = NULL, *traced = NULL, *own = NULL;
        const char *daemon;
        double leader, all, cpu, begun;
        long private;
        Traffic t;

        nodes = argc > 1 ? (size_t) atoi(argv[1]) : 0;
        if (nodes < 3 || nodes > NODES_MAX || rounds == 0 || rounds > ROUNDS_MAX) {
                fprintf(stderr, "Usage: bench-peers NODES [ROUNDS]\n");
                return 2;
        }
        if (world_missing())
                return 1;
        daemon = program;
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &files);
        }

        world_begin(&w);
        for (size_t i = 0; i + 1 < nodes; i++)
                agent_start(&w.node[i]);
        settle(&w, nodes - 1);
        begun = 1000 * cpu_of_all(&w) / (double) (nodes - 1);
        measure(&w, rounds, &leader, &all, &cpu);
        private = private_of(w.node[0].agent);
        agent_kill(&w.node[nodes - 1]);
        settle(&w, 0);

        forget();
        assert_true(asprintf(&trace, "%s/trace", w.dir) > 0);
        assert_true(asprintf(&own, "\"%s/bus\"", w.node[nodes - 1].dir) > 0);
        assert_true(asprintf(&traced, "%s/traced", w.dir) > 0);
        assert_true(asprintf(&wrapper, "#!/bin/sh\nexec strace -D -qq -s 0 -e trace=connect,sendmsg,recvmsg -o %s %s \"$@\"\n", trace, daemon) > 0);
        file_put(w.dir, "traced", wrapper, 0755);
        program = traced;
        agent_start(&w.node[nodes - 1]);
        program = daemon;
        WAIT_UNTIL(&w, n_decided == nodes);
        settle(&w, 0);
        t = traffic_read(trace, own);
        printf("%zu %.1f %.1f %.2f %.1f %ld %lu %lu %lu %lu\n", nodes, leader, all, cpu, begun, private, t.sent, t.received, t.bytes_sent, t.bytes_received);
        world_end(&w);
        return 0;
}
