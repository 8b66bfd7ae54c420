/* A dbus-daemon of the test's own, on a socket in the test's directory. */
#pragma once

#include "loop.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

typedef struct PrivateBus {
        pid_t pid;
        char address[256]; /* unix:path=... */
} PrivateBus;

/* Returns when it listens; false where there is no dbus-daemon. */
static inline bool private_bus_start(PrivateBus *b, const char *dir) {
        _cleanup_free_ char *config = NULL, *conf_path = NULL;
        char line[512];
        int fds[2];
        ssize_t n;

        (void) snprintf(b->address, sizeof(b->address), "unix:path=%s/bus", dir);
        assert_true(asprintf(&config,
                             "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\""
                             " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">"
                             "<busconfig><type>session</type><listen>%s</listen><auth>EXTERNAL</auth>"
                             "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>"
                             "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
                             b->address) > 0);
        file_put(dir, "bus.conf", config, 0644);
        assert_true(asprintf(&conf_path, "--config-file=%s/bus.conf", dir) > 0);

        assert_int_equal(pipe(fds), 0);
        b->pid = fork();
        assert_true(b->pid >= 0);
        if (b->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) dup2(fds[1], 3);
                if (fds[0] > 3)
                        (void) close(fds[0]);
                int null = open("/dev/null", O_WRONLY); /* it complains of its limits */
                (void) dup2(null, 2);
                (void) execlp("dbus-daemon", "dbus-daemon", conf_path, "--nofork", "--nopidfile", "--print-address=3", NULL);
                _exit(127);
        }
        (void) close(fds[1]);
        n = read(fds[0], line, sizeof(line)); /* it prints when it listens */
        (void) close(fds[0]);
        if (n <= 0) {
                (void) waitpid(b->pid, NULL, 0);
                b->pid = -1;
                return false;
        }
        return true;
}

static inline void private_bus_stop(PrivateBus *b) {
        if (b->pid <= 0)
                return;
        (void) kill(b->pid, SIGKILL);
        (void) waitpid(b->pid, NULL, 0);
        b->pid = -1;
}

/* A connection of the test's own, in its loop. */
static inline sd_bus *private_bus_open(const PrivateBus *b, sd_event *event) {
        sd_bus *bus = NULL;

        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_address(bus, b->address) >= 0);
        assert_true(sd_bus_set_bus_client(bus, true) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_true(sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL) >= 0);
        return bus;
}

/* All that this connection sent before has been passed on when this returns:
 * messages do not overtake each other. */
static inline void private_bus_round_trip(sd_bus *bus) {
        assert_true(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId", NULL, NULL,
                                       NULL) >= 0);
}
