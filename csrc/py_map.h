/* A mapping as Map(String, String), keys as text, values as in a String column.
 *
 * Never fails for what the value is; return values as in py_state.h. NULL or None: an empty map. What is no mapping and
 * has no plain form that is one stands under the one key "value". Where two keys have the same text, the last stays.
 */
#ifndef GCH_PY_MAP_H
#define GCH_PY_MAP_H

#include "py_state.h"

int gch_value_map(struct gch_convert *convert, PyObject *value);

#endif
