/* The token usage of a call: one walk over what the provider's library returned, for all columns that tell of it.
 *
 * The raw numbers stay in convert->numbers and convert->number_count until the next usage or metrics are read; the
 * struct is the caller's. Return values as in py_state.h. NULL or None: not given.
 */
#ifndef GCH_PY_USAGE_H
#define GCH_PY_USAGE_H

#include "py_state.h"
#include "usage.h"

/* Reads a usage: a mapping or an object with such a form, nested as it comes. input_tokens and output_tokens are what
 * the caller says himself, used where the usage does not tell. A part larger than its whole is counted as clamped. */
int gch_value_usage_read(struct gch_convert *convert, PyObject *value, PyObject *input_tokens, PyObject *output_tokens,
                         struct gch_usage *usage);

/* Map(LowCardinality(String), UInt64): the numbers as they were given, under dotted names. */
void gch_value_usage_given(struct gch_convert *convert);

/* The same type: the buckets of usage.h. */
void gch_value_usage_buckets(struct gch_convert *convert, const struct gch_usage *usage);

/* Nullable(UInt64): what the caller said himself, else the whole prompt, or the whole output, as the usage tells. */
void gch_value_usage_input(struct gch_convert *convert, const struct gch_usage *usage);
void gch_value_usage_output(struct gch_convert *convert, const struct gch_usage *usage);

/* Read and given in one, for a row that stores nothing else of it. */
int gch_value_usage(struct gch_convert *convert, PyObject *value);

/* The known buckets as a new dict, the dotted ones too; NULL with an exception set. */
PyObject *gch_usage_dict(const struct gch_usage *usage);

#endif
