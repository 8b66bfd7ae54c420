/* mainstay-health: tells load balancers and monitoring how this node is. systemd hands
 * it the sockets, by their names: "http", and "write" and "read" for HAProxy's
 * agent-check. It may nothing but listen there and ask the agent. */
#include "edge/health.h"
#include "sys/log.h"

#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#define SOCKETS_MAX 32

typedef struct Doors {
        Outlook *outlook;
        size_t n;
        struct {
                Http *http;
                AgentCheck *check;
        } door[SOCKETS_MAX];
} Doors;

static void doors_done(Doors *d) {
        d->outlook = outlook_free(d->outlook); /* whoever waits is told, and goes */
        for (size_t i = 0; i < d->n; i++) {
                (void) http_free(d->door[i].http);
                (void) agent_check_free(d->door[i].check);
        }
}

static int open_door(Doors *d, sd_event *event, int fd, const char *name) {
        int flags = fcntl(fd, F_GETFL);

        if (d->n >= SOCKETS_MAX)
                return -E2BIG;
        if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, true) <= 0 || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -ENOTSOCK;
        if (streq(name, "http"))
                return http_new(event, d->outlook, fd, &d->door[d->n++].http);
        if (streq(name, "write") || streq(name, "read"))
                return agent_check_new(event, d->outlook, fd, streq(name, "read") ? WORK_READ : WORK_WRITE, &d->door[d->n++].check);
        return -ENOENT;
}

static int open_doors(Doors *d, sd_event *event) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(true, &names), r = 0;

        if (n == 0)
                log_error("There is no socket to answer at: this program is started by systemd, for mainstay-health.socket. Type: systemctl enable --now mainstay-health.socket");
        for (int i = 0; i < n && r >= 0; i++) {
                r = open_door(d, event, SD_LISTEN_FDS_START + i, names[i]);
                if (r < 0)
                        log_error("The socket \"%s\" cannot be used: %s. FileDescriptorName= of its unit has to be http, write or read, and it listens for streams.", names[i], strerror(-r));
        }
        for (int i = 0; i < n; i++)
                free(names[i]);
        free(names);
        return n <= 0 ? (n < 0 ? n : -ENOTCONN) : r;
}

static int add_signals(sd_event *event) {
        sigset_t set;
        int r;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int bus_lost(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        log_error("The system bus is gone, and with it all that is known of this node: this service ends, and is started anew.");
        return sd_event_exit(userdata, EXIT_FAILURE);
}

static int run(void) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(doors_done) Doors doors = {0};
        int r;

        r = sd_event_default(&event);
        if (r >= 0)
                r = sd_event_set_watchdog(event, true);
        if (r >= 0)
                r = add_signals(event);
        if (r < 0)
                return r;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_IMPORTANT); /* what the agent has told counts for the check behind it */
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected", bus_lost, event);
        if (r >= 0)
                r = outlook_new(event, bus, &doors.outlook);
        if (r < 0) {
                log_error("The system bus cannot be reached (%s), so nothing can be told of this node. Is it up? systemctl status dbus.socket", strerror(-r));
                return r;
        }
        r = open_doors(&doors, event);
        if (r < 0)
                return r;
        (void) sd_notify(false, "READY=1");
        r = sd_event_loop(event);
        (void) sd_notify(false, "STOPPING=1");
        return r;
}

int main(int argc, char *argv[]) {
        if (argc == 2 && streq(argv[1], "--version")) {
                puts("mainstay-health " PACKAGE_VERSION);
                return EXIT_SUCCESS;
        }
        if (argc > 1) {
                fprintf(stderr, "mainstay-health takes no arguments: systemd starts it, for mainstay-health.socket; see mainstay-health(8)\n");
                return 2;
        }
        return run() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
