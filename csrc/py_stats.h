/* stats(): the counters and the state of a Logger as a dict. docs/operations.md names every entry (tests/test_docs.py
 * compares). */
#ifndef GCH_PY_STATS_H
#define GCH_PY_STATS_H

#include "py_logger.h"

/* A method of Logger without arguments. */
PyObject *gch_stats_get(PyObject *logger, PyObject *unused);

#endif
