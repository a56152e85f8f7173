#include "json_write.h"

#include <endian.h>

#include "dtoa.h"
#include "utf8.h"

#define ALWAYS_INLINE    inline __attribute__((always_inline))
#define EACH_BYTE(value) (0x0101010101010101u * (value))
#define LOWEST_BITS      EACH_BYTE(0x01u)
#define HIGHEST_BITS     EACH_BYTE(0x80u)
#define EXPONENT_BITS    0x7FF0000000000000u
#define NOT_A_CHARACTER  UINT32_MAX

/* The letter behind the backslash; a control character that is not here is written as \u00xx. */
static const char short_escapes[128] = {
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\',
};

static bool is_plain(uint32_t code)
{
    return code >= 0x20 && code < 0x80 && code != '"' && code != '\\';
}

/* The highest bit of each byte that is not plain. A borrow may mark plain bytes above the first that is not, so only
 * the lowest mark is sure. */
static uint64_t special_marks(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    uint64_t control = (word - EACH_BYTE(0x20u)) & ~word;
    return (control | ((quote - LOWEST_BITS) & ~quote) | ((backslash - LOWEST_BITS) & ~backslash) | word) &
           HIGHEST_BITS;
}

static ALWAYS_INLINE uint32_t char_at(const void *chars, size_t width, size_t at)
{
    if (width == 1)
        return ((const uint8_t *)chars)[at];
    return width == 2 ? ((const uint16_t *)chars)[at] : ((const uint32_t *)chars)[at];
}

/* Copies the plain characters from at on, whose room is there already, and returns how many they are. */
static ALWAYS_INLINE size_t copy_plain(uint8_t *to, const void *chars, size_t width, size_t at, size_t count)
{
    size_t run = 0;
    for (; width == 1 && count - at - run >= 8; run += 8) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)chars + at + run, sizeof word);
        memcpy(to + run, &word, sizeof word);
        uint64_t marks = special_marks(le64toh(word));
        if (marks != 0)
            return run + (size_t)__builtin_ctzll(marks) / 8;
    }
    for (; at + run < count; run++) {
        uint32_t code = char_at(chars, width, at + run);
        if (!is_plain(code))
            break;
        to[run] = (uint8_t)code;
    }
    return run;
}

static size_t special_size(uint32_t code)
{
    if (code >= 0x80)
        return gch_utf8_size(code);
    return short_escapes[code] != 0 ? 2 : 6;
}

static size_t write_special(uint8_t *to, uint32_t code, size_t *replaced)
{
    static const char hex[] = "0123456789abcdef";
    if (code >= 0x80)
        return gch_utf8_encode(to, code, replaced);
    to[0] = '\\';
    if (short_escapes[code] != 0) {
        to[1] = (uint8_t)short_escapes[code];
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = (uint8_t)hex[code >> 4];
    to[5] = (uint8_t)hex[code & 15];
    return 6;
}

/* At every step there is room for one byte for each character that is left, so only the others ask for more. */
static ALWAYS_INLINE size_t write_chars(struct gch_buf *buf, const void *chars, size_t width, size_t count)
{
    size_t replaced = 0;
    gch_buf_byte(buf, '"');
    uint8_t *to = gch_buf_reserve(buf, count + 1);
    for (size_t at = 0; to != NULL;) {
        size_t run = copy_plain(to, chars, width, at, count);
        at += run;
        buf->len += run;
        if (at == count)
            break;
        uint32_t code = char_at(chars, width, at++);
        to = gch_buf_reserve(buf, special_size(code) + count - at + 1);
        if (to != NULL) {
            size_t size = write_special(to, code, &replaced);
            to += size;
            buf->len += size;
        }
    }
    gch_buf_byte(buf, '"');
    return replaced;
}

size_t gch_json_latin1(struct gch_buf *buf, const uint8_t *chars, size_t count)
{
    return write_chars(buf, chars, sizeof *chars, count);
}

size_t gch_json_ucs2(struct gch_buf *buf, const uint16_t *chars, size_t count)
{
    return write_chars(buf, chars, sizeof *chars, count);
}

size_t gch_json_ucs4(struct gch_buf *buf, const uint32_t *chars, size_t count)
{
    return write_chars(buf, chars, sizeof *chars, count);
}

/* Writes the character at bytes that is not plain and returns how many bytes it took from there. */
static size_t append_special_bytes(struct gch_buf *buf, const uint8_t *bytes, size_t len, size_t *replaced)
{
    uint8_t escape[6];
    size_t size = 1;
    if (bytes[0] < 0x80)
        gch_buf_append(buf, escape, write_special(escape, bytes[0], replaced));
    else if (gch_utf8_sequence(bytes, len, &size))
        gch_buf_append(buf, bytes, size);
    else
        gch_buf_append(buf, escape, gch_utf8_encode(escape, NOT_A_CHARACTER, replaced));
    return size;
}

size_t gch_json_bytes(struct gch_buf *buf, const uint8_t *bytes, size_t len)
{
    size_t replaced = 0;
    gch_buf_byte(buf, '"');
    for (size_t at = 0; at < len;) {
        uint8_t *to = gch_buf_reserve(buf, len - at);
        if (to == NULL)
            break;
        size_t run = copy_plain(to, bytes, 1, at, len);
        at += run;
        buf->len += run;
        if (at < len)
            at += append_special_bytes(buf, bytes + at, len - at, &replaced);
    }
    gch_buf_byte(buf, '"');
    return replaced;
}

size_t gch_json_double(struct gch_buf *buf, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & EXPONENT_BITS) == EXPONENT_BITS) {
        gch_buf_append(buf, "null", 4);
        return 1;
    }
    char text[GCH_DTOA_MAX];
    gch_buf_append(buf, text, gch_dtoa(value, text));
    return 0;
}

void gch_json_int(struct gch_buf *buf, int64_t value)
{
    char text[GCH_DTOA_MAX];
    gch_buf_append(buf, text, gch_itoa(value, text));
}
