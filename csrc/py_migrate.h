/* Logger._migrate: what a database has been through, what is to be done, and doing it, for the command line.
 *
 * It has a connection of its own and opens no recording: nothing is delivered on the way. It runs in the thread that
 * calls it, without the GIL while the server is spoken to; an embedded server is started when that is the place.
 */
#ifndef GCH_PY_MIGRATE_H
#define GCH_PY_MIGRATE_H

#include "py_logger.h"

extern const char gch_migrate_doc[];

/* _migrate(target, run, again=False): target is the number of the last migration that shall be applied, None for the
 * newest. */
PyObject *gch_migrate(PyObject *self, PyObject *args);

#endif
