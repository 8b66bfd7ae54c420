/* Parts of what is written as JSON; see json.h. */
#include "domain/json.h"
#include "domain/names.h"

json_t *uuid_json(const Uuid *u) {
        char text[UUID_TEXT_MAX];

        return json_string(uuid_text(u, text));
}

json_t *text_json(const char *s, bool lines) {
        _cleanup_free_ char *ascii = NULL;
        json_t *v = json_string(s);

        if (v || !(ascii = strdup(s)))
                return v;
        for (char *p = ascii; *p; p++)
                if (((unsigned char) *p < ' ' && !(lines && *p == '\n')) || (unsigned char) *p >= 127)
                        *p = '?';
        return json_string(ascii);
}

const char *text_of(const json_t *o, const char *key) {
        return str_or(json_string_value(json_object_get(o, key)), "");
}

char *names_of(const json_t *array) {
        const json_t *item;
        Names names = {};
        size_t i;

        json_array_foreach((json_t *) array, i, item)
                if (json_is_string(item))
                        (void) names_add(&names, json_string_value(item));
        return names_text(&names);
}
