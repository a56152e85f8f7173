#include "usage.h"

#include <string.h>

#include "rowbinary.h"

#define OTHER "other."

static const char *const bucket_names[GCH_USAGE_BUCKET_COUNT] = {
#define X(bucket, name) name,
    GCH_USAGE_BUCKET_MAP(X)
#undef X
};

const char *gch_usage_name(enum gch_usage_bucket bucket)
{
    return bucket_names[bucket];
}

/* ---- what was given ---- */

void gch_usage_init(struct gch_usage *usage)
{
    memset(usage, 0, sizeof(*usage));
}

static bool saw(const struct gch_usage *usage, enum gch_usage_given given)
{
    return (usage->seen >> given & 1) != 0;
}

static void give(struct gch_usage *usage, enum gch_usage_given given, uint64_t number)
{
    if (!saw(usage, given) || number > usage->given[given])
        usage->given[given] = number;
    usage->seen |= UINT32_C(1) << given;
}

bool gch_usage_take(struct gch_usage *usage, const char *name, size_t len, uint64_t number)
{
    int given = len == 0 ? -1 : gch_usage_name_find(name, len);
    if (given >= 0)
        give(usage, (enum gch_usage_given)given, number);
    return given >= 0;
}

void gch_usage_take_input(struct gch_usage *usage, uint64_t tokens)
{
    usage->said_input = tokens;
    usage->has_said_input = true;
    if (!saw(usage, GCH_GIVEN_PROMPT) && !saw(usage, GCH_GIVEN_INPUT))
        give(usage, GCH_GIVEN_PROMPT, tokens);
}

void gch_usage_take_output(struct gch_usage *usage, uint64_t tokens)
{
    usage->said_output = tokens;
    usage->has_said_output = true;
    if (!saw(usage, GCH_GIVEN_OUTPUT) && !saw(usage, GCH_GIVEN_REASONING_MORE))
        give(usage, GCH_GIVEN_OUTPUT, tokens);
}

/* ---- buckets ---- */

static uint64_t add(struct gch_usage *usage, uint64_t a, uint64_t b)
{
    if (a <= UINT64_MAX - b)
        return a + b;
    usage->flags |= GCH_USAGE_CLAMPED;
    return UINT64_MAX;
}

/* What is left of a whole without its part. */
static uint64_t without(struct gch_usage *usage, uint64_t whole, uint64_t part)
{
    if (part <= whole)
        return whole - part;
    usage->flags |= GCH_USAGE_CLAMPED;
    return 0;
}

static uint64_t larger(const struct gch_usage *usage, enum gch_usage_given a, enum gch_usage_given b)
{
    return usage->given[a] > usage->given[b] ? usage->given[a] : usage->given[b];
}

static void set(struct gch_usage *usage, enum gch_usage_bucket bucket, uint64_t tokens)
{
    usage->value[bucket] = tokens;
    usage->known |= UINT32_C(1) << bucket;
}

/* A part of a whole: it is known when it was given, and not larger than the whole. */
static void set_part(struct gch_usage *usage, enum gch_usage_bucket bucket, bool given, uint64_t tokens, uint64_t whole)
{
    if (!given)
        return;
    if (tokens > whole)
        usage->flags |= GCH_USAGE_CLAMPED;
    set(usage, bucket, tokens < whole ? tokens : whole);
}

/* What a provider's counts hold. */
struct reading {
    uint64_t prompt; /* the prompt's own count, and what stands beside it in any reading */
    uint64_t cached; /* read and written */
    uint64_t output; /* likewise */
    uint64_t reasoning;
    bool prompt_known;
    bool output_known;
    bool cache_inside;
    bool reasoning_inside;
};

static bool saw_cache_beside(const struct gch_usage *usage)
{
    return saw(usage, GCH_GIVEN_READ) || saw(usage, GCH_GIVEN_WRITE) || saw(usage, GCH_GIVEN_WRITE_5M) ||
           saw(usage, GCH_GIVEN_WRITE_1H) || saw(usage, GCH_GIVEN_WRITE_5M_MORE) || saw(usage, GCH_GIVEN_WRITE_1H_MORE);
}

