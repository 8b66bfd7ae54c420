/* What is asked by HTTP. libmicrohttpd speaks it, in this event loop. */
#include "edge/health.h"
#include "base/number.h"
#include "domain/json.h"
#include "sys/clock.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <sys/epoll.h>

#define CONNECTIONS_MAX 512
#define CONNECTIONS_OF_ONE_MAX 256 /* of one address: nobody can keep all others out */
#define IDLE_SECONDS 60 /* a connection that is kept */
#define FIRST_SECONDS 5 /* until its first request has come: others wait for its place */

uint64_t health_checks[_WORK_MAX][2];

struct Http {
        Outlook *outlook;
        struct MHD_Daemon *daemon;
        sd_event_source *io, *timer;
};

typedef struct Request {
        Waiter waiter; /* first: it is what the outlook knows of this */
        const Http *http;
        struct MHD_Connection *connection;
        usec_t until; /* it may wait so long; 0: it has not yet */
} Request;

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type, const char *text, const char *const *headers) {
        struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *) text, MHD_RESPMEM_MUST_COPY);
        enum MHD_Result r;

        if (!response)
                return MHD_NO;
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        for (; headers && headers[0]; headers += 2)
                (void) MHD_add_response_header(response, headers[0], headers[1]);
        r = MHD_queue_response(c, status, response);
        MHD_destroy_response(response);
        return r;
}

static enum MHD_Result complain(struct MHD_Connection *c, unsigned status, const char *text) {
        static const char *const allow[] = { MHD_HTTP_HEADER_ALLOW, "GET, HEAD, OPTIONS", NULL };

        return reply(c, status, "text/plain; charset=utf-8", text, allow);
}

/* What whoever asks is content with */

typedef struct Wishes {
        Contentment with;
        char wrong[256]; /* one that is none */
} Wishes;

/* Seconds, with or without an "s". */
static bool parse_lag(const char *value, int64_t *ret) {
        size_t n = strlen(value);

        if (streq(value, "any")) {
                *ret = -1;
                return true;
        }
        if (n > 1 && value[n - 1] == 's')
                n--;
        return number_parse(value, n, 0, INT32_MAX, ret) >= 0;
}

static enum MHD_Result take_wish(void *userdata, enum MHD_ValueKind kind, const char *key, const char *value) {
        Wishes *w = userdata;
        bool ok = streq(str_or(value, ""), "ok");

        if (streq(key, "donor") && ok)
                w->with.donor = true;
        else if (streq(key, "desynced") && ok)
                w->with.desynced = true;
        else if (streq(key, "unsure") && ok)
                w->with.unsure = true;
        else if (!streq(key, "max_lag") || !parse_lag(str_or(value, ""), &w->with.max_lag))
                (void) snprintf(w->wrong, sizeof(w->wrong), "%.64s=%.64s is nothing that can be asked for: there are donor=ok, desynced=ok, unsure=ok, and max_lag=SECONDS or max_lag=any.\n", key, str_or(value, ""));
        return MHD_YES;
}

/* The pages */

static void age_text(Outlook *o, char buf[static 32]) {
        (void) snprintf(buf, 32, "%.3f", (double) outlook_age(o) / (double) USEC_PER_SEC);
}

static enum MHD_Result page_check(Outlook *o, struct MHD_Connection *c, Work work, const Contentment *with) {
        const Readiness *r = outlook_readiness(o);
        char age[32] = "", text[sizeof(((Verdict *) NULL)->text) + 2];
        Verdict v;

        if (r)
                age_text(o, age);
        outlook_judge(o, work, with, &v);
        health_checks[work][v.obstacle == OBSTACLE_NONE]++;
        (void) snprintf(text, sizeof(text), "%s\n", v.text);

        const char *const headers[] = {
                "X-Mainstay-Obstacle", obstacle_to_string(v.obstacle),
                "X-Mainstay-State", r ? r->state : "UNKNOWN",
                r ? "X-Mainstay-Age" : NULL, age,
                NULL,
        };
        return reply(c, v.obstacle == OBSTACLE_NONE ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", text, headers);
}

static json_t *verdict_json(Outlook *o, Work work, const Contentment *with) {
        Verdict v;

        outlook_judge(o, work, with, &v);
        return json_pack("{s:b, s:s, s:o}", "ready", v.obstacle == OBSTACLE_NONE, "obstacle", obstacle_to_string(v.obstacle), "text", text_json(v.text, false));
}

static enum MHD_Result page_status(Outlook *o, struct MHD_Connection *c, const Contentment *with) {
        const Readiness *r = outlook_readiness(o);
        json_t *j = r ? readiness_to_json(r) : json_object();
        _cleanup_free_ char *text = NULL;

        for (Work w = 0; j && w < _WORK_MAX; w++)
                (void) json_object_set_new(j, work_to_string(w), verdict_json(o, w, with));
        if (j && r)
                (void) json_object_set_new(j, "age", json_real((double) outlook_age(o) / (double) USEC_PER_SEC));
        text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
        json_decref(j);
        return text ? reply(c, r ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json", text, NULL) : MHD_NO;
}

static enum MHD_Result page_metrics(Outlook *o, struct MHD_Connection *c) {
        _cleanup_free_ char *text = NULL;

