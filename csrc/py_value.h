/* One Python value as the value of one column.
 *
 * Never fails for what the value is: what cannot be stored as given is stored as documented in docs/values.md and counted. Return
 * values as in py_state.h. value NULL or None means "not given".
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
int gch_value_tags(struct gch_convert *convert, PyObject *value);
int gch_value_usage(struct gch_convert *convert, PyObject *value);

/* Milliseconds since the epoch from a datetime (naive: local time), a date, a number of seconds, or ISO 8601 text; else *ms stays. */
int gch_value_time(struct gch_convert *convert, PyObject *value, int64_t *ms);

#endif
