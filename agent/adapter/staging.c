/* Copies beside the data; see staging.h. */
#include "adapter/staging.h"
#include "adapter/staging-within.h"
#include "base/amount.h"
#include "domain/json.h"
#include "sys/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sys/statvfs.h>

#define NOTE_MAX ((size_t) 1024 * 1024)
/* What redo and logs may grow by meanwhile. */
#define SLACK (UINT64_C(256) << 20)

static int open_dir(int parentfd, const char *name) {
        int fd = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int open_told(int parentfd, const char *name, char *text) {
        int fd = open_dir(parentfd, name);

        return fd < 0 ? datadir_fail(fd, text, "%s cannot be opened: %s", name, strerror(-fd)) : fd;
}

/* Where the names are of a copy and of the data set aside: beside the datadir, or, where
 * that is a file system of its own, within it. */
typedef struct Places {
        int fd;     /* the datadir; -1 where there is none of that name at the moment */
        int parent; /* of the two; borrowed */
        bool within;
        char new[NAME_MAX + 1], old[NAME_MAX + 1];
        int64_t here, made, kept; /* of which job the copy is that is in place, and in each of the two; else NO_COPY */
} Places;

#define NO_COPY INT64_C(-1)
/* Its note is damaged. Only a copy has one, so it is one; of which job nobody knows. */
#define TORN_COPY INT64_C(-2)

static void places_close(Places *p) {
        closep(&p->fd);
}
#define _cleanup_places_ _cleanup_(places_close)

static bool is_copy(int64_t of, int64_t job) {
        return of != NO_COPY && (job == 0 || of == job);
}

/* Its content, or an error that also tells of no note at all. */
static int read_note(int parentfd, const char *name, json_t **ret) {
        _cleanup_close_ int fd = open_dir(parentfd, name);
        _cleanup_free_ char *text = NULL;
        char error[256];
        size_t size;
        json_t *o;
        int r;

        r = fd < 0 ? fd : file_read(fd, STAGING_NOTE, NOTE_MAX, &text, &size, NULL);
        if (r >= 0)
                r = json_read(text, size, &o, error);
        if (r < 0)
                return r;
        if (!json_is_integer(json_object_get(o, "job"))) {
                json_decref(o);
                return -EBADMSG;
        }
        *ret = o;
        return 0;
}

/* A note that cannot be read just now is not one that is not there: what it stands for
 * might be taken for a copy that nobody needs. */
static int read_job(int parentfd, const char *name, int64_t *ret, char *text) {
        json_t *o = NULL;
        int r = read_note(parentfd, name, &o);

        *ret = r < 0 ? NO_COPY : json_integer_value(json_object_get(o, "job"));
        if (r >= 0)
                json_decref(o);
        if (r == -EBADMSG || r == -E2BIG) {
                *ret = TORN_COPY;
                return 0;
        }
        return r >= 0 || r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ENOTSUP ? 0 :
               datadir_fail(r, text, STAGING_NOTE " in %s cannot be read: %s", name, strerror(-r));
}

/* Where the own data are that a rollback could put back, NULL where there are none. */
static const char *kept_in(const Places *p) {
        const char *own = datadir_has(p->parent, p->old) ? p->old : p->new;
        Within state;

        if (p->within) {
                state = within_state(p->fd);
                return within_is_between(state) || (state == WITHIN_COPY && within_keeps(p->fd)) ? p->old : NULL;
        }
        return datadir_has(p->parent, own) && !is_copy(own == p->old ? p->kept : p->made, 0) && (p->fd < 0 || is_copy(p->here, 0)) ? own : NULL;
}

/* What is there, and what a person can do: a commit or a rollback is of any job. */
static int tell_torn(const Places *p, const char *name, char *text) {
        const char *torn = p->here == TORN_COPY ? name : p->made == TORN_COPY ? p->new : p->old, *kept = kept_in(p);
        bool below = p->within && torn != name;

        if (kept)
                return datadir_fail(-EBADMSG, text, STAGING_NOTE " in %.60s%s%.60s is damaged, so of which job the copy there is cannot be told, and nothing was changed. The data from before are in %s%s%.60s: "
                                    "mainstayctl provision rollback puts them back%s", below ? name : "", below ? "/" : "", torn, p->within ? name : "", p->within ? "/" : "", kept,
                                    is_copy(p->here, 0) ? ", provision commit deletes them" : "");
        return datadir_fail(-EBADMSG, text, STAGING_NOTE " in %.60s%s%.60s is damaged, so of which job the copy there is cannot be told, and nothing was changed. No data are kept from before: "
                            "mainstayctl provision commit leaves what is in %.60s, and removes any copy beside it", below ? name : "", below ? "/" : "", torn, name);
}

/* With `any`, of whatever job a copy is. */
static int places_read(int parentfd, const char *name, bool any, Places *p, char *text) {
        int r = read_job(parentfd, name, &p->here, text);

        if (r >= 0)
                r = read_job(p->parent, p->new, &p->made, text);
        if (r >= 0)
                r = read_job(p->parent, p->old, &p->kept, text);
        if (r < 0 || any || (p->here != TORN_COPY && p->made != TORN_COPY && p->kept != TORN_COPY))
                return r;
        return tell_torn(p, name, text);
}

static int places_open(int parentfd, const char *name, bool any, Places *ret, char *text) {
        int fd = open_dir(parentfd, name);

        *ret = (Places) { .fd = fd < 0 ? -1 : fd, .parent = parentfd };
        if (fd < 0 && fd != -ENOENT)
                return datadir_fail(fd, text, "%s cannot be opened: %s", name, strerror(-fd));
        _Static_assert(sizeof(STAGING_NEW) == sizeof(STAGING_OLD), "where there is room for one there is for the other");
        (void) snprintf(ret->old, sizeof(ret->old), "%s" STAGING_OLD, name);
        if (snprintf(ret->new, sizeof(ret->new), "%s" STAGING_NEW, name) >= (int) sizeof(ret->new))
                return datadir_fail(-ENAMETOOLONG, text, "%.200s is too long a name", name);
        if (fd < 0 || !within_is(parentfd, fd))
                return places_read(parentfd, name, any, ret, text);
        /* Made before that was mounted, or while it was not. */
        if (datadir_has(parentfd, ret->new) || datadir_has(parentfd, ret->old))
                return datadir_fail(-ESTALE, text, "%s is a file system of its own, but %s is beside it: was that mounted since? What is to be kept of the two, a person has to say", name,
                                    datadir_has(parentfd, ret->old) ? ret->old : ret->new);
        ret->within = true;
        ret->parent = fd;
        (void) snprintf(ret->new, sizeof(ret->new), STAGING_NEW);
        (void) snprintf(ret->old, sizeof(ret->old), STAGING_OLD);
        return places_read(parentfd, name, any, ret, text);
}

/* And one of the two that a server may run on must be there. */
static int places_in_use(int parentfd, const char *name, bool any, Places *ret, char *text) {
        int r = places_open(parentfd, name, any, ret, text);

        return r >= 0 && ret->fd < 0 && !datadir_has(parentfd, ret->old) ? datadir_fail(-ENOENT, text, "there is no %s: is its file system mounted?", name) : r;
}

/* And there must be a datadir. */
static int places_of(int parentfd, const char *name, bool any, Places *ret, char *text) {
        int r = places_open(parentfd, name, any, ret, text);

        return r >= 0 && ret->fd < 0 ? datadir_fail(-ENOENT, text, "%s cannot be opened: %s", name, strerror(ENOENT)) : r;
}

json_t *staging_note(int parentfd, const char *name, bool made) {
        _cleanup_places_ Places p = { .fd = -1 };
        char text[DATADIR_TEXT_MAX];
        json_t *o = NULL;
        int r;

        if (!made)
                r = read_note(parentfd, name, &o);
        else {
                r = places_open(parentfd, name, false, &p, text);
                if (r >= 0)
                        r = read_note(p.parent, p.new, &o);
        }
        return r < 0 ? NULL : o;
}

bool staging_within(int parentfd, const char *name) {
        _cleanup_close_ int fd = open_dir(parentfd, name);

        return fd >= 0 && within_is(parentfd, fd);
}

int staging_check(int parentfd, const char *name, uint64_t size, bool force_space, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        char wants[AMOUNT_SIZE], has[AMOUNT_SIZE];
        struct statvfs fs;
        uint64_t room;
        int r;

        r = places_of(parentfd, name, false, &p, text);
        if (r < 0)
                return r;
        r = datadir_check_data(p.fd, name, text);
        if (r > 0)
                r = datadir_check_whole(p.fd, text);
        if (r <= 0)
                return r;
        if (datadir_has(p.parent, p.old))
                return datadir_fail(0, text, "%s is still there, the data that an earlier copy has replaced: end that first, by mainstayctl provision commit, or rollback", p.old);
        if (fstatvfs(p.fd, &fs) < 0)
                return datadir_fail(-errno, text, "the free space cannot be told: %s", strerror(errno));
        room = (uint64_t) fs.f_bavail * fs.f_frsize;
        if (room < size + SLACK && !force_space)
                return datadir_fail(0, text, "there is no room for a copy beside the data: it takes %s and some slack, and %s are free. To try all the same: --force=space",
                            amount_bytes(size, wants), amount_bytes(room, has));
        return 1;
}

int staging_begin(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        int r;

        r = places_of(parentfd, name, false, &p, text);
        if (r < 0)
                return r;
        r = datadir_check_data(p.fd, name, text);
        if (r > 0)
                r = staging_discard(parentfd, name, job, text);
        if (r <= 0)
                return r;
        /* A copy of which nobody keeps what was there before is this node's own. */
        if (!datadir_has(p.parent, p.old) && ((unlinkat(p.fd, STAGING_NOTE, 0) < 0 && errno != ENOENT) || fsync(p.fd) < 0))
                return datadir_fail(-errno, text, "%s/" STAGING_NOTE " cannot be removed: %s", name, strerror(errno));
        r = datadir_make(p.parent, p.fd, p.new, text);
        return r < 0 ? r : 1;
}

int staging_open(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        int r = places_open(parentfd, name, false, &p, text);

        return r < 0 ? r : open_told(p.parent, p.new, text);
}

static int move_up(int fromfd, const char *entry, void *userdata, char *text) {
        int tofd = *(int *) userdata;

        return renameat2(fromfd, entry, tofd, entry, RENAME_NOREPLACE) < 0 ? datadir_fail(-errno, text, "%.200s of the clone cannot be moved: %s", entry, strerror(errno)) : 1;
}

int staging_hoist(int parentfd, const char *name, const char *sub, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = staging_open(parentfd, name, text), subfd = -1;
        int r = 1;

        if (fd < 0)
                return fd;
        subfd = open_dir(fd, sub);
        if (subfd < 0 && subfd != -ENOENT)
                return datadir_fail(subfd, text, "%s of the copy cannot be opened: %s", sub, strerror(-subfd));
        /* Renamed while it is read, a directory may leave some out. */
        if (subfd >= 0)
                do
                        r = datadir_each(subfd, move_up, &fd, text);
                while (r > 0 && unlinkat(fd, sub, AT_REMOVEDIR) < 0 && errno == ENOTEMPTY);
        if (r > 0 && (datadir_has(fd, sub) || fsync(fd) < 0))
                return datadir_fail(-EIO, text, "%s of the copy cannot be removed: %s", sub, strerror(errno));
        return r <= 0 || (datadir_has(fd, "mysql.ibd") && datadir_has(fd, "ibdata1")) ? r : datadir_fail(-ENOENT, text, "there is no whole clone in %s" STAGING_NEW, name);
}

static bool is_own(const char *entry) {
        size_t n = strlen(entry);

        return streq(entry, "mysqld-auto.cnf") || (n > 4 && streq(entry + n - 4, ".pem"));
}

static int carry(int fromfd, const char *entry, void *userdata, char *text) {
        _cleanup_free_ char *content = NULL;
        int tofd = *(int *) userdata, r;
        struct stat st;
        size_t size;

        if (!is_own(entry) || datadir_has(tofd, entry))
                return 1;
        r = file_read(fromfd, entry, NOTE_MAX, &content, &size, &st);
        if (r >= 0)
                r = file_write(tofd, entry, content, size, st.st_mode & 0777);
        if (r >= 0 && fchownat(tofd, entry, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        return r < 0 ? datadir_fail(r, text, "%.200s, which is this node's own, cannot be copied: %s", entry, strerror(-r)) : 1;
}

int staging_carry(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = staging_open(parentfd, name, text), own = -1;

        own = fd < 0 ? fd : open_told(parentfd, name, text);
        return own < 0 ? own : datadir_each(own, carry, &fd, text);
}

int staging_seal(int parentfd, const char *name, int64_t job, json_t *o, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = staging_open(parentfd, name, text);
        _cleanup_free_ char *note = NULL;
        int r;

        if (fd < 0)
                return fd;
        if (json_object_set_new(o, "job", json_integer(job)) < 0 || !(note = json_text(o, JSON_INDENT(1))))
                return datadir_fail(-ENOMEM, text, "memory is short");
        if (syncfs(fd) < 0)
                return datadir_fail(-errno, text, "the copy cannot be brought to the disk: %s", strerror(errno));
        r = file_write(fd, STAGING_NOTE, note, strlen(note), 0640);
        return r < 0 ? datadir_fail(r, text, STAGING_NOTE " of the copy cannot be written: %s", strerror(-r)) : 1;
}

static int rename_durably(int parentfd, const char *from, const char *to, char *text) {
        int r = file_rename(parentfd, from, to, true);

        return r < 0 ? datadir_fail(r, text, "%s cannot be renamed to %s: %s", from, to, strerror(-r)) : 1;
}

/* `from` in the place of `name`, and what was there under the name `to`. There is
 * something in place at every moment, but where the file system knows no exchange. */
static int exchange(int parentfd, const char *from, const char *name, const char *to, char *text) {
        int r;

        if (renameat2(parentfd, from, parentfd, name, RENAME_EXCHANGE) >= 0) {
                if (fsync(parentfd) < 0)
                        return datadir_fail(-errno, text, "the new names cannot be brought to the disk: %s", strerror(errno));
                return streq(from, to) ? 1 : rename_durably(parentfd, from, to, text);
        }
        if (errno != EINVAL && errno != ENOSYS)
                return datadir_fail(-errno, text, "%s and %s cannot exchange their names: %s", from, name, strerror(errno));
        if (streq(from, to))
                return datadir_fail(-ENOTSUP, text, "the file system cannot exchange names");
        r = rename_durably(parentfd, name, to, text);
        return r < 0 ? r : rename_durably(parentfd, from, name, text);
}

/* No server may run on either. */
static int check_both_unused(const Places *p, char *text) {
        _cleanup_close_ int copyfd = open_told(p->parent, p->new, text);
        int r = copyfd < 0 ? copyfd : datadir_check_unused(p->fd, text);

        return r > 0 ? datadir_check_unused(copyfd, text) : r;
}

static int swap_within(const Places *p, int64_t job, char *text) {
        Within state = within_state(p->fd);
        int r;

        if (state == WITHIN_COPY && is_copy(p->here, job))
                return within_swap(p->fd, text);
        if (state == WITHIN_COPY || (state == WITHIN_OWN && datadir_has(p->fd, STAGING_OLD)))
                return datadir_fail(0, text, STAGING_OLD " is in the way");
        if (!is_copy(p->made, job))
                return datadir_fail(0, text, STAGING_NEW " holds no whole copy of this job");
        r = check_both_unused(p, text);
        return r <= 0 ? r : within_swap(p->fd, text);
}

int staging_swap(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        int r;

        r = places_in_use(parentfd, name, false, &p, text);
        if (r < 0)
                return r;
        if (p.within)
                return swap_within(&p, job, text);
        if (is_copy(p.here, job)) /* done, but for the last name */
                return datadir_has(parentfd, p.new) && !datadir_has(parentfd, p.old) ? rename_durably(parentfd, p.new, p.old, text) : 1;
        if (!is_copy(p.made, job))
                return datadir_fail(0, text, "%s holds no whole copy of this job", p.new);
        if (p.fd < 0) /* between the two names */
                return rename_durably(parentfd, p.new, name, text);
        if (datadir_has(parentfd, p.old))
                return datadir_fail(0, text, "%s is in the way", p.old);
        r = check_both_unused(&p, text);
        if (r > 0)
                r = datadir_check_data(p.fd, name, text);
        return r <= 0 ? r : exchange(parentfd, p.new, name, p.old, text);
}

int staging_kept(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        int r;

        r = places_in_use(parentfd, name, true, &p, text);
        if (r < 0)
                return r;
        if (kept_in(&p))
                return 1;
        return datadir_fail(0, text, "no data from before a provision are kept beside %s", name);
}

static int back_within(const Places *p, const char *name, int64_t job, char *text) {
        Within state = within_state(p->fd);
        int r;

        if (state == WITHIN_OWN && is_copy(p->here, job))
                return datadir_fail(0, text, "the data that were there before are not kept any more");
        if (state == WITHIN_OWN || (state == WITHIN_COPY && !is_copy(p->here, job)))
                return job == 0 ? datadir_fail(0, text, "there is no copy in %s that a rollback could take out again", name) : 1;
        if (state == WITHIN_COPY && !within_keeps(p->fd))
                return datadir_fail(0, text, "the data that were there before are not all kept any more");
        /* Between the two they go back whoever has begun it. */
        r = datadir_check_unused(p->fd, text);
        return r <= 0 ? r : within_back(p->fd, text);
}

int staging_back(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        const char *own;
        int r;

        r = places_in_use(parentfd, name, job == 0, &p, text);
        if (r < 0)
                return r;
        if (p.within)
                return back_within(&p, name, job, text);
        if (p.fd < 0) /* between the two names */
                return rename_durably(parentfd, p.old, name, text);
        if (!is_copy(p.here, job)) {
                /* They are back, but the copy may still have their name. */
                if (is_copy(p.kept, job) && !datadir_has(parentfd, p.new))
                        return rename_durably(parentfd, p.old, p.new, text);
                return job == 0 ? datadir_fail(0, text, "there is no copy in %s that a rollback could take out again", name) : 1;
        }
        own = datadir_has(parentfd, p.old) ? p.old : p.new;
        if (!datadir_has(parentfd, own) || is_copy(own == p.old ? p.kept : p.made, job))
                return datadir_fail(0, text, "the data that were there before are not kept any more");
        r = datadir_check_unused(p.fd, text);
        if (r <= 0)
                return r;
        if (own == p.old && datadir_has(parentfd, p.new)) {
                r = datadir_remove(parentfd, p.new);
                if (r < 0)
                        return datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r));
        }
        return exchange(parentfd, own, name, p.new, text);
}

/* Are a node's own data, or a part of them, where a copy is made? */
static bool holds_own(const Places *p, int64_t job) {
        if (p->within) /* a commit that was cut off */
                return within_state(p->fd) == WITHIN_OWN && is_copy(p->here, 0) && datadir_has(p->fd, p->new);
        /* A swap that was cut off has left them there. */
        return datadir_has(p->parent, p->new) && is_copy(p->here, job) && !datadir_has(p->parent, p->old);
}

int staging_discard(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        _cleanup_close_ int fd = -1;
        int r;

        r = places_in_use(parentfd, name, job == 0, &p, text);
        if (r < 0)
                return r;
        fd = open_dir(p.parent, p.new);
        if (fd >= 0) {
                r = datadir_check_unused(fd, text);
                if (r <= 0)
                        return r;
        }
        if (p.within && within_is_between(within_state(p.fd)))
                return datadir_fail(0, text, "the exchange of the data has not come to its end, and nothing is removed");
        if (holds_own(&p, job))
                return datadir_fail(0, text, "%s holds the data that were in %s before, and is not removed: end that first, by mainstayctl provision commit, or rollback", p.new, name);
        r = datadir_remove(p.parent, p.new);
        if (r >= 0 && fsync(p.parent) < 0)
                r = -errno;
        return r < 0 ? datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r)) : 1;
}

