/* mainstay-replicator: points the server's usual channel at a source, by GTID.
 *
 * It changes nothing where all is so already: a change throws the relay log away,
 * which may hold what the source keeps no more. */
#include "edge/replicator.h"

/* Errors by which a source says that it does not know the account, or not by this
 * password. They stay in the status when the threads are stopped. */
static bool is_about_account(int64_t error) {
        static const unsigned errors[] = {
                1045, 1698,       /* access denied */
                1130, 1862, 4151, /* not from this host, expired, locked */
                2059, 2061,       /* a way to log in that needs another password, or its key */
        };

        for (size_t i = 0; i < ELEMENTS(errors); i++)
                if (error == errors[i])
                        return true;
        return false;
}

static int read_list(const Work *w, const char *statement, GtidList *ret) {
        MYSQL_RES *result = client_query(w->mysql, statement);
        MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
        char error[256];
        int r;

        if (!row) {
                if (result)
                        mysql_free_result(result);
                return answer_of_server(w);
        }
        r = gtid_list_parse(str_or(row[0], ""), strlen(str_or(row[0], "")), GTID_POSITION, ret, error);
        mysql_free_result(result);
        return r < 0 ? answer_error(EPROTO, "its position cannot be read: %s", error) : 0;
}

/* MariaDB, of one that was the primary: to go on after what it wrote itself.
 *
 * Not left to MASTER_DEMOTE_TO_SLAVE (from 10.10), which counts only what was
 * written under the server_id of now (measured): one that has got another since
 * would begin from nothing. Before the source is changed, so that there is no
 * moment at which it would start from the old place. */
static int demote(const Work *w, bool *ret_changed) {
        _cleanup_(replication_freep) Replication *r = NULL;
        _cleanup_gtid_list_ GtidList position = {0};
        _cleanup_free_ char *statement = NULL;
        int k;

        if (replication_new(&r) < 0)
                return answer_no_memory();
        k = read_list(w, "SELECT @@GLOBAL.gtid_slave_pos", &r->slave_pos);
        if (k == 0)
                k = read_list(w, "SELECT @@GLOBAL.gtid_binlog_pos", &r->binlog_pos);
        if (k != 0)
                return k;
        if (replication_position(r, &position) < 0)
                return answer_no_memory();
        *ret_changed = !gtid_list_contains_all(&r->slave_pos, &position);
        if (!*ret_changed)
                return 0;
        if (replication_sql_position(&position, &statement) < 0)
                return answer_no_memory();
        return work_say(w, statement) ? 0 : answer_of_server(w);
}

static int change_source(const Work *w, const char *host, unsigned port, const ReplicationRetry *retry) {
        char *user = w->have_credentials ? work_escape(w, w->credentials.user) : NULL;
        char *password = w->have_credentials ? work_escape(w, w->credentials.password) : NULL, *statement = NULL;
        int r;

        r = w->have_credentials && (!user || !password) ? -ENOMEM : replication_sql_follow(w->version.flavour, host, port, user, password, retry, &statement);
        if (r < 0)
                r = answer_error((unsigned) -r, "%s", strerror(-r));
        else if (work_say(w, statement))
                r = 0;
        /* Servers quote what they do not like (MariaDB 10.11: a password that is too long). */
        else if (password && (credentials_told(mysql_error(w->mysql), w->credentials.password) || credentials_told(mysql_error(w->mysql), password)))
                r = answer_error(mysql_errno(w->mysql), "the server refuses the new source; its words are not repeated, for they quote the password");
        else
                r = answer_of_server(w);
        credentials_forget(user);
        credentials_forget(password);
        credentials_forget(statement);
        return r;
}

static int usual_channel(const Channels *all, const Channel **ret_channel, const char **ret_user, const ReplicationRetry **ret_retry) {
        for (size_t i = 0; i < all->n; i++)
                if (all->channel[i].is.name[0] == '\0') {
                        *ret_channel = &all->channel[i].is;
                        *ret_user = all->channel[i].user;
                        *ret_retry = &all->channel[i].retry;
                        return 0;
                }
        return -ENOENT;
}

static bool follows(const Channel *c, const char *host, unsigned port) {
        return streq(c->host, host) && c->port == port && c->by_gtid;
}

int verb_follow(Work *w) {
        const char *host = w->arg[0], *user = "";
        unsigned port = (unsigned) strtoul(w->arg[1], NULL, 10);
        const ReplicationRetry *retry = NULL;
        const Channel *usual = NULL;
        bool moved = false, change;
        Channels now;
        Fence fence;
        int r;

        r = work_look(w, &now);
        if (r == 0)
                r = work_look_fence(w, &fence);
        if (r != 0)
                return r;
        if (channels_active(&now))
                return answer_error(EBUSY, "its replication is not stopped: nothing was changed");
        if (fence != FENCE_ON)
                return answer_error(EPERM, "read_only is not on, so it could be written to beside what it replicates: nothing was changed");
        (void) usual_channel(&now, &usual, &user, &retry);
        if (!w->have_credentials && user[0] == '\0')
                return answer_error(ENOKEY, "it has no account to replicate by, and none is known here: nothing was changed. "
                                            "mainstayctl setup --replication-user NAME --replication-password-file FILE tells it");

        change = !usual || !follows(usual, host, port) ||
                 (w->have_credentials && (!streq(user, w->credentials.user) || is_about_account(usual->receiver.error)));
        if (w->arg[2] && w->version.flavour == FLAVOUR_MARIADB)
                r = demote(w, &moved);
        if (r == 0 && change)
                r = change_source(w, host, port, retry);
        if (r == 0 && change)
                r = work_look(w, &now);
        if (r != 0)
                return r;
        if (change && (usual_channel(&now, &usual, &user, &retry) < 0 || !follows(usual, host, port)))
                return answer_error(EIO, "it was told to follow %s:%u by GTID, and does not say that it does", host, port);
        return answer_json(json_pack("{s:b, s:b}", "ok", true, "changed", change || moved));
}
