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
