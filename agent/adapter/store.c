/* What the agent keeps; see store.h. */
#include "adapter/store.h"
#include "base/table.h"
#include "base/utf8.h"
#include "domain/json.h"
#include "sys/file.h"

#include <fcntl.h>

/* A claim is a text within a text: of its bytes each may be written as two. */
#define STORE_SIZE_MAX (2 * CLAIM_SIZE_MAX + (size_t) 1024 * 1024)

static const char *const aside_state_names[] = {
        [ASIDE_NONE] = "none",
        [ASIDE_STOPPING] = "stopping",
        [ASIDE_MOVING] = "moving",
        [ASIDE_JOINING] = "joining",
};
DEFINE_STRING_TABLE(aside_state, AsideState, aside_state_names)

/* What cannot be kept must not be missing in silence: a promise would be forgotten. */
static void put(json_t *o, const char *key, json_t *value, bool *failed) {
        if (json_object_set_new(o, key, value) < 0)
                *failed = true;
}

static void add(json_t *a, json_t *value, bool *failed) {
        if (json_array_append_new(a, value) < 0)
                *failed = true;
}

static json_t *grant_json(const Grant *g, bool *failed) {
        json_t *o = json_pack("{s:o, s:s, s:s, s:o, s:o, s:I, s:I, s:I}", "id", uuid_json(&g->id), "holder", g->holder,
                              "manner", manner_to_string(g->manner), "agent", uuid_json(&g->agent),
                              "uuid", uuid_json(&g->position.uuid), "seqno", (json_int_t) g->position.seqno,
                              "epoch", (json_int_t) g->epoch, "serial", (json_int_t) g->serial);
        char group[POSITION_TEXT_MAX];

        if (position_defined(&g->group))
                put(o, "group", json_string(position_text(&g->group, group)), failed);
        return o;
}

static json_t *marks_json(const Marks *m, bool *failed) {
        json_t *o = json_object();

        for (MarkKind k = 0; k < _MARK_MAX; k++)
                if (m->mark[k].set)
                        put(o, mark_to_string(k), json_pack("{s:I, s:I, s:o}", "section", (json_int_t) m->mark[k].section,
                                                            "time", (json_int_t) m->mark[k].time, "evidence", text_json(m->mark[k].evidence, true)), failed);
        return o;
}

static json_t *aside_json(const Aside *a, bool *failed) {
        json_t *o = json_pack("{s:s, s:s, s:o, s:b}", "state", aside_state_to_string(a->state), "stamp", a->stamp, "note", text_json(a->note, true), "force_space", (int) a->force_space);

        if (a->donor[0])
                put(o, "donor", json_string(a->donor), failed);
        return o;
}

static json_t *claim_json(const Store *s) {
        _cleanup_free_ char *text = NULL;

        return claim_format(s->claim, &text) < 0 ? NULL : json_pack("{s:s, s:s}", "state", claim_state_to_string(s->claim_state), "claim", text);
}

