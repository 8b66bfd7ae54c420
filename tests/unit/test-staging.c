/* A copy beside the data, and the exchange of the two: whatever cuts it off, this
 * node's own data are whole under one of three names, and can be put back. */
#include "crash.h"
#include "disk.h"
#include "staged-beside.h"

#include <limits.h>
#include <linux/fs.h>
#include <signal.h>

/* Kills `operation` after each of its system calls; then goes on by `then`. */
static void cut_off(crash_operation_t before, crash_operation_t operation, crash_operation_t then, void (*check)(const Scratch *)) {
        Scratch s = scratch_new();
        unsigned n = 0;
        int r;

        do {
                prepare(&s);
                if (before)
                        assert_int_equal(before(s.fd), 0);
                r = crash_after(operation, s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                check_between(&s);
                assert_int_equal(then(s.fd), 0);
                check(&s);
                clear(&s);
        } while (r == 1);
        assert_true(n > 10);
        scratch_done(&s);
}

static void a_swap_that_is_cut_off_goes_on(void **state) {
        cut_off(NULL, do_swap, do_swap, check_swapped);
}

static void a_swap_that_is_cut_off_is_taken_back(void **state) {
        cut_off(NULL, do_swap, do_back, check_back);
}

static void a_commit_that_is_cut_off_goes_on(void **state) {
        Scratch s = scratch_new();
        unsigned n = 0;
        int r;

        do {
                prepare(&s);
                assert_int_equal(do_swap(s.fd), 0);
                r = crash_after(do_commit, s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                assert_true(is(&s, "mysql", "copy"));
                assert_int_equal(do_commit_again(s.fd), 0);
                check_committed(&s);
                clear(&s);
        } while (r == 1);
        assert_true(n > 10);
        scratch_done(&s);
}

static void what_is_taken_back_goes_on_being_so(void **state) {
        cut_off(do_swap, do_back, do_back, check_back);
}

/* Between the two names a discard could take the own data. */
/* A process that has a file locked as a server has. */
static pid_t run_server(const Scratch *s, const char *file) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int ready[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int fd = openat(s->fd, file, O_RDWR | O_CLOEXEC);

                if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "x", 1) != 1)
                        _exit(1);
                (void) pause();
                _exit(0);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void) close(ready[0]);
        (void) close(ready[1]);
        return pid;
}

