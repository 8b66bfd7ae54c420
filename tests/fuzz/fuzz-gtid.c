/* GTIDs: whatever is read is written so that it reads the same again; and it
 * holds itself, and nothing is left when it is taken from itself. */
#include "domain/gtid.h"
#include "fuzz.h"

static void check_list(const char *data, size_t size, GtidListKind kind) {
        char error[256] = "", *text, *again;
        GtidList list, same, rest;
        int r = gtid_list_parse(data, size, kind, &list, error);

        if (r < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                return;
        }
        MUST(size <= GTID_TEXT_MAX && list.n <= GTID_LIST_MAX);
        MUST(gtid_list_format(&list, &text) == 0);
        MUST(gtid_list_parse(text, strlen(text), kind, &same, error) == 0);
        MUST(gtid_list_format(&same, &again) == 0 && streq(text, again));
        MUST(gtid_list_contains_all(&list, &same) && gtid_list_distance(&list, &same) == 0);
        MUST(gtid_list_subtract(&list, &same, &rest) == 0 && rest.n == 0);
        free(text);
        free(again);
        gtid_list_done(&list);
        gtid_list_done(&same);
        gtid_list_done(&rest);
}

static void check_set(const char *data, size_t size) {
        GtidSet set, same, rest, both, half;
        char error[256] = "", *text;
        int r = gtid_set_parse(data, size, &set, error);

        if (r < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                return;
        }
        MUST(size <= GTID_TEXT_MAX && set.n <= GTID_RANGES_MAX);
        for (size_t i = 0; i < set.n; i++)
                MUST(set.range[i].first >= 1 && set.range[i].first <= set.range[i].last && set.range[i].last < INT64_MAX);
        MUST(gtid_set_format(&set, &text) == 0);
        MUST(gtid_set_parse(text, strlen(text), &same, error) == 0);
        MUST(gtid_set_equal(&set, &same) && gtid_set_contains_all(&set, &same));
        MUST(gtid_set_subtract(&set, &same, &rest) == 0 && rest.n == 0);
        free(text);
        gtid_set_done(&rest);

        /* A part, and what is left without it, are the whole. */
        half = (GtidSet) { same.n / 2, same.range };
        MUST(gtid_set_subtract(&set, &half, &rest) == 0);
        MUST(gtid_set_union(&rest, &half, &both) == 0 && gtid_set_equal(&both, &set));
        MUST(gtid_set_count(&set) == UINT64_MAX || gtid_set_count(&set) == gtid_set_count(&rest) + gtid_set_count(&half));
        gtid_set_done(&rest);
        gtid_set_done(&both);
        gtid_set_done(&same);
        gtid_set_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        check_list((const char *) data, size, GTID_POSITION);
        check_list((const char *) data, size, GTID_STATE);
        check_set((const char *) data, size);
        return 0;
}
