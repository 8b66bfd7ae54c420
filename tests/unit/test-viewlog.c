/* The record of views: what is in force, and whether it can be trusted. */
#include "domain/viewlog.h"
#include "scratch.h"

#define C "220dcdcb-1629-11e4-add3-aec059ad3734"
#define A "7147ff56-e6a8-11f1-b7a5-1aec09909f65"
#define B "93d1e51e-e6a8-11f1-8559-12ff442522c1"
#define D "b42675b3-e6aa-11f1-83de-4f866d77fb35"
#define ZERO "00000000-0000-0000-0000-000000000000"
#define INV "0123456789abcdef0123456789abcdef"

#define START(n) "start " #n " 100 " INV " " C ":20\n"
#define MA A "/db1/192.0.2.1:0"
#define MB B "/db2/192.0.2.2:3306"
#define MD D "/db3/[2001:db8::1]:3306"
#define VIEW(t, m) "view " #t " " C " primary 0 " m "\n"
#define NON_PRIMARY(t, m) "view " #t " " C " non-primary 0 " m "\n"

/* What is read, in words: "section, of the views' section; views as their
 * members' names; flags". */
static const char *summary(const Viewlog *log, char buf[static 1024]) {
        size_t n = 0;

        n += (size_t) snprintf(buf + n, 1024 - n, "%llu/%llu:", (unsigned long long) log->section, (unsigned long long) log->views_section);
        for (size_t i = 0; i < log->n_views; i++) {
                n += (size_t) snprintf(buf + n, 1024 - n, "%s", i > 0 ? " |" : "");
                for (size_t k = 0; k < log->views[i].n_members; k++)
                        n += (size_t) snprintf(buf + n, 1024 - n, " %s", log->views[i].members[k].name);
        }
        (void) snprintf(buf + n, 1024 - n, "%s%s%s%s%s%s%s",
                        log->have_section ? "" : " sectionless",
                        log->closed ? " closed" : "",
                        log->views_closed ? " views-closed" : "",
                        log->torn ? " torn" : "",
                        !log->have_last ? "" : log->last_primary ? " last=primary" : " last=non-primary",
                        log->status[0] ? " status=" : "", log->status);
        return buf;
}

