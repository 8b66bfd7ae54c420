/* The writes of Mainstay's files, one by one, for tests/crash/run to interrupt:
 *
 *   crash-writes list                   their names, and what may be found after them
 *   crash-writes prepare NAME DIR       the old state
 *   crash-writes act NAME DIR           the write; between two marks, in the trace
 *   crash-writes read NAME DIR...       what the product's own reader finds, a line each
 *   crash-writes redo NAME DIR...       what the next start does, a line each
 *
 * The functions are those that ship. What a program does by itself is run as that
 * program, which then has no marks. */
#include "adapter/aside.h"
#include "adapter/job-store.h"
#include "adapter/record.h"
#include "adapter/recovery-store.h"
#include "adapter/staging.h"
#include "adapter/staging-within.h"
#include "adapter/store.h"
#include "domain/grastate.h"
#include "edge/ctl-setup.h"
#include "edge/errant.h"
#include "sys/file.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OLD "the old content, a little longer\n"
#define NEW "the new content\n"
#define UUID "220dcdcb-1629-11e4-add3-aec059ad3734"
#define STAMP "20261122T224846"
#define START "start 1 90 0123456789abcdef0123456789abcdef " UUID ":20\n"
#define NOT_TRUSTED "not trusted" /* a record of views: then every node is waited for */
#define GRASTATE "grastate.dat"
#define LINES "status 92 joined\n"

typedef struct Place {
        const char *path;
        int fd;
} Place;

typedef struct Write {
        const char *name;
        void (*prepare)(const Place *p);
        int (*act)(const Place *p);
        void (*read)(const Place *p);
        const char *also; /* what may be found besides, for it harms nobody; parted by semicolons */
} Write;

/* Whether the trace is to be marked here: not in what is done before or after. */
static bool marked;

static void mark(const char *what) {
        if (marked)
                (void) !write(-1, what, strlen(what));
}

static void must(bool ok, const char *what) {
        if (ok)
                return;
        fprintf(stderr, "crash-writes: %s: %s\n", what, strerror(errno));
        exit(99);
}

static void put(const Place *p, const char *name, const char *text) {
        _cleanup_close_ int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        must(fd >= 0 && write_all(fd, text, strlen(text)) >= 0, name);
}

/* One line, whatever it is. */
static void show(const char *text) {
        for (; *text; text++)
                (void) putchar(*text == '\n' ? '|' : *text);
}

static void show_file(const Place *p, const char *name) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = file_read(p->fd, name, 1 << 20, &text, &size, NULL);

        printf("%s=", name);
        show(r < 0 ? r == -ENOENT ? "none" : strerror(-r) : text);
        (void) putchar(' ');
}

/* sys/file.h */

static void prepare_none(const Place *p) {
}

static void prepare_file(const Place *p) {
        put(p, "f", OLD);
}

static int act_file(const Place *p) {
        mark("begin");
        return file_write(p->fd, "f", NEW, strlen(NEW), 0644);
}

static int act_rename(const Place *p) {
        int r;

        mark("begin");
        r = file_rename(p->fd, "f", "g", true);
        return r == -ENOENT ? 0 : r; /* done before */
}

static void read_file(const Place *p) {
        show_file(p, "f");
        show_file(p, "g");
}

/* The agent's state: the epoch is that of the start which wrote the file. */

static void prepare_state(const Place *p) {
        char error[256];
        Store *s;

        must(store_open(p->path, &s, error) >= 0, error);
        (void) store_free(s);
}

static int act_state_start(const Place *p) {
        char error[256];
        Store *s = NULL;
        int r;

        mark("begin");
        r = store_open(p->path, &s, error);
        if (r >= 0)
                r = store_save(s);
        (void) store_free(s);
        return r;
}

static int act_state_save(const Place *p) {
        _cleanup_(store_freep) Store *s = NULL;
        char error[256];
        int r = store_open(p->path, &s, error);

        if (r < 0)
                return r;
        s->settled = 7;
        s->wanted = true;
        (void) store_set_label(s, "db2", "second");
        mark("begin");
        return store_save(s);
}

