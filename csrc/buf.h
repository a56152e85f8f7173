/* A growable run of bytes with a cap.
 *
 * Owner: whoever calls gch_buf_init; gch_buf_deinit frees the bytes. Not thread-safe.
 * Errors stick: once an append fails (no memory, or past the cap) the buffer keeps what it had, every later append
 * fails too, and gch_buf_status tells why. So an encoder may append a whole row and check once at the end.
 * gch_buf_reset clears the bytes and the error and keeps the memory.
 */
#ifndef GCH_BUF_H
#define GCH_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "status.h"

struct gch_buf {
    uint8_t *data;
    size_t len;
    size_t room; /* bytes that data holds; one more is allocated for the NUL of gch_buf_cstr */
    size_t cap;  /* len never passes this */
    enum gch_status status;
};

void gch_buf_init(struct gch_buf *buf, size_t cap);
void gch_buf_deinit(struct gch_buf *buf);
void gch_buf_reset(struct gch_buf *buf);

/* Frees the memory when more than keep bytes are allocated; use after a rare large row. Also resets. */
void gch_buf_shrink(struct gch_buf *buf, size_t keep);

/* Cuts the bytes back to len (a mark taken earlier); clears no error. */
void gch_buf_truncate(struct gch_buf *buf, size_t len);

/* The slow path of gch_buf_reserve: grows by half or to what is needed, whichever is more. */
enum gch_status gch_buf_grow(struct gch_buf *buf, size_t more) GCH_MUST_CHECK;

/* Makes room for more bytes, at least 1, behind len and returns where they go, or NULL after an error. The caller then
 * raises len. */
static inline uint8_t *gch_buf_reserve(struct gch_buf *buf, size_t more)
{
    if (more > buf->room - buf->len || buf->status != GCH_OK) {
        if (gch_buf_grow(buf, more) != GCH_OK)
            return NULL;
    }
    return buf->data + buf->len;
}

static inline void gch_buf_append(struct gch_buf *buf, const void *bytes, size_t len)
{
    uint8_t *to = len == 0 ? NULL : gch_buf_reserve(buf, len);
    if (to != NULL) {
        memcpy(to, bytes, len);
        buf->len += len;
    }
}

static inline void gch_buf_byte(struct gch_buf *buf, uint8_t byte)
{
    uint8_t *to = gch_buf_reserve(buf, 1);
    if (to != NULL) {
        *to = byte;
        buf->len += 1;
    }
}

void gch_buf_text(struct gch_buf *buf, const char *text);
void gch_buf_printf(struct gch_buf *buf, const char *format, ...) GCH_PRINTF(2, 3);

/* Puts a NUL behind the bytes, uncounted, and returns them as text; NULL after an error. */
const char *gch_buf_cstr(struct gch_buf *buf);

static inline enum gch_status gch_buf_status(const struct gch_buf *buf)
{
    return buf->status;
}

#endif
