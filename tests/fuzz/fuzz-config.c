/* mainstay.conf, and the server's options: what is read is within its bounds,
 * and a complaint has a line. */
#include "domain/config.h"
#include "domain/options.h"
#include "fuzz.h"

static int check_host(const char *host, void *userdata) {
        MUST(host[0] && !strpbrk(host, ",?"));
        return 0;
}

static void check_options(const char *text) {
        Options o;

        MUST(options_parse(text, &o) == 0);
        if (o.provider_options) {
                char *value;

                if (options_provider_get(o.provider_options, "base_dir", &value) == 0)
                        free(value);
        }
        if (o.cluster_address)
                (void) options_cluster_hosts(o.cluster_address, check_host, NULL);
        options_done(&o);
        (void) options_cluster_hosts(text, check_host, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char error[512] = "", *text = malloc(size + 1);
        Config *c;

        MUST(text && config_new(&c) == 0);
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';

        if (config_parse(c, "x.conf", text, error) < 0) {
                MUST(strncmp(error, "x.conf:", 7) == 0 && strlen(error) < sizeof(error));
                MUST(error[7] >= '1' && error[7] <= '9');
        }
        MUST(c->weight >= 0 && c->weight <= 255 && c->boot_wait >= 0 && c->n_peers <= CONFIG_PEERS_MAX);
        MUST(!c->name || name_valid(c->name));
        MUST(!c->datadir || c->datadir[0] == '/');
        for (size_t i = 0; i < c->n_peers; i++)
                MUST(name_valid(c->peer[i].label) && c->peer[i].address[0]);
        (void) config_free(c);

        check_options(text);
        free(text);
        return 0;
}
