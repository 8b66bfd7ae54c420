/* Marks: what is wrong with the data themselves, so that no position of theirs
 * counts, kept until something has happened that puts new data in their place
 * (rule 7 of mainstay-rules(7)).
 *
 * What can be seen in the files is judged here, purely; that data have parted
 * from those of the cluster says the plan, and the manager hands it in. A mark
 * is set once, with its evidence, and stays although the evidence goes: the
 * next start of the server overwrites it.
 */
#pragma once

#include "domain/evidence.h"

typedef enum MarkKind {
        MARK_ABORTED_SST,  /* part of an old copy and part of a new one */
        MARK_INCONSISTENT, /* the server left the cluster, for its data differ from the others' */
        MARK_DIVERGED,     /* commits of its own, which the cluster went on without */
        MARK_STRAY,        /* data of another cluster */
        MARK_PREPARED,     /* prepared transactions whose fate nobody knows, or which somebody has decided by hand */
        _MARK_MAX,
        _MARK_INVALID = -EINVAL,
} MarkKind;

const char *mark_to_string(MarkKind k);
MarkKind mark_from_string(const char *s);

#define MARK_TEXT_MAX 512 /* with the NUL */

typedef struct Mark {
        bool set;
        uint64_t section; /* of the record of views, when it was set */
        usec_t time;
        char evidence[MARK_TEXT_MAX]; /* a sentence, for people */
} Mark;

typedef struct Marks {
        Mark mark[_MARK_MAX];
} Marks;

/* Must the data be saved before another copy takes their place? Then the node
 * does not join until a person has said so. */
bool mark_keeps_out(MarkKind k);

/* Does what these data are told to have come to prove nothing? */
bool mark_voids_position(MarkKind k);

/* Its data are whole, if not the cluster's: a person may say that they count. */
bool mark_can_be_lifted(MarkKind k);

/* What clears it: a sentence. */
const char *mark_clears(MarkKind k);

/* The first one that keeps the node out, else the first; _MARK_INVALID. */
MarkKind marks_first(const Marks *m);
/* Is any one set that keeps the node out? */
bool marks_keep_out(const Marks *m);

/* 1 where it is news; one that is set keeps its evidence. */
int marks_set(Marks *m, MarkKind k, uint64_t section, usec_t now, const char *evidence);

/* Sets what the files prove, and clears what they disprove. Bits by kind in
 * what it returns: 1 << k, set or cleared. */
unsigned marks_judge(Marks *m, const Evidence *e, usec_t now);

/* Takes the position out of a report where one of its marks voids it. */
void marks_void(Report *r);

/* Into the report, names and texts; and a position that is void is taken out of it. */
int marks_tell(const Marks *m, Report *r);
