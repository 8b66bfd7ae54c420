/* Setting a datadir aside; see aside.h. */
#include "adapter/aside.h"
#include "sys/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/statvfs.h>

/* 1 where there is room for a second copy; 0 and why. */
static int check_space(int oldfd, char *text) {
        struct statvfs fs;
        uint64_t size = 0, room;
        int r;

        r = datadir_size(oldfd, &size);
        if (r < 0)
                return datadir_fail(r, text, "the size of the data cannot be told: %s", strerror(-r));
        if (fstatvfs(oldfd, &fs) < 0)
                return datadir_fail(-errno, text, "the free space cannot be told: %s", strerror(errno));
        room = (uint64_t) fs.f_bavail * fs.f_frsize;
        if (room >= size)
                return 1;
        return datadir_fail(0, text, "there is no room for a second copy: the data take %" PRIu64 " MiB, and %" PRIu64 " MiB are free. If the cluster's copy is smaller: --force=space", size >> 20, room >> 20);
}

static int rename_here(int parentfd, const char *from, const char *to, unsigned flags) {
        return renameat2(parentfd, from, parentfd, to, flags) < 0 ? -errno : 0;
}

/* Not moved after all: nothing of ours stays. */
static int undo(int parentfd, int oldfd, const char *fresh, const char *name, int why, char *text) {
        (void) unlinkat(parentfd, fresh, AT_REMOVEDIR);
        (void) unlinkat(oldfd, ASIDE_NOTE_NAME, 0);
        return datadir_fail(0, text, "%s cannot be renamed (%s), and nothing is copied or deleted: it is as it was. Move the data away by hand", name, strerror(-why));
}

/* Is it what the file system cannot do? */
static bool lacks(int r) {
        return r == -EINVAL || r == -ENOSYS || r == -EOPNOTSUPP;
}

static int exchange(int parentfd, int oldfd, const char *name, const char *fresh, const char *aside, char *text) {
        int r = rename_here(parentfd, name, fresh, RENAME_EXCHANGE);

        if (r >= 0)
                return 1;
        if (lacks(r)) {
                r = rename_here(parentfd, name, aside, RENAME_NOREPLACE);
                if (lacks(r))
                        r = rename_here(parentfd, name, aside, 0);
                if (r < 0)
                        return undo(parentfd, oldfd, fresh, name, r, text);
                r = rename_here(parentfd, fresh, name, 0);
                return r < 0 ? datadir_fail(r, text, "%s cannot take the place of %s: %s", fresh, name, strerror(-r)) : 1;
        }
        return undo(parentfd, oldfd, fresh, name, r, text);
}

int aside_move(int parentfd, const char *name, const char *stamp, const char *note, bool force_space, char text[static ASIDE_TEXT_MAX]) {
        _cleanup_close_ int oldfd = -1, freshfd = -1;
        char aside[NAME_MAX + 1], fresh[NAME_MAX + 1];
        int r = 1;

        if (snprintf(aside, sizeof(aside), "%s.mainstay-%s", name, stamp) >= (int) sizeof(aside) ||
            snprintf(fresh, sizeof(fresh), "%s.new", aside) >= (int) sizeof(fresh) || strchr(aside, '/') || name[0] == '.')
                return datadir_fail(0, text, "%s cannot be renamed to anything", name);

        if (datadir_has(parentfd, aside)) {
                /* Between the two names, on a file system that cannot exchange them. */
                if (!datadir_has(parentfd, name))
                        r = rename_here(parentfd, fresh, name, 0);
                if (r < 0)
                        return datadir_fail(r, text, "%s cannot take the place of %s: %s", fresh, name, strerror(-r));
                return fsync(parentfd) < 0 ? datadir_fail(-errno, text, "the directory above %s: %s", name, strerror(errno)) : 1;
        }

        freshfd = openat(parentfd, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (freshfd < 0 || !datadir_has(freshfd, ASIDE_NOTE_NAME)) {
                oldfd = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (oldfd < 0)
                        return datadir_fail(-errno, text, "%s cannot be opened: %s", name, strerror(errno));
                r = datadir_check_place(parentfd, oldfd, name, text);
                if (r > 0)
                        r = datadir_check_unused(oldfd, text);
                if (r > 0 && !force_space)
                        r = check_space(oldfd, text);
                if (r <= 0)
                        return r;
                r = datadir_make(parentfd, oldfd, fresh, text);
                if (r < 0)
                        return r;
                /* It tells afterwards which of the two is the old one. */
                r = file_write(oldfd, ASIDE_NOTE_NAME, note, strlen(note), 0640);
                if (r < 0)
                        return datadir_fail(r, text, "%s cannot be written: %s", ASIDE_NOTE_NAME, strerror(-r));
                /* All that has taken its time, and a server may have been started. */
                r = datadir_check_unused(oldfd, text);
                if (r <= 0)
                        return r;
                r = exchange(parentfd, oldfd, name, fresh, aside, text);
                if (r <= 0)
                        return r;
        }
        if (!datadir_has(parentfd, aside)) {
                r = rename_here(parentfd, fresh, aside, 0);
                if (r < 0)
                        return datadir_fail(r, text, "%s cannot be renamed to %s: %s", fresh, aside, strerror(-r));
        }
        return fsync(parentfd) < 0 ? datadir_fail(-errno, text, "the directory above %s: %s", name, strerror(errno)) : 1;
}
