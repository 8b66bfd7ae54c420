/* The other node, where it hands out a copy: its mainstay-backup, at the other end of an
 * ssh of ours. It says what it is (a header), then gives what was asked for (frames of
 * data), and at the end what became of it.
 *
 * What returns a failure, or the 0 of a refusal, has the reason in `text`, which ends no
 * sentence. */
#pragma once

#include "adapter/datadir.h"
#include "edge/tool.h"
#include "sys/stream.h"

#include <jansson.h>

typedef struct CopySource {
        Tool ssh;
        int fd;    /* what it says; -1: none is open */
        char *buf; /* the last frame, as text where it is no data */
} CopySource;

#define _cleanup_copy_source_ _cleanup_(copy_source_close)

/* Asks the node at `from`, an address as ssh_target_parse() takes it, for `verb`, by the
 * agent's key. Begin with one that is `{ .fd = -1 }`; it is to be closed. 1, or 0 where
 * the address is none. */
int copy_source_open(const char *from, const char *verb, CopySource *ret, char text[static DATADIR_TEXT_MAX]);

/* What it says of itself: a new reference. 1, or 0 where it gives nothing. */
int copy_source_header(CopySource *s, json_t **ret, char text[static DATADIR_TEXT_MAX]);

/* The next frame, of which data go to `to`; for -1 they are in its `buf`. Waits for it,
 * but not for ever: -ETIME. 1; that it ends before its end is a failure. */
int copy_source_read(CopySource *s, int to, StreamFrame *ret_frame, size_t *ret_n, char text[static DATADIR_TEXT_MAX]);

/* What became of it, after STREAM_END. 1, or 0 where it has failed there. */
int copy_source_verdict(const CopySource *s, char text[static DATADIR_TEXT_MAX]);

/* Ends its ssh, too. Nothing where none is open. */
void copy_source_close(CopySource *s);
