/* The position of the data, without an agent; see gate-position.h. */
#include "edge/gate-position.h"
#include "adapter/recovery-store.h"
#include "domain/grastate.h"
#include "sys/file.h"
#include "sys/process.h"

#include <signal.h>

#define GRASTATE "grastate.dat"
/* How often it is said that the wait goes on. */
#define TELL_PERIOD (30 * USEC_PER_SEC)

typedef struct Run {
        sd_event *event;
        sd_event_source *term, *interrupt, *tell;
        Process *process;
        position_wait_t wait;
        int status; /* of mainstay-recover, or a negative errno */
} Run;

static void run_done(Run *run) {
        run->process = process_free(run->process);
        run->term = sd_event_source_disable_unref(run->term);
        run->interrupt = sd_event_source_disable_unref(run->interrupt);
        run->tell = sd_event_source_disable_unref(run->tell);
        run->event = sd_event_unref(run->event);
}

static void recovered(Process *process, const ProcessResult *result, void *userdata) {
        Run *run = userdata;

        run->status = result->error < 0 ? result->error : result->status;
        (void) sd_event_exit(run->event, 0);
}

static int terminated(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        Run *run = userdata;

        run->status = -ECANCELED;
        return sd_event_exit(run->event, 0);
}

static int tell(sd_event_source *source, uint64_t usec, void *userdata) {
        Run *run = userdata;

        run->wait("the agent does not answer; InnoDB is asked for the position of the data");
        (void) sd_event_source_set_time(source, usec + TELL_PERIOD);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int run_start(Run *run, const char *const *argv) {
        /* Its log is the evidence, and goes where ours does. */
        const ProcessSpec spec = { .argv = argv, .timeout = USEC_NEVER };
        sigset_t set;
        int r;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        r = sd_event_new(&run->event);
        if (r >= 0)
                r = sd_event_add_signal(run->event, &run->term, SIGTERM, terminated, run);
        if (r >= 0)
                r = sd_event_add_signal(run->event, &run->interrupt, SIGINT, terminated, run);
        if (r >= 0)
                r = sd_event_add_time_relative(run->event, &run->tell, CLOCK_MONOTONIC, 0, USEC_PER_SEC, tell, run);
        if (r >= 0)
                r = process_new(run->event, &spec, recovered, run, &run->process);
        return r;
}

int position_find(const char *server, const char *datadir, const char *options, int serverdirfd, const char *serverdir,
                  position_wait_t wait, Recovery *ret) {
        const char *const argv[] = {
                str_or(getenv("MAINSTAY_RECOVER"), PKGLIBEXECDIR "/mainstay-recover"),
                "--server", server, "--datadir", datadir, "--output", serverdir, "--", str_or(options, NULL) /* ends it, where there is none */, NULL,
        };
        _cleanup_(run_done) Run run = { .wait = wait, .status = -EIO };
        int r;

        r = run_start(&run, argv);
        if (r >= 0)
                r = sd_event_loop(run.event);
        if (r < 0)
                return r;
        if (run.status != 0)
                return run.status < 0 ? run.status : -EIO;
        return recovery_read(serverdirfd, ret);
}

static int grastate_read(int dirfd, Grastate *ret) {
        _cleanup_free_ char *text = NULL;
        char error[256];
        size_t size;
        int r;

        r = file_read(dirfd, GRASTATE, GRASTATE_SIZE_MAX, &text, &size, NULL);
        return r < 0 ? r : grastate_parse(text, size, ret, error);
}

bool position_wanted(int dirfd) {
        Grastate g;

        return grastate_read(dirfd, &g) >= 0 && !uuid_is_zero(&g.position.uuid);
}

static int grastate_set(int dirfd, Grastate *g, int64_t seqno) {
        char text[512];
        size_t size;
        int r;

        g->position.seqno = seqno;
        g->safe_to_bootstrap = GRASTATE_SAFE_NO;
        size = grastate_format(g, text);
        r = file_write(dirfd, GRASTATE, text, size, 0660);
        return r < 0 ? r : 1;
}

int position_write(int dirfd, const Position *position) {
        Grastate g;
        int r;

        r = grastate_read(dirfd, &g);
        if (r < 0)
                return r;
        if (!uuid_equal(&g.position.uuid, &position->uuid))
                return -ESTALE;
        return g.position.seqno >= position->seqno ? 0 : grastate_set(dirfd, &g, position->seqno);
}

int position_lower(int dirfd, const Position *position) {
        Grastate g;
        int r;

        r = grastate_read(dirfd, &g);
        if (r < 0)
                return r;
        if (!uuid_equal(&g.position.uuid, &position->uuid) || position->seqno < 0 || g.position.seqno <= position->seqno)
                return 0;
        return grastate_set(dirfd, &g, position->seqno);
}
