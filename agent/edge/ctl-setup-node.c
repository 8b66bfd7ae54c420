/* Setup: accounts, what comes with them, groups and directories. */
#include "edge/ctl-setup.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>

/* To pam_systemd every login through ssh is a person's, for whom it has logind
 * start `systemd --user` first. A peer needs no such thing, and waits for it
 * just when all nodes boot at once: measured, half a second. A masked one is no
 * error to logind. */
static int manager_step(Setup *s, uid_t uid) {
        char unit[32], path[64], target[16];
        ssize_t n;

        (void) snprintf(unit, sizeof(unit), "user@%u.service", (unsigned) uid);
        (void) snprintf(path, sizeof(path), "/etc/systemd/system/%s", unit);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0 && errno != ENOENT && errno != EINVAL)
                return -errno;
        target[n < 0 ? 0 : n] = 0;
        if (streq(target, "/dev/null")) {
                setup_already(s, "%s is masked: no user manager for " PEER_USER, unit);
                return 0;
        }
        if (s->args->check) {
                setup_missing(s, "", "%s is not masked: every login of " PEER_USER " waits for a user manager that nobody needs", unit);
                return 0;
        }
        const char *const argv[] = { "systemctl", "mask", "--quiet", unit, NULL };
        if (setup_must(s, argv) < 0)
                return 0;
        setup_done(s, "masked %s: no user manager for " PEER_USER, unit);
        return 0;
}

int setup_users(Setup *s) {
        static const char *const users[] = { AGENT_USER, PEER_USER };
        static const char *const argv[] = { "systemd-sysusers", "mainstay.conf", NULL };
        bool all = true;
        const struct passwd *p;

        for (size_t i = 0; i < ELEMENTS(users); i++)
                all = all && getpwnam(users[i]);
        if (!all) {
                if (s->args->check) {
                        setup_missing(s, "", "the accounts " AGENT_USER " and " PEER_USER);
                        return 0;
                }
                if (setup_must(s, argv) < 0)
                        return 0;
        }

        /* The agent's first: the next question takes its answer's place. */
        p = getpwnam(AGENT_USER) ? getpwnam(PEER_USER) : NULL;
        if (!p) {
                setup_missing(s, "", "the accounts " AGENT_USER " and " PEER_USER ": systemd-sysusers did not make them");
                return 0;
        }
        if (strstr(p->pw_shell, "nologin") || strstr(p->pw_shell, "/false")) {
                setup_missing(s, "usermod --shell /bin/sh " PEER_USER, "a login shell for " PEER_USER ": ssh runs what other nodes call through it");
                return 0;
        }
        if (all)
                setup_already(s, "accounts " AGENT_USER " and " PEER_USER);
        else
                setup_done(s, "made the accounts " AGENT_USER " and " PEER_USER);
        return manager_step(s, p->pw_uid);
}

static bool in_group(const char *user, gid_t primary, gid_t wanted) {
        gid_t groups[256];
        int n = (int) ELEMENTS(groups);

        if (getgrouplist(user, primary, groups, &n) < 0)
                return false;
        for (int i = 0; i < n; i++)
                if (groups[i] == wanted)
                        return true;
        return false;
}

int setup_server_mode(const Setup *s, const char *path, mode_t mode) {
        bool datadir = streq(path, s->facts.config->datadir);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (datadir ? O_DIRECTORY : O_NOFOLLOW));
        struct stat st;

        if (fd < 0)
                return errno == ELOOP ? -EPERM : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!s->facts.have_datadir || st.st_uid != s->facts.datadir.st_uid || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
                return -EPERM;
        return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* The group may do `bits` with `path`. */
