/* What is said to a server that replicates; see replication-sql.h. */
#include "domain/replication-sql.h"
#include "base/number.h"

static int take_number(const char **at, unsigned *ret) {
        size_t n = strspn(*at, "0123456789");
        int64_t number;

        if (n == 0 || number_parse(*at, n, 0, 99, &number) < 0)
                return -EBADMSG;
        *at += n;
        *ret = (unsigned) number;
        return 0;
}

int server_version_parse(const char *text, ServerVersion *ret) {
        bool mariadb = strcasestr(text, "mariadb") != NULL;
        unsigned part[3];

        /* So that replicas of old let it be their source. */
        if (mariadb && strncmp(text, "5.5.5-", 6) == 0)
                text += 6;
        for (size_t i = 0; i < 3; i++) {
                if (i > 0 && *text++ != '.')
                        return -EBADMSG;
                if (take_number(&text, &part[i]) < 0)
                        return -EBADMSG;
        }
        *ret = (ServerVersion) {
                .flavour = mariadb ? FLAVOUR_MARIADB : FLAVOUR_MYSQL,
                .number = part[0] * 10000 + part[1] * 100 + part[2],
        };
        return 0;
}

/* MariaDB 10.11: Threads_connected are the clients' and those that send the binary
 * log, which are Slaves_connected; and everybody sees their own in the process
 * list. To see all others there would take a privilege more. MySQL 9.7: the account
 * may read this one table, where the threads of replication go by the name of
 * whoever started them, but came by no connection; those of the X protocol are
 * told by their name. */
static const char *const statements[_REPLICATION_SQL_MAX][_FLAVOUR_MAX] = {
        [REPLICATION_SQL_STATUS] = { [FLAVOUR_MARIADB] = "SHOW ALL SLAVES STATUS", [FLAVOUR_MYSQL] = "SHOW REPLICA STATUS" },
        [REPLICATION_SQL_STOP] = { [FLAVOUR_MARIADB] = "STOP ALL SLAVES", [FLAVOUR_MYSQL] = "STOP REPLICA" },
        [REPLICATION_SQL_START] = { [FLAVOUR_MARIADB] = "START ALL SLAVES", [FLAVOUR_MYSQL] = "START REPLICA" },
        [REPLICATION_SQL_READ_ONLY] = { [FLAVOUR_MARIADB] = "SELECT @@GLOBAL.read_only, @@GLOBAL.read_only",
                                        [FLAVOUR_MYSQL] = "SELECT @@GLOBAL.read_only, @@GLOBAL.super_read_only" },
        [REPLICATION_SQL_FENCE] = { [FLAVOUR_MARIADB] = "SET GLOBAL read_only = ON", [FLAVOUR_MYSQL] = "SET GLOBAL super_read_only = ON" },
        /* Of MySQL it ends the other, too. */
        [REPLICATION_SQL_UNFENCE] = { [FLAVOUR_MARIADB] = "SET GLOBAL read_only = OFF", [FLAVOUR_MYSQL] = "SET GLOBAL read_only = OFF" },
        [REPLICATION_SQL_CLIENTS] = {
                [FLAVOUR_MARIADB] =
                        "SELECT (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'THREADS_CONNECTED')"
                        " - (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'SLAVES_CONNECTED')"
                        " - (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = SUBSTRING_INDEX(USER(), '@', 1))",
                [FLAVOUR_MYSQL] =
                        "SELECT IF(@@GLOBAL.performance_schema, (SELECT COUNT(*) FROM performance_schema.threads"
                        " WHERE (CONNECTION_TYPE IS NOT NULL OR NAME LIKE 'thread/mysqlx/%') AND PROCESSLIST_USER <> SUBSTRING_INDEX(USER(), '@', 1)"
                        " AND PROCESSLIST_COMMAND NOT LIKE 'Binlog Dump%'), NULL)",
        },
        [REPLICATION_SQL_CLONES] = {
                [FLAVOUR_MARIADB] = "SELECT 0",
                [FLAVOUR_MYSQL] = "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'clone' AND PLUGIN_STATUS = 'ACTIVE'",
        },
};

const char *replication_sql(ReplicationSql which, Flavour flavour) {
        return statements[which][flavour];
}

/* Nothing in it needs to be escaped. */
bool replication_host_valid(const char *host) {
        static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:%_-";
        size_t n = strlen(host);

        return n > 0 && n < 256 && host[0] != '-' && strspn(host, characters) == n;
}

/* By their vendors servers wait a minute: a source that is away for a second would cost
 * that. MySQL gives up after ten times (in older releases 86400), which would be a minute.
 * Not 0, which it takes for ever: but it ends then where two connections in a row are lost
 * before anything has come. MariaDB gives up after 100000 times, by an option of the whole
 * server that no statement changes: in six days. Then it has failed, and is recovered. */
