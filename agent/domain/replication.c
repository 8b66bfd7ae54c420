/* What a server says of replication; see replication.h. */
#include "domain/replication.h"
#include "base/table.h"

static const char *const flavour_names[] = {
        [FLAVOUR_UNKNOWN] = "unknown",
        [FLAVOUR_MARIADB] = "mariadb",
        [FLAVOUR_MYSQL] = "mysql",
};
DEFINE_STRING_TABLE(flavour, Flavour, flavour_names)

static const char *const thread_names[] = {
        [THREAD_UNKNOWN] = "unknown",
        [THREAD_STOPPED] = "stopped",
        [THREAD_CONNECTING] = "connecting",
        [THREAD_RUNNING] = "running",
};
DEFINE_STRING_TABLE(thread, Thread, thread_names)

Thread thread_from_server(const char *running) {
        if (!running)
                return THREAD_UNKNOWN;
        if (streq(running, "Yes"))
                return THREAD_RUNNING;
        if (streq(running, "No"))
                return THREAD_STOPPED;
        /* MariaDB says Preparing before, and MySQL nothing else. */
        return streq(running, "Connecting") || streq(running, "Preparing") ? THREAD_CONNECTING : THREAD_UNKNOWN;
}

static void forget_gtids(Replication *r) {
        gtid_list_done(&r->slave_pos);
        gtid_list_done(&r->binlog_pos);
        gtid_list_done(&r->binlog_state);
        gtid_set_done(&r->executed);
        gtid_set_done(&r->purged);
        r->have_gtids = false;
}

int replication_new(Replication **ret) {
        Replication *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->server_id = r->replicas = -1;
        *ret = r;
        return 0;
}

Replication *replication_free(Replication *r) {
        if (!r)
                return NULL;
        forget_gtids(r);
        for (size_t i = 0; i < r->n_channels; i++) {
                gtid_list_done(&r->channel[i].received_list);
                gtid_set_done(&r->channel[i].received_set);
        }
        free(r);
        return NULL;
}

int replication_copy(const Replication *r, Replication **ret) {
        _cleanup_(replication_freep) Replication *c = malloc(sizeof(*c));

        if (!c)
                return -ENOMEM;
        *c = *r;
        c->slave_pos = c->binlog_pos = c->binlog_state = (GtidList) {0};
        c->executed = c->purged = (GtidSet) {0};
        for (size_t i = 0; i < c->n_channels; i++) {
                c->channel[i].received_list = (GtidList) {0};
                c->channel[i].received_set = (GtidSet) {0};
        }
        if (gtid_list_copy(&r->slave_pos, &c->slave_pos) < 0 || gtid_list_copy(&r->binlog_pos, &c->binlog_pos) < 0 ||
            gtid_list_copy(&r->binlog_state, &c->binlog_state) < 0 || gtid_set_copy(&r->executed, &c->executed) < 0 ||
            gtid_set_copy(&r->purged, &c->purged) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_channels; i++)
                if (gtid_list_copy(&r->channel[i].received_list, &c->channel[i].received_list) < 0 ||
                    gtid_set_copy(&r->channel[i].received_set, &c->channel[i].received_set) < 0)
                        return -ENOMEM;
        *ret = TAKE(c);
        return 0;
}

/* To JSON; see report-json.c for the flag. */

static void put(json_t *o, const char *key, json_t *value, bool *failed) {
        if (json_object_set_new(o, key, value) < 0)
                *failed = true;
}

static void put_uuid(json_t *o, const char *key, const Uuid *u, bool *failed) {
        char text[UUID_TEXT_MAX];

        if (!uuid_is_zero(u))
                put(o, key, json_string(uuid_text(u, text)), failed);
}

static void put_list(json_t *o, const char *key, const GtidList *list, bool *failed) {
        _cleanup_free_ char *text = NULL;

        put(o, key, gtid_list_format(list, &text) < 0 ? NULL : json_string(text), failed);
}

static void put_set(json_t *o, const char *key, const GtidSet *set, bool *failed) {
        _cleanup_free_ char *text = NULL;

        put(o, key, gtid_set_format(set, &text) < 0 ? NULL : json_string(text), failed);
}

