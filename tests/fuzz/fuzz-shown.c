/* What agents answer, as mainstayctl shows it to a person: the picture of a node with the
 * reports, the plan and the job in it, a list of jobs, a history. Whoever is lied to is
 * lied to in order: it ends, and nothing but text reaches the terminal. */
#include "domain/about.h"
#include "domain/readiness.h"
#include "edge/ctl-explain.h"
#include "edge/ctl-history.h"
#include "edge/ctl-job.h"
#include "edge/ctl-node.h"
#include "edge/ctl-service.h"
#include "edge/ctl-table.h"
#include "fuzz.h"

#define NOW (1000000 * USEC_PER_SEC)

static const Style styles[] = { { .unicode = true, .width = 60 }, { 0 } };

/* No control characters, of the lower half or the upper, but the ends of lines: colours
 * are off. */
static void check_text(const char *text, size_t size) {
        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char) text[i], next = (unsigned char) text[i + 1];

                MUST(c == '\n' || (c >= ' ' && c != 0x7f));
                MUST(c != 0xc2 || next < 0x80 || next >= 0xa0);
        }
}

static void show_all(FILE *f, const Style *style, const json_t *o) {
        json_t *policy = table_policy(o);
        char *headline;

        (void) table_status(f, style, o);
        table_policy_print(f, style, policy);
        (void) table_plan(f, style, o, "");
        (void) table_plan(f, style, json_object_get(o, "plan"), "db3");
        (void) service_print(f, style, o);
        (void) job_print_list(f, style, o, NOW);
        (void) history_print(f, style, o, false);
        (void) history_print(f, style, o, true);
        if (table_headline(json_object_get(o, "plan"), &headline) >= 0) {
                MUST(headline);
                free(headline);
        }
        (void) table_plan_exit(json_object_get(o, "plan"));
        json_decref(policy);
}

static void explain(FILE *f, const Style *style, const json_t *o, const char *name) {
        json_t *explained;
        int r = explain_make(o, json_object_get(o, "grounds"), json_object_get(o, "unit"), name, NOW, &explained);

        MUST(r == 0 || r == -ENOENT || r == -EBADMSG || r == -EINVAL);
        if (r < 0)
                return;
        explain_print(f, style, explained);
        json_decref(explained);
}

static void judge(const json_t *o) {
        Names names = {0};
        char *why = NULL;
        json_t *service;
        NodeSeen seen;

        if (service_recoverable(o, &names, &why) >= 0)
                free(why);
        if (service_json(o, &service) >= 0)
                json_decref(service);
        for (size_t i = 0; i < 2; i++)
                if (node_find(o, i == 0 ? "db1" : "db2", &seen) >= 0)
                        node_done(&seen);
        free(node_reasons(o, "db2"));
        free(node_transfer(json_object_get(o, "report"), NOW));
}

/* What else is asked of an agent, and answered in JSON. */
static void other_answers(const char *text, const json_t *o) {
        const Contentment with = CONTENTMENT_DEFAULT;
        Readiness readiness;
        Verdict verdict;
        About about;

        if (about_parse(text, &about) >= 0) {
                MUST(about.weight >= -1 && about.time <= INT64_MAX);
                about_done(&about);
        }
        if (readiness_from_json(o, &readiness) < 0)
                return;
        for (Work w = 0; w < _WORK_MAX; w++) {
                readiness_judge(&readiness, w, &with, &verdict);
                MUST(verdict.obstacle >= 0 && verdict.obstacle < _OBSTACLE_MAX && verdict.text[0]);
        }
        json_t *again = readiness_to_json(&readiness);
        MUST(again && readiness_from_json(again, &readiness) >= 0);
        json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = input_text(data, size);
        json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

        for (size_t i = 0; o && i < ELEMENTS(styles); i++) {
                char *shown = NULL;
                size_t n = 0;
                FILE *f = open_memstream(&shown, &n);

                MUST(f);
                show_all(f, &styles[i], o);
                explain(f, &styles[i], o, "db1");
                explain(f, &styles[i], o, "db2");
                (void) fclose(f);
                check_text(shown, n);
                free(shown);
        }
        if (o) {
                judge(o);
                other_answers(text, o);
        }
        json_decref(o);
        free(text);
        return 0;
}
