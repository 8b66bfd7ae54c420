/* grastate.dat: whatever is read can be written, and reads the same again. What
 * Mainstay writes, Galera reads as it was meant. */
#include "domain/grastate.h"
#include "domain/lenient.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char text[512], error[256] = "";
        Grastate g, again;
        Lenient galera;
        size_t n;

        (void) lenient_grastate((const char *) data, size);
        if (grastate_parse((const char *) data, size, &g, error) < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                return 0;
        }
        MUST(size <= GRASTATE_SIZE_MAX);
        MUST(g.position.seqno >= SEQNO_UNDEFINED);
        MUST(!uuid_is_zero(&g.position.uuid) || g.position.seqno == SEQNO_UNDEFINED);

        n = grastate_format(&g, text);
        MUST(n == strlen(text) && text[n - 1] == '\n');
        MUST(grastate_parse(text, n, &again, error) == 0);
        MUST(position_equal(&g.position, &again.position));
        MUST((g.safe_to_bootstrap == GRASTATE_SAFE_YES) == (again.safe_to_bootstrap == GRASTATE_SAFE_YES));
        galera = lenient_grastate(text, n);
        MUST(position_equal(&g.position, &galera.position));
        MUST((g.safe_to_bootstrap == GRASTATE_SAFE_YES) == galera.safe_to_bootstrap);
        return 0;
}
