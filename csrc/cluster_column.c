#include "cluster_column.h"

static bool is_one_of(const struct gch_token *token, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (gch_token_is(token, *words))
            return true;
    }
    return false;
}

bool gch_element_is_column(struct gch_piece element)
{
    static const char *const others[] = {"INDEX", "CONSTRAINT", "PROJECTION", "PRIMARY", "FOREIGN", NULL};
    struct gch_scan scan = {element.at, element.end};
    struct gch_token first = gch_scan_next(&scan);
    return !is_one_of(&first, others);
}

/* True for a token, with scan behind it, that begins what only a table with data has. */
static bool begins_storage(const struct gch_token *token, const struct gch_scan *scan)
{
    static const char *const words[] = {"CODEC", "TTL", "STATISTICS", "SETTINGS", "PRIMARY", NULL};
    struct gch_token next = gch_scan_peek(scan);
    if (gch_token_is(token, "REMOVE"))
        return is_one_of(&next, words);
    if (gch_token_is(token, "MODIFY") || gch_token_is(token, "RESET"))
        return gch_token_is(&next, "SETTING");
    return is_one_of(token, words);
}

static bool is_end(const struct gch_token *token)
{
    return token->kind == GCH_TOKEN_END || token->kind == GCH_TOKEN_BAD;
}

static void put(struct gch_buf *out, const char *from, const char *to)
{
    gch_buf_append(out, from, (size_t)(to - from));
}

bool gch_column_put(struct gch_buf *out, struct gch_scan definition)
{
    const char *from = definition.at;
    bool storage = false;
    bool any = false;
    int depth = 0;
    for (;;) {
        struct gch_token token = gch_scan_next(&definition);
        if (is_end(&token))
            return any;
        if (depth == 0 && (gch_token_is(&token, "AFTER") || gch_token_is(&token, "FIRST")))
            storage = false;
        storage = storage || (depth == 0 && begins_storage(&token, &definition));
        if (!storage)
            put(out, from, gch_token_end(&token));
        any = any || !storage;
        from = gch_token_end(&token);
        gch_token_count_bracket(&token, &depth);
    }
}
