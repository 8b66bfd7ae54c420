/* A connection to the server; see client.h. */
#include "edge/client.h"

bool client_connect(MYSQL *mysql, const ClientAddress *to) {
        unsigned seconds = (unsigned) ((to->timeout + USEC_PER_SEC - 1) / USEC_PER_SEC);
        unsigned protocol = to->host ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;

        if (!to->user)
                (void) mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client");
        (void) mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
        (void) mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
        (void) mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
        (void) mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
        (void) mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        /* No secret passes; and newer libraries would rather hide what the server says than hear it without TLS. */
#ifdef MARIADB_PACKAGE_VERSION_ID
        my_bool tls = 0;
        (void) mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &tls);
        (void) mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &tls);
#else
        unsigned tls = SSL_MODE_DISABLED;
        (void) mysql_options(mysql, MYSQL_OPT_SSL_MODE, &tls);
#endif
        return mysql_real_connect(mysql, to->host, to->user, NULL, NULL, to->port, to->socket, 0) != NULL;
}

MYSQL_RES *client_query(MYSQL *mysql, const char *statement) {
        return mysql_query(mysql, statement) == 0 ? mysql_store_result(mysql) : NULL;
}
