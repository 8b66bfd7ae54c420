/* Files that change in every way that files change, and a datadir in which a
 * server is busy with others.
 */
#include "adapter/watch.h"
#include "loop.h"

#include <sys/mman.h>

typedef struct World {
        char *dir;      /* the test's */
        char data[512]; /* what is watched, in it */
        sd_event *event;
        Watch *watch;
        unsigned changes;
        int r;
        char seen[64]; /* what grastate.dat held when we were last told; "-" where there was none */
} World;

static void moved(Watch *watch, int r, void *userdata) {
        World *w = userdata;
        char path[1024];
        int fd;

        w->changes++;
        w->r = r;
        (void) snprintf(path, sizeof(path), "%s/grastate.dat", w->data);
        (void) snprintf(w->seen, sizeof(w->seen), "-");
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        ssize_t n = read(fd, w->seen, sizeof(w->seen) - 1);
        assert_true(n >= 0);
        w->seen[n] = '\0';
        (void) close(fd);
}

static const char *const names[] = { "grastate.dat", "gvwstate.dat", NULL };

static int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->dir = directory_make();
        (void) snprintf(w->data, sizeof(w->data), "%s/data", w->dir);
        assert_int_equal(mkdir(w->data, 0755), 0);
        assert_true(sd_event_new(&w->event) >= 0);
        assert_int_equal(watch_new(w->event, moved, w, &w->watch), 0);
        *state = w;
        return 0;
}

static int teardown(void **state) {
        World *w = *state;

        w->watch = watch_free(w->watch);
        assert_null(sd_event_unref(w->event));
        directory_remove(w->dir);
        free(w);
        return 0;
}

static void put(const World *w, const char *name, const char *text) {
        file_put(w->data, name, text, 0644);
}

static void shell(const World *w, const char *command) {
        _cleanup_free_ char *line = NULL;

        assert_true(asprintf(&line, "cd %s && { %s\n}", w->dir, command) > 0);
        if (system(line) != 0)
                fail_msg("%s", command);
}

/* Steps that must be seen, one after the other. After each the file holds `seen`. */
typedef struct Step {
        const char *command, *seen;
} Step;

static void run_steps(World *w, const char *what, const Step *steps) {
        for (size_t i = 0; steps[i].command; i++) {
                loop_drain(w->event);
                unsigned before = w->changes;
                shell(w, steps[i].command);
                usec_t end = clock_usec() + LOOP_DEADLINE;
                while (w->changes == before || !streq(w->seen, steps[i].seen)) {
                        if (clock_usec() > end)
                                fail_msg("%s: not seen: %s (told %u times, saw \"%s\")", what, steps[i].command, w->changes - before, w->seen);
                        assert_true(sd_event_run(w->event, 100 * USEC_PER_MSEC) >= 0);
                }
                assert_int_equal(w->r, 0);
        }
}

#define STEPS_MAX 8

static const struct {
        const char *what;
        Step steps[STEPS_MAX];
} scenarios[] = {
        { "written in place", { { "printf a >data/grastate.dat", "a" }, { "printf b >>data/grastate.dat", "ab" }, { "printf c 1<>data/grastate.dat", "cb" }, { ": >data/grastate.dat", "" } } },
        { "renamed over", { { "printf a >data/x; mv data/x data/grastate.dat", "a" }, { "printf b >data/x; mv data/x data/grastate.dat", "b" }, { "printf c >>data/grastate.dat", "bc" } } },
        { "deleted and made anew", { { "printf a >data/grastate.dat", "a" }, { "rm data/grastate.dat", "-" }, { "printf b >data/grastate.dat", "b" }, { "rm data/grastate.dat; printf c >data/grastate.dat", "c" }, { "printf d >>data/grastate.dat", "cd" } } },
        { "moved in and out", { { "printf a >x; mv x data/grastate.dat", "a" }, { "printf b >>data/grastate.dat", "ab" }, { "mv data/grastate.dat data/old", "-" }, { "mv data/old data/grastate.dat", "ab" }, { "mv data/grastate.dat x", "-" }, { "printf c >data/grastate.dat", "c" } } },
        { "linked", { { "printf a >x; ln x data/grastate.dat", "a" }, { "printf b >>x", "ab" }, { "rm data/grastate.dat", "-" } } },
        { "closed to us and open again", { { "printf a >data/grastate.dat", "a" }, { "chmod 0 data/grastate.dat; chmod 644 data/grastate.dat", "a" }, { "printf b >>data/grastate.dat", "ab" } } },
        { "the directory replaced", { { "printf a >data/grastate.dat", "a" }, { "mkdir new; printf b >new/grastate.dat; mv data old; mv new data", "b" }, { "printf c >>data/grastate.dat", "bc" }, { "rm -r data; mkdir data", "-" }, { "printf d >data/grastate.dat", "d" } } },
        { "the directory away, and back", { { "printf a >data/grastate.dat", "a" }, { "mv data elsewhere", "-" }, { "mv elsewhere data", "a" }, { "printf b >>data/grastate.dat", "ab" }, { "rm -r data", "-" }, { "mkdir data; printf c >data/grastate.dat", "c" }, { "printf d >>data/grastate.dat", "cd" } } },
        { "the directory a link that moves", { { "mv data one; mkdir two; printf b >two/grastate.dat; printf a >one/grastate.dat; ln -s one data", "a" }, { "printf c >>one/grastate.dat", "ac" }, { "ln -sfn two data", "b" }, { "printf c >>data/grastate.dat", "bc" } } },
        { "the target of a link replaced", { { "mkdir far; mv data far/one; ln -s far/one data; printf a >data/grastate.dat", "a" }, { "mv far/one far/old", "-" }, { "mkdir far/one; printf b >far/one/grastate.dat", "b" }, { "printf c >>data/grastate.dat", "bc" } } },
};

