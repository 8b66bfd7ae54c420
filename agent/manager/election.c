/* Claims and grants: this node's part in agreeing who bootstraps (rule 5).
 *
 * What is promised or begun is on the disk before anybody hears of it. Nothing
 * here ends by a clock; times only say when something is tried again. */
#include "domain/grounds.h"
#include "manager/manager.h"
#include "sys/log.h"
#include "sys/message-ids.h"

#define CLAIM_TIMEOUT (5 * USEC_PER_SEC)
#define CLAIM_RETRY_MIN (200 * USEC_PER_MSEC)
#define CLAIM_RETRY_MAX (10 * USEC_PER_SEC)
#define RELEASE_RETRY (1 * USEC_PER_SEC)
#define TARRY_TIME (2 * USEC_PER_SEC)

static const Report *report_of(Manager *m, const char *name) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && streq(r->node, name))
                        return r;
        }
        return NULL;
}

static Peer *peer_of(Manager *m, const char *name) {
        for (size_t i = 0; i < m->n_peers; i++) {
                const Report *r = peer_report(m->peer[i]);

                if (r && streq(r->node, name))
                        return m->peer[i];
        }
        return NULL;
}

/* Who is told that it is given up lets go of it for good: so nobody is before
 * that is on the disk, and until then the claim stands as it was. */
void election_release(Manager *m, const char *why) {
        Store *s = m->store;
        _cleanup_(claim_freep) Claim *claim = NULL;
        _cleanup_free_ char *text = NULL;
        char id[UUID_TEXT_MAX];

        if (s->claim_state == CLAIM_NONE)
                return;
        Store before = *s;
        store_release(s, &s->claim->id);
        if (s->have_grant && uuid_equal(&s->grant.id, &s->claim->id))
                s->have_grant = false;
        claim = TAKE(s->claim);
        s->claim_state = CLAIM_NONE;
        if (manager_save(m) < 0) {
                *s = before;
                claim = NULL;
                /* What a start was let go for is settled by what became of that. */
                if (s->claim_state != CLAIM_CONSUMED && why != m->giving_up)
                        (void) snprintf(m->giving_up, sizeof(m->giving_up), "%s", why);
                manager_wake(m, manager_now(m) + RELEASE_RETRY);
                return;
        }
        text = log_text("The claim %s on %s is given up: %s.", uuid_text(&claim->id, id), manner_claimed(claim->manner), why);
        log_event(LOG_NOTICE, MESSAGE_CLAIM_GIVEN_UP, text, FIELD_CLAIM, id, FIELD_REASON, why, NULL);

        m->giving_up[0] = 0;
        m->granted.n = 0;
        m->claim_failures++;
        usec_t pause = CLAIM_RETRY_MIN << (m->claim_failures < 6 ? m->claim_failures : 6);
        m->claim_after = manager_now(m) + (pause < CLAIM_RETRY_MAX ? pause : CLAIM_RETRY_MAX);
        manager_touch(m);
}

/* A resume begins nothing: data and history are what they were. */
static void end_resume(Manager *m) {
        Store *s = m->store;
        Store before = *s;
        _cleanup_(claim_freep) Claim *claim = NULL;
        _cleanup_free_ char *grounds = NULL;
        char at[POSITION_TEXT_MAX], id[UUID_TEXT_MAX];

        if (s->have_grant && uuid_equal(&s->grant.id, &s->claim->id))
                s->have_grant = false;
        claim = TAKE(s->claim);
        s->claim_state = CLAIM_NONE;
        if (manager_save(m) < 0) {
                *s = before;
                claim = NULL;
                manager_wake(m, manager_now(m) + RELEASE_RETRY);
                return;
        }
        m->claim_failures = 0;
        (void) grounds_of_claim(claim, &grounds);
        log_event(LOG_NOTICE, MESSAGE_RESUMED, "The members of the last Primary view are in service again, together.", FIELD_POSITION, position_text(&claim->position, at),
                  FIELD_CLAIM, uuid_text(&claim->id, id), FIELD_EVIDENCE, grounds, NULL);
        manager_touch(m);
}

/* The data of who resumed have been through the same bootstraps as before: they
 * were settled, or it would not have been let. */
static void settle_resume(Manager *m, const Report *own) {
        const Viewlog *log = &m->evidence.viewlog;
        Store *s = m->store;
        uint64_t settled = s->settled, resuming = s->resuming;

        if (s->resuming == 0 || own->mysqld != MYSQLD_PRIMARY || log->views_section != log->section)
                return;
        if (s->resuming == log->section)
                s->settled = log->section;
        s->resuming = 0;
        if (manager_save(m) < 0) {
                s->settled = settled;
                s->resuming = resuming;
        }
}

