/* Brings one window of rows to the server, and decides what happens to rows that it does not take.
 *
 * The tables of a window take turns, a request each, so that one whose batch is halved does not hold up the others.
 * What is not through with that after slice_ms is put off: written to an outbox of its own, so that newer rows can go
 * first. A window is settled when each of its rows is stored, in quarantine, parked or put off; only then may its
 * segment be acknowledged. An attempt that fails half-way keeps what is settled in the batches' `done`, and the next
 * attempt goes on from there. Owner: the sender thread.
 */
#ifndef GCH_DELIVERY_H
#define GCH_DELIVERY_H

#include "aside.h"
#include "counters.h"
#include "halving.h"
#include "notice.h"
#include "post.h"
#include "window.h"

#define GCH_PUT_OFF_MAX        16            /* outboxes of rows put off; beyond them a batch is halved to its end */
#define GCH_QUARANTINE_LOOK_MS 10000         /* how often the quarantine is measured */
#define GCH_LARGE_ROW          (1U << 20)    /* a row of this size that the server refuses for its size is parked */
#define GCH_UPDATE_PATIENCE_MS (3600 * 1000) /* how long an update may look for its run */

struct gch_delivery {
    struct gch_counters *counters;
    struct gch_notices *notices;
    struct gch_reply reply; /* of the last request */
    struct gch_post post;
    int root_fd;                     /* of the outbox, for rows put aside; -1: there is none */
    bool sync;                       /* rows put aside are on disk before they are settled */
    const struct gch_window *window; /* of the last run; what halving knows of its rows holds for no other */
    struct gch_halving halving[GCH_SCHEMAS_MAX];
    uint32_t slice_ms;
    struct gch_writer_dir put_off[GCH_PUT_OFF_MAX]; /* locked, oldest first, for the drainer to take */
    size_t put_off_count;
    uint64_t quarantine_bytes;
    uint64_t quarantine_looked_at;
    bool schema_checked;                    /* the tables were brought up to date since the last SCHEMA failure */
    const struct gch_window *schema_failed; /* the window with that failure, until it is settled; or NULL */
};

void gch_delivery_init(struct gch_delivery *delivery, struct gch_transport *transport, struct gch_counters *counters,
                       struct gch_notices *notices);
void gch_delivery_deinit(struct gch_delivery *delivery);

/* GCH_OK: settled. GCH_ERR_REMOTE: not all of it, the reply says why; try the same window again. GCH_ERR_STOPPED:
 * aborted. */
enum gch_status gch_delivery_run(struct gch_delivery *delivery, struct gch_window *window) GCH_MUST_CHECK;

#endif
