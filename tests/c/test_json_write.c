/* needs: json_write.c utf8.c dtoa.c buf.c */
#include "json_write.h"

#include <math.h>

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
}

#define CHECK_JSON(call, want_replaced, want)                                                                          \
    do {                                                                                                               \
        gch_buf_init(&buf, 1 << 20);                                                                                   \
        size_t replaced_count = (call);                                                                                \
        check_result(__LINE__, replaced_count, (want_replaced), (want), sizeof(want) - 1);                             \
    } while (0)

#define CHECK_LATIN1(text, want) CHECK_JSON(gch_json_latin1(&buf, (const uint8_t *)(text), sizeof(text) - 1), 0, want)

static void test_latin1(void)
{
    CHECK_LATIN1("", "\"\"");
    CHECK_LATIN1("plain", "\"plain\"");
    CHECK_LATIN1("exactly8exactly8", "\"exactly8exactly8\"");
    CHECK_LATIN1("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    CHECK_LATIN1("\b\t\n\f\r\x7F", "\"\\b\\t\\n\\f\\r\x7F\"");
    CHECK_LATIN1("nul \0 one \x01 last \x1F", "\"nul \\u0000 one \\u0001 last \\u001f\"");
    CHECK_LATIN1("caf\xE9 \x80 \xFF", "\"caf\xC3\xA9 \xC2\x80 \xC3\xBF\"");
}

/* Every byte at every place of a run longer than one step, against a writer of one character at a time. */
static void check_byte_at(uint8_t byte, size_t place)
{
    uint8_t text[24];
    char want[64] = "\"";
    size_t len = 1;
    memset(text, 'x', sizeof text);
    text[place] = byte;
    for (size_t i = 0; i < sizeof text; i++) {
        size_t room = sizeof want - len;
        int size;
        if (text[i] >= 0x80)
            size = snprintf(want + len, room, "%c%c", 0xC0 | text[i] >> 6, 0x80 | (text[i] & 0x3F));
        else if (text[i] == '"' || text[i] == '\\')
            size = snprintf(want + len, room, "\\%c", text[i]);
        else if (text[i] < 0x20 && strchr("\b\t\n\f\r", text[i]) != NULL && text[i] != 0)
            size = snprintf(want + len, room, "\\%c", "btn?fr"[text[i] - 8]);
        else
            size = snprintf(want + len, room, text[i] < 0x20 ? "\\u%04x" : "%c", text[i]);
        len += (size_t)size;
    }
    want[len++] = '"';
    gch_buf_init(&buf, 100);
    (void)gch_json_latin1(&buf, text, sizeof text);
    CHECK_BYTES(buf.data, buf.len, want, len);
    gch_buf_deinit(&buf);
}

static void test_every_byte_at_every_place(void)
{
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t place = 0; place < 24; place++)
            check_byte_at((uint8_t)byte, place);
}

static void test_wide(void)
{
    static const uint16_t two[] = {'a', '"', 0xE9, 0x20AC, 0xD800, '\n', 0, 'z'};
    static const uint32_t four[] = {'a', '\\', 0x1F600, 0xDFFF, 0x1F, 0x110000, 'z'};
    CHECK_JSON(gch_json_ucs2(&buf, two, LEN(two)), 1, "\"a\\\"\xC3\xA9\xE2\x82\xAC" FFFD "\\n\\u0000z\"");
    CHECK_JSON(gch_json_ucs4(&buf, four, LEN(four)), 2, "\"a\\\\\xF0\x9F\x98\x80" FFFD "\\u001f" FFFD "z\"");
    CHECK_JSON(gch_json_ucs2(&buf, two, 0), 0, "\"\"");
}

#define CHECK_RAW(text, want_replaced, want)                                                                           \
    CHECK_JSON(gch_json_bytes(&buf, (const uint8_t *)(text), sizeof(text) - 1), want_replaced, want)

static void test_bytes(void)
{
    CHECK_RAW("", 0, "\"\"");
    CHECK_RAW("a\"\n\0 long enough \xE2\x82\xAC", 0, "\"a\\\"\\n\\u0000 long enough \xE2\x82\xAC\"");
    CHECK_RAW("\xFF\xE2\x82 \xED\xA0\x80z", 5, "\"" FFFD FFFD " " FFFD FFFD FFFD "z\"");
}

static void test_caps_are_exact(void)
{
    static const uint8_t text[] = {'a', '\n', 0x01, 0xE9, 'b'};
    for (size_t cap = 0; cap <= 14; cap++) {
        gch_buf_init(&buf, cap);
        (void)gch_json_latin1(&buf, text, sizeof text);
        CHECK_INT(gch_buf_status(&buf), cap < 14 ? GCH_ERR_TOO_BIG : GCH_OK);
        CHECK(buf.len <= cap);
        gch_buf_deinit(&buf);
    }
}

static size_t write_int(int64_t value)
{
    gch_json_int(&buf, value);
    return 0;
}

static void test_numbers(void)
{
    CHECK_JSON(gch_json_double(&buf, 0.1), 0, "0.1");
    CHECK_JSON(gch_json_double(&buf, -0.0), 0, "-0.0");
    CHECK_JSON(gch_json_double(&buf, 1e22), 0, "1e+22");
    CHECK_JSON(gch_json_double(&buf, (double)NAN), 1, "null");
    CHECK_JSON(gch_json_double(&buf, (double)INFINITY), 1, "null");
    CHECK_JSON(gch_json_double(&buf, -(double)INFINITY), 1, "null");
    CHECK_JSON(write_int(0), 0, "0");
    CHECK_JSON(write_int(-42), 0, "-42");
    CHECK_JSON(write_int(INT64_MIN), 0, "-9223372036854775808");
}

CHECK_MAIN(test_latin1, test_every_byte_at_every_place, test_wide, test_bytes, test_caps_are_exact, test_numbers)
