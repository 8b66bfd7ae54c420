/* The claims protocol (rules 1 to 6 and 8 to 10 of mainstay-rules(7)) as a model.
 *
 * Three nodes, each an agent and its mysqld, and an environment that crashes,
 * forgets, delays and loses. What is durable on a node survives everything;
 * the rest dies with it. A report is read at once or not at all ("ears"); what
 * a claim rests on is kept as it was when the claim was made, and may arrive at
 * any later time. Names are those of agent/domain/ and agent/manager/.
 *
 * Checked: no second Primary component; no committed transaction lost unless an
 * operator named all who held it; no diverged data joined. With LIVE: a cluster
 * whose troubles are over, and where all hear each other, ends with a Primary
 * component.
 *
 * Bounds, each with -D. PAST: what happened before nobody was Primary any more
 * (0 begins in service), KINDS: of what kind (1 commits, 2 orderly departures,
 * 4 crashes, 8 configurations that nobody applied). From then on: CRASHES,
 * LEAVES, COMMITS, RECORDS of views lost, OPERATORs who give up nodes, CLAIMS.
 * SPOILT: no gvwstate.dat outlives a crash whole.
 * Not bounded: who is heard by whom, lost and late messages, time-outs, starts
 * that fail, agents that are not there to see what their mysqld does.
 *
 * Each BROKEN_... leaves one rule out; tests/model/check knows them all.
 */
#ifndef PAST
#define PAST 4
#endif
#ifndef KINDS
#define KINDS 15
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#ifndef COMMITS
#define COMMITS 1
#endif
#ifndef RECORDS
#define RECORDS 0
#endif
#ifndef OPERATOR
#define OPERATOR 0
#endif
#ifndef CLAIMS
#define CLAIMS 2
#endif

#define IDS       5                       /* 1..4; 0 is none */
#define ALL       7                       /* a set of nodes is a mask */
#define BIT(i)    (1 << (i))
#define HAS(s, i) (((s) >> (i)) & 1)
#define SIZE(s)   (HAS(s, 0) + HAS(s, 1) + HAS(s, 2))
#define NOBODY    3

#define STOPPED     0
#define NON_PRIMARY 1
#define PRIMARY     2
#define STARTING    3 /* or joining, or waiting for the others with whom it resumes */

#define NONE     0 /* of claims; also wait, of actions */
#define ASKING   1
#define GRANTED  2
#define CONSUMED 3

#define WAIT      0
#define JOIN      1
#define BOOTSTRAP 2
#define REFUSE    3

#define RESTART  0
#define IN_PLACE 1
#define RESUME   2

/* What is known of a claim wherever its id is: it never changes. */
byte holder[IDS], at[IDS], needed[IDS], without[IDS], base[IDS], manner[IDS];
byte last_id;

/* ---- The decision: decision_make() ---- */

/* The voices, and what comes of them. Hidden: filled and used in one step. */
hidden byte v_heard[3], v_mysqld[3], v_position[3], v_view[3], v_members[3], v_history[3], v_led[3], v_grant[3], v_settled[3], v_group[3];
hidden byte v_without;
hidden byte action, node, how, need, awaited, diverged, newest;
hidden byte counting, survivors, blocked, contradicted, last_entry, x, y, z, next_x, next_y, limit;

/* The entries by which two histories part, 0 where one has no further, and the
 * seqno up to which their data are common. An id is younger than those below
 * it, so a mask is a list. */
inline part(a, b) {
    next_x = 1;
    do
    :: next_x < IDS && HAS(v_history[a], next_x) == HAS(v_history[b], next_x) -> next_x++
    :: else -> break
    od;
    next_y = next_x;
    do
    :: next_x < IDS && !HAS(v_history[a], next_x) -> next_x++
    :: else -> break
    od;
    do
    :: next_y < IDS && !HAS(v_history[b], next_y) -> next_y++
    :: else -> break
    od;
    next_x = next_x % IDS; next_y = next_y % IDS;
    limit = (next_x && (!next_y || at[next_x] < at[next_y]) -> at[next_x] : at[next_y])
}

/* scene_vouched(): a record tells that x was with the cluster after e. */
#define tells(i, x, e)   (v_heard[i] && HAS(v_history[i], e) && v_view[i] > at[e] && HAS(v_members[i], x))
#define vouched(x, e)    (tells(0, x, e) || tells(1, x, e) || tells(2, x, e))

/* Has x commits which the history of y does not hold? */
#define misses(x, y, e)  (e >= next_y && HAS(v_history[y], e) && v_position[x] > at[e] && !vouched(x, e))
#define is_beyond(x, y)  (!next_x && next_y && (misses(x, y, 1) || misses(x, y, 2) || misses(x, y, 3) || misses(x, y, 4)))

#ifdef BROKEN_UNSETTLED
#define is_sure(x)       true
#else
#define is_sure(x)       v_settled[x]
#endif

/* Is one of the histories the beginning of the other? */
#define is_line(a, b)    (a == b || (a & b) == a && (b & ~a) > a || (a & b) == b && (a & ~b) > b)

/* lineage_apart(): two Primary components. */
#define is_apart(x, y)   (v_heard[x] && v_heard[y] && v_mysqld[x] == PRIMARY && v_mysqld[y] == PRIMARY && \
                          (v_settled[x] && v_settled[y] && !is_line(v_history[x], v_history[y]) || \
                           v_view[x] && v_view[y] && !HAS(v_members[x], y) && !HAS(v_members[y], x)))

/* Views of before the last bootstrap are void, whatever their S. */
#ifdef BROKEN_ORDER
#define is_current(x)    true
#else
#define is_current(x)    (!last_entry || HAS(v_history[x], last_entry) || vouched(x, last_entry))
#endif

/* Rule 8 has a survivor stopped where it does not apply: then all are judged anew. */
#define undecided (survivors -> WAIT : REFUSE)