static void read_state(const Place *p) {
        _cleanup_(store_freep) Store *s = NULL;
        char error[256] = "";
        int r = store_open(p->path, &s, error);

        if (r < 0)
                printf("%s %s", strerror(-r), error);
        else
                printf("epoch=%llu settled=%llu wanted=%d label=%s", (unsigned long long) s->epoch - 1, (unsigned long long) s->settled, s->wanted, str_or(store_label(s, "db2"), "none"));
}

static int keep_out(const Place *p, const char *why) {
        _cleanup_(store_freep) Store *s = NULL;
        char error[256];
        int r = store_open(p->path, &s, error);

        if (r < 0)
                return r;
        mark("begin");
        return store_keep_out(s, why);
}

static void prepare_kept_out(const Place *p) {
        must(keep_out(p, OLD) >= 0, "kept-out");
}

static int act_keep_out(const Place *p) {
        return keep_out(p, NEW);
}

static int act_let_in(const Place *p) {
        return keep_out(p, NULL);
}

static void read_kept_out(const Place *p) {
        show_file(p, STORE_KEPT_OUT);
}

/* Jobs */

static JobStore *jobs_open(const Place *p) {
        JobStore *s = NULL;
        char error[256];

        return job_store_open(p->path, &s, error) < 0 ? NULL : s;
}

static int job_save(const Place *p, bool end) {
        _cleanup_(job_store_freep) JobStore *s = jobs_open(p);
        _cleanup_(job_freep) Job *job = NULL;
        uint64_t id;
        int r;

        if (!s)
                return -EIO;
        if (job_store_running(s))
                r = job_copy(job_store_running(s), &job);
        else if (end)
                return 0; /* done before */
        else {
                r = job_store_new_id(s, &id);
                if (r >= 0)
                        r = job_new(id, JOB_RECOVER, "db2", "db1", "anna", NULL, 10, &job);
        }
        if (r >= 0 && end && job_last_step(job)->state == STEP_BEGUN)
                r = job_end_step(job, true, "It is done.", 21);
        if (r >= 0 && end)
                r = job_end(job, JOB_DONE, "It was done.", 99);
        /* A step ends before the next one begins. */
        if (r >= 0 && !end)
                r = job->n_steps > 0 && job_last_step(job)->state == STEP_BEGUN ? job_end_step(job, true, "It is done.", 21) : job_begin_step(job, "stop", 20);
        if (r < 0)
                return r;
        mark("begin");
        return job_store_save(s, job);
}

static void prepare_job(const Place *p) {
        must(job_save(p, false) >= 0, "a job");
}

static int act_job_first(const Place *p) {
        mark("begin");
        return job_save(p, false);
}

static int act_job_step(const Place *p) {
        return job_save(p, false);
}

static int act_job_end(const Place *p) {
        return job_save(p, true);
}

static void read_jobs(const Place *p) {
        _cleanup_(job_store_freep) JobStore *s = jobs_open(p);

        if (!s) {
                printf("not opened");
                return;
        }
        for (size_t i = 0; i < s->n; i++)
                printf("%llu:%s:%zu ", (unsigned long long) s->job[i]->id, job_state_to_string(s->job[i]->state), s->job[i]->n_steps);
        for (size_t i = 0; i < s->n_problems; i++)
                show(s->problem[i]);
}

/* The record of views */

static void prepare_record(const Place *p) {
        put(p, RECORD_NAME, START LINES);
}

static void prepare_record_torn(const Place *p) {
        put(p, RECORD_NAME, START LINES "rubbish\n");
        put(p, RECORD_OLD_NAME, START);
}

static int act_record_open(const Place *p) {
        uint64_t section;

        mark("begin");
        return record_open_section(p->fd, 100, NULL, NULL, &section);
}

static int act_record_append(const Place *p) {
        mark("begin");
        return record_append(p->fd, "status 93 synced\n", strlen("status 93 synced\n"));
}

/* Of what nobody trusts, no more is of interest. */
static void read_record(const Place *p) {
        char error[256] = "";
        Viewlog log;
        int r = record_read(p->fd, &log, error);

        if (r < 0 || log.torn || !log.have_section)
                printf(NOT_TRUSTED);
        else
                printf("section %llu, %zu views, status %s", (unsigned long long) log.section, log.n_views, log.status);
        if (r >= 0)
                viewlog_done(&log);
}

