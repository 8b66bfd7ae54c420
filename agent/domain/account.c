/* The agent's account in the database; see account.h. */
#include "domain/account.h"

#define PRIVILEGES_MAX 8
#define TABLE "performance_schema.threads"

/* The binary log and the replicas' state are told to the first two (MySQL: the
 * first); the others start, stop and change replication, set the history of a
 * copy's binary log and read_only, are asked for by RESET, which forgets a source, and
 * have MySQL clone another server. None of them reads anybody's data. */
static const char *const privileges[_FLAVOUR_MAX][PRIVILEGES_MAX] = {
        [FLAVOUR_MARIADB] = { "BINLOG MONITOR", "SLAVE MONITOR", "REPLICATION SLAVE ADMIN", "REPLICATION MASTER ADMIN", "READ_ONLY ADMIN", "RELOAD" },
        [FLAVOUR_MYSQL] = { "REPLICATION CLIENT", "REPLICATION_SLAVE_ADMIN", "SYSTEM_VARIABLES_ADMIN", "RELOAD", "CLONE_ADMIN", "BACKUP_ADMIN" },
};

int account_statements(Flavour flavour, const char *name, const char *user, char **ret) {
        bool mysql = flavour == FLAVOUR_MYSQL;
        _cleanup_fclose_ FILE *f = NULL;
        char *text = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        fprintf(f, "CREATE USER IF NOT EXISTS '%s'@'localhost' IDENTIFIED %s", name, mysql ? "WITH auth_socket" : "VIA unix_socket");
        if (!streq(name, user))
                fprintf(f, " AS '%s'", user);
        fputs(";\nGRANT ", f);
        for (size_t i = 0; i < PRIVILEGES_MAX && privileges[flavour][i]; i++)
                fprintf(f, "%s%s", i > 0 ? ", " : "", privileges[flavour][i]);
        fprintf(f, " ON *.* TO '%s'@'localhost';", name);
        if (mysql)
                fprintf(f, "\nGRANT SELECT ON " TABLE " TO '%s'@'localhost';", name);
        if (fclose(TAKE(f)) != 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}

/* Is it in a list as "A, B" or "A,B" that is `n` bytes? */
static bool names(const char *list, size_t n, const char *privilege) {
        for (const char *p = list, *end = list + n; p < end;) {
                const char *comma = memchr(p, ',', (size_t) (end - p));
                size_t length = (size_t) ((comma ? comma : end) - p);

                if (length == strlen(privilege) && strncasecmp(p, privilege, length) == 0)
                        return true;
                p += length + (comma != NULL);
                while (p < end && *p == ' ')
                        p++;
        }
        return false;
}

/* Is it granted, by one of the lines, on this object? */
static bool granted(const char *grants, const char *privilege, const char *object) {
        for (const char *line = grants; *line;) {
                size_t n = strcspn(line, "\n");
                const char *on = memmem(line, n, " ON ", 4);
                size_t list = on ? (size_t) (on - line) : 0;

                if (n > 6 && strncmp(line, "GRANT ", 6) == 0 && list > 6 && strncmp(on + 4, object, strlen(object)) == 0 &&
                    on[4 + strlen(object)] == ' ' && (names(line + 6, list - 6, privilege) || names(line + 6, list - 6, "ALL PRIVILEGES")))
                        return true;
                line += n + (line[n] == '\n');
        }
        return false;
}

int account_lacks(Flavour flavour, const char *grants, char **ret) {
        _cleanup_fclose_ FILE *f = NULL;
        char *text = NULL;
        size_t size, n = 0;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < PRIVILEGES_MAX && privileges[flavour][i]; i++)
                if (!granted(grants, privileges[flavour][i], "*.*"))
                        fprintf(f, "%s%s", n++ > 0 ? ", " : "", privileges[flavour][i]);
        if (flavour == FLAVOUR_MYSQL && !granted(grants, "SELECT", "`performance_schema`.`threads`") && !granted(grants, "SELECT", "`performance_schema`.*") &&
            !granted(grants, "SELECT", "*.*"))
                fprintf(f, "%sSELECT on " TABLE, n > 0 ? ", " : "");
        if (fclose(TAKE(f)) != 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}

int account_replication_statements(Flavour flavour, const char *name, char **ret) {
        char *text;

        if (asprintf(&text,
                     "CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '...';\n"
                     "GRANT REPLICATION SLAVE%s ON *.* TO '%s'@'%%';", name, flavour == FLAVOUR_MYSQL ? ", BACKUP_ADMIN" : "", name) < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int account_backup_statements(Flavour flavour, const char *user, char **ret) {
        bool mysql = flavour == FLAVOUR_MYSQL;
        char *text;

        if (asprintf(&text,
                     "CREATE USER IF NOT EXISTS '%s'@'localhost' IDENTIFIED %s;\n"
                     "GRANT RELOAD, PROCESS, LOCK TABLES, SELECT, SHOW VIEW, TRIGGER, EVENT, %s ON *.* TO '%s'@'localhost';", user, mysql ? "WITH auth_socket" : "VIA unix_socket",
                     mysql ? "REPLICATION CLIENT, SHOW_ROUTINE" : "BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN", user) < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}
