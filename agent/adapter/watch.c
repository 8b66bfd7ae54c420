/* Files that matter; see watch.h.
 *
 * For each directory there are three kinds of inotify watches: on the
 * directory, for names that come and go; on each file that matters, for writes
 * in place; and on the nearest directory above it that exists, for the
 * directory itself to come, go or be replaced. If the path leads through a
 * symbolic link, that is watched for on both the link's side and the target's.
 */
#include "adapter/watch.h"

#include <limits.h>
#include <sys/inotify.h>

#define READS_MAX 16
#define RENEW_MAX 8

#define SELF (IN_DELETE_SELF | IN_MOVE_SELF)
#define DIR_MASK (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | SELF | IN_ONLYDIR)
#define FILE_MASK (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | SELF | IN_DONT_FOLLOW)

/* A directory above, and the name in it that leads to ours. */
typedef struct Anchor {
        int wd;
        char name[NAME_MAX + 1];
} Anchor;

typedef struct File {
        char *name;
        int wd;
} File;

typedef struct Dir {
        char *path;
        char *real; /* where the path led last, if elsewhere */
        int wd;
        Anchor anchor[2]; /* of `path` and of `real` */
        bool all;
        size_t n_files;
        File file[WATCH_NAMES_MAX];
} Dir;

struct Watch {
        int fd;
        sd_event_source *source;
        size_t n_dirs;
        Dir *dir[WATCH_DIRS_MAX];
        watch_changed_t changed;
        void *userdata;
};

/* One inode may serve several of us: two paths to one directory, or the
 * directory above two. inotify knows it once. */
static bool watch_uses(const Watch *w, int wd) {
        for (size_t i = 0; i < w->n_dirs; i++) {
                const Dir *d = w->dir[i];
                if (d->wd == wd || d->anchor[0].wd == wd || d->anchor[1].wd == wd)
                        return true;
                for (size_t k = 0; k < d->n_files; k++)
                        if (d->file[k].wd == wd)
                                return true;
        }
        return false;
}

/* Replaces one watch by another, or by none. */
static void watch_set(Watch *w, int *slot, int wd) {
        int old = *slot;

        *slot = wd;
        if (old >= 0 && old != wd && !watch_uses(w, old))
                (void) inotify_rm_watch(w->fd, old);
}

/* Not there, or not for us to see: it may come. */
static bool may_come(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -ELOOP;
}

/* Returns a watch, -1 for what may come, or another errno. IN_MASK_ADD, for an
 * inode may be watched as a file here and as something else there. */
static int watch_path(Watch *w, const char *path, uint32_t mask) {
        int wd = inotify_add_watch(w->fd, path, mask | IN_MASK_ADD);

        if (wd >= 0)
                return wd;
        return may_come(-errno) ? -1 : -errno;
}

/* Watches the nearest directory above `path` that exists. */
static int watch_anchor(Watch *w, Anchor *a, const char *path) {
        char buf[PATH_MAX];

        if (strlen(path) >= sizeof(buf))
                return -ENAMETOOLONG;
        strcpy(buf, path);
        for (;;) {
                char *slash = strrchr(buf, '/');
                if (!slash || slash[1] == '\0')
                        return -ENOENT; /* "/" has nothing above it */
                char name[NAME_MAX + 1];
                (void) snprintf(name, sizeof(name), "%s", slash + 1);
                slash[slash == buf] = '\0';

                int wd = watch_path(w, buf, DIR_MASK);
                if (wd >= 0) {
                        memcpy(a->name, name, sizeof(name));
                        watch_set(w, &a->wd, wd);
                        return 0;
                }
                if (wd != -1)
                        return wd;
        }
}

static int dir_renew_files(Watch *w, Dir *d) {
        int error = 0;

        for (size_t i = 0; i < d->n_files; i++) {
                char path[PATH_MAX];
                int n = snprintf(path, sizeof(path), "%s/%s", d->path, d->file[i].name);
                int wd = n < 0 || (size_t) n >= sizeof(path) ? -ENAMETOOLONG : watch_path(w, path, FILE_MASK);
                if (wd < -1)
                        error = wd;
                watch_set(w, &d->file[i].wd, wd < 0 ? -1 : wd);
        }
        return error;
}

/* Looks at the path anew. 0, 1 where the directory is not there, or an errno. */
static int dir_renew(Watch *w, Dir *d) {
        for (size_t i = 0; i < RENEW_MAX; i++) {
                int anchors[] = { d->anchor[0].wd, d->anchor[1].wd }, r;

                /* What is above first: what comes between is then seen there. */
                r = watch_anchor(w, &d->anchor[0], d->path);
                if (r < 0 && r != -ENOENT)
                        return r;
                if (d->real) {
                        r = watch_anchor(w, &d->anchor[1], d->real);
                        if (r < 0 && r != -ENOENT)
                                return r;
                }

                int wd = watch_path(w, d->path, DIR_MASK | (d->all ? IN_CLOSE_WRITE : 0));
                if (wd < -1)
                        return wd;
                watch_set(w, &d->wd, wd);
                if (wd >= 0) {
                        char *real = realpath(d->path, NULL);
                        if (real && streq(real, d->path))
                                free(TAKE(real));
                        bool same = streq_null(real, d->real);
                        free(d->real);
                        d->real = real;
                        if (!real)
                                watch_set(w, &d->anchor[1].wd, -1);
                        else if (!same)
                                continue; /* its own anchor is missing yet */
                        return dir_renew_files(w, d);
                }

                /* While it is absent each round may find more of the way to it. */
                if (anchors[0] == d->anchor[0].wd && anchors[1] == d->anchor[1].wd)
                        break;
        }

        for (size_t i = 0; i < d->n_files; i++)
                watch_set(w, &d->file[i].wd, -1);
        return d->wd >= 0 ? dir_renew_files(w, d) : 1;
}

