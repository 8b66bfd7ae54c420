/* Is the decision that of the model?
 *
 * Reads the table which `tests/model/check --table` prints (tests/model/claims.pml
 * says what stands in it), from a file or standard input, and puts each case to
 * decision_make(). What the model's search proves of its decision is proved of
 * the agent's only where both come to the same. */
#include "domain/decision.h"

#define NODES 3
#define NOBODY 3
#define SHOWN 10

static const char *const name_of[NODES + 1] = { "db0", "db1", "db2", "" };

/* In the model's numbers. */
typedef struct Case {
        bool heard[NODES];
        int mysqld[NODES], position[NODES], view[NODES], members[NODES], history[NODES], settled[NODES], led[NODES], holder[NODES], group[NODES];
        int entry_position[2], entry_leader[2];
        int without;
        int action, node, needed, manner;
} Case;

static const Mysqld mysqld_of[] = { MYSQLD_STOPPED, MYSQLD_NON_PRIMARY, MYSQLD_PRIMARY, MYSQLD_STARTING };
static const Action action_of[] = { ACTION_WAIT, ACTION_JOIN, ACTION_BOOTSTRAP, ACTION_REFUSE };
static const Manner manner_of[] = { MANNER_RESTART, MANNER_IN_PLACE, MANNER_RESUME };

static const Uuid cluster = {{ 0xc1 }};

static Names set_of(int mask) {
        Names names = {0};

        for (int i = 0; i < NODES; i++)
                if (mask & 1 << i)
                        (void) names_add(&names, name_of[i]);
        return names;
}

static bool within(int value, size_t n) {
        return value >= 0 && (size_t) value < n;
}

/* One line; -EBADMSG where it is none of the table's. */
static int case_parse(const char *line, Case *ret) {
        Case c = {0};
        int n;

        for (int i = 0; i < NODES; i++) {
                if (line[0] == '-' && line[1] == ' ') {
                        line += 2;
                        continue;
                }
                n = 0;
                if (sscanf(line, "%d:%d:%d:%d:%d:%d:%d:%d:%d %n", &c.mysqld[i], &c.position[i], &c.view[i], &c.members[i],
                           &c.history[i], &c.settled[i], &c.led[i], &c.holder[i], &c.group[i], &n) != 9 || n == 0)
                        return -EBADMSG;
                if (!within(c.mysqld[i], ELEMENTS(mysqld_of)) || !within(c.holder[i], NODES + 1))
                        return -EBADMSG;
                c.heard[i] = true;
                line += n;
        }
        n = 0;
        if (sscanf(line, "entries %d:%d %d:%d without %d => %d %d %d %d %n", &c.entry_position[0], &c.entry_leader[0],
                   &c.entry_position[1], &c.entry_leader[1], &c.without, &c.action, &c.node, &c.needed, &c.manner, &n) != 9 ||
            n == 0 || line[n])
                return -EBADMSG;
        if (!within(c.action, ELEMENTS(action_of)) || !within(c.node, NODES + 1) || !within(c.manner, ELEMENTS(manner_of)) ||
            !within(c.entry_leader[0], NODES) || !within(c.entry_leader[1], NODES))
                return -EBADMSG;
        *ret = c;
        return 0;
}

static int report_make(const Case *c, int i, Report **ret) {
        _cleanup_(report_freep) Report *r = NULL;
        int k;

        k = report_new(&r);
        if (k < 0)
                return k;
        (void) snprintf(r->node, sizeof(r->node), "%s", name_of[i]);
        r->mysqld = mysqld_of[c->mysqld[i]];
        r->wanted = true;
        if (r->mysqld == MYSQLD_NON_PRIMARY) {
                r->in_place = true;
                r->component.b[0] = (uint8_t) (i + 1);
                r->component_size = 1;
        }
        r->have_group = c->group[i] > 0;
        if (r->have_group)
                r->group = (Position) { cluster, c->group[i] };
        r->position = (Position) { cluster, c->position[i] };
        r->source = mysqld_is_live(r->mysqld) ? SOURCE_LIVE : SOURCE_RECOVERED;
        if (c->view[i] > 0) {
                r->view = calloc(1, sizeof(*r->view));
                if (!r->view)
                        return -ENOMEM;
                r->have_view = true;
                r->n_views = 1;
                r->view[0] = (ReportView) { .uuid = cluster, .seqno = c->view[i], .members = set_of(c->members[i]) };
        }
        r->history = calloc(1, sizeof(*r->history));
        if (!r->history)
                return -ENOMEM;
        r->have_history = true;
        for (int e = 1; e <= 2; e++)
                if (c->history[i] & 1 << e) {
                        HistoryEntry *entry = &r->history->entry[r->history->n++];

                        entry->id.b[0] = (uint8_t) e;
                        entry->position = (Position) { cluster, c->entry_position[e - 1] };
                        (void) snprintf(entry->leader, sizeof(entry->leader), "%s", name_of[c->entry_leader[e - 1]]);
                }
        r->settled = c->settled[i];
        r->led = set_of(c->led[i]);
        if (c->holder[i] != NOBODY) {
                r->have_grant = true;
                r->grant_id.b[0] = 0xff;
                (void) snprintf(r->grant_holder, sizeof(r->grant_holder), "%s", name_of[c->holder[i]]);
        }
        *ret = TAKE(r);
        return 0;
}

