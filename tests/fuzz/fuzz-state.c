/* state.json, which the agent reads when it starts: what cannot be read is left as it is
 * and is complained of; what is read is within its bounds, and is the same when it is
 * written and read again. */
#include "adapter/store.h"
#include "place.h"

static void check_bounds(const Store *s) {
        MUST((s->claim_state == CLAIM_NONE) == !s->claim && s->claim_state >= 0 && s->claim_state < _CLAIM_MAX);
        MUST(s->history.n <= HISTORY_MAX && s->n_released <= RELEASED_MAX && s->n_led <= NAMES_MAX);
        MUST(s->n_seqnos <= REPORT_VIEWS_MAX && s->n_labels <= NAMES_MAX && s->without.n <= NAMES_MAX);
        MUST(!s->have_grant || name_valid(s->grant.holder));
        MUST(s->epoch > 0 && s->epoch <= INT64_MAX && s->settled <= INT64_MAX && s->join_failures >= 0);
        MUST(s->consumed <= INT64_MAX && s->resuming <= INT64_MAX);
        MUST(s->aside.state >= 0 && s->aside.state < _ASIDE_MAX && ruling_valid(&s->ruling));
        for (size_t i = 0; i < s->without.n; i++)
                MUST(name_valid(s->without.name[i]));
}

static Store *read_again(const Place *p) {
        char error[256] = "";
        Store *s;

        MUST(store_open(p->path, &s, error) == 0);
        return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *first = NULL, *second = NULL;
        size_t n_first = 0, n_second = 0;
        Place p = place_make();
        char error[256] = "";
        Store *s;
        int r;

        place_put(&p, STORE_NAME, data, size);
        r = store_open(p.path, &s, error);
        if (r < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                first = place_get(&p, STORE_NAME, &n_first);
                MUST(first && n_first == size && memcmp(first, data, size) == 0);
        } else {
                uint64_t epoch = s->epoch;

                check_bounds(s);
                MUST(store_save(s) == 0);
                (void) store_free(s);
                first = place_get(&p, STORE_NAME, &n_first);

                s = read_again(&p);
                check_bounds(s);
                MUST(s->epoch == epoch + 1 && !s->new_boot);
                s->epoch = epoch;
                MUST(store_save(s) == 0);
                (void) store_free(s);
                second = place_get(&p, STORE_NAME, &n_second);
                MUST(first && second && n_first == n_second && memcmp(first, second, n_first) == 0);
        }
        place_done(&p);
        return 0;
}
