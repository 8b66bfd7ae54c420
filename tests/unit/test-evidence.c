/* Evidence: what a node may say of itself, by what lies in its files.
 *
 * A situation is a few short texts. The record of views is words:
 *   start@100, start@-   the gate opened a section, at a position or not
 *   view:12              a Primary view of db1 and db2; S as in `seqnos`, in order;
 *                        a letter is a member without an incoming address
 *   apart:1              a view that is not Primary
 *   synced, donor, ...   a status
 *   closed, lost, torn   disconnected; a view that got lost; the end cut off
 * Positions are of cluster A, or begin with another letter; Z is all zeros.
 */
#include "cases.h"
#include "domain/evidence.h"
#include "memory.h"

#define CLOSED_AT (1000 * USEC_PER_SEC)
#define INVOCATION "0123456789abcdef0123456789abcdef"

typedef struct Situation {
        const char *name;
        Mysqld mysqld;
        const char *grastate; /* "114 safe", "A-1", "Z-1 unsafe data" (and other files), "?" cannot be read, "? empty", NULL not there */
        const char *record;   /* NULL: none; "?" cannot be read */
        const char *seqnos;   /* S of the views, oldest first, "?" unknown */
        const char *gvwstate; /* members, "?" cannot be read, NULL not there */
        const char *aside;
        const char *recovery; /* a position, "?" none came out, NULL none was made */
        const char *says;     /* what the report says, see describe() */
        int64_t written;      /* grastate.dat, seconds after the record was closed */
} Situation;

#define STOPPED MYSQLD_STOPPED

