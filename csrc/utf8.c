#include "utf8.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define HIGH_BITS     0x8080808080808080u

static const uint8_t replacement[] = {0xEF, 0xBF, 0xBD};

static ALWAYS_INLINE uint32_t char_at(const void *chars, size_t width, size_t at)
{
    if (width == 1)
        return ((const uint8_t *)chars)[at];
    return width == 2 ? ((const uint16_t *)chars)[at] : ((const uint32_t *)chars)[at];
}

/* Copies the ASCII characters from at on, whose room is there already, and returns how many they are. */
static ALWAYS_INLINE size_t copy_ascii(uint8_t *to, const void *chars, size_t width, size_t at, size_t count)
{
    size_t run = 0;
    for (; width == 1 && count - at - run >= 8; run += 8) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)chars + at + run, sizeof word);
        if ((word & HIGH_BITS) != 0)
            break;
        memcpy(to + run, &word, sizeof word);
    }
    for (; at + run < count; run++) {
        uint32_t code = char_at(chars, width, at + run);
        if (code >= 0x80)
            break;
        to[run] = (uint8_t)code;
    }
    return run;
}

/* At every step there is room for one byte for each character that is left, so only the others ask for more. */
static ALWAYS_INLINE size_t from_chars(struct gch_buf *buf, const void *chars, size_t width, size_t count)
{
    size_t replaced = 0;
    uint8_t *to = count == 0 ? NULL : gch_buf_reserve(buf, count);
    for (size_t at = 0; to != NULL;) {
        size_t run = copy_ascii(to, chars, width, at, count);
        at += run;
        buf->len += run;
        if (at == count)
            break;
        uint32_t code = char_at(chars, width, at++);
        to = gch_buf_reserve(buf, gch_utf8_size(code) + count - at);
        if (to != NULL) {
            size_t size = gch_utf8_encode(to, code, &replaced);
            to += size;
            buf->len += size;
        }
    }
    return replaced;
}

size_t gch_utf8_from_latin1(struct gch_buf *buf, const uint8_t *chars, size_t count)
{
    return from_chars(buf, chars, sizeof *chars, count);
}

size_t gch_utf8_from_ucs2(struct gch_buf *buf, const uint16_t *chars, size_t count)
{
    return from_chars(buf, chars, sizeof *chars, count);
}

size_t gch_utf8_from_ucs4(struct gch_buf *buf, const uint32_t *chars, size_t count)
{
    return from_chars(buf, chars, sizeof *chars, count);
}

/* The bytes that may follow lead, and how many must; none for a lead that is never valid. */
struct follow {
    size_t count;
    uint8_t first_min;
    uint8_t first_max;
};

/* The first byte behind the lead is where overlong forms, surrogates and codes past U+10FFFF show. */
static struct follow follow_of(uint8_t lead)
{
    if (lead >= 0xC2 && lead <= 0xDF)
        return (struct follow){1, 0x80, 0xBF};
    if (lead >= 0xE0 && lead <= 0xEF)
        return (struct follow){2, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
    if (lead >= 0xF0 && lead <= 0xF4)
        return (struct follow){3, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
    return (struct follow){0, 0x80, 0xBF};
}

bool gch_utf8_sequence(const uint8_t *bytes, size_t len, size_t *size)
{
    *size = 1;
    if (bytes[0] < 0x80)
        return true;
    struct follow follow = follow_of(bytes[0]);
    if (follow.count == 0)
        return false;
    while (*size <= follow.count) {
        uint8_t min = *size == 1 ? follow.first_min : 0x80;
        uint8_t max = *size == 1 ? follow.first_max : 0xBF;
        if (*size >= len || bytes[*size] < min || bytes[*size] > max)
            return false;
        *size += 1;
    }
    return true;
}

static size_t valid_run(const uint8_t *bytes, size_t len)
{
    size_t run = 0;
    while (run < len) {
        uint64_t word;
        if (len - run >= sizeof word) {
            memcpy(&word, bytes + run, sizeof word);
            if ((word & HIGH_BITS) == 0) {
                run += sizeof word;
                continue;
            }
        }
        size_t size;
        if (!gch_utf8_sequence(bytes + run, len - run, &size))
            break;
        run += size;
    }
    return run;
}

size_t gch_utf8_from_bytes(struct gch_buf *buf, const uint8_t *bytes, size_t len)
{
    size_t replaced = 0;
    while (len > 0) {
        size_t run = valid_run(bytes, len);
        gch_buf_append(buf, bytes, run);
        bytes += run;
        len -= run;
        if (len == 0)
            break;
        size_t size;
        (void)gch_utf8_sequence(bytes, len, &size);
        gch_buf_append(buf, replacement, sizeof replacement);
        bytes += size;
        len -= size;
        replaced++;
    }
    return replaced;
}
