/* `mainstayctl job`: what has been worked on here, what is, and how that goes
 * on. Whoever stops following stops nothing but that. */
#include "edge/ctl-job.h"
#include "edge/ctl-verbs.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <time.h>

/* All of them, newest first. */
static int get_list(sd_bus *bus, sd_bus_error *error, json_t **ret) {
        sd_bus_message *reply = NULL;
        json_t *list = NULL;
        const char *text;
        int r;

        r = sd_bus_call_method(bus, AGENT_NAME, AGENT_PATH, AGENT_NODE, "ListJobs", error, &reply, NULL);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r >= 0) {
                list = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
                if (!json_is_array(list)) {
                        (void) sd_bus_error_setf(error, SD_BUS_ERROR_FAILED, "Its list of jobs makes no sense: it is of another version than this command.");
                        r = -EBADMSG;
                }
        }
        (void) sd_bus_message_unref(reply);
        if (r < 0) {
                json_decref(list);
                return r;
        }
        *ret = list;
        return 0;
}

static bool has_id(const json_t *o, uint64_t id) {
        return id == 0 || json_integer_value(json_object_get(o, "id")) == (json_int_t) id;
}

/* The one that runs or has run last, where that is `id`; NULL where it is not. */
static int get_current(sd_bus *bus, uint64_t id, sd_bus_error *error, json_t **ret) {
        _cleanup_free_ char *text = NULL;
        json_t *o;
        int r;

        r = bus_text(bus, "Job", error, &text);
        if (r < 0)
                return r;
        o = *text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (!has_id(o, id)) {
                json_decref(o);
                o = NULL;
        }
        *ret = o;
        return 0;
}

static int get_of_list(sd_bus *bus, uint64_t id, sd_bus_error *error, json_t **ret) {
        json_t *list, *o, *found = NULL;
        size_t i;
        int r;

        r = get_list(bus, error, &list);
        if (r < 0)
                return r;
        json_array_foreach(list, i, o)
                if (!found && has_id(o, id))
                        found = json_incref(o);
        json_decref(list);
        *ret = found;
        return 0;
}

/* `id` 0: the one that runs, or has run last. New references both; what went
 * wrong is in `error`. */
static int get_job(sd_bus *bus, uint64_t id, sd_bus_error *error, json_t **ret_json, Job **ret) {
        json_t *o = NULL;
        char why[256];
        int r;

        r = get_current(bus, id, error, &o);
        if (r >= 0 && !o && id > 0)
                r = get_of_list(bus, id, error, &o);
        if (r < 0)
                return r;
        if (!o) {
                if (id > 0)
                        (void) sd_bus_error_setf(error, SD_BUS_ERROR_FAILED, "There is no job %" PRIu64 " on this node. Those there are: mainstayctl job list. A job is kept by the node that it is done on.", id);
                else
                        (void) sd_bus_error_setf(error, SD_BUS_ERROR_FAILED, "No job has been begun on this node yet.");
                return -ESRCH;
        }
        r = job_from_json(o, ret, why);
        if (r < 0) {
                json_decref(o);
                (void) sd_bus_error_setf(error, SD_BUS_ERROR_FAILED, "It makes no sense here: %s. With --json it is shown as it is.", why);
                return r;
        }
        *ret_json = o;
        return 0;
}

/* The same of another node, as its report has it: -EAGAIN where that has not come
 * yet. */
static int get_told(sd_bus *bus, const char *node, uint64_t id, sd_bus_error *error, json_t **ret_json, Job **ret) {
        json_t *picture, *peer, *o = NULL;
        char why[256];
        size_t i;
        int r;

        r = bus_picture(bus, error, &picture);
        if (r < 0)
                return r;
        json_array_foreach(json_object_get(picture, "peers"), i, peer)
                if (streq(str_or(json_string_value(json_object_get(peer, "node")), ""), node))
                        o = json_object_get(json_object_get(peer, "report"), "job");
        if (!o || !has_id(o, id)) {
                json_decref(picture);
                return -EAGAIN;
        }
        r = job_from_json(o, ret, why);
        if (r >= 0)
                *ret_json = json_incref(o);
        else
                (void) sd_bus_error_setf(error, SD_BUS_ERROR_FAILED, "It makes no sense here: %s. On %s: mainstayctl job show", why, node);
        json_decref(picture);
        return r;
}

