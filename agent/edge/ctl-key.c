/* ssh's public keys; see ctl-key.h. */
#include "edge/ctl-key.h"

#include <ctype.h>

#ifndef PKGLIBEXECDIR
#define PKGLIBEXECDIR "/usr/libexec/mainstay"
#endif
#define LINE_BEGIN "command=\"" PKGLIBEXECDIR "/mainstay-door\",restrict "
#define BLOB_MIN 40

static const char *const types[] = {
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
};

/* The next word of a line; its length, 0 at the end. */
static size_t word(const char **p) {
        *p += strspn(*p, " \t");
        return strcspn(*p, " \t\r\n");
}

/* The same of the word after the next one. */
static size_t next_word(const char **p) {
        size_t n = word(p);

        *p += n;
        return word(p);
}

static bool is_type(const char *s, size_t n) {
        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (strlen(types[i]) == n && memcmp(s, types[i], n) == 0)
                        return true;
        return false;
}

static bool is_blob(const char *s, size_t n) {
        if (n < BLOB_MIN || memcmp(s, "AAAA", 4) != 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) s[i]) && s[i] != '+' && s[i] != '/' && s[i] != '=')
                        return false;
        return true;
}

int key_line(const char *text, char ret[static KEY_LINE_MAX], char error[static 256]) {
        const char *p = text, *type, *blob;
        size_t n_type, n_blob, at;

        n_type = word(&p);
        type = p;
        if (!is_type(type, n_type)) {
                (void) snprintf(error, 256, "\"%.60s\" is no public key: it begins with its type, such as ssh-ed25519.", text);
                return -EINVAL;
        }
        p += n_type;
        n_blob = word(&p);
        blob = p;
        if (!is_blob(blob, n_blob)) {
                (void) snprintf(error, 256, "\"%.60s\" is no whole public key. Was it cut when it was copied?", text);
                return -EINVAL;
        }
        p += n_blob;
        p += strspn(p, " \t");

        if (strlen(LINE_BEGIN) + n_type + n_blob + 2 + 128 > KEY_LINE_MAX) {
                (void) snprintf(error, 256, "That key is longer than keys are.");
                return -EINVAL;
        }
        at = (size_t) snprintf(ret, KEY_LINE_MAX, LINE_BEGIN "%.*s %.*s", (int) n_type, type, (int) n_blob, blob);
        /* The comment says whose it is; only what cannot be mistaken for anything. */
        if (*p && *p != '\n' && *p != '\r')
                ret[at++] = ' ';
        for (size_t n = 0; n < 127 && *p && *p != '\n' && *p != '\r'; p++, n++)
                ret[at++] = isalnum((unsigned char) *p) || strchr("@._-+ ", *p) ? *p : '_';
        ret[at] = 0;
        return 0;
}

int key_find(const char *file, const char *line) {
        const char *blob = strstr(line, " AAAA");
        size_t n = blob ? strcspn(blob + 1, " ") + 1 : 0, n_begin = strlen(LINE_BEGIN);
        int found = 0;

        if (!blob)
                return 0;
        for (const char *p = file; *p;) {
                size_t n_line = strcspn(p, "\n");
                _cleanup_free_ char *have = strndup(p, n_line);
                const char *at;

                p += n_line + (p[n_line] == '\n');
                if (!have || have[strspn(have, " \t")] == '#')
                        continue;
                at = memmem(have, strlen(have), blob, n);
                if (!at || (at[n] != 0 && at[n] != ' ' && at[n] != '\r'))
                        continue;
                /* Whatever its comment is. */
                if (strncmp(have, LINE_BEGIN, n_begin) == 0)
                        found = found == 2 ? 2 : 1;
                else
                        found = 2;
        }
        return found;
}

KeyKind key_kind(const char *line) {
        const char *p = line;
        size_t n = word(&p);

        if (n == 0 || *p == '#')
                return KEY_NOTHING;
        if (is_type(p, n))
                return KEY_AGENT;
        n = next_word(&p);
        if (!is_type(p, n))
                return KEY_UNKNOWN;
        p += n;
        n = word(&p);
        return is_blob(p, n) ? KEY_HOST : KEY_UNKNOWN;
}

