/* What was decided, as the journal has it; see ctl-history.h. */
#include "base/paths.h"
#include "domain/json.h"
#include "edge/ctl-history.h"
#include "sys/log-fields.h"

#include <ctype.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#define PREFIX "MAINSTAY_"
#define STORED "/var/log/journal"
#define RUNTIME "/run/log/journal"

static int match(sd_journal *j, const char *field, const char *value) {
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "%s=%s", field, value) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return sd_journal_add_match(j, text, 0);
}

static int match_user(sd_journal *j, uid_t uid) {
        char text[16];

        (void) snprintf(text, sizeof(text), "%u", (unsigned) uid);
        return match(j, "_UID", text);
}

/* Everybody may write what looks like ours. Only they speak for Mainstay: root, the agent,
 * and who owns the server's directory, as whom the gate runs. */
static int match_ours(sd_journal *j) {
        const struct passwd *agent = getpwnam("mainstay");
        struct stat server;
        const char *id;
        int r = 0;

        for (size_t i = 0; r >= 0 && (id = history_id(i)); i++)
                r = match(j, "MESSAGE_ID", id);
        if (r >= 0)
                r = match_user(j, 0);
        if (r >= 0 && agent)
                r = match_user(j, agent->pw_uid);
        if (r >= 0 && stat(SERVER_DIR, &server) >= 0)
                r = match_user(j, server.st_uid);
        return r;
}

static int match_all(sd_journal *j, const HistoryQuery *q) {
        int r = match_ours(j);

        if (r < 0 || !q->node)
                return r;
        r = match(j, FIELD_NODE, q->node);
        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        if (r >= 0)
                r = match_ours(j);
        return r < 0 ? r : match(j, FIELD_PEER, q->node);
}

/* "claim" for "MAINSTAY_CLAIM". */
static void key_of(const char *field, char ret[static 64]) {
        size_t i;

        for (i = 0; field[i] && i < 63; i++)
                ret[i] = (char) tolower((unsigned char) field[i]);
        ret[i] = 0;
}

static int put(json_t *o, const char *key, json_t *value) {
        return json_object_set_new(o, key, value) < 0 ? -ENOMEM : 0;
}

static int take_field(json_t *o, const char *data, size_t size, json_t *peers) {
        static const struct {
                const char *field, *key;
        } plain[] = { { "MESSAGE", "text" }, { "MESSAGE_ID", "message_id" }, { "_BOOT_ID", "boot" }, { "_HOSTNAME", "host" } };
        const char *equals = memchr(data, '=', size);
        _cleanup_free_ char *field = NULL, *value = NULL;
        char key[64];

        if (!equals)
                return 0;
        field = strndup(data, (size_t) (equals - data));
        value = strndup(equals + 1, size - (size_t) (equals - data) - 1);
        if (!field || !value)
                return -ENOMEM;
        if (streq(field, FIELD_PEER))
                return json_array_append_new(peers, text_json(value, false)) < 0 ? -ENOMEM : 0;
        if (streq(field, FIELD_EVIDENCE)) {
                json_t *evidence = json_loads(value, JSON_REJECT_DUPLICATES, NULL);

                return evidence ? put(o, "evidence", evidence) : 0;
        }
        if (streq(field, "PRIORITY"))
                return put(o, "priority", json_integer(atoi(value)));
        for (size_t i = 0; i < ELEMENTS(plain); i++)
                if (streq(field, plain[i].field))
                        return put(o, plain[i].key, text_json(value, false));
        if (strncmp(field, PREFIX, strlen(PREFIX)) != 0)
                return 0;
        key_of(field + strlen(PREFIX), key);
        return json_object_get(o, key) ? 0 : put(o, key, text_json(value, false));
}

