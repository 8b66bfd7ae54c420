/* The gate: what every start of mysqld passes, as an ExecStartPre= of its unit.
 *
 * It asks the agent and waits as long as the agent says so. It alone edits the
 * datadir, as mysqld's own user: it sets gvwstate.dat aside, which would be a
 * bootstrap in disguise, and marks grastate.dat for a bootstrap that the agent
 * authorised. Without an agent mysqld starts as a joiner, never as more: not
 * where its own configuration would make it bootstrap, and not at all where its
 * grastate.dat cannot be judged, for Galera would guess. */
#include "adapter/discovery.h"
#include "adapter/record.h"
#include "adapter/staging-within.h"
#include "adapter/staging.h"
#include "adapter/store.h"
#include "base/paths.h"
#include "domain/grastate.h"
#include "edge/gate-config.h"
#include "edge/gate-say.h"
#include "edge/gate-position.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#define GVWSTATE "gvwstate.dat"
#define GVWSTATE_ASIDE "gvwstate.dat.mainstay"
#define GRASTATE "grastate.dat"

/* systemd is told twice a period that the wait goes on. */
#define EXTEND_PERIOD (30 * USEC_PER_SEC)
#define EXTEND_BY (90 * USEC_PER_SEC)
/* An agent that is being restarted is given so long to come back. */
#define AGENT_PATIENCE (15 * USEC_PER_SEC)
/* What systemd itself is given for an answer. */
#define COMMAND_PATIENCE (5 * USEC_PER_SEC)
#define SYSTEMD "org.freedesktop.systemd1"
#define AGENT_RETRY (100 * USEC_PER_MSEC)
/* One that was there for so long is given its time anew. */
#define AGENT_STAYED (5 * USEC_PER_SEC)

typedef struct Verdict {
        bool settled;
        bool bootstrap, refused;
        bool resume; /* with the gvwstate.dat that it has */
        bool alone; /* there was no agent to ask */
        char text[1024];
        bool have_position;
        Position position;
} Verdict;

typedef struct Gate {
        sd_event *event;
        sd_bus *bus;
        sd_bus_slot *call;
        sd_event_source *retry, *extend;
        bool new_cluster;
        char **command; /* the unit's, NULL where it is not known */
        usec_t failed_at, patience_ends;
        Verdict verdict;
} Gate;

static void tell_wait(const char *text) {
        (void) sd_notifyf(false, "STATUS=Mainstay: %s\nEXTEND_TIMEOUT_USEC=%llu", text, (unsigned long long) EXTEND_BY);
}

/* The words of the unit's ExecStart=, as systemd has them; NULL where it cannot
 * tell.. */
static char **read_command(sd_bus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *unit = NULL, *m = NULL, *reply = NULL;
        const char *path, *program;
        char **words = NULL;
        int r;

        r = sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "GetUnitByPID", NULL, &unit, "u", (uint32_t) getpid());
        if (r >= 0)
                r = sd_bus_message_read(unit, "o", &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, path, "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", SYSTEMD ".Service", "ExecStart");
        if (r >= 0)
                r = sd_bus_call(bus, m, COMMAND_PATIENCE, NULL, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'v', "a(sasbttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sasbttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'r', "sasbttttuii");
        if (r > 0)
                r = sd_bus_message_read(reply, "s", &program);
        if (r > 0)
                r = sd_bus_message_read_strv(reply, &words);
        return r < 0 ? NULL : words;
}

static void words_free(char **words) {
        for (char **w = words; w && *w; w++)
                free(*w);
        free(words);
}

static int settled(Gate *g) {
        g->verdict.settled = true;
        return sd_event_exit(g->event, 0);
}

/* Nobody to ask: a joiner does no harm, and nothing more is allowed. */
static int without_agent(Gate *g, const char *why) {
        say_alone(why, "Mainstay's agent does not answer (%s). mysqld starts as a joiner, which can bootstrap nothing. See: systemctl status mainstayd", why);
        (void) snprintf(g->verdict.text, sizeof(g->verdict.text), "It joins, without the word of the agent.");
        g->verdict.alone = true;
        return settled(g);
}

static int ask(Gate *g);

static int retry_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        return ask(userdata);
}

static int try_again(Gate *g, const char *why) {
        usec_t now = clock_usec(CLOCK_MONOTONIC);

        if (g->failed_at == 0 || now - g->failed_at > AGENT_STAYED)
                g->patience_ends = now + AGENT_PATIENCE;
        g->failed_at = now;
        if (now >= g->patience_ends)
                return without_agent(g, why);
        tell_wait("the agent does not answer; it is given time to come back");
        g->retry = sd_event_source_disable_unref(g->retry);
        return sd_event_add_time(g->event, &g->retry, CLOCK_MONOTONIC, now + AGENT_RETRY, 10 * USEC_PER_MSEC, retry_fired, g);
}

