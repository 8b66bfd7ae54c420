/* Looking at a datadir; see datadir.h. */
#include "adapter/datadir.h"
#include "adapter/staging.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEPTH_MAX 16

int datadir_fail(int r, char text[static DATADIR_TEXT_MAX], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, DATADIR_TEXT_MAX, format, ap);
        va_end(ap);
        return r;
}

bool datadir_has(int dirfd, const char *name) {
        return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* A copy, or data set aside, within the datadir: no part of it. */
static bool is_staged(const char *name) {
        return streq(name, STAGING_NEW) || streq(name, STAGING_OLD);
}

/* The next one but "." and "..": 1, 0 at the end, or what it failed with, which is not the end. */
static int next_entry(DIR *dir, struct dirent **ret) {
        do {
                errno = 0;
                *ret = readdir(dir);
        } while (*ret && (streq((*ret)->d_name, ".") || streq((*ret)->d_name, "..")));
        return *ret ? 1 : -errno;
}

static int tree_size(int dirfd, unsigned depth, uint64_t *size) {
        DIR *dir = fdopendir(dirfd); /* takes it */
        struct dirent *e;
        int r = 0;

        if (!dir) {
                r = -errno;
                (void) close(dirfd);
                return r;
        }
        while (r >= 0 && (r = next_entry(dir, &e)) > 0) {
                struct stat st;
                int fd;

                if (depth == 0 && is_staged(e->d_name))
                        continue;
                if (fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        r = errno == ENOENT ? 0 : -errno;
                        continue;
                }
                *size += (uint64_t) st.st_blocks * 512;
                if (!S_ISDIR(st.st_mode) || depth == DEPTH_MAX)
                        continue;
                fd = openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                r = fd < 0 ? -errno : tree_size(fd, depth + 1, size);
        }
        (void) closedir(dir);
        return r;
}

int datadir_size(int dirfd, uint64_t *ret) {
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        *ret = 0;
        return fd < 0 ? -errno : tree_size(fd, 0, ret);
}

/* InnoDB and Aria hold locks on these as long as a server runs on them. */
int datadir_check_unused(int oldfd, char text[static DATADIR_TEXT_MAX]) {
        static const char *const locked[] = { "ibdata1", "aria_log_control" };

        for (size_t i = 0; i < ELEMENTS(locked); i++) {
                struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
                _cleanup_close_ int fd = openat(oldfd, locked[i], O_RDWR | O_NOFOLLOW | O_CLOEXEC);

                if (fd < 0) {
                        if (errno == ENOENT)
                                continue;
                        return datadir_fail(-errno, text, "%s cannot be opened: %s", locked[i], strerror(errno));
                }
                if (fcntl(fd, F_GETLK, &lock) < 0)
                        return datadir_fail(-errno, text, "%s cannot be asked for locks: %s", locked[i], strerror(errno));
                if (lock.l_type != F_UNLCK)
                        return datadir_fail(0, text, "process %lld has %s open and locked: a server runs on these data", (long long) lock.l_pid, locked[i]);
        }
        return 1;
}

int datadir_is_mount(int parentfd, int fd) {
        struct stat parent, own;
        struct statx sx;

        if (fstat(parentfd, &parent) < 0 || fstat(fd, &own) < 0)
                return -errno;
        return parent.st_dev != own.st_dev ||
               (statx(fd, "", AT_EMPTY_PATH, 0, &sx) >= 0 && (sx.stx_attributes_mask & sx.stx_attributes & STATX_ATTR_MOUNT_ROOT));
}

int datadir_check_data(int fd, const char *name, char text[static DATADIR_TEXT_MAX]) {
        static const char *const signs[] = { "grastate.dat", "ibdata1", "mysql", "mysql.ibd", "sst_in_progress" };

        for (size_t i = 0; i < ELEMENTS(signs); i++)
                if (datadir_has(fd, signs[i]))
                        return 1;
        return datadir_fail(0, text, "there is nothing in %s that looks like the data of a server", name);
}

int datadir_check_place(int parentfd, int oldfd, const char *name, char text[static DATADIR_TEXT_MAX]) {
        int r = datadir_is_mount(parentfd, oldfd);

        if (r < 0)
                return datadir_fail(r, text, "%s cannot be looked at: %s", name, strerror(-r));
        if (r > 0)
                return datadir_fail(0, text, "%s is a file system of its own: a directory set aside in it would lie within the datadir, and a state transfer deletes there. Mount it one level higher, with the datadir a directory in it, or move the data away by hand", name);
        return datadir_check_data(oldfd, name, text);
}

int datadir_open_parent(const char *datadir, char name[static NAME_MAX + 1], char text[static DATADIR_TEXT_MAX]) {
        char path[PATH_MAX];
        char *slash;
        struct stat st;
        int fd;

        if (datadir[0] != '/' || (!realpath(datadir, path) && snprintf(path, sizeof(path), "%s", datadir) >= (int) sizeof(path))) {
                (void) snprintf(text, DATADIR_TEXT_MAX, "%.200s is no absolute path", datadir);
                return -EINVAL;
        }
        slash = strrchr(path, '/');
        if (slash == path || strlen(slash + 1) == 0 || strlen(slash + 1) > NAME_MAX) {
                (void) snprintf(text, DATADIR_TEXT_MAX, "%.200s lies at the top of the file system, and is not touched", path);
                return -EINVAL;
        }
        (void) snprintf(name, NAME_MAX + 1, "%s", slash + 1);
        if (lstat(path, &st) >= 0 && (st.st_uid == 0 || !S_ISDIR(st.st_mode))) {
                (void) snprintf(text, DATADIR_TEXT_MAX, "%.200s is root's, or no directory: it is not touched", path);
                return -EPERM;
        }
        *slash = 0;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                fd = -errno;
                (void) snprintf(text, DATADIR_TEXT_MAX, "%.200s cannot be opened: %s", path, strerror(-fd));
        }
        return fd;
}

