/* needs: notice.c */
#include "notice.h"

#include "check.h"

static void test_one_line_a_cause(void)
{
    static struct gch_notices notices;
    struct gch_notice notice;
    gch_notices_init(&notices);
    CHECK(!gch_notices_waiting(&notices) && !gch_notice_take(&notices, &notice));
    gch_notice_post(&notices, GCH_CAUSE_AUTH, "first");
    gch_notice_post(&notices, GCH_CAUSE_AUTH, "second");
    gch_notice_post(&notices, GCH_CAUSE_UPDATE, "other");
    CHECK(gch_notices_waiting(&notices));
    CHECK(gch_notice_take(&notices, &notice));
    CHECK_TEXT(notice.text, "first");
    CHECK(notice.cause == GCH_CAUSE_AUTH && notice.level == 40 && notice.count == 2);
    CHECK(gch_notice_take(&notices, &notice) && notice.cause == GCH_CAUSE_UPDATE);
    CHECK(!gch_notice_take(&notices, &notice) && !gch_notices_waiting(&notices));
    gch_notice_post(&notices, GCH_CAUSE_AUTH, "third");
    CHECK(!gch_notice_take(&notices, &notice));
    gch_notice_resolve(&notices, GCH_CAUSE_AUTH);
    gch_notice_post(&notices, GCH_CAUSE_AUTH, "fourth");
    CHECK(gch_notice_take(&notices, &notice) && notice.count == 2);
    CHECK_TEXT(notice.text, "fourth");
}

static void test_long_text_is_cut(void)
{
    static struct gch_notices notices;
    struct gch_notice notice;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    gch_notices_init(&notices);
    gch_notice_post(&notices, GCH_CAUSE_THREAD, text);
    CHECK(gch_notice_take(&notices, &notice));
    CHECK_INT(strlen(notice.text), GCH_ERR_TEXT_MAX - 1);
}

CHECK_MAIN(test_one_line_a_cause, test_long_text_is_cut)
