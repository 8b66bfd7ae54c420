/* Copies beside the data; see staging.h. */
#include "adapter/staging.h"
#include "base/amount.h"
#include "sys/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sys/statvfs.h>

#define NOTE_MAX ((size_t) 1024 * 1024)
/* What redo and logs may grow by meanwhile. */
#define SLACK (UINT64_C(256) << 20)

typedef struct Places {
        char new[NAME_MAX + 1], old[NAME_MAX + 1];
} Places;

static int places(const char *name, Places *ret, char *text) {
        if (snprintf(ret->new, sizeof(ret->new), "%s" STAGING_NEW, name) >= (int) sizeof(ret->new) ||
            snprintf(ret->old, sizeof(ret->old), "%s" STAGING_OLD, name) >= (int) sizeof(ret->old))
                return datadir_fail(-ENAMETOOLONG, text, "%.200s is too long a name", name);
        return 0;
}

static int open_dir(int parentfd, const char *name) {
        int fd = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int open_told(int parentfd, const char *name, char *text) {
        int fd = open_dir(parentfd, name);

        return fd < 0 ? datadir_fail(fd, text, "%s cannot be opened: %s", name, strerror(-fd)) : fd;
}

static json_t *read_note(int parentfd, const char *name) {
        _cleanup_close_ int fd = open_dir(parentfd, name);
        _cleanup_free_ char *text = NULL;
        size_t size;
        json_t *o;

        if (fd < 0 || file_read(fd, STAGING_NOTE, NOTE_MAX, &text, &size, NULL) < 0)
                return NULL;
        o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        if (o && json_is_integer(json_object_get(o, "job")))
                return o;
        json_decref(o);
        return NULL;
}

static bool is_copy(int parentfd, const char *name, int64_t job) {
        json_t *o = read_note(parentfd, name);
        bool is = o && (job == 0 || json_integer_value(json_object_get(o, "job")) == job);

        json_decref(o);
        return is;
}

json_t *staging_note(int parentfd, const char *name, bool made) {
        char text[DATADIR_TEXT_MAX];
        Places p;

        if (!made)
                return read_note(parentfd, name);
        return places(name, &p, text) < 0 ? NULL : read_note(parentfd, p.new);
}

int staging_check(int parentfd, const char *name, uint64_t size, bool force_space, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = open_told(parentfd, name, text);
        char wants[AMOUNT_SIZE], has[AMOUNT_SIZE];
        struct statvfs fs;
        uint64_t room;
        Places p;
        int r;

        if (fd < 0)
                return fd;
        r = places(name, &p, text);
        if (r >= 0)
                r = datadir_check_place(parentfd, fd, name, text);
        if (r > 0)
                r = datadir_check_whole(fd, text);
        if (r <= 0)
                return r;
        if (datadir_has(parentfd, p.old))
                return datadir_fail(0, text, "%s is still there, the data that an earlier copy has replaced: end that first, by mainstayctl provision commit, or rollback", p.old);
        if (fstatvfs(fd, &fs) < 0)
                return datadir_fail(-errno, text, "the free space cannot be told: %s", strerror(errno));
        room = (uint64_t) fs.f_bavail * fs.f_frsize;
        if (room < size + SLACK && !force_space)
                return datadir_fail(0, text, "there is no room for a copy beside the data: it takes %s and some slack, and %s are free. To try all the same: --force=space",
                            amount_bytes(size, wants), amount_bytes(room, has));
        return 1;
}

int staging_begin(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = open_told(parentfd, name, text);
        Places p;
        int r;

        if (fd < 0)
                return fd;
        r = datadir_check_place(parentfd, fd, name, text);
        if (r > 0)
                r = staging_discard(parentfd, name, job, text);
        if (r <= 0)
                return r;
        r = places(name, &p, text);
        if (r < 0)
                return r;
        r = datadir_make(parentfd, fd, p.new, text);
        return r < 0 ? r : 1;
}

/* The place of the copy, and all three names. */
static int open_new(int parentfd, const char *name, Places *p, char *text) {
        int r = places(name, p, text);

        return r < 0 ? r : open_told(parentfd, p->new, text);
}

static int move_up(int fromfd, const char *entry, void *userdata, char *text) {
        int tofd = *(int *) userdata;

        return renameat2(fromfd, entry, tofd, entry, RENAME_NOREPLACE) < 0 ? datadir_fail(-errno, text, "%.200s of the clone cannot be moved: %s", entry, strerror(errno)) : 1;
}

int staging_hoist(int parentfd, const char *name, const char *sub, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = -1, subfd = -1;
        Places p;
        int r = 1;

        fd = open_new(parentfd, name, &p, text);
        if (fd < 0)
                return fd;
        subfd = open_dir(fd, sub);
        if (subfd < 0 && subfd != -ENOENT)
                return datadir_fail(subfd, text, "%s/%s cannot be opened: %s", p.new, sub, strerror(-subfd));
        /* Renamed while it is read, a directory may leave some out. */
        if (subfd >= 0)
                do
                        r = datadir_each(subfd, move_up, &fd, text);
                while (r > 0 && unlinkat(fd, sub, AT_REMOVEDIR) < 0 && errno == ENOTEMPTY);
        if (r > 0 && (datadir_has(fd, sub) || fsync(fd) < 0))
                return datadir_fail(-EIO, text, "%s/%s cannot be removed: %s", p.new, sub, strerror(errno));
        return r <= 0 || (datadir_has(fd, "mysql.ibd") && datadir_has(fd, "ibdata1")) ? r : datadir_fail(-ENOENT, text, "there is no whole clone in %s", p.new);
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
        _cleanup_close_ int fd = -1, own = -1;
        Places p;

        fd = open_new(parentfd, name, &p, text);
        own = fd < 0 ? fd : open_told(parentfd, name, text);
        return own < 0 ? own : datadir_each(own, carry, &fd, text);
}

int staging_seal(int parentfd, const char *name, int64_t job, json_t *o, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_free_ char *note = NULL;
        _cleanup_close_ int fd = -1;
        Places p;
        int r;

        fd = open_new(parentfd, name, &p, text);
        if (fd < 0)
                return fd;
        if (json_object_set_new(o, "job", json_integer(job)) < 0 || !(note = json_dumps(o, JSON_INDENT(1))))
                return datadir_fail(-ENOMEM, text, "memory is short");
        if (syncfs(fd) < 0)
                return datadir_fail(-errno, text, "the copy cannot be brought to the disk: %s", strerror(errno));
        r = file_write(fd, STAGING_NOTE, note, strlen(note), 0640);
        return r < 0 ? datadir_fail(r, text, "%s/" STAGING_NOTE " cannot be written: %s", p.new, strerror(-r)) : 1;
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

int staging_swap(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = -1, copyfd = -1;
        Places p;
        int r;

        r = places(name, &p, text);
        if (r < 0)
                return r;
        if (is_copy(parentfd, name, job)) /* done, but for the last name */
                return datadir_has(parentfd, p.new) && !datadir_has(parentfd, p.old) ? rename_durably(parentfd, p.new, p.old, text) : 1;
        if (!is_copy(parentfd, p.new, job))
                return datadir_fail(0, text, "%s holds no whole copy of this job", p.new);
        if (!datadir_has(parentfd, name) && datadir_has(parentfd, p.old))
                return rename_durably(parentfd, p.new, name, text);
        if (datadir_has(parentfd, p.old))
                return datadir_fail(0, text, "%s is in the way", p.old);
        fd = open_told(parentfd, name, text);
        copyfd = fd < 0 ? fd : open_told(parentfd, p.new, text);
        if (copyfd < 0)
                return copyfd;
        r = datadir_check_unused(fd, text);
        if (r > 0)
                r = datadir_check_unused(copyfd, text);
        if (r > 0)
                r = datadir_check_place(parentfd, fd, name, text);
        return r <= 0 ? r : exchange(parentfd, p.new, name, p.old, text);
}

int staging_back(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = -1;
        const char *own;
        Places p;
        int r;

        r = places(name, &p, text);
        if (r < 0)
                return r;
        if (!datadir_has(parentfd, name) && datadir_has(parentfd, p.old))
                return rename_durably(parentfd, p.old, name, text);
        if (!is_copy(parentfd, name, job)) {
                /* They are back, but the copy may still have their name. */
                if (is_copy(parentfd, p.old, job) && !datadir_has(parentfd, p.new))
                        return rename_durably(parentfd, p.old, p.new, text);
                return job == 0 ? datadir_fail(0, text, "there is no copy in %s that a rollback could take out again", name) : 1;
        }
        own = datadir_has(parentfd, p.old) ? p.old : p.new;
        if (!datadir_has(parentfd, own) || is_copy(parentfd, own, job))
                return datadir_fail(0, text, "the data that were there before are not kept any more");
        fd = open_told(parentfd, name, text);
        if (fd < 0)
                return fd;
        r = datadir_check_unused(fd, text);
        if (r <= 0)
                return r;
        if (own == p.old && datadir_has(parentfd, p.new)) {
                r = datadir_remove(parentfd, p.new);
                if (r < 0)
                        return datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r));
        }
        return exchange(parentfd, own, name, p.new, text);
}

