/* Times as a person types them; see ctl-time.h. */
#include "edge/ctl-time.h"
#include "base/number.h"

#include <time.h>

#define SPAN_MAX (3650 * (int64_t) 86400)

int time_parse_span(const char *text, int64_t *ret) {
        static const struct {
                char unit;
                int64_t seconds;
        } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
        size_t n = strlen(text);
        int64_t unit = 1, number;

        for (size_t i = 0; n > 0 && i < ELEMENTS(units); i++)
                if (text[n - 1] == units[i].unit) {
                        unit = units[i].seconds;
                        n--;
                        break;
                }
        if (number_parse(text, n, 1, SPAN_MAX / unit, &number) < 0)
                return -EINVAL;
        *ret = number * unit;
        return 0;
}

/* The number of seconds, where it is not yet to come. */
static int past(int64_t seconds, usec_t now, usec_t *ret) {
        if (seconds < 0 || (usec_t) seconds * USEC_PER_SEC > now)
                return -EINVAL;
        *ret = (usec_t) seconds * USEC_PER_SEC;
        return 0;
}

int time_parse_since(const char *text, usec_t now, usec_t *ret) {
        static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M" };
        time_t seconds = (time_t) (now / USEC_PER_SEC);
        int64_t span;
        struct tm today;

        if (text[0] == '@') {
                if (number_parse(text + 1, strlen(text + 1), 0, INT32_MAX * (int64_t) 4, &span) < 0)
                        return -EINVAL;
                return past(span, now, ret);
        }
        if (time_parse_span(text, &span) >= 0) {
                *ret = now > (usec_t) span * USEC_PER_SEC ? now - (usec_t) span * USEC_PER_SEC : 0;
                return 0;
        }
        if (!localtime_r(&seconds, &today))
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTS(forms); i++) {
                /* What a form does not say is today, at midnight. */
                struct tm t = { .tm_year = today.tm_year, .tm_mon = today.tm_mon, .tm_mday = today.tm_mday, .tm_isdst = -1 };
                const char *end = strptime(text, forms[i], &t);

                if (!end || *end)
                        continue;
                t.tm_isdst = -1;
                return past((int64_t) mktime(&t), now, ret);
        }
        return -EINVAL;
}
