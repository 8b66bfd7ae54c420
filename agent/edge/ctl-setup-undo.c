/* `mainstayctl setup --undo`: takes back what setup did, the last first, so that mysqld
 * starts as it did before. It restarts no server, and what is undone already is no
 * mistake. What others put there stays; so does what Mainstay knows of this node, which
 * a later setup goes on from.
 *
 * It looks first whether that would hurt. What a node has promised lies on its disk, so
 * no agent need run for that. */
#include "adapter/job-store.h"
#include "adapter/staging.h"
#include "adapter/store.h"
#include "edge/ctl-key.h"
#include "edge/ctl-setup.h"
#include "edge/ctl-setup-undo.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>

#define DROPINS DROPIN_DIR "/*.conf"
#define OWN_DROPINS "/etc/systemd/system/mainstay-*.service.d/" DROPIN_NAME
#define PINS_PATH STATE_DIR "/replica.cnf"

static bool forced(const Setup *s, const char *check) {
        return names_contain(&s->args->force, check);
}

/* Unless a person has said that it is no matter. */
static _printf_(4, 5) void refuse(Setup *s, const char *check, const char *remedy, const char *format, ...) {
        _cleanup_free_ char *text = NULL, *all = NULL;
        va_list ap;
        int r;

        if (forced(s, check))
                return;
        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0 || asprintf(&all, "%s%sTo undo it all the same: --force=%s", remedy, *remedy ? "\n" : "", check) < 0)
                return;
        setup_missing(s, all, "%s", text);
}

/* What cannot be read may promise anything: a refusal, and -EBADMSG. A new reference, or
 * NULL where there is no such file. */
static int load(Setup *s, const char *path, const char *check, json_t **ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        *ret = NULL;
        r = setup_read(path, &text);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                *ret = json_loads(text, 0, NULL);
        if (json_is_object(*ret))
                return 0;
        refuse(s, check, "systemctl status mainstayd", "a %s that can be read: what this node has promised or begun is not known.", path);
        json_decref(*ret);
        *ret = NULL;
        return -EBADMSG;
}

static void check_promises(Setup *s) {
        const char *holder;
        json_t *o;

        if (load(s, STATE_DIR "/" STORE_NAME, "claim", &o) < 0)
                return;
        holder = json_string_value(json_object_get(json_object_get(o, "grant"), "holder"));
        if (json_object_get(o, "claim"))
                refuse(s, "claim", "mainstayctl status", "an end of the bootstrap that this node has claimed: the others wait for what comes of it.");
        if (json_object_get(o, "grant"))
                refuse(s, "claim", "mainstayctl status", "an end of the bootstrap of %s: this node has granted it, and must not lead meanwhile.", str_or(holder, "another node"));
        if (json_object_get(o, "aside"))
                refuse(s, "job", "mainstayctl status --watch", "the end of `recover`, which is setting the data of this node aside.");
        json_decref(o);
}

