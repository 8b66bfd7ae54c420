/* Errant transactions; see errant.h.
 *
 * MySQL's program leaves out GTIDs by itself. MariaDB's does not, so of its output the
 * events of each transaction are taken or left by the line that begins it (10.11):
 *
 *   # at 604
 *   #261128  7:38:23 server id 3  end_log_pos 646 CRC32 0xa296664b 	GTID 0-3-3 trans
 */
#include "edge/errant.h"
#include "domain/gtid.h"
#include "edge/tool.h"
#include "sys/file.h"

#include <fcntl.h>
#include <inttypes.h>

#define FILES_MAX 4096
#define INDEX_MAX ((size_t) 1024 * 1024)
/* One argument of a program may have 128 KiB. */
#define HAVE_MAX ((size_t) 100 * 1024)

/* systemd makes it. */
static const char *errant_dir(void) {
        return str_or(getenv("STATE_DIRECTORY"), ERRANT_DIR);
}

typedef struct Files {
        size_t n;
        char *name[FILES_MAX];
} Files;

static void files_free(Files *f) {
        for (size_t i = 0; i < f->n; i++)
                free(f->name[i]);
        free(f);
}

/* The path within the datadir of what an index names. */
static const char *within(const char *name, const char *datadir) {
        size_t n = strlen(datadir);

        if (name[0] == '/' && strncmp(name, datadir, n) == 0 && name[n] == '/')
                name += n + 1;
        return name[0] == '/' || strstr(name, "..") ? NULL : name;
}

static int read_index(int fd, const char *index, const char *datadir, Files *to, char *text) {
        _cleanup_free_ char *list = NULL;
        char *line, *rest;
        size_t size;
        int r;

        r = file_read(fd, index, INDEX_MAX, &list, &size, NULL);
        if (r < 0)
                return datadir_fail(r, text, "%.200s cannot be read: %s", index, strerror(-r));
        rest = list;
        while ((line = strsep(&rest, "\n"))) {
                const char *name = within(line, datadir);

                if (*line && !name)
                        return datadir_fail(0, text, "%.200s names %.200s, which is not in the datadir", index, line);
                if (!*line || !datadir_has(fd, name))
                        continue;
                if (to->n == FILES_MAX)
                        return datadir_fail(-E2BIG, text, "there are more than %d binary logs", FILES_MAX);
                if (asprintf(&to->name[to->n], "%s%s", name[0] == '.' ? "" : "./", name) < 0)
                        return datadir_fail(-ENOMEM, text, "memory is short");
                to->n++;
        }
        return 1;
}

/* Those of relay logs as well, for which is which only the configuration knows; what
 * is in those came from others. */
static int take_index(int fd, const char *entry, void *userdata, char *text) {
        size_t n = strlen(entry);

        return n > 6 && streq(entry + n - 6, ".index") ? read_index(fd, entry, str_or(getenv("MAINSTAY_DATADIR"), ""), userdata, text) : 1;
}

typedef struct Filter {
        bool mysql;
        GtidList have; /* MariaDB */
        bool leave;
        char *at; /* the line before, which may belong to the next transaction */
        json_int_t n;
        FILE *out;
} Filter;

static bool gtid_of_line(const char *line, Gtid *ret) {
        const char *at = strstr(line, "\tGTID ");

        return at && line[0] == '#' && line[1] >= '0' && line[1] <= '9' && strstr(line, "server id ") &&
               sscanf(at, "\tGTID %" SCNu32 "-%" SCNu32 "-%" SCNu64, &ret->domain, &ret->server, &ret->seq) == 3;
}

static int put(Filter *f, const char *line) {
        return f->leave || fputs(line, f->out) >= 0 ? 0 : -EIO;
}

static int take_line(Filter *f, const char *line) {
        Gtid gtid;
        int r = 0;

        if (f->mysql) {
                f->n += strncmp(line, "SET @@SESSION.GTID_NEXT= '", 26) == 0 && strchr(line, ':');
                return put(f, line);
        }
        if (gtid_of_line(line, &gtid)) {
                f->leave = gtid_list_contains(&f->have, &gtid);
                f->n += !f->leave;
        } else if (strncmp(line, "DELIMITER", 9) == 0)
                f->leave = false; /* a file ends, or begins with what its format is */
        if (f->at)
                r = put(f, f->at);
        free(f->at);
        f->at = NULL;
        if (strncmp(line, "# at ", 5) != 0)
                return r < 0 ? r : put(f, line);
        f->at = strdup(line);
        return f->at ? r : -ENOMEM;
}

static int filter_all(Filter *f, int from) {
        FILE *in = fdopen(from, "r");
        char *line = NULL;
        size_t size = 0;
        int r = in ? 0 : -errno;

        while (r >= 0 && getline(&line, &size, in) >= 0)
                r = take_line(f, line);
        /* It may also have ended for want of memory. */
        if (r >= 0 && !feof(in))
                r = -EIO;
        if (r >= 0 && f->at)
                r = put(f, f->at);
        free(line);
        free(f->at);
        f->at = NULL;
        if (in)
                (void) fclose(in);
        else
                (void) close(from);
        return r;
}

