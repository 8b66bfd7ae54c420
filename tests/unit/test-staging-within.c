/* The exchange where the datadir is a file system of its own: whatever cuts it off, no
 * entry is lost, it is told how far it has come, and it goes on, or back. */
#include "adapter/staging-within.h"
#include "crash.h"
#include "disk.h"
#include "staged.h"
#include "sys/file.h"

#include <sched.h>
#include <sys/mount.h>

#define NEW "mysql/" STAGING_NEW
#define OLD "mysql/" STAGING_OLD

typedef struct World {
        Scratch s;
        int fd; /* the datadir */
} World;

static void fill(const Scratch *s, const char *dir, const char *whose) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/ibdata1", dir);
        scratch_put(s, path, whose, strlen(whose));
        for (unsigned i = 0; i < 3; i++) {
                (void) snprintf(path, sizeof(path), "%s/db%u", dir, i);
                assert_int_equal(mkdirat(s->fd, path, 0700), 0);
                (void) snprintf(path, sizeof(path), "%s/db%u/t.ibd", dir, i);
                scratch_put(s, path, whose, strlen(whose));
        }
        (void) snprintf(path, sizeof(path), "%s/%s", dir, whose); /* what the other has not */
        scratch_put(s, path, whose, strlen(whose));
}

static bool is(const Scratch *s, const char *dir, const char *entry, const char *whose) {
        char path[160];

        (void) snprintf(path, sizeof(path), "%s/%s", dir, entry);
        return scratch_is(s, path, whose);
}

static bool has_all(const Scratch *s, const char *dir, const char *whose) {
        return is(s, dir, "ibdata1", whose) && is(s, dir, "db0/t.ibd", whose) && is(s, dir, "db1/t.ibd", whose) && is(s, dir, "db2/t.ibd", whose) && is(s, dir, whose, whose);
}

