/* The way to genesis_ch._plain, for values that C does not know, and what becomes of their exceptions. */
#ifndef GCH_PY_PLAIN_H
#define GCH_PY_PLAIN_H

#include "py_state.h"

#define GCH_REPR_MAX 8192

/* Clears an exception of a conversion. 0: there is none any more. -1: it must reach the caller and stays set. */
int gch_forgive(void);

/* The same, and counts the value as replaced if there was one. */
int gch_swallow(struct gch_convert *convert);

/* value turned into plain Python by genesis_ch._plain; NULL: it does not know it, or failed (*status is then 0 or -1 as
 * of gch_forgive). */
PyObject *gch_plain(struct gch_convert *convert, PyObject *value, int *status);

/* The repr of a value, counted as replaced, as a new str; NULL as above. */
PyObject *gch_repr(struct gch_convert *convert, PyObject *value, int *status);

/* Seconds since the epoch of a datetime, date or ISO text as a new float; None for anything else; NULL with an
 * exception set. */
PyObject *gch_plain_seconds(struct gch_convert *convert, PyObject *value);

/* (text, SHA-256, bytes) of a program as a new tuple; NULL with an exception set. */
PyObject *gch_plain_program(struct gch_convert *convert, PyObject *code);
/* A function of one of our Python modules, borrowed, kept in *kept from its first use on; NULL with an exception set.
 */
PyObject *gch_plain_fetch(PyObject **kept, const char *module_name, const char *name);

#endif