static int store_to_json(const Store *s, json_t **ret) {
        json_t *o, *history = json_array(), *released = json_array(), *seqnos = json_array(), *labels = json_object(),
               *led = json_array();
        bool failed = false;

        for (size_t i = 0; i < s->history.n; i++) {
                const HistoryEntry *e = &s->history.entry[i];

                add(history, json_pack("{s:o, s:o, s:I, s:s, s:b}", "id", uuid_json(&e->id), "uuid", uuid_json(&e->position.uuid),
                                       "seqno", (json_int_t) e->position.seqno, "leader", e->leader, "foreign", (int) e->foreign), &failed);
        }
        for (size_t i = 0; i < s->n_released; i++)
                add(released, uuid_json(&s->released[i]), &failed);
        for (size_t i = 0; i < s->n_seqnos; i++)
                add(seqnos, json_pack("[I,I,I]", (json_int_t) s->seqno[i].section, (json_int_t) s->seqno[i].view, (json_int_t) s->seqno[i].seqno), &failed);
        for (size_t i = 0; i < s->n_led; i++)
                add(led, json_pack("{s:o, s:s}", "id", uuid_json(&s->led[i].id), "leader", s->led[i].leader), &failed);
        for (size_t i = 0; i < s->n_labels; i++)
                put(labels, s->label[i].label, json_string(s->label[i].name), &failed);

        o = json_pack("{s:i, s:o, s:I, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:I}", "version", 1, "agent", uuid_json(&s->agent),
                      "epoch", (json_int_t) s->epoch, "boot", uuid_json(&s->boot), "history", history,
                      "released", released, "wanted", s->wanted, "without", names_to_json(&s->without),
                      "seqnos", seqnos, "labels", labels, "led", led, "settled", (json_int_t) s->settled,
                      "booted", (json_int_t) s->booted);
        if (s->claim_state != CLAIM_NONE)
                put(o, "claim", claim_json(s), &failed);
        if (s->settled_start[0])
                put(o, "settled_start", json_string(s->settled_start), &failed);
        if (s->join_failures > 0)
                put(o, "join_failures", json_integer(s->join_failures), &failed);
        if (s->have_grant)
                put(o, "grant", grant_json(&s->grant, &failed), &failed);
        if (s->owed)
                put(o, "owed", json_true(), &failed);
        if (s->offline)
                put(o, "offline", json_true(), &failed);
        if (s->replica)
                put(o, "replica", json_true(), &failed);
        if (s->held)
                put(o, "held", json_true(), &failed);
        if (s->held_before)
                put(o, "held_before", json_true(), &failed);
        if (s->down_before)
                put(o, "down_before", json_true(), &failed);
        if (s->copy_place[0])
                put(o, "copy_place", json_string(s->copy_place), &failed);
        if (s->consumed > 0)
                put(o, "consumed", json_integer((json_int_t) s->consumed), &failed);
        if (s->stopping[0])
                put(o, "stopping", json_string(s->stopping), &failed);
        if (s->resuming > 0)
                put(o, "resuming", json_integer((json_int_t) s->resuming), &failed);
        if (s->ruling.version > 0)
                put(o, "policy", json_pack("{s:s, s:I, s:s}", "name", policy_to_string(s->ruling.policy),
                                           "version", (json_int_t) s->ruling.version, "node", s->ruling.node), &failed);
        if (s->quorum_off[0])
                put(o, "quorum_off", json_pack("{s:s, s:I, s:I}", "option", s->quorum_off,
                                               "from", (json_int_t) s->quorum_off_from, "to", (json_int_t) s->quorum_off_to), &failed);
        put(o, "marks", marks_json(&s->marks, &failed), &failed);
        if (s->aside.state != ASIDE_NONE)
                put(o, "aside", aside_json(&s->aside, &failed), &failed);
        if (s->shun.set)
                put(o, "shun", shun_to_json(&s->shun), &failed);
        if (failed) {
                json_decref(o);
                return -ENOMEM;
        }
        *ret = o;
        return 0;
}

static bool uuid_read(const json_t *v, Uuid *ret) {
        return json_is_string(v) && uuid_parse(json_string_value(v), json_string_length(v), ret) >= 0;
}

/* `g` is empty before. */
static bool grant_read(const json_t *o, Grant *g) {
        const char *holder, *manner = "restart"; /* unsaid in a file of before there were others */
        const char *group = NULL;
        json_t *id, *uuid, *agent = NULL;
        json_int_t seqno, epoch, serial;

        if (json_unpack((json_t *) o, "{s:o, s:s, s?s, s?s, s?o, s:o, s:I, s:I, s:I}", "id", &id, "holder", &holder, "manner", &manner, "group", &group, "agent", &agent,
                        "uuid", &uuid, "seqno", &seqno, "epoch", &epoch, "serial", &serial) < 0 ||
            (group && position_parse(group, strlen(group), &g->group) < 0) || (agent && !uuid_read(agent, &g->agent)) ||
            !uuid_read(id, &g->id) || !uuid_read(uuid, &g->position.uuid) || !name_valid(holder) ||
            seqno < SEQNO_UNDEFINED || epoch < 0 || serial < 0 || manner_from_string(manner) < 0)
                return false;
        g->manner = manner_from_string(manner);
        (void) snprintf(g->holder, sizeof(g->holder), "%s", holder);
        g->position.seqno = seqno;
        g->epoch = (uint64_t) epoch;
        g->serial = (uint64_t) serial;
        return true;
}

