/* What the doctor looks at; see ctl-doctor.h. Whatever cannot be found out is
 * left unknown: the checks say nothing about it. */
#include "config.h"

#include "adapter/ssh.h"
#include "edge/ctl-bus.h"
#include "edge/ctl-doctor.h"
#include "edge/ctl-ssh.h"
#include "edge/ctl-systemd.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#define ZFS_MAGIC 0x2fc12fc1L
#define RUNTIME "/run/mainstay/" /* ours: it defines what it must, for one start */
#define FILES_MAX 100000         /* of the datadir, that are counted */

/* Keeps `text`, which is freed with the ward; NULL: there is no room. */
static const char *keep(Ward *w, char *text) {
        if (!text || w->n_texts == ELEMENTS(w->text)) {
                free(text);
                return NULL;
        }
        return w->text[w->n_texts++] = text;
}

/* The running server */

static void find_live(Ward *w, Setup *s) {
        _cleanup_free_ char *statement = NULL, *list = NULL, *output = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&list, &size);
        if (!f)
                return;
        for (size_t i = 0; doctor_live[i]; i++)
                fprintf(f, "%s'%s'", i > 0 ? "," : "", doctor_live[i]);
        if (fclose(TAKE(f)) != 0 || asprintf(&statement, "SHOW GLOBAL VARIABLES WHERE Variable_name IN (%s); SHOW GLOBAL STATUS WHERE Variable_name IN (%s)", list, list) < 0) {
                statement = NULL;
                return;
        }
        if (setup_sql(s, statement, &output, NULL) != 0 || !output)
                return;
        w->live = json_object();
        for (char *p = output, *line; w->live && p && (line = strsep(&p, "\n"));) {
                char *tab = strchr(line, '\t');

                if (!tab)
                        continue;
                *tab = 0;
                (void) json_object_set_new(w->live, line, json_string(tab + 1));
        }
        w->patient.live = w->live;
}

static void find_version(Ward *w, const Facts *f) {
        const char *argv[] = { f->config->server, "--version", NULL };
        _cleanup_free_ char *output = NULL;

        if (f->config->server && setup_run(argv, &output, NULL) == 0 && output && about_version(output, &w->server) < 0)
                w->server = NULL;
        w->patient.server = w->server;
}

/* mysqld's unit */

static void take_variable(const char *assignment, const char *name, char **field) {
        size_t n = strlen(name), length;
        const char *value;

        if (strncmp(assignment, name, n) != 0 || assignment[n] != '=')
                return;
        value = assignment + n + 1;
        length = strcspn(value, "\n");
        if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
                value++;
                length -= 2;
        }
        free(*field);
        *field = strndup(value, length);
}

static void take_environment(Ward *w, const char *assignment) {
        take_variable(assignment, "MYSQLD_OPTS", &w->opts);
        take_variable(assignment, "_WSREP_NEW_CLUSTER", &w->new_cluster);
}

static void read_environment(Ward *w, sd_bus *bus, const char *path, const char *interface) {
        char **list = NULL;

        if (sd_bus_get_property_strv(bus, SYSTEMD, path, interface, "Environment", NULL, &list) < 0)
                return;
        for (size_t i = 0; list && list[i]; i++) {
                take_environment(w, list[i]);
                free(list[i]);
        }
        free(list);
}

static void read_environment_files(Ward *w, sd_bus *bus, const char *path) {
        sd_bus_message *reply = NULL;
        const char *file;
        int r, optional;

        r = sd_bus_get_property(bus, SYSTEMD, path, SYSTEMD ".Service", "EnvironmentFiles", NULL, &reply, "a(sb)");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sb)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sb)", &file, &optional)) > 0) {
                _cleanup_free_ char *text = NULL;

                if (strncmp(file, RUNTIME, strlen(RUNTIME)) == 0 || setup_read(file, &text) < 0)
                        continue;
                for (char *p = text, *line; p && (line = strsep(&p, "\n"));)
                        take_environment(w, line + strspn(line, " \t"));
        }
        (void) sd_bus_message_unref(reply);
}