/* rule_resume(): does member j of the last view stand where the candidate does? */
#define stands(j)  (!HAS(v_members[node], j) || HAS(counting, j) && v_mysqld[j] == STOPPED && \
                    v_group[j] && v_group[j] == v_group[node] && v_position[j] == v_position[node] && v_view[j] == v_view[node] && \
                    v_members[j] == v_members[node] && v_settled[j] && v_history[j] == v_history[node])
#define can_resume (!v_without && v_view[node] && SIZE(v_members[node]) > 1 && v_position[node] + 1 >= v_view[node] && \
                    !(need & ~v_members[node]) && stands(0) && stands(1) && stands(2))

/* The last bootstrap, of the longest history of those that count. */
inline find_last() {
    last_entry = 0; y = 0;
    for (x : 0 .. 2) {
        z = SIZE(v_history[x] >> 1) + HAS(v_history[x], 4);
        if
        :: HAS(counting, x) && z > y ->
            y = z; last_entry = IDS - 1;
            do
            :: !HAS(v_history[x], last_entry) -> last_entry--
            :: else -> break
            od
        :: else
        fi
    }
}

inline decide() {
    action = WAIT; node = NOBODY; how = RESTART; survivors = 0; need = 0; awaited = 0; diverged = 0; newest = 0; blocked = 0; last_entry = 0;
    counting = v_heard[0] | v_heard[1] << 1 | v_heard[2] << 2;

    /* Rule 10: who is alive is not given up. Rule 1: a Primary is joined; which of
     * two that know nothing of each other, a person says. One that starts is awaited;
     * one that lives without a Primary is a case for rule 8. */
    for (x : 0 .. 2) {
        if
        :: v_heard[x] && v_mysqld[x] != STOPPED && HAS(v_without, x) -> action = REFUSE; node = NOBODY
        :: v_heard[x] && v_mysqld[x] == PRIMARY && !HAS(v_without, x) && action == WAIT -> action = JOIN; node = x
        :: v_heard[x] && v_mysqld[x] == STARTING && !HAS(v_without, x) -> blocked = 1
        :: v_heard[x] && v_mysqld[x] == NON_PRIMARY && !HAS(v_without, x) -> survivors = survivors | BIT(x)
        :: else
        fi
    }
    if
    :: action == JOIN && (is_apart(0, 1) || is_apart(0, 2) || is_apart(1, 2)) -> action = REFUSE; node = NOBODY
    :: else
    fi;
    if
    :: action != WAIT || blocked || !(counting & ~v_without) -> counting = 0
    :: else
    fi;

    /* Rule 6: one history. Forks first, for a person to decide. */
    for (x : 0 .. 2) {
        for (y : 0 .. 2) {
            if
            :: x != y && HAS(counting, x) && HAS(counting, y) ->
                part(x, y);
                if
                :: next_x && next_y && v_position[x] > limit && v_position[y] > limit ->
                    if
                    :: HAS(v_without, x) -> counting = counting & ~BIT(x); diverged = diverged | BIT(x)
                    :: !HAS(v_without, x) && HAS(v_without, y) -> counting = counting & ~BIT(y); diverged = diverged | BIT(y)
                    :: else -> action = undecided; counting = 0
                    fi
                :: else
                fi
            :: else
            fi
        }
    }
    for (x : 0 .. 2) {
        for (y : 0 .. 2) {
            if
            :: x != y && HAS(counting, x) && HAS(counting, y) ->
                part(x, y);
                if
                /* Where x does not know its own history, it may have been with them. */
                :: is_beyond(x, y) && !is_sure(x) && !HAS(v_without, x) -> action = undecided; counting = 0
                :: is_beyond(x, y) && (is_sure(x) || HAS(v_without, x)) ->
                    counting = counting & ~BIT(x); diverged = diverged | BIT(x)
                :: else
                fi
            :: else
            fi
        }
    }

    /* Forks that no history tells of: the records of views contradict each other. */
    find_last();
    for (x : 0 .. 2) {
        for (y : 0 .. 2) {
            if
            :: x != y && HAS(counting, x) && HAS(counting, y) && v_view[x] && v_view[x] < v_view[y] && is_current(y) &&
               !HAS(v_members[y], x) && v_position[x] >= v_view[y] ->
                if
                :: HAS(v_without, x) -> counting = counting & ~BIT(x); diverged = diverged | BIT(x)
                :: !HAS(v_without, x) && HAS(v_without, y) -> counting = counting & ~BIT(y); diverged = diverged | BIT(y)
                :: else -> action = undecided; counting = 0
                fi
            :: else
            fi
        }
    }

    /* Rule 4: the highest position, then the name; a survivor before those that
     * have no more (rule 8). */
    for (x : 0 .. 2) {
        if
        :: HAS(counting, x) && (!survivors || HAS(survivors, x)) && (node == NOBODY || v_position[x] > v_position[node]) -> node = x
        :: else
        fi
    }
#ifndef BROKEN_IN_PLACE
    for (x : 0 .. 2) {
        if
        :: survivors && node != NOBODY && HAS(counting, x) && v_position[x] > v_position[node] -> node = NOBODY
        :: else
        fi
    }
#endif

    if
    :: counting && node != NOBODY ->
        find_need();
        need = need | survivors & BIT(node);
        awaited = need & ~v_without & ~(v_heard[0] | v_heard[1] << 1 | v_heard[2] << 2);
        action = (contradicted -> undecided : (awaited || SIZE(survivors) > 1 -> WAIT : BOOTSTRAP));
        /* Nobody is needed for what is not to be done. */
        need = (survivors && action == WAIT && (contradicted || !awaited) -> 0 : need);
        if
        :: action == BOOTSTRAP && survivors -> how = IN_PLACE
        :: action == BOOTSTRAP && !survivors && can_resume -> how = RESUME
        :: else
        fi;
        node = (action == BOOTSTRAP -> node : NOBODY)
    :: else -> node = (action == JOIN -> node : NOBODY)
    fi
}

