/* The log methods: their arguments, in the documented order, and the columns they fill. The one list behind binding,
 * the row encoder and the signatures that help() shows (tests/test_signatures.py compares them with
 * genesis_ch/_core.pyi).
 */
#ifndef GCH_PY_METHOD_H
#define GCH_PY_METHOD_H

#include <stdbool.h>

#include "py_context.h"

enum gch_method_id {
    GCH_METHOD_log_llm_interaction,
    GCH_METHOD_log_action,
    GCH_METHOD_log_evolution_run,
    GCH_METHOD_update_evolution_run,
    GCH_METHOD_log_generation,
    GCH_METHOD_log_individual,
    GCH_METHOD_log_pareto_front,
    GCH_METHOD_log_lineage,
    GCH_METHOD_log_trace,
    GCH_METHOD_log_observation,
    GCH_METHOD_log_score,
    GCH_METHOD_log_dataset_run_item,
    GCH_METHOD_log_event,
    GCH_METHOD_log_blob,
    GCH_METHOD_delete_trace,
    GCH_METHOD_delete_observation,
    GCH_METHOD_delete_score,
    GCH_METHOD_delete_dataset_run_item,
    GCH_METHOD_delete_blob,
    GCH_METHOD_COUNT, /* those above are methods of Logger */
    GCH_METHOD_program = GCH_METHOD_COUNT,
    GCH_METHOD_END
};

struct gch_argument {
    const char *name;
    const char *column; /* NULL: of the same name */
    char required;      /* 'r': has no default; then a missing number is NaN, not 0. 'n': only the latter */
};

/* How the columns of the table with ids are filled, beyond one argument for one column. */
enum gch_method_kind {
    GCH_KIND_PLAIN,
    GCH_KIND_KEPT,   /* rows have an id, which the method returns */
    GCH_KIND_DELETE, /* as KEPT: the row takes the id away */
};

struct gch_method {
    const char *name;
    enum gch_table_id table;
    int positional; /* how many may be given by position; the rest are keyword-only */
    int count;
    const struct gch_argument *arguments;
    enum gch_method_kind kind;
    /* Filled by gch_methods_init. */
    signed char argument_of[GCH_COLUMNS_MAX]; /* by column; -1: none */
    bool required[GCH_COLUMNS_MAX];           /* by column: a missing number is NaN, not 0 */
    /* Arguments that matter beyond their column; -1: none. */
    signed char timestamp; /* the one that every TIME column takes */
    signed char usage;
    signed char input_tokens;
    signed char output_tokens;
    signed char cost;
    signed char context[GCH_CONTEXT_COUNT]; /* the one that each entry of the context fills (py_context.h) */
};

const struct gch_method *gch_method_get(enum gch_method_id id);

/* The place of an argument in the method's values; the argument is there. */
int gch_method_argument(enum gch_method_id id, const char *name);

/* Interns the names into the state. -1 with an exception set. */
int gch_methods_init(struct gch_state *state);

/* Puts each argument where it belongs: values[i] is borrowed, NULL when not given. Never fails: an unknown or
 * superfluous one is left out; *trouble then names the first, as text with static storage or from kwnames. */
struct gch_bind_trouble {
    const char *what; /* NULL: none */
    PyObject *name;   /* borrowed; of an unknown keyword */
    const char *argument;
};

void gch_bind(const struct gch_state *state, const struct gch_method *method, enum gch_method_id id,
              PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, PyObject *values[GCH_ARGUMENTS_MAX],
              struct gch_bind_trouble *trouble);

/* Once all are in place: names a missing one, unless there is trouble already. */
void gch_bind_check(const struct gch_method *method, PyObject *const *values, struct gch_bind_trouble *trouble);

#endif