static void end_server(pid_t pid) {
        int status;

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* On the data, or on the copy as it catches up. */
static void nothing_is_moved_under_a_server(void **state) {
        static const char *const files[] = { "mysql/ibdata1", "mysql" STAGING_NEW "/ibdata1" };
        Scratch s = scratch_new();
        pid_t pid;

        prepare(&s);
        for (size_t i = 0; i < ELEMENTS(files); i++) {
                pid = run_server(&s, files[i]);
                assert_int_equal(do_swap(s.fd), -ECANCELED);
                if (i == 1) {
                        assert_int_equal(do_discard(s.fd), -ECANCELED);
                        assert_int_equal(do_begin(s.fd), -ECANCELED);
                }
                end_server(pid);
                check_unchanged(&s);
        }
        assert_int_equal(do_swap(s.fd), 0);
        pid = run_server(&s, "mysql/ibdata1");
        assert_int_equal(do_back(s.fd), -ECANCELED);
        end_server(pid);
        check_swapped(&s);
        clear(&s);
        scratch_done(&s);
}

/* Whatever lies there under these names. */
static void what_is_no_copy_is_not_taken_for_one(void **state) {
        static const char *const notes[] = { "{}", "{\"job\": \"7\"}", "{\"job\": 7", "" };
        char text[DATADIR_TEXT_MAX] = "", name[NAME_MAX + 1];
        Scratch s = scratch_new();

        /* A note that makes no sense is not none. */
        prepare(&s);
        for (size_t i = 0; i < ELEMENTS(notes); i++) {
                scratch_puts(&s, "mysql" STAGING_NEW "/" STAGING_NOTE, notes[i]);
                CHECK(do_swap(s.fd) == -EBADMSG && do_discard(s.fd) == -EBADMSG, notes[i]);
                assert_null(staging_note(s.fd, "mysql", true));
        }
        /* What is no note is none: a link, a directory. */
        assert_int_equal(do_forget(s.fd), 0);
        assert_int_equal(symlinkat("/dev/null", s.fd, "mysql" STAGING_NEW "/" STAGING_NOTE), 0);
        assert_int_equal(do_swap(s.fd), -ECANCELED);
        assert_int_equal(do_forget(s.fd), 0);
        assert_int_equal(mkdirat(s.fd, "mysql" STAGING_NEW "/" STAGING_NOTE, 0700), 0);
        assert_int_equal(do_swap(s.fd), -ECANCELED);
        assert_true(is(&s, "mysql", "own"));
        assert_int_equal(do_discard(s.fd), 0);
        /* A file where a directory should be. */
        scratch_puts(&s, "mysql" STAGING_NEW, "");
        assert_int_equal(do_swap(s.fd), -ECANCELED);
        assert_int_equal(do_seal(s.fd), -ENOTDIR);
        assert_int_equal(unlinkat(s.fd, "mysql" STAGING_NEW, 0), 0);
        assert_int_equal(do_seal(s.fd), -ENOENT);
        assert_int_equal(staging_carry(s.fd, "mysql", text), -ENOENT);
        assert_int_equal(staging_open(s.fd, "mysql", text), -ENOENT);
        clear(&s);
        scratch_puts(&s, "mysql", "");
        assert_int_equal(do_swap(s.fd), -ENOTDIR);
        assert_int_equal(do_check(s.fd), -ENOTDIR);
        assert_int_equal(do_begin(s.fd), -ENOTDIR);
        assert_int_equal(staging_open(s.fd, "mysql", text), -ENOTDIR);
        assert_null(staging_note(s.fd, "mysql", true));
        assert_int_equal(unlinkat(s.fd, "mysql", 0), 0);
        /* None at all. */
        assert_int_equal(do_swap(s.fd), -ENOENT);
        assert_int_equal(do_back(s.fd), -ENOENT);
        assert_int_equal(do_kept(s.fd), -ENOENT);
        assert_int_equal(do_discard(s.fd), -ENOENT);
        assert_int_equal(do_commit(s.fd), -ENOENT);
        assert_int_equal(do_check(s.fd), -ENOENT);
        assert_int_equal(do_begin(s.fd), -ENOENT);
        assert_false(staging_within(s.fd, "mysql"));
        /* Nothing in it. */
        assert_int_equal(mkdirat(s.fd, "mysql", 0700), 0);
        assert_int_equal(do_check(s.fd), -ECANCELED);
        assert_int_equal(do_begin(s.fd), -ECANCELED);
        assert_true(is_gone(&s, "mysql" STAGING_NEW));
        /* Data, but not here, and a whole copy. */
        make(&s, "mysql" STAGING_NEW, "copy");
        seal(&s, JOB);
        assert_int_equal(do_swap(s.fd), -ECANCELED);
        assert_true(is(&s, "mysql" STAGING_NEW, "copy"));
        clear(&s);
        memset(name, 'x', sizeof(name));
        name[NAME_MAX] = 0;
        assert_int_equal(staging_swap(s.fd, name, JOB, text), -ENAMETOOLONG);
        scratch_done(&s);
}

/* Where both names are taken, or neither is by what it should be. */
static void what_is_kept_is_told_by_the_notes(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        Scratch s = scratch_new();
        json_t *o;

        /* The next copy is made beside it. */
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        make(&s, "mysql" STAGING_NEW, "next");
        assert_int_equal(do_swap(s.fd), 0); /* it was done */
        assert_int_equal(do_kept(s.fd), 0);
        assert_int_equal(do_begin(s.fd), 0);
        o = staging_note(s.fd, "mysql", false);
        assert_non_null(o); /* of the one in place: what it has replaced is still there */
        json_decref(o);
        assert_true(is(&s, "mysql" STAGING_OLD, "own"));
        assert_int_equal(do_back(s.fd), 0);
        check_back(&s);
        clear(&s);
        /* Between the names of a swap that did not come to its end. */
        prepare(&s);
        assert_int_equal(renameat2(s.fd, "mysql", s.fd, "mysql" STAGING_NEW, RENAME_EXCHANGE), 0);
        assert_int_equal(do_kept(s.fd), 0);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 1);
        check_back(&s);
        clear(&s);
        /* The copy has the name of what it replaced, and another one has that of a copy. */
        prepare(&s);
        assert_int_equal(renameat(s.fd, "mysql" STAGING_NEW, s.fd, "mysql" STAGING_OLD), 0);
        make(&s, "mysql" STAGING_NEW, "next");
        assert_int_equal(do_back(s.fd), 0);
        assert_true(is(&s, "mysql", "own") && is(&s, "mysql" STAGING_OLD, "copy") && is(&s, "mysql" STAGING_NEW, "next"));
        assert_int_equal(do_kept(s.fd), -ECANCELED);
        assert_int_equal(do_commit(s.fd), -ECANCELED); /* in place is no copy */
        clear(&s);
        /* Two copies: neither is this node's own. */
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        assert_int_equal(datadir_remove(s.fd, "mysql" STAGING_OLD), 0);
        make(&s, "mysql" STAGING_NEW, "next");
        seal(&s, JOB);
        assert_int_equal(staging_back(s.fd, "mysql", JOB, text), 0);
        assert_non_null(strstr(text, "not kept any more"));
        assert_int_equal(do_kept(s.fd), -ECANCELED);
        assert_true(is(&s, "mysql", "copy"));
        clear(&s);
        /* Nothing was swapped in, and somebody asks for it. */
        make(&s, "mysql", "own");
        assert_false(staging_within(s.fd, "mysql"));
        make(&s, "mysql" STAGING_OLD, "older");
        assert_int_equal(do_kept(s.fd), -ECANCELED);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 0);
        assert_non_null(strstr(text, "no copy"));
        clear(&s);
        scratch_done(&s);
}