/* Rule 2: need_find(). */
inline find_need() {
    /* Whom somebody's promise names, or who led by one. */
    for (x : 0 .. 2) {
        if
        :: v_heard[x] ->
#ifndef BROKEN_GRANT_TWICE
            need = need | (v_grant[x] -> BIT(v_grant[x] - 1) : 0);
#endif
#ifndef BROKEN_LED
            need = need | v_led[x]
#endif
        :: else
        fi
    }

    /* One of them whose data are not those of the others: what is told of it
     * contradicts itself. */
    contradicted = need & diverged & ~v_without;

    find_last();
    blocked = 0; /* by what cannot be proved */
    for (x : 0 .. 2) {
        if
        :: HAS(counting, x) ->
            blocked = blocked || v_view[x] == 0;
            newest = (is_current(x) && v_view[x] > newest -> v_view[x] : newest)
        :: else
        fi
    }

    /* The first view after a bootstrap is that of its leader alone. */
    if
#ifndef BROKEN_ORDER
    :: !blocked && last_entry && newest <= at[last_entry] + 1 ->
        need = need | BIT(holder[last_entry]);
        contradicted = contradicted | BIT(holder[last_entry]) & diverged & ~v_without;
        blocked = v_position[node] < at[last_entry]
#endif
    :: else
    fi;

    for (x : 0 .. 2) {
        if
        :: !blocked && HAS(counting, x) && is_current(x) && v_view[x] == newest ->
#ifndef BROKEN_VIEW_ALONE
            blocked = v_position[node] + 1 < newest;
#endif
            need = need | v_members[x]
        :: else
        fi
    }

#ifndef BROKEN_WITHOUT
    /* Who is given up unheard may have been in later views, with anyone. */
    blocked = blocked || need & v_without & ~(v_heard[0] | v_heard[1] << 1 | v_heard[2] << 2);
#endif
    if
    :: blocked ->
        need = need | ALL & ~diverged;
        for (x : 0 .. 2) {
            if
            :: HAS(counting, x) && v_view[x] -> need = need | v_members[x]
            :: else
            fi
        }
    :: else
    fi
}

#ifdef TABLE

/* ---- The decision as a table, which tests/unit/test-model.c compares ----
 *
 * One line a case: three voices, each "-" where it is not heard, else
 * MYSQLD:POSITION:S:MEMBERS:HISTORY:SETTLED:LED:HOLDER:GROUP; "entries", at which position
 * the bootstraps 1 and 2 began and who led, as POSITION:LEADER; "without", whom
 * an operator gave up; and "=>", what comes of it: action, node, needed set, and
 * in which manner. Nodes are 0 to 2, 3 nobody; sets are masks; S 0 is a record not
 * to be trusted, GROUP 0 no gvwstate.dat; mysqld, actions and manners are numbered
 * as above. Who lives without a Primary is alone in its component. */
byte a, b, s, g;
int seed = 1;

inline random(n) { seed = (seed * 75 + 74) % 65537; b = (seed / 7) % (n) }

inline put_case() {
    decide();
    for (x : 0 .. 2) {
        if
        :: v_heard[x] -> printf("%d:%d:%d:%d:%d:%d:%d:%d:%d ", v_mysqld[x], v_position[x], v_view[x], v_members[x], v_history[x],
                                v_settled[x], v_led[x], (v_grant[x] -> v_grant[x] - 1 : NOBODY), v_group[x])
        :: else -> printf("- ")
        fi
    }
    printf("entries %d:%d %d:%d without %d => %d %d %d %d\n", at[1], holder[1], at[2], holder[2], v_without, action, node, need, how)
}

/* Of 64 who are heard and at which position. */
inline set_positions(code) {
    for (x : 0 .. 2) {
        b = (code >> (2 * x)) & 3;
        v_heard[x] = (b > 0); v_position[x] = (b > 0 -> b - 1 : 0)
    }
}

init {
    d_step {
        at[1] = 1; at[2] = 2; v_settled[0] = 1; v_settled[1] = 1; v_settled[2] = 1;
        /* One newest view, reported by all. */
        for (s : 1 .. 3) { for (g : 1 .. 7) { for (a : 0 .. 63) {
            set_positions(a);
            for (x : 0 .. 2) { v_view[x] = s; v_members[x] = g }
            put_case()
        } } }
        /* The same, and each has its gvwstate.dat. */
        for (s : 1 .. 3) { for (g : 1 .. 7) { for (a : 0 .. 63) {
            set_positions(a);
            for (x : 0 .. 2) { v_view[x] = s; v_members[x] = g; v_group[x] = 1 }
            put_case()
        } } }
        /* One survives: node g % 3. */
        for (s : 1 .. 3) { for (g : 3 .. 23) { for (a : 0 .. 63) {
            set_positions(a);
            for (x : 0 .. 2) { v_view[x] = s; v_members[x] = g / 3; v_group[x] = 0; v_mysqld[x] = (x == g % 3 -> NON_PRIMARY : STOPPED) }
            put_case()
        } } }
        v_mysqld[0] = STOPPED; v_mysqld[1] = STOPPED; v_mysqld[2] = STOPPED;
        /* One grant stands: of g % 3 for g / 3. */
        for (s : 1 .. 3) { for (g : 0 .. 8) { for (a : 0 .. 63) {
            set_positions(a);
            for (x : 0 .. 2) { v_view[x] = 2; v_members[x] = (1 << s) - 1; v_grant[x] = 0 }
            v_grant[g % 3] = g / 3 + 1;
            put_case()
        } } }
        /* Anything. */
        for (s : 1 .. 200) { for (g : 1 .. 8) {
            for (x : 0 .. 2) {
                random(4); v_heard[x] = (b > 0);
                random(20); v_mysqld[x] = (b < 14 -> STOPPED : (b < 18 -> NON_PRIMARY : b - 16));
                random(3); v_position[x] = b;
                random(6); v_view[x] = (b > 3 -> 2 : b);
                random(7); v_members[x] = b + 1;
                random(8); v_history[x] = (g <= 4 -> 0 : (b > 3 -> 6 : 2 * b));
                random(4); v_settled[x] = (b > 0);
                random(24); v_led[x] = (b < 8 -> b : 0);
                random(12); v_grant[x] = (b < 3 -> b + 1 : 0);
                random(6); v_group[x] = (b > 2 -> 1 : b)
            }
            random(3); at[1] = b;
            random(3); at[2] = (b < at[1] -> at[1] : b);
            random(3); holder[1] = b;
            random(3); holder[2] = b;
            random(16); v_without = (b < 8 -> b : 0);
            put_case()
        } }
    }
}

