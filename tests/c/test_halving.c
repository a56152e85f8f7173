/* needs: halving.c ; libs: */
#include "halving.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define ROWS 10000

static bool bad[ROWS];
static bool found[ROWS];

/* Delivers all rows as the sender does; put_off rows at a time are a batch of their own, 0: never. Returns how many
 * requests that took. */
static unsigned deliver(size_t put_off)
{
    struct gch_halving halving = {0};
    unsigned requests = 0;
    size_t start = 0;
    size_t done = 0;
    memset(found, 0, sizeof(found));
    while (start + done < ROWS) {
        size_t rows = gch_halving_next(&halving, done, ROWS - start);
        size_t refused = 0;
        CHECK(rows >= 1 && start + done + rows <= ROWS);
        for (size_t i = 0; i < rows; i++)
            refused += bad[start + done + i];
        if (refused == 0) {
            done += rows;
            gch_halving_taken(&halving, done);
        } else if (rows == 1) {
            found[start + done] = true;
            done += 1;
            gch_halving_settled(&halving, done);
        } else {
            gch_halving_refused(&halving, done, rows);
        }
        if (++requests % 10 == 0 && put_off > 0) {
            gch_halving_rebase(&halving, done);
            start += done;
            done = 0;
        }
        CHECK(requests < 3 * ROWS);
    }
    return requests;
}

static void choose(size_t count)
{
    memset(bad, 0, sizeof(bad));
    while (count > 0) {
        size_t i = (size_t)rand() % ROWS;
        count -= !bad[i];
        bad[i] = true;
    }
}

static void test_requests_are_bounded(void)
{
    static const size_t counts[] = {1, 2, 5, 50, 500};
    srand(7);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (int round = 0; round < 50; round++) {
            choose(counts[i]);
            double k = (double)counts[i];
            double bound = 2 * k * log2(ROWS / k) + 2 * log2(ROWS);
            CHECK(deliver(0) <= bound);
            CHECK(memcmp(bad, found, sizeof(bad)) == 0);
            CHECK(deliver(10) <= 1.5 * bound);
            CHECK(memcmp(bad, found, sizeof(bad)) == 0);
        }
    }
}

static void test_nothing_bad_is_one_request(void)
{
    choose(0);
    CHECK_INT(deliver(0), 1);
}

static void test_everything_bad(void)
{
    memset(bad, 1, sizeof(bad));
    CHECK(deliver(0) <= 2 * ROWS);
    CHECK(memcmp(bad, found, sizeof(bad)) == 0);
}

CHECK_MAIN(test_requests_are_bounded, test_nothing_bad_is_one_request, test_everything_bad)
