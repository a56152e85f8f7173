#include "query_text.h"

#include <ctype.h>
#include <stdbool.h>

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

static const char *escape_of(char c)
{
    switch (c) {
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    case '\r':
        return "\\r";
    case '\0':
        return "\\0";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\'':
        return "\\'";
    default:
        return NULL;
    }
}

static void put_field(struct gch_buf *form, const char *prefix, const char *name)
{
    gch_buf_printf(form, "--" GCH_FORM_BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s%s\"\r\n\r\n", prefix,
                   name);
}

void gch_form_put_text(struct gch_buf *form, const char *name, const char *text)
{
    put_field(form, "", name);
    gch_buf_text(form, text);
    gch_buf_text(form, "\r\n");
}

void gch_form_put_parameter(struct gch_buf *form, const char *name, const char *value, size_t len)
{
    put_field(form, "param_", name);
    bool dashes = len >= 2 && memcmp(value, "--", 2) == 0;
    for (size_t i = 0; i < len; i++) {
        const char *escape = i == 0 && dashes ? "\\x2D" : escape_of(value[i]);
        if (escape != NULL)
            gch_buf_text(form, escape);
        else
            gch_buf_byte(form, (uint8_t)value[i]);
    }
    gch_buf_text(form, "\r\n");
}

void gch_form_put_end(struct gch_buf *form)
{
    gch_buf_text(form, "--" GCH_FORM_BOUNDARY "--\r\n");
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
