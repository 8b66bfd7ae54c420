/* A small sorted set of node names; see names.h. */
#include "domain/names.h"
#include "base/utf8.h"

bool name_valid(const char *name) {
        size_t n = strlen(name), k;

        if (n == 0 || n >= NAME_SIZE)
                return false;
        for (size_t at = 0; at < n; at += k) {
                k = utf8_character(name + at);
                /* The upper control characters, too: a terminal obeys them. */
                if (k == 0 || (name[at] == '\xc2' && (unsigned char) name[at + 1] < 0xa0))
                        return false;
        }
        for (const char *p = name; *p; p++)
                if ((unsigned char) *p <= ' ' || *p == 127 || *p == ',' || *p == '/')
                        return false;
        return true;
}

bool names_plain(const char *name) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

        return name_valid(name) && name[0] != '-' && name[strspn(name, plain)] == 0;
}

/* Where `name` is or would be. */
static size_t names_find(const Names *names, const char *name) {
        size_t from = 0, to = names->n;

        while (from < to) {
                size_t middle = (from + to) / 2;

                if (strcmp(names->name[middle], name) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

bool names_contain(const Names *names, const char *name) {
        size_t i = names_find(names, name);

        return i < names->n && streq(names->name[i], name);
}

/* `i` is where it would be. */
static int names_put(Names *names, size_t i, const char *name) {
        if (i < names->n && streq(names->name[i], name))
                return 0;
        if (names->n == NAMES_MAX)
                return -E2BIG;

        memmove(names->name[i + 1], names->name[i], (names->n - i) * NAME_SIZE);
        memset(names->name[i], 0, NAME_SIZE);
        memcpy(names->name[i], name, strlen(name));
        names->n++;
        return 0;
}

int names_add(Names *names, const char *name) {
        return name_valid(name) ? names_put(names, names_find(names, name), name) : -EINVAL;
}

/* Both are sorted: one walk through both. */
int names_add_all(Names *names, const Names *more) {
        size_t at = 0;

        for (size_t i = 0; i < more->n; i++) {
                int r;

                while (at < names->n && strcmp(names->name[at], more->name[i]) < 0)
                        at++;
                r = names_put(names, at, more->name[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

void names_remove(Names *names, const char *name) {
        size_t i = names_find(names, name);

        if (i == names->n || !streq(names->name[i], name))
                return;
        names->n--;
        memmove(names->name[i], names->name[i + 1], (names->n - i) * NAME_SIZE);
}

bool names_equal(const Names *a, const Names *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!streq(a->name[i], b->name[i]))
                        return false;
        return true;
}

/* Each with what stands before it: before the first, before the last of several, and
 * before those between. NULL where memory is short. */
static char *names_join(const Names *names, const char *first, const char *between, const char *last) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;
        for (size_t i = 0; i < names->n; i++)
                fprintf(f, "%s%s", i == 0 ? first : i + 1 == names->n ? last : between, names->name[i]);
        if (fclose(TAKE(f)) != 0)
                return NULL;
        return TAKE(text);
}

char *names_words(const Names *names) {
        return names_join(names, "", " ", " ");
}

char *names_text(const Names *names) {
        return names->n == 0 ? strdup("nobody") : names_join(names, "", ", ", " and ");
}

char *names_without(const Names *names) {
        return names_join(names, " --without ", " --without ", " --without ");
}

json_t *names_to_json(const Names *names) {
        json_t *a = json_array();

        for (size_t i = 0; i < names->n; i++)
                if (json_array_append_new(a, json_string(names->name[i])) < 0) {
                        json_decref(a);
                        return NULL;
                }
        return a;
}

int names_from_json(const json_t *a, Names *ret) {
        Names names = {0};
        const json_t *v;
        size_t i;

        if (!json_is_array(a))
                return -EBADMSG;
        json_array_foreach((json_t *) a, i, v)
                if (!json_is_string(v) || names_add(&names, json_string_value(v)) < 0)
                        return -EBADMSG;
        *ret = names;
        return 0;
}