static const struct {
        const char *name, *text, *summary;
} good[] = {
        { "empty", "", "0/0: sectionless" },
        { "a start", START(7), "7/7:" },
        { "a start without id and position", "start 7 100 - -\n", "7/7:" },
        { "a view", START(7) VIEW(101, MA "," MB), "7/7: db1 db2 last=primary" },
        { "a view and a status", START(7) VIEW(101, MA) "status 102 synced\n", "7/7: db1 last=primary status=synced" },
        { "views in order", START(7) VIEW(101, MA) VIEW(102, MA "," MB) VIEW(103, MA "," MB "," MD), "7/7: db1 | db1 db2 | db1 db2 db3 last=primary" },
        { "the same members again, later", START(7) VIEW(101, MA) VIEW(102, MA "," MB) VIEW(103, MA), "7/7: db1 | db1 db2 | db1 last=primary" },
        { "one view told twice", START(7) VIEW(101, MA) "status 101 joined\n" VIEW(102, MA) "status 102 synced\n", "7/7: db1 last=primary status=synced" },
        { "quorum lost", START(7) VIEW(101, MA "," MB) NON_PRIMARY(102, MA), "7/7: db1 db2 last=non-primary" },
        { "quorum lost and found", START(7) VIEW(101, MA) NON_PRIMARY(102, MA) VIEW(103, MA), "7/7: db1 | db1 last=primary" },
        { "a graceful end", START(7) VIEW(101, MA) "disconnected 102\n", "7/7: db1 closed views-closed last=primary status=disconnected" },
        { "two notes of one end", START(7) VIEW(101, MA) "disconnected 102\ndisconnected 103\n", "7/7: db1 closed views-closed last=primary status=disconnected" },
        { "connected again", START(7) VIEW(101, MA) "disconnected 102\nstatus 103 connected\n" VIEW(104, MA), "7/7: db1 | db1 last=primary status=connected" },
        { "words of old servers", START(7) "status 101 Joiner\nstatus 102 Undefined\nstatus 103 Error(5)\n", "7/7: status=Error(5)" },
        { "not a member", START(7) "view 101 " C " primary -1 " MB "\n", "7/7: db2 last=primary" },
        { "non-primary without a cluster", START(7) "view 101 " ZERO " non-primary 0 " MA "\n", "7/7: last=non-primary" },
        { "an arbitrator", START(7) VIEW(101, MA "," B "/garb/"), "7/7: db1 garb last=primary" },
        { "an arbitrator in a component without a majority", START(7) VIEW(101, MA "," MB) NON_PRIMARY(102, MA "," B "/garb/"), "7/7: db1 db2 last=non-primary" },
        { "one that has gone", START(7) VIEW(101, MA "," B "/garb/") NON_PRIMARY(102, MA), "7/7: db1 garb last=non-primary" },
        { "no group identity", START(7) VIEW(101, "/db1/192.0.2.1"), "7/7: db1 last=primary" },

        /* Sections. */
        { "the last section", START(6) VIEW(91, MA "," MB) "disconnected 92\n" START(7) VIEW(101, MA), "7/7: db1 last=primary" },
        { "a start that came to nothing", START(6) VIEW(91, MA "," MB) START(7), "7/6: db1 db2" },
        { "the same, after a graceful end", START(6) VIEW(91, MA "," MB) "disconnected 92\n" START(7) "status 101 joiner\n", "7/6: db1 db2 views-closed status=joiner" },
        { "two that came to nothing", START(5) VIEW(91, MA) START(6) NON_PRIMARY(92, MA) START(7) "disconnected 102\n", "7/5: db1 closed status=disconnected" },
        { "no view ever", START(6) "status 91 joiner\n" START(7) NON_PRIMARY(101, MA), "7/7: last=non-primary" },

        /* What makes it untrustworthy. */
        { "a torn line", START(7) VIEW(101, MA) "view 102 " C " prim", "7/7: db1 torn last=primary" },
        { "a torn line that looks whole", START(7) VIEW(101, MA) "disconnected 102", "7/7: db1 torn last=primary" },
        { "a torn start", START(6) VIEW(91, MA) "start 7 100 - -", "6/6: db1 torn last=primary" },
        { "a lost view", START(7) VIEW(101, MA) "lost 102\n", "7/7: db1 torn last=primary" },
        { "a lost view, and more", START(7) VIEW(101, MA) "lost 102\n" VIEW(103, MA "," MB), "7/7: db1 | db1 db2 torn last=primary" },
        { "lost after a graceful end", START(7) VIEW(101, MA) "disconnected 102\nlost 103\n", "7/7: db1 torn last=primary status=disconnected" },
        { "a lost view before this start", START(6) VIEW(91, MA) "lost 92\n" START(7), "7/6: db1 torn" },
        { "a lost view of long ago", START(6) VIEW(91, MA) "lost 92\n" START(7) VIEW(101, MB), "7/7: db2 last=primary" },
        { "a lost view at the head of this section", START(6) VIEW(91, MA) START(7) "lost 100\n" VIEW(101, MB), "7/7: db2 torn last=primary" },
        { "past the gate", VIEW(101, MA), "0/0: db1 sectionless torn last=primary" },
        { "past the gate, then a start", VIEW(91, MA) START(7), "7/0: db1 torn" },
        { "past the gate, then a start and a view", VIEW(91, MA) START(7) VIEW(101, MB), "7/7: db2 last=primary" },

        /* What does not matter any more. */
        { "rubbish of long ago", "rubbish\n" START(6) "more rubbish\n" START(7) VIEW(101, MA), "7/7: db1 last=primary" },
        { "a line torn long ago", START(6) VIEW(91, MA) "view 92 " C " pri\n" START(7) VIEW(101, MA), "7/7: db1 last=primary" },
};

