/* The decision: a table by rule, in the notation of cases.h, and properties
 * that hold for whatever is reported. */
#include "cases.h"
#include "domain/in-place.h"
#include "memory.h"

typedef struct Case {
        const char *name, *voices, *overrule, *plan;
} Case;

/* What is common to many cases: the record of the last view. */
#define V " view 10:123"

static const Case live[] = { /* rule 1 */
        { "a Primary is joined", "db1 primary 120; db2 stopped 114" V "; db3 stopped 100" V, "", "join db1" },
        { "also by one with a higher position of the same history", "db1 primary 120; db2 stopped 130" V, "", "join db1" },
        { "whatever cannot be heard", "db1 primary 120; db2 stopped 114" V "; db3 uncertain", "", "join db1" },
        { "a Primary that tells no position", "db1 primary; db2 stopped 114" V, "", "join db1" },
        { "of several the first by name is named", "db3 primary 120; db2 primary 120; db1 stopped 3" V, "", "join db2" },
        { "though not with data of another cluster than its record tells of", "db1 primary view 10:1; db2 stopped B110 view B10:2", "", "join db1 stray 2" },
        { "a marked one is no matter of its position", "db1 primary 120; db2 stopped 114 mark x" V, "", "join db1" },
        { "nor of its component", "db1 primary 120; db2 non-primary 114 mark x" V, "", "join db1" },
        { "what may be running is joined by nobody else's judgement", "db1 primary 120; db2 unknown problem unjudged", "", "join db1" },
        { "what may be running, and runs past its agent, is not led over", "db1 stopped 114" V "; db2 unknown problem; db3 stopped 114" V, "", "wait" },
        { "one that forms the cluster is waited for", "db1 joining 5 consumed x; db2 stopped 114" V, "", "wait" },
        { "a live mysqld without an agent is joined", "db1 alive; db2 stopped 114" V "; db3 stopped 113" V, "", "join db1" },
        { "even where it could not be ahead", "db3 alive; db1 stopped 114 view 110:12; db2 stopped 113 view 110:12", "", "join db3" },
        { "a Primary counts before one without an agent", "db1 alive; db2 primary 120; db3 stopped 1", "", "join db2" },
        { "a joiner whose donor is not heard is waited for", "db1 joining 5; db2 stopped 114" V "; db3 stopped 114" V, "", "wait" },
        { "a joiner with a Primary", "db1 joining 5; db2 primary 120; db3 stopped 114" V, "", "join db2" },
        { "a mysqld that starts is waited for", "db1 starting 5; db2 stopped 114" V "; db3 stopped 114" V, "", "wait" },
        { "two clusters are Primary: neither is joined", "db1 primary 120; db2 primary B50; db3 stopped 114" V, "", "refuse" },
        { "whoever of them is named first, and knows it or not", "db1 primary; db2 primary 120; db3 primary B50; db4 stopped 114" V, "", "refuse" },
        { "also where only the record of one tells which it is", "db1 primary view 10:1; db2 primary B50; db3 stopped 114" V, "", "refuse" },
        { "not where nothing tells", "db1 primary; db2 primary B50; db3 stopped B40", "", "join db1" },
        { "two components are Primary: neither is joined", "db1 primary 120 view 100:12; db2 primary 120 view 100:12; db3 primary 119 view 100:34; db4 stopped 90 view 10:1234", "", "refuse" },
        { "also where both had the same bootstraps before", "db1 primary 120 settled history a@10 view 100:1; db3 primary 119 settled history a@10 view 101:3", "", "refuse" },
        { "not where one of them knows of the other, whatever that one's record is of", "db1 primary 120 view 100:12; db2 primary 119 view B5:2", "", "join db1" },
        { "by either name", "db1 primary 119 view B5:1; db2 primary 120 view 100:12", "", "join db1" },
        { "nor where a history is not known", "db1 primary 120 settled history a@90; db3 primary 119 settled history -", "", "join db1" },
        { "whichever it is", "db1 primary 120 settled history -; db3 primary 119 settled history a@90", "", "join db1" },
        { "and where they tell no view, by their histories", "db1 primary 120 settled history a@90; db3 primary 119 settled history b@90", "", "refuse" },
        { "not where the news comes to one before the other", "db1 primary 120 view 100:12; db2 primary 120 view 100:12; db3 primary 120 view 119:123", "", "join db1" },
        { "nor the history", "db1 primary 120 settled history a@10; db3 primary 119 settled history a@10,b@90", "", "join db1" },
        { "what may be running is not led over", "db1 stopped 114" V "; db2 unknown 114" V "; db3 stopped 114" V, "", "wait" },
        { "nor does it lead", "db1 stopped 114" V "; db2 unknown 115" V "; db3 stopped 114" V, "", "wait" },
        { "even where it need not be heard", "db1 stopped 114 view 100:1; db2 unknown; db3 uncertain", "", "wait" },

        { "non-primary, all of them: Galera's own matter", "db1 non-primary 5" V "; db2 non-primary 5" V "; db3 non-primary 5" V, "", "wait" },
        { "non-primary, and others wait: they are stopped", "db1 non-primary 5" V "; db2 non-primary 5" V "; db3 stopped 114" V, "", "wait stops 12" },
        { "whatever keeps them from being made Primary", "db1 non-primary 114 unfit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "", "wait stops 1" },
        { "one of them, where all are heard", "db1 non-primary 5" V "; db2 stopped 114" V "; db3 stopped 114" V, "", "wait stops 1" },
        { "but not where one is not", "db1 non-primary 5" V "; db2 stopped 114" V "; db3 uncertain", "", "wait awaits 3" },
        { "unless that one is given up", "db1 non-primary 5" V "; db2 stopped 114" V "; db3 uncertain", "without 3", "wait stops 1" },
        { "the other half is not heard: both of this one wait", "db1 non-primary 5" V "; db2 non-primary 5" V "; db3 uncertain; db4 uncertain", "", "wait awaits 34" },
        { "given up, all who are left are stopped", "db1 non-primary 5" V "; db2 non-primary 5" V "; db3 uncertain; db4 uncertain", "without 34", "wait stops 12" },
        { "also by those who were told of it", "db1 non-primary 5 without 34" V "; db2 non-primary 5" V "; db3 uncertain; db4 uncertain", "", "wait stops 12" },
        { "one of them after the other", "db1 stopped 5 without 34" V "; db2 non-primary 5" V "; db3 uncertain; db4 uncertain", "", "wait stops 2" },
        { "also where one of them is not configured there", "db1 non-primary 5 without 39" V "; db2 non-primary 5" V "; db3 uncertain", "", "wait stops 12" },
        { "or is back", "db1 non-primary 5 without 34" V "; db2 non-primary 5" V "; db3 stopped 5" V "; db4 uncertain", "", "wait stops 12" },
        { "but who is missing besides is waited for", "db1 non-primary 5 without 3" V "; db2 non-primary 5" V "; db3 uncertain; db4 uncertain", "", "wait awaits 4" },
        { "and nobody whose mysqld is alive was meant", "db1 non-primary 5 without 34" V "; db2 non-primary 5" V "; db3 non-primary 5" V "; db4 uncertain", "", "wait awaits 4" },
        { "nor where nobody wants the stopped ones to run", "db1 non-primary 5" V "; db2 stopped 114 unwanted" V "; db3 stopped 114 unwanted" V, "", "wait" },
        { "but where a person asks for it", "db1 non-primary 5 asked" V "; db2 stopped 114 unwanted" V "; db3 stopped 114 unwanted" V, "", "wait stops 1" },
        { "nor while one is starting", "db1 non-primary 5" V "; db2 starting 114" V "; db3 stopped 114" V, "", "wait" },
        { "one that starts waits for a donor in vain: that is for a person", "db1 non-primary 5" V "; db2 starting stranded" V "; db3 stopped 114" V, "", "wait" },
        { "with nobody else alive too", "db1 stopped 5" V "; db2 starting stranded" V "; db3 stopped 114 unwanted" V, "", "wait" },
        { "not while another one is starting", "db1 starting 5" V "; db2 starting stranded" V "; db3 stopped 114" V, "", "wait" },
        { "nor where one is not heard, that may be its donor", "db1 non-primary 5" V "; db2 starting stranded" V "; db3 uncertain", "", "wait awaits 3" },
        { "unless that one is given up", "db1 non-primary 5" V "; db2 starting stranded" V "; db3 uncertain", "without 3", "wait" },
        { "nor where one is Primary", "db1 primary 120; db2 starting stranded; db3 stopped 114", "", "join db1" },
};

#define V5 " view 100:12345"

static const Case in_places[] = { /* rule 8 */
        { "two disappear, and are heard: the survivor is made Primary as it runs", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "", "bootstrap db1 in-place needs 123" },
        { "though nobody wants them to run", "db1 non-primary 114 fit in x" V "; db2 stopped 114 unwanted" V "; db3 stopped 113 unwanted" V, "", "bootstrap db1 in-place needs 123" },
        { "one of them is ahead: the survivor is stopped, and joins", "db1 non-primary 114 fit in x" V "; db2 stopped 115" V "; db3 stopped 113" V, "", "wait stops 1" },
        { "one of them has no position yet", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped", "", "wait needs 123 awaits 3" },
        { "one of them is not heard", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "none of them is", "db1 non-primary 114 fit in x" V "; db2 uncertain; db3 uncertain", "", "wait needs 123 awaits 23" },
        { "both are given up", "db1 non-primary 114 fit in x" V "; db2 uncertain; db3 uncertain", "without 23", "bootstrap db1 in-place needs 123" },
        { "one is given up, the other is not heard", "db1 non-primary 114 fit in x" V "; db2 uncertain; db3 uncertain", "without 2", "wait needs 123 awaits 3" },
        { "it was given up for another's bootstrap: it is that one's turn", "db1 non-primary 114 fit in x" V "; db2 non-primary 114 without 3 fit in x" V "; db3 uncertain", "", "wait" },
        { "its mysqld is alive", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 alive", "", "join db3" },
        { "it is starting", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 starting 114" V, "", "wait" },
        { "one is Primary", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 primary 120", "", "join db3" },
        { "it cannot be told to: as ever it is stopped", "db1 non-primary 114 in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "", "wait stops 1" },
        { "it is marked", "db1 non-primary 114 fit in x mark x" V "; db2 stopped 114" V "; db3 stopped 113" V, "", "wait stops 1" },
        { "its history is another", "db1 non-primary 114 fit in x settled" V "; db2 stopped 114 settled history a@50" V "; db3 stopped 113 settled history a@50" V, "", "wait stops 1" },
        { "its data are of another cluster", "db1 non-primary B114 fit in x; db2 stopped 114" V "; db3 stopped 113" V, "", "wait stops 1" },

        { "three of five: both survivors go on together", "db1 non-primary 114 fit in x" V5 "; db2 non-primary 114 fit in x" V5 "; db3 stopped 114" V5 "; db4 stopped 114" V5 "; db5 stopped 113" V5, "",
          "bootstrap db1 in-place needs 12345" },
        { "where they are not known to be in one component, one is stopped first", "db1 non-primary 114 fit in x" V5 "; db2 non-primary 114 fit in y" V5 "; db3 stopped 114" V5 "; db4 stopped 114" V5 "; db5 stopped 113" V5, "", "wait stops 2" },
        { "nor where one does not say in which it is", "db1 non-primary 114 fit in x" V5 "; db2 non-primary 114 fit" V5 "; db3 stopped 114" V5 "; db4 stopped 114" V5 "; db5 stopped 113" V5, "", "wait stops 2" },
        { "one of them is marked, and must be heard: whatever they are good for, they are stopped for it", "db1 non-primary 114 fit in x" V5 "; db2 non-primary 114 fit in x mark x" V5 "; db3 stopped 114" V5 "; db4 stopped 114" V5 "; db5 stopped 113" V5, "", "wait stops 12" },
        { "somebody without an agent is in its component, an arbitrator perhaps: it is stopped", "db1 non-primary 114 fit in x among 2" V "; db2 stopped 114" V "; db3 stopped 113" V, "", "wait stops 1" },
        { "nor is it where nobody waits to start: Galera would have made it Primary by now", "db1 non-primary 114 fit in x among 3 view 100:12; db2 non-primary 114 fit in x among 3 view 100:12; db3 stopped 90 unwanted view 10:123", "", "wait stops 12" },
        { "one of those in its component is not heard, and given up", "db1 non-primary 114 fit in x among 2" V "; db2 stopped 114" V "; db3 uncertain", "without 3", "wait stops 1" },
        { "the one that has most is made so", "db1 non-primary 113 fit in x" V "; db2 non-primary 114 fit in x" V "; db3 stopped 114" V, "", "bootstrap db2 in-place needs 123" },
        { "one that has yet to say how far it has come does not come along: it is stopped", "db1 non-primary 114 fit in x view 100:13; db2 non-primary fit in x view 100:13; db3 stopped 114 view 100:13", "", "wait stops 2" },
        { "who comes along must agree, whether it need be heard or not", "db1 non-primary 114 fit in x view 100:13; db2 non-primary 114 fit in x view 100:13; db3 stopped 114 view 100:13", "", "bootstrap db1 in-place needs 123" },
        { "nor does a marked one come along", "db1 non-primary 114 fit in x view 100:13; db2 non-primary 114 fit in x mark x view 100:13; db3 stopped 114 view 100:13", "", "wait stops 2" },
        { "nor is it made so, though it need not be heard", "db1 non-primary 99 fit in x mark x view 50:12; db2 stopped 98 view 100:2", "", "wait stops 1" },
        { "a marked one that need not be heard is in nobody's way", "db1 non-primary 114 fit in x view 100:12; db2 stopped 114 view 100:12; db3 stopped 90 mark x view 10:123", "", "bootstrap db1 in-place needs 12" },
        { "nor is one that is given up", "db1 non-primary 114 fit in x" V "; db2 stopped 114" V "; db3 stopped 113 mark x" V, "without 3", "bootstrap db1 in-place needs 123" },
        { "nobody else is known, and its record cannot be relied on: that proves nothing", "db1 non-primary 114 fit in x", "", "wait" },
        { "who may have led has diverged: a person decides, and all that live are stopped for that", "db1 non-primary 120 fit in x history a@100 view 101:12 led 3; db2 stopped 119 history a@100 view 101:12; db3 stopped 130 settled", "", "wait stops 1" },
        { "another's operator gave up one, and a second is missing", "db1 non-primary 114 fit in x" V5 "; db2 stopped 114 without 3" V5 "; db3 uncertain; db4 uncertain; db5 stopped 113" V5, "", "wait needs 12345 awaits 34" },
        { "another's operator gave up the one that is missing, and two survivors are apart", "db1 non-primary 114 fit in x" V "; db2 non-primary 114 without 3 fit in y" V "; db3 uncertain", "", "wait stops 2" },
        { "or those without whom it is not clear which cluster it is", "db1 non-primary 114 fit in x view 100:1245; db2 non-primary 114 without 45 fit in x view 100:1245; db3 stopped B9 view B1:3; db4 uncertain; db5 stopped 114 view 100:1245", "", "wait stops 12" },
        { "who was not in the last view need not be heard", "db1 non-primary 114 fit in x view 100:12; db2 stopped 114 view 100:12; db3 uncertain", "", "bootstrap db1 in-place needs 12" },
};

#define R " settled group g view 100:123"

static const Case resumes[] = { /* rule 9 */
        { "all of the last view, all at one position", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, "", "bootstrap db1 resume needs 123" },
        { "one has all that came before the view", "db1 stopped 99" R "; db2 stopped 99" R "; db3 stopped 99" R, "", "bootstrap db1 resume needs 123" },
        { "one has not, nor has any", "db1 stopped 98" R "; db2 stopped 98" R "; db3 stopped 98" R, "", "bootstrap db1 needs 123" },
        { "one is behind", "db1 stopped 114" R "; db2 stopped 113" R "; db3 stopped 114" R, "", "bootstrap db1 needs 123" },
        { "one is not heard", "db1 stopped 114" R "; db2 stopped 114" R "; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "one is given up", "db1 stopped 114" R "; db2 stopped 114" R "; db3 uncertain", "without 3", "bootstrap db1 needs 123" },
        { "one has no gvwstate.dat", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 settled view 100:123", "", "bootstrap db1 needs 123" },
        { "one has that of another view", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 settled group h view 100:123", "", "bootstrap db1 needs 123" },
        { "one knows another view of these members", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 settled group g view 101:123", "", "bootstrap db1 needs 123" },
        { "one knows it with other members", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 settled group g view 100:23", "", "bootstrap db1 needs 123" },
        { "one is given up, and is there all the same", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114" R, "without 3", "bootstrap db1 needs 123" },
        { "S is not known", "db1 stopped 114 settled group g view ?:123; db2 stopped 114 settled group g view ?:123; db3 stopped 114 settled group g view ?:123", "", "bootstrap db1 needs 123" },
        { "one was stopped by a person", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 unwanted" R, "", "bootstrap db1 needs 123 tarries 3" },
        { "one fails to start, and rests", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 resting" R, "", "bootstrap db1 needs 123" },
        { "one is marked", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 mark x" R, "", "bootstrap db1 needs 123" },
        { "one is of another cluster", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped B114" R, "", "refuse" },
        { "one has been through another bootstrap", "db1 stopped 114 history a@50" R "; db2 stopped 114 history a@50" R "; db3 stopped 114" R, "", "bootstrap db1 needs 123" },
        { "one may have been", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 group g view 100:123", "", "bootstrap db1 needs 123" },
        { "a node was not in it, and stays away", "db1 stopped 114 settled group g view 100:12; db2 stopped 114 settled group g view 100:12; db3 uncertain", "", "bootstrap db1 resume needs 12" },
        { "one of another cluster stays out", "db1 stopped 114 settled group g view 100:12; db2 stopped 114 settled group g view 100:12; db3 stopped B999 view B5:3", "", "bootstrap db1 resume needs 12 stray 3" },
        { "and one that has diverged", "db1 stopped 114 settled history a@110 group g view 111:12; db2 stopped 114 settled history a@110 group g view 111:12; db3 stopped 130 settled view 50:123", "", "bootstrap db1 resume needs 12 off 3" },
        { "another one must be heard besides", "db1 stopped 114 settled group g view 100:12 led 3; db2 stopped 114 settled group g view 100:12; db3 stopped 50", "", "bootstrap db1 needs 123" },
        { "one alone: that would be a bootstrap", "db1 stopped 114 settled group g view 100:1; db2 stopped 99 view 50:12", "", "bootstrap db1 needs 1" },
        { "one was in it that nobody configured", "db2 stopped 99 settled group g view 50:124; db4 stopped 98 view 100:4", "", "bootstrap db2 needs 4" },
        { "one has diverged", "db1 stopped 114 history a@110" R "; db2 stopped 114 history a@110" R "; db3 stopped 130" R, "", "bootstrap db1 needs 123 off 3" },
        { "one has a record that cannot be relied on", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 settled group g", "", "bootstrap db1 needs 123" },
        { "the records are of another cluster", "db1 stopped 114 settled group g view B100:123; db2 stopped 114 settled group g view B100:123; db3 stopped 114 settled group g view B100:123", "", "bootstrap db1 needs 123" },
        { "one does not know of a bootstrap that none has gone on from", "db1 stopped 114 history a@114" R "; db2 stopped 114 history a@114" R "; db3 stopped 114" R, "", "bootstrap db1 needs 123" },
        { "one knows of another", "db1 stopped 114 history a@114" R "; db2 stopped 114 history a@114" R "; db3 stopped 114 history b@114" R, "", "bootstrap db1 needs 123" },
        { "of one it is not known", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 history -" R, "", "bootstrap db1 needs 123" },
        { "nor of the one that would lead", "db1 stopped 114" R "; db2 stopped 114 history - weight 5" R "; db3 stopped 114" R, "", "bootstrap db2 needs 123" },
        { "nor of the first", "db1 stopped 114 history -" R "; db2 stopped 114" R "; db3 stopped 114" R, "", "bootstrap db1 needs 123" },
        { "one serves", "db1 primary 120; db2 stopped 114" R "; db3 stopped 114" R, "", "join db1" },
        { "the same, whoever has the greatest weight", "db1 stopped 114" R "; db2 stopped 114" R "; db3 stopped 114 weight 5" R, "", "bootstrap db3 resume needs 123" },
};

static const Case needed[] = { /* rule 2 */
        { "all of the last view are heard", "db1 stopped 114" V "; db2 stopped 115" V "; db3 stopped 113" V, "", "bootstrap db2 needs 123" },
        { "one of the last view is not", "db1 stopped 114" V "; db2 stopped 115" V "; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "one who was not in it need not be", "db1 stopped 114 view 100:12; db2 stopped 115 view 100:12; db3 uncertain", "", "bootstrap db2 needs 12" },
        { "exactly S - 1 is enough", "db1 stopped 99 view 100:12,10:123; db2 stopped 98 view 100:12,10:123; db3 uncertain", "", "bootstrap db1 needs 12" },
        { "S - 2 is not: an older view counts too", "db1 stopped 98 view 100:12,10:123; db2 stopped 97 view 100:12,10:123; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "and every view after it", "db1 stopped 40 view 100:1,60:14,50:145,30:12; db2 stopped 3; db4 stopped 3; db5 stopped 3", "",
          "bootstrap db1 needs 1245" },
        { "of those before it none", "db1 stopped 40 view 100:1,60:14,41:13,30:12; db2 uncertain; db3 stopped 3" V "; db4 stopped 3" V, "", "bootstrap db1 needs 134" },
        { "an older view whose S is not known: all", "db1 stopped 98 view 100:1,?:12,10:123; db2 stopped 4" V "; db3 uncertain; db4 uncertain", "", "wait needs 1234 awaits 34" },
        { "an older view of another cluster: all", "db1 stopped 50 view 100:12,B5:13; db2 stopped 49 view 100:12,B5:13; db3 stopped 48 view 30:123; db4 uncertain", "", "wait needs 1234 awaits 4" },
        { "the record ends too early: all", "db1 stopped 98 view 100:12; db2 stopped 97 view 100:12; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "last in the cluster, but behind: it does not lead", "db1 stopped 51 view 30:123; db2 stopped 20 view 60:2,52:23,30:123; db3 stopped 50 view 52:23,30:123", "",
          "bootstrap db1 needs 23" },
        { "nor does it alone", "db1 uncertain; db2 stopped 20 view 60:2,52:23,10:123; db3 uncertain", "", "wait needs 123 awaits 13" },
        { "stopped earlier, and stays away", "db1 uncertain; db2 stopped 120 view 100:23; db3 stopped 121 view 100:23", "", "bootstrap db3 needs 23" },
        { "alone in the newest view, and all of it applied", "db1 stopped 120 view 100:1; db2 uncertain; db3 uncertain", "", "bootstrap db1 needs 1" },
        { "views of one S are one view", "db1 stopped 120 view 100:13; db2 stopped 110 view 100:12", "", "wait needs 123 awaits 3" },
        { "the newest view counts, whoever reports it", "db1 stopped 29 view 10:12; db2 stopped 20 view 30:23", "", "wait needs 23 awaits 3" },
        { "an older record need not reach back", "db1 stopped 120 view 10:12; db2 stopped 119 view 100:12", "", "bootstrap db1 needs 12" },
        { "S of the newest view is not known: all", "db1 stopped 120 view ?:12,10:123; db2 stopped 119 view ?:12,10:123; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "nor on one node alone", "db1 stopped 120 view 100:12; db2 stopped 119 view ?:12; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "alone, with a record that cannot be relied on: nobody is asked, so nothing is proved", "db1 stopped 120", "", "wait needs 1" },
        { "the record of one whose position is not known counts", "db1 stopped 150 view 100:1; db2 stopped problem view 200:23", "", "wait needs 123 awaits 23" },
        { "who led by a grant must be heard", "db1 uncertain; db2 stopped 99 view 100:23,10:123 led 1; db3 stopped 98 view 100:23,10:123 led 1", "", "wait needs 123 awaits 1" },
        { "who led and has diverged all the same: a person decides", "db1 stopped 120 history a@100 view 101:12 led 3; db2 stopped 119 history a@100 view 101:12; db3 stopped 130 settled", "", "refuse needs 3 off 3" },
        { "the same, of several", "db1 stopped 120 history a@100 view 101:12 led 34; db2 stopped 119 history a@100 view 101:12; db3 stopped 130 settled; db4 stopped 100", "", "refuse needs 3 off 3" },
        { "who led and has data of another cluster", "db1 stopped 114 view 10:12 led 3; db2 stopped 113 view 10:12; db3 stopped B999 view B5:3", "", "refuse needs 3 stray 3" },
        { "unless that one is given up", "db1 stopped 120 history a@100 view 101:12 led 3; db2 stopped 119 history a@100 view 101:12; db3 stopped 130 settled", "without 3", "bootstrap db1 needs 123 off 3" },
        { "and so must the last leader of the history", "db1 uncertain; db2 stopped 100 history x@99/1 view 90:23,10:123; db3 stopped 98 history x@99/1 view 90:23,10:123", "", "wait needs 123 awaits 1" },
        { "who that is must be known", "db1 stopped 100 history x@100 view 90:12,10:123; db2 stopped 100 history x@100 view 90:12,10:123; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "or a view of it", "db1 stopped 101 history x@100 view 101:12,10:123; db2 stopped 100 history x@100 view 101:12,10:123; db3 uncertain", "", "bootstrap db1 needs 12" },
        { "unless a newer view tells who was with it", "db1 uncertain; db2 stopped 120 history x@99/1 view 110:23,101:123; db3 stopped 119 history x@99/1 view 110:23,101:123", "", "bootstrap db2 needs 23" },
        { "who has diverged from what it led itself: a person decides", "db1 stopped 120 history a@100/3 view 101:12; db2 stopped 119 history a@100/3 view 101:12; db3 stopped 130 settled", "", "refuse needs 3 off 3" },
        { "the newest data are older than the last bootstrap: all", "db1 stopped 90 history a@100/1 view 80:1; db2 uncertain", "", "wait needs 12 awaits 2" },
        { "not where they are those it began with", "db1 stopped 100 history a@100/1 view 80:1; db2 uncertain", "", "bootstrap db1 needs 1" },
        { "a view of a branch that was left behind is void", "db1 stopped 220 history a@160/2 view 161:12; db2 uncertain; db3 stopped 150 view 200:3,199:13,100:123", "", "wait needs 12 awaits 2" },
        { "with bootstraps of another cluster in a history, too", "db1 stopped 199 history a@160/2,x@B5 view 161:1; db2 uncertain; db3 stopped 150 view 200:3,199:13,100:123; db4 stopped 100 history x@B1,y@B2,z@B3 view 100:1234", "", "wait needs 12 awaits 2" },
        { "one of two bootstraps came to nothing here, and who went on with either is not heard: all", "db1 stopped 100 history b@100/1 view 10:12; db2 stopped 120 history a@100/2 view 101:23,10:123; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "the same by the other name", "db1 stopped 120 history a@100/1 view 101:13,10:123; db2 stopped 100 history b@100/2 view 10:12; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "which bootstraps its data have been through is not known: all", "db1 stopped 120 history a@100/1 view 101:1; db2 stopped 130 history - view 110:23; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "though somebody was with it since", "db1 stopped 120 history a@100/1 view 110:12,101:1; db2 stopped 130 history - view 110:12; db3 uncertain", "", "bootstrap db2 needs 12" },
        { "a record that cannot be relied on: all", "db1 stopped 120; db2 stopped 119 view 100:12; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "all are heard then", "db1 stopped 120; db2 stopped 119; db3 stopped 3", "", "bootstrap db1 needs 123" },
        { "members that nobody configured are needed no less", "db1 stopped 120 view ?:14", "", "wait needs 14 awaits 4" },
        { "a record of another cluster: all", "db1 stopped 120 view B100:1; db2 uncertain", "", "wait needs 12 awaits 2" },
        { "a reimaged node has not been heard", "db1 stopped 120 view 100:12; db2 stopped blank", "", "wait needs 12 awaits 2" },
        { "nor one whose files cannot be read", "db1 stopped 120 view 100:12; db2 stopped problem", "", "wait needs 12 awaits 2" },
        { "nor one whose position is being recovered", "db1 stopped 120 view 100:12; db2 stopped view 100:12", "", "wait needs 12 awaits 2" },
        { "who is not needed may be blank", "db1 stopped 120 view 100:12; db2 stopped 119 view 100:12; db3 stopped blank", "", "bootstrap db1 needs 12" },
        { "a node alone, never anything else", "db1 stopped 120 view 100:1", "", "bootstrap db1 needs 1" },
        { "half of a copy that has no record tells as little as one that is not heard", "db1 stopped 120 view 100:12; db2 stopped 119 view 100:12; db3 stopped problem mark aborted-sst", "", "bootstrap db1 needs 12" },
        { "also where it was in the last view", "db1 stopped 120 view 100:123; db2 stopped 119 view 100:123; db3 stopped problem mark aborted-sst", "", "bootstrap db1 needs 123" },
        { "unless nobody has all from before that view", "db1 stopped 98 view 100:123,50:123; db2 stopped 97 view 100:123,50:123; db3 stopped problem mark aborted-sst", "", "wait needs 123 awaits 3" },
        { "nor where no record can be relied on", "db1 stopped 120; db2 stopped 119 view 100:123; db3 stopped problem mark aborted-sst", "", "wait needs 123 awaits 3" },
        { "nor where its agent is not heard", "db1 stopped 120 view 100:123; db2 stopped 119 view 100:123; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "nobody", "", "", "wait" },
};

static const Case clusters[] = { /* rule 3 */
        { "a stray one is left out", "db1 stopped 114 view 10:12; db2 stopped 113 view 10:12; db3 stopped B999 view B5:3", "", "bootstrap db1 needs 12 stray 3" },
        { "not where all must be heard: who was a member is not known", "db1 stopped 114; db2 stopped 113; db3 stopped B999", "", "refuse" },
        { "nor where one of them does not know it", "db1 stopped 114 view 10:12; db2 stopped 113; db3 stopped B999 view B5:3", "", "refuse" },
        { "nor where the record of one is of another cluster", "db1 stopped 114 view 10:12; db2 stopped 113 view B10:12; db3 stopped B999 view B5:3", "", "refuse" },
        { "who has yet to find its position is waited for, not judged", "db1 stopped 114 view 10:123; db2 stopped 113 view 10:123; db3 stopped 113 view 10:123; db4 stopped A-1; db5 stopped B999", "", "wait needs 1234 awaits 4 stray 5" },
        { "whoever else is silent, blank, or was not with them", "db1 stopped 114 view 10:123; db2 stopped 113 view 10:123; db3 stopped 113 view 10:123; db4 stopped 9 view 5:1234; db5 stopped B999; db6 uncertain; db7 stopped blank", "", "bootstrap db1 needs 123 stray 5" },
        { "not where it was a member", "db1 stopped 114" V "; db2 stopped 113" V "; db3 stopped B999", "", "refuse" },
        { "one against one", "db1 stopped 114 view 10:1; db2 stopped B999 view B5:2", "", "refuse" },
        { "no majority for one of them", "db1 stopped 114 view 10:1; db2 stopped B999 view B5:2; db3 uncertain", "", "refuse" },
        { "decided by naming whose data go", "db1 stopped 114 view 10:1; db2 stopped B999 view B5:2", "without 2", "bootstrap db1 needs 1" },
        { "or the other's", "db1 stopped 114 view 10:1; db2 stopped B999 view B5:2", "without 1", "bootstrap db2 needs 2" },
        { "a stray one stays out of a Primary", "db1 primary 120; db2 stopped B50", "", "join db1 stray 2" },
        { "data that could not be judged are not overwritten", "db1 primary 120; db2 stopped problem unjudged", "", "join db1 holds 2" },
        { "whose mark tells of them is let in by its own agent, or not", "db1 primary 120; db2 stopped problem unjudged mark aborted-sst", "", "join db1" },
        { "where nothing is left of them, a full copy does no harm", "db1 primary 120; db2 stopped problem", "", "join db1" },
        { "what has no data is no stray", "db1 primary 120; db2 stopped blank", "", "join db1" },
};

static const Case candidates[] = { /* rule 4 */
        { "the highest leads, though another says safe", "db1 stopped 115 unsafe" V "; db2 stopped 114 safe" V "; db3 stopped 114" V, "", "bootstrap db1 needs 123" },
        { "on equal positions safe_to_bootstrap", "db1 stopped 114" V "; db2 stopped 114 safe" V "; db3 stopped 114 weight 9" V, "", "bootstrap db2 needs 123" },
        { "then the weight", "db1 stopped 114" V "; db2 stopped 114 weight 2" V "; db3 stopped 114 weight 9" V, "", "bootstrap db3 needs 123" },
        { "then the name", "db3 stopped 114" V "; db1 stopped 114" V "; db2 stopped 114" V, "", "bootstrap db1 needs 123" },
        { "two that say safe", "db1 stopped 114" V "; db2 stopped 114 safe" V "; db3 stopped 114 safe weight 9" V, "", "bootstrap db3 needs 123" },
        { "unsaid is not safe", "db1 stopped 114" V "; db2 stopped 114 unsafe" V "; db3 stopped 114 weight 2" V, "", "bootstrap db3 needs 123" },
        { "safe without a position is nothing", "db1 stopped safe blank; db2 stopped 114 unsafe view 10:2", "", "bootstrap db2 needs 2" },
        { "position 0 is one", "db1 stopped 0 view 1:1", "", "bootstrap db1 needs 1" },
        { "seqnos are 64 bits", "db1 stopped 9007199254740992" V "; db2 stopped 9007199254740993" V "; db3 stopped 1" V, "", "bootstrap db2 needs 123" },
        { "one outside the last view leads if it is ahead", "db1 stopped 51 view 30:123; db2 stopped 51 view 52:23; db3 stopped 50 view 52:23", "", "bootstrap db1 needs 23" },
        { "a marked one does not lead", "db1 stopped 120 mark evicted" V "; db2 stopped 114" V "; db3 stopped 114" V, "", "bootstrap db2 needs 123" },
        { "nor one of which only files tell, whether its server runs they do not say", "db1 stopped 114" V "; db2 unknown 120 agent -" V "; db3 stopped 113" V, "without 2", "bootstrap db1 needs 123" },
        { "nor if it is the only one", "db1 stopped 120 mark evicted view 10:1", "", "wait" },
        { "nobody has a position", "db1 stopped; db2 stopped", "", "wait" },
};

static const Case schemas[] = { /* rule 7: cut off in the middle of a schema change */
        { "another one has as much: that one leads", "db1 stopped 114 ddl" V "; db2 stopped 114" V "; db3 stopped 113" V, "", "bootstrap db2 needs 123" },
        { "another one has more", "db1 stopped 114 ddl safe" V "; db2 stopped 115" V "; db3 stopped 113" V, "", "bootstrap db2 needs 123" },
        { "it has more than all: a person decides", "db1 stopped 115 ddl" V "; db2 stopped 114" V "; db3 stopped 114" V, "", "refuse needs 123" },
        { "it is given up", "db1 stopped 115 ddl" V "; db2 stopped 114" V "; db3 stopped 114" V, "without 1", "bootstrap db2 needs 123" },
        { "one of whom more is to be heard may have as much", "db1 stopped 115 ddl" V "; db2 stopped 114" V "; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "all were: the newest leads, and all others take a copy", "db1 stopped 114 ddl" V "; db2 stopped 115 ddl" V "; db3 stopped 114 ddl" V, "", "bootstrap db2 needs 123" },
        { "all were that are heard", "db1 stopped 115 ddl view 10:12; db2 stopped 114 ddl view 10:12; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "one of them is marked", "db1 stopped 115 ddl mark x" V "; db2 stopped 114 ddl" V "; db3 stopped 114 ddl" V, "", "bootstrap db2 needs 123" },
        { "one was not, and is marked", "db1 stopped 115 ddl" V "; db2 stopped 114 mark x" V "; db3 stopped 114 ddl" V, "", "wait" },
        { "one was not, and stays behind", "db1 stopped 115 ddl" V "; db2 stopped 115 ddl" V "; db3 stopped 20" V, "", "refuse needs 123" },
        { "its position is not known yet", "db1 stopped ddl" V "; db2 stopped 114" V "; db3 stopped 114" V, "", "wait needs 123 awaits 1" },
        { "nobody resumes with it", "db1 stopped 114 ddl" R "; db2 stopped 114" R "; db3 stopped 114" R, "", "bootstrap db2 needs 123" },
        { "a survivor has less", "db1 stopped 115 ddl" V "; db2 non-primary 114 fit in x" V "; db3 stopped 113" V, "", "wait stops 2" },
        { "a survivor has as much", "db1 stopped 114 ddl" V "; db2 non-primary 114 fit in x" V "; db3 stopped 113" V, "", "bootstrap db2 in-place needs 123" },
};

static const Case grants[] = { /* rule 5 */
        { "whom a grant was given must be heard", "db1 stopped 120 view 100:12; db2 stopped 119 view 100:12 grant x:3; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "also where nobody else knows of it", "db1 stopped 120 view 100:1 grant x:9", "", "wait needs 19 awaits 9" },
        { "heard, it is compared like the others", "db1 stopped 120 view 100:12; db2 stopped 119 view 100:12 grant x:3; db3 stopped 98 view 10:123", "", "bootstrap db1 needs 123" },
        { "its own claim does not need others", "db1 stopped 120 view 100:12 grant x:1 granted x; db2 stopped 119 view 100:12 grant x:1", "", "bootstrap db1 needs 12" },
        { "a grant of a node without a position binds too", "db1 stopped 120 view 100:1; db2 stopped blank grant x:3", "", "wait needs 13 awaits 3" },
        { "given up, it need not be heard", "db1 stopped 120 view 100:12; db2 stopped 119 view 100:12 grant x:3; db3 uncertain", "without 3", "bootstrap db1 needs 123" },
};

static const Case histories[] = { /* rule 6 */
        { "diverged: left out, though ahead", "db1 stopped 120 history a@100 view 101:12; db2 stopped 119 history a@100 view 101:12; db3 stopped 130 view 10:123 settled", "",
          "bootstrap db1 needs 12 off 3" },
        { "beyond a bootstrap, and nobody knows in whose company: a person decides", "db1 stopped 120 history a@100 view 101:12; db2 stopped 119 history a@100 view 101:12; db3 stopped 130 view 10:123", "", "refuse" },
        { "behind the bootstrap that it slept through", "db1 stopped 120 history a@100 view 101:12; db2 stopped 119 history a@100 view 101:12; db3 stopped 100 view 10:123", "",
          "bootstrap db1 needs 12" },
        { "one beyond it is one too many", "db1 stopped 120 history a@100 view 101:12; db2 stopped 119 history a@100 view 101:12; db3 stopped 101 view 10:123 settled", "",
          "bootstrap db1 needs 12 off 3" },
        { "both went on: a person decides", "db1 stopped 120 history a@100 view 101:1; db2 stopped 119 history b@100 view 101:2", "", "refuse" },
        { "one that nobody agreed to proves nothing: a person decides", "db1 stopped 205 settled history f!200/1 view 201:1; db2 stopped 9000 settled view 150:23; db3 stopped 9000 settled view 150:23", "", "refuse" },
        { "nor where it took no commit: others may have gone on from it", "db1 stopped 200 settled history f!200/1 view 201:1; db2 stopped 9000 settled view 150:23; db3 stopped 9000 settled view 150:23", "", "refuse" },
        { "who was with it since has not gone on without it", "db1 stopped 205 settled history f!200/1 view 203:12,201:1; db2 stopped 206 view 203:12", "", "bootstrap db2 needs 12" },
        { "by naming whose bootstrap does not count", "db1 stopped 200 settled history f!200/1 view 201:1; db2 stopped 9000 settled view 150:23; db3 stopped 9000 settled view 150:23", "without 1", "bootstrap db2 needs 23 off 1" },
        { "for whoever is not beyond it, it is history", "db1 stopped 205 settled history f!200/1 view 201:1; db2 stopped 200 settled view 150:23; db3 uncertain", "", "bootstrap db1 needs 1" },
        { "two records contradict each other, and no history tells why: a person decides", "db1 stopped 100 settled view 90:1; db2 stopped 150 settled view 41:23; db3 stopped 149 settled view 41:23", "", "refuse" },
        { "the same, whoever went on", "db1 stopped 100 settled view 41:13; db2 stopped 95 settled view 90:2; db3 stopped 40 settled view 41:13", "", "refuse" },
        { "one seqno less, and they agree", "db1 stopped 89 settled view 41:13; db2 stopped 95 settled view 90:2; db3 stopped 40 settled view 41:13", "", "bootstrap db2 needs 2" },
        { "which tell of another cluster, and prove nothing of this one", "db1 stopped 100 settled view B41:13; db2 stopped 95 settled view B90:2; db3 stopped 40 settled view B41:13", "", "bootstrap db1 needs 123" },
        { "one of them does", "db1 stopped 100 settled view B41:13; db2 stopped 95 settled view 90:2; db3 stopped 40 settled view 41:13", "", "bootstrap db1 needs 123" },
        { "who was in a later one came back", "db1 stopped 100 settled view 99:12,50:2,41:12; db2 stopped 98 settled view 50:2", "", "bootstrap db1 needs 12" },
        { "where it tells of no view it may have come back", "db1 stopped 100 settled; db2 stopped 95 settled view 90:2", "", "bootstrap db1 needs 12" },
        { "a branch that a bootstrap left behind proves nothing", "db1 stopped 120 settled history a@50 view 51:1; db2 stopped 50 settled view 60:2,10:12", "", "bootstrap db1 needs 1" },
        { "by naming whose go there, too", "db1 stopped 100 settled view 90:1; db2 stopped 150 settled view 41:23; db3 stopped 149 settled view 41:23", "without 1", "bootstrap db2 needs 23 off 1" },
        { "or the other's", "db1 stopped 100 settled view 90:1; db2 stopped 150 settled view 41:2", "without 2", "bootstrap db1 needs 1 off 2" },
        { "by naming whose commits go", "db1 stopped 120 history a@100 view 101:1; db2 stopped 119 history b@100 view 101:2", "without 2", "bootstrap db1 needs 1 off 2" },
        { "one of two bootstraps came to nothing", "db1 stopped 120 history a@100 view 101:12; db2 stopped 100 history b@100 view 10:12", "", "bootstrap db1 needs 12" },
        { "a history that is not known parts nobody", "db1 stopped 120 history a@100 view 101:12; db2 stopped 130 history - view 101:12", "", "bootstrap db2 needs 12" },
        { "diverged from the Primary: kept out", "db1 primary 120 settled history a@100; db2 stopped 101", "", "join db1 off 2" },
        { "not diverged", "db1 primary 120 settled history a@100; db2 stopped 100", "", "join db1" },
        { "the Primary's own word of its position may be old", "db1 primary 100 settled history a@100; db2 stopped 150 history b@110", "", "join db1 off 2" },
        { "or may be missing", "db1 primary A-1 settled history a@100; db2 stopped 150 history b@110", "", "join db1 off 2" },
        { "with a bootstrap of its own that came to nothing", "db1 primary 200 settled history a@100; db2 stopped 100 history b@100", "", "join db1" },
        { "with one that the Primary does not know", "db1 primary 200 settled; db2 stopped 100 history b@100", "", "join db1" },
        { "diverged, it is asked for nothing", "db1 stopped 120 history a@100; db2 stopped 119 history a@100; db3 stopped 130 settled", "", "bootstrap db1 needs 12 off 3" },
        { "not diverged where a record says that it was there", "db1 stopped 190 history a@114 view 150:12,115:1; db2 stopped 200 view 150:12; db3 stopped 100 view 50:123", "", "bootstrap db2 needs 12" },
        { "from any that is Primary, and knows its history", "db1 primary 200; db2 primary 200 settled history a@100; db3 stopped 150", "", "join db1 off 3" },
        { "not from what one tells that has just joined", "db1 primary 200 history a@100; db2 primary 200 settled view 190:12; db3 stopped 150", "", "join db1" },
        { "whose history nobody knows yet: it may not join", "db1 primary 200 history a@100 view 190:12; db2 uncertain; db3 stopped 150", "", "join db1 awaits 2 holds 3" },
        { "nor where the server was started past the gate", "db1 primary 200 history a@100; db3 stopped 90", "", "join db1 awaits 1 holds 3" },
        { "with all nodes heard, the longest history is theirs", "db1 primary 200 view 190:12; db2 primary 200 history a@100 view 190:12; db3 stopped 150", "", "join db1 off 3" },
        { "and lets in whoever is behind", "db1 primary 200 view 190:12; db2 primary 200 history a@100 view 190:12; db3 stopped 100", "", "join db1" },
        { "also that of one who led and is back", "db1 primary 200 view 190:12 led 3; db2 primary 200 view 190:12; db3 stopped 101 history a@100/3", "", "join db1" },
        { "not where a leader has forgotten", "db1 primary 200 view 190:12 led 3; db2 primary 200 view 190:12; db3 stopped 101 history a@100/1", "", "join db1 holds 3" },
        { "nor where one has no data any more", "db1 primary 200 history a@100 view 190:12; db2 stopped blank; db3 stopped 100", "", "join db1 awaits 2 holds 3" },
        { "nor before each has seen what it did", "db1 primary 200 view 190:12 consumed b; db2 primary 200 history a@100 view 190:12; db3 stopped 100", "", "join db1 awaits 1 holds 3" },
        { "nor where one is a member that nobody configured", "db1 primary 200 view 150:1 history a@100; db2 primary 200 history a@100 view 190:124; db3 stopped 100", "", "join db1 awaits 4 holds 3" },
        { "members that contradict each other", "db1 primary 200 history b@90 view 190:12; db2 primary 200 history a@100 view 190:12; db3 stopped 100", "", "join db1 holds 3" },
        { "no bootstrap that anybody knows: nothing to ask for", "db1 primary 200 view 190:12; db2 uncertain; db3 stopped 150", "", "join db1" },
        { "one that was granted may have taken place, and nobody is heard who wrote it down", "db1 alive; db2 primary 200 view 190:12 grant x:1; db3 stopped 110 settled view 10:123", "", "join db2 awaits 1 holds 3" },
        { "the same, where it is known to have", "db1 alive; db2 primary 200 view 190:12 led 1; db3 stopped 110 settled view 10:123", "", "join db2 awaits 1 holds 3" },
        { "also where only ports answer for it", "db1 alive; db2 stopped 110 settled view 10:12 grant x:1", "", "join db1 awaits 1 holds 2" },
        { "who was made Primary in place, and has yet to write it down, tells of before", "db1 primary 105 settled consumed x view 101:12; db2 primary 105 view 101:12 led 1; db3 stopped 110 settled view 50:123", "", "join db1 awaits 1 holds 3" },
        { "part of one bootstrap, and past one of another cluster", "db1 stopped 120 history a@100,x@B5 view 103:12,101:1; db2 stopped 110 settled view 103:12", "", "bootstrap db1 needs 12" },
        { "who was not in the view of which it is not known when it began, was not with them", "db1 stopped 150 settled history a@100/1 view ?:14,50:123; db2 stopped 160 settled view 60:2,50:123; db3 stopped 90 settled view 50:123; db4 stopped 120 settled history a@100/1 view ?:14", "", "bootstrap db1 needs 1234 off 2" },
        { "with whom a leader was, of whose view it is not known when it began, may have been through it", "db1 stopped 150 settled history a@100/1 view ?:12,50:123; db2 stopped 160 settled view 151:2,101:12,50:123; db3 stopped 90 settled view 50:123", "", "refuse" },
        { "without data there is nothing to lose", "db1 primary 200 history a@100 view 190:12; db2 uncertain; db3 stopped blank", "", "join db1" },
        { "past a bootstrap of its own that those in service were no part of: kept out", "db1 primary 300 settled history a@50; db2 stopped 250 history a@50,f!200/2 view 201:2", "", "join db1 off 2" },
        { "whom those in service were with since it, is no stranger", "db1 primary 300 settled history a@50; db2 stopped 250 history a@50,f!200/2 view 203:12,201:2", "", "join db1" },
        { "part of one bootstrap, and past one of another cluster: it joins", "db1 primary 300 settled history a@100,x@B5 view 103:12,101:1; db2 stopped 110", "", "join db1" },
        { "part of one bootstrap, and no further than the next", "db1 primary 300 settled history a@100,b@140 view 103:13,101:1; db2 stopped 140 history a@100 view 103:123; db3 stopped 140", "", "join db1" },
        { "the same where none serves", "db1 stopped 300 settled history a@100,b@140 view 141:12,103:123; db2 stopped 299 settled history a@100,b@140 view 141:12,103:123; db3 stopped 140 settled view 103:123", "", "bootstrap db1 needs 12" },
        { "one further, and none serves", "db1 stopped 300 settled history a@100,b@140 view 141:12,103:123; db2 stopped 299 settled history a@100,b@140 view 141:12,103:123; db3 stopped 141 settled view 103:123", "", "bootstrap db1 needs 12 off 3" },
        { "part of one bootstrap, and past the next", "db1 primary 300 settled history a@100,b@140 view 103:13,101:1; db2 stopped 140 history a@100 view 103:123; db3 stopped 150", "", "join db1 off 3" },
        { "also where only ports answer", "db1 alive; db2 stopped 120 history a@100; db3 stopped 130 settled", "", "join db1 awaits 1 off 3 holds 2" },
        { "of which bootstraps the live data come, ports do not tell", "db1 alive; db2 stopped 120 history a@100; db3 stopped blank", "", "join db1 awaits 1 holds 2" },
        { "nor need they where there was none", "db1 alive; db2 stopped 120; db3 stopped 130", "", "join db1" },
};

static const Case overruled[] = { /* rule 10 */
        { "given up unheard: who else was with it is not known", "db1 uncertain; db2 stopped 115 view 100:12; db3 uncertain", "without 1", "wait needs 123 awaits 3" },
        { "given up: need not be heard", "db1 stopped 114" V "; db2 stopped 115" V "; db3 uncertain", "without 3", "bootstrap db2 needs 123" },
        { "one given up, another not heard", "db1 stopped 114" V "; db2 uncertain; db3 uncertain", "without 3", "wait needs 123 awaits 2" },
        { "all but one", "db1 stopped 114" V "; db2 uncertain; db3 uncertain", "without 23", "bootstrap db1 needs 123" },
        { "an unknown name", "db1 stopped 114" V "; db2 stopped 115" V "; db3 stopped 1" V, "without 4", "refuse" },
        { "a member whom nobody configured", "db1 stopped 114 view 10:14", "without 4", "bootstrap db1 needs 14" },
        { "never a live one: Primary", "db1 stopped 114" V "; db2 primary 115", "without 2", "refuse" },
        { "never a live one: non-primary", "db1 stopped 114" V "; db2 non-primary 115", "without 2", "refuse" },
        { "never a live one: joining", "db1 stopped 114" V "; db2 joining 115", "without 2", "refuse" },
        { "never a live one: starting", "db1 stopped 114" V "; db2 starting 115", "without 2", "refuse" },
        { "never one that runs past its agent", "db1 stopped 114" V "; db2 unknown problem", "without 2", "refuse" },
        { "never a live one: no agent", "db1 stopped 114" V "; db2 alive", "without 2", "refuse" },
        { "a Primary elsewhere is joined all the same", "db1 stopped 114" V "; db2 uncertain; db3 primary 120", "without 2", "join db3" },
        { "one that answers counts all the same", "db1 stopped 114" V "; db2 stopped 120" V "; db3 stopped 1" V, "without 2", "bootstrap db2 needs 123" },
        { "also with commits that its return brought", "db1 stopped 114 view 100:123; db2 stopped 115 view 100:123; db3 stopped 130 view 100:123", "without 3", "bootstrap db3 needs 123" },
        { "what it knows of the last view counts too", "db1 stopped 150 view 100:12; db2 stopped 210 mark evicted view 200:23,180:123; db3 uncertain", "without 2", "wait needs 123 awaits 3" },
        { "no data anywhere: a person begins a cluster", "db1 stopped blank; db2 stopped blank", "new-cluster 2", "bootstrap db2" },
        { "not without being told to", "db1 stopped blank; db2 stopped blank", "", "wait" },
        { "not while one is not heard", "db1 stopped blank; db2 stopped blank; db3 uncertain", "new-cluster 2", "wait" },
        { "unless that one is given up", "db1 stopped blank; db2 stopped blank; db3 uncertain", "without 3 new-cluster 2", "bootstrap db2" },
        { "not where one has data", "db1 stopped 5 view 1:1; db2 stopped blank", "new-cluster 2", "bootstrap db1 needs 1" },
        { "not where one's files cannot be read", "db1 stopped problem; db2 stopped blank", "new-cluster 2", "wait" },
        { "not over a live one", "db1 starting; db2 stopped blank", "new-cluster 2", "wait" },
        { "not over a Primary", "db1 primary 5; db2 stopped blank", "new-cluster 2", "join db1" },
        { "not over one without an agent", "db1 alive; db2 stopped blank", "new-cluster 2", "join db1" },
};

/* What went wrong for people elsewhere, and what is decided instead. */
static const Case pains[] = {
        { "an empty node with safe_to_bootstrap 1 leads, and the data are lost", "db1 stopped safe blank" "; db2 stopped 114 unsafe view 10:23; db3 stopped 113 unsafe view 10:23", "",
          "bootstrap db2 needs 23" },
        { "also where the data were its own, and the other one is away", "db1 stopped safe blank; db2 uncertain; db3 stopped 90 view 10:123", "", "wait needs 123 awaits 12" },
        { "a time-out discards evidence, and the wrong one is picked: recovery", "db1 stopped 114" V "; db2 stopped problem" V "; db3 stopped 113" V, "", "wait needs 123 awaits 2" },
        { "the same: a peer that does not answer in time", "db1 stopped 114" V "; db2 uncertain; db3 stopped 113" V, "", "wait needs 123 awaits 2" },
        { "two nodes with a flag to bootstrap", "db1 stopped 114 safe" V "; db2 stopped 114 safe" V "; db3 stopped 113" V, "", "bootstrap db1 needs 123" },
        { "a live Primary is bootstrapped over, for its name does not resolve", "db1 uncertain; db2 uncertain; db3 stopped 114" V, "", "wait needs 123 awaits 12" },
        { "the same by one who has seen them go on without it", "db1 stopped 113 view 100:123; db2 uncertain; db3 uncertain", "", "wait needs 123 awaits 23" },
        { "unreachable is taken for absent", "db1 stopped 114" V "; db2 stopped 113" V "; db3 uncertain", "", "wait needs 123 awaits 3" },
        { "equal seqnos are decided at random", "db2 stopped 114" V "; db3 stopped 114" V "; db1 stopped 114" V, "", "bootstrap db1 needs 123" },
        { "numbers are compared as text", "db1 stopped 99" V "; db2 stopped 100" V "; db3 stopped 9" V, "", "bootstrap db2 needs 123" },
        { "one absent blocks everyone, though it could not be ahead", "db1 stopped 114 view 100:12,10:123; db2 stopped 113 view 100:12,10:123; db3 uncertain", "", "bootstrap db1 needs 12" },
};

static Plan *decide(Cast *cast, const char *overrule) {
        char leader[NAME_SIZE];
        Overrule o = case_overrule(overrule, leader);
        Plan *plan;

        if (decision_make(cast_voices(cast), cast->n, &o, &plan) < 0)
                return NULL;
        return plan;
}

/* Where memory is short at any point of it, or a name does not fit, that is said,
 * and nothing is decided: nobody is left out for it. */
static void check_short(Cast *cast, const char *overrule, const char *name) {
        char leader[NAME_SIZE];
        Overrule o = case_overrule(overrule, leader);
        const Voice *voices = cast_voices(cast);

        for (int names = 0; names < 2; names++) {
                bool refused;
                unsigned n = 0;

                do {
                        Plan *plan = NULL;
                        int r;

                        names ? names_refuse(++n) : memory_refuse(++n);
                        r = decision_make(voices, cast->n, &o, &plan);
                        refused = names ? names_refused() : memory_refused();
                        CHECK(r == (!refused ? 0 : names ? -E2BIG : -ENOMEM) && (plan == NULL) == refused, name);
                        (void) plan_free(plan);
                } while (refused);
                CHECK(names || n > 1, name);
        }
}

static void check_table(const Case *table, size_t n) {
        for (size_t i = 0; i < n; i++) {
                _cleanup_cast_ Cast cast = cast_parse(table[i].voices);
                _cleanup_(plan_freep) Plan *plan = decide(&cast, table[i].overrule);
                _cleanup_free_ char *text = NULL;
                bool said = false;

                CHECK(plan, table[i].name);
                text = plan_summary(plan);
                if (!streq(text, table[i].plan))
                        fail_msg("%s: expected \"%s\", came to \"%s\"", table[i].name, table[i].plan, text);
                /* Whatever is decided has a reason, and each node awaited one of its own. */
                CHECK(plan->n_reasons > 0, table[i].name);
                for (size_t k = 0; k < plan->awaited.n; k++) {
                        said = false;
                        for (size_t m = 0; m < plan->n_reasons; m++)
                                said = said || streq(plan->reason[m].node, plan->awaited.name[k]);
                        CHECK(said, table[i].name);
                }
                /* Nobody who is kept out is told how he joins. */
                for (size_t k = 0; k < plan->n_reasons; k++)
                        if (names_contain(&plan->diverged, plan->reason[k].node) || names_contain(&plan->stray, plan->reason[k].node))
                                CHECK(!strstr(plan->reason[k].text, "joins"), table[i].name);
                check_short(&cast, table[i].overrule, table[i].name);
        }
}

#define TABLE(name)                                   \
        static void rule_##name(void **state) {       \
                (void) state;                         \
                check_table(name, ELEMENTS(name));    \
        }
TABLE(live)
TABLE(in_places)
TABLE(resumes)
TABLE(needed)
TABLE(clusters)
TABLE(candidates)
TABLE(schemas)
TABLE(grants)
TABLE(histories)
TABLE(overruled)
TABLE(pains)

static void two_voices_of_one_name_are_refused(void **state) {
        _cleanup_cast_ Cast cast = cast_parse("db1 stopped 5 view 1:1; db2 uncertain; db1 stopped 7 view 1:1");
        Plan *plan = NULL;

        (void) state;
        assert_int_equal(decision_make(cast_voices(&cast), cast.n, NULL, &plan), -EINVAL);
        assert_null(plan);
}

/* What a server must say of itself to be made Primary as it runs. */
static void what_stands_against_in_place_is_said(void **state) {
        static const struct {
                const char *version;
                int64_t queued, desynced;
                const char *says; /* NULL: nothing */
        } table[] = {
                { "10.11.19-MariaDB", 0, 0, NULL },
                { "11.1.3-MariaDB-log", 0, 0, NULL },
                { "11.2.0-MariaDB", 0, 0, "11.2.0-MariaDB" },
                { "12.1.0-MariaDB", 0, 0, "not known to take" },
                { "9.7.1", 0, 0, "9.7.1" },
                { "10.11.19", 0, 0, "not known to take" },
                { "MariaDB", 0, 0, "not known to take" },
                { "", 0, 0, "not said" },
                { "10.11.19-MariaDB", 1, 0, "yet to apply" },
                { "10.11.19-MariaDB", -1, 0, "yet to apply" },
                { "10.11.19-MariaDB", 0, 1, "desynchronised" },
                { "10.11.19-MariaDB", 0, -1, "desynchronised" },
                { "10.11.19-MariaDB", 7, 1, "desynchronised" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++) {
                _cleanup_free_ char *text = NULL;

                if (table[i].says) {
                        memory_refuse(1);
                        CHECK(in_place_problem(table[i].version, table[i].queued, table[i].desynced, &text) == -ENOMEM, table[i].version);
                        CHECK(memory_refused() && !text, table[i].version);
                }
                CHECK(in_place_problem(table[i].version, table[i].queued, table[i].desynced, &text) == !!table[i].says, table[i].version);
                CHECK(!text == !table[i].says && (!text || strstr(text, table[i].says)), table[i].version);
        }
}

/* One node that knows nothing of others: only a person can say that it is all. */
static void alone_only_by_a_persons_word(void **state) {
        for (int said = 0; said < 2; said++) {
                _cleanup_cast_ Cast cast = cast_parse("db1 stopped 5");
                _cleanup_(plan_freep) Plan *plan = NULL;
                Overrule o = { .all_named = said };

                assert_int_equal(decision_make(cast_voices(&cast), cast.n, &o, &plan), 0);
                assert_int_equal(plan->action, said ? ACTION_BOOTSTRAP : ACTION_WAIT);
        }
        (void) state;
}

static void too_many_voices_are_refused(void **state) {
        static Voice voices[NAMES_MAX + 1];
        static char names[NAMES_MAX + 1][16];
        Plan *plan = NULL;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(voices); i++) {
                (void) snprintf(names[i], sizeof(names[i]), "node%zu", i);
                voices[i] = (Voice) { .name = names[i] };
        }
        assert_int_equal(decision_make(voices, NAMES_MAX + 1, NULL, &plan), -E2BIG);
        assert_null(plan);
        assert_int_equal(decision_make(voices, NAMES_MAX, NULL, &plan), 0);
        assert_int_equal(plan->action, ACTION_WAIT);
        (void) plan_free(plan);
}

/* What people are told names the node, and what they can do; of "!" what they are
 * not told. */
static const struct {
        const char *name, *voices, *overrule, *node, *says;
} reasons[] = {
        { "awaited", "db1 stopped 114" V "; db2 stopped 115" V "; db3 uncertain", "", "db3", "mainstayctl bootstrap --without db3" },
        { "two are awaited: one command for both", "db1 stopped 114" V "; db2 uncertain; db3 uncertain", "", "db2", "mainstayctl bootstrap --without db2 --without db3" },
        { "also of one that lost its majority", "db1 non-primary 114" V "; db2 uncertain; db3 uncertain", "", "db3", "mainstayctl bootstrap --without db2 --without db3" },
        { "two components", "db1 primary 120 view 100:1; db2 primary 119 view 100:2", "", "", "on each node of the other component" },
        { "the leader", "db1 stopped 114" V "; db2 stopped 115" V "; db3 stopped 1" V, "", "db2", "it leads" },
        { "how far behind", "db1 stopped 114" V "; db2 stopped 115" V "; db3 stopped 1" V, "", "db3", "114 behind" },
        { "not needed", "db1 stopped 114 view 100:12; db2 stopped 115 view 100:12; db3 uncertain", "", "db3", "need not be" },
        { "given up", "db1 stopped 114" V "; db2 stopped 115" V "; db3 uncertain", "without 3", "db3", "lost to the cluster" },
        { "diverged", "db1 primary 120 settled history a@100; db2 stopped 101", "", "db2", "has diverged" },
        { "held", "db1 primary 120 history a@100 view 110:13; db2 stopped 101; db3 uncertain", "", "db2", "agents of db3 have yet to tell" },
        { "whose word would tell", "db1 primary 120 history a@100 view 110:13; db2 stopped 101; db3 uncertain", "", "db3", "is not heard" },
        { "stray", "db1 primary 120; db2 stopped B101", "", "db2", "another cluster" },
        { "reimaged", "db1 stopped 120 view 100:12; db2 stopped blank", "", "db2", "has no data of any cluster any more" },
        { "spoilt", "db1 stopped 120 view 100:12; db2 stopped problem", "", "db2", "its files are spoilt" },
        { "what it does is not said", "db1 stopped 120 view 100:12; db2 unknown 5 view 100:12", "", "db2", "does not say whether its mysqld runs" },
        { "one that forms the cluster", "db1 joining 5 consumed x; db2 stopped 114" V, "", "db1", "is forming the cluster" },
        { "one that runs past its agent", "db1 stopped 114" V "; db2 unknown problem", "", "db2", "may be serving a cluster, so nobody bootstraps: its files are spoilt" },
        { "one that cannot be made Primary as it runs", "db1 non-primary 114 unfit in x" V "; db2 stopped 114" V "; db3 stopped 113" V, "", "db1", "cannot be made Primary as it runs: it has yet to apply what it received" },
        { "marked, and kept from a Primary or not: its own agent says", "db1 primary 120; db2 stopped 114 mark evicted" V, "", "db2", "marked (evicted)" },
        { "two clusters, and one that tells of neither", "db1 primary; db2 primary 120; db3 primary B50; db4 stopped 114" V, "", "", "db2 and db3 are both Primary, in two different clusters" },
        { "marked, and without a majority", "db1 primary 120; db2 non-primary 114 mark x" V, "", "db2", "!on its way" },
        { "without a majority, and not marked", "db1 primary 120; db2 non-primary 114" V, "", "db2", "on its way" },
        { "a joiner without a donor", "db1 joining 5; db2 stopped 114" V, "", "db1", "stop that mysqld" },
        { "joins by IST", "db1 primary 120 cached 90; db2 stopped 89", "", "db2", "by IST: it lacks 31 transactions, and db1 keeps them (from seqno 90 on)" },
        { "joins by SST", "db1 primary 120 cached 91; db2 stopped 89", "", "db2", "by a full state transfer (SST): its data end at seqno 89" },
        { "waits for a donor in vain", "db1 stopped 120; db2 starting stranded; db3 non-primary 95", "", "db2", "end it there: systemctl kill --signal=KILL mariadb. It leaves a grastate.dat that names no cluster, so it takes a full copy then, and what only it has is given up." },
        { "and is the last that has data", "db1 stopped blank; db2 starting stranded; db3 starting stranded", "", "db3", "keep a copy of its datadir first, for it may be the last." },
        { "joins after another", "db1 primary 120 cached 91; db2 stopped 89; db3 stopped 95", "", "db2", "db3 goes first." },
        { "joins when another is in", "db1 primary 120 cached 91; db2 stopped 89; db3 joining", "", "db2", "db3 is on its way in" },
        { "not after one that a person stopped", "db1 primary 120 cached 91; db2 stopped 89; db3 stopped 95 unwanted", "", "db2", "on)." },
        { "marked", "db1 stopped 120 mark evicted view 10:1", "", "db1", "marked (evicted)" },
        { "marked, and ahead", "db1 stopped 10 mark diverged view 5:12; db2 stopped 9 view 5:12", "", "db1", "marked (diverged) and does not lead, though its seqno is 10, 1 beyond that of db2" },
        { "marked, and behind", "db1 stopped 8 mark diverged view 5:12; db2 stopped 9 view 5:12", "", "db1", "marked (diverged) and does not lead." },
        { "nobody has what the last view began with", "db1 stopped 10 view 90:12; db2 stopped 12 view 90:12", "", "", "had come to seqno 89 when its last view began, and nobody who was heard has what came after 12" },
        { "a bootstrap that nobody agreed to, and that took commits", "db1 stopped 205 settled history f!200/1 view 201:1; db2 stopped 9000 settled view 150:2", "", "", "both took commits after seqno 200" },
        { "and that took none here", "db1 stopped 200 settled history f!200/1 view 201:1; db2 stopped 9000 settled view 150:2", "", "", "took place from seqno 200, as db1 knows, and db2 went on without it to seqno 9000" },
        { "through which bootstraps its data have been is not known", "db1 stopped 120 history a@100/1 view 101:1; db2 stopped 130 history - view 110:23; db3 uncertain", "", "", "db2: it may have been through a bootstrap that the others do not know of" },
        { "two records contradict each other", "db1 stopped 100 view 90:1; db2 stopped 150 view 41:2", "", "", "db2 has come to seqno 150, and db1 was in a Primary component without it from seqno 90 on" },
};

static void reasons_say_what_can_be_done(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(reasons); i++) {
                _cleanup_cast_ Cast cast = cast_parse(reasons[i].voices);
                _cleanup_(plan_freep) Plan *plan = decide(&cast, reasons[i].overrule);
                bool never = reasons[i].says[0] == '!', said = false;
                const char *why = NULL;

                CHECK(plan, reasons[i].name);
                for (size_t k = 0; k < plan->n_reasons && !said; k++)
                        if (streq(plan->reason[k].node, reasons[i].node)) {
                                why = plan->reason[k].text;
                                said = strstr(why, reasons[i].says + never);
                        }
                if (said == never)
                        fail_msg("%s: \"%s\" does not say \"%s\"", reasons[i].name, why ? why : "(nothing)", reasons[i].says);
        }
}

/* Properties */

static uint64_t dice_state;

static unsigned dice(unsigned sides) {
        dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned) (dice_state >> 33) % sides;
}

static Names random_names(void) {
        char digits[8];
        size_t n = 0;

        for (unsigned node = 1; node <= 4; node++)
                if (dice(2))
                        digits[n++] = (char) ('0' + node);
        if (n == 0)
                digits[n++] = (char) ('1' + dice(4));
        digits[n] = '\0';
        return case_names(digits);
}

/* From where each bootstrap began: that is one thing, whoever tells it. */
static int64_t bootstrap_at[3];

/* Small numbers, so that the edges are met. */
static Report *random_report(const char *name) {
        Report *r;
        char words[64];
        unsigned bootstraps = dice(4);
        int64_t at = 20;

        (void) snprintf(words, sizeof(words), "%s", dice(12) ? "stopped" : mysqld_to_string((Mysqld) dice(_MYSQLD_MAX)));
        r = case_report(name, words);
        if (dice(8)) {
                r->position = (Position) { case_id(dice(12) ? 'A' : 'B'), 10 + dice(12) };
                r->source = mysqld_is_live(r->mysqld) ? SOURCE_LIVE : SOURCE_RECOVERED;
        } else
                r->blank = dice(2);
        r->safe_to_bootstrap = (int) dice(3) - 1;
        r->weight = dice(2);
        if (dice(6)) {
                r->view = calloc(3, sizeof(*r->view));
                assert_non_null(r->view);
                r->n_views = 1 + dice(3);
                for (size_t i = 0; i < r->n_views; i++) {
                        r->view[i] = (ReportView) { .uuid = case_id('A'), .seqno = dice(10) ? at : SEQNO_UNDEFINED, .members = random_names() };
                        at -= 1 + dice(6);
                }
                r->have_view = true;
        }
        for (unsigned i = 0; i < bootstraps && !dice(3); i++) {
                unsigned which = dice(3);

                history_add(r->history, &(HistoryEntry) { .id = case_id((char) ('a' + which)), .position = { case_id('A'), bootstrap_at[which] } });
        }
        if (!dice(10)) {
                (void) free(r->history);
                r->history = NULL;
                r->have_history = false;
        }
        if (!dice(10))
                assert_int_equal(names_add(&r->marks, "evicted"), 0);
        r->schema_cut = !dice(10);
        if (!dice(8)) {
                r->have_grant = true;
                r->grant_id = case_id('x');
                (void) snprintf(r->grant_holder, sizeof(r->grant_holder), "db%u", 1 + dice(4));
        }
        return r;
}

static Cast random_cast(void) {
        Cast c = { .n = 2 + dice(3) };

        for (size_t i = 0; i < ELEMENTS(bootstrap_at); i++)
                bootstrap_at[i] = 8 + dice(12);
        for (size_t i = 0; i < c.n; i++) {
                (void) snprintf(c.name[i], NAME_SIZE, "db%zu", i + 1);
                c.voice[i].condition = dice(6) ? CONDITION_KNOWN : dice(8) ? CONDITION_UNCERTAIN : CONDITION_ALIVE;
                if (c.voice[i].condition == CONDITION_KNOWN)
                        c.report[i] = random_report(c.name[i]);
        }
        return c;
}

static void shuffle(Voice *voices, size_t n) {
        for (size_t i = n; i > 1; i--) {
                size_t k = dice((unsigned) i);
                Voice v = voices[i - 1];

                voices[i - 1] = voices[k];
                voices[k] = v;
        }
}

/* Does the data that `r` tells of count for the plan? */
static bool compares(const Plan *p, const Report *r) {
        return r && r->mysqld == MYSQLD_STOPPED && report_has_position(r) && uuid_equal(&r->position.uuid, &p->position.uuid) && r->marks.n == 0 &&
               !names_contain(&p->diverged, r->node) && !names_contain(&p->stray, r->node);
}

/* Where a property fails: what was reported. */
static void cast_print(const Cast *c, const Overrule *o) {
        _cleanup_free_ char *without = names_text(&o->without);

        for (size_t i = 0; i < c->n; i++) {
                _cleanup_free_ char *text = NULL;

                if (c->report[i])
                        assert_int_equal(report_format(c->report[i], &text), 0);
                print_message("%s %s %s\n", c->name[i], condition_to_string(c->voice[i].condition), text ? text : "");
        }
        print_message("without %s\n", without);
}

static void check_bootstrap(const Cast *c, const Overrule *o, const Plan *p, const char *seed) {
        const Report *leader = NULL;

        for (size_t i = 0; i < c->n; i++) {
                const Report *r = c->report[i];

                CHECK(c->voice[i].condition != CONDITION_ALIVE, seed);
                CHECK(!r || !mysqld_is_live(r->mysqld), seed);
                if (streq(c->name[i], p->node))
                        leader = r;
        }
        CHECK(leader && leader->mysqld == MYSQLD_STOPPED, seed);
        CHECK(leader->marks.n == 0 && report_has_position(leader) && position_equal(&leader->position, &p->position), seed);
        CHECK(compares(p, leader), seed);
        CHECK(p->awaited.n == 0, seed);

        for (size_t i = 0; i < c->n && leader->schema_cut; i++) {
                CHECK(!compares(p, c->report[i]) || c->report[i]->schema_cut, seed);
                CHECK(c->report[i] || names_contain(&o->without, c->name[i]), seed);
        }

        /* Never behind, but one that cannot lead and is given up. */
        for (size_t i = 0; i < c->n; i++)
                CHECK(!compares(p, c->report[i]) || c->report[i]->position.seqno <= p->position.seqno ||
                      (c->report[i]->schema_cut && names_contain(&o->without, c->name[i])), seed);
        /* Who must be heard is. */
        for (size_t i = 0; i < p->needed.n; i++) {
                bool heard = names_contain(&o->without, p->needed.name[i]);

                for (size_t k = 0; k < c->n; k++)
                        heard = heard || (streq(c->name[k], p->needed.name[i]) && c->report[k] && report_has_position(c->report[k]));
                CHECK(heard, seed);
        }
        /* Grants bind, and so do the members of the leader's own newest view. */
        for (size_t i = 0; i < c->n; i++)
                CHECK(!c->report[i] || !c->report[i]->have_grant || names_contain(&p->needed, c->report[i]->grant_holder), seed);
}

/* The same from reports that were saved, or came over the wire. */
static void check_saved(const Cast *c, const Overrule *o, const char *text, const char *seed) {
        _cleanup_free_ char *other = NULL;
        _cleanup_cast_ Cast saved = { .n = c->n };
        char error[256] = "";
        Plan *plan;

        for (size_t i = 0; i < c->n; i++) {
                _cleanup_free_ char *report = NULL;

                memcpy(saved.name[i], c->name[i], NAME_SIZE);
                saved.voice[i].condition = c->voice[i].condition;
                if (!c->report[i])
                        continue;
                assert_int_equal(report_format(c->report[i], &report), 0);
                if (report_parse(report, &saved.report[i], error) < 0)
                        fail_msg("%s: %s: %s", seed, error, report);
        }
        CHECK(decision_make(cast_voices(&saved), saved.n, o, &plan) == 0, seed);
        other = plan_summary(plan);
        CHECK(streq(text, other), seed);
        (void) plan_free(plan);
}

/* Whoever is needed and uncertain keeps everybody from leading: also several at
 * once, and whoever asks. */
static void check_uncertain(const Cast *c, const Overrule *o, const char *seed) {
        Voice voices[CAST_MAX];
        Plan *plan;

        memcpy(voices, c->voice, sizeof(voices));
        for (size_t i = 0; i < c->n; i++)
                if (dice(2) && !names_contain(&o->without, c->name[i]))
                        voices[i] = (Voice) { .name = c->name[i], .condition = CONDITION_UNCERTAIN };
        CHECK(decision_make(voices, c->n, o, &plan) == 0, seed);
        for (size_t i = 0; i < c->n && plan->action == ACTION_BOOTSTRAP; i++)
                CHECK(voices[i].condition != CONDITION_UNCERTAIN || names_contain(&o->without, c->name[i]) || !names_contain(&plan->needed, c->name[i]), seed);
        /* Where nobody's record of views is known, everybody is needed. */
        for (size_t i = 0; i < c->n && plan->action == ACTION_BOOTSTRAP; i++) {
                const Report *r = voices[i].condition == CONDITION_KNOWN ? voices[i].report : NULL;

                if (!streq(c->name[i], plan->node) || r->have_view)
                        continue;
                for (size_t k = 0; k < c->n; k++)
                        CHECK(voices[k].condition != CONDITION_UNCERTAIN || names_contain(&o->without, c->name[k]), seed);
        }
        (void) plan_free(plan);
}

/* The same with the names the other way about. */
static const char *turned(const char *name, char buf[static NAME_SIZE]) {
        (void) snprintf(buf, NAME_SIZE, "db%c", '1' + '4' - name[2]);
        return buf;
}

static Names names_turned(const Names *names) {
        Names other = {0};
        char buf[NAME_SIZE];

        for (size_t i = 0; i < names->n; i++)
                assert_int_equal(names_add(&other, turned(names->name[i], buf)), 0);
        return other;
}

static Cast cast_turned(const Cast *c) {
        Cast other = { .n = c->n };

        for (size_t i = 0; i < c->n; i++) {
                Report *r;

                (void) turned(c->name[i], other.name[i]);
                other.voice[i].condition = c->voice[i].condition;
                if (!c->report[i])
                        continue;
                assert_int_equal(report_copy(c->report[i], &r), 0);
                (void) turned(c->report[i]->node, r->node);
                for (size_t k = 0; k < r->n_views; k++)
                        r->view[k].members = names_turned(&c->report[i]->view[k].members);
                if (r->have_grant)
                        (void) turned(c->report[i]->grant_holder, r->grant_holder);
                other.report[i] = r;
        }
        return other;
}

/* Does it depend on the names who leads? */
static bool is_even(const Cast *c) {
        for (size_t i = 0; i < c->n; i++)
                for (size_t k = i + 1; k < c->n; k++) {
                        const Report *a = c->report[i], *b = c->report[k];

                        if (a && b && a->position.seqno == b->position.seqno && a->weight == b->weight && (a->safe_to_bootstrap == 1) == (b->safe_to_bootstrap == 1))
                                return true;
                }
        return false;
}

/* Else nothing does: neither whether anybody leads, nor whether a person decides. */
static void check_turned(const Cast *c, const Overrule *o, const Plan *p, const char *seed) {
        const Overrule other = { .without = names_turned(&o->without) };
        _cleanup_cast_ Cast cast = cast_turned(c);
        _cleanup_(plan_freep) Plan *plan = NULL;

        CHECK(decision_make(cast_voices(&cast), cast.n, &other, &plan) == 0, seed);
        if (plan->action != p->action) {
                _cleanup_free_ char *text = plan_summary(p), *turned_text = plan_summary(plan);

                fail_msg("%s: \"%s\", and with the names the other way about \"%s\"", seed, text, turned_text);
        }
}

static void properties_hold_for_random_reports(void **state) {
        const char *given = getenv("MAINSTAY_TEST_SEED"), *rounds = getenv("MAINSTAY_TEST_ROUNDS");
        uint64_t first = given ? strtoull(given, NULL, 10) : UINT64_C(20250611);
        size_t counts[_ACTION_MAX] = {0}, n = rounds ? strtoull(rounds, NULL, 10) : 20000;

        (void) state;
        for (uint64_t i = 0; i < n; i++) {
                char seed[64];
                _cleanup_cast_ Cast cast = {0};
                Voice shuffled[CAST_MAX];
                Overrule o = {0};
                Plan *plan, *again;
                _cleanup_free_ char *text = NULL, *other = NULL;

                dice_state = first + i;
                (void) snprintf(seed, sizeof(seed), "MAINSTAY_TEST_SEED=%llu", (unsigned long long) (first + i));
                (void) dice(2);
                cast = random_cast();
                if (!dice(4))
                        assert_int_equal(names_add(&o.without, cast.name[dice((unsigned) cast.n)]), 0);

                CHECK(decision_make(cast_voices(&cast), cast.n, &o, &plan) == 0, seed);
                text = plan_summary(plan);
                counts[plan->action]++;
                if (given) {
                        cast_print(&cast, &o);
                        print_message("%s\n", text);
                }
                if (plan->action == ACTION_BOOTSTRAP)
                        check_bootstrap(&cast, &o, plan, seed);
                if (plan->action == ACTION_JOIN)
                        CHECK(!names_contain(&o.without, plan->node), seed);

                /* Neither the order of the voices nor who decides makes a difference. */
                memcpy(shuffled, cast.voice, sizeof(shuffled));
                shuffle(shuffled, cast.n);
                CHECK(decision_make(shuffled, cast.n, &o, &again) == 0, seed);
                other = plan_summary(again);
                CHECK(streq(text, other), seed);
                CHECK(plan->n_reasons == again->n_reasons, seed);
                for (size_t k = 0; k < plan->n_reasons; k++)
                        CHECK(streq(plan->reason[k].text, again->reason[k].text), seed);
                (void) plan_free(again);

                check_saved(&cast, &o, text, seed);
                if (!is_even(&cast))
                        check_turned(&cast, &o, plan, seed);
                check_uncertain(&cast, &o, seed);

                /* A needed node that falls silent ends it. */
                for (size_t k = 0; plan->action == ACTION_BOOTSTRAP && k < cast.n; k++)
                        if (names_contain(&plan->needed, cast.name[k]) && !names_contain(&o.without, cast.name[k]) &&
                            !streq(cast.name[k], plan->node)) {
                                Voice before = cast.voice[k];

                                cast.voice[k].condition = CONDITION_UNCERTAIN;
                                cast.voice[k].report = NULL;
                                CHECK(decision_make(cast.voice, cast.n, &o, &again) == 0, seed);
                                /* What only it knew may be what made it needed: then its word is enough no more. */
                                if (again->action == ACTION_BOOTSTRAP && names_contain(&again->needed, cast.name[k]))
                                        fail_msg("%s: %s is needed, not heard, and %s leads", seed, cast.name[k], again->node);
                                (void) plan_free(again);
                                cast.voice[k] = before;
                        }

                /* Giving up somebody else never makes a bootstrap over a live one. */
                for (size_t k = 0; k < cast.n; k++)
                        if (cast.voice[k].condition == CONDITION_ALIVE || (cast.report[k] && mysqld_is_live(cast.report[k]->mysqld))) {
                                Overrule all = {0};

                                for (size_t m = 0; m < cast.n; m++)
                                        if (dice(2))
                                                assert_int_equal(names_add(&all.without, cast.name[m]), 0);
                                all.new_cluster = dice(2);
                                all.leader = cast.name[0];
                                CHECK(decision_make(cast.voice, cast.n, &all, &again) == 0, seed);
                                CHECK(again->action != ACTION_BOOTSTRAP, seed);
                                (void) plan_free(again);
                        }
                (void) plan_free(plan);
        }
        /* The dice reach all of it. */
        for (Action a = 0; a < _ACTION_MAX; a++)
                assert_true(given || counts[a] > n / 200);
        print_message("from MAINSTAY_TEST_SEED=%llu on: %zu bootstraps, %zu joins, %zu waits, %zu refusals\n", (unsigned long long) first,
                      counts[ACTION_BOOTSTRAP], counts[ACTION_JOIN], counts[ACTION_WAIT], counts[ACTION_REFUSE]);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(rule_live),
                cmocka_unit_test(rule_in_places),
                cmocka_unit_test(rule_resumes),
                cmocka_unit_test(rule_needed),
                cmocka_unit_test(rule_clusters),
                cmocka_unit_test(rule_candidates),
                cmocka_unit_test(rule_schemas),
                cmocka_unit_test(rule_grants),
                cmocka_unit_test(rule_histories),
                cmocka_unit_test(rule_overruled),
                cmocka_unit_test(rule_pains),
                cmocka_unit_test(two_voices_of_one_name_are_refused),
                cmocka_unit_test(what_stands_against_in_place_is_said),
                cmocka_unit_test(alone_only_by_a_persons_word),
                cmocka_unit_test(too_many_voices_are_refused),
                cmocka_unit_test(reasons_say_what_can_be_done),
                cmocka_unit_test(properties_hold_for_random_reports),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
