#include "multipart.h"

#include <inttypes.h>
#include <stdio.h>

#include "thread.h"

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

void gch_multipart_init(struct gch_multipart *form, size_t cap)
{
    gch_buf_init(&form->bytes, cap);
    form->boundary[0] = '\0';
}

void gch_multipart_deinit(struct gch_multipart *form)
{
    gch_buf_deinit(&form->bytes);
}

void gch_multipart_begin(struct gch_multipart *form)
{
    uint64_t random[2];
    gch_random(random, sizeof(random));
    gch_buf_shrink(&form->bytes, GCH_MULTIPART_KEPT_MAX);
    (void)snprintf(form->boundary, sizeof(form->boundary), "genesis-ch-%016" PRIx64 "%016" PRIx64, random[0],
                   random[1]);
}

static void begin_field(struct gch_multipart *form, const char *prefix, const char *name, const char *more)
{
    gch_buf_printf(&form->bytes, "--%s\r\nContent-Disposition: form-data; name=\"%s%s\"%s\r\n\r\n", form->boundary,
                   prefix, name, more);
}

void gch_multipart_put_text(struct gch_multipart *form, const char *name, const char *text)
{
    begin_field(form, "", name, "");
    gch_buf_text(&form->bytes, text);
    gch_buf_text(&form->bytes, "\r\n");
}

void gch_multipart_put_parameter(struct gch_multipart *form, const char *name, const char *value, size_t len)
{
    begin_field(form, "param_", name, "");
    for (size_t i = 0; i < len; i++) {
        const char *escape = escape_of(value[i]);
        if (escape != NULL)
            gch_buf_text(&form->bytes, escape);
        else
            gch_buf_byte(&form->bytes, (uint8_t)value[i]);
    }
    gch_buf_text(&form->bytes, "\r\n");
}

void gch_multipart_begin_file(struct gch_multipart *form, const char *name)
{
    begin_field(form, "", name, "; filename=\"rows\"\r\nContent-Type: application/octet-stream");
}

void gch_multipart_end_file(struct gch_multipart *form)
{
    gch_buf_text(&form->bytes, "\r\n");
}

void gch_multipart_end(struct gch_multipart *form)
{
    gch_buf_printf(&form->bytes, "--%s--\r\n", form->boundary);
}
