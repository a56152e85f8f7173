#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_MIN 64

void gch_buf_init(struct gch_buf *buf, size_t cap)
{
    *buf = (struct gch_buf){.cap = cap < PTRDIFF_MAX ? cap : PTRDIFF_MAX - 1};
}

void gch_buf_deinit(struct gch_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->room = 0;
    gch_buf_reset(buf);
}

void gch_buf_reset(struct gch_buf *buf)
{
    buf->len = 0;
    buf->status = GCH_OK;
}

void gch_buf_shrink(struct gch_buf *buf, size_t keep)
{
    if (buf->room > keep)
        gch_buf_deinit(buf);
    else
        gch_buf_reset(buf);
}

void gch_buf_truncate(struct gch_buf *buf, size_t len)
{
    if (len < buf->len)
        buf->len = len;
}

static size_t room_for(const struct gch_buf *buf, size_t need)
{
    size_t room = buf->room + buf->room / 2;
    if (room < need)
        room = need;
    if (room < ROOM_MIN)
        room = ROOM_MIN;
    return room < buf->cap ? room : buf->cap;
}

enum gch_status gch_buf_grow(struct gch_buf *buf, size_t more)
{
    if (buf->status != GCH_OK)
        return buf->status;
    if (more > buf->cap - buf->len)
        return buf->status = GCH_ERR_TOO_BIG;
    size_t room = room_for(buf, buf->len + more);
    uint8_t *data = realloc(buf->data, room + 1);
    if (data == NULL)
        return buf->status = GCH_ERR_NOMEM;
    buf->data = data;
    buf->room = room;
    return GCH_OK;
}

void gch_buf_text(struct gch_buf *buf, const char *text)
{
    gch_buf_append(buf, text, strlen(text));
}

void gch_buf_printf(struct gch_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    uint8_t *to = len <= 0 ? NULL : gch_buf_reserve(buf, (size_t)len);
    if (to != NULL) {
        /* The NUL falls on the spare byte behind room. */
        vsnprintf((char *)to, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    } else if (len < 0 && buf->status == GCH_OK) {
        buf->status = GCH_ERR_INVALID;
    }
    va_end(again);
    va_end(args);
}

const char *gch_buf_cstr(struct gch_buf *buf)
{
    if (buf->status != GCH_OK || (buf->data == NULL && gch_buf_grow(buf, 0) != GCH_OK))
        return NULL;
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}
