/* What is written into the journal of decisions, with what they rest on: of it
 * `mainstayctl history` is made, and by it is found out afterwards why something
 * was done. Whoever decides says so, once; here is what several of them need for
 * it. */
#include "base/reason.h"
#include "domain/grounds.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

/* All that is known now, and what was decided by it; NULL where nothing was yet, or memory
 * is short. */
char *chronicle_grounds(Manager *m) {
        Voice voices[NAMES_MAX];
        char *text;
        int r;

        if (!m->report)
                return NULL;
        r = m->asynchronous ? grounds_of_service(voices, manager_voices(m, m->report, voices), &text)
                            : grounds_format(voices, manager_voices(m, m->report, voices), m->plan, &text);
        return r < 0 ? NULL : text;
}

/* Names, but for this node's own: in the form of FIELD_PEER; NULL where memory is short. */
char *chronicle_peers(const Manager *m, const Names *names) {
        Names others = *names;

        names_remove(&others, m->name);
        return names_words(&others);
}

void chronicle_caller(const Manager *m, sd_bus_message *call, char ret[static CALLER_SIZE]) {
        sd_bus_creds *creds = NULL;
        uid_t uid;

        if (sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds) < 0 || sd_bus_creds_get_euid(creds, &uid) < 0)
                (void) snprintf(ret, CALLER_SIZE, "somebody on %s", m->name);
        else if (uid == 0)
                (void) snprintf(ret, CALLER_SIZE, "root on %s", m->name);
        else
                (void) snprintf(ret, CALLER_SIZE, "user %u on %s", (unsigned) uid, m->name);
        (void) sd_bus_creds_unref(creds);
}

/* Peers */

void chronicle_peer(Manager *m, Peer *p) {
        const char *label = peer_label(p), *name = str_or(peer_name(p), str_or(store_label(m->store, label), label));
        bool heard = peer_condition(p) == CONDITION_KNOWN;
        _cleanup_free_ char *text = NULL;

        if (heard == names_contain(&m->heard, label))
                return;
        if (!heard) {
                names_remove(&m->heard, label);
                text = log_text("The agent of %s is not heard any more: %s.", name, str_or(peer_why(p), "nobody knows why"));
                log_event(LOG_NOTICE, MESSAGE_PEER_LOST, text, FIELD_PEER, name, FIELD_REASON, str_or(peer_why(p), "nobody knows why"), NULL);
        } else if (names_add(&m->heard, label) >= 0) {
                text = log_text("The agent of %s is heard.", name);
                log_event(LOG_INFO, MESSAGE_PEER_HEARD, text, FIELD_PEER, name, NULL);
        }
}

/* mysqld */

void chronicle_start_failed(const Manager *m, const char *why) {
        _cleanup_free_ char *text = log_text("mysqld's unit did not start: %.*s. It is tried again.", reason_length(why), why);

        log_event(LOG_WARNING, MESSAGE_START_FAILED, text, FIELD_UNIT, m->config->unit, FIELD_REASON, why, NULL);
}

/* It may start. `claim`: under which; NULL: under none. */
void chronicle_start(Manager *m, const char *as, const Claim *claim, const char *why) {
        _cleanup_free_ char *text = log_text("mysqld may start. %s", why), *grounds = chronicle_grounds(m);
        char id[UUID_TEXT_MAX];

        log_event(LOG_INFO, MESSAGE_START_ALLOWED, text, FIELD_START, as, FIELD_REASON, why, FIELD_CLAIM, claim ? uuid_text(&claim->id, id) : NULL, FIELD_EVIDENCE, grounds, NULL);
}

void chronicle_stop(Manager *m, bool left, bool stuck) {
        const char *why = "it has left the cluster, still runs, and does not join again by itself.";
        _cleanup_free_ char *text = NULL, *grounds = chronicle_grounds(m);

        if (left)
                text = log_text("mysqld is stopped: %s It is started anew. Why it left: journalctl -u %s", why, m->config->unit);
        else if (stuck)
                text = log_text("mysqld is stopped: %s What came of it is seen by its data; then it is started anew. Why: journalctl -u mainstay-primary",
                                why = "it was to become Primary in place, and did not.");
        else
                text = log_text("mysqld is stopped: %s", why = str_or(plan_reason(m->plan, ""), "it cannot become Primary by itself."));
        log_event(LOG_WARNING, MESSAGE_SERVER_STOPPED, text, FIELD_UNIT, m->config->unit, FIELD_REASON, why, FIELD_EVIDENCE, grounds, NULL);
}

/* What wsrep-recover has found, once for each of its runs that counts. */
void chronicle_recovery(Manager *m) {
        const Evidence *e = &m->evidence;
        _cleanup_free_ char *text = NULL;
        char at[POSITION_TEXT_MAX];

        if (!m->recovery_awaited || m->needs_recovery || m->recovering)
                return;
        m->recovery_awaited = false;
        if (e->have_recovery && e->recovery_has_position) {
                text = log_text("The data of this node have come to %s, says wsrep-recover.", position_text(&e->recovery_position, at));
                log_event(LOG_INFO, MESSAGE_POSITION_RECOVERED, text, FIELD_POSITION, at, NULL);
        } else if (m->report->mysqld == MYSQLD_STOPPED) {
                const char *why = e->have_recovery && e->recovery_text[0] ? e->recovery_text : "it gave no result.";

                text = log_text("The position of this node's data is not known, for wsrep-recover did not tell: %s", why);
                log_event(LOG_WARNING, MESSAGE_RECOVERY_FAILED, text, FIELD_REASON, why, NULL);
        }
}
