/* A connection to the server; see client.h. */
#include "edge/client.h"

bool client_connect(MYSQL *mysql, const ClientAddress *to) {
        unsigned seconds = (unsigned) ((to->timeout + USEC_PER_SEC - 1) / USEC_PER_SEC);
        unsigned read_seconds = to->read_timeout > 0 ? (unsigned) ((to->read_timeout + USEC_PER_SEC - 1) / USEC_PER_SEC) : seconds;
        unsigned protocol = to->host ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;

        if (!to->user)
                (void) mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client");
        (void) mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
        (void) mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &read_seconds);
        (void) mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
        (void) mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
        (void) mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        /* No secret passes; and newer libraries would rather hide what the server says than hear it without TLS. */
#ifdef MARIADB_PACKAGE_VERSION_ID
        my_bool tls = to->tls, verify = 0;
        (void) mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &tls);
        (void) mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
        if (to->password)
                (void) mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password,client_ed25519,parsec");
#else
        unsigned tls = to->tls ? SSL_MODE_REQUIRED : SSL_MODE_DISABLED;
        (void) mysql_options(mysql, MYSQL_OPT_SSL_MODE, &tls);
#endif
        return mysql_real_connect(mysql, to->host, to->user, to->password, NULL, to->port, to->socket, 0) != NULL;
}

MYSQL_RES *client_query(MYSQL *mysql, const char *statement) {
        return mysql_query(mysql, statement) == 0 ? mysql_store_result(mysql) : NULL;
}

bool client_table(MYSQL *mysql, const char *statement, ClientTable *ret) {
        MYSQL_RES *result = client_query(mysql, statement);

        if (!result)
                return false;
        *ret = (ClientTable) { .result = result, .field = mysql_fetch_fields(result), .n = mysql_num_fields(result) };
        return true;
}

const char *client_column(const ClientTable *t, const char *name, const char *older) {
        for (unsigned i = 0; i < t->n; i++)
                if (streq(t->field[i].name, name) || (older && streq(t->field[i].name, older)))
                        return t->row[i];
        return NULL;
}

char *client_value(MYSQL *mysql, const char *statement) {
        MYSQL_RES *result = client_query(mysql, statement);
        MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
        char *value = row && row[0] ? strdup(row[0]) : NULL;

        if (result)
                mysql_free_result(result);
        return value;
}

char *client_variable(MYSQL *mysql, const char *variable) {
        _cleanup_free_ char *statement = NULL;

        if (asprintf(&statement, "SELECT @@GLOBAL.%s", variable) < 0) {
                statement = NULL;
                return NULL;
        }
        return client_value(mysql, statement);
}
