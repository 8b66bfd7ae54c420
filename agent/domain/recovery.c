/* The result of a run of mainstay-recover; see recovery.h. */
#include "domain/recovery.h"
#include "base/table.h"
#include "domain/json.h"

static const char *const outcome_names[_RECOVERY_OUTCOME_MAX] = {
        [RECOVERY_POSITION] = "position",
        [RECOVERY_NOTHING] = "nothing",
        [RECOVERY_SKIPPED] = "skipped",
        [RECOVERY_PREPARED] = "prepared",
        [RECOVERY_OLD_REDO] = "old-redo",
        [RECOVERY_LOCKED] = "locked",
        [RECOVERY_SILENT] = "silent",
        [RECOVERY_FAILED] = "failed",
        [RECOVERY_TIMED_OUT] = "timed-out",
};

DEFINE_STRING_TABLE(recovery_outcome, RecoveryOutcome, outcome_names)

static void json_freep(json_t **o) {
        json_decref(*o);
}

#define _cleanup_json_ _cleanup_(json_freep)

static json_t *stamp_json(const Stamp *stamp) {
        _cleanup_json_ json_t *o = json_object();

        for (size_t i = 0; i < STAMP_FILES; i++)
                if (stamp->file[i].present &&
                    json_object_set_new(o, stamp_names[i],
                                        json_pack("[I, I, I]", (json_int_t) stamp->file[i].ino,
                                                  (json_int_t) stamp->file[i].mtime_nsec,
                                                  (json_int_t) stamp->file[i].size)) < 0)
                        return NULL;
        return TAKE(o);
}

int recovery_format(const Recovery *r, char **ret) {
        _cleanup_json_ json_t *o = NULL;
        _cleanup_free_ char *text = NULL;
        char position[POSITION_TEXT_MAX], boot[UUID_TEXT_MAX];
        char *line;

        if (r->outcome < 0 || r->outcome >= _RECOVERY_OUTCOME_MAX || r->section > INT64_MAX || r->time > INT64_MAX)
                return -EINVAL;
        if (r->outcome == RECOVERY_POSITION && !position_defined(&r->position))
                return -EINVAL;

        o = json_pack("{s:s, s:I, s:s, s:I, s:o, s:o}",
                      "outcome", recovery_outcome_to_string(r->outcome),
                      "section", (json_int_t) r->section,
                      "boot", uuid_text(&r->boot, boot),
                      "time", (json_int_t) r->time,
                      "stamp", stamp_json(&r->stamp),
                      "text", text_json(r->text, false));
        if (!o || (r->outcome == RECOVERY_POSITION && json_object_set_new(o, "position", json_string(position_text(&r->position, position))) < 0))
                return -ENOMEM;
        text = json_text(o, JSON_INDENT(2));
        if (!text || asprintf(&line, "%s\n", text) < 0)
                return -ENOMEM;
        *ret = line;
        return 0;
}

static int refuse(char *error, const char *why) {
        (void) snprintf(error, 256, "%s", why);
        return -EBADMSG;
}

/* Texts in this file are short and hold no NUL. */
static const char *text_get(const json_t *o, const char *key, size_t *ret_size) {
        const json_t *v = json_object_get(o, key);

        if (!json_is_string(v))
                return NULL;
        *ret_size = json_string_length(v);
        return json_string_value(v);
}

static bool number_get(const json_t *v, int64_t min, int64_t *ret) {
        if (!json_is_integer(v) || json_integer_value(v) < min)
                return false;
        *ret = json_integer_value(v);
        return true;
}

static bool stamp_read(const json_t *o, Stamp *ret) {
        if (!json_is_object(o))
                return false;
        for (size_t i = 0; i < STAMP_FILES; i++) {
                const json_t *a = json_object_get(o, stamp_names[i]);
                int64_t ino;

                if (!a)
                        continue;
                /* An inode number may have all 64 bits; it only wants to be
                 * the same one. */
                if (json_array_size(a) != 3 ||
                    !number_get(json_array_get(a, 0), INT64_MIN, &ino) ||
                    !number_get(json_array_get(a, 1), INT64_MIN, &ret->file[i].mtime_nsec) ||
                    !number_get(json_array_get(a, 2), 0, &ret->file[i].size))
                        return false;
                ret->file[i].ino = (uint64_t) ino;
                ret->file[i].present = true;
        }
        return true;
}

int recovery_parse(const char *text, size_t n, Recovery *ret, char error[static 256]) {
        _cleanup_json_ json_t *o = NULL;
        Recovery r = { 0 };
        const char *s;
        int64_t section, time;
        size_t k;
        int q;

        if (n > RECOVERY_SIZE_MAX)
                return refuse(error, "it is larger than a result can be");
        q = json_read(text, n, &o, error);
        if (q < 0)
                return q;
        if (json_typeof(o) != JSON_OBJECT)
                return refuse(error, "it is not a JSON object");

        s = text_get(o, "outcome", &k);
        r.outcome = recovery_outcome_from_string(s);
        if (r.outcome < 0)
                return refuse(error, "\"outcome\" is none of those that are known");
        s = text_get(o, "position", &k);
        if (r.outcome == RECOVERY_POSITION) {
                if (!s || position_parse(s, k, &r.position) < 0 || !position_defined(&r.position))
                        return refuse(error, "\"position\" is not UUID:SEQNO");
        } else if (json_object_get(o, "position"))
                return refuse(error, "there is a \"position\" although the outcome is another");
        if (!number_get(json_object_get(o, "section"), 0, &section))
                return refuse(error, "\"section\" is not a whole number");
        s = text_get(o, "boot", &k);
        if (!s || uuid_parse(s, k, &r.boot) < 0)
                return refuse(error, "\"boot\" is not a UUID");
        if (!number_get(json_object_get(o, "time"), 0, &time))
                return refuse(error, "\"time\" is not a whole number");
        if (!stamp_read(json_object_get(o, "stamp"), &r.stamp))
                return refuse(error, "\"stamp\" does not list files with inode, time and size");
        s = text_get(o, "text", &k);
        if (!s || k >= sizeof(r.text))
                return refuse(error, "\"text\" is not a text, or too long");
        memcpy(r.text, s, k);
        r.section = (uint64_t) section;
        r.time = (usec_t) time;

        *ret = r;
        return 0;
}

bool recovery_holds(const Recovery *r, const Stamp *now, uint64_t section) {
        return r->section == section && stamp_any(now) && stamp_equal(&r->stamp, now);
}

bool recovery_lasting(RecoveryOutcome o) {
        switch (o) {
        case RECOVERY_POSITION:
        case RECOVERY_NOTHING:
        case RECOVERY_PREPARED:
        case RECOVERY_OLD_REDO:
                return true;
        default:
                return false;
        }
}