int staging_discard(int parentfd, const char *name, int64_t job, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = -1;
        Places p;
        int r;

        r = places(name, &p, text);
        if (r < 0)
                return r;
        fd = open_dir(parentfd, p.new);
        if (fd >= 0) {
                r = datadir_check_unused(fd, text);
                if (r <= 0)
                        return r;
        }
        /* A swap that was cut off has left the own data there. */
        if (datadir_has(parentfd, p.new) && is_copy(parentfd, name, job) && !datadir_has(parentfd, p.old))
                return datadir_fail(0, text, "%s holds the data that were in %s before, and is not removed", p.new, name);
        r = datadir_remove(parentfd, p.new);
        if (r >= 0 && fsync(parentfd) < 0)
                r = -errno;
        return r < 0 ? datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r)) : 1;
}

int staging_commit(int parentfd, const char *name, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = -1;
        Places p;
        int r;

        r = places(name, &p, text);
        if (r < 0)
                return r;
        fd = open_told(parentfd, name, text);
        if (fd < 0)
                return fd;
        if (datadir_has(parentfd, p.old)) {
                if (!is_copy(parentfd, name, 0))
                        return datadir_fail(0, text, "what is in %s is no copy that Mainstay made, so %s is not deleted", name, p.old);
                /* From now on no rollback takes them for whole. */
                r = datadir_remove(parentfd, p.new);
                if (r < 0)
                        return datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r));
                r = rename_durably(parentfd, p.old, p.new, text);
                if (r < 0)
                        return r;
        } else if (!is_copy(parentfd, name, 0) && !datadir_has(parentfd, p.new))
                return datadir_fail(0, text, "there is nothing to commit: no data are kept from before");
        /* From now on what is in place is this node's own. */
        if ((unlinkat(fd, STAGING_NOTE, 0) < 0 && errno != ENOENT) || fsync(fd) < 0)
                return datadir_fail(-errno, text, "%s/" STAGING_NOTE " cannot be removed: %s", name, strerror(errno));
        r = datadir_remove(parentfd, p.new);
        if (r < 0)
                return datadir_fail(r, text, "%s cannot be removed: %s", p.new, strerror(-r));
        return fsync(fd) < 0 || fsync(parentfd) < 0 ? datadir_fail(-errno, text, "the removal cannot be brought to the disk: %s", strerror(errno)) : 1;
}