/* The holder is or was Primary under its claim: that is history from now on. */
void election_confirm(Manager *m, const Report *own) {
        Store *s = m->store;
        HistoryEntry e = { .id = s->claim->id, .position = s->claim->position };
        char at[POSITION_TEXT_MAX], id[UUID_TEXT_MAX];
        _cleanup_(claim_freep) Claim *claim = NULL;
        _cleanup_free_ char *text = NULL, *grounds = NULL;

        if (s->claim->new_cluster)
                e.position = (Position) { own->position.uuid, own->position.seqno > 0 ? own->position.seqno : 0 };
        (void) snprintf(e.leader, sizeof(e.leader), "%s", m->name);
        (void) uuid_text(&e.id, id);

        Store before = *s;
        claim_base(s->claim, &s->history);
        history_add(&s->history, &e);
        if (s->have_grant && uuid_equal(&s->grant.id, &e.id))
                s->have_grant = false;
        claim = TAKE(s->claim);
        s->claim_state = CLAIM_NONE;
        /* Whoever led before was heard, or given up. */
        s->n_led = 0;
        s->settled = m->evidence.viewlog.section;
        s->without = (Names) {0};
        if (manager_save(m) < 0) {
                *s = before;
                claim = NULL;
                manager_wake(m, manager_now(m) + RELEASE_RETRY);
                return;
        }
        m->claim_failures = 0;
        text = log_text("This node has formed the cluster, from %s.", position_text(&e.position, at));
        (void) grounds_of_claim(claim, &grounds);
        log_event(LOG_NOTICE, MESSAGE_BOOTSTRAPPED, text, FIELD_POSITION, at, FIELD_CLAIM, id, FIELD_EVIDENCE, grounds, NULL);
        manager_touch(m);
}

static void settle_grant(Manager *m) {
        Store *s = m->store;
        const Report *holder;
        _cleanup_free_ char *text = NULL;
        char id[UUID_TEXT_MAX];
        GrantFate fate;

        if (!s->have_grant || streq(s->grant.holder, m->name))
                return;
        holder = report_of(m, s->grant.holder);
        fate = holder ? grant_fate(&s->grant, holder) : GRANT_STANDS;
        if (fate == GRANT_STANDS)
                return;

        /* It led, and must be heard until this node's data have been with it: its
         * history is theirs only then. */
        if ((fate == GRANT_CONFIRMED || fate == GRANT_FORGOTTEN) && s->grant.manner != MANNER_RESUME && !history_has(&s->history, &s->grant.id))
                store_add_led(s, &s->grant.id, s->grant.holder);
        s->have_grant = false;
        if (manager_save(m) < 0) {
                s->have_grant = true;
                return;
        }
        text = log_text("The grant given to %s has ended: %s.", s->grant.holder, grant_fate_to_string(fate));
        log_event(LOG_NOTICE, MESSAGE_GRANT_ENDED, text, FIELD_LEADER, s->grant.holder, FIELD_PEER, s->grant.holder,
                  FIELD_CLAIM, uuid_text(&s->grant.id, id), FIELD_REASON, grant_fate_to_string(fate), NULL);
        manager_touch(m);
}

static void settle_claim(Manager *m, const Report *own) {
        Store *s = m->store;

        if (s->claim_state != CLAIM_CONSUMED)
                return;
        if (s->claim->manner == MANNER_IN_PLACE) {
                in_place_settle(m, own);
                return;
        }
        if (own->mysqld == MYSQLD_PRIMARY) {
                if (s->claim->manner == MANNER_RESUME)
                        end_resume(m);
                else
                        election_confirm(m, own);
                return;
        }
        if (own->mysqld != MYSQLD_STOPPED || !m->consumed_over || m->needs_recovery)
                return;
        if (s->claim->manner == MANNER_RESUME) {
                election_release(m, "the start that it was for has ended");
                return;
        }

        /* Each start that the gate lets go opens a section of the record. */
        if (s->consumed > 0 && m->evidence.have_viewlog && m->evidence.viewlog.section == s->consumed) {
                election_release(m, "mysqld was not let start under it after all");
                return;
        }

        /* The start that it was consumed for is over. Every Primary view takes a
         * seqno, so a position exactly that of the claim has led nobody, unless the
         * record tells of such a view, or cannot be relied on to tell. */
        if (!s->claim->new_cluster && (!own->have_view || m->evidence.viewlog.views_section == m->evidence.viewlog.section) && report_has_position(own))
                election_confirm(m, own);
        else if (s->claim->new_cluster ? !own->have_view : report_has_position(own) && position_equal(&own->position, &s->claim->position))
                election_release(m, "mysqld ended before it became Primary");
        else if (report_has_position(own))
                election_confirm(m, own);
}

