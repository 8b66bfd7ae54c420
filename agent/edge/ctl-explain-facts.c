/* The evidence that `explain` shows: what was found of a node, and who says so. */
#include "edge/ctl-explain.h"
#include "base/amount.h"
#include "domain/decision.h"
#include "domain/json.h"
#include "domain/names.h"
#include "domain/policy.h"
#include "domain/report.h"
#include "domain/shun.h"
#include "edge/ctl-job.h"
#include "edge/ctl-node.h"

#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

static void _printf_(3, 4) say(json_t *list, const char *what, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0)
                text = NULL;
        else if (*text)
                (void) json_array_append_new(list, json_pack("{s:s, s:s}", "what", what, "text", text));
}

/* "2026-11-28 14:05:11, 3 min 2 s ago" */
static const char *since_text(usec_t at, usec_t now, char buf[static 96]) {
        time_t seconds = (time_t) (at / USEC_PER_SEC);
        char when[32] = "an unknown time", ago[AMOUNT_SIZE];
        struct tm tm;

        if (localtime_r(&seconds, &tm))
                (void) strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
        (void) snprintf(buf, 96, "%s, %s ago", when, amount_time(now > at ? now - at : 0, ago));
        return buf;
}

static const json_t *grounds_of(const Explained *e) {
        const json_t *o;
        size_t i;

        json_array_foreach(json_object_get(e->grounds, "peers"), i, o)
                if (e->peer && streq(text_of(o, "label"), text_of(e->peer, "label")))
                        return o;
        return NULL;
}

/* By whom it is heard, since when it is not, and what it said last. */
static void say_heard(const Explained *e, json_t *list) {
        const json_t *o = grounds_of(e), *last = json_object_get(o, "last"), *since = json_object_get(o, "since");
        const char *self = node_name(e->picture, NULL);
        char when[96] = "";

        if (json_is_integer(since))
                (void) since_text((usec_t) json_integer_value(since), e->now, when);
        if (!e->peer)
                say(list, "heard", "It is this node, and its own agent says so.");
        else if (e->report)
                say(list, "heard", "Its agent answers %s%s%s.", self, *when ? ", since " : "", when);
        else {
                say(list, "heard", "Its agent does not answer %s (%s)%s%s.", self, str_or(text_of(e->peer, "why"), "not tried yet"), *when ? ", since " : "", when);
                if (last)
                        say(list, "last heard", "Until then its mysqld was %s%s%s%s%s. It may be anything by now.", text_of(last, "mysqld"), *text_of(last, "position") ? ", at " : "", text_of(last, "position"),
                            *text_of(last, "mark") ? ", marked: " : "", text_of(last, "mark"));
                else
                        say(list, "last heard", "It has not been heard since the agent of %s was started.", self);
        }
}

static void say_server(const Explained *e, json_t *list) {
        const json_t *r = e->report;
        bool wanted = json_is_true(json_object_get(r, "wanted"));
        json_int_t size = json_integer_value(json_object_get(r, "component_size")), failures = json_integer_value(json_object_get(r, "join_failures"));
        const char *mysqld = str_or(text_of(r, "mysqld"), "unknown");
        _cleanup_free_ char *transfer = node_transfer(r, e->now);

        if (streq(mysqld, mysqld_to_string(MYSQLD_STOPPED)))
                say(list, "mysqld", "It is stopped, %s.", wanted ? "and is to run" : "and nobody wants it to run: a person has stopped it");
        else if (streq(mysqld, mysqld_to_string(MYSQLD_NON_PRIMARY)) && size > 0)
                say(list, "mysqld", "It runs without a Primary component, in one of %lld.", (long long) size);
        else if (e->datasource)
                say(list, "mysqld", "It runs.");
        else
                say(list, "mysqld", "It is %s%s%s.", mysqld, transfer ? ": it is " : "", str_or(transfer, ""));
        if (json_is_true(json_object_get(r, "donating")))
                say(list, "donor", "It serves a node that joins, or is desynchronised.");
        if (failures > 0)
                say(list, "joining", "It has failed to join %lld time%s in a row%s.", (long long) failures, failures == 1 ? "" : "s",
                    json_is_true(json_object_get(r, "resting")) ? ", and rests before it tries again" : "");
        if (*text_of(r, "problem"))
                say(list, "problem", "%s", text_of(r, "problem"));
}

static void say_unit(const Explained *e, json_t *list) {
        const json_t *u = e->unit;
        const char *result = text_of(u, "result"), *name = text_of(u, "name");

        if (!u || e->peer)
                return;
        say(list, "unit", "%s is %s (%s)%s%s.", name, text_of(u, "active"), text_of(u, "sub"), *result && !streq(result, "success") ? "; its last run ended with: " : "", streq(result, "success") ? "" : result);
        if (!json_is_true(json_object_get(u, "gated")))
                say(list, "gate", "There is no drop-in of Mainstay's in %s: its starts are not guarded.", name);
        else if (json_is_true(json_object_get(e->grounds, "gate_waits")))
                say(list, "gate", "A start of mysqld waits at the gate.");
}