/* One name of several with commas between them. */
static bool list_has(const char *list, size_t n, const char *name) {
        size_t n_name = strlen(name);

        for (const char *p = list, *end = list + n; p < end;) {
                const char *comma = memchr(p, ',', (size_t) (end - p));
                size_t length = (size_t) ((comma ? comma : end) - p);

                if (length == n_name && n_name > 0 && strncasecmp(p, name, length) == 0)
                        return true;
                p += length + 1;
        }
        return false;
}

bool key_host_is(const char *line, const char *name) {
        const char *p = line;
        size_t n = word(&p);

        return !strpbrk(name, "*?!|,") && list_has(p, n, name);
}

void key_host_line(const char *line, const char *entry, char ret[static KEY_LINE_MAX]) {
        const char *type, *blob, *p = line;
        size_t n_type, n_blob;
        int n;

        n_type = next_word(&p);
        type = p;
        p += n_type;
        n_blob = word(&p);
        blob = p;
        n = snprintf(ret, KEY_LINE_MAX, "%s %.*s %.*s", entry, (int) n_type, type, (int) n_blob, blob);
        if (n < 0 || n >= KEY_LINE_MAX)
                ret[0] = 0;
}

void key_host_machine(const char *entry, char ret[static KEY_NAME_MAX]) {
        bool bracket = *entry == '[';

        (void) snprintf(ret, KEY_NAME_MAX, "%.*s", (int) strcspn(entry + bracket, bracket ? "]" : ""), entry + bracket);
}

int key_host_said(const char *text, const char *machine, const char *line) {
        _cleanup_free_ char *copy = strdup(text);
        char key[KEY_LINE_MAX], said[KEY_LINE_MAX], name[KEY_NAME_MAX];
        int found = 0;

        if (!copy)
                return -ENOMEM;
        key_host_line(line, "-", key);
        if (!*key)
                return 2; /* longer than keys are: nobody's */
        for (char *p = copy, *one; (one = strsep(&p, "\n"));) {
                if (key_kind(one) != KEY_HOST)
                        continue;
                key_host_line(one, "-", said);
                one += strspn(one, " \t");
                one[strcspn(one, " \t")] = 0;
                for (char *entry; (entry = strsep(&one, ","));) {
                        key_host_machine(entry, name);
                        if (strcasecmp(name, machine) != 0)
                                continue;
                        if (streq(said, key))
                                return 1;
                        if (found != 2)
                                found = strncmp(said, key, 2 + strcspn(key + 2, " ") + 1) == 0 ? 2 : 3;
                }
        }
        return found;
}

int key_host_merge(const char *have, const char *line, char **ret) {
        _cleanup_free_ char *entry = strndup(line, strcspn(line, " ")), *text = NULL;
        const char *key = strchr(line, ' '), *p = key;
        _cleanup_fclose_ FILE *f = NULL;
        bool there = false, gave_way = false;
        size_t n_type = key ? word(&p) : 0, size;

        if (!entry || n_type == 0)
                return entry ? -EINVAL : -ENOMEM;
        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (const char *at = have; *at;) {
                size_t n = strcspn(at, "\n");
                _cleanup_free_ char *one = strndup(at, n);
                const char *type = one;

                at += n + (at[n] == '\n');
                if (!one)
                        return -ENOMEM;
                if (key_kind(one) == KEY_HOST && key_host_is(one, entry)) {
                        if (next_word(&type) == n_type && strncmp(type, p, n_type) == 0) {
                                bool same = strncmp(type, p, strlen(p)) == 0 && strchr(" \t\r", type[strlen(p)]);

                                there = there || same;
                                gave_way = gave_way || !same;
                                if (!same)
                                        continue;
                        }
                }
                fprintf(f, "%s\n", one);
        }
        if (!there)
                fprintf(f, "%s\n", line);
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return gave_way ? 2 : !there;
}

int key_without_ours(const char *have, char **ret, size_t *ret_n) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size, n = 0;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (const char *p = have; *p;) {
                size_t length = strcspn(p, "\n");

                length += p[length] == '\n';
                if (strncmp(p, LINE_BEGIN, strlen(LINE_BEGIN)) == 0)
                        n++;
                else
                        (void) fwrite(p, 1, length, f);
                p += length;
        }
        if (fclose(TAKE(f)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        *ret_n = n;
        return 0;
}
