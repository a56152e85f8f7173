/* needs: server_text.c error_class.c buf.c utf8.c status.c */
#include "server_text.h"

#include "check.h"

static char shown[2048];

static const char *show(const char *text, size_t len, bool whole, size_t max)
{
    struct gch_buf buf;
    gch_buf_init(&buf, sizeof(shown) - 1);
    gch_server_text_put(&buf, text, len, whole, max);
    CHECK_INT(gch_buf_status(&buf), GCH_OK);
    CHECK(buf.len <= max);
    memcpy(shown, buf.data == NULL ? (const uint8_t *)"" : buf.data, buf.len);
    shown[buf.len] = '\0';
    gch_buf_deinit(&buf);
    return shown;
}

/* Texts of a real engine, with the row's words in place of X. */
static void test_what_is_cut(void)
{
    static const char *const cases[][2] = {
        {"Code: 27. DB::Exception: Cannot parse input: expected ',' before: 'X sk 42}': (at row 17)\n"
         ": (in file/uri /x): While executing File. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.9.2.1)",
         "Code: 27. DB::Exception: Cannot parse input: expected '...' before: ... (at row 17) "
         "(CANNOT_PARSE_INPUT_ASSERTION_FAILED)"},
        {"Code: 27. DB::Exception: Cannot parse input: expected '\"' before: 'X\"}': (at row 1)",
         "Code: 27. DB::Exception: Cannot parse input: expected '... (at row 1) (CANNOT_PARSE_INPUT_ASSERTION_FAILED)"},
        {"Code: 469. DB::Exception: Constraint `c` for table d.t (5-8) is violated at row 1. Expression: (a < 100). "
         "Column values: s = 'X', a = 500. (VIOLATED_CONSTRAINT)",
         "Code: 469. DB::Exception: Constraint `c` for table d.t (5-8) is violated at row 1. Expression: (a < 100). "
         "Column values: ... (VIOLATED_CONSTRAINT)"},
        {"Code: 376. DB::Exception: Cannot parse uuid X sk\"}: (while reading the value of key u): (at row 3)",
         "Code: 376. DB::Exception: Cannot parse uuid ... (at row 3) (CANNOT_PARSE_UUID)"},
        {"Code: 457. DB::Exception: Value X 'cannot be parsed as Int32 for query parameter 'p'.",
         "Code: 457. DB::Exception: Value ... (BAD_QUERY_PARAMETER)"},
        {"Code: 691. DB::Exception: Unknown element 'X' for enum: (while reading the value of key e)",
         "Code: 691. DB::Exception: Unknown element ... (UNKNOWN_ELEMENT_OF_ENUM)"},
        {"Code: 36. DB::Exception: Something else about 'X \"and' more' of column `a`. (BAD_ARGUMENTS)",
         "Code: 36. DB::Exception: Something else about '...' of column `a`. (BAD_ARGUMENTS)"},
        {"Code: 16. DB::Exception: No column 'it's X' or column 'x' there", "Code: 16. DB::Exception: No column '... "
                                                                            "(NO_SUCH_COLUMN_IN_TABLE)"},
        {"Code: 41. DB::Exception: Cannot read DateTime: unexpected word: (at row 1)\n: X",
         "Code: 41. DB::Exception: Cannot read DateTime: unexpected word: (at row 1)... (CANNOT_PARSE_DATETIME)"},
        {"Code: 36. DB::Exception: No 'it's 'X\nX' X.", "Code: 36. DB::Exception: No '... (BAD_ARGUMENTS)"},
        {"Code: 36. DB::Exception: A 'quotation with X and no end", "Code: 36. DB::Exception: A '... (BAD_ARGUMENTS)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_TEXT(show(cases[i][0], strlen(cases[i][0]), true, 512), cases[i][1]);
}

static void test_what_stays(void)
{
    static const char *const cases[] = {
        "Code: 60. DB::Exception: Table d.individuals doesn't exist. (UNKNOWN_TABLE) (version 26.9.2.1)",
        "Code: 516. DB::Exception: u: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)",
        "Code: 16. DB::Exception: No such column nope in table d.t. (NO_SUCH_COLUMN_IN_TABLE)",
        "Code: 241. DB::Exception: Memory limit (total) exceeded: would use 1 GiB. (MEMORY_LIMIT_EXCEEDED)",
        "There is no handle /x",
        "Code: 115. DB::Exception: Unknown setting 'no_such_setting'. (UNKNOWN_SETTING) (version 26.9.2.1)",
        "Code: 53. DB::Exception: Type of 'x' must be Int32, not String. (TYPE_MISMATCH)",
        "",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_TEXT(show(cases[i], strlen(cases[i]), true, 512), cases[i]);
}

/* The end is missing, so a mark that looks like the last may be a part of the row. */
static void test_cut_reply(void)
{
    static const char text[] = "Code: 53. DB::Exception: Type of 'it's X";
    CHECK_TEXT(show(text, strlen(text), false, 512), "Code: 53. DB::Exception: Type of '... (TYPE_MISMATCH)");
}

static void test_any_bytes(void)
{
    static const char text[] = "a\0b\tc\x7f\xff\xc3\xa9 \r\n";
    CHECK_TEXT(show(text, sizeof(text) - 1, true, 512), "a b c \xEF\xBF\xBD\xC3\xA9");
}

static void test_cap(void)
{
    char text[4096];
    memset(text, 'x', sizeof(text));
    CHECK_INT(strlen(show(text, sizeof(text), true, 512)), 512);
    CHECK_TEXT(shown + 509, "...");
    CHECK_INT(strlen(show(text, sizeof(text), true, 100000)), 512);
    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    CHECK_INT(strlen(show(text, sizeof(text), true, 300)), 299);
    CHECK_TEXT(show(text, sizeof(text), true, 2), "");
}

CHECK_MAIN(test_what_is_cut, test_what_stays, test_cut_reply, test_any_bytes, test_cap)
