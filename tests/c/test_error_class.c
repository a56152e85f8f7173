/* needs: error_class.c */
#include "error_class.h"

#include <stddef.h>

#include "check.h"

static void test_codes(void)
{
    static const struct {
        int code;
        enum gch_error_class want;
        const char *name;
    } rows[] = {
        {516, GCH_CLASS_AUTH, "AUTHENTICATION_FAILED"},
        {497, GCH_CLASS_AUTH, "ACCESS_DENIED"},
        {164, GCH_CLASS_AUTH, "READONLY"},
        {192, GCH_CLASS_AUTH, "UNKNOWN_USER"},
        {60, GCH_CLASS_SCHEMA, "UNKNOWN_TABLE"},
        {81, GCH_CLASS_SCHEMA, "UNKNOWN_DATABASE"},
        {16, GCH_CLASS_SCHEMA, "NO_SUCH_COLUMN_IN_TABLE"},
        {47, GCH_CLASS_SCHEMA, "UNKNOWN_IDENTIFIER"},
        {117, GCH_CLASS_SCHEMA, "INCORRECT_DATA"},
        {53, GCH_CLASS_SCHEMA, "TYPE_MISMATCH"},
        {469, GCH_CLASS_REJECT, "VIOLATED_CONSTRAINT"},
        {69, GCH_CLASS_REJECT, "ARGUMENT_OUT_OF_BOUND"},
        {27, GCH_CLASS_REJECT, "CANNOT_PARSE_INPUT_ASSERTION_FAILED"},
        {241, GCH_CLASS_SPLIT, "MEMORY_LIMIT_EXCEEDED"},
        {131, GCH_CLASS_SPLIT, "TOO_LARGE_STRING_SIZE"},
        {128, GCH_CLASS_SPLIT, "TOO_LARGE_ARRAY_SIZE"},
        {252, GCH_CLASS_RETRY, "TOO_MANY_PARTS"},
        {159, GCH_CLASS_RETRY, "TIMEOUT_EXCEEDED"},
        {242, GCH_CLASS_RETRY, "TABLE_IS_READ_ONLY"},
        {243, GCH_CLASS_RETRY, "NOT_ENOUGH_SPACE"},
        {999, GCH_CLASS_RETRY, "KEEPER_EXCEPTION"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(gch_error_classify(rows[i].code, 500), rows[i].want);
        CHECK_TEXT(gch_error_code_name(rows[i].code), rows[i].name);
    }
}

static void test_code_goes_before_status(void)
{
    CHECK_INT(gch_error_classify(60, 404), GCH_CLASS_SCHEMA);
    CHECK_INT(gch_error_classify(252, 403), GCH_CLASS_RETRY);
    CHECK_INT(gch_error_classify(241, 200), GCH_CLASS_SPLIT);
    CHECK_INT(gch_error_classify(241, 0), GCH_CLASS_SPLIT);
}

static void test_status_alone(void)
{
    CHECK_INT(gch_error_classify(0, 200), GCH_CLASS_NONE);
    CHECK_INT(gch_error_classify(0, 204), GCH_CLASS_NONE);
    CHECK_INT(gch_error_classify(0, 401), GCH_CLASS_AUTH);
    CHECK_INT(gch_error_classify(0, 403), GCH_CLASS_AUTH);
    CHECK_INT(gch_error_classify(0, 413), GCH_CLASS_SPLIT);
    static const int others[] = {0, 100, 199, 300, 301, 307, 400, 404, 407, 408, 429, 500, 502, 503, 504, 999, -1};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_INT(gch_error_classify(0, others[i]), GCH_CLASS_RETRY);
}

static void test_unknown_codes_lose_nothing(void)
{
    static const int codes[] = {-1, 5, 998, 2999, 1000000};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        CHECK_INT(gch_error_classify(codes[i], 500), GCH_CLASS_RETRY);
        CHECK_INT(gch_error_classify(codes[i], 200), GCH_CLASS_RETRY);
        CHECK(gch_error_code_name(codes[i]) == NULL);
    }
    CHECK_INT(gch_error_classify(2999, 403), GCH_CLASS_AUTH);
    for (int code = 1; code < 3000; code++)
        CHECK(gch_error_classify(code, 200) != GCH_CLASS_NONE);
}

static void test_class_names(void)
{
}

CHECK_MAIN(test_codes, test_code_goes_before_status, test_status_alone, test_unknown_codes_lose_nothing,
           test_class_names)
