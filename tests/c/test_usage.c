/* needs: usage.c usage_names.c rowbinary.c buf.c */
#include "usage.h"

#include <inttypes.h>
#include <stdlib.h>

#include "check.h"
#include "rowbinary.h"

#define DRAWS 100000

static uint64_t random_state = 3;

static uint64_t next_random(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* "name=number name=number" as RowBinary pairs. */
static void put_pairs(const char *text, struct gch_buf *pairs)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "=");
        char *end;
        gch_rb_string(pairs, text, len);
        gch_rb_u64(pairs, strtoull(text + len + 1, &end, 10));
        text = end + strspn(end, " ");
    }
}

/* The map that is stored, in the same form. */
static void show_map(const struct gch_buf *map, struct gch_buf *text)
{
    const uint8_t *at = map->data + 1; /* Less than 128 entries. */
    struct gch_rb_pair pair;
    unsigned count = 0;
    for (; gch_rb_take_pair(&at, map->data + map->len, &pair); count++)
        gch_buf_printf(text, "%s%.*s=%" PRIu64, count == 0 ? "" : " ", (int)pair.len, pair.name, pair.number);
    CHECK_INT(map->data[0], count);
    CHECK(at == map->data + map->len);
}

static void sort_text(const char *text, struct gch_usage *usage, struct gch_buf *shown)
{
    struct gch_buf pairs;
    struct gch_buf map;
    gch_buf_init(&pairs, 1 << 16);
    gch_buf_init(&map, 1 << 16);
    put_pairs(text, &pairs);
    gch_usage_init(usage);
    gch_usage_take_pairs(usage, pairs.data, pairs.len);
    gch_usage_sort(usage);
    gch_usage_put(usage, pairs.data, pairs.len, &map);
    show_map(&map, shown);
    gch_buf_deinit(&pairs);
    gch_buf_deinit(&map);
}

static void check_sorted(int line, const char *given, const char *want, unsigned want_flags)
{
    struct gch_usage usage;
    struct gch_buf shown;
    gch_buf_init(&shown, 1 << 16);
    sort_text(given, &usage, &shown);
    const char *got = gch_buf_cstr(&shown);
    if (!check_count(got != NULL && strcmp(got, want) == 0 && usage.flags == want_flags, __FILE__, line, given))
        printf("    got  %s (flags %u)\n    want %s (flags %u)\n", got, usage.flags, want, want_flags);
    gch_buf_deinit(&shown);
}

#define CHECK_SORTED(given, want)              check_sorted(__LINE__, given, want, 0)
#define CHECK_FLAGGED(given, want, want_flags) check_sorted(__LINE__, given, want, want_flags)

static void test_openai(void)
{
    CHECK_SORTED("prompt_tokens=9 completion_tokens=12 total_tokens=21", "input=9 output=12 total=21");
    CHECK_SORTED(
        "prompt_tokens=2006 completion_tokens=300 total_tokens=2306 prompt_tokens_details.cached_tokens=1920 "
        "completion_tokens_details.reasoning_tokens=100 completion_tokens_details.accepted_prediction_tokens=18 "
        "completion_tokens_details.rejected_prediction_tokens=10",
        "input=86 input_cache_read=1920 output=300 total=2306 output.reasoning=100 "
        "output.accepted_prediction=18 output.rejected_prediction=10");
    CHECK_SORTED("input_tokens=328 input_tokens_details.cached_tokens=128 output_tokens=52 "
                 "output_tokens_details.reasoning_tokens=32 total_tokens=380",
                 "input=200 input_cache_read=128 output=52 total=380 output.reasoning=32");
    CHECK_SORTED("input_tokens=328 input_tokens_details.cached_tokens=100 input_tokens_details.cache_write_tokens=28 "
                 "output_tokens=52 total_tokens=380",
                 "input=200 input_cache_read=100 input_cache_creation=28 output=52 total=380");
    CHECK_SORTED("prompt_tokens=114 prompt_tokens_details.audio_tokens=100 prompt_tokens_details.cached_tokens=0 "
                 "completion_tokens=80 completion_tokens_details.audio_tokens=60 total_tokens=194",
                 "input=114 input_cache_read=0 output=80 total=194 input.audio=100 output.audio=60");
    CHECK_SORTED("prompt_tokens=8 total_tokens=8", "input=8 total=8");
}

