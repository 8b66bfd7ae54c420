/* The account by which a server replicates; see credentials.h. */
#include "domain/credentials.h"

#include <ini.h>
#include <stdarg.h>

/* The buffer of inih, whose other half a longer line would come as. */
#define LINE_MAX_LENGTH 198
#define TOLD_MIN 4

char *credentials_forget(char *text) {
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        return NULL;
}

void credentials_done(Credentials *c) {
        c->user = credentials_forget(c->user);
        c->password = credentials_forget(c->password);
}

typedef struct Parser {
        Credentials found;
        const char *at, *end;
        char *error;
        int r;
} Parser;

/* Returns 0, which inih takes for "this line is wrong". The first one counts. */
static _printf_(2, 3) int wrong(Parser *p, const char *format, ...) {
        va_list ap;

        if (p->r < 0)
                return 0;
        p->r = -EBADMSG;
        va_start(ap, format);
        (void) vsnprintf(p->error, 256, format, ap);
        va_end(ap);
        return 0;
}

/* As the servers' clients read a value: quotes around it are not part of it, and
 * a backslash says what could not stand there. */
static int unquote(Parser *p, const char *name, const char *value, size_t max, char **ret) {
        static const char escapes[] = "\\\\s b\bt\tn\nr\r";
        char quote = value[0] == '"' || value[0] == '\'' ? value[0] : '\0';
        size_t n = strlen(value), to = 0;
        char *text;

        if (quote && (n < 2 || value[n - 1] != quote))
                return wrong(p, "the quotes around the %s do not end in its line", name);
        /* To the one it begins a comment, to the other it is a character. */
        if (!quote && strchr(value, '#'))
                return wrong(p, "the %s has a #: put it in quotes", name);
        if (quote) {
                value++;
                n -= 2;
        }
        text = malloc(n + 1);
        if (!text) {
                p->r = -ENOMEM;
                return 0;
        }
        for (size_t i = 0; i < n; i++) {
                const char *e = NULL;

                if (value[i] == '\\' && i + 1 < n)
                        for (e = escapes; *e && *e != value[i + 1]; e += 2)
                                ;
                text[to++] = e && *e ? e[1] : value[i];
                i += e && *e;
        }
        text[to] = '\0';
        if (to == 0 || to > max) {
                text = credentials_forget(text);
                return wrong(p, to == 0 ? "the %s is empty" : "the %s is longer than servers take", name);
        }
        *ret = text;
        return 1;
}

static int handle(void *userdata, const char *section, const char *name, const char *value) {
        Parser *p = userdata;
        bool user = streq(name, "user");
        char **to = user ? &p->found.user : &p->found.password;

        if (!streq(section, "client") || (!user && !streq(name, "password")))
                return 1;
        if (*to)
                return wrong(p, "the %s is there twice", name);
        return unquote(p, name, value, user ? CREDENTIALS_USER_MAX : CREDENTIALS_PASSWORD_MAX, to);
}

/* One line for inih, which would take an indented one for more of the one before. */
static char *read_line(char *buf, int size, void *stream) {
        Parser *p = stream;
        const char *newline;
        size_t n;

        if (p->at == p->end)
                return NULL;
        while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
                p->at++;
        newline = memchr(p->at, '\n', (size_t) (p->end - p->at));
        n = (size_t) ((newline ? newline : p->end) - p->at);
        if (n > LINE_MAX_LENGTH || (int) n >= size || memchr(p->at, '\0', n)) {
                (void) wrong(p, n > LINE_MAX_LENGTH ? "a line is longer than %d characters" : "it is no text", LINE_MAX_LENGTH);
                n = 0;
        }
        memcpy(buf, p->at, n);
        buf[n] = '\0';
        p->at = newline ? newline + 1 : p->end;
        return buf;
}

int credentials_parse(const char *text, size_t n, Credentials *ret, char error[static 256]) {
        Parser p = { .at = text, .end = text + n, .error = error };
        int line;

        line = ini_parse_stream(read_line, &p, handle, &p);
        if (line > 0)
                (void) wrong(&p, "line %d is neither a [section] nor KEY = VALUE", line);
        else if (line < 0)
                p.r = -ENOMEM;
        if (!p.found.user || !p.found.password)
                (void) wrong(&p, "there is no %s in its section [client]", p.found.user ? "password" : "user");
        if (p.r < 0) {
                credentials_done(&p.found);
                return p.r;
        }
        *ret = p.found;
        return 0;
}

/* What credentials_parse() and the servers' clients both read as `value`. */
static int put(char *to, size_t size, const char *name, const char *value, size_t max, char error[static 256]) {
        size_t at = (size_t) snprintf(to, size, "%s = \"", name);

        if (*value == '\0' || strlen(value) > max) {
                (void) snprintf(error, 256, *value ? "the %s is longer than %zu characters" : "the %s is empty", name, max);
                return -EINVAL;
        }
        for (const char *v = value; *v; v++) {
                if ((unsigned char) *v < ' ' || *v == 127) {
                        (void) snprintf(error, 256, "the %s has a control character", name);
                        return -EINVAL;
                }
                /* A blank before a semicolon would begin a comment. */
                if (*v == '\\' || *v == ' ')
                        to[at++] = '\\';
                to[at++] = *v == ' ' ? 's' : *v;
        }
        to[at++] = '"';
        to[at] = '\0';
        if (at > LINE_MAX_LENGTH) {
                (void) snprintf(error, 256, "the %s is too long, with that many blanks and backslashes", name);
                return -EINVAL;
        }
        return 0;
}

int credentials_format(const char *user, const char *password, char **ret, char error[static 256]) {
        char user_line[2 * CREDENTIALS_USER_MAX + 32], password_line[2 * CREDENTIALS_PASSWORD_MAX + 32];
        char *text;
        int r;

        r = put(user_line, sizeof(user_line), "user", user, CREDENTIALS_USER_MAX, error);
        if (r >= 0)
                r = put(password_line, sizeof(password_line), "password", password, CREDENTIALS_PASSWORD_MAX, error);
        if (r >= 0 && asprintf(&text, "[client]\n%s\n%s\n", user_line, password_line) < 0)
                r = -ENOMEM;
        explicit_bzero(password_line, sizeof(password_line));
        if (r < 0)
                return r;
        *ret = text;
        return 0;
}

bool credentials_told(const char *text, const char *secret) {
        size_t n = strlen(secret), part = n < TOLD_MIN ? n : TOLD_MIN;

        for (size_t i = 0; n > 0 && i + part <= n; i++)
                if (memmem(text, strlen(text), secret + i, part))
                        return true;
        return false;
}