/* Absent where they are as they are at first. Of another kind they would be taken for that,
 * and what was promised would be forgotten. */
static bool flag_read(const json_t *o, const char *key, bool *ret) {
        const json_t *v = json_object_get(o, key);
        json_type type = v ? json_typeof(v) : JSON_FALSE;

        *ret = type == JSON_TRUE;
        return type == JSON_TRUE || type == JSON_FALSE;
}

static bool number_read(const json_t *o, const char *key, uint64_t *ret) {
        const json_t *v = json_object_get(o, key);

        *ret = (uint64_t) json_integer_value(v);
        return !v || (json_typeof(v) == JSON_INTEGER && json_integer_value(v) >= 0);
}

static bool word_read(const json_t *o, const char *key, char *ret, size_t size) {
        const json_t *v = json_object_get(o, key);

        if (v && (json_typeof(v) != JSON_STRING || json_string_length(v) >= size))
                return false;
        (void) snprintf(ret, size, "%s", str_or(json_string_value(v), ""));
        return true;
}

static bool store_read_lists(Store *s, const json_t *history, const json_t *released, const json_t *seqnos,
                             const json_t *labels, const json_t *without) {
        const json_t *v;
        const char *label, *leader;
        size_t i;

        /* Of something else the size would be 0: what was promised would be forgotten. */
        if (json_typeof(history) != JSON_ARRAY || json_typeof(released) != JSON_ARRAY || json_typeof(seqnos) != JSON_ARRAY ||
            json_typeof(labels) != JSON_OBJECT || json_typeof(without) != JSON_ARRAY)
                return false;
        if (json_array_size(history) > HISTORY_MAX || json_array_size(released) > RELEASED_MAX ||
            json_array_size(seqnos) > REPORT_VIEWS_MAX || json_object_size(labels) > NAMES_MAX)
                return false;
        json_array_foreach((json_t *) history, i, v) {
                HistoryEntry *e = &s->history.entry[i];
                const json_t *n = json_object_get(v, "seqno");

                if (!uuid_read(json_object_get(v, "id"), &e->id) || !uuid_read(json_object_get(v, "uuid"), &e->position.uuid) ||
                    !json_is_integer(n) || json_integer_value(n) < SEQNO_UNDEFINED)
                        return false;
                leader = json_string_value(json_object_get(v, "leader"));
                if (!leader || (*leader && !name_valid(leader)) || !flag_read(v, "foreign", &e->foreign))
                        return false;
                (void) snprintf(e->leader, sizeof(e->leader), "%s", leader);
                e->position.seqno = json_integer_value(n);
                s->history.n = i + 1;
        }
        json_array_foreach((json_t *) released, i, v) {
                if (!uuid_read(v, &s->released[i]))
                        return false;
                s->n_released = i + 1;
        }
        json_array_foreach((json_t *) seqnos, i, v) {
                json_int_t section, view, seqno;

                if (json_unpack((json_t *) v, "[I,I,I]", &section, &view, &seqno) < 0 || section < 0 || view < 0 || seqno < SEQNO_UNDEFINED)
                        return false;
                s->seqno[i] = (StoreSeqno) { (uint64_t) section, (uint64_t) view, seqno };
                s->n_seqnos = i + 1;
        }
        json_object_foreach((json_t *) labels, label, v)
                if (json_typeof(v) != JSON_STRING || !name_valid(json_string_value(v)) || store_set_label(s, label, json_string_value(v)) < 0)
                        return false;
        return names_from_json(without, &s->without) >= 0;
}

/* Absent in what an older release wrote. A mark of a newer one, which this one
 * does not know, would be lost: refused. */
