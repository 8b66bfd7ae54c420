/* Completion; see ctl-complete.h. The tables of ctl-args.c are all it knows. */
#include "edge/ctl-complete.h"
#include "domain/job.h"
#include "domain/json.h"
#include "edge/ctl-bus.h"

#include <getopt.h>

#define PATIENCE (1 * USEC_PER_SEC)

typedef struct Typed {
        Verb verb;
        const struct option *wants; /* the last option, whose value is being typed */
        size_t n;                   /* the words behind the verb */
        const char *word[2];        /* the first of them */
} Typed;

static const struct option *find(const char *word) {
        for (const struct option *o = args_options(); o->name; o++)
                if ((word[0] == '-' && word[1] == '-' && streq(word + 2, o->name)) || (word[0] == '-' && o->val < 128 && word[1] == o->val && word[2] == 0))
                        return o;
        return NULL;
}

/* What is known before the last word. */
static Typed read_words(int n, char *words[]) {
        Typed t = { .verb = _VERB_INVALID };

        for (int i = 0; i < n - 1; i++) {
                const struct option *o = words[i][0] == '-' ? find(words[i]) : NULL;

                if (o && o->has_arg == required_argument) {
                        if (i == n - 2)
                                t.wants = o;
                        else
                                i++;
                } else if (words[i][0] == '-')
                        continue;
                else if (t.verb < 0)
                        t.verb = verb_from_string(words[i]);
                else {
                        if (t.n < ELEMENTS(t.word))
                                t.word[t.n] = words[i];
                        t.n++;
                }
        }
        return t;
}

static void offer_names(const Names *names, FILE *to) {
        for (size_t i = 0; i < names->n; i++)
                fprintf(to, "%s\n", names->name[i]);
}

static void offer_all(const char *const *words, FILE *to) {
        for (; *words; words++)
                fprintf(to, "%s\n", *words);
}

static void offer_value(const Typed *t, const Names *nodes, FILE *to) {
        static const char *const of_nodes[] = { "without", "source", "donor", "expect" };

        if (streq(t->wants->name, "force"))
                offer_all(args_checks(t->verb, NULL), to);
        else if (streq(t->wants->name, "method"))
                for (Method m = METHOD_NONE + 1; m < _METHOD_MAX; m++)
                        fprintf(to, "%s\n", method_to_string(m));
        for (size_t i = 0; i < ELEMENTS(of_nodes); i++)
                if (streq(t->wants->name, of_nodes[i]))
                        offer_names(nodes, to);
}

static void offer_words(const Typed *t, const Names *nodes, FILE *to) {
        bool is_replicator = t->verb == VERB_REPLICATOR, ends = t->verb == VERB_PROVISION && t->n == 1 && (streq(t->word[0], "commit") || streq(t->word[0], "rollback"));

        if (t->verb < 0)
                for (Verb v = 0; v < _VERB_MAX; v++)
                        fprintf(to, "%s\n", verb_to_string(v));
        else if (t->verb == VERB_POLICY && t->n == 0)
                for (Policy p = POLICY_AUTOMATIC; p < _POLICY_MAX; p++)
                        fprintf(to, "%s\n", policy_to_string(p));
        else if (t->verb == VERB_JOB && t->n == 0)
                for (JobVerb j = 0; j < _JOB_VERB_MAX; j++)
                        fprintf(to, "%s\n", job_verb_to_string(j));
        else if (is_replicator && t->n == 1)
                offer_all((const char *const []) { "offline", "online", "replica", NULL }, to);
        else if (args_is_of_a_node(t->verb) && (t->n == 0 || ends || (t->n == 1 && t->verb == VERB_REPOINT) || (t->n == 2 && is_replicator && streq(t->word[1], "replica")))) {
                offer_names(nodes, to);
                if (t->verb == VERB_PROVISION && t->n == 0)
                        offer_all((const char *const []) { "commit", "rollback", NULL }, to);
        }
}

void complete(int n, char *words[], const Names *nodes, FILE *to) {
        Typed t = read_words(n, words);

        if (n < 1)
                return;
        if (t.wants)
                offer_value(&t, nodes, to);
        else if (words[n - 1][0] == '-') {
                for (const struct option *o = args_options(); o->name; o++)
                        if (args_goes_with(o, t.verb))
                                fprintf(to, "--%s\n", o->name);
        } else
                offer_words(&t, nodes, to);
}

void complete_nodes(Names *ret) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        json_t *picture = NULL;
        const json_t *peer;
        sd_bus *bus = NULL;
        size_t i;

        *ret = (Names) {0};
        if (sd_bus_open_system(&bus) >= 0 && sd_bus_set_method_call_timeout(bus, PATIENCE) >= 0 && bus_picture(bus, &error, &picture) >= 0) {
                (void) names_add(ret, str_or(text_of(picture, "name"), ""));
                json_array_foreach(json_object_get(picture, "peers"), i, peer)
                        (void) names_add(ret, str_or(text_of(peer, "node"), str_or(text_of(peer, "label"), "")));
        }
        json_decref(picture);
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
}
