/* needs: status.c */
#include "status.h"

#include "check.h"

static void test_sentence_and_status(void)
{
    struct gch_err err;
    CHECK_INT(gch_err_set(&err, GCH_ERR_IO, "cannot open %s: %d", "a.seg", 13), GCH_ERR_IO);
    CHECK_TEXT(err.text, "cannot open a.seg: 13");
    CHECK_INT(gch_err_set(NULL, GCH_ERR_FULL, "nobody reads %s", "this"), GCH_ERR_FULL);
}

static void check_cut(const char *mark, size_t mark_at, size_t want)
{
    char text[2 * GCH_ERR_TEXT_MAX];
    struct gch_err err;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text + mark_at, mark, strlen(mark));
    (void)gch_err_set(&err, GCH_ERR_INVALID, "%s", text);
    CHECK_INT(strlen(err.text), want);
    CHECK_BYTES(err.text, strlen(err.text), text, want);
}

static void test_cut_keeps_characters_whole(void)
{
    size_t last = GCH_ERR_TEXT_MAX - 1;
    check_cut("x", 0, last);
    check_cut("\xF0\x9F\x98\x80", last - 4, last);
    check_cut("\xF0\x9F\x98\x80", last - 3, last - 3);
    check_cut("\xF0\x9F\x98\x80", last - 1, last - 1);
    check_cut("\xC3\xA9", last - 1, last - 1);
    check_cut("\xE2\x82\xAC", last - 2, last - 2);
}

static void test_exact_fit_is_not_cut(void)
{
    char text[GCH_ERR_TEXT_MAX];
    struct gch_err err;
    memset(text, 'y', sizeof text - 1);
    memcpy(text + sizeof text - 3, "\xC3\xA9", 3);
    (void)gch_err_set(&err, GCH_ERR_INVALID, "%s", text);
    CHECK_TEXT(err.text, text);
}

CHECK_MAIN(test_sentence_and_status, test_cut_keeps_characters_whole, test_exact_fit_is_not_cut)
