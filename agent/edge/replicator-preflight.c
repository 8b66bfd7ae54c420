/* mainstay-replicator: asks a source whether it would let a replica begin at a
 * position, as that replica would ask, and without touching it.
 *
 * Only MariaDB's servers are asked, for MySQL's sets of GTIDs say it all; and
 * only by MariaDB's library, which knows how. */
#include "edge/replicator.h"
#include "base/number.h"

#include <sys/random.h>

static int not_asked(void) {
        return answer_json(json_pack("{s:b, s:i, s:b}", "ok", true, "errno", 0, "asked", false));
}

#ifdef MARIADB_PACKAGE_VERSION_ID
#include <mariadb_rpl.h>

#define CLIENT_ERROR_TLS 2026
#define IDS_MAX 8

/* What the source answered; 0: it would begin to send. */
static int asked(unsigned number, const char *text) {
        json_t *o = json_pack("{s:b, s:b, s:i}", "ok", true, "asked", true, "errno", (int) number);

        if (number != 0)
                (void) json_object_set_new(o, "error", answer_text(text));
        return answer_json(o);
}

static bool is_taken(MYSQL *mysql, uint32_t id) {
        MYSQL_RES *result = client_query(mysql, "SHOW SLAVE HOSTS");
        bool taken = false;
        MYSQL_ROW row;

        if (!result)
                return false; /* not allowed: see below */
        while ((row = mysql_fetch_row(result))) {
                int64_t number;

                taken = taken || (row[0] && number_parse(row[0], strlen(row[0]), 0, UINT32_MAX, &number) >= 0 && number == id);
        }
        mysql_free_result(result);
        return taken;
}

/* A source ends the older one of two that come with one id. People number their
 * servers from 1, or by addresses and ports; this is one of 2^30 beyond all of
 * those that are below 3 * 2^30. Where the source tells who is connected, it is
 * looked at, too. */
static int choose_id(MYSQL *mysql, uint32_t *ret) {
        for (unsigned i = 0; i < IDS_MAX; i++) {
                uint32_t id;

                if (getrandom(&id, sizeof(id), 0) != sizeof(id))
                        return -errno;
                id = UINT32_C(0xc0000000) | (id & UINT32_C(0x3fffffff));
                if (id == UINT32_MAX || is_taken(mysql, id))
                        continue;
                *ret = id;
                return 0;
        }
        return -EBUSY;
}

/* The answer is there with the first transaction, or with the end of the log:
 * by then the position was looked up, and its place in the log found. */
static bool source_sends(MARIADB_RPL *rpl) {
        MARIADB_RPL_EVENT *event;
        bool sent = false;

        if (mariadb_rpl_open(rpl) != 0)
                return false;
        while (!sent && (event = mariadb_rpl_fetch(rpl, NULL))) {
                sent = event->event_type == GTID_EVENT;
                mariadb_free_rpl_event(event);
        }
        return sent || (mysql_errno(rpl->mysql) == 0 && mariadb_rpl_errno(rpl) == 0);
}

static int ask_source(MYSQL *mysql, const char *statement) {
        MARIADB_RPL *rpl;
        uint32_t id = 0;
        int r;

        if (!strcasestr(mysql_get_server_info(mysql), "mariadb"))
                return answer_error(EPROTO, "the source is of version %s, which is not MariaDB's", mysql_get_server_info(mysql));
        r = choose_id(mysql, &id);
        if (r < 0)
                return answer_error((unsigned) -r, "no free server_id can be found: %s", strerror(-r));
        if (mysql_query(mysql, statement) != 0)
                return asked(mysql_errno(mysql), mysql_error(mysql));
        rpl = mariadb_rpl_init(mysql);
        if (!rpl)
                return answer_no_memory();
        (void) mariadb_rpl_optionsv(rpl, MARIADB_RPL_SERVER_ID, id);
        (void) mariadb_rpl_optionsv(rpl, MARIADB_RPL_START, 4UL);
        (void) mariadb_rpl_optionsv(rpl, MARIADB_RPL_FLAGS, (unsigned) MARIADB_RPL_BINLOG_DUMP_NON_BLOCK);
        if (source_sends(rpl))
                r = asked(0, NULL);
        else if (mysql_errno(mysql) != 0)
                r = asked(mysql_errno(mysql), mysql_error(mysql));
        else
                r = asked(mariadb_rpl_errno(rpl), mariadb_rpl_error(rpl));
        mariadb_rpl_close(rpl);
        return r;
}

int verb_preflight(Work *w) {
        ClientAddress to = {
                .host = w->arg[0],
                .port = (unsigned) strtoul(w->arg[1], NULL, 10),
                .user = w->credentials.user,
                .password = w->credentials.password,
                .tls = true,
                .timeout = w->timeout,
        };
        _cleanup_free_ char *statement = NULL;
        char error[256] = "";
        bool connected;
        MYSQL *mysql;
        int r;

        if (w->version.flavour != FLAVOUR_MARIADB)
                return not_asked();
        r = replication_sql_ask(w->arg[2], &statement, error);
        if (r < 0)
                return r == -ENOMEM ? answer_no_memory() : answer_error(EINVAL, "these are no GTIDs of mariadb: %s", error);
        if (!w->have_credentials)
                return answer_error(ENOKEY, "the source can be asked only by the account that replicates, and it is not known here. "
                                            "mainstayctl setup --replication-user NAME --replication-password-file FILE tells it");
        mysql = mysql_init(NULL);
        if (!mysql)
                return answer_no_memory();
        /* By TLS where the source has it, for it may insist. */
        connected = client_connect(mysql, &to);
        if (!connected && mysql_errno(mysql) == CLIENT_ERROR_TLS) {
                to.tls = false;
                connected = client_connect(mysql, &to);
        }
        r = connected ? ask_source(mysql, statement) : asked(mysql_errno(mysql), mysql_error(mysql));
        mysql_close(mysql);
        return r;
}
#else
int verb_preflight(Work *w) {
        (void) w;
        return not_asked();
}
#endif
