/* Amounts as people read them; see amount.h. */
#include "base/amount.h"

#include <inttypes.h>

const char *amount_bytes(uint64_t bytes, char buf[static AMOUNT_SIZE]) {
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB" };
        double value = (double) bytes;
        size_t u = 0;

        for (; value >= 1024 && u + 1 < ELEMENTS(units); u++)
                value /= 1024;
        (void) snprintf(buf, AMOUNT_SIZE, u == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[u]);
        return buf;
}

const char *amount_time(usec_t t, char buf[static AMOUNT_SIZE]) {
        uint64_t s = t / USEC_PER_SEC;

        if (s < 60)
                (void) snprintf(buf, AMOUNT_SIZE, "%" PRIu64 " s", s);
        else if (s < 3600)
                (void) snprintf(buf, AMOUNT_SIZE, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
        else
                (void) snprintf(buf, AMOUNT_SIZE, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
        return buf;
}