static int act_recovered(const Place *p) {
        Recovery r = { .outcome = RECOVERY_NOTHING, .section = 1, .time = 100, .text = "InnoDB says nothing." };

        mark("begin");
        return recovery_write(p->fd, &r);
}

static void prepare_recovered(const Place *p) {
        Recovery r = { .outcome = RECOVERY_SILENT, .section = 1, .time = 90, .text = "The server was silent." };

        must(recovery_write(p->fd, &r) >= 0, RECOVERY_NAME);
}

static void read_recovered(const Place *p) {
        Recovery r;
        int k = recovery_read(p->fd, &r);

        printf("%s", k < 0 ? strerror(-k) : recovery_outcome_to_string(r.outcome));
}

/* What mysqld's user runs: the programs themselves. */

static int become(const char *program) {
        (void) execlp(program, program, "--status", "synced", "--uuid", UUID, "--primary", "yes", "--members", UUID "/db1/10.0.0.1:0", "--index", "0", NULL);
        return -errno;
}

static int act_notify(const Place *p) {
        (void) setenv("MAINSTAY_SERVER_DIR", p->path, 1);
        return become("mainstay-notify");
}

static void prepare_gate(const Place *p) {
        Recovery r = { .outcome = RECOVERY_POSITION, .section = 1, .time = 90, .text = "InnoDB knows." };
        static const char *const names[] = { ".", GRASTATE, "gvwstate.dat", RECORD_NAME, RECOVERY_NAME };

        must(uuid_parse(UUID, strlen(UUID), &r.position.uuid) >= 0, UUID);
        r.position.seqno = 23;
        put(p, GRASTATE, "# GALERA saved state\nversion: 2.1\nuuid:    " UUID "\nseqno:   -1\nsafe_to_bootstrap: 1\n");
        put(p, "gvwstate.dat", "x");
        put(p, "mysqld", "#!/bin/sh\necho 'mysqld would have been started with the following arguments:'\necho '--wsrep_on=ON --wsrep_cluster_address=gcomm://db1,db2'\n");
        put(p, "recover", "#!/bin/sh\nexit 0\n");
        must(fchmodat(p->fd, "mysqld", 0755, 0) >= 0 && fchmodat(p->fd, "recover", 0755, 0) >= 0, "mysqld");
        put(p, RECORD_NAME, START LINES);
        must(recovery_write(p->fd, &r) >= 0, RECOVERY_NAME);
        /* Where it runs as root it takes on the datadir's owner. */
        for (size_t i = 0; geteuid() == 0 && i < ELEMENTS(names); i++)
                must(fchownat(p->fd, names[i], 65534, 65534, 0) >= 0, names[i]);
}

static int act_gate(const Place *p) {
        char path[PATH_MAX];

        (void) setenv("MAINSTAY_DATADIR", p->path, 1);
        (void) setenv("MAINSTAY_SERVER_DIR", p->path, 1);
        (void) snprintf(path, sizeof(path), "%s/mysqld", p->path);
        (void) setenv("MAINSTAY_SERVER", path, 1);
        (void) snprintf(path, sizeof(path), "%s/recover", p->path);
        (void) setenv("MAINSTAY_RECOVER", path, 1);
        (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
        (void) execlp("mainstay-gate", "mainstay-gate", NULL);
        return -errno;
}

/* Each file for itself: where the position is known before gvwstate.dat is set
 * aside, that is no mixture. */
static void read_gate(const Place *p) {
        _cleanup_free_ char *text = NULL;
        char error[256] = "";
        size_t size;
        Grastate g;
        int r = file_read(p->fd, GRASTATE, GRASTATE_SIZE_MAX, &text, &size, NULL);

        if (r >= 0)
                r = grastate_parse(text, size, &g, error);
        if (r < 0)
                printf("grastate=%s;", strerror(-r));
        else
                printf("grastate=%lld/%d;", (long long) g.position.seqno, (int) g.safe_to_bootstrap);
        show_file(p, "gvwstate.dat");
        (void) putchar(';');
        show_file(p, "gvwstate.dat.mainstay");
        (void) putchar(';');
        read_record(p);
}

/* What `mainstayctl setup` writes, into directories that are not there yet. */

static int act_setup(const Place *p) {
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/etc/mainstay/units/mariadb.service.conf", p->path);
        mark("begin");
        return setup_write(path, NEW, 0644);
}

static void read_setup(const Place *p) {
        show_file(p, "etc/mainstay/units/mariadb.service.conf");
}

/* The agent's key, by root in the agent's name. Where its public part is not there the next
 * setup makes it; another key's would be taken for it. */

static void prepare_key(const Place *p) {
        must(mkdirat(p->fd, "ssh", 0700) >= 0 && fchown(p->fd, 65534, 65534) >= 0 && fchownat(p->fd, "ssh", 65534, 65534, 0) >= 0, "ssh");
}

static void prepare_another_key(const Place *p) {
        static const char *const names[] = { "ssh/id_ed25519", "ssh/id_ed25519.pub" };

        prepare_key(p);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                put(p, names[i], "another");
                must(fchownat(p->fd, names[i], 65534, 65534, 0) >= 0, names[i]);
        }
}

