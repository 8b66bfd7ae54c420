/* What a dump (mariadb-dump, mysqldump) says of itself in comments, as it goes by.
 *
 * With --gtid and --master-data=2 MariaDB's writes `-- SET GLOBAL gtid_slave_pos='0-1-5';`
 * behind all data (10.11). A line like it may be in somebody's routine before, so the last
 * one counts; in data there is none, for a line break is written as \n there. Both end
 * with `-- Dump completed`. */
#pragma once

#include "domain/gtid.h"

typedef struct DumpScan {
        char line[GTID_TEXT_MAX + 64]; /* as long as it may yet be one of those */
        size_t n;
        bool skip; /* the rest of the line */
        char *position; /* the last that was said, NULL for none; free it */
        bool whole;     /* the last line says so */
} DumpScan;

/* All zeros begins. The next `size` bytes of it, however they are cut. */
void dump_scan(DumpScan *d, const char *data, size_t size);
