/* mainstay-generator: puts the drop-ins of other units in force that `mainstayctl setup`
 * has made. systemd calls it at boot and at every daemon-reload.
 *
 * They lie where systemd itself does not look. So the gate is before mysqld for as long
 * as Mainstay is installed: removed, it leaves mysqld's unit as its vendor made it, and
 * it is back with the package. */
#include "edge/ctl-dropin.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* UNIT.conf becomes UNIT.d/50-mainstay.conf. What does not end so is none of it: a file
 * that was being written when the power went. */
static int link_one(int to, const char *from, const char *name) {
        char dir[NAME_MAX + 1], target[PATH_MAX];
        const char *suffix = strrchr(name, '.');
        _cleanup_close_ int fd = -1;

        if (*name == '.' || !suffix || !streq(suffix, ".conf"))
                return 0;
        if (snprintf(target, sizeof(target), "%s/%s", from, name) >= (int) sizeof(target))
                return -ENAMETOOLONG;
        (void) snprintf(dir, sizeof(dir), "%.*s.d", (int) (suffix - name), name);

        if (mkdirat(to, dir, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(to, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || symlinkat(target, fd, DROPIN_NAME) < 0)
                return -errno;
        return 0;
}

int main(int argc, char *argv[]) {
        const char *from = str_or(getenv("MAINSTAY_UNITS"), DROPIN_DIR);
        _cleanup_close_ int to = -1;
        int status = EXIT_SUCCESS;
        struct dirent *e;
        DIR *dir;

        if (argc < 2) {
                fprintf(stderr, "systemd calls this, with the directory to write to\n");
                return EXIT_FAILURE;
        }
        dir = opendir(from);
        if (!dir && errno == ENOENT)
                return EXIT_SUCCESS; /* nothing is set up */
        to = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (!dir || to < 0) {
                fprintf(stderr, "mainstay-generator: %s: %s\n", dir ? argv[1] : from, strerror(errno));
                return EXIT_FAILURE;
        }
        while (errno = 0, (e = readdir(dir))) {
                int r = link_one(to, from, e->d_name);

                if (r < 0) {
                        fprintf(stderr, "mainstay-generator: %s is not in force: %s\n", e->d_name, strerror(-r));
                        status = EXIT_FAILURE;
                }
        }
        if (errno != 0) {
                fprintf(stderr, "mainstay-generator: %s cannot be read to its end, and not all that is in it is in force: %s\n", from, strerror(errno));
                status = EXIT_FAILURE;
        }
        (void) closedir(dir);
        return status;
}