        if (metrics_text(o, &text) < 0)
                return MHD_NO;
        return reply(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, NULL);
}

/* Requests */

/* The library looks at it when it runs next, and nothing else makes it run. */
static void told(Waiter *w) {
        const Request *q = (const Request *) w;

        MHD_resume_connection(q->connection);
        if (sd_event_source_set_time(q->http->timer, 0) >= 0)
                (void) sd_event_source_set_enabled(q->http->timer, SD_EVENT_ONESHOT);
}

static enum MHD_Result handle(void *userdata, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state) {
        const Http *h = userdata;
        Wishes wishes = { .with = CONTENTMENT_DEFAULT };
        Request *q = *state;
        bool check = streq(url, "/") || streq(url, "/write") || streq(url, "/read");

        if (!q) { /* only the head of it has come */
                q = *state = calloc(1, sizeof(*q));
                (void) MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned) IDLE_SECONDS);
                if (q)
                        *q = (Request) { .waiter.told = told, .http = h, .connection = c };
                return q ? MHD_YES : MHD_NO;
        }
        if (*upload_size > 0) { /* nobody asked for that */
                *upload_size = 0;
                return MHD_YES;
        }
        if (!streq(method, MHD_HTTP_METHOD_GET) && !streq(method, MHD_HTTP_METHOD_HEAD) && !streq(method, MHD_HTTP_METHOD_OPTIONS))
                return complain(c, MHD_HTTP_METHOD_NOT_ALLOWED, "Nothing can be changed here: GET, HEAD and OPTIONS are understood.\n");
        if (streq(url, "/live"))
                return reply(c, MHD_HTTP_OK, "text/plain; charset=utf-8", "mainstay-health answers.\n", NULL);
        if (!check && !streq(url, "/status") && !streq(url, "/metrics"))
                return complain(c, MHD_HTTP_NOT_FOUND, "There are /read, /write (and / for it), /status, /metrics and /live: see mainstay-health(8).\n");
        (void) MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_wish, &wishes);
        if (wishes.wrong[0])
                return complain(c, MHD_HTTP_BAD_REQUEST, wishes.wrong);
        /* Again, where the agent has told of a change since it was resumed. */
        if ((q->until == 0 || (outlook_is_outdated(h->outlook) && clock_usec(CLOCK_MONOTONIC) < q->until)) && !outlook_is_ready(h->outlook)) {
                if (q->until == 0)
                        q->until = clock_usec(CLOCK_MONOTONIC) + OUTLOOK_PATIENCE;
                MHD_suspend_connection(c);
                outlook_wait(h->outlook, &q->waiter);
                return MHD_YES;
        }
        if (streq(url, "/status"))
                return page_status(h->outlook, c, &wishes.with);
        if (streq(url, "/metrics"))
                return page_metrics(h->outlook, c);
        return page_check(h->outlook, c, streq(url, "/read") ? WORK_READ : WORK_WRITE, &wishes.with);
}

static void request_over(void *userdata, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code) {
        free(TAKE(*state));
}

/* The loop */

static void run(Http *h) {
        MHD_UNSIGNED_LONG_LONG ms;
        uint64_t at;

        (void) MHD_run(h->daemon);
        if (MHD_get_timeout(h->daemon, &ms) != MHD_YES) {
                (void) sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
                return;
        }
        if (sd_event_now(sd_event_source_get_event(h->timer), CLOCK_MONOTONIC, &at) >= 0 && sd_event_source_set_time(h->timer, at + ms * USEC_PER_MSEC) >= 0)
                (void) sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        run(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        run(userdata);
        return 0;
}

Http *http_free(Http *h) {
        if (!h)
                return NULL;
        (void) sd_event_source_disable_unref(h->io);
        (void) sd_event_source_disable_unref(h->timer);
        if (h->daemon)
                MHD_stop_daemon(h->daemon);
        free(h);
        return NULL;
}

int http_new(sd_event *event, Outlook *outlook, int fd, Http **ret) {
        Http *h = calloc(1, sizeof(*h));
        const union MHD_DaemonInfo *info;
        int r;

        if (!h)
                return -ENOMEM;
        h->outlook = outlook;
        h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, h,
                                     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS_MAX,
                                     MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned) CONNECTIONS_OF_ONE_MAX,
                                     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) FIRST_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, request_over, NULL, MHD_OPTION_END);
        info = h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
        r = !info ? -EIO : sd_event_add_io(event, &h->io, info->epoll_fd, EPOLLIN, on_io, h);
        if (r >= 0)
                r = sd_event_add_time(event, &h->timer, CLOCK_MONOTONIC, USEC_NEVER, USEC_PER_MSEC, on_timer, h);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
        if (r < 0) {
                (void) http_free(h);
                return r;
        }
        *ret = h;
        return 0;
}
