/* Orders; see orders.h. */
#include "sys/orders.h"
#include "sys/file.h"

#include <fcntl.h>

#define ORDERS_MAX ((size_t) 64 * 1024)
#define PREFIX "MAINSTAY_"

const char *orders_runtime(void) {
        return str_or(getenv("MAINSTAY_RUNTIME"), "/run/mainstay");
}

int orders_load(const char *runtime, const char *name) {
        _cleanup_close_ int dirfd = open(runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        size_t size;
        int r;

        r = dirfd < 0 ? -errno : file_read(dirfd, name, ORDERS_MAX, &text, &size, NULL);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                char *value = strchr(line, '=');

                if (!value || strncmp(line, PREFIX, strlen(PREFIX)) != 0)
                        continue;
                *value++ = '\0';
                if (setenv(line, value, true) < 0)
                        return -errno;
        }
        return 0;
}
