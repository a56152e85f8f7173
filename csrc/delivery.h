/* Brings one window of rows to the server, and decides what happens to rows that it does not take.
 *
 * A window is settled when each of its rows is stored, in quarantine, or parked; only then may its segment be
 * acknowledged. An attempt that fails half-way keeps what is settled in the batches' `done`, and the next attempt goes
 * on from there. Owner: the sender thread.
 */
#ifndef GCH_DELIVERY_H
#define GCH_DELIVERY_H

#include "counters.h"
#include "notice.h"
#include "transport.h"
#include "window.h"

#define GCH_LARGE_ROW          (1U << 20)    /* a row of this size that the server refuses for its size is parked */
#define GCH_UPDATE_PATIENCE_MS (3600 * 1000) /* how long an update may look for its run */

struct gch_delivery {
    struct gch_transport *transport;
    struct gch_counters *counters;
    struct gch_notices *notices;
    struct gch_reply reply; /* of the last request */
    struct gch_buf sql;
    struct gch_buf body;
    struct gch_buf form;
    int root_fd;         /* of the outbox, for rows put aside; -1: there is none */
    bool schema_checked; /* the tables were brought up to date since the last SCHEMA failure */
};

void gch_delivery_init(struct gch_delivery *delivery, struct gch_transport *transport, struct gch_counters *counters,
                       struct gch_notices *notices);
void gch_delivery_deinit(struct gch_delivery *delivery);

/* GCH_OK: settled. GCH_ERR_REMOTE: not all of it, the reply says why; try the same window again. GCH_ERR_STOPPED:
 * aborted. */
enum gch_status gch_delivery_run(struct gch_delivery *delivery, struct gch_window *window) GCH_MUST_CHECK;

#endif
