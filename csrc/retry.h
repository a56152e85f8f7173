/* How long to wait before the next attempt: full-jitter exponential back-off.
 *
 * The n-th delay, n from 0, is drawn evenly from floor to min(GCH_RETRY_MAX_MS, GCH_RETRY_BASE_MS * 2^n), where floor
 * is what the server's Retry-After asked for (0 when it did not), at most GCH_RETRY_AFTER_MAX_MS. A floor above that
 * range is the delay. Not thread-safe; the sender owns one.
 */
#ifndef GCH_RETRY_H
#define GCH_RETRY_H

#include <stdint.h>

#define GCH_RETRY_BASE_MS      100
#define GCH_RETRY_MAX_MS       60000
#define GCH_RETRY_AFTER_MAX_MS 600000

struct gch_retry {
    unsigned attempts; /* failures since the last success */
    uint64_t random;   /* state of the generator */
};

void gch_retry_init(struct gch_retry *retry, uint64_t seed);
void gch_retry_reset(struct gch_retry *retry); /* after a success */

/* Counts one failure and returns the delay in milliseconds. */
uint32_t gch_retry_next(struct gch_retry *retry, uint32_t retry_after_ms);

#endif
