/* One Python value as the value of one column.
 *
 * Never fails for what the value is: what cannot be stored as given is stored as documented in docs/values.md and
 * counted. Return values as in py_state.h. value NULL or None means "not given".
 */
#ifndef GCH_PY_VALUE_H
#define GCH_PY_VALUE_H

#include "py_state.h"

int gch_value_text(struct gch_convert *convert, PyObject *value);
int gch_value_json(struct gch_convert *convert, PyObject *value, const char *absent, int with_numbers);
int gch_value_f64(struct gch_convert *convert, PyObject *value, double absent);
int gch_value_i32(struct gch_convert *convert, PyObject *value);
int gch_value_bool(struct gch_convert *convert, PyObject *value);
int gch_value_null_i32(struct gch_convert *convert, PyObject *value);
int gch_value_null_u64(struct gch_convert *convert, PyObject *value);
int gch_value_null_u16(struct gch_convert *convert, PyObject *value);
int gch_value_u8(struct gch_convert *convert, PyObject *value);
int gch_value_null_text(struct gch_convert *convert, PyObject *value);

/* Nullable(DateTime64(3)); NULL, and counted, when no time can be read from it. */
int gch_value_null_time(struct gch_convert *convert, PyObject *value);

int gch_value_tags(struct gch_convert *convert, PyObject *value);

/* A Map: the count entries that stand in convert->numbers; none, and counted as cut, when they were too many for it. */
void gch_value_numbers(struct gch_convert *convert, size_t count);

#define GCH_ITEMS_MAX 100000

/* The elements of what should be a list, as a new list: text, bytes and mappings count as one element, and so does what
 * cannot be iterated. An iterator is asked for GCH_ITEMS_MAX elements at most. NULL only with *status -1 as in
 * py_state.h, or when memory is short. */
PyObject *gch_items(struct gch_convert *convert, PyObject *value, int *status);

/* Milliseconds since the epoch from a datetime (naive: local time), a date, a number of seconds, or ISO 8601 text; else
 * *ms stays. */
int gch_value_time(struct gch_convert *convert, PyObject *value, int64_t *ms);

#endif