void election_settle(Manager *m, const Report *own) {
        settle_resume(m, own);
        settle_claim(m, own);
        settle_grant(m);
}

static void all_granted(Manager *m) {
        Store *s = m->store;
        Claim *c = s->claim;

        for (size_t i = 0; i < c->needed.n; i++)
                if (!streq(c->needed.name[i], m->name) && !names_contain(&c->without, c->needed.name[i]) &&
                    !names_contain(&m->granted, c->needed.name[i]))
                        return;

        /* Own grant comes last, in the same write. Who was granted it before, and is
         * given up now, may have led all the same. */
        Store before = *s;
        if (s->have_grant && !uuid_equal(&s->grant.id, &c->id))
                store_add_led(s, &s->grant.id, s->grant.holder);
        s->have_grant = true;
        s->grant = (Grant) { .id = c->id, .position = c->position, .manner = c->manner, .epoch = m->report->epoch, .serial = m->report->serial };
        (void) snprintf(s->grant.holder, sizeof(s->grant.holder), "%s", m->name);
        s->claim_state = CLAIM_GRANTED;
        if (manager_save(m) < 0) {
                *s = before;
                election_release(m, "it could not be written to the disk");
                return;
        }
        _cleanup_free_ char *who = names_text(&c->needed), *peers = chronicle_peers(m, &c->needed);
        _cleanup_free_ char *text = log_text("All who had to have granted %s: %s.", manner_claimed(c->manner), str_or(who, "?"));
        char id[UUID_TEXT_MAX];
        log_event(LOG_INFO, MESSAGE_CLAIM_AGREED, text, FIELD_PEER, peers, FIELD_CLAIM, uuid_text(&c->id, id), NULL);
        manager_touch(m);
}

static void claim_answered(Peer *p, int r, bool granted, const char *text, void *userdata) {
        Manager *m = userdata;
        const char *name = str_or(peer_name(p), peer_label(p));
        _cleanup_free_ char *why = NULL;

        if (m->store->claim_state != CLAIM_ASKING || m->giving_up[0])
                return;
        if (r < 0 || !granted) {
                if (asprintf(&why, "%s did not grant it: %s", name, str_or(text, strerror(-r))) < 0)
                        why = NULL;
                election_release(m, str_or(why, "it was not granted"));
                return;
        }
        (void) names_add(&m->granted, name);
        all_granted(m);
}

static int make_claim(Manager *m, Claim **ret) {
        _cleanup_(claim_freep) Claim *c = NULL;
        Voice voices[NAMES_MAX];
        size_t n;
        int r;

        r = claim_new(&c);
        if (r < 0)
                return r;
        r = uuid_random(&c->id);
        if (r < 0)
                return r;
        (void) snprintf(c->holder, sizeof(c->holder), "%s", m->name);
        c->position = m->plan->position;
        c->manner = m->plan->manner;
        c->needed = m->plan->needed;
        c->without = m->store->without;
        c->new_cluster = m->request.new_cluster;
        if (c->new_cluster)
                c->position = (Position) { .seqno = SEQNO_UNDEFINED };

        n = manager_voices(m, m->report, voices);
        for (size_t i = 0; i < n; i++) {
                if (voices[i].condition != CONDITION_KNOWN)
                        continue;
                r = report_copy(voices[i].report, &c->report[c->n_reports]);
                if (r < 0)
                        return r;
                c->n_reports++;
                /* To begin a cluster, every node that answers must agree. */
                if (c->new_cluster) {
                        r = names_add(&c->needed, voices[i].name);
                        if (r < 0)
                                return r;
                }
        }
        r = names_add(&c->needed, m->name);
        if (r < 0)
                return r;
        *ret = TAKE(c);
        return 0;
}

