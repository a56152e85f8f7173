/* needs: crc32c.c */
#include "crc32c.h"

#include "check.h"

#define LENGTH_MAX 600

static void check_both(const void *bytes, size_t len, uint32_t want)
{
    CHECK_INT(gch_crc32c(0, bytes, len), want);
    CHECK_INT(gch_crc32c_portable(0, bytes, len), want);
}

static void test_vectors_of_rfc_3720(void)
{
    static const uint8_t read_command[48] = {
        0x01, 0xC0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    check_both(bytes, sizeof bytes, 0x8A9136AAu);
    memset(bytes, 0xFF, sizeof bytes);
    check_both(bytes, sizeof bytes, 0x62A8AB43u);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    check_both(bytes, sizeof bytes, 0x46DD794Eu);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(31 - i);
    check_both(bytes, sizeof bytes, 0x113FDB5Cu);
    check_both(read_command, sizeof read_command, 0xD9963A56u);
    check_both("123456789", 9, 0xE3069283u);
    check_both("", 0, 0);
}

/* One bit at a time, as the definition says. */
static uint32_t by_definition(uint32_t crc, const uint8_t *bytes, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

static void test_every_length_and_alignment(void)
{
    static uint8_t bytes[LENGTH_MAX + 8];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(random >> 24);
    }
    for (size_t len = 0; len <= LENGTH_MAX; len++) {
        const uint8_t *at = bytes + len % 8;
        uint32_t want = by_definition((uint32_t)len, at, len);
        CHECK_INT(gch_crc32c((uint32_t)len, at, len), want);
        CHECK_INT(gch_crc32c_portable((uint32_t)len, at, len), want);
    }
}

static void test_chaining(void)
{
    const char *text = "the quick brown fox jumps over the lazy dog";
    size_t len = strlen(text);
    uint32_t whole = gch_crc32c(0, text, len);
    for (size_t cut = 0; cut <= len; cut++) {
        CHECK_INT(gch_crc32c(gch_crc32c(0, text, cut), text + cut, len - cut), whole);
        CHECK_INT(gch_crc32c_portable(gch_crc32c(0, text, cut), text + cut, len - cut), whole);
    }
}

CHECK_MAIN(test_vectors_of_rfc_3720, test_every_length_and_alignment, test_chaining)
