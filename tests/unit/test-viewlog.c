/* The record of views: what is in force, and whether it can be trusted. */
#include "domain/viewlog.h"
#include "memory.h"
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
        { "the same members, started anew", START(7) VIEW(101, MA "," MB) VIEW(102, MA "," D "/db2/192.0.2.2:3306"), "7/7: db1 db2 | db1 db2 last=primary" },
        { "the same members, one at another address", START(7) VIEW(101, MA "," MB) VIEW(102, MA "," B "/db2/192.0.2.9:3306"), "7/7: db1 db2 | db1 db2 last=primary" },
        { "the same members, one by another name", START(7) VIEW(101, MA "," MB) VIEW(102, MA "," B "/db9/192.0.2.2:3306"), "7/7: db1 db2 | db1 db9 last=primary" },
        { "the same members, and this node is another of them", START(7) VIEW(101, MA "," MB) "view 102 " C " primary 1 " MA "," MB "\n", "7/7: db1 db2 | db1 db2 last=primary" },
        { "the same members, in another cluster", START(7) VIEW(101, MA "," MB) "view 102 " D " primary 0 " MA "," MB "\n", "7/7: db1 db2 | db1 db2 last=primary" },
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
        { "a start with far too many words", "start 7 100 - - - - - - -\n", "line 1" },
        { "a start at a time that is none", "start 7 now - -\n", "time" },
        { "a position that is none", "start 7 100 - " C "\n", "position" },
        { "an invocation that is none", "start 7 100 INVOCATION -\n", "invocation" },
        { "an invocation with a sign", "start 7 100 -1 -\n", "invocation" },
        { "an empty invocation", "start 7 100  -\n", "invocation" },
        { "an invocation too long", "start 7 100 " INV "0 -\n", "invocation" },
        { "a view at a time that is none", START(7) "view now " C " primary 0 " MA "\n", "time" },
        { "a cluster that is none", START(7) "view 101 x primary 0 " MA "\n", "cluster" },
        { "primary without a cluster", START(7) "view 101 " ZERO " primary 0 " MA "\n", "all zeros" },
        { "neither primary nor not", START(7) "view 101 " C " yes 0 " MA "\n", "neither" },
        { "no members", START(7) "view 101 " C " primary 0\n", "line 2" },
        { "an empty list", START(7) "view 101 " C " primary 0 \n", "members" },
        { "a member cut off", START(7) VIEW(101, MA "," B "/db"), "members" },
        { "a comma too many", START(7) VIEW(101, MA ","), "members" },
        { "a place beyond the list", START(7) "view 101 " C " primary 1 " MA "\n", "place" },
        { "a place below -1", START(7) "view 101 " C " primary -2 " MA "\n", "place" },
        { "a status at a time that is none", START(7) "status now synced\n", "time" },
        { "a status that rings a bell", START(7) "status 101 a\x7f\n", "status" },
        { "a status of another alphabet", START(7) "status 101 \xc3\xb6\n", "status" },
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

/* Was it synced, and asked for no state transfer since? That, and no other word,
 * tells whether what its files hold may be half of a transfer. */
static void who_was_synced_is_known(void **state) {
        static const struct {
                const char *name, *text;
                bool now, views; /* in this section, and in that of the views */
        } table[] = {
                { "it never was", START(7) VIEW(101, MA), false, false },
                { "it was", START(7) VIEW(101, MA) "status 102 synced\n", true, true },
                { "in capitals, as of old versions", START(7) VIEW(101, MA) "status 102 Synced\n", true, true },
                { "it served another", START(7) VIEW(101, MA) "status 102 Donor\n", true, true },
                { "it asked for a state transfer since", START(7) VIEW(101, MA) "status 102 synced\nstatus 103 joiner\n", false, false },
                { "it begins anew", START(7) VIEW(101, MA) "status 102 synced\nstatus 103 Initializing\n", false, false },
                { "other words change nothing", START(7) VIEW(101, MA) "status 102 synced\nstatus 103 joined\nstatus 104 connected\n", true, true },
                { "nor do they make it so", START(7) VIEW(101, MA) "status 102 joined\n", false, false },
                { "at a start that came to nothing", START(6) VIEW(91, MA) START(7) "status 102 synced\n", true, false },
                { "before one", START(6) VIEW(91, MA) "status 92 synced\n" START(7), false, true },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char error[256];
                Viewlog log;

                CHECK(viewlog_parse(table[i].text, strlen(table[i].text), &log, error) == 0, table[i].name);
                CHECK(log.was_synced == table[i].now && log.views_synced == table[i].views, table[i].name);
                viewlog_done(&log);
        }
}

