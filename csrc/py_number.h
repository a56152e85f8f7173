/* Numbers out of whatever a caller passes as one.
 *
 * float and int are taken as they are; other objects by __index__, by what genesis_ch._plain makes of them (numpy
 * scalars, Enum, timedelta), or by float(), which also reads text. A list or array of one element counts as its
 * element. Return values as in py_state.h.
 */
#ifndef GCH_PY_NUMBER_H
#define GCH_PY_NUMBER_H

#include "py_state.h"

/* NaN and counted: the value is no number. An int too large for a double becomes an infinity and is counted. */
int gch_number_f64(struct gch_convert *convert, PyObject *value, double *number);

/* 0 and counted: the value is no number, or NaN. Out of range: the nearest that fits, counted. Fractions are cut off.
 */
int gch_number_i32(struct gch_convert *convert, PyObject *value, int32_t *number);
int gch_number_u64(struct gch_convert *convert, PyObject *value, uint64_t *number);

/* The text of an int or float, whatever a subclass (numpy.float64, IntEnum) makes of str(): a new str, NULL with an
 * exception set. An int of more digits than Python converts (sys.set_int_max_str_digits) is written in hexadecimal. */
PyObject *gch_number_text(PyObject *number);

#endif
