/* The record of views: what is read is within its bounds, and each view of it
 * can be written and read again. */
#include "domain/viewlog.h"
#include "fuzz.h"

/* As it stands in the record. */
static void view_write(const View *v, char *buf, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < v->n_members; i++) {
                const ViewMember *m = &v->members[i];
                char uuid[UUID_TEXT_MAX];

                MUST(m->name[0] && strlen(m->name) < VIEW_NAME_MAX && strlen(m->address) < sizeof(m->address));
                n += (size_t) snprintf(buf + n, size - n, "%s%s/%s/%s", i > 0 ? "," : "",
                                       uuid_is_zero(&m->uuid) ? "" : uuid_text(&m->uuid, uuid), m->name, m->address);
                MUST(n < size);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char error[256] = "", members[VIEWLOG_LINE_MAX], line[VIEWLOG_LINE_MAX];
        Viewlog log;

        if (viewlog_parse((const char *) data, size, &log, error) < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                return 0;
        }
        MUST(size == 0 || data[size - 1] == '\n' || log.torn);
        MUST(log.n_views <= VIEWLOG_VIEWS_MAX && log.n_views <= log.n_primary_seen);
        MUST(log.have_section || log.section == 0);
        MUST(log.have_section || log.n_views == 0 || log.torn);
        MUST(strlen(log.status) < sizeof(log.status) && strlen(log.invocation) < sizeof(log.invocation));
        for (size_t i = 0; i < log.n_views; i++) {
                const View *v = &log.views[i];
                Viewlog again;
                int n;

                MUST(v->primary && v->n_members > 0 && v->n_members <= VIEW_MEMBERS_MAX);
                MUST(v->own_index >= -1 && v->own_index < (int) v->n_members);
                view_write(v, members, sizeof(members));
                n = viewlog_print_view(line, sizeof(line), v->time, &v->uuid, true, v->own_index, members);
                MUST(n > 0);
                MUST(viewlog_parse(line, (size_t) n, &again, error) == 0);
                MUST(again.n_views == 1 && again.views[0].n_members == v->n_members);
                viewlog_done(&again);
        }
        viewlog_done(&log);
        return 0;
}