static int act_key(const Place *p) {
        const struct passwd agent = { .pw_uid = 65534, .pw_gid = 65534 };
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/ssh/id_ed25519", p->path);
        mark("begin");
        return setup_put_key(&agent, path, OLD, NEW);
}

static void read_key(const Place *p) {
        _cleanup_free_ char *private = NULL, *public = NULL;
        size_t size;
        int r = file_read(p->fd, "ssh/id_ed25519", 64, &private, &size, NULL), k = file_read(p->fd, "ssh/id_ed25519.pub", 64, &public, &size, NULL);

        if (r == -ENOENT && k == -ENOENT)
                printf("none");
        else if (streq_null(private, OLD) || streq_null(private, "another"))
                printf("%s%s", streq(private, OLD) ? "" : "another, ", k == -ENOENT ? "private" : streq_null(public, streq(private, OLD) ? NEW : private) ? "both" : "what is public is not of it");
        else
                printf("half of a key");
}

/* What systemd has the generator write, into a directory that it has emptied. */

static void prepare_generator(const Place *p) {
        must(mkdirat(p->fd, "units", 0755) >= 0 && mkdirat(p->fd, "run", 0755) >= 0, "units");
        put(p, "units/mariadb.service.conf", NEW);
        put(p, "units/mysql.service.conf", NEW);
}

static int act_generator(const Place *p) {
        char units[PATH_MAX], run[PATH_MAX];

        must(datadir_remove(p->fd, "run") >= 0 && mkdirat(p->fd, "run", 0755) >= 0, "run");
        (void) snprintf(units, sizeof(units), "%s/units", p->path);
        (void) snprintf(run, sizeof(run), "%s/run", p->path);
        (void) setenv("MAINSTAY_UNITS", units, 1);
        (void) execlp("mainstay-generator", "mainstay-generator", run, run, run, NULL);
        return -errno;
}

/* Each for itself: is the gate before that server? */
static void read_generator(const Place *p) {
        static const char *const units[] = { "mariadb", "mysql" };

        for (size_t i = 0; i < ELEMENTS(units); i++) {
                char path[NAME_MAX], target[PATH_MAX], file[NAME_MAX];
                ssize_t n;

                (void) snprintf(path, sizeof(path), "run/%s.service.d/50-mainstay.conf", units[i]);
                (void) snprintf(file, sizeof(file), "/units/%s.service.conf", units[i]);
                n = readlinkat(p->fd, path, target, sizeof(target) - 1);
                target[n < 0 ? 0 : n] = 0;
                printf("%s%s=%s", i == 0 ? "" : ";", units[i], n < 0 ? "none" : strstr(target, file) ? "gate" : target);
        }
}

/* Data as a whole */

static void make_data(const Place *p, const char *name, const char *text) {
        char path[NAME_MAX];

        must(mkdirat(p->fd, name, 0750) >= 0, name);
        (void) snprintf(path, sizeof(path), "%s/ibdata1", name);
        put(p, path, text);
        (void) snprintf(path, sizeof(path), "%s/lab", name);
        must(mkdirat(p->fd, path, 0700) >= 0, path);
        (void) snprintf(path, sizeof(path), "%s/lab/t1.ibd", name);
        put(p, path, text);
}