static bool is_gone(const Scratch *s, const char *name) {
        return faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

static World world_new(void) {
        /* Before anything is opened: of another namespace's mounts nothing can be mounted over. */
        bool apart = unshare(CLONE_NEWNS) >= 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) >= 0;
        World w = { .s = scratch_new() };
        char path[PATH_MAX];

        assert_int_equal(mkdirat(w.s.fd, "mysql", 0750), 0);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d/mysql", w.s.fd);
        if (!apart || mount("tmpfs", path, "tmpfs", 0, "mode=0750") < 0) {
                assert_int_equal(unlinkat(w.s.fd, "mysql", AT_REMOVEDIR), 0);
                scratch_done(&w.s);
                skip(); /* only root may mount */
        }
        w.fd = openat(w.s.fd, "mysql", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(w.fd >= 0);
        assert_int_equal(staging_within(w.s.fd, "mysql"), 1);
        return w;
}

/* As a fresh file system has it. */
static void prepare(World *w) {
        fill(&w->s, "mysql", "own");
        assert_int_equal(mkdirat(w->fd, "lost+found", 0700), 0);
        assert_int_equal(mkdirat(w->s.fd, NEW, 0750), 0);
        fill(&w->s, NEW, "copy");
        seal(&w->s, JOB);
}

static int remove_entry(int dirfd, const char *entry, void *userdata, char *text) {
        return datadir_remove(dirfd, entry) < 0 ? datadir_fail(-EIO, text, "%s is still there", entry) : 1;
}

static void world_clear(World *w) {
        char text[DATADIR_TEXT_MAX];

        assert_int_equal(datadir_each(w->fd, remove_entry, NULL, text), 1);
}

static void world_done(World *w) {
        char path[PATH_MAX];

        world_clear(w);
        closep(&w->fd);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d/mysql", w->s.fd);
        assert_int_equal(umount2(path, MNT_DETACH), 0);
        assert_int_equal(unlinkat(w->s.fd, "mysql", AT_REMOVEDIR), 0);
        scratch_done(&w->s);
}

/* Each entry is in one of the two places where it belongs, and what is said of the datadir is true. */
static void check_between(const World *w) {
        static const char *const entries[] = { "ibdata1", "db0/t.ibd", "db1/t.ibd", "db2/t.ibd" };
        Within state = within_state(w->fd);

        for (size_t i = 0; i < ELEMENTS(entries); i++) {
                assert_true(is(&w->s, "mysql", entries[i], "own") != is(&w->s, OLD, entries[i], "own"));
                assert_true(is(&w->s, "mysql", entries[i], "copy") != is(&w->s, NEW, entries[i], "copy"));
        }
        if (state == WITHIN_OWN)
                assert_true(has_all(&w->s, "mysql", "own"));
        if (state == WITHIN_COPY)
                assert_true(has_all(&w->s, "mysql", "copy"));
        if (state == WITHIN_COPY || state == WITHIN_ENTERING)
                assert_true(has_all(&w->s, OLD, "own"));
        if (state == WITHIN_LEAVING || state == WITHIN_ENTERING) {
                /* Nobody deletes anything now. */
                assert_int_equal(do_commit(w->s.fd), -ECANCELED);
                assert_int_equal(do_discard(w->s.fd), -ECANCELED);
        }
        assert_false(is_gone(&w->s, "mysql/lost+found"));
}

static void check_swapped(const World *w) {
        assert_int_equal(within_state(w->fd), WITHIN_COPY);
        assert_true(has_all(&w->s, "mysql", "copy") && has_all(&w->s, OLD, "own"));
        assert_true(is_gone(&w->s, NEW));
}

static void check_back(const World *w) {
        assert_int_equal(within_state(w->fd), WITHIN_OWN);
        assert_true(has_all(&w->s, "mysql", "own"));
        assert_true(is_gone(&w->s, "mysql/" WITHIN_WHOLE_NAME));
        assert_true(is_gone(&w->s, OLD) && is_gone(&w->s, "mysql/copy") && is_gone(&w->s, "mysql/" STAGING_NOTE));
        assert_int_equal(do_discard(w->s.fd), 0);
        assert_true(is_gone(&w->s, NEW) && has_all(&w->s, "mysql", "own"));
}

/* Kills `operation` after each of its system calls; then goes on by `then`. */
static void cut_off(crash_operation_t before, crash_operation_t operation, crash_operation_t then, void (*check)(const World *)) {
        World w = world_new();
        unsigned n = 0, seen = 0;
        int r;

        do {
                prepare(&w);
                if (before)
                        assert_int_equal(before(w.s.fd), 0);
                r = crash_after(operation, w.s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                seen |= 1U << within_state(w.fd);
                check_between(&w);
                assert_int_equal(then(w.s.fd), 0);
                check(&w);
                world_clear(&w);
        } while (r == 1);
        /* All four were among them. */
        assert_int_equal(seen, 1U << WITHIN_OWN | 1U << WITHIN_LEAVING | 1U << WITHIN_ENTERING | 1U << WITHIN_COPY);
        world_done(&w);
}

/* Lets each call of `operation` fail once; then goes on by `then`. What fails is no refusal. */
static void fail_each(crash_operation_t before, crash_operation_t operation, crash_operation_t then, void (*check)(const World *)) {
        static const int errors[] = { EIO, ENOSPC };
        World w = world_new();

        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        int r;

                        prepare(&w);
                        if (before)
                                assert_int_equal(before(w.s.fd), 0);
                        disk_fail(++n, errors[e]);
                        r = operation(w.s.fd);
                        failed = disk_failed();
                        CHECK(r == 0 || (failed && (r == -errors[e] || r == -EIO)), str_or(failed, "nothing"));
                        if (operation != do_commit && operation != do_discard)
                                check_between(&w);
                        if (r == 0 && operation == then)
                                check(&w);
                        assert_int_equal(then(w.s.fd), 0);
                        check(&w);
                        world_clear(&w);
                } while (failed);
                assert_true(n > 10);
        }
        world_done(&w);
}

static void check_committed(const World *w) {
        assert_true(has_all(&w->s, "mysql", "copy"));
        assert_true(is_gone(&w->s, OLD) && is_gone(&w->s, NEW) && is_gone(&w->s, "mysql/" STAGING_NOTE));
}