static int group_may(Setup *s, const char *path, mode_t bits, const char *what) {
        struct stat st;
        int r;

        if (stat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if ((st.st_mode & bits) == bits)
                return 0;
        if (s->args->check) {
                setup_missing(s, "", "the group of %s may not %s it, and the agent belongs to that group", path, what);
                return 0;
        }
        (void) setup_record("mode %04o %s", (unsigned) (st.st_mode & 07777), path);
        r = setup_server_mode(s, path, (st.st_mode & 07777) | bits);
        if (r == -EPERM)
                setup_missing(s, "", "the group of %s may not %s it, and it is a link or not the server's own: mend that by hand", path, what);
        if (r < 0)
                return r == -EPERM ? 0 : r;
        setup_done(s, "let the group of %s %s it", path, what);
        return 0;
}

/* A file system of their own is to be there before anything is made of the directory. */
static bool is_mounted(Setup *s) {
        const char *datadir = s->facts.config->datadir;
        const char *const escape[] = { "systemd-escape", "--path", "--suffix=mount", datadir, NULL };
        _cleanup_free_ char *unit = NULL, *state = NULL, *remedy = NULL;

        if (!s->facts.bus || setup_run(escape, &unit, NULL) != 0)
                return true;
        unit[strcspn(unit, "\n")] = '\0';
        if (setup_run((const char *const []) { "systemctl", "show", "--property=LoadState", "--property=ActiveState", unit, NULL }, &state, NULL) != 0 ||
            !strstr(state, "LoadState=loaded") || strstr(state, "ActiveState=active"))
                return true;
        if (asprintf(&remedy, "systemctl start %s", unit) < 0)
                remedy = NULL;
        setup_missing(s, str_or(remedy, ""), "the file system of %s, which is not mounted: the server does not start without it", datadir);
        return false;
}

int setup_groups(Setup *s) {
        static const char *const files[] = { "grastate.dat", "gvwstate.dat" };
        const Facts *f = &s->facts;
        const struct passwd *p = getpwnam(AGENT_USER);
        const struct group *g;
        int r;

        if (!is_mounted(s))
                return 0;
        if (!f->have_datadir) {
                setup_missing(s, "Where it is elsewhere: datadir in [node] of mainstay.conf", "the datadir %s is not there", f->config->datadir);
                return 0;
        }
        g = getgrgid(f->datadir.st_gid);
        if (!p || !g) {
                setup_missing(s, "", "the agent cannot get at %s: its group %u has no name, or " AGENT_USER " is no account", f->config->datadir,
                              (unsigned) f->datadir.st_gid);
                return 0;
        }
        if (f->datadir.st_gid == 0) {
                setup_missing(s, "", "%s belongs to the group root, which the agent must not be in. Give it to mysqld's own group.", f->config->datadir);
                return 0;
        }

        if (in_group(AGENT_USER, p->pw_gid, g->gr_gid))
                setup_already(s, AGENT_USER " is in the group %s, so that it can read the datadir", g->gr_name);
        else if (s->args->check)
                setup_missing(s, "", AGENT_USER " is not in the group %s, so it cannot read the datadir", g->gr_name);
        else {
                const char *argv[] = { "usermod", "--append", "--groups", g->gr_name, AGENT_USER, NULL };

                if (setup_must(s, argv) < 0)
                        return 0;
                s->restart_agent = true;
                setup_done(s, "put " AGENT_USER " into the group %s, so that it can read the datadir", g->gr_name);
        }

        r = group_may(s, f->config->datadir, S_IRGRP | S_IXGRP, "enter");
        for (size_t i = 0; r >= 0 && i < ELEMENTS(files); i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", i == 1 ? f->config->base_dir : f->config->datadir, files[i]) < 0)
                        return -ENOMEM;
                r = group_may(s, path, S_IRGRP, "read");
        }
        if (r >= 0 && f->unit_umask && strlen(f->unit_umask) == 4 && (f->unit_umask[2] & 4))
                setup_missing(s, "In a drop-in of the unit, under [Service]: UMask=0027",
                              "%s has UMask=%s: what mysqld writes from now on, its group cannot read", f->unit, f->unit_umask);
        return r;
}

typedef struct Directory {
        const char *path, *user, *group;
        mode_t mode;
} Directory;

/* 0: it is so; 1: it was not, and is now unless only looked at. */
static int directory_make(const Directory *d, bool check) {
        const struct passwd *p = getpwnam(d->user);
        const struct group *g = getgrnam(d->group);
        _cleanup_close_ int fd = -1;
        bool changed = false;
        struct stat st;

        if (!p || !g)
                return -ENXIO;
        fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
                if (check)
                        return 1;
                if (mkdir(d->path, 0700) < 0 || setup_sync(d->path) < 0)
                        return -errno;
                changed = true;
                fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != p->pw_uid || st.st_gid != g->gr_gid) {
                if (!check && fchown(fd, p->pw_uid, g->gr_gid) < 0)
                        return -errno;
                changed = true;
        }
        /* After the owner: that takes set-group-ID away. */
        if (changed || (st.st_mode & 07777) != d->mode) {
                if (!check && fchmod(fd, d->mode) < 0)
                        return -errno;
                changed = true;
        }
        return changed;
}

int setup_directories(Setup *s) {
        const Directory directories[] = {
                { STATE_DIR, AGENT_USER, AGENT_USER, 0755 },
                { SSH_DIR, AGENT_USER, AGENT_USER, 0700 },
                /* mysqld's user writes here, and what it writes is the agent's to read. */
                { SERVER_DIR, s->facts.user, AGENT_USER, 02750 },
                /* Root's: who comes in there cannot widen its own rights. */
                { PEER_HOME, "root", PEER_USER, 0750 },
                { PEER_HOME "/.ssh", "root", PEER_USER, 0750 },
        };
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTS(directories); i++) {
                const Directory *d = &directories[i];
                int r = directory_make(d, s->args->check);

                if (r == -ENXIO)
                        setup_missing(s, "", "%s: there is no user %s, or no group %s", d->path, d->user, d->group);
                else if (r < 0)
                        setup_missing(s, "", "%s: %s", d->path, strerror(-r));
                else if (r == 0)
                        n++;
                else if (s->args->check)
                        setup_missing(s, "", "%s, of %s:%s, mode %04o", d->path, d->user, d->group, (unsigned) d->mode);
                else
                        setup_done(s, "made %s, of %s:%s, mode %04o", d->path, d->user, d->group, (unsigned) d->mode);
        }
        if (n == ELEMENTS(directories))
                setup_already(s, "the directories below " STATE_DIR " and " PEER_HOME);
        return 0;
}
