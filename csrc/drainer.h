/* Walks the outbox, ours and those of dead processes, and hands window after window to delivery.
 *
 * There are two lanes, one for our own rows and one for orphans, each with a source and a window. When the delivery of
 * a window fails it is kept, with what is settled in it, and the lane's next run goes on there: nothing is settled
 * twice. Our own rows come first, and pass between two windows of an orphan, so that a long inheritance does not hold
 * them up. An orphan stays locked until it is empty or the drainer is told to let go. Rows that delivery put off are an
 * orphan too, but are not counted as adopted. Owner: the sender thread.
 */
#ifndef GCH_DRAINER_H
#define GCH_DRAINER_H

#include "delivery.h"
#include "orphan.h"
#include "outbox.h"
#include "window.h"

struct gch_lane {
    struct gch_source source;
    struct gch_window window;
    bool in_work; /* the window holds rows that are not settled */
};

struct gch_drainer {
    struct gch_outbox *outbox;
    struct gch_delivery *delivery;
    struct gch_counters *counters;
    struct gch_notices *notices;
    const _Atomic bool *stop;
    const _Atomic bool *pause; /* true: return between two windows; NULL: never */
    size_t batch_bytes;
    uint32_t own_interval_ms; /* how long our own rows wait at most while an orphan is delivered */
    uint64_t own_run_at;      /* when our own rows were looked at last */
    uint64_t windows_settled;
    struct gch_lane own;
    struct gch_segment *own_segment; /* what own.source reads; NULL: it is closed */
    uint64_t own_rows;               /* read from it so far */
    struct gch_lane inherited;
    struct gch_scan scan;
    struct gch_orphan orphan;
    bool orphan_open;
    bool orphan_is_put_off;  /* what delivery put off, not what a dead process left */
    bool orphan_source_open; /* inherited.source reads a segment of the orphan */
};

void gch_drainer_init(struct gch_drainer *drainer, struct gch_outbox *outbox, struct gch_delivery *delivery,
                      struct gch_counters *counters, struct gch_notices *notices, const _Atomic bool *stop,
                      size_t batch_bytes);
void gch_drainer_deinit(struct gch_drainer *drainer);

/* Delivers what is there: of our own, of dead processes, or both. What is in work already is gone on with. GCH_OK:
 * nothing is left. GCH_ERR_STOPPED: *stop. GCH_ERR_AGAIN: *pause. Otherwise as gch_delivery_run, with the words in
 * delivery->reply.err. */
enum gch_status gch_drainer_run(struct gch_drainer *drainer, bool own, bool orphans) GCH_MUST_CHECK;

/* True when rows that were put off wait for the next run. */
bool gch_drainer_has_put_off(const struct gch_drainer *drainer);

/* Looks for outboxes of dead processes and locks the first that has something to deliver. True: there is work. */
bool gch_drainer_has_orphan(struct gch_drainer *drainer);

#endif
