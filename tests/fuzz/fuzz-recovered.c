/* The log of wsrep-recover: a position is only ever a defined one, and one that
 * stands in the log. */
#include "domain/recovered.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Position p = { .seqno = SEQNO_UNDEFINED };
        char text[POSITION_TEXT_MAX];
        RecoveredOutcome o;

        o = recovered_parse((const char *) data, size, &p);
        MUST(o >= 0 && o < _RECOVERED_OUTCOME_MAX);
        MUST((o == RECOVERED_POSITION) == position_defined(&p));
        if (o == RECOVERED_POSITION) {
                const char *seqno = strchr(position_text(&p, text), ':');

                MUST(memmem(data, size, seqno, strlen(seqno)));
        }
        return 0;
}
