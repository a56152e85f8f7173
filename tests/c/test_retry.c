/* needs: retry.c */
#include "retry.h"

#include "check.h"

#define DRAWS 20000

static void test_range_doubles_up_to_the_cap(void)
{
    for (unsigned n = 0; n < 40; n++) {
        uint64_t high = n < 20 ? (uint64_t)GCH_RETRY_BASE_MS << n : GCH_RETRY_MAX_MS;
        high = high < GCH_RETRY_MAX_MS ? high : GCH_RETRY_MAX_MS;
        uint32_t least = UINT32_MAX;
        uint32_t most = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct gch_retry retry;
            gch_retry_init(&retry, seed);
            retry.attempts = n;
            uint32_t delay = gch_retry_next(&retry, 0);
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
            CHECK_INT(retry.attempts, n + 1);
        }
        CHECK(most <= high);
        CHECK(most > high * 9 / 10);
        CHECK(least < high / 10);
    }
}

static void test_draws_are_even(void)
{
    unsigned counts[10] = {0};
    struct gch_retry retry;
    gch_retry_init(&retry, 42);
    for (unsigned i = 0; i < DRAWS; i++) {
        retry.attempts = 30;
        counts[(uint64_t)gch_retry_next(&retry, 0) * 10 / (GCH_RETRY_MAX_MS + 1)]++;
    }
    for (unsigned i = 0; i < 10; i++)
        CHECK(counts[i] > DRAWS / 10 * 9 / 10 && counts[i] < DRAWS / 10 * 11 / 10);
}

static void test_retry_after_is_the_floor(void)
{
    struct gch_retry retry;
    uint32_t most = 0;
    gch_retry_init(&retry, 1);
    for (unsigned i = 0; i < 1000; i++) {
        retry.attempts = 30;
        uint32_t delay = gch_retry_next(&retry, 50000);
        CHECK(delay >= 50000 && delay <= GCH_RETRY_MAX_MS);
        most = delay > most ? delay : most;
    }
    CHECK(most > 59000);
    gch_retry_reset(&retry);
    CHECK_INT(gch_retry_next(&retry, 5000), 5000);
    CHECK_INT(gch_retry_next(&retry, 120000), 120000);
    CHECK_INT(gch_retry_next(&retry, UINT32_MAX), GCH_RETRY_AFTER_MAX_MS);
}

static void test_reset_starts_again(void)
{
    struct gch_retry retry;
    gch_retry_init(&retry, 3);
    for (unsigned i = 0; i < 12; i++)
        (void)gch_retry_next(&retry, 0);
    CHECK_INT(retry.attempts, 12);
    gch_retry_reset(&retry);
    CHECK_INT(retry.attempts, 0);
    CHECK(gch_retry_next(&retry, 0) <= GCH_RETRY_BASE_MS);
}

static void test_count_does_not_wrap(void)
{
    struct gch_retry retry;
    gch_retry_init(&retry, 9);
    retry.attempts = UINT32_MAX;
    CHECK(gch_retry_next(&retry, 0) <= GCH_RETRY_MAX_MS);
    CHECK_INT(retry.attempts, UINT32_MAX);
}

static void test_seeds_differ(void)
{
    struct gch_retry one;
    struct gch_retry two;
    unsigned same = 0;
    gch_retry_init(&one, 100);
    gch_retry_init(&two, 101);
    for (unsigned i = 0; i < 50; i++)
        same += gch_retry_next(&one, 0) == gch_retry_next(&two, 0);
    CHECK(same < 5);
}

CHECK_MAIN(test_range_doubles_up_to_the_cap, test_draws_are_even, test_retry_after_is_the_floor,
           test_reset_starts_again, test_count_does_not_wrap, test_seeds_differ)
