/* A unit of systemd; see unit.h. */
#include "adapter/unit.h"
#include "adapter/unit-state.h"

#include <signal.h>

#define SIGNALS 3 /* of one unit: new, removed, properties changed */

typedef struct Job {
        Unit *unit;
        sd_bus_slot *call, *removed;
        char *path; /* once it is queued */
        bool pending;
        unit_job_t done;
        void *userdata;
} Job;

struct Unit {
        sd_bus *bus;
        char *name;
        unit_changed_t changed;
        void *userdata;

        sd_bus_slot *owner_signal, *reloading_signal, *files_signal;
        sd_bus_slot *signals[SIGNALS]; /* of this unit alone: nobody else's jobs wake us */
        sd_bus_slot *load, *find, *get;
        char *owner;    /* systemd: anybody can send us a signal, and only its own count */
        char *path;     /* the unit's; it may differ from what the name says, which may be an alias */
        bool reloading; /* systemd takes all units away and brings them again: nothing that it says counts */

        UnitState state;
        UnitState next; /* what was heard, but not yet all of it */
        bool known;
        char *error;

        Job start, stop;
};

/* `m` is a reply, whose sender needs no proof. */
static void unit_learn_owner(Unit *u, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m);

        if (!sender || streq_null(sender, u->owner))
                return;
        free(u->owner);
        u->owner = strdup(sender);
}

static bool unit_from_systemd(const Unit *u, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m);

        return sender && streq_null(sender, u->owner);
}

/* The state */

static void unit_unknown(Unit *u, const char *why) {
        char *error = strdup(why);

        free(u->error);
        u->error = error;
        u->known = false;
        u->changed(u, u->userdata);
}

/* What was heard is what is the case now. */
static void unit_publish(Unit *u) {
        bool same = u->known && unit_state_equal(&u->state, &u->next);

        u->known = true;
        u->state = u->next;
        free(TAKE(u->error));
        if (!same)
                u->changed(u, u->userdata);
}

static int unit_load(Unit *u);

/* A systemd that is busy for longer than a call may take will say nothing more of its own:
 * it is asked anew. What it refuses, it has answered. */
static void unit_refused(Unit *u, const sd_bus_error *error) {
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                (void) unit_load(u);
        unit_unknown(u, str_or(error->message, error->name));
}

static int unit_got(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Unit *u = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        int r;

        u->get = sd_bus_slot_unref(u->get);
        if (error) {
                unit_refused(u, error);
                return 0;
        }

        u->next = (UnitState) {}; /* nothing is left over: a unit that is not found has no Result */
        r = unit_state_read(m, &u->next);
        if (r < 0)
                unit_unknown(u, strerror(-r));
        else
                unit_publish(u);
        return 0;
}

/* systemd tells of a change in two signals: first what is particular to
 * services, then what all units have. Only after the second it fits together. */
static int unit_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Unit *u = userdata;
        const char *interface;

        /* Before the first answer to GetAll this is half a state; that answer comes later, and has it all. */
        if (!u->known || !unit_from_systemd(u, m) || sd_bus_message_read(m, "s", &interface) < 0 || unit_state_read(m, &u->next) < 0)
                return 0;
        if (streq(interface, SYSTEMD ".Unit"))
                unit_publish(u);
        return 0;
}

/* Jobs */

static void job_clear(Job *j) {
        j->call = sd_bus_slot_unref(j->call);
        j->removed = sd_bus_slot_unref(j->removed);
        free(TAKE(j->path));
        j->pending = false;
}

static void job_end(Job *j, int r, const char *result) {
        job_clear(j);
        if (j->done)
                j->done(j->unit, r, result, j->userdata);
}

static int unit_get(Unit *u) {
        u->get = sd_bus_slot_unref(u->get);
        return sd_bus_call_method_async(u->bus, &u->get, SYSTEMD, u->path, PROPERTIES, "GetAll", unit_got, u, "s", "");
}

/* The unit's signals */

/* Nobody needs it any more, so it has ended, even if no signal said so. */
static int unit_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Unit *u = userdata;

        if (!unit_from_systemd(u, m) || u->reloading || !u->known)
                return 0;
        unit_state_end(&u->next);
        unit_publish(u);
        return 0;
}

static int unit_found(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Unit *u = userdata;
        int r;

        u->find = sd_bus_slot_unref(u->find);
        if (sd_bus_message_is_method_error(m, NULL) > 0 || !u->path)
                return 0; /* gone again: somebody had looked at it */
        r = unit_get(u);
        if (r < 0)
                unit_unknown(u, strerror(-r));
        return 0;
}

/* systemd sends no properties of a unit before it has announced it, so what
 * led to the announcement is missing. GetUnit, unlike GetAll, loads nothing. */
static int unit_appeared(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Unit *u = userdata;
        int r;

        if (!unit_from_systemd(u, m) || u->reloading)
                return 0;
        u->find = sd_bus_slot_unref(u->find);
        r = sd_bus_call_method_async(u->bus, &u->find, SYSTEMD, SYSTEMD_PATH, MANAGER, "GetUnit", unit_found, u, "s", u->name);
        if (r < 0)
                unit_unknown(u, strerror(-r));
        return 0;
}

