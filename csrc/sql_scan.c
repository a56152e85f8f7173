#include "sql_scan.h"

#include <string.h>
#include <strings.h>

static bool is_word(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* NULL: what begins here has no end. */
static const char *skip_comment(const char *at, const char *end)
{
    if (*at != '/') {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        return line_end == NULL ? end : line_end + 1;
    }
    for (at += 2; at + 1 < end; at++) {
        if (at[0] == '*' && at[1] == '/')
            return at + 2;
    }
    return NULL;
}

static bool is_comment(const char *at, const char *end)
{
    if (*at == '#')
        return true;
    return end - at >= 2 && ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'));
}

static const char *skip_space(const char *at, const char *end)
{
    while (at != NULL && at < end) {
        if (strchr(" \t\r\n\f\v", *at) != NULL && *at != '\0')
            at += 1;
        else if (is_comment(at, end))
            at = skip_comment(at, end);
        else
            break;
    }
    return at;
}

/* Where a quoted thing ends: a backslash takes the next byte, and a doubled quote is one of its letters. NULL: nowhere.
 */
static const char *skip_quoted(const char *at, const char *end)
{
    char quote = *at;
    for (at += 1; at < end; at++) {
        if (*at == '\\' && at + 1 < end)
            at += 1;
        else if (*at == quote && at + 1 < end && at[1] == quote)
            at += 1;
        else if (*at == quote)
            return at + 1;
    }
    return NULL;
}

static struct gch_token token_at(const char *at, const char *end)
{
    struct gch_token token = {GCH_TOKEN_SIGN, at, 1};
    if (is_word(*at)) {
        token.kind = GCH_TOKEN_WORD;
        while (at + token.len < end && is_word(at[token.len]))
            token.len += 1;
        return token;
    }
    if (*at == '$' || *at == '\0')
        token.kind = GCH_TOKEN_BAD;
    if (*at != '\'' && *at != '"' && *at != '`')
        return token;
    const char *after = skip_quoted(at, end);
    token.kind = after == NULL ? GCH_TOKEN_BAD : *at == '\'' ? GCH_TOKEN_TEXT : GCH_TOKEN_QUOTED;
    token.len = after == NULL ? (size_t)(end - at) : (size_t)(after - at);
    return token;
}

struct gch_token gch_scan_peek(const struct gch_scan *scan)
{
    const char *at = skip_space(scan->at, scan->end);
    if (at == NULL)
        return (struct gch_token){GCH_TOKEN_BAD, scan->at, (size_t)(scan->end - scan->at)};
    if (at == scan->end)
        return (struct gch_token){GCH_TOKEN_END, at, 0};
    return token_at(at, scan->end);
}

struct gch_token gch_scan_next(struct gch_scan *scan)
{
    struct gch_token token = gch_scan_peek(scan);
    if (token.kind != GCH_TOKEN_BAD)
        scan->at = gch_token_end(&token);
    return token;
}

bool gch_scan_take(struct gch_scan *scan, const char *word)
{
    struct gch_token token = gch_scan_peek(scan);
    if (!gch_token_is(&token, word))
        return false;
    scan->at = gch_token_end(&token);
    return true;
}

bool gch_token_is(const struct gch_token *token, const char *word)
{
    bool plain = token->kind == GCH_TOKEN_WORD || token->kind == GCH_TOKEN_SIGN;
    return plain && strlen(word) == token->len && strncasecmp(token->at, word, token->len) == 0;
}

void gch_token_count_bracket(const struct gch_token *token, int *depth)
{
    if (token->kind != GCH_TOKEN_SIGN)
        return;
    *depth += strchr("([{", *token->at) != NULL;
    *depth -= strchr(")]}", *token->at) != NULL;
}

static bool is_last(const struct gch_token *token)
{
    return token->kind == GCH_TOKEN_END || token->kind == GCH_TOKEN_BAD;
}

struct gch_piece gch_scan_piece(struct gch_scan *scan)
{
    struct gch_piece piece = {scan->at, scan->at};
    int depth = 0;
    for (;;) {
        struct gch_token token = gch_scan_next(scan);
        if (is_last(&token) || (depth == 0 && gch_token_is(&token, ",")))
            return piece;
        gch_token_count_bracket(&token, &depth);
        piece.end = gch_token_end(&token);
    }
}

bool gch_scan_brackets(struct gch_scan *scan, struct gch_scan *inside)
{
    int depth = 0;
    struct gch_token token = gch_scan_next(scan);
    if (!gch_token_is(&token, "("))
        return false;
    inside->at = gch_token_end(&token);
    for (gch_token_count_bracket(&token, &depth); depth > 0; gch_token_count_bracket(&token, &depth)) {
        token = gch_scan_next(scan);
        if (is_last(&token))
            return false;
    }
    inside->end = token.at;
    return true;
}