static void put_worker(json_t *o, const char *key, const Worker *w, bool *failed) {
        json_t *j = json_object();

        put(j, "state", json_string(thread_to_string(w->state)), failed);
        if (w->error != 0)
                put(j, "errno", json_integer(w->error), failed);
        if (w->text[0])
                put(j, "error", json_string(w->text), failed);
        put(o, key, j, failed);
}

static json_t *channel_json(const Channel *c, Flavour flavour, bool *failed) {
        json_t *o = json_object();

        if (c->name[0])
                put(o, "name", json_string(c->name), failed);
        put(o, "host", json_string(c->host), failed);
        put(o, "port", json_integer(c->port), failed);
        if (c->source_id > 0)
                put(o, "source_id", json_integer(c->source_id), failed);
        put_uuid(o, "source_uuid", &c->source_uuid, failed);
        put(o, "by_gtid", json_boolean(c->by_gtid), failed);
        put_worker(o, "receiver", &c->receiver, failed);
        put_worker(o, "applier", &c->applier, failed);
        if (c->lag >= 0)
                put(o, "lag", json_integer(c->lag), failed);
        if (flavour == FLAVOUR_MARIADB && c->received_list.n > 0)
                put_list(o, "received", &c->received_list, failed);
        if (flavour == FLAVOUR_MYSQL && c->received_set.n > 0)
                put_set(o, "received", &c->received_set, failed);
        return o;
}

static void put_facts(json_t *o, const Replication *r, bool *failed) {
        json_t *channels = json_array();

        put(o, "flavour", json_string(flavour_to_string(r->flavour)), failed);
        if (r->version[0])
                put(o, "version", json_string(r->version), failed);
        if (r->server_id >= 0)
                put(o, "server_id", json_integer(r->server_id), failed);
        put_uuid(o, "server_uuid", &r->server_uuid, failed);
        put(o, "read_only", json_boolean(r->read_only), failed);
        put(o, "super_read_only", json_boolean(r->super_read_only), failed);
        put(o, "binlog", json_boolean(r->binlog), failed);
        if (r->replicas >= 0)
                put(o, "replicas", json_integer(r->replicas), failed);
        if (r->have_gtids && r->flavour == FLAVOUR_MARIADB) {
                put_list(o, "gtid_slave_pos", &r->slave_pos, failed);
                put_list(o, "gtid_binlog_pos", &r->binlog_pos, failed);
                put_list(o, "gtid_binlog_state", &r->binlog_state, failed);
        } else if (r->have_gtids) {
                put_set(o, "gtid_executed", &r->executed, failed);
                put_set(o, "gtid_purged", &r->purged, failed);
        }
        if (r->gtid_problem[0])
                put(o, "gtid_problem", json_string(r->gtid_problem), failed);
        for (size_t i = 0; i < r->n_channels; i++)
                if (json_array_append_new(channels, channel_json(&r->channel[i], r->flavour, failed)) < 0)
                        *failed = true;
        put(o, "channels", channels, failed);
}

int replication_to_json(const Replication *r, json_t **ret) {
        json_t *o = json_object();
        bool failed = !o;

        put(o, "answers", json_boolean(r->answers), &failed);
        if (r->answers)
                put_facts(o, r, &failed);
        else if (r->problem[0])
                put(o, "problem", json_string(r->problem), &failed);
        if (failed) {
                json_decref(o);
                return -ENOMEM;
        }
        *ret = o;
        return 0;
}

/* From JSON. The first thing that is wrong decides; `error` tells of it. */

typedef struct Source {
        char *error;
        bool wrong;
} Source;

static void wrong(Source *s, const char *key, const char *should) {
        if (!s->wrong)
                (void) snprintf(s->error, 256, "replication: %.60s should be %.150s", key, should);
        s->wrong = true;
}

static void get_text(Source *s, const json_t *o, const char *key, char *to, size_t size) {
        const json_t *v = json_object_get(o, key);
        const char *text = json_string_value(v);

        if (!v)
                return;
        if (!text || strlen(text) >= size)
                wrong(s, key, "a text, and not as long");
        else
                (void) snprintf(to, size, "%s", text);
}

