/* Answers Describe; see about.h. */
#include "edge/about.h"
#include "sys/clock.h"
#include "domain/about.h"
#include "sys/process.h"

#include "config.h"

#include <sys/stat.h>
#include <time.h>

#define VERSION_TIMEOUT (5 * USEC_PER_SEC)
#define VERSION_MAX ((size_t) 4096)
/* Any more are told without the version. */
#define WAITING_MAX 16

/* One agent, one of these. */
static struct {
        Manager *manager;
        Process *process; /* asks the binary */
        sd_bus_message *waiting[WAITING_MAX];
        size_t n_waiting;
        bool asked;
        struct stat binary; /* of which `version` is */
        char *version;      /* NULL: it did not say */
} about;

static int reply(Manager *m, sd_bus_message *call, char *version) {
        _cleanup_free_ char *text = NULL, *sst_method = NULL;
        About a = {
                .node = m->name,
                .mainstay = (char *) PACKAGE_VERSION,
                .server = version,
                .cluster_name = m->options.cluster_name,
                .weight = about_weight(&m->options),
                .time = clock_usec(CLOCK_REALTIME),
        };
        int r;

        if (options_get(&m->options, "wsrep_sst_method", &sst_method) >= 0)
                a.sst_method = sst_method;
        r = about_format(&a, &text);
        return r < 0 ? r : sd_bus_reply_method_return(call, "s", text);
}

static void on_version(Process *p, const ProcessResult *result, void *userdata) {
        free(about.version);
        about.version = NULL;
        about.asked = true;
        if (result->error == 0 && result->status == 0 && result->output && about_version(result->output, &about.version) < 0)
                about.version = NULL;
        for (size_t i = 0; i < about.n_waiting; i++) {
                (void) reply(about.manager, about.waiting[i], about.version);
                (void) sd_bus_message_unref(about.waiting[i]);
        }
        about.n_waiting = 0;
        about.process = process_free(about.process);
}

static bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int about_reply(Manager *m, sd_bus_message *call) {
        const char *argv[] = { m->config->server, "--version", NULL };
        ProcessSpec spec = { .argv = argv, .timeout = VERSION_TIMEOUT, .output_max = VERSION_MAX, .error_max = VERSION_MAX };
        struct stat st;

        if (!about.process) {
                if (stat(m->config->server, &st) < 0)
                        return reply(m, call, NULL);
                if (about.asked && same_file(&st, &about.binary))
                        return reply(m, call, about.version);
                about.binary = st;
                about.manager = m;
                if (process_new(m->event, &spec, on_version, NULL, &about.process) < 0)
                        return reply(m, call, NULL);
        }
        if (about.n_waiting == WAITING_MAX)
                return reply(m, call, NULL);
        about.waiting[about.n_waiting++] = sd_bus_message_ref(call);
        return 1;
}
