/* How a node joins, and when; see joining.h. */
#include "domain/joining.h"
#include "domain/mark.h"

#include <inttypes.h>

#define PAUSE_MIN (5 * USEC_PER_SEC)
#define PAUSE_MAX (600 * USEC_PER_SEC)

static const Report *primary(const Voice *v) {
        const Report *o = voice_report(v);

        return o && o->mysqld == MYSQLD_PRIMARY ? o : NULL;
}

static bool told(const Report *p) {
        return p->cached_from > 0 && !uuid_is_zero(&p->position.uuid);
}

void joining_forecast(const Voice *voices, size_t n, const Report *o, Forecast *ret) {
        Forecast f = { .positioned = report_has_position(o) && !o->schema_cut, .lacks = -1 };
        int64_t newest = -1;

        for (size_t i = 0; i < n; i++) {
                const Report *p = primary(&voices[i]);

                if (!p)
                        continue;
                if (!told(p)) {
                        if (!f.silent || strcmp(voices[i].name, f.silent->name) < 0)
                                f.silent = &voices[i];
                        continue;
                }
                if (f.positioned && !uuid_equal(&p->position.uuid, &o->position.uuid))
                        continue;
                if (p->position.seqno > newest)
                        newest = p->position.seqno;
                if (!f.donor || p->cached_from < f.donor->report->cached_from ||
                    (p->cached_from == f.donor->report->cached_from && strcmp(voices[i].name, f.donor->name) < 0))
                        f.donor = &voices[i];
        }

        if (!f.positioned)
                f.way = WAY_SST;
        else {
                /* A position that a server told may be old: then what is lacking is not known. */
                if (newest >= o->position.seqno)
                        f.lacks = newest - o->position.seqno;
                if (f.donor && f.donor->report->cached_from <= o->position.seqno + 1)
                        f.way = WAY_IST;
                else if (f.donor && !f.silent)
                        f.way = WAY_SST;
        }
        *ret = f;
}

int joining_text(const Forecast *f, const Report *o, const char *primary_name, char **ret) {
        char *text;
        int n;

        if (!f->positioned)
                n = asprintf(&text, o->schema_cut ? "It was cut off in the middle of a change of the schema, and joins by a full state transfer (SST) from the Primary component of %s."
                                             : o->blank ? "It has no data of the cluster and joins by a full state transfer (SST) from the Primary component of %s."
                                             : "It has no position that could be proved, and joins by a full state transfer (SST) from the Primary component of %s.", primary_name);
        else if (f->way == WAY_IST && f->lacks == 0)
                n = asprintf(&text, "It joins the Primary component of %s by IST: it lacks nothing that was committed.", primary_name);
        else if (f->way == WAY_IST && f->lacks > 0)
                n = asprintf(&text, "It joins the Primary component of %s by IST: it lacks %" PRId64 " transaction%s, and %s keeps %s (from seqno %" PRId64 " on).", primary_name,
                             f->lacks, f->lacks == 1 ? "" : "s", f->donor->name, f->lacks == 1 ? "it" : "them", f->donor->report->cached_from);
        else if (f->way == WAY_IST)
                n = asprintf(&text, "It joins the Primary component of %s by IST: %s keeps what came after seqno %" PRId64 " (from seqno %" PRId64 " on).", primary_name,
                             f->donor->name, o->position.seqno, f->donor->report->cached_from);
        else if (f->way == WAY_SST)
                n = asprintf(&text, "It joins the Primary component of %s by a full state transfer (SST): its data end at seqno %" PRId64 ", and no node keeps all that came after (%s from seqno %" PRId64 " on).", primary_name,
                             o->position.seqno, f->donor->name, f->donor->report->cached_from);
        else
                n = asprintf(&text, "It joins the Primary component of %s. Whether by IST or by a full state transfer (SST) is not known%s%s%s.", primary_name,
                             f->silent ? ": " : "", f->silent ? f->silent->name : "", f->silent ? " has not told from which seqno on it keeps transactions" : "");
        if (n < 0)
                return -ENOMEM;
        *ret = text;
        return 0;
}