/* A file each; there is one at most that has not ended. */
static void check_jobs(Setup *s) {
        glob_t found = {};

        if (glob(STATE_DIR "/" JOB_STORE_NAME "/*.json", 0, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc; i++) {
                        JobState state;
                        json_t *o;

                        if (load(s, found.gl_pathv[i], "job", &o) < 0 || !o)
                                continue;
                        state = job_state_from_string(str_or(json_string_value(json_object_get(o, "state")), ""));
                        if (state < 0 || state == JOB_RUNNING || state == JOB_CANCELLING)
                                refuse(s, "job", "mainstayctl job follow", "the end of job %lld, %s.", (long long) json_integer_value(json_object_get(o, "id")),
                                       str_or(json_string_value(json_object_get(o, "kind")), "which runs"));
                        json_decref(o);
                }
        globfree(&found);
}

static void check_files(Setup *s) {
        const char *datadir = s->facts.config->datadir;
        _cleanup_free_ char *beside = NULL, *within = NULL, *pins = NULL, *kept_out = NULL;

        if (asprintf(&beside, "%s" STAGING_OLD, datadir) < 0)
                beside = NULL;
        if (asprintf(&within, "%s/" STAGING_OLD, datadir) < 0)
                within = NULL;
        if ((beside && access(beside, F_OK) == 0) || (within && access(within, F_OK) == 0))
                refuse(s, "old-data", "mainstayctl provision commit; or: provision rollback", "a word on the data from before a provision (%s): nobody else puts them back or deletes them.",
                       beside && access(beside, F_OK) == 0 ? beside : within);
        if (setup_read(STATE_DIR "/" STORE_KEPT_OUT, &kept_out) >= 0 && *kept_out)
                refuse(s, "kept-out", "mainstayctl status; mainstayctl recover", "a node that may join: this one is kept out because of its data, and without Mainstay its server would join with them. %.*s",
                       (int) strcspn(kept_out, "\n"), kept_out);
        if (setup_read(PINS_PATH, &pins) >= 0 && (strstr(pins, "\nread-only=ON") || strstr(pins, "-start\n")))
                refuse(s, "replica", "Put what it says into the server's own configuration: " PINS_PATH,
                       "a server that stays as Mainstay made it: read-only, or with its replication stopped. From its next start on it would not be so.");
}

static bool unit_is(const char *unit, const char *state) {
        const char *const argv[] = { "systemctl", "is-active", unit, NULL };
        _cleanup_free_ char *text = NULL;

        (void) setup_run(argv, &text, NULL);
        return text && strncmp(text, state, strlen(state)) == 0 && text[strlen(state)] == '\n';
}

static void check_start(Setup *s) {
        if (s->facts.unit && unit_is(s->facts.unit, "activating"))
                refuse(s, "start", "systemctl status mariadb, or mysql", "the end of a start of %s, which is under way, and may be waiting at the gate.", s->facts.unit);
}

/* Then nothing is held any more that these checks could save. */
static bool is_undone(void) {
        static const char *const enabled[] = { "systemctl", "--quiet", "is-enabled", AGENT_UNIT, NULL };
        glob_t found = {};
        bool there = glob(DROPINS, 0, NULL, &found) == 0;

        globfree(&found);
        return !there && setup_run(enabled, NULL, NULL) != 0;
}

/* What is there may go. 1 where it was there. */
static int take_file(Setup *s, const char *path) {
        _cleanup_free_ char *dir = strdup(path);
        char *slash = dir ? strrchr(dir, '/') : NULL;

        int r;

        if (unlink(path) < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        r = setup_sync(path);
        if (r < 0)
                return r;
        setup_done(s, "removed %s", path);
        if (slash && (strstr(path, ".d/") || strstr(path, DROPIN_DIR "/"))) {
                *slash = 0;
                (void) rmdir(dir); /* where it was ours alone */
        }
        return 1;
}

static int take_all(Setup *s, const char *pattern) {
        glob_t found = {};
        int r = 0, n = 0;

        if (glob(pattern, 0, NULL, &found) == 0)
                for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++) {
                        r = take_file(s, found.gl_pathv[i]);
                        n += r > 0;
                }
        globfree(&found);
        return r < 0 ? r : n;
}

static int undo_unit(Setup *s) {
        static const char *const files[] = { DROPINS, OWN_DROPINS, BUS_POLICY, POLKIT_RULE };
        static const char *const reload[] = { "systemctl", "daemon-reload", NULL };
        int n = 0;

        for (size_t i = 0; i < ELEMENTS(files); i++) {
                int r = take_all(s, files[i]);

                if (r < 0)
                        return r;
                n += r;
        }
        if (n == 0)
                setup_already(s, "no drop-in of Mainstay's: mysqld starts past no gate");
        else if (s->facts.bus)
                (void) setup_must(s, reload);
        return 0;
}

static int undo_server(Setup *s) {
        const char *dir = setup_conf_dir(), *names[] = { NOTIFY_NAME, PINS_NAME };
        _cleanup_free_ char *live = NULL, *failed = NULL;
        int n = 0;

        for (size_t i = 0; dir && i < ELEMENTS(names); i++) {
                char path[PATH_MAX];
                int r;

                (void) snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
                r = take_file(s, path);
                if (r < 0)
                        return r;
                n += r;
        }
        if (n == 0)
                setup_already(s, "nothing of Mainstay's in the server's configuration");
        if (setup_sql(s, "SELECT @@GLOBAL.wsrep_notify_cmd", &live, NULL) == 0 && strstr(live, "mainstay-notify")) {
                if (setup_sql(s, "SET GLOBAL wsrep_notify_cmd=''", NULL, &failed) == 0)
                        setup_done(s, "told the running server not to tell Mainstay of its views any more");
                else
                        setup_note(s, "The running server tells of its views until its next start. Nobody listens, and it does no harm.");
        }
        return 0;
}

/* A record that lacks what comes now would let the wrong node lead some day. Its numbers
 * are not used again, so it is set aside, as a lost one is; and what a server that runs on
 * has told since an --undo before does not take them along. */
static int undo_record(Setup *s) {
        _cleanup_close_ int fd = open(SERVER_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? -errno : record_lose(fd);

        if (r < 0)
                return r == -ENOENT || r == -ENOTDIR ? 0 : r;
        setup_done(s, "set the record of views aside, for what follows is not in it");
        return 0;
}

/* For this server alone, whatever it may write. */
static int undo_plugin(Setup *s, const char *what) {
        _cleanup_free_ char *failed = NULL, *statement = NULL;

        if (strspn(what, "abcdefghijklmnopqrstuvwxyz_") != strlen(what))
                return 0;
        if (asprintf(&statement, "UNINSTALL PLUGIN %s", what) < 0) {
                statement = NULL;
                return -ENOMEM;
        }
        if (setup_sql_local(s, statement, &failed) == 0)
                setup_done(s, "unloaded the server's plugin %s", what);
        return 0;
}

/* 1 where there is one, 0 where there is none; negative: the server does not answer. */
static int look_account(Setup *s, const char *name) {
        _cleanup_free_ char *ask = NULL, *there = NULL;

        if (!names_plain(name))
                return 0;
        if (asprintf(&ask, "SELECT COUNT(*) FROM mysql.user WHERE User = '%s' AND Host = 'localhost'", name) < 0) {
                ask = NULL;
                return -ENOMEM;
        }
        return setup_sql(s, ask, &there, NULL) == 0 ? there[0] != '0' : -EAGAIN;
}

static int drop_account(Setup *s, const char *name) {
        _cleanup_free_ char *drop = NULL, *failed = NULL;
        int there = look_account(s, name);

        if (there == 0)
                return 0;
        if (asprintf(&drop, "DROP USER IF EXISTS '%s'@'localhost'", name) < 0) {
                drop = NULL;
                return -ENOMEM;
        }
        if (there < 0)
                setup_note(s, "The database account %s cannot be looked for: the server does not answer. Once it does: %s", name, drop);
        else if (setup_sql(s, drop, NULL, &failed) == 0)
                setup_done(s, "dropped the database account %s. That replicates; a node that goes on with Mainstay makes it anew by `mainstayctl setup`", name);
        else
                setup_note(s, "The database account %s stays: %s. Where the server takes writes, type: %s", name, str_or(failed, "the server refuses"), drop);
        return 0;
}

static int leave_account(Setup *s, const char *name) {
        if (look_account(s, name) != 0)
                setup_note(s, "The database account %s stays, for other nodes may use it. When none does: DROP USER '%s'@'localhost'", name, name);
        return 0;
}

static int undo_account(Setup *s) {
        const char *account = s->facts.config->account;
        int (*each)(Setup *s, const char *name), r;

        r = setup_recorded("plugin", undo_plugin, s);
        if (r < 0)
                return r;
        if (!streq(account, AGENT_USER)) {
                setup_note(s, "The database account %s, which mainstay.conf names, stays. To be rid of it: DROP USER '%s'@'localhost'", account, account);
                return 0;
        }
        /* They are there for all nodes. */
        each = peers_are_gone(s) ? drop_account : leave_account;
        r = 0;
        if (look_account(s, account) == 0)
                setup_already(s, "no database account %s", account);
        else
                r = each(s, account);
        return r < 0 ? r : setup_recorded("account", each, s);
}

static int undo_agent(Setup *s) {
        static const char *const units[] = { AGENT_UNIT, "mainstay-backup.socket" };

        if (!s->facts.bus)
                return 0;
        for (size_t i = 0; i < ELEMENTS(units); i++) {
                const char *const enabled[] = { "systemctl", "--quiet", "is-enabled", units[i], NULL };
                const char *const active[] = { "systemctl", "--quiet", "is-active", units[i], NULL };
                const char *const disable[] = { "systemctl", "--quiet", "disable", "--now", units[i], NULL };

                if (setup_run(enabled, NULL, NULL) != 0 && setup_run(active, NULL, NULL) != 0)
                        setup_already(s, "%s is not enabled and does not run", units[i]);
                else if (setup_must(s, disable) >= 0)
                        setup_done(s, "stopped and disabled %s", units[i]);
        }
        return 0;
}

static int undo_replication(Setup *s) {
        static const char *const reload[] = { "systemctl", "daemon-reload", NULL };
        int r, n;

        /* The drop-in first: with it and without the file no agent starts. */
        r = n = take_file(s, REPLICATION_DROPIN);
        if (r >= 0)
                r = take_file(s, REPLICATION_FILE);
        if (n > 0 && s->facts.bus)
                (void) setup_must(s, reload);
        return r < 0 ? r : 0;
}

/* Lines that are not ours stay. */
static int undo_peer_keys(Setup *s) {
        _cleanup_free_ char *have = NULL, *rest = NULL;
        size_t n;
        int r;

        r = setup_read(AUTHORIZED, &have);
        if (r == -ENOENT) {
                setup_already(s, "no key of another node may come in");
                return 0;
        }
        if (r >= 0)
                r = key_without_ours(have, &rest, &n);
        if (r < 0)
                return r;
        if (!*rest)
                return take_file(s, AUTHORIZED);
        if (n == 0)
                return 0;
        r = setup_write(AUTHORIZED, rest, 0644);
        if (r >= 0)
                setup_done(s, "took %zu %s of other nodes out of " AUTHORIZED, n, n == 1 ? "key" : "keys");
        return r;
}

/* The directory is the agent's, which might have put another one in its place. */
static int undo_key(Setup *s) {
        static const char *const paths[] = { SSH_KEY, SSH_KEY ".pub", KNOWN_HOSTS };
        _cleanup_close_ int dirfd = open(SSH_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int n = 0;

        if (dirfd < 0 && errno != ENOENT)
                return -errno;
        for (size_t i = 0; dirfd >= 0 && i < ELEMENTS(paths); i++) {
                if (unlinkat(dirfd, strrchr(paths[i], '/') + 1, 0) >= 0) {
                        setup_done(s, "removed %s", paths[i]);
                        n++;
                } else if (errno != ENOENT)
                        return -errno;
        }
        if (n == 0)
                setup_already(s, "this node has no key");
        return n > 0 && fsync(dirfd) < 0 ? -errno : 0;
}

/* "0700 /var/lib/mysql", as it was before. What somebody has set since stays. */
static int undo_mode(Setup *s, const char *what) {
        unsigned mode;
        struct stat st;
        int n = 0, r;

        if (sscanf(what, "%4o %n", &mode, &n) < 1 || what[n] != '/' || stat(what + n, &st) < 0)
                return 0;
        if ((st.st_mode & 07777 & ~(mode_t) (S_IRGRP | S_IXGRP)) != (mode & ~(mode_t) (S_IRGRP | S_IXGRP)) || (st.st_mode & 07777) == mode)
                return 0;
        r = setup_server_mode(s, what + n, mode);
        if (r < 0)
                return r == -EPERM ? 0 : r;
        setup_done(s, "gave %s its mode %04o back", what + n, mode);
        return 0;
}

static int undo_groups(Setup *s) {
        const struct passwd *agent = getpwnam(AGENT_USER), *peer;
        const struct group *g;
        char unit[32], path[64], target[16];
        ssize_t n;
        int r;

        r = setup_recorded("mode", undo_mode, s);
        if (r < 0)
                return r;
        g = s->facts.have_datadir ? getgrgid(s->facts.datadir.st_gid) : NULL;
        for (char **m = g ? g->gr_mem : NULL; agent && m && *m; m++)
                if (streq(*m, AGENT_USER)) {
                        const char *const argv[] = { "gpasswd", "--delete", AGENT_USER, g->gr_name, NULL };

                        if (setup_must(s, argv) >= 0)
                                setup_done(s, "took " AGENT_USER " out of the group %s", g->gr_name);
                        break;
                }
        peer = getpwnam(PEER_USER);
        if (!peer)
                return 0;
        (void) snprintf(unit, sizeof(unit), "user@%u.service", (unsigned) peer->pw_uid);
        (void) snprintf(path, sizeof(path), "/etc/systemd/system/%s", unit);
        n = readlink(path, target, sizeof(target) - 1);
        target[n < 0 ? 0 : n] = 0;
        if (streq(target, "/dev/null")) {
                const char *const argv[] = { "systemctl", "unmask", "--quiet", unit, NULL };

                if (setup_must(s, argv) >= 0)
                        setup_done(s, "unmasked %s", unit);
        }
        return 0;
}

static int undo_rest(Setup *s) {
        int r = take_file(s, RECORD_PATH);

        if (r >= 0)
                setup_note(s, "What Mainstay knows of this node stays in " STATE_DIR ", and so do the accounts " AGENT_USER " and " PEER_USER ": they are the package's. Other nodes on which "
                              "Mainstay goes on wait for this one where it has to be heard: take it out of their wsrep_cluster_address or [peers].");
        return r < 0 ? r : 0;
}

typedef struct Undo {
        const char *name, *what;
        int (*run)(Setup *s);
} Undo;

/* First of all what stands before mysqld. The other nodes are asked while there is a key,
 * and nothing is taken from an agent that runs. */
static const Undo steps[] = {
        { "unit", "mysqld's unit", undo_unit },
        { "notify", "the server's configuration", undo_server },
        { "apparmor", "the server's confinement", undo_apparmor },
        { "account", "the database accounts", undo_account },
        { "agent", "the agent", undo_agent },
        { "record", "the record of views", undo_record },
        { "replication", "the account that replicates", undo_replication },
        { "peer-keys", "the other nodes' keys", undo_peer_keys },
        { "key", "this node's key", undo_key },
        { "groups", "the agent's groups", undo_groups },
        { "rest", "the rest", undo_rest },
};

static void check_all(Setup *s) {
        check_promises(s);
        check_jobs(s);
        check_files(s);
        check_start(s);
}

/* An agent that runs may promise or begin something yet: so it is looked for again once
 * it does not. What is refused before disturbs nobody. */
static void check(Setup *s) {
        static const char *const stop[] = { "systemctl", "stop", AGENT_UNIT, NULL };
        static const char *const start[] = { "systemctl", "start", "--no-block", AGENT_UNIT, NULL };

        check_all(s);
        if (s->missing > 0 || !s->facts.bus || unit_is(AGENT_UNIT, "inactive") || unit_is(AGENT_UNIT, "failed") || setup_must(s, stop) < 0)
                return;
        check_all(s);
        if (s->missing > 0)
                (void) setup_must(s, start);
        else
                setup_done(s, "stopped " AGENT_UNIT);
}

int setup_undo(Setup *s) {
        s->step = "check";
        if (!is_undone())
                check(s);
        if (s->missing > 0) {
                if (!s->args->json)
                        puts("\nNothing was undone.");
                return setup_finish(s);
        }
        for (size_t i = 0; i < ELEMENTS(steps); i++) {
                int r;

                s->step = steps[i].name;
                r = steps[i].run(s);
                if (r < 0)
                        setup_missing(s, "", "cannot take back %s: %s", steps[i].what, strerror(-r));
        }
        return setup_finish(s);
}