#else

/* ---- The nodes ---- */

/* Durable: the data, the record of views (the newest one: S, members, the
 * bootstrap it came after), and the agent's own state: the history that the
 * data have been through, and whether they were through no other since
 * (settled, a set), who led by a grant of this node since, and claims. */
byte position[3] = 1, view[3] = 1, members[3] = ALL, view_id[3];
bit trusted[3] = 1;
byte settled = ALL;
byte history[3], led[3], grant[3], claim[3], state[3], released[3];
byte whole;   /* whose gvwstate.dat is that of the view on record; not asked of members */
byte pledged; /* who granted a resume, and of that very view */

/* Volatile: mysqld, the authority for one start, the grants that came in. That
 * a node is down needs no saying: it is not heard, and does nothing. */
bit authority[3];
byte mysqld[3] = PRIMARY, granted[3];

/* The Primary component: members, those with complete data, last seqno. */
byte component = ALL, synced = ALL, seqno = 1;

/* Claims under way: to whom, and what they rest on (holder * 3 + node). */
typedef Report { bit heard; byte mysqld, position, view, members, history, led, grant, settled, group };
Report said[9];
byte said_id[3], sent[3];

/* The truth, which no agent sees: the last bootstrap, all there were, the one
 * a node's data came from, the last seqno a client was told of; whom an
 * operator gave up for a bootstrap not yet done, and ever. */
byte last, truly_led, origin[3], told = 1, away, given_up;

/* What may still happen, and choices within a step. */
byte crashes = CRASHES, leaves = LEAVES, commits = COMMITS, records = RECORDS, operators = OPERATOR;
byte ears, gave, behind, idle, most = CLAIMS;
bit soon, begun, calm;
hidden byte i, k, c, m;

#ifdef BROKEN_GVWSTATE
byte gvwstate[3] = ALL;
#endif

#define me     _pid
#define other1 ((_pid + 1) % 3)
#define other2 ((_pid + 2) % 3)
#define is_away HAS(away, me)
#ifdef BROKEN_GRANT_TWICE
#define is_free(j) true
#define IS_BOUND   false
#else
#define is_free(j) (grant[j] == 0)
#define IS_BOUND   true
#endif
#define changed idle = 0; sweep()

/* What nobody will ask for again is forgotten, lest it tell states apart. */
#define is_in_use(id) (claim[0] == id || claim[1] == id || claim[2] == id || grant[0] == id || grant[1] == id || grant[2] == id || \
                        said_id[0] == id || said_id[1] == id || said_id[2] == id)
inline sweep() {
    for (i : 1 .. last_id) {
        if
        :: is_in_use(i)
        :: else ->
            needed[i] = 0; without[i] = 0; base[i] = 0; manner[i] = 0;
            released[0] = released[0] & ~BIT(i); released[1] = released[1] & ~BIT(i); released[2] = released[2] & ~BIT(i);
            if
            :: HAS(truly_led | history[0] | history[1] | history[2] | led[0] | led[1] | led[2], i)
            :: else -> at[i] = 0; holder[i] = 0
            fi
        fi
    }
    i = 0
}

/* What j reports now; one that is still receiving data is no Primary to join. */
#define leader_in(j, e) (HAS(led[j], e) -> BIT(holder[e]) : 0)
inline listen(j) {
    v_heard[j] = 1; v_mysqld[j] = (HAS(component & ~synced, j) -> STARTING : mysqld[j]);
    v_position[j] = (HAS(synced, j) -> seqno : position[j]);
    v_view[j] = (trusted[j] -> view[j] : 0); v_members[j] = members[j]; v_history[j] = history[j];
    v_led[j] = leader_in(j, 1) | leader_in(j, 2) | leader_in(j, 3) | leader_in(j, 4);
    v_grant[j] = (grant[j] -> holder[grant[j]] + 1 : 0); v_settled[j] = HAS(settled, j);
    v_group[j] = (HAS(whole, j) -> view_id[j] + 1 : 0)
}

inline forget() {
    for (k : 0 .. 2) {
        v_heard[k] = 0; v_mysqld[k] = 0; v_position[k] = 0; v_view[k] = 0; v_members[k] = 0; v_history[k] = 0; v_led[k] = 0; v_grant[k] = 0; v_settled[k] = 0; v_group[k] = 0
    }
    v_without = 0
}

/* The voices as `who` has them: itself, whom it hears, else the claim of h. */
inline gather(who, h) {
    forget();
    for (k : 0 .. 2) {
        if
        :: k == who || HAS(ears & ~away, k) -> listen(k)
        :: else ->
            if
            :: h != NOBODY && said[h * 3 + k].heard ->
                v_heard[k] = 1; v_mysqld[k] = said[h * 3 + k].mysqld; v_position[k] = said[h * 3 + k].position;
                v_view[k] = said[h * 3 + k].view; v_members[k] = said[h * 3 + k].members;
                v_history[k] = said[h * 3 + k].history; v_led[k] = said[h * 3 + k].led; v_grant[k] = said[h * 3 + k].grant; v_settled[k] = said[h * 3 + k].settled;
                v_group[k] = said[h * 3 + k].group
            :: else
            fi
        fi
    }
}

/* Whom a node hears this time: those who are up, can be reached, and answer. */
inline prick_ears() {
    if
    :: calm -> ears = ALL
    :: else -> select(ears : 0 .. 7); ears = ears | BIT(me)
    fi
}