int staging_commit(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_places_ Places p = { .fd = -1 };
        int r;

        r = places_of(parentfd, name, true, &p, text);
        if (r < 0)
                return r;
        if (datadir_has(p.parent, p.old)) {
                if (!is_copy(p.here, 0))
                        return datadir_fail(0, text, "what is in %s is no copy that Mainstay made, so %s is not deleted", name, p.old);
                /* From now on no rollback takes them for whole. */
                r = datadir_remove(p.parent, p.new);
                if (r < 0)
                        return datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r));
                r = rename_durably(p.parent, p.old, p.new, text);
                if (r < 0)
                        return r;
        } else if (!is_copy(p.here, 0) && !datadir_has(p.parent, p.new))
                return datadir_fail(0, text, "there is nothing to commit: no data are kept from before");
        /* From now on what is in place is this node's own. */
        if ((unlinkat(p.fd, STAGING_NOTE, 0) < 0 && errno != ENOENT) || fsync(p.fd) < 0)
                return datadir_fail(-errno, text, "%s/" STAGING_NOTE " cannot be removed: %s", name, strerror(errno));
        r = datadir_remove(p.parent, p.new);
        if (r < 0)
                return datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r));
        return fsync(p.fd) < 0 || fsync(p.parent) < 0 ? datadir_fail(-errno, text, "the removal cannot be brought to the disk: %s", strerror(errno)) : 1;
}
