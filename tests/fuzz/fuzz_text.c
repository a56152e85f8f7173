/* needs: utf8.c rowbinary.c query_text.c buf.c status.c */
/* Any text on its way into a row, a sentence or a URL: it is valid UTF-8 there, whole, and escaped so that it can be
 * read back.
 */
#include "fuzz.h"

#include "query_text.h"
#include "rowbinary.h"
#include "utf8.h"

static void check_utf8(const uint8_t *bytes, size_t len, struct gch_buf *text)
{
    size_t replaced = gch_utf8_from_bytes(text, bytes, len);
    FUZZ_CHECK(gch_buf_status(text) == GCH_OK && fuzz_is_utf8(text->data, text->len));
    FUZZ_CHECK((replaced == 0) == fuzz_is_utf8(bytes, len));
    FUZZ_CHECK(replaced != 0 || (text->len == len && (len == 0 || memcmp(text->data, bytes, len) == 0)));
    for (size_t cut = 0; cut <= text->len && cut < 64; cut++) {
        size_t floor = gch_utf8_floor(text->data, cut);
        FUZZ_CHECK(floor <= cut && cut - floor < 4 && fuzz_is_utf8(text->data, floor));
    }
}

/* What was written in pieces is what is written at once, whatever the length. */
static void check_string(const uint8_t *bytes, size_t len, size_t piece)
{
    struct gch_buf whole;
    struct gch_buf pieces;
    gch_buf_init(&whole, 1U << 20);
    gch_buf_init(&pieces, 1U << 20);
    gch_rb_string(&whole, bytes, len);
    size_t mark = gch_rb_string_begin(&pieces);
    for (size_t at = 0; at < len; at += piece)
        gch_buf_append(&pieces, bytes + at, len - at < piece ? len - at : piece);
    gch_rb_string_end(&pieces, mark);
    FUZZ_CHECK(whole.len == pieces.len && memcmp(whole.data, pieces.data, whole.len) == 0);
    gch_buf_deinit(&whole);
    gch_buf_deinit(&pieces);
}

static void check_encoded(const uint8_t *bytes, size_t len)
{
    struct gch_buf url;
    size_t at = 0;
    gch_buf_init(&url, 1U << 20);
    gch_query_put_encoded(&url, bytes, len);
    for (size_t i = 0; i < url.len; i++, at++) {
        unsigned byte = url.data[i];
        char hex[3] = {0};
        if (byte == '%') {
            memcpy(hex, url.data + i + 1, 2);
            byte = (unsigned)strtoul(hex, NULL, 16);
            i += 2;
        }
        FUZZ_CHECK(at < len && byte == bytes[at]);
        FUZZ_CHECK(hex[0] != '\0' || strchr("-._~", (int)byte) != NULL || (byte | 32) >= 'a' || byte >= '0');
    }
    FUZZ_CHECK(at == len);
    gch_buf_deinit(&url);
}

/* Between backquotes nothing ends the identifier before its end. */
static void check_identifier(const char *name, size_t len)
{
    struct gch_buf sql;
    size_t at = 0;
    gch_buf_init(&sql, 1U << 20);
    gch_query_put_identifier(&sql, name, len);
    FUZZ_CHECK(sql.len >= 2 && sql.data[0] == '`' && sql.data[sql.len - 1] == '`');
    for (size_t i = 1; i < sql.len - 1; i++, at++) {
        FUZZ_CHECK(sql.data[i] != '`');
        if (sql.data[i] == '\\')
            i++;
        FUZZ_CHECK(i < sql.len - 1 && at < len && sql.data[i] == (uint8_t)name[at]);
    }
    FUZZ_CHECK(at == len);
    gch_buf_deinit(&sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct gch_buf text;
    struct gch_err err;
    size_t piece = 1U + fuzz_take_u8(&input);
    uint8_t *bytes = fuzz_copy(input.at, input.left);
    gch_buf_init(&text, 1U << 20);
    check_utf8(bytes, input.left, &text);
    check_string(bytes, input.left, piece);
    check_encoded(bytes, input.left);
    check_identifier((const char *)bytes, input.left);
    const char *sentence = gch_buf_cstr(&text);
    FUZZ_CHECK(sentence != NULL && gch_err_set(&err, GCH_ERR_IO, "%s", sentence) == GCH_ERR_IO);
    FUZZ_CHECK(fuzz_is_utf8(err.text, strnlen(err.text, sizeof err.text)));
    gch_buf_deinit(&text);
    free(bytes);
    return 0;
}