static int64_t get_number(Source *s, const json_t *o, const char *key, int64_t min, int64_t max, int64_t absent) {
        const json_t *v = json_object_get(o, key);

        if (!v)
                return absent;
        if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max) {
                wrong(s, key, "a whole number within its bounds");
                return absent;
        }
        return json_integer_value(v);
}

static bool get_bool(Source *s, const json_t *o, const char *key) {
        const json_t *v = json_object_get(o, key);

        if (v && !json_is_boolean(v))
                wrong(s, key, "true or false");
        return json_is_true(v);
}

static Uuid get_uuid(Source *s, const json_t *o, const char *key) {
        const json_t *v = json_object_get(o, key);
        Uuid u = {0};

        if (v && (!json_is_string(v) || uuid_parse(json_string_value(v), json_string_length(v), &u) < 0))
                wrong(s, key, "a UUID");
        return u;
}

/* Its text, or NULL where it is absent. */
static const char *get_gtids(Source *s, const json_t *o, const char *key, size_t max) {
        const json_t *v = json_object_get(o, key);

        if (v && !json_is_string(v))
                wrong(s, key, "a text");
        else if (v && json_string_length(v) > max)
                wrong(s, key, "shorter");
        else if (v)
                return json_string_value(v);
        return NULL;
}

static bool get_list(Source *s, const json_t *o, const char *key, size_t max, GtidListKind kind, GtidList *ret) {
        const char *text = get_gtids(s, o, key, max);
        char error[256] = "";

        if (!text)
                return false;
        if (gtid_list_parse(text, strlen(text), kind, ret, error) < 0)
                wrong(s, key, error);
        return true;
}

static bool get_set(Source *s, const json_t *o, const char *key, size_t max, GtidSet *ret) {
        const char *text = get_gtids(s, o, key, max);
        char error[256] = "";

        if (!text)
                return false;
        if (gtid_set_parse(text, strlen(text), ret, error) < 0)
                wrong(s, key, error);
        return true;
}

static void get_worker(Source *s, const json_t *o, const char *key, Worker *ret) {
        const json_t *w = json_object_get(o, key);
        const char *state = json_string_value(json_object_get(w, "state"));

        if (w && !json_is_object(w)) {
                wrong(s, key, "an object");
                return;
        }
        if (state) {
                Thread t = thread_from_string(state);

                /* Of a newer agent, say: unknown is what it is here. */
                ret->state = (int) t < 0 ? THREAD_UNKNOWN : t;
        }
        ret->error = get_number(s, w, "errno", 0, UINT32_MAX, 0);
        get_text(s, w, "error", ret->text, sizeof(ret->text));
}

static void get_channel(Source *s, const json_t *o, Flavour flavour, Channel *ret) {
        if (!json_is_object(o)) {
                wrong(s, "channels", "a list of objects");
                return;
        }
        get_text(s, o, "name", ret->name, sizeof(ret->name));
        get_text(s, o, "host", ret->host, sizeof(ret->host));
        ret->port = get_number(s, o, "port", 0, UINT16_MAX, 0);
        ret->source_id = get_number(s, o, "source_id", 0, UINT32_MAX, 0);
        ret->source_uuid = get_uuid(s, o, "source_uuid");
        ret->by_gtid = get_bool(s, o, "by_gtid");
        get_worker(s, o, "receiver", &ret->receiver);
        get_worker(s, o, "applier", &ret->applier);
        ret->lag = get_number(s, o, "lag", 0, INT64_MAX, -1);
        if (flavour == FLAVOUR_MARIADB)
                (void) get_list(s, o, "received", REPLICATION_RECEIVED_MAX, GTID_POSITION, &ret->received_list);
        else
                (void) get_set(s, o, "received", REPLICATION_RECEIVED_MAX, &ret->received_set);
}

