/* needs: rowbinary.c buf.c */
#include "rowbinary.h"

#include "check.h"

#define CAP 100000

static struct gch_buf buf;

#define CHECK_WRITES(call, want)                                                                                       \
    do {                                                                                                               \
        gch_buf_reset(&buf);                                                                                           \
        call;                                                                                                          \
        CHECK_INT(gch_buf_status(&buf), GCH_OK);                                                                       \
        CHECK_BYTES(buf.data, buf.len, want, sizeof want - 1);                                                         \
    } while (0)

static void test_integers(void)
{
    gch_buf_init(&buf, CAP);
    CHECK_WRITES(gch_rb_u8(&buf, 0xFE), "\xFE");
    CHECK_WRITES(gch_rb_u32(&buf, 0x01020304u), "\x04\x03\x02\x01");
    CHECK_WRITES(gch_rb_i32(&buf, -2), "\xFE\xFF\xFF\xFF");
    CHECK_WRITES(gch_rb_u64(&buf, 0x0102030405060708u), "\x08\x07\x06\x05\x04\x03\x02\x01");
    CHECK_WRITES(gch_rb_i64(&buf, INT64_MIN), "\0\0\0\0\0\0\0\x80");
    gch_buf_deinit(&buf);
}

static void test_doubles_keep_their_bits(void)
{
    uint64_t bits = 0x7FF8000000001234u;
    double nan_with_payload;
    memcpy(&nan_with_payload, &bits, sizeof bits);
    gch_buf_init(&buf, CAP);
    CHECK_WRITES(gch_rb_f64(&buf, 1.0), "\0\0\0\0\0\0\xF0\x3F");
    CHECK_WRITES(gch_rb_f64(&buf, -0.0), "\0\0\0\0\0\0\0\x80");
    CHECK_WRITES(gch_rb_f64(&buf, nan_with_payload), "\x34\x12\0\0\0\0\xF8\x7F");
    gch_buf_deinit(&buf);
}

static void test_varints(void)
{
    gch_buf_init(&buf, CAP);
    CHECK_WRITES(gch_rb_varint(&buf, 0), "\0");
    CHECK_WRITES(gch_rb_varint(&buf, 127), "\x7F");
    CHECK_WRITES(gch_rb_varint(&buf, 128), "\x80\x01");
    CHECK_WRITES(gch_rb_varint(&buf, 300), "\xAC\x02");
    CHECK_WRITES(gch_rb_varint(&buf, 16383), "\xFF\x7F");
    CHECK_WRITES(gch_rb_varint(&buf, 16384), "\x80\x80\x01");
    CHECK_WRITES(gch_rb_varint(&buf, UINT64_MAX), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
    gch_buf_deinit(&buf);
}

static void test_uuid(void)
{
    static const uint8_t uuid[16] = {0x61, 0xF0, 0xC4, 0x04, 0x5C, 0xB3, 0x11, 0xE7,
                                     0x90, 0x7B, 0xA6, 0x00, 0x6A, 0xD3, 0xDB, 0xA0};
    gch_buf_init(&buf, CAP);
    CHECK_WRITES(gch_rb_uuid(&buf, uuid), "\xE7\x11\xB3\x5C\x04\xC4\xF0\x61\xA0\xDB\xD3\x6A\x00\xA6\x7B\x90");
    gch_buf_deinit(&buf);
}

static void test_strings(void)
{
    gch_buf_init(&buf, CAP);
    CHECK_WRITES(gch_rb_string(&buf, NULL, 0), "\0");
    CHECK_WRITES(gch_rb_string(&buf, "a\0b", 3), "\x03"
                                                 "a\0b");
    gch_buf_deinit(&buf);
}

/* A string written between begin and end has to equal the one written at once, whatever its length. */
static void check_unknown_length(size_t len)
{
    static uint8_t text[20000];
    struct gch_buf want;
    gch_buf_init(&want, CAP);
    gch_buf_reset(&buf);
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)(i + len);
    gch_rb_u8(&want, 9);
    gch_rb_string(&want, text, len);
    gch_rb_u8(&want, 7);
    gch_rb_u8(&buf, 9);
    size_t mark = gch_rb_string_begin(&buf);
    gch_buf_append(&buf, text, len / 2);
    gch_buf_append(&buf, text + len / 2, len - len / 2);
    gch_rb_string_end(&buf, mark);
    gch_rb_u8(&buf, 7);
    CHECK_BYTES(buf.data, buf.len, want.data, want.len);
    gch_buf_deinit(&want);
}

static void test_strings_of_unknown_length(void)
{
    static const size_t lengths[] = {0, 1, 127, 128, 129, 16383, 16384, 20000};
    gch_buf_init(&buf, CAP);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        check_unknown_length(lengths[i]);
    gch_buf_deinit(&buf);
}

static void test_nested_strings_of_unknown_length(void)
{
    gch_buf_init(&buf, CAP);
    size_t outer = gch_rb_string_begin(&buf);
    gch_buf_text(&buf, "a");
    size_t inner = gch_rb_string_begin(&buf);
    gch_buf_text(&buf, "bc");
    gch_rb_string_end(&buf, inner);
    gch_rb_string_end(&buf, outer);
    CHECK_BYTES(buf.data, buf.len, "\x04\x61\x02\x62\x63", 5);
    gch_buf_deinit(&buf);
}

static void test_full_buffer(void)
{
    uint8_t text[200] = {0};
    gch_buf_init(&buf, 201);
    size_t mark = gch_rb_string_begin(&buf);
    gch_buf_append(&buf, text, sizeof text);
    CHECK_INT(gch_buf_status(&buf), GCH_OK);
    gch_rb_string_end(&buf, mark);
    CHECK_INT(gch_buf_status(&buf), GCH_ERR_TOO_BIG);
    gch_buf_reset(&buf);
    gch_rb_string(&buf, text, sizeof text);
    CHECK_INT(gch_buf_status(&buf), GCH_ERR_TOO_BIG);
    CHECK_INT(buf.len, 0);
    gch_rb_string_end(&buf, gch_rb_string_begin(&buf));
    CHECK_INT(buf.len, 0);
    gch_buf_reset(&buf);
    mark = gch_rb_string_begin(&buf);
    gch_buf_text(&buf, "ab");
    gch_buf_append(&buf, text, sizeof text);
    gch_rb_string_end(&buf, mark);
    CHECK_BYTES(buf.data, buf.len, "\0ab", 3);
    gch_buf_deinit(&buf);
}

CHECK_MAIN(test_integers, test_doubles_keep_their_bits, test_varints, test_uuid, test_strings,
           test_strings_of_unknown_length, test_nested_strings_of_unknown_length, test_full_buffer)