static void test_anthropic(void)
{
    CHECK_SORTED("input_tokens=10 output_tokens=25", "input=10 output=25 total=35");
    CHECK_SORTED("input_tokens=50 cache_read_input_tokens=100000 cache_creation_input_tokens=248 "
                 "cache_creation.ephemeral_5m_input_tokens=148 cache_creation.ephemeral_1h_input_tokens=100 "
                 "output_tokens=503",
                 "input=50 input_cache_read=100000 input_cache_creation=248 output=503 total=100801 "
                 "input_cache_creation.5m=148 input_cache_creation.1h=100");
    CHECK_SORTED("input_tokens=50 cache_creation.ephemeral_5m_input_tokens=148 output_tokens=3",
                 "input=50 input_cache_creation=148 output=3 total=201 input_cache_creation.5m=148");
    CHECK_SORTED("input_tokens=5 output_tokens=6 server_tool_use.web_search_requests=1",
                 "input=5 output=6 total=11 other.server_tool_use.web_search_requests=1");
    /* Whoever adds a total himself leaves the cache out; it stays outside. */
    CHECK_FLAGGED("input_tokens=5 cache_read_input_tokens=20 output_tokens=6 total_tokens=11",
                  "input=5 input_cache_read=20 output=6 total=31 total.provided=11", GCH_USAGE_DIFFERS);
}

static void test_litellm(void)
{
    CHECK_SORTED("prompt_tokens=100298 completion_tokens=503 total_tokens=100801 "
                 "prompt_tokens_details.cached_tokens=100000 prompt_tokens_details.cache_creation_tokens=248 "
                 "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens=148 "
                 "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens=100 "
                 "cache_creation_input_tokens=248 cache_read_input_tokens=100000",
                 "input=50 input_cache_read=100000 input_cache_creation=248 output=503 total=100801 "
                 "input_cache_creation.5m=148 input_cache_creation.1h=100");
    CHECK_SORTED("prompt_tokens=30 completion_tokens=5 cache_read_input_tokens=20",
                 "input=10 input_cache_read=20 output=5 total=35");
    CHECK_SORTED("prompt_tokens=100 completion_tokens=10 total_tokens=110 prompt_cache_hit_tokens=64 "
                 "prompt_cache_miss_tokens=36",
                 "input=36 input_cache_read=64 output=10 total=110 other.prompt_cache_miss_tokens=36");
}

static void test_gemini(void)
{
    CHECK_SORTED("promptTokenCount=12 cachedContentTokenCount=4 candidatesTokenCount=71 toolUsePromptTokenCount=65 "
                 "thoughtsTokenCount=89 totalTokenCount=237",
                 "input=73 input_cache_read=4 output=160 total=237 input.tool_use=65 output.reasoning=89");
    CHECK_SORTED("prompt_token_count=11 candidates_token_count=5 thoughts_token_count=7 total_token_count=23",
                 "input=11 output=12 total=23 output.reasoning=7");
    /* Cut off while it thought: no candidates are counted. */
    CHECK_SORTED("promptTokenCount=11 thoughtsTokenCount=7 totalTokenCount=18",
                 "input=11 output=7 total=18 output.reasoning=7");
    /* No total: the thoughts are outside. */
    CHECK_SORTED("promptTokenCount=11 candidatesTokenCount=5 thoughtsTokenCount=7",
                 "input=11 output=12 total=23 output.reasoning=7");
    /* The prompt was blocked: nobody says that there was no output. */
    CHECK_SORTED("promptTokenCount=11 totalTokenCount=11", "input=11 total=11");
}

