#include "decimal.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dtoa.h"

#define DIGITS_MAX   18      /* of a Decimal(18, 12) */
#define EXPONENT_MAX 1000000 /* far beyond what any number of digits in memory can make up for */

/* A text being read: its digits come one by one, those of the result first. */
struct reading {
    const char *at;
    const char *end;
    uint64_t units;
    long kept;  /* digits in units, from the first that is not 0 */
    long whole; /* digits before the point, without leading zeros; less than 0: zeros behind the point */
    int next;   /* the digit behind those kept, -1: none yet */
    bool more;  /* a digit that is not 0 behind next */
    bool has_digit;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Remembers the first digits that are not leading zeros, one more than fit, and whether there is more. */
static void take_digit(struct reading *reading, int digit)
{
    if (reading->kept < DIGITS_MAX) {
        reading->units = reading->units * 10 + (uint64_t)digit;
        reading->kept += reading->units != 0;
    } else if (reading->next < 0) {
        reading->next = digit;
    } else {
        reading->more = reading->more || digit != 0;
    }
}

static void read_digits(struct reading *reading)
{
    bool behind_point = false;
    for (; reading->at < reading->end; reading->at++) {
        char c = *reading->at;
        if (c == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (!is_digit(c))
            return;
        reading->has_digit = true;
        take_digit(reading, c - '0');
        if (!behind_point)
            reading->whole += reading->units != 0;
        else
            reading->whole -= reading->units == 0;
    }
}

/* True when there is an exponent or none, false for something that is neither. */
static bool read_exponent(struct reading *reading, long *exponent)
{
    *exponent = 0;
    if (reading->at == reading->end || (*reading->at != 'e' && *reading->at != 'E'))
        return true;
    reading->at++;
    bool below = reading->at < reading->end && *reading->at == '-';
    reading->at += reading->at < reading->end && (*reading->at == '-' || *reading->at == '+');
    if (reading->at == reading->end || !is_digit(*reading->at))
        return false;
    for (; reading->at < reading->end && is_digit(*reading->at); reading->at++)
        *exponent = *exponent < EXPONENT_MAX ? *exponent * 10 + (*reading->at - '0') : EXPONENT_MAX;
    *exponent = below ? -*exponent : *exponent;
    return true;
}

/* Cuts the last digits off, count of them, and keeps in mind what they were. */
static void cut(struct reading *reading, long count)
{
    for (; count > 0 && reading->units != 0; count--) {
        reading->more = reading->more || reading->next > 0;
        reading->next = (int)(reading->units % 10);
        reading->units /= 10;
    }
    if (count > 0) {
        reading->more = reading->more || reading->next > 0;
        reading->next = 0;
    }
}

static void round_half_even(struct reading *reading)
{
    bool above = reading->next > 5 || (reading->next == 5 && reading->more);
    bool half = reading->next == 5 && !reading->more;
    reading->units += above || (half && (reading->units & 1) != 0);
}

/* The magnitude in units of 10^-12. False: it is larger than any. */
static bool scale(struct reading *reading, long exponent)
{
    if (reading->units == 0)
        return true;
    long wanted = reading->whole + exponent + GCH_DECIMAL_SCALE; /* digits of the result */
    if (wanted > DIGITS_MAX)
        return false;
    for (; reading->kept < wanted; reading->kept++)
        reading->units *= 10;
    if (reading->kept > wanted)
        cut(reading, reading->kept - wanted);
    round_half_even(reading);
    return reading->units <= GCH_DECIMAL_LARGEST;
}

enum gch_decimal_result gch_decimal_of_text(const char *text, size_t len, int64_t *units)
{
    struct reading reading = {.at = text, .end = text + len, .next = -1};
    while (reading.at < reading.end && is_blank(*reading.at))
        reading.at++;
    while (reading.end > reading.at && is_blank(reading.end[-1]))
        reading.end--;
    bool below = reading.at < reading.end && *reading.at == '-';
    reading.at += reading.at < reading.end && (*reading.at == '-' || *reading.at == '+');
    long exponent;
    read_digits(&reading);
    if (!reading.has_digit || !read_exponent(&reading, &exponent) || reading.at != reading.end)
        return GCH_DECIMAL_UNKNOWN;
    bool fits = scale(&reading, exponent);
    int64_t magnitude = fits ? (int64_t)reading.units : GCH_DECIMAL_LARGEST;
    *units = below ? -magnitude : magnitude;
    return fits ? GCH_DECIMAL_OK : GCH_DECIMAL_CLAMPED;
}

enum gch_decimal_result gch_decimal_of_double(double value, int64_t *units)
{
    char text[GCH_DTOA_MAX];
    if (!isfinite(value))
        return GCH_DECIMAL_UNKNOWN;
    return gch_decimal_of_text(text, gch_dtoa(value, text), units);
}

enum gch_decimal_result gch_decimal_of_int(int64_t value, int64_t *units)
{
    int64_t most = GCH_DECIMAL_LARGEST / GCH_DECIMAL_ONE;
    if (value > most || value < -most) {
        *units = value > 0 ? GCH_DECIMAL_LARGEST : -GCH_DECIMAL_LARGEST;
        return GCH_DECIMAL_CLAMPED;
    }
    *units = value * GCH_DECIMAL_ONE;
    return GCH_DECIMAL_OK;
}

/* Both are within the range, so that 64 bits hold the sum. */
enum gch_decimal_result gch_decimal_add(int64_t a, int64_t b, int64_t *sum)
{
    int64_t exact = a + b;
    *sum = exact > GCH_DECIMAL_LARGEST    ? GCH_DECIMAL_LARGEST
           : exact < -GCH_DECIMAL_LARGEST ? -GCH_DECIMAL_LARGEST
                                          : exact;
    return *sum == exact ? GCH_DECIMAL_OK : GCH_DECIMAL_CLAMPED;
}

size_t gch_decimal_write(int64_t units, unsigned decimals, char *out)
{
    char text[GCH_DECIMAL_TEXT_MAX];
    char *at = text + sizeof(text);
    uint64_t magnitude = units < 0 ? 0 - (uint64_t)units : (uint64_t)units;
    while (decimals > 0 && magnitude % 10 == 0) {
        magnitude /= 10;
        decimals -= 1;
    }
    for (unsigned written = 0; written <= decimals || magnitude != 0; written++) {
        if (written == decimals && decimals > 0)
            *--at = '.';
        *--at = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    if (units < 0)
        *--at = '-';
    size_t len = (size_t)(text + sizeof(text) - at);
    memcpy(out, at, len);
    return len;
}
