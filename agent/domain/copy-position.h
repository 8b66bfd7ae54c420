/* Where a copy of MariaDB's data stands: out of what the program that made it has left
 * in it, and what the source said before. Pure. */
#pragma once

#include "domain/gtid.h"

/* xtrabackup_binlog_info, "bin.000003\t2584\t0-1-22": the last word, where there are
 * three; else the empty list. -EBADMSG with the reason in `error`. */
int copy_binlog_position(const char *text, GtidList *ret, char error[static 256]);

/* xtrabackup_slave_info, "SET GLOBAL gtid_slave_pos = '0-1-23'; CHANGE MASTER TO ...", of
 * a replica; else the empty list. */
int copy_slave_position(const char *text, GtidList *ret, char error[static 256]);

/* Where the copy stands, and the history of the binary log that leads there: what the
 * source's binary log had (`before`, its gtid_binlog_state) before the copy was begun, and
 * then that, by its binary log and as a replica. `slave` NULL: the position of the binary
 * log is exact, and all that there is. Free both. -ENODATA where it stands nowhere. */
int copy_gtids(const char *before, const GtidList *binlog, const GtidList *slave, char **ret_position, char **ret_history, char error[static 256]);
