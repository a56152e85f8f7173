/* One log call's values as rows: column after column, in the order of tables.h. */
#ifndef GCH_PY_ROW_H
#define GCH_PY_ROW_H

#include "logger.h"
#include "py_cost.h"
#include "py_method.h"
#include "py_usage.h"

/* What rows of a call share. */
struct gch_row_context {
    struct gch_convert convert;
    struct gch_logger *logger;
    struct gch_usage usage; /* of the call, once it was read */
    struct gch_costs costs;
    uint64_t filled;    /* a bit for each argument that the context filled */
    PyObject *provider; /* borrowed, or NULL: whose prices count */
    uint8_t uuid[16];   /* the id of the row, when it is a new one; all zero: none was made yet */
    size_t id_start;    /* where the text of the row's id lies in convert.row */
    size_t id_len;
};

/* A UUID of version 7 as bytes and as text: milliseconds first, so that ids of one hour lie together. */
void gch_row_make_id(struct gch_row_context *context, uint64_t now_ms);

/* Appends one row of the method's table; values as bound. A new id is context->uuid, where that is set. 0, or -1 as in
 * py_state.h. */
int gch_row_put(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values);

/* The same for the observation of a call whose usage was read with its first row. */
int gch_row_put_also(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values);

/* Appends the row of one member of a Pareto front: a dict, or anything with such attributes. */
int gch_row_put_pareto(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values,
                       PyObject *individual);

/* Where the bytes of the text begin that was put into row at before. */
size_t gch_row_text_start(const struct gch_buf *row, size_t before);

#endif
