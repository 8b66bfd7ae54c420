/* An exchange entry by entry; see staging-within.h. */
#include "adapter/staging-within.h"
#include "adapter/staging.h"
#include "sys/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>

static const char whole[] =
        "This directory holds all data that this server had before Mainstay put a copy of\n"
        "another node's in their place. To get them back: mainstayctl provision rollback.\n"
        "To delete them: mainstayctl provision commit.\n";

bool within_is(int parentfd, int fd) {
        return datadir_is_mount(parentfd, fd) > 0 || datadir_has(fd, STAGING_NEW) || datadir_has(fd, STAGING_OLD);
}

static int open_in(int fd, const char *name, char *text) {
        int r = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return r < 0 ? datadir_fail(-errno, text, "%s cannot be opened: %s", name, strerror(errno)) : r;
}

bool within_keeps(int fd) {
        return datadir_has(fd, STAGING_OLD "/" WITHIN_WHOLE_NAME);
}

Within within_state(int fd) {
        if (!datadir_has(fd, STAGING_OLD))
                return WITHIN_OWN;
        if (datadir_has(fd, STAGING_NOTE))
                return WITHIN_COPY;
        if (!datadir_has(fd, STAGING_NEW "/" STAGING_NOTE))
                return WITHIN_OWN;
        return within_keeps(fd) ? WITHIN_ENTERING : WITHIN_LEAVING;
}

bool within_is_between(Within state) {
        return state == WITHIN_LEAVING || state == WITHIN_ENTERING;
}

typedef struct Move {
        int to;
        bool noted; /* the note of a copy comes along */
        size_t n;   /* how many there were */
} Move;

/* The two places stay where they are, and so does what the file system keeps for itself. */
static bool stays(const Move *m, const char *entry) {
        return streq(entry, STAGING_NEW) || streq(entry, STAGING_OLD) || streq(entry, WITHIN_WHOLE_NAME) || streq(entry, "lost+found") || (streq(entry, STAGING_NOTE) && !m->noted);
}

/* Not every file system can refuse to replace what is there (NFS, for one). */
static int move_to(int fromfd, int tofd, const char *entry) {
        if (renameat2(fromfd, entry, tofd, entry, RENAME_NOREPLACE) >= 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        if (datadir_has(tofd, entry))
                return -EEXIST;
        return renameat(fromfd, entry, tofd, entry) < 0 ? -errno : 0;
}

static int move_entry(int fromfd, const char *entry, void *userdata, char *text) {
        Move *m = userdata;
        int r;

        if (stays(m, entry))
                return 1;
        m->n++;
        r = move_to(fromfd, m->to, entry);
        return r < 0 ? datadir_fail(r, text, "%.200s cannot be moved: %s", entry, strerror(-r)) : 1;
}

/* In the new place first: a name may be lost in neither. */
static int bring_to_disk(int from, int to, char *text) {
        return fsync(to) < 0 || fsync(from) < 0 ? datadir_fail(-errno, text, "the new names cannot be brought to the disk: %s", strerror(errno)) : 1;
}

/* All, and durably. Renamed while it is read, a directory may leave some out. */
static int move_all(int from, int to, bool noted, char *text) {
        Move m = { .to = to, .noted = noted };
        int r;

        do {
                m.n = 0;
                r = datadir_each(from, move_entry, &m, text);
        } while (r > 0 && m.n > 0);
        return r > 0 ? bring_to_disk(from, to, text) : r;
}

static int move_note(int from, int to, char *text) {
        int r = move_to(from, to, STAGING_NOTE);

        if (r < 0 && r != -ENOENT)
                return datadir_fail(r, text, STAGING_NOTE " cannot be moved: %s", strerror(-r));
        return bring_to_disk(from, to, text);
}

static int remove_place(int fd, const char *name, char *text) {
        int r = datadir_remove(fd, name);

        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        return r < 0 ? datadir_fail(r, text, "%s cannot be removed: %s", name, strerror(-r)) : 1;
}

/* That it is there says it, whatever part of it; and nothing else may be left in between. */
static int write_whole(int dirfd, char *text) {
        _cleanup_close_ int fd = openat(dirfd, WITHIN_WHOLE_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

        if (fd < 0 || write_all(fd, whole, strlen(whole)) < 0 || fsync(fd) < 0 || fsync(dirfd) < 0)
                return datadir_fail(-errno, text, WITHIN_WHOLE_NAME " cannot be written: %s", strerror(errno));
        return 1;
}

/* What would say something that is not so: of a copy that is the own data by now, or of
 * data that a person has put back by hand. */
static int remove_stale(int fd, const char *name, char *text) {
        if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
                return datadir_fail(-errno, text, "%s cannot be removed: %s", name, strerror(errno));
        return fsync(fd) < 0 ? datadir_fail(-errno, text, "its removal cannot be brought to the disk: %s", strerror(errno)) : 1;
}

/* The own data, out of their place. */
static int leave(int fd, char *text) {
        _cleanup_close_ int old = -1;
        int r = remove_stale(fd, STAGING_NOTE, text);

        if (r > 0)
                r = remove_stale(fd, WITHIN_WHOLE_NAME, text);
        if (r > 0)
                r = datadir_make(fd, fd, STAGING_OLD, text);
        old = r < 0 ? r : open_in(fd, STAGING_OLD, text);
        if (old < 0)
                return old;
        r = move_all(fd, old, true, text);
        return r > 0 ? write_whole(old, text) : r;
}

int within_swap(int fd, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int new = -1;
        int r = 1;

        if (within_state(fd) == WITHIN_OWN || within_state(fd) == WITHIN_LEAVING)
                r = leave(fd, text);
        if (r > 0 && within_state(fd) == WITHIN_ENTERING) {
                new = open_in(fd, STAGING_NEW, text);
                if (new < 0)
                        return new;
                r = move_all(new, fd, false, text);
                if (r > 0)
                        r = move_note(new, fd, text);
        }
        /* Nothing of the copy is left there. */
        return r > 0 ? remove_place(fd, STAGING_NEW, text) : r;
}

/* The copy, out of its place. */
static int withdraw(int fd, char *text) {
        _cleanup_close_ int new = -1;
        int r = datadir_make(fd, fd, STAGING_NEW, text);

        new = r < 0 ? r : open_in(fd, STAGING_NEW, text);
        if (new < 0)
                return new;
        r = move_note(fd, new, text);
        return r > 0 ? move_all(fd, new, true, text) : r;
}

int within_back(int fd, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int old = -1;
        int r = 1;

        if (within_state(fd) == WITHIN_OWN)
                return 1;
        if (within_state(fd) != WITHIN_LEAVING)
                r = withdraw(fd, text);
        old = r <= 0 ? r : open_in(fd, STAGING_OLD, text);
        if (old < 0)
                return old;
        /* From now on what is in place is of the own data. */
        r = remove_stale(old, WITHIN_WHOLE_NAME, text);
        if (r > 0)
                r = move_all(old, fd, true, text);
        if (r <= 0)
                return r;
        /* It must be empty: what is in it is nobody's to delete. */
        if (unlinkat(fd, STAGING_OLD, AT_REMOVEDIR) < 0 || fsync(fd) < 0)
                return datadir_fail(-errno, text, STAGING_OLD " cannot be removed: %s", strerror(errno));
        return 1;
}
