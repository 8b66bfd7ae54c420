/* From what is the case to what is wrong; see doctor.h. Here are the findings
 * and what runs the checks; the checks of the server's own configuration are in
 * doctor-server.c, those of the nodes between each other in doctor-nodes.c. */
#include "domain/doctor.h"
#include "base/table.h"

#include <stdarg.h>

static const char *const level_names[] = {
        [LEVEL_OK] = "ok",
        [LEVEL_NOTE] = "note",
        [LEVEL_WARNING] = "warning",
        [LEVEL_ERROR] = "error",
};
DEFINE_STRING_TABLE(level, Level, level_names)

static void finding_done(Finding *f) {
        free(f->check);
        free(f->text);
        free(f->harm);
        free(f->remedy);
        *f = (Finding) {};
}

void findings_done(Findings *f) {
        for (size_t i = 0; i < f->n; i++)
                finding_done(&f->finding[i]);
        f->n = 0;
}

int findings_add(Findings *f, Level level, const char *check, const char *harm, const char *remedy, const char *format, ...) {
        Finding new = { .level = level };
        va_list ap;
        int n;

        if (f->n == FINDINGS_MAX)
                return -E2BIG;
        va_start(ap, format);
        n = vasprintf(&new.text, format, ap);
        va_end(ap);
        if (n < 0)
                new.text = NULL;
        new.check = strdup(check);
        new.harm = strdup(harm);
        new.remedy = strdup(remedy);
        if (!new.text || !new.check || !new.harm || !new.remedy) {
                finding_done(&new);
                return -ENOMEM;
        }
        f->finding[f->n++] = new;
        return 0;
}

Level findings_worst(const Findings *f) {
        Level worst = LEVEL_OK;

        for (size_t i = 0; i < f->n; i++)
                if (f->finding[i].level > worst)
                        worst = f->finding[i].level;
        return worst;
}

int findings_to_json(const Findings *f, json_t **ret) {
        json_t *a = json_array();

        for (size_t i = 0; i < f->n; i++) {
                const Finding *one = &f->finding[i];
                json_t *o = json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "level", level_to_string(one->level), "check", one->check, "text", one->text,
                                      "harm", *one->harm ? one->harm : NULL, "remedy", *one->remedy ? one->remedy : NULL);

                if (!o || json_array_append_new(a, o) < 0) {
                        json_decref(a);
                        return -ENOMEM;
                }
        }
        if (!a)
                return -ENOMEM;
        *ret = a;
        return 0;
}

bool patient_asynchronous(const Patient *p) {
        const char *status = json_string_value(json_object_get(p->live, "wsrep_cluster_status"));

        /* One that is in a cluster has lost the lines that say so: that is a trap. */
        return p->options && options_asynchronous(p->options) && (!status || streq(status, "Disconnected"));
}

static int run(const Check *checks, const Patient *p, Findings *f) {
        int r = 0;

        for (const Check *c = checks; r >= 0 && c->name; c++) {
                size_t before = f->n;

                if (c->galera && patient_asynchronous(p))
                        continue;
                r = c->look(p, f, c->name);
                if (r == 0 && f->n == before)
                        r = findings_add(f, LEVEL_OK, c->name, "", "", "%s", c->fine);
        }
        return r < 0 ? r : 0;
}

int doctor_examine(const Patient *p, Findings *f) {
        int r;

        r = run(doctor_server_checks, p, f);
        return r < 0 ? r : run(doctor_node_checks, p, f);
}
