/* Costs in US dollars as Decimal(18, 12).
 *
 * A number is an int, float, Decimal, Fraction, or text that float() reads; a float counts as its shortest digits.
 * Beyond +-999999.999999999999 it is stored as that and counted as clamped. What is no number, NaN too, is unknown:
 * NULL, or left out of a map, and counted as replaced; it is never 0. Return values as in py_state.h; NULL or None: not
 * given.
 */
#ifndef GCH_PY_COST_H
#define GCH_PY_COST_H

#include <stdbool.h>

#include "py_state.h"
#include "usage.h"

/* What the cost columns of one row share. Zeroed by the caller before the first of them. */
struct gch_costs {
    size_t at;     /* where the entries of the first map lie in convert->row */
    size_t len;    /* bytes of them */
    size_t count;  /* entries */
    int64_t total; /* 10^-12 dollars */
    bool has_total;
};

/* Nullable(Decimal(18, 12)). */
int gch_value_null_decimal(struct gch_convert *convert, PyObject *value);

/* Map(LowCardinality(String), Decimal(18, 12)) of what the caller said: a mapping, nested ones under dotted names, or a
 * number, which is the total. Comes before the two below in the row. */
int gch_value_costs_given(struct gch_convert *convert, PyObject *value, struct gch_costs *costs);

/* The same type: what was given with a total, or, when nothing was, priced, of gch_cost_of_usage or gch_prices_find, or
 * NULL. input_cost, output_cost and total_cost are input, output and total. A total that was not given is the sum of
 * the names without a dot. */
int gch_value_costs(struct gch_convert *convert, struct gch_costs *costs, PyObject *priced);

/* Nullable(Decimal(18, 12)): the total of gch_value_costs. */
void gch_value_costs_total(struct gch_convert *convert, const struct gch_costs *costs);

/* What a usage itself says the call cost (OpenRouter and LiteLLM: a number named cost; Perplexity: a mapping): a new
 * reference that gch_value_costs takes as priced, or NULL: nothing (*status is then 0), or -1 as in py_state.h. */
PyObject *gch_cost_of_usage(PyObject *usage, int *status);

/* What the buckets cost by the prices of an installed LiteLLM: a new dict of dollars by bucket, or NULL: not known
 * (*status is then 0), or -1 as in py_state.h. */
PyObject *gch_prices_find(struct gch_convert *convert, PyObject *model, PyObject *provider,
                          const struct gch_usage *usage, int *status);

#endif
