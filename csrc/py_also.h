/* What one call also writes: the observation of an LLM call, the text and the scores of an individual.
 *
 * The observation has the id of the row in llm_logs. A score's id is made of run, generation, individual and name, so
 * that an individual that is logged again has each score once. With the GIL; return values as in py_state.h.
 */
#ifndef GCH_PY_ALSO_H
#define GCH_PY_ALSO_H

#include "py_row.h"

/* Once the methods are initialised, at the import of the module. */
void gch_also_init(void);

/* New references that the values of a call borrow until it is over. */
#define GCH_HELD_MAX 8
struct gch_held {
    PyObject *objects[GCH_HELD_MAX];
    int count;
    int status; /* -1 as in py_state.h, once an object could not be made because of such an exception */
};

/* Gives the reference to held, and returns it borrowed; NULL stays NULL, without an exception unless held->status is
 * -1. */
PyObject *gch_held_take(struct gch_held *held, PyObject *object);
void gch_held_drop(struct gch_held *held);

/* Puts what the context says into values that were not given, and returns a bit for each of them: a call that changes a
 * row from somewhere else must not move it there, so what the context says counts where nothing is stored. Entries of
 * metadata and tags add up, as those of a call. */
uint64_t gch_also_fill(struct gch_state *state, const struct gch_method *method, PyObject *dict, PyObject **values,
                       struct gch_held *held);

/* A score's value as number, text and type. */
void gch_also_complete_score(PyObject **values, struct gch_held *held);

/* The row of the observation that an LLM call is, behind that of llm_logs in the same context. */
int gch_also_put_observation(struct gch_row_context *context, PyObject *const *values, PyObject *dict);

/* Hash and size of an individual's code, where they were not given; *program: values for GCH_METHOD_program, or
 * untouched when there is no code. */
int gch_also_hash(struct gch_row_context *context, PyObject **values, PyObject *program[2], struct gch_held *held);

/* Numbers of an individual: (name, value) in a new list, from its scores and its metrics. NULL without an exception:
 * none. */
PyObject *gch_also_numbers(const struct gch_row_context *context, PyObject *const *values);

/* The row of one of them. */
int gch_also_put_score(struct gch_row_context *context, PyObject *const *values, PyObject *number, PyObject *dict);

#endif
