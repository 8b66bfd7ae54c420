/* `mainstayctl doctor`: looks for the traps of a configuration, and changes
 * nothing. What setup checks is checked by setup's own steps; the rest is in
 * domain/doctor.h. */
#include "edge/ctl-doctor.h"
#include "edge/ctl-verbs.h"

/* What may come of it where one of setup's steps finds something missing. */
static const struct {
        const char *step;
        Level level;
        const char *harm;
        const char *asynchronous; /* where the server replicates without Galera; NULL: the same */
} harms[] = {
        { "accounts", LEVEL_ERROR, "The agent does not run without its account, and no other node gets in without the other.", NULL },
        { "groups", LEVEL_ERROR, "The agent cannot read the state of the data: it waits, and nothing comes back by itself.", NULL },
        { "directories", LEVEL_ERROR, "What the agent and the server must keep over a power cut has no place.", NULL },
        { "ssh", LEVEL_ERROR, "The agents talk through ssh: without it the other nodes are uncertain to this one, or this one to them, and are waited for.", NULL },
        { "key", LEVEL_ERROR, "This node's agent gets in nowhere: to it the other nodes are uncertain.", NULL },
        { "peer-keys", LEVEL_ERROR, "To a node which is not let in, this one is uncertain, and is waited for.", NULL },
        { "host-keys", LEVEL_ERROR, "ssh does not trust the machine: that node is uncertain, and is waited for.", NULL },
        { "unit", LEVEL_ERROR, "The server starts past the gate: nothing keeps it from forming a second cluster, or from going on with old data.",
          "The server starts past the gate: nothing keeps it from data that are in the middle of being replaced." },
        { "polkit", LEVEL_ERROR, "The agent may start and stop nothing: nothing comes back by itself.", NULL },
        { "notify", LEVEL_ERROR, "Without the record of who was in the cluster, every configured node must be heard after a crash of all.", NULL },
        { "pins", LEVEL_WARNING, "A node that Mainstay made read-only takes writes again after the next start of its server, and one whose replication it stopped replicates.", NULL },
        { "apparmor", LEVEL_WARNING, "AppArmor keeps mysqld from what Mainstay asks of it: it does not start, or no copy of another node's data can be made.", NULL },
        { "replication", LEVEL_WARNING, "A node that was the primary cannot return as a replica, and no source is asked whether it still has what a replica lacks.", NULL },
        { "backup", LEVEL_WARNING, "Other nodes get no copy of this one's data: a replica that cannot go on is not provided with any.", NULL },
        { "writers", LEVEL_WARNING, "An application that writes on a replica, which its server does not refuse, makes data of its own there.", NULL },
        { "agent", LEVEL_ERROR, "Nobody brings this node back, and the others wait for what it has to say.", NULL },
        { "account", LEVEL_WARNING, "The agent does not hear from the server where it stands, and takes it for starting.", NULL },
        { "peers", LEVEL_ERROR, "What is not heard is uncertain: where that node is needed, nobody forms the cluster.",
          "What is not heard is uncertain: it may be a primary, and nobody would know." },
};

const char *doctor_harm(const char *step, bool asynchronous, Level *ret_level) {
        for (size_t i = 0; i < ELEMENTS(harms); i++)
                if (streq(step, harms[i].step)) {
                        *ret_level = harms[i].level;
                        return asynchronous && harms[i].asynchronous ? harms[i].asynchronous : harms[i].harm;
                }
        return NULL;
}

