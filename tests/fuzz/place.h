/* A directory for what reads files: in memory where that can be had, for it is written to
 * at every turn. It is made at each turn and is gone at its end, so none stays behind
 * whichever way the program ends. */
#pragma once

#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

typedef struct Place {
        char path[64];
        int fd;
} Place;

static inline Place place_make(void) {
        Place p = {0};

        (void) snprintf(p.path, sizeof(p.path), "%s/mainstay-fuzz.XXXXXX", access("/dev/shm", W_OK) < 0 ? "/tmp" : "/dev/shm");
        MUST(mkdtemp(p.path));
        p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        MUST(p.fd >= 0);
        return p;
}

static inline void place_put(const Place *p, const char *name, const void *data, size_t size) {
        _cleanup_close_ int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        MUST(fd >= 0 && write(fd, data, size) == (ssize_t) size);
}

/* NULL where it is not there. The caller's. */
static inline char *place_get(const Place *p, const char *name, size_t *ret_size) {
        _cleanup_close_ int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC);
        struct stat st;
        char *data;

        if (fd < 0)
                return NULL;
        MUST(fstat(fd, &st) == 0);
        data = malloc((size_t) st.st_size + 1);
        MUST(data && read(fd, data, (size_t) st.st_size) == st.st_size);
        *ret_size = (size_t) st.st_size;
        return data;
}

static inline int place_remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
        return remove(path);
}

static inline void place_done(Place *p) {
        (void) close(p->fd);
        MUST(nftw(p->path, place_remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}