static void a_discard_never_takes_the_own_data(void **state) {
        _cleanup_free_ char *note = NULL;
        Scratch s = scratch_new();

        prepare(&s);
        assert_int_equal(renameat2(s.fd, "mysql", s.fd, "mysql" STAGING_NEW, RENAME_EXCHANGE), 0);
        assert_int_equal(do_discard(s.fd), -ECANCELED);
        assert_true(is(&s, "mysql" STAGING_NEW, "own"));
        /* A note that cannot be read is not one that is not there. */
        note = scratch_get(&s, "mysql/" STAGING_NOTE);
        scratch_puts(&s, "mysql/" STAGING_NOTE, "");
        assert_int_equal(do_discard(s.fd), -EBADMSG);
        assert_int_equal(do_back(s.fd), -EBADMSG);
        assert_true(is(&s, "mysql" STAGING_NEW, "own"));
        scratch_puts(&s, "mysql/" STAGING_NOTE, note);
        assert_int_equal(do_back(s.fd), 0);
        check_back(&s);
        clear(&s);
        scratch_done(&s);
}

static void tear(const Scratch *s, const char *in) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/" STAGING_NOTE, in);
        scratch_puts(s, path, "{ \"job\": ");
}

/* No job goes by it, and each says what a person can do; that is done. */
static void a_torn_note_is_ended_by_a_person(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        Scratch s = scratch_new();

        /* A copy in place: back. */
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        tear(&s, "mysql");
        assert_int_equal(staging_back(s.fd, "mysql", JOB, text), -EBADMSG);
        assert_non_null(strstr(text, STAGING_NOTE " in mysql is damaged"));
        assert_non_null(strstr(text, "in mysql" STAGING_OLD ": mainstayctl provision rollback puts them back, provision commit deletes"));
        assert_int_equal(do_swap(s.fd), -EBADMSG);
        assert_int_equal(do_discard(s.fd), -EBADMSG);
        assert_true(is(&s, "mysql", "copy") && is(&s, "mysql" STAGING_OLD, "own"));
        assert_int_equal(staging_kept(s.fd, "mysql", text), 1);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 1);
        assert_int_equal(staging_discard(s.fd, "mysql", 0, text), 1);
        assert_true(is(&s, "mysql", "own") && is_gone(&s, "mysql" STAGING_NEW) && is_gone(&s, "mysql" STAGING_OLD));
        clear(&s);

        /* Or kept. */
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        tear(&s, "mysql");
        assert_int_equal(do_commit(s.fd), 0);
        assert_true(is(&s, "mysql", "copy") && is_gone(&s, "mysql" STAGING_OLD) && is_gone(&s, "mysql/" STAGING_NOTE));
        clear(&s);

        /* A swap that was cut off: the own data are where a copy is made. */
        prepare(&s);
        assert_int_equal(renameat2(s.fd, "mysql", s.fd, "mysql" STAGING_NEW, RENAME_EXCHANGE), 0);
        tear(&s, "mysql");
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), -EBADMSG);
        assert_non_null(strstr(text, "in mysql" STAGING_NEW ": mainstayctl provision rollback"));
        assert_int_equal(staging_discard(s.fd, "mysql", 0, text), 0);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 1);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 1);
        assert_true(is(&s, "mysql", "own"));
        clear(&s);

        /* Beside the own data: there is nothing to put back. */
        prepare(&s);
        tear(&s, "mysql" STAGING_NEW);
        assert_int_equal(staging_swap(s.fd, "mysql", JOB, text), -EBADMSG);
        assert_non_null(strstr(text, STAGING_NOTE " in mysql" STAGING_NEW " is damaged"));
        assert_non_null(strstr(text, "mainstayctl provision commit leaves what is in mysql, and"));
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0);
        assert_int_equal(do_commit(s.fd), 0);
        assert_true(is(&s, "mysql", "own") && is_gone(&s, "mysql" STAGING_NEW));
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 1);
        clear(&s);

        /* One that is left over. */
        make(&s, "mysql", "own");
        tear(&s, "mysql");
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), -EBADMSG);
        assert_non_null(strstr(text, "provision commit leaves"));
        assert_int_equal(do_commit(s.fd), 0);
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 1);
        assert_true(is(&s, "mysql", "own"));
        clear(&s);
        scratch_done(&s);
}

