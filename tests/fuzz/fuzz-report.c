/* Reports and claims, as peers send them: what is read is within its bounds, a
 * report is the same when it is written and read again, and whatever is
 * reported can be decided upon. */
#include "domain/claim.h"
#include "domain/datasource.h"
#include "domain/standing.h"
#include "fuzz.h"

static void check_report(const Report *r) {
        char error[256] = "";
        Report *again;
        char *text;
        int k;

        MUST(name_valid(r->node) && r->epoch <= INT64_MAX && r->serial <= INT64_MAX);
        MUST(r->mysqld >= 0 && r->mysqld < _MYSQLD_MAX && r->source >= 0 && r->source < _SOURCE_MAX);
        MUST(r->claim >= 0 && r->claim < _CLAIM_MAX && r->position.seqno >= SEQNO_UNDEFINED);
        MUST(r->n_released <= RELEASED_MAX && r->weight >= 0 && r->weight <= 255);
        MUST(r->have_view == (r->n_views > 0) && r->n_views <= REPORT_VIEWS_MAX);
        MUST(r->have_history == !!r->history && (!r->history || r->history->n <= HISTORY_MAX));
        MUST(!r->have_grant || name_valid(r->grant_holder));
        if (r->job)
                MUST(r->job->id >= 1 && r->job->n_steps <= JOB_STEPS_MAX && job_is_over(r->job) == (r->job->ended > 0));
        for (size_t i = 0; i < r->n_views; i++)
                MUST(r->view[i].members.n > 0 && r->view[i].seqno >= SEQNO_UNDEFINED);

        k = report_format(r, &text);
        MUST(k >= 0 || k == -E2BIG);
        if (k < 0)
                return;
        MUST(report_parse(text, &again, error) == 0);
        MUST(report_same(r, again) && again->epoch == r->epoch && again->serial == r->serial);
        (void) report_free(again);
        free(text);
}

/* None is ONLINE a part of which is not; and whoever is compared with its like
 * has neither diverged nor to be provisioned anew. */
static void check_replication(const Report *r) {
        const Voice voice = { .name = r->node, .condition = CONDITION_KNOWN, .report = r };
        const DatasourceFacts facts[] = { datasource_facts(&voice), { .name = "another" } };
        Replication *twin;
        Datasource ds[2];
        Judgement j;
        Primary primary;

        if (!r->replication)
                return;
        datasources_judge(facts, 2, ds, &primary);
        MUST((ds[0].state == DATASOURCE_ONLINE) == (ds[0].reason[0] == '\0'));
        MUST(ds[0].state != DATASOURCE_ONLINE || (ds[0].server.health == HEALTH_ONLINE && ds[0].replicator.health == HEALTH_ONLINE));
        MUST(ds[1].state == DATASOURCE_UNKNOWN && primary.text[0]);

        MUST(replication_copy(r->replication, &twin) == 0);
        twin->server_id = r->replication->server_id == 1 ? 2 : 1;
        twin->server_uuid = (Uuid) {0};
        MUST(standing_judge(&(StandingCase) { .replica_name = "a", .source_name = "b", .replica = r->replication, .source = twin }, &j) == 0);
        MUST(j.text && !j.errant && (j.standing == STANDING_IDENTICAL || j.standing == STANDING_UNKNOWN));
        judgement_done(&j);
        (void) replication_free(twin);
}

/* With and without the others it names, whoever they are. */
static void check_decision(const Report *const *reports, size_t n, const Overrule *overrule) {
        Voice voices[NAMES_MAX];
        Plan *plan;
        int r;

        for (size_t i = 0; i < n; i++)
                voices[i] = (Voice) { .name = reports[i]->node, .condition = CONDITION_KNOWN, .report = reports[i] };
        r = decision_make(voices, n, overrule, &plan);
        MUST(r == 0 || r == -EINVAL || r == -E2BIG);
        if (r < 0)
                return;
        if (plan->action == ACTION_BOOTSTRAP && !overrule->new_cluster) {
                MUST(plan->awaited.n == 0 && position_defined(&plan->position));
                for (size_t i = 0; i < n; i++)
                        MUST(!mysqld_is_live(reports[i]->mysqld));
        }
        (void) plan_free(plan);
}

static void check_claim(const char *text) {
        char error[256] = "";
        Overrule overrule;
        char *again, *why;
        Claim *c, *back;
        int r;

        if (claim_parse(text, &c, error) < 0) {
                MUST(error[0]);
                return;
        }
        MUST(name_valid(c->holder) && c->n_reports <= NAMES_MAX && c->position.seqno >= SEQNO_UNDEFINED);
        for (size_t i = 0; i < c->n_reports; i++)
                check_report(c->report[i]);
        overrule = claim_overrule(c);
        check_decision((const Report *const *) c->report, c->n_reports, &overrule);

        MUST(claim_format(c, &again) == 0);
        MUST(claim_parse(again, &back, error) == 0);
        MUST(uuid_equal(&back->id, &c->id) && names_equal(&back->needed, &c->needed) && names_equal(&back->without, &c->without));
        (void) claim_free(back);
        free(again);

        why = NULL;
        r = claim_judge(c, "grantor", &(Voice) { .name = "grantor" }, 1, NULL, CLAIM_NONE, &why);
        MUST(r != 0 || why);
        MUST(r != 1 || !why);
        free(why);
        (void) claim_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char error[256] = "";
        char *text = malloc(size + 1);
        Overrule none = {0};
        Report *r;

        MUST(text);
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';

        if (report_parse(text, &r, error) < 0)
                MUST(error[0] && strlen(error) < sizeof(error));
        else {
                const Report *one = r;

                check_report(r);
                check_replication(r);
                check_decision(&one, 1, &none);
                (void) report_free(r);
        }
        check_claim(text);
        free(text);
        return 0;
}
