/* What was decided, for people; see ctl-history.h. */
#include "base/reason.h"
#include "domain/json.h"
#include "domain/names.h"
#include "edge/ctl-grid.h"
#include "edge/ctl-history.h"
#include "sys/message-ids.h"

#include <inttypes.h>
#include <time.h>

#define TIME_SIZE 32

/* Every message that has an id. */
static const struct {
        const char *id, *word;
        Colour colour;
} words[] = {
        { MESSAGE_CLUSTER_WAITS, "waits", COLOUR_YELLOW },
        { MESSAGE_PERSON_AWAITED, "awaits-you", COLOUR_RED },
        { MESSAGE_BOOTSTRAP_REFUSED, "refused", COLOUR_YELLOW },
        { MESSAGE_NODE_DIVERGED, "diverged", COLOUR_RED },
        { MESSAGE_NODE_MARKED, "marked", COLOUR_RED },
        { MESSAGE_MARK_CLEARED, "unmarked", COLOUR_GREEN },
        { MESSAGE_SET_ASIDE, "set-aside", COLOUR_YELLOW },
        { MESSAGE_OVERRULED, "given-up", COLOUR_RED },
        { MESSAGE_OVERRULE_ENDED, "not-given-up", COLOUR_NONE },
        { MESSAGE_RECOVERY_FAILED, "no-position", COLOUR_RED },
        { MESSAGE_POSITION_RECOVERED, "position", COLOUR_NONE },
        { MESSAGE_STATE_UNREADABLE, "unreadable", COLOUR_RED },
        { MESSAGE_GATE_REFUSED, "unauthorised", COLOUR_RED },
        { MESSAGE_START_REFUSED, "not-started", COLOUR_RED },
        { MESSAGE_START_ALLOWED, "may-start", COLOUR_NONE },
        { MESSAGE_START_FAILED, "start-failed", COLOUR_RED },
        { MESSAGE_START_PUT_OFF, "put-off", COLOUR_YELLOW },
        { MESSAGE_SERVER_STOPPED, "stops", COLOUR_YELLOW },
        { MESSAGE_SERVER_SILENT, "silent", COLOUR_RED },
        { MESSAGE_QUORUM_OFF, "quorum-off", COLOUR_RED },
        { MESSAGE_CLAIM_MADE, "claims", COLOUR_NONE },
        { MESSAGE_CLAIM_AGREED, "agreed", COLOUR_NONE },
        { MESSAGE_CLAIM_GIVEN_UP, "gives-up", COLOUR_YELLOW },
        { MESSAGE_CLAIM_GRANTED, "grants", COLOUR_NONE },
        { MESSAGE_CLAIM_REFUSED, "grants-not", COLOUR_YELLOW },
        { MESSAGE_GRANT_ENDED, "grant-ended", COLOUR_NONE },
        { MESSAGE_BOOTSTRAPPED, "bootstrapped", COLOUR_GREEN },
        { MESSAGE_RESUMED, "resumed", COLOUR_GREEN },
        { MESSAGE_IN_PLACE_ALLOWED, "in-place", COLOUR_NONE },
        { MESSAGE_IN_PLACE_FAILED, "not-in-place", COLOUR_YELLOW },
        { MESSAGE_FOREIGN_BOOTSTRAP, "foreign", COLOUR_RED },
        { MESSAGE_TRANSFER_STALLED, "stalled", COLOUR_YELLOW },
        { MESSAGE_JOIN_FAILED, "join-failed", COLOUR_RED },
        { MESSAGE_POLICY_CHANGED, "policy", COLOUR_NONE },
        { MESSAGE_STATE_CHANGED, "state", COLOUR_NONE },
        { MESSAGE_PEER_HEARD, "heard", COLOUR_NONE },
        { MESSAGE_PEER_LOST, "lost", COLOUR_YELLOW },
        { MESSAGE_OPERATED, "operated", COLOUR_NONE },
        { MESSAGE_SHUN_ENDED, "shun-ended", COLOUR_NONE },
        { MESSAGE_JOB_BEGUN, "job-begun", COLOUR_NONE },
        { MESSAGE_JOB_RESUMED, "job-resumed", COLOUR_NONE },
        { MESSAGE_JOB_UNDONE, "job-undone", COLOUR_YELLOW },
        { MESSAGE_JOB_DONE, "job-done", COLOUR_GREEN },
        { MESSAGE_JOB_FAILED, "job-failed", COLOUR_RED },
        { MESSAGE_AGENT_SILENT, "no-agent", COLOUR_RED },
};

