/* For the tests of the decision and what surrounds it: a notation in which a
 * case is a line or two that can be checked by eye.
 *
 *   "db1 stopped 114 view 10:123; db2 uncertain; db3 primary 120"
 *
 * is three voices. The first word is the node; the second its condition
 * (uncertain, alive) or what its mysqld does (stopped, starting, joining,
 * non-primary, primary, unknown). Then, in any order:
 *
 *   114, B114        its position, in cluster A where none is said; Z-1: of no
 *                    cluster, as an aborted SST leaves it
 *   view 20:12,10:123   its record of views, the newest first: S and the members,
 *                    by the digits of their names; ?:12 where S is not known;
 *                    B10:12 of another cluster. Without it the record cannot be
 *                    relied on
 *   history a@50,b@90   bootstraps: an id and a seqno; a!50: one that nobody
 *                    agreed to; "history -": none at all
 *   safe, unsafe     safe_to_bootstrap; weight 5
 *   blank, problem, unjudged, unwanted, asked, mark WORD
 *   ddl              cut off in the middle of a schema change
 *   in x, among 3    non-primary: in component x, which has 3 members; fit to be
 *                    made Primary as it runs, or unfit, with a reason
 *   grant x:2        it has granted claim x to db2
 *   asking x, granted x, consumed x   its own claim
 *   released xyz     claims given up
 *   at 3.7           epoch and serial; agent x, or - for none, as of files that
 *                    a person brings
 *
 * Ids (of claims, bootstraps and agents) are single letters.
 */
#pragma once

#include "domain/decision.h"
#include "domain/history.h"
#include "scratch.h"

#define CAST_MAX 12

typedef struct Cast {
        size_t n;
        Voice voice[CAST_MAX];
        Report *report[CAST_MAX];
        char name[CAST_MAX][NAME_SIZE];
} Cast;

static inline Uuid case_id(char letter) {
        Uuid u = {0};

        memset(u.b, (unsigned char) letter, sizeof(u.b));
        return u;
}

static inline int64_t case_number(const char *text) {
        char *end;
        long long n = strtoll(text, &end, 10);

        if (*text == '\0' || *end != '\0')
                fail_msg("not a number: %s", text);
        return n;
}

static inline Names case_names(const char *digits) {
        Names names = {0};

        for (const char *p = digits; *p; p++) {
                char name[8];

                if (*p == '0')
                        (void) snprintf(name, sizeof(name), "garb");
                else
                        (void) snprintf(name, sizeof(name), "db%c", *p);
                assert_int_equal(names_add(&names, name), 0);
        }
        return names;
}

/* "A114" or "114". */
static inline Position case_position(const char *text) {
        char cluster = 'A';

        if (*text >= 'A' && *text <= 'Z')
                cluster = *text++;
        return (Position) { .uuid = case_id(cluster == 'Z' ? '\0' : cluster), .seqno = case_number(text) };
}

