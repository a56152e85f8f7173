/* Text to valid UTF-8, whatever it was: lone surrogates and invalid bytes become U+FFFD.
 *
 * The wide forms are the three ways CPython holds a str (1, 2 or 4 bytes a character), so a string is written
 * without Python's own UTF-8 cache, which would stay in the caller's object. Appends to buf; see buf.h for errors.
 * Each returns how many characters or sequences were replaced. CPython joins surrogate pairs, so every surrogate in a
 * str is a lone one.
 */
#ifndef GCH_UTF8_H
#define GCH_UTF8_H

#include <stdbool.h>

#include "buf.h"

size_t gch_utf8_from_latin1(struct gch_buf *buf, const uint8_t *chars, size_t count);
size_t gch_utf8_from_ucs2(struct gch_buf *buf, const uint16_t *chars, size_t count);
size_t gch_utf8_from_ucs4(struct gch_buf *buf, const uint32_t *chars, size_t count);

/* Copies bytes that should be UTF-8; each maximal invalid sequence becomes one U+FFFD, as Python's errors="replace"
 * does. */
size_t gch_utf8_from_bytes(struct gch_buf *buf, const uint8_t *bytes, size_t len);

/* Whether bytes, which holds len, at least 1, starts with a valid sequence; size becomes its length, or the length of
 * the maximal invalid one. */
bool gch_utf8_sequence(const uint8_t *bytes, size_t len, size_t *size);

/* How many bytes gch_utf8_encode writes. */
static inline size_t gch_utf8_size(uint32_t code)
{
    if (code < 0x800)
        return code < 0x80 ? 1 : 2;
    return code < 0x10000 || code > 0x10FFFF ? 3 : 4;
}

/* Writes one character to out and returns its length. A surrogate or a code past U+10FFFF becomes U+FFFD, and replaced,
 * a running count, goes up by one. */
static inline size_t gch_utf8_encode(uint8_t *out, uint32_t code, size_t *replaced)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code - 0xD800 < 0x800 || code > 0x10FFFF) {
        code = 0xFFFD;
        *replaced += 1;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

/* The largest cut <= len that does not split a UTF-8 sequence of valid text. Looks at no byte past len. */
static inline size_t gch_utf8_floor(const uint8_t *bytes, size_t len)
{
    size_t cut = len;
    while (cut > 0 && len - cut < 3 && (bytes[cut - 1] & 0xC0) == 0x80)
        cut--;
    if (cut == 0 || bytes[cut - 1] < 0xC0)
        return len;
    uint8_t lead = bytes[cut - 1];
    size_t whole = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    return len - (cut - 1) < whole ? cut - 1 : len;
}

#endif