static void only_a_whole_copy_of_the_job_is_swapped_in(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* there is none */
        make(&s, "mysql" STAGING_NEW, "copy");
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* it is not sealed */
        seal(&s, JOB + 1);
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* of another one */
        assert_true(is(&s, "mysql", "own"));
        seal(&s, JOB);
        make(&s, "mysql" STAGING_OLD, "older");
        assert_int_equal(do_swap(s.fd), -ECANCELED); /* somebody's data have the name */
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 0);
        assert_non_null(strstr(text, "commit"));
        assert_true(is(&s, "mysql", "own") && is(&s, "mysql" STAGING_OLD, "older"));
        clear(&s);
        scratch_done(&s);
}

/* Own data are deleted by no other way than a commit of a copy. */
static void a_commit_deletes_only_what_a_copy_has_replaced(void **state) {
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(do_commit(s.fd), -ECANCELED); /* nothing was replaced */
        make(&s, "mysql" STAGING_OLD, "older");
        assert_int_equal(do_commit(s.fd), -ECANCELED); /* by no copy */
        assert_true(is(&s, "mysql" STAGING_OLD, "older"));
        clear(&s);
        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        assert_int_equal(do_commit(s.fd), 0);
        assert_true(is(&s, "mysql", "copy") && is_gone(&s, "mysql" STAGING_OLD));
        assert_true(is_gone(&s, "mysql" STAGING_NEW));
        /* From then on it is the own one. */
        assert_null(staging_note(s.fd, "mysql", false));
        assert_int_equal(do_back(s.fd), 0);
        assert_true(is(&s, "mysql", "copy"));
        clear(&s);
        scratch_done(&s);
}

static void a_rollback_without_the_old_data_is_refused(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        Scratch s = scratch_new();

        prepare(&s);
        assert_int_equal(do_swap(s.fd), 0);
        assert_int_equal(datadir_remove(s.fd, "mysql" STAGING_OLD), 0);
        assert_int_equal(staging_back(s.fd, "mysql", 0, text), 0);
        assert_true(is(&s, "mysql", "copy"));
        clear(&s);
        scratch_done(&s);
}

/* Before a server is stopped for a rollback. */
static void what_is_kept_is_told(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0);
        clear(&s);
        prepare(&s);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0); /* a copy beside it is none */
        assert_int_equal(do_swap(s.fd), 0);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 1);
        assert_int_equal(do_commit(s.fd), 0);
        assert_int_equal(staging_kept(s.fd, "mysql", text), 0);
        clear(&s);
        scratch_done(&s);
}

static void room_is_looked_for(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(staging_check(s.fd, "mysql", UINT64_C(1) << 60, false, text), 0);
        assert_non_null(strstr(text, "--force=space"));
        assert_int_equal(staging_check(s.fd, "mysql", UINT64_C(1) << 60, true, text), 1);
        clear(&s);
        scratch_done(&s);
}