/* Following */

typedef struct Follow {
        const Args *args;
        sd_bus *bus;
        const char *node; /* NULL: this one */
        sd_event *event;
        sd_event_source *look; /* off until something changed: many changes, one look */
        Style style;
        uint64_t id; /* 0 before it is known */
        JobShown shown;
        json_t *told; /* with --json: what was printed last */
        bool seen;    /* it has been there */
        bool absent;  /* that its agent is not was told */
        int exit;
} Follow;

static void show(Follow *f, json_t *o, const Job *job) {
        if (f->args->json) {
                if (!json_equal(o, f->told)) {
                        (void) json_dumpf(o, stdout, JSON_COMPACT);
                        putchar('\n');
                }
                json_decref(f->told);
                f->told = json_incref(o);
        } else {
                if (!f->seen)
                        job_print_begin(stdout, &f->style, job);
                job_print_steps(stdout, &f->style, job, clock_usec(CLOCK_REALTIME), &f->shown);
                if (job_is_over(job))
                        job_print_end(stdout, &f->style, job);
        }
        (void) fflush(stdout);
        f->id = job->id;
        f->seen = true;
}

/* A job is gone on with whether or not its agent has died in between. */
static int tell_absent(Follow *f) {
        FILE *to = f->args->json ? stderr : stdout;

        if (!f->absent)
                fprintf(to, "%sThe agent, mainstayd, does not run. Where somebody has stopped it, start it there: systemctl start mainstayd; else systemd does. Then it goes on with the job; this waits for it.\n", f->shown.progress ? "\n" : "");
        f->absent = true;
        f->shown.progress = false;
        (void) fflush(to);
        return 0;
}

static int on_look(sd_event_source *s, void *userdata) {
        _cleanup_(job_freep) Job *job = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Follow *f = userdata;
        json_t *o = NULL;
        int r;

        (void) s;
        r = f->node ? get_told(f->bus, f->node, f->id, &error, &o, &job) : get_job(f->bus, f->id, &error, &o, &job);
        if (r == -EAGAIN) {
                sd_bus_error_free(&error);
                return 0; /* it has yet to be heard of */
        }
        if (r >= 0) {
                f->absent = false;
                show(f, o, job);
                json_decref(o);
                if (job_is_over(job)) {
                        f->exit = job_exit(job);
                        r = sd_event_exit(f->event, f->exit);
                }
        } else if (f->seen && (bus_error_absent(&error) || sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY)))
                r = tell_absent(f);
        else {
                f->exit = bus_explain(f->args, "The job cannot be followed", &error, r);
                r = sd_event_exit(f->event, f->exit);
        }
        sd_bus_error_free(&error);
        return r;
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Follow *f = userdata;

        return sd_event_source_set_enabled(f->look, SD_EVENT_ONESHOT);
}

static int on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        Follow *f = userdata;

        f->exit = bus_explain(f->args, "The connection to the agent is lost", &e, -ECONNRESET);
        return sd_event_exit(f->event, f->exit);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Follow *f = userdata;

        if (si->ssi_signo == SIGINT && isatty(STDERR_FILENO))
                fputc('\n', stderr);
        if (!f->seen)
                fputs("Detached. Nothing was changed.\n", stderr);
        else
                fprintf(stderr, "Detached. Mainstay goes on with job %" PRIu64 ". To follow it again: mainstayctl job follow %" PRIu64 "; to end it: mainstayctl job cancel %" PRIu64 "\n",
                        f->id, f->id, f->id);
        f->exit = 128 + (int) si->ssi_signo;
        return sd_event_exit(f->event, f->exit);
}