static void test_scenarios(void **state) {
        for (size_t i = 0; i < ELEMENTS(scenarios); i++) {
                assert_int_equal(setup(state), 0);
                World *w = *state;
                assert_int_equal(watch_add(w->watch, w->data, names), 0);
                run_steps(w, scenarios[i].what, scenarios[i].steps);
                assert_int_equal(teardown(state), 0);
        }
}

/* One that is not there when we begin, nor what is above it. */
static void test_absent(void **state) {
        World *w = *state;
        static const Step steps[] = {
                { "mkdir a", "-" },
                { "mkdir a/b", "-" },
                { "mkdir a/b/data; printf a >a/b/data/grastate.dat", "a" },
                { "printf b >>a/b/data/grastate.dat", "ab" },
                { "rm -r a", "-" },
                { "mkdir -p a/b/data; printf c >a/b/data/grastate.dat", "c" },
                {},
        };

        (void) snprintf(w->data, sizeof(w->data), "%s/a/b/data", w->dir);
        assert_int_equal(watch_add(w->watch, w->data, names), 1);
        run_steps(w, "absent at first", steps);
}

/* The name may be that of no directory at all. */
static void test_not_a_directory(void **state) {
        World *w = *state;
        static const Step steps[] = {
                { "rmdir data; printf x >data", "-" },
                { "rm data; mkdir data; printf a >data/grastate.dat", "a" },
                {},
        };

        assert_int_equal(watch_add(w->watch, w->data, names), 0);
        run_steps(w, "a file in its place", steps);
}

static unsigned wakeups(sd_event *event) {
        unsigned n = 0;

        while (sd_event_run(event, 0) > 0)
                n++;
        return n;
}

/* What mysqld does all day does not wake us; and in the middle of it the one
 * change that matters is seen at once. */
static void test_busy(void **state) {
        World *w = *state;
        char buf[4096] = "", path[1024];
        int ib, gra;

        put(w, "ibdata1", "");
        put(w, "galera.cache", "");
        put(w, "grastate.dat", "before");
        assert_int_equal(watch_add(w->watch, w->data, names), 0);
        (void) snprintf(path, sizeof(path), "%s/ibdata1", w->data);
        ib = open(path, O_RDWR | O_CLOEXEC);
        (void) snprintf(path, sizeof(path), "%s/galera.cache", w->data);
        int cache = open(path, O_RDWR | O_CLOEXEC);
        (void) snprintf(path, sizeof(path), "%s/grastate.dat", w->data);
        gra = open(path, O_RDWR | O_CLOEXEC);
        assert_true(ib >= 0 && cache >= 0 && gra >= 0);
        assert_int_equal(ftruncate(cache, 1 << 20), 0);
        char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, cache, 0);
        assert_true(map != MAP_FAILED);
        (void) wakeups(w->event);

        unsigned woken = 0;
        for (size_t i = 0; i < 1000; i++) {
                assert_int_equal(pwrite(ib, buf, sizeof(buf), (off_t) (i * sizeof(buf))), sizeof(buf));
                map[i * 1000] = 'x';
                if (i % 100 == 0)
                        assert_int_equal(fdatasync(ib), 0);
                woken += wakeups(w->event);
        }
        assert_int_equal(woken, 0);
        assert_int_equal(w->changes, 0);

        /* As libgalera does it: written in place, synced, never closed. */
        usec_t begin = clock_usec();
        assert_int_equal(pwrite(gra, "after!", 6, 0), 6);
        LOOP_UNTIL(w->event, w->changes == 1);
        usec_t took = clock_usec() - begin;
        assert_string_equal(w->seen, "after!");
        print_message("seen after %u us\n", (unsigned) took);
        assert_true(took < 1 * USEC_PER_SEC); /* no timer is involved, only the machine's load */

        (void) munmap(map, 1 << 20);
        (void) close(ib);
        (void) close(cache);
        (void) close(gra);
}

