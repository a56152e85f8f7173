#include "crc32c.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

/* CRC-32C is linear, so an entry is the xor of the entries of its index's bits. The sixty-four constants are those
 * entries: row k holds, for bit 0 to 7, the remainder of that bit followed by k zero bytes (reflected polynomial
 * 0x82F63B78). The compiler then makes the whole table, and nothing is built at run time. */
#define BIT(index, bit, value) (((index) >> (bit)&1) ? (value) : 0u)
#define ENTRY(i, a, b, c, d, e, f, g, h)                                                                               \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^          \
     BIT(i, 7, h))
#define ENTRIES_4(i, ...)                                                                                              \
    ENTRY((i), __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__), ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES_16(i, ...)                                                                                             \
    ENTRIES_4((i), __VA_ARGS__), ENTRIES_4((i) + 4, __VA_ARGS__), ENTRIES_4((i) + 8, __VA_ARGS__),                     \
        ENTRIES_4((i) + 12, __VA_ARGS__)
#define ENTRIES_64(i, ...)                                                                                             \
    ENTRIES_16((i), __VA_ARGS__), ENTRIES_16((i) + 16, __VA_ARGS__), ENTRIES_16((i) + 32, __VA_ARGS__),                \
        ENTRIES_16((i) + 48, __VA_ARGS__)
#define ROW(...)                                                                                                       \
    {                                                                                                                  \
        ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__), ENTRIES_64(128, __VA_ARGS__),                         \
            ENTRIES_64(192, __VA_ARGS__)                                                                               \
    }

static const uint32_t table[8][256] = {
    ROW(0xF26B8303u, 0xE13B70F7u, 0xC79A971Fu, 0x8AD958CFu, 0x105EC76Fu, 0x20BD8EDEu, 0x417B1DBCu, 0x82F63B78u),
    ROW(0x13A29877u, 0x274530EEu, 0x4E8A61DCu, 0x9D14C3B8u, 0x3FC5F181u, 0x7F8BE302u, 0xFF17C604u, 0xFBC3FAF9u),
    ROW(0xA541927Eu, 0x4F6F520Du, 0x9EDEA41Au, 0x38513EC5u, 0x70A27D8Au, 0xE144FB14u, 0xC76580D9u, 0x8B277743u),
    ROW(0xDD45AAB8u, 0xBF672381u, 0x7B2231F3u, 0xF64463E6u, 0xE964B13Du, 0xD725148Bu, 0xABA65FE7u, 0x52A0C93Fu),
    ROW(0x38116FACu, 0x7022DF58u, 0xE045BEB0u, 0xC5670B91u, 0x8F2261D3u, 0x1BA8B557u, 0x37516AAEu, 0x6EA2D55Cu),
    ROW(0xEF306B19u, 0xDB8CA0C3u, 0xB2F53777u, 0x6006181Fu, 0xC00C303Eu, 0x85F4168Du, 0x0E045BEBu, 0x1C08B7D6u),
    ROW(0x68032CC8u, 0xD0065990u, 0xA5E0C5D1u, 0x4E2DFD53u, 0x9C5BFAA6u, 0x3D5B83BDu, 0x7AB7077Au, 0xF56E0EF4u),
    ROW(0x493C7D27u, 0x9278FA4Eu, 0x211D826Du, 0x423B04DAu, 0x847609B4u, 0x0D006599u, 0x1A00CB32u, 0x34019664u),
};

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

uint32_t gch_crc32c_portable(uint32_t seed, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t crc = ~seed;
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word = le64toh(load64(at)) ^ crc;
        crc = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^
              table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
              table[1][word >> 48 & 255] ^ table[0][word >> 56];
    }
    for (; len > 0; at++, len--)
        crc = table[0][(crc ^ *at) & 255] ^ crc >> 8;
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

#define CRC_TARGET __attribute__((target("sse4.2")))

static bool have_instructions(void)
{
    return __builtin_cpu_supports("sse4.2");
}

CRC_TARGET static inline uint32_t crc_word(uint32_t crc, uint64_t word)
{
    return (uint32_t)_mm_crc32_u64(crc, word);
}

CRC_TARGET static inline uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
    return _mm_crc32_u8(crc, byte);
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

#define CRC_TARGET
#define HWCAP_CRC32_BIT (1 << 7)

static bool have_instructions(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32_BIT) != 0;
}

/* Assembly, because gcc and clang disagree on how a single function is given the crc instructions. */
static inline uint32_t crc_word(uint32_t crc, uint64_t word)
{
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
    return crc;
}

static inline uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((uint32_t)byte));
    return crc;
}

#endif

#ifdef CRC_TARGET

CRC_TARGET static uint32_t crc_instructions(uint32_t seed, const uint8_t *at, size_t len)
{
    uint32_t crc = ~seed;
    for (; len >= 8; at += 8, len -= 8)
        crc = crc_word(crc, load64(at));
    for (; len > 0; at++, len--)
        crc = crc_byte(crc, *at);
    return ~crc;
}

uint32_t gch_crc32c(uint32_t seed, const void *bytes, size_t len)
{
    return have_instructions() ? crc_instructions(seed, bytes, len) : gch_crc32c_portable(seed, bytes, len);
}

#else

uint32_t gch_crc32c(uint32_t seed, const void *bytes, size_t len)
{
    return gch_crc32c_portable(seed, bytes, len);
}

#endif