static int follow_run(Follow *f) {
        sigset_t mask;
        int r;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGINT);
        (void) sigaddset(&mask, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        r = sd_event_new(&f->event);
        if (r >= 0)
                r = sd_event_add_signal(f->event, NULL, SIGINT, on_signal, f);
        if (r >= 0)
                r = sd_event_add_signal(f->event, NULL, SIGTERM, on_signal, f);
        if (r >= 0)
                r = sd_bus_attach_event(f->bus, f->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_event_add_defer(f->event, &f->look, on_look, f);
        if (r >= 0)
                r = sd_event_source_set_priority(f->look, SD_EVENT_PRIORITY_IDLE);
        /* Before the first look, so that nothing is missed between the two. */
        if (r >= 0)
                r = sd_bus_add_match(f->bus, NULL, AGENT_MATCH_PROPERTIES, on_change, f);
        if (r >= 0)
                r = sd_bus_add_match(f->bus, NULL, AGENT_MATCH_OWNER, on_change, f);
        if (r >= 0)
                r = sd_bus_match_signal(f->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_gone, f);
        return r < 0 ? r : sd_event_loop(f->event);
}

int job_follow(const Args *a, sd_bus *bus, const char *node, uint64_t id) {
        Follow f = { .args = a, .bus = bus, .node = node, .style = style_of(stdout), .id = id };
        int r;

        r = follow_run(&f);
        if (r < 0) {
                sd_bus_error error = SD_BUS_ERROR_NULL;

                f.exit = bus_explain(a, "The job cannot be followed", &error, r);
        }
        json_decref(f.told);
        (void) sd_bus_detach_event(bus);
        (void) sd_event_source_unref(f.look);
        (void) sd_event_unref(f.event);
        return f.exit;
}

/* The verb */

static int print_json(const json_t *o) {
        if (json_dumpf(o, stdout, JSON_INDENT(2)) < 0)
                return -EIO;
        putchar('\n');
        return CTL_OK;
}

static int list(const Args *a, sd_bus *bus, sd_bus_error *error) {
        Style style = style_of(stdout);
        json_t *jobs;
        int r;

        r = get_list(bus, error, &jobs);
        if (r < 0)
                return bus_explain(a, "The jobs of this node cannot be read", error, r);
        r = a->json ? print_json(jobs) : job_print_list(stdout, &style, jobs, clock_usec(CLOCK_REALTIME));
        json_decref(jobs);
        return r;
}

static int show_one(const Args *a, sd_bus *bus, sd_bus_error *error) {
        _cleanup_(job_freep) Job *job = NULL;
        Style style = style_of(stdout);
        json_t *o;
        int r;

        r = get_job(bus, a->job_id, error, &o, &job);
        if (r < 0)
                return bus_explain(a, "The job cannot be shown", error, r);
        if (a->json)
                r = print_json(o);
        else
                job_print(stdout, &style, job, clock_usec(CLOCK_REALTIME));
        json_decref(o);
        return r;
}

static int cancel(const Args *a, sd_bus *bus, sd_bus_error *error) {
        sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, AGENT_NAME, AGENT_PATH, AGENT_NODE, "CancelJob");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (r >= 0)
                r = sd_bus_message_append(m, "t", a->job_id);
        /* A person may have to type a password first. */
        if (r >= 0)
                r = sd_bus_call(bus, m, 150 * USEC_PER_SEC, error, &reply);
        (void) sd_bus_message_unref(reply);
        (void) sd_bus_message_unref(m);
        if (r < 0)
                return bus_explain(a, "The job is not cancelled", error, r);
        if (a->json) {
                json_t *o = json_pack("{s:b, s:I}", "ok", 1, "id", (json_int_t) a->job_id);

                r = o ? print_json(o) : -ENOMEM;
                json_decref(o);
                return r;
        }
        printf("Job %" PRIu64 " is asked to end. It does where it can be left in good order. To see it end: mainstayctl job follow %" PRIu64 "\n", a->job_id, a->job_id);
        return CTL_OK;
}

int verb_job(const Args *a) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus *bus;
        int r;

        r = bus_open(a, &bus);
        if (r < 0)
                return CTL_FAILED;
        switch (a->job_verb) {
        case JOB_VERB_SHOW:
                r = show_one(a, bus, &error);
                break;
        case JOB_VERB_FOLLOW:
                r = job_follow(a, bus, NULL, a->job_id);
                break;
        case JOB_VERB_CANCEL:
                r = cancel(a, bus, &error);
                break;
        default:
                r = list(a, bus, &error);
        }
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
        return r;
}
