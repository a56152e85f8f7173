/* RowBinary back into Python values, for people who look at a row.
 *
 * The types are read from the segment's SCHEMA frame, so rows of another release are shown as what they are. Every
 * length is checked against what is left: any bytes may come in.
 */
#ifndef GCH_PY_DECODE_H
#define GCH_PY_DECODE_H

#include <stdbool.h>

#include "py_state.h"

#define GCH_DECODE_DEPTH_MAX 16 /* types within types */

struct gch_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* Reads a length-prefixed text; it leads into the bytes. False: there are not enough. */
bool gch_cursor_text(struct gch_cursor *cursor, const char **text, size_t *len);

/* Unsigned LEB128. */
bool gch_cursor_varint(struct gch_cursor *cursor, uint64_t *value);

/* The next value, of the ClickHouse type given as text: numbers, bool, str, None, list and dict; times, UUIDs and
 * decimals as text. NULL: without an exception when the bytes or the type cannot be read, else with it. */
PyObject *gch_decode_value(struct gch_cursor *cursor, const char *type, size_t len, int depth);

#endif