static void find_unit_facts(Ward *w, const Facts *f) {
        _cleanup_free_ char *path = NULL;
        uint64_t timeout;

        if (!f->bus || !f->unit)
                return;
        w->patient.unit = f->unit;
        if (systemd_unit(f->bus, f->unit, &path) >= 0) {
                if (sd_bus_get_property_trivial(f->bus, SYSTEMD, path, SYSTEMD ".Service", "TimeoutStartUSec", NULL, 't', &timeout) >= 0) {
                        w->patient.have_start_timeout = true;
                        w->patient.start_timeout = timeout;
                }
                /* In the order in which systemd lets one overrule the other. */
                read_environment(w, f->bus, SYSTEMD_PATH, SYSTEMD ".Manager");
                read_environment(w, f->bus, path, SYSTEMD ".Service");
                read_environment_files(w, f->bus, path);
        }
        w->patient.mysqld_opts = w->opts;
        w->patient.new_cluster = w->new_cluster;
}

/* Files */

static uint64_t counted_bytes;
static size_t counted_files;

static int count_file(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        if (flag == FTW_F)
                counted_bytes += (uint64_t) st->st_blocks * 512;
        return ++counted_files > FILES_MAX; /* so many are enough to judge by */
}

static bool file_there(const char *dir, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", dir, name) < 0) {
                path = NULL;
                return false;
        }
        return access(path, F_OK) == 0;
}

static bool same_directory(const char *a, const char *b) {
        struct stat x, y;

        return streq(a, b) || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static void find_directories(Ward *w, const Facts *f) {
        const char *datadir = str_or(f->options.datadir, "/var/lib/mysql");
        char *base = NULL;
        Patient *p = &w->patient;
        struct statvfs room;
        struct statfs fs;

        p->datadir = f->config->datadir;
        p->base_dir = same_directory(f->config->base_dir, f->config->datadir) ? f->config->datadir : f->config->base_dir;
        if (f->have_options) {
                if (!same_directory(datadir, p->datadir))
                        p->server_datadir = datadir;
                if (f->options.provider_options && options_provider_get(f->options.provider_options, "base_dir", &base) >= 0)
                        base = (char *) keep(w, base);
                if (!same_directory(str_or(base, datadir), p->base_dir))
                        p->server_base_dir = str_or(base, datadir);
        }
        p->gvwstate_in_datadir = file_there(p->datadir, "gvwstate.dat");
        p->gvwstate_in_base_dir = file_there(p->base_dir, "gvwstate.dat");
        if (statfs(p->datadir, &fs) == 0)
                p->atomic_pages = fs.f_type == ZFS_MAGIC;
        if (f->have_datadir && statvfs(p->datadir, &room) == 0) {
                counted_bytes = 0;
                counted_files = 0;
                p->have_space = nftw(p->datadir, count_file, 16, FTW_PHYS | FTW_MOUNT) >= 0;
                p->space_free = (uint64_t) room.f_bavail * room.f_frsize;
                p->space_data = counted_bytes;
        }
}

/* The state transfer */

static bool program_there(const char *name, size_t n) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", str_or(getenv("PATH"), "/usr/bin")) < 0) {
                path = NULL;
                return false;
        }
        for (char *p = path, *dir; (dir = strsep(&p, ":"));) {
                _cleanup_free_ char *file = NULL;

                if (asprintf(&file, "%s/%.*s", dir, (int) n, name) < 0) {
                        file = NULL;
                        return false;
                }
                if (*dir == '/' && access(file, X_OK) == 0)
                        return true;
        }
        return false;
}

/* Of "a|b" one is enough. */
static bool tool_there(const char *names) {
        for (const char *p = names;; p++) {
                size_t n = strcspn(p, "|");

                if (program_there(p, n))
                        return true;
                p += n;
                if (*p == 0)
                        return false;
        }
}