/* Reading it all */

/* The unit's own signals: asked for before the state is, so that nothing falls between. */
static int unit_watch(Unit *u) {
        static const struct {
                const char *member;
                sd_bus_message_handler_t handler;
        } table[] = {
                { "UnitNew", unit_appeared },
                { "UnitRemoved", unit_removed },
        };
        _cleanup_free_ char *id = NULL;
        int r;

        _Static_assert(ELEMENTS(table) + 1 == SIGNALS, "one slot a signal, and one for the properties");
        r = sd_bus_path_decode(u->path, SYSTEMD_PATH "/unit", &id);
        if (r < 0)
                return r;
        if (r == 0 || strchr(id, '\''))
                return -EBADMSG;

        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char rule[512];
                int n = snprintf(rule, sizeof(rule), "type='signal',sender='" SYSTEMD "',path='" SYSTEMD_PATH
                                 "',interface='" MANAGER "',member='%s',arg0='%s'", table[i].member, id);
                if (n < 0 || (size_t) n >= sizeof(rule))
                        return -ENAMETOOLONG;
                u->signals[i] = sd_bus_slot_unref(u->signals[i]);
                r = sd_bus_add_match_async(u->bus, &u->signals[i], rule, table[i].handler, NULL, u);
                if (r < 0)
                        return r;
        }
        u->signals[SIGNALS - 1] = sd_bus_slot_unref(u->signals[SIGNALS - 1]);
        return sd_bus_match_signal_async(u->bus, &u->signals[SIGNALS - 1], SYSTEMD, u->path, PROPERTIES, "PropertiesChanged",
                                         unit_properties_changed, NULL, u);
}

static int unit_loaded(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Unit *u = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *path;
        int r;

        u->load = sd_bus_slot_unref(u->load);
        if (error) {
                unit_refused(u, error);
                return 0;
        }
        unit_learn_owner(u, m);
        r = sd_bus_message_read(m, "o", &path);
        if (r >= 0 && !streq_null(path, u->path)) {
                free(u->path);
                u->path = strdup(path);
                r = u->path ? unit_watch(u) : -ENOMEM;
                if (r < 0)
                        free(TAKE(u->path));
        }
        if (r >= 0)
                r = unit_get(u);
        if (r < 0)
                unit_unknown(u, strerror(-r));
        return 0;
}

static int unit_load(Unit *u) {
        u->load = sd_bus_slot_unref(u->load);
        u->get = sd_bus_slot_unref(u->get);
        return sd_bus_call_method_async(u->bus, &u->load, SYSTEMD, SYSTEMD_PATH, MANAGER, "LoadUnit", unit_loaded, u, "s", u->name);
}

static void unit_load_again(Unit *u) {
        int r = unit_load(u);

        if (r < 0)
                unit_unknown(u, strerror(-r));
}

static int unit_subscribe(Unit *u) {
        /* No reply is wanted: that this bus has subscribed before is an error, and no harm. */
        return sd_bus_call_method_async(u->bus, NULL, SYSTEMD, SYSTEMD_PATH, MANAGER, "Subscribe", NULL, NULL, NULL);
}

/* Starting and stopping */

static int job_queued(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Job *j = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *path;
        int r;

        j->call = sd_bus_slot_unref(j->call);
        if (error) {
                /* It asks polkit whether the agent may. */
                if (sd_bus_error_has_names(error, SD_BUS_ERROR_ACCESS_DENIED, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED)) {
                        job_end(j, -EACCES, "systemd does not let the agent do that, for polkit does not answer, or has not Mainstay's rules: systemctl status polkit");
                        return 0;
                }
                /* systemd has started anew, with the question or without it. */
                if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) || sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                        r = -ECONNRESET;
                else
                        r = -sd_bus_error_get_errno(error);
                job_end(j, r < 0 ? r : -EIO, str_or(error->message, error->name));
                return 0;
        }
        r = sd_bus_message_read(m, "o", &path);
        if (r >= 0) {
                j->path = strdup(path);
                r = j->path ? 0 : -ENOMEM;
        }
        if (r < 0)
                job_end(j, r, strerror(-r));
        return 0;
}

static int job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Job *j = userdata;
        const char *path, *name, *result;
        uint32_t id;

        if (unit_from_systemd(j->unit, m) && sd_bus_message_read(m, "uoss", &id, &path, &name, &result) >= 0 &&
            streq_null(path, j->path))
                job_end(j, 0, result);
        return 0;
}

