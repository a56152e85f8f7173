/* update_evolution_run's values as the payload of an UPDATE frame. */
#ifndef GCH_PY_UPDATE_H
#define GCH_PY_UPDATE_H

#include "py_row.h"

/* Appends it to the row buffer. 0, or -1 as in py_state.h. */
int gch_row_put_update(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values);

#endif
