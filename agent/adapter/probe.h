/* The agent's look at its own server: mainstay-probe, run as a child. */
#pragma once

#include "domain/names.h"
#include "domain/position.h"
#include "domain/replication.h"

#include <systemd/sd-event.h>

#define PROBE_OUTPUT_MAX ((size_t) 256 * 1024)

typedef struct ServerMember {
        Uuid uuid; /* of this incarnation of it */
        char name[NAME_SIZE];
} ServerMember;

/* What the server says. Absent strings are "", absent numbers -1. */
typedef struct ServerStatus {
        bool wsrep; /* else only `version` and `replication` are set */
        char version[64];
        char provider_version[64];
        char node_name[NAME_SIZE];
        char cluster_status[32]; /* "Primary", "non-Primary", "Disconnected" */
        char state_comment[64];  /* "Synced", "Joiner"... */
        int64_t state;           /* wsrep_local_state: 4 is synced */
        int64_t conf_id;
        int64_t cluster_size;
        bool connected, ready, desync;
        Uuid cluster_uuid; /* zero where there is none */
        Uuid member_uuid;  /* its own, in the group */
        Position position; /* wsrep_local_state_uuid and wsrep_last_committed */
        int64_t cached_downto;
        char quorum_off[24]; /* "pc.ignore_sb" or "pc.ignore_quorum" where that is on, as it runs */
        int64_t recv_queue; /* received, and yet to be applied */
        int64_t desync_count;
        bool read_only;
        char reject_queries[24]; /* wsrep_reject_queries: "NONE", "ALL", "ALL_KILL" */
        char sst_method[64];

        bool have_view; /* the stored view, that is the newest Primary one it was in */
        char view_problem[256];
        Uuid view_uuid; /* the cluster's */
        int64_t view_seqno;
        size_t n_members;
        ServerMember member[NAMES_MAX];

        Replication *replication; /* of a server without wsrep; owned by this, NULL where unsaid */
} ServerStatus;

void server_status_done(ServerStatus *s);

/* Reads what mainstay-probe prints; end it with server_status_done(). -EBADMSG, with a sentence in `error`, for
 * anything else, also for {"error": ...}. */
int server_status_parse(const char *text, ServerStatus *ret, char error[static 256]);

typedef struct Probe Probe;

/* `r` is 0 and `status` set, or an errno with the reason in `error`: -ETIME
 * where the server gave no answer. What `status` owns may be taken out of it.
 * It may free the probe. */
typedef void (*probe_done_t)(Probe *p, int r, ServerStatus *status, const char *error, void *userdata);

/* `program` is mainstay-probe, `socket` the server's, `user` the account. */
int probe_new(sd_event *event, const char *program, const char *socket, const char *user, probe_done_t done, void *userdata,
              Probe **ret);
Probe *probe_free(Probe *p);
DEFINE_CLEANUP(Probe, probe_free)

/* Asks. While one question is under way, any number of requests make one more:
 * its answer is younger than all of them. */
int probe_request(Probe *p);
bool probe_busy(const Probe *p);
