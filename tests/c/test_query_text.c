/* needs: query_text.c buf.c status.c utf8.c */
#include "query_text.h"

#include "check.h"

static struct gch_buf buf;

static const char *text(void)
{
    return gch_buf_cstr(&buf);
}

static void test_encoded(void)
{
    uint8_t all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    gch_buf_reset(&buf);
    gch_query_put_encoded(&buf, all, sizeof(all));
    CHECK_INT(buf.len, 66 + 190 * 3);
    CHECK(strstr(text(), "%00%01") == text() && strstr(text(), "%20") != NULL && strstr(text(), "%FF") != NULL);
    CHECK(strpbrk(text(), " &=?#+/'\"\\") == NULL);
}

static void test_identifier(void)
{
    gch_buf_reset(&buf);
    gch_query_put_identifier(&buf, "a`; DROP TABLE b\\", 17);
    CHECK_TEXT(text(), "`a\\`; DROP TABLE b\\\\`");
}

static void begin(void)
{
    gch_buf_init(&buf, 1 << 20);
    CHECK_INT(buf.len, 0);
}

static void end(void)
{
    CHECK_INT(gch_buf_status(&buf), GCH_OK);
    gch_buf_deinit(&buf);
}

CHECK_MAIN(begin, test_encoded, test_identifier, end)
