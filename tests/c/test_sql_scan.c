/* needs: sql_scan.c */
#include "sql_scan.h"

#include "check.h"

static struct gch_scan scan_of(const char *sql)
{
    return (struct gch_scan){sql, sql + strlen(sql)};
}

/* The kinds of all tokens as letters: Word, Quoted, Text, Sign, Bad. */
static const char *kinds(const char *sql)
{
    static char letters[64];
    static const char of_kind[] = {'.', 'W', 'Q', 'T', 'S', 'B'};
    struct gch_scan scan = scan_of(sql);
    size_t count = 0;
    struct gch_token token;
    do {
        token = gch_scan_next(&scan);
        letters[count++] = of_kind[token.kind];
    } while (token.kind != GCH_TOKEN_END && token.kind != GCH_TOKEN_BAD && count < sizeof(letters) - 1);
    letters[count] = '\0';
    return letters;
}

static void test_kinds(void)
{
    CHECK_TEXT(kinds(""), ".");
    CHECK_TEXT(kinds(" \t\r\n"), ".");
    CHECK_TEXT(kinds("a_1 12 `b c` \"d\" 'e' = ("), "WWQQTSS.");
    CHECK_TEXT(kinds("-- all\n# of\n/* it; ' */"), ".");
    CHECK_TEXT(kinds("a--b"), "W.");
    CHECK_TEXT(kinds("a-b/c"), "WSWSW.");
    CHECK_TEXT(kinds("'it''s' 'a\\'b' `a\\`b` ''"), "TTQT.");
    CHECK_TEXT(kinds("caf\xC3\xA9"), "WSS.");
}

static void test_what_does_not_end(void)
{
    static const char *const open[] = {"'",   "'a", "'a\\",   "'a\\'", "'a''", "`a",
                                       "\"a", "/*", "/* a *", "/*/",   "$",    "$$a$$"};
    for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
        CHECK_TEXT(kinds(open[i]), "B");
    struct gch_scan nul = {"\0a", "\0a" + 2};
    CHECK_INT(gch_scan_next(&nul).kind, GCH_TOKEN_BAD);
    CHECK_INT(gch_scan_next(&nul).kind, GCH_TOKEN_BAD);
}

static void test_words(void)
{
    struct gch_scan scan = scan_of("Create `table` 'x' ");
    CHECK(!gch_scan_take(&scan, "CREAT") && !gch_scan_take(&scan, "CREATED") && gch_scan_take(&scan, "CREATE"));
    CHECK(!gch_scan_take(&scan, "table"));
    CHECK_INT(gch_scan_peek(&scan).kind, GCH_TOKEN_QUOTED);
    CHECK_INT(gch_scan_next(&scan).len, 7);
    CHECK(!gch_scan_take(&scan, "x"));
    CHECK_INT(gch_scan_next(&scan).kind, GCH_TOKEN_TEXT);
    CHECK_INT(gch_scan_next(&scan).kind, GCH_TOKEN_END);
    CHECK_INT(gch_scan_next(&scan).kind, GCH_TOKEN_END);
}

static void test_pieces(void)
{
    static const char *const want[] = {"a Map(x, y)", " [1, 2]", " ','", " -- no, comma\n b"};
    struct gch_scan scan = scan_of("a Map(x, y) , [1, 2], ',', -- no, comma\n b ");
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        struct gch_piece piece = gch_scan_piece(&scan);
        CHECK_INT(piece.end - piece.at, strlen(want[i]));
        CHECK(memcmp(piece.at, want[i], strlen(want[i])) == 0);
    }
    CHECK_INT(gch_scan_peek(&scan).kind, GCH_TOKEN_END);
}

static void test_brackets(void)
{
    struct gch_scan inside;
    struct gch_scan scan = scan_of("(a (')') b) c");
    CHECK(gch_scan_brackets(&scan, &inside));
    CHECK_INT(inside.end - inside.at, strlen("a (')') b"));
    CHECK(gch_scan_take(&scan, "c"));
    struct gch_scan none = scan_of("a");
    struct gch_scan open = scan_of("(a");
    struct gch_scan bad = scan_of("(a '");
    CHECK(!gch_scan_brackets(&none, &inside) && !gch_scan_brackets(&open, &inside) &&
          !gch_scan_brackets(&bad, &inside));
}

CHECK_MAIN(test_kinds, test_what_does_not_end, test_words, test_pieces, test_brackets)
