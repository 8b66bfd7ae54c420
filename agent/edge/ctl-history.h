/* `mainstayctl history`: what was decided, and on what evidence, as the journal has it. It
 * needs no agent. A list of objects, the newest last, each made of one message:
 *
 *   time           microseconds since 1970
 *   boot           the boot's id
 *   node           whose agent said it; the host's name where that is not known
 *   what           a word for what kind of message it is
 *   text           the message itself
 *   message_id, priority
 *   peers          [other nodes that it is about]
 *   evidence       what it rests on (domain/grounds.h), or null
 *
 * and a key for every other field of log-fields.h that it has: `claim` for MAINSTAY_CLAIM.
 * That is what --json prints, and what another host is asked for. */
#pragma once

#include "edge/ctl-text.h"

#include <jansson.h>

typedef struct HistoryQuery {
        usec_t since;     /* 0: from the beginning */
        int64_t lines;    /* the newest so many; 0: all */
        const char *node; /* only what it said, or what is about it; NULL: all */
} HistoryQuery;

/* The word for a message id, and how it is shown; NULL for one that is not Mainstay's. */
const char *history_word(const char *message_id, Colour *ret_colour);
/* All ids, up to NULL. */
const char *history_id(size_t i);

/* From the journal of this machine; a new reference. -EACCES where this user may not read it. */
int history_read(const HistoryQuery *q, json_t **ret);
/* Is nothing kept of it over a boot? */
bool history_is_volatile(void);

/* A line for each, or with `verbose` a paragraph, with the evidence. */
int history_print(FILE *f, const Style *style, const json_t *list, bool verbose);
