/* needs: json_write.c dtoa.c utf8.c buf.c status.c ; libs: libcjson */
/* The JSON writer on any characters: its text is JSON that says the same, read by a decoder of this file and by cJSON.
 *
 * The first byte chooses the form, the second a cap for the buffer, the rest are characters or numbers.
 */
#include "fuzz.h"

#include <cjson/cJSON.h>

#include "dtoa.h"
#include "json_write.h"
#include "utf8.h"

#define REPLACEMENT 0xFFFDU

static unsigned hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    FUZZ_CHECK(c >= 'a' && c <= 'f');
    return (unsigned)(c - 'a') + 10U;
}

/* One character of a JSON string, by RFC 8259. */
static uint32_t decode(struct fuzz_input *text)
{
    static const char letters[] = "\"\"\\\\b\bf\fn\nr\rt\t";
    uint32_t code = 0;
    size_t size = fuzz_utf8(text->at, text->left, &code);
    FUZZ_CHECK(size > 0 && code >= 0x20 && code != '"');
    text->at += size;
    text->left -= size;
    if (code != '\\')
        return code;
    uint8_t letter = fuzz_take_u8(text);
    for (size_t i = 0; letter != 'u' && i < sizeof letters - 1; i += 2) {
        if ((uint8_t)letters[i] == letter)
            return (uint8_t)letters[i + 1];
    }
    FUZZ_CHECK(letter == 'u' && text->left >= 4);
    code = 0;
    for (int i = 0; i < 4; i++)
        code = code << 4 | hex_digit(fuzz_take_u8(text));
    FUZZ_CHECK(code < 0x20);
    return code;
}

static bool is_character(uint32_t code)
{
    return code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
}

/* Fails unless text is a JSON string of these characters, those that are none replaced. */
static void check_string(const struct gch_buf *buf, const uint32_t *codes, size_t count, size_t replaced)
{
    bool has_nul = false;
    FUZZ_CHECK(gch_buf_status(buf) == GCH_OK && buf->len >= 2);
    FUZZ_CHECK(buf->data[0] == '"' && buf->data[buf->len - 1] == '"');
    struct fuzz_input text = {buf->data + 1, buf->len - 2};
    for (size_t i = 0; i < count; i++) {
        bool good = is_character(codes[i]);
        FUZZ_CHECK(decode(&text) == (good ? codes[i] : REPLACEMENT));
        replaced -= good ? 0 : 1;
        has_nul = has_nul || codes[i] == 0;
    }
    FUZZ_CHECK(text.left == 0 && replaced == 0);
    cJSON *parsed = has_nul ? NULL : cJSON_ParseWithLength((const char *)buf->data, buf->len);
    FUZZ_CHECK(has_nul || cJSON_IsString(parsed));
    cJSON_Delete(parsed);
}

static size_t write_chars(struct gch_buf *buf, unsigned width, const uint8_t *chars, size_t count)
{
    if (width == 1)
        return gch_json_latin1(buf, chars, count);
    if (width == 2)
        return gch_json_ucs2(buf, (const uint16_t *)(const void *)chars, count);
    return gch_json_ucs4(buf, (const uint32_t *)(const void *)chars, count);
}

static void run_chars(const struct fuzz_input *input, unsigned width, size_t cap)
{
    struct gch_buf whole;
    struct gch_buf capped;
    size_t count = input->left / width;
    uint8_t *chars = fuzz_copy(input->at, count * width);
    uint32_t *codes = calloc(count + 1, sizeof *codes);
    FUZZ_CHECK(codes != NULL);
    for (size_t i = 0; i < count; i++)
        memcpy(&codes[i], chars + i * width, width);
    gch_buf_init(&whole, 1U << 20);
    check_string(&whole, codes, count, (write_chars(&whole, width, chars, count)));
    gch_buf_init(&capped, cap);
    (void)write_chars(&capped, width, chars, count);
    FUZZ_CHECK(capped.len <= cap && (gch_buf_status(&capped) == GCH_OK) == (whole.len <= cap));
    gch_buf_deinit(&capped);
    gch_buf_deinit(&whole);
    free(codes);
    free(chars);
}

/* Bytes that should be UTF-8: what is valid comes back, and one U+FFFD stands for each run of bytes that is not. */
static void run_bytes(const struct fuzz_input *input)
{
    struct gch_buf buf;
    uint8_t *bytes = fuzz_copy(input->at, input->left);
    gch_buf_init(&buf, 1U << 20);
    size_t replaced = gch_json_bytes(&buf, bytes, input->left);
    FUZZ_CHECK((replaced == 0) == fuzz_is_utf8(bytes, input->left));
    FUZZ_CHECK(gch_buf_status(&buf) == GCH_OK && buf.len >= 2 && buf.data[buf.len - 1] == '"');
    struct fuzz_input text = {buf.data + 1, buf.len - 2};
    for (size_t at = 0, size; at < input->left; at += size) {
        uint32_t code = 0;
        size = fuzz_utf8(bytes + at, input->left - at, &code);
        if (size > 0) {
            FUZZ_CHECK(decode(&text) == code);
            continue;
        }
        FUZZ_CHECK(!gch_utf8_sequence(bytes + at, input->left - at, &size) && size > 0 && size < 4);
        FUZZ_CHECK(decode(&text) == REPLACEMENT);
        replaced -= 1;
    }
    FUZZ_CHECK(text.left == 0 && replaced == 0);
    gch_buf_deinit(&buf);
    free(bytes);
}

static void check_double(uint64_t bits)
{
    struct gch_buf buf;
    double value;
    double again;
    char *end;
    memcpy(&value, &bits, sizeof value);
    gch_buf_init(&buf, GCH_DTOA_MAX);
    size_t replaced = gch_json_double(&buf, value);
    const char *text = gch_buf_cstr(&buf);
    FUZZ_CHECK(text != NULL && replaced == ((bits & 0x7FF0000000000000U) == 0x7FF0000000000000U));
    again = strtod(text, &end);
    FUZZ_CHECK(replaced == 0 ? *end == '\0' && memcmp(&again, &bits, 8) == 0 : strcmp(text, "null") == 0);
    cJSON *parsed = cJSON_ParseWithLength(text, buf.len);
    FUZZ_CHECK(replaced == 0 ? cJSON_IsNumber(parsed) : cJSON_IsNull(parsed));
    cJSON_Delete(parsed);
    gch_buf_reset(&buf);
    gch_json_int(&buf, (int64_t)bits);
    text = gch_buf_cstr(&buf);
    FUZZ_CHECK(text != NULL && strtoll(text, &end, 10) == (int64_t)bits && *end == '\0');
    gch_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    unsigned form = fuzz_take_u8(&input) % 5U;
    size_t cap = fuzz_take_u8(&input);
    if (form < 3)
        run_chars(&input, 1U << form, cap);
    else if (form == 3)
        run_bytes(&input);
    for (uint64_t bits; form == 4 && input.left >= 8; input.at += 8, input.left -= 8) {
        memcpy(&bits, input.at, 8);
        check_double(bits);
    }
    return 0;
}
