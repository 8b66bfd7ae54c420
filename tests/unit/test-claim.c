/* Claims: what a grantor says to one, and when a grant ends. */
#include "cases.h"
#include "memory.h"
#include "domain/claim.h"

#define V " view 10:123"
#define R " settled group g view 100:123"

/* A claim on what `rests_on` says, whose first voice is the holder's. `text`
 * is what stands in it besides: "without 3", "new-cluster", "in-place", "resume". */
static Claim *make_claim(char id, const char *rests_on, const char *text) {
        Cast cast = cast_parse(rests_on);
        char leader[NAME_SIZE];
        Overrule o;
        Claim *c;

        assert_int_equal(claim_new(&c), 0);
        c->id = case_id(id);
        (void) snprintf(c->holder, sizeof(c->holder), "%s", cast.name[0]);
        o = case_overrule(text, leader);
        c->without = o.without;
        c->new_cluster = strstr(text, "new-cluster");
        c->manner = strstr(text, "in-place") ? MANNER_IN_PLACE : strstr(text, "resume") ? MANNER_RESUME : MANNER_RESTART;
        if (!c->new_cluster && cast.report[0])
                c->position = cast.report[0]->position;
        for (size_t i = 0; i < cast.n; i++) {
                if (cast.report[i])
                        c->report[c->n_reports++] = TAKE(cast.report[i]);
                assert_int_equal(names_add(&c->needed, cast.name[i]), 0);
        }
        return c;
}

