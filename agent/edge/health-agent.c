/* HAProxy's agent-check: whoever connects gets one line, and nothing is read. A line
 * always says both: whether the server is up, and whether it is to be used; what was
 * said last of either would hold on otherwise. */
#include "edge/health.h"
#include "base/reason.h"

#include <sys/socket.h>
#include <unistd.h>

#define CALLERS_MAX 256

typedef struct Caller {
        Waiter waiter; /* first: it is what the outlook knows of this */
        AgentCheck *check;
        int fd;
} Caller;

struct AgentCheck {
        Outlook *outlook;
        Work work;
        int fd;
        sd_event_source *source;
        size_t n_callers;
};

static int line(const Verdict *v, char *buf, size_t size) {
        char why[200];

        /* What is said is one line, in the words of people: HAProxy shows it. */
        (void) snprintf(why, sizeof(why), "%.*s", reason_length(v->text), v->text);
        for (char *c = why; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        switch (v->obstacle) {
        case OBSTACLE_NONE:
                return snprintf(buf, size, "up ready 100%%\n");
        case OBSTACLE_DRAINING:
                return snprintf(buf, size, "up drain\n");
        case OBSTACLE_SHUNNED:
        case OBSTACLE_OFFLINE:
                return snprintf(buf, size, "maint down #%s\n", why);
        default:
                return snprintf(buf, size, "ready down #%s\n", why);
        }
}

static void answer(const AgentCheck *a, int fd) {
        const Contentment with = CONTENTMENT_DEFAULT;
        char buf[256], ignored[256];
        Verdict v;

        outlook_judge(a->outlook, a->work, &with, &v);
        health_checks[a->work][v.obstacle == OBSTACLE_NONE]++;
        (void) !send(fd, buf, (size_t) line(&v, buf, sizeof(buf)), MSG_DONTWAIT | MSG_NOSIGNAL);
        /* What it was sent (agent-send) and has not been read would make of the end a reset,
         * which takes the line with it. */
        (void) !recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT);
        (void) close(fd);
}

static void told(Waiter *w) {
        Caller *c = (Caller *) w;

        c->check->n_callers--;
        answer(c->check, c->fd);
        free(c);
}

static int called(sd_event_source *source, int listening, uint32_t events, void *userdata) {
        AgentCheck *a = userdata;
        _cleanup_close_ int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        Caller *c;

        if (fd < 0)
                return 0;
        if (outlook_is_ready(a->outlook)) {
                answer(a, fd);
                fd = -1;
                return 0;
        }
        c = a->n_callers < CALLERS_MAX ? malloc(sizeof(*c)) : NULL;
        if (!c)
                return 0; /* it hears nothing, and takes that for what it is */
        *c = (Caller) { .waiter.told = told, .check = a, .fd = fd };
        fd = -1;
        a->n_callers++;
        outlook_wait(a->outlook, &c->waiter);
        return 0;
}

int agent_check_new(sd_event *event, Outlook *outlook, int fd, Work work, AgentCheck **ret) {
        AgentCheck *a = calloc(1, sizeof(*a));
        int r;

        if (!a)
                return -ENOMEM;
        *a = (AgentCheck) { .outlook = outlook, .work = work, .fd = fd };
        r = sd_event_add_io(event, &a->source, fd, EPOLLIN, called, a);
        if (r < 0) {
                free(a);
                return r;
        }
        *ret = a;
        return 0;
}

AgentCheck *agent_check_free(AgentCheck *a) {
        if (!a)
                return NULL;
        (void) sd_event_source_disable_unref(a->source);
        (void) close(a->fd);
        free(a);
        return NULL;
}
