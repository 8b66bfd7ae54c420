/* The policy of the cluster; see policy.h. */
#include "domain/policy.h"
#include "base/table.h"

static const char *const policy_names[] = {
        [POLICY_AUTOMATIC] = "automatic",
        [POLICY_MANUAL] = "manual",
        [POLICY_MAINTENANCE] = "maintenance",
};
DEFINE_STRING_TABLE(policy, Policy, policy_names)

const char *policy_means(Policy p) {
        static const char *const means[] = {
                [POLICY_AUTOMATIC] = "the agents bring the cluster back by themselves where that is safe",
                [POLICY_MANUAL] = "the agents find what is wrong and make the plan; a person starts it",
                [POLICY_MAINTENANCE] = "the agents only watch: they start, stop and claim nothing",
        };

        return (int) p < 0 || (size_t) p >= ELEMENTS(means) ? "nobody knows what that means" : means[p];
}

bool ruling_newer(const Ruling *a, const Ruling *b) {
        int order;

        if (a->version != b->version)
                return a->version > b->version;
        order = strcmp(a->node, b->node);
        return order != 0 ? order > 0 : a->policy > b->policy;
}

bool ruling_valid(const Ruling *r) {
        if (r->policy < 0 || r->policy >= _POLICY_MAX || r->version < 0)
                return false;
        return r->version == 0 ? r->policy == POLICY_AUTOMATIC && !r->node[0] : name_valid(r->node);
}

int ruling_next(const Ruling *now, Policy policy, const char *node, Ruling *ret) {
        Ruling r = { .policy = policy };

        if (now->version == INT64_MAX)
                return -EOVERFLOW;
        r.version = now->version + 1;
        (void) snprintf(r.node, sizeof(r.node), "%s", node);
        *ret = r;
        return 0;
}
