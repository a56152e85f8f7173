/* Walks the outbox, ours and those of dead processes, and hands window after window to delivery.
 *
 * One window is in work at a time. When its delivery fails the window is kept, with what is settled in it, and the next
 * run goes on there: nothing is settled twice. An orphan stays locked until it is empty or the drainer is told to let
 * go. Owner: the sender thread.
 */
#ifndef GCH_DRAINER_H
#define GCH_DRAINER_H

#include "delivery.h"
#include "orphan.h"
#include "outbox.h"
#include "window.h"

struct gch_drainer {
    struct gch_outbox *outbox;
    struct gch_delivery *delivery;
    struct gch_counters *counters;
    struct gch_notices *notices;
    const _Atomic bool *stop;
    const _Atomic bool *pause; /* true: return between two windows; NULL: never */
    size_t batch_bytes;
    struct gch_window window;
    struct gch_source *in_work; /* the source of the window while it is not settled, else NULL */
    uint64_t windows_settled;
    struct gch_source own;           /* of own_segment */
    struct gch_segment *own_segment; /* NULL: none is open */
    uint64_t own_rows;               /* read from it so far */
    struct gch_scan scan;
    struct gch_orphan orphan;
    bool orphan_open;
    struct gch_source orphan_source;
    bool orphan_source_open;
};

void gch_drainer_init(struct gch_drainer *drainer, struct gch_outbox *outbox, struct gch_delivery *delivery,
                      struct gch_counters *counters, struct gch_notices *notices, const _Atomic bool *stop,
                      size_t batch_bytes);
void gch_drainer_deinit(struct gch_drainer *drainer);

/* Delivers what is there: of our own, of dead processes, or both; what is in work already comes first. GCH_OK: nothing
 * is left. GCH_ERR_STOPPED: *stop. GCH_ERR_AGAIN: *pause. Otherwise as gch_delivery_run, with the words in
 * delivery->reply.err. */
enum gch_status gch_drainer_run(struct gch_drainer *drainer, bool own, bool orphans) GCH_MUST_CHECK;

/* True when a window of our own rows waits for its next attempt. */
bool gch_drainer_own_in_work(const struct gch_drainer *drainer);

/* Looks for outboxes of dead processes and locks the first that has something to deliver. True: there is work. */
bool gch_drainer_has_orphan(struct gch_drainer *drainer);

#endif
