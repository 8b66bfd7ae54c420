/* Positions as text; see position.h. */
#include "domain/position.h"
#include "base/number.h"

int position_parse(const char *s, size_t n, Position *ret) {
        Position p;
        int r;

        if (n < UUID_TEXT_MAX || s[UUID_TEXT_MAX - 1] != ':')
                return -EINVAL;
        r = uuid_parse(s, UUID_TEXT_MAX - 1, &p.uuid);
        if (r < 0)
                return r;
        r = number_parse(s + UUID_TEXT_MAX, n - UUID_TEXT_MAX, -1, INT64_MAX, &p.seqno);
        if (r < 0)
                return r;

        *ret = p;
        return 0;
}

const char *position_text(const Position *p, char buf[static POSITION_TEXT_MAX]) {
        (void) uuid_text(&p->uuid, buf);
        (void) snprintf(buf + UUID_TEXT_MAX - 1, POSITION_TEXT_MAX - UUID_TEXT_MAX + 1, ":%lld", (long long) p->seqno);
        return buf;
}