/* A new Primary configuration: it takes a seqno, and goes on record. */
inline configure(set) {
    component = set;
    if
    :: component ->
        seqno++;
        printf("view of %d, S %d\n", component, seqno);
        for (k : 0 .. 2) {
            if
            :: HAS(component, k) ->
                view[k] = seqno; members[k] = component; view_id[k] = last; trusted[k] = 1;
                whole = whole & ~BIT(k); pledged = pledged & ~BIT(k);
#ifdef BROKEN_GVWSTATE
                gvwstate[k] = component
#endif
            :: else
            fi
        }
    :: else -> seqno = 0; synced = 0; printf("no Primary any more\n")
    fi
}

/* Who of the members has not applied all that it received. Said only when it
 * begins to matter: when they are no members any more. */
inline fall_behind() {
    if
    :: component -> select(behind : 0 .. 7); behind = behind & synced
    :: else
    fi
}

inline apply(j) {
    if
    :: HAS(synced & ~behind, j) -> position[j] = seqno
    :: else
    fi
}

/* Members are gone: a majority goes on, fewer only where they left in order. */
inline depart(set, orderly) {
    if
    :: component & (set) ->
        m = component & ~(set);
        for (k : 0 .. 2) {
            apply(k);
            printf("db%d has %d\n", k, position[k])
        }
        synced = synced & m; behind = 0;
        if
        :: m && !orderly && 2 * SIZE(m) <= SIZE(component) ->
            for (k : 0 .. 2) {
                if
                :: HAS(m, k) -> mysqld[k] = NON_PRIMARY
                :: else
                fi
            }
            configure(0)
        :: else -> configure(m)
        fi
    :: else
    fi
}

inline release(j) {
    released[j] = released[j] | BIT(claim[j]);
    if
    :: without[claim[j]] -> away = 0
    :: else
    fi;
    finish(j)
}

/* Nobody will read what an old claim rested on. */
inline tidy(j) {
    if
    :: state[j] != ASKING && sent[j] == 0 ->
        said_id[j] = 0;
        for (k : 0 .. 2) {
            said[j * 3 + k].heard = 0; said[j * 3 + k].mysqld = 0; said[j * 3 + k].position = 0; said[j * 3 + k].view = 0;
            said[j * 3 + k].members = 0; said[j * 3 + k].history = 0; said[j * 3 + k].led = 0; said[j * 3 + k].grant = 0; said[j * 3 + k].settled = 0; said[j * 3 + k].group = 0
        }
    :: else
    fi
}

inline finish(j) {
    if
    :: grant[j] == claim[j] -> grant[j] = 0
    :: else
    fi;
    printf("db%d is done with claim %d\n", j, claim[j]);
    claim[j] = 0; state[j] = NONE; granted[j] = 0;
    tidy(j)
}

inline crash(set) {
    for (i : 0 .. 2) {
        if
        :: HAS(set, i) -> die(i)
        :: else
        fi
    }
    depart(set, 0)
}

inline die(j) {
    printf("db%d at %d crashes\n", j, position[j]);
#ifndef SPOILT
    whole = whole | (HAS(component, j) || mysqld[j] == NON_PRIMARY -> BIT(j) : 0);
#endif
    mysqld[j] = STOPPED; authority[j] = 0;
    if
    :: state[j] == ASKING || state[j] == GRANTED -> release(j)
    :: else
    fi
}

#define busy(j) (HAS(need & ~gave, j) && (claim[j] || v_grant[j] && !HAS(gave, v_grant[j] - 1)) && IS_BOUND)

/* The history that a bootstrap goes on from: of what others have been through,
 * also that which the candidate, unsettled, has by their word. */
#ifdef BROKEN_BASE
#define went_through(e) 0
#else
#define went_through(e) (HAS(v_history[0] & counts(0) | v_history[1] & counts(1) | v_history[2] & counts(2), e) && position[me] > at[e] -> BIT(e) : 0)
#define counts(j)       (HAS(counting, j) -> 255 : 0)
#endif

inline make_claim() {
    d_step {
        gather(me, NOBODY); v_without = gave; decide();
        if
        /* Not while one of those would refuse for sure. */
        :: action == BOOTSTRAP && node == me && !busy(0) && !busy(1) && !busy(2) ->
            last_id++;
            holder[last_id] = me; at[last_id] = position[me]; needed[last_id] = need & ~gave | BIT(me); without[last_id] = gave; manner[last_id] = how;
            base[last_id] = went_through(1) | went_through(2) | went_through(3) | went_through(4);
            claim[me] = last_id; state[me] = ASKING; said_id[me] = last_id; sent[me] = needed[last_id] & ~BIT(me);
            for (k : 0 .. 2) {
                said[me * 3 + k].heard = v_heard[k]; said[me * 3 + k].mysqld = v_mysqld[k]; said[me * 3 + k].position = v_position[k];
                said[me * 3 + k].view = v_view[k]; said[me * 3 + k].members = v_members[k];
                said[me * 3 + k].history = v_history[k]; said[me * 3 + k].led = v_led[k]; said[me * 3 + k].grant = v_grant[k]; said[me * 3 + k].settled = v_settled[k];
                said[me * 3 + k].group = v_group[k]
            }
            if
            :: gave ->
                away = gave; operators--;
                for (i : 0 .. 2) {
                    if
                    :: HAS(gave, i) -> die(i)
                    :: else
                    fi
                }
            :: else
            fi;
            printf("db%d at %d claims %d of %d without %d, manner %d\n", me, position[me], last_id, needed[last_id], gave, how);
            changed
        :: else ->
#ifdef LIVE
            if
            :: ears == ALL -> idle = idle | BIT(me)
            :: else
            fi
#endif
        fi;
        ears = 0; gave = 0
    }
}

/* What a claim says of a grantor has to be true when it grants: it may come in
 * long after it was made, and others have gone on since. */
