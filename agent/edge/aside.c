/* mainstay-aside: sets the datadir of this node aside, by `mainstayctl recover`.
 *
 * It runs as root, from mainstay-aside.service, for the directory above the
 * datadir is root's. What it is to do the agent has written down; but the agent
 * is not root, so only that is done which harms nobody: a directory that holds
 * a server's data, belongs to somebody else than root and is not in use gets
 * another name beside it. The answer goes where the question came from.
 */
#include "adapter/aside.h"
#include "adapter/datadir.h"
#include "sys/file.h"
#include "sys/orders.h"

#include <fcntl.h>
#include <limits.h>

static bool stamp_valid(const char *s) {
        return strlen(s) == strlen("YYYYmmddTHHMMSS") && strspn(s, "0123456789T") == strlen(s);
}

static int run(char text[static ASIDE_TEXT_MAX], const char *runtime) {
        const char *datadir, *stamp;
        _cleanup_close_ int parentfd = -1, dirfd = -1;
        _cleanup_free_ char *note = NULL;
        char name[NAME_MAX + 1];
        size_t size;
        int r;

        r = orders_load(runtime, "server.env");
        if (r >= 0)
                r = orders_load(runtime, "aside.env");
        if (r < 0) {
                (void) snprintf(text, ASIDE_TEXT_MAX, "what to do is not known: %s", strerror(-r));
                return r;
        }
        datadir = str_or(getenv("MAINSTAY_DATADIR"), "");
        stamp = str_or(getenv("MAINSTAY_ASIDE_STAMP"), "");
        if (!stamp_valid(stamp)) {
                (void) snprintf(text, ASIDE_TEXT_MAX, "there is nothing to be done: mainstayctl recover asks for it");
                return 0;
        }
        dirfd = open(runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = dirfd < 0 ? -errno : file_read(dirfd, "aside.note", 4096, &note, &size, NULL);
        if (r < 0) {
                (void) snprintf(text, ASIDE_TEXT_MAX, "what to write down about the data is not known: %s", strerror(-r));
                return r;
        }
        parentfd = datadir_open_parent(datadir, name, text);
        if (parentfd < 0)
                return parentfd;
        return aside_move(parentfd, name, stamp, note, streq(str_or(getenv("MAINSTAY_ASIDE_FORCE"), ""), "space"), text);
}

int main(void) {
        const char *runtime = orders_runtime();
        char text[ASIDE_TEXT_MAX] = "";
        char line[ASIDE_TEXT_MAX + 16];
        int r = run(text, runtime), dirfd, k;

        (void) snprintf(line, sizeof(line), "%s %s\n", r > 0 ? "done" : r == 0 ? "refused" : "failed", text);
        (void) fputs(line, stderr);
        dirfd = open(runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        k = dirfd < 0 ? -errno : file_write(dirfd, "aside.result", line, strlen(line), 0644);
        if (dirfd >= 0)
                (void) close(dirfd);
        if (k < 0)
                fprintf(stderr, "The answer cannot be written to %s: %s\n", runtime, strerror(-k));
        return r > 0 && k >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
