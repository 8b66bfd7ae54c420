/* Stamps of a data directory's files; see stamp.h. */
#include "sys/stamp.h"

#include <sys/stat.h>

const char *const stamp_names[STAMP_FILES] = { "grastate.dat", "ibdata1", "ib_logfile0" };

int stamp_take(int dirfd, Stamp *ret) {
        Stamp s = { 0 };

        for (size_t i = 0; i < STAMP_FILES; i++) {
                struct stat st;

                if (fstatat(dirfd, stamp_names[i], &st, 0) < 0) {
                        if (errno != ENOENT)
                                return -errno;
                        continue;
                }
                s.file[i].present = true;
                s.file[i].ino = st.st_ino;
                s.file[i].mtime_nsec = (int64_t) st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
                s.file[i].size = st.st_size;
        }
        *ret = s;
        return 0;
}

bool stamp_equal(const Stamp *a, const Stamp *b) {
        for (size_t i = 0; i < STAMP_FILES; i++) {
                if (a->file[i].present != b->file[i].present)
                        return false;
                if (a->file[i].present &&
                    (a->file[i].ino != b->file[i].ino ||
                     a->file[i].mtime_nsec != b->file[i].mtime_nsec ||
                     a->file[i].size != b->file[i].size))
                        return false;
        }
        return true;
}

bool stamp_any(const Stamp *s) {
        for (size_t i = 0; i < STAMP_FILES; i++)
                if (s->file[i].present)
                        return true;
        return false;
}
