/* Reading the frames of a segment, live or left behind by a dead process. */
#ifndef GCH_SEGMENT_READER_H
#define GCH_SEGMENT_READER_H

#include "segment.h"

struct gch_frame {
    enum gch_frame_kind kind;
    uint8_t table;
    const uint8_t *payload; /* valid until the next call on the reader */
    size_t len;
    uint64_t offset; /* where the frame starts */
    uint64_t next;   /* where the one behind it starts */
};

/* Reads frames of one segment in order, from a file descriptor of its own (never through the map: a file that somebody
 * cuts cannot kill the process) or from memory. Not thread-safe; the sender owns it. */
struct gch_segment_reader {
    int fd;
    const uint8_t *memory;
    bool live; /* every byte before a limit was published: one that cannot be read is damage */
    uint64_t id;
    uint64_t size;
    uint64_t offset;        /* of the next frame */
    uint64_t acked;         /* what is before it was delivered earlier */
    uint64_t sealed_end;    /* 0: not sealed */
    uint64_t not_before_us; /* a parked segment's time to be tried again, 0 otherwise */
    uint8_t *window;
    size_t window_room;
    size_t window_len;
    uint64_t window_at;
    uint64_t damaged_frames;
    uint64_t damaged_bytes;
};

/* Takes ownership of fd, one of descriptor.h (closed also on failure). GCH_ERR_INVALID: the header is not one of a
 * segment. The offset starts at the first frame; acked is where delivery had come to. A header that had to be mended
 * from its copy counts as damage. */
enum gch_status gch_segment_reader_open(struct gch_segment_reader *reader, int fd, struct gch_err *err) GCH_MUST_CHECK;
void gch_segment_reader_open_memory(struct gch_segment_reader *reader, const struct gch_segment *segment);
void gch_segment_reader_close(struct gch_segment_reader *reader);

/* The next valid frame that ends at or before limit (the size of the file for a dead writer's, gch_segment_end for a
 * live one). GCH_ERR_AGAIN: there is none. GCH_ERR_IO: the file could not be read; the reader has not moved. Damage
 * that was stepped over is counted. */
enum gch_status gch_segment_reader_next(struct gch_segment_reader *reader, uint64_t limit, struct gch_frame *frame,
                                        struct gch_err *err) GCH_MUST_CHECK;

/* Writes how far delivery has come into the header of the file. A write that fails only means that rows are sent again
 * later. */
void gch_segment_ack(int fd, uint64_t id, uint64_t offset);

/* Sets the earliest time at which a dead writer's segment is tried again. */
enum gch_status gch_segment_set_not_before(int fd, uint64_t time_us, struct gch_err *err) GCH_MUST_CHECK;

#endif