#ifdef BROKEN_STALE
#define is_said_of(j, h) true
#else
#define is_said_of(j, h) (said[h * 3 + j].heard && said[h * 3 + j].mysqld == v_mysqld[j] && \
                          said[h * 3 + j].position == v_position[j] && said[h * 3 + j].view == v_view[j] && \
                          said[h * 3 + j].members == v_members[j] && said[h * 3 + j].history == v_history[j] && \
                          said[h * 3 + j].led == v_led[j])
#endif

/* claim_judge() */
inline judge(h) {
    d_step {
        c = said_id[h]; sent[h] = sent[h] & ~BIT(me);
        gather(me, h); v_without = without[c];
        if
        :: grant[me] && HAS(without[c], holder[grant[me]]) -> grant[me] = 0; v_grant[me] = 0; authority[me] = 0 /* ended by an operator */
        :: else
        fi;
        decide();
        if
        :: action == BOOTSTRAP && node == h && how == manner[c] && v_position[h] == at[c] && claim[me] == 0 && is_free(me) && is_said_of(me, h) ->
            grant[me] = c;
            pledged = (how == RESUME -> pledged | BIT(me) : pledged & ~BIT(me));
            printf("db%d at %d grants %d\n", me, position[me], c);
            if
            :: claim[h] == c && state[h] == ASKING -> granted[h] = granted[h] | BIT(me)
            :: else
            fi
        :: else -> printf("db%d refuses %d\n", me, c)
        fi;
        tidy(h);
        ears = 0; changed
    }
}

/* The last grant is the claimant's own, if it would still claim. */
inline grant_own() {
    d_step {
        gather(me, me); v_without = without[claim[me]]; decide();
        if
        :: action == BOOTSTRAP && node == me && how == manner[claim[me]] && position[me] == at[claim[me]] && is_free(me) ->
            state[me] = GRANTED; grant[me] = claim[me]; granted[me] = 0; tidy(me)
        :: else -> release(me)
        fi;
        ears = 0; changed
    }
}

/* mysqld becomes Primary with the gate's authority. Its agent sees it `soon`,
 * or not before it is stopped again. */
inline bootstrap() {
    d_step {
        c = claim[me]; authority[me] = 0;
        printf("db%d becomes Primary at %d under %d\n", me, position[me], c);
        assert(component == 0);      /* never two Primary components */
        assert(c > last);            /* nor an old claim come alive */
        given_up = given_up | without[c]; away = 0;
        for (k : last .. c) {        /* its data are of the one history */
            assert(k <= origin[me] || !HAS(truly_led, k) || position[me] <= at[k])
        }
        for (k : 0 .. 2) {           /* nothing is lost but what was given up */
            assert(position[k] < told || position[me] >= told || HAS(without[c], k))
        }
        told = (position[me] < told -> position[me] : told);
        last = c; truly_led = truly_led | BIT(c); origin[me] = c;
#ifdef FIND_IN_PLACE
        assert(mysqld[me] == STOPPED);
#endif
        mysqld[me] = PRIMARY; synced = BIT(me); seqno = position[me];
        configure(BIT(me));
        if
        :: soon -> come_true(me)
        :: else -> settled = settled & ~BIT(me)
        fi;
        soon = 0; changed
    }
}

/* The claim's holder has led: that is history. Who led before was heard. */
inline come_true(j) {
    history[j] = history[j] | base[claim[j]] | BIT(claim[j]); led[j] = 0; settled = settled | BIT(j);
    finish(j)
}

/* Galera's pc.recovery: all members of the view are there, with what it was. */
#define is_ready(j) (!HAS(members[me], j) || mysqld[j] == STARTING && view[j] == view[me] && members[j] == members[me] && view_id[j] == view_id[me])
inline resume() {
    d_step {
        printf("%d resume at %d\n", members[me], position[me]);
#ifdef FIND_RESUME
        assert(false);
#endif
        assert(component == 0);
        assert(position[me] >= told);
        for (k : 0 .. 2) { /* all have the same, and nobody led since */
            assert(!HAS(members[me], k) || position[k] == position[me] && origin[k] == origin[me])
        }
        for (k : 0 .. last) {
            assert(k <= origin[me] || !HAS(truly_led, k) || position[me] <= at[k])
        }
        for (k : 0 .. 2) {
            if
            :: HAS(members[me], k) -> mysqld[k] = PRIMARY
            :: else
            fi
        }
        synced = members[me]; seqno = position[me];
        configure(members[me]);
        changed
    }
}

/* What became of a consumed claim whose mysqld is stopped again. Each Primary
 * view takes a seqno: who is where it was, and has no record of one, has led
 * nobody, for nobody joins a leader whose own agent does not know that it is. */
inline resolve() {
    d_step {
        if
        :: manner[claim[me]] == RESUME || !(trusted[me] && view_id[me] == claim[me]) && position[me] == at[claim[me]] -> release(me)
        :: else -> printf("db%d takes %d as done\n", me, claim[me]); come_true(me)
        fi;
        changed
    }
}

#ifdef BROKEN_RESUME
#define is_pledged true
#else
#define is_pledged HAS(pledged, me)
#endif
#define may_resume (manner[(claim[me] -> claim[me] : grant[me])] == RESUME)
#define has_all ((granted[me] | BIT(me)) == needed[claim[me]])
#define giver holder[grant[me]]
#define is_confirmed (manner[grant[me]] == RESUME && claim[giver] != grant[me] || HAS(history[giver] | history[me], grant[me]) || \
                      claim[giver] == grant[me] && state[giver] == CONSUMED && mysqld[giver] == PRIMARY)
#define is_void (HAS(released[giver], grant[me]) || \
                 claim[giver] != grant[me] && mysqld[giver] == STOPPED && position[giver] == at[grant[me]])

/* A grant confirmed: the holder must be heard until this node's data have been
 * with it, for its history is theirs only then. A resume is no part of any. */