/* It has no address, and this node, which tells, has one. */
static void an_arbitrator_has_no_address(void **state) {
        static const struct {
                const char *name, *text;
                size_t member;
                bool is;
        } table[] = {
                { "an arbitrator", START(7) VIEW(101, MA "," B "/garb/"), 1, true },
                { "a server", START(7) VIEW(101, MA "," MB), 1, false },
                { "this node itself", START(7) VIEW(101, MA "," B "/garb/"), 0, false },
                { "this node without an address: that tells nothing of others", START(7) VIEW(101, A "/db1/," B "/garb/"), 1, false },
                { "nor of itself", START(7) VIEW(101, A "/db1/," B "/garb/"), 0, false },
                { "this node is none of them", START(7) "view 101 " C " primary -1 " MA "," B "/garb/\n", 1, false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char error[256];
                Viewlog log;

                CHECK(viewlog_parse(table[i].text, strlen(table[i].text), &log, error) == 0, table[i].name);
                CHECK(view_is_arbitrator(&log.views[0], table[i].member) == table[i].is, table[i].name);
                viewlog_done(&log);
        }
}

/* All who are in one component come to the same from what each is told, and others
 * to something else: so they know each other (rule 8). */
static void those_of_one_component_are_told_by_its_members(void **state) {
        static const struct {
                const char *name, *text;
                size_t n;
                int is; /* as that of db1 and db2: 1; another: 0; none: -1 */
        } table[] = {
                { "as they are told", START(7) NON_PRIMARY(102, MA "," MB), 2, 1 },
                { "in another order", START(7) NON_PRIMARY(102, MB "," MA), 2, 1 },
                { "as another of them tells it", START(7) "view 102 " C " non-primary 1 " MA "," MB "\n", 2, 1 },
                { "one is missing", START(7) NON_PRIMARY(102, MA), 1, 0 },
                { "one is another", START(7) NON_PRIMARY(102, MA "," MD), 2, 0 },
                { "one was started anew", START(7) NON_PRIMARY(102, MA "," D "/db2/192.0.2.2:3306"), 2, 0 },
                { "one more", START(7) NON_PRIMARY(102, MA "," MB "," MD), 3, 0 },
                { "an arbitrator more", START(7) NON_PRIMARY(102, MA "," MB "," D "/garb/"), 3, 0 },
                { "one of whom the group's name is not told", START(7) NON_PRIMARY(102, MA ",/db2/192.0.2.2:3306"), 2, -1 },
                { "the last view counts", START(7) VIEW(101, MA "," MB "," MD) NON_PRIMARY(102, MA "," MB), 2, 1 },
                { "not that of another start", START(6) NON_PRIMARY(92, MA "," MB) START(7), 0, -1 },
        };
        Uuid both = {0};

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                char error[256];
                Viewlog log;

                CHECK(viewlog_parse(table[i].text, strlen(table[i].text), &log, error) == 0, table[i].name);
                if (i == 0)
                        both = log.last_members;
                CHECK(log.last_n_members == table[i].n && log.have_last == (table[i].n > 0), table[i].name);
                CHECK(uuid_is_zero(&log.last_members) == (table[i].is < 0), table[i].name);
                CHECK(uuid_equal(&log.last_members, &both) == (table[i].is > 0), table[i].name);
                viewlog_done(&log);
        }
}

/* A name ends where its field does, not before. */
static void zeros_within_a_name_are_refused(void **state) {
        char text[] = START(7) VIEW(101, A "/db1?x/192.0.2.1"), error[256];
        Viewlog log;

        (void) state;
        assert_int_equal(viewlog_parse(text, strlen(text), &log, error), 0);
        viewlog_done(&log);
        *strchr(text, '?') = '\0';
        assert_int_equal(viewlog_parse(text, sizeof(text) - 1, &log, error), -EBADMSG);
        assert_non_null(strstr(error, "members"));
}

