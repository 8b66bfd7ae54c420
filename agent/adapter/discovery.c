/* The server as it is installed; see discovery.h. */
#include "adapter/discovery.h"

#define DEFAULTS_TIMEOUT (10 * USEC_PER_SEC)
#define DEFAULTS_MAX ((size_t) 256 * 1024)

static const char *const servers[] = {
        DISCOVERY_SERVER_DEFAULT, "/usr/sbin/mysqld", "/usr/libexec/mariadbd", "/usr/libexec/mysqld",
};

const char *discovery_server(void) {
        for (size_t i = 0; i < ELEMENTS(servers); i++)
                if (access(servers[i], X_OK) == 0)
                        return servers[i];
        return NULL;
}

typedef struct Question {
        const char *argv[4]; /* borrows from itself, and from who asks */
        char *file;
} Question;

static void question_done(Question *q) {
        free(q->file);
}

static int question_make(const char *server, const char *defaults_file, Question *q) {
        size_t n = 0;

        q->argv[n++] = server;
        if (defaults_file) {
                if (asprintf(&q->file, "--defaults-file=%s", defaults_file) < 0) {
                        q->file = NULL;
                        return -ENOMEM;
                }
                q->argv[n++] = q->file;
        }
        q->argv[n++] = "--print-defaults";
        q->argv[n] = NULL;
        return 0;
}

int discovery_options(const char *server, const char *defaults_file, Options *ret) {
        _cleanup_(question_done) Question q = {0};
        _cleanup_free_ char *output = NULL;
        int r;

        r = question_make(server, defaults_file, &q);
        if (r < 0)
                return r;
        r = process_run(q.argv, DEFAULTS_TIMEOUT, DEFAULTS_MAX, &output);
        return r == 0 ? options_parse(output, ret) : r;
}

int discovery_ask(sd_event *event, const char *server, const char *defaults_file, process_done_t done, void *userdata, Process **ret) {
        _cleanup_(question_done) Question q = {0};
        int r;

        r = question_make(server, defaults_file, &q);
        if (r < 0)
                return r;
        const ProcessSpec spec = { .argv = q.argv, .timeout = DEFAULTS_TIMEOUT, .output_max = DEFAULTS_MAX };
        return process_new(event, &spec, done, userdata, ret);
}

int discovery_answer(const ProcessResult *result, Options *ret) {
        if (result->error < 0 || result->status != 0)
                return result->error < 0 ? result->error : result->status;
        return options_parse(result->output, ret);
}
