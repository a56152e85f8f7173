/* The files behind the outbox: making segments and getting rid of them. Used by outbox.c; no lock is held on entry. */
#ifndef GCH_OUTBOX_FILES_H
#define GCH_OUTBOX_FILES_H

#include "outbox.h"

/* A new segment of this size on disk, or in memory when the disk refuses. GCH_ERR_FULL: the outbox is at its cap, or
 * the memory for a broken disk is used up. Posts the notices that go with each case. */
enum gch_status gch_outbox_make_segment(struct gch_outbox *outbox, size_t size, bool fault_in,
                                        struct gch_segment **segment) GCH_MUST_CHECK;

/* Frees a delivered segment; its file is removed, or kept as the spare when may_recycle and none is kept yet. */
void gch_outbox_dispose(struct gch_outbox *outbox, struct gch_segment *segment, bool may_recycle);

/* Seals a memory segment and writes its frames into a file of the writer's directory, for the next process: the last
 * chance of its rows. */
enum gch_status gch_outbox_save(struct gch_outbox *outbox, struct gch_segment *segment) GCH_MUST_CHECK;

#endif