/* Where memory is short at any point, no record is told, not half of one. */
static void short_of_memory_there_is_no_record(void **state) {
        static const char text[] = START(6) VIEW(91, MA "," MB) "rubbish\n" START(7) VIEW(101, MA "," MB "," MD) "status 101 synced\n" VIEW(102, MA);
        unsigned n = 0;
        bool refused;

        (void) state;
        do {
                Viewlog log = { .section = 1 };
                char error[256], *line = NULL;
                int r;

                memory_refuse(++n);
                r = viewlog_parse(text, strlen(text), &log, error);
                refused = memory_refused();
                assert_int_equal(r, refused ? -ENOMEM : 0);
                assert_int_equal(log.section, refused ? 1 : 7);
                if (!refused)
                        viewlog_done(&log);
                memory_refuse(1);
                assert_int_equal(viewlog_format_status(103, "synced", &line), -ENOMEM);
                assert_true(memory_refused());
                assert_null(line);
        } while (refused);
        assert_true(n > 1);
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
                { A "/db/y\x7f", -EBADMSG },
                { A "/d\tb/y", -EBADMSG },
                { A "/d\nb/y", -EBADMSG },
                { A "/012345678901234567890123456789012345678901234567890123456789012/x", 1 },
                { A "/0123456789012345678901234567890123456789012345678901234567890123/x", -EBADMSG },
        };
        char many[VIEW_MEMBERS_MAX * 48 + 64], far[256];
        ViewMember *m;
        size_t n = 0;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                m = NULL;
                CHECK(view_members_parse(table[i].text, &m) == table[i].n, table[i].text);
                free(m);
        }
        for (int length = 127; length <= 128; length++) {
                (void) snprintf(far, sizeof(far), A "/db1/%0*d", length, 1);
                m = NULL;
                assert_int_equal(view_members_parse(far, &m), length < 128 ? 1 : -EBADMSG);
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
        free(TAKE(bare));
        assert_int_equal(viewlog_format_start(8, 100, NULL, NULL, &bare), 0);
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

/* With a status behind it, as the notify command writes it. */
static void the_longest_view_fits(void **state) {
        static const char address[] = "0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.0123456789.012345";
        _cleanup_free_ char *members = NULL;
        char line[VIEWLOG_LINE_MAX], text[VIEWLOG_LINE_MAX + 256], error[256] = "";
        Uuid uuid;
        Viewlog log;
        size_t size;
        FILE *f = open_memstream(&members, &size);

        (void) state;
        assert_non_null(f);
        assert_int_equal(uuid_parse(C, 36, &uuid), 0);
        assert_int_equal(strlen(address), sizeof(((ViewMember *) NULL)->address) - 1);
        for (unsigned i = 0; i < VIEW_MEMBERS_MAX; i++)
                assert_true(fprintf(f, "%s" A "/a-name-as-long-as-mainstay-allows-for-a-node-%018u/%s", i > 0 ? "," : "", i, address) > 0);
        assert_int_equal(fclose(f), 0);
        assert_true(viewlog_print_view(line, sizeof(line) - 128, INT64_MAX, &uuid, true, VIEW_MEMBERS_MAX - 1, members) > 0);
        (void) snprintf(text, sizeof(text), START(7) "%s", line);
        if (viewlog_parse(text, strlen(text), &log, error) < 0)
                fail_msg("%s", error);
        assert_int_equal(log.n_views, 1);
        assert_int_equal(log.views[0].n_members, VIEW_MEMBERS_MAX);
        assert_string_equal(log.views[0].members[VIEW_MEMBERS_MAX - 1].address, address);
        viewlog_done(&log);
}

/* Rather no line than one that nobody can read. */
static void what_cannot_be_read_is_not_written(void **state) {
        char buf[VIEWLOG_LINE_MAX], *line = NULL;
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
        assert_int_equal(viewlog_print_start(buf, sizeof(buf), (uint64_t) INT64_MAX + 1, 1, NULL, NULL), -EINVAL);
        assert_int_equal(viewlog_print_start(buf, sizeof(buf), 1, USEC_NEVER, NULL, NULL), -EINVAL);
        assert_int_equal(viewlog_print_view(buf, sizeof(buf), USEC_NEVER, &uuid, true, 0, MA), -EINVAL);
        assert_int_equal(viewlog_print_lost(buf, sizeof(buf), USEC_NEVER), -EINVAL);
        assert_int_equal(viewlog_format_status(USEC_NEVER, "synced", &line), -EINVAL);
        assert_null(line);

        /* As long as it is, and no longer. */
        assert_int_equal(viewlog_print_lost(buf, sizeof("lost 5\n"), 5), strlen("lost 5\n"));
        assert_string_equal(buf, "lost 5\n");
        assert_int_equal(viewlog_print_lost(buf, sizeof("lost 5\n") - 1, 5), -ENOBUFS);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_record_is_understood),
                cmocka_unit_test(damage_is_refused_with_its_line),
                cmocka_unit_test(who_was_synced_is_known),
                cmocka_unit_test(an_arbitrator_has_no_address),
                cmocka_unit_test(those_of_one_component_are_told_by_its_members),
                cmocka_unit_test(zeros_within_a_name_are_refused),
                cmocka_unit_test(short_of_memory_there_is_no_record),
                cmocka_unit_test(everything_of_a_record_is_there),
                cmocka_unit_test(zeros_and_size_are_refused),
                cmocka_unit_test(the_newest_views_are_kept_and_all_are_counted),
                cmocka_unit_test(no_beginning_of_a_record_is_misread),
                cmocka_unit_test(members_are_read_strictly),
                cmocka_unit_test(what_is_written_is_read_again),
                cmocka_unit_test(the_longest_view_fits),
                cmocka_unit_test(what_cannot_be_read_is_not_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
