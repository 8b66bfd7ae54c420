/* mainstay-provision: one step of a copy of another node's data, on the node that is
 * to get it. The agent's job (manager/provision.c) starts it as
 * mainstay-provision@STEP.service and reads what it answers:
 *
 *   look      is there room, is the place right, does the other node hand out a copy
 *   begin     an empty place for a copy that others fill
 *   copy      a copy of its data beside this node's own, by its backup program
 *   load      or its dump, into the server that runs there (mainstay-shadow)
 *   prepare   made consistent, and sealed with the GTIDs it stands at
 *   save      what the own data alone have committed, decoded, to a file
 *   swap      in the place of the own data
 *   where     the seal of the copy, beside the data or in place
 *   kept      are there data that could be put back
 *   back      the own data in place again
 *   discard   what is left of a copy is removed
 *   commit    the own data, set aside, are deleted
 *
 * It runs as root, for the directory above the datadir is root's; the other makers'
 * programs run as who owns the data. What it is to do the agent has written down; but
 * the agent is not root, so each step looks for itself whether it harms anything: see
 * adapter/staging.h.
 */
#include "adapter/staging.h"
#include "base/number.h"
#include "base/paths.h"
#include "domain/copy-position.h"
#include "domain/dump-scan.h"
#include "domain/job.h"
#include "edge/copy-source.h"
#include "edge/errant.h"
#include "edge/tool.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/orders.h"
#include "sys/stream.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>

/* No database can have that name. */
#define CLONE_DIRECTORY "mainstay-clone"
#define LOAD_BEGUN "mainstay-load.begun"
#define PROGRESS_PAUSE (500 * USEC_PER_MSEC)

typedef struct Context {
        int parentfd;
        char name[NAME_MAX + 1];
        int64_t job;
        Method method;
        const char *from; /* the other node */
        bool force_space;
        struct stat owner; /* of the data */
        json_t *answer;    /* what the agent is told beside how it ended */
        char text[DATADIR_TEXT_MAX];
} Context;

static int _printf_(3, 4) fail(Context *c, int r, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(c->text, sizeof(c->text), format, ap);
        va_end(ap);
        return r;
}

