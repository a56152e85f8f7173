#include "rowbinary.h"

#define VARINT_MAX 10

static size_t varint_write(uint8_t *to, uint64_t value)
{
    size_t len = 0;
    while (value >= 0x80) {
        to[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[len++] = (uint8_t)value;
    return len;
}

void gch_rb_varint(struct gch_buf *buf, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    gch_buf_append(buf, bytes, varint_write(bytes, value));
}

void gch_rb_long_string(struct gch_buf *buf, const void *bytes, size_t len)
{
    uint8_t head[VARINT_MAX];
    size_t head_len = varint_write(head, len);
    uint8_t *to = gch_buf_reserve(buf, head_len + len);
    if (to == NULL)
        return;
    memcpy(to, head, head_len);
    if (len != 0)
        memcpy(to + head_len, bytes, len);
    buf->len += head_len + len;
}

static uint64_t load_big_endian(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return __builtin_bswap64(value);
}

void gch_rb_uuid(struct gch_buf *buf, const uint8_t uuid[16])
{
    gch_rb_u64(buf, load_big_endian(uuid));
    gch_rb_u64(buf, load_big_endian(uuid + 8));
}

size_t gch_rb_string_begin(struct gch_buf *buf)
{
    size_t mark = buf->len;
    gch_buf_byte(buf, 0);
    return mark;
}

void gch_rb_string_end(struct gch_buf *buf, size_t mark)
{
    if (buf->status != GCH_OK)
        return;
    uint8_t bytes[VARINT_MAX];
    size_t len = buf->len - mark - 1;
    size_t head = varint_write(bytes, len);
    if (head > 1) {
        if (gch_buf_reserve(buf, head - 1) == NULL)
            return;
        memmove(buf->data + mark + head, buf->data + mark + 1, len);
        buf->len += head - 1;
    }
    memcpy(buf->data + mark, bytes, head);
}

bool gch_rb_take_pair(const uint8_t **at, const uint8_t *end, struct gch_rb_pair *pair)
{
    uint64_t len = 0;
    for (unsigned shift = 0; *at < end && shift < 63; shift += 7) {
        uint8_t byte = *(*at)++;
        len |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            break;
    }
    uint64_t left = (uint64_t)(end - *at);
    if (left < sizeof(pair->number) || len > left - sizeof(pair->number))
        return false;
    pair->name = (const char *)*at;
    pair->len = (size_t)len;
    memcpy(&pair->number, *at + len, sizeof(pair->number));
    *at += len + sizeof(pair->number);
    return true;
}
