/* What mainstay-probe prints of the server: words that came over from it. */
#include "adapter/probe.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = input_text(data, size), error[256] = "";
        ServerStatus s;

        if (server_status_parse(text, &s, error) < 0)
                MUST(error[0] && strlen(error) < sizeof(error));
        else {
                MUST(s.state >= -1 && s.conf_id >= -1 && s.cluster_size >= -1 && s.recv_queue >= -1 && s.desync_count >= -1);
                MUST(s.position.seqno >= SEQNO_UNDEFINED && s.n_members <= NAMES_MAX && (s.have_view || s.n_members == 0));
                for (size_t i = 0; i < s.n_members; i++)
                        MUST(name_valid(s.member[i].name));
                server_status_done(&s);
        }
        free(text);
        return 0;
}
