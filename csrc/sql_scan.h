/* ClickHouse's SQL as words and signs, as far as the statements of migrations need it.
 *
 * Pure: reads the bytes that it was given and owns nothing. Spaces and comments (--, #!, # and C's) are stepped over. A
 * heredoc
 * ($tag$) is BAD, and so is a quote or a comment that does not end.
 */
#ifndef GCH_SQL_SCAN_H
#define GCH_SQL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum gch_token_kind {
    GCH_TOKEN_END,
    GCH_TOKEN_WORD,   /* letters, digits and _; so a number is one too */
    GCH_TOKEN_QUOTED, /* an identifier in backquotes or double quotes */
    GCH_TOKEN_TEXT,   /* a string in single quotes */
    GCH_TOKEN_SIGN,   /* any other byte */
    GCH_TOKEN_BAD
};

struct gch_token {
    enum gch_token_kind kind;
    const char *at;
    size_t len;
};

struct gch_scan {
    const char *at;
    const char *end;
};

/* The next token; the scan moves behind it. END and BAD come again and again. */
struct gch_token gch_scan_next(struct gch_scan *scan);

/* The same without moving. */
struct gch_token gch_scan_peek(const struct gch_scan *scan);

/* Takes the next token if it is this word (whatever its case) or sign. */
bool gch_scan_take(struct gch_scan *scan, const char *word);

/* True for this word, whatever its case, unquoted, or for this sign. */
bool gch_token_is(const struct gch_token *token, const char *word);

/* True for what can name a column or a table. */
static inline bool gch_token_is_name(const struct gch_token *token)
{
    return token->kind == GCH_TOKEN_WORD || token->kind == GCH_TOKEN_QUOTED;
}

/* Adds 1 to depth for a bracket that opens, of any kind, and takes 1 off for one that closes. */
void gch_token_count_bracket(const struct gch_token *token, int *depth);

/* What stands between two commas outside of brackets: from behind the comma to the end of the last token. */
struct gch_piece {
    const char *at;
    const char *end;
};

/* Takes the tokens up to the next such comma, which it takes too, or the end. */
struct gch_piece gch_scan_piece(struct gch_scan *scan);

/* Takes what stands in brackets, which begin here; *inside is what is between them. False: none begin, or they do not
 * end. */
bool gch_scan_brackets(struct gch_scan *scan, struct gch_scan *inside);

/* Bytes up to which the token reaches. */
static inline const char *gch_token_end(const struct gch_token *token)
{
    return token->at + token->len;
}

#endif
