/* The next rows of a source, grouped by table: what is delivered before the source is acknowledged a step further.
 *
 * Either rows of any number of tables, or one update alone, because an update must find the rows before it in the
 * tables. Owner: the sender thread.
 */
#ifndef GCH_WINDOW_H
#define GCH_WINDOW_H

#include "batch.h"
#include "source.h"

struct gch_window {
    struct gch_batch batches[GCH_SCHEMAS_MAX]; /* by the source's table number; count 0: not in this window */
    struct gch_buf update;                     /* the payload of the one update, or empty */
    size_t rows;                               /* in all batches, and the update */
    size_t bytes;
    uint64_t start; /* offsets in the segment: [start, end) is what this window covers */
    uint64_t end;
};

void gch_window_init(struct gch_window *window);
void gch_window_deinit(struct gch_window *window);

/* Fills it with frames that end at or before limit, until bytes_max is passed. GCH_OK with rows 0: nothing was there;
 * end may still have moved, past damage and schemas. Any other status: the source stands where it stood. */
enum gch_status gch_window_fill(struct gch_window *window, struct gch_source *source, uint64_t limit, size_t bytes_max,
                                struct gch_err *err) GCH_MUST_CHECK;

#endif
