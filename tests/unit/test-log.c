/* What goes to the journal, field by field: what is said is found by whom it is about, and
 * where memory is short, the rest is said all the same. For the linker's --wrap. */
#include "memory.h"
#include "scratch.h"
#include "sys/log.h"

#include <sys/uio.h>

#define SENT_MAX 160

static struct {
        int n;
        char *field[SENT_MAX];
} sent;

int __wrap_sd_journal_sendv(const struct iovec *iov, int n);
int __wrap_sd_journal_sendv(const struct iovec *iov, int n) {
        assert_true(n <= SENT_MAX);
        for (int i = 0; i < sent.n; i++)
                free(sent.field[i]);
        sent.n = 0;
        (void) memory_refused();
        for (int i = 0; i < n; i++)
                sent.field[sent.n++] = strndup(iov[i].iov_base, iov[i].iov_len);
        return 0;
}

/* How often that field was sent. */
static unsigned has(const char *field) {
        unsigned times = 0;

        for (int i = 0; i < sent.n; i++)
                times += streq(sent.field[i], field);
        return times;
}

static void a_line_says_whose_it_is(void **state) {
        (void) state;
        log_warning("%s is %d", "this", 5);
        assert_int_equal(sent.n, 2);
        assert_true(has("MESSAGE=this is 5") && has("PRIORITY=4"));
        log_set_node("db1");
        log_set_state("ONLINE");
        log_info("more");
        assert_int_equal(sent.n, 4);
        assert_true(has("PRIORITY=6") && has(FIELD_NODE "=db1") && has(FIELD_STATE "=ONLINE"));
        log_set_node(NULL);
        log_set_state(NULL);
        log_info("more");
        assert_int_equal(sent.n, 2);
}

static void an_event_has_its_fields(void **state) {
        (void) state;
        log_event(LOG_NOTICE, "0123", "It is so.", FIELD_PEER, "db2  db3 ", FIELD_REASON, "two\nlines", FIELD_CLAIM, NULL, NULL);
        assert_true(has("MESSAGE=It is so.") && has("PRIORITY=5") && has("MESSAGE_ID=0123") && has(FIELD_REASON "=two\nlines"));
        /* By each node that it is about it is found. */
        assert_true(has(FIELD_PEER "=db2") && has(FIELD_PEER "=db3"));
        assert_int_equal(sent.n, 6);
        /* Without the words the fields say it. */
        log_event(LOG_NOTICE, "0123", NULL, FIELD_PEER, "db2", NULL);
        assert_true(has("MESSAGE=(memory is short: see the fields)") && has("MESSAGE_ID=0123") && has(FIELD_PEER "=db2"));
}

/* Many nodes, and more than there is room for. */
static void a_message_is_bounded(void **state) {
        char peers[200 * 4 + 1] = "";

        (void) state;
        for (unsigned i = 0; i < 200; i++)
                (void) strcat(peers, "dbx ");
        log_event(LOG_INFO, "0123", "All.", FIELD_PEER, peers, FIELD_REASON, "none is left", NULL);
        assert_int_equal(sent.n, 128);
        assert_int_equal(has(FIELD_PEER "=dbx"), 125);
        assert_true(has("MESSAGE=All.") && has("MESSAGE_ID=0123"));
}

static void where_memory_is_short_the_rest_is_said(void **state) {
        _cleanup_free_ char *text = NULL;

        (void) state;
        for (unsigned n = 1; n <= 4; n++) {
                memory_refuse(n);
                log_event(LOG_NOTICE, "0123", "It is so.", FIELD_REASON, "why", NULL);
                assert_int_equal(sent.n, 3);
                assert_int_equal(has("MESSAGE=It is so.") + has("PRIORITY=5") + has("MESSAGE_ID=0123") + has(FIELD_REASON "=why"), 3);
        }
        memory_refuse(1);
        log_warning("%s is so", "it");
        assert_true(has("MESSAGE=%s is so"));
        text = log_text("%s is so", "it");
        assert_string_equal(text, "it is so");
        memory_refuse(1);
        assert_null(log_text("%s is so", "it"));
        assert_true(memory_refused());
}

/* By hand and in tests stderr is not the journal, and no line is lost. */
static void without_a_journal_it_goes_to_stderr(void **state) {
        _cleanup_scratch_ Scratch s = scratch_new();
        pid_t pid = fork();
        int status;

        (void) state;
        assert_true(pid >= 0);
        if (pid == 0) {
                const char *const argv[] = { "/proc/self/exe", "stderr", NULL };

                (void) unsetenv("JOURNAL_STREAM");
                (void) dup2(openat(s.fd, "err", O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
                (void) execv(argv[0], (char *const *) argv);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(scratch_is(&s, "err", "this is 5\nIt is so.\n0123\n%s\n"));
}

int main(int argc, char *argv[]) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_line_says_whose_it_is),
                cmocka_unit_test(an_event_has_its_fields),
                cmocka_unit_test(a_message_is_bounded),
                cmocka_unit_test(where_memory_is_short_the_rest_is_said),
                cmocka_unit_test(without_a_journal_it_goes_to_stderr),
        };

        if (argc > 1) {
                log_warning("%s is %d", "this", 5);
                log_event(LOG_NOTICE, "0123", "It is so.", NULL);
                log_event(LOG_NOTICE, "0123", NULL, NULL);
                memory_refuse(1);
                log_warning("%s", "short");
                return EXIT_SUCCESS;
        }
        (void) setenv("JOURNAL_STREAM", "1:2", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
