/* Setup's own record: what it changed that does not tell by itself who did it. A file of
 * a person's that is taken back must have been made by us. */
#include "edge/ctl-setup.h"

#include <stdarg.h>

int setup_record(const char *format, ...) {
        _cleanup_free_ char *line = NULL, *have = NULL, *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&line, format, ap);
        va_end(ap);
        if (r < 0) {
                line = NULL;
                return -ENOMEM;
        }
        if (setup_has_record(line))
                return 0;
        r = setup_read(RECORD_PATH, &have);
        if (r < 0 && r != -ENOENT)
                return r;
        if (asprintf(&text, "%s%s\n", str_or(have, "# What `mainstayctl setup` changed, for --undo.\n"), line) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        r = setup_write(RECORD_PATH, text, 0600);
        return r < 0 ? r : 0;
}

bool setup_has_record(const char *line) {
        _cleanup_free_ char *have = NULL;
        size_t n = strlen(line);

        if (setup_read(RECORD_PATH, &have) < 0)
                return false;
        for (const char *p = have; *p;) {
                size_t length = strcspn(p, "\n");

                if (length == n && strncmp(p, line, n) == 0)
                        return true;
                p += length + (p[length] == '\n');
        }
        return false;
}

int setup_recorded(const char *kind, int (*each)(Setup *s, const char *what), Setup *s) {
        _cleanup_free_ char *have = NULL;
        size_t n = strlen(kind), end;
        int r;

        r = setup_read(RECORD_PATH, &have);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (end = strlen(have); end > 0;) {
                size_t begin;

                if (have[end - 1] == '\n')
                        have[--end] = '\0';
                for (begin = end; begin > 0 && have[begin - 1] != '\n';)
                        begin--;
                if (strncmp(have + begin, kind, n) == 0 && have[begin + n] == ' ') {
                        r = each(s, have + begin + n + 1);
                        if (r < 0)
                                return r;
                }
                end = begin;
        }
        return 0;
}
