/* A node as it is seen; see ctl-node.h. */
#include "edge/ctl-node.h"
#include "base/amount.h"
#include "domain/decision.h"
#include "domain/json.h"
#include "domain/shun.h"
#include "sys/clock.h"

const char *node_name(const json_t *picture, const json_t *peer) {
        return peer ? str_or(text_of(peer, "node"), text_of(peer, "label")) : str_or(text_of(picture, "name"), "?");
}

Colour node_colour(const char *state) {
        return streq(state, "ONLINE") ? COLOUR_GREEN : streq(state, "FAILED") || streq(state, "SHUNNED") ? COLOUR_RED : COLOUR_YELLOW;
}

char *node_transfer(const json_t *report, usec_t now) {
        const json_t *t = json_object_get(report, "transfer");
        usec_t since = (usec_t) json_integer_value(json_object_get(t, "since"));
        char lasts[AMOUNT_SIZE], size[AMOUNT_SIZE], rate[AMOUNT_SIZE], *text;
        const char *from = text_of(t, "from");
        int n;

        if (!json_is_object(t))
                return NULL;
        (void) amount_time(now > since ? now - since : 0, lasts);
        (void) amount_bytes((uint64_t) json_integer_value(json_object_get(t, "received")), size);
        (void) amount_bytes((uint64_t) json_integer_value(json_object_get(t, "rate")), rate);
        if (json_is_true(json_object_get(t, "full")))
                n = asprintf(&text, "receiving a full copy (SST)%s%s: at least %s so far, %s a second, for %s", *from ? " from " : "", from, size, rate, lasts);
        else
                n = asprintf(&text, "receiving what it missed, for %s", lasts);
        return n < 0 ? NULL : text;
}

char *node_reasons(const json_t *picture, const char *name) {
        const json_t *reasons = json_object_get(json_object_get(picture, "plan"), "reasons"), *reason;
        char *text = NULL;
        size_t size, i;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        json_array_foreach((json_t *) reasons, i, reason)
                if (streq(text_of(reason, "node"), name))
                        fprintf(f, "%s%s", ftell(f) > 0 ? " " : "", text_of(reason, "text"));
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

static char *marks_note(const json_t *report, const json_t *marks) {
        const char *mark = str_or(json_string_value(json_array_get(marks, 0)), "?"), *text = text_of(json_object_get(report, "mark_evidence"), mark);
        char *s;

        return asprintf(&s, "marked: %s%s%s", mark, *text ? ". " : "", text) < 0 ? NULL : s;
}

static char *set_offline(const char *name) {
        char *s;

        return asprintf(&s, "It was set offline. To bring it back: mainstayctl online %s", name) < 0 ? NULL : s;
}

static char *on_its_way(const json_t *picture, const json_t *report, const char *name) {
        _cleanup_free_ char *transfer = node_transfer(report, clock_usec(CLOCK_REALTIME));
        char *s;

        if (!transfer)
                return node_reasons(picture, name);
        return asprintf(&s, "mysqld is %s.", transfer) < 0 ? NULL : s;
}

static void see_heard(const json_t *picture, const char *name, NodeSeen *n) {
        const json_t *report = n->report, *marks = json_object_get(report, "marks");
        const char *problem = text_of(report, "problem"), *first = str_or(json_string_value(json_array_get(marks, 0)), "");
        bool online = streq(n->mysqld, mysqld_to_string(MYSQLD_PRIMARY)), marked = json_array_size(marks) > 0;
        char words[SHUN_TEXT_MAX] = "", ignored[256];
        Shun shun;

        if (!marked && json_object_get(report, "shun") && shun_from_json(json_object_get(report, "shun"), &shun, ignored) >= 0)
                (void) shun_text(&shun, words);
        if (words[0]) {
                n->state = "SHUNNED";
                n->remark = strdup(words);
        } else if (marked) {
                n->state = online || !*problem || !streq(first, "aborted-sst") ? "SHUNNED" : "FAILED";
                n->remark = marks_note(report, marks);
        } else if (online && json_is_true(json_object_get(report, "offline"))) {
                n->state = "OFFLINE";
                n->remark = *problem ? strdup(problem) : set_offline(name);
        } else if (online) {
                n->state = "ONLINE";
                n->remark = strdup(problem);
        } else {
                n->state = *problem ? "FAILED" : "OFFLINE";
                n->remark = *problem ? strdup(problem) : on_its_way(picture, report, name);
        }
}

static int see_self(const json_t *picture, NodeSeen *n) {
        const char *waiting = text_of(picture, "waiting");

        n->state = str_or(text_of(picture, "state"), "?");
        n->mysqld = str_or(text_of(picture, "mysqld"), "?");
        n->report = json_object_get(picture, "report");
        n->remark = strdup(*waiting ? waiting : text_of(picture, "reason"));
        return n->remark ? 0 : -ENOMEM;
}

int node_see(const json_t *picture, const json_t *peer, NodeSeen *ret) {
        const char *condition = text_of(peer, "condition"), *why = str_or(text_of(peer, "why"), "not tried yet");
        NodeSeen n = { .peer = peer };
        bool alive;

        if (!peer) {
                int r = see_self(picture, &n);

                if (r >= 0)
                        *ret = n;
                return r;
        }
        if (streq(condition, condition_to_string(CONDITION_KNOWN)) && json_is_object(json_object_get(peer, "report"))) {
                n.report = json_object_get(peer, "report");
                n.mysqld = str_or(text_of(n.report, "mysqld"), "unknown");
                see_heard(picture, node_name(picture, peer), &n);
        } else {
                alive = streq(condition, condition_to_string(CONDITION_ALIVE));
                n.state = str_or(condition, "?");
                n.mysqld = alive ? "running" : "?";
                if (asprintf(&n.remark, alive ? "No agent answers there: %s" : "Not heard: %s", why) < 0)
                        n.remark = NULL;
        }
        if (!n.remark)
                return -ENOMEM;
        *ret = n;
        return 0;
}

int node_find(const json_t *picture, const char *name, NodeSeen *ret) {
        const json_t *peer;
        size_t i;

        if (streq(node_name(picture, NULL), name))
                return node_see(picture, NULL, ret);
        json_array_foreach(json_object_get(picture, "peers"), i, peer)
                if (streq(text_of(peer, "node"), name) || streq(text_of(peer, "label"), name))
                        return node_see(picture, peer, ret);
        return -ENOENT;
}

void node_done(NodeSeen *n) {
        free(n->remark);
        n->remark = NULL;
}