static bool saw_cache_inside(const struct gch_usage *usage)
{
    return saw(usage, GCH_GIVEN_READ_INSIDE) || saw(usage, GCH_GIVEN_WRITE_INSIDE);
}

/* Where only the split by lifetime is told, it is the whole. */
static uint64_t written(struct gch_usage *usage)
{
    const uint64_t *given = usage->given;
    uint64_t flat = larger(usage, GCH_GIVEN_WRITE, GCH_GIVEN_WRITE_INSIDE);
    if (!saw(usage, GCH_GIVEN_WRITE) && !saw(usage, GCH_GIVEN_WRITE_INSIDE))
        flat = add(usage, given[GCH_GIVEN_WRITE_5M], given[GCH_GIVEN_WRITE_1H]);
    return add(usage, flat, add(usage, given[GCH_GIVEN_WRITE_5M_MORE], given[GCH_GIVEN_WRITE_1H_MORE]));
}

/* The reading that the names tell. */
static struct reading read_names(struct gch_usage *usage)
{
    const uint64_t *given = usage->given;
    struct reading reading = {0};
    bool whole = saw(usage, GCH_GIVEN_PROMPT);
    reading.prompt = given[whole ? GCH_GIVEN_PROMPT : GCH_GIVEN_INPUT];
    reading.prompt = add(usage, reading.prompt, add(usage, given[GCH_GIVEN_TOOL_MORE], given[GCH_GIVEN_AUDIO_IN_MORE]));
    reading.prompt_known =
        whole || saw(usage, GCH_GIVEN_INPUT) || saw(usage, GCH_GIVEN_TOOL_MORE) || saw(usage, GCH_GIVEN_AUDIO_IN_MORE);
    reading.cached = add(usage, larger(usage, GCH_GIVEN_READ, GCH_GIVEN_READ_INSIDE), written(usage));
    reading.cache_inside = whole || saw_cache_inside(usage) || !saw_cache_beside(usage);
    reading.output = add(usage, given[GCH_GIVEN_OUTPUT], given[GCH_GIVEN_AUDIO_OUT_MORE]);
    reading.output_known =
        saw(usage, GCH_GIVEN_OUTPUT) || saw(usage, GCH_GIVEN_AUDIO_OUT_MORE) || saw(usage, GCH_GIVEN_REASONING_MORE);
    reading.reasoning = larger(usage, GCH_GIVEN_REASONING, GCH_GIVEN_REASONING_MORE);
    reading.reasoning_inside = !saw(usage, GCH_GIVEN_REASONING_MORE);
    return reading;
}

/* Whether a reading's sum is the provider's total; one past 64 bits is not. */
static bool is_total(const struct gch_usage *usage, const struct reading *reading)
{
    uint64_t sum;
    return !__builtin_add_overflow(reading->prompt, reading->output, &sum) &&
           !__builtin_add_overflow(sum, reading->cache_inside ? 0 : reading->cached, &sum) &&
           !__builtin_add_overflow(sum, reading->reasoning_inside ? 0 : reading->reasoning, &sum) &&
           sum == usage->given[GCH_GIVEN_TOTAL];
}

/* The total's word, where it has one; buckets of our own that are read back were sorted by it before. Cache that the
 * names put beside the prompt stays there: whoever sums up Anthropic's numbers himself leaves it out. */
static void read_total(const struct gch_usage *usage, struct reading *reading)
{
    if (!saw(usage, GCH_GIVEN_TOTAL) || saw(usage, GCH_GIVEN_PROVIDED) || saw(usage, GCH_GIVEN_UNSPLIT) ||
        !reading->prompt_known || !reading->output_known || is_total(usage, reading))
        return;
    for (int turn = 1; turn < 4; turn++) {
        struct reading other = *reading;
        other.reasoning_inside ^= (turn & 1) != 0;
        other.cache_inside = other.cache_inside && (turn & 2) == 0;
        if (is_total(usage, &other)) {
            *reading = other;
            return;
        }
    }
}