/* Does this event matter to this directory? */
static bool dir_concerned(Dir *d, const struct inotify_event *e) {
        bool concerned = false;

        for (size_t i = 0; i < ELEMENTS(d->anchor); i++)
                if (d->anchor[i].wd == e->wd && (e->len == 0 || streq(e->name, d->anchor[i].name)))
                        concerned = true;
        if (d->wd == e->wd) {
                if (e->len == 0 || d->all)
                        concerned = true;
                for (size_t i = 0; i < d->n_files && !concerned; i++)
                        concerned = streq(e->name, d->file[i].name);
        }
        for (size_t i = 0; i < d->n_files; i++)
                if (d->file[i].wd == e->wd)
                        concerned = true;
        return concerned;
}

/* The kernel has dropped a watch: its number means nothing any more. */
static void dir_forget(Dir *d, int wd) {
        if (d->wd == wd)
                d->wd = -1;
        for (size_t i = 0; i < ELEMENTS(d->anchor); i++)
                if (d->anchor[i].wd == wd)
                        d->anchor[i].wd = -1;
        for (size_t i = 0; i < d->n_files; i++)
                if (d->file[i].wd == wd)
                        d->file[i].wd = -1;
}

static int watch_event(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        _Alignas(struct inotify_event) char buf[16384];
        Watch *w = userdata;
        bool concerned[WATCH_DIRS_MAX] = {}, any = false;
        int error = 0;

        /* Whoever writes faster than we read gets his turn again; so does everybody else. */
        for (size_t i = 0; i < READS_MAX; i++) {
                ssize_t n = read(w->fd, buf, sizeof(buf));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                for (ssize_t at = 0; at < n;) {
                        const struct inotify_event *e = (const struct inotify_event *) (buf + at);
                        at += (ssize_t) (sizeof(*e) + e->len);
                        for (size_t k = 0; k < w->n_dirs; k++) {
                                if ((e->mask & IN_Q_OVERFLOW) || dir_concerned(w->dir[k], e))
                                        concerned[k] = any = true;
                                if (e->mask & IN_IGNORED)
                                        dir_forget(w->dir[k], e->wd);
                        }
                }
        }
        if (!any)
                return 0;

        for (size_t i = 0; i < w->n_dirs; i++) {
                int r = concerned[i] ? dir_renew(w, w->dir[i]) : 0;
                if (r < 0)
                        error = r;
        }
        w->changed(w, error, w->userdata);
        return 0;
}

int watch_new(sd_event *event, watch_changed_t changed, void *userdata, Watch **ret) {
        _cleanup_(watch_freep) Watch *w = NULL;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (Watch) {
                .changed = changed,
                .userdata = userdata,
                .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
        };
        if (w->fd < 0)
                return -errno;
        r = sd_event_add_io(event, &w->source, w->fd, EPOLLIN, watch_event, w);
        if (r < 0)
                return r;

        *ret = TAKE(w);
        return 0;
}

static Dir *dir_free(Dir *d) {
        if (!d)
                return NULL;
        for (size_t i = 0; i < d->n_files; i++)
                free(d->file[i].name);
        free(d->path);
        free(d->real);
        free(d);
        return NULL;
}
DEFINE_CLEANUP(Dir, dir_free)

Watch *watch_free(Watch *w) {
        if (!w)
                return NULL;
        for (size_t i = 0; i < w->n_dirs; i++)
                (void) dir_free(w->dir[i]);
        (void) sd_event_source_disable_unref(w->source);
        closep(&w->fd);
        free(w);
        return NULL;
}

int watch_add(Watch *w, const char *dir, const char *const *names) {
        _cleanup_(dir_freep) Dir *d = NULL;
        int r;

        if (dir[0] != '/')
                return -EINVAL;
        if (w->n_dirs == WATCH_DIRS_MAX)
                return -E2BIG;

        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->wd = d->anchor[0].wd = d->anchor[1].wd = -1;
        d->all = !names;
        d->path = strdup(dir);
        if (!d->path)
                return -ENOMEM;
        for (size_t n = strlen(d->path); n > 1 && d->path[n - 1] == '/'; n--)
                d->path[n - 1] = '\0';
        for (size_t i = 0; i < w->n_dirs; i++)
                if (streq(w->dir[i]->path, d->path))
                        return -EEXIST;
        for (; names && *names; names++) {
                if (d->n_files == WATCH_NAMES_MAX)
                        return -E2BIG;
                d->file[d->n_files] = (File) { strdup(*names), -1 };
                if (!d->file[d->n_files++].name)
                        return -ENOMEM;
        }

        /* In the table already, so that what it shares with others counts as used. */
        w->dir[w->n_dirs++] = d;
        r = dir_renew(w, d);
        if (r < 0) {
                w->n_dirs--;
                for (size_t i = 0; i < d->n_files; i++)
                        watch_set(w, &d->file[i].wd, -1);
                watch_set(w, &d->wd, -1);
                watch_set(w, &d->anchor[0].wd, -1);
                watch_set(w, &d->anchor[1].wd, -1);
                return r;
        }
        d = NULL;
        return r;
}