static void test_others(void)
{
    CHECK_SORTED("input_tokens=350 output_tokens=240 total_tokens=590 input_token_details.audio=10 "
                 "input_token_details.cache_creation=200 input_token_details.cache_read=100 "
                 "output_token_details.audio=10 output_token_details.reasoning=200",
                 "input=50 input_cache_read=100 input_cache_creation=200 output=240 total=590 input.audio=10 "
                 "output.reasoning=200 output.audio=10");
    CHECK_SORTED("inputTokens=30 outputTokens=628 totalTokens=658", "input=30 output=628 total=658");
    CHECK_SORTED("inputTokens=30 cacheReadInputTokens=1000 cacheWriteInputTokens=0 outputTokens=628 totalTokens=1658",
                 "input=30 input_cache_read=1000 input_cache_creation=0 output=628 total=1658");
    CHECK_SORTED("input=2140 input_cached_tokens=1024 output=96 output_reasoning_tokens=310 total=3570",
                 "input=2140 input_cache_read=1024 output=406 total=3570 output.reasoning=310");
    CHECK_SORTED("input=2 input_cached_tokens=47105 input_cache_creation=0 input_cache_creation_1h=1076 output=714",
                 "input=2 input_cache_read=47105 input_cache_creation=1076 output=714 total=48897 "
                 "input_cache_creation.1h=1076");
    CHECK_SORTED("input=10 input_audio_tokens=5 output=3 output_audio_tokens=4",
                 "input=15 output=7 total=22 input.audio=5 output.audio=4");
    CHECK_SORTED("prompt_eval_count=26 eval_count=298 total_duration=5000000",
                 "input=26 output=298 total=324 other.total_duration=5000000");
}

static void test_the_total_decides(void)
{
    /* xAI: the reasoning is not in completion_tokens. */
    CHECK_SORTED("prompt_tokens=32 completion_tokens=9 total_tokens=135 completion_tokens_details.reasoning_tokens=94",
                 "input=32 output=103 total=135 output.reasoning=94");
    /* Vertex: the candidates hold the thoughts. */
    CHECK_SORTED("promptTokenCount=10 candidatesTokenCount=50 thoughtsTokenCount=20 totalTokenCount=60",
                 "input=10 output=50 total=60 output.reasoning=20");
    /* A proxy took the cache out of the prompt. */
    CHECK_SORTED("prompt_tokens=10 prompt_tokens_details.cached_tokens=100 completion_tokens=5 total_tokens=115",
                 "input=10 input_cache_read=100 output=5 total=115");
    /* Both at once. */
    CHECK_SORTED("prompt_tokens=10 prompt_tokens_details.cached_tokens=100 completion_tokens=5 "
                 "completion_tokens_details.reasoning_tokens=7 total_tokens=122",
                 "input=10 input_cache_read=100 output=12 total=122 output.reasoning=7");
    /* Langfuse's names with a total in which the reasoning is part of the output. */
    CHECK_SORTED("input=10 output=20 output_reasoning_tokens=15 total=30",
                 "input=10 output=20 total=30 output.reasoning=15");
}

static void test_what_does_not_fit(void)
{
    CHECK_FLAGGED("prompt_tokens=10 prompt_tokens_details.cached_tokens=12 completion_tokens=5 total_tokens=15",
                  "input=0 input_cache_read=12 output=5 total=17 total.provided=15",
                  GCH_USAGE_CLAMPED | GCH_USAGE_DIFFERS);
    CHECK_FLAGGED("prompt_tokens=1 completion_tokens=5 completion_tokens_details.reasoning_tokens=9",
                  "input=1 output=5 total=6 output.reasoning=5", GCH_USAGE_CLAMPED);
    CHECK_FLAGGED("input_tokens=1 cache_creation_input_tokens=5 cache_creation.ephemeral_1h_input_tokens=9",
                  "input=1 input_cache_creation=5 total=6 input_cache_creation.1h=5", GCH_USAGE_CLAMPED);
    CHECK_FLAGGED("prompt_tokens=10 completion_tokens=5 total_tokens=9", "input=10 output=5 total=15 total.provided=9",
                  GCH_USAGE_DIFFERS);
    CHECK_FLAGGED("prompt_tokens=18446744073709551615 completion_tokens=1",
                  "input=18446744073709551615 output=1 total=18446744073709551615", GCH_USAGE_CLAMPED);
    CHECK_FLAGGED("promptTokenCount=18446744073709551615 toolUsePromptTokenCount=18446744073709551615",
                  "input=18446744073709551615 total=18446744073709551615 input.tool_use=18446744073709551615",
                  GCH_USAGE_CLAMPED);
}

