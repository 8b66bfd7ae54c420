/* Files; see file.h.
 *
 * After a power cut a file holds what it held before a change or what it was
 * changed to, never a mixture: that is what the order of the calls here is
 * for, and a test interrupts them after each one.
 */
#include "sys/file.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>

#define TEMPORARY_TRIES 8

/* O_NONBLOCK: opening a pipe that somebody put there must not hang. */
#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

static bool name_plain(const char *name) {
        return *name && !strchr(name, '/') && !streq(name, ".") && !streq(name, "..");
}

static int open_regular(int dirfd, const char *name, int flags, struct stat *ret) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = openat(dirfd, name, flags | OPEN_FLAGS);
        if (fd < 0)
                /* ENXIO, EISDIR: a pipe without a reader, a socket, a directory. */
                return errno == ENXIO || errno == EISDIR ? -ENOTSUP : -errno;
        if (fstat(fd, ret) < 0)
                return -errno;
        if (!S_ISREG(ret->st_mode))
                return -ENOTSUP;
        r = fd;
        fd = -1;
        return r;
}

int file_read(int dirfd, const char *name, size_t max, char **ret, size_t *ret_size, struct stat *ret_stat) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *data = NULL;
        size_t size = 0, room;
        struct stat st;

        fd = open_regular(dirfd, name, O_RDONLY, &st);
        if (fd < 0)
                return fd;
        if (st.st_size > 0 && (uint64_t) st.st_size > max)
                return -E2BIG;

        /* The size is a hint: the file may grow, and those in /proc have none.
         * One byte more than may be shows that there is too much. */
        room = st.st_size > 0 ? (size_t) st.st_size + 1 : 4096;
        for (;;) {
                ssize_t n;
                char *p;

                if (room > max + 1)
                        room = max + 1;
                p = realloc(data, room + 1);
                if (!p)
                        return -ENOMEM;
                data = p;

                n = read(fd, data + size, room - size);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > max)
                        return -E2BIG;
                if (size == room)
                        room *= 2;
        }

        data[size] = '\0';
        *ret = TAKE(data);
        *ret_size = size;
        if (ret_stat)
                *ret_stat = st;
        return 0;
}

/* By way of ".", so that AT_FDCWD and descriptors opened with O_PATH do too. */
int directory_sync(int dirfd) {
        _cleanup_close_ int fd = -1;

        fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0)
                return -errno;
        return 0;
}

int write_all(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        return -EIO;
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

/* ".NAME.XXXXXXXX.tmp" */
static bool temporary_is_of(const char *temporary, const char *name) {
        size_t n = strlen(name), i;

        if (temporary[0] != '.' || strncmp(temporary + 1, name, n) != 0 || temporary[n + 1] != '.')
                return false;
        temporary += n + 2;
        for (i = 0; i < 8; i++)
                if (!isxdigit((unsigned char) temporary[i]))
                        return false;
        return streq(temporary + i, ".tmp");
}

/* Without a lock it is nobody's, for who writes one has it locked. */
static void temporary_remove(int dirfd, const char *temporary) {
        struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
        _cleanup_close_ int fd = -1;
        struct stat st;

        fd = open_regular(dirfd, temporary, O_RDONLY, &st);
        if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) >= 0)
                (void) unlinkat(dirfd, temporary, 0);
}

void file_sweep(int dirfd, const char *name) {
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;

        if (!dir) {
                if (fd >= 0)
                        (void) close(fd);
                return;
        }
        while ((e = readdir(dir)))
                if (temporary_is_of(e->d_name, name))
                        temporary_remove(dirfd, e->d_name);
        (void) closedir(dir);
}

/* Somebody who sweeps may have come between its making and this. A file system
 * without locks has nobody who sweeps. */
static bool temporary_lock(int fd) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        struct stat st;

        if (fcntl(fd, F_OFD_SETLK, &lock) < 0 && errno == EAGAIN)
                return false;
        return fstat(fd, &st) < 0 || st.st_nlink > 0;
}

/* A new file beside `name`, with a name that nobody else writes to. */
static int temporary_open(int dirfd, const char *name, char temporary[static NAME_MAX + 1]) {
        for (int i = 0; i < TEMPORARY_TRIES; i++) {
                uint32_t number;
                int fd;

                if (getrandom(&number, sizeof(number), 0) != (ssize_t) sizeof(number))
                        return -EIO;
                if (snprintf(temporary, NAME_MAX + 1, ".%s.%08x.tmp", name, number) > NAME_MAX)
                        return -ENAMETOOLONG;
                fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | OPEN_FLAGS, 0600);
                if (fd < 0 && errno != EEXIST)
                        return -errno;
                if (fd >= 0 && temporary_lock(fd))
                        return fd;
                if (fd >= 0)
                        (void) close(fd);
        }
        return -EEXIST;
}