static void whatever_call_fails_it_is_said_and_goes_on(void **state) {
        fail_each(NULL, do_swap, do_swap, check_swapped);
        fail_each(NULL, do_swap, do_back, check_back);
        fail_each(do_swap, do_back, do_back, check_back);
        fail_each(do_swap, do_commit, do_commit_again, check_committed);
        fail_each(do_swap, do_kept, do_kept, check_swapped);
}

/* NFS, for one. */
static void without_the_kernel_s_help_nothing_is_replaced(void **state) {
        static const int errors[] = { EINVAL, ENOSYS };
        World w = world_new();

        for (size_t e = 0; e < ELEMENTS(errors); e++) {
                const char *failed;
                unsigned n = 0;

                do {
                        int r;

                        prepare(&w);
                        disk_fail_each("renameat2", errors[e]);
                        disk_fail(++n, EIO);
                        r = do_swap(w.s.fd);
                        failed = disk_failed();
                        CHECK(r == 0 || (failed && r == -EIO), str_or(failed, "nothing"));
                        check_between(&w);
                        assert_int_equal(do_back(w.s.fd), 0);
                        check_back(&w);
                        world_clear(&w);
                } while (failed);
                assert_true(n > 10);
                /* Somebody has made one of these anew: neither is lost. */
                prepare(&w);
                assert_int_equal(mkdirat(w.s.fd, OLD, 0750), 0);
                scratch_puts(&w.s, OLD "/ibdata1", "older");
                disk_fail_each("renameat2", errors[e]);
                assert_int_equal(do_swap(w.s.fd), -EEXIST);
                (void) disk_failed();
                assert_true(scratch_is(&w.s, "mysql/ibdata1", "own") && scratch_is(&w.s, OLD "/ibdata1", "older"));
                world_clear(&w);
        }
        world_done(&w);
}

static void a_swap_that_is_cut_off_goes_on(void **state) {
        cut_off(NULL, do_swap, do_swap, check_swapped);
}

static void a_swap_that_is_cut_off_is_taken_back(void **state) {
        cut_off(NULL, do_swap, do_back, check_back);
}

static void what_is_taken_back_goes_on_being_so(void **state) {
        cut_off(do_swap, do_back, do_back, check_back);
}

static void what_is_taken_back_may_be_swapped_again(void **state) {
        cut_off(do_swap, do_back, do_swap, check_swapped);
}

/* Once it has begun, nothing half deleted is put back. */
static void a_commit_that_is_cut_off_goes_on(void **state) {
        World w = world_new();
        unsigned n = 0;
        int r;

        do {
                prepare(&w);
                assert_int_equal(do_swap(w.s.fd), 0);
                r = crash_after(do_commit, w.s.fd, ++n);
                if (r == -EPERM)
                        skip();
                assert_true(r >= 0);
                assert_true(has_all(&w.s, "mysql", "copy"));
                if (is_gone(&w.s, OLD) && !is_gone(&w.s, "mysql/" STAGING_NOTE))
                        assert_int_equal(do_back(w.s.fd), -ECANCELED);
                assert_int_equal(do_commit_again(w.s.fd), 0);
                assert_true(has_all(&w.s, "mysql", "copy") && is_gone(&w.s, OLD) && is_gone(&w.s, NEW) && is_gone(&w.s, "mysql/" STAGING_NOTE));
                world_clear(&w);
        } while (r == 1);
        world_done(&w);
}

static void only_a_whole_copy_of_the_job_is_swapped_in(void **state) {
        char text[DATADIR_TEXT_MAX];
        World w = world_new();

        fill(&w.s, "mysql", "own");
        assert_int_equal(do_swap(w.s.fd), -ECANCELED); /* there is none */
        assert_int_equal(staging_begin(w.s.fd, "mysql", JOB, text), 1);
        assert_false(is_gone(&w.s, NEW));
        fill(&w.s, NEW, "copy");
        assert_int_equal(do_swap(w.s.fd), -ECANCELED); /* it is not sealed */
        seal(&w.s, JOB + 1);
        assert_int_equal(do_swap(w.s.fd), -ECANCELED); /* of another one */
        seal(&w.s, JOB);
        assert_int_equal(staging_check(w.s.fd, "mysql", 0, true, text), 1);
        assert_int_equal(staging_kept(w.s.fd, "mysql", text), 0);
        assert_int_equal(do_swap(w.s.fd), 0);
        assert_int_equal(staging_kept(w.s.fd, "mysql", text), 1);
        assert_int_equal(staging_check(w.s.fd, "mysql", 0, true, text), 0);
        assert_non_null(strstr(text, "commit"));
        world_done(&w);
}