static bool marks_read(Marks *m, const json_t *o) {
        const char *name, *evidence;
        const json_t *v;

        if (o && json_typeof(o) != JSON_OBJECT)
                return false;
        json_object_foreach((json_t *) o, name, v) {
                MarkKind k = mark_from_string(name);
                json_int_t section, time;

                if (k < 0 || json_unpack((json_t *) v, "{s:I, s:I, s:s}", "section", &section, "time", &time, "evidence", &evidence) < 0 ||
                    section < 0 || time < 0)
                        return false;
                (void) marks_set(m, k, (uint64_t) section, (usec_t) time, evidence);
        }
        return true;
}

static bool aside_read(Aside *a, const json_t *o) {
        const char *state, *stamp, *note, *donor = "";
        int force_space;

        if (!o)
                return true;
        if (json_unpack((json_t *) o, "{s:s, s:s, s:s, s:b, s?s}", "state", &state, "stamp", &stamp, "note", &note, "force_space", &force_space, "donor", &donor) < 0)
                return false;
        a->state = aside_state_from_string(state);
        if (a->state <= ASIDE_NONE || strlen(stamp) >= sizeof(a->stamp) || strlen(note) >= sizeof(a->note) || strlen(donor) >= sizeof(a->donor))
                return false;
        (void) snprintf(a->stamp, sizeof(a->stamp), "%s", stamp);
        (void) snprintf(a->note, sizeof(a->note), "%s", note);
        (void) snprintf(a->donor, sizeof(a->donor), "%s", donor);
        a->force_space = force_space;
        return true;
}

static bool led_read(Store *s, const json_t *a) {
        const json_t *v;
        size_t i;

        if (json_typeof(a) != JSON_ARRAY || json_array_size(a) > ELEMENTS(s->led))
                return false;
        json_array_foreach((json_t *) a, i, v) {
                const char *leader = json_string_value(json_object_get(v, "leader"));

                if (!uuid_read(json_object_get(v, "id"), &s->led[i].id) || !leader || !name_valid(leader))
                        return false;
                (void) snprintf(s->led[i].leader, sizeof(s->led[i].leader), "%s", leader);
                s->n_led = i + 1;
        }
        return true;
}

/* Files of before there were policies have none: that is automatic. */
static bool ruling_read(const json_t *o, Ruling *r) {
        const char *name, *node;
        json_int_t version;

        if (!o)
                return true;
        if (json_unpack((json_t *) o, "{s:s, s:I, s:s}", "name", &name, "version", &version, "node", &node) < 0 || version < 1 ||
            strlen(node) >= sizeof(r->node))
                return false;
        r->policy = policy_from_string(name);
        r->version = version;
        (void) snprintf(r->node, sizeof(r->node), "%s", node);
        return ruling_valid(r);
}

static bool quorum_off_read(Store *s, const json_t *o) {
        const char *option;
        json_int_t from, to;

        if (!o)
                return true;
        if (json_unpack((json_t *) o, "{s:s, s:I, s:I}", "option", &option, "from", &from, "to", &to) < 0 ||
            !*option || strlen(option) >= sizeof(s->quorum_off) || from < 0 || to < from)
                return false;
        (void) snprintf(s->quorum_off, sizeof(s->quorum_off), "%s", option);
        s->quorum_off_from = (uint64_t) from;
        s->quorum_off_to = (uint64_t) to;
        return true;
}

