/* mainstay-probe: asks a server how it is, and prints the answer as JSON.
 *
 * A process of its own, because the client library blocks: whatever happens to
 * the server, the agent loses a child and no time. It has two uses:
 *
 *   mainstay-probe --socket PATH --user NAME
 *   mainstay-probe --tcp HOST PORT [--timeout MS] [--user NAME]
 *
 * The first tells all that the server says of itself and its cluster. The
 * second only tells whether a server of this kind answers at all. Exit status:
 * 0 with the answer; 1 with {"error": "..."}, also for wrong usage.
 */
#include "base/macro.h"
#include "base/number.h"
#include "domain/replication.h"
#include "edge/client.h"

#include <getopt.h>
#include <jansson.h>

#define TIMEOUT_MS 3000
#define ROWS_MAX 256

/* What no server ever says, but the library does: it spoke to one nevertheless. */
#define CLIENT_ERROR_MIN 2000
static const unsigned errors_after_greeting[] = {
        2026, /* TLS */
        2049, 2058, 2059, 2061, /* ways to log in that the library lacks or refuses */
};

typedef struct Options {
        const char *socket, *host, *user;
        unsigned port, timeout_ms;
} Options;

_printf_(1, 2) static int fail(const char *format, ...) {
        char text[512];
        va_list ap;
        json_t *o;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        for (char *c = text; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        o = json_pack("{s:s}", "error", text);
        if (o) {
                (void) json_dumpf(o, stdout, JSON_COMPACT);
                (void) putchar('\n');
                json_decref(o);
        }
        return EXIT_FAILURE;
}

static bool connect_server(const Options *options, MYSQL *mysql) {
        const ClientAddress to = {
                .host = options->host,
                .port = options->port,
                .socket = options->socket,
                .user = options->user,
                .timeout = options->timeout_ms * USEC_PER_MSEC,
        };

        return client_connect(mysql, &to);
}

static int probe_tcp(const Options *options, MYSQL *mysql) {
        bool answered = connect_server(options, mysql);
        unsigned error = answered ? 0 : mysql_errno(mysql);

        /* Access denied, too many connections, host blocked: all said by a server. */
        answered = answered || (error > 0 && error < CLIENT_ERROR_MIN);
        for (size_t i = 0; i < ELEMENTS(errors_after_greeting); i++)
                answered = answered || error == errors_after_greeting[i];
        if (!answered)
                return fail("%s", mysql_error(mysql));

        (void) puts("{\"answers\":true}");
        return EXIT_SUCCESS;
}

static void drain(MYSQL *mysql, const char *statement) {
        MYSQL_RES *result = client_query(mysql, statement);

        if (result)
                mysql_free_result(result);
}

/* A whole number of 64 bits; unsigned ones above INT64_MAX are Galera's
 * "undefined" (-1 in disguise). Anything else is left out: absent is unknown. */
static void set_number(json_t *o, const char *key, const char *text) {
        int64_t value;
        int r;

        r = number_parse(text, strlen(text), INT64_MIN, INT64_MAX, &value);
        if (r == -ERANGE && text[0] != '-')
                value = -1;
        else if (r < 0)
                return;
        (void) json_object_set_new(o, key, json_integer(value));
}

static void set_string(json_t *o, const char *key, const char *text) {
        /* What is not UTF-8 has no place in JSON: jansson refuses it. */
        (void) json_object_set_new(o, key, json_string(text));
}

static void set_bool(json_t *o, const char *key, const char *text) {
        (void) json_object_set_new(o, key, json_boolean(streq(text, "ON") || streq(text, "1")));
}

/* read_only has more values in newer MariaDBs than ON and OFF. */
static void set_unless_off(json_t *o, const char *key, const char *text) {
        (void) json_object_set_new(o, key, json_boolean(!streq(text, "OFF") && !streq(text, "0")));
}

static int read_status(MYSQL *mysql, json_t *o) {
        static const struct {
                const char *name, *key;
                void (*set)(json_t *o, const char *key, const char *text);
        } table[] = {
                { "wsrep_cluster_status", "cluster_status", set_string },
                { "wsrep_cluster_state_uuid", "cluster_uuid", set_string },
                { "wsrep_cluster_conf_id", "conf_id", set_number },
                { "wsrep_cluster_size", "cluster_size", set_number },
                { "wsrep_connected", "connected", set_bool },
                { "wsrep_ready", "ready", set_bool },
                { "wsrep_local_state", "state", set_number },
                { "wsrep_local_state_comment", "state_comment", set_string },
                { "wsrep_local_state_uuid", "local_uuid", set_string },
                { "wsrep_last_committed", "last_committed", set_number },
                { "wsrep_local_cached_downto", "cached_downto", set_number },
                { "wsrep_gcomm_uuid", "member_uuid", set_string },
                { "wsrep_local_recv_queue", "recv_queue", set_number },
                { "wsrep_desync_count", "desync_count", set_number },
                { "wsrep_provider_version", "provider_version", set_string },
        };
        MYSQL_RES *result = client_query(mysql, "SHOW GLOBAL STATUS LIKE 'wsrep\\_%'");
        MYSQL_ROW row;

        if (!result)
                return -EIO;
        while ((row = mysql_fetch_row(result)))
                for (size_t i = 0; i < ELEMENTS(table); i++)
                        if (row[0] && row[1] && streq(row[0], table[i].name))
                                table[i].set(o, table[i].key, row[1]);
        mysql_free_result(result);
        return 0;
}

/* One SELECT a variable: which of them exist differs from server to server. */
static bool read_variable(MYSQL *mysql, json_t *o, const char *variable, const char *key,
                          void (*set)(json_t *o, const char *key, const char *text)) {
        char statement[128];
        MYSQL_RES *result;
        MYSQL_ROW row;
        bool found = false;

        (void) snprintf(statement, sizeof(statement), "SELECT @@GLOBAL.%s", variable);
        result = client_query(mysql, statement);
        if (!result)
                return false;
        row = mysql_fetch_row(result);
        if (row && row[0]) {
                set(o, key, row[0]);
                found = true;
        }
        mysql_free_result(result);
        return found;
}

/* The view as the server has stored it. Both tables are read in one snapshot,
 * or the members could be those of another view than its seqno. */
static json_t *read_view_tables(MYSQL *mysql) {
        json_t *view = NULL, *members;
        MYSQL_RES *result;
        MYSQL_ROW row;

        if (mysql_query(mysql, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY") != 0)
                return NULL;

        result = client_query(mysql, "SELECT cluster_uuid, view_id, view_seqno FROM mysql.wsrep_cluster LIMIT 2");
        if (!result)
                return NULL;
        if (mysql_num_rows(result) == 1 && (row = mysql_fetch_row(result)) && row[0] && row[1] && row[2]) {
                view = json_object();
                set_string(view, "uuid", row[0]);
                set_number(view, "id", row[1]);
                set_number(view, "seqno", row[2]);
        }
        mysql_free_result(result);
        if (!view)
                return NULL;

        result = client_query(mysql, "SELECT m.node_uuid, m.node_name FROM mysql.wsrep_cluster_members m"
                              " JOIN mysql.wsrep_cluster c ON m.cluster_uuid = c.cluster_uuid ORDER BY m.node_uuid LIMIT 256");
        if (!result) {
                json_decref(view);
                return NULL;
        }
        members = json_array();
        while ((row = mysql_fetch_row(result)))
                if (row[0] && row[1])
                        (void) json_array_append_new(members, json_pack("{s:s, s:s}", "uuid", row[0], "name", row[1]));
        mysql_free_result(result);
        (void) json_object_set_new(view, "members", members);
        return view;
}

static void read_view(MYSQL *mysql, json_t *o) {
        json_t *view = read_view_tables(mysql);
        const char *error = mysql_error(mysql);

        if (view)
                (void) json_object_set_new(o, "view", view);
        else
                set_string(o, "view_problem", str_or(error, "the server has stored no view"));
        (void) mysql_query(mysql, "ROLLBACK");
}

/* Asynchronous replication */

#define TEXT_MAX 511      /* of an error that the server tells */

/* Cut where a character ends; what is no UTF-8 becomes ASCII. */
static void set_text(json_t *o, const char *key, const char *text) {
        char buf[TEXT_MAX + 1];
        size_t n = strlen(text);
        json_t *v;

        if (n > TEXT_MAX) {
                n = TEXT_MAX;
                while (n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80)
                        n--;
        }
        memcpy(buf, text, n);
        buf[n] = '\0';
        v = json_string(buf);
        for (char *c = buf; !v && *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        (void) json_object_set_new(o, key, v ? v : json_string(buf));
}

static void set_column(json_t *o, const char *key, const ClientTable *t, const char *name, const char *older,
                       void (*set)(json_t *o, const char *key, const char *text)) {
        const char *text = client_column(t, name, older);

        if (text && *text)
                set(o, key, text);
}

static void set_worker(json_t *o, const char *key, const ClientTable *t, const char *state, const char *older, const char *number, const char *text) {
        json_t *w = json_object();

        set_string(w, "state", thread_to_string(thread_from_server(client_column(t, state, older))));
        set_column(w, "errno", t, number, NULL, set_number);
        set_column(w, "error", t, text, NULL, set_text);
        (void) json_object_set_new(o, key, w);
}

/* `ret_whole` is cleared where what it has received is more than can be told. */
static json_t *channel(const ClientTable *t, bool mariadb, bool *ret_whole) {
        const char *by = mariadb ? client_column(t, "Using_Gtid", NULL) : client_column(t, "Auto_Position", NULL);
        const char *received = mariadb ? client_column(t, "Gtid_IO_Pos", NULL) : client_column(t, "Retrieved_Gtid_Set", NULL);
        json_t *o = json_object();

        set_column(o, "name", t, "Connection_name", "Channel_Name", set_text);
        set_column(o, "host", t, "Source_Host", "Master_Host", set_text);
        set_column(o, "port", t, "Source_Port", "Master_Port", set_number);
        set_column(o, "source_id", t, "Source_Server_Id", "Master_Server_Id", set_number);
        set_column(o, "source_uuid", t, "Source_UUID", "Master_UUID", set_string);
        set_column(o, "lag", t, "Seconds_Behind_Source", "Seconds_Behind_Master", set_number);
        set_worker(o, "receiver", t, "Replica_IO_Running", "Slave_IO_Running", "Last_IO_Errno", "Last_IO_Error");
        set_worker(o, "applier", t, "Replica_SQL_Running", "Slave_SQL_Running", "Last_SQL_Errno", "Last_SQL_Error");
        (void) json_object_set_new(o, "by_gtid", json_boolean(by && !streq(by, "No") && !streq(by, "0")));
        if (received && strlen(received) > REPLICATION_RECEIVED_MAX)
                *ret_whole = false;
        else if (received && *received)
                set_string(o, "received", received);
        return o;
}

/* False where the server does not tell: a replica would pass for none. */
static bool read_channels(MYSQL *mysql, json_t *o, bool mariadb, bool *ret_whole) {
        json_t *channels = json_array();
        ClientTable t = {0};

        /* MySQL says it the old way before 8.0.22. */
        if (!client_table(mysql, mariadb ? "SHOW ALL SLAVES STATUS" : "SHOW REPLICA STATUS", &t) &&
            (mariadb || !client_table(mysql, "SHOW SLAVE STATUS", &t))) {
                json_decref(channels);
                return false;
        }
        while ((t.row = mysql_fetch_row(t.result)))
                (void) json_array_append_new(channels, channel(&t, mariadb, ret_whole));
        mysql_free_result(t.result);
        (void) json_object_set_new(o, "channels", channels);
        return true;
}

static bool read_gtids(MYSQL *mysql, json_t *o, const char *variable) {
        json_t *v;

        if (!read_variable(mysql, o, variable, variable, set_string))
                return false;
        v = json_object_get(o, variable);
        if (json_is_string(v) && json_string_length(v) <= REPLICATION_GTIDS_MAX)
                return true;
        (void) json_object_del(o, variable);
        return false;
}

/* In this order: what is applied in between is then in what is read later, and
 * never told without being there. */
static void read_transactions(MYSQL *mysql, json_t *o, bool mariadb) {
        static const char *const lists[] = { "gtid_slave_pos", "gtid_binlog_pos", "gtid_binlog_state", NULL };
        static const char *const sets[] = { "gtid_executed", "gtid_purged", NULL };
        json_t *mode = json_object();

        if (!mariadb) {
                (void) read_variable(mysql, mode, "gtid_mode", "gtid_mode", set_string);
                if (!streq(str_or(json_string_value(json_object_get(mode, "gtid_mode")), ""), "ON")) {
                        set_text(o, "gtid_problem", "gtid_mode is not ON, so some transactions may have no id");
                        json_decref(mode);
                        return;
                }
        }
        json_decref(mode);
        for (const char *const *v = mariadb ? lists : sets; *v; v++)
                if (!read_gtids(mysql, o, *v)) {
                        char text[128];

                        (void) snprintf(text, sizeof(text), "%s is not told, or longer than a report can carry", *v);
                        set_text(o, "gtid_problem", text);
                        return;
                }
}

static void read_replicas(MYSQL *mysql, json_t *o, bool mariadb) {
        MYSQL_RES *result = client_query(mysql, mariadb ? "SHOW GLOBAL STATUS LIKE 'Slaves_connected'"
                                                 : "SELECT 0, COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_COMMAND LIKE 'Binlog Dump%'");
        MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;

        if (row && row[1])
                set_number(o, "replicas", row[1]);
        if (result)
                mysql_free_result(result);
}

/* Reads alone: nothing here may take a transaction id. */
static void read_replication(MYSQL *mysql, json_t *to) {
        bool mariadb = strcasestr(mysql_get_server_info(mysql), "mariadb") != NULL;
        json_t *o = json_object();
        bool whole = true;

        if (!read_channels(mysql, o, mariadb, &whole)) {
                (void) json_object_set_new(o, "answers", json_false());
                set_text(o, "problem", mysql_error(mysql));
        } else {
                (void) json_object_set_new(o, "answers", json_true());
                set_string(o, "flavour", mariadb ? "mariadb" : "mysql");
                (void) read_variable(mysql, o, "version", "version", set_string);
                (void) read_variable(mysql, o, "server_id", "server_id", set_number);
                if (!mariadb) {
                        (void) read_variable(mysql, o, "server_uuid", "server_uuid", set_string);
                        (void) read_variable(mysql, o, "super_read_only", "super_read_only", set_bool);
                }
                (void) read_variable(mysql, o, "read_only", "read_only", set_bool);
                (void) read_variable(mysql, o, "log_bin", "binlog", set_bool);
                if (whole)
                        read_transactions(mysql, o, mariadb);
                else
                        set_text(o, "gtid_problem", "what it has received is longer than a report can carry");
                read_replicas(mysql, o, mariadb);
        }
        (void) json_object_set_new(to, "replication", o);
}

static int probe_socket(const Options *options, MYSQL *mysql) {
        json_t *o;

        if (!connect_server(options, mysql))
                return fail("%s", mysql_error(mysql));

        o = json_object();
        if (!o)
                return fail("out of memory");
        (void) json_object_set_new(o, "wsrep", json_false());
        (void) read_variable(mysql, o, "version", "version", set_string);
        if (read_variable(mysql, o, "wsrep_on", "wsrep", set_bool)) {
                /* We look, and wait for nobody: not for causality, nor for a
                 * Primary component where the tables can be read without. */
                drain(mysql, "SET SESSION wsrep_sync_wait = 0");
                drain(mysql, "SET SESSION wsrep_dirty_reads = ON");
                (void) read_variable(mysql, o, "wsrep_node_name", "node_name", set_string);
                (void) read_variable(mysql, o, "wsrep_desync", "desync", set_bool);
                (void) read_variable(mysql, o, "wsrep_provider_options", "provider_options", set_string);
                (void) read_variable(mysql, o, "wsrep_reject_queries", "reject_queries", set_string);
                (void) read_variable(mysql, o, "wsrep_sst_method", "sst_method", set_string);
                (void) read_variable(mysql, o, "read_only", "read_only", set_unless_off);
                if (read_status(mysql, o) < 0) {
                        json_decref(o);
                        return fail("%s", mysql_error(mysql));
                }
                read_view(mysql, o);
        }
        if (!json_is_true(json_object_get(o, "wsrep")))
                read_replication(mysql, o);

        int r = json_dumpf(o, stdout, JSON_COMPACT);
        json_decref(o);
        if (r < 0 || putchar('\n') == EOF || fflush(stdout) != 0)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}

/* Returns 0, or -EINVAL for what is no such command line. */
static int options_parse(int argc, char *argv[], Options *ret) {
        static const struct option table[] = {
                { "socket", required_argument, NULL, 's' },
                { "user", required_argument, NULL, 'u' },
                { "tcp", required_argument, NULL, 't' },
                { "timeout", required_argument, NULL, 'T' },
                {},
        };
        int64_t number;
        int c;

        *ret = (Options) { .user = "mainstay", .timeout_ms = TIMEOUT_MS };
        opterr = 0;
        while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0)
                switch (c) {
                case 's':
                        ret->socket = optarg;
                        break;
                case 'u':
                        ret->user = optarg;
                        break;
                case 't':
                        ret->host = optarg;
                        break;
                case 'T':
                        if (number_parse(optarg, strlen(optarg), 1, 60000, &number) < 0)
                                return -EINVAL;
                        ret->timeout_ms = (unsigned) number;
                        break;
                default:
                        return -EINVAL;
                }

        if (ret->host) {
                if (ret->socket || argc - optind != 1 || number_parse(argv[optind], strlen(argv[optind]), 1, UINT16_MAX, &number) < 0)
                        return -EINVAL;
                ret->port = (unsigned) number;
                return 0;
        }
        return ret->socket && argc == optind ? 0 : -EINVAL;
}

int main(int argc, char *argv[]) {
        Options options;
        MYSQL *mysql;
        int r;

        if (options_parse(argc, argv, &options) < 0)
                return fail("usage: mainstay-probe --socket PATH [--user NAME], or --tcp HOST PORT [--timeout MS]");
        mysql = mysql_init(NULL);
        if (!mysql)
                return fail("out of memory");
        r = options.host ? probe_tcp(&options, mysql) : probe_socket(&options, mysql);
        mysql_close(mysql);
        mysql_library_end();
        return r;
}