/* Names that do not matter wake us, for the kernel cannot tell them apart, but are not passed on. */
static void test_other_names(void **state) {
        World *w = *state;

        assert_int_equal(watch_add(w->watch, w->data, names), 0);
        shell(w, "touch data/ib_buffer_pool; mv data/ib_buffer_pool data/y; rm data/y; mkdir data/db; touch data/db/grastate.dat; touch grastate.dat");
        loop_drain(w->event);
        assert_int_equal(w->changes, 0);
}

/* Where every name matters. */
static void test_all_names(void **state) {
        World *w = *state;
        static const char *const commands[] = { "touch data/a.cnf", "printf x >data/a.cnf", "mv data/a.cnf data/b.cnf", "rm data/b.cnf" };

        assert_int_equal(watch_add(w->watch, w->data, NULL), 0);
        for (size_t i = 0; i < ELEMENTS(commands); i++) {
                unsigned before = w->changes;
                shell(w, commands[i]);
                LOOP_UNTIL(w->event, w->changes > before);
                loop_drain(w->event);
        }
}

/* More than the kernel keeps: then anything may have changed, and is. */
static void test_overflow(void **state) {
        World *w = *state;
        char path[1024];
        FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
        unsigned max;

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%u", &max), 1);
        (void) fclose(f);
        if (max > 100000)
                skip();

        put(w, "grastate.dat", "before");
        assert_int_equal(watch_add(w->watch, w->data, names), 0);
        (void) snprintf(path, sizeof(path), "%s/other", w->data);
        for (unsigned i = 0; i <= max / 2; i++) {
                int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                assert_true(fd >= 0);
                (void) close(fd);
                assert_int_equal(unlink(path), 0);
        }
        /* All of this is lost, even that it is another file now. */
        shell(w, "rm data/grastate.dat; printf after >data/grastate.dat");
        LOOP_UNTIL(w->event, w->changes > 0 && streq(w->seen, "after"));
        loop_drain(w->event);

        static const Step steps[] = { { "printf x >>data/grastate.dat", "afterx" }, {} };
        run_steps(w, "after an overflow", steps);
}

static void test_bounds(void **state) {
        World *w = *state;
        const char *many[WATCH_NAMES_MAX + 2] = {};
        char path[1024];

        assert_int_equal(watch_add(w->watch, "data", names), -EINVAL);
        for (size_t i = 0; i < WATCH_NAMES_MAX + 1; i++)
                many[i] = "x";
        assert_int_equal(watch_add(w->watch, w->data, many), -E2BIG);
        assert_int_equal(watch_add(w->watch, w->data, names), 0);
        (void) snprintf(path, sizeof(path), "%s//", w->data);
        assert_int_equal(watch_add(w->watch, path, names), -EEXIST);
        for (size_t i = 1; i < WATCH_DIRS_MAX; i++) {
                (void) snprintf(path, sizeof(path), "%s/%zu", w->dir, i);
                assert_int_equal(watch_add(w->watch, path, names), 1);
        }
        (void) snprintf(path, sizeof(path), "%s/more", w->dir);
        assert_int_equal(watch_add(w->watch, path, names), -E2BIG);
}

/* Two paths to one directory, and a directory above another: none takes the other's watch away. */
static void test_shared(void **state) {
        World *w = *state;
        char path[1024];
        static const char *const above[] = { "note", NULL };

        shell(w, "ln -s data link");
        assert_int_equal(watch_add(w->watch, w->data, names), 0);
        (void) snprintf(path, sizeof(path), "%s/link", w->dir);
        assert_int_equal(watch_add(w->watch, path, names), 0);
        assert_int_equal(watch_add(w->watch, w->dir, above), 0);

        static const Step steps[] = {
                { "printf a >data/grastate.dat", "a" },
                { "touch note", "a" },
                { "rm link", "a" },
                { "printf b >>data/grastate.dat", "ab" },
                { "rm note", "ab" },
                { "rm -r data", "-" },
                { "mkdir data; printf c >data/grastate.dat", "c" },
                { "touch note", "c" },
                {},
        };
        run_steps(w, "shared", steps);
}

static void free_in_callback(Watch *watch, int r, void *userdata) {
        World *w = userdata;

        w->changes++;
        w->watch = watch_free(watch);
}

static void test_free_in_callback(void **state) {
        World *w = *state;

        w->watch = watch_free(w->watch);
        assert_int_equal(watch_new(w->event, free_in_callback, w, &w->watch), 0);
        assert_int_equal(watch_add(w->watch, w->data, names), 0);
        put(w, "grastate.dat", "a");
        LOOP_UNTIL(w->event, w->changes == 1);
        put(w, "grastate.dat", "b");
        loop_drain(w->event);
        assert_int_equal(w->changes, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scenarios),
                cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
                cmocka_unit_test_setup_teardown(test_not_a_directory, setup, teardown),
                cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_all_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
                cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
                cmocka_unit_test_setup_teardown(test_free_in_callback, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
