/* gvwstate.dat: whatever is read is something that mysqld would survive. */
#include "domain/gvwstate.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char error[256] = "";
        Gvwstate g;

        if (gvwstate_parse((const char *) data, size, &g, error) < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                return 0;
        }
        MUST(!uuid_is_zero(&g.my_uuid) && !uuid_is_zero(&g.view_uuid));
        MUST(g.n_members > 0 && g.n_members <= GVWSTATE_MEMBERS_MAX);
        MUST(g.view_seqno >= 0 && g.view_seqno <= UINT32_MAX);
        for (size_t i = 0; i < g.n_members; i++)
                MUST(!uuid_is_zero(&g.members[i].uuid) && g.members[i].segment >= 0 && g.members[i].segment <= 255);
        return 0;
}