#define RETRY_SECONDS 5
#define RETRY_SECONDS_VENDOR 60
#define RETRY_COUNT UINT32_MAX

static void retry_text(Flavour flavour, const ReplicationRetry *now, char ret[static 96]) {
        bool seconds = !now || now->seconds < 0 || now->seconds == RETRY_SECONDS_VENDOR;
        bool count = flavour == FLAVOUR_MYSQL && (!now || now->count < 0 || now->count == 10 || now->count == 86400);
        int n = 0;

        ret[0] = 0;
        if (seconds)
                n = snprintf(ret, 96, ", %s_CONNECT_RETRY = %d", flavour == FLAVOUR_MARIADB ? "MASTER" : "SOURCE", RETRY_SECONDS);
        if (count)
                (void) snprintf(ret + n, 96 - (size_t) n, ", SOURCE_RETRY_COUNT = %u", RETRY_COUNT);
}

int replication_sql_follow(Flavour flavour, const char *host, unsigned port, const char *user, const char *password, const ReplicationRetry *retry, char **ret) {
        bool mariadb = flavour == FLAVOUR_MARIADB;
        const char *is = mariadb ? "MASTER" : "SOURCE";
        _cleanup_free_ char *account = NULL;
        char *text, again[96];

        if (!replication_host_valid(host) || port < 1 || port > UINT16_MAX || !user != !password)
                return -EINVAL;
        if (user && asprintf(&account, ", %s_USER = '%s', %s_PASSWORD = '%s'", is, user, is, password) < 0) {
                account = NULL;
                return -ENOMEM;
        }
        retry_text(flavour, retry, again);
        if (asprintf(&text, "CHANGE %s TO %s_HOST = '%s', %s_PORT = %u%s%s, %s", mariadb ? "MASTER" : "REPLICATION SOURCE", is, host, is, port, str_or(account, ""), again,
                     mariadb ? "MASTER_USE_GTID = slave_pos" : "SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1") < 0)
                text = NULL;
        if (account)
                explicit_bzero(account, strlen(account));
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int replication_sql_forget(Flavour flavour, const char *name, char **ret) {
        char *text;

        if (flavour == FLAVOUR_MYSQL)
                text = strdup("RESET REPLICA ALL");
        else if (asprintf(&text, "RESET SLAVE '%s' ALL", name) < 0)
                text = NULL;
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

/* As a server writes them: of digits, hyphens, commas and their like alone. */
static int gtids_plain(Flavour flavour, const char *gtids, char **ret, char error[static 256]) {
        _cleanup_gtid_list_ GtidList list = {0};
        _cleanup_gtid_set_ GtidSet set = {0};
        int r;

        if (flavour == FLAVOUR_MARIADB) {
                r = gtid_list_parse(gtids, strlen(gtids), GTID_POSITION, &list, error);
                return r < 0 ? r == -E2BIG ? -EBADMSG : r : gtid_list_format(&list, ret);
        }
        r = gtid_set_parse(gtids, strlen(gtids), &set, error);
        return r < 0 ? r == -E2BIG ? -EBADMSG : r : gtid_set_format(&set, ret);
}

int replication_sql_wait(Flavour flavour, const char *gtids, unsigned seconds, char **ret, char error[static 256]) {
        _cleanup_free_ char *plain = NULL;
        char *text;
        int r;

        r = gtids_plain(flavour, gtids, &plain, error);
        if (r < 0)
                return r;
        if (flavour == FLAVOUR_MARIADB)
                r = asprintf(&text, "SELECT MASTER_GTID_WAIT('%s', %u)", plain, seconds);
        else if (seconds == 0) /* which would be for ever */
                r = asprintf(&text, "SELECT NOT GTID_SUBSET('%s', @@GLOBAL.gtid_executed)", plain);
        else
                r = asprintf(&text, "SELECT WAIT_FOR_EXECUTED_GTID_SET('%s', %u)", plain, seconds);
        if (r < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int replication_sql_position(const GtidList *list, char **ret) {
        _cleanup_free_ char *plain = NULL;
        char *text;
        int r;

        r = gtid_list_format(list, &plain);
        if (r < 0)
                return r;
        if (asprintf(&text, "SET GLOBAL gtid_slave_pos = '%s'", plain) < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int replication_sql_ask(const char *gtids, char **ret, char error[static 256]) {
        _cleanup_free_ char *plain = NULL;
        char *text;
        int r;

        r = gtids_plain(FLAVOUR_MARIADB, gtids, &plain, error);
        if (r < 0)
                return r;
        if (asprintf(&text,
                     "SET @mariadb_slave_capability = 4, @master_binlog_checksum = 'CRC32', @slave_connect_state = '%s',"
                     " @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0", plain) < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}
