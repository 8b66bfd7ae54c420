/* Connections to a port, from the kernel; see sockets.h. */
#include "adapter/sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* As the kernel numbers them; its header for programs lacks them beside
 * <linux/tcp.h>. */
#define STATE_ESTABLISHED 1
#define STATE_CLOSE_WAIT 8
#define STATE_LISTEN 10
#define ROUNDS_MAX 64

/* Only those of one local port: a server may have ten thousand others. A pair
 * of operations each, the second of which carries the port. */
typedef struct Question {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
        struct rtattr attribute;
        struct inet_diag_bc_op op[4];
} Question;

static int ask(int fd, uint8_t family, uint16_t port) {
        Question q = {
                .header = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .request = {
                        .sdiag_family = family,
                        .sdiag_protocol = IPPROTO_TCP,
                        .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                        .idiag_states = 1 << STATE_ESTABLISHED | 1 << STATE_CLOSE_WAIT | 1 << STATE_LISTEN,
                },
                .attribute = { .rta_len = RTA_LENGTH(sizeof(q.op)), .rta_type = INET_DIAG_REQ_BYTECODE },
                /* Where "no" leads four beyond the end, the socket is passed over. */
                .op = {
                        { .code = INET_DIAG_BC_S_GE, .yes = 8, .no = 20 }, { .no = port },
                        { .code = INET_DIAG_BC_S_LE, .yes = 8, .no = 12 }, { .no = port },
                },
        };

        return send(fd, &q, sizeof(q), 0) < 0 ? -errno : 0;
}

static void take(const struct nlmsghdr *h, Flow *flows, size_t max, size_t *n, bool *listening) {
        const struct inet_diag_msg *m = NLMSG_DATA(h);
        size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
        Flow f = {0};

        if (m->idiag_state == STATE_LISTEN) {
                *listening = true;
                return;
        }
        if (*n == max)
                return;
        f.id = (uint64_t) m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
        f.open = m->idiag_state == STATE_ESTABLISHED;
        if (!inet_ntop(m->idiag_family, m->id.idiag_dst, f.from, sizeof(f.from)))
                f.from[0] = 0;
        if (strncmp(f.from, "::ffff:", 7) == 0 && strchr(f.from, '.'))
                memmove(f.from, f.from + 7, strlen(f.from + 7) + 1);
        for (const struct rtattr *a = (const struct rtattr *) (m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
                struct tcp_info info = {0};

                if (a->rta_type != INET_DIAG_INFO)
                        continue;
                memcpy(&info, RTA_DATA(a), RTA_PAYLOAD(a) < sizeof(info) ? RTA_PAYLOAD(a) : sizeof(info));
                f.received = info.tcpi_bytes_received;
        }
        flows[(*n)++] = f;
}

static int hear(int fd, Flow *flows, size_t max, size_t *n, bool *listening) {
        union {
                struct nlmsghdr header;
                char bytes[32 * 1024];
        } buf;

        for (int round = 0; round < ROUNDS_MAX; round++) {
                ssize_t got = recv(fd, &buf, sizeof(buf), 0);
                size_t left;

                if (got < 0)
                        return -errno;
                left = (size_t) got;
                for (const struct nlmsghdr *h = &buf.header; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                        if (h->nlmsg_type == NLMSG_DONE)
                                return 0;
                        if (h->nlmsg_type == NLMSG_ERROR) {
                                const struct nlmsgerr *e = NLMSG_DATA(h);

                                return e->error < 0 ? e->error : -EIO;
                        }
                        if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
                                take(h, flows, max, n, listening);
                }
        }
        return -E2BIG;
}

int sockets_read(uint16_t port, Flow *ret, size_t max, bool *ret_listening) {
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        /* The kernel answers at once; should it not, nothing is lost but one look. */
        const struct timeval patience = { .tv_usec = 100000 };
        _cleanup_close_ int fd = -1;
        bool listening = false;
        size_t n = 0;

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTS(families); i++) {
                int r = ask(fd, families[i], port);

                if (r >= 0)
                        r = hear(fd, ret, max, &n, &listening);
                if (r < 0)
                        return r;
        }
        *ret_listening = listening;
        return (int) n;
}