static int answered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Gate *g = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        const char *verdict, *text, *at;

        g->call = sd_bus_slot_unref(g->call);
        if (e)
                return try_again(g, str_or(e->message, e->name));
        if (sd_bus_message_read(m, "sss", &verdict, &text, &at) < 0)
                return without_agent(g, "its answer is not understood");

        g->verdict.bootstrap = streq(verdict, "bootstrap");
        g->verdict.resume = streq(verdict, "resume");
        g->verdict.refused = !g->verdict.bootstrap && !g->verdict.resume && !streq(verdict, "join");
        (void) snprintf(g->verdict.text, sizeof(g->verdict.text), "%s", text);
        g->verdict.have_position = position_parse(at, strlen(at), &g->verdict.position) >= 0;
        return settled(g);
}

static int waiting_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *text;
        int r;

        r = sd_bus_message_skip(m, "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0 && streq(name, "Waiting")) {
                        r = sd_bus_message_read(m, "v", "s", &text);
                        if (r >= 0 && *text)
                                tell_wait(text);
                } else if (r >= 0)
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return 0;
}

static int connect_bus(Gate *g) {
        int r;

        g->bus = sd_bus_close_unref(g->bus);
        r = sd_bus_open_system(&g->bus);
        if (r >= 0)
                r = sd_bus_attach_event(g->bus, g->event, 0);
        if (r >= 0)
                r = sd_bus_match_signal(g->bus, NULL, "org.mainstay1", "/org/mainstay1", "org.freedesktop.DBus.Properties", "PropertiesChanged", waiting_changed, g);
        if (r < 0)
                g->bus = sd_bus_close_unref(g->bus);
        return r;
}

static int ask(Gate *g) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        /* Where the bus begins anew the agent does, too. */
        if (sd_bus_is_open(g->bus) <= 0) {
                r = connect_bus(g);
                if (r < 0)
                        return try_again(g, strerror(-r));
        }
        r = sd_bus_message_new_method_call(g->bus, &m, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Gate", "Enter");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", str_or(getenv("INVOCATION_ID"), ""));
        if (r >= 0)
                r = g->new_cluster ? sd_bus_message_append(m, "as", 1, "new-cluster") : sd_bus_message_append(m, "as", 0);
        if (r >= 0)
                /* The answer may take hours. Should the agent die, the bus says so. */
                r = sd_bus_call_async(g->bus, &g->call, m, answered, g, UINT64_MAX);
        return r < 0 ? try_again(g, strerror(-r)) : 0;
}