static int take_steps(const Setup *s, Findings *f) {
        bool asynchronous = options_asynchronous(&s->facts.options);
        const json_t *o;
        size_t i;
        int r = 0;

        json_array_foreach(s->steps, i, o) {
                const char *step = json_string_value(json_object_get(o, "step")), *state = json_string_value(json_object_get(o, "state")),
                           *text = json_string_value(json_object_get(o, "text")), *remedy = json_string_value(json_object_get(o, "remedy"));
                Level level = LEVEL_ERROR;
                const char *harm;

                /* Our own checks say more of these. */
                if (streq(step, "options"))
                        continue;
                harm = str_or(doctor_harm(step, asynchronous, &level), "");
                /* It cannot be looked for where there is no server. */
                if (streq(step, "account") && !(s->facts.unit_active && streq(s->facts.unit_active, "active")))
                        level = LEVEL_NOTE;
                if (streq(state, "missing"))
                        r = findings_add(f, level, step, harm, str_or(remedy, "mainstayctl setup"), "missing: %s", text);
                else if (streq(state, "later"))
                        r = findings_add(f, level > LEVEL_WARNING ? LEVEL_WARNING : level, step, harm, str_or(remedy, "mainstayctl setup"), "missing yet: %s", text);
                else if (streq(state, "already so"))
                        r = findings_add(f, LEVEL_OK, step, "", "", "%s", text);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Without root's rights much is out of sight. */
static int take_unprivileged(Findings *f) {
        return findings_add(f, LEVEL_NOTE, "root", "", "sudo mainstayctl doctor",
                            "not looked at, for only root may: accounts, keys, the drop-in of mysqld's unit, the way to the other nodes, and what they say of their versions and clocks");
}

static void indented(FILE *out, const Style *style, const char *label, const char *text) {
        if (!*text)
                return;
        fprintf(out, "%10s%s ", "", label);
        text_print(out, style, 10 + strlen(label) + 1, true, text);
}

static void finding_print(FILE *out, const Style *style, const Finding *one) {
        static const Colour colours[_LEVEL_MAX] = {
                [LEVEL_OK] = COLOUR_DIM, [LEVEL_NOTE] = COLOUR_NONE, [LEVEL_WARNING] = COLOUR_YELLOW, [LEVEL_ERROR] = COLOUR_RED,
        };

        fprintf(out, "%s%-8s%s  ", style_begin(style, colours[one->level]), level_to_string(one->level), style_end(style, colours[one->level]));
        text_print(out, style, 10, true, one->text);
        indented(out, style, "May come of it:", one->harm);
        /* What is to be typed is to be copied: its lines stay as they are. */
        for (const char *p = one->remedy; *p;) {
                size_t n = strcspn(p, "\n");

                fprintf(out, "%10s%s %.*s\n", "", p == one->remedy ? "To mend it:" : "           ", (int) n, p);
                p += n + (p[n] == '\n');
        }
}

/* The worst last, where the eye is. */
static void print(const Findings *f) {
        Style style = style_of(stdout);
        size_t count[_LEVEL_MAX] = {};

        for (Level level = LEVEL_OK; level < _LEVEL_MAX; level++)
                for (size_t i = 0; i < f->n; i++)
                        if (f->finding[i].level == level) {
                                count[level]++;
                                finding_print(stdout, &style, &f->finding[i]);
                        }
        putchar('\n');
        if (findings_worst(f) < LEVEL_WARNING)
                printf("%snothing is wrong%s", style_begin(&style, COLOUR_GREEN), style_end(&style, COLOUR_GREEN));
        else
                printf("%s%zu %s, %zu %s%s", style_begin(&style, COLOUR_RED), count[LEVEL_ERROR], count[LEVEL_ERROR] == 1 ? "error" : "errors", count[LEVEL_WARNING],
                       count[LEVEL_WARNING] == 1 ? "warning" : "warnings", style_end(&style, COLOUR_RED));
        printf("; %zu %s, %zu good\n", count[LEVEL_NOTE], count[LEVEL_NOTE] == 1 ? "note" : "notes", count[LEVEL_OK]);
}

static int print_json(const Findings *f) {
        json_t *findings, *o;
        int r;

        r = findings_to_json(f, &findings);
        if (r < 0)
                return r;
        o = json_pack("{s:b, s:s, s:o}", "ok", findings_worst(f) < LEVEL_WARNING, "worst", level_to_string(findings_worst(f)), "findings", findings);
        if (!o)
                return -ENOMEM;
        (void) json_dumpf(o, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(o);
        return 0;
}

int verb_doctor(const Args *a) {
        /* Setup only looks, and what it says is for us. */
        Args look = { .verb = VERB_SETUP, .json = true, .check = true };
        Setup s = { .args = &look, .steps = json_array(), .short_missing = json_array(), .short_later = json_array(), .peers = json_array() };
        _cleanup_(findings_done) Findings f = {};
        static Ward ward;
        char error[512] = "";
        int r;

        r = s.steps && s.short_missing && s.short_later && s.peers ? facts_gather(&s.facts, error) : -ENOMEM;
        if (r == -ENOMEM)
                goto finish;
        if (r < 0)
                r = findings_add(&f, LEVEL_ERROR, "configuration", "The agent does not start with it, or goes on with what it had. Nothing else was looked at.", "Mend that first, then run this again.",
                                 "Mainstay's own configuration cannot be used: %s", *error ? error : strerror(-r));
        else {
                if (geteuid() == 0) {
                        setup_steps(&s);
                        r = take_steps(&s, &f);
                } else
                        r = take_unprivileged(&f);
                if (r >= 0)
                        r = ward_admit(&ward, &s);
                if (r >= 0)
                        r = doctor_examine(&ward.patient, &f);
                ward_done(&ward);
        }
        if (r < 0)
                goto finish;

        if (a->json)
                r = print_json(&f);
        else
                print(&f);
        if (r >= 0)
                r = findings_worst(&f) < LEVEL_WARNING ? CTL_OK : CTL_FAILED;

finish:
        facts_done(&s.facts);
        json_decref(s.steps);
        json_decref(s.short_missing);
        json_decref(s.short_later);
        json_decref(s.peers);
        return r;
}