int datadir_each(int dirfd, int (*each)(int dirfd, const char *entry, void *userdata, char *text), void *userdata, char text[static DATADIR_TEXT_MAX]) {
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 1, more = 0;
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;

        if (!dir) {
                r = -errno;
                closep(&fd);
                return datadir_fail(r, text, "a directory cannot be read: %s", strerror(-r));
        }
        while (r > 0 && (more = next_entry(dir, &e)) > 0)
                r = each(dirfd, e->d_name, userdata, text);
        (void) closedir(dir);
        return more < 0 ? datadir_fail(more, text, "a directory cannot be read: %s", strerror(-more)) : r;
}

int datadir_path(int parentfd, const char *name, char path[static 2 * PATH_MAX], char text[static DATADIR_TEXT_MAX]) {
        char link[64];
        ssize_t n;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", parentfd);
        n = readlink(link, path, PATH_MAX - 1);
        if (n < 0)
                return datadir_fail(-errno, text, "where the data are cannot be told: %s", strerror(errno));
        (void) snprintf(path + n, (size_t) 2 * PATH_MAX - (size_t) n, "/%s", name);
        return 1;
}

/* Databases are directories in the datadir; what is deeper is nobody's data. */
static int check_whole(int dirfd, dev_t dev, unsigned depth, char *text) {
        DIR *dir = fdopendir(dirfd); /* takes it */
        struct dirent *e;
        int r = 1, more = 0;

        if (!dir) {
                r = -errno;
                (void) close(dirfd);
                return datadir_fail(r, text, "the data cannot be looked at: %s", strerror(-r));
        }
        while (r > 0 && (more = next_entry(dir, &e)) > 0) {
                size_t n = strlen(e->d_name);
                struct stat st;

                if (fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        if (errno != ENOENT)
                                r = datadir_fail(-errno, text, "%.100s cannot be looked at: %s", e->d_name, strerror(errno));
                        continue;
                }
                if (n > 4 && streq(e->d_name + n - 4, ".isl"))
                        r = datadir_fail(0, text, "%.100s says that a table's data lie outside of the datadir", e->d_name);
                else if (S_ISLNK(st.st_mode))
                        r = datadir_fail(0, text, "%.100s is a link: a part of the data lies elsewhere", e->d_name);
                else if (S_ISDIR(st.st_mode) && st.st_dev != dev)
                        r = datadir_fail(0, text, "%.100s lies on another file system than the rest of the data", e->d_name);
                else if (S_ISDIR(st.st_mode) && depth == 0) {
                        int fd = openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                        if (fd >= 0 && datadir_is_mount(dirfd, fd) > 0) {
                                (void) close(fd);
                                r = datadir_fail(0, text, "%.100s is mounted by itself, and cannot be moved with the rest of the data", e->d_name);
                                continue;
                        }
                        r = fd < 0 ? datadir_fail(-errno, text, "%.100s cannot be opened: %s", e->d_name, strerror(errno)) : check_whole(fd, dev, depth + 1, text);
                }
        }
        (void) closedir(dir);
        return more < 0 ? datadir_fail(more, text, "the data cannot be looked at: %s", strerror(-more)) : r;
}