/* Fills the temporary file; `old` is NULL where there is none to be like. */
static int temporary_fill(int fd, const void *data, size_t size, mode_t mode, const struct stat *old) {
        struct stat st;
        int r;

        r = write_all(fd, data, size);
        if (r < 0)
                return r;
        if (old) {
                if (fstat(fd, &st) < 0)
                        return -errno;
                if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) && fchown(fd, old->st_uid, old->st_gid) < 0)
                        return -errno;
                mode = old->st_mode & 07777;
        }
        /* After the change of owner, which may clear bits of the mode. */
        if (fchmod(fd, mode) < 0)
                return -errno;
        if (fsync(fd) < 0)
                return -errno;
        return 0;
}

int file_write(int dirfd, const char *name, const void *data, size_t size, mode_t mode) {
        _cleanup_close_ int fd = -1;
        char temporary[NAME_MAX + 1];
        struct stat old;
        bool replaces;
        int r;

        if (!name_plain(name))
                return -EINVAL;
        replaces = fstatat(dirfd, name, &old, AT_SYMLINK_NOFOLLOW) >= 0;
        if (!replaces && errno != ENOENT)
                return -errno;
        if (replaces && !S_ISREG(old.st_mode))
                return -ENOTSUP;

        file_sweep(dirfd, name);
        fd = temporary_open(dirfd, name, temporary);
        if (fd < 0)
                return fd;
        r = temporary_fill(fd, data, size, mode, replaces ? &old : NULL);
        if (r >= 0 && renameat(dirfd, temporary, dirfd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(dirfd, temporary, 0);
                return r;
        }
        return directory_sync(dirfd);
}

int file_rename(int dirfd, const char *from, const char *to, bool keep) {
        if (!name_plain(from) || !name_plain(to))
                return -EINVAL;
        if (!keep) {
                if (renameat(dirfd, from, dirfd, to) < 0)
                        return -errno;
        } else if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) < 0) {
                if (errno != EINVAL && errno != ENOSYS)
                        return -errno;
                /* A file system that cannot do that in one step: with two
                 * names for a moment, but never with none. A directory cannot
                 * have two, and replaces at most an empty one. */
                if (linkat(dirfd, from, dirfd, to, 0) >= 0) {
                        if (unlinkat(dirfd, from, 0) < 0)
                                return -errno;
                } else if (errno != EPERM)
                        return -errno;
                else if (faccessat(dirfd, to, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                        return -EEXIST;
                else if (renameat(dirfd, from, dirfd, to) < 0)
                        return -errno;
        }
        return directory_sync(dirfd);
}

/* Opens for appending; `*ret_created` tells whether the name is new. */
static int append_open(int dirfd, const char *name, mode_t mode, bool *ret_created) {
        struct stat st;
        int fd;

        for (int i = 0; i < TEMPORARY_TRIES; i++) {
                fd = open_regular(dirfd, name, O_WRONLY | O_APPEND, &st);
                if (fd != -ENOENT) {
                        *ret_created = false;
                        return fd;
                }
                fd = openat(dirfd, name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | OPEN_FLAGS, mode);
                if (fd >= 0) {
                        *ret_created = true;
                        /* The umask is somebody else's idea. */
                        (void) fchmod(fd, mode);
                        return fd;
                }
                if (errno != EEXIST)
                        return -errno;
        }
        return -EBUSY;
}

int file_append(int dirfd, const char *name, const void *data, size_t size, mode_t mode) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        bool created;
        off_t end;
        ssize_t n;

        if (!name_plain(name))
                return -EINVAL;
        fd = append_open(dirfd, name, mode, &created);
        if (fd < 0)
                return fd;

        do
                n = write(fd, data, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t) n != size) {
                /* With O_APPEND the place of a write is known only after it. */
                end = lseek(fd, 0, SEEK_CUR);
                if (end >= n && fstat(fd, &st) >= 0 && st.st_size == end)
                        (void) !ftruncate(fd, end - n);
                return -EIO;
        }

        if (fsync(fd) < 0)
                return -errno;
        return created ? directory_sync(dirfd) : 0;
}