const char *history_word(const char *message_id, Colour *ret_colour) {
        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (streq(words[i].id, message_id)) {
                        if (ret_colour)
                                *ret_colour = words[i].colour;
                        return words[i].word;
                }
        return NULL;
}

const char *history_id(size_t i) {
        return i < ELEMENTS(words) ? words[i].id : NULL;
}

static Colour colour_of(const json_t *entry) {
        Colour c = COLOUR_NONE;

        (void) history_word(text_of(entry, "message_id"), &c);
        return c;
}

static const char *time_text(const json_t *entry, char buf[static TIME_SIZE]) {
        time_t at = (time_t) (json_integer_value(json_object_get(entry, "time")) / (json_int_t) USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&at, &tm) || strftime(buf, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                (void) snprintf(buf, TIME_SIZE, "?");
        return buf;
}

static bool boots(const json_t *list, size_t i) {
        const char *boot = text_of(json_array_get(list, i), "boot"), *before = i > 0 ? text_of(json_array_get(list, i - 1), "boot") : "";

        return *boot && *before && !streq(boot, before);
}

#define BOOTED "(the machine has booted)"

static int print_lines(FILE *f, const Style *style, const json_t *list) {
        static const char *const headings[] = { "TIME", "NODE", "WHAT", "HOW AND WHY" };
        const Grid grid = { headings, ELEMENTS(headings), 2 };
        size_t n = json_array_size(list), k = 0;
        GridRow *rows = calloc(2 * n + 1, sizeof(*rows));
        char at[TIME_SIZE];
        int r;

        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const json_t *entry = json_array_get(list, i);

                if (boots(list, i))
                        rows[k++] = (GridRow) { .cell = { strdup(""), strdup(""), strdup(""), strdup(BOOTED) } };
                rows[k++] = (GridRow) {
                        .cell = { strdup(time_text(entry, at)), strdup(text_of(entry, "node")), strdup(text_of(entry, "what")), strdup(text_of(entry, "text")) },
                        .colour = colour_of(entry),
                };
        }
        r = grid_print(f, style, &grid, rows, k);
        grid_free(rows, k);
        return r;
}

/* The evidence */

/* "8d0c6e1e:4711" */
static void print_position(FILE *f, const char *position) {
        const char *colon = strchr(position, ':');

        fprintf(f, "%.*s%s", colon && colon - position > 8 ? 8 : (int) strlen(position), position, colon && colon - position > 8 ? colon : "");
}

static void print_names(FILE *f, const char *before, const json_t *list, const char *after) {
        _cleanup_free_ char *text = NULL;
        Names names;

        if (json_array_size(list) == 0 || names_from_json(list, &names) < 0)
                return;
        text = names_text(&names);
        fprintf(f, "%s%s%s", before, str_or(text, "?"), after);
}

static void print_heard(FILE *f, const json_t *node) {
        const json_t *view = json_object_get(node, "view"), *seqno = json_object_get(view, "seqno"), *safe = json_object_get(node, "safe_to_bootstrap");
        const char *position = text_of(node, "position"), *text;

        fprintf(f, "%s", str_or(text_of(node, "mysqld"), "unknown"));
        if (*position) {
                fputs(" at ", f);
                print_position(f, position);
                fprintf(f, " (%s)", str_or(text_of(node, "source"), "?"));
        } else
                fputs(", of no known position", f);
        if (json_is_integer(seqno))
                fprintf(f, "; last Primary view at %" PRId64, (int64_t) json_integer_value(seqno));
        else if (json_is_object(view))
                fputs("; last Primary view", f);
        print_names(f, ": ", json_object_get(view, "members"), "");
        text = text_of(node, "view_problem");
        if (*text)
                fprintf(f, "; no record of views that can be trusted: %.*s", reason_length(text), text);
        if (json_is_true(safe))
                fputs("; safe_to_bootstrap", f);
        print_names(f, "; marked ", json_object_get(node, "marks"), "");
        text = text_of(node, "claim");
        if (*text)
                fprintf(f, "; has a claim of its own (%s)", text);
        text = text_of(node, "granted_to");
        if (*text)
                fprintf(f, "; has promised %s the lead", text);
        text = text_of(node, "problem");
        if (*text)
                fprintf(f, "; %.*s", reason_length(text), text);
}