static int answer_file(const char *name, const char *text) {
        _cleanup_close_ int dirfd = open(orders_runtime(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return dirfd < 0 ? -errno : file_write(dirfd, name, text, strlen(text), 0644);
}

/* Steps */

static int find_tools(Context *c, char backup[static 512], char unpack[static 512]) {
        static const char *const backups[] = { "mariadb-backup", "mariabackup", NULL }, *const unpacks[] = { "mbstream", NULL };

        if (!tool_find(backups, backup) || !tool_find(unpacks, unpack))
                return fail(c, 0, "mariadb-backup and mbstream are not installed here: on Debian, apt install mariadb-backup");
        return 1;
}

static int find_client(Context *c, char client[static 512]) {
        static const char *const clients[] = { "mariadb", "mysql", NULL };

        return tool_find(clients, client) ? 1 : fail(c, 0, "the client program (mariadb, or mysql) is not installed here");
}

static bool hands_out(const json_t *header, Method method) {
        const json_t *v;
        size_t i;

        json_array_foreach(json_object_get(header, "methods"), i, v)
                if (streq(str_or(json_string_value(v), ""), method_to_string(method)))
                        return true;
        return false;
}

/* Where a copy lies; see staging.h. */
static const char *place(const Context *c) {
        return staging_within(c->parentfd, c->name) ? "within" : "beside";
}

/* MySQL refuses to clone to a place in its datadir (error 3632). */
static int check_clone(Context *c) {
        return !staging_within(c->parentfd, c->name) ? 1 : fail(c, 0, "its datadir is a file system of its own, so a copy lies within it, where MySQL does not clone to. Say: --method=dump");
}

static int do_look(Context *c) {
        char backup[512], unpack[512];
        _cleanup_copy_source_ CopySource s = { .fd = -1 };
        json_t *o = NULL;
        int r;

        r = c->method == METHOD_DUMP ? find_client(c, backup) : c->method == METHOD_CLONE ? check_clone(c) : find_tools(c, backup, unpack);
        if (r > 0)
                r = copy_source_open(c->from, "look", &s, c->text);
        if (r > 0)
                r = copy_source_header(&s, &o, c->text);
        if (r > 0 && !hands_out(o, c->method))
                r = fail(c, 0, "the other node hands out no copy by %s: %.300s", method_to_string(c->method),
                         str_or(json_string_value(json_object_get(o, "lacks")), "bring all nodes to the same release"));
        if (r > 0) {
                r = staging_check(c->parentfd, c->name, (uint64_t) json_integer_value(json_object_get(o, "bytes")), c->force_space, c->text);
                (void) json_object_update(c->answer, o);
        }
        if (r > 0 && json_object_set_new(c->answer, "place", json_string(place(c))) < 0)
                r = -ENOMEM;
        json_decref(o);
        return r;
}

static void tell_progress(uint64_t done, json_int_t total, usec_t *told) {
        usec_t now = clock_usec(CLOCK_MONOTONIC);
        char line[64];

        if (*told > 0 && now < *told + PROGRESS_PAUSE)
                return;
        *told = now;
        (void) snprintf(line, sizeof(line), "%llu %lld\n", (unsigned long long) done, (long long) total);
        (void) answer_file("provision.progress", line);
}

/* The other node's frames, into the program that makes files of them. `scan` may be NULL. */
static int unpack_all(Context *c, CopySource *s, int to, json_int_t total, DumpScan *scan) {
        uint64_t done = 0;
        usec_t told = 0;

        for (;;) {
                StreamFrame frame;
                size_t n;
                int r;

                r = copy_source_read(s, scan ? -1 : to, &frame, &n, c->text);
                if (r < 0)
                        return r;
                if (frame == STREAM_END) {
                        (void) json_object_set_new(c->answer, "copied", json_integer((json_int_t) done));
                        return copy_source_verdict(s, c->text);
                }
                if (frame != STREAM_DATA)
                        continue;
                if (scan) {
                        dump_scan(scan, s->buf, n);
                        r = write_all(to, s->buf, n);
                }
                if (r < 0)
                        return fail(c, r, "the data cannot be written: is the disk full? (%s; journalctl -u 'mainstay-provision@*')", strerror(-r));
                done += n;
                tell_progress(done, total, &told);
        }
}

/* Runs a program as who owns the data, with what the other node gives for `verb` as its
 * input, and waits for both. A dump is looked at on its way, is to be whole, and `end`
 * follows it; for a copy these are NULL. Of what fails, too, the caller has `*header`, what
 * the other node has said of itself (a new reference), and `*status`, how the program
 * ended, as a shell's $?; where it did not come to that, they are as they were. */
static int receive(Context *c, const char *verb, const char *const *argv, DumpScan *scan, const char *end, json_t **header, int *status) {
        _cleanup_copy_source_ CopySource s = { .fd = -1 };
        _cleanup_close_ int to = -1;
        Tool reader = {0};
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return fail(c, -errno, "%s", strerror(errno));
        to = fds[1];
        stream_widen(to);
        r = tool_start(argv, fds[0], -1, c->owner.st_uid, c->owner.st_gid, false, &reader);
        (void) close(fds[0]);
        if (r < 0)
                return fail(c, r, "%s cannot be run: %s", argv[0], strerror(-r));
        r = copy_source_open(c->from, verb, &s, c->text);
        if (r > 0)
                r = copy_source_header(&s, header, c->text);
        if (r > 0)
                r = unpack_all(c, &s, to, json_integer_value(json_object_get(*header, scan ? "dump_bytes" : "bytes")), scan);
        if (r > 0 && scan && !scan->whole)
                r = fail(c, -EBADMSG, "the dump is not whole: it has no end");
        if (r > 0 && end && write_all(to, end, strlen(end)) < 0)
                r = fail(c, -EPIPE, "%s has ended too soon: journalctl -u 'mainstay-provision@*'", argv[0]);
        closep(&to);
        to = -1;
        *status = tool_wait(&reader);
        return r;
}

/* One of the two names that the file has, by the version of the program. */
static int read_info(int dirfd, const char *what, char **ret) {
        char name[64];
        size_t size;
        int r;

        (void) snprintf(name, sizeof(name), "mariadb_backup_%s", what);
        r = file_read(dirfd, name, GTID_TEXT_MAX, ret, &size, NULL);
        if (r != -ENOENT)
                return r;
        (void) snprintf(name, sizeof(name), "xtrabackup_%s", what);
        return file_read(dirfd, name, GTID_TEXT_MAX, ret, &size, NULL);
}

static int staged(Context *c) {
        return staging_open(c->parentfd, c->name, c->text);
}

/* On a full disk nobody could write down that it has failed. */
static int given_up(Context *c, int r) {
        char text[DATADIR_TEXT_MAX];

        if (r <= 0)
                (void) staging_discard(c->parentfd, c->name, c->job, text);
        return r;
}

/* The answer says where, for the server that is to clone there. */
static int do_begin(Context *c) {
        char path[2 * PATH_MAX], directory[2 * PATH_MAX + 64];
        int r;

        r = staging_begin(c->parentfd, c->name, c->job, c->text);
        if (r > 0)
                r = datadir_path(c->parentfd, c->name, path, c->text);
        if (r <= 0)
                return r;
        (void) snprintf(directory, sizeof(directory), "%s" STAGING_NEW "/" CLONE_DIRECTORY, path);
        return json_object_set_new(c->answer, "directory", json_string(directory)) < 0 ? fail(c, -ENOMEM, "memory is short") : 1;
}

static int do_copy(Context *c) {
        char backup[512], unpack[512];
        _cleanup_free_ char *info = NULL, *text = NULL;
        _cleanup_close_ int fd = -1;
        json_t *header = NULL;
        int r, status = 0;

        r = find_tools(c, backup, unpack);
        if (r > 0)
                r = staging_begin(c->parentfd, c->name, c->job, c->text);
        if (r <= 0)
                return r;
        fd = staged(c);
        if (fd < 0)
                return fd;
        if (fchdir(fd) < 0)
                return fail(c, -errno, "%s", strerror(errno));
        r = receive(c, "copy", (const char *const []) { unpack, "-x", NULL }, NULL, NULL, &header, &status);
        /* Where the stream has ended too soon, it has said why already. */
        if (status != 0 && (r > 0 || r == -EPIPE))
                r = fail(c, r > 0 ? -EIO : r, "the files could not be written: %s ended with status %d. Is the disk full? See: journalctl -u 'mainstay-provision@*'", unpack, status);
        if (r > 0 && read_info(fd, "info", &info) < 0)
                r = fail(c, -EBADMSG, "the copy is not whole: its last file is not there");
        if (r > 0) {
                text = json_dumps(header, JSON_COMPACT);
                r = text ? file_write(fd, "mainstay-source.json", text, strlen(text), 0640) : -ENOMEM;
                r = r < 0 ? fail(c, r, "mainstay-source.json cannot be written: %s", strerror(-r)) : 1;
        }
        json_decref(header);
        /* What is prepared after a power cut is what was copied. */
        if (r > 0 && syncfs(fd) < 0)
                r = fail(c, -errno, "the copy cannot be brought to the disk: %s", strerror(errno));
        return given_up(c, r);
}

/* For the note; see copy_gtids(). */
static int gtids(Context *c, const json_t *header, const GtidList *binlog, const GtidList *slave, json_t *note) {
        _cleanup_free_ char *position = NULL, *history = NULL;
        char error[256];
        int r;

        r = copy_gtids(str_or(json_string_value(json_object_get(header, "binlog_state")), ""), binlog, slave, &position, &history, error);
        if (r == -ENODATA)
                return fail(c, r, "the copy says no GTID that it stands at: does its server write a binary log?");
        if (r < 0)
                return fail(c, r, "where the copy stands cannot be told: %s", error[0] ? error : strerror(-r));
        return json_object_set_new(note, "position", json_string(position)) < 0 || json_object_set_new(note, "binlog_state", json_string(history)) < 0
                       ? fail(c, -ENOMEM, "memory is short") : 1;
}

/* As mariadb-backup has left it in the copy. What it has not: it writes no binary log, or
 * is no replica. */
static int gtids_of_backup(Context *c, int dirfd, json_t *note) {
        _cleanup_gtid_list_ GtidList binlog = {0}, slave = {0};
        _cleanup_free_ char *text = NULL, *binlog_info = NULL, *slave_info = NULL;
        char error[256] = "";
        json_t *header = NULL;
        size_t size;
        int r;

        r = file_read(dirfd, "mainstay-source.json", GTID_TEXT_MAX, &text, &size, NULL);
        if (r >= 0)
                r = read_info(dirfd, "binlog_info", &binlog_info);
        if (r == -ENOENT && text)
                r = 0;
        if (r >= 0)
                r = read_info(dirfd, "slave_info", &slave_info);
        if (r == -ENOENT && text)
                r = 0;
        if (r >= 0)
                r = copy_binlog_position(str_or(binlog_info, ""), &binlog, error);
        if (r >= 0)
                r = copy_slave_position(str_or(slave_info, ""), &slave, error);
        if (r < 0)
                return fail(c, r, "where the copy stands cannot be told: %s", error[0] ? error : strerror(-r));
        header = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        r = gtids(c, header, &binlog, &slave, note);
        json_decref(header);
        return r;
}

/* Of this job. */
static bool take_note(Context *c, bool made) {
        json_t *o = staging_note(c->parentfd, c->name, made);
        bool is = o && json_integer_value(json_object_get(o, "job")) == c->job;

        if (is)
                (void) json_object_update(c->answer, o);
        json_decref(o);
        return is;
}

/* MySQL recovers a clone when it starts on it, and its GTIDs are in it. */
static int prepare_clone(Context *c) {
        int r;

        r = staging_hoist(c->parentfd, c->name, CLONE_DIRECTORY, c->text);
        if (r > 0)
                r = staging_carry(c->parentfd, c->name, c->text);
        return r > 0 ? staging_seal(c->parentfd, c->name, c->job, c->answer, c->text) : r;
}

static int do_prepare(Context *c) {
        char backup[512], unpack[512];
        _cleanup_close_ int fd = staged(c);
        bool whole;
        int r, status;
        Tool t;

        if (fd < 0)
                return fd;
        if (take_note(c, true))
                return 1; /* before a crash */
        if (c->method == METHOD_CLONE)
                return given_up(c, prepare_clone(c));
        r = find_tools(c, backup, unpack);
        if (r <= 0)
                return r;
        if (fchdir(fd) < 0)
                return fail(c, -errno, "%s", strerror(errno));
        r = tool_start((const char *const []) { backup, "--prepare", "--target-dir=.", NULL }, -1, -1, c->owner.st_uid, c->owner.st_gid, true, &t);
        if (r < 0)
                return fail(c, r, "%s cannot be run: %s", backup, strerror(-r));
        while (tool_read_log(&t) > 0)
                continue;
        whole = tool_completed_ok(&t);
        status = tool_wait(&t);
        if (status != 0 || !whole)
                return given_up(c, fail(c, -EIO, "the copy could not be made consistent: %s ended with status %d: %.200s", backup, status, t.complaint[0] ? t.complaint : t.last));
        r = gtids_of_backup(c, fd, c->answer);
        if (r > 0)
                r = staging_seal(c->parentfd, c->name, c->job, c->answer, c->text);
        return given_up(c, r);
}

/* Into the server that mainstay-shadow has made from nothing. There its own root, or who
 * owns the data, may do all until the accounts of the dump are in force. MySQL sets its
 * GTIDs by the dump itself. */
static int do_load(Context *c) {
        static const char mysql_end[] = "\nSET SESSION sql_log_bin = 0;\nFLUSH PRIVILEGES;\nSET GLOBAL super_read_only = ON;\n", mariadb_end[] = "\nFLUSH PRIVILEGES;\n";
        const struct passwd *owner = getpwuid(c->owner.st_uid);
        char client[512], user[64];
        _cleanup_close_ int fd = staged(c);
        _cleanup_gtid_list_ GtidList at = {0};
        DumpScan *scan = calloc(1, sizeof(*scan));
        json_t *header = NULL;
        int r, status = 0;
        char error[256];
        bool mysql;

        if (fd < 0 || !scan || !owner) {
                r = fd < 0 ? fd : fail(c, -ENOENT, "who owns the data is not known");
                goto out;
        }
        if (take_note(c, true)) {
                r = 1; /* before a crash */
                goto out;
        }
        /* What a first dump has left, a second one may not know to drop. */
        if (datadir_has(fd, LOAD_BEGUN)) {
                r = fail(c, -EIO, "the loading of a dump was cut off");
                goto out;
        }
        r = file_write(fd, LOAD_BEGUN, "", 0, 0600);
        if (r < 0) {
                (void) fail(c, r, LOAD_BEGUN " cannot be written: %s", strerror(-r));
                goto out;
        }
        mysql = datadir_has(fd, "mysql.ibd");
        (void) snprintf(user, sizeof(user), "--user=%s", mysql ? "root" : owner->pw_name);
        r = find_client(c, client);
        if (r <= 0)
                goto out;
        r = receive(c, "dump",
                    (const char *const []) { client, "--no-defaults", "--binary-mode", "--socket=" SHADOW_SOCKET, user, mysql ? "--init-command=SET GLOBAL super_read_only = OFF" : "--init-command=SET SESSION sql_log_bin = 0", NULL },
                    scan, mysql ? mysql_end : mariadb_end, &header, &status);
        if (r > 0 && status != 0)
                r = fail(c, -EIO, "the dump could not be loaded: %s ended with status %d. See: journalctl -u 'mainstay-provision@*'", client, status);
        if (r > 0 && !mysql) {
                if (!scan->position || gtid_list_parse(scan->position, strlen(scan->position), GTID_POSITION, &at, error) < 0)
                        r = fail(c, -ENODATA, "the dump does not say where it stands: does its server write a binary log?");
                else
                        r = gtids(c, header, &at, NULL, c->answer);
        }
        if (r > 0)
                r = staging_carry(c->parentfd, c->name, c->text);
        if (r > 0)
                r = staging_seal(c->parentfd, c->name, c->job, c->answer, c->text);
out:
        json_decref(header);
        if (scan)
                free(scan->position);
        free(scan);
        return r;
}

static int do_save(Context *c) {
        _cleanup_close_ int dirfd = open(orders_runtime(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int fd = openat(c->parentfd, c->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_free_ char *have = NULL;
        char path[128];
        json_int_t n;
        size_t size;
        int r;

        r = dirfd < 0 ? -errno : file_read(dirfd, "provision.have", GTID_TEXT_MAX, &have, &size, NULL);
        if (r < 0)
                return fail(c, r, "what the other nodes have is not known: %s", strerror(-r));
        if (take_note(c, false))
                return fail(c, 0, "what is in place is the copy");
        if (fd < 0)
                return fail(c, -errno, "%.200s cannot be opened: %s", c->name, strerror(errno));
        r = datadir_check_unused(fd, c->text);
        if (r > 0)
                r = errant_save(fd, &c->owner, have, c->job, &n, path, c->text);
        if (r > 0 && (json_object_set_new(c->answer, "errant", json_integer(n)) < 0 || json_object_set_new(c->answer, "file", json_string(path)) < 0))
                return fail(c, -ENOMEM, "memory is short");
        return r;
}

static int do_swap(Context *c) {
        return staging_swap(c->parentfd, c->name, c->job, c->text);
}

static int do_where(Context *c) {
        return take_note(c, true) || take_note(c, false) ? 1 : fail(c, 0, "there is no whole copy of this job");
}

static int do_kept(Context *c) {
        return staging_kept(c->parentfd, c->name, c->text);
}

static int do_back(Context *c) {
        return staging_back(c->parentfd, c->name, c->job, c->text);
}

static int do_discard(Context *c) {
        return staging_discard(c->parentfd, c->name, c->job, c->text);
}

static int do_commit(Context *c) {
        return staging_commit(c->parentfd, c->name, c->text);
}

static const struct {
        const char *name;
        int (*run)(Context *c);
} steps[] = {
        { "look", do_look }, { "begin", do_begin }, { "copy", do_copy }, { "load", do_load }, { "prepare", do_prepare }, { "save", do_save }, { "swap", do_swap },
        { "where", do_where }, { "kept", do_kept }, { "back", do_back }, { "discard", do_discard }, { "commit", do_commit },
};

static int run(Context *c, const char *step) {
        const char *runtime = orders_runtime(), *job, *before;
        int r;

        r = orders_load(runtime, "server.env");
        if (r >= 0)
                r = orders_load(runtime, "provision.env");
        if (r < 0)
                return fail(c, r, "what to do is not known: %s", strerror(-r));
        job = str_or(getenv("MAINSTAY_COPY_JOB"), "");
        c->from = str_or(getenv("MAINSTAY_COPY_FROM"), "");
        c->method = method_from_string(str_or(getenv("MAINSTAY_COPY_METHOD"), ""));
        if (c->method <= METHOD_NONE) /* begun by a release that knew no other */
                c->method = METHOD_MARIADB_BACKUP;
        c->force_space = streq(str_or(getenv("MAINSTAY_COPY_FORCE"), ""), "space");
        if (number_parse(job, strlen(job), 0, INT64_MAX, &c->job) < 0)
                return fail(c, 0, "there is nothing to be done: mainstayctl provision asks for it");
        c->parentfd = datadir_open_parent(str_or(getenv("MAINSTAY_DATADIR"), ""), c->name, c->text);
        if (c->parentfd < 0)
                return c->parentfd;
        if (fstatat(c->parentfd, c->name, &c->owner, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                return fail(c, -errno, "%.200s: %s", c->name, strerror(errno));
        before = str_or(getenv("MAINSTAY_COPY_PLACE"), "");
        if (*before && !streq(before, place(c)))
                return fail(c, -ESTALE, "%.200s is %s file system of its own, as it was not when this was begun: is everything mounted?", c->name, streq(before, "within") ? "no" : "a");
        /* Whose it is the copy will be, and what others' programs run as. */
        if (c->owner.st_uid == 0 && (streq(step, "begin") || streq(step, "copy") || streq(step, "load") || streq(step, "prepare")))
                return fail(c, 0, "there are no data in %.200s, or they are root's", c->name);
        for (size_t i = 0; i < ELEMENTS(steps); i++)
                if (streq(steps[i].name, step))
                        return steps[i].run(c);
        return fail(c, 0, "there is no step \"%.32s\"", step);
}

int main(int argc, char *argv[]) {
        Context c = { .parentfd = -1, .answer = json_object() };
        _cleanup_free_ char *text = NULL;
        int r, k = -ENOMEM;

        (void) signal(SIGPIPE, SIG_IGN);
        r = c.answer ? run(&c, argc == 2 ? argv[1] : "") : -ENOMEM;
        if (r <= 0)
                fprintf(stderr, "mainstay-provision: %s\n", c.text[0] ? c.text : strerror(-r));
        if (json_object_set_new(c.answer, "ok", json_boolean(r > 0)) >= 0 && json_object_set_new(c.answer, "error", json_string(c.text[0] ? c.text : r < 0 ? strerror(-r) : "")) >= 0)
                text = json_dumps(c.answer, JSON_COMPACT);
        if (text)
                k = answer_file("provision.result", text);
        if (k < 0)
                fprintf(stderr, "mainstay-provision: the answer cannot be written: %s\n", strerror(-k));
        json_decref(c.answer);
        closep(&c.parentfd);
        return r > 0 && k >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
