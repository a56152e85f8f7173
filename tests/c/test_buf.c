/* needs: buf.c */
#include "buf.h"

#include "check.h"

static void test_append_grows_and_keeps(void)
{
    struct gch_buf buf;
    uint8_t want[1000];
    gch_buf_init(&buf, sizeof want);
    for (size_t i = 0; i < sizeof want; i++) {
        want[i] = (uint8_t)(i * 7);
        if (i % 3 == 0)
            gch_buf_byte(&buf, want[i]);
        else
            gch_buf_append(&buf, &want[i], 1);
    }
    CHECK_INT(gch_buf_status(&buf), GCH_OK);
    CHECK_BYTES(buf.data, buf.len, want, sizeof want);
    CHECK(buf.room <= buf.cap);
    gch_buf_deinit(&buf);
}

static void test_cap_is_exact_and_error_sticks(void)
{
    struct gch_buf buf;
    gch_buf_init(&buf, 10);
    gch_buf_append(&buf, "12345678", 8);
    gch_buf_append(&buf, "abc", 3);
    CHECK_INT(gch_buf_status(&buf), GCH_ERR_TOO_BIG);
    gch_buf_byte(&buf, 'd');
    CHECK_BYTES(buf.data, buf.len, "12345678", 8);
    CHECK(gch_buf_reserve(&buf, 1) == NULL);
    CHECK(gch_buf_cstr(&buf) == NULL);
    gch_buf_truncate(&buf, 4);
    CHECK_INT(gch_buf_status(&buf), GCH_ERR_TOO_BIG);
    gch_buf_reset(&buf);
    gch_buf_append(&buf, "0123456789", 10);
    CHECK_INT(gch_buf_status(&buf), GCH_OK);
    CHECK_TEXT(gch_buf_cstr(&buf), "0123456789");
    gch_buf_deinit(&buf);
}

static void test_huge_lengths_do_not_overflow(void)
{
    struct gch_buf buf;
    gch_buf_init(&buf, SIZE_MAX);
    gch_buf_byte(&buf, 'a');
    CHECK(gch_buf_reserve(&buf, SIZE_MAX) == NULL);
    CHECK_INT(gch_buf_status(&buf), GCH_ERR_TOO_BIG);
    CHECK_BYTES(buf.data, buf.len, "a", 1);
    gch_buf_deinit(&buf);
}

static void test_no_memory_sticks(void)
{
    struct gch_buf buf;
    gch_buf_init(&buf, SIZE_MAX);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
    CHECK(gch_buf_reserve(&buf, (size_t)PTRDIFF_MAX - 16) == NULL);
    CHECK_INT(gch_buf_status(&buf), GCH_ERR_NOMEM);
#endif
    CHECK_INT(buf.len, 0);
    gch_buf_deinit(&buf);
}

static void test_empty_appends(void)
{
    struct gch_buf buf;
    gch_buf_init(&buf, 4);
    gch_buf_append(&buf, NULL, 0);
    gch_buf_text(&buf, "");
    gch_buf_printf(&buf, "%s", "");
    CHECK_INT(buf.len, 0);
    CHECK_INT(gch_buf_status(&buf), GCH_OK);
    CHECK_TEXT(gch_buf_cstr(&buf), "");
    gch_buf_deinit(&buf);
    gch_buf_deinit(&buf);
}

static void test_truncate_and_shrink(void)
{
    struct gch_buf buf;
    gch_buf_init(&buf, 1000);
    gch_buf_text(&buf, "hello, world");
    gch_buf_truncate(&buf, 5);
    CHECK_TEXT(gch_buf_cstr(&buf), "hello");
    gch_buf_truncate(&buf, 9);
    CHECK_INT(buf.len, 5);
    gch_buf_shrink(&buf, 500);
    CHECK(buf.data != NULL && buf.len == 0);
    CHECK(gch_buf_reserve(&buf, 501) != NULL);
    gch_buf_shrink(&buf, 500);
    CHECK(buf.data == NULL && buf.room == 0);
    gch_buf_text(&buf, "again");
    CHECK_TEXT(gch_buf_cstr(&buf), "again");
    gch_buf_deinit(&buf);
}

static void test_printf(void)
{
    struct gch_buf buf;
    gch_buf_init(&buf, 12);
    gch_buf_printf(&buf, "%d-%s", 42, "abc");
    gch_buf_printf(&buf, "%06d", 7);
    CHECK_TEXT(gch_buf_cstr(&buf), "42-abc000007");
    gch_buf_printf(&buf, "%c", 'x');
    CHECK_INT(gch_buf_status(&buf), GCH_ERR_TOO_BIG);
    CHECK_INT(buf.len, 12);
    gch_buf_deinit(&buf);
}

CHECK_MAIN(test_append_grows_and_keeps, test_cap_is_exact_and_error_sticks, test_huge_lengths_do_not_overflow,
           test_no_memory_sticks, test_empty_appends, test_truncate_and_shrink, test_printf)
