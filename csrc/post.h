/* The requests of a delivery: rows of a batch, plain or merged, and updates of runs. Owner: the sender thread.
 *
 * Each returns what gch_transport_send does; the reply says how it failed. GCH_ERR_INVALID: the rows' schema cannot be
 * read, so no server will ever take them.
 */
#ifndef GCH_POST_H
#define GCH_POST_H

#include "batch.h"
#include "transport.h"
#include "update.h"

struct gch_post {
    struct gch_transport *transport;
    struct gch_reply *reply;
    struct gch_counters *counters;
    struct gch_buf sql;
    struct gch_buf body;
    struct gch_multipart form;
};

void gch_post_init(struct gch_post *post, struct gch_transport *transport, struct gch_reply *reply,
                   struct gch_counters *counters);
void gch_post_deinit(struct gch_post *post);

/* Rows [from, to). */
enum gch_status gch_post_rows(struct gch_post *post, const struct gch_batch *batch, size_t from,
                              size_t to) GCH_MUST_CHECK;

/* put is one of the statements of update.h. */
enum gch_status gch_post_update(struct gch_post *post, const struct gch_update *update,
                                void (*put)(struct gch_buf *)) GCH_MUST_CHECK;

#endif