static void begin_claim(Manager *m) {
        Store *s = m->store;
        _cleanup_free_ char *text = NULL, *line = NULL, *peers = NULL, *grounds = NULL;
        char id[UUID_TEXT_MAX], at[POSITION_TEXT_MAX];
        int r;

        r = make_claim(m, &s->claim);
        if (r >= 0)
                r = claim_format(s->claim, &text);
        if (r < 0) {
                log_error("No claim can be made: %s", r == -E2BIG ? "the reports of all nodes, on which it would rest, are together more than a node takes. With fewer nodes in [peers] they are less."
                                                                 : strerror(-r));
                s->claim = claim_free(s->claim);
                return;
        }
        s->claim_state = CLAIM_ASKING;
        m->claimed_by_hand = m->request.call && m->request.bootstrap;
        m->granted.n = 0;
        r = manager_save(m);
        if (r < 0) {
                election_release(m, strerror(-r));
                return;
        }
        (void) position_text(&s->claim->position, at);
        (void) uuid_text(&s->claim->id, id);
        if (s->claim->new_cluster)
                line = log_text("This node is to begin a cluster, and claims the bootstrap (%s).", id);
        else
                line = log_text("This node has the newest data (%s) and claims %s (%s).", at, manner_claimed(s->claim->manner), id);
        peers = chronicle_peers(m, &s->claim->needed);
        grounds = chronicle_grounds(m);
        log_event(LOG_INFO, MESSAGE_CLAIM_MADE, line, FIELD_POSITION, at, FIELD_CLAIM, id, FIELD_PEER, peers, FIELD_EVIDENCE, grounds, NULL);

        for (size_t i = 0; i < s->claim->needed.n; i++) {
                const char *name = s->claim->needed.name[i];
                Peer *p;

                if (streq(name, m->name) || names_contain(&s->claim->without, name))
                        continue;
                p = peer_of(m, name);
                r = p ? peer_claim(p, text, CLAIM_TIMEOUT, claim_answered, m) : -ENOTCONN;
                if (r < 0) {
                        _cleanup_free_ char *why = NULL;

                        if (asprintf(&why, "%s cannot be asked: %s", name, strerror(-r)) < 0)
                                why = NULL;
                        election_release(m, str_or(why, "a peer cannot be asked"));
                        return;
                }
        }
        all_granted(m);
}

/* Where machines have just booted together, their mysqlds are asked for within a
 * moment of each other, and that moment decides between seconds (a resume) and
 * many (a bootstrap, and a joiner after the other). */
static bool tarries(Manager *m) {
        if (m->plan->tarry.n == 0 || m->request.call) {
                m->tarry_until = 0;
                return false;
        }
        if (m->tarry_until == 0)
                m->tarry_until = manager_now(m) + TARRY_TIME;
        if (manager_now(m) >= m->tarry_until)
                return false;
        manager_wake(m, m->tarry_until);
        return true;
}

bool election_leads(const Manager *m, Manner manner) {
        return m->plan->action == ACTION_BOOTSTRAP && streq(m->plan->node, m->name) && m->plan->manner == manner;
}

void election_drive(Manager *m) {
        Store *s = m->store;
        bool leads = election_leads(m, s->claim_state == CLAIM_NONE ? m->plan->manner : s->claim->manner);

        if (s->claim_state == CLAIM_ASKING || s->claim_state == CLAIM_GRANTED) {
                if (m->giving_up[0])
                        election_release(m, m->giving_up);
                else if (!leads)
                        election_release(m, "this node is no longer the one that leads");
                else if (!policies_may_go_on(m))
                        election_release(m, "the policy has changed, and nobody asked for this bootstrap");
                return;
        }
        if (s->claim_state != CLAIM_NONE || !leads || !s->wanted || !policies_may_claim(m))
                return;
        if (s->have_grant && !streq(s->grant.holder, m->name) && !names_contain(&s->without, s->grant.holder))
                return; /* who was granted it will be heard, or has led */
        if (m->request.call && m->request.only_join)
                return;
        /* Who need not be heard may serve all the same: where an operator gave this node
         * up, the others went on without it. Who does not answer need not be waited
         * for; who has not been asked yet must be. */
        if (!manager_has_tried(m))
                return;
        if (manager_now(m) < m->claim_after) {
                manager_wake(m, m->claim_after);
                return;
        }
        if (!in_place_is_time(m) || tarries(m))
                return;
        begin_claim(m);
}

/* NULL where memory is short. */
static void judged_on(Manager *m, const Claim *c, char **ret_grounds) {
        Voice voices[NAMES_MAX], merged[NAMES_MAX];
        size_t n = manager_voices(m, m->report, voices);

        if (grounds_format(merged, claim_union(c, m->name, voices, n, merged), NULL, ret_grounds) < 0)
                *ret_grounds = NULL;
}