static int store_from_json(Store *s, const json_t *o, char error[static 256]) {
        json_t *agent, *boot, *history, *released, *seqnos, *labels, *without, *led, *claim, *grant, *shun;
        json_int_t epoch, settled, booted;
        uint64_t join_failures;
        int version, wanted;

        (void) snprintf(error, 256, "it is not what mainstayd writes");
        if (json_unpack((json_t *) o, "{s:i, s:o, s:I, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:I}", "version", &version,
                        "agent", &agent, "epoch", &epoch, "boot", &boot, "history", &history, "released", &released,
                        "wanted", &wanted, "without", &without, "seqnos", &seqnos, "labels", &labels,
                        "led", &led, "settled", &settled, "booted", &booted) < 0 || settled < 0 || booted < 0 || !led_read(s, led) ||
            version != 1 || epoch < 0 || !uuid_read(agent, &s->agent) || !uuid_read(boot, &s->boot) ||
            !store_read_lists(s, history, released, seqnos, labels, without) ||
            !marks_read(&s->marks, json_object_get(o, "marks")) || !aside_read(&s->aside, json_object_get(o, "aside")))
                return -EBADMSG;
        s->epoch = (uint64_t) epoch;
        s->settled = (uint64_t) settled;
        s->booted = (usec_t) booted;
        s->wanted = wanted;
        if (!flag_read(o, "owed", &s->owed) || !flag_read(o, "offline", &s->offline) || !flag_read(o, "replica", &s->replica) ||
            !flag_read(o, "held", &s->held) || !flag_read(o, "held_before", &s->held_before) || !flag_read(o, "down_before", &s->down_before) ||
            !number_read(o, "consumed", &s->consumed) || !number_read(o, "resuming", &s->resuming) || !number_read(o, "join_failures", &join_failures) ||
            !word_read(o, "settled_start", s->settled_start, sizeof(s->settled_start)) || !word_read(o, "stopping", s->stopping, sizeof(s->stopping)) || !word_read(o, "copy_place", s->copy_place, sizeof(s->copy_place)) ||
            !ruling_read(json_object_get(o, "policy"), &s->ruling) || !quorum_off_read(s, json_object_get(o, "quorum_off")))
                return -EBADMSG;
        s->join_failures = (int64_t) join_failures;

        shun = json_object_get(o, "shun");
        if (shun) {
                int r = shun_from_json(shun, &s->shun, error);

                if (r < 0)
                        return r;
        }
        claim = json_object_get(o, "claim");
        if (claim) {
                const char *state, *text;
                int r;

                if (json_unpack(claim, "{s:s, s:s}", "state", &state, "claim", &text) < 0)
                        return -EBADMSG;
                s->claim_state = claim_state_from_string(state);
                if (s->claim_state <= CLAIM_NONE)
                        return -EBADMSG;
                r = claim_parse(text, &s->claim, error);
                if (r < 0)
                        return r;
        }
        grant = json_object_get(o, "grant");
        if (grant) {
                if (!grant_read(grant, &s->grant))
                        return -EBADMSG;
                s->have_grant = true;
        }
        return 0;
}

static int boot_id(Uuid *ret) {
        _cleanup_close_ int fd = -1;
        char text[UUID_TEXT_MAX - 1];

        fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (read(fd, text, sizeof(text)) != (ssize_t) sizeof(text))
                return -EIO;
        return uuid_parse(text, sizeof(text), ret);
}

int store_open(const char *dir, Store **ret, char error[static 256]) {
        _cleanup_(store_freep) Store *s = NULL;
        _cleanup_free_ char *text = NULL;
        Uuid boot;
        size_t size;
        json_t *o;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->dirfd < 0) {
                r = -errno;
                (void) snprintf(error, 256, "%s", strerror(-r));
                return r;
        }

        file_sweep(s->dirfd, STORE_KEPT_OUT);
        r = file_read(s->dirfd, STORE_NAME, STORE_SIZE_MAX, &text, &size, NULL);
        if (r == -ENOENT) {
                r = uuid_random(&s->agent);
        } else if (r >= 0) {
                r = json_read(text, size, &o, error);
                if (r < 0)
                        return r;
                r = store_from_json(s, o, error);
                json_decref(o);
        }
        if (r >= 0)
                r = boot_id(&boot);
        if (r < 0)
                return r;

        s->new_boot = !uuid_equal(&s->boot, &boot);
        s->boot = boot;
        s->epoch++;
        *ret = TAKE(s);
        return 0;
}

Store *store_free(Store *s) {
        if (!s)
                return NULL;
        if (s->dirfd >= 0)
                (void) close(s->dirfd);
        (void) claim_free(s->claim);
        free(s);
        return NULL;
}

int store_save(Store *s) {
        _cleanup_free_ char *text = NULL;
        json_t *o;
        int r;

        r = store_to_json(s, &o);
        if (r < 0)
                return r;
        text = json_text(o, JSON_INDENT(1));
        json_decref(o);
        if (!text)
                return -ENOMEM;
        return file_write(s->dirfd, STORE_NAME, text, strlen(text), 0640);
}

