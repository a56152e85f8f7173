/* One log call's values as rows: column after column, in the order of tables.h. */
#ifndef GCH_PY_ROW_H
#define GCH_PY_ROW_H

#include "logger.h"
#include "py_method.h"

/* What rows of a call share. */
struct gch_row_context {
    struct gch_convert convert;
    struct gch_logger *logger;
};

/* Appends one row of the method's table; values as bound. 0, or -1 as in py_state.h. */
int gch_row_put(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values);

/* Appends the row of one member of a Pareto front: a dict, or anything with such attributes. */
int gch_row_put_pareto(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values,
                       PyObject *individual);

/* Appends the payload of an UPDATE frame. */
int gch_row_put_update(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values);

#endif