static const struct {
        const char *name, *text, *says;
} bad[] = {
        { "an empty line", START(7) "\n", "line 2" },
        { "a word that is none", START(7) "viewed 101\n", "line 2" },
        { "rubbish before the first view", START(6) VIEW(91, MA) START(7) "rubbish\n", "line 4" },
        { "rubbish before the first view of the section", START(6) VIEW(91, MA) START(7) "rubbish\n" VIEW(101, MA), "line 4" },
        { "rubbish in the section in force", START(6) VIEW(91, MA) "rubbish\n" START(7), "line 3" },
        { "two blanks", START(7) "disconnected  102\n", "line 2" },
        { "a blank at the end", START(7) "disconnected 102 \n", "line 2" },
        { "a carriage return", START(7) "disconnected 102\r\n", "time" },
        { "a time that is none", START(7) "disconnected now\n", "time" },
        { "a negative time", START(7) "disconnected -1\n", "time" },
        { "section 0", "start 0 100 - -\n", "section" },
        { "section x", "start x 100 - -\n", "section" },
        { "a start with a word too few", "start 7 100 -\n", "line 1" },
        { "a start with a word too many", "start 7 100 - - -\n", "line 1" },
        { "a position that is none", "start 7 100 - " C "\n", "position" },
        { "an invocation that is none", "start 7 100 INVOCATION -\n", "invocation" },
        { "an invocation too long", "start 7 100 " INV "0 -\n", "invocation" },
        { "a cluster that is none", START(7) "view 101 x primary 0 " MA "\n", "cluster" },
        { "primary without a cluster", START(7) "view 101 " ZERO " primary 0 " MA "\n", "all zeros" },
        { "neither primary nor not", START(7) "view 101 " C " yes 0 " MA "\n", "neither" },
        { "no members", START(7) "view 101 " C " primary 0\n", "line 2" },
        { "an empty list", START(7) "view 101 " C " primary 0 \n", "members" },
        { "a member cut off", START(7) VIEW(101, MA "," B "/db"), "members" },
        { "a comma too many", START(7) VIEW(101, MA ","), "members" },
        { "a place beyond the list", START(7) "view 101 " C " primary 1 " MA "\n", "place" },
        { "a place below -1", START(7) "view 101 " C " primary -2 " MA "\n", "place" },
        { "a status of two words", START(7) "status 101 a b\n", "line 2" },
        { "a status too long", START(7) "status 101 abcdefghijklmnopqrstuvwxyz\n", "status" },
        { "blocks of another file", START(7) "\x7f\x45\x4c\x46\n", "line 2" },
};

static void every_record_is_understood(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                char error[256] = "", text[1024];
                Viewlog log;

                if (viewlog_parse(good[i].text, strlen(good[i].text), &log, error) != 0)
                        fail_msg("%s: says \"%s\"", good[i].name, error);
                if (!streq(summary(&log, text), good[i].summary))
                        fail_msg("%s: \"%s\"", good[i].name, text);
                viewlog_done(&log);
        }
}

static void damage_is_refused_with_its_line(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                char error[256] = "";
                Viewlog log;

                CHECK(viewlog_parse(bad[i].text, strlen(bad[i].text), &log, error) == -EBADMSG, bad[i].name);
                if (!strstr(error, bad[i].says))
                        fail_msg("%s: says \"%s\"", bad[i].name, error);
        }
}

static void everything_of_a_record_is_there(void **state) {
        static const char text[] = "start 9223372036854775807 1795375627125889 " INV " " C ":20\n"
                "view 1795375627125890 " C " primary 1 " MA "," MB "," MD "\n"
                "disconnected 1795375627125891\n";
        char error[256], uuid[UUID_TEXT_MAX];
        Viewlog log;

        (void) state;
        assert_int_equal(viewlog_parse(text, strlen(text), &log, error), 0);
        assert_true(log.section == INT64_MAX);
        assert_true(log.section_time == UINT64_C(1795375627125889));
        assert_string_equal(log.invocation, INV);
        assert_true(log.have_position);
        assert_int_equal(log.position.seqno, 20);
        assert_true(log.closed_time == UINT64_C(1795375627125891));
        assert_int_equal(log.n_primary_seen, 1);
        assert_int_equal(log.views[0].own_index, 1);
        assert_true(log.views[0].time == UINT64_C(1795375627125890));
        assert_string_equal(uuid_text(&log.views[0].uuid, uuid), C);
        assert_string_equal(uuid_text(&log.views[0].members[1].uuid, uuid), B);
        assert_string_equal(log.views[0].members[0].address, "192.0.2.1:0");
        assert_string_equal(log.views[0].members[2].address, "[2001:db8::1]:3306");
        viewlog_done(&log);
        assert_int_equal(log.n_views, 0);
}

