/* needs: dtoa.c */
#include "dtoa.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"

#define DRAWS 100000

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void check_double(double value, const char *want)
{
    char text[GCH_DTOA_MAX + 1];
    text[gch_dtoa(value, text)] = '\0';
    CHECK_TEXT(text, want);
}

static void test_forms_of_repr(void)
{
    check_double(0.0, "0.0");
    check_double(-0.0, "-0.0");
    check_double(1.0, "1.0");
    check_double(-1.5, "-1.5");
    check_double(0.1, "0.1");
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(1.0 / 3.0, "0.3333333333333333");
    check_double(100.0, "100.0");
    check_double(123456.789, "123456.789");
    check_double(0.0001, "0.0001");
    check_double(0.00012345, "0.00012345");
    check_double(0.00001, "1e-05");
    check_double(0.000012345, "1.2345e-05");
    check_double(1e15, "1000000000000000.0");
    check_double(9999999999999998.0, "9999999999999998.0");
    check_double(1e16, "1e+16");
    check_double(12345678901234567890.0, "1.2345678901234567e+19");
    check_double(1e22, "1e+22");
    check_double(1e23, "1e+23");
    check_double(9007199254740991.0, "9007199254740991.0");
    check_double(9007199254740993.0, "9007199254740992.0");
    check_double(1e100, "1e+100");
    check_double(-1e-100, "-1e-100");
}

static void test_ends_of_the_range(void)
{
    check_double(5e-324, "5e-324");
    check_double(1e-323, "1e-323");
    check_double(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_double(2.225073858507201e-308, "2.225073858507201e-308");
    check_double(DBL_MAX, "1.7976931348623157e+308");
    check_double(-DBL_MAX, "-1.7976931348623157e+308");
    check_double(2.98023223876953125e-8, "2.9802322387695312e-08");
    check_double(5.684341886080802e-14, "5.684341886080802e-14");
    check_double(9.5367431640625e-07, "9.5367431640625e-07");
}

/* Digits that fewer than 17 places of printf need to come back; printf's are the nearest, which below a power of two is
 * not always the one repr() takes, so there only the length counts. */
static int fewest_digits(double value)
{
    for (int digits = 1; digits < 17; digits++) {
        char text[64];
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            return digits;
    }
    return 17;
}

static int count_digits(const char *text)
{
    int digits = 0;
    int zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text == '.' || *text == '-' || (*text == '0' && digits == 0))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

static void check_shortest(double value)
{
    char text[GCH_DTOA_MAX + 1];
    size_t len = gch_dtoa(value, text);
    text[len] = '\0';
    CHECK(len <= 24);
    CHECK(strtod(text, NULL) == value);
    if (!check_count(count_digits(text) <= fewest_digits(value), __FILE__, __LINE__, "as short as can be"))
        printf("    %s\n", text);
}

static void test_random_doubles_are_shortest(void)
{
    for (unsigned i = 0; i < DRAWS; i++) {
        uint64_t bits = next_random();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            check_shortest(value);
    }
}

static void test_neighbours_of_powers_of_two(void)
{
    for (int exponent = -1074; exponent < 1024; exponent++) {
        double value = ldexp(1.0, exponent);
        check_shortest(value);
        check_shortest(nextafter(value, INFINITY));
        check_shortest(nextafter(value, 1e-320));
    }
}

static void check_integer(int64_t value)
{
    char text[GCH_DTOA_MAX + 1];
    char want[GCH_DTOA_MAX + 1];
    text[gch_itoa(value, text)] = '\0';
    snprintf(want, sizeof want, "%lld", (long long)value);
    CHECK_TEXT(text, want);
}

static void test_integers(void)
{
    check_integer(INT64_MAX);
    check_integer(INT64_MIN);
    for (int64_t value = -1001; value <= 1001; value++)
        check_integer(value);
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10) {
        check_integer(power - 1);
        check_integer(power);
        check_integer(-power);
    }
    for (unsigned i = 0; i < DRAWS; i++)
        check_integer((int64_t)(next_random() >> next_random() % 64));
}

CHECK_MAIN(test_forms_of_repr, test_ends_of_the_range, test_random_doubles_are_shortest,
           test_neighbours_of_powers_of_two, test_integers)
