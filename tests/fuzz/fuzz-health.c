/* mainstay-health between what its agent says of the node and what strangers ask by HTTP:
 * the first line of the input is the agent's answer, all behind it is what comes in by a
 * connection. The service is the real one but for its main; the bus is a socket, at the
 * other end of which the agent is played. Whatever comes, what goes out is HTTP, or the one
 * line of HAProxy's agent-check. */
#include "edge/health.h"
#include "fuzz.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Of the event loop, until an answer has come to its end; far more than any takes. Of a
 * request that is not whole nothing is heard for seconds: so many turns in which nothing
 * happens are enough of that. */
#define TURNS 1000
#define IDLE 3
#define ANSWER_MAX ((size_t) 256 * 1024)

static sd_event *event;
static sd_bus *agent, *client;
static Outlook *outlook;
static Http *http;
static AgentCheck *check;
static struct Address {
        struct sockaddr_un name;
        socklen_t size;
} http_address, check_address;
static const char *readiness;
static size_t readiness_size;
static bool asked;

static int called(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL;

        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "GetNameOwner")) {
                asked = true;
                return sd_bus_reply_method_return(m, "s", ":1.1");
        }
        if (!sd_bus_message_is_method_call(m, "org.mainstay1.Node", "Look"))
                return 0;
        text = strndup(readiness, readiness_size);
        MUST(text);
        /* What is not UTF-8 does not come over a bus. */
        return sd_bus_reply_method_return(m, "s", text) < 0 ? sd_bus_reply_method_errorf(m, "org.mainstay1.Error.NotReady", "It has just been started.") : 1;
}

/* Whoever makes an outlook waits for an answer. */
static void *play_until_asked(void *userdata) {
        while (!asked) {
                MUST(sd_bus_process(agent, NULL) >= 0);
                (void) sd_bus_wait(agent, 10 * USEC_PER_MSEC);
        }
        MUST(sd_bus_flush(agent) >= 0);
        return NULL;
}

static void bus_connect(void) {
        static const sd_id128_t id = { .bytes = { 1 } };
        int fds[2];

        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        MUST(sd_bus_new(&agent) >= 0 && sd_bus_set_fd(agent, fds[0], fds[0]) >= 0 && sd_bus_set_server(agent, true, id) >= 0);
        MUST(sd_bus_set_anonymous(agent, true) >= 0 && sd_bus_start(agent) >= 0);
        MUST(sd_bus_add_filter(agent, NULL, called, NULL) >= 0);
        MUST(sd_bus_new(&client) >= 0 && sd_bus_set_fd(client, fds[1], fds[1]) >= 0 && sd_bus_start(client) >= 0);
}

/* Under a name that the kernel makes. */
static int listen_at(struct Address *ret) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        *ret = (struct Address) { { .sun_family = AF_UNIX }, sizeof(ret->name) };
        MUST(fd >= 0 && bind(fd, (struct sockaddr *) &ret->name, sizeof(sa_family_t)) == 0 && listen(fd, 16) == 0);
        MUST(getsockname(fd, (struct sockaddr *) &ret->name, &ret->size) == 0);
        return fd;
}

static void start(void) {
        pthread_t thread;

        MUST(sd_event_new(&event) >= 0);
        bus_connect();
        MUST(pthread_create(&thread, NULL, play_until_asked, NULL) == 0);
        MUST(outlook_new(event, client, &outlook) >= 0);
        MUST(pthread_join(thread, NULL) == 0);
        MUST(sd_bus_attach_event(client, event, 0) >= 0 && sd_bus_attach_event(agent, event, 0) >= 0);
        MUST(http_new(event, outlook, listen_at(&http_address), &http) >= 0);
        MUST(agent_check_new(event, outlook, listen_at(&check_address), WORK_WRITE, &check) >= 0);
}

/* Nothing is known of the node any more, and its agent is there. */
static void forget(void) {
        sd_bus_message *m;
        int r;

        MUST(sd_bus_message_new_signal(agent, &m, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged") >= 0);
        MUST(sd_bus_message_append(m, "sss", "org.mainstay1", ":1.1", ":1.1") >= 0 && sd_bus_message_set_sender(m, "org.freedesktop.DBus") >= 0);
        MUST(sd_bus_send(agent, m, NULL) >= 0 && sd_bus_flush(agent) >= 0);
        (void) sd_bus_message_unref(m);
        while ((r = sd_bus_process(client, NULL)) > 0)
                ;
        MUST(r == 0 && !outlook_readiness(outlook));
}

/* What is answered to that; the caller's. */
static char *ask(const struct Address *address, const void *request, size_t size) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char *answer = malloc(ANSWER_MAX + 1);
        size_t n = 0;
        int idle = 0;
        ssize_t k = -1;

        MUST(fd >= 0 && answer && connect(fd, (const struct sockaddr *) &address->name, address->size) == 0);
        /* One that hears no more of it has answered already. */
        (void) !send(fd, request, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void) shutdown(fd, SHUT_WR);
        for (int turn = 0; k != 0 && idle < IDLE; turn++) {
                int r = sd_event_run(event, USEC_PER_MSEC);

                MUST(r >= 0 && turn < TURNS);
                idle = r > 0 ? 0 : idle + 1;
                while ((k = recv(fd, answer + n, ANSWER_MAX - n, MSG_DONTWAIT)) > 0)
                        n += (size_t) k;
                if (k < 0 && errno == ECONNRESET)
                        k = 0;
        }
        MUST(n < ANSWER_MAX);
        answer[n] = '\0';
        return answer;
}

/* "NAME{LABEL="TEXT"} NUMBER" in each line: what a node is called makes no other. */
static void check_metrics(const char *text) {
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
                size_t n = strcspn(line, "\n");
                char *end;
                const char *space = memrchr(line, ' ', n);

                MUST(line[n] == '\n' && n > 0 && space);
                if (*line == '#')
                        continue;
                MUST(strncmp(line, "mainstay_", 9) == 0);
                (void) strtod(space + 1, &end);
                MUST(end == line + n);
        }
}

static void check_http(const char *answer) {
        const char *body = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\nContent-Length: ");
        _cleanup_free_ char *text = NULL;
        json_t *o;

        if (!answer[0])
                return;
        MUST(strncmp(answer, "HTTP/1.", 7) == 0 && body);
        body += 4;
        /* Of the first answer, where it has one: that to HEAD has none. */
        if (!length || length > body || strncmp(body, "HTTP/", 5) == 0 || strtoul(length + 18, NULL, 10) > strlen(body))
                return;
        text = strndup(body, strtoul(length + 18, NULL, 10));
        MUST(text);
        if (text[0] == '{') {
                o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
                MUST(json_is_object(o));
                json_decref(o);
        } else if (text[0] == '#')
                check_metrics(text);
}

static void check_agent_check(const char *answer) {
        MUST(strchr(answer, '\n') && strchr(answer, '\n')[1] == '\0');
        for (const char *c = answer; c[1]; c++)
                MUST(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *first = NULL, *second = NULL;
        const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL, *request;

        if (!event)
                start();
        readiness = (const char *) data;
        readiness_size = end ? (size_t) (end - data) : size;
        request = end ? end + 1 : data + size;
        forget();
        first = ask(&http_address, request, (size_t) (data + size - request));
        check_http(first);
        second = ask(&check_address, "", 0);
        check_agent_check(second);
        return 0;
}