void store_release(Store *s, const Uuid *id) {
        if (s->n_released == RELEASED_MAX) {
                memmove(s->released, s->released + 1, (RELEASED_MAX - 1) * sizeof(s->released[0]));
                s->n_released--;
        }
        s->released[s->n_released++] = *id;
}

void store_add_led(Store *s, const Uuid *id, const char *leader) {
        for (size_t i = 0; i < s->n_led; i++)
                if (uuid_equal(&s->led[i].id, id))
                        return;
        if (s->n_led == ELEMENTS(s->led)) {
                memmove(s->led, s->led + 1, sizeof(s->led) - sizeof(s->led[0]));
                s->n_led--;
        }
        s->led[s->n_led].id = *id;
        (void) snprintf(s->led[s->n_led].leader, sizeof(s->led[0].leader), "%s", leader);
        s->n_led++;
}

int64_t store_seqno(const Store *s, uint64_t section, uint64_t view) {
        for (size_t i = 0; i < s->n_seqnos; i++)
                if (s->seqno[i].section == section && s->seqno[i].view == view)
                        return s->seqno[i].seqno;
        return SEQNO_UNDEFINED;
}

void store_set_seqno(Store *s, uint64_t section, uint64_t view, int64_t seqno) {
        if (s->n_seqnos > 0 && s->seqno[0].section != section)
                s->n_seqnos = 0; /* only the last section's are of use */
        if (s->n_seqnos == REPORT_VIEWS_MAX) {
                memmove(s->seqno, s->seqno + 1, (REPORT_VIEWS_MAX - 1) * sizeof(s->seqno[0]));
                s->n_seqnos--;
        }
        s->seqno[s->n_seqnos++] = (StoreSeqno) { section, view, seqno };
}

const char *store_quorum_off(const Store *s, uint64_t section) {
        return s->quorum_off[0] && section >= s->quorum_off_from && section <= s->quorum_off_to ? s->quorum_off : NULL;
}

bool store_set_quorum_off(Store *s, uint64_t section, uint64_t in_force, const char *option) {
        if (option ? store_quorum_off(s, section) != NULL : !s->quorum_off[0] || s->quorum_off_to < section)
                return false;
        if (!option) {
                s->quorum_off_to = section - 1;
                if (s->quorum_off_to < s->quorum_off_from)
                        s->quorum_off[0] = 0;
                return true;
        }
        if (!store_quorum_off(s, in_force))
                s->quorum_off_from = section;
        s->quorum_off_to = section;
        (void) snprintf(s->quorum_off, sizeof(s->quorum_off), "%s", option);
        return true;
}

const char *store_label(const Store *s, const char *label) {
        for (size_t i = 0; i < s->n_labels; i++)
                if (streq(s->label[i].label, label))
                        return s->label[i].name;
        return NULL;
}

int store_set_label(Store *s, const char *label, const char *name) {
        size_t i = 0;

        if (strlen(label) >= sizeof(s->label[0].label))
                return -ENAMETOOLONG;
        for (size_t at = 0, n; label[at]; at += n) {
                n = utf8_character(label + at);
                if (n == 0)
                        return -EILSEQ; /* no JSON can hold it */
        }
        while (i < s->n_labels && !streq(s->label[i].label, label))
                i++;
        if (i < s->n_labels && streq(s->label[i].name, name))
                return 0;
        if (i == NAMES_MAX)
                return -E2BIG;
        if (i == s->n_labels)
                s->n_labels++;
        (void) snprintf(s->label[i].label, sizeof(s->label[i].label), "%s", label);
        (void) snprintf(s->label[i].name, sizeof(s->label[i].name), "%s", name);
        return 1;
}

int store_keep_out(Store *s, const char *why) {
        if (why)
                return file_write(s->dirfd, STORE_KEPT_OUT, why, strlen(why), 0644);
        if (unlinkat(s->dirfd, STORE_KEPT_OUT, 0) < 0)
                return errno == ENOENT ? 0 : -errno;
        return fsync(s->dirfd) < 0 ? -errno : 0;
}
