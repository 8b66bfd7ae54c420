/* The agent's look at its own server; see probe.h. */
#include "adapter/probe.h"
#include "domain/json.h"
#include "domain/options.h"
#include "sys/process.h"

#include <jansson.h>

#define DEADLINE (8 * USEC_PER_SEC)
#define COMPLAINT_MAX ((size_t) 4096)

struct Probe {
        sd_event *event;
        char *program, *socket, *user;
        probe_done_t done;
        void *userdata;
        Process *process;
        bool again;
        ServerStatus status;
};

static bool get_text(const json_t *o, const char *key, char *to, size_t size) {
        const char *s = json_string_value(json_object_get(o, key));

        if (!s || strlen(s) >= size)
                return false;
        (void) snprintf(to, size, "%s", s);
        return true;
}

static int64_t get_number(const json_t *o, const char *key) {
        const json_t *v = json_object_get(o, key);

        return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : -1;
}

static bool get_uuid(const json_t *o, const char *key, Uuid *ret) {
        const char *s = json_string_value(json_object_get(o, key));

        return s && uuid_parse(s, strlen(s), ret) >= 0;
}

/* All of it or nothing: half a view is a wrong one, and so is one without the member that no
 * node can be called like. */
static bool get_view(const json_t *v, ServerStatus *s) {
        const json_t *members = json_object_get(v, "members"), *m;
        size_t i;

        s->view_seqno = get_number(v, "seqno");
        if (s->view_seqno < 0 || !get_uuid(v, "uuid", &s->view_uuid))
                return false;
        if (json_array_size(members) == 0 || json_array_size(members) > NAMES_MAX)
                return false;
        json_array_foreach(members, i, m)
                if (!get_uuid(m, "uuid", &s->member[i].uuid) || !get_text(m, "name", s->member[i].name, sizeof(s->member[i].name)) ||
                    !name_valid(s->member[i].name))
                        return false;
        s->n_members = i;
        return true;
}

void server_status_done(ServerStatus *s) {
        s->replication = replication_free(s->replication);
}

int server_status_parse(const char *text, ServerStatus *ret, char error[static 256]) {
        char why[256];
        json_t *o, *v;
        int k;

        k = json_read(text, strlen(text), &o, why);
        if (k < 0) {
                (void) snprintf(error, 256, "%s%.200s", k == -ENOMEM ? "" : "the probe answers nonsense: ", why);
                return k;
        }
        v = json_object_get(o, "wsrep");
        if (!json_is_boolean(v)) {
                const char *s = json_string_value(json_object_get(o, "error"));
                (void) snprintf(error, 256, "%s", str_or(s, "the probe answers nonsense"));
                json_decref(o);
                return -EBADMSG;
        }

        json_t *r = json_object_get(o, "replication");
        Replication *replication = NULL;
        if (r && replication_from_json(r, &replication, error) < 0) {
                json_decref(o);
                return -EBADMSG;
        }
        *ret = (ServerStatus) {
                .replication = replication,
                .wsrep = json_is_true(v),
                .state = get_number(o, "state"),
                .conf_id = get_number(o, "conf_id"),
                .cluster_size = get_number(o, "cluster_size"),
                .connected = json_is_true(json_object_get(o, "connected")),
                .ready = json_is_true(json_object_get(o, "ready")),
                .desync = json_is_true(json_object_get(o, "desync")),
                .position.seqno = get_number(o, "last_committed"),
                .cached_downto = get_number(o, "cached_downto"),
                .recv_queue = get_number(o, "recv_queue"),
                .desync_count = get_number(o, "desync_count"),
                .read_only = json_is_true(json_object_get(o, "read_only")),
                .view_seqno = -1,
        };
        (void) get_text(o, "version", ret->version, sizeof(ret->version));
        (void) get_text(o, "provider_version", ret->provider_version, sizeof(ret->provider_version));
        (void) get_text(o, "node_name", ret->node_name, sizeof(ret->node_name));
        (void) get_text(o, "cluster_status", ret->cluster_status, sizeof(ret->cluster_status));
        (void) get_text(o, "state_comment", ret->state_comment, sizeof(ret->state_comment));
        (void) get_text(o, "reject_queries", ret->reject_queries, sizeof(ret->reject_queries));
        (void) get_text(o, "sst_method", ret->sst_method, sizeof(ret->sst_method));
        (void) get_uuid(o, "cluster_uuid", &ret->cluster_uuid);
        (void) get_uuid(o, "member_uuid", &ret->member_uuid);
        (void) get_uuid(o, "local_uuid", &ret->position.uuid);

        const char *provider = json_string_value(json_object_get(o, "provider_options"));
        (void) snprintf(ret->quorum_off, sizeof(ret->quorum_off), "%s", provider ? str_or(options_provider_quorum_off(provider), "") : "");

        v = json_object_get(o, "view");
        if (v)
                ret->have_view = get_view(v, ret);
        if (!ret->have_view) {
                ret->n_members = 0;
                if (!get_text(o, "view_problem", ret->view_problem, sizeof(ret->view_problem)) && ret->wsrep)
                        (void) snprintf(ret->view_problem, sizeof(ret->view_problem), "the stored view cannot be read");
        }
        json_decref(o);
        return 0;
}