/* Who is in line, of those who are heard: stopped, and to be started as soon as it may. */
static bool waits(const Voice *v, const Plan *plan) {
        const Report *o = v->report;

        for (size_t i = 0; i < o->marks.n; i++) {
                MarkKind k = mark_from_string(o->marks.name[i]);

                if (k >= 0 && mark_keeps_out(k))
                        return false;
        }
        return o->mysqld == MYSQLD_STOPPED && o->wanted && !o->resting && !names_contain(&plan->held, v->name) &&
               !names_contain(&plan->diverged, v->name) && !names_contain(&plan->stray, v->name);
}

/* Is half of the component of `p` gone, or more, and has it not noticed? */
static bool is_fading(const Voice *voices, size_t n, const Report *p) {
        const Names *members = p->have_view ? &p->view[0].members : NULL;
        size_t gone = 0;

        for (size_t i = 0; members && i < n; i++) {
                const Report *o = voice_report(&voices[i]);

                gone += o && o->mysqld == MYSQLD_STOPPED && names_contain(members, voices[i].name);
        }
        return members && gone > 0 && 2 * gone >= members->n + p->arbitrators.n;
}

/* Is it in the group, by the word of one who is Primary? Where none tells of its view,
 * that is not known, and nobody waits for it. */
static bool has_entered(const Voice *voices, size_t n, const char *name) {
        bool told_of = false;

        for (size_t i = 0; i < n; i++) {
                const Report *p = primary(&voices[i]);

                if (!p || !p->have_view)
                        continue;
                if (names_contain(&p->view[0].members, name))
                        return true;
                told_of = true;
        }
        return !told_of;
}

typedef struct Place {
        const Voice *voice;
        Forecast forecast;
} Place;

/* Who has failed before might fail again, and goes last. Else IST before SST,
 * the fewest missing, the name. */
static int by_turn(const void *a, const void *b) {
        const Place *x = a, *y = b;
        int64_t xl = x->forecast.lacks < 0 ? INT64_MAX : x->forecast.lacks, yl = y->forecast.lacks < 0 ? INT64_MAX : y->forecast.lacks;
        static const int rank[] = { [WAY_IST] = 0, [WAY_UNKNOWN] = 1, [WAY_SST] = 2 };

        if (x->voice->report->join_failures != y->voice->report->join_failures)
                return x->voice->report->join_failures < y->voice->report->join_failures ? -1 : 1;
        if (x->forecast.way != y->forecast.way)
                return rank[x->forecast.way] - rank[y->forecast.way];
        if (xl != yl)
                return xl < yl ? -1 : 1;
        return strcmp(x->voice->name, y->voice->name);
}

void joining_queue(const Voice *voices, size_t n, const Plan *plan, Queue *ret) {
        const Voice *fading = NULL;
        bool lasts = false;

        *ret = (Queue) { .n = n, .voices = voices };
        for (size_t i = 0; i < n; i++) {
                const Voice *v = &voices[i];
                const Report *o = voice_report(v);

                if (!o)
                        continue;
                if (o->mysqld != MYSQLD_PRIMARY) {
                        ret->waits[i] = waits(v, plan);
                        ret->entered[i] = mysqld_is_live(o->mysqld) && has_entered(voices, n, v->name);
                        joining_forecast(voices, n, o, &ret->forecast[i]);
                        continue;
                }
                ret->n_primary++;
                ret->n_donating += o->donating;
                ret->heard_cache = ret->heard_cache || told(o);
                if (!is_fading(voices, n, o))
                        lasts = true;
                else if (!fading || strcmp(v->name, fading->name) < 0)
                        fading = v;
        }
        if (!lasts)
                ret->fading = fading;
}

