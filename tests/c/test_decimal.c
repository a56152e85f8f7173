/* needs: decimal.c dtoa.c */
#include "decimal.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "check.h"

#define DRAWS 200000

static uint64_t random_state = 7;

static uint64_t next_random(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void check_text_is(const char *text, enum gch_decimal_result want, int64_t want_units)
{
    int64_t units = 77;
    enum gch_decimal_result got = gch_decimal_of_text(text, strlen(text), &units);
    if (!check_count(got == want && units == want_units, __FILE__, __LINE__, text))
        printf("    got %d %" PRId64 ", want %d %" PRId64 "\n", (int)got, units, (int)want, want_units);
}

static void check_double_is(double value, enum gch_decimal_result want, int64_t want_units)
{
    int64_t units = 77;
    enum gch_decimal_result got = gch_decimal_of_double(value, &units);
    if (!check_count(got == want && units == want_units, __FILE__, __LINE__, "double"))
        printf("    %.17g: got %d %" PRId64 ", want %d %" PRId64 "\n", value, (int)got, units, (int)want, want_units);
}

#define OK      GCH_DECIMAL_OK
#define CLAMPED GCH_DECIMAL_CLAMPED
#define UNKNOWN GCH_DECIMAL_UNKNOWN

static void test_texts(void)
{
    check_text_is("0", OK, 0);
    check_text_is("-0", OK, 0);
    check_text_is("+0.000", OK, 0);
    check_text_is("0e99999999999999999999", OK, 0);
    check_text_is("1", OK, GCH_DECIMAL_ONE);
    check_text_is(" 1.5\n", OK, 1500000000000);
    check_text_is("-1.", OK, -GCH_DECIMAL_ONE);
    check_text_is(".5", OK, 500000000000);
    check_text_is("0.0000125", OK, 12500000);
    check_text_is("1e-7", OK, 100000);
    check_text_is("1E-07", OK, 100000);
    check_text_is("125e-7", OK, 12500000);
    check_text_is("0.000000000000000125e12", OK, 125000000);
    check_text_is("12500000000000e-18", OK, 12500000);
    check_text_is("1e+5", OK, 100000 * GCH_DECIMAL_ONE);
    check_text_is("000000000000000000000000001", OK, GCH_DECIMAL_ONE);
    check_text_is("0.000000000001", OK, 1);
    check_text_is("-0.000000000001", OK, -1);
    check_text_is("999999.999999999999", OK, GCH_DECIMAL_LARGEST);
    check_text_is("-999999.999999999999", OK, -GCH_DECIMAL_LARGEST);
}

static void test_texts_that_are_none(void)
{
    static const char *const texts[] = {"",    " ",    "-",     "+",   ".",   "e5",   "1e",  "1e+",
                                        "1e-", "1..2", "1.2.3", "1 2", "--1", "1-",   "0x1", "1,5",
                                        "nan", "inf",  "-inf",  "$1",  "1_0", "1e5.", "1f",  "abc"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_text_is(texts[i], UNKNOWN, 77);
    int64_t units = 77;
    CHECK_INT(gch_decimal_of_text("1\0", 2, &units), UNKNOWN);
    CHECK_INT(gch_decimal_of_text("12", 1, &units), OK);
    CHECK_INT(units, GCH_DECIMAL_ONE);
}

static void test_rounding_is_half_to_even(void)
{
    check_text_is("0.0000000000005", OK, 0);
    check_text_is("0.00000000000050000000000000000000000000000000000000000001", OK, 1);
    check_text_is("0.0000000000015", OK, 2);
    check_text_is("0.0000000000025", OK, 2);
    check_text_is("0.0000000000024999999999999999999999999999999999999999999", OK, 2);
    check_text_is("0.0000000000035", OK, 4);
    check_text_is("-0.0000000000015", OK, -2);
    check_text_is("-0.0000000000005", OK, 0);
    check_text_is("0.0000000000004", OK, 0);
    check_text_is("0.0000000000006", OK, 1);
    check_text_is("0.00000000000095", OK, 1);
    check_text_is("0.0000000000000999", OK, 0);
    check_text_is("5e-13", OK, 0);
    check_text_is("51e-14", OK, 1);
    check_text_is("1e-13", OK, 0);
    check_text_is("9e-400", OK, 0);
    check_text_is("123456.7890123456785", OK, 123456789012345678);
    check_text_is("123456.7890123456775", OK, 123456789012345678);
    check_text_is("123456.78901234567750000000001", OK, 123456789012345678);
    check_text_is("999999.9999999999985", OK, GCH_DECIMAL_LARGEST - 1);
    check_text_is("999999.9999999999994", OK, GCH_DECIMAL_LARGEST);
}

static void test_beyond_the_range(void)
{
    check_text_is("999999.9999999999995", CLAMPED, GCH_DECIMAL_LARGEST);
    check_text_is("1000000", CLAMPED, GCH_DECIMAL_LARGEST);
    check_text_is("-1000000", CLAMPED, -GCH_DECIMAL_LARGEST);
    check_text_is("1e6", CLAMPED, GCH_DECIMAL_LARGEST);
    check_text_is("123456789012345678901234567890", CLAMPED, GCH_DECIMAL_LARGEST);
    check_text_is("1e99999999999999999999", CLAMPED, GCH_DECIMAL_LARGEST);
    check_text_is("-1e400", CLAMPED, -GCH_DECIMAL_LARGEST);
    check_text_is("1e-99999999999999999999", OK, 0);
}

static void test_doubles(void)
{
    check_double_is(0.0, OK, 0);
    check_double_is(-0.0, OK, 0);
    check_double_is(0.1, OK, 100000000000);
    check_double_is(0.1 + 0.2, OK, 300000000000);
    check_double_is(0.0000125, OK, 12500000);
    check_double_is(1e-7, OK, 100000);
    check_double_is(0.0000000000005, OK, 0);
    check_double_is(0.0000000000015, OK, 2);
    check_double_is(0.0000000000025, OK, 2);
    check_double_is(-1.23e-8, OK, -12300);
    check_double_is(5e-324, OK, 0);
    check_double_is(999999.0, OK, 999999 * GCH_DECIMAL_ONE);
    check_double_is(999999.9999999999, OK, 999999999999999900);
    check_double_is(1e6, CLAMPED, GCH_DECIMAL_LARGEST);
    check_double_is(-DBL_MAX, CLAMPED, -GCH_DECIMAL_LARGEST);
    check_double_is((double)NAN, UNKNOWN, 77);
    check_double_is((double)INFINITY, UNKNOWN, 77);
    check_double_is(-(double)INFINITY, UNKNOWN, 77);
}

static void test_integers(void)
{
    int64_t units = 77;
    CHECK_INT(gch_decimal_of_int(0, &units), OK);
    CHECK_INT(units, 0);
    CHECK_INT(gch_decimal_of_int(-3, &units), OK);
    CHECK_INT(units, -3 * GCH_DECIMAL_ONE);
    CHECK_INT(gch_decimal_of_int(999999, &units), OK);
    CHECK_INT(units, 999999 * GCH_DECIMAL_ONE);
    CHECK_INT(gch_decimal_of_int(1000000, &units), CLAMPED);
    CHECK_INT(units, GCH_DECIMAL_LARGEST);
    CHECK_INT(gch_decimal_of_int(INT64_MIN, &units), CLAMPED);
    CHECK_INT(units, -GCH_DECIMAL_LARGEST);
    CHECK_INT(gch_decimal_of_int(INT64_MAX, &units), CLAMPED);
    CHECK_INT(units, GCH_DECIMAL_LARGEST);
}

static void test_sums(void)
{
    int64_t sum;
    CHECK_INT(gch_decimal_add(1, 2, &sum), OK);
    CHECK_INT(sum, 3);
    CHECK_INT(gch_decimal_add(GCH_DECIMAL_LARGEST - 1, 1, &sum), OK);
    CHECK_INT(sum, GCH_DECIMAL_LARGEST);
    CHECK_INT(gch_decimal_add(GCH_DECIMAL_LARGEST, 1, &sum), CLAMPED);
    CHECK_INT(sum, GCH_DECIMAL_LARGEST);
    CHECK_INT(gch_decimal_add(-GCH_DECIMAL_LARGEST, -GCH_DECIMAL_LARGEST, &sum), CLAMPED);
    CHECK_INT(sum, -GCH_DECIMAL_LARGEST);
    CHECK_INT(gch_decimal_add(GCH_DECIMAL_LARGEST, -GCH_DECIMAL_LARGEST, &sum), OK);
    CHECK_INT(sum, 0);
}

static void check_written(int64_t units, unsigned scale, const char *want)
{
    char text[GCH_DECIMAL_TEXT_MAX + 1];
    text[gch_decimal_write(units, scale, text)] = '\0';
    CHECK_TEXT(text, want);
}

static void test_writing(void)
{
    check_written(0, 12, "0");
    check_written(0, 0, "0");
    check_written(5, 0, "5");
    check_written(-50, 0, "-50");
    check_written(1, 12, "0.000000000001");
    check_written(-1, 12, "-0.000000000001");
    check_written(12500000, 12, "0.0000125");
    check_written(GCH_DECIMAL_ONE, 12, "1");
    check_written(-15 * GCH_DECIMAL_ONE / 10, 12, "-1.5");
    check_written(100 * GCH_DECIMAL_ONE, 12, "100");
    check_written(GCH_DECIMAL_LARGEST, 12, "999999.999999999999");
    check_written(-GCH_DECIMAL_LARGEST, 12, "-999999.999999999999");
    check_written(INT64_MIN, 18, "-9.223372036854775808");
    check_written(INT64_MAX, 0, "9223372036854775807");
    check_written(INT64_MIN, 0, "-9223372036854775808");
    check_written(12, 1, "1.2");
}

static void test_what_is_written_is_read_back(void)
{
    for (unsigned i = 0; i < DRAWS; i++) {
        char text[GCH_DECIMAL_TEXT_MAX];
        int64_t units = (int64_t)(next_random() % (2 * (uint64_t)GCH_DECIMAL_LARGEST + 1)) - GCH_DECIMAL_LARGEST;
        int64_t back = 0;
        units >>= next_random() % 60;
        if (gch_decimal_of_text(text, gch_decimal_write(units, 12, text), &back) != OK || back != units)
            check_int(__FILE__, __LINE__, "read back", back, units);
    }
    CHECK(true);
}

/* The digits behind the twelfth decide as arithmetic of 128 bits says, wherever the exponent puts the point. */
static void test_rounding_against_arithmetic(void)
{
    for (unsigned i = 0; i < DRAWS; i++) {
        __extension__ typedef __int128 wide;
        uint64_t digits = next_random() >> (next_random() % 64);
        unsigned cut = (unsigned)(next_random() % 18);
        wide power = 1;
        for (unsigned j = 0; j < cut; j++)
            power *= 10;
        wide quotient = (wide)digits / power;
        wide twice = (wide)digits % power * 2;
        quotient += twice > power || (twice == power && (quotient & 1) != 0);
        bool fits = quotient <= GCH_DECIMAL_LARGEST;
        char text[64];
        snprintf(text, sizeof text, "%" PRIu64 "e-%u", digits, cut + 12);
        check_text_is(text, fits ? OK : CLAMPED, fits ? (int64_t)quotient : GCH_DECIMAL_LARGEST);
    }
}

CHECK_MAIN(test_texts, test_texts_that_are_none, test_rounding_is_half_to_even, test_beyond_the_range, test_doubles,
           test_integers, test_sums, test_writing, test_what_is_written_is_read_back, test_rounding_against_arithmetic)
