/* Where a copy is from; see copy-source.h. */
#include "edge/copy-source.h"
#include "adapter/ssh.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>

#define KEY_DIR "/var/lib/mainstay/ssh"
#define AGENT "mainstay"
/* Not a byte for so long: it has stalled. A large table is flushed meanwhile, say. */
#define STALL_MS (300 * 1000)

void copy_source_close(CopySource *s) {
        tool_kill(&s->ssh);
        closep(&s->fd);
        free(s->buf);
        *s = (CopySource) { .fd = -1 };
}

int copy_source_open(const char *from, const char *verb, CopySource *ret, char text[static DATADIR_TEXT_MAX]) {
        const struct passwd *agent = getpwnam(AGENT);
        _cleanup_copy_source_ CopySource s = { .fd = -1 };
        _cleanup_close_ int to = -1;
        char command[32];
        SshTarget target;
        SshCommand ssh;
        int fds[2], r;
        size_t n = 0;

        if (ssh_target_parse(from, &target) < 0)
                return datadir_fail(0, text, "\"%.200s\" is no node that is reached through ssh", from);
        if (!agent)
                return datadir_fail(-ENOENT, text, "there is no account " AGENT);
        r = ssh_command(&target, "ssh", KEY_DIR, &ssh);
        if (r < 0)
                return datadir_fail(r, text, "ssh cannot be run: %s", strerror(-r));
        while (ssh.argv[n + 1])
                n++;
        (void) snprintf(command, sizeof(command), "mainstay-backup %s", verb);
        ssh.argv[n] = command;
        s.buf = malloc(STREAM_FRAME_MAX + 1);
        if (!s.buf || pipe2(fds, O_CLOEXEC) < 0)
                return datadir_fail(-ENOMEM, text, "memory is short");
        s.fd = fds[0];
        to = fds[1];
        stream_widen(to);
        r = tool_start(ssh.argv, -1, to, agent->pw_uid, agent->pw_gid, false, &s.ssh);
        if (r < 0)
                return datadir_fail(r, text, "ssh cannot be run: %s", strerror(-r));
        *ret = s;
        s = (CopySource) { .fd = -1 };
        return 1;
}

int copy_source_read(CopySource *s, int to, StreamFrame *ret_frame, size_t *ret_n, char text[static DATADIR_TEXT_MAX]) {
        struct pollfd p = { .fd = s->fd, .events = POLLIN };
        int r = poll(&p, 1, STALL_MS);

        if (r == 0)
                return datadir_fail(-ETIME, text, "not a byte has come from the other node for %d s", STALL_MS / 1000);
        r = stream_read_to(s->fd, to, ret_frame, s->buf, ret_n);
        if (r > 0)
                return 1;
        if (r == -EPIPE)
                return datadir_fail(r, text, "the data cannot be written: is the disk full? (journalctl -u 'mainstay-provision@*')");
        return datadir_fail(r < 0 ? r : -ECONNRESET, text, "the other node ended in the middle of it; why, its journal says, and: journalctl -u 'mainstay-provision@*'");
}

int copy_source_header(CopySource *s, json_t **ret, char text[static DATADIR_TEXT_MAX]) {
        StreamFrame frame;
        size_t n;
        json_t *o;
        int r;

        r = copy_source_read(s, -1, &frame, &n, text);
        if (r < 0)
                return r;
        o = json_loads(s->buf, JSON_REJECT_DUPLICATES, NULL);
        if (frame == STREAM_HEADER && json_is_object(o)) {
                *ret = o;
                return 1;
        }
        r = datadir_fail(0, text, "the other node hands out no copy: %.400s", str_or(json_string_value(json_object_get(o, "error")), "it does not say why"));
        json_decref(o);
        return r;
}

int copy_source_verdict(const CopySource *s, char text[static DATADIR_TEXT_MAX]) {
        json_t *o = json_loads(s->buf, JSON_REJECT_DUPLICATES, NULL);
        int r = json_is_true(json_object_get(o, "ok")) ? 1 : datadir_fail(0, text, "%.400s", str_or(json_string_value(json_object_get(o, "error")), "the other node's end makes no sense"));

        json_decref(o);
        return r;
}