static const Situation table[] = {
        /* Ended gracefully */
        { "stopped gracefully", STOPPED, "114 unsafe", "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "114 grastate unsafe; view 51:12", 1 },
        { "the last one stopped", STOPPED, "114 safe", "start@50 view:12 view:1 synced closed", "51,113", NULL, NULL, NULL, "114 grastate safe; view 113:1,51:12", 1 },
        { "an old file without safe_to_bootstrap", STOPPED, "114", "start@50 view:12 closed", "51", NULL, NULL, NULL, "114 grastate; view 51:12", 1 },
        { "the file was written much later: the data are asked", STOPPED, "114 unsafe", "start@50 view:12 closed", "51", NULL, NULL, NULL, "recover; unsafe; view 51:12", 121 },
        { "asked, they count", STOPPED, "114 unsafe", "start@50 view:12 closed", "51", NULL, NULL, "116", "116 recovered unsafe; view 51:12", 121 },
        { "a recovered position counts wherever there is one", STOPPED, "114 unsafe", "start@50 view:12 closed", "51", NULL, NULL, "116", "116 recovered unsafe; view 51:12", 1 },
        { "a seqno without a graceful end proves nothing", STOPPED, "20 unsafe", "start@15 view:123 synced view:1", "16,60", "1", NULL, NULL, "recover; unsafe; view 60:1,16:123 resumable", 0 },
        { "nor one after an end that was not the last", STOPPED, "20 unsafe", "start@15 view:12 closed view:12", "16,19", "12", NULL, NULL, "recover; unsafe; view 19:12 resumable", 1 },
        { "nor where something was cut off behind the end", STOPPED, "114 unsafe", "start@50 view:12 closed torn", "51", NULL, NULL, NULL, "recover; unsafe; no view: a view could not be recorded, or its last line was cut off", 1 },
        { "nor without a record", STOPPED, "114 safe", NULL, "", NULL, NULL, NULL, "recover; safe; no view: it is empty", 0 },
        { "it was paused in a backup, and cut", STOPPED, "20 unsafe", "start@15 view:123 synced donor view:1", "16,60", "1", NULL, "20", "20 recovered unsafe; view 60:1,16:123 resumable", 0 },

        { "nor one that no start precedes", STOPPED, "114 unsafe", "view:12 closed", "51", NULL, NULL, NULL, "recover; unsafe; no view: it is empty", 1 },
        { "nor an end alone", STOPPED, "114 unsafe", "closed", "", NULL, NULL, NULL, "recover; unsafe; no view: it is empty", 1 },
        { "a gvwstate.dat lies there all the same: nothing is resumed", STOPPED, "114 unsafe", "start@50 view:12 synced closed", "51", "12", NULL, NULL, "114 grastate unsafe; view 51:12", 1 },

        /* Cut */
        { "cut", STOPPED, "A-1 unsafe", "start@50 view:12 synced", "51", "12", NULL, NULL, "recover; unsafe; view 51:12 resumable", 0 },
        { "cut, and recovered", STOPPED, "A-1 unsafe", "start@50 view:12 synced", "51", "12", NULL, "114", "114 recovered unsafe; view 51:12 resumable", 0 },
        { "recovery found nothing", STOPPED, "A-1 unsafe", "start@50 view:12 synced", "51", "12", NULL, "?", "unjudged problem: 3 prepared transactions. Look; unsafe; view 51:12 resumable", 0 },
        { "recovery found another cluster's data", STOPPED, "A-1", "start@50 view:12 synced", "51", "12", NULL, "B114", "unjudged problem: grastate.dat names the cluster; view 51:12 resumable", 0 },
        { "S is not known", STOPPED, "A-1 unsafe", "start@50 view:12 synced", "?", "12", NULL, "114", "114 recovered unsafe; view ?:12 resumable", 0 },
        { "a group of which nobody knows how it stood: it was resumed, or begun", STOPPED, "A-1 unsafe", "start@50 view:12 synced start@114", "51", "12", NULL, "114", "114 recovered unsafe; view 51:12", 0 },
        { "another member's gvwstate.dat", STOPPED, "A-1 unsafe", "start@50 view:12 synced", "51", "21", NULL, "114", "114 recovered unsafe; view 51:12", 0 },
        { "the power went before gvwstate.dat was on the disk", STOPPED, "A-1 unsafe", "start@50 view:12 synced", "51", NULL, NULL, "114", "114 recovered unsafe; view 51:12", 0 },

        /* gvwstate.dat */
        { "gvwstate.dat of fewer members", STOPPED, "A-1", "start@50 view:12 synced", "51", "1", NULL, "114", "114 recovered; no view: gvwstate.dat names other members than its last view", 0 },
        { "gvwstate.dat of as many, but others", STOPPED, "A-1", "start@50 view:12 synced", "51", "13", NULL, "114", "114 recovered; no view: gvwstate.dat names other members than its last view", 0 },
        { "gvwstate.dat of more", STOPPED, "A-1", "start@50 view:12 synced", "51", "123", NULL, "114", "114 recovered; no view: gvwstate.dat names other members than its last view", 0 },
        { "gvwstate.dat spoilt", STOPPED, "A-1", "start@50 view:12 synced", "51", "?", NULL, "114", "114 recovered; no view: gvwstate.dat cannot be read", 0 },
        { "gvwstate.dat, and no record", STOPPED, "A-1", NULL, "", "12", NULL, "114", "114 recovered; no view: it is empty", 0 },
        { "set aside for a start that came to nothing", STOPPED, "A-1", "start@50 view:12 synced start@114", "51", NULL, "12", "114", "114 recovered; view 51:12", 0 },
        { "set aside, and of others", STOPPED, "A-1", "start@50 view:12 synced start@114", "51", NULL, "123", "114", "114 recovered; no view: the gvwstate.dat set aside names other members than its last view", 0 },
        { "set aside before the last views", STOPPED, "A-1", "start@50 view:12 synced", "51", "12", "123", "114", "114 recovered; view 51:12 resumable", 0 },
        { "set aside before the last views, and none since", STOPPED, "A-1", "start@50 view:12 synced", "51", NULL, "123", "114", "114 recovered; view 51:12", 0 },
        { "set aside once, before a graceful end", STOPPED, "A-1", "start@50 view:12 closed start@114", "51", NULL, "123", "114", "114 recovered; view 51:12", 0 },

        /* Arbitrators: members of the group, and without data */
        { "an arbitrator", STOPPED, "A-1", "start@50 view:12g synced", "51", "12g", NULL, "114", "114 recovered; view 51:12 +g", 0 },
        { "two of one name", STOPPED, "A-1", "start@50 view:12gg synced", "51", NULL, NULL, "114", "114 recovered; view 51:12 +g", 0 },
        { "gvwstate.dat without it", STOPPED, "A-1", "start@50 view:12g synced", "51", "12", NULL, "114", "114 recovered; no view: gvwstate.dat names other members than its last view", 0 },
        { "one that came, and one that went", STOPPED, "A-1", "start@50 view:12g synced view:12 view:1h", "51,52,53", "1h", NULL, "114", "114 recovered; view 53:1,52:12,51:12 +h", 0 },
        { "alone with it", STOPPED, "A-1", "start@50 view:123g synced view:1g", "51,90", "1g", NULL, "114", "114 recovered; view 90:1,51:123 +g", 0 },
        { "where this node has no address either, who has none tells nothing", STOPPED, "A-1", "start@50 view:g12h synced", "51", NULL, NULL, "114", "114 recovered; view 51:12gh", 0 },

        /* The record */
        { "cut off in a line", STOPPED, "A-1", "start@50 view:12 synced torn", "51", "12", NULL, "114", "114 recovered; no view: a view could not be recorded, or its last line was cut off", 0 },
        { "a view got lost", STOPPED, "A-1", "start@50 view:12 synced lost", "51", "12", NULL, "114", "114 recovered; no view: a view could not be recorded, or its last line was cut off", 0 },
        { "unreadable", STOPPED, "A-1", "?", "", "12", NULL, "114", "114 recovered; no view: line 3 of the record", 0 },
        { "no view yet", STOPPED, "A-1", "start@50", "", NULL, NULL, "114", "114 recovered; no view: it holds no Primary view", 0 },
        { "it was never Primary", STOPPED, "A-1", "start@50 apart:1", "", NULL, NULL, "114", "114 recovered; no view: it holds no Primary view", 0 },
        { "quorum lost last: the Primary view before counts", STOPPED, "A-1", "start@50 view:12 apart:1", "51", "12", NULL, "114", "114 recovered; view 51:12 resumable", 0 },
        { "quorum lost and regained: others may have gone on in between", STOPPED, "A-1", "start@50 view:123 apart:1 view:123", "51,90", "123", NULL, "114", "114 recovered; view 90:123 resumable", 0 },
        { "so may they after an end within one start", STOPPED, "A-1", "start@50 view:123 closed view:13", "51,90", "13", NULL, "114", "114 recovered; view 90:13 resumable", 0 },
        { "no gap: all are told", STOPPED, "A-1", "start@50 view:123 view:13 view:1", "51,90,95", "1", NULL, "114", "114 recovered; view 95:1,90:13,51:123 resumable", 0 },
        { "two members of one name", STOPPED, "A-1", "start@50 view:11", "51", NULL, NULL, "114", "114 recovered; no view: two members of the cluster have one name", 0 },
        { "an older view with two of one name", STOPPED, "A-1", "start@50 view:11 view:1", "51,52", "1", NULL, "114", "114 recovered; no view: two members of the cluster have one name", 0 },

        /* Starts since the last view */
        { "a start that came to nothing", STOPPED, "A-1", "start@50 view:12 synced start@114 closed", "51", NULL, NULL, "114", "114 recovered; view 51:12", 0 },
        { "two of them", STOPPED, "A-1", "start@50 view:12 synced start@114 closed start@114 closed", "51", NULL, NULL, "114", "114 recovered; view 51:12", 0 },
        { "one that committed, though it told no view", STOPPED, "A-1", "start@50 view:1 closed start@114", "51", NULL, NULL, "150", "150 recovered; no view: the data went on at a start whose views it does not hold", 0 },
        { "the first of two did", STOPPED, "A-1", "start@50 view:1 closed start@114 start@150", "51", NULL, NULL, "150", "150 recovered; no view: the data went on at a start whose views it does not hold", 0 },
        { "gracefully, too", STOPPED, "150 safe", "start@50 view:1 closed start@114 closed", "51", NULL, NULL, NULL, "150 grastate safe; no view: the data went on at a start whose views it does not hold", 1 },
        { "where that start began is not known", STOPPED, "A-1", "start@50 view:1 closed start@-", "51", NULL, NULL, "114", "114 recovered; no view: the data went on at a start whose views it does not hold", 0 },
        { "it began with another cluster's data", STOPPED, "A-1", "start@50 view:1 closed start@B200", "51", NULL, NULL, "114", "114 recovered; no view: the data went on at a start whose views it does not hold", 0 },
        { "a later start saw views again: all is well", STOPPED, "A-1", "start@50 view:1 closed start@114 start@150 view:12", "151", "12", NULL, "160", "160 recovered; view 151:12 resumable", 0 },
        { "a graceful end, and it ran again past the gate", STOPPED, "A-1", "start@50 view:1 synced closed", "51", NULL, NULL, "150", "150 recovered; no view: mysqld ran again after its last graceful end", 0 },
        { "the data are older than at the last start", STOPPED, "A-1", "start@50 view:12 synced", "51", "12", NULL, "49", "49 recovered; no view: the data are older than at the last start", 0 },
        { "exactly as old", STOPPED, "A-1", "start@50 view:12 synced", "51", "12", NULL, "50", "50 recovered; view 51:12 resumable", 0 },
        { "of another cluster than at the last start", STOPPED, "B-1", "start@50 view:12 synced", "51", "12", NULL, "B49", "B49 recovered; view 51:12 resumable", 0 },

        /* No data */
        { "a new node", STOPPED, NULL, NULL, "", NULL, NULL, NULL, "blank", 0 },
        { "a new node that was started once", STOPPED, "Z-1 safe", "start@-", "", NULL, NULL, NULL, "blank safe", 0 },
        { "a new node that has files of a server", STOPPED, "Z-1 safe data", "start@-", "", NULL, NULL, NULL, "blank safe", 0 },
        { "a new node whose first transfer failed", STOPPED, "? empty", "start@-", "", NULL, NULL, NULL, "blank", 0 },
        { "an empty file beside data", STOPPED, "? empty data", "start@-", "", NULL, NULL, NULL, "unjudged problem: grastate.dat: line 2; no view: it holds no Primary view", 0 },
        { "no data, and a record that cannot be read", STOPPED, NULL, "?", "", NULL, NULL, NULL, "problem: there are no data of a cluster here, and whether there were is not known; no view: line 3 of the record", 0 },
        { "zeros, and a record that cannot be read", STOPPED, "Z-1 safe", "?", "", NULL, NULL, NULL, "problem: there are no data of a cluster here, and whether there were is not known; safe; no view: line 3 of the record", 0 },
        { "a transfer was cut off", STOPPED, "Z-1 safe", "start@50 view:12", "51", NULL, NULL, NULL, "problem: grastate.dat holds no cluster any more; safe; view 51:12", 0 },
        { "found inconsistent", STOPPED, "Z-1 unsafe", "start@50 view:12 synced", "51", NULL, NULL, NULL, "problem: grastate.dat holds no cluster any more; unsafe; view 51:12", 0 },
        { "cut in the middle of a schema change: the data are asked", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced", "51", "12", NULL, NULL, "recover; schema-cut unsafe; view 51:12", 0 },
        { "their position counts, and nothing is resumed from it", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced", "51", "12", NULL, "114", "114 recovered schema-cut problem: it was cut off in the middle of a change of the schema; unsafe; view 51:12", 0 },
        { "they have none", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced", "51", "12", NULL, "?", "unjudged schema-cut problem: 3 prepared transactions. Look; unsafe; view 51:12", 0 },
        { "half of a copy is no such thing", STOPPED, "Z-1 unsafe data", "start@50 view:12", "51", NULL, NULL, "114", "problem: grastate.dat holds no cluster any more; unsafe; view 51:12", 0 },
        { "nor is who was found inconsistent", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced closed", "51", NULL, NULL, "114", "problem: the server found its data inconsistent; unsafe; no view: mysqld ran again after its last graceful end", 0 },
        { "whose record is cut off behind the end was not for certain, and its data do not count either", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced closed torn", "51", NULL, NULL, "114", "problem: grastate.dat holds no cluster any more; unsafe; no view: a view could not be recorded, or its last line was cut off", 0 },
        { "cut so in a start past the gate", STOPPED, "Z-1 unsafe data", "view:12 synced", "51", NULL, NULL, NULL, "recover; schema-cut unsafe; no view: it is empty", 0 },
        { "cut so, and started again to no avail: the transfer that it asked for may have begun", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced start@114 joiner", "51", NULL, NULL, "114", "problem: grastate.dat holds no cluster any more; unsafe; view 51:12", 0 },
        { "cut so, and started again from the zeros it left: nothing was sent", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced start@- joiner", "51", NULL, NULL, NULL, "recover; schema-cut unsafe; view 51:12", 0 },
        { "half of a copy, and started again from the zeros it left", STOPPED, "Z-1 unsafe data", "start@50 view:12 joiner start@-", "51", NULL, NULL, NULL, "problem: grastate.dat holds no cluster any more; unsafe; view 51:12", 0 },
        { "zeros of one that was in no view", STOPPED, "Z-1 unsafe data", "start@50 synced", "", NULL, NULL, NULL, "blank unsafe", 0 },
        { "and a recovered position does not change that", STOPPED, "Z-1 safe", "start@50 view:12", "51", NULL, NULL, "114", "problem: grastate.dat holds no cluster any more; safe; view 51:12", 0 },
        { "a member that was stopped gracefully, and whose grastate.dat is gone", STOPPED, NULL, "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "problem: it was a member of the cluster; view 51:12", 0 },
        { "a member whose grastate.dat is gone", STOPPED, NULL, "start@50 view:12", "51", NULL, NULL, NULL, "problem: it was a member of the cluster; view 51:12", 0 },
        { "grastate.dat cannot be read", STOPPED, "?", "start@50 view:12", "51", NULL, NULL, NULL, "unjudged problem: grastate.dat: line 2; view 51:12", 0 },
        { "and a recovered position does not mend it", STOPPED, "?", "start@50 view:12", "51", NULL, NULL, "114", "unjudged problem: grastate.dat: line 2; view 51:12", 0 },

        /* Live */
        { "live: the file's uuid, and no position", MYSQLD_NON_PRIMARY, "A-1", "start@50 view:12 synced", "51", "12", NULL, NULL, "-1 live; view 51:12", 0 },
        { "live: gvwstate.dat is of no concern", MYSQLD_PRIMARY, "A-1", "start@50 view:12 synced", "51", "1", NULL, NULL, "-1 live; view 51:12", 0 },
        { "live: an old recovery does not count", MYSQLD_PRIMARY, "A-1", "start@50 view:12 synced", "51", "12", NULL, "40", "-1 live; view 51:12", 0 },
        { "live, and nothing known", MYSQLD_STARTING, NULL, NULL, "", NULL, NULL, NULL, "; no view: it is empty", 0 },
};

static Position position_of(const char *text) {
        Position p = case_position(text);

        if (*text == 'Z')
                p.uuid = (Uuid) {0};
        return p;
}

/* A member's identity in the group; the incarnation differs from file to file. */
static Uuid member_id(char digit, uint8_t incarnation) {
        Uuid u = case_id(digit);

        u.b[9] = incarnation;
        return u;
}

/* As libgalera and the helpers write it. Free the result. */
static char *record_text(const char *words) {
        _cleanup_free_ char *copy = strdup(words);
        char *save = NULL, *text = NULL, uuid[UUID_TEXT_MAX];
        usec_t time = CLOSED_AT - 100;
        uint64_t section = 4;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        Position p;

        assert_non_null(copy);
        assert_non_null(f);
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save), time++) {
                char *arg = strpbrk(word, ":@"), at[POSITION_TEXT_MAX];

                if (arg)
                        *arg++ = '\0';
                if (streq(word, "start")) {
                        p = streq(arg, "-") ? (Position) {0} : position_of(arg);
                        fprintf(f, "start %llu %llu %s %s\n", (unsigned long long) ++section, (unsigned long long) time, INVOCATION,
                                streq(arg, "-") ? "-" : position_text(&p, at));
                } else if (streq(word, "view") || streq(word, "apart")) {
                        Uuid cluster = case_id('A');

                        fprintf(f, "view %llu %s %s 0 ", (unsigned long long) time, uuid_text(&cluster, uuid), streq(word, "view") ? "primary" : "non-primary");
                        for (const char *digit = arg; *digit; digit++) {
                                Uuid id = member_id(*digit, (uint8_t) (digit - arg + 1));

                                fprintf(f, "%s%s/db%c/", digit > arg ? "," : "", uuid_text(&id, uuid), *digit);
                                if (*digit <= '9')
                                        fprintf(f, "192.0.2.%c", *digit);
                        }
                        fputc('\n', f);
                } else if (streq(word, "closed"))
                        fprintf(f, "disconnected %llu\n", (unsigned long long) CLOSED_AT);
                else if (streq(word, "lost"))
                        fprintf(f, "lost %llu\n", (unsigned long long) time);
                else if (streq(word, "torn"))
                        fprintf(f, "view 10");
                else
                        fprintf(f, "status %llu %s\n", (unsigned long long) time, word);
        }
        assert_int_equal(fclose(f), 0);
        return text;
}

static bool gvwstate_of(const char *digits, Gvwstate *ret, char error[static 256]) {
        *ret = (Gvwstate) { .primary = true };
        if (!digits)
                return false;
        if (*digits == '?') {
                (void) snprintf(error, 256, "the file is empty");
                return false;
        }
        ret->my_uuid = member_id(*digits, 0x77); /* this node is the first of them */
        for (; *digits; digits++)
                ret->members[ret->n_members++] = (GvwMember) { member_id(*digits, 0x77), 0 };
        return true;
}

static void evidence_make(const Situation *s, Evidence *e) {
        char ignored[256];

        *e = (Evidence) { .mysqld = s->mysqld };
        (void) snprintf(e->unit_invocation, sizeof(e->unit_invocation), "%s", mysqld_is_live(s->mysqld) ? INVOCATION : "");
        if (s->grastate && *s->grastate == '?') {
                (void) snprintf(e->grastate_error, sizeof(e->grastate_error), "line 2: \"x\" is not a UUID");
                e->grastate_empty = strstr(s->grastate, "empty");
                e->have_data = strstr(s->grastate, "data");
        } else if (s->grastate) {
                char number[32] = "", word[16] = "";

                assert_true(sscanf(s->grastate, "%31s %15s", number, word) >= 1);
                e->have_grastate = true;
                e->have_data = strstr(s->grastate, " data") != NULL;
                e->grastate.position = position_of(number);
                e->grastate.safe_to_bootstrap = streq(word, "safe") ? GRASTATE_SAFE_YES : streq(word, "unsafe") ? GRASTATE_SAFE_NO : GRASTATE_SAFE_UNSAID;
                e->grastate_mtime = CLOSED_AT + (usec_t) s->written * USEC_PER_SEC;
        }
        if (s->record && *s->record == '?')
                (void) snprintf(e->viewlog_error, sizeof(e->viewlog_error), "line 3 of the record of views: the time is not a whole number");
        else if (s->record) {
                _cleanup_free_ char *text = record_text(s->record), *seqnos = strdup(s->seqnos);
                char *save = NULL, error[256] = "";
                size_t n = 0;

                if (viewlog_parse(text, strlen(text), &e->viewlog, error) < 0)
                        fail_msg("%s: %s", s->name, error);
                e->have_viewlog = true;
                for (char *one = strtok_r(seqnos, ",", &save); one; one = strtok_r(NULL, ",", &save))
                        e->view_seqno[n++] = *one == '?' ? SEQNO_UNDEFINED : case_number(one);
                CHECK(n == e->viewlog.n_views, s->name);
        }
        e->have_gvwstate = gvwstate_of(s->gvwstate, &e->gvwstate, e->gvwstate_error);
        e->have_aside = gvwstate_of(s->aside, &e->aside, ignored);
        if (s->recovery) {
                e->have_recovery = true;
                e->recovery_has_position = *s->recovery != '?';
                if (e->recovery_has_position)
                        e->recovery_position = position_of(s->recovery);
                else
                        (void) snprintf(e->recovery_text, sizeof(e->recovery_text), "3 prepared transactions. Look.");
        }
}

/* "114 grastate safe; view 51:12", "recover" in front where that is needed;
 * "blank"; "problem: ..."; "no view: ..."; "resumable". Sentences only as far as `like`
 * has them. Free the result. */
static char *describe(const Report *r, int needs_recovery, const char *like) {
        const char *problem = strstr(like, "problem: "), *noview = strstr(like, "no view: ");
        size_t n_problem = problem ? strcspn(problem + 9, ";") : 1000, n_noview = noview ? strlen(noview + 9) : 1000;
        const char *part = "";
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        if (needs_recovery)
                fprintf(f, "recover%s", r->safe_to_bootstrap >= 0 ? ";" : ""), part = " ";
        if (r->source != SOURCE_NONE)
                fprintf(f, "%s%lld %s", r->position.uuid.b[0] == 'A' ? "" : "B", (long long) r->position.seqno, source_to_string(r->source)), part = " ";
        if (r->blank)
                fprintf(f, "blank"), part = " ";
        if (r->unjudged)
                fputs("unjudged ", f);
        if (r->schema_cut)
                fprintf(f, "%sschema-cut", part), part = " ";
        if (r->problem)
                fprintf(f, "%sproblem: %.*s%s", r->schema_cut ? " " : "", (int) n_problem, r->problem, r->safe_to_bootstrap >= 0 ? ";" : ""), part = " ";
        if (r->safe_to_bootstrap >= 0)
                fprintf(f, "%s%s", part, r->safe_to_bootstrap ? "safe" : "unsafe");
        if (r->have_view) {
                fprintf(f, "; view ");
                for (size_t i = 0; i < r->n_views; i++) {
                        fprintf(f, i > 0 ? "," : "");
                        if (r->view[i].seqno == SEQNO_UNDEFINED)
                                fputc('?', f);
                        else
                                fprintf(f, "%lld", (long long) r->view[i].seqno);
                        fputc(':', f);
                        for (size_t k = 0; k < r->view[i].members.n; k++)
                                fputc(r->view[i].members.name[k][2], f);
                }
        }
        if (r->have_group)
                fprintf(f, " resumable");
        if (r->arbitrators.n > 0)
                fprintf(f, " +");
        for (size_t k = 0; k < r->arbitrators.n; k++)
                fputc(r->arbitrators.name[k][2], f);
        if (r->view_problem)
                fprintf(f, "; no view: %.*s", (int) n_noview, r->view_problem);
        assert_int_equal(fclose(f), 0);
        return text;
}

/* Where memory is short at any point of it, that is said; where a name does not fit,
 * the record does not count. */
static void check_short(const Evidence *e, const char *name) {
        for (int names = 0; names < 2; names++) {
                bool refused;
                unsigned n = 0;

                do {
                        _cleanup_(report_freep) Report *r = NULL;
                        int k;

                        assert_int_equal(report_new(&r), 0);
                        names ? names_refuse(++n) : memory_refuse(++n);
                        k = evidence_weigh(e, r);
                        refused = names ? names_refused() : memory_refused();
                        CHECK(!refused || names ? k >= 0 : k == -ENOMEM, name);
                        CHECK(!refused || !names || (!r->have_view && r->view_problem), name);
                } while (refused);
        }
}

static void evidence_is_weighed_as_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                _cleanup_(report_freep) Report *r = NULL;
                _cleanup_free_ char *text = NULL;
                Evidence e;
                int k;

                evidence_make(&table[i], &e);
                assert_int_equal(report_new(&r), 0);
                k = evidence_weigh(&e, r);
                check_short(&e, table[i].name);
                viewlog_done(&e.viewlog);
                CHECK(k >= 0, table[i].name);
                text = describe(r, k, table[i].says);
                if (!streq(text, table[i].says))
                        fail_msg("%s: expected \"%s\", came to \"%s\"", table[i].name, table[i].says, text);
                CHECK(!(r->have_view && r->view_problem), table[i].name);
                CHECK(r->have_view == (r->n_views > 0), table[i].name);
                /* What is said of the data is said once. */
                CHECK((r->source != SOURCE_NONE) + r->blank + (r->problem && !r->schema_cut) + k <= 1, table[i].name);
        }
}

static void a_missing_datadir_is_no_blank_node(void **state) {
        Evidence e = { .mysqld = STOPPED, .datadir_missing = true, .grastate_error = "the datadir /x cannot be opened: No such file or directory" };
        Report *r = NULL;

        (void) state;
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_false(r->blank);
        assert_string_equal(r->problem, e.grastate_error);
        r = report_free(r);

        assert_int_equal(report_new(&r), 0);
        e.grastate_error[0] = '\0';
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_false(r->blank);
        assert_non_null(r->problem);
        r = report_free(r);
}

/* What a transfer itself left behind: whatever else lies there, the data are not whole. */
static void half_a_transfer_is_not_asked_for_its_position(void **state) {
        static const struct {
                Situation s;
                int safe;
        } cases[] = {
                { { "after it", STOPPED, "114 safe data", "start@50 view:12 synced", "51", NULL, NULL, "114", "", 0 }, 1 },
                { { "unsafe", STOPPED, "Z-1 unsafe data", "start@50 view:12", "51", NULL, NULL, NULL, "", 0 }, 0 },
                { { "unsaid", STOPPED, "Z-1", "start@50 view:12", "51", NULL, NULL, NULL, "", 0 }, -1 },
                { { "no file", STOPPED, NULL, "start@50 view:12", "51", NULL, NULL, NULL, "", 0 }, -1 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(report_freep) Report *r = NULL;
                Evidence e;

                evidence_make(&cases[i].s, &e);
                e.sst_cut = true;
                assert_int_equal(report_new(&r), 0);
                CHECK(evidence_weigh(&e, r) == 0, cases[i].s.name);
                CHECK(!report_has_position(r) && !r->blank && !r->schema_cut && strstr(r->problem, "was cut off"), cases[i].s.name);
                CHECK(r->safe_to_bootstrap == cases[i].safe, cases[i].s.name);
                viewlog_done(&e.viewlog);
        }
}

/* A longer record than is kept has no beginning: the oldest view kept tells nothing of before. */
static void the_newest_views_are_told(void **state) {
        _cleanup_(report_freep) Report *r = NULL;
        char record[1024] = "start@50", seqnos[1024] = "";
        Situation s = { "long", STOPPED, "A-1", record, seqnos, NULL, NULL, "900", "", 0 };
        Evidence e;

        (void) state;
        for (int i = 0; i < VIEWLOG_VIEWS_MAX + 3; i++) {
                strcat(record, i % 2 ? " view:12" : " view:1");
                if (i >= 3)
                        (void) snprintf(seqnos + strlen(seqnos), 8, "%s%d", i > 3 ? "," : "", 100 + i);
        }
        evidence_make(&s, &e);
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_int_equal(r->n_views, VIEWLOG_VIEWS_MAX);
        assert_int_equal(r->view[0].seqno, 100 + VIEWLOG_VIEWS_MAX + 2);
        assert_int_equal(r->view[VIEWLOG_VIEWS_MAX - 1].seqno, 103);
        assert_false(r->view[VIEWLOG_VIEWS_MAX - 1].after_gap);
        viewlog_done(&e.viewlog);
}

/* Which start it is that runs: only of that one the record tells. */
static void the_record_is_of_the_start_that_runs_or_not(void **state) {
        static const Situation s = { "running", MYSQLD_PRIMARY, "Z-1 unsafe data", "start@50 view:12 joiner", "51", NULL, NULL, NULL, "", 0 };
        static const Situation past = { "past the gate", MYSQLD_PRIMARY, "A-1", "view:12", "51", NULL, NULL, NULL, "", 0 };
        static const Situation none = { "no record", MYSQLD_PRIMARY, "A-1", NULL, "", NULL, NULL, NULL, "", 0 };
        Evidence e;

        (void) state;
        evidence_make(&s, &e);
        assert_true(evidence_followed(&e));
        /* It may yet get what it asked for. */
        assert_false(evidence_transfer_failed(&e));
        e.mysqld = STOPPED;
        assert_true(evidence_transfer_failed(&e));
        e.grastate.position.uuid = case_id('A');
        assert_false(evidence_transfer_failed(&e));
        e.grastate.position.uuid = (Uuid) {0};
        e.have_viewlog = false;
        assert_false(evidence_transfer_failed(&e));
        e.have_viewlog = true;
        e.mysqld = MYSQLD_PRIMARY;

        /* The unit does not say which start it is: that is no contradiction. */
        for (int said = 0; said < 2; said++) {
                _cleanup_(report_freep) Report *r = NULL;

                (void) snprintf(e.unit_invocation, sizeof(e.unit_invocation), "%s", said ? "ffffffffffffffffffffffffffffffff" : "");
                assert_int_equal(evidence_followed(&e), !said);
                assert_int_equal(report_new(&r), 0);
                assert_int_equal(evidence_weigh(&e, r), 0);
                assert_int_equal(r->have_view, !said);
        }
        viewlog_done(&e.viewlog);

        evidence_make(&past, &e);
        assert_false(evidence_followed(&e));
        e.unit_invocation[0] = '\0';
        assert_false(evidence_followed(&e));
        e.mysqld = STOPPED;
        e.grastate.position.uuid = (Uuid) {0};
        e.have_data = true;
        assert_false(evidence_transfer_failed(&e));
        viewlog_done(&e.viewlog);
        evidence_make(&none, &e);
        assert_false(evidence_followed(&e));
}

/* It was synced, closed its connection, and holds no cluster any more: in the start that
 * the record tells of, and nothing of which is missing from it. */
static void who_was_evicted(void **state) {
        static const struct {
                Situation s;
                bool evicted;
        } cases[] = {
                { { "it was", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "", 0 }, true },
                { { "it runs on", MYSQLD_STARTING, "Z-1 unsafe data", "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "", 0 }, true },
                { { "without data", STOPPED, "Z-1 unsafe", "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "of a cluster", STOPPED, "A-1 unsafe data", "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "no file", STOPPED, NULL, "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "cut off behind the end", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced closed torn", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "no view", STOPPED, "Z-1 unsafe data", "start@50 synced closed", "", NULL, NULL, NULL, "", 0 }, false },
                { { "at the start before", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced start@60 synced closed", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "not synced yet", STOPPED, "Z-1 unsafe data", "start@50 view:12 joiner closed", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "not closed", STOPPED, "Z-1 unsafe data", "start@50 view:12 synced", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "past the gate", STOPPED, "Z-1 unsafe data", "view:12 synced closed", "51", NULL, NULL, NULL, "", 0 }, false },
                { { "no record", STOPPED, "Z-1 unsafe data", NULL, "", NULL, NULL, NULL, "", 0 }, false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                Evidence e;

                evidence_make(&cases[i].s, &e);
                CHECK(evidence_evicted(&e) == cases[i].evicted, cases[i].s.name);
                (void) snprintf(e.unit_invocation, sizeof(e.unit_invocation), "%s", "ffffffffffffffffffffffffffffffff");
                CHECK(!evidence_evicted(&e), cases[i].s.name);
                viewlog_done(&e.viewlog);
        }
}

/* Files of a server and no grastate.dat: a new one, or a person wants a full copy. */
static void without_grastate_a_full_copy_is_wanted(void **state) {
        static const Situation new = { "new", STOPPED, NULL, NULL, "", NULL, NULL, NULL, "", 0 };
        static const Situation member = { "member", STOPPED, NULL, "start@50 view:12", "51", NULL, NULL, NULL, "", 0 };

        (void) state;
        for (size_t i = 0; i < 2; i++) {
                Evidence e;
                Report *r = NULL;

                evidence_make(i == 0 ? &new : &member, &e);
                e.have_data = true;
                assert_int_equal(report_new(&r), 0);
                assert_int_equal(evidence_weigh(&e, r), 0);
                assert_int_equal(r->blank, i == 0);
                assert_false(r->unjudged);
                r = report_free(r);
                viewlog_done(&e.viewlog);
        }
}

static void a_live_servers_own_word_counts(void **state) {
        static const Situation s = { "live", MYSQLD_PRIMARY, "A-1", "start@50 view:12 synced", "51", "12", NULL, NULL, "", 0 };
        Evidence e;
        Report *r = NULL;

        (void) state;
        evidence_make(&s, &e);
        e.have_live = true;
        e.live = (Position) { case_id('A'), 70 };
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_int_equal(r->position.seqno, 70);
        assert_int_equal(r->source, SOURCE_LIVE);
        assert_true(r->have_view);
        r = report_free(r);

        /* Started past the gate: what its record says is of another start. */
        (void) snprintf(e.unit_invocation, sizeof(e.unit_invocation), "%s", "ffffffffffffffffffffffffffffffff");
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_false(r->have_view);
        assert_string_equal(r->view_problem, "mysqld was started past the gate");
        r = report_free(r);
        viewlog_done(&e.viewlog);
}

/* A server whose address nobody could tell is a node for all that. */
static void a_node_that_is_known_is_no_arbitrator(void **state) {
        static const Situation s = { "unaddressed", STOPPED, "A-1", "start@50 view:1g synced", "51", NULL, NULL, "114", "", 0 };
        _cleanup_(report_freep) Report *r = NULL;
        Evidence e;

        (void) state;
        evidence_make(&s, &e);
        assert_int_equal(names_add(&e.nodes, "dbg"), 0);
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0);
        assert_true(r->have_view && names_contain(&r->view[0].members, "dbg"));
        assert_int_equal(r->arbitrators.n, 0);
        viewlog_done(&e.viewlog);
}

/* Its data may go on at any moment, and it may be Primary. */
static void a_server_outside_its_unit_is_not_stopped(void **state) {
        static const Situation s = { "outside", MYSQLD_UNKNOWN, "114 safe", "start@50 view:12 synced closed", "51", NULL, NULL, NULL, "", 0 };
        _cleanup_(report_freep) Report *r = NULL;
        Evidence e;

        (void) state;
        evidence_make(&s, &e);
        e.outside = "mariadb.service";
        assert_int_equal(report_new(&r), 0);
        assert_int_equal(evidence_weigh(&e, r), 0); /* no recovery: it would come into its way */
        assert_false(report_has_position(r) || r->have_view || r->blank);
        assert_non_null(strstr(r->problem, "outside of mariadb.service"));
        assert_non_null(strstr(r->view_problem, "outside"));
        viewlog_done(&e.viewlog);
}

/* Both parts of a split cluster may have gone on: who was there last says nothing. */
static void without_quorum_no_view_is_trusted(void **state) {
        static const Situation cases[] = {
                { "stopped", STOPPED, "A-1", "start@50 view:12 synced", "51", "12", NULL, "114", "", 0 },
                { "live", MYSQLD_PRIMARY, "A-1", "start@50 view:12 synced", "51", "12", NULL, NULL, "", 0 },
        };
        static const char *const options[] = { "pc.ignore_sb", "pc.ignore_quorum" };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                for (size_t k = 0; k < 2 * ELEMENTS(options); k++) {
                        _cleanup_(report_freep) Report *r = NULL;
                        Evidence e;

                        evidence_make(&cases[i], &e);
                        e.quorum_off = options[k % ELEMENTS(options)];
                        e.quorum_was_off = k >= ELEMENTS(options);
                        assert_int_equal(report_new(&r), 0);
                        assert_int_equal(evidence_weigh(&e, r), 0);
                        CHECK(!r->have_view && r->n_views == 0, cases[i].name);
                        CHECK(r->view_problem && strstr(r->view_problem, e.quorum_off), cases[i].name);
                        CHECK(!e.quorum_was_off || strstr(r->view_problem, "are of a start with"), cases[i].name);
                        viewlog_done(&e.viewlog);
                }
}

static void what_forbids_a_resume(void **state) {
        static const Situation s = { "cut off", STOPPED, "A-1", "start@50 view:12 synced", "51", "12", NULL, "114", "", 0 };
        static const char *const what[] = { "nothing", "pc.recovery is off", "it was no Primary view", "it was to bootstrap", "it is spoilt", "no view of it is trusted", "it has no number", "this node is none of its members" };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(what); i++) {
                _cleanup_(report_freep) Report *r = NULL;
                Evidence e;

                evidence_make(&s, &e);
                e.gvwstate.view_uuid = case_id('g');
                e.gvwstate.view_seqno = i == 6 ? -1 : 7;
                if (i == 7)
                        e.viewlog.views[0].own_index = -1;
                e.recovery_off = i == 1;
                e.gvwstate.primary = i != 2;
                e.gvwstate.bootstrap = i == 3;
                (void) snprintf(e.gvwstate_error, sizeof(e.gvwstate_error), "%s", i == 4 ? "line 2" : "");
                e.quorum_off = i == 5 ? "pc.ignore_sb" : NULL;
                assert_int_equal(report_new(&r), 0);
                assert_int_equal(evidence_weigh(&e, r), 0);
                CHECK(r->have_group == (i == 0), what[i]);
                CHECK(i > 0 || position_equal(&r->group, &(Position) { case_id('g'), 7 }), what[i]);
                viewlog_done(&e.viewlog);
        }
}

/* A late answer tells of a view before. */
static void each_view_has_a_seqno_above_all_before(void **state) {
        static const struct {
                const char *record, *seqnos;
                int64_t seqno;
                bool fits;
        } cases[] = {
                { "start@50 view:12", "?", 51, true },
                { "start@50 view:12", "?", -1, false },
                { "start@50 view:123 view:12 view:123", "51,90,?", 95, true },
                { "start@50 view:123 view:12 view:123", "51,90,?", 51, false },
                { "start@50 view:123 view:12 view:123", "51,90,?", 90, false },
                { "start@50 view:123 view:12 view:123", "51,?,?", 51, false },
                { "start@50 view:123 view:12 view:123", "?,?,?", 51, true },
                { "start@50", "", 51, false },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const Situation s = { "live", MYSQLD_PRIMARY, "A-1", cases[i].record, cases[i].seqnos, NULL, NULL, NULL, "", 0 };
                Evidence e;

                evidence_make(&s, &e);
                CHECK(evidence_is_newest_seqno(&e, cases[i].seqno) == cases[i].fits, cases[i].seqnos);
                viewlog_done(&e.viewlog);
        }
}

static const struct {
        const char *record;
        Mysqld mysqld;
} lives[] = {
        { "start@50", MYSQLD_STARTING },
        { "start@50 joiner", MYSQLD_STARTING },
        { "start@50 view:12 joiner", MYSQLD_JOINING },
        { "start@50 view:12 joined", MYSQLD_JOINING },
        { "start@50 view:12", MYSQLD_JOINING },
        { "start@50 view:12 synced", MYSQLD_PRIMARY },
        { "start@50 view:12 Synced", MYSQLD_PRIMARY },
        { "start@50 view:12 donor", MYSQLD_PRIMARY },
        { "start@50 view:12 Donor", MYSQLD_PRIMARY },
        { "start@50 view:12 synced apart:1", MYSQLD_NON_PRIMARY },
        { "start@50 apart:1", MYSQLD_NON_PRIMARY },
        { "start@50 view:12 synced apart:1 view:12 synced", MYSQLD_PRIMARY },
        { "start@50 view:12 synced closed", MYSQLD_STARTING },
        { "start@50 view:12 synced start@60", MYSQLD_STARTING },
        { "start@50 view:12 synced start@60 apart:1", MYSQLD_NON_PRIMARY },
        { "", MYSQLD_STARTING },
};

static void the_record_tells_what_a_live_server_does(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(lives); i++) {
                _cleanup_free_ char *text = record_text(lives[i].record);
                char error[256];
                Viewlog log;

                assert_int_equal(viewlog_parse(text, strlen(text), &log, error), 0);
                CHECK(evidence_live_state(&log) == lives[i].mysqld, lives[i].record);
                viewlog_done(&log);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(evidence_is_weighed_as_the_table_says),
                cmocka_unit_test(a_missing_datadir_is_no_blank_node),
                cmocka_unit_test(half_a_transfer_is_not_asked_for_its_position),
                cmocka_unit_test(the_newest_views_are_told),
                cmocka_unit_test(the_record_is_of_the_start_that_runs_or_not),
                cmocka_unit_test(who_was_evicted),
                cmocka_unit_test(without_grastate_a_full_copy_is_wanted),
                cmocka_unit_test(a_live_servers_own_word_counts),
                cmocka_unit_test(a_node_that_is_known_is_no_arbitrator),
                cmocka_unit_test(a_server_outside_its_unit_is_not_stopped),
                cmocka_unit_test(without_quorum_no_view_is_trusted),
                cmocka_unit_test(what_forbids_a_resume),
                cmocka_unit_test(each_view_has_a_seqno_above_all_before),
                cmocka_unit_test(the_record_tells_what_a_live_server_does),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
