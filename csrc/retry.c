#include "retry.h"

#include <limits.h>

#define DOUBLINGS_MAX 16 /* enough to pass GCH_RETRY_MAX_MS, few enough to stay in 32 bits */

void gch_retry_init(struct gch_retry *retry, uint64_t seed)
{
    *retry = (struct gch_retry){.random = seed};
}

void gch_retry_reset(struct gch_retry *retry)
{
    retry->attempts = 0;
}

/* SplitMix64 */
static uint64_t next_random(struct gch_retry *retry)
{
    uint64_t z = retry->random += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint32_t ceiling(unsigned attempts)
{
    uint32_t delay = (uint32_t)GCH_RETRY_BASE_MS << (attempts < DOUBLINGS_MAX ? attempts : DOUBLINGS_MAX);
    return delay < GCH_RETRY_MAX_MS ? delay : GCH_RETRY_MAX_MS;
}

uint32_t gch_retry_next(struct gch_retry *retry, uint32_t retry_after_ms)
{
    uint32_t low = retry_after_ms < GCH_RETRY_AFTER_MAX_MS ? retry_after_ms : GCH_RETRY_AFTER_MAX_MS;
    uint32_t high = ceiling(retry->attempts);
    if (retry->attempts < UINT_MAX)
        retry->attempts++;
    if (high <= low)
        return low;
    uint64_t span = (uint64_t)(high - low) + 1;
    return low + (uint32_t)((next_random(retry) >> 32) * span >> 32);
}