static void test_what_is_not_known_is_not_there(void)
{
    CHECK_SORTED("", "");
    CHECK_SORTED("completion_tokens=5", "output=5 total=5");
    CHECK_SORTED("cache_read_input_tokens=5", "input_cache_read=5 total=5");
    CHECK_SORTED("total_tokens=100", "unsplit=100 total=100");
    CHECK_SORTED("prompt_tokens=60 total_tokens=100", "input=60 unsplit=40 total=100");
    CHECK_SORTED("completion_tokens=102 prompt_tokens=758 total_tokens=1725",
                 "input=758 output=102 unsplit=865 total=1725");
    CHECK_FLAGGED("prompt_tokens=60 total_tokens=40", "input=60 total=60 total.provided=40", GCH_USAGE_DIFFERS);
    CHECK_SORTED("total_tokens=0", "total=0");
    CHECK_SORTED("completion_tokens_details.reasoning_tokens=7", "output.reasoning=7");
    CHECK_SORTED("images=3 seconds=9", "other.images=3 other.seconds=9");
    CHECK_SORTED("cost=3 cost.total=4 cost_details.x=5 costly=6", "other.costly=6");
    CHECK_SORTED("Prompt_tokens=3 prompt_token=4 prompt_tokens_=5",
                 "other.Prompt_tokens=3 other.prompt_token=4 other.prompt_tokens_=5");
}

static void test_a_number_under_two_names_counts_once(void)
{
    CHECK_SORTED("promptTokenCount=10 prompt_token_count=10 candidatesTokenCount=1", "input=10 output=1 total=11");
    CHECK_SORTED("prompt_tokens=10 input_tokens=10 completion_tokens=2 output_tokens=2 total_tokens=12",
                 "input=10 output=2 total=12");
    CHECK_SORTED("prompt_tokens=10 prompt_tokens=10", "input=10 total=10");
}

static void test_what_the_caller_says_fills_gaps(void)
{
    struct gch_usage usage;
    uint64_t tokens;
    gch_usage_init(&usage);
    CHECK(gch_usage_take(&usage, "cache_read_input_tokens", 23, 30));
    gch_usage_take_input(&usage, 100);
    gch_usage_take_output(&usage, 7);
    gch_usage_sort(&usage);
    CHECK_INT(usage.value[GCH_USAGE_INPUT], 70);
    CHECK_INT(usage.value[GCH_USAGE_OUTPUT], 7);
    CHECK_INT(usage.value[GCH_USAGE_TOTAL], 107);
    CHECK(gch_usage_prompt(&usage, &tokens) && tokens == 100);

    gch_usage_init(&usage);
    CHECK(gch_usage_take(&usage, "prompt_tokens", 13, 10));
    CHECK(gch_usage_take(&usage, "completion_tokens", 17, 4));
    gch_usage_take_input(&usage, 1);
    gch_usage_take_output(&usage, 2);
    gch_usage_sort(&usage);
    CHECK_INT(usage.value[GCH_USAGE_INPUT], 10);
    CHECK_INT(usage.value[GCH_USAGE_OUTPUT], 4);
    CHECK(usage.has_said_input && usage.said_input == 1 && usage.has_said_output && usage.said_output == 2);

    gch_usage_init(&usage);
    gch_usage_sort(&usage);
    CHECK(!gch_usage_prompt(&usage, &tokens));
    CHECK_INT(usage.known, 0);
}