inline confirm() {
    d_step {
        printf("db%d has %d confirmed\n", me, grant[me]);
        led[me] = led[me] | (HAS(history[me], grant[me]) || manner[grant[me]] == RESUME -> 0 : BIT(grant[me]));
        grant[me] = 0; authority[me] = 0; changed
    }
}

/* lineage_of(): the history of the component is that of a settled member; or,
 * where none is, the longest of all nodes, if all are heard, of one line, and
 * none of them has yet to see what it did. */
#ifdef BROKEN_WHOLE
#define all_of(j, l)  (HAS(component, j) && HAS(component, l))
#define remembers(j)  true
#else
#define all_of(j, l)  true
#define remembers(j)  (HAS(led[j], 1) <= HAS(every, 1) && HAS(led[j], 2) <= HAS(every, 2) && HAS(led[j], 3) <= HAS(every, 3) && HAS(led[j], 4) <= HAS(every, 4))
#endif
#define every         (history[0] | history[1] | history[2])
#define has_seen(j)   (!all_of(j, j) || state[j] != CONSUMED)
#define agree(j, l)   (!all_of(j, l) || is_line(history[j], history[l]))
#define is_told       (has_seen(0) && has_seen(1) && has_seen(2) && agree(0, 1) && agree(0, 2) && agree(1, 2) && \
                       remembers(0) && remembers(1) && remembers(2))
#define heard_sure    (HAS(settled & synced, 0) && v_heard[0] || HAS(settled & synced, 1) && v_heard[1] || HAS(settled & synced, 2) && v_heard[2])
#ifdef BROKEN_WHOLE
#define heard_all     true
#define who_tells     component
#else
#define heard_all     (v_heard[0] && v_heard[1] && v_heard[2])
#define who_tells     ALL
#endif
#define tale_of(j)    (HAS(who_tells, j) -> history[j] : 0)

/* As a joiner, where a Primary is heard whose history is known; rule 6 keeps out
 * whoever has diverged from it. */
#define is_primary(j) (v_mysqld[j] == PRIMARY && (is_sure(j) || !heard_sure && heard_all && !away && is_told))
inline join() {
    d_step {
        gather(me, NOBODY); blocked = 0;
        for (y : 0 .. 2) {
            if
            :: is_primary(y) ->
                v_history[y] = (heard_sure -> v_history[y] : tale_of(0) | tale_of(1) | tale_of(2));
                part(me, y);
                blocked = blocked || is_beyond(me, y) || next_x && next_y && v_position[me] > limit
            :: else
            fi
        }
        if
        :: blocked || !(is_primary(0) || is_primary(1) || is_primary(2)) ->
            idle = (ears == ALL -> idle | BIT(me) : idle); ears = 0
        :: else ->
            for (k : 0 .. last) {
                assert(k <= origin[me] || !HAS(truly_led, k) || position[me] <= at[k])
            }
            mysqld[me] = PRIMARY; settled = settled & ~BIT(me);
            printf("db%d at %d joins\n", me, position[me]);
            configure(component | BIT(me));
            ears = 0; changed
        fi
    }
}