static void show_result(const char *who, Action action, Manner manner, const char *node, const Names *needed) {
        _cleanup_free_ char *text = names_text(needed);

        printf("    %-7s %s%s%s (%s), needed: %s\n", who, action_to_string(action), node[0] ? " " : "", node, manner_to_string(manner), text ? text : "?");
}

static void show_case(const Case *c) {
        for (int i = 0; i < NODES; i++) {
                Names members = set_of(c->members[i]), led = set_of(c->led[i]);
                _cleanup_free_ char *view = names_text(&members), *leaders = names_text(&led);

                if (!c->heard[i]) {
                        printf("    %s: not heard\n", name_of[i]);
                        continue;
                }
                printf("    %s: %s at %d", name_of[i], mysqld_to_string(mysqld_of[c->mysqld[i]]), c->position[i]);
                if (c->view[i] > 0)
                        printf(", view of %s from %d", view ? view : "?", c->view[i]);
                else
                        printf(", no view");
                for (int e = 1; e <= 2; e++)
                        if (c->history[i] & 1 << e)
                                printf(", bootstrap %d (%s at %d)", e, name_of[c->entry_leader[e - 1]], c->entry_position[e - 1]);
                if (c->group[i])
                        printf(", gvwstate.dat %d", c->group[i]);
                if (!c->settled[i])
                        printf(", unsettled");
                if (led.n > 0)
                        printf(", was led by %s", leaders ? leaders : "?");
                if (c->holder[i] != NOBODY)
                        printf(", granted to %s", name_of[c->holder[i]]);
                printf("\n");
        }
        if (c->without) {
                Names without = set_of(c->without);
                _cleanup_free_ char *text = names_text(&without);

                printf("    given up: %s\n", text ? text : "?");
        }
}

/* 1 where both come to the same, 0 where not. */
static int case_run(const Case *c, const char *line, bool show) {
        Voice voices[NODES] = {0};
        Report *reports[NODES] = {0};
        Overrule overrule = { .without = set_of(c->without) };
        _cleanup_(plan_freep) Plan *plan = NULL;
        Names needed = set_of(c->needed);
        int r = 0;

        for (int i = 0; i < NODES && r >= 0; i++) {
                voices[i].name = name_of[i];
                voices[i].condition = c->heard[i] ? CONDITION_KNOWN : CONDITION_UNCERTAIN;
                if (c->heard[i])
                        r = report_make(c, i, &reports[i]);
                voices[i].report = reports[i];
        }
        if (r >= 0)
                r = decision_make(voices, NODES, &overrule, &plan);
        if (r >= 0)
                /* Who refuses need not have found out who else was needed. */
                r = plan->action == action_of[c->action] && plan->manner == manner_of[c->manner] && streq(plan->node, name_of[c->node]) &&
                    (plan->action == ACTION_REFUSE || names_equal(&plan->needed, &needed));
        if (r == 0 && show) {
                printf("The decision is not the model's: %s\n", line);
                show_case(c);
                show_result("model:", action_of[c->action], manner_of[c->manner], name_of[c->node], &needed);
                show_result("agent:", plan->action, plan->manner, plan->node, &plan->needed);
        }
        for (int i = 0; i < NODES; i++)
                (void) report_free(reports[i]);
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_fclose_ FILE *opened = NULL;
        FILE *f = stdin;
        char line[256];
        size_t n = 0, different = 0;

        if (argc > 1) {
                f = opened = fopen(argv[1], "re");
                if (!f) {
                        fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
                        return EXIT_FAILURE;
                }
        }
        while (fgets(line, sizeof(line), f)) {
                Case c;
                int r;

                line[strcspn(line, "\n")] = 0;
                r = case_parse(line, &c);
                if (r >= 0)
                        r = case_run(&c, line, different < SHOWN);
                if (r < 0) {
                        fprintf(stderr, "line %zu: \"%s\": %s\n", n + 1, line, strerror(-r));
                        return EXIT_FAILURE;
                }
                n++;
                different += r == 0;
        }
        if (n == 0) {
                fprintf(stderr, "The table is empty.\n");
                return EXIT_FAILURE;
        }
        printf("%zu cases, %zu of them different\n", n, different);
        return different > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
