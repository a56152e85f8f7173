/* A segment being delivered: its reader, and the SCHEMA frames seen so far, which say what its rows are.
 *
 * Opening walks over what was delivered before and keeps only the schemas; from then on the caller sees rows and
 * updates. Owner: the sender thread.
 */
#ifndef GCH_SOURCE_H
#define GCH_SOURCE_H

#include <stdbool.h>

#include "buf.h"
#include "segment_reader.h"

#define GCH_SCHEMAS_MAX 64

struct gch_source {
    struct gch_segment_reader reader;
    bool damaged;                            /* damage was met since it was opened */
    struct gch_buf schemas[GCH_SCHEMAS_MAX]; /* by table number of this segment; empty where none was seen */
};

/* Takes over an opened reader. */
enum gch_status gch_source_init(struct gch_source *source, struct gch_segment_reader *reader, uint64_t limit,
                                struct gch_err *err) GCH_MUST_CHECK;
void gch_source_deinit(struct gch_source *source);

/* The next row or update, as gch_segment_reader_next. A row whose schema is missing (its frame was damaged) counts as
 * damage. */
enum gch_status gch_source_next(struct gch_source *source, uint64_t limit, struct gch_frame *frame,
                                struct gch_err *err) GCH_MUST_CHECK;

/* Gives the last frame back: the next call returns it again. */
void gch_source_unread(struct gch_source *source, const struct gch_frame *frame);

#endif