static int entry_json(sd_journal *j, json_t **ret) {
        json_t *o = json_object(), *peers = json_array();
        const char *word;
        const void *data;
        uint64_t time;
        size_t size;
        int r = o && peers ? sd_journal_get_realtime_usec(j, &time) : -ENOMEM;

        if (r >= 0)
                r = put(o, "time", json_integer((json_int_t) time));
        if (r >= 0) {
                SD_JOURNAL_FOREACH_DATA(j, data, size) {
                        r = take_field(o, data, size, peers);
                        if (r < 0)
                                break;
                }
        }
        if (r >= 0 && !json_object_get(o, "node") && json_object_get(o, "host"))
                r = json_object_set(o, "node", json_object_get(o, "host")) < 0 ? -ENOMEM : 0;
        if (r >= 0) {
                (void) json_object_del(o, "host");
                word = history_word(text_of(o, "message_id"), NULL);
                r = put(o, "what", json_string(str_or(word, "said")));
        }
        if (r >= 0 && !json_object_get(o, "evidence"))
                r = put(o, "evidence", json_null());
        if (r >= 0)
                r = put(o, "peers", json_incref(peers));
        json_decref(peers);
        if (r < 0) {
                json_decref(o);
                return r;
        }
        *ret = o;
        return 0;
}

/* The newest come first here. */
static int read_back(sd_journal *j, const HistoryQuery *q, json_t *list) {
        uint64_t time;
        json_t *entry;
        int r;

        r = sd_journal_seek_tail(j);
        while (r >= 0 && (q->lines == 0 || (int64_t) json_array_size(list) < q->lines)) {
                r = sd_journal_previous(j);
                if (r <= 0)
                        break;
                r = sd_journal_get_realtime_usec(j, &time);
                if (r >= 0 && time < q->since)
                        return 0;
                if (r >= 0)
                        r = entry_json(j, &entry);
                if (r == -EBADMSG) { /* a file that a power cut has spoilt: what it has else counts */
                        r = 0;
                        continue;
                }
                if (r >= 0 && json_array_append_new(list, entry) < 0)
                        r = -ENOMEM;
        }
        return r < 0 ? r : 0;
}

static int own_directory(const char *dir, char ret[static 128]) {
        char id[SD_ID128_STRING_MAX];
        sd_id128_t machine;
        int r = sd_id128_get_machine(&machine);

        if (r < 0)
                return r;
        (void) snprintf(ret, 128, "%s/%s", dir, sd_id128_to_string(machine, id));
        return 0;
}

/* The journal shows who may not read it an empty one, and says nothing. */
static bool is_closed(void) {
        static const char *const dirs[] = { STORED, RUNTIME };
        char dir[128];

        for (size_t i = 0; i < ELEMENTS(dirs); i++) {
                _cleanup_free_ char *path = NULL;

                if (own_directory(dirs[i], dir) < 0 || asprintf(&path, "%s/system.journal", dir) < 0) {
                        path = NULL;
                        continue;
                }
                if (access(path, R_OK) < 0 && (errno == EACCES || errno == EPERM))
                        return true;
        }
        return false;
}

bool history_is_volatile(void) {
        char dir[128];

        return own_directory(STORED, dir) >= 0 && access(dir, F_OK) < 0 && errno == ENOENT;
}

int history_read(const HistoryQuery *q, json_t **ret) {
        json_t *back = json_array(), *list = json_array();
        sd_journal *j = NULL;
        int r = back && list ? 0 : -ENOMEM;

        if (r >= 0 && is_closed())
                r = -EACCES;
        if (r >= 0)
                r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = match_all(j, q);
        if (r >= 0)
                r = read_back(j, q, back);
        for (size_t i = r >= 0 ? json_array_size(back) : 0; r >= 0 && i-- > 0;)
                if (json_array_append(list, json_array_get(back, i)) < 0)
                        r = -ENOMEM;
        sd_journal_close(j);
        json_decref(back);
        if (r < 0) {
                json_decref(list);
                return r;
        }
        *ret = list;
        return 0;
}