static void prepare_aside(const Place *p) {
        make_data(p, "mysql", "own");
}

static int told(int r, const char *text) {
        if (r <= 0)
                fprintf(stderr, "%s\n", text);
        return r == 0 ? -ECANCELED : r;
}

static int act_aside(const Place *p) {
        char text[ASIDE_TEXT_MAX] = "";

        mark("begin");
        return told(aside_move(p->fd, "mysql", STAMP, "why\n", true, text), text);
}

static const char *data_in(const Place *p, const char *name) {
        static const char *const kinds[] = { "own", "copy" };
        char path[NAME_MAX];

        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                _cleanup_free_ char *a = NULL, *b = NULL;
                size_t size;

                (void) snprintf(path, sizeof(path), "%s/ibdata1", name);
                if (file_read(p->fd, path, 64, &a, &size, NULL) < 0)
                        break;
                (void) snprintf(path, sizeof(path), "%s/lab/t1.ibd", name);
                if (file_read(p->fd, path, 64, &b, &size, NULL) < 0)
                        return "parts";
                if (streq(a, kinds[i]) && streq(b, kinds[i]))
                        return kinds[i];
        }
        return faccessat(p->fd, name, F_OK, 0) < 0 ? "none" : "empty";
}

/* In which of the places they may be is the product's own to tell; that they are
 * whole, and the own ones in one of them, is asked here. */
static void read_aside(const Place *p) {
        const char *in_place = data_in(p, "mysql"), *kept = data_in(p, "mysql.mainstay-" STAMP);

        printf("%s", streq(in_place, "own") ? "own" : streq(kept, "own") || streq(data_in(p, "mysql.mainstay-" STAMP ".new"), "own") ? "aside" : "lost");
}

static void prepare_swap(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";
        json_t *o = json_pack("{s:s}", "position", "0-1-5");

        make_data(p, "mysql", "own");
        must(staging_begin(p->fd, "mysql", 7, text) > 0, text);
        must(unlinkat(p->fd, "mysql" STAGING_NEW, AT_REMOVEDIR) >= 0, "the copy's place");
        make_data(p, "mysql" STAGING_NEW, "copy");
        must(staging_seal(p->fd, "mysql", 7, o, text) > 0, text);
        json_decref(o);
}

static int act_swap(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";

        mark("begin");
        return told(staging_swap(p->fd, "mysql", 7, text), text);
}

static void prepare_back(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";

        prepare_swap(p);
        must(staging_swap(p->fd, "mysql", 7, text) > 0, text);
}

static int act_back(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";

        mark("begin");
        return told(staging_back(p->fd, "mysql", 7, text), text);
}

/* The last name of an exchange is missing: the own data are where a copy is made. */
static void prepare_between(const Place *p) {
        prepare_back(p);
        must(renameat(p->fd, "mysql" STAGING_OLD, p->fd, "mysql" STAGING_NEW) >= 0, "the own data");
}

/* Refused, or failed: nothing may be done. */
static int act_discard(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";

        mark("begin");
        return staging_discard(p->fd, "mysql", 7, text) > 0 ? -EINVAL : 0;
}

static int act_commit(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";
        int r;

        mark("begin");
        r = staging_commit(p->fd, "mysql", text);
        return r == 0 ? 0 : told(r, text); /* it may have been over */
}

/* Whole ones, or none: what is in place is not touched. */
static void read_commit(const Place *p) {
        const char *in_place = data_in(p, "mysql"), *old = data_in(p, "mysql" STAGING_OLD);

        printf("%s, %s", in_place, streq(old, "own") ? "and the own ones kept" : streq(old, "none") ? "and given up" : old);
}

static void read_swap(const Place *p) {
        const char *in_place = data_in(p, "mysql"), *new = data_in(p, "mysql" STAGING_NEW), *old = data_in(p, "mysql" STAGING_OLD);

        if (streq(in_place, "own"))
                printf("own");
        else if (streq(in_place, "copy") && (streq(old, "own") || streq(new, "own")))
                printf("copy, and the own ones kept");
        else
                printf("mysql: %s, new: %s, old: %s", in_place, new, old);
}

