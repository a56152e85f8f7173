/* JSON text, appended to a buffer.
 *
 * Only the scalars: the walk over Python containers is in py_json.c, which writes brackets, commas and colons itself.
 * Strings are written as UTF-8, escaped only where JSON demands it (quote, backslash, below U+0020); so NUL is \u0000.
 * See utf8.h for the three widths and for what is replaced; each string function returns the number of replacements.
 * NaN and the infinities have no JSON and are written as null; gch_json_double then returns 1, else 0.
 */
#ifndef GCH_JSON_WRITE_H
#define GCH_JSON_WRITE_H

#include "buf.h"

size_t gch_json_latin1(struct gch_buf *buf, const uint8_t *chars,
                       size_t count); /* ASCII takes the fast way, 8 bytes a step */
size_t gch_json_ucs2(struct gch_buf *buf, const uint16_t *chars, size_t count);
size_t gch_json_ucs4(struct gch_buf *buf, const uint32_t *chars, size_t count);
size_t gch_json_bytes(struct gch_buf *buf, const uint8_t *bytes, size_t len); /* bytes that should be UTF-8 */
size_t gch_json_double(struct gch_buf *buf, double value);
void gch_json_int(struct gch_buf *buf, int64_t value);

#endif