static void sort_prompt(struct gch_usage *usage, const struct reading *reading)
{
    const uint64_t *given = usage->given;
    bool wrote = saw(usage, GCH_GIVEN_WRITE_INSIDE) || saw(usage, GCH_GIVEN_WRITE) || saw(usage, GCH_GIVEN_WRITE_5M) ||
                 saw(usage, GCH_GIVEN_WRITE_1H) || saw(usage, GCH_GIVEN_WRITE_5M_MORE) ||
                 saw(usage, GCH_GIVEN_WRITE_1H_MORE);
    if (reading->prompt_known)
        set(usage, GCH_USAGE_INPUT,
            reading->cache_inside ? without(usage, reading->prompt, reading->cached) : reading->prompt);
    if (saw(usage, GCH_GIVEN_READ) || saw(usage, GCH_GIVEN_READ_INSIDE))
        set(usage, GCH_USAGE_CACHE_READ, larger(usage, GCH_GIVEN_READ, GCH_GIVEN_READ_INSIDE));
    if (wrote)
        set(usage, GCH_USAGE_CACHE_CREATION, written(usage));
    uint64_t whole = UINT64_MAX;
    (void)gch_usage_prompt(usage, &whole);
    uint64_t most_written = usage->value[GCH_USAGE_CACHE_CREATION];
    set_part(usage, GCH_USAGE_CACHE_CREATION_5M, saw(usage, GCH_GIVEN_WRITE_5M) || saw(usage, GCH_GIVEN_WRITE_5M_MORE),
             add(usage, given[GCH_GIVEN_WRITE_5M], given[GCH_GIVEN_WRITE_5M_MORE]), most_written);
    set_part(usage, GCH_USAGE_CACHE_CREATION_1H, saw(usage, GCH_GIVEN_WRITE_1H) || saw(usage, GCH_GIVEN_WRITE_1H_MORE),
             add(usage, given[GCH_GIVEN_WRITE_1H], given[GCH_GIVEN_WRITE_1H_MORE]), most_written);
    set_part(usage, GCH_USAGE_INPUT_AUDIO, saw(usage, GCH_GIVEN_AUDIO_IN) || saw(usage, GCH_GIVEN_AUDIO_IN_MORE),
             add(usage, given[GCH_GIVEN_AUDIO_IN], given[GCH_GIVEN_AUDIO_IN_MORE]), whole);
    set_part(usage, GCH_USAGE_INPUT_IMAGE, saw(usage, GCH_GIVEN_IMAGE_IN), given[GCH_GIVEN_IMAGE_IN], whole);
    set_part(usage, GCH_USAGE_INPUT_TOOL_USE, saw(usage, GCH_GIVEN_TOOL) || saw(usage, GCH_GIVEN_TOOL_MORE),
             add(usage, given[GCH_GIVEN_TOOL], given[GCH_GIVEN_TOOL_MORE]), whole);
}

static void sort_output(struct gch_usage *usage, const struct reading *reading)
{
    const uint64_t *given = usage->given;
    uint64_t whole = UINT64_MAX;
    if (reading->output_known) {
        whole = reading->reasoning_inside ? reading->output : add(usage, reading->output, reading->reasoning);
        set(usage, GCH_USAGE_OUTPUT, whole);
    }
    set_part(usage, GCH_USAGE_REASONING, saw(usage, GCH_GIVEN_REASONING) || saw(usage, GCH_GIVEN_REASONING_MORE),
             reading->reasoning, whole);
    set_part(usage, GCH_USAGE_OUTPUT_AUDIO, saw(usage, GCH_GIVEN_AUDIO_OUT) || saw(usage, GCH_GIVEN_AUDIO_OUT_MORE),
             add(usage, given[GCH_GIVEN_AUDIO_OUT], given[GCH_GIVEN_AUDIO_OUT_MORE]), whole);
    set_part(usage, GCH_USAGE_OUTPUT_IMAGE, saw(usage, GCH_GIVEN_IMAGE_OUT), given[GCH_GIVEN_IMAGE_OUT], whole);
    set_part(usage, GCH_USAGE_ACCEPTED, saw(usage, GCH_GIVEN_ACCEPTED), given[GCH_GIVEN_ACCEPTED], whole);
    set_part(usage, GCH_USAGE_REJECTED, saw(usage, GCH_GIVEN_REJECTED), given[GCH_GIVEN_REJECTED], whole);
}