static void say_position(const Explained *e, json_t *list) {
        const json_t *r = e->report, *p = json_object_get(r, "position"), *safe = json_object_get(r, "safe_to_bootstrap"), *recovery = json_object_get(e->grounds, "recovery"), *v;
        const char *source = text_of(p, "source"), *file;

        if (json_is_object(p) && !streq(source, "none"))
                say(list, "position", "%s:%lld, %s.", text_of(p, "uuid"), (long long) json_integer_value(json_object_get(p, "seqno")),
                    streq(source, source_to_string(SOURCE_LIVE)) ? "as the server itself said" : streq(source, source_to_string(SOURCE_RECOVERED)) ? "found by wsrep-recover" : "from grastate.dat");
        else if (json_is_true(json_object_get(r, "blank")))
                say(list, "position", "None: it has no data of any cluster.");
        else
                say(list, "position", "It is not known.");
        if (json_is_boolean(safe))
                say(list, "safe_to_bootstrap", "%d in grastate.dat. Alone that proves nothing.", json_is_true(safe));
        if (json_is_true(json_object_get(r, "schema_cut")))
                say(list, "schema", "It was cut off in the middle of a change of the schema.");
        if (e->peer)
                return;
        if (*text_of(recovery, "text"))
                say(list, "wsrep-recover", "%s%s%s", text_of(recovery, "position"), *text_of(recovery, "position") ? ". " : "", text_of(recovery, "text"));
        json_object_foreach(json_object_get(e->grounds, "files"), file, v)
                say(list, file, "%s", json_string_value(v));
}

static void say_views(const Explained *e, json_t *list) {
        const json_t *r = e->report, *view = json_object_get(r, "view"), *history = json_object_get(r, "history"), *last = json_array_get(history, json_array_size(history) - 1), *seqno = json_object_get(view, "seqno");
        _cleanup_free_ char *members = names_of(json_object_get(view, "members"));

        if (json_is_object(view)) {
                char at[32] = "a seqno that is not known";

                if (json_is_integer(seqno))
                        (void) snprintf(at, sizeof(at), "seqno %" PRId64, (int64_t) json_integer_value(seqno));
                say(list, "last view", "The last Primary view that it knows is of %s, from %s on.", str_or(members, "nobody"), at);
        }
        if (*text_of(r, "view_problem"))
                say(list, "last view", "Its record of views cannot be relied on: %s.", text_of(r, "view_problem"));
        if (json_array_size(history) > 0)
                say(list, "bootstraps", "%zu %s known to it, the last one at seqno %lld%s%s%s.", json_array_size(history), json_array_size(history) == 1 ? "is" : "are",
                    (long long) json_integer_value(json_object_get(last, "seqno")), *text_of(last, "leader") ? ", led by " : "", text_of(last, "leader"), json_is_true(json_object_get(last, "foreign")) ? ", which nobody here agreed to" : "");
}

static void say_claims(const Explained *e, json_t *list) {
        const json_t *r = e->report, *claim = json_object_get(r, "claim"), *grant = json_object_get(r, "grant"), *own = e->peer ? NULL : json_object_get(e->grounds, "claim"), *mark;
        _cleanup_free_ char *needed = names_of(json_object_get(own, "needed")), *granted = names_of(json_object_get(own, "granted")), *without = names_of(json_object_get(r, "without"));
        bool gives_up = json_array_size(json_object_get(r, "without")) > 0;
        size_t i;

        json_array_foreach(json_object_get(r, "marks"), i, mark) {
                const char *name = str_or(json_string_value(mark), "?");

                say(list, "mark", "%s. %s", name, text_of(json_object_get(r, "mark_evidence"), name));
        }
        if (json_is_object(claim))
                say(list, "claim", "It claims to lead; the claim is %s.", text_of(claim, "state"));
        if (json_is_object(own) && json_array_size(json_object_get(own, "granted")) > 0)
                say(list, "claim", "%s must grant it; granted by %s.", str_or(needed, "Nobody"), str_or(granted, "somebody"));
        else if (json_is_object(own))
                say(list, "claim", "%s must grant it.", str_or(needed, "Nobody"));
        if (json_is_object(grant))
                say(list, "grant", "It has granted %s to lead: until that is settled it joins only, and %s must be heard.", text_of(grant, "holder"), text_of(grant, "holder"));
        if (json_is_true(json_object_get(r, "asked")))
                say(list, "asked", "A person asks for a bootstrap from it%s%s.", gives_up ? ", and gives up " : "", gives_up ? str_or(without, "some") : "");
}