static void zeros_and_size_are_refused(void **state) {
        _cleanup_free_ char *text = calloc(1, VIEWLOG_SIZE_MAX + 1);
        char error[256];
        Viewlog log;

        (void) state;
        /* Zeros without an end are a torn line, and with one a bad line. */
        assert_int_equal(viewlog_parse(text, 4096, &log, error), 0);
        assert_true(log.torn);
        viewlog_done(&log);
        text[4095] = '\n';
        assert_int_equal(viewlog_parse(text, 4096, &log, error), -EBADMSG);
        assert_int_equal(viewlog_parse(text, VIEWLOG_SIZE_MAX + 1, &log, error), -EBADMSG);
        assert_non_null(strstr(error, "larger"));
}

static void the_newest_views_are_kept_and_all_are_counted(void **state) {
        _cleanup_free_ char *text = calloc(1, 65536);
        char error[256], name[16];
        Viewlog log;
        size_t n;

        (void) state;
        n = (size_t) sprintf(text, START(7));
        for (int i = 0; i < VIEWLOG_VIEWS_MAX + 5; i++)
                n += (size_t) sprintf(text + n, "view %d " C " primary 0 " A "/db%d/\n", 101 + i, i);
        assert_int_equal(viewlog_parse(text, n, &log, error), 0);
        assert_int_equal(log.n_primary_seen, VIEWLOG_VIEWS_MAX + 5);
        assert_int_equal(log.n_views, VIEWLOG_VIEWS_MAX);
        for (int i = 0; i < VIEWLOG_VIEWS_MAX; i++) {
                (void) snprintf(name, sizeof(name), "db%d", i + 5);
                assert_string_equal(log.views[i].members[0].name, name);
        }
        viewlog_done(&log);
}

/* Whatever a power cut leaves of a record: it is refused, or torn, or it is
 * the record as it was before its last lines. */
static void no_beginning_of_a_record_is_misread(void **state) {
        static const char text[] = START(6) VIEW(91, MA "," MB) "disconnected 92\n" START(7) VIEW(101, MA "," MB "," MD) "status 101 synced\n";

        (void) state;
        for (size_t n = 1; n < strlen(text); n++) {
                char error[256];
                Viewlog log;

                assert_int_equal(viewlog_parse(text, n, &log, error), 0);
                assert_int_equal(log.torn, text[n - 1] != '\n');
                viewlog_done(&log);
        }
}

static void members_are_read_strictly(void **state) {
        static const struct {
                const char *text;
                int n;
        } table[] = {
                { MA, 1 },
                { MA "," MB "," MD, 3 },
                { A "/db1/", 1 },
                { "/db1/x", 1 },
                { A "/n\xc3\xb6rdlich/x", 1 },
                { A "/unspecified/AUTO", 1 },
                { "", -EBADMSG },
                { ",", -EBADMSG },
                { MA ",", -EBADMSG },
                { "," MA, -EBADMSG },
                { A, -EBADMSG },
                { A "/db1", -EBADMSG },
                { A "//192.0.2.1", -EBADMSG },
                { A "/db1/x/y", -EBADMSG },
                { "x/db1/y", -EBADMSG },
                { A "0/db1/y", -EBADMSG },
                { A "/d b/y", -EBADMSG },
                { A "/db/y z", -EBADMSG },
                { A "/d\tb/y", -EBADMSG },
                { A "/d\nb/y", -EBADMSG },
                { A "/012345678901234567890123456789012345678901234567890123456789012/x", 1 },
                { A "/0123456789012345678901234567890123456789012345678901234567890123/x", -EBADMSG },
        };
        char many[VIEW_MEMBERS_MAX * 48 + 64];
        ViewMember *m;
        size_t n = 0;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                m = NULL;
                CHECK(view_members_parse(table[i].text, &m) == table[i].n, table[i].text);
                free(m);
        }
        for (int i = 0; i < VIEW_MEMBERS_MAX; i++)
                n += (size_t) sprintf(many + n, "%s" A "/n%d/", i > 0 ? "," : "", i);
        assert_int_equal(view_members_parse(many, &m), VIEW_MEMBERS_MAX);
        free(m);
        (void) sprintf(many + n, "," A "/x/");
        assert_int_equal(view_members_parse(many, &m), -EBADMSG);
}