/* What only the total tells of is a bucket of its own, so that the sum is the total. */
static void sort_total(struct gch_usage *usage)
{
    enum gch_usage_given source = saw(usage, GCH_GIVEN_PROVIDED) ? GCH_GIVEN_PROVIDED : GCH_GIVEN_TOTAL;
    uint64_t provided = usage->given[source];
    uint64_t sum = 0;
    for (enum gch_usage_bucket bucket = GCH_USAGE_INPUT; bucket < GCH_USAGE_UNSPLIT; bucket++)
        sum = add(usage, sum, usage->value[bucket]);
    if (saw(usage, GCH_GIVEN_UNSPLIT))
        set(usage, GCH_USAGE_UNSPLIT, usage->given[GCH_GIVEN_UNSPLIT]);
    else if (source == GCH_GIVEN_TOTAL && provided > sum)
        set(usage, GCH_USAGE_UNSPLIT, provided - sum);
    sum = add(usage, sum, usage->value[GCH_USAGE_UNSPLIT]);
    bool any = (usage->known & ((UINT32_C(1) << GCH_USAGE_TOTAL) - 1)) != 0;
    if (any || saw(usage, source))
        set(usage, GCH_USAGE_TOTAL, sum);
    if (saw(usage, source) && provided != sum) {
        set(usage, GCH_USAGE_PROVIDED, provided);
        usage->flags |= GCH_USAGE_DIFFERS;
    }
}

void gch_usage_sort(struct gch_usage *usage)
{
    struct reading reading = read_names(usage);
    read_total(usage, &reading);
    sort_prompt(usage, &reading);
    sort_output(usage, &reading);
    sort_total(usage);
}

bool gch_usage_prompt(const struct gch_usage *usage, uint64_t *tokens)
{
    if (!gch_usage_knows(usage, GCH_USAGE_INPUT))
        return false;
    if (__builtin_add_overflow(usage->value[GCH_USAGE_INPUT], usage->value[GCH_USAGE_CACHE_READ], tokens) ||
        __builtin_add_overflow(*tokens, usage->value[GCH_USAGE_CACHE_CREATION], tokens))
        *tokens = UINT64_MAX;
    return true;
}

/* ---- RowBinary ---- */

void gch_usage_take_pairs(struct gch_usage *usage, const uint8_t *pairs, size_t len)
{
    const uint8_t *end = pairs + len;
    struct gch_rb_pair pair;
    while (gch_rb_take_pair(&pairs, end, &pair))
        (void)gch_usage_take(usage, pair.name, pair.len, pair.number);
}

/* What providers say about money stands among the tokens; cut to whole numbers it would say something else. */
static bool is_cost(const struct gch_rb_pair *pair)
{
    return pair->len >= 4 && memcmp(pair->name, "cost", 4) == 0 &&
           (pair->len == 4 || pair->name[4] == '.' || pair->name[4] == '_');
}

static size_t put_others(const uint8_t *pairs, size_t len, struct gch_buf *buf)
{
    const uint8_t *end = pairs + len;
    struct gch_rb_pair pair;
    size_t count = 0;
    while (gch_rb_take_pair(&pairs, end, &pair)) {
        if (is_cost(&pair) || (pair.len > 0 && gch_usage_name_find(pair.name, pair.len) >= 0))
            continue;
        count += 1;
        if (buf == NULL)
            continue;
        size_t mark = gch_rb_string_begin(buf);
        if (pair.len < strlen(OTHER) || memcmp(pair.name, OTHER, strlen(OTHER)) != 0)
            gch_buf_append(buf, OTHER, strlen(OTHER));
        gch_buf_append(buf, pair.name, pair.len);
        gch_rb_string_end(buf, mark);
        gch_rb_u64(buf, pair.number);
    }
    return count;
}

void gch_usage_put(const struct gch_usage *usage, const uint8_t *pairs, size_t len, struct gch_buf *buf)
{
    gch_rb_varint(buf, (uint64_t)__builtin_popcount(usage->known) + put_others(pairs, len, NULL));
    for (enum gch_usage_bucket bucket = 0; bucket < GCH_USAGE_BUCKET_COUNT; bucket++) {
        if (!gch_usage_knows(usage, bucket))
            continue;
        gch_rb_string(buf, bucket_names[bucket], strlen(bucket_names[bucket]));
        gch_rb_u64(buf, usage->value[bucket]);
    }
    (void)put_others(pairs, len, buf);
}
