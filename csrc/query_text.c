#include "query_text.h"

#include <ctype.h>

void gch_query_put_encoded(struct gch_buf *url, const void *bytes, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++) {
        if (at[i] < 128 && (isalnum(at[i]) || strchr("-._~", at[i]) != NULL) && at[i] != 0) {
            gch_buf_byte(url, at[i]);
        } else {
            gch_buf_byte(url, '%');
            gch_buf_byte(url, (uint8_t)hex[at[i] >> 4]);
            gch_buf_byte(url, (uint8_t)hex[at[i] & 15]);
        }
    }
}

void gch_query_put_identifier(struct gch_buf *sql, const char *name, size_t len)
{
    gch_buf_byte(sql, '`');
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '`' || name[i] == '\\')
            gch_buf_byte(sql, '\\');
        gch_buf_byte(sql, (uint8_t)name[i]);
    }
    gch_buf_byte(sql, '`');
}
