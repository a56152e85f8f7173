/* The log methods: their arguments, in the documented order, and the columns they fill. The one list behind binding,
 * the row encoder and the signatures that help() shows (tests/test_signatures.py compares them with
 * genesis_ch/_core.pyi).
 */
#ifndef GCH_PY_METHOD_H
#define GCH_PY_METHOD_H

#include <stdbool.h>

#include "py_state.h"

enum gch_method_id {
    GCH_METHOD_log_llm_interaction,
    GCH_METHOD_log_action,
    GCH_METHOD_log_evolution_run,
    GCH_METHOD_update_evolution_run,
    GCH_METHOD_log_generation,
    GCH_METHOD_log_individual,
    GCH_METHOD_log_pareto_front,
    GCH_METHOD_log_lineage,
    GCH_METHOD_COUNT
};

struct gch_argument {
    const char *name;
    const char *column; /* NULL: of the same name */
    char required;      /* 'r': has no default; then a missing number is NaN, not 0 */
};

struct gch_method {
    const char *name;
    enum gch_table_id table;
    int positional; /* how many may be given by position; the rest are keyword-only */
    int count;
    const struct gch_argument *arguments;
    /* Filled by gch_methods_init. */
    signed char argument_of[GCH_COLUMNS_MAX]; /* by column; -1: none */
    bool required[GCH_COLUMNS_MAX];           /* by column: a missing number is NaN, not 0 */
    signed char timestamp;                    /* the argument that every TIME column takes; -1: none */
};

const struct gch_method *gch_method_get(enum gch_method_id id);

/* Interns the names into the state. -1 with an exception set. */
int gch_methods_init(struct gch_state *state);

/* Puts each argument where it belongs: values[i] is borrowed, NULL when not given. Never fails: a missing argument
 * stays NULL, an unknown or superfluous one is counted; *trouble then names the first, as text with static storage or
 * from kwnames. */
struct gch_bind_trouble {
    const char *what; /* NULL: none */
    PyObject *name;   /* borrowed; of an unknown keyword */
    const char *argument;
};

void gch_bind(const struct gch_state *state, const struct gch_method *method, enum gch_method_id id,
              PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject *values[GCH_ARGUMENTS_MAX],
              struct gch_bind_trouble *trouble);

#endif