void joining_turn(const Queue *q, const char *name, Turn *ret) {
        size_t n_line = 0, n_underway = 0, place = 0, room;
        const Voice *underway = NULL, *entering = NULL;
        Place line[NAMES_MAX];

        *ret = (Turn) { .now = true };
        for (size_t i = 0; i < q->n; i++) {
                const Voice *v = &q->voices[i];
                const Report *o = voice_report(v);

                if (!o || o->mysqld == MYSQLD_PRIMARY)
                        continue;
                if ((o->mysqld == MYSQLD_STARTING || o->mysqld == MYSQLD_JOINING) && !streq(v->name, name)) {
                        n_underway++;
                        if (!underway || strcmp(v->name, underway->name) < 0)
                                underway = v;
                        if (!q->entered[i] && (!entering || strcmp(v->name, entering->name) < 0))
                                entering = v;
                } else if (q->waits[i] || streq(v->name, name))
                        line[n_line++] = (Place) { v, q->forecast[i] };
        }
        /* Joined on the word of a port alone: nothing is known to wait for. */
        if (q->n_primary == 0)
                return;
        if (q->fading) {
                ret->now = false;
                ret->fading = true;
                ret->after = q->fading;
                return;
        }

        qsort(line, n_line, sizeof(line[0]), by_turn);
        while (place < n_line && !streq(line[place].voice->name, name))
                place++;

        ret->donor_free = q->n_donating < q->n_primary;
        room = q->n_primary - q->n_donating;
        /* Each one on its way in has its donor, or will take one. */
        if (n_underway > q->n_donating)
                room -= n_underway - q->n_donating < room ? n_underway - q->n_donating : room;
        /* A backup, say: that it serves a joiner is not known to be so. */
        if (n_underway == 0 && room == 0)
                room = 1;

        if (place == n_line)
                return; /* nobody by this name is to start */
        /* It will know in a moment what it is in for, and so will the others. */
        ret->untold = !q->heard_cache && line[place].forecast.positioned;
        ret->now = !ret->untold && (place < room || (line[place].forecast.way == WAY_IST && line[place].voice->report->join_failures == 0));
        if (ret->untold)
                return;
        if (ret->now) {
                /* All who stand before it go now too. */
                ret->after = entering || place == 0 ? entering : line[place - 1].voice;
                ret->entering = ret->after != NULL;
                ret->now = !ret->after;
                return;
        }
        ret->underway = room == 0;
        ret->after = ret->underway ? underway : line[place - 1].voice;
}

const char *joining_refuses_donor(const Voice *voices, size_t n, const char *self, const char *name, char buf[static 256]) {
        if (!names_plain(name)) {
                (void) snprintf(buf, 256, "\"%.80s\" is no name of a node.", name);
                return buf;
        }
        if (streq(name, self)) {
                (void) snprintf(buf, 256, "%s is this node: it cannot be its own donor.", name);
                return buf;
        }
        for (size_t i = 0; i < n; i++) {
                const Report *o = voice_report(&voices[i]);

                if (!streq(voices[i].name, name))
                        continue;
                if (o && o->mysqld == MYSQLD_PRIMARY)
                        return NULL;
                if (o)
                        (void) snprintf(buf, 256, "%s cannot be the donor: its mysqld is not in the Primary component and synced (%s).", name, mysqld_to_string(o->mysqld));
                else
                        (void) snprintf(buf, 256, "%s cannot be the donor: whether it is Primary is not known, for its agent does not answer.", name);
                return buf;
        }
        (void) snprintf(buf, 256, "There is no node %s.", name);
        return buf;
}

usec_t joining_pause(int64_t failures) {
        usec_t pause = PAUSE_MIN;

        for (int64_t i = 1; i < failures && pause < PAUSE_MAX; i++)
                pause *= 2;
        return pause < PAUSE_MAX ? pause : PAUSE_MAX;
}