static void say_service(const Explained *e, json_t *list) {
        static const char *const parts[] = { "agent", "server", "replicator" };
        const json_t *components = json_object_get(e->datasource, "components"), *lag = json_object_get(e->datasource, "lag");

        if (!e->datasource)
                return;
        say(list, "role", "%s%s%s%s", text_of(e->datasource, "role"), *text_of(json_object_get(components, "replicator"), "source") ? " of " : "", text_of(json_object_get(components, "replicator"), "source"),
            json_is_true(json_object_get(e->datasource, "writable")) ? "; it takes writes" : "");
        for (size_t i = 0; i < ELEMENTS(parts); i++) {
                const json_t *c = json_object_get(components, parts[i]);

                say(list, parts[i], "%s%s%s", text_of(c, "state"), *text_of(c, "reason") ? ": " : "", text_of(c, "reason"));
        }
        say(list, "position", "%s", text_of(e->datasource, "position"));
        if (json_is_integer(lag))
                say(list, "behind", "%lld s", (long long) json_integer_value(lag));
        say(list, "remark", "%s", text_of(e->datasource, "remark"));
        say(list, "primary", "%s", text_of(e->primary, "text"));
}

static void say_hands(const Explained *e, json_t *list) {
        const json_t *r = e->report, *policy = json_object_get(e->picture, "policy"), *o = json_object_get(r, "job");
        char words[SHUN_TEXT_MAX], ignored[256], time[96];
        _cleanup_(job_freep) Job *job = NULL;
        _cleanup_free_ char *line = NULL;
        Shun shun;

        if (json_object_get(r, "shun") && shun_from_json(json_object_get(r, "shun"), &shun, ignored) >= 0)
                say(list, "shunned", "%s", shun_text(&shun, words));
        if (json_is_true(json_object_get(r, "offline")))
                say(list, "set offline", "It was set so, and is until: mainstayctl online %s", e->name);
        if (!streq(str_or(text_of(policy, "name"), policy_to_string(POLICY_AUTOMATIC)), policy_to_string(POLICY_AUTOMATIC)))
                say(list, "policy", "%s, set on %s: %s.", text_of(policy, "name"), text_of(policy, "node"), policy_means(policy_from_string(text_of(policy, "name"))));
        if (!json_is_object(o) || job_from_json(o, &job, ignored) < 0)
                return;
        line = job_line(job, e->now);
        if (!job_is_over(job))
                say(list, "job", "It runs %s.", str_or(line, "one"));
        else
                say(list, "last job", "job %" PRIu64 ", %s, is over (%s) since %s. %s", job->id, job_kind_to_string(job->kind), job_state_to_string(job->state), since_text(job->ended, e->now, time), job->text);
}

/* What other nodes that are heard tell of it. */
static void say_others_of(const Explained *e, const char *who, const json_t *r, json_t *list) {
        const json_t *view = json_object_get(r, "view"), *grant = json_object_get(r, "grant"), *member, *led;
        bool in_view = false, has_led = false;
        size_t i;

        if (streq(who, e->name) || !json_is_object(r))
                return;
        json_array_foreach(json_object_get(view, "members"), i, member)
                in_view = in_view || streq(str_or(json_string_value(member), ""), e->name);
        json_array_foreach(json_object_get(r, "led"), i, led)
                has_led = has_led || streq(str_or(json_string_value(led), ""), e->name);
        if (json_is_object(view))
                say(list, "others", "%s %s it in the last Primary view that it knows%s.", who, in_view ? "had" : "did not have",
                    streq(text_of(r, "mysqld"), mysqld_to_string(MYSQLD_PRIMARY)) ? ", which is the one that serves" : "");
        if (streq(text_of(grant, "holder"), e->name))
                say(list, "others", "%s has granted it to lead.", who);
        if (has_led)
                say(list, "others", "It has led by a grant of %s, which has not been with it since.", who);
}

static void say_others(const Explained *e, json_t *list) {
        const json_t *peer;
        size_t i;

        if (e->datasource)
                return;
        if (e->peer)
                say_others_of(e, node_name(e->picture, NULL), json_object_get(e->picture, "report"), list);
        json_array_foreach(json_object_get(e->picture, "peers"), i, peer)
                if (streq(text_of(peer, "condition"), condition_to_string(CONDITION_KNOWN)))
                        say_others_of(e, node_name(e->picture, peer), json_object_get(peer, "report"), list);
}

void explain_facts(const Explained *e, json_t *list) {
        const json_t *reason;
        size_t i;

        say_heard(e, list);
        say_service(e, list);
        if (e->report) {
                say_server(e, list);
                say_unit(e, list);
                if (!e->datasource) {
                        say_position(e, list);
                        say_views(e, list);
                        say_claims(e, list);
                }
                say_hands(e, list);
        }
        say_others(e, list);
        if (!e->datasource)
                json_array_foreach(json_object_get(e->plan, "reasons"), i, reason)
                        if (streq(text_of(reason, "node"), e->name) || !*text_of(reason, "node"))
                                say(list, "plan", "%s", text_of(reason, "text"));
}
