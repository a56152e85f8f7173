/* The values of ClickHouse's RowBinary format, little-endian as the processor (segment_format.h checks), appended to a
 * buffer.
 *
 * A row is its columns' values one behind the other with nothing between. RowBinaryWithNamesAndTypes puts a header
 * before the rows: the number of columns, their names, their types.
 */
#ifndef GCH_ROWBINARY_H
#define GCH_ROWBINARY_H

#include <stdbool.h>

#include "buf.h"

/* Unsigned LEB128, at most 10 bytes. */
void gch_rb_varint(struct gch_buf *buf, uint64_t value);

static inline void gch_rb_u8(struct gch_buf *buf, uint8_t value)
{
    gch_buf_byte(buf, value);
}

static inline void gch_rb_u16(struct gch_buf *buf, uint16_t value)
{
    gch_buf_append(buf, &value, sizeof value);
}

static inline void gch_rb_u32(struct gch_buf *buf, uint32_t value)
{
    gch_buf_append(buf, &value, sizeof value);
}

static inline void gch_rb_u64(struct gch_buf *buf, uint64_t value)
{
    gch_buf_append(buf, &value, sizeof value);
}

static inline void gch_rb_i32(struct gch_buf *buf, int32_t value)
{
    gch_rb_u32(buf, (uint32_t)value);
}

/* Also DateTime64: ticks since the epoch. */
static inline void gch_rb_i64(struct gch_buf *buf, int64_t value)
{
    gch_rb_u64(buf, (uint64_t)value);
}

/* The eight bytes as they are: NaN payloads and -0.0 survive. */
static inline void gch_rb_f64(struct gch_buf *buf, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    gch_rb_u64(buf, bits);
}

void gch_rb_long_string(struct gch_buf *buf, const void *bytes, size_t len);

static inline void gch_rb_string(struct gch_buf *buf, const void *bytes, size_t len)
{
    if (len > 127) {
        gch_rb_long_string(buf, bytes, len);
        return;
    }
    uint8_t *to = gch_buf_reserve(buf, len + 1);
    if (to == NULL)
        return;
    to[0] = (uint8_t)len;
    if (len != 0)
        memcpy(to + 1, bytes, len);
    buf->len += len + 1;
}

/* A UUID given in its text order (big-endian), as ClickHouse wants it: two little-endian 64-bit halves. */
void gch_rb_uuid(struct gch_buf *buf, const uint8_t uuid[16]);

/* Strings of unknown length: begin leaves room for a one-byte length, end writes the true one, moving the bytes only
 * when they are 128 or more. Between the two calls append the bytes. */
size_t gch_rb_string_begin(struct gch_buf *buf);
void gch_rb_string_end(struct gch_buf *buf, size_t mark);

/* One entry of a Map(String, ...) of eight-byte numbers, as it stands in a buffer. */
struct gch_rb_pair {
    const char *name;
    size_t len;
    uint64_t number; /* the eight bytes */
};

/* Takes the next entry off; name leads into the bytes. False: at the end, or where the bytes are none. */
bool gch_rb_take_pair(const uint8_t **at, const uint8_t *end, struct gch_rb_pair *pair);

#endif