/* All of the files through the program, and what it says through the filter. */
static int decode(int fd, const struct stat *owner, const Files *files, const char *have, Filter *f, char *text) {
        static const char *const mariadb[] = { "mariadb-binlog", "mysqlbinlog", NULL }, *const mysql[] = { "mysqlbinlog", NULL };
        _cleanup_free_ const char **argv = calloc(files->n + 8, sizeof(*argv));
        _cleanup_free_ char *exclude = NULL;
        char program[512];
        size_t n = 0;
        int fds[2], r, status;
        Tool t;

        if (!tool_find(f->mysql ? mysql : mariadb, program))
                return datadir_fail(-ENOENT, text, "%s, which reads binary logs, is not installed", f->mysql ? mysql[0] : mariadb[0]);
        if (!argv || asprintf(&exclude, "--exclude-gtids=%s", have) < 0) {
                exclude = NULL;
                return datadir_fail(-ENOMEM, text, "memory is short");
        }
        argv[n++] = program;
        argv[n++] = "--no-defaults";
        argv[n++] = "--verbose";
        if (f->mysql && *have)
                argv[n++] = exclude;
        if (!f->mysql) /* binary logs and relay logs overlap */
                argv[n++] = "--loose-skip-gtid-strict-mode";
        for (size_t i = 0; i < files->n; i++)
                argv[n++] = files->name[i];
        if (fchdir(fd) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return datadir_fail(-errno, text, "%s", strerror(errno));
        r = tool_start(argv, -1, fds[1], owner->st_uid, owner->st_gid, false, &t);
        (void) close(fds[1]);
        if (r < 0) {
                (void) close(fds[0]);
                return datadir_fail(r, text, "%s cannot be run: %s", program, strerror(-r));
        }
        r = filter_all(f, fds[0]);
        if (r < 0)
                tool_kill(&t);
        status = tool_wait(&t);
        if (r < 0)
                return datadir_fail(r, text, "they cannot be written to %s: %s", errant_dir(), strerror(-r));
        return status == 0 ? 1 : datadir_fail(-EIO, text, "%s ended with status %d: journalctl -u 'mainstay-provision@*'", program, status);
}

/* Under its own name only when all of it is on the disk: half of what is missing would
 * be taken for all. */
static int put_in_place(const char *part, const char *path) {
        _cleanup_close_ int dirfd = open(errant_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return dirfd < 0 ? -errno : file_rename(dirfd, strrchr(part, '/') + 1, strrchr(path, '/') + 1, false);
}

static int save(int fd, const struct stat *owner, const Files *files, const char *have, const char *path, json_int_t *ret, char *text) {
        Filter f = { .mysql = datadir_has(fd, "mysql.ibd") };
        char error[256], part[136];
        int r, k, out;

        if (strlen(have) > HAVE_MAX)
                return datadir_fail(-E2BIG, text, "the other nodes' GTIDs are too many to be compared");
        if (!f.mysql && gtid_list_parse(have, strlen(have), GTID_STATE, &f.have, error) < 0)
                return datadir_fail(-EBADMSG, text, "the other nodes' GTIDs make no sense: %s", error);
        (void) snprintf(part, sizeof(part), "%s.part", path);
        out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        f.out = out < 0 ? NULL : fdopen(out, "w");
        if (!f.out) {
                r = datadir_fail(-errno, text, "%s cannot be written: %s", path, strerror(errno));
                closep(&out);
        } else {
                r = decode(fd, owner, files, have, &f, text);
                if (r > 0 && (fflush(f.out) != 0 || fsync(fileno(f.out)) < 0))
                        r = datadir_fail(-errno, text, "%s cannot be written: %s", path, strerror(errno));
                if (fclose(f.out) != 0 && r > 0)
                        r = datadir_fail(-errno, text, "%s cannot be written: %s", path, strerror(errno));
        }
        gtid_list_done(&f.have);
        if (r <= 0 || f.n == 0)
                (void) unlink(part);
        else if ((k = put_in_place(part, path)) < 0)
                r = datadir_fail(k, text, "%s cannot be written: %s", path, strerror(-k));
        *ret = f.n;
        return r;
}

int errant_save(int fd, const struct stat *owner, const char *have, int64_t job, json_int_t *ret, char path[static 128], char text[static DATADIR_TEXT_MAX]) {
        Files *files = calloc(1, sizeof(*files));
        int r;

        *ret = 0;
        (void) snprintf(path, 128, "%s/job-%" PRId64 ".sql", errant_dir(), job);
        if (!files)
                return datadir_fail(-ENOMEM, text, "memory is short");
        r = datadir_each(fd, take_index, files, text);
        if (r > 0 && files->n > 0)
                r = save(fd, owner, files, have, path, ret, text);
        files_free(files);
        return r;
}
