/* mainstay-door: what another node's agent comes to through ssh. It is the forced
 * command of its key, so it and nothing else may be had by it:
 *
 *   systemd-stdio-bridge    the system bus, where the agent listens
 *   mainstay-backup VERB    a copy of this node's data, as mainstay-backup.socket
 *                           hands it out; where that is not enabled, nothing
 */
#include "sys/file.h"
#include "sys/stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

/* By way of a pipe, for the kernel then copies nothing, whatever sshd has at the other
 * end. */
static int relay(int from, int to) {
        _cleanup_close_ int in = -1, out = -1;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        out = fds[0];
        in = fds[1];
        stream_widen(out);
        for (;;) {
                ssize_t n = splice(from, NULL, in, NULL, STREAM_FRAME_MAX, SPLICE_F_MOVE);
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                r = stream_pass(out, to, (size_t) n);
                if (r <= 0)
                        return r < 0 ? r : -EIO;
        }
}

static int backup(const char *verb) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = str_or(getenv("MAINSTAY_BACKUP_SOCKET"), "/run/mainstay-backup.sock");
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r;

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
                fprintf(stderr, "this node hands out no copies of its data (%s: %s): mainstayctl setup there says what is missing\n", path, strerror(errno));
                return EXIT_FAILURE;
        }
        r = write_all(fd, verb, strlen(verb));
        if (r >= 0)
                r = write_all(fd, "\n", 1);
        if (r >= 0)
                r = relay(fd, STDOUT_FILENO);
        if (r < 0)
                fprintf(stderr, "the copy was cut off: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void) {
        static const char prefix[] = "mainstay-backup ";
        const char *asked = str_or(getenv("SSH_ORIGINAL_COMMAND"), "");

        if (strncmp(asked, prefix, strlen(prefix)) == 0)
                return backup(asked + strlen(prefix));
        (void) execlp("systemd-stdio-bridge", "systemd-stdio-bridge", NULL);
        fprintf(stderr, "systemd-stdio-bridge: not found: %s\n", strerror(errno));
        return 127;
}
