/* Shuns; see shun.h. */
#include "domain/shun.h"
#include "base/utf8.h"

#include <time.h>

int shun_new(const char *reason, const char *owner, usec_t since, usec_t until, Shun *ret) {
        Shun s = { .set = true, .since = since, .until = until };

        if (since > INT64_MAX || until > INT64_MAX || (until > 0 && until <= since))
                return -EINVAL;
        utf8_copy(s.reason, sizeof(s.reason), reason);
        utf8_copy(s.owner, sizeof(s.owner), owner);
        *ret = s;
        return 0;
}

bool shun_is_over(const Shun *s, usec_t now) {
        return !s->set || (s->until > 0 && now >= s->until);
}

const char *shun_text(const Shun *s, char buf[static SHUN_TEXT_MAX]) {
        time_t seconds = (time_t) (s->until / USEC_PER_SEC);
        char until[64] = "";
        struct tm tm;

        buf[0] = '\0';
        if (!s->set)
                return buf;
        /* not reached: every usec_t has a year that fits */
        if (s->until > 0 && (!gmtime_r(&seconds, &tm) || strftime(until, sizeof(until), ", until %Y-%m-%d %H:%M:%S UTC", &tm) == 0))
                (void) snprintf(until, sizeof(until), ", until a time that is none");
        (void) snprintf(buf, SHUN_TEXT_MAX, "%s%s%s%s", str_or(s->reason, "MANUALLY-SHUNNED"), s->owner[0] ? ", by " : "", s->owner, until);
        return buf;
}

json_t *shun_to_json(const Shun *s) {
        return json_pack("{s:s*, s:s*, s:I, s:I}", "reason", s->reason[0] ? s->reason : NULL, "owner", s->owner[0] ? s->owner : NULL,
                         "since", (json_int_t) s->since, "until", (json_int_t) s->until);
}

/* Bounded, or absent. */
static bool read_text(const json_t *o, const char *key, char *buf, size_t size) {
        const json_t *v = json_object_get(o, key);

        if (!v)
                return true;
        if (json_typeof(v) != JSON_STRING || strlen(json_string_value(v)) != json_string_length(v) || json_string_length(v) >= size)
                return false;
        utf8_copy(buf, size, json_string_value(v));
        return true;
}

static bool read_time(const json_t *o, const char *key, usec_t *ret) {
        const json_t *v = json_object_get(o, key);

        if (!v)
                return true;
        if (json_typeof(v) != JSON_INTEGER || json_integer_value(v) < 0)
                return false;
        *ret = (usec_t) json_integer_value(v);
        return true;
}

int shun_from_json(const json_t *j, Shun *ret, char error[static 256]) {
        Shun s = { .set = true };

        if (!json_is_object(j))
                (void) snprintf(error, 256, "a shun is a JSON object, and this is none");
        else if (!read_text(j, "reason", s.reason, sizeof(s.reason)) || !read_text(j, "owner", s.owner, sizeof(s.owner)))
                (void) snprintf(error, 256, "\"reason\" or \"owner\" of a shun is not a text, or too long");
        else if (!read_time(j, "since", &s.since) || !read_time(j, "until", &s.until))
                (void) snprintf(error, 256, "\"since\" or \"until\" of a shun is not a time");
        else {
                *ret = s;
                return 0;
        }
        return -EBADMSG;
}
