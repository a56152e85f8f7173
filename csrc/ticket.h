/* What callers' threads want of the sender: everything delivered, or the server reached. A ticket says from when on.
 *
 * Any thread, without the GIL; the waits hold sender.lock only to look and to sleep.
 */
#ifndef GCH_TICKET_H
#define GCH_TICKET_H

#include "sender.h"

struct gch_ticket {
    uint64_t id;
    uint64_t failures; /* attempts that had failed when it was given out */
};

struct gch_ticket gch_ticket_ask_flush(struct gch_sender *sender);

/* Waits at most wait_ms (call in slices to stay interruptible). GCH_OK: the ticket is complete. GCH_ERR_AGAIN: not yet.
 * GCH_ERR_REMOTE: it cannot be: the server does not let us in. */
enum gch_status gch_ticket_wait_flush(struct gch_sender *sender, struct gch_ticket ticket,
                                      uint32_t wait_ms) GCH_MUST_CHECK;

/* Asks the server to answer now. The wait ends when it has, or when the attempt has failed. */
struct gch_ticket gch_ticket_ask_connect(struct gch_sender *sender);
enum gch_status gch_ticket_wait_connect(struct gch_sender *sender, struct gch_ticket ticket,
                                        uint32_t wait_ms) GCH_MUST_CHECK;

/* How the sender stands. */
void gch_sender_get_report(struct gch_sender *sender, struct gch_sender_report *report);

#endif