/* The scripts read these groups besides wsrep_sst_auth. */
static bool account_configured(const Facts *f) {
        _cleanup_free_ char *file = NULL, *output = NULL;
        const char *argv[10];
        size_t n = 0;

        argv[n++] = "my_print_defaults";
        if (f->config->defaults_file) {
                if (asprintf(&file, "--defaults-file=%s", f->config->defaults_file) < 0) {
                        file = NULL;
                        return false;
                }
                argv[n++] = file;
        }
        argv[n++] = "sst";
        argv[n++] = "xtrabackup";
        argv[n++] = "mariabackup";
        argv[n++] = "mariadb-backup";
        argv[n] = NULL;
        return setup_run(argv, &output, NULL) == 0 && output && strstr(output, "--user=");
}

static void find_sst(Ward *w, const Facts *f) {
        Patient *p = &w->patient;
        _cleanup_free_ char *script = NULL;
        const char *const *tools;

        if (!f->have_options)
                return;
        p->sst_method = w->sst_method = doctor_sst_method(&f->options, w->server);
        if (!w->sst_method || asprintf(&script, "wsrep_sst_%s", w->sst_method) < 0) {
                script = NULL;
                return;
        }
        p->sst_script = !strchr(w->sst_method, '/') && program_there(script, strlen(script));
        /* MySQL's "clone" is the server's own; it has a script all the same. */
        tools = doctor_tools(w->sst_method);
        for (size_t i = 0; tools && tools[i] && p->n_tools < PATIENT_TOOLS_MAX; i++)
                p->tool[p->n_tools++] = (PatientTool) { .name = tools[i], .there = tool_there(tools[i]) };
        p->sst_account = account_configured(f);
}

/* Names */

static bool is_loopback(const struct sockaddr *a) {
        if (a->sa_family == AF_INET)
                return ntohl(((const struct sockaddr_in *) (const void *) a)->sin_addr.s_addr) >> 24 == 127;
        return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) (const void *) a)->sin6_addr);
}

static void add_host(Ward *w, const char *host, const char *where) {
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
        PatientHost h = { .where = where };
        Patient *p = &w->patient;

        for (size_t i = 0; i < p->n_hosts; i++)
                if (streq(p->host[i].host, host))
                        return;
        if (p->n_hosts == PATIENT_HOSTS_MAX || !(h.host = keep(w, strdup(host))))
                return;
        if (getaddrinfo(host, NULL, &hints, &found) == 0) {
                h.resolves = true;
                for (const struct addrinfo *a = found; a; a = a->ai_next)
                        h.loopback = h.loopback || is_loopback(a->ai_addr);
                freeaddrinfo(found);
        }
        p->host[p->n_hosts++] = h;
}

static int add_cluster_host(const char *host, void *userdata) {
        add_host(userdata, host, "wsrep_cluster_address");
        return 0;
}

static int add_node_host(const char *host, void *userdata) {
        add_host(userdata, host, "wsrep_node_address");
        return 0;
}

static void find_hosts(Ward *w, const Facts *f) {
        _cleanup_free_ char *address = NULL;

        if (f->options.cluster_address)
                (void) options_cluster_hosts(f->options.cluster_address, add_cluster_host, w);
        /* HOST or HOST:PORT, with the same brackets. Without Galera it is nobody's. */
        if (!options_asynchronous(&f->options) && f->options.node_address && *f->options.node_address && asprintf(&address, "gcomm://%s", f->options.node_address) >= 0)
                (void) options_cluster_hosts(address, add_node_host, w);
        else
                address = NULL;
        for (size_t i = 0; i < f->config->n_peers; i++) {
                SshTarget t;

                if (!address_is_bus(f->config->peer[i].address) && ssh_target_parse(f->config->peer[i].address, &t) >= 0)
                        add_host(w, t.host, f->peers_found ? "wsrep_cluster_address" : "[peers] of mainstay.conf");
        }
}

/* The other nodes */

static const json_t *find_by(const json_t *array, const char *key, const char *value) {
        const json_t *o;
        size_t i;

        json_array_foreach((json_t *) array, i, o)
                if (streq_null(json_string_value(json_object_get(o, key)), value))
                        return o;
        return NULL;
}