static void a_torn_note_is_ended_by_a_person(void **state) {
        _cleanup_free_ char *note = NULL;
        char text[DATADIR_TEXT_MAX] = "";
        World w = world_new();

        prepare(&w);
        note = scratch_get(&w.s, NEW "/" STAGING_NOTE);
        scratch_puts(&w.s, NEW "/" STAGING_NOTE, "{");
        assert_int_equal(staging_swap(w.s.fd, "mysql", JOB, text), -EBADMSG);
        assert_non_null(strstr(text, STAGING_NOTE " in " NEW " is damaged"));
        assert_non_null(strstr(text, "mainstayctl provision commit leaves what is in mysql, and"));
        scratch_puts(&w.s, NEW "/" STAGING_NOTE, note);
        assert_int_equal(do_swap(w.s.fd), 0);
        scratch_puts(&w.s, "mysql/" STAGING_NOTE, "{");
        assert_int_equal(staging_back(w.s.fd, "mysql", JOB, text), -EBADMSG);
        assert_non_null(strstr(text, STAGING_NOTE " in mysql is damaged"));
        assert_non_null(strstr(text, "in " OLD ": mainstayctl provision rollback puts them back, provision commit deletes"));
        assert_true(has_all(&w.s, "mysql", "copy"));
        assert_int_equal(staging_kept(w.s.fd, "mysql", text), 1);
        assert_int_equal(staging_back(w.s.fd, "mysql", 0, text), 1);
        assert_int_equal(staging_discard(w.s.fd, "mysql", 0, text), 1);
        assert_true(has_all(&w.s, "mysql", "own") && is_gone(&w.s, OLD) && is_gone(&w.s, NEW));
        world_done(&w);
}

/* A person has been there: what is in place is whole, and nothing is under way. */
static void what_a_person_has_taken_away_is_no_exchange(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        World w = world_new();

        prepare(&w);
        assert_int_equal(do_swap(w.s.fd), 0);
        assert_int_equal(unlinkat(w.fd, STAGING_NOTE, 0), 0);
        assert_int_equal(within_state(w.fd), WITHIN_OWN);
        assert_int_equal(staging_back(w.s.fd, "mysql", 0, text), 0);
        assert_int_equal(do_commit(w.s.fd), -ECANCELED);
        assert_true(has_all(&w.s, OLD, "own") && has_all(&w.s, "mysql", "copy"));
        world_clear(&w);
        /* Some of the old data: they are not put back, for they are not all. */
        prepare(&w);
        assert_int_equal(do_swap(w.s.fd), 0);
        assert_int_equal(datadir_remove(w.fd, STAGING_OLD "/db1"), 0);
        assert_int_equal(datadir_remove(w.fd, STAGING_OLD "/" WITHIN_WHOLE_NAME), 0);
        assert_int_equal(within_state(w.fd), WITHIN_COPY);
        assert_int_equal(staging_back(w.s.fd, "mysql", 0, text), 0);
        assert_non_null(strstr(text, "not all kept"));
        assert_true(has_all(&w.s, "mysql", "copy"));
        assert_int_equal(do_commit(w.s.fd), 0);
        assert_true(is_gone(&w.s, OLD) && has_all(&w.s, "mysql", "copy"));
        world_clear(&w);
        /* All of them, and the note stays: the next copy is none the worse. */
        prepare(&w);
        assert_int_equal(do_swap(w.s.fd), 0);
        assert_int_equal(datadir_remove(w.fd, STAGING_OLD), 0);
        assert_int_equal(staging_begin(w.s.fd, "mysql", JOB + 1, text), 1);
        assert_int_equal(staging_discard(w.s.fd, "mysql", JOB + 1, text), 1);
        world_done(&w);
}

