/* Completion; see ctl-complete.h. The tables of ctl-args.c are all it knows. */
#include "edge/ctl-complete.h"
#include "domain/job.h"
#include "domain/json.h"
#include "edge/ctl-bus.h"

#include <getopt.h>
#include <inttypes.h>

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
        if (streq(t->wants->name, "method"))
                fputs("sst\n", to);
        for (size_t i = 0; i < ELEMENTS(of_nodes); i++)
                if (streq(t->wants->name, of_nodes[i]))
                        offer_names(nodes, to);
}

static void offer_words(const Typed *t, const Known *known, FILE *to) {
        const Names *nodes = &known->nodes;
        bool is_replicator = t->verb == VERB_REPLICATOR, ends = t->verb == VERB_PROVISION && t->n == 1 && (streq(t->word[0], "commit") || streq(t->word[0], "rollback"));

        if (t->verb < 0)
                for (Verb v = 0; v < _VERB_MAX; v++)
                        fprintf(to, "%s\n", verb_to_string(v));
        else if (t->verb == VERB_POLICY && t->n == 0)
                for (Policy p = POLICY_AUTOMATIC; p < _POLICY_MAX; p++)
                        fprintf(to, "%s\n", policy_to_string(p));
        else if (t->verb == VERB_HELP && t->n == 0)
                for (Verb v = 0; v < _VERB_MAX; v++)
                        fprintf(to, "%s\n", verb_to_string(v));
        else if (t->verb == VERB_JOB && t->n == 1 && !streq(t->word[0], job_verb_to_string(JOB_VERB_LIST)))
                for (size_t i = 0; i < known->n_jobs; i++)
                        fprintf(to, "%" PRId64 "\n", known->job[i]);
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

/* "--force=sp": the option, and each value with it in front. */
static void offer_joined(const Typed *t, const char *word, const Names *nodes, FILE *to) {
        _cleanup_free_ char *option = strndup(word, strcspn(word, "=")), *text = NULL;
        const struct option *o = option ? find(option) : NULL;
        Typed joined = *t;
        size_t size;
        FILE *f;

        if (!o || !(f = open_memstream(&text, &size)))
                return;
        joined.wants = o;
        offer_value(&joined, nodes, f);
        if (fclose(f) != 0)
                return;
        for (char *p = text, *line; (line = strsep(&p, "\n")) && p;)
                fprintf(to, "%s=%s\n", option, line);
}

/* bash takes "--force=sp" for three words. */
static int without_signs(int n, char *words[]) {
        int k = 0;

        for (int i = 0; i < n; i++)
                if (i == 0 || !streq(words[i], "=") || words[i - 1][0] != '-')
                        words[k++] = words[i];
                else if (i == n - 1)
                        words[k++] = words[i] + 1; /* nothing of the value is typed yet */
        return k;
}

void complete(int n, char *words[], const Known *known, FILE *to) {
        Typed t;

        if (n < 1)
                return;
        n = without_signs(n, words);
        t = read_words(n, words);
        if (t.wants)
                offer_value(&t, &known->nodes, to);
        else if (words[n - 1][0] == '-' && strchr(words[n - 1], '='))
                offer_joined(&t, words[n - 1], &known->nodes, to);
        else if (words[n - 1][0] == '-') {
                for (const struct option *o = args_options(); o->name; o++)
                        if (args_goes_with(o, t.verb))
                                fprintf(to, "--%s\n", o->name);
        } else
                offer_words(&t, known, to);
}

static void take_jobs(sd_bus *bus, Known *k) {
        sd_bus_message *reply = NULL;
        json_t *list = NULL, *o;
        const char *text;
        size_t i;

        if (sd_bus_call_method(bus, AGENT_NAME, AGENT_PATH, AGENT_NODE, "ListJobs", NULL, &reply, NULL) >= 0 && sd_bus_message_read(reply, "s", &text) >= 0)
                list = json_loads(text, 0, NULL);
        json_array_foreach(list, i, o)
                if (k->n_jobs < KNOWN_JOBS_MAX)
                        k->job[k->n_jobs++] = json_integer_value(json_object_get(o, "id"));
        json_decref(list);
        (void) sd_bus_message_unref(reply);
}

void complete_known(Known *ret) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Names *nodes = &ret->nodes;
        json_t *picture = NULL;
        const json_t *peer;
        sd_bus *bus = NULL;
        size_t i;

        *ret = (Known) {0};
        if (sd_bus_open_system(&bus) >= 0 && sd_bus_set_method_call_timeout(bus, PATIENCE) >= 0 && bus_picture(bus, &error, &picture) >= 0) {
                (void) names_add(nodes, str_or(text_of(picture, "name"), ""));
                json_array_foreach(json_object_get(picture, "peers"), i, peer)
                        (void) names_add(nodes, str_or(text_of(peer, "node"), str_or(text_of(peer, "label"), "")));
                take_jobs(bus, ret);
        }
        json_decref(picture);
        sd_bus_error_free(&error);
        (void) sd_bus_flush_close_unref(bus);
}
