/* A segment: one preallocated file, mapped shared, that frames are appended to. The outbox is made of these.
 *
 * File:   header (GCH_SEGMENT_HEADER bytes), then frames, each on an 8-byte boundary.
 * Frame:  u32 length | u32 crc32c of the payload | u8 kind | u8 table | u16 zero | u32 crc32c of the twelve bytes
 * before and the frame's offset | payload | padding. Both checks are seeded with the segment's id, so that frames of
 * the file's earlier life (a recycled segment is not cleared) never pass. All numbers are little-endian.
 *
 * States: open (current: the caller appends) -> sealed (end known, no more frames) -> delivered (acked == end) ->
 * recycled or removed. A crash leaves a segment open. A reader then takes every frame that passes its checks, in order;
 * what lies between two valid frames is damage. Behind the last one a length of zero is the end, anything else damage.
 *
 * Publication: payload, checks and a zero where the next frame's length will be are written first, the length last with
 * release order; so a process that dies in the middle of an append leaves a frame of length zero, which no reader
 * takes, also in a recycled file.
 *
 * Threads: append, seal by the writer under the outbox lock. gch_segment_end may be read by any thread. ack by the
 * sender. A segment without a file (memory: fd -1) behaves the same and dies with the process.
 */
#ifndef GCH_SEGMENT_H
#define GCH_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define GCH_SEGMENT_HEADER 128
#define GCH_SEGMENT_MIN    4096
#define GCH_FRAME_HEADER   16
#define GCH_FRAME_ALIGN    8
#define GCH_PAYLOAD_MAX    (128U << 20) /* the largest row: 128 MiB */

enum gch_frame_kind {
    GCH_FRAME_ROW = 1,    /* one row in RowBinary, of the table whose SCHEMA frame stands before it */
    GCH_FRAME_SCHEMA = 2, /* see gch_table_put_schema */
    GCH_FRAME_UPDATE = 3  /* see update.h */
};

struct gch_segment {
    uint8_t *map; /* NULL once unmapped */
    size_t size;  /* of the file and the map */
    uint64_t id;
    int fd; /* -1: memory, or closed */
    bool memory;
    _Atomic uint64_t end;      /* bytes published, from the start of the file */
    _Atomic uint64_t acked;    /* bytes delivered; written by the sender */
    uint64_t rows;             /* rows and updates appended; under the outbox lock */
    bool sealed;               /* under the outbox lock */
    uint32_t schemas;          /* bit n: table n has its SCHEMA frame here; under the outbox lock */
    char name[40];             /* file name in the writer's directory */
    bool damaged;              /* the sender's: its file is kept in damaged/ too and must not be written to again */
    bool retired;              /* under the outbox lock: the keeper has put the map away */
    uint64_t synced;           /* under the outbox lock: bytes known to be on disk, from the start of the file */
    uint64_t rows_synced;      /* under the outbox lock: rows in them */
    bool sync_failed;          /* under the outbox lock: what is behind them may never be */
    struct gch_segment *later; /* the outbox's list, oldest first */
};

/* The bytes a frame of this payload length takes. */
static inline size_t gch_frame_size(size_t payload_len)
{
    return (GCH_FRAME_HEADER + payload_len + GCH_FRAME_ALIGN - 1) & ~(size_t)(GCH_FRAME_ALIGN - 1);
}

/* Creates a new file in directory dir_fd, allocates all of size and maps it. With fault_in the pages are made present
 * now, so that appends never fault. GCH_ERR_IO: nothing is left behind. On success the caller owns *segment. */
enum gch_status gch_segment_create(struct gch_segment **segment, int dir_fd, const char *name, uint64_t id, size_t size,
                                   bool fault_in, struct gch_err *err) GCH_MUST_CHECK;

/* The same in anonymous memory. */
enum gch_status gch_segment_create_memory(struct gch_segment **segment, uint64_t id, size_t size) GCH_MUST_CHECK;

/* Frees the struct, unmaps and closes; the file stays. */
void gch_segment_free(struct gch_segment *segment);

/* As gch_segment_create, on the file of a delivered segment: nothing to allocate, and its pages are in memory already.
 */
enum gch_status gch_segment_recycle(struct gch_segment **segment, int dir_fd, const char *name, uint64_t id,
                                    size_t size, bool fault_in, struct gch_err *err) GCH_MUST_CHECK;

/* Appends one frame. GCH_ERR_FULL: it does not fit, nothing changed. */
enum gch_status gch_segment_append(struct gch_segment *segment, enum gch_frame_kind kind, uint8_t table,
                                   const void *payload, size_t len) GCH_MUST_CHECK;

/* Marks the end in the file: no append may follow. */
void gch_segment_seal(struct gch_segment *segment);

/* Asks the kernel to start writing a sealed segment out, unmaps and closes it; a memory segment stays as it is. */
void gch_segment_retire(struct gch_segment *segment);

static inline uint64_t gch_segment_end(const struct gch_segment *segment)
{
    return atomic_load_explicit(&segment->end, memory_order_acquire);
}

#endif
