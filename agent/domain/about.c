/* What a node says of itself beyond its report; see about.h. */
#include "domain/about.h"
#include "base/number.h"

#include <ctype.h>
#include <jansson.h>

void about_done(About *a) {
        free(a->node);
        free(a->mainstay);
        free(a->server);
        free(a->cluster_name);
        free(a->sst_method);
        *a = (About) {};
}

int64_t about_weight(const Options *o) {
        _cleanup_free_ char *text = NULL;
        int64_t weight;

        if (!o->provider_options || options_provider_get(o->provider_options, "pc.weight", &text) < 0)
                return 1;
        return number_parse(text, strlen(text), 0, 255, &weight) < 0 ? -1 : weight;
}

int about_format(const About *a, char **ret) {
        json_t *o = json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*}", "node", a->node, "mainstay", a->mainstay, "server", a->server,
                              "cluster_name", a->cluster_name, "sst_method", a->sst_method);

        if (o && a->weight >= 0)
                (void) json_object_set_new(o, "weight", json_integer((json_int_t) a->weight));
        if (o && a->time > 0)
                (void) json_object_set_new(o, "time", json_integer((json_int_t) a->time));
        *ret = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(o);
        return *ret ? 0 : -ENOMEM;
}

static int take_text(const json_t *o, const char *key, char **ret) {
        const json_t *v = json_object_get(o, key);

        if (!v)
                return 0;
        if (!json_is_string(v))
                return -EBADMSG;
        *ret = strdup(json_string_value(v));
        return *ret ? 0 : -ENOMEM;
}

static int take_number(const json_t *o, const char *key, int64_t *ret) {
        const json_t *v = json_object_get(o, key);

        if (!v)
                return 0;
        if (!json_is_integer(v) || json_integer_value(v) < 0)
                return -EBADMSG;
        *ret = json_integer_value(v);
        return 0;
}

int about_parse(const char *text, About *ret) {
        About a = { .weight = -1 };
        int64_t time = 0;
        json_t *o;
        int r;

        if (strlen(text) > ABOUT_SIZE_MAX)
                return -EBADMSG;
        o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        r = json_is_object(o) ? 0 : -EBADMSG;
        if (r >= 0)
                r = take_text(o, "node", &a.node);
        if (r >= 0)
                r = take_text(o, "mainstay", &a.mainstay);
        if (r >= 0)
                r = take_text(o, "server", &a.server);
        if (r >= 0)
                r = take_text(o, "cluster_name", &a.cluster_name);
        if (r >= 0)
                r = take_text(o, "sst_method", &a.sst_method);
        if (r >= 0)
                r = take_number(o, "weight", &a.weight);
        if (r >= 0)
                r = take_number(o, "time", &time);
        json_decref(o);
        if (r < 0) {
                about_done(&a);
                return r;
        }
        a.time = (usec_t) time;
        *ret = a;
        return 0;
}

int about_version(const char *output, char **ret) {
        const char *p = strstr(output, "Ver ");
        size_t n;

        if (!p)
                return -ENOENT;
        p += strlen("Ver ");
        p += strspn(p, " ");
        n = strcspn(p, " \t\n");
        if (n == 0 || !isdigit((unsigned char) *p))
                return -ENOENT;
        /* Only says that the configuration has a log. */
        if (n > 4 && memcmp(p + n - 4, "-log", 4) == 0)
                n -= 4;
        *ret = strndup(p, n);
        return *ret ? 0 : -ENOMEM;
}