/* As root the steps of the setup have asked it, in the agent's own name. */
static void node_asked(PatientNode *n, const json_t *said, About *about) {
        const char *text = json_string_value(json_object_get(said, "about"));
        int64_t asked = json_integer_value(json_object_get(said, "asked")), answered = json_integer_value(json_object_get(said, "answered"));

        n->name = json_string_value(json_object_get(said, "node"));
        n->agent = json_string_value(json_object_get(said, "agent"));
        n->cannot_say = json_is_true(json_object_get(said, "cannot_say"));
        if (!text || about_parse(text, about) < 0)
                return;
        n->about = about;
        n->clock_ahead = (int64_t) about->time - (asked + answered) / 2;
        n->clock_error = (usec_t) (answered - asked);
}

/* Otherwise there is what the agent here knows. */
static void node_known(PatientNode *n, const json_t *peer) {
        const json_t *report = json_object_get(peer, "report");
        const char *condition = json_string_value(json_object_get(peer, "condition"));

        if (condition && streq(condition, "known") && json_is_object(report)) {
                n->name = json_string_value(json_object_get(report, "node"));
                n->agent = json_string_value(json_object_get(report, "agent"));
        } else
                n->problem = str_or(json_string_value(json_object_get(peer, "why")), "not tried yet");
}

static void find_nodes(Ward *w, const Setup *s) {
        const Config *c = s->facts.config;
        Patient *p = &w->patient;

        for (size_t i = 0; i < c->n_peers && p->n_nodes < PATIENT_NODES_MAX; i++) {
                PatientNode *n = &p->node[p->n_nodes];
                const json_t *said = find_by(s->peers, "label", c->peer[i].label);
                const json_t *peer = find_by(json_object_get(w->picture, "peers"), "label", c->peer[i].label);

                /* The whole cluster's [peers] may name this node too. One that answers
                 * for another is of our name, which is not the same. */
                if (w->name && streq(c->peer[i].label, w->name) &&
                    (!said || streq_null(json_string_value(json_object_get(said, "agent")), p->agent)))
                        continue;
                n->label = c->peer[i].label;
                if (said)
                        node_asked(n, said, &w->about[p->n_nodes]);
                else if (geteuid() != 0 && peer)
                        node_known(n, peer);
                p->n_nodes++;
        }
}

static void find_agent(Ward *w, const Facts *f) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Patient *p = &w->patient;
        char host[NAME_SIZE] = "";

        (void) gethostname(host, sizeof(host) - 1);
        w->name = strdup(str_or(f->config->name, str_or(f->options.node_name, host)));
        p->name = w->name;
        if (!f->bus || bus_picture(f->bus, &error, &w->picture) < 0)
                w->picture = NULL;
        sd_bus_error_free(&error);
        p->agent_runs = json_string_value(json_object_get(w->picture, "version"));
        p->agent = json_string_value(json_object_get(json_object_get(w->picture, "report"), "agent"));
}

int ward_admit(Ward *w, Setup *s) {
        const Facts *f = &s->facts;
        Patient *p = &w->patient;

        *w = (Ward) {};
        p->options = f->have_options ? &f->options : NULL;
        p->mainstay = PACKAGE_VERSION;
        find_version(w, f);
        find_live(w, s);
        find_agent(w, f);
        find_unit_facts(w, f);
        find_directories(w, f);
        find_sst(w, f);
        find_hosts(w, f);
        find_nodes(w, s);
        return w->name ? 0 : -ENOMEM;
}

void ward_done(Ward *w) {
        json_decref(w->live);
        json_decref(w->picture);
        free(w->server);
        free(w->name);
        free(w->sst_method);
        free(w->opts);
        free(w->new_cluster);
        for (size_t i = 0; i < w->n_texts; i++)
                free(w->text[i]);
        for (size_t i = 0; i < ELEMENTS(w->about); i++)
                about_done(&w->about[i]);
        *w = (Ward) {};
}
