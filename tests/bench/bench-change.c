/* How long a change of grastate.dat takes to reach a subscriber on the bus.
 * Runs in a node whose mysqld was stopped gracefully, as root: rewrites the file
 * in place, as libgalera does, and waits for the agent's signal; beside each, a
 * bare round trip to the same agent on the same bus, for the ratio.
 *
 *   bench-change DATADIR [COUNT] */
#include "base/macro.h"
#include "domain/grastate.h"

#include <fcntl.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define COUNT_MAX 1000

static usec_t now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

static int seen(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        *(bool *) userdata = true;
        return 0;
}

/* In place, without a rename, as the server does it. */
static int toggle(const char *path, bool safe) {
        char text[GRASTATE_SIZE_MAX + 1], fresh[512], error[256];
        Grastate g;
        ssize_t n;
        int fd;

        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, text, sizeof(text));
        if (n < 0 || grastate_parse(text, (size_t) n, &g, error) < 0)
                return -EBADMSG;
        g.safe_to_bootstrap = safe ? GRASTATE_SAFE_YES : GRASTATE_SAFE_NO;
        size_t size = grastate_format(&g, fresh);
        if (pwrite(fd, fresh, size, 0) != (ssize_t) size || ftruncate(fd, (off_t) size) < 0)
                return -EIO;
        return close(fd) < 0 ? -errno : 0;
}

static int by_size(const void *a, const void *b) {
        usec_t x = *(const usec_t *) a, y = *(const usec_t *) b;

        return x < y ? -1 : x > y;
}

static void print(const char *name, usec_t *t, unsigned n) {
        qsort(t, n, sizeof(*t), by_size);
        printf("%s: min %.2f, median %.2f, max %.2f ms (%u)\n", name, (double) t[0] / 1000, (double) t[n / 2] / 1000, (double) t[n - 1] / 1000, n);
}

int main(int argc, char *argv[]) {
        unsigned count = argc > 2 ? (unsigned) atoi(argv[2]) : 100;
        usec_t change[COUNT_MAX], ping[COUNT_MAX], began;
        sd_bus *bus = NULL;
        bool told = false;
        char path[4096];
        int r;

        if (argc < 2 || count == 0 || count > COUNT_MAX) {
                fprintf(stderr, "Usage: bench-change DATADIR [COUNT]\n");
                return 2;
        }
        (void) snprintf(path, sizeof(path), "%s/grastate.dat", argv[1]);
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, "org.mainstay1", "/org/mainstay1", "org.freedesktop.DBus.Properties", "PropertiesChanged", seen, &told);

        for (unsigned i = 0; i < count && r >= 0; i++) {
                began = now();
                r = sd_bus_call_method(bus, "org.mainstay1", "/org/mainstay1", "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, "");
                ping[i] = now() - began;

                while (r >= 0 && (r = sd_bus_process(bus, NULL)) > 0)
                        ;
                told = false;
                began = now();
                if (r >= 0)
                        r = toggle(path, i % 2 == 0);
                while (r >= 0 && !told) {
                        r = sd_bus_process(bus, NULL);
                        if (r == 0)
                                r = sd_bus_wait(bus, 5 * USEC_PER_SEC);
                        if (r == 0 && now() - began > 5 * USEC_PER_SEC)
                                r = -ETIMEDOUT;
                }
                change[i] = now() - began;
        }
        if (r < 0) {
                fprintf(stderr, "bench-change: %s\n", strerror(-r));
                return 1;
        }
        print("change to subscriber", change, count);
        print("bare round trip", ping, count);
        printf("ratio of the medians: %.1f\n", (double) change[count / 2] / (double) ping[count / 2]);
        (void) sd_bus_unref(bus);
        return 0;
}