int datadir_check_whole(int oldfd, char text[static DATADIR_TEXT_MAX]) {
        int fd = openat(oldfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return datadir_fail(-errno, text, "the data cannot be looked at: %s", strerror(errno));
        return check_whole(fd, st.st_dev, 0, text);
}

/* Within one file system, and never through a symbolic link. */
static int remove_tree(int parentfd, const char *name, unsigned depth) {
        int fd = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
        struct dirent *e;
        DIR *dir;

        if (fd < 0)
                return errno == ENOENT ? 0 : errno == ENOTDIR || errno == ELOOP ? (unlinkat(parentfd, name, 0) < 0 ? -errno : 0) : -errno;
        if (depth == DEPTH_MAX) {
                (void) close(fd);
                return -ELOOP;
        }
        dir = fdopendir(fd);
        if (!dir) {
                r = -errno;
                (void) close(fd);
                return r;
        }
        while (r >= 0 && (r = next_entry(dir, &e)) > 0) {
                if (unlinkat(dirfd(dir), e->d_name, 0) >= 0 || errno == ENOENT)
                        continue;
                r = errno == EISDIR || errno == EPERM ? remove_tree(dirfd(dir), e->d_name, depth + 1) : -errno;
        }
        (void) closedir(dir);
        if (r < 0)
                return r;
        return unlinkat(parentfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int datadir_remove(int parentfd, const char *name) {
        return remove_tree(parentfd, name, 0);
}

int datadir_make(int parentfd, int oldfd, const char *fresh, char text[static DATADIR_TEXT_MAX]) {
        _cleanup_close_ int fd = -1;
        char label[256];
        struct stat st;
        ssize_t n;

        if (fstat(oldfd, &st) < 0)
                return datadir_fail(-errno, text, "the datadir cannot be looked at: %s", strerror(errno));
        if (mkdirat(parentfd, fresh, 0700) < 0 && errno != EEXIST)
                return datadir_fail(-errno, text, "%s cannot be made: %s", fresh, strerror(errno));
        fd = openat(parentfd, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return datadir_fail(-errno, text, "%s cannot be opened: %s", fresh, strerror(errno));
        if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
                return datadir_fail(-errno, text, "%s cannot be given the owner and mode of the datadir: %s", fresh, strerror(errno));
        n = fgetxattr(oldfd, "security.selinux", label, sizeof(label));
        if (n > 0 && fsetxattr(fd, "security.selinux", label, (size_t) n, 0) < 0)
                return datadir_fail(-errno, text, "%s cannot be given the SELinux label of the datadir: %s", fresh, strerror(errno));
        if (fsync(fd) < 0 || fsync(parentfd) < 0)
                return datadir_fail(-errno, text, "%s cannot be written to the disk: %s", fresh, strerror(errno));
        return 0;
}
