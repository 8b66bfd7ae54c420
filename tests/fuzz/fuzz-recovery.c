/* The result of a run of mainstay-recover, which mysqld's user writes: what is read is
 * within its bounds, and is the same when it is written and read again. */
#include "domain/recovery.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char error[256] = "";
        Recovery r, again;
        char *text;

        if (recovery_parse((const char *) data, size, &r, error) < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                return 0;
        }
        MUST(r.outcome >= 0 && r.outcome < _RECOVERY_OUTCOME_MAX && memchr(r.text, '\0', sizeof(r.text)));
        MUST(r.outcome != RECOVERY_POSITION || position_defined(&r.position));
        MUST(recovery_format(&r, &text) == 0);
        MUST(recovery_parse(text, strlen(text), &again, error) == 0);
        MUST(again.outcome == r.outcome && position_equal(&again.position, &r.position) && again.section == r.section);
        MUST(uuid_equal(&again.boot, &r.boot) && again.time == r.time && streq(again.text, r.text));
        MUST(recovery_holds(&again, &r.stamp, r.section) == recovery_holds(&r, &r.stamp, r.section));
        free(text);
        return 0;
}
