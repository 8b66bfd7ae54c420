/* Locks that other processes hold; see locks.h. */
#include "sys/locks.h"

#include <inttypes.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* "5: POSIX  ADVISORY  WRITE 793 00:68:1264196 0 EOF", the device in hex. One
 * who waits for a lock has an arrow behind the colon. */
static bool is_lock_on(const char *line, const struct stat *st, bool any_device) {
        unsigned major, minor;
        char access[8];
        uint64_t ino;

        return sscanf(line, "%*u: %*[A-Z] %*s %7s %*d %x:%x:%" SCNu64, access, &major, &minor, &ino) == 4 &&
               streq(access, "WRITE") && ino == st->st_ino && (any_device || makedev(major, minor) == st->st_dev);
}

bool locks_held(const char *path) {
        _cleanup_fclose_ FILE *f = NULL;
        struct statfs fs;
        struct stat st;
        char line[256];
        bool any_device;

        if (stat(path, &st) < 0)
                return false;
        /* There stat() tells another device than the kernel's own lists. */
        any_device = statfs(path, &fs) >= 0 && fs.f_type == BTRFS_SUPER_MAGIC;
        f = fopen("/proc/locks", "re");
        while (f && fgets(line, sizeof(line), f))
                if (is_lock_on(line, &st, any_device))
                        return true;
        return false;
}
