/* A fuzz target is one function that takes any bytes and dies when what the core makes of them is wrong.
 *
 * The first comment of a target says what it is linked with, as in tests/c. libFuzzer brings a main of its own;
 * standalone.c is one for a compiler without it. The inputs that are kept are in corpus/<target>.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input from which parts are taken at the front; what is missing is zero. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline void fuzz_fail(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    abort();
}

#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

static inline uint8_t fuzz_take_u8(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left -= 1;
    return *input->at++;
}

static inline uint16_t fuzz_take_u16(struct fuzz_input *input)
{
    unsigned high = fuzz_take_u8(input);
    return (uint16_t)(high << 8 | fuzz_take_u8(input));
}

/* A copy of exactly size bytes on the heap, so that a read past its end is seen. The caller frees it. */
static inline uint8_t *fuzz_copy(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    FUZZ_CHECK(copy != NULL);
    if (size != 0)
        memcpy(copy, bytes, size);
    return copy;
}

/* The same with a NUL behind it. */
static inline char *fuzz_text(const void *bytes, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_CHECK(text != NULL);
    if (size != 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

/* The length of the UTF-8 character at bytes and its code, or 0: none. Written for the tests, from the table of the
 * Unicode standard. */
static inline size_t fuzz_utf8(const uint8_t *bytes, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = len == 0 ? 0xFF : bytes[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 0;
    if (size == 0 || size > len)
        return 0;
    *code = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (bytes[i] & 0x3FU);
    }
    bool surrogate = *code >= 0xD800 && *code <= 0xDFFF;
    return *code < least[size] || surrogate || *code > 0x10FFFF ? 0 : size;
}

static inline bool fuzz_is_utf8(const void *text, size_t len)
{
    const uint8_t *bytes = text;
    uint32_t code;
    for (size_t at = 0, size; at < len; at += size) {
        size = fuzz_utf8(bytes + at, len - at, &code);
        if (size == 0)
            return false;
    }
    return true;
}

/* Fails unless text is a sentence that can be shown: UTF-8 in one line. */
static inline void fuzz_check_sentence(const char *text, size_t room)
{
    size_t len = strnlen(text, room);
    FUZZ_CHECK(len > 0 && len < room && fuzz_is_utf8(text, len));
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK((uint8_t)text[i] >= ' ');
}

#endif
