/* Reports; see report.h. */
#include "domain/report.h"
#include "base/reason.h"
#include "base/table.h"
#include "domain/history.h"

#include <stdarg.h>

static const char *const mysqld_names[] = {
        [MYSQLD_UNKNOWN] = "unknown",         [MYSQLD_STOPPED] = "stopped",
        [MYSQLD_STARTING] = "starting",       [MYSQLD_JOINING] = "joining",
        [MYSQLD_NON_PRIMARY] = "non-primary", [MYSQLD_PRIMARY] = "primary",
};
DEFINE_STRING_TABLE(mysqld, Mysqld, mysqld_names)

static const char *const source_names[] = {
        [SOURCE_NONE] = "none",
        [SOURCE_LIVE] = "live",
        [SOURCE_GRASTATE] = "grastate",
        [SOURCE_RECOVERED] = "recovered",
};
DEFINE_STRING_TABLE(source, PositionSource, source_names)

static const char *const claim_names[] = {
        [CLAIM_NONE] = "none",
        [CLAIM_ASKING] = "asking",
        [CLAIM_GRANTED] = "granted",
        [CLAIM_CONSUMED] = "consumed",
};
DEFINE_STRING_TABLE(claim_state, ClaimState, claim_names)

int report_new(Report **ret) {
        Report *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->position.seqno = SEQNO_UNDEFINED;
        r->safe_to_bootstrap = -1;
        r->weight = 1;
        *ret = r;
        return 0;
}

Report *report_free(Report *r) {
        if (!r)
                return NULL;
        free(r->view);
        free(r->view_problem);
        free(r->in_place_problem);
        free(r->history);
        free(r->problem);
        (void) replication_free(r->replication);
        (void) job_free(r->job);
        for (size_t i = 0; i < NAMES_MAX; i++)
                free(r->mark_text[i]);
        free(r);
        return NULL;
}

int report_copy(const Report *r, Report **ret) {
        _cleanup_(report_freep) Report *c = NULL;
        int k;

        k = report_new(&c);
        if (k < 0)
                return k;
        *c = *r;
        c->view = NULL;
        c->history = NULL;
        c->view_problem = c->in_place_problem = c->problem = NULL;
        c->replication = NULL;
        c->job = NULL;
        memset(c->mark_text, 0, sizeof(c->mark_text));

        if (r->n_views > 0) {
                c->view = calloc(r->n_views, sizeof(*c->view));
                if (!c->view)
                        return -ENOMEM;
                memcpy(c->view, r->view, r->n_views * sizeof(*c->view));
        }
        if (r->history) {
                c->history = malloc(sizeof(*c->history));
                if (!c->history)
                        return -ENOMEM;
                history_copy(c->history, r->history);
        }
        if (r->view_problem && !(c->view_problem = strdup(r->view_problem)))
                return -ENOMEM;
        if (r->in_place_problem && !(c->in_place_problem = strdup(r->in_place_problem)))
                return -ENOMEM;
        if (r->problem && !(c->problem = strdup(r->problem)))
                return -ENOMEM;
        for (size_t i = 0; i < r->marks.n; i++)
                if (r->mark_text[i] && !(c->mark_text[i] = strdup(r->mark_text[i])))
                        return -ENOMEM;
        if (r->replication && replication_copy(r->replication, &c->replication) < 0)
                return -ENOMEM;
        if (r->job && job_copy(r->job, &c->job) < 0)
                return -ENOMEM;

        *ret = TAKE(c);
        return 0;
}

int report_mark(Report *r, const char *mark, const char *text) {
        char *copy = strdup(text);
        size_t i = 0;
        int k;

        if (!copy)
                return -ENOMEM;
        if (!names_contain(&r->marks, mark)) {
                k = names_add(&r->marks, mark);
                if (k < 0) {
                        free(copy);
                        return k;
                }
                /* They are sorted, and so their texts. */
                while (!streq(r->marks.name[i], mark))
                        i++;
                memmove(r->mark_text + i + 1, r->mark_text + i, (r->marks.n - 1 - i) * sizeof(r->mark_text[0]));
                r->mark_text[i] = NULL;
        }
        for (i = 0; !streq(r->marks.name[i], mark); i++)
                ;
        free(r->mark_text[i]);
        r->mark_text[i] = copy;
        return 0;
}

const char *report_mark_text(const Report *r) {
        return r->marks.n > 0 ? r->mark_text[0] : NULL;
}

bool report_newer(const Report *a, const Report *b) {
        return a->epoch != b->epoch ? a->epoch > b->epoch : a->serial > b->serial;
}

bool report_same(const Report *a, const Report *b) {
        Report x = *a, y = *b;
        char *s = NULL, *t = NULL;
        bool same;

        x.epoch = x.serial = y.epoch = y.serial = 0;
        same = report_format(&x, &s) >= 0 && report_format(&y, &t) >= 0 && streq(s, t);
        free(s);
        free(t);
        return same;
}