static int job_begin(Unit *u, Job *j, const char *method, const char *mode, unit_job_t done, void *userdata) {
        int r;

        if (j->pending)
                return -EBUSY;
        if (!u->path || !u->owner)
                return -ENOTCONN;
        /* Listened for only meanwhile: it comes for every job of every unit. */
        r = sd_bus_match_signal_async(u->bus, &j->removed, SYSTEMD, SYSTEMD_PATH, MANAGER, "JobRemoved", job_removed, NULL, j);
        if (r < 0)
                return r;
        /* Polkit may take its time, systemd does not: the default is long enough for both. */
        r = sd_bus_call_method_async(u->bus, &j->call, SYSTEMD, SYSTEMD_PATH, MANAGER, method, job_queued, j, "ss", u->name, mode);
        if (r < 0) {
                job_clear(j);
                return r;
        }
        j->pending = true;
        j->done = done;
        j->userdata = userdata;
        return 0;
}

int unit_start(Unit *u, const char *mode, unit_job_t done, void *userdata) {
        return job_begin(u, &u->start, "StartUnit", mode, done, userdata);
}

bool unit_starting(const Unit *u) {
        return u->start.pending;
}

int unit_stop(Unit *u, const char *mode, unit_job_t done, void *userdata) {
        return job_begin(u, &u->stop, "StopUnit", mode, done, userdata);
}

int unit_kill(Unit *u) {
        if (!u->path || !u->owner)
                return -ENOTCONN;
        return sd_bus_call_method_async(u->bus, NULL, SYSTEMD, SYSTEMD_PATH, MANAGER, "KillUnit", NULL, NULL, "ssi", u->name, "all", SIGKILL);
}

/* systemd itself */

static int unit_reloading(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Unit *u = userdata;
        int active;

        if (!unit_from_systemd(u, m) || sd_bus_message_read(m, "b", &active) < 0)
                return 0;
        u->reloading = active;
        if (!active)
                unit_load_again(u);
        return 0;
}

static int unit_files_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Unit *u = userdata;

        if (unit_from_systemd(u, m) && !u->reloading)
                unit_load_again(u);
        return 0;
}

static int unit_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Job *jobs[] = { &((Unit *) userdata)->start, &((Unit *) userdata)->stop };
        Unit *u = userdata;
        const char *sender = sd_bus_message_get_sender(m), *name, *old, *new;
        int r;

        if (!sender || !streq(sender, "org.freedesktop.DBus") || sd_bus_message_read(m, "sss", &name, &old, &new) < 0 ||
            !streq(name, SYSTEMD))
                return 0;
        u->reloading = false;
        free(u->owner);
        u->owner = *new != '\0' ? strdup(new) : NULL;
        if (*new == '\0') {
                unit_unknown(u, "systemd left the bus");
                return 0;
        }

        /* Jobs outlive a new start of systemd, but what became of them meanwhile nobody tells. */
        for (size_t i = 0; i < ELEMENTS(jobs); i++)
                if (jobs[i]->path)
                        job_end(jobs[i], -ECONNRESET, "systemd started anew");
        r = unit_subscribe(u);
        if (r < 0)
                unit_unknown(u, strerror(-r));
        else
                unit_load_again(u);
        return 0;
}

int unit_new(sd_bus *bus, const char *name, unit_changed_t changed, void *userdata, Unit **ret) {
        _cleanup_(unit_freep) Unit *u = NULL;
        int r;

        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        *u = (Unit) {
                .bus = sd_bus_ref(bus),
                .name = strdup(name),
                .changed = changed,
                .userdata = userdata,
                .start = { .unit = u },
                .stop = { .unit = u },
        };
        if (!u->name)
                return -ENOMEM;

        r = sd_bus_match_signal_async(bus, &u->reloading_signal, SYSTEMD, SYSTEMD_PATH, MANAGER, "Reloading", unit_reloading, NULL, u);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(bus, &u->files_signal, SYSTEMD, SYSTEMD_PATH, MANAGER, "UnitFilesChanged", unit_files_changed,
                                      NULL, u);
        if (r < 0)
                return r;
        r = sd_bus_add_match_async(bus, &u->owner_signal,
                                   "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                   "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SYSTEMD "'",
                                   unit_owner_changed, NULL, u);
        if (r < 0)
                return r;
        r = unit_subscribe(u);
        if (r < 0)
                return r;
        r = unit_load(u);
        if (r < 0)
                return r;

        *ret = TAKE(u);
        return 0;
}

Unit *unit_free(Unit *u) {
        if (!u)
                return NULL;

        job_clear(&u->start);
        job_clear(&u->stop);
        (void) sd_bus_slot_unref(u->owner_signal);
        (void) sd_bus_slot_unref(u->reloading_signal);
        (void) sd_bus_slot_unref(u->files_signal);
        for (size_t i = 0; i < SIGNALS; i++)
                (void) sd_bus_slot_unref(u->signals[i]);
        (void) sd_bus_slot_unref(u->load);
        (void) sd_bus_slot_unref(u->find);
        (void) sd_bus_slot_unref(u->get);
        free(u->owner);
        free(u->path);
        free(u->name);
        free(u->error);
        (void) sd_bus_unref(u->bus);
        free(u);
        return NULL;
}

const char *unit_name(const Unit *u) {
        return u->name;
}

const UnitState *unit_state(const Unit *u) {
        return u->known ? &u->state : NULL;
}

const char *unit_error(const Unit *u) {
        return u->known ? NULL : u->error;
}
