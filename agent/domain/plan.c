/* Plans and their reasons; see plan.h. */
#include "domain/plan.h"
#include "base/table.h"

#include <stdarg.h>

static const char *const action_names[] = {
        [ACTION_WAIT] = "wait",
        [ACTION_JOIN] = "join",
        [ACTION_BOOTSTRAP] = "bootstrap",
        [ACTION_REFUSE] = "refuse",
};
DEFINE_STRING_TABLE(action, Action, action_names)

static const char *const manner_names[] = {
        [MANNER_RESTART] = "restart",
        [MANNER_IN_PLACE] = "in-place",
        [MANNER_RESUME] = "resume",
};
DEFINE_STRING_TABLE(manner, Manner, manner_names)

const char *manner_claimed(Manner m) {
        switch (m) {
        case MANNER_IN_PLACE:
                return "the rise to Primary in place";
        case MANNER_RESUME:
                return "the resume of the last view";
        default:
                return "the bootstrap";
        }
}

int plan_new(Plan **ret) {
        Plan *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->position.seqno = SEQNO_UNDEFINED;
        *ret = p;
        return 0;
}

Plan *plan_free(Plan *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_reasons; i++)
                free(p->reason[i].text);
        free(p->reason);
        free(p);
        return NULL;
}

void plan_settle(Plan *p, Action action, const char *node) {
        p->action = action;
        (void) snprintf(p->node, sizeof(p->node), "%s", node ? node : "");
}

int plan_add(Plan *p, const char *node, const char *format, ...) {
        Reason *more;
        char *text;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                return -ENOMEM;

        more = reallocarray(p->reason, p->n_reasons + 1, sizeof(*more));
        if (!more) {
                free(text);
                return -ENOMEM;
        }
        p->reason = more;
        more[p->n_reasons] = (Reason) { .text = text };
        (void) snprintf(more[p->n_reasons].node, NAME_SIZE, "%s", node ? node : "");
        p->n_reasons++;
        return 0;
}

int plan_to_json(const Plan *p, json_t **ret) {
        json_t *reasons = json_array(), *o;

        for (size_t i = 0; i < p->n_reasons; i++) {
                json_t *r = json_pack("{s:s?, s:s}", "node", p->reason[i].node[0] ? p->reason[i].node : NULL,
                                      "text", p->reason[i].text);
                if (json_array_append_new(reasons, r) < 0) {
                        json_decref(reasons);
                        return -ENOMEM;
                }
        }
        o = json_pack("{s:s, s:s?, s:o, s:o, s:o}", "action", action_to_string(p->action),
                      "node", p->node[0] ? p->node : NULL, "reasons", reasons,
                      "needed", names_to_json(&p->needed), "awaited", names_to_json(&p->awaited));
        if (!o)
                return -ENOMEM;
        if (p->action == ACTION_BOOTSTRAP && json_object_set_new(o, "manner", json_string(manner_to_string(p->manner))) < 0) {
                json_decref(o);
                return -ENOMEM;
        }
        *ret = o;
        return 0;
}

const char *plan_reason(const Plan *p, const char *node) {
        for (size_t i = 0; i < p->n_reasons; i++)
                if (streq(p->reason[i].node, node))
                        return p->reason[i].text;
        for (size_t i = 0; i < p->n_reasons; i++)
                if (p->reason[i].node[0] == 0)
                        return p->reason[i].text;
        return p->n_reasons > 0 ? p->reason[0].text : NULL;
}
