#include "dtoa.h"

#include <stdbool.h>
#include <string.h>

#include "dtoa_pow10.h"

#define SIGNIFICAND_BITS 52
#define EXPONENT_MASK    0x7FF
#define EXPONENT_BIAS    1075 /* of a value written as an integer times a power of two */
#define HIDDEN_BIT       ((uint64_t)1 << SIGNIFICAND_BITS)
#define DIGITS_MAX       20

/* repr() changes to an exponent when the decimal point lies this far from the digits. */
#define POINT_MIN (-3)
#define POINT_MAX 16

__extension__ typedef unsigned __int128 u128;

/* value = digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
};

static int floor_log2_pow10(int e)
{
    return e * 1741647 >> 19;
}

static int floor_log10_pow2(int e)
{
    return e * 1262611 >> 22;
}

static int floor_log10_three_quarters_pow2(int e)
{
    return (e * 1262611 - 524031) >> 22;
}

/* The upper part of g * c, its last bit set when anything is cut off. */
static uint64_t round_to_odd(struct pow10 g, uint64_t c)
{
    u128 low = (u128)g.low * c;
    u128 sum = (u128)g.high * c + (uint64_t)(low >> 64);
    return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1);
}

/* Schubfach: the interval that rounds to the value, scaled to four times an integer grid of 17 digits at most, holds a
 * multiple of ten (then that is shortest) or one or both neighbours of the value. */
static struct decimal shortest(uint64_t c, int q, bool lower_is_closer)
{
    int k = lower_is_closer ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
    int h = q + floor_log2_pow10(-k) + 1;
    struct pow10 g = pow10_table[-k - POW10_MIN];
    uint64_t odd = c & 1; /* the ends of the interval belong to an even significand only */
    uint64_t lower = round_to_odd(g, (4 * c - 2 + lower_is_closer) << h) + odd;
    uint64_t middle = round_to_odd(g, 4 * c << h);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    uint64_t s = middle / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down = lower <= 40 * tens;
        bool up = 40 * tens + 40 <= upper;
        if (down != up)
            return (struct decimal){tens + up, k + 1};
    }
    bool down = lower <= 4 * s;
    bool up = 4 * s + 4 <= upper;
    if (down == up) {
        uint64_t half = 4 * s + 2;
        up = middle > half || (middle == half && (s & 1) != 0);
    }
    return (struct decimal){s + up, k};
}

static struct decimal to_decimal(uint64_t bits)
{
    uint64_t fraction = bits & (HIDDEN_BIT - 1);
    int exponent = (int)(bits >> SIGNIFICAND_BITS & EXPONENT_MASK);
    uint64_t c = exponent != 0 ? fraction | HIDDEN_BIT : fraction;
    int q = (exponent != 0 ? exponent : 1) - EXPONENT_BIAS;
    bool is_integer = exponent != 0 && q <= 0 && q > -SIGNIFICAND_BITS - 1 && (c & (((uint64_t)1 << -q) - 1)) == 0;
    if (is_integer)
        return (struct decimal){c >> -q, 0};
    return shortest(c, q, fraction == 0 && exponent > 1);
}

static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* Writes the digits so that they end before end; returns how many. */
static size_t digits_backward(uint64_t value, char *end)
{
    char *at = end;
    while (value >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, pairs + 2 * value, 2);
    } else {
        *--at = (char)('0' + value);
    }
    return (size_t)(end - at);
}

static size_t write_exponent(int exponent, char *out)
{
    char *at = out;
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    unsigned value = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (value >= 100) {
        *at++ = (char)('0' + value / 100);
        value %= 100;
    }
    memcpy(at, pairs + 2 * value, 2);
    return (size_t)(at + 2 - out);
}

static size_t write_scientific(const char *digits, size_t count, int exponent, char *out)
{
    size_t len = 1;
    out[0] = digits[0];
    if (count > 1) {
        out[1] = '.';
        memcpy(out + 2, digits + 1, count - 1);
        len = count + 1;
    }
    return len + write_exponent(exponent, out + len);
}

/* The point stands behind the first point digits; there are zeros where there are no digits. */
static size_t write_fixed(const char *digits, size_t count, int point, char *out)
{
    if (point <= 0) {
        size_t zeros = (size_t)-point;
        memcpy(out, "0.000", 2 + zeros);
        memcpy(out + 2 + zeros, digits, count);
        return 2 + zeros + count;
    }
    size_t whole = (size_t)point;
    if (count <= whole) {
        memcpy(out, digits, count);
        memset(out + count, '0', whole - count);
        memcpy(out + whole, ".0", 2);
        return whole + 2;
    }
    memcpy(out, digits, whole);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, count - whole);
    return count + 1;
}

static size_t write_decimal(struct decimal decimal, char *out)
{
    char text[DIGITS_MAX];
    size_t count = digits_backward(decimal.digits, text + sizeof text);
    const char *digits = text + sizeof text - count;
    int point = (int)count + decimal.exponent;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (point < POINT_MIN || point > POINT_MAX)
        return write_scientific(digits, count, point - 1, out);
    return write_fixed(digits, count, point, out);
}

size_t gch_dtoa(double value, char *out)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t sign = bits >> 63;
    if (sign != 0)
        *out++ = '-';
    bits &= ~((uint64_t)1 << 63);
    if (bits == 0) {
        memcpy(out, "0.0", 3);
        return sign + 3;
    }
    return sign + write_decimal(to_decimal(bits), out);
}

size_t gch_itoa(int64_t value, char *out)
{
    char text[DIGITS_MAX];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t count = digits_backward(magnitude, text + sizeof text);
    size_t sign = value < 0;
    if (sign != 0)
        *out++ = '-';
    memcpy(out, text + sizeof text - count, count);
    return sign + count;
}
