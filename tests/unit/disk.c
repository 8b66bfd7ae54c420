/* A disk that fails to order; see disk.h.
 *
 * By the linker's --wrap: what the library calls by these names comes here. What a test
 * calls by them does, too. That a file is there is not among them: what the kernel has
 * just looked up it finds again. */
#include "disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static struct {
        unsigned left;
        int error;
        const char *each, *before, *failed;
        int each_error;
        void (*f)(void);
        bool within; /* `f`, whose own calls are let be */
} disk;

void disk_fail(unsigned n, int error) {
        disk.left = n;
        disk.error = error;
}

void disk_fail_each(const char *call, int error) {
        disk.each = call;
        disk.each_error = error;
}

void disk_before(const char *call, void (*f)(void)) {
        disk.before = call;
        disk.f = f;
}

const char *disk_failed(void) {
        const char *failed = disk.failed;

        memset(&disk, 0, sizeof(disk));
        return failed;
}

/* What is to come of it; 0: what comes of it. */
static int outcome(const char *call) {
        if (disk.within)
                return 0;
        if (streq_null(disk.before, call)) {
                disk.before = NULL;
                disk.within = true;
                disk.f();
                disk.within = false;
        }
        if (streq_null(disk.each, call))
                return disk.each_error;
        if (disk.left == 0 || --disk.left > 0)
                return 0;
        disk.failed = call;
        return disk.error;
}

/* Of a call that moves no bytes there is no part. */
static bool fails(const char *call) {
        int error = outcome(call);

        if (error > 0)
                errno = error;
        return error > 0;
}

#define WRAP(type, failure, call, parameters, arguments)                                \
        type __real_##call parameters;                                                  \
        type __wrap_##call parameters;                                                  \
        type __wrap_##call parameters {                                                 \
                return fails(#call) ? (failure) : __real_##call arguments;              \
        }

#define WRAP_BYTES(call, type)                                                          \
        ssize_t __real_##call(int fd, type data, size_t size);                          \
        ssize_t __wrap_##call(int fd, type data, size_t size);                          \
        ssize_t __wrap_##call(int fd, type data, size_t size) {                         \
                int error = outcome(#call);                                             \
                                                                                        \
                if (error > 0) {                                                        \
                        errno = error;                                                  \
                        return -1;                                                      \
                }                                                                       \
                return error == DISK_NOTHING ? 0 : __real_##call(fd, data, error == DISK_SHORT && size > 0 ? 1 : size); \
        }

WRAP_BYTES(read, void *)
WRAP_BYTES(write, const void *)
ssize_t __real_pread(int fd, void *data, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t at) {
        int error = outcome("pread");

        if (error > 0) {
                errno = error;
                return -1;
        }
        return error == DISK_NOTHING ? 0 : __real_pread(fd, data, error == DISK_SHORT && size > 0 ? 1 : size, at);
}

WRAP(ssize_t, -1, getrandom, (void *data, size_t size, unsigned flags), (data, size, flags))
WRAP(ssize_t, -1, fgetxattr, (int fd, const char *name, void *data, size_t size), (fd, name, data, size))
WRAP(int, -1, fsetxattr, (int fd, const char *name, const void *data, size_t size, int flags), (fd, name, data, size, flags))
WRAP(DIR *, NULL, fdopendir, (int fd), (fd))
WRAP(struct dirent *, NULL, readdir, (DIR *dir), (dir))
WRAP(off_t, -1, lseek, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP(int, -1, ftruncate, (int fd, off_t size), (fd, size))
WRAP(int, -1, fsync, (int fd), (fd))
WRAP(int, -1, syncfs, (int fd), (fd))
WRAP(int, -1, fstat, (int fd, struct stat *ret), (fd, ret))
WRAP(int, -1, fstatat, (int dirfd, const char *name, struct stat *ret, int flags), (dirfd, name, ret, flags))
WRAP(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, -1, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP(int, -1, fchownat, (int dirfd, const char *name, uid_t uid, gid_t gid, int flags), (dirfd, name, uid, gid, flags))
WRAP(int, -1, mkdirat, (int dirfd, const char *name, mode_t mode), (dirfd, name, mode))
WRAP(int, -1, unlinkat, (int dirfd, const char *name, int flags), (dirfd, name, flags))
WRAP(int, -1, linkat, (int fromfd, const char *from, int tofd, const char *to, int flags), (fromfd, from, tofd, to, flags))
WRAP(int, -1, renameat, (int fromfd, const char *from, int tofd, const char *to), (fromfd, from, tofd, to))

int __real_renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags);
int __wrap_renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags);
int __real_fstatvfs(int fd, struct statvfs *ret);
int __wrap_fstatvfs(int fd, struct statvfs *ret);

int __real_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...);
int __real_openat(int dirfd, const char *name, int flags, ...);
int __wrap_openat(int dirfd, const char *name, int flags, ...);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

/* Without flags it asks for nothing that is not to be had everywhere. */
int __wrap_renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags) {
        return fails(flags ? "renameat2" : "renameat") ? -1 : __real_renameat2(fromfd, from, tofd, to, flags);
}

int __wrap_fstatvfs(int fd, struct statvfs *ret) {
        int error = outcome("fstatvfs"), r;

        if (error > 0) {
                errno = error;
                return -1;
        }
        r = __real_fstatvfs(fd, ret);
        if (r >= 0 && error == DISK_NOTHING)
                ret->f_bavail = 0;
        return r;
}

#define MODE(ret, flags)                                                                \
        do {                                                                            \
                va_list ap;                                                             \
                                                                                        \
                va_start(ap, flags);                                                    \
                (ret) = (flags) & O_CREAT ? va_arg(ap, mode_t) : 0;                     \
                va_end(ap);                                                             \
        } while (0)

int __wrap_open(const char *name, int flags, ...) {
        mode_t mode;

        MODE(mode, flags);
        return fails("open") ? -1 : __real_open(name, flags, mode);
}

int __wrap_openat(int dirfd, const char *name, int flags, ...) {
        mode_t mode;

        MODE(mode, flags);
        return fails("openat") ? -1 : __real_openat(dirfd, name, flags, mode);
}

/* Only for locks. */
int __wrap_fcntl(int fd, int command, ...) {
        struct flock *lock;
        va_list ap;

        va_start(ap, command);
        lock = va_arg(ap, struct flock *);
        va_end(ap);
        return fails("fcntl") ? -1 : __real_fcntl(fd, command, lock);
}
