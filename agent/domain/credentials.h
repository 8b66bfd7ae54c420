/* The account by which a server replicates: who, and by which password. It is
 * kept in an option file, as the servers' own clients read it:
 *
 *   [client]
 *   user = replicator
 *   password = "secret"
 *
 * What is said of a file that is wrong never repeats what stands in it. */
#pragma once

#include "base/macro.h"

/* No server takes longer ones. */
#define CREDENTIALS_USER_MAX 80
#define CREDENTIALS_PASSWORD_MAX 96

typedef struct Credentials {
        char *user, *password;
} Credentials;

/* `text` is `n` bytes. Other sections and keys are left to others. -EBADMSG with
 * a sentence in `error`, -ENOMEM. */
int credentials_parse(const char *text, size_t n, Credentials *ret, char error[static 256]);

/* The text of such a file. -EINVAL for what cannot be said in one, with the
 * reason in `error`; -ENOMEM. Free `*ret` by credentials_forget(). */
int credentials_format(const char *user, const char *password, char **ret, char error[static 256]);

/* Frees a text, and leaves nothing of it in memory. NULL is fine; returns NULL. */
char *credentials_forget(char *text);
void credentials_done(Credentials *c);

#define _cleanup_credentials_ _cleanup_(credentials_done)

/* Does a text tell of a secret: all of it, or four characters in a row? Servers
 * quote the statement that they do not like, cut where they please. */
bool credentials_told(const char *text, const char *secret);