/* Where the datadir is a file system of its own, or that has been begun. */

static void prepare_within(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";
        json_t *o = json_pack("{s:s}", "position", "0-1-5");

        make_data(p, "mysql", "own");
        make_data(p, "mysql/" STAGING_NEW, "copy");
        must(staging_within(p->fd, "mysql"), "within");
        must(staging_seal(p->fd, "mysql", 7, o, text) > 0, text);
        json_decref(o);
}

static void prepare_back_within(const Place *p) {
        char text[DATADIR_TEXT_MAX] = "";

        prepare_within(p);
        must(staging_swap(p->fd, "mysql", 7, text) > 0, text);
}

/* Between the two no server is let start, so nobody sees what is there. No part of the
 * own data is lost, and whether they are whole is told. */
static void read_within(const Place *p) {
        _cleanup_close_ int fd = openat(p->fd, "mysql", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        static const char *const parts[] = { "ibdata1", "lab/t1.ibd" }, *const places[] = { "mysql", "mysql/" STAGING_OLD };
        Within state = within_state(fd);
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTS(parts); i++)
                for (size_t k = 0; k < ELEMENTS(places); k++) {
                        _cleanup_free_ char *text = NULL;
                        char path[PATH_MAX];
                        size_t size;

                        (void) snprintf(path, sizeof(path), "%s/%s", places[k], parts[i]);
                        n += file_read(p->fd, path, 64, &text, &size, NULL) >= 0 && streq(text, "own");
                }
        printf("%s", n != ELEMENTS(parts) ? "lost" : within_is_between(state) ? "between" : data_in(p, "mysql"));
}

/* What only this node had, for people: where a file has that name, it is all of it. */

static void prepare_errant(const Place *p) {
        make_data(p, "mysql", "own");
        put(p, "mysql/bin.index", "bin.000001\n");
        put(p, "mysql/bin.000001", "");
        put(p, "mariadb-binlog", "#!/bin/sh\n"
               "printf '# at 4\\n#261128  7:38:23 server id 3  end_log_pos 646 CRC32 0xa296664b \\tGTID 0-3-3 trans\\n'\n"
               "i=0; while [ $i -lt 150 ]; do echo \"INSERT INTO shop.orders VALUES ($i, 'so that it is more than one write')\"; i=$((i + 1)); done\n"
               "echo DELIMITER\n");
        must(mkdirat(p->fd, "errant", 0700) >= 0 && fchmodat(p->fd, "mariadb-binlog", 0755, 0) >= 0, "errant");
}

static const char *binlog_program; /* in which directory */

/* What the server's makers ship, which is not everywhere; see crash_writes_LDFLAGS. */
const char *__wrap_tool_find(const char *const *names, char path[static 512]);
const char *__wrap_tool_find(const char *const *names, char path[static 512]) {
        (void) snprintf(path, 512, "%s/%s", binlog_program, names[0]);
        return path;
}

static int act_errant(const Place *p) {
        _cleanup_close_ int fd = openat(p->fd, "mysql", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char path[128], text[DATADIR_TEXT_MAX] = "", dir[PATH_MAX];
        const struct stat owner = {0};
        json_int_t n;

        must(fd >= 0, "mysql");
        binlog_program = p->path;
        (void) snprintf(dir, sizeof(dir), "%s/errant", p->path);
        (void) setenv("STATE_DIRECTORY", dir, 1);
        return told(errant_save(fd, &owner, "0-1-5", 7, &n, path, text), text);
}

static void read_errant(const Place *p) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = file_read(p->fd, "errant/job-7.sql", 1 << 20, &text, &size, NULL);

        printf("%s", r == -ENOENT ? "none" : r < 0 ? strerror(-r) : strstr(text, "GTID 0-3-3") && strstr(text, "(149, ") && strstr(text, "DELIMITER\n") ? "all" : "a part");
}