static void data_elsewhere_are_found(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        make(&s, "mysql", "own");
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 1);
        scratch_put(&s, "mysql/lab/t.isl", "/srv/t.ibd", 10);
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 0);
        assert_non_null(strstr(text, "t.isl"));
        assert_int_equal(unlinkat(s.fd, "mysql/lab/t.isl", 0), 0);
        assert_int_equal(symlinkat("/srv", s.fd, "mysql/shop"), 0);
        assert_int_equal(staging_check(s.fd, "mysql", 0, true, text), 0);
        assert_non_null(strstr(text, "shop"));
        clear(&s);
        scratch_done(&s);
}

static void a_begin_removes_what_was_left(void **state) {
        char text[DATADIR_TEXT_MAX];
        Scratch s = scratch_new();

        prepare(&s);
        assert_int_equal(staging_begin(s.fd, "mysql", JOB, text), 1);
        assert_false(is(&s, "mysql" STAGING_NEW, "copy"));
        assert_false(is_gone(&s, "mysql" STAGING_NEW));
        assert_null(staging_note(s.fd, "mysql", true));
        clear(&s);
        scratch_done(&s);
}

#define CLONE "mainstay-clone"

static int do_hoist(int dirfd) {
        char text[DATADIR_TEXT_MAX] = "";

        return told(staging_hoist(dirfd, "mysql", CLONE, text), text);
}