static const struct {
        const char *name;
        const char *rests_on; /* the claim of the first one named */
        const char *text;
        const char *grantor, *knows; /* what the grantor knows, itself included */
        const char *standing; /* "x:1": its standing grant */
        ClaimState own;
        const char *refusal;  /* NULL: granted */
} judged[] = {
        { "both come to the same", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, NULL },
        { "the grantor has not heard the claimant itself", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 uncertain; db2 stopped 114" V "; db3 uncertain", NULL, CLAIM_NONE, NULL },
        { "nor knows that it exists", "db1 stopped 115 view 10:12; db2 stopped 114 view 10:12", "", "db2", "db2 stopped 114 view 10:12", NULL, CLAIM_NONE, NULL },
        { "the grantor itself is ahead", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 116" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 comes to bootstrap db2" },
        { "of itself it knows best, whatever serial the claim has", "db1 stopped 115" V "; db2 stopped 114 at 9.9" V "; db3 stopped 114" V, "",
          "db2", "db2 stopped 116" V "; db1 uncertain; db3 uncertain", NULL, CLAIM_NONE, "db2 comes to bootstrap db2" },
        { "what the claim says of the grantor is not so any more", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 113" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor of whom it has seen lead", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114 led 3" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor of which installation it is", "db1 stopped 115" V "; db2 stopped 114 agent o" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor of what its mysqld does", "db1 stopped 115" V "; db2 unknown 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor that it has data", "db1 stopped 115" V "; db2 stopped 114 blank" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor that its record can be relied on", "db1 stopped 115" V "; db2 stopped 114; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor when its last view was", "db1 stopped 115" V "; db2 stopped 114 view 11:123; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor who was in it", "db1 stopped 115" V "; db2 stopped 114 view 10:12; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "nor of itself at all", "db1 stopped 115" V "; db3 stopped 114" V, "without 2",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "who does not know itself grants nothing", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "without 2",
          "db2", "db1 stopped 115" V "; db2 uncertain; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "the same history", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db3 must grant it too" },
        { "of three that all know", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114 history a@5" V, NULL, CLAIM_NONE, NULL },
        { "it has been through one bootstrap more", "db1 stopped 115 history a@5" V "; db2 stopped 114" V "; db3 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114 history a@5" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "or through one less", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5,b@200" V "; db3 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114 history a@5" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "or through another", "db1 stopped 115 history a@5" V "; db2 stopped 114 history b@5" V "; db3 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114 history a@5" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "or it was not known through which", "db1 stopped 115 history a@5" V "; db2 stopped 114 history -" V "; db3 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114 history a@5" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "or it is not known any more", "db1 stopped 115 history a@5" V "; db2 stopped 114 history a@5" V "; db3 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history -" V "; db3 stopped 114 history a@5" V, NULL, CLAIM_NONE, "db2 has changed since" },
        { "and never was", "db1 stopped 115 history a@5" V "; db2 stopped 114 history -" V "; db3 stopped 114 history a@5" V, "",
          "db2", "db1 stopped 115 history a@5" V "; db2 stopped 114 history -" V "; db3 stopped 114 history a@5" V, NULL, CLAIM_NONE, NULL },
        { "it knows of a third that is ahead", "db1 stopped 115 view 10:12; db2 stopped 114 view 10:12", "",
          "db2", "db1 stopped 115 view 10:12; db2 stopped 114 view 10:12; db3 stopped 120 view 10:123", NULL, CLAIM_NONE, "db3" },
        { "it knows of a newer view, one of which is not heard", "db1 stopped 115 view 10:12; db2 stopped 114 view 10:12", "",
          "db2", "db1 stopped 115 view 10:12; db2 stopped 114 view 116:23,10:12; db3 uncertain", NULL, CLAIM_NONE, "wait" },
        { "it hears a Primary", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 primary 200 at 1.2", NULL, CLAIM_NONE, "join db3" },
        { "a Primary that has ended since", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 115 at 1.3" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 primary 200 at 1.2", NULL, CLAIM_NONE, NULL },
        { "it sees a live mysqld that the claim calls stopped", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114 at 9.9" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 alive", NULL, CLAIM_NONE, "join db3" },
        { "the claim's reports are older", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114 at 1.1" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 116 at 1.2" V, NULL, CLAIM_NONE, "db3" },
        { "they are newer", "db1 stopped 117" V "; db2 stopped 114" V "; db3 stopped 116 at 1.3" V, "",
          "db2", "db1 stopped 117" V "; db2 stopped 114" V "; db3 stopped 118 at 1.2" V, NULL, CLAIM_NONE, NULL },
        { "a newer epoch counts before the serial", "db1 stopped 117" V "; db2 stopped 114" V "; db3 stopped 116 at 2.1" V, "",
          "db2", "db1 stopped 117" V "; db2 stopped 114" V "; db3 stopped 118 at 1.7" V, NULL, CLAIM_NONE, NULL },
        { "of two by one node the later counts", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114 at 1.1" V "; db3 stopped 116 at 1.2" V, "",
          "db2", "db1 uncertain; db2 stopped 114" V "; db3 uncertain", NULL, CLAIM_NONE, "db2 comes to bootstrap db3" },
        { "whichever stands first", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 116 at 1.2" V "; db3 stopped 114 at 1.1" V, "",
          "db2", "db1 uncertain; db2 stopped 114" V "; db3 uncertain", NULL, CLAIM_NONE, "db2 comes to bootstrap db3" },
        { "an earlier installation's report is not newer than what is heard", "db1 stopped 117" V "; db2 stopped 114" V "; db3 stopped 116 at 9.9 agent o" V, "",
          "db2", "db1 stopped 117" V "; db2 stopped 114" V "; db3 stopped 118 at 1.1" V, NULL, CLAIM_NONE, "db3" },
        { "the holder has moved since", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 116 at 1.2" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_NONE, "db2 comes to bootstrap db1" },
        { "another grant stands", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "x:3", CLAIM_NONE, "has granted the bootstrap to db3" },
        { "even one to the same node under another id", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "x:1", CLAIM_NONE, "has granted" },
        { "the same claim again", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "c:1", CLAIM_NONE, NULL },
        { "an operator gave up whom it was granted to", "db1 stopped 115" V "; db2 stopped 114" V, "without 3",
          "db2", "db1 stopped 115" V "; db2 stopped 114 grant x:3" V "; db3 uncertain", "x:3", CLAIM_NONE, NULL },
        { "not if that one is alive", "db1 stopped 115" V "; db2 stopped 114" V, "without 3",
          "db2", "db1 stopped 115" V "; db2 stopped 114 grant x:3" V "; db3 alive", "x:3", CLAIM_NONE, "alive" },
        { "nor if it was somebody else", "db1 stopped 115" V "; db2 stopped 114" V, "without 3",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 uncertain", "x:4", CLAIM_NONE, "has granted" },
        { "it asks for itself", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_ASKING, "makes a claim of its own" },
        { "it leads itself", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, "",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V, NULL, CLAIM_CONSUMED, "makes a claim of its own" },
        { "given up by an operator there: it goes on here too", "db1 stopped 115" V "; db2 stopped 114" V, "without 3",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 uncertain", NULL, CLAIM_NONE, NULL },
        { "but not over a live one", "db1 stopped 115" V "; db2 stopped 114" V, "without 3",
          "db2", "db1 stopped 115" V "; db2 stopped 114" V "; db3 primary 200", NULL, CLAIM_NONE, "alive" },
        { "a new cluster, and all is blank", "db1 stopped blank; db2 stopped blank", "new-cluster 1", "db2", "db1 stopped blank; db2 stopped blank", NULL, CLAIM_NONE, NULL },
        { "a new cluster, and the grantor has data", "db1 stopped blank; db2 stopped blank", "new-cluster 1", "db2", "db1 stopped blank; db2 stopped 5 view 1:2", NULL, CLAIM_NONE, "db2" },
        { "a new cluster, and it knows one that is not heard", "db1 stopped blank; db2 stopped blank", "new-cluster 1",
          "db2", "db1 stopped blank; db2 stopped blank; db3 uncertain", NULL, CLAIM_NONE, "wait" },

        { "in place, and both come to that", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "in-place",
          "db2", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, NULL, CLAIM_NONE, NULL },
        { "the claimant's mysqld would be restarted, and need not be", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "",
          "db2", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, NULL, CLAIM_NONE, "in another manner (in-place)" },
        { "in place, and it was stopped since", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "in-place",
          "db2", "db1 stopped 114 at 1.2" V "; db2 stopped 114" V "; db3 stopped 113" V, NULL, CLAIM_NONE, "in another manner (restart)" },
        { "in place, and the grantor is ahead", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "in-place",
          "db2", "db1 non-primary 114 fit in x" V "; db2 stopped 115" V "; db3 stopped 113" V, NULL, CLAIM_NONE, "wait" },
        { "in place, and the grantor's lives with it", "db1 non-primary 114 fit in x" V "; db2 non-primary 114 fit in x" V "; db3 stopped 113" V, "in-place",
          "db2", "db1 non-primary 114 fit in x" V "; db2 non-primary 114 fit in x" V "; db3 stopped 113" V, NULL, CLAIM_NONE, NULL },
        { "in place, and the grantor's lives elsewhere", "db1 non-primary 114 fit in x" V "; db2 non-primary 114 fit in y" V "; db3 stopped 113" V, "in-place",
          "db2", "db1 non-primary 114 fit in x" V "; db2 non-primary 114 fit in y" V "; db3 stopped 113" V, NULL, CLAIM_NONE, "wait" },
        { "in place, and the grantor hears of a Primary", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "in-place",
          "db2", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 primary 120 at 1.2", NULL, CLAIM_NONE, "join db3" },

        { "to resume, and all come to that", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, "resume",
          "db2", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, NULL, CLAIM_NONE, NULL },
        { "to bootstrap, where all could resume", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, "",
          "db2", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, NULL, CLAIM_NONE, "in another manner (resume)" },
        { "to resume, and the grantor has lost its gvwstate.dat", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, "resume",
          "db2", "db1 stopped 114" R "; db2 stopped 114 settled view 100:123; db3 stopped 114" R, NULL, CLAIM_NONE, "in another manner (restart)" },
        { "to resume, and a third has moved on", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, "resume",
          "db2", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 115 at 1.2" R, NULL, CLAIM_NONE, "db2 comes to bootstrap db3" },
};

static void grantors_come_to_their_own_conclusion(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(judged); i++) {
                _cleanup_(claim_freep) Claim *c = make_claim('c', judged[i].rests_on, judged[i].text);
                _cleanup_cast_ Cast knows = cast_parse(judged[i].knows);
                _cleanup_free_ char *why = NULL;
                Grant standing = {0};
                int r;

                if (judged[i].standing) {
                        standing.id = case_id(judged[i].standing[0]);
                        (void) snprintf(standing.holder, sizeof(standing.holder), "db%s", judged[i].standing + 2);
                }
                r = claim_judge(c, judged[i].grantor, cast_voices(&knows), knows.n, judged[i].standing ? &standing : NULL, judged[i].own, &why);
                if (r != !judged[i].refusal)
                        fail_msg("%s: came to %d: %s", judged[i].name, r, why ? why : "");
                if (judged[i].refusal && !strstr(why, judged[i].refusal))
                        fail_msg("%s: \"%s\" does not say \"%s\"", judged[i].name, why, judged[i].refusal);

                /* Where memory is short at any point of it, nothing is granted, nor refused. */
                const Voice *voices = cast_voices(&knows);
                unsigned n = 0;
                do {
                        _cleanup_free_ char *none = NULL;

                        memory_refuse(++n);
                        r = claim_judge(c, judged[i].grantor, voices, knows.n, judged[i].standing ? &standing : NULL, judged[i].own, &none);
                        CHECK(!memory_refused() || (r == -ENOMEM && !none), judged[i].name);
                } while (r == -ENOMEM);
                CHECK(r == !judged[i].refusal && n > 1, judged[i].name);
        }
}

static const struct {
        const char *name;
        const char *rests_on; /* the claim of the first one named */
        const char *history;  /* that it goes on from: ids */
} bases[] = {
        { "its own", "db1 stopped 120 history a@50 view 110:12; db2 stopped 119 history a@50 view 110:12", "a" },
        { "what another vouches for that saw it there", "db1 stopped 120 history a@50 view 110:12; db2 stopped 119 history a@50,b@100 view 110:12", "ab" },
        { "also where it knows of none", "db1 stopped 120 view 110:12; db2 stopped 119 history a@50,b@100 view 110:12", "ab" },
        { "one after the other", "db1 stopped 120 view 110:12; db2 stopped 60 history a@50 view 55:12; db3 stopped 119 history a@50,b@100 view 110:13", "ab" },
        { "not what it was not seen in", "db1 stopped 120 history a@50 view 60:12; db2 stopped 90 history a@50,b@80 view 81:2", "a" },
        { "nor what comes after that", "db1 stopped 120 view 110:12; db2 stopped 119 history a@50,b@115 view 110:12", "a" },
        { "nor what comes in another order there", "db1 stopped 120 history a@50,b@100 view 110:12; db2 stopped 119 history b@40,a@50 view 110:12", "ab" },
        { "nothing of who does not know", "db1 stopped 120 history a@50 view 110:12; db2 stopped 119 history - view 110:12", "a" },
        { "not what parts them", "db1 stopped 120 history c@50 view 110:12; db2 stopped 119 history a@50,b@100 view 110:12", "c" },
};

static void a_bootstrap_goes_on_from_all_that_others_vouch_for(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bases); i++) {
                _cleanup_(claim_freep) Claim *c = make_claim('x', bases[i].rests_on, "");
                History h = *c->report[0]->history;

                claim_base(c, &h);
                if (h.n != strlen(bases[i].history))
                        fail_msg("%s: %zu bootstraps", bases[i].name, h.n);
                for (size_t k = 0; k < h.n; k++) {
                        Uuid id = case_id(bases[i].history[k]);

                        if (!uuid_equal(&h.entry[k].id, &id))
                                fail_msg("%s: another at %zu", bases[i].name, k);
                }
        }
}

/* A position by what grastate.dat says is another than one that was recovered. */
static void where_the_grantor_s_position_is_from_matters(void **state) {
        static const char all[] = "db1 stopped 115" V "; db2 stopped 114" V "; db3 stopped 114" V;
        _cleanup_(claim_freep) Claim *c = make_claim('c', all, "");
        _cleanup_cast_ Cast knows = cast_parse(all);
        _cleanup_free_ char *why = NULL;

        (void) state;
        assert_int_equal(claim_judge(c, "db2", cast_voices(&knows), knows.n, NULL, CLAIM_NONE, &why), 1);
        knows.report[1]->source = SOURCE_GRASTATE;
        assert_int_equal(claim_judge(c, "db2", cast_voices(&knows), knows.n, NULL, CLAIM_NONE, &why), 0);
        assert_non_null(strstr(why, "db2 has changed since"));
}

/* One node more than there can be is not written behind the others. */
static void a_grantor_judges_by_no_more_than_there_can_be(void **state) {
        _cleanup_(claim_freep) Claim *c = make_claim('c', "db1 stopped 115" V, "");
        static char name[NAMES_MAX + 1][NAME_SIZE];
        Voice voices[NAMES_MAX + 1], merged[NAMES_MAX];
        char *why = NULL;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(voices); i++) {
                (void) snprintf(name[i], NAME_SIZE, "node%zu", i);
                voices[i] = (Voice) { .name = name[i], .condition = CONDITION_UNCERTAIN };
        }
        assert_int_equal(claim_union(c, "node0", voices, NAMES_MAX - 1, merged), NAMES_MAX);
        assert_string_equal(merged[NAMES_MAX - 1].name, "db1");
        assert_int_equal(claim_union(c, "node0", voices, NAMES_MAX, merged), NAMES_MAX);
        assert_ptr_equal(merged[NAMES_MAX - 1].name, name[NAMES_MAX - 1]);
        assert_int_equal(claim_judge(c, "node0", voices, NAMES_MAX + 1, NULL, CLAIM_NONE, &why), -E2BIG);
        assert_null(why);
}

/* What one node makes of all reports, each other makes of them too. */
static void every_grantor_that_knows_the_same_agrees(void **state) {
        static const char *const all = "db1 stopped 115" V "; db2 stopped 117 view 116:23,10:123; db3 stopped 116 view 116:23,10:123";

        (void) state;
        for (unsigned claimant = 0; claimant < 3; claimant++)
                for (unsigned grantor = 0; grantor < 3; grantor++) {
                        static const char *const orders[] = {
                                "db1 stopped 115" V "; db2 stopped 117 view 116:23,10:123; db3 stopped 116 view 116:23,10:123",
                                "db2 stopped 117 view 116:23,10:123; db1 stopped 115" V "; db3 stopped 116 view 116:23,10:123",
                                "db3 stopped 116 view 116:23,10:123; db1 stopped 115" V "; db2 stopped 117 view 116:23,10:123",
                        };
                        _cleanup_(claim_freep) Claim *c = make_claim('c', orders[claimant], "");
                        _cleanup_cast_ Cast knows = cast_parse(all);
                        _cleanup_free_ char *why = NULL;
                        char name[NAME_SIZE];

                        (void) snprintf(name, sizeof(name), "db%u", grantor + 1);
                        assert_int_equal(claim_judge(c, name, cast_voices(&knows), knows.n, NULL, CLAIM_NONE, &why), claimant == 1);
                }
}

/* Of two claims made at the same time at most one gets all its grants. */
static void two_claimants_never_both_get_all_grants(void **state) {
        static const char *const views[] = { "db1 stopped 115" V "; db2 stopped 115" V "; db3 stopped 115" V,
                                             "db2 stopped 115" V "; db1 stopped 115" V "; db3 stopped 115" V };
        unsigned grants[2] = {0};

        (void) state;
        for (unsigned first = 0; first < 2; first++) { /* whose claim comes first to db3 */
                Grant standing = {0};
                bool granted = false;

                for (unsigned k = 0; k < 2; k++) {
                        unsigned who = first ^ k;
                        _cleanup_(claim_freep) Claim *c = make_claim(who ? 'y' : 'x', views[who], "");
                        _cleanup_cast_ Cast knows = cast_parse(views[0]);
                        _cleanup_free_ char *why = NULL;

                        if (claim_judge(c, "db3", cast_voices(&knows), knows.n, granted ? &standing : NULL, CLAIM_NONE, &why) == 1) {
                                grants[who]++;
                                granted = true;
                                standing.id = c->id;
                                (void) snprintf(standing.holder, sizeof(standing.holder), "%s", c->holder);
                        }
                }
        }
        assert_int_equal(grants[0], 2); /* equal positions: the first by name */
        assert_int_equal(grants[1], 0);
}

/* Fates */

static const struct {
        const char *name, *holder; /* its report now; the grant is x, at 114, given on 2.5 */
        GrantFate fate;
} fates[] = {
        { "still asking", "stopped 114 asking x at 2.6", GRANT_STANDS },
        { "granted, not yet started", "stopped 114 granted x at 2.6", GRANT_STANDS },
        { "consumed", "stopped 114 consumed x at 2.7", GRANT_STANDS },
        { "consumed, starting", "starting 114 consumed x at 2.7", GRANT_STANDS },
        { "consumed, Primary", "primary 115 consumed x at 2.8", GRANT_CONFIRMED },
        { "Primary under another claim", "primary 115 consumed y at 2.8", GRANT_FORGOTTEN },
        { "Primary, and nothing known of the claim", "primary 114 at 2.8", GRANT_FORGOTTEN },
        { "Primary, and its agent has begun anew: it may have led", "primary 114 at 1.1 agent z", GRANT_FORGOTTEN },
        { "begun anew, and not Primary yet", "joining 114 at 1.1 agent z", GRANT_FORGOTTEN },
        { "begun anew, and further on", "stopped 115 at 1.1 agent z", GRANT_FORGOTTEN },
        { "begun anew, and where it was", "stopped 114 at 1.1 agent z", GRANT_VOID },
        { "begun anew, and it claims from there", "stopped 115 asking y at 1.1 agent z", GRANT_FORGOTTEN },
        { "joining is not Primary", "joining 114 consumed x at 2.8", GRANT_STANDS },
        { "in its history", "stopped 150 history a@3,x@114 at 3.1", GRANT_CONFIRMED },
        { "in its history, and it never moved", "stopped 114 history x@114 at 3.1", GRANT_CONFIRMED },
        { "in its history, though it released it later", "stopped 114 history x@114 released x at 3.1", GRANT_CONFIRMED },
        { "another in its history", "stopped 150 history y@114 at 3.1", GRANT_FORGOTTEN },
        { "released", "stopped 114 released wx at 2.6", GRANT_WITHDRAWN },
        { "released, and it claims anew", "stopped 114 released x asking y at 2.6", GRANT_WITHDRAWN },
        { "another released", "stopped 114 asking x released y at 2.6", GRANT_STANDS },
        { "released, and somewhere else since", "stopped 150 released x at 9.1", GRANT_WITHDRAWN },
        { "forgotten, and exactly where it was", "stopped 114 at 3.1", GRANT_VOID },
        { "forgotten within the same life", "stopped 114 at 2.6", GRANT_VOID },
        { "but this is what it said before", "stopped 114 at 2.5", GRANT_STANDS },
        { "or earlier still", "stopped 114 at 1.9", GRANT_STANDS },
        { "forgotten, and one further: it may have led", "stopped 115 at 3.1", GRANT_FORGOTTEN },
        { "forgotten, and behind", "stopped 113 at 3.1", GRANT_FORGOTTEN },
        { "another cluster's 114", "stopped B114 at 3.1", GRANT_FORGOTTEN },
        { "forgotten, and running", "starting 114 at 3.1", GRANT_FORGOTTEN },
        { "forgotten, and its position is not known", "stopped at 3.1", GRANT_FORGOTTEN },
        { "forgotten, and what it does is not known", "unknown 114 at 3.1", GRANT_FORGOTTEN },
        { "it claims anew from the same place", "stopped 114 asking y at 3.1", GRANT_VOID },
        { "a history that is not known tells nothing", "stopped 115 history - at 3.1", GRANT_STANDS },
};

/* Where no mysqld was restarted for it, what tells that it was used is another. */
static const struct {
        Manner manner;
        const char *name, *holder;
        GrantFate fate;
} live_fates[] = {
        { MANNER_IN_PLACE, "consumed, not yet Primary", "non-primary 114 consumed x at 2.7", GRANT_STANDS },
        { MANNER_IN_PLACE, "consumed, Primary", "primary 115 consumed x at 2.8", GRANT_CONFIRMED },
        { MANNER_IN_PLACE, "it found the others again, and did not use it yet", "primary 115 granted x at 2.8", GRANT_STANDS },
        { MANNER_IN_PLACE, "it found them, and says so", "primary 115 released x at 2.9", GRANT_WITHDRAWN },
        { MANNER_IN_PLACE, "in its history", "primary 150 history x@114 at 2.9", GRANT_CONFIRMED },
        { MANNER_IN_PLACE, "cut before it used it", "stopped 114 at 3.1", GRANT_VOID },
        { MANNER_IN_PLACE, "cut, and may have used it", "stopped 115 at 3.1", GRANT_FORGOTTEN },
        { MANNER_RESUME, "consumed, not yet Primary", "starting 114 consumed x at 2.7", GRANT_STANDS },
        { MANNER_RESUME, "consumed, and waiting for the others", "non-primary 114 consumed x at 2.7", GRANT_STANDS },
        { MANNER_RESUME, "Primary", "primary 115 consumed x at 2.8", GRANT_CONFIRMED },
        { MANNER_RESUME, "done, and no history tells of it", "primary 115 at 2.8", GRANT_CONFIRMED },
        { MANNER_RESUME, "done, and somewhere else since", "stopped 150 at 9.1", GRANT_CONFIRMED },
        { MANNER_RESUME, "given up", "stopped 114 released x at 2.9", GRANT_WITHDRAWN },
        { MANNER_RESUME, "this is what it said before", "stopped 114 at 2.5", GRANT_STANDS },
};

static void check_fate(const char *name, Manner manner, const char *holder, GrantFate fate) {
        Grant g = { .id = case_id('x'), .holder = "db1", .position = { case_id('A'), 114 }, .agent = case_id('1'), .epoch = 2, .serial = 5, .manner = manner };
        _cleanup_free_ char *words = strdup(holder);
        _cleanup_(report_freep) Report *r = case_report("db1", words);

        if (grant_fate(&g, r) != fate)
                fail_msg("%s: %s", name, grant_fate_to_string(grant_fate(&g, r)));
}

static void grants_end_as_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(fates); i++)
                check_fate(fates[i].name, MANNER_RESTART, fates[i].holder, fates[i].fate);
        for (size_t i = 0; i < ELEMENTS(live_fates); i++)
                check_fate(live_fates[i].name, live_fates[i].manner, live_fates[i].holder, live_fates[i].fate);
}

/* For the journal, where each is another. */
static void fates_have_names(void **state) {
        static const char *const begins[] = {
                [GRANT_STANDS] = "stands",
                [GRANT_CONFIRMED] = "confirmed",
                [GRANT_WITHDRAWN] = "withdrawn",
                [GRANT_VOID] = "void",
                [GRANT_FORGOTTEN] = "its holder knows nothing of it",
                "invalid",
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(begins); i++)
                assert_int_equal(strncmp(grant_fate_to_string((GrantFate) i), begins[i], strlen(begins[i])), 0);
}

/* A live server's word of its own position is no recovered one. */
static void a_live_position_voids_nothing(void **state) {
        Grant g = { .id = case_id('x'), .position = { case_id('A'), 114 } };
        char words[] = "stopped 114 at 3.1";
        _cleanup_(report_freep) Report *r = case_report("db1", words);

        (void) state;
        assert_int_equal(grant_fate(&g, r), GRANT_VOID);
        r->source = SOURCE_LIVE;
        assert_int_equal(grant_fate(&g, r), GRANT_FORGOTTEN);
}

/* As text */

static void claims_survive_the_wire(void **state) {
        _cleanup_(claim_freep) Claim *c = make_claim('c', "db1 stopped 9223372036854775807" V " history a@3; db2 stopped blank", "without 3"), *back = NULL;
        _cleanup_free_ char *text = NULL, *again = NULL;
        char error[256] = "";

        (void) state;
        c->new_cluster = true;
        c->manner = MANNER_IN_PLACE;
        assert_int_equal(claim_format(c, &text), 0);
        assert_int_equal(claim_parse(text, &back, error), 0);
        assert_true(uuid_equal(&back->id, &c->id));
        assert_string_equal(back->holder, "db1");
        assert_int_equal(back->position.seqno, INT64_MAX);
        assert_true(names_equal(&back->needed, &c->needed));
        assert_true(names_equal(&back->without, &c->without));
        assert_true(back->new_cluster);
        assert_int_equal(back->manner, MANNER_IN_PLACE);
        assert_int_equal(back->n_reports, 2);
        assert_true(report_same(back->report[0], c->report[0]));
        assert_int_equal(claim_format(back, &again), 0);
        assert_string_equal(text, again);

        Overrule o = claim_overrule(back);
        assert_true(o.new_cluster && names_contain(&o.without, "db3"));
        assert_string_equal(o.leader, "db1");
}

/* On its way out and back a claim is whole, or there is none. */
static void where_memory_is_short_no_claim_is_half_of_one(void **state) {
        _cleanup_(claim_freep) Claim *c = make_claim('c', "db1 stopped 114" V " history a@3; db2 stopped blank", "without 3");
        _cleanup_free_ char *text = NULL;
        unsigned n = 0, failed = 0;
        bool refused;

        (void) state;
        assert_int_equal(claim_format(c, &text), 0);
        do {
                _cleanup_free_ char *again = NULL;
                int r;

                memory_refuse(++n);
                r = claim_format(c, &again);
                refused = memory_refused();
                failed += r < 0;
                assert_true(r == 0 ? streq(again, text) : r == -ENOMEM && refused && !again);
        } while (refused);
        assert_true(failed > 40);
        n = failed = 0;
        do {
                _cleanup_(claim_freep) Claim *back = NULL;
                _cleanup_free_ char *again = NULL;
                char error[256];
                int r;

                memory_refuse(++n);
                r = claim_parse(text, &back, error);
                refused = memory_refused();
                failed += r < 0;
                if (r < 0)
                        assert_true(refused && !back);
                else
                        assert_true(claim_format(back, &again) == 0 && streq(again, text));
        } while (refused);
        assert_true(failed > 40);
}

#define ID "63636363-6363-6363-6363-636363636363"
#define POS "\"position\":{\"uuid\":\"" ID "\",\"seqno\":5}"
#define HEAD "{\"id\":\"" ID "\",\"holder\":\"db1\"," POS
#define TAIL ",\"needed\":[\"db1\"],\"without\":[],\"new_cluster\":false,\"reports\":[]}"

static const struct {
        const char *name, *text;
} nonsense[] = {
        { "empty", "" },
        { "no JSON", "claim!" },
        { "a list", "[]" },
        { "nothing in it", "{}" },
        { "cut off", HEAD ",\"needed\":[" },
        { "something behind", HEAD TAIL "x" },
        { "a key twice", "{\"holder\":\"db1\",\"id\":\"" ID "\",\"holder\":\"db2\"," POS TAIL },
        { "no id", "{\"holder\":\"db1\"," POS TAIL },
        { "an id that is none", "{\"id\":\"1\",\"holder\":\"db1\"," POS TAIL },
        { "no holder", "{\"id\":\"" ID "\"," POS TAIL },
        { "a holder that is no name", "{\"id\":\"" ID "\",\"holder\":\"d b\"," POS TAIL },
        { "an empty holder", "{\"id\":\"" ID "\",\"holder\":\"\"," POS TAIL },
        { "a position in no cluster", "{\"id\":\"" ID "\",\"holder\":\"db1\",\"position\":{\"uuid\":\"5\",\"seqno\":5}" TAIL },
        { "no position", "{\"id\":\"" ID "\",\"holder\":\"db1\"" TAIL },
        { "a position below -1", "{\"id\":\"" ID "\",\"holder\":\"db1\",\"position\":{\"uuid\":\"" ID "\",\"seqno\":-2}" TAIL },
        { "a position with a fraction", "{\"id\":\"" ID "\",\"holder\":\"db1\",\"position\":{\"uuid\":\"" ID "\",\"seqno\":5.5}" TAIL },
        { "a position of 65 bits", "{\"id\":\"" ID "\",\"holder\":\"db1\",\"position\":{\"uuid\":\"" ID "\",\"seqno\":9223372036854775808}" TAIL },
        { "needed is no list", HEAD ",\"needed\":\"db1\",\"without\":[],\"new_cluster\":false,\"reports\":[]}" },
        { "needed holds a number", HEAD ",\"needed\":[1],\"without\":[],\"new_cluster\":false,\"reports\":[]}" },
        { "without holds no name", HEAD ",\"needed\":[],\"without\":[\"a,b\"],\"new_cluster\":false,\"reports\":[]}" },
        { "new_cluster is 1", HEAD ",\"needed\":[],\"without\":[],\"new_cluster\":1,\"reports\":[]}" },
        { "reports are none", HEAD ",\"needed\":[],\"without\":[],\"new_cluster\":false,\"reports\":{}}" },
        { "a report is nonsense", HEAD ",\"needed\":[],\"without\":[],\"new_cluster\":false,\"reports\":[{\"node\":\"db1\",\"mysqld\":\"asleep\"}]}" },
        { "a report without a name", HEAD ",\"needed\":[],\"without\":[],\"new_cluster\":false,\"reports\":[{}]}" },
        { "the second report is nonsense", HEAD ",\"needed\":[],\"without\":[],\"new_cluster\":false,\"reports\":[{\"node\":\"db1\"},[]]}" },
};

static void nonsense_is_refused(void **state) {
        _cleanup_free_ char *deep = calloc(1, 200001);
        char error[256];
        Claim *c = NULL;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(nonsense); i++) {
                error[0] = '\0';
                CHECK(claim_parse(nonsense[i].text, &c, error) == -EBADMSG, nonsense[i].name);
                CHECK(!c, nonsense[i].name);
                CHECK(error[0], nonsense[i].name);
        }
        assert_int_equal(claim_parse(HEAD TAIL, &c, error), 0);
        assert_int_equal(c->manner, MANNER_RESTART); /* what older agents mean, which do not say */
        c = claim_free(c);
        assert_int_equal(claim_parse(HEAD ",\"manner\":\"by magic\"" TAIL, &c, error), -EPROTONOSUPPORT);
        assert_non_null(strstr(error, "by magic"));

        assert_int_equal(claim_parse(HEAD ",\"needed\":[],\"without\":[],\"new_cluster\":false,\"reports\":[{\"version\":2,\"node\":\"db1\"}]}", &c, error), -EPROTONOSUPPORT);
        assert_non_null(strstr(error, "version 2"));

        assert_non_null(deep);
        memset(deep, '[', 200000);
        assert_int_equal(claim_parse(deep, &c, error), -EBADMSG);
        assert_null(c);
}

static void no_more_reports_and_names_than_fit(void **state) {
        for (unsigned k = 0; k < 3; k++) {
                size_t n = k == 0 ? NAMES_MAX : NAMES_MAX + 1;
                bool few = k == 2; /* of names there are not too many */
                _cleanup_free_ char *text = NULL;
                char error[256] = "";
                Claim *c = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                (void) state;
                assert_non_null(f);
                fputs(HEAD ",\"needed\":[", f);
                for (size_t i = 0; i < n && !few; i++)
                        fprintf(f, "%s\"node%zu\"", i ? "," : "", i);
                fputs("],\"without\":[],\"new_cluster\":false,\"reports\":[", f);
                for (size_t i = 0; i < n; i++)
                        fprintf(f, "%s{\"node\":\"node%zu\"}", i ? "," : "", i);
                fputs("]}", f);
                assert_int_equal(fclose(f), 0);
                assert_int_equal(claim_parse(text, &c, error), n == NAMES_MAX ? 0 : -EBADMSG);
                (void) claim_free(c);
        }
}

static void the_largest_is_read_and_one_larger_not_written(void **state) {
        _cleanup_(claim_freep) Claim *c = make_claim('c', "db1 stopped 5" V, ""), *back = NULL;
        _cleanup_free_ char *text = NULL, *whole = NULL, *larger = NULL;
        char error[256] = "";
        Report *r = c->report[0];
        size_t room;

        (void) state;
        r->problem = strdup("");
        assert_non_null(r->problem);
        assert_int_equal(claim_format(c, &text), 0);
        room = CLAIM_SIZE_MAX - strlen(text);
        free(r->problem);
        r->problem = calloc(1, room + 2);
        assert_non_null(r->problem);
        memset(r->problem, 'x', room);
        assert_int_equal(claim_format(c, &whole), 0);
        assert_int_equal(strlen(whole), CLAIM_SIZE_MAX);
        assert_int_equal(claim_parse(whole, &back, error), 0);
        assert_int_equal(strlen(back->report[0]->problem), room);
        back = claim_free(back);
        assert_true(asprintf(&larger, "%s ", whole) > 0);
        assert_int_equal(claim_parse(larger, &back, error), -EBADMSG);
        assert_string_equal(error, "it is larger than 16777216 bytes");
        r->problem[room] = 'x';
        free(TAKE(text));
        assert_int_equal(claim_format(c, &text), -E2BIG);
        assert_null(text);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(grantors_come_to_their_own_conclusion),
                cmocka_unit_test(a_bootstrap_goes_on_from_all_that_others_vouch_for),
                cmocka_unit_test(where_the_grantor_s_position_is_from_matters),
                cmocka_unit_test(a_grantor_judges_by_no_more_than_there_can_be),
                cmocka_unit_test(every_grantor_that_knows_the_same_agrees),
                cmocka_unit_test(two_claimants_never_both_get_all_grants),
                cmocka_unit_test(grants_end_as_the_table_says),
                cmocka_unit_test(fates_have_names),
                cmocka_unit_test(a_live_position_voids_nothing),
                cmocka_unit_test(claims_survive_the_wire),
                cmocka_unit_test(where_memory_is_short_no_claim_is_half_of_one),
                cmocka_unit_test(nonsense_is_refused),
                cmocka_unit_test(no_more_reports_and_names_than_fit),
                cmocka_unit_test(the_largest_is_read_and_one_larger_not_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
