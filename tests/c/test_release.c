/* needs: release.c */
#include "release.h"

#include <string.h>

#include "check.h"

static bool remark(const char *answer, char *text)
{
    struct gch_release release = {.text = ""};
    gch_release_take(&release, answer, strlen(answer));
    text[0] = '\0';
    return gch_release_remark(&release, text, 512);
}

static void test_releases_that_are_tested_or_newer_are_not_remarked(void)
{
    static const char *const fine[] = {"24.8.4.1\n",           "24.8\n",    "24.12.1.1", "25.1.1.1\n",
                                       "26.9.2.1-lts\tname\n", "100.1.1\n", ""};
    char text[512];
    for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
        CHECK(!remark(fine[i], text));
}

static void test_an_older_release_is_named(void)
{
    char text[512];
    CHECK(remark("23.8.1.2\n", text));
    CHECK(strncmp(text, "ClickHouse 23.8.1.2 is older than 24.8, ", 40) == 0);
    CHECK(remark("24.7.9.9\n", text) && remark("1.1.54388\n", text) && remark("24.3-altinity\n", text));
}

static void test_what_is_no_release_is_named_as_it_is(void)
{
    static const char *const odd[] = {"8", "v24.8.1", "proxy 1.2", "24.x", "24..8", "99999.1", "24.8beta", "."};
    char text[512];
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        char quoted[32];
        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", odd[i]);
        CHECK(remark(odd[i], text) && strstr(text, quoted) != NULL);
    }
}

static void test_an_answer_is_cut_and_cleaned(void)
{
    char text[512];
    char answer[300];
    struct gch_release release;
    memset(answer, '7', sizeof(answer));
    gch_release_take(&release, answer, sizeof(answer));
    CHECK_INT((int)strlen(release.text), GCH_RELEASE_TEXT_MAX - 1);
    CHECK(!release.readable);
    CHECK(remark("\x1b[31m\x80\x01red\nsecond line", text) && strstr(text, "\"?[31m??red\"") != NULL);
}

static void test_an_error_says_it_last(void)
{
    static const char fresh[] = "Code: 81. DB::Exception: Database x does not exist. (UNKNOWN_DATABASE) "
                                "(version 24.8.4.1 (official build))\n";
    static const char quoted[] =
        "Code: 62. DB::Exception: failed at '(version 1.2)' (SYNTAX_ERROR) (version 25.8.2.1)\n";
    struct gch_release release = {.text = ""};
    gch_release_take_error(&release, fresh, strlen(fresh));
    CHECK_TEXT(release.text, "24.8.4.1");
    gch_release_take_error(&release, quoted, strlen(quoted));
    CHECK_TEXT(release.text, "25.8.2.1");
    gch_release_take_error(&release, "a proxy's page", 14);
    gch_release_take_error(&release, NULL, 0);
    gch_release_take(&release, NULL, 0);
    CHECK_TEXT(release.text, "25.8.2.1");
}

CHECK_MAIN(test_releases_that_are_tested_or_newer_are_not_remarked, test_an_older_release_is_named,
           test_what_is_no_release_is_named_as_it_is, test_an_answer_is_cut_and_cleaned, test_an_error_says_it_last)