static int extend_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) sd_notifyf(false, "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long) EXTEND_BY);
        (void) sd_event_source_set_time(source, usec + EXTEND_PERIOD);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* `systemctl stop` while it waits: end at once, for the unit sends no SIGKILL. */
static int terminated(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        Gate *g = userdata;

        g->verdict.refused = true;
        (void) snprintf(g->verdict.text, sizeof(g->verdict.text), "stopped while it waited");
        return settled(g);
}

static void gate_done(Gate *g) {
        g->call = sd_bus_slot_unref(g->call);
        g->retry = sd_event_source_disable_unref(g->retry);
        g->extend = sd_event_source_disable_unref(g->extend);
        g->bus = sd_bus_flush_close_unref(g->bus);
        g->event = sd_event_unref(g->event);
}

static int gate_ask(Gate *g) {
        sigset_t set;
        int r;

        r = sd_event_default(&g->event);
        if (r < 0)
                return r;
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        r = sd_event_add_signal(g->event, NULL, SIGTERM, terminated, g);
        if (r >= 0)
                r = sd_event_add_signal(g->event, NULL, SIGINT, terminated, g);
        if (r >= 0)
                r = sd_event_add_time(g->event, &g->extend, CLOCK_MONOTONIC, clock_usec(CLOCK_MONOTONIC), USEC_PER_SEC, extend_fired, g);
        if (r < 0)
                return r;

        r = connect_bus(g);
        if (r < 0) {
                say_alone(strerror(-r), "The system bus cannot be reached (%s). mysqld starts as a joiner, which can bootstrap nothing.", strerror(-r));
                g->verdict.alone = true;
                return 0;
        }
        g->command = read_command(g->bus);
        r = ask(g);
        if (r >= 0)
                r = sd_event_loop(g->event);
        return r;
}

/* The datadir, as mysqld's own user */

static int become_owner(int dirfd, const char *datadir) {
        struct stat st;
        struct passwd *pw;

        if (geteuid() != 0)
                return 0;
        if (fstat(dirfd, &st) < 0)
                return -errno;
        if (st.st_uid == 0) {
                say_refused("the datadir %s belongs to root, so mysqld's own user is not known. Give it to that user (chown).", datadir);
                return -EPERM;
        }
        errno = 0;
        pw = getpwuid(st.st_uid);
        if (!pw)
                return errno ? -errno : -ESRCH;
        if (initgroups(pw->pw_name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0)
                return -errno;
        return 0;
}

/* No data, or half a copy of others: what libgalera leaves with an empty file
 * where a state transfer fails. */
static bool holds_nothing(int dirfd) {
        static const char *const signs[] = { "ibdata1", "mysql", "mysql.ibd", "aria_log_control" };

        if (faccessat(dirfd, "sst_in_progress", F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return true;
        for (size_t i = 0; i < ELEMENTS(signs); i++)
                if (faccessat(dirfd, signs[i], F_OK, AT_SYMLINK_NOFOLLOW) >= 0 || errno != ENOENT)
                        return false;
        return true;
}

/* Where it cannot be judged Galera would guess, or a full copy would overwrite
 * data that nobody has judged. None at all is a new node. */
static int check_grastate(int dirfd, const char *datadir) {
        _cleanup_free_ char *text = NULL;
        char error[256] = "";
        Grastate g;
        size_t size;
        int r;

        r = file_read(dirfd, GRASTATE, GRASTATE_SIZE_MAX, &text, &size, NULL);
        if (r == -ENOENT)
                return 0;
        if (r >= 0 && size == 0 && holds_nothing(dirfd))
                return 0;
        if (r >= 0)
                r = grastate_parse(text, size, &g, error);
        if (r >= 0)
                return 0;
        say_refused("%s/" GRASTATE " cannot be used: %s. Nothing was touched. "
                  "To keep this node's data, put the right file in its place, from a backup. To give them up and take a full copy from the cluster (SST), type: mv %s/" GRASTATE " %s/" GRASTATE ".bad; and start mysqld again.",
                  datadir, error[0] ? error : r == -E2BIG ? "it is too large to be one" : r == -ELOOP || r == -ENOTSUP ? "it is no regular file" : strerror(-r),
                  datadir, datadir);
        (void) sd_notify(false, "STATUS=Mainstay: not started. " GRASTATE " cannot be used; journalctl -t mainstay-gate says what to do.");
        return r;
}

/* It names whoever was Primary last, and Galera would make that Primary again
 * by itself: set aside, and kept. */
static int set_view_aside(int dirfd) {
        int r;

        if (faccessat(dirfd, GVWSTATE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        r = file_rename(dirfd, GVWSTATE, GVWSTATE_ASIDE, false);
        if (r < 0)
                say_refused("%s cannot be set aside (%s), and with it this node could make itself Primary, whatever its data.", GVWSTATE, strerror(-r));
        return r;
}

/* Galera refuses --wsrep-new-cluster without the flag, also where the position
 * was recovered. */
static int allow_bootstrap(int dirfd, const Verdict *v) {
        _cleanup_free_ char *text = NULL;
        char error[256] = "", fresh[512];
        Grastate g;
        size_t size;
        int r;

        r = file_read(dirfd, GRASTATE, GRASTATE_SIZE_MAX, &text, &size, NULL);
        if (r == -ENOENT && !v->have_position)
                return 0; /* a new cluster */
        if (r >= 0)
                r = grastate_parse(text, size, &g, error);
        /* Cut off in the middle of a schema change: without its uuid, Galera would begin
         * another cluster. */
        if (r >= 0 && v->have_position && uuid_is_zero(&g.position.uuid))
                g.position = (Position) { v->position.uuid, SEQNO_UNDEFINED };
        if (r >= 0 && v->have_position && !uuid_equal(&g.position.uuid, &v->position.uuid)) {
                (void) snprintf(error, sizeof(error), "it changed since the agent read it");
                r = -ESTALE;
        }
        if (r < 0) {
                say_refused("%s: %s.", GRASTATE, error[0] ? error : strerror(-r));
                return r;
        }
        g.safe_to_bootstrap = GRASTATE_SAFE_YES;
        size = grastate_format(&g, fresh);
        r = file_write(dirfd, GRASTATE, fresh, size, 0660);
        if (r < 0)
                say_refused("%s cannot be written: %s.", GRASTATE, strerror(-r));
        return r;
}

/* The agent would have passed the position on, and the unit's own way of finding
 * it gave way to the agent's. Where it is not found mysqld starts all the same. */
static int find_position(int dirfd, const char *datadir, const char *dir, const char *server, const char *options, Verdict *v) {
        _cleanup_close_ int serverfd = -1;
        char at[POSITION_TEXT_MAX];
        Recovery found;
        int r;

        if (!position_wanted(dirfd))
                return 0;
        serverfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = serverfd < 0 ? -errno : position_find(server, datadir, options, serverfd, dir, tell_wait, &found);
        if (r == -ECANCELED) {
                say_refused("stopped while the position of its data was looked for");
                return r;
        }
        if (r >= 0 && found.outcome == RECOVERY_LOCKED) {
                say_refused("another one runs on %s, outside of its unit. Stop that one (look for it with: ps -C mariadbd,mysqld), then start mysqld again.", datadir);
                return -EBUSY;
        }
        if (r >= 0 && found.outcome != RECOVERY_POSITION) {
                log_warning("The position of the data is not known, so this node may be sent a full copy (SST): %s", found.text);
                return 0;
        }
        if (r >= 0)
                r = position_write(dirfd, &found.position);
        if (r < 0) {
                log_warning("The position of the data is not known (%s), so this node may be sent a full copy (SST).",
                            r == -ESTALE ? "they are of another cluster than " GRASTATE " says" : strerror(-r));
                return 0;
        }
        v->have_position = true;
        v->position = found.position;
        if (r > 0)
                log_info("The data have come to %s. That is written to " GRASTATE ", so that the other nodes need send no more than what is missing.", position_text(&found.position, at));
        return 0;
}

/* A server that was cut while it was paused has a seqno in its file that its data,
 * where not each commit is written to the disk at once, may not have any more.
 * Galera goes by the file, and would ask for too little. */
static void lower_position(int dirfd, const Verdict *v) {
        char at[POSITION_TEXT_MAX];
        int r;

        r = v->have_position ? position_lower(dirfd, &v->position) : 0;
        if (r > 0)
                log_warning("The data have come to %s, and " GRASTATE " said more. That was corrected, so that the other nodes send all that is missing.", position_text(&v->position, at));
        else if (r < 0 && r != -ENOENT)
                log_warning(GRASTATE " could not be compared with the position of the data: %s", strerror(-r));
}

/* Without a section of its own this start would be recorded as part of the one
 * before, and what is said of that one would be believed of this. */
static int open_section(const char *dir, const Verdict *v) {
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        uint64_t section;
        int r, k;

        if (fd < 0) {
                r = -errno;
                log_warning("There is no record of this start (%s: %s), so before a bootstrap every configured node must be heard. Run: mainstayctl setup", dir, strerror(-r));
                return r == -ENOENT ? 0 : r;
        }
        r = record_open_section(fd, clock_usec(CLOCK_REALTIME), str_or(getenv("INVOCATION_ID"), ""),
                                v->have_position ? &v->position : NULL, &section);
        if (r >= 0)
                return 0;
        k = record_lose(fd);
        if (k < 0 && k != -ENOENT) {
                say_refused("the record of views in %s can neither be written (%s) nor set aside (%s), and would tell of another start. Is the disk full, or read-only? Run: mainstayctl setup",
                          dir, strerror(-r), strerror(-k));
                return k;
        }
        log_warning("The record of views in %s cannot be written (%s) and is set aside: before a bootstrap every configured node must be heard.", dir, strerror(-r));
        return 0;
}

/* What the agent, which is not there now, has left to be held to. */
static int check_kept_out(const char *serverdir) {
        _cleanup_free_ char *path = NULL, *why = NULL;
        size_t size;
        int r;

        if (asprintf(&path, "%s/../" STORE_KEPT_OUT, serverdir) < 0)
                return -ENOMEM;
        r = file_read(AT_FDCWD, path, 4096, &why, &size, NULL);
        if (r == -ENOENT)
                return 0;
        say_refused("this node is kept out of the cluster. %s See: systemctl status mainstayd", r < 0 ? strerror(-r) : why);
        return -EPERM;
}

/* Where `provision` exchanges the data entry by entry, a cut leaves a part of them. The
 * agent goes on with it; until then a server would take that part for all, and a script
 * that comes before it would make a new database of it. */
static int check_whole(const char *datadir) {
        _cleanup_close_ int fd = open(datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || !within_is_between(within_state(fd)))
                return 0;
        say_refused("the data in %s are being exchanged for a copy, and but a part of them is in place. Mainstay's agent goes on with that when it runs (systemctl start mainstayd). "
                  "Where its job has failed, what it wants is in mainstayctl job show; then: mainstayctl provision rollback --force=primary", datadir);
        (void) sd_notifyf(false, "STATUS=Mainstay: not started. But a part of the data is in place, for they are being exchanged for a copy.");
        return -EBUSY;
}

static int prepare(const char *datadir, const char *basedir, const char *serverdir, const char *server, bool wsrep, bool asynchronous, Verdict *v) {
        _cleanup_close_ int dirfd = -1, basefd = -1;
        int r;

        dirfd = open(datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0) {
                r = -errno;
                say_refused("the datadir %s cannot be opened: %s.", datadir, strerror(-r));
                return r;
        }
        r = become_owner(dirfd, datadir);
        if (r < 0) {
                say_refused("its own user cannot be taken on: %s.", strerror(-r));
                return r;
        }
        r = asynchronous ? check_whole(datadir) : 0;
        if (r < 0)
                return r;
        /* What an earlier start has left that was cut off. */
        file_sweep(dirfd, GRASTATE);
        /* What Galera once left there is nothing to a server without it. */
        r = asynchronous ? 0 : check_grastate(dirfd, datadir);
        if (r >= 0 && v->alone && wsrep)
                r = check_kept_out(serverdir);
        if (r >= 0 && v->alone && wsrep)
                r = find_position(dirfd, datadir, serverdir, server, getenv("MAINSTAY_OPTIONS"), v);
        if (r < 0)
                return r;
        basefd = streq(datadir, basedir) ? dup(dirfd) : open(basedir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (basefd < 0 && errno != ENOENT) {
                r = -errno;
                say_refused("%s, where gvwstate.dat lies, cannot be opened: %s.", basedir, strerror(-r));
                return r;
        }
        if (!v->alone && !asynchronous)
                lower_position(dirfd, v);
        r = basefd < 0 || v->resume ? 0 : set_view_aside(basefd);
        if (r >= 0 && v->bootstrap)
                r = allow_bootstrap(dirfd, v);
        if (r >= 0 && !asynchronous)
                r = open_section(serverdir, v);
        return r;
}

int main(int argc, char *argv[]) {
        Gate g = {0};
        const char *flag = getenv("_WSREP_NEW_CLUSTER");
        const char *datadir = str_or(getenv("MAINSTAY_DATADIR"), "/var/lib/mysql");
        const char *basedir = str_or(getenv("MAINSTAY_BASE_DIR"), datadir);
        const char *serverdir = str_or(getenv("MAINSTAY_SERVER_DIR"), SERVER_DIR);
        const char *server = str_or(getenv("MAINSTAY_SERVER"), str_or(discovery_server(), DISCOVERY_SERVER_DEFAULT));
        bool wsrep = true, asynchronous = false; /* unless its configuration says otherwise */
        int r;

        /* Before whatever the unit does to the data itself. */
        if (argc > 1 && streq(argv[1], "--whole"))
                return check_whole(datadir) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        g.new_cluster = flag && *flag;
        r = gate_ask(&g);
        gate_done(&g);
        if (r < 0) {
                say_alone(strerror(-r), "Mainstay's agent cannot be asked (%s). mysqld starts as a joiner, which can bootstrap nothing.", strerror(-r));
                g.verdict.alone = true;
        }

        if (g.verdict.refused) {
                log_error("mysqld is not started: %s", g.verdict.text);
                (void) sd_notifyf(false, "STATUS=Mainstay: not started. %s", g.verdict.text);
                return EXIT_FAILURE;
        }
        if (g.new_cluster && !g.verdict.bootstrap) {
                say_unauthorised("a bootstrap was asked for (_WSREP_NEW_CLUSTER), and nobody has authorised it. "
                          "Remove it (systemctl unset-environment _WSREP_NEW_CLUSTER), and type: systemctl start mainstay-bootstrap");
                return EXIT_FAILURE;
        }
        if (config_check(server, getenv("MAINSTAY_OPTIONS"), g.command, datadir, basedir, g.verdict.bootstrap, &wsrep, &asynchronous) < 0)
                return EXIT_FAILURE;
        words_free(TAKE(g.command));
        if (prepare(datadir, basedir, serverdir, server, wsrep, asynchronous, &g.verdict) < 0)
                return EXIT_FAILURE;
        /* Until mysqld has something to say itself: how it will get what it missed. */
        if (g.verdict.bootstrap || !g.verdict.text[0])
                (void) sd_notify(false, "STATUS=");
        else
                (void) sd_notifyf(false, "STATUS=Mainstay: mysqld starts. %s", g.verdict.text);
        return EXIT_SUCCESS;
}