static int probe_begin(Probe *p);

static void probe_process_done(Process *process, const ProcessResult *result, void *userdata) {
        Probe *p = userdata;
        char error[256] = "";
        int r = result->error;

        server_status_done(&p->status);
        if (r == -ETIME)
                (void) snprintf(error, sizeof(error), "the server gave no answer for %d s", (int) (DEADLINE / USEC_PER_SEC));
        else if (r < 0)
                (void) snprintf(error, sizeof(error), "the probe: %s", strerror(-r));
        else if (result->status >= 128)
                (void) snprintf(error, sizeof(error), "the probe was ended by signal %d", result->status - 128);
        else
                r = server_status_parse(result->output, &p->status, error);
        if (r == 0 && result->status != 0) {
                if (error[0] == '\0')
                        (void) snprintf(error, sizeof(error), "the probe ended with status %d", result->status);
                r = -EIO;
        }

        p->process = process_free(p->process);
        if (p->again) {
                p->again = false;
                int k = probe_begin(p);
                if (k < 0 && r == 0) {
                        r = k;
                        (void) snprintf(error, sizeof(error), "the probe: %s", strerror(-k));
                }
        }
        p->done(p, r, r < 0 ? NULL : &p->status, r < 0 ? error : NULL, p->userdata);
}

static int probe_begin(Probe *p) {
        const char *const argv[] = { p->program, "--socket", p->socket, "--user", p->user, NULL };
        const ProcessSpec spec = {
                .argv = argv,
                .timeout = DEADLINE,
                .output_max = PROBE_OUTPUT_MAX,
                .error_max = COMPLAINT_MAX,
        };

        return process_new(p->event, &spec, probe_process_done, p, &p->process);
}

int probe_request(Probe *p) {
        if (p->process) {
                p->again = true;
                return 0;
        }
        return probe_begin(p);
}

bool probe_busy(const Probe *p) {
        return p->process != NULL;
}

int probe_new(sd_event *event, const char *program, const char *socket, const char *user, probe_done_t done, void *userdata,
              Probe **ret) {
        _cleanup_(probe_freep) Probe *p = NULL;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        *p = (Probe) {
                .event = sd_event_ref(event),
                .program = strdup(program),
                .socket = strdup(socket),
                .user = strdup(user),
                .done = done,
                .userdata = userdata,
        };
        if (!p->program || !p->socket || !p->user)
                return -ENOMEM;

        *ret = TAKE(p);
        return 0;
}

Probe *probe_free(Probe *p) {
        if (!p)
                return NULL;
        (void) process_free(p->process);
        server_status_done(&p->status);
        free(p->program);
        free(p->socket);
        free(p->user);
        (void) sd_event_unref(p->event);
        free(p);
        return NULL;
}