/* Of a server that replicates without Galera. */
static void print_datasource(FILE *f, const json_t *node) {
        const char *role = text_of(node, "role"), *source = text_of(node, "source"), *reason = text_of(node, "reason");
        const json_t *lag = json_object_get(node, "lag");

        fprintf(f, "%s%s%s, %s", role, *source ? " of " : "", source, text_of(node, "state"));
        if (*reason)
                fprintf(f, ": %.*s", reason_length(reason), reason);
        if (json_is_integer(lag))
                fprintf(f, "; %" PRId64 " s behind", (int64_t) json_integer_value(lag));
}

static char *node_line(const json_t *node) {
        const char *condition = text_of(node, "condition"), *why = text_of(node, "why");
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        fprintf(f, "%s: ", str_or(text_of(node, "node"), "?"));
        if (*text_of(node, "role"))
                print_datasource(f, node);
        else if (streq(condition, "known"))
                print_heard(f, node);
        else if (streq(condition, "alive"))
                fputs("its agent is not heard, and its server answers", f);
        else
                fprintf(f, "not heard%s%.*s", *why ? ": " : "", reason_length(why), why);
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

static char *decided_line(const json_t *evidence) {
        const char *action = text_of(evidence, "action"), *node = text_of(evidence, "node"), *manner = text_of(evidence, "manner");
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        fprintf(f, "So: %s%s%s", action, *node ? " " : "", node);
        if (*manner)
                fprintf(f, " (%s)", manner);
        print_names(f, "; needed: ", json_object_get(evidence, "needed"), "");
        print_names(f, "; of those not heard: ", json_object_get(evidence, "awaited"), "");
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

static void print_line(FILE *f, const Style *style, size_t indent, char *owned) {
        if (owned)
                text_print(f, style, indent, false, owned);
        free(owned);
}

static void print_details(FILE *f, const Style *style, const json_t *entry) {
        static const char *const keys[] = { "caller", "claim", "job" };
        const json_t *evidence = json_object_get(entry, "evidence"), *node;
        const char *value;
        char *line;
        size_t i;

        for (i = 0; i < ELEMENTS(keys); i++) {
                value = text_of(entry, keys[i]);
                if (*value && asprintf(&line, "%s: %s", keys[i], value) >= 0)
                        print_line(f, style, 4, line);
        }
        if (!json_is_object(evidence))
                return;
        fputs("    What it rests on:\n", f);
        json_array_foreach(json_object_get(evidence, "nodes"), i, node)
                print_line(f, style, 6, node_line(node));
        if (*text_of(evidence, "action"))
                print_line(f, style, 6, decided_line(evidence));
        if (*text_of(evidence, "primary"))
                text_print(f, style, 6, false, text_of(evidence, "primary"));
}

static void print_paragraphs(FILE *f, const Style *style, const json_t *list) {
        const json_t *entry;
        char at[TIME_SIZE];
        size_t i;

        json_array_foreach(list, i, entry) {
                _cleanup_free_ char *node = text_clean(text_of(entry, "node")), *what = text_clean(text_of(entry, "what"));
                Colour c = colour_of(entry);

                if (boots(list, i))
                        fputs(BOOTED "\n\n", f);
                fprintf(f, "%s  %s  %s%s%s\n", time_text(entry, at), str_or(node, "?"), style_begin(style, c), str_or(what, "?"), style_end(style, c));
                text_print(f, style, 4, false, text_of(entry, "text"));
                print_details(f, style, entry);
                if (i + 1 < json_array_size(list))
                        fputc('\n', f);
        }
}

int history_print(FILE *f, const Style *style, const json_t *list, bool verbose) {
        if (!verbose)
                return print_lines(f, style, list);
        print_paragraphs(f, style, list);
        return 0;
}