static const Write writes[] = {
        { "a file, replaced", prepare_file, act_file, read_file, NULL },
        { "a new file", prepare_none, act_file, read_file, NULL },
        { "a file, renamed", prepare_file, act_rename, read_file, NULL },
        { "state.json, at a start", prepare_state, act_state_start, read_state, NULL },
        { "state.json, changed", prepare_state, act_state_save, read_state, NULL },
        { "kept-out, written", prepare_state, act_keep_out, read_kept_out, NULL },
        { "kept-out, replaced", prepare_kept_out, act_keep_out, read_kept_out, NULL },
        { "kept-out, removed", prepare_kept_out, act_let_in, read_kept_out, NULL },
        { "jobs, the first", prepare_none, act_job_first, read_jobs, NULL },
        { "jobs, a step", prepare_job, act_job_step, read_jobs, NULL },
        { "jobs, an end", prepare_job, act_job_end, read_jobs, NULL },
        { "views, a section", prepare_record, act_record_open, read_record, NOT_TRUSTED },
        { "views, anew", prepare_record_torn, act_record_open, read_record, NULL },
        { "views, a line", prepare_record, act_record_append, read_record, NOT_TRUSTED },
        { "recovered", prepare_recovered, act_recovered, read_recovered, NULL },
        { "mainstay-notify", prepare_record, act_notify, read_record, NOT_TRUSTED },
        { "mainstay-gate", prepare_gate, act_gate, read_gate, NOT_TRUSTED ";grastate=-1/" /* a position is found where it can be */ },
        { "setup, a file", prepare_none, act_setup, read_setup, NULL },
        { "setup, the agent's key", prepare_key, act_key, read_key, "private" },
        { "setup, another key", prepare_another_key, act_key, read_key, "private;another, private" },
        { "mainstay-generator", prepare_generator, act_generator, read_generator, NULL },
        { "data, set aside", prepare_aside, act_aside, read_aside, NULL },
        { "data, exchanged", prepare_swap, act_swap, read_swap, NULL },
        { "data, put back", prepare_back, act_back, read_swap, NULL },
        { "data, to be kept", prepare_between, act_discard, read_swap, NULL },
        { "data, given up", prepare_back, act_commit, read_commit, NULL },
        { "data, exchanged within", prepare_within, act_swap, read_within, "between" /* no server is let start */ },
        { "data, put back within", prepare_back_within, act_back, read_within, "between" },
        { "errant transactions", prepare_errant, act_errant, read_errant, NULL },
};

/* Only root takes on the agent's account. */
static bool is_for(const Write *w) {
        return w->act != act_key || geteuid() == 0;
}

/* Of this a power cut leaves nothing, and it is made anew. */
static bool in_memory(const Write *w) {
        return w->act == act_generator;
}

static Place place_open(const char *path) {
        Place p = { .path = path, .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };

        must(p.fd >= 0, path);
        return p;
}

int main(int argc, char *argv[]) {
        const char *verb = argc > 1 ? argv[1] : "";
        const Write *w = NULL;

        (void) umask(022);
        for (size_t i = 0; i < ELEMENTS(writes); i++) {
                if (streq(verb, "list") && is_for(&writes[i]))
                        printf("%s\t%s\t%s\n", writes[i].name, str_or(writes[i].also, ""), in_memory(&writes[i]) ? "memory" : "disk");
                else if (argc > 3 && streq(argv[2], writes[i].name))
                        w = &writes[i];
        }
        if (!w)
                return streq(verb, "list") ? EXIT_SUCCESS : 2;
        marked = streq(verb, "act");
        for (int i = 3; i < argc; i++) {
                Place p = place_open(argv[i]);

                if (streq(verb, "prepare"))
                        w->prepare(&p);
                else if (streq(verb, "act")) {
                        int r = w->act(&p);

                        mark("end");
                        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
                } else if (streq(verb, "read")) {
                        w->read(&p);
                        (void) putchar('\n');
                } else {
                        pid_t pid = fork();
                        int status = -1;

                        if (pid == 0)
                                _exit(w->act(&p) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
                        (void) waitpid(pid, &status, 0);
                        printf("%d\n", status);
                }
                (void) fflush(stdout);
                (void) close(p.fd);
        }
        return EXIT_SUCCESS;
}
