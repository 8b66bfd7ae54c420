/* Positions of copies; see copy-position.h. */
#include "domain/copy-position.h"

int copy_binlog_position(const char *text, GtidList *ret, char error[static 256]) {
        const char *at = strchr(text, '\t');

        *ret = (GtidList) {0};
        at = at ? strchr(at + 1, '\t') : NULL;
        return at ? gtid_list_parse(at + 1, strcspn(at + 1, "\n"), GTID_POSITION, ret, error) : 0;
}

int copy_slave_position(const char *text, GtidList *ret, char error[static 256]) {
        const char *at = strstr(text, "gtid_slave_pos"), *end;

        *ret = (GtidList) {0};
        at = at ? strchr(at, '\'') : NULL;
        end = at ? strchr(at + 1, '\'') : NULL;
        return end ? gtid_list_parse(at + 1, (size_t) (end - at - 1), GTID_POSITION, ret, error) : 0;
}

/* The newest of each domain. */
static int newest(const GtidList *all, GtidList *ret) {
        Gtid *gtid = calloc(all->n + 1, sizeof(*gtid));
        size_t n = 0;

        if (!gtid)
                return -ENOMEM;
        for (size_t i = 0; i < all->n; i++)
                if (i == 0 || all->gtid[i].domain != all->gtid[i - 1].domain)
                        gtid[n++] = *gtid_list_highest(all, all->gtid[i].domain);
        *ret = (GtidList) { .n = n, .gtid = gtid };
        return 0;
}

/* What in a history is not beyond a position. */
static int up_to(const GtidList *history, const GtidList *at, GtidList *ret) {
        Gtid *gtid = calloc(history->n + 1, sizeof(*gtid));
        size_t n = 0;

        if (!gtid)
                return -ENOMEM;
        for (size_t i = 0; i < history->n; i++) {
                const Gtid *end = gtid_list_highest(at, history->gtid[i].domain);

                if (end && history->gtid[i].seq <= end->seq)
                        gtid[n++] = history->gtid[i];
        }
        *ret = (GtidList) { .n = n, .gtid = gtid };
        return 0;
}

int copy_gtids(const char *before, const GtidList *binlog, const GtidList *slave, char **ret_position, char **ret_history, char error[static 256]) {
        _cleanup_gtid_list_ GtidList had = {0}, last = {0}, written = {0}, both = {0}, at = {0}, past = {0}, state = {0};
        static const GtidList none = {0};
        _cleanup_free_ char *position = NULL;
        int r;

        error[0] = '\0';
        r = gtid_list_parse(before, strlen(before), GTID_STATE, &had, error);
        /* A backup tells what MariaDB calls its current position, which leaves out what a
         * server wrote before it was given another server_id. Of one that replicates from
         * nobody, all that it wrote before the copy began is in it. */
        if (r >= 0 && slave && slave->n == 0)
                r = newest(&had, &last);
        if (r >= 0)
                r = gtid_list_union(binlog, &last, &written);
        if (r >= 0)
                r = gtid_list_union(&written, slave ? slave : &none, &both);
        if (r >= 0)
                r = newest(&both, &at);
        /* In its binary log, but in no snapshot yet, may be a transaction more. */
        if (r >= 0)
                r = slave ? gtid_list_copy(&had, &past) : up_to(&had, &at, &past);
        if (r >= 0)
                r = gtid_list_union(&past, &at, &state);
        if (r >= 0 && at.n == 0)
                r = -ENODATA;
        if (r >= 0)
                r = gtid_list_format(&at, &position);
        if (r >= 0)
                r = gtid_list_format(&state, ret_history);
        if (r < 0)
                return r;
        *ret_position = TAKE(position);
        return 0;
}
