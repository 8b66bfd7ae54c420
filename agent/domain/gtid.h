/* Global transaction ids, of both kinds of server: what a server has, as it
 * says itself, read exactly, compared, and written as the server would.
 *
 * MariaDB names a transaction DOMAIN-SERVER-SEQ and keeps lists of the newest:
 * gtid_slave_pos and gtid_binlog_pos have one a domain, gtid_binlog_state one
 * for each server of a domain, that of the newest transaction last. A list says
 * of each (domain, server) how far it goes, and whoever has a seq has, of that
 * domain and server, all before it.
 *
 * MySQL keeps sets of intervals, by the UUID of the server (and, from 8.3, a
 * tag). A set says exactly which transactions there are, and has holes.
 *
 * Texts come from servers, peers and people. Both have bounds far above what
 * real servers say, so that nonsense costs no more than a refusal.
 */
#pragma once

#include "base/uuid.h"

#define GTID_TEXT_MAX ((size_t) 1024 * 1024)
#define GTID_LIST_MAX 4096
#define GTID_RANGES_MAX 16384

/* MariaDB */

typedef struct Gtid {
        uint32_t domain, server;
        uint64_t seq;
} Gtid;

/* All zeros is the empty list. By domain; within one by server, but for the
 * newest transaction's, which comes last, as the servers have it. */
typedef struct GtidList {
        size_t n;
        Gtid *gtid;
} GtidList;

typedef enum GtidListKind {
        GTID_POSITION, /* one a domain: a second is refused, as servers do */
        GTID_STATE,    /* one for each server of a domain */
} GtidListKind;

/* `text` is `n` bytes. -EBADMSG with the reason in `error`, -E2BIG for more than
 * the bounds allow (a reason, too), -ENOMEM. */
int gtid_list_parse(const char *text, size_t n, GtidListKind kind, GtidList *ret, char error[static 256]);
/* Free `*ret`; "" for the empty list. */
int gtid_list_format(const GtidList *list, char **ret);
int gtid_list_copy(const GtidList *list, GtidList *ret);
void gtid_list_done(GtidList *list);

/* How far the list goes for a server of a domain; NULL where it has none. */
const Gtid *gtid_list_find(const GtidList *list, uint32_t domain, uint32_t server);
/* The last one of a domain, which is the newest transaction's; NULL where none. */
const Gtid *gtid_list_newest(const GtidList *list, uint32_t domain);
/* The one with the highest seq, which without gtid_strict_mode may be another. */
const Gtid *gtid_list_highest(const GtidList *list, uint32_t domain);
bool gtid_list_contains(const GtidList *list, const Gtid *gtid);
/* Does `list` reach all that `other` does? */
bool gtid_list_contains_all(const GtidList *list, const GtidList *other);
/* What `a` says beyond `b`: its entries that `b` does not contain. */
int gtid_list_subtract(const GtidList *a, const GtidList *b, GtidList *ret);
/* The further of both, for each server of a domain. Which of them is a domain's
 * newest: that of the higher seq. */
int gtid_list_union(const GtidList *a, const GtidList *b, GtidList *ret);
/* By how many transactions `behind` is behind `ahead`, over all domains, at most
 * UINT64_MAX; seqs count a domain's transactions, whoever wrote them. */
uint64_t gtid_list_distance(const GtidList *behind, const GtidList *ahead);

/* MySQL */

#define GTID_TAG_SIZE 33 /* 32 characters and a NUL */

typedef struct GtidRange {
        Uuid uuid;
        char tag[GTID_TAG_SIZE]; /* lower case; "" for none */
        int64_t first, last;     /* both included; 1 to INT64_MAX - 1 */
} GtidRange;

/* All zeros is the empty set. By UUID, tag and number; none touches another. */
typedef struct GtidSet {
        size_t n;
        GtidRange *range;
} GtidSet;

int gtid_set_parse(const char *text, size_t n, GtidSet *ret, char error[static 256]);
/* As a server writes it, but with "," alone between the UUIDs. Free `*ret`. */
int gtid_set_format(const GtidSet *set, char **ret);
int gtid_set_copy(const GtidSet *set, GtidSet *ret);
void gtid_set_done(GtidSet *set);

bool gtid_set_equal(const GtidSet *a, const GtidSet *b);
bool gtid_set_contains_all(const GtidSet *set, const GtidSet *other);
int gtid_set_subtract(const GtidSet *a, const GtidSet *b, GtidSet *ret);
int gtid_set_union(const GtidSet *a, const GtidSet *b, GtidSet *ret);
/* How many transactions; at most UINT64_MAX. */
uint64_t gtid_set_count(const GtidSet *set);

#define _cleanup_gtid_list_ _cleanup_(gtid_list_done)
#define _cleanup_gtid_set_ _cleanup_(gtid_set_done)
