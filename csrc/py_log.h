/* The eight log methods: bind, convert, append, return. */
#ifndef GCH_PY_LOG_H
#define GCH_PY_LOG_H

#include "py_logger.h"

/* The methods, for Logger's method table; ends with a zeroed entry. */
extern PyMethodDef gch_log_methods[GCH_METHOD_COUNT];

#endif