/* Wherever it was cut off, and never without a clone. */
static void a_clone_goes_one_level_up(void **state) {
        Scratch s = scratch_new();
        unsigned n = 0;
        int r;

        do {
                assert_int_equal(mkdirat(s.fd, "mysql" STAGING_NEW, 0750), 0);
                assert_int_equal(do_hoist(s.fd), -ENOENT);
                make(&s, "mysql" STAGING_NEW "/" CLONE, "clone");
                scratch_puts(&s, "mysql" STAGING_NEW "/" CLONE "/mysql.ibd", "");
                r = crash_after(do_hoist, s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                assert_int_equal(do_hoist(s.fd), 0);
                assert_true(is(&s, "mysql" STAGING_NEW, "clone"));
                assert_true(is_gone(&s, "mysql" STAGING_NEW "/" CLONE));
                assert_int_equal(do_hoist(s.fd), 0);
                assert_int_equal(datadir_remove(s.fd, "mysql" STAGING_NEW), 0);
        } while (r == 1);
        scratch_done(&s);
}

static void half_a_clone_is_none(void **state) {
        Scratch s = scratch_new();

        assert_int_equal(do_hoist(s.fd), -ENOENT); /* there is no place */
        assert_int_equal(mkdirat(s.fd, "mysql" STAGING_NEW, 0750), 0);
        make(&s, "mysql" STAGING_NEW "/" CLONE, "clone");
        assert_int_equal(do_hoist(s.fd), -ENOENT); /* it has no dictionary */
        scratch_puts(&s, "mysql" STAGING_NEW "/mysql.ibd", "");
        assert_int_equal(do_hoist(s.fd), 0);
        assert_int_equal(unlinkat(s.fd, "mysql" STAGING_NEW "/ibdata1", 0), 0);
        assert_int_equal(do_hoist(s.fd), -ENOENT); /* nor tables */
        scratch_puts(&s, "mysql" STAGING_NEW "/" CLONE, "");
        assert_int_equal(do_hoist(s.fd), -ENOTDIR);
        clear(&s);
        scratch_done(&s);
}

static const Scratch *scene;

/* A name that the directory did not tell of as it was read. */
static void one_more(void) {
        scratch_puts(scene, "mysql" STAGING_NEW "/" CLONE "/late", "");
}

static void a_clone_is_whole_wherever_a_call_fails(void **state) {
        Scratch s = scratch_new();
        const char *failed;
        unsigned n = 0;

        scene = &s;
        do {
                int r;

                assert_int_equal(mkdirat(s.fd, "mysql" STAGING_NEW, 0750), 0);
                make(&s, "mysql" STAGING_NEW "/" CLONE, "clone");
                scratch_puts(&s, "mysql" STAGING_NEW "/" CLONE "/mysql.ibd", "");
                disk_fail(++n, EIO);
                if (n % 2 == 0)
                        disk_before("unlinkat", one_more);
                r = do_hoist(s.fd);
                failed = disk_failed();
                CHECK(r == (failed ? -EIO : 0), str_or(failed, "nothing"));
                assert_int_equal(do_hoist(s.fd), 0);
                assert_true(is(&s, "mysql" STAGING_NEW, "clone") && is_gone(&s, "mysql" STAGING_NEW "/" CLONE));
                clear(&s);
        } while (failed || n % 2);
        assert_true(n > 10);

        /* What is there already is not replaced. */
        assert_int_equal(mkdirat(s.fd, "mysql" STAGING_NEW, 0750), 0);
        make(&s, "mysql" STAGING_NEW "/" CLONE, "clone");
        scratch_puts(&s, "mysql" STAGING_NEW "/ibdata1", "another");
        assert_int_equal(do_hoist(s.fd), -EEXIST);
        assert_true(scratch_is(&s, "mysql" STAGING_NEW "/ibdata1", "another"));
        clear(&s);
        scratch_done(&s);
}

static void what_is_this_node_s_own_is_carried_over(void **state) {
        Scratch s = scratch_new();
        char text[DATADIR_TEXT_MAX] = "";
        const char *failed;
        unsigned n = 0;
        struct stat st;

        make(&s, "mysql", "own");
        make(&s, "mysql" STAGING_NEW, "copy");
        scratch_puts(&s, "mysql/mysqld-auto.cnf", "{}");
        scratch_puts(&s, "mysql/server-key.pem", "key");
        scratch_puts(&s, "mysql/ca.pem", "ours");
        scratch_puts(&s, "mysql/auto.cnf", "identity");
        scratch_puts(&s, "mysql" STAGING_NEW "/ca.pem", "theirs");
        assert_int_equal(fchmodat(s.fd, "mysql/server-key.pem", 0600, 0), 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(staging_carry(s.fd, "mysql", text), 1);
                assert_true(scratch_is(&s, "mysql" STAGING_NEW "/mysqld-auto.cnf", "{}"));
                assert_true(scratch_is(&s, "mysql" STAGING_NEW "/server-key.pem", "key"));
                assert_true(scratch_is(&s, "mysql" STAGING_NEW "/ca.pem", "theirs"));
                assert_true(is_gone(&s, "mysql" STAGING_NEW "/auto.cnf"));
        }
        assert_int_equal(fstatat(s.fd, "mysql" STAGING_NEW "/server-key.pem", &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0600);

        /* None is left out where a call fails, and it is said. */
        do {
                int r;

                assert_int_equal(unlinkat(s.fd, "mysql" STAGING_NEW "/server-key.pem", 0), 0);
                text[0] = 0;
                disk_fail(++n, EIO);
                r = staging_carry(s.fd, "mysql", text);
                failed = disk_failed();
                CHECK(r == 1 || (failed && r == -EIO && text[0]), str_or(failed, "nothing"));
                CHECK(r < 0 || scratch_is(&s, "mysql" STAGING_NEW "/server-key.pem", "key"), str_or(failed, "nothing"));
                assert_int_equal(staging_carry(s.fd, "mysql", text), 1);
                assert_true(scratch_is(&s, "mysql" STAGING_NEW "/server-key.pem", "key"));
        } while (failed);
        assert_true(n > 10);
        clear(&s);
        scratch_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_clone_goes_one_level_up),
                cmocka_unit_test(half_a_clone_is_none),
                cmocka_unit_test(a_clone_is_whole_wherever_a_call_fails),
                cmocka_unit_test(what_is_this_node_s_own_is_carried_over),
                cmocka_unit_test(a_swap_that_is_cut_off_goes_on),
                cmocka_unit_test(a_swap_that_is_cut_off_is_taken_back),
                cmocka_unit_test(what_is_taken_back_goes_on_being_so),
                cmocka_unit_test(a_commit_that_is_cut_off_goes_on),
                cmocka_unit_test(nothing_is_moved_under_a_server),
                cmocka_unit_test(what_is_no_copy_is_not_taken_for_one),
                cmocka_unit_test(what_is_kept_is_told_by_the_notes),
                cmocka_unit_test(a_discard_never_takes_the_own_data),
                cmocka_unit_test(a_torn_note_is_ended_by_a_person),
                cmocka_unit_test(only_a_whole_copy_of_the_job_is_swapped_in),
                cmocka_unit_test(a_commit_deletes_only_what_a_copy_has_replaced),
                cmocka_unit_test(a_rollback_without_the_old_data_is_refused),
                cmocka_unit_test(what_is_kept_is_told),
                cmocka_unit_test(room_is_looked_for),
                cmocka_unit_test(data_elsewhere_are_found),
                cmocka_unit_test(a_begin_removes_what_was_left),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
