/* How many rows of a batch the next request takes, when the server refuses some of them.
 *
 * A refused run of rows is halved down to the bad row, which then stands alone in a request and gets the server's own
 * words. Runs that are taken double again. With k bad rows of n that is about k * (log2(n / k) + 2) requests. The step
 * outlives the batch, so that the rest of a batch that is put off goes on as it was. Owner: the sender thread. Zeroed
 * is the start.
 */
#ifndef GCH_HALVING_H
#define GCH_HALVING_H

#include <stddef.h>

#define GCH_STEP_FORGET (1U << 20) /* rows in a step from which on there is no limit again */

struct gch_halving {
    size_t step;    /* rows that are tried where nothing is known, 0: all */
    size_t bad_end; /* of the rows that are not done there is a bad one before this; 0: not known */
};

/* Rows for the next request, from done; at least 1. */
size_t gch_halving_next(const struct gch_halving *halving, size_t done, size_t count);

/* The server took the rows up to done. */
void gch_halving_taken(struct gch_halving *halving, size_t done);

/* The server refused rows behind done; more than one. */
void gch_halving_refused(struct gch_halving *halving, size_t done, size_t rows);

/* One row was put aside; done stands behind it. */
void gch_halving_settled(struct gch_halving *halving, size_t done);

/* What is behind done becomes the start of another batch. */
void gch_halving_rebase(struct gch_halving *halving, size_t done);

#endif