static void get_all_gtids(Source *s, const json_t *o, Replication *r) {
        bool all;

        if (r->flavour == FLAVOUR_MARIADB) {
                all = get_list(s, o, "gtid_slave_pos", REPLICATION_GTIDS_MAX, GTID_POSITION, &r->slave_pos);
                all = get_list(s, o, "gtid_binlog_pos", REPLICATION_GTIDS_MAX, GTID_POSITION, &r->binlog_pos) && all;
                all = get_list(s, o, "gtid_binlog_state", REPLICATION_GTIDS_MAX, GTID_STATE, &r->binlog_state) && all;
        } else {
                all = get_set(s, o, "gtid_executed", REPLICATION_GTIDS_MAX, &r->executed);
                all = get_set(s, o, "gtid_purged", REPLICATION_GTIDS_MAX, &r->purged) && all;
        }
        /* Some of them would pass for all, and what is not told for not there. */
        if (!all)
                forget_gtids(r);
        r->have_gtids = all;
        get_text(s, o, "gtid_problem", r->gtid_problem, sizeof(r->gtid_problem));
}

int replication_from_json(const json_t *j, Replication **ret, char error[static 256]) {
        _cleanup_(replication_freep) Replication *r = NULL;
        const json_t *channels = json_object_get(j, "channels"), *c;
        Source s = { .error = error };
        size_t i;

        if (replication_new(&r) < 0) {
                (void) snprintf(error, 256, "out of memory");
                return -ENOMEM;
        }
        if (!json_is_object(j)) {
                (void) snprintf(error, 256, "replication should be an object");
                return -EBADMSG;
        }
        r->answers = get_bool(&s, j, "answers");
        if (!r->answers) {
                get_text(&s, j, "problem", r->problem, sizeof(r->problem));
                if (s.wrong)
                        return -EBADMSG;
                *ret = TAKE(r);
                return 0;
        }
        r->flavour = flavour_from_string(json_string_value(json_object_get(j, "flavour")));
        if ((int) r->flavour <= FLAVOUR_UNKNOWN) {
                (void) snprintf(error, 256, "replication: flavour should be mariadb or mysql");
                return -EBADMSG;
        }
        get_text(&s, j, "version", r->version, sizeof(r->version));
        r->server_id = get_number(&s, j, "server_id", 0, UINT32_MAX, -1);
        r->server_uuid = get_uuid(&s, j, "server_uuid");
        r->read_only = get_bool(&s, j, "read_only");
        r->super_read_only = get_bool(&s, j, "super_read_only");
        r->binlog = get_bool(&s, j, "binlog");
        r->replicas = get_number(&s, j, "replicas", 0, INT64_MAX, -1);
        get_all_gtids(&s, j, r);
        if (channels && (!json_is_array(channels) || json_array_size(channels) > CHANNELS_MAX))
                wrong(&s, "channels", "a list, and not as long");
        else
                json_array_foreach((json_t *) channels, i, c) {
                        r->n_channels = i + 1;
                        get_channel(&s, c, r->flavour, &r->channel[i]);
                }
        if (s.wrong)
                return -EBADMSG;
        *ret = TAKE(r);
        return 0;
}

int replication_holdings(const Replication *r, GtidList *ret) {
        return gtid_list_union(&r->binlog_state, &r->slave_pos, ret);
}

int replication_position(const Replication *r, GtidList *ret) {
        _cleanup_gtid_list_ GtidList all = {0};
        size_t n = 0;
        int k;

        k = gtid_list_union(&r->slave_pos, &r->binlog_pos, &all);
        if (k < 0)
                return k;
        /* A union has a domain's highest last. */
        for (size_t i = 0; i < all.n; i++)
                if (i + 1 == all.n || all.gtid[i + 1].domain != all.gtid[i].domain)
                        all.gtid[n++] = all.gtid[i];
        all.n = n;
        *ret = all;
        all = (GtidList) {0};
        return 0;
}

int replication_position_text(const Replication *r, char **ret) {
        _cleanup_gtid_list_ GtidList at = {0};
        int k;

        if (r->flavour == FLAVOUR_MYSQL)
                return gtid_set_format(&r->executed, ret);
        k = replication_position(r, &at);
        return k < 0 ? k : gtid_list_format(&at, ret);
}
