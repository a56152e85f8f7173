/* Token usage as providers report it, sorted into buckets that can be summed.
 *
 * In goes what a usage object holds once it is flattened: dotted names with whole numbers. Out come numbers under the
 * names of GCH_USAGE_BUCKET_MAP, by one rule:
 *
 *     total = the sum of all names without a dot (total itself aside)
 *
 * A name with a dot is never added. "bucket.part" says how much of what is already counted is of that kind;
 * "other.NAME" is a number that is none of ours, under the name it came with, unless that is of a cost.
 *
 * A provider's own total wins where it is more than what the provider itemized: the rest is the bucket "unsplit"
 * (Gemini's OpenAI interface tells of its thoughts in no other way). Where it is less, the buckets win, because they
 * are what prices apply to, and it is kept as "total.provided".
 *
 * What providers' names mean is in usage_names.h. Where only the other reading of cache or reasoning reaches the
 * provider's own total (xAI's completion_tokens lack the reasoning, some of Vertex's candidates hold it, some proxies
 * take the cache out of prompt_tokens), the total decides. A number that is not known is not there; it is never 0.
 *
 * Pure functions over the caller's structs; any thread.
 */
#ifndef GCH_USAGE_H
#define GCH_USAGE_H

#include <stdbool.h>

#include "buf.h"
#include "usage_names.h"

/* X(bucket, name) */
#define GCH_USAGE_BUCKET_MAP(X)                                                                                        \
    X(INPUT, "input")                               /* prompt tokens neither read from a cache nor written to one */   \
    X(CACHE_READ, "input_cache_read")               /* prompt tokens read from a cache */                              \
    X(CACHE_CREATION, "input_cache_creation")       /* prompt tokens written to a cache */                             \
    X(OUTPUT, "output")                             /* everything generated, reasoning too */                          \
    X(UNSPLIT, "unsplit")                           /* of the provider's total, what it does not say more about */     \
    X(TOTAL, "total")                               /* the sum of those above */                                       \
    X(INPUT_AUDIO, "input.audio")                   /* of the whole prompt, cached or not */                           \
    X(INPUT_IMAGE, "input.image")                   /* likewise */                                                     \
    X(INPUT_TOOL_USE, "input.tool_use")             /* of input: results of built-in tools */                          \
    X(CACHE_CREATION_5M, "input_cache_creation.5m") /* to be kept for five minutes */                                  \
    X(CACHE_CREATION_1H, "input_cache_creation.1h") /* to be kept for an hour */                                       \
    X(REASONING, "output.reasoning")                                                                                   \
    X(OUTPUT_AUDIO, "output.audio")                                                                                    \
    X(OUTPUT_IMAGE, "output.image")                                                                                    \
    X(ACCEPTED, "output.accepted_prediction")                                                                          \
    X(REJECTED, "output.rejected_prediction")                                                                          \
    X(PROVIDED, "total.provided") /* the provider's total, where it is less */

enum gch_usage_bucket {
#define X(bucket, name) GCH_USAGE_##bucket,
    GCH_USAGE_BUCKET_MAP(X)
#undef X
        GCH_USAGE_BUCKET_COUNT
};

#define GCH_USAGE_CLAMPED 1u /* a part was larger than its whole, or a sum passed 64 bits: stored as the nearest */
#define GCH_USAGE_DIFFERS 2u /* the provider's total is less than the sum of the buckets */

struct gch_usage {
    uint64_t value[GCH_USAGE_BUCKET_COUNT];
    uint32_t known; /* bit of each bucket that has a value */
    unsigned flags;
    uint64_t given[GCH_GIVEN_COUNT];
    uint32_t seen;       /* bit of each number that was given */
    uint64_t said_input; /* by the caller */
    uint64_t said_output;
    bool has_said_input;
    bool has_said_output;
};

/* Nothing is known. */
void gch_usage_init(struct gch_usage *usage);

/* One flattened number. False: the name is none of ours. A number told under two names counts once, the larger. */
bool gch_usage_take(struct gch_usage *usage, const char *name, size_t len, uint64_t number);

/* RowBinary pairs (name String, number UInt64) of such numbers, as our own encoder writes them. */
void gch_usage_take_pairs(struct gch_usage *usage, const uint8_t *pairs, size_t len);

/* What the caller says about the whole prompt and the whole output; buckets use it where the usage does not say it. */
void gch_usage_take_input(struct gch_usage *usage, uint64_t tokens);
void gch_usage_take_output(struct gch_usage *usage, uint64_t tokens);

/* Fills the buckets from what was taken. Once, after the last take. */
void gch_usage_sort(struct gch_usage *usage);

/* The tokens of the whole prompt, cached or not, by the buckets. False: unknown. */
bool gch_usage_prompt(const struct gch_usage *usage, uint64_t *tokens);

static inline bool gch_usage_knows(const struct gch_usage *usage, enum gch_usage_bucket bucket)
{
    return (usage->known >> bucket & 1) != 0;
}

const char *gch_usage_name(enum gch_usage_bucket bucket);

/* Appends Map(LowCardinality(String), UInt64): the buckets that are known, then those of pairs that are none of ours,
 * as "other.NAME". */
void gch_usage_put(const struct gch_usage *usage, const uint8_t *pairs, size_t len, struct gch_buf *buf);

#endif
