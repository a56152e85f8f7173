/* needs: utf8.c buf.c */
#include "utf8.h"

#include "check.h"

#define FFFD       "\xEF\xBF\xBD"
#define LEN(array) (sizeof(array) / sizeof *(array))

static struct gch_buf buf;

static void check_result(int line, size_t replaced, size_t want_replaced, const char *want, size_t want_len)
{
    check_int(__FILE__, line, "replaced", (int64_t)replaced, (int64_t)want_replaced);
    check_int(__FILE__, line, "status", gch_buf_status(&buf), GCH_OK);
    check_bytes(__FILE__, line, "text", buf.data, buf.len, want, want_len);
    gch_buf_deinit(&buf);
    gch_buf_init(&buf, 1 << 20);
}

#define CHECK_UTF8(call, want_replaced, want)                                                                          \
    do {                                                                                                               \
        gch_buf_init(&buf, 1 << 20);                                                                                   \
        size_t replaced_count = (call);                                                                                \
        check_result(__LINE__, replaced_count, (want_replaced), (want), sizeof(want) - 1);                             \
    } while (0)

static void test_latin1(void)
{
    static const uint8_t text[] = {'a', 0, 'z', 0x7F, 0x80, 0xE9, 0xFF, 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 0xDF};
    CHECK_UTF8(gch_utf8_from_latin1(&buf, text, LEN(text)), 0,
               "a\0z\x7F\xC2\x80\xC3\xA9\xC3\xBF"
               "bcdefghi\xC3\x9F");
    CHECK_UTF8(gch_utf8_from_latin1(&buf, text, 0), 0, "");
}

static void test_ucs2(void)
{
    static const uint16_t text[] = {'a', 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 'b'};
    static const uint16_t lone[] = {0xD800, 'x', 0xDFFF, 0xD83D, 0xDE00};
    CHECK_UTF8(gch_utf8_from_ucs2(&buf, text, LEN(text)), 0,
               "a\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"
               "b");
    CHECK_UTF8(gch_utf8_from_ucs2(&buf, lone, LEN(lone)), 4, FFFD "x" FFFD FFFD FFFD);
}

static void test_ucs4(void)
{
    static const uint32_t text[] = {'a', 0x80, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF, 'b'};
    static const uint32_t wrong[] = {0xD900, 0x110000, 0xFFFFFFFFu, 'z'};
    CHECK_UTF8(gch_utf8_from_ucs4(&buf, text, LEN(text)), 0,
               "a\xC2\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF"
               "b");
    CHECK_UTF8(gch_utf8_from_ucs4(&buf, wrong, LEN(wrong)), 3, FFFD FFFD FFFD "z");
}

#define CHECK_BYTES_TO_UTF8(bytes, want_replaced, want)                                                                \
    CHECK_UTF8(gch_utf8_from_bytes(&buf, (const uint8_t *)(bytes), sizeof(bytes) - 1), want_replaced, want)

static void test_valid_bytes_stay(void)
{
    CHECK_BYTES_TO_UTF8("", 0, "");
    CHECK_BYTES_TO_UTF8("plain text, longer than eight bytes\0and NUL", 0,
                        "plain text, longer than eight bytes\0and NUL");
    CHECK_BYTES_TO_UTF8("\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 0,
                        "\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
}

static void test_each_maximal_invalid_sequence_is_one(void)
{
    CHECK_BYTES_TO_UTF8("\x80", 1, FFFD);
    CHECK_BYTES_TO_UTF8("a\xFFz", 1, "a" FFFD "z");
    CHECK_BYTES_TO_UTF8("\xC0\xAF", 2, FFFD FFFD);
    CHECK_BYTES_TO_UTF8("\xE0\x9F\xBF", 3, FFFD FFFD FFFD);
    CHECK_BYTES_TO_UTF8("\xED\xA0\x80", 3, FFFD FFFD FFFD);
    CHECK_BYTES_TO_UTF8("\xF0\x8F\xBF\xBF", 4, FFFD FFFD FFFD FFFD);
    CHECK_BYTES_TO_UTF8("\xF4\x90\x80\x80", 4, FFFD FFFD FFFD FFFD);
    CHECK_BYTES_TO_UTF8("\xF5\x80", 2, FFFD FFFD);
    CHECK_BYTES_TO_UTF8("\xE2\x82", 1, FFFD);
    CHECK_BYTES_TO_UTF8("\xF0\x9F\x98z", 1, FFFD "z");
    CHECK_BYTES_TO_UTF8("12345678\xE2\x82\xE2\x82\xAC 1234567\xF0", 2, "12345678" FFFD "\xE2\x82\xAC 1234567" FFFD);
}

/* The room has to suffice to the byte, and a buffer one byte smaller has to refuse. */
static void test_caps_are_exact(void)
{
    static const uint32_t text[] = {'a', 0xE9, 0x20AC, 0x1F600, 'b'};
    for (size_t cap = 0; cap <= 11; cap++) {
        gch_buf_init(&buf, cap);
        (void)gch_utf8_from_ucs4(&buf, text, LEN(text));
        CHECK_INT(gch_buf_status(&buf), cap < 11 ? GCH_ERR_TOO_BIG : GCH_OK);
        CHECK(buf.len <= cap);
        gch_buf_deinit(&buf);
    }
}

static size_t floor_of(const char *text, size_t len)
{
    return gch_utf8_floor((const uint8_t *)text, len);
}

static void test_floor(void)
{
    CHECK_INT(floor_of("abc", 0), 0);
    CHECK_INT(floor_of("abc", 2), 2);
    const char *text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t len = 0; len < LEN(want); len++)
        CHECK_INT(floor_of(text, len), want[len]);
}

static void test_size_agrees_with_encode(void)
{
    size_t wrong = 0;
    for (uint32_t code = 0; code <= 0x110010; code++) {
        uint8_t out[4];
        size_t replaced = 0;
        size_t size = gch_utf8_encode(out, code, &replaced);
        size_t read;
        wrong += size != gch_utf8_size(code) || !gch_utf8_sequence(out, size, &read) || read != size;
    }
    CHECK_INT(wrong, 0);
}

CHECK_MAIN(test_latin1, test_ucs2, test_ucs4, test_valid_bytes_stay, test_each_maximal_invalid_sequence_is_one,
           test_caps_are_exact, test_floor, test_size_agrees_with_encode)