/* Of which job it is, and whether it is under way, is asked before anything is moved. */
static void what_is_of_another_job_stays(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        World w = world_new();

        prepare(&w);
        assert_int_equal(within_back(w.fd, text), 1); /* they are in place */
        assert_true(has_all(&w.s, "mysql", "own") && has_all(&w.s, NEW, "copy"));
        assert_int_equal(do_kept(w.s.fd), -ECANCELED);
        assert_int_equal(mkdirat(w.s.fd, OLD, 0750), 0);
        assert_int_equal(within_state(w.fd), WITHIN_LEAVING);
        assert_int_equal(do_kept(w.s.fd), 0);
        scratch_puts(&w.s, OLD "/" STAGING_NOTE, "{\"job\": 3}");
        scratch_puts(&w.s, NEW "/" WITHIN_WHOLE_NAME, "of the other node");
        assert_int_equal(do_swap(w.s.fd), 0);
        assert_true(is_gone(&w.s, "mysql/" WITHIN_WHOLE_NAME));
        assert_int_equal(staging_swap(w.s.fd, "mysql", JOB + 1, text), 0);
        assert_non_null(strstr(text, "in the way"));
        assert_int_equal(staging_back(w.s.fd, "mysql", JOB + 1, text), 1); /* nothing of it is in place */
        assert_int_equal(do_discard(w.s.fd), 0); /* there is no other copy */
        check_swapped(&w);
        assert_int_equal(do_kept(w.s.fd), 0);
        assert_int_equal(do_back(w.s.fd), 0);
        assert_true(scratch_is(&w.s, "mysql/" STAGING_NOTE, "{\"job\": 3}"));
        world_clear(&w);
        /* No note tells of an exchange: what is set aside is not to be written over. */
        prepare(&w);
        assert_int_equal(do_swap(w.s.fd), 0);
        assert_int_equal(renameat(w.fd, STAGING_NOTE, w.fd, "x"), 0);
        assert_int_equal(do_swap(w.s.fd), -ECANCELED);
        assert_int_equal(renameat(w.fd, "x", w.fd, STAGING_NOTE), 0);
        assert_int_equal(datadir_remove(w.fd, STAGING_OLD "/" WITHIN_WHOLE_NAME), 0);
        assert_int_equal(do_kept(w.s.fd), -ECANCELED);
        /* A commit that was cut off has them there, or a part of them. */
        assert_int_equal(renameat(w.fd, STAGING_OLD, w.fd, STAGING_NEW), 0);
        assert_int_equal(do_discard(w.s.fd), -ECANCELED);
        assert_true(is(&w.s, NEW, "ibdata1", "own"));
        assert_int_equal(datadir_remove(w.fd, STAGING_NEW), 0);
        assert_int_equal(do_discard(w.s.fd), 0);
        assert_true(has_all(&w.s, "mysql", "copy"));
        world_done(&w);
}

