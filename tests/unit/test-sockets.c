/* The kernel's word on what comes in at a port: against real connections. */
#include "cases.h"
#include "adapter/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int listen_somewhere(uint16_t *ret_port) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &a, sizeof(a)), 0);
        assert_int_equal(listen(fd, 4), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &a, &n), 0);
        *ret_port = ntohs(a.sin_port);
        return fd;
}

static int connect_to(uint16_t port) {
        const struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (const struct sockaddr *) &a, sizeof(a)), 0);
        return fd;
}

static void what_has_come_is_told(void **state) {
        static const char bytes[1000];
        _cleanup_close_ int server = -1, client = -1, accepted = -1;
        char sink[sizeof(bytes)];
        bool listening = false;
        Flow f[4] = {0};
        uint16_t port;
        int n;

        (void) state;
        server = listen_somewhere(&port);
        n = sockets_read(port, f, ELEMENTS(f), &listening);
        if (n == -EOPNOTSUPP || n == -ENOENT || n == -EPROTONOSUPPORT)
                skip(); /* a kernel that does not tell */
        assert_int_equal(n, 0);
        assert_true(listening);

        client = connect_to(port);
        accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        assert_int_equal(send(client, bytes, sizeof(bytes), 0), (int) sizeof(bytes));
        assert_int_equal(recv(accepted, sink, sizeof(sink), MSG_WAITALL), (int) sizeof(sink));
        /* The client's own end has another local port, and is none of it. */
        assert_int_equal(sockets_read(port, f, ELEMENTS(f), &listening), 1);
        assert_true(listening && f[0].open);
        assert_int_equal(f[0].received, sizeof(bytes));
        assert_string_equal(f[0].from, "127.0.0.1");

        assert_int_equal(close(server), 0);
        server = -1;
        assert_int_equal(sockets_read(port, f, ELEMENTS(f), &listening), 1);
        assert_false(listening);
        assert_int_equal(sockets_read(port, f, 0, &listening), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(what_has_come_is_told) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