static inline void case_views(Report *r, char *text) {
        char *save = NULL;

        r->view = calloc(REPORT_VIEWS_MAX, sizeof(*r->view));
        assert_non_null(r->view);
        for (char *one = strtok_r(text, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
                ReportView *v = &r->view[r->n_views++];
                char *colon = strchr(one, ':');

                assert_non_null(colon);
                *colon = '\0';
                v->uuid = case_id('A');
                v->seqno = SEQNO_UNDEFINED;
                if (*one >= 'A' && *one <= 'Z')
                        v->uuid = case_id(*one++);
                if (*one != '?')
                        v->seqno = case_number(one);
                v->members = case_names(colon + 1);
        }
        r->have_view = true;
}

static inline void case_history(Report *r, char *text) {
        char *save = NULL;

        r->history->n = 0;
        if (streq(text, "-")) {
                free(r->history);
                r->history = NULL;
                r->have_history = false;
                return;
        }
        for (char *one = strtok_r(text, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
                HistoryEntry *e = &r->history->entry[r->history->n++];
                char *leader = strchr(one, '/');

                assert_true(one[1] == '@' || one[1] == '!');
                e->foreign = one[1] == '!';
                if (leader) {
                        *leader++ = '\0';
                        (void) snprintf(e->leader, sizeof(e->leader), "db%s", leader);
                }
                e->id = case_id(one[0]);
                e->position = case_position(one + 2);
        }
}

static inline bool case_claim(Report *r, const char *word, const char *id) {
        ClaimState state = claim_state_from_string(word);

        if (state <= CLAIM_NONE || !id)
                return false;
        r->claim = state;
        r->claim_id = case_id(*id);
        return true;
}

/* `words` is what follows the node's name; it is written to. */
static inline Report *case_report(const char *name, char *words) {
        char *save = NULL, *word, *arg;
        Report *r;

        assert_int_equal(report_new(&r), 0);
        (void) snprintf(r->node, sizeof(r->node), "%s", name);
        r->wanted = true;
        r->epoch = r->serial = 1;
        r->agent = case_id(name[strlen(name) - 1]);
        r->history = calloc(1, sizeof(*r->history));
        assert_non_null(r->history);
        r->have_history = true;

        word = strtok_r(words, " ", &save);
        assert_non_null(word);
        r->mysqld = mysqld_from_string(word);
        if (r->mysqld < 0)
                fail_msg("%s: not a condition: %s", name, word);

        while ((word = strtok_r(NULL, " ", &save))) {
                static const char *const with[] = { "view", "history", "weight", "mark", "grant", "asking", "granted",
                                                    "consumed", "released", "at", "agent", "without", "led", "cached", "failed", "group", "in", "among" };

                arg = NULL;
                for (size_t i = 0; i < ELEMENTS(with); i++)
                        if (streq(word, with[i])) {
                                arg = strtok_r(NULL, " ", &save);
                                assert_non_null(arg);
                        }

                if (!arg && (word[0] == '-' || strpbrk(word, "0123456789"))) {
                        r->position = case_position(word);
                        r->source = mysqld_is_live(r->mysqld) ? SOURCE_LIVE : SOURCE_RECOVERED;
                } else if (streq(word, "view"))
                        case_views(r, arg);
                else if (streq(word, "history"))
                        case_history(r, arg);
                else if (streq(word, "weight"))
                        r->weight = case_number(arg);
                else if (streq(word, "mark"))
                        assert_int_equal(names_add(&r->marks, arg), 0);
                else if (streq(word, "grant")) {
                        r->have_grant = true;
                        r->grant_id = case_id(*arg);
                        (void) snprintf(r->grant_holder, sizeof(r->grant_holder), "db%s", arg + 2);
                } else if (streq(word, "released"))
                        for (; *arg; arg++)
                                r->released[r->n_released++] = case_id(*arg);
                else if (streq(word, "without"))
                        r->without = case_names(arg);
                else if (streq(word, "cached"))
                        r->cached_from = case_number(arg);
                else if (streq(word, "failed"))
                        r->join_failures = case_number(arg);
                else if (streq(word, "donating"))
                        r->donating = true;
                else if (streq(word, "stranded"))
                        r->stranded = true;
                else if (streq(word, "resting"))
                        r->resting = true;
                else if (streq(word, "led"))
                        r->led = case_names(arg);
                else if (streq(word, "at")) {
                        char *dot = strchr(arg, '.');

                        assert_non_null(dot);
                        *dot = '\0';
                        r->epoch = (uint64_t) case_number(arg);
                        r->serial = (uint64_t) case_number(dot + 1);
                } else if (streq(word, "agent"))
                        r->agent = case_id(*arg == '-' ? '\0' : *arg);
                else if (streq(word, "safe"))
                        r->safe_to_bootstrap = 1;
                else if (streq(word, "unsafe"))
                        r->safe_to_bootstrap = 0;
                else if (streq(word, "blank"))
                        r->blank = true;
                else if (streq(word, "settled"))
                        r->settled = true;
                else if (streq(word, "in")) /* a component without a majority */
                        r->component = case_id(*arg);
                else if (streq(word, "among")) /* so many in it: more than those who say so are strangers */
                        r->component_size = case_number(arg);
                else if (streq(word, "fit"))
                        r->in_place = true;
                else if (streq(word, "group")) {
                        r->group = (Position) { case_id(*arg), 5 };
                        r->have_group = true;
                }
                else if (streq(word, "asked"))
                        r->asked = true;
                else if (streq(word, "unwanted"))
                        r->wanted = false;
                else if (streq(word, "ddl"))
                        r->schema_cut = true;
                else if (streq(word, "unjudged"))
                        r->unjudged = true;
                else if (streq(word, "unfit"))
                        r->in_place_problem = strdup("it has yet to apply what it received");
                else if (streq(word, "problem"))
                        r->problem = strdup("its files are spoilt");
                else if (!case_claim(r, word, arg))
                        fail_msg("%s: not understood: %s", name, word);
        }
        if (!r->have_view && r->source != SOURCE_NONE && !mysqld_is_live(r->mysqld))
                r->view_problem = strdup("it is empty");
        return r;
}

/* Where a case does not say how many there are in a component, there are no others. */
static inline int64_t cast_count_component(const Cast *c, const Uuid *component) {
        int64_t n = 0;

        for (size_t i = 0; i < c->n; i++)
                n += !uuid_is_zero(component) && c->report[i] && uuid_equal(&c->report[i]->component, component);
        return n;
}

static inline Cast cast_parse(const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        char *save = NULL;
        Cast c = {0};

        assert_non_null(copy);
        for (char *one = strtok_r(copy, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
                char *words;

                one += strspn(one, " ");
                words = strchr(one, ' ');
                assert_non_null(words);
                *words++ = '\0';
                assert_true(c.n < CAST_MAX);
                (void) snprintf(c.name[c.n], NAME_SIZE, "%s", one);
                c.voice[c.n].condition = condition_from_string(words);
                if (c.voice[c.n].condition < 0) {
                        c.voice[c.n].condition = CONDITION_KNOWN;
                        c.report[c.n] = case_report(c.name[c.n], words);
                }
                c.n++;
        }
        for (size_t i = 0; i < c.n; i++)
                if (c.report[i] && c.report[i]->component_size == 0)
                        c.report[i]->component_size = cast_count_component(&c, &c.report[i]->component);
        return c;
}

/* The voices, whose pointers are into the cast: it must not be moved after. */
static inline Voice *cast_voices(Cast *c) {
        for (size_t i = 0; i < c->n; i++) {
                c->voice[i].name = c->name[i];
                c->voice[i].report = c->report[i];
        }
        return c->voice;
}

static inline void cast_done(Cast *c) {
        for (size_t i = 0; i < c->n; i++)
                (void) report_free(c->report[i]);
        c->n = 0;
}

#define _cleanup_cast_ _cleanup_(cast_done)

/* "without 23", "new-cluster 1": any of them, in this order. */
static inline Overrule case_overrule(const char *text, char leader[static NAME_SIZE]) {
        Overrule o = {0};
        char digits[NAME_SIZE] = "", node = 0;

        leader[0] = '\0';
        if (sscanf(text, "without %63s", digits) == 1)
                o.without = case_names(digits);
        if (strstr(text, "new-cluster ")) {
                node = strstr(text, "new-cluster ")[strlen("new-cluster ")];
                (void) snprintf(leader, NAME_SIZE, "db%c", node);
                o.new_cluster = true;
                o.leader = leader;
        }
        return o;
}

static inline void digits_print(FILE *f, const char *what, const Names *names) {
        if (names->n == 0)
                return;
        fprintf(f, " %s ", what);
        for (size_t i = 0; i < names->n; i++)
                if (strlen(names->name[i]) == 3 && strncmp(names->name[i], "db", 2) == 0)
                        fputc(names->name[i][2], f);
                else
                        fprintf(f, "(%s)", names->name[i]);
}

/* "bootstrap db1 needs 123", "bootstrap db1 resume needs 123", "wait needs 123 awaits 3 stops 1": what a plan
 * comes to. Diverged and stray nodes are "off" and "stray"; "holds" who may not
 * join yet. Free the result. */
static inline char *plan_summary(const Plan *p) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fprintf(f, "%s%s%s", action_to_string(p->action), p->node[0] ? " " : "", p->node);
        if (p->manner != MANNER_RESTART)
                fprintf(f, " %s", manner_to_string(p->manner));
        digits_print(f, "needs", &p->needed);
        digits_print(f, "awaits", &p->awaited);
        digits_print(f, "off", &p->diverged);
        digits_print(f, "stray", &p->stray);
        digits_print(f, "holds", &p->held);
        digits_print(f, "stops", &p->stop);
        digits_print(f, "tarries", &p->tarry);
        assert_int_equal(fclose(f), 0);
        return text;
}
