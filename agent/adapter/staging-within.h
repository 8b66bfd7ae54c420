/* The exchange of a copy and the own data where the datadir is a file system of its own.
 * Nothing can have a name beside it there, so both lie within it, as .mainstay-new and
 * .mainstay-old, and they change places entry by entry.
 *
 * How far that has come, whatever has cut it off, two files tell: the note of the copy,
 * which moves into place as the last of it and out of it as the first; and one in
 * .mainstay-old, which is there as long as all of the own data are. Where no note is
 * beside the data, nothing is under way, whatever else lies there: a person may have
 * moved or deleted what was kept.
 *
 * Measured: MySQL 9.7 does not look into such a directory, neither when it starts nor
 * after a crash nor when it is cloned. MariaDB takes it for a database, of which a dump
 * of all databases fails, unless ignore_db_dirs says otherwise; mariadb-backup leaves it
 * out. */
#pragma once

#include "adapter/datadir.h"

#define WITHIN_WHOLE_NAME "MAINSTAY-WHOLE.txt"

typedef enum Within {
        WITHIN_OWN,      /* the own data are in place, whole */
        WITHIN_LEAVING,  /* a part of them is in .mainstay-old */
        WITHIN_ENTERING, /* they are all there, and of the copy a part is in place */
        WITHIN_COPY,     /* the copy is in place, whole */
} Within;

/* Is the datadir, open as `fd`, to be dealt with in this way? It is also where that has
 * been begun, and another file system is mounted by now. */
bool within_is(int parentfd, int fd);

/* `fd` is the datadir. Between the two wholes no server may start on it. */
Within within_state(int fd);
bool within_is_between(Within state);

/* Are all of the own data set aside there? */
bool within_keeps(int fd);

/* Both go on from wherever it was cut off. 1, or negative with `text`. No server may run
 * on the datadir, and the copy must be whole. */
int within_swap(int fd, char text[static DATADIR_TEXT_MAX]);
int within_back(int fd, char text[static DATADIR_TEXT_MAX]);