active [3] proctype agent() {
    begun;
end:
    do
    /* Bootstrap. Whom an operator gave up stays away until that is done; what
     * it would do alone later, not knowing of it, is no doing of Mainstay. */
    :: atomic { !is_away && (mysqld[me] == STOPPED || mysqld[me] == NON_PRIMARY) && !claim[me] && is_free(me) && last_id < most && !HAS(idle, me) &&
                !(HAS(given_up, me) && !HAS(history[me], last)) ->
        prick_ears();
        if
        :: skip
        :: operators && component == 0 -> select(gave : 0 .. 7); gave = gave & ~ears
        fi;
        make_claim() }
    :: atomic { !is_away && HAS(sent[other1], me) -> prick_ears(); judge(other1) }
    :: atomic { !is_away && HAS(sent[other2], me) -> prick_ears(); judge(other2) }
    :: atomic { !is_away && state[me] == ASKING && has_all -> prick_ears(); grant_own() }
    :: atomic { !is_away && state[me] == ASKING && (!calm || component || sent[me] == 0 && !has_all) -> d_step { release(me); changed } }
    :: atomic { !is_away && state[me] == GRANTED -> d_step {
        if
        :: manner[claim[me]] == IN_PLACE && mysqld[me] == STOPPED -> release(me)
        :: else -> state[me] = CONSUMED; authority[me] = 1
        fi;
        changed } }
    :: atomic { authority[me] && !may_resume && mysqld[me] == (manner[claim[me]] == IN_PLACE -> NON_PRIMARY : STOPPED) -> if :: soon = 1 :: !calm fi; bootstrap() }
    :: atomic { authority[me] && !calm -> d_step { authority[me] = 0; changed } } /* the start fails */

    /* To resume, all who granted it start once the holder may not take it back, by
     * the last that they heard of it; until Galera's time-out. */
    :: atomic { !is_away && mysqld[me] == STOPPED && !claim[me] && !authority[me] && HAS(whole, me) && is_pledged && grant[me] && manner[grant[me]] == RESUME &&
                claim[giver] == grant[me] && state[giver] == CONSUMED && position[me] == at[grant[me]] -> d_step { authority[me] = 1; changed } }
    :: atomic { authority[me] && may_resume && mysqld[me] == STOPPED ->
        d_step { authority[me] = 0; mysqld[me] = STARTING; whole = whole & ~BIT(me); pledged = pledged & ~BIT(me); printf("db%d waits for the others\n", me); changed } }
    :: atomic { mysqld[me] == STARTING && is_ready(0) && is_ready(1) && is_ready(2) -> resume() }
    :: atomic { mysqld[me] == STARTING -> d_step { mysqld[me] = STOPPED; printf("db%d has waited long enough\n", me); changed } }

    /* What becomes of claims and grants. */
    :: atomic { !is_away && state[me] == CONSUMED && manner[claim[me]] == RESUME && mysqld[me] == PRIMARY -> d_step { finish(me); changed } }
    :: atomic { !is_away && state[me] == CONSUMED && mysqld[me] == STOPPED && !authority[me] -> resolve() }
    :: atomic { !is_away && grant[me] && giver != me && is_confirmed -> confirm() }
    :: atomic { !is_away && grant[me] && giver != me && !is_confirmed && is_void -> d_step { printf("db%d: %d is void\n", me, grant[me]); grant[me] = 0; authority[me] = 0; changed } }
#ifdef BROKEN_VOID
    :: atomic { !is_away && grant[me] && giver != me -> d_step { grant[me] = 0; authority[me] = 0; changed } } /* by a clock */
#endif

    /* Service. A joiner has nothing of the new data before it is synced; a
     * synced one applies what it received, late or never. */
    :: atomic { !is_away && mysqld[me] == STOPPED && !claim[me] && synced && !HAS(idle, me) -> prick_ears(); join() }
    :: atomic { HAS(component, me) && !HAS(synced, me) && synced ->
        d_step { printf("db%d is synced at %d\n", me, seqno); position[me] = seqno; origin[me] = last; synced = synced | BIT(me); changed } }
    /* adopt_history() */
    :: atomic { HAS(synced & ~settled, me) && (settled & synced) && !claim[me] ->
        d_step { m = (HAS(settled & synced, 0) -> 0 : (HAS(settled & synced, 1) -> 1 : 2)); printf("db%d settles\n", me);
            history[me] = history[m]; led[me] = 0; settled = settled | BIT(me); changed } }
    :: atomic { HAS(synced & ~settled, me) && !(settled & synced) && !away && is_told ->
        d_step { history[me] = tale_of(0) | tale_of(1) | tale_of(2); printf("db%d settles by all\n", me); led[me] = 0; settled = settled | BIT(me); changed } }
    :: atomic { HAS(component, me) && !synced -> d_step { mysqld[me] = NON_PRIMARY; depart(BIT(me), 1); changed } } /* no donor left */
    :: atomic { HAS(synced, me) && commits -> d_step { commits--; seqno++; position[me] = seqno; told = seqno; printf("db%d commits %d\n", me, seqno); changed } }
    :: atomic { !is_away && mysqld[me] == NON_PRIMARY -> d_step { mysqld[me] = STOPPED; authority[me] = 0; changed } } /* by its agent */

    /* Trouble: a node is gone, all at once are, mysqld is stopped in order, a
     * record of views is lost. */
    :: atomic { crashes && (mysqld[me] != STOPPED || claim[me]) -> fall_behind(); d_step { crashes--; crash(BIT(me)); changed } }
    :: atomic { me == 0 && crashes && SIZE(component) > 1 -> fall_behind(); d_step { crashes--; crash(ALL); changed } }
    :: atomic { HAS(component, me) && leaves -> fall_behind(); d_step { leaves--; mysqld[me] = STOPPED; depart(BIT(me), 1);
#ifdef BROKEN_GVWSTATE
            gvwstate[me] = 0;
#endif
            changed } }
    :: atomic { mysqld[me] == STOPPED && records && trusted[me] -> d_step { records--; printf("db%d loses its record\n", me);
            trusted[me] = 0; view[me] = 0; members[me] = 0; changed } }
#ifdef BROKEN_GVWSTATE
    /* pc.recovery: the whole last view is back, and makes itself Primary. */
    :: atomic { mysqld[me] == STOPPED && HAS(gvwstate[me], me) &&
                (!HAS(gvwstate[me], 0) || mysqld[0] == STOPPED && gvwstate[0] == gvwstate[me]) &&
                (!HAS(gvwstate[me], 1) || mysqld[1] == STOPPED && gvwstate[1] == gvwstate[me]) &&
                (!HAS(gvwstate[me], 2) || mysqld[2] == STOPPED && gvwstate[2] == gvwstate[me]) ->
        d_step {
            assert(component == 0);
            seqno = 0;
            for (k : 0 .. 2) {
                if
                :: HAS(gvwstate[me], k) && position[k] > seqno -> seqno = position[k]
                :: else
                fi
            }
            assert(seqno >= told);
            for (k : 0 .. 2) {
                if
                :: HAS(gvwstate[me], k) -> mysqld[k] = PRIMARY; position[k] = seqno
                :: else
                fi
            }
            printf("%d become Primary by gvwstate.dat\n", gvwstate[me]);
            synced = gvwstate[me]; configure(gvwstate[me]); changed
        } }
#endif
    od
}

/* How it came to that: in one go, for nobody can do anything about it. Nodes
 * commit, lag, leave and crash; others come and are gone before anyone has
 * applied a thing, each time a configuration more; and then nobody is left. */
active proctype story() {
    byte n, left;
    atomic {
#if PAST
        left = PAST;
        do
        :: left && component ->
            left--;
            select(n : 0 .. 2);
            if
            :: HAS(KINDS, 0) && HAS(component, n) && told == 1 -> d_step { seqno++; position[n] = seqno; told = seqno; printf("db%d commits %d\n", n, seqno) }
            :: HAS(KINDS, 1) && HAS(component, n) -> fall_behind(); d_step { printf("db%d at %d leaves\n", n, position[n]); depart(BIT(n), 1); changed }
            :: HAS(KINDS, 2) && HAS(component, n) -> fall_behind(); d_step { printf("db%d at %d crashes\n", n, position[n]); depart(BIT(n), 0); changed }
            :: HAS(KINDS, 3) && n == 0 -> d_step { configure(component); changed }
            :: else -> left = 0
            fi;
            n = 0
        :: break
        od;
        left = 0; fall_behind();
        d_step { crash(ALL); changed };
#endif
        n = 0; begun = 1
    }
}

#ifdef LIVE
/* Troubles end, and a few claims are left to make then. When nothing more
 * happens, there is a Primary component. */
active proctype peace() {
    atomic { d_step { calm = 1; crashes = 0; leaves = 0; commits = 0; records = 0; most = last_id + 3; changed } }
    atomic { timeout -> assert(component != 0) }
}
#endif

#endif
