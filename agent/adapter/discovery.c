/* The server as it is installed; see discovery.h. */
#include "adapter/discovery.h"
#include "sys/process.h"

#define DEFAULTS_TIMEOUT (10 * USEC_PER_SEC)
#define DEFAULTS_MAX ((size_t) 256 * 1024)

static const char *const servers[] = {
        DISCOVERY_SERVER_DEFAULT, "/usr/sbin/mysqld", "/usr/libexec/mariadbd", "/usr/libexec/mysqld",
};

const char *discovery_server(void) {
        for (size_t i = 0; i < ELEMENTS(servers); i++)
                if (access(servers[i], X_OK) == 0)
                        return servers[i];
        return NULL;
}

int discovery_options(const char *server, const char *defaults_file, Options *ret) {
        _cleanup_free_ char *output = NULL, *file = NULL;
        const char *argv[4];
        size_t n = 0;
        int r;

        argv[n++] = server;
        if (defaults_file) {
                if (asprintf(&file, "--defaults-file=%s", defaults_file) < 0)
                        return -ENOMEM;
                argv[n++] = file;
        }
        argv[n++] = "--print-defaults";
        argv[n] = NULL;

        r = process_run(argv, DEFAULTS_TIMEOUT, DEFAULTS_MAX, &output);
        return r == 0 ? options_parse(output, ret) : r;
}