/* And has put them back by hand, with the file that says that they are all there. */
static int put_back_by_hand(int dirfd) {
        _cleanup_close_ int fd = openat(dirfd, "mysql", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? -errno : file_write(fd, WITHIN_WHOLE_NAME, "", 0, 0644);

        return r < 0 ? r : file_write(fd, STAGING_NOTE, "{\"job\": 3}", 10, 0644);
}

static void check_own(const World *w) {
        assert_int_equal(within_state(w->fd), WITHIN_OWN);
        assert_true(has_all(&w->s, "mysql", "own") && is_gone(&w->s, OLD) && is_gone(&w->s, "mysql/copy"));
}

static void what_a_person_has_put_back_misleads_nobody(void **state) {
        cut_off(put_back_by_hand, do_swap, do_back, check_own);
        cut_off(put_back_by_hand, do_swap, do_swap, check_swapped);
}

/* The file system of the data was not mounted when the copy was made, or is not now. */
static void what_lies_beside_a_mount_is_not_guessed_at(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        World w = world_new();

        prepare(&w);
        assert_int_equal(mkdirat(w.s.fd, "mysql" STAGING_OLD, 0700), 0);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal((i == 0 ? staging_back : staging_swap)(w.s.fd, "mysql", JOB, text), -ESTALE);
                assert_non_null(strstr(text, "mysql" STAGING_OLD));
        }
        assert_int_equal(staging_commit(w.s.fd, "mysql", text), -ESTALE);
        assert_int_equal(unlinkat(w.s.fd, "mysql" STAGING_OLD, AT_REMOVEDIR), 0);
        assert_int_equal(mkdirat(w.s.fd, "mysql" STAGING_NEW, 0700), 0);
        assert_int_equal(staging_swap(w.s.fd, "mysql", JOB, text), -ESTALE);
        assert_non_null(strstr(text, "mysql" STAGING_NEW));
        assert_int_equal(unlinkat(w.s.fd, "mysql" STAGING_NEW, AT_REMOVEDIR), 0);
        assert_true(has_all(&w.s, "mysql", "own") && has_all(&w.s, NEW, "copy"));
        assert_int_equal(staging_back(w.s.fd, "nothing", JOB, text), -ENOENT);
        assert_non_null(strstr(text, "mounted"));
        world_done(&w);
}

/* Begun there, it is gone on with there, whatever is a file system of its own by now. */
static void what_lies_within_stays_so(void **state) {
        char text[DATADIR_TEXT_MAX] = "";
        World w = world_new();

        prepare(&w);
        assert_int_equal(do_swap(w.s.fd), 0);
        assert_int_equal(mkdirat(w.fd, "deeper", 0750), 0);
        for (size_t i = 0; i < 3; i++) {
                static const char *const entries[] = { STAGING_NOTE, STAGING_OLD, "ibdata1" };
                char to[64];

                (void) snprintf(to, sizeof(to), "deeper/%s", entries[i]);
                assert_int_equal(renameat(w.fd, entries[i], w.fd, to), 0);
        }
        assert_true(staging_within(w.fd, "deeper"));
        assert_int_equal(staging_commit(w.fd, "deeper", text), 1);
        assert_true(scratch_is(&w.s, "mysql/deeper/ibdata1", "copy") && is_gone(&w.s, "mysql/deeper/" STAGING_OLD));
        world_done(&w);
}

static void what_is_staged_is_no_part_of_the_data(void **state) {
        World w = world_new();
        uint64_t before, after;
        char *bytes = calloc(1, 1024 * 1024);

        assert_non_null(bytes);
        fill(&w.s, "mysql", "own");
        assert_int_equal(datadir_size(w.fd, &before), 0);
        assert_int_equal(mkdirat(w.s.fd, NEW, 0750), 0);
        scratch_put(&w.s, NEW "/ibdata1", bytes, 1024 * 1024);
        assert_int_equal(datadir_size(w.fd, &after), 0);
        assert_int_equal(after, before);
        free(bytes);
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_swap_that_is_cut_off_goes_on),
                cmocka_unit_test(a_swap_that_is_cut_off_is_taken_back),
                cmocka_unit_test(what_is_taken_back_goes_on_being_so),
                cmocka_unit_test(what_is_taken_back_may_be_swapped_again),
                cmocka_unit_test(a_commit_that_is_cut_off_goes_on),
                cmocka_unit_test(whatever_call_fails_it_is_said_and_goes_on),
                cmocka_unit_test(without_the_kernel_s_help_nothing_is_replaced),
                cmocka_unit_test(only_a_whole_copy_of_the_job_is_swapped_in),
                cmocka_unit_test(a_torn_note_is_ended_by_a_person),
                cmocka_unit_test(what_a_person_has_taken_away_is_no_exchange),
                cmocka_unit_test(what_is_of_another_job_stays),
                cmocka_unit_test(what_a_person_has_put_back_misleads_nobody),
                cmocka_unit_test(what_lies_beside_a_mount_is_not_guessed_at),
                cmocka_unit_test(what_lies_within_stays_so),
                cmocka_unit_test(what_is_staged_is_no_part_of_the_data),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
