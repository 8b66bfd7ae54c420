/* A stream of frames through a pipe or a socket, of which the end is a frame too:
 * one that was cut off cannot pass for a whole one.
 *
 * A frame is one byte of what it is, four of how long it is (big endian), and
 * that many bytes.
 *
 * Data are compressed (Zstandard, each frame by itself) where that helps: as long as
 * whoever reads does not keep up. What is written as fast as it comes is left as it is. */
#pragma once

#include "base/macro.h"

#define STREAM_FRAME_MAX ((size_t) 256 * 1024)

typedef enum StreamFrame {
        STREAM_HEADER = 'H', /* what follows, in JSON */
        STREAM_DATA = 'D',
        STREAM_END = 'E', /* what became of it, in JSON */
        STREAM_PACKED = 'Z', /* DATA, compressed; a reader never sees it */
} StreamFrame;

/* What compresses. Begins as {0}. */
typedef struct StreamPacker {
        struct ZSTD_CCtx_s *context;
        char *buf;
        unsigned pause; /* frames, for what cannot be made smaller */
} StreamPacker;

void stream_packer_done(StreamPacker *p);
#define _cleanup_stream_packer_ _cleanup_(stream_packer_done)

/* All of a frame, however long that takes; -EPIPE where nobody reads (SIGPIPE is
 * ignored, or ends the process). -E2BIG for more than STREAM_FRAME_MAX bytes. */
int stream_write(int fd, StreamFrame frame, const void *data, size_t n);

/* What has come out of a pipe by now, waited for where it is nothing yet, as a DATA frame,
 * without a copy of it where the kernel can, or compressed. 1, and 0 at its end. */
int stream_write_from(int fd, int pipe, StreamPacker *packer);

/* As much as a pipe may have, for there are fewer turns then. */
void stream_widen(int pipe);

/* Bytes from one to the other, without a copy where one of them is a pipe and the kernel
 * can. 1, and 0 where they end before the first one; -EBADMSG where they end later. */
int stream_pass(int from, int to, size_t n);

/* The next one, into `buf` of STREAM_FRAME_MAX + 1 bytes, with a NUL behind it.
 * 1, and 0 where the stream ends before another frame begins; -EBADMSG where it
 * ends within one, or is none of these. `*ret_n` is what it was before it was
 * compressed. */
int stream_read(int fd, StreamFrame *ret_frame, char *buf, size_t *ret_n);

/* The same, but what a DATA frame has goes to `to`. -EPIPE and its like are of that. */
int stream_read_to(int fd, int to, StreamFrame *ret_frame, char *buf, size_t *ret_n);
