/* The agent's account in the database of a server that replicates: the least
 * that the probe and mainstay-replicator need, measured on MariaDB 10.11 and
 * MySQL 9.7. Pure texts; `mainstayctl setup` grants them, and looks for them. */
#pragma once

#include "domain/replication.h"

/* What makes the account `name` of the system's user `user`, or gives it what it
 * lacks: one statement a line. Both are plain: nothing in them is to be escaped.
 * Free `*ret`; -ENOMEM. */
int account_statements(Flavour flavour, const char *name, const char *user, char **ret);

/* What the answer to SHOW GRANTS leaves out of it, as a list for people; "" for
 * nothing. Free `*ret`; -ENOMEM. */
int account_lacks(Flavour flavour, const char *grants, char **ret);

/* What a primary is told so that others may replicate, and clone (MySQL), by the account `name`,
 * which is plain, too. Its password is for a person to fill in. */
int account_replication_statements(Flavour flavour, const char *name, char **ret);

/* What makes an account for the system's user `user`, the server's own, with the least
 * that its backup and its dump need. It has the same name: MariaDB 10.11 lets nobody
 * in by unix_socket under another one (measured), and often it is there already. */
int account_backup_statements(Flavour flavour, const char *user, char **ret);
