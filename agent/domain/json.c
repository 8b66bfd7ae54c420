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

static bool short_of_memory;

static void *request(size_t size) {
        void *p = malloc(size);

        if (!p)
                short_of_memory = true;
        return p;
}

static void watch_memory(void) {
        json_set_alloc_funcs(request, free);
        short_of_memory = false;
}

int json_read(const char *text, size_t size, json_t **ret, char error[static 256]) {
        json_error_t e;
        json_t *o;

        watch_memory();
        o = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
        if (short_of_memory) {
                json_decref(o);
                (void) snprintf(error, 256, "%s", strerror(ENOMEM));
                return -ENOMEM;
        }
        if (!o) {
                (void) snprintf(error, 256, "line %d, column %d: %.160s", e.line, e.column, e.text);
                return -EBADMSG;
        }
        *ret = o;
        return 0;
}

char *json_text(const json_t *o, size_t flags) {
        char *text;

        watch_memory();
        text = json_dumps(o, flags);
        if (!short_of_memory)
                return text;
        free(text);
        return NULL;
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