static void what_is_written_is_read_again(void **state) {
        _cleanup_free_ char *start = NULL, *bare = NULL, *view = NULL, *other = NULL, *status = NULL, *end = NULL;
        char text[2048], error[256], shown[1024];
        Position p = { .seqno = 20 };
        Viewlog log;

        (void) state;
        assert_int_equal(uuid_parse(C, 36, &p.uuid), 0);
        assert_int_equal(viewlog_format_start(7, 100, INV, &p, &start), 0);
        assert_string_equal(start, START(7));
        assert_int_equal(viewlog_format_start(8, 100, "", NULL, &bare), 0);
        assert_string_equal(bare, "start 8 100 - -\n");
        assert_int_equal(viewlog_format_view(101, &p.uuid, true, 1, MA "," MB, &view), 0);
        assert_int_equal(viewlog_format_view(102, &p.uuid, false, -1, MA, &other), 0);
        assert_int_equal(viewlog_format_status(103, "synced", &status), 0);
        assert_int_equal(viewlog_format_status(104, "disconnected", &end), 0);
        assert_string_equal(end, "disconnected 104\n");

        (void) snprintf(text, sizeof(text), "%s%s%s%s%s", start, view, other, status, end);
        assert_int_equal(viewlog_parse(text, strlen(text), &log, error), 0);
        assert_string_equal(summary(&log, shown), "7/7: db1 db2 closed views-closed last=non-primary status=disconnected");
        viewlog_done(&log);
}

/* Rather no line than one that nobody can read. */
static void what_cannot_be_read_is_not_written(void **state) {
        char buf[VIEWLOG_LINE_MAX];
        Uuid uuid, zero = { 0 };

        (void) state;
        assert_int_equal(uuid_parse(C, 36, &uuid), 0);
        assert_int_equal(viewlog_print_view(buf, sizeof(buf), 1, &uuid, true, 1, MA), -EINVAL);
        assert_int_equal(viewlog_print_view(buf, sizeof(buf), 1, &uuid, true, -2, MA), -EINVAL);
        assert_int_equal(viewlog_print_view(buf, sizeof(buf), 1, &uuid, true, 0, ""), -EINVAL);
        assert_int_equal(viewlog_print_view(buf, sizeof(buf), 1, &uuid, true, 0, A "/a b/"), -EINVAL);
        assert_int_equal(viewlog_print_view(buf, sizeof(buf), 1, &zero, true, 0, MA), -EINVAL);
        assert_int_equal(viewlog_print_view(buf, 64, 1, &uuid, true, 0, MA), -ENOBUFS);
        assert_int_equal(viewlog_print_start(buf, sizeof(buf), 0, 1, NULL, NULL), -EINVAL);
        assert_int_equal(viewlog_print_start(buf, sizeof(buf), 1, 1, "no hex", NULL), -EINVAL);
        assert_int_equal(viewlog_print_status(buf, sizeof(buf), 1, ""), -EINVAL);
        assert_int_equal(viewlog_print_status(buf, sizeof(buf), 1, "a b"), -EINVAL);
        assert_int_equal(viewlog_print_status(buf, sizeof(buf), USEC_NEVER, "synced"), -EINVAL);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_record_is_understood),
                cmocka_unit_test(damage_is_refused_with_its_line),
                cmocka_unit_test(everything_of_a_record_is_there),
                cmocka_unit_test(zeros_and_size_are_refused),
                cmocka_unit_test(the_newest_views_are_kept_and_all_are_counted),
                cmocka_unit_test(no_beginning_of_a_record_is_misread),
                cmocka_unit_test(members_are_read_strictly),
                cmocka_unit_test(what_is_written_is_read_again),
                cmocka_unit_test(what_cannot_be_read_is_not_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
