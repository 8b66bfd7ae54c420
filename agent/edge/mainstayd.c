/* mainstayd: the agent. Sets up the loop and the bus, and runs. */
#include "edge/bus.h"
#include "base/paths.h"
#include "sys/log.h"

#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

/* It could not begin, and a moment later could not either: systemd starts it anew after a
 * while, not at once. Its unit says the same number. */
#define EXIT_CANNOT_BEGIN 78

static const char *from_env(const char *name, const char *fallback) {
        return str_or(getenv(name), fallback);
}

static int reload(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        (void) sd_notify(false, "RELOADING=1");
        (void) manager_reload(userdata);
        (void) sd_notify(false, "READY=1");
        return 0;
}

static int add_signals(sd_event *event, Manager *m) {
        sigset_t set;
        int r;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigaddset(&set, SIGHUP);
        (void) sigaddset(&set, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, reload, m);
        return r;
}

/* Without the bus the agent has nobody to ask and nobody to tell. */
static int bus_lost(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        log_error("The system bus is gone: the agent ends, and is started anew.");
        return sd_event_exit(userdata, EXIT_FAILURE);
}

static int begin(sd_event *event, sd_bus *bus, const Paths *paths, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = NULL;
        int r;

        r = manager_new(event, bus, paths, &m);
        if (r >= 0)
                r = add_signals(event, m);
        if (r >= 0)
                r = manager_start(m);
        if (r < 0)
                return r;
        r = bus_publish(m);
        if (r < 0) {
                log_error("The name org.mainstay1 cannot be had: %s. Does another mainstayd run, or is the bus policy not installed?", strerror(-r));
                return r;
        }
        *ret = TAKE(m);
        return 0;
}

/* Returns the exit status. */
static int run(const Paths *paths) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(manager_freep) Manager *m = NULL;
        int r;

        r = sd_event_default(&event);
        if (r >= 0)
                r = sd_event_set_watchdog(event, true);
        if (r < 0)
                return EXIT_FAILURE;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, 0);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected", bus_lost, event);
        if (r < 0) {
                log_error("The system bus cannot be reached: %s", strerror(-r));
                return EXIT_FAILURE;
        }

        r = begin(event, bus, paths, &m);
        /* A bus that begins anew is there in a moment, and so is the name of an agent that was killed. */
        if (r < 0 && (r == -EEXIST || sd_bus_is_open(bus) <= 0))
                return EXIT_FAILURE;
        if (r < 0) {
                (void) sd_notify(false, "STATUS=It could not begin: the journal says why (journalctl -u mainstayd). It is tried again every 30 seconds; at once: systemctl restart mainstayd");
                return EXIT_CANNOT_BEGIN;
        }
        r = sd_event_loop(event);
        (void) sd_notify(false, "STOPPING=1");
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "version", no_argument, NULL, 'V' },
                { "help", no_argument, NULL, 'h' },
                {0},
        };
        Paths paths = {
                .state = from_env("STATE_DIRECTORY", STATE_DIR),
                .runtime = from_env("RUNTIME_DIRECTORY", "/run/mainstay"),
                .server = from_env("MAINSTAY_SERVER_DIR", SERVER_DIR),
                .libexec = from_env("MAINSTAY_LIBEXEC_DIR", PKGLIBEXECDIR),
                .config = SYSCONFDIR "/mainstay/mainstay.conf",
        };
        int c;

        while ((c = getopt_long(argc, argv, "c:Vh", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        paths.config = optarg;
                        break;
                case 'V':
                        puts("mainstayd " PACKAGE_VERSION);
                        return EXIT_SUCCESS;
                case 'h':
                        puts("Usage: mainstayd [--config FILE]\n\nThe agent that brings this node back into its cluster; see mainstayd(8).");
                        return EXIT_SUCCESS;
                default:
                        return 2;
                }
        if (optind < argc) {
                fprintf(stderr, "mainstayd: \"%s\" is not an option\n", argv[optind]);
                return 2;
        }
        return run(&paths);
}
