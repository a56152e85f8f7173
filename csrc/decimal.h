/* Numbers as Decimal64(12): a 64-bit count of 10^-12, as ClickHouse's Decimal(18, 12) keeps them.
 *
 * What lies between two such counts is rounded to the nearer, half to the even one; a double counts as the shortest
 * decimal that reads back as it, which is what its owner wrote. Pure functions; any thread.
 */
#ifndef GCH_DECIMAL_H
#define GCH_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define GCH_DECIMAL_SCALE    12
#define GCH_DECIMAL_ONE      INT64_C(1000000000000)
#define GCH_DECIMAL_LARGEST  INT64_C(999999999999999999) /* 999999.999999999999: all 18 digits */
#define GCH_DECIMAL_TEXT_MAX 24                          /* bytes of any of them as text, without a NUL */

enum gch_decimal_result {
    GCH_DECIMAL_OK,
    GCH_DECIMAL_CLAMPED, /* beyond the range: *units is the nearest end of it */
    GCH_DECIMAL_UNKNOWN, /* NaN, an infinity, or text that is no decimal number: *units stays */
};

enum gch_decimal_result gch_decimal_of_double(double value, int64_t *units);
enum gch_decimal_result gch_decimal_of_int(int64_t value, int64_t *units);

/* A decimal number with blanks around it: digits with at most one point, a sign, an exponent ("0.0000125", "1e-7"). */
enum gch_decimal_result gch_decimal_of_text(const char *text, size_t len, int64_t *units);

/* Adds, clamped to the range. */
enum gch_decimal_result gch_decimal_add(int64_t a, int64_t b, int64_t *sum);

/* Writes units of 10^-scale, scale 0 to 18, to out, GCH_DECIMAL_TEXT_MAX bytes, without zeros at the end behind the
 * point; returns the length. */
size_t gch_decimal_write(int64_t units, unsigned scale, char *out);

#endif