static void test_bytes_that_are_no_pairs(void)
{
    struct gch_usage usage;
    struct gch_buf pairs;
    gch_buf_init(&pairs, 1 << 16);
    put_pairs("prompt_tokens=10 completion_tokens=4", &pairs);
    for (size_t len = 0; len <= pairs.len; len++) {
        gch_usage_init(&usage);
        gch_usage_take_pairs(&usage, pairs.data, len);
        gch_usage_sort(&usage);
        CHECK_INT(gch_usage_knows(&usage, GCH_USAGE_INPUT), len >= 22);
        CHECK_INT(gch_usage_knows(&usage, GCH_USAGE_OUTPUT), len >= 48);
    }
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t bytes[4] = {next_random(), next_random(), next_random() >> 40, next_random()};
        gch_usage_init(&usage);
        gch_usage_take_pairs(&usage, (const uint8_t *)bytes, sizeof bytes);
    }
    gch_buf_deinit(&pairs);
}

/* ---- any numbers under any names ---- */

static const char *const names[] = {"prompt_tokens",
                                    "input_tokens",
                                    "input",
                                    "promptTokenCount",
                                    "toolUsePromptTokenCount",
                                    "prompt_tokens_details.cached_tokens",
                                    "cache_read_input_tokens",
                                    "cache_creation_input_tokens",
                                    "input_token_details.cache_creation",
                                    "cache_creation.ephemeral_5m_input_tokens",
                                    "input_cache_creation_1h",
                                    "input_audio",
                                    "prompt_tokens_details.audio_tokens",
                                    "completion_tokens",
                                    "output",
                                    "candidatesTokenCount",
                                    "thoughtsTokenCount",
                                    "output_reasoning",
                                    "output_audio",
                                    "completion_tokens_details.reasoning_tokens",
                                    "total_tokens",
                                    "total",
                                    "unsplit",
                                    "other.thing",
                                    "thing"};

static uint64_t sum_of_undotted(const char *text, uint64_t *total)
{
    uint64_t sum = 0;
    *total = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "=");
        char *end;
        uint64_t number = strtoull(text + len + 1, &end, 10);
        if (len == 5 && memcmp(text, "total", 5) == 0)
            *total = number;
        else if (memchr(text, '.', len) == NULL)
            sum += number;
        text = end + strspn(end, " ");
    }
    return sum;
}

static void check_any(void)
{
    struct gch_buf given;
    struct gch_buf once;
    struct gch_buf twice;
    struct gch_usage usage;
    gch_buf_init(&given, 1 << 16);
    gch_buf_init(&once, 1 << 16);
    gch_buf_init(&twice, 1 << 16);
    uint64_t picked = next_random() & next_random();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((picked >> i & 1) != 0)
            gch_buf_printf(&given, "%s%s=%" PRIu64, given.len > 0 ? " " : "", names[i], next_random() % 40);
    }
    sort_text(gch_buf_cstr(&given), &usage, &once);
    uint64_t total;
    uint64_t sum = sum_of_undotted(gch_buf_cstr(&once), &total);
    bool good = sum == total;
    sort_text(gch_buf_cstr(&once), &usage, &twice);
    good = good && strcmp(gch_buf_cstr(&once), gch_buf_cstr(&twice)) == 0;
    if (!good) {
        check_int(__FILE__, __LINE__, "sum", (int64_t)sum, (int64_t)total);
        check_text(__FILE__, __LINE__, (const char *)given.data, (const char *)twice.data, (const char *)once.data);
    }
    gch_buf_deinit(&given);
    gch_buf_deinit(&once);
    gch_buf_deinit(&twice);
}

/* The names without a dot sum up to the total, and buckets that are read back are the same again. */
static void test_any_numbers(void)
{
    for (unsigned i = 0; i < DRAWS && check_failed < 10; i++)
        check_any();
    CHECK(true);
}

CHECK_MAIN(test_openai, test_anthropic, test_litellm, test_gemini, test_others, test_the_total_decides,
           test_what_does_not_fit, test_what_is_not_known_is_not_there, test_a_number_under_two_names_counts_once,
           test_what_the_caller_says_fills_gaps, test_bytes_that_are_no_pairs, test_any_numbers)