int election_judge(Manager *m, const char *text, char **ret_why) {
        _cleanup_(claim_freep) Claim *c = NULL;
        _cleanup_free_ char *line = NULL, *grounds = NULL;
        Store *s = m->store;
        Voice voices[NAMES_MAX];
        Grant before = s->grant;
        bool had = s->have_grant;
        char error[256] = "", id[UUID_TEXT_MAX], at[POSITION_TEXT_MAX];
        int r;

        r = claim_parse(text, &c, error);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                *ret_why = strdup(error);
                return *ret_why ? 0 : -ENOMEM;
        }
        if (!m->report || m->needs_recovery) {
                *ret_why = strdup("the position of this node is not known yet");
                return *ret_why ? 0 : -ENOMEM;
        }
        if (manager_mysqld_runs(m) && !in_place_may_grant(m, c)) {
                *ret_why = strdup("mysqld runs on this node");
                return *ret_why ? 0 : -ENOMEM;
        }
        r = policies_judge(m, c, ret_why);
        if (r > 0)
                r = claim_judge(c, m->name, voices, manager_voices(m, m->report, voices), had ? &s->grant : NULL, s->claim_state, ret_why);
        if (r <= 0) {
                if (r == 0) {
                        line = log_text("%s asked for %s and was not granted it: %s.", c->holder, manner_claimed(c->manner), *ret_why);
                        judged_on(m, c, &grounds);
                        log_event(LOG_INFO, MESSAGE_CLAIM_REFUSED, line, FIELD_PEER, c->holder, FIELD_CLAIM, uuid_text(&c->id, id),
                                  FIELD_REASON, *ret_why, FIELD_EVIDENCE, grounds, NULL);
                }
                return r;
        }

        size_t n_led = s->n_led;
        if (had && !uuid_equal(&before.id, &c->id))
                store_add_led(s, &before.id, before.holder); /* given up by an operator: it may have led */
        s->have_grant = true;
        s->grant = (Grant) { .id = c->id, .position = c->position, .manner = c->manner, .group = m->report->group };
        (void) snprintf(s->grant.holder, sizeof(s->grant.holder), "%s", c->holder);
        for (size_t i = 0; i < c->n_reports; i++)
                if (streq(c->report[i]->node, c->holder)) {
                        s->grant.agent = c->report[i]->agent;
                        s->grant.epoch = c->report[i]->epoch;
                        s->grant.serial = c->report[i]->serial;
                }
        r = manager_save(m);
        if (r < 0) {
                s->grant = before;
                s->have_grant = had;
                s->n_led = n_led;
                return r;
        }
        line = log_text("This node grants %s to %s, at %s.", manner_claimed(c->manner), c->holder, position_text(&c->position, at));
        judged_on(m, c, &grounds);
        log_event(LOG_NOTICE, MESSAGE_CLAIM_GRANTED, line, FIELD_LEADER, c->holder, FIELD_PEER, c->holder,
                  FIELD_CLAIM, uuid_text(&c->id, id), FIELD_POSITION, at, FIELD_EVIDENCE, grounds, NULL);
        if (c->without.n > 0) {
                _cleanup_free_ char *names = names_text(&c->without), *peers = chronicle_peers(m, &c->without);
                _cleanup_free_ char *told = log_text("An operator on %s has given up %s for this bootstrap.", c->holder, str_or(names, "some"));
                _cleanup_free_ char *by = log_text("somebody on %s", c->holder);

                log_event(LOG_WARNING, MESSAGE_OVERRULED, told, FIELD_WITHOUT, str_or(names, "some"), FIELD_PEER, peers, FIELD_CALLER, by, FIELD_EVIDENCE, grounds, NULL);
        }
        manager_touch(m);
        return 1;
}

bool election_may_resume(Manager *m) {
        const Store *s = m->store;
        const Report *holder;

        if (!s->have_grant || s->grant.manner != MANNER_RESUME || streq(s->grant.holder, m->name) ||
            m->report->mysqld != MYSQLD_STOPPED || !position_equal(&m->report->position, &s->grant.position))
                return false;
        /* Where agents died, a grant outlives what it was for. */
        if (!m->report->have_group || !position_equal(&m->report->group, &s->grant.group))
                return false;
        holder = report_of(m, s->grant.holder);
        /* From then on nobody takes back what all have granted. */
        return holder && holder->claim == CLAIM_CONSUMED && uuid_equal(&holder->claim_id, &s->grant.id);
}

int election_consume(Manager *m) {
        int r;

        m->store->claim_state = CLAIM_CONSUMED;
        m->store->consumed = m->evidence.have_viewlog && m->evidence.viewlog.have_section ? m->evidence.viewlog.section : 0;
        r = manager_save(m);
        if (r < 0) {
                m->store->claim_state = CLAIM_GRANTED;
                return r;
        }
        m->consumed_over = false;
        return 0;
}
