/* mainstay-primary: tells a server without quorum to be Primary (rule 8).
 *
 * It runs as root, from mainstay-primary.service, for the server takes such a
 * word from its administrator alone. The agent has agreed on it with the others
 * and starts this; but what the server is doing is seen best from here. So it
 * looks, asks the agent for the permission, which is good for one time and for
 * one position, looks once more in the same connection, and says it. It is said
 * to the server that was looked at, or, should that have ended, to none.
 *
 * Measured with MariaDB 10.11: while a backup or FLUSH TABLES WITH READ LOCK
 * keeps it from applying, wsrep_cluster_status says Primary still; and it says
 * Primary again within 0.2 s of pc.bootstrap, one seqno on.
 */
#include "base/number.h"
#include "domain/position.h"
#include "edge/client.h"
#include "sys/orders.h"

#include <poll.h>
#include <systemd/sd-bus.h>

#define SERVER_PATIENCE (10 * USEC_PER_SEC)
#define AGENT_PATIENCE (30 * USEC_PER_SEC)
#define PRIMARY_TRIES 100
#define PRIMARY_PAUSE_MS 100

typedef struct Look {
        bool primary;
        bool idle; /* nothing is left to apply */
        Position position;
} Look;

_printf_(1, 2) static int fail(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vfprintf(stderr, format, ap);
        va_end(ap);
        (void) fputc('\n', stderr);
        return EXIT_FAILURE;
}

static int look(MYSQL *mysql, Look *ret) {
        MYSQL_RES *result = client_query(mysql, "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_status', 'wsrep_local_state_uuid', "
                                                "'wsrep_last_committed', 'wsrep_local_recv_queue', 'wsrep_desync_count')");
        bool status = false, uuid = false, committed = false, queue = false, desync = false;
        Look l = { .idle = true };
        int64_t number;
        MYSQL_ROW row;

        if (!result)
                return -EIO;
        while ((row = mysql_fetch_row(result))) {
                if (!row[0] || !row[1])
                        continue;
                if (streq(row[0], "wsrep_cluster_status")) {
                        l.primary = streq(row[1], "Primary");
                        status = true;
                } else if (streq(row[0], "wsrep_local_state_uuid"))
                        uuid = uuid_parse(row[1], strlen(row[1]), &l.position.uuid) >= 0;
                else if (number_parse(row[1], strlen(row[1]), 0, INT64_MAX, &number) < 0)
                        continue;
                else if (streq(row[0], "wsrep_last_committed")) {
                        l.position.seqno = number;
                        committed = true;
                } else {
                        l.idle = l.idle && number == 0;
                        queue = queue || streq(row[0], "wsrep_local_recv_queue");
                        desync = desync || streq(row[0], "wsrep_desync_count");
                }
        }
        mysql_free_result(result);
        if (!status || !uuid || !committed || !queue || !desync)
                return -ENODATA;
        *ret = l;
        return 0;
}

/* Is it as it must be? */
static bool is_fit(MYSQL *mysql, const Position *at) {
        char seen[POSITION_TEXT_MAX];
        Look l;
        int r;

        r = look(mysql, &l);
        if (r < 0)
                (void) fail("The server does not say how it is: %s", r == -EIO ? mysql_error(mysql) : "its status is not that of a Galera node");
        else if (l.primary)
                (void) fail("The server is in a Primary component: nothing is done.");
        else if (!l.idle)
                (void) fail("The server has yet to apply what it received: nothing is done.");
        else if (at && !position_equal(at, &l.position))
                (void) fail("The server is at %s, and that is not what was agreed upon: nothing is done.", position_text(&l.position, seen));
        else
                return true;
        return false;
}

static int ask(Position *ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *text, *at;
        int r, permitted;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, "org.mainstay1", "/org/mainstay1", "org.mainstay1.Gate", "Permit");
        if (r >= 0)
                r = sd_bus_call(bus, m, AGENT_PATIENCE, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "bss", &permitted, &text, &at);
        if (r < 0) {
                (void) fail("The agent does not answer (%s): nothing is done.", str_or(error.message, strerror(-r)));
                return r;
        }
        if (!permitted) {
                (void) fail("The agent does not permit it: %s. Nothing is done.", text);
                return -EPERM;
        }
        r = position_parse(at, strlen(at), ret);
        if (r < 0)
                (void) fail("The agent permits it at \"%s\", which is no position: nothing is done.", at);
        return r;
}

static int run(MYSQL *mysql, const char *socket) {
        const ClientAddress to = { .socket = socket, .timeout = SERVER_PATIENCE };
        char text[POSITION_TEXT_MAX];
        Position at;
        Look l;

        if (!client_connect(mysql, &to))
                return fail("The server does not let root in (%s): nothing is done. It must, through the socket %s, by unix_socket or by ~/.my.cnf.", mysql_error(mysql), socket);
        if (!is_fit(mysql, NULL) || ask(&at) < 0 || !is_fit(mysql, &at))
                return EXIT_FAILURE;
        if (mysql_query(mysql, "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'") != 0)
                return fail("The server does not take pc.bootstrap: %s", mysql_error(mysql));
        for (unsigned i = 0; i < PRIMARY_TRIES; i++) {
                if (look(mysql, &l) >= 0 && l.primary) {
                        (void) fprintf(stderr, "The server is Primary, from %s.\n", position_text(&at, text));
                        return EXIT_SUCCESS;
                }
                (void) poll(NULL, 0, PRIMARY_PAUSE_MS);
        }
        return fail("The server took pc.bootstrap, and is not Primary after %d s.", PRIMARY_TRIES * PRIMARY_PAUSE_MS / 1000);
}

int main(void) {
        MYSQL *mysql;
        int r;

        r = orders_load(orders_runtime(), "server.env");
        if (r < 0 || !getenv("MAINSTAY_SOCKET"))
                return fail("Where the server listens is not known (%s): nothing is done.", r < 0 ? strerror(-r) : "its agent does not run");
        mysql = mysql_init(NULL);
        if (!mysql)
                return fail("out of memory");
        r = run(mysql, getenv("MAINSTAY_SOCKET"));
        mysql_close(mysql);
        mysql_library_end();
        return r;
}
