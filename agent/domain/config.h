/* mainstay.conf and conf.d/, read with inih. */
#pragma once

#include "domain/names.h"

#define CONFIG_PEERS_MAX (NAMES_MAX - 1)

typedef struct ConfigPeer {
        char *label;   /* the node's name, or where it was found: its address */
        char *address; /* a host, ssh:USER@HOST:PORT, or an sd-bus address */
} ConfigPeer;

/* NULL where not given: it is then discovered from the server's own
 * configuration. */
typedef struct Config {
        char *name;
        char *datadir;
        char *server; /* path of mysqld */
        char *unit;
        char *defaults_file;
        char *base_dir; /* of gvwstate.dat */
        char *socket;
        char *user;    /* mysqld's system user */
        char *account; /* of the agent in the database */
        char *donor;   /* of state transfers; NULL: the cluster's choice */
        int64_t weight;
        int64_t boot_wait; /* seconds for which the gate holds up the boot */
        int64_t sst_stall; /* seconds without a byte after which a state transfer stands still */
        size_t n_peers;
        ConfigPeer peer[CONFIG_PEERS_MAX];
} Config;

int config_new(Config **ret);
Config *config_free(Config *c);
DEFINE_CLEANUP(Config, config_free)

/* Reads one file's text into `c`; what it says overrides what was there.
 * `path` is for messages. -EBADMSG: "path:line: what is wrong" is in `error`. */
int config_parse(Config *c, const char *path, const char *text, char error[static 512]);

int config_add_peer(Config *c, const char *label, const char *address);

/* The keys that may be set, one by one: false beyond the last. [peers] has names in
 * place of keys. */
typedef struct ConfigKey {
        const char *section, *name;
        bool number; /* else a text */
        int64_t min, max;
} ConfigKey;

bool config_key(size_t i, ConfigKey *ret);
